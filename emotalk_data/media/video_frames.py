"""What is asked of a clip, and the one way that answers it: open, list the packets, choose, decode.

request ── choose ──> ranks ─┐
source ── borrow ── scan ────┴─> decode ──> RGB, in a new array or in the caller's

Both backends decode the frames that our index names, so they never disagree on which ones are meant.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from emotalk_data.errors import EmotalkError, OptionError, VideoError, quote
from emotalk_data.media.batching import check_threads
from emotalk_data.media.frame_plan import DEFAULT_NUM, FramePolicy, check_choice, choose_frames, scaled_size
from emotalk_data.media.open_containers import Reader, borrow_video
from emotalk_data.media.video_decode import check_result_size, decode_rgb, start_decoder
from emotalk_data.media.video_index import VideoIndex, scan_clip, scan_window
from emotalk_data.media.video_packets import Sample

if TYPE_CHECKING:
    from emotalk_data.archives import ByteSource

__all__ = ["FrameRequest", "VideoBackend", "check_decoding_options", "read_frames", "read_index"]

VideoBackend = Literal["av", "torchcodec"]
"""Which package decodes: PyAV, which is always there, or torchcodec."""

# How much earlier to start when the pictures of a window do not come out of its own key frame.
_SECOND_TRY_SECONDS = 30

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """Which frames, and how large. The fields are the arguments of `VideoClip.frames`.

    Raises:
        OptionError: two ways of choosing at once, or a value that cannot be.
    """

    num: int | None = None
    at_seconds: Sequence[float] | None = None
    frame_rate: float | None = None
    indices: Sequence[int] | None = None
    size: int | tuple[int, int] | None = None
    policy: FramePolicy = "repeat_last"

    def __post_init__(self) -> None:
        check_choice(self.num, self.at_seconds, self.frame_rate, self.indices, self.policy)

    @property
    def num_frames(self) -> int | None:
        """How many frames any clip gives; None when that depends on its length."""
        if self.frame_rate is not None:
            return None
        for chosen in (self.at_seconds, self.indices):
            if chosen is not None:
                return len(chosen)
        return DEFAULT_NUM if self.num is None else int(self.num)

    def choose(self, index: VideoIndex, name: str) -> npt.NDArray[np.intp]:
        """Return the ranks of the frames in the order of the result.

        Raises:
            EmotalkError: as `choose_frames`.
        """
        return choose_frames(
            index.times_seconds,
            index.duration_seconds,
            name,
            num=self.num,
            at_seconds=self.at_seconds,
            frame_rate=self.frame_rate,
            indices=self.indices,
            policy=self.policy,
            tolerance_seconds=index.tolerance_seconds,
        )


def check_decoding_options(num_threads: int, backend: str = "av") -> None:
    """Check what is not about frames.

    Raises:
        OptionError: a value that cannot be.
    """
    check_threads(num_threads)
    if backend not in get_args(VideoBackend):
        raise OptionError(f"backend must be one of {list(get_args(VideoBackend))}; got {quote(backend)}")


def read_frames(
    source: ByteSource,
    name: str,
    request: FrameRequest,
    *,
    num_threads: int = 1,
    backend: VideoBackend = "av",
    out: Frames | None = None,
) -> Frames:
    """Decode what is asked for.

    Args:
        source: the bytes, with their window.
        name: what to call them in a message.
        request: the frames.
        num_threads: threads of the decoder.
        backend: what decodes.
        out: uint8 of exactly the result's shape, to be filled and returned.

    Returns:
        uint8 RGB, shape (frames, height, width, 3), upright.

    Raises:
        EmotalkError: as `VideoClip.frames`.
        OptionError: the result does not fit `out`.
    """
    try:
        try:
            return _read_frames(source, name, request, num_threads, backend, out, 0)
        except VideoError as error:
            if source.window is None:
                raise
            _forget_locals(error)
            return _read_frames(source, name, request, num_threads, backend, out, _SECOND_TRY_SECONDS)
    except EmotalkError as error:
        _forget_locals(error)
        raise


def _forget_locals(error: BaseException) -> None:
    """Let go of the decoder and the packets that an error's traceback holds: a caller may keep the error."""
    cause: BaseException | None = error
    while cause is not None:
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__


def read_index(source: ByteSource, name: str) -> VideoIndex:
    """List the frames without decoding one.

    Raises:
        EmotalkError: as `scan_clip` and `scan_window`.
    """
    with borrow_video(source, name, 1) as reader:
        return _scan(reader, source, name, 0)[1]


def _read_frames(
    source: ByteSource,
    name: str,
    request: FrameRequest,
    num_threads: int,
    backend: VideoBackend,
    out: Frames | None,
    extra_seconds: int,
) -> Frames:
    with borrow_video(source, name, num_threads if backend == "av" else 1) as reader:
        samples, index = _scan(reader, source, name, extra_seconds)
        ranks = request.choose(index, name)
        stream = reader.video.stream
        context = stream.codec_context
        check_result_size(len(ranks), *scaled_size(context.height, context.width, request.size), name)
        if not reader.is_started:
            start_decoder(stream, num_threads if backend == "av" else 1)
            reader.is_started = True
        if backend == "av":
            return decode_rgb(stream, samples, ranks, request.size, name, out)
        from emotalk_data.media.torchcodec_backend import decode_with_torchcodec

        return decode_with_torchcodec(source, reader, samples, ranks, request.size, name, num_threads, out)


def _scan(
    reader: Reader, source: ByteSource, name: str, extra_seconds: int
) -> tuple[list[Sample], VideoIndex]:
    _, container, stream = reader.video
    if source.window is None:
        return scan_clip(container, stream, source, name)
    samples, index = scan_window(
        container,
        stream,
        source.window,
        name,
        extra_seconds=extra_seconds,
        origin_ticks=reader.origin_ticks,
    )
    reader.origin_ticks = index.origin_ticks
    return samples, index

"""Decode exactly the frames that are wanted, and write them as RGB where they are wanted.

    packets    I0 P3 b1 b2 P6 b4 b5 | I9 …       b: no other picture refers to it
    wanted           b1                 I9
    fed        I0 P3 b1             | I9         the rest is not touched

Frames are the same as in a decode of everything. When the shortcut does not give all of them, because a
file's key frames are not what they say, everything is decoded.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from emotalk_data.errors import LimitError, VideoError
from emotalk_data.media.container import MAX_PIXELS, ffmpeg_errors
from emotalk_data.media.frame_plan import scaled_size
from emotalk_data.media.video_packets import Sample

if TYPE_CHECKING:
    from av.buffer import Buffer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

__all__ = ["Orientation", "check_result_size", "decode_frames", "decode_rgb", "feeding_runs", "start_decoder"]

MAX_RESULT_BYTES = 2 << 30

Frames = npt.NDArray[np.uint8]

_ONE = 1 << 16


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a coded picture is turned to stand upright: swap the axes first, then flip.

    Attributes:
        is_swapped: rows become columns.
        flips_rows: then upside down.
        flips_columns: then left to right.
    """

    is_swapped: bool = False
    flips_rows: bool = False
    flips_columns: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Orientation:
        """Read the display matrix of a frame; one that is no quarter turn or mirror image is ignored.

        The matrix takes a coded point (column p, row q) to (a·p + c·q, b·p + d·q).
        """
        side_data = frame.side_data.get("DISPLAYMATRIX")
        # PyAV's types know the item as an object only.
        matrix = bytes(cast("Buffer", side_data)) if side_data is not None else b""
        if len(matrix) != struct.calcsize("=9i"):
            return cls()
        a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
        if (abs(a), b, c, abs(d)) == (_ONE, 0, 0, _ONE):
            return cls(False, d < 0, a < 0)
        if (a, abs(b), abs(c), d) == (0, _ONE, _ONE, 0):
            return cls(True, b < 0, c < 0)
        return cls()

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) after turning; also before, since turning back swaps the same axes."""
        return (width, height) if self.is_swapped else (height, width)

    def apply(self, picture: Frames) -> Frames:
        """Return a view of (height, width, 3) that stands upright."""
        if self.is_swapped:
            picture = picture.transpose(1, 0, 2)
        return picture[:: -1 if self.flips_rows else 1, :: -1 if self.flips_columns else 1]


def start_decoder(stream: VideoStream, num_threads: int) -> None:
    """Set the decoder up within our limits.

    FFmpeg's `err_detect=explode` is not used: it refuses the first pictures after an open GOP's key frame,
    which are right, and finds no damage that is not marked on the frame or missing.
    """
    context = stream.codec_context
    # "strict" makes a decoder wait for as many pictures as reordering may need, instead of guessing.
    context.options = {"strict": "1", "max_pixels": str(MAX_PIXELS)}
    context.thread_count = num_threads
    context.thread_type = "FRAME" if num_threads > 1 else "NONE"


def check_result_size(num_frames: int, height: int, width: int, name: str) -> None:
    """Refuse a result that would not fit in memory, before anything is decoded.

    Raises:
        LimitError: more than 2 GiB.
    """
    if num_frames * height * width * 3 > MAX_RESULT_BYTES:
        raise LimitError(
            f"{num_frames} frames of {width}x{height} from {name} are more than 2 GiB. "
            "Ask for fewer at a time, or for smaller ones with size="
        )


def decode_rgb(
    stream: VideoStream,
    samples: list[Sample],
    ranks: npt.NDArray[np.intp],
    size: int | tuple[int, int] | None,
    name: str,
) -> Frames:
    """Decode frames into one array.

    Args:
        stream: its decoder is prepared by `start_decoder`.
        samples: all packets of the clip.
        ranks: frames in the order of the result, repeats allowed.
        size: as in `scaled_size`.
        name: what to call the clip in a message.

    Returns:
        uint8 RGB, shape (frames, height, width, 3), upright.

    Raises:
        VideoError: a wanted frame is damaged or does not come out of the decoder.
    """
    wanted, places = np.unique(ranks, return_inverse=True)
    result: Frames | None = None
    for rank, frame in decode_frames(stream, samples, wanted.tolist(), name):
        if result is None:
            orientation, reformatter = Orientation.of(frame), _reformatter()
            height, width = scaled_size(*orientation.size(frame.height, frame.width), size)
            check_result_size(len(ranks), height, width, name)
            result = np.empty((len(ranks), height, width, 3), np.uint8)
            coded_height, coded_width = orientation.size(height, width)
        with ffmpeg_errors(name, "conversion to RGB"):
            rgb = reformatter.reformat(frame, coded_width, coded_height, "rgb24", threads=1)
        plane = rgb.planes[0]
        picture: Frames = np.ndarray(
            (coded_height, coded_width, 3),
            np.uint8,
            buffer=memoryview(plane),
            strides=(plane.line_size, 3, 1),
        )
        first, *others = np.flatnonzero(places == np.searchsorted(wanted, rank))
        result[first] = orientation.apply(picture)
        for other in others:
            result[other] = result[first]
    if result is None:
        raise VideoError(f"{name}: no frame could be decoded")
    return result


def feeding_runs(
    samples: list[Sample], wanted: Collection[int], *, is_linear: bool = False
) -> list[list[int]]:
    """Choose the packets that the decoder needs for the wanted frames.

    Args:
        samples: in decoding order.
        wanted: ranks of frames, at least one.
        is_linear: feed everything up to the last wanted packet.

    Returns:
        Positions in `samples`, ascending. The decoder is emptied and restarted between two runs.
    """
    positions = [place for place, sample in enumerate(samples) if sample.rank in wanted]
    if is_linear:
        return [list(range(positions[-1] + 1))]
    starts = _starts(samples, positions)
    runs: list[list[int]] = [[]]
    cursor, entry_pts = 0, samples[0].pts
    for position, start in zip(positions, starts, strict=True):
        if start > cursor:
            runs.append([])
            cursor, entry_pts = start, samples[start].pts
        for place in range(cursor, position):
            # What is shown before its key frame may need pictures before it; nothing after it needs it.
            if not samples[place].is_disposable and samples[place].pts >= entry_pts:
                runs[-1].append(place)
        runs[-1].append(position)
        cursor = position + 1
    return [run for run in runs if run]


def _starts(samples: list[Sample], positions: list[int]) -> list[int]:
    """For each wanted packet the last key frame from which it and all wanted ones after it can be decoded."""
    entries = [place for place, sample in enumerate(samples) if sample.is_entry]
    starts = []
    for position in positions:
        at = bisect_right(entries, position) - 1
        while at >= 0 and samples[entries[at]].pts > samples[position].pts:
            at -= 1
        starts.append(entries[at] if at >= 0 else 0)
    for place in range(len(starts) - 2, -1, -1):
        starts[place] = min(starts[place], starts[place + 1])
    return starts


def decode_frames(
    stream: VideoStream, samples: list[Sample], wanted: list[int], name: str
) -> Iterator[tuple[int, VideoFrame]]:
    """Yield each wanted frame once; the shortcut first, then for what it did not give, everything.

    Args:
        stream: its decoder is prepared by `start_decoder`.
        samples: all packets of the clip; their time stamps are replaced.
        wanted: ranks of frames, at least one.
        name: what to call the clip in a message.

    Yields:
        rank and frame, in the order the decoder gives them. None is kept.

    Raises:
        VideoError: a wanted frame is damaged or does not come out of the decoder.
    """
    missing = set(wanted)
    for place, sample in enumerate(samples):
        # Decoders hand time stamps through. Ranks in their place tell frames apart even where times repeat.
        sample.packet.pts = -1 - place if sample.rank is None else sample.rank
        sample.packet.dts = None
    for is_linear in (False, True):
        runs = feeding_runs(samples, missing, is_linear=is_linear)
        try:
            for frame in _frames(stream, samples, runs, name):
                if frame.pts in missing:
                    missing.discard(frame.pts)
                    yield frame.pts, frame
                    if not missing:
                        return
        except VideoError:
            if is_linear or runs == feeding_runs(samples, missing, is_linear=True):
                raise
        stream.codec_context.flush_buffers()
    raise VideoError(
        f"{name} is cut or damaged: {len(missing)} of {len(wanted)} frames did not come out of the decoder, "
        f"the first is frame {min(missing)}"
    )


def _frames(
    stream: VideoStream, samples: list[Sample], runs: list[list[int]], name: str
) -> Iterator[VideoFrame]:
    context = stream.codec_context
    with ffmpeg_errors(name, "decoding"):
        for number, run in enumerate(runs):
            if number:
                context.flush_buffers()
            for packet in [*(samples[place].packet for place in run), None]:
                for frame in context.decode(packet):
                    if frame.is_corrupt and not _is_settling(samples, frame):
                        raise VideoError(f"{name} is damaged: the decoder marks frame {frame.pts} as corrupt")
                    yield frame


def _is_settling(samples: list[Sample], frame: VideoFrame) -> bool:
    return frame.pts is not None and frame.pts < 0 and samples[-1 - frame.pts].is_settling


def _reformatter() -> VideoReformatter:
    from av.video.reformatter import VideoReformatter

    return VideoReformatter()

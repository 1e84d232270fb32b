"""Decode exactly the frames that are wanted, and write them as RGB where they are wanted.

    packets    I0 P3 b1 b2 P6 b4 b5 | I9 …       b: no other picture refers to it
    wanted           b1                 I9
    fed        I0 P3 b1             | I9         the rest is not touched

Frames are the same as in a decode of everything. When the shortcut does not give all of them, because a
file's key frames are not what they say, everything is decoded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from emotalk_data.errors import LimitError, OptionError, VideoError
from emotalk_data.media.container import MAX_PIXELS, ffmpeg_errors
from emotalk_data.media.frame_plan import scaled_size
from emotalk_data.media.video_orientation import Orientation
from emotalk_data.media.video_packets import Sample

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

__all__ = [
    "check_result_size",
    "decode_frames",
    "decode_rgb",
    "feeding_runs",
    "result_array",
    "start_decoder",
]

MAX_RESULT_BYTES = 2 << 30

Frames = npt.NDArray[np.uint8]


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


def result_array(num_frames: int, height: int, width: int, name: str, out: Frames | None) -> Frames:
    """Return `out`, or a new array when it is None.

    Raises:
        OptionError: the frames do not fit `out`.
        LimitError: more than 2 GiB.
    """
    shape = (num_frames, height, width, 3)
    if out is None:
        check_result_size(num_frames, height, width, name)
        return np.empty(shape, np.uint8)
    if out.shape != shape:
        raise OptionError(
            f"{name} gives frames of shape {shape}; {out.shape} were expected. Pass size=(height, width)"
        )
    return out


def decode_rgb(
    stream: VideoStream,
    samples: list[Sample],
    ranks: npt.NDArray[np.intp],
    size: int | tuple[int, int] | None,
    name: str,
    out: Frames | None = None,
) -> Frames:
    """Decode frames into one array.

    Args:
        stream: its decoder is prepared by `start_decoder`.
        samples: all packets of the clip.
        ranks: frames in the order of the result, repeats allowed.
        size: as in `scaled_size`.
        name: what to call the clip in a message.
        out: uint8 of the result's shape, to be filled and returned instead of a new array.

    Returns:
        uint8 RGB, shape (frames, height, width, 3), upright.

    Raises:
        VideoError: a wanted frame is damaged or does not come out of the decoder.
        OptionError: the frames do not fit `out`.
    """
    wanted, places = np.unique(ranks, return_inverse=True)
    result: Frames | None = None
    for rank, frame in decode_frames(stream, samples, wanted.tolist(), name):
        if result is None:
            orientation, reformatter = Orientation.of(frame), _reformatter()
            height, width = scaled_size(*orientation.size(frame.height, frame.width), size)
            result = result_array(len(ranks), height, width, name, out)
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
            yield from _frames(stream, samples, runs, missing, name)
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
    stream: VideoStream, samples: list[Sample], runs: list[list[int]], missing: set[int], name: str
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode some runs of packets, and yield frames that are missing until none is.

    It ends by itself: what is raised while an abandoned generator is collected, such as Ctrl-C, nobody hears.
    """
    context = stream.codec_context
    with ffmpeg_errors(name, "decoding"):
        for number, run in enumerate(runs):
            if number:
                context.flush_buffers()
            for packet in [*(samples[place].packet for place in run), None]:
                for frame in context.decode(packet):
                    if frame.is_corrupt and not _is_settling(samples, frame):
                        raise VideoError(f"{name} is damaged: the decoder marks frame {frame.pts} as corrupt")
                    if frame.pts in missing:
                        missing.discard(frame.pts)
                        yield frame.pts, frame
                        if not missing:
                            return


def _is_settling(samples: list[Sample], frame: VideoFrame) -> bool:
    return frame.pts is not None and frame.pts < 0 and samples[-1 - frame.pts].is_settling


def _reformatter() -> VideoReformatter:
    from av.video.reformatter import VideoReformatter

    return VideoReformatter()

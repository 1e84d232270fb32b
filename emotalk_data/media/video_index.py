"""The packets of a clip and the presentation times of its frames, from one pass without decoding.

Packets lie in decoding order, frames are shown in the order of their times:

    decoding order       I0  P3  B1  B2  P6 …
    presentation time     0   3   1   2   6
    rank (frame index)    0   3   1   2   6

A window is read from the last key frame at or before its start, so a GB-sized episode costs a few hundred KB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from emotalk_data.errors import LimitError, SpanError, VideoError
from emotalk_data.media.container import count_samples
from emotalk_data.media.video_packets import (
    MAX_SECONDS,
    KeptSamples,
    Sample,
    read_samples,
    read_samples_from,
    reordering_slack,
)

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from emotalk_data.archives import ByteSource

__all__ = ["VideoIndex", "Window", "scan_clip", "scan_window"]

Window = tuple[float, float | None]

# How much of the end of a window the file may lack: sound and pictures seldom end at the same moment.
_END_TOLERANCE = Fraction(1, 2)
_MAX_ROUNDING = Fraction(1, 2000)


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """What is known of a clip once its packets were seen.

    Attributes:
        times_seconds: presentation time of each frame from the clip's start; float64, ascending.
        duration_seconds: length of the clip: of the window, as far as the video fills it.
        frame_rate: average frames per second.
        tolerance_seconds: times closer than this are equal: half a tick of the stream, at most 0.5 ms.
        origin_ticks: presentation time of the first frame of the whole video, in ticks of the stream.
    """

    times_seconds: npt.NDArray[np.float64]
    duration_seconds: float
    frame_rate: float
    tolerance_seconds: float
    origin_ticks: int


def scan_clip(
    container: InputContainer, stream: VideoStream, source: ByteSource, name: str
) -> tuple[list[Sample], VideoIndex]:
    """Read all packets of a whole file.

    Args:
        container: opened and not yet read.
        stream: the picture stream.
        source: what was opened.
        name: what to call it in a message.

    Returns:
        The samples in decoding order, and the index of their frames.

    Raises:
        VideoError: damaged, cut, or without a frame.
        LimitError: longer than `MAX_SECONDS`, or larger than any real utterance.
    """
    time_base = _time_base(stream)
    declared = _declared_seconds(container, stream)
    if declared is not None and declared > MAX_SECONDS:
        raise _too_long(name, float(declared))
    samples = KeptSamples(name)
    latest: float = math.inf
    for sample in read_samples(container, stream, name):
        if not samples:
            latest = sample.pts + math.floor(MAX_SECONDS / time_base)
        samples.append(sample)
        if sample.pts > latest:
            raise _too_long(name, float((sample.pts - samples[0].pts) * time_base))
    _check_complete(container, stream, len(samples), source, name)
    if not samples:
        raise VideoError(f"{name} has zero video frames")
    shown = _rank(samples, name)
    origin, end = shown[0].pts, _end_of(shown, stream)
    _check_reaches(stream, (end - origin) * time_base, name)
    return samples, _index(shown, stream, origin, origin, (end - origin) * time_base)


def scan_window(
    container: InputContainer,
    stream: VideoStream,
    window: Window,
    name: str,
    *,
    extra_seconds: int = 0,
    origin_ticks: int | None = None,
) -> tuple[list[Sample], VideoIndex]:
    """Read the packets of one window of a file: frames with start <= time < end.

    Times count from the first frame of the video and are compared with half a tick of tolerance.

    Args:
        container: opened and not yet read, unless `origin_ticks` is known.
        stream: the picture stream.
        window: (start, end) in seconds; end None for the end of the video.
        name: what to call it in a message.
        extra_seconds: begin at a key frame that much earlier, for files whose key frames do not stand alone.
            What is damaged before the last key frame is then taken for a decoder that settles.
        origin_ticks: the time of the first frame, where an earlier reading of the container has found it.

    Returns:
        The samples from the key frame on, and the index of the frames inside the window.

    Raises:
        VideoError: damaged or cut.
        SpanError: the window begins or ends after the video.
        LimitError: larger than any real utterance.
    """
    time_base = _time_base(stream)
    tolerance = min(time_base / 2, _MAX_ROUNDING)
    # The decimals that were written, not the binary fraction next to them.
    start, end = (None if edge is None else Fraction(str(edge)) for edge in window)
    start = start or Fraction(0)
    first = math.ceil((start - tolerance) / time_base)
    extra = math.ceil(extra_seconds / time_base)
    origin, stream_samples = read_samples_from(
        container, stream, max(first - extra, 0), name, origin_ticks=origin_ticks
    )
    low, keep_from = origin + first, origin + first - extra
    high = None if end is None else origin + math.ceil((end - tolerance) / time_base)
    slack = reordering_slack(container, stream)
    samples = KeptSamples(name)
    settled = 0
    last_end = origin
    for sample in stream_samples:
        if sample.packet.is_keyframe and sample.pts <= keep_from:
            samples.clear()
        if sample.packet.is_keyframe and sample.pts <= low:
            settled = len(samples)
        samples.append(sample)
        last_end = max(last_end, sample.pts + (sample.packet.duration or 0))
        # No later packet is shown before it is decoded.
        if high is not None and sample.packet.dts is not None and sample.packet.dts >= high + slack:
            break
    else:
        length = (last_end - origin) * time_base
        _check_reaches(stream, length, name)
        if end is not None and end - length > _END_TOLERANCE:
            raise SpanError(f"{name}: the window ends after the video, which is {float(length):.3f} s long")
    for sample in samples[:settled]:
        sample.is_settling = True
    shown = _rank(samples, name, low, high)
    covered = (max(last_end, _end_of(shown, stream)) - origin) * time_base
    stop = covered if end is None else min(end, covered)
    return samples, _index(shown, stream, origin, origin + start / time_base, stop - start)


def _time_base(stream: VideoStream) -> Fraction:
    return Fraction(stream.time_base or 0)


def _declared_seconds(container: InputContainer, stream: VideoStream) -> Fraction | None:
    if stream.duration is not None and stream.duration > 0:
        return stream.duration * _time_base(stream)
    return None if container.duration is None else Fraction(container.duration, 1_000_000)


def _too_long(name: str, seconds: float) -> LimitError:
    return LimitError(
        f"{name} is {seconds:.1f} s long; the limit for a whole file is {MAX_SECONDS} s. "
        "To read a part of an episode, add its window to the path: #t=<start>,<end>"
    )


def _rank(samples: list[Sample], name: str, low: int | None = None, high: int | None = None) -> list[Sample]:
    """Number the frames inside [low, high) in the order they are shown, and return them so."""
    shown = [
        sample
        for sample in samples
        if not sample.packet.is_discard
        and (low is None or sample.pts >= low)
        and (high is None or sample.pts < high)
    ]
    if not shown:
        what = "no video frame is shown" if low is None else "there is no frame inside the window"
        raise (VideoError if low is None else SpanError)(f"{name}: {what}")
    shown.sort(key=lambda sample: sample.pts)
    for rank, sample in enumerate(shown):
        sample.rank = rank
    return shown


def _end_of(shown: list[Sample], stream: VideoStream) -> int:
    last = shown[-1]
    if last.packet.duration:
        return last.pts + last.packet.duration
    # MPEG-TS and FLV give no durations: the last frame lasts as long as the one before it, or as most do.
    if len(shown) > 1:
        return last.pts + max(last.pts - shown[-2].pts, 1)
    return last.pts + max(round(1 / ((stream.average_rate or 25) * _time_base(stream))), 1)


def _index(
    shown: list[Sample], stream: VideoStream, origin: int, start: int | Fraction, seconds: Fraction
) -> VideoIndex:
    """Build the index of frames whose clip begins at `start` ticks and lasts `seconds`."""
    time_base = _time_base(stream)
    # One division of whole numbers for each frame: nothing is rounded before it.
    first = Fraction(start)
    parts, shift = first.denominator, first.numerator
    up, down = (time_base / parts).as_integer_ratio()
    times = np.array([(sample.pts * parts - shift) * up / down for sample in shown], np.float64)
    covered = (_end_of(shown, stream) - shown[0].pts) * time_base
    return VideoIndex(
        # A frame that half a tick of tolerance let in must not begin before the clip.
        times_seconds=np.maximum(times, 0.0),
        duration_seconds=float(seconds),
        frame_rate=float(len(shown) / covered),
        tolerance_seconds=float(min(time_base / 2, _MAX_ROUNDING)),
        origin_ticks=origin,
    )


def _check_complete(
    container: InputContainer, stream: VideoStream, num_packets: int, source: ByteSource, name: str
) -> None:
    """Compare what was read with what the sample tables of an mp4 or mov promise.

    A fragmented file declares no number; there each fragment was checked to lie inside the file.
    """
    if not container.format.name.startswith("mov") or stream.frames in (0, num_packets):
        return
    # An edit list may leave samples out, so may tables that lie: look again without the edit list.
    located = len(stream.index_entries)
    if num_packets == located and count_samples(source, name) == stream.frames:
        return
    raise VideoError(
        f"{name} is cut or damaged: {num_packets} of {stream.frames} declared frames can be read"
    )


def _check_reaches(stream: VideoStream, length: Fraction, name: str) -> None:
    """Compare the end that was reached with the one that the header declares for this stream, if it does."""
    if stream.duration is None or stream.duration <= 0:
        return
    declared = stream.duration * _time_base(stream)
    if declared - length > max(_END_TOLERANCE, declared / 100):
        raise VideoError(
            f"{name} is cut or damaged: its pictures end after {float(length):.3f} s, "
            f"{float(declared):.3f} s are declared"
        )

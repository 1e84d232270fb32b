"""The packets of a stream in decoding order, checked one by one, from its start or from a key frame on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from emotalk_data.errors import LimitError, SpanError, VideoError
from emotalk_data.media.container import ffmpeg_errors
from emotalk_data.media.video_nal import packet_inspector

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = [
    "MAX_SECONDS",
    "NEAR_SECONDS",
    "KeptSamples",
    "Sample",
    "read_samples",
    "read_samples_from",
    "reordering_slack",
]

MAX_SECONDS = 120
"""A whole file longer than this is an episode, not an utterance: it needs a `#t=` window."""

_MAX_PACKETS = MAX_SECONDS * 300
_MAX_PACKET_BYTES = 512 << 20
# How many seconds earlier to look when a seek does not land at a key frame that is shown in time.
_SEEK_MARGINS = (0, 2, 10, 60)
NEAR_SECONDS = 10
"""A window so near to the video's start is read from there: MPEG-TS cannot seek back to its first key frame."""


@dataclass(slots=True)
class Sample:
    """One packet, in decoding order.

    Attributes:
        packet: as FFmpeg gives it.
        pts: when its picture is shown, in ticks of the stream.
        is_entry: decoding may start here.
        is_disposable: no other picture refers to it.
        rank: index of its frame in the clip; None when an edit list or the window leaves it out.
        is_settling: it only prepares the decoder; its own picture may be damaged.
    """

    packet: Packet[VideoStream]
    pts: int
    is_entry: bool
    is_disposable: bool
    rank: int | None = None
    is_settling: bool = False


def reordering_slack(container: InputContainer, stream: VideoStream) -> int:
    """Return how many ticks decoding times may be off: outside of mp4 FFmpeg works them out itself."""
    return 0 if container.format.name.startswith("mov") else math.ceil(1 / (stream.time_base or 1))


class KeptSamples(list[Sample]):
    """The samples that stay in memory, within bounds that no real utterance meets."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._size_bytes = 0

    def append(self, sample: Sample) -> None:
        """Keep one more.

        Raises:
            LimitError: it is one too many.
        """
        super().append(sample)
        self._size_bytes += sample.packet.size
        if len(self) > _MAX_PACKETS or self._size_bytes > _MAX_PACKET_BYTES:
            raise LimitError(
                f"{self._name} needs more than {len(self) - 1} frames or "
                f"{_MAX_PACKET_BYTES >> 20} MiB to be read at once. Give a shorter window: #t=<start>,<end>"
            )

    def clear(self) -> None:
        """Keep none."""
        super().clear()
        self._size_bytes = 0


def read_samples(container: InputContainer, stream: VideoStream, name: str) -> Iterator[Sample]:
    """Read on from where the demuxer stands, checking each packet."""
    context = stream.codec_context
    inspect = packet_inspector(context.name, context.extradata)
    if container.format.name == "avi" and context.has_b_frames:
        raise VideoError(
            f"{name} is an AVI with B-frames: its frames have no times. Convert it to mp4 or mkv"
        )
    with ffmpeg_errors(name, "reading packets"):
        for packet in container.demux(stream):
            if packet.size == 0 and packet.dts is None:
                return
            # An empty packet would tell the decoder that the video ends here.
            if packet.is_corrupt or packet.size == 0:
                raise VideoError(f"{name} is cut or damaged: the packet at byte {packet.pos} is incomplete")
            if packet.pts is None:
                raise VideoError(f"{name} has a frame without a presentation time, at byte {packet.pos}")
            is_entry, is_disposable = packet.is_keyframe, False
            if inspect is not None:
                is_entry, is_disposable = inspect(memoryview(packet))
            yield Sample(packet, packet.pts, is_entry, is_disposable)


def read_samples_from(
    container: InputContainer,
    stream: VideoStream,
    start_ticks: int,
    name: str,
    *,
    origin_ticks: int | None = None,
) -> tuple[int, Iterator[Sample]]:
    """Find the time of the first frame, and read from a key frame at or before some moment after it.

    Args:
        container: not yet read, unless `origin_ticks` is known.
        stream: the picture stream.
        start_ticks: the moment, from the first frame.
        name: what to call the video in a message.
        origin_ticks: the time of the first frame, where an earlier reading has found it.

    Returns:
        The time of the first frame, and the samples; some from before the last such key frame may come first.
    """
    if origin_ticks is not None:
        return origin_ticks, _seek(container, stream, origin_ticks + start_ticks, origin_ticks, name)
    samples = read_samples(container, stream, name)
    slack = reordering_slack(container, stream)
    head: list[Sample] = []
    origin: int | None = None
    for sample in samples:
        head.append(sample)
        if not sample.packet.is_discard:
            origin = sample.pts if origin is None else min(origin, sample.pts)
        # Nothing is shown before it is decoded, so no later packet is shown earlier than this.
        dts = sample.packet.dts
        if origin is not None and dts is not None and dts >= origin + slack:
            break
    if origin is None:
        raise VideoError(f"{name} has zero video frames")
    if start_ticks * (stream.time_base or 1) <= NEAR_SECONDS:
        return origin, chain(head, samples)
    return origin, _seek(container, stream, origin + start_ticks, origin, name)


def _seek(
    container: InputContainer, stream: VideoStream, pts: int, origin: int, name: str
) -> Iterator[Sample]:
    second = math.ceil(1 / (stream.time_base or 1))
    for margin in _SEEK_MARGINS:
        with ffmpeg_errors(name, "seeking"):
            container.seek(max(pts - margin * second, origin), stream=stream, backward=True)
        samples = read_samples(container, stream, name)
        # Some containers land between key frames, or at one that is shown too late.
        key = next((sample for sample in samples if sample.packet.is_keyframe), None)
        if key is not None and key.pts <= pts:
            yield key
            yield from samples
            return
    raise SpanError(f"{name}: no key frame can be reached before the window; is it after the video's end?")

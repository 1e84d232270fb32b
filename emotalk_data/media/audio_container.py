"""Sound in containers (MP4, Matroska, AVI, MPEG-TS …), by PyAV.

FFmpeg that is left to guess opens other files when a script of its own is called `.mp4`. So it gets an open
file object, never a path, and the container format that the first bytes show.

Sample n is the one heard n / sampling_rate seconds after 0 s, so sound and pictures
stay together: what lies before the first audio frame, or in a hole between two, is zeros.

    0 s (see _zero_seconds)    first frame                hole            declared end
    ├── zeros ────────────────┼── frames ────────────────┼── zeros ──┼── frames ──┤

Spans equal the slice of the whole exactly where time stamps are as fine as samples (MP4, MPEG-TS). In
Matroska and FLV they are whole milliseconds: spans that begin after half a minute may be off by one. AAC
that uses noise substitution has other noise after a seek.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emotalk_data.errors import EmotalkError, quote
from emotalk_data.media.audio_facts import AudioFacts, audio_error, checked_facts
from emotalk_data.media.container import open_video
from emotalk_data.media.sample_tables import excess_of_samples
from emotalk_data.media.video_packets import read_samples_from

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from numpy.typing import NDArray

    from emotalk_data.archives.source import ByteSource

__all__ = ["probe_container", "read_container"]

# Decoders need some frames before the first right one: MP3 ten, Opus 80 ms, AAC two.
_PREROLL_SECONDS = 0.5
# From here on a container with coarse time stamps is sought in rather than decoded through.
_LINEAR_SECONDS = 30.0
_MAX_GAP_SECONDS = 60.0
_INTEGER_SCALES = {"u8": 2.0**-7, "s16": 2.0**-15, "s32": 2.0**-31, "s64": 2.0**-63}


class _Opened(NamedTuple):
    """A container, its first audio stream, and the time stamp that counts as 0 s."""

    container: InputContainer
    stream: AudioStream
    zero_seconds: float


@contextmanager
def _container(source: ByteSource, container_format: str) -> Iterator[_Opened]:
    """Open a container on its first audio stream, the others set aside."""
    import av
    from av.stream import Discard

    # 4 KiB are enough where a header describes the streams; FFmpeg would decode 5 MB to learn what it knows.
    options = {"probesize": "4096"} if container_format in ("mov", "matroska") else {}
    if container_format == "mov" and (excess := excess_of_samples(source)) is not None:
        raise audio_error(source, excess)
    try:
        with (
            source.open() as file,
            av.open(
                file, "r", format=container_format, container_options=options, metadata_errors="replace"
            ) as container,
        ):
            if not container.streams.audio:
                raise audio_error(source, "it has no audio stream")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise audio_error(source, "FFmpeg knows no decoder for its audio stream")
            for other in container.streams:
                if other.index != stream.index:
                    other.discard = Discard.all
            stream.codec_context.thread_count = 1
            zero = _zero_seconds(container, source)
            yield _Opened(container, stream, zero)
    except EmotalkError:
        raise
    except (av.FFmpegError, ValueError, OSError, RuntimeError, EOFError, MemoryError, OverflowError) as error:
        raise audio_error(source, f"FFmpeg refuses it as {container_format}: {error}") from error


def _zero_seconds(container: InputContainer, source: ByteSource) -> float:
    """Return the time stamp that counts as 0 s: that of the first picture, or of the container without pictures.

    Sound and pictures of one window must be of one moment, so both count from the same place (see `VideoClip`).
    MPEG-TS begins wherever its clock happened to be, and pictures may begin later than their sound.
    """
    if container.streams.video:
        if container.format.name.startswith("mov"):
            stream = container.streams.video[0]
            if stream.start_time is not None and stream.time_base is not None:
                return float(stream.start_time * stream.time_base)
        else:  # only the packets say it
            try:
                with open_video(source, quote(source.name)) as (pictures, stream):
                    origin, _ = read_samples_from(pictures, stream, 0, quote(source.name))
                    return float(origin * (stream.time_base or 1))
            except EmotalkError:
                pass  # a cover picture, or damage that is the pictures' own: the sound may still be whole
    return (container.start_time or 0) / 1_000_000


def probe_container(source: ByteSource, container_format: str) -> AudioFacts:
    """Find out what the first audio stream of a container holds.

    Raises:
        AudioError: no audio stream, not that container, damaged, or with a rate or length that cannot be.
    """
    with _container(source, container_format) as opened:
        context = opened.stream.codec_context
        seconds, _ = _declared_seconds(opened)
        if container_format == "aac" or seconds is None:
            seconds = _counted_seconds(opened)
        length = round(seconds * context.sample_rate)
        return checked_facts(source, context.sample_rate, context.channels, length, container_format)


def _declared_seconds(opened: _Opened) -> tuple[float | None, bool]:
    """Return when the audio ends, from its 0 s, and whether this very stream says so."""
    container, stream, zero = opened
    if stream.duration and stream.time_base:
        begin = stream.start_time or 0
        return float((begin + stream.duration) * stream.time_base) - zero, True
    try:  # Matroska: a tag, which both FFmpeg and mkvmerge write
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds) - zero, True
    except (KeyError, ValueError):
        if not container.duration:
            return None, False
        return (container.duration + (container.start_time or 0)) / 1_000_000 - zero, False


def _counted_seconds(opened: _Opened) -> float:
    """Add up the packets: raw AAC and some fragmented files declare no length, or one that is a guess."""
    end = 0.0
    for packet in opened.container.demux(opened.stream):
        if packet.pts is not None and packet.duration and packet.time_base:
            end = max(end, float((packet.pts + packet.duration) * packet.time_base) - opened.zero_seconds)
    return end


def read_container(source: ByteSource, facts: AudioFacts, start: int, stop: int) -> NDArray[np.float32]:
    """Decode samples `[start, stop)`: float32, shape (channels, stop - start).

    Raises:
        AudioError: a damaged frame, fewer samples than declared, time stamps that jump by more than a minute,
            or a sampling rate that changes on the way.
    """
    with _container(source, facts.reader) as opened:
        _, exact = _declared_seconds(opened)
        pieces = _decode_span(source, opened, facts, start, stop, seek=True)
        if pieces is None:
            opened.container.seek(0)
            pieces = _decode_span(source, opened, facts, start, stop, seek=False)
    end = start
    for position, piece in pieces or ():
        if position - end > _MAX_GAP_SECONDS * facts.sampling_rate:
            raise audio_error(source, f"its time stamps jump from sample {end} to {position}")
        end = position + piece.shape[1]
    tolerance = facts.sampling_rate // 10 if exact else 2 * facts.sampling_rate
    if stop - end > tolerance:
        raise audio_error(source, f"cut: it declares {facts.num_samples} samples and ends after {end}")
    samples = np.zeros((facts.num_channels, stop - start), dtype=np.float32)
    for position, piece in pieces or ():
        samples[:, position - start : position - start + piece.shape[1]] = piece
    return samples


def _decode_span(
    source: ByteSource,
    opened: _Opened,
    facts: AudioFacts,
    start: int,
    stop: int,
    *,
    seek: bool,
) -> list[tuple[int, NDArray[np.float32]]] | None:
    """Decode the frames of `[start, stop)`, each with its place; None when a seek went too far."""
    container, stream, zero = opened
    rate = facts.sampling_rate
    time_base = stream.time_base or Fraction(1, rate)
    tick = float(time_base) * rate  # of the time stamps, in samples
    begin = start / rate - _PREROLL_SECONDS
    # Where stamps are coarser than samples, only counting from the start is exact.
    seek = seek and facts.reader != "aac" and begin > (0.0 if tick <= 1 else _LINEAR_SECONDS)
    if seek:
        container.seek(int((begin + zero) / time_base), stream=stream)
    pieces: list[tuple[int, NDArray[np.float32]]] = []
    end: int | None = None
    for frame in container.decode(stream):
        if frame.is_corrupt:
            raise audio_error(source, f"a damaged frame at {frame.time} s")
        if frame.sample_rate != rate or frame.layout.nb_channels != facts.num_channels:
            raise audio_error(source, f"the sampling rate or number of channels changes at {frame.time} s")
        position = end or 0
        if frame.pts is not None:
            stamp = float(frame.pts * (frame.time_base or time_base)) - zero
            position = round(stamp * rate)
        if end is None and seek and position > start:
            return None
        if end is not None and abs(position - end) <= tick + 1:
            position = end
        first, last = max(start, position, end or position), min(stop, position + frame.samples)
        if first < last:
            pieces.append((first, _planes(frame)[:, first - position : last - position]))
        end = position + frame.samples
        if end >= stop:
            break
    return pieces


def _planes(frame: Any) -> NDArray[np.float32]:
    """Convert one decoded frame to float32 of shape (channels, samples)."""
    raw = frame.to_ndarray()
    planes = raw if frame.format.is_planar else raw.reshape(-1, frame.layout.nb_channels).T
    scale = _INTEGER_SCALES.get(frame.format.packed.name)
    samples: NDArray[np.float32] = planes.astype(np.float32)
    if frame.format.packed.name == "u8":
        samples -= 128.0
    if scale is not None:
        samples *= np.float32(scale)
    return samples

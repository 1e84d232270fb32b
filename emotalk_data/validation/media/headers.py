"""What a header says of a sound or video file, and what is odd about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from emotalk_data.errors import LimitError, SpanError, VideoError
from emotalk_data.media.container import count_samples, open_video
from emotalk_data.media.video_packets import MAX_SECONDS
from emotalk_data.validation.media.faults import NAME, Fault

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from emotalk_data.archives import ByteSource
    from emotalk_data.media.audio_facts import AudioFacts

__all__ = ["VideoFacts", "read_video_facts", "sound_oddities", "span_seconds"]

_RATES: Final = (44_100, 16_000)
_MAX_USUAL_CHANNELS: Final = 2
_FORMATS: Final = {
    "u8": "8-bit PCM",
    "i24": "24-bit PCM",
    "i32": "32-bit PCM",
    "f32": "32-bit floating point",
    "f64": "64-bit floating point",
}
# Notes of a wav's header -> part, found, expected. In words without numbers, so that alike ones are one line.
_ODDITIES: Final = {
    "riff_size": ("RIFF size", "not that of the file", "the file's size less 8"),
    "trailing_bytes": ("end", "followed by more bytes", "the end of the file"),
    "byte_rate": ("byte rate", "not that of its samples", "sampling rate times bytes of a frame"),
    "byte_order": ("byte order", "big-endian (RIFX)", "little-endian (RIFF)"),
}


class VideoFacts(NamedTuple):
    """What is known of a video without reading a packet.

    Attributes:
        seconds: how long its pictures are, as declared; None when the header does not say.
        has_sound: whether it has a sound track.
    """

    seconds: float | None
    has_sound: bool


def read_video_facts(source: ByteSource, *, is_episode: bool = False) -> VideoFacts:
    """Read the header of a video and hold it against the file.

    Args:
        source: a whole file, or a window of one.
        is_episode: it may be as long as it likes, as it may for a window.

    Raises:
        VideoError: not a video, cut, without pictures, or with tables that point outside of the file.
        LimitError: pictures larger, or a whole file longer, than an utterance can be.
        ReleaseError: the file cannot be read.
    """
    with open_video(source, NAME) as (container, stream):
        seconds = _seconds(container, stream)
        if source.window is None:
            if seconds is not None and seconds > MAX_SECONDS and not is_episode:
                raise LimitError(f"{NAME} is {seconds:.1f} s long; the limit is {MAX_SECONDS} s")
            if container.format.name.startswith("mov"):
                _check_tables(source, stream)
        return VideoFacts(seconds, bool(container.streams.audio))


def _seconds(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None and stream.duration > 0:
        return float(stream.duration * (stream.time_base or 0))
    return container.duration / 1_000_000 if container.duration else None


def _check_tables(source: ByteSource, stream: VideoStream) -> None:
    """Make sure that every frame that is declared has a place, and that the place is inside the file."""
    entries = stream.index_entries
    if not len(entries):
        raise VideoError(f"{NAME} has zero video frames")
    # An edit list may leave some out.
    if stream.frames > len(entries) and (located := count_samples(source, NAME)) < stream.frames:
        raise VideoError(f"{NAME} is cut or damaged: its tables locate {located} of {stream.frames} frames")
    end = max(entry.pos + entry.size for entry in entries)
    if end > source.size_bytes or min(entry.pos for entry in entries) < 0:
        raise VideoError(f"{NAME} is cut or damaged: its tables point to byte {end} of {source.size_bytes}")


def sound_oddities(facts: AudioFacts, name: str) -> Iterator[tuple[Fault, str]]:
    """Yield what no release has, and what is odd about the header, with the part of the file it is about."""
    if facts.sampling_rate not in _RATES:
        yield Fault("AV-AUDIO-007", f"{facts.sampling_rate} Hz", "44100 or 16000 Hz"), "sampling rate"
    if facts.num_channels > _MAX_USUAL_CHANNELS:
        yield Fault("AV-AUDIO-007", str(facts.num_channels), "1 or 2"), "number of channels"
    notes = dict(note.split(": ", 1) for note in facts.notes)
    sample_format = _sample_format(facts, notes, name)
    if sample_format is not None:
        yield Fault("AV-AUDIO-008", sample_format, "16-bit PCM"), "format"
    for kind in notes.keys() & _ODDITIES.keys():
        part, found, expected = _ODDITIES[kind]
        yield Fault("AV-AUDIO-009", found, expected), part


def _sample_format(facts: AudioFacts, notes: dict[str, str], name: str) -> str | None:
    if facts.header is not None:
        return _FORMATS.get(facts.header.sample_format)
    if "compressed" in notes:
        return f"compressed ({notes['compressed']})"
    return f"that of a {name.rpartition('.')[2].lower()} file"


def span_seconds(
    window: tuple[float, float | None] | None, length: float, tolerance: float
) -> tuple[float, float]:
    """Return start and end of a window inside media of a length, all in seconds.

    Raises:
        SpanError: it leaves the media by more than `tolerance`, or holds nothing of it.
    """
    start, end = window or (0.0, None)
    stop = length if end is None else min(end, length)
    if start >= stop or (end is not None and end - length > tolerance):
        until = "its end" if end is None else f"{end:.6g} s"
        raise SpanError(f"{start:.6g} s to {until}, of {length:.6g} s")
    return start, stop

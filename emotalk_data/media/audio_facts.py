"""What is known of a sound file before it is decoded, and the limits of what is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from emotalk_data.errors import AudioError, quote
from emotalk_data.media import wav

if TYPE_CHECKING:
    from emotalk_data.archives.source import ByteSource

__all__ = ["AudioFacts", "audio_error", "checked_facts"]

# A FLAC frame of digital silence holds 65,535 samples in 14 bytes; nothing real comes near.
_MAX_SAMPLES_PER_BYTE = 8192


class AudioFacts(NamedTuple):
    """What is known of a sound file without decoding it.

    Attributes:
        sampling_rate: in Hz.
        num_channels: 1 to 8.
        num_samples: samples of each channel.
        reader: who reads it: `"wav"`, `"soundfile"`, or the container format for PyAV.
        header: the header of a PCM wav.
        notes: what is odd but harmless, one sentence each, beginning with a short code.
    """

    sampling_rate: int
    num_channels: int
    num_samples: int
    reader: str
    header: wav.WavHeader | None = None
    notes: tuple[str, ...] = ()


def checked_facts(
    source: ByteSource, rate: int, channels: int, length: int, reader: str, *notes: str
) -> AudioFacts:
    """Hold what a file declares against what can be, and against its own size."""
    if not wav.MIN_SAMPLING_RATE <= rate <= wav.MAX_SAMPLING_RATE:
        limits = f"{wav.MIN_SAMPLING_RATE} to {wav.MAX_SAMPLING_RATE}"
        raise audio_error(source, f"a sampling rate of {rate} Hz; expected {limits}")
    if not 1 <= channels <= wav.MAX_CHANNELS:
        raise audio_error(source, f"{channels} channels; expected 1 to {wav.MAX_CHANNELS}")
    if length <= 0:
        raise audio_error(source, "it has zero frames")
    if length > source.size_bytes * _MAX_SAMPLES_PER_BYTE:
        raise audio_error(source, f"it declares {length} frames, which {source.size_bytes} bytes cannot hold")
    return AudioFacts(rate, channels, length, reader, None, notes)


def audio_error(source: ByteSource, problem: str, *, offset: int | None = None) -> AudioError:
    """Return the error to raise for a source that cannot be read as sound."""
    return AudioError(
        f"{quote(source.name, 160)} cannot be read as sound: {problem}. Replace the file or leave it out",
        path=source.name,
        offset=offset,
    )

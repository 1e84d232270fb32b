"""Any sound file: what it is, what it holds, and its samples.

What a file is, is read from its first bytes, never from its name. PCM wav is read by position
(`wav_samples`), FLAC, Ogg, MP3 and compressed wav by soundfile, containers such as MP4 by PyAV
(`audio_container`). Lengths that a file declares are held against its size, and memory is taken only for
samples that were really decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from emotalk_data.errors import EmotalkError, quote
from emotalk_data.media import wav
from emotalk_data.media.audio_container import probe_container, read_container
from emotalk_data.media.audio_facts import AudioFacts, audio_error, checked_facts
from emotalk_data.media.wav_plain import plain_header
from emotalk_data.media.wav_samples import read_pcm

if TYPE_CHECKING:
    from io import BufferedIOBase

    from numpy.typing import NDArray

    from emotalk_data.archives.source import ByteSource

__all__ = ["probe", "read_samples"]

_HEAD_BYTES = 4096
_BLOCK_SAMPLES = 65_536

# (first bytes, what it is, who reads it: soundfile or PyAV's container format)
_BY_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"fLaC", "FLAC", "soundfile"),
    (b"OggS", "Ogg", "soundfile"),
    (b"ID3", "MP3", "soundfile"),
    (b".snd", "AU", "soundfile"),
    (b"caff", "CAF", "soundfile"),
    (b"riff.\x91\xcf\x11", "Wave64", "soundfile"),
    (b"\x1aE\xdf\xa3", "Matroska", "matroska"),
    (b"FLV\x01", "FLV", "flv"),
    (b"0&\xb2u\x8ef\xcf\x11", "ASF", "asf"),
    (b"\0\0\x01\xba", "MPEG program stream", "mpeg"),
)
_NOT_SOUND: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a git-LFS pointer; run `git lfs pull` to get the file itself"),
    (b"<!doctype", "HTML; the download gave a web page"),
    (b"<html", "HTML; the download gave a web page"),
    (b"<?xml", "XML"),
    (b"ffconcat", "an FFmpeg script"),
    (b"#extm3u", "a playlist"),
    (b"pk\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x89png", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"{", "JSON"),
)
_BY_SUFFIX = {
    ".wav": "WAV", ".wave": "WAV", ".flac": "FLAC", ".ogg": "Ogg", ".oga": "Ogg", ".opus": "Ogg",
    ".mp3": "MP3", ".aiff": "AIFF", ".aif": "AIFF", ".aac": "AAC", ".m4a": "MP4",
}  # fmt: skip


def probe(source: ByteSource) -> AudioFacts:
    """Find out what a sound file holds, from its header.

    Only raw AAC, which has no header, is read to its end.

    Raises:
        AudioError: not a sound file, not the kind that its extension says, without an audio stream, damaged,
            or with a sampling rate, number of channels or length that cannot be.
    """
    head = source.pread(_HEAD_BYTES, 0)
    header = plain_header(head, source.size_bytes)
    name, reader = ("WAV", "wav") if header is not None else _sniff(head)
    suffix = _suffix(source.name)
    if reader is None:
        expected = "RIFF/WAVE" if suffix in (".wav", ".wave") else "sound"
        raise audio_error(source, f"not {expected}: the content is {name}", offset=0)
    if _BY_SUFFIX.get(suffix, name) != name:
        raise audio_error(source, f"the content is {name}, the extension says {_BY_SUFFIX[suffix]}", offset=0)
    if reader == "wav":
        header = header or wav.read_header(source, head)
        if header.is_pcm:
            rate, channels, length = header.sampling_rate, header.num_channels, header.num_samples
            return AudioFacts(rate, channels, length, "wav", header, header.notes)
        return _probe_soundfile(source, header.notes)
    if reader == "soundfile":
        return _probe_soundfile(source, ())
    return probe_container(source, reader)


def read_samples(
    source: ByteSource, facts: AudioFacts, start: int, stop: int, *, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Decode samples `[start, stop)` of every channel, counted from the beginning of the file.

    Args:
        source: the whole file.
        facts: what `probe` said of it.
        start: the first sample.
        stop: the one after the last.
        out: where to write them, float32 of shape (channels, stop - start); a new array if omitted.

    Returns:
        float32, shape (channels, stop - start): `out`, or an array that is C-contiguous. Compressed formats
        may go a bit beyond [-1, 1].

    Raises:
        AudioError: damaged or cut: fewer samples than declared.
    """
    if facts.header is not None:
        return read_pcm(source, facts.header, start, stop - start, out=out)
    if facts.reader == "soundfile":
        samples = _read_soundfile(source, start, stop)
    else:
        samples = read_container(source, facts, start, stop)
    if out is None:
        return samples
    out[...] = samples
    return out


def _sniff(head: bytes) -> tuple[str, str | None]:
    """Name the content, and who reads it: `"wav"`, `"soundfile"`, a container format, or None."""
    if head[:4] in (b"RIFF", b"RF64", b"RIFX"):
        kinds = {b"WAVE": ("WAV", "wav"), b"AVI ": ("AVI", "avi")}
        return kinds.get(head[8:12], (f"RIFF of kind {quote(head[8:12])}", None))
    for magic, name, reader in _BY_MAGIC:
        if head.startswith(magic):
            return name, reader
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF", "soundfile"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp"):
        return "MP4", "mov"
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "MPEG-TS", "mpegts"
    if len(head) > 3 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "AAC", "aac"
    if (
        len(head) > 3
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2
        and head[2] >> 4 != 15
        and head[2] & 12 != 12
    ):
        return "MP3", "soundfile"
    start = head[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, name in _NOT_SOUND:
        if start.startswith(magic):
            return name, None
    return (f"unknown and begins with {quote(head[:12])}" if head else "nothing: an empty file"), None


def _suffix(name: str) -> str:
    """Return the extension of the innermost file that a media path names, in lower case."""
    file = name.partition("#t=")[0]
    if file.startswith(("tar://", "zip://")):
        file = file.partition("::")[0]
    stem, dot, suffix = file.rpartition("/")[2].rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


class _Quiet:
    """A file object whose failures look like the end of the file.

    libsndfile calls it from C, where an exception cannot pass: cffi prints a traceback and goes on. A damaged
    file makes it seek before the first byte.
    """

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file

    def seek(self, offset: int, whence: int = 0) -> int:
        with suppress(EmotalkError, OSError, ValueError):
            self._file.seek(offset, whence)
        return self._file.tell()

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        with suppress(EmotalkError, OSError, ValueError):
            return self._file.readinto(buffer) or 0
        return 0


@contextmanager
def _soundfile(source: ByteSource) -> Iterator[Any]:
    import soundfile

    try:
        with source.open() as file, soundfile.SoundFile(_Quiet(file)) as sound:
            yield sound
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise audio_error(source, f"libsndfile refuses it: {error}") from error


def _probe_soundfile(source: ByteSource, notes: tuple[str, ...]) -> AudioFacts:
    with _soundfile(source) as sound:
        return checked_facts(source, sound.samplerate, sound.channels, sound.frames, "soundfile", *notes)


def _read_soundfile(source: ByteSource, start: int, stop: int) -> NDArray[np.float32]:
    """Read in blocks: `frames` may lie, and `SoundFile.read` takes memory for all it is asked."""
    blocks: list[NDArray[np.float32]] = []
    with _soundfile(source) as sound:
        sound.seek(start)
        position = start
        while position < stop:
            block = sound.read(min(stop - position, _BLOCK_SAMPLES), dtype="float32", always_2d=True)
            if len(block) == 0:
                raise audio_error(source, f"cut: it declares {sound.frames} frames and ends after {position}")
            blocks.append(block)
            position += len(block)
    return np.ascontiguousarray(np.concatenate(blocks).T)

"""The header of a RIFF/WAVE file, read from its first bytes and checked.

    RIFF <size> WAVE │ fmt  <size> … │ (other chunks) │ data <size> samples … │ (other chunks)
    RF64 0xFFFFFFFF WAVE │ ds64: 64-bit sizes │ fmt … │ data 0xFFFFFFFF …      for more than 4 GiB
    RIFX: RIFF with big-endian numbers and samples

A header is believed only as far as the file's own length and its other fields bear it out: what disagrees
is an `AudioError`, what is merely odd is a note. soundfile takes a cut file, 0 channels and 16-bit samples
labelled 24-bit without a word. The samples themselves are read by `wav_samples`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal, NamedTuple

from emotalk_data.errors import AudioError, quote

if TYPE_CHECKING:
    from emotalk_data.archives.source import ByteSource

__all__ = [
    "FORMATS",
    "MAX_CHANNELS",
    "MAX_SAMPLING_RATE",
    "MIN_SAMPLING_RATE",
    "SAMPLE_BYTES",
    "USUAL_RATES",
    "SampleFormat",
    "WavHeader",
    "read_header",
]

MIN_SAMPLING_RATE = 8_000
MAX_SAMPLING_RATE = 192_000
MAX_CHANNELS = 8

_HEAD_BYTES = 4096  # one read shows the whole header of every wav of these corpora
_MAX_CHUNKS = 64  # before the samples; real files have fewer than ten
USUAL_RATES = frozenset({8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000})
_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
_MS_ADPCM, _ALAW, _ULAW, _IMA_ADPCM = 0x0002, 0x0006, 0x0007, 0x0011
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # follows the two bytes of the real format tag

_MAX_SAMPLES_PER_BYTE = 64  # of what has no formula below: MP3 at 8 kbit/s, GSM

# How one sample is stored; everything that is not plain PCM is "compressed".
SampleFormat = Literal["u8", "i16", "i24", "i32", "f32", "f64", "compressed"]
FORMATS: dict[tuple[int, int], SampleFormat] = {
    (_PCM, 8): "u8",
    (_PCM, 16): "i16",
    (_PCM, 24): "i24",
    (_PCM, 32): "i32",
    (_FLOAT, 32): "f32",
    (_FLOAT, 64): "f64",
}
SAMPLE_BYTES: dict[SampleFormat, int] = {"u8": 1, "i16": 2, "i24": 3, "i32": 4, "f32": 4, "f64": 8}


class WavHeader(NamedTuple):
    """What the header of a wav says, after it was checked against the file's length.

    Attributes:
        sampling_rate: in Hz.
        num_channels: 1 to 8.
        num_samples: samples of each channel. For `"compressed"`: the most that the data can hold.
        sample_format: how one sample is stored; `"compressed"` for u-law, A-law, ADPCM and the like.
        byte_order: `"<"` (RIFF, RF64) or `">"` (RIFX).
        data_offset: where in the file the samples begin, in bytes.
        data_bytes: how many bytes of samples there are.
        notes: what is odd but harmless, one sentence each, beginning with a short code.
    """

    sampling_rate: int
    num_channels: int
    num_samples: int
    sample_format: SampleFormat
    byte_order: Literal["<", ">"]
    data_offset: int
    data_bytes: int
    notes: tuple[str, ...] = ()

    @property
    def is_pcm(self) -> bool:
        """Whether `read_pcm` can read the samples."""
        return self.sample_format != "compressed"


class _Fmt(NamedTuple):
    """The `fmt ` chunk; `tag` is the real format behind WAVE_FORMAT_EXTENSIBLE."""

    tag: int
    num_channels: int
    sampling_rate: int
    byte_rate: int
    block_align: int
    bits: int


def read_header(source: ByteSource, head: bytes | None = None) -> WavHeader:
    """Read and check the header of a RIFF, RF64 or RIFX wav.

    Args:
        source: the whole file.
        head: its first bytes, when the caller has read them already (4 KiB are enough).

    Raises:
        AudioError: not a wav; no `fmt ` or `data` chunk, or in the wrong order; a chunk that goes beyond the
            end of the file; samples that are cut, absent, or disagree with the fields that describe them; a
            bit depth, number of channels or sampling rate that is not supported.
    """
    if head is None:
        head = source.pread(min(_HEAD_BYTES, source.size_bytes), 0)
    if head[:4] not in (b"RIFF", b"RF64", b"RIFX") or head[8:12] != b"WAVE":
        raise _error(source, f"not RIFF/WAVE: it begins with {quote(head[:12])}", offset=0)
    order: Literal["<", ">"] = ">" if head[:4] == b"RIFX" else "<"
    riff_bytes: int = struct.unpack_from(order + "I", head, 4)[0]
    fmt: _Fmt | None = None
    fact: int | None = None
    ds64: tuple[int, int, int] | None = None
    offset = 12
    for _ in range(_MAX_CHUNKS):
        chunk = _read(source, head, offset, 8)
        if len(chunk) < 8:
            raise _error(source, f"it has no {'fmt' if fmt is None else 'data'} chunk", offset=offset)
        name, size = chunk[:4], struct.unpack_from(order + "I", chunk, 4)[0]
        if name == b"data":
            if fmt is None:
                raise _no_fmt(source, head, offset + 8 + size)
            if ds64 is not None:
                riff_bytes = ds64[0] if riff_bytes == 0xFFFFFFFF else riff_bytes
                size = ds64[1] if size == 0xFFFFFFFF else size
            return _checked(source, fmt, order, riff_bytes, offset + 8, size, fact)
        if offset + 8 + size > source.size_bytes:
            problem = f"chunk {quote(name)} of {size} bytes reaches beyond the end of the file"
            raise _error(source, f"{problem}, which is {source.size_bytes} bytes long", offset=offset)
        if name == b"fmt ":
            fmt = _parse_fmt(source, _read(source, head, offset + 8, min(size, 40)), order, offset)
        elif name == b"fact" and size >= 4:
            fact = struct.unpack(order + "I", _read(source, head, offset + 8, 4))[0]
        elif name == b"ds64" and size >= 24:
            ds64 = struct.unpack(order + "QQQ", _read(source, head, offset + 8, 24))
        offset += 8 + size + (size & 1)
    raise _error(source, f"no samples within the first {_MAX_CHUNKS} chunks", offset=offset)


def _read(source: ByteSource, head: bytes, offset: int, size: int) -> bytes:
    """Read a few header bytes, from `head` where it reaches so far."""
    if offset + size <= len(head):
        return head[offset : offset + size]
    return source.pread(size, offset)


def _parse_fmt(source: ByteSource, chunk: bytes, order: str, offset: int) -> _Fmt:
    if len(chunk) < 16:
        raise _error(
            source, f"its fmt chunk is too short: {len(chunk)} bytes; expected 16 or more", offset=offset
        )
    tag, channels, rate, byte_rate, align, bits = struct.unpack_from(order + "HHIIHH", chunk)
    if tag == _EXTENSIBLE:
        if len(chunk) < 40 or (order == "<" and chunk[26:40] != _GUID_TAIL):
            raise _error(source, "its extensible fmt chunk names no known sample format", offset=offset)
        tag = (
            struct.unpack_from("<H", chunk, 24)[0] if order == "<" else struct.unpack_from(">I", chunk, 24)[0]
        )
    return _Fmt(tag, channels, rate, byte_rate, align, bits)


def _checked(
    source: ByteSource,
    fmt: _Fmt,
    order: Literal["<", ">"],
    riff_bytes: int,
    offset: int,
    size: int,
    fact: int | None,
) -> WavHeader:
    """Hold the fields against each other and against the length of the file."""
    _check_fields(source, fmt)
    kind = FORMATS.get((fmt.tag, fmt.bits), "compressed")
    align = fmt.block_align
    available = max(source.size_bytes - offset, 0)
    if size == 0:
        problem = (
            f"its header says 0 bytes of samples and {available} follow: its writer was stopped half-way"
        )
        raise _error(source, problem if available else "it has zero frames", offset=offset)
    if size > available:
        where = "cut inside a frame" if available % align else "cut"
        problem = f"{where}: the header declares {size // align} frames, the file holds {available // align}"
        raise _error(source, problem, offset=offset)
    if kind != "compressed" and size % align:
        raise _error(
            source, f"{size} bytes of samples are not a whole number of {align}-byte frames", offset=offset
        )
    num_samples = size // align if kind != "compressed" else _capacity(fmt, size)
    if kind == "compressed" and fact is not None and fact > num_samples:
        problem = f"its fact chunk declares {fact} frames; {size} bytes hold at most {num_samples}"
        raise _error(source, problem, offset=offset)
    notes = _notes(source, fmt, kind, order, riff_bytes, offset + size, num_samples)
    return WavHeader(fmt.sampling_rate, fmt.num_channels, num_samples, kind, order, offset, size, notes)


def _check_fields(source: ByteSource, fmt: _Fmt) -> None:
    if not 1 <= fmt.num_channels <= MAX_CHANNELS:
        raise _error(source, f"{fmt.num_channels} channels; expected 1 to {MAX_CHANNELS}")
    if not MIN_SAMPLING_RATE <= fmt.sampling_rate <= MAX_SAMPLING_RATE:
        limits = f"{MIN_SAMPLING_RATE} to {MAX_SAMPLING_RATE}"
        raise _error(source, f"a sampling rate of {fmt.sampling_rate} Hz; expected {limits}")
    if fmt.tag in (_PCM, _FLOAT):
        kind = FORMATS.get((fmt.tag, fmt.bits))
        if kind is None:
            usual = "32 or 64" if fmt.tag == _FLOAT else "8, 16, 24 or 32"
            raise _error(source, f"{fmt.bits} bits per sample; expected {usual}")
        if fmt.block_align != fmt.num_channels * SAMPLE_BYTES[kind]:
            problem = (
                f"its block align is {fmt.block_align} bytes; {fmt.num_channels} channels of {fmt.bits} bits"
            )
            raise _error(source, f"{problem} take {fmt.num_channels * SAMPLE_BYTES[kind]}")
    elif fmt.block_align == 0:
        raise _error(source, "its block align is 0 bytes")


def _capacity(fmt: _Fmt, size: int) -> int:
    """Return the most samples per channel that `size` bytes of a compressed format can hold."""
    blocks = -(-size // fmt.block_align)
    bytes_per_channel = fmt.block_align // fmt.num_channels
    if fmt.tag in (_ULAW, _ALAW):
        return size // fmt.num_channels
    if (
        fmt.tag == _IMA_ADPCM
    ):  # a block begins with 4 bytes per channel that hold one sample; then 4 bits each
        return blocks * ((bytes_per_channel - 4) * 2 + 1)
    if fmt.tag == _MS_ADPCM:  # likewise 7 bytes with two samples
        return blocks * ((bytes_per_channel - 7) * 2 + 2)
    return size * _MAX_SAMPLES_PER_BYTE


def _notes(
    source: ByteSource,
    fmt: _Fmt,
    kind: SampleFormat,
    order: str,
    riff_bytes: int,
    data_end: int,
    num_samples: int,
) -> tuple[str, ...]:
    """Collect what is odd and changes no sample."""
    notes = []
    riff_end = riff_bytes + 8
    if riff_end < data_end or riff_end > source.size_bytes + 1:
        notes.append(f"riff_size: RIFF size is {riff_bytes}, the file has {source.size_bytes} bytes")
    elif source.size_bytes > riff_end + 1:
        notes.append(f"trailing_bytes: {source.size_bytes - riff_end} bytes after the end")
    if kind == "compressed":
        notes.append(f"compressed: format {fmt.tag:#06x}")
    elif fmt.byte_rate != fmt.sampling_rate * fmt.block_align:
        notes.append(f"byte_rate: {fmt.byte_rate}; expected {fmt.sampling_rate * fmt.block_align}")
    if order == ">":
        notes.append("byte_order: big-endian (RIFX)")
    if fmt.sampling_rate not in USUAL_RATES:
        notes.append(f"sampling_rate: {fmt.sampling_rate} Hz is unusual")
    if num_samples * 40 < fmt.sampling_rate:
        notes.append(f"short: {num_samples} samples are less than 25 ms")
    return tuple(notes)


def _no_fmt(source: ByteSource, head: bytes, offset: int) -> AudioError:
    """Tell a wav whose fmt chunk comes after the samples from one that has none."""
    if _read(source, head, offset + (offset & 1), 4) == b"fmt ":
        return _error(source, "its fmt chunk comes after the data; expected it before", offset=offset)
    return _error(source, "it has no fmt chunk", offset=offset)


def _error(source: ByteSource, problem: str, *, offset: int | None = None) -> AudioError:
    return AudioError(
        f"{quote(source.name, 160)} cannot be read as wav: {problem}. Replace the file or leave it out",
        path=source.name,
        offset=offset,
    )

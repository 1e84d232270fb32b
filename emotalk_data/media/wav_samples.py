"""The samples of a PCM wav, read by position: only the span that is wanted, in one read and one conversion.

No decoder object: for PCM there is nothing to decode, and a decoder costs more than the samples. Values are
equal to `soundfile.read(dtype="float32")`, bit by bit.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from emotalk_data.errors import AudioError, LimitError, SpanError, quote
from emotalk_data.media.wav import SAMPLE_BYTES, SampleFormat, WavHeader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.archives.source import ByteSource

__all__ = ["read_pcm", "wav_bytes"]

_DTYPES: dict[SampleFormat, str] = {"u8": "u1", "i16": "i2", "i32": "i4", "f32": "f4", "f64": "f8"}
_SCALES: dict[SampleFormat, np.float32] = {
    "u8": np.float32(2**-7),
    "i16": np.float32(2**-15),
    "i24": np.float32(2**-31),
    "i32": np.float32(2**-31),
}
_MAX_BYTES = 2**32 - 256  # what the 32-bit sizes of RIFF can say
_PCM, _FLOAT = 0x0001, 0x0003


def read_pcm(
    source: ByteSource,
    header: WavHeader,
    start_sample: int,
    num_samples: int,
    *,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Read `num_samples` samples of every channel, beginning at `start_sample`.

    One positioned read of just that span, one conversion.

    Args:
        source: the whole file.
        header: what `read_header` said of it.
        start_sample: the first sample that is wanted.
        num_samples: how many.
        out: where to write them, float32 of shape (channels, samples); a new array if omitted.

    Returns:
        float32, shape (channels, samples), C-contiguous unless `out` is not. Integers are scaled to [-1, 1);
        floating point samples are returned as they are, also those outside that range.

    Raises:
        AudioError: the file has become shorter since its header was read, or the samples are compressed.
        SpanError: the span is not within `header.num_samples`.
    """
    if not header.is_pcm:
        raise AudioError(
            f"{quote(source.name, 160)} holds compressed samples; expected PCM", path=source.name
        )
    if not 0 <= start_sample <= start_sample + num_samples <= header.num_samples:
        problem = (
            f"samples {start_sample} to {start_sample + num_samples} are not within {header.num_samples}"
        )
        raise SpanError(f"{quote(source.name, 160)}: {problem}", path=source.name)
    frame_bytes = SAMPLE_BYTES[header.sample_format] * header.num_channels
    offset = header.data_offset + start_sample * frame_bytes
    size = num_samples * frame_bytes
    if source.byte_range is None:  # in memory: convert from where the samples lie
        memory = memoryview(source.read_all())[offset : offset + size]
    else:
        memory = memoryview(source.pread(size, offset))
    if len(memory) != size:
        problem = "ends within its samples: it has changed since its header was read"
        raise AudioError(f"{quote(source.name, 160)} {problem}", path=source.name, offset=offset)
    return _to_float(memory, header, out)


def wav_bytes(
    samples: NDArray[np.floating], sampling_rate: int, *, sample_format: SampleFormat = "f32"
) -> bytes:
    """Write samples as a wav file in memory.

    Not by libsndfile: that stamps float files with the time of day, so equal samples would give unequal rows.

    Args:
        samples: shape (channels, samples) or (samples,); full scale is [-1, 1].
        sampling_rate: in Hz.
        sample_format: `"f32"`, which keeps every value, or `"i16"`, which clips and rounds to 16 bits.

    Raises:
        LimitError: more than a wav can hold, 4 GiB.
    """
    planes = np.atleast_2d(samples)
    if sample_format == "i16":
        scaled = np.clip(np.nan_to_num(planes) * 32768.0, -32768, 32767)
        body, tag = np.rint(scaled).astype("<i2").T.tobytes(), _PCM
    else:
        body, tag = planes.astype("<f4").T.tobytes(), _FLOAT
    if len(body) > _MAX_BYTES:
        raise LimitError(
            f"{len(body)} bytes of samples; a wav holds at most {_MAX_BYTES}. Write them in parts"
        )
    width = SAMPLE_BYTES[sample_format]
    align = width * planes.shape[0]
    fmt = struct.pack("<HHIIHH", tag, planes.shape[0], sampling_rate, sampling_rate * align, align, width * 8)
    chunks = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(body))
    pad = b"\0" * (len(body) & 1)
    return b"RIFF" + struct.pack("<I", len(chunks) + len(body) + len(pad)) + chunks + body + pad


def _to_float(memory: memoryview, header: WavHeader, out: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Convert interleaved samples to planes of float32: one pass to convert, one in place to scale."""
    kind, order = header.sample_format, header.byte_order
    if kind == "i24":
        # As the upper three bytes of 32 bits: the sign comes for free, and the scale is that of i32.
        wide = np.zeros((len(memory) // 3, 4), dtype=np.uint8)
        low = 1 if order == "<" else 0
        wide[:, low : low + 3] = np.frombuffer(memory, dtype=np.uint8).reshape(-1, 3)
        interleaved = wide.reshape(-1).view(order + "i4")
    else:
        interleaved = np.frombuffer(memory, dtype=order + _DTYPES[kind])
    frames = interleaved.reshape(-1, header.num_channels).T
    planes = np.empty(frames.shape, np.float32) if out is None else out
    if kind == "f64":
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32: infinity, as libsndfile does
            planes[...] = frames
    else:
        planes[...] = frames
    if kind == "u8":
        planes -= 128.0
    if kind in _SCALES:
        planes *= _SCALES[kind]
    return planes

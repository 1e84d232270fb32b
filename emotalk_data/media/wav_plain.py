"""The header that nearly every wav has: 44 bytes, `fmt ` and `data` and nothing else, nothing odd about it.

    RIFF <size> WAVE │ fmt  16 <format> │ data <size> │ samples to the end

Reading it in one go takes a fifth of the time that walking over chunks takes, and a short span of a clip
takes little more than that. What deviates in any field is left to `wav.read_header`, which says how.
"""

from __future__ import annotations

import struct

from emotalk_data.media.wav import FORMATS, MAX_CHANNELS, SAMPLE_BYTES, USUAL_RATES, WavHeader

__all__ = ["plain_header"]

_FIELDS = struct.Struct("<4xI12xHHIIHH4xI")
_WAVE_AND_FMT, _DATA = b"WAVEfmt \x10\0\0\0", b"data"


def plain_header(head: bytes | memoryview, size_bytes: int) -> WavHeader | None:
    """Return what `wav.read_header` returns for a wav with the plain header; None for any other file.

    Args:
        head: the first bytes of the file, 44 or more.
        size_bytes: length of the file.
    """
    if head[:4] != b"RIFF" or head[8:20] != _WAVE_AND_FMT or head[36:40] != _DATA or len(head) < _FIELDS.size:
        return None
    riff_bytes, tag, channels, rate, byte_rate, align, bits, data_bytes = _FIELDS.unpack_from(head)
    kind = FORMATS.get((tag, bits))
    if kind is None or not 1 <= channels <= MAX_CHANNELS or align != channels * SAMPLE_BYTES[kind]:
        return None
    num_samples = data_bytes // align
    is_whole = data_bytes == num_samples * align and riff_bytes + 8 == size_bytes
    ends_with_data = _FIELDS.size + data_bytes + (data_bytes & 1) == size_bytes
    is_usual = rate in USUAL_RATES and byte_rate == rate * align and num_samples * 40 >= rate
    if not (is_whole and ends_with_data and is_usual):
        return None
    return WavHeader(rate, channels, num_samples, kind, "<", _FIELDS.size, data_bytes)

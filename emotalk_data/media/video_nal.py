"""What one packet of H.264 or HEVC is, from the first byte of each of its NAL units.

    packet    | length | SEI | length | slice, nal_ref_idc = 0 | length | slice, nal_ref_idc = 0 |
                                        ^ no later picture refers to it: it may be left undecoded

Only headers are looked at. A packet that makes no sense is called neither, so the decoder
gets it and complains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["PacketTraits", "packet_inspector"]

PacketTraits = tuple[bool, bool]
"""(decoding may start here, no other picture needs it)."""

_NEITHER: PacketTraits = (False, False)
_H264_SLICES = frozenset({1, 2, 3, 4, 5})
_H264_IDR = 5
# Parameter sets and their extensions: later pictures need them whatever picture they travel with.
_H264_PARAMETERS = frozenset({7, 8, 13, 15})
_HEVC_ENTRIES = frozenset(range(16, 22))
_HEVC_SLICES = frozenset(range(32))


def packet_inspector(
    codec: str, extradata: bytes | None
) -> Callable[[bytes | memoryview], PacketTraits] | None:
    """Return a function that tells the traits of a packet, or None for a codec without NAL units.

    Args:
        codec: FFmpeg's name of the codec.
        extradata: the stream's configuration record; it says how NAL units are delimited.
    """
    if codec == "h264":
        size = (extradata[4] & 3) + 1 if extradata and len(extradata) > 6 and extradata[0] == 1 else 0
        return lambda packet: _h264_traits(packet, size)
    if codec == "hevc":
        size = (extradata[21] & 3) + 1 if extradata and len(extradata) > 22 and extradata[0] == 1 else 0
        return lambda packet: _hevc_traits(packet, size)
    return None


def _h264_traits(packet: bytes | memoryview, length_size: int) -> PacketTraits:
    is_entry, num_slices, is_needed = False, 0, False
    for header in _nal_headers(packet, length_size):
        if header < 0:
            return _NEITHER
        kind = header & 31
        if kind in _H264_SLICES:
            num_slices += 1
            is_entry = is_entry or kind == _H264_IDR
            is_needed = is_needed or header & 0x60 != 0
        elif kind in _H264_PARAMETERS:
            is_needed = True
    return is_entry, num_slices > 0 and not is_needed


def _hevc_traits(packet: bytes | memoryview, length_size: int) -> PacketTraits:
    for header in _nal_headers(packet, length_size):
        kind = header >> 1 & 63
        if header >= 0 and kind in _HEVC_SLICES:
            return kind in _HEVC_ENTRIES, False
    return _NEITHER


def _nal_headers(packet: bytes | memoryview, length_size: int) -> Iterator[int]:
    """Yield the first byte of each NAL unit; -1 when the lengths do not add up."""
    if length_size == 0:
        yield from _start_code_headers(bytes(packet))
        return
    offset, end = 0, len(packet)
    while offset < end:
        start = offset + length_size
        length = int.from_bytes(packet[offset:start], "big")
        offset = start + length
        if length == 0 or offset > end:
            yield -1
            return
        yield packet[start]


def _start_code_headers(data: bytes) -> Iterator[int]:
    """The same for streams cut by start codes (MPEG-TS, AVI)."""
    position = data.find(b"\0\0\1")
    while 0 <= position < len(data) - 3:
        yield data[position + 3]
        position = data.find(b"\0\0\1", position + 3)

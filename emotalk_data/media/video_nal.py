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
_HEVC_NON_REFERENCE = frozenset(range(0, 16, 2))
_HEVC_PARAMETERS = frozenset({32, 33, 34})


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
        if not (extradata and len(extradata) > 22 and extradata[0] == 1):
            return lambda packet: _hevc_traits(packet, 0, 0)
        size, num_layers = (extradata[21] & 3) + 1, extradata[21] >> 3 & 7
        return lambda packet: _hevc_traits(packet, size, num_layers)
    return None


def _h264_traits(packet: bytes | memoryview, length_size: int) -> PacketTraits:
    is_entry, num_slices, is_needed = False, 0, False
    for header, _ in _nal_headers(packet, length_size):
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


def _hevc_traits(packet: bytes | memoryview, length_size: int, num_layers: int) -> PacketTraits:
    """`num_layers` is the number of temporal layers, 0 when it is not known."""
    num_slices, is_entry, is_needed = 0, False, False
    for header, second in _nal_headers(packet, length_size):
        if header < 0:
            return _NEITHER
        kind = header >> 1 & 63
        if kind in _HEVC_SLICES:
            num_slices += 1
            is_entry = is_entry or kind in _HEVC_ENTRIES
            # "Sub-layer non-reference": only a picture of a higher layer may refer to it.
            is_needed = is_needed or kind not in _HEVC_NON_REFERENCE or (second & 7) != num_layers
        elif kind in _HEVC_PARAMETERS:
            is_needed = True
    return is_entry, num_slices > 0 and not is_needed


def _nal_headers(packet: bytes | memoryview, length_size: int) -> Iterator[tuple[int, int]]:
    """Yield the first two bytes of each NAL unit (0 for one that is not there); -1 for lengths that lie."""
    if length_size == 0:
        yield from _start_code_headers(bytes(packet))
        return
    offset, end = 0, len(packet)
    while offset < end:
        start = offset + length_size
        length = int.from_bytes(packet[offset:start], "big")
        offset = start + length
        if length == 0 or offset > end:
            yield -1, 0
            return
        yield packet[start], packet[start + 1] if length > 1 else 0


def _start_code_headers(data: bytes) -> Iterator[tuple[int, int]]:
    """The same for streams cut by start codes (MPEG-TS, AVI)."""
    position = data.find(b"\0\0\1")
    while 0 <= position < len(data) - 3:
        yield data[position + 3], data[position + 4] if position < len(data) - 4 else 0
        position = data.find(b"\0\0\1", position + 3)

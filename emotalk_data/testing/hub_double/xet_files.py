"""Read what hf_xet leaves in a store on disk: which files there are, and their bytes.

A shard lists files: for each its hash, the stretches of xorbs that make it up, and its sha256. A xorb is a row
of chunks, each with a header of eight bytes. Read here, and not through hf_xet, because a store belongs to one
process at a time, and the client that filled it may still hold it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Stretch", "XetFile", "bytes_of", "files_in"]

_SHARD_HEADER_BYTES = 48
_ENTRY_BYTES = 48
_HAS_CHECKS, _HAS_SHA256 = 1 << 31, 1 << 30
_END = b"\xff" * 32
_CHUNK_HEADER_BYTES = 8
_PLAIN, _LZ4, _GROUPED_LZ4 = 0, 1, 2


class Stretch(NamedTuple):
    """Some chunks of a xorb, from `first` to before `end`."""

    xorb: str
    first: int
    end: int


class XetFile(NamedTuple):
    """A file of a shard."""

    xet_hash: str
    sha256: str
    stretches: tuple[Stretch, ...]


def files_in(shard: bytes) -> Iterator[XetFile]:
    """Yield the files of a shard; those without a sha256 are passed over."""
    at = _SHARD_HEADER_BYTES
    while shard[at : at + 32] != _END:
        xet_hash = _hex(shard[at : at + 32])
        flags, num_entries = struct.unpack_from("<II", shard, at + 32)
        at += _ENTRY_BYTES
        stretches = []
        for number in range(num_entries):
            start = at + number * _ENTRY_BYTES
            first, end = struct.unpack_from("<II", shard, start + 40)
            stretches.append(Stretch(_hex(shard[start : start + 32]), first, end))
        at += num_entries * _ENTRY_BYTES * (2 if flags & _HAS_CHECKS else 1)
        if flags & _HAS_SHA256:
            yield XetFile(xet_hash, _hex(shard[at : at + 32]), tuple(stretches))
            at += _ENTRY_BYTES


def bytes_of(file: XetFile, xorbs: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, a chunk at a time.

    Args:
        file: of a shard.
        xorbs: folder of the xorbs of the same store.
    """
    for stretch in file.stretches:
        yield from _chunks(xorbs / f"default.{stretch.xorb}", stretch)


def _chunks(path: Path, stretch: Stretch) -> Iterator[bytes]:
    with path.open("rb") as xorb:
        for number in range(stretch.end):
            header = xorb.read(_CHUNK_HEADER_BYTES)
            num_stored, scheme = int.from_bytes(header[1:4], "little"), header[4]
            num_bytes = int.from_bytes(header[5:8], "little")
            stored = xorb.read(num_stored)
            if number >= stretch.first:
                yield _unpacked(stored, scheme, num_bytes)


def _unpacked(stored: bytes, scheme: int, num_bytes: int) -> bytes:
    import pyarrow as pa

    if scheme == _PLAIN:
        return stored
    plain = pa.decompress(stored, num_bytes, codec="lz4", asbytes=True)
    if scheme == _LZ4:
        return bytes(plain)
    if scheme != _GROUPED_LZ4:
        raise ValueError(f"a chunk is stored in a way that is not known here: {scheme}")
    ungrouped, at = bytearray(num_bytes), 0
    for place in range(4):  # first every fourth byte from the first on, then from the second on, and so on
        num_here = len(range(place, num_bytes, 4))
        ungrouped[place::4] = plain[at : at + num_here]
        at += num_here
    return bytes(ungrouped)


def _hex(digest: bytes) -> str:
    """Return a digest as hf_xet writes it: four numbers of eight bytes each."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", digest))

"""Archives made byte by byte: what no archiver would write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Header = Callable[..., bytes]


def _header(
    name: bytes,
    size: int | bytes = 0,
    *,
    kind: bytes = b"0",
    mode: bytes = b"0000644\0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
) -> bytes:
    size_field = size if isinstance(size, bytes) else b"%011o\0" % size
    block = bytearray(512)
    block[0 : len(name)] = name
    block[100:108] = mode
    block[124:136] = size_field
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257 : 257 + len(magic)] = magic
    block[345 : 345 + len(prefix)] = prefix
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _member(name: bytes, data: bytes = b"", *, kind: bytes = b"0", **fields: bytes) -> bytes:
    return _header(name, len(data), kind=kind, **fields) + data + bytes(-len(data) % 512)


@pytest.fixture(scope="session")
def header() -> Callable[..., bytes]:
    """One header with a right checksum: `header(name, size, kind=…, mode=…, magic=…, prefix=…)`."""
    return _header


@pytest.fixture(scope="session")
def member() -> Callable[..., bytes]:
    """A header and its padded data: `member(name, data, kind=…)`."""
    return _member


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write blocks into a file and return its path; two zero blocks follow unless `end=b""`."""

    def write(*parts: bytes, end: bytes = bytes(1024), name: str = "x.tar") -> str:
        path = tmp_path / name
        path.write_bytes(b"".join(parts) + end)
        return str(path)

    return write

"""Archives that are damaged, unsafe, no archives at all, or too much."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator

__all__ = ["hostile_tars", "packed"]


def packed(members: dict[str, bytes] | list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """Return a tar of some members."""
    if isinstance(members, dict):
        members = [(tarfile.TarInfo(name), data) for name, data in members.items()]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def hostile_tars(name: str, raw: bytes) -> Iterator[tuple[str, bytes, str]]:
    """Yield what is hostile, the archive, and the codes that come up.

    Args:
        name: a member as a release has it.
        raw: its content, in which nothing is wrong.
    """
    base = name.rpartition("/")[2]
    whole = packed({name: raw})
    pressed = gzip.compress(whole, mtime=0)
    zeros = gzip.compress(bytes(1 << 20), mtime=0)  # gzip data may be put together from parts
    large = tarfile.TarInfo(name)
    large.size = 60 << 20
    for what, data in (
        ("above", packed({f"../../{name}": raw})),
        ("above, in the middle", packed({f"Text/json/../../../{base}": raw})),
        ("from the root", packed({f"/etc/{base}": raw})),
        ("of Windows", packed({f"..\\..\\{base}": raw})),
        ("a drive", packed({f"C:/{base}": raw})),
        ("a device of Windows", packed({"Text/json/nul.json": raw})),
        ("a symbolic link", _member(tarfile.SYMTYPE, name, "/etc/passwd")),
        ("a hard link", _member(tarfile.LNKTYPE, name, "../outside.json")),
        ("a fifo", _member(tarfile.FIFOTYPE, name)),
        ("a device", _member(tarfile.CHRTYPE, name)),
        ("a member twice", packed([(tarfile.TarInfo(name), raw), (tarfile.TarInfo(name), raw)])),
        ("a member in two cases", packed({name: raw, name.upper(): raw})),
        ("a composed name", packed({"Text/json/\u00e9.json": raw, "Text/json/e\u0301.json": raw})),
        ("a name in two lines", packed({"Text/json/a\n::error::b.json": raw})),
        ("a negative size", _with_size(whole, b"\xff" * 12)),
        ("a name of 1 GiB", _with_size(_member(b"L", "././@LongLink"), b"10000000000\0")),
        ("two archives", whole + whole),
        ("a page", b"<!DOCTYPE html><html><body>403</body></html>"),
        ("a pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        ("an answer", b'{"error": "Repository not found"}'),
        ("a zip", _zip(name, raw)),
        ("nothing", b""),
        ("noise", bytes(range(256)) * 40),
        ("gzip data, cut", pressed[:-20]),
        ("gzip data with a wrong sum", pressed[:-8] + bytes(8)),
        ("gzip data and more", pressed + b"more"),
        ("300 MiB of zeros behind it", pressed + zeros * 300),
        ("a member of 60 MiB", gzip.compress(large.tobuf(), mtime=0) + zeros * 60),
        ("a member of 60 GiB", _with_size(whole, b"740000000000") + bytes(1 << 20)),
    ):
        yield what, data, "ET-TAR-003"
    yield "1 MiB of zeros behind it", whole + bytes(1 << 20), ""


def _member(kind: bytes, name: str, link: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return packed([(info, b"")])


def _with_size(archive: bytes, size: bytes) -> bytes:
    """Return an archive whose first header has another size and the checksum that is right for it."""
    header = bytearray(archive[:512])
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + archive[512:]


def _zip(name: str, raw: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, raw)
    return buffer.getvalue()

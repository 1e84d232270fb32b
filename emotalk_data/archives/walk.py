"""The strict walk over the headers of a tar, shared by the index and the stream.

    | header | data, padded to 512 | header | data … | zero block | zero block | zeros to the end |

`tarfile` ends the archive, without an error, at the first header that it does not understand: a flipped bit
makes a shorter corpus. Here every header's checksum is verified, and whatever is not understood is an error
that names its byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, NoReturn, Protocol

from emotalk_data.archives.headers import (
    BLOCK_BYTES,
    ZERO_BLOCK,
    has_valid_checksum,
    header_name,
    parse_number,
    parse_pax,
    pax_size,
    refuse,
)
from emotalk_data.archives.names import MemberNames, decode_name
from emotalk_data.errors import LimitError, quote

__all__ = ["ArchiveNote", "Entry", "Notebook", "TarReader", "padded", "walk"]

# A name is 4 KiB at most on any system; a PAX block holds a name and a few numbers.
_MAX_EXTENSION_BYTES = 65_536
_REGULAR = frozenset(b"0\x007")
_DIRECTORY, _LONG_NAME, _PAX, _PAX_GLOBAL = b"5Lxg"
_REFUSED = {
    ord("1"): "hard link",
    ord("2"): "symbolic link",
    ord("3"): "character device",
    ord("4"): "block device",
    ord("6"): "fifo",
    ord("K"): "long link name",
    ord("S"): "sparse member",
    ord("M"): "part of a multi-volume archive",
    ord("V"): "volume label",
}


@dataclass(frozen=True, slots=True)
class ArchiveNote:
    """An oddity that was tolerated.

    Attributes:
        kind: `end-of-archive-missing`, `end-of-archive-short` or `mode-bits-ignored`.
        offset: the first byte it is about.
        text: what it means.
        count: how many times it was met.
    """

    kind: str
    offset: int
    text: str
    count: int = 1


class Notebook:
    """Notes by kind: thousands of members with the same oddity make one note with a count."""

    def __init__(self) -> None:
        self._notes: dict[str, ArchiveNote] = {}

    def add(self, kind: str, offset: int, text: str) -> None:
        """Add a note, or count one up."""
        known = self._notes.get(kind)
        note = ArchiveNote(kind, offset, text) if known is None else replace(known, count=known.count + 1)
        self._notes[kind] = note

    def notes(self) -> tuple[ArchiveNote, ...]:
        """Return the notes in the order of their first appearance."""
        return tuple(self._notes.values())


class Entry(NamedTuple):
    """One regular member: `size` bytes of data at byte `data_offset` of the (decompressed) archive."""

    name: str
    data_offset: int
    size: int


class TarReader(Protocol):
    """What the walk needs of the bytes. Requests never go backwards."""

    path: str
    size_bytes: int | None
    """The archive's length; None while it is not known, as in a compressed stream."""

    def block(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`; fewer only at the end."""

    def skip_to(self, offset: int) -> bool:
        """Whether the archive reaches as far as `offset`."""

    def first_nonzero(self, offset: int) -> int | None:
        """Read from `offset` to the very end; the place of the first byte that is not zero."""


@dataclass(slots=True)
class _Extension:
    """What long-name and PAX headers said about the member that follows them."""

    offset: int = -1
    name: bytes | None = None
    pax: dict[bytes, bytes] | None = None


def padded(size: int) -> int:
    """Round up to whole blocks."""
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def walk(
    reader: TarReader, notebook: Notebook, *, max_members: int, names: MemberNames | None = None
) -> Iterator[Entry]:
    """Yield the regular members in archive order; what macOS adds and directories are checked and left out.

    The consumer may read the member's data from the reader before it asks for the next one. Only a walk that
    ends without an error vouches for the archive.

    Raises:
        ArchiveError: damage, a cut, an unsafe or colliding name, a link, device or sparse member.
        LimitError: too many members, or an absurdly long name or PAX block.
    """
    path = reader.path
    names = names if names is not None else MemberNames(path)
    pending = _Extension()
    defaults: dict[bytes, bytes] = {}
    harmless_modes: set[bytes] = set()
    offset = count = 0
    while (header := _next_header(reader, offset, pending, notebook)) is not None:
        kind = header[156]
        size = parse_number(header[124:136], "size", path, offset)
        if kind in (_LONG_NAME, _PAX, _PAX_GLOBAL):
            _read_extension(reader, kind, size, offset, pending, defaults)
            offset += BLOCK_BYTES + padded(size)
            continue
        raw = header_name(header, path, offset)
        if pending.offset >= 0 or defaults:
            raw, size = _apply(pending, defaults, raw, size, path, offset)
            pending = _Extension()
        count += 1
        if count > max_members:
            raise LimitError(
                f"more than {max_members} members in {quote(path, 200)}", path=path, offset=offset
            )
        if header[100:108] not in harmless_modes:
            _note_mode(header[100:108], path, offset, harmless_modes, notebook)
        name = decode_name(raw, path, offset)
        data_offset = offset + BLOCK_BYTES
        if kind == _DIRECTORY or (kind in _REGULAR and name.endswith("/")):
            if size:
                refuse(f"directory {quote(name)} with data", path, offset)
            names.admit_folder(name, offset)
        elif kind in _REGULAR:
            admitted = names.admit(name, offset)
            end = data_offset + size
            if reader.size_bytes is not None and end > reader.size_bytes:
                _refuse_cut(name, reader, offset, size)
            if admitted is not None:
                yield Entry(admitted, data_offset, size)
            if reader.size_bytes is None and not reader.skip_to(end):
                _refuse_cut(name, reader, offset, size)
        else:
            what = _REFUSED.get(kind, f"member of unknown type {chr(kind)!r}")
            refuse(f"{what} {quote(name)}, which no release needs,", path, offset)
        offset = data_offset + padded(size)


def _next_header(reader: TarReader, offset: int, pending: _Extension, notebook: Notebook) -> bytes | None:
    """Return the header at `offset`, its checksum verified; None at the end of the archive."""
    header = reader.block(offset, BLOCK_BYTES)
    if len(header) == BLOCK_BYTES and header != ZERO_BLOCK:
        if not has_valid_checksum(header):
            refuse("corrupt header (its checksum is wrong)", reader.path, offset)
        return header
    if header and len(header) < BLOCK_BYTES:
        refuse(
            f"cut inside the header ({len(header)} of 512 bytes; truncated download?)", reader.path, offset
        )
    if pending.offset >= 0:
        refuse("extended header with no member behind it (truncated download?)", reader.path, pending.offset)
    if header:
        _check_end(reader, offset, notebook)
    elif offset == 0:
        refuse("no data at all", reader.path, offset)
    else:
        notebook.add(
            "end-of-archive-missing",
            offset,
            "the two zero blocks that end a tar are missing: members may have been cut off behind this byte",
        )
    return None


def _check_end(reader: TarReader, offset: int, notebook: Notebook) -> None:
    """Check that nothing but zeros follows the zero block at `offset`."""
    second = reader.block(offset + BLOCK_BYTES, BLOCK_BYTES)
    if len(second) < BLOCK_BYTES:
        notebook.add("end-of-archive-short", offset, "one zero block ends this tar where there should be two")
    if second.count(0) != len(second):
        refuse("data after a zero block, which should end the archive,", reader.path, offset + BLOCK_BYTES)
    data = reader.first_nonzero(offset + BLOCK_BYTES + len(second))
    if data is not None:
        refuse("data after the end of the archive (two archives joined?)", reader.path, data)


def _read_extension(
    reader: TarReader, kind: int, size: int, offset: int, pending: _Extension, defaults: dict[bytes, bytes]
) -> None:
    """Read a GNU long name or a PAX block into `pending`, a global PAX block into `defaults`."""
    path = reader.path
    if size > _MAX_EXTENSION_BYTES:
        raise LimitError(
            f"a member name or PAX header of {size} bytes at byte {offset} of {quote(path, 200)}; "
            f"the limit is {_MAX_EXTENSION_BYTES}",
            path=path,
            offset=offset,
        )
    data = reader.block(offset + BLOCK_BYTES, size)
    if len(data) != size:
        refuse("cut inside an extended header (truncated download?)", path, offset)
    if kind == _PAX_GLOBAL:
        defaults.update(parse_pax(data, path, offset))
        return
    if (pending.name if kind == _LONG_NAME else pending.pax) is not None:
        refuse("two extended headers of a kind for one member", path, offset)
    pending.offset = offset
    if kind == _PAX:
        pending.pax = parse_pax(data, path, offset)
    else:
        # Written with one closing NUL; one inside stays, and is refused with the other control characters.
        pending.name = data.removesuffix(b"\0")


def _apply(
    pending: _Extension, defaults: dict[bytes, bytes], name: bytes, size: int, path: str, offset: int
) -> tuple[bytes, int]:
    """Return the member's name and size after what the extended headers say."""
    if pending.name is not None:
        name = pending.name
    if pending.pax is None and not defaults:
        return name, size
    records = {**defaults, **(pending.pax or {})}
    name = records.get(b"path", name)
    if b"size" in records:
        size = pax_size(records[b"size"], path, offset)
    return name, size


def _note_mode(field: bytes, path: str, offset: int, harmless: set[bytes], notebook: Notebook) -> None:
    """Note setuid, setgid and sticky bits, and remember modes without them: an archive has two or three."""
    if parse_number(field, "mode", path, offset) & 0o7000:
        notebook.add(
            "mode-bits-ignored", offset, "setuid, setgid or sticky bits in a member's mode mean nothing here"
        )
    else:
        harmless.add(field)


def _refuse_cut(name: str, reader: TarReader, offset: int, size: int) -> NoReturn:
    has = "" if reader.size_bytes is None else f" and the archive ends at byte {reader.size_bytes}"
    refuse(
        f"member {quote(name, 100)} ends behind the end of the archive (it has {size} bytes{has}; "
        "truncated download?)",
        reader.path,
        offset,
    )

"""Read a tar from front to back, gzip data included: for archives that cannot be read in place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from emotalk_data.archives.headers import refuse
from emotalk_data.archives.ranges import open_regular
from emotalk_data.archives.readers import GzipReader, PlainReader
from emotalk_data.archives.sniff import not_a_tar, sniff_bytes
from emotalk_data.archives.walk import ArchiveNote, Entry, Notebook, TarReader, walk
from emotalk_data.errors import LimitError, quote

__all__ = ["TarMember", "stream_tar"]


class TarMember(NamedTuple):
    """One regular member of a stream.

    Attributes:
        name: its canonical name.
        size: its length in bytes.
        data: its bytes, when they were wanted; else None.
        offset: the byte of its data in the decompressed archive.
    """

    name: str
    size: int
    data: bytes | None
    offset: int


def stream_tar(
    path: str,
    wanted: Callable[[str], bool],
    *,
    max_bytes: int = 64 * 1024**2,
    max_total_bytes: int = 64 * 1024**3,
    max_ratio: float = 200.0,
    max_members: int = 4_000_000,
    on_note: Callable[[ArchiveNote], None] | None = None,
) -> Iterator[TarMember]:
    """Yield the regular members of a tar, plain or gzip'ed whatever its name, in archive order.

    One file is open from the first member until the iterator ends or is closed. What was yielded is vouched
    for only when the iterator ends without an error: a CRC and the end of an archive are read last.

    Args:
        path: the archive.
        wanted: whether to read the data of the member with this name.
        max_bytes: the largest wanted member.
        max_total_bytes: how much gzip data may decompress to.
        max_ratio: how many times its own size gzip data may grow to, above the first 64 MiB.
        max_members: the largest number of members.
        on_note: called at the end with each oddity that was tolerated.

    Raises:
        ReleaseNotFoundError: there is nothing at `path`.
        PathError: a directory, fifo or device.
        ArchiveError: neither tar nor gzip (the message says what it is), or damaged, cut or unsafe.
        LimitError: a limit above is passed.
    """
    with open_regular(path) as (descriptor, status):
        kind = sniff_bytes(os.pread(descriptor, 2048, 0))
        reader: TarReader
        if kind == "tar":
            reader = PlainReader(descriptor, path, status.st_size)
        elif kind == "gzip":
            reader = GzipReader(descriptor, path, max_total_bytes=max_total_bytes, max_ratio=max_ratio)
        else:
            raise not_a_tar(path, kind)
        notebook = Notebook()
        for entry in walk(reader, notebook, max_members=max_members):
            data = _read_member(reader, entry, max_bytes) if wanted(entry.name) else None
            yield TarMember(entry.name, entry.size, data, entry.data_offset)
        if on_note is not None:
            for note in notebook.notes():
                on_note(note)


def _read_member(reader: TarReader, entry: Entry, max_bytes: int) -> bytes:
    if entry.size > max_bytes:
        raise LimitError(
            f"member {quote(entry.name, 100)} of {quote(reader.path, 100)} has {entry.size} bytes; "
            f"the limit is {max_bytes}",
            path=reader.path,
            offset=entry.data_offset,
        )
    data = reader.block(entry.data_offset, entry.size)
    if len(data) != entry.size:
        refuse(
            f"cut inside the data of {quote(entry.name, 100)} (truncated download?)",
            reader.path,
            entry.data_offset,
        )
    return data

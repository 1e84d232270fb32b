"""The index of a tar: where each member's bytes lie, so that one `pread` gets them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from emotalk_data.archives.cache import FileMemo
from emotalk_data.archives.names import MemberNames, OutOfOrderError, SortedNames, canonical_name
from emotalk_data.archives.ranges import ByteRange, open_regular
from emotalk_data.archives.readers import PlainReader
from emotalk_data.archives.sniff import not_a_tar, sniff_bytes
from emotalk_data.archives.walk import ArchiveNote, Entry, Notebook, walk

__all__ = ["TarIndex", "TarMembers", "cached_tar_index", "index_tar"]

_DEFAULT_MAX_MEMBERS = 4_000_000


@dataclass(frozen=True)
class TarIndex:
    """The regular members of one tar, in archive order. Plain values: it pickles and holds no file open.

    Attributes:
        path: the archive.
        size_bytes: the archive's length when it was indexed.
        names: canonical member names.
        offsets: the byte of each member's data.
        sizes: each member's length in bytes.
        notes: oddities that were tolerated.
    """

    path: str
    size_bytes: int
    names: list[str]
    offsets: list[int]
    sizes: list[int]
    notes: tuple[ArchiveNote, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.names)}

    def find(self, name: str) -> ByteRange | None:
        """Return where a member's bytes lie; None if it is not there. A leading `./` means nothing."""
        position = self._position.get(canonical_name(name))
        if position is None:
            return None
        return ByteRange(self.path, self.offsets[position], self.sizes[position])


def index_tar(path: str, *, max_members: int = _DEFAULT_MAX_MEMBERS) -> TarIndex:
    """Index a plain tar by its headers; the data is not read. Never gives a shorter archive than there is.

    Raises:
        ReleaseNotFoundError: there is nothing at `path`.
        PathError: a directory, fifo or device.
        ArchiveError: not a tar (the message says what it is), or damaged, cut or unsafe.
        LimitError: more than `max_members` members, or an absurdly long name.
    """
    with _open_plain(path) as (reader, size_bytes):
        notebook = Notebook()
        names: list[str] = []
        offsets: list[int] = []
        sizes: list[int] = []
        for name, data_offset, size in walk(reader, notebook, max_members=max_members):
            names.append(name)
            offsets.append(data_offset)
            sizes.append(size)
    return TarIndex(path, size_bytes, names, offsets, sizes, notebook.notes())


@contextmanager
def _open_plain(path: str) -> Iterator[tuple[PlainReader, int]]:
    """Open a tar that is not compressed; yield its reader and its length in bytes."""
    with open_regular(path) as (descriptor, status):
        kind = sniff_bytes(os.pread(descriptor, 2048, 0))
        if kind != "tar":
            raise not_a_tar(path, kind)
        yield PlainReader(descriptor, path, status.st_size), status.st_size


class TarMembers:
    """The members of a plain tar, one after the other: no name is kept, however many there are.

    All headers are walked when this is made, so the archive is vouched for before its first member is seen;
    iterating walks them again. Names that do not come in order cost memory after all: each has to be compared
    with all the others.

    Args:
        path: the archive.
        check: takes each name before the first member is seen, and raises what refuses the archive.

    Attributes:
        notes: oddities that were tolerated.

    Raises:
        whatever `index_tar` raises, and `check`.
    """

    def __init__(self, path: str, *, check: Callable[[str], object] | None = None) -> None:
        self._path = path
        self._names: type[MemberNames] = SortedNames
        try:
            self.notes = self._look(check)
        except OutOfOrderError:
            self._names = MemberNames
            self.notes = self._look(check)

    def _look(self, check: Callable[[str], object] | None) -> tuple[ArchiveNote, ...]:
        notebook = Notebook()
        for name, _, _ in self._walk(notebook):
            if check is not None:
                check(name)
        return notebook.notes()

    def __iter__(self) -> Iterator[Entry]:
        return self._walk(Notebook())

    def _walk(self, notebook: Notebook) -> Iterator[Entry]:
        with _open_plain(self._path) as (reader, _):
            names = self._names(self._path)
            yield from walk(reader, notebook, max_members=_DEFAULT_MAX_MEMBERS, names=names)


def cached_tar_index(path: str) -> TarIndex:
    """Return `index_tar(path)`, remembered in this process until the file's size or time changes.

    May be called from many threads, and before and after a fork. Raises what `index_tar` raises.
    """
    return _memo.get(path, lambda: index_tar(path))


# An index of EmotionTalk's largest archive takes about 10 MB.
_memo: FileMemo[TarIndex] = FileMemo(16)

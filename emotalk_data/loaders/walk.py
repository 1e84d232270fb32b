"""A walk over a release: every file that may matter, folder by folder; nothing is opened and no name is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR
from typing import Final, NamedTuple

from emotalk_data.errors import PathError, ReleaseNotFoundError, quote

__all__ = ["Folder", "ListedFile", "Walk", "is_text", "walk_release"]

# In lower case: a file whose name ends in `.Json` may not disappear in silence.
_ANNOTATIONS: Final = (".json", ".jsonl")
_ARCHIVES: Final = (".tar", ".tar.gz", ".tgz")
_ZIPS: Final = (".zip",)
_MEDIA: Final = (".wav", ".mp4", ".mkv", ".avi", ".mov", ".flac", ".m4a", ".webm", ".ts")
# Compressed so that nothing of them can be read in place, or cut into parts.
_UNREAD: Final = re.compile(
    r".*(\.tar\.(bz2|xz|zst|lz4)|\.t(bz2?|xz|zst)|\.7z|\.rar|\.jsonl?\.(gz|bz2|xz|zst)"
    r"|\.(tar|tgz|gz|zip|7z)\.?[._-]?(part)?[0-9a-z]{0,2}[0-9]|\.z[0-9]{2})"
)
_LISTS: Final = (".txt",)

_UNREADABLE: Final = (0, 0)
"""Length and time of a dangling link: it is there and cannot be read. Reading it later says so."""


class ListedFile(NamedTuple):
    """A file of the release, by its path below the root."""

    name: str
    path: str
    size_bytes: int
    mtime_ns: int


class Folder(NamedTuple):
    """One folder, with the files in it that may matter and are many.

    Attributes:
        name: its path below the root, with a slash at its end; empty for the root.
        path: where it is on disk.
        annotations: JSON files: name, length in bytes, time of the last change in nanoseconds; a walk that
            does not ask for them has zeros.
        media: names of media files.
    """

    name: str
    path: str
    annotations: tuple[tuple[str, int, int], ...]
    media: tuple[str, ...]


class Walk:
    """One walk over a release: folders come one after the other, and are not kept.

    Attributes:
        root: the folder, or the archive or annotation file itself.
        folders: yields each folder with annotations or media once, in an order that the names alone decide. The
            other lists are whole when it has ended.
        archives: as in `Listing`; so are `lists`, `zips` and `unread`.
    """

    def __init__(self, root: str, *, with_status: bool, skip: frozenset[tuple[int, int]]) -> None:
        self.root: Final = root
        self._skip: Final = skip
        self.archives: Final[list[ListedFile]] = []
        self.lists: Final[list[ListedFile]] = []
        self.zips: Final[list[ListedFile]] = []
        self.unread: Final[list[ListedFile]] = []
        self.folders: Final = self._walk()
        self._with_status = with_status

    def _walk(self) -> Iterator[Folder]:
        try:
            if Path(self.root).is_dir():
                yield from self._walk_links()
            else:
                yield from self._single_file(Path(self.root))
        except OSError as error:
            raise ReleaseNotFoundError(
                f"cannot read {quote(error.filename or self.root)}: {error.strerror}. "
                f"Give data_dir the folder that holds the release.",
                path=self.root,
            ) from error
        for files in (self.archives, self.lists, self.zips, self.unread):
            files.sort()

    def _single_file(self, path: Path) -> Iterator[Folder]:
        status = path.stat()
        if path.name.lower().endswith(_ANNOTATIONS):
            yield Folder("", str(path.parent), ((path.name, status.st_size, status.st_mtime_ns),), ())
        else:
            self.archives.append(ListedFile(path.name, self.root, status.st_size, status.st_mtime_ns))

    def _walk_links(self) -> Iterator[Folder]:
        """Walk the root, then the folders that links in it lead to and that were not walked yet."""
        walked: list[str] = []  # the real paths of the folders that were walked with all that is below them
        links: list[tuple[str, str]] = [("", self.root)]
        while links:
            links.sort()  # scandir has no order of its own
            name, path = links.pop(0)
            real = os.path.realpath(path)
            above = os.path.join(real, "")  # noqa: PTH118  # a folder that holds a walked one: a loop
            if not any(_is_within(real, other) or other.startswith(above) for other in walked):
                walked.append(real)
                yield from self._walk_folders(path, f"{name}/" if name else "", links)

    def _walk_folders(self, path: str, prefix: str, links: list[tuple[str, str]]) -> Iterator[Folder]:
        """Walk one folder and all below it; links to folders are put aside, as (name, path)."""
        pending = [(prefix, path)]
        while pending:
            prefix, path = pending.pop()
            annotations: list[tuple[str, int, int]] = []
            media: list[str] = []
            below: list[tuple[str, str]] = []
            with os.scandir(path) as entries:
                for entry in entries:
                    name = entry.name
                    if self._skip and self._is_skipped(entry):
                        continue
                    # Of most files, the first question settles it.
                    if name.endswith(".json") and name[0] != ".":
                        annotations.append((name, *self._size_and_time(entry)))
                        continue
                    if name.startswith("."):
                        continue
                    lower = name.lower()
                    if lower.endswith(_MEDIA):
                        media.append(name)
                    elif lower.endswith(_ANNOTATIONS):
                        annotations.append((name, *self._size_and_time(entry)))
                    elif _is_folder(entry):
                        if entry.is_symlink():
                            links.append((prefix + name, entry.path))
                        else:
                            below.append((f"{prefix}{name}/", entry.path))
                    else:
                        self._add_other(prefix, entry, lower)
            if annotations or media:
                yield Folder(prefix, path, tuple(sorted(annotations)), tuple(sorted(media)))
            pending += sorted(below, reverse=True)  # the last is the next

    def _add_other(self, prefix: str, entry: os.DirEntry[str], lower: str) -> None:
        kinds = ((_ARCHIVES, self.archives), (_LISTS, self.lists), (_ZIPS, self.zips))
        for suffixes, files in kinds:
            if lower.endswith(suffixes):
                files.append(ListedFile(prefix + entry.name, entry.path, *_status(entry)))
                return
        if _UNREAD.fullmatch(lower):
            self.unread.append(ListedFile(prefix + entry.name, entry.path, *_status(entry)))

    def _is_skipped(self, entry: os.DirEntry[str]) -> bool:
        number = entry.inode()
        if all(number != inode for _, inode in self._skip):
            return False
        try:
            status = entry.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) in self._skip

    def _size_and_time(self, entry: os.DirEntry[str]) -> tuple[int, int]:
        return _status(entry) if self._with_status else (0, 0)


def walk_release(
    root: str | os.PathLike[str],
    *,
    with_status: bool = False,
    skip: Iterable[str | os.PathLike[str]] = (),
) -> Walk:
    """Walk a folder with everything below it, or a single archive or annotation file.

    Hidden files (`._x`, `.DS_Store`, `.git`) are passed over. Symbolic links are followed, each folder once.

    Args:
        root: the folder or file.
        with_status: ask for length and time of each annotation file; that takes most of the time.
        skip: files that are no part of the release, wherever they lie and by whatever name; no folders.

    Raises:
        ReleaseNotFoundError: there is nothing at `root`, or it cannot be read; raised by the walk.
        PathError: the path of `root` is not UTF-8: no table can hold the paths of its media.
    """
    # Not Path.resolve(): where a link leads is nobody's business, rows have the path as it was given.
    path = os.path.abspath(Path(root).expanduser())  # noqa: PTH100
    if not is_text(path):
        raise PathError(f"the path {quote(path)} is not UTF-8; expected a folder named in UTF-8. Rename it.")
    return Walk(path, with_status=with_status, skip=frozenset(_identities(skip)))


def _identities(paths: Iterable[str | os.PathLike[str]]) -> Iterator[tuple[int, int]]:
    for path in paths:
        with suppress(OSError, ValueError):  # one that is not there need not be skipped
            status = Path(path).stat()
            if not S_ISDIR(status.st_mode):  # a slip of the user's must not hide what is below it
                yield status.st_dev, status.st_ino


def _is_within(path: str, folder: str) -> bool:
    """Whether a walk of `folder` meets `path`: a hidden folder in between would have been passed over."""
    return path == folder or (path.startswith(folder + os.sep) and os.sep + "." not in path[len(folder) :])


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _status(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        status = entry.stat()
    except OSError:
        return _UNREADABLE
    return status.st_size, status.st_mtime_ns


def is_text(path: str) -> bool:
    """Whether a path is Unicode: bytes of another encoding, GBK say, Python keeps as halves of surrogates."""
    if path.isascii():
        return True
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

"""The bytes of one clip, wherever they lie: a file, a member of an archive, or memory.

A `ByteSource` holds a path and two numbers, or the bytes themselves. It keeps no file open between calls, so
it can be pickled, sent to another process and used by many threads at once. What `held_source` returns has its
file open until it is closed: for several reads in one call.
"""

from __future__ import annotations

import io
import os
from typing import Self

from emotalk_data.archives.location import Location, split_window
from emotalk_data.archives.ranges import (
    ByteRange,
    RangeFile,
    open_descriptor,
    open_regular,
    os_error,
    pread_exact,
    regular_size,
)
from emotalk_data.archives.tar import cached_tar_index
from emotalk_data.archives.zip import cached_zip_index
from emotalk_data.errors import ArchiveError, OptionError, PathError, quote

__all__ = ["ByteRange", "ByteSource", "held_source", "open_source"]

_BUFFER_BYTES = 65_536


class ByteSource:
    """Read-only bytes by position. Offsets count from the start of the clip, not of the archive around it.

    Attributes:
        name: what messages call it: the path it came from, or "<bytes>".
        size_bytes: its length.
        window: `(start_seconds, end_seconds)` of a `#t=` fragment, or None.
    """

    __slots__ = ("_content", "_descriptor", "name", "size_bytes", "window")

    def __init__(
        self,
        content: ByteRange | bytes | memoryview,
        *,
        name: str,
        window: tuple[float, float | None] | None = None,
        descriptor: int = -1,
    ) -> None:
        self._content = content
        self._descriptor = descriptor
        self.name = name
        self.window = window
        self.size_bytes = content.size if isinstance(content, ByteRange) else len(content)

    @property
    def byte_range(self) -> ByteRange | None:
        """Where on disk the bytes lie, unchanged and in one piece; None for bytes in memory."""
        return self._content if isinstance(self._content, ByteRange) else None

    def pread(self, size: int, offset: int) -> bytes:
        """Read up to `size` bytes from byte `offset`; fewer only at the end.

        Raises:
            ReleaseError: the file cannot be read, or has become shorter.
        """
        count = self._clamp(size, offset)
        content = self._content
        if isinstance(content, ByteRange):
            return self._read(content.path, count, content.offset + offset)
        return bytes(content[offset : offset + count])

    def read_all(self) -> bytes | memoryview:
        """Return everything; bytes in memory are handed out as they are, without a copy.

        Raises:
            ReleaseError: the file cannot be read, or has become shorter.
        """
        if isinstance(self._content, ByteRange):
            return self._read(self._content.path, self.size_bytes, self._content.offset)
        return self._content

    def open(self) -> io.BufferedReader | io.BytesIO:
        """Open a new seekable file object over exactly these bytes; the caller closes it.

        Raises:
            ReleaseError: the file cannot be opened.
        """
        if isinstance(self._content, ByteRange):
            return io.BufferedReader(RangeFile(self._content), _BUFFER_BYTES)
        return io.BytesIO(self._content)

    def load(self) -> None:
        """Read everything now; what follows is read from memory.

        Raises:
            ReleaseError: the file cannot be read, or has become shorter.
        """
        self._content = self.read_all()

    def close(self) -> None:
        """Close the file that `held_source` opened; what is read later opens it again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _read(self, path: str, size: int, offset: int) -> bytes:
        if self._descriptor < 0:
            with open_regular(path) as (descriptor, _status):
                return pread_exact(descriptor, size, offset, path)
        try:
            return pread_exact(self._descriptor, size, offset, path)
        except OSError as error:
            raise os_error(error, path) from error

    def _clamp(self, size: int, offset: int) -> int:
        if size < 0 or offset < 0:
            raise OptionError(f"size and offset must not be negative; got {size} and {offset}")
        return min(size, max(self.size_bytes - offset, 0))

    def __repr__(self) -> str:
        return f"ByteSource({quote(self.name)}, size_bytes={self.size_bytes})"

    def __reduce__(self) -> tuple[object, ...]:
        content = bytes(self._content) if isinstance(self._content, memoryview) else self._content
        return _restore, (content, self.name, self.window)


def _restore(content: ByteRange | bytes, name: str, window: tuple[float, float | None] | None) -> ByteSource:
    return ByteSource(content, name=name, window=window)


def open_source(*, data: bytes | memoryview | None = None, path: str | None = None) -> ByteSource:
    """Find the bytes of one clip. Nothing of the clip itself is read, except a deflated zip member.

    Args:
        data: the bytes, when they are in memory. They win over `path`, which then gives only name and window.
        path: a path of the grammar in `location`.

    Returns:
        A source that holds no open file.

    Raises:
        OptionError: neither `data` nor `path` is given.
        PathError: the path is a URL, a directory, a fifo or a device.
        ReleaseNotFoundError: there is no such file.
        SpanError: the path's time window is empty.
        ArchiveError: the archive is damaged, unsafe, compressed as a whole, or has no such member.
        LimitError: a deflated zip member is larger than any real clip.
    """
    content, name, window = _find(data, path)
    if isinstance(content, str):
        content = ByteRange(content, 0, regular_size(content))
    return ByteSource(content, name=name, window=window)


def held_source(*, data: bytes | memoryview | None = None, path: str | None = None) -> ByteSource:
    """As `open_source`, with the file opened: close it, or use a `with` statement. In one thread at a time.

    Raises:
        EmotalkError: as `open_source`.
    """
    content, name, window = _find(data, path)
    if isinstance(content, str):
        descriptor, status = open_descriptor(content)
        content = ByteRange(content, 0, status.st_size)
    else:
        descriptor = open_descriptor(content.path)[0] if isinstance(content, ByteRange) else -1
    return ByteSource(content, name=name, window=window, descriptor=descriptor)


def _find(
    data: bytes | memoryview | None, path: str | None
) -> tuple[ByteRange | bytes | memoryview | str, str, tuple[float, float | None] | None]:
    """Return the content (a `str` for a whole file, not looked at yet), its name, and its window."""
    if data is not None:
        if path is None or "#" not in path:
            return _flat(data), path or "<bytes>", None
        _, start, end = split_window(path)
        return _flat(data), path, None if start is None and end is None else (start or 0.0, end)
    if path is None:
        raise OptionError("a source needs data or a path; both are None")
    if path.startswith("/") and "#" not in path and "\0" not in path:
        return path, path, None  # most paths: nothing of the grammar is in it
    if path.startswith("tar://") and "#" not in path and "\0" not in path:
        member, _, archive = path[6:].partition("::")
        if archive.startswith("/"):  # most of the others: a member, as it is
            return _member_of_tar(member, archive), path, None
    location = Location.parse(path)
    return _resolve(location) if location.members else location.file, path, location.window


def _flat(data: bytes | memoryview) -> bytes | memoryview:
    """View any buffer as a row of bytes, without a copy where its memory is in one piece."""
    if isinstance(data, bytes):
        return data
    try:
        view = memoryview(data)
    except TypeError as error:
        raise OptionError(f"data must be bytes; got {type(data).__name__}") from error
    if not view.c_contiguous or view.nbytes == 0:
        return bytes(view)
    return view.cast("B").toreadonly()


def _resolve(location: Location) -> ByteRange | bytes:
    """Follow the members from the archive on disk inward."""
    schemes = [scheme for scheme, _ in reversed(location.members)]
    if schemes not in (["tar"], ["zip"], ["tar", "zip"]):
        raise PathError(
            f"{quote(str(location), 200)}: only a tar, a zip, and a zip inside a tar can be read in place",
            path=location.file,
        )
    outer: ByteRange | None = None
    if schemes[0] == "tar":
        outer = _member_of_tar(location.members[-1][1], location.file)
        if schemes == ["tar"]:
            return outer
    member = location.members[0][1]
    directory = cached_zip_index(location.file, outer)
    content = directory.find(member)
    if content is None:
        raise _no_member(member, location.file, directory.names)
    return content


def _member_of_tar(member: str, archive: str) -> ByteRange:
    index = cached_tar_index(archive)
    found = index.find(member)
    if found is None:
        raise _no_member(member, archive, index.names)
    return found


def _no_member(member: str, archive: str, names: list[str]) -> ArchiveError:
    base = member.rpartition("/")[2]
    close = [name for name in names if name.rpartition("/")[2] == base]
    hint = (
        f"{len(close)} with that file name, such as {quote(close[0])}"
        if close
        else "none with that file name"
    )
    return ArchiveError(
        f"{quote(member, 100)} is not in {quote(archive, 100)} ({len(names)} members, {hint}). "
        "If the archive was replaced, load the release again",
        path=archive,
    )

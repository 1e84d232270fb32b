"""The bytes of one clip, wherever they lie: a file, a member of an archive, or memory.

A `ByteSource` holds a path and two numbers, or the bytes themselves. It keeps no file open between calls, so
it can be pickled, sent to another process and used by many threads at once.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from emotalk_data.archives.location import Location, split_window
from emotalk_data.archives.ranges import (
    ByteRange,
    RangeFile,
    open_regular,
    pread_exact,
    preadv_full,
    regular_size,
    shorter_than_it_was,
)
from emotalk_data.archives.tar import cached_tar_index
from emotalk_data.archives.zip import cached_zip_index
from emotalk_data.errors import ArchiveError, OptionError, PathError, quote

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Buffer

__all__ = ["ByteRange", "ByteSource", "open_source"]

_BUFFER_BYTES = 65_536


class ByteSource:
    """Read-only bytes by position. Offsets count from the start of the clip, not of the archive around it.

    Attributes:
        name: what messages call it: the path it came from, or "<bytes>".
        size_bytes: its length.
        window: `(start_seconds, end_seconds)` of a `#t=` fragment, or None.
    """

    __slots__ = ("_content", "name", "size_bytes", "window")

    def __init__(
        self,
        content: ByteRange | bytes | memoryview,
        *,
        name: str,
        window: tuple[float, float | None] | None = None,
    ) -> None:
        self._content = content
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
        if not isinstance(self._content, ByteRange):
            return bytes(self._content[offset : offset + count])
        path, start, _ = self._content
        with open_regular(path) as (descriptor, _status):
            return pread_exact(descriptor, count, start + offset, path)

    def preadinto(self, buffer: Buffer | np.ndarray[Any, Any], offset: int) -> int:
        """Fill a writable, contiguous buffer from byte `offset`.

        Returns:
            The number of bytes written; less than the buffer's size only at the end.

        Raises:
            ReleaseError: the file cannot be read, or has become shorter.
        """
        view = memoryview(cast("Buffer", buffer))  # numpy's types say so from Python 3.12 on
        count = self._clamp(view.nbytes, offset)
        if count == 0:
            return 0
        view = view.cast("B")[:count]
        if not isinstance(self._content, ByteRange):
            view[:] = self._content[offset : offset + count]
            return count
        path, start, _ = self._content
        with open_regular(path) as (descriptor, _status):
            if preadv_full(descriptor, view, start + offset) != count:
                raise shorter_than_it_was(path, start + offset, count)
        return count

    def read_all(self) -> bytes | memoryview:
        """Return everything; bytes in memory are handed out as they are, without a copy.

        Raises:
            ReleaseError: the file cannot be read, or has become shorter.
        """
        if isinstance(self._content, ByteRange):
            return self.pread(self.size_bytes, 0)
        return self._content

    def open(self) -> io.BufferedReader | io.BytesIO:
        """Open a new seekable file object over exactly these bytes; the caller closes it.

        Raises:
            ReleaseError: the file cannot be opened.
        """
        if isinstance(self._content, ByteRange):
            return io.BufferedReader(RangeFile(self._content), _BUFFER_BYTES)
        return io.BytesIO(self._content)

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
    if data is not None:
        _, start, end = split_window(path or "")
        window = None if start is None and end is None else (start or 0.0, end)
        return ByteSource(_flat(data), name=path or "<bytes>", window=window)
    if path is None:
        raise OptionError("a source needs data or a path; both are None")
    location = Location.parse(path)
    if location.members:
        content = _resolve(location)
    else:
        content = ByteRange(location.file, 0, regular_size(location.file))
    return ByteSource(content, name=path, window=location.window)


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
        member = location.members[-1][1]
        index = cached_tar_index(location.file)
        outer = index.find(member)
        if outer is None:
            raise _no_member(member, location.file, index.names)
        if schemes == ["tar"]:
            return outer
    member = location.members[0][1]
    directory = cached_zip_index(location.file, outer)
    content = directory.find(member)
    if content is None:
        raise _no_member(member, location.file, directory.names)
    return content


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

"""A run of bytes in a file on disk: opening it safely, reading it by position, and as a file object.

Everything here uses `os.pread`, so no read depends on a position that another thread or a forked process
could have moved.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from emotalk_data.errors import EmotalkError, PathError, ReleaseError, ReleaseNotFoundError, quote

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = [
    "ByteRange",
    "RangeFile",
    "open_descriptor",
    "open_regular",
    "os_error",
    "pread_exact",
    "preadv_full",
    "regular_size",
    "shorter_than_it_was",
]

# O_NONBLOCK: opening a fifo that nobody writes to must not wait. It means nothing for regular files.
_OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_NOT_FOUND = (errno.ENOENT, errno.ENOTDIR)


class ByteRange(NamedTuple):
    """`size` bytes of the file `path`, from byte `offset`."""

    path: str
    offset: int
    size: int


def os_error(error: OSError | ValueError, path: str) -> EmotalkError:
    """Say what the operating system said about `path`, as one of our errors."""
    if not isinstance(error, OSError):
        # Embedded NUL, or a lone surrogate that no file name can hold.
        return PathError(f"{quote(path)} cannot be a file name: {error}", path=path)
    if error.errno in _NOT_FOUND:
        return ReleaseNotFoundError(
            f"no file at {quote(path, 200)}. If the release was moved, pass data_dir again", path=path
        )
    if error.errno == errno.ENAMETOOLONG:
        return PathError(f"the file name is too long for this system: {quote(path)}", path=path)
    reason = error.strerror or str(error)
    return ReleaseError(f"cannot read {quote(path, 200)}: {reason}", path=path)


def _check_regular(mode: int, path: str) -> None:
    if stat.S_ISREG(mode):
        return
    kind = "a directory" if stat.S_ISDIR(mode) else "a fifo, socket or device"
    raise PathError(f"{quote(path, 200)} is {kind}; expected a regular file", path=path)


def regular_size(path: str) -> int:
    """Return the size in bytes of a regular file.

    Raises:
        ReleaseNotFoundError: there is nothing at `path`.
        PathError: a directory, fifo or device, or no possible file name.
        ReleaseError: the operating system refuses.
    """
    try:
        status = os.stat(path)  # noqa: PTH116  a str, and pathlib is slower
    except (OSError, ValueError) as error:
        raise os_error(error, path) from error
    _check_regular(status.st_mode, path)
    return status.st_size


@contextmanager
def open_regular(path: str) -> Iterator[tuple[int, os.stat_result]]:
    """Open a regular file for `os.pread`; the descriptor is closed when the block ends.

    Never waits on a fifo. Errors of the operating system inside the block become ours as well.

    Raises:
        ReleaseNotFoundError: there is nothing at `path`.
        PathError: a directory, fifo or device, or no possible file name.
        ReleaseError: the operating system refuses.
    """
    try:
        descriptor, status = open_descriptor(path)
        try:
            yield descriptor, status
        finally:
            os.close(descriptor)
    except EmotalkError:
        raise
    except OSError as error:
        raise os_error(error, path) from error


def open_descriptor(path: str) -> tuple[int, os.stat_result]:
    """Open a regular file for `os.pread`; the caller closes the descriptor.

    Raises:
        ReleaseNotFoundError: there is nothing at `path`.
        PathError: a directory, fifo or device, or no possible file name.
        ReleaseError: the operating system refuses.
    """
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENXIO:  # a socket
            raise PathError(f"{quote(path, 200)} is a socket; expected a regular file", path=path) from error
        raise os_error(error, path) from error
    try:
        status = os.fstat(descriptor)
        _check_regular(status.st_mode, path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def pread_exact(descriptor: int, size: int, offset: int, path: str) -> bytes:
    """Read `size` bytes that are known to be there.

    Raises:
        ReleaseError: the file has become shorter than it was.
    """
    data = os.pread(descriptor, size, offset)
    if len(data) == size:
        return data
    buffer = bytearray(size)  # one call reads at most 2 GiB on Linux
    if preadv_full(descriptor, memoryview(buffer), offset) != size:
        raise shorter_than_it_was(path, offset, size)
    return bytes(buffer)


def preadv_full(descriptor: int, view: memoryview, offset: int) -> int:
    """Fill `view` from byte `offset`; return how many bytes there were."""
    done = 0
    while done < len(view):
        count = os.preadv(descriptor, [view[done:]], offset + done)
        if count == 0:
            break
        done += count
    return done


def shorter_than_it_was(path: str, offset: int, size: int) -> ReleaseError:
    """Build the error for a file that lost bytes between two looks at it."""
    return ReleaseError(
        f"{quote(path, 200)} ends inside bytes {offset} to {offset + size}, which were there a moment ago; "
        "is it still being copied?",
        path=path,
        offset=offset,
    )


class RangeFile(io.RawIOBase):
    """A seekable, read-only file object over exactly one byte range of a file.

    It owns one descriptor, closed by `close`, the `with` statement, or with the object. It cannot be pickled.

    Raises:
        ReleaseNotFoundError: there is nothing at the path.
        PathError: a directory, fifo or device.
        ReleaseError: the operating system refuses, or the file has become shorter.
    """

    def __init__(self, byte_range: ByteRange) -> None:
        self._descriptor = -1  # __del__ runs close() even when the next line raises
        self._range = byte_range
        self._position = 0
        self._descriptor, _ = open_descriptor(byte_range.path)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes from the start of the range."""
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; a position behind the end is allowed and reads nothing, as in any file."""
        self._check_open()
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._range.size}.get(whence)
        if base is None:
            raise ValueError(f"invalid whence ({whence}, should be 0, 1 or 2)")
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill `buffer` as far as the range goes; return the number of bytes."""
        self._check_open()
        view = memoryview(buffer)
        if view.nbytes == 0:
            return 0
        path, start, size = self._range
        count = min(view.nbytes, max(size - self._position, 0))
        try:
            done = preadv_full(self._descriptor, view.cast("B")[:count], start + self._position)
        except OSError as error:
            raise os_error(error, path) from error
        if done != count:
            raise shorter_than_it_was(path, start + self._position, count)
        self._position += done
        return done

    def fileno(self) -> int:
        """Refuse: the descriptor sees the whole file, not the range."""
        raise io.UnsupportedOperation("fileno: this object is a part of a file")

    def close(self) -> None:
        """Close the descriptor; closing twice is allowed."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        super().close()

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("an open RangeFile cannot be pickled; pickle the ByteSource and open it again")

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

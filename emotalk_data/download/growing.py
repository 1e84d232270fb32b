"""A file that a download appends to: one process at a time, never beyond its length, and not after Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Final

from emotalk_data.download.places import REPO_ID
from emotalk_data.download.plan import HubFile
from emotalk_data.errors import HubError
from emotalk_data.hub_client.limits import StoppedError

__all__ = ["GrowingFile", "is_at", "locked"]

_LOOK_SECONDS: Final = 0.2
"""How often a file is looked at that another process has."""


@contextmanager
def locked(path: Path, stop: threading.Event | None = None) -> Iterator[FileIO]:
    """Open a file that is to grow, for one process at a time. A process that is killed gives it free.

    Args:
        path: made if it is not there.
        stop: once it is set, nobody waits any longer.

    Raises:
        StoppedError: `stop` was set.
        OSError: as the operating system says it.
    """
    stop = stop or threading.Event()
    with path.open("a+b", buffering=0) as out:
        while True:
            try:
                fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pass
            # A thread that waits in flock itself would wait on after Ctrl-C.
            if stop.wait(_LOOK_SECONDS):
                raise StoppedError("the download was stopped")
        yield out


def is_at(out: FileIO, path: Path) -> bool:
    """Whether an open file still has its name: who had it before may have given it another."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(out.fileno()), path.stat())
    return False


class GrowingFile:
    """A file that refuses to grow beyond its length, or once the download is to stop.

    A thread cannot be interrupted, and an answer may have no end.
    """

    def __init__(self, out: FileIO, file: HubFile, stop: threading.Event) -> None:
        self._out = out
        self._file = file
        self._stop = stop

    def write(self, data: bytes) -> int:
        """Append all of it.

        Raises:
            StoppedError: the download is to stop.
            HubError: it is more than the Hub lists; nothing of the file is left.
        """
        if self._stop.is_set():
            raise StoppedError("the download was stopped")
        if os.fstat(self._out.fileno()).st_size + len(data) > self._file.size_bytes:
            self._out.truncate(0)
            raise HubError(
                f"{self._file.name} of {REPO_ID} comes with more than the {self._file.size_bytes:,} bytes that "
                f"the Hub lists, and was removed. Something between here and the Hub changes it: try another "
                f"network, or without HF_ENDPOINT."
            )
        # Unbuffered: a full disk may take a part of it.
        rest = memoryview(data)
        while rest:
            rest = rest[self._out.write(rest) :]
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of a file."""
        return self._out.seek(offset, whence)

    def tell(self) -> int:
        """As of a file."""
        return self._out.tell()

    def truncate(self, size: int | None = None) -> int:
        """As of a file."""
        return self._out.truncate(size)

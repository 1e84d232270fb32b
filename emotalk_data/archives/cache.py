"""A small in-process memory of what was read from a file, forgotten when the file changes."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from threading import RLock
from typing import Generic, TypeVar
from weakref import WeakMethod

from emotalk_data.archives.ranges import os_error

__all__ = ["FileMemo"]

T = TypeVar("T")


class FileMemo(Generic[T]):
    """Least recently used results, keyed by a file's identity, size and modification time.

    Threads share one build: the second waits for the first. Results hold no handles, so a forked process
    may go on using them; its lock is a new one, because a thread that held the old one does not exist there.

    Args:
        max_files: how many results are kept.
    """

    def __init__(self, max_files: int) -> None:
        self._max_files = max_files
        self._results: OrderedDict[tuple[object, ...], T] = OrderedDict()
        self._lock = RLock()
        renew = WeakMethod(self._renew_lock)
        os.register_at_fork(after_in_child=lambda: (method := renew()) and method())

    def get(self, path: str, build: Callable[[], T], *extra: object) -> T:
        """Return the result for `path` (and `extra`) as it is now, built if it is not known.

        Raises:
            ReleaseNotFoundError: there is nothing at `path`.
            ReleaseError: the operating system refuses; or whatever `build` raises.
        """
        try:
            status = os.stat(path)  # noqa: PTH116  a str, and pathlib is slower
        except (OSError, ValueError) as error:
            raise os_error(error, path) from error
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        key = (path, *identity, *extra)
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
            result = self._results[key] = build()
            while len(self._results) > self._max_files:
                self._results.popitem(last=False)
            return result

    def _renew_lock(self) -> None:
        self._lock = RLock()

"""The folder where a set is staged: gone when the run ends, and what killed runs left goes with the next one."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from emotalk_data.errors import CacheWriteError, quote

__all__ = ["PLACE", "staging_place"]

PLACE: Final = "emotalk_publishing"
"""Name of the folder in the cache of `datasets` that holds a folder for each run under way."""

_ATTEMPTS: Final = 20


@contextmanager
def staging_place() -> Iterator[Path]:
    """Yield a new, empty folder in the cache. It and all in it are removed at the end, after an error too.

    Raises:
        CacheWriteError: the cache cannot be written to.
    """
    import datasets

    root = Path(datasets.config.HF_DATASETS_CACHE).expanduser().absolute() / PLACE
    try:
        descriptor, place = _first_place(root)
    except OSError as error:
        raise CacheWriteError(
            f"cannot make a staging folder in {quote(str(root), 200)}: {error.strerror or error}. Make room, "
            f"or set HF_DATASETS_CACHE to a folder that may be written to.",
            path=str(root),
        ) from error
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(descriptor)
        with suppress(OSError):  # another run is using it
            root.rmdir()


def _first_place(root: Path) -> tuple[int, Path]:
    """Make a folder in `root`, which a run that ends may just be removing: then once more."""
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError):
            root.mkdir(parents=True, exist_ok=True)
            return _new_place(root)
    root.mkdir(parents=True, exist_ok=True)
    return _new_place(root)


def _new_place(root: Path) -> tuple[int, Path]:
    """Make a folder and lock it, and remove those that no process holds any more."""
    holder = os.open(root, os.O_RDONLY)
    try:
        # So that nobody takes a folder for left over between its making and its lock.
        _lock(holder, fcntl.LOCK_EX)
        for left in root.iterdir():
            _remove_left_over(left)
        place = root / f"{os.getpid()}-{secrets.token_hex(4)}"
        place.mkdir(mode=0o700)
        descriptor = os.open(place, os.O_RDONLY)
        _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor, place
    finally:
        os.close(holder)


def _remove_left_over(folder: Path) -> None:
    """Remove the folder of a process that has ended: the kernel has then given up its lock."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how)
    except OSError:  # held by another run; or a file system without locks, on which nothing is cleared away
        return False
    return True

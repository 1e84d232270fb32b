"""The one way to write a file that others read: whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["LEFT_OVER", "whole_file"]

LEFT_OVER: Final = ".*.writing"
"""Pattern of the names of files that a killed process was writing."""


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a new file that gets the name `path` when the block has ended well, and is gone when it has not.

    A reader sees the old file or the new one, never a part, also after a kill or a power cut.

    Raises:
        OSError: as the operating system says it. The caller knows what was to be written, and tells.
    """
    target = Path(path)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.writing")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk too. Some file systems cannot, and the file is complete either way."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

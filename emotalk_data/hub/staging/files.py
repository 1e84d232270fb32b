"""Files of a source, none of them a link; and their way into the staging folder, byte for byte."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pyarrow as pa

from emotalk_data._whole_file import whole_file
from emotalk_data.errors import CacheWriteError, EmotalkError, OptionError, PublishRefusedError, quote
from emotalk_data.hub.staged import CARD_NAME, CROISSANT_NAME
from emotalk_data.schemas.feature_shard import DATA_FOLDER

__all__ = ["LEFT_OUT", "check_contents", "new_folder", "place", "shards_in", "typed_write_errors"]

LEFT_OUT: Final = (CARD_NAME, CROISSANT_NAME)
"""What may lie in a source and is never uploaded: the card and Croissant are made anew."""

_READ_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def check_contents(folder: Path, *, beside: Sequence[str] = ()) -> list[Path]:
    """Make sure that a source holds Parquet files and nothing that is not known; return these, sorted by name.

    They are in its folder `data`, or in the source itself where it has no such folder.

    Args:
        folder: the source.
        beside: other files that it may hold.

    Raises:
        OptionError: it cannot be read.
        PublishRefusedError: a link, a hidden file, a folder, or a file of another kind is in it.
    """
    known = {*beside, *LEFT_OUT}
    top = _entries(folder)
    for entry in top:
        expected = "folder" if entry.name == DATA_FOLDER else "file"
        if entry.name in (*known, DATA_FOLDER) and _kind(entry) != expected:
            raise _refused(entry, f"it is a {_kind(entry)}")
    rest = [entry for entry in top if entry.name not in (*known, DATA_FOLDER)]
    if not any(entry.name == DATA_FOLDER for entry in top):
        return _shards(rest)
    if rest:
        raise _refused(rest[0], _oddity(rest[0]))
    return _shards(_entries(folder / DATA_FOLDER))


def shards_in(folder: Path) -> list[Path]:
    """Return what looks like a shard in a source, without a look at what else is there; sorted by name.

    Raises:
        OptionError: it cannot be read.
    """
    data = folder / DATA_FOLDER
    entries = _entries(data if data.is_dir() else folder)
    return [Path(entry.path) for entry in entries if entry.name.endswith(".parquet") and entry.name[0] != "."]


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make a folder, which may be there if it is empty; what was written to it is gone again after an error.

    Raises:
        OptionError: there is something in it.
        CacheWriteError: it cannot be made, or written to.
    """
    was_there = folder.is_dir()
    if folder.is_symlink() or (folder.exists() and not (was_there and not any(folder.iterdir()))):
        raise OptionError(
            f"the staging folder {quote(str(folder), 200)} is there and not empty; give a new one.",
            path=str(folder),
        )
    with typed_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for entry in list(folder.iterdir()):
            shutil.rmtree(entry, ignore_errors=True)
            with suppress(OSError):
                entry.unlink(missing_ok=True)
        if not was_there:
            with suppress(OSError):
                folder.rmdir()
        raise


def place(source: Path, target: Path) -> None:
    """Give a file a second name in the staging folder; copy it where the disk is another one.

    Raises:
        PublishRefusedError: it has become something else than a file.
        CacheWriteError: it cannot be written.
    """
    with typed_write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:  # another file system, or one without hard links
            _copy(source, target)
        if not stat.S_ISREG(target.lstat().st_mode):
            target.unlink()
            raise _no_file(source)


@contextmanager
def typed_write_errors(target: Path) -> Iterator[None]:
    """Turn what writing raises into errors of this package.

    Raises:
        CacheWriteError: the disk is full, or the folder may not be written to.
    """
    try:
        yield
    except EmotalkError:
        raise
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or quote(str(error), 120)
        raise CacheWriteError(
            f"cannot write {quote(str(target), 200)}: {reason}. Nothing was uploaded; make room, or give another "
            f"staging folder.",
            path=str(target),
        ) from error


def _copy(source: Path, target: Path) -> None:
    try:
        descriptor = os.open(source, _READ_FLAGS)
    except OSError as error:
        raise OptionError(
            f"cannot read {quote(str(source), 200)}: {error.strerror}.", path=str(source)
        ) from error
    with open(descriptor, "rb") as file, whole_file(target) as copy:  # noqa: PTH123  a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _no_file(source)
        shutil.copyfileobj(file, copy, 1 << 20)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise OptionError(
            f"cannot read the folder {quote(str(folder), 200)}: {error.strerror or error}.", path=str(folder)
        ) from error


def _shards(entries: Sequence[os.DirEntry[str]]) -> list[Path]:
    for entry in entries:
        if _kind(entry) != "file" or entry.name.startswith(".") or not entry.name.endswith(".parquet"):
            raise _refused(entry, _oddity(entry))
    return [Path(entry.path) for entry in entries]


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "device, pipe or socket"


def _oddity(entry: os.DirEntry[str]) -> str:
    kind = _kind(entry)
    if kind != "file":
        return f"it is a {kind}"
    return (
        "it is a hidden file" if entry.name.startswith(".") else "it is none of the files that are known here"
    )


def _refused(entry: os.DirEntry[str], problem: str) -> PublishRefusedError:
    return PublishRefusedError(
        f"{quote(entry.path, 200)} is not uploaded: {problem}. Expected Parquet shards in `{DATA_FOLDER}/`, and "
        f"beside it only what emotalk_data writes. Move it away, and publish again.",
        path=entry.path,
    )


def _no_file(source: Path) -> PublishRefusedError:
    return PublishRefusedError(
        f"{quote(str(source), 200)} is not uploaded: it is no regular file.", path=str(source)
    )

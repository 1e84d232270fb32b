"""Where an export goes: a folder or a file that appears when it is whole, and not at all when it is not."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from emotalk_data._whole_file import whole_file
from emotalk_data.errors import CacheWriteError, OptionError, quote
from emotalk_data.features.exporting.exported import FAILURES_NAME, LeftOut

__all__ = ["check_file_name", "check_room", "new_file", "new_folder"]


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a folder to write to; it gets the name `out` when the block has ended well.

    Raises:
        OptionError: there is something at `out` already.
        CacheWriteError: it cannot be written.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OptionError(f"{quote(str(out), 200)} is there and not empty; give a new folder.", path=str(out))
    beside = out.with_name(f".{out.name}.{secrets.token_hex(4)}.writing")
    try:
        beside.mkdir(parents=True)
        yield beside
        if out.exists():
            out.rmdir()
        beside.replace(out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def new_file(out: Path, left_out: LeftOut) -> Iterator[BinaryIO]:
    """Yield a file to write to; it gets the name `out` when the block has ended well.

    What is left out is listed beside it, in `<name>.failures.csv`; where nothing is, there is no such file.

    Raises:
        OptionError: there is something at `out` already.
        CacheWriteError: it cannot be written.
    """
    beside = out.with_name(f"{out.stem}.{FAILURES_NAME}")
    for path in (out, beside):
        if path.exists():
            raise OptionError(f"{quote(str(path), 200)} is there already; give a new file.", path=str(path))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(out) as file:
            yield file
            if len(left_out):
                with whole_file(beside) as table:
                    table.write(left_out.csv())
    except OSError as error:
        raise _unwritable(out, error) from error


def check_room(out: Path, size_bytes: int, advice: str) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        OptionError: with the advice.
    """
    folder = next(parent for parent in out.absolute().parents if parent.exists())
    free = shutil.disk_usage(folder).free
    if size_bytes > free:
        raise OptionError(
            f"{quote(str(out), 160)} would be {size_bytes / 1e9:,.1f} GB, and the disk has {free / 1e9:,.1f} GB "
            f"left. {advice}",
            path=str(out),
        )


def check_file_name(utterance_id: str) -> str:
    """Return an utterance id that can be the name of a file.

    Raises:
        OptionError: it holds a path, or is none.
    """
    odd = {"/", "\\", "\0", ":", os.sep} & set(utterance_id)
    if odd or not utterance_id.isprintable() or not 0 < len(utterance_id) <= 200 or utterance_id[0] == ".":
        raise OptionError(
            f"utterance id {quote(utterance_id)} cannot be the name of a file; expected letters, digits and _. "
            "Export to 'dialoguernn' or 'mmsa', or extract again with other ids."
        )
    return utterance_id


def _unwritable(out: Path, error: OSError) -> CacheWriteError:
    return CacheWriteError(
        f"cannot write {quote(str(out), 200)}: {error.strerror or error}. Nothing is left of it; make room, or "
        "give another place.",
        path=str(out),
    )

"""The path of a folder that somebody gave, made whole; or what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

from emotalk_data.errors import OptionError, quote

__all__ = ["absolute_folder", "out_folder"]


def absolute_folder(given: object, called: str) -> Path:
    """Return the absolute path of a folder, which need not be there; `~` is the home of its user.

    Args:
        given: as it was given.
        called: what it is, for messages.

    Raises:
        OptionError: no path, or one that cannot be.
    """
    path = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(path, str) or "\0" in path:
        raise OptionError(f"{called} is {quote(given)}; expected the path of a folder.")
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise OptionError(f"{called} is {quote(given)}, and there is no such user.") from error


def out_folder(out: object) -> Path:
    """Return the absolute path of the folder that a copy or a feature set is to be written to.

    Raises:
        OptionError: as `absolute_folder`; or the path is not UTF-8.
    """
    path = absolute_folder(out, "out")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise OptionError(f"out is {quote(str(out))}; Parquet files are opened by names in UTF-8.") from error
    return path

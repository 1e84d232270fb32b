"""The folder that a copy or a feature set is to be written to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from emotalk_data.errors import OptionError, PathError, quote

__all__ = ["out_folder"]


def out_folder(out: Any) -> Path:
    """Return the absolute path of a folder that need not be there; `~` is the home of its user.

    Raises:
        OptionError: no path.
        PathError: it has a NUL character, or is not UTF-8.
    """
    if not isinstance(out, str | os.PathLike):
        raise OptionError(f"out is {quote(out)}; expected the path of a folder.")
    try:
        path = Path(out).expanduser().absolute()
    except (TypeError, RuntimeError) as error:  # a path of bytes; `~nobody`
        raise OptionError(f"out is {quote(out)}: {error}.") from error
    if "\0" in str(path):
        raise PathError(f"out is {quote(str(out))}; no path has a NUL character.", path=str(path))
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise PathError(
            f"out is {quote(str(out))}; Parquet files are opened by names in UTF-8.", path=str(path)
        ) from error
    return path

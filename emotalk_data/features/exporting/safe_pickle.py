"""Pickles of features, read without running anything that they ask for.

`pickle.load` runs what the file tells it to, and a file of 9 bytes can ask it for gigabytes before a restricted
`find_class` is asked. So nothing of the `pickle` module takes part: this is a reader of its own, for the
instructions that Python writes for lists, dicts, texts, numbers and numpy arrays (protocols 2 to 5). Every length
is compared with what is left of the file first; a name outside `pickled_arrays.NAMES` ends the reading.
"""

from __future__ import annotations

import mmap
import os
import stat
from pathlib import Path
from typing import Any

from emotalk_data.errors import DecodeError, LimitError, OptionError, quote
from emotalk_data.features.exporting.pickle_bytes import TooLargeError
from emotalk_data.features.exporting.pickle_reader import PickleReader
from emotalk_data.features.exporting.pickled_arrays import RefusedError

__all__ = ["check_is_file", "load_pickle", "read_pickle"]


def check_is_file(path: Path) -> None:
    """Refuse what is no file: opening a pipe waits for who writes to it.

    Raises:
        OptionError: it is a pipe, a device or a folder.
        OSError: it is not there.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OptionError(f"cannot read {quote(str(path))}: it is no file.", path=str(path))


def load_pickle(path: str | os.PathLike[str]) -> Any:
    """Return what the pickle in a file holds; see `read_pickle`.

    The file is mapped into memory, and arrays are views of it: it has to stay as it is while they are used.

    Raises:
        OptionError: the file cannot be read.
    """
    try:
        check_is_file(Path(path))
        with Path(path).open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise DecodeError(
                    f"{quote(str(path))} is empty; expected a pickle.", path=str(path), offset=0
                )
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise OptionError(f"cannot read {quote(str(path))}: {error.strerror}.", path=str(path)) from error
    return read_pickle(data, where=str(path))


def read_pickle(data: bytes | mmap.mmap, *, where: str) -> Any:
    """Return what a pickle holds: lists, tuples, dicts, sets, texts, numbers and arrays.

    An array of objects comes back as a list; numbers of numpy as Python's.

    Args:
        data: the whole pickle, of protocol 2, 3, 4 or 5.
        where: what to call it in a message.

    Raises:
        DecodeError: it is damaged or cut, or asks for something else than plain values and arrays.
        LimitError: it asks for more memory than any file of features needs.
    """
    reader = PickleReader(memoryview(data))
    try:
        return reader.run()
    except TooLargeError as error:
        raise LimitError(
            f"{quote(where)} holds {error} at byte {reader.at}; no file of features needs that. "
            "Do not open it with other programs: it may be an attack.",
            path=where,
            offset=reader.at,
        ) from error
    except (RefusedError, IndexError) as error:
        what = str(error) if isinstance(error, RefusedError) else "something that ends in the middle"
        raise DecodeError(
            f"{quote(where)} holds {what} at byte {reader.at}; expected a pickle of lists, dicts, texts, numbers "
            "and numpy arrays. Fetch the file again, from a place you trust.",
            path=where,
            offset=reader.at,
        ) from error
    finally:
        reader.forget()

"""Label files of the field, `.npz` archives of dicts, read without running anything that they ask for.

`np.load(path, allow_pickle=True)` is how they are read elsewhere, and it runs whatever the file says.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from emotalk_data.errors import DecodeError, LimitError, OptionError, quote
from emotalk_data.features.exporting.pickled_arrays import check_characters
from emotalk_data.features.exporting.safe_pickle import check_is_file, read_pickle

__all__ = ["read_label_archive"]

_MAX_MEMBERS: Final = 100
_MAX_BYTES: Final = 32 << 20
"""Of all members, unpacked. A label file of M3ED's 24,449 utterances has less than a tenth of it."""
_FAULTS: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, TypeError, KeyError,
    SyntaxError, MemoryError, OverflowError, UnicodeError,
)  # fmt: skip
"""What zipfile and numpy's reader of headers raise of a damaged archive; RecursionError is a RuntimeError."""


def read_label_archive(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a `.npz` archive holds: name to array, or to the dict that is kept as an array of objects.

    Args:
        path: such as MERTools' `label.npz`, with `train_corpus` and its like.

    Raises:
        OptionError: the file cannot be read.
        DecodeError: it is damaged, no such archive, or asks for something else than plain values and arrays.
        LimitError: it is larger, unpacked, than any label file.
    """
    try:
        check_is_file(Path(path))
        with zipfile.ZipFile(Path(path)) as archive:
            return _read_members(archive, str(path))
    except _FAULTS as error:
        if isinstance(error, DecodeError | LimitError | OptionError):
            raise
        raise DecodeError(
            f"{quote(str(path))} cannot be read as a .npz archive: {quote(str(error))}. Fetch it again.",
            path=str(path),
        ) from error
    except OSError as error:
        raise OptionError(f"cannot read {quote(str(path))}: {error.strerror}.", path=str(path)) from error


def _read_members(archive: zipfile.ZipFile, path: str) -> dict[str, Any]:
    members, values, left = archive.infolist(), dict[str, Any](), _MAX_BYTES
    if len(members) > _MAX_MEMBERS:
        raise LimitError(f"{quote(path)} has {len(members):,} members; expected a few.", path=path)
    for member in members:
        name = member.filename.removesuffix(".npy")
        if name in values:
            raise ValueError(f"two members of the name {quote(name)}")
        with archive.open(member) as file:  # what the archive says of the length need not be so
            content = file.read(left + 1)
        left -= len(content)
        if left < 0:
            raise LimitError(
                f"{quote(path)} is larger than {_MAX_BYTES:,} bytes when it is unpacked; no label file is.",
                path=path,
            )
        values[name] = _value(content, f"{path}/{member.filename}")
    return values


def _value(content: bytes, where: str) -> Any:
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"a .npy file of version {version}")
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, is_fortran, of = read_header[version](stream)
    rest = content[stream.tell() :]
    if of.kind == "O" and of.names is None and of.subdtype is None:
        return read_pickle(rest, where=where)
    if of.kind not in "fiubU" or math.prod(shape) * of.itemsize != len(rest):
        raise ValueError(f"an array of {of} and shape {shape} out of {len(rest):,} bytes")
    if of.kind == "U":
        check_characters(np.frombuffer(rest, of.byteorder + "u4"))
    return np.frombuffer(rest, of).reshape(shape, order="F" if is_fortran else "C")

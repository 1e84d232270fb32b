"""Frames of a batch: the vectors that an encoder gave of each moment, padded to the longest row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from emotalk_data.errors import OptionError, quote

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Frames", "Padded", "pad_arrow", "pad_values"]


class Frames(NamedTuple):
    """The kind of a column of lists, each of any number of vectors of one length.

    Attributes:
        length: D, numbers of a vector.
        dtype: floating point, as it is stored.
    """

    length: int
    dtype: torch.dtype


class Padded(NamedTuple):
    """The frames of a batch.

    Attributes:
        values: (batch, frames, D), zeros behind the end of each row.
        lengths: int64 (batch,), frames of each row; 0 where it is null.
    """

    values: torch.Tensor
    lengths: torch.Tensor


def pad_arrow(kind: Frames, column: pa.ChunkedArray) -> Padded:
    """Pad an Arrow column of lists of fixed-size lists; no Python object is made of a number.

    A number, or a vector, that is null inside of a row becomes NaN.
    """
    return _padded(kind, [row for chunk in column.chunks for row in _rows_of(kind, chunk)])


def pad_values(name: str, kind: Frames, values: Sequence[Any]) -> Padded:
    """Do the same for rows of arrays, tensors or nested lists.

    Raises:
        OptionError: a row of another shape, or of something else than numbers.
    """
    return _padded(kind, [None if value is None else _row_of(name, kind, value) for value in values])


def _padded(kind: Frames, rows: Sequence[NDArray[Any] | None]) -> Padded:
    lengths = [0 if row is None else len(row) for row in rows]
    values = torch.zeros((len(rows), max(lengths, default=0), kind.length), dtype=kind.dtype)
    places = values.numpy()
    for place, row in zip(places, rows, strict=True):
        if row is not None:
            place[: len(row)] = row
    return Padded(values, torch.tensor(lengths, dtype=torch.int64))


def _rows_of(kind: Frames, chunk: pa.ListArray) -> list[NDArray[Any] | None]:
    """Return the frames of each row, as views of the table's memory."""
    ends = chunk.offsets.to_numpy()
    vectors = chunk.values.slice(ends[0], ends[-1] - ends[0])
    numbers = vectors.values.slice(vectors.offset * kind.length, len(vectors) * kind.length)
    frames = numbers.to_numpy(zero_copy_only=False).reshape(-1, kind.length)
    if vectors.null_count:
        frames = frames.copy()
        frames[vectors.is_null().to_numpy(zero_copy_only=False)] = np.nan
    is_there = chunk.is_valid().to_numpy(zero_copy_only=False)
    ends = ends - ends[0]
    return [
        frames[start:stop] if valid else None
        for start, stop, valid in zip(ends[:-1], ends[1:], is_there, strict=True)
    ]


def _row_of(name: str, kind: Frames, value: Any) -> NDArray[np.float64]:
    try:
        row = np.asarray(value, np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise OptionError(f"{name} has {quote(value)}; expected vectors of {kind.length} numbers") from error
    if row.shape == (0,):
        return row.reshape(0, kind.length)
    if row.ndim != 2 or row.shape[1] != kind.length:
        raise OptionError(f"{name} has a row of shape {row.shape}; expected (frames, {kind.length})")
    return row

"""Frames of a batch: what an encoder gave of each moment, and when that was, padded to the longest row."""

from __future__ import annotations

import math
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
    """The kind of a column of lists, each of any number of vectors of one length, or of any number of numbers.

    Attributes:
        length: D, numbers of a vector; None for numbers that are in no vector, as the times of frames are.
        dtype: floating point, as it is stored.
    """

    length: int | None
    dtype: torch.dtype

    @property
    def inner_shape(self) -> tuple[int, ...]:
        """Shape of what a list has of each frame: (D,) for a vector, () for a number."""
        return () if self.length is None else (self.length,)


class Padded(NamedTuple):
    """The frames of a batch.

    Attributes:
        values: (batch, frames, D), or (batch, frames) for numbers; zeros behind the end of each row.
        lengths: int64 (batch,), frames of each row; 0 where it is null.
    """

    values: torch.Tensor
    lengths: torch.Tensor


def pad_arrow(kind: Frames, column: pa.ChunkedArray) -> Padded:
    """Pad an Arrow column of lists of fixed-size lists, or of floats; no Python object is made of a number.

    A number, or a vector, that is null inside of a row becomes NaN.
    """
    return _padded(kind, [row for chunk in column.chunks for row in _rows_of(kind, chunk)])


def pad_values(name: str, kind: Frames, values: Sequence[Any]) -> Padded:
    """Do the same for rows of arrays, tensors or lists.

    Raises:
        OptionError: a row of another shape, or of something else than numbers.
    """
    return _padded(kind, [None if value is None else _row_of(name, kind, value) for value in values])


def _padded(kind: Frames, rows: Sequence[NDArray[Any] | None]) -> Padded:
    lengths = [0 if row is None else len(row) for row in rows]
    values = torch.zeros((len(rows), max(lengths, default=0), *kind.inner_shape), dtype=kind.dtype)
    places = values.numpy()
    for place, row in zip(places, rows, strict=True):
        if row is not None:
            place[: len(row)] = row
    return Padded(values, torch.tensor(lengths, dtype=torch.int64))


def _rows_of(kind: Frames, chunk: pa.ListArray) -> list[NDArray[Any] | None]:
    """Return the frames of each row, as views of the table's memory."""
    if not len(chunk):  # may have no offsets at all
        return []
    ends = chunk.offsets.to_numpy()
    inner = chunk.values.slice(ends[0], ends[-1] - ends[0])
    frames = _numbers_of(inner) if kind.length is None else _vectors_of(kind.length, inner)
    is_there = chunk.is_valid().to_numpy(zero_copy_only=False)
    ends = ends - ends[0]
    return [
        frames[start:stop] if valid else None
        for start, stop, valid in zip(ends[:-1], ends[1:], is_there, strict=True)
    ]


def _vectors_of(length: int, vectors: pa.FixedSizeListArray) -> NDArray[Any]:
    numbers = vectors.values.slice(vectors.offset * length, len(vectors) * length)
    frames = _numbers_of(numbers).reshape(-1, length)
    if vectors.null_count:
        frames = frames.copy()
        frames[vectors.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return frames


def _numbers_of(values: pa.Array) -> NDArray[Any]:
    """Return a view of the numbers; a copy, with NaN for null, only where some are null."""
    numbers: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return numbers


def _row_of(name: str, kind: Frames, value: Any) -> NDArray[Any]:
    if kind.length is not None and isinstance(value, list | tuple):
        value = [[math.nan] * kind.length if vector is None else vector for vector in value]
    try:
        row = np.asarray(value)
        if row.dtype == np.object_:  # numbers and nulls
            row = np.asarray(_without_null(row.tolist()))
        if row.dtype.kind not in "fiu":
            raise TypeError("not numbers")  # numpy would read texts as numbers
    except (TypeError, ValueError, RuntimeError) as error:
        expected = "numbers" if kind.length is None else f"vectors of {kind.length} numbers"
        raise OptionError(f"{name} has {quote(value)}; expected {expected}") from error
    if row.shape == (0,):
        return row.reshape(0, *kind.inner_shape)
    if not row.ndim or row.shape[1:] != kind.inner_shape:
        expected = "(frames,)" if kind.length is None else f"(frames, {kind.length})"
        raise OptionError(f"{name} has a row of shape {row.shape}; expected {expected}")
    return row


def _without_null(value: Any) -> Any:
    """Return nested lists with NaN for null."""
    if isinstance(value, list):
        return [_without_null(one) for one in value]
    return math.nan if value is None else value

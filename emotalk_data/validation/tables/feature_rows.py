"""The vectors of a feature set, a batch at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.errors import quote
from emotalk_data.validation.tables.feature_columns import VectorColumn
from emotalk_data.validation.tables.row_problems import RowProblems

__all__ = ["VectorChecks", "check_times", "has_reason"]


class _Vectors(NamedTuple):
    """A column of a batch, taken apart.

    Attributes:
        is_null: which rows have no value, shape (rows,).
        num_vectors: vectors of each row, shape (rows,).
        vector_rows: the row of each vector, shape (vectors,), ascending.
        num_dims: numbers in each vector, shape (vectors,).
        numbers: all numbers one after the other; a null one is NaN.
    """

    is_null: np.ndarray
    num_vectors: np.ndarray
    vector_rows: np.ndarray
    num_dims: np.ndarray
    numbers: np.ndarray


class VectorChecks:
    """Checks one column of vectors through all shards.

    Attributes:
        is_ragged: whether vectors of different lengths were met.

    Args:
        column: the column.
        problems: takes the findings.
    """

    def __init__(self, column: VectorColumn, problems: RowProblems) -> None:
        self._column = column
        self._path = quote(column.name)[1:-1]
        self._problems = problems
        self._num_dims: int | None = None
        self.is_ragged = False

    def check(self, values: pa.Array) -> np.ndarray:
        """Check a batch; return which rows have no value, shape (rows,)."""
        vectors = _take_apart(values, self._column)
        name, problems = self._path, self._problems
        if self._column.is_frames:
            empty = np.flatnonzero(~vectors.is_null & (vectors.num_vectors == 0))
            problems.add("FS-EMPTY-001", empty, name, "a sequence of no vector", "at least one")
        self._check_dims(vectors)
        self._check_numbers(vectors)
        return vectors.is_null

    def _check_dims(self, vectors: _Vectors) -> None:
        """Every vector has as many numbers as the first one of the set."""
        if not len(vectors.num_dims):
            return
        if self._num_dims is None:
            self._num_dims = int(vectors.num_dims[0])
        bad = np.flatnonzero(vectors.num_dims != self._num_dims)
        self.is_ragged = self.is_ragged or len(bad) > 0
        # One finding a row: a row of another width has all its frames so.
        rows, firsts = np.unique(vectors.vector_rows[bad], return_index=True)
        widths = vectors.num_dims[bad][firsts]
        self._problems.add(
            "FS-DIM-001",
            rows,
            self._path,
            lambda number: f"a vector of {widths[number]} numbers",
            f"{self._num_dims}, as the first one has",
        )

    def _check_numbers(self, vectors: _Vectors) -> None:
        numbers, name = vectors.numbers, self._path
        row_of_number = np.cumsum(np.bincount(vectors.vector_rows, vectors.num_dims, len(vectors.is_null)))
        bad = np.flatnonzero(~np.isfinite(numbers))
        if len(bad):
            rows, firsts = np.unique(np.searchsorted(row_of_number, bad, "right"), return_index=True)
            first = numbers[bad[firsts]]
            expected = "finite numbers; a row that failed is null"
            self._problems.add(
                "FS-VALUE-001", rows, name, lambda number: f"a vector with {first[number]}", expected
            )
        sums = np.concatenate(([0], np.cumsum(numbers != 0)))
        ends = row_of_number.astype(np.int64)
        starts = np.concatenate(([0], ends[:-1]))
        zero = np.flatnonzero((ends > starts) & (sums[ends] == sums[starts]))
        self._problems.add("FS-VALUE-002", zero, name, "all zeros", "a vector, or null where it failed")


def check_times(name: str, seconds: pa.Array, frames: pa.Array, problems: RowProblems) -> None:
    """Check the times of frames in a batch: as many as there are vectors, finite, none before the one before it.

    Args:
        name: of the column of times.
        seconds: a list for each row; null where time means nothing, as for text.
        frames: the vectors.
        problems: takes the findings.
    """
    path = quote(name)[1:-1]
    num_times = pc.list_value_length(seconds).fill_null(0).to_numpy(zero_copy_only=False)
    num_vectors = pc.list_value_length(frames).fill_null(0).to_numpy(zero_copy_only=False)
    is_given = np.asarray(seconds.is_valid().to_numpy(zero_copy_only=False))
    odd = np.flatnonzero(is_given & (num_times != num_vectors))
    problems.add(
        "FS-TIME-001",
        odd,
        path,
        lambda number: f"{num_times[odd[number]]} times",
        lambda number: f"{num_vectors[odd[number]]}, one for each vector",
    )
    numbers, rows = _numbers(seconds.flatten()), np.repeat(np.arange(len(seconds)), num_times)
    no_number = np.unique(rows[~np.isfinite(numbers)])
    problems.add("FS-TIME-001", no_number, path, "a time that is no finite number", "seconds from the start")
    back = np.unique(rows[1:][(rows[1:] == rows[:-1]) & (numbers[1:] < numbers[:-1])])
    problems.add("FS-TIME-001", back, path, "a time before the one before it", "ascending times")


def _take_apart(values: pa.Array, column: VectorColumn) -> _Vectors:
    is_null = np.asarray(values.is_null().to_numpy(zero_copy_only=False))
    lengths = pc.list_value_length(values).fill_null(0).to_numpy(zero_copy_only=False)
    inner = values.flatten()  # without what lies behind nulls
    if column.is_frames:
        num_vectors = lengths
        num_dims = pc.list_value_length(inner).fill_null(0).to_numpy(zero_copy_only=False)
        numbers = inner.flatten()
    else:
        num_vectors = (~is_null).astype(np.int64)
        num_dims = lengths[~is_null]
        numbers = inner
    return _Vectors(
        is_null,
        num_vectors,
        np.repeat(np.arange(len(values)), num_vectors),
        num_dims,
        _numbers(numbers),
    )


def _numbers(values: pa.Array) -> np.ndarray:
    """Return the numbers; halves stay halves. A null among them becomes NaN: it is no number either."""
    return np.asarray(values.to_numpy(zero_copy_only=False))


def has_reason(values: pa.Array) -> np.ndarray:
    """Return which rows of a reason column say something, shape (rows,)."""
    is_said = pc.is_valid(values)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        is_said = pc.and_(is_said, pc.greater(pc.utf8_length(values).fill_null(0), 0))
    return np.asarray(is_said.to_numpy(zero_copy_only=False))

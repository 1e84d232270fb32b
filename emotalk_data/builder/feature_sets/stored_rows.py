"""Rows of a feature set from Arrow's memory to numpy, without a Python list in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from emotalk_data.schemas.feature_shard import FRAMES_SUFFIX, SECONDS_SUFFIX, ShardRecord

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StoredRow", "frames_of", "is_there", "numbers_of", "stored_row", "vectors_of"]


class StoredRow(NamedTuple):
    """One utterance of a set. Arrays are read-only, of the type that is stored.

    Attributes:
        utterance_id: its id.
        split: the split of its shard.
        pooled: shape (D,); None where the row is null, or the set has no vectors of utterances.
        frames: shape (T, D); None where the row is null, or the set has no frames.
        seconds: shape (T,), middle of each frame from the utterance's start; None without frames, and for text.
        notes: what was left out or odd, and harmless.
        error: why the row is null; None where it is not.
    """

    utterance_id: str
    split: str
    pooled: NDArray[np.floating[Any]] | None
    frames: NDArray[np.floating[Any]] | None
    seconds: NDArray[np.floating[Any]] | None
    notes: tuple[str, ...]
    error: str | None


def stored_row(record: ShardRecord, batch: pa.RecordBatch, row: int) -> StoredRow:
    """Return one row of a shard.

    Args:
        record: of the shard.
        batch: some of its rows: ids, the columns of its levels, notes and reasons.
        row: number in the batch.
    """
    pooled = frames = seconds = None
    name = record.spec.column
    if "utterance" in record.levels and batch.column(name)[row].is_valid:
        pooled = vectors_of(batch.column(name).slice(row, 1))[0]
    if "frame" in record.levels:
        frames = frames_of(batch.column(name + FRAMES_SUFFIX), row)
        seconds = numbers_of(batch.column(name + SECONDS_SUFFIX), row)
    texts = (batch.column(column)[row].as_py() for column in ("utterance_id", "notes", "error"))
    utterance_id, notes, error = texts
    return StoredRow(utterance_id, record.split, pooled, frames, seconds, tuple(notes or ()), error)


def is_there(values: pa.Array) -> NDArray[np.bool_]:
    """Return which rows are not null, shape (rows,)."""
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False))


def vectors_of(values: pa.FixedSizeListArray) -> NDArray[np.floating[Any]]:
    """Return the vector of each row that is not null, shape (rows, D).

    A view of Arrow's memory; a copy where there are nulls, for what lies behind them is nobody's vector.
    """
    # flatten() keeps to a slice and leaves out what lies behind nulls; `.values` does neither.
    matrix: NDArray[np.floating[Any]] = values.flatten().to_numpy().reshape(-1, values.type.list_size)
    return matrix


def frames_of(values: pa.ListArray, row: int) -> NDArray[np.floating[Any]] | None:
    """Return the vectors of one row of `list<fixed_size_list>`, shape (T, D), a view; None for null."""
    vectors = values[row].values
    return None if vectors is None else vectors_of(vectors)


def numbers_of(values: pa.ListArray, row: int) -> NDArray[np.floating[Any]] | None:
    """Return the numbers of one row of `list<float>`, shape (n,), a view; None for null."""
    numbers = values[row].values
    return None if numbers is None else numbers.to_numpy()

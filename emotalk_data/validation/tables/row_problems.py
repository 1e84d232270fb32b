"""Problems of rows, of which a file may have millions: the first thousand of a code whole, the rest counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.errors import CacheCorruptError, LimitError, quote
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.tables.shard_reading import MAX_ROWS

__all__ = ["DamageCodes", "RowProblems", "damage", "place_in", "rows_of", "spot"]

_MAX_KEPT: Final = 1_000

Text = str | Callable[[int], str]
"""The same words for every row, or those for the n-th of the rows."""


class RowProblems:
    """Takes findings about rows and hands them to a report with file, row and id.

    Args:
        report: takes the problems.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._num_kept: Counter[str] = Counter()
        self._file = ""
        self._first_row = 0
        self._ids: Sequence[str | None] = ()

    def begin(self, file: str, first_row: int, ids: Sequence[str | None]) -> None:
        """Say which rows the next findings are about.

        Args:
            file: the shard's name.
            first_row: number of the batch's first row in the shard, from 0.
            ids: the id of each row of the batch; None where it has none that can be read.
        """
        self._file, self._first_row, self._ids = file, first_row, ids

    def add(
        self, code: str, rows: Sequence[int] | np.ndarray, path: Text, found: Text, expected: Text
    ) -> None:
        """Take one finding for each of some rows of the batch.

        Args:
            code: a key of `CODES`.
            rows: numbers of rows in the batch, from 0; one may come twice.
            path: the place in the row, such as `emotion`.
            found: what is there, quoted.
            expected: what should be there.
        """
        for number in range(len(rows)):
            row = int(rows[number])
            self._num_kept[code] += 1
            # Beyond what a report keeps, one problem stands for all that are left of the batch.
            count = len(rows) - number if self._num_kept[code] > _MAX_KEPT else 1
            where, is_, should = (
                text if isinstance(text, str) else text(number) for text in (path, found, expected)
            )
            full = f"row[{self._first_row + row}]" + (f".{where}" if where else "")
            self._report.add(Problem(code, self._file, full, is_, should, self._ids[row], count))
            if count > 1:
                return


def rows_of(mask: pa.Array | pa.ChunkedArray) -> list[int]:
    """Return the positions at which a mask is true; a null is not."""
    rows: list[int] = pc.indices_nonzero(mask.fill_null(False)).to_pylist()
    return rows


def spot(values: pa.Array, rows: Sequence[int]) -> Callable[[int], str]:
    """Return a function that quotes the value at the n-th of some rows."""
    return lambda number: quote(values[int(rows[number])].as_py())


def place_in(
    parents: np.ndarray, column: str, items: Sequence[int] | np.ndarray, field: str = ""
) -> Callable[[int], str]:
    """Return a function that names the n-th of some items of a list column: `annotations[3].emotion`.

    Args:
        parents: the row of each item of the flattened column, shape (items,), ascending.
        column: name of the column.
        items: positions among the flattened items.
        field: name of the field in the item.
    """

    def place(number: int) -> str:
        item = int(items[number])
        index = item - int(np.searchsorted(parents, parents[item], "left"))
        return f"{column}[{index}]" + (f".{field}" if field else "")

    return place


class DamageCodes(NamedTuple):
    """The problem codes of one kind of table for files that cannot be read to their end."""

    damaged: str
    too_large: str


def damage(codes: DamageCodes, file: str, error: CacheCorruptError | LimitError, num_rows: int) -> Problem:
    """Return the problem of a file that cannot be read to its end.

    Args:
        codes: of a file that is damaged, and of one that is too large.
        file: the shard's name.
        error: what reading it raised.
        num_rows: rows that were read before.
    """
    if isinstance(error, LimitError):
        return Problem(codes.too_large, file, "", error.message, f"at most {MAX_ROWS:,} rows, and no bomb")
    after = f", after {num_rows:,} rows" if num_rows else ""
    return Problem(
        codes.damaged, file, "", f"damaged{after}: {error.message}", "a whole Parquet or Arrow file"
    )

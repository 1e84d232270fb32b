"""Columns with nulls laid over them: the media below are neither copied nor, between processes, sent along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LossyTable"]


class LossyTable(datasets.table.TableBlock):  # type: ignore[misc]  # datasets has no types
    """A part of a dataset's table: columns of another table, with null where a flag is set.

    Pickled, it is that other table and the flags. A table that is mapped from a file is pickled by the file's
    name, so a copy with gigabytes of media in it goes to a worker in kilobytes.

    Args:
        below: the table whose columns these are.
        goes: name of a column of `below` to its flags, bool, shape (rows,).
    """

    def __init__(self, below: datasets.table.Table, goes: Mapping[str, NDArray[np.bool_]]) -> None:
        self._below, self._goes = below, dict(goes)
        columns = {name: _without(below.table.column(name), flags) for name, flags in goes.items()}
        super().__init__(pa.table(columns))

    def __getstate__(self) -> dict[str, Any]:
        return {"below": self._below, "goes": self._goes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        LossyTable.__init__(self, state["below"], state["goes"])

    def slice(self, offset: int = 0, length: int | None = None) -> LossyTable:
        """Return some of the rows."""
        end = None if length is None else offset + length
        return LossyTable(
            self._below.slice(offset, length), {name: flags[offset:end] for name, flags in self._goes.items()}
        )

    def select(self, columns: list[str]) -> LossyTable:
        """Return some of the columns."""
        return LossyTable(self._below.select(columns), {name: self._goes[name] for name in columns})

    def drop(self, columns: list[str]) -> LossyTable:
        """Return the other columns."""
        return self.select([name for name in self.column_names if name not in columns])

    def remove_column(self, i: int) -> LossyTable:
        """Return the columns but one."""
        return self.drop([self.column_names[i]])

    def filter(self, *args: Any, **kwargs: Any) -> datasets.table.Table:
        """Do what the methods of `pyarrow.Table` do; the results are tables of their own, as all that follow."""
        return self._own.filter(*args, **kwargs)

    def flatten(self, *args: Any, **kwargs: Any) -> datasets.table.Table:  # noqa: D102
        return self._own.flatten(*args, **kwargs)

    def combine_chunks(self, *args: Any, **kwargs: Any) -> datasets.table.Table:  # noqa: D102
        return self._own.combine_chunks(*args, **kwargs)

    def cast(self, *args: Any, **kwargs: Any) -> datasets.table.Table:  # noqa: D102
        return self._own.cast(*args, **kwargs)

    def replace_schema_metadata(self, *args: Any, **kwargs: Any) -> datasets.table.Table:  # noqa: D102
        return self._own.replace_schema_metadata(*args, **kwargs)

    def rename_columns(self, *args: Any, **kwargs: Any) -> datasets.table.Table:  # noqa: D102
        return self._own.rename_columns(*args, **kwargs)

    @property
    def _own(self) -> datasets.table.InMemoryTable:
        return datasets.table.InMemoryTable(self.table)


def _without(values: pa.ChunkedArray, goes: NDArray[np.bool_]) -> pa.ChunkedArray:
    """Return a column with null where the flag is set."""
    chunks, start = [], 0
    for chunk in values.chunks:
        chunks.append(_without_in_chunk(chunk, pa.array(goes[start : start + len(chunk)])))
        start += len(chunk)
    return pa.chunked_array(chunks, values.type)


def _without_in_chunk(values: pa.Array, goes: pa.Array) -> pa.Array:
    if isinstance(values, pa.ExtensionArray):
        return pa.ExtensionArray.from_storage(values.type, _without_in_chunk(values.storage, goes))
    if pa.types.is_struct(values.type):
        # The same bytes under another bitmap of nulls: media may be gigabytes.
        parts = [values.field(number) for number in range(values.type.num_fields)]
        return pa.StructArray.from_arrays(
            parts, fields=list(values.type), mask=pc.or_(pc.is_null(values), goes)
        )
    return pc.if_else(goes, pa.scalar(None, values.type), values)

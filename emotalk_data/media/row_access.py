"""`rows(ds)`: rows that read a column when it is asked for, and never copy embedded media.

`ds[i]` of `datasets` makes Python objects of all columns, every annotator's judgement included, and copies the
bytes of embedded media, whatever is used of them.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from emotalk_data.errors import OptionError, quote
from emotalk_data.media.dataset_table import DatasetTable

if TYPE_CHECKING:
    import datasets

__all__ = ["Row", "Rows", "rows"]


class Row(Mapping[str, Any]):
    """One row: a read-only mapping whose values are read when they are asked for, then kept.

    Copied or pickled it is a plain dict.
    """

    __slots__ = ("_number", "_table", "_values")

    def __init__(self, table: DatasetTable, number: int) -> None:
        self._table = table
        self._number = number
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            if name not in self._table.features:
                raise KeyError(name)
            self._values[name] = self._table.value(name, self._number)
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._table.features

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.features)

    def __len__(self) -> int:
        return len(self._table.features)

    def keys(self) -> KeysView[str]:
        """Return the names of the columns."""
        return dict.fromkeys(self).keys()

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[object, ...]:
        return dict, (dict(self),)


class Rows(Sequence[Row]):
    """The rows of a dataset, by number. May be used by many threads, and as the dataset of a DataLoader."""

    def __init__(self, dataset: datasets.Dataset, columns: Iterable[str] | None = None) -> None:
        self._table = DatasetTable(dataset, columns)

    def __len__(self) -> int:
        return self._table.num_rows

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> list[Row]: ...

    def __getitem__(self, key: int | slice) -> Row | list[Row]:
        if isinstance(key, slice):
            return [Row(self._table, number) for number in range(len(self))[key]]
        try:
            return Row(self._table, range(len(self))[operator.index(key)])
        except TypeError as error:
            raise OptionError(
                f"a row's number is {quote(key)}; expected a whole number or a slice"
            ) from error

    def __getitems__(self, numbers: Iterable[int]) -> list[Row]:
        """Return the rows of a batch; the fetcher of torch asks for them so."""
        return [self[number] for number in numbers]

    def __iter__(self) -> Iterator[Row]:
        return (Row(self._table, number) for number in range(len(self)))

    def __repr__(self) -> str:
        return f"Rows({len(self)} of {list(self._table.features)})"


def rows(dataset: datasets.Dataset, columns: Iterable[str] | None = None) -> Rows:
    """Give access to the rows of a dataset without reading whole rows.

    `rows(ds)[i]["audio"]` looks at that one value, and a clip of embedded bytes is a view of the table's memory.
    Selections, shuffles and slices of the dataset are respected; its format is not.

    Args:
        dataset: a `datasets.Dataset`.
        columns: which columns; all if omitted.

    Returns:
        A sequence of mappings.

    Raises:
        OptionError: not a Dataset, one with a transform, or a column that it does not have.
    """
    return Rows(dataset, columns)

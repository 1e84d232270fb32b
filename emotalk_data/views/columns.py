"""Columns of a dataset as Arrow, and a dataset with more columns or fewer rows: the ground of every view.

Selections and shuffles of a `datasets.Dataset` are a list of row numbers beside one table. Everything here works
on that table: no row is copied, no clip is read, and a selection stays a selection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets.fingerprint import update_fingerprint

from emotalk_data.errors import OptionError, quote

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "NO_LABEL",
    "CorpusName",
    "NewColumn",
    "check_dataset",
    "choose",
    "column",
    "corpus_of",
    "keep_rows",
    "label_ids",
    "strings",
    "with_columns",
]

CorpusName = Literal["emotalk", "m3ed"]

NO_LABEL: Final = -1
"""Stands for null in an array of label ids. Never a class."""


class NewColumn(NamedTuple):
    """A column that a view adds.

    Attributes:
        values: one for each row of the dataset, in its order.
        feature: what `datasets` takes it for.
    """

    values: pa.Array
    feature: Any


def check_dataset(dataset: object, needs: Sequence[str] = ()) -> None:
    """Refuse what is no `datasets.Dataset`, or lacks a column that a view needs.

    Raises:
        OptionError: says what it is, or which columns are missing and which are there.
    """
    if not isinstance(dataset, datasets.Dataset):
        hint = (
            'choose a split: `ds["train"]`'
            if isinstance(dataset, dict)
            else "views need a table, not a stream"
        )
        raise OptionError(f"the data is a {type(dataset).__name__}; expected a datasets.Dataset ({hint}).")
    missing = [name for name in needs if name not in dataset.column_names]
    if missing:
        raise OptionError(
            f"the dataset has no column {', '.join(map(repr, missing))}; "
            f"it has {quote(dataset.column_names, 200)}. Give it as load_dataset made it."
        )


def corpus_of(dataset: datasets.Dataset) -> CorpusName:
    """Tell the corpus from the columns.

    Raises:
        OptionError: the columns of neither corpus are there.
    """
    check_dataset(dataset)
    names = set(dataset.column_names)
    if "emotions" in names or "series" in names:
        return "m3ed"
    if names & {"emotion_text", "emotion_audio", "emotion_video", "group_id", "sentiment"}:
        return "emotalk"
    raise OptionError(
        f"the columns {quote(dataset.column_names, 200)} are of neither corpus; expected those of load_dataset."
    )


def column(dataset: datasets.Dataset, name: str) -> pa.ChunkedArray:
    """Return the stored values of a column in the order of the dataset's rows; whatever its format is.

    The column of the table itself where the rows are not selected or shuffled; else the values are gathered.

    Raises:
        OptionError: not a Dataset, or no such column.
    """
    check_dataset(dataset, [name])
    stored = dataset.data.table.column(name)
    return stored if dataset._indices is None else stored.take(dataset._indices.column(0))


def label_ids(dataset: datasets.Dataset, name: str) -> NDArray[np.int64]:
    """Return a column of labels as ids, shape (rows,); -1 where it is null."""
    ids: NDArray[np.int64] = pc.fill_null(column(dataset, name).cast(pa.int64()), NO_LABEL).to_numpy()
    return ids


def strings(dataset: datasets.Dataset, name: str) -> list[str]:
    """Return a column of ids as a list of texts.

    Raises:
        OptionError: a value is null; says in which row.
    """
    values: list[str | None] = column(dataset, name).to_pylist()
    if None in values:
        raise OptionError(f"{name} is null in row {values.index(None)}; expected an id in every row.")
    return values  # type: ignore[return-value]  # None was refused


def choose(name: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse a word that is not one of a list.

    Raises:
        OptionError: says what was given and which words there are.
    """
    if value not in allowed:
        raise OptionError(f"{name} is {quote(value)}; expected one of {list(allowed)}.")


def keep_rows(dataset: datasets.Dataset, keep: NDArray[np.bool_]) -> datasets.Dataset:
    """Return the rows whose flag is set, in their order; all of them as they are when every flag is."""
    return dataset if keep.all() else dataset.select(np.flatnonzero(keep))


def with_columns(dataset: datasets.Dataset, columns: Mapping[str, NewColumn]) -> datasets.Dataset:
    """Return the dataset with columns added, or replaced where the name is there already.

    The other columns are those of the same table, a selection included: `Dataset.add_column` would copy every
    row of a selection, media and all. Rows that were selected twice do get copied.

    Args:
        dataset: any dataset; its format stays, and shows the new columns where it shows a choice of them.
        columns: name to values; the new columns come last.
    """
    check_dataset(dataset)
    if dataset._indices is not None and _repeats(dataset._indices.column(0)):
        dataset = dataset.flatten_indices()
    replaced = [name for name in columns if name in dataset.column_names]
    features = datasets.Features({name: of for name, of in dataset.features.items() if name not in replaced})
    added = datasets.Features({name: new.feature for name, new in columns.items()})
    fields = [
        _spread(new.values, dataset).cast(added.arrow_schema.field(name).type)
        for name, new in columns.items()
    ]
    # Side by side with what is there: a table that is mapped from a file stays so, also in another process.
    table = datasets.table.concat_tables(
        [
            dataset.data.drop(replaced) if replaced else dataset.data,
            datasets.table.InMemoryTable(pa.Table.from_arrays(fields, schema=added.arrow_schema)),
        ],
        axis=1,
    )
    info = dataset.info.copy()
    info.features = datasets.Features({**features, **added})
    values = {name: new.values for name, new in columns.items()}
    result = datasets.Dataset(
        table,
        info=info,
        split=dataset.split,
        indices_table=dataset._indices,
        fingerprint=update_fingerprint(dataset._fingerprint, "emotalk_data.views", values),
    )
    form = dataset.format
    shown = None if dataset._format_columns is None else list(dict.fromkeys([*form["columns"], *columns]))
    return result.with_format(form["type"], shown, form["output_all_columns"], **form["format_kwargs"])


def _repeats(numbers: pa.ChunkedArray) -> bool:
    return bool(pc.count_distinct(numbers).as_py() < len(numbers))


def _spread(values: pa.Array, dataset: datasets.Dataset) -> pa.Array:
    """Lay the values of selected rows out over the whole table; the other rows get null."""
    if dataset._indices is None:
        return values
    places = np.full(dataset.data.num_rows, -1, np.int64)
    places[dataset._indices.column(0).to_numpy()] = np.arange(len(values))
    return values.take(pa.array(places, mask=places < 0))

"""A dataset with more columns or fewer rows, of which nothing is copied.

Selections and shuffles of a `datasets.Dataset` are a list of row numbers beside one table. New columns are put
beside that table: no row is copied, no clip is read, and a selection stays a selection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import datasets
import numpy as np
import pyarrow as pa
from datasets.fingerprint import update_fingerprint

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NewColumn", "keep_rows", "with_columns", "with_tables"]


class NewColumn(NamedTuple):
    """A column that is to be added.

    Attributes:
        values: one for each row of the dataset, in its order.
        feature: what `datasets` takes it for.
    """

    values: pa.Array | pa.ChunkedArray
    feature: Any


def keep_rows(dataset: datasets.Dataset, keep: NDArray[np.bool_]) -> datasets.Dataset:
    """Return the rows whose flag is set, in their order; all of them as they are when every flag is."""
    return dataset if keep.all() else dataset.select(np.flatnonzero(keep))


def with_columns(dataset: datasets.Dataset, columns: Mapping[str, NewColumn]) -> datasets.Dataset:
    """Return the dataset with columns added, or replaced where the name is there already.

    The other columns are those of the same table, a selection included: `Dataset.add_column` would copy every
    row of a selection, media and all. They get copied only where a row was selected twice and has two values.

    Args:
        dataset: any dataset; its format stays, and shows the new columns where it shows a choice of them.
        columns: name to values; the new columns come last.
    """
    spread = {name: _spread(new.values, dataset) for name, new in columns.items()}
    if any(values is None for values in spread.values()):
        dataset = dataset.flatten_indices()
        spread = {name: new.values for name, new in columns.items()}
    features = datasets.Features({name: new.feature for name, new in columns.items()})
    schema = features.arrow_schema
    fields = [
        values if values.type == schema.field(name).type else values.cast(schema.field(name).type)
        for name, values in spread.items()
    ]
    table = datasets.table.InMemoryTable(pa.Table.from_arrays(fields, schema=schema))
    return with_tables(dataset, [table], features, told={name: new.values for name, new in columns.items()})


def with_tables(
    dataset: datasets.Dataset,
    tables: Sequence[datasets.table.Table],
    features: Mapping[str, Any],
    *,
    told: object,
) -> datasets.Dataset:
    """Return the dataset with the columns of tables beside its own, in place of those of the same names.

    Side by side with what is there: a table that is mapped from a file stays so, also in another process.

    Args:
        dataset: any dataset; its format stays. Where that shows a choice of columns, columns of new names are
            shown too, and a column that it hides stays hidden.
        tables: a row for each row of the dataset's *table*, selected or not.
        features: name of each of their columns, in their order, to what `datasets` takes it for.
        told: what makes the values others than those of the same names, small: the fingerprint is of this.
    """
    replaced = [name for name in features if name in dataset.column_names]
    stays = {name: of for name, of in dataset.features.items() if name not in features}
    below = dataset.data.drop(replaced) if replaced else dataset.data
    info = dataset.info.copy()
    info.features = datasets.Features({**stays, **features})
    # The types as well: 0 is another class in a list of four than in a list of seven.
    args = {"told": told, "types": {name: repr(feature) for name, feature in features.items()}}
    result = datasets.Dataset(
        datasets.table.concat_tables([below, *tables], axis=1),
        info=info,
        split=dataset.split,
        indices_table=dataset._indices,
        fingerprint=update_fingerprint(dataset._fingerprint, "emotalk_data.side_columns", args),
    )
    form = dataset.format
    new = [name for name in features if name not in dataset.column_names]
    shown = None if dataset._format_columns is None else [*form["columns"], *new]
    return result.with_format(form["type"], shown, form["output_all_columns"], **form["format_kwargs"])


def _spread(values: pa.Array | pa.ChunkedArray, dataset: datasets.Dataset) -> Any:
    """Lay the values of selected rows out over the whole table; the other rows get null.

    None where a row that was selected twice has two values.
    """
    if dataset._indices is None:
        return values
    rows = dataset._indices.column(0).to_numpy()
    places = np.full(dataset.data.num_rows, -1, np.int64)
    places[rows] = np.arange(len(values))
    last = places[rows]
    if (last != np.arange(len(values))).any() and not values.take(pa.array(last)).equals(values):
        return None
    return values.take(pa.array(places, mask=places < 0))

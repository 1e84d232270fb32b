"""Features beside the rows of a dataset, found by utterance id, whatever its selection and order.

A dataset is a table and, where rows were selected or shuffled, a list of row numbers. The features are laid
beside the *table*, so a selection stays one and nothing of it is copied. Where the table has the utterances in
the set's order, in a few stretches, the mapped files of the set are sliced. Else the features are brought into
the table's order: in memory where they are small, in another mapped file where they are not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets.table import InMemoryTable, concat_tables

from emotalk_data.builder.feature_sets.mapped_tables import (
    CacheDir,
    mapped_file,
    mapped_split,
    stored_features,
)
from emotalk_data.builder.shard_plan import corpus_of
from emotalk_data.builder.side_columns import with_tables
from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.feature_shard import Level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.builder.feature_sets.store import FeatureStore

__all__ = ["ABSENT", "ERROR_SUFFIX", "join_features", "joined_columns"]

_log: Final = logging.getLogger(__name__)

ABSENT: Final = "absent: the set has no such utterance"
"""Why a row is null that was joined with `missing="null"`."""

ERROR_SUFFIX: Final = "_error"

_ID: Final = "utterance_id"
_MAX_STRETCHES: Final = 64
_MAX_MEMORY_BYTES: Final = 128 << 20
_BLOCK_BYTES: Final = 16 << 20

Rows = TypeVar("Rows", datasets.Dataset, datasets.DatasetDict)


def joined_columns(store: FeatureStore, levels: Sequence[Level]) -> list[str]:
    """Return the names of the columns that a join adds."""
    return [*store.columns(levels), store.spec.column + ERROR_SUFFIX]


def join_features(
    store: FeatureStore, ds: Rows, *, levels: Sequence[Level], missing: str, cache_dir: CacheDir
) -> Rows:
    """Return a dataset, or a dict of some, with features beside its rows; see `FeatureStore.join`."""
    if missing not in ("error", "null"):
        raise OptionError(f"missing is {quote(missing)}; expected 'error' or 'null'.")
    if isinstance(ds, datasets.DatasetDict):
        joined = {
            name: join_features(store, one, levels=levels, missing=missing, cache_dir=cache_dir)
            for name, one in ds.items()
        }
        return datasets.DatasetDict(joined)
    _check(store, ds, levels)
    ids = ds.data.table.column(_ID)
    places = _places(ids, store)
    _check_rows(store, ds, places, missing)
    order = _Order(store, places, cache_dir)
    features: dict[str, Any] = {}
    tables: list[datasets.table.Table] = []
    for level in sorted(levels, reverse=True):  # vectors of utterances, then frames
        of_level = {name: stored_features(store, [level])[name] for name in store.columns([level])}
        features |= of_level
        tables.append(order.beside(level, of_level))
    error = store.spec.column + ERROR_SUFFIX
    features[error] = datasets.Value("string")
    tables.append(order.reasons(error))
    return with_tables(ds, tables, features, told=order.key)


def _check(store: FeatureStore, ds: object, levels: Sequence[Level]) -> None:
    if not isinstance(ds, datasets.Dataset):
        raise OptionError(
            f"the data is a {type(ds).__name__}; expected a Dataset or a DatasetDict, as load_dataset gives it "
            f"without streaming=True."
        )
    if _ID not in ds.column_names:
        raise OptionError(f"the dataset has no column {_ID!r}, by which features are found.")
    if ds.features[_ID] not in (datasets.Value("string"), datasets.Value("large_string")):
        raise OptionError(f"column {_ID!r} is {ds.features[_ID]}; expected strings.")
    corpus = _corpus(ds)
    if None not in (store.corpus, corpus) and store.corpus != corpus:
        raise OptionError(
            f"the set {quote(str(store.path), 160)} is of {store.corpus}, and the dataset is {corpus}. Join the "
            f"set of {corpus}, or load {store.corpus}."
        )
    taken = [name for name in joined_columns(store, levels) if name in ds.column_names]
    if taken:
        raise OptionError(
            f"the dataset has a column {taken[0]!r} already, and the set {quote(str(store.path), 160)} "
            f"({store.spec.name}) would add one. Rename it first, with ds.rename_column({taken[0]!r}, …), or "
            f"take it out with ds.remove_columns."
        )


def _corpus(ds: datasets.Dataset) -> str | None:
    """Tell the corpus by the columns; None for other rows."""
    try:
        return corpus_of({"train": ds})
    except OptionError:
        return None


def _places(ids: pa.ChunkedArray, store: FeatureStore) -> NDArray[np.int64]:
    """Return where each row of the table is in the set, counted through all splits; -1 for nowhere."""
    found = pc.index_in(ids, value_set=pa.array(store.ids(), ids.type), skip_nulls=True)
    return np.asarray(found.fill_null(-1).to_numpy(), np.int64)


def _check_rows(store: FeatureStore, ds: datasets.Dataset, places: NDArray[np.int64], missing: str) -> None:
    """Refuse, or count, the rows that are not in the set. Rows that are not selected are no matter."""
    chosen = np.arange(len(places)) if ds._indices is None else ds._indices.column(0).to_numpy()
    unknown = chosen[places[chosen] < 0]
    if not len(unknown):
        return
    first = ds.data.table.column(_ID)[int(unknown[0])].as_py()
    text = (
        f"{len(unknown):,} of {ds.num_rows:,} rows are not in the set {quote(str(store.path), 160)}, "
        f"{quote(first)} first; it has {store.num_rows:,} of {', '.join(store.splits)}"
    )
    if missing == "error":
        raise OptionError(
            f"{text}. Extract these rows too, join only rows that are there, or pass missing='null' to join."
        )
    _log.warning("%s. They are null.", text)


class _Stretch(NamedTuple):
    """Rows of the table that follow each other in a split of the set too.

    Attributes:
        split: number of the split; -1 for rows that the set does not know.
        start: the first one's row in the split.
        num_rows: how many.
    """

    split: int
    start: int
    num_rows: int


class _Order:
    """The set's columns in the order of a table.

    Args:
        store: the set.
        places: where each row of the table is in the set; -1 for nowhere.
        cache_dir: of `datasets`.

    Attributes:
        key: 32 hex digits that change with the files of the set, and with the order.
    """

    def __init__(self, store: FeatureStore, places: NDArray[np.int64], cache_dir: CacheDir) -> None:
        self._store, self._places, self._cache_dir = store, places, cache_dir
        self._starts = np.cumsum([0] + [store.counts_of(split).rows for split in store.splits])
        hashing = blake2b(places.tobytes(), digest_size=16)
        for split in store.splits:
            hashing.update(store.key(split).encode())
        self.key = hashing.hexdigest()

    def reasons(self, name: str) -> InMemoryTable:
        """Return the column that says why a row is null."""
        reasons = pa.array([*self._store.errors, ABSENT], pa.string())
        taken = reasons.take(pa.array(np.where(self._places < 0, len(reasons) - 1, self._places)))
        return InMemoryTable.from_arrays([taken], names=[name])

    def beside(self, level: Level, features: dict[str, Any]) -> datasets.table.Table:
        """Return columns of a level, a row for each of the table."""
        schema = datasets.Features(features).arrow_schema
        stretches = self._stretches()
        splits = self._store.splits
        needed = {stretch.split for stretch in stretches if stretch.split >= 0}
        mapped: dict[int, datasets.table.Table] = {
            number: mapped_split(self._store, splits[number], level, cache_dir=self._cache_dir).select(
                schema.names
            )
            for number in sorted(needed)
        }
        if len(stretches) <= _MAX_STRETCHES:
            parts = [_cut(mapped, stretch, schema) for stretch in stretches]
            return concat_tables(parts, axis=0) if parts else InMemoryTable(schema.empty_table())
        num_bytes = sum(table.nbytes for table in mapped.values())
        num_mapped = sum(table.num_rows for table in mapped.values())
        row_bytes = num_bytes // max(num_mapped, 1) + 1
        blocks = self._gathered(mapped, schema, max(_BLOCK_BYTES // row_bytes, 1))
        if row_bytes * len(self._places) <= _MAX_MEMORY_BYTES:
            return InMemoryTable(pa.Table.from_batches(blocks, schema))
        return mapped_file(
            self._store,
            f"joined-{level}-{self.key}",
            schema,
            lambda: blocks,
            num_rows=len(self._places),
            cache_dir=self._cache_dir,
        )

    def _stretches(self) -> list[_Stretch]:
        places = self._places
        if not len(places):
            return []
        splits = np.where(places < 0, -1, np.searchsorted(self._starts, places, side="right") - 1)
        is_next = (splits[1:] == splits[:-1]) & ((np.diff(places) == 1) | (splits[1:] < 0))
        begins = np.flatnonzero(np.concatenate(([True], ~is_next)))
        lengths = np.diff(np.append(begins, len(places)))
        starts = places[begins] - self._starts[splits[begins]]
        return [_Stretch(*map(int, one)) for one in zip(splits[begins], starts, lengths, strict=True)]

    def _gathered(
        self, mapped: dict[int, datasets.table.Table], schema: pa.Schema, block_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the table's order, some at a time."""
        nothing = InMemoryTable(_nulls(1, schema))
        together = concat_tables([*mapped.values(), nothing], axis=0)
        shifts = dict(zip(mapped, np.cumsum([0] + [one.num_rows for one in mapped.values()]), strict=False))
        splits = np.searchsorted(self._starts, self._places, side="right") - 1
        rows = np.full(len(self._places), together.num_rows - 1)
        for number, shift in shifts.items():
            is_here = (splits == number) & (self._places >= 0)
            rows[is_here] = self._places[is_here] - self._starts[number] + shift
        for start in range(0, len(rows), block_rows):
            block = together.fast_gather(rows[start : start + block_rows]).combine_chunks()
            yield block.cast(schema).to_batches()[0]


def _cut(
    mapped: dict[int, datasets.table.Table], stretch: _Stretch, schema: pa.Schema
) -> datasets.table.Table:
    if stretch.split < 0:
        return InMemoryTable(_nulls(stretch.num_rows, schema))
    table = mapped[stretch.split]
    if stretch.num_rows == table.num_rows:
        return table
    return table.slice(stretch.start, stretch.num_rows)


def _nulls(num_rows: int, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_arrays([pa.nulls(num_rows, type_) for type_ in schema.types], schema=schema)

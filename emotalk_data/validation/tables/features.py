"""A feature set on disk: what an encoder made of each utterance.

What `emotalk features extract` writes (`schemas.feature_shard`), and sets of others that are like it:

    utterance_id      string
    <name>            list<fixed_size_list<float16 | float32, D>>   a vector a frame
    <name>            fixed_size_list<float16 | float32, D>         one vector an utterance
    <name>_seconds    list<float>: times of the vectors in `<name>_frames`, where there is such a column
    error             string: why a row is null. Also `reason`, `failure`, or `<name>_error`.

in Parquet (or Arrow) shards, whose schema's metadata names the model and its revision. A row that failed is null,
never zeros. Vectors of lists of any length are taken too, where all have one length.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.errors import CacheCorruptError, LimitError, quote
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.feature_shard import DATA_FOLDER
from emotalk_data.schemas.ids import EMOTALK_ID_PATTERN, M3ED_ID_PATTERN
from emotalk_data.validation.seen_ids import SeenIds
from emotalk_data.validation.tables.feature_columns import (
    REASON_COLUMNS,
    VectorColumn,
    recorded_facts,
    time_columns,
    vector_columns,
)
from emotalk_data.validation.tables.feature_rows import VectorChecks, check_times, has_reason
from emotalk_data.validation.tables.own_sets import check_own_set
from emotalk_data.validation.tables.row_problems import DamageCodes, RowProblems, damage
from emotalk_data.validation.tables.shard_reading import read_batches, read_schema
from emotalk_data.validation.tables.shards import Shard, find_tables, missing_shards

__all__ = ["validate_feature_set"]

_DAMAGE: Final = DamageCodes("FS-FILE-001", "FS-FILE-002")

_match_id: Final = re.compile(f"{EMOTALK_ID_PATTERN}|{M3ED_ID_PATTERN}").fullmatch
_FIXED: Final = "fixed_size_list<float16 or float32, D>, or a list of it"


def validate_feature_set(path: str | os.PathLike[str], report: Report) -> None:
    """Check every row of a feature set.

    Memory does not grow with it, but for some 20 bytes of each id. A place reads `row[12].hubert`, rows counted
    from 0 in their file.

    Args:
        path: a Parquet or Arrow file, or a folder with some at any depth, all of one set.
        report: takes the problems and the number of rows. Its `root` becomes the folder.

    Raises:
        ReleaseNotFoundError: there is no Parquet or Arrow file.
        PathError: a fifo, socket or device.
        ReleaseError: the operating system refuses.
    """
    name = os.fspath(path)
    shards = tuple(shard for tables in find_tables(name) for shard in tables.shards)
    if Path(name).is_dir():
        report.root = name
    checks = _FeatureChecks(shards, report)
    checks.run()
    if checks.is_own and (Path(name) / DATA_FOLDER).is_dir():
        check_own_set(Path(name), checks.num_vectors, report)


class _FeatureChecks:
    """The checks of one feature set, and what they have to remember.

    Attributes:
        num_vectors: vectors that were met, by file and column.
    """

    def __init__(self, shards: tuple[Shard, ...], report: Report) -> None:
        self._shards = shards
        self._report = report
        self._rows = RowProblems(report)
        self._seen = SeenIds()
        self._vectors: dict[VectorColumn, VectorChecks] = {}
        self._columns: dict[str, VectorColumn] | None = None
        self._loose: dict[VectorColumn, tuple[str, str, str]] = {}
        self._facts: dict[str, str] = {}
        self._num_rows: Counter[str] = Counter()
        self.num_vectors: Counter[tuple[str, str]] = Counter()

    @property
    def is_own(self) -> bool:
        """Whether a shard says that this package wrote it."""
        return "spec_digest" in self._facts

    def run(self) -> None:
        for name, number, total in missing_shards(self._shards):
            found, expected = f"one of {number} shards of its series", f"{total}, as its name says"
            self._report.problem("FS-FILE-003", name, "", found, expected)
        for shard in self._shards:
            try:
                self._check_shard(shard)
            except (CacheCorruptError, LimitError) as error:
                self._report.add(damage(_DAMAGE, shard.name, error, self._num_rows[shard.name]))
        for column, place in self._loose.items():
            if column not in self._vectors or not self._vectors[column].is_ragged:
                self._report.problem("FS-COLUMN-003", *place, _FIXED)

    def _check_shard(self, shard: Shard) -> None:
        schema = read_schema(shard.path)
        columns = vector_columns(schema)
        self._check_schema(schema, columns, shard.name)
        self._check_facts(schema, shard.name)
        for batch in read_batches(shard.path):
            self._check_batch(batch, columns, shard.name)
            self._num_rows[shard.name] += batch.num_rows
            self._report.counts["utterances_found"] += batch.num_rows
            self._report.counts["rows"] += batch.num_rows

    def _check_schema(self, schema: pa.Schema, columns: list[VectorColumn], file: str) -> None:
        if not _has_ids(schema):
            found = "missing, or no column of strings"
            self._report.problem("FS-COLUMN-001", file, "utterance_id", found, "a column of strings")
        by_name = {column.name: column for column in columns}
        if self._columns is None:
            self._columns = by_name
            for column in columns:
                if column.num_dims is None or column.dtype not in ("halffloat", "float"):
                    type_ = quote(str(schema.field(column.name).type))[1:-1]
                    self._loose[column] = (file, quote(column.name)[1:-1], type_)
        for name in sorted(by_name.keys() ^ self._columns.keys()):
            found = "missing" if name in self._columns else "a column that the first shard has not"
            self._report.problem("FS-COLUMN-002", file, quote(name)[1:-1], found, "the same in every shard")
        for name in sorted(by_name.keys() & self._columns.keys()):
            here, first = by_name[name], self._columns[name]
            if here != first:
                found, expected = _describe(here), f"{_describe(first)}, as in the first shard"
                self._report.problem("FS-COLUMN-002", file, quote(name)[1:-1], found, expected)

    def _check_facts(self, schema: pa.Schema, file: str) -> None:
        """Every shard says what made it, and all say the same: one from another run is no part of the set."""
        facts = recorded_facts(schema)
        for fact in ("model", "revision"):
            if fact not in facts:
                expected = "the model and its revision, in the schema's metadata"
                self._report.problem("FS-META-001", file, "metadata", f"without a {fact}", expected)
        for fact, value in facts.items():
            first = self._facts.setdefault(fact, value)
            if first != value:
                found, expected = quote(value), f"{quote(first)}, as in the first shard"
                self._report.problem("FS-META-002", file, f"metadata.{fact}", found, expected)

    def _check_batch(self, batch: pa.RecordBatch, columns: list[VectorColumn], file: str) -> None:
        ids: list[str | None] = [None] * batch.num_rows
        if _has_ids(batch.schema):
            texts = batch.column("utterance_id").to_pylist()
            ids = [text if text is not None and _match_id(text) else None for text in texts]
        self._rows.begin(file, self._num_rows[file], ids)
        if _has_ids(batch.schema):
            bad = [row for row, one in enumerate(ids) if one is None]
            expected = "an id such as G00008_01_11_002 or anjia_1_2"
            self._rows.add(
                "FS-ID-001", bad, "utterance_id", lambda number: quote(texts[bad[number]]), expected
            )
            doubles = [row for row, one in enumerate(ids) if one and self._seen.add(one) is not None]
            expected = "one row for each utterance"
            self._rows.add("FS-DUP-001", doubles, "utterance_id", "a second row", expected)
        nulls: dict[str, np.ndarray] = {}
        for column in columns:
            checks = self._vectors.setdefault(column, VectorChecks(column, self._rows))
            values = batch.column(column.name)
            nulls[column.name] = checks.check(values)
            if column.is_frames:
                self.num_vectors[file, column.name] += pc.sum(pc.list_value_length(values)).as_py() or 0
        for times, frames in time_columns(batch.schema).items():
            check_times(times, batch.column(times), batch.column(frames), self._rows)
        self._check_reasons(batch, nulls)

    def _check_reasons(self, batch: pa.RecordBatch, nulls: dict[str, np.ndarray]) -> None:
        """A null says why, in the set's reason column or in its own; what is no null says nothing."""
        names = set(batch.schema.names)
        common = [name for name in REASON_COLUMNS if name in names]
        said = _any([batch.column(name) for name in common], batch.num_rows)
        for column, is_null in nulls.items():
            own = [f"{column}_{name}" for name in REASON_COLUMNS if f"{column}_{name}" in names]
            own_said = _any([batch.column(name) for name in own], batch.num_rows)
            path = quote(column)[1:-1]
            silent = np.flatnonzero(is_null & ~said & ~own_said)
            self._rows.add("FS-NULL-001", silent, path, "null, without a reason", "a reason beside it")
            self._rows.add(
                "FS-NULL-002",
                np.flatnonzero(~is_null & own_said),
                path,
                "a value, and a reason",
                "one of them",
            )
        if nulls:
            beside = np.flatnonzero(~np.any(list(nulls.values()), axis=0) & said)
            self._rows.add(
                "FS-NULL-002", beside, common[0] if common else "", "a reason, and values", "one of them"
            )


def _has_ids(schema: pa.Schema) -> bool:
    positions = schema.get_all_field_indices("utterance_id")
    if len(positions) != 1:
        return False
    type_ = schema.field(positions[0]).type
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _describe(column: VectorColumn) -> str:
    width = "any number of" if column.num_dims is None else str(column.num_dims)
    return f"{'frames' if column.is_frames else 'vectors'} of {width} {column.dtype}"


def _any(columns: list[pa.Array], num_rows: int) -> np.ndarray:
    """Return which rows any of some reason columns speaks of, shape (rows,)."""
    said: np.ndarray = np.any([np.zeros(num_rows, bool), *map(has_reason, columns)], axis=0)
    return said

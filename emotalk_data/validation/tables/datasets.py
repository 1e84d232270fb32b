"""A built dataset: the Parquet or Arrow files that `load_dataset`, `to_parquet` and `save_to_disk` write.

Rows are streamed, some 32 MB at a time. Nothing of a dataset is executed, and no file that a row names is opened.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any, Final

import pyarrow as pa

from emotalk_data.errors import CacheCorruptError, EmotalkError, LimitError, quote
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.strict_json import REMEDY
from emotalk_data.validation.tables.dataset_columns import Corpus, check_columns, tell_corpus
from emotalk_data.validation.tables.dataset_ids import IdChecks, valid_ids
from emotalk_data.validation.tables.dataset_media import MediaChecks
from emotalk_data.validation.tables.dataset_rows import check_values
from emotalk_data.validation.tables.row_problems import DamageCodes, RowProblems, damage
from emotalk_data.validation.tables.shard_reading import read_batches, read_schema
from emotalk_data.validation.tables.shards import (
    Shard,
    TableSet,
    find_tables,
    missing_shards,
    read_description,
)

__all__ = ["validate_dataset"]

_DAMAGE: Final = DamageCodes("DS-FILE-001", "DS-FILE-002")


def validate_dataset(path: str | os.PathLike[str], report: Report) -> None:
    """Check every row of a built dataset.

    A folder may hold several datasets, such as a cache; each is checked for itself. A place reads
    `row[12].emotion`, rows counted from 0 in their file.

    Args:
        path: a Parquet or Arrow file, or a folder with some at any depth.
        report: takes the problems and the number of rows. Its `root` becomes the folder, and its `corpus`
            that of the columns.

    Raises:
        ReleaseNotFoundError: there is no Parquet or Arrow file.
        PathError: a fifo, socket or device.
        ReleaseError: the operating system refuses.
    """
    name = os.fspath(path)
    for tables in find_tables(name):
        if tables.folder.is_dir():
            report.root = name
        _DatasetChecks(tables, report).run()


class _DatasetChecks:
    """The checks of one dataset, and what they have to remember."""

    def __init__(self, tables: TableSet, report: Report) -> None:
        self._tables = tables
        self._report = report
        self._rows = RowProblems(report)
        folder = tables.folder if tables.folder.is_dir() else tables.folder.parent
        self._media = MediaChecks(folder, self._rows, is_cache=tables.is_cache)
        self._ids: dict[Corpus, IdChecks] = {}
        self._num_rows: Counter[str] = Counter()
        self._has_damage = False

    def run(self) -> None:
        splits = self._splits_by_folder()
        for name, number, total in missing_shards(self._tables.shards):
            self._has_damage = True
            found, expected = f"one of {number} shards of its series", f"{total}, as its name says"
            self._report.problem("DS-FILE-003", name, "", found, expected)
        for shard in self._tables.shards:
            split = splits.get(shard.name.rpartition("/")[0]) or shard.split
            try:
                self._check_shard(shard._replace(split=split))
            except (CacheCorruptError, LimitError) as error:
                self._has_damage = True
                self._report.add(damage(_DAMAGE, shard.name, error, self._num_rows[shard.name]))
        if self._tables.is_cache:
            self._check_num_rows()

    def _check_shard(self, shard: Shard) -> None:
        schema = read_schema(shard.path)
        corpus = tell_corpus(schema)
        usable = check_columns(schema, corpus, shard.name, self._report)
        if corpus is not None:
            self._report.corpus = corpus
        for batch in read_batches(shard.path):
            if corpus is not None:
                self._check_batch(batch, usable, corpus, shard)
            self._num_rows[shard.name] += batch.num_rows
            self._report.counts["utterances_found"] += batch.num_rows
            self._report.counts["rows"] += batch.num_rows

    def _check_batch(
        self, batch: pa.RecordBatch, usable: dict[str, pa.DataType], corpus: Corpus, shard: Shard
    ) -> None:
        columns = {name: _as_type(batch.column(name), type_) for name, type_ in usable.items()}
        ids, matches = [None] * batch.num_rows, None
        if "utterance_id" in columns:
            ids, matches = valid_ids(columns["utterance_id"], corpus)  # type: ignore[assignment]
        self._rows.begin(shard.name, self._num_rows[shard.name], ids)
        if matches is not None:
            checks = self._ids.setdefault(corpus, IdChecks(corpus, self._rows, self._report))
            checks.check(columns, matches, shard.name, shard.split)
        check_values(columns, corpus, self._rows)
        for column in ("audio", "video"):
            if column in columns:
                self._media.check(column, columns[column])

    def _splits_by_folder(self) -> dict[str, str]:
        """Read what `save_to_disk` wrote beside the shards: their split, and which there should be."""
        splits: dict[str, str] = {}
        if not self._tables.folder.is_dir():
            return splits
        names = {shard.name for shard in self._tables.shards}
        for folder in sorted({name.rpartition("/")[0] for name in names}):
            state = self._description(folder, "state.json")
            split = state.get("_split")
            if isinstance(split, str) and split in ("train", "validation", "test"):
                splits[folder] = split
            files = state.get("_data_files")
            for entry in files if isinstance(files, list) else ():
                name = entry.get("filename") if isinstance(entry, dict) else None
                if isinstance(name, str) and (f"{folder}/{name}" if folder else name) not in names:
                    self._has_damage = True
                    found, expected = f"naming {quote(name)}, which is missing", "all of its shards"
                    file = f"{folder}/state.json" if folder else "state.json"
                    self._report.problem("DS-FILE-003", file, "_data_files", found, expected)
        return splits

    def _check_num_rows(self) -> None:
        """An Arrow file that was cut between two batches, and closed again, reads without an error."""
        if self._has_damage:
            return
        prefix = self._tables.prefix.rstrip("/")
        splits = self._description(prefix, "dataset_info.json").get("splits")
        num_rows: Counter[str | None] = Counter()
        for shard in self._tables.shards:
            num_rows[shard.split] += self._num_rows[shard.name]
        for name, facts in splits.items() if isinstance(splits, dict) else ():
            number = facts.get("num_examples") if isinstance(facts, dict) else None
            if type(number) is int and name in ("train", "validation", "test") and number != num_rows[name]:
                file, found = f"{self._tables.prefix}dataset_info.json", f"{num_rows[name]:,} rows in files"
                self._report.problem("DS-FILE-004", file, f"splits.{name}", found, f"{number:,}, as it says")

    def _description(self, folder: str, name: str) -> dict[str, Any]:
        """Read a JSON file beside the shards; what is wrong with it is a problem."""
        below = folder.removeprefix(self._tables.prefix.rstrip("/")).lstrip("/")
        try:
            return read_description(self._tables.folder / below / name) or {}
        except EmotalkError as error:
            file = f"{folder}/{name}" if folder else name
            found = error.message.removeprefix(f"{name} is ").removesuffix(REMEDY)
            self._report.problem("DS-META-001", file, "", found, "a JSON object, as `datasets` writes it")
            return {}


def _as_type(column: pa.Array, type_: pa.DataType) -> pa.Array:
    """Bring 64-bit offsets and views to the plain types; a type that differs in more was sorted out before."""
    # Media may be gigabytes, and nothing that looks at them minds.
    return column if column.type == type_ or pa.types.is_struct(type_) else column.cast(type_)

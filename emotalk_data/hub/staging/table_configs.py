"""Parquet files become a config; and a folder of them that says nothing of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data.errors import CacheCorruptError, OptionError, quote
from emotalk_data.features.running.plan import parse_file_name
from emotalk_data.hub.staged import ConfigKind, StagedConfig
from emotalk_data.hub.staging.files import check_contents, place
from emotalk_data.hub.staging.sources import Source
from emotalk_data.hub.staging.to_stage import ToStage
from emotalk_data.schemas.feature_shard import DATA_FOLDER

__all__ = ["Tables", "damaged_table", "stage_tables", "unknown_configs"]

_SPLIT: Final = re.compile(r"(train|validation|test)(?![A-Za-z0-9])")
_FAULTS: Final = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError, LookupError)


class Tables(NamedTuple):
    """Parquet files that become a config as they are.

    Attributes:
        path: the source.
        name: of the config.
        shards: for each split its files, in their order.
        kind: what made them.
        corpus: whose utterances they are of; None where nothing says so.
        facts: see `StagedConfig`.
        beside: names of other files of the source that go along.
    """

    path: Path
    name: str
    shards: Mapping[str, Sequence[Path]]
    kind: ConfigKind = "unknown"
    corpus: Literal["emotalk", "m3ed"] | None = None
    facts: Mapping[str, str] = MappingProxyType({})
    beside: Sequence[str] = ()


def unknown_configs(source: Source) -> list[ToStage]:
    """Return the config that any folder of Parquet files becomes; nothing is written yet.

    Splits are what the names of the files begin with, `train` where they do not tell.

    Raises:
        OptionError: it has no possible name.
        PublishRefusedError: a link, or something else than Parquet files, is in it.
    """
    shards: dict[str, list[Path]] = {}
    for path in check_contents(source.path):
        parsed, match = parse_file_name(path.name), _SPLIT.match(path.name)
        split = parsed[0] if parsed else match[1] if match else "train"
        shards.setdefault(split, []).append(path)
    tables = Tables(source.path, source.config_name(source.path.name), shards)
    return [ToStage(tables.name, source.path, partial(stage_tables, tables))]


def stage_tables(tables: Tables, folder: Path) -> StagedConfig:
    """Put Parquet files into the staging folder, byte for byte. Every page of them is read.

    Args:
        tables: the files.
        folder: of the config.

    Raises:
        OptionError: they hold no row, differ in their columns, or have columns that `datasets` does not know.
        CacheCorruptError: one is damaged; names it.
        CacheWriteError: they cannot be written.
    """
    schemas: dict[Path, pa.Schema] = {}
    splits: dict[str, tuple[Path, ...]] = {}
    num_rows: dict[str, int] = {}
    for split, paths in tables.shards.items():
        names = [f"{split}-{number:05d}-of-{len(paths):05d}.parquet" for number in range(len(paths))]
        splits[split] = tuple(folder / DATA_FOLDER / name for name in names)
        for path, target in zip(paths, splits[split], strict=True):
            rows, schemas[path] = _read(path)
            num_rows[split] = num_rows.get(split, 0) + rows
            place(path, target)
    if not sum(num_rows.values()):
        raise OptionError(
            f"{quote(str(tables.path), 200)} holds no row; there is nothing to share.", path=str(tables.path)
        )
    for name in tables.beside:
        place(tables.path / name, folder / name)
    return StagedConfig(
        name=tables.name,
        kind=tables.kind,
        corpus=tables.corpus,
        splits=MappingProxyType(splits),
        num_rows=MappingProxyType(num_rows),
        features=_features(_one_schema(schemas), tables.path),
        other_files=tuple(folder / name for name in tables.beside),
        facts=tables.facts,
    )


def damaged_table(path: Path, problem: str) -> CacheCorruptError:
    """Return the error for a file that cannot be used."""
    return CacheCorruptError(
        f"{quote(str(path), 200)} cannot be used: {problem}. Remove that file, and make it again.",
        path=str(path),
    )


def _read(path: Path) -> tuple[int, pa.Schema]:
    """Return rows and columns of a file, every page of which is read."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.metadata.num_row_groups):
                file.read_row_group(group, use_threads=False).validate(full=True)
            return file.metadata.num_rows, file.schema_arrow
    except _FAULTS as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise damaged_table(path, reason[:160]) from error


def _one_schema(schemas: Mapping[Path, pa.Schema]) -> pa.Schema:
    first = next(iter(schemas.values()))
    for path, schema in schemas.items():
        if not schema.equals(first):
            raise OptionError(
                f"the columns of {quote(str(path), 200)} are not those of the other files, or in another order. "
                f"Publish them as two configs.",
                path=str(path),
            )
    return first


def _features(schema: pa.Schema, source: Path) -> datasets.Features:
    """Return the columns as `datasets` types them; what it does not know it refuses in many ways."""
    try:
        return datasets.Features.from_arrow_schema(schema)
    except Exception as error:
        raise OptionError(
            f"plain `datasets` cannot open the files of {quote(str(source), 160)}: {quote(str(error), 160)}. "
            f"Write them with its stock types.",
            path=str(source),
        ) from error

"""A split file becomes a config: the file as it is, and a table of who is where that plain `datasets` opens."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data._whole_file import whole_file
from emotalk_data.errors import OptionError, quote
from emotalk_data.hub.staged import StagedConfig
from emotalk_data.hub.staging.files import place, typed_write_errors
from emotalk_data.hub.staging.sources import Source
from emotalk_data.hub.staging.to_stage import ToStage
from emotalk_data.schemas.feature_shard import DATA_FOLDER
from emotalk_data.schemas.split_file import SplitFile, load_split_file

__all__ = ["SPLITS_NAME", "split_configs"]

SPLITS_NAME: Final = "splits.json"
_SHARD: Final = "train-00000-of-00001.parquet"


def split_configs(source: Source) -> list[ToStage]:
    """Return the config that a split file becomes; nothing is written yet.

    Raises:
        OptionError: it cannot be read, holds no id, or has no possible name.
        DecodeError, SchemaError, LimitError: it is no split file.
    """
    splits = load_split_file(source.path)
    if not any(ids for fold in splits.folds for _path, _split, ids in fold.places):
        raise OptionError(
            f"the split file {quote(str(source.path), 200)} holds no id; nothing is to be shared."
        )
    name = source.config_name(source.path.stem)
    return [ToStage(name, source.path, partial(_stage, source.path, splits, name))]


def _stage(path: Path, splits: SplitFile, name: str, folder: Path) -> StagedConfig:
    place(path, folder / SPLITS_NAME)
    table = _table(splits)
    target = folder / DATA_FOLDER / _SHARD
    with typed_write_errors(target):
        target.parent.mkdir()
        with whole_file(target) as file:
            pq.write_table(table, file, write_page_checksum=True)
    made = splits.made
    facts = {
        "Name of the splits": splits.name or "none",
        "Digest of the splits": splits.digest,
        "Folds": f"{len(splits.folds):,}",
        "Ids of": f"{splits.level}s",
        "Made by": "hand" if made is None else " of ".join(part for part in (made.by, made.library) if part),
    }
    if made is not None and made.parameters:
        facts["Parameters"] = json.dumps(made.parameters, sort_keys=True, ensure_ascii=False)
    return StagedConfig(
        name=name,
        kind="splits",
        corpus=splits.corpus,
        splits=MappingProxyType({"train": (target,)}),
        num_rows=MappingProxyType({"train": table.num_rows}),
        features=datasets.Features.from_arrow_schema(table.schema),
        other_files=(folder / SPLITS_NAME,),
        facts=MappingProxyType(facts),
    )


def _table(splits: SplitFile) -> pa.Table:
    """Return a row for each id of each fold, in the order of the file; the split of those left out is null."""
    rows = [
        (number, split or None, one)
        for number, fold in enumerate(splits.folds)
        for _path, split, ids in fold.places
        for one in ids
    ]
    types = {"fold": pa.int32(), "split": pa.string(), f"{splits.level}_id": pa.string()}
    columns = [
        pa.array(list(values), kind)
        for values, kind in zip(zip(*rows, strict=True), types.values(), strict=True)
    ]
    return pa.Table.from_arrays(columns, names=list(types))

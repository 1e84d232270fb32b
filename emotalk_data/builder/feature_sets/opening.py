"""A folder of features is opened: its plan, its shards, whether they are one set, and whether all are there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from emotalk_data.builder.feature_sets.checks import check_plan, check_set, gaps_of
from emotalk_data.builder.feature_sets.set_plan import read_plan
from emotalk_data.builder.feature_sets.shards import Shard, open_shard
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.builder.folder_paths import absolute_folder
from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.feature_shard import DATA_FOLDER

__all__ = ["open_store"]

_SPLITS: Final = ("train", "validation", "test")


def open_store(path: str | os.PathLike[str], *, allow_unfinished: bool = False) -> FeatureStore:
    """Open the folder of a set. Footers, ids and reasons are read; vectors when they are asked for.

    Args:
        path: the folder that `extract_features` wrote.
        allow_unfinished: take the rows that are there, where shards are missing.

    Raises:
        OptionError: there is no set at `path`, or it is not finished.
        CacheCorruptError: a shard is damaged, of another set, or overlaps with another; or the plan is.
    """
    folder = absolute_folder(path, "the set")
    files = _files_of(folder)
    plan = read_plan(folder)
    shards = tuple(sorted(map(open_shard, files), key=_order))
    check_set(shards, folder)
    records = [shard.record for shard in shards]
    if plan is not None:
        check_plan(plan, records, folder)
    gaps = gaps_of(records, plan)
    if gaps and not allow_unfinished:
        missing = "; ".join(gaps.values())
        raise OptionError(
            f"the set {quote(str(folder), 160)} is not finished: {missing}. Run the same `emotalk features "
            f"extract` again: it goes on where it stopped. Or open it as it is, allow_unfinished=True."
        )
    return FeatureStore(folder, shards, plan)


def _files_of(folder: Path) -> list[Path]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder / DATA_FOLDER))
    except OSError as error:
        raise _no_set(folder, f"{error.strerror or error}") from error
    # A dot: a file that a process which was killed had not finished.
    files = [folder / DATA_FOLDER / name for name in names if name.endswith(".parquet") and name[0] != "."]
    if not files:
        raise _no_set(folder, "no shard is there")
    return files


def _order(shard: Shard) -> tuple[int, str, int]:
    split = shard.record.split
    return _SPLITS.index(split) if split in _SPLITS else len(_SPLITS), split, shard.record.number


def _no_set(folder: Path, problem: str) -> OptionError:
    return OptionError(
        f"no feature set at {quote(str(folder), 200)}: {problem}. Expected a folder with "
        f"{DATA_FOLDER}/*.parquet, as `emotalk features extract … --out {folder.name}` writes it.",
        path=str(folder),
    )

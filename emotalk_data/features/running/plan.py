"""Which shards a set has: fixed ranges of rows of each split; `plan.json` says so before the first is there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, cast

from emotalk_data.builder.feature_sets.set_plan import merge_plan, read_plan
from emotalk_data.builder.shard_plan import SplitName
from emotalk_data.builder.shard_plan import plan as plan_files
from emotalk_data.errors import CacheCorruptError
from emotalk_data.features.running.rows import Source
from emotalk_data.features.running.summary import write_where_new
from emotalk_data.schemas.feature_shard import DATA_FOLDER, PLAN_NAME, SetPlan, SplitPlan

__all__ = ["ShardJob", "has_shards", "parse_file_name", "plan_shards", "remove_plan_of_nothing", "write_plan"]

_FILE: Final = re.compile(r"(\w+(?:\.\w+)*)-(\d{5})-of-(\d{5})\.parquet")


class ShardJob(NamedTuple):
    """A shard of the plan.

    Attributes:
        split: its split.
        number: which of the split's shards, from 0.
        total: how many the split has.
        start: first row.
        stop: the one after the last.
        file: its name.
    """

    split: str
    number: int
    total: int
    start: int
    stop: int
    file: str

    @property
    def num_rows(self) -> int:
        """How many rows."""
        return self.stop - self.start


def plan_shards(source: Source, rows_per_shard: int) -> list[ShardJob]:
    """Return all shards of a set, split by split."""
    lengths = {cast("SplitName", name): len(rows) for name, rows in source.splits.items()}
    return [
        ShardJob(job.split, number, len(jobs), job.start, job.stop, job.file)
        for jobs in plan_files(lengths, rows_per_shard).values()
        for number, job in enumerate(jobs)
    ]


def parse_file_name(name: str) -> tuple[str, int, int] | None:
    """Return split, number and total that the name of a shard says; None for any other name."""
    match = _FILE.fullmatch(name)
    return None if match is None else (match[1], int(match[2]), int(match[3]))


def write_plan(path: Path, jobs: Sequence[ShardJob], *, is_new: bool) -> None:
    """Write down which shards there are to be, unless that is said already.

    Args:
        path: of the set.
        jobs: all shards of this run.
        is_new: no shard is there: what an earlier run meant to make, and did not begin, counts no more.

    Raises:
        CacheWriteError: it cannot be written.
    """
    rows = {job.split: (job.stop, job.total) for job in jobs}  # of each split the last job
    plan = SetPlan(
        splits={split: SplitPlan(num_rows=stop, num_shards=n) for split, (stop, n) in rows.items()}
    )
    if not is_new:
        plan = merge_plan(_plan_there(path), plan)
    # Sorted: splits may have come one after the other, and the same set is the same bytes.
    text = json.dumps(plan.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"
    write_where_new(path / PLAN_NAME, text, "The same call goes on.")


def has_shards(path: Path) -> bool:
    """Say whether a set has a shard yet."""
    return any((path / DATA_FOLDER).glob("[!.]*"))


def remove_plan_of_nothing(path: Path) -> None:
    """Remove the plan again where no shard was made: the folder is as free as it was before."""
    with suppress(OSError):
        if not has_shards(path):
            (path / PLAN_NAME).unlink(missing_ok=True)


def _plan_there(path: Path) -> SetPlan | None:
    try:
        return read_plan(path)
    except CacheCorruptError:
        return None  # it is written anew; shards say what is there

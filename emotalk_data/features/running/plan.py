"""Which shards a set has: fixed ranges of rows of each split."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, cast

from emotalk_data.builder.shard_plan import SplitName
from emotalk_data.builder.shard_plan import plan as plan_files
from emotalk_data.features.running.rows import Source

__all__ = ["ShardJob", "parse_file_name", "plan_shards"]

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

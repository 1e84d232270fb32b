"""`plan.json`: which shards a set is to have, said before the first of them is there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from emotalk_data._whole_file import whole_file
from emotalk_data.builder.feature_sets.set_plan import merge_plan, read_plan
from emotalk_data.errors import CacheCorruptError, CacheWriteError, quote
from emotalk_data.features.running.plan import ShardJob
from emotalk_data.schemas.feature_shard import DATA_FOLDER, PLAN_NAME, SetPlan, SplitPlan

__all__ = ["remove_plan_of_nothing", "write_plan"]


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
    text = (json.dumps(plan.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode()
    target = path / PLAN_NAME
    try:
        if not target.is_file() or target.read_bytes() != text:
            with whole_file(target) as file:
                file.write(text)
    except OSError as error:
        raise CacheWriteError(
            f"cannot write {quote(str(target), 200)}: {error.strerror or error}. The same call goes on.",
            path=str(target),
        ) from error


def remove_plan_of_nothing(path: Path) -> None:
    """Remove the plan again where no shard was made: the folder is as free as it was before."""
    with suppress(OSError):
        if not any((path / DATA_FOLDER).glob("[!.]*")):
            (path / PLAN_NAME).unlink(missing_ok=True)


def _plan_there(path: Path) -> SetPlan | None:
    try:
        return read_plan(path)
    except CacheCorruptError:
        return None  # it is written anew; shards say what is there

"""Whether shards are one set: of the same making, each once, one behind the other, and none missing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from emotalk_data.builder.feature_sets.set_plan import damaged_plan
from emotalk_data.builder.feature_sets.shards import Shard
from emotalk_data.errors import CacheCorruptError, quote
from emotalk_data.schemas.feature_shard import SetPlan, ShardRecord

__all__ = ["check_plan", "check_set", "gaps_of"]


def check_set(shards: Sequence[Shard], folder: Path) -> None:
    """Check that shards are parts of one set. Missing ones are no fault here: see `gaps_of`.

    Args:
        shards: at least one; sorted by split and number.
        folder: of the set, for messages.

    Raises:
        CacheCorruptError: one was made otherwise than the first, they overlap, or an utterance is there twice.
    """
    first = shards[0]
    for shard in shards[1:]:
        difference = _difference(first, shard)
        if difference:
            raise _mixed(shard.path.name, f"{difference}, other than in {first.path.name}", folder)
    _check_place(None, first, folder)
    for before, shard in pairwise(shards):
        is_first = before.record.split != shard.record.split
        _check_place(None if is_first else before, shard, folder)
    _check_ids(shards, folder)


def check_plan(plan: SetPlan, records: Sequence[ShardRecord], folder: Path) -> None:
    """Check that shards are parts of the plan. Missing ones are no fault here: see `gaps_of`.

    Args:
        plan: of the set.
        records: of its shards.
        folder: of the set, for messages.

    Raises:
        CacheCorruptError: the plan has another number of shards for a split, or fewer rows than are there.
    """
    for split, here in _by_split(records).items():
        planned = plan.splits.get(split)
        if planned is None:
            continue  # of an earlier run, which wrote no plan
        if here[0].total != planned.num_shards:
            says = f"it has {planned.num_shards:,} shards of {split}, and those that are there are of"
            raise damaged_plan(folder, f"{says} {here[0].total:,}")
        num_rows = here[-1].start + here[-1].num_rows
        if num_rows > planned.num_rows:
            says = f"it has {planned.num_rows:,} rows of {split}, and the shards have"
            raise damaged_plan(folder, f"{says} {num_rows:,}")


def gaps_of(records: Sequence[ShardRecord], plan: SetPlan | None = None) -> dict[str, str]:
    """Say for each split that lacks something what it is; nothing where all shards are there.

    Args:
        records: sorted by split and number.
        plan: of the set. A split of which no shard is there is known by it, and not without it.
    """
    of_split, planned = _by_split(records), {} if plan is None else plan.splits
    gaps: dict[str, str] = {}
    for split in dict.fromkeys([*of_split, *planned]):
        here = of_split.get(split, [])
        total = here[0].total if here else planned[split].num_shards
        num_rows, num_here = planned[split].num_rows if split in planned else None, _num_rows(here)
        if total > len(here):
            rows = _unknown_rows(here) if num_rows is None else f"{num_rows - num_here:,} rows"
            gaps[split] = f"{rows} of {split} are missing ({total - len(here):,} of {total:,} shards)"
        elif num_rows not in (None, num_here):
            gaps[split] = f"{num_rows:,} rows of {split} are planned, and its shards have {num_here:,}"
    return gaps


def _unknown_rows(here: Sequence[ShardRecord]) -> str:
    """Say how many rows are missing of a split, by the shards that are there."""
    last = here[-1]
    num_behind = last.total - 1 - last.number
    # Only the last shard may have fewer rows than the others; nobody knows by how many.
    at_most = last.start + last.num_rows - _num_rows(here) + num_behind * max(one.num_rows for one in here)
    return f"{'up to ' if num_behind else ''}{at_most:,} rows"


def _num_rows(records: Sequence[ShardRecord]) -> int:
    return sum(record.num_rows for record in records)


def _by_split(records: Sequence[ShardRecord]) -> dict[str, list[ShardRecord]]:
    of_split: dict[str, list[ShardRecord]] = {}
    for record in records:
        of_split.setdefault(record.split, []).append(record)
    return of_split


def _difference(first: Shard, shard: Shard) -> str:
    one, other = first.record, shard.record
    if one.corpus != other.corpus:
        return f"it is of {other.corpus}"
    if one.levels != other.levels:
        return f"it has {list(other.levels)}"
    if one.spec_digest != other.spec_digest:
        return _spec_difference(one.spec.model_dump(mode="json"), other.spec.model_dump(mode="json"))
    if first.num_dims != shard.num_dims:
        return f"its vectors have {shard.num_dims} numbers"
    return ""


def _spec_difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    names = [name for name in [*other, *one] if one.get(name) != other.get(name)]
    return f"its {names[0]} is {quote(other.get(names[0]))}" if names else "its spec has another digest"


def _check_place(before: Shard | None, shard: Shard, folder: Path) -> None:
    """Compare a shard with the one before it, of the same split; None for the first one."""
    number, start, total = shard.record.number, shard.record.start, shard.record.total
    last, end = -1, 0
    if before is not None:
        last, end = before.record.number, before.record.start + before.record.num_rows
        if before.record.total != total:
            problem = f"it is one of {total:,} shards, and {before.path.name} one of {before.record.total:,}"
            raise _mixed(shard.path.name, problem, folder)
    if number >= total:
        raise _mixed(shard.path.name, f"it is number {number:,} of {total:,}, counted from 0", folder)
    if start < end or (number == last + 1 and start != end):
        where = f"those of {before.path.name} end at {end:,}" if before else "its split begins at 0"
        raise _mixed(shard.path.name, f"its rows begin at {start:,}, and {where}", folder)


def _check_ids(shards: Sequence[Shard], folder: Path) -> None:
    seen: dict[str, str] = {}
    for shard in shards:
        for utterance_id in shard.ids:
            if utterance_id in seen:
                problem = f"{quote(utterance_id)} is in it, and in {seen[utterance_id]} too"
                raise _mixed(shard.path.name, problem, folder)
            seen[utterance_id] = shard.path.name


def _mixed(name: str, problem: str, folder: Path) -> CacheCorruptError:
    return CacheCorruptError(
        f"the shard {quote(name)} in {quote(str(folder), 160)} does not belong to the others: {problem}. Remove "
        f"the shards of one of the two, and run the same `emotalk features extract` again.",
        path=str(folder / "data" / name),
    )

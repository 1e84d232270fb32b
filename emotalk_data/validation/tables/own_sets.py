"""What only a feature set of our own can be asked: whether it opens, and whether all of its plan is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.errors import CacheCorruptError, OptionError
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.feature_shard import DATA_FOLDER, FRAMES_SUFFIX, PLAN_NAME

__all__ = ["check_own_set"]

_TOLD: Final = (
    "FS-FILE-001",
    "FS-FILE-002",
    "FS-META-001",
    "FS-META-002",
    "FS-COLUMN-002",
    "FS-DIM-001",
    "FS-DUP-001",
)
"""Where one of these was found, it is why the set does not open."""


def check_own_set(folder: Path, num_vectors: Mapping[tuple[str, str], int], report: Report) -> None:
    """Open a set as its user will, and report why that cannot be, where no other check has said it.

    Args:
        folder: of the set.
        num_vectors: vectors that were counted, by file and column.
        report: takes the problems.
    """
    try:
        store = open_store(folder, allow_unfinished=True)
    except CacheCorruptError as error:
        if not any(problem.code in _TOLD for problem in report.problems()):
            file = Path(error.path or folder).name
            file = file if file == PLAN_NAME else f"{DATA_FOLDER}/{file}"
            report.problem("FS-FILE-001", file, "", error.message, "a set that opens")
        return
    except OptionError:
        return  # its shards have names that are not ours
    _check_gaps(store, report)
    for shard in store.shards:
        name, said = f"{DATA_FOLDER}/{shard.path.name}", shard.record.counts.frames
        found = num_vectors.get((name, store.spec.column + FRAMES_SUFFIX), said)
        if found != said:
            report.problem(
                "FS-FILE-001", name, "", f"damaged: {found:,} frames", f"{said:,}, as its footer says"
            )


def _check_gaps(store: FeatureStore, report: Report) -> None:
    """Report what the names of shards do not tell: that one of a series is missing is reported already."""
    for split, gap in store.gaps.items():
        shards = [shard for shard in store.shards if shard.record.split == split]
        if not shards or len(shards) == shards[0].record.total:
            report.problem("FS-FILE-003", PLAN_NAME, "", gap, "all that is planned")

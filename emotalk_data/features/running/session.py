"""One process's run, from an encoder that was asked for to shards in a folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from emotalk_data.errors import OptionError
from emotalk_data.features.running.extractors import Asked, Ready, libraries_of, make_ready
from emotalk_data.features.running.local_run import RunStats, ShardMaker, run_shards
from emotalk_data.features.running.memory import automatic_batch
from emotalk_data.features.running.plan import ShardJob, has_shards, plan_shards
from emotalk_data.features.running.progress import Progress
from emotalk_data.features.running.ranks import Rank
from emotalk_data.features.running.rows import Source
from emotalk_data.features.running.set_folder import SetFolder, SetIdentity, open_set_folder
from emotalk_data.features.running.summary import write_summary
from emotalk_data.schemas.feature_shard import Level, ShardRecord

__all__ = ["RunOptions", "make_maker", "remembered_batch", "run_here"]

_log: Final = logging.getLogger(__name__)


class RunOptions(NamedTuple):
    """The options of a run, checked.

    Attributes:
        path: where to.
        levels: what is kept.
        max_batch_seconds: how much is encoded at once; None to find it.
        rows_per_shard: rows of one file.
        num_threads: that prepare.
    """

    path: Path
    levels: tuple[Level, ...]
    max_batch_seconds: float | None
    rows_per_shard: int
    num_threads: int


def run_here(source: Source, asked: Asked, options: RunOptions, rank: Rank) -> RunStats | None:
    """Make this process's share of the shards; None when all of them were there.

    Raises:
        EmotalkError: what `extract_features` raises.
        KeyboardInterrupt: Ctrl-C, the second time.
    """
    jobs = plan_shards(source, options.rows_per_shard)
    if rank.world > len(jobs):
        raise OptionError(
            f"{rank.world} processes are to share {len(jobs)} shards, and some would have nothing to do. Start "
            f"fewer, or make smaller shards: rows_per_shard is {options.rows_per_shard}."
        )
    own = rank.share(jobs)
    ready = make_ready(asked, local_rank=rank.local)
    identity = SetIdentity(ready.spec, options.levels, source.corpus, options.rows_per_shard)
    shared = None if rank.is_alone else own
    with open_set_folder(options.path, identity, source, jobs, own=shared) as folder:
        stats = _make_missing(source, ready, options, folder, jobs, own, rank)
        if has_shards(folder.path):
            write_summary(folder.path)
    if stats is not None:
        _log.info(
            "%d utterances in %.1f s; the encoder waited %.1f s; %.0f %% of what it encoded was no padding",
            stats.num_rows,
            stats.seconds,
            stats.waited_seconds,
            100 * stats.useful_share,
        )
    return stats


def make_maker(
    source: Source,
    ready: Ready,
    options: RunOptions,
    folder: Path,
    max_batch_seconds: float,
    *,
    has_made: bool,
) -> ShardMaker:
    """Return what makes shards of rows, with an encoder that is ready."""
    return ShardMaker(
        source=source,
        extractor=ready.extractor,
        spec=ready.spec,
        levels=options.levels,
        folder=folder,
        max_batch_seconds=max_batch_seconds,
        num_threads=options.num_threads,
        device=ready.name,
        libraries=libraries_of(ready.spec),
        has_made=has_made,
    )


def remembered_batch(records: Sequence[ShardRecord], device: str) -> float | None:
    """Return how much was encoded at once before, on such a device; None if nothing was."""
    return min((record.max_batch_seconds for record in records if record.device == device), default=None)


def _make_missing(
    source: Source,
    ready: Ready,
    options: RunOptions,
    folder: SetFolder,
    jobs: Sequence[ShardJob],
    own: Sequence[ShardJob],
    rank: Rank,
) -> RunStats | None:
    missing = folder.missing(own)
    if not missing:
        return None
    records = list(folder.records.values())
    max_batch_seconds = (
        options.max_batch_seconds
        or remembered_batch(records, ready.name)
        or automatic_batch(source, jobs, ready.extractor, ready.device)
    )
    has_made = any(record.counts.made for record in records)
    maker = make_maker(source, ready, options, folder.data, max_batch_seconds, has_made=has_made)
    name = ready.spec.name if rank.is_alone else f"{ready.spec.name}, process {rank.number} of {rank.world}"
    total, left = sum(job.num_rows for job in own), sum(job.num_rows for job in missing)
    with Progress(name, total=total, initial=total - left) as progress:
        stats = run_shards(maker, missing, progress.tell)
        progress.finish(stats.useful_share)
    return stats

"""Rows that failed, made again; the shards that hold one are written anew, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from emotalk_data.builder.feature_sets.shards import Shard
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.builder.feature_sets.stored_rows import stored_row
from emotalk_data.errors import OptionError, quote
from emotalk_data.features.running.devices import default_threads
from emotalk_data.features.running.digests import input_digest, source_digest
from emotalk_data.features.running.extractors import Ready, libraries_of
from emotalk_data.features.running.feeding import PlannedShard
from emotalk_data.features.running.local_run import ShardMaker, run_shards
from emotalk_data.features.running.memory import automatic_batch
from emotalk_data.features.running.outcomes import count_rows
from emotalk_data.features.running.plan import ShardJob
from emotalk_data.features.running.progress import Progress
from emotalk_data.features.running.rebuilding import SameEncoder, places_by_id, ready_again
from emotalk_data.features.running.rows import ChosenRows, Source, SplitRows
from emotalk_data.features.running.session import remembered_batch
from emotalk_data.features.running.set_folder import hold_folder
from emotalk_data.features.running.shard_file import ShardRow, write_shard_file
from emotalk_data.features.running.summary import write_summary

if TYPE_CHECKING:
    import datasets


__all__ = ["retry"]

Places = dict[str, tuple[SplitRows, int]]


def retry(
    store: FeatureStore,
    ds: datasets.Dataset | datasets.DatasetDict,
    encoder: SameEncoder,
    *,
    only_failed: bool,
) -> FeatureStore:
    """Encode the rows of a set again that failed. A shard that holds one is written anew, whole or not at all.

    All other rows stay as they are, and so do shards without such a row, and those whose rows fail as before.

    Args:
        store: the set. It does not see what changes; use what is returned.
        ds: what it was made from, or the part that is to be tried again.
        encoder: where it is to be had.
        only_failed: False takes rows too that had nothing to encode.

    Returns:
        the set as it is now.

    Raises:
        OptionError: an encoder that is not the set's, or none of these rows is in the dataset; or another
            process writes to the folder.
        ModelError: weights cannot be found, or are not the set's.
        MissingDependencyError: a package of an extra is missing.
        CacheCorruptError: a shard is damaged, or was written since the set was opened.
        CacheWriteError: a shard cannot be written.
        KeyboardInterrupt: Ctrl-C; shards that are finished stay.
    """
    ids = _to_retry(store, only_failed=only_failed)
    if not ids:
        return store
    places = places_by_id(ds, store.ids())
    if not any(one in places for one in ids):
        raise OptionError(
            f"none of the {len(ids):,} rows of {quote(str(store.path), 160)} to be tried again is in the "
            f"dataset; the first is {quote(ids[0])}."
        )
    ready = ready_again(store, encoder)
    with hold_folder(store.path):
        source, jobs = _plan(store, places, set(ids))
        limit = remembered_batch(store.records, ready.name)
        maker = ShardMaker(
            source=source,
            extractor=ready.extractor,
            spec=store.spec,
            levels=store.levels,
            folder=store.path,
            max_batch_seconds=limit or automatic_batch(source, jobs, ready.extractor, ready.device),
            num_threads=default_threads(),
            device=ready.name,
            libraries=libraries_of(store.spec),
            has_made=True,
        )
        rewriter = _Rewriter(store, places, ready)
        total = sum(job.num_rows for job in jobs)
        with Progress(f"{store.spec.name}, again", total=total, initial=0) as progress:
            stats = run_shards(maker, jobs, progress.tell, rewriter.write)
        after = write_summary(store.path)
    if stats.was_stopped:
        raise KeyboardInterrupt("stopped; shards that were written anew stay. The same call tries the rest.")
    return after


class _Rewriter:
    """Puts rows that were made again into the shards that they belong to."""

    def __init__(self, store: FeatureStore, places: Places, ready: Ready) -> None:
        self._shards = {shard.path.name: shard for shard in store.shards}
        self._places = places
        self._ready = ready

    def write(self, planned: PlannedShard, made: list[ShardRow], max_batch_seconds: float) -> None:  # noqa: ARG002
        """Write a shard anew, unless all that was tried failed as before."""
        shard = self._shards[planned.job.file]
        again = {row.utterance_id: row for row in made}
        before = _rows_of(shard)
        rows = [again.get(row.utterance_id, row) for row in before]
        failed_as_before = all(
            (row.error, row.input_digest) == (new.error, new.input_digest)
            for row, new in zip(before, rows, strict=True)
        )
        digest = self._source_digest(shard, rows, set(again))
        if failed_as_before and digest == shard.record.source_digest:
            return
        counts = count_rows(rows)
        kept = shard.record.counts.frames
        devices = dict.fromkeys([*shard.record.device.split(" and "), self._ready.name])
        record = shard.record.model_copy(
            update={
                # Of a set without frames nobody knows how many its rows had; those that failed had none.
                "counts": counts.model_copy(
                    update={"frames": kept + sum(row.num_frames for row in again.values())}
                ),
                "source_digest": digest,
                "device": " and ".join(devices),
            }
        )
        write_shard_file(shard.path, record, rows)

    def _source_digest(self, shard: Shard, rows: Sequence[ShardRow], again: set[str]) -> str:
        """Return the digest of what the rows are made from now; the old one where another row's input changed.

        With the old one an extraction makes the shard again, as it has to.
        """
        record = shard.record
        if any(row.utterance_id not in self._places for row in rows):
            return record.source_digest
        chosen = ChosenRows([self._places[row.utterance_id] for row in rows])
        for number, row in enumerate(rows):
            if row.utterance_id in again or row.error is not None:
                continue
            if input_digest(chosen.utterance(number), record.spec) != row.input_digest:
                return record.source_digest
        return source_digest(chosen, range(len(rows)), record.spec)


def _to_retry(store: FeatureStore, *, only_failed: bool) -> list[str]:
    return [
        utterance_id
        for utterance_id, error in zip(store.ids(), store.errors, strict=True)
        if error is not None and not (only_failed and error.startswith("missing: "))
    ]


def _plan(store: FeatureStore, places: Places, ids: set[str]) -> tuple[Source, list[ShardJob]]:
    """Return the rows to be made again as a source, and for each shard which of these it holds."""
    rows: dict[str, list[tuple[SplitRows, int]]] = {}
    jobs = []
    for shard in store.shards:
        record = shard.record
        found = [places[one] for one in shard.ids if one in ids and one in places]
        if not found:
            continue
        of_split = rows.setdefault(record.split, [])
        start = len(of_split)
        of_split += found
        jobs.append(
            ShardJob(record.split, record.number, record.total, start, len(of_split), shard.path.name)
        )
    return Source({name: ChosenRows(found) for name, found in rows.items()}, store.corpus), jobs


def _rows_of(shard: Shard) -> list[ShardRow]:
    """Return the rows of a shard as they were written."""
    rows = []
    for _, batch in shard.groups(["utterance_id", *shard.columns(), "notes", "error", "input_digest"]):
        digests = batch.column("input_digest").to_pylist()
        for number in range(batch.num_rows):
            row = stored_row(shard.record, batch, number)
            rows.append(
                ShardRow(
                    row.utterance_id,
                    digests[number],
                    row.error,
                    row.notes,
                    row.pooled,
                    row.frames,
                    None if row.seconds is None else row.seconds.astype(np.float32, copy=False),
                    0 if row.frames is None else len(row.frames),
                )
            )
    return rows

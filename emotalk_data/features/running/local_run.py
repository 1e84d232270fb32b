"""Shards, one after the other: prepared by threads, encoded by the calling thread, written by another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from emotalk_data.features.hook import FeatureExtractor
from emotalk_data.features.running.digests import ids_digest
from emotalk_data.features.running.encoding import BatchEncoder
from emotalk_data.features.running.failures import Failure
from emotalk_data.features.running.feeding import Feeder, PlannedShard
from emotalk_data.features.running.interrupts import first_interrupt_asks
from emotalk_data.features.running.outcomes import check_made, count_rows, make_row
from emotalk_data.features.running.plan import ShardJob
from emotalk_data.features.running.rows import Source
from emotalk_data.features.running.shard_file import ShardRow, write_shard_file
from emotalk_data.features.running.writing import ShardWriter
from emotalk_data.schemas.feature_shard import Level, ShardRecord

__all__ = ["RunStats", "ShardMaker", "Tell", "Write", "run_shards"]

Tell = Callable[[int, int], None]
"""Is told how many more rows are done, and how many of those failed."""
Write = Callable[[PlannedShard, list[ShardRow], float], None]
"""Is given a shard, its rows in their order, and how much was encoded at once; called by the writer's thread."""


@dataclass(frozen=True)
class ShardMaker:
    """What all shards of a run have in common.

    Attributes:
        source: the rows.
        extractor: the encoder; its spec is the set's, `storage` apart.
        spec: of the set.
        levels: what is kept.
        folder: where shards go.
        max_batch_seconds: how much is encoded at once.
        num_threads: that prepare.
        device: what calculates, as the record says it.
        libraries: versions, likewise.
        has_made: whether anything of the set was made before, by this run or another.
    """

    source: Source
    extractor: FeatureExtractor[Any]
    spec: Any
    levels: tuple[Level, ...]
    folder: Path
    max_batch_seconds: float
    num_threads: int
    device: str
    libraries: dict[str, str]
    has_made: bool = False

    def write(self, shard: PlannedShard, rows: list[ShardRow], max_batch_seconds: float) -> None:
        """Write a shard.

        Raises:
            CacheWriteError: it cannot be written.
        """
        job = shard.job
        record = ShardRecord(
            spec=self.spec,
            spec_digest=self.spec.digest(),
            levels=self.levels,
            corpus=self.source.corpus,
            split=job.split,
            number=job.number,
            total=job.total,
            start=job.start,
            num_rows=len(rows),
            ids_digest=ids_digest([row.utterance_id for row in rows]),
            source_digest=shard.source_digest,
            counts=count_rows(rows),
            max_batch_seconds=max_batch_seconds,
            device=self.device,
            libraries=self.libraries,
        )
        write_shard_file(self.folder / job.file, record, rows)


class RunStats(NamedTuple):
    """What a run did.

    Attributes:
        num_shards: shards that it wrote.
        num_rows: rows in them.
        seconds: how long it took.
        waited_seconds: of that, how long the device's thread waited for utterances to be prepared.
        useful_share: share of what was encoded that is no padding, in the encoder's sizes; 1 for nothing.
        max_batch_seconds: at its end.
        was_stopped: Ctrl-C asked it to stop, and it did so behind a shard.
    """

    num_shards: int
    num_rows: int
    seconds: float
    waited_seconds: float
    useful_share: float
    max_batch_seconds: float
    was_stopped: bool


class _Work(NamedTuple):
    """A shard under way: rows become ready in threads."""

    shard: PlannedShard
    rows: list[Future[ShardRow]]

    def result(self) -> list[ShardRow]:
        return [row.result() for row in self.rows]


def run_shards(
    maker: ShardMaker,
    jobs: Sequence[ShardJob],
    tell: Tell,
    write: Write | None = None,
) -> RunStats:
    """Make shards, in the order of the jobs. When it returns, by an error too, no thread of it is left.

    Behind Ctrl-C those are left that are at an utterance, until they are done with it.

    Args:
        maker: what they have in common.
        jobs: the shards.
        tell: see `Tell`; called by this thread.
        write: see `Write`; if omitted, each is a new shard.

    Raises:
        ExtractionError: nothing at all could be made of the first shard, or the device is lost.
        CacheWriteError: a shard cannot be written.
        ModelError: raised by the encoder.
        MissingDependencyError: likewise.
        KeyboardInterrupt: Ctrl-C, the second time.
    """
    began = time.perf_counter()
    encoder = BatchEncoder(maker.extractor, maker.max_batch_seconds)
    num_shards = num_rows = 0
    has_made = maker.has_made
    with (
        first_interrupt_asks() as stop,
        _threads(maker.num_threads) as pool,
        ShardWriter() as writer,
        _let_go(pool),
    ):
        feeder = Feeder(maker.source, jobs, maker.extractor, maker.max_batch_seconds, pool, maker.num_threads)
        while not stop.is_asked and (shard := feeder.next_shard()) is not None:
            work, cause = _encode_shard(maker, shard, feeder, encoder, pool, writer, tell)
            if not has_made:
                rows = work.result()
                check_made(rows, cause, f"the first shard, {shard.job.file}")
                has_made = any(row.error is None for row in rows)
            writer.put(partial(_finish, work, encoder.max_batch_seconds, write or maker.write))
            num_shards += 1
            num_rows += shard.job.num_rows
    useful_share = encoder.useful / encoder.padded if encoder.padded else 1.0
    return RunStats(
        num_shards,
        num_rows,
        time.perf_counter() - began,
        feeder.waited_seconds,
        useful_share,
        encoder.max_batch_seconds,
        stop.is_asked,
    )


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads that are all at an end when the block is; only Ctrl-C waits for none."""
    pool = ThreadPoolExecutor(count, thread_name_prefix="emotalk-prepare")
    is_at_once = False
    try:
        yield pool
    except KeyboardInterrupt:
        is_at_once = True
        raise
    finally:
        pool.shutdown(wait=not is_at_once, cancel_futures=True)


@contextmanager
def _let_go(pool: ThreadPoolExecutor) -> Iterator[None]:
    """On Ctrl-C drop what no thread has begun: the writer waits for it, and what is begun may take for ever."""
    try:
        yield
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _encode_shard(
    maker: ShardMaker,
    shard: PlannedShard,
    feeder: Feeder,
    encoder: BatchEncoder,
    pool: ThreadPoolExecutor,
    writer: ShardWriter,
    tell: Tell,
) -> tuple[_Work, BaseException | None]:
    """Encode the batches of a shard; returns its rows, and the first error that there was."""
    rows: dict[int, Future[ShardRow]] = {}
    cause: BaseException | None = None

    def settle(position: int, digest: str | None, outcome: Any) -> None:
        utterance_id = shard.utterances[position].utterance_id
        # Pooling takes as long as a fast device needs to encode: threads do it.
        rows[position] = pool.submit(make_row, utterance_id, digest, outcome, maker.spec, maker.levels)

    for position, failure in shard.failures.items():
        settle(position, None, failure)
        cause = cause or failure.cause
    num_missing = sum(failure.code == "missing" for failure in shard.failures.values())
    tell(len(shard.failures), len(shard.failures) - num_missing)
    for batch in shard.batches:
        writer.check()
        prepared = feeder.next_batch()
        ready = [number for number, one in enumerate(prepared) if not isinstance(one.value, Failure)]
        answers = encoder.encode(
            [prepared[number].value for number in ready], [shard.sizes[batch[number]] for number in ready]
        )
        outcomes = [one.value for one in prepared]
        for number, answer in zip(ready, answers, strict=True):
            outcomes[number] = answer
        for position, one, outcome in zip(batch, prepared, outcomes, strict=True):
            settle(position, one.digest, outcome)
        failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
        cause = cause or next((failure.cause for failure in failures if failure.cause), None)
        tell(len(batch), len(failures))
    return _Work(shard, [rows[position] for position in range(len(rows))]), cause


def _finish(work: _Work, max_batch_seconds: float, write: Write) -> None:
    write(work.shard, work.result(), max_batch_seconds)

"""Utterances prepared by threads, ahead of the device and across the borders of shards.

jobs ──► threads: sizes, batches ──► threads: digest, prepare ──► the device's thread takes whole batches
         a shard or two ahead        a batch or two ahead, no more than memory allows
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from emotalk_data.features.hook import FeatureExtractor, SizedExtractor
from emotalk_data.features.running.batches import make_batches
from emotalk_data.features.running.digests import input_digest, source_digest
from emotalk_data.features.running.failures import Failure, failure_of, is_set_up
from emotalk_data.features.running.plan import ShardJob
from emotalk_data.features.running.rows import Source, is_missing

if TYPE_CHECKING:
    from emotalk_data.features.hook import Utterance

__all__ = ["Feeder", "PlannedShard", "Prepared", "plan_shard", "size_of"]

_AHEAD_BYTES: Final = 1 << 29
_AHEAD_BATCHES: Final = 2
_AHEAD_ROWS_PER_THREAD: Final = 8
_AHEAD_SHARDS: Final = 2


class Prepared(NamedTuple):
    """One utterance, ready for the device.

    Attributes:
        value: what `prepare` returned, or why it did not.
        digest: of the input.
    """

    value: Any
    digest: str | None


@dataclass(frozen=True)
class PlannedShard:
    """A shard whose batches are decided.

    Attributes:
        job: which rows.
        utterances: they.
        sizes: theirs; 0 where one cannot be encoded.
        failures: position to reason, of those that need not be prepared.
        batches: positions that are encoded together.
        source_digest: see `digests.source_digest`.
    """

    job: ShardJob
    utterances: list[Utterance]
    sizes: list[float]
    failures: dict[int, Failure]
    batches: list[list[int]]
    source_digest: str


def plan_shard(
    source: Source, job: ShardJob, extractor: FeatureExtractor[Any], max_batch_seconds: float
) -> PlannedShard:
    """Look at the rows of a shard, headers at most, and decide its batches."""
    split = source.splits[job.split]
    utterances = [split.utterance(row) for row in range(job.start, job.stop)]
    sizes, failures = [0.0] * len(utterances), {}
    for position, utterance in enumerate(utterances):
        if is_missing(utterance, extractor.spec):
            failures[position] = Failure("missing", f"the row has no {extractor.spec.modality}")
            continue
        size = size_of(utterance, extractor)
        if isinstance(size, Failure):
            failures[position] = size
        else:
            sizes[position] = size
    there = [position for position in range(len(utterances)) if position not in failures]
    batches = make_batches([sizes[position] for position in there], max_batch_seconds)
    return PlannedShard(
        job,
        utterances,
        sizes,
        failures,
        [[there[place] for place in batch] for batch in batches],
        source_digest(split, range(job.start, job.stop), extractor.spec),
    )


def size_of(utterance: Utterance, extractor: FeatureExtractor[Any]) -> float | Failure:
    """Return an utterance's size for a batch: 1 where the encoder tells none."""
    if not isinstance(extractor, SizedExtractor):
        return 1.0
    try:
        size = float(extractor.size_seconds(utterance))
    except Exception as error:
        if is_set_up(error):
            raise
        return failure_of(error)
    if not (math.isfinite(size) and size >= 0):
        return Failure("encoder", f"its size is {size}; expected a number of 0 or more")
    return size


class Feeder:
    """Shards and their batches, in their order, prepared ahead by threads.

    After each `next_shard` as many `next_batch` are due as the shard has batches.

    Args:
        source: the rows.
        jobs: the shards.
        extractor: what prepares.
        max_batch_seconds: see `make_batches`.
        pool: threads.
        num_threads: how many.

    Attributes:
        waited_seconds: how long batches, and plans of shards, were waited for.
    """

    def __init__(
        self,
        source: Source,
        jobs: Iterable[ShardJob],
        extractor: FeatureExtractor[Any],
        max_batch_seconds: float,
        pool: ThreadPoolExecutor,
        num_threads: int,
    ) -> None:
        self._jobs: Iterator[ShardJob] = iter(jobs)
        self._extractor = extractor
        self._pool = pool
        self._plan = lambda job: plan_shard(source, job, extractor, max_batch_seconds)
        self._ahead_rows = _AHEAD_ROWS_PER_THREAD * num_threads
        self._planned: deque[Future[PlannedShard]] = deque()
        self._opened: deque[PlannedShard] = deque()
        self._unsubmitted: deque[list[Utterance]] = deque()
        self._pending: deque[list[Future[Prepared]]] = deque()
        self._row_bytes = 0.0
        self.waited_seconds = 0.0

    def next_shard(self) -> PlannedShard | None:
        """Return the next shard; None after the last."""
        self._fill()
        if not self._opened:
            if not self._open_next():
                return None
            self._fill()
        return self._opened.popleft()

    def next_batch(self) -> list[Prepared]:
        """Return the next batch of the shard."""
        if not self._pending:
            self._submit()
        began = time.perf_counter()
        prepared = [future.result() for future in self._pending.popleft()]
        self.waited_seconds += time.perf_counter() - began
        self._learn(prepared)
        self._fill()
        return prepared

    def _fill(self) -> None:
        """Have as much prepared ahead as should be; never waits."""
        while self._has_room():
            if self._unsubmitted:
                self._submit()
                continue
            self._plan_ahead()
            if not self._planned or not self._planned[0].done() or len(self._opened) >= _AHEAD_SHARDS:
                return
            self._open_next()

    def _has_room(self) -> bool:
        rows = sum(len(batch) for batch in self._pending)
        if self._pending and rows * self._row_bytes > _AHEAD_BYTES:
            return False
        return len(self._pending) < _AHEAD_BATCHES or rows < self._ahead_rows

    def _plan_ahead(self) -> None:
        while len(self._planned) < _AHEAD_SHARDS:
            job = next(self._jobs, None)
            if job is None:
                return
            self._planned.append(self._pool.submit(self._plan, job))

    def _open_next(self) -> bool:
        """Take up the next planned shard, waiting for it; False when there is none."""
        self._plan_ahead()
        if not self._planned:
            return False
        began = time.perf_counter()
        shard = self._planned.popleft().result()
        self.waited_seconds += time.perf_counter() - began
        self._opened.append(shard)
        self._unsubmitted.extend([shard.utterances[place] for place in batch] for batch in shard.batches)
        self._plan_ahead()
        return True

    def _submit(self) -> None:
        batch = self._unsubmitted.popleft()
        self._pending.append([self._pool.submit(self._prepare, one) for one in batch])

    def _prepare(self, utterance: Utterance) -> Prepared:
        digest = input_digest(utterance, self._extractor.spec)
        try:
            return Prepared(self._extractor.prepare(utterance), digest)
        except Exception as error:
            if is_set_up(error):
                raise
            return Prepared(failure_of(error), digest)

    def _learn(self, prepared: list[Prepared]) -> None:
        """Take the largest mean so far as what an utterance needs: of what is not ready nobody knows."""
        mean = sum(_num_bytes(one.value) for one in prepared) / len(prepared)
        self._row_bytes = max(self._row_bytes, mean)


def _num_bytes(value: Any, depth: int = 3) -> int:
    """Return how much memory the arrays in a value take, as far as it can be seen."""
    size = getattr(value, "nbytes", None)
    if isinstance(size, int):
        return size
    if depth == 0:
        return 0
    if isinstance(value, Mapping):
        parts: Iterable[Any] = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    elif hasattr(value, "__dataclass_fields__"):
        parts = (getattr(value, name, None) for name in value.__dataclass_fields__)
    else:
        return 0
    return sum(_num_bytes(part, depth - 1) for part in parts)

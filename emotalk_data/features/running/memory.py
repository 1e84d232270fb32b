"""How much is encoded at once, where nobody says it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from emotalk_data._optional import require
from emotalk_data.features.hook import FeatureExtractor, SizedExtractor, WeighedExtractor
from emotalk_data.features.running.batches import DEFAULT_ROWS
from emotalk_data.features.running.failures import Failure
from emotalk_data.features.running.feeding import size_of
from emotalk_data.features.running.plan import ShardJob
from emotalk_data.features.running.rows import Source, is_missing

__all__ = ["CudaMemory", "automatic_batch", "probe"]

# On a CPU a HuBERT of base size, 94 million parameters, is fastest with 1 or 2 at once: with 4 each takes a tenth
# longer, with 9 a quarter. A tiny one, which is all overhead, takes a third less with 9 than with 4.
_CPU_UTTERANCES: Final = 4
_CPU_UTTERANCES_OF_LARGE: Final = 2
_CPU_UTTERANCES_OF_SMALL: Final = 12
_LARGE_PARAMETERS: Final = 50_000_000
_SMALL_PARAMETERS: Final = 5_000_000
_FIRST_UTTERANCES: Final = 8
_MAX_UTTERANCES: Final = 512
_MEMORY_SHARE: Final = 0.6
_WORTHWHILE: Final = 1.05


def automatic_batch(
    source: Source, jobs: Sequence[ShardJob], extractor: FeatureExtractor[Any], device: str
) -> float:
    """Return how much to encode at once, in the encoder's own sizes.

    On a CPU some mean utterances of the first shard, fewer the larger the model is: its caches are small, and no
    thread is idle. On a GPU as many as make it faster and leave memory free: batches are tried that grow.
    The clock decides, so two GPUs may come to different answers.

    Args:
        source: the rows.
        jobs: all shards of the set; no batch is larger than the largest of them.
        extractor: the encoder.
        device: where it calculates.
    """
    if not isinstance(extractor, SizedExtractor):
        return float(DEFAULT_ROWS)
    sized = _first_sizes(source, jobs, extractor)
    if not sized:
        return 1.0
    mean = sum(size for size, _ in sized) / len(sized)
    if not device.startswith("cuda"):
        return _rounded(_cpu_utterances(extractor) * mean)
    values = []
    for _, utterance in sorted(sized, key=lambda pair: -pair[0])[:_FIRST_UTTERANCES]:
        try:
            values.append(extractor.prepare(utterance))
        except Exception:  # noqa: S112  # the run tells why; here another one will do
            continue
    largest = max(size for size, _ in sized)
    if not values:
        return _rounded(mean)
    most = min(_MAX_UTTERANCES, max(job.num_rows for job in jobs))
    return _rounded(probe(extractor, values, largest, mean, CudaMemory(device), most=most))


def _cpu_utterances(extractor: FeatureExtractor[Any]) -> int:
    if not isinstance(extractor, WeighedExtractor):
        return _CPU_UTTERANCES
    if extractor.num_parameters < _SMALL_PARAMETERS:
        return _CPU_UTTERANCES_OF_SMALL
    is_large = extractor.num_parameters > _LARGE_PARAMETERS
    return _CPU_UTTERANCES_OF_LARGE if is_large else _CPU_UTTERANCES


class CudaMemory:
    """The memory of a GPU."""

    def __init__(self, device: str) -> None:
        self._cuda = require("torch", extra="features", purpose="calculate on a GPU").cuda
        self._device = device

    def free_bytes(self) -> int:
        """Return what a batch may take: what is free, and what torch holds and does not use."""
        held = self._cuda.memory_reserved(self._device) - self._cuda.memory_allocated(self._device)
        return int(self._cuda.mem_get_info(self._device)[0] + held)

    def begin(self) -> None:
        """Begin to measure."""
        self._cuda.reset_peak_memory_stats(self._device)
        self._before = self._cuda.memory_allocated(self._device)

    def peak_bytes(self) -> int:
        """Return what was taken at most since."""
        return int(self._cuda.max_memory_allocated(self._device) - self._before)

    def give_back(self) -> None:
        """Let go of what torch keeps for later."""
        self._cuda.empty_cache()


def probe(
    extractor: FeatureExtractor[Any],
    values: Sequence[Any],
    largest: float,
    mean: float,
    memory: Any,
    *,
    most: int = _MAX_UTTERANCES,
) -> float:
    """Encode batches of the largest utterances, twice as many each time, until it does not pay or does not fit.

    Args:
        extractor: the encoder.
        values: some large utterances, prepared; they are repeated.
        largest: about their size.
        mean: mean size of all.
        memory: `CudaMemory`, or what counts as it does.
        most: utterances that are tried at once at most.

    Returns:
        the limit of a batch, in the encoder's sizes.
    """
    free, best, rate = memory.free_bytes(), mean, 0.0
    count = 1
    try:
        while count <= most:
            batch = [values[number % len(values)] for number in range(count)]
            memory.begin()
            seconds = _seconds_of(extractor, batch)
            if memory.peak_bytes() > _MEMORY_SHARE * free:
                break
            if count / seconds < rate * _WORTHWHILE and count > _FIRST_UTTERANCES:
                break
            best, rate = count * largest, max(rate, count / seconds)
            count *= 2
    except Exception:  # noqa: S110  # too much for the memory; of another error the run says more
        pass
    finally:
        memory.give_back()
    return best


def _seconds_of(extractor: FeatureExtractor[Any], batch: Sequence[Any]) -> float:
    """Return how long a batch takes: the shorter of two times, after one in which kernels are chosen."""
    extractor.extract(batch)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        extractor.extract(batch)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _first_sizes(source: Source, jobs: Sequence[ShardJob], extractor: FeatureExtractor[Any]) -> list[Any]:
    """Return size and utterance of each row of the first shard that has something to encode."""
    for job in jobs:
        rows = source.splits[job.split]
        found = []
        for row in range(job.start, job.stop):
            utterance = rows.utterance(row)
            size = (
                Failure("missing", "")
                if is_missing(utterance, extractor.spec)
                else size_of(utterance, extractor)
            )
            if not isinstance(size, Failure) and size > 0:
                found.append((size, utterance))
        if found:
            return found
    return []


def _rounded(value: float) -> float:
    """Keep three digits: it is written down, and read by people."""
    return float(f"{value:.3g}")

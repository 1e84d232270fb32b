"""In which order rows come, the same on every machine; and what a stopped run must know to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from emotalk_data.errors import OptionError, quote

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RowOrder", "check_count", "check_share", "check_threads", "checked_state", "permutation"]

_MAX_THREADS = 64
_COUNTERS = ("epoch", "position")


def permutation(num_items: int, *seeds: int) -> NDArray[np.int64]:
    """Return the numbers below `num_items` in an order that depends on `seeds` alone.

    Sorted by raw PCG64 output, which numpy promises never to change; `Generator.permutation` it may change.
    """
    keys = np.random.PCG64(np.random.SeedSequence(seeds)).random_raw(num_items)
    return np.argsort(keys, kind="stable").astype(np.int64, copy=False)


class RowOrder:
    """Batches of rows in their order, or shuffled anew each epoch; for one of several processes.

    All processes get as many rows: those that are left over when rows are dealt out are dropped with
    `drop_last`; without it the first rows of the epoch come a second time.

    Args:
        num_rows: rows of the dataset.
        batch_size: rows of a batch; the last one may have fewer.
        shuffle: a new order each epoch.
        seed: of the order, 0 or more.
        drop_last: leave out a last batch that is not full.
        rank: which of the processes this is, from 0.
        world_size: number of processes.

    Raises:
        OptionError: a number that cannot be.
    """

    def __init__(
        self,
        num_rows: int,
        *,
        batch_size: int,
        shuffle: bool,
        seed: int,
        drop_last: bool,
        rank: int,
        world_size: int,
    ) -> None:
        check_count("batch_size", batch_size)
        check_count("seed", seed, least=0)
        check_share(rank, world_size)
        self._num_rows = num_rows
        self._batch_size = batch_size
        self._shuffle = shuffle
        self._seed = seed
        self._drop_last = drop_last
        self._rank = rank
        self._world_size = world_size

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the order, apart from the epoch."""
        return {
            "seed": self._seed,
            "batch_size": self._batch_size,
            "shuffle": self._shuffle,
            "drop_last": self._drop_last,
            "world_size": self._world_size,
        }

    def num_batches(self, epoch: int) -> int:  # noqa: ARG002  the same in all epochs; bucketed ones differ
        """Return the number of batches of an epoch."""
        share = self._share()
        return share // self._batch_size if self._drop_last else -(-share // self._batch_size)

    def batches(self, epoch: int, start: int = 0) -> Iterator[NDArray[np.int64]]:
        """Yield the row numbers of each batch of an epoch, from batch number `start` on."""
        if self._shuffle:
            rows = permutation(self._num_rows, self._seed, epoch)
        else:
            rows = np.arange(self._num_rows, dtype=np.int64)
        if self._world_size > 1 and self._num_rows:
            rows = np.resize(rows, self._share() * self._world_size)[self._rank :: self._world_size]
        for batch in range(start, self.num_batches(epoch)):
            yield rows[batch * self._batch_size : (batch + 1) * self._batch_size]

    def _share(self) -> int:
        """Rows of each process."""
        if self._drop_last:
            return self._num_rows // self._world_size
        return -(-self._num_rows // self._world_size)


def checked_state(
    state: object, settings: Mapping[str, Any], num_batches: Callable[[int], int]
) -> tuple[int, int]:
    """Return epoch and position of a saved state, if it fits.

    Args:
        state: what `state_dict` gave.
        settings: what it has to agree with.
        num_batches: function from an epoch to its number of batches.

    Raises:
        OptionError: not a state, or one of another dataset or other settings.
    """
    if not isinstance(state, dict) or set(state) != {*_COUNTERS, *settings}:
        raise OptionError(f"{quote(state)} is no state of this kind; expected what state_dict() returned")
    for name, now in settings.items():
        if state[name] != now:
            raise OptionError(
                f"the state was saved with {name} {quote(state[name])}; it is {quote(now)} now. To go on at the "
                "same place, use the same data and options; otherwise start a new epoch with set_epoch()"
            )
    epoch, position = (state[name] for name in _COUNTERS)
    for name, value in (("epoch", epoch), ("position", position)):
        check_count(name, value, least=0)
    if position > num_batches(epoch):
        raise OptionError(f"position is {position}; epoch {epoch} has {num_batches(epoch)} batches")
    return epoch, position


def check_count(name: str, value: object, *, least: int = 1) -> None:
    """Raise OptionError unless `value` is a whole number of `least` or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise OptionError(f"{name} is {quote(value)}; expected a whole number of {least} or more")


def check_share(rank: int, world_size: int) -> None:
    """Raise OptionError unless there is a process `rank` among so many."""
    check_count("the number of processes", world_size)
    check_count("rank", rank, least=0)
    if rank >= world_size:
        raise OptionError(f"rank is {rank}; expected less than the number of processes, {world_size}")


def check_threads(num_threads: object) -> None:
    """Raise OptionError unless so many threads can be had; 0 stands for the caller's own."""
    check_count("num_threads", num_threads, least=0)
    if num_threads not in range(_MAX_THREADS + 1):
        raise OptionError(f"num_threads is {num_threads}; expected at most {_MAX_THREADS}")

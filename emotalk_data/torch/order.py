"""In which order rows come, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from emotalk_data.torch.checks import check_count, check_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RowOrder", "permutation"]


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
        self._num_rows = num_rows
        self._batch_size = check_count("batch_size", batch_size)
        self._shuffle = shuffle
        self._seed = check_count("seed", seed, least=0)
        self._drop_last = drop_last
        self._rank, self._world_size = check_share(rank, world_size)

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

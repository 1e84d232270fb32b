"""`LengthBatchSampler`: batches of utterances of similar length, so that little of a batch is padding."""

from __future__ import annotations

import hashlib
import math
import numbers
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from emotalk_data.errors import OptionError, quote
from emotalk_data.torch.checks import check_count, check_share
from emotalk_data.torch.order import permutation
from emotalk_data.torch.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["LengthBatchSampler"]

# Rows are sorted by length within stretches of so many batches: more would pad less and shuffle less.
_STRETCH_BATCHES = 50
_MAX_SECONDS = 1e9


class LengthBatchSampler:
    """Batches of rows of similar length, for `DataLoader(batch_sampler=…)` or `loader(batch_sampler=…)`.

    Every row comes once in an epoch. The order depends on the lengths, the seed and the epoch, and is the
    same on every machine. Each time the sampler has been iterated to its end, the next epoch follows.

        shuffled rows    │ stretch of 50 batches │ stretch of 50 batches │ …
        sorted           │ short ───────── long  │ long ───────── short  │     cut into batches: none is left
                                                                               over where stretches meet
        batches          shuffled; with several replicas, each step gives all of them similar ones

    All replicas get the same number of batches, so none waits for another: the batches that are left over
    are dropped with `drop_last`; without it, some come a second time.

    Args:
        lengths_seconds: length of each row in seconds, NaN where it has no media; see `utterance_seconds`.
        batch_size: rows of a batch, at most.
        max_batch_seconds: rows of a batch times the length of its longest, at most: what a padded batch
            takes. A longer row is a batch of its own.
        shuffle: a new order each epoch. Without it the longest batch comes first: if it fits, all do.
        seed: of the order, 0 or more.
        drop_last: leave out a last batch of fewer than `batch_size` rows (not with `max_batch_seconds`,
            where none is ever full), and batches that do not divide among the replicas.
        num_replicas: number of processes that train together.
        rank: which of them this is, from 0.

    Raises:
        OptionError: neither size is given, or a value that cannot be.
    """

    def __init__(
        self,
        lengths_seconds: ArrayLike | Sequence[float],
        batch_size: int | None = None,
        *,
        max_batch_seconds: float | None = None,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        num_replicas: int = 1,
        rank: int = 0,
    ) -> None:
        if batch_size is None and max_batch_seconds is None:
            raise OptionError("neither batch_size nor max_batch_seconds is given; expected one or both")
        self._batch_size = None if batch_size is None else check_count("batch_size", batch_size)
        self._max_batch_seconds = _checked_seconds(max_batch_seconds)
        self._seed = check_count("seed", seed, least=0)
        self._rank, self._num_replicas = check_share(rank, num_replicas)
        self._lengths = _checked_lengths(lengths_seconds)
        self._shuffle = shuffle
        self._drop_last = drop_last
        self._steps: tuple[int, list[list[NDArray[np.int64]]]] | None = None
        self._progress = Progress()

    @property
    def epoch(self) -> int:
        """The epoch that comes next, or is under way."""
        return self._progress.epoch

    @property
    def num_rows(self) -> int:
        """How many rows have a length."""
        return len(self._lengths)

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the order, apart from the epoch. `lengths` is a digest of all lengths."""
        return {
            "seed": self._seed,
            "batch_size": self._batch_size,
            "max_batch_seconds": self._max_batch_seconds,
            "shuffle": self._shuffle,
            "drop_last": self._drop_last,
            "num_replicas": self._num_replicas,
            "lengths": hashlib.sha256(self._lengths.astype("<f8").tobytes()).hexdigest()[:32],
        }

    def num_batches(self, epoch: int) -> int:
        """Return the number of batches of an epoch, for each replica."""
        return len(self._steps_of(epoch))

    def batches(self, epoch: int, start: int = 0) -> Iterator[NDArray[np.int64]]:
        """Yield the row numbers of each batch of an epoch, from batch number `start` on."""
        for step in self._steps_of(epoch)[start:]:
            yield step[self._rank]

    def __len__(self) -> int:
        return self.num_batches(self.epoch)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the row numbers of each batch; after `load_state_dict`, of those that are left."""
        for rows in self._progress.follow(self.batches):
            yield rows.tolist()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that comes next. The current one changes nothing, also after `load_state_dict`."""
        self._progress.set_epoch(epoch)

    def state_dict(self, num_done: int | None = None) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on with the next batch.

        Args:
            num_done: batches that were trained on, of the epoch whose iteration was begun last, counted from
                its beginning. Needed once an iteration was begun.

        Raises:
            OptionError: `num_done` is needed, or more than the epoch has.
        """
        epoch = self._progress.begun
        if epoch is None:
            epoch = self.epoch
        elif num_done is None:
            raise OptionError(
                "the sampler cannot know which of its batches were used: the workers of a DataLoader ask for "
                "them ahead of the loop. Pass num_done, the batches of this epoch that were trained on, counted "
                "from its beginning; a loader(batch_sampler=…) has a state of its own"
            )
        done = self._progress.position if num_done is None else check_count("num_done", num_done, least=0)
        if done > self.num_batches(epoch):
            raise OptionError(f"num_done is {done}; epoch {epoch} has {self.num_batches(epoch)} batches")
        return {"epoch": epoch, "position": done, **self.settings}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called: the next iteration gives the batches that are left.

        Raises:
            OptionError: the state is of other lengths or other options.
        """
        self._progress.load(state, self.settings, self.num_batches)

    def _steps_of(self, epoch: int) -> list[list[NDArray[np.int64]]]:
        """Return the batches of an epoch; those of one step, one for each replica, together."""
        if self._steps is None or self._steps[0] != epoch:
            self._steps = epoch, self._make_steps(epoch)
        return self._steps[1]

    def _make_steps(self, epoch: int) -> list[list[NDArray[np.int64]]]:
        batches = self._cut(self._by_length(epoch))
        if self._drop_last and self._max_batch_seconds is None and batches:
            batches = batches[:-1] if len(batches[-1]) < (self._batch_size or 0) else batches
        replicas = self._num_replicas
        steps = [batches[i : i + replicas] for i in range(0, len(batches), replicas)]
        if steps and len(steps[-1]) < replicas:
            if self._drop_last:
                steps.pop()
            else:
                steps[-1] += [batches[i % len(batches)] for i in range(replicas - len(steps[-1]))]
        if self._shuffle:
            return [steps[i] for i in permutation(len(steps), self._seed, epoch, 1)]
        return steps

    def _by_length(self, epoch: int) -> NDArray[np.int64]:
        """Return all rows, neighbours being of similar length."""
        if not self._shuffle:
            return np.argsort(-self._lengths, kind="stable")
        rows = permutation(len(self._lengths), self._seed, epoch)
        size = _STRETCH_BATCHES * self._num_replicas * self._usual_size()
        stretches = [rows[i : i + size] for i in range(0, len(rows), size)]
        stretches = [part[np.argsort(self._lengths[part], kind="stable")] for part in stretches]
        turned = [part[::-1] if number % 2 else part for number, part in enumerate(stretches)]
        return np.concatenate(turned) if turned else rows

    def _usual_size(self) -> int:
        """Rows of an average batch."""
        size = self._batch_size or len(self._lengths)
        mean_seconds = float(self._lengths.mean()) if len(self._lengths) else 0.0
        if self._max_batch_seconds is not None and size * mean_seconds > self._max_batch_seconds:
            size = int(self._max_batch_seconds / mean_seconds)
        return max(size, 1)

    def _cut(self, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Cut rows into batches that keep both limits."""
        max_rows = self._batch_size or len(rows)
        if self._max_batch_seconds is None:
            return [rows[i : i + max_rows] for i in range(0, len(rows), max_rows)]
        batches, first, longest = [], 0, 0.0
        for number, length in enumerate(self._lengths[rows].tolist()):
            longest = max(longest, length)
            count = number - first + 1
            if count > 1 and (count > max_rows or count * longest > self._max_batch_seconds):
                batches.append(rows[first:number])
                first, longest = number, length
        if len(rows):
            batches.append(rows[first:])
        return batches


def _checked_seconds(limit: Any) -> float | None:
    if limit is None:
        return None
    if not isinstance(limit, bool) and isinstance(limit, numbers.Real) and 0 < float(limit) < math.inf:
        return float(limit)
    raise OptionError(f"max_batch_seconds is {quote(limit)}; expected more than 0")


def _checked_lengths(lengths_seconds: Any) -> NDArray[np.float64]:
    try:
        lengths = np.array(lengths_seconds, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"lengths_seconds is {quote(lengths_seconds)}; expected numbers") from error
    if lengths.ndim != 1:
        raise OptionError(f"lengths_seconds has shape {lengths.shape}; expected one length for each row")
    lengths = np.nan_to_num(lengths, nan=0.0, posinf=np.inf, neginf=-np.inf)
    if not ((lengths >= 0) & (lengths <= _MAX_SECONDS)).all():
        raise OptionError(f"lengths_seconds must be from 0 to {_MAX_SECONDS:g} s, or NaN; one is not")
    return lengths

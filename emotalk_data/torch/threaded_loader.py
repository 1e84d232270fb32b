"""`loader`: batches of a dataset, decoded by threads of this process into memory that is used again.

Decoding PCM is so cheap that worker processes cost more than they give: every batch has to cross a pipe.
Threads do not hold each other up, because reading, converting, resampling and video decoding run without
Python's lock.

    rows of batch k ──> threads ──> batch k+1, k+2 … wait, `prefetch` of them ──> your loop has batch k
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from emotalk_data.errors import OptionError, quote
from emotalk_data.media.dataset_table import DatasetTable
from emotalk_data.torch.batch import Batch, assemble
from emotalk_data.torch.checks import check_count, check_threads
from emotalk_data.torch.columns import Kind, kind_of_feature, tensor_of_arrow
from emotalk_data.torch.lengths import utterance_seconds
from emotalk_data.torch.media_batch import MediaOptions, OnError
from emotalk_data.torch.memory import Memory, NewMemory, PinnedMemory, RecycledMemory
from emotalk_data.torch.order import RowOrder
from emotalk_data.torch.progress import Progress
from emotalk_data.torch.sampler import LengthBatchSampler

if TYPE_CHECKING:
    import datasets
    from numpy.typing import NDArray

__all__ = ["Loader", "loader"]


def loader(
    dataset: datasets.Dataset,
    batch_size: int = 32,
    *,
    columns: Iterable[str] | None = None,
    shuffle: bool = False,
    seed: int = 0,
    sampling_rate: int | None = None,
    mono: bool = True,
    frames: int | None = None,
    frame_size: int | tuple[int, int] | None = None,
    bucket: bool = False,
    drop_last: bool = False,
    batch_sampler: LengthBatchSampler | None = None,
    num_threads: int = 2,
    prefetch: int = 2,
    pin_memory: bool | None = None,
    reuse_buffers: bool = True,
    on_error: OnError = "raise",
    rank: int = 0,
    world_size: int = 1,
) -> Loader:
    """Return an iterable over the batches of a dataset; what a batch holds is said by `Collate`.

    Nothing is read before the first iteration, except lengths with `bucket`. Floating point columns keep
    their width.

    Args:
        dataset: a `datasets.Dataset`. Its format does not matter, a transform is refused.
        batch_size: rows of a batch; the last one may have fewer.
        columns: which columns; all if omitted. Others are not touched.
        shuffle: a new order each epoch.
        seed: of the order, 0 or more.
        sampling_rate: resample to this rate, in Hz; None for the source's.
        mono: the mean of the channels; without it all clips of a batch must have as many channels.
        frames: so many evenly spaced frames of each video; None leaves pictures out.
        frame_size: (height, width), or an int for the shorter side; None needs videos of one size.
        bucket: batches of utterances of similar length (`LengthBatchSampler`); reads all lengths first.
        drop_last: leave out a last batch that is not full.
        batch_sampler: decides the batches instead of `batch_size`, `shuffle`, `seed`, `bucket`, `drop_last`,
            `rank` and `world_size`.
        num_threads: threads that decode, each a batch; 0 decodes where the batch is asked for.
        prefetch: batches that are made ahead.
        pin_memory: put tensors in page-locked memory; None: if torch sees a GPU.
        reuse_buffers: use the memory of a batch again when all its tensors are gone. A batch that you keep
            stays as it is. False takes new memory for each batch.
        on_error: what becomes of a clip that cannot be decoded: "raise", or "mask": it counts as absent, with
            the reason in `batch["errors"]`.
        rank: which of several processes this is, from 0. Each gets its share of the rows.
        world_size: number of processes.

    Raises:
        OptionError: no Dataset, an unknown column, or an option that cannot be or contradicts another.
    """
    table = DatasetTable(dataset, columns)
    if frames is None and columns is not None:
        videos = [name for name in table.features if kind_of_feature(table.features[name]) == "video"]
        if videos:
            raise OptionError(
                f"columns has {quote(videos[0])}, frames is None; expected how many frames of each"
            )
    if batch_sampler is not None:
        given = (batch_size, shuffle, seed, bucket, drop_last, rank, world_size)
        _check_sampler(batch_sampler, table.num_rows, is_alone=given == (32, False, 0, False, False, 0, 1))
    elif bucket:
        batch_sampler = LengthBatchSampler(
            utterance_seconds(dataset, on_error=on_error),
            batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
            num_replicas=world_size,
            rank=rank,
        )
    order = batch_sampler or RowOrder(
        table.num_rows,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        drop_last=drop_last,
        rank=rank,
        world_size=world_size,
    )
    return Loader(
        table,
        order,
        MediaOptions(sampling_rate, mono, frames, frame_size, on_error),
        num_threads=num_threads,
        prefetch=prefetch,
        pin_memory=pin_memory,
        reuse_buffers=reuse_buffers,
        fingerprint=dataset._fingerprint,
    )


class Loader:
    """Batches of a dataset, again and again; made by `loader`.

    Each iteration is one epoch, from its beginning; the next one follows when it has come to its end. After
    `load_state_dict` the first iteration gives the batches that are left. Of several iterations at once, epoch
    and state are those of the one that was begun last. Can be pickled.

    Attributes:
        failures: with `on_error="mask"`: how many clips of each column could not be decoded so far.
    """

    def __init__(
        self,
        table: DatasetTable,
        order: RowOrder | LengthBatchSampler,
        options: MediaOptions,
        *,
        num_threads: int,
        prefetch: int,
        pin_memory: bool | None,
        reuse_buffers: bool,
        fingerprint: str,
    ) -> None:
        self._num_threads = check_threads(num_threads)
        self._prefetch = max(check_count("prefetch", prefetch), self._num_threads)
        if pin_memory and not torch.cuda.is_available():
            raise OptionError("pin_memory=True needs a GPU that torch can use; it sees none. Leave it out")
        self._table = table
        self._order = order
        self._options = options
        self._pin_memory = torch.cuda.is_available() if pin_memory is None else pin_memory
        self._fingerprint = fingerprint
        self._digest: str | None = None
        self._kinds = _kinds_of(table, options)
        self._memories = self._make_memories(reuse_buffers)
        self.failures: Counter[str] = Counter()
        self._progress = Progress()

    @property
    def epoch(self) -> int:
        """The epoch that comes next, or is under way."""
        return self._progress.epoch

    def __len__(self) -> int:
        """Return the number of batches of the epoch."""
        return self._order.num_batches(self.epoch)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of an epoch. Threads end with the iteration, however it ends.

        Raises:
            EmotalkError: a clip cannot be decoded or is not there, unless `on_error="mask"`; at its turn.
        """
        for batch in self._progress.follow(self._made):
            self.failures.update(failure.column for failure in batch.get("errors", ()))
            yield batch

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that comes next. The current one changes nothing, also after `load_state_dict`."""
        self._progress.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on with the batch after the last one that was given out.

        Plain numbers and strings: it goes into a checkpoint, or into JSON. It is the same for all ranks.
        """
        return {"epoch": self.epoch, "position": self._progress.position, **self._settings()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called.

        Raises:
            OptionError: the state is of another dataset, or of options that give other batches.
        """
        self._progress.load(state, self._settings(), self._order.num_batches)

    def _settings(self) -> dict[str, Any]:
        if self._digest is None:
            self._digest = self._table.digest() or self._fingerprint
        return {"dataset": self._digest, **self._order.settings}

    def _made(self, epoch: int, start: int) -> Iterator[Batch]:
        """Yield the batches of an epoch from batch number `start` on, made ahead by threads."""
        jobs = self._order.batches(epoch, start)
        if self._num_threads == 0:
            yield from map(self._make, jobs)
            return
        # Its threads wait for work and never for us, so an iterator that is not closed does not keep the
        # process from ending.
        pool = ThreadPoolExecutor(self._num_threads, thread_name_prefix="emotalk-loader")
        pending: deque[Future[Batch]] = deque()
        try:
            # Nothing else can be done before the first batch: all threads decode its clips.
            first = [self._make(rows, num_threads=self._num_threads) for rows in islice(jobs, 1)]
            for rows in islice(jobs, self._prefetch):
                pending.append(pool.submit(self._make, rows))
            while first:
                yield first.pop()
            while pending:
                pending.extend(pool.submit(self._make, rows) for rows in islice(jobs, 1))
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, rows: NDArray[np.int64], *, num_threads: int = 1) -> Batch:
        values: dict[str, Any] = {}
        for name, kind in self._kinds.items():
            if kind in ("audio", "video"):
                values[name] = self._table.clips(name, rows)
            else:
                values[name] = tensor_of_arrow(kind, self._table.values(name, rows), name=name)
        options = replace(self._options, num_threads=num_threads)
        batch = assemble(
            values, self._kinds, len(rows), options, self._memories, ids=lambda: self._table.ids(rows)
        )
        if self._pin_memory:
            for name, value in batch.items():
                if isinstance(value, torch.Tensor):
                    batch[name] = value.pin_memory()  # a tensor that is so already is returned as it is
        return batch

    def _make_memories(self, reuse_buffers: bool) -> dict[str, Memory]:
        if self._pin_memory:
            return {"audio": PinnedMemory(torch.float32), "video": PinnedMemory(torch.uint8)}
        if not reuse_buffers:
            return {"audio": NewMemory(), "video": NewMemory()}
        # As many as can be at work, waiting and in the hands of the loop at once.
        count = self._prefetch + 2
        return {"audio": RecycledMemory(np.float32, count), "video": RecycledMemory(np.uint8, count)}


def _kinds_of(table: DatasetTable, options: MediaOptions) -> dict[str, Kind]:
    kinds = {name: kind_of_feature(feature) for name, feature in table.features.items()}
    return {name: kind for name, kind in kinds.items() if kind != "video" or options.frames is not None}


def _check_sampler(sampler: object, num_rows: int, *, is_alone: bool) -> None:
    if not isinstance(sampler, LengthBatchSampler):
        raise OptionError(f"batch_sampler is {quote(sampler)}; expected a LengthBatchSampler")
    if not is_alone:
        raise OptionError(
            "batch_sampler decides the batches and their order: leave out batch_size, shuffle, seed, bucket, "
            "drop_last, rank and world_size, or give them to the sampler"
        )
    if sampler.num_rows != num_rows:
        raise OptionError(f"batch_sampler has lengths of {sampler.num_rows} rows; the dataset has {num_rows}")

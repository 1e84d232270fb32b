"""All utterances once, decoded to float32 and padded in batches of 32: our ways. A fresh process each.

Groups: `native` (44.1 kHz) and `16 kHz mono`. Opening a table or a folder of shards is timed after all imports,
the first batch after that. An epoch is timed when the one before it has warmed up workers and memory.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import NotInstalledError, Result, Role, peer
from benchmarks.tasks import clock, epoch_limits
from benchmarks.tasks.epoch_peers import PEERS, Peer
from benchmarks.tasks.formats import open_release, open_stored

BATCH_SIZE = 32
_SHORT_SECONDS = 1.0
_COLUMNS = ("utterance_id", "audio")
_OUR_MODULES = (
    *("torch.utils.data", "datasets", "soxr", "emotalk_data.torch:loader", "emotalk_data.torch:Collate"),
    *("emotalk_data.load", "emotalk_data.builder.emotalk", "emotalk_data.media.features"),
)


class Way(NamedTuple):
    """One way through an epoch.

    Attributes:
        role: whose it is.
        format: what must have been written before, a name of `formats.FORMATS`; empty for the release itself.
        modules: imported before the clock starts; with `:name`, that name is resolved as well.
        open: from the folder of the sitting to something that gives one epoch's batches whenever it is
            iterated.
        size: how many clips a batch has.
    """

    role: Role
    format: str
    modules: tuple[str, ...]
    open: Callable[[Path], Iterable[Any]]
    size: Callable[[Any], int]


def run_all(folder: str, *names: str) -> dict[str, Any]:
    """Run several ways in this one process, for a quick look; return their results as plain values."""
    results = {name: Result(role=EPOCHS[name].role) for name in names}
    for name, result in results.items():
        try:
            result.value = run(folder, name)
        except NotInstalledError as error:
            result.error = str(error)
        except Exception as error:
            result.error = repr(error)
        else:
            result.seconds.append(clock.seconds())
            result.extras = {extra: [value] for extra, value in clock.extras.items()}
    return {name: asdict(result) for name, result in results.items()}


def run(folder: str, name: str) -> int:
    """Run the epochs of one way and return how many clips one had."""
    way = EPOCHS[name]
    for entry in way.modules:
        module, _, attribute = entry.partition(":")
        getattr(peer(module), attribute or "__name__")
    began = time.perf_counter()
    batches = way.open(Path(folder))
    opened = time.perf_counter()
    first = None
    taken: list[float] = []
    count = 0
    # The first epoch warms up; short ones are repeated, since a hiccup of the machine is as long as they are.
    while len(taken) < 2 or (len(taken) < 6 and taken[-1] < _SHORT_SECONDS):
        started, count = time.perf_counter(), 0
        for batch in batches:
            if first is None:
                first = time.perf_counter() - opened
            count += way.size(batch)
        taken.append(time.perf_counter() - started)
    clock.set_seconds(statistics.median(taken[1:]))
    clock.extras["opening"] = opened - began
    clock.extras["first_batch"] = float(first or 0.0)
    return count


def _table(folder: Path, source: str) -> Any:
    """Open our table: the release, its Arrow copy with the bytes in it, or what `emotalk cache` wrote."""
    if source == "Arrow":
        import datasets

        from emotalk_data import cast_media

        return cast_media(datasets.load_from_disk(str(folder / "arrow")))
    return open_stored(folder) if source == "emotalk cache" else open_release(folder)


def _loader(source: str, rate: int | None, num_threads: int) -> Way:
    def open_(folder: Path) -> Iterable[Any]:
        from emotalk_data.torch import loader

        options: dict[str, Any] = {} if rate is None else {"sampling_rate": rate, "mono": True}
        return loader(
            _table(folder, source), BATCH_SIZE, columns=_COLUMNS, num_threads=num_threads, **options
        )

    return _ours(source, open_)


def _data_loader(source: str, rate: int | None, num_workers: int) -> Way:
    def open_(folder: Path) -> Iterable[Any]:
        from torch.utils.data import DataLoader

        from emotalk_data import rows
        from emotalk_data.torch import Collate

        options: dict[str, Any] = {} if rate is None else {"sampling_rate": rate, "mono": True}
        batches: Iterable[Any] = DataLoader(
            rows(_table(folder, source), _COLUMNS),
            batch_size=BATCH_SIZE,
            collate_fn=Collate(**options),
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
        )
        return batches

    return _ours(source, open_)


def _ours(source: str, open_: Callable[[Path], Iterable[Any]]) -> Way:
    written = {"release": "", "Arrow": "arrow", "emotalk cache": "stored"}[source]
    return Way("ours", written, _OUR_MODULES, open_, lambda batch: len(batch["utterance_id"]))


def _theirs(entry: Peer) -> Way:
    return Way("peer", entry.format, entry.modules, entry.open, lambda batch: len(batch[1]))


def _limit(format_name: str, open_: Callable[[Path], Iterable[Any]]) -> Way:
    return Way("limit", format_name, ("datasets",), open_, lambda batch: len(batch[1]))


def _ways() -> dict[str, Way]:
    ways: dict[str, Way] = {}
    sources = ("release", "Arrow")
    for source in sources:
        ways[f"native/ours: loader, 2 threads, {source}"] = _loader(source, None, 2)
    ways["native/pread, numpy, zeros, 2 threads"] = _limit("", epoch_limits.open_files)
    ways["native/numpy over the Arrow table, zeros, 2 threads"] = _limit("arrow", epoch_limits.open_arrow)
    for num_workers in (2, 0):
        for source in sources:
            name = f"native/ours: DataLoader, {num_workers} workers, {source}"
            ways[name] = _data_loader(source, None, num_workers)
    ways["16 kHz mono/ours: loader, 2 threads, release"] = _loader("release", 16_000, 2)
    ways["16 kHz mono/ours: DataLoader, 0 workers, release"] = _data_loader("release", 16_000, 0)
    ways["16 kHz mono/ours: loader, 2 threads, emotalk cache"] = _loader("emotalk cache", None, 2)
    ways["16 kHz mono/ours: DataLoader, 0 workers, emotalk cache"] = _data_loader("emotalk cache", None, 0)
    ways |= {name: _theirs(entry) for name, entry in PEERS.items()}
    # Group by group, ours first: what is compared meets the same weather.
    return dict(sorted(ways.items(), key=lambda item: item[0].startswith("16 kHz")))


EPOCHS = _ways()

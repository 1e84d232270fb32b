"""Shards made by actors of a Ray cluster: a table of shard numbers is mapped, and never media.

    this process         which shards are missing; holds the folder; the summary
    an actor each GPU    loads the encoder once, makes shards with the code of a run on one machine

Files have to be where all machines of the cluster see them: the release, the weights, the set.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from emotalk_data import errors
from emotalk_data._optional import require
from emotalk_data.errors import EmotalkError, ExtractionError, OptionError, quote
from emotalk_data.features.running.extractors import Asked, make_ready
from emotalk_data.features.running.local_run import run_shards
from emotalk_data.features.running.memory import automatic_batch
from emotalk_data.features.running.plan import ShardJob, plan_shards
from emotalk_data.features.running.progress import Progress
from emotalk_data.features.running.rows import Source
from emotalk_data.features.running.session import RunOptions, make_maker, remembered_batch
from emotalk_data.features.running.set_folder import SetIdentity, open_set_folder
from emotalk_data.features.running.summary import write_summary

if TYPE_CHECKING:
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["run_on_ray"]

_PURPOSE: Final = "extract features on a Ray cluster"
_CPUS_EACH: Final = 2
_SHARDS_AT_ONCE: Final = 8


class _Work(NamedTuple):
    """What an actor needs, once."""

    source: Source
    asked: Asked
    options: RunOptions
    jobs: list[ShardJob]


class _Found(NamedTuple):
    """What one machine of the cluster said of the encoder."""

    spec: FeatureSpec
    name: str
    max_batch_seconds: float


def run_on_ray(source: Source, asked: Asked, options: RunOptions) -> None:
    """Make all shards that are missing.

    Raises:
        OptionError: there is no cluster, or an object of the caller's cannot be sent to it.
        EmotalkError: what an actor raised.
    """
    ray = require("ray", extra="ray", purpose=_PURPOSE)
    require("ray.data", extra="ray", purpose=_PURPOSE)
    _check_picklable(asked)
    _connect(ray)
    jobs = plan_shards(source, options.rows_per_shard)
    num_gpus = _gpus_each(ray, asked)
    work = ray.put(pickle.dumps(_Work(source, asked, options, jobs)))
    look = ray.remote(num_cpus=1, num_gpus=num_gpus)(_look)
    found: _Found = _answer(ray.get(look.remote(work)))
    identity = SetIdentity(found.spec, options.levels, source.corpus, options.rows_per_shard)
    with open_set_folder(options.path, identity, source, jobs) as folder:
        records = list(folder.records.values())
        missing = folder.missing(jobs)
        if missing:
            limit = remembered_batch(records, found.name) or found.max_batch_seconds
            limit = options.max_batch_seconds or limit
            has_made = any(record.counts.made for record in records)
            arguments = (work, str(folder.data), limit, has_made)
            count = _num_actors(ray, num_gpus, len(missing))
            with Progress(
                found.spec.name, total=source.num_rows, initial=_rows_of(jobs, missing)
            ) as progress:
                for answer in _mapped(ray, missing, jobs, arguments, count, num_gpus):
                    num_rows, num_failed = _answer(answer)
                    progress.tell(num_rows, num_failed)
        write_summary(folder.path)


class _ShardActor:
    """Makes shards by their numbers; on a machine of the cluster."""

    def __init__(self, work: Any, folder: str, max_batch_seconds: float, has_made: bool) -> None:
        self._work = _fetched(work)
        self._ready = make_ready(self._work.asked)
        self._maker = make_maker(
            self._work.source,
            self._ready,
            self._work.options,
            Path(folder),
            max_batch_seconds,
            has_made=has_made,
        )

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        return {"answer": [self._make([self._work.jobs[int(number)] for number in batch["number"]])]}

    def _make(self, jobs: Sequence[ShardJob]) -> bytes:
        failed = 0

        def tell(num_rows: int, num_failed: int) -> None:  # noqa: ARG001
            nonlocal failed
            failed += num_failed

        try:
            stats = run_shards(self._maker, jobs, tell)
        except EmotalkError as error:
            return _packed(error)
        # What was learned: what fits into memory, and that the encoder is not what is broken.
        has_made = self._maker.has_made or failed < stats.num_rows
        self._maker = replace(self._maker, max_batch_seconds=stats.max_batch_seconds, has_made=has_made)
        return _packed((stats.num_rows, failed))


def _look(work: Any) -> bytes:
    """Load the encoder on some machine of the cluster, and say what it is: only it knows its weights' digest."""
    unpacked = _fetched(work)
    try:
        ready = make_ready(unpacked.asked)
        limit = unpacked.options.max_batch_seconds or automatic_batch(
            unpacked.source, unpacked.jobs, ready.extractor, ready.device
        )
    except EmotalkError as error:
        return _packed(error)
    return _packed(_Found(ready.spec, ready.name, limit))


def _mapped(
    ray: Any,
    missing: Sequence[ShardJob],
    jobs: Sequence[ShardJob],
    arguments: tuple[Any, ...],
    count: int,
    num_gpus: int,
) -> Iterator[bytes]:
    numbers = [{"number": jobs.index(job)} for job in missing]
    with _quiet(ray):
        size = max(1, min(_SHARDS_AT_ONCE, len(missing) // (2 * count)))
        table = ray.data.from_items(numbers, override_num_blocks=math.ceil(len(numbers) / size))
        answers = table.map_batches(
            _ShardActor,
            # Several shards one after the other: threads prepare the next one while the device encodes this one.
            batch_size=size,
            compute=ray.data.ActorPoolStrategy(size=count),
            fn_constructor_args=arguments,
            num_cpus=None if num_gpus else 1,
            num_gpus=num_gpus or None,
        )
        for row in answers.iter_rows():
            yield row["answer"]


def _fetched(work: Any) -> _Work:
    """Unpack what was sent. A reference inside of arguments is not resolved by Ray, one beside them is."""
    import ray

    packed = ray.get(work) if isinstance(work, ray.ObjectRef) else work
    unpacked: _Work = pickle.loads(packed)  # noqa: S301  # from the process that started this run
    return unpacked


def _packed(answer: Any) -> bytes:
    return pickle.dumps((type(answer).__name__, str(answer)) if isinstance(answer, EmotalkError) else answer)


def _answer(packed: bytes) -> Any:
    """Return what a machine of the cluster said; raises what it raised."""
    answer = pickle.loads(packed)  # noqa: S301  # from a process of this run
    if type(answer) is tuple and len(answer) == 2 and isinstance(answer[0], str):
        raise getattr(errors, answer[0], ExtractionError)(answer[1])
    return answer


def _check_picklable(asked: Asked) -> None:
    try:
        pickle.dumps(asked)
    except Exception as error:  # whatever a class of the caller's raises
        raise OptionError(
            f"an encoder or detector of your own is sent to other machines and cannot be pickled: "
            f"{quote(error, 160)}. Define its class in a module that they can import, and load weights late."
        ) from error


def _connect(ray: Any) -> None:
    """Use the cluster that this process is connected to, or the one of this machine; start none."""
    if ray.is_initialized():
        return
    try:
        ray.init(address="auto", log_to_driver=False)
    except ConnectionError as error:
        raise OptionError(
            "runner='ray' needs a Ray cluster and finds none. Start one (`ray start --head`), or connect to one "
            "before (`ray.init(address=...)`); on one machine runner='local' needs none."
        ) from error


def _gpus_each(ray: Any, asked: Asked) -> int:
    has_gpus = ray.cluster_resources().get("GPU", 0) >= 1
    wants = asked.device.startswith("cuda") or (
        asked.device == "auto" and asked.spec.backend not in ("opensmile",)
    )
    if asked.device.startswith("cuda") and not has_gpus:
        raise OptionError(
            f"device is {quote(asked.device)}, and the Ray cluster has no GPU. Take 'auto' or 'cpu'."
        )
    return int(has_gpus and wants)


def _num_actors(ray: Any, num_gpus: int, num_missing: int) -> int:
    resources = ray.cluster_resources()
    most = int(resources.get("GPU", 1)) if num_gpus else int(resources.get("CPU", 1)) // _CPUS_EACH
    return max(1, min(num_missing, most))


def _rows_of(jobs: Sequence[ShardJob], missing: Sequence[ShardJob]) -> int:
    return sum(job.num_rows for job in jobs) - sum(job.num_rows for job in missing)


@contextmanager
def _quiet(ray: Any) -> Iterator[None]:
    """Keep Ray's own bars from the screen while ours is shown."""
    context = ray.data.DataContext.get_current()
    before = (context.enable_progress_bars, context.print_on_execution_start)
    context.enable_progress_bars = context.print_on_execution_start = False
    try:
        yield
    finally:
        context.enable_progress_bars, context.print_on_execution_start = before

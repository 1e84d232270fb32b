"""`extract_features`: every utterance of a dataset, encoded, in a folder; a call that was stopped goes on."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from emotalk_data.builder.folder_paths import out_folder
from emotalk_data.errors import ExtractionError, OptionError, quote
from emotalk_data.features.feature_set import FeatureSet
from emotalk_data.features.running.compute_error import compute_error_line, has_compute_error
from emotalk_data.features.running.devices import default_threads
from emotalk_data.features.running.extractors import Asked, asked_for
from emotalk_data.features.running.ranks import Rank, this_rank
from emotalk_data.features.running.rows import Source, read_source
from emotalk_data.features.running.session import RunOptions, run_here
from emotalk_data.features.running.set_folder import check_free
from emotalk_data.schemas.feature_shard import Level

if TYPE_CHECKING:
    import datasets

    from emotalk_data.features.encoders.faces import Detector
    from emotalk_data.features.hook import FeatureExtractor
    from emotalk_data.features.recipes.catalogue import Recipe
    from emotalk_data.schemas.encoder_spec import Compute, Storage
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["extract_features"]

_log: Final = logging.getLogger(__name__)
_MAX_THREADS: Final = 256
_MAX_SHARD_ROWS: Final = 1_000_000


def extract_features(
    ds: datasets.Dataset | datasets.DatasetDict,
    recipe: str | Recipe | FeatureSpec | FeatureExtractor[Any],
    out: str | os.PathLike[str],
    *,
    model_path: str | os.PathLike[str] | None = None,
    revision: str | None = None,
    level: Level | tuple[Level, ...] = ("utterance", "frame"),
    device: str = "auto",
    compute: Compute | None = None,
    storage: Storage | None = None,
    detector: Detector | None = None,
    max_batch_seconds: float | None = None,
    rows_per_shard: int = 256,
    num_threads: int | None = None,
    runner: Literal["local", "ray"] = "local",
) -> FeatureSet:
    """Encode every utterance of a dataset, and keep the features in a folder.

    A call that was stopped, by Ctrl-C, a kill or a full disk, goes on when it is made again: shards that are
    finished stay, and one whose text or files were changed since is made again. The first Ctrl-C lets the shard
    under way be finished, the second one does not.

    An utterance of which no features can be made is a null row with its reason, and is counted.

    Under torchrun or srun each process makes its share of the shards, and all give the same folder.

    Args:
        ds: a Dataset or DatasetDict with `utterance_id`, selections included. Splits are kept apart; those
            of `split="train+test"` count as one, `train.test`. Rows that say no split, as `concatenate_datasets`
            gives them, are called `train`.
        recipe: name of a recipe, such as `clean/chinese-hubert-base`; a Recipe; a spec; or an extractor of your
            own.
        out: a folder: new, empty, or with a part of the same set. Other splits of that set may be there.
        model_path: folder with the weights; from the Hub's cache, or downloaded, if omitted.
        revision: of the weights on the Hub.
        level: what is kept: a vector an utterance, a vector a frame, or both.
        device: `auto`, a GPU where there is one; `cpu`, `cuda`, `cuda:1`, `mps`.
        compute: what the encoder calculates in; the recipe's own if omitted, which is float32 but for some
            language models. What half precision costs is measured on a few utterances and logged before a new
            set is begun.
        storage: what is kept: `float32` or `float16`, half the size.
        detector: finds faces, for encoders of pictures.
        max_batch_seconds: how much is encoded at once: a batch's utterances times its longest, in seconds of
            sound, characters, or pictures, as the encoder counts; in utterances where it does not. Found
            automatically if omitted. Halved when memory runs out.
        rows_per_shard: rows of one file, and so what a kill costs at most.
        num_threads: threads that decode ahead of the device; the processors, at most 8, if omitted.
        runner: `ray`: shards are made by actors of the Ray cluster that this process is, or can be, connected
            to; files have to be where all its machines see them.

    Returns:
        the set. Of several ranks, those that end first return what is there so far.

    Raises:
        OptionError: an option that cannot be; no ids, or one that is there twice; or the folder is in use: by
            other files, by another set (what differs is said), or by another process.
        ModelError: weights cannot be found or loaded.
        MissingDependencyError: a package of an extra is missing.
        ExtractionError: nothing at all could be made of the first shard, or there is nothing to encode.
        CacheWriteError: the disk is full, or the folder may not be written to.
        KeyboardInterrupt: Ctrl-C.
    """
    options = _checked(out, level, max_batch_seconds, rows_per_shard, num_threads)
    asked = asked_for(
        recipe,
        model_path=model_path,
        revision=revision,
        device=device,
        compute=compute,
        storage=storage,
        detector=detector,
    )
    if runner not in ("local", "ray"):
        raise OptionError(f"runner is {quote(runner)}; expected 'local' or 'ray'.")
    check_free(options.path)
    source = read_source(ds)
    if not source.has_any(asked.spec):
        raise ExtractionError(
            f"{source.why_nothing(asked.spec)}, and {asked.spec.name} encodes nothing else. Nothing was written."
        )
    if runner == "ray":
        from emotalk_data.features.running.ray_runner import run_on_ray

        run_on_ray(source, asked, options)
        return _opened(options.path, source.num_rows, Rank(), was_stopped=False)
    rank = this_rank()
    if rank.number == 0:
        _tell_compute_error(source, asked, options.path)
    stats = run_here(source, asked, options, rank)
    return _opened(options.path, source.num_rows, rank, was_stopped=stats is not None and stats.was_stopped)


def _tell_compute_error(source: Source, asked: Asked, path: Path) -> None:
    """Log what half precision costs, measured; the command line prints it itself, and hides this log."""
    if _log.isEnabledFor(logging.WARNING) and has_compute_error(asked, path):
        _log.warning("%s", compute_error_line(source, asked))


def _opened(path: Path, num_rows: int, rank: Rank, *, was_stopped: bool) -> FeatureSet:
    """Return the set as it is, and say what is missing of it.

    Raises:
        KeyboardInterrupt: the run was asked to stop.
    """
    made = FeatureSet.open(path, allow_unfinished=True)
    if was_stopped:
        raise KeyboardInterrupt(
            f"stopped: {made.num_rows:,} utterances are in {path}, of {num_rows:,}. The same call goes on."
        )
    if made.num_rows < num_rows and not rank.is_alone:
        _log.warning(
            "process %d of %d is done; %s of %s utterances are there, the others make the rest",
            rank.number,
            rank.world,
            f"{made.num_rows:,}",
            f"{num_rows:,}",
        )
    if made.counts.failed:
        _log.warning(
            "%s of %s utterances failed; FeatureSet.failures() says why",
            f"{made.counts.failed:,}",
            f"{made.num_rows:,}",
        )
    return made


def _checked(
    out: Any, level: Any, max_batch_seconds: Any, rows_per_shard: Any, num_threads: Any
) -> RunOptions:
    if max_batch_seconds is not None:
        is_number = isinstance(max_batch_seconds, int | float) and not isinstance(max_batch_seconds, bool)
        if not (is_number and 0 < max_batch_seconds < math.inf):
            raise OptionError(
                f"max_batch_seconds is {quote(max_batch_seconds)}; expected a number above 0, or None."
            )
    if not (type(rows_per_shard) is int and 1 <= rows_per_shard <= _MAX_SHARD_ROWS):
        raise OptionError(f"rows_per_shard is {quote(rows_per_shard)}; expected 1 to {_MAX_SHARD_ROWS:,}.")
    if num_threads is not None and not (type(num_threads) is int and 1 <= num_threads <= _MAX_THREADS):
        raise OptionError(f"num_threads is {quote(num_threads)}; expected 1 to {_MAX_THREADS}, or None.")
    return RunOptions(
        out_folder(out),
        _checked_levels(level),
        None if max_batch_seconds is None else float(max_batch_seconds),
        rows_per_shard,
        num_threads or default_threads(),
    )


def _checked_levels(level: Any) -> tuple[Level, ...]:
    given = [level] if isinstance(level, str) else list(level) if isinstance(level, list | tuple) else []
    known = get_args(Level)
    if not given or len(set(map(str, given))) != len(given) or any(one not in known for one in given):
        raise OptionError(f"level is {quote(level)}; expected 'utterance', 'frame', or both of them.")
    return tuple(one for one in known if one in given)

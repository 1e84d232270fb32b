"""`materialise`: sound at one rate and a few small pictures, made once and kept."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from emotalk_data._optional import installed_version
from emotalk_data.builder.copy_manifest import CopyManifest, CopySplit
from emotalk_data.builder.folder_paths import out_folder
from emotalk_data.builder.shard_plan import Job, SplitName, Splits, corpus_of, plan
from emotalk_data.cache.estimate import Estimate, estimate
from emotalk_data.cache.filling import check_num_proc, fill
from emotalk_data.cache.maker import CopyMaker
from emotalk_data.cache.recipe import DEFAULT_SHARD_ROWS, make_recipe
from emotalk_data.cache.source import checked_source, source_digest

if TYPE_CHECKING:
    import datasets

__all__ = ["Copied", "estimate_copy", "materialise"]

_LIBRARIES: Final = ("emotalk-data", "datasets", "pyarrow", "numpy", "av", "soundfile", "soxr")


class Copied(NamedTuple):
    """What a call of `materialise` did.

    Attributes:
        folder: the copy.
        manifest: what is in it, failures included.
        num_rows: rows that this call made; 0 when the copy was there already.
        seconds: how long that took.
    """

    folder: Path
    manifest: CopyManifest
    num_rows: int
    seconds: float


def materialise(
    dataset: datasets.Dataset | datasets.DatasetDict,
    out: str | os.PathLike[str],
    *,
    sampling_rate: int | None = 16_000,
    mono: bool = True,
    num_frames: int | None = None,
    frame_rate: float | None = None,
    frame_size: int | tuple[int, int] | None = None,
    num_proc: int | None = None,
    rows_per_shard: int = DEFAULT_SHARD_ROWS,
) -> Copied:
    """Write a copy of a dataset in which sound is resampled and pictures are chosen and scaled.

    All other columns stay as they are, and so does a media column that no option asks to make: it keeps its
    references to the release. `load_dataset(corpus, data_dir=out)` opens the copy. A call that was stopped, by
    Ctrl-C or a kill, goes on when it is made again.

    A clip that cannot be decoded is null in its row, counted, and listed with its reason in the manifest; one
    that was null stays so.

    Args:
        dataset: EmotionTalk or M3ED, whole, a split, or a selection. A Dataset that is no split counts as
            "train".
        out: a folder: new, empty, or with a part of the same copy. Not inside of the release: the next reading
            of that would take the copy for a part of it.
        sampling_rate: 8,000 to 192,000 Hz; None leaves the column `audio` alone.
        mono: the mean of the channels; False keeps all.
        num_frames: so many frames of each clip, evenly spaced, as `VideoClip.frames(num)` chooses them.
        frame_rate: instead, what is on screen at k / frame_rate. Without either `video` is left alone.
        frame_size: of the frames, as `size` of `VideoClip.frames`; their own if omitted.
        num_proc: processes; None is this one alone. The files are the same for any number.
        rows_per_shard: rows of one file, and so what a kill costs at most.

    Raises:
        OptionError: an option that cannot be; a dataset with a transform, or of several splits in one; or the
            folder is in use: by other files, by another copy (what differs is said), or by another process.
        CacheWriteError: too little space, or the folder may not be written to.
        CacheCorruptError: the manifest in the folder is damaged.
    """
    recipe = make_recipe(
        sampling_rate=sampling_rate,
        mono=mono,
        num_frames=num_frames,
        frame_rate=frame_rate,
        frame_size=frame_size,
        rows_per_shard=rows_per_shard,
    )
    num_processes = check_num_proc(num_proc)
    path, maker = out_folder(out), CopyMaker(recipe)
    splits = checked_source(dataset, maker.made)
    jobs, manifest = _planned(splits, maker)
    began = time.perf_counter()
    manifest, num_rows = fill(
        *(path, splits, maker, manifest, jobs),
        num_proc=num_processes,
        called="copying",
        less="fewer or smaller frames, one split",
    )
    return Copied(path, manifest, num_rows, time.perf_counter() - began)


def estimate_copy(
    dataset: datasets.Dataset | datasets.DatasetDict,
    *,
    sampling_rate: int | None = 16_000,
    mono: bool = True,
    num_frames: int | None = None,
    frame_rate: float | None = None,
    frame_size: int | tuple[int, int] | None = None,
) -> Estimate:
    """Say how large a copy would be and how long one process would take; nothing is written.

    Up to 32 rows are made to measure it. Arguments and `OptionError` are those of `materialise`.
    """
    recipe = make_recipe(
        sampling_rate=sampling_rate,
        mono=mono,
        num_frames=num_frames,
        frame_rate=frame_rate,
        frame_size=frame_size,
        rows_per_shard=DEFAULT_SHARD_ROWS,
    )
    maker = CopyMaker(recipe)
    splits = checked_source(dataset, maker.made)
    jobs = plan({split: len(rows) for split, rows in splits.items()}, recipe.rows_per_shard)
    return estimate(splits, [job for part in jobs.values() for job in part], maker)


def _planned(splits: Splits, maker: CopyMaker) -> tuple[dict[SplitName, list[Job]], CopyManifest]:
    """Return the shards of the whole copy, and its manifest before there is any."""
    recipe, source = maker.recipe, source_digest(splits, maker.made)
    jobs = plan({split: len(rows) for split, rows in splits.items()}, recipe.rows_per_shard)
    return jobs, CopyManifest(
        corpus=corpus_of(splits),
        key=recipe.key(source),
        recipe=recipe.model_dump(mode="json"),
        source=source,
        is_complete=False,
        splits={
            split: CopySplit(num_rows=len(splits[split]), num_shards=len(part))
            for split, part in jobs.items()
        },
        libraries={name: installed_version(name) or "unknown" for name in _LIBRARIES},
    )

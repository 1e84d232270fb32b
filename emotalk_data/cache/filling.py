"""A folder of shards, filled: what is there is kept, what is missing is made, in several processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from emotalk_data.builder.copy_manifest import Manifest
from emotalk_data.builder.shard_plan import Job, SplitName, Splits
from emotalk_data.cache.estimate import MAX_MEASURED, check_space, estimate
from emotalk_data.cache.folder import CopyFolder, open_folder
from emotalk_data.cache.maker import Maker
from emotalk_data.cache.worker import Task
from emotalk_data.cache.workers import write_shards
from emotalk_data.errors import OptionError, quote

__all__ = ["check_num_proc", "fill"]

_MEASURED_SHARE: Final = 20


def check_num_proc(num_proc: object) -> int:
    """Return how many processes are asked for.

    Raises:
        OptionError: no number of processes.
    """
    if num_proc is None:
        return 1
    if not (type(num_proc) is int and num_proc >= 1):
        raise OptionError(f"num_proc is {quote(num_proc)}; expected 1 or more, or None.")
    return num_proc


def fill(
    path: Path,
    splits: Splits,
    maker: Maker,
    manifest: Manifest,
    jobs: Mapping[SplitName, list[Job]],
    *,
    num_proc: int,
    called: str,
    less: str,
    finish: Callable[[Manifest], None] | None = None,
) -> tuple[Manifest, int]:
    """Write the shards of a folder that are not there yet.

    Args:
        path: the folder.
        splits: the rows.
        maker: what is in the shards.
        manifest: before there is any shard.
        jobs: all shards.
        num_proc: processes.
        called: what is done, for the progress bar.
        less: how it could be made smaller, for the message that the disk is full.
        finish: is given the manifest once all shards are there, while the folder is still held.

    Returns:
        The manifest, and the rows that this call made.

    Raises:
        OptionError: the folder is in use.
        CacheWriteError: too little space, or it may not be written to.
        CacheCorruptError: the manifest in the folder is damaged.
    """
    with open_folder(path, manifest, jobs, footer_key=maker.footer_key) as folder:
        missing = folder.missing
        num_rows = sum(job.stop - job.start for job in missing)
        if missing:
            # What is measured is thrown away: of a small copy only a small part.
            max_measured = min(MAX_MEASURED, num_rows // _MEASURED_SHARE + 1)
            check_space(estimate(splits, missing, maker, max_measured=max_measured), folder.path, less=less)
        folder.begin()
        if missing:
            _write(Task(splits, maker, manifest.key, folder.data), missing, folder, num_proc, called)
        if finish is not None:
            finish(folder.manifest)
        return folder.manifest, num_rows


def _write(task: Task, missing: list[Job], folder: CopyFolder[Manifest], num_proc: int, called: str) -> None:
    from datasets.utils import tqdm  # obeys datasets.disable_progress_bars()

    num_rows = sum(len(rows) for rows in task.splits.values())
    num_missing = sum(job.stop - job.start for job in missing)
    with tqdm(total=num_rows, initial=num_rows - num_missing, unit=" utterances", desc=called) as bar:
        write_shards(task, missing, num_proc, bar.update, folder.add)

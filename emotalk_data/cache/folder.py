"""A folder of shards while it is written: whose it is, what is finished, what is said of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Generic

from emotalk_data._whole_file import LEFT_OVER, whole_file
from emotalk_data.builder.copy_layout import DATA_FOLDER
from emotalk_data.builder.copy_manifest import (
    CopyShard,
    CopySplit,
    Manifest,
    ShardManifest,
    has_manifest,
    read_shard_manifest,
)
from emotalk_data.builder.folder_lock import lock_folder
from emotalk_data.builder.shard_plan import Job, SplitName
from emotalk_data.cache.recipe import differences
from emotalk_data.cache.shard import known_shard
from emotalk_data.errors import CacheWriteError, OptionError, quote

__all__ = ["CopyFolder", "open_folder"]


class CopyFolder(Generic[Manifest]):
    """A copy, or another folder of shards, as far as it is written. Made by `open_folder`.

    Attributes:
        path: the folder.
        data: where the shards are.
        manifest: what is said of it. Its file is written anew whenever a shard is added.
    """

    def __init__(
        self, path: Path, manifest: Manifest, jobs: Mapping[SplitName, list[Job]], footer_key: str
    ) -> None:
        self.path = path
        self.data = path / DATA_FOLDER
        self._jobs = jobs
        self._footer_key = footer_key
        self._shards: dict[str, CopyShard] = {}
        self._num_missing = sum(map(len, jobs.values()))
        self._written = b""
        self.manifest = manifest

    def find_finished(self, before: Manifest | None) -> None:
        """Take in the shards that an earlier call wrote. Nothing is written yet."""
        self.remove_unfinished()
        listed = {shard.file: shard for shard in before.shards} if before is not None else {}
        for jobs in self._jobs.values():
            for job in jobs:
                before_it = listed.get(job.file)
                shard = known_shard(
                    self.data / job.file, job, self.manifest.key, before_it, footer_key=self._footer_key
                )
                if shard is not None:
                    self._take(shard)

    def remove_unfinished(self) -> None:
        """Remove what a process that was ended left half-written."""
        for left in [*self.data.glob(LEFT_OVER), *self.path.glob(LEFT_OVER)]:
            left.unlink(missing_ok=True)

    @property
    def missing(self) -> list[Job]:
        """The shards that are to be written, in their order."""
        return [job for jobs in self._jobs.values() for job in jobs if job.file not in self._shards]

    def begin(self) -> None:
        """Write the manifest, if it does not say this already: from now on the folder is this copy's.

        Raises:
            CacheWriteError: it cannot be written.
        """
        path = self.path / self.manifest.FILE_NAME
        try:
            self._written = path.read_bytes() if path.is_file() else b""
        except OSError as error:
            raise _cannot_write(path, error) from error
        self._write()

    def add(self, shard: CopyShard) -> None:
        """Say of a shard that it is written.

        Raises:
            CacheWriteError: the manifest cannot be written.
        """
        self._take(shard)
        self._write()

    def _take(self, shard: CopyShard) -> None:
        self._num_missing -= shard.file not in self._shards
        self._shards[shard.file] = shard

    def _write(self) -> None:
        splits = {
            split: CopySplit(
                num_rows=jobs[-1].stop if jobs else 0,
                num_shards=len(jobs),
                shards=tuple(self._shards[job.file] for job in jobs if job.file in self._shards),
            )
            for split, jobs in self._jobs.items()
        }
        self.manifest = self.manifest.model_copy(
            update={"splits": splits, "is_complete": self._num_missing == 0}
        )
        text = (self.manifest.model_dump_json(indent=1) + "\n").encode()
        path = self.path / self.manifest.FILE_NAME
        if text == self._written:
            return  # its time is part of the key of tables that were read from it
        try:
            with whole_file(path) as file:
                file.write(text)
        except OSError as error:
            raise _cannot_write(path, error) from error
        self._written = text


@contextmanager
def open_folder(
    path: Path, manifest: Manifest, jobs: Mapping[SplitName, list[Job]], *, footer_key: str
) -> Iterator[CopyFolder[Manifest]]:
    """Take hold of a folder, new, empty, or with a part of the same copy, for as long as the block lasts.

    Args:
        path: the folder.
        manifest: what will be said of it.
        jobs: its shards.
        footer_key: where a shard's footer says whose it is.

    Raises:
        OptionError: it holds something else, another copy, or another process writes to it.
        CacheCorruptError: its manifest cannot be read.
        CacheWriteError: it may not be written to.
    """
    _looked_into(path, manifest)  # before anything is made in it
    try:
        (path / DATA_FOLDER).mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        lock_folder(descriptor, path)
        before = _looked_into(path, manifest)  # another process may have written, and ended, since
        folder = CopyFolder(path, manifest, jobs, footer_key)
        try:
            folder.find_finished(before)
            yield folder
        finally:
            folder.remove_unfinished()
    finally:
        os.close(descriptor)


def _looked_into(path: Path, manifest: Manifest) -> Manifest | None:
    """Return the manifest of the copy that is there; None when the folder is free."""
    if has_manifest(path, type(manifest)):
        before = read_shard_manifest(path, type(manifest))
        if before.key != manifest.key:
            if not _has_shards(path):
                return None  # it was stopped before it had made anything
            raise OptionError(
                f"{quote(str(path), 160)} holds another {manifest.CALLED}: {_what_differs(before, manifest)}. "
                f"Give another folder, or remove this one."
            )
        return before
    try:
        is_used = any(entry.name != DATA_FOLDER for entry in path.iterdir())
        is_used = is_used or _has_shards(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OptionError(
            f"{quote(str(path), 160)} is no folder that can be used: {error.strerror}."
        ) from error
    if is_used:
        raise OptionError(f"{quote(str(path), 160)} is not empty. Give an empty folder, or a new one.")
    return None


def _has_shards(path: Path) -> bool:
    """Say whether there is any file but what a process that was ended left half-written."""
    return any((path / DATA_FOLDER).glob("[!.]*"))


def _what_differs(before: ShardManifest, manifest: ShardManifest) -> str:
    found = differences(manifest.recipe, before.recipe)
    if before.corpus != manifest.corpus:
        found.insert(0, f"it is of {before.corpus}")
    elif before.source != manifest.source:
        found.append("its source differs (other splits, rows or columns, or media files that were changed)")
    return "; ".join(found)


def _cannot_write(path: Path, error: OSError) -> CacheWriteError:
    return CacheWriteError(
        f"cannot write {quote(str(path), 200)}: {error.strerror or error}. Give another folder, or free "
        f"some space.",
        path=str(path),
    )

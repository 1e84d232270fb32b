"""The folder of a feature set while it is written: whose it is, and which shards are finished."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, NamedTuple

from emotalk_data._whole_file import LEFT_OVER
from emotalk_data.builder.feature_sets.shards import Shard, open_shard
from emotalk_data.builder.folder_lock import lock_folder
from emotalk_data.errors import CacheCorruptError, CacheWriteError, OptionError, quote
from emotalk_data.features.running.differences import spec_differences
from emotalk_data.features.running.plan import (
    ShardJob,
    parse_file_name,
    remove_plan_of_nothing,
    write_plan,
)
from emotalk_data.features.running.rows import Source, UtteranceRows
from emotalk_data.features.running.shard_file import read_footer
from emotalk_data.features.running.up_to_date import is_current
from emotalk_data.schemas.feature_shard import (
    DATA_FOLDER,
    FOOTER_KEY,
    PLAN_NAME,
    SUMMARY_NAME,
    Level,
    ShardRecord,
)

__all__ = ["SetFolder", "SetIdentity", "check_free", "hold_folder", "open_set_folder"]

_log: Final = logging.getLogger(__name__)


class SetIdentity(NamedTuple):
    """What all shards of one set agree in.

    Attributes:
        spec: what decided the numbers.
        levels: what is kept.
        corpus: whose utterances.
        rows_per_shard: where one shard ends and the next begins.
    """

    spec: Any
    levels: tuple[Level, ...]
    corpus: str | None
    rows_per_shard: int


class SetFolder:
    """A set on disk, as far as it is written. Made by `open_set_folder`.

    Attributes:
        path: the folder.
        data: where the shards are.
        records: of finished shards, by file; also of splits that this run does not make.
    """

    def __init__(self, path: Path, records: dict[str, ShardRecord]) -> None:
        self.path = path
        self.data = path / DATA_FOLDER
        self.records = records

    def missing(self, jobs: Sequence[ShardJob]) -> list[ShardJob]:
        """Return the shards that are still to be made."""
        return [job for job in jobs if job.file not in self.records]


@contextmanager
def open_set_folder(
    path: Path,
    identity: SetIdentity,
    source: Source,
    jobs: Sequence[ShardJob],
    *,
    own: Sequence[ShardJob] | None = None,
) -> Iterator[SetFolder]:
    """Take hold of a folder, new, empty, or with a part of the same set, for as long as the block lasts.

    Args:
        path: the folder.
        identity: of the set.
        source: the rows.
        jobs: all shards that there are to be.
        own: those that this process makes while others make the rest: the folder is shared with them.

    Raises:
        OptionError: it holds something else, another set, or another process writes to it.
        CacheWriteError: it may not be written to.
    """
    check_free(path)  # before anything is made in it
    try:
        (path / DATA_FOLDER).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error
    with hold_folder(path, own=own):
        folder = SetFolder(path, _finished(path / DATA_FOLDER, identity, source, jobs))
        write_plan(path, jobs, is_new=not folder.records)
        try:
            yield folder
        finally:
            if own is None:  # other ranks may be about to write their first one
                remove_plan_of_nothing(path)


@contextmanager
def hold_folder(path: Path, *, own: Sequence[ShardJob] | None = None) -> Iterator[None]:
    """Be the one who writes to a folder; what was half-written before is removed, and behind an error too.

    Args:
        path: the folder.
        own: see `open_set_folder`.

    Raises:
        OptionError: another process writes to it.
        CacheWriteError: it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        lock_folder(descriptor, path, is_shared=own is not None)
        check_free(path)  # another process may have written, and ended, since
        _remove_unfinished(path, own)
        try:
            yield
        finally:
            _remove_unfinished(path, own)
    finally:
        os.close(descriptor)


def check_free(path: Path) -> None:
    """Make sure that a folder is new or empty, or holds a feature set and nothing else where its shards are.

    Raises:
        OptionError: it does not.
    """
    try:
        entries = [entry.name for entry in path.iterdir() if not entry.name.startswith(".")]
        shards = [entry.name for entry in (path / DATA_FOLDER).glob("[!.]*")]
    except FileNotFoundError:
        return
    except OSError as error:
        raise OptionError(
            f"{quote(str(path), 160)} is no folder that can be used: {error.strerror}."
        ) from error
    foreign = [name for name in sorted(shards) if parse_file_name(name) is None]
    if not shards:  # beside a set its owner may keep a card
        foreign += [name for name in sorted(entries) if name not in (DATA_FOLDER, PLAN_NAME, SUMMARY_NAME)]
    if foreign:
        raise OptionError(
            f"{quote(str(path), 160)} holds files of others, such as {quote(foreign[0])}. Give an empty folder, "
            "or a new one."
        )


def _remove_unfinished(path: Path, own: Sequence[ShardJob] | None) -> None:
    """Remove what a process that was ended left half-written; of other ranks nothing, for they are at it."""
    mine = None if own is None else {f".{job.file}" for job in own}
    with suppress(OSError):
        for left in [*(path / DATA_FOLDER).glob(LEFT_OVER), *path.glob(LEFT_OVER)]:
            if mine is None or left.name.rsplit(".", 2)[0] in mine:
                left.unlink(missing_ok=True)


def _finished(
    data: Path, identity: SetIdentity, source: Source, jobs: Sequence[ShardJob]
) -> dict[str, ShardRecord]:
    planned = {job.file: job for job in jobs}
    totals = {job.split: job.total for job in jobs}
    records: dict[str, ShardRecord] = {}
    others: list[Path] = []
    num_changed = 0
    for path in sorted(data.glob("[!.]*")):
        shard = _known_shard(path)
        if shard is None:
            continue  # damaged: it is made again
        _check_same_set(path, shard.record, identity, totals)
        if shard.record.split not in totals:
            others.append(path)
        else:
            job = planned[path.name]
            rows = source.splits[job.split]
            _check_same_rows(shard, job, rows)
            if not is_current(shard, job, rows, identity.spec):
                num_changed += 1
                continue
        records[path.name] = shard.record
    _check_other_splits(others, source)
    if num_changed:
        _log.warning("what %d of %d shards were made from has changed: made again", num_changed, len(jobs))
    return records


def _known_shard(path: Path) -> Shard | None:
    """Open a file that is there; None when it is damaged.

    Raises:
        OptionError: it is whole, and no shard that this version knows: nothing of others is written over.
    """
    try:
        values = read_footer(path)
    except CacheCorruptError:
        return None
    if values is None:
        raise OptionError(
            f"{quote(str(path), 200)} is a Parquet file of others: its footer has no {FOOTER_KEY!r}. Give an "
            "empty folder, or a new one."
        )
    if values.get("version") != ShardRecord.model_fields["version"].default:
        raise OptionError(
            f"{quote(str(path), 200)} was written by another version of emotalk-data: its form is "
            f"{quote(values.get('version'))}. Give another folder."
        )
    try:
        return open_shard(path)
    except CacheCorruptError:
        return None


def _check_same_rows(shard: Shard, job: ShardJob, rows: UtteranceRows) -> None:
    """Make sure that a shard was made of the utterances that it is to hold; there may be more at its end.

    Raises:
        OptionError: it was not: they would be written over, and lost.
    """
    here = rows.ids[job.start : job.stop][: len(shard.ids)]
    for number, (there, one) in enumerate(zip_longest(shard.ids, here), start=job.start):
        if there != one:
            raise OptionError(
                f"{quote(str(shard.path.parent.parent), 160)} holds other utterances of {job.split}, or the same "
                f"in another order: row {number} is {quote(there)} there and "
                f"{'absent' if one is None else quote(one)} here. Give another folder, or remove this one."
            )


def _check_same_set(path: Path, record: ShardRecord, identity: SetIdentity, totals: dict[str, int]) -> None:
    found: list[str] = []
    if record.spec_digest != identity.spec.digest():
        found += spec_differences(record.spec.model_dump(mode="json"), identity.spec.model_dump(mode="json"))
    if record.levels != identity.levels:
        found.append(f"level is {', '.join(record.levels)} there and {', '.join(identity.levels)} here")
    if record.corpus != identity.corpus:
        found.append(f"it is of {record.corpus or 'other rows'}, not of {identity.corpus or 'other rows'}")
    rows_per_shard = _rows_per_shard(record)
    if rows_per_shard is not None and rows_per_shard != identity.rows_per_shard:
        found.append(f"rows_per_shard is {rows_per_shard} there and {identity.rows_per_shard} here")
    elif totals.get(record.split, record.total) != record.total:
        found.append(f"{record.split} has {record.total} shards there and {totals[record.split]} here")
    if found:
        raise OptionError(
            f"{quote(str(path.parent.parent), 160)} holds another set: {'; '.join(found[:4])}. Give another "
            "folder, or remove this one."
        )


def _rows_per_shard(record: ShardRecord) -> int | None:
    """Tell it from one shard; the only shard of a split does not say."""
    if record.number > 0:
        return record.start // record.number
    return record.num_rows if record.total > 1 else None


def _check_other_splits(paths: Sequence[Path], source: Source) -> None:
    """Make sure that no utterance is in another split of the set too."""
    if not paths:
        return
    here = {utterance_id for split in source.splits.values() for utterance_id in split.ids}
    for path in paths:
        for utterance_id in open_shard(path).ids:
            if utterance_id in here:
                raise OptionError(
                    f"the utterance {quote(utterance_id)} is in {path.name} already, in another split. Give "
                    "another folder.",
                    utterance_id=utterance_id,
                )


def _cannot_write(path: Path, error: OSError) -> CacheWriteError:
    return CacheWriteError(
        f"cannot write to {quote(str(path), 200)}: {error.strerror or error}. Give another folder.",
        path=str(path),
    )

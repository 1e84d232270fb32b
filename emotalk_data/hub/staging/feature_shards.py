"""Shards of a feature set as they are shared: of one level, and without paths of the machine that made them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from emotalk_data.builder.feature_sets.shards import Shard
from emotalk_data.builder.feature_sets.stored_rows import stored_row
from emotalk_data.features.running.shard_file import ShardRow, write_shard_file
from emotalk_data.hub.local_paths import find_local_path
from emotalk_data.hub.staging.files import place
from emotalk_data.schemas.feature_shard import FailureCode, Level

__all__ = ["LEFT_OUT_REASON", "stage_shard"]

LEFT_OUT_REASON: Final = "(the reason names a path of the machine that made the set, and is left out)"
"""What stands where a reason or a note named a path."""

_OF_ROWS: Final = ("utterance_id", "notes", "error", "input_digest")


def stage_shard(shard: Shard, levels: Sequence[Level], target: Path) -> Counter[str]:
    """Put a shard into the staging folder, whole or with some of its levels. Every page of it is read.

    A shard from which nothing is taken is not written anew: its bytes are those that the extraction wrote.

    Args:
        shard: of the set.
        levels: which of its levels are kept.
        target: the file to be.

    Returns:
        how many reasons (`error`) and notes (`notes`) were replaced, because they named a path.

    Raises:
        CacheCorruptError: it is damaged.
        CacheWriteError: it cannot be written.
    """
    levels = tuple(level for level in shard.record.levels if level in levels)
    is_whole = levels == shard.record.levels
    if is_whole and not _names_paths(shard):
        place(shard.path, target)
        return Counter()
    spec = shard.record.spec.model_copy(update={"num_dims": shard.num_dims})
    # The digest anew: an older version may have written a spec with fewer fields, and this one writes all.
    changes = {"levels": levels, "spec": spec, "spec_digest": spec.digest()}
    record = shard.record.model_copy(update=changes)
    replaced: Counter[str] = Counter()
    rows = []
    for _start, batch in shard.groups([*shard.columns(levels), *_OF_ROWS]):
        digests = batch.column("input_digest").to_pylist()
        for number, digest in enumerate(digests):
            row = stored_row(record, batch, number)
            error = row.error if row.error is None else _shared_reason(row.error)
            notes = tuple(LEFT_OUT_REASON if find_local_path(note) else note for note in row.notes)
            replaced["error"] += error != row.error
            replaced["notes"] += sum(old != new for old, new in zip(row.notes, notes, strict=True))
            rows.append(ShardRow(row.utterance_id, digest, error, notes, row.pooled, row.frames, row.seconds))
    write_shard_file(target, record, rows)
    return +replaced


def _names_paths(shard: Shard) -> bool:
    """Read a whole shard, so that a damaged one is noticed; say whether a reason or a note names a path."""
    texts: set[str] = {error for error in shard.errors if error is not None}
    for _start, batch in shard.groups([*shard.columns(), *_OF_ROWS]):
        texts.update(note for notes in batch.column("notes").to_pylist() for note in notes or ())
    return any(find_local_path(text) for text in texts)


def _shared_reason(error: str) -> str:
    if not find_local_path(error):
        return error
    code = error.partition(": ")[0]
    return f"{code if code in get_args(FailureCode) else 'encoder'}: {LEFT_OUT_REASON}"

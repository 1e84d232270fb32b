"""Whether a shard was made of what its rows hold now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emotalk_data.builder.feature_sets.shards import Shard
from emotalk_data.features.running.digests import input_digest, source_digest
from emotalk_data.features.running.plan import ShardJob
from emotalk_data.features.running.rows import UtteranceRows, is_missing

if TYPE_CHECKING:
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["is_current"]


def is_current(shard: Shard, job: ShardJob, rows: UtteranceRows, spec: FeatureSpec) -> bool:
    """Say whether a shard was made of what the rows of a job hold now.

    Names, lengths and times of files are compared. Where these differ, as in a release that was copied, the bytes
    are.

    Args:
        shard: what is there, of the same utterances; there may be more now.
        job: which rows.
        rows: of its split.
        spec: of the set.
    """
    numbers = range(job.start, job.stop)
    if len(shard.ids) != job.num_rows:
        return False
    return shard.record.source_digest == source_digest(rows, numbers, spec) or (
        # A hook of the caller's may read more than the bytes: the rate that the column asks for.
        spec.modality != "text" and spec.backend != "callable" and _has_same_bytes(shard, numbers, rows, spec)
    )


def _has_same_bytes(shard: Shard, numbers: range, rows: UtteranceRows, spec: FeatureSpec) -> bool:
    stored = [
        digest
        for _, batch in shard.groups(["input_digest"])
        for digest in batch.column("input_digest").to_pylist()
    ]
    for number, digest in zip(numbers, stored, strict=True):
        utterance = rows.utterance(number)
        if digest != input_digest(utterance, spec) or (digest is None and not is_missing(utterance, spec)):
            return False
    return True

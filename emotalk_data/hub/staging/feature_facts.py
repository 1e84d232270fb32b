"""What the card says of how a feature set was made: from the footers of its shards, and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

from emotalk_data.schemas.feature_shard import Level, ShardRecord

__all__ = ["feature_facts"]

_KINDS: Final = {"utterance": "a vector an utterance", "frame": "a vector a frame"}
_SAID_ELSEWHERE: Final = (
    "name", "model", "revision", "weights_digest", "num_dims", "compute", "storage"
)  # fmt: skip


def feature_facts(records: Sequence[ShardRecord], levels: Sequence[Level], num_dims: int) -> dict[str, str]:
    """Return what decided the numbers of a set, and what they were made of: label to text, as the card shows it.

    Args:
        records: of all shards, in their order.
        levels: those of the config.
        num_dims: D.
    """
    spec = records[0].spec
    settings = spec.model_dump(mode="json", exclude=set(_SAID_ELSEWHERE))
    libraries: dict[str, set[str]] = {}
    for record in records:
        for name, version in record.libraries.items():
            libraries.setdefault(name, set()).add(version)
    return {
        "Recipe": spec.name,
        "Encoder": spec.model,
        "Revision of the encoder": spec.revision or "none",
        "Digest of the weights (BLAKE2b)": spec.weights_digest or "none",
        "Kept": " and ".join(_KINDS[level] for level in levels),
        "Numbers": f"{num_dims:,} a vector, {spec.storage}, calculated in {spec.compute}",
        "Settings": json.dumps(settings, sort_keys=True, ensure_ascii=False),
        "Digest of the settings": records[0].spec_digest,
        "Digest of the utterance ids": _digest_of((one.split, one.number, one.ids_digest) for one in records),
        "Digest of their sources": _digest_of((one.split, one.number, one.source_digest) for one in records),
        "Encoded at once, seconds": _joined(f"{one.max_batch_seconds:g}" for one in records),
        "Calculated on": _joined(record.device for record in records),
        "Libraries": ", ".join(
            f"{name} {' or '.join(sorted(versions))}" for name, versions in sorted(libraries.items())
        ),
    }


def _digest_of(parts: Iterable[tuple[str, int, str]]) -> str:
    """Return one digest of what each shard says; 32 hex digits."""
    return blake2b(json.dumps([*parts]).encode(), digest_size=16).hexdigest()


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(sorted(set(texts)))

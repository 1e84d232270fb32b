"""`features.json`: what is in a set, for people. It is made from the shards, and nothing reads it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from emotalk_data._whole_file import whole_file
from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.errors import CacheWriteError, quote
from emotalk_data.schemas.feature_shard import SUMMARY_NAME

__all__ = ["write_summary", "write_where_new"]

_MAX_FAILURES: Final = 1_000


def write_summary(path: Path) -> FeatureStore:
    """Write the summary of a set anew, where it says something else than before; returns the set, opened.

    What was written is compared once more: of processes that share the work and end together, the one that writes
    last may not have seen the last shard of another.

    Raises:
        CacheCorruptError: a shard is damaged.
        CacheWriteError: it cannot be written.
    """
    target = path / SUMMARY_NAME
    while True:
        store = open_store(path, allow_unfinished=True)
        text = json.dumps(_summary(store), indent=1, ensure_ascii=False) + "\n"
        if not write_where_new(target, text, "The shards are there; the same call writes it."):
            return store


def write_where_new(target: Path, text: str, remedy: str) -> bool:
    """Write a small file, unless it says the same already; returns whether it was written.

    Raises:
        CacheWriteError: it cannot be written; `remedy` says what to do.
    """
    content = text.encode("utf-8", "replace")
    try:
        if target.is_file() and target.read_bytes() == content:
            return False
        with whole_file(target) as file:
            file.write(content)
    except OSError as error:
        raise CacheWriteError(
            f"cannot write {quote(str(target), 200)}: {error.strerror or error}. {remedy}", path=str(target)
        ) from error
    return True


def _summary(store: FeatureStore) -> dict[str, Any]:
    records = store.records
    failures = [
        {"utterance_id": utterance_id, "error": error}
        for utterance_id, error in zip(store.ids(), store.errors, strict=True)
        if error is not None and not error.startswith("missing: ")
    ]
    libraries: dict[str, set[str]] = {}
    for record in records:
        for name, version in record.libraries.items():
            libraries.setdefault(name, set()).add(version)
    return {
        "spec": store.spec.model_dump(mode="json"),
        "spec_digest": records[0].spec_digest,
        "levels": list(store.levels),
        "corpus": store.corpus,
        "is_complete": store.is_complete,
        "num_rows": store.num_rows,
        "counts": store.counts.model_dump(),
        "splits": {
            split: {
                "num_shards": len(store.shards_of(split)),
                "total_shards": store.shards_of(split)[0].record.total,
                **store.counts_of(split).model_dump(),
            }
            for split in store.splits
        },
        "max_batch_seconds": sorted({record.max_batch_seconds for record in records}),
        "devices": sorted({record.device for record in records}),
        "libraries": {name: sorted(versions) for name, versions in sorted(libraries.items())},
        "num_failures": len(failures),
        "failures": failures[:_MAX_FAILURES],
    }

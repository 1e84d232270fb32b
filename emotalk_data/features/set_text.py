"""What a feature set says of itself: its failures, a dict for JSON, and the text that it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from emotalk_data.errors import quote
from emotalk_data.schemas.text_table import text_table

if TYPE_CHECKING:
    from emotalk_data.builder.feature_sets.store import FeatureStore
    from emotalk_data.schemas.feature_shard import ShardCounts

__all__ = ["FailedRow", "failed_rows", "set_dict", "set_text"]

_KINDS = {"utterance": "a vector an utterance", "frame": "a vector a frame"}


class FailedRow(NamedTuple):
    """A row without features.

    Attributes:
        utterance_id: its id.
        code: `missing`, `unreadable`, `refused`, `encoder`, `memory` or `not_finite`.
        reason: in words.
    """

    utterance_id: str
    code: str
    reason: str


def failed_rows(store: FeatureStore, *, with_missing: bool) -> tuple[FailedRow, ...]:
    """Return the rows that failed, in their order; also those that had nothing to encode where asked for."""
    rows = zip(store.ids(), store.errors, strict=True)
    failed = [FailedRow(one, *_code_and_reason(error)) for one, error in rows if error is not None]
    return tuple(row for row in failed if with_missing or row.code != "missing")


def set_dict(store: FeatureStore) -> dict[str, Any]:
    """Return what a set is, and what became of its rows, as JSON can write it."""
    return {
        "path": str(store.path),
        "spec": store.spec.model_dump(mode="json"),
        "corpus": store.corpus,
        "levels": list(store.levels),
        "num_dims": store.num_dims,
        "num_rows": store.num_rows,
        "is_complete": store.is_complete,
        "gaps": list(store.gaps.values()),
        "splits": {split: _numbers(store.counts_of(split)) for split in store.splits},
        "total": _numbers(store.counts),
        "failures": [row._asdict() for row in failed_rows(store, with_missing=True)],
        "devices": sorted({record.device for record in store.records}),
    }


def set_text(store: FeatureStore) -> str:
    """Return what a set is in a few lines, and a table with a line a split."""
    spec, folder = store.spec, quote(str(store.path), 400)[1:-1]
    lines = [
        f"{spec.name}: {' and '.join(_KINDS[level] for level in store.levels)}",
        f"  model     {_shown(spec.model)}, revision {_shown(spec.revision or 'none')}",
        f"  numbers   {store.num_dims:,} a vector, {spec.storage}, calculated in {spec.compute}",
        f"  folder    {folder}{'' if store.is_complete else ' (not finished)'}",
        *(f"  to come   {gap}" for gap in store.gaps.values()),
    ]
    parts = {split: store.counts_of(split) for split in store.splits} | {"all": store.counts}
    table = text_table(
        ["split", "rows", "made", "missing", "failed", "noted", "frames"],
        [[name, *(f"{number:,}" for number in _numbers(part).values())] for name, part in parts.items()],
    )
    return "\n".join([*lines, "", table])


def _shown(text: str) -> str:
    """Escape what would be a command to a terminal: the footer of a file says it."""
    return quote(text, 200)[1:-1]


def _code_and_reason(error: str) -> tuple[str, str]:
    code, _, reason = error.partition(": ")
    return code, reason


def _numbers(counts: ShardCounts) -> dict[str, int]:
    return {"rows": counts.rows, **counts.model_dump()}

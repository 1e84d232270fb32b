"""Rows of a set encoded once more: to see that they are what is stored, or because they had failed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.builder.feature_sets.stored_rows import stored_row
from emotalk_data.errors import OptionError, quote
from emotalk_data.features.running.digests import input_digest
from emotalk_data.features.running.encoding import BatchEncoder
from emotalk_data.features.running.extractors import Ready
from emotalk_data.features.running.failures import failure_of, is_set_up
from emotalk_data.features.running.outcomes import make_row
from emotalk_data.features.running.rebuilding import SameEncoder, places_by_id, ready_again
from emotalk_data.features.running.shard_file import ShardRow
from emotalk_data.schemas.text_table import ShownAsText, text_table

if TYPE_CHECKING:
    import datasets
    from numpy.typing import NDArray

    from emotalk_data.features.hook import Utterance
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["Verification", "VerifiedRow", "tolerance_of", "verify"]

# Of the length of what is stored. Other batch shapes and machines round otherwise; half precision keeps 3 digits
# and bfloat16 2, and both lose some in each layer.
_COMPUTED: Final = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 5e-2}
_STORED: Final = {"float32": 0.0, "float16": 1e-3}


class VerifiedRow(NamedTuple):
    """One row, compared.

    Attributes:
        utterance_id: its id.
        difference: of what was encoded now and what is stored, as a share of the length of what is stored, the
            larger one of vector and frames; None where nothing could be encoded.
        problem: what is wrong, in words; None where nothing is.
    """

    utterance_id: str
    difference: float | None
    problem: str | None


@dataclass(frozen=True, repr=False)
class Verification(ShownAsText):
    """What a comparison found.

    Attributes:
        path: the set.
        tolerance: how far rows may differ, as a share of the length of what is stored.
        rows: those that were compared.
        num_made: rows of the set that have features.
    """

    path: Path
    tolerance: float
    rows: tuple[VerifiedRow, ...]
    num_made: int

    @property
    def is_clean(self) -> bool:
        """Whether all rows that were compared are what is stored."""
        return all(row.problem is None for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can write it."""
        return {
            "path": str(self.path),
            "is_clean": self.is_clean,
            "tolerance": self.tolerance,
            "num_made": self.num_made,
            "rows": [row._asdict() for row in self.rows],
        }

    def __repr__(self) -> str:
        return f"<Verification of {len(self.rows)} rows: {'clean' if self.is_clean else 'not clean'}>"

    def __str__(self) -> str:
        num_odd = sum(row.problem is not None for row in self.rows)
        found = "all are what is stored" if self.is_clean else f"{num_odd} are not what is stored"
        head = (
            f"{len(self.rows)} of {self.num_made:,} rows encoded again: {found} (within {self.tolerance:g})"
        )
        lines = [
            [
                row.utterance_id,
                "-" if row.difference is None else f"{row.difference:.1e}",
                row.problem or "same",
            ]
            for row in self.rows
        ]
        return f"{head}\n\n{text_table(['utterance', 'difference', 'found'], lines)}"


def tolerance_of(spec: FeatureSpec) -> float:
    """Return how far a row may differ when it is made again: ‖new − stored‖ / ‖stored‖."""
    return _COMPUTED[spec.compute] + _STORED[spec.storage]


def verify(
    store: FeatureStore,
    ds: datasets.Dataset | datasets.DatasetDict,
    k: int,
    encoder: SameEncoder,
    *,
    seed: int,
) -> Verification:
    """Encode k rows of a set again, one by one, and compare them with what is stored.

    Rows are chosen by hashes of the seed and their ids: the same ones on every machine.

    Args:
        store: the set.
        ds: what it was made from, or more, or a part; other columns do not matter.
        k: how many of the rows that both have; all where there are fewer.
        encoder: where it is to be had.
        seed: another one chooses other rows.

    Raises:
        OptionError: an option that cannot be, an encoder that is not the set's, or no row to compare.
        ModelError: weights cannot be found, or are not the set's.
        MissingDependencyError: a package of an extra is missing.
        CacheCorruptError: a shard is damaged.
    """
    if not (type(k) is int and k >= 1):
        raise OptionError(f"k is {quote(k)}; expected how many rows, 1 or more.")
    if type(seed) is not int:
        raise OptionError(f"seed is {quote(seed)}; expected a whole number.")
    made = [one for one, error in zip(store.ids(), store.errors, strict=True) if error is None]
    if not made:
        raise OptionError(f"the set {quote(str(store.path), 160)} has no row with features to compare.")
    places = places_by_id(ds, made)
    if not places:
        raise OptionError(
            f"none of the {len(made):,} rows with features of {quote(str(store.path), 160)} is in the dataset; "
            f"the first is {quote(made[0])}."
        )
    chosen = sorted(places, key=lambda one: blake2b(f"{seed}\0{one}".encode(), digest_size=16).digest())[:k]
    ready = ready_again(store, encoder)
    batches = BatchEncoder(ready.extractor, float("inf"))
    rows = []
    for one in sorted(chosen):
        split, row = places[one]
        rows.append(_compared(store, one, split.utterance(row), ready, batches))
    return Verification(store.path, tolerance_of(store.spec), tuple(rows), len(made))


def _compared(
    store: FeatureStore, utterance_id: str, utterance: Utterance, ready: Ready, encoder: BatchEncoder
) -> VerifiedRow:
    stored, digest = _stored(store, utterance_id)
    found = input_digest(utterance, store.spec)
    try:
        value = ready.extractor.prepare(utterance)
        outcome = encoder.encode([value], [1.0])[0]
    except Exception as error:
        if is_set_up(error):
            raise
        outcome = failure_of(error)
    made = make_row(utterance_id, found, outcome, store.spec, store.levels)
    changed = "its input is another one now" if digest is not None and found != digest else None
    if made.error is not None:
        return VerifiedRow(utterance_id, None, "; ".join(filter(None, (changed, made.error))))
    difference = _difference(stored, made)
    is_same = difference <= tolerance_of(store.spec)
    return VerifiedRow(
        utterance_id, difference, changed or (None if is_same else "it differs from what is stored")
    )


def _stored(store: FeatureStore, utterance_id: str) -> tuple[Any, str | None]:
    """Return a row as it is stored, and the digest of its input."""
    number, row = store.place(utterance_id)
    shard = store.shards[number]
    group, row = shard.group_of(row)
    batch = shard.read_group(group, ["utterance_id", *store.columns(), "notes", "error", "input_digest"])
    return stored_row(shard.record, batch, row), batch.column("input_digest")[row].as_py()


def _difference(stored: Any, made: ShardRow) -> float:
    pairs = ((stored.pooled, made.pooled), (stored.frames, made.frames))
    shares = [_share(old, new) for old, new in pairs if old is not None and new is not None]
    return max(shares, default=float("inf"))


def _share(stored: NDArray[Any], made: NDArray[Any]) -> float:
    """Return ‖new − stored‖ / ‖stored‖; infinity for another shape."""
    if stored.shape != made.shape:
        return float("inf")
    old, new = stored.astype(np.float64), made.astype(np.float64)
    length = float(np.linalg.norm(old))
    difference = float(np.linalg.norm(new - old))
    return difference / length if length else (0.0 if not difference else float("inf"))

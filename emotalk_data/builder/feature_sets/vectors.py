"""A vector of each utterance of a set, in one numpy array."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emotalk_data.builder.feature_sets.stored_rows import is_there, vectors_of
from emotalk_data.errors import OptionError, quote

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.builder.feature_sets.shards import Shard
    from emotalk_data.builder.feature_sets.store import FeatureStore

__all__ = ["Vectors", "vectors_by_id"]


class Vectors(NamedTuple):
    """A vector of each utterance.

    Attributes:
        ids: N utterance ids.
        values: float32, shape (N, D); NaN where a row is null.
        is_there: bool, shape (N,): whether a row has a vector.
    """

    ids: tuple[str, ...]
    values: NDArray[np.float32]
    is_there: NDArray[np.bool_]


def vectors_by_id(store: FeatureStore, ids: Iterable[str] | None = None) -> Vectors:
    """Return the vectors of some utterances, or of all. Of a shard its vectors are read, and no frames.

    Args:
        store: the set.
        ids: which utterances, in this order; one may come twice. All, in the set's order, for None.

    Raises:
        OptionError: the set has no such utterance, or no vectors of utterances.
        CacheCorruptError: a shard is damaged.
    """
    store.levels_asked("utterance")
    chosen = store.ids() if ids is None else _checked(ids)
    rows_of_shard: dict[int, list[tuple[int, int]]] = {}
    for target, utterance_id in enumerate(chosen):
        number, row = store.place(utterance_id)
        rows_of_shard.setdefault(number, []).append((target, row))
    values = np.full((len(chosen), store.num_dims), np.nan, np.float32)
    valid = np.zeros(len(chosen), bool)
    for number, pairs in rows_of_shard.items():
        vectors, is_valid = _of_shard(store.shards[number], store.spec.column)
        targets, rows = np.array(pairs).T
        values[targets], valid[targets] = vectors[rows], is_valid[rows]
    return Vectors(chosen, values, valid)


def _of_shard(shard: Shard, column: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the vectors of a shard, NaN for null, and which are there."""
    values = np.full((len(shard.ids), shard.num_dims), np.nan, np.float32)
    valid = np.zeros(len(shard.ids), bool)
    for start, batch in shard.groups([column]):
        read = batch.column(0)
        here = slice(start, start + len(read))
        valid[here] = is_there(read)
        values[here][valid[here]] = vectors_of(read)
    return values, valid


def _checked(ids: Iterable[str]) -> tuple[str, ...]:
    if isinstance(ids, str | bytes) or not isinstance(ids, Iterable):
        raise OptionError(f"ids is {quote(ids)}; expected utterance ids, such as ds['utterance_id'].")
    return tuple(ids)

"""Feature sets that `load_dataset` is asked for: opened before anything is built, joined with what it loaded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeAlias

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.errors import OptionError, quote

__all__ = ["AnyFeatureSet", "HasStore", "join_sets", "open_sets"]


class HasStore(Protocol):
    """What holds an opened set, such as `emotalk_data.FeatureSet`."""

    @property
    def store(self) -> FeatureStore:
        """The opened folder."""
        ...


AnyFeatureSet: TypeAlias = str | os.PathLike[str] | FeatureStore | HasStore


def open_sets(
    given: AnyFeatureSet | Iterable[AnyFeatureSet], corpus: str, *, is_streaming: bool
) -> list[FeatureStore]:
    """Open sets, and refuse what does not belong together.

    Args:
        given: folders or opened sets; one or several.
        corpus: that they are to be joined with.
        is_streaming: whether its rows are to be streamed.

    Raises:
        OptionError: a set is not there or not finished, is of the other corpus, or two have the same columns; or
            rows are streamed.
        CacheCorruptError: a shard is damaged.
    """
    if is_streaming:
        raise OptionError(
            "feature_sets needs the table that streaming=True does not keep: leave one of them out."
        )
    stores: list[FeatureStore] = []
    for one in _listed(given):
        store = _opened(one)
        if store.corpus not in (None, corpus):
            raise OptionError(
                f"the feature set {quote(str(store.path), 160)} is of {store.corpus}, and {corpus} is asked for: "
                f"load_dataset({store.corpus!r}, …, feature_sets=…)."
            )
        same = next((other for other in stores if other.spec.column == store.spec.column), None)
        if same is not None:
            raise OptionError(
                f"the feature sets {quote(str(same.path), 120)} and {quote(str(store.path), 120)} both have "
                f"columns of the name {store.spec.column!r}. Load with one, rename them with ds.rename_columns, "
                f"then join the other: FeatureSet.open(…).join(ds)."
            )
        stores.append(store)
    return stores


def join_sets(
    stores: Sequence[FeatureStore], loaded: Any, *, cache_dir: str | os.PathLike[str] | None
) -> Any:
    """Join sets with what `load_dataset` has loaded: a dataset, a dict, or a list where several were asked for.

    Raises:
        OptionError: a row is not in a set.
        CacheCorruptError: a shard is damaged.
        CacheWriteError: the mapped files cannot be written.
    """
    if isinstance(loaded, list):
        return [join_sets(stores, one, cache_dir=cache_dir) for one in loaded]
    for store in stores:
        loaded = store.join(loaded, cache_dir=cache_dir)
    return loaded


def _listed(given: Any) -> list[Any]:
    is_one = isinstance(given, str | os.PathLike) or not isinstance(given, Iterable)
    return [given] if is_one else list(given)


def _opened(given: Any) -> FeatureStore:
    store = getattr(given, "store", given)
    return store if isinstance(store, FeatureStore) else open_store(store)

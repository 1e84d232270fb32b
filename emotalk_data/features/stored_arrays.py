"""Features of a set as arrays and tensors of the caller's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emotalk_data._optional import require
from emotalk_data.builder.feature_sets.vectors import vectors_by_id
from emotalk_data.errors import ExtractionError, quote

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from emotalk_data.builder.feature_sets.store import FeatureStore

__all__ = ["Frames", "Tensors", "frames_by_id", "tensors_by_id"]


class Frames(NamedTuple):
    """The frames of one utterance.

    Attributes:
        values: float32, shape (T, D).
        seconds: float32, shape (T,): middle of each frame, from the utterance's start; None for text.
    """

    values: NDArray[np.float32]
    seconds: NDArray[np.float32] | None


class Tensors(NamedTuple):
    """A vector of each utterance, as torch tensors on the CPU.

    Attributes:
        ids: N utterance ids.
        values: float32, shape (N, D); NaN where a row is null.
        is_there: bool, shape (N,).
    """

    ids: tuple[str, ...]
    values: torch.Tensor
    is_there: torch.Tensor


def frames_by_id(store: FeatureStore, utterance_id: str) -> Frames:
    """Return the frames of one utterance, in arrays of their own.

    Raises:
        OptionError: the set has no such utterance, or no frames.
        ExtractionError: the row is null; says why.
        CacheCorruptError: its shard is damaged.
    """
    store.levels_asked("frame")
    row = store.row(utterance_id)
    if row.frames is None:
        shown = quote(utterance_id)[1:-1]
        raise ExtractionError(
            f"{shown} has no frames: {quote(row.error, 400)[1:-1]}", path=str(store.path), utterance_id=shown
        )
    seconds = None if row.seconds is None else row.seconds.astype(np.float32)
    return Frames(row.frames.astype(np.float32), seconds)


def tensors_by_id(store: FeatureStore, ids: Iterable[str] | None = None) -> Tensors:
    """Return a vector of each utterance as tensors, in memory of their own.

    Raises:
        MissingDependencyError: torch is not installed.
        OptionError: the set has no such utterance, or no vectors of utterances.
        CacheCorruptError: a shard is damaged.
    """
    torch = require("torch", extra="torch", purpose="give features as tensors")
    vectors = vectors_by_id(store, ids)
    return Tensors(vectors.ids, torch.from_numpy(vectors.values), torch.from_numpy(vectors.is_there))

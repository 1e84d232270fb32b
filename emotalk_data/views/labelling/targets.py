"""What a label can be made of: counts of votes, shares, an order of importance, and how far annotators agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import datasets
import numpy as np
import pyarrow as pa

from emotalk_data.builder.side_columns import NewColumn
from emotalk_data.schemas.rules import FIRST_IMPORTANCE
from emotalk_data.views.annotators.votes import Votes
from emotalk_data.views.columns import NO_LABEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "TARGETS",
    "Target",
    "importance",
    "list_column",
    "mean_confidence",
    "mean_confidences",
    "num_annotators",
    "num_voters",
    "ranked_column",
    "ratio",
    "to_classes",
    "vote_agreement",
    "vote_entropy",
]

Target = Literal["hard", "soft", "votes", "ranked"]
TARGETS: Final[tuple[Target, ...]] = ("hard", "soft", "votes", "ranked")


def num_annotators(found: Votes) -> NDArray[np.int64]:
    """Return how many annotators gave each label, in whatever place, shape (rows, labels).

    A label that an annotator gave twice counts once. `Votes.counts` counts first labels only.
    """
    kept = _distinct(found)
    counts = np.zeros((found.num_rows, len(found.names)), np.int64)
    np.add.at(counts, (kept.rows, kept.emotions), 1)
    return counts


def num_voters(found: Votes) -> NDArray[np.int64]:
    """Return how many annotators gave a label at all, shape (rows,)."""
    given = found.select(found.emotions != NO_LABEL)
    width = int(found.annotators.max(initial=0)) + 1
    voters = np.unique(given.rows * width + given.annotators)
    return np.bincount(voters // width, minlength=found.num_rows)


def importance(found: Votes) -> NDArray[np.int64]:
    """Return the summed importance of each label, int64, shape (rows, labels).

    An annotator's first label has 7, the second 6, and so on; a label that an annotator gave twice counts once,
    in its first place. M3ED's paper orders a blend by it.
    """
    kept = _distinct(found)
    sums = np.zeros((found.num_rows, len(found.names)), np.int64)
    np.add.at(sums, (kept.rows, kept.emotions), FIRST_IMPORTANCE - kept.ranks)
    return sums


def mean_confidences(found: Votes) -> NDArray[np.float64]:
    """Return the mean confidence of the annotators who chose each label, shape (rows, labels).

    -inf for a label that nobody chose with a confidence.
    """
    kept = found.select((found.emotions != NO_LABEL) & ~np.isnan(found.confidences))
    sums = np.zeros((found.num_rows, len(found.names)))
    counts = np.zeros(sums.shape, np.int64)
    np.add.at(sums, (kept.rows, kept.emotions), kept.confidences)
    np.add.at(counts, (kept.rows, kept.emotions), 1)
    return ratio(sums, counts, -np.inf)


def mean_confidence(found: Votes) -> NDArray[np.float64]:
    """Return the mean confidence of the annotators who chose a label, shape (rows,); NaN without any."""
    kept = found.select((found.emotions != NO_LABEL) & ~np.isnan(found.confidences))
    counts = np.bincount(kept.rows, minlength=found.num_rows)
    sums = np.bincount(kept.rows, kept.confidences, minlength=found.num_rows)
    return ratio(sums, counts, np.nan)


def vote_agreement(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of annotators who gave the most frequent first label, shape (rows,); NaN without votes.

    Args:
        counts: `Votes.counts()`, shape (rows, labels).
    """
    return ratio(counts.max(axis=1), counts.sum(axis=1), np.nan)


def vote_entropy(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the entropy of the first labels in nats, shape (rows,): 0 when all agree; NaN without votes.

    Args:
        counts: `Votes.counts()`, shape (rows, labels).
    """
    totals = counts.sum(axis=1, keepdims=True)
    shares = ratio(counts, totals, 0.0)
    logarithms = np.log(shares, out=np.zeros(counts.shape), where=shares > 0)
    entropy: NDArray[np.float64] = np.abs((shares * logarithms).sum(axis=1))  # abs: no -0.0
    return np.where(totals[:, 0] > 0, entropy, np.nan)


def ratio(parts: NDArray[Any], wholes: NDArray[Any], otherwise: float) -> NDArray[np.float64]:
    """Return parts / wholes; `otherwise` where the whole is 0."""
    result = np.full(np.broadcast(parts, wholes).shape, otherwise)
    np.divide(parts, wholes, out=result, where=wholes > 0)
    return result


def to_classes(
    values: NDArray[np.int64] | NDArray[np.float64], places: NDArray[np.int64], num_classes: int
) -> NDArray[np.float64]:
    """Reorder the labels of votes into the classes of a task, shape (rows, classes); what is no class goes.

    Args:
        values: a number for each label, shape (rows, labels).
        places: the class of each label; -1 for none. No two labels have the same.
        num_classes: how many classes there are.
    """
    inside = np.flatnonzero(places != NO_LABEL)
    result = np.zeros((len(values), num_classes))
    result[:, places[inside]] = values[:, inside]
    return result


def list_column(values: NDArray[np.float64], labelled: NDArray[np.bool_], dtype: str) -> NewColumn:
    """Return a column of lists of one length, null where `labelled` is not set.

    Args:
        values: shape (rows, length).
        labelled: which rows have a value, shape (rows,).
        dtype: of the numbers: `float32` or `int32`.
    """
    width = values.shape[1]
    flat = pa.array(np.where(labelled[:, None], values, 0).astype(dtype).ravel())
    lists = pa.FixedSizeListArray.from_arrays(flat, width, mask=pa.array(~labelled))
    return NewColumn(lists, datasets.List(datasets.Value(dtype), length=width))


def ranked_column(
    scores: NDArray[np.float64], labelled: NDArray[np.bool_], classes: tuple[str, ...]
) -> NewColumn:
    """Return a column of class ids, the largest score first, the lower id first among equals.

    Args:
        scores: shape (rows, classes); -inf keeps a class out of the list.
        labelled: which rows have a list; the others are null.
        classes: their names.
    """
    # Means of tenths differ in their last bits when they are of different sums: equal means are made equal.
    scores = np.where(labelled[:, None], np.round(scores, 9), -np.inf)
    lengths = np.isfinite(scores).sum(axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    ids = order[np.arange(scores.shape[1]) < lengths[:, None]]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(ids, pa.int64()), mask=pa.array(~labelled))
    return NewColumn(lists, datasets.List(datasets.ClassLabel(names=list(classes))))


def _distinct(found: Votes) -> Votes:
    """Return the votes with a label, each label of an annotator once, where it has its best place."""
    found = found.select(found.emotions != NO_LABEL)
    width = int(found.annotators.max(initial=0)) + 1
    keys = (found.rows * width + found.annotators) * len(found.names) + found.emotions
    order = np.lexsort((found.ranks, keys))
    ordered = keys[order]
    is_first = np.ones(len(ordered), bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    keep = np.zeros(len(keys), bool)
    keep[order[is_first]] = True
    return found.select(keep)

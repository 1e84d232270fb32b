"""Metrics of classes: of all the rows by scikit-learn, and of many resamples from sums.

scikit-learn takes milliseconds for one metric of one resample; a thousand resamples of five metrics would take
minutes. Each of these metrics needs nothing but how often each class is right, labelled and predicted, and those
counts can be added up once for each cluster. A test holds both ways against each other.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from emotalk_data._optional import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["confusion", "each_class", "estimates", "members", "rates", "tallies"]


def members(values: NDArray[Any], num_classes: int) -> NDArray[np.bool_]:
    """Return which classes each row has, shape (rows, classes), from ids or from 0 and 1 for each class."""
    flags: NDArray[np.bool_] = values == 1 if values.ndim > 1 else values[:, None] == np.arange(num_classes)
    return flags


def estimates(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], num_classes: int
) -> dict[str, float]:
    """Return the metrics of all rows, by scikit-learn; NaN where one is undefined.

    Args:
        labels: ids, shape (rows,), or 0 and 1 of shape (rows, classes).
        predictions: the same. An id of -1 is no class, so wrong.
        num_classes: ids of labels are below this number.
    """
    sklearn = _sklearn()
    # Classes that occur in no label have no recall, and a weight of 0.
    occurring = np.flatnonzero(members(labels, num_classes).any(0)).tolist()

    def f1(average: str) -> float:
        if not occurring:
            return math.nan
        return float(
            sklearn.f1_score(labels, predictions, labels=occurring, average=average, zero_division=0)
        )

    if labels.ndim > 1:
        return {
            "subset_accuracy": float(sklearn.accuracy_score(labels, predictions)),
            "micro_f1": float(sklearn.f1_score(labels, predictions, average="micro", zero_division=np.nan)),
            "macro_f1": f1("macro"),
            "weighted_f1": f1("weighted"),
            "hamming_loss": float(sklearn.hamming_loss(labels, predictions)),
        }
    if not occurring:
        return {"accuracy": math.nan, "weighted_f1": math.nan, "unweighted_average_recall": math.nan}
    recall = sklearn.recall_score(labels, predictions, labels=occurring, average="macro", zero_division=0)
    return {
        "accuracy": float(sklearn.accuracy_score(labels, predictions)),
        "weighted_f1": f1("weighted"),
        "unweighted_average_recall": float(recall),
    }


def each_class(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], num_classes: int
) -> tuple[NDArray[np.float64], ...]:
    """Return precision, recall, F1 and the number of labels of each class, by scikit-learn; NaN if undefined."""
    found: tuple[NDArray[np.float64], ...] = _sklearn().precision_recall_fscore_support(
        labels, predictions, labels=np.arange(num_classes), average=None, zero_division=np.nan
    )
    return found


def confusion(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], num_classes: int
) -> tuple[tuple[int, ...], ...]:
    """Return how many rows of each class (outer) were predicted as each class (inner)."""
    counts = _sklearn().confusion_matrix(labels, predictions, labels=np.arange(num_classes))
    return tuple(tuple(map(int, row)) for row in counts)


def tallies(labels: NDArray[np.bool_], predictions: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each row what `rates` needs of it.

    Args:
        labels: which classes each row has, shape (rows, classes).
        predictions: which were predicted.

    Returns:
        shape (rows, 2 + 3 * classes): 1; whether all classes are right; and for each class whether it was found,
        whether it is there, whether it was predicted.
    """
    right = (labels == predictions).all(1, keepdims=True)
    parts = [np.ones_like(right), right, labels & predictions, labels, predictions]
    return np.hstack(parts).astype(np.int64)


def rates(sums: NDArray[np.int64], num_classes: int) -> dict[str, NDArray[np.float64]]:
    """Return every metric from sums of `tallies`, shape (resamples,) each; NaN where one is undefined."""
    rows, right = sums[:, 0], sums[:, 1]
    found, labelled, predicted = (
        sums[:, 2 + part * num_classes : 2 + (part + 1) * num_classes] for part in range(3)
    )
    both = labelled + predicted
    occurs = labelled > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where(occurs, 2 * found / both, 0.0)
        recall = np.where(occurs, found / labelled, 0.0)
        num_occurring = occurs.sum(1)
        return {
            "accuracy": right / rows,
            "subset_accuracy": right / rows,
            "micro_f1": 2 * found.sum(1) / both.sum(1),
            "macro_f1": f1.sum(1) / num_occurring,
            "weighted_f1": (f1 * labelled).sum(1) / labelled.sum(1),
            "unweighted_average_recall": recall.sum(1) / num_occurring,
            "hamming_loss": (both - 2 * found).sum(1) / (rows * num_classes),
        }


def _sklearn() -> Any:
    return require("sklearn.metrics", extra="views", purpose="score predictions")

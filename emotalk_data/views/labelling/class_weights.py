"""Weights of classes for a loss, from how often each is the label."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Literal

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.errors import OptionError, quote
from emotalk_data.views.columns import NO_LABEL, check_dataset, choose, is_number, label_ids
from emotalk_data.views.columns import column as stored_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scheme", "class_weights"]

Scheme = Literal["balanced", "inverse_sqrt", "effective_number"]
_log: Final = logging.getLogger(__name__)

_SCHEMES: Final = ("balanced", "inverse_sqrt", "effective_number")


def class_weights(
    dataset: datasets.Dataset, *, column: str = "label", scheme: Scheme = "balanced", beta: float = 0.999
) -> NDArray[np.float64]:
    """Return a weight for each class, float64, in the order of the classes.

    In every scheme the mean weight of the labels is 1, so that a loss keeps its scale. Null labels do not
    count. A class without a row gets 0, and a line of the log names it: no finite weight would balance it.

    Args:
        dataset: the rows that are trained on; compute weights on the training split only.
        column: labels, or lists with a number for each class, such as soft labels and blends: their sums count.
        scheme: `balanced`: n / (k * count) with n labels of k classes that have rows, as scikit-learn does.
            `inverse_sqrt`: in proportion to 1 / sqrt(count), which evens out less.
            `effective_number`: in proportion to (1 - beta) / (1 - beta ** count) (Cui and others, CVPR 2019).
        beta: of `effective_number`, from 0 (all classes alike) to below 1 (towards `balanced`).

    Raises:
        OptionError: an unknown scheme, a beta that cannot be, no such column, one without classes, or no label
            at all in it.
    """
    choose("scheme", scheme, _SCHEMES)
    if not (is_number(beta) and 0 <= beta < 1):
        raise OptionError(f"beta is {quote(beta)}; expected a number from 0 to below 1.")
    check_dataset(dataset, [column])
    names, counts = _counts(dataset, column)
    present = counts > 0
    if not present.any():
        raise OptionError(
            f"the column {column!r} has no label in {dataset.num_rows:,} rows; nothing to weigh."
        )
    weights = np.zeros(len(counts))
    weights[present] = _rarity(counts[present], scheme, beta)
    weights *= counts.sum() / (weights * counts).sum()
    if not present.all():
        absent = [name for name, is_there in zip(names, present, strict=True) if not is_there]
        _log.warning("no row has the label %s: the weight is 0.", ", ".join(absent))
    return weights


def _rarity(counts: NDArray[np.float64], scheme: Scheme, beta: float) -> NDArray[np.float64]:
    if scheme == "balanced":
        return 1 / counts
    if scheme == "inverse_sqrt":
        return 1 / np.sqrt(counts)
    # As -expm1(count * log(beta)): 1 - beta ** count would lose all digits for a beta next to 1.
    return np.ones(len(counts)) if beta == 0 else -1 / np.expm1(counts * np.log(beta))


def _holds_numbers(feature: object) -> bool:
    return isinstance(feature, datasets.Value) and feature.dtype.startswith(("float", "int", "uint"))


def _odd(values: NDArray[np.float64]) -> str:
    """Return the first number that is below 0, infinite or null."""
    value = values[~((values >= 0) & (values < np.inf))][0]
    return "null" if np.isnan(value) else f"{value:g}"


def _counts(dataset: datasets.Dataset, name: str) -> tuple[list[str], NDArray[np.float64]]:
    """Return the names of the classes and how often each is the label."""
    feature: Any = dataset.features[name]
    if isinstance(feature, datasets.ClassLabel):
        ids = label_ids(dataset, name)
        counts = np.bincount(ids[ids != NO_LABEL], minlength=feature.num_classes)
        return list(feature.names), counts.astype(np.float64)
    if isinstance(feature, datasets.List) and feature.length > 0 and _holds_numbers(feature.feature):
        flat = pc.list_flatten(stored_values(dataset, name)).cast(pa.float64())
        values = np.asarray(pc.fill_null(flat, np.nan)).reshape(-1, feature.length)
        if not (values >= 0).all() or np.isinf(values).any():
            raise OptionError(f"the column {name!r} has a list with {_odd(values)}; expected numbers from 0.")
        return [str(number) for number in range(feature.length)], values.sum(axis=0)
    raise OptionError(
        f"the column {name!r} has the type {quote(feature)}; expected labels, or lists with a number a class."
    )

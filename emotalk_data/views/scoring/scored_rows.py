"""Labels and predictions as arrays, without the rows that have no label: what `score` computes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emotalk_data.errors import OptionError, quote
from emotalk_data.views.labelling.tasks import POLARITIES, SAME_SENTIMENT, SENTIMENT_BINS, Task

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ScoredRows", "class_names", "scored_rows"]

_NUM_CLASSES: Final = {
    "emotion7": 7,
    "emotion4": 4,
    "sentiment5": len(SENTIMENT_BINS),
    "polarity": len(POLARITIES),
}
_NAMES: Final = {"sentiment5": SENTIMENT_BINS, "polarity": POLARITIES}
_NULL_IDS: Final = (-1, -100)  # null in an array of ids, and in the batches of the loaders
_SENTIMENTS: Final = (-2.0, 2.0)


class ScoredRows(NamedTuple):
    """The rows that have a label.

    Attributes:
        num_rows: how many rows were given.
        rows: int64, where they were among the rows that were given, shape (scored rows,).
        labels: int64 ids, shape (scored rows,); float64 for `sentiment`; 0 or 1 of shape (scored rows, classes)
            for `multilabel`.
        predictions: the same.
    """

    num_rows: int
    rows: NDArray[np.int64]
    labels: NDArray[Any]
    predictions: NDArray[Any]


def scored_rows(
    labels: ArrayLike | Sequence[Any],
    predictions: ArrayLike | Sequence[Any],
    task: Task,
) -> ScoredRows:
    """Return the rows that have a label, after a look at every value.

    Raises:
        OptionError: not as many predictions as labels, a value that the task does not have, a prediction that is
            null where the label is not, or no label at all; says in which row.
    """
    multilabel = task == "multilabel"
    truth, guess = (
        _matrix(name, values) if multilabel else _vector(name, values)
        for name, values in (("labels", labels), ("predictions", predictions))
    )
    if truth.shape != guess.shape:
        raise OptionError(
            f"labels has the shape {truth.shape}, predictions {guess.shape}; expected a prediction for each row."
        )
    null = np.isnan(truth) if task == "sentiment" else np.isnan(truth) | np.isin(truth, _NULL_IDS)
    rows = np.flatnonzero(~null.all(1) if multilabel else ~null)
    if not len(rows):
        raise OptionError(f"none of the {len(truth)} rows has a label; there is nothing to score.")
    for name, values in (("labels", truth), ("predictions", guess)):
        _check_values(name, values[rows], rows, task)
    kind = np.float64 if task == "sentiment" else np.int64
    return ScoredRows(len(truth), rows, truth[rows].astype(kind), guess[rows].astype(kind))


def class_names(task: Task, names: Sequence[str] | None, rows: ScoredRows) -> tuple[str, ...]:
    """Return a name for each class of a task; none for `sentiment`.

    Raises:
        OptionError: not as many names as the task has classes, or one name twice.
    """
    if task == "sentiment":
        if names is not None:
            raise OptionError("names was given for 'sentiment', which has no classes; leave it out.")
        return ()
    if isinstance(names, str) or not (names is None or isinstance(names, Iterable)):
        raise OptionError(f"names is {quote(names)}; expected a list of texts, one for each class.")
    num_classes = rows.labels.shape[1] if task == "multilabel" else _NUM_CLASSES[task]
    given = tuple(names if names is not None else _NAMES.get(task, map(str, range(num_classes))))
    if (
        len(given) != num_classes
        or len(set(given)) != num_classes
        or not all(isinstance(n, str) for n in given)
    ):
        raise OptionError(f"names is {quote(given)}; expected {num_classes} different texts for {task!r}.")
    return given


def _check_values(name: str, values: NDArray[np.float64], rows: NDArray[np.int64], task: Task) -> None:
    """Refuse what is no value of the task; `rows` are the numbers of the rows that the values are of."""
    null = np.isnan(values)
    if task == "sentiment":
        low, high = _SENTIMENTS
        is_inside = (values >= low - SAME_SENTIMENT) & (values <= high + SAME_SENTIMENT)
        wrong = null | np.isinf(values) if name == "predictions" else ~is_inside
        expected = "a finite number" if name == "predictions" else f"a sentiment from {low:g} to {high:g}"
    elif task == "multilabel":
        wrong = ~np.isin(values, (0, 1))
        expected = "0 or 1 for each class (shares and probabilities need a threshold first)"
    else:
        highest = _NUM_CLASSES[task] - 1
        wrong = ~np.isin(values, np.arange(highest + 1))
        expected = f"the id of a class of {task!r}, a whole number from 0 to {highest}"
    if wrong.any():
        place = np.argwhere(wrong)[0]
        value = values[tuple(place)]
        shown = "null" if np.isnan(value) else f"{value:g}"
        raise OptionError(f"{name} is {shown} in row {rows[place[0]]}; expected {expected}.")


def _vector(name: str, values: Any) -> NDArray[np.float64]:
    """Return one number for each row, NaN for null."""
    array = _numbers(name, _rows(name, values))
    if array.ndim != 1:
        raise OptionError(
            f"{name} has the shape {array.shape}; expected one value for each row (of scores, take the argmax)."
        )
    return array


def _matrix(name: str, values: Any) -> NDArray[np.float64]:
    """Return a number for each row and class, NaN for a row that is null."""
    rows = _rows(name, values)
    if isinstance(rows, list) and any(row is None for row in rows):
        width = next((len(row) for row in rows if hasattr(row, "__len__")), 0)
        rows = [[np.nan] * width if row is None else row for row in rows]
    array = _numbers(name, rows)
    if array.ndim != 2 or array.shape[1] < 2:
        raise OptionError(f"{name} has the shape {array.shape}; expected (rows, classes) for 'multilabel'.")
    return array


def _rows(name: str, values: Any) -> Any:
    """Return what numpy can take: an array or a tensor as it is, anything else as a list of its rows."""
    if hasattr(values, "__array__"):
        return values
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise OptionError(
            f"{name} is a {type(values).__name__}; expected an array or a list, a value for each row."
        )
    return list(values)


def _numbers(name: str, values: Any) -> NDArray[np.float64]:
    """Return numbers; None becomes NaN."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO":
            raise TypeError(array.dtype)
        return array.astype(np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor that holds gradients
        raise OptionError(
            f"{name} is not an array of numbers; expected ids or numbers, in rows of one length."
        ) from error

"""Predictions scored as the corpora's papers score them, with intervals over dialogues or speakers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emotalk_data.schemas.text_table import ShownAsText, text_table
from emotalk_data.views.columns import choose
from emotalk_data.views.intervals import (
    Interval,
    bootstrap,
    check_resampling,
    number_clusters,
    percentile,
    resampled_sums,
)
from emotalk_data.views.labelling.tasks import SAME_SENTIMENT, TASKS, Task
from emotalk_data.views.scoring.class_metrics import confusion, each_class, estimates, members, rates, tallies
from emotalk_data.views.scoring.scored_rows import ScoredRows, class_names, scored_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ClassScore", "Scores", "score"]

_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How one class was found.

    Attributes:
        name: of the class.
        num_labels: rows whose label it is.
        num_predictions: rows for which it was predicted.
        precision: share of the predictions that are right; NaN without predictions.
        recall: share of the labels that were found; NaN without labels.
        f1: harmonic mean of the two; NaN with neither.
    """

    name: str
    num_labels: int
    num_predictions: int
    precision: float
    recall: float
    f1: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can write them: None for NaN."""
        return {name: None if value != value else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Scores(ShownAsText):
    """How predictions do against labels.

    Rows scored and rows without a label add up to all the rows.

    Attributes:
        task: what was predicted.
        num_rows: rows that were given.
        num_scored: those with a label.
        num_unlabelled: those without, which count for nothing.
        num_zero_labels: `sentiment` only: rows scored whose label is exactly 0. They have no polarity, and count
            for the error and the correlation alone. None for other tasks.
        num_zero_predictions: `sentiment` only: predictions of exactly 0 for the other rows. They have no polarity
            either and so are wrong. None for other tasks.
        metrics: name to value, with an interval where clusters were given.
        classes: each class by itself; none for `sentiment`.
        confusion: rows of each class (outer) that were predicted as each class (inner); None for `sentiment` and
            `multilabel`.
    """

    task: Task
    num_rows: int
    num_scored: int
    num_unlabelled: int
    num_zero_labels: int | None
    num_zero_predictions: int | None
    metrics: Mapping[str, Interval]
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...] | None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can write it: None for what is undefined."""
        return {
            **vars(self),
            "metrics": {name: value.to_dict() for name, value in self.metrics.items()},
            "classes": [one.to_dict() for one in self.classes],
            "confusion": self.confusion and [list(row) for row in self.confusion],
        }

    def __str__(self) -> str:
        head = (
            f"{self.task}: {self.num_scored:,} rows scored, {self.num_unlabelled:,} without a label left out"
        )
        if self.num_zero_labels is not None:
            head += (
                f"\nlabels of exactly 0, without polarity: {self.num_zero_labels:,}; "
                f"predictions of exactly 0 for the others: {self.num_zero_predictions:,}"
            )
        values = [
            (name.replace("_", " ").replace("f1", "F1"), str(value)) for name, value in self.metrics.items()
        ]
        shown = "[95 % interval]" if next(iter(self.metrics.values())).resamples else "value"
        parts = [head, text_table(("metric", shown), values), self._how()]
        if self.classes:
            parts.append(self._class_table())
        if self.confusion:
            names = [one.name for one in self.classes]
            rows = [(name, *map(str, row)) for name, row in zip(names, self.confusion, strict=True)]
            parts.append(text_table(("label \\ prediction", *names), rows))
        return "\n".join(parts)

    def _how(self) -> str:
        one = next(iter(self.metrics.values()))
        if not one.num_clusters:
            return "no intervals: no clusters were given"
        if not one.resamples:
            return "no intervals: none were asked for, or there are fewer than two clusters"
        return f"intervals from {one.resamples:,} resamples of {one.num_clusters:,} clusters"

    def _class_table(self) -> str:
        rows = [
            (
                one.name,
                f"{one.num_labels:,}",
                f"{one.num_predictions:,}",
                *(
                    "-" if math.isnan(value) else f"{value:.3f}"
                    for value in (one.precision, one.recall, one.f1)
                ),
            )
            for one in self.classes
        ]
        return text_table(("class", "labels", "predictions", "precision", "recall", "F1"), rows)


def score(
    labels: ArrayLike | Sequence[Any],
    predictions: ArrayLike | Sequence[Any],
    *,
    task: Task,
    names: Sequence[str] | None = None,
    clusters: ArrayLike | Sequence[object] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Scores:
    """Return how predictions do against labels, by the metrics of the papers, from scikit-learn.

    `emotion7`, `emotion4`, `sentiment5`, `polarity`: accuracy, weighted F1, and unweighted average recall, which
    is the mean of the recalls of those classes that occur in the labels.

    `sentiment`: mean absolute error, Pearson's r, and accuracy and weighted F1 of the polarity, negative or
    positive, in the rows whose label is not 0.

    `multilabel`: subset accuracy (all classes of a row are right), F1 micro, macro (over the classes that occur
    in the labels) and weighted, and the Hamming loss.

    Args:
        labels: one value a row, as `label_view` gives them: ids, sentiments, or for `multilabel` 0 or 1 for each
            class. None and NaN are rows without a label; so are -1 and -100, but for `sentiment`.
        predictions: as many, of the same kind; decisions, not probabilities. Looked at where there is a label.
        task: what was predicted.
        names: of the classes, in the order of their ids; the ids if omitted, or the words of `sentiment5` and
            `polarity`.
        clusters: an id for each row, of its dialogue or speaker: gives 95 % intervals by drawing whole clusters.
        resamples: how many to draw.
        seed: a whole number from 0.

    Raises:
        OptionError: an unknown task, arrays of unlike length, a value that the task does not have, a prediction
            that is null, no label at all, or clusters that cannot be; says in which row.
        MissingDependencyError: scikit-learn is not installed.
    """
    choose("task", task, TASKS)
    check_resampling(resamples, seed)
    rows = scored_rows(labels, predictions, task)
    classes = class_names(task, names, rows)
    groups = None
    if clusters is not None:
        numbers, _ = number_clusters(clusters, rows.num_rows)
        groups = number_clusters(numbers[rows.rows])[0]
    drawn = _Drawn(groups, resamples, seed)
    is_sentiment, has_confusion = task == "sentiment", task not in ("sentiment", "multilabel")
    polar = _is_polar(rows)
    return Scores(
        task=task,
        num_rows=rows.num_rows,
        num_scored=len(rows.rows),
        num_unlabelled=rows.num_rows - len(rows.rows),
        num_zero_labels=int((~polar).sum()) if is_sentiment else None,
        num_zero_predictions=int((rows.predictions[polar] == 0).sum()) if is_sentiment else None,
        metrics=_of_sentiment(rows, drawn) if is_sentiment else _of_classes(rows, len(classes), drawn),
        classes=_each_class(rows, classes),
        confusion=confusion(rows.labels, rows.predictions, len(classes)) if has_confusion else None,
    )


class _Drawn(NamedTuple):
    """How to draw for the intervals; `groups` is the cluster of each scored row, None without clusters."""

    groups: NDArray[np.int64] | None
    resamples: int
    seed: int

    def of_sums(
        self, estimate: dict[str, float], tallied: NDArray[np.int64], num_classes: int
    ) -> dict[str, Interval]:
        """Return the interval of each metric of classes, from the tallies of each row."""
        if self.groups is None:
            return {
                name: percentile(value, (), level=_LEVEL, num_clusters=0) for name, value in estimate.items()
            }
        num_clusters = int(self.groups.max()) + 1
        sums = np.zeros((num_clusters, tallied.shape[1]), np.int64)
        np.add.at(sums, self.groups, tallied)
        values = rates(resampled_sums(sums, self.resamples, self.seed), num_classes)
        return {
            name: percentile(value, values[name], level=_LEVEL, num_clusters=num_clusters)
            for name, value in estimate.items()
        }

    def of_rows(self, statistic: Callable[[NDArray[np.int64]], float], num_rows: int) -> Interval:
        """Return the interval of a statistic of row numbers."""
        if self.groups is None:
            return percentile(statistic(np.arange(num_rows)), (), level=_LEVEL, num_clusters=0)
        return bootstrap(statistic, self.groups, resamples=self.resamples, seed=self.seed, level=_LEVEL)


def _of_classes(rows: ScoredRows, num_classes: int, drawn: _Drawn) -> dict[str, Interval]:
    tallied = tallies(members(rows.labels, num_classes), members(rows.predictions, num_classes))
    return drawn.of_sums(estimates(rows.labels, rows.predictions, num_classes), tallied, num_classes)


def _of_sentiment(rows: ScoredRows, drawn: _Drawn) -> dict[str, Interval]:
    labels, predictions = rows.labels, rows.predictions
    polar = _is_polar(rows)
    # 0 negative, 1 positive, -1 neither.
    signs = [np.where(values == 0, -1, values > 0).astype(np.int64) for values in (labels, predictions)]
    tallied = tallies(members(signs[0], 2), members(signs[1], 2)) * polar[:, None]
    polarity = drawn.of_sums(estimates(signs[0][polar], signs[1][polar], 2), tallied, 2)

    def error(chosen: NDArray[np.int64]) -> float:
        return float(np.abs(labels[chosen] - predictions[chosen]).mean())

    def correlation(chosen: NDArray[np.int64]) -> float:
        return _pearson(labels[chosen], predictions[chosen])

    return {
        "mean_absolute_error": drawn.of_rows(error, len(labels)),
        "pearson_r": drawn.of_rows(correlation, len(labels)),
        "polarity_accuracy": polarity["accuracy"],
        "polarity_weighted_f1": polarity["weighted_f1"],
    }


def _is_polar(rows: ScoredRows) -> NDArray[np.bool_]:
    """Return which labels are not 0, by the bounds of `label_view`: a mean may be 0 but for its last digits."""
    return np.asarray(np.abs(rows.labels) > SAME_SENTIMENT)


def _pearson(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the correlation; NaN where either is the same everywhere."""
    if (one == one[0]).all() or (other == other[0]).all():
        return math.nan
    # Its square leaves float64 where a prediction is beyond 1e154; a factor changes no correlation.
    with np.errstate(under="ignore"):
        return float(np.corrcoef(one, other / max(1.0, float(np.abs(other).max())))[0, 1])


def _each_class(rows: ScoredRows, names: Sequence[str]) -> tuple[ClassScore, ...]:
    if not names:
        return ()
    precision, recall, f1, num_labels = each_class(rows.labels, rows.predictions, len(names))
    num_predictions = members(rows.predictions, len(names)).sum(0)
    return tuple(
        ClassScore(
            name, int(num_labels[i]), int(num_predictions[i]), *map(_plain, (precision[i], recall[i], f1[i]))
        )
        for i, name in enumerate(names)
    )


def _plain(value: float) -> float:
    """Return a float of Python; one NaN object for all, so that equal scores are equal."""
    return math.nan if math.isnan(value) else float(value)

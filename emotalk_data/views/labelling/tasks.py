"""The released label of every row as a task has it: its classes, and the rows that the task leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.builder.side_columns import NewColumn
from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.labels import (
    EMOTALK_EMOTIONS,
    M3ED_ANNOTATOR_EMOTIONS,
    M3ED_EMOTIONS,
    MODALITIES,
    Modality,
)
from emotalk_data.views.annotators.votes import check_modality
from emotalk_data.views.columns import (
    LABEL_COLUMNS,
    NO_LABEL,
    CorpusName,
    check_dataset,
    check_ids,
    check_labels,
    choose,
    column,
    corpus_of,
    flat_lists,
    label_ids,
)
from emotalk_data.views.labelling.harmonised import HARMONISED

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "POLARITIES",
    "SAME_SENTIMENT",
    "SENTIMENT_BINS",
    "SENTIMENT_TASKS",
    "TASKS",
    "Task",
    "TaskLabels",
    "task_labels",
]

Task = Literal["emotion7", "emotion4", "sentiment", "sentiment5", "polarity", "multilabel"]

TASKS: Final[tuple[Task, ...]] = (
    "emotion7",
    "emotion4",
    "sentiment",
    "sentiment5",
    "polarity",
    "multilabel",
)
SENTIMENT_TASKS: Final[tuple[Task, ...]] = ("sentiment", "sentiment5", "polarity")

SENTIMENT_BINS: Final = ("negative", "weakly negative", "neutral", "weakly positive", "positive")
"""Up to -1; between -1 and 0; 0; between 0 and 1; from 1. They give the shares of EmotionTalk's paper."""

POLARITIES: Final = ("negative", "positive")

SAME_SENTIMENT: Final = 1e-6
"""Sentiments nearer than this are equal: means of up to five whole numbers that differ are 0.05 apart or more."""

_FOUR: Final = EMOTALK_EMOTIONS.names[:4]  # the authors' own label files of the four-class task
_NOT_FOUR: Final = "not one of the four classes"
_NO_LABEL: Final = "no label"
_ZERO: Final = "sentiment of exactly zero"


@dataclass(frozen=True)
class TaskLabels:
    """The released labels of a dataset, as a task has them.

    Attributes:
        classes: names in the order of their ids; none for `sentiment`.
        values: a row each. Ids of `classes`, int64, -1 for none, shape (rows,); for `multilabel` whether each
            class is in the blend, bool, shape (rows, classes); for `sentiment` float64, NaN for none.
        places: the id in `classes` of each label that an annotator may choose, int64, -1 where it is no class
            of the task; empty for sentiments.
        left_out: reason to the rows that have it, bool, shape (rows,). No row has two.
    """

    classes: tuple[str, ...]
    values: NDArray[Any]
    places: NDArray[np.int64]
    left_out: Mapping[str, NDArray[np.bool_]]

    def members(self) -> NDArray[np.bool_]:
        """Return which classes each row has, shape (rows, classes)."""
        if self.values.ndim == 2:
            return self.values
        one_hot: NDArray[np.bool_] = self.values[:, None] == np.arange(len(self.classes))
        return one_hot

    def column(self, labelled: NDArray[np.bool_]) -> NewColumn:
        """Return the column `label`, null where `labelled` is not set."""
        if self.values.ndim == 2:
            width = len(self.classes)
            flat = pa.array(self.values.astype(np.float32).ravel())
            lists = pa.FixedSizeListArray.from_arrays(flat, width, mask=pa.array(~labelled))
            return NewColumn(lists, datasets.List(datasets.Value("float32"), length=width))
        feature = datasets.ClassLabel(names=list(self.classes)) if self.classes else datasets.Value("float64")
        return NewColumn(pa.array(self.values, mask=~labelled), feature)


def task_labels(dataset: datasets.Dataset, task: Task, modality: Modality, harmonised: bool) -> TaskLabels:
    """Return the released label of every row as a task has it.

    Raises:
        OptionError: an unknown task or modality, one that the corpus does not have, or columns that are not
            those of `load_dataset`.
    """
    choose("task", task, TASKS)
    choose("modality", modality, MODALITIES)
    corpus = corpus_of(dataset)
    if task in SENTIMENT_TASKS:
        _check_sentiment(corpus, task, modality, harmonised)
        return _sentiment(dataset, task)
    check_modality(corpus, modality)
    if task == "multilabel" and corpus == "emotalk":
        raise OptionError(
            "EmotionTalk has no blends: each annotator chose one emotion, and the final label is one. For what "
            'the five annotators chose, use task="emotion7" with target="soft" or target="votes".'
        )
    classes, places = _classes(corpus, task, harmonised)
    if task == "multilabel":
        return _blends(dataset, classes, places)
    return _emotions(dataset, LABEL_COLUMNS[modality], corpus, classes, places)


def _check_sentiment(corpus: CorpusName, task: Task, modality: Modality, harmonised: bool) -> None:
    if corpus == "m3ed":
        raise OptionError(
            f"M3ED has no sentiment; task is {task!r}, expected an emotion task or 'multilabel'."
        )
    if modality != "multimodal":
        raise OptionError(
            f"EmotionTalk's sentiment was rated from video with sound only; modality is {modality!r}, expected "
            f"'multimodal'."
        )
    if harmonised:
        raise OptionError(
            f"harmonised is for emotions; task is {task!r}, and only EmotionTalk has sentiment."
        )


def _classes(corpus: CorpusName, task: Task, harmonised: bool) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the classes of a task, and the class of each label that an annotator may choose."""
    chosen = EMOTALK_EMOTIONS.names if corpus == "emotalk" else M3ED_ANNOTATOR_EMOTIONS.names
    words = [HARMONISED.mapping[corpus].get(name) for name in chosen]  # M3ED's Other has none
    wanted = _FOUR if task == "emotion4" else HARMONISED.names
    if harmonised or corpus == "emotalk":
        classes = wanted
        own: list[str | None] = words
    else:
        classes = tuple(name for name, word in zip(chosen, words, strict=True) if word in wanted)
        own = list(chosen)
    places = [classes.index(name) if name is not None and name in classes else NO_LABEL for name in own]
    return classes, np.array(places, np.int64)


def _emotions(
    dataset: datasets.Dataset,
    name: str,
    corpus: CorpusName,
    classes: tuple[str, ...],
    places: NDArray[np.int64],
) -> TaskLabels:
    names = EMOTALK_EMOTIONS.names if corpus == "emotalk" else M3ED_EMOTIONS.names
    check_dataset(dataset, [name])
    check_labels(dataset, name, dataset.features[name], names)
    released = label_ids(dataset, name)
    ids = np.where(released == NO_LABEL, NO_LABEL, places[released])
    left_out: dict[str, NDArray[np.bool_]] = {_NO_LABEL: released == NO_LABEL}
    if len(classes) < len(names):
        left_out[_NOT_FOUR] = (released != NO_LABEL) & (ids == NO_LABEL)
    return TaskLabels(classes, ids, places, left_out)


def _blends(dataset: datasets.Dataset, classes: tuple[str, ...], places: NDArray[np.int64]) -> TaskLabels:
    check_dataset(dataset, ["emotions"])
    feature = dataset.features["emotions"]
    check_labels(dataset, "emotions", getattr(feature, "feature", feature), M3ED_EMOTIONS.names)
    rows, items = flat_lists(column(dataset, "emotions"))
    labels = np.asarray(pc.fill_null(items.cast(pa.int64()), NO_LABEL), np.int64)
    check_ids("emotions", labels, len(M3ED_EMOTIONS.names), rows)
    given = labels != NO_LABEL
    blend = np.zeros((dataset.num_rows, len(classes)), bool)
    blend[rows[given], places[labels[given]]] = True
    return TaskLabels(classes, blend, places, {_NO_LABEL: np.asarray(~blend.any(axis=1))})


def _sentiment(dataset: datasets.Dataset, task: Task) -> TaskLabels:
    check_dataset(dataset, ["sentiment"])
    feature = dataset.features["sentiment"]
    if feature not in (datasets.Value("float64"), datasets.Value("float32")):
        raise OptionError(
            f"the column 'sentiment' has the type {quote(feature)}; expected numbers, float64. Give the dataset "
            f"as load_dataset made it."
        )
    stored = column(dataset, "sentiment").cast(pa.float64())
    values: NDArray[np.float64] = pc.fill_null(stored, np.nan).to_numpy()
    left_out: dict[str, NDArray[np.bool_]] = {_NO_LABEL: np.asarray(np.isnan(values), bool)}
    no_places = np.array([], np.int64)
    if task == "sentiment":
        return TaskLabels((), values, no_places, left_out)
    same = SAME_SENTIMENT
    bounds = [values <= -1 + same, values < -same, values <= same, values < 1 - same, values >= 1 - same]
    bins = np.select(bounds, range(len(bounds)), NO_LABEL)
    if task == "sentiment5":
        return TaskLabels(SENTIMENT_BINS, bins, no_places, left_out)
    zero = SENTIMENT_BINS.index("neutral")
    signs = np.select([bins == NO_LABEL, bins == zero], [NO_LABEL, NO_LABEL], (bins > zero).astype(np.int64))
    return TaskLabels(POLARITIES, signs, no_places, {**left_out, _ZERO: bins == zero})

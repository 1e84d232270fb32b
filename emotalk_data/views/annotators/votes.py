"""Every annotator's judgement as flat arrays: what rules, soft labels and agreement are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, M3ED_ANNOTATOR_EMOTIONS, MODALITIES, Modality
from emotalk_data.views.columns import (
    NO_LABEL,
    CorpusName,
    check_dataset,
    check_ids,
    check_labels,
    choose,
    column,
    corpus_of,
    flat_lists,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Votes", "check_modality", "votes"]


@dataclass(frozen=True)
class Votes:
    """The judgements of one modality, one label of one annotator each, in the order of rows and annotators.

    All arrays have the shape (votes,).

    Attributes:
        num_rows: rows of the dataset; a row without a vote is in none of the arrays.
        names: labels in the order of the authors' ids. M3ED has `Other` as its eighth, EmotionTalk seven.
        rows: int64, the row of the dataset.
        annotators: int64, the annotator's number from 1, as the release counts them.
        emotions: int64 ids of `names`; -1 where the annotator's label is null.
        ranks: int64, 0 for the first label of an annotator, 1 for the second. EmotionTalk: all 0.
        confidences: float64, 0.1 to 0.9; NaN where it is null. M3ED: all NaN.
        sentiments: float64, -2 to 2; NaN where it is null. Multimodal votes of EmotionTalk only.
    """

    num_rows: int
    names: tuple[str, ...]
    rows: NDArray[np.int64]
    annotators: NDArray[np.int64]
    emotions: NDArray[np.int64]
    ranks: NDArray[np.int64]
    confidences: NDArray[np.float64]
    sentiments: NDArray[np.float64]

    def select(self, keep: NDArray[np.bool_]) -> Votes:
        """Return the votes whose flag is set; the rows keep their numbers."""
        arrays = {name: value[keep] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return Votes(self.num_rows, self.names, **arrays)

    def table(self) -> NDArray[np.int64]:
        """Return the first label of each annotator as (rows, annotators) ids, -1 where there is none.

        Column i is annotator i + 1 of the release.
        """
        first = self.select(self.ranks == 0)
        width = int(self.annotators.max(initial=0))
        ids = np.full((self.num_rows, width), NO_LABEL, np.int64)
        ids[first.rows, first.annotators - 1] = first.emotions
        return ids

    def counts(self) -> NDArray[np.int64]:
        """Return how many annotators put each label first, shape (rows, labels)."""
        given = (self.ranks == 0) & (self.emotions != NO_LABEL)
        counts = np.zeros((self.num_rows, len(self.names)), np.int64)
        np.add.at(counts, (self.rows[given], self.emotions[given]), 1)
        return counts


def check_modality(corpus: CorpusName, modality: Modality) -> None:
    """Refuse a modality that a corpus was not judged in.

    Raises:
        OptionError: M3ED, and not `multimodal`.
    """
    if corpus == "m3ed" and modality != "multimodal":
        raise OptionError(
            f"M3ED was judged from video with sound only; modality is {modality!r}, expected 'multimodal'."
        )


def votes(dataset: datasets.Dataset, modality: Modality = "multimodal") -> Votes:
    """Return the annotators' judgements of one modality.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it.
        modality: what the annotators perceived. M3ED's watched the video with its sound: `multimodal` only.

    Raises:
        OptionError: an unknown modality, one that the corpus was not judged in, or no column `annotations` as
            load_dataset makes it: a number below 1 or none for an annotator, one annotator twice in a row, a
            label that is none.
    """
    choose("modality", modality, MODALITIES)
    check_dataset(dataset, ["annotations"])
    corpus = corpus_of(dataset)
    check_modality(corpus, modality)
    _check_form(dataset, corpus)
    rows, items = flat_lists(column(dataset, "annotations"))
    keep = np.asarray(pc.fill_null(pc.equal(items.field("modality"), modality), False), bool)
    rows, items = rows[keep], items.filter(pa.array(keep))
    annotators = _whole(items.field("annotator"))
    _check_annotators(rows, annotators)
    if corpus == "m3ed":
        return _ranked(dataset.num_rows, rows, annotators, items)
    emotions = _whole(items.field("emotion"))
    check_ids("annotations", emotions, len(EMOTALK_EMOTIONS.names), rows)
    return Votes(
        num_rows=dataset.num_rows,
        names=EMOTALK_EMOTIONS.names,
        rows=rows,
        annotators=annotators,
        emotions=emotions,
        ranks=np.zeros(len(rows), np.int64),
        confidences=_real(items.field("confidence")),
        sentiments=_real(items.field("sentiment")),
    )


def _ranked(num_rows: int, rows: NDArray[np.int64], annotators: NDArray[np.int64], items: pa.Array) -> Votes:
    """Unfold each annotator's list of labels, the most important first."""
    parents, labels = flat_lists(items.field("emotions"))
    starts = np.searchsorted(parents, parents, side="left")
    nothing = np.full(len(parents), np.nan)
    emotions = _whole(labels)
    check_ids("annotations", emotions, len(M3ED_ANNOTATOR_EMOTIONS.names), rows[parents])
    return Votes(
        num_rows=num_rows,
        names=M3ED_ANNOTATOR_EMOTIONS.names,
        rows=rows[parents],
        annotators=annotators[parents],
        emotions=emotions,
        ranks=np.arange(len(parents)) - starts,
        confidences=nothing,
        sentiments=nothing,
    )


def _check_form(dataset: datasets.Dataset, corpus: CorpusName) -> None:
    """Refuse a column that is not the annotators' judgements as they were loaded."""
    fields = getattr(dataset.features["annotations"], "feature", None)
    own = ("emotion", "confidence", "sentiment") if corpus == "emotalk" else ("emotions",)
    if not isinstance(fields, Mapping) or not {"modality", "annotator", *own} <= set(fields):
        raise OptionError(
            f"the column 'annotations' has the type {quote(dataset.features['annotations'], 200)}; expected a "
            f"list of judgements. Give the dataset as load_dataset made it."
        )
    if corpus == "emotalk":
        check_labels(dataset, "annotations", fields["emotion"], EMOTALK_EMOTIONS.names)
    else:
        labels = getattr(fields["emotions"], "feature", None)
        check_labels(dataset, "annotations", labels, M3ED_ANNOTATOR_EMOTIONS.names)


def _check_annotators(rows: NDArray[np.int64], annotators: NDArray[np.int64]) -> None:
    """Refuse votes that have no place in a table of rows and annotators."""
    wrong = np.flatnonzero(annotators < 1)
    if len(wrong):
        number = annotators[wrong[0]]
        raise OptionError(
            f"the column 'annotations' has an annotator {'null' if number == NO_LABEL else number} in row "
            f"{rows[wrong[0]]}; expected a number from 1."
        )
    order = np.lexsort((annotators, rows))
    twice = np.flatnonzero((np.diff(rows[order]) == 0) & (np.diff(annotators[order]) == 0))
    if len(twice):
        vote = order[twice[0]]
        raise OptionError(
            f"the column 'annotations' has two judgements of annotator {annotators[vote]} in row {rows[vote]}; "
            f"expected one of each annotator."
        )


def _whole(values: pa.Array) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(values.cast(pa.int64()), NO_LABEL), np.int64)


def _real(values: pa.Array) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(values.cast(pa.float64()), np.nan), np.float64)

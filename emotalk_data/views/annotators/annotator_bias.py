"""What each annotator leans to, compared with the others who judged the same rows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emotalk_data.views.annotators.reliability import PAIR, checked_ids, label_counts
from emotalk_data.views.columns import NO_LABEL

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["AnnotatorBias", "annotator_bias"]


@dataclass(frozen=True, slots=True)
class AnnotatorBias:
    """What one annotator leans to, compared with the others who judged the same rows.

    Attributes:
        annotator: its number in the release, from 1. A place in the record, which need not be the same person
            through the corpus.
        num_rows: rows that this annotator and another one judged.
        differences: for each label, the share of these rows to which the annotator gave it less the share of the
            others' votes in the same row that were for it, as a mean over the rows: -1 to 1, together 0. NaN
            without such rows.
        num_majority_rows: those of the rows in which the others have one most frequent label.
        majority_agreement: share of these to which the annotator gave that label; NaN without any.
    """

    annotator: int
    num_rows: int
    differences: tuple[float, ...]
    num_majority_rows: int
    majority_agreement: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can write them: None for NaN."""
        return {
            **asdict(self),
            "differences": [None if math.isnan(value) else value for value in self.differences],
            "majority_agreement": None if math.isnan(self.majority_agreement) else self.majority_agreement,
        }


def annotator_bias(table: ArrayLike, num_labels: int) -> tuple[AnnotatorBias, ...]:
    """Return what each annotator leans to, in the order of the table's columns.

    Args:
        table: ids of labels, shape (rows, annotators); -1 or NaN where an annotator gave none.
        num_labels: ids are below this number.

    Raises:
        OptionError: not a table of ids of so many labels; says where.
    """
    ids = checked_ids(table, num_labels)
    counts = label_counts(ids, num_labels)
    return tuple(_bias(place, ids[:, place], counts) for place in range(ids.shape[1]))


def _bias(place: int, own: NDArray[np.int64], counts: NDArray[np.int64]) -> AnnotatorBias:
    rows = np.flatnonzero((own != NO_LABEL) & (counts.sum(1) >= PAIR))
    own = own[rows]
    mine = (own[:, None] == np.arange(counts.shape[1])).astype(np.int64)
    others = counts[rows] - mine
    num_others = others.sum(1)
    # Whole numbers are added, and divided last: the order of rows changes no bit.
    shares = sum(others[num_others == k].sum(0) / k for k in range(1, int(num_others.max(initial=0)) + 1))
    differences = (mine.sum(0) - shares) / len(rows) if len(rows) else np.full(counts.shape[1], math.nan)
    decided = (others == others.max(axis=1, keepdims=True, initial=0)).sum(1) == 1
    agrees = (others.argmax(1) == own)[decided]
    return AnnotatorBias(
        annotator=place + 1,
        num_rows=len(rows),
        differences=tuple(differences.tolist()),
        num_majority_rows=len(agrees),
        majority_agreement=float(agrees.mean()) if len(agrees) else math.nan,
    )

"""Labels that are made of the annotators' votes: their columns, and the rows that cannot have one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import datasets
import numpy as np
import pyarrow as pa

from emotalk_data.builder.side_columns import NewColumn
from emotalk_data.schemas.labels import M3ED_ANNOTATOR_EMOTIONS
from emotalk_data.views.annotators.votes import Votes
from emotalk_data.views.labelling.targets import (
    Target,
    importance,
    list_column,
    mean_confidence,
    mean_confidences,
    num_annotators,
    num_voters,
    ranked_column,
    ratio,
    to_classes,
    vote_agreement,
    vote_entropy,
)
from emotalk_data.views.labelling.tasks import Task, TaskLabels

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["VoteLabels"]

# Shares and means nearer than this are equal: 0.6 is three of five however it was computed.
_SAME: Final = 1e-9


@dataclass(frozen=True)
class VoteLabels:
    """The votes of one modality, as a task sees them.

    Attributes:
        found: the votes.
        released: the labels of the task, whose classes the votes are put into.
        task: with `multilabel`, every label of an annotator is a vote.
        target: with `ranked` too; else an annotator has one vote, the first label.
        counts: votes for each label, int64, shape (rows, labels); `Other` is one, though no class.
    """

    found: Votes
    released: TaskLabels
    task: Task
    target: Target
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, found: Votes, released: TaskLabels, task: Task, target: Target) -> VoteLabels:
        """Count the votes of a task."""
        is_every_label = task == "multilabel" or target == "ranked"
        counts = num_annotators(found) if is_every_label else found.counts()
        return cls(found, released, task, target, counts)

    def left_out(
        self, min_agreement: float | None, min_confidence: float | None
    ) -> dict[str, NDArray[np.bool_]]:
        """Return reason to the rows that it takes away, in the order in which reasons are looked at."""
        mean = mean_confidence(self.found)
        reasons: dict[str, NDArray[np.bool_]] = {"no votes": np.asarray(~self.counts.any(axis=1))}
        if self._has_confidences() and (self.target == "ranked" or min_confidence is not None):
            reasons["no confidence"] = np.asarray(np.isnan(mean))
        if self.target == "ranked":
            reasons["no vote for a class of the task"] = np.asarray(~np.isfinite(self._scores()).any(axis=1))
        elif self.target != "hard":
            reasons["no vote for a class of the task"] = np.asarray(~self.inside().any(axis=1))
        if min_agreement is not None:
            # Not the share that is below: it is NaN where M3ED's annotators have no first label.
            is_enough = vote_agreement(self.found.counts()) >= min_agreement - _SAME
            reasons["below min_agreement"] = np.asarray(~is_enough)
        if min_confidence is not None:
            reasons["below min_confidence"] = mean < min_confidence - _SAME
        return reasons

    def columns(self, labelled: NDArray[np.bool_]) -> dict[str, NewColumn]:
        """Return `label` as the target says, and `agreement`, `entropy` and `outside`; null without votes."""
        first, totals = self.found.counts(), self.counts.sum(axis=1)
        outside = totals - self.inside().sum(axis=1)
        return {
            "label": self._label(labelled),
            "agreement": _real(vote_agreement(first)),
            "entropy": _real(vote_entropy(first)),
            "outside": _real(ratio(outside, totals, np.nan)),
        }

    def inside(self) -> NDArray[np.float64]:
        """Return the votes for each class of the task, shape (rows, classes)."""
        return to_classes(self.counts, self.released.places, len(self.released.classes))

    def _label(self, labelled: NDArray[np.bool_]) -> NewColumn:
        if self.target == "ranked":
            return ranked_column(self._scores(), labelled, self.released.classes)
        inside = self.inside()
        if self.target == "votes":
            return list_column(np.hstack([inside, self._other()]), labelled, "int32")
        wholes = num_voters(self.found) if self.task == "multilabel" else inside.sum(axis=1)
        return list_column(ratio(inside, wholes[:, None], 0.0), labelled, "float32")

    def _other(self) -> NDArray[np.int64]:
        """Return the votes for M3ED's `Other` beside all seven classes, shape (rows, 1); (rows, 0) elsewhere."""
        num_classes = len(self.released.classes)
        is_whole = len(self.found.names) == num_classes + 1
        return self.counts[:, num_classes:] if is_whole else self.counts[:, :0]

    def _scores(self) -> NDArray[np.float64]:
        """Return by what the classes of each row are ranked, shape (rows, classes); -inf: nobody chose it."""
        if self._has_confidences():
            scores = mean_confidences(self.found)
        else:
            scores = np.where(self.counts > 0, importance(self.found), -np.inf)
        return to_classes(scores, self.released.places, len(self.released.classes))

    def _has_confidences(self) -> bool:
        return self.found.names != M3ED_ANNOTATOR_EMOTIONS.names


def _real(values: NDArray[np.float64]) -> NewColumn:
    return NewColumn(pa.array(values, mask=np.isnan(values)), datasets.Value("float64"))

"""What the authors' rules give for the votes of every row of a dataset, at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from emotalk_data.schemas.labels import M3ED_ANNOTATOR_EMOTIONS, M3ED_EMOTIONS
from emotalk_data.schemas.rules import finalise_authors, finalise_paper
from emotalk_data.views.annotators.votes import Votes
from emotalk_data.views.columns import NO_LABEL
from emotalk_data.views.labelling.targets import importance, mean_confidences, num_annotators, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RuledLabels", "finalise", "mean_sentiments", "weigh_by_confidence"]

_Lists: TypeAlias = tuple[tuple[str, ...], ...]

_SAME: Final = 1e-9  # means nearer than this are equal: they are of different sums of tenths
_ALL: Final = 3  # annotators of M3ED
_NUM_LABELS: Final = len(M3ED_EMOTIONS.names)  # Other is never final


class RuledLabels(NamedTuple):
    """What a rule gives for every row.

    Attributes:
        main: ids, int64, -1 where it gives none, shape (rows,).
        labels: ids of the blend, or of the tied labels, of all rows one after the other, int64.
        rows: the row of each of `labels`, ascending, int64.
        first: bool, shape (rows, labels): the labels among which the rule alone does not choose the main one.
            One, or several that tie; none where the rule gives none.
    """

    main: NDArray[np.int64]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    first: NDArray[np.bool_]

    @property
    def tied(self) -> NDArray[np.bool_]:
        """Where several labels come first, bool, shape (rows,)."""
        return np.asarray(self.first.sum(axis=1) > 1)

    def sets(self) -> NDArray[np.bool_]:
        """Return which labels each row has, shape (rows, labels)."""
        return _sets(self.rows, self.labels, *self.first.shape)


def weigh_by_confidence(found: Votes) -> RuledLabels:
    """Return the emotions with the largest mean confidence; the lowest id is the main one.

    `emotalk_data.schemas.rules.confidence_weighted` is the same for one row.
    """
    means = mean_confidences(found)
    best = np.isfinite(means) & (means > means.max(axis=1, keepdims=True) - _SAME)
    rows, labels = np.nonzero(best)
    main = np.where(best.any(axis=1), best.argmax(axis=1), NO_LABEL)
    return RuledLabels(main, labels, rows, best)


def mean_sentiments(found: Votes) -> NDArray[np.float64]:
    """Return the mean rating, shape (rows,); NaN without a rating."""
    given = found.select(~np.isnan(found.sentiments))
    counts = np.bincount(given.rows, minlength=found.num_rows)
    sums = np.bincount(given.rows, given.sentiments, minlength=found.num_rows)
    return ratio(sums, counts, np.nan)


def finalise(found: Votes, rule: Literal["paper", "authors"]) -> RuledLabels:
    """Apply a rule of M3ED's, `finalise_paper` or `finalise_authors`, to each row.

    Labels tie where the rule's own order does not settle the main one of a blend: with `paper` those with the
    largest summed importance; with `authors` the whole blend, where no single label was given by all, and none
    was put first by two.
    """
    decide = finalise_paper if rule == "paper" else finalise_authors
    main = np.full(found.num_rows, NO_LABEL, np.int64)
    rows: list[int] = []
    labels: list[int] = []
    # Rows with the same votes are decided once: there are few ways in which three annotators can vote.
    decided: dict[_Lists, list[int]] = {}
    for row, lists in _lists(found):
        if lists not in decided:
            outcome = decide(lists)
            decided[lists] = [] if outcome is None else [*map(M3ED_EMOTIONS.id, (outcome[0], *outcome[1]))]
        if decided[lists]:
            main[row], *ids = decided[lists]
            rows += [row] * len(ids)
            labels += ids
    blends = _sets(np.array(rows, np.int64), np.array(labels, np.int64), found.num_rows, _NUM_LABELS)
    first = _first_by_importance(found, blends) if rule == "paper" else _first_by_order(found, blends, main)
    return RuledLabels(main, np.array(labels, np.int64), np.array(rows, np.int64), first)


def _first_by_importance(found: Votes, blends: NDArray[np.bool_]) -> NDArray[np.bool_]:
    sums = np.where(blends, importance(found)[:, :_NUM_LABELS], -1)
    return np.asarray(blends & (sums == sums.max(axis=1, keepdims=True)))


def _first_by_order(found: Votes, blends: NDArray[np.bool_], main: NDArray[np.int64]) -> NDArray[np.bool_]:
    of_all = (num_annotators(found)[:, :_NUM_LABELS] >= _ALL).sum(axis=1)
    is_main = main[:, None] == np.arange(_NUM_LABELS)
    num_first = (found.counts()[:, :_NUM_LABELS] * is_main).sum(axis=1)
    is_settled = (of_all == 1) | (num_first >= _ALL - 1)
    return np.where(is_settled[:, None], is_main, blends)


def _sets(
    rows: NDArray[np.int64], labels: NDArray[np.int64], num_rows: int, num_labels: int
) -> NDArray[np.bool_]:
    given = np.zeros((num_rows, num_labels), bool)
    given[rows, labels] = True
    return given


def _lists(found: Votes) -> Iterator[tuple[int, _Lists]]:
    """Yield each row that has votes with its annotators' labels; a null label keeps its place as no word."""
    words = (*M3ED_ANNOTATOR_EMOTIONS.names, "")  # -1 is null
    order = np.lexsort((found.ranks, found.annotators, found.rows))
    triples = zip(
        found.rows[order].tolist(),
        found.annotators[order].tolist(),
        found.emotions[order].tolist(),
        strict=True,
    )
    for row, of_row in groupby(triples, lambda triple: triple[0]):
        yield (
            row,
            tuple(
                tuple(words[emotion] for _, _, emotion in of_one)
                for _, of_one in groupby(of_row, lambda triple: triple[1])
            ),
        )

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
from emotalk_data.views.labelling.targets import mean_confidences, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RuledLabels", "finalise", "mean_sentiments", "weigh_by_confidence"]

_Lists: TypeAlias = tuple[tuple[str, ...], ...]

_SAME: Final = 1e-9  # means nearer than this are equal: they are of different sums of tenths
_ALL: Final = 3  # annotators of M3ED
_FIRST_IMPORTANCE: Final = 7  # of an annotator's first label; the second has 6, and so on (M3ED's paper)


class RuledLabels(NamedTuple):
    """What a rule gives for every row.

    Attributes:
        main: ids, int64, -1 where it gives none, shape (rows,).
        labels: ids of the blend, or of the tied labels, of all rows one after the other, int64.
        rows: the row of each of `labels`, ascending, int64.
        tied: bool, shape (rows,); False where the rule gives none.
    """

    main: NDArray[np.int64]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    tied: NDArray[np.bool_]

    def sets(self, num_labels: int) -> NDArray[np.bool_]:
        """Return which labels each row has, shape (rows, labels)."""
        given = np.zeros((len(self.main), num_labels), bool)
        given[self.rows, self.labels] = True
        return given


def weigh_by_confidence(found: Votes) -> RuledLabels:
    """Return the emotions with the largest mean confidence; the lowest id is the main one.

    `emotalk_data.schemas.rules.confidence_weighted` is the same for one row.
    """
    means = mean_confidences(found)
    best = np.isfinite(means) & (means > means.max(axis=1, keepdims=True) - _SAME)
    rows, labels = np.nonzero(best)
    main = np.where(best.any(axis=1), best.argmax(axis=1), NO_LABEL)
    return RuledLabels(main, labels, rows, best.sum(axis=1) > 1)


def mean_sentiments(found: Votes) -> NDArray[np.float64]:
    """Return the mean rating, shape (rows,); NaN without a rating."""
    given = found.select(~np.isnan(found.sentiments))
    counts = np.bincount(given.rows, minlength=found.num_rows)
    sums = np.bincount(given.rows, given.sentiments, minlength=found.num_rows)
    return ratio(sums, counts, np.nan)


def finalise(found: Votes, rule: Literal["paper", "authors"]) -> RuledLabels:
    """Apply a rule of M3ED's, `finalise_paper` or `finalise_authors`, to each row.

    `tied` is set where the blend has several labels and the rule's own order does not settle the main one: with
    `paper` two have the largest summed importance; with `authors` no single label was given by all, and none was
    put first by two.
    """
    decide = finalise_paper if rule == "paper" else finalise_authors
    is_tied = _is_tied_by_importance if rule == "paper" else _is_tied_by_order
    main = np.full(found.num_rows, NO_LABEL, np.int64)
    tied = np.zeros(found.num_rows, bool)
    rows: list[int] = []
    labels: list[int] = []
    # Rows with the same votes are decided once: there are few ways in which three annotators can vote.
    decided: dict[_Lists, tuple[int, list[int], bool]] = {}
    for row, lists in _lists(found):
        if lists not in decided:
            word, blend = decide(lists) or (None, ())
            ids = [M3ED_EMOTIONS.id(label) for label in blend]
            number = NO_LABEL if word is None else M3ED_EMOTIONS.id(word)
            decided[lists] = number, ids, word is not None and len(ids) > 1 and is_tied(lists, word, blend)
        main[row], ids, tied[row] = decided[lists]
        rows += [row] * len(ids)
        labels += ids
    return RuledLabels(main, np.array(labels, np.int64), np.array(rows, np.int64), tied)


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


def _is_tied_by_importance(lists: _Lists, main: str, blend: tuple[str, ...]) -> bool:
    return _importance(lists, main) == _importance(lists, blend[1])


def _importance(lists: _Lists, label: str) -> int:
    return sum(_FIRST_IMPORTANCE - labels.index(label) for labels in lists if label in labels)


def _is_tied_by_order(lists: _Lists, main: str, blend: tuple[str, ...]) -> bool:
    of_all = [label for label in blend if sum(label in labels for labels in lists) >= _ALL]
    num_first = sum(labels[0] == main for labels in lists)
    return len(of_all) != 1 and num_first < _ALL - 1

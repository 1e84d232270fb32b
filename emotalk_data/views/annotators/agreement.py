"""How far the annotators of a corpus agree, with intervals over its dialogues."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import datasets
import numpy as np

from emotalk_data.schemas.labels import Modality
from emotalk_data.schemas.text_table import ShownAsText, text_table
from emotalk_data.views.annotators.annotator_bias import AnnotatorBias, annotator_bias
from emotalk_data.views.annotators.reliability import (
    PAIR,
    fleiss_kappa,
    fleiss_kappas,
    interval_alphas,
    krippendorff_alpha,
    label_sums,
    nominal_alphas,
    rating_sums,
)
from emotalk_data.views.annotators.votes import Votes, votes
from emotalk_data.views.columns import NO_LABEL, check_dataset, corpus_of, strings
from emotalk_data.views.intervals import (
    Interval,
    check_resampling,
    number_clusters,
    percentile,
    resampled_sums,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Agreement", "agreement", "annotator_bias", "fleiss_kappa", "krippendorff_alpha"]

_LEVEL: Final = 0.95


@dataclass(frozen=True)
class Agreement(ShownAsText):
    """How far the annotators of one modality agree.

    A vote is the first label of one annotator: M3ED's may give several, EmotionTalk's give one. Rows used, rows
    with one vote and rows without add up to all the rows.

    Attributes:
        modality: what the annotators perceived.
        names: the labels, in the order of their ids. M3ED has `Other` as its eighth.
        num_rows: rows of the dataset.
        num_rows_used: rows with two votes or more; the coefficients are of these.
        num_rows_complete: those of them in which every annotator has a vote.
        num_rows_one_vote: rows left out because one vote agrees with nothing.
        num_rows_no_vote: rows left out because there is none.
        num_votes: votes in all rows.
        num_annotators: numbers of annotators in the release; not how many persons they were.
        num_dialogues: dialogues with a row that is used; intervals draw from these.
        fleiss_kappa: of the labels. Undefined without a row of two votes, and where all votes are equal.
        krippendorff_alpha: of the labels, nominal.
        num_rows_rated: rows with two sentiment ratings or more. None where there are no ratings: only
            EmotionTalk's multimodal votes have them.
        sentiment_alpha: of these ratings, at interval level; None likewise.
        bias: what each annotator leans to.
    """

    modality: Modality
    names: tuple[str, ...]
    num_rows: int
    num_rows_used: int
    num_rows_complete: int
    num_rows_one_vote: int
    num_rows_no_vote: int
    num_votes: int
    num_annotators: int
    num_dialogues: int
    fleiss_kappa: Interval
    krippendorff_alpha: Interval
    num_rows_rated: int | None
    sentiment_alpha: Interval | None
    bias: tuple[AnnotatorBias, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can write it: None for what is undefined."""
        values = dict(vars(self))
        for name in ("fleiss_kappa", "krippendorff_alpha", "sentiment_alpha"):
            values[name] = values[name] and values[name].to_dict()
        return {**values, "names": list(self.names), "bias": [one.to_dict() for one in self.bias]}

    def __str__(self) -> str:
        lines = [
            f"{self.modality}: {self.num_rows:,} rows, "
            f"{self.num_votes:,} votes of {self.num_annotators} annotators",
            f"used: {self.num_rows_used:,} rows, {self.num_rows_complete:,} of them with all votes; "
            f"left out: {self.num_rows_one_vote:,} with one vote, {self.num_rows_no_vote:,} without",
            self._coefficient_table(),
            self._how(),
        ]
        if self.bias:
            lines += [
                "share of each label less the others' share in the same rows, in percentage points:",
                self._bias_table(),
            ]
        return "\n".join(lines)

    def _coefficient_table(self) -> str:
        rows = [("Fleiss' kappa", self.fleiss_kappa), ("Krippendorff's alpha", self.krippendorff_alpha)]
        if self.sentiment_alpha is not None:
            rows.append(("Krippendorff's alpha of the sentiment", self.sentiment_alpha))
        shown = "[95 % interval]" if self.fleiss_kappa.resamples else "value"
        return text_table(("agreement", shown), [(name, str(value)) for name, value in rows])

    def _how(self) -> str:
        if not self.num_rows_used:
            return "undefined: no row has two votes"
        if math.isnan(self.fleiss_kappa.estimate):
            return "undefined: all votes are for one label, and chance alone would agree as well"
        resamples, num_undefined = self.fleiss_kappa.resamples, self.fleiss_kappa.num_undefined
        if not resamples:
            return "no intervals: none were asked for, or there are fewer than two dialogues"
        undefined = f"; kappa is undefined in {num_undefined:,} of them" if num_undefined else ""
        return f"intervals from {resamples:,} resamples of {self.num_dialogues:,} dialogues{undefined}"

    def _bias_table(self) -> str:
        rows = [
            (
                str(one.annotator),
                f"{one.num_rows:,}",
                *(_text(value, "+.1f") for value in one.differences),
                _text(one.majority_agreement, ".1f"),
            )
            for one in self.bias
        ]
        return text_table(("annotator", "rows", *self.names, "as most, %"), rows)


def agreement(
    dataset: datasets.Dataset, *, modality: Modality = "multimodal", resamples: int = 1000, seed: int = 0
) -> Agreement:
    """Return how far the annotators of one modality agree, with 95 % intervals over dialogues.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it, in any order.
        modality: what the annotators perceived. M3ED: `multimodal` only.
        resamples: of dialogues, for the intervals; 0 gives none.
        seed: a whole number from 0.

    Raises:
        OptionError: not a dataset with votes and dialogues, a modality it was not judged in, a null dialogue_id,
            or an argument that cannot be.
    """
    check_resampling(resamples, seed)
    check_dataset(dataset, ["annotations", "dialogue_id"])
    found = votes(dataset, modality)
    table = found.table()
    num_labels = len(found.names)
    dialogues = np.array(strings(dataset, "dialogue_id"), dtype=object)
    given = (table != NO_LABEL).sum(1)
    used = given >= PAIR
    groups, num_dialogues = number_clusters(dialogues[used])
    sums = label_sums(table[used], num_labels, groups, num_dialogues)
    drawn = resampled_sums(sums, resamples, seed)
    num_rows_rated = sentiment_alpha = None
    if corpus_of(dataset) == "emotalk" and modality == "multimodal":
        ratings = _ratings(found)
        rated = (~np.isnan(ratings)).sum(1) >= PAIR
        num_rows_rated = int(rated.sum())
        of_rated = rating_sums(ratings[rated], *number_clusters(dialogues[rated]))
        sentiment_alpha = _interval(interval_alphas, of_rated, resampled_sums(of_rated, resamples, seed))
    return Agreement(
        modality=modality,
        names=found.names,
        num_rows=found.num_rows,
        num_rows_used=int(used.sum()),
        num_rows_complete=int((used & (given == table.shape[1])).sum()),
        num_rows_one_vote=int((given == 1).sum()),
        num_rows_no_vote=int((given == 0).sum()),
        num_votes=int(given.sum()),
        num_annotators=table.shape[1],
        num_dialogues=num_dialogues,
        fleiss_kappa=_interval(partial(fleiss_kappas, num_labels=num_labels), sums, drawn),
        krippendorff_alpha=_interval(partial(nominal_alphas, num_labels=num_labels), sums, drawn),
        num_rows_rated=num_rows_rated,
        sentiment_alpha=sentiment_alpha,
        bias=annotator_bias(table, num_labels),
    )


def _interval(
    coefficients: Callable[[NDArray[Any]], NDArray[np.float64]], sums: NDArray[Any], drawn: NDArray[Any]
) -> Interval:
    """Return a coefficient of the sums over all dialogues, with its interval from the resamples' sums."""
    estimate = float(coefficients(sums.sum(0, keepdims=True))[0])
    return percentile(estimate, coefficients(drawn), level=_LEVEL, num_clusters=len(sums))


def _ratings(found: Votes) -> NDArray[np.float64]:
    """Return the sentiment that each annotator gave, shape (rows, annotators); NaN for none."""
    table = np.full((found.num_rows, int(found.annotators.max(initial=0))), np.nan)
    table[found.rows, found.annotators - 1] = found.sentiments
    return table


def _text(share: float, form: str) -> str:
    return "-" if math.isnan(share) else format(100 * share, form)

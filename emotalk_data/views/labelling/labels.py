"""The label that a task is trained on, as a column; and what became of every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import datasets
import numpy as np

from emotalk_data.builder.side_columns import NewColumn, keep_rows, with_columns
from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.labels import Modality
from emotalk_data.schemas.text_table import ShownAsText, text_table
from emotalk_data.views.annotators.votes import votes
from emotalk_data.views.columns import CorpusName, choose, corpus_of, is_number
from emotalk_data.views.labelling.targets import TARGETS, Target
from emotalk_data.views.labelling.tasks import SENTIMENT_TASKS, Task, TaskLabels, task_labels
from emotalk_data.views.labelling.vote_labels import VoteLabels

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LabelReport", "label_report", "label_view"]


@dataclass(frozen=True)
class LabelReport(ShownAsText):
    """What became of the rows of a dataset in a view of its labels.

    `rows_kept` and the numbers of `left_out` add up to `rows_in`.

    Attributes:
        task: `emotion7`, `emotion4`, `sentiment`, `sentiment5`, `polarity` or `multilabel`.
        target: `hard`, `soft`, `votes` or `ranked`.
        modality: what the annotators perceived.
        classes: names in the order of their ids, and of the numbers in a soft label; none for `sentiment`.
        rows_in: rows of the dataset.
        rows_kept: rows with a label.
        left_out: reason to the number of rows; a row that has two is counted at the first. With
            `keep_unlabelled` they are in the view, their label null.
        class_counts: class to the rows kept whose released label it is; adds up to `rows_kept`, but for
            `multilabel`, where a row counts for every class of its blend.
        class_votes: class to the votes for it in the rows kept; None for hard labels.
        votes_outside: votes in the rows kept for what is no class of the task; None for hard labels.
        harmonised: whether the classes are those of both corpora together.
        min_agreement: as it was asked for; None without.
        min_confidence: likewise.
        keep_unlabelled: whether rows without a label are in the view.
    """

    task: Task
    target: Target
    modality: Modality
    classes: tuple[str, ...]
    rows_in: int
    rows_kept: int
    left_out: Mapping[str, int]
    class_counts: Mapping[str, int]
    class_votes: Mapping[str, int] | None
    votes_outside: int | None
    harmonised: bool
    min_agreement: float | None
    min_confidence: float | None
    keep_unlabelled: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain dicts, lists and numbers, ready for JSON."""
        return {**asdict(self), "classes": list(self.classes)}

    def __str__(self) -> str:
        others = "null label" if self.keep_unlabelled else "left out"
        header = (
            f"{self.task}, {self.modality}, {self.target} label",
            "rows",
            "votes" if self.class_votes else "",
        )
        lines = [
            ("in the dataset", f"{self.rows_in:,}", ""),
            *((f"{others}: {self._shown(of)}", f"{number:,}", "") for of, number in self.left_out.items()),
            ("with a label", f"{self.rows_kept:,}", ""),
        ]
        for name, number in self.class_counts.items():
            lines.append(
                (f"  {name}", f"{number:,}", f"{self.class_votes[name]:,}" if self.class_votes else "")
            )
        if self.votes_outside is not None:
            lines.append(("  (no class of the task)", "", f"{self.votes_outside:,}"))
        return text_table(header, lines)

    def _shown(self, reason: str) -> str:
        """Return a reason with the bound that was asked for."""
        bounds = {
            "below min_agreement": self.min_agreement,
            "below min_confidence": self.min_confidence,
        }
        return f"{reason} {bounds[reason]:.3g}" if reason in bounds else reason


class _Options(NamedTuple):
    task: Task
    modality: Modality
    target: Target
    harmonised: bool
    min_agreement: float | None
    min_confidence: float | None
    keep_unlabelled: bool

    @property
    def needs_votes(self) -> bool:
        return self.target != "hard" or self.min_agreement is not None or self.min_confidence is not None


class _View(NamedTuple):
    columns: dict[str, NewColumn]
    labelled: NDArray[np.bool_]
    report: LabelReport


def label_view(
    dataset: datasets.Dataset,
    task: Task,
    *,
    modality: Modality = "multimodal",
    target: Target = "hard",
    harmonised: bool = False,
    min_agreement: float | None = None,
    min_confidence: float | None = None,
    keep_unlabelled: bool = False,
) -> datasets.Dataset:
    """Return the rows that a task has, with its label in a new column `label`.

    All columns stay; nothing is copied. A row is in a task by its *released* label, whatever the target is, so
    that views of one task with different targets have the same rows, but for those without votes.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it.
        task: `emotion7`: the authors' seven classes. `emotion4`: EmotionTalk's authors' four-class task, ids 0
            to 3 of the modality; M3ED's rows of the same four emotions. `sentiment`: float64, -2 to 2.
            `sentiment5`: five bins of it. `polarity`: negative or positive, zero is left out. `multilabel`:
            M3ED's blend as ones and zeros.
        modality: whose label. EmotionTalk has four that differ; sentiment, and M3ED, only `multimodal`.
        target: `hard`: the released label. From the annotators' votes of that modality, with the columns
            `agreement` (share of the annotators who gave the most frequent label), `entropy` (nats) and
            `outside` (share of the votes for what is no class of the task), all float64:
            `soft`: float32, share of the votes that are for a class of the task, which add up to 1; for
            `multilabel` the share of the annotators who gave each label, which does not.
            `votes`: int32, how many annotators gave each class; M3ED's `Other` is the eighth.
            `ranked`: ids of the classes that were given, most important first: by mean confidence in
            EmotionTalk, by summed importance (7 for an annotator's first label, 6 for the second, …) in M3ED;
            the lower id first among equals.
            An annotator of M3ED counts with the first label of the blend, as for Fleiss' kappa, and for the
            `label` and `outside` of `multilabel` and `ranked` with all of them.
        harmonised: EmotionTalk's words and order for both corpora: `print(HARMONISED)` says what that hides.
        min_agreement: keep rows where at least this share of the annotators gave the most frequent label.
        min_confidence: keep rows where the annotators' mean confidence is at least this. EmotionTalk only.
        keep_unlabelled: keep every row; the label is null where the row would have been left out.

    Raises:
        OptionError: a word or number that cannot be, a label that the corpus does not have, or columns that
            are not those of `load_dataset`.
    """
    options = _Options(task, modality, target, harmonised, min_agreement, min_confidence, keep_unlabelled)
    view = _make(dataset, options)
    result = with_columns(dataset, view.columns)
    return result if keep_unlabelled else keep_rows(result, view.labelled)


def label_report(
    dataset: datasets.Dataset,
    task: Task,
    *,
    modality: Modality = "multimodal",
    target: Target = "hard",
    harmonised: bool = False,
    min_agreement: float | None = None,
    min_confidence: float | None = None,
    keep_unlabelled: bool = False,
) -> LabelReport:
    """Return how many rows `label_view` keeps with the same arguments, and why the others go.

    Raises:
        OptionError: as `label_view`.
    """
    options = _Options(task, modality, target, harmonised, min_agreement, min_confidence, keep_unlabelled)
    return _make(dataset, options).report


def _make(dataset: datasets.Dataset, options: _Options) -> _View:
    """Compute the new columns, the rows that have a label, and the report, in one go."""
    choose("target", options.target, TARGETS)
    released = task_labels(dataset, options.task, options.modality, options.harmonised)
    _check(corpus_of(dataset), options)
    reasons = dict(released.left_out)
    given: VoteLabels | None = None
    if options.needs_votes:
        given = VoteLabels.of(votes(dataset, options.modality), released, options.task, options.target)
        reasons |= given.left_out(options.min_agreement, options.min_confidence)
    left_out, labelled = _first_reasons(reasons, dataset.num_rows)
    if given is None or options.target == "hard":
        return _View(
            {"label": released.column(labelled)}, labelled, _report(options, released, left_out, labelled)
        )
    report = _report(options, released, left_out, labelled, given)
    return _View(given.columns(labelled), labelled, report)


def _report(
    options: _Options,
    released: TaskLabels,
    left_out: dict[str, int],
    labelled: NDArray[np.bool_],
    given: VoteLabels | None = None,
) -> LabelReport:
    inside = None if given is None else given.inside()[labelled].sum(axis=0)
    total = 0 if given is None else int(given.counts[labelled].sum())
    return LabelReport(
        task=options.task,
        target=options.target,
        modality=options.modality,
        classes=released.classes,
        rows_in=len(labelled),
        rows_kept=int(labelled.sum()),
        left_out=left_out,
        class_counts=_by_class(released.classes, released.members()[labelled].sum(axis=0)),
        class_votes=None if inside is None else _by_class(released.classes, inside),
        votes_outside=None if inside is None else total - int(inside.sum()),
        harmonised=options.harmonised,
        min_agreement=None if options.min_agreement is None else float(options.min_agreement),
        min_confidence=None if options.min_confidence is None else float(options.min_confidence),
        keep_unlabelled=options.keep_unlabelled,
    )


def _by_class(classes: tuple[str, ...], numbers: NDArray[Any]) -> dict[str, int]:
    return {name: int(number) for name, number in zip(classes, numbers, strict=True)}


def _first_reasons(
    reasons: Mapping[str, NDArray[np.bool_]], num_rows: int
) -> tuple[dict[str, int], NDArray[np.bool_]]:
    """Count each row at the first of its reasons, and return the rows that have none."""
    labelled = np.ones(num_rows, bool)
    left_out: dict[str, int] = {}
    for reason, rows in reasons.items():
        left_out[reason] = int((labelled & rows).sum())
        labelled &= ~rows
    return left_out, labelled


def _check(corpus: CorpusName, options: _Options) -> None:
    """Refuse options that cannot be, or not together."""
    for name, flag in (("harmonised", options.harmonised), ("keep_unlabelled", options.keep_unlabelled)):
        if not isinstance(flag, bool):
            raise OptionError(f"{name} is {quote(flag)}; expected True or False.")
    for name, value in (("min_agreement", options.min_agreement), ("min_confidence", options.min_confidence)):
        if value is not None and not (is_number(value) and 0 <= value <= 1):
            raise OptionError(f"{name} is {quote(value)}; expected a number from 0 to 1, or None.")
    if options.min_confidence is not None and corpus == "m3ed":
        raise OptionError(
            "M3ED's annotators gave no confidence; leave out min_confidence, or use min_agreement."
        )
    if options.task in SENTIMENT_TASKS and options.needs_votes:
        raise OptionError(
            f"target, min_agreement and min_confidence are about the votes for emotions; task is "
            f"{options.task!r}, whose label is the mean of the ratings. The five ratings are in `annotations`; "
            f"to choose rows by the emotion, make a view of 'emotion7' first."
        )

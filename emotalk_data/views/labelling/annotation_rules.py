"""Final labels made again from the votes, by the rules of the corpora's authors; nothing is repaired by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import datasets
import numpy as np
import pyarrow as pa

from emotalk_data.builder.side_columns import NewColumn, with_columns
from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, M3ED_EMOTIONS, Modality
from emotalk_data.schemas.text_table import ShownAsText
from emotalk_data.views.annotators.votes import Votes, votes
from emotalk_data.views.columns import NO_LABEL, choose, corpus_of
from emotalk_data.views.labelling.ruled_labels import (
    RuledLabels,
    finalise,
    mean_sentiments,
    weigh_by_confidence,
)
from emotalk_data.views.labelling.tasks import SAME_SENTIMENT, task_labels

__all__ = ["RULES", "Rule", "RuleAgreement", "apply_rule", "rule_agreement"]

Rule = Literal["confidence_weighted", "mean_sentiment", "paper", "authors"]

RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "emotalk": ("confidence_weighted", "mean_sentiment"),
    "m3ed": ("paper", "authors"),
}
"""The rules of each corpus."""


@dataclass(frozen=True)
class RuleAgreement(ShownAsText):
    """How often a rule gives the released label.

    `equal`, `different`, `tied`, `undecided`, `no_votes` and `no_label` add up to `rows`.

    Attributes:
        rule: its name.
        modality: of the votes and the label.
        rows: rows of the dataset.
        equal: the rule gives one label, the released one.
        different: the rule gives one label, another one.
        tied: the rule gives several labels alike.
        tied_with_released: rows of `tied` where the released label is one of those that tie. In the others no
            way to break the tie gives it.
        undecided: there are votes, and the rule gives nothing: no two of M3ED's annotators agree, or
            EmotionTalk's gave no confidence or rating.
        no_votes: nobody voted.
        no_label: the rule gives something and there is no released label.
        names: the classes, in the order of their ids; none for `mean_sentiment`.
        confusion: rows by released class (outer) and rule's class (inner), where both are there. A tie counts
            at its lowest id, or at what the rule takes first.
        blend_equal: M3ED: rows with both blends where they hold the same labels, in whatever order.
        blend_different: M3ED: rows with both blends where they do not.
        largest_difference: `mean_sentiment`: between the released sentiment and the mean; None without any.
    """

    rule: Rule
    modality: Modality
    rows: int
    equal: int
    different: int
    tied: int
    tied_with_released: int
    undecided: int
    no_votes: int
    no_label: int
    names: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    blend_equal: int | None = None
    blend_different: int | None = None
    largest_difference: float | None = None

    @property
    def both(self) -> int:
        """Rows that have a released label and one by the rule."""
        return self.equal + self.different + self.tied

    @property
    def share_equal(self) -> float | None:
        """Share of `equal` in `both`; None when there are none. A tie is not equal."""
        return self.equal / self.both if self.both else None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain dicts, lists and numbers, ready for JSON."""
        return {
            **asdict(self),
            "names": list(self.names),
            "confusion": [list(row) for row in self.confusion],
            "both": self.both,
            "share_equal": self.share_equal,
        }

    def __str__(self) -> str:
        lines: list[tuple[str, int]] = [
            ("rows", self.rows),
            ("released label and rule", self.both),
            ("  equal", self.equal),
            ("  different", self.different),
            ("  tied", self.tied),
            ("    released label among the tied", self.tied_with_released),
            ("votes that the rule cannot decide", self.undecided),
            ("no votes", self.no_votes),
            ("no released label", self.no_label),
        ]
        if self.blend_equal is not None and self.blend_different is not None:
            lines += [
                ("blend equal, in any order", self.blend_equal),
                ("blend different", self.blend_different),
            ]
        table = [f"{name:<33}  {number:>7,}" for name, number in lines]
        if self.largest_difference is not None:
            table.append(f"{'largest difference':<33}  {self.largest_difference:>7.2g}")
        return "\n".join([f"rule {self.rule!r}, {self.modality}", *table, *self._confusion_lines()])

    def _confusion_lines(self) -> list[str]:
        if not self.both or not self.names:
            return []
        width = max(map(len, self.names))
        head = " " * width + "".join(f"  {name[:9]:>9}" for name in self.names)
        rows = [
            f"{name:<{width}}" + "".join(f"  {number:>9,}" for number in row)
            for name, row in zip(self.names, self.confusion, strict=True)
        ]
        return ["", "released (down) by rule (across)", head, *rows]


def apply_rule(
    dataset: datasets.Dataset, rule: Rule, *, modality: Modality = "multimodal"
) -> datasets.Dataset:
    """Return the dataset with what a rule gives for the votes of each row; released labels stay as they are.

    `confidence_weighted` (EmotionTalk's paper, section 3.2): the emotion with the largest mean confidence of
    those who chose it. When several share it, `rule_tied` is set, `rule_labels` holds them all in the order of
    their ids, and `rule_label` is the lowest id.

    `mean_sentiment` (EmotionTalk): the mean of the ratings, float64, in `rule_sentiment`; no other column.

    `paper` (M3ED's paper): labels that two annotators gave, by summed importance; tied when the first two have
    the same, and then the lower id is first. `authors` (M3ED's code): see
    `emotalk_data.schemas.rules.finalise_authors`; tied when no label of the blend was put first by two, so that
    the order of the annotators decides. `rule_label` is the main emotion, `rule_labels` the blend.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it.
        rule: its name; each corpus has two.
        modality: whose votes. M3ED and `mean_sentiment`: only `multimodal`.

    Returns:
        All rows and columns, with `rule_label`, `rule_labels` and `rule_tied`, or `rule_sentiment`. All are null
        where the rule gives nothing.

    Raises:
        OptionError: a rule of the other corpus, a modality without such votes, or no column `annotations`.
    """
    found = _votes(dataset, rule, modality)
    if rule == "mean_sentiment":
        means = mean_sentiments(found)
        values = pa.array(means, mask=np.isnan(means))
        return with_columns(dataset, {"rule_sentiment": NewColumn(values, datasets.Value("float64"))})
    ruled = _ruled(found, rule)
    nothing = ruled.main == NO_LABEL
    label = datasets.ClassLabel(names=list(_names(dataset)))
    lengths = np.bincount(ruled.rows, minlength=found.num_rows)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    lists = pa.ListArray.from_arrays(offsets, pa.array(ruled.labels), mask=pa.array(nothing))
    return with_columns(
        dataset,
        {
            "rule_label": NewColumn(pa.array(ruled.main, mask=nothing), label),
            "rule_labels": NewColumn(lists, datasets.List(label)),
            "rule_tied": NewColumn(pa.array(ruled.tied, mask=nothing), datasets.Value("bool")),
        },
    )


def rule_agreement(
    dataset: datasets.Dataset, rule: Rule, *, modality: Modality = "multimodal"
) -> RuleAgreement:
    """Return how often a rule gives the released label. It need not: experts may override (EmotionTalk's paper).

    Raises:
        OptionError: as `apply_rule`.
    """
    found = _votes(dataset, rule, modality)
    if rule == "mean_sentiment":
        return _sentiment_agreement(dataset, found)
    ruled = _ruled(found, rule)
    released = task_labels(dataset, "emotion7", modality, harmonised=False)
    names = released.classes
    has_rule, has_label = ruled.main != NO_LABEL, released.values != NO_LABEL
    both = has_rule & has_label
    among = np.zeros(len(both), bool)
    among[both] = ruled.first[both, released.values[both]]
    confusion = np.zeros((len(names), len(names)), np.int64)
    np.add.at(confusion, (released.values[both], ruled.main[both]), 1)
    has_votes = np.bincount(found.rows[found.emotions != NO_LABEL], minlength=found.num_rows) > 0
    one = both & ~ruled.tied
    blends = _blend_agreement(dataset, ruled) if corpus_of(dataset) == "m3ed" else (None, None)
    return RuleAgreement(
        rule=rule,
        modality=modality,
        rows=dataset.num_rows,
        equal=int((one & (released.values == ruled.main)).sum()),
        different=int((one & (released.values != ruled.main)).sum()),
        tied=int((both & ruled.tied).sum()),
        tied_with_released=int((both & ruled.tied & among).sum()),
        undecided=int((has_votes & ~has_rule).sum()),
        no_votes=int((~has_votes).sum()),
        no_label=int((has_rule & ~has_label).sum()),
        names=names,
        confusion=tuple(tuple(map(int, row)) for row in confusion),
        blend_equal=blends[0],
        blend_different=blends[1],
    )


def _votes(dataset: datasets.Dataset, rule: Rule, modality: Modality) -> Votes:
    corpus = corpus_of(dataset)
    choose("rule", rule, RULES[corpus])
    if rule == "mean_sentiment" and modality != "multimodal":
        raise OptionError(
            f"EmotionTalk's sentiment was rated from video with sound only; modality is {quote(modality)}, "
            f"expected 'multimodal'."
        )
    return votes(dataset, modality)


def _ruled(found: Votes, rule: Rule) -> RuledLabels:
    if rule == "paper" or rule == "authors":
        return finalise(found, rule)
    return weigh_by_confidence(found)


def _names(dataset: datasets.Dataset) -> tuple[str, ...]:
    return EMOTALK_EMOTIONS.names if corpus_of(dataset) == "emotalk" else M3ED_EMOTIONS.names


def _blend_agreement(dataset: datasets.Dataset, ruled: RuledLabels) -> tuple[int, int]:
    """Count the rows with a released blend and one by the rule: how many hold the same labels, and not."""
    released = task_labels(dataset, "multilabel", "multimodal", harmonised=False).members()
    by_rule = ruled.sets()
    both = released.any(axis=1) & by_rule.any(axis=1)
    equal = (released == by_rule).all(axis=1)
    return int((both & equal).sum()), int((both & ~equal).sum())


def _sentiment_agreement(dataset: datasets.Dataset, found: Votes) -> RuleAgreement:
    released = task_labels(dataset, "sentiment", "multimodal", harmonised=False).values
    means = mean_sentiments(found)
    has_votes = np.bincount(found.rows, minlength=found.num_rows) > 0
    has_rule, has_label = ~np.isnan(means), ~np.isnan(released)
    both = has_rule & has_label
    differences = np.abs(means[both] - released[both])
    equal = int((differences < SAME_SENTIMENT).sum())
    return RuleAgreement(
        rule="mean_sentiment",
        modality="multimodal",
        rows=dataset.num_rows,
        equal=equal,
        different=int(both.sum()) - equal,
        tied=0,
        tied_with_released=0,
        undecided=int((has_votes & ~has_rule).sum()),
        no_votes=int((~has_votes).sum()),
        no_label=int((has_rule & ~has_label).sum()),
        names=(),
        confusion=(),
        largest_difference=float(differences.max()) if len(differences) else None,
    )

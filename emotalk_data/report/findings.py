"""All sections of the page, counted; where there is nothing to show, the reason why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from emotalk_data.errors import EmotalkError
from emotalk_data.report.annotator_agreement import AgreementRow, annotator_agreement
from emotalk_data.report.corpus import Corpus
from emotalk_data.report.headline import Headline, Reading, headline, reading
from emotalk_data.report.histograms import (
    Durations,
    SentimentBins,
    durations,
    sentiment,
    utterance_lengths,
)
from emotalk_data.report.label_pairs import LabelPair, label_pairs
from emotalk_data.report.label_shares import Blends, LabelPanel, Stack, blends, label_panels, stacks
from emotalk_data.report.presence_map import PresenceMap, presence_map
from emotalk_data.report.shown_audit import SplitFindings, split_findings

if TYPE_CHECKING:
    from emotalk_data.loaders.report import Report

__all__ = ["Findings", "find"]

T = TypeVar("T")


@dataclass(frozen=True)
class Findings:
    """What the sections show.

    Attributes:
        reasons: section to why it is empty, or could not be made.
    """

    headline: Headline
    stacks: tuple[Stack, ...]
    panels: tuple[LabelPanel, ...]
    blends: Blends | None
    pairs: tuple[LabelPair, ...]
    sentiment: SentimentBins | None
    durations: Durations | None
    agreement: tuple[AgreementRow, ...]
    presence: PresenceMap
    splits: SplitFindings | None
    reading: Reading | None
    reasons: dict[str, str]


def find(corpus: Corpus, *, media: bool, resamples: int, report: Report | None) -> Findings:
    """Count everything.

    Args:
        corpus: the data.
        media: read the headers of sound or pictures where times are null.
        resamples: for the intervals of agreement.
        report: what was found while the release was read, where that is known.

    Raises:
        OptionError: `resamples` cannot be.
    """
    reasons: dict[str, str] = {}
    lengths, from_times = utterance_lengths(corpus, media=media)
    found_blends = blends(corpus)
    told = reading(report) if report is not None else None
    agreed: tuple[AgreementRow, ...] = (
        _try(lambda: annotator_agreement(corpus, resamples=resamples), "agreement", reasons) or ()
    )
    shared = _try(lambda: split_findings(corpus), "splits", reasons)
    found = Findings(
        headline=headline(
            corpus, lengths=lengths, blends=found_blends, agreement=agreed, findings=shared, reading=told
        ),
        stacks=stacks(corpus),
        panels=label_panels(corpus),
        blends=found_blends,
        pairs=label_pairs(corpus),
        sentiment=sentiment(corpus),
        durations=durations(corpus, lengths, from_times),
        agreement=agreed,
        presence=presence_map(corpus),
        splits=shared,
        reading=told,
        reasons=reasons,
    )
    _explain(corpus, found, media=media)
    return found


def _try(make: Callable[[], T], section: str, reasons: dict[str, str]) -> T | None:
    """Return a section, or None and its reason: an odd table must not cost the whole page."""
    try:
        return make()
    except EmotalkError as error:
        reasons[section] = f"{type(error).__name__}: {error.message}"
        return None


def _explain(corpus: Corpus, found: Findings, *, media: bool) -> None:
    """Say why sections are empty."""
    empty = {
        "labels": (not found.stacks, "No utterance of this data has a label."),
        "pairs": (not found.pairs, "Labels of two modalities are needed, and this data has not got them."),
        "sentiment": (
            found.sentiment is None or not found.sentiment.total,
            "No utterance of this data has a sentiment; it is judged from video with sound.",
        ),
        "durations": (
            found.durations is None,
            "No utterance of this data has times"
            + (
                ", sound or pictures whose length can be read."
                if media
                else "; sound and pictures were not opened."
            ),
        ),
        "agreement": (
            not found.agreement,
            "No utterance of this data has two annotators’ judgements to compare.",
        ),
        "splits": (
            found.splits is None,
            "There is one split with rows in it; what splits share needs two.",
        ),
        "dialogues": (not corpus.num_rows, "There is no utterance."),
        "samples": (not corpus.num_rows, "There is no utterance."),
        "reading": (
            found.reading is None,
            "The page was made from a table, not from a release: what was found while reading that is not known.",
        ),
    }
    for section, (is_empty, why) in empty.items():
        if is_empty:
            found.reasons.setdefault(section, why)

"""The first screen: what the data is, in one sentence and a few figures, and what to know before using it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.report.annotator_agreement import AgreementRow
from emotalk_data.report.corpus import Corpus
from emotalk_data.report.label_pairs import share_that_differs
from emotalk_data.report.label_shares import Blends
from emotalk_data.report.shown_audit import SplitFindings
from emotalk_data.report.shown_text import number, percent, plural
from emotalk_data.schemas.codes import CODES
from emotalk_data.views.columns import column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.loaders.report import Report

__all__ = ["Figure", "Headline", "Note", "Reading", "headline", "reading"]

_ALONE: Final = {
    "text": "the words alone say",
    "audio": "the voice alone says",
    "video": "the silent picture says",
}
_ABOUT: Final = {
    "emotalk": "EmotionTalk: Chinese conversations between two actors. Annotators judged each utterance four "
    "times: from its text, from its sound, from silent video, and from video with sound.",
    "m3ed": "M3ED: dialogues from Chinese TV series. Annotators watched video with sound and gave each "
    "utterance one emotion or a blend of several.",
}
_MOST_PROBLEMS: Final = 8


@dataclass(frozen=True)
class Figure:
    """One number of the first screen; `note` says what it leaves out, or ""."""

    value: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class Note:
    """One thing to know before using the data; `anchor` is the section that shows it."""

    tone: str
    title: str
    text: str
    anchor: str


@dataclass(frozen=True)
class Headline:
    """The first screen.

    Attributes:
        lead: the sentence, in two halves; the second one carries the weight.
        about: what the corpus is.
        figures: utterances, dialogues, speakers, hours.
        splits: name, rows and share of all rows.
        notes: what to know first.
    """

    lead: tuple[str, str]
    about: str
    figures: tuple[Figure, ...]
    splits: tuple[tuple[str, int, float], ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Reading:
    """What was found while the release was read.

    Attributes:
        summary: one line.
        problems: code, severity, meaning and number of the most frequent ones, errors first.
        num_other_kinds: codes that are not shown.
        num_other_problems: their problems.
    """

    summary: str
    problems: tuple[tuple[str, str, str, int], ...]
    num_other_kinds: int
    num_other_problems: int


def reading(report: Report) -> Reading:
    """Return what the reading report says, the worst and most frequent kinds first."""
    counts = report.num_by_code()
    severities = ("error", "warning", "note")
    codes = sorted(counts, key=lambda code: (severities.index(CODES[code].severity), -counts[code], code))
    rest = codes[_MOST_PROBLEMS:]
    return Reading(
        summary=report.summary(),
        problems=tuple(
            (code, CODES[code].severity, CODES[code].meaning, counts[code]) for code in codes[:_MOST_PROBLEMS]
        ),
        num_other_kinds=len(rest),
        num_other_problems=sum(counts[code] for code in rest),
    )


def headline(
    corpus: Corpus,
    *,
    lengths: NDArray[np.float64],
    blends: Blends | None,
    agreement: tuple[AgreementRow, ...],
    findings: SplitFindings | None,
    reading: Reading | None,
) -> Headline:
    """Put the first screen together from what the sections found."""
    notes = [*_split_note(findings), *_agreement_note(agreement), *_reading_note(reading)]
    return Headline(
        lead=_lead(corpus, blends),
        about=_ABOUT[corpus.name],
        figures=tuple(_figures(corpus, lengths)),
        splits=tuple(
            (name, rows.num_rows, rows.num_rows / max(corpus.num_rows, 1))
            for name, rows in corpus.splits.items()
        ),
        notes=tuple(notes),
    )


def _lead(corpus: Corpus, blends: Blends | None) -> tuple[str, str]:
    rows = plural(corpus.num_rows, "utterance")
    whole = corpus.labels.get("multimodal")
    if whole is not None and len(corpus.labels) > 1:
        differ = {m: share_that_differs(labels, whole) for m, labels in corpus.labels.items() if m in _ALONE}
        shares = {m: count / both for m, (count, both) in differ.items() if both}
        if shares:
            most = max(shares, key=lambda modality: shares[modality])
            both = differ[most][1]
            labelled = "" if both == corpus.num_rows else " with both labels"
            return (
                f"In {percent(shares[most])} of {plural(both, 'utterance')}{labelled},",
                f"{_ALONE[most]} another emotion than the whole.",
            )
    if blends is not None and blends.num_blended:
        share = blends.num_blended / max(corpus.num_rows, 1)
        return (f"{percent(share)} of {rows}", "carry more than one emotion.")
    return (f"{rows} in", f"{plural(_num_distinct(corpus, 'dialogue_id'), 'dialogue')}.")


def _figures(corpus: Corpus, lengths: NDArray[np.float64]) -> list[Figure]:
    figures = [
        Figure(number(corpus.num_rows), "utterance" if corpus.num_rows == 1 else "utterances"),
        _counted(_num_distinct(corpus, "dialogue_id"), "dialogue"),
    ]
    if corpus.name == "m3ed" and corpus.has("series"):
        figures.append(Figure(number(_num_distinct(corpus, "series")), "series"))
    people = _num_people(corpus)
    if people is not None:
        figures.append(_counted(people, "speaker"))
    known = ~np.isnan(lengths)
    if known.any():
        missing = int((~known).sum())
        note = f"{plural(missing, 'utterance')} of unknown length left out" if missing else ""
        figures.append(Figure(*_as_time(float(lengths[known].sum())), note))
    return figures


def _as_time(total: float) -> tuple[str, str]:
    """Return a length and its unit: "23.6 hours", "4.2 minutes"."""
    if total >= 3600:
        return f"{total / 3600:.1f}", "hours of speech"
    return f"{total / 60:.1f}", "minutes of speech"


def _counted(count: int, noun: str) -> Figure:
    return Figure(number(count), noun if count == 1 else f"{noun}s")


def _num_distinct(corpus: Corpus, name: str) -> int:
    return int(pc.count_distinct(column(corpus.whole, name)).as_py())


def _num_people(corpus: Corpus) -> int | None:
    """Count the speakers; None where the data does not say. M3ED's letters start anew in each dialogue."""
    if corpus.name == "emotalk":
        return _num_distinct(corpus, "speaker_id") if corpus.has("speaker_id") else None
    if not (corpus.has("series") and corpus.has("speaker_name")):
        return None
    series, name = (_filled(column(corpus.whole, one)) for one in ("series", "speaker_name"))
    return int(pc.count_distinct(pc.binary_join_element_wise(series, name, "\0")).as_py())


def _filled(values: Any) -> Any:
    return pc.fill_null(values.cast(pa.string()), "?")


def _split_note(findings: SplitFindings | None) -> list[Note]:
    if findings is None:
        return []
    leaks = [finding for finding in findings.findings if finding.is_leak]
    if not leaks:
        return [
            Note(
                "good", "Splits share no one", "No speaker, dialogue or utterance is in two splits.", "splits"
            )
        ]
    # The leak that most rows of one split are affected by.
    first = max(leaks, key=lambda finding: max(one.share for one in finding.affected))
    rows = [f"{plural(one.count, 'row')} of {one.split} ({percent(one.share)})" for one in first.affected]
    text = f"{' and '.join(rows)} are theirs." if first.is_about_people else f"{' and '.join(rows)}."
    return [Note("warn", f"{first.headline[:1].upper()}{first.headline[1:]}", text, "splits")]


def _agreement_note(rows: tuple[AgreementRow, ...]) -> list[Note]:
    defined = [(row, row.coefficients[0]) for row in rows if row.coefficients[0].is_defined]
    if not defined:
        return []
    row, kappa = max(defined, key=lambda one: one[0].modality == "multimodal")
    published = "" if kappa.published is None else f" The published value is {kappa.published:g}."
    who = plural(row.found.num_annotators, "annotator")
    text = f"Fleiss’ kappa of {who} per utterance, {row.perceived}.{published}"
    return [Note("plain", f"Annotators agree at κ = {kappa.value:.2f}", text, "agreement")]


def _reading_note(reading: Reading | None) -> list[Note]:
    if reading is None:
        return []
    bad = [one for one in reading.problems if one[1] in ("error", "warning")]
    if not bad:
        return [Note("good", "Read without error or warning", reading.summary, "reading")]
    return [Note("warn", "Read, with problems", reading.summary, "reading")]

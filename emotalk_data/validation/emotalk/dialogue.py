"""EmotionTalk: the utterances of one dialogue against each other: numbers, speakers, times."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from emotalk_data.loaders.emotalk import EmotalkUtterance
from emotalk_data.loaders.emotalk_places import UtteranceFiles
from emotalk_data.loaders.report import Report

__all__ = ["DialogueChecks"]

_AUDIO: Final = 1  # position of the modality whose records hold the times
_MAX_OVERLAP: Final = 0.05
"""Seconds by which one speaker's utterances may overlap: the times are rounded, and cuts fall into silence."""


class _Span(NamedTuple):
    """When an utterance was spoken, on its session's time line."""

    speaker: str
    start_seconds: float
    end_seconds: float
    utterance_id: str
    file: str


class DialogueChecks:
    """Takes the utterances of one dialogue in the order of their numbers, then looks at them together.

    Attributes:
        dialogue_id: `<group>_<session>`.
        speakers: who speaks in it, and the name of a file of each.
        num_utterances: how many utterances it has.
    """

    def __init__(self, dialogue_id: str) -> None:
        self.dialogue_id: Final = dialogue_id
        self.speakers: Final[dict[str, str]] = {}
        self.num_utterances = 0
        self._ids: Final[list[tuple[str, str]]] = []  # id and the name of its first file
        self._spans: Final[list[_Span]] = []

    def add(self, utterance: EmotalkUtterance, files: UtteranceFiles) -> None:
        """Take one utterance."""
        utterance_id = utterance.utterance_id
        self.num_utterances += 1
        name = next((file.name for file in files.records if file is not None), "")
        self.speakers.setdefault(utterance_id[10:12], name)
        self._ids.append((utterance_id, name))
        if utterance.audio is not None and (span := utterance.audio.span_seconds) is not None:
            file = files.records[_AUDIO]
            name = file.name if file is not None else ""
            self._spans.append(_Span(utterance_id[10:12], *span, utterance_id, name))

    def finish(self, report: Report) -> None:
        """Report what is wrong with the dialogue as a whole."""
        for (before, _), (utterance_id, file) in zip(self._ids, self._ids[1:], strict=False):
            if before[13:] == utterance_id[13:]:
                found, expected = f"number {utterance_id[13:]}", f"a number of its own; {before} has it too"
                report.problem("ET-ID-004", file, "", found, expected, utterance_id=utterance_id)
        if len(self.speakers) == 1 and self.num_utterances > 1:
            (speaker, file), *_ = self.speakers.items()
            found = f"of a dialogue with {self.num_utterances} utterances of speaker {speaker} alone"
            report.problem("ET-SPEAKER-001", file, "", found, "two speakers", utterance_id=self._ids[0][0])
        self._compare_times(report)

    def _compare_times(self, report: Report) -> None:
        """Report starts that are out of the order of the numbers, and one speaker's utterances that overlap."""
        self._report_out_of_order(report)
        self._report_overlaps(report)

    def _report_out_of_order(self, report: Report) -> None:
        in_order = _longest_in_order([span.start_seconds for span in self._spans])
        places = iter([*in_order, None])
        before, place = None, next(places)
        for position, span in enumerate(self._spans):
            if position == place:
                before, place = span, next(places)
                continue
            after = None if place is None else self._spans[place]
            bounds = [f"after that of {before.utterance_id}, {before.start_seconds:g}"] if before else []
            bounds += [f"before that of {after.utterance_id}, {after.start_seconds:g}"] if after else []
            report.problem(
                "ET-TIME-004",
                span.file,
                "paragraphs.startTime",
                f"{span.start_seconds:g}",
                f"a start {' and '.join(bounds)}",
                utterance_id=span.utterance_id,
            )

    def _report_overlaps(self, report: Report) -> None:
        last_of: dict[str, _Span] = {}
        for span in sorted(self._spans, key=lambda one: (one.start_seconds, one.end_seconds)):
            before = last_of.get(span.speaker)
            if before is not None and span.start_seconds < before.end_seconds - _MAX_OVERLAP:
                report.problem(
                    "ET-TIME-002",
                    span.file,
                    "paragraphs.startTime",
                    f"{span.start_seconds:g}",
                    f"a start after {before.utterance_id} ends, {before.end_seconds:g}",
                    utterance_id=span.utterance_id,
                )
            if before is None or span.end_seconds > before.end_seconds:
                last_of[span.speaker] = span


def _longest_in_order(starts: list[float]) -> Sequence[int]:
    """Return the positions of a longest run, gaps allowed, in which no start is below the one before it.

    What is outside it is out of place: one start that is far too late does not make all that follow wrong.
    """
    if all(one <= other for one, other in pairwise(starts)):
        return range(len(starts))
    # From the back, with the signs turned: of runs that are equally long it is the earliest that counts.
    ends: list[float] = []  # the lowest end of a run of each length
    firsts: list[int] = []  # where that run begins
    following: list[int | None] = [None] * len(starts)  # where the best run that begins at a position goes on
    for position in reversed(range(len(starts))):
        length = bisect_right(ends, -starts[position])
        following[position] = firsts[length - 1] if length else None
        ends[length : length + 1] = [-starts[position]]
        firsts[length : length + 1] = [position]
    run: list[int] = []
    place: int | None = firsts[-1]
    while place is not None:
        run.append(place)
        place = following[place]
    return run

"""Checks of M3ED across dialogues: people of a series, dialogues of an episode, totals of the release."""

from __future__ import annotations

from typing import Final, NamedTuple

from emotalk_data.errors import quote
from emotalk_data.loaders.m3ed_index import DialogueSource
from emotalk_data.loaders.m3ed_lists import Split
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.timecode import format_timecode, parse_timecode
from emotalk_data.validation.m3ed.dialogue import DialogueChecks

__all__ = ["CorpusChecks"]

# Published by the paper and the README.
_NUM_SERIES: Final[dict[Split, int]] = {"train": 38, "validation": 7, "test": 11}
_NUM_DIALOGUES: Final = 990
_NUM_UTTERANCES: Final = 24_449
_NEAR: Final = 0.1  # a total of utterances further off than this is another corpus's


class _Person(NamedTuple):
    """What is said of a name, and where it is said first."""

    where: str
    letter: str
    gender: str | None
    age: str | None


class _Span(NamedTuple):
    """Where the utterances of a dialogue lie in their episode, in frames."""

    start: int
    end: int
    series: str
    dialogue_id: str


class CorpusChecks:
    """Takes dialogues one after the other, and looks at what they say together."""

    def __init__(self, report: Report) -> None:
        self._report: Final = report
        self._people: Final[dict[tuple[str, str], _Person]] = {}
        self._other_names: Final[dict[tuple[str, str], tuple[str, str, str]]] = {}
        self._spans: Final[dict[tuple[str, int], list[_Span]]] = {}
        self._series: Final[dict[Split, set[str]]] = {"train": set(), "validation": set(), "test": set()}
        self._num_dialogues = 0
        self._num_utterances = 0

    def take(self, dialogue: DialogueSource, checks: DialogueChecks) -> None:
        """Take in a dialogue whose utterances have been looked at."""
        if dialogue.is_listed:
            self._series[dialogue.split].add(dialogue.series)
            self._num_dialogues += 1
            self._num_utterances += len(dialogue.utterances)
        place, span = dialogue.place, checks.span
        if place is not None and place.episode is not None and place.start_time is not None and span:
            origin = parse_timecode(place.start_time).frame_number
            found = _Span(origin + span[0], origin + span[1], dialogue.series, dialogue.dialogue_id)
            self._spans.setdefault((dialogue.series, place.episode), []).append(found)
        for letter, speaker in sorted(checks.speakers.items()):
            if speaker.name:
                self._take_person(
                    dialogue, speaker.name, _Person(dialogue.where, letter, speaker.gender, speaker.age)
                )
                for position, name in enumerate(speaker.other_names or ()):
                    if name and name != speaker.name:
                        path = f"{dialogue.where}.SpeakerInfo.{letter}.OtherName[{position}]"
                        self._other_names.setdefault(
                            (dialogue.series, name), (dialogue.file, path, speaker.name)
                        )

    def _take_person(self, dialogue: DialogueSource, name: str, person: _Person) -> None:
        """Compare a name with where it was met first in the series."""
        first = self._people.setdefault((dialogue.series, name), person)
        for key, here, there in (("Gender", person.gender, first.gender), ("Age", person.age, first.age)):
            if here is not None and there is not None and here != there:
                path = f"{person.where}.SpeakerInfo.{person.letter}.{key}"
                expected = f"{there}, as {quote(name)} is in {first.where}"
                self._report.problem("M3-SPEAKER-009", dialogue.file, path, quote(here), expected)

    def finish(self, annotation_file: str, relation_file: str, *, is_whole: bool) -> None:
        """Report what is seen when all dialogues have been taken.

        Args:
            annotation_file: name of the annotation file.
            relation_file: name of the relation file.
            is_whole: the files are those of a release: compare its totals with the published ones.
        """
        for (series, name), (file, path, main_name) in self._other_names.items():
            person = self._people.get((series, name))
            if person is not None:
                expected = f"no name of another speaker; {person.where} has one of this name"
                found = f"{quote(name)}, of {quote(main_name)}"
                self._report.problem("M3-SPEAKER-010", file, path, found, expected)
        for (_, episode), spans in self._spans.items():
            self._check_overlaps(relation_file, episode, spans)
        if is_whole:
            self._compare_totals(annotation_file)

    def _check_overlaps(self, file: str, episode: int, spans: list[_Span]) -> None:
        spans.sort()
        last = spans[0]
        for span in spans[1:]:
            if span.start < last.end:
                self._report.problem(
                    "M3-REL-006",
                    file,
                    f"{span.series}.{span.dialogue_id}",
                    f"from {format_timecode(span.start)} of episode {episode}",
                    f"a start after {format_timecode(last.end)}, where {last.dialogue_id} ends",
                )
            last = max(last, span, key=lambda one: one.end)

    def _compare_totals(self, file: str) -> None:
        """Compare with the published totals, when every published series is there."""
        if {split: len(series) for split, series in self._series.items()} != _NUM_SERIES:
            return
        self._compare(file, "dialogues", self._num_dialogues, _NUM_DIALOGUES)
        if abs(self._num_utterances - _NUM_UTTERANCES) <= _NEAR * _NUM_UTTERANCES:
            self._compare(file, "utterances", self._num_utterances, _NUM_UTTERANCES)

    def _compare(self, file: str, what: str, found: int, published: int) -> None:
        if found != published:
            self._report.problem("M3-DATA-003", file, "", f"{found:,} {what}", f"{published:,}, as published")

"""Checks of one dialogue of M3ED: its speakers, its times, and its final labels against the annotators'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import combinations
from typing import Final

from emotalk_data.errors import quote
from emotalk_data.loaders.m3ed import MAX_SPEAKERS, M3edUtterance
from emotalk_data.loaders.m3ed_index import DialogueSource
from emotalk_data.loaders.m3ed_places import name_in_path
from emotalk_data.schemas.m3ed import EmotionAnnotation, Speaker
from emotalk_data.schemas.m3ed_read import read_speaker
from emotalk_data.schemas.problems import Note, Problem, noter
from emotalk_data.schemas.rules import finalise_authors, finalise_paper
from emotalk_data.schemas.timecode import format_timecode, parse_timecode

__all__ = ["DialogueChecks"]

_NUM_SPEAKERS: Final = 2
_PLACE_TOLERANCE_FRAMES: Final = 25  # dialogues were cut by hand
_ANNOTATOR_FIELDS: Final = ("EmoAnnotator1", "EmoAnnotator2", "EmoAnnotator3")


class DialogueChecks:
    """Looks at the utterances of one dialogue, one after the other; keeps none of them.

    Args:
        dialogue: the dialogue.
        counts: takes how many final labels were compared with the rules, and how many agree.

    Attributes:
        speakers: letter -> speaker, of those that can be read.
        span: start of the first utterance and end of the last, in frames of the dialogue; None without times.
    """

    def __init__(self, dialogue: DialogueSource, counts: Counter[str]) -> None:
        self.speakers: Final = _speakers(dialogue)
        self.span: tuple[int, int] | None = None
        self._dialogue: Final = dialogue
        self._counts: Final = counts
        self._num_utterances = 0
        self._talkers: Final[set[str | None]] = set()
        self._before: tuple[int, str] | None = None  # start and id of the utterance before
        self._end_by_speaker: Final[dict[str, tuple[int, str]]] = {}
        self._num_frames = _num_frames(dialogue)

    def look(self, row: M3edUtterance, add: Callable[[Problem], None]) -> None:
        """Look at the next utterance, in the order of numbers."""
        where = f"{self._dialogue.where}.Dialog.{row.utterance_id}"
        note = noter(add, self._dialogue.file, where, row.utterance_id)
        self._num_utterances += 1
        self._talkers.add(row.utterance.speaker if row.utterance.speaker in self.speakers else None)
        _check_text(row.utterance.text, "Text", note)
        if row.utterance.text is not None and not row.utterance.text.strip():
            note("M3-TEXT-001", "Text", quote(row.utterance.text), "the text")
        self._check_times(row, note)
        _check_blends(row.annotation, note)
        self._compare_finals(row.annotation, note)

    def finish(self, add: Callable[[Problem], None]) -> None:
        """Look at the dialogue as a whole, when its utterances have been looked at."""
        dialogue = self._dialogue
        if not self._num_utterances and not dialogue.utterances:
            add(Problem("M3-DATA-002", dialogue.file, f"{dialogue.where}.Dialog", "{}", "utterances"))
        note = noter(add, dialogue.file, f"{dialogue.where}.SpeakerInfo")
        if isinstance(dialogue.speakers, dict) and len(dialogue.speakers) != _NUM_SPEAKERS:
            found = quote(list(dialogue.speakers)[:10])
            note("M3-SPEAKER-007", "", found, "two speakers")
        for (_, one), (letter, other) in combinations(sorted(self.speakers.items()), 2):
            if one.name and one.name == other.name:
                note("M3-SPEAKER-008", f"{letter}.Name", quote(other.name), "another name than the other's")
        for letter, speaker in sorted(self.speakers.items()):
            _check_speaker(speaker, name_in_path(letter), note)
        if len(self._talkers) == 1 and None not in self._talkers and self._num_utterances > 1:
            found = f"{quote(self._talkers.pop())} alone in {self._num_utterances} utterances"
            add(Problem("M3-SPEAKER-011", dialogue.file, f"{dialogue.where}.Dialog", found, "two speakers"))

    def _check_times(self, row: M3edUtterance, note: Note) -> None:
        if row.start_seconds is None or row.end_seconds is None:
            return
        start = parse_timecode(row.utterance.start_time or "").frame_number
        end = parse_timecode(row.utterance.end_time or "").frame_number
        if start == end:
            note("M3-TIME-006", "EndTime", quote(row.utterance.end_time), "an end after the start")
        if self._num_frames is not None and end > self._num_frames + _PLACE_TOLERANCE_FRAMES:
            length = format_timecode(self._num_frames)
            expected = f"at most {length}, the length of the dialogue"
            note("M3-TIME-009", "EndTime", quote(row.utterance.end_time), expected)
            end = start  # an end that cannot be is held against nobody else
        speaker = row.utterance.speaker or ""
        said_before = self._end_by_speaker.get(speaker)
        if self._before is not None and start < self._before[0]:
            expected = f"at or after {format_timecode(self._before[0])}, the start of {self._before[1]}"
            note("M3-TIME-008", "StartTime", quote(row.utterance.start_time), expected)
        elif speaker in self.speakers and said_before is not None and start < said_before[0]:
            expected = f"at or after {format_timecode(said_before[0])}, the end of {said_before[1]}"
            note("M3-TIME-007", "StartTime", quote(row.utterance.start_time), expected)
        self._before = (start, row.utterance_id)
        self._end_by_speaker[speaker] = (end, row.utterance_id)
        first, last = self.span or (start, end)
        self.span = (min(first, start), max(last, end))

    def _compare_finals(self, annotation: EmotionAnnotation, note: Note) -> None:
        """Compare the final labels with what both rules give; the order of a blend does not count."""
        main, blend = annotation.emotion, annotation.emotions
        votes = (annotation.annotator_1, annotation.annotator_2, annotation.annotator_3)
        if main is None or blend is None or None in votes:
            return
        finals = _finals(*votes)
        released = (main, frozenset(blend.split(",")))
        self._counts["finals_compared"] += 1
        for rule, final in finals.items():
            self._counts[f"finals_agree_{rule}"] += final == released
        if not any(finals.values()):  # no two annotators agree: somebody decided
            self._counts["finals_undecided"] += 1
        elif released not in finals.values() and main in released[1]:
            is_blend = all(final is None or final[1] != released[1] for final in finals.values())
            field, found = ("final_mul_emo", blend) if is_blend else ("final_main_emo", main)
            by_rule = [
                ",".join(sorted(final[1])) if is_blend else final[0] for final in finals.values() if final
            ]
            expected = f"{' or '.join(dict.fromkeys(by_rule))}, as the annotators say"
            note("M3-LABEL-005", f"EmoAnnotation.{field}", quote(found), expected)


@lru_cache(maxsize=4_096)  # three annotators of a release agree in few different ways
def _finals(*votes: str | None) -> dict[str, tuple[str, frozenset[str]] | None]:
    """Return the main label and the set of the blend by each rule."""
    lists = [vote.split(",") for vote in votes if vote is not None]
    by_rule = {"paper": finalise_paper(lists), "authors": finalise_authors(lists)}
    return {rule: final and (final[0], frozenset(final[1])) for rule, final in by_rule.items()}


def _speakers(dialogue: DialogueSource) -> dict[str, Speaker]:
    """Return those speakers that can be read; what is wrong with them is reported by the loader."""
    if not isinstance(dialogue.speakers, dict) or len(dialogue.speakers) > MAX_SPEAKERS:
        return {}
    found = {letter: read_speaker(entry, lambda *_: None) for letter, entry in dialogue.speakers.items()}
    return {letter: speaker for letter, speaker in found.items() if speaker is not None}


def _num_frames(dialogue: DialogueSource) -> int | None:
    """Return the length of a dialogue by the relation file; None where that has none, or no time at all."""
    place = dialogue.place
    if place is None or place.start_time is None or place.end_time is None:
        return None
    # A place of no length is a problem of its own, and holds nothing against the utterances.
    return parse_timecode(place.end_time).frame_number - parse_timecode(place.start_time).frame_number or None


def _check_blends(annotation: EmotionAnnotation, note: Note) -> None:
    values = (annotation.annotator_1, annotation.annotator_2, annotation.annotator_3, annotation.emotions)
    for field, blend in zip((*_ANNOTATOR_FIELDS, "final_mul_emo"), values, strict=True):
        if blend is not None and "," in blend:
            labels = blend.split(",")
            if len(set(labels)) < len(labels):
                note("M3-LABEL-006", f"EmoAnnotation.{field}", quote(blend), "each emotion once")


def _check_speaker(speaker: Speaker, letter: str, note: Note) -> None:
    if speaker.name is not None and not speaker.name.strip():
        note("M3-SPEAKER-005", f"{letter}.Name", quote(speaker.name), "the speaker's name")
    _check_text(speaker.name, f"{letter}.Name", note)
    for position, name in enumerate(speaker.other_names or ()):
        path = f"{letter}.OtherName[{position}]"
        if not (name and name.strip()):
            note("M3-SPEAKER-006", path, quote(name), "a name")
        _check_text(name, path, note)


def _check_text(text: str | None, path: str, note: Note) -> None:
    if text and text.strip() and (text != text.strip() or not text.isprintable() or "\ufffd" in text):
        note("M3-TEXT-002", path, quote(text), "no blank at its ends and no control character")

"""EmotionTalk: one record against itself: what is missing in it, and what its votes and times say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from emotalk_data.errors import quote
from emotalk_data.loaders.emotalk import EmotalkUtterance
from emotalk_data.loaders.emotalk_places import UtteranceFiles
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.captions import CAPTION_KEYS
from emotalk_data.schemas.emotalk import AudioRecord, EmotalkRecord, MultimodalRecord, TextRecord
from emotalk_data.schemas.labels import MODALITIES
from emotalk_data.schemas.problems import Problem, was_refused
from emotalk_data.schemas.rules import confidence_weighted, mean_rating

__all__ = ["RecordChecks", "look_at_record"]

_MISSING: Final = "missing"

# Controls but for tabs and ends of lines; marks that have no width or turn the direction of writing; U+FFFD.
_STRAY: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]"
)

_MAX_ROUNDING: Final = 0.005
"""A mean of five integers may be written with two decimals."""

_MAX_DURATION_ERROR: Final = 0.05
"""Seconds between `duration` and `endTime - startTime` that rounding explains."""


class RecordChecks:
    """Checks of records one by one; keeps only how often each optional key was missing."""

    def __init__(self) -> None:
        self._num_records: Final = [0] * len(MODALITIES)
        # Modality, key and what is found there, to how often; and to the first such file and its utterance.
        self._absences: Final[Counter[tuple[int, str, str]]] = Counter()
        self._firsts: Final[dict[tuple[int, str, str], tuple[str, str]]] = {}

    def look(self, utterance: EmotalkUtterance, files: UtteranceFiles, problems: list[Problem]) -> None:
        """Look at the records of one utterance.

        Args:
            utterance: the utterance.
            files: where its records lie.
            problems: those that were found in them so far, and those that are found here.
        """
        for kind, record in enumerate(utterance.records):
            file = files.records[kind]
            if record is None or file is None:
                continue
            self._num_records[kind] += 1
            look_at_record(record, file.name, utterance.utterance_id, problems)
            for key, found in _absent_keys(record):
                if not _was_refused(key, file.name, problems):
                    self._absences[kind, key, found] += 1
                    self._firsts.setdefault((kind, key, found), (file.name, utterance.utterance_id))

    def finish(self, report: Report) -> None:
        """Report the optional keys that most records of a modality have and some lack."""
        for (kind, key, found), num in self._absences.items():
            if num * 2 < self._num_records[kind]:
                file, utterance_id = self._firsts[kind, key, found]
                expected = f"the key, as in most {MODALITIES[kind]} records"
                report.problem("ET-KEY-005", file, key, found, expected, utterance_id=utterance_id, count=num)


def _absent_keys(record: EmotalkRecord) -> list[tuple[str, str]]:
    """Return the optional keys that a record lacks, and for each what is found: `missing`, or an empty text."""
    absent: list[tuple[str, str]] = []
    if record.file_path is None:
        absent.append(("file_path", _MISSING))
    if record.file_name is None:
        absent.append(("file_name", _MISSING))
    if isinstance(record, AudioRecord):
        captions = record.captions
        if captions is None:
            absent.append(("sourceAttr", _MISSING))
        elif any(not text or text.isspace() for text in captions.__dict__.values()):
            texts = [(f"sourceAttr.{key}", getattr(captions, key)) for key in CAPTION_KEYS]
            absent += [(key, _found(text)) for key, text in texts if not text or text.isspace()]
        if not record.content or record.content.isspace():
            absent.append(("content", _found(record.content)))
        if record.paragraphs is not None and record.paragraphs.duration_seconds is None:
            absent.append(("paragraphs.duration", _MISSING))
    return absent


def _found(text: str | None) -> str:
    return _MISSING if text is None else quote(text)


def look_at_record(record: EmotalkRecord, file: str, utterance_id: str, problems: list[Problem]) -> None:
    """Look for what is missing in a record, and at what its votes and times say of its other values.

    Args:
        record: the record.
        file: its name.
        utterance_id: its utterance.
        problems: those that were found in it so far; a value that was refused is not missing as well.
    """
    look = _Look(file, utterance_id, problems)
    if record.speaker_id is None:
        look.missing("ET-KEY-004", "speaker_id", quote(utterance_id[10:12]) if utterance_id else "two digits")
    if record.data:
        _look_at_votes(record, look)
    if isinstance(record, MultimodalRecord):
        _look_at_sentiment(record, look)
    elif isinstance(record, AudioRecord):
        _look_at_times(record, look)
        look.at_text(record.content, "content")
        if record.captions is not None:
            texts = record.captions.__dict__
            if _may_hide("".join([text for text in texts.values() if text])):
                for key, text in texts.items():
                    look.at_text(text, "sourceAttr", key)
    elif isinstance(record, TextRecord):
        if not (record.content or "").strip():
            look.missing("ET-TEXT-005", "content", "the transcript", found=_found(record.content))
        look.at_text(record.content, "content")


def _may_hide(text: str) -> bool:
    """Say whether a text needs a closer look; nearly none does. A blank of Chinese width is no printable one."""
    return not text.isprintable() or "\ufffd" in text


class _Look:
    """Where the findings about one record go."""

    __slots__ = ("_file", "_problems", "_utterance_id")

    def __init__(self, file: str, utterance_id: str, problems: list[Problem]) -> None:
        self._file = file
        self._utterance_id = utterance_id
        self._problems = problems

    def note(self, code: str, path: str, found: str, expected: str) -> None:
        """Add a problem of this record."""
        self._problems.append(Problem(code, self._file, path, found, expected, self._utterance_id))

    def missing(self, code: str, path: str, expected: str, *, found: str = _MISSING) -> None:
        """Add that a value is missing, unless it is there and was refused."""
        if not _was_refused(path, self._file, self._problems):
            self.note(code, path, found, expected)

    def at_text(self, text: str | None, *path: str) -> None:
        """Add that a text has characters that nobody sees."""
        if text and _may_hide(text) and (stray := _STRAY.search(text)):
            self.note("ET-TEXT-006", ".".join(path), quote(text), f"no U+{ord(stray[0]):04X} in it")

    def missing_votes(self, values: Sequence[object], key: str, expected: str) -> None:
        """Add each annotator's value that is missing."""
        for place, value in enumerate(values):
            if value is None:
                self.missing("ET-DATA-002", f"data[{place}].{key}", expected)


def _was_refused(path: str, file: str, problems: list[Problem]) -> bool:
    """Say whether a value of one of the files that `problems` are about was refused: then it is not missing."""
    return bool(problems) and was_refused(path, (problem for problem in problems if problem.file == file))


def _look_at_votes(record: EmotalkRecord, look: _Look) -> None:
    """Compare the annotators' votes with the final label."""
    votes = record.data or ()
    emotions = [vote.emotion for vote in votes]
    confidences = [vote.confidence for vote in votes]
    label = record.emotion_result
    if None in emotions:
        look.missing_votes(emotions, "emotion", "one of the seven words")
    elif label is not None and emotions.count(label) < len(emotions):
        weighted = confidence_weighted(emotions, confidences)
        if weighted and label not in weighted:
            expected = f"{' or '.join(weighted)}, as the weighted votes have it"
            look.note("ET-LABEL-004", "emotion_result", quote(label), expected)
    if None in confidences:
        look.missing_votes(confidences, "Confidence_degree", "0.1, 0.3, 0.5, 0.7 or 0.9")


def _look_at_sentiment(record: MultimodalRecord, look: _Look) -> None:
    ratings = [vote.continuous_label for vote in record.data or ()]
    if None in ratings:
        look.missing_votes(ratings, "Continuous_label", "an integer from -2 to 2")
    if record.sentiment is None:
        look.missing("ET-SENT-003", "Continuous label_result", "the mean of the five annotators")
    elif ratings and None not in ratings:
        mean = mean_rating(ratings)
        if mean is not None and abs(mean - record.sentiment) > _MAX_ROUNDING:
            expected = f"{mean:g}, the mean of the annotators"
            look.note("ET-SENT-004", "Continuous label_result", quote(record.sentiment), expected)


def _look_at_times(record: AudioRecord, look: _Look) -> None:
    """Look for missing times, and a duration that is not theirs."""
    paragraphs = record.paragraphs
    if paragraphs is None:
        look.missing("ET-KEY-004", "paragraphs", "an object with startTime and endTime")
        return
    start, end, duration = paragraphs.start_seconds, paragraphs.end_seconds, paragraphs.duration_seconds
    if start is None:
        look.missing("ET-KEY-004", "paragraphs.startTime", "seconds")
    if end is None:
        look.missing("ET-KEY-004", "paragraphs.endTime", "seconds")
    if start is None or end is None:
        return
    if start == end:
        look.note("ET-TIME-005", "paragraphs.endTime", quote(end), "an end after the start")
    if duration is None:
        return
    if abs(end - start - duration) > _MAX_DURATION_ERROR:
        expected = f"{end - start:g}, the end minus the start"
        look.note("ET-TIME-003", "paragraphs.duration", quote(duration), expected)

"""M3ED's dialogues to utterances: read, checked, and placed in time.

episode   |------------[ dialogue )------------------|      relation file: start of the dialogue
dialogue               [--[ utterance )--)                  annotation: start and end of the utterance
absolute = start of the dialogue + time in the dialogue, both in frames of 1/25 s
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from emotalk_data.archives import Location
from emotalk_data.errors import quote
from emotalk_data.loaders.m3ed_files import Split
from emotalk_data.loaders.m3ed_index import DialogueSource
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.m3ed import EmotionAnnotation, Speaker, Utterance
from emotalk_data.schemas.m3ed_read import note_frame_overflow, read_speaker, read_utterance
from emotalk_data.schemas.problems import Note, Problem, noter
from emotalk_data.schemas.timecode import FRAME_RATE, parse_timecode

__all__ = ["M3edUtterance", "read_m3ed"]

_NO_ANNOTATION = EmotionAnnotation()


class M3edUtterance(NamedTuple):
    """One utterance with everything the release says of it. What is absent is None. Times are in seconds.

    Attributes:
        start_seconds: start in the clip of its dialogue.
        episode_start_seconds: start in its episode.
        audio_path: the released clip; else the utterance's window of the episode.
        video_path: the utterance's window of the episode.
    """

    utterance_id: str
    dialogue_id: str
    series: str
    split: Split
    number: int
    utterance: Utterance
    annotation: EmotionAnnotation
    speaker: Speaker | None
    start_seconds: float | None
    end_seconds: float | None
    episode: int | None
    episode_start_seconds: float | None
    episode_end_seconds: float | None
    audio_path: str | None
    video_path: str | None


def read_m3ed(
    dialogues: Iterable[DialogueSource], report: Report, *, drop_invalid: bool = False
) -> Iterator[M3edUtterance]:
    """Read the utterances of some dialogues.

    Args:
        dialogues: what `index_m3ed` returned, or some of it.
        report: takes the problems and the counts.
        drop_invalid: leave out utterances that have a problem of severity error.

    Yields:
        utterances in the order of the dialogues and of their numbers.
    """
    for dialogue in dialogues:
        where = f"{dialogue.series}.{dialogue.dialogue_id}"
        problems: list[Problem] = []
        speakers = _read_speakers(dialogue, noter(problems.append, dialogue.file, f"{where}.SpeakerInfo"))
        origin = _frames_of_place(dialogue, noter(problems.append, "relation_annotation_release.json", where))
        report.extend(problems)
        for number, utterance_id, entry in dialogue.utterances:
            problems = []
            note = noter(problems.append, dialogue.file, f"{where}.Dialog.{utterance_id}", utterance_id)
            utterance = read_utterance(entry, note)
            row = _row(dialogue, number, utterance_id, utterance or Utterance(), speakers, origin, note)
            report.extend(problems)
            if drop_invalid and any(CODES[problem.code].severity == "error" for problem in problems):
                report.counts["records_dropped"] += 1
                report.counts["utterances_dropped"] += 1
                continue
            report.counts["records_in_rows"] += 1
            report.counts["rows"] += 1
            yield row


def _read_speakers(dialogue: DialogueSource, note: Note) -> dict[str, Speaker]:
    if not isinstance(dialogue.speakers, dict):
        note("M3-TYPE-001", "", quote(dialogue.speakers), "an object of speakers")
        return {}
    speakers: dict[str, Speaker] = {}
    for letter, entry in dialogue.speakers.items():

        def note_below(code: str, path: str, found: str, expected: str, letter: str = letter) -> None:
            note(code, f"{letter}.{path}" if path else letter, found, expected)

        speaker = read_speaker(entry, note_below)
        if speaker is not None:
            speakers[letter] = speaker
    return speakers


def _span(start: str | None, end: str | None, end_key: str, note: Note) -> tuple[int | None, int | None]:
    """Return start and end in frames; validation has already brought the texts into their form."""
    first = None if start is None else parse_timecode(start).frame_number
    last = None if end is None else parse_timecode(end).frame_number
    if first is not None and last is not None and last < first:
        note("M3-TIME-003", end_key, f"{start} to {end}", "an end after the start")
        return None, None
    return first, last


def _frames_of_place(dialogue: DialogueSource, note: Note) -> int | None:
    """Return the frame of the episode at which the dialogue starts."""
    if dialogue.place is None:
        return None
    return _span(dialogue.place.start_time, dialogue.place.end_time, "end_time", note)[0]


def _row(
    dialogue: DialogueSource,
    number: int,
    utterance_id: str,
    utterance: Utterance,
    speakers: dict[str, Speaker],
    origin: int | None,
    note: Note,
) -> M3edUtterance:
    annotation = utterance.annotation or _NO_ANNOTATION
    _check_labels(annotation, note)
    speaker = speakers.get(utterance.speaker or "")
    if speaker is None:
        note("M3-SPEAKER-001", "Speaker", quote(utterance.speaker), f"one of {sorted(speakers)}")
    note_frame_overflow(utterance.start_time, "StartTime", note)
    note_frame_overflow(utterance.end_time, "EndTime", note)
    start, end = _span(utterance.start_time, utterance.end_time, "EndTime", note)
    absolute = (_add(origin, start), _add(origin, end))
    window = _window(dialogue.episode_path, *absolute)
    return M3edUtterance(
        utterance_id,
        dialogue.dialogue_id,
        dialogue.series,
        dialogue.split,
        number,
        utterance,
        annotation,
        speaker,
        _seconds(start),
        _seconds(end),
        dialogue.place.episode if dialogue.place is not None else None,
        _seconds(absolute[0]),
        _seconds(absolute[1]),
        _clip(dialogue, utterance_id, utterance, note) or window,
        window,
    )


def _add(origin: int | None, frames: int | None) -> int | None:
    return None if origin is None or frames is None else origin + frames


def _seconds(frames: int | None) -> float | None:
    return None if frames is None else frames / FRAME_RATE


def _window(path: str | None, start: int | None, end: int | None) -> str | None:
    """Return the path of a part of an episode, for the owner of the episode."""
    if path is None or start is None or end is None or end <= start:
        return None
    return Location(path, start_seconds=start / FRAME_RATE, end_seconds=end / FRAME_RATE).as_reference()


def _clip(dialogue: DialogueSource, utterance_id: str, utterance: Utterance, note: Note) -> str | None:
    """Return the released clip. One is known to be filed under the other speaker: look there too."""
    by_speaker = dialogue.clips.get(utterance_id, {})
    if utterance.speaker is not None and utterance.speaker in by_speaker:
        return by_speaker[utterance.speaker]
    if len(by_speaker) == 1:
        letter, path = next(iter(by_speaker.items()))
        note("M3-AUD-002", "Speaker", quote(utterance.speaker), f"{letter}, as the clip's name says")
        return path
    if dialogue.any_clips:
        note("M3-AUD-001", "", "no audio clip", f"{utterance.speaker}_{utterance_id}.wav")
    return None


def _check_labels(annotation: EmotionAnnotation, note: Note) -> None:
    if annotation.emotion is None or annotation.emotions is None:
        key = "final_main_emo" if annotation.emotion is None else "final_mul_emo"
        note("M3-LABEL-003", f"EmoAnnotation.{key}", "missing", "a final label")
    elif annotation.emotion not in annotation.emotions.split(","):
        note(
            "M3-LABEL-004",
            "EmoAnnotation.final_main_emo",
            quote(annotation.emotion),
            f"one of {annotation.emotions}",
        )

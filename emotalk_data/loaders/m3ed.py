"""M3ED's dialogues to utterances: read, checked, and placed in time.

episode   |------------[ dialogue )------------------|      relation file: start of the dialogue
dialogue               [--[ utterance )--)                  annotation: start and end of the utterance
absolute = start of the dialogue + time in the dialogue, both in frames of 1/25 s
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from emotalk_data.archives import Location
from emotalk_data.errors import quote
from emotalk_data.loaders.m3ed_index import DialogueSource
from emotalk_data.loaders.m3ed_lists import Split
from emotalk_data.loaders.m3ed_places import frames_of_span, name_in_path
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.m3ed import EmotionAnnotation, Speaker, Utterance
from emotalk_data.schemas.m3ed_read import note_frame_overflow, read_speaker, read_utterance
from emotalk_data.schemas.problems import Note, Problem, noter
from emotalk_data.schemas.timecode import FRAME_RATE, parse_timecode

__all__ = ["MAX_SPEAKERS", "M3edUtterance", "read_dialogue", "read_m3ed"]

_NO_ANNOTATION: Final = EmotionAnnotation()

MAX_SPEAKERS: Final = 100
"""Most speakers of a dialogue that are read: it has two, and a hostile one may have a million."""


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
        for row, problems in read_dialogue(dialogue, report.add):
            report.extend(problems)
            if drop_invalid and any(CODES[problem.code].severity == "error" for problem in problems):
                report.counts["records_dropped"] += 1
                report.counts["utterances_dropped"] += 1
                continue
            report.counts["records_in_rows"] += 1
            report.counts["rows"] += 1
            yield row


def read_dialogue(
    dialogue: DialogueSource, add: Callable[[Problem], None]
) -> Iterator[tuple[M3edUtterance, list[Problem]]]:
    """Read the utterances of one dialogue.

    Args:
        dialogue: one of those that `index_parts` returned.
        add: takes the problems of the dialogue itself.

    Yields:
        each utterance with its problems, in the order of the numbers.
    """
    speakers = _read_speakers(dialogue, noter(add, dialogue.file, f"{dialogue.where}.SpeakerInfo"))
    origin = None
    if dialogue.place is not None and dialogue.place.start_time is not None:
        origin = parse_timecode(dialogue.place.start_time).frame_number
    for number, utterance_id, entry in dialogue.utterances:
        problems: list[Problem] = []
        where = f"{dialogue.where}.Dialog.{utterance_id}"
        note = noter(problems.append, dialogue.file, where, utterance_id)
        utterance = read_utterance(entry, note)
        row = _row(dialogue, number, utterance_id, utterance or Utterance(), speakers, origin, note)
        yield row, problems


def _read_speakers(dialogue: DialogueSource, note: Note) -> dict[str, Speaker | None] | None:
    """Return the speakers by letter: None for one that cannot be read, or for all of them."""
    entries = dialogue.speakers
    if not isinstance(entries, dict):
        note("M3-TYPE-001", "", "missing" if entries is None else quote(entries), "an object of speakers")
        return None
    if len(entries) > MAX_SPEAKERS:
        note("M3-TYPE-001", "", f"{len(entries):,} speakers", "two")
        return None
    speakers: dict[str, Speaker | None] = {}
    for letter, entry in entries.items():

        def note_below(code: str, path: str, found: str, expected: str, letter: str = letter) -> None:
            where = name_in_path(letter)
            note(code, f"{where}.{path}" if path else where, found, expected)

        speakers[letter] = read_speaker(entry, note_below)
    return speakers


def _row(
    dialogue: DialogueSource,
    number: int,
    utterance_id: str,
    utterance: Utterance,
    speakers: dict[str, Speaker | None] | None,
    origin: int | None,
    note: Note,
) -> M3edUtterance:
    annotation = utterance.annotation or _NO_ANNOTATION
    _check_labels(annotation, note)
    speaker = None
    if speakers is not None and utterance.speaker is not None:
        speaker = speakers.get(utterance.speaker)
        if utterance.speaker not in speakers:
            note("M3-SPEAKER-001", "Speaker", quote(utterance.speaker), f"one of {quote(list(speakers))}")
    note_frame_overflow(utterance.start_time, "StartTime", note)
    note_frame_overflow(utterance.end_time, "EndTime", note)
    start, end = frames_of_span(utterance.start_time, utterance.end_time, "EndTime", note)
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
        return by_speaker[utterance.speaker].path
    if len(by_speaker) == 1:
        letter, clip = next(iter(by_speaker.items()))
        note("M3-AUD-002", "Speaker", quote(utterance.speaker), f"{letter}, as the clip's name says")
        return clip.path
    if dialogue.any_clips:
        note("M3-AUD-001", "", "no audio clip", f"{utterance.speaker}_{utterance_id}.wav")
    return None


def _check_labels(annotation: EmotionAnnotation, note: Note) -> None:
    main, blend = annotation.emotion, annotation.emotions
    if main is not None and blend is not None and main not in blend.split(","):
        note("M3-LABEL-004", "EmoAnnotation.final_main_emo", quote(main), f"one of {blend}")

"""EmotionTalk's files to utterances: four records of one utterance read, checked and put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from emotalk_data.errors import quote
from emotalk_data.loaders.emotalk_places import DialogueFiles, RecordFile, UtteranceFiles, read_bytes
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.emotalk import (
    AudioRecord,
    EmotalkRecord,
    MultimodalRecord,
    TextRecord,
    VideoRecord,
    official_split,
)
from emotalk_data.schemas.emotalk_read import read_record
from emotalk_data.schemas.ids import emotalk_folder
from emotalk_data.schemas.labels import MODALITIES
from emotalk_data.schemas.problems import Problem
from emotalk_data.schemas.transcript import Transcript, clean_transcript

__all__ = ["EmotalkUtterance", "UtteranceCheck", "check_names", "read_emotalk", "split_of"]

_KNOWN_GROUPS: Final = frozenset(f"G{number:05d}" for number in range(1, 16))


class EmotalkUtterance(NamedTuple):
    """One utterance with everything the release says of it. What is absent is None.

    Attributes:
        transcript: Text's transcript without its markup; Audio's where Text has none.
        audio_path: path of its wav, as `emotalk_data.archives.Location` reads it.
        video_path: path of its mp4.
    """

    utterance_id: str
    text: TextRecord | None
    audio: AudioRecord | None
    video: VideoRecord | None
    multimodal: MultimodalRecord | None
    text_raw: str | None
    transcript: Transcript | None
    audio_path: str | None
    video_path: str | None

    @property
    def records(self) -> tuple[EmotalkRecord | None, ...]:
        """The four records, in the order of MODALITIES."""
        return (self.text, self.audio, self.video, self.multimodal)


UtteranceCheck = Callable[[EmotalkUtterance, UtteranceFiles, list[Problem]], None]
"""Looks at an utterance, at where its records lie, and at the problems that were found in them."""


def read_emotalk(
    dialogues: Iterable[DialogueFiles],
    report: Report,
    *,
    drop_invalid: bool = False,
    check: UtteranceCheck | None = None,
) -> Iterator[EmotalkUtterance]:
    """Read the records of some dialogues.

    Args:
        dialogues: what `index_emotalk` returned, or some of it.
        report: takes the problems and the counts.
        drop_invalid: leave out utterances that have a problem of severity error.
        check: looks at each utterance before its problems are handed to the report, and may add to them.

    Yields:
        utterances in the order of the dialogues. One whose records cannot be read at all is still yielded,
        with None for what they would have said.
    """
    for dialogue in dialogues:
        for files in dialogue.utterances:
            problems: list[Problem] = []
            utterance, num_unreadable = _read_utterance(files, problems)
            if check is not None:
                check(utterance, files, problems)
            if problems:
                report.extend(problems)
            num_records = len(MODALITIES) - files.records.count(None) - num_unreadable
            counts = report.counts
            counts["records_unreadable"] += num_unreadable
            if drop_invalid and any(CODES[problem.code].severity == "error" for problem in problems):
                counts["records_dropped"] += num_records
                counts["utterances_dropped"] += 1
                continue
            counts["records_in_rows"] += num_records
            counts["rows"] += 1
            yield utterance


def _read_utterance(files: UtteranceFiles, problems: list[Problem]) -> tuple[EmotalkUtterance, int]:
    utterance_id = files.utterance_id
    records: list[EmotalkRecord | None] = []
    num_unreadable = 0
    for modality, file in zip(MODALITIES, files.records, strict=True):
        record = None
        if file is not None:
            try:
                raw = read_bytes(file)
            except OSError as error:
                reason = f"unreadable: {os.strerror(error.errno or 0)}"
                problems.append(
                    Problem("ET-FILE-001", file.name, "", reason, "a readable file", utterance_id)
                )
            else:
                record, found = read_record(raw, modality, file=file.name, utterance_id=utterance_id)
                if found:
                    problems += found
            if record is None:
                num_unreadable += 1
            else:
                check_names(record, utterance_id, file.name, problems)
        records.append(record)
    text, audio, video, multimodal = records
    text_raw, source = _transcript_of(text, audio, files, problems)  # type: ignore[arg-type]  # order of MODALITIES
    transcript = None
    if text_raw is not None:
        transcript = clean_transcript(text_raw)
        if transcript.num_malformed or not transcript.is_balanced:
            _report_markup(transcript, source, utterance_id, problems)
    if utterance_id[:6] not in _KNOWN_GROUPS:
        name = next(file.name for file in files.records if file is not None)
        group, expected = f"of group {utterance_id[:6]}", "a group from G00001 to G00015"
        problems.append(Problem("ET-SPLIT-001", name, "", group, expected, utterance_id))
    return (
        EmotalkUtterance(
            utterance_id,
            text,  # type: ignore[arg-type]  # order of MODALITIES
            audio,  # type: ignore[arg-type]
            video,  # type: ignore[arg-type]
            multimodal,  # type: ignore[arg-type]
            text_raw,
            transcript,
            files.audio.path if files.audio is not None else None,
            files.video.path if files.video is not None else None,
        ),
        num_unreadable,
    )


def check_names(record: EmotalkRecord, utterance_id: str, file: str, problems: list[Problem]) -> None:
    """Compare what the record says of its own name with the name of its file, which is right."""
    if record.speaker_id is not None and record.speaker_id != utterance_id[10:12]:
        found, expected = quote(record.speaker_id), quote(utterance_id[10:12])
        problems.append(Problem("ET-ID-003", file, "speaker_id", found, expected, utterance_id))
    folder = f"{emotalk_folder(utterance_id)}/"
    for key, hint in (("file_path", record.file_path), ("file_name", record.file_name)):
        if hint is None:
            continue
        stem, _, suffix = hint.removeprefix(folder).partition(".")
        is_plain = not suffix or (suffix.isascii() and suffix.isalnum())
        if stem != utterance_id or not is_plain:
            expected = f"{folder}{utterance_id}.*"
            problems.append(Problem("ET-PATH-001", file, key, quote(hint), expected, utterance_id))


def _transcript_of(
    text: TextRecord | None, audio: AudioRecord | None, files: UtteranceFiles, problems: list[Problem]
) -> tuple[str | None, RecordFile | None]:
    """Return the transcript, and the file that it is from."""
    text_file, audio_file = files.records[:2]  # in the order of MODALITIES
    from_text = text.content if text is not None else None
    from_audio = audio.content if audio is not None else None
    if from_text is None:
        if text is not None and text_file is not None and from_audio is None:
            _report_missing_transcript(text_file, files.utterance_id, problems)
        return from_audio, audio_file
    if from_audio is not None and from_audio != from_text:
        name, expected = audio_file.name if audio_file else "", f"{quote(from_text)}, as in Text"
        problems.append(
            Problem("ET-TEXT-003", name, "content", quote(from_audio), expected, files.utterance_id)
        )
    return from_text, text_file


def _report_missing_transcript(file: RecordFile, utterance_id: str, problems: list[Problem]) -> None:
    """Say that a transcript is missing, unless its own value was refused a moment ago."""
    if not any(problem.json_path == "content" for problem in problems):
        problems.append(
            Problem("ET-TEXT-005", file.name, "content", "missing", "the transcript", utterance_id)
        )


def _report_markup(
    transcript: Transcript, file: RecordFile | None, utterance_id: str, problems: list[Problem]
) -> None:
    name = file.name if file else ""
    if not transcript.is_balanced:
        found, expected = "text with unpaired overlap marks", "[over/]…[/over]"
        problems.append(Problem("ET-TEXT-001", name, "content", found, expected, utterance_id))
    if transcript.num_malformed:
        num = transcript.num_malformed
        found = "text with a malformed mark" if num == 1 else f"text with {num} malformed marks"
        expected = "[over/], [laughing], …"
        problems.append(Problem("ET-TEXT-002", name, "content", found, expected, utterance_id))


def split_of(dialogue: DialogueFiles) -> str:
    """Return the official split of a dialogue: all its utterances are of one group."""
    return official_split(dialogue.dialogue_id[:6])

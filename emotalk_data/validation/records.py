"""Records outside a release: one file, or one a line, read as the loader reads them and as exactly judged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, NamedTuple

from emotalk_data.archives.ranges import open_regular
from emotalk_data.errors import EmotalkError, ReleaseError, ReleaseNotFoundError
from emotalk_data.loaders.emotalk import read_emotalk
from emotalk_data.loaders.emotalk_places import DialogueFiles, RecordFile, UtteranceFiles
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.emotalk_read import modality_of, read_record
from emotalk_data.schemas.ids import emotalk_folder, match_emotalk_folder, match_emotalk_id
from emotalk_data.schemas.labels import MODALITIES, Modality
from emotalk_data.schemas.problems import Problem
from emotalk_data.schemas.strict_json import BOM, MAX_RECORD_BYTES, read_json
from emotalk_data.validation.emotalk.record import RecordChecks, look_at_record
from emotalk_data.validation.seen_ids import SeenIds

__all__ = ["validate_lines", "validate_record_file"]

_BY_WORD: Final[dict[str, Modality]] = {modality: modality for modality in MODALITIES}
# Keys of the flat form that no record of one modality has at its top level.
_FLAT_KEYS: Final = ("emotion", "Confidence_degree", "Continuous_label")
_ID_KEYS: Final = ("file_path", "file_name", "utterance_id")
# Keys by which a record outside the release says what a release's folders and names say.
_OWN_KEYS: Final = frozenset({"utterance_id", "modality"})


class _Source(NamedTuple):
    """Where a record comes from.

    Attributes:
        name: the file as the user named it.
        line: its line there, from 1; None for a file of its own.
        utterance_id: the id that the file's name is, if it is one.
        modality: what the folders of its path say.
    """

    name: str
    line: int | None
    utterance_id: str | None
    modality: Modality | None


def validate_record_file(path: str | os.PathLike[str], report: Report) -> None:
    """Check one file that holds one EmotionTalk record.

    Its modality is said by the nearest folder of its path called Text, Audio, Video or Multimodal, else by its
    keys. A record of the paper's flat form is then read as Audio and as Multimodal, which together look at all
    its keys. Its id is the file's stem, or else the one that the record names.

    Args:
        path: the file; problems name it as it is given here.
        report: takes the problems and the counts.

    Raises:
        ReleaseNotFoundError: there is no such file.
        PathError: a folder, fifo, socket or device.
    """
    name = os.fspath(path)
    report.counts["records_found"] += 1
    try:
        with open_regular(name) as (descriptor, _status):
            raw = os.pread(descriptor, MAX_RECORD_BYTES + 1, 0)
    except ReleaseNotFoundError:
        raise
    except ReleaseError as error:
        report.counts["records_unreadable"] += 1
        found = f"unreadable: {error.message.rpartition(': ')[2]}"
        report.problem("ET-FILE-001", name, "", found, "a readable file")
        return
    _judge(raw, _source_of_file(name), report, RecordChecks())


def validate_lines(stream: IO[bytes], name: str, report: Report) -> None:
    """Check records that stand one a line, or one record over several lines: the content says which.

    Memory grows with the problems and with some 20 bytes a record. A line over 1 MiB is a problem; it is
    passed over without being held. Blank lines are none.

    Args:
        stream: binary; read once, from where it stands, and not closed.
        name: its name in the problems, such as `<stdin>`, or a file's path, from whose folders (or from the
            stem `text` and so on) the modality is told.
        report: takes the problems, each with its line, and the counts.
    """
    head = _read_up_to(stream, MAX_RECORD_BYTES + 1)
    source = _source_of_file(name)
    if source.utterance_id is not None or _is_one_document(head):
        report.counts["records_found"] += 1
        _judge(head, source, report, RecordChecks())
        return
    seen, checks = SeenIds(), RecordChecks()
    for line, raw in _lines(head, stream):
        if raw is None:
            _count(report, "records_found", "records_unreadable")
            found, expected = f"a line of more than {MAX_RECORD_BYTES:,} bytes", "about 1,100 bytes"
            report.add(Problem("ET-JSON-004", name, "", found, expected, line=line))
        elif raw.strip():
            report.counts["records_found"] += 1
            _judge(raw, _Source(name, line, None, source.modality), report, checks, seen)
    checks.finish(report)


def _judge(
    raw: bytes, source: _Source, report: Report, checks: RecordChecks, seen: SeenIds | None = None
) -> None:
    """Read one record and hand its problems, with file and line, to the report."""
    problems: list[Problem] = []
    fate = _fate_of(raw, source, problems, checks, seen)
    report.counts[fate] += 1
    for problem in problems:
        name = problem.utterance_id or None
        report.add(problem._replace(file=source.name, line=source.line, utterance_id=name))


def _fate_of(
    raw: bytes,
    source: _Source,
    problems: list[Problem],
    checks: RecordChecks,
    seen: SeenIds | None,
) -> str:
    """Return the count that the record belongs to; add its problems."""
    name = source.name
    try:
        document: Any = read_json(raw, file=name)
    except EmotalkError:
        document = None
    if not isinstance(document, dict):
        problems += read_record(raw, "text", file=name, utterance_id=source.utterance_id)[1]
        return "records_unreadable"
    utterance_id = source.utterance_id or _id_in(document)
    modalities = _modalities_of(document, source)
    fate = "records_in_rows"
    if utterance_id is None:
        fate, expected = "records_unplaced", "an id such as G00008_01_11_002, as file name or in the record"
        problems.append(Problem("ET-ID-001", name, "", "without an utterance id", expected))
    if not modalities:
        expected = "a folder Text, Audio, Video or Multimodal above it, or keys that tell"
        problems.append(Problem("ET-KIND-001", name, "", "of no telling modality", expected, utterance_id))
        return "records_unplaced"
    if utterance_id is not None:
        if source.line is None:
            _check_folders(name, utterance_id, problems)
        if seen is not None and seen.add(f"{utterance_id}/{modalities[-1]}") is not None:
            fate, expected = "records_duplicate", "one record for each utterance and modality"
            problems.append(Problem("ET-DUP-001", name, "", "a second record", expected, utterance_id))
    problems += _problems_of(raw, name, utterance_id, modalities, checks)
    return fate


def _problems_of(
    raw: bytes,
    name: str,
    utterance_id: str | None,
    modalities: tuple[Modality, ...],
    checks: RecordChecks,
) -> list[Problem]:
    """Read the record as each of some modalities; what two of them find is one problem."""
    found: dict[tuple[str, ...], Problem] = {}
    for modality in modalities:
        if utterance_id is None:
            record, problems = read_record(raw, modality, file=name)
            if record is not None and record.speaker_id is not None:  # which it asks of the id
                look_at_record(record, name, "", problems)
        else:
            problems = _problems_of_utterance(raw, name, utterance_id, modality, checks)
        for one in problems:
            if one.code != "ET-KEY-001" or one.json_path not in _OWN_KEYS:
                found.setdefault((one.code, one.json_path, one.found, one.expected), one)
    return list(found.values())


def _problems_of_utterance(
    raw: bytes, name: str, utterance_id: str, modality: Modality, checks: RecordChecks
) -> list[Problem]:
    """Read the record as the loader reads an utterance of which it has nothing else."""
    file = RecordFile(name, name, data=raw)
    records = tuple(file if one == modality else None for one in MODALITIES)
    dialogue = DialogueFiles(utterance_id[:9], (UtteranceFiles(utterance_id, records, None, None),))
    found = Report("emotalk")
    for _ in read_emotalk([dialogue], found, check=checks.look):
        pass
    return list(found.problems()) if found.num_problems() else []


def _id_in(document: dict[str, Any]) -> str | None:
    """Return the id that a record names: the stem of its file_path or file_name, or its utterance_id."""
    for key in _ID_KEYS:
        value = document.get(key)
        if isinstance(value, str):
            stem = value.replace("\\", "/").rpartition("/")[2].partition(".")[0]
            if match_emotalk_id(stem):
                return stem
    return None


def _modalities_of(document: dict[str, Any], source: _Source) -> tuple[Modality, ...]:
    """Return what the record is to be read as: two kinds for the flat form, none when nothing tells."""
    if source.modality is not None:
        return (source.modality,)
    said = document.get("modality")
    if isinstance(said, str) and said.lower() in _BY_WORD:
        return (_BY_WORD[said.lower()],)
    if any(key in document for key in _FLAT_KEYS):
        return ("audio", "multimodal")
    modality = modality_of(document)
    return (modality,) if modality is not None else ()


def _source_of_file(name: str) -> _Source:
    stem = PurePosixPath(name).stem
    return _Source(name, None, stem if match_emotalk_id(stem) else None, _modality_of_path(name))


def _modality_of_path(name: str) -> Modality | None:
    """Return what the nearest folder says, or the file's own stem: `text.jsonl`."""
    path = Path(name).absolute() if name != "<stdin>" else Path(name)
    words = [path.stem, *(parent.name for parent in path.parents)]
    return next((_BY_WORD[word.lower()] for word in words if word.lower() in _BY_WORD), None)


def _check_folders(name: str, utterance_id: str, problems: list[Problem]) -> None:
    """A folder that is named as a part of an id must be the beginning of this one; others say nothing."""
    folder = PurePosixPath(name).parent.name
    if match_emotalk_folder(folder) and not utterance_id.startswith(folder + "_"):
        expected = f"a folder {emotalk_folder(utterance_id)}"
        problems.append(Problem("ET-ID-002", name, "", "here", expected, utterance_id))


def _count(report: Report, *names: str) -> None:
    for name in names:
        report.counts[name] += 1


def _read_up_to(stream: IO[bytes], size: int) -> bytes:
    """Read `size` bytes or all there are: one read of a pipe gives what is in it at the moment."""
    parts: list[bytes] = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _is_one_document(head: bytes) -> bool:
    """Say whether a stream that begins with `head` is one document and not a document a line."""
    text = head.removeprefix(BOM).strip()
    first, separator, _ = text.partition(b"\n")
    first = first.strip()
    if not text or (not separator and len(head) > MAX_RECORD_BYTES):
        return len(head) <= MAX_RECORD_BYTES
    if _is_json(first):
        return False
    if len(head) <= MAX_RECORD_BYTES and _is_json(text):
        return True
    return not (first.startswith(b"{") and first.endswith(b"}"))


def _is_json(raw: bytes) -> bool:
    try:
        read_json(raw, file="")
    except EmotalkError:
        return False
    return True


def _lines(head: bytes, stream: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Yield (number from 1, line without its end); None for a line that is longer than a record may be."""
    number, rest, is_too_long = 0, b"", False
    chunk = head
    while chunk:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            yield number, None if is_too_long or len(line) > MAX_RECORD_BYTES else line
            is_too_long = False
        if is_too_long or len(rest) > MAX_RECORD_BYTES:
            rest, is_too_long = b"", True  # nothing of it is held, however long it goes on
        chunk = stream.read(1 << 16)
    if rest or is_too_long:
        yield number + 1, None if is_too_long else rest

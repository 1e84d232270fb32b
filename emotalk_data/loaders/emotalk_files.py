"""Which files belong to which EmotionTalk utterance: the full outer join of four modalities and two media.

The stem of a file's name is the authority for the id. Which modality a record belongs to is said by the nearest
folder (or archive) called Text, Audio, Video or Multimodal, at any depth.
"""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from typing import Any, Final, NamedTuple

from emotalk_data.errors import EmotalkError, quote
from emotalk_data.loaders.listing import is_text
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.emotalk_read import modality_of
from emotalk_data.schemas.ids import EMOTALK_ID_PATTERN
from emotalk_data.schemas.labels import MODALITIES, Modality
from emotalk_data.schemas.strict_json import MAX_RECORD_BYTES, read_json

__all__ = ["DialogueFiles", "FileCollector", "RecordFile", "UtteranceFiles", "read_bytes"]

_match_id: Final = re.compile(EMOTALK_ID_PATTERN).fullmatch
_LEAF_FOLDER: Final = re.compile(r"(?:.*/)?(G[0-9]{5})/(\1_[0-9]{2})/(\2_[0-9]{2})/")
_SPELLING: Final[dict[str, Modality]] = {modality: modality for modality in MODALITIES}
# Non-blocking: opening a fifo that nobody writes to must not wait. It means nothing for regular files.
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class RecordFile(NamedTuple):
    """Where the bytes of one annotation record lie.

    Attributes:
        name: path below the release's root; `archive.tar::member` inside an archive.
        path: the file on disk.
        offset: first byte inside an archive; -1 for a file of its own.
        size_bytes: its length.
        data: the bytes themselves, when they come out of a compressed archive.
    """

    name: str
    path: str
    offset: int
    size_bytes: int
    data: bytes | None = None


class UtteranceFiles(NamedTuple):
    """The files of one utterance: its records in the order of MODALITIES, and its media as paths."""

    utterance_id: str
    records: tuple[RecordFile | None, ...]
    audio_path: str | None
    video_path: str | None


class DialogueFiles(NamedTuple):
    """The utterances of one dialogue, ordered by their numbers."""

    dialogue_id: str
    utterances: tuple[UtteranceFiles, ...]


def read_bytes(file: RecordFile) -> bytes:
    """Read a record's bytes, at most one more than the largest that is taken.

    `os` calls on purpose: `open()` costs as much as parsing a record.
    """
    if file.data is not None:
        return file.data
    descriptor = os.open(file.path, _OPEN_FLAGS)
    try:
        if file.offset >= 0:
            return os.pread(descriptor, min(file.size_bytes, MAX_RECORD_BYTES + 1), file.offset)
        return os.read(descriptor, MAX_RECORD_BYTES + 1)
    finally:
        os.close(descriptor)


class FileCollector:
    """Takes the files of a release one by one, in a settled order, and joins them by utterance.

    Args:
        root: path of the release: its folder may itself be `Text`, or `Text/json`.
        report: takes the problems and the counts.
    """

    def __init__(self, root: str, report: Report) -> None:
        folder = PurePath(root)
        if folder.name.lower() == "json":
            folder = folder.parent
        self._root_modality: Final = _SPELLING.get(folder.name.lower())
        self._report: Final = report
        self._records: Final[dict[Modality, dict[str, RecordFile]]] = {
            modality: {} for modality in MODALITIES
        }
        self._audio: Final[dict[str, str]] = {}
        self._video: Final[dict[str, str]] = {}
        self._folders: Final[dict[str, tuple[Modality | None, str]]] = {}
        self._num_shadowed: Final[dict[str, int]] = {}

    @property
    def has_video(self) -> bool:
        """Whether any video has been found."""
        return bool(self._video)

    def add_record(self, file: RecordFile, inner_name: str, *, archive: str = "") -> None:
        """Take one annotation file.

        Args:
            file: where its bytes are.
            inner_name: its path with `/`, from which modality and folder are told.
            archive: name of the archive it is in; files win over archive members.
        """
        folder, _, base = inner_name.rpartition("/")
        stem = base.rpartition(".")[0]
        self._report.counts["records_found"] += 1
        if not _match_id(stem):
            self._unplaced("ET-ID-001", file, quote(base), "an id such as G00008_01_11_002.json")
            return
        facts = self._folders.get(folder)
        if facts is None:
            facts = self._folders[folder] = self._facts_of(folder)
        modality, leaf = facts
        if leaf != stem[:12]:
            expected = f"a folder {stem[:6]}/{stem[:9]}/{stem[:12]}"
            self._report.problem("ET-ID-002", file.name, "", "here", expected, utterance_id=stem)
        if modality is None:
            modality = self._modality_by_content(file)
            if modality is None:
                self._unplaced(
                    "ET-KIND-001", file, "here", "a folder Text, Audio, Video or Multimodal above it"
                )
                return
        known = self._records[modality].setdefault(stem, file)
        if known is file:
            return
        if archive and known.offset < 0 and known.data is None:
            self._report.counts["records_shadowed"] += 1
            self._num_shadowed[archive] = self._num_shadowed.get(archive, 0) + 1
        else:
            self._report.counts["records_duplicate"] += 1
            self._report.problem(
                "ET-DUP-001", file.name, "", "a second file", f"only {known.name}", utterance_id=stem
            )

    def add_audio(self, name: str, path: str, *, in_archive: bool = False) -> None:
        """Take one sound file.

        Args:
            name: its path below the release's root; `archive.tar::member` inside an archive.
            path: its path as a row will have it.
            in_archive: whether it is a member of an archive: files win over members.
        """
        self._add_media(self._audio, name, path, in_archive)

    def add_video(self, name: str, path: str, *, in_archive: bool = False) -> None:
        """Take one video file; the arguments are those of `add_audio`."""
        self._add_media(self._video, name, path, in_archive)

    def join(self) -> list[DialogueFiles]:
        """Join what was taken; report what some utterances have and others lack."""
        for archive, number in sorted(self._num_shadowed.items()):
            self._report.problem(
                "ET-DUP-002",
                archive,
                "",
                f"{number:,} records also present as files",
                "one copy",
                count=number,
            )
        ids = sorted(
            set().union(*self._records.values()),
            key=lambda utterance_id: (utterance_id[:9], utterance_id[13:], utterance_id[10:12]),
        )
        self._report_absences(ids)
        self._report.counts["utterances_found"] += len(ids)
        columns = [self._records[modality] for modality in MODALITIES]
        dialogues: dict[str, list[UtteranceFiles]] = {}
        for utterance_id in ids:
            files = UtteranceFiles(
                utterance_id,
                tuple(records.get(utterance_id) for records in columns),
                self._audio.get(utterance_id),
                self._video.get(utterance_id),
            )
            dialogues.setdefault(utterance_id[:9], []).append(files)
        return [DialogueFiles(dialogue_id, tuple(files)) for dialogue_id, files in dialogues.items()]

    def _facts_of(self, folder: str) -> tuple[Modality | None, str]:
        """Return the modality of a folder's records, and the `G00008_01_11` of a leaf folder or ''."""
        modality = next(
            (_SPELLING[part] for part in reversed(folder.lower().split("/")) if part in _SPELLING),
            self._root_modality,
        )
        leaf = _LEAF_FOLDER.fullmatch(folder + "/")
        return modality, leaf[3] if leaf else ""

    def _modality_by_content(self, file: RecordFile) -> Modality | None:
        try:
            document: Any = read_json(read_bytes(file), file=file.name)
        except (EmotalkError, OSError):
            return None
        return modality_of(document) if isinstance(document, dict) else None

    def _unplaced(self, code: str, file: RecordFile, found: str, expected: str) -> None:
        self._report.counts["records_unplaced"] += 1
        self._report.problem(code, file.name, "", found, expected)

    def _add_media(self, media: dict[str, str], name: str, path: str, in_archive: bool) -> None:
        base = name.rpartition("/")[2]
        stem = (base.rpartition("::")[2] if in_archive else base).rpartition(".")[0]
        if not is_text(path):  # a table cannot hold it
            self._report.problem("ET-FILE-001", name, "", "a path that is not UTF-8", "names in UTF-8")
            return
        if not _match_id(stem):
            self._report.problem(
                "ET-PRES-003", name, "", "media of no utterance", "a name such as G00008_01_11_002"
            )
            return
        known = media.setdefault(stem, path)
        # A member that is also there as a file is no news; two members are as two files.
        if known is not path and not (in_archive and known.startswith("/")):
            self._report.problem("ET-DUP-001", name, "", "a second file", f"only {known}", utterance_id=stem)

    def _report_absences(self, ids: list[str]) -> None:
        """A modality that nobody has is absent, and no problem; one that only some lack is."""
        named: list[tuple[str, str, Any]] = [
            ("ET-PRES-001", f"{modality.capitalize()}/json", records)
            for modality, records in self._records.items()
        ]
        named += [("ET-PRES-002", "Audio/wav", self._audio), ("ET-PRES-002", "Multimodal/mp4", self._video)]
        for code, folder, files in named:
            if files:
                for utterance_id in ids:
                    if utterance_id not in files:
                        self._report.problem(
                            code, folder, "", "missing", f"a file {utterance_id}", utterance_id=utterance_id
                        )
        every = set(ids)
        for folder, media in (("Audio/wav", self._audio), ("Multimodal/mp4", self._video)):
            for utterance_id in sorted(media.keys() - every):
                self._report.problem(
                    "ET-PRES-003",
                    folder,
                    "",
                    "media without a record",
                    f"a record {utterance_id}.json",
                    utterance_id=utterance_id,
                )

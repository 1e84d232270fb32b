"""Which files belong to which EmotionTalk utterance: the full outer join of four modalities and two media.

The stem of a file's name is the authority for the id. Which modality a record belongs to is said by the nearest
folder (or archive) called Text, Audio, Video or Multimodal, at any depth.

A file is kept as one integer until its dialogue is asked for, a member of an archive as three: a release of a
million utterances fits into memory.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import PurePath
from typing import Any, Final, NamedTuple

from emotalk_data.errors import EmotalkError, quote
from emotalk_data.loaders.emotalk_places import (
    DialogueFiles,
    MediaFile,
    Place,
    RecordFile,
    UtteranceFiles,
    read_bytes,
)
from emotalk_data.loaders.report import Report
from emotalk_data.loaders.walk import is_text
from emotalk_data.schemas.emotalk_read import modality_of
from emotalk_data.schemas.ids import emotalk_folder, match_emotalk_id
from emotalk_data.schemas.labels import MODALITIES, Modality
from emotalk_data.schemas.strict_json import read_json

__all__ = ["AUDIO", "VIDEO", "FileCollector"]

_LEAF_FOLDER: Final = re.compile(r"(?:.*/)?(G[0-9]{5})/(\1_[0-9]{2})/(\2_[0-9]{2})/")
_SPELLING: Final[dict[str, Modality]] = {modality: modality for modality in MODALITIES}

# What a file of an utterance is: the position of its modality, or one of these.
AUDIO: Final = len(MODALITIES)
VIDEO: Final = AUDIO + 1
_NUM_KINDS: Final = 8  # a power of two above
_FOLDERS: Final = (
    *(f"{modality.capitalize()}/json" for modality in MODALITIES),
    "Audio/wav",
    "Multimodal/mp4",
)
_SUFFIXES: Final = (*(".json" for _ in MODALITIES), ".wav", ".mp4")

# One integer holds, from its lowest bit on: kind, speaker and number (their product is below 2^20), whether
# offset and length follow as two more integers, and the number of the place.
_KEY_BITS: Final = 20
_KEY_MASK: Final = (1 << _KEY_BITS) - 1
_HAS_POSITION: Final = 1 << _KEY_BITS
_PLACE_SHIFT: Final = _KEY_BITS + 1


class _Entry(NamedTuple):
    """A file of an utterance, unpacked. Offset and length are -1 for a file of its own.

    A member of a compressed archive has its number among the held ones as offset, and -1 as length.
    """

    key: int
    place: int
    offset: int
    size_bytes: int


_key_of: Final = attrgetter("key")


def _unpack(packed: array[int]) -> Iterator[_Entry]:
    values = iter(packed)
    for value in values:
        place, key = value >> _PLACE_SHIFT, value & _KEY_MASK
        if value & _HAS_POSITION:
            yield _Entry(key, place, next(values), next(values))
        else:
            yield _Entry(key, place, -1, -1)


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
        self._dialogues: Final[dict[str, array[int]]] = {}
        self._places: Final[list[Place]] = []
        self._held: Final[list[bytes]] = []
        self._kinds: Final[set[int]] = set()
        self._num_shadowed: Final[dict[str, int]] = {}

    @property
    def has_video(self) -> bool:
        """Whether any video has been found."""
        return VIDEO in self._kinds

    def add_records(
        self,
        place: Place,
        folder: str,
        files: Sequence[tuple[str, int, int]],
        *,
        held: Sequence[bytes] | None = None,
    ) -> None:
        """Take the annotation files of one folder.

        Args:
            place: where they lie.
            folder: the folder from which the modality is told, with `/`.
            files: stem of each name, offset and length in an archive; both are -1 for files of their own.
            held: the bytes of each, when they come out of a compressed archive.
        """
        of_folder, leaf = self._facts_of(folder)
        self._report.counts["records_found"] += len(files)
        number = self._add_place(place)
        for position, (stem, offset, size) in enumerate(files):
            if not match_emotalk_id(stem):
                base = quote(stem + place.after)
                # Beside the folders of records lies what other tools keep: package.json, a report.
                code = "ET-ID-005" if of_folder is None else "ET-ID-001"
                self._unplaced(code, place, stem, base, "an id such as G00008_01_11_002.json")
                continue
            if leaf != stem[:12]:
                self._report_misplaced(place, stem)
            kind = of_folder
            if held is not None:
                offset = len(self._held)  # its number among the held ones; see _record
                self._held.append(held[position])
            if kind is None:
                kind = self._kind_by_content(self._record(place, stem, offset, size, held is not None))
                if kind is None:
                    expected = "a folder Text, Audio, Video or Multimodal above it"
                    self._unplaced("ET-KIND-001", place, stem, "here", expected)
                    continue
            self._add(stem, kind, number, offset, size if held is None else -1)

    def add_media(self, kind: int, place: Place, stems: Iterable[str]) -> None:
        """Take the sound or video files of one folder.

        Args:
            kind: AUDIO or VIDEO.
            place: where they lie.
            stems: their names without what the place says.
        """
        number = self._add_place(place)
        is_addressable = is_text(place.path_of(""))
        folder = place.before.rpartition("::")[2].removesuffix("/")
        leaf = self._facts_of(folder)[1]
        for stem in stems:
            if is_addressable and match_emotalk_id(stem):
                if leaf and leaf != stem[:12]:  # a folder of no id at all is as good as any for media
                    self._report_misplaced(place, stem)
                self._add(stem, kind, number, -1, -1)
                continue
            code, found, expected = "ET-PRES-003", "media of no utterance", "a name such as G00008_01_11_002"
            if not is_addressable or not is_text(stem):  # a table cannot hold it
                code, found, expected = "ET-FILE-001", "a path that is not UTF-8", "names in UTF-8"
            self._report.problem(code, place.name_of(stem), "", found, expected)

    def join(self) -> Iterator[DialogueFiles]:
        """Join what was taken, dialogue by dialogue; report what some utterances have and others lack.

        To be iterated once: each dialogue is forgotten when it has been yielded.
        """
        counts = self._report.counts
        for dialogue_id in sorted(self._dialogues):
            utterances: list[UtteranceFiles] = []
            by_utterance: dict[int, list[_Entry]] = {}  # number and speaker -> its files
            for entry in sorted(_unpack(self._dialogues.pop(dialogue_id)), key=_key_of):
                by_utterance.setdefault(entry.key // _NUM_KINDS, []).append(entry)
            for key, entries in by_utterance.items():
                number, speaker = divmod(key, 100)
                joined = self._join_one(f"{dialogue_id}_{speaker:02d}_{number:03d}", entries)
                if joined is not None:
                    utterances.append(joined)
            if utterances:
                counts["dialogues_found"] += 1
                counts["utterances_found"] += len(utterances)
                yield DialogueFiles(dialogue_id, tuple(utterances))
        for archive, num in sorted(self._num_shadowed.items()):
            found = "an archive of records that are there as files too"
            self._report.problem("ET-DUP-002", archive, "", found, "one copy", count=num)

    def _add(self, stem: str, kind: int, place: int, offset: int, size: int) -> None:
        entries = self._dialogues.get(stem[:9])
        if entries is None:
            entries = self._dialogues[stem[:9]] = array("q")
        self._kinds.add(kind)
        key = (int(stem[13:]) * 100 + int(stem[10:12])) * _NUM_KINDS + kind
        packed = place << _PLACE_SHIFT | key
        if offset < 0:
            entries.append(packed)
        else:
            entries.extend((packed | _HAS_POSITION, offset, size))

    def _report_misplaced(self, place: Place, stem: str) -> None:
        expected = f"a folder {emotalk_folder(stem)}"
        self._report.problem("ET-ID-002", place.name_of(stem), "", "here", expected, utterance_id=stem)

    def _add_place(self, place: Place) -> int:
        self._places.append(place)
        return len(self._places) - 1

    def _join_one(self, utterance_id: str, entries: list[_Entry]) -> UtteranceFiles | None:
        """Put the files of one utterance together; None when there is no record among them."""
        records: list[RecordFile | None] = [None] * len(MODALITIES)
        media: list[MediaFile | None] = [None, None]
        seen: dict[int, Place] = {}
        for key, number, offset, size in entries:
            kind = key % _NUM_KINDS
            place = self._places[number]
            known = seen.setdefault(kind, place)
            if known is not place:
                self._report_second(utterance_id, kind, place, known)
            elif kind < AUDIO:
                records[kind] = self._record(place, utterance_id, offset, size, size < 0 <= offset)
            else:
                media[kind - AUDIO] = MediaFile(place.name_of(utterance_id), place.path_of(utterance_id))
        if records.count(None) == len(records):
            for place in seen.values():
                name, expected = place.name_of(utterance_id), f"a record {utterance_id}.json"
                self._report.problem(
                    "ET-PRES-003", name, "", "media without a record", expected, utterance_id=utterance_id
                )
            return None
        if len(seen) < len(self._kinds):
            self._report_absences(utterance_id, seen)
        return UtteranceFiles(utterance_id, tuple(records), media[0], media[1])

    def _record(self, place: Place, stem: str, offset: int, size: int, is_held: bool) -> RecordFile:
        name = place.name_of(stem)
        if is_held:
            data = self._held[offset]
            return RecordFile(name, place.path_before, -1, len(data), data)
        if place.archive:
            return RecordFile(name, place.path_before, offset, size)
        return RecordFile(name, place.path_of(stem))

    def _report_second(self, utterance_id: str, kind: int, place: Place, known: Place) -> None:
        """A second file is a problem; a member of an archive that is also there as a file is none."""
        is_shadowed = bool(place.archive) and not known.archive
        if kind < AUDIO:
            self._report.counts["records_shadowed" if is_shadowed else "records_duplicate"] += 1
            if is_shadowed:
                self._num_shadowed[place.archive] = self._num_shadowed.get(place.archive, 0) + 1
        if not is_shadowed:
            name, expected = place.name_of(utterance_id), f"only {known.name_of(utterance_id)}"
            self._report.problem("ET-DUP-001", name, "", "a second file", expected, utterance_id=utterance_id)

    def _report_absences(self, utterance_id: str, seen: dict[int, Place]) -> None:
        """A modality that nobody has is absent, and no problem; one that only some lack is."""
        folders = emotalk_folder(utterance_id)
        for kind in sorted(self._kinds - seen.keys()):
            code, what = ("ET-PRES-001", "record") if kind < AUDIO else ("ET-PRES-002", "media file")
            self._report.problem(
                code,
                f"{_FOLDERS[kind]}/{folders}/{utterance_id}{_SUFFIXES[kind]}",
                "",
                "missing",
                f"a {what}, as other utterances have",
                utterance_id=utterance_id,
            )

    def _facts_of(self, folder: str) -> tuple[int | None, str]:
        """Return the kind of a folder's records, and the `G00008_01_11` of a leaf folder or ''."""
        modality = next(
            (_SPELLING[part] for part in reversed(folder.lower().split("/")) if part in _SPELLING),
            self._root_modality,
        )
        leaf = _LEAF_FOLDER.fullmatch(folder + "/")
        return None if modality is None else MODALITIES.index(modality), leaf[3] if leaf else ""

    def _kind_by_content(self, file: RecordFile) -> int | None:
        try:
            document: Any = read_json(read_bytes(file), file=file.name)
        except (EmotalkError, OSError):
            return None
        modality = modality_of(document) if isinstance(document, dict) else None
        return None if modality is None else MODALITIES.index(modality)

    def _unplaced(self, code: str, place: Place, stem: str, found: str, expected: str) -> None:
        self._report.counts["records_unplaced"] += 1
        self._report.problem(code, place.name_of(stem), "", found, expected)

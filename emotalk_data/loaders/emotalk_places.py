"""Where the files of EmotionTalk's utterances lie: plain values, and how the bytes of a record are read."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from emotalk_data.schemas.strict_json import MAX_RECORD_BYTES

__all__ = ["DialogueFiles", "MediaFile", "Place", "RecordFile", "UtteranceFiles", "read_bytes"]

# Non-blocking: opening a fifo that nobody writes to must not wait. It means nothing for regular files.
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_FIRST_BYTES: Final = 16_384  # no real record has more; to ask for a megabyte costs one each time


class RecordFile(NamedTuple):
    """Where the bytes of one annotation record lie.

    Attributes:
        name: path below the release's root; `archive.tar::member` inside an archive.
        path: the file on disk.
        offset: first byte inside an archive; -1 for a file of its own.
        size_bytes: its length inside an archive.
        data: the bytes themselves, when they come out of a compressed archive.
    """

    name: str
    path: str
    offset: int = -1
    size_bytes: int = -1
    data: bytes | None = None


class MediaFile(NamedTuple):
    """A sound or video file: its name in the release, and its path as a row has it."""

    name: str
    path: str


class UtteranceFiles(NamedTuple):
    """The files of one utterance: its records in the order of MODALITIES, and its media."""

    utterance_id: str
    records: tuple[RecordFile | None, ...]
    audio: MediaFile | None
    video: MediaFile | None


class DialogueFiles(NamedTuple):
    """The utterances of one dialogue, ordered by their numbers."""

    dialogue_id: str
    utterances: tuple[UtteranceFiles, ...]


class Place(NamedTuple):
    """Where files lie whose names differ in nothing but the id.

    Attributes:
        before: what stands before the id in a file's name in the release.
        after: what stands behind it.
        path_before: of plain files the folder of the release, one string for all of them; of media in an archive
            what stands before the id in their paths; of records in an archive its path.
        path_after: of media in an archive what stands behind the id in their paths.
        archive: name of the archive that holds them; empty for plain files.
    """

    before: str
    after: str
    path_before: str
    path_after: str = ""
    archive: str = ""

    def name_of(self, stem: str) -> str:
        """Return the name in the release of the file with this id."""
        return f"{self.before}{stem}{self.after}"

    def path_of(self, stem: str) -> str:
        """Return the path of a plain file, or the one by which a row names media in an archive."""
        if self.archive:
            return f"{self.path_before}{stem}{self.path_after}"
        return f"{self.path_before}{self.before}{stem}{self.after}"


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
        raw = os.read(descriptor, _FIRST_BYTES)
        if len(raw) < _FIRST_BYTES:
            return raw
        return raw + os.read(descriptor, MAX_RECORD_BYTES + 1 - _FIRST_BYTES)
    finally:
        os.close(descriptor)

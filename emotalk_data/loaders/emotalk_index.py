"""From the listing of an EmotionTalk release to its dialogues: trees, tars, and zips inside tars."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final, Literal, NamedTuple

from emotalk_data.archives import (
    ArchiveNote,
    Location,
    cached_tar_index,
    cached_zip_index,
    sniff_archive,
    stream_tar,
)
from emotalk_data.errors import EmotalkError, LimitError, quote
from emotalk_data.loaders.emotalk_files import DialogueFiles, FileCollector, RecordFile
from emotalk_data.loaders.listing import ListedFile, Listing
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.strict_json import MAX_RECORD_BYTES

__all__ = ["index_emotalk"]

_RECORD_SUFFIXES: Final = (".json", ".jsonl")
_AUDIO_SUFFIXES: Final = (".wav", ".flac", ".m4a")
_ARCHIVE_SUFFIX: Final = re.compile(r"(\.tar(\.gz)?|\.tgz)?$", re.IGNORECASE)

_MAX_HELD_BYTES: Final = 128 << 20
"""Records of one compressed archive that are held in memory, in bytes. The real ones have some 21 MB."""


def index_emotalk(
    listing: Listing, report: Report, *, on_bad_archive: Literal["raise", "report"] = "raise"
) -> list[DialogueFiles]:
    """Sort the files of a release into dialogues and utterances.

    Args:
        listing: the release's files.
        report: takes the problems, and the counts of records found.
        on_bad_archive: whether an archive that is damaged or unsafe ends the reading or is a problem.

    Returns:
        dialogues in the order of their ids, utterances in the order of their numbers.

    Raises:
        ArchiveError: an archive is damaged, cut or unsafe.
        LimitError: an archive is larger inside than any release.
        PathError: an archive is no regular file, or a member's name cannot be part of a path.
        ReleaseError: an archive cannot be opened.
    """
    collector = FileCollector(listing.root, report)
    for file in listing.annotations:
        collector.add_record(RecordFile(file.name, file.path, -1, file.size_bytes), file.name)
    for folder in listing.folders:
        for name in folder.media:
            _add_media(collector, folder.name + name, f"{folder.path}/{name}")
    zips = [_Zip(file.name, file.path, None) for file in listing.zips]

    def attempt(add: Callable[[], None], name: str) -> None:
        try:
            add()
        except EmotalkError as error:
            if on_bad_archive == "raise":
                raise
            report.problem("ET-TAR-003", name, "", str(error), "an undamaged archive of plain files")

    for archive in listing.archives:
        attempt(partial(_add_archive, collector, archive, report, zips), archive.name)
    # Multimodal.tar holds a zip that repeats its mp4s: it counts only where they are not there directly.
    if not collector.has_video:
        for packed in zips:
            attempt(partial(_add_zip, collector, packed), packed.name)
    return collector.join()


class _Zip(NamedTuple):
    """A zip of media: a file, or a member of a tar."""

    name: str
    path: str
    member: str | None


def _add_media(collector: FileCollector, name: str, path: str, *, in_archive: bool = False) -> None:
    add = collector.add_audio if name.lower().endswith(_AUDIO_SUFFIXES) else collector.add_video
    add(name, path, in_archive=in_archive)


def _add_archive(collector: FileCollector, archive: ListedFile, report: Report, zips: list[_Zip]) -> None:
    """Add what a tar holds; the zips inside it are put aside."""
    # `data/Audio.tar` with members `json/…` tells the modality as `data/Audio/json/…` would.
    prefix = _ARCHIVE_SUFFIX.sub("", archive.name) + "/"
    if sniff_archive(archive.path) == "gzip":
        _add_compressed(collector, archive, prefix, report)
        return
    index = cached_tar_index(archive.path)
    # First of all: a member whose name no path can hold refuses the archive before anything of it is taken.
    media = {
        name: str(Location(archive.path, (("tar", name),))) for name in index.names if _is_media(name.lower())
    }
    _report_notes(index.notes, archive, report)
    for name, offset, size in zip(index.names, index.offsets, index.sizes, strict=True):
        shown = f"{archive.name}::{name}"
        if _is_record(name):
            record = RecordFile(shown, archive.path, offset, size)
            collector.add_record(record, prefix + name, archive=archive.name)
        elif name in media:
            _add_media(collector, shown, media[name], in_archive=True)
        elif name.lower().endswith(".zip"):
            zips.append(_Zip(shown, archive.path, name))


def _add_compressed(collector: FileCollector, archive: ListedFile, prefix: str, report: Report) -> None:
    """Add the records of a tar that is gzip data under any name. Its media cannot be read in place."""
    notes: list[ArchiveNote] = []
    records: list[tuple[str, bytes]] = []
    num_media = num_zips = num_bytes = 0
    for member in stream_tar(archive.path, _is_record, max_bytes=MAX_RECORD_BYTES * 2, on_note=notes.append):
        if member.data is not None:
            num_bytes += member.size
            if num_bytes > _MAX_HELD_BYTES:
                raise LimitError(
                    f"{quote(archive.name)} holds more than {_MAX_HELD_BYTES:,} bytes of compressed records; "
                    f"a release has a sixth of that. Check what it is; if it is right, decompress it: gzip -d.",
                    path=archive.path,
                )
            records.append((member.name, member.data))
        elif member.name.lower().endswith(".zip"):
            num_zips += 1
        elif _is_media(member.name.lower()):
            num_media += 1
    # Only now: an archive that is damaged at its end is refused whole.
    for name, data in records:
        record = RecordFile(f"{archive.name}::{name}", archive.path, -1, len(data), data)
        collector.add_record(record, prefix + name, archive=archive.name)
    _report_notes(tuple(notes), archive, report)
    num_lost, what = (num_media, "media files") if num_media else (num_zips, "zips of media")
    if num_lost:
        found = f"{num_lost} {what} in gzip data"
        report.problem("ET-TAR-002", archive.name, "", found, "a plain tar", count=num_lost)


def _add_zip(collector: FileCollector, packed: _Zip) -> None:
    within = None if packed.member is None else cached_tar_index(packed.path).find(packed.member)
    outer = () if packed.member is None else (("tar", packed.member),)
    for name in cached_zip_index(packed.path, within).names:
        if _is_media(name.lower()):
            path = str(Location(packed.path, (("zip", name), *outer)))
            _add_media(collector, f"{packed.name}::{name}", path, in_archive=True)


def _is_record(name: str) -> bool:
    return name.lower().endswith(_RECORD_SUFFIXES)


def _is_media(lower_name: str) -> bool:
    return lower_name.endswith((*_AUDIO_SUFFIXES, ".mp4", ".mkv", ".avi", ".mov", ".webm"))


def _report_notes(notes: tuple[ArchiveNote, ...], archive: ListedFile, report: Report) -> None:
    for note in notes:
        report.problem("ET-TAR-001", archive.name, "", note.text, "nothing odd")

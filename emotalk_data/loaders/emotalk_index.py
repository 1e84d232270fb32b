"""From the listing of an EmotionTalk release to its dialogues: trees, tars, and zips inside tars."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from sys import intern
from typing import Final, Literal, NamedTuple

from emotalk_data.archives import (
    ArchiveNote,
    Location,
    TarMembers,
    cached_tar_index,
    cached_zip_index,
    sniff_archive,
    stream_tar,
)
from emotalk_data.archives.walk import Entry
from emotalk_data.errors import EmotalkError, LimitError, quote
from emotalk_data.loaders.emotalk_files import AUDIO, VIDEO, FileCollector
from emotalk_data.loaders.emotalk_places import DialogueFiles, Place
from emotalk_data.loaders.listing import Listing
from emotalk_data.loaders.report import Report
from emotalk_data.loaders.walk import Folder, ListedFile, Walk
from emotalk_data.schemas.strict_json import MAX_RECORD_BYTES

__all__ = ["index_emotalk"]

_RECORD_SUFFIXES: Final = (".json", ".jsonl")
_AUDIO_SUFFIXES: Final = (".wav", ".flac", ".m4a")
_ARCHIVE_SUFFIX: Final = re.compile(r"(\.tar(\.gz)?|\.tgz)?$", re.IGNORECASE)

_MAX_HELD_BYTES: Final = 128 << 20
"""Records of one compressed archive that are held in memory, in bytes. The real ones have some 21 MB."""


def index_emotalk(
    release: Listing | Walk, report: Report, *, on_bad_archive: Literal["raise", "report"] = "raise"
) -> Iterator[DialogueFiles]:
    """Sort the files of a release into dialogues and utterances.

    Args:
        release: the release's files. A walk is gone through once and not kept.
        report: takes the problems, and the counts of records found.
        on_bad_archive: whether an archive that is damaged or unsafe ends the reading or is a problem.

    Returns:
        dialogues in the order of their ids, utterances in the order of their numbers; to be iterated once.

    Raises:
        ArchiveError: an archive is damaged, cut or unsafe.
        LimitError: an archive is larger inside than any release.
        PathError: an archive is no regular file, or a member's name cannot be part of a path.
        ReleaseError: an archive cannot be opened.
    """
    collector = FileCollector(release.root, report)
    for folder in release.folders:
        _add_folder(collector, folder)
    zips = [_Zip(file.name, file.path, None) for file in release.zips]

    def attempt(add: Callable[[], None], name: str, path: str) -> None:
        try:
            add()
        except EmotalkError as error:
            if on_bad_archive == "raise":
                raise
            found = str(error).replace(path, name)  # where the release lies is no fact of the archive
            report.problem("ET-TAR-003", name, "", found, "an undamaged archive of plain files")

    for archive in release.archives:
        attempt(partial(_add_archive, collector, archive, report, zips), archive.name, archive.path)
    # Multimodal.tar holds a zip that repeats its mp4s: it counts only where they are not there directly.
    if not collector.has_video:
        for packed in zips:
            attempt(partial(_add_zip, collector, packed, report), packed.name, packed.path)
    for file in release.unread:
        report.problem(
            "ET-TAR-004", file.name, "", "an archive that is not read", "a tar, plain or as gzip data"
        )
    return collector.join()


class _Zip(NamedTuple):
    """A zip of media: a file, or a member of a tar."""

    name: str
    path: str
    member: str | None


def _add_folder(collector: FileCollector, folder: Folder) -> None:
    """Add the files of one folder, which are of a few suffixes."""
    base = f"{folder.path}/"[: -len(folder.name) or None]
    by_suffix: dict[str, list[tuple[str, int, int]]] = {}
    for name, _, _ in folder.annotations:
        stem, dot, suffix = name.rpartition(".")
        by_suffix.setdefault(dot + suffix, []).append((stem, -1, -1))
    for suffix, files in by_suffix.items():
        place = Place(folder.name, intern(suffix), intern(base))
        collector.add_records(place, folder.name.removesuffix("/"), files)
    media: dict[str, list[str]] = {}
    for name in folder.media:
        stem, dot, suffix = name.rpartition(".")
        media.setdefault(dot + suffix, []).append(stem)
    for suffix, stems in media.items():
        collector.add_media(_media_kind(suffix), Place(folder.name, intern(suffix), intern(base)), stems)


def _add_archive(collector: FileCollector, archive: ListedFile, report: Report, zips: list[_Zip]) -> None:
    """Add what a tar holds; the zips inside it are put aside."""
    # `data/Audio.tar` with members `json/…` tells the modality as `data/Audio/json/…` would.
    prefix = _ARCHIVE_SUFFIX.sub("", archive.name) + "/"
    if sniff_archive(archive.path) == "gzip":
        _add_compressed(collector, archive, prefix, report)
        return

    def check(name: str) -> None:
        """Refuse the archive, before anything of it is taken, for a medium whose name no path can hold."""
        if _is_media(name.lower()):
            Location(archive.path, (("tar", name),))

    members = TarMembers(archive.path, check=check)
    _report_notes(members.notes, archive, report)
    # A folder at a time: a release's members are sorted, and as many as they may be, a folder has few.
    for (folder, suffix), run in groupby(members, key=_folder_and_suffix):
        name = f"{folder}{suffix}".lower()
        if _is_record(name):
            place = Place(f"{archive.name}::{folder}", intern(suffix), archive.path, "", archive.name)
            files = [(_stem(member), member.data_offset, member.size) for member in run]
            collector.add_records(place, (prefix + folder).removesuffix("/"), files)
        elif _is_media(name):
            place = _media_place(folder, suffix, archive.name, archive.path, "tar")
            collector.add_media(_media_kind(suffix), place, [_stem(member) for member in run])
        elif suffix.lower() == ".zip":
            zips += [_Zip(f"{archive.name}::{member.name}", archive.path, member.name) for member in run]


def _folder_and_suffix(member: Entry) -> tuple[str, str]:
    folder, _, suffix = _split(member.name)
    return folder, suffix


def _stem(member: Entry) -> str:
    return _split(member.name)[1]


def _split(name: str) -> tuple[str, str, str]:
    """Split a member's name into folder with its slash, stem, and suffix with its dot."""
    folder, slash, base = name.rpartition("/")
    stem, dot, suffix = base.rpartition(".")
    return folder + slash, stem, dot + suffix


def _media_place(
    folder: str, suffix: str, archive_name: str, path: str, scheme: str, *outer: tuple[str, str]
) -> Place:
    """Return the place of media in an archive: their paths differ in the id alone."""
    mark = "#"
    while mark in folder + path + "".join(member for _, member in outer):
        mark += "#"
    before, _, after = str(Location(path, ((scheme, f"{folder}{mark}{suffix}"), *outer))).partition(mark)
    return Place(f"{archive_name}::{folder}", suffix, before, after, archive_name)


def _add_compressed(collector: FileCollector, archive: ListedFile, prefix: str, report: Report) -> None:
    """Add the records of a tar that is gzip data under any name. Its media cannot be read in place."""
    notes: list[ArchiveNote] = []
    records: dict[tuple[str, str], list[tuple[str, bytes]]] = {}
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
            folder, stem, suffix = _split(member.name)
            records.setdefault((folder, suffix), []).append((stem, member.data))
        elif member.name.lower().endswith(".zip"):
            num_zips += 1
        elif _is_media(member.name.lower()):
            num_media += 1
    # Only now: an archive that is damaged at its end is refused whole.
    for (folder, suffix), found in records.items():
        place = Place(f"{archive.name}::{folder}", suffix, archive.path, "", archive.name)
        files = [(stem, -1, -1) for stem, _ in found]
        held = [data for _, data in found]
        collector.add_records(place, (prefix + folder).removesuffix("/"), files, held=held)
    _report_notes(tuple(notes), archive, report)
    num_lost, what = (num_media, "media files") if num_media else (num_zips, "zips of media")
    if num_lost:
        lost = f"gzip data with {what} in it"
        report.problem("ET-TAR-002", archive.name, "", lost, "a plain tar", count=num_lost)


def _add_zip(collector: FileCollector, packed: _Zip, report: Report) -> None:
    within = None if packed.member is None else cached_tar_index(packed.path).find(packed.member)
    outer = () if packed.member is None else (("tar", packed.member),)
    media: dict[tuple[str, str], list[str]] = {}
    num_records = 0
    for name in cached_zip_index(packed.path, within).names:
        num_records += _is_record(name)
        if _is_media(name.lower()):
            Location(packed.path, (("zip", name), *outer))  # a name that no path can hold is refused
            folder, stem, suffix = _split(name)
            media.setdefault((folder, suffix), []).append(stem)
    for (folder, suffix), stems in media.items():
        place = _media_place(folder, suffix, packed.name, packed.path, "zip", *outer)
        collector.add_media(_media_kind(suffix), place, stems)
    if num_records:
        found = f"a zip with {num_records:,} JSON files, which are not read"
        report.problem(
            "ET-TAR-004", packed.name, "", found, "records in a tar, or unpacked", count=num_records
        )


def _media_kind(suffix: str) -> int:
    return AUDIO if suffix.lower().endswith(_AUDIO_SUFFIXES) else VIDEO


def _is_record(name: str) -> bool:
    return name.lower().endswith(_RECORD_SUFFIXES)


def _is_media(lower_name: str) -> bool:
    return lower_name.endswith((*_AUDIO_SUFFIXES, ".mp4", ".mkv", ".avi", ".mov", ".webm"))


def _report_notes(notes: tuple[ArchiveNote, ...], archive: ListedFile, report: Report) -> None:
    for note in notes:
        found = f"odd at byte {note.offset:,}: {note.text}"
        report.problem("ET-TAR-001", archive.name, "", found, "nothing odd")

"""Which files an M3ED release consists of: annotation, relation file, clips, TV episodes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from emotalk_data.archives import Location, cached_tar_index, open_source
from emotalk_data.errors import ArchiveError, EmotalkError, LimitError, ReleaseNotFoundError, quote
from emotalk_data.loaders.listing import Listing, list_release
from emotalk_data.loaders.report import Report
from emotalk_data.loaders.walk import ListedFile
from emotalk_data.schemas.strict_json import BOM, read_json

__all__ = [
    "Clip",
    "EpisodeIndex",
    "OnBadArchive",
    "find_clips",
    "find_file",
    "index_episodes",
    "list_episodes",
    "matching_files",
    "read_document",
    "read_whole",
    "reason_of",
]

OnBadArchive = Literal["raise", "report"]

_MAX_ANNOTATION_BYTES: Final = 64 << 20  # the released file has some 12 MB
_MAX_VALUES: Final = 1_500_000  # the released file has some 400,000; each takes up to 250 bytes of memory
_SOUNDS: Final = (".wav", ".flac")
_VIDEOS: Final = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".ts")
_CLIP: Final = re.compile(r"([A-Z])_(.+_[0-9]+_[0-9]+)")
_MARKED_EPISODE: Final = re.compile(
    r"(?:第|(?<![a-z])e(?:p|pisode)?[ ._-]?)0*([0-9]{1,5})(?![0-9])", re.IGNORECASE
)
_NUMBER: Final = re.compile(r"[0-9]+")
# What may follow a series in a file's name. `anjiazhuan_01` is not an episode of anjia, `anjiaE01` is.
_AFTER_SERIES: Final = re.compile(r"(?![a-z])|(?:s[0-9]+)?e(?:p|pisode)?[ ._-]?[0-9]")


def reason_of(error: EmotalkError, file: ListedFile) -> str:
    """Return what an error says of a file, without the file's path: a report is the same on every machine."""
    text = error.message
    for max_chars in (200, 80):  # as messages cut a path
        text = text.replace(quote(file.path, max_chars), quote(file.name))
    return text.removeprefix(f"{quote(file.name)} is ")


def matching_files(listing: Listing, pattern: str) -> list[ListedFile]:
    """Return the JSON files whose name matches in full, in any case."""
    return [
        file for file in listing.annotations if re.fullmatch(pattern, Path(file.name).name, re.IGNORECASE)
    ]


def find_file(listing: Listing, pattern: str, what: str) -> ListedFile | None:
    """Return the one JSON file whose name matches, or None.

    Raises:
        ReleaseNotFoundError: there are several; the message names two.
    """
    matches = matching_files(listing, pattern)
    if len(matches) > 1:
        raise ReleaseNotFoundError(
            f"{listing.root} holds {len(matches)} files that could be the {what}: {matches[0].name}, "
            f"{matches[1].name}. Give data_dir a folder that holds one release."
        )
    return matches[0] if matches else None


def read_document(file: ListedFile, report: Report) -> Any:
    """Read one of the release's large JSON files.

    Raises:
        DecodeError: not strict JSON; duplicate keys, which would lose a dialogue, count as not strict.
        LimitError: over 64 MiB, or over 1.5 million values, which would need gigabytes of memory.
        ReleaseError: it cannot be read.
    """
    raw = read_whole(file, _MAX_ANNOTATION_BYTES)
    num_values = raw.count(b",") + raw.count(b"[") + raw.count(b"{")  # those in strings count too
    if num_values > _MAX_VALUES:
        raise LimitError(
            f"{file.name} has {num_values:,} values; expected at most {_MAX_VALUES:,}. Check what it is.",
            path=file.path,
        )
    if raw.startswith(BOM):
        report.problem("M3-JSON-002", file.name, "", "UTF-8 with BOM", "UTF-8 without BOM")
    return read_json(raw, file=file.name, max_bytes=_MAX_ANNOTATION_BYTES)


def read_whole(file: ListedFile, max_bytes: int) -> bytes:
    """Read a regular file, never a device or fifo, that is not larger than it can be."""
    source = open_source(path=file.path)
    if source.size_bytes > max_bytes:
        raise LimitError(
            f"{file.name} has {source.size_bytes:,} bytes; expected at most {max_bytes:,}. Check what it is.",
            path=file.path,
        )
    return bytes(source.read_all())


class Clip(NamedTuple):
    """A released audio clip: its name in the release, and its path as a row has it."""

    name: str
    path: str


def find_clips(
    listing: Listing, report: Report, *, on_bad_archive: OnBadArchive
) -> dict[str, dict[str, Clip]]:
    """Index the released audio clips: utterance id -> speaker letter -> clip.

    Clips are named `{Speaker}_{utterance}.wav` and lie flat or nested, as files or in a tar.

    Raises:
        ArchiveError: `on_bad_archive="raise"`, and a tar is damaged, unsafe or compressed.
        LimitError: likewise, and it is larger inside than any release.
    """
    found = list(_sounds_in_folders(listing))
    for file in listing.unread:
        report.problem("M3-TAR-001", file.name, "", "an archive that is not read", "a plain tar")
    for archive in listing.archives:
        try:
            found += _sounds_in_archive(archive)
        except (ArchiveError, LimitError) as error:
            if on_bad_archive == "raise":
                raise
            report.problem("M3-TAR-001", archive.name, "", reason_of(error, archive), "a plain tar")
    clips: dict[str, dict[str, Clip]] = {}
    for clip in found:
        match = _CLIP.fullmatch(Path(clip.name).stem)
        if match is None:
            expected = "a name such as A_anjia_1_2.wav"
            report.problem("M3-AUD-003", clip.name, "", "a sound of no utterance", expected)
            continue
        speaker, utterance_id = match.groups()
        known = clips.setdefault(utterance_id, {}).setdefault(speaker, clip)
        if known is not clip:
            report.problem(
                "M3-AUD-004", clip.name, "", "a second file", f"only {known.name}", utterance_id=utterance_id
            )
    return clips


def _sounds_in_folders(listing: Listing) -> Iterator[Clip]:
    for folder in listing.folders:
        for name in folder.media:
            if name.lower().endswith(_SOUNDS):
                yield Clip(folder.name + name, f"{folder.path}/{name}")


def _sounds_in_archive(archive: ListedFile) -> Iterator[Clip]:
    for member in cached_tar_index(archive.path).names:
        if member.lower().endswith(_SOUNDS) and not Path(member).name.startswith("."):
            path = str(Location(archive.path, (("tar", member),)))
            yield Clip(f"{archive.name}::{member}", path)


class EpisodeIndex(NamedTuple):
    """The TV episodes that a user owns.

    Attributes:
        files: (series, episode number) -> file.
        ambiguous: episodes of which there are two files.
    """

    files: dict[tuple[str, int], str]
    ambiguous: frozenset[tuple[str, int]] = frozenset()

    def find(self, series: str, episode: int) -> str | None:
        """Return the file of an episode, or None."""
        return self.files.get((series, episode))


def list_episodes(folder: str | os.PathLike[str]) -> Listing:
    """List the folder of the TV episodes that a user owns.

    Raises:
        ReleaseNotFoundError: there is no such folder.
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise ReleaseNotFoundError(
            f"episodes_dir {quote(str(path), 200)} is no folder; expected the folder of the TV episodes you "
            f"own, with files such as <series>/<episode>.mp4. Without it, leave episodes_dir out.",
            path=str(path),
        )
    return list_release(path)


def index_episodes(listing: Listing | None, series: Iterable[str], report: Report) -> EpisodeIndex:
    """Tell the series and the episode of each video file by its name.

    The series is the name of a folder above the file, or what the file's name begins with. The episode is the
    number behind `E`, `EP` or `第`, or the only number of the name: `anjia/02.mp4`, `anjia_02.mkv`,
    `anjia/Anjia.S01E02.1080p.mp4`. Two files for one episode: neither is used, and it is reported.
    """
    files: dict[tuple[str, int], str] = {}
    if listing is None:
        return EpisodeIndex(files)
    names = sorted(series, key=len, reverse=True)  # shanhaiqing2 before shanhaiqing
    known: dict[tuple[str, int], str] = {}
    ambiguous: set[tuple[str, int]] = set()
    for folder in listing.folders:
        for name in folder.media:
            if not name.lower().endswith(_VIDEOS):
                continue  # the sound of an episode is that of its video
            key = _episode_of(folder.name, name, names)
            if key is None:
                report.problem(
                    "M3-EPI-003", folder.name + name, "", "an unknown episode", "<series>/<episode>.mp4"
                )
            elif key in files:
                ambiguous.add(key)
                report.problem("M3-EPI-002", folder.name + name, "", "a second file", f"only {known[key]}")
            else:
                known[key] = folder.name + name
                files[key] = f"{folder.path}/{name}"
    for key in ambiguous:
        del files[key]
    return EpisodeIndex(files, frozenset(ambiguous))


def _episode_of(folder: str, name: str, series_names: list[str]) -> tuple[str, int] | None:
    stem = Path(name).stem.lower()
    parts = folder.lower().rstrip("/").split("/")
    series = next((series for series in series_names if series.lower() in parts), None)
    prefix = next((series for series in series_names if _begins_with(stem, series.lower())), None)
    if series is None:
        series = prefix
    if series is None:
        return None
    rest = stem.removeprefix(series.lower())
    marked = _MARKED_EPISODE.search(rest)
    if marked:
        return series, int(marked[1])
    numbers = _NUMBER.findall(rest)
    return (series, int(numbers[0])) if len(numbers) == 1 and len(numbers[0]) <= 5 else None


def _begins_with(stem: str, series: str) -> bool:
    return stem.startswith(series) and _AFTER_SERIES.match(stem, len(series)) is not None

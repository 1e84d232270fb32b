"""From M3ED's annotation file to dialogues with their split, speakers, and place in an episode."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from emotalk_data.errors import DecodeError, ReleaseNotFoundError, quote
from emotalk_data.loaders.listing import Listing
from emotalk_data.loaders.m3ed_files import (
    EpisodeIndex,
    OnBadArchive,
    Split,
    find_clips,
    find_file,
    index_episodes,
    read_document,
    read_splits,
)
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.m3ed import DialoguePlace
from emotalk_data.schemas.m3ed_read import note_frame_overflow, read_place
from emotalk_data.schemas.problems import noter

__all__ = ["DialogueSource", "index_m3ed"]

_DIALOGUE_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,5}")


class DialogueSource(NamedTuple):
    """One dialogue of the annotation file, its parts still as parsed JSON.

    Attributes:
        file: name of the annotation file, for problems.
        speakers: `SpeakerInfo`.
        utterances: (number, id, entry of `Dialog`), ordered by number.
        place: where it lies in its episode; None when the relation file does not say.
        episode_path: the file of the episode, when the user has it.
        clips: utterance id -> speaker letter -> path of the released clip.
        any_clips: whether the release on disk has audio clips at all.
    """

    file: str
    series: str
    dialogue_id: str
    split: Split
    speakers: Any
    utterances: tuple[tuple[int, str, Any], ...]
    place: DialoguePlace | None
    episode_path: str | None
    clips: dict[str, dict[str, str]]
    any_clips: bool


def index_m3ed(
    listing: Listing, episodes: Listing | None, report: Report, *, on_bad_archive: OnBadArchive = "raise"
) -> list[DialogueSource]:
    """Sort the annotation of a release into dialogues.

    Args:
        listing: the release's files.
        episodes: the files of the TV episodes that the user owns, if any.
        report: takes the problems and the counts of records (one utterance is one record).
        on_bad_archive: whether a tar of clips that cannot be read ends the reading or is a problem.

    Returns:
        dialogues, by series in the order of the annotation file and by number in each.

    Raises:
        ReleaseNotFoundError: no annotation file or no split lists.
        DecodeError: a file is not strict JSON.
        ArchiveError: a tar of clips is damaged, unsafe or compressed.
    """
    annotation = find_file(listing, r"annotation\.json", "annotation file")
    if annotation is None:
        raise ReleaseNotFoundError(
            f"no annotation.json under {listing.root}; get it from github.com/AIM3-RUC/RUCM3ED and give its "
            f"folder as data_dir.",
            path=listing.root,
        )
    splits = read_splits(listing, report)
    document = read_document(annotation)
    if not isinstance(document, dict):
        raise DecodeError(
            f"{annotation.name} is {quote(document)}; expected an object of series.", path=annotation.name
        )
    places = _read_places(listing, report)
    clips = find_clips(listing, report, on_bad_archive=on_bad_archive)
    episode_index = index_episodes(episodes, document, report)
    context = _Context(annotation.name, splits, places, clips, episode_index, report)
    dialogues: list[DialogueSource] = []
    for series, entries in document.items():
        dialogues += context.read_series(series, entries)
    context.report_leftovers(document, dialogues)
    return dialogues


def _read_places(listing: Listing, report: Report) -> dict[str, DialoguePlace] | None:
    """Read the relation file: dialogue id -> place; None when there is no such file."""
    file = find_file(listing, r"relation_annotation.*\.json", "relation file")
    if file is None:
        report.problem("M3-REL-003", "relation_annotation_release.json", "", "missing", "the relation file")
        return None
    document = read_document(file)
    if not isinstance(document, dict):
        raise DecodeError(f"{file.name} is {quote(document)}; expected an object of series.", path=file.name)
    places: dict[str, DialoguePlace] = {}
    for series, entries in document.items():
        if not isinstance(entries, dict):
            report.problem("M3-TYPE-001", file.name, quote(series), quote(entries), "an object of dialogues")
            continue
        for dialogue_id, entry in entries.items():
            note = noter(report.add, file.name, f"{series}.{dialogue_id}")
            place = read_place(entry, note)
            if place is not None:
                places[dialogue_id] = place
                note_frame_overflow(place.start_time, "start_time", note)
                note_frame_overflow(place.end_time, "end_time", note)
    return places


class _Context:
    """What is needed to place a dialogue."""

    def __init__(
        self,
        file: str,
        splits: dict[str, Split],
        places: dict[str, DialoguePlace] | None,
        clips: dict[str, dict[str, str]],
        episodes: EpisodeIndex,
        report: Report,
    ) -> None:
        self.file = file
        self.splits = splits
        self.places = places
        self.clips = clips
        self.episodes = episodes
        self.report = report

    def read_series(self, series: str, entries: Any) -> list[DialogueSource]:
        """Return the dialogues of one series, ordered by number."""
        if not isinstance(entries, dict):
            self.report.problem(
                "M3-TYPE-001", self.file, quote(series), quote(entries), "an object of dialogues"
            )
            return []
        split = self.splits.get(series)
        num_unplaced = 0
        numbered: list[tuple[int, DialogueSource]] = []
        for dialogue_id, entry in entries.items():
            number = _number_after(f"{series}_", dialogue_id)
            utterances = entry.get("Dialog") if isinstance(entry, dict) else None
            num_records = len(utterances) if isinstance(utterances, dict) else 0
            self.report.counts["records_found"] += num_records
            if number is None or not isinstance(utterances, dict):
                self._unplaced(series, dialogue_id, entry, num_records, number is None)
            elif split is None:
                num_unplaced += num_records
            else:
                numbered.append((number, self._dialogue(series, split, dialogue_id, entry, utterances)))
        if split is None and entries:
            self.report.counts["records_unplaced"] += num_unplaced
            self.report.problem(
                "M3-SPLIT-001",
                self.file,
                series,
                f"{num_unplaced} utterances",
                "a series of a split list",
                count=max(num_unplaced, 1),
            )
        numbered.sort(key=lambda item: item[0])
        return [dialogue for _, dialogue in numbered]

    def _unplaced(
        self, series: str, dialogue_id: str, entry: Any, num_records: int, is_misnamed: bool
    ) -> None:
        self.report.counts["records_unplaced"] += num_records
        where = f"{series}.{quote(dialogue_id, 60)}"
        if is_misnamed:
            self.report.problem("M3-ID-001", self.file, where, quote(dialogue_id), f"{series}_<number>")
        else:
            self.report.problem("M3-TYPE-001", self.file, where, quote(entry), "an object with Dialog")

    def _dialogue(
        self, series: str, split: Split, dialogue_id: str, entry: dict[str, Any], utterances: dict[str, Any]
    ) -> DialogueSource:
        numbered: list[tuple[int, str, Any]] = []
        for utterance_id, utterance in utterances.items():
            number = _number_after(f"{dialogue_id}_", utterance_id)
            if number is None:
                self.report.counts["records_unplaced"] += 1
                where = f"{series}.{dialogue_id}.Dialog"
                self.report.problem(
                    "M3-ID-001", self.file, where, quote(utterance_id), f"{dialogue_id}_<number>"
                )
            else:
                numbered.append((number, utterance_id, utterance))
        numbered.sort(key=lambda item: item[0])
        self.report.counts["utterances_found"] += len(numbered)
        place = self.places.get(dialogue_id) if self.places is not None else None
        if place is None and self.places is not None:
            self.report.problem(
                "M3-REL-002",
                self.file,
                f"{series}.{dialogue_id}",
                "no place",
                "an entry in the relation file",
            )
        episode_path = None
        if place is not None and place.episode is not None:
            episode_path = self.episodes.find(series, place.episode)
        clips = {
            utterance_id: self.clips[utterance_id]
            for _, utterance_id, _ in numbered
            if utterance_id in self.clips
        }
        return DialogueSource(
            self.file,
            series,
            dialogue_id,
            split,
            entry.get("SpeakerInfo"),
            tuple(numbered),
            place,
            episode_path,
            clips,
            bool(self.clips),
        )

    def report_leftovers(self, document: dict[str, Any], dialogues: list[DialogueSource]) -> None:
        """Report what lists, relation file and folders name and the annotation lacks, and missing episodes."""
        for series in sorted(self.splits.keys() - document.keys()):
            self.report.problem("M3-SPLIT-003", self.file, series, "not annotated", "its dialogues")
        annotated = {
            dialogue_id
            for entries in document.values()
            if isinstance(entries, dict)
            for dialogue_id in entries
        }
        for dialogue_id in sorted((self.places or {}).keys() - annotated):
            self.report.problem(
                "M3-REL-001",
                "relation_annotation_release.json",
                dialogue_id,
                "not annotated",
                "an annotated dialogue",
            )
        known = {utterance_id for dialogue in dialogues for _, utterance_id, _ in dialogue.utterances}
        for utterance_id in sorted(self.clips.keys() - known):
            path = next(iter(self.clips[utterance_id].values()))
            self.report.problem(
                "M3-AUD-003",
                path.rpartition("/")[2],
                "",
                "a clip of no utterance",
                "an annotated utterance",
                utterance_id=utterance_id,
            )
        if self.episodes.files:
            missing = sorted(
                {
                    (dialogue.series, dialogue.place.episode)
                    for dialogue in dialogues
                    if dialogue.place is not None
                    and dialogue.place.episode is not None
                    and dialogue.episode_path is None
                }
            )
            for series, episode in missing:
                self.report.problem("M3-EPI-001", f"{series}/{episode}", "", "missing", "the episode's file")


def _number_after(prefix: str, text: str) -> int | None:
    number = text.removeprefix(prefix)
    return int(number) if number != text and _DIALOGUE_NUMBER.fullmatch(number) else None

"""From M3ED's annotation file to dialogues with their split, speakers, and place in an episode."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from emotalk_data.errors import DecodeError, ReleaseNotFoundError, quote
from emotalk_data.loaders.listing import Listing
from emotalk_data.loaders.m3ed_files import (
    Clip,
    EpisodeIndex,
    OnBadArchive,
    find_clips,
    find_file,
    index_episodes,
    read_document,
)
from emotalk_data.loaders.m3ed_lists import Split, read_splits
from emotalk_data.loaders.m3ed_places import Relation, name_in_path, read_relation
from emotalk_data.loaders.report import Report
from emotalk_data.loaders.walk import ListedFile
from emotalk_data.schemas.m3ed import DialoguePlace
from emotalk_data.schemas.m3ed_read import tidy_dialogue
from emotalk_data.schemas.problems import noter

__all__ = ["ANNOTATION", "RELATION", "DialogueSource", "Parts", "index_m3ed", "index_parts"]

ANNOTATION: Final = r"annotation\.json"
"""Pattern of the annotation file's name."""

RELATION: Final = r"relation_annotation.*\.json"
"""Pattern of the relation file's name."""

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,5}")
_MAX_ID_CHARS: Final = 200  # every problem of an utterance has its id


class DialogueSource(NamedTuple):
    """One dialogue of the annotation file, its parts still as parsed JSON.

    Attributes:
        file: name of the annotation file, for problems.
        where: the dialogue's JSON path in that file.
        is_listed: whether its series is in a split list; if not, its utterances make no rows.
        speakers: `SpeakerInfo`.
        utterances: (number, id, entry of `Dialog`), ordered by number.
        place: where it lies in its episode; None when the relation file does not say.
        episode_path: the file of the episode, when the user has it.
        clips: utterance id -> speaker letter -> the released clip.
        any_clips: whether the release on disk has audio clips at all.
    """

    file: str
    where: str
    series: str
    dialogue_id: str
    split: Split
    is_listed: bool
    speakers: Any
    utterances: tuple[tuple[int, str, Any], ...]
    place: DialoguePlace | None
    episode_path: str | None
    clips: dict[str, dict[str, Clip]]
    any_clips: bool


class Parts(NamedTuple):
    """The parts of a release, each read.

    Attributes:
        file: name of the annotation file.
        document: what it holds.
        splits: series -> split.
        unlisted: split of a series that no list has; None when that is a problem.
        relation: what the relation file says, if there is one.
        clips: utterance id -> speaker letter -> clip.
        episodes: the TV episodes that the user owns.
    """

    file: str
    document: dict[str, Any]
    splits: dict[str, Split]
    unlisted: Split | None
    relation: Relation | None
    clips: dict[str, dict[str, Clip]]
    episodes: EpisodeIndex


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
    annotation = find_file(listing, ANNOTATION, "annotation file")
    if annotation is None:
        raise ReleaseNotFoundError(
            f"no annotation.json under {listing.root}; get it from github.com/AIM3-RUC/RUCM3ED and give its "
            f"folder as data_dir.",
            path=listing.root,
        )
    splits = read_splits(listing, report)
    document = _read_object(annotation, report)
    relation = None
    file = find_file(listing, RELATION, "relation file")
    if file is None:
        report.problem("M3-REL-003", "relation_annotation_release.json", "", "missing", "the relation file")
    else:
        relation = read_relation(_read_object(file, report), file.name, report)
    clips = find_clips(listing, report, on_bad_archive=on_bad_archive)
    episode_index = index_episodes(episodes, document, report)
    parts = Parts(annotation.name, document, splits, None, relation, clips, episode_index)
    return [dialogue for dialogue in index_parts(parts, report) if dialogue.is_listed]


def _read_object(file: ListedFile, report: Report) -> dict[str, Any]:
    document = read_document(file, report)
    if not isinstance(document, dict):
        raise DecodeError(f"{file.name} is {quote(document)}; expected an object of series.", path=file.name)
    return document


def index_parts(parts: Parts, report: Report) -> list[DialogueSource]:
    """Sort a parsed annotation into dialogues, those of series of no list included.

    Args:
        parts: what was read.
        report: as for `index_m3ed`.
    """
    index = _Index(parts, report)
    dialogues: list[DialogueSource] = []
    for series, entries in parts.document.items():
        dialogues += index.read_series(series, entries)
    index.report_leftovers(dialogues)
    return dialogues


class _Index:
    """What is needed to place a dialogue."""

    def __init__(self, parts: Parts, report: Report) -> None:
        self._parts: Final = parts
        self._report: Final = report

    def read_series(self, series: str, entries: Any) -> list[DialogueSource]:
        """Return the dialogues of one series, ordered by number."""
        where, file, report = name_in_path(series), self._parts.file, self._report
        if not isinstance(entries, dict):
            report.problem("M3-TYPE-001", file, where, quote(entries), "an object of dialogues")
            return []
        split = self._parts.splits.get(series, self._parts.unlisted)
        numbered: list[tuple[int, DialogueSource]] = []
        for dialogue_id, entry in entries.items():
            number = _number_after(f"{series}_", dialogue_id)
            path = f"{where}.{name_in_path(dialogue_id)}"
            note = noter(report.add, file, path)
            document = tidy_dialogue(entry, note) if isinstance(entry, dict) else {}
            utterances = document.get("Dialog")
            num_records = len(utterances) if isinstance(utterances, dict) else 0
            report.counts["records_found"] += num_records
            if number is None:
                report.counts["records_unplaced"] += num_records
                note("M3-ID-001", "", quote(dialogue_id), f"{where}_<number>")
            elif not isinstance(entry, dict):
                note("M3-TYPE-001", "", quote(entry), "an object of SpeakerInfo and Dialog")
            elif not isinstance(utterances, dict):
                found = "missing" if utterances is None else quote(utterances)
                note("M3-TYPE-001", "Dialog", found, "an object of utterances")
            else:
                numbered.append((number, self._dialogue(series, split, path, dialogue_id, document)))
        numbered.sort(key=lambda item: item[0])
        dialogues = [dialogue for _, dialogue in numbered]
        if split is None and entries:
            self._report_unlisted(where, dialogues)
        return dialogues

    def _report_unlisted(self, where: str, dialogues: list[DialogueSource]) -> None:
        number = sum(len(dialogue.utterances) for dialogue in dialogues)
        self._report.counts["records_unplaced"] += number
        self._report.problem(
            "M3-SPLIT-001",
            self._parts.file,
            where,
            f"{number} utterances",
            "a series of a split list",
            count=max(number, 1),
        )

    def _dialogue(
        self, series: str, split: Split | None, where: str, dialogue_id: str, document: dict[str, Any]
    ) -> DialogueSource:
        parts, report = self._parts, self._report
        numbered: list[tuple[int, str, Any]] = []
        for utterance_id, utterance in document["Dialog"].items():
            number = _number_after(f"{dialogue_id}_", utterance_id)
            if number is None:
                report.counts["records_unplaced"] += 1
                path = f"{where}.Dialog.{name_in_path(utterance_id)}"
                report.problem("M3-ID-001", parts.file, path, quote(utterance_id), f"{dialogue_id}_<number>")
            else:
                numbered.append((number, utterance_id, utterance))
        numbered.sort(key=lambda item: item[0])
        if split is not None:
            report.counts["utterances_found"] += len(numbered)
        place = None
        if parts.relation is not None:
            place = parts.relation.places.get(dialogue_id, ("", None))[1]
            if place is None:
                expected = f"an entry in {parts.relation.file}"
                report.problem("M3-REL-002", parts.file, where, "no place", expected)
        episode_path = None
        if place is not None and place.episode is not None:
            episode_path = parts.episodes.find(series, place.episode)
        clips = {key: parts.clips[key] for _, key, _ in numbered if key in parts.clips}
        return DialogueSource(
            parts.file,
            where,
            series,
            dialogue_id,
            split or "train",
            split is not None,
            document.get("SpeakerInfo"),
            tuple(numbered),
            place,
            episode_path,
            clips,
            bool(parts.clips),
        )

    def report_leftovers(self, dialogues: list[DialogueSource]) -> None:
        """Report what lists, relation file and folders name and the annotation lacks, and missing episodes."""
        parts, report = self._parts, self._report
        for series in sorted(parts.splits.keys() - parts.document.keys()):
            report.problem("M3-SPLIT-003", parts.file, name_in_path(series), "not annotated", "its dialogues")
        if parts.relation is not None:
            annotated = {
                key for entries in parts.document.values() if isinstance(entries, dict) for key in entries
            }
            for dialogue_id in sorted(parts.relation.places.keys() - annotated):
                series, _ = parts.relation.places[dialogue_id]
                path = f"{name_in_path(series)}.{name_in_path(dialogue_id)}"
                expected = f"a dialogue of {parts.file}"
                report.problem("M3-REL-001", parts.relation.file, path, "not annotated", expected)
        if parts.clips:
            self._report_clips({key for dialogue in dialogues for _, key, _ in dialogue.utterances})
        if parts.episodes.files or parts.episodes.ambiguous:
            self._report_episodes(dialogues)

    def _report_clips(self, known: set[str]) -> None:
        for utterance_id in sorted(self._parts.clips.keys() - known):
            clip = next(iter(self._parts.clips[utterance_id].values()))
            self._report.problem(
                "M3-AUD-003",
                clip.name,
                "",
                "a clip of no utterance",
                "an annotated utterance",
                utterance_id=utterance_id,
            )

    def _report_episodes(self, dialogues: list[DialogueSource]) -> None:
        missing = {
            (dialogue.series, dialogue.place.episode)
            for dialogue in dialogues
            if dialogue.place is not None
            and dialogue.place.episode is not None
            and dialogue.episode_path is None
        }
        for series, episode in sorted(missing - self._parts.episodes.ambiguous):
            self._report.problem("M3-EPI-001", f"{series}/{episode}", "", "missing", "the episode's file")


def _number_after(prefix: str, text: str) -> int | None:
    if len(text) > _MAX_ID_CHARS:
        return None
    number = text.removeprefix(prefix)
    return int(number) if number != text and _NUMBER.fullmatch(number) else None

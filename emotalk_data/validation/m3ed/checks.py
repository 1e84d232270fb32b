"""Everything that can be wrong with a release of M3ED, or with one of its files."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from emotalk_data.loaders.listing import Listing
from emotalk_data.loaders.m3ed import M3edUtterance, read_dialogue
from emotalk_data.loaders.m3ed_files import EpisodeIndex, find_clips, index_episodes
from emotalk_data.loaders.m3ed_index import DialogueSource, Parts, index_parts
from emotalk_data.loaders.m3ed_places import Relation, name_in_path, read_relation
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.timecode import parse_timecode
from emotalk_data.validation.m3ed.corpus import CorpusChecks
from emotalk_data.validation.m3ed.dialogue import DialogueChecks
from emotalk_data.validation.m3ed.files import Document, Splits, find_documents, read_all_splits

if TYPE_CHECKING:
    from emotalk_data.validation.media.checker import MediaChecker

__all__ = ["validate_m3ed"]

_CLIP_TOLERANCE_SECONDS: Final = 0.15  # clips were cut 50 ms late at both ends


def validate_m3ed(
    listing: Listing,
    episodes: Listing | None,
    report: Report,
    *,
    media: MediaChecker | None = None,
    single_file: bool = False,
) -> None:
    """Read a release of M3ED and report all its problems.

    A file that is missing or cannot be read is one problem, and the others are read all the same.

    Args:
        listing: the release's files.
        episodes: the files of the TV episodes that the user owns, if any.
        report: takes the problems and the counts; of the finals those that either rule gives.
        media: looks at the clips and episodes as well.
        single_file: the listing is an annotation or relation file by itself: nothing else is missed.
    """
    annotation, relation_document = find_documents(listing, report, single_file=single_file)
    relation = None
    if relation_document is not None:
        _note_empty(relation_document, report)
        relation = read_relation(relation_document.values, relation_document.file, report)
        _check_places(relation, report)
    splits = Splits({}, False) if single_file else read_all_splits(listing, report)
    clips = {} if single_file else find_clips(listing, report, on_bad_archive="report")
    document = annotation.values if annotation is not None else {}
    episode_index = index_episodes(episodes, document or splits.splits, report)
    whole_episodes = {}
    if media is not None and episodes is not None:
        whole_episodes = _look_at_episodes(episode_index, episodes.root, media)
    if annotation is not None:
        _note_empty(annotation, report)
        parts = Parts(
            annotation.file,
            annotation.values,
            splits.splits,
            None if splits.is_complete else "train",
            relation,
            clips,
            episode_index,
        )
        _read(parts, report, media, whole_episodes, is_whole=not single_file)


def _note_empty(document: Document, report: Report) -> None:
    """Report a file or a series without anything in it."""
    if not document.values:
        report.problem("M3-DATA-002", document.file, "", "{}", "an object of series")
    for series, entries in document.values.items():
        if entries == {}:
            report.problem("M3-DATA-002", document.file, name_in_path(series), "{}", "dialogues")


def _check_places(relation: Relation, report: Report) -> None:
    for dialogue_id, (series, place) in relation.places.items():
        if place.start_time is not None and place.end_time is not None:
            start, end = parse_timecode(place.start_time), parse_timecode(place.end_time)
            if start.frame_number == end.frame_number:
                path = f"{name_in_path(series)}.{name_in_path(dialogue_id)}.end_time"
                expected = "an end after the start"
                report.problem("M3-TIME-006", relation.file, path, repr(place.end_time), expected)


def _read(
    parts: Parts, report: Report, media: MediaChecker | None, episodes: dict[str, str], *, is_whole: bool
) -> None:
    """Read dialogue by dialogue; memory holds what was parsed, and never all the rows.

    Args:
        parts: what was parsed.
        report: takes the problems and the counts.
        media: looks at clips, and at the utterances' windows of episodes.
        episodes: path to name of each episode that can be read.
        is_whole: whether the release is whole, and not one file of it.
    """
    corpus = CorpusChecks(report)
    dialogues = index_parts(parts, report)
    for dialogue in dialogues:
        checks = DialogueChecks(dialogue, report.counts)
        for row, problems in read_dialogue(dialogue, report.add):
            checks.look(row, problems.append)
            report.extend(problems)
            if dialogue.is_listed:
                report.counts["records_in_rows"] += 1
                report.counts["rows"] += 1
            if media is not None:
                _look_at_clips(dialogue, row, media)
                episode = episodes.get(dialogue.episode_path or "")
                if episode is not None:
                    _look_at_windows(dialogue, row, episode, media)
        checks.finish(report.add)
        corpus.take(dialogue, checks)
    relation_file = parts.relation.file if parts.relation is not None else ""
    corpus.finish(parts.file, relation_file, is_whole=is_whole)
    if media is not None:
        known = {key for dialogue in dialogues for key in dialogue.clips}
        for utterance_id in sorted(parts.clips.keys() - known):
            for clip in parts.clips[utterance_id].values():
                media.audio(clip.path, clip.name)


def _look_at_clips(dialogue: DialogueSource, row: M3edUtterance, media: MediaChecker) -> None:
    seconds = _length_of(row)
    for clip in dialogue.clips.get(row.utterance_id, {}).values():
        media.audio(
            clip.path,
            clip.name,
            utterance_id=row.utterance_id,
            expected_seconds=seconds,
            tolerance_seconds=_CLIP_TOLERANCE_SECONDS,
        )


def _length_of(row: M3edUtterance) -> float | None:
    if row.start_seconds is None or row.end_seconds is None:
        return None
    return row.end_seconds - row.start_seconds


def _look_at_windows(dialogue: DialogueSource, row: M3edUtterance, episode: str, media: MediaChecker) -> None:
    """Look at an utterance's part of an episode, which may end before it."""
    if row.video_path is not None:
        media.video(row.video_path, episode, utterance_id=row.utterance_id, expected_seconds=_length_of(row))
    if row.audio_path is not None and row.utterance_id not in dialogue.clips:
        media.audio(row.audio_path, episode, utterance_id=row.utterance_id)


def _look_at_episodes(index: EpisodeIndex, root: str, media: MediaChecker) -> dict[str, str]:
    """Return path to name of the episodes that can be read."""
    names = {path: posixpath.relpath(path, root) for path in sorted(index.files.values())}
    return {path: name for path, name in names.items() if media.episode(path, name)}

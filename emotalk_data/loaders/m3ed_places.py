"""M3ED's relation file: where each dialogue lies in its episode."""

from __future__ import annotations

from typing import Any, NamedTuple

from emotalk_data.errors import quote
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.m3ed import DialoguePlace
from emotalk_data.schemas.m3ed_read import note_frame_overflow, read_place
from emotalk_data.schemas.problems import Note, noter
from emotalk_data.schemas.timecode import parse_timecode

__all__ = ["Relation", "frames_of_span", "name_in_path", "read_relation"]

_MAX_NAME_CHARS = 60


class Relation(NamedTuple):
    """What the relation file says.

    Attributes:
        file: its name.
        places: dialogue id -> the series it is listed under, and its place.
    """

    file: str
    places: dict[str, tuple[str, DialoguePlace]]


def name_in_path(text: str) -> str:
    """Return a name as a JSON path shows it: one that no release has is quoted and cut."""
    return text if 0 < len(text) <= _MAX_NAME_CHARS and text.isprintable() else quote(text, _MAX_NAME_CHARS)


def read_relation(document: dict[str, Any], file: str, report: Report) -> Relation:
    """Read the entries of the relation file.

    A dialogue that is listed under two series lies where the series of its name says.

    Args:
        document: the parsed file.
        file: its name, for problems.
        report: takes the problems.
    """
    places: dict[str, tuple[str, DialoguePlace]] = {}
    for series, entries in document.items():
        where = name_in_path(series)
        if not isinstance(entries, dict):
            report.problem("M3-TYPE-001", file, where, quote(entries), "an object of dialogues")
            continue
        for dialogue_id, entry in entries.items():
            note = noter(report.add, file, f"{where}.{name_in_path(dialogue_id)}")
            is_named = dialogue_id.startswith(f"{series}_")
            if not is_named:
                note("M3-REL-004", "", quote(dialogue_id), f"{where}_<number>, as it lies in {where}")
            place = read_place(entry, note)
            if place is not None:
                place = _checked_times(place, note)
                if is_named or dialogue_id not in places:
                    places[dialogue_id] = (series, place)
    return Relation(file, places)


def _checked_times(place: DialoguePlace, note: Note) -> DialoguePlace:
    note_frame_overflow(place.start_time, "start_time", note)
    note_frame_overflow(place.end_time, "end_time", note)
    start, _ = frames_of_span(place.start_time, place.end_time, "end_time", note)
    if (start is None) != (place.start_time is None):  # they are in the wrong order
        return DialoguePlace(episode=place.episode)
    return place


def frames_of_span(
    start: str | None, end: str | None, end_key: str, note: Note
) -> tuple[int | None, int | None]:
    """Return start and end in frames; both None when the end lies before the start, which is noted.

    Args:
        start: a time code that can be read, or None.
        end: likewise.
        end_key: where the end stands in the object.
        note: takes the finding.
    """
    first = None if start is None else parse_timecode(start).frame_number
    last = None if end is None else parse_timecode(end).frame_number
    if first is not None and last is not None and last < first:
        note("M3-TIME-003", end_key, f"{start} to {end}", "an end after the start")
        return None, None
    return first, last

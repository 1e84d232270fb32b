"""The files of an M3ED release, each read on its own: one that cannot be read does not hide the others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

from emotalk_data.errors import DecodeError, EmotalkError, JsonFault, LimitError, ReleaseNotFoundError, quote
from emotalk_data.loaders.listing import Listing
from emotalk_data.loaders.m3ed_files import matching_files, read_document, reason_of
from emotalk_data.loaders.m3ed_index import ANNOTATION, RELATION
from emotalk_data.loaders.m3ed_lists import Split, find_list, list_name, read_list, take_series
from emotalk_data.loaders.report import Report
from emotalk_data.loaders.walk import ListedFile
from emotalk_data.schemas.problems import Problem
from emotalk_data.schemas.strict_json import what_is_wrong

__all__ = ["Document", "Splits", "find_documents", "read_all_splits"]

_RELATION_NAME: Final = "relation_annotation_release.json"
_FAULTS: Final[dict[JsonFault, str]] = {
    "syntax": "M3-JSON-001",
    "duplicate-key": "M3-JSON-005",
    "encoding": "M3-JSON-006",
    "depth": "M3-JSON-007",
    "not-finite": "M3-JSON-008",
}


class Document(NamedTuple):
    """A parsed JSON file."""

    file: str
    values: dict[str, Any]


class Splits(NamedTuple):
    """What the split lists say.

    Attributes:
        splits: series -> split.
        is_complete: whether all three lists were read: only then is a series without a split a problem.
    """

    splits: dict[str, Split]
    is_complete: bool


def find_documents(
    listing: Listing, report: Report, *, single_file: bool = False
) -> tuple[Document | None, Document | None]:
    """Read the annotation file and the relation file; report what is missing or cannot be read.

    Args:
        listing: the release's files.
        report: takes the problems.
        single_file: the listing is one file, of any name; the other is not missed.

    Returns:
        annotation and relation; None for one that is not there or cannot be read.
    """
    if single_file:
        file = listing.annotations[0] if listing.annotations else listing.archives[0]
        document = _read(file, report)
        is_relation = document is not None and _is_relation(document)
        return (None, document) if is_relation else (document, None)
    annotation = _find(listing, ANNOTATION, report)
    if annotation is None:
        report.problem("M3-FILE-001", "annotation.json", "", "missing", "the annotation file")
    relation = _find(listing, RELATION, report)
    if relation is None:
        report.problem("M3-REL-003", _RELATION_NAME, "", "missing", "the relation file")
    return _read(annotation, report), _read(relation, report)


def _is_relation(document: Document) -> bool:
    """Tell the kind of a file by its name, else by its first entry: only a place has an episode or a time."""
    name = Path(document.file).name
    for pattern in (ANNOTATION, RELATION):
        if re.fullmatch(pattern, name, re.IGNORECASE):
            return pattern == RELATION
    for entries in document.values.values():
        for entry in entries.values() if isinstance(entries, dict) else ():
            if isinstance(entry, dict):
                return bool(entry.keys() & {"episode", "start_time", "end_time"})
    return False


def _find(listing: Listing, pattern: str, report: Report) -> ListedFile | None:
    files = matching_files(listing, pattern)
    for file in files[1:]:
        report.problem("M3-FILE-003", file.name, "", "a second file", f"only {files[0].name}")
    return files[0] if files else None


def _read(file: ListedFile | None, report: Report) -> Document | None:
    """Read one JSON file; report why it cannot be."""
    if file is None:
        return None
    try:
        values = read_document(file, report)
    except DecodeError as error:
        found = what_is_wrong(error, file.name)
        report.problem(_FAULTS[error.fault], file.name, "", found, "one strict JSON object in UTF-8")
    except LimitError as error:
        report.problem("M3-JSON-004", file.name, "", _without(file, error), "a release's file")
    except EmotalkError as error:
        _report_unreadable(file, error, report)
    else:
        if isinstance(values, dict):
            return Document(file.name, values)
        report.problem("M3-JSON-003", file.name, "", quote(values), "an object of series")
    return None


def _report_unreadable(file: ListedFile, error: EmotalkError, report: Report) -> None:
    is_lost = isinstance(error, ReleaseNotFoundError)
    found = "a name with nothing behind it" if is_lost else reason_of(error, file).partition(";")[0]
    report.problem("M3-FILE-002", file.name, "", found, "a file that can be read")


def _without(file: ListedFile, error: EmotalkError) -> str:
    """Return what an error says behind the name of its file, up to what was expected."""
    return error.message.removeprefix(f"{file.name} has ").partition(";")[0]


def read_all_splits(listing: Listing, report: Report) -> Splits:
    """Read the three split lists, and compare them with the list of all series where there is one."""
    splits: dict[str, Split] = {}
    files: dict[str, tuple[str, int]] = {}  # series -> its list and line
    is_complete = True
    for split in get_args(Split):
        file = find_list(listing, split)
        series = _read_list(file, split, report)
        if file is None or series is None:
            is_complete = False
            continue
        take_series(splits, split, file, series, report)
        files |= {name: (file.name, line) for name, line in series.items() if name not in files}
    file = find_list(listing, "total")
    if file is not None and is_complete:
        total = _read_list(file, "total", report)
        if total is not None:
            _compare_total(file.name, total, files, report)
    return Splits(splits, is_complete)


def _read_list(
    file: ListedFile | None, split: Split | Literal["total"], report: Report
) -> dict[str, int] | None:
    if file is None:
        report.problem(
            "M3-FILE-001", f"splitInfo/{list_name(split)}", "", "missing", "the list of the split's series"
        )
        return None
    try:
        return read_list(file, report)
    except LimitError as error:
        report.problem("M3-JSON-004", file.name, "", _without(file, error), "a list of series")
    except EmotalkError as error:
        _report_unreadable(file, error, report)
    return None


def _compare_total(
    name: str, total: dict[str, int], files: dict[str, tuple[str, int]], report: Report
) -> None:
    for series in sorted(total.keys() - files.keys()):
        expected = "a series of one of the three lists"
        report.add(Problem("M3-SPLIT-004", name, series, "here alone", expected, line=total[series]))
    for series in sorted(files.keys() - total.keys()):
        file, line = files[series]
        report.add(Problem("M3-SPLIT-004", file, series, "here", f"a series of {name} too", line=line))

"""M3ED's split lists, `splitInfo/movie_list_{train,val,test}.txt`: one TV series a line."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

from emotalk_data.errors import ReleaseNotFoundError, quote
from emotalk_data.loaders.listing import Listing
from emotalk_data.loaders.m3ed_files import read_whole
from emotalk_data.loaders.report import Report
from emotalk_data.loaders.walk import ListedFile, is_text
from emotalk_data.schemas.problems import Problem

__all__ = ["Split", "find_list", "list_name", "read_list", "read_splits", "take_series"]

Split = Literal["train", "validation", "test"]

_MAX_LIST_BYTES: Final = 1 << 20
_MAX_NAME_CHARS: Final = 100


def list_name(split: Split | Literal["total"]) -> str:
    """Return the name of the list of a split, or of the list of all series."""
    return f"movie_list_{'val' if split == 'validation' else split}.txt"


def find_list(listing: Listing, split: Split | Literal["total"]) -> ListedFile | None:
    """Return the list of the series of a split, or of all of them; None when there is no such file."""
    name = list_name(split)
    return next((file for file in listing.lists if Path(file.name).name == name), None)


def read_list(file: ListedFile, report: Report) -> dict[str, int]:
    """Read a list of series: name -> number of its line, from 1.

    Raises:
        ReleaseError: it cannot be read.
        LimitError: over 1 MiB.
    """
    raw = read_whole(file, _MAX_LIST_BYTES)
    series: dict[str, int] = {}
    for line, text in enumerate(raw.decode("utf-8-sig", "surrogateescape").split("\n"), 1):
        for name in text.split():
            if not is_text(name) or len(name) > _MAX_NAME_CHARS:
                found, expected = quote(name), f"the name of a series in UTF-8, of at most {_MAX_NAME_CHARS}"
                report.add(Problem("M3-SPLIT-005", file.name, "", found, f"{expected} characters", line=line))
            elif series.setdefault(name, line) != line:
                found, expected = "here again", f"only line {series[name]}"
                report.add(Problem("M3-SPLIT-006", file.name, name, found, expected, line=line))
    return series


def take_series(
    splits: dict[str, Split], split: Split, file: ListedFile, series: dict[str, int], report: Report
) -> None:
    """Add the series of one list to the splits; one that another list has stays there, and is reported."""
    for name, line in series.items():
        if splits.setdefault(name, split) != split:
            expected = f"only {splits[name]}"
            report.add(Problem("M3-SPLIT-002", file.name, name, split, expected, line=line))


def read_splits(listing: Listing, report: Report) -> dict[str, Split]:
    """Read `splitInfo/movie_list_{train,val,test}.txt`: the split of each series.

    Raises:
        ReleaseNotFoundError: a list is missing.
        ReleaseError: a list cannot be read.
        LimitError: a list of over 1 MiB.
    """
    splits: dict[str, Split] = {}
    for split in get_args(Split):
        file = find_list(listing, split)
        if file is None:
            raise ReleaseNotFoundError(
                f"no {list_name(split)} under {listing.root}: M3ED is split by TV series, and splitInfo/ of the "
                f"release says how. Get it from github.com/AIM3-RUC/RUCM3ED and put splitInfo/ beside "
                f"annotation.json.",
                path=listing.root,
            )
        take_series(splits, split, file, read_list(file, report), report)
    return splits

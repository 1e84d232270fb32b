"""What every output of `emotalk validate` shares: which problems it shows, under which path, in which words."""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from emotalk_data.errors import printable
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import Severity
from emotalk_data.schemas.problems import Problem

__all__ = [
    "Place",
    "as_text",
    "family_of",
    "finding",
    "first_of_each_code",
    "level_of",
    "num_failing",
    "place_of",
    "sentence",
]


class Place(NamedTuple):
    """Which file a problem is in.

    Attributes:
        path: the file, or the archive around it, from the current folder where it lies below that; else as
            the user named it.
        member: the archive's member; empty for a plain file.
    """

    path: str
    member: str


def place_of(problem: Problem, root: str) -> Place:
    """Say which file a problem is in.

    Args:
        problem: its file is relative to `root`, `archive.tar::member` inside an archive.
        root: `Report.root`.
    """
    file, _, member = problem.file.partition("::")
    # A viewer of annotations knows `data/a.json`, and neither `./data/a.json` nor `data/.`.
    path = posixpath.normpath(posixpath.join(Path(root).expanduser() if root else "", file))
    if posixpath.isabs(path):
        # Annotations of CI are by paths inside the checkout, which is where CI runs.
        below = posixpath.relpath(path, os.getcwd())  # noqa: PTH109  # a str is what relpath takes
        if not below.startswith(".."):
            path = below
    return Place(as_text(path), as_text(member))


def first_of_each_code(problems: Iterable[Problem], limit: int | None) -> list[Problem]:
    """Return at most `limit` problems of each code, in the order they come in; all when it is None."""
    if limit is None:
        return list(problems)
    seen = Counter[str]()
    shown: list[Problem] = []
    for problem in problems:
        seen[problem.code] += 1
        if seen[problem.code] <= limit:
            shown.append(problem)
    return shown


def level_of(severity: Severity, *, strict: bool) -> Severity:
    """Return how bad a severity is for this run: a warning that fails the run is an error."""
    return "error" if strict and severity == "warning" else severity


def num_failing(report: Report, *, strict: bool) -> int:
    """Count the problems that make the exit status 1."""
    return report.num_problems("error") + (report.num_problems("warning") if strict else 0)


def family_of(code: str) -> str:
    """Return `ET-LABEL` of `ET-LABEL-003`."""
    return code.rpartition("-")[0]


def sentence(problem: Problem) -> str:
    """Return what is wrong, on one line and without the file: `data[2].emotion is 'hapy'; expected …`."""
    where = f"{problem.json_path} is " if problem.json_path else ""
    return printable(f"{where}{finding(problem)}")


def finding(problem: Problem) -> str:
    """Return what is there, what was expected, and how often: `'hapy'; expected …`. It is not escaped."""
    expected = f"; expected {problem.expected}" if problem.expected else ""
    first = ", here the first" if problem.json_path else ""
    times = f" ({problem.count:,} times{first})" if problem.count > 1 else ""
    return f"{problem.found}{expected}{times}"


def as_text(text: str) -> str:
    """Return text with halves of surrogate pairs escaped, which no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")

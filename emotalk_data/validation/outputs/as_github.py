"""A report as workflow commands of GitHub Actions: each problem beside the line that it is on.

GitHub shows ten annotations of each level for a step and keeps the others in the log. So the first problem of
every code comes first, then the second of every code, and so on; and the log ends with the true counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from emotalk_data.errors import printable
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES, SEVERITIES, Severity
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.outputs.shown import level_of, place_of, sentence

__all__ = ["as_github"]

_COMMANDS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "note": "notice"}
# A percent sign first, for the others become one.
_ESCAPES: Final = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_PROPERTY_ESCAPES: Final = (*_ESCAPES, (":", "%3A"), (",", "%2C"))


def as_github(report: Report, problems: Iterable[Problem], *, strict: bool = False) -> str:
    """Return a report as lines for the log of a GitHub workflow, with a newline at the end.

    Args:
        report: what was found.
        problems: those of its problems that are to be shown, with their lines.
        strict: warnings are errors.
    """
    rank = Counter[str]()
    ranked: list[tuple[int, int, Problem]] = []
    for problem in problems:
        level = SEVERITIES.index(level_of(problem.severity, strict=strict))
        ranked.append((level, rank[problem.code], problem))
        rank[problem.code] += 1
    ranked.sort(key=lambda item: item[:2])
    lines = [_command(problem, report.root, SEVERITIES[level]) for level, _, problem in ranked]
    numbers = report.num_by_code()
    lines += [
        f"{code}  {CODES[code].severity}  {numbers[code]:,} time{'' if numbers[code] == 1 else 's'}  "
        f"{CODES[code].meaning}"
        for code in sorted(numbers, key=lambda code: (SEVERITIES.index(CODES[code].severity), code))
    ]
    lines.append(printable(report.summary()))
    return "\n".join(lines) + "\n"


def _command(problem: Problem, root: str, level: Severity) -> str:
    place = place_of(problem, root)
    code = CODES[problem.code]
    line = "" if problem.line is None else str(problem.line)
    member = ""
    if place.member:  # a line of a member is no line of the archive
        member = f"{printable(place.member)}{line and ':'}{line}: "
        line = ""
    properties = {
        "file": printable(place.path),
        "line": line,
        "title": f"{problem.code} {code.meaning}",
    }
    written = ",".join(
        f"{key}={_escape(value, _PROPERTY_ESCAPES)}" for key, value in properties.items() if value
    )
    message = _escape(f"{member}{sentence(problem)}\n{code.remedy}", _ESCAPES)
    return f"::{_COMMANDS[level]} {written}::{message}"


def _escape(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for character, escape in escapes:
        text = text.replace(character, escape)
    return text

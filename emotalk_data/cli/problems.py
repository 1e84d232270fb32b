"""Problems for people: by code, errors first, each with its meaning, a few places, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from emotalk_data.cli.output import echo, plural, printable, severity_style
from emotalk_data.schemas.problems import WHOLE_RELEASE

if TYPE_CHECKING:
    from emotalk_data.loaders.report import Report
    from emotalk_data.schemas.problems import Problem

__all__ = ["print_problems"]


def print_problems(report: Report, *, limit: int, codes: Iterable[str] | None = None) -> None:
    """Print the problems of a report by code, errors first.

    Args:
        report: what was found.
        limit: how many examples to show for each code.
        codes: only these codes; all if omitted.
    """
    from emotalk_data.schemas.codes import CODES, SEVERITIES
    from emotalk_data.validation.outputs.lines import with_lines
    from emotalk_data.validation.outputs.shown import first_of_each_code

    wanted = None if codes is None else set(codes)
    numbers = report.num_by_code()
    shown: dict[str, list[Problem]] = {}
    for problem in with_lines(report, first_of_each_code(report.problems(), limit)):
        shown.setdefault(problem.code, []).append(problem)
    for code in sorted(numbers, key=lambda code: (SEVERITIES.index(CODES[code].severity), code)):
        if wanted is not None and code not in wanted:
            continue
        severity, meaning, remedy, _ = CODES[code]
        echo(code, bold=True, nl=False)
        echo(f"  {severity_style(severity)}  {plural(numbers[code], 'time')}  {meaning}")
        for problem in shown.get(code, []):
            _print_example(problem)
        rest = numbers[code] - sum(problem.count for problem in shown.get(code, []))
        if rest and limit:
            echo(f"  … and {rest:,} more", dim=True)
        echo(f"  To mend: {remedy}\n" if CODES[code].needs_mending else f"  {remedy}\n")


def _print_example(problem: Problem) -> None:
    from emotalk_data.validation.outputs.shown import finding

    # The first line is where the file is; that says something of a place in it only.
    has_line = problem.line is not None and (problem.json_path or problem.line > 1)
    line = f":{problem.line}" if has_line else ""
    path = f": {problem.json_path}" if problem.json_path else ""
    # Of several releases each is named.
    file = "the release" if problem.file == WHOLE_RELEASE else problem.file.removesuffix(f"/{WHOLE_RELEASE}")
    echo(f"  {printable(f'{file}{line}{path}')}")
    echo(printable(f"    is {finding(problem)}"))

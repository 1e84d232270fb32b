"""A report as JUnit XML, which GitLab, Jenkins and most others show as tests: each code that was met is one.

The form is the strictest one in use, the schema for Ant's JUnit task: what is valid there is valid for the
others. It has room for text about a test that passed only at the end of the suite.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from emotalk_data.errors import printable
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.outputs.shown import family_of, level_of, place_of, sentence

__all__ = ["as_junit"]


def as_junit(
    report: Report, problems: Iterable[Problem], *, strict: bool = False, now: datetime | None = None
) -> str:
    """Return a report as the text of a JUnit XML file, with a newline at its end.

    Every code that was met is a test case, named by the code and its meaning, in the class of its family. It
    fails when it makes the exit status 1; the places are the failure's text. What does not fail is written out
    at the end of the suite. A clean report is one test case that passes.

    Args:
        report: what was found.
        problems: those of its problems that are to be shown, with their lines.
        strict: warnings fail.
        now: the time that the suite says it ran at; the present if omitted.
    """
    numbers = report.num_by_code()
    shown: dict[str, list[Problem]] = {code: [] for code in numbers}
    for problem in problems:
        shown[problem.code].append(problem)
    failing = [code for code in numbers if level_of(CODES[code].severity, strict=strict) == "error"]
    suites = ET.Element("testsuites")
    suite = ET.SubElement(
        suites,
        "testsuite",
        name="emotalk validate",
        package=printable(report.corpus),
        id="0",
        timestamp=(now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        hostname="localhost",
        tests=str(max(len(numbers), 1)),
        failures=str(len(failing)),
        errors="0",
        time="0",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("root", report.root), ("summary", report.summary())):
        ET.SubElement(properties, "property", name=name, value=printable(value))
    passed: list[str] = []
    for code, number in numbers.items():
        case = _test_case(suite, report, family_of(code), f"{code} {CODES[code].meaning}")
        heading = f"{code} {CODES[code].severity}, {number:,} time{'' if number == 1 else 's'}"
        text = _text(code, number, shown[code], report.root)
        if code in failing:
            ET.SubElement(case, "failure", type=CODES[code].severity, message=heading).text = text
        else:
            passed.append(f"{heading}: {CODES[code].meaning}\n{text}\n")
    if not numbers:
        _test_case(suite, report, "release", "No problems.")
    ET.SubElement(suite, "system-out").text = "\n".join([*passed, printable(report.summary())])
    ET.SubElement(suite, "system-err")
    ET.indent(suites, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _test_case(suite: ET.Element, report: Report, family: str, name: str) -> ET.Element:
    # Jenkins takes what is before the last dot for the package.
    classname = f"{printable(report.corpus)}.{family}"
    return ET.SubElement(suite, "testcase", classname=classname, name=name, time="0")


def _text(code: str, number: int, problems: list[Problem], root: str) -> str:
    """Return the places of a code, how many more there are, and what to do about them."""
    lines = [_place(problem, root) for problem in problems]
    rest = number - sum(problem.count for problem in problems)
    if rest:
        lines.append(f"… and {rest:,} more")
    return "\n".join([*lines, CODES[code].remedy])


def _place(problem: Problem, root: str) -> str:
    path, member = place_of(problem, root)
    file = printable(f"{path}::{member}" if member else path)
    line = "" if problem.line is None else f":{problem.line}"
    return f"{file}{line}: {sentence(problem)}"

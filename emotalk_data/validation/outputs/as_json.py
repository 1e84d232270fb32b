"""A report as JSON: documented, versioned, and with its own JSON Schema (`schemas/report.schema.json`)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES, Severity
from emotalk_data.schemas.json_schema import DIALECT
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.outputs.shown import as_text, num_failing

__all__ = ["SCHEMA_VERSION", "CodeEntry", "ProblemEntry", "ReportDocument", "as_json", "report_json_schema"]

SCHEMA_VERSION: Final = 1
"""Rises when a key goes or changes its meaning. Keys may be added without it: a reader passes over others."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, use_attribute_docstrings=True)


class CodeEntry(_Strict):
    """What a code means, and how often it was met."""

    severity: Severity
    """error: a value could not be taken. warning: taken, and probably wrong. note: taken, and worth knowing."""
    meaning: str
    """What is wrong, on one line."""
    remedy: str
    """What to do."""
    example: str
    """What such a place looks like, on one line."""
    count: PositiveInt
    """How many findings there are."""
    num_listed: NonNegativeInt
    """How many of them the entries of `problems` stand for; fewer than `count` where not all are listed."""


class ProblemEntry(_Strict):
    """One finding, or several that are alike."""

    code: str
    """The code, a key of `codes`."""
    severity: Severity
    """The code's severity."""
    file: str
    """The file, relative to `root`; `archive.tar::member` inside an archive."""
    json_path: str
    """The place inside the file, such as `data[2].emotion`; empty when it is the file itself."""
    line: PositiveInt | None
    """The line of the file, counted from 1, where it is known."""
    utterance_id: str | None
    """The utterance, where it is known."""
    found: str
    """What is there, quoted and cut."""
    expected: str
    """What should be there."""
    count: PositiveInt
    """How many findings this entry stands for: notes that are alike are one entry, at the first place."""


class ReportDocument(_Strict):
    """What `emotalk validate --format json` prints: what was read, and every problem found in it."""

    schema_version: Literal[1]
    """Version of this form. It rises when a key goes or changes its meaning; keys may be added without it."""
    corpus: str
    """The corpus, such as `emotalk` or `m3ed`."""
    root: str
    """The folder that files are relative to, as it was named; empty when file names stand by themselves."""
    strict: bool
    """Whether warnings make the exit status 1, as --strict asks."""
    clean: bool
    """Whether the exit status is 0: no error, and with --strict no warning. Notes never count."""
    summary: str
    """One line for people: how much was read, and how many problems there are."""
    counts: dict[str, int]
    """How many records were found and what became of them, by name."""
    codes: dict[str, CodeEntry]
    """Every code that was met, with its true count, however few of its findings are listed."""
    passed_over: dict[str, dict[str, PositiveInt]]
    """Findings that were asked to be passed over, and are in no other count: why, then code, then how many."""
    problems: list[ProblemEntry]
    """The findings, errors first: at most 1,000 entries of each code, or as many as --limit says."""


def as_json(report: Report, problems: Iterable[Problem], *, strict: bool = False) -> str:
    """Return a report as the JSON text of a `ReportDocument`, with a newline at its end.

    Args:
        report: what was found.
        problems: those of its problems that are to be listed, with their lines.
        strict: warnings make the exit status 1.
    """
    shown = list(problems)
    num_listed = Counter[str]()
    for problem in shown:
        num_listed[problem.code] += problem.count
    document = ReportDocument(
        schema_version=SCHEMA_VERSION,
        corpus=report.corpus,
        root=as_text(report.root),
        strict=strict,
        clean=not num_failing(report, strict=strict),
        summary=report.summary(),
        counts=dict(sorted(report.counts.items())),
        codes={
            code: CodeEntry(**CODES[code]._asdict(), count=count, num_listed=num_listed[code])
            for code, count in report.num_by_code().items()
        },
        passed_over={
            why: dict(sorted(numbers.items())) for why, numbers in sorted(report.passed_over.items())
        },
        problems=[_entry(problem) for problem in shown],
    )
    return json.dumps(document.model_dump(), ensure_ascii=False, indent=1) + "\n"


def _entry(problem: Problem) -> ProblemEntry:
    return ProblemEntry(
        code=problem.code,
        severity=problem.severity,
        file=as_text(problem.file),
        json_path=as_text(problem.json_path),
        line=problem.line,
        utterance_id=None if problem.utterance_id is None else as_text(problem.utterance_id),
        found=as_text(problem.found),
        expected=as_text(problem.expected),
        count=problem.count,
    )


def report_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of what `as_json` writes."""
    schema = ReportDocument.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        for value in part["properties"].values():
            value.pop("title", None)  # "Num Listed" says nothing that is not known
    title = "emotalk validate: a report"
    return {**schema, "$schema": DIALECT, "$id": "urn:emotalk-data:schema:report", "title": title}

"""A report as SARIF 2.1.0, the exchange form of code scanning: each code is a rule, each problem a result."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote as percent_encode

from emotalk_data.errors import printable
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.outputs.shown import (
    as_text,
    family_of,
    level_of,
    num_failing,
    place_of,
    sentence,
)

__all__ = ["as_sarif"]

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_FINGERPRINT: Final = "emotalkProblem/v1"


def as_sarif(report: Report, problems: Iterable[Problem], *, strict: bool = False) -> str:
    """Return a report as the text of a SARIF file, with a newline at its end.

    Results are the problems given; each rule says in its properties how many there are in truth. The paths of
    files are relative to the current folder where they lie below it.

    Args:
        report: what was found.
        problems: those of its problems that are to be shown, with their lines.
        strict: warnings are errors.
    """
    numbers = report.num_by_code()
    indexes = {code: index for index, code in enumerate(numbers)}
    seen = Counter[str]()
    run = {
        "tool": {
            "driver": {
                "name": "emotalk validate",
                "semanticVersion": version("emotalk-data"),
                "rules": [_rule(code, number) for code, number in numbers.items()],
            }
        },
        "invocations": [
            {"executionSuccessful": True, "exitCode": 1 if num_failing(report, strict=strict) else 0}
        ],
        "columnKind": "unicodeCodePoints",
        "properties": {"corpus": printable(report.corpus), "summary": printable(report.summary())},
        "results": [
            _result(problem, report.root, indexes[problem.code], seen, strict=strict) for problem in problems
        ],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=1) + "\n"


def _rule(code: str, number: int) -> dict[str, Any]:
    severity, meaning, remedy, example = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": meaning},
        "fullDescription": {"text": f"{meaning} {remedy}"},
        "help": {"text": f"{remedy}\n\nExample: {example}"},
        "defaultConfiguration": {"level": severity},
        "properties": {"tags": [family_of(code)], "count": number},
    }


def _result(
    problem: Problem, root: str, rule_index: int, seen: Counter[str], *, strict: bool
) -> dict[str, Any]:
    fingerprint = _fingerprint(problem)
    seen[fingerprint] += 1
    properties: dict[str, Any] = {
        "found": as_text(problem.found),
        "expected": as_text(problem.expected),
    }
    if problem.utterance_id is not None:
        properties["utteranceId"] = as_text(problem.utterance_id)
    return {
        "ruleId": problem.code,
        "ruleIndex": rule_index,
        "level": level_of(problem.severity, strict=strict),
        "message": {"text": sentence(problem)},
        "locations": [_location(problem, root)],
        "occurrenceCount": problem.count,
        "partialFingerprints": {_FINGERPRINT: f"{fingerprint}:{seen[fingerprint]}"},
        "properties": properties,
    }


def _location(problem: Problem, root: str) -> dict[str, Any]:
    place = place_of(problem, root)
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.path)}}
    if problem.line is not None and not place.member:  # a line of a member is no line of the archive
        physical["region"] = {"startLine": problem.line}
    location: dict[str, Any] = {"physicalLocation": physical}
    parts = [part for part in (place.member, as_text(problem.json_path)) if part]
    if parts:
        name = parts[-1]
        logical = {"name": name, "fullyQualifiedName": "::".join(parts)}
        if problem.json_path:
            logical["kind"] = "value" if name.endswith("]") else "property"
        location["logicalLocations"] = [logical]
    return location


def _uri(path: str) -> str:
    """Return a path as a URI: relative, or of the scheme `file` for one that is not."""
    uri = percent_encode(path)  # a colon too, which would make the first folder a scheme
    return f"file://{uri}" if uri.startswith("/") else uri


def _fingerprint(problem: Problem) -> str:
    """Return what stays the same from run to run, wherever the release lies: neither root nor line nor value."""
    identity = "\0".join((problem.code, problem.file, problem.json_path))
    return hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()[:32]

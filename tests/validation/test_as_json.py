"""The report as JSON: its documented form, its schema, and counts that are true whatever is listed."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.outputs.as_json import ReportDocument, as_json, report_json_schema
from emotalk_data.validation.outputs.shown import first_of_each_code

_ERROR, _WARNING, _NOTE = "ET-LABEL-001", "ET-ID-003", "ET-KEY-001"
_VALIDATOR = jsonschema.Draft202012Validator(report_json_schema())


def _sample() -> Report:
    report = Report("emotalk", screen=lambda problem: "baseline" if problem.file == "old.json" else None)
    report.root = "release"
    report.counts.update({"records_found": 4, "rows": 1, "records_in_rows": 4})
    report.add(Problem(_ERROR, "Text/a.json", "data[1].emotion", "'hapy'", "one of the seven", "G1", line=5))
    report.add(Problem(_WARNING, "Text.tar::b.json", "speaker_id", "'13'", "'14'"))
    report.add(Problem(_NOTE, "Text/a.json", "mood", "an unknown key", "a key of the release", count=7))
    report.add(Problem(_ERROR, "old.json", "", "x", "y"))
    return report


def _document(report: Report, *, strict: bool = False, limit: int | None = None) -> dict[str, Any]:
    shown = first_of_each_code(report.problems(), limit)
    document: dict[str, Any] = json.loads(as_json(report, shown, strict=strict))
    _VALIDATOR.validate(document)
    return document


def test_the_whole_document_is_as_documented() -> None:
    assert _document(_sample()) == {
        "schema_version": 1,
        "corpus": "emotalk",
        "root": "release",
        "strict": False,
        "clean": False,
        "summary": "emotalk: 4 records, 1 row; 1 error, 1 warning, 7 notes",
        "counts": {"records_found": 4, "records_in_rows": 4, "rows": 1},
        "codes": {
            code: {**CODES[code]._asdict(), "count": count, "num_listed": count}
            for code, count in ((_WARNING, 1), (_NOTE, 7), (_ERROR, 1))
        },
        "passed_over": {"baseline": {_ERROR: 1}},
        "problems": [
            {
                "code": _ERROR,
                "severity": "error",
                "file": "Text/a.json",
                "json_path": "data[1].emotion",
                "line": 5,
                "utterance_id": "G1",
                "found": "'hapy'",
                "expected": "one of the seven",
                "count": 1,
            },
            {
                "code": _WARNING,
                "severity": "warning",
                "file": "Text.tar::b.json",
                "json_path": "speaker_id",
                "line": None,
                "utterance_id": None,
                "found": "'13'",
                "expected": "'14'",
                "count": 1,
            },
            {
                "code": _NOTE,
                "severity": "note",
                "file": "Text/a.json",
                "json_path": "mood",
                "line": None,
                "utterance_id": None,
                "found": "an unknown key",
                "expected": "a key of the release",
                "count": 7,
            },
        ],
    }


def test_a_clean_report_has_no_codes_and_no_problems() -> None:
    document = _document(Report("m3ed"))
    assert (document["clean"], document["codes"], document["problems"]) == (True, {}, [])


@pytest.mark.parametrize(
    ("code", "strict", "is_clean"),
    [(_ERROR, False, False), (_WARNING, False, True), (_WARNING, True, False), (_NOTE, True, True)],
)
def test_clean_means_that_the_exit_status_is_zero(code: str, strict: bool, is_clean: bool) -> None:
    report = Report("emotalk")
    report.problem(code, "a.json", "", "x", "y")
    document = _document(report, strict=strict)
    assert (document["clean"], document["strict"]) == (is_clean, strict)


def test_counts_are_true_where_not_all_are_listed() -> None:
    report = _sample()
    for number in range(1_500):
        report.problem(_ERROR, f"{number:04d}.json", "", "x", "y")
    document = _document(report)
    entry = document["codes"][_ERROR]
    assert (entry["count"], entry["num_listed"]) == (1_501, 1_000)


def test_a_limit_lists_the_first_of_each_code_and_counts_them_all() -> None:
    report = _sample()
    for number in range(5):
        report.problem(_ERROR, f"{number}.json", "", "x", "y")
    document = _document(report, limit=2)
    assert Counter(problem["code"] for problem in document["problems"]) == {_ERROR: 2, _WARNING: 1, _NOTE: 1}
    listed = {code: (entry["count"], entry["num_listed"]) for code, entry in document["codes"].items()}
    assert listed == {_ERROR: (6, 2), _WARNING: (1, 1), _NOTE: (7, 7)}
    assert _document(report, limit=0)["problems"] == []


def test_the_schema_says_what_every_key_means() -> None:
    schema = report_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    parts = [schema, *schema["$defs"].values()]
    assert [part["title"] for part in parts] == ["emotalk validate: a report", "CodeEntry", "ProblemEntry"]
    for part in parts:
        assert part["description"]
        assert sorted(part["required"]) == sorted(part["properties"])
        assert all(value["description"].endswith(".") for value in part["properties"].values())


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ({"schema_version": 2}, "schema_version", "1 was expected"),
        ({"clean": "yes"}, "clean", "'yes' is not of type 'boolean'"),
        ({"problems": [{"code": "x"}]}, "problems", "is a required property"),
    ],
)
def test_model_and_schema_refuse_what_is_no_report(change: dict[str, Any], key: str, words: str) -> None:
    document = {**_document(_sample()), **change}
    with pytest.raises(ValidationError, match=key):
        ReportDocument.model_validate(document)
    with pytest.raises(jsonschema.ValidationError, match=words):
        _VALIDATOR.validate(document)


_ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(_ANY_TEXT, _ANY_TEXT, _ANY_TEXT, _ANY_TEXT, st.none() | st.integers(1))
@example("\udd00\udcb0", "\ud800", "\udcb0", "\udfff", 1)
def test_any_text_is_read_back(file: str, path: str, found: str, root: str, line: int | None) -> None:
    report = Report("emotalk")
    report.root = root
    report.add(Problem(_ERROR, file, path, found, found, found, line=line))
    text = as_json(report, report.problems())
    document = json.loads(text.encode())  # as a file would have it
    _VALIDATOR.validate(document)
    (problem,) = document["problems"]
    assert ReportDocument.model_validate(document).problems[0].line == line
    assert problem["found"] == found.encode("utf-8", "backslashreplace").decode()
    assert problem["file"] == next(report.problems()).file.encode("utf-8", "backslashreplace").decode()

"""The report: problems and counts that add up, kept within bounds, read back as written."""

from __future__ import annotations

import json
import os

import pytest

from emotalk_data.errors import CacheCorruptError, ReleaseError
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.problems import Problem

_ERROR, _WARNING, _NOTE = "ET-JSON-001", "ET-LABEL-003", "ET-KEY-002"


def _problem(code: str, number: int = 0, json_path: str = "", count: int = 1) -> Problem:
    return Problem(code, f"Text/{number:04d}.json", json_path, "found", "expected", f"id {number}", count)


def test_an_empty_report_is_clean_and_says_so() -> None:
    report = Report("emotalk")
    report.check()
    assert report.is_clean
    assert report.summary() == "emotalk: 0 records, 0 rows; no problems"
    assert repr(report) == "<Report emotalk: 0 records, 0 rows; no problems>"


def test_notes_leave_a_report_clean_and_warnings_do_not() -> None:
    report = Report("emotalk")
    report.add(_problem(_NOTE))
    assert report.is_clean
    report.add(_problem(_WARNING))
    assert not report.is_clean


def test_the_summary_counts_by_severity() -> None:
    report = Report("emotalk")
    report.counts.update({"records_found": 77_000, "rows": 19_250})
    report.extend([_problem(_ERROR), _problem(_NOTE, count=1_200), _problem(_WARNING), _problem(_WARNING, 1)])
    assert report.summary() == "emotalk: 77,000 records, 19,250 rows; 1 error, 2 warnings, 1,200 notes"


def test_problems_come_errors_first_then_by_code_and_file() -> None:
    report = Report("emotalk")
    for code, number in ((_NOTE, 1), (_WARNING, 2), (_ERROR, 4), (_ERROR, 3), ("ET-DUP-001", 9)):
        report.add(_problem(code, number))
    found = [(problem.code, problem.file) for problem in report.problems()]
    assert found == [
        ("ET-DUP-001", "Text/0009.json"),
        (_ERROR, "Text/0003.json"),
        (_ERROR, "Text/0004.json"),
        (_WARNING, "Text/0002.json"),
        (_NOTE, "Text/0001.json"),
    ]
    assert [problem.code for problem in report.problems("warning")] == [_WARNING]
    assert (report.num_problems(), report.num_problems("error")) == (5, 3)


def test_a_thousand_problems_of_a_code_are_kept_and_the_others_counted() -> None:
    report = Report("emotalk")
    for number in range(1_500):
        report.add(_problem(_ERROR, number))
    assert len(list(report.problems())) == 1_000
    assert report.num_problems() == 1_500
    assert report.num_by_code() == {_ERROR: 1_500}


def test_notes_alike_are_one_line_with_a_count_whatever_the_place_in_a_list() -> None:
    report = Report("emotalk")
    for number in range(3_000, 0, -1):
        report.add(_problem(_NOTE, number, f"data[{number % 5}].emotion"))
    report.add(_problem(_NOTE, 0, "speaker_id"))
    lines = {(p.file, p.count) for p in report.problems()}
    assert lines == {("Text/0001.json", 3_000), ("Text/0000.json", 1)}
    assert report.num_problems("note") == 3_001


def test_notes_that_all_differ_stay_bounded() -> None:
    report = Report("emotalk")
    for number in range(5_000):
        report.add(_problem(_NOTE, number, f"key{number}"))
    assert len(list(report.problems())) == 2_000
    assert report.num_problems() == 5_000


def test_a_file_name_in_another_encoding_becomes_printable() -> None:
    report = Report("emotalk")
    report.problem(_ERROR, os.fsdecode(b"\xff\xfe.json"), "", "found", "expected")
    report.problem(_ERROR, "对话.json", "", "found", "expected")
    assert {problem.file for problem in report.problems()} == {r"\xff\xfe.json", "对话.json"}
    assert "对话.json" in report.to_json().encode().decode()


@pytest.mark.parametrize(
    "fate",
    [
        "records_in_rows",
        "records_unreadable",
        "records_duplicate",
        "records_shadowed",
        "records_unplaced",
        "records_dropped",
    ],
)
def test_each_record_found_has_one_fate(fate: str) -> None:
    report = Report("emotalk")
    report.counts["records_found"] = 2
    report.counts[fate] = 1
    with pytest.raises(ReleaseError, match=r"2 records were found but .* do not add up"):
        report.check()
    report.counts[fate] = 2
    report.check()
    report.counts["records_found"] = 1
    with pytest.raises(ReleaseError, match="1 records were found"):
        report.check()


def test_each_utterance_found_is_a_row_or_was_dropped() -> None:
    report = Report("emotalk")
    report.counts.update({"utterances_found": 3, "rows": 1, "utterances_dropped": 1})
    with pytest.raises(ReleaseError, match="3 utterances were found, but 1 rows and 1 dropped ones"):
        report.check()
    report.counts["rows"] = 2
    report.check()


def _full() -> Report:
    report = Report("emotalk")
    report.counts.update({"records_found": 3_000, "records_in_rows": 3_000})
    for number in range(1_200):
        report.add(_problem(_ERROR, number))
        report.add(_problem(_NOTE, number, f"data[{number}].emotion"))
        report.add(_problem("ET-TEXT-001", number))
    return report


def test_a_report_comes_back_as_it_was_written() -> None:
    report = _full()
    again = Report.from_dict(json.loads(report.to_json()))
    assert again.to_dict() == report.to_dict()
    assert again.num_problems() == report.num_problems() == 3_600


def test_merged_parts_are_the_whole_in_any_order() -> None:
    parts = [_full(), Report("emotalk"), Report("emotalk")]
    parts[1].add(_problem(_ERROR, 9_999))
    parts[2].add(_problem(_NOTE, 0, "data[7].emotion"))
    parts[2].counts["rows"] = 4
    there, back = Report("emotalk"), Report("emotalk")
    for part in parts:
        there.merge(part)
    for part in reversed(parts):
        back.merge(part)
    assert there.num_by_code() == back.num_by_code() == {_ERROR: 1_201, _NOTE: 1_201, "ET-TEXT-001": 1_200}
    assert there.counts == back.counts
    assert next(there.problems("note")) == next(back.problems("note"))


@pytest.mark.parametrize(
    "values",
    [
        {},
        [],
        "report",
        {"corpus": "emotalk", "counts": {}, "problems": [], "num_by_code": [[1]]},
        {"corpus": "emotalk", "counts": 3, "problems": [], "num_by_code": {}},
        {"corpus": "emotalk", "counts": {}, "problems": [{"code": _ERROR}], "num_by_code": {}},
        {"corpus": "emotalk", "counts": {}, "problems": ["x"], "num_by_code": {}},
        {
            "corpus": "emotalk",
            "counts": {},
            "problems": [_problem(_ERROR)._asdict() | {"code": "ET-XXX-009"}],
            "num_by_code": {},
        },
        {
            "corpus": "emotalk",
            "counts": {},
            "problems": [_problem(_ERROR)._asdict() | {"file": None}],
            "num_by_code": {},
        },
        {"corpus": "emotalk", "counts": {}, "problems": [], "num_by_code": {"ET-XXX-009": 1}},
        {"corpus": "emotalk", "counts": {"rows": "many"}, "problems": [], "num_by_code": {}},
    ],
)
def test_what_is_no_report_is_a_corrupt_cache(values: object) -> None:
    with pytest.raises(CacheCorruptError, match="this is no report of ours"):
        Report.from_dict(values)  # type: ignore[arg-type]

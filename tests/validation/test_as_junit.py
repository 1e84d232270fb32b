"""The report as JUnit XML: valid by the strictest schema in use, and one test for each code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from importlib.metadata import distribution
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import printable
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.outputs.as_junit import as_junit

from .reports import report_of

_ERROR, _WARNING, _NOTE = "ET-LABEL-001", "ET-ID-003", "ET-KEY-001"
_NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)

# What Jenkins' schema, junit-10.xsd of its xUnit plugin, admits: element -> (attributes, elements inside).
_JENKINS = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id"}
        | {"package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": (
        {"name", "time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": ({"type", "message"}, set()),
    "system-out": (set(), set()),
    "system-err": (set(), set()),
}


@cache
def _schema() -> xmlschema.XMLSchema:
    """Return the schema for Ant's JUnit task, of windyroad/JUnit-Schema, which ReFrame ships."""
    return xmlschema.XMLSchema(str(distribution("reframe-hpc").locate_file("reframe/schemas/junit.xsd")))


def _parsed(text: str) -> ET.Element:
    """Parse the text of a file, after a look at whether it is valid for Ant and for Jenkins."""
    _schema().validate(text)
    root = ET.fromstring(text.encode())  # noqa: S314  # our own text
    for element in root.iter():
        attributes, parts = _JENKINS[element.tag]
        assert element.attrib.keys() <= attributes
        assert {part.tag for part in element} <= parts
    return root


_SAMPLE = (
    Problem(_ERROR, "Text/a.json", "data[1].emotion", "'hapy'", "one of the seven", line=5),
    Problem(_ERROR, "Text.tar::b.json", "emotion_result", "'joy'", "one of the seven"),
    Problem(_WARNING, "Text/a.json", "speaker_id", "'13'", "'14'"),
    Problem(_NOTE, "Text/a.json", "mood", "an unknown key", "a key of the release", count=7),
)


def test_the_whole_file_is_as_expected() -> None:
    report = report_of(*_SAMPLE)
    error, warning, note = CODES[_ERROR], CODES[_WARNING], CODES[_NOTE]
    assert as_junit(report, report.problems(), now=_NOW) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<testsuites>\n"
        ' <testsuite name="emotalk validate" package="emotalk" id="0" timestamp="2026-01-02T03:04:05"'
        ' hostname="localhost" tests="3" failures="1" errors="0" time="0">\n'
        "  <properties>\n"
        '   <property name="root" value="release" />\n'
        '   <property name="summary" value="emotalk: 0 records, 0 rows; 2 errors, 1 warning, 7 notes" />\n'
        "  </properties>\n"
        f'  <testcase classname="emotalk.ET-ID" name="{_WARNING} {warning.meaning}" time="0" />\n'
        f'  <testcase classname="emotalk.ET-KEY" name="{_NOTE} {note.meaning}" time="0" />\n'
        f'  <testcase classname="emotalk.ET-LABEL" name="{_ERROR} {error.meaning}" time="0">\n'
        f'   <failure type="error" message="{_ERROR} error, 2 times">'
        "release/Text.tar::b.json: emotion_result is 'joy'; expected one of the seven\n"
        "release/Text/a.json:5: data[1].emotion is 'hapy'; expected one of the seven\n"
        f"{error.remedy}</failure>\n"
        "  </testcase>\n"
        f"  <system-out>{_WARNING} warning, 1 time: {warning.meaning}\n"
        "release/Text/a.json: speaker_id is '13'; expected '14'\n"
        f"{warning.remedy}\n\n"
        f"{_NOTE} note, 7 times: {note.meaning}\n"
        "release/Text/a.json: mood is an unknown key; expected a key of the release (7 times, here the first)\n"
        f"{note.remedy}\n\n"
        "emotalk: 0 records, 0 rows; 2 errors, 1 warning, 7 notes</system-out>\n"
        "  <system-err />\n"
        " </testsuite>\n"
        "</testsuites>\n"
    )


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("num_problems", range(len(_SAMPLE) + 1))
def test_every_file_is_valid_by_the_schemas(num_problems: int, strict: bool) -> None:
    report = report_of(*_SAMPLE[:num_problems])
    suite = _parsed(as_junit(report, report.problems(), strict=strict))[0]
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases)
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))


def test_a_clean_report_is_one_test_that_passes() -> None:
    suite = _parsed(as_junit(report_of(), []))[0]
    (case,) = suite.findall("testcase")
    assert (case.attrib["name"], len(case)) == ("No problems.", 0)
    assert suite.findtext("system-out") == "emotalk: 0 records, 0 rows; no problems"


def test_strict_makes_warnings_fail_and_notes_never_do() -> None:
    report = report_of(*_SAMPLE)
    suite = _parsed(as_junit(report, report.problems(), strict=True))[0]
    failing = [case.attrib["name"].split(" ")[0] for case in suite.findall("testcase") if len(case)]
    assert failing == [_WARNING, _ERROR]
    assert suite.attrib["failures"] == "2"


def test_a_failure_says_how_many_more_there_are_than_it_lists() -> None:
    report = report_of(*(Problem(_ERROR, f"{number:04d}.json", "", "x", "y") for number in range(1_234)))
    for problems, last in ((report.problems(), "… and 234 more"), ([], "… and 1,234 more")):
        failure = _parsed(as_junit(report, problems)).find(".//failure")
        assert failure is not None
        assert failure.attrib["message"] == f"{_ERROR} error, 1,234 times"
        assert (failure.text or "").split("\n")[-2:] == [last, CODES[_ERROR].remedy]


def test_the_time_is_that_of_greenwich() -> None:
    later = _NOW.astimezone(timezone(timedelta(hours=8)))
    assert as_junit(report_of(), [], now=later) == as_junit(report_of(), [], now=_NOW)


_ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.text("<>&\"']]>\0\x1b\r\n\t \ufffe\u2028")


@given(_ANY_TEXT, _ANY_TEXT, _ANY_TEXT, _ANY_TEXT, st.sampled_from((_ERROR, _NOTE)))
def test_any_text_is_read_back(file: str, path: str, found: str, root: str, code: str) -> None:
    report = report_of(Problem(code, f"x{file}", path, found, found), root=root)
    suite = _parsed(as_junit(report, report.problems()))[0]
    place = suite.find("properties/property[@name='root']")
    assert place is not None
    assert place.attrib["value"] == printable(root)
    text = suite.findtext("testcase/failure") if code == _ERROR else suite.findtext("system-out")
    assert printable(found) in (text or "")

"""The report as workflow commands: read back as GitHub's runner reads them."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import printable
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.problems import WHOLE_RELEASE, Problem
from emotalk_data.validation.outputs.as_github import as_github

from .reports import report_of

_ERROR, _WARNING, _NOTE = "ET-LABEL-001", "ET-ID-003", "ET-KEY-001"


class _Command(NamedTuple):
    name: str
    properties: dict[str, str]
    message: str


def _unescape(text: str, *characters: str) -> str:
    for character in (*characters, "\r", "\n", "%"):
        text = text.replace(f"%{ord(character):02X}", character)
    return text


def _commands(text: str) -> tuple[list[_Command], list[str]]:
    """Return the commands in a log and its other lines. Like the runner, split at the first `::`."""
    commands: list[_Command] = []
    others: list[str] = []
    for line in re.split(r"\r\n|\r|\n", text.removesuffix("\n")):
        if not line.lstrip().startswith("::"):
            others.append(line)
            continue
        head, _, message = line[2:].partition("::")
        name, _, written = head.partition(" ")
        properties = {
            key: _unescape(value, ":", ",")
            for key, _, value in (pair.partition("=") for pair in written.split(","))
        }
        commands.append(_Command(name, properties, _unescape(message)))
    return commands, others


def test_a_problem_is_an_annotation_at_its_file_and_line() -> None:
    problem = Problem(_ERROR, "Text/a.json", "data[1].emotion", "'hapy'", "one of the seven", line=5)
    report = report_of(problem, root="./release/")
    title = f"{_ERROR} {CODES[_ERROR].meaning}".replace(",", "%2C")
    assert as_github(report, report.problems()).split("\n") == [
        f"::error file=release/Text/a.json,line=5,title={title}"
        f"::data[1].emotion is 'hapy'; expected one of the seven%0A{CODES[_ERROR].remedy}",
        f"{_ERROR}  error  1 time  {CODES[_ERROR].meaning}",
        "emotalk: 0 records, 0 rows; 1 error",
        "",
    ]


def test_a_clean_report_is_its_summary_alone() -> None:
    assert as_github(report_of(), []) == "emotalk: 0 records, 0 rows; no problems\n"


@pytest.mark.parametrize(("strict", "level"), [(False, "warning"), (True, "error")])
def test_each_severity_has_its_command_and_strict_makes_a_warning_an_error(strict: bool, level: str) -> None:
    report = report_of(
        *(Problem(code, "a.json", code, "x", "y") for code in (_NOTE, _WARNING, _ERROR)), root=""
    )
    commands, _ = _commands(as_github(report, report.problems(), strict=strict))
    assert [(command.name, command.message.split(" ")[0]) for command in commands] == [
        ("error", _ERROR),
        (level, _WARNING),
        ("notice", _NOTE),
    ]


def test_the_first_of_every_code_comes_before_the_second_of_any() -> None:
    codes = ("ET-LABEL-001", "ET-SENT-001", "ET-TIME-001")
    report = report_of(
        *(Problem(code, f"{n}.json", "", "x", "y") for code in codes for n in range(3)), root=""
    )
    commands, others = _commands(as_github(report, report.problems()))
    order = [(command.properties["title"].split(" ")[0], command.properties["file"]) for command in commands]
    assert order == [(code, f"{n}.json") for n in range(3) for code in codes]
    assert others[-1] == "emotalk: 0 records, 0 rows; 9 errors"


def test_the_log_ends_with_the_true_counts() -> None:
    report = report_of(*(Problem(_ERROR, f"{number}.json", "", "x", "y") for number in range(1_200)), root="")
    report.add(Problem(_NOTE, "a.json", "k", "x", "y", count=3))
    commands, others = _commands(as_github(report, []))
    assert commands == []
    assert others == [
        f"{_ERROR}  error  1,200 times  {CODES[_ERROR].meaning}",
        f"{_NOTE}  note  3 times  {CODES[_NOTE].meaning}",
        "emotalk: 0 records, 0 rows; 1,200 errors, 3 notes",
    ]


def test_a_member_of_an_archive_is_named_in_the_message() -> None:
    report = report_of(
        Problem(_ERROR, "Text.tar::json/a.json", "content", "1", "a string", line=4), root="release"
    )
    (command,), _ = _commands(as_github(report, report.problems()))
    assert command.properties["file"] == "release/Text.tar"
    assert "line" not in command.properties
    assert command.message.startswith("json/a.json:4: content is 1; expected a string\n")


def test_files_are_named_from_the_current_folder_where_they_lie_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    here = Path.cwd()
    roots = {
        "": "a.json",
        ".": "a.json",
        "data": "data/a.json",
        str(here / "data"): "data/a.json",
        "../other": "../other/a.json",
        str(here.parent / "other"): f"{here.parent}/other/a.json",
    }
    for root, expected in roots.items():
        report = report_of(Problem(_ERROR, "a.json", "", "x", "y"), root=root)
        (command,), _ = _commands(as_github(report, report.problems()))
        assert command.properties["file"] == expected, root
    for file, expected in {"./data/a.json": "data/a.json", f"data/{WHOLE_RELEASE}": "data"}.items():
        report = report_of(Problem(_ERROR, file, "", "x", "y"), root="")
        (command,), _ = _commands(as_github(report, report.problems()))
        assert command.properties["file"] == expected, file


_ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.text("%0AaD25:,=\r\n[]#\x1b\u2028")


@given(_ANY_TEXT, _ANY_TEXT, _ANY_TEXT, _ANY_TEXT)
def test_any_text_stays_in_its_own_annotation(file: str, member: str, path: str, found: str) -> None:
    file = file.replace("::", ":").rstrip(":") or "x"
    report = report_of(Problem(_ERROR, f"{file}::{member}", path, found, found, line=3), root="")
    text = as_github(report, report.problems())
    assert len(text.splitlines()) == len(text.split("\n")) - 1 == 3
    (command,), _ = _commands(text)
    assert command.name == "error"
    assert set(command.properties) == {"file", "title"} | (set() if member else {"line"})
    if not os.path.isabs(file):
        kept = posixpath.normpath(next(report.problems()).file.partition("::")[0])
        assert command.properties["file"] == printable(kept.encode("utf-8", "backslashreplace").decode())
    assert printable(found) in command.message

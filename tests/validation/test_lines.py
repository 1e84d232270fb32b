"""Lines of problems: found by one pass over the text, whatever the text is."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.loaders.report import Report
from emotalk_data.schemas.emotalk_read import read_record
from emotalk_data.schemas.nulling import json_path
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.outputs.lines import lines_of, with_lines

_RECORD = b"""{
  "data": [
    {"emotion": "happy", "Confidence_degree": 0.9},
    {
      "emotion": "hapy",
      "Confidence_degree": 0.9
    }
  ],
  "sourceAttr": {"a.b": {"c": 1},
    "emo_cap": 3},
  "emotion_result": "happy"
}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", 1),
        ("data", 2),
        ("data[0]", 3),
        ("data[0].Confidence_degree", 3),
        ("data[1]", 4),
        ("data[1].emotion", 5),
        ("data[1].Confidence_degree", 6),
        ("sourceAttr", 9),
        ("sourceAttr.a.b.c", 9),
        ("sourceAttr.emo_cap", 10),
        ("emotion_result", 11),
    ],
)
def test_a_path_has_the_line_of_its_key_or_item(path: str, line: int) -> None:
    assert lines_of(_RECORD, {path}) == {path: line}


@pytest.mark.parametrize(
    ("path", "line"),
    [("data[1].Continuous_label", 4), ("data[5].emotion", 2), ("content", 1), ("data[0].emotion.x", 3)],
)
def test_a_path_that_is_not_there_has_the_line_of_what_would_hold_it(path: str, line: int) -> None:
    assert lines_of(_RECORD, {path}) == {path: line}


def test_a_file_of_one_line_has_line_one_for_every_path() -> None:
    raw = json.dumps(json.loads(_RECORD)).encode()
    paths = {"", "data[1].emotion", "emotion_result", "nowhere"}
    assert lines_of(raw, paths) == dict.fromkeys(paths, 1)


def test_a_key_in_another_spelling_is_found_by_both_spellings() -> None:
    raw = b'{\n"Emotion_Result": "x",\n"source attr": {\n"EmoCap": 1}}'
    paths = {"Emotion_Result": 2, "emotion_result": 2, "source attr": 3, "sourceAttr.emo_cap": 4}
    assert lines_of(raw, paths) == paths


def test_an_id_is_not_taken_for_another_that_differs_in_its_underscores_only() -> None:
    raw = b'{"s": {\n"s_1_11": {"Text":\n1},\n"s_11_1": {"Text":\n2}}}'
    paths = {"s.s_11_1": 4, "s.s_11_1.Text": 4, "s.s_1_11.Text": 2}
    assert lines_of(raw, paths) == paths


def test_a_key_is_found_in_the_quoted_form_that_problems_have() -> None:
    strange = "line\nbreak " + "x" * 100
    raw = json.dumps({"a": 1, strange: 2, "s": {"it's": 3}}, indent=0).encode()
    quoted = "line\\nbreak " + "x" * 26
    report = Report("emotalk")
    _, problems = read_record(raw, "text", file="a.json")
    report.extend(problems)
    path = next(problem.json_path for problem in problems if quoted in problem.json_path)
    assert lines_of(raw, {path, 's."it\'s"'}) == {path: 3, 's."it\'s"': 5}


def test_a_byte_order_mark_and_windows_line_ends_change_no_line() -> None:
    raw = b"\xef\xbb\xbf" + _RECORD.replace(b"\n", b"\r\n")
    assert lines_of(raw, {"data[1].emotion", "emotion_result"}) == {
        "data[1].emotion": 5,
        "emotion_result": 11,
    }


def test_a_damaged_file_has_the_lines_of_what_is_before_the_damage() -> None:
    raw = _RECORD.replace(b'"Confidence_degree": 0.9\n', b'"Confidence_degree" 0.9\n')
    assert lines_of(raw, {"data[1].emotion", "emotion_result"}) == {"data[1].emotion": 5, "emotion_result": 1}
    assert lines_of(b"  \n", {"data"}) == {}
    assert lines_of(b"", {""}) == {}


_KEYS = st.text(st.characters(exclude_characters="\0"), max_size=6)
_DOCUMENTS = st.recursive(
    st.none(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(_KEYS, parts, max_size=4),
    max_leaves=20,
)


def _number(node: Any, steps: tuple[int | str, ...], numbers: list[tuple[int | str, ...]]) -> Any:
    """Put a number of its own in each leaf."""
    if isinstance(node, dict):
        return {key: _number(part, (*steps, key), numbers) for key, part in node.items()}
    if isinstance(node, list):
        return [_number(part, (*steps, index), numbers) for index, part in enumerate(node)]
    numbers.append(steps)
    return 10**20 + len(numbers) - 1


@given(_DOCUMENTS, st.booleans())
def test_every_value_of_any_document_is_found_on_its_line(document: Any, is_ascii: bool) -> None:
    places: list[tuple[int | str, ...]] = []
    numbered = _number(document, (), places)
    paths = [json_path(steps) for steps in places]
    text = json.dumps(numbered, indent=1, ensure_ascii=is_ascii)
    line_of_number = {
        line.rstrip(",").rpartition(" ")[2]: number for number, line in enumerate(text.split("\n"), 1)
    }
    found = lines_of(text.encode(), paths)
    for index, (steps, path) in enumerate(zip(places, paths, strict=True)):
        # Keys with dots, brackets or nothing in them make two places of one name.
        if all(isinstance(step, int) or step.isalnum() for step in steps):
            assert found[path] == line_of_number[str(10**20 + index)]


@given(st.binary(max_size=200) | st.text('{}[]",:\\ \na1', max_size=60).map(str.encode))
def test_no_bytes_make_the_search_fail_or_leave_the_file(raw: bytes) -> None:
    found = lines_of(raw, {"", "a", "a.a", "a[1]", "[0].a", "." * 1_000, "[" * 1_000})
    assert all(1 <= line <= raw.count(b"\n") + 1 for line in found.values())


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b" " * 1_000_000,
        b'"' + b"\\" * 1_000_000,
        b'{"a":["' + b"x" * 1_000_000,
        b'{"b":[' + b'"' * 1_000_001,
        b'{"b"' + b":" * 1_000_000,
        b"[" + b"[]," * 50_000,
    ],
    ids=["lists", "objects", "blanks", "escapes", "unterminated", "quotes", "colons", "empty lists"],
)
def test_a_hostile_file_is_looked_through_once(raw: bytes) -> None:
    assert set(lines_of(raw, {"a.c"}).values()) <= {1}


def test_hundreds_of_spellings_of_one_key_are_each_found() -> None:
    keys = ["e" + "_" * number + "motion" for number in range(390)]
    raw = json.dumps(dict.fromkeys(keys, 1), indent=0).encode()
    assert lines_of(raw, keys) == {key: line for line, key in enumerate(keys, 2)}


def test_a_path_as_long_as_only_a_hostile_key_makes_it_has_the_line_of_the_whole() -> None:
    key = "k" * 100_000
    assert lines_of(json.dumps({"a": 1, key: 2}, indent=0).encode(), {key}) == {key: 1}


def _report(root: str | Path) -> Report:
    report = Report("emotalk")
    report.root = str(root)
    return report


def _problem(file: str, json_path: str = "data[1].emotion", found: str = "'hapy'", **rest: Any) -> Problem:
    return Problem(rest.pop("code", "ET-LABEL-001"), file, json_path, found, "a word", **rest)


def test_every_problem_of_a_record_points_at_the_line_that_is_wrong(tmp_path: Path) -> None:
    document = {
        "data": [{"emotion": "happy", "Confidence_degree": 0.9} for _ in range(5)],
        "emotion_result": "joy",
        "speaker_id": 13,
        "content": "你好",
    }
    document["data"][2]["Confidence_degree"] = 5  # type: ignore[index]
    document["data"][4]["mood"] = 1  # type: ignore[index]
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    _, problems = read_record(text.encode(), "text", file="a.json")
    lines = text.split("\n")
    found = with_lines(_report(tmp_path), problems)
    assert len(found) == 4
    for problem in found:
        assert problem.line is not None
        assert f'"{problem.json_path.rpartition(".")[2]}"' in lines[problem.line - 1]


def test_lines_are_found_in_files_and_in_members_of_a_plain_tar(tmp_path: Path) -> None:
    (tmp_path / "Text").mkdir()
    (tmp_path / "Text" / "a.json").write_bytes(_RECORD)
    for name, mode in (("Text.tar", "w"), ("Audio.tar", "w:gz")):
        with tarfile.open(tmp_path / name, mode) as tar:  # type: ignore[call-overload]  # a mode from a table
            tar.add(tmp_path / "Text" / "a.json", "Text/a.json")
    problems = [
        _problem("Text/a.json"),
        _problem("Text.tar::Text/a.json", "emotion_result"),
        _problem("Audio.tar::Text/a.json"),
        _problem("Text.tar::Text/none.json"),
        _problem("Text/none.json"),
    ]
    found = with_lines(_report(tmp_path), problems)
    assert [problem.line for problem in found] == [5, 11, None, None, None]
    assert [problem._replace(line=None) for problem in found] == problems


def test_file_names_stand_by_themselves_when_the_report_has_no_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_bytes(_RECORD)
    monkeypatch.chdir(tmp_path)
    problems = [_problem("a.json"), _problem(str(tmp_path / "a.json"))]
    assert [problem.line for problem in with_lines(_report(""), problems)] == [5, 5]


def test_a_line_that_is_known_already_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(_RECORD)
    assert with_lines(_report(tmp_path), [_problem("a.jsonl", line=70)])[0].line == 70


def test_only_json_files_are_read_for_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(_RECORD)
    assert with_lines(_report(tmp_path), [_problem("a.wav", "")])[0].line is None


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b'{"a": 1,\n"b":\n  hapy}', 3),
        (b'{"a": 1,\n"a": 2}', 2),
        (b'{"a": 1,\n\n"b": NaN}', 3),
        (b'{"a": 1,\n"b": "\xff"}', 2),
        (b'\xef\xbb\xbf{"a": 1,\n"b": "\xff"}', 2),
        (b'{"a": "\\ud800"}', 1),
        (b"\n\n{'a': 1}", 3),
    ],
)
def test_a_file_that_is_not_strict_json_has_the_line_of_its_fault(
    tmp_path: Path, raw: bytes, line: int
) -> None:
    (tmp_path / "a.json").write_bytes(raw)
    _, problems = read_record(raw, "text", file="a.json")
    found = with_lines(_report(tmp_path), problems)
    assert [problem.line for problem in found if problem.severity == "error"] == [line]


def test_what_cannot_be_read_has_no_line_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "not.tar").write_bytes(b"no tar")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate((64 << 20) + 1)
    (tmp_path / "a.json").write_bytes(_RECORD)
    names = [
        "folder.json",
        "fifo.json",
        "loop.json",
        "not.tar::a.json",
        "huge.json",
        "nul\0.json",
        "a\ud800.json",
    ]
    names += ["x::y::z.json", "::.json", "x" * 5_000 + ".json", "http://x/a.json", "a.json"]
    found = with_lines(_report(tmp_path), [_problem(name) for name in names])
    assert [problem.line for problem in found] == [None] * (len(names) - 1) + [5]
    assert with_lines(_report("~nobody-of-this-name"), [_problem("a.json")])[0].line is None

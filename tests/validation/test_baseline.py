"""The baseline: what is in it is known, what is not is new, and the file can be trusted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.known.baseline import Baseline, BaselineRecorder, read_baseline
from emotalk_data.validation.known.config import Config, IgnoreRule
from emotalk_data.validation.known.screen import Screens


def _problem(
    code: str = "ET-CONF-001",
    file: str = "Text/json/a.json",
    json_path: str = "data[1].Confidence_degree",
    found: str = "0.4",
    count: int = 1,
) -> Problem:
    return Problem(code, file, json_path, found, "one of […]", count=count)


def _write(problems: Iterable[Problem], path: Path) -> Path:
    recorder = BaselineRecorder()
    for problem in problems:
        recorder.record(problem)
    recorder.write(path)
    return path


def _read_after(problems: Iterable[Problem], folder: Path) -> Baseline:
    return read_baseline(_write(problems, folder / "baseline.json"))


def test_a_baseline_has_one_problem_a_line_in_order(tmp_path: Path) -> None:
    problems = [
        _problem(file="b.json"),
        _problem("ET-JSON-001", "a.json", "", "an empty file", count=2),
        _problem(file="a.json", found="'你好\ud83d'"),
        _problem("ET-KEY-002"),  # a note
        _problem(file="b.json", json_path="data[0].Confidence_degree"),
    ]
    path = _write(problems, tmp_path / "baseline.json")
    assert path.read_text(encoding="utf-8") == (
        "{\n"
        '"baseline_version": 1,\n'
        '"problems": [\n'
        r'["ET-CONF-001", "a.json", "data[1].Confidence_degree", "'
        r"'\u4f60\u597d\ud83d'"
        '"],\n'
        '["ET-CONF-001", "b.json", "data[0].Confidence_degree", "0.4"],\n'
        '["ET-CONF-001", "b.json", "data[1].Confidence_degree", "0.4"],\n'
        '["ET-JSON-001", "a.json", "", "an empty file", 2]\n'
        "]\n"
        "}\n"
    )
    assert len(json.loads(path.read_bytes())["problems"]) == 4
    again = _write(reversed(problems), tmp_path / "again.json")
    assert again.read_bytes() == path.read_bytes()


def test_a_problem_is_known_when_code_file_path_and_found_agree(tmp_path: Path) -> None:
    baseline = _read_after([_problem()], tmp_path)
    for other in (
        _problem("ET-SENT-001"),
        _problem(file="Text/json/b.json"),
        _problem(json_path="data[2].Confidence_degree"),
        _problem(found="0.6"),
    ):
        assert baseline.screen(other) is None
    assert baseline.num_gone == 1
    assert baseline.screen(_problem()._replace(expected="worded anew", line=3)) == "baseline"
    assert (baseline.num_known, baseline.num_gone) == (1, 0)


def test_the_same_problem_once_more_is_new(tmp_path: Path) -> None:
    baseline = _read_after([_problem(), _problem()], tmp_path)
    assert [baseline.screen(_problem()) for _ in range(3)] == ["baseline", "baseline", None]


def test_a_problem_that_stands_for_more_than_is_known_is_new(tmp_path: Path) -> None:
    baseline = _read_after([_problem(count=3)], tmp_path)
    assert baseline.screen(_problem(count=4)) is None
    assert baseline.screen(_problem(count=2)) == "baseline"
    assert baseline.num_gone == 1


def test_notes_are_neither_written_nor_passed_over(tmp_path: Path) -> None:
    note = _problem("ET-KEY-002")
    recorder = BaselineRecorder()
    recorder.record(note)
    assert recorder.num_problems == 0
    lines = '["ET-KEY-002", "Text/json/a.json", "data[1].Confidence_degree", "0.4"]'
    (tmp_path / "b.json").write_text(f'{{"baseline_version": 1, "problems": [{lines}]}}', encoding="utf-8")
    assert read_baseline(tmp_path / "b.json").screen(note) is None


def test_all_problems_are_recorded_also_those_that_a_report_only_counts(tmp_path: Path) -> None:
    problems = [_problem(file=f"Text/json/{number}.json") for number in range(2_500)]
    recorder = BaselineRecorder()
    report = Report("emotalk", screen=Screens(recorder=recorder))
    report.extend(problems)
    assert report.num_problems() == recorder.num_problems == 2_500
    recorder.write(tmp_path / "baseline.json")
    baseline = read_baseline(tmp_path / "baseline.json")
    report = Report("emotalk", screen=Screens(baseline=baseline))
    report.extend([*problems, _problem(file="Text/json/new.json")])
    assert [problem.file for problem in report.problems()] == ["Text/json/new.json"]
    assert report.passed_over == {"baseline": {"ET-CONF-001": 2_500}}
    assert baseline.num_gone == 0


def test_what_the_configuration_passes_over_is_not_in_the_baseline(tmp_path: Path) -> None:
    config = Config((IgnoreRule(codes=("ET-CONF-*",), reason="known"),))
    recorder = BaselineRecorder()
    screens = Screens(config, recorder=recorder, baseline=_read_after([_problem("ET-JSON-001")], tmp_path))
    assert screens(_problem()) == "config"
    assert screens(_problem("ET-JSON-001")) == "baseline"
    assert screens(_problem("ET-JSON-001")) is None
    assert recorder.num_problems == 2  # known or new: the next baseline has both


_TEXTS = st.text(max_size=8) | st.sampled_from(["", "a", "a\0b", '"', "\ud83d", "\x85", "你好"])
_PROBLEMS = st.lists(
    st.builds(
        _problem,
        st.sampled_from(["ET-CONF-001", "ET-JSON-001", "ET-PRES-001"]),
        _TEXTS,
        _TEXTS,
        _TEXTS,
        st.integers(1, 3),
    ),
    max_size=12,
)


@given(_PROBLEMS)
def test_what_was_written_is_known_and_nothing_of_it_is_left(
    tmp_path_factory: pytest.TempPathFactory, problems: list[Problem]
) -> None:
    baseline = _read_after(problems, tmp_path_factory.mktemp("baseline"))
    assert [baseline.screen(problem) for problem in problems] == ["baseline"] * len(problems)
    assert baseline.num_gone == 0
    assert [baseline.screen(problem) for problem in problems] == [None] * len(problems)


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_a_baseline_that_a_formatter_laid_out_anew_is_the_same(
    indent: int | str | None, tmp_path: Path
) -> None:
    path = _write([_problem(), _problem(count=2, found="'你'")], tmp_path / "baseline.json")
    document = json.loads(path.read_bytes())
    path.write_text("\ufeff" + json.dumps(document, indent=indent).replace("\n", "\r\n"), encoding="utf-8")
    assert read_baseline(path).num_known == 3


_ENTRY = '["ET-CONF-001", "a", "b", "c"]'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a baseline: it does not begin as one. Name a file that --write-baseline wrote"),
        ('{"problems": []}', "does not begin as one"),
        ("[]", "does not begin as one"),
        ('{"baseline_version": 2, "problems": []}', "of version 2; this emotalk_data knows version 1"),
        (f'{{"baseline_version": 1, "problems": [\n{_ENTRY},\n{_ENTRY}', "cut or damaged at line 3"),
        (f'{{"baseline_version": 1, "problems": [\n{_ENTRY},\n["ET-CO', "line 3 is not JSON"),
        (f'{{"baseline_version": 1, "problems": [\n{_ENTRY}\n{_ENTRY}]}}', "cut or damaged at line 2"),
        ('{"baseline_version": 1, "problems": [\n<<<<<<< HEAD\n]}', "line 2 is not JSON"),
        (f'{{"baseline_version": 1, "problems": [{_ENTRY},]}}', "line 1 is not JSON"),
        ('{"baseline_version": 1, "problems": []} {}', "something follows its end at line 1"),
        ('{"baseline_version": 1, "problems": ' + "[" * 100_000, "line 1 is not JSON"),
        ('{"baseline_version": 1, "problems": [["a", "b", "c"]]}', r"is \['a', 'b', 'c'\]; expected \[code"),
        ('{"baseline_version": 1, "problems": [["a", "b", "c", 4]]}', "expected .code, file, path, found"),
        ('{"baseline_version": 1, "problems": [["a", "b", "c", "d", 0]]}', "expected .code"),
        ('{"baseline_version": 1, "problems": [["a", "b", "c", "d", true]]}', "expected .code"),
        ('{"baseline_version": 1, "problems": [{}]}', r"line 1 is \{\}; expected"),
    ],
)
def test_a_damaged_or_foreign_file_is_no_baseline(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OptionError, match=message) as caught:
        read_baseline(path)
    assert caught.value.path == str(path)


def test_every_cut_of_a_baseline_is_noticed(tmp_path: Path) -> None:
    path = _write([_problem(), _problem(found="'你'", count=2)], tmp_path / "baseline.json")
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(OptionError, match="is not a baseline"):
            read_baseline(path)


def test_a_baseline_that_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"No such file or directory. Make it with --write-baseline"):
        read_baseline(tmp_path / "none.json")
    with pytest.raises(OptionError, match="Is a directory"):
        read_baseline(tmp_path)
    with pytest.raises(OptionError, match="cannot read the baseline"):
        read_baseline("a\0b")
    (tmp_path / "utf-16.json").write_text("{}", encoding="utf-16")
    with pytest.raises(OptionError, match="is not a baseline: it is not UTF-8"):
        read_baseline(tmp_path / "utf-16.json")


def test_what_is_no_baseline_is_never_written_over(tmp_path: Path) -> None:
    record = tmp_path / "annotation.json"
    record.write_text('{"data": []}', encoding="utf-8")
    with pytest.raises(OptionError, match="is there and is no baseline; it was left as it is"):
        _write([_problem()], record)
    assert record.read_text(encoding="utf-8") == '{"data": []}'
    with pytest.raises(OptionError, match="is there and is no baseline"):
        _write([_problem()], tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OptionError, match="is there and is no baseline"):
        _write([_problem()], pipe)
    with pytest.raises(OptionError, match=r"cannot write the baseline .*No such file or directory"):
        _write([_problem()], tmp_path / "none" / "baseline.json")
    with pytest.raises(OptionError, match="cannot write the baseline"):
        BaselineRecorder().write("a\0b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["annotation.json", "pipe"]


def test_a_baseline_replaces_an_older_one_behind_a_link(tmp_path: Path) -> None:
    target = _write([_problem()], tmp_path / "baseline.json")
    link = tmp_path / "link.json"
    link.symlink_to(target)
    _write([], link)
    assert link.is_symlink()
    assert read_baseline(target).num_known == 0
    (tmp_path / "empty.json").touch()
    assert read_baseline(_write([_problem()], tmp_path / "empty.json")).num_known == 1


def test_a_full_disk_leaves_the_older_baseline_and_no_litter(tmp_path: Path) -> None:
    path = _write([_problem()], tmp_path / "baseline.json")
    before = path.read_bytes()
    # A limit on the size of files is a full disk that needs no root; it is a process's own, so in another one.
    program = (
        "import resource, signal, sys\n"
        "from emotalk_data.errors import OptionError\n"
        "from emotalk_data.schemas.problems import Problem\n"
        "from emotalk_data.validation.known.baseline import BaselineRecorder\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))\n"
        "recorder = BaselineRecorder()\n"
        "for number in range(2_000):\n"
        "    recorder.record(Problem('ET-CONF-001', f'{number}.json', '', '0.4', ''))\n"
        "try:\n"
        "    recorder.write(sys.argv[1])\n"
        "except OptionError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, encoding="utf-8", check=True
    )
    assert "cannot write the baseline" in done.stdout
    assert "File too large" in done.stdout
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["baseline.json"]

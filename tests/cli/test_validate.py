"""`emotalk validate`: every problem by code, exit codes, and text that programs read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emotalk_data.errors import ReleaseNotFoundError
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES

if TYPE_CHECKING:
    from .conftest import Invoke, Run

Golden = Callable[[str, str], None]


def test_a_clean_release_is_exit_0(invoke: Invoke, clean_dir: Path, golden: Golden) -> None:
    result = invoke("validate", clean_dir)
    assert result.exit_code == 0
    golden("validate_clean.txt", result.stdout)


def test_a_release_with_the_usual_oddities_is_exit_0(
    invoke: Invoke, emotalk_dir: Path, golden: Golden
) -> None:
    result = invoke("validate", emotalk_dir)
    assert result.exit_code == 0
    golden("validate_emotalk.txt", result.stdout)


def test_m3ed_is_told_from_its_files(invoke: Invoke, m3ed_dir: Path, golden: Golden) -> None:
    result = invoke("validate", m3ed_dir, "--episodes-dir", m3ed_dir / "episodes")
    assert result.exit_code == 0
    golden("validate_m3ed.txt", result.stdout)


def test_a_broken_release_is_exit_1_and_names_each_file(
    invoke: Invoke, broken_dir: Path, golden: Golden
) -> None:
    result = invoke("validate", broken_dir)
    assert result.exit_code == 1
    assert "ET-LABEL-001" in result.stdout
    assert "'hapy'" in result.stdout
    golden("validate_broken.txt", result.stdout)


def test_strict_makes_warnings_problems(invoke: Invoke, emotalk_dir: Path, clean_dir: Path) -> None:
    assert invoke("validate", emotalk_dir, "--strict").exit_code == 1
    assert invoke("validate", clean_dir, "--strict").exit_code == 0


def test_limit_bounds_the_examples_of_each_code(invoke: Invoke, emotalk_dir: Path) -> None:
    none = invoke("validate", emotalk_dir, "--limit", 0).stdout
    assert "json: " not in none
    assert "To mend: " in none
    all_of_them = invoke("validate", emotalk_dir, "--limit", 50).stdout
    assert "… and" not in all_of_them
    assert "… and 11 more" in invoke("validate", emotalk_dir).stdout


def test_json_says_all_that_text_says(run: Run, broken_dir: Path) -> None:
    done = run("validate", broken_dir, "--format", "json")
    assert (done.returncode, done.stderr) == (1, "")
    values = json.loads(done.stdout)
    assert values["corpus"] == "emotalk"
    assert values["counts"]["rows"] == values["counts"]["utterances_found"]
    assert set(values["codes"]) == {problem["code"] for problem in values["problems"]}
    for code, about in values["codes"].items():
        assert about["meaning"] == CODES[code].meaning
        assert about["remedy"] == CODES[code].remedy
        assert about["count"] == sum(p["count"] for p in values["problems"] if p["code"] == code)
    labels = [problem for problem in values["problems"] if problem["code"] == "ET-LABEL-001"]
    assert [(p["json_path"], p["severity"]) for p in labels] == [("emotion_result", "error")]


def test_json_can_be_limited(invoke: Invoke, emotalk_dir: Path) -> None:
    values = json.loads(invoke("validate", emotalk_dir, "--format", "json", "--limit", 1).stdout)
    codes = [problem["code"] for problem in values["problems"]]
    assert sorted(codes) == sorted(set(codes)) == sorted(values["codes"])


def test_a_folder_of_something_else_could_not_be_checked(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    assert isinstance(invoke("validate", tmp_path).exception, ReleaseNotFoundError)


def test_file_names_cannot_steer_the_terminal(
    invoke: Invoke, clean_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_args: object, **_options: object) -> Report:
        report = Report("emotalk")
        report.problem("ET-ID-001", "Text/\x1b[2Jevil\u202e.json", "", "a name", "an id", count=3)
        return report

    monkeypatch.setattr("emotalk_data.validation.validate.validate_all", read)
    out = invoke("validate", clean_dir).stdout
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "evil" in out


def test_validating_loads_no_datasets_and_no_media_packages(
    environment: dict[str, str], clean_dir: Path
) -> None:
    code = (
        "import sys; from emotalk_data.cli import main; code = main(['validate', sys.argv[1]]);"
        "print('LOADED', *sys.modules); sys.exit(code)"
    )
    command = [sys.executable, "-c", code, str(clean_dir)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("LOADED ")[2].split())
    assert not loaded & {"datasets", "pyarrow", "av", "soundfile", "soxr", "torch", "pandas"}

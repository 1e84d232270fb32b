"""A miniature release for every code, and the whole of what `emotalk validate` says of it.

golden/<CODE>/release/       the release; or another input that `args` names
golden/<CODE>/args           arguments after `emotalk validate`, one line; `release` when there is none
golden/<CODE>/sparse         files too large to keep, made for the test: a path and a length in bytes on each line
golden/<CODE>/report.txt     what it prints
golden/<CODE>/report.json    what it prints with --format json

EMOTALK_GOLDEN=write pytest tests/validation/test_golden.py     writes the last two; read the difference
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from emotalk_data.cli.app import emotalk
from emotalk_data.schemas.codes import CODES

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_miniature_release_that_raises_it(
    code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = GOLDEN / code
    assert case.is_dir(), f"{code} has no golden case: add {case}/release"
    monkeypatch.chdir(_with_sparse_files(case, tmp_path))
    args = (
        shlex.split((case / "args").read_text(encoding="utf-8")) if (case / "args").exists() else ["release"]
    )
    text = _run(*args)
    report = _run(*args, "--format", "json")
    if os.environ.get("EMOTALK_GOLDEN") == "write":
        (case / "report.txt").write_text(text, encoding="utf-8")
        (case / "report.json").write_text(report, encoding="utf-8")
    assert text == (case / "report.txt").read_text(encoding="utf-8")
    assert report == (case / "report.json").read_text(encoding="utf-8")
    values = json.loads(report)
    assert values["codes"][code]["severity"] == CODES[code].severity
    listed = [problem for problem in values["problems"] if problem["code"] == code]
    assert listed
    assert all(problem["file"] for problem in listed)


def test_no_golden_case_is_of_a_code_that_is_gone() -> None:
    assert {case.name for case in GOLDEN.iterdir()} - set(CODES) == set()


def test_most_golden_releases_raise_their_code_and_nothing_else() -> None:
    """A case that raises others too says less: those are few, and each is one that cannot stand alone."""
    others = {}
    for case in GOLDEN.iterdir():
        codes = set(json.loads((case / "report.json").read_text(encoding="utf-8"))["codes"]) - {case.name}
        if codes:
            others[case.name] = sorted(codes)
    assert others == NOT_ALONE


# Code -> the others that its case raises, because one cannot be without them.
NOT_ALONE: dict[str, list[str]] = {
    # A sound that does not decode, or that has NaN in it, is no 16-bit PCM.
    "AV-AUDIO-010": ["AV-AUDIO-008"],
    "AV-AUDIO-011": ["AV-AUDIO-008"],
}


def _with_sparse_files(case: Path, scratch: Path) -> Path:
    """Return the folder to validate in: the case itself, or a copy with the files that it only names."""
    if not (case / "sparse").exists():
        return case
    copy = scratch / case.name
    shutil.copytree(case, copy, symlinks=True)
    for line in (case / "sparse").read_text(encoding="utf-8").splitlines():
        name, size_bytes = line.split()
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).touch()
        os.truncate(copy / name, int(size_bytes))
    return copy


def _run(*args: str) -> str:
    result = CliRunner().invoke(emotalk, ["validate", *args], prog_name="emotalk", env={"COLUMNS": "80"})
    assert result.exit_code in (0, 1), result.output
    return result.stdout

"""`emotalk stats`: the papers' tables beside a release, in three forms, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from emotalk_data.cli.stats import stats
from emotalk_data.errors import ReleaseNotFoundError

if TYPE_CHECKING:
    from .conftest import Invoke


@pytest.fixture
def run_stats(invoke: Invoke) -> Callable[..., Result]:  # for the environment it makes
    def _run(*args: object) -> Result:
        return CliRunner().invoke(stats, list(map(str, args)), prog_name="emotalk stats")

    return _run


@pytest.mark.parametrize(("form", "suffix"), [("text", "txt"), ("markdown", "md"), ("json", "json")])
def test_a_small_release_is_its_golden_text(
    form: str,
    suffix: str,
    clean_dir: Path,
    run_stats: Callable[..., Result],
    golden: Callable[[str, str], None],
) -> None:
    result = run_stats("emotalk", "--data-dir", clean_dir, "--format", form)
    assert (result.exit_code, result.stderr) == (0, "")
    golden(f"stats_emotalk.{suffix}", result.stdout)


def test_m3ed_is_its_golden_text(
    m3ed_dir: Path, run_stats: Callable[..., Result], golden: Callable[[str, str], None]
) -> None:
    result = run_stats("m3ed", "--data-dir", m3ed_dir)
    assert (result.exit_code, result.stderr) == (0, "")
    golden("stats_m3ed.txt", result.stdout)


def test_json_tells_each_number_and_why(clean_dir: Path, run_stats: Callable[..., Result]) -> None:
    values = json.loads(run_stats("emotalk", "--data-dir", clean_dir, "--format", "json").stdout)
    assert (values["corpus"], values["num_utterances"]) == ("emotalk", 18)
    assert values["note"] == "Not the whole release: 18 of 19,250 utterances, so most numbers differ."
    angry = values["tables"][0]["cells"][0]
    assert (angry["row"], angry["column"], angry["published"]) == ("angry", "train", 2950)
    assert (angry["state"], angry["reason"]) == ("differs", None)


def test_strict_fails_where_a_number_differs_without_a_reason(
    clean_dir: Path, run_stats: Callable[..., Result]
) -> None:
    result = run_stats("emotalk", "--data-dir", clean_dir, "--strict")
    assert result.exit_code == 1
    assert result.stdout.startswith("EmotionTalk: ")
    number = json.loads(run_stats("emotalk", "--data-dir", clean_dir, "--format", "json").stdout)["counts"]
    assert result.stderr == f"emotalk: {number['differs']} numbers differ without a known reason\n"


def test_the_home_of_releases_is_looked_into(
    clean_dir: Path, run_stats: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTALK_HOME", str(clean_dir.parent))
    assert "18 of 19,250 utterances" in run_stats("emotalk").stdout


def test_a_release_that_is_not_there_has_no_statistics(
    tmp_path: Path, run_stats: Callable[..., Result]
) -> None:
    assert isinstance(run_stats("m3ed", "--data-dir", tmp_path / "nothing").exception, ReleaseNotFoundError)


def test_an_unknown_corpus_is_refused(run_stats: Callable[..., Result]) -> None:
    result = run_stats("iemocap")
    assert result.exit_code == 2
    assert "'iemocap' is not one of 'emotalk', 'm3ed'" in result.stderr

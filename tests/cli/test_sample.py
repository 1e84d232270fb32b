"""`emotalk sample`: a release on disk that our own loader takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emotalk_data.errors import OptionError
from emotalk_data.validation.validate import validate

if TYPE_CHECKING:
    from .conftest import Invoke, Run


def test_a_sample_is_made_told_and_valid(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    done = run("sample", "emotalk", folder, "--utterances", 8)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Made a sample of EmotionTalk in {folder}" in done.stdout
    assert "8 (" in done.stdout
    assert f"emotalk validate '{folder}'" in done.stdout
    assert validate(folder).counts["rows"] == 8


def test_tars_are_made_when_asked(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("sample", "emotalk", tmp_path / "x", "--tars", "--utterances", 3).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [
        "Audio.tar",
        "Multimodal.tar",
        "Text.tar",
        "Video.tar",
    ]


def test_m3ed_gets_whole_dialogues_and_episodes(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("sample", "m3ed", tmp_path / "x", "--utterances", 7)
    assert result.exit_code == 0
    assert "dialogues   1\n" in result.stdout
    assert "--episodes-dir" in result.stdout
    assert list((tmp_path / "x" / "episodes").rglob("*.mp4"))


def test_the_seed_decides_the_content(invoke: Invoke, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert invoke("sample", "emotalk", tmp_path / name, "--utterances", 2, "--seed", seed).exit_code == 0
    content = {
        name: [path.read_bytes() for path in sorted((tmp_path / name).rglob("*.json"))] for name in "abc"
    }
    assert content["a"] == content["b"] != content["c"]


def test_a_folder_in_use_is_refused_and_left_alone(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    result = invoke("sample", "emotalk", tmp_path)
    assert isinstance(result.exception, OptionError)
    assert "is not empty" in str(result.exception)
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["mine.txt"]


def test_a_file_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="is a file"):
        raise invoke("sample", "m3ed", tmp_path / "file").exception or AssertionError


def test_m3ed_has_no_tars(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("sample", "m3ed", tmp_path / "x", "--tars")
    assert result.exit_code == 2
    assert "--tars is for emotalk" in result.output
    assert not (tmp_path / "x").exists()

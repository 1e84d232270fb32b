"""How the command is run here: in this process for its logic, as a process for what a shell sees.

Golden texts lie in `golden/`; golden/README.md says how to write them anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import emotalk_data
from emotalk_data.cli.app import emotalk
from emotalk_data.testing import make_emotalk, make_m3ed

GOLDEN = Path(__file__).parent / "golden"
# The folder that holds the package: processes started elsewhere must find it, installed or not.
PACKAGE_ROOT = str(Path(emotalk_data.__file__).parent.parent)

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Invoke = Callable[..., Result]


@pytest.fixture(scope="session")
def emotalk_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("emotalk") / "EmotionTalk"
    make_emotalk(root, num_utterances=24)
    return root


@pytest.fixture(scope="session")
def clean_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clean") / "EmotionTalk"
    make_emotalk(root, num_utterances=18, media=False, oddities=False)
    return root


@pytest.fixture
def broken_dir(tmp_path: Path) -> Path:
    """A release with one unknown emotion, one file that is no JSON, and one misnamed file."""
    root = tmp_path / "EmotionTalk"
    make_emotalk(root, num_utterances=18, media=False, oddities=False)
    files = sorted((root / "Text").rglob("*.json"))
    label = '"emotion_result": "'
    text = files[0].read_text(encoding="utf-8")
    assert label in text
    start = text.index(label) + len(label)
    end = text.index('"', start)
    files[0].write_text(f"{text[:start]}hapy{text[end:]}", encoding="utf-8")
    files[1].write_bytes(b'{"data": [')
    files[2].rename(files[2].with_name("notes.json"))
    return root


@pytest.fixture(scope="session")
def m3ed_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("m3ed") / "RUCM3ED"
    make_m3ed(root, num_dialogues=4)
    return root


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a process gets: a cache of its own, no settings of whoever runs the tests."""
    unwanted = ("EMOTALK_", "_EMOTALK_", "HF_", "NO_COLOR", "HUGGING_FACE", "PYTHONIOENCODING")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    home = str(tmp_path_factory.mktemp("hf"))
    return {
        **kept,
        "HF_HOME": home,
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": PACKAGE_ROOT,
        "PYTHONUTF8": "1",
        "TERM": "xterm",
        "COLUMNS": "80",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run `python -m emotalk_data …` and wait for it."""

    def _run(*args: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*args),
            env={**environment, **(env or {})},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return _run


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "emotalk_data", *map(str, args)]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Invoke:
    """Invoke a verb in this process; errors that the verb raises are in `result.exception`."""
    import datasets

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("EMOTALK_HOME", raising=False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def _invoke(*args: object, **options: Any) -> Result:
        return CliRunner().invoke(emotalk, list(map(str, args)), prog_name="emotalk", **options)

    return _invoke


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a golden file, or write the file when EMOTALK_GOLDEN=write."""

    def _compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("EMOTALK_GOLDEN") == "write":
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return _compare

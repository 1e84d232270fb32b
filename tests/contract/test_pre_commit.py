"""The hooks of `.pre-commit-hooks.yaml`, run by pre-commit itself on a scratch repository.

pre-commit clones this project, builds it and installs it into an environment of its own, as it does for users.
Only the dependencies are not downloaded again: that environment sees those of the running interpreter.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.testing import make_emotalk, make_m3ed

PROJECT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "emotalk_data")
GOOD = {
    "data": [{"emotion": "happy", "Confidence_degree": 0.9}] * 5,
    "emotion_result": "happy",
    "speaker_id": "13",
    "content": "好",
}
BAD = {**GOOD, "emotion_result": "hapy"}
FOLDER = "Text/json/G00003/G00003_01/G00003_01_13"
FIRST, SECOND = f"{FOLDER}/G00003_01_13_002.json", f"{FOLDER}/G00003_01_13_004.json"

missing = next((name for name in SOURCES if not (PROJECT / name).exists()), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        missing is not None, reason=f"{missing} is not beside the tests: not the whole project"
    ),
    pytest.mark.skipif(shutil.which("git") is None, reason="pre-commit needs git"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables under which git and pre-commit know nothing of this machine but the installed dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    packages = folder / "packages"
    packages.mkdir()
    for site in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(site).iterdir():
            # Not the project itself: the hook must run what pre-commit built.
            if "emotalk" not in entry.name and not (packages / entry.name).exists():
                (packages / entry.name).symlink_to(entry)
    settings = {
        "PRE_COMMIT_HOME": str(folder / "pre-commit"),
        "PYTHONPATH": str(packages),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it so: 0 is no isolation, and hatchling is there already
        "HF_HUB_OFFLINE": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{who}_NAME": "nobody" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "nobody@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    # Variables of a git hook that this test may run in would lead git to another repository.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
    return {**kept, **settings}


def git(folder: Path, environment: dict[str, str], *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], env=environment, capture_output=True, check=True)


def commit_all(folder: Path, environment: dict[str, str]) -> None:
    if not (folder / ".git").exists():
        git(folder, environment, "init", "--quiet")
    git(folder, environment, "add", "--all")
    git(folder, environment, "commit", "--quiet", "--message", "x")


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """Return a repository that holds this project as it lies here, changes that are not committed included."""
    repository = tmp_path_factory.mktemp("hooks")
    for name in SOURCES:
        if (PROJECT / name).is_dir():
            shutil.copytree(
                PROJECT / name, repository / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
        else:
            shutil.copy(PROJECT / name, repository / name)
    commit_all(repository, environment)
    return repository


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    repository = tmp_path / "scratch"
    (repository / FOLDER).mkdir(parents=True)
    (repository / "README.md").write_text("annotations\n", encoding="utf-8")
    write(repository / FIRST, GOOD)
    return repository


def write(path: Path, record: Any) -> None:
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


def try_hook(
    hooks: Path, hook: str, scratch: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    commit_all(scratch, environment)
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), hook, "--all-files", "--verbose"]
    return subprocess.run(
        [*command, "--color", "never"],
        cwd=scratch,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_the_hook_fails_on_a_bad_record_with_its_code_and_passes_when_it_is_mended(
    hooks: Path, scratch: Path, environment: dict[str, str]
) -> None:
    write(scratch / SECOND, BAD)
    done = try_hook(hooks, "emotalk-validate", scratch, environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ET-LABEL-001" in done.stdout
    assert Path(SECOND).name in done.stdout
    assert Path(FIRST).name not in done.stdout
    write(scratch / SECOND, GOOD)
    done = try_hook(hooks, "emotalk-validate", scratch, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout


def test_the_hook_takes_every_annotation_file_of_a_release_by_its_name(tmp_path: Path) -> None:
    line = next(
        line for line in (PROJECT / ".pre-commit-hooks.yaml").read_text().splitlines() if "files:" in line
    )
    files = re.compile(line.partition("files: ")[2])
    make_emotalk(tmp_path / "emotalk", num_utterances=2, media=False)
    make_m3ed(tmp_path / "m3ed", audio=False, episodes=False)
    names = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")]
    assert len(names) >= 8 + 2
    assert [name for name in names if not files.search(name)] == []
    assert not files.search("package.json")


def test_the_hook_passes_over_files_of_other_names(
    hooks: Path, scratch: Path, environment: dict[str, str]
) -> None:
    (scratch / FIRST).unlink()
    (scratch / "package.json").write_text("{]", encoding="utf-8")
    done = try_hook(hooks, "emotalk-validate", scratch, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no files to check" in done.stdout


def test_the_hook_of_a_whole_release_checks_all_of_it_whatever_has_changed(
    hooks: Path, scratch: Path, environment: dict[str, str]
) -> None:
    done = try_hook(hooks, "emotalk-validate-release", scratch, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout
    write(scratch / SECOND, BAD)
    done = try_hook(hooks, "emotalk-validate-release", scratch, environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ET-LABEL-001" in done.stdout
    assert SECOND in done.stdout

"""M3ED comes by git, from a real repository on disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from emotalk_data.download import git
from emotalk_data.download.m3ed import M3edSource, fetch_m3ed, m3ed_source
from emotalk_data.download.places import m3ed_folder
from emotalk_data.errors import (
    CacheWriteError,
    HubUnreachableError,
    MissingDependencyError,
    OptionError,
    ReleaseInvalidError,
    ReleaseNotFoundError,
)
from emotalk_data.load import find_release, load_dataset
from emotalk_data.testing import M3edSample, make_m3ed
from tests.git_repository import commit_all, init, run_git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(scope="module")
def authors(tmp_path_factory: pytest.TempPathFactory) -> M3edSample:
    sample = make_m3ed(
        tmp_path_factory.mktemp("authors") / "RUCM3ED", num_dialogues=4, audio=False, oddities=False
    )
    init(sample.root)
    return sample


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("EMOTALK_HOME", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf"


def _fetch(sample: M3edSample, **options: str) -> M3edSource:
    return fetch_m3ed(sample.root.as_uri(), **options)


def test_a_clone_is_found_by_load_dataset(authors: M3edSample, home: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseNotFoundError, match=r"none was downloaded.*`emotalk download m3ed`"):
        load_dataset("m3ed")
    assert m3ed_source() is None
    source = _fetch(authors)
    assert source.commit == run_git(authors.root, "rev-parse", "HEAD")
    assert m3ed_source() == source
    assert find_release("m3ed") == str(source.folder) == str(home / "emotalk_data" / "m3ed" / "RUCM3ED")
    ds = load_dataset("m3ed", split="test", cache_dir=tmp_path / "cache")
    assert sorted(ds["utterance_id"]) == authors.split_ids("test")
    assert [path.name for path in m3ed_folder().parent.iterdir()] == ["m3ed"]


def test_a_newer_clone_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    sample = make_m3ed(tmp_path / "RUCM3ED", num_dialogues=1, audio=False, oddities=False)
    init(sample.root)
    run_git(sample.root, "branch", "v1")
    first = _fetch(sample)
    (sample.root / "NEWS.txt").write_text("more")
    second_commit = commit_all(sample.root, "More")
    second = _fetch(sample)
    assert (first.commit, second.commit) == (_fetch(sample, revision="v1").commit, second_commit)
    assert not (m3ed_folder() / "RUCM3ED" / "NEWS.txt").exists()
    assert sorted(path.name for path in m3ed_folder().parent.iterdir()) == ["m3ed"]


@pytest.mark.parametrize("what", ["gone", "empty", "revision"])
def test_what_cannot_be_cloned_leaves_the_old_clone_and_nothing_else(
    authors: M3edSample, tmp_path: Path, what: str
) -> None:
    source = _fetch(authors)
    other = tmp_path / "other"
    other.mkdir()
    if what == "empty":
        (other / "README").write_text("something else")
        init(other)
    kind = ReleaseInvalidError if what == "empty" else HubUnreachableError
    url, revision = (authors.root.as_uri(), "v9") if what == "revision" else (other.as_uri(), None)
    with pytest.raises(kind, match=r"clone.*By hand: `git clone --depth 1 https://.*/RUCM3ED DIR`"):
        fetch_m3ed(url, revision=revision)
    assert m3ed_source() == source
    assert sorted(path.name for path in m3ed_folder().parent.iterdir()) == ["m3ed"]


def test_git_runs_nothing_of_anybodys_and_asks_nobody(
    authors: M3edSample, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    hooks = tmp_path / "hooks"
    (hooks / "hooks").mkdir(parents=True)
    for hook in (hooks / "post-checkout", hooks / "hooks" / "post-checkout"):
        hook.write_text(f"#!/bin/sh\ntouch {told}\n")
        hook.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[core]\n\thooksPath = {hooks}\n[init]\n\ttemplateDir = {hooks}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(hooks))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    # The trap works: without our settings the hook runs.
    environment = {name: value for name, value in os.environ.items() if name != "GIT_DIR"}
    clone = ["git", "clone", "-q", authors.root.as_uri(), str(tmp_path / "plain")]
    subprocess.run(clone, check=True, env=environment)
    assert told.exists()
    told.unlink()
    _fetch(authors)
    assert not told.exists()
    assert git._environment()["GIT_TERMINAL_PROMPT"] == "0"
    assert "GIT_DIR" not in git._environment()


def test_a_link_in_the_repository_leads_nowhere(tmp_path: Path) -> None:
    sample = make_m3ed(tmp_path / "RUCM3ED", num_dialogues=1, audio=False, oddities=False)
    (sample.root / "elsewhere").symlink_to("/etc")
    init(sample.root)
    link = _fetch(sample).folder / "elsewhere"
    assert not link.is_symlink()
    assert link.read_text() == "/etc"


def test_git_that_is_silent_is_stopped(
    authors: M3edSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {tmp_path / 'pid'}\nwait\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "SILENCE_SECONDS", 0.1)
    with pytest.raises(HubUnreachableError, match="git showed no progress for 0 s and was stopped"):
        _fetch(authors)
    # Git's children are stopped with it. One that nobody waits for may stay on the list, as a zombie.
    status = Path("/proc") / (tmp_path / "pid").read_text().strip() / "stat"
    assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_without_git_the_way_by_hand_is_told(authors: M3edSample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(
        MissingDependencyError, match=r"git is needed to clone file://.*give its folder as data_dir"
    ):
        _fetch(authors)


def test_a_password_in_a_url_is_neither_told_nor_kept(authors: M3edSample) -> None:
    with pytest.raises(HubUnreachableError, match=r"cannot clone https://127\.0\.0\.1:9/x") as error:
        fetch_m3ed("https://me:secret-word@127.0.0.1:9/x")
    assert "secret-word" not in str(error.value)
    assert git.without_password("https://me:secret-word@host/x") == "https://host/x"


@pytest.mark.parametrize(
    ("url", "revision"), [("--upload-pack=x", None), ("a\nb", None), (" ", None), ("https://x", "--all")]
)
def test_an_option_of_git_is_no_url(url: str, revision: str | None) -> None:
    with pytest.raises(OptionError, match="expected a name, not an option of git"):
        fetch_m3ed(url, revision=revision)


def test_a_folder_that_cannot_be_written_is_told(
    authors: M3edSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "file"))
    with pytest.raises(CacheWriteError, match=r"cannot write .*Set HF_HOME"):
        _fetch(authors)

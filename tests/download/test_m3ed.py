"""M3ED comes by git, from a real repository on disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
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


def _is_tidy() -> bool:
    """Say whether there is one clone, its note, the lock, and nothing else."""
    source = m3ed_source()
    assert source is not None
    names = {path.name for path in m3ed_folder().iterdir()}
    beside = [path.name for path in m3ed_folder().parent.iterdir()]
    return beside == ["m3ed"] and names == {source.folder.name, "lock", "source.json"}


def test_a_clone_is_found_by_load_dataset(authors: M3edSample, home: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseNotFoundError, match=r"none was downloaded.*`emotalk download m3ed`"):
        load_dataset("m3ed")
    assert m3ed_source() is None
    source = _fetch(authors)
    assert source.commit == run_git(authors.root, "rev-parse", "HEAD")
    assert m3ed_source() == source
    assert find_release("m3ed") == str(source.folder)
    assert source.folder.parent == home / "emotalk_data" / "m3ed"
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
    assert not list(m3ed_folder().glob("*/NEWS.txt"))
    assert _is_tidy()


def test_a_kill_at_any_step_leaves_a_clone_and_the_next_fetch_removes_what_is_left(
    authors: M3edSample, home: Path
) -> None:
    first = _fetch(authors)
    code = f"""if True:
        import itertools, os, sys
        from huggingface_hub import constants
        from emotalk_data.download.m3ed import fetch_m3ed, m3ed_source
        constants.HF_HOME = {str(home)!r}
        url = {authors.root.as_uri()!r}
        steps = ("os.mkdir", "os.rename", "shutil.rmtree")
        for last in itertools.count(1):
            if (child := os.fork()) == 0:
                num_steps = itertools.count(1)
                sys.addaudithook(lambda event, _: event in steps and next(num_steps) == last and os._exit(9))
                fetch_m3ed(url)
                os._exit(0)
            state = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            source = m3ed_source()
            assert source is not None and list(source.folder.rglob("annotation.json")), last
            if state == 0:
                break
            assert state == 9
        print(last)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 3  # the clone's name, the note, the old clone
    (m3ed_folder().parent / ".m3ed.0123.writing.old").mkdir()  # as the first version left them
    assert _fetch(authors).folder != first.folder
    assert _is_tidy()


def test_a_clone_of_the_first_version_is_taken_and_then_replaced(authors: M3edSample) -> None:
    old = m3ed_folder() / "RUCM3ED"
    shutil.copytree(authors.root, old)
    facts = {"url": "https://x", "commit": "0" * 40, "fetched": "2026-01-01T00:00:00+00:00"}
    (m3ed_folder() / "source.json").write_text(json.dumps(facts))
    assert find_release("m3ed") == str(old)
    _fetch(authors)
    assert not old.exists()
    (m3ed_folder() / "source.json").write_text(json.dumps({**facts, "folder": "../m3ed"}))
    assert m3ed_source() is None  # no note leads elsewhere


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
    assert _is_tidy()


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


@pytest.mark.parametrize("login", ["me:secret-word@", "secret-word@", "me:a@secret-word@", ":secret-word@"])
@pytest.mark.parametrize("scheme", ["https", "HTTP"])
def test_a_password_in_a_url_is_refused_and_not_told(
    login: str, scheme: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)  # no process is started, whose words others could read
    with pytest.raises(OptionError, match=r"for '\w+://127\.0\.0\.1:9/x'.*ssh URL.*data_dir=DIR") as error:
        fetch_m3ed(f"{scheme}://{login}127.0.0.1:9/x")
    assert "secret-word" not in str(error.value)
    assert not home.exists()


@pytest.mark.parametrize("url", ["ssh://git@host/x", "git@host:x", "https://host/@me/x:1", "file:///x"])
def test_a_user_of_ssh_is_no_password(url: str) -> None:
    git.check_url(url)
    with pytest.raises(OptionError):
        git.check_url("ssh://git:secret-word@host/x")


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

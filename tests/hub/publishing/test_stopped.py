"""Killed at any moment, two at once, somebody looking: the old set or the new one is there, bytes go once."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import emotalk_data
from emotalk_data import publish
from emotalk_data.hub.publishing.staging_place import PLACE
from emotalk_data.testing.hub_double import Fault, HubDouble
from tests.hub_double_fixtures import OnHub

from . import forked_publisher
from .conftest import ALLOWED, REPO, TOKEN, make_set, own_commits

# The folder that holds the package: a process started elsewhere must find it, installed or not.
_ROOT = str(Path(emotalk_data.__file__).parents[1])
_LONG = 600.0

Files = dict[str, str]


class Publisher:
    """The process of `forked_publisher`."""

    def __init__(self, hub: HubDouble, home: Path) -> None:
        environment = {
            **hub.environment(TOKEN, home),
            "PYTHONPATH": _ROOT,
            "HF_DATASETS_CACHE": str(home / "cache"),
        }
        self.cache = home / "cache"
        self.process = subprocess.Popen(
            [sys.executable, str(forked_publisher.__file__)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def start(self, folder: Path, repo_id: str) -> int:
        """Begin to publish; return the id of the process that does."""
        return self._ask(f"{folder}\t{repo_id}")

    def wait(self, process_id: int) -> int:
        """Return the exit status of one."""
        return self._ask(f"wait\t{process_id}")

    def kill(self, process_id: int) -> None:
        """Kill one that was started here."""
        os.kill(process_id, signal.SIGKILL)
        assert self.wait(process_id) == -signal.SIGKILL

    def _ask(self, line: str) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{line}\n")
        return int(self.process.stdout.readline())


@contextmanager
def publisher(hub: HubDouble, home: Path) -> Iterator[Publisher]:
    found = Publisher(hub, home)
    try:
        yield found
    finally:
        assert found.process.stdin
        found.process.stdin.close()
        found.process.wait(30)
        assert found.process.stdout
        found.process.stdout.close()


def until(is_so: Callable[[], Any]) -> None:
    """Wait for something that is sure to come; a minute is for ever."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


def digests(files: dict[str, bytes]) -> Files:
    """What somebody sees of a set: its data, told apart by content."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items() if "/" in path}


def held(path: str, *, is_done: bool = False, skip: int = 0, method: str | None = None) -> Fault:
    """A request that is held for longer than the test takes: before it is done, or after it."""
    return Fault(path=path, method=method, hang_seconds=_LONG, cut_after=0 if is_done else None, skip=skip)


LFS_MOMENTS: list[dict[str, Any]] = [
    {"path": "/whoami-v2$"},
    {"path": "/repos/create$"},
    {"path": "/repos/create$", "is_done": True},
    {"path": "/settings$", "is_done": True},
    {"path": "/preupload/"},
    {"path": "/objects/batch$"},
    *({"path": "^/lfs/", "skip": number} for number in (0, 3, 7)),
    *({"path": "^/lfs/", "skip": number, "is_done": True} for number in (0, 5)),
    {"path": "/lfs/verify$", "skip": 2},
    {"path": "/commit/main$"},
    {"path": "/commit/main$", "is_done": True},
    {"path": "/tree/", "skip": 1},  # verifying
    {"path": "/tag/"},
    {"path": "/tag/", "is_done": True},
]
XET_MOMENTS: list[dict[str, Any]] = [
    {"path": "/xet-write-token/"},
    {"path": "/commit/main$"},
    {"path": "/commit/main$", "is_done": True},
    {"path": "/tag/"},
]


def check_killed_at(moments: list[dict[str, Any]], lab: OnHub, home: Path, tmp_path: Path) -> None:
    """Kill a publisher at each moment, look at what is there, and publish again."""
    hub = lab.hub
    with publisher(hub, home) as runs:
        for number, moment in enumerate(moments):
            repo_id = f"lab/killed-{number}"
            folder = make_set(tmp_path / f"set-{number}", seed=100 * number)
            fault = held(**moment)
            hub.faults.append(fault)
            process_id = runs.start(folder, repo_id)
            until(partial(getattr, fault, "num_hits"))
            runs.kill(process_id)
            hub.faults.remove(fault)
            repo = hub.find_repo(repo_id)
            is_there = repo is not None and len(repo.commits) > 1
            assert repo is None or repo.private
            before = digests(repo.files()) if repo is not None else {}
            assert runs.wait(runs.start(folder, repo_id)) == 0, moment
            repo = hub.repo(repo_id)
            assert own_commits(hub, repo_id) == ["Publish tiny_hubert, tiny_hubert_frames"], moment
            assert before == (digests(repo.files()) if is_there else {}), moment
            assert list(repo.tags.values()) == [repo.branches["main"]]
            assert (repo.private, repo.gated) == (True, "manual")
            assert not list((runs.cache / PLACE).glob("*")), "a staging folder was left behind"
        assert set(hub.received.values()) == {1}, "an object was taken in twice"
        assert len(hub.received) >= 8 * len(moments)


def test_a_kill_at_any_moment_loses_nothing_and_no_object_goes_twice(lab: OnHub, tmp_path: Path) -> None:
    check_killed_at(LFS_MOMENTS, lab, tmp_path / "home", tmp_path)


def test_a_kill_at_any_moment_with_xet_too(xet_lab: OnHub, tmp_path: Path) -> None:
    check_killed_at(XET_MOMENTS, xet_lab, tmp_path / "home", tmp_path)


def test_two_publishers_at_once_make_one_commit_each_and_readers_see_whole_sets(
    lab: OnHub, tmp_path: Path, not_reloaded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi

    hub = lab.hub
    old, one, other = (
        make_set(tmp_path / name, seed=seed) for name, seed in (("old", 0), ("one", 7), ("other", 8))
    )
    publish(old, REPO, **ALLOWED)
    wholes = [digests(hub.repo(REPO).files())]
    for folder in (one, other):  # what each looks like alone
        publish(folder, f"lab/{folder.name}", **ALLOWED)
        wholes.append(digests(hub.repo(f"lab/{folder.name}").files()))
    assert wholes[0] != wholes[1] != wholes[2]

    seen: list[frozenset[tuple[str, str]]] = []
    is_over = threading.Event()
    api = HfApi(endpoint=hub.endpoint, token=TOKEN)

    def look() -> None:
        while not is_over.is_set():
            tree = api.list_repo_tree(REPO, repo_type="dataset", recursive=True)
            seen.append(frozenset((one.path, one.blob_id) for one in tree if hasattr(one, "blob_id")))

    true_commit = HfApi.create_commit

    def overtaken(self: HfApi, *words: Any, **named: Any) -> Any:
        """Let another publisher run from its first request to its last, just before this one commits."""
        monkeypatch.setattr(HfApi, "create_commit", true_commit)
        publish(other, REPO, **ALLOWED)
        return true_commit(self, *words, **named)

    reader = threading.Thread(target=look)
    reader.start()
    until(lambda: seen)
    monkeypatch.setattr(HfApi, "create_commit", overtaken)
    publish(one, REPO, **ALLOWED)
    num_looks = len(seen)
    until(lambda: len(seen) > num_looks + 1)
    is_over.set()
    reader.join(30)
    repo = hub.repo(REPO)
    assert own_commits(hub) == ["Publish tiny_hubert, tiny_hubert_frames"] * 3
    assert [digests(repo.files(commit.oid)) for commit in repo.commits[1:]] == [
        wholes[0],
        wholes[2],
        wholes[1],
    ]
    assert 412 in [one.status for one in hub.requests if one.path.endswith("/commit/main")]
    assert len(repo.tags) == 3
    states = [
        frozenset((path, file.blob_id) for path, file in commit.contents.items())
        for commit in repo.commits[1:]
    ]
    assert set(seen) <= set(states)
    assert {states[0], states[-1]} <= set(seen)


def test_what_stops_with_ctrl_c_leaves_no_folder_and_goes_on(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path, not_reloaded: None
) -> None:
    from huggingface_hub import HfApi

    true_commit = HfApi.create_commit

    def interrupted(*words: Any, **named: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(HfApi, "create_commit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(feature_set, REPO, **ALLOWED)
    assert not (own_cache / PLACE).exists()
    assert own_commits(lab.hub) == []
    monkeypatch.setattr(HfApi, "create_commit", true_commit)
    assert publish(feature_set, REPO, **ALLOWED).is_new_commit

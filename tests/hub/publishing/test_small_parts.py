"""What is asked for, what a token may, digests of files, and the folder where staging happens."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.errors import CacheCorruptError, CacheWriteError, HubLoginError, OptionError
from emotalk_data.hub.publishing.bars import client_bars
from emotalk_data.hub.publishing.fingerprints import content_tag, fingerprint, fingerprints
from emotalk_data.hub.publishing.options import check_gate, check_repo_id, check_tag
from emotalk_data.hub.publishing.repository import Repository
from emotalk_data.hub.publishing.rights import _problem, check_may_write
from emotalk_data.hub.publishing.staging_place import PLACE, staging_place
from tests.hub_double_fixtures import OnHub


@pytest.mark.parametrize("name", ["lab/emotalk-hubert", "l/e", "Lab_1/a.b-c_d"])
def test_names_of_repositories_have_an_owner(name: str) -> None:
    assert check_repo_id(name) == name


@pytest.mark.parametrize(
    "name",
    ["hubert", "a/b/c", "lab/", "/x", "lab/a b", "lab/a--b", "lab/a..b", "lab/-a", "lab/a.", "lab/über", "", 7,
     None, "lab/" + "a" * 100, "lab/a\n"],
)  # fmt: skip
def test_other_names_are_refused(name: object) -> None:
    with pytest.raises(OptionError, match=r"repo_id is .*expected OWNER/NAME"):
        check_repo_id(name)


def test_gates_are_three() -> None:
    assert [check_gate(one) for one in ("manual", "auto", False)] == ["manual", "auto", False]
    for odd in ("none", None, True, 0, "", ["manual"]):
        with pytest.raises(OptionError, match="expected 'manual'"):
            check_gate(odd)


def test_tags_are_names_that_git_takes() -> None:
    assert [check_tag(one) for one in (None, "v1", "1.0.0", "set-0a")] == [None, "v1", "1.0.0", "set-0a"]
    for odd in ("main", "HEAD", "a..b", "a b", "-v", "", "a/b", "a\n", 1, "v" * 101):
        with pytest.raises(OptionError, match="tag is "):
            check_tag(odd)


def account(role: str = "write", **more: Any) -> dict[str, Any]:
    return {
        "name": "me",
        "orgs": [{"name": "lab", "roleInOrg": "write"}],
        "auth": {"accessToken": {"role": role}},
    } | more


@pytest.mark.parametrize(
    ("told", "repo_id", "problem"),
    [
        (account(), "me/x", None),
        (account(), "lab/x", None),
        (account(), "you/x", "'you' is not the token's: it is of 'me', 'lab'"),
        (account("read"), "me/x", "the token of 'me' may only read. Make one of type 'write'"),
        (account(orgs=[{"name": "lab", "roleInOrg": "read"}]), "lab/x", "'me' may only read in 'lab'"),
        (account(orgs=[{"name": "lab"}]), "lab/x", None),
        (account("fineGrained"), "me/x", None),  # it does not say what it may: the Hub will
        ({"name": "me"}, "me/x", None),
        ({"name": "me", "orgs": None, "auth": "?"}, "me/x", None),
    ],
)
def test_what_whoami_says_decides_what_a_token_may(
    told: dict[str, Any], repo_id: str, problem: str | None
) -> None:
    found = _problem(told, repo_id)
    assert found is None if problem is None else problem in str(found)


@pytest.mark.parametrize(
    ("entity", "permissions", "is_granted"),
    [
        ("lab", ["repo.content.read", "repo.write"], True),
        ("lab/x", ["repo.write"], True),
        ("lab", ["repo.content.read"], False),
        ("me", ["repo.write"], False),
    ],
)
def test_a_fine_grained_token_may_what_it_is_granted(
    entity: str, permissions: list[str], is_granted: bool
) -> None:
    scoped = [{"entity": {"name": entity}, "permissions": permissions}]
    told = account(auth={"accessToken": {"role": "fineGrained", "fineGrained": {"scoped": scoped}}})
    found = _problem(told, "lab/x")
    assert (found is None) == is_granted
    assert is_granted or "the fine-grained token of 'me' may not write there" in str(found)


def test_the_rights_are_asked_for_once_and_nothing_else(lab: OnHub) -> None:
    from emotalk_data.hub_client.token import find_token

    check_may_write(Repository("lab/x", find_token(None)))
    assert [one.path for one in lab.hub.requests] == ["/api/whoami-v2"]
    with pytest.raises(HubLoginError, match="without a token that may write"):
        check_may_write(Repository("lab/x", None))


def test_digests_are_those_of_git_and_sha256sum(tmp_path: Path) -> None:
    file = tmp_path / "一 file"
    file.write_bytes(bytes(range(256)) * 9000)
    told = fingerprint(file, "x")
    git = subprocess.run(["git", "hash-object", str(file)], capture_output=True, text=True, check=True)
    assert told.blob_id == git.stdout.strip()
    assert told.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert told.size_bytes == 256 * 9000


def test_a_file_that_cannot_be_read_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(CacheCorruptError, match="cannot read the staged file"):
        fingerprint(tmp_path / "gone", "gone")


def test_the_tag_of_a_content_is_that_of_its_data_alone(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name / "a" / "data").mkdir(parents=True)
        (tmp_path / name / "a/data/x.parquet").write_bytes(b"rows")
        (tmp_path / name / "README.md").write_text(name)
        (tmp_path / name / "croissant.json").write_text(name)
    one, other = fingerprints(tmp_path / "one"), fingerprints(tmp_path / "other")
    assert list(one) == ["README.md", "a/data/x.parquet", "croissant.json"]
    assert content_tag(one) == content_tag(other)
    (tmp_path / "other/a/data/x.parquet").rename(tmp_path / "other/a/data/y.parquet")
    assert content_tag(fingerprints(tmp_path / "other")) != content_tag(one)
    assert check_tag(content_tag(one)) == content_tag(one)


def test_the_staging_folder_is_gone_whatever_happens(own_cache: Path) -> None:
    with staging_place() as place:
        (place / "set").mkdir()
        (place / "set" / "x").write_text("x")
        assert place.parent == own_cache / PLACE
    with pytest.raises(KeyboardInterrupt), staging_place():
        raise KeyboardInterrupt
    assert list(own_cache.iterdir()) == []


def test_what_killed_runs_left_goes_with_the_next_one_and_running_ones_stay(own_cache: Path) -> None:
    left = own_cache / PLACE / "4711-dead"
    (left / "set").mkdir(parents=True)
    (left / "set" / "x").write_text("x")
    with staging_place() as running:
        assert not left.exists()
        with staging_place() as other:
            assert running.is_dir()
            assert other != running
        assert running.is_dir()


def test_a_link_among_the_left_overs_is_not_followed(own_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "x").write_text("x")
    (own_cache / PLACE).mkdir()
    (own_cache / PLACE / "link").symlink_to(tmp_path / "precious")
    with staging_place():
        pass
    assert (tmp_path / "precious" / "x").exists()


def test_the_next_run_waits_while_another_one_makes_its_folder(own_cache: Path) -> None:
    """Between a folder and its lock nobody takes it for left over."""
    (own_cache / PLACE).mkdir()
    holder = os.open(own_cache / PLACE, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)  # as a run does that is making its folder
    made: list[Path] = []

    def run() -> None:
        with staging_place() as place:
            made.append(place)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(0.2)
    assert made == []
    os.close(holder)
    thread.join(30)
    assert len(made) == 1


def test_a_cache_that_may_not_be_written_is_a_typed_error(
    public_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    without_privileges: Callable[[], AbstractContextManager[None]],
) -> None:
    import datasets

    public_path.chmod(0o555)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", public_path)
    with (
        without_privileges(),
        pytest.raises(CacheWriteError, match=r"cannot make a staging folder in .*HF_DATASETS_CACHE"),
        staging_place(),
    ):
        pass


def test_the_clients_bars_are_put_back_by_the_last_of_several_threads(
    recwarn: pytest.WarningsRecorder,
) -> None:
    import datasets
    from huggingface_hub.utils.tqdm import progress_bar_states as states

    before = dict(states)
    states.update({"_global": True, "some.group": False, "other.group": True})
    datasets.disable_progress_bars()  # tests/conftest.py puts them back
    try:
        first, second = client_bars(), client_bars()
        first.__enter__()
        second.__enter__()
        assert states == {"_global": False, "some.group": False, "other.group": False}
        first.__exit__(None, None, None)
        assert not any(states.values())  # the second one is not done
        second.__exit__(None, None, None)
        # What was said of single groups is not forgotten either.
        assert states == {"_global": True, "some.group": False, "other.group": True}
        datasets.enable_progress_bars()
        with client_bars():
            assert states["_global"]
    finally:
        states.clear()
        states.update(before)
    assert not recwarn.list

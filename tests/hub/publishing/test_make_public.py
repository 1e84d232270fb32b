"""`make_public`: the guard sees all that would become readable, and the gate comes first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emotalk_data import make_public, publish
from emotalk_data.errors import (
    HubLoginError,
    HubNotFoundError,
    HubUnreachableError,
    PublishError,
    PublishRefusedError,
)
from emotalk_data.hub.publishing.repository import Repository
from emotalk_data.schemas.split_file import SplitFile
from emotalk_data.testing.hub_double import Fault
from tests.feature_shards import make_rows, write_set
from tests.hub_double_fixtures import OnHub

from .conftest import ALLOWED, REPO, changes, make_set

pytestmark = pytest.mark.usefixtures("not_reloaded", "no_waits")
VECTORS: dict[str, Any] = {"encoder_licences": ALLOWED["encoder_licences"]}


@pytest.fixture
def published(lab: OnHub, feature_set: Path) -> OnHub:
    """A private repository with vectors of utterances, of which its owner has removed the gate by hand."""
    publish(feature_set, REPO, levels=["utterance"], **VECTORS)
    lab.hub.repo(REPO).gated = False
    lab.hub.repo(REPO).settings_history.clear()
    return lab


def test_the_gate_is_set_before_the_repository_is_opened(published: OnHub) -> None:
    repo = published.hub.repo(REPO)
    done = make_public(REPO, **VECTORS)
    assert repo.settings_history == [{"gated": "manual"}, {"visibility": "public"}]
    assert (repo.private, repo.gated) == (False, "manual")
    assert (done.visibility, done.is_changed, done.commit) == ("gated", True, repo.branches["main"])
    assert str(done).startswith(f"opened {REPO}: public, gated (manual), commit ")
    before = len(published.hub.requests)
    again = make_public(REPO, **VECTORS)
    assert str(again).startswith(f"nothing to do: {REPO} has all of it: public, gated (manual)")
    assert changes(published.hub, before) == []


def test_with_xet_too_all_that_lies_there_is_judged(xet_lab: OnHub, feature_set: Path) -> None:
    publish(feature_set, REPO, levels=["utterance"], **VECTORS)
    assert make_public(REPO, **VECTORS).is_changed
    assert not xet_lab.hub.repo(REPO).private


def test_labels_need_no_gate(lab: OnHub, tmp_path: Path) -> None:
    splits = {"train": ["G00001_01", "G00003_01"], "validation": ["G00012_01"], "test": ["G00002_01"]}
    file = tmp_path / "splits.json"
    SplitFile(corpus="emotalk", folds=[{"splits": splits}]).save(file)
    publish({"frozen": file}, "lab/splits", gated=False)
    done = make_public("lab/splits", gated=False)
    repo = lab.hub.repo("lab/splits")
    assert (repo.private, repo.gated, done.visibility) == (False, False, "public")


def test_features_stay_behind_a_gate(published: OnHub) -> None:
    before = len(published.hub.requests)
    with pytest.raises(PublishRefusedError):
        make_public(REPO, gated=False, **VECTORS)
    assert changes(published.hub, before) == []
    assert published.hub.repo(REPO).private


def test_m3ed_stays_private(lab: OnHub, tmp_path: Path) -> None:
    rows = make_rows([f"anjia_1_{number}" for number in range(3)])
    write_set(tmp_path / "set", rows, levels=("utterance",), corpus="m3ed")
    flags = {**VECTORS, "allow": ["m3ed-private"]}
    publish(tmp_path / "set", REPO, **flags)
    with pytest.raises(PublishRefusedError, match="M3ED has no licence file"):
        make_public(REPO, **flags)
    assert lab.hub.repo(REPO).private


def test_flags_are_to_be_given_once_more(lab: OnHub, feature_set: Path) -> None:
    publish(feature_set, REPO, **ALLOWED)
    with pytest.raises(PublishRefusedError, match="frame-features"):
        make_public(REPO, **VECTORS)
    assert lab.hub.repo(REPO).private
    assert make_public(REPO, **ALLOWED).visibility == "gated"


@pytest.mark.parametrize(
    "path", ["notes.txt", "tiny_hubert/faces.png", "tiny_hubert/data/a.txt", "other/data/x.parquet"]
)
def test_what_publishing_did_not_put_there_refuses_the_whole(published: OnHub, path: str) -> None:
    published.hub.commit(REPO, {path: b"what is it?"}, "By hand")
    with pytest.raises(PublishRefusedError, match="lab/emotalk-hubert holds ") as raised:
        make_public(REPO, **VECTORS)
    assert "snapshot" not in str(raised.value)
    assert path.rpartition("/")[2] in str(raised.value)
    assert published.hub.repo(REPO).private
    assert published.hub.repo(REPO).gated is False


def test_a_shard_that_was_changed_there_refuses_the_whole(published: OnHub, tmp_path: Path) -> None:
    """A shard of another set in the place of ours: it is judged as what it is, or refused."""
    path = "tiny_hubert/plan.json"
    text = published.hub.repo(REPO).files()[path]
    published.hub.commit(REPO, {path: text + b"\n\n"}, "By hand")
    with pytest.raises(PublishRefusedError, match=r"holds 'tiny_hubert/plan\.json'"):
        make_public(REPO, **VECTORS)
    assert published.hub.repo(REPO).private


def test_what_only_the_history_holds_would_become_public_too(lab: OnHub, feature_set: Path) -> None:
    """Frames were published, privately, with a flag; then only vectors. The old commit still has the frames."""
    publish(feature_set, REPO, **ALLOWED)
    frames = [path for path in lab.hub.repo(REPO).files() if path.startswith("tiny_hubert_frames/")]
    publish(feature_set, REPO, levels=["utterance"], **VECTORS)
    lab.hub.commit(REPO, dict.fromkeys(frames), "Without the frames")
    with pytest.raises(PublishRefusedError, match=r"holds in its history, at .*super_squash_history"):
        make_public(REPO, **VECTORS)
    planned = pytest.raises(PublishRefusedError, match="holds in its history")
    with planned:
        make_public(REPO, dry_run=True, **VECTORS)
    assert lab.hub.repo(REPO).private


def test_older_sets_that_may_be_read_too_are_no_obstacle(lab: OnHub, tmp_path: Path) -> None:
    for seed in range(3):
        publish(make_set(tmp_path / str(seed), seed=seed), REPO, levels=["utterance"], **VECTORS)
    before = len(lab.hub.requests)
    make_public(REPO, **VECTORS)
    shards = [one.path for one in lab.hub.requests[before:] if one.path.startswith("/cdn/")]
    assert len(set(shards)) == 3 * 5  # each of the older ones was looked into
    assert not lab.hub.repo(REPO).private


def test_a_branch_counts_as_history(published: OnHub) -> None:
    hub = published.hub
    hub.repo(REPO).branches["draft"] = hub.commit(REPO, {"tiny_hubert/secret.txt": b"x"}, "A draft")
    hub.commit(REPO, {"tiny_hubert/secret.txt": None}, "Remove it")
    with pytest.raises(
        PublishRefusedError, match=r"in its history, at commit [0-9a-f]{12}, 'tiny_hubert/secret\.txt'"
    ):
        make_public(REPO, **VECTORS)


def test_a_dry_run_tells_every_decision_and_changes_nothing(published: OnHub) -> None:
    before = len(published.hub.requests)
    told = make_public(REPO, dry_run=True, **VECTORS)
    assert changes(published.hub, before) == []
    assert told.judgement.is_allowed
    assert "column tiny_hubert" in str(told)
    assert f"dry run: {REPO} could be made public, gated (manual); nothing was uploaded" in str(told)
    refused = make_public(REPO, gated=False, dry_run=True, **VECTORS)
    assert not refused.judgement.is_allowed
    assert f"dry run: {REPO} would be refused; nothing was uploaded" in str(refused)
    assert changes(published.hub, before) == []


@pytest.mark.parametrize("path", ["/settings$", "/resolve/", "/commits/", "/tree/"])
def test_a_fault_that_passes_is_no_obstacle(published: OnHub, path: str) -> None:
    once = Fault(path=path, status=503)
    published.hub.faults.append(once)
    done = make_public(REPO, **VECTORS)
    repo = published.hub.repo(REPO)
    assert once.num_hits == 1
    assert (repo.private, repo.gated, done.commit) == (False, "manual", repo.branches["main"])


def test_a_fault_for_good_leaves_it_private(published: OnHub) -> None:
    published.hub.faults.append(Fault(path="/settings$", status=503, times=None, skip=1))
    with pytest.raises(HubUnreachableError, match="make lab/emotalk-hubert public"):
        make_public(REPO, **VECTORS)
    assert published.hub.repo(REPO).private


def test_a_commit_in_the_last_moment_closes_it_again(
    published: OnHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_change = Repository.change

    def change(self: Repository, what: str, **settings: Any) -> None:
        true_change(self, what, **settings)
        if settings == {"private": False}:
            published.hub.commit(REPO, {"raw.txt": b"not judged"}, "In between")

    monkeypatch.setattr(Repository, "change", change)
    with pytest.raises(PublishError, match="someone wrote to lab/emotalk-hubert while it was being opened"):
        make_public(REPO, **VECTORS)
    assert published.hub.repo(REPO).private
    assert published.hub.repo(REPO).gated is False


def test_what_is_not_there_is_said(lab: OnHub) -> None:
    with pytest.raises(
        HubNotFoundError, match="Publish it first: `emotalk publish FOLDER --to lab/emotalk-hubert`"
    ):
        make_public(REPO)
    lab.hub.add_repo("lab/empty", private=True)
    with pytest.raises(PublishRefusedError, match="lab/empty holds nothing that `emotalk publish`"):
        make_public("lab/empty")
    lab.sign_in(None)
    with pytest.raises(HubLoginError, match="without a token"):
        make_public(REPO)

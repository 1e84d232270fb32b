"""`dry_run=True`: every decision, what would be sent, and nothing that writes."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from emotalk_data import publish
from emotalk_data.errors import OptionError
from emotalk_data.hub.publishing.staging_place import PLACE
from emotalk_data.testing.hub_double import Fault
from tests.hub_double_fixtures import OnHub

from .conftest import ALLOWED, CONFIGS, REPO, changes, make_set


@pytest.mark.usefixtures("not_reloaded")
def test_every_column_and_file_has_its_decision_and_nothing_is_written(lab: OnHub, feature_set: Path) -> None:
    told = publish(feature_set, REPO, dry_run=True, **ALLOWED)
    assert changes(lab.hub) == []
    assert (told.is_dry_run, told.is_changed, told.is_new_commit, told.commit) == (True, False, False, None)
    decided = {(one.config, one.place) for one in told.judgement.decisions}
    for config in CONFIGS:
        for place in ("column utterance_id", f"column {config}", "column error", "file plan.json"):
            assert (config, place) in decided
            assert place in str(told)
    assert str(told).count("\n") > len(told.judgement.decisions)
    done = publish(feature_set, REPO, **ALLOWED)
    # What it said is what was sent.
    assert (told.num_files, told.num_new_files, told.tag) == (done.num_files, done.num_new_files, done.tag)
    assert (told.num_bytes, told.num_new_bytes) == (done.num_bytes, done.num_new_bytes)
    assert f"{told.num_files} of {told.num_files} files, {told.num_bytes:,} bytes, would be uploaded" in str(
        told
    )
    assert json.loads(json.dumps(told.to_dict()))["is_dry_run"] is True


@pytest.mark.usefixtures("not_reloaded")
def test_only_what_differs_would_be_sent(lab: OnHub, feature_set: Path, tmp_path: Path) -> None:
    publish(feature_set, REPO, **ALLOWED)
    before = len(lab.hub.requests)
    same = publish(feature_set, REPO, dry_run=True, **ALLOWED)
    assert same.num_new_files == 0
    assert f"{REPO} has all {same.num_files} files already, tag {same.tag}" in str(same)
    other = publish(make_set(tmp_path / "other", num_train=12), REPO, dry_run=True, **ALLOWED)
    assert 0 < other.num_new_files < other.num_files
    assert changes(lab.hub, before) == []


def test_what_is_refused_is_told_and_not_raised(lab: OnHub, feature_set: Path) -> None:
    told = publish(feature_set, REPO, dry_run=True)
    assert not told.judgement.is_allowed
    assert {one.flag for one in told.judgement.refusals} >= {"frame-features"}
    assert f"dry run: {REPO} would be refused; nothing was uploaded" in str(told)
    assert lab.hub.find_repo(REPO) is None


def test_no_token_and_no_net_are_needed(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.sign_in(None)
    assert "is for a repository that is private" in str(publish(feature_set, REPO, dry_run=True, **ALLOWED))
    with monkeypatch.context() as patch, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        patch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        told = publish(feature_set, REPO, dry_run=True, **ALLOWED)
        assert "the Hub was not asked (" in str(told)
        assert told.num_new_files == told.num_files
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    before = len(lab.hub.requests)
    told = publish(feature_set, REPO, dry_run=True, **ALLOWED)
    assert "HF_HUB_OFFLINE is set" in str(told)
    assert len(lab.hub.requests) == before
    public = publish(feature_set, REPO, private=False, dry_run=True, **ALLOWED)
    assert public.visibility == "gated"
    assert "is for a repository that is public" in str(public)


def test_a_hub_that_fails_is_asked_once(lab: OnHub, feature_set: Path) -> None:
    fault = Fault(path=f"/api/datasets/{REPO}$", status=503, times=None)
    lab.hub.faults.append(fault)
    publish(feature_set, REPO, dry_run=True, **ALLOWED)
    assert fault.num_hits == 1


def test_what_contradicts_the_repository_is_an_error_all_the_same(lab: OnHub, feature_set: Path) -> None:
    lab.hub.add_repo(REPO)
    with pytest.raises(OptionError, match="is public, and private is True"):
        publish(feature_set, REPO, dry_run=True, **ALLOWED)


def test_nothing_stays_in_the_cache(lab: OnHub, feature_set: Path, own_cache: Path) -> None:
    publish(feature_set, REPO, dry_run=True, **ALLOWED)
    assert not (own_cache / PLACE).exists()

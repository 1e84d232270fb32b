"""Each request of a publish fails once: it ends in the same state. What fails for good is a typed error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from emotalk_data import publish
from emotalk_data.errors import (
    HubAccessError,
    HubError,
    HubLoginError,
    HubOfflineError,
    HubUnreachableError,
    PublishError,
)
from emotalk_data.hub.publishing import reload
from emotalk_data.hub_client import limits
from emotalk_data.testing.hub_double import Fault, HubDouble
from tests.hub_double_fixtures import OnHub

from .conftest import ALLOWED, REPO, TOKEN, changes, own_commits

API = f"/api/datasets/{REPO}"
NO_WAIT = {"Retry-After": "0"}
ONCE: dict[str, dict[str, Any]] = {
    "too many requests, asked for who it is": {"path": "/whoami-v2$", "status": 429, "headers": NO_WAIT},
    "asked to wait an hour": {"path": "/whoami-v2$", "status": 429, "headers": {"Retry-After": "3600"}},
    "unavailable, looked at": {"path": f"^{API}$", "status": 503},
    "unavailable, created": {"path": "/repos/create$", "status": 503},
    "created, and the answer is lost": {"path": "/repos/create$", "cut_after": 0},
    "unavailable, gate set": {"path": "/settings$", "status": 503},
    "gate set, and the answer is lost": {"path": "/settings$", "cut_after": 0},
    "unavailable, listed": {"path": "/tree/", "status": 503},
    "a listing is cut": {"path": "/tree/", "cut_after": 20},
    "unavailable, card checked": {"path": "/validate-yaml$", "status": 503, "body": b"{}"},
    "unavailable, before the upload": {"path": "/preupload/", "status": 503},
    "too many requests, before the upload": {"path": "/preupload/", "status": 429, "headers": NO_WAIT},
    "unavailable, asked where to": {"path": "/objects/batch$", "status": 503},
    "unavailable, a shard": {"path": "^/lfs/", "method": "PUT", "status": 503},
    "cut in the middle of a shard": {"path": "^/lfs/", "method": "PUT", "cut_upload_after": 100},
    "a shard is there, and the answer is lost": {"path": "^/lfs/", "method": "PUT", "cut_after": 0},
    "unavailable, a shard verified": {"path": "/lfs/verify$", "status": 503},
    "unavailable, committed": {"path": "/commit/main$", "status": 503},
    "someone else commits": {"path": "/commit/main$", "status": 409},
    "someone else has committed": {"path": "/commit/main$", "status": 412},
    "cut in the middle of the commit": {"path": "/commit/main$", "cut_upload_after": 50},
    "committed, and the answer is lost": {"path": "/commit/main$", "cut_after": 0},
    "unavailable, tags listed": {"path": "/refs$", "status": 503, "skip": 1},
    "unavailable, tagged": {"path": "/tag/", "status": 503},
    "tagged, and the answer is lost": {"path": "/tag/", "cut_after": 0},
}


@pytest.mark.usefixtures("not_reloaded", "no_waits")
@pytest.mark.parametrize("name", ONCE)
def test_a_request_that_fails_once_changes_nothing(lab: OnHub, feature_set: Path, name: str) -> None:
    fault = Fault(**ONCE[name])
    lab.hub.faults.append(fault)
    done = publish(feature_set, REPO, **ALLOWED)
    assert fault.num_hits == 1
    _check_whole(lab.hub, done.commit, done.tag)
    assert done.is_new_commit
    # What was cut or refused was not taken in, and what was taken in is not sent again: but for the one object of
    # which the client never heard that it had come.
    is_unheard = name == "a shard is there, and the answer is lost"
    assert sorted(lab.hub.received.values()) == [1] * 9 + [2 if is_unheard else 1]


@pytest.mark.usefixtures("not_reloaded", "no_waits")
def test_with_xet_too_a_request_that_fails_once_changes_nothing(xet_lab: OnHub, feature_set: Path) -> None:
    lost = [Fault(path="xet-write-token", status=503), Fault(path="/commit/main$", cut_after=0)]
    xet_lab.hub.faults.extend(lost)
    done = publish(feature_set, REPO, **ALLOWED)
    assert [fault.num_hits for fault in lost] == [1, 1]
    _check_whole(xet_lab.hub, done.commit, done.tag)


def _check_whole(hub: HubDouble, commit: str | None, tag: str) -> None:
    repo = hub.repo(REPO)
    assert (repo.private, repo.gated) == (True, "manual")
    assert own_commits(hub) == ["Publish tiny_hubert, tiny_hubert_frames"]
    assert repo.branches["main"] == commit
    assert repo.tags == {tag: commit}


@pytest.mark.usefixtures("not_reloaded", "no_waits")
def test_a_silent_hub_is_left_after_our_time_limit(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.SILENCE_SECONDS, "read", 0.5)
    silent = Fault(path="/tree/", hang_seconds=60)
    lab.hub.faults.append(silent)
    done = publish(feature_set, REPO, **ALLOWED)
    assert silent.num_hits == 1
    _check_whole(lab.hub, done.commit, done.tag)


GATED = {"X-Error-Code": "GatedRepo"}
FOR_GOOD: dict[str, tuple[dict[str, Any], type[HubError], str]] = {
    "who it is": (
        {"path": "/whoami-v2$", "status": 503},
        HubUnreachableError,
        "cannot ask whose token this is",
    ),
    "looking": (
        {"path": f"^{API}$", "status": 503},
        HubUnreachableError,
        "cannot look at lab/emotalk-hubert",
    ),
    "creating": (
        {"path": "/repos/create$", "status": 500},
        HubUnreachableError,
        "cannot create the repository",
    ),
    "no right to create": ({"path": "/repos/create$", "status": 403}, HubLoginError, "has not the rights"),
    "the gate": ({"path": "/settings$", "status": 503}, HubUnreachableError, "cannot set the gate"),
    "listing": ({"path": "/tree/", "status": 503}, HubUnreachableError, "cannot publish to"),
    "shards": ({"path": "^/lfs/", "status": 503}, HubUnreachableError, "cannot publish to"),
    "shards cut": ({"path": "^/lfs/", "cut_upload_after": 9}, HubUnreachableError, "cannot publish to"),
    "committing": ({"path": "/commit/", "status": 503}, HubUnreachableError, "cannot publish to"),
    "always overtaken": (
        {"path": "/commit/", "status": 412},
        HubError,
        "was changed by someone else meanwhile",
    ),
    "no right to commit": ({"path": "/commit/", "status": 403}, HubLoginError, "has not the rights"),
    "expired meanwhile": (
        {"path": "/commit/", "status": 401},
        HubLoginError,
        "the Hub does not take the token",
    ),
    "not let in": ({"path": "/tree/", "status": 403, "headers": GATED}, HubAccessError, "was not let in"),
    "tagging": ({"path": "/tag/", "status": 503}, HubUnreachableError, "cannot tag lab/emotalk-hubert"),
}


@pytest.mark.usefixtures("not_reloaded", "no_waits")
@pytest.mark.parametrize("name", FOR_GOOD)
def test_what_fails_for_good_is_a_typed_error_and_the_same_command_goes_on(
    lab: OnHub, feature_set: Path, name: str
) -> None:
    fault, error, message = FOR_GOOD[name]
    lab.hub.faults.append(Fault(**fault, times=None))
    with pytest.raises(error, match=re.escape(message)) as raised:
        publish(feature_set, REPO, **ALLOWED)
    assert type(raised.value) is error
    if name != "tagging" and lab.hub.find_repo(REPO) is not None:
        assert lab.hub.repo(REPO).private
        assert own_commits(lab.hub) == []
    lab.hub.faults.clear()
    done = publish(feature_set, REPO, **ALLOWED)
    _check_whole(lab.hub, done.commit, done.tag)
    assert set(lab.hub.received.values()) == {1}


@pytest.mark.parametrize(
    ("role", "repo_id", "message"),
    [
        ("read", "you/x", "the token of 'you' may only read"),
        ("expired", "you/x", "the Hub does not take the token: it is expired"),
        ("write", "lab/emotalk-hubert", "'lab' is not the token's: it is of 'you', 'us'"),
    ],
)
def test_a_token_that_may_not_is_told_before_anything_is_staged(
    lab: OnHub, tmp_path: Path, role: Any, repo_id: str, message: str
) -> None:
    yours = TOKEN.replace("canary", "yours")
    lab.hub.add_account("you", token=yours, role=role, organisations=("us",))
    lab.sign_in(yours)
    with pytest.raises(HubLoginError, match=message):
        publish(tmp_path / "nothing is here", repo_id, **ALLOWED)  # or it would be missed
    assert {one.path for one in lab.hub.requests} == {"/api/whoami-v2"}


def test_without_a_token_or_a_net_it_says_so(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.sign_in(None)
    with pytest.raises(HubLoginError, match="cannot publish lab/emotalk-hubert without a token"):
        publish(feature_set, REPO, **ALLOWED)
    lab.sign_in("hf_nobodys0123456789")
    with pytest.raises(HubLoginError, match="the Hub does not take the token"):
        publish(feature_set, REPO, **ALLOWED)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubOfflineError, match="HF_HUB_OFFLINE is set"):
        publish(feature_set, REPO, **ALLOWED)
    assert changes(lab.hub) == []


def test_reading_that_never_ends_is_ended(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "LONGEST_SECONDS", 0.1)
    with pytest.raises(PublishError, match=r"it had not answered after 0 s\. No tag was set"):
        publish(feature_set, REPO, **ALLOWED)
    assert lab.hub.repo(REPO).tags == {}


def test_reading_that_fails_for_a_moment_is_tried_again(lab: OnHub, feature_set: Path) -> None:
    gone = Fault(path=r"/resolve/.*/README\.md$", status=404)
    lab.hub.faults.append(gone)
    done = publish(feature_set, REPO, **ALLOWED)
    assert gone.num_hits == 1
    _check_whole(lab.hub, done.commit, done.tag)

"""Nothing is opened or sent that nobody judged: what comes in between, what is older, what has an odd name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

from emotalk_data import make_public, publish
from emotalk_data.errors import (
    CacheCorruptError,
    HubUnreachableError,
    OptionError,
    PublishError,
    PublishRefusedError,
)
from emotalk_data.hub.publishing import commit
from emotalk_data.hub.publishing.repository import Repository
from emotalk_data.schemas.split_file import SplitFile
from emotalk_data.testing.hub_double import Fault, HubDouble
from tests.hub_double_fixtures import OnHub

from .conftest import ALLOWED, REPO, make_set, own_commits

pytestmark = pytest.mark.usefixtures("not_reloaded", "no_waits")
VECTORS: dict[str, Any] = {"encoder_licences": ALLOWED["encoder_licences"]}
EVIL = "tiny_hubert/data/evil.wav"
EMBEDDED = b"data:audio/wav;base64,UklGRiQAAABXQVZFZm10IBAAAAAB" + b"A" * 300


@pytest.fixture
def published(lab: OnHub, feature_set: Path) -> OnHub:
    """A private repository with vectors of utterances."""
    publish(feature_set, REPO, levels=["utterance"], **VECTORS)
    return lab


def then(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], object]) -> None:
    """Let something happen once, after the first call of a step."""
    true_step = getattr(owner, name)
    left = [act]

    def step(*words: Any, **named: Any) -> Any:
        result = true_step(*words, **named)
        if left:
            left.pop()()
        return result

    monkeypatch.setattr(owner, name, step)


def a_file(hub: HubDouble) -> None:
    hub.commit(REPO, {EVIL: b"RIFF....WAVE not judged"}, "In between")


def a_file_and_back(hub: HubDouble) -> None:
    a_file(hub)
    hub.commit(REPO, {EVIL: None}, "And back")


def a_branch(hub: HubDouble) -> None:
    hub.repo(REPO).branches["draft"] = hub.repo(REPO).commits[0].oid


def a_tag(hub: HubDouble) -> None:
    hub.repo(REPO).tags["v0"] = hub.repo(REPO).commits[0].oid


@pytest.mark.parametrize("act", [a_file, a_file_and_back, a_branch, a_tag])
@pytest.mark.parametrize("step", ["judging", "sending"])
def test_what_comes_after_the_guard_has_looked_is_not_opened(
    published: OnHub, monkeypatch: pytest.MonkeyPatch, act: Callable[[HubDouble], None], step: str
) -> None:
    name = {"judging": "_check_history", "sending": "send"}[step]
    then(monkeypatch, opening(), name, lambda: act(published.hub))
    with pytest.raises(PublishError, match="someone wrote to lab/emotalk-hubert"):
        make_public(REPO, **VECTORS)
    repo = published.hub.repo(REPO)
    assert repo.private
    assert {"visibility": "public"} not in repo.settings_history
    if step == "judging" and act in (a_file, a_file_and_back):
        assert "Publish" not in repo.commits[-1].title  # nothing was put on top of it


def opening() -> Any:
    """Return the module: the package offers the function under the same name."""
    import importlib

    return importlib.import_module("emotalk_data.hub.publishing.make_public")


def test_a_branch_that_comes_while_it_is_opened_closes_it_again(
    published: OnHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_change = Repository.change

    def change(self: Repository, what: str, **settings: Any) -> None:
        true_change(self, what, **settings)
        if settings == {"private": False}:
            a_branch(published.hub)

    monkeypatch.setattr(Repository, "change", change)
    with pytest.raises(PublishError, match=r"while it was being opened \('refs/heads/draft'\)"):
        make_public(REPO, **VECTORS)
    assert published.hub.repo(REPO).private


def test_without_an_answer_after_opening_it_is_closed_again(
    published: OnHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_change = Repository.change

    def change(self: Repository, what: str, **settings: Any) -> None:
        true_change(self, what, **settings)
        if settings == {"private": False}:
            published.hub.faults.append(Fault(path="/refs$", status=503, times=None))

    monkeypatch.setattr(Repository, "change", change)
    with pytest.raises(HubUnreachableError, match="cannot list the branches"):
        make_public(REPO, **VECTORS)
    assert published.hub.repo(REPO).private


def test_a_commit_of_ours_whose_answer_is_lost_is_known_again(published: OnHub) -> None:
    published.hub.commit(REPO, {"croissant.json": None}, "Removed by hand")
    lost = Fault(path="/commit/main$", cut_after=0)
    published.hub.faults.append(lost)
    done = make_public(REPO, **VECTORS)
    repo = published.hub.repo(REPO)
    assert lost.num_hits == 1
    assert own_commits(published.hub) == ["Publish tiny_hubert", "Removed by hand", "Publish tiny_hubert"]
    assert (repo.private, done.commit) == (False, repo.branches["main"])


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("Another title", "someone wrote to lab/emotalk-hubert since it was judged"),
        # It cannot be told from ours but by what is in it.
        ("Publish tiny_hubert", "holds 'tiny_hubert/data/evil.wav' since it was judged: it was not opened"),
    ],
)
def test_a_commit_of_someone_else_is_not_taken_for_ours(
    published: OnHub, monkeypatch: pytest.MonkeyPatch, title: str, message: str
) -> None:
    published.hub.commit(REPO, {"croissant.json": None}, "Removed by hand")
    true_send = commit._send
    is_first = [True]

    def overtaken(*words: Any) -> str:
        if not is_first:
            return true_send(*words)
        is_first.clear()
        published.hub.commit(REPO, {EVIL: b"RIFF....WAVE"}, title)
        raise ConnectionError

    monkeypatch.setattr(commit, "_send", overtaken)
    with pytest.raises(PublishError, match=message):
        make_public(REPO, **VECTORS)
    assert published.hub.repo(REPO).private


OLD_TEXTS = {
    "README.md": b"# Ours\n" + EMBEDDED,
    "croissant.json": b'{"description": "' + EMBEDDED + b'"}',
    ".gitattributes": b"# " + EMBEDDED + b"\n",
}


@pytest.mark.parametrize("path", OLD_TEXTS)
def test_an_older_text_is_judged_too(published: OnHub, path: str) -> None:
    good = published.hub.repo(REPO).files().get(path)
    published.hub.commit(REPO, {path: OLD_TEXTS[path]}, "Oops")
    published.hub.commit(REPO, {path: good}, "And back")
    with pytest.raises(PublishRefusedError, match=r"in its history, at .*super_squash_history") as raised:
        make_public(REPO, **VECTORS)
    assert repr(path) in str(raised.value)
    assert published.hub.repo(REPO).private


def test_a_token_in_an_older_card_refuses_and_is_not_told(published: OnHub) -> None:
    good = published.hub.repo(REPO).files()["README.md"]
    published.hub.commit(REPO, {"README.md": good + b"\nhf_abcdefABCDEF0123456789\n"}, "Oops")
    published.hub.commit(REPO, {"README.md": good}, "And back")
    with pytest.raises(PublishRefusedError, match=r"in its history.*'README\.md'") as raised:
        make_public(REPO, dry_run=True, **VECTORS)
    assert "hf_abcdef" not in str(raised.value)


@pytest.mark.parametrize("content", [b"caf\xe9 \xff", b"# x\n" * (1 << 15), b"# " + b"word " * 4000])
def test_an_older_text_that_cannot_be_judged_refuses(published: OnHub, content: bytes) -> None:
    published.hub.commit(REPO, {".gitattributes": content}, "By hand")
    published.hub.commit(REPO, {".gitattributes": b"*.parquet filter=lfs\n"}, "And back")
    with pytest.raises(PublishRefusedError, match=r"is no UTF-8|more than 65,536 bytes|has at most 20,000"):
        make_public(REPO, **VECTORS)


def test_older_texts_of_ours_and_an_owners_own_words_are_no_obstacle(published: OnHub) -> None:
    good = published.hub.repo(REPO).files()["README.md"]
    for words in ("We thank all speakers.", "See our paper, 10.1000/182."):
        published.hub.commit(REPO, {"README.md": good + f"\n{words}\n".encode()}, words)
    assert make_public(REPO, **VECTORS).visibility == "gated"


@pytest.mark.parametrize("folder", ["[a]", "a*", "-x", ".hidden", "..", "a b", "x" * 96])
def test_a_folder_with_an_odd_name_is_refused_before_anything_is_downloaded(
    published: OnHub, folder: str
) -> None:
    path = f"{folder}/data/train-00000-of-00001.parquet"
    published.hub.commit(REPO, {path: b"PAR1"}, "By hand")
    before = len(published.hub.requests)
    with pytest.raises(
        PublishRefusedError, match="lets nothing become public that `emotalk publish`"
    ) as raised:
        make_public(REPO, **VECTORS)
    assert raised.value.path == path
    assert [one.path for one in published.hub.requests[before:] if "/resolve/" in one.path] == []


@pytest.mark.parametrize("suffix", ["parquet", "json"])
def test_bytes_that_are_written_after_they_were_judged_are_not_sent(
    lab: OnHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """A program of the user writes into its own file, of which the staged one is a second name."""
    own = make_set(tmp_path / "one", levels=("utterance",))
    true_send = commit.commit_once

    def written(*words: Any, **named: Any) -> Any:
        for place in (own, *lab.home.rglob("set"), *tmp_path.rglob("emotalk_publishing")):
            for path in sorted(place.rglob(f"*.{suffix}"))[:1]:
                with path.open("ab" if suffix == "json" else "r+b") as file:
                    file.write(b" \n" if suffix == "json" else b"RIFFWAVEevil")  # JSON is strict JSON still
        return true_send(*words, **named)

    monkeypatch.setattr("emotalk_data.hub.publishing.sending.commit_once", written)
    with pytest.raises(CacheCorruptError, match="was written to since it was judged; nothing was sent"):
        publish(own, REPO, **VECTORS)
    assert own_commits(lab.hub) == []
    assert lab.hub.bytes_received == 0
    assert all(b"RIFFWAVEevil" not in content for content in lab.hub.repo(REPO).files().values())


def test_a_repository_that_is_opened_while_it_is_written_to_is_closed_again(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    then(monkeypatch, commit, "_send", lambda: setattr(lab.hub.repo(REPO), "private", False))
    with pytest.raises(
        PublishError, match=r"someone made lab/emotalk-hubert gated while .* private: it is that"
    ):
        publish(feature_set, REPO, **ALLOWED)
    assert lab.hub.repo(REPO).private
    assert lab.hub.repo(REPO).tags == {}


def test_a_gate_that_is_removed_while_it_is_written_to_is_set_again(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.hub.add_repo(REPO, gated="auto")
    then(monkeypatch, commit, "_send", lambda: setattr(lab.hub.repo(REPO), "gated", False))
    with pytest.raises(PublishError, match="someone made lab/emotalk-hubert public while"):
        publish(feature_set, REPO, private=False, gated="auto", **ALLOWED)
    assert lab.hub.repo(REPO).gated == "manual"


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_needs_a_gate_has_one_while_it_is_private(lab: OnHub, feature_set: Path, dry_run: bool) -> None:
    with pytest.raises(PublishRefusedError, match=r"gated is False\. Give gated='manual'.*one click"):
        publish(feature_set, REPO, gated=False, dry_run=dry_run, **ALLOWED)
    assert lab.hub.find_repo(REPO) is None


def test_a_card_keeps_its_line_ends_and_one_that_is_no_utf_8_is_not_guessed_at(
    published: OnHub, feature_set: Path
) -> None:
    hub = published.hub
    hub.commit(REPO, {"README.md": b"# Ours\r\n\r\nWords of \xe4\xba\xba.\r\n"}, "By hand")
    publish(feature_set, REPO, levels=["utterance"], **VECTORS)
    assert b"# Ours\r\n\r\nWords of \xe4\xba\xba.\r\n" in hub.repo(REPO).files()["README.md"]
    hub.commit(REPO, {"README.md": b"# caf\xe9\n"}, "By hand")
    before = len(own_commits(hub))
    with pytest.raises(
        PublishRefusedError, match=r"'README\.md' of lab/emotalk-hubert is no UTF-8.*Save it as"
    ):
        publish(feature_set, REPO, levels=["utterance"], **VECTORS)
    assert len(own_commits(hub)) == before


def test_bytes_that_are_written_while_they_are_sent_are_in_no_commit(
    lab: OnHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = make_set(tmp_path / "one", levels=("utterance",))

    def write() -> None:
        with sorted(own.rglob("*.parquet"))[0].open("r+b") as file:
            file.write(b"RIFFWAVEevil")

    then(monkeypatch, HfApi, "preupload_lfs_files", write)
    with pytest.raises(
        CacheCorruptError, match="since it was judged; nothing was sent, or it is in no commit"
    ):
        publish(own, REPO, **VECTORS)
    assert own_commits(lab.hub) == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_gate_is_not_taken_away_by_what_needs_none(lab: OnHub, tmp_path: Path, dry_run: bool) -> None:
    """Something else in the repository may need it."""
    splits = {"train": ["G00001_01", "G00003_01"], "validation": ["G00012_01"], "test": ["G00002_01"]}
    SplitFile(corpus="emotalk", folds=[{"splits": splits}]).save(tmp_path / "splits.json")
    lab.hub.add_repo(REPO, private=True, gated="manual")
    with pytest.raises(OptionError, match=r"is gated \(manual\), and gated is False.*--gated none"):
        publish({"frozen": tmp_path / "splits.json"}, REPO, gated=False, dry_run=dry_run)
    assert lab.hub.repo(REPO).gated == "manual"

"""`emotalk download`, against the double of the Hub and a real git repository."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from click import UsageError

from emotalk_data.cli.app import main
from emotalk_data.errors import CacheWriteError, HubAccessError, HubLoginError, HubUnreachableError
from emotalk_data.load import find_release, load_dataset_builder
from emotalk_data.testing import make_m3ed
from tests.cli.conftest import Invoke
from tests.gated_release import CANARY, REPO, STRANGER, Gated, gated, tars
from tests.git_repository import init

__all__ = ["gated", "tars"]


def test_the_sizes_are_told_and_the_release_is_fetched(gated: Gated, invoke: Invoke) -> None:
    gated.on_hub.sign_in(CANARY)
    result = invoke("download", "emotalk")
    assert result.exit_code == 0, result.exception
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["Audio.tar", "2.8", "MB", "to", "come"] in lines
    assert ["Text.tar", "41.0", "kB", "to", "come"] in lines
    assert ["to", "come", "3.2", "MB", "in", "5", "files"] in lines
    assert f"commit {gated.commit}" in result.stdout
    assert "load_dataset('emotalk', split='train')" in result.stdout
    assert find_release("emotalk").endswith(gated.commit)
    gated.hub.requests.clear()
    again = invoke("download", "emotalk")
    assert "It was all there." in again.stdout
    assert gated.hub.requests == []


def test_a_dry_run_fetches_nothing(gated: Gated, invoke: Invoke) -> None:
    gated.on_hub.sign_in(CANARY)
    result = invoke("download", "emotalk", "--dry-run", "--modality", "text", "--modality", "audio")
    assert result.exit_code == 0, result.exception
    assert "Audio.tar" in result.stdout
    assert "Video.tar" not in result.stdout
    assert "Nothing was fetched." in result.stdout
    assert not [request for request in gated.hub.requests if request.path.startswith("/cdn/")]
    assert not (gated.folder / "refs").exists()


def test_a_dry_run_says_that_one_is_not_let_in(gated: Gated, invoke: Invoke) -> None:
    result = invoke("download", "emotalk", "--dry-run")
    assert isinstance(result.exception, HubLoginError)
    assert "Audio.tar" in result.stdout  # names and sizes are public
    gated.on_hub.sign_in(STRANGER)
    assert isinstance(invoke("download", "emotalk", "--dry-run").exception, HubAccessError)


def test_a_revision_moves_on_for_good(gated: Gated, invoke: Invoke) -> None:
    gated.on_hub.sign_in(CANARY)
    invoke("download", "emotalk", "--modality", "text")
    newer = gated.hub.commit(REPO, {"Video.tar": None}, "Withdraw")
    assert gated.commit in invoke("download", "emotalk", "--modality", "text").stdout
    result = invoke("download", "emotalk", "--revision", "main", "--modality", "text")
    assert newer in result.stdout
    assert "modalities=['text']" in result.stdout
    assert load_dataset_builder("emotalk", modalities=["text"]).listing.root.endswith(newer)
    assert len(gated.fetched("Text.tar")) == 1  # the blob is the same


def test_a_download_that_was_stopped_is_told(gated: Gated, invoke: Invoke) -> None:
    audio = gated.sample.root / "Audio.tar"
    blobs = gated.folder / "blobs"
    blobs.mkdir(parents=True)
    sha256 = hashlib.sha256(audio.read_bytes()).hexdigest()
    (blobs / f"{sha256}.incomplete").write_bytes(audio.read_bytes()[:1_000_000])
    result = invoke("download", "emotalk", "--dry-run")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["has", "come", "1.0", "MB", "of", "a", "download", "that", "was", "stopped"] in lines
    assert ["to", "come", "2.2", "MB", "in", "5", "files"] in lines


@pytest.mark.parametrize(
    ("token", "kind", "message"),
    [
        (None, HubLoginError, r"there is no token.*`hf auth login`.*By hand: `hf download.*emotalk sample"),
        (STRANGER, HubAccessError, r"the account 'stranger' was not let in.*By hand: `hf download"),
    ],
)
def test_what_keeps_it_from_coming_is_told_with_the_way_by_hand(
    gated: Gated, invoke: Invoke, token: str | None, kind: type[Exception], message: str
) -> None:
    gated.on_hub.sign_in(token)
    error = invoke("download", "emotalk").exception
    assert type(error) is kind
    with pytest.raises(kind, match=message):
        raise error
    assert "data_dir was not given" not in str(error)


def test_a_failure_is_one_line_and_exit_code_2(gated: Gated, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", "emotalk"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("emotalk: error: cannot download Audio.tar: BAAI/Emotiontalk needs a login")


def test_a_full_disk_is_told_by_the_dry_run_too(
    gated: Gated, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(gated.on_hub.home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000))
    error = invoke("download", "emotalk", "--dry-run").exception
    assert isinstance(error, CacheWriteError)
    assert "3.2 MB are to come, and 1.0 kB are free" in str(error)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["m3ed", "--modality", "text"], "--modality belongs to EmotionTalk"),
        (["emotalk", "--url", "https://x"], "--url belongs to M3ED"),
        (["emotalk", "--token", CANARY], "No such option"),
        (["emotalk", "--modality", "speech"], "Invalid value for '--modality'"),
    ],
)
def test_options_of_the_other_corpus_are_refused(invoke: Invoke, words: list[str], message: str) -> None:
    result = invoke("download", *words)
    assert result.exit_code == UsageError.exit_code
    assert message in result.output
    assert CANARY not in result.output


def test_m3ed_comes_by_git_and_what_nobody_releases_is_said(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "hf"))
    root = make_m3ed(tmp_path / "authors", num_dialogues=1, audio=False, oddities=False).root
    commit = init(root)
    dry = invoke("download", "m3ed", "--url", root.as_uri(), "--dry-run")
    assert f"git clone --depth 1 {root.as_uri()}" in dry.stdout.replace("\n", "")
    assert not (tmp_path / "hf").exists()
    done = invoke("download", "m3ed", "--url", root.as_uri())
    assert done.exit_code == 0, done.exception
    again = invoke("download", "m3ed")
    for result in (done, again):
        text = " ".join(result.stdout.split())
        assert commit in text
        assert "TV episodes are under copyright and are not released by anybody" in text
        assert "audio clips come from the authors on request" in text
        assert "episodes_dir=DIR" in text
    assert "there already" in again.stdout
    found = find_release("m3ed")
    assert Path(found).parent == tmp_path / "hf" / "emotalk_data" / "m3ed"
    failed = invoke("download", "m3ed", "--url", (tmp_path / "none").as_uri())
    assert isinstance(failed.exception, HubUnreachableError)
    assert find_release("m3ed") == found


def test_other_verbs_say_how_to_get_a_release_and_fetch_none(gated: Gated, invoke: Invoke) -> None:
    gated.on_hub.sign_in(CANARY)
    for words in (
        ["info", "emotalk"],
        ["validate", "/nonexistent"],
        ["stats", "emotalk"],
        ["splits", "check"],
    ):
        invoke(*words)
    assert gated.hub.requests == []
    assert "`emotalk download emotalk`" in str(invoke("stats", "emotalk").exception)
    invoke("download", "emotalk")
    gated.hub.requests.clear()
    result = invoke("info", "emotalk")
    assert gated.commit in result.output
    assert gated.hub.requests == []

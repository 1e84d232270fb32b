"""Contract tests against the double: a gated release in one line, and what is asked for on the way."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest

from emotalk_data.download import places
from emotalk_data.download.transfer import _LARGE_BYTES
from emotalk_data.errors import (
    CacheWriteError,
    HubError,
    HubNotFoundError,
    HubOfflineError,
    OptionError,
    ReleaseNotFoundError,
)
from emotalk_data.load import find_release, load_dataset, load_dataset_builder
from emotalk_data.testing import EmotalkSample, make_emotalk
from emotalk_data.testing.hub_double import Fault
from tests.gated_release import CANARY, REPO, Gated, add_accounts, files_of
from tests.hub_double_fixtures import OnHub


def _rows(dataset: datasets.DatasetDict) -> dict[str, list[str]]:
    return {split: sorted(dataset[split]["utterance_id"]) for split in dataset}


def test_one_line_with_nothing_but_a_token_gives_the_rows(
    gated: Gated, caplog: pytest.LogCaptureFixture
) -> None:
    gated.on_hub.sign_in(CANARY)
    ds = load_dataset("emotalk")
    assert _rows(ds) == {split: gated.sample.split_ids(split) for split in ds}
    row = ds["train"][0]
    truth = gated.sample.by_id[row["utterance_id"]]
    assert row["audio"].num_samples == truth.num_samples
    assert row["video"].num_frames > 0
    told = [
        record.getMessage() for record in caplog.records if record.name.startswith("emotalk_data.download")
    ]
    assert len(told) == 1
    assert re.match(
        rf"downloading 5 files, [0-9.]+ MB, of {REPO} at {gated.commit[:10]} to .*free\)", told[0]
    )


def test_the_token_may_be_an_argument(gated: Gated) -> None:
    builder = load_dataset_builder("emotalk", token=CANARY, modalities=["text"])
    assert {request.account for request in gated.hub.requests if not request.path.startswith("/cdn/")} == {
        "lab"
    }
    assert builder.token is None
    assert not [
        request for request in gated.hub.requests if request.path.startswith("/cdn/") and request.account
    ]


def test_archives_are_read_in_place_and_lie_in_the_cache_of_the_client_once(gated: Gated) -> None:
    gated.on_hub.sign_in(CANARY)
    root = Path(load_dataset_builder("emotalk").listing.root)
    assert root == gated.folder / "snapshots" / gated.commit
    for path in gated.sample.root.iterdir():
        assert (root / path.name).is_symlink()
        assert (root / path.name).read_bytes() == path.read_bytes()
        assert (root / path.name).resolve().parent == gated.folder / "blobs"
    files = [path for path in gated.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sorted(path.parent.name for path in files) == [*["blobs"] * 5, "emotalk_data", "refs"]
    from huggingface_hub import scan_cache_dir, snapshot_download

    scan = scan_cache_dir(gated.on_hub.home / "hub")
    assert not scan.warnings
    assert [len(repo.revisions) for repo in scan.repos] == [1]
    # What we fetched is whole in the client's eyes: it fetches nothing of it again.
    before = len(gated.fetched("Audio.tar"))
    snapshot_download(REPO, repo_type="dataset")
    assert len(gated.fetched("Audio.tar")) == before


def test_a_later_load_asks_nobody(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.on_hub.sign_in(CANARY)
    first = _rows(load_dataset("emotalk"))
    gated.hub.requests.clear()
    gated.on_hub.sign_in(None)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert _rows(load_dataset("emotalk")) == first
    assert gated.hub.requests == []


def test_a_later_load_never_moves_to_another_commit_by_itself(gated: Gated) -> None:
    gated.on_hub.sign_in(CANARY)
    load_dataset_builder("emotalk", modalities=["text"])
    (gated.folder / "refs" / "main").unlink(missing_ok=True)
    newer = gated.hub.commit(REPO, {"Video.tar": None}, "Withdraw the video annotation")
    # Another tool asks for main meanwhile, and moves what the cache calls main.
    from huggingface_hub import hf_hub_download

    hf_hub_download(REPO, "README.md", repo_type="dataset")
    assert (gated.folder / "refs" / "main").read_text() == newer
    builder = load_dataset_builder("emotalk")
    assert builder.listing.root.endswith(gated.commit)
    assert [file.name for file in builder.listing.archives] == [
        "Audio.tar",
        "Multimodal.tar",
        "Text.tar",
        "Video.tar",
    ]


@pytest.mark.parametrize("named", ["main", "commit"])
def test_a_revision_overrides_the_kept_commit_for_one_load(gated: Gated, named: str) -> None:
    gated.on_hub.sign_in(CANARY)
    load_dataset_builder("emotalk", modalities=["text"])
    newer = gated.hub.commit(REPO, {"Video.tar": None}, "Withdraw the video annotation")
    revision = newer if named == "commit" else named
    assert load_dataset_builder("emotalk", modalities=["text"], revision=revision).listing.root.endswith(
        newer
    )
    assert load_dataset_builder("emotalk", modalities=["text"]).listing.root.endswith(gated.commit)


def test_what_hf_download_fetched_before_is_the_first(gated: Gated) -> None:
    from huggingface_hub import snapshot_download

    gated.on_hub.sign_in(CANARY)
    snapshot_download(REPO, repo_type="dataset")
    gated.hub.commit(REPO, {"Video.tar": None})
    gated.hub.requests.clear()
    assert load_dataset_builder("emotalk").listing.root.endswith(gated.commit)
    assert gated.hub.requests == []
    assert find_release("emotalk").endswith(gated.commit)


@pytest.mark.parametrize(
    ("modalities", "archives"),
    [
        (["text"], ["Text.tar"]),
        ("audio", ["Audio.tar"]),
        (("video", "text", "text"), ["Text.tar", "Video.tar"]),
        ({"multimodal"}, ["Multimodal.tar"]),
    ],
)
def test_only_the_modalities_that_are_asked_for_are_fetched_and_read(
    gated: Gated, modalities: Any, archives: list[str]
) -> None:
    gated.on_hub.sign_in(CANARY)
    ds = load_dataset("emotalk", modalities=modalities)
    names = [path.name for path in gated.sample.root.iterdir()]
    assert [name for name in sorted(names) if gated.fetched(name)] == archives
    wanted = [modalities] if isinstance(modalities, str) else modalities
    rows = [row["modalities"] for split in ds for row in ds[split].remove_columns(["audio", "video"])]
    assert rows
    assert {name for row in rows for name in row} == set(wanted)


def test_the_same_call_gives_the_same_rows_whatever_else_the_cache_holds(gated: Gated) -> None:
    gated.on_hub.sign_in(CANARY)

    def text_only() -> list[dict[str, Any]]:
        ds = load_dataset("emotalk", split="train", modalities=["text"])
        return list(ds.remove_columns(["audio", "video"]))

    before = text_only()
    everything = load_dataset("emotalk", split="train")
    assert everything[0]["audio"] is not None  # what was fetched in part is not taken for the whole
    assert text_only() == before
    assert load_dataset("emotalk", split="train", modalities=["text"])[0]["audio"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modalities": ["speech"]}, "modalities is 'speech'; expected one or more of"),
        ({"modalities": []}, "modalities is empty"),
        ({"modalities": ["text"], "data_dir": "."}, "modalities says what to download, and data_dir"),
        ({"path": "m3ed", "modalities": ["text"]}, "modalities belongs to EmotionTalk"),
        ({"token": 7}, "token is a value of type int"),
    ],
)
def test_options_that_cannot_be(gated: Gated, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        load_dataset(**{"path": "emotalk", **options})


def test_modalities_restrict_a_release_in_emotalk_home_too(
    gated: Gated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_emotalk(tmp_path / "emotalk", num_utterances=18, modalities=("text", "audio"), oddities=False)
    monkeypatch.setenv("EMOTALK_HOME", str(tmp_path))
    ds = load_dataset("emotalk", split="train", modalities=["text"])
    assert ds[0]["audio"] is None
    assert load_dataset("emotalk", split="train")[0]["audio"] is not None
    with pytest.raises(
        ReleaseNotFoundError, match=r"no EmotionTalk record under .* with modalities=\['video'\]"
    ):
        load_dataset("emotalk", modalities=["video"])
    assert gated.hub.requests == []


def test_a_modality_that_the_repository_lacks_is_an_error_that_lists_what_is_there(
    on_hub: OnHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMOTALK_HOME", raising=False)
    on_hub.hub.add_repo(REPO, files={"data/text/part-0.tar": b"0", "Audio.zip": b"0", "data/other.tar": b"0"})
    with pytest.raises(
        HubNotFoundError,
        match=r"has nothing of video: it has 'Audio.zip, data/other.tar, data/text/part-0.tar'. "
        r"Modalities there: text, audio\.",
    ):
        load_dataset("emotalk", modalities=["text", "video"])


def test_a_repository_without_a_release_is_told_of(on_hub: OnHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMOTALK_HOME", raising=False)
    on_hub.hub.add_repo(REPO, files={"notes.txt": b"soon"})
    with pytest.raises(
        HubNotFoundError, match=r"has nothing of a release: it has '.gitattributes, notes.txt'"
    ):
        load_dataset("emotalk")


@pytest.mark.parametrize("name", ["../../Text.tar", "/etc/Text.tar", "a\\Text.tar"])
def test_a_file_name_that_leads_out_of_the_repository_is_refused(
    on_hub: OnHub, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMOTALK_HOME", raising=False)
    on_hub.hub.add_repo(REPO, files={name: b"0"})
    with pytest.raises(HubError, match=r"leads out of it\. Nothing is fetched"):
        load_dataset("emotalk")
    assert not [path for path in on_hub.home.rglob("*") if path.name == "Text.tar"]


def test_a_repository_that_holds_the_trees_is_fetched_file_by_file(
    on_hub: OnHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMOTALK_HOME", raising=False)
    sample = make_emotalk(tmp_path / "trees", num_utterances=18, oddities=False)
    add_accounts(on_hub.hub)
    on_hub.hub.add_repo(REPO, files=files_of(sample.root), gated="auto", let_in=["lab"])
    on_hub.sign_in(CANARY)
    ds = load_dataset("emotalk", modalities=["audio"], split="test")
    assert sorted(ds["utterance_id"]) == sample.split_ids("test")
    assert ds[0]["audio"].num_samples == sample.by_id[ds[0]["utterance_id"]].num_samples
    assert not [request for request in on_hub.hub.requests if "/Text/" in request.path]


def test_streaming_downloads_first(gated: Gated) -> None:
    gated.on_hub.sign_in(CANARY)
    stream = load_dataset("emotalk", split="test", streaming=True)
    assert gated.num_bytes("Audio.tar") == (gated.sample.root / "Audio.tar").stat().st_size
    assert sorted(row["utterance_id"] for row in stream) == gated.sample.split_ids("test")


def test_other_verbs_find_what_was_downloaded_and_fetch_nothing(gated: Gated) -> None:
    with pytest.raises(ReleaseNotFoundError, match=r"none was downloaded.*`emotalk download emotalk`"):
        find_release("emotalk")
    gated.on_hub.sign_in(CANARY)
    root = load_dataset_builder("emotalk", modalities=["text"]).listing.root
    gated.hub.requests.clear()
    assert find_release("emotalk") == root
    assert gated.hub.requests == []


def test_what_does_not_fit_is_not_begun(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.on_hub.sign_in(CANARY)
    usage = shutil.disk_usage(gated.on_hub.home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=65_000_000))
    with pytest.raises(
        CacheWriteError, match=r"3\.2 MB are to come, and 65\.0 MB are free at .*modalities=\['text'\]"
    ):
        load_dataset("emotalk")
    assert not [request for request in gated.hub.requests if request.path.startswith("/cdn/")]
    assert len(load_dataset("emotalk", modalities=["text"], split="train")) > 0


def test_a_file_that_is_shorter_than_listed_is_fetched_anew(gated: Gated) -> None:
    gated.on_hub.sign_in(CANARY)
    root = Path(load_dataset_builder("emotalk", modalities=["text"]).listing.root)
    whole = (root / "Text.tar").read_bytes()
    os.truncate(root / "Text.tar", 1_000)
    load_dataset_builder("emotalk", modalities=["text"])
    assert (root / "Text.tar").read_bytes() == whole


def test_the_cache_may_be_read_only_once_all_is_there(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import snapshot_download

    gated.on_hub.sign_in(CANARY)
    snapshot_download(REPO, repo_type="dataset")

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", "refs")

    monkeypatch.setattr(places, "whole_file", refuse)
    assert load_dataset_builder("emotalk").listing.root.endswith(gated.commit)


@pytest.mark.parametrize("quiet", ["datasets", "huggingface_hub", None])
def test_progress_bars_can_be_silenced(
    gated: Gated, quiet: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # elsewhere the client shows none
    gated.on_hub.sign_in(CANARY)
    if quiet == "datasets":
        datasets.disable_progress_bars()
    if quiet == "huggingface_hub":
        disable_progress_bars()
    try:
        load_dataset_builder("emotalk")
    finally:
        datasets.enable_progress_bars()
        enable_progress_bars()
    assert ("Audio.tar" in capsys.readouterr().err) == (quiet is None)


def test_small_files_go_the_way_of_the_client() -> None:
    assert _LARGE_BYTES > 10_000_000


@pytest.mark.parametrize("status", [500, 503, 429])
def test_faults_of_the_hub_pass(gated: Gated, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    gated.on_hub.sign_in(CANARY)
    faults = [
        Fault(path=path, status=status, times=2, headers={"Retry-After": "0"})
        for path in ("/revision/main$", "/tree/", r"resolve/.*Audio\.tar", r"/cdn/.*Video\.tar")
    ]
    gated.hub.faults += faults
    assert _rows(load_dataset("emotalk"))["test"] == gated.sample.split_ids("test")
    assert [fault.num_hits for fault in faults] == [2, 2, 2, 2]


def test_without_the_network_what_is_lacking_is_told(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.on_hub.sign_in(CANARY)
    load_dataset_builder("emotalk", modalities=["text"])
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert load_dataset_builder("emotalk", modalities=["text"]).listing.archives
    with pytest.raises(HubOfflineError, match=r"cannot download Audio\.tar: HF_HUB_OFFLINE is set"):
        load_dataset("emotalk")


def test_a_repository_that_is_stored_by_xet_comes_by_plain_http(
    on_xet_hub: OnHub, tars: EmotalkSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMOTALK_HOME", raising=False)
    add_accounts(on_xet_hub.hub)
    on_xet_hub.hub.add_repo(REPO, files=files_of(tars.root), gated="manual", let_in=["lab"])
    on_xet_hub.sign_in(CANARY)
    ds = load_dataset("emotalk", split="test")
    assert sorted(ds["utterance_id"]) == tars.split_ids("test")
    assert not [request for request in on_xet_hub.hub.requests if "xet-read-token" in request.path]

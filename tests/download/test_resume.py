"""Contract tests against the double: a download that is cut or killed goes on, and its bytes are counted."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest

from emotalk_data.download.plan import plan_emotalk
from emotalk_data.download.transfer import fetch_files
from emotalk_data.errors import HubError, HubUnreachableError
from emotalk_data.hub_client.token import find_token
from emotalk_data.load import load_dataset_builder
from emotalk_data.testing.hub_double import Fault, HubDouble
from tests.gated_release import CANARY, REPO, Gated, add_accounts

CHUNK = 64 * 1024
"""What the client holds before it writes: 10 MB by itself, small beside 15 GB and large beside a sample."""

CONTENT = b"".join(hashlib.sha256(number.to_bytes(4)).digest() for number in range(62_500))
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def text_size(gated: Gated) -> int:
    """Give Text.tar some length: its bytes are counted."""
    gated.on_hub.sign_in(CANARY)
    gated.hub.commit(REPO, {"Text.tar": CONTENT})
    return len(CONTENT)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", CHUNK)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)


def _fetch(gated: Gated) -> bytes:
    root = Path(load_dataset_builder("emotalk", modalities=["text"]).listing.root)
    assert not list((gated.folder / "blobs").glob("*.incomplete"))
    return (root / "Text.tar").read_bytes()


def test_a_connection_that_is_cut_again_and_again_costs_only_what_was_on_the_way(
    gated: Gated, text_size: int
) -> None:
    fault = Fault(path=r"/cdn/.*Text\.tar", cut_after=300_000, times=6)
    gated.hub.faults.append(fault)
    assert len(_fetch(gated)) == text_size
    assert fault.num_hits == 6
    assert text_size <= gated.num_bytes("Text.tar") <= text_size + 6 * CHUNK
    assert [request.range is not None for request in gated.fetched("Text.tar")] == [False, *[True] * 6]


def test_what_has_come_before_an_error_is_not_fetched_again(gated: Gated, text_size: int) -> None:
    path = r"/cdn/.*Text\.tar"
    gated.hub.faults += [Fault(path=path, cut_after=1_500_000), Fault(path=path, status=503, times=None)]
    with pytest.raises(HubUnreachableError, match=r"cannot download Text\.tar.*what has come is kept"):
        _fetch(gated)
    (partial,) = (gated.folder / "blobs").glob("*.incomplete")
    assert 1_500_000 - CHUNK <= partial.stat().st_size <= 1_500_000
    gated.hub.faults.clear()
    assert len(_fetch(gated)) == text_size
    assert gated.num_bytes("Text.tar") <= text_size + CHUNK + 5 * 200  # and the five refusals' words


def _has_begun(blobs: Path, num_bytes: int) -> bool:
    """Say whether so much of a file has come. Others get their names meanwhile."""
    for path in blobs.glob("*.incomplete"):
        with suppress(FileNotFoundError):
            if path.stat().st_size >= num_bytes:
                return True
    return False


def test_a_killed_download_goes_on_with_the_same_commit(gated: Gated, text_size: int, tmp_path: Path) -> None:
    gated.hub.faults.append(Fault(path=r"/cdn/.*Text\.tar", cut_after=1_200_000, hang_seconds=60))
    code = (
        "from huggingface_hub import constants\n"
        f"constants.DOWNLOAD_CHUNK_SIZE = {CHUNK}\n"
        "from emotalk_data import load_dataset\n"
        "load_dataset('emotalk', modalities=['text'])\n"
    )
    environment = gated.hub.environment(CANARY, gated.on_hub.home)
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL) as child:
        while not _has_begun(gated.folder / "blobs", 1_000_000):
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    first = (gated.folder / "refs" / "emotalk_data").read_text()
    gated.hub.faults.clear()
    sent = gated.num_bytes("Text.tar")
    gated.hub.commit(REPO, {"Video.tar": None}, "Something else, meanwhile")
    content = _fetch(gated)
    assert len(content) == text_size
    assert gated.num_bytes("Text.tar") - sent <= text_size - 1_000_000
    assert (gated.folder / "refs" / "emotalk_data").read_text() == first
    assert not list((gated.folder / "blobs").glob("*.incomplete"))


def test_ctrl_c_ends_all_transfers_and_keeps_what_came(hub: HubDouble, tmp_path: Path) -> None:
    add_accounts(hub)
    hub.add_repo(REPO, files={"Text.tar": CONTENT, "Audio.tar": CONTENT[1:]}, gated="auto", let_in=["lab"])
    hub.faults.append(Fault(path="/cdn/", cut_after=1_500_000, hang_seconds=2, times=2))
    code = (
        "from huggingface_hub import constants\n"
        f"constants.DOWNLOAD_CHUNK_SIZE = {CHUNK}\n"
        "from emotalk_data import load_dataset\n"
        "load_dataset('emotalk')\n"
    )
    home = tmp_path / "home"
    blobs = home / "hub" / "datasets--BAAI--Emotiontalk" / "blobs"
    environment = hub.environment(CANARY, home)
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True
    ) as child:
        while len([path for path in blobs.glob("*.incomplete") if path.stat().st_size >= 1_000_000]) < 2:
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert child.returncode != 0
    assert "KeyboardInterrupt" in said
    assert len(list(blobs.glob("*.incomplete"))) == 2


def test_a_file_of_another_content_than_listed_is_fetched_once_more_and_then_refused(
    gated: Gated, text_size: int
) -> None:
    # What a proxy that changes bytes does: the same length, another content.
    stored = gated.hub.objects.path(SHA256)
    right = stored.read_bytes()
    stored.write_bytes(bytes(text_size))
    with pytest.raises(HubError, match=r"Text\.tar of BAAI/Emotiontalk came twice with another sha256"):
        _fetch(gated)
    assert len(gated.fetched("Text.tar")) == 2
    assert not list((gated.folder / "blobs").glob(SHA256))
    stored.write_bytes(right)
    assert _fetch(gated) == right


def test_two_processes_fetch_a_file_once(gated: Gated, text_size: int) -> None:
    gated.hub.faults.append(Fault(path=r"/cdn/.*Text\.tar", cut_after=1_000_000, hang_seconds=1))
    environment = gated.hub.environment(CANARY, gated.on_hub.home)
    code = "from emotalk_data import load_dataset_builder\nload_dataset_builder('emotalk', modalities=['text'])\n"
    code = code.replace("from emotalk_data import", "from emotalk_data.load import")
    children = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(2)]
    assert [child.wait(timeout=120) for child in children] == [0, 0]
    assert (
        gated.num_bytes("Text.tar") <= text_size + 1_000_000
    )  # the client holds up to 10 MB before it writes
    assert len(_fetch(gated)) == text_size


def test_a_second_downloader_leaves_the_first_ones_file_alone(gated: Gated, text_size: int) -> None:
    first, second = (plan_emotalk(("text",), None, None) for _ in range(2))  # both decide at one moment
    token = find_token(None)
    fetch_files(first, token)
    num_sent, num_requests = gated.num_bytes("Text.tar"), len(gated.hub.requests)
    with (first.folder / "Text.tar").open("rb") as reader:
        fetch_files(second, token)
        assert os.fstat(reader.fileno()).st_nlink == 1
        assert os.path.samestat(os.fstat(reader.fileno()), (first.folder / "Text.tar").stat())
    assert gated.num_bytes("Text.tar") == num_sent
    assert len(gated.hub.requests) == num_requests


def test_a_damaged_file_is_replaced_and_not_removed_under_a_reader(gated: Gated, text_size: int) -> None:
    _fetch(gated)
    (blob,) = (gated.folder / "blobs").glob(SHA256)
    os.truncate(blob, 1_000)
    with blob.open("rb") as reader:
        assert _fetch(gated) == CONTENT
        assert len(reader.read()) == 1_000
    assert blob.stat().st_size == text_size


def test_ctrl_c_ends_the_wait_for_another_process(hub: HubDouble, tmp_path: Path) -> None:
    add_accounts(hub)
    hub.add_repo(REPO, files={"Text.tar": CONTENT}, gated="auto", let_in=["lab"])
    home = tmp_path / "home"
    path = home / "hub" / "datasets--BAAI--Emotiontalk" / "blobs" / f"{SHA256}.incomplete"
    path.parent.mkdir(parents=True)
    code = "from emotalk_data.load import load_dataset_builder\nload_dataset_builder('emotalk')\n"
    environment = hub.environment(CANARY, home)
    with path.open("a+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True
        ) as child:
            try:
                # It asks whether it may have the file, then what its blob is called; the lock is next.
                while sum("/resolve/" in request.path for request in hub.requests) < 2:
                    assert child.poll() is None
                    time.sleep(0.02)
                child.send_signal(signal.SIGINT)
                _, said = child.communicate(timeout=30)
            finally:
                child.kill()
    assert "KeyboardInterrupt" in said


def test_an_answer_longer_than_listed_is_refused_at_once(gated: Gated, text_size: int) -> None:
    plan = plan_emotalk(("text",), None, None)
    short = replace(next(file for file in plan.missing if file.name == "Text.tar"), size_bytes=CHUNK + 100)
    with pytest.raises(
        HubError, match=r"Text\.tar of BAAI/Emotiontalk comes with more than the 65,636 bytes"
    ):
        fetch_files(replace(plan, missing=(short,)), find_token(None))
    (partial,) = (gated.folder / "blobs").glob("*.incomplete")
    assert partial.stat().st_size == 0
    assert len(gated.fetched("Text.tar")) == 1


def test_the_clients_own_listing_has_the_sha256(gated: Gated, text_size: int) -> None:
    commit = plan_emotalk(None, None, None).commit
    (gated.folder / "emotalk_data" / f"{commit}.json").unlink()  # our own
    huggingface_hub.snapshot_download(
        REPO, repo_type="dataset", revision=commit, allow_patterns=["README.md"], token=CANARY
    )
    assert (gated.folder / "trees" / f"{commit}.json").is_file()
    gated.hub.requests.clear()
    plan = plan_emotalk(None, commit, None)
    assert gated.hub.requests == []
    digests = {file.name: file.sha256 for file in plan.files}
    assert digests["Text.tar"] == SHA256
    assert digests["README.md"] is None


def test_a_partial_file_that_is_too_long_is_begun_anew(gated: Gated, text_size: int) -> None:
    blobs = gated.folder / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{SHA256}.incomplete").write_bytes(bytes(text_size + 1))
    assert _fetch(gated) == CONTENT


def test_no_thread_is_left_behind(gated: Gated, text_size: int) -> None:
    before = threading.active_count()
    gated.hub.faults.append(Fault(path=r"resolve/.*Text\.tar", status=404, times=None))
    with pytest.raises(HubError, match=r"cannot download Text\.tar"):
        load_dataset_builder("emotalk")
    names = [thread.name for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]
    assert names == []
    assert threading.active_count() <= before + 8  # the double's own threads come and go
    assert os.listdir(gated.folder / "snapshots")

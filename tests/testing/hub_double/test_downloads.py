"""Downloads: stretches of files, cuts, links that are signed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download

from emotalk_data.testing.hub_double import Fault
from tests.hub_double_fixtures import OnHub

from .conftest import Ask

CONTENT = bytes(number * number % 251 for number in range(1_000))  # the same in each process: it names tests
RESOLVE = "/datasets/lab/x/resolve/main/"


@pytest.fixture
def stored(lab: OnHub) -> OnHub:
    lab.hub.add_repo("lab/x", {"a.tar": CONTENT, "b.txt": b"0123456789", "empty.txt": b""})
    return lab


@pytest.mark.parametrize(
    ("asked", "status", "want", "told"),
    [
        ("bytes=0-9", 206, CONTENT[:10], "bytes 0-9/1000"),
        ("bytes=990-", 206, CONTENT[990:], "bytes 990-999/1000"),
        ("bytes=990-5000", 206, CONTENT[990:], "bytes 990-999/1000"),
        ("bytes=-10", 206, CONTENT[-10:], "bytes 990-999/1000"),
        ("bytes=-5000", 206, CONTENT, "bytes 0-999/1000"),
        ("bytes=999-999", 206, CONTENT[999:], "bytes 999-999/1000"),
        ("bytes=1000-", 416, b"", "bytes */1000"),
        ("bytes=10-9", 416, b"", "bytes */1000"),
        ("bytes=-0", 416, b"", "bytes */1000"),
        ("lines=1-2", 200, CONTENT, None),
        ("bytes=-", 200, CONTENT, None),
    ],
)
def test_a_stretch_of_a_file(
    stored: OnHub, ask: Ask, asked: str, status: int, want: bytes, told: str | None
) -> None:
    link = ask("GET", RESOLVE + "a.tar").headers["Location"]

    answer = ask("GET", link.removeprefix(stored.hub.cdn), token=None, Range=asked)

    assert (answer.status, answer.body, answer.headers.get("Content-Range")) == (status, want, told)
    assert stored.hub.requests[-1].range == asked


def test_a_large_file_is_told_of_and_lies_elsewhere(stored: OnHub, ask: Ask) -> None:
    head = ask("HEAD", RESOLVE + "a.tar")
    file = stored.hub.repo("lab/x").commit_of("main").contents["a.tar"]

    assert head.status == 302
    assert head.headers["X-Linked-Size"] == "1000"
    assert head.headers["X-Linked-ETag"] == head.headers["ETag"] == f'"{file.sha256}"'
    assert head.headers["X-Repo-Commit"] == stored.hub.repo("lab/x").branches["main"]
    assert head.headers["Location"].startswith(stored.hub.cdn + "/cdn/datasets/lab/x/resolve/")


def test_a_small_file_comes_at_once(stored: OnHub, ask: Ask) -> None:
    answer = ask("GET", RESOLVE + "b.txt", Range="bytes=2-3")
    empty = ask("GET", RESOLVE + "empty.txt")

    assert (answer.status, answer.body) == (206, b"23")
    assert (
        answer.headers["ETag"] == f'"{stored.hub.repo("lab/x").commit_of("main").contents["b.txt"].blob_id}"'
    )
    assert (empty.status, empty.body, empty.headers["Content-Length"]) == (200, b"", "0")


def test_a_link_without_its_signature_gives_nothing(stored: OnHub, ask: Ask) -> None:
    link = ask("GET", RESOLVE + "a.tar").headers["Location"].removeprefix(stored.hub.cdn)

    assert ask("GET", link, token=None).body == CONTENT
    assert ask("GET", link.partition("&")[0]).status == 403


def test_a_cut_download_goes_on_where_it_stopped(lab: OnHub) -> None:
    mebibyte = 1 << 20
    content = os.urandom(25 * mebibyte)  # the client keeps what it has ten mebibytes at a time
    lab.hub.add_repo("lab/x", {"a.tar": content})
    lab.hurry()
    lab.hub.faults.append(Fault(path=r"^/cdn/.*a\.tar", cut_after=12 * mebibyte, times=2))

    path = hf_hub_download("lab/x", "a.tar", repo_type="dataset")

    assert Path(path).read_bytes() == content
    asked = [request for request in lab.hub.requests if request.path.startswith("/cdn/")]
    assert [request.range for request in asked] == [
        None,
        f"bytes={10 * mebibyte}-",
        f"bytes={20 * mebibyte}-",
    ]
    assert [(request.status, request.num_sent_bytes // mebibyte) for request in asked] == [
        (200, 12),
        (206, 12),
        (206, 5),
    ]


def test_a_file_system_reads_what_is_asked_for(stored: OnHub) -> None:
    system = HfFileSystem()

    with system.open("datasets/lab/x/a.tar", block_size=100, cache_type="none") as file:
        file.seek(500)
        assert file.read(20) == CONTENT[500:520]

    assert [each.num_sent_bytes for each in stored.hub.requests if each.path.startswith("/cdn/")] == [20]
    assert system.ls("datasets/lab/x", detail=False) == [
        f"datasets/lab/x/{name}" for name in (".gitattributes", "a.tar", "b.txt", "empty.txt")
    ]


def test_names_are_kept_as_they_are(lab: OnHub) -> None:
    name = "数据/a b%20+#?&=ü.tar"
    lab.hub.add_repo("lab/x", {name: CONTENT})

    path = hf_hub_download("lab/x", name, repo_type="dataset")

    assert Path(path).read_bytes() == CONTENT
    assert lab.hub.requests[-1].path.endswith(name)
    with pytest.raises(FileNotFoundError):
        HfFileSystem().info("datasets/lab/x/数据/none.tar")


def test_a_snapshot_stays_what_it_was_when_the_repository_moves(stored: OnHub) -> None:
    first = stored.hub.repo("lab/x").branches["main"]
    stored.hub.commit("lab/x", {"b.txt": b"other", "a.tar": None})

    folder = Path(snapshot_download("lab/x", repo_type="dataset", revision=first))

    assert (folder / "b.txt").read_bytes() == b"0123456789"
    assert (folder / "a.tar").read_bytes() == CONTENT


def test_what_was_downloaded_is_not_downloaded_again(stored: OnHub) -> None:
    hf_hub_download("lab/x", "a.tar", repo_type="dataset")
    hf_hub_download("lab/x", "a.tar", repo_type="dataset", revision=HfApi().dataset_info("lab/x").sha)

    assert len([each for each in stored.hub.requests if each.path.startswith("/cdn/")]) == 1

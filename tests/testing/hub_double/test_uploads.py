"""Uploads: what is sent, what is kept, and what a commit does or does not do."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError

from emotalk_data.testing.hub_double import Fault, RepoState
from tests.hub_double_fixtures import OnHub

from .conftest import LAB, Ask

COMMIT = "/api/datasets/lab/x/commit/main"


def add(path: str, content: bytes = b"x") -> CommitOperationAdd:
    return CommitOperationAdd(path, content)


def commit(api: HfApi, *operations: Any, parent: str | None = None) -> str:
    made = api.create_commit(
        "lab/x", operations, commit_message="a title\n\nmore", repo_type="dataset", parent_commit=parent
    )
    return str(made.oid)


def ndjson(*lines: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(json.dumps({"key": key, "value": value}).encode() + b"\n" for key, value in lines)


def test_a_second_upload_sends_nothing_and_commits_nothing(lab: OnHub, api: HfApi, folder: Path) -> None:
    first = api.upload_folder(repo_id="lab/x", repo_type="dataset", folder_path=folder)
    received, taken = dict(lab.hub.received), lab.hub.bytes_received
    second = api.upload_folder(repo_id="lab/x", repo_type="dataset", folder_path=folder)

    assert first.oid == second.oid
    assert (dict(lab.hub.received), lab.hub.bytes_received) == (received, taken)
    assert len(lab.hub.repo("lab/x").commits) == 2


def test_what_another_repository_has_is_not_sent_again(lab: OnHub, api: HfApi) -> None:
    content = b"a shard" * 100
    lab.hub.add_repo("lab/before", {"a.tar": content})

    commit(api, add("b.tar", content))

    assert lab.hub.repo("lab/x").files()["b.tar"] == content
    assert lab.hub.bytes_received == 0


def test_large_and_binary_files_go_by_lfs_and_texts_in_the_commit(lab: OnHub, api: HfApi) -> None:
    files = {
        "a.parquet": b"text",
        "data/b.npy": b"text",
        "binary": b"\x00\x01",
        "large.txt": b"a" * (10 * 1024 * 1024 + 1),
        "text.json": b"{}",
        "empty.tar": b"",
    }

    commit(api, *(add(path, content) for path, content in files.items()))

    contents = lab.hub.repo("lab/x").commit_of("main").contents
    assert {path for path in files if contents[path].is_lfs} == {
        "a.parquet",
        "data/b.npy",
        "binary",
        "large.txt",
    }
    assert {path: lab.hub.repo("lab/x").files()[path] for path in files} == files


def test_a_commit_changes_deletes_and_copies_at_once(lab: OnHub, api: HfApi) -> None:
    lab.hub.commit("lab/x", {"a.txt": b"a", "b.tar": b"b", "old/c.txt": b"c", "old/d/e.txt": b"e"})
    oid = commit(
        api,
        add("a.txt", b"new"),
        CommitOperationDelete("old/"),
        CommitOperationCopy("b.tar", "copies/b.tar"),
        add("f.txt"),
    )

    files = lab.hub.repo("lab/x").files()
    del files[".gitattributes"]
    assert files == {"a.txt": b"new", "b.tar": b"b", "copies/b.tar": b"b", "f.txt": b"x"}
    made = lab.hub.repo("lab/x").commit_of(oid)
    assert (made.author, made.title, made.parent) == (
        "lab",
        "a title\n\nmore",
        lab.hub.repo("lab/x").commits[1].oid,
    )


def test_a_stale_parent_is_refused_and_changes_nothing(lab: OnHub, api: HfApi) -> None:
    before = lab.hub.repo("lab/x").branches["main"]
    commit(api, add("a.txt"), parent=before)
    state = lab.hub.repo("lab/x").files()

    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as error:
        commit(api, add("b.txt"), parent=before)

    assert error.value.response.status_code == 412
    assert lab.hub.repo("lab/x").files() == state


def test_of_many_commits_on_one_parent_one_is_made(
    lab: OnHub, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lab.hub.repo("lab/x").branches["main"]
    barrier = threading.Barrier(8)
    made = RepoState.add_commit

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.05)  # so that all are under way when the first is done
        return made(*args, **kwargs)

    monkeypatch.setattr(RepoState, "add_commit", slowly)

    def one(number: int) -> int:
        barrier.wait()
        try:
            commit(HfApi(token=LAB), add(f"{number}.txt"), parent=before)
        except HfHubHTTPError as error:
            return int(error.response.status_code)
        return 200

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(one, range(8)))

    assert statuses == [200] + 7 * [412]
    assert len(lab.hub.repo("lab/x").files()) == 2


def test_of_many_commits_without_a_parent_none_is_lost(lab: OnHub, api: HfApi) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda number: commit(HfApi(token=LAB), add(f"{number}.tar", bytes([number]))), range(8))
        )

    files = lab.hub.repo("lab/x").files()
    assert {path: files[path] for path in files if path != ".gitattributes"} == {
        f"{number}.tar": bytes([number]) for number in range(8)
    }


def test_a_reader_sees_a_commit_whole_or_not_at_all(lab: OnHub, api: HfApi) -> None:
    lab.hub.commit("lab/x", {f"{name}.txt": b"0" for name in "abc"})
    done = threading.Event()
    seen: list[set[str]] = []

    def read() -> None:
        while not done.is_set():
            told = HfApi(token=LAB).dataset_info("lab/x", files_metadata=True).siblings or []
            seen.append({str(each.blob_id) for each in told if each.rfilename != ".gitattributes"})

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(10):
        commit(api, *(add(f"{name}.txt", str(number + 1).encode()) for name in "abc"))
    done.set()
    reader.join()

    assert seen
    assert all(len(each) == 1 for each in seen), "some files were of one commit and some of another"


@pytest.mark.parametrize(
    "lines",
    [
        [("lfsFile", {"path": "b.tar", "algo": "sha256", "oid": "0" * 64, "size": 1})],
        [("header", {"summary": "t"}), ("lfsFile", {"path": "b.tar", "oid": "0" * 64, "size": 1})],
        [("header", {"summary": "t"}), ("file", {"path": "b.txt", "content": "!", "encoding": "base64"})],
        [("header", {"summary": "t"}), ("strange", {"path": "b.txt"})],
        [("header", {"summary": "t"}), ("file", {"content": ""})],
    ],
)
def test_a_wrong_commit_is_refused_whole(lab: OnHub, api: HfApi, ask: Ask, lines: list[Any]) -> None:
    good = ("file", {"path": "a.txt", "content": "", "encoding": "base64"})

    answer = ask("POST", COMMIT, ndjson(good, *lines))

    assert answer.status == 400
    assert len(lab.hub.repo("lab/x").commits) == 1


def test_what_is_not_there_cannot_be_deleted(lab: OnHub, api: HfApi) -> None:
    for path in ("none.txt", "none/"):
        with pytest.raises(EntryNotFoundError):
            commit(api, add("a.txt"), CommitOperationDelete(path))

    assert list(lab.hub.repo("lab/x").files()) == [".gitattributes"]


def test_nobody_commits_to_a_tag_or_to_nowhere(lab: OnHub, api: HfApi) -> None:
    api.create_tag("lab/x", tag="v1", repo_type="dataset")

    with pytest.raises(HfHubHTTPError) as error:
        api.upload_file(
            path_or_fileobj=b"", path_in_repo="a.txt", repo_id="lab/x", repo_type="dataset", revision="v1"
        )
    with pytest.raises(RevisionNotFoundError):
        api.upload_file(
            path_or_fileobj=b"", path_in_repo="a.txt", repo_id="lab/x", repo_type="dataset", revision="none"
        )

    assert error.value.response.status_code == 403


def test_what_the_gitignore_names_is_left_out(lab: OnHub, api: HfApi) -> None:
    commit(api, add(".gitignore", b"# no\n*.tmp\n"), add("a.tmp"), add("a.txt"))

    assert sorted(lab.hub.repo("lab/x").files()) == [".gitattributes", ".gitignore", "a.txt"]


def test_an_upload_that_is_cut_leaves_no_object(lab: OnHub, api: HfApi, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096
    (tmp_path / "a.tar").write_bytes(content)
    lab.hurry()
    fault = Fault(method="PUT", path="/lfs/", cut_upload_after=300_000, times=2)
    lab.hub.faults.append(fault)

    api.upload_file(
        path_or_fileobj=tmp_path / "a.tar", path_in_repo="a.tar", repo_id="lab/x", repo_type="dataset"
    )

    puts = [request for request in lab.hub.requests if request.method == "PUT"]
    assert fault.num_hits == 2
    assert [request.status for request in puts] == [0, 0, 200]
    assert [request.num_body_bytes for request in puts] == [300_000, 300_000, len(content)]
    assert lab.hub.received == {hashlib.sha256(content).hexdigest(): 1}
    assert lab.hub.bytes_received == len(content)
    assert lab.hub.repo("lab/x").files()["a.tar"] == content


def test_an_upload_that_stays_cut_changes_nothing(lab: OnHub, api: HfApi) -> None:
    lab.hurry()
    lab.hub.faults.append(Fault(method="PUT", cut_upload_after=1, times=None))
    content = b"x" * 3_000_000

    with pytest.raises(RuntimeError, match="Error while uploading"):
        commit(api, add("a.tar", content))

    assert not lab.hub.objects.has(hashlib.sha256(content).hexdigest())
    assert not any((lab.hub.objects.folder / "incoming").iterdir())
    assert (lab.hub.received, len(lab.hub.repo("lab/x").commits)) == ({}, 1)


def test_other_bytes_than_announced_are_not_kept(lab: OnHub, ask: Ask) -> None:
    announced = hashlib.sha256(b"announced").hexdigest()

    answer = ask("PUT", f"/lfs/{announced}?signature={lab.hub.signature}", b"other", token=None)
    unsigned = ask("PUT", f"/lfs/{announced}", b"announced", token=None)

    assert (answer.status, unsigned.status) == (400, 403)
    assert not lab.hub.objects.has(announced)
    assert lab.hub.received == {}


def test_a_body_in_chunks_is_taken_in(lab: OnHub) -> None:
    import http.client

    content = b"part" * 50_000
    sha256 = hashlib.sha256(content).hexdigest()
    connection = http.client.HTTPConnection(lab.hub.endpoint.removeprefix("http://"), timeout=20)
    path = f"/lfs/{sha256}?signature={lab.hub.signature}"
    pieces = (content[at : at + 70_000] for at in range(0, len(content), 70_000))
    for body in (pieces, b""):
        connection.request("PUT", path, body, encode_chunked=True)
        answer = connection.getresponse()
        answer.read()
    connection.close()

    assert lab.hub.objects.path(sha256).read_bytes() == content
    assert answer.status == 400, "the second request on this connection was empty"


def test_a_large_upload_and_download_are_never_in_memory(lab: OnHub, api: HfApi, tmp_path: Path) -> None:
    with (tmp_path / "a.tar").open("wb") as file:
        file.truncate(96 << 20)
    tracemalloc.start()
    try:
        api.upload_file(
            path_or_fileobj=tmp_path / "a.tar", path_in_repo="a.tar", repo_id="lab/x", repo_type="dataset"
        )
        api.hf_hub_download("lab/x", "a.tar", repo_type="dataset", local_dir=tmp_path / "there")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (tmp_path / "there" / "a.tar").stat().st_size == 96 << 20
    assert peak < 48 << 20

"""The way of Xet: stores on disk that the released hf_xet writes and reads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import HfApi, get_session, hf_hub_download

from emotalk_data.testing.hub_double import Fault
from tests.hub_double_fixtures import OnHub

from .conftest import LAB, OTHER

_KILLED = """
import os, sys
import huggingface_hub._upload_pipeline as pipeline
from huggingface_hub import HfApi

def killed(*args, **kwargs):
    os._exit(9)  # everything is sent, nothing committed

pipeline._send_commit = killed
HfApi().upload_folder(repo_id="lab/x", repo_type="dataset", folder_path=sys.argv[1])
"""

_UPLOADED = """
import sys
from huggingface_hub import HfApi
HfApi().upload_folder(repo_id="lab/x", repo_type="dataset", folder_path=sys.argv[1])
"""


@pytest.fixture
def contents() -> dict[str, bytes]:
    """Bytes of each kind that Xet stores in a way of its own: noise, text, numbers, next to nothing."""
    numbers = np.linspace(0, 1, 200_000, dtype="float32").tobytes()
    return {
        "noise.bin": os.urandom(400_000),
        "text.tar": "一段话。".encode() * 40_000,
        "numbers.npy": numbers[:-1],
        "both.bin": numbers + os.urandom(200_001),
        "tiny.bin": b"\x00",
    }


def test_each_file_comes_back_by_both_ways(
    xet_lab: OnHub, contents: dict[str, bytes], tmp_path: Path
) -> None:
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    api = HfApi()
    api.create_repo("lab/x", repo_type="dataset", private=True)

    api.upload_folder(repo_id="lab/x", repo_type="dataset", folder_path=tmp_path)

    files = xet_lab.hub.repo("lab/x").files()
    assert {name: files[name] for name in contents} == contents, "read from the xorbs by the double"
    for name, content in contents.items():
        path = hf_hub_download("lab/x", name, repo_type="dataset")
        assert Path(path).read_bytes() == content, f"{name}, read by hf_xet"
    moved = [request.path for request in xet_lab.hub.requests if request.path.startswith(("/cdn/", "/lfs/"))]
    assert moved == []
    assert set(xet_lab.hub.received) == {hashlib.sha256(content).hexdigest() for content in contents.values()}


def test_what_a_killed_process_sent_is_not_sent_again(xet_lab: OnHub, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.bin").write_bytes(os.urandom(2_000_000))
    api, hub = HfApi(), xet_lab.hub
    api.create_repo("lab/x", repo_type="dataset")

    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path / "folder")],
        env=hub.environment(LAB, tmp_path / "home"),
        timeout=60,
        check=False,
    )
    sent = hub.bytes_received
    api.upload_folder(repo_id="lab/x", repo_type="dataset", folder_path=tmp_path / "folder")

    assert killed.returncode == 9
    assert sent >= 2_000_000
    assert hub.bytes_received == sent
    assert hub.repo("lab/x").files()["a.bin"] == (tmp_path / "folder" / "a.bin").read_bytes()


def test_each_reader_has_a_store_of_its_own(xet_lab: OnHub) -> None:
    oid = xet_lab.hub.add_repo("lab/x", {"a.tar": b"a"})
    url = f"{xet_lab.hub.endpoint}/api/datasets/lab/x/xet-read-token/{oid}"

    stores = {get_session().get(url).json()["casUrl"] for _ in range(2)}

    assert len(stores) == 2, "a store on disk belongs to one process at a time"


def test_two_processes_upload_at_once(xet_lab: OnHub, tmp_path: Path) -> None:
    HfApi().create_repo("lab/x", repo_type="dataset")
    running = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / f"{number}.bin").write_bytes(os.urandom(500_000))
        command = [sys.executable, "-c", _UPLOADED, str(tmp_path / str(number))]
        home = tmp_path / f"home-{number}"
        running.append(subprocess.Popen(command, env=xet_lab.hub.environment(LAB, home)))

    assert [each.wait(60) for each in running] == [0, 0]
    files = xet_lab.hub.repo("lab/x").files()
    for number in range(2):
        name = f"{number}.bin"
        assert files[name] == (tmp_path / str(number) / name).read_bytes()


def test_what_the_owner_added_is_read_by_xet(xet_lab: OnHub, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"from a file" * 1000)
    xet_lab.hub.add_repo("lab/x", {"a.tar": tmp_path / "a.tar", "b.tar": b"from memory"})

    assert Path(hf_hub_download("lab/x", "a.tar", repo_type="dataset")).read_bytes() == b"from a file" * 1000
    assert Path(hf_hub_download("lab/x", "b.tar", repo_type="dataset")).read_bytes() == b"from memory"
    assert xet_lab.hub.bytes_received == 0


def test_whoever_may_not_write_gets_no_place_to_write(xet_lab: OnHub) -> None:
    xet_lab.hub.add_repo("lab/x", {"a.tar": b"a"}, gated="manual")

    with pytest.raises(Exception, match=r"403|Forbidden"):
        HfApi(token=OTHER).upload_file(
            path_or_fileobj=b"\x00", path_in_repo="b.bin", repo_id="lab/x", repo_type="dataset"
        )

    assert "b.bin" not in xet_lab.hub.repo("lab/x").files()


def test_a_token_that_is_refused_once_is_asked_for_again(xet_lab: OnHub) -> None:
    HfApi().create_repo("lab/x", repo_type="dataset")
    fault = Fault(path="/xet-write-token/", status=503)
    xet_lab.hub.faults.append(fault)

    HfApi().upload_file(
        path_or_fileobj=b"\x00" * 1000, path_in_repo="a.bin", repo_id="lab/x", repo_type="dataset"
    )

    assert fault.num_hits == 1
    assert xet_lab.hub.repo("lab/x").files()["a.bin"] == b"\x00" * 1000

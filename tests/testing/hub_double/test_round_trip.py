"""Upload, list, download, load: by the unmodified clients, by LFS and by Xet, in processes of their own."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download

from emotalk_data.testing.hub_double import HubDouble
from tests.hub_double_fixtures import OnHub

from .conftest import LAB, OTHER

_READER = """
import json, sys
import datasets, huggingface_hub
folder = huggingface_hub.snapshot_download("lab/x", repo_type="dataset", revision="v1")
rows = datasets.load_dataset("lab/x", "plain", split="train")
streamed = datasets.load_dataset("lab/x", "plain", split="train", streaming=True, revision="v1")
print(json.dumps({"folder": folder, "rows": rows.to_list(), "streamed": list(streamed)}))
"""
_UPLOADER = """
import sys
from huggingface_hub import HfApi
print(HfApi().upload_folder(repo_id="lab/x", repo_type="dataset", folder_path=sys.argv[1]).oid)
"""
ROWS = [{"n": n, "text": text} for n, text in ((0, "你好"), (10, "b"), (1, "你好"), (11, "b"))]


@pytest.fixture(params=["hub", "xet_hub"])
def either(request: pytest.FixtureRequest) -> HubDouble:
    """The double that takes large files by LFS, and the one that takes them by Xet."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, HubDouble)
    return found


def run(code: str, hub: HubDouble, token: str | None, home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=hub.environment(token, home),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_one_process_uploads_another_loads(either: HubDouble, folder: Path, tmp_path: Path) -> None:
    either.add_account("lab", LAB)
    either.create_repo("lab/x", author="lab", private=True)

    oid = run(_UPLOADER, either, LAB, tmp_path / "uploader", str(folder)).strip()
    either.repo("lab/x").tags["v1"] = oid
    told = json.loads(run(_READER, either, LAB, tmp_path / "reader").splitlines()[-1])

    want = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*.*")
        if path.is_file()
    }
    got = either.repo("lab/x").files(oid)
    assert {path: got[path] for path in got if path != ".gitattributes"} == want
    assert {path: (Path(told["folder"]) / path).read_bytes() for path in want} == want
    assert told["rows"] == told["streamed"] == ROWS
    large = [path for path in want if path.endswith((".parquet", ".bin"))]
    assert either.received == {hashlib.sha256(want[path]).hexdigest(): 1 for path in large}
    assert ("PUT" in {request.method for request in either.requests}) is (either.xet is None)


def test_the_token_goes_to_the_hub_and_not_to_where_the_bytes_are(
    lab: OnHub, folder: Path, api: HfApi
) -> None:
    api.upload_folder(repo_id="lab/x", repo_type="dataset", folder_path=folder)
    hf_hub_download("lab/x", "weights.bin", repo_type="dataset")

    asked = lab.hub.requests
    assert {request.account for request in asked if request.path.startswith(("/cdn/", "/lfs/"))} == {None}
    assert {request.account for request in asked if request.path.startswith(("/api/", "/datasets/"))} == {
        "lab"
    }


def test_another_account_loads_a_gated_set_once_it_is_let_in(
    lab: OnHub, folder: Path, tmp_path: Path
) -> None:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.*") if path.is_file()}
    lab.hub.add_repo("lab/x", files, gated="manual", let_in=["other"])
    lab.hub.repo("lab/x").tags["v1"] = lab.hub.repo("lab/x").branches["main"]

    told = json.loads(run(_READER, lab.hub, OTHER, tmp_path / "reader").splitlines()[-1])

    assert told["rows"] == ROWS
    assert lab.hub.bytes_received == 0

"""What the tests of the double share: accounts, a folder to upload, plain HTTP."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import datasets
import pytest
from huggingface_hub import HfApi

from tests.hub_double_fixtures import OnHub

LAB, OTHER, READER, EXPIRED = "hf_lab", "hf_other", "hf_reader", "hf_expired"


class Answer(NamedTuple):
    """What plain HTTP gave."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Ask = Callable[..., Answer]


@pytest.fixture
def lab(on_hub: OnHub) -> OnHub:
    """The double with accounts, and its owner signed in."""
    return _with_accounts(on_hub)


@pytest.fixture
def xet_lab(on_xet_hub: OnHub) -> OnHub:
    """The double that takes large files by Xet, with accounts, and its owner signed in."""
    return _with_accounts(on_xet_hub)


def _with_accounts(on_hub: OnHub) -> OnHub:
    on_hub.hub.add_account("lab", LAB, organisations=["institute"])
    on_hub.hub.add_account("other", OTHER)
    on_hub.hub.add_account("lab", READER, role="read")
    on_hub.hub.add_account("lab", EXPIRED, role="expired")
    on_hub.sign_in(LAB)
    return on_hub


@pytest.fixture
def api(lab: OnHub) -> HfApi:
    """The client, its owner signed in, with an empty private repository `lab/x`."""
    client = HfApi(token=LAB)
    client.create_repo("lab/x", repo_type="dataset", private=True)
    return client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small dataset with a card, as it is published: two shards of a config, a binary file, a text."""
    data = tmp_path / "folder" / "plain" / "data"
    data.mkdir(parents=True)
    for number in range(2):
        rows = datasets.Dataset.from_dict({"n": [number, number + 10], "text": ["你好", "b"]})
        rows.to_parquet(data / f"train-0000{number}-of-00002.parquet")
    (tmp_path / "folder" / "README.md").write_text(
        "---\nlicense: cc-by-nc-sa-4.0\nconfigs:\n- config_name: plain\n  data_files:\n"
        "  - split: train\n    path: plain/data/train-*\n---\n# A set\n",
        encoding="utf-8",
    )
    (tmp_path / "folder" / "weights.bin").write_bytes(os.urandom(300_000))
    (tmp_path / "folder" / "plain" / "plan.json").write_text("{}", encoding="utf-8")
    return tmp_path / "folder"


@pytest.fixture
def ask(lab: OnHub) -> Ask:
    """Ask the double by plain HTTP, without a client that follows or tries again."""

    def asked(method: str, path: str, body: bytes = b"", token: str | None = LAB, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(lab.hub.endpoint.removeprefix("http://"), timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            if token is not None:
                named["Authorization"] = f"Bearer {token}"
            connection.request(method, path.removeprefix(lab.hub.endpoint), body, named)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    return asked

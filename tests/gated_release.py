"""A gated release on the double of the Hub, and folders as a user has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from emotalk_data.testing import EmotalkSample, make_emotalk
from emotalk_data.testing.hub_double import HubDouble, Request
from tests.hub_double_fixtures import OnHub

REPO = "BAAI/Emotiontalk"
CANARY = "hf_canaryCANARYcanary0123456789"
STRANGER = "hf_strangerSTRANGER0123456789"
EXPIRED = "hf_expiredEXPIRED0123456789"


@pytest.fixture(scope="session")
def tars(tmp_path_factory: pytest.TempPathFactory) -> EmotalkSample:
    """The four archives, as they lie at the root of the repository."""
    return make_emotalk(tmp_path_factory.mktemp("tars"), num_utterances=18, tars=True, oddities=False)


@dataclass(frozen=True)
class Gated:
    """The release behind its gate, as `lab` is let in and `stranger` is not.

    Attributes:
        on_hub: the double, as this process's Hub.
        commit: of `main`.
        sample: what the release holds.
    """

    on_hub: OnHub
    commit: str
    sample: EmotalkSample

    @property
    def hub(self) -> HubDouble:
        return self.on_hub.hub

    @property
    def folder(self) -> Path:
        """The repository's folder in the Hub's cache."""
        return self.on_hub.home / "hub" / "datasets--BAAI--Emotiontalk"

    def fetched(self, name: str) -> list[Request]:
        """Requests that brought bytes of a file."""
        return [
            request
            for request in self.hub.requests
            if request.method == "GET"
            and request.path.startswith("/cdn/")
            and request.path.endswith(f"/{name}")
        ]

    def num_bytes(self, name: str) -> int:
        """How many bytes of a file were sent, in all."""
        return sum(request.num_sent_bytes for request in self.fetched(name))


def add_accounts(hub: HubDouble) -> None:
    hub.add_account("lab", CANARY, "read")
    hub.add_account("stranger", STRANGER, "read")
    hub.add_account("old", EXPIRED, "expired")


def files_of(root: Path) -> dict[str, bytes | Path]:
    return {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def gated(on_hub: OnHub, tars: EmotalkSample, monkeypatch: pytest.MonkeyPatch) -> Gated:
    """The release on the Hub of this process. Nobody is signed in."""
    monkeypatch.delenv("EMOTALK_HOME", raising=False)
    add_accounts(on_hub.hub)
    files = {**files_of(tars.root), "README.md": b"# EmotionTalk\n"}
    commit = on_hub.hub.add_repo(REPO, files=files, gated="manual", let_in=["lab"])
    return Gated(on_hub, commit, tars)

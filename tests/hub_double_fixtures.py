"""Fixtures of the Hub's double. `tests/conftest.py` imports them, so every room has them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.testing.hub_double import HubDouble, this_process

__all__ = ["OnHub", "hub", "on_hub", "on_xet_hub", "xet_hub"]


@dataclass(frozen=True)
class OnHub:
    """A double that is this process's Hub."""

    hub: HubDouble
    home: Path
    monkeypatch: pytest.MonkeyPatch

    def sign_in(self, token: str | None) -> None:
        """From now on this token is what the clients find; None for none."""
        self.monkeypatch.setenv("HF_TOKEN", token or "")

    def hurry(self) -> None:
        """Let the client try again at once: its own waits are 1, 2, 4, 8 and 8 seconds."""
        import huggingface_hub.file_download
        import huggingface_hub.utils._http

        for module in (huggingface_hub.utils._http, huggingface_hub.file_download):
            self.monkeypatch.setattr(module, "time", _Hurried())


class _Hurried:
    """The module `time`, without the waiting."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        """Do not."""


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubDouble]:
    """A double that takes large files by LFS."""
    yield from _doubled(tmp_path_factory, xet=False)


@pytest.fixture
def xet_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubDouble]:
    """A double that takes large files by Xet."""
    yield from _doubled(tmp_path_factory, xet=True)


@pytest.fixture
def on_hub(hub: HubDouble, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnHub]:
    """Make `hub` the Hub of this process. Nobody is signed in: call `sign_in`."""
    yield from _here(hub, tmp_path_factory)


@pytest.fixture
def on_xet_hub(xet_hub: HubDouble, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnHub]:
    """Make `xet_hub` the Hub of this process. Nobody is signed in: call `sign_in`."""
    yield from _here(xet_hub, tmp_path_factory)


def _doubled(factory: pytest.TempPathFactory, *, xet: bool) -> Iterator[HubDouble]:
    with HubDouble(factory.mktemp("hub"), xet=xet) as double:
        yield double
    assert not double.errors, "the double itself failed:\n" + "\n".join(double.errors)


def _here(hub: HubDouble, factory: pytest.TempPathFactory) -> Iterator[OnHub]:
    from emotalk_data.hub_client import calling

    home = factory.mktemp("hf-home")
    with this_process(hub, home), pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(calling, "FIRST_WAIT_SECONDS", 0.0)
        yield OnHub(hub, home, monkeypatch)

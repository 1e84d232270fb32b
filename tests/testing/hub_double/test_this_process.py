"""This process gets its Hub back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub.hf_api
import pytest
from huggingface_hub import HfApi, constants, get_token

from emotalk_data.testing.hub_double import HubDouble, this_process


def state() -> dict[str, Any]:
    kept: dict[str, Any] = dict(vars(constants)) | dict(os.environ)
    kept |= {f"datasets.{name}": value for name, value in vars(datasets.config).items()}
    return kept | {"api": huggingface_hub.hf_api.api.endpoint}


def test_everything_is_put_back_even_after_an_error(hub: HubDouble, tmp_path: Path) -> None:
    before = state()

    def use() -> None:
        with this_process(hub, tmp_path / "home", "hf_lab"):
            assert (HfApi().endpoint, get_token()) == (hub.endpoint, "hf_lab")
            assert not constants.is_offline_mode()
            os.environ["HF_TOKEN"] = "hf_changed"  # noqa: S105  # made up
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        use()

    assert state() == before


def test_nobody_is_signed_in_without_a_token(
    hub: HubDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_user")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")

    with this_process(hub, tmp_path / "home"):
        assert get_token() is None
        assert "HTTPS_PROXY" not in os.environ
    environment = hub.environment(None, tmp_path / "home")

    assert os.environ["HTTPS_PROXY"] == "http://proxy.invalid"
    assert "hf_of_the_user" not in environment.values()
    assert "HTTPS_PROXY" not in environment


def test_a_folder_keeps_what_was_uploaded(tmp_path: Path) -> None:
    with HubDouble(tmp_path / "kept") as first:
        first.add_repo("lab/x", {"a.tar": b"a"})
        sha256 = first.repo("lab/x").commit_of("main").contents["a.tar"].sha256
    with HubDouble(tmp_path / "kept") as second:
        assert second.objects.has(sha256)
    with HubDouble() as temporary:
        folder = temporary.objects.folder
        assert folder.is_dir()

    assert not folder.exists()

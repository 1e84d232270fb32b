"""Point the clients in this process at a double: they read their environment once, when they are imported."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from emotalk_data.testing.hub_double.double import HubDouble

__all__ = ["this_process"]

# The client's own: it hands files to httpx in a way that httpx calls old. Other warnings are left as they are.
_OLD_WAY = "Use 'content=<...>' to upload raw bytes"


@contextmanager
def this_process(hub: HubDouble, home: Path, token: str | None = None) -> Iterator[None]:
    """Make a double the Hub of huggingface_hub and datasets in this process, until the block ends.

    Not for several threads that each want another Hub: what it sets counts for the whole process.

    Args:
        hub: the double.
        home: what `HF_HOME` would be: caches and logins lie there.
        token: who signs in; None for nobody. Set `HF_TOKEN` inside of the block to change it.
    """
    import datasets
    import huggingface_hub.hf_api
    from huggingface_hub import close_session, constants

    home.mkdir(parents=True, exist_ok=True)
    _forget()
    names = [
        name for name in os.environ if name.startswith(("HF_", "HUGGING")) or name.lower().endswith("_proxy")
    ]
    with (
        warnings.catch_warnings(),
        patch.dict(os.environ),
        patch.multiple(constants, **_of_the_client(hub, home)),
        patch.multiple(datasets.config, **_of_datasets(hub, home)),
        patch.object(huggingface_hub.hf_api.api, "endpoint", hub.endpoint),
    ):
        warnings.filterwarnings("ignore", _OLD_WAY, DeprecationWarning)
        for name in names:
            del os.environ[name]
        os.environ.update(hub.variables(token, home))
        try:
            yield
        finally:
            close_session()
            _forget()


def _of_the_client(hub: HubDouble, home: Path) -> dict[str, Any]:
    from huggingface_hub import constants

    return {
        "ENDPOINT": hub.endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_URL_HOSTS": constants.HF_URL_HOSTS | {urlsplit(hub.endpoint).hostname},
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HUGGINGFACE_HUB_CACHE": str(home / "hub"),
        "HF_ASSETS_CACHE": str(home / "assets"),
        "HF_XET_CACHE": str(home / "xet"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_STORED_TOKENS_PATH": str(home / "stored_tokens"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_TELEMETRY": True,
        "HF_HUB_DISABLE_XET": hub.xet is None,
    }


def _of_datasets(hub: HubDouble, home: Path) -> dict[str, Any]:
    return {
        "HF_ENDPOINT": hub.endpoint,
        "HUB_DATASETS_URL": hub.endpoint + "/datasets/{repo_id}/resolve/{revision}/{path}",
        "HF_CACHE_HOME": str(home),
        "HF_DATASETS_CACHE": home / "datasets",
        "HF_MODULES_CACHE": home / "modules",
        "DOWNLOADED_DATASETS_PATH": home / "datasets" / "downloads",
        "EXTRACTED_DATASETS_PATH": home / "datasets" / "downloads" / "extracted",
        "HF_HUB_OFFLINE": False,
        "HF_DATASETS_OFFLINE": False,
        "HF_UPDATE_DOWNLOAD_COUNTS": False,
    }


def _forget() -> None:
    """Drop what the clients keep for the life of a process: connections, listings, tokens."""
    from huggingface_hub import HfFileSystem, _tree_cache, close_session
    from huggingface_hub.utils import _xet

    close_session()
    HfFileSystem.clear_instance_cache()
    _tree_cache._IN_MEMORY_TREE_CACHE.clear()
    _xet.XET_CONNECTION_INFO_CACHE.clear()

"""A set of two splits, and a cache for each test."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore

from ...feature_shards import write_set
from .some_rows import ROWS


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of 14 rows of train in four shards and 8 of test in two; three rows are null."""
    write_set(tmp_path / "set", ROWS[:14])
    write_set(tmp_path / "set", ROWS[14:], split="test")
    return tmp_path / "set"


@pytest.fixture
def store(folder: Path) -> FeatureStore:
    return open_store(folder)

"""A set of two splits, and a cache for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore

from ...feature_shards import write_two_splits
from .some_rows import ROWS


@pytest.fixture(autouse=True)
def _own_cache(own_cache: Path) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_two_splits(tmp_path / "set", ROWS)


@pytest.fixture
def store(folder: Path) -> FeatureStore:
    return open_store(folder)

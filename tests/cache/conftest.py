"""A small release of each corpus, loaded once, and one copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import datasets
import pytest

from emotalk_data.cache import materialise
from emotalk_data.load import load_dataset
from emotalk_data.testing import make_emotalk

NUM_ROWS = 24


@pytest.fixture(autouse=True, scope="session")
def _no_bars() -> Iterator[None]:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("release") / "EmotionTalk"
    make_emotalk(root, num_utterances=NUM_ROWS)
    return root


@pytest.fixture(scope="session")
def table_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(scope="session")
def rows(release: Path, table_dir: Path) -> datasets.DatasetDict:
    return load_dataset("emotalk", data_dir=release, cache_dir=table_dir)


@pytest.fixture(scope="session")
def copy(rows: datasets.DatasetDict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sound at 16 kHz and 4 frames, in shards of 5 rows; not to be changed."""
    out = tmp_path_factory.mktemp("copy") / "copy"
    materialise(rows, out, num_frames=4, frame_size=64, rows_per_shard=5)
    return out

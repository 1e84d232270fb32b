"""One small release for the tests that need its form."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest

from emotalk_data.load import load_dataset
from emotalk_data.testing import make_emotalk


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("release") / "EmotionTalk"
    make_emotalk(root, num_utterances=24, modalities=("text", "audio"))
    return root


@pytest.fixture(scope="session")
def rows(release: Path, tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    return load_dataset("emotalk", data_dir=release, cache_dir=tmp_path_factory.mktemp("tables"))

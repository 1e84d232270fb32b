"""Small releases with media, and the pages made of them; each once."""

from __future__ import annotations

import os
from pathlib import Path

import datasets
import pytest

from emotalk_data import load_dataset
from emotalk_data.report import make_report
from emotalk_data.testing import EmotalkSample, M3edSample, make_emotalk, make_m3ed


@pytest.fixture(scope="session")
def emotalk_sample(tmp_path_factory: pytest.TempPathFactory) -> EmotalkSample:
    return make_emotalk(tmp_path_factory.mktemp("report") / "EmotionTalk", num_utterances=24)


@pytest.fixture(scope="session")
def m3ed_sample(tmp_path_factory: pytest.TempPathFactory) -> M3edSample:
    return make_m3ed(tmp_path_factory.mktemp("report") / "RUCM3ED", num_dialogues=6)


def _load(corpus: str, root: Path, cache: Path, episodes_dir: Path | None = None) -> datasets.DatasetDict:
    splits = load_dataset(corpus, data_dir=root, cache_dir=cache, episodes_dir=episodes_dir)
    assert isinstance(splits, datasets.DatasetDict)
    return splits


@pytest.fixture(scope="session")
def emotalk(emotalk_sample: EmotalkSample, tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    return _load("emotalk", emotalk_sample.root, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def m3ed(m3ed_sample: M3edSample, tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    return _load("m3ed", m3ed_sample.root, tmp_path_factory.mktemp("cache"), m3ed_sample.episodes_dir)


@pytest.fixture(scope="session")
def emotalk_page(emotalk: datasets.DatasetDict) -> str:
    return make_report(emotalk, samples=6, resamples=50)


@pytest.fixture(scope="session")
def m3ed_page(m3ed: datasets.DatasetDict) -> str:
    return make_report(m3ed, samples=6, resamples=50)


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Return the folder of screenshots: $EMOTALK_SCREENSHOTS, where somebody will look at them, or any."""
    folder = Path(os.environ.get("EMOTALK_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder

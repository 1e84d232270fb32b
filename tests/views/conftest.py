"""Small made-up corpora, loaded once for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest

from emotalk_data import load_dataset
from emotalk_data.testing import EmotalkSample, M3edSample, make_emotalk, make_m3ed


@pytest.fixture(scope="session")
def emotalk_sample(tmp_path_factory: pytest.TempPathFactory) -> EmotalkSample:
    """A release of EmotionTalk with everything that real ones have but media."""
    return make_emotalk(tmp_path_factory.mktemp("views") / "EmotionTalk", num_utterances=120, media=False)


@pytest.fixture(scope="session")
def m3ed_sample(tmp_path_factory: pytest.TempPathFactory) -> M3edSample:
    root = tmp_path_factory.mktemp("views") / "RUCM3ED"
    return make_m3ed(root, num_dialogues=12, audio=False, episodes=False)


def _load(corpus: str, root: Path, cache: Path) -> datasets.DatasetDict:
    splits = load_dataset(corpus, data_dir=root, cache_dir=cache)
    assert isinstance(splits, datasets.DatasetDict)
    return splits


@pytest.fixture(scope="session")
def emotalk(emotalk_sample: EmotalkSample, tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    return _load("emotalk", emotalk_sample.root, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def m3ed(m3ed_sample: M3edSample, tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    return _load("m3ed", m3ed_sample.root, tmp_path_factory.mktemp("cache"))

"""A small release of each corpus, loaded once; and one build of EmotionTalk with its media."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import datasets
import pytest

from emotalk_data.hub.building import Built, build_dataset
from emotalk_data.load import load_dataset
from emotalk_data.testing import make_emotalk, make_m3ed

NUM_ROWS = 24


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder, by name, with a digest of its bytes."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def open_plain(folder: Path, cache: Path) -> datasets.DatasetDict:
    """Open a folder by `datasets` alone, media as they are stored."""
    loaded = datasets.load_dataset(str(folder), cache_dir=str(cache))
    assert isinstance(loaded, datasets.DatasetDict)
    for name, plain in {"audio": datasets.Audio(decode=False), "video": datasets.Video(decode=False)}.items():
        if name in loaded["train"].column_names:
            loaded = loaded.cast_column(name, plain)
    return loaded


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("release") / "EmotionTalk"
    make_emotalk(root, num_utterances=NUM_ROWS)
    return root


@pytest.fixture(scope="session")
def rows(release: Path, tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    return load_dataset("emotalk", data_dir=release, cache_dir=tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="session")
def m3ed_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("m3ed") / "RUCM3ED"
    make_m3ed(root, num_dialogues=4)
    return root


@pytest.fixture(scope="session")
def built(rows: datasets.DatasetDict, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """With media, in shards of 5 rows; not to be changed."""
    return build_dataset(rows, tmp_path_factory.mktemp("built") / "out", embed_media=True, rows_per_shard=5)

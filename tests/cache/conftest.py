"""A small release, loaded once, and one copy of it; tables that are smaller still."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import soundfile

import emotalk_data
from emotalk_data.cache import materialise
from emotalk_data.load import load_dataset
from emotalk_data.media import Audio
from emotalk_data.testing import make_emotalk

NUM_ROWS = 24
PACKAGE_ROOT = str(Path(emotalk_data.__file__).parent.parent)


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder, by name, with a digest of its bytes."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sounds(folder: Path, number: int = 12, **columns: Any) -> datasets.Dataset:
    """A table of wavs at 44.1 kHz with the columns that tell EmotionTalk."""
    folder.mkdir(exist_ok=True)
    for index in range(number):
        tone = 0.4 * np.sin(np.arange(3_000) * (0.02 + index / 100))
        soundfile.write(folder / f"{index}.wav", tone, 44_100)
    values = {
        "utterance_id": [f"G00002_01_08_{index:03d}" for index in range(number)],
        "group_id": ["G00002"] * number,
        "audio": [str(folder / f"{index}.wav") for index in range(number)],
        **columns,
    }
    features = {name: datasets.Value("string") for name in values} | {"audio": Audio()}
    return datasets.Dataset.from_dict(values, features=datasets.Features(features))


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

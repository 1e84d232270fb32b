"""A small dataset with every kind of row: sound and pictures from files, tars and bytes, and rows without."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from emotalk_data import Video
from emotalk_data.testing import write_numbered_video, write_wav

from .small_dataset import FEATURES, NO_VIDEO, NUM_ROWS, RATE, row_of


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_gpu") is None:
        return
    import torch

    if not torch.cuda.is_available():
        if os.environ.get("FAIL_WITHOUT_GPU") == "1":
            pytest.fail("FAIL_WITHOUT_GPU=1, and torch sees no GPU")
        pytest.skip("torch sees no GPU")


@pytest.fixture(scope="session")
def wavs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Wavs of 0.05 to 0.27 s, each of its own length and pitch."""
    folder = tmp_path_factory.mktemp("wavs")
    paths = [folder / f"{number:03}.wav" for number in range(NUM_ROWS)]
    for number, path in enumerate(paths):
        write_wav(path, seconds=0.05 + 0.01 * number, sampling_rate=RATE, seed=number)
    return paths


@pytest.fixture(scope="session")
def make_dataset(
    wavs: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], datasets.Dataset]:
    """Return the dataset with its sound in "files", a "tar", or as "bytes" in the table; in chunks of 5 rows."""
    made: dict[str, datasets.Dataset] = {}

    def make(kind: str) -> datasets.Dataset:
        if kind in made:
            return made[kind]
        folder = tmp_path_factory.mktemp(kind)
        archive = folder / "wav.tar"
        with tarfile.open(archive, "w") as tar:
            for path in wavs:
                tar.add(path, path.name)
        sounds: dict[str, Callable[[Path], Any]] = {
            "files": str,
            "tar": lambda path: f"tar://{path.name}::{archive}",
            "bytes": lambda path: {"bytes": path.read_bytes(), "path": path.name},
        }
        sound = sounds[kind]
        made[kind] = datasets.Dataset.from_generator(
            lambda: (row_of(number, sound(path)) for number, path in enumerate(wavs)),
            features=FEATURES,
            cache_dir=str(folder),
            writer_batch_size=5,
        )
        return made[kind]

    return make


@pytest.fixture(scope="session")
def ds(make_dataset: Callable[[str], datasets.Dataset]) -> datasets.Dataset:
    """The dataset with its sound in files."""
    return make_dataset("files")


@pytest.fixture(scope="session")
def with_video(tmp_path_factory: pytest.TempPathFactory, wavs: list[Path]) -> datasets.Dataset:
    """Six rows with sound and pictures; one has no video."""
    folder = tmp_path_factory.mktemp("mp4")
    rows = []
    for number in range(6):
        path = folder / f"{number}.mp4"
        write_numbered_video(path, num_frames=6 + number, width=64, height=48, first_number=100 * number)
        video = None if number == NO_VIDEO else str(path)
        rows.append({**row_of(number, str(wavs[number])), "video": video})
    return datasets.Dataset.from_list(rows, features=datasets.Features({**FEATURES, "video": Video()}))

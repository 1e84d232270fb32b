"""A copy that `emotalk cache` made, opened by `load_dataset` and by plain `datasets`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from emotalk_data.cache import materialise
from emotalk_data.errors import CacheCorruptError, OptionError
from emotalk_data.load import load_dataset
from emotalk_data.media import AudioClip, VideoClip
from emotalk_data.media.features import Audio, Video
from emotalk_data.testing import make_emotalk

NUM_ROWS = 24
MEDIA = ("audio", "video")

Load = Callable[..., Any]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    root = tmp_path_factory.mktemp("release")
    make_emotalk(root / "EmotionTalk", num_utterances=NUM_ROWS)
    return load_dataset("emotalk", data_dir=root / "EmotionTalk", cache_dir=root / "tables")


@pytest.fixture(scope="module")
def made(source: datasets.DatasetDict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("copy") / "copy"
    materialise(source, out, num_frames=4, frame_size=(48, 64), rows_per_shard=7)
    return out


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may harm."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


@pytest.fixture
def load(copy: Path, tmp_path: Path) -> Load:
    return lambda corpus="emotalk", **options: load_dataset(
        corpus, data_dir=copy, cache_dir=tmp_path / "tables", **options
    )


def first_shard(copy: Path) -> Path:
    return min((copy / "data").glob("train-*.parquet"))


def test_the_rows_are_those_of_the_release_with_our_media_types(
    source: datasets.DatasetDict, load: Load
) -> None:
    got = load()
    assert list(got) == list(source)
    for split, part in source.items():
        assert list(got[split].features.items()) == list(part.features.items())
        assert type(got[split].features["audio"]) is Audio
        assert type(got[split].features["video"]) is Video
        names = [name for name in part.column_names if name not in MEDIA]
        assert got[split].select_columns(names).to_list() == part.select_columns(names).to_list()


def test_sound_is_that_of_the_release_at_16_khz_within_half_a_step(
    source: datasets.DatasetDict, load: Load
) -> None:
    for mine, other in zip(load(split="train"), source["train"], strict=True):
        assert (mine["audio"] is None) == (other["audio"] is None)
        if other["audio"] is not None:
            assert isinstance(mine["audio"], AudioClip)
            want = other["audio"].decode(sampling_rate=16_000, mono=True)
            assert np.abs(mine["audio"].decode() - want).max() <= 2**-16


def test_frames_are_those_of_the_release(source: datasets.DatasetDict, load: Load) -> None:
    for mine, other in zip(load(split="test"), source["test"], strict=True):
        assert (mine["video"] is None) == (other["video"] is None)
        if other["video"] is None:
            continue
        assert isinstance(mine["video"], VideoClip)
        got, want = mine["video"].frames(indices=range(4)), other["video"].frames(4, size=(48, 64))
        assert got.shape == want.shape == (4, 48, 64, 3)
        assert 10 * np.log10(255**2 / np.mean((got.astype(float) - want) ** 2)) > 30
        assert mine["video"].audio is None


def test_slices_and_streams_are_read(source: datasets.DatasetDict, load: Load) -> None:
    ids = source["train"]["utterance_id"][:]
    assert load(split="train[2:5]")["utterance_id"][:] == ids[2:5]
    stream = load(split="train", streaming=True)
    assert [row["utterance_id"] for row in stream] == ids
    assert next(iter(stream))["audio"].sampling_rate == 16_000


def test_several_processes_read_the_same_rows(load: Load, tmp_path: Path, copy: Path) -> None:
    again = load_dataset("emotalk", data_dir=copy, cache_dir=tmp_path / "other", num_proc=2)
    assert [part["utterance_id"][:] for part in again.values()] == [
        part["utterance_id"][:] for part in load().values()
    ]


def test_plain_datasets_opens_it_without_this_package(
    source: datasets.DatasetDict, copy: Path, tmp_path: Path
) -> None:
    plain = datasets.load_dataset("parquet", data_dir=str(copy), cache_dir=str(tmp_path / "plain"))
    for split, part in source.items():
        features = plain[split].features
        assert type(features["audio"]) is datasets.Audio
        assert type(features["video"]) is datasets.Video
        assert features["emotion"].names == part.features["emotion"].names
        names = [name for name in part.column_names if name not in MEDIA]
        assert plain[split].column_names == part.column_names
        assert plain[split].select_columns(names).to_list() == part.select_columns(names).to_list()


def test_a_split_that_was_copied_alone_loads_with_the_others_empty(
    source: datasets.DatasetDict, tmp_path: Path
) -> None:
    materialise(source["validation"], tmp_path / "one")
    got = load_dataset("emotalk", data_dir=tmp_path / "one", cache_dir=tmp_path / "tables")
    assert {split: len(part) for split, part in got.items()} == {
        "train": 0,
        "validation": len(source["validation"]),
        "test": 0,
    }


def test_the_other_corpus_is_refused(load: Load) -> None:
    with pytest.raises(OptionError, match=r"is a copy of emotalk, not of m3ed: load_dataset\('emotalk'"):
        load("m3ed")


def test_options_of_a_release_are_refused(load: Load, copy: Path) -> None:
    with pytest.raises(OptionError, match=r"a copy holds the rows that it was made from\. Make the copy of"):
        load(on_invalid="drop")
    with pytest.raises(OptionError, match="episodes_dir belongs to a release"):
        load_dataset("m3ed", data_dir=copy, episodes_dir="tv")


def test_a_copy_that_is_not_finished_says_how_to_go_on(load: Load, copy: Path) -> None:
    path = copy / "emotalk-cache.json"
    values = json.loads(path.read_text())
    values["is_complete"] = False
    values["splits"]["train"]["shards"].pop()
    path.write_text(json.dumps(values))
    with pytest.raises(CacheCorruptError, match=r"not finished: \d of \d shards are there\. Run the same"):
        load()


@pytest.mark.parametrize("harm", ["removed", "cut"])
def test_a_shard_that_is_gone_or_cut_is_said_at_once(load: Load, copy: Path, harm: str) -> None:
    path = first_shard(copy)
    if harm == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        CacheCorruptError, match=rf"{path.name}.* is gone or damaged.*Remove that file and run"
    ):
        load()


def test_a_flipped_bit_is_found_by_the_page_s_checksum(load: Load, copy: Path) -> None:
    path = first_shard(copy)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # in the samples of some clip
    path.write_bytes(bytes(data))
    with pytest.raises(CacheCorruptError, match=rf"{path.name}.* is gone or damaged"):
        load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be used"),
        ('{"format": "emotalk-cache", "version": 2}', "version: Input should be 1"),
    ],
)
def test_a_manifest_that_is_none_is_said(load: Load, copy: Path, text: str, message: str) -> None:
    (copy / "emotalk-cache.json").write_text(text)
    with pytest.raises(CacheCorruptError, match=message):
        load()


def test_a_copy_that_was_made_anew_is_read_anew(source: datasets.DatasetDict, tmp_path: Path) -> None:
    out, cache_dir = tmp_path / "copy", tmp_path / "tables"
    materialise(source["test"], out)
    first = load_dataset("emotalk", data_dir=out, cache_dir=cache_dir, split="test")
    shutil.rmtree(out)
    materialise(source["test"], out, sampling_rate=8_000)
    second = load_dataset("emotalk", data_dir=out, cache_dir=cache_dir, split="test")
    assert (first[0]["audio"].sampling_rate, second[0]["audio"].sampling_rate) == (16_000, 8_000)

"""`load_dataset(…, feature_sets=[SET])`: rows with their features beside them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.cache import materialise
from emotalk_data.errors import CacheCorruptError, OptionError, ReleaseNotFoundError
from emotalk_data.features.feature_set import FeatureSet
from emotalk_data.load import load_dataset
from emotalk_data.media import Audio
from emotalk_data.schemas.split_file import SplitFile
from emotalk_data.testing import EmotalkSample, make_emotalk, make_m3ed

from .feature_shards import SPEC, Row, make_rows, write_set

Load = Callable[..., Any]
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> EmotalkSample:
    return make_emotalk(tmp_path_factory.mktemp("release") / "EmotionTalk", num_utterances=34)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def load(sample: EmotalkSample, cache: Path) -> Load:
    return lambda corpus="emotalk", **options: load_dataset(
        corpus, **({"data_dir": sample.root, "cache_dir": cache} | options)
    )


@pytest.fixture(scope="module")
def rows(sample: EmotalkSample, cache: Path) -> dict[str, list[Row]]:
    """What an encoder might have made of each split."""
    splits = load_dataset("emotalk", data_dir=sample.root, cache_dir=cache)
    return {name: make_rows(splits[name]["utterance_id"], failed=[1], seed=len(name)) for name in SPLITS}


@pytest.fixture(scope="module")
def folder(rows: dict[str, list[Row]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("set")
    for name, of_split in rows.items():
        write_set(path, of_split, split=name)
    return path


def check(ds: datasets.Dataset, rows: dict[str, list[Row]]) -> None:
    truth = {row.utterance_id: row for of_split in rows.values() for row in of_split}
    names = ["utterance_id", "tiny_hubert_frames", "tiny_hubert_error"]
    assert ds.num_rows
    for found in ds.select_columns(names):
        row = truth[found["utterance_id"]]
        assert found["tiny_hubert_error"] == row.error
        assert (found["tiny_hubert_frames"] is None) == (row.frames is None)
        if row.frames is not None:
            assert np.array_equal(np.array(found["tiny_hubert_frames"], "float32"), row.frames)


def test_every_split_has_its_features(load: Load, folder: Path, rows: dict[str, list[Row]]) -> None:
    ds = load(feature_sets=[folder])
    assert isinstance(ds, datasets.DatasetDict)
    for name in SPLITS:
        check(ds[name], rows)
        assert ds[name].num_rows == len(rows[name])
        assert isinstance(ds[name].features["audio"], Audio)
    assert ds["train"].column_names[-4:] == [
        "tiny_hubert",
        "tiny_hubert_frames",
        "tiny_hubert_seconds",
        "tiny_hubert_error",
    ]


@pytest.mark.parametrize("split", ["train", "test[:3]", "train[50%:]+validation", "all"])
def test_a_split_a_slice_and_a_sum_have_theirs(
    load: Load, folder: Path, rows: dict[str, list[Row]], split: str
) -> None:
    ds = load(split=split, feature_sets=folder)
    assert ds["utterance_id"] == load(split=split)["utterance_id"]
    check(ds, rows)


def test_a_list_of_splits_has_theirs(load: Load, folder: Path, rows: dict[str, list[Row]]) -> None:
    train, test = load(split=["train", "test[:2]"], feature_sets=[str(folder)])
    check(train, rows)
    check(test, rows)
    assert test.num_rows == 2


def test_splits_of_a_file_have_theirs(load: Load, folder: Path, rows: dict[str, list[Row]]) -> None:
    splits = {
        "train": ["G00001_01", "G00003_01"],
        "validation": ["G00012_01"],
        "test": ["G00002_01", "G00002_02"],
    }
    frozen = SplitFile(corpus="emotalk", folds=[{"splits": splits}])
    for split in load(split_file=frozen, feature_sets=[folder]).values():
        check(split, rows)
    check(load(split="test", split_file=frozen, feature_sets=[folder]), rows)


@pytest.mark.parametrize("opened", [open_store, FeatureSet.open, str, os.fspath, Path])
def test_a_set_may_be_a_path_or_opened(
    load: Load, folder: Path, rows: dict[str, list[Row]], opened: Callable[[Path], Any]
) -> None:
    check(load(split="test", feature_sets=opened(folder)), rows)
    check(load(split="test", feature_sets=(one for one in [opened(folder)])), rows)


def test_two_sets_stand_side_by_side(
    load: Load, folder: Path, rows: dict[str, list[Row]], tmp_path: Path
) -> None:
    other = make_rows([row.utterance_id for row in rows["test"]], seed=9)
    write_set(tmp_path, other, SPEC.model_copy(update={"name": "clean/other"}), ("utterance",), split="test")
    ds = load(split="test", feature_sets=[folder, tmp_path])
    check(ds, rows)
    assert {"other", "other_error", "tiny_hubert", "tiny_hubert_error"} <= set(ds.column_names)
    assert other[0].frames is not None
    assert np.allclose(ds[0]["other"], other[0].frames.mean(0))


def test_two_sets_with_the_same_columns_are_refused(load: Load, folder: Path, tmp_path: Path) -> None:
    write_set(tmp_path, make_rows(["G00001_01_01_001"]))
    with pytest.raises(OptionError, match=r"both have columns of the name 'tiny_hubert'.*FeatureSet.open"):
        load(feature_sets=[folder, tmp_path])


def test_a_copy_has_the_features_of_its_release(
    load: Load, folder: Path, rows: dict[str, list[Row]], tmp_path: Path
) -> None:
    materialise(load(split="test"), tmp_path / "copy", sampling_rate=8_000)
    check(load(data_dir=tmp_path / "copy", split="test", feature_sets=[folder]), rows)


def test_mapped_files_go_where_the_cache_goes(load: Load, folder: Path, tmp_path: Path) -> None:
    load(split="test", feature_sets=[folder], cache_dir=tmp_path)
    assert list((tmp_path / "emotalk_features" / "tiny_hubert").glob("test-*.arrow"))


def test_what_cannot_be_joined_is_refused_before_anything_is_built(
    folder: Path, tmp_path: Path, cache: Path
) -> None:
    make_m3ed(tmp_path / "RUCM3ED")
    options: dict[str, Any] = {"data_dir": tmp_path / "RUCM3ED", "cache_dir": tmp_path / "cache"}
    with pytest.raises(OptionError, match=r"is of emotalk, and m3ed is asked for: load_dataset\('emotalk'"):
        load_dataset("m3ed", feature_sets=[folder], **options)
    with pytest.raises(OptionError, match=r"no feature set at .*nowhere"):
        load_dataset("m3ed", feature_sets=tmp_path / "nowhere", **options)
    with pytest.raises(OptionError, match="feature_sets needs the table that streaming=True does not keep"):
        load_dataset("m3ed", feature_sets=[folder], streaming=True, **options)
    with pytest.raises(OptionError, match="the set is 7; expected the path of a folder"):
        load_dataset("m3ed", feature_sets=[7], **options)  # type: ignore[list-item]
    assert not (tmp_path / "cache").exists()
    with pytest.raises(ReleaseNotFoundError, match="nowhere"):
        load_dataset("emotalk", data_dir=tmp_path / "nowhere", feature_sets=[folder], cache_dir=cache)


def test_rows_that_no_one_extracted_are_refused(
    load: Load, rows: dict[str, list[Row]], tmp_path: Path
) -> None:
    write_set(tmp_path, rows["test"], split="test")
    with pytest.raises(OptionError, match=r"rows are not in the set .*; it has \d+ of test"):
        load(feature_sets=[tmp_path])
    check(load(split="test", feature_sets=[tmp_path]), rows)


def test_a_damaged_or_unfinished_set_is_refused(
    load: Load, rows: dict[str, list[Row]], tmp_path: Path
) -> None:
    first, *_ = write_set(tmp_path, rows["train"])
    whole = first.read_bytes()
    first.unlink()
    with pytest.raises(OptionError, match="is not finished: 4 rows of train are missing"):
        load(split="train", feature_sets=[tmp_path])
    first.write_bytes(whole[:-50])
    with pytest.raises(CacheCorruptError, match=r"train-00000-of-.* it makes only this shard"):
        load(split="train", feature_sets=[tmp_path])


def test_no_set_is_no_column(load: Load) -> None:
    assert load(split="test", feature_sets=[]).column_names == load(split="test").column_names

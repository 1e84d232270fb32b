"""`load_dataset(…, split_file=FILE)`: other splits than the official ones, from a release or a copy."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from emotalk_data.cache import materialise
from emotalk_data.errors import OptionError, SchemaError
from emotalk_data.load import load_dataset
from emotalk_data.media import Audio, Video
from emotalk_data.schemas.split_file import SplitFile
from emotalk_data.testing import EmotalkSample, make_emotalk

# The dialogues of a sample of 34 utterances; the official validation has two of them.
SPLITS = {
    "train": ["G00001_01", "G00003_01"],
    "validation": ["G00012_01"],
    "test": ["G00002_01", "G00002_02"],
}
FROZEN = SplitFile(corpus="emotalk", folds=[{"splits": SPLITS}])

Load = Callable[..., Any]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> EmotalkSample:
    return make_emotalk(tmp_path_factory.mktemp("release") / "EmotionTalk", num_utterances=34)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def load(sample: EmotalkSample, cache: Path) -> Load:
    return lambda corpus="emotalk", **options: load_dataset(
        corpus, data_dir=sample.root, cache_dir=cache, **options
    )


def _truth(sample: EmotalkSample, split: str) -> list[str]:
    return sorted(one.utterance_id for one in sample.utterances if one.dialogue_id in SPLITS[split])


def test_the_splits_are_those_of_the_file(load: Load, sample: EmotalkSample, tmp_path: Path) -> None:
    FROZEN.save(tmp_path / "splits.json")
    for given_as in (tmp_path / "splits.json", str(tmp_path / "splits.json"), FROZEN):
        ds = load(split_file=given_as)
        assert isinstance(ds, datasets.DatasetDict)
        assert list(ds) == list(SPLITS)
        for name, split in ds.items():
            assert sorted(split["utterance_id"]) == _truth(sample, name)
            assert isinstance(split.features["audio"], Audio)
            assert isinstance(split.features["video"], Video)


def test_one_split_and_slices_are_of_the_file_too(load: Load, sample: EmotalkSample) -> None:
    test = load(split_file=FROZEN, split="test")
    assert sorted(test["utterance_id"]) == _truth(sample, "test")
    assert str(test.split) == "test"
    assert (
        list(load(split_file=FROZEN, split="test[:50%]")["utterance_id"])
        == (list(test["utterance_id"])[: round(test.num_rows / 2)])
    )
    both = load(split_file=FROZEN, split="train+validation")
    assert sorted(both["utterance_id"]) == sorted(_truth(sample, "train") + _truth(sample, "validation"))
    with pytest.raises(
        OptionError, match=r'Unknown split "dev".*The split file has \[\'train\', \'validation\''
    ):
        load(split_file=FROZEN, split="dev")


def test_media_are_decoded_as_ever(load: Load) -> None:
    row = load(split_file=FROZEN, split="test")[0]
    same = load(split="train")[0]
    assert row["utterance_id"] == same["utterance_id"]
    assert (row["audio"].decode() == same["audio"].decode()).all()
    assert (row["video"].frames(2) == same["video"].frames(2)).all()


def test_the_official_splits_stay_what_they_are(load: Load) -> None:
    before = load().num_rows
    load(split_file=FROZEN)
    assert load().num_rows == before


def test_a_fold_is_chosen(load: Load) -> None:
    turned = {"train": SPLITS["test"], "test": [*SPLITS["train"], *SPLITS["validation"]]}
    folds = SplitFile(corpus="emotalk", folds=[{"splits": SPLITS}, {"name": "turned", "splits": turned}])
    assert (
        list(load(split_file=folds, fold=1))
        == list(load(split_file=folds, fold="turned"))
        == ["train", "test"]
    )
    assert list(load(split_file=folds, fold=0)) == list(SPLITS)
    with pytest.raises(OptionError, match=r"has 2 folds; choose one with fold=0 to fold=1"):
        load(split_file=folds)
    with pytest.raises(OptionError, match=r"fold is 2; expected fold=0 to fold=1"):
        load(split_file=folds, fold=2)


def test_a_copy_is_regrouped_as_its_release_is(load: Load, tmp_path: Path) -> None:
    materialise(load(), tmp_path / "copy", num_frames=2, frame_size=(48, 64), num_proc=1)
    ds = load_dataset("emotalk", data_dir=tmp_path / "copy", cache_dir=tmp_path / "tables", split_file=FROZEN)
    release = load(split_file=FROZEN)
    for name, split in ds.items():
        assert list(split["utterance_id"]) == list(release[name]["utterance_id"])
    assert ds["test"][0]["audio"].sampling_rate == 16_000
    assert ds["test"][0]["video"].frames(2).shape == (2, 48, 64, 3)


def test_the_table_can_be_kept_in_memory(load: Load, sample: EmotalkSample) -> None:
    ds = load(split_file=FROZEN, keep_in_memory=True, split="test")
    assert ds.cache_files == []
    assert sorted(ds["utterance_id"]) == _truth(sample, "test")


def test_a_release_in_part_is_a_warning(
    cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_emotalk(tmp_path / "part", num_utterances=12, media=False, oddities=False).root
    with caplog.at_level(logging.WARNING, logger="emotalk_data"):
        ds = load_dataset("emotalk", data_dir=root, cache_dir=cache, split_file=FROZEN)
    assert ds.num_rows == {"train": 6, "validation": 0, "test": 6}
    (message,) = (record.getMessage() for record in caplog.records)
    assert message.startswith("3 of 5 dialogues of the split file are not in the release, G00003_01 first")


def test_a_file_of_other_rows_is_refused(load: Load) -> None:
    other = SplitFile(corpus="emotalk", folds=[{"splits": {"train": ["G00001_01"], "test": ["G00003_01"]}}])
    with pytest.raises(
        OptionError, match=r"does not list 'G00002_01': \d+ of 34 rows are in none of its splits"
    ):
        load(split_file=other)


def test_what_does_not_belong_together_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    nowhere: dict[str, Any] = {"data_dir": tmp_path / "nothing"}
    with pytest.raises(OptionError, match=r"fold is 0, and only a split file has folds"):
        load_dataset("emotalk", fold=0, **nowhere)
    with pytest.raises(OptionError, match=r"split_file needs the table that streaming=True does not keep"):
        load_dataset("emotalk", split_file=FROZEN, streaming=True, **nowhere)
    with pytest.raises(OptionError, match=r"the split file is of emotalk, and 'm3ed' is asked for"):
        load_dataset("m3ed", split_file=FROZEN, **nowhere)
    with pytest.raises(OptionError, match=r"cannot read the split file .*No such file"):
        load_dataset("emotalk", split_file=tmp_path / "splits.json", **nowhere)
    with pytest.raises(OptionError, match=r"cannot read the split file '3'"):
        load_dataset("emotalk", split_file=3, **nowhere)  # type: ignore[call-overload]


def test_a_file_that_was_changed_is_refused(load: Load, tmp_path: Path) -> None:
    values = FROZEN.to_dict()
    values["folds"][0]["splits"]["test"] = values["folds"][0]["splits"]["test"][:1]
    (tmp_path / "splits.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(SchemaError, match=r"digest is 'sha256:.*; expected sha256:"):
        load(split_file=tmp_path / "splits.json")

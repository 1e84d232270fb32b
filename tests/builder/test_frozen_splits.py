"""Regrouping: every row in the split that the file says, nothing copied, nothing lost in silence."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.builder.frozen_splits import apply_split_file, choose_split
from emotalk_data.errors import OptionError
from emotalk_data.load import load_dataset
from emotalk_data.media import Audio, Video
from emotalk_data.schemas.split_file import SplitFile
from emotalk_data.testing import make_emotalk, make_m3ed


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    """A release with media: dialogues G00002_01, G00001_01, G00003_01, G00002_02 and G00012_01."""
    root = make_emotalk(tmp_path_factory.mktemp("release") / "EmotionTalk", num_utterances=34).root
    return load_dataset("emotalk", data_dir=root, cache_dir=tmp_path_factory.mktemp("cache"))


def _file(official: datasets.DatasetDict, seed: int = 0, **changes: Any) -> SplitFile:
    """Deal the dialogues out by chance."""
    dialogues = sorted({one for split in official.values() for one in split["dialogue_id"]})
    np.random.default_rng(seed).shuffle(dialogues)
    splits = {"train": dialogues[:2], "dev": dialogues[2:3], "test": dialogues[3:]}
    return SplitFile(corpus="emotalk", folds=[{"splits": splits}], **changes)


def _ids(dataset: datasets.Dataset) -> list[str]:
    return list(dataset["utterance_id"])


def test_each_row_is_in_the_split_of_its_dialogue(official: datasets.DatasetDict) -> None:
    frozen = _file(official)
    regrouped = apply_split_file(official, frozen)
    assert list(regrouped) == ["train", "dev", "test"]
    for name, dialogues in frozen.folds[0].splits.items():
        # In the order of the release, official splits one after the other.
        assert _ids(regrouped[name]) == [
            utterance
            for split in official.values()
            for utterance, dialogue in zip(split["utterance_id"], split["dialogue_id"], strict=True)
            if dialogue in dialogues
        ]
        assert str(regrouped[name].split) == name
    assert sum(regrouped.num_rows.values()) == sum(official.num_rows.values())


def test_the_rows_are_those_of_the_release_with_their_media(official: datasets.DatasetDict) -> None:
    regrouped = apply_split_file(official, _file(official))
    before = {row["utterance_id"]: row for split in official.values() for row in split}
    for split in regrouped.values():
        assert isinstance(split.features["audio"], Audio)
        assert isinstance(split.features["video"], Video)
        assert split.features == official["train"].features
        for row in split:
            old = before[row["utterance_id"]]
            assert {k: v for k, v in row.items() if k not in ("audio", "video")} == {
                k: v for k, v in old.items() if k not in ("audio", "video")
            }
            assert (row["audio"] is None) == (old["audio"] is None)
            if row["audio"] is not None:
                np.testing.assert_array_equal(row["audio"].decode(), old["audio"].decode())


def test_no_row_is_copied(official: datasets.DatasetDict) -> None:
    regrouped = apply_split_file(official, _file(official))
    places = {
        chunk.buffers()[1].address
        for split in official.values()
        for chunk in split.data.table.column("utterance_number").chunks
    }
    for split in regrouped.values():
        chunks = split.data.table.column("utterance_number").chunks
        assert {chunk.buffers()[1].address for chunk in chunks} <= places
        assert split.cache_files  # mapped from the files of the cache


def test_a_regrouped_split_goes_to_other_processes(official: datasets.DatasetDict) -> None:
    split = apply_split_file(official, _file(official))["test"]
    there = pickle.loads(pickle.dumps(split))  # noqa: S301  # our own bytes
    assert _ids(there) == _ids(split)
    assert there[0]["audio"].decode().shape == split[0]["audio"].decode().shape


def test_splits_that_were_selected_and_shuffled_are_regrouped_by_what_they_are(
    official: datasets.DatasetDict,
) -> None:
    frozen = _file(official)
    turned = datasets.DatasetDict({name: split.shuffle(seed=1) for name, split in official.items()})
    for name, split in apply_split_file(turned, frozen).items():
        assert sorted(_ids(split)) == sorted(_ids(apply_split_file(official, frozen)[name]))


@settings(max_examples=15)
@given(st.integers(0, 1_000), st.integers(0, 4))
def test_what_is_listed_and_left_out_adds_up(
    official: datasets.DatasetDict, seed: int, num_left: int
) -> None:
    utterances = [one for split in official.values() for one in _ids(split)]
    np.random.default_rng(seed).shuffle(utterances)
    left, listed = utterances[:num_left], utterances[num_left:]
    frozen = SplitFile(
        corpus="emotalk",
        level="utterance",
        folds=[{"splits": {"a": listed[:7], "b": listed[7:]}, "left_out": left}],
    )
    regrouped = apply_split_file(official, frozen)
    assert sorted(_ids(regrouped["a"])) == sorted(listed[:7])
    assert sorted(_ids(regrouped["b"])) == sorted(listed[7:])


def test_a_row_that_the_file_does_not_know_is_told(official: datasets.DatasetDict) -> None:
    splits = {"train": ["G00002_01", "G00002_02", "G00012_01"], "test": ["G00003_01"]}
    frozen = SplitFile(corpus="emotalk", name="mine", folds=[{"splits": splits}])
    num_unknown = (
        official["validation"].filter(lambda one: one == "G00001_01", input_columns="dialogue_id").num_rows
    )
    with pytest.raises(
        OptionError,
        match=rf"\(emotalk, 'mine'\) does not list 'G00001_01': {num_unknown} of 34 rows are in none",
    ):
        apply_split_file(official, frozen)


def test_what_the_release_lacks_is_one_warning(
    official: datasets.DatasetDict, caplog: pytest.LogCaptureFixture
) -> None:
    frozen = _file(official)
    part = datasets.DatasetDict(train=official["train"], test=official["test"])
    with caplog.at_level(logging.WARNING, logger="emotalk_data"):
        regrouped = apply_split_file(part, frozen)
    assert sum(regrouped.num_rows.values()) == sum(part.num_rows.values())
    (record,) = caplog.records
    assert "2 of 5 dialogues of the split file are not in the release" in record.getMessage()
    caplog.clear()
    apply_split_file(official, frozen)
    assert not caplog.records


def test_a_split_without_rows_is_there_and_empty(official: datasets.DatasetDict) -> None:
    splits = {"train": sorted({*official["train"]["dialogue_id"]}), "test": ["G00015_01"]}
    frozen = SplitFile(corpus="emotalk", folds=[{"splits": splits}])
    regrouped = apply_split_file({"train": official["train"]}, frozen)
    assert regrouped["test"].num_rows == 0
    assert regrouped["test"].features == official["train"].features
    empty = apply_split_file({"train": official["train"].select([])}, frozen)
    assert empty.num_rows == {"train": 0, "test": 0}


def test_each_fold_can_be_chosen(official: datasets.DatasetDict) -> None:
    one, other = (_file(official, seed).folds[0].splits for seed in (0, 1))
    frozen = SplitFile(corpus="emotalk", folds=[{"splits": one}, {"name": "b", "splits": other}])
    assert {*apply_split_file(official, frozen, fold=0)["dev"]["dialogue_id"]} == {*one["dev"]}
    assert {*apply_split_file(official, frozen, fold="b")["dev"]["dialogue_id"]} == {*other["dev"]}
    with pytest.raises(OptionError, match=r"has 2 folds; choose one"):
        apply_split_file(official, frozen)


def test_m3ed_is_regrouped_by_its_dialogues(tmp_path: Path) -> None:
    root = make_m3ed(tmp_path / "RUCM3ED", num_dialogues=4, audio=False, episodes=False).root
    official = load_dataset("m3ed", data_dir=root, cache_dir=tmp_path / "cache")
    dialogues = sorted({one for split in official.values() for one in split["dialogue_id"]})
    splits = {"train": dialogues[1:], "test": dialogues[:1]}
    frozen = SplitFile(corpus="m3ed", folds=[{"splits": splits}])
    regrouped = apply_split_file(official, frozen)
    assert {*regrouped["test"]["dialogue_id"]} == {dialogues[0]}
    assert sum(regrouped.num_rows.values()) == sum(official.num_rows.values())


def test_only_a_dict_of_splits_is_taken(official: datasets.DatasetDict) -> None:
    frozen = _file(official)
    for data in (official["train"], {}, {"train": [1]}, datasets.IterableDatasetDict()):
        with pytest.raises(OptionError, match=r"expected a dict of splits, as load_dataset gives it without"):
            apply_split_file(data, frozen)
    without = datasets.DatasetDict(
        {name: one.remove_columns("dialogue_id") for name, one in official.items()}
    )
    with pytest.raises(OptionError, match=r"has no column 'dialogue_id', by which the split file tells"):
        apply_split_file(without, frozen)


@pytest.mark.parametrize(
    "split", ["train", "train[:50%]", "test[-3:]", "dev[2:4]", "train+test", "train[:0]"]
)
def test_slices_are_those_of_datasets(official: datasets.DatasetDict, split: str) -> None:
    regrouped = apply_split_file(official, _file(official))
    lengths = regrouped.num_rows
    truth = [
        utterance
        for part in datasets.ReadInstruction.from_spec(split).to_absolute(lengths)
        for utterance in _ids(regrouped[part.splitname])[part.from_ : part.to]
    ]
    for given_as in (split, datasets.ReadInstruction.from_spec(split)):
        chosen = choose_split(regrouped, given_as)
        assert _ids(chosen) == truth
        assert chosen.features == official["train"].features


def test_lists_and_dicts_of_splits_give_lists_and_dicts(official: datasets.DatasetDict) -> None:
    regrouped = apply_split_file(official, _file(official))
    first, second = choose_split(regrouped, ["train", "test[:2]"])
    assert (_ids(first), second.num_rows) == (_ids(regrouped["train"]), 2)
    chosen = choose_split(regrouped, {"a": "dev", "b": datasets.Split.TEST})
    assert isinstance(chosen, datasets.DatasetDict)
    assert _ids(chosen["b"]) == _ids(regrouped["test"])
    assert choose_split(regrouped, None) is regrouped
    whole = choose_split(regrouped, datasets.Split.ALL)
    assert (
        _ids(whole)
        == [one for split in regrouped.values() for one in _ids(split)]
        == _ids(choose_split(regrouped, "all"))
    )


@pytest.mark.parametrize("split", ["validation", "train[:", "train[:200%]", 3])
def test_a_split_that_is_not_there_is_told_with_those_that_are(
    official: datasets.DatasetDict, split: Any
) -> None:
    regrouped = apply_split_file(official, _file(official))
    with pytest.raises(OptionError, match=r"The split file has \['train', 'dev', 'test'\]; slices are like"):
        choose_split(regrouped, split)

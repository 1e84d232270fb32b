"""`plan.json`: a split that has no shard yet is missing, and not unknown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.set_plan import merge_plan, read_plan
from emotalk_data.errors import CacheCorruptError, OptionError
from emotalk_data.schemas.feature_shard import SetPlan, SplitPlan

TRAIN, TEST, VALIDATION = (14, 4), (8, 2), (6, 2)


def plan_of(**splits: tuple[int, int]) -> SetPlan:
    """A plan, of rows and shards of each split."""
    planned = {name: SplitPlan(num_rows=rows, num_shards=shards) for name, (rows, shards) in splits.items()}
    return SetPlan(splits=planned)


def write_plan(folder: Path, plan: SetPlan) -> None:
    (folder / "plan.json").write_text(plan.model_dump_json())


def test_a_set_of_which_all_is_there_opens(folder: Path) -> None:
    assert open_store(folder).plan is None  # a set of before, or a copy of the shards alone
    plan = plan_of(train=TRAIN, test=TEST)
    write_plan(folder, plan)
    store = open_store(folder)
    assert store.plan == read_plan(folder) == plan
    assert store.is_complete
    assert store.gaps == {}


def test_a_split_without_a_shard_is_missing(folder: Path) -> None:
    write_plan(folder, plan_of(train=TRAIN, validation=VALIDATION, test=TEST))
    with pytest.raises(
        OptionError, match=r"not finished: 6 rows of validation are missing \(2 of 2 shards\)\."
    ):
        open_store(folder)
    store = open_store(folder, allow_unfinished=True)
    assert not store.is_complete
    assert store.splits == ("train", "test")
    assert list(store.gaps) == ["validation"]


def test_the_rows_of_a_last_shard_are_known_by_the_plan(folder: Path) -> None:
    for number in (1, 3):
        (folder / "data" / f"train-{number:05d}-of-00004.parquet").unlink()
    write_plan(folder, plan_of(train=TRAIN, test=TEST))
    with pytest.raises(OptionError, match=r"finished: 6 rows of train are missing \(2 of 4 shards\)\."):
        open_store(folder)


def test_a_split_that_the_plan_does_not_name_is_judged_by_its_shards(folder: Path) -> None:
    write_plan(folder, plan_of(test=TEST))
    assert open_store(folder).is_complete
    (folder / "data" / "train-00003-of-00004.parquet").unlink()
    with pytest.raises(OptionError, match=r"up to 4 rows of train are missing \(1 of 4 shards\)"):
        open_store(folder)


def test_shards_of_fewer_rows_than_planned_are_to_be_made_again(folder: Path) -> None:
    write_plan(folder, plan_of(train=(16, 4), test=TEST))
    with pytest.raises(OptionError, match="16 rows of train are planned, and its shards have 14"):
        open_store(folder)


def test_an_empty_split_is_no_gap(folder: Path) -> None:
    write_plan(folder, plan_of(train=TRAIN, test=TEST, validation=(0, 0)))
    assert open_store(folder).is_complete


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ((14, 5), "it has 5 shards of train, and those that are there are of 4"),
        ((13, 4), "it has 13 rows of train, and the shards have 14"),
    ],
)
def test_a_plan_of_other_shards_is_refused(folder: Path, train: tuple[int, int], expected: str) -> None:
    write_plan(folder, plan_of(train=train, test=TEST))
    with pytest.raises(CacheCorruptError, match=f"{expected}.*Run the same `emotalk features extract` again"):
        open_store(folder, allow_unfinished=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ('{"version": 1, "splits": {', "EOF while parsing"),
        ("[]", "the whole: Input should be a valid dictionary"),
        ('{"version": 2, "splits": {}}', "version: .*a later version wrote it"),
        ('{"splits": {}, "splits": {}}', "splits"),
        (
            '{"splits": {"test": {"num_rows": "8", "num_shards": 2}}}',
            r"splits\.test\.num_rows: .*valid integer",
        ),
        ('{"splits": {"test": {"num_rows": 8, "num_shards": 0}}}', "8 rows cannot be in 0 shards"),
        ('{"splits": {"test": {"num_rows": 2, "num_shards": 8}}}', "2 rows cannot be in 8 shards"),
        ('{"splits": {"../x": {"num_rows": 8, "num_shards": 2}}}', "should match pattern"),
        (" " * (1 << 20) + "{}", "it has more than 1,048,576 bytes"),
        ("[" * 3000, "nested too deep"),
    ],
)
def test_a_damaged_plan_says_what_is_wrong_and_what_to_do(folder: Path, text: str, expected: str) -> None:
    (folder / "plan.json").write_text(text)
    with pytest.raises(
        CacheCorruptError, match=f"{expected}.*Run the same .*: it writes the plan anew"
    ) as caught:
        open_store(folder)
    assert caught.value.path == str(folder / "plan.json")


def test_what_is_no_file_is_no_plan(folder: Path) -> None:
    path = folder / "plan.json"
    ways: list[tuple[Any, str]] = [
        (lambda: path.symlink_to("nowhere"), "it is a link to a file that is not there"),
        (lambda: os.mkfifo(path), "is a fifo, socket or device"),
        (lambda: path.mkdir(), "is a directory"),
    ]
    for make, expected in ways:
        make()
        with pytest.raises(CacheCorruptError, match=f"{expected}.*Run the same"):
            open_store(folder)
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()


def test_a_plan_keeps_the_splits_of_runs_before() -> None:
    old, new = plan_of(train=TRAIN, test=(8, 3)), plan_of(test=TEST, validation=VALIDATION)
    assert merge_plan(None, new) == new
    assert merge_plan(old, new) == plan_of(train=TRAIN, test=TEST, validation=VALIDATION)
    assert merge_plan(new, new) == new
    assert old == plan_of(train=TRAIN, test=(8, 3))


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = plan_of(train=TRAIN, validation=(0, 0))
    (tmp_path / "plan.json").write_text(json.dumps(plan.model_dump(mode="json"), indent=1))
    assert read_plan(tmp_path) == plan
    assert read_plan(tmp_path / "nowhere") is None

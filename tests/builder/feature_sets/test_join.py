"""Features stand beside the right rows, whatever the selection and order."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.builder.feature_sets import join
from emotalk_data.builder.feature_sets.join import ABSENT
from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.errors import OptionError
from emotalk_data.schemas.feature_shard import ShardRecord

from ...feature_shards import D, Row, make_rows, write_set
from .some_rows import IDS, ROWS, check_joined, copied, rows_of


def test_features_stand_beside_the_rows_of_any_selection_and_order(store: FeatureStore) -> None:
    whole = rows_of()
    for ds in (
        whole,
        whole.select([7]),
        whole.select([5, 3, 3, 21, 14]),
        whole.shuffle(seed=1),
        whole.filter(lambda place: place % 3 == 0, input_columns="place"),
        rows_of(IDS[::-1]),
        rows_of([IDS[4], IDS[4], IDS[18]]),
        datasets.concatenate_datasets([whole.select(range(14, 22)), whole.select(range(14))]),
        whole.select([]),
    ):
        joined = store.join(ds)
        assert joined.column_names == [
            *ds.column_names,
            "tiny_hubert",
            "tiny_hubert_frames",
            "tiny_hubert_seconds",
            "tiny_hubert_error",
        ]
        assert joined["place"] == ds["place"]
        check_joined(joined)


def test_nothing_of_the_dataset_is_copied_and_rows_in_order_are_mapped(store: FeatureStore) -> None:
    whole = rows_of()
    ds = whole.shuffle(seed=2)
    joined = store.join(ds)
    assert joined._indices.table.equals(ds._indices.table)
    table, own = joined.data.table.column("place"), whole.data.table.column("place")
    assert table.chunk(0).buffers()[1].address == own.chunk(0).buffers()[1].address
    assert {Path(one["filename"]).suffix for one in joined.cache_files} == {".arrow"}
    assert not [one for one in joined.cache_files if "joined" in one["filename"]]
    check_joined(copied(joined))


@pytest.mark.parametrize("is_small", [True, False])
def test_rows_in_another_order_are_brought_into_it(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_small: bool
) -> None:
    monkeypatch.setattr(join, "_MAX_STRETCHES", 3)
    monkeypatch.setattr(join, "_BLOCK_BYTES", 300)
    monkeypatch.setattr(join, "_MAX_MEMORY_BYTES", 1 << 20 if is_small else 0)
    order = np.random.default_rng(3).permutation(len(IDS))
    ds = rows_of([*(IDS[number] for number in order), "G00009_01_01_001"])
    with pytest.raises(OptionError, match="1 of 23 rows are not in the set"):
        store.join(ds)
    joined = store.join(ds.select(range(22)), cache_dir=tmp_path)
    check_joined(joined)
    files = list(tmp_path.rglob("joined-*.arrow"))
    assert len(files) == (0 if is_small else 2)
    inodes = [path.stat().st_ino for path in files]
    check_joined(copied(store.join(ds.select(range(22)).shuffle(seed=1), cache_dir=tmp_path)))
    assert [path.stat().st_ino for path in files] == inodes
    assert list(tmp_path.rglob("joined-*.arrow")) == files


@given(st.lists(st.integers(0, 24), max_size=40), st.data())
def test_any_rows_get_their_own_features_or_a_null_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-rows"
    if not folder.exists():
        write_set(folder, ROWS[:14])
        write_set(folder, ROWS[14:], split="test")
    ids = [IDS[number] if number < 22 else f"G00009_01_{number:02d}_001" for number in numbers]
    ds = rows_of(ids)
    if ids:
        ds = ds.select(data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=20)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "_MAX_STRETCHES", data.draw(st.sampled_from([0, 2, 64])))
        joined = open_store(folder).join(ds, missing="null")
    assert joined["utterance_id"] == ds["utterance_id"]
    absent = [Row(f"G00009_01_{number:02d}_001", None, ABSENT) for number in (22, 23, 24)]
    check_joined(joined, [*ROWS, *absent])


def test_a_row_that_the_set_does_not_know_is_refused_or_null_with_a_reason(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in folder.glob("data/test-*"):
        path.unlink()
    store = open_store(folder)
    expected = "8 of 22 rows are not in the set .*, 'G00001_01_14_001' first; it has 14 of train. Extract"
    with pytest.raises(OptionError, match=expected):
        store.join(rows_of())
    with caplog.at_level(logging.WARNING, "emotalk_data"):
        joined = store.join(rows_of(), missing="null")
    assert "8 of 22 rows are not in the set" in caplog.text
    check_joined(joined.select(range(14)))
    assert joined[14]["tiny_hubert_error"] == ABSENT
    assert joined[14]["tiny_hubert"] is joined[14]["tiny_hubert_frames"] is None
    check_joined(store.join(rows_of().select(range(14))))  # rows that are not selected do not matter
    with pytest.raises(OptionError, match="missing is 'skip'; expected 'error' or 'null'"):
        store.join(rows_of(), missing="skip")  # type: ignore[arg-type]


def test_a_level_alone_can_be_joined(store: FeatureStore, tmp_path: Path) -> None:
    joined = store.join(rows_of(), level="utterance", cache_dir=tmp_path)
    assert joined.column_names == ["utterance_id", "place", "tiny_hubert", "tiny_hubert_error"]
    assert not list(tmp_path.rglob("*-frame-*"))
    joined = store.join(rows_of(), level="frame")
    assert joined.column_names[2:] == ["tiny_hubert_frames", "tiny_hubert_seconds", "tiny_hubert_error"]


def test_a_name_that_is_taken_is_refused(store: FeatureStore) -> None:
    with pytest.raises(OptionError, match=r"has a column 'tiny_hubert' already, .*ds.rename_column"):
        store.join(store.join(rows_of()))
    renamed = store.join(rows_of(), level="utterance").rename_columns(
        {"tiny_hubert": "theirs", "tiny_hubert_error": "their_error"}
    )
    check_joined(store.join(renamed))


def test_rows_of_the_other_corpus_are_refused(store: FeatureStore) -> None:
    ds = rows_of(["anjia_1_1"], series=pa.array(["anjia"]))
    with pytest.raises(OptionError, match="is of emotalk, and the dataset is m3ed"):
        store.join(ds)


@pytest.mark.parametrize(
    ("ds", "expected"),
    [
        (datasets.Dataset.from_dict({"id": ["a"]}), "no column 'utterance_id', by which features are found"),
        (datasets.Dataset.from_dict({"utterance_id": [1]}), "'utterance_id' is .*int64.*; expected strings"),
        (
            rows_of().to_iterable_dataset(),
            "the data is a IterableDataset; expected a Dataset or a DatasetDict",
        ),
        ([{"utterance_id": IDS[0]}], "the data is a list; expected a Dataset"),
    ],
)
def test_what_is_no_dataset_of_utterances_is_refused(store: FeatureStore, ds: Any, expected: str) -> None:
    with pytest.raises(OptionError, match=expected):
        store.join(ds)


def test_ids_may_be_large_strings(store: FeatureStore) -> None:
    ids = pa.array(IDS[::-1], pa.large_string())
    check_joined(store.join(datasets.Dataset(pa.table({"utterance_id": ids}))))


def test_rows_without_an_id_are_not_in_the_set(store: FeatureStore) -> None:
    ds = datasets.Dataset.from_dict({"utterance_id": [IDS[0], None]})
    with pytest.raises(OptionError, match=r"1 of 2 rows are not in the set .*, None first"):
        store.join(ds)


def test_each_split_of_a_dict_is_joined(store: FeatureStore) -> None:
    splits = datasets.DatasetDict({"a": rows_of(IDS[3:]), "b": rows_of(IDS[:3])})
    joined = store.join(splits)
    assert isinstance(joined, datasets.DatasetDict)
    assert list(joined) == ["a", "b"]
    for split in joined.values():
        check_joined(split)


def test_the_fingerprint_of_a_join_changes_with_the_set(folder: Path) -> None:
    ds = rows_of()
    before = open_store(folder).join(ds)
    assert open_store(folder).join(ds)._fingerprint == before._fingerprint
    write_set(folder, make_rows(IDS[:14], seed=1))
    assert open_store(folder).join(ds)._fingerprint != before._fingerprint


def test_joined_features_are_arrays_in_numpy_format(store: FeatureStore) -> None:
    seen = store.join(rows_of()).with_format("numpy")[1]
    assert seen["tiny_hubert"].dtype == np.float32
    assert seen["tiny_hubert_frames"].shape == (2, D)


def test_a_record_of_the_layout_round_trips(store: FeatureStore) -> None:
    for record in store.records:
        assert ShardRecord.model_validate_json(record.model_dump_json()) == record

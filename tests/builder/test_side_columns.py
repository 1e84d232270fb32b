"""New columns beside the table of a selection: what stays, what is told apart, and that nothing is copied."""

from __future__ import annotations

import pickle

import datasets
import numpy as np
import pyarrow as pa
import pytest

from emotalk_data.builder.side_columns import NewColumn, keep_rows, with_columns, with_tables
from emotalk_data.load import load_dataset
from emotalk_data.media import Audio, AudioClip
from emotalk_data.testing import make_emotalk


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> datasets.Dataset:
    root = make_emotalk(tmp_path_factory.mktemp("rows") / "EmotionTalk", num_utterances=120, media=False).root
    return load_dataset("emotalk", data_dir=root, cache_dir=tmp_path_factory.mktemp("cache"), split="train")


def _numbered(dataset: datasets.Dataset) -> dict[str, NewColumn]:
    return {"n": NewColumn(pa.array(range(dataset.num_rows)), datasets.Value("int64"))}


def test_new_columns_stand_beside_the_rows_of_a_selection(train: datasets.Dataset) -> None:
    chosen = train.select([9, 2, 5])
    seen = with_columns(chosen, _numbered(chosen))
    assert seen["n"] == [0, 1, 2]
    assert list(seen["utterance_id"]) == list(chosen["utterance_id"])
    assert seen.column_names == [*chosen.column_names, "n"]
    assert isinstance(seen.features["audio"], Audio)
    assert seen.split == chosen.split
    assert seen.data.num_rows == train.data.num_rows  # no row was copied


def test_a_column_of_the_same_name_is_replaced_with_its_type(train: datasets.Dataset) -> None:
    half = with_columns(
        train, {"emotion": NewColumn(pa.array([0.5] * train.num_rows), datasets.Value("float32"))}
    )
    assert half.features["emotion"] == datasets.Value("float32")
    assert half[0]["emotion"] == 0.5
    assert train[0]["emotion"] != 0.5
    assert half.num_columns == train.num_columns


def test_rows_that_were_selected_twice_are_copied_only_if_they_get_two_values(
    train: datasets.Dataset,
) -> None:
    twice = train.select([4, 4, 1])
    same = {"n": NewColumn(pa.array([7, 7, None]), datasets.Value("int64"))}
    seen = with_columns(twice, same)
    assert seen["n"] == [7, 7, None]
    assert list(seen["utterance_id"]) == list(twice["utterance_id"])
    assert seen.data.num_rows == train.data.num_rows
    assert with_columns(twice, _numbered(twice)).data.num_rows == 3


def test_rows_that_were_selected_twice_keep_a_value_each(train: datasets.Dataset) -> None:
    twice = train.select([4, 4, 1])
    seen = with_columns(twice, _numbered(twice))
    assert seen["n"] == [0, 1, 2]
    assert list(seen["utterance_id"]) == list(twice["utterance_id"])


def test_a_format_stays_and_shows_the_new_column(train: datasets.Dataset) -> None:
    formatted = train.with_format("numpy", columns=["emotion"])
    seen = with_columns(formatted, _numbered(train))
    assert set(seen[0]) == {"emotion", "n"}
    assert isinstance(seen[0]["n"], np.int64)
    assert set(with_columns(train, _numbered(train))[0]) == {*train.column_names, "n"}


def test_the_fingerprint_tells_one_view_from_another(train: datasets.Dataset) -> None:
    one = with_columns(train, _numbered(train))
    same = with_columns(train, _numbered(train))
    other = with_columns(train, {"n": NewColumn(pa.array([7] * train.num_rows), datasets.Value("int64"))})
    assert one._fingerprint == same._fingerprint
    assert len({train._fingerprint, one._fingerprint, other._fingerprint}) == 3


def test_the_fingerprint_tells_labels_of_other_classes_apart(train: datasets.Dataset) -> None:
    zeros = pa.array([0] * train.num_rows)
    seen = {
        with_columns(train, {"n": NewColumn(zeros, datasets.ClassLabel(names=names))})._fingerprint
        for names in (["a", "b"], ["a", "c"], ["a"])
    }
    assert len(seen) == 3


def test_columns_of_the_table_are_replaced_beneath_a_selection(train: datasets.Dataset) -> None:
    stored = train.data.table
    chosen = train.select([4, 4, 1]).with_format("numpy", columns=["emotion"])
    nothing = pa.nulls(train.num_rows, stored.column("audio").type)
    numbers = datasets.table.InMemoryTable(pa.table({"audio": nothing, "n": pa.array(range(train.num_rows))}))
    features = {"audio": train.features["audio"], "n": datasets.Value("int64")}
    seen = with_tables(chosen, [numbers], features, told="nothing to hear")
    assert seen._indices is not None
    assert set(seen[0]) == {"emotion", "n"}  # audio was hidden, and is
    plain = seen.with_format(None)
    assert plain["n"] == [4, 4, 1]
    assert plain["audio"] == [None] * 3
    assert isinstance(seen.features["audio"], Audio)
    assert list(plain["utterance_id"]) == [train[row]["utterance_id"] for row in (4, 4, 1)]


def test_the_fingerprint_of_columns_of_the_table_is_of_what_is_told(train: datasets.Dataset) -> None:
    def fingerprint(start: int, told: object) -> str:
        values = pa.array(range(start, start + train.num_rows))
        table = datasets.table.InMemoryTable(pa.table({"n": values}))
        return str(with_tables(train, [table], {"n": datasets.Value("int64")}, told=told)._fingerprint)

    assert fingerprint(0, "a") == fingerprint(5, "a") != fingerprint(0, "b")  # the values are not hashed


def test_another_process_gets_the_file_and_not_its_content(train: datasets.Dataset) -> None:
    seen = with_columns(train.select([3, 1]), _numbered(train.select([3, 1])))
    packed = pickle.dumps(seen)
    assert len(packed) < train.data.nbytes / 4
    assert pickle.loads(packed)["n"] == [0, 1]  # noqa: S301 - our own bytes


def test_new_columns_go_through_what_datasets_does(train: datasets.Dataset) -> None:
    seen = with_columns(train, _numbered(train))
    assert seen.filter(lambda row: row["n"] > 3)["n"] == list(range(4, train.num_rows))
    assert seen.map(lambda row: {"m": row["n"] * 2})["m"][-1] == 2 * train.num_rows - 2
    assert datasets.concatenate_datasets([seen, seen]).num_rows == 2 * train.num_rows
    clip = seen[0]["audio"]
    assert clip is None or isinstance(clip, AudioClip)


def test_rows_are_kept_by_their_flags(train: datasets.Dataset) -> None:
    flags = np.arange(train.num_rows) % 3 == 0
    assert list(keep_rows(train, flags)["utterance_id"]) == list(train["utterance_id"])[::3]
    assert keep_rows(train, np.ones(train.num_rows, bool)) is train
    assert keep_rows(train, np.zeros(train.num_rows, bool)).num_rows == 0

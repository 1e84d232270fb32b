"""Columns of selections, new columns beside the table, and what is refused."""

from __future__ import annotations

import pickle

import datasets
import numpy as np
import pyarrow as pa
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.media import Audio, AudioClip
from emotalk_data.views.columns import (
    NewColumn,
    check_dataset,
    choose,
    column,
    corpus_of,
    keep_rows,
    label_ids,
    strings,
    with_columns,
)


@pytest.fixture
def train(emotalk: datasets.DatasetDict) -> datasets.Dataset:
    return emotalk["train"]


def _numbered(dataset: datasets.Dataset) -> dict[str, NewColumn]:
    return {"n": NewColumn(pa.array(range(dataset.num_rows)), datasets.Value("int64"))}


def test_the_corpus_is_told_by_its_columns(emotalk: datasets.DatasetDict, m3ed: datasets.DatasetDict) -> None:
    assert corpus_of(emotalk["test"]) == "emotalk"
    assert corpus_of(m3ed["test"]) == "m3ed"
    assert corpus_of(m3ed["test"].select_columns(["utterance_id", "series"])) == "m3ed"
    with pytest.raises(OptionError, match=r"columns \['text'\] are of neither corpus"):
        corpus_of(emotalk["test"].select_columns(["text"]))


@pytest.mark.parametrize("format_type", [None, "numpy", "arrow"])
def test_a_column_has_the_order_of_the_rows_whatever_selection_and_format(
    train: datasets.Dataset, format_type: str | None
) -> None:
    shuffled = train.shuffle(seed=3).select([7, 0, 4]).with_format(format_type, columns=["text"])
    expected = [train[int(i)]["utterance_id"] for i in shuffled._indices.column(0).to_pylist()]
    assert column(shuffled, "utterance_id").to_pylist() == expected
    assert strings(shuffled, "utterance_id") == expected


def test_a_null_label_is_minus_one_and_never_a_class(emotalk: datasets.DatasetDict) -> None:
    whole = datasets.concatenate_datasets(list(emotalk.values()))
    for name in ("emotion", "emotion_text", "emotion_audio", "emotion_video"):
        expected = [-1 if value is None else value for value in whole[name]]
        assert label_ids(whole, name).tolist() == expected
    assert -1 in label_ids(whole, "emotion_video")  # the sample has one


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


def test_no_rows_at_all_have_columns_too(train: datasets.Dataset) -> None:
    empty = train.select([])
    assert label_ids(empty, "emotion").shape == (0,)
    assert (
        with_columns(empty, {"n": NewColumn(pa.array([], pa.int64()), datasets.Value("int64"))}).num_rows == 0
    )


def test_what_is_no_dataset_is_refused_with_what_to_do(emotalk: datasets.DatasetDict) -> None:
    with pytest.raises(
        OptionError, match=r"the data is a DatasetDict; expected a datasets\.Dataset \(choose a split"
    ):
        check_dataset(emotalk)
    with pytest.raises(OptionError, match="is a list; expected"):
        check_dataset([])
    with pytest.raises(OptionError, match="no column 'sentimant'; it has"):
        column(emotalk["test"], "sentimant")
    with pytest.raises(OptionError, match=r"task is 'emotion8'; expected one of \['emotion7'\]"):
        choose("task", "emotion8", ["emotion7"])


def test_a_missing_id_is_refused_with_its_row(train: datasets.Dataset) -> None:
    ids = [None if n == 2 else str(n) for n in range(train.num_rows)]
    odd = with_columns(train, {"dialogue_id": NewColumn(pa.array(ids), datasets.Value("string"))})
    with pytest.raises(OptionError, match="dialogue_id is null in row 2"):
        strings(odd, "dialogue_id")

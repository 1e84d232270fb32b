"""Columns of selections, whatever their format, and what is refused."""

from __future__ import annotations

import datasets
import numpy as np
import pyarrow as pa
import pytest

from emotalk_data.builder.side_columns import NewColumn, with_columns
from emotalk_data.errors import OptionError
from emotalk_data.views.columns import (
    check_dataset,
    choose,
    column,
    corpus_of,
    flat_lists,
    label_ids,
    strings,
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


@pytest.mark.parametrize("names", [["emotion"], ["text", "annotations"]])
def test_a_few_columns_tell_the_corpus_and_those_of_others_do_not_hide_it(
    emotalk: datasets.DatasetDict, m3ed: datasets.DatasetDict, names: list[str]
) -> None:
    for corpus, splits in (("emotalk", emotalk), ("m3ed", m3ed)):
        assert corpus_of(splits["test"].select_columns(names)) == corpus
    ours, theirs = emotalk["test"].select_columns(["emotion"]), m3ed["test"].select_columns(["emotion"])
    assert corpus_of(ours.add_column("emotions", [["a"]] * ours.num_rows)) == "emotalk"
    assert corpus_of(theirs.add_column("sentiment", [0.5] * theirs.num_rows)) == "m3ed"


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


def test_a_null_list_has_no_items_whatever_lies_behind_it() -> None:
    lists = pa.ListArray.from_arrays(
        pa.array([0, 2, 3, 3, 5], pa.int32()),
        pa.array([1, 2, 3, 4, 5]),
        mask=pa.array([False, True, False, False]),
    )
    for values in (lists, pa.chunked_array([lists.slice(0, 2), lists.slice(2)])):
        rows, items = flat_lists(values)
        assert rows.tolist() == [0, 0, 3, 3]
        assert items.to_pylist() == [1, 2, 4, 5]
    rows, items = flat_lists(pa.chunked_array([], lists.type))
    assert (len(rows), len(items)) == (0, 0)


def test_an_id_that_is_no_labels_is_refused_with_its_row(train: datasets.Dataset) -> None:
    ids = pa.array([7 if row == 3 else 0 for row in range(train.num_rows)])
    odd = with_columns(train, {"emotion": NewColumn(ids, train.features["emotion"])})
    with pytest.raises(
        OptionError, match=r"'emotion' holds the label 7 in row 3; expected an id from 0 to 6"
    ):
        label_ids(odd, "emotion")


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
    with pytest.raises(OptionError, match=r"task is array\(\["):
        choose("task", np.array(["emotion7", "emotion4"]), ["emotion7"])


def test_a_missing_id_is_refused_with_its_row(train: datasets.Dataset) -> None:
    ids = [None if n == 2 else str(n) for n in range(train.num_rows)]
    odd = with_columns(train, {"dialogue_id": NewColumn(pa.array(ids), datasets.Value("string"))})
    with pytest.raises(OptionError, match="dialogue_id is null in row 2"):
        strings(odd, "dialogue_id")

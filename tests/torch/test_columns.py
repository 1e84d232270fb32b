"""Lists of one length and booleans become tensors; both ways to a batch agree."""

from __future__ import annotations

import math
import pickle
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.torch import Batch, Collate, collate, loader
from emotalk_data.torch.columns import Kind, Vector, tensor_of_arrow, tensor_of_values

Value, List = datasets.Value, datasets.List

FEATURES = datasets.Features(
    {
        "utterance_id": Value("string"),
        "soft": List(Value("float32"), length=3),
        "votes": List(Value("int32"), length=3),
        "labels": List(datasets.ClassLabel(names=["a", "b"]), length=2),
        "context_rows": List(Value("int64")),
        "events": List(Value("string")),
        "names": List(Value("string"), length=2),
        "flags": List(Value("bool"), length=2),
        "available_text": Value("bool"),
    }
)

ROWS: list[dict[str, Any]] = [
    {
        "utterance_id": f"u{number}",
        "soft": None if number == 2 else [0.5, None if number == 3 else 0.25, 0.1 * number],
        "votes": None if number == 4 else [number, None if number == 1 else 2, 0],
        "labels": None if number == 0 else [number % 2, 1],
        "context_rows": list(range(number)),
        "events": ["laugh"] * (number % 3),
        "names": ["x", "y"],
        "flags": [True, False],
        "available_text": number % 2 == 0,
    }
    for number in range(9)
]


def both_ways(dataset: datasets.Dataset) -> tuple[Batch, Batch]:
    """Return the whole dataset as one batch, from rows and from the table."""
    [from_table] = loader(dataset, max(len(dataset), 1), num_threads=0)
    return Collate(features=dataset.features)(list(dataset)), from_table


def check_same(one: Batch, other: Batch) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, torch.Tensor):
            assert value.dtype == other[name].dtype, name
            assert torch.equal(value.nan_to_num(-1), other[name].nan_to_num(-1)), name
        else:
            assert value == other[name], name


def chunked(rows: list[dict[str, Any]]) -> datasets.Dataset:
    """Return a dataset in several chunks, with an offset into their memory."""
    parts = [datasets.Dataset.from_list(rows[first : first + 4], features=FEATURES) for first in (0, 4, 8)]
    return datasets.concatenate_datasets(parts)


@pytest.mark.parametrize(
    "rows", [range(9), range(3, 7), [8, 0, 2, 4, 4], [2]], ids=["all", "part", "any", "null"]
)
def test_lists_of_one_length_are_tensors_and_both_ways_agree(rows: Any) -> None:
    dataset = chunked(ROWS).select(rows)
    from_rows, from_table = both_ways(dataset)
    check_same(from_rows, from_table)
    assert from_table["soft"].shape == (len(rows), 3)
    assert from_table["soft"].dtype == torch.float32
    assert from_table["votes"].dtype == from_table["labels"].dtype == torch.int64
    for place, number in enumerate(rows):
        for name, null in (("soft", math.nan), ("votes", -100), ("labels", -100)):
            width = from_table[name].shape[1]
            values = ROWS[number][name] or [None] * width
            expected = torch.tensor([null if value is None else value for value in values])
            assert torch.equal(from_table[name][place].nan_to_num(-1), expected.nan_to_num(-1))


def test_lists_of_any_length_that_are_no_floats_and_of_other_things_stay_lists() -> None:
    for batch in both_ways(chunked(ROWS)):
        assert batch["context_rows"] == [row["context_rows"] for row in ROWS]
        assert batch["events"] == [row["events"] for row in ROWS]
        assert not any(name.endswith("_lengths") for name in batch)
        assert batch["names"] == [["x", "y"]] * 9
        assert batch["flags"] == [[True, False]] * 9


def test_lists_stay_lists_for_a_collate_that_does_not_know_the_columns() -> None:
    assert collate(ROWS[1:2])["votes"] == [[1, None, 0]]
    assert collate([{"times": [0.5]}, {"times": [0.5, 1.5]}])["times"] == [[0.5], [0.5, 1.5]]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_in_lists_keep_their_width(dtype: str) -> None:
    features = datasets.Features({"soft": List(Value(dtype), length=2)})
    dataset = datasets.Dataset.from_dict({"soft": [[0.5, None], None, [0.25, 1.0]]}, features=features)
    for batch in both_ways(dataset):
        assert batch["soft"].dtype == getattr(torch, dtype)
        assert batch["soft"].isnan().tolist() == [[False, True], [True, True], [False, False]]


@given(st.lists(st.none() | st.lists(st.none() | st.integers(-9, 9), min_size=2, max_size=2), min_size=1))
def test_any_lists_of_whole_numbers_agree(values: list[Any]) -> None:
    features = datasets.Features({"votes": List(Value("int8"), length=2)})
    dataset = datasets.Dataset.from_dict({"votes": values}, features=features)
    from_rows, from_table = both_ways(dataset)
    check_same(from_rows, from_table)
    expected = [[-100 if one is None else one for one in row or [None, None]] for row in values]
    assert from_table["votes"].tolist() == expected


def test_a_tensor_of_lists_does_not_change_the_dataset() -> None:
    dataset = chunked(ROWS)
    [batch] = loader(dataset, 9, num_threads=0)
    batch["soft"].zero_()
    assert dataset[1]["soft"][0] == 0.5


def test_booleans_are_a_bool_tensor_both_ways() -> None:
    for batch in (*both_ways(chunked(ROWS)), collate(ROWS)):
        assert batch["available_text"].dtype == torch.bool
        assert batch["available_text"].tolist() == [row["available_text"] for row in ROWS]


def test_a_boolean_that_is_null_is_refused_with_a_way_out() -> None:
    dataset = chunked([{**row, "available_text": None if n == 5 else True} for n, row in enumerate(ROWS)])
    with pytest.raises(OptionError, match="null in row 5 of the batch"):
        next(iter(loader(dataset, 9, num_threads=0)))
    with pytest.raises(OptionError, match="available_text is null in row 5 of the batch"):
        Collate(features=FEATURES)(list(dataset))
    numbers = dataset.cast_column("available_text", Value("int8"))
    for batch in both_ways(numbers):
        assert batch["available_text"].tolist() == [1, 1, 1, 1, 1, -100, 1, 1, 1]


def test_booleans_among_numbers_stay_a_list_without_the_columns() -> None:
    assert collate([{"x": True}, {"x": 2}])["x"] == [True, 2]
    assert collate([{"x": None}, {"x": None}])["x"] == [None, None]


def test_a_list_of_another_length_is_refused() -> None:
    wrong = [ROWS[1], {**ROWS[3], "votes": [1, 2]}]
    with pytest.raises(OptionError, match=r"votes has \[1, 2\]; expected 3 numbers in each row"):
        Collate(features=FEATURES)(wrong)
    with pytest.raises(OptionError, match="expected lists of 3 numbers or null"):
        Collate(features=FEATURES)([{**ROWS[1], "votes": ["a", "b", "c"]}])


def test_a_collate_that_knows_lists_can_be_pickled() -> None:
    function = pickle.loads(pickle.dumps(Collate(features=FEATURES)))  # noqa: S301  our own
    assert function(ROWS)["soft"].shape == (9, 3)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("whole", [1, 1.5], r"expected whole numbers or null"),
        ("bool", [True, "no"], r"x has 'no'; expected True or False"),
        (Vector(2, torch.int64), [[1, 2.5]], r"expected lists of 2 numbers or null"),
        (Vector(2, torch.int64), [5], r"x has 5; expected 2 numbers in each row"),
    ],
)
def test_nothing_is_cut_or_guessed_to_fit(kind: Kind, values: list[Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        tensor_of_values("x", kind, values)


def test_tensors_in_rows_are_values_too() -> None:
    assert tensor_of_values("x", "bool", [torch.tensor(True), False]).tolist() == [True, False]  # type: ignore[union-attr]
    rows = [torch.tensor([1, 2]), None, np.array([3, 4])]
    assert tensor_of_values("x", Vector(2, torch.int64), rows).tolist() == [[1, 2], [-100, -100], [3, 4]]  # type: ignore[union-attr]


def test_a_column_of_lists_without_rows_is_an_empty_tensor() -> None:
    none = pa.chunked_array([], pa.list_(pa.float32(), 3))
    tensor = tensor_of_arrow(Vector(3, torch.float32), none)
    assert isinstance(tensor, torch.Tensor)
    assert (tensor.shape, tensor.dtype) == ((0, 3), torch.float32)

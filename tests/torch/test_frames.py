"""Lists of vectors become one padded tensor with lengths; both ways to a batch agree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.media.dataset_table import DatasetTable
from emotalk_data.torch import Collate, loader
from emotalk_data.torch.columns import kind_of_feature
from emotalk_data.torch.frames import Frames, pad_arrow, pad_values

Value, List = datasets.Value, datasets.List
D = 3
KIND = Frames(D, torch.float32)
TYPE = pa.list_(pa.list_(pa.float32(), D))

Row = list[list[float]] | None


def table(rows: Sequence[Row], dtype: str = "float32", *, rows_per_chunk: int = 3) -> datasets.Dataset:
    features = datasets.Features(
        {"utterance_id": Value("string"), "enc_frames": List(List(Value(dtype), length=D))}
    )
    ids = [f"u{number}" for number in range(len(rows))]
    parts = [
        datasets.Dataset.from_dict(
            {
                "utterance_id": ids[start : start + rows_per_chunk],
                "enc_frames": rows[start : start + rows_per_chunk],
            },
            features=features,
        )
        for start in range(0, len(rows), rows_per_chunk)
    ]
    return datasets.concatenate_datasets(parts)


def some(count: int, seed: int = 0) -> list[Row]:
    """Rows of 1 to 5 frames; each fourth is null."""
    numbers = np.random.default_rng(seed)
    return [
        None if row % 4 == 3 else numbers.normal(size=(1 + row % 5, D)).astype("float32").tolist()
        for row in range(count)
    ]


def check(batch: dict[str, Any], rows: list[Row]) -> None:
    """Compare a batch with its rows, number by number."""
    values, lengths = batch["enc_frames"], batch["enc_frames_lengths"]
    assert lengths.dtype == torch.int64
    assert lengths.tolist() == [len(row or ()) for row in rows]
    assert values.shape == (len(rows), max(lengths.tolist(), default=0), D)
    for place, row in zip(values, rows, strict=True):
        there = np.array(row or [], "float32").reshape(-1, D)
        np.testing.assert_array_equal(place[: len(there)].float(), there)
        assert not place[len(there) :].any()


def test_only_lists_of_vectors_of_floats_are_frames() -> None:
    assert kind_of_feature(List(List(Value("float16"), length=5))) == Frames(5, torch.float16)
    for other in (
        List(Value("float32")),
        List(List(Value("float32"))),
        List(List(Value("int64"), length=5)),
        List(List(List(Value("float32"), length=5))),
    ):
        assert kind_of_feature(other) == "list"


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_rows_of_a_dataset_are_padded_with_their_lengths(is_shuffled: bool) -> None:
    rows = some(17)
    numbers = np.random.default_rng(1).permutation(17).tolist() if is_shuffled else list(range(17))
    ds = table(rows).select(numbers)
    wanted = [rows[number] for number in numbers]
    batches = list(loader(ds, 5, columns=["enc_frames"]))
    assert [len(batch["enc_frames"]) for batch in batches] == [5, 5, 5, 2]
    collate = Collate(features=ds.features)
    for start, batch in zip(range(0, 17, 5), batches, strict=True):
        part = range(start, min(start + 5, 17))
        check(batch, [wanted[number] for number in part])
        check(collate(list(ds.select(part))), [wanted[number] for number in part])


def test_half_precision_stays_as_it_is_stored() -> None:
    rows: list[Row] = [[[0.5, 1.0, -2.0]], [[1.0, 2.0, 3.0]] * 2]
    (batch,) = loader(table(rows, "float16"), 2, columns=["enc_frames"])
    assert batch["enc_frames"].dtype == torch.float16
    check(batch, rows)


def test_a_batch_of_null_rows_has_no_frames() -> None:
    ds = table([None, None])
    for batch in (next(iter(loader(ds, 2))), Collate(features=ds.features)(list(ds))):
        assert batch["enc_frames"].shape == (2, 0, D)
        assert batch["enc_frames_lengths"].tolist() == [0, 0]


def test_worker_processes_and_devices_get_them_too() -> None:
    ds = table(some(6))
    batches = torch.utils.data.DataLoader(
        ds,
        batch_size=3,
        collate_fn=Collate(features=ds.features),
        num_workers=1,
    )
    got = list(batches)
    assert [batch.to("cpu")["enc_frames_lengths"].tolist() for batch in got] == [[1, 2, 3], [0, 5, 1]]


@given(
    rows=st.lists(
        st.none()
        | st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=D, max_size=D), max_size=4),
        max_size=9,
    ),
    cuts=st.lists(st.integers(0, 9), max_size=3),
    drop=st.integers(0, 3),
)
def test_chunks_and_slices_of_a_table_give_what_its_rows_give(
    rows: list[Row], cuts: list[int], drop: int
) -> None:
    whole = pa.array(rows, TYPE)
    edges = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    parts = [whole.slice(a, b - a) for a, b in pairwise(edges)]
    column = pa.chunked_array(parts, TYPE).slice(drop)
    one, other = pad_arrow(KIND, column), pad_values("x", KIND, rows[drop:])
    assert one.lengths.tolist() == other.lengths.tolist() == [len(row or ()) for row in rows[drop:]]
    torch.testing.assert_close(one.values, other.values, rtol=0, atol=0)
    check({"enc_frames": one.values, "enc_frames_lengths": one.lengths}, rows[drop:])


def test_what_is_null_inside_of_a_row_is_nan() -> None:
    rows: list[Any] = [[[1.0, None, 3.0], [4.0, 5.0, 6.0]]]
    for padded in (pad_arrow(KIND, pa.chunked_array([pa.array(rows, TYPE)])), pad_values("x", KIND, rows)):
        assert padded.values.isnan().tolist() == [[[False, True, False], [False] * 3]]
    holed = pad_arrow(KIND, pa.chunked_array([pa.array([[None, [4.0, 5.0, 6.0]]], TYPE)]))
    assert holed.values.isnan().all(dim=2).tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1.0, 2.0]], r"x has a row of shape \(1, 2\); expected \(frames, 3\)"),
        ([1.0, 2.0, 3.0], r"x has a row of shape \(3,\); expected \(frames, 3\)"),
        ([[1.0, 2.0], [1.0]], r"x has \[\[1.0, 2.0\], \[1.0\]\]; expected vectors of 3 numbers"),
        ("loud", r"x has 'loud'; expected vectors of 3 numbers"),
    ],
)
def test_nothing_is_cut_or_guessed_to_fit(value: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        pad_values("x", KIND, [None, value])


def test_rows_here_and_there_are_read_without_copying_what_lies_between() -> None:
    """`ChunkedArray.take` would copy each chunk that a row is in."""
    frames = np.zeros((64, 500, D), "float32").tolist()
    rows = DatasetTable(table(frames, rows_per_chunk=16), ["enc_frames"])
    before = pa.total_allocated_bytes()
    found = rows.values("enc_frames", np.array([60, 3, 33, 18]))
    assert pa.total_allocated_bytes() - before < 500 * D * 4
    assert [len(row) for row in found.to_pylist()] == [500] * 4

"""Lists of vectors, or of floats, become one padded tensor with lengths; both ways to a batch agree."""

from __future__ import annotations

import math
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
from emotalk_data.torch.frames import Frames, _rows_of, pad_arrow, pad_values

Value, List = datasets.Value, datasets.List
D = 3
KIND = Frames(D, torch.float32)
TYPE = pa.list_(pa.list_(pa.float32(), D))
TIMES = Frames(None, torch.float32)
TIMES_TYPE = pa.list_(pa.float32())

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


def timed(rows: Sequence[Row], dtype: str = "float32") -> datasets.Dataset:
    """Return frames with a time for each, as feature sets have them."""
    times = [None if row is None else [0.5 * (number + 1) for number in range(len(row))] for row in rows]
    column = datasets.Dataset.from_dict(
        {"enc_seconds": times}, features=datasets.Features({"enc_seconds": List(Value(dtype))})
    )
    return datasets.concatenate_datasets([table(rows, dtype), column], axis=1)


def test_only_lists_of_floats_and_of_vectors_of_floats_are_frames() -> None:
    assert kind_of_feature(List(List(Value("float16"), length=5))) == Frames(5, torch.float16)
    assert kind_of_feature(List(Value("float64"))) == Frames(None, torch.float64)
    for other in (
        List(Value("int64")),
        List(Value("bool")),
        List(Value("string")),
        List(Value("float32"), length=0),
        List(List(Value("float32"))),
        List(List(Value("float32")), length=5),
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


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "order", [range(17), [16, 3, 0, 8, 8, 12, 5], range(4, 11)], ids=["all", "any", "part"]
)
def test_times_are_padded_as_their_frames_are(order: Sequence[int], dtype: str) -> None:
    ds = timed(some(17), dtype).select(order)
    collate = Collate(features=ds.features)
    for start, batch in zip(range(0, len(ds), 5), loader(ds, 5), strict=True):
        part = ds.select(range(start, min(start + 5, len(ds))))
        frames, seconds, lengths = batch["enc_frames"], batch["enc_seconds"], batch["enc_seconds_lengths"]
        assert seconds.dtype == getattr(torch, dtype)
        assert seconds.shape == frames.shape[:2]
        assert torch.equal(lengths, batch["enc_frames_lengths"])
        for place, length in zip(seconds, lengths.tolist(), strict=True):
            there = [0.5 * (number + 1) for number in range(length)]
            assert place.tolist() == there + [0.0] * (len(place) - length)
        from_rows = collate(list(part))
        assert from_rows.keys() == batch.keys()
        assert from_rows["enc_seconds"].dtype == seconds.dtype
        assert torch.equal(from_rows["enc_seconds"], seconds)
        assert torch.equal(from_rows["enc_seconds_lengths"], lengths)


def test_times_that_are_null_throughout_are_padded_to_nothing() -> None:
    ds = timed([None, None])
    for batch in (next(iter(loader(ds, 2))), Collate(features=ds.features)(list(ds))):
        assert batch["enc_seconds"].shape == (2, 0)
        assert batch["enc_seconds_lengths"].tolist() == [0, 0]


def test_a_padded_batch_does_not_change_the_dataset() -> None:
    ds = timed(some(2))
    (batch,) = loader(ds, 2)
    batch["enc_seconds"].fill_(9)
    batch["enc_frames"].fill_(9)
    assert ds[0]["enc_seconds"] == [0.5]
    assert ds[:]["enc_frames"] == some(2)


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


FLOATS = st.floats(width=32, allow_nan=False)
CUTS = st.lists(st.integers(0, 9), max_size=3)
DROP = st.integers(0, 3)


def cut(rows: list[Any], kind: pa.DataType, cuts: list[int], drop: int) -> pa.ChunkedArray:
    """Return rows as a column of slices of one array, without the first few."""
    whole = pa.array(rows, kind)
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    return pa.chunked_array([whole.slice(a, b - a) for a, b in pairwise(edges)], kind).slice(drop)


@given(
    rows=st.lists(
        st.none() | st.lists(st.lists(FLOATS, min_size=D, max_size=D), max_size=4),
        max_size=9,
    ),
    cuts=CUTS,
    drop=DROP,
)
def test_chunks_and_slices_of_a_table_give_what_its_rows_give(
    rows: list[Row], cuts: list[int], drop: int
) -> None:
    one = pad_arrow(KIND, cut(rows, TYPE, cuts, drop))
    other = pad_values("x", KIND, rows[drop:])
    assert one.lengths.tolist() == other.lengths.tolist() == [len(row or ()) for row in rows[drop:]]
    torch.testing.assert_close(one.values, other.values, rtol=0, atol=0)
    check({"enc_frames": one.values, "enc_frames_lengths": one.lengths}, rows[drop:])


@given(
    rows=st.lists(st.none() | st.lists(st.none() | FLOATS, max_size=4), max_size=9),
    cuts=CUTS,
    drop=DROP,
)
def test_chunks_and_slices_of_times_give_what_its_rows_give(
    rows: list[Any], cuts: list[int], drop: int
) -> None:
    column = cut(rows, TIMES_TYPE, cuts, drop)
    longest = max((len(row or ()) for row in rows[drop:]), default=0)
    wanted = [
        [math.nan if number is None else number for number in row or ()] + [0.0] * (longest - len(row or ()))
        for row in rows[drop:]
    ]
    for padded in (pad_arrow(TIMES, column), pad_values("x", TIMES, rows[drop:])):
        assert padded.lengths.tolist() == [len(row or ()) for row in rows[drop:]]
        assert padded.values.shape == (len(wanted), longest)
        assert padded.values.dtype == torch.float32
        np.testing.assert_array_equal(
            padded.values, np.array(wanted, "float32").reshape(len(wanted), longest)
        )


def test_numbers_behind_a_null_row_are_not_read() -> None:
    """Arrow allows a null row to span numbers."""
    column = pa.ListArray.from_arrays(
        pa.array([0, 1, 3, 4], pa.int32()),
        pa.array([1.0, 7.0, 7.0, 2.0], pa.float32()),
        mask=pa.array([False, True, False]),
    )
    padded = pad_arrow(TIMES, pa.chunked_array([column]))
    assert padded.values.tolist() == [[1.0], [0.0], [2.0]]
    assert padded.lengths.tolist() == [1, 0, 1]


def test_numbers_of_arrow_are_views() -> None:
    column = pa.array([None, [1.0] * 10_000, [2.0] * 10_000], TIMES_TYPE)
    (row,) = _rows_of(TIMES, column.slice(2))
    assert row is not None
    assert np.shares_memory(row, column.values.to_numpy())


def test_what_is_null_inside_of_a_row_is_nan() -> None:
    rows: list[Any] = [[[1.0, None, 3.0], [4.0, 5.0, 6.0]]]
    for padded in (pad_arrow(KIND, pa.chunked_array([pa.array(rows, TYPE)])), pad_values("x", KIND, rows)):
        assert padded.values.isnan().tolist() == [[[False, True, False], [False] * 3]]
    for holed in ([[None, [4.0, 5.0, 6.0]]], [[None]]):
        for padded in (
            pad_arrow(KIND, pa.chunked_array([pa.array(holed, TYPE)])),
            pad_values("x", KIND, holed),
        ):
            assert padded.values.isnan().all(dim=2).tolist() == [[True, False][: len(holed[0])]]


def test_rows_of_arrays_and_tensors_are_rows_too() -> None:
    times: list[Any] = [np.array([1.0, 2.0]), None, torch.tensor([3.0]), (4, 5), [], [torch.tensor(6.0)]]
    padded = pad_values("x", TIMES, times)
    assert padded.values.tolist() == [[1, 2], [0, 0], [3, 0], [4, 5], [0, 0], [6, 0]]
    frames: list[Any] = [np.ones((1, D)), torch.ones(1, D), [torch.ones(D)], (np.ones(D),), [[1, 1, 1]]]
    assert torch.equal(pad_values("x", KIND, frames).values, torch.ones(5, 1, D))


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (KIND, [[1.0, 2.0]], r"x has a row of shape \(1, 2\); expected \(frames, 3\)"),
        (KIND, [1.0, 2.0, 3.0], r"x has a row of shape \(3,\); expected \(frames, 3\)"),
        (KIND, [[1.0, 2.0], [1.0]], r"x has \[\[1.0, 2.0\], \[1.0\]\]; expected vectors of 3 numbers"),
        (KIND, "loud", r"x has 'loud'; expected vectors of 3 numbers"),
        (TIMES, [[1.0, 2.0]], r"x has a row of shape \(1, 2\); expected \(frames,\)"),
        (TIMES, 1.0, r"x has a row of shape \(\); expected \(frames,\)"),
        (TIMES, [1.0, [2.0]], r"x has \[1.0, \[2.0\]\]; expected numbers"),
        (TIMES, ["1.5", None], r"x has \['1.5', None\]; expected numbers"),
        (TIMES, {"a": 1.0}, r"x has .*; expected numbers"),
    ],
)
def test_nothing_is_cut_or_guessed_to_fit(kind: Frames, value: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        pad_values("x", kind, [None, value])


def test_rows_here_and_there_are_read_without_copying_what_lies_between() -> None:
    """`ChunkedArray.take` would copy each chunk that a row is in."""
    frames = np.zeros((64, 500, D), "float32").tolist()
    rows = DatasetTable(table(frames, rows_per_chunk=16), ["enc_frames"])
    before = pa.total_allocated_bytes()
    found = rows.values("enc_frames", np.array([60, 3, 33, 18]))
    assert pa.total_allocated_bytes() - before < 500 * D * 4
    assert [len(row) for row in found.to_pylist()] == [500] * 4

"""Shards: the columns that are promised, the same bytes each time, and whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.shards import open_shard
from emotalk_data.errors import CacheCorruptError, CacheWriteError
from emotalk_data.features.running.outcomes import count_rows
from emotalk_data.features.running.shard_file import ShardRow, read_footer, read_record, write_shard_file
from emotalk_data.schemas.feature_shard import Level, ShardRecord
from emotalk_data.schemas.feature_spec import CallableSpec

NAME = "train-00000-of-00001.parquet"


def record_of(
    rows: list[ShardRow], *, levels: tuple[Level, ...] = ("utterance", "frame"), **spec: Any
) -> ShardRecord:
    fields = {"name": "own/my-encoder", "model": "own", "input": "audio", "num_dims": 4, **spec}
    own = CallableSpec.model_validate(fields)
    return ShardRecord(
        spec=own,
        spec_digest=own.digest(),
        levels=levels,
        corpus=None,
        split="train",
        number=0,
        total=1,
        start=0,
        num_rows=len(rows),
        ids_digest="0" * 32,
        source_digest="1" * 32,
        counts=count_rows(rows),
        max_batch_seconds=1.5,
        device="cpu",
        libraries={"numpy": "1"},
    )


def rows_of(
    lengths: list[int | None], *, seed: int = 0, dtype: Any = np.float32, width: int = 4
) -> list[ShardRow]:
    rng = np.random.default_rng(seed)
    rows = []
    for number, length in enumerate(lengths):
        if length is None:
            rows.append(ShardRow(f"u{number}", None, "refused: too short"))
            continue
        frames = rng.normal(size=(length, width)).astype(dtype)
        seconds = None if number % 3 == 2 else np.arange(length, dtype=np.float32)
        notes = ("cut",) if number % 2 else ()
        pooled = frames.mean(axis=0).astype(dtype)
        rows.append(ShardRow(f"u{number}", "ab", None, notes, pooled, frames, seconds, length))
    return rows


def written(folder: Path, rows: list[ShardRow], **options: Any) -> Path:
    path = folder / "data" / NAME
    path.parent.mkdir(exist_ok=True)
    write_shard_file(path, record_of(rows, **options), rows)
    return path


@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_what_is_written_is_what_is_read(tmp_path: Path, storage: str) -> None:
    rows = rows_of([3, None, 1, 5, None], dtype=np.dtype(storage))
    written(tmp_path, rows, storage=storage)
    store = open_store(tmp_path)
    assert store.counts.model_dump() == {"made": 3, "missing": 0, "failed": 2, "noted": 1, "frames": 9}
    for row, stored in zip(rows, store.rows(), strict=True):
        assert (stored.utterance_id, stored.error, stored.notes) == (row.utterance_id, row.error, row.notes)
        for mine, theirs in (
            (row.pooled, stored.pooled),
            (row.frames, stored.frames),
            (row.seconds, stored.seconds),
        ):
            if mine is None:
                assert theirs is None
            else:
                assert theirs is not None
                assert theirs.dtype == mine.dtype
                np.testing.assert_array_equal(theirs, mine)


@given(st.lists(st.one_of(st.none(), st.integers(1, 4)), min_size=1, max_size=6))
def test_any_mixture_of_rows_goes_there_and_back(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int | None]
) -> None:
    rows = rows_of(lengths)
    folder = tmp_path_factory.mktemp("set")
    written(folder, rows)
    stored = list(open_store(folder).rows())
    assert [None if one.frames is None else one.frames.tolist() for one in stored] == [
        None if row.frames is None else row.frames.tolist() for row in rows
    ]


@pytest.mark.parametrize(
    ("levels", "columns"),
    [
        (("utterance", "frame"), ["my_encoder", "my_encoder_frames", "my_encoder_seconds"]),
        (("utterance",), ["my_encoder"]),
        (("frame",), ["my_encoder_frames", "my_encoder_seconds"]),
    ],
)
def test_columns_are_those_that_were_asked_for(
    tmp_path: Path, levels: tuple[Level, ...], columns: list[str]
) -> None:
    path = written(tmp_path, rows_of([2, 1]), levels=levels)
    assert pq.read_schema(path).names == ["utterance_id", *columns, "notes", "error", "input_digest"]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    first = written(tmp_path, rows_of([3, None, 2])).read_bytes()
    assert written(tmp_path, rows_of([3, None, 2])).read_bytes() == first
    assert written(tmp_path, rows_of([3, None, 2], seed=1)).read_bytes() != first


def test_a_row_can_be_read_without_the_others(tmp_path: Path) -> None:
    rows = rows_of([300] * 10, width=1_024)  # 1.2 MB each
    path = written(tmp_path, rows, num_dims=1_024)
    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    assert sizes == [3, 3, 3, 1]


def test_the_footer_is_the_record(tmp_path: Path) -> None:
    rows = rows_of([1, None])
    path = written(tmp_path, rows)
    assert read_record(path) == record_of(rows)
    values = read_footer(path)
    assert values is not None
    assert ShardRecord.model_validate(values) == record_of(rows)


def test_a_footer_that_is_none_is_told_from_a_file_that_is_cut(tmp_path: Path) -> None:
    path = written(tmp_path, rows_of([1]))
    with pq.ParquetFile(path) as file:
        pq.write_table(file.read().replace_schema_metadata(None), tmp_path / "other.parquet")
    assert read_footer(tmp_path / "other.parquet") is None
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CacheCorruptError, match="is no whole Parquet file"):
        read_footer(path)


def test_a_bit_that_was_flipped_is_found(tmp_path: Path) -> None:
    path = written(tmp_path, rows_of([30], width=64), num_dims=64)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    shard = open_shard(path)
    with pytest.raises(CacheCorruptError, match="cannot be used"):
        list(shard.groups(["my_encoder", "my_encoder_frames"]))


def test_a_folder_that_is_gone_is_a_typed_error(tmp_path: Path) -> None:
    rows = rows_of([1])
    with pytest.raises(CacheWriteError, match=r"cannot write .*No such file.*the same call goes on"):
        write_shard_file(tmp_path / "gone" / NAME, record_of(rows), rows)

"""A folder of features: what opens, and what is read of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.features.running.shard_file import ShardRow, write_shard_file
from emotalk_data.schemas.feature_shard import Level

from ...feature_shards import BOTH, SPEC, D, write_set
from .some_rows import IDS, LEVELS, ROWS, TEXT, copied


def test_an_opened_set_says_what_it_is_and_what_became_of_its_rows(store: FeatureStore) -> None:
    assert store.spec == SPEC
    assert store.levels == BOTH
    assert store.corpus == "emotalk"
    assert store.num_dims == D
    assert store.splits == ("train", "test")
    assert store.is_complete
    assert store.ids() == tuple(IDS)
    assert store.ids("test") == tuple(IDS[14:])
    assert [record.number for record in store.records] == [0, 1, 2, 3, 0, 1]
    counts = store.counts
    assert (counts.made, counts.missing, counts.failed) == (19, 1, 2)
    assert counts.rows == store.num_rows == len(ROWS)
    assert counts.frames == sum(len(row.frames) for row in ROWS if row.frames is not None)
    assert store.counts_of("train") + store.counts_of("test") == counts
    assert store.errors == tuple(row.error for row in ROWS)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_a_row_is_read_as_it_was_written(tmp_path: Path, levels: tuple[Level, ...], storage: str) -> None:
    spec = SPEC.model_copy(update={"storage": storage})
    write_set(tmp_path, ROWS, spec, levels)
    store = open_store(tmp_path)
    for one_by_one, in_order, row in zip(map(store.row, IDS), store.rows(), ROWS, strict=True):
        for found in (one_by_one, in_order):
            assert (found.utterance_id, found.split, found.error) == (row.utterance_id, "train", row.error)
            assert found.notes == row.notes
            assert (found.pooled is None) == (row.frames is None or "utterance" not in levels)
            assert (found.frames is None) == (row.frames is None or "frame" not in levels)
            if found.frames is not None and row.frames is not None and found.seconds is not None:
                assert found.frames.dtype == storage
                assert np.array_equal(found.frames, row.frames.astype(storage))
                assert found.seconds.shape == (len(row.frames),)
            if found.pooled is not None:
                assert found.pooled.dtype == storage
                assert found.pooled.shape == (D,)


def test_a_shard_of_the_true_writer_is_read_as_it_was_written(tmp_path: Path) -> None:
    (path,) = write_set(tmp_path / "ours", ROWS, rows_per_shard=100)
    record = open_store(tmp_path / "ours").records[0]
    rows = [
        ShardRow(row.utterance_id, None, error=row.error, notes=row.notes)
        if row.frames is None
        else ShardRow(
            row.utterance_id,
            "0" * 32,
            notes=row.notes,
            pooled=row.frames.mean(0),
            frames=row.frames,
            seconds=np.arange(len(row.frames), dtype=np.float32),
            num_frames=len(row.frames),
        )
        for row in ROWS
    ]
    (tmp_path / "theirs" / "data").mkdir(parents=True)
    write_shard_file(tmp_path / "theirs" / "data" / path.name, record, rows)
    for found, row in zip(open_store(tmp_path / "theirs").rows(), rows, strict=True):
        assert (found.utterance_id, found.error, found.notes) == (row.utterance_id, row.error, row.notes)
        for name in ("pooled", "frames", "seconds"):
            one, other = getattr(found, name), getattr(row, name)
            assert (one is None) == (other is None)
            assert one is None or np.array_equal(one, other)


def test_times_of_text_are_null(tmp_path: Path) -> None:
    write_set(tmp_path, ROWS, TEXT)
    assert open_store(tmp_path).row(IDS[0]).seconds is None


def test_what_a_killed_process_left_is_no_shard(folder: Path) -> None:
    (folder / "data" / ".train-00009-of-00010.parquet.1a2b.writing").write_bytes(b"PAR1 half")
    (folder / "features.json").write_text("{}")
    assert open_store(folder).num_rows == len(ROWS)


def test_an_opened_set_can_be_pickled_and_holds_no_file_open(folder: Path, open_files: Any) -> None:
    store = copied(open_store(folder))
    assert store.row(IDS[5]).frames is not None
    assert len(list(store.rows())) == len(ROWS)
    assert open_files() == []

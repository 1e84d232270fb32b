"""Rows that the tests of this folder write, and what compares them with what is read."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import datasets
import numpy as np
import pyarrow as pa

from emotalk_data.schemas.feature_shard import Level
from emotalk_data.schemas.feature_spec import TextSpec

from ...feature_shards import BOTH, D, Row, make_rows

IDS = [f"G00001_01_{number:02d}_001" for number in range(22)]
ROWS = make_rows(IDS, failed=[3, 9, 18])
TEXT = TextSpec(name="clean/tiny-hubert", model="example/tiny-bert", num_dims=D)
LEVELS: list[tuple[Level, ...]] = [("utterance",), ("frame",), BOTH]


def rows_of(ids: Sequence[str] = IDS, **columns: Any) -> datasets.Dataset:
    """A dataset that knows of each row where it should be."""
    table = {"utterance_id": pa.array(ids, pa.string()), "place": pa.array(range(len(ids)), pa.int64())}
    return datasets.Dataset(pa.table(table | columns))


def copied(value: Any) -> Any:
    """Send something to another process, and back."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301  # our own bytes


def check_joined(joined: datasets.Dataset, rows: Sequence[Row] = ROWS, *, dtype: str = "float32") -> None:
    """Compare every row of a joined dataset with what was written for its id."""
    truth = {row.utterance_id: row for row in rows}
    for found in joined:
        row = truth[found["utterance_id"]]
        assert found["tiny_hubert_error"] == row.error
        if row.frames is None:
            assert found["tiny_hubert"] is None
            assert found["tiny_hubert_frames"] is None
            assert found["tiny_hubert_seconds"] is None
            continue
        frames = np.array(found["tiny_hubert_frames"], dtype)
        assert np.array_equal(frames, row.frames.astype(dtype))
        assert len(found["tiny_hubert_seconds"]) == len(frames)
        assert np.array_equal(
            np.array(found["tiny_hubert"], dtype),
            row.frames.astype(dtype).mean(0, dtype="float32").astype(dtype),
        )

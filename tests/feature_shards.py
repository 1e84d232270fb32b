"""Feature sets for tests, written to the letter of `schemas.feature_shard`, with no encoder behind them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data.schemas.encoder_spec import EncoderSpec
from emotalk_data.schemas.feature_shard import FOOTER_KEY, Level, ShardCounts, ShardRecord
from emotalk_data.schemas.feature_spec import SpeechSpec

D = 4
SPEC = SpeechSpec(
    name="clean/tiny-hubert",
    model="example/tiny-hubert",
    revision="a0" * 20,
    weights_digest="0" * 32,
    num_dims=D,
)
BOTH: tuple[Level, ...] = ("utterance", "frame")


class Row(NamedTuple):
    """One row that is to be written; null where it has an error."""

    utterance_id: str
    frames: np.ndarray | None
    error: str | None = None
    notes: tuple[str, ...] = ()


def make_rows(
    ids: Sequence[str], *, num_dims: int = D, failed: Sequence[int] = (), seed: int = 0
) -> list[Row]:
    """Rows of 1 to 5 frames; of those that failed, the first has no sound and the others are damaged."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, one in enumerate(ids):
        frames = rng.normal(size=(1 + number % 5, num_dims)).astype("float32")
        if number in failed:
            error = "missing: the row has no sound" if number == failed[0] else "unreadable: it was cut"
            rows.append(Row(one, None, error))
        else:
            rows.append(Row(one, frames, notes=("cut at 10 s",) if number % 4 == 0 else ()))
    return rows


def write_set(
    folder: Path,
    rows: Sequence[Row],
    spec: EncoderSpec = SPEC,
    levels: tuple[Level, ...] = BOTH,
    *,
    rows_per_shard: int = 4,
    split: str = "train",
    corpus: str | None = "emotalk",
    rows_per_group: int = 2,
    **record: Any,
) -> list[Path]:
    """Write the shards of one split; return their paths. `record` replaces fields of the footers."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    starts = range(0, len(rows), rows_per_shard)
    paths = []
    for number, start in enumerate(starts):
        part = rows[start : start + rows_per_shard]
        path = folder / "data" / f"{split}-{number:05d}-of-{len(starts):05d}.parquet"
        values = {
            "spec": spec,
            "spec_digest": spec.digest(),
            "levels": levels,
            "corpus": corpus,
            "split": split,
            "number": number,
            "total": len(starts),
            "start": start,
            "num_rows": len(part),
            "ids_digest": _digest([row.utterance_id for row in part]),
            "source_digest": _digest([row.utterance_id for row in part]),
            "counts": counts_of(part),
            "max_batch_seconds": 60.0,
            "device": "cpu",
            "libraries": {"numpy": np.__version__},
        }
        write_shard(path, ShardRecord.model_validate(values | record), part, rows_per_group=rows_per_group)
        paths.append(path)
    return paths


def write_two_splits(folder: Path, rows: Sequence[Row]) -> Path:
    """Write a set of 14 rows of train in four shards, and the others of test; return its folder."""
    write_set(folder, rows[:14])
    write_set(folder, rows[14:], split="test")
    return folder


def write_shard(path: Path, record: ShardRecord, rows: Sequence[Row], *, rows_per_group: int = 2) -> None:
    """Write one shard, whatever its record says."""
    table = table_of(rows, record.spec, record.levels)
    with pq.ParquetWriter(
        path,
        table.schema,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
        write_page_checksum=True,
    ) as writer:
        writer.write_table(table, row_group_size=rows_per_group)
        writer.add_key_value_metadata({FOOTER_KEY: record.model_dump_json()})


def table_of(rows: Sequence[Row], spec: EncoderSpec, levels: Sequence[Level]) -> pa.Table:
    """The columns of a shard."""
    assert spec.num_dims is not None
    number = pa.float16() if spec.storage == "float16" else pa.float32()
    vector = pa.list_(number, spec.num_dims)
    dtype = spec.storage
    columns: dict[str, pa.Array] = {"utterance_id": pa.array([row.utterance_id for row in rows], pa.string())}
    frames = [None if row.frames is None else row.frames.astype(dtype) for row in rows]
    if "utterance" in levels:
        pooled = [None if one is None else list(one.mean(0, dtype="float32").astype(dtype)) for one in frames]
        columns[spec.column] = pa.array(pooled, vector)
    if "frame" in levels:
        lists = [None if one is None else [list(frame) for frame in one] for one in frames]
        columns[f"{spec.column}_frames"] = pa.array(lists, pa.list_(vector))
        seconds = [
            None if one is None or spec.modality == "text" else list(np.arange(len(one)) * 0.02 + 0.01)
            for one in frames
        ]
        columns[f"{spec.column}_seconds"] = pa.array(seconds, pa.list_(pa.float32()))
    columns["notes"] = pa.array([list(row.notes) for row in rows], pa.list_(pa.string()))
    columns["error"] = pa.array([row.error for row in rows], pa.string())
    digests = [None if row.frames is None else _digest([row.utterance_id]) for row in rows]
    columns["input_digest"] = pa.array(digests, pa.string())
    return pa.table(columns)


def counts_of(rows: Sequence[Row]) -> ShardCounts:
    """What became of rows."""
    missing = sum(row.error is not None and row.error.startswith("missing") for row in rows)
    made = [row for row in rows if row.frames is not None]
    return ShardCounts(
        made=len(made),
        missing=missing,
        failed=len(rows) - len(made) - missing,
        noted=sum(bool(row.notes) for row in made),
        frames=sum(len(row.frames) for row in made if row.frames is not None),
    )


def _digest(values: Sequence[str]) -> str:
    return blake2b(json.dumps(list(values)).encode(), digest_size=16).hexdigest()

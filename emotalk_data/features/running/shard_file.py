"""A shard on disk: built from arrays, written whole or not at all, with its record in the footer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emotalk_data._whole_file import whole_file
from emotalk_data.builder.feature_sets.shards import open_shard, shard_columns
from emotalk_data.errors import CacheCorruptError, CacheWriteError, EmotalkError, quote
from emotalk_data.schemas.feature_shard import FOOTER_KEY, FRAMES_SUFFIX, SECONDS_SUFFIX, ShardRecord

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["ShardRow", "read_footer", "read_record", "write_shard_file"]

_GROUP_BYTES: Final = 4 << 20  # what a reader of one row has to read


class ShardRow(NamedTuple):
    """One row as a shard keeps it.

    Attributes:
        utterance_id: its id.
        input_digest: of what was encoded; None where there was nothing.
        error: why there are no features; None where there are.
        notes: what was left out or odd.
        pooled: shape (D,), in the type of the storage; None if it is not kept, or failed.
        frames: shape (T, D), likewise.
        seconds: shape (T,), float32; None if frames are not kept, or have no times.
        num_frames: T, whether they are kept or not.
    """

    utterance_id: str
    input_digest: str | None
    error: str | None = None
    notes: tuple[str, ...] = ()
    pooled: NDArray[Any] | None = None
    frames: NDArray[Any] | None = None
    seconds: NDArray[np.float32] | None = None
    num_frames: int = 0


def write_shard_file(path: Path, record: ShardRecord, rows: Sequence[ShardRow]) -> None:
    """Write a shard. Record and rows decide every byte; the file gets its name when it is whole.

    Raises:
        CacheWriteError: the disk is full, or the folder may not be written to.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    spec = record.spec
    schema = shard_columns(spec.column, spec.num_dims or 1, record.levels, spec.storage)
    try:
        with (
            whole_file(path) as file,
            pq.ParquetWriter(
                file,
                schema,
                compression="none",  # float vectors barely shrink
                use_dictionary=False,
                write_statistics=False,
                write_page_checksum=True,
            ) as writer,
        ):
            for group in _groups(rows):
                writer.write_table(_table(group, record, schema), row_group_size=len(group))
            writer.add_key_value_metadata({FOOTER_KEY: record.model_dump_json()})
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, EmotalkError):
            raise
        reason = getattr(error, "strerror", None) or quote(str(error), 120)
        raise CacheWriteError(
            f"cannot write {quote(str(path), 200)}: {reason}. What is finished stays; the same call goes on.",
            path=str(path),
        ) from error


def read_footer(path: Path) -> dict[str, Any] | None:
    """Return what the footer of a Parquet file says of its shard, unchecked; None where it says nothing.

    Raises:
        CacheCorruptError: it is no whole Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path).metadata or {}
        values = json.loads(metadata[FOOTER_KEY.encode()]) if FOOTER_KEY.encode() in metadata else None
    except (OSError, pa.ArrowException, ValueError) as error:
        raise CacheCorruptError(
            f"{quote(str(path), 200)} is no whole Parquet file: {quote(str(error), 120)}. Remove it.",
            path=str(path),
        ) from error
    return values if isinstance(values, dict) else None


def read_record(path: Path) -> ShardRecord:
    """Return the record of a shard.

    Raises:
        CacheCorruptError: it is no shard of features, or damaged.
    """
    return open_shard(path).record


def _groups(rows: Sequence[ShardRow]) -> Iterator[Sequence[ShardRow]]:
    start, size = 0, 0
    for number, row in enumerate(rows):
        added = sum(part.nbytes for part in (row.pooled, row.frames) if part is not None)
        if size + added > _GROUP_BYTES and number > start:
            yield rows[start:number]
            start, size = number, 0
        size += added
    yield rows[start:]


def _table(rows: Sequence[ShardRow], record: ShardRecord, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    name = record.spec.column
    columns: dict[str, Any] = {
        "utterance_id": pa.array([row.utterance_id for row in rows], pa.string()),
        "notes": pa.array([list(row.notes) for row in rows], schema.field("notes").type),
        "error": pa.array([row.error for row in rows], pa.string()),
        "input_digest": pa.array([row.input_digest for row in rows], pa.string()),
    }
    if "utterance" in record.levels:
        columns[name] = _vectors([row.pooled for row in rows], schema.field(name).type)
    if "frame" in record.levels:
        frames, seconds = schema.field(name + FRAMES_SUFFIX).type, schema.field(name + SECONDS_SUFFIX).type
        columns[name + FRAMES_SUFFIX] = _lists([row.frames for row in rows], frames)
        columns[name + SECONDS_SUFFIX] = _lists([row.seconds for row in rows], seconds)
    return pa.Table.from_arrays([columns[field.name] for field in schema], schema=schema)


def _vectors(values: Sequence[NDArray[Any] | None], kind: pa.FixedSizeListType) -> pa.Array:
    """Put vectors into one array; there has to be something below a null, and that is 0."""
    import pyarrow as pa

    flat = np.zeros((len(values), kind.list_size), kind.value_type.to_pandas_dtype())
    for number, value in enumerate(values):
        if value is not None:
            flat[number] = value
    mask = np.array([value is None for value in values])
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), type=kind, mask=pa.array(mask))


def _lists(values: Sequence[NDArray[Any] | None], kind: pa.ListType) -> pa.Array:
    """Put arrays of any length below each other; None is a null list."""
    import pyarrow as pa

    item = kind.value_type
    offsets = np.cumsum([0] + [0 if value is None else len(value) for value in values]).astype(np.int32)
    parts = [value for value in values if value is not None]
    if pa.types.is_fixed_size_list(item):
        dtype = item.value_type.to_pandas_dtype()
        flat = np.concatenate([np.zeros((0, item.list_size), dtype), *parts]).astype(dtype, copy=False)
        content = pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), type=item)
    else:
        content = pa.array(np.concatenate([np.zeros(0, np.float32), *parts]).astype(np.float32, copy=False))
    mask = np.array([value is None for value in values])
    return pa.ListArray.from_arrays(pa.array(offsets), content, type=kind, mask=pa.array(mask))

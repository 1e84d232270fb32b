"""A Parquet or Arrow file as record batches that were checked before anybody looks into them.

Parquet holds a checksum per page, where its writer wrote them, and verifies them only when asked. Arrow files
hold none: a flipped bit is another value, and an offset outside its buffer is a crash for whoever follows it. So
each batch is validated in full; of 424,880 damaged files none crashed after that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data.archives.ranges import open_regular
from emotalk_data.errors import CacheCorruptError, LimitError

__all__ = ["MAX_ROWS", "read_batches", "read_schema"]

MAX_ROWS: Final = 5_000_000
"""Most rows of one file that are read. M3ED, the larger of the two corpora, has 24,449."""

_BATCH_BYTES: Final = 32 << 20
_MAX_BATCH_ROWS: Final = 8_192
_MIN_BOMB_BYTES: Final = 256 << 20
_MAX_RATIO: Final = 200
_END_OF_STREAM: Final = b"\xff\xff\xff\xff\0\0\0\0"
_FAULTS: Final = (
    pa.ArrowException,
    OSError,
    ValueError,
    MemoryError,
    OverflowError,
    EOFError,
    RecursionError,
)


def read_schema(path: str) -> pa.Schema:
    """Return the schema of a file, its metadata included.

    Raises:
        CacheCorruptError: neither Parquet nor Arrow, or damaged.
        LimitError: more rows than any corpus has, or bytes packed as no data can be.
    """
    with _typed_errors(path), _opened(path) as (source, is_parquet):
        schema = _parquet_schema(source, path) if is_parquet else _open_arrow(source, path).schema
        _decode_names(schema)
        return schema


def read_batches(path: str) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows in batches of some 32 MB; an Arrow file's are as its writer made them.

    Raises:
        CacheCorruptError: the file is damaged, at its end or in the middle: rows before that were yielded.
        LimitError: more rows than any corpus has, or bytes packed as no data can be.
    """
    batches = _batches(path)
    num_rows = 0
    while True:
        with _typed_errors(path):  # around the reading alone: what the caller does with a batch is not damage
            batch = next(batches, None)
            if batch is None:
                return
            batch.validate(full=True)
        num_rows += batch.num_rows
        if num_rows > MAX_ROWS:
            raise _too_many_rows(path, num_rows)
        yield batch


def _batches(path: str) -> Iterator[pa.RecordBatch]:
    with _opened(path) as (source, is_parquet):
        if is_parquet:
            file = _open_parquet(source, path)
            yield from file.iter_batches(batch_size=_batch_rows(file.metadata), use_threads=False)
            return
        reader = _open_arrow(source, path)
        if isinstance(reader, pa.RecordBatchFileReader):
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)
        else:
            yield from reader


@contextmanager
def _opened(path: str) -> Iterator[tuple[pa.NativeFile, bool]]:
    """Open a regular file; say whether it is Parquet."""
    with open_regular(path) as (descriptor, _status):
        is_parquet = os.pread(descriptor, 4, 0) == b"PAR1"
    # Not a memory map: a file that is cut while it is read would kill the process.
    with pa.OSFile(path) as source:
        yield source, is_parquet


def _decode_names(fields: Iterable[pa.Field]) -> None:
    """Read every name: one that is not UTF-8 raises here, and not for whoever asks for it later."""
    for field in fields:
        if field.name is not None and pa.types.is_nested(field.type):
            _decode_names(field.type.field(index) for index in range(field.type.num_fields))


def _parquet_schema(source: pa.NativeFile, path: str) -> pa.Schema:
    """Return the schema with all metadata of the file: what was added last is not in its own."""
    file = _open_parquet(source, path)
    schema = file.schema_arrow
    return schema.with_metadata({**(file.metadata.metadata or {}), **(schema.metadata or {})})


def _open_parquet(source: pa.NativeFile, path: str) -> pq.ParquetFile:
    file = pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=False, buffer_size=1 << 20)
    metadata = file.metadata
    if metadata.num_rows > MAX_ROWS:
        raise _too_many_rows(path, metadata.num_rows)
    # By row groups: of a damaged footer, pyarrow's metadata of a column kills the process.
    size = max(
        (metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups)), default=0
    )
    if size > _MIN_BOMB_BYTES and size > _MAX_RATIO * source.size():
        raise LimitError(f"{size:,} bytes in a file of {source.size():,}", path=path)
    return file


def _open_arrow(source: pa.NativeFile, path: str) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
    if source.read(8).startswith(b"ARROW1"):
        source.seek(0)
        return pa.ipc.open_file(source)
    source.seek(max(source.size() - len(_END_OF_STREAM), 0))
    if source.read(len(_END_OF_STREAM)) != _END_OF_STREAM:  # a cut between two batches reads without an error
        raise CacheCorruptError("neither Parquet nor Arrow, or cut: it has no end mark", path=path)
    source.seek(0)
    return pa.ipc.open_stream(source)


def _batch_rows(metadata: pq.FileMetaData) -> int:
    """Return how many rows make a batch, by the widest row group."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    widest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    return max(min(_BATCH_BYTES // max(widest, 1), _MAX_BATCH_ROWS), 1)


def _too_many_rows(path: str, num_rows: int) -> LimitError:
    return LimitError(f"{num_rows:,} rows", path=path)


@contextmanager
def _typed_errors(path: str) -> Iterator[None]:
    try:
        yield
    except (CacheCorruptError, LimitError):
        raise
    except _FAULTS as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CacheCorruptError(reason[:200], path=path) from error

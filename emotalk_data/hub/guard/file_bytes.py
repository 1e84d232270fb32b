"""Bytes of a Parquet file that are of no page: a file may hide between the columns, and in the footer."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from emotalk_data.hub.guard.text_scan import Finding

__all__ = ["find_hidden_bytes"]

_START: Final = 4  # PAR1
_TAIL: Final = 8  # length and PAR1
# Indexes of pages, and what describes a column and a chunk of it; never more than the last, whatever there is.
_FREE_BYTES: Final = 2 << 10
_FREE_CHUNK_BYTES: Final = 512
_MAX_FREE: Final = 64 << 10
_MAX_GAP: Final = 16


def find_hidden_bytes(path: Path, metadata: pq.FileMetaData) -> Finding | None:
    """Return which bytes of a file are neither of a column nor of its description; None where there are few.

    Args:
        path: the file.
        metadata: its footer.
    """
    chunks = list(_chunks(metadata))
    if any(chunk.file_path for chunk in chunks):
        return Finding("media", "it says that columns of it are in another file")
    if any(chunk.bloom_filter_offset is not None or chunk.metadata for chunk in chunks):
        return Finding("media", "it has a filter or notes of a column, which no reader shows")
    spans = [_span(chunk) for chunk in chunks]
    ends = [_START, *(end for _, end in spans)]
    footer_bytes = _footer_bytes(path)
    limit = path.stat().st_size - _TAIL - footer_bytes
    for (start, end), before in zip(spans, ends, strict=False):
        if start < before or end < start or end > limit:
            return Finding("media", "its columns overlap, or do not follow each other")
        if start - before > _MAX_GAP:
            return _hidden(start - before, "the file")
    ends_of_values = [len(one) for chunk in chunks for one in _statistics(chunk)]
    free = min(_FREE_BYTES + _FREE_CHUNK_BYTES * len(chunks) + 2 * sum(ends_of_values), _MAX_FREE)
    has_index = any(chunk.has_column_index or chunk.has_offset_index for chunk in chunks)
    behind = limit - ends[-1]
    if behind > (free if has_index else _MAX_GAP):
        return _hidden(behind, "the file")
    again = _written_again(metadata)
    if footer_bytes - again > _MAX_GAP:
        return _hidden(footer_bytes - again, "its footer")
    # Of what a footer tells, texts are looked at elsewhere, and the columns are known by name.
    names = sum(64 + len(metadata.schema.column(number).path) for number in range(metadata.num_columns))
    texts = sum(len(key) + len(value) for key, value in (metadata.metadata or {}).items())
    if footer_bytes - texts - names > free:
        return _hidden(footer_bytes - texts - names, "its footer")
    return None


def _hidden(num_bytes: int, place: str) -> Finding:
    return Finding("media", f"{num_bytes:,} bytes of {place} are shown by no reader, and may be anything")


def _chunks(metadata: pq.FileMetaData) -> Iterator[pq.ColumnChunkMetaData]:
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    return itertools.chain.from_iterable(
        (group.column(number) for number in range(group.num_columns)) for group in groups
    )


def _span(chunk: pq.ColumnChunkMetaData) -> tuple[int, int]:
    start = chunk.data_page_offset
    if chunk.dictionary_page_offset:
        start = min(start, chunk.dictionary_page_offset)
    return start, start + chunk.total_compressed_size


def _statistics(chunk: pq.ColumnChunkMetaData) -> list[bytes]:
    statistics = chunk.statistics if chunk.is_stats_set else None
    if statistics is None or not statistics.has_min_max:
        return []
    ends = (statistics.min_raw, statistics.max_raw)
    return [one if isinstance(one, bytes) else str(one).encode() for one in ends]


def _written_again(metadata: pq.FileMetaData) -> int:
    """Return the bytes of a footer that says the same: fields that no reader knows are not in it."""
    buffer = io.BytesIO()
    metadata.write_metadata_file(buffer)
    return int.from_bytes(buffer.getvalue()[-8:-4], "little")


def _footer_bytes(path: Path) -> int:
    with path.open("rb") as file:
        file.seek(-_TAIL, 2)
        return int.from_bytes(file.read(4), "little")

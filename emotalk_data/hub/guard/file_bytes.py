"""Bytes of a Parquet file that no reader shows: a file may hide between its pages, and in its footer."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from emotalk_data.hub.guard.text_scan import Finding

__all__ = ["find_hidden_bytes"]

_HEAD_AND_TAIL: Final = 12  # PAR1, and length and PAR1
# Indexes and filters of pages, and what describes a column and a chunk of it.
_FREE_BYTES: Final = 4 << 10
_FREE_CHUNK_BYTES: Final = 512


def find_hidden_bytes(path: Path, metadata: pq.FileMetaData) -> Finding | None:
    """Return how many bytes of a file are neither of a column nor of its description; None where few are.

    Args:
        path: the file.
        metadata: its footer.
    """
    num_chunks, in_chunks, in_statistics = 0, 0, 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for column in range(group.num_columns):
            chunk = group.column(column)
            num_chunks += 1
            in_chunks += chunk.total_compressed_size
            in_statistics += _statistics_bytes(chunk)
    in_texts = sum(len(key) + len(value) for key, value in (metadata.metadata or {}).items())
    footer_bytes = _footer_bytes(path)
    free = _FREE_BYTES + _FREE_CHUNK_BYTES * (num_chunks + metadata.num_columns) + 2 * in_statistics
    in_footer = footer_bytes - in_texts
    beside = path.stat().st_size - _HEAD_AND_TAIL - footer_bytes - in_chunks
    for place, hidden in (("its footer", in_footer), ("the file", beside)):
        if hidden > free:
            return Finding(
                "media", f"{hidden:,} bytes of {place} are shown by no reader, and may be anything"
            )
    return None


def _statistics_bytes(chunk: pq.ColumnChunkMetaData) -> int:
    statistics = chunk.statistics if chunk.is_stats_set else None
    if statistics is None or not statistics.has_min_max:
        return 0
    ends = (statistics.min_raw, statistics.max_raw)
    return sum(len(end) if isinstance(end, bytes | str) else 16 for end in ends)


def _footer_bytes(path: Path) -> int:
    with path.open("rb") as file:
        file.seek(-8, 2)
        return int.from_bytes(file.read(4), "little")

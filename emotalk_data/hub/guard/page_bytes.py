"""Bytes inside of Parquet pages that no value shows: every page is taken apart, and has to be used up.

A file may hide as an entry of a dictionary that no row uses, behind the values of a page, in a page that no row
reaches, or in a frame that unpacking skips. So pages are walked from the first byte of a chunk to the last, only
encodings of which each byte can be told are let through, and all entries of a dictionary have to be used: then
whoever looks at the values of all rows has looked at everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data.hub.guard.page_headers import MAX_HEAD_BYTES, PageHead, read_head, read_varint
from emotalk_data.hub.guard.text_scan import Finding

__all__ = ["find_in_pages"]

_SHOWN_BY_NONE: Final = "its pages have bytes that no value shows"
_MAX_PAGE_BYTES: Final = 1 << 30
_MAX_PAGES: Final = 64
_BYTES_PER_PAGE: Final = 1 << 12  # pages that are smaller are many heads with little behind them
_PLAIN, _PLAIN_DICTIONARY, _RLE, _RLE_DICTIONARY, _SPLIT = 0, 2, 3, 8, 9
_INDICES: Final = {_PLAIN_DICTIONARY, _RLE_DICTIONARY}
_WIDTHS: Final = {"INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}
_CODECS: Final = {"UNCOMPRESSED": None, "SNAPPY": "snappy", "ZSTD": "zstd"}
"""Those whose packed bytes are used up by unpacking; a gzip file may have a name, and another file behind it."""

_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"


class _HiddenError(Exception):
    """Bytes that no value shows: a reason."""


def find_in_pages(path: Path, metadata: pq.FileMetaData) -> dict[str, Finding]:
    """Return what is wrong with the pages of a file, by column.

    Args:
        path: the file.
        metadata: its footer.

    Raises:
        ValueError, LookupError, OSError, pyarrow.ArrowException: a page cannot be read.
    """
    findings: dict[str, Finding] = {}
    with path.open("rb") as file:
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            for column in range(group.num_columns):
                name = group.column(column).path_in_schema.partition(".")[0]
                if group.num_rows == 0 and metadata.num_rows:
                    findings[name] = Finding("media", f"{_SHOWN_BY_NONE}: a group of them has no rows")
                if name in findings:
                    continue
                try:
                    _Chunk(file, group, metadata.schema.column(column), column).check()
                except _HiddenError as error:
                    findings[name] = Finding("media", f"{_SHOWN_BY_NONE}: {error}")
    return findings


class _Chunk:
    """The pages of one column in one group of rows."""

    def __init__(
        self, file: BinaryIO, group: pq.RowGroupMetaData, schema: pq.ColumnSchema, number: int
    ) -> None:
        self._file, self._chunk, self._num_rows = file, group.column(number), group.num_rows
        self._max_levels = (schema.max_repetition_level, schema.max_definition_level)
        self._kind = schema.physical_type
        self._width = schema.length if self._kind == "FIXED_LEN_BYTE_ARRAY" else _WIDTHS.get(self._kind, 0)
        self._used: np.ndarray | None = None
        self._dictionary = b""
        statistics = self._chunk.statistics if self._chunk.is_stats_set else None
        self._ends = _raw_ends(statistics)

    def check(self) -> None:
        """Take all pages apart.

        Raises:
            _HiddenError: there is something in them that no row shows.
        """
        num_values, num_rows = 0, 0
        for head, stored in self._pages():
            if head.kind == 2:
                self._read_dictionary(head, stored)
                continue
            num_values += head.num_values
            num_rows += self._check_values(head, stored)
        if num_values != self._chunk.num_values or num_rows != self._num_rows:
            raise _HiddenError(f"they have {num_rows:,} rows, and {self._num_rows:,} are told")
        if self._used is not None and not self._used.all():
            unused = int(len(self._used) - self._used.sum())
            raise _HiddenError(f"{unused:,} entries of its dictionary are used by no row")
        if self._ends:
            raise _HiddenError("its statistics tell values that it does not have")

    def _pages(self) -> Iterator[tuple[PageHead, bytes]]:
        chunk = self._chunk
        start = chunk.data_page_offset
        if chunk.dictionary_page_offset:
            start = min(start, chunk.dictionary_page_offset)
        place, end = start, start + chunk.total_compressed_size
        most = _MAX_PAGES + chunk.total_uncompressed_size // _BYTES_PER_PAGE
        num_pages = 0
        while place < end:
            self._file.seek(place)
            head = read_head(self._file.read(min(MAX_HEAD_BYTES, end - place)))
            num_pages += 1
            if head.kind == 2 and num_pages > 1:
                raise _HiddenError("it has a second dictionary")
            if num_pages > most:
                raise _HiddenError("it has many small pages, whose heads may hold anything")
            if head.decoded > _MAX_PAGE_BYTES or place + head.size + head.stored > end:
                raise _HiddenError("a page is larger than its column")
            self._file.seek(place + head.size)
            yield head, self._file.read(head.stored)
            place += head.size + head.stored

    def _unpacked(self, stored: bytes, size: int) -> bytes:
        compression = self._chunk.compression
        if compression not in _CODECS:
            raise _HiddenError(
                f"packed with {compression}, which may hold more; expected zstd, snappy or none"
            )
        codec = _CODECS[compression]
        if codec is None:
            data = stored
        else:
            if codec == "zstd" and _zstd_end(stored) != len(stored):
                raise _HiddenError("there is something behind the packed values")
            data = pa.decompress(stored, size, codec=codec, asbytes=True) if size else b""
            if not size and len(stored) > 16:
                raise _HiddenError("there is something behind the packed values")
        if len(data) != size:
            raise _HiddenError("a page has another length than its head tells")
        return data

    def _read_dictionary(self, head: PageHead, stored: bytes) -> None:
        data = self._dictionary = self._unpacked(stored, head.decoded)
        if self._plain_end(data, 0, head.num_values) != len(data):
            raise _HiddenError("there is something behind the entries of its dictionary")
        self._used = np.zeros(head.num_values, dtype=bool)
        self._forget_ends(data)

    def _check_values(self, head: PageHead, stored: bytes) -> int:
        """Take a page of values apart, and return how many rows begin in it."""
        max_repetition, max_definition = self._max_levels
        num_rows = num_present = head.num_values
        if head.kind == 3:
            split = sum(head.level_bytes)
            data = stored[:split]
            rest = stored[split:]
            data += self._unpacked(rest, head.decoded - split) if head.is_compressed else rest
        else:
            data = self._unpacked(stored, head.decoded)
        place = 0
        for number, (level, wanted) in enumerate(((max_repetition, 0), (max_definition, max_definition))):
            size = head.level_bytes[number]
            if level and head.kind != 3:
                size, place = int.from_bytes(data[place : place + 4], "little"), place + 4
            if not level and size:
                raise _HiddenError("it has levels, and no nulls or lists")
            if level:
                counts, end = _read_runs(data, place, level.bit_length(), head.num_values, level + 1)
                if end != place + size:
                    raise _HiddenError("there is something behind the levels of a page")
                found = int(counts[wanted])
                num_rows, num_present = (found, num_present) if number == 0 else (num_rows, found)
                place = end
        if self._values_end(data, place, num_present, head.encoding) != len(data):
            raise _HiddenError("there is something behind the values of a page")
        self._forget_ends(data[place:])
        for end_value in head.ends:
            if not _is_end(end_value, data[place:], self._dictionary):
                raise _HiddenError("the head of a page tells values that it does not have")
        return num_rows

    def _values_end(self, data: bytes, place: int, num_values: int, encoding: int) -> int:
        if encoding == _PLAIN or (encoding == _SPLIT and self._width):
            return self._plain_end(data, place, num_values)
        if encoding == _RLE and self._kind == "BOOLEAN":
            size = int.from_bytes(data[place : place + 4], "little")
            _, end = _read_runs(data, place + 4, 1, num_values, 2)
            return end if end == place + 4 + size else -1
        if encoding in _INDICES and self._used is not None:
            if place == len(data) and not num_values:
                return place
            counts, end = _read_runs(data, place + 1, data[place], num_values, len(self._used))
            self._used |= counts > 0
            return end
        raise _HiddenError(f"they have the encoding {encoding}; expected PLAIN or a dictionary")

    def _plain_end(self, data: bytes, place: int, num_values: int) -> int:
        if self._kind == "BOOLEAN":
            return place + (num_values + 7) // 8
        if self._kind != "BYTE_ARRAY":
            return place + num_values * self._width
        for _ in range(num_values):
            if place >= len(data):
                return -1
            place += 4 + int.from_bytes(data[place : place + 4], "little")
        return place

    def _forget_ends(self, data: bytes) -> None:
        self._ends = [one for one in self._ends if not _is_end(one, data)]


def _raw_ends(statistics: pq.Statistics | None) -> list[bytes]:
    """Return the ends that statistics tell, as far as they are texts: numbers have little room."""
    if statistics is None or not statistics.has_min_max:
        return []
    ends = (statistics.min_raw, statistics.max_raw)
    return [one.encode() if isinstance(one, str) else one for one in ends if isinstance(one, str | bytes)]


def _is_end(end: bytes, *places: bytes) -> bool:
    # Of zeros the sign is changed: -0.0 is less than 0.0. Truth values stand in bits.
    return not end.strip(b"\0\x80") or len(end) == 1 or any(end in place for place in places)


def _read_runs(data: bytes, place: int, width: int, num_values: int, most: int) -> tuple[np.ndarray, int]:
    """Read numbers in runs, as levels and indices are written.

    Returns:
        how often each number from 0 to `most` - 1 is there, and the place behind the last run.

    Raises:
        _HiddenError: a run has no values, or one has more than there are.
        ValueError, IndexError: it cannot be read.
    """
    counts = np.zeros(most, dtype=np.int64)
    if width > 32:
        raise ValueError("an index has more than 32 bits")
    num_left = num_values
    num_bytes = (width + 7) // 8
    while num_left > 0:
        head, place = read_varint(data, place)
        size = head >> 1
        if not size:
            raise _HiddenError("a run has no values")
        if head & 1:
            if size * 8 - num_left >= 8:
                raise _HiddenError("a run has more values than the page")
            packed = data[place : place + size * width]
            if len(packed) < size * width:
                raise ValueError("the bytes end in a run")
            place += size * width
            _count_packed(packed, width, min(size * 8, num_left), counts)
            num_left -= min(size * 8, num_left)
        else:
            if size > num_left:
                raise _HiddenError("a run has more values than the page")
            counts[int.from_bytes(data[place : place + num_bytes], "little")] += size
            place += num_bytes
            num_left -= size
    return counts, place


def _count_packed(packed: bytes, width: int, num_values: int, counts: np.ndarray) -> None:
    if width == 0:
        counts[0] += num_values
        return
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little").reshape(-1, width)
    if bits[num_values:].any():
        raise _HiddenError("there is something behind the last value of a run")
    values = bits[:num_values] @ (np.int64(1) << np.arange(width, dtype=np.int64))
    if len(counts) <= int(values.max(initial=0)):
        raise ValueError("an index is of no entry")
    np.add.at(counts, values, 1)


def _zstd_end(data: bytes) -> int:
    """Return where the first frame of packed data ends; behind it others may follow, which unpacking skips."""
    if data[:4] != _ZSTD_MAGIC:
        return -1
    head = data[4]
    is_single, has_sum = head >> 5 & 1, head >> 2 & 1
    place = 5 + (1 - is_single) + (0, 1, 2, 4)[head & 3] + ((is_single, 2, 4, 8)[head >> 6])
    while place + 3 <= len(data):
        block = int.from_bytes(data[place : place + 3], "little")
        place += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        if block & 1:
            return place + 4 * has_sum
    return -1

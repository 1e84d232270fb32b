"""Every value of every row of a Parquet file, some rows at a time: memory does not grow with the file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from emotalk_data.hub.guard.allowed_columns import AllowedColumn, CheckText
from emotalk_data.hub.guard.number_scan import NumberScan, find_in_times
from emotalk_data.hub.guard.reason_text import ReasonScan
from emotalk_data.hub.guard.row_ids import RowIds
from emotalk_data.hub.guard.text_scan import Finding, find_in_text, more_serious
from emotalk_data.schemas.feature_shard import FRAMES_SUFFIX, SECONDS_SUFFIX, ShardRecord

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ValueScan"]

_OF_ENCODERS: Final = ("vectors", "frames")
_MAX_JOINED: Final = 1 << 20
_MAX_UNKNOWN_TEXT: Final = 300
_BATCH_BYTES: Final = 16 << 20
_BATCH_NUMBERS: Final = 4 << 20
_MAX_BATCH_ROWS: Final = 4_096


class ValueScan:
    """Looks through the values of a file once. A place with a finding is not looked at again.

    Args:
        file: the file; whoever opened it closes it, and turns what reading raises into a finding.
        allowed: the columns that it may have.
        columns: what its types tell: columns of media are not read.
        record: of a shard of features.
        ids: those of the rows of other files of the config, and of this one after it was looked through.
    """

    def __init__(
        self,
        file: pq.ParquetFile,
        allowed: Mapping[str, AllowedColumn],
        columns: Mapping[str, Finding],
        record: ShardRecord | None,
        ids: RowIds,
    ) -> None:
        self._file, self._allowed, self._record, self._ids = file, allowed, record, ids
        self._known = dict(columns)
        self._found: dict[str, Finding] = {}
        self._numbers: dict[str, NumberScan] = {}
        self._reasons: dict[str, ReasonScan] = {}

    def findings(self) -> dict[str, Finding]:
        """Return what is wrong with the values, by column or dotted place."""
        schema = self._file.schema_arrow
        doomed = {place.split(".")[0] for place, one in self._known.items() if one.kind == "media"}
        wanted = [name for name in schema.names if name not in doomed]
        # A dot in a name would choose a part of another column: then all are read.
        columns = None if any("." in name for name in schema.names) else wanted
        start = 0
        for group in range(self._file.num_row_groups):
            rows = _batch_rows(self._file, group, schema)
            for batch in self._file.iter_batches(rows, [group], columns, use_threads=False):
                batch.validate(full=True)
                for number, name in enumerate(batch.schema.names):
                    if name not in doomed:
                        self._look(name, name, batch.column(number), start)
                self._look_at_times(batch, start)
                odd = self._ids.look(batch) if "utterance_id" in self._allowed else None
                if odd is not None:
                    self._tell(*odd, f", in row {start:,} or soon behind it")
                start += batch.num_rows
        for place, scan in self._numbers.items():
            self._tell_numbers(place, scan.finish())
        for place, reasons in self._reasons.items():
            self._tell(place, reasons.finish(), ", in several rows")
        return self._found

    def _look(self, place: str, column: str, values: pa.Array, start: int) -> None:
        if place in self._found and self._found[place].kind != "words":
            return
        kind = values.type
        known = self._allowed.get(column)
        if known is not None and column not in self._known and known.redistribution not in _OF_ENCODERS:
            self._look_at_domain(place, column, values, start)
            if known.is_prose and place == column:
                self._look_at_reasons(place, values, start)
        if pa.types.is_dictionary(kind):
            self._look(place, column, values.dictionary_decode(), start)
        elif pa.types.is_struct(kind):
            for field, child in zip(kind, values.flatten(), strict=True):
                self._look(f"{place}.{field.name}", column, child, start)
        elif pa.types.is_floating(_innermost(kind)):
            self._look_at_numbers(place, column, values, start)
        elif pa.types.is_map(kind):
            self._look(f"{place}.key", column, values.keys, start)
            self._look(f"{place}.value", column, values.items, start)
        elif _has_items(kind):
            self._look(place, column, values.flatten(), start)
            if _is_text(kind.value_type):
                self._look_at_pieces(place, values, start)
        elif _is_text(kind):
            self._look_at_texts(place, column, values, start)

    def _look_at_texts(self, place: str, column: str, values: pa.Array, start: int) -> None:
        check = self._check_of(place, column)
        for text in values.to_pylist():
            found = None if text is None else check(text)
            if found is not None:  # texts of lists follow each other: which row one is of is not known here
                self._tell(place, found, f", in row {start:,} or soon behind it")
                if found.kind != "words":  # a flag may let words through, and nothing behind them
                    return

    def _look_at_domain(self, place: str, column: str, values: pa.Array, start: int) -> None:
        """Look at the numbers and the lengths of lists in a column that is known: each has its domain."""
        known, below = self._allowed[column], place[len(column) + 1 :]
        found = None
        if _has_items(values.type):
            longest = pc.max(pc.list_value_length(values)).as_py() or 0
            if longest > known.lengths.get(below, 0):
                found = f"a list in it has {longest:,} items; it has at most {known.lengths.get(below, 0)}"
        elif pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            domain = known.numbers.get(below)
            numbers = values.drop_null().to_numpy(zero_copy_only=False)
            found = "nothing says which numbers it has" if domain is None else domain.find(numbers)
        if found is not None:
            self._tell(place, Finding("other", found), f", in row {start:,} or soon behind it")

    def _look_at_reasons(self, place: str, values: pa.Array, start: int) -> None:
        scan = self._reasons.setdefault(place, ReasonScan())
        for number, row in enumerate(values.to_pylist()):
            texts = [row] if isinstance(row, str) else [text for text in row or () if text]
            self._tell(place, scan.add(texts), f", in row {start + number:,}")

    def _look_at_pieces(self, place: str, values: pa.Array, start: int) -> None:
        """Put the texts of a list together: a file may be cut into short ones."""
        for number, texts in enumerate(values.to_pylist()):
            joined = "".join(text for text in texts or () if text)[:_MAX_JOINED]
            found = find_in_text(joined, max_chars=len(joined), may_be_words=True) if joined else None
            if found is not None and found.kind == "media":
                self._tell(place, found, f", in row {start + number:,}")
                return

    def _look_at_numbers(self, place: str, column: str, values: pa.Array, start: int) -> None:
        if not _has_items(values.type):
            return
        if column.endswith(SECONDS_SUFFIX) and column in self._allowed:
            return  # times are looked at beside their frames
        dims = _num_dims(values.type)
        scan = self._numbers.setdefault(place, NumberScan(dims))
        for number, row in _rows_of(values):
            found = find_in_times(np.zeros(0), len(row) // dims) if dims else None
            found = found or scan.add(row)
            if found is not None:
                self._tell_numbers(place, found, f", in row {start + number:,}")
                return

    def _look_at_times(self, batch: pa.RecordBatch, start: int) -> None:
        if self._record is None or "frame" not in self._record.levels:
            return
        name = self._record.spec.column
        frames, seconds = name + FRAMES_SUFFIX, name + SECONDS_SUFFIX
        if frames in self._found or not {frames, seconds} <= set(batch.schema.names):
            return
        num_frames = pc.list_value_length(batch.column(frames)).to_pylist()
        for number, times in _rows_of(batch.column(seconds)):
            found = find_in_times(times, num_frames[number] or 0)
            if found is not None:
                self._tell_numbers(frames, found, f", in row {start + number:,}")
                return

    def _tell_numbers(self, place: str, found: str | None, at: str = "") -> None:
        if found is not None:
            self._tell(place, Finding("media", f"its numbers look like no features: {found}"), at)

    def _tell(self, place: str, found: Finding | None, at: str) -> None:
        """Keep the first finding of a place; what a flag may let through makes room for any other."""
        told = None if found is None else found._replace(reason=f"{found.reason}{at}")
        kept = more_serious(self._found.get(place), told)
        if kept is not None:
            self._found[place] = kept

    def _check_of(self, place: str, column: str) -> CheckText:
        known = self._allowed.get(column)
        below = place[len(column) + 1 :]
        return (known.texts.get(below) if known is not None else None) or _any_text


def _any_text(text: str) -> Finding | None:
    return find_in_text(text, max_chars=_MAX_UNKNOWN_TEXT, may_be_words=False)


def _batch_rows(file: pq.ParquetFile, group: int, schema: pa.Schema) -> int:
    """Return how many rows are read at once: of some MB, also where nulls take no room in the file."""
    described = file.metadata.row_group(group)
    row_bytes = max(int(described.total_byte_size) // max(int(described.num_rows), 1), 1)
    width = max((_width(field.type) for field in schema), default=1)
    return max(min(_BATCH_BYTES // row_bytes, _BATCH_NUMBERS // width, _MAX_BATCH_ROWS), 1)


def _width(kind: pa.DataType) -> int:
    """Return the numbers of a value for which there is room even where it is null."""
    if pa.types.is_fixed_size_list(kind):
        return max(int(kind.list_size), 1) * _width(kind.value_type)
    if pa.types.is_struct(kind):
        return sum(_width(field.type) for field in kind) or 1
    return 1


def _has_items(kind: pa.DataType) -> bool:
    return hasattr(kind, "value_type") and not pa.types.is_map(kind) and not pa.types.is_dictionary(kind)


def _innermost(kind: pa.DataType) -> pa.DataType:
    while _has_items(kind):
        kind = kind.value_type
    return kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _num_dims(kind: pa.DataType) -> int:
    """Return the numbers of a vector; 0 where lists are of any length all the way."""
    while _has_items(kind):
        if pa.types.is_fixed_size_list(kind):
            return int(kind.list_size)
        kind = kind.value_type
    return 0


def _rows_of(values: pa.Array) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield each row that has numbers: which one it is, and all of them, one after the other."""
    inner = values
    offsets = np.arange(len(values) + 1)
    while _has_items(inner.type):
        lengths = pc.fill_null(pc.list_value_length(inner), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        ends = np.append(0, np.cumsum(lengths))
        offsets = ends[offsets]
        inner = inner.flatten()
    numbers = inner.drop_null() if inner.null_count else inner
    if inner.null_count:
        offsets = np.append(0, np.cumsum(inner.is_valid().to_numpy(zero_copy_only=False)))[offsets]
    flat = numbers.to_numpy(zero_copy_only=False)
    for number, (first, last) in enumerate(itertools.pairwise(offsets)):
        if last > first:
            yield number, flat[first:last]

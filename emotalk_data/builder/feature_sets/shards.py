"""One shard of a feature set, opened: its footer, its ids, and what can be read of it.

Every read opens the file, compares the checksum of each page and closes it again: no handle is left behind for a
fork or a thread to share.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from emotalk_data.errors import CacheCorruptError, quote
from emotalk_data.schemas.feature_shard import FOOTER_KEY, FRAMES_SUFFIX, SECONDS_SUFFIX, Level, ShardRecord

__all__ = ["Shard", "open_shard", "shard_columns", "shard_name"]

_NUMBERS: Final = {"float32": pa.float32(), "float16": pa.float16()}
_FAULTS: Final = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError, EOFError, LookupError)
"""What reading a damaged file raises."""

_MAX_ROWS: Final = 1_000_000  # most that `rows_per_shard` may be
_MAX_GROUP_NUMBERS: Final = 1 << 29  # 2 GB; a run writes 4 MB, or one row


class Shard(NamedTuple):
    """One file of a set, as it was when it was opened.

    Attributes:
        path: where it is.
        record: what its footer says.
        num_dims: D.
        ids: utterance id of each row.
        errors: why a row is null; None where it is not.
        group_rows: rows of each row group.
        stamp: length and time of the file.
    """

    path: Path
    record: ShardRecord
    num_dims: int
    ids: tuple[str, ...]
    errors: tuple[str | None, ...]
    group_rows: tuple[int, ...]
    stamp: tuple[int, int]

    def columns(self, levels: Sequence[Level] | None = None) -> list[str]:
        """Return the names of the columns of vectors, frames and seconds, as far as they are there."""
        name, chosen = self.record.spec.column, self.record.levels if levels is None else levels
        of_frames = [name + FRAMES_SUFFIX, name + SECONDS_SUFFIX]
        return [*([name] if "utterance" in chosen else []), *(of_frames if "frame" in chosen else [])]

    def read_group(self, group: int, columns: Sequence[str]) -> pa.RecordBatch:
        """Read some columns of a row group.

        Raises:
            CacheCorruptError: the file is damaged, gone, or was written anew since it was opened.
        """
        with _typed_errors(self.path), pq.ParquetFile(self.path, page_checksum_verification=True) as file:
            if _stamp(self.path) != self.stamp:
                raise CacheCorruptError(
                    f"the shard {quote(str(self.path), 200)} was written anew since the set was opened. Open the "
                    f"set again.",
                    path=str(self.path),
                )
            table = file.read_row_group(group, columns=list(columns), use_threads=False)
            batch: pa.RecordBatch = _checked(table.combine_chunks()).to_batches()[0]
        self._check_batch(batch, group)
        return batch

    def _check_batch(self, batch: pa.RecordBatch, group: int) -> None:
        """Compare a row group with the reasons; the head of a page has no checksum, and says what is in it."""
        name, start = self.record.spec.column, sum(self.group_rows[:group])
        is_made = [error is None for error in self.errors[start : start + self.group_rows[group]]]
        for column in {name, name + FRAMES_SUFFIX} & set(batch.schema.names):
            is_there = np.asarray(batch.column(column).is_valid().to_numpy(zero_copy_only=False))
            odd = np.flatnonzero(is_there != is_made) if len(is_there) == len(is_made) else [0]
            if len(odd):
                row = start + int(odd[0])
                raise _damaged(self.path, f"row {row:,} has both features and a reason, or neither")
        frames, seconds = name + FRAMES_SUFFIX, name + SECONDS_SUFFIX
        if {frames, seconds} <= set(batch.schema.names):
            num_frames, num_times = (pc.list_value_length(batch.column(one)) for one in (frames, seconds))
            if pc.any(pc.not_equal(num_frames, num_times)).as_py():
                raise _damaged(self.path, "a row has other than one time for each frame")

    def groups(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield each row group: the number of its first row, and some of its columns.

        Raises:
            CacheCorruptError: as of `read_group`.
        """
        start = num_frames = 0
        frames = self.record.spec.column + FRAMES_SUFFIX
        for group, num_rows in enumerate(self.group_rows):
            batch = self.read_group(group, columns)
            if frames in columns:
                num_frames += pc.sum(pc.list_value_length(batch.column(frames))).as_py() or 0
            yield start, batch
            start += num_rows
        said = self.record.counts.frames
        if frames in columns and num_frames != said:
            raise _damaged(self.path, f"it has {num_frames:,} frames, and its footer says {said:,}")

    def group_of(self, row: int) -> tuple[int, int]:
        """Return the row group that holds a row, and the row's number in it."""
        for group, num_rows in enumerate(self.group_rows):
            if row < num_rows:
                return group, row
            row -= num_rows
        raise IndexError(row)


def shard_name(record: ShardRecord) -> str:
    """Return the file name of a shard."""
    return f"{record.split}-{record.number:05d}-of-{record.total:05d}.parquet"


def shard_columns(column: str, num_dims: int, levels: Sequence[Level], storage: str) -> pa.Schema:
    """Return the columns of a shard, in their order.

    Args:
        column: of the spec.
        num_dims: D.
        levels: which of vectors and frames there are.
        storage: `float32` or `float16`.
    """
    vector = pa.list_(_NUMBERS[storage], num_dims)
    fields = [("utterance_id", pa.string())]
    if "utterance" in levels:
        fields.append((column, vector))
    if "frame" in levels:
        fields.append((column + FRAMES_SUFFIX, pa.list_(vector)))
        fields.append((column + SECONDS_SUFFIX, pa.list_(pa.float32())))
    strings = {"notes": pa.list_(pa.string()), "error": pa.string(), "input_digest": pa.string()}
    return pa.schema([*fields, *strings.items()])


def open_shard(path: Path) -> Shard:
    """Read footer, ids and reasons of a shard; its vectors are not looked at.

    Raises:
        CacheCorruptError: it is damaged, cut, or no shard of a feature set.
    """
    if not path.is_file():  # a fifo would be waited for
        raise _damaged(path, "it is no file")
    with _typed_errors(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        stamp = _stamp(path)
        record = _record(file.metadata.metadata or {}, path)
        num_dims = _check_columns(file.schema_arrow, record, path)
        groups = range(file.metadata.num_row_groups)
        group_rows = tuple(file.metadata.row_group(group).num_rows for group in groups)
        _check_size(record, group_rows, num_dims, path)
        read = _checked(file.read(columns=["utterance_id", "error"], use_threads=False))
    ids, errors = (tuple(read.column(name).to_pylist()) for name in ("utterance_id", "error"))
    shard = Shard(path, record, num_dims, ids, errors, group_rows, stamp)
    _check_rows(shard)
    return shard


def _record(metadata: dict[bytes, bytes], path: Path) -> ShardRecord:
    text = metadata.get(FOOTER_KEY.encode())
    if text is None:
        raise _damaged(path, f"its footer has no {FOOTER_KEY!r}: it is no shard of a feature set")
    try:
        record = ShardRecord.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        problem = f"its footer cannot be taken ({where}: {first['msg']}); a later version may have written it"
        raise _damaged(path, problem) from error
    # Of the spec as it is written there: a later version may read more out of it.
    spec = json.dumps(json.loads(text)["spec"], sort_keys=True).encode()
    if blake2b(spec, digest_size=16).hexdigest() != record.spec_digest:
        raise _damaged(path, "its spec is other than its spec_digest says")
    return record


def _check_columns(schema: pa.Schema, record: ShardRecord, path: Path) -> int:
    """Compare the columns with what the footer says; return D."""
    spec = record.spec
    name = spec.column if "utterance" in record.levels else spec.column + FRAMES_SUFFIX
    type_ = schema.field(name).type if schema.get_field_index(name) >= 0 else None
    if type_ is not None and "utterance" not in record.levels:
        type_ = type_.value_type if pa.types.is_list(type_) else None
    num_dims = type_.list_size if type_ is not None and pa.types.is_fixed_size_list(type_) else None
    if num_dims is None or spec.num_dims not in (None, num_dims):
        expected = "numbers" if spec.num_dims is None else f"{spec.num_dims} numbers"
        raise _damaged(path, f"column {name!r} is {type_}; expected vectors of {expected}")
    want = shard_columns(spec.column, num_dims, record.levels, spec.storage)
    found, wanted = (list(zip(one.names, one.types, strict=True)) for one in (schema, want))
    if found != wanted:
        odd = next((one for one in found if one not in wanted), None)
        problem = "its columns are not those of its footer, or in another order"
        raise _damaged(path, problem if odd is None else f"{problem}: {odd[0]!r} is {odd[1]}")
    return int(num_dims)


def _check_size(record: ShardRecord, group_rows: Sequence[int], num_dims: int, path: Path) -> None:
    """Compare the number of rows with the footer's, and refuse what no run writes, before a row is read."""
    num_rows = sum(group_rows)
    if num_rows != record.num_rows:
        raise _damaged(path, f"it has {num_rows:,} rows, and its footer says {record.num_rows:,}")
    # Nulls take no room in a file, and all of it in memory.
    if num_rows > _MAX_ROWS or max(group_rows) * num_dims > _MAX_GROUP_NUMBERS:
        raise _damaged(path, f"{max(group_rows):,} of its {num_rows:,} rows are in one row group; too many")


def _check_rows(shard: Shard) -> None:
    """Compare the rows with what the footer says."""
    record, path = shard.record, shard.path
    if path.name != shard_name(record):
        raise _damaged(path, f"it was written as {shard_name(record)}, and has another name")
    if len(shard.ids) != record.num_rows:
        raise _damaged(path, f"it has {len(shard.ids):,} rows, and its footer says {record.num_rows:,}")
    if None in shard.ids:
        raise _damaged(path, f"row {shard.ids.index(None)} has no utterance_id")
    counts = record.counts
    num_null = len(shard.errors) - shard.errors.count(None)
    num_missing = sum(error is not None and error.startswith("missing: ") for error in shard.errors)
    if (num_null, num_missing) != (counts.missing + counts.failed, counts.missing):
        found = f"{num_null:,} of its rows have a reason, {num_missing:,} of them `missing`"
        said = f"{counts.missing + counts.failed:,} and {counts.missing:,}"
        raise _damaged(path, f"{found}, and its footer says {said}")


def _checked(table: pa.Table) -> pa.Table:
    """A footer has no checksum: offsets that a damaged one leads to may point anywhere."""
    table.validate(full=True)
    return table


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@contextmanager
def _typed_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise _damaged(path, reason[:160]) from error


def _damaged(path: Path, problem: str) -> CacheCorruptError:
    return CacheCorruptError(
        f"the shard {quote(str(path), 200)} cannot be used: {problem}. Remove that file and run the same "
        f"`emotalk features extract` again: it makes only this shard.",
        path=str(path),
    )

"""One shard: a range of rows made and written, under a temporary name until it is whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from pydantic import ValidationError

from emotalk_data._whole_file import whole_file
from emotalk_data.builder.copy_manifest import CopyFailure, CopyShard, MediaCounts
from emotalk_data.builder.shard_plan import Job, arrow_rows
from emotalk_data.cache.maker import Maker, MediaColumn
from emotalk_data.cache.making import Made
from emotalk_data.errors import CacheWriteError, EmotalkError, quote

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

__all__ = ["Tell", "known_shard", "make_column", "write_shard"]

Tell = Callable[[int], None]
"""Is told how many more rows are done."""

_GROUP_BYTES: Final = 64 << 20
"""Of media in a row group: with the next clip it is full. Readers take a group at a time."""
_BLOCK_BYTES: Final = 1 << 20


def write_shard(
    rows: datasets.Dataset, job: Job, maker: Maker, key: str, folder: Path, tell: Tell
) -> CopyShard:
    """Make the clips of some rows and write them with all other columns, as they are.

    Rows, maker and key decide every byte.

    Args:
        rows: the whole split.
        job: which of its rows, and where to.
        maker: what is in it.
        key: of the folder, for the file's footer.
        folder: where the file goes.
        tell: see `Tell`.

    Raises:
        CacheWriteError: the disk is full, or the folder may not be written to.
    """
    import pyarrow.parquet as pq

    path = folder / job.file
    schema = maker.schema(rows)
    counts = {column: MediaCounts() for column in maker.made}
    failures: list[CopyFailure] = []
    try:
        with whole_file(path) as file:
            hashing = _HashingFile(file)
            with pq.ParquetWriter(hashing, schema, **maker.writer_options(schema)) as writer:
                for table, made, failed in _groups(rows, job, maker):
                    counts = {column: counts[column] + made[column] for column in maker.made}
                    failures += failed
                    writer.write_table(table, row_group_size=len(table))
                    tell(len(table))
                values = {
                    "key": key,
                    "counts": {column: count.model_dump() for column, count in counts.items()},
                    "failures": [failure.model_dump() for failure in failures],
                }
                writer.add_key_value_metadata({maker.footer_key: json.dumps(values, sort_keys=True)})
    except OSError as error:
        if isinstance(error, EmotalkError):
            raise
        reason = error.strerror or str(error)
        raise CacheWriteError(
            f"cannot write {quote(str(path), 200)}: {reason}. What is finished stays; the same call goes on.",
            path=str(path),
        ) from error
    return CopyShard(
        file=job.file,
        num_rows=job.stop - job.start,
        size_bytes=hashing.size_bytes,
        sha256=hashing.digest.hexdigest(),
        counts=counts,
        failures=tuple(failures),
    )


def known_shard(
    path: Path, job: Job, key: str, listed: CopyShard | None, *, footer_key: str
) -> CopyShard | None:
    """Return what is known of a shard that was written before; None when it has to be written.

    A file gets its name when it is whole, and says in its footer which copy it belongs to: it counts also when
    the process was killed before the manifest could name it.

    Args:
        path: where it would be.
        job: what it would hold.
        key: of the copy.
        listed: what the manifest says of it.
        footer_key: where a footer says it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        size_bytes = path.stat().st_size
        metadata = pq.read_metadata(path)
        values = json.loads(metadata.metadata[footer_key.encode()])
        if values["key"] != key or metadata.num_rows != job.stop - job.start:
            return None
        if listed is not None and listed.size_bytes == size_bytes:
            return listed
        return CopyShard.model_validate_json(
            json.dumps(
                {
                    "file": job.file,
                    "num_rows": metadata.num_rows,
                    "size_bytes": size_bytes,
                    "sha256": _digest_of(path),
                    "counts": values["counts"],
                    "failures": values["failures"],
                }
            )
        )
    except (OSError, pa.ArrowException, ValidationError, ValueError, LookupError, TypeError):
        return None


def make_column(
    values: Iterable[dict[str, Any] | None], column: MediaColumn, maker: Maker
) -> Iterator[Made | EmotalkError | None]:
    """Make the clips of a column one by one; None stays None, and what fails is its error."""
    for value in values:
        if value is None:
            yield None
            continue
        try:
            yield maker.make(value, column)
        except EmotalkError as error:
            yield error


Group = tuple["pa.Table", dict[MediaColumn, MediaCounts], list[CopyFailure]]


def _groups(rows: datasets.Dataset, job: Job, maker: Maker) -> Iterator[Group]:
    """Yield the rows in tables that fit in memory, each with its counts and failures."""
    start = job.start
    while start < job.stop:
        block = arrow_rows(rows, start, min(start + maker.max_group_rows, job.stop))
        made: list[list[Made | EmotalkError | None]] = []
        size_bytes = 0
        # One row after the other: bytes in the table may be videos.
        columns = [
            make_column((scalar.as_py() for scalar in block.column(column)), column, maker)
            for column in maker.made
        ]
        for _, *row in zip(range(len(block)), *columns, strict=True):
            made.append(row)
            size_bytes += sum(len(item.data) for item in row if isinstance(item, Made))
            if size_bytes >= _GROUP_BYTES:
                break
        yield _group(block.slice(0, len(made)), start, made, maker)
        start += len(made)


def _group(block: pa.Table, start: int, made: list[list[Made | EmotalkError | None]], maker: Maker) -> Group:
    import pyarrow as pa

    ids = block.column("utterance_id").to_pylist() if maker.made else []
    counts: dict[MediaColumn, MediaCounts] = {}
    failures: list[CopyFailure] = []
    for position, column in enumerate(maker.made):
        items = [row[position] for row in made]
        values = [
            {"bytes": item.data, "path": item.name} if isinstance(item, Made) else None for item in items
        ]
        errors = [(number, item) for number, item in enumerate(items) if isinstance(item, EmotalkError)]
        clipped = [item.clipped_samples for item in items if isinstance(item, Made) and item.clipped_samples]
        counts[column] = MediaCounts(
            made=len(values) - values.count(None),
            missing=items.count(None),
            failed=len(errors),
            clipped=len(clipped),
            clipped_samples=sum(clipped),
        )
        failures += [
            CopyFailure(row=start + number, utterance_id=ids[number], column=column, reason=str(error))
            for number, error in errors
        ]
        place = block.schema.get_field_index(column)
        field = block.schema.field(place)
        block = block.set_column(place, field, pa.array(values, field.type))
    return block, counts, sorted(failures, key=lambda failure: (failure.row, failure.column))


class _HashingFile(RawIOBase):
    """A file that is only written to, and keeps the digest of all that was."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = sha256()
        self.size_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self._file.write(data)
        size = memoryview(data).nbytes
        self.size_bytes += size
        return size

    def tell(self) -> int:
        return self.size_bytes

    def flush(self) -> None:
        self._file.flush()


def _digest_of(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()

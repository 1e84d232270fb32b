"""What a copy is made from: its splits, its corpus, and a digest that changes with any row or media file."""

from __future__ import annotations

import os
from collections.abc import Collection
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, get_args

from emotalk_data.archives.location import Location
from emotalk_data.builder.shard_plan import SplitName, Splits, arrow_rows, split_of
from emotalk_data.cache.maker import MediaColumn
from emotalk_data.errors import OptionError, PathError, SpanError, quote

if TYPE_CHECKING:
    pass

__all__ = ["checked_source", "source_digest"]

_BLOCK_ROWS: Final = 1_000


def checked_source(dataset: Any, made: Collection[MediaColumn]) -> Splits:
    """Return the splits of what a copy is to be made from, by name; empty ones stay.

    Args:
        dataset: what was given.
        made: the columns that are made anew.

    Raises:
        OptionError: not a Dataset or DatasetDict, one with a transform or of several splits in one, no rows,
            or a column that is to be made is no media.
    """
    import datasets

    splits = dataset
    if isinstance(dataset, datasets.Dataset):
        splits = {split_of(dataset): dataset}
    if not isinstance(splits, dict) or not all(
        isinstance(rows, datasets.Dataset) for rows in splits.values()
    ):
        raise OptionError(f"dataset is a {type(dataset).__name__}; expected a Dataset or a DatasetDict.")
    if not any(map(len, splits.values())):
        raise OptionError("the dataset has no rows; there is nothing to write.")
    for name, rows in splits.items():
        if name not in get_args(SplitName):
            raise OptionError(
                f"{quote(name)} is no split of a copy; expected 'train', 'validation' or 'test'."
            )
        if rows.format["type"] == "custom":
            raise OptionError(
                f"{name} has a transform, which reading its table would leave out. Apply it with ds.map, or take "
                "it off with ds.with_format(None)"
            )
        for column in made:
            expected = datasets.Audio if column == "audio" else datasets.Video
            if not isinstance(rows.features.get(column), expected):
                raise OptionError(
                    f"{name} has no column {column!r} of type {expected.__name__}; nothing to make it of."
                )
    if len({str(rows.features) for rows in splits.values()}) > 1:
        raise OptionError("the splits have different columns; a copy has the same in all of them.")
    return {name: splits[name] for name in get_args(SplitName) if name in splits}


def source_digest(splits: Splits, columns: Collection[str]) -> str:
    """Return 32 hex digits that change with any value of any row, and with the files of the media.

    A file is known by its path, length and time; bytes that are in the table are read. So an edited annotation
    and a replaced wav both make another copy.

    Args:
        splits: the rows.
        columns: those whose media are read: files of the others do not matter.
    """
    import pyarrow as pa

    hasher = blake2b(digest_size=16)
    files: set[str] = set()
    for name, rows in splits.items():
        hasher.update(f"{name}\0{len(rows)}\0{rows.features.to_dict()}\0".encode())
        for start in range(0, len(rows), _BLOCK_ROWS):
            table = arrow_rows(rows, start, min(start + _BLOCK_ROWS, len(rows)))
            table = table.replace_schema_metadata(None).combine_chunks()
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table.schema) as stream:
                stream.write_table(table)
            hasher.update(sink.getvalue())
            for column in columns:
                files.update(_files(table.column(column).to_pylist()))
    for file in sorted(files):
        try:
            status = os.stat(file)  # noqa: PTH116  # tens of thousands of them: a Path for each costs as much again
            facts = f"{file}\0{status.st_size}\0{status.st_mtime_ns}\0"
        except (OSError, ValueError):
            facts = f"{file}\0absent\0"
        hasher.update(facts.encode("utf-8", "surrogateescape"))
    return hasher.hexdigest()


def _files(values: list[dict[str, Any] | None]) -> set[str]:
    """The files that clips lie in: of a member of an archive, the archive."""
    files = set()
    for value in values:
        if value is None or value["bytes"] is not None or value["path"] is None:
            continue
        try:
            files.add(Location.parse(value["path"]).file)
        except (PathError, SpanError):
            files.add(value["path"])
    return files

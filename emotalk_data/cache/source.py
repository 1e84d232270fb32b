"""What a copy is made from: its splits, its corpus, and a digest that changes with any row or media file."""

from __future__ import annotations

import os
from collections.abc import Collection
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from emotalk_data.archives.location import Location
from emotalk_data.builder.shard_plan import SplitName, Splits, arrow_rows, split_of
from emotalk_data.cache.recipe import Recipe
from emotalk_data.errors import OptionError, PathError, SpanError, quote

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

__all__ = [
    "MediaColumn",
    "checked_source",
    "copy_schema",
    "made_columns",
    "source_digest",
]

MediaColumn = Literal["audio", "video"]

_BLOCK_ROWS: Final = 1_000


def made_columns(recipe: Recipe) -> tuple[MediaColumn, ...]:
    """Return the columns that a recipe makes anew."""
    columns: tuple[MediaColumn, ...] = ("audio", "video")
    return tuple(column for column in columns if getattr(recipe, column) is not None)


def checked_source(dataset: Any, recipe: Recipe) -> Splits:
    """Return the splits of what a copy is to be made from, by name; empty ones stay.

    Raises:
        OptionError: not a Dataset or DatasetDict, one with a transform or of several splits in one, no rows,
            or a column that the recipe makes is no media.
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
        raise OptionError("the dataset has no rows; there is nothing to make a copy of.")
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
        for column in made_columns(recipe):
            expected = datasets.Audio if column == "audio" else datasets.Video
            if not isinstance(rows.features.get(column), expected):
                raise OptionError(
                    f"{name} has no column {column!r} of type {expected.__name__}; nothing to make it of."
                )
    if len({str(rows.features) for rows in splits.values()}) > 1:
        raise OptionError("the splits have different columns; a copy has the same in all of them.")
    return {name: splits[name] for name in get_args(SplitName) if name in splits}


def copy_schema(rows: datasets.Dataset, recipe: Recipe) -> pa.Schema:
    """Return the schema of a shard: that of the rows, and plain media for what is made.

    A rate that the source's column asks for, by `cast_column`, would have readers resample what the recipe made.
    """
    import datasets

    made = {
        column: datasets.Audio() if column == "audio" else datasets.Video() for column in made_columns(recipe)
    }
    schema: pa.Schema = datasets.Features({**rows.features, **made}).arrow_schema
    return schema


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

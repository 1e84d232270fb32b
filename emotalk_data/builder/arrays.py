"""Arrow arrays from Python lists, a column at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

__all__ = ["label_ids", "list_of", "media_array", "struct_array"]


def label_ids(names: Sequence[str]) -> dict[str | None, int | None]:
    """Map each label to its id, and None to None: a missing label stays null."""
    ids: dict[str | None, int | None] = {name: number for number, name in enumerate(names)}
    ids[None] = None
    return ids


def list_of(lengths: Sequence[int | None], values: pa.Array) -> pa.ListArray:
    """Cut `values` into lists of the given lengths; a length of None is a null."""
    offsets: list[int | None] = []
    end = 0
    for length in lengths:
        offsets.append(None if length is None else end)
        end += length or 0
    offsets.append(end)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def struct_array(fields: Mapping[str, pa.Array], *, is_null: Sequence[bool] | None = None) -> pa.StructArray:
    """Put arrays of one length side by side; where `is_null`, the whole struct is null."""
    mask = None if is_null is None else pa.array(is_null, pa.bool_())
    return pa.StructArray.from_arrays(list(fields.values()), names=list(fields), mask=mask)


def media_array(paths: Sequence[str | None]) -> pa.StructArray:
    """Return the storage of an Audio or Video column: paths without bytes, null where there is no path."""
    columns: dict[str, Any] = {
        "bytes": pa.nulls(len(paths), pa.binary()),
        "path": pa.array(paths, pa.string()),
    }
    return struct_array(columns, is_null=[path is None for path in paths])

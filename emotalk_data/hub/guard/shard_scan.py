"""One Parquet file, all of it: its types, its metadata, its hidden bytes, and every value of every row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data.builder.feature_sets.shards import open_shard
from emotalk_data.errors import CacheCorruptError, quote
from emotalk_data.hub.guard.allowed_columns import AllowedColumn
from emotalk_data.hub.guard.file_bytes import find_hidden_bytes
from emotalk_data.hub.guard.metadata_scan import find_in_metadata
from emotalk_data.hub.guard.page_bytes import find_in_pages
from emotalk_data.hub.guard.row_ids import RowIds, missing_ids
from emotalk_data.hub.guard.schema_scan import find_in_type, leaves, same_type, short_type
from emotalk_data.hub.guard.text_scan import Finding, find_in_text, more_serious
from emotalk_data.hub.guard.value_scan import ValueScan
from emotalk_data.schemas.feature_shard import ShardRecord

__all__ = ["ShardFindings", "scan_shard", "scan_shards"]

_FAULTS: Final = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError, LookupError)
"""What reading a damaged file raises."""


class ShardFindings(NamedTuple):
    """What was found in a file.

    Attributes:
        schema: its columns; None where it cannot be read.
        columns: column, or dotted place in it -> what is wrong there.
        file: what is wrong with the file itself, its footer or its metadata.
        record: what its footer says, of a shard of features.
    """

    schema: pa.Schema | None
    columns: dict[str, Finding]
    file: Finding | None = None
    record: ShardRecord | None = None


def scan_shards(
    paths: Iterable[Path], allowed: Mapping[str, AllowedColumn], *, is_of_features: bool
) -> dict[Path, ShardFindings]:
    """Look through all files of a config, as `scan_shard` does; ids are unique in all of them together."""
    ids = RowIds()
    return {path: scan_shard(path, allowed, is_of_features=is_of_features, ids=ids) for path in paths}


def scan_shard(
    path: Path, allowed: Mapping[str, AllowedColumn], *, is_of_features: bool, ids: RowIds | None = None
) -> ShardFindings:
    """Look through a file. What is found is returned, damage too; nothing is raised for it.

    Args:
        path: the file.
        allowed: the columns that it may have.
        is_of_features: whether it has to be a shard of a feature set, as `FeatureSet.open` takes them.
        ids: of the rows of other files of the config; those of this one are added.
    """
    record = None
    try:
        if path.is_symlink() or not path.is_file():
            return ShardFindings(None, {}, Finding("other", "it is no regular file"))
        with pq.ParquetFile(path, page_checksum_verification=True, buffer_size=1 << 20) as file:
            columns = _in_types(file.schema_arrow, allowed)
            found = find_in_metadata(file, is_of_features=is_of_features) or find_hidden_bytes(
                path, file.metadata
            )
            found = found or missing_ids(file.schema_arrow.names, allowed)
            if is_of_features:
                record = open_shard(path).record
            values = ValueScan(file, allowed, columns, record, RowIds() if ids is None else ids).findings()
            for place, one in values.items():
                columns[place] = more_serious(one, columns.get(place)) or one
            # After the values, whose sums tell damage from what was hidden.
            columns = {**find_in_pages(path, file.metadata), **columns}
            return ShardFindings(file.schema_arrow, columns, found, record)
    except CacheCorruptError as error:
        return _unreadable(path, allowed, is_of_features, str(error).split(" cannot be used: ")[-1])
    except _FAULTS as error:
        return _unreadable(
            path, allowed, is_of_features, (str(error).splitlines() or [type(error).__name__])[0]
        )


def _unreadable(
    path: Path, allowed: Mapping[str, AllowedColumn], is_of_features: bool, reason: str
) -> ShardFindings:
    """Return the finding for a damaged file, with what its types say, as far as they can still be read."""
    short = quote(reason.split(". Remove")[0], 120)
    found = Finding("other", f"it cannot be read as what it should be: {short}")
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            said = find_in_metadata(file, is_of_features=is_of_features)
            return ShardFindings(schema, _in_types(schema, allowed), said or found)
    except _FAULTS:
        return ShardFindings(None, {}, found)


def _in_types(schema: pa.Schema, allowed: Mapping[str, AllowedColumn]) -> dict[str, Finding]:
    findings: dict[str, Finding] = {}
    for field in schema:
        known = allowed.get(field.name)
        if known is None:
            found = find_in_type(field.type)
            for place, kind in leaves(field.type, field.name):
                inner = find_in_type(kind)
                if inner is not None:
                    findings[place] = inner
            if found is not None and not any(place.startswith(field.name) for place in findings):
                findings[field.name] = found
            named = find_in_text(field.name, max_chars=100, may_be_words=True)
            if named is not None:
                findings.setdefault(field.name, named)
        elif not same_type(field.type, known.type):
            odd = find_in_type(field.type)
            expected = f"it is {short_type(field.type)}, and not {short_type(known.type)} as it should be"
            findings[field.name] = odd or Finding("other", expected)
    twice = {name for name in schema.names if schema.names.count(name) > 1}
    return findings | {name: Finding("other", "two columns have this name") for name in twice}

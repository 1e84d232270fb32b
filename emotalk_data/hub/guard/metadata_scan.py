"""What a Parquet file says of itself: pairs of keys and values, of the file, its schema and its fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data.errors import quote
from emotalk_data.hub.guard.schema_scan import find_in_feature, find_in_json
from emotalk_data.hub.guard.text_scan import Finding, find_in_text
from emotalk_data.schemas.feature_shard import FOOTER_KEY
from emotalk_data.schemas.strict_json import read_json

__all__ = ["find_in_metadata"]

_KNOWN_KEYS: Final = {FOOTER_KEY.encode(), b"emotalk-build", b"ARROW:schema", b"huggingface"}
_KNOWN_FIELD_KEYS: Final = {b"PARQUET:field_id"}
_MAX_METADATA_BYTES: Final = 4 << 20
_MAX_GROWTH: Final = 2  # in base64 it is a third larger
_FREE_BYTES: Final = 1 << 10


def find_in_metadata(file: pq.ParquetFile) -> Finding | None:
    """Return what is wrong with what a file says of itself; None where nothing is."""
    schema = file.schema_arrow
    written = {**(schema.metadata or {}), **(file.metadata.metadata or {})}
    for key, value in written.items():
        if key not in _KNOWN_KEYS:
            found = find_in_json(value) or find_in_json(key)
            return found or Finding("other", f"its metadata has {_shown(key)}, which is on no list")
        if len(value) > _MAX_METADATA_BYTES:
            return Finding("other", f"its metadata {_shown(key)} has {len(value):,} bytes")
        if key == b"ARROW:schema" and len(value) > _MAX_GROWTH * schema.serialize().size + _FREE_BYTES:
            return Finding("media", f"its metadata {_shown(key)} has bytes that no reader shows")
        found = find_in_json(value) if key != b"ARROW:schema" else None
        if found is None and key == b"huggingface":
            found = _in_huggingface(value)
        if found is not None:
            return found._replace(reason=f"in its metadata {_shown(key)} {found.reason}")
    for place, metadata in _field_metadata(schema):
        unknown = set(metadata) - _KNOWN_FIELD_KEYS
        if unknown:
            found = next((one for key in unknown if (one := find_in_json(metadata[key])) is not None), None)
            return found or Finding("other", f"the metadata of {quote(place, 40)} has {_shown(min(unknown))}")
    return find_in_text(file.metadata.created_by or "", max_chars=200, may_be_words=False)


def _in_huggingface(value: bytes) -> Finding | None:
    """Look at the features that `datasets` wrote into a file: plain `datasets` obeys them."""
    try:
        read = read_json(value, file="huggingface", max_bytes=_MAX_METADATA_BYTES)
        features = read["info"].get("features") or {}
    except (ValueError, LookupError, TypeError, AttributeError):
        return Finding("other", "it is not what datasets writes")
    return next((found for one in features.values() if (found := find_in_feature(one)) is not None), None)


def _field_metadata(
    fields: pa.Schema | pa.StructType, place: str = ""
) -> Iterator[tuple[str, dict[bytes, bytes]]]:
    for field in fields:
        name = f"{place}.{field.name}" if place else field.name
        yield name, field.metadata or {}
        kind = field.type
        while hasattr(kind, "value_field"):
            yield name, kind.value_field.metadata or {}
            kind = kind.value_type
        if pa.types.is_struct(kind):
            yield from _field_metadata(kind, name)


def _shown(key: bytes) -> str:
    return quote(key.decode("utf-8", "replace"), 40)

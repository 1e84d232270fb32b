"""What a Parquet file says of itself: pairs of keys and values, of the file, its schema and its fields.

Each key that is known has a form of its own, on its own kind of file. Whatever does not fit is refused.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emotalk_data.builder.copy_manifest import CopyFailure, MediaCounts
from emotalk_data.errors import EmotalkError, quote
from emotalk_data.hub.building.embedding import BuildMaker
from emotalk_data.hub.guard.schema_scan import find_in_feature, find_in_json, find_too_much, same_type
from emotalk_data.hub.guard.text_scan import Finding, find_in_text
from emotalk_data.schemas.feature_shard import FOOTER_KEY, ShardRecord
from emotalk_data.schemas.strict_json import read_json

__all__ = ["find_in_metadata"]

_FEATURES_KEY: Final = FOOTER_KEY.encode()
_BUILD_KEY: Final = BuildMaker.footer_key.encode()
_SCHEMA_KEY: Final = b"ARROW:schema"
_DATASETS_KEY: Final = b"huggingface"
_FIELD_ID: Final = b"PARQUET:field_id"
_MAX_METADATA_BYTES: Final = 64 << 10
_FREE_BYTES: Final = 512
_MAX_TEXT: Final = 8_000  # of one footer, all texts and keys together
_MAX_NUMBERS: Final = 300
_LIBRARY: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,39}")
_VERSION: Final = re.compile(r"[\w.+!-]{1,60}")
_MAX_DEVICE: Final = 100
_MAX_ID: Final = 2**31


class _BuildFooter(BaseModel):
    """The footer of a shard of a build, as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[str, Field(pattern=r"\A[0-9a-f]{32}\z")]
    counts: dict[Literal["audio", "video"], MediaCounts]
    failures: list[CopyFailure]


class _Info(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    features: dict[str, Any] | None = None


class _Datasets(BaseModel):
    """What `datasets` writes into a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    info: _Info
    fingerprint: Annotated[str, Field(pattern=r"\A[0-9a-f]{1,64}\z")] | None = None


def find_in_metadata(file: pq.ParquetFile, *, is_of_features: bool) -> Finding | None:
    """Return what is wrong with what a file says of itself; None where nothing is.

    Args:
        file: the file.
        is_of_features: whether it is a shard of a feature set: each kind of file has its own footer.
    """
    own = _FEATURES_KEY if is_of_features else _BUILD_KEY
    schema = file.schema_arrow
    pairs = [*(schema.metadata or {}).items(), *(file.metadata.metadata or {}).items()]
    schemas = [schema]
    for key, value in dict(pairs).items():
        if key == _SCHEMA_KEY:
            described = _described(value)
            if isinstance(described, Finding):
                return described
            schemas.append(described)
            pairs += (described.metadata or {}).items()
    for key, value in dict.fromkeys(pairs):
        if key not in (own, _SCHEMA_KEY, _DATASETS_KEY):
            found = find_in_json(value) or find_in_json(key)
            return found or Finding("other", f"its metadata has {_shown(key)}, which is on no list")
        found = None if key == _SCHEMA_KEY else _find_in_pair(key, value, schema)
        if found is not None:
            return found._replace(reason=f"in its metadata {_shown(key)} {found.reason}")
    for one in schemas:
        found = _find_in_fields(one)
        if found is not None:
            return found
    return find_in_text(file.metadata.created_by or "", max_chars=200, may_be_words=False)


def _described(value: bytes) -> pa.Schema | Finding:
    """Return the schema that Arrow wrote down in base64, where there is nothing beside it."""
    hidden = Finding("media", f"its metadata {_shown(_SCHEMA_KEY)} has bytes that no reader shows")
    if len(value) > 16 * _MAX_METADATA_BYTES:
        return hidden
    try:
        data = base64.b64decode(value, validate=True)
        schema = pa.ipc.read_schema(pa.py_buffer(data))
    except (ValueError, OSError, pa.ArrowException):
        return hidden
    return hidden if len(data) > schema.serialize().size + _FREE_BYTES else schema


def _find_in_pair(key: bytes, value: bytes, schema: pa.Schema) -> Finding | None:
    found = find_in_json(value)
    if found is not None:
        return found
    try:
        read = read_json(value, file="it", max_bytes=_MAX_METADATA_BYTES)
        if len(value) > len(json.dumps(read, indent=4)) + _FREE_BYTES:
            return Finding("media", "it has bytes that no reader shows")
        if key == _DATASETS_KEY:
            return _find_in_datasets(_Datasets.model_validate(read), schema)
        found = find_too_much(read, max_text=_MAX_TEXT, max_numbers=_MAX_NUMBERS)
        if found is not None:
            return found
        if key == _BUILD_KEY:
            if _BuildFooter.model_validate(read).failures:
                return Finding("other", "it tells of clips, and none may be in it")
            return None
        return _find_in_record(ShardRecord.model_validate(read))
    except (EmotalkError, ValidationError) as error:
        return Finding("other", f"there is something else: {quote(str(error).splitlines()[0], 80)}")


def _find_in_record(record: ShardRecord) -> Finding | None:
    for name, version in record.libraries.items():
        if not _LIBRARY.fullmatch(name) or not _VERSION.fullmatch(version):
            return Finding("other", f"{quote(name, 40)} is no library with its version")
    return find_in_text(record.device, max_chars=_MAX_DEVICE, may_be_words=False)


def _find_in_datasets(said: _Datasets, schema: pa.Schema) -> Finding | None:
    """Look at the features that `datasets` wrote into a file: plain `datasets` obeys them."""
    import datasets

    features = said.info.features
    if features is None:
        return None
    for one in features.values():
        found = find_in_feature(one)
        if found is not None:
            return found
    try:
        kinds = datasets.Features.from_dict(features).arrow_schema
    except (ValueError, LookupError, TypeError, AttributeError, pa.ArrowException):
        return Finding("other", "it is not what datasets writes")
    # A column that it does not tell of is looked at as itself; one that there is not may have any name.
    there = {field.name: field.type for field in schema}
    if not all(field.name in there and same_type(field.type, there[field.name]) for field in kinds):
        return Finding("other", "it tells of other columns than there are")
    return None


def _find_in_fields(schema: pa.Schema) -> Finding | None:
    for place, metadata in _field_metadata(schema):
        unknown = set(metadata) - {_FIELD_ID}
        if unknown:
            found = next((one for key in unknown if (one := find_in_json(metadata[key])) is not None), None)
            return found or Finding("other", f"the metadata of {quote(place, 40)} has {_shown(min(unknown))}")
        number = metadata.get(_FIELD_ID, b"0")
        if not re.fullmatch(rb"-?[0-9]{1,10}", number) or not -_MAX_ID <= int(number) < _MAX_ID:
            return Finding(
                "media", f"the metadata of {quote(place, 40)} has no number as {_shown(_FIELD_ID)}"
            )
    return None


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

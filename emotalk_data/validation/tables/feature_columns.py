"""The columns of a feature set: which hold vectors, of how many numbers, and what the file says of its making."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pyarrow as pa

from emotalk_data.errors import EmotalkError
from emotalk_data.schemas.feature_shard import FOOTER_KEY, FRAMES_SUFFIX, SECONDS_SUFFIX
from emotalk_data.schemas.strict_json import read_json

__all__ = [
    "REASON_COLUMNS",
    "VectorColumn",
    "is_feature_schema",
    "recorded_facts",
    "time_columns",
    "vector_columns",
]

REASON_COLUMNS: Final = ("error", "reason", "failure")
"""Columns that may say why a row has no vector; also `<column>_error` and so on."""

_LABEL_COLUMNS: Final = frozenset({"annotations", "emotion", "emotions"})
_FACTS: Final = ("model", "revision")
_OTHERS_METADATA: Final = frozenset({b"ARROW:schema", b"pandas", b"huggingface"})
_MAX_METADATA_BYTES: Final = 1 << 20


class VectorColumn(NamedTuple):
    """A column of vectors.

    Attributes:
        name: its name.
        is_frames: a row holds a sequence of vectors, (T, D); else one, (D,).
        num_dims: D, when the type fixes it.
        dtype: type of a number, as text.
    """

    name: str
    is_frames: bool
    num_dims: int | None
    dtype: str


def is_feature_schema(schema: pa.Schema) -> bool:
    """Say whether a table is a feature set: it has vectors, and no labels beside them."""
    return bool(vector_columns(schema)) and _LABEL_COLUMNS.isdisjoint(schema.names)


def vector_columns(schema: pa.Schema) -> list[VectorColumn]:
    """Return the columns of vectors; a name that two columns have is left out, and times of frames are."""
    columns: list[VectorColumn] = []
    times = time_columns(schema)
    for field in schema:
        if field.name in times or not _is_once(schema, field.name) or not _is_list(field.type):
            continue
        inner = field.type.value_type
        if pa.types.is_floating(inner):
            columns.append(VectorColumn(field.name, False, _fixed_size(field.type), str(inner)))
        elif _is_list(inner) and pa.types.is_floating(inner.value_type):
            columns.append(VectorColumn(field.name, True, _fixed_size(inner), str(inner.value_type)))
    return columns


def time_columns(schema: pa.Schema) -> dict[str, str]:
    """Return the columns of times: their name to that of the frames they belong to."""
    times: dict[str, str] = {}
    for name in schema.names:
        frames = name.removesuffix(SECONDS_SUFFIX) + FRAMES_SUFFIX
        if name.endswith(SECONDS_SUFFIX) and _is_once(schema, name) and _is_once(schema, frames):
            type_, of_frames = schema.field(name).type, schema.field(frames).type
            if _is_list(type_) and pa.types.is_floating(type_.value_type) and _is_list(of_frames):
                times[name] = frames
    return times


def recorded_facts(schema: pa.Schema) -> dict[str, str]:
    """Return the model and the revision that a file's metadata names, wherever in it they stand.

    They are looked for as keys of the metadata itself (`model`, `model_id`, `revision`, …) and of JSON objects in
    it, such as a spec. What this package writes is read as what it is, and has a `spec_digest` too.
    """
    facts = _own_facts(schema)
    for key, value in (schema.metadata or {}).items():
        if key in _OTHERS_METADATA or len(value) > _MAX_METADATA_BYTES:
            continue
        try:
            document: Any = read_json(value, file="metadata")
        except EmotalkError:
            document = value.decode("utf-8", "backslashreplace")
        for name, text in _leaves(key.decode("utf-8", "backslashreplace"), document):
            for fact in _FACTS:
                if fact in name.lower() and text:
                    facts.setdefault(fact, text)
    return facts


def _own_facts(schema: pa.Schema) -> dict[str, str]:
    """Return what the footer of a shard of ours says. Weights of a plain folder are known by their digest."""
    text = (schema.metadata or {}).get(FOOTER_KEY.encode(), b"")
    try:
        record: Any = read_json(text, file="metadata") if len(text) <= _MAX_METADATA_BYTES else {}
        spec = dict(record["spec"])
        # An encoder without weights, such as openSMILE, is known by the version of its package, and a function of
        # the user's own by its source.
        version = record["libraries"].get(spec["backend"]) or spec.get("params", {}).get("source_digest")
        revision = spec.get("revision") or spec.get("weights_digest") or version
        facts = {"model": spec["model"], "revision": revision, "spec_digest": record["spec_digest"]}
    except (EmotalkError, LookupError, TypeError, ValueError, AttributeError):
        return {}
    return {fact: value for fact, value in facts.items() if isinstance(value, str) and value}


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(key, inner)
    elif isinstance(value, str | int | float):
        yield name, str(value)


def _is_once(schema: pa.Schema, name: str) -> bool:
    return len(schema.get_all_field_indices(name)) == 1


def _is_list(type_: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_list(type_) or types.is_large_list(type_) or types.is_fixed_size_list(type_))


def _fixed_size(type_: pa.DataType) -> int | None:
    return type_.list_size if pa.types.is_fixed_size_list(type_) else None

"""Types that can hold media, and what the metadata of a schema says: no value is read for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import pyarrow as pa

from emotalk_data.builder.features import emotalk_features, m3ed_features
from emotalk_data.errors import DecodeError, LimitError
from emotalk_data.hub.guard.text_scan import Finding, find_in_text
from emotalk_data.schemas.strict_json import read_json

__all__ = [
    "find_in_feature",
    "find_in_json",
    "find_in_type",
    "find_too_much",
    "leaves",
    "same_type",
    "short_type",
]

_STOCK: Final = {"Value", "ClassLabel", "List", "LargeList", "Sequence"}
_MEDIA: Final = {"Audio", "Image", "Video", "Pdf", "Nifti", "Mesh"}
_MAX_METADATA_TEXT: Final = 10_000
_MAX_NUMBERS: Final = 256
_MAX_ALL_NUMBERS: Final = 10_000  # of one file: some hundred shards, or folds of a split file
_MAX_JSON_BYTES: Final = 256 << 20
_MAX_BITS: Final = 64
_DIGITS: Final = re.compile(r"[0-9]{65}")
_FEATURE_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "Value": frozenset({"_type", "id", "dtype"}),
    "ClassLabel": frozenset({"_type", "id", "names", "num_classes"}),
    "List": frozenset({"_type", "id", "feature", "length"}),
    "LargeList": frozenset({"_type", "id", "feature"}),
    "Sequence": frozenset({"_type", "id", "feature", "length"}),
}


def leaves(kind: pa.DataType, place: str = "") -> Iterator[tuple[str, pa.DataType]]:
    """Yield what a type holds in the end: dotted place in it (nothing is added for lists), and type."""
    if pa.types.is_struct(kind):
        for field in kind:
            yield from leaves(field.type, f"{place}.{field.name}" if place else field.name)
    elif pa.types.is_map(kind):
        yield from leaves(kind.key_type, f"{place}.key" if place else "key")
        yield from leaves(kind.item_type, f"{place}.value" if place else "value")
    elif _is_list(kind) or pa.types.is_dictionary(kind):
        yield from leaves(kind.value_type, place)
    else:
        yield place, kind


def short_type(kind: pa.DataType) -> str:
    """Return a type in a few letters: `float[768]`, `list<float[768]>`, `struct<bytes, path>`."""
    if pa.types.is_fixed_size_list(kind):
        return f"{short_type(kind.value_type)}[{kind.list_size}]"
    if _is_list(kind):
        return f"list<{short_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(field.name for field in kind)}>"
    return str(kind)


def same_type(found: pa.DataType, expected: pa.DataType) -> bool:
    """Say whether a type is the expected one, large strings and lists taken for small ones."""
    return bool(_small(found).equals(_small(expected)))


def find_in_type(kind: pa.DataType) -> Finding | None:
    """Return why a type may hold media, or something that nobody can look through; None where it may not."""
    names = {field.name for field in kind} if pa.types.is_struct(kind) else set()
    if {"bytes", "path"} <= names:
        return Finding("media", "it is a struct of bytes and path, as datasets writes Audio, Image and Video")
    if _is_list(kind) and pa.types.is_integer(_innermost(kind)):
        return Finding("media", f"{short_type(kind)[:60]} is a list of integers, as of samples or pixels")
    for inner in _inner(kind):
        found = find_in_type(inner)
        if found is not None:
            return found
    if isinstance(kind, pa.BaseExtensionType):
        return Finding("media", f"{str(kind)[:60]} is an extension type, which nobody can look through")
    if _is_binary(kind):
        return Finding("media", f"{kind} holds bytes: sound or pictures")
    return None


def find_in_feature(feature: Any) -> Finding | None:
    """Return what is wrong with a feature of `datasets`, or with its form in JSON; None where nothing is."""
    parts: Iterable[Any]
    if isinstance(feature, Mapping):
        kind = feature.get("_type")
        if isinstance(kind, str) and kind not in _STOCK:
            return _feature_finding(kind)
        if isinstance(kind, str):
            if set(feature) - _FEATURE_KEYS[kind] or feature.get("id") is not None:
                return Finding("other", f"its feature {kind} says more than such a feature does")
            if kind == "ClassLabel" and not _are_known(feature.get("names")):
                return _UNKNOWN_NAMES
        parts = [feature.get("feature")] if isinstance(kind, str) else feature.values()
    elif isinstance(feature, list | tuple):
        parts = feature
    else:
        kind = type(feature).__name__
        if feature is None or isinstance(feature, str | int | float | bool):
            return None
        if kind not in _STOCK:
            return _feature_finding(kind)
        if kind == "ClassLabel" and not _are_known(feature.names):
            return _UNKNOWN_NAMES
        parts = [getattr(feature, "feature", None)]
    return next((found for part in parts if (found := find_in_feature(part)) is not None), None)


def find_in_json(
    text: str | bytes, *, max_chars: int = _MAX_METADATA_TEXT, may_be_words: bool = False
) -> Finding | None:
    """Return what is wrong with a JSON text, in any of its keys and texts; None where nothing is."""
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        return Finding("media", "it is no text: bytes")
    if _DIGITS.search(decoded):
        return Finding("media", "it holds a number of more than 64 digits: bytes in digits")
    try:
        values = read_json(decoded.encode("utf-8", "surrogatepass"), file="it", max_bytes=_MAX_JSON_BYTES)
    except DecodeError as error:
        if error.fault == "duplicate-key":
            return Finding("media", "a key is there twice, and readers show one of them")
        return find_in_text(decoded, max_chars=max_chars, may_be_words=may_be_words)
    except LimitError:
        return Finding("other", f"it has more than {_MAX_JSON_BYTES:,} bytes")
    found = find_too_much(values, max_text=None, max_numbers=_MAX_ALL_NUMBERS)
    return found or _find_in_values(values, max_chars, may_be_words)


def find_too_much(values: Any, *, max_text: int | None, max_numbers: int) -> Finding | None:
    """Return whether a document has more numbers or letters in all than it can need; None where it has not.

    Args:
        values: as JSON was read.
        max_text: the most letters of all texts and keys; None for any number.
        max_numbers: the most numbers.
    """
    num_chars = num_numbers = 0
    pending = [values]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            num_chars += len(value)
        elif isinstance(value, bool):
            continue
        elif isinstance(value, int | float):
            num_numbers += 1
            if isinstance(value, int) and value.bit_length() > _MAX_BITS:
                return Finding("media", "it holds a number of more than 64 bits: bytes in digits")
        elif isinstance(value, dict):
            pending += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            pending += value
    if num_numbers > max_numbers:
        return Finding("media", f"it holds {num_numbers:,} numbers, as of samples or pixels")
    if max_text is not None and num_chars > max_text:
        return Finding("media", f"it holds {num_chars:,} letters, and needs {max_text:,} at most")
    return None


def _find_in_values(values: Any, max_chars: int, may_be_words: bool) -> Finding | None:
    pending = [values]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            found = find_in_text(value, max_chars=max_chars, may_be_words=may_be_words)
            if found is not None:
                return found
        elif isinstance(value, dict):
            pending += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            if sum(isinstance(one, int | float) for one in value) > _MAX_NUMBERS:
                return Finding("media", f"it holds a list of {len(value):,} numbers, as of samples or pixels")
            pending += value
    return None


_UNKNOWN_NAMES: Final = Finding("media", "its class names are none of the corpora's: they may be anything")


def _are_known(names: Any) -> bool:
    return isinstance(names, list | tuple) and tuple(names) in _class_names()


@cache
def _class_names() -> frozenset[tuple[str, ...]]:
    """Names of all classes of both corpora."""
    found: set[tuple[str, ...]] = set()
    pending: list[Any] = [emotalk_features(), m3ed_features()]
    while pending:
        feature = pending.pop()
        if isinstance(feature, Mapping):
            pending += feature.values()
        elif isinstance(feature, list | tuple):
            pending += feature
        elif type(feature).__name__ == "ClassLabel":
            found.add(tuple(feature.names))
        else:
            pending += [inner] if (inner := getattr(feature, "feature", None)) is not None else []
    return frozenset(found)


def _feature_finding(kind: str) -> Finding:
    if kind in _MEDIA:
        return Finding("media", f"its feature is {kind}: sound or pictures")
    return Finding("other", f"its feature is {kind[:60]!r}, which is none of {', '.join(sorted(_STOCK))}")


def _inner(kind: pa.DataType) -> list[pa.DataType]:
    if pa.types.is_struct(kind):
        return [field.type for field in kind]
    if isinstance(kind, pa.BaseExtensionType):
        return []
    if pa.types.is_map(kind):
        return [kind.key_type, kind.item_type]
    if pa.types.is_union(kind):
        return [kind.field(number).type for number in range(kind.num_fields)]
    return [kind.value_type] if _is_list(kind) or pa.types.is_dictionary(kind) else []


def _is_list(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, pa.types.is_list_view,
        pa.types.is_large_list_view,
    )  # fmt: skip
    return any(test(kind) for test in tests)


def _innermost(kind: pa.DataType) -> pa.DataType:
    while _is_list(kind):
        kind = kind.value_type
    return kind


def _is_binary(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view,
    )  # fmt: skip
    return any(test(kind) for test in tests)


def _small(kind: pa.DataType) -> pa.DataType:
    """Return a type with small strings and lists, without names of items and without metadata."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_small(kind.value_type), kind.list_size)
    if _is_list(kind):
        return pa.list_(_small(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _small(field.type)) for field in kind])
    return kind

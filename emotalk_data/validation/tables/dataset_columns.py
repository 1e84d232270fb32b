"""The columns of a built dataset against those that the builder writes."""

from __future__ import annotations

import functools
from typing import Any, Final, Literal

import pyarrow as pa

from emotalk_data.builder.features import emotalk_features, m3ed_features
from emotalk_data.errors import EmotalkError, quote
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, M3ED_ANNOTATOR_EMOTIONS, M3ED_EMOTIONS
from emotalk_data.schemas.strict_json import REMEDY, read_json

__all__ = ["Corpus", "check_columns", "tell_corpus"]

Corpus = Literal["emotalk", "m3ed"]

_MAX_NAMES_SHOWN: Final = 8
_MAX_METADATA_BYTES: Final = 4 << 20
_METADATA: Final = "the metadata"
_LABEL_NAMES: Final[dict[Corpus, frozenset[tuple[str, ...]]]] = {
    "emotalk": frozenset({EMOTALK_EMOTIONS.names}),
    "m3ed": frozenset({M3ED_EMOTIONS.names, M3ED_ANNOTATOR_EMOTIONS.names}),
}


@functools.cache
def _schema(corpus: Corpus) -> pa.Schema:
    features = emotalk_features() if corpus == "emotalk" else m3ed_features()
    return features.arrow_schema.remove_metadata()


def tell_corpus(schema: pa.Schema) -> Corpus | None:
    """Return the corpus whose own columns a table has more of; None when it is of neither."""
    names = set(schema.names)
    known: dict[Corpus, int] = {"emotalk": 0, "m3ed": 0}
    for corpus, other in (("emotalk", "m3ed"), ("m3ed", "emotalk")):
        own = set(_schema(corpus).names) - set(_schema(other).names)
        known[corpus] = len(names & own)  # type: ignore[index]
    if any(known.values()):
        return "m3ed" if known["m3ed"] > known["emotalk"] else "emotalk"
    return "emotalk" if "utterance_id" in names else None


def check_columns(
    schema: pa.Schema, corpus: Corpus | None, file: str, report: Report
) -> dict[str, pa.DataType]:
    """Compare a shard's columns with the builder's.

    Args:
        schema: the shard's schema.
        corpus: what `tell_corpus` said.
        file: the shard's name.
        report: takes the problems.

    Returns:
        the columns that can be looked into, and the type to look at them as.
    """
    _check_metadata(schema, corpus, file, report)
    if corpus is None:
        names = ", ".join(quote(name, 40) for name in schema.names[:_MAX_NAMES_SHOWN]) or "no column"
        expected = "the columns of EmotionTalk or M3ED, such as utterance_id"
        report.problem("DS-COLUMN-001", file, "", names, expected)
        return {}
    wanted = _schema(corpus)
    usable: dict[str, pa.DataType] = {}
    for field in wanted:
        positions = schema.get_all_field_indices(field.name)
        if not positions:
            report.problem("DS-COLUMN-001", file, field.name, "missing", f"a column of {field.type}")
        elif len(positions) > 1:
            found = f"{len(positions)} columns of one name"
            report.problem("DS-COLUMN-002", file, field.name, found, f"one column of {field.type}")
        elif not _is_alike(schema.field(positions[0]).type, field.type):
            found = quote(str(schema.field(positions[0]).type))[1:-1]
            report.problem("DS-COLUMN-002", file, field.name, found, str(field.type))
        else:
            usable[field.name] = field.type
    for name in dict.fromkeys(schema.names):
        if wanted.get_field_index(name) < 0:
            found = "an unknown column"
            report.problem("DS-COLUMN-003", file, quote(name)[1:-1], found, f"a column of {corpus}")
    return usable


def _is_alike(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Say whether a type means the same: 64-bit offsets and views do, another width of numbers does not."""
    types = pa.types
    if types.is_string(wanted):
        return bool(types.is_string(found) or types.is_large_string(found) or types.is_string_view(found))
    if types.is_binary(wanted):
        return bool(types.is_binary(found) or types.is_large_binary(found) or types.is_binary_view(found))
    if types.is_list(wanted):
        is_list = types.is_list(found) or types.is_large_list(found)
        return is_list and _is_alike(found.value_type, wanted.value_type)
    if types.is_struct(wanted):
        return (
            types.is_struct(found)
            and [field.name for field in found] == [field.name for field in wanted]
            and all(_is_alike(one.type, other.type) for one, other in zip(found, wanted, strict=True))
        )
    return bool(found == wanted)


def _check_metadata(schema: pa.Schema, corpus: Corpus | None, file: str, report: Report) -> None:
    """Look at the features that `datasets` writes into a file: with other names, ids are other labels."""
    raw = (schema.metadata or {}).get(b"huggingface")
    if raw is None:
        return
    try:
        document = read_json(raw, file=_METADATA, max_bytes=_MAX_METADATA_BYTES)
        features = document["info"]["features"]
    except (EmotalkError, KeyError, TypeError) as error:
        reason = "without info.features"
        if isinstance(error, EmotalkError):
            reason = error.message.removeprefix(f"{_METADATA} is ").removesuffix(REMEDY)
        report.problem("DS-META-001", file, "huggingface", reason, "the features, as `datasets` writes them")
        return
    if corpus is None:
        return
    for path, names in _label_names(features, ""):
        if names not in _LABEL_NAMES[corpus]:
            expected = " or ".join(str(list(names)) for names in sorted(_LABEL_NAMES[corpus], key=len))
            report.problem("DS-LABEL-002", file, path, quote(list(names)), expected)


def _label_names(feature: Any, path: str) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the place and the names of each ClassLabel."""
    if isinstance(feature, list):
        feature = {"feature": feature[0] if feature else None}
    if not isinstance(feature, dict):
        return []
    if feature.get("_type") == "ClassLabel":
        names = feature.get("names")
        return [(path, tuple(map(str, names)) if isinstance(names, list) else ())]
    found: list[tuple[str, tuple[Any, ...]]] = []
    for key, value in feature.items():
        inner = path if key == "feature" else f"{path}.{quote(key)[1:-1]}" if path else quote(key)[1:-1]
        found += _label_names(value, inner)
    return found

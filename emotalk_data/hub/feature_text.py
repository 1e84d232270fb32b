"""Features and Arrow types as short text that is the same under every version of pyarrow and datasets."""

from __future__ import annotations

from typing import Any

import datasets
import pyarrow as pa

__all__ = ["arrow_schema_text", "arrow_type_text", "feature_text"]


def feature_text(feature: Any, *, with_labels: bool = True) -> str:
    """Return a feature as text: `string`, `List(int32)`, `ClassLabel(neutral, happy)`, `{type: string}`.

    Args:
        feature: a value of `datasets.Features`.
        with_labels: also list the names of a ClassLabel, in the order of their ids.
    """
    if isinstance(feature, dict):
        inner = (f"{name}: {feature_text(part, with_labels=with_labels)}" for name, part in feature.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(feature, datasets.List):
        length = "" if feature.length < 0 else f", length={feature.length}"
        return f"List({feature_text(feature.feature, with_labels=with_labels)}{length})"
    if isinstance(feature, datasets.ClassLabel):
        return f"ClassLabel({', '.join(feature.names)})" if with_labels else "ClassLabel"
    if isinstance(feature, datasets.Value):
        return str(feature.dtype)
    return type(feature).__name__


def arrow_type_text(arrow_type: pa.DataType) -> str:
    """Return an Arrow type as text, without the names of list items, which depend on who wrote them."""
    if pa.types.is_struct(arrow_type):
        fields = (f"{field.name}: {arrow_type_text(field.type)}" for field in arrow_type)
        return f"struct<{', '.join(fields)}>"
    if pa.types.is_list(arrow_type):
        return f"list<{arrow_type_text(arrow_type.value_type)}>"
    return str(arrow_type)


def arrow_schema_text(features: datasets.Features) -> str:
    """Return one line per column: name, Arrow type, feature; columns of text two blanks apart."""
    schema = features.arrow_schema
    rows = [(field.name, arrow_type_text(field.type), feature_text(features[field.name])) for field in schema]
    name_width = max(len(name) for name, _, _ in rows)
    # Nested types are long: padding every line to the longest would push the features off the page.
    type_width = max(len(text) for _, text, _ in rows if "<" not in text)
    return "".join(f"{name:<{name_width}}  {text:<{type_width}}  {feature}\n" for name, text, feature in rows)

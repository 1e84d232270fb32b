"""Columns that were given another type than `load_dataset` gives them are refused before anything is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import datasets
import pyarrow as pa

from emotalk_data.builder.features import emotalk_features, m3ed_features
from emotalk_data.errors import OptionError, quote
from emotalk_data.views.columns import corpus_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_types"]

# Sizes do not matter: Parquet and pandas hand back large strings, and integers as floats where some are null.
_KINDS: tuple[Callable[[Any], bool], ...] = (
    lambda one: pa.types.is_string(one) or pa.types.is_large_string(one) or pa.types.is_string_view(one),
    lambda one: pa.types.is_binary(one) or pa.types.is_large_binary(one) or pa.types.is_binary_view(one),
    lambda one: pa.types.is_integer(one) or pa.types.is_floating(one),
)


def check_types(dataset: datasets.Dataset) -> None:
    """Refuse a dataset in which a known column is of another kind; columns that it lacks are no matter.

    Raises:
        OptionError: a text where numbers are expected, a label that is no `ClassLabel`, and the like.
    """
    expected = emotalk_features() if corpus_of(dataset) == "emotalk" else m3ed_features()
    given = dataset.features
    types, wanted = given.arrow_schema, expected.arrow_schema
    for name in (name for name in given if name in expected):
        if _labels(expected[name]) and not _labels(given[name]):
            raise OptionError(
                f"{name} is {quote(given[name])}; expected a ClassLabel, as load_dataset made it."
            )
        if not _is_alike(types.field(name).type, wanted.field(name).type):
            raise OptionError(
                f"{name} is {quote(str(types.field(name).type))}; expected "
                f"{quote(str(wanted.field(name).type))}, as load_dataset made it."
            )


def _labels(feature: Any) -> bool:
    """Say whether a column holds labels, or lists of them."""
    return isinstance(getattr(feature, "feature", feature), datasets.ClassLabel)


def _is_alike(given: Any, expected: Any) -> bool:
    if pa.types.is_struct(expected):
        return pa.types.is_struct(given) and all(
            given.get_field_index(one.name) >= 0 and _is_alike(given.field(one.name).type, one.type)
            for one in expected
        )
    if pa.types.is_list(expected):
        is_list = (
            pa.types.is_list(given) or pa.types.is_large_list(given) or pa.types.is_fixed_size_list(given)
        )
        return is_list and _is_alike(given.value_type, expected.value_type)
    return any(is_kind(given) and is_kind(expected) for is_kind in _KINDS)

"""Labels, numbers and texts of a batch: which columns become tensors, and what stands for null."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import torch

from emotalk_data.errors import OptionError, quote
from emotalk_data.media.clip import MediaClip

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["NULL_LABEL", "Kind", "kind_of_feature", "kind_of_values", "tensor_of_arrow", "tensor_of_values"]

NULL_LABEL: Final = -100
"""Stands for a null among whole numbers: what the losses of torch leave out (`ignore_index`)."""

Kind: TypeAlias = Literal["audio", "video", "whole", "real", "list"]

_WHOLE = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"})
_REAL: Mapping[str, torch.dtype] = {
    "float16": torch.float16, "float32": torch.float32, "float64": torch.float64,
}  # fmt: skip


def kind_of_feature(feature: Any) -> Kind:
    """Say what the values of a column of `datasets` become."""
    import datasets

    if isinstance(feature, datasets.Audio):
        return "audio"
    if isinstance(feature, datasets.Video):
        return "video"
    dtype = feature.dtype if isinstance(feature, datasets.Value | datasets.ClassLabel) else None
    if dtype in _WHOLE:
        return "whole"
    return "real" if dtype in _REAL else "list"


def kind_of_values(name: str, values: Sequence[Any]) -> Kind:
    """Say what values become whose column is not known; where all are null, what the corpora's column does."""
    there = [value for value in values if value is not None]
    if not there:
        return _corpora_kinds().get(name, "list")
    if name in ("audio", "video") and isinstance(there[0], Mapping):
        return "audio" if name == "audio" else "video"
    if isinstance(there[0], MediaClip):
        return "video" if hasattr(there[0], "frames") else "audio"
    if any(isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real) for value in there):
        return "list"
    return "whole" if all(isinstance(value, numbers.Integral) for value in there) else "real"


def tensor_of_values(name: str, kind: Kind, values: Sequence[Any]) -> torch.Tensor | list[Any]:
    """Return whole numbers as int64 with -100 for null, others as float64 with NaN, anything else as a list."""
    if kind == "list":
        return list(values)
    null, dtype = (NULL_LABEL, torch.int64) if kind == "whole" else (math.nan, torch.float64)
    try:
        return torch.tensor([null if value is None else value for value in values], dtype=dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise OptionError(f"{name} is {quote(values)}; expected {kind} numbers or null") from error


def tensor_of_arrow(kind: Kind, values: pa.ChunkedArray) -> torch.Tensor | list[Any]:
    """Do the same for an Arrow column; floating point keeps its width."""
    if kind == "list":
        listed: list[Any] = values.to_pylist()
        return listed
    if kind == "whole":
        return torch.tensor(values.cast("int64").fill_null(NULL_LABEL).to_numpy())
    return torch.tensor(values.to_numpy())  # null becomes NaN


@functools.cache
def _corpora_kinds() -> dict[str, Kind]:
    from emotalk_data.builder.features import emotalk_features, m3ed_features

    return {
        name: kind_of_feature(feature) for name, feature in (emotalk_features() | m3ed_features()).items()
    }

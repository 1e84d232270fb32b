"""Labels, numbers and texts of a batch: which columns become tensors, and what stands for null."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, NoReturn, TypeAlias

import numpy as np
import torch

from emotalk_data.errors import OptionError, quote
from emotalk_data.media.clip import MediaClip
from emotalk_data.torch.frames import Frames, Padded, pad_arrow, pad_values

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "NULL_LABEL",
    "Kind",
    "Vector",
    "kind_of_feature",
    "kind_of_values",
    "tensor_of_arrow",
    "tensor_of_values",
]

NULL_LABEL: Final = -100
"""Stands for a null among whole numbers: what the losses of torch leave out (`ignore_index`)."""


class Vector(NamedTuple):
    """The kind of a column of lists that all have the same number of numbers: votes, or shares of classes.

    Attributes:
        length: numbers of a list.
        dtype: int64 for whole numbers; floating point as it is stored.
    """

    length: int
    dtype: torch.dtype


Kind: TypeAlias = Literal["audio", "video", "whole", "real", "bool", "list"] | Vector | Frames

_WHOLE = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"})
_REAL: Mapping[str, torch.dtype] = {
    "float16": torch.float16, "float32": torch.float32, "float64": torch.float64,
}  # fmt: skip


def kind_of_feature(feature: Any) -> Kind:
    """Say what the values of a column of `datasets` become.

    A list is a `Vector` where the column says how long each is: `datasets.List(feature, length=7)`. A list of any
    number of such vectors is `Frames`, and so is one of any number of floats.
    """
    import datasets

    if isinstance(feature, datasets.Audio):
        return "audio"
    if isinstance(feature, datasets.Video):
        return "video"
    if isinstance(feature, datasets.List) and feature.length > 0:
        inner = kind_of_feature(feature.feature)
        if inner == "whole":
            return Vector(feature.length, torch.int64)
        return Vector(feature.length, _REAL[feature.feature.dtype]) if inner == "real" else "list"
    if isinstance(feature, datasets.List) and feature.length < 0:
        inner = kind_of_feature(feature.feature)
        if inner == "real":
            return Frames(None, _REAL[feature.feature.dtype])
        is_vector = isinstance(inner, Vector) and inner.dtype.is_floating_point
        return Frames(*inner) if is_vector else "list"
    dtype = feature.dtype if isinstance(feature, datasets.Value | datasets.ClassLabel) else None
    if dtype in _WHOLE:
        return "whole"
    if dtype == "bool":
        return "bool"
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
    if all(isinstance(value, bool | np.bool_) for value in there):
        return "bool"
    if any(isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real) for value in there):
        return "list"
    return "whole" if all(isinstance(value, numbers.Integral) for value in there) else "real"


def tensor_of_values(name: str, kind: Kind, values: Sequence[Any]) -> torch.Tensor | Padded | list[Any]:
    """Return whole numbers as int64 with -100 for null, others as float64 with NaN, anything else as a list.

    Booleans become bool. Lists of a fixed length become (batch, length); one that is null is all -100 or NaN.
    Frames are padded.

    Raises:
        OptionError: a value of another kind or length, or a boolean that is null.
    """
    if kind == "list":
        return list(values)
    if isinstance(kind, Frames):
        return pad_values(name, kind, values)
    if kind == "bool":
        nulls = [row for row, value in enumerate(values) if value is None]
        if nulls:
            _refuse_null(name, nulls[0])
        if wrong := [value for value in values if np.asarray(value).dtype != np.bool_]:
            raise OptionError(f"{name} has {quote(wrong[0])}; expected True or False")
        return torch.tensor([bool(value) for value in values])
    filled: list[Any]
    if isinstance(kind, Vector):
        dtype = kind.dtype
        filled = [_filled_row(name, kind, row) for row in values]
    else:
        dtype = torch.int64 if kind == "whole" else torch.float64
        filled = [_null_of(dtype) if value is None else value for value in values]
    try:
        if dtype == torch.int64 and filled and np.asarray(filled).dtype.kind not in "iub":
            raise TypeError("not whole numbers")  # torch would cut off what is behind the point
        return torch.tensor(filled, dtype=dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise OptionError(f"{name} is {quote(values)}; expected {_called(kind)} numbers or null") from error


def tensor_of_arrow(
    kind: Kind, values: pa.ChunkedArray, *, name: str = "a column"
) -> torch.Tensor | Padded | list[Any]:
    """Do the same for an Arrow column; floating point keeps its width."""
    if kind == "list":
        listed: list[Any] = values.to_pylist()
        return listed
    if isinstance(kind, Frames):
        return pad_arrow(kind, values)
    if isinstance(kind, Vector):
        parts = [_vectors(kind, chunk) for chunk in values.chunks]
        return torch.cat([torch.empty((0, kind.length), dtype=kind.dtype), *parts])
    if kind == "whole":
        return torch.tensor(values.cast("int64").fill_null(NULL_LABEL).to_numpy())
    if kind == "bool" and values.null_count:
        _refuse_null(name, values.is_null().to_pylist().index(True))
    return torch.tensor(values.to_numpy())  # null becomes NaN


def _filled_row(name: str, kind: Vector, row: Any) -> list[Any]:
    """Return the numbers of a list, with what stands for null."""
    null = _null_of(kind.dtype)
    if row is None:
        return [null] * kind.length
    if not hasattr(row, "__len__") or len(row) != kind.length:
        raise OptionError(f"{name} has {quote(row)}; expected {kind.length} numbers in each row")
    return [null if value is None else value for value in row]


def _vectors(kind: Vector, values: pa.FixedSizeListArray) -> torch.Tensor:
    """Return lists of a fixed length as a tensor of its own, (rows, length)."""
    # Of lists that are null, Arrow has numbers as well: whatever they are, they are overwritten.
    inner = values.values.slice(values.offset * kind.length, len(values) * kind.length)
    if kind.dtype == torch.int64:
        inner = inner.cast("int64").fill_null(NULL_LABEL)
    tensor = torch.tensor(inner.to_numpy(zero_copy_only=False)).reshape(len(values), kind.length)
    if values.null_count:
        tensor[torch.tensor(values.is_null().to_numpy(zero_copy_only=False))] = _null_of(kind.dtype)
    return tensor


def _null_of(dtype: torch.dtype) -> float:
    return NULL_LABEL if dtype == torch.int64 else math.nan


def _called(kind: Vector | str) -> str:
    return f"lists of {kind.length}" if isinstance(kind, Vector) else kind


def _refuse_null(name: str, row: int) -> NoReturn:
    raise OptionError(
        f"{name} is null in row {row} of the batch, and a bool tensor has no value for that. Leave the column "
        f'out with columns=[…], or make it numbers, where null is -100: ds.cast_column(name, Value("int8"))'
    )


@functools.cache
def _corpora_kinds() -> dict[str, Kind]:
    from emotalk_data.builder.features import emotalk_features, m3ed_features

    return {
        name: kind_of_feature(feature) for name, feature in (emotalk_features() | m3ed_features()).items()
    }

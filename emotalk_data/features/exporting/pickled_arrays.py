"""What a pickle that is read safely may call: arrays and numbers of numpy, plain containers, and nothing else.

No function of numpy's pickling is run, for its `__setstate__` believes what it is told of types and sizes. What
the pickle says is checked here, and the array is a view of the pickle's own bytes: nothing is allocated for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "NAMES",
    "Name",
    "RefusedError",
    "UnbuiltArray",
    "UnbuiltType",
    "build_array",
    "build_type",
    "check_characters",
    "is_key",
    "key_set",
]

# A text or an object of no length could fill a shape of any size out of no bytes at all.
_CODE: Final = re.compile(r"[fiu][248]|[iu]1|b1|f2|O8?|U[1-9][0-9]{0,4}")
_MAX_DIMENSIONS: Final = 4


class RefusedError(ValueError):
    """The pickle asks for something that no file of features has; the reader adds where."""


@dataclass(frozen=True)
class Name:
    """A name that a pickle may hold.

    Attributes:
        module: as the pickle writes it.
        name: likewise.
        call: what calling it gives; None where it is only ever an argument.
    """

    module: str
    name: str
    call: Callable[[tuple[Any, ...]], Any] | None


@dataclass
class UnbuiltType:
    """A numpy type before its byte order is known."""

    code: str
    order: str = "="

    def type(self) -> np.dtype[Any]:
        """Return the numpy type; never one of objects.

        Raises:
            RefusedError: it is one of objects.
        """
        if self.is_objects:
            raise RefusedError("an array of objects where numbers are expected")
        return np.dtype(self.code if self.order == "|" else f"{self.order}{self.code}")

    @property
    def is_objects(self) -> bool:
        """Whether its items are Python objects."""
        return self.code.startswith("O")


class UnbuiltArray:
    """An array before its shape and values are known."""


def is_key(value: object) -> bool:
    """Say whether a value may be the key of a dict or the item of a set.

    Nested tuples take long to hash, and large numbers can be chosen to have one hash all of them.
    """
    return isinstance(value, str) or (isinstance(value, int) and abs(value) < 2**60)


def build_type(unbuilt: UnbuiltType, state: object) -> UnbuiltType:
    """Return a type with the byte order of its pickled state.

    Raises:
        RefusedError: the state is not that of a plain type.
    """
    if not isinstance(state, tuple) or len(state) != 8 or not _is(state[0], 3):
        raise RefusedError("a type whose state is of another form than numpy writes")
    if any(part is not None for part in state[2:5]):
        raise RefusedError("a type with fields, shapes or metadata")
    if not _is(state[1], "<", ">", "=", "|"):
        raise RefusedError("a type of an unknown byte order")
    return UnbuiltType(unbuilt.code, state[1])


def build_array(state: object) -> Any:
    """Return the array of a pickled state; a list where its items are objects, or the one object of shape ().

    Raises:
        RefusedError: the shape, the type and the bytes do not belong together.
    """
    if not isinstance(state, tuple) or len(state) != 5 or not _is(state[0], 1):
        raise RefusedError("an array whose state is of another form than numpy writes")
    _, shape, of, is_fortran, data = state
    if not isinstance(of, UnbuiltType) or not isinstance(is_fortran, bool):
        raise RefusedError("an array without a type")
    if not of.is_objects:
        return _array(data, of, shape, "F" if is_fortran else "C")
    if not isinstance(data, list) or len(_shape(shape)) > 1 or math.prod(_shape(shape)) != len(data):
        raise RefusedError("an array of objects that is no plain list")
    return data if _shape(shape) else data[0]


def _array(data: object, of: UnbuiltType, shape: object, order: str) -> Any:
    """Return a view of the pickle's bytes; texts as a list."""
    if not isinstance(data, memoryview):
        raise RefusedError("an array without bytes")
    numbers, sizes = of.type(), _shape(shape)
    if math.prod(sizes) * numbers.itemsize != len(data):
        raise RefusedError(f"an array of shape {sizes} and type {of.code} out of {len(data)} bytes")
    if numbers.kind == "U":
        check_characters(np.frombuffer(data, numbers.byteorder + "u4"))
    try:
        array = np.frombuffer(data, numbers).reshape(sizes, order="F" if order == "F" else "C")
    except (ValueError, OverflowError) as error:
        raise RefusedError(f"an array of shape {sizes} and type {of.code} that numpy refuses") from error
    return array.tolist() if numbers.kind == "U" else array


def check_characters(codes: NDArray[np.uint32]) -> None:
    """Refuse what is no character: Python breaks off inside of itself when it makes a text of that.

    Raises:
        RefusedError: a code is beyond Unicode, or half of a pair.
    """
    if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():
        raise RefusedError("a text with something that is no character")


def _shape(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or len(shape) > _MAX_DIMENSIONS:
        raise RefusedError("an array of a shape that is none")
    if not all(type(size) is int and 0 <= size < 2**40 for size in shape):
        raise RefusedError("an array of a shape that is none")
    return shape


def _is(value: object, *expected: str | int) -> bool:
    """Say whether a value is one of a few. An array is not equal to anything: it compares its items."""
    return isinstance(value, str | int) and value in expected


def _reconstruct(arguments: tuple[Any, ...]) -> UnbuiltArray:
    if len(arguments) != 3 or arguments[0] is not _NDARRAY or _shape(arguments[1]) != (0,):
        raise RefusedError("an array of a class of its own")
    return UnbuiltArray()


def _type(arguments: tuple[Any, ...]) -> UnbuiltType:
    code = arguments[0] if arguments else None
    if len(arguments) > 3 or not isinstance(code, str) or not _CODE.fullmatch(code):
        raise RefusedError("a type that is neither a number, a text nor an object")
    return UnbuiltType(code)


def _scalar(arguments: tuple[Any, ...]) -> Any:
    if len(arguments) != 2 or not isinstance(arguments[0], UnbuiltType):
        raise RefusedError("a number without a type")
    array = _array(arguments[1], arguments[0], (1,), "C")
    return array[0] if isinstance(array, list) else array.item()


def _from_buffer(arguments: tuple[Any, ...]) -> Any:
    if len(arguments) != 4 or not isinstance(arguments[1], UnbuiltType) or not _is(arguments[3], "C", "F"):
        raise RefusedError("an array whose state is of another form than numpy writes")
    data, of, shape, order = arguments
    return _array(data, of, shape, order)


def _encode(arguments: tuple[Any, ...]) -> memoryview:
    """Bytes in protocol 2, which has none of its own."""
    if len(arguments) != 2 or not isinstance(arguments[0], str) or not _is(arguments[1], "latin1"):
        raise RefusedError("bytes that are written in another way than Python's")
    try:
        return memoryview(arguments[0].encode("latin1"))
    except UnicodeEncodeError as error:
        raise RefusedError("bytes that are none") from error


def _no_bytes(arguments: tuple[Any, ...]) -> memoryview:
    """No bytes at all in protocol 2."""
    if arguments:
        raise RefusedError("bytes that are written in another way than Python's")
    return memoryview(b"")


def key_set(items: Sequence[Any]) -> set[Any]:
    """Return a set of items.

    Raises:
        RefusedError: one is neither a text nor a number.
    """
    if not all(map(is_key, items)):
        raise RefusedError("a set of something else than texts and numbers")
    return set(items)


def _set(arguments: tuple[Any, ...]) -> set[Any]:
    items = arguments[0] if len(arguments) == 1 else ()
    if len(arguments) > 1 or not isinstance(items, list | tuple):
        raise RefusedError("a set in another form than Python writes")
    return key_set(items)


def _ordered_dict(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    if len(arguments) > 1 or any(not isinstance(one, list) or one for one in arguments):
        raise RefusedError("an OrderedDict in another form than Python writes")
    return {}


_NDARRAY: Final = Name("numpy", "ndarray", None)


def _names() -> dict[tuple[str, str], Name]:
    named = [_NDARRAY, Name("numpy", "dtype", _type), Name("_codecs", "encode", _encode)]
    for core in ("numpy.core", "numpy._core"):
        named += [
            Name(f"{core}.multiarray", "_reconstruct", _reconstruct),
            Name(f"{core}.multiarray", "scalar", _scalar),
            Name(f"{core}.numeric", "_frombuffer", _from_buffer),
        ]
    for module in ("builtins", "__builtin__"):
        named += [Name(module, name, _set) for name in ("set", "frozenset")]
        named.append(Name(module, "bytes", _no_bytes))
    named.append(Name("collections", "OrderedDict", _ordered_dict))
    return {(name.module, name.name): name for name in named}


NAMES: Final[Mapping[tuple[str, str], Name]] = MappingProxyType(_names())
"""Every name that a pickle may hold."""

"""Pickles written straight to a file: containers, texts, numbers and arrays, nothing of them kept in memory.

`pickle.dump` needs an array whole, and names numpy's modules as the numpy of the day calls them, so that what
numpy 2 writes the numpy 1 of most published code cannot read. Here a large array is reserved first, and its rows
are put in their places later, in any order. Protocol 4; read by every numpy with plain `pickle.load`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PickleWriter", "Plain"]

Plain: TypeAlias = "int | float | str | Sequence[Plain] | Mapping[str, Plain] | NDArray[Any] | None"

_RECONSTRUCT = (
    b"cnumpy.core.multiarray\n_reconstruct\n"
    b"cnumpy\nndarray\n"
    b"K\x00\x85"  # (0,)
    b"C\x01b\x87R"  # b"b"
)
_NUMBERS = (
    b"cnumpy\ndtype\n%b\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
_OBJECTS = (
    b"cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R"
    b"(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb"
)


class PickleWriter:
    """Writes one pickle.

    Args:
        file: open for writing, and able to seek: reserved arrays are filled in later.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.write(b"\x80\x04")

    @contextmanager
    def dict(self) -> Iterator[None]:
        """Write a dict; in the block its keys and values are written in turn."""
        self._file.write(b"}(")
        yield
        self._file.write(b"u")

    @contextmanager
    def list(self) -> Iterator[None]:
        """Write a list; in the block its items are written."""
        self._file.write(b"](")
        yield
        self._file.write(b"e")

    def value(self, value: Plain) -> None:
        """Write a value with all that it holds. Tuples become lists; arrays are of numbers."""
        if value is None:
            self._file.write(b"N")
        elif isinstance(value, str):
            self._file.write(_text(value))
        elif isinstance(value, int):
            self._file.write(_integer(value))
        elif isinstance(value, float):
            self._file.write(struct.pack(">cd", b"G", value))
        elif isinstance(value, Mapping):
            with self.dict():
                for key, item in value.items():
                    self.value(key)
                    self.value(item)
        elif isinstance(value, np.ndarray):
            little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
            self._file.seek(self._array(value.dtype.str[1:], value.shape, value.nbytes))
            self._file.write(little.tobytes())
            self._file.write(b"tb")
        else:
            with self.list():
                for item in value:
                    self.value(item)

    def object_array(self, value: Plain) -> None:
        """Write an array of shape () around one value, as numpy makes it of a dict."""
        self._file.write(_RECONSTRUCT + b"(K\x01)" + _OBJECTS + b"\x89")
        self.value([value])
        self._file.write(b"tb")

    def reserve(self, shape: tuple[int, ...]) -> int:
        """Write an array of float32, zeros until `fill` puts something in their place.

        Returns:
            the place of its first number in the file, in bytes.
        """
        num_bytes = 4 * math.prod(shape)
        place = self._array("f4", shape, num_bytes)
        self._file.seek(place + num_bytes)
        self._file.write(b"tb")
        return place

    def fill(self, place: int, values: NDArray[np.floating[Any]]) -> None:
        """Put numbers into a reserved array, beginning at a place in the file. After `end` only."""
        self._file.seek(place)
        self._file.write(np.ascontiguousarray(values, "<f4").tobytes())

    def end(self) -> None:
        """Write the end of the pickle."""
        self._file.write(b".")

    def _array(self, code: str, shape: tuple[int, ...], num_bytes: int) -> int:
        """Write what stands before the numbers of an array; return where these begin."""
        sizes = b"(" + b"".join(map(_integer, shape)) + b"t"
        self._file.write(_RECONSTRUCT + b"(K\x01" + sizes + _NUMBERS % _text(code) + b"\x89")
        self._file.write(struct.pack("<cQ", b"\x8e", num_bytes))
        return self._file.tell()


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<cI", b"X", len(encoded)) + encoded


def _integer(number: int) -> bytes:
    if -(2**31) <= number < 2**31:
        return struct.pack("<ci", b"J", number)
    encoded = int(number).to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return struct.pack("<cB", b"\x8a", len(encoded)) + encoded

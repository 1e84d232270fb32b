"""The bytes of a pickle that is read safely: every length is compared with what is left first."""

from __future__ import annotations

import struct
from typing import Any, Final

from emotalk_data.features.exporting.pickled_arrays import RefusedError

__all__ = ["PickleBytes", "TooLargeError"]

_MAX_BYTES: Final = 2**30
"""Of one text or array; the largest array of M3ED's released features is that of one dialogue."""
_MAX_INTEGER_BYTES: Final = 16
_MAX_LINE_BYTES: Final = 100


class TooLargeError(ValueError):
    """The pickle asks for more than any file of features needs; the reader adds where."""


class PickleBytes:
    """A pickle, and how far it has been read.

    Attributes:
        data: all of it.
        next: the byte that is read next.
    """

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.next = 0

    def take(self, size: int) -> memoryview:
        """Return the next bytes, without a copy; refuse a length that the file does not have."""
        left = len(self.data) - self.next
        if size > _MAX_BYTES:
            raise TooLargeError(f"a value of {size:,} bytes, with {left:,} left in the file,")
        if size > left:
            raise RefusedError(f"a value of {size:,} bytes, with {left:,} left in the file (is it cut?),")
        taken = self.data[self.next : self.next + size]
        self.next += size
        return taken

    def number(self, form: str) -> Any:
        """Return the number that the next bytes are, in a form of `struct`."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, size: int) -> str:
        """Return the next bytes as text."""
        try:
            return str(self.take(size), "utf-8")
        except UnicodeDecodeError as error:
            raise RefusedError("a text that is not UTF-8") from error

    def line(self) -> str:
        """Return the text up to the next line end: names in protocols 2 and 3."""
        for size in range(min(100, len(self.data) - self.next)):
            if self.data[self.next + size] == 0x0A:
                line = self.text(size)
                self.next += 1
                return line
        raise RefusedError("a name without an end")

    def integer(self, size: int) -> int:
        """Return a number of any length, within reason."""
        if size > _MAX_INTEGER_BYTES:
            raise TooLargeError(f"a number of {size:,} bytes")
        return int.from_bytes(self.take(size), "little", signed=True)

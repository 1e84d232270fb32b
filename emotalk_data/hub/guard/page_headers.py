"""Heads of Parquet pages, read strictly: a field that is on no list is refused, for it may hold anything.

Thrift's compact protocol, as far as `PageHeader` of the Parquet format needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

__all__ = ["MAX_HEAD_BYTES", "PageHead", "read_head", "read_varint"]

MAX_HEAD_BYTES: Final = 64 << 10
"""More than four ends of statistics have."""

_MAX_VARINT: Final = 10
_TRUE, _FALSE, _BINARY, _STRUCT = 1, 2, 8, 12
_INTEGERS: Final = {4, 5, 6}

# Number of a field -> None for a value, or the fields of the struct that it is.
_Fields = Mapping[int, Any]
_STATISTICS: Final[_Fields] = dict.fromkeys(range(1, 10))
_DATA: Final[_Fields] = {1: None, 2: None, 3: None, 4: None, 5: _STATISTICS}
_DICTIONARY: Final[_Fields] = {1: None, 2: None, 3: None}
_DATA_V2: Final[_Fields] = {**dict.fromkeys(range(1, 8)), 8: _STATISTICS}
_PAGE: Final[_Fields] = {1: None, 2: None, 3: None, 4: None, 5: _DATA, 7: _DICTIONARY, 8: _DATA_V2}
_ENDS: Final = (1, 2, 5, 6)
_KINDS: Final = {0: 5, 2: 7, 3: 8}


class PageHead(NamedTuple):
    """What stands before a page.

    Attributes:
        size: of the head itself, in bytes.
        kind: 0 and 3: values, in the first and second form; 2: a dictionary.
        stored: bytes that follow it.
        decoded: bytes of them when they are unpacked.
        num_values: nulls are counted.
        encoding: number of the encoding.
        level_bytes: repetition and definition levels, in the second form.
        is_compressed: whether the values are packed.
        ends: least and greatest value, as its statistics say it.
    """

    size: int
    kind: int
    stored: int
    decoded: int
    num_values: int
    encoding: int
    level_bytes: tuple[int, int]
    is_compressed: bool
    ends: tuple[bytes, ...]


def read_head(data: bytes) -> PageHead:
    """Read the head of a page.

    Args:
        data: begins with it.

    Raises:
        ValueError: it is none, or holds more than such a head does.
    """
    try:
        fields, size = _read_struct(data, 0, _PAGE)
        kind = fields[1]
        inner = fields[_KINDS[kind]]
        if {5, 7, 8} & set(fields) != {_KINDS[kind]}:
            raise ValueError("the head of a page describes two pages")
        encoding = inner[4 if kind == 3 else 2]
        statistics = inner.get(8 if kind == 3 else 5, {}) if kind != 2 else {}
        levels = (inner.get(6, 0), inner.get(5, 0)) if kind == 3 else (0, 0)
        numbers = (kind, fields[3], fields[2], inner[1], encoding, *levels)
        if any(not isinstance(one, int) or one < 0 for one in numbers):
            raise ValueError("the head of a page has a number below zero")
        ends = tuple(one for number in _ENDS if isinstance(one := statistics.get(number), bytes))
        is_compressed = kind != 3 or bool(inner.get(7, True))
    except (LookupError, TypeError) as error:
        raise ValueError("the head of a page cannot be read") from error
    return PageHead(size, kind, fields[3], fields[2], inner[1], encoding, levels, is_compressed, ends)


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number in groups of seven bits, and the place behind it.

    Raises:
        ValueError: it is longer than it can be.
        IndexError: the bytes end in it.
    """
    value = 0
    for shift in range(0, 7 * _MAX_VARINT, 7):
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number has more than 64 bits")


def _read_struct(data: bytes, place: int, known: _Fields) -> tuple[dict[int, Any], int]:
    fields: dict[int, Any] = {}
    number = 0
    while (head := data[place]) != 0:
        kind, step = head & 0xF, head >> 4
        place += 1
        if step:
            number += step
        else:
            number, place = _read_integer(data, place)
        if number in fields or number not in known:
            raise ValueError(f"the head of a page has the field {number}, which is on no list")
        inner = known[number]
        if (kind == _STRUCT) != (inner is not None):
            raise ValueError(f"the field {number} in the head of a page has another type")
        if inner is not None:
            fields[number], place = _read_struct(data, place, inner)
        elif kind in (_TRUE, _FALSE):
            fields[number] = kind == _TRUE
        elif kind in _INTEGERS:
            fields[number], place = _read_integer(data, place)
        elif kind == _BINARY:
            size, place = read_varint(data, place)
            fields[number], place = data[place : place + size], place + size
        else:
            raise ValueError(f"the field {number} in the head of a page has another type")
    return fields, place + 1


def _read_integer(data: bytes, place: int) -> tuple[int, int]:
    value, place = read_varint(data, place)
    return (value >> 1) ^ -(value & 1), place

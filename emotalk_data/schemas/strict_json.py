"""JSON as the standard has it, and nothing else.

Python's `json` takes NaN, lone surrogates and duplicate keys (the last one wins: a silent wrong label), and
Pydantic's own reader takes duplicate keys as well. Here each of them is an error with its place.
"""

from __future__ import annotations

import json
from typing import Any, Final

import jiter

from emotalk_data.errors import DecodeError, JsonFault, LimitError, quote

__all__ = ["BOM", "MAX_RECORD_BYTES", "REMEDY", "read_json", "what_is_wrong"]

BOM: Final = b"\xef\xbb\xbf"

MAX_RECORD_BYTES: Final = 1 << 20
"""Largest annotation file of one utterance that is read, in bytes. Real ones have about 1,100."""

REMEDY: Final = ". Write it again as UTF-8 JSON."
"""What every message about JSON that is not strict ends with."""

_MAX_DEPTH: Final = 32
_HINTS: Final = (
    (b"\xff\xfe", "it looks like UTF-16"),
    (b"\xfe\xff", "it looks like UTF-16"),
    (b"{'", "it looks like a Python literal, which uses single quotes"),
    (b"version https://git-lfs", "it is a git-LFS pointer: run `git lfs pull`"),
    (b"<<<<<<<", "it holds a merge conflict of Git that is not resolved"),
    (b"<", "it looks like an HTML or XML page"),
    (b"PK\x03\x04", "it looks like a zip file"),
)


def read_json(raw: bytes, *, file: str, max_bytes: int = MAX_RECORD_BYTES) -> Any:
    """Parse one JSON document.

    Args:
        raw: the bytes, UTF-8. A byte-order mark at the start is skipped.
        file: name of the file, for messages.
        max_bytes: larger input is refused unread.

    Returns:
        dicts, lists, strings, numbers, booleans and None.

    Raises:
        DecodeError: not one strict JSON document; says at which line and column.
        LimitError: larger than `max_bytes`.
    """
    if len(raw) > max_bytes:
        raise LimitError(
            f"{file} has more than {max_bytes:,} bytes; an annotation file never does. Check what it is.",
            path=file,
        )
    if raw.startswith(BOM):
        raw = raw[len(BOM) :]
    try:
        document = jiter.from_json(raw, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        reason, fault = _diagnose(raw, error)
        raise _decode_error(f"{file} is not strict JSON: {reason}{REMEDY}", file, fault) from None
    # A bracket in a string counts too, so this only says when a look is needed.
    if raw.count(b"[") + raw.count(b"{") > _MAX_DEPTH and _depth_exceeds(document, _MAX_DEPTH):
        message = f"{file} is nested deeper than {_MAX_DEPTH} levels, which no annotation is."
        raise _decode_error(message, file, "depth")
    return document


def what_is_wrong(error: DecodeError, file: str) -> str:
    """Return what an error of `read_json` says behind the name of the file, without the advice at its end."""
    return error.message.removeprefix(f"{file} is ").removesuffix(REMEDY).removesuffix(".")


def _decode_error(message: str, file: str, fault: JsonFault) -> DecodeError:
    error = DecodeError(message, path=file)
    error.fault = fault
    return error


def _diagnose(raw: bytes, error: ValueError) -> tuple[str, JsonFault]:
    """Say in words what is wrong with bytes that were refused, and what kind of fault it is."""
    start = raw.lstrip()[:32]
    if not start and not raw.strip():
        return "the file is empty", "syntax"
    for beginning, hint in _HINTS:
        if start.startswith(beginning):
            return f"{error} ({hint})", "encoding" if "UTF-16" in hint else "syntax"
    if b"\0" in raw[:8]:
        return f"{error} (it looks like UTF-16 or UTF-32 without a byte-order mark)", "encoding"
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as decode_error:
        return f"byte {decode_error.start} is not UTF-8", "encoding"
    if "recursion limit" in str(error):
        return "it is nested too deep", "depth"
    if "duplicate key" in str(error):
        return str(error), "duplicate-key"
    try:
        # The standard library takes what the standard does not: then that is what is wrong.
        json.loads(text)
    except ValueError:
        return str(error), "syntax"
    except RecursionError:
        return "it is nested too deep", "depth"
    if "hex escape" in str(error):
        return f"{error} (an escaped half of a surrogate pair)", "encoding"
    return f"{error} near {quote(_near(raw, error), 40)}", "not-finite"


def _near(raw: bytes, error: ValueError) -> str:
    words = str(error).split()
    try:
        line, column = int(words[-3]), int(words[-1])
    except (ValueError, IndexError):
        return ""
    lines = raw.split(b"\n")
    if not 1 <= line <= len(lines):
        return ""
    return lines[line - 1][max(column - 20, 0) : column + 10].decode("utf-8", "replace")


def _depth_exceeds(document: Any, limit: int) -> bool:
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(limit):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True

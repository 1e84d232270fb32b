"""EmotionTalk's captions, in every form they are shipped in.

The Audio records hold them as an object of eight strings (`sourceAttr`). Other copies hold the same as a JSON
string, or as the Python `repr` of a dict (the `content` column of the authors' `audio.csv`). Such a string is
read by a parser that knows only dicts of strings: it never evaluates anything.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from typing import Any, Final

from emotalk_data.errors import CaptionError, quote
from emotalk_data.schemas.strict_json import read_json

__all__ = ["CAPTION_KEYS", "MAX_CAPTION_CHARS", "parse_caption_text"]

CAPTION_KEYS: Final = ("spe_cap", "style_cap", "emo_cap", *(f"caption_{n}" for n in range(1, 6)))
"""Speaker, speaking style, emotion, and five overall captions (paper, Table 6)."""

MAX_CAPTION_CHARS: Final = 20_000
"""Longest caption string that is parsed: Python's parser uses some 460 times its input in memory."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_FULL_WIDTH: Final = frozenset("｛｝：，‘’“”")


def parse_caption_text(text: str) -> Mapping[str, Any]:
    """Read captions that were written as a JSON string or as the `repr` of a dict.

    Returns:
        a mapping of strings to strings or None.

    Raises:
        CaptionError: too long, neither JSON nor a literal, not a dict, a duplicate key, or a value that is
            neither a string nor null. The text is never evaluated and never guessed at.
    """
    if len(text) > MAX_CAPTION_CHARS:
        raise CaptionError(
            f"the caption string has {len(text):,} characters; expected at most {MAX_CAPTION_CHARS:,}."
        )
    captions = _read_object(text) if text.lstrip().startswith("{") else None
    if captions is None:
        raise CaptionError(f"the caption string {quote(text)} is not a dict{_hint(text)}.")
    for key, value in captions.items():
        if value is not None and not isinstance(value, str):
            raise CaptionError(f"caption {quote(key)} is {quote(value)}; expected a string or null.")
        if _SURROGATE.search(key) or (value is not None and _SURROGATE.search(value)):
            raise CaptionError(f"caption {quote(key)} holds half a surrogate pair, which is no text.")
    return captions


def _read_object(text: str) -> dict[str, Any] | None:
    try:
        document = read_json(text.encode("utf-8", "surrogatepass"), file="captions")
    except ValueError:
        return _read_literal(text)
    return document if isinstance(document, dict) else None


def _read_literal(text: str) -> dict[str, Any]:
    """Read `{'key': 'value', …}` through Python's parser, admitting dict, str and None nodes only."""
    try:
        with warnings.catch_warnings():
            # An unknown escape such as '\d': a DeprecationWarning up to Python 3.11, then a SyntaxWarning.
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise CaptionError(
            f"the caption string {quote(text)} is neither JSON nor a Python literal: {reason}{_hint(text)}."
        ) from None
    if not isinstance(tree, ast.Dict):
        raise CaptionError(f"the caption string {quote(text)} is a Python {type(tree).__name__}, not a dict.")
    captions: dict[str, Any] = {}
    for key, value in zip(tree.keys, tree.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            raise CaptionError(f"a key of the caption string {quote(text)} is not a plain string.")
        if not (isinstance(value, ast.Constant) and (value.value is None or isinstance(value.value, str))):
            raise CaptionError(
                f"caption {quote(key.value)} is not a plain string but a Python {type(value).__name__}."
            )
        if key.value in captions:
            raise CaptionError(f"the caption string gives {quote(key.value)} twice.")
        captions[key.value] = value.value
    return captions


def _hint(text: str) -> str:
    if text.strip() == "nan":
        return " (pandas writes a missing value as nan)"
    if not _FULL_WIDTH.isdisjoint(text):
        return " (it has full-width punctuation)"
    return ""

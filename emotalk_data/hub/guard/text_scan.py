"""What a string must not be: media in letters, a place on a machine, a token, or somebody's words.

Heuristics, all of them: each says what it takes for a sign. Texts may be long and hostile: of one that is too
long to be shared only the beginning is looked at, and no pattern takes more than milliseconds for the others.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, Literal, NamedTuple

from emotalk_data.hub.local_paths import find_local_path

__all__ = [
    "EAST_ASIAN",
    "Finding",
    "FindingKind",
    "find_in_owners_text",
    "find_in_text",
    "media_magic",
    "more_serious",
]

FindingKind = Literal["media", "path", "token", "words", "other"]
"""What was found.

media   sound or pictures, or bytes that may be
path    a place on a machine
token   of the Hub
words   of a language
other   not what it should be
"""


class Finding(NamedTuple):
    """What was found.

    Attributes:
        kind: what it is.
        reason: a few words that say it; quotes at most some letters.
    """

    kind: FindingKind
    reason: str


def more_serious(first: Finding | None, second: Finding | None) -> Finding | None:
    """Return the first of two findings; the second where a flag may let the first through, as it may words."""
    if first is None:
        return second
    is_lighter = first.kind == "words" and second is not None and second.kind != "words"
    return second if is_lighter else first


_MIN_SCANNED: Final = 1 << 14
_MAX_RUN: Final = 128
_MIN_RUN: Final = 16

_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"fLaC", "FLAC sound"),
    (b"OggS", "Ogg sound"),
    (b"ID3", "MP3 sound"),
    (b"\xff\xfb", "MP3 sound"),
    (b"\xff\xf3", "MP3 sound"),
    (b"FORM", "AIFF sound"),
    (b"#!AMR", "AMR sound"),
    (b".snd", "Sun sound"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1aE\xdf\xa3", "Matroska video"),
    (b"\0\0\x01\xba", "MPEG video"),
    (b"\x93NUMPY", "a numpy array"),
    (b"\x1f\x8b\x08", "gzip data"),
    (b"PK\x03\x04", "a zip"),
    (b"\xfd7zXZ", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstandard data"),
)
_RIFF: Final = {b"WAVE": "wav sound", b"AVI ": "AVI video", b"WEBP": "a WebP picture"}

_BASE64_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX_RUN: Final = re.compile(r"(?:[0-9a-fA-F]{2}[\s:]?){16,}")
_DIGEST_SIZES: Final = {32, 40, 56, 64, 96, 128}
_ESCAPES: Final = re.compile(r"(?:\\x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}|&#x?[0-9a-fA-F]+;|\\[0-7]{3}){8,}")
_DATA_URI: Final = re.compile(r"data:[\w.+-]+/[\w.+-]+|data:[^,\s]{0,80};base64,", re.IGNORECASE)
_MEDIA_URL: Final = re.compile(
    r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,15}://[^\s'\"<>]{1,400}?\.(?:wav|flac|mp3|m4a|aac|ogg|opus|mp4|mkv|mov|avi|webm|jpe?g|png|gif|webp)\b",
    re.IGNORECASE,
)
_PICTURE_URL: Final = re.compile(r"\.(?:jpe?g|png|gif|webp)\Z", re.IGNORECASE)
_NUMBERS: Final = re.compile(
    r"(?<![\d.])(?:[-+]?\d{1,20}(?:\.\d{0,20})?(?:e[-+]?\d{1,3})?[\s,;|]{1,9}){32}", re.IGNORECASE
)
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
# A digit or a capital: `hf_transfer` is the name of a package.
_TOKEN: Final = re.compile(r"\bhf_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,}")
EAST_ASIAN: Final = (
    "\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U0001b000-\U0001b16f\U00020000-\U0003347f"
)
"""Han with its radicals, kana, bopomofo, hangul: as ranges of a set of a pattern."""
# Two of them, whatever stands between; one alone may be a sign.
_WORDS: Final = re.compile(f"[{EAST_ASIAN}][^{EAST_ASIAN}]*[{EAST_ASIAN}]")
# `[over/]`, `[/laugh]`: EmotionTalk's markup is no path.
_MARKUP: Final = re.compile(r"\[[/\w\s+-]{0,24}\]")


def find_in_text(text: str, *, max_chars: int, may_be_words: bool) -> Finding | None:
    """Return what is wrong with a text; None where nothing is.

    Args:
        text: the text.
        max_chars: the most that such a text has.
        may_be_words: whether it may be of a language: a transcript, somebody's note.
    """
    part = text[: max(max_chars, _MIN_SCANNED)]
    found = _bytes_in(part)
    if found is not None:
        return found
    if _TOKEN.search(part):
        return Finding("token", "a token of the Hub is in it")
    path = find_local_path(_MARKUP.sub(" ", part))
    if path is not None:
        return Finding("path", "it names a path of a machine")
    if len(text) > max_chars:
        return Finding("other", f"it has {len(text):,} characters; such a text has at most {max_chars:,}")
    if not may_be_words and _WORDS.search(part):
        return Finding("words", "it holds Chinese text, as a transcript does")
    return None


def find_in_owners_text(text: str) -> Finding | None:
    """Return what may not stand in an owner's own words on the card: sound or pictures in letters, and tokens.

    Figures, tables of results and paths are theirs to show.
    """
    if _DATA_URI.search(text):
        return Finding("media", "it holds a data: address, which is a file written in letters")
    if any(_PICTURE_URL.search(match[0]) is None for match in _MEDIA_URL.finditer(text)):
        return Finding("media", "it holds the address of a media file")
    if _TOKEN.search(text):
        return Finding("token", "a token of the Hub is in it")
    return _hex_in(text) or _base64_in(text)


def media_magic(head: bytes) -> str | None:
    """Say what kind of media, or of packed data, begins with these bytes; None for nothing known."""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return _RIFF.get(head[8:12], "a RIFF file")
    if head[4:8] == b"ftyp":
        return "MP4 media"
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def _bytes_in(text: str) -> Finding | None:
    """Look for bytes that are written in letters, in the ways in which that is usually done."""
    if _DATA_URI.search(text):
        return Finding("media", "it holds a data: address, which is a file written in letters")
    if _MEDIA_URL.search(text):
        return Finding("media", "it holds the address of a media file")
    if _CONTROLS.search(text):
        return Finding("media", "it holds control characters: bytes in the place of letters")
    if _ESCAPES.search(text):
        return Finding("media", "it holds a run of escaped bytes")
    if _NUMBERS.search(text):
        return Finding("media", "it holds a list of numbers, as of samples or pixels")
    if len(text) < _MIN_RUN:
        return None
    return _hex_in(text) or _base64_in(text)


def _hex_in(text: str) -> Finding | None:
    for match in _HEX_RUN.finditer(text):
        digits = re.sub(r"[\s:]", "", match[0])
        head = bytes.fromhex(digits[:64])
        name = media_magic(head)
        # A digest may begin with any three bytes; none with twelve that are a RIFF header.
        if name is not None and (len(digits) not in _DIGEST_SIZES or head[:4] == b"RIFF"):
            return Finding("media", f"it holds {name} as hexadecimal digits")
        if len(digits) > _MAX_RUN:
            return Finding("media", f"it holds {len(digits):,} hexadecimal digits in a run: bytes in letters")
    return None


def _base64_in(text: str) -> Finding | None:
    # MIME breaks lines after 76 letters, and others put a blank.
    together = re.sub(r"(?<=[A-Za-z0-9+/_-]{16})\s+(?=[A-Za-z0-9+/_=-])", "", text)
    for match in _BASE64_RUN.finditer(together):
        run = match[0]
        name = media_magic(_decoded(run))
        if name is not None and (len(run) >= 4 * _MIN_RUN or name in _RIFF.values()):
            return Finding("media", f"it holds {name} in base64")
        # A line of dashes is a run too.
        if len(run) > _MAX_RUN and len(set(run)) >= _MIN_RUN:
            return Finding(
                "media", f"it holds {len(run):,} letters in a run without a blank: bytes in letters"
            )
    return None


def _decoded(run: str) -> bytes:
    head = run[:64].rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(head[: len(head) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""

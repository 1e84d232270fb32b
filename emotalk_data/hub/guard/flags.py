"""The named flags: what a caller may ask for in so many words, and what nobody may ask for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from emotalk_data.errors import OptionError, quote

__all__ = ["FLAGS", "checked_flags"]

FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "transcripts": "EmotionTalk's transcripts and the marks in them, in a private or gated repository",
        "captions": "EmotionTalk's captions of how an utterance sounds, in a private or gated repository",
        "frame-features": "EmotionTalk's features of frames or tokens, in a private or gated repository",
        "m3ed-private": "M3ED's labels, splits and ids, in a private repository that stays private",
        "no-model-revision": "features of an encoder without a revision on the Hub: nobody else can make them",
    }
)
"""Name -> what it lets through. There is none for sound, pictures, and embeddings that tell who speaks."""

_NEVER: Final = (
    "audio",
    "video",
    "media",
    "sound",
    "image",
    "picture",
    "crop",
    "thumbnail",
    "face",
    "speaker",
    "wave",
)


def checked_flags(allow: Collection[str]) -> tuple[str, ...]:
    """Return the flags that were asked for, each once, in the order of `FLAGS`.

    Raises:
        OptionError: one is not known, or asks for what no flag lets through.
    """
    if isinstance(allow, str):
        raise OptionError(f"allow is {quote(allow)}; expected several names, such as [{quote(allow)}].")
    for flag in allow:
        if flag not in FLAGS:
            raise OptionError(_unknown(flag))
    return tuple(flag for flag in FLAGS if flag in allow)


def _unknown(flag: object) -> str:
    known = f"the flags are {', '.join(FLAGS)}"
    if isinstance(flag, str) and any(word in flag.lower() for word in _NEVER):
        return (
            f"there is no flag {quote(flag)}: sound, pictures, face crops, and embeddings that recognise "
            f"speakers or faces are never shared, whatever is allowed; {known}."
        )
    return f"there is no flag {quote(flag)}; {known}."

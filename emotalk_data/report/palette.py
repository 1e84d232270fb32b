"""One colour for an emotion on the whole page, in a light and a dark theme.

The seven are at least 0.1 apart in Oklab, for normal sight and for the three kinds of colour blindness (as
simulated by Machado, Oliveira and Fernandes, 2009), which a test checks. No chart relies on them alone: every
mark carries a word or a number too.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = [
    "EMOTION_COLOURS",
    "PAGE_COLOURS",
    "colour_variables",
    "contrast",
    "emotion_key",
    "ink_on",
    "place_of",
]

EMOTION_COLOURS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "light": {
            "neutral": "#b9b6ae",
            "happy": "#f0cf62",
            "sad": "#4069ab",
            "angry": "#c74a14",
            "surprised": "#62bdf6",
            "disgusted": "#569a79",
            "fearful": "#633a70",
        },
        "dark": {
            "neutral": "#716f6a",
            "happy": "#f0d67c",
            "sad": "#4f83d8",
            "angry": "#f9743f",
            "surprised": "#a9e3fb",
            "disgusted": "#72bda6",
            "fearful": "#93369f",
        },
    }
)
"""Theme to emotion to colour. The order is that of EmotionTalk's ids, and of every chart."""

PAGE_COLOURS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "light": {
            "paper": "#fbfaf7",
            "card": "#ffffff",
            "ink": "#1c1e22",
            "soft": "#5b6068",
            "rule": "#e3e0d8",
            "bar": "#7c8796",
            "low": "#b4694d",
            "high": "#4f8b92",
            "accent": "#1f5f8b",
            "warn": "#9a4b00",
            "good": "#1d6b45",
            "on-mid": "#1c1e22",
            "on-deep": "#ffffff",
        },
        "dark": {
            "paper": "#15171b",
            "card": "#1c1f24",
            "ink": "#eae8e3",
            "soft": "#a4a8b0",
            "rule": "#31353c",
            "bar": "#8b96a6",
            "low": "#d08a70",
            "high": "#74b0b6",
            "accent": "#8cc4ee",
            "warn": "#f0a860",
            "good": "#7fcfa4",
            "on-mid": "#15171b",
            "on-deep": "#15171b",
        },
    }
)
"""Theme to what a colour is for, to colour."""

# How much of the accent is in the ten shades of a table's cell. What lies between would make no text readable.
_SHADES: Final = {
    "light": (7, 13, 20, 27, 35, 45, 55, 65, 90, 100),
    "dark": (8, 14, 20, 27, 34, 64, 72, 80, 90, 100),
}
_DARK_INK, _LIGHT_INK = "#16181c", "#ffffff"
# M3ED's words for EmotionTalk's.
_SAME: Final = {"surprise": "surprised", "disgust": "disgusted", "anger": "angry", "fear": "fearful"}


def emotion_key(name: str | None) -> str:
    """Return the name under which the style knows a label: one of the seven, `other`, or `none` for null."""
    if name is None:
        return "none"
    key = _SAME.get(name.lower(), name.lower())
    return key if key in EMOTION_COLOURS["light"] else "other"


def place_of(key: str) -> int:
    """Return the place of an emotion in the order of all charts; `other` and `none` come last."""
    order = [*EMOTION_COLOURS["light"], "other", "none"]
    return order.index(key)


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, 0 to 1, as WCAG 2 defines it."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(colour: str) -> str:
    """Return the colour of text that is read best on a colour: near black, or white."""
    return max((_DARK_INK, _LIGHT_INK), key=lambda ink: contrast(ink, colour))


def colour_variables(theme: str) -> str:
    """Return the CSS variables of a theme: `--ink: #1c1e22; … --e-sad: #4069ab; --on-sad: #ffffff; …`."""
    lines = [f"--{name}: {colour};" for name, colour in PAGE_COLOURS[theme].items()]
    for emotion, colour in EMOTION_COLOURS[theme].items():
        lines += [f"--e-{emotion}: {colour};", f"--on-{emotion}: {ink_on(colour)};"]
    lines += [f"--q{shade}: {part}%;" for shade, part in enumerate(_SHADES[theme], 1)]
    return " ".join(lines)

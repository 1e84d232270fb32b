"""How often each combination of emotions is a final label of M3ED, as its authors counted."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

__all__ = ["M3ED_BLENDS", "RARE_BLEND"]

RARE_BLEND: Final = 5
"""Combinations seen fewer times than this were removed by the authors, in a later count of theirs."""

M3ED_BLENDS: Final = MappingProxyType(
    # Authors' repository, note of counts: `final_mul_emo` with a comma, over all three splits. The order of
    # the emotions counts.
    {
        "Anger,Disgust": 705,
        "Anger,Sad": 481,
        "Sad,Anger": 340,
        "Disgust,Anger": 312,
        "Fear,Sad": 97,
        "Sad,Fear": 93,
        "Neutral,Sad": 88,
        "Neutral,Happy": 85,
        "Surprise,Anger": 55,
        "Surprise,Happy": 40,
        "Happy,Neutral": 39,
        "Happy,Surprise": 38,
        "Anger,Surprise": 30,
        "Neutral,Anger": 30,
        "Sad,Neutral": 29,
        "Sad,Disgust": 23,
        "Surprise,Sad": 19,
        "Fear,Anger": 18,
        "Neutral,Disgust": 15,
        "Anger,Neutral": 13,
        "Surprise,Disgust": 13,
        "Disgust,Surprise": 11,
        "Sad,Surprise": 11,
        "Disgust,Neutral": 10,
        "Anger,Fear": 9,
        "Surprise,Fear": 7,
        "Anger,Sad,Disgust": 6,
        "Anger,Disgust,Sad": 5,
        "Disgust,Sad": 5,
        "Neutral,Surprise": 4,
        "Happy,Anger": 3,
        "Neutral,Anger,Sad": 3,
        "Neutral,Fear": 3,
        "Happy,Disgust": 2,
        "Happy,Sad": 2,
        "Sad,Anger,Disgust": 2,
        "Sad,Disgust,Anger": 2,
        "Anger,Happy": 1,
        "Disgust,Happy": 1,
        "Disgust,Sad,Anger": 1,
        "Fear,Disgust": 1,
        "Fear,Surprise": 1,
        "Fear,Surprise,Anger": 1,
        "Sad,Anger,Surprise": 1,
        "Surprise,Disgust,Anger": 1,
    }
)

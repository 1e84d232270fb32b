"""Colours: told apart by everybody, text on them readable, in both themes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from emotalk_data.report.palette import (
    EMOTION_COLOURS,
    PAGE_COLOURS,
    colour_variables,
    contrast,
    emotion_key,
    ink_on,
    place_of,
)
from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, M3ED_ANNOTATOR_EMOTIONS

THEMES = ("light", "dark")
LEAST_DISTANCE = 0.1  # in Oklab, where black and white are 1 apart
LEAST_CONTRAST = 4.5  # WCAG 2, AA

# Linear RGB as a person of each kind sees it (Machado, Oliveira, Fernandes 2009, severity 1).
SIGHT = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
}


def linear(colour: str) -> NDArray[np.float64]:
    parts = np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    to_lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    lab: NDArray[np.float64] = to_lab @ np.cbrt(to_lms @ np.clip(rgb, 0, 1))
    return lab


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_emotions_are_told_apart(theme: str, sight: str) -> None:
    seen = {name: oklab(SIGHT[sight] @ linear(colour)) for name, colour in EMOTION_COLOURS[theme].items()}
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) >= LEAST_DISTANCE, (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_text_on_an_emotion_can_be_read(theme: str) -> None:
    for colour in EMOTION_COLOURS[theme].values():
        assert contrast(ink_on(colour), colour) >= LEAST_CONTRAST


@pytest.mark.parametrize("theme", THEMES)
def test_text_on_the_page_can_be_read(theme: str) -> None:
    page = PAGE_COLOURS[theme]
    for ground in ("paper", "card"):
        for ink in ("ink", "soft", "accent", "warn", "good"):
            assert contrast(page[ink], page[ground]) >= LEAST_CONTRAST, (ink, ground)


@pytest.mark.parametrize("theme", THEMES)
def test_text_on_every_shade_of_a_cell_can_be_read(theme: str) -> None:
    page = PAGE_COLOURS[theme]
    parts = dict(one.split(": ") for one in colour_variables(theme).strip(";").split("; "))
    for shade in range(1, 11):
        share = float(parts[f"--q{shade}"].rstrip("%")) / 100
        mixed = [
            round(
                share * int(page["accent"][at : at + 2], 16)
                + (1 - share) * int(page["card"][at : at + 2], 16)
            )
            for at in (1, 3, 5)
        ]
        ink = page["ink" if shade < 6 else "on-mid" if shade < 9 else "on-deep"]
        assert contrast(ink, "#{:02x}{:02x}{:02x}".format(*mixed)) >= LEAST_CONTRAST, shade


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


def test_both_corpora_have_the_same_colours() -> None:
    assert [emotion_key(name) for name in EMOTALK_EMOTIONS.names] == list(EMOTION_COLOURS["light"])
    assert [emotion_key(name) for name in M3ED_ANNOTATOR_EMOTIONS.names] == [
        "happy",
        "neutral",
        "sad",
        "disgusted",
        "angry",
        "fearful",
        "surprised",
        "other",
    ]
    assert emotion_key(None) == "none"
    assert emotion_key("a word of somebody's own") == "other"
    assert [place_of(key) for key in (*EMOTION_COLOURS["dark"], "other", "none")] == list(range(9))

"""What is in the dataset of `conftest`: rows of every kind, and what they should give."""

from __future__ import annotations

from typing import Any

import datasets
import numpy as np

from emotalk_data import Audio

NUM_ROWS = 23
RATE = 16_000
NO_AUDIO, NO_TEXT, NO_LABEL, NO_VIDEO = 4, 5, 6, 3

FEATURES = datasets.Features(
    {
        "utterance_id": datasets.Value("string"),
        "text": datasets.Value("string"),
        "emotion": datasets.ClassLabel(names=["angry", "happy", "neutral"]),
        "utterance_number": datasets.Value("int32"),
        "sentiment": datasets.Value("float64"),
        "events": datasets.List({"type": datasets.Value("string")}),
        "audio": Audio(),
    }
)


def row_of(number: int, audio: Any) -> dict[str, Any]:
    return {
        "utterance_id": f"u{number:03}",
        "text": None if number == NO_TEXT else f"第{number}句",
        "emotion": None if number == NO_LABEL else number % 3,
        "utterance_number": None if number == NO_LABEL else number,
        "sentiment": None if number == NO_LABEL else number / 10,
        "events": [{"type": "laugh"}] * (number % 2),
        "audio": None if number == NO_AUDIO else audio,
    }


def reference(dataset: datasets.Dataset, number: int) -> Any:
    """Return the samples of a row by `decode`, shape (samples,); empty where there is no sound."""
    clip = dataset[number]["audio"]
    return np.zeros(0, np.float32) if clip is None else clip.decode(mono=True)[0]

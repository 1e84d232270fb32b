"""What is in the dataset of `conftest`: rows of every kind, and what they should give."""

from __future__ import annotations

from typing import Any

import datasets
import numpy as np

from emotalk_data import Audio
from emotalk_data.torch import Batch

NUM_ROWS = 23
RATE = 16_000
NO_AUDIO, NO_TEXT, NO_LABEL, NO_VIDEO = 4, 5, 6, 3
IDS = [f"u{number:03}" for number in range(NUM_ROWS)]

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


def ids_of(batches: Any) -> list[list[str]]:
    return [batch["utterance_id"] for batch in batches]


def check_batch(dataset: datasets.Dataset, batch: Batch) -> None:
    """Compare everything in a batch with the rows that its ids name."""
    numbers = [IDS.index(name) for name in batch["utterance_id"]]
    rows = dataset.select(numbers)
    assert batch["text"] == list(rows["text"])
    assert batch["events"] == list(rows["events"])
    assert batch["emotion"].tolist() == [-100 if value is None else value for value in rows["emotion"]]
    for place, samples in enumerate(reference(rows, number) for number in range(len(numbers))):
        assert batch["audio_lengths"][place] == len(samples)
        assert batch["modality_mask"][place, 1].item() is (len(samples) > 0)
        np.testing.assert_array_equal(batch["audio"][place, 0, : len(samples)].numpy(), samples)
        assert not batch["audio"][place, :, len(samples) :].any()

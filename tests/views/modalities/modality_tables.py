"""Made-up utterances with the modalities that a test says, in dialogues of the sizes that it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
import pyarrow as pa

from emotalk_data import Audio, Video

__all__ = ["FEATURES", "Modalities", "dataset_of", "dialogues_of"]

Modalities = tuple[bool, bool, bool]
"""Whether an utterance has text, audio, video."""

_STRING = datasets.Value("string")

FEATURES = datasets.Features(
    {
        "utterance_id": _STRING,
        "dialogue_id": _STRING,
        "utterance_number": datasets.Value("int32"),
        "text": _STRING,
        "text_raw": _STRING,
        "events": datasets.List({"type": _STRING, "start": datasets.Value("int32")}),
        "emotion": datasets.ClassLabel(names=["neutral", "happy"]),
        "captions": {"speaker": _STRING, "overall": datasets.List(_STRING)},
        "audio": Audio(),
        "video": Video(),
    }
)


def dataset_of(masks: Sequence[Modalities], *, sizes: Sequence[int] | None = None) -> datasets.Dataset:
    """Return utterances in order, whose files do not exist; sound lies in the rows for every second one.

    Args:
        masks: what each utterance has.
        sizes: utterances of each dialogue; all in one if omitted. Numbers have gaps.
    """
    rows = []
    places = [(one, place) for one, size in enumerate(sizes or [len(masks)]) for place in range(size)]
    for number, ((dialogue, place), mask) in enumerate(zip(places, masks, strict=True)):
        rows.append(_row(number, f"d{dialogue:02}", 2 * place + 1, mask))
    schema = FEATURES.arrow_schema
    table = pa.Table.from_pylist(rows, schema=schema)
    return datasets.Dataset(table, info=datasets.DatasetInfo(features=FEATURES))


def dialogues_of(*sizes: int) -> datasets.Dataset:
    """Return dialogues of these sizes, with all modalities."""
    return dataset_of([(True, True, True)] * sum(sizes), sizes=sizes)


def _row(number: int, dialogue: str, place: int, mask: Modalities) -> dict[str, Any]:
    text, audio, video = mask
    sound: dict[str, Any] = {"bytes": f"RIFF{number}".encode(), "path": None}
    if number % 2:
        sound = {"bytes": None, "path": f"/nowhere/{number}.wav"}
    return {
        "utterance_id": f"{dialogue}_{place:03}",
        "dialogue_id": dialogue,
        "utterance_number": place,
        "text": f"第{number}句" if text else None,
        "text_raw": f"[laughing]第{number}句" if text else None,
        "events": [{"type": "laughing", "start": 0}] if text else None,
        "emotion": number % 2,
        "captions": {"speaker": "a voice", "overall": ["calm"]} if audio else None,
        "audio": sound if audio else None,
        "video": {"bytes": None, "path": f"/nowhere/{number}.mp4"} if video else None,
    }

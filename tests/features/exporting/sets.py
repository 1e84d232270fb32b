"""Small sets and the rows that they were made from, for the tests of this room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.schemas.encoder_spec import EncoderSpec
from emotalk_data.schemas.feature_shard import Level
from emotalk_data.schemas.feature_spec import SentenceSpec, SpeechSpec, TimmSpec

from ...feature_shards import BOTH, Row, make_rows, write_set

EMOTIONS = ["neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful"]
AUDIO = SpeechSpec(name="clean/tiny-hubert", model="example/tiny-hubert", num_dims=4)
TEXT = SentenceSpec(name="clean/tiny-e5", model="example/tiny-e5", num_dims=3)
VIDEO = TimmSpec(name="clean/tiny-net", model="example/tiny-net", num_dims=5, architecture="tiny")

_FEATURES = datasets.Features(
    {
        **{
            name: datasets.Value("string")
            for name in ("utterance_id", "dialogue_id", "group_id", "speaker_id")
        },
        "utterance_number": datasets.Value("int32"),
        "text": datasets.Value("string"),
        "emotion": datasets.ClassLabel(names=EMOTIONS),
        "emotion_audio": datasets.ClassLabel(names=EMOTIONS),
        "sentiment": datasets.Value("float64"),
    }
)

# Numbers 9 and 10, and session 2 before 10 in M3ED: where sorting texts goes wrong.
IDS = {
    "train": [
        f"G00002_01_{speaker}_{number:03d}" for number, speaker in enumerate(("08", "02", "08", "02"), 1)
    ],
    "validation": ["G00001_02_05_009", "G00001_02_11_010"],
    "test": ["G00003_01_13_001", "G00003_01_02_002"],
}
M3ED_IDS = {
    "train": ["anjia_10_1", "anjia_10_2", "anjia_2_9", "anjia_2_10"],
    "validation": ["jimaofeishangtian_13_6"],
    "test": ["zhihu_1_1"],
}


def make_store(
    folder: Path,
    spec: EncoderSpec = AUDIO,
    levels: tuple[Level, ...] = BOTH,
    *,
    ids: dict[str, list[str]] = IDS,
    failed: tuple[str, ...] = (),
    corpus: str | None = "emotalk",
) -> tuple[FeatureStore, dict[str, Row]]:
    """Write a set; return it opened, and its rows by their ids."""
    rows: dict[str, Row] = {}
    for seed, (split, of_split) in enumerate(ids.items()):
        numbers = [number for number, one in enumerate(of_split) if one in failed]
        made = make_rows(of_split, num_dims=spec.num_dims or 1, failed=numbers, seed=seed)
        write_set(folder, made, spec, levels, rows_per_shard=3, split=split, corpus=corpus)
        rows.update({row.utterance_id: row for row in made})
    return open_store(folder), rows


def emotalk(ids: dict[str, list[str]] = IDS, **columns: Any) -> datasets.DatasetDict:
    """Rows with the columns that exporters read. Null: what `columns` says of an utterance id."""
    parts = {}
    for split, of_split in ids.items():
        values: dict[str, list[Any]] = {
            "utterance_id": of_split,
            "dialogue_id": [one[:9] for one in of_split],
            "group_id": [one[:6] for one in of_split],
            "speaker_id": [one[10:12] for one in of_split],
            "utterance_number": [int(one[13:]) for one in of_split],
            "text": [f"第{number}句" for number in range(len(of_split))],
            "emotion": [number % 7 for number in range(len(of_split))],
            "emotion_audio": [6 - number % 7 for number in range(len(of_split))],
            "sentiment": [(number % 3 - 1) * 0.4 for number in range(len(of_split))],
        }
        for name, nulls in columns.items():
            values[name] = [
                None if one in nulls else v for one, v in zip(of_split, values[name], strict=True)
            ]
        parts[split] = datasets.Dataset.from_dict(values, features=_FEATURES)
    return datasets.DatasetDict(parts)


def m3ed(ids: dict[str, list[str]] = M3ED_IDS) -> datasets.DatasetDict:
    """Rows of M3ED, likewise."""
    parts = {}
    for split, of_split in ids.items():
        values = {
            "utterance_id": of_split,
            "dialogue_id": [one.rpartition("_")[0] for one in of_split],
            "series": [one.partition("_")[0] for one in of_split],
            "speaker_id": ["AB"[number % 2] for number in range(len(of_split))],
            "utterance_number": [int(one.rpartition("_")[2]) for one in of_split],
            "text": [f"第{number}句" for number in range(len(of_split))],
            "emotion": [number % 7 for number in range(len(of_split))],
        }
        parts[split] = datasets.Dataset.from_dict(values)
    return datasets.DatasetDict(parts)


def pooled(row: Row) -> np.ndarray:
    """The vector that `write_set` stores for a row."""
    assert row.frames is not None
    return np.asarray(row.frames.mean(0, dtype="float32"))

"""Dress EmotionTalk's public tables (labels, transcripts, split lists) as a release in its true layout.

The tables are the authors' and stay outside this repository. What they do not tell (the five annotators,
times, captions) is made so that it agrees with what they tell.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pytest

__all__ = [
    "KNOWN_ODDITIES",
    "TABLES",
    "RealUtterance",
    "four_class_ids",
    "members",
    "needs_tables",
    "read_tables",
    "write_tar",
    "write_tree",
]

TABLES: Final = Path(
    os.environ.get("EMOTALK_REAL_TABLES")
    or Path(__file__).resolve().parents[2].parent / "shared" / "data" / "emotiontalk"
)

needs_tables: Final = pytest.mark.skipif(
    not (TABLES / "transcription.csv").is_file(),
    reason=f"EmotionTalk's public tables are not at {TABLES}; set EMOTALK_REAL_TABLES to their folder",
)

_CSV: Final = {"text": "transcription", "audio": "audio", "video": "video", "multimodal": "mm"}
_NPZ: Final = {"text": "txt", "audio": "audio", "video": "video", "multimodal": "mm"}
_SPLITS: Final = {"train_corpus": "train", "val_corpus": "validation", "test_corpus": "test"}
_LENGTH: Final = 4.25  # seconds of every utterance
_PAUSE: Final = 0.5
_CAPTION_KEYS: Final = ("spe_cap", "style_cap", "emo_cap", *(f"caption_{n}" for n in range(1, 6)))


KNOWN_ODDITIES: Final = {
    "ET-COUNT-001": 1,  # 742 dialogues where the paper counts 744
    "ET-SPEAKER-001": 8,  # dialogues with one speaker
    "ET-SPLIT-002": 1,  # validation and test share speakers 02 and 13
    "ET-TEXT-001": 306,  # transcripts whose overlap marks do not pair
    "ET-TEXT-002": 17,  # transcripts with malformed marks
}
"""Code to the number of findings in the dressed release: all are the tables' own."""


class RealUtterance(NamedTuple):
    """What the tables say of one utterance.

    Attributes:
        words: modality to the word of its csv table.
        label_ids: modality to the id of its npz table.
        sentiment: from mm_label.npz, the mean of five.
        split: the list of the npz tables that holds it.
    """

    utterance_id: str
    text_raw: str
    words: dict[str, str]
    label_ids: dict[str, int]
    sentiment: float
    split: str

    @property
    def folder(self) -> str:
        return f"{self.utterance_id[:6]}/{self.utterance_id[:9]}/{self.utterance_id[:12]}"


def read_tables() -> dict[str, RealUtterance]:
    """Read the tables into utterances by id, in the order of transcription.csv, which is no order at all."""
    raw: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    for modality, name in _CSV.items():
        with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                utterance_id = Path(row.get("name") or row["file_name"]).stem
                words.setdefault(utterance_id, {})[modality] = row["emotion"]
                if modality == "text":
                    raw[utterance_id] = row["chinese"]
    ids: dict[str, dict[str, int]] = {}
    sentiments: dict[str, float] = {}
    splits: dict[str, str] = {}
    for modality, name in _NPZ.items():
        for corpus, split in _SPLITS.items():
            for utterance_id, label in _npz(f"{name}_label", corpus).items():
                ids.setdefault(utterance_id, {})[modality] = int(label["emo"])
                assert splits.setdefault(utterance_id, split) == split
                if modality == "multimodal":
                    sentiments[utterance_id] = float(label["val"])
    return {
        key: RealUtterance(key, text, words[key], ids[key], sentiments[key], splits[key])
        for key, text in raw.items()
    }


def four_class_ids() -> dict[str, set[str]]:
    """Return split to the ids of mm_label4.npz: the rows of the authors' four-class task."""
    return {split: set(_npz("mm_label4", corpus)) for corpus, split in _SPLITS.items()}


def _npz(name: str, corpus: str) -> dict[str, dict[str, float]]:
    # These are pickles, from a known source; the library itself never reads them.
    with np.load(TABLES / f"{name}.npz", allow_pickle=True) as arrays:
        found: dict[str, dict[str, float]] = arrays[corpus].item()
    return found


def members(utterances: Iterable[RealUtterance]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and bytes of the four annotation files of each utterance."""
    utterances = list(utterances)
    starts = _starts(utterances)
    for utterance in utterances:
        start = starts[utterance.utterance_id]
        for modality in _CSV:
            name = f"{modality.capitalize()}/json/{utterance.folder}/{utterance.utterance_id}.json"
            yield name, json.dumps(_record(utterance, modality, start), ensure_ascii=False).encode()


def _starts(utterances: Iterable[RealUtterance]) -> dict[str, float]:
    """Let the utterances of each session follow each other in the order of their numbers, in seconds."""
    clocks: dict[str, float] = {}
    starts: dict[str, float] = {}
    for key in sorted((one.utterance_id for one in utterances), key=lambda key: (key[:9], key[13:])):
        starts[key] = clocks.get(key[:9], 0.0)
        clocks[key[:9]] = starts[key] + _LENGTH + _PAUSE
    return starts


def _record(utterance: RealUtterance, modality: str, start: float) -> dict[str, object]:
    word, whole = utterance.words[modality], modality == "multimodal"
    ratings = _ratings(utterance.sentiment) if whole else []
    record: dict[str, object] = {
        "data": [
            {"emotion": word, "Confidence_degree": confidence}
            | ({"Continuous_label": ratings[place]} if whole else {})
            for place, confidence in enumerate((0.9, 0.7, 0.5, 0.3, 0.1))
        ],
        "emotion_result": word,
    }
    if whole:
        record["Continuous label_result"] = utterance.sentiment
    record["speaker_id"] = utterance.utterance_id[10:12]
    if modality in ("text", "audio"):
        record["content"] = utterance.text_raw
    path = f"{utterance.folder}/{utterance.utterance_id}"
    if modality == "audio":
        record["paragraphs"] = {"startTime": start, "endTime": start + _LENGTH}
        record["sourceAttr"] = dict.fromkeys(_CAPTION_KEYS, "一位说话人。")
        record["file_path"] = f"{path}.wav"
    else:
        record["file_name"] = f"{path}.mp4"
    return record


def _ratings(mean: float) -> list[int]:
    """Return five integers from -2 to 2 whose mean is `mean`."""
    total = round(mean * 5)
    assert total / 5 == mean
    low, more = divmod(total, 5)
    return [low + 1] * more + [low] * (5 - more)


def write_tree(root: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write the files by bare system calls: there are 77,000 of them."""
    made: set[str] = set()
    for name, data in files:
        folder = name.rpartition("/")[0]
        if folder not in made:
            (root / folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        descriptor = os.open(f"{root}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)


def write_tar(path: Path, files: Iterable[tuple[str, bytes]], *, compress: bool = False) -> None:
    """Write a tar; with `compress` it is gzip data all the same under the name `.tar`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wb", compresslevel=1) if compress else path.open("wb") as out:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.write(info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512))
        out.write(bytes(1_024))

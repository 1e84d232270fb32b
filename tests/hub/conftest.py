"""A dataset repository made from a published card and shards of one row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from emotalk_data.hub.corpora import CorpusFacts
from emotalk_data.hub.published import published_files

MakeRepository = Callable[[CorpusFacts], Path]


def one_row(corpus: CorpusFacts, split: str) -> dict[str, Any]:
    """A row with a value of each kind; what it leaves out is null."""
    label = corpus.features["emotion"].names[2]
    judgement = {"modality": "multimodal", "annotator": 1}
    own: dict[str, dict[str, Any]] = {
        "emotalk": {
            "modalities": ["text", "audio"],
            "annotations": [{**judgement, "emotion": label, "confidence": 0.7, "sentiment": -1}],
            "captions": {
                "speaker": "一位年轻女性。",
                "style": None,
                "emotion": None,
                "overall": ["一", "二"],
            },
        },
        "m3ed": {"emotions": [label, "Fear"], "annotations": [{**judgement, "emotions": [label, "Other"]}]},
    }
    return {
        "utterance_id": f"{corpus.name}-{split}",
        "text": "你好。",
        "events": [{"type": "laughing", "start": 1, "end": 1}],
        "emotion": label,
        "start_seconds": 0.5,
        "audio": {"bytes": b"RIFF", "path": "a.wav"},
        **own[corpus.name],
    }


@pytest.fixture
def make_repository(tmp_path: Path) -> MakeRepository:
    def make(corpus: CorpusFacts) -> Path:
        folder = tmp_path / corpus.name
        (folder / "data").mkdir(parents=True)
        for path, text in published_files().items():
            if path.startswith(f"loaders/{corpus.name}/"):
                (folder / Path(path).name).write_text(text, encoding="utf-8")
        for split in ("train", "validation", "test"):
            row = dict.fromkeys(corpus.features) | one_row(corpus, split)
            shard = datasets.Dataset.from_dict(
                {name: [value] for name, value in row.items()}, features=corpus.features
            )
            shard.to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
        return folder

    return make

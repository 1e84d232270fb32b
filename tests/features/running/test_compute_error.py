"""What half precision costs is measured on utterances of the run, and told."""

from __future__ import annotations

import logging
from pathlib import Path

import datasets
import numpy as np
import pytest

from emotalk_data.features.extraction import extract_features
from emotalk_data.features.running.compute_error import compute_error_line, measure_compute_error
from emotalk_data.features.running.extractors import asked_for
from emotalk_data.features.running.rows import read_source
from emotalk_data.schemas.encoder_spec import Compute

from ..tiny_text import save_text_model

BERT = "clean/bert-base-chinese"


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_text_model(tmp_path_factory.mktemp("weights") / "bert", "bert")


@pytest.fixture(scope="module")
def rows() -> datasets.Dataset:
    texts = ["你说的那家店到底在哪条街上", "这杯茶放得太久了", "好", "有点苦", "明天再说吧"]
    ids = [f"G00001_01_01_{number:03}" for number in range(len(texts))]
    return datasets.Dataset.from_dict({"utterance_id": ids, "text": texts})


def test_the_cost_is_that_of_the_utterances_vectors(rows: datasets.Dataset, bert: Path) -> None:
    source = read_source(rows)
    half = asked_for(BERT, model_path=bert, device="cpu", compute="bfloat16")
    found = measure_compute_error(source, half, num_measured=3)
    assert found.num_measured == 3
    assert 1e-9 < found.mean <= found.worst < 1e-2
    none = measure_compute_error(source, asked_for(BERT, model_path=bert, device="cpu"))
    assert none.worst < 1e-12
    assert np.isfinite(none.mean)


def test_nothing_to_measure_is_said_and_is_no_error(bert: Path) -> None:
    empty = datasets.Dataset.from_dict({"utterance_id": ["G00001_01_01_001"], "text": [" "]})
    half = asked_for(BERT, model_path=bert, device="cpu", compute="bfloat16")
    said = compute_error_line(read_source(empty), half)
    assert said == (
        "bfloat16: its error against float32 was not measured: none of the utterances that were tried could be "
        "encoded."
    )


@pytest.mark.parametrize("compute", ["float32", "bfloat16"])
def test_a_run_says_it_once(
    rows: datasets.Dataset, bert: Path, tmp_path: Path, compute: Compute, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "emotalk_data"):
        extract_features(rows, BERT, tmp_path / "set", model_path=bert, device="cpu", compute=compute)
    told = [message for message in caplog.messages if "1 - cosine" in message]
    assert len(told) == (compute != "float32")
    caplog.clear()
    with caplog.at_level(logging.WARNING, "emotalk_data"):
        extract_features(rows, BERT, tmp_path / "set", model_path=bert, device="cpu", compute=compute)
    assert not [message for message in caplog.messages if "1 - cosine" in message]

"""What a run refuses, or leaves as it is, so that nothing is lost, made twice or waited for."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from emotalk_data.errors import ExtractionError, OptionError
from emotalk_data.features import (
    FeatureSet,
    FrameChoice,
    OpensmileSpec,
    TextSpec,
    VisionSpec,
    build_extractor,
    extract_features,
)
from emotalk_data.features.hook import Encoded, Utterance

from .running.hooks import PATIENCE_SECONDS, Numbers, constant, content, sounds, table, times


def extract(ds: Any, encoder: Any, out: Path, **options: Any) -> FeatureSet:
    return extract_features(ds, encoder, out, **options)


def test_other_utterances_of_a_split_are_never_written_over(tmp_path: Path) -> None:
    extract(table(12).select(range(6)), Numbers(constant), tmp_path / "set")
    before = content(tmp_path)
    for others, row in (
        (range(6, 12), "row 0 is 'u000' there and 'u006' here"),
        ([0, 2, 1, 3, 4, 5], "row 1 is 'u001' there and 'u002' here"),
        (range(5), "row 5 is 'u005' there and absent here"),
    ):
        message = f"holds other utterances of train, or the same in another order: {row}"
        with pytest.raises(OptionError, match=message):
            extract(table(12).select(others), Numbers(constant), tmp_path / "set")
    assert content(tmp_path) == before


def test_files_that_were_copied_are_not_encoded_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ds = sounds(tmp_path / "wavs")
    spec = OpensmileSpec(name="own/egemaps", model="eGeMAPSv02", num_dims=88, pooling="first")
    extract(ds, spec, tmp_path / "set", rows_per_shard=2)
    before = times(tmp_path / "set")
    for wav in (tmp_path / "wavs").iterdir():
        os.utime(wav, ns=(1, 1))
    extract(ds, spec, tmp_path / "set", rows_per_shard=2)
    assert times(tmp_path / "set") == before
    changed = bytearray((tmp_path / "wavs" / "3.wav").read_bytes())
    changed[-2] ^= 1
    (tmp_path / "wavs" / "3.wav").write_bytes(changed)
    with caplog.at_level(logging.WARNING, "emotalk_data"):
        extract(ds, spec, tmp_path / "set", rows_per_shard=2)
    assert "what 1 of 3 shards were made from has changed: made again" in caplog.messages
    after = times(tmp_path / "set")
    assert [name for name in before if before[name] != after[name]] == ["train-00001-of-00003.parquet"]


def test_a_spec_that_was_changed_wrongly_is_refused_before_anything_is_encoded(tmp_path: Path) -> None:
    encoder = Numbers(constant)
    for update, message in (
        ({"pooling": "max"}, r"pooling of the spec is 'max': Input should be 'mean'"),
        ({"poolng": "first"}, r"CallableSpec has no 'poolng'; its fields are name, model, "),
        ({"name": "My Set"}, r"name of the spec is 'My Set': String should match"),
        ({"params": {"a": [1]}}, r"params\.a\.\w+ of the spec is \[1\]: "),
    ):
        encoder.spec = Numbers(constant).spec.model_copy(update=update)
        with pytest.raises(OptionError, match=message):
            extract(table(), encoder, tmp_path / "set")
    wrong = TextSpec(name="own/bert", model="nobody/bert").model_copy(update={"layers": 2})
    with pytest.raises(OptionError, match=r"layers of the spec is 2: Input should be a valid tuple"):
        extract(table(), wrong, tmp_path / "set")
    frames = FrameChoice(num=8).model_copy(update={"numb": 3})
    vision = VisionSpec(name="own/v", model="v", frames=frames)
    with pytest.raises(OptionError, match=r"FrameChoice has no 'numb'"):
        build_extractor(vision)
    assert (encoder.batches, list(tmp_path.iterdir())) == ([], [])


def test_a_hook_may_use_its_array_again_for_the_next_batch(tmp_path: Path) -> None:
    class Reusing(Numbers):
        buffer = np.zeros((1, 3), np.float32)

        def extract(self, batch: Sequence[int]) -> list[Encoded]:
            self.buffer[:] = batch[0]
            return [Encoded(self.buffer)]

    made = extract(table(), Reusing(constant), tmp_path / "set", max_batch_seconds=1)
    assert made.utterances().values[:, 0].tolist() == list(range(12))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (table(text=None), r"^the dataset has no column 'text', and own/numbers encodes nothing else"),
        (table(text=list(range(12))), r"^the column 'text' is int64; expected strings, and own/numbers"),
    ],
)
def test_a_column_that_holds_something_else_is_said(
    rows: datasets.Dataset, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ExtractionError, match=message):
        extract(rows, Numbers(constant), tmp_path / "set")


def test_a_second_interrupt_waits_for_no_thread(tmp_path: Path) -> None:
    has_begun, may_end, has_ended = (threading.Event() for _ in range(3))

    class Stuck(Numbers):
        def prepare(self, utterance: Utterance) -> int:
            has_begun.set()
            may_end.wait(PATIENCE_SECONDS)
            return super().prepare(utterance)

    def press() -> None:
        has_begun.wait(PATIENCE_SECONDS)
        while not has_ended.wait(0.5):
            os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            extract(table(), Stuck(constant), tmp_path / "set")
        has_ended.set()
        assert not may_end.is_set()
        assert any(thread.name.startswith("emotalk-prepare") for thread in threading.enumerate())
    finally:
        has_ended.set()
        may_end.set()
        presser.join()
    assert content(tmp_path / "set" / "data") == {}

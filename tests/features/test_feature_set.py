"""`FeatureSet`: arrays without Python lists, failures with their reasons, and what it says of itself."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch

from emotalk_data import _optional
from emotalk_data.errors import CacheCorruptError, ExtractionError, MissingDependencyError, OptionError
from emotalk_data.features.extraction import extract_features
from emotalk_data.features.feature_set import FeatureSet
from emotalk_data.features.hook import Encoded, Utterance
from emotalk_data.features.set_text import FailedRow
from emotalk_data.schemas.feature_spec import CallableSpec, TextSpec

from ..feature_shards import SPEC, D, make_rows, write_set, write_two_splits

IDS = [f"G00001_01_{number:02d}_001" for number in range(22)]
ROWS = make_rows(IDS, failed=[3, 9, 18])


pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_two_splits(tmp_path / "set", ROWS)


@pytest.fixture
def opened(folder: Path) -> FeatureSet:
    return FeatureSet.open(folder)


def _pooled(number: int) -> np.ndarray:
    frames = ROWS[number].frames
    assert frames is not None
    return np.asarray(frames.mean(0, dtype="float32"))


# Arrays


@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_vectors_come_as_one_float32_array_with_nan_for_null_rows(tmp_path: Path, storage: str) -> None:
    write_set(tmp_path, ROWS, SPEC.model_copy(update={"storage": storage}))
    ids, values, is_there = FeatureSet.open(tmp_path).utterances()
    assert ids == tuple(IDS)
    assert values.dtype == np.float32
    assert values.shape == (22, D)
    assert is_there.tolist() == [row.error is None for row in ROWS]
    assert np.isnan(values[~is_there]).all()
    tolerance = 0 if storage == "float32" else 2e-3  # half a step of float16 in numbers up to 4
    for number, row in enumerate(ROWS):
        assert row.frames is None or np.allclose(values[number], _pooled(number), rtol=0, atol=tolerance)
    values[0] = 0  # it is the caller's own


def test_vectors_come_in_the_order_that_is_asked_for(opened: FeatureSet) -> None:
    asked = [IDS[20], IDS[2], IDS[9], IDS[2], IDS[15]]
    ids, values, is_there = opened.utterances(one for one in asked)
    assert list(ids) == asked
    assert is_there.tolist() == [True, True, False, True, True]
    for row, number in ((0, 20), (1, 2), (3, 2), (4, 15)):
        assert np.array_equal(values[row], _pooled(number))
    assert np.isnan(values[2]).all()
    assert opened.utterances([]).values.shape == (0, D)


def test_tensors_are_the_same_numbers(opened: FeatureSet) -> None:
    ids, values, is_there = opened.torch(IDS[2:5])
    assert list(ids) == IDS[2:5]
    assert values.dtype == torch.float32
    assert is_there.dtype == torch.bool
    assert torch.equal(values[0], torch.from_numpy(_pooled(2)))
    assert is_there.tolist() == [True, False, True]
    assert bool(values[1].isnan().all())


def test_without_torch_tensors_say_what_to_install(
    opened: FeatureSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not _optional.is_usable("torch")
    with pytest.raises(
        MissingDependencyError, match=r"torch is needed to give features as tensors.*\[torch\]"
    ):
        opened.torch()
    assert opened.utterances().values.shape == (22, D)


def test_frames_of_one_utterance_come_with_their_times(opened: FeatureSet) -> None:
    frames = opened.frame(IDS[7])
    assert ROWS[7].frames is not None
    assert np.array_equal(frames.values, ROWS[7].frames)
    assert frames.values.dtype == np.float32
    assert frames.seconds is not None
    assert np.allclose(frames.seconds, [0.01, 0.03, 0.05])
    frames.values[0] = 0  # it is the caller's own


def test_frames_of_text_have_no_times_and_halves_become_float32(tmp_path: Path) -> None:
    spec = TextSpec(name="clean/tiny-bert", model="example/tiny-bert", num_dims=D, storage="float16")
    write_set(tmp_path, ROWS, spec)
    values, seconds = FeatureSet.open(tmp_path).frame(IDS[0])
    assert seconds is None
    assert values.dtype == np.float32


def test_frames_of_a_null_row_are_an_error_with_its_reason(opened: FeatureSet) -> None:
    with pytest.raises(
        ExtractionError, match="G00001_01_09_001 has no frames: unreadable: it was cut"
    ) as caught:
        opened.frame(IDS[9])
    assert caught.value.utterance_id == IDS[9]


def test_what_the_set_has_not_is_refused(opened: FeatureSet, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="has no utterance 'G00009_01_01_001'"):
        opened.utterances([IDS[0], "G00009_01_01_001"])
    with pytest.raises(OptionError, match="has no utterance None"):
        opened.frame(None)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="ids is 'G00001_01_00_001'; expected utterance ids"):
        opened.utterances(IDS[0])
    write_set(tmp_path / "frames", ROWS, levels=("frame",))
    with pytest.raises(OptionError, match=r"level is 'utterance', and the set .* has \['frame'\]"):
        FeatureSet.open(tmp_path / "frames").utterances()
    write_set(tmp_path / "vectors", ROWS, levels=("utterance",))
    with pytest.raises(OptionError, match=r"level is 'frame', and the set .* has \['utterance'\]"):
        FeatureSet.open(tmp_path / "vectors").frame(IDS[0])


def test_a_damaged_shard_is_named_when_its_vectors_are_read(folder: Path) -> None:
    path = folder / "data" / "test-00000-of-00002.parquet"
    content = bytearray(path.read_bytes())
    place = content.index(_pooled(15).tobytes())
    content[place] ^= 1
    path.write_bytes(content)
    opened = FeatureSet.open(folder)
    assert opened.utterances(IDS[:14]).is_there.sum() == 12
    with pytest.raises(CacheCorruptError, match=r"test-00000-of-00002.parquet' cannot be used"):
        opened.utterances()


# What it says


def test_failures_have_their_reasons_and_add_up(opened: FeatureSet) -> None:
    failed = (
        FailedRow(IDS[9], "unreadable", "it was cut"),
        FailedRow(IDS[18], "unreadable", "it was cut"),
    )
    assert opened.failures() == failed
    assert opened.failures(with_missing=True) == (
        FailedRow(IDS[3], "missing", "the row has no sound"),
        *failed,
    )
    counts = opened.counts
    assert counts.failed == len(opened.failures())
    assert counts.missing + counts.failed == len(opened.failures(with_missing=True))
    assert counts.made == opened.utterances().is_there.sum()
    assert counts.rows == opened.num_rows == 22


def test_it_prints_what_it_is_and_a_line_a_split(opened: FeatureSet) -> None:
    assert str(opened).replace(str(opened.path), "SET") == (
        "clean/tiny-hubert: a vector an utterance and a vector a frame\n"
        f"  model     example/tiny-hubert, revision {'a0' * 20}\n"
        "  numbers   4 a vector, float32, calculated in float32\n"
        "  folder    SET\n"
        "\n"
        "split  rows  made  missing  failed  noted  frames\n"
        "train    14    12        1       1      4      31\n"
        "test      8     7        0       1      2      19\n"
        "all      22    19        1       2      6      50"
    )
    assert repr(opened) == f"<FeatureSet 'clean/tiny-hubert': 22 rows in {str(opened.path)!r}>"


def test_a_notebook_shows_the_same_and_names_cannot_become_markup(tmp_path: Path) -> None:
    write_set(tmp_path / "<b>", ROWS)
    html = FeatureSet.open(tmp_path / "<b>")._repr_html_()
    assert html.startswith("<pre>clean/tiny-hubert")
    assert "<b>" not in html


def test_an_unfinished_set_says_so(folder: Path) -> None:
    (folder / "data" / "train-00001-of-00004.parquet").unlink()
    with pytest.raises(OptionError, match="4 rows of train are missing"):
        FeatureSet.open(folder)
    opened = FeatureSet.open(folder, allow_unfinished=True)
    assert "(not finished)" in str(opened)
    assert opened.to_dict()["is_complete"] is False


def test_what_is_to_come_is_said_in_text_and_dict(opened: FeatureSet, folder: Path) -> None:
    plan = '{"version": 1, "splits": {"validation": {"num_rows": 6, "num_shards": 2}}}'
    (folder / "plan.json").write_text(plan)
    unfinished = FeatureSet.open(folder, allow_unfinished=True)
    gap = "6 rows of validation are missing (2 of 2 shards)"
    assert f" (not finished)\n  to come   {gap}\n" in str(unfinished)
    assert unfinished.to_dict()["gaps"] == [gap]
    assert opened.to_dict()["gaps"] == []


def test_what_a_file_says_cannot_command_a_terminal(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"model": "a\x1b[31m\nb"})
    write_set(tmp_path, make_rows(["c\x1b[2J"], failed=[0]), spec, corpus=None)
    opened = FeatureSet.open(tmp_path)
    assert "\\x1b[31m\\nb, revision" in str(opened)
    assert "\x1b" not in str(opened) + opened._repr_html_() + repr(opened)
    with pytest.raises(ExtractionError, match=r"^c\\x1b\[2J has no frames: missing"):
        opened.frame("c\x1b[2J")


def test_its_dict_is_json_and_adds_up(opened: FeatureSet) -> None:
    values = json.loads(json.dumps(opened.to_dict()))
    assert values["spec"]["model"] == "example/tiny-hubert"
    assert values["total"] == {"rows": 22, "made": 19, "missing": 1, "failed": 2, "noted": 6, "frames": 50}
    for name, number in values["total"].items():
        assert sum(split[name] for split in values["splits"].values()) == number
    assert len(values["failures"]) == 3


def test_it_can_be_pickled(opened: FeatureSet) -> None:
    again: FeatureSet = pickle.loads(pickle.dumps(opened))  # noqa: S301  # our own bytes
    assert np.array_equal(again.utterances().values, opened.utterances().values, equal_nan=True)


def test_rows_come_as_a_dataset_and_beside_others(opened: FeatureSet) -> None:
    assert opened.to_dataset("test")["utterance_id"] == IDS[14:]
    ds = datasets.Dataset.from_dict({"utterance_id": IDS[::-1]})
    joined = opened.join(ds, level="utterance")
    assert joined.column_names == ["utterance_id", "tiny_hubert", "tiny_hubert_error"]
    assert joined[0]["tiny_hubert"] == _pooled(21).tolist()


# With an encoder


class CharacterCounts:
    """How often each of four characters is in a text."""

    def __init__(self, refused: str) -> None:
        self.spec = CallableSpec(name="own/characters", model="characters", input="text", num_dims=D)
        self.refused = refused

    def prepare(self, utterance: Utterance) -> str:
        if utterance.utterance_id == self.refused:
            raise ExtractionError("the disk was asleep")
        return utterance.text or ""

    def extract(self, batch: Any) -> list[Encoded]:
        return [Encoded(np.array([[1.0 + text.count(one) for one in "abcd"]])) for text in batch]


def test_a_set_is_verified_retried_and_exported(tmp_path: Path) -> None:
    ds = datasets.Dataset.from_dict(
        {
            "utterance_id": IDS,
            "text": [f"{number:b} ab" * number for number in range(22)],
            "text_raw": ["-"] * 22,
        }
    )
    made = extract_features(ds, CharacterCounts(IDS[4]), tmp_path / "set", rows_per_shard=5)
    assert made.failures() == (FailedRow(IDS[4], "refused", "the disk was asleep"),)
    mended = made.retry(ds, extractor=CharacterCounts("none"))
    assert mended.failures() == ()
    assert mended.counts.made == 22
    with pytest.raises(CacheCorruptError, match="was written anew since the set was opened"):
        made.utterances()
    checked = mended.verify(ds, 6, extractor=CharacterCounts("none"), seed=3)
    assert checked.is_clean
    assert len(checked.rows) == 6
    exported = mended.export("npy", tmp_path / "npy")
    assert exported.num_rows == 22
    assert mended.join(ds)[2]["characters"] == [3.0, 3.0, 1.0, 1.0]

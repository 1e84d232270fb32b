"""Rows become padded tensors with lengths and a mask; what is absent looks absent."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch

from emotalk_data import AudioClip
from emotalk_data import rows as rows_of
from emotalk_data.errors import AudioError, OptionError, ReleaseNotFoundError
from emotalk_data.testing import read_frame_number, write_wav
from emotalk_data.torch import Batch, Collate, Failure, collate

from .small_dataset import FEATURES, NO_AUDIO, NO_LABEL, NO_TEXT, NO_VIDEO, NUM_ROWS, RATE, reference


@pytest.fixture(scope="module")
def rows(ds: datasets.Dataset) -> list[dict[str, Any]]:
    return list(ds)


def test_sound_is_padded_with_zeros_and_its_lengths_say_where(
    ds: datasets.Dataset, rows: list[dict[str, Any]]
) -> None:
    batch = collate(rows)
    expected = [reference(ds, number) for number in range(NUM_ROWS)]
    assert batch["audio"].dtype == torch.float32
    assert batch["audio"].shape == (NUM_ROWS, 1, max(map(len, expected)))
    assert batch["audio_lengths"].dtype == torch.int64
    assert batch["audio_lengths"].tolist() == [len(samples) for samples in expected]
    for got, samples in zip(batch["audio"].numpy(), expected, strict=True):
        np.testing.assert_array_equal(got[0, : len(samples)], samples)
        assert not got[0, len(samples) :].any()


def test_nulls_are_minus_100_for_labels_and_nan_for_floats_and_none_in_lists(
    rows: list[dict[str, Any]],
) -> None:
    batch = collate(rows)
    assert batch["emotion"].dtype == batch["utterance_number"].dtype == torch.int64
    assert batch["emotion"].tolist() == [-100 if n == NO_LABEL else n % 3 for n in range(NUM_ROWS)]
    assert batch["sentiment"].dtype == torch.float64
    assert batch["sentiment"].isnan().nonzero().flatten().tolist() == [NO_LABEL]
    assert batch["text"][NO_TEXT] is None
    assert batch["events"][1] == [{"type": "laugh"}]


def test_a_null_label_counts_for_nothing_in_the_loss(rows: list[dict[str, Any]]) -> None:
    labels = collate(rows)["emotion"]
    logits = torch.randn(NUM_ROWS, 3, generator=torch.Generator().manual_seed(0))
    there = labels != -100
    loss = torch.nn.functional.cross_entropy
    assert loss(logits, labels).item() == pytest.approx(loss(logits[there], labels[there]).item())


def test_the_mask_says_which_modalities_are_in_the_batch(rows: list[dict[str, Any]]) -> None:
    mask = collate(rows)["modality_mask"]
    assert mask.dtype == torch.bool
    assert mask.shape == (NUM_ROWS, 3)
    assert (~mask[:, 0]).nonzero().flatten().tolist() == [NO_TEXT]
    assert (~mask[:, 1]).nonzero().flatten().tolist() == [NO_AUDIO]
    assert not mask[:, 2].any()


@pytest.mark.parametrize("features", [True, False], ids=["features", "by_name"])
def test_a_batch_of_nulls_has_the_same_types_as_any_other(rows: list[dict[str, Any]], features: bool) -> None:
    nulls = [{**dict.fromkeys(rows[0]), "utterance_id": "u"}] * 2
    batch = collate(nulls, features=FEATURES if features else None)
    assert batch["emotion"].tolist() == [-100, -100]
    assert all(map(math.isnan, batch["sentiment"].tolist()))
    assert batch["audio"].shape == (2, 1, 0)
    assert batch["audio_lengths"].tolist() == [0, 0]
    assert not batch["modality_mask"].any()


def test_only_columns_that_are_there_come_out(rows: list[dict[str, Any]]) -> None:
    batch = collate([{"emotion": row["emotion"]} for row in rows])
    assert set(batch) == {"emotion", "modality_mask"}


def test_columns_are_taken_as_well_as_rows(ds: datasets.Dataset) -> None:
    by_column, by_row = collate(ds[:7]), collate([ds[number] for number in range(7)])
    assert torch.equal(by_column["audio"], by_row["audio"])
    assert torch.equal(collate(ds[:7], num_threads=3)["audio"], by_row["audio"])
    assert by_column["text"] == by_row["text"]


def test_sound_is_resampled_when_asked(ds: datasets.Dataset) -> None:
    batch = Collate(sampling_rate=8_000)([ds[0], ds[9]])
    expected = ds[9]["audio"].decode(sampling_rate=8_000)
    np.testing.assert_allclose(batch["audio"][1].numpy(), expected, atol=1e-6)


def test_channels_are_kept_when_mono_is_not_asked(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", seconds=0.1, sampling_rate=RATE, num_channels=2)
    row = {"audio": AudioClip(path=tmp_path / "x.wav")}
    assert collate([row, row], mono=False)["audio"].shape == (2, 2, 1600)
    assert collate([row, row])["audio"].shape == (2, 1, 1600)


def test_unequal_rates_need_one_that_is_chosen(tmp_path: Path) -> None:
    for rate in (8_000, 16_000):
        write_wav(tmp_path / f"{rate}.wav", seconds=0.1, sampling_rate=rate)
    rows = [{"audio": AudioClip(path=tmp_path / f"{rate}.wav")} for rate in (8_000, 16_000)]
    with pytest.raises(OptionError, match="sampling_rate"):
        collate(rows)
    with pytest.raises(OptionError, match="sampling_rate"):
        collate(rows, on_error="mask")
    assert collate(rows, sampling_rate=16_000)["audio_lengths"].tolist() == [1600, 1600]


def test_pictures_come_only_when_frames_are_asked_for(with_video: datasets.Dataset) -> None:
    batch = collate(list(with_video))
    assert "video" not in batch
    assert not batch["modality_mask"][:, 2].any()


def test_pictures_are_those_of_frames_and_absent_where_there_are_none(with_video: datasets.Dataset) -> None:
    batch = collate(list(with_video), frames=4)
    assert batch["video"].dtype == torch.uint8
    assert batch["video"].shape == (6, 4, 48, 64, 3)
    assert batch["video_lengths"].tolist() == [0 if n == NO_VIDEO else 4 for n in range(6)]
    assert batch["modality_mask"][:, 2].tolist() == [n != NO_VIDEO for n in range(6)]
    for number in set(range(6)) - {NO_VIDEO}:
        frames = batch["video"][number].numpy()
        np.testing.assert_array_equal(frames, with_video[number]["video"].frames(4))
        assert read_frame_number(frames[0]) == 100 * number
    none = collate([with_video[NO_VIDEO]], frames=2)
    assert none["video"].shape[0] == 1
    assert none["video_lengths"].tolist() == [0]
    assert collate([with_video[0]], frames=2, frame_size=(24, 32))["video"].shape == (1, 2, 24, 32, 3)


def test_a_damaged_clip_raises_its_own_error_and_says_which_row(ds: datasets.Dataset, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFFnothing")
    rows = [ds[0], {**ds[1], "audio": AudioClip(path=tmp_path / "bad.wav")}]
    with pytest.raises(AudioError, match=r"bad\.wav") as caught:
        collate(rows)
    assert caught.value.utterance_id == "u001"
    assert caught.value.__notes__ == ["column audio, row 1 of the batch, utterance_id 'u001'"]
    rows[1]["audio"] = AudioClip(path=tmp_path / "gone.wav")
    with pytest.raises(ReleaseNotFoundError, match=r"gone\.wav"):
        collate(rows)


def test_a_damaged_clip_is_masked_with_its_reason_when_asked(ds: datasets.Dataset, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFFnothing")
    rows = [ds[0], {**ds[1], "audio": AudioClip(path=tmp_path / "bad.wav")}, ds[2]]
    batch = collate(rows, on_error="mask")
    assert batch["modality_mask"][:, 1].tolist() == [True, False, True]
    assert batch["audio_lengths"][1] == 0
    assert not batch["audio"][1].any()
    np.testing.assert_array_equal(batch["audio"][2, 0].numpy(), reference(ds, 2))
    [failure] = batch["errors"]
    assert isinstance(failure, Failure)
    assert failure[:4] == (1, "u001", "audio", "AudioError")
    assert "bad.wav" in failure.message
    assert collate([ds[0]], on_error="mask")["errors"] == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "at least one row"),
        ([{"text": "a"}, {"emotion": 1}], "differ in columns"),
        ({"text": ["a"], "emotion": [1, 2]}, "same length"),
        ([1, 2], "each a dict"),
        ([{"audio": AudioClip(path="x.wav")}, {"audio": 3}], "audio is a int; expected AudioClip"),
    ],
    ids=["none", "different_columns", "different_lengths", "numbers", "another_clip"],
)
def test_what_are_no_rows_is_refused(rows: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        collate(rows)


def test_one_row_is_refused_as_such(ds: datasets.Dataset) -> None:
    for row in (ds[0], rows_of(ds)[0], ds.with_format("numpy", columns=["sentiment"])[0]):
        with pytest.raises(OptionError, match="got one row; expected a list of rows"):
            collate(row)
    assert len(collate(ds.with_format("numpy", columns=["sentiment"])[0:1])["sentiment"]) == 1


def test_a_failure_names_a_numeric_id(tmp_path: Path) -> None:
    rows = [{"utterance_id": number, "audio": AudioClip(path=tmp_path / "gone.wav")} for number in (7, 8)]
    assert [failure.utterance_id for failure in collate(rows, on_error="mask")["errors"]] == ["7", "8"]
    with pytest.raises(ReleaseNotFoundError, match=r"gone\.wav") as caught:
        collate(rows)
    assert caught.value.utterance_id == "7"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_error": "skip"}, "on_error is 'skip'"),
        ({"frames": 0}, "frames is 0"),
        ({"frame_size": 224}, "frames is not"),
        ({"num_threads": 65}, "at most 64"),
        ({"sampling_rate": "16k"}, "sampling_rate is '16k'"),
        ({"sampling_rate": 500}, "sampling_rate is 500"),
        ({"mono": 1}, "mono is 1"),
    ],
)
def test_options_that_cannot_be_are_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Collate(**options)


def test_a_batch_goes_to_a_device_and_says_what_it_holds(rows: list[dict[str, Any]]) -> None:
    batch = pickle.loads(pickle.dumps(Collate()))(rows[:2])  # noqa: S301  our own
    moved = batch.to("meta")
    assert isinstance(moved, Batch)
    assert moved["audio"].device.type == "meta"
    assert moved["text"] is batch["text"]
    assert "emotion=int64(2,)" in repr(batch)
    assert "text=list(2)" in repr(batch)


def test_without_torch_the_error_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from emotalk_data.torch import LengthBatchSampler\n"  # needs none
        "try: from emotalk_data.torch import loader\n"
        "except ImportError as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.startswith("MissingDependencyError")
    assert 'pip install "emotalk-data[torch]"' in done.stdout


def test_a_batch_that_is_kept_keeps_its_values_while_others_are_made(rows: list[dict[str, Any]]) -> None:
    function = Collate()
    kept = [function(rows[first : first + 4]) for first in range(0, 20, 4)]
    parts = [function(rows[first : first + 4])["audio"][2] for first in range(0, 20, 4)]
    for number, (batch, part) in enumerate(zip(kept, parts, strict=True)):
        assert torch.equal(batch["audio"], collate(rows[4 * number : 4 * number + 4])["audio"])
        assert torch.equal(part, batch["audio"][2])

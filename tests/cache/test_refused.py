"""What no copy is made of, and folders that are not written to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import soundfile

from emotalk_data.builder.copy_manifest import CopyManifest, read_manifest
from emotalk_data.builder.folder_lock import lock_folder
from emotalk_data.cache import folder, materialise
from emotalk_data.errors import CacheCorruptError, CacheWriteError, OptionError
from emotalk_data.load import load_dataset
from emotalk_data.media import Audio

from .conftest import content, sounds


def test_another_recipe_is_refused_and_says_what_differs(rows: datasets.DatasetDict, copy: Path) -> None:
    before = content(copy)
    with pytest.raises(
        OptionError, match=r"audio.sampling_rate is 16000 there and 8000 here.* remove this one"
    ):
        materialise(rows, copy, sampling_rate=8_000, num_frames=4, frame_size=64, rows_per_shard=5)
    with pytest.raises(OptionError, match=r"video\.num is 4 there and not given here"):
        materialise(rows, copy, frame_rate=2, frame_size=64, rows_per_shard=5)
    with pytest.raises(OptionError, match="video is made there and not made here"):
        materialise(rows, copy, rows_per_shard=5)
    with pytest.raises(OptionError, match="its source differs"):
        materialise(rows["train"], copy, num_frames=4, frame_size=64, rows_per_shard=5)
    assert content(copy) == before


def test_a_media_file_that_changed_makes_another_copy(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs")
    materialise(source, tmp_path / "copy")
    soundfile.write(tmp_path / "wavs" / "3.wav", np.zeros(4_000), 44_100)
    with pytest.raises(OptionError, match=r"its source differs .* or media files that were changed"):
        materialise(source, tmp_path / "copy")


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    with pytest.raises(OptionError, match="is not empty"):
        materialise(source, tmp_path / "mine")
    with pytest.raises(OptionError, match="is no folder that can be used"):
        materialise(source, tmp_path / "mine" / "notes.txt")
    assert content(tmp_path / "mine") == {"notes.txt": sha256(b"precious").hexdigest()}


def test_a_damaged_manifest_is_said(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs")
    materialise(source, tmp_path / "copy")
    (tmp_path / "copy" / "emotalk-cache.json").write_text('{"format": "emotalk-cache"')
    with pytest.raises(CacheCorruptError, match=r"the manifest .* cannot be used"):
        materialise(source, tmp_path / "copy")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (42, "dataset is a int; expected a Dataset or a DatasetDict"),
        (datasets.DatasetDict(), "no rows"),
        (datasets.Dataset.from_dict({"audio": ["x.wav"]}), "no column 'audio' of type Audio"),
        (
            datasets.Dataset.from_dict({"audio": ["x.wav"]}).cast_column("audio", Audio()),
            "neither EmotionTalk nor M3ED",
        ),
    ],
)
def test_what_is_no_source_is_refused(source: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message):
        materialise(source, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_splits_have_the_names_of_the_corpora_and_the_same_columns(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs", 2)
    with pytest.raises(OptionError, match="'dev' is no split of a copy"):
        materialise(datasets.DatasetDict({"dev": source}), tmp_path / "copy")
    other = sounds(tmp_path / "wavs", 2, text=["a", "b"])
    with pytest.raises(OptionError, match="different columns"):
        materialise(datasets.DatasetDict({"train": source, "test": other}), tmp_path / "copy")


def test_too_little_space_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sounds(tmp_path / "wavs")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000))
    with pytest.raises(CacheWriteError, match=r"needs about 0.0 GB more and .* has 0.0 GB free"):
        materialise(source, tmp_path / "copy")
    assert content(tmp_path / "copy") == {}
    monkeypatch.undo()
    assert materialise(source, tmp_path / "copy", sampling_rate=8_000).num_rows == 12


def test_a_folder_that_may_not_be_written_to_is_a_typed_error(
    public_path: Path, tmp_path: Path, without_privileges: Callable[[], AbstractContextManager[None]]
) -> None:
    source = sounds(public_path / "wavs", 2)
    source = source.map(lambda row: row, keep_in_memory=True)
    (public_path / "mine").mkdir(mode=0o755)
    with without_privileges(), pytest.raises(CacheWriteError, match="Permission denied"):
        materialise(source, public_path / "mine" / "copy")


def test_a_manifest_whose_counts_do_not_add_up_is_damaged(copy: Path, tmp_path: Path) -> None:
    values = json.loads((copy / "emotalk-cache.json").read_text())
    values["splits"]["train"]["shards"][0]["counts"]["audio"]["made"] += 1
    with pytest.raises(ValueError, match="counts of audio do not add up"):
        CopyManifest.model_validate_json(json.dumps(values))
    values = json.loads((copy / "emotalk-cache.json").read_text())
    values["splits"]["train"]["shards"].pop()
    with pytest.raises(ValueError, match="says that it is complete"):
        CopyManifest.model_validate_json(json.dumps(values))


def test_a_copy_that_was_stopped_before_its_first_shard_keeps_its_folder_for_no_one(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs")
    out = tmp_path / "copy"
    materialise(source, out, sampling_rate=8_000, rows_per_shard=6)
    first, second = sorted((out / "data").iterdir())
    second.unlink()
    with pytest.raises(OptionError, match=r"holds another copy: audio\.sampling_rate is 8000 there"):
        materialise(source, out)
    first.unlink()
    assert materialise(source, out).num_rows == 12
    assert read_manifest(out).recipe["audio"]["sampling_rate"] == 16_000


def test_a_copy_that_another_process_made_just_now_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = sounds(tmp_path / "wavs"), tmp_path / "copy"
    lock = lock_folder

    def lock_too_late(descriptor: int, path: Path) -> None:
        monkeypatch.setattr(folder, "lock_folder", lock)
        materialise(source, out)
        lock(descriptor, path)

    monkeypatch.setattr(folder, "lock_folder", lock_too_late)
    with pytest.raises(OptionError, match=r"audio\.sampling_rate is 16000 there and 8000 here"):
        materialise(source, out, sampling_rate=8_000)
    assert read_manifest(out).is_complete
    assert materialise(source, out).num_rows == 0


@pytest.mark.parametrize(
    ("split", "joined"), [("train+test", "test and train"), ("all", "test and train and")]
)
def test_splits_in_one_dataset_are_not_copied_as_one(
    release: Path, table_dir: Path, tmp_path: Path, split: str, joined: str
) -> None:
    source = load_dataset("emotalk", data_dir=release, cache_dir=table_dir, split=split)
    with pytest.raises(
        OptionError, match=f"joins {joined}.* Make it of all splits, .* or make one copy of each"
    ):
        materialise(source, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_transform_is_not_left_out_in_silence(rows: datasets.DatasetDict, tmp_path: Path) -> None:
    source = rows.with_transform(lambda batch: batch)
    with pytest.raises(OptionError, match="train has a transform, which reading its table would leave out"):
        materialise(source, tmp_path / "copy")
    assert materialise(rows["test"].with_format("numpy"), tmp_path / "copy").num_rows == len(rows["test"])


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (None, "out is None; expected the path of a folder"),
        (7, "out is 7; expected the path of a folder"),
        ("~nobody-of-this-name/copy", "out is '~nobody-of-this-name/copy'"),
        ("a\0b", r"out is 'a\\x00b'; expected the path of a folder"),
    ],
)
def test_what_is_no_folder_is_refused(tmp_path: Path, out: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        materialise(sounds(tmp_path / "wavs", 1), out)


@pytest.mark.parametrize("splits", [{}, {"train": {"num_rows": 0, "num_shards": 0, "shards": []}}])
def test_a_manifest_without_any_shard_is_damaged(
    copy: Path, tmp_path: Path, rows: datasets.DatasetDict, splits: dict[str, Any]
) -> None:
    values = json.loads((copy / "emotalk-cache.json").read_text())
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "emotalk-cache.json").write_text(json.dumps({**values, "splits": splits}))
    with pytest.raises(CacheCorruptError, match="it names no shard"):
        load_dataset("emotalk", data_dir=tmp_path / "copy")
    with pytest.raises(CacheCorruptError, match="it names no shard"):
        materialise(rows, tmp_path / "copy")

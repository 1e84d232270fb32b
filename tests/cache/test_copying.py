"""A copy, from end to end: nothing lost, nothing mixed, the same bytes whoever writes it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from emotalk_data.builder.copy_manifest import read_manifest
from emotalk_data.builder.shard_plan import plan
from emotalk_data.cache import estimate_copy, materialise
from emotalk_data.cache.estimate import estimate
from emotalk_data.cache.maker import CopyMaker
from emotalk_data.cache.recipe import Recipe
from emotalk_data.cache.source import checked_source
from emotalk_data.load import load_dataset
from emotalk_data.media import Audio, AudioClip
from emotalk_data.testing import make_emotalk, make_m3ed

from .conftest import NUM_ROWS, content, sounds


def test_all_other_columns_are_copied_exactly(rows: datasets.DatasetDict, copy: Path) -> None:
    for split, part in rows.items():
        files = sorted((copy / "data").glob(f"{split}-*.parquet"))
        tables = [pq.read_table(file) for file in files]
        names = [name for name in part.column_names if name not in ("audio", "video")]
        got = datasets.Dataset(
            datasets.table.concat_tables([datasets.table.InMemoryTable(t) for t in tables])
        )
        assert got.column_names == part.column_names
        assert got.select_columns(names).to_list() == part.select_columns(names).to_list()


def test_media_that_are_missing_stay_missing_and_counts_add_up(
    rows: datasets.DatasetDict, copy: Path
) -> None:
    manifest = read_manifest(copy)
    for split, part in manifest.splits.items():
        for column in ("audio", "video"):
            stored = rows[split].with_format("arrow")[:][column].to_pylist()
            counts = [shard.counts[column] for shard in part.shards]
            assert sum(count.missing for count in counts) == stored.count(None)
            assert sum(count.made for count in counts) == len(stored) - stored.count(None)
            assert sum(count.failed for count in counts) == 0
    assert sum(part.num_rows for part in manifest.splits.values()) == NUM_ROWS


def test_no_row_with_bytes_names_a_folder_of_this_machine(copy: Path) -> None:
    for path in (copy / "data").iterdir():
        for column in pq.read_table(path, columns=["audio", "video"]).columns:
            for value in filter(None, column.to_pylist()):
                assert value["bytes"]
                assert value["path"].endswith((".wav", ".mp4"))
                assert "/" not in value["path"]
    assert str(Path.home()) not in (copy / "emotalk-cache.json").read_text()


def test_the_manifest_says_what_each_file_is(copy: Path) -> None:
    manifest = read_manifest(copy)
    assert manifest.is_complete
    assert manifest.corpus == "emotalk"
    listed = {f"data/{shard.file}": shard.sha256 for shard in manifest.shards}
    found = content(copy)
    del found["emotalk-cache.json"]
    assert listed == found


@pytest.mark.slow
def test_the_files_are_the_same_whatever_the_number_of_processes(
    rows: datasets.DatasetDict, copy: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"num_frames": 4, "frame_size": 64, "rows_per_shard": 5}
    materialise(rows, tmp_path / "two", num_proc=2, **options)
    assert content(tmp_path / "two") == content(copy)


def test_a_column_that_is_not_made_keeps_its_references(rows: datasets.DatasetDict, tmp_path: Path) -> None:
    materialise(rows["test"], tmp_path / "copy", sampling_rate=None, num_frames=1)
    got = (
        pq.read_table(tmp_path / "copy" / "data" / "test-00000-of-00001.parquet").column("audio").to_pylist()
    )
    assert got == rows["test"].with_format("arrow")[:]["audio"].to_pylist()


def test_a_copy_that_is_there_is_not_made_again(rows: datasets.DatasetDict, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    assert materialise(rows, out).num_rows == NUM_ROWS
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    again = materialise(rows, out)
    assert again.num_rows == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_what_cannot_be_decoded_is_null_counted_and_named(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs")
    (tmp_path / "wavs" / "2.wav").write_bytes(b"RIFF")
    (tmp_path / "wavs" / "7.wav").unlink()
    copied = materialise(source, tmp_path / "copy", rows_per_shard=5)
    shards = list(copied.manifest.shards)
    failures = [failure for shard in shards for failure in shard.failures]
    assert [(failure.row, failure.utterance_id, failure.column) for failure in failures] == [
        (2, "G00002_01_08_002", "audio"),
        (7, "G00002_01_08_007", "audio"),
    ]
    assert "2.wav" in failures[0].reason
    assert Counter(shard.counts["audio"].failed for shard in shards) == {1: 2, 0: 1}
    values = [
        row["audio"]
        for shard in shards
        for row in pq.read_table(copied.folder / "data" / shard.file).to_pylist()
    ]
    assert [number for number, value in enumerate(values) if value is None] == [2, 7]


def test_bytes_that_are_in_the_table_are_made_too(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs", 3)
    data = [(tmp_path / "wavs" / f"{index}.wav").read_bytes() for index in range(3)]
    embedded = source.remove_columns("audio").add_column(
        "audio",
        [{"bytes": item, "path": None} for item in data],
        feature=Audio(),
    )
    copied = materialise(embedded, tmp_path / "copy")
    value = pq.read_table(next((copied.folder / "data").iterdir())).column("audio").to_pylist()[1]
    want = AudioClip(data[1]).decode(sampling_rate=16_000)
    assert value["path"] is None
    assert np.abs(AudioClip(value["bytes"]).decode() - want).max() <= 2**-16


def test_a_selection_in_any_order_is_copied_in_that_order(rows: datasets.DatasetDict, tmp_path: Path) -> None:
    chosen = rows["train"].select([5, 0, 3])
    copied = materialise(chosen, tmp_path / "copy")
    ids = pq.read_table(next((copied.folder / "data").iterdir())).column("utterance_id").to_pylist()
    assert ids == chosen["utterance_id"][:]


def test_m3ed_windows_become_clips_of_their_own(tmp_path: Path, table_dir: Path) -> None:
    make_m3ed(tmp_path / "m3ed", num_dialogues=2)
    source = load_dataset(
        "m3ed", data_dir=tmp_path / "m3ed", episodes_dir=tmp_path / "m3ed" / "episodes", cache_dir=table_dir
    )
    materialise(source, tmp_path / "copy", num_frames=2)
    got = load_dataset("m3ed", data_dir=tmp_path / "copy", cache_dir=table_dir)
    for split, part in source.items():
        for mine, other in zip(got[split], part, strict=True):
            assert (mine["video"] is None) == (other["video"] is None)
            if other["video"] is not None:
                assert "#t=" not in mine["video"]["path"]
                assert mine["video"].frames(2).shape == other["video"].frames(2).shape
                assert mine["video"].duration_seconds == pytest.approx(
                    other["video"].duration_seconds, abs=1e-6
                )


def test_an_estimate_is_near_the_truth(tmp_path: Path) -> None:
    number = 100
    source = sounds(tmp_path / "wavs", number)
    for index in range(number):  # the later, the longer
        soundfile.write(tmp_path / "wavs" / f"{index}.wav", np.zeros(10_000 + 500 * index), 44_100)
    splits = datasets.DatasetDict(
        {"train": source.select(range(70)), "test": source.select(range(70, number))}
    )
    copied = materialise(splits, tmp_path / "copy", rows_per_shard=7)
    truth = sum(shard.size_bytes for shard in copied.manifest.shards)
    whole = estimate_copy(splits)
    assert (whole.num_rows, whole.num_shards, whole.num_measured) == (number, 2, 32)
    assert whole.size_bytes == pytest.approx(truth, rel=0.1)
    assert whole.seconds > 0
    maker = CopyMaker(Recipe.model_validate_json(json.dumps(copied.manifest.recipe)))
    jobs = [job for part in plan({"train": 70, "test": 30}, 7).values() for job in part]
    one_in_six = estimate(checked_source(splits, maker.made), jobs, maker, max_measured=16)
    assert (one_in_six.num_rows, one_in_six.num_shards, one_in_six.num_measured) == (number, 15, 16)
    assert one_in_six.size_bytes == pytest.approx(truth, rel=0.1)
    left = estimate(checked_source(splits, maker.made), jobs[10:], maker, max_measured=16)
    assert left.num_rows == 30
    assert left.size_bytes == pytest.approx(
        sum(shard.size_bytes for shard in copied.manifest.splits["test"].shards), rel=0.1
    )


def test_reading_a_release_in_tars_gives_the_same_sound(
    tmp_path: Path, table_dir: Path, rows: datasets.DatasetDict, copy: Path
) -> None:
    make_emotalk(tmp_path / "tars", num_utterances=NUM_ROWS, tars=True)
    source = load_dataset("emotalk", data_dir=tmp_path / "tars", cache_dir=table_dir)
    materialise(source, tmp_path / "copy", rows_per_shard=5)
    for path in (copy / "data").iterdir():
        mine = pq.read_table(tmp_path / "copy" / "data" / path.name, columns=["audio"])
        assert mine.column("audio").equals(pq.read_table(path, columns=["audio"]).column("audio"))


def test_a_rate_that_the_source_s_column_asks_for_is_not_the_copy_s(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs", 2).cast_column("audio", Audio(sampling_rate=8_000, num_channels=1))
    copied = materialise(source, tmp_path / "copy", sampling_rate=16_000)
    plain = datasets.Dataset.from_parquet(
        str(copied.folder / "data" / "train-00000-of-00001.parquet"), cache_dir=str(tmp_path / "tables")
    )
    assert plain.features["audio"] == datasets.Audio()
    got = load_dataset("emotalk", data_dir=copied.folder, cache_dir=tmp_path / "tables", split="train")
    assert got[0]["audio"].sampling_rate == 16_000
    assert np.array_equal(got[0]["audio"].decode(), AudioClip(got[0]["audio"]["bytes"]).decode())


def test_a_slice_or_a_sum_of_slices_of_one_split_is_of_that_split(
    release: Path, table_dir: Path, tmp_path: Path
) -> None:
    for number, split in enumerate(("test[:2]", "test[:1]+test[2:]")):
        part = load_dataset("emotalk", data_dir=release, cache_dir=table_dir, split=split)
        copied = materialise(part, tmp_path / str(number))
        assert {name: one.num_rows for name, one in copied.manifest.splits.items()} == {"test": len(part)}

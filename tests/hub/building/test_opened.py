"""A built folder in the hands of others: plain `datasets`, `huggingface_hub`, mlcroissant, and our own clips."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from huggingface_hub import DatasetCard

import emotalk_data
from emotalk_data.hub.building import Built

from .conftest import NUM_ROWS, open_plain


def released(release: Path, name: str) -> bytes:
    (path,) = release.rglob(name)
    return path.read_bytes()


def test_plain_datasets_gets_every_row_with_the_bytes_of_the_release(
    built: Built, rows: datasets.DatasetDict, release: Path, tmp_path: Path
) -> None:
    loaded = open_plain(built.folder, tmp_path)
    assert {split: part.num_rows for split, part in loaded.items()} == {
        split: part.num_rows for split, part in rows.items()
    }
    num_clips = 0
    for split, part in loaded.items():
        others = [name for name in part.column_names if name not in ("audio", "video")]
        assert part.select_columns(others).to_list() == rows[split].select_columns(others).to_list()
        for row in part:
            for column, suffix in (("audio", ".wav"), ("video", ".mp4")):
                if row[column] is not None:
                    assert row[column]["path"] == f"{row['utterance_id']}{suffix}"
                    assert row[column]["bytes"] == released(release, row[column]["path"])
                    num_clips += 1
    counts = [count for shard in built.manifest.shards for count in shard.counts.values()]
    assert num_clips == sum(count.made for count in counts) > NUM_ROWS
    assert sum(count.made + count.missing + count.failed for count in counts) == 2 * NUM_ROWS


def test_the_columns_have_stock_types(built: Built, rows: datasets.DatasetDict, tmp_path: Path) -> None:
    features = datasets.load_dataset(str(built.folder), split="test", cache_dir=str(tmp_path)).features
    assert list(features) == rows["test"].column_names
    assert type(features["audio"]) is datasets.Audio
    assert type(features["video"]) is datasets.Video
    assert features["emotion"] == rows["test"].features["emotion"]


def test_it_streams_and_decodes_to_the_samples_of_the_release(built: Built, release: Path) -> None:
    stream = datasets.load_dataset(str(built.folder), split="validation", streaming=True)
    for column, stored_as in (
        ("audio", datasets.Audio(decode=False)),
        ("video", datasets.Video(decode=False)),
    ):
        stream = stream.cast_column(column, stored_as)
    stored = list(stream)
    assert len(stored) == built.manifest.splits["validation"].num_rows > 0
    for row in stored:
        samples, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
        (wav,) = release.rglob(row["audio"]["path"])
        expected, expected_rate = soundfile.read(wav)
        assert rate == expected_rate
        assert np.array_equal(samples, expected)


@pytest.mark.skipif(importlib.util.find_spec("torchcodec") is None, reason="torchcodec is not installed")
def test_datasets_decodes_it_with_torchcodec(built: Built, tmp_path: Path) -> None:
    row = datasets.load_dataset(str(built.folder), split="train", cache_dir=str(tmp_path))[0]
    assert row["audio"].get_all_samples().data.shape[-1] > 0


def test_cast_media_gives_lazy_clips_like_those_of_the_release(
    built: Built, rows: datasets.DatasetDict, tmp_path: Path
) -> None:
    plain = datasets.load_dataset(str(built.folder), split="test", cache_dir=str(tmp_path))
    for mine, theirs in zip(emotalk_data.cast_media(plain), rows["test"], strict=True):
        assert np.array_equal(mine["audio"].decode(), theirs["audio"].decode())
        if theirs["video"] is not None:
            assert mine["video"].num_frames == theirs["video"].num_frames
            assert np.array_equal(mine["video"].frames(2), theirs["video"].frames(2))


def test_the_card_is_valid_and_says_the_true_sizes(built: Built) -> None:
    card = DatasetCard.load(built.folder / "README.md")
    (config,) = card.data.configs
    assert [part["split"] for part in config["data_files"]] == ["train", "validation", "test"]
    sizes = {part["name"]: part["num_examples"] for part in card.data.dataset_info["splits"]}
    assert sizes == {split: part.num_rows for split, part in built.manifest.splits.items()}
    assert card.data.size_categories == ["n<1K"]
    assert "**Private use: holds media that may not be passed on.**" in card.text


def test_datasets_notices_that_a_shard_is_gone(built: Built, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "README.md").write_bytes((built.folder / "README.md").read_bytes())
    for shard in sorted((built.folder / "data").iterdir())[:-1]:
        (tmp_path / "data" / shard.name).symlink_to(shard)
    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError):
        datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))


@pytest.mark.filterwarnings("default")  # mlcroissant calls what rdflib and pandas are about to drop
def test_mlcroissant_accepts_the_description_and_reads_the_rows_back(built: Built) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    described = mlcroissant.Dataset(str(built.folder / "croissant.json"))
    assert not described.metadata.ctx.issues.errors
    assert "may not be passed on" in str(described.metadata.description)
    read = {row["utterances/utterance_id"].decode() for row in described.records("utterances")}
    ids = [pq.read_table(shard)["utterance_id"].to_pylist() for shard in (built.folder / "data").iterdir()]
    assert read == {one for part in ids for one in part}


def test_pages_have_sums_and_an_index_and_only_small_columns_are_compressed(built: Built) -> None:
    shard = next((built.folder / "data").iterdir())
    group = pq.read_metadata(shard).row_group(0)
    chunks = {
        group.column(number).path_in_schema: group.column(number) for number in range(group.num_columns)
    }
    assert {name for name, chunk in chunks.items() if chunk.compression == "UNCOMPRESSED"} == {
        f"{column}.{part}" for column in ("audio", "video") for part in ("bytes", "path")
    }
    assert all(chunk.has_offset_index for chunk in chunks.values())
    assert not chunks["audio.bytes"].is_stats_set
    data = bytearray(shard.read_bytes())
    damaged = chunks["audio.bytes"].data_page_offset + chunks["audio.bytes"].total_compressed_size // 2
    data[damaged] ^= 1
    with pytest.raises(OSError, match="CRC"):
        pq.read_table(io.BytesIO(data), page_checksum_verification=True)


def test_nothing_in_the_folder_tells_where_the_release_lies(built: Built, release: Path) -> None:
    files = [path for path in built.folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    for place in (release, built.folder, Path.home(), Path(emotalk_data.__file__).parent):
        for path in files:
            assert str(place).encode() not in path.read_bytes(), path.name


def test_the_manifest_names_every_file_with_its_length_and_sum(built: Built) -> None:
    from hashlib import sha256

    values = json.loads((built.folder / "emotalk-build.json").read_text(encoding="utf-8"))
    assert (values["format"], values["is_complete"]) == ("emotalk-build", True)
    listed = {shard["file"]: shard for split in values["splits"].values() for shard in split["shards"]}
    assert sorted(listed) == sorted(path.name for path in (built.folder / "data").iterdir())
    for name, shard in listed.items():
        data = (built.folder / "data" / name).read_bytes()
        assert (shard["size_bytes"], shard["sha256"]) == (len(data), sha256(data).hexdigest())

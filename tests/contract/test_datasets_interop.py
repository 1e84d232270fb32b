"""What people do with a dataset, done with `datasets` itself: whatever it changes next, these must hold."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest

from emotalk_data import Audio, AudioClip, Video, VideoClip, cast_media, load_dataset, register
from emotalk_data.testing import (
    EmotalkSample,
    M3edSample,
    make_emotalk,
    make_fullsize_emotalk,
    make_m3ed,
    read_frame_number,
)

PLAIN = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> EmotalkSample:
    return make_emotalk(tmp_path_factory.mktemp("tree"), num_utterances=18)


@pytest.fixture(scope="module")
def m3ed_sample(tmp_path_factory: pytest.TempPathFactory) -> M3edSample:
    return make_m3ed(tmp_path_factory.mktemp("m3ed"), num_dialogues=2)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def ds(sample: EmotalkSample, cache: Path) -> Any:
    return load_dataset("emotalk", data_dir=sample.root, cache_dir=cache)


@pytest.fixture(scope="module")
def tarred(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Any:
    root = make_emotalk(tmp_path_factory.mktemp("tars"), num_utterances=18, tars=True).root
    return load_dataset("emotalk", data_dir=root, cache_dir=cache)


@pytest.fixture(scope="module")
def m3ed(m3ed_sample: M3edSample, cache: Path) -> Any:
    sample = m3ed_sample
    return load_dataset("m3ed", data_dir=sample.root, episodes_dir=sample.episodes_dir, cache_dir=cache)


def _rows(dataset: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = dataset.remove_columns(["audio", "video"]).to_list()
    return rows


def _assert_same_media(one: Any, other: Any) -> None:
    for first, second in zip(one, other, strict=True):
        for name in ("audio", "video"):
            assert (first[name] is None) == (second[name] is None)
        if first["audio"] is not None:
            np.testing.assert_array_equal(first["audio"].decode(), second["audio"].decode())
        if first["video"] is not None:
            frames = [row["video"].frames(indices=[1])[0] for row in (first, second)]
            assert read_frame_number(frames[0]) == read_frame_number(frames[1])


# Plain `datasets`, without this package.


def test_a_parquet_file_of_ours_opens_with_typed_media_columns_and_none_of_our_code(
    ds: Any, tmp_path: Path
) -> None:
    ds["train"].to_parquet(tmp_path / "train.parquet")
    code = (
        "import json, sys, datasets\n"
        "datasets.disable_progress_bars()\n"
        "ds = datasets.load_dataset('parquet', data_files=sys.argv[1], split='train', cache_dir=sys.argv[2])\n"
        "types = {name: f'{type(f).__module__}.{type(f).__name__}' for name, f in ds.features.items()}\n"
        "plain = ds.cast_column('audio', datasets.Audio(decode=False))\n"
        "print(json.dumps({'audio': types['audio'], 'video': types['video'], 'ids': ds['utterance_id'][:],\n"
        "    'labels': ds.features['emotion'].names, 'ours': 'emotalk_data' in sys.modules,\n"
        "    'stored': plain['audio'][:]}))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "train.parquet"), str(tmp_path / "cache")]
    seen = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=90).stdout)
    assert seen["audio"] == "datasets.features.audio.Audio"
    assert seen["video"] == "datasets.features.video.Video"
    assert seen["ours"] is False
    assert seen["ids"] == ds["train"]["utterance_id"][:]
    assert seen["labels"][0] == "neutral"
    assert seen["stored"] == ds["train"].cast_column("audio", PLAIN)["audio"][:]


def test_parquet_of_windows_keeps_references_and_not_episodes(m3ed: Any, tmp_path: Path) -> None:
    m3ed["train"].to_parquet(tmp_path / "m3ed.parquet", batch_size=100)
    video = pq.read_table(tmp_path / "m3ed.parquet")["video"].to_pylist()
    assert all(value["bytes"] is None and "#t=" in value["path"] for value in video)
    file = str(tmp_path / "m3ed.parquet")
    back = datasets.load_dataset("parquet", data_files=file, split="train", cache_dir=str(tmp_path / "cache"))
    _assert_same_media(cast_media(back), m3ed["train"])


@pytest.mark.parametrize("corpus", ["emotalk", "m3ed"])
def test_after_register_plain_load_dataset_gives_what_ours_gives(
    corpus: str, sample: EmotalkSample, m3ed_sample: M3edSample, ds: Any, m3ed: Any, tmp_path: Path
) -> None:
    register()
    options: dict[str, Any] = {"data_dir": str(sample.root)}
    if corpus == "m3ed":
        options = {"data_dir": str(m3ed_sample.root), "episodes_dir": str(m3ed_sample.episodes_dir)}
    ours = {"emotalk": ds, "m3ed": m3ed}[corpus]
    theirs = datasets.load_dataset(corpus, cache_dir=str(tmp_path), **options)
    assert theirs.num_rows == ours.num_rows
    for split in ours:
        assert theirs[split].features == ours[split].features
        assert isinstance(theirs[split].features["audio"], Audio)
        assert isinstance(theirs[split].features["video"], Video)
        assert theirs[split].data.table.equals(ours[split].data.table)
    warm = datasets.load_dataset(corpus, cache_dir=str(tmp_path), split="train[:2]", **options)
    _assert_same_media(warm, ours["train"].select(range(2)))
    stream = datasets.load_dataset(corpus, cache_dir=str(tmp_path), split="train", streaming=True, **options)
    assert list(stream.remove_columns(["audio", "video"])) == _rows(ours["train"])


# Saving and opening again.


@pytest.mark.parametrize("kind", ["tree", "tars"])
def test_save_to_disk_carries_the_media_and_cast_media_restores_our_types(
    kind: str, ds: Any, tarred: Any, tmp_path: Path
) -> None:
    whole = ds if kind == "tree" else tarred
    whole.save_to_disk(tmp_path / "saved")
    stock = datasets.load_from_disk(tmp_path / "saved")
    assert type(stock["train"].features["audio"]) is datasets.Audio
    back = cast_media(stock)
    assert back["train"].features == whole["train"].features
    for split in whole:
        assert _rows(back[split]) == _rows(whole[split])
        stored = [
            value for value in back[split].with_format("arrow")[:]["audio"].to_pylist() if value is not None
        ]
        if kind == "tree":
            assert all(value["bytes"] is not None for value in stored)
        else:  # `datasets` embeds files on disk, and takes a member of an archive for remote
            assert all(value["path"].startswith("tar://") for value in stored)
        _assert_same_media(back[split], whole[split])


def test_windows_are_saved_as_a_plain_struct(m3ed: Any, tmp_path: Path) -> None:
    # `datasets` cannot open what it saved of an empty dataset, so not the whole dict.
    for split in ("train", "validation"):
        plain = m3ed[split].cast_column("video", PLAIN).cast_column("audio", PLAIN)
        plain.save_to_disk(tmp_path / split)
        assert sum(path.stat().st_size for path in tmp_path.rglob("*.arrow")) < 200_000
        back = datasets.load_from_disk(tmp_path / split)
        back = back.cast_column("video", Video()).cast_column("audio", Audio())
        _assert_same_media(back, m3ed[split])


# Turning rows into other rows.


def _length(row: dict[str, Any]) -> dict[str, Any]:
    return {"num_samples": None if row["audio"] is None else row["audio"].num_samples}


def _lengths(batch: dict[str, list[Any]]) -> dict[str, Any]:
    return {"num_samples": [None if clip is None else clip.num_samples for clip in batch["audio"]]}


@pytest.mark.parametrize("num_proc", [None, 2])
def test_map_sees_clips_and_keeps_our_types(ds: Any, sample: EmotalkSample, num_proc: int | None) -> None:
    mapped = ds["train"].map(_length, num_proc=num_proc, load_from_cache_file=False)
    assert {name: mapped.features[name] for name in ds["train"].features} == ds["train"].features
    for row in mapped:
        truth = sample.by_id[row["utterance_id"]]
        assert row["num_samples"] == (truth.num_samples if "wav" in truth.presence else None)
    batched = ds["train"].map(_lengths, batched=True, batch_size=4, load_from_cache_file=False)
    assert batched["num_samples"][:] == mapped["num_samples"][:]
    _assert_same_media(mapped, ds["train"])


# pyarrow 25 and later say this to `datasets`' own `sort`.
@pytest.mark.filterwarnings("ignore:Specifying null_placement in SortOptions:FutureWarning")
def test_choosing_and_ordering_keep_types_and_media(ds: Any) -> None:
    train = ds["train"]
    angry = train.filter(lambda emotion: emotion is not None, input_columns="emotion")
    for chosen in (
        angry,
        train.select([3, 1]),
        train.shuffle(seed=1),
        train.sort("utterance_number", reverse=True),
        train.shard(2, 0),
        train.flatten_indices(),
        *train.train_test_split(test_size=0.4, seed=0).values(),
    ):
        assert chosen.features == train.features
        order = [train["utterance_id"][:].index(one) for one in chosen["utterance_id"][:]]
        _assert_same_media(chosen, train.select(order))


def test_splits_are_concatenated(ds: Any, m3ed: Any) -> None:
    for whole in (ds, m3ed):
        joined = datasets.concatenate_datasets(list(whole.values()))
        assert joined.features == whole["train"].features
        assert len(joined) == sum(whole.num_rows.values())
        assert isinstance(joined[len(joined) - 1]["video"], VideoClip | None)
    common = ["utterance_id", "dialogue_id", "text", "start_seconds", "audio", "video"]
    parts = [ds["train"].select_columns(common), m3ed["train"].select_columns(common)]
    assert parts[0].features == parts[1].features
    # Where descriptions differ `datasets` reads the types from the table again, and finds the stock ones.
    mixed = cast_media(datasets.concatenate_datasets(parts))
    assert isinstance(mixed[len(ds["train"])]["audio"], AudioClip)
    _assert_same_media(mixed.select(range(len(ds["train"]))), ds["train"])


def test_utterances_are_batched_by_dialogue(ds: Any, m3ed: Any) -> None:
    for dataset in (ds["train"], m3ed["train"]):
        dialogues = dataset.batch(by_column="dialogue_id")
        ids = dataset["dialogue_id"][:]
        assert len(dialogues) == len(set(ids))
        for dialogue in dialogues:
            assert len(set(dialogue["dialogue_id"])) == 1
            assert len(dialogue["audio"]) == ids.count(dialogue["dialogue_id"][0])
            assert all(clip is None or isinstance(clip, AudioClip) for clip in dialogue["audio"])


def test_formats_give_arrays_tables_and_frames(ds: Any) -> None:
    with_sound = ds["train"].filter(lambda row: row["audio"] is not None)
    row = with_sound.with_format("numpy")[0]
    assert isinstance(row["audio"], np.ndarray)
    np.testing.assert_array_equal(np.asarray(row["audio"]), np.asarray(with_sound[0]["audio"]))
    table = with_sound.with_format("arrow")[:2]
    assert table["audio"].type == Audio().pa_type
    assert table["emotion"].to_pylist() == with_sound["emotion"][:2]
    frame = with_sound.remove_columns(["audio", "video"]).to_pandas()
    assert frame["utterance_id"].tolist() == with_sound["utterance_id"][:]


def test_a_column_is_cast_to_another_rate(ds: Any) -> None:
    cast = ds["train"].cast_column("audio", Audio(sampling_rate=16_000))
    for row, source in zip(cast, ds["train"], strict=True):
        if row["audio"] is not None:
            assert row["audio"].sampling_rate == row["audio"]["sampling_rate"] == 16_000
            seconds = source["audio"].duration_seconds
            assert row["audio"].decode().shape[1] == pytest.approx(16_000 * seconds, abs=2)


def test_a_dataset_and_its_rows_are_pickled(ds: Any, m3ed: Any) -> None:
    for dataset in (ds["train"], m3ed["train"]):
        back = pickle.loads(pickle.dumps(dataset))  # noqa: S301  # our own
        assert back.features == dataset.features
        _assert_same_media(back, dataset)
        row = pickle.loads(pickle.dumps(dataset[0]))  # noqa: S301  # our own
        np.testing.assert_array_equal(row["audio"].decode(), dataset[0]["audio"].decode())


def test_streams_are_shuffled_cut_mapped_and_pickled(ds: Any, sample: EmotalkSample, cache: Path) -> None:
    stream = load_dataset("emotalk", data_dir=sample.root, split="train", streaming=True, cache_dir=cache)
    ids = ds["train"]["utterance_id"][:]
    assert [row["utterance_id"] for row in stream.take(3)] == ids[:3]
    assert [row["utterance_id"] for row in stream.skip(2)] == ids[2:]
    shuffled = list(stream.shuffle(seed=0, buffer_size=50))
    assert sorted(row["utterance_id"] for row in shuffled) == sorted(ids)
    mapped = list(stream.map(_length).take(4))
    assert [row["num_samples"] for row in mapped] == [
        _length(row)["num_samples"] for row in ds["train"].select(range(4))
    ]
    assert isinstance(mapped[0]["audio"], AudioClip)
    again = pickle.loads(pickle.dumps(stream))  # noqa: S301  # our own
    assert [row["utterance_id"] for row in again] == ids
    state = iter(stream)
    next(state)
    stream.load_state_dict(stream.state_dict())
    for batch in stream.batch(batch_size=4).take(1):
        assert len(batch["audio"]) == 4


def test_a_table_becomes_a_stream_with_the_same_clips(m3ed: Any) -> None:
    _assert_same_media(m3ed["train"].to_iterable_dataset(num_shards=2), m3ed["train"])


# Torch, where it is installed.


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_data_loader_workers_give_the_same_samples(m3ed: Any, context: str) -> None:
    from torch.utils.data import DataLoader

    train = m3ed["train"].select_columns(["utterance_id", "audio"])
    workers = multiprocessing.get_context(context)
    # `list` as collate function: a spawned worker cannot import a test module. The numpy format decodes there.
    loader = DataLoader(
        train.with_format("numpy"), 3, num_workers=2, collate_fn=list, multiprocessing_context=workers
    )
    rows = [row for batch in loader for row in batch]
    assert [row["utterance_id"] for row in rows] == train["utterance_id"]
    for row, expected in zip(rows, train, strict=True):
        np.testing.assert_array_equal(row["audio"], expected["audio"]["array"])


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_data_loader_workers_share_the_shards_of_a_stream(tmp_path: Path) -> None:
    from torch.utils.data import DataLoader

    root = make_fullsize_emotalk(tmp_path / "full", num_utterances=1_000)
    stream = load_dataset(
        "emotalk", data_dir=root, split="train", streaming=True, cache_dir=tmp_path / "cache"
    )
    ids = [row["utterance_id"] for row in stream]
    assert len(ids) == len(set(ids)) > 700
    only_ids = stream.select_columns("utterance_id")
    seen = [one for batch in DataLoader(only_ids, 64, num_workers=2) for one in batch["utterance_id"]]
    assert sorted(seen) == sorted(ids)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_the_torch_format_gives_tensors(m3ed: Any) -> None:
    import torch

    row = m3ed["train"].with_format("torch")[0]
    assert isinstance(row["audio"], torch.Tensor)
    np.testing.assert_array_equal(row["audio"].numpy(), np.asarray(m3ed["train"][0]["audio"]))

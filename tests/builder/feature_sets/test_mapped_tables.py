"""A set as a dataset: mapped from files that are written once."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotalk_data._whole_file import LEFT_OVER
from emotalk_data.builder.feature_sets import mapped_tables
from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.errors import CacheWriteError, OptionError
from emotalk_data.schemas.feature_shard import Level

from ...feature_shards import SPEC, D, Row, make_rows, write_set, write_shard
from .some_rows import IDS, LEVELS, ROWS, rows_of

# Counts what Arrow takes of memory. It has to live as long as the last table that was made with it.
COUNTED = pa.proxy_memory_pool(pa.default_memory_pool())


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_a_dataset_has_the_columns_of_the_shards_with_their_types(
    tmp_path: Path, levels: tuple[Level, ...], storage: str
) -> None:
    write_set(tmp_path, ROWS, SPEC.model_copy(update={"storage": storage}), levels)
    dataset = open_store(tmp_path).dataset()
    vector, strings = (
        datasets.List(datasets.Value(storage), length=D),
        datasets.List(datasets.Value("string")),
    )
    of_frames = {
        "tiny_hubert_frames": datasets.List(vector),
        "tiny_hubert_seconds": datasets.List(datasets.Value("float32")),
    }
    assert dataset.features == datasets.Features(
        {
            "utterance_id": datasets.Value("string"),
            **({"tiny_hubert": vector} if "utterance" in levels else {}),
            **(of_frames if "frame" in levels else {}),
            "notes": strings,
            "error": datasets.Value("string"),
            "input_digest": datasets.Value("string"),
        }
    )
    assert dataset.column_names == pq.read_schema(next(tmp_path.glob("data/*.parquet"))).names
    for found, row in zip(dataset, ROWS, strict=True):
        assert found["error"] == row.error
        for name in set(found) & {"tiny_hubert", "tiny_hubert_frames"}:
            assert (found[name] is None) == (row.frames is None)


def test_a_dataset_is_mapped_from_files_that_are_found_again(store: FeatureStore, tmp_path: Path) -> None:
    first = store.dataset(cache_dir=tmp_path / "mapped")
    files = {path: path.stat().st_ino for path in (tmp_path / "mapped").rglob("*.arrow")}
    assert len(files) == 4  # two splits, frames apart
    assert {Path(one["filename"]) for one in first.cache_files} == set(files)
    again = store.dataset("train", cache_dir=tmp_path / "mapped")
    assert {path: path.stat().st_ino for path in files} == files
    assert again.split == "train"
    assert again[:] == first.select(range(14))[:]
    assert len(pickle.dumps(again)) < 20_000  # paths, and no rows
    assert store.dataset("train")._fingerprint == again._fingerprint


def test_the_frames_are_not_written_for_who_wants_vectors(store: FeatureStore, tmp_path: Path) -> None:
    dataset = store.dataset(level="utterance", cache_dir=tmp_path / "mapped")
    assert "tiny_hubert_frames" not in dataset.column_names
    assert not [path for path in (tmp_path / "mapped").rglob("*.arrow") if "-frame-" in path.name]
    assert store.dataset(level="frame").column_names == [
        "utterance_id",
        "tiny_hubert_frames",
        "tiny_hubert_seconds",
        "notes",
        "error",
        "input_digest",
    ]


def test_a_mapped_file_that_was_cut_is_written_again(store: FeatureStore, tmp_path: Path) -> None:
    content = store.dataset("train", cache_dir=tmp_path)[:]
    for path in tmp_path.rglob("*.arrow"):
        whole = path.read_bytes()
        for size in (0, len(whole) // 2, len(whole) - 9):
            path.write_bytes(whole[:size])
            assert store.dataset("train", cache_dir=tmp_path)[:] == content
            assert path.read_bytes() == whole
        # Cut between two batches, it reads without an error.
        with pa.ipc.open_stream(whole) as reader, pa.ipc.new_stream(str(path), reader.schema) as writer:
            writer.write_batch(reader.read_next_batch())
        assert store.dataset("train", cache_dir=tmp_path)[:] == content
        assert path.read_bytes() == whole


def test_what_a_killed_writer_left_is_taken_away(store: FeatureStore, tmp_path: Path) -> None:
    left = tmp_path / "emotalk_features" / "tiny_hubert" / ".train.arrow.0123.writing"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    store.dataset(cache_dir=tmp_path)
    assert not list(tmp_path.rglob(LEFT_OVER))


def test_a_set_whose_shard_changed_is_mapped_anew(folder: Path, tmp_path: Path) -> None:
    before = open_store(folder).dataset("train", cache_dir=tmp_path / "mapped")
    mended = [row if row.error is None else make_rows([row.utterance_id])[0] for row in ROWS[:14]]
    write_set(folder, mended)
    after = open_store(folder).dataset("train", cache_dir=tmp_path / "mapped")
    assert before[3]["tiny_hubert"] is None
    assert after[3]["tiny_hubert"] is not None
    assert before._fingerprint != after._fingerprint


def test_the_same_record_with_other_numbers_is_mapped_anew(folder: Path, tmp_path: Path) -> None:
    path = folder / "data" / "test-00000-of-00002.parquet"
    before = open_store(folder)
    assert before.dataset("test", cache_dir=tmp_path)[0]["tiny_hubert"] is not None
    others = [row if row.frames is None else row._replace(frames=row.frames + 1) for row in ROWS[14:18]]
    write_shard(path, before.shards_of("test")[0].record, others)
    after = open_store(folder)
    assert after.records == before.records
    assert others[0].frames is not None
    found = after.dataset("test", cache_dir=tmp_path)[0]["tiny_hubert"]
    assert np.allclose(found, others[0].frames.mean(0))


def test_threads_that_ask_at_once_write_a_file_once(
    store: FeatureStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    write = mapped_tables._write

    def counted(path: Path, *args: Any) -> None:
        written.append(path.name)
        write(path, *args)

    monkeypatch.setattr(mapped_tables, "_write", counted)
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(store.dataset("test", cache_dir=tmp_path)[:]))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert all(one == found[0] for one in found)
    assert len(written) == len(set(written)) == 2


def test_a_set_larger_than_memory_is_mapped_a_row_group_at_a_time(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"num_dims": 1024})
    rng = np.random.default_rng(0)
    rows = [Row(one, rng.normal(size=(250, 1024)).astype("float32")) for one in IDS]
    write_set(tmp_path / "set", rows, spec, rows_per_shard=8)
    store = open_store(tmp_path / "set")
    before = pa.default_memory_pool()
    pa.set_memory_pool(COUNTED)
    try:
        dataset = store.dataset(cache_dir=tmp_path / "mapped")
        joined = store.join(rows_of(), cache_dir=tmp_path / "mapped")
    finally:
        pa.set_memory_pool(before)
    assert dataset.data.nbytes > 20 << 20
    assert COUNTED.max_memory() < 12 << 20
    assert rows[21].frames is not None
    assert np.array_equal(joined.with_format("numpy")[21]["tiny_hubert_frames"], rows[21].frames)


def test_a_disk_that_takes_no_more_is_a_typed_error(folder: Path, tmp_path: Path) -> None:
    code = (
        "import resource, sys; from emotalk_data.builder.feature_sets.opening import open_store\n"
        "from emotalk_data.errors import CacheWriteError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))\n"
        "try:\n    open_store(sys.argv[1]).dataset(cache_dir=sys.argv[2])\n"
        "except CacheWriteError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(tmp_path / "mapped")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "cannot write" in done.stdout, done.stderr
    assert "give another cache_dir" in done.stdout
    assert not [path for path in (tmp_path / "mapped").rglob("*") if path.is_file()]


@pytest.mark.parametrize("cache_dir", [3, b"/tmp", "a\0b", "~no-such-user/cache"])
def test_a_cache_that_cannot_be_is_a_typed_error(store: FeatureStore, cache_dir: Any) -> None:
    with pytest.raises(OptionError, match=r"cache_dir is .*(expected the path of a folder|no such user)"):
        store.dataset(cache_dir=cache_dir)


def test_a_cache_that_may_not_be_written_is_a_typed_error(store: FeatureStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheWriteError, match=r"cannot write .*Not a directory.*another cache_dir"):
        store.dataset(cache_dir=tmp_path / "file")

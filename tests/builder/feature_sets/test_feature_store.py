"""A folder of features: what opens, what is refused, and that features stand beside the right rows."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data._whole_file import LEFT_OVER
from emotalk_data.builder.feature_sets import join, mapped_tables
from emotalk_data.builder.feature_sets.join import ABSENT
from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.errors import CacheCorruptError, CacheWriteError, OptionError
from emotalk_data.features.running.shard_file import ShardRow, write_shard_file
from emotalk_data.schemas.feature_shard import FOOTER_KEY, Level, ShardRecord
from emotalk_data.schemas.feature_spec import TextSpec

from ...feature_shards import BOTH, SPEC, D, Row, make_rows, write_set

IDS = [f"G00001_01_{number:02d}_001" for number in range(22)]
TEXT = TextSpec(name="clean/tiny-hubert", model="example/tiny-bert", num_dims=D)
ROWS = make_rows(IDS, failed=[3, 9, 18])
# Counts what Arrow takes of memory. It has to live as long as the last table that was made with it.
COUNTED = pa.proxy_memory_pool(pa.default_memory_pool())
LEVELS: list[tuple[Level, ...]] = [("utterance",), ("frame",), BOTH]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of 14 rows of train in four shards and 8 of test in two; three rows are null."""
    write_set(tmp_path / "set", ROWS[:14])
    write_set(tmp_path / "set", ROWS[14:], split="test")
    return tmp_path / "set"


@pytest.fixture
def store(folder: Path) -> FeatureStore:
    return open_store(folder)


def rows_of(ids: Sequence[str] = IDS, **columns: Any) -> datasets.Dataset:
    """A dataset that knows of each row where it should be."""
    table = {"utterance_id": pa.array(ids, pa.string()), "place": pa.array(range(len(ids)), pa.int64())}
    return datasets.Dataset(pa.table(table | columns))


def copied(value: Any) -> Any:
    """Send something to another process, and back."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301  # our own bytes


def check_joined(joined: datasets.Dataset, rows: Sequence[Row] = ROWS, *, dtype: str = "float32") -> None:
    """Compare every row of a joined dataset with what was written for its id."""
    truth = {row.utterance_id: row for row in rows}
    for found in joined:
        row = truth[found["utterance_id"]]
        assert found["tiny_hubert_error"] == row.error
        if row.frames is None:
            assert found["tiny_hubert"] is None
            assert found["tiny_hubert_frames"] is None
            assert found["tiny_hubert_seconds"] is None
            continue
        frames = np.array(found["tiny_hubert_frames"], dtype)
        assert np.array_equal(frames, row.frames.astype(dtype))
        assert len(found["tiny_hubert_seconds"]) == len(frames)
        assert np.array_equal(
            np.array(found["tiny_hubert"], dtype),
            row.frames.astype(dtype).mean(0, dtype="float32").astype(dtype),
        )


# What opens


def test_an_opened_set_says_what_it_is_and_what_became_of_its_rows(store: FeatureStore) -> None:
    assert store.spec == SPEC
    assert store.levels == BOTH
    assert store.corpus == "emotalk"
    assert store.num_dims == D
    assert store.splits == ("train", "test")
    assert store.is_complete
    assert store.ids() == tuple(IDS)
    assert store.ids("test") == tuple(IDS[14:])
    assert [record.number for record in store.records] == [0, 1, 2, 3, 0, 1]
    counts = store.counts
    assert (counts.made, counts.missing, counts.failed) == (19, 1, 2)
    assert counts.rows == store.num_rows == len(ROWS)
    assert counts.frames == sum(len(row.frames) for row in ROWS if row.frames is not None)
    assert store.counts_of("train") + store.counts_of("test") == counts
    assert store.errors == tuple(row.error for row in ROWS)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_a_row_is_read_as_it_was_written(tmp_path: Path, levels: tuple[Level, ...], storage: str) -> None:
    spec = SPEC.model_copy(update={"storage": storage})
    write_set(tmp_path, ROWS, spec, levels)
    store = open_store(tmp_path)
    for one_by_one, in_order, row in zip(map(store.row, IDS), store.rows(), ROWS, strict=True):
        for found in (one_by_one, in_order):
            assert (found.utterance_id, found.split, found.error) == (row.utterance_id, "train", row.error)
            assert found.notes == row.notes
            assert (found.pooled is None) == (row.frames is None or "utterance" not in levels)
            assert (found.frames is None) == (row.frames is None or "frame" not in levels)
            if found.frames is not None and row.frames is not None and found.seconds is not None:
                assert found.frames.dtype == storage
                assert np.array_equal(found.frames, row.frames.astype(storage))
                assert found.seconds.shape == (len(row.frames),)
            if found.pooled is not None:
                assert found.pooled.dtype == storage
                assert found.pooled.shape == (D,)


def test_a_shard_of_the_true_writer_is_read_as_it_was_written(tmp_path: Path) -> None:
    (path,) = write_set(tmp_path / "ours", ROWS, rows_per_shard=100)
    record = open_store(tmp_path / "ours").records[0]
    rows = [
        ShardRow(row.utterance_id, None, error=row.error, notes=row.notes)
        if row.frames is None
        else ShardRow(
            row.utterance_id,
            "0" * 32,
            notes=row.notes,
            pooled=row.frames.mean(0),
            frames=row.frames,
            seconds=np.arange(len(row.frames), dtype=np.float32),
            num_frames=len(row.frames),
        )
        for row in ROWS
    ]
    (tmp_path / "theirs" / "data").mkdir(parents=True)
    write_shard_file(tmp_path / "theirs" / "data" / path.name, record, rows)
    for found, row in zip(open_store(tmp_path / "theirs").rows(), rows, strict=True):
        assert (found.utterance_id, found.error, found.notes) == (row.utterance_id, row.error, row.notes)
        for name in ("pooled", "frames", "seconds"):
            one, other = getattr(found, name), getattr(row, name)
            assert (one is None) == (other is None)
            assert one is None or np.array_equal(one, other)


def test_times_of_text_are_null(tmp_path: Path) -> None:
    write_set(tmp_path, ROWS, TEXT)
    assert open_store(tmp_path).row(IDS[0]).seconds is None


def test_what_a_killed_process_left_is_no_shard(folder: Path) -> None:
    (folder / "data" / ".train-00009-of-00010.parquet.1a2b.writing").write_bytes(b"PAR1 half")
    (folder / "features.json").write_text("{}")
    assert open_store(folder).num_rows == len(ROWS)


def test_an_opened_set_can_be_pickled_and_holds_no_file_open(folder: Path, open_files: Any) -> None:
    store = copied(open_store(folder))
    assert store.row(IDS[5]).frames is not None
    assert len(list(store.rows())) == len(ROWS)
    assert open_files() == []


# What is refused


def test_an_unfinished_set_says_how_many_rows_are_missing(folder: Path) -> None:
    (folder / "data" / "train-00001-of-00004.parquet").unlink()
    with pytest.raises(OptionError, match=r"not finished: 4 rows of train are missing \(1 of 4 shards\)"):
        open_store(folder)
    store = open_store(folder, allow_unfinished=True)
    assert not store.is_complete
    assert store.ids("train") == (*IDS[:4], *IDS[8:14])
    assert store.row(IDS[8]).frames is not None


def test_nobody_knows_how_many_rows_the_last_shard_would_have(folder: Path) -> None:
    (folder / "data" / "train-00003-of-00004.parquet").unlink()
    (folder / "data" / "test-00000-of-00002.parquet").unlink()
    expected = (
        r"up to 4 rows of train are missing \(1 of 4 shards\); 4 rows of test are missing \(1 of 2 shards\)"
    )
    with pytest.raises(OptionError, match=expected):
        open_store(folder)


@pytest.mark.parametrize("num_kept", [0, 3, 100, -200, -1])
def test_a_shard_that_was_cut_is_named_with_what_to_do(folder: Path, num_kept: int) -> None:
    path = folder / "data" / "train-00002-of-00004.parquet"
    path.write_bytes(path.read_bytes()[:num_kept])
    expected = "train-00002-of-00004.parquet' cannot be used.*Remove that file.* it makes only this shard"
    with pytest.raises(CacheCorruptError, match=expected) as caught:
        open_store(folder)
    assert caught.value.path == str(path)


def test_a_flipped_bit_is_noticed_when_its_page_is_read(tmp_path: Path) -> None:
    rows = make_rows(IDS, num_dims=64)
    spec = SPEC.model_copy(update={"num_dims": 64})
    (path,) = write_set(tmp_path, rows, spec, rows_per_shard=100)
    store = open_store(tmp_path)
    content = bytearray(path.read_bytes())
    assert rows[10].frames is not None
    place = content.index(rows[10].frames.tobytes())
    content[place + 7] ^= 4
    path.write_bytes(content)
    store = open_store(tmp_path)  # the vectors are not looked at yet
    assert store.row(IDS[0]).frames is not None
    for read in (lambda: store.row(IDS[10]), lambda: list(store.rows()), store.dataset):
        with pytest.raises(CacheCorruptError, match=r"train-00000-of-00001.parquet' cannot be used.*CRC"):
            read()


def test_a_shard_that_was_written_anew_meanwhile_is_not_mixed_with_the_old_one(folder: Path) -> None:
    store = open_store(folder)
    write_set(folder, [row._replace(notes=("other",)) for row in ROWS[:14]])
    with pytest.raises(CacheCorruptError, match="was written anew since the set was opened"):
        store.row(IDS[0])
    assert open_store(folder).row(IDS[0]).notes == ("other",)


OTHER_MODEL = SPEC.model_copy(update={"revision": "b1"})


@pytest.mark.parametrize(
    ("spec", "levels", "changes", "expected"),
    [
        (OTHER_MODEL, BOTH, {}, "its revision is 'b1', other than in train-00000"),
        (SPEC, ("frame",), {}, r"it has \['frame'\], other than in"),
        (SPEC, BOTH, {"corpus": "m3ed"}, "it is of m3ed, other than in"),
    ],
)
def test_shards_of_two_sets_in_one_folder_are_refused(
    folder: Path, spec: Any, levels: tuple[Level, ...], changes: dict[str, Any], expected: str
) -> None:
    write_set(folder, make_rows(["G00009_01_01_001"]), spec, levels, split="validation", **changes)
    with pytest.raises(CacheCorruptError, match=f"'validation-00000-of-00001.parquet' in .*{expected}"):
        open_store(folder)


def test_shards_of_two_plans_are_refused(folder: Path) -> None:
    write_set(folder, ROWS[:14], rows_per_shard=7)
    with pytest.raises(CacheCorruptError, match=r"one of [24] shards, and .* one of [24]"):
        open_store(folder)


def test_an_utterance_that_is_there_twice_is_refused(folder: Path) -> None:
    write_set(folder, ROWS[4:5], split="validation")
    with pytest.raises(CacheCorruptError, match=r"'G00001_01_04_001' is in it, and in .*\.parquet too"):
        open_store(folder)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"start": 3}, "its rows begin at 3, and its split begins at 0"),
        ({"number": 7, "total": 4}, "it is number 7 of 4, counted from 0"),
    ],
)
def test_a_shard_out_of_its_place_is_refused(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    (path,) = write_set(tmp_path, ROWS[:4], **changes)
    path.rename(
        path.with_name(f"train-{changes.get('number', 0):05d}-of-{changes.get('total', 1):05d}.parquet")
    )
    with pytest.raises(CacheCorruptError, match=expected):
        open_store(tmp_path, allow_unfinished=True)


def test_overlapping_shards_are_refused(tmp_path: Path) -> None:
    paths = write_set(tmp_path, ROWS[:8])
    write_set(tmp_path / "other", make_rows(IDS[10:14]), number=1, total=2, start=3)
    (tmp_path / "other" / "data" / "train-00000-of-00001.parquet").rename(paths[1])
    with pytest.raises(CacheCorruptError, match=r"its rows begin at 3, and those of .* end at 4"):
        open_store(tmp_path)


def _rewritten(path: Path, **fields: Any) -> None:
    """Write a shard again with another footer, unchecked."""
    table = pq.read_table(path)
    values = json.loads(pq.read_metadata(path).metadata[FOOTER_KEY.encode()]) | fields
    pq.write_table(table.replace_schema_metadata({FOOTER_KEY: json.dumps(values)}), path)


COUNTS = {"made": 5, "missing": 0, "failed": 0, "noted": 0, "frames": 9}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"num_rows": 5, "counts": COUNTS}, "it has 4 rows, and its footer says 5"),
        ({"counts": COUNTS | {"made": 4}}, "1 of its rows have a reason, and its footer says 0"),
        ({"num_rows": 9}, "the counts do not add up"),
        ({"version": 2}, "version: .*a later version may have written it"),
        ({"split": "test"}, "it was written as test-00000-of-00004.parquet, and has another name"),
        ({"levels": ["frame"]}, "its columns are not those of its footer"),
        ({"spec": {**SPEC.model_dump(mode="json"), "num_dims": 5}}, "expected vectors of 5 numbers"),
    ],
)
def test_a_footer_that_does_not_fit_its_rows_is_refused(
    folder: Path, fields: dict[str, Any], expected: str
) -> None:
    _rewritten(folder / "data" / "train-00000-of-00004.parquet", **fields)
    with pytest.raises(CacheCorruptError, match=expected):
        open_store(folder)


def test_other_parquet_files_are_no_shards(folder: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), folder / "data" / "train-00004-of-00005.parquet")
    with pytest.raises(CacheCorruptError, match="its footer has no 'emotalk-features'"):
        open_store(folder)


def test_a_folder_without_a_set_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no feature set at .*No such file"):
        open_store(tmp_path / "nowhere")
    (tmp_path / "data").mkdir()
    with pytest.raises(OptionError, match=r"no shard is there. Expected a folder with data/\*\.parquet"):
        open_store(tmp_path)
    with pytest.raises(OptionError, match="the set is 3; expected the path of a folder"):
        open_store(3)  # type: ignore[arg-type]


def test_an_unknown_utterance_split_or_level_is_refused(tmp_path: Path) -> None:
    write_set(tmp_path, ROWS, levels=("utterance",))
    store = open_store(tmp_path)
    with pytest.raises(
        OptionError, match=r"has no utterance 'G00009_01_01_001'; it has 22 of train, 'G00001"
    ):
        store.row("G00009_01_01_001")
    with pytest.raises(OptionError, match=r"split is 'dev'; expected one of \['train'\]"):
        store.dataset("dev")
    with pytest.raises(OptionError, match=r"level is 'frame', and the set .* has \['utterance'\]"):
        store.dataset(level="frame")


def test_a_page_that_says_it_has_fewer_numbers_is_noticed(tmp_path: Path) -> None:
    """The head of a page has no checksum: with four numbers less, the last row lost its last frame."""
    for name, spec in (("audio", SPEC), ("text", TEXT)):
        (path,) = write_set(tmp_path / name, ROWS[4:8], spec, rows_per_group=4)
        num_numbers = sum(row.frames.size for row in ROWS[4:8] if row.frames is not None)
        content = path.read_bytes()
        there, less = (bytes([0x15, 2 * number, 0x15, 0x00]) for number in (num_numbers, num_numbers - D))
        assert content.count(there) == 1
        path.write_bytes(content.replace(there, less))
        store = open_store(tmp_path / name)
        with pytest.raises(CacheCorruptError, match=r"frames, and its footer says|one time for each frame"):
            list(store.rows())


@given(st.binary(min_size=1, max_size=40), st.floats(0, 1, exclude_max=True))
def test_damage_anywhere_is_the_right_rows_or_one_typed_error(
    tmp_path_factory: pytest.TempPathFactory, patch: bytes, where: float
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    (path,) = write_set(folder, ROWS[:4])
    content = bytearray(path.read_bytes())
    place = int(where * len(content))
    content[place : place + len(patch)] = patch[: len(content) - place]
    path.write_bytes(content)
    try:
        store = open_store(folder, allow_unfinished=True)
        frames = [row.frames for row in store.rows()]
    except (CacheCorruptError, OptionError):
        return
    for found, row in zip(frames, ROWS[:4], strict=True):
        assert (found is None) == (row.frames is None)
        assert found is None or row.frames is None or np.array_equal(found, row.frames)


# As a dataset


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


def test_a_cache_that_may_not_be_written_is_a_typed_error(store: FeatureStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheWriteError, match=r"cannot write .*Not a directory.*another cache_dir"):
        store.dataset(cache_dir=tmp_path / "file")


# Beside the rows of a dataset


def test_features_stand_beside_the_rows_of_any_selection_and_order(store: FeatureStore) -> None:
    whole = rows_of()
    for ds in (
        whole,
        whole.select([7]),
        whole.select([5, 3, 3, 21, 14]),
        whole.shuffle(seed=1),
        whole.filter(lambda place: place % 3 == 0, input_columns="place"),
        rows_of(IDS[::-1]),
        rows_of([IDS[4], IDS[4], IDS[18]]),
        datasets.concatenate_datasets([whole.select(range(14, 22)), whole.select(range(14))]),
        whole.select([]),
    ):
        joined = store.join(ds)
        assert joined.column_names == [
            *ds.column_names,
            "tiny_hubert",
            "tiny_hubert_frames",
            "tiny_hubert_seconds",
            "tiny_hubert_error",
        ]
        assert joined["place"] == ds["place"]
        check_joined(joined)


def test_nothing_of_the_dataset_is_copied_and_rows_in_order_are_mapped(store: FeatureStore) -> None:
    whole = rows_of()
    ds = whole.shuffle(seed=2)
    joined = store.join(ds)
    assert joined._indices.table.equals(ds._indices.table)
    table, own = joined.data.table.column("place"), whole.data.table.column("place")
    assert table.chunk(0).buffers()[1].address == own.chunk(0).buffers()[1].address
    assert {Path(one["filename"]).suffix for one in joined.cache_files} == {".arrow"}
    assert not [one for one in joined.cache_files if "joined" in one["filename"]]
    check_joined(copied(joined))


@pytest.mark.parametrize("is_small", [True, False])
def test_rows_in_another_order_are_brought_into_it(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_small: bool
) -> None:
    monkeypatch.setattr(join, "_MAX_STRETCHES", 3)
    monkeypatch.setattr(join, "_BLOCK_BYTES", 300)
    monkeypatch.setattr(join, "_MAX_MEMORY_BYTES", 1 << 20 if is_small else 0)
    order = np.random.default_rng(3).permutation(len(IDS))
    ds = rows_of([*(IDS[number] for number in order), "G00009_01_01_001"])
    with pytest.raises(OptionError, match="1 of 23 rows are not in the set"):
        store.join(ds)
    joined = store.join(ds.select(range(22)), cache_dir=tmp_path)
    check_joined(joined)
    files = list(tmp_path.rglob("joined-*.arrow"))
    assert len(files) == (0 if is_small else 2)
    inodes = [path.stat().st_ino for path in files]
    check_joined(copied(store.join(ds.select(range(22)).shuffle(seed=1), cache_dir=tmp_path)))
    assert [path.stat().st_ino for path in files] == inodes
    assert list(tmp_path.rglob("joined-*.arrow")) == files


@given(st.lists(st.integers(0, 24), max_size=40), st.data())
def test_any_rows_get_their_own_features_or_a_null_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-rows"
    if not folder.exists():
        write_set(folder, ROWS[:14])
        write_set(folder, ROWS[14:], split="test")
    ids = [IDS[number] if number < 22 else f"G00009_01_{number:02d}_001" for number in numbers]
    ds = rows_of(ids)
    if ids:
        ds = ds.select(data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=20)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "_MAX_STRETCHES", data.draw(st.sampled_from([0, 2, 64])))
        joined = open_store(folder).join(ds, missing="null")
    assert joined["utterance_id"] == ds["utterance_id"]
    absent = [Row(f"G00009_01_{number:02d}_001", None, ABSENT) for number in (22, 23, 24)]
    check_joined(joined, [*ROWS, *absent])


def test_a_row_that_the_set_does_not_know_is_refused_or_null_with_a_reason(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in folder.glob("data/test-*"):
        path.unlink()
    store = open_store(folder)
    expected = "8 of 22 rows are not in the set .*, 'G00001_01_14_001' first; it has 14 of train. Extract"
    with pytest.raises(OptionError, match=expected):
        store.join(rows_of())
    with caplog.at_level(logging.WARNING, "emotalk_data"):
        joined = store.join(rows_of(), missing="null")
    assert "8 of 22 rows are not in the set" in caplog.text
    check_joined(joined.select(range(14)))
    assert joined[14]["tiny_hubert_error"] == ABSENT
    assert joined[14]["tiny_hubert"] is joined[14]["tiny_hubert_frames"] is None
    check_joined(store.join(rows_of().select(range(14))))  # rows that are not selected do not matter
    with pytest.raises(OptionError, match="missing is 'skip'; expected 'error' or 'null'"):
        store.join(rows_of(), missing="skip")  # type: ignore[arg-type]


def test_a_level_alone_can_be_joined(store: FeatureStore, tmp_path: Path) -> None:
    joined = store.join(rows_of(), level="utterance", cache_dir=tmp_path)
    assert joined.column_names == ["utterance_id", "place", "tiny_hubert", "tiny_hubert_error"]
    assert not list(tmp_path.rglob("*-frame-*"))
    joined = store.join(rows_of(), level="frame")
    assert joined.column_names[2:] == ["tiny_hubert_frames", "tiny_hubert_seconds", "tiny_hubert_error"]


def test_a_name_that_is_taken_is_refused(store: FeatureStore) -> None:
    with pytest.raises(OptionError, match=r"has a column 'tiny_hubert' already, .*ds.rename_column"):
        store.join(store.join(rows_of()))
    renamed = store.join(rows_of(), level="utterance").rename_columns(
        {"tiny_hubert": "theirs", "tiny_hubert_error": "their_error"}
    )
    check_joined(store.join(renamed))


def test_rows_of_the_other_corpus_are_refused(store: FeatureStore) -> None:
    ds = rows_of(["anjia_1_1"], series=pa.array(["anjia"]))
    with pytest.raises(OptionError, match="is of emotalk, and the dataset is m3ed"):
        store.join(ds)


@pytest.mark.parametrize(
    ("ds", "expected"),
    [
        (datasets.Dataset.from_dict({"id": ["a"]}), "no column 'utterance_id', by which features are found"),
        (datasets.Dataset.from_dict({"utterance_id": [1]}), "'utterance_id' is .*int64.*; expected strings"),
        (rows_of().to_iterable_dataset(), "the data is a IterableDataset; expected a Dataset, or a dict"),
        ([{"utterance_id": IDS[0]}], "the data is a list; expected a Dataset"),
    ],
)
def test_what_is_no_dataset_of_utterances_is_refused(store: FeatureStore, ds: Any, expected: str) -> None:
    with pytest.raises(OptionError, match=expected):
        store.join(ds)


def test_rows_without_an_id_are_not_in_the_set(store: FeatureStore) -> None:
    ds = datasets.Dataset.from_dict({"utterance_id": [IDS[0], None]})
    with pytest.raises(OptionError, match=r"1 of 2 rows are not in the set .*, None first"):
        store.join(ds)


def test_each_split_of_a_dict_is_joined(store: FeatureStore) -> None:
    splits = datasets.DatasetDict({"a": rows_of(IDS[3:]), "b": rows_of(IDS[:3])})
    joined = store.join(splits)
    assert isinstance(joined, datasets.DatasetDict)
    assert list(joined) == ["a", "b"]
    for split in joined.values():
        check_joined(split)


def test_the_fingerprint_of_a_join_changes_with_the_set(folder: Path) -> None:
    ds = rows_of()
    before = open_store(folder).join(ds)
    assert open_store(folder).join(ds)._fingerprint == before._fingerprint
    write_set(folder, make_rows(IDS[:14], seed=1))
    assert open_store(folder).join(ds)._fingerprint != before._fingerprint


def test_joined_features_are_arrays_in_numpy_format(store: FeatureStore) -> None:
    seen = store.join(rows_of()).with_format("numpy")[1]
    assert seen["tiny_hubert"].dtype == np.float32
    assert seen["tiny_hubert_frames"].shape == (2, D)


def test_a_record_of_the_layout_round_trips(store: FeatureStore) -> None:
    for record in store.records:
        assert ShardRecord.model_validate_json(record.model_dump_json()) == record

"""Feature sets: the documented layouts are clean, and each damage is found at its row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from emotalk_data.builder.feature_sets.shards import open_shard
from emotalk_data.errors import ReleaseNotFoundError
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.encoder_spec import EncoderSpec
from emotalk_data.schemas.feature_spec import CallableSpec, OpensmileSpec, TextSpec
from emotalk_data.validation.inputs import kind_of
from emotalk_data.validation.tables.features import validate_feature_set

from ..feature_shards import SPEC as OWN_SPEC
from ..feature_shards import make_rows, write_set, write_shard
from .table_files import FRAMES, SPEC, features, write

BADCORPUS = Path(__file__).parents[3] / "shared" / "badcorpus"
GOOD = [[1, 2, 3, 4], [4, 3, 2, 1]]
OTHER_IDS = ["G00002_01_08_004", "G00002_01_08_006"]


def _report(path: Path) -> Report:
    report = Report("emotalk")
    validate_feature_set(path, report)
    report.check()
    return report


def _found(report: Report) -> list[tuple[str, str]]:
    return [(one.code, one.json_path) for one in report.problems()]


def _of(tmp_path: Path, *args: Any, **options: Any) -> list[tuple[str, str]]:
    return _found(_report(write(tmp_path / "part-00000.parquet", features(*args, **options))))


# What is right


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
@pytest.mark.parametrize("dtype", [pa.float16(), pa.float32()])
@pytest.mark.parametrize("num_dims", [1, 7])
def test_frames_and_vectors_of_an_utterance_are_clean(
    tmp_path: Path, suffix: str, dtype: pa.DataType, num_dims: int
) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(30, num_dims)).astype("float16" if dtype == pa.float16() else "float32")
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(numbers.ravel(), dtype), num_dims)
    lengths = [0, 3, 10, 12, 30]
    frames = pa.ListArray.from_arrays(pa.array(lengths, pa.int32()), vectors)
    rows = {
        "utterance_id": pa.array([f"G00002_01_07_{n:03d}" for n in range(4)]),
        "wavlm-FRA": frames,
        "wavlm-UTT": vectors.slice(5, 4),
    }
    path = write(tmp_path / f"part-00000{suffix}", pa.table(rows).replace_schema_metadata(SPEC))
    assert kind_of(path) == "features"
    report = _report(path)
    assert _found(report) == []
    assert report.counts["rows"] == 4


def test_a_failed_row_is_null_with_a_reason(tmp_path: Path) -> None:
    assert _of(tmp_path, [None, GOOD], errors=["AudioError: cut", None]) == []
    assert _of(tmp_path, [None, GOOD], errors=["", None]) == [("FS-NULL-001", "row[0].hubert")]
    rows = features([None, GOOD]).rename_columns(["utterance_id", "hubert", "hubert_reason"])
    rows = rows.set_column(2, "hubert_reason", pa.array(["cut", "cut"]))
    report = _report(write(tmp_path / "part-00000.parquet", rows.replace_schema_metadata(SPEC)))
    assert _found(report) == [("FS-NULL-002", "row[1].hubert")]


def test_ids_of_m3ed_are_ids(tmp_path: Path) -> None:
    assert _of(tmp_path, ids=["anjia_1_2", "anjia_1_3"]) == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"model": "m", "revision": "r"},
        {"model_id": "m", "model_revision": "r"},
        {"spec": json.dumps({"encoder": {"model": {"id": 1, "model": "m"}, "revision": "r"}})},
    ],
)
def test_model_and_revision_are_found_wherever_the_metadata_has_them(
    tmp_path: Path, metadata: dict[str, str]
) -> None:
    assert _of(tmp_path, metadata=metadata) == []


# What is wrong

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("values", "code", "row"),
    [
        ([GOOD, [[1, NAN, 3, 4]], GOOD], "FS-VALUE-001", 1),
        ([[[1, 1, 3, 4], [1, 2, 3, INF]], GOOD], "FS-VALUE-001", 0),
        ([GOOD, GOOD, [[-INF, 2, 3, 4]]], "FS-VALUE-001", 2),
        ([GOOD, [[0, 0, 0, 0]], GOOD], "FS-VALUE-002", 1),
        ([GOOD, [], GOOD], "FS-EMPTY-001", 1),
        ([GOOD, None, GOOD], "FS-NULL-001", 1),
    ],
)
def test_each_damage_is_found_at_its_row(tmp_path: Path, values: list[Any], code: str, row: int) -> None:
    assert _of(tmp_path, values) == [(code, f"row[{row}].hubert")]


def test_one_frame_of_zeros_is_no_failure(tmp_path: Path) -> None:
    assert _of(tmp_path, [[[0, 0, 0, 0], [1, 0, 0, 0]], GOOD]) == []


def test_a_null_number_is_found(tmp_path: Path) -> None:
    values = [[[1, None, 3, 4]], GOOD]
    assert _of(tmp_path, values, type_=pa.list_(pa.list_(pa.float32(), 4))) == [
        ("FS-VALUE-001", "row[0].hubert")
    ]


@pytest.mark.parametrize("dtype", [pa.float32(), pa.float64()])
def test_vectors_of_any_length_are_taken_where_all_have_one(tmp_path: Path, dtype: pa.DataType) -> None:
    frames, vectors = pa.list_(pa.list_(dtype)), pa.list_(dtype)
    assert _of(tmp_path, [GOOD, GOOD], type_=frames) == [("FS-COLUMN-003", "hubert")]
    assert _of(tmp_path, [[1, 2], [3, 4]], type_=vectors) == [("FS-COLUMN-003", "hubert")]
    assert _of(tmp_path, [GOOD, [[1, 2, 3, 4], [1, 2, 3]]], type_=frames) == [("FS-DIM-001", "row[1].hubert")]
    assert _of(tmp_path, [[1, 2], [3], None], type_=vectors, errors=[None, None, "cut"]) == [
        ("FS-DIM-001", "row[1].hubert")
    ]


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ([None, "G00002_01_07_001"], [("FS-ID-001", "row[0].utterance_id")]),
        (["G00002_01_07_001", "x.wav"], [("FS-ID-001", "row[1].utterance_id")]),
        (["anjia_1_1", "anjia_1_1"], [("FS-DUP-001", "row[1].utterance_id")]),
    ],
)
def test_ids_are_there_well_formed_and_once(tmp_path: Path, ids: list[Any], found: list[Any]) -> None:
    assert _of(tmp_path, ids=ids) == found


def test_a_set_without_ids_says_so_once(tmp_path: Path) -> None:
    path = write(tmp_path / "part-00000.parquet", features().drop_columns(["utterance_id"]))
    assert _found(_report(path)) == [("FS-COLUMN-001", "utterance_id")]


# Shards


def test_shards_are_one_set(tmp_path: Path) -> None:
    write(tmp_path / "part-00000.parquet", features())
    write(tmp_path / "part-00001.parquet", features(ids=[*OTHER_IDS]))
    assert _found(_report(tmp_path)) == []
    write(tmp_path / "part-00002.parquet", features(ids=[OTHER_IDS[0], "anjia_1_1"]))
    (problem,) = _report(tmp_path).problems()
    assert (problem.code, problem.file, problem.utterance_id) == (
        "FS-DUP-001",
        "part-00002.parquet",
        OTHER_IDS[0],
    )


def test_a_shard_that_differs_is_named(tmp_path: Path) -> None:
    write(tmp_path / "part-00000.parquet", features())
    narrow = features([[1, 2, 3, 4], [1, 2, 3, 4]], ids=[*OTHER_IDS], type_=pa.list_(pa.float32(), 4))
    write(tmp_path / "part-00001.parquet", narrow)
    renamed = narrow.rename_columns(["utterance_id", "wavlm", "error"])
    ids = pa.array(["anjia_1_1", "anjia_1_2"])
    renamed = renamed.set_column(0, "utterance_id", ids).replace_schema_metadata(SPEC)
    write(tmp_path / "part-00002.parquet", renamed)
    assert [(one.code, one.file, one.json_path) for one in _report(tmp_path).problems()] == [
        ("FS-COLUMN-002", "part-00001.parquet", "hubert"),
        ("FS-COLUMN-002", "part-00002.parquet", "hubert"),
        ("FS-COLUMN-002", "part-00002.parquet", "wavlm"),
    ]


def test_ragged_vectors_across_shards_are_found(tmp_path: Path) -> None:
    loose = pa.list_(pa.float32())
    write(tmp_path / "part-00000.parquet", features([[1, 2], [3, 4]], type_=loose))
    write(tmp_path / "part-00001.parquet", features([[1], [3]], type_=loose, ids=[*OTHER_IDS]))
    assert _found(_report(tmp_path)) == [("FS-DIM-001", "row[0].hubert"), ("FS-DIM-001", "row[1].hubert")]


def test_a_damaged_shard_leaves_the_others_to_be_read(tmp_path: Path) -> None:
    write(tmp_path / "part-00000.parquet", features(), cut_bytes=11)
    write(tmp_path / "part-00001.parquet", features([GOOD, [[0, 0, 0, 0]]]))
    assert [(one.code, one.file) for one in _report(tmp_path).problems()] == [
        ("FS-FILE-001", "part-00000.parquet"),
        ("FS-VALUE-002", "part-00001.parquet"),
    ]


def test_an_empty_shard_is_fine_and_an_empty_folder_cannot_be_validated(tmp_path: Path) -> None:
    assert _of(tmp_path, [], type_=FRAMES) == []
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ReleaseNotFoundError, match="no Parquet or Arrow file"):
        _report(tmp_path / "nothing")


def test_hostile_names_of_columns_are_escaped(tmp_path: Path) -> None:
    rows = features([[[0, 0, 0, 0]], GOOD]).rename_columns(["utterance_id", "a\x1b[2J" + "x" * 500, "error"])
    report = _report(write(tmp_path / "part-00000.parquet", rows.replace_schema_metadata(SPEC)))
    assert report.num_by_code() == {"FS-VALUE-002": 1}
    assert all("\x1b" not in one.json_path and len(str(one)) < 500 for one in report.problems())


@pytest.mark.skipif(not BADCORPUS.exists(), reason="the collection of damaged files is not here")
def test_the_ragged_file_of_the_collection_is_refused() -> None:
    path = BADCORPUS / "arrow" / "ragged_feature.parquet"
    assert kind_of(path) == "features"
    assert {"FS-COLUMN-001", "FS-DIM-001"} <= set(_report(path).num_by_code())


# What this package writes


OWN_IDS = [f"G00002_01_07_{number:03d}" for number in range(1, 15)]
OWN_ROWS = make_rows(OWN_IDS, failed=[2, 5])
OPENSMILE = OpensmileSpec(name="m3ed/is10", model="IS10_paraling_compat", num_dims=4)
FUNCTION = CallableSpec(
    name="loudness", model="loudness", input="audio", num_dims=4, params={"source_digest": "1" * 32}
)
TEXT = TextSpec(name="clean/tiny-bert", model="example/tiny-bert", revision="a0", num_dims=4)


@pytest.mark.parametrize("levels", [("utterance",), ("frame",), ("utterance", "frame")])
@pytest.mark.parametrize("spec", [OWN_SPEC, TEXT, OPENSMILE, FUNCTION])
@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_a_set_of_ours_is_clean(tmp_path: Path, spec: EncoderSpec, levels: Any, storage: str) -> None:
    spec = spec.model_copy(update={"storage": storage})
    libraries: dict[str, Any] = {"libraries": {"opensmile": "2.6.0"}}
    write_set(tmp_path, OWN_ROWS[:8], spec, levels, **libraries)
    write_set(tmp_path, OWN_ROWS[8:], spec, levels, split="test", **libraries)
    (tmp_path / "features.json").write_text("{}")
    (tmp_path / "data" / ".train-00009-of-00010.parquet.1a2b.writing").write_bytes(b"PAR1 half")
    assert kind_of(tmp_path) == "features"
    report = _report(tmp_path)
    assert _found(report) == []
    assert report.counts["rows"] == len(OWN_ROWS)


def test_weights_of_a_plain_folder_are_known_by_their_digest(tmp_path: Path) -> None:
    digest = OWN_SPEC.model_copy(update={"revision": None, "weights_digest": "1" * 32})
    write_set(tmp_path / "digest", OWN_ROWS, digest)
    assert _found(_report(tmp_path / "digest")) == []
    write_set(
        tmp_path / "none", OWN_ROWS, digest.model_copy(update={"weights_digest": None}), rows_per_shard=99
    )
    assert _found(_report(tmp_path / "none")) == [("FS-META-001", "metadata")]


def test_shards_of_two_specs_are_two_sets(tmp_path: Path) -> None:
    write_set(tmp_path, OWN_ROWS[:4])
    other = OWN_SPEC.model_copy(update={"layers": (-2,)})
    write_set(tmp_path, OWN_ROWS[4:8], other, split="test")
    assert [(one.code, one.file, one.json_path) for one in _report(tmp_path).problems()] == [
        ("FS-META-002", "data/train-00000-of-00001.parquet", "metadata.spec_digest")
    ]


def test_a_missing_shard_of_ours_is_found_by_the_others(tmp_path: Path) -> None:
    write_set(tmp_path, OWN_ROWS)[1].unlink()
    (problem,) = _report(tmp_path).problems()
    assert (problem.code, problem.file) == ("FS-FILE-003", "data/train-00000-of-00004.parquet")


def _timed(tmp_path: Path, frames: list[Any], seconds: list[Any]) -> list[tuple[str, str]]:
    errors = ["cut" if one is None else None for one in frames]
    rows = features(frames, errors=errors)
    columns = dict(zip(["utterance_id", "hubert_frames", "error"], rows.columns, strict=True))
    columns["hubert_seconds"] = pa.array(seconds, pa.list_(pa.float32()))
    table = pa.table(columns).replace_schema_metadata(SPEC)
    return _found(_report(write(tmp_path / "part-00000.parquet", table)))


def test_times_fit_their_frames(tmp_path: Path) -> None:
    frames = [GOOD, None, GOOD, GOOD]
    assert _timed(tmp_path, frames, [[0.01, 0.03], None, [0.5, 0.5], None]) == []
    for seconds in ([0.01], [0.1, 0.2, 0.3], [], [0.1, NAN], [0.1, None], [INF, INF], [0.3, 0.1]):
        found = _timed(tmp_path, frames, [[0.01, 0.03], None, seconds, [0.1, 0.2]])
        assert found == [("FS-TIME-001", "row[2].hubert_seconds")]
    assert _timed(tmp_path, frames, [None, [0.1], None, None]) == [("FS-TIME-001", "row[1].hubert_seconds")]
    assert _timed(tmp_path, [GOOD, GOOD], [[0.3, 0.4], [0.1, 0.2]]) == []  # each row has a clock of its own


def test_seconds_without_frames_are_vectors_like_any_other(tmp_path: Path) -> None:
    rows = features([[1, 2], [3, 4]], type_=pa.list_(pa.float32(), 2))
    rows = rows.rename_columns(["utterance_id", "pause_seconds", "error"]).replace_schema_metadata(SPEC)
    path = write(tmp_path / "part-00000.parquet", rows)
    assert kind_of(path) == "features"
    assert _found(_report(path)) == []


# What only a set of our own can be asked


def _own(folder: Path) -> Path:
    write_set(folder, make_rows([f"G00001_01_{number:02d}_001" for number in range(8)], failed=[3]))
    return folder


def test_a_set_that_does_not_open_is_not_clean(tmp_path: Path) -> None:
    folder = _own(tmp_path)
    assert _found(_report(folder)) == []
    first, second = sorted(folder.glob("data/*"))
    first.rename(folder / "data" / "x")
    second.rename(first)
    (folder / "data" / "x").rename(second)
    (problem,) = _report(folder).problems()
    assert problem.code == "FS-FILE-001"
    assert problem.file == "data/train-00000-of-00002.parquet"
    assert "it was written as train-00001-of-00002.parquet, and has another name" in problem.found


def test_a_split_that_was_planned_and_is_not_there_is_missing(tmp_path: Path) -> None:
    folder = _own(tmp_path)
    plan = {"train": {"num_rows": 8, "num_shards": 2}, "test": {"num_rows": 5, "num_shards": 2}}
    (folder / "plan.json").write_text(json.dumps({"version": 1, "splits": plan}))
    (problem,) = _report(folder).problems()
    assert (problem.code, problem.file) == ("FS-FILE-003", "plan.json")
    assert problem.found == "5 rows of test are missing (2 of 2 shards)"
    (folder / "plan.json").write_text("{")
    (problem,) = _report(folder).problems()
    assert (problem.code, problem.file) == ("FS-FILE-001", "plan.json")


def test_frames_that_are_not_as_many_as_the_footer_says_are_found(tmp_path: Path) -> None:
    rows = make_rows([f"G00001_01_{number:02d}_001" for number in range(4)])
    (path,) = write_set(tmp_path, rows)
    record = open_shard(path).record
    counts = record.counts.model_copy(update={"frames": record.counts.frames + 1})
    write_shard(path, record.model_copy(update={"counts": counts}), rows)
    (problem,) = _report(tmp_path).problems()
    assert (problem.code, problem.found) == ("FS-FILE-001", "damaged: 10 frames")
    assert problem.expected == "11, as its footer says"

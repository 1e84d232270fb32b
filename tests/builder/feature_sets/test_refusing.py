"""A folder of features: what is damaged, missing or of another set is refused, and named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.vectors import vectors_by_id
from emotalk_data.errors import CacheCorruptError, OptionError
from emotalk_data.schemas.feature_shard import FOOTER_KEY, Level

from ...feature_shards import BOTH, SPEC, D, make_rows, write_set, write_shard
from .some_rows import IDS, ROWS, TEXT


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


FIVE = SPEC.model_copy(update={"num_dims": 5})
COUNTS = {"made": 5, "missing": 0, "failed": 0, "noted": 0, "frames": 9}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"num_rows": 5, "counts": COUNTS}, "it has 4 rows, and its footer says 5"),
        ({"counts": COUNTS | {"made": 4}}, "1 of its rows have a reason, .* and its footer says 0 and 0"),
        ({"num_rows": 9}, "the counts do not add up"),
        ({"version": 2}, "version: .*a later version may have written it"),
        ({"split": "test"}, "it was written as test-00000-of-00004.parquet, and has another name"),
        ({"levels": ["frame"]}, "its columns are not those of its footer"),
        (
            {"spec": FIVE.model_dump(mode="json"), "spec_digest": FIVE.digest()},
            "expected vectors of 5 numbers",
        ),
        ({"spec": OTHER_MODEL.model_dump(mode="json")}, "its spec is other than its spec_digest says"),
        ({"counts": COUNTS | {"made": 3, "failed": 1}}, "1 of them `missing`, and its footer says 1 and 0"),
    ],
)
def test_a_footer_that_does_not_fit_its_rows_is_refused(
    folder: Path, fields: dict[str, Any], expected: str
) -> None:
    _rewritten(folder / "data" / "train-00000-of-00004.parquet", **fields)
    with pytest.raises(CacheCorruptError, match=expected):
        open_store(folder)


@pytest.mark.parametrize(
    "change",
    [{"frames": None}, {"error": "encoder: it raised an error"}],
    ids=["neither features nor a reason", "both"],
)
def test_a_row_with_both_features_and_a_reason_or_neither_is_refused(
    folder: Path, change: dict[str, Any]
) -> None:
    path = folder / "data" / "train-00001-of-00004.parquet"
    record = open_store(folder).records[1]
    failed = 1 if "error" in change else 0
    counts = record.counts.model_copy(update={"made": 4 - failed, "failed": failed})
    rows = [*ROWS[4:7], ROWS[7]._replace(**change)]
    write_shard(path, record.model_copy(update={"counts": counts}), rows)
    store = open_store(folder)
    assert store.row(IDS[4]).frames is not None
    for read in (lambda: store.row(IDS[7]), store.dataset, lambda: vectors_by_id(store)):
        with pytest.raises(CacheCorruptError, match="row 3 has both features and a reason, or neither"):
            read()


def test_rows_that_would_fill_the_memory_are_refused_before_they_are_read(tmp_path: Path) -> None:
    (path,) = write_set(tmp_path, ROWS[:1])
    num_rows = 2_000_000
    _rewritten(path, num_rows=num_rows, counts=COUNTS | {"made": 0, "failed": num_rows})
    with pytest.raises(CacheCorruptError, match="it has 1 rows, and its footer says 2,000,000"):
        open_store(tmp_path)
    schema = pq.read_schema(path)
    ids = pa.array(["x"], pa.string()).take(pa.array(np.zeros(num_rows, np.int8)))
    nulls = {field.name: pa.nulls(0, field.type) for field in schema}
    small = pa.table(nulls, schema=schema)
    with pq.ParquetWriter(path, schema) as writer:
        writer.write_table(small)
        for start in range(0, num_rows, 100_000):
            columns = [
                ids[start : start + 100_000]
                if field.name == "utterance_id"
                else pa.nulls(100_000, field.type)
                for field in schema
            ]
            writer.write_table(pa.table(columns, schema=schema))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(CacheCorruptError, match="too many"):
        open_store(tmp_path)


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
    with pytest.raises(OptionError, match="the set is '~no-such-user/set', and there is no such user"):
        open_store("~no-such-user/set")


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
    with pytest.raises(
        OptionError, match="level is 'frames'; expected 'utterance', 'frame', or None for both"
    ):
        store.dataset(level="frames")  # type: ignore[arg-type]


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

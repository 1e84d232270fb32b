from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest

from emotalk_data.errors import CacheCorruptError, OptionError
from emotalk_data.features.feature_set import FeatureSet
from emotalk_data.hub.staging.feature_shards import LEFT_OUT_REASON
from emotalk_data.hub.staging.stage import stage
from emotalk_data.schemas.feature_shard import FOOTER_KEY, Level
from tests.feature_shards import BOTH, SPEC, D, Row, make_rows, write_set

IDS = [f"G00002_01_11_{number:03d}" for number in range(10)]
OTHERS = [f"G00001_01_02_{number:03d}" for number in range(3)]


def make_set(folder: Path, levels: tuple[Level, ...] = BOTH, rows: Sequence[Row] | None = None) -> Path:
    """A set of ten rows of train in three shards, two of them null, and three of validation."""
    write_set(folder, rows or make_rows(IDS, failed=(3, 5)), levels=levels)
    write_set(folder, make_rows(OTHERS, seed=1), levels=levels, split="validation")
    return folder


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def load(folder: Path, tmp_path: Path, **options: Any) -> datasets.DatasetDict:
    """Open the shards of a config with plain `datasets`, which is told their splits and nothing of types."""
    splits = sorted({path.name.partition("-")[0] for path in (folder / "data").iterdir()})
    files = {split: str(folder / f"data/{split}-*.parquet") for split in splits}
    return datasets.load_dataset(
        "parquet", data_files=files, cache_dir=str(tmp_path / "cache" / folder.name), **options
    )


def test_a_set_of_both_levels_becomes_two_configs_that_are_sets_themselves(tmp_path: Path) -> None:
    original = FeatureSet.open(make_set(tmp_path / "set"))
    staged = stage(tmp_path / "set", tmp_path / "out")
    assert [config.name for config in staged.configs] == ["tiny_hubert", "tiny_hubert_frames"]
    vectors, frames = (FeatureSet.open(tmp_path / "out" / config.name) for config in staged.configs)
    assert (vectors.levels, frames.levels) == (("utterance",), ("frame",))
    for opened in (vectors, frames):
        assert opened.store.ids() == original.store.ids()
        assert opened.store.errors == original.store.errors
        assert opened.counts == original.counts
        assert opened.spec == original.spec
        assert opened.store.is_complete
        assert opened.store.plan is not None
    for row, vector, frame in zip(
        original.store.rows(), vectors.store.rows(), frames.store.rows(), strict=True
    ):
        assert vector.notes == frame.notes == row.notes
        if row.pooled is None or row.frames is None:
            assert vector.pooled is None
            assert frame.frames is None
            continue
        assert vector.pooled is not None
        assert frame.frames is not None
        assert frame.seconds is not None
        np.testing.assert_array_equal(vector.pooled, row.pooled)
        np.testing.assert_array_equal(frame.frames, row.frames)
        np.testing.assert_array_equal(frame.seconds, row.seconds)
        assert vector.frames is None
        assert frame.pooled is None


def test_the_config_says_what_is_in_it(tmp_path: Path) -> None:
    staged = stage(make_set(tmp_path / "set"), tmp_path / "out")
    vectors, frames = staged.configs
    assert vectors.kind == "features"
    assert vectors.corpus == "emotalk"
    assert dict(vectors.num_rows) == {"train": 10, "validation": 3}
    assert (vectors.counts["train"].made, vectors.counts["train"].missing, vectors.counts["train"].failed) == (
        8, 1, 1,
    )  # fmt: skip
    assert [path.relative_to(staged.folder).as_posix() for path in vectors.shards] == [
        "tiny_hubert/data/train-00000-of-00003.parquet",
        "tiny_hubert/data/train-00001-of-00003.parquet",
        "tiny_hubert/data/train-00002-of-00003.parquet",
        "tiny_hubert/data/validation-00000-of-00001.parquet",
    ]
    assert [path.name for path in vectors.other_files] == ["plan.json", "features.json"]
    assert set(tree(staged.folder)) == {
        path.relative_to(staged.folder).as_posix()
        for config in staged.configs
        for path in (*config.shards, *config.other_files)
    }
    assert vectors.facts["Encoder"] == SPEC.model
    assert vectors.facts["Revision of the encoder"] == SPEC.revision
    assert vectors.facts["Kept"] == "a vector an utterance"
    assert frames.facts["Kept"] == "a vector a frame"
    assert vectors.notes == ()
    assert [record.levels for record in frames.records] == [("frame",)] * 4


def test_plain_datasets_opens_the_shards_with_stock_types(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    original = FeatureSet.open(folder)
    staged = stage(folder, tmp_path / "out")
    for config in staged.configs:
        loaded = load(staged.folder / config.name, tmp_path)
        assert {split: part.num_rows for split, part in loaded.items()} == dict(config.num_rows)
        assert loaded["train"].features == config.features
        for split in config.splits:
            for row, stored in zip(loaded[split], original.store.rows(split), strict=True):
                values = stored.pooled if config.levels == ("utterance",) else stored.frames
                name = "tiny_hubert" if config.levels == ("utterance",) else "tiny_hubert_frames"
                assert row[name] == (None if values is None else values.tolist())
                assert (row["utterance_id"], row["error"]) == (stored.utterance_id, stored.error)
                assert tuple(row["notes"]) == stored.notes
    vector = datasets.List(datasets.Value("float32"), length=D)
    assert staged.configs[0].features["tiny_hubert"] == vector
    assert staged.configs[1].features["tiny_hubert_frames"] == datasets.List(vector)


def test_the_shards_are_written_with_checksums_and_say_nothing_of_our_types(tmp_path: Path) -> None:
    staged = stage(make_set(tmp_path / "set"), tmp_path / "out")
    for path in (path for config in staged.configs for path in config.shards):
        assert pq.read_schema(path).metadata is None  # `datasets` types the columns by itself
        assert set(pq.read_metadata(path).metadata) == {b"ARROW:schema", FOOTER_KEY.encode()}
        content = bytearray(path.read_bytes())
        middle = content.find(b"G0000")
        assert middle > 0
        content[middle + 1] ^= 1
        damaged = path.with_name("damaged.parquet")
        damaged.write_bytes(content)
        with (
            pytest.raises(OSError, match="CRC checksum"),
            pq.ParquetFile(damaged, page_checksum_verification=True) as file,
        ):
            file.read(columns=["utterance_id"])


@pytest.mark.parametrize(
    ("levels", "name"), [(("utterance",), "tiny_hubert"), (("frame",), "tiny_hubert_frames")]
)
def test_shards_of_a_set_with_one_level_are_the_very_files(
    tmp_path: Path, levels: tuple[Level, ...], name: str
) -> None:
    folder = make_set(tmp_path / "set", levels)
    (config,) = stage(folder, tmp_path / "out").configs
    assert config.name == name
    for path in config.shards:
        original = folder / "data" / path.name
        assert path.read_bytes() == original.read_bytes()
        assert path.stat().st_ino == original.stat().st_ino  # a link: no second copy on the disk


def test_the_shards_are_copied_where_the_disk_knows_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_set(tmp_path / "set", ("utterance",))

    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (config,) = stage(folder, tmp_path / "out").configs
    for path in config.shards:
        assert path.read_bytes() == (folder / "data" / path.name).read_bytes()
        assert path.stat().st_nlink == 1


@pytest.mark.parametrize(
    ("levels", "names"),
    [
        (("utterance",), ["tiny_hubert"]),
        (("frame",), ["tiny_hubert_frames"]),
        (("frame", "utterance"), ["tiny_hubert", "tiny_hubert_frames"]),
    ],
)
def test_levels_choose_what_is_staged(tmp_path: Path, levels: tuple[Level, ...], names: list[str]) -> None:
    staged = stage(make_set(tmp_path / "set"), tmp_path / "out", levels=levels)
    assert [config.name for config in staged.configs] == names
    assert sorted(path.name for path in staged.folder.iterdir()) == sorted(names)


def test_a_level_that_the_set_has_not_is_refused(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", ("utterance",))
    with pytest.raises(OptionError, match=r"level is 'frame', and the set .* has \['utterance'\]"):
        stage(folder, tmp_path / "out", levels=("frame",))
    with pytest.raises(OptionError, match="levels is 'token'"):
        stage(folder, tmp_path / "out", levels=("token",))  # type: ignore[arg-type]  # what the test is about
    assert not (tmp_path / "out").exists()


def test_vectors_alone_are_the_bytes_of_a_set_that_was_made_without_frames(tmp_path: Path) -> None:
    staged = stage(make_set(tmp_path / "both"), tmp_path / "out", levels=("utterance",))
    again = stage(staged.folder / "tiny_hubert", tmp_path / "again")
    assert tree(again.folder) == tree(staged.folder)


def test_the_same_set_gives_the_same_bytes(tmp_path: Path) -> None:
    make_set(tmp_path / "one")
    make_set(tmp_path / "other")
    assert tree(stage(tmp_path / "one", tmp_path / "a").folder) == tree(
        stage(tmp_path / "other", tmp_path / "b").folder
    )


def test_a_reason_that_names_a_path_is_left_out_and_counted(tmp_path: Path) -> None:
    rows = make_rows(IDS, failed=(3, 5))
    rows[5] = rows[5]._replace(error="unreadable: cannot open '/home/me/EmotionTalk/x.wav'")
    rows[1] = rows[1]._replace(notes=("cut at 10 s", "taken from C:\\data\\x.wav"))
    rows[3] = rows[3]._replace(error="missing: nothing at file:///mnt/x")
    folder = make_set(tmp_path / "set", ("utterance",), rows)
    (config,) = stage(folder, tmp_path / "out").configs
    opened = FeatureSet.open(tmp_path / "out" / config.name)
    stored = {row.utterance_id: row for row in opened.store.rows()}
    assert stored[IDS[5]].error == f"unreadable: {LEFT_OUT_REASON}"
    assert stored[IDS[3]].error == f"missing: {LEFT_OUT_REASON}"
    assert stored[IDS[1]].notes == ("cut at 10 s", LEFT_OUT_REASON)
    assert opened.counts == FeatureSet.open(folder).counts
    assert [note[:25] for note in config.notes] == ["2 of the values of `error", "1 of the values of `notes"]
    for path in (tmp_path / "out").rglob("*.*"):
        assert b"/home/me" not in path.read_bytes()
        assert b"C:\\data" not in path.read_bytes()


def test_shards_without_a_path_keep_their_bytes_beside_one_that_is_cleaned(tmp_path: Path) -> None:
    rows = make_rows(IDS, failed=(3, 5))
    rows[5] = rows[5]._replace(error="encoder: failed in /opt/x/y.py")
    folder = make_set(tmp_path / "set", ("utterance",), rows)
    (config,) = stage(folder, tmp_path / "out").configs
    changed = [
        path.name for path in config.shards if path.read_bytes() != (folder / "data" / path.name).read_bytes()
    ]
    assert changed == ["train-00001-of-00003.parquet"]


def test_an_unfinished_set_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set")
    (folder / "data/train-00001-of-00003.parquet").unlink()
    with pytest.raises(OptionError, match="is not finished: 4 rows of train are missing"):
        stage(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("levels", [BOTH, ("utterance",)])
def test_a_damaged_page_is_an_error_that_names_the_file(tmp_path: Path, levels: tuple[Level, ...]) -> None:
    folder = make_set(tmp_path / "set", levels)
    path = folder / "data/train-00001-of-00003.parquet"
    content = bytearray(path.read_bytes())
    vector = next(row.pooled for row in FeatureSet.open(folder).store.rows() if row.utterance_id == IDS[6])
    assert vector is not None
    content[content.index(vector.tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(CacheCorruptError, match=r"train-00001-of-00003\.parquet.* cannot be used"):
        stage(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_set_that_says_nothing_of_its_plan_gets_one(tmp_path: Path) -> None:
    (config, _) = stage(make_set(tmp_path / "set"), tmp_path / "out").configs
    plan = json.loads((tmp_path / "out" / config.name / "plan.json").read_text())
    assert plan["splits"] == {
        "train": {"num_rows": 10, "num_shards": 3},
        "validation": {"num_rows": 3, "num_shards": 1},
    }


def test_the_modules_are_those_that_the_room_lists() -> None:
    room = importlib.import_module("emotalk_data.hub.staging")
    assert room.__file__ is not None
    assert room.__doc__ is not None
    names = {path.stem for path in Path(room.__file__).parent.glob("[!_]*.py")}
    assert names == {line.split()[0] for line in room.__doc__.splitlines() if line.startswith("    ")}

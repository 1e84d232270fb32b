from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotalk_data.errors import (
    CacheCorruptError,
    CacheWriteError,
    OptionError,
    PublishRefusedError,
    SchemaError,
)
from emotalk_data.hub.staging.stage import stage
from emotalk_data.schemas.split_file import SplitFile, load_split_file
from tests.feature_shards import BOTH, SPEC, make_rows, write_set

IDS = [f"G00002_01_11_{number:03d}" for number in range(6)]


def make_set(folder: Path, name: str = "clean/tiny-hubert") -> Path:
    write_set(folder, make_rows(IDS), SPEC.model_copy(update={"name": name}), levels=("utterance",))
    return folder


def make_splits(path: Path) -> Path:
    SplitFile(
        corpus="emotalk", name="ours", folds=[{"splits": {"train": ["G00002_01"], "test": ["G00003_01"]}}]
    ).save(path)
    return path


def make_tables(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        pq.write_table(
            pa.table({"id": [f"{name}-{row}" for row in range(number + 1)], "x": [0.5] * (number + 1)}),
            folder / name,
        )
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_set(tmp_path / "set")


def test_a_split_file_is_staged_as_it_is_beside_a_table(tmp_path: Path) -> None:
    path = make_splits(tmp_path / "folds.json")
    (config,) = stage(path, tmp_path / "out").configs
    assert (config.name, config.kind, config.corpus) == ("folds", "splits", "emotalk")
    (beside,) = config.other_files
    assert beside == tmp_path / "out/folds/splits.json"
    assert beside.read_bytes() == path.read_bytes()
    assert load_split_file(beside).digest == config.facts["Digest of the splits"]
    table = pq.read_table(config.shards[0])
    assert table.to_pydict() == {
        "fold": [0, 0],
        "split": ["train", "test"],
        "dialogue_id": ["G00002_01", "G00003_01"],
    }
    assert config.features == datasets.Features(
        {
            "fold": datasets.Value("int32"),
            "split": datasets.Value("string"),
            "dialogue_id": datasets.Value("string"),
        }
    )


def test_a_file_that_is_no_split_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": 1}')
    with pytest.raises(SchemaError, match="is no split file"):
        stage(tmp_path / "x.json", tmp_path / "out")


def test_splits_of_other_tables_are_told_from_their_names(tmp_path: Path) -> None:
    names = (
        "test-00000-of-00001.parquet",
        "train_a.parquet",
        "train_b.parquet",
        "rest.parquet",
        "trainer.parquet",
    )
    folder = make_tables(tmp_path / "tables", *names)
    (config,) = stage(folder, tmp_path / "out").configs
    assert (config.name, config.kind, config.corpus) == ("tables", "unknown", None)
    assert dict(config.num_rows) == {"train": 4 + 2 + 3 + 5, "test": 1}
    assert [path.name for path in config.splits["train"]] == [
        f"train-{number:05d}-of-00004.parquet" for number in range(4)
    ]
    first = config.splits["train"][0]
    assert first.read_bytes() == (folder / "rest.parquet").read_bytes()


def test_tables_may_lie_in_a_folder_data(tmp_path: Path) -> None:
    make_tables(tmp_path / "tables/data", "train.parquet")
    (config,) = stage(tmp_path / "tables", tmp_path / "out").configs
    assert dict(config.num_rows) == {"train": 1}


def test_tables_of_different_columns_are_refused(tmp_path: Path) -> None:
    folder = make_tables(tmp_path / "tables", "train.parquet")
    pq.write_table(pa.table({"y": [1]}), folder / "test.parquet")
    with pytest.raises(OptionError, match=r"the columns of .*are not those of the other files"):
        stage(folder, tmp_path / "out")


def test_tables_without_rows_are_refused(tmp_path: Path) -> None:
    folder = make_tables(tmp_path / "tables", "train.parquet")
    pq.write_table(pa.table({"y": pa.array([], pa.int32())}), folder / "train.parquet")
    with pytest.raises(OptionError, match="holds no row"):
        stage(folder, tmp_path / "out")


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    folder = make_tables(tmp_path / "tables", "train.parquet")
    (folder / "test.parquet").write_bytes(b"PAR1 and nothing else PAR1")
    with pytest.raises(CacheCorruptError, match=r"test\.parquet"):
        stage(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_columns_that_plain_datasets_does_not_know_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    table = pa.table({"x": pa.array([1])}).replace_schema_metadata(
        {"huggingface": '{"info": {"features": {"x": {"_type": "NobodysFeature"}}}}'}
    )
    pq.write_table(table, folder / "train.parquet")
    with pytest.raises(OptionError, match=r"plain `datasets` cannot open .*NobodysFeature"):
        stage(folder, tmp_path / "out")


def test_several_sources_are_configs_in_their_order(tmp_path: Path) -> None:
    sets = [
        make_set(tmp_path / "b", "clean/beta"),
        make_splits(tmp_path / "folds.json"),
        make_set(tmp_path / "a"),
    ]
    staged = stage(sets, tmp_path / "out")
    assert [config.name for config in staged.configs] == ["beta", "folds", "tiny_hubert"]
    assert sorted(path.name for path in staged.folder.iterdir()) == ["beta", "folds", "tiny_hubert"]


def test_a_mapping_names_the_configs(tmp_path: Path, source: Path) -> None:
    staged = stage({"hubert.base-1": source, "other": source}, tmp_path / "out")
    assert [config.name for config in staged.configs] == ["hubert.base-1", "other"]


@pytest.mark.parametrize("names", [("x", "X"), ("x_frames", "X")])
def test_names_that_differ_in_case_alone_are_refused(
    tmp_path: Path, source: Path, names: tuple[str, str]
) -> None:
    both = tmp_path / "both"
    write_set(both, make_rows(IDS))
    with pytest.raises(
        OptionError, match=r"two configs would be called '[xX](_frames)?' and '[xX](_frames)?'"
    ):
        stage(dict(zip(names, (source, both), strict=True)), tmp_path / "out")


def test_two_sets_of_one_column_need_names(tmp_path: Path, source: Path) -> None:
    with pytest.raises(OptionError, match=r"two configs would be called 'tiny_hubert': .* Name them"):
        stage([source, make_set(tmp_path / "other")], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name",
    ["", ".hidden", "-x", "a/b", "..", "a b", "é", "x" * 96, "readme.MD", "croissant.json", "a\n", "a\0"],
)
def test_a_name_that_the_hub_cannot_hold_is_refused(tmp_path: Path, source: Path, name: str) -> None:
    with pytest.raises(OptionError, match=r"would be called .*expected letters"):
        stage({name: source}, tmp_path / "out")


def test_levels_are_of_feature_sets(tmp_path: Path, source: Path) -> None:
    splits = make_splits(tmp_path / "folds.json")
    assert len(stage([source, splits], tmp_path / "out", levels=("utterance",)).configs) == 2
    with pytest.raises(OptionError, match="no feature set was given"):
        stage(splits, tmp_path / "other", levels=("utterance",))
    with pytest.raises(OptionError, match="levels is empty"):
        stage(source, tmp_path / "other", levels=())


@pytest.mark.parametrize("given", [[], {}, 5, None, [5], {"x": None}, {1: "x"}, "a\0b", b"x"])
def test_what_is_no_path_is_refused(tmp_path: Path, given: object) -> None:
    with pytest.raises(OptionError, match="expected"):
        stage(given, tmp_path / "out")  # type: ignore[arg-type]  # what the test is about


def test_what_is_not_there_or_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"there is nothing to publish at .*No such file"):
        stage(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(OptionError, match="nothing that can be published is at"):
        stage(tmp_path / "empty", tmp_path / "out")
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(OptionError, match="nothing that can be published is at"):
        stage(tmp_path / "x.parquet", tmp_path / "out")


def test_source_and_staging_folder_lie_apart(tmp_path: Path, source: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    for folder in (source, source / "out", tmp_path, tmp_path / "link" / "set" / "out"):
        with pytest.raises(OptionError, match="lie inside of each other"):
            stage(source, folder)


def test_the_staging_folder_has_to_be_empty(tmp_path: Path, source: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("keep")
    with pytest.raises(OptionError, match="is there and not empty"):
        stage(source, tmp_path / "out")
    assert (tmp_path / "out/mine").read_text() == "keep"


def _link_out(folder: Path, outside: Path) -> None:
    shard = next((folder / "data").iterdir())
    shutil.move(shard, outside)
    shard.symlink_to(outside)


def _link_data(folder: Path, outside: Path) -> None:
    shutil.move(folder / "data", outside)
    (folder / "data").symlink_to(outside)


def _link_plan(folder: Path, outside: Path) -> None:
    outside.write_text('{"version": 1, "splits": {"train": {"num_rows": 6, "num_shards": 2}}}')
    (folder / "plan.json").symlink_to(outside)


def _socket(folder: Path, _outside: Path) -> None:
    where = os.getcwd()
    os.chdir(folder / "data")  # the name of a socket may have 100 bytes
    try:
        socket.socket(socket.AF_UNIX).bind("x.parquet")
    finally:
        os.chdir(where)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (_link_out, "is a link"),
        (_link_data, "is a link"),
        (_link_plan, "is a link"),
        (lambda folder, _: os.mkfifo(folder / "data/x.parquet"), "is a device, pipe or socket"),
        (_socket, "is a device, pipe or socket"),
        (lambda folder, _: (folder / "data/.x.parquet").touch(), "is a hidden file"),
        (lambda folder, _: (folder / ".env").touch(), "is a hidden file"),
        (lambda folder, _: (folder / "clip.wav").touch(), "none of the files that are known here"),
        (lambda folder, _: (folder / "data/clip.wav").touch(), "none of the files that are known here"),
        (lambda folder, _: (folder / "media").mkdir(), "is a folder"),
        (lambda folder, _: (folder / "data/deeper").mkdir(), "is a folder"),
        (lambda folder, _: (folder / "README.md").symlink_to("/etc/hostname"), "is a link"),
    ],
)
def test_what_nobody_expects_in_a_source_is_refused(
    tmp_path: Path, source: Path, plant: Callable[[Path, Path], object], named: str
) -> None:
    plant(source, tmp_path / "outside")
    with pytest.raises(PublishRefusedError, match=rf"is not uploaded: it .*{named}"):
        stage(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_card_beside_a_set_is_left_out(tmp_path: Path, source: Path) -> None:
    for name in ("README.md", "croissant.json"):
        (source / name).write_text("mine")
    staged = stage(source, tmp_path / "out")
    assert not list(staged.folder.rglob("README.md"))
    assert not list(staged.folder.rglob("croissant.json"))


def test_a_link_to_the_source_itself_may_be_given(tmp_path: Path, source: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    assert stage(tmp_path / "link", tmp_path / "out").configs[0].num_rows["train"] == 6


@pytest.mark.parametrize("failing", ["link and copy", "mkdir", "fsync"])
def test_a_full_disk_is_an_error_of_ours_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    write_set(tmp_path / "set", make_rows(IDS), levels=("utterance",) if "link" in failing else BOTH)

    def full(*_args: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if failing == "mkdir":
        monkeypatch.setattr(Path, "mkdir", full)
    elif failing == "fsync":  # of shards that are written anew
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(os, "link", full)
        monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(CacheWriteError, match=r"cannot write .*No space left on device"):
        stage(tmp_path / "set", tmp_path / "out")
    monkeypatch.undo()
    assert not (tmp_path / "out").exists()


def test_a_folder_that_may_not_be_written_to_is_an_error_of_ours(tmp_path: Path, source: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheWriteError, match=r"cannot write .*Not a directory"):
        stage(source, tmp_path / "file" / "out")


def test_a_split_that_plain_datasets_cannot_hold_is_refused(tmp_path: Path) -> None:
    write_set(tmp_path / "set", make_rows(IDS), split="all")
    with pytest.raises(OptionError, match="has a split called 'all'"):
        stage(tmp_path / "set", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_set_without_features_is_refused(tmp_path: Path) -> None:
    write_set(tmp_path / "set", make_rows(IDS, failed=range(len(IDS))))
    with pytest.raises(OptionError, match="holds no features: all of its 6 rows are null"):
        stage(tmp_path / "set", tmp_path / "out")

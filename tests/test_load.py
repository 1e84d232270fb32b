from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from emotalk_data.builder.emotalk import EmotalkBuilder
from emotalk_data.errors import OptionError, ReleaseNotFoundError
from emotalk_data.load import find_release, load_dataset, load_dataset_builder
from emotalk_data.testing import (
    EmotalkSample,
    M3edSample,
    make_emotalk,
    make_fullsize_emotalk,
    make_m3ed,
    read_frame_number,
)

Load = Callable[..., Any]


@pytest.fixture(scope="module")
def emotalk(tmp_path_factory: pytest.TempPathFactory) -> EmotalkSample:
    return make_emotalk(tmp_path_factory.mktemp("emotalk"), num_utterances=18, oddities=False)


@pytest.fixture(scope="module")
def m3ed(tmp_path_factory: pytest.TempPathFactory) -> M3edSample:
    return make_m3ed(tmp_path_factory.mktemp("m3ed"), num_dialogues=4, episodes=False, oddities=False)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough utterances for several shards in every split."""
    return make_fullsize_emotalk(tmp_path_factory.mktemp("full"), num_utterances=1_500)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def load(emotalk: EmotalkSample, cache: Path) -> Load:
    return lambda **options: load_dataset("emotalk", data_dir=emotalk.root, cache_dir=cache, **options)


def _python(code: str, *args: object, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, args)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **env})
    assert result.returncode == 0, result.stderr
    return result


def _plain(dataset: Any) -> Any:
    """Take out the media, which compare by identity."""
    return dataset.remove_columns(["audio", "video"])


def test_the_signature_has_the_words_of_datasets() -> None:
    ours = inspect.signature(load_dataset).parameters
    theirs = inspect.signature(datasets.load_dataset).parameters
    assert set(ours) - set(theirs) == {
        *("episodes_dir", "feature_sets", "fold", "modalities", "on_invalid", "split_file")
    }
    assert list(ours)[:3] == list(theirs)[:3] == ["path", "name", "data_dir"]
    for name in set(ours) & set(theirs) - {"path"}:
        assert ours[name].default in (theirs[name].default, False if name == "keep_in_memory" else None)


@pytest.mark.parametrize("path", ["emotalk", "EmoTalk", "emotiontalk", "EmotionTalk", "BAAI/Emotiontalk"])
def test_emotiontalk_has_several_names(emotalk: EmotalkSample, cache: Path, path: str) -> None:
    ds = load_dataset(path, data_dir=emotalk.root, split="test", cache_dir=cache)
    assert sorted(ds["utterance_id"]) == emotalk.split_ids("test")


@pytest.mark.parametrize("path", ["m3ed", "M3ED", "RUCM3ED", "AIM3-RUC/RUCM3ED"])
def test_m3ed_has_several_names(m3ed: M3edSample, cache: Path, path: str) -> None:
    ds = load_dataset(path, "default", m3ed.root, split="test", cache_dir=cache)
    assert sorted(ds["utterance_id"]) == m3ed.split_ids("test")


def test_without_split_there_is_a_dict_of_the_three(emotalk: EmotalkSample, load: Load) -> None:
    ds = load()
    assert isinstance(ds, datasets.DatasetDict)
    assert list(ds) == ["train", "validation", "test"]
    for split in ds:
        assert ds[split].split == split
        assert sorted(ds[split]["utterance_id"]) == emotalk.split_ids(split)


def test_slices_and_sums_are_cut_from_the_splits(load: Load) -> None:
    ds = load()
    ids = {split: ds[split]["utterance_id"][:] for split in ds}
    assert load(split="test[2:]")["utterance_id"][:] == ids["test"][2:]
    assert load(split="train[-3:-1]")["utterance_id"][:] == ids["train"][-3:-1]
    tenth = load(split="train[:50%]")["utterance_id"][:]
    assert tenth == ids["train"][: round(len(ids["train"]) / 2)]
    assert load(split="train+test")["utterance_id"][:] == ids["train"] + ids["test"]
    assert load(split="all")["utterance_id"][:] == [one for split in ids for one in ids[split]]
    assert load(split=datasets.Split.TRAIN)["utterance_id"][:] == ids["train"]
    instruction = datasets.ReadInstruction("train", to=2, unit="abs")
    assert load(split=instruction)["utterance_id"][:] == ids["train"][:2]


def test_several_splits_come_as_a_list_or_under_names_of_ones_own(load: Load) -> None:
    one, two = load(split=["train[:1]", "test"])
    assert isinstance(two[0]["audio"].num_samples, int)
    named = load(split={"fit": "train+validation", "rest": "test"})
    assert isinstance(named, datasets.DatasetDict)
    assert list(named) == ["fit", "rest"]
    assert (len(one), named["rest"]["utterance_id"][:]) == (1, two["utterance_id"][:])


def test_a_slice_of_nothing_is_an_empty_dataset_with_all_columns(load: Load) -> None:
    empty = load(split="train[1000:]")
    assert len(empty) == 0
    assert empty.features == load(split="train").features


def test_a_release_in_part_has_the_three_splits_all_the_same(tmp_path: Path) -> None:
    root = make_m3ed(tmp_path / "m3ed", num_dialogues=1, audio=False, episodes=False, oddities=False).root
    options: dict[str, Any] = {"data_dir": root, "cache_dir": tmp_path / "cache"}
    ds = load_dataset("m3ed", **options)
    assert {split: len(ds[split]) > 0 for split in ds} == {"train": True, "validation": False, "test": False}
    assert ds["test"].features == ds["train"].features
    assert len(load_dataset("m3ed", split="test[:10%]", **options)) == 0
    assert len(load_dataset("m3ed", split="train+test", **options)) == len(ds["train"])
    streams = load_dataset("m3ed", streaming=True, **options)
    assert isinstance(streams, datasets.IterableDatasetDict)
    assert {split: len(list(streams[split])) for split in streams} == ds.num_rows


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "imagenet"}, r"no corpus 'imagenet'; expected 'emotalk' or 'm3ed'"),
        ({"path": None}, r"no corpus None; expected 'emotalk' or 'm3ed'"),
        ({"name": "audio"}, r"emotalk has no configuration 'audio'; expected 'default' or none"),
        ({"split": "dev"}, r"Unknown split \"dev\".*Splits are 'train', 'validation' and 'test'"),
        ({"split": "train[:10"}, r"train\[:10.*a slice such as 'train\[:10%\]'"),
        ({"split": "train[:200%]"}, r"Percent slice boundaries"),
        ({"split": "dev", "streaming": True}, r"Bad split: dev"),
        ({"split": "train[:2]", "streaming": True}, r"Bad split: train\[:2\].*use \.take\(\)"),
        ({"download_mode": "always"}, r"download_mode is 'always'; expected one of \['reuse_dataset_if"),
        ({"num_proc": 0}, r"num_proc is 0; expected 1 or more, or None"),
        ({"num_proc": "2"}, r"num_proc is '2'; expected 1 or more, or None"),
        ({"on_invalid": "skip"}, r"on_invalid is 'skip'; expected 'report', 'drop' or 'raise'"),
        ({"episodes_dir": "."}, r"episodes_dir belongs to M3ED"),
    ],
)
def test_an_option_that_cannot_be_is_named(
    emotalk: EmotalkSample, cache: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        load_dataset(**{"path": "emotalk", "data_dir": emotalk.root, "cache_dir": cache, **options})


def test_streams_give_the_rows_of_the_tables(emotalk: EmotalkSample, load: Load, tmp_path: Path) -> None:
    streams = load_dataset("emotalk", data_dir=emotalk.root, streaming=True, cache_dir=tmp_path / "unused")
    assert isinstance(streams, datasets.IterableDatasetDict)
    tables = load()
    for split in tables:
        assert list(_plain(streams[split])) == _plain(tables[split]).to_list()
    assert not list(tmp_path.rglob("*.arrow"))
    row = next(iter(streams["train"]))
    np.testing.assert_array_equal(row["audio"].decode(), tables["train"][0]["audio"].decode())
    truth = emotalk.by_id[row["utterance_id"]]
    assert read_frame_number(row["video"].frames(indices=[0])[0]) == truth.first_frame_number
    both = load(split="train+test", streaming=True)
    ids = [row["utterance_id"] for row in both.select_columns("utterance_id")]
    assert ids == tables["train"]["utterance_id"][:] + tables["test"]["utterance_id"][:]


def test_two_processes_build_the_same_table_as_one(full: Path, tmp_path: Path) -> None:
    one = load_dataset("emotalk", data_dir=full, cache_dir=tmp_path / "one")
    two = load_dataset("emotalk", data_dir=full, cache_dir=tmp_path / "two", num_proc=2)
    assert sum(one.num_rows.values()) == 1_500
    stream = load_dataset("emotalk", data_dir=full, split="train", streaming=True, cache_dir=tmp_path / "one")
    assert stream.num_shards > 3  # enough for workers to share
    for split in one:
        assert one[split].data.table.equals(two[split].data.table)
    reports = [
        load_dataset_builder("emotalk", data_dir=full, cache_dir=tmp_path / name).report().to_dict()
        for name in ("one", "two")
    ]
    assert reports[0] == reports[1]
    assert len(list((tmp_path / "two").rglob("emotalk-train-*-of-00002.arrow"))) == 2
    assert (
        load_dataset("emotalk", data_dir=full, cache_dir=tmp_path / "two", split="train[700:900]").num_rows
        == 200
    )


def test_keep_in_memory_copies_the_table(load: Load) -> None:
    mapped, copied = load(split="train"), load(split="train", keep_in_memory=True)
    assert mapped.cache_files
    assert copied.cache_files == []
    assert _plain(copied).to_list() == _plain(mapped).to_list()


@pytest.mark.parametrize("mode", ["force_redownload", datasets.DownloadMode.FORCE_REDOWNLOAD])
def test_force_redownload_builds_the_table_anew(load: Load, mode: Any) -> None:
    file = Path(load(split="train").cache_files[0]["filename"])
    before = file.stat().st_mtime_ns
    assert load(split="train").cache_files[0]["filename"] == str(file)
    assert file.stat().st_mtime_ns == before
    load(split="train", download_mode=mode)
    assert file.stat().st_mtime_ns > before


@pytest.mark.parametrize(
    ("corpus", "folder"),
    [
        ("emotalk", "emotalk"),
        ("emotalk", "EmotionTalk"),
        ("emotalk", "Emotiontalk"),
        ("m3ed", "m3ed"),
        ("m3ed", "M3ED"),
        ("m3ed", "RUCM3ED"),
    ],
)
def test_a_release_below_emotalk_home_is_found(
    corpus: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / folder).mkdir()
    monkeypatch.setenv("EMOTALK_HOME", str(tmp_path))
    assert find_release(corpus) == str(tmp_path / folder)
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    monkeypatch.setenv("EMOTALK_HOME", f"~/{tmp_path.name}")
    assert find_release(corpus) == str(tmp_path / folder)


def test_data_dir_wins_over_emotalk_home(
    emotalk: EmotalkSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "emotalk").mkdir()
    monkeypatch.setenv("EMOTALK_HOME", str(tmp_path))
    assert find_release("emotalk", emotalk.root) == str(emotalk.root)


@pytest.mark.parametrize("corpus", ["emotalk", "m3ed"])
def test_a_release_that_is_nowhere_is_an_error_that_lists_what_was_tried(
    corpus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"emotalk": "huggingface.co/datasets/BAAI/Emotiontalk", "m3ed": "github.com/AIM3-RUC/RUCM3ED"}
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.delenv("EMOTALK_HOME", raising=False)
    with pytest.raises(
        ReleaseNotFoundError, match=r"data_dir was not given, \$EMOTALK_HOME is not set, none was downloaded"
    ) as none:
        find_release(corpus)
    monkeypatch.setenv("EMOTALK_HOME", str(tmp_path))
    with pytest.raises(ReleaseNotFoundError, match=rf"EMOTALK_HOME .*has no folder {corpus}") as home:
        find_release(corpus)
    with pytest.raises(ReleaseNotFoundError, match=r"data_dir '.*/gone' does not exist") as gone:
        load_dataset(corpus, data_dir=tmp_path / "gone")
    for error in (none, home, gone):
        assert source[corpus] in str(error.value)
        assert f"`emotalk download {corpus}`" in str(error.value)
        assert " … " not in str(error.value)  # nothing of the message was cut


def test_m3ed_is_never_fetched_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("EMOTALK_HOME", raising=False)
    with pytest.raises(ReleaseNotFoundError, match=r"no M3ED release: .*`emotalk download m3ed`"):
        load_dataset("m3ed")


def test_a_home_directory_is_expanded(
    emotalk: EmotalkSample, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(emotalk.root.parent))
    ds = load_dataset("emotalk", data_dir=f"~/{emotalk.root.name}", split="test", cache_dir=cache)
    assert ds[0]["audio"]["path"].startswith(str(emotalk.root))


def test_relative_folders_stay_readable_from_elsewhere(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = make_m3ed(tmp_path / "m3ed", num_dialogues=1, oddities=False)
    monkeypatch.chdir(tmp_path)
    options: dict[str, Any] = {"data_dir": "m3ed", "split": "train", "cache_dir": cache}
    ds = load_dataset("m3ed", episodes_dir="m3ed/episodes", **options)
    stream = load_dataset("m3ed", episodes_dir=Path("m3ed/episodes"), streaming=True, **options)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for row in (ds[0], next(iter(stream))):
        truth = sample.by_id[row["utterance_id"]]
        assert row["audio"].decode().shape == (1, truth.num_samples)
        assert read_frame_number(row["video"].frames(indices=[0])[0]) == truth.first_frame_number


def test_the_cache_folder_of_datasets_is_used_and_its_progress_bars_are_obeyed(
    m3ed: M3edSample, full: Path, tmp_path: Path
) -> None:
    code = (
        "import sys, datasets\n"
        "from emotalk_data import load_dataset\n"
        "if sys.argv[2] == 'off': datasets.disable_progress_bars()\n"
        "ds = load_dataset('emotalk', data_dir=sys.argv[1], split='test')\n"
        "print(ds.cache_files[0]['filename'])"
    )
    quiet = _python(code, full, "off", HF_DATASETS_CACHE=str(tmp_path / "quiet"))
    assert quiet.stderr == ""
    assert quiet.stdout.startswith(str(tmp_path / "quiet" / "emotalk"))
    loud = _python(code, full, "on", HF_DATASETS_CACHE=str(tmp_path / "loud"))
    assert "Generating train split" in loud.stderr


def test_problems_of_a_release_are_logged_in_one_line(
    m3ed: M3edSample, cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load_dataset("m3ed", data_dir=m3ed.root, cache_dir=cache)
    assert [record.name for record in caplog.records if record.name.startswith("emotalk_data")] == []
    root = make_m3ed(tmp_path / "m3ed", num_dialogues=2, audio=False, episodes=False).root
    load_dataset("m3ed", data_dir=root, cache_dir=cache)
    (message,) = [r.getMessage() for r in caplog.records if r.name.startswith("emotalk_data")]
    assert "warnings" in message
    assert f"`emotalk validate {root}` lists them" in message


def test_the_builder_tells_columns_and_cache_before_anything_is_built(
    emotalk: EmotalkSample, tmp_path: Path
) -> None:
    builder = load_dataset_builder("emotalk", data_dir=emotalk.root, cache_dir=tmp_path / "cache")
    assert isinstance(builder, EmotalkBuilder)
    assert builder.info.features["audio"].__class__.__module__ == "emotalk_data.media.features"
    assert builder.cache_dir.startswith(str(tmp_path / "cache"))
    assert not list(tmp_path.rglob("*.arrow"))


def test_media_that_vanished_after_the_load_are_named(tmp_path: Path) -> None:
    sample = make_m3ed(tmp_path / "m3ed", num_dialogues=1, episodes=False, oddities=False)
    ds = load_dataset("m3ed", data_dir=sample.root, split="train", cache_dir=tmp_path / "cache")
    path = sample.root / str(sample.utterances[0].audio_path)
    path.unlink()
    with pytest.raises(ReleaseNotFoundError, match=path.name):
        ds[0]["audio"].decode()
    assert json.dumps(_plain(ds)[0])

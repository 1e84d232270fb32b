from __future__ import annotations

from pathlib import Path

import datasets
import pytest

from emotalk_data.errors import CacheCorruptError, OptionError, PublishRefusedError
from emotalk_data.hub.building import build_dataset
from emotalk_data.hub.columns import LABEL_COLUMNS
from emotalk_data.hub.set_texts.card import set_card
from emotalk_data.hub.set_texts.croissant import set_croissant
from emotalk_data.hub.staging.stage import stage
from emotalk_data.load import load_dataset
from emotalk_data.testing import make_emotalk
from tests.hub.staged_sets import judgement_of


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    release = tmp_path_factory.mktemp("release") / "EmotionTalk"
    make_emotalk(release, num_utterances=24, media=False)
    return load_dataset("emotalk", data_dir=release, cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def built(rows: datasets.DatasetDict, tmp_path: Path) -> Path:
    return build_dataset(rows, tmp_path / "built", columns="labels", rows_per_shard=10).folder


def test_what_was_built_is_staged_as_it_is(built: Path, rows: datasets.DatasetDict, tmp_path: Path) -> None:
    staged = stage(built, tmp_path / "out")
    (config,) = staged.configs
    assert (config.name, config.kind, config.corpus) == ("emotalk", "built", "emotalk")
    assert dict(config.num_rows) == {split: part.num_rows for split, part in rows.items()}
    assert tuple(config.features) == LABEL_COLUMNS["emotalk"]
    assert [path.name for path in config.other_files] == ["emotalk-build.json"]
    for path in (*config.shards, *config.other_files):
        assert path.read_bytes() == (built / path.relative_to(staged.folder / "emotalk")).read_bytes()
    assert config.facts["Media inside"] == "no"
    assert str(tmp_path) not in "".join(config.facts.values())


def test_its_card_is_a_loader_with_labels_and_croissant_tells_of_them(
    built: Path, rows: datasets.DatasetDict, tmp_path: Path
) -> None:
    staged = stage(built, tmp_path / "out")
    judgement = judgement_of(staged)
    text = set_card(staged, judgement, "lab/labels", existing=None, tag="v1")
    (staged.folder / "README.md").write_text(text, encoding="utf-8")
    loaded = datasets.load_dataset(str(staged.folder), cache_dir=str(tmp_path / "cache"))
    for split, part in loaded.items():
        expected = rows[split].select_columns(part.column_names)
        assert part.features == expected.features
        assert part.to_list() == expected.to_list()
    assert "0 neutral, 1 happy" in text
    (_, described) = set_croissant(staged, judgement, "lab/labels")["recordSet"]
    (emotion,) = (field for field in described["field"] if field["name"] == "emotion")
    assert "Labels: 0 neutral" in emotion["description"]


def test_a_shard_that_is_missing_or_changed_is_named(built: Path, tmp_path: Path) -> None:
    shard = built / "data/train-00000-of-00002.parquet"
    content = shard.read_bytes()
    shard.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with pytest.raises(CacheCorruptError, match=r"train-00000-of-00002\.parquet.*its bytes are other"):
        stage(built, tmp_path / "out")
    shard.unlink()
    with pytest.raises(CacheCorruptError, match=r"train-00000-of-00002\.parquet.*it is missing"):
        stage(built, tmp_path / "out")


def test_a_shard_that_the_folder_does_not_name_is_refused(built: Path, tmp_path: Path) -> None:
    planted = built / "data/train-00009-of-00010.parquet"
    planted.write_bytes((built / "data/train-00000-of-00002.parquet").read_bytes())
    with pytest.raises(CacheCorruptError, match=r"train-00009.*does not name it"):
        stage(built, tmp_path / "out")


def test_something_else_in_the_folder_is_refused(built: Path, tmp_path: Path) -> None:
    (built / "plan.json").write_text("{}")
    with pytest.raises(PublishRefusedError, match="none of the files that are known here"):
        stage(built, tmp_path / "out")


def test_a_build_that_is_not_finished_is_refused(built: Path, tmp_path: Path) -> None:
    manifest = built / "emotalk-build.json"
    text = manifest.read_text().replace('"is_complete": true', '"is_complete": false')
    assert text != manifest.read_text()
    manifest.write_text(text)
    with pytest.raises(OptionError, match=r"is not finished\. Run the same `emotalk build` again"):
        stage(built, tmp_path / "out")

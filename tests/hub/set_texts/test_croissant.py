from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.features.feature_set import FeatureSet
from emotalk_data.hub.corpora import CORPUS_FACTS
from emotalk_data.hub.set_texts.croissant import set_croissant
from emotalk_data.hub.staged import Staged
from tests.feature_shards import D
from tests.hub.staged_sets import SPLIT_IDS, judgement_of, stage_set

EMOTALK, _M3ED = CORPUS_FACTS


def describe(staged: Staged) -> dict[str, Any]:
    return set_croissant(staged, judgement_of(staged), "lab/sets")


def fields(document: dict[str, Any], record_set: str) -> dict[str, dict[str, Any]]:
    (found,) = (part for part in document["recordSet"] if part["@id"] == record_set)
    return {field["name"]: field for field in found["field"]}


@pytest.fixture
def staged(tmp_path: Path) -> Staged:
    return stage_set(tmp_path)


def test_each_config_is_a_record_set_with_its_files_and_splits(staged: Staged) -> None:
    document = describe(staged)
    names = [config.name for config in staged.configs]
    assert [one["@id"] for one in document["recordSet"][1::2]] == names
    assert [one["includes"] for one in document["distribution"]] == [
        f"{name}/data/*.parquet" for name in names
    ]
    for config, splits in zip(staged.configs, document["recordSet"][::2], strict=True):
        assert [next(iter(row.values())) for row in splits["data"]] == list(config.splits)
    ids = [part["@id"] for part in (*document["distribution"], *document["recordSet"])]
    ids += [field["@id"] for part in document["recordSet"] for field in part["field"]]
    assert len(ids) == len(set(ids))


def test_vectors_have_their_shape_and_every_column_its_meaning(staged: Staged) -> None:
    document = describe(staged)
    vectors, frames = fields(document, "tiny_hubert"), fields(document, "tiny_hubert_frames")
    assert (vectors["tiny_hubert"]["arrayShape"], vectors["tiny_hubert"]["dataType"]) == (
        str(D),
        "cr:Float32",
    )
    assert frames["tiny_hubert_frames"]["arrayShape"] == f"-1,{D}"
    assert frames["tiny_hubert_seconds"]["arrayShape"] == "-1"
    for config in staged.configs:
        described = fields(document, config.name)
        assert set(config.features) < set(described)
        assert all(described[column]["description"] for column in config.features)


def test_half_precision_has_its_own_type(tmp_path: Path) -> None:
    document = describe(stage_set(tmp_path, storage="float16"))
    assert fields(document, "tiny_hubert")["tiny_hubert"]["dataType"] == "cr:Float16"


def test_licence_citation_and_sources_are_those_of_the_corpus(staged: Staged) -> None:
    document = describe(staged)
    assert document["license"] == EMOTALK.licence_url
    assert document["citeAs"] == EMOTALK.citation
    assert document["isBasedOn"] == [EMOTALK.homepage, "https://huggingface.co/example/tiny-hubert"]
    assert document["url"] == "https://huggingface.co/datasets/lab/sets"


def test_it_names_no_place_on_the_machine_and_is_the_same_each_time(staged: Staged, tmp_path: Path) -> None:
    text = json.dumps(describe(staged))
    assert str(tmp_path) not in text
    assert json.dumps(describe(stage_set(tmp_path / "again"))) == text


@pytest.mark.filterwarnings("default")  # mlcroissant calls what rdflib and pandas are about to drop
def test_mlcroissant_accepts_it_and_reads_every_row_and_number_back(staged: Staged, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")  # brings pandas and rdflib, and is no dependency
    path = staged.folder / "croissant.json"
    path.write_text(json.dumps(describe(staged)), encoding="utf-8")
    dataset = mlcroissant.Dataset(str(path))
    assert not dataset.metadata.ctx.issues.errors
    (only,) = dataset.metadata.ctx.issues.warnings
    assert "datePublished" in only  # a date would make the same set another file each day
    original = FeatureSet.open(tmp_path / "set")
    for name in ("tiny_hubert", "tiny_hubert_frames"):
        read = {row[f"{name}/utterance_id"].decode(): row for row in dataset.records(name)}
        assert len(read) == sum(map(len, SPLIT_IDS.values()))
        for stored in original.store.rows():
            row = read[stored.utterance_id]
            values = stored.pooled if name == "tiny_hubert" else stored.frames
            assert row[f"{name}/split"].decode() == stored.split
            found = row[f"{name}/{name}"]
            assert found == (None if values is None else values.tolist())
            error = row[f"{name}/error"]
            assert (None if error is None else error.decode()) == stored.error
    table = [tuple(row.values()) for row in dataset.records("folds")]
    assert sorted(table, key=str) == [
        (b"train", 0, b"test", b"G00003_01"),
        (b"train", 0, b"train", b"G00002_01"),
        (b"train", 1, None, b"G00003_01"),
        (b"train", 1, b"test", b"G00002_01"),
    ]


def test_what_is_said_of_configs_that_stay_stays(staged: Staged) -> None:
    before = describe(staged)
    only = Staged(folder=staged.folder, configs=staged.configs[:1])
    names = ["tiny_hubert", "folds", "whisper"]  # not tiny_hubert_frames: it is gone
    after = set_croissant(only, judgement_of(only), "lab/sets", json.dumps(before), names)
    assert [part["@id"] for part in after["recordSet"]] == [
        "tiny_hubert/data.splits", "tiny_hubert", "folds/data.splits", "folds"
    ]  # fmt: skip
    assert after["recordSet"][2:] == before["recordSet"][4:]
    assert after["distribution"] == [before["distribution"][0], before["distribution"][2]]
    again = set_croissant(only, judgement_of(only), "lab/sets", json.dumps(after), names)
    assert again == after


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "{",
        "[]",
        "5",
        '{"recordSet": 5, "distribution": {}}',
        '{"recordSet": [5, {"@id": []}], "distribution": null}',
        "[" * 100_000,
    ],
)
def test_a_damaged_description_is_written_anew(staged: Staged, damaged: str) -> None:
    assert set_croissant(staged, judgement_of(staged), "lab/sets", damaged, ["other"]) == describe(staged)

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.hub.corpora import CORPUS_FACTS, CorpusFacts
from emotalk_data.hub.croissant import croissant

each_corpus = pytest.mark.parametrize("corpus", CORPUS_FACTS, ids=lambda corpus: corpus.name)


def record_set(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (part for part in document["recordSet"] if part["@id"] == name)
    assert isinstance(found, dict)
    return found


def leaves(field: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "subField" not in field:
        yield field
    for part in field.get("subField", []):
        yield from leaves(part)


@each_corpus
def test_the_fields_of_a_record_are_the_split_and_the_columns(corpus: CorpusFacts) -> None:
    fields = record_set(croissant(corpus), "utterances")["field"]
    assert [field["name"] for field in fields] == ["split", *corpus.features]


@each_corpus
def test_every_id_is_unique_and_every_leaf_has_a_type_and_a_column(corpus: CorpusFacts) -> None:
    fields = record_set(croissant(corpus), "utterances")["field"]
    parts = [leaf for field in fields for leaf in leaves(field)]
    ids = [leaf["@id"] for leaf in parts]
    assert len(ids) == len(set(ids))
    for leaf in parts[1:]:
        assert re.fullmatch(r"(sc|cr):[A-Za-z0-9]+", leaf["dataType"])
        assert leaf["source"]["extract"]["column"] == leaf["@id"].split("/")[1]


@each_corpus
def test_sound_and_pictures_have_their_own_types(corpus: CorpusFacts) -> None:
    types = {
        field["name"]: field.get("dataType") for field in record_set(croissant(corpus), "utterances")["field"]
    }
    assert types["audio"] == "sc:AudioObject"
    assert types["video"] == "sc:VideoObject"
    assert types["start_seconds"] == "cr:Float64"


@each_corpus
def test_a_label_column_says_what_its_integers_mean(corpus: CorpusFacts) -> None:
    fields = record_set(croissant(corpus), "utterances")["field"]
    (emotion,) = (field for field in fields if field["name"] == "emotion")
    names = corpus.features["emotion"].names
    assert f"Labels: 0 {names[0]}, 1 {names[1]}" in emotion["description"]


@each_corpus
def test_the_split_is_found_in_the_name_of_a_shard(corpus: CorpusFacts) -> None:
    document = croissant(corpus)
    split = record_set(document, "utterances")["field"][0]
    regex = re.compile(split["source"]["transform"]["regex"])
    for row in record_set(document, "splits")["data"]:
        (name,) = row.values()
        match = regex.match(f"{name}-00000-of-00001.parquet")
        assert match is not None
        assert match[1] == name


@pytest.mark.filterwarnings("default")  # mlcroissant calls what rdflib and pandas are about to drop
@each_corpus
def test_mlcroissant_accepts_the_description_and_reads_the_shards(
    corpus: CorpusFacts, make_repository: Callable[[CorpusFacts], Path]
) -> None:
    # It brings pandas and rdflib, and is no dependency: the test runs where somebody installed it.
    mlcroissant = pytest.importorskip("mlcroissant")
    dataset = mlcroissant.Dataset(str(make_repository(corpus) / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    rows = list(dataset.records("utterances"))
    assert sorted(row["utterances/split"] for row in rows) == [b"test", b"train", b"validation"]
    assert {row["utterances/audio"] for row in rows} == {b"RIFF"}

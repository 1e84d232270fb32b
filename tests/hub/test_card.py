from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import datasets
import pytest
from huggingface_hub import DatasetCard

from emotalk_data.hub.card import card_text
from emotalk_data.hub.columns import COLUMN_MEANINGS
from emotalk_data.hub.corpora import CORPUS_FACTS, CorpusFacts

if TYPE_CHECKING:
    from collections.abc import Callable

each_corpus = pytest.mark.parametrize("corpus", CORPUS_FACTS, ids=lambda corpus: corpus.name)
SPLITS = ("train", "validation", "test")


@each_corpus
def test_plain_datasets_opens_a_repository_with_the_card_and_shards(
    corpus: CorpusFacts, make_repository: Callable[[CorpusFacts], Path], tmp_path: Path
) -> None:
    loaded = datasets.load_dataset(str(make_repository(corpus)), cache_dir=str(tmp_path / "cache"))
    assert tuple(loaded) == SPLITS
    for split in SPLITS:
        features = loaded[split].features
        assert list(features) == list(corpus.features)
        assert features["audio"] == datasets.Audio()
        assert features["video"] == datasets.Video()
        assert features["emotion"] == corpus.features["emotion"]
        assert features.arrow_schema.remove_metadata() == corpus.features.arrow_schema.remove_metadata()
        assert loaded[split]["utterance_id"] == [f"{corpus.name}-{split}"]


@each_corpus
def test_the_loaded_values_are_those_of_the_shard(
    corpus: CorpusFacts, make_repository: Callable[[CorpusFacts], Path], tmp_path: Path
) -> None:
    train = datasets.load_dataset(
        str(make_repository(corpus)), split="train", cache_dir=str(tmp_path / "cache")
    )
    row = train.cast_column("audio", datasets.Audio(decode=False))[0]
    assert row["emotion"] == 2
    assert row["audio"] == {"bytes": b"RIFF", "path": "a.wav"}
    assert row["video"] is None
    assert row["events"] == [{"type": "laughing", "start": 1, "end": 1}]
    if corpus.name == "m3ed":
        assert row["emotions"] == [2, 5]
        assert row["annotations"][0]["emotions"] == [2, 7]
    else:
        assert row["captions"]["overall"] == ["一", "二"]


@each_corpus
def test_the_yaml_of_the_card_is_read_by_huggingface_hub(corpus: CorpusFacts, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(card_text(corpus), encoding="utf-8")
    card = DatasetCard.load(path)
    assert card.data.license == corpus.licence
    assert card.data.language == ["zh"]
    assert card.data.pretty_name == corpus.pretty_name
    assert card.data.size_categories == ["10K<n<100K"]
    assert card.data["extra_gated_prompt"] == corpus.gate
    assert [file["split"] for file in card.data["configs"][0]["data_files"]] == list(SPLITS)
    assert [field["name"] for field in card.data["dataset_info"]["features"]] == list(corpus.features)


@each_corpus
def test_the_card_shows_every_column_split_and_limit(corpus: CorpusFacts) -> None:
    text = card_text(corpus)
    for name, meaning in COLUMN_MEANINGS[corpus.name].items():
        assert f"| `{name}` |" in text
        assert f"| {meaning} |" in text
    for limit in corpus.limits:
        assert limit in text
    for split, size in corpus.split_sizes.items():
        assert f"| {split} | {size:,} |" in text
    assert corpus.citation in text


@each_corpus
def test_every_column_has_one_meaning_in_one_line(corpus: CorpusFacts) -> None:
    meanings = COLUMN_MEANINGS[corpus.name]
    assert list(meanings) == list(corpus.features)
    for meaning in meanings.values():
        assert meaning.endswith(".")
        assert "|" not in meaning
        assert "\n" not in meaning


def test_the_card_of_emotiontalk_takes_the_stricter_licence_and_names_both() -> None:
    emotalk, _ = CORPUS_FACTS
    assert emotalk.licence == "cc-by-nc-sa-4.0"
    assert "the paper says CC BY-NC 4.0" in card_text(emotalk)


def test_the_card_of_m3ed_claims_no_licence() -> None:
    _, m3ed = CORPUS_FACTS
    text = card_text(m3ed)
    assert "license: other\n" in text
    assert "no licence file" in text


def test_the_split_sizes_add_up_to_the_published_totals() -> None:
    assert [sum(corpus.split_sizes.values()) for corpus in CORPUS_FACTS] == [19_250, 24_449]


def test_the_card_lists_the_labels_with_the_authors_ids() -> None:
    emotalk, m3ed = CORPUS_FACTS
    assert "0 neutral, 1 happy, 2 sad, 3 angry, 4 surprised, 5 disgusted, 6 fearful" in card_text(emotalk)
    assert "0 Happy, 1 Neutral, 2 Sad, 3 Disgust, 4 Anger, 5 Fear, 6 Surprise, 7 Other" in card_text(m3ed)

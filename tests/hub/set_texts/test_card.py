from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import datasets
import pytest
import yaml  # type: ignore[import-untyped]  # ships no types
from huggingface_hub import DatasetCard

from emotalk_data._version import __version__
from emotalk_data.errors import PublishRefusedError
from emotalk_data.features import list_recipes
from emotalk_data.features.feature_set import FeatureSet
from emotalk_data.hub.corpora import CORPUS_FACTS
from emotalk_data.hub.guard.judgement import Judgement
from emotalk_data.hub.guard.licences import card_licence, checked_licences
from emotalk_data.hub.set_texts.card import set_card
from emotalk_data.hub.staged import Staged
from emotalk_data.schemas.feature_spec import TextSpec
from tests.feature_shards import SPEC, D
from tests.hub.guard.folders import corpus_table, staged_table
from tests.hub.staged_sets import SPLIT_IDS, judgement_of, stage_set
from tests.hub_double_fixtures import OnHub

EMOTALK, M3ED = CORPUS_FACTS


def card(staged: Staged, judgement: Judgement | None = None, existing: str | None = None) -> str:
    judgement = judgement_of(staged) if judgement is None else judgement
    return set_card(staged, judgement, "lab/sets", existing=existing, tag="v1")


def metadata(text: str) -> dict[str, Any]:
    data = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(data, dict)
    return data


def limits_in(text: str) -> set[str]:
    """What the limits are on that a card tells of the corpora."""
    return {limit.about for facts in CORPUS_FACTS for limit in facts.known_limits if limit.text in text}


def built(
    folder: Path, *columns: str, corpus: Literal["emotalk", "m3ed"] = "emotalk", split: str = "train"
) -> Staged:
    """Some columns of a corpus, as `emotalk build` writes them."""
    table = corpus_table(corpus, columns)
    features = datasets.Features.from_arrow_schema(table.schema)
    staged = staged_table(folder, table, corpus=corpus, features=features)
    (config,) = staged.configs
    of_split = replace(config, splits={split: config.shards}, num_rows={split: sum(config.num_rows.values())})
    return Staged(folder=staged.folder, configs=(of_split,))


@pytest.fixture
def staged(tmp_path: Path) -> Staged:
    return stage_set(tmp_path)


@pytest.fixture
def repository(staged: Staged) -> Path:
    (staged.folder / "README.md").write_text(card(staged), encoding="utf-8")
    return staged.folder


def test_plain_datasets_opens_every_config_and_split_with_all_values(
    repository: Path, staged: Staged, tmp_path: Path
) -> None:
    original = FeatureSet.open(tmp_path / "set")
    assert datasets.get_dataset_config_names(str(repository)) == [
        "tiny_hubert",
        "tiny_hubert_frames",
        "folds",
    ]
    for config in staged.configs:
        loaded = datasets.load_dataset(str(repository), config.name, cache_dir=str(tmp_path / "cache"))
        assert {split: part.num_rows for split, part in loaded.items()} == dict(config.num_rows)
        for part in loaded.values():
            assert part.features == config.features
    for config, column in zip(staged.configs, ("tiny_hubert", "tiny_hubert_frames"), strict=False):
        for split in SPLIT_IDS:
            rows = datasets.load_dataset(
                str(repository), config.name, split=split, cache_dir=str(tmp_path / "cache")
            )
            for row, stored in zip(rows, original.store.rows(split), strict=True):
                values = stored.pooled if column == "tiny_hubert" else stored.frames
                assert row[column] == (None if values is None else values.tolist())
                assert (row["utterance_id"], row["error"]) == (stored.utterance_id, stored.error)


def test_the_split_table_says_who_is_where(repository: Path, tmp_path: Path) -> None:
    table = datasets.load_dataset(str(repository), "folds", split="train", cache_dir=str(tmp_path / "cache"))
    assert [tuple(row.values()) for row in table] == [
        (0, "train", "G00002_01"),
        (0, "test", "G00003_01"),
        (1, "test", "G00002_01"),
        (1, None, "G00003_01"),
    ]
    assert table.column_names == ["fold", "split", "dialogue_id"]


def test_the_first_config_is_the_default(repository: Path, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(str(repository), cache_dir=str(tmp_path / "cache"))
    assert "tiny_hubert" in loaded["test"].column_names
    assert list(loaded) == list(SPLIT_IDS)


def test_a_copy_that_lacks_a_shard_is_refused_by_plain_datasets(repository: Path, tmp_path: Path) -> None:
    (repository / "tiny_hubert/data/train-00001-of-00003.parquet").unlink()
    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError, match="num_examples=10"):
        datasets.load_dataset(str(repository), "tiny_hubert", cache_dir=str(tmp_path / "cache"))


def test_the_yaml_is_what_the_hub_reads(staged: Staged) -> None:
    parsed = DatasetCard(card(staged)).data
    assert parsed["license"] == "cc-by-nc-sa-4.0"
    assert parsed["language"] == ["zh"]
    assert parsed["pretty_name"] == "EmotionTalk: features and splits"
    assert parsed["size_categories"] == ["n<1K"]
    assert parsed["source_datasets"] == ["BAAI/Emotiontalk"]
    assert parsed["task_categories"][:2] == ["feature-extraction", "audio-classification"]
    assert parsed["tags"] == [
        "emotalk-data", "emotion-recognition", "sentiment-analysis", "conversation", "tiny-hubert",
    ]  # fmt: skip
    assert parsed["extra_gated_prompt"] == EMOTALK.gate
    assert set(parsed["extra_gated_fields"]) == {"Affiliation", "I agree to these terms"}
    assert parsed["configs"][0] == {
        "config_name": "tiny_hubert",
        "data_files": [
            {"split": split, "path": f"tiny_hubert/data/{split}-*.parquet"} for split in SPLIT_IDS
        ],
        "default": True,
    }
    assert [one["config_name"] for one in parsed["dataset_info"]] == [one.name for one in staged.configs]
    (train, *_others) = parsed["dataset_info"][0]["splits"]
    assert (train["name"], train["num_examples"]) == ("train", 10)
    assert train["num_bytes"] > 10 * D * 4


def test_a_licence_of_its_own_has_name_and_link(tmp_path: Path) -> None:
    staged = stage_set(tmp_path, corpus="m3ed")
    data = metadata(card(staged))
    assert (data["license"], data["license_name"]) == ("other", "no-licence-file")
    assert data["license_link"] == M3ED.licence_fields["license_link"]
    assert data["extra_gated_prompt"] == M3ED.gate


def test_the_text_says_how_the_set_was_made_and_what_became_of_its_rows(staged: Staged) -> None:
    text = card(staged)
    for said in (
        SPEC.model,
        SPEC.revision,
        SPEC.weights_digest,
        SPEC.digest(),
        "clean/tiny-hubert",
        '"layers":',
    ):
        assert said is not None
        assert said in text
    vectors, frames, folds = (
        text.split(f"## `{config.name}`\n")[1].split("\n## ")[0] for config in staged.configs
    )
    assert "| train | 10 | 8 | 1 | 1 |" in vectors
    assert "| test | 2 | 2 | 0 | 0 |" in frames
    assert "| train | 4 |\n" in folds
    assert "- Licence of the encoder: apache-2.0" in frames
    assert "- Calculated on: `cpu`" in text
    assert "`numpy " in text
    assert f"Made with emotalk_data {__version__}," in text
    for facts in CORPUS_FACTS:
        assert facts.citation in text
    assert "<https://huggingface.co/example/tiny-hubert>" in text
    assert limits_in(text) == {"splits", "sound", "corpus"}


def test_each_column_has_its_line(staged: Staged) -> None:
    text = card(staged)
    for config in staged.configs:
        section = text.split(f"## `{config.name}`\n")[1].split("\n## ")[0]
        for column in config.features:
            (line,) = [line for line in section.splitlines() if line.startswith(f"| `{column}` |")]
            assert re.fullmatch(r"\| `\w+` \| `[\w(), =]+` \| [A-Z].+\. \|", line)


def test_flags_and_clauses_are_in_the_text(staged: Staged) -> None:
    judgement = judgement_of(staged, **{"frame-features": "Features of frames, private or gated"})
    text = card(staged, judgement)
    assert "- `frame-features`: Features of frames, private or gated" in text
    assert text.count("- Let through by name, `frame-features`: Features of frames, private or gated") == 1
    assert "CC BY-NC-SA 4.0, 3(b)(1): “the same License Elements”" in text
    assert "through by name" not in card(staged)


def test_the_card_names_no_place_on_the_machine(staged: Staged, tmp_path: Path) -> None:
    text = card(staged)
    assert str(tmp_path) not in text
    assert str(staged.folder) not in text


def test_the_same_set_has_the_same_card_and_it_is_stable_under_merging(
    staged: Staged, tmp_path: Path
) -> None:
    text = card(staged)
    assert card(stage_set(tmp_path / "again")) == text
    assert card(staged, existing=text) == text


def test_what_a_footer_says_cannot_leave_its_place(tmp_path: Path) -> None:
    model = "evil/x` <!-- emotalk-data: end --> | [y](https://example.org)\n# Heading"
    staged = stage_set(tmp_path, model=model)
    text = card(staged)
    assert card(staged, existing=text) == text  # else the mark would end our part too early
    assert "\n# Heading" not in text


def test_an_owners_laxer_licence_is_refused(staged: Staged) -> None:
    with pytest.raises(PublishRefusedError, match=r"the licence named is 'mit'.*cc-by-nc-sa-4\.0"):
        card(staged, existing="---\nlicense: mit\n---\n# Mine\n")


def test_an_owners_text_and_tags_stay(staged: Staged) -> None:
    text = card(staged, existing="---\ntags:\n- mine\npretty_name: My sets\n---\n# Mine\n\nWords.\n")
    data = metadata(text)
    assert data["pretty_name"] == "My sets"
    assert data["tags"][:2] == ["mine", "emotalk-data"]
    assert text.split("---\n", 2)[2].startswith("# Mine\n\nWords.\n")


def test_the_hub_finds_no_fault_in_the_yaml(staged: Staged, on_hub: OnHub) -> None:
    DatasetCard(card(staged)).validate(repo_type="dataset")
    assert [(one.method, one.path, one.status) for one in on_hub.hub.requests] == [
        ("POST", "/api/validate-yaml", 200)
    ]
    with pytest.raises(ValueError, match="license"):  # or the double would take anything
        DatasetCard(card(staged).replace("cc-by-nc-sa-4.0\n", "nobodys\n", 1)).validate(repo_type="dataset")


def test_the_card_says_whose_numbers_they_are(tmp_path: Path) -> None:
    (known,) = (one for one in list_recipes() if one.name == "emotiontalk/chinese-hubert-base")
    found = {"revision": "a0" * 20, "weights_digest": "0" * 32, "num_dims": D}
    spec = known.spec.model_copy(update=found)
    text = card(stage_set(tmp_path / "kept", **dict(spec)))
    assert "- The recipe computes what EmotionTalk's authors did, quirks included." in text
    assert "- The last four hidden states are added up, not averaged." in text
    changed = card(stage_set(tmp_path / "changed", **{**dict(spec), "layers": (-1,)}))
    assert "its publisher changed them" in changed
    assert "quirks included" not in changed
    assert "The recipe is its publisher's own." in card(stage_set(tmp_path / "own"))


def test_what_was_said_of_a_config_stays_when_another_is_published(tmp_path: Path) -> None:
    first = stage_set(tmp_path / "first", name="clean/first", model="example/first")
    second = stage_set(tmp_path / "second", name="clean/second", model="example/second")
    only = Staged(folder=second.folder, configs=second.configs[:1])
    before, text = card(first), card(only, existing=card(first))
    assert [one["config_name"] for one in metadata(text)["configs"]] == [
        "second",
        "first",
        "first_frames",
        "folds",
    ]
    for name in ("first", "first_frames", "folds"):
        section = before.split(f"<!-- emotalk-data: config {name} -->")[1].split("<!-- emotalk-data: end of")[
            0
        ]
        assert text.count(section) == 1
    assert text.count("## `second`\n") == 1
    assert card(only, existing=text) == text
    both_again = card(first, existing=text)
    assert both_again.count("## `first`\n") == both_again.count("## `second`\n") == 1
    assert "published here before: each stays as it was written then" in text
    assert "published here before" not in before


def test_a_config_that_stays_keeps_its_licence(tmp_path: Path) -> None:
    first = stage_set(tmp_path / "first", name="clean/first", model="example/first")
    second = stage_set(tmp_path / "second", name="clean/second", model="example/second")
    only = Staged(folder=second.folder, configs=second.configs[:1])
    strict = replace(
        judgement_of(first), licence=card_licence(["emotalk"], checked_licences({"example/first": "rail"}))
    )
    before = card(first, strict)
    assert metadata(before)["license_name"] == "cc-by-nc-sa-4.0-and-rail"
    assert (
        before.count("<!-- emotalk-data: licence other cc-by-nc-sa-4.0-and-rail -->") == 3
    )  # all, two levels
    assert before.count("<!-- emotalk-data: licence cc-by-nc-sa-4.0 -->") == 1  # the split file
    with pytest.raises(PublishRefusedError, match=r"keeps the config 'first'.*emotalk publish second first"):
        card(only, existing=before)
    folds = Staged(folder=first.folder, configs=first.configs[:2])
    assert metadata(card(folds, existing=before))["license"] == "cc-by-nc-sa-4.0"  # as its sets say now


@pytest.mark.parametrize("licence", ["mit", "cc-by-nc-sa-4.0"])
def test_the_licence_of_a_repository_can_become_stricter_and_laxer(tmp_path: Path, licence: str) -> None:
    staged = stage_set(tmp_path)
    strict = replace(
        judgement_of(staged), licence=card_licence(["emotalk"], checked_licences({SPEC.model: "rail"}))
    )
    before = card(staged, existing="# Mine")
    stricter = card(staged, strict, existing=before)
    assert metadata(stricter)["license"] == "other"
    assert card(staged, existing=stricter) == before
    owners = stricter.replace("license: other", f"license: {licence}")
    with pytest.raises(PublishRefusedError, match=f"the licence named is '{licence}'"):
        card(staged, strict, existing=owners)


@pytest.mark.parametrize(
    ("columns", "corpus", "about"),
    [
        (["utterance_id", "emotion"], "emotalk", {"labels", "corpus"}),
        (["utterance_id", "text"], "emotalk", {"transcripts", "corpus"}),
        (["utterance_id", "dialogue_id"], "emotalk", {"corpus"}),
        (["utterance_id", "emotion"], "m3ed", {"labels", "corpus"}),
        (["utterance_id", "speaker_id", "start_seconds"], "m3ed", {"speakers", "times", "corpus"}),
    ],
)
def test_limits_are_those_of_the_columns(
    tmp_path: Path, columns: list[str], corpus: Literal["emotalk", "m3ed"], about: set[str]
) -> None:
    assert limits_in(card(built(tmp_path, *columns, corpus=corpus))) == about


def test_the_line_on_the_authors_splits_is_for_these_splits(tmp_path: Path, staged: Staged) -> None:
    line = "The authors' splits: validation and test share speakers"
    assert line in card(built(tmp_path / "test", "utterance_id", split="test"))
    assert line not in card(built(tmp_path / "mine", "utterance_id", split="fold_0"))
    assert line not in card(Staged(folder=staged.folder, configs=staged.configs[2:]))  # a split file


def test_a_text_encoder_has_limits_of_transcripts_and_no_seconds(tmp_path: Path, staged: Staged) -> None:
    record = staged.configs[0].records[0]
    text_spec = TextSpec(name="clean/words", model="example/words", revision=None, num_dims=D)
    config = replace(
        staged.configs[0],
        records=(record.model_copy(update={"spec": text_spec}),),
        facts={**staged.configs[0].facts, "Revision of the encoder": "none"},
    )
    text = card(Staged(folder=staged.folder, configs=(config,)))
    assert limits_in(text) == {"splits", "transcripts", "corpus"}
    assert "- Encoded at once, seconds:" not in text
    assert "- Encoded at once, seconds:" in card(staged)
    assert "- Revision of the encoder:" not in text
    assert "- Revision of the encoder:" in card(staged)


def test_a_build_of_labels_is_called_that(tmp_path: Path) -> None:
    labels = card(built(tmp_path / "labels", "utterance_id", "emotion"))
    assert "\n# EmotionTalk: labels\n" in labels
    assert "nothing that was said, heard or seen" in labels
    rows = card(built(tmp_path / "rows", "utterance_id", "emotion", "text"))
    assert "\n# EmotionTalk: rows\n" in rows


def test_captions_are_a_tag_where_there_are_some(tmp_path: Path) -> None:
    with_captions = card(built(tmp_path / "some", "utterance_id", "captions"))
    assert "speech-captioning" in metadata(with_captions)["tags"]
    assert "speech-captioning" not in metadata(card(built(tmp_path / "none", "utterance_id")))["tags"]


def test_without_a_gate_there_is_no_form(tmp_path: Path) -> None:
    staged = built(tmp_path, "utterance_id", "emotion")
    private = judgement_of(staged)
    public = replace(private, visibility="public")
    gated = card(staged, private)
    for text in (card(staged, public), card(staged, public, existing=gated)):
        assert not [key for key in metadata(text) if key.startswith("extra_gated")]
    assert "extra_gated_prompt" in metadata(gated)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.schemas.labels import (
    CONFIDENCES,
    EMOTALK_EMOTIONS,
    M3ED_AGES,
    M3ED_ANNOTATOR_EMOTIONS,
    M3ED_EMOTIONS,
    M3ED_GENDERS,
    MODALITIES,
    LabelSet,
)

LABEL_SETS = [EMOTALK_EMOTIONS, M3ED_EMOTIONS, M3ED_ANNOTATOR_EMOTIONS, M3ED_AGES, M3ED_GENDERS]


def test_emotiontalk_ids_are_the_authors() -> None:
    words = ["neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful"]
    assert [EMOTALK_EMOTIONS.id(word) for word in words] == list(range(7))
    assert EMOTALK_EMOTIONS.names == tuple(words)


def test_m3ed_ids_are_the_authors_and_only_an_annotator_may_say_other() -> None:
    words = ["Happy", "Neutral", "Sad", "Disgust", "Anger", "Fear", "Surprise"]
    assert [M3ED_EMOTIONS.id(word) for word in words] == list(range(7))
    assert [M3ED_ANNOTATOR_EMOTIONS.id(word) for word in [*words, "Other"]] == list(range(8))
    assert M3ED_EMOTIONS.resolve("Other") is None


def test_the_other_closed_sets_are_the_published_ones() -> None:
    assert MODALITIES == ("text", "audio", "video", "multimodal")
    assert CONFIDENCES == (0.1, 0.3, 0.5, 0.7, 0.9)


@pytest.mark.parametrize(
    ("labels", "text", "name"),
    [
        (EMOTALK_EMOTIONS, "happiness", "happy"),
        (EMOTALK_EMOTIONS, "sadness", "sad"),
        (EMOTALK_EMOTIONS, "anger", "angry"),
        (EMOTALK_EMOTIONS, "surprise", "surprised"),
        (EMOTALK_EMOTIONS, "disgust", "disgusted"),
        (EMOTALK_EMOTIONS, "fear", "fearful"),
        (EMOTALK_EMOTIONS, " Neutral ", "neutral"),
        (EMOTALK_EMOTIONS, "HAPPINESS", "happy"),
        (M3ED_EMOTIONS, "Angry", "Anger"),
        (M3ED_EMOTIONS, "Surprised", "Surprise"),
        (M3ED_EMOTIONS, "Surperised", "Surprise"),
        (M3ED_EMOTIONS, "Happpy", "Happy"),
        (M3ED_EMOTIONS, "Neutral ", "Neutral"),
        (M3ED_ANNOTATOR_EMOTIONS, "Othe", "Other"),
        (M3ED_ANNOTATOR_EMOTIONS, "Happpy", "Happy"),
        (M3ED_AGES, "Young", "young"),
        (M3ED_AGES, "Yong", "young"),
        (M3ED_AGES, "yound", "young"),
        (M3ED_AGES, "MID", "mid"),
        (M3ED_GENDERS, "Femal", "female"),
        (M3ED_GENDERS, "Male", "male"),
    ],
)
def test_another_spelling_means_its_label(labels: LabelSet, text: str, name: str) -> None:
    assert labels.resolve(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hap py",
        "hapy",
        "neutral\u200b",
        "\ufeffneutral",
        "neutr\u00adal",
        "neutrаl",  # Cyrillic а
        "ｎeutral",
        "ſad",  # U+017F, which upper-cases to S
        "0",
        "unknown",
        "neutral,happy",
        "Other",
    ],
)
def test_what_is_no_label_is_none(text: str) -> None:
    assert EMOTALK_EMOTIONS.resolve(text) is None
    assert M3ED_EMOTIONS.resolve(text) is None


@pytest.mark.parametrize("labels", LABEL_SETS)
def test_names_and_aliases_are_sound(labels: LabelSet) -> None:
    assert len(set(labels.names)) == len(labels.names)
    assert all(labels.resolve(name) == name for name in labels.names)
    assert set(labels.aliases.values()) <= set(labels.names)
    assert all(alias == alias.strip().lower() for alias in labels.aliases)
    assert not {name.lower() for name in labels.names} & labels.aliases.keys()


@given(st.sampled_from(LABEL_SETS), st.text())
def test_resolving_gives_a_label_of_the_set_or_none(labels: LabelSet, text: str) -> None:
    name = labels.resolve(text)
    assert name is None or name in labels.names
    assert name is None or text.strip().isascii()


def test_an_id_of_no_label_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        EMOTALK_EMOTIONS.id("unknown")

"""One space for both corpora: every label has its class, and what is not comparable is said."""

from __future__ import annotations

import json

import datasets
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, M3ED_ANNOTATOR_EMOTIONS, M3ED_EMOTIONS
from emotalk_data.views.labelling.harmonised import HARMONISED
from emotalk_data.views.labelling.labels import label_view

from ..label_tables import emotalk_table, m3ed_table


def test_every_final_label_of_both_corpora_has_one_class_and_every_class_both() -> None:
    assert list(HARMONISED.mapping["emotalk"]) == list(EMOTALK_EMOTIONS.names)
    assert list(HARMONISED.mapping["m3ed"]) == list(M3ED_EMOTIONS.names)
    for words in HARMONISED.mapping.values():
        assert sorted(words.values()) == sorted(HARMONISED.names)
    assert HARMONISED.unmapped["m3ed"] == ("Other",)


def test_the_words_mean_the_same_by_emotiontalks_own_aliases() -> None:
    for word, name in HARMONISED.mapping["m3ed"].items():
        assert EMOTALK_EMOTIONS.resolve(word) == name or (word, name) == ("Happy", "happy")


def test_the_ids_lead_from_a_corpuss_number_to_the_class() -> None:
    assert HARMONISED.ids("emotalk").tolist() == list(range(7))
    ids = HARMONISED.ids("m3ed")
    for number, word in enumerate(M3ED_ANNOTATOR_EMOTIONS.names):
        expected = -1 if word == "Other" else HARMONISED.names.index(HARMONISED.mapping["m3ed"][word])
        assert ids[number] == expected
    with pytest.raises(OptionError, match=r"corpus is 'iemocap'; expected one of \['emotalk', 'm3ed'\]"):
        HARMONISED.ids("iemocap")
    with pytest.raises(OptionError, match=r"corpus is \['m3ed'\]; expected one of"):
        HARMONISED.ids(["m3ed"])  # type: ignore[arg-type]


def test_the_mapping_and_its_limits_are_shown() -> None:
    text, page = str(HARMONISED), HARMONISED._repr_html_()
    assert max(map(len, text.splitlines())) <= 100
    for word in (*HARMONISED.names, *M3ED_ANNOTATOR_EMOTIONS.names, "EmotionTalk", "M3ED"):
        assert word in text
        assert word in page
    assert "3   angry       3 angry      4 Anger\n" in text
    assert "<td>3</td><td>angry</td><td>3 angry</td><td>4 Anger</td>" in page
    for sentence in HARMONISED.not_comparable:
        assert " ".join(sentence.split()) in " ".join(text.split())
    assert json.loads(json.dumps(HARMONISED.to_dict())) == HARMONISED.to_dict()


def test_both_corpora_go_into_one_dataset(emotalk: datasets.DatasetDict, m3ed: datasets.DatasetDict) -> None:
    names = ["utterance_id", "dialogue_id", "text", "label"]
    for task in ("emotion7", "emotion4"):
        parts = [
            label_view(ds, task, harmonised=True).select_columns(names)
            for ds in (emotalk["train"], m3ed["train"])
        ]
        both = datasets.concatenate_datasets(parts)
        assert both.num_rows == sum(part.num_rows for part in parts)
        assert both.features["label"].names == list(HARMONISED.names[: both.features["label"].num_classes])
        assert both["label"][:] == [label for part in parts for label in part["label"]]


def test_soft_labels_of_both_corpora_have_the_same_type() -> None:
    tables = (emotalk_table(emotion=[0]), m3ed_table(emotion=[0]))
    views = [label_view(ds, "emotion7", target="soft", harmonised=True) for ds in tables]
    assert views[0].features["label"] == views[1].features["label"]

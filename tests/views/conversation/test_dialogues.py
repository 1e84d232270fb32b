"""Dialogues and turns: who said what, in the order in which it was said, whatever the order of rows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import datasets
import pytest
from hypothesis import given, settings

from emotalk_data import load_dataset
from emotalk_data.errors import OptionError
from emotalk_data.testing import make_emotalk, make_m3ed
from emotalk_data.views import dialogues, turns

from ..real_tables import needs_tables, real_emotalk
from .conversations import Line, conversation, lines, several_dialogues

TWO_DIALOGUES = lines(
    """
    anjia_10_1 B Anger
    anjia_2_5 A Sad
    anjia_2_1 A Happy
    anjia_2_2 A -
    anjia_2_4 B Neutral
    anjia_10_2 B Fear
    """
)


def test_a_dialogue_is_one_row_in_the_order_of_its_numbers() -> None:
    ds = conversation(TWO_DIALOGUES)
    found = dialogues(ds)
    happy, neutral, sad, anger, fear = (
        ds.features["emotion"].str2int(name) for name in ("Happy", "Neutral", "Sad", "Anger", "Fear")
    )
    assert found.to_list() == [
        {
            "dialogue_id": "anjia_2",
            "series": "anjia",
            "utterance_ids": ["anjia_2_1", "anjia_2_2", "anjia_2_4", "anjia_2_5"],
            "rows": [2, 3, 4, 1],
            "speaker_ids": ["A", "A", "B", "A"],
            "emotions": [happy, None, neutral, sad],
            "num_utterances": 4,
            "num_turns": 3,
        },
        {
            "dialogue_id": "anjia_10",
            "series": "anjia",
            "utterance_ids": ["anjia_10_1", "anjia_10_2"],
            "rows": [0, 5],
            "speaker_ids": ["B", "B"],
            "emotions": [anger, fear],
            "num_utterances": 2,
            "num_turns": 1,
        },
    ]
    assert found.features["emotions"] == datasets.List(ds.features["emotion"])


def test_selecting_the_rows_gives_the_dialogue() -> None:
    ds = conversation(TWO_DIALOGUES)
    spoken = ds.select(dialogues(ds)[0]["rows"])
    assert spoken["text"][:] == [f"words of anjia_2_{number}" for number in (1, 2, 4, 5)]


def test_a_turn_is_one_row_and_runs_until_another_speaks() -> None:
    ds = conversation(TWO_DIALOGUES)
    found = turns(ds)
    assert found["turn_id"][:] == ["anjia_2#1", "anjia_2#2", "anjia_2#3", "anjia_10#1"]
    assert found["dialogue_id"][:] == ["anjia_2", "anjia_2", "anjia_2", "anjia_10"]
    assert found["turn_number"][:] == [1, 2, 3, 1]
    assert found["speaker_id"][:] == ["A", "B", "A", "B"]
    assert found["rows"][:] == [[2, 3], [4], [1], [0, 5]]
    assert found["utterance_ids"][0] == ["anjia_2_1", "anjia_2_2"]
    assert found["emotions"][0] == [ds.features["emotion"].str2int("Happy"), None]
    assert found["num_utterances"][:] == [2, 1, 1, 2]


def test_the_same_speaker_in_the_next_dialogue_begins_a_turn() -> None:
    found = turns(conversation(lines("a_1_1 A Sad\na_2_1 A Sad")))
    assert found["turn_id"][:] == ["a_1#1", "a_2#1"]


@settings(max_examples=30)  # each builds several tables
@given(several_dialogues())
def test_every_row_is_in_one_dialogue_and_one_turn(said: list[Line]) -> None:
    ds = conversation(said)
    by_dialogue, by_turn = dialogues(ds), turns(ds)
    rows = [row for one in by_dialogue["rows"] for row in one]
    assert sorted(rows) == list(range(len(said)))
    assert [row for one in by_turn["rows"] for row in one] == rows
    assert [said[row].utterance_id for row in rows] == [
        i for one in by_dialogue["utterance_ids"] for i in one
    ]
    for one in by_dialogue:
        own = [said[row] for row in one["rows"]]
        assert {line.dialogue for line in own} == {one["dialogue_id"]}
        assert [line.number for line in own] == sorted(line.number for line in own)
        assert [line.speaker for line in own] == one["speaker_ids"]
        assert one["num_utterances"] == len(own)
        of_it = [turn for turn in by_turn if turn["dialogue_id"] == one["dialogue_id"]]
        assert [turn["turn_number"] for turn in of_it] == list(range(1, one["num_turns"] + 1))
        speakers = [turn["speaker_id"] for turn in of_it]
        assert all(a != b for a, b in pairwise(speakers))
    for turn in by_turn:
        assert {said[row].speaker for row in turn["rows"]} == {turn["speaker_id"]}


@settings(max_examples=30)  # each builds several tables
@given(several_dialogues())
def test_the_order_of_rows_makes_no_difference(said: list[Line]) -> None:
    ds, ordered = conversation(said), conversation(sorted(said))
    for view in (dialogues, turns):
        assert view(ds).remove_columns("rows").to_list() == view(ordered).remove_columns("rows").to_list()


def test_a_selection_is_counted_by_its_own_rows_and_turns_join_where_nothing_is_left_between() -> None:
    ds = conversation(TWO_DIALOGUES).select([1, 2, 3])
    assert turns(ds)["rows"][:] == [[1, 2, 0]]
    assert dialogues(ds)["num_turns"][:] == [1]


def test_a_format_and_a_choice_of_columns_make_no_difference() -> None:
    ds = conversation(TWO_DIALOGUES)
    assert dialogues(ds.with_format("numpy", columns=["text"])).to_list() == dialogues(ds).to_list()


def test_without_rows_there_are_no_dialogues() -> None:
    ds = conversation(TWO_DIALOGUES).select([])
    assert dialogues(ds).num_rows == turns(ds).num_rows == 0
    assert dialogues(ds).features == dialogues(conversation(TWO_DIALOGUES)).features


def test_the_same_data_gives_the_same_fingerprint() -> None:
    ds = conversation(TWO_DIALOGUES)
    assert dialogues(ds)._fingerprint == dialogues(ds)._fingerprint != turns(ds)._fingerprint


def test_where_a_speaker_is_null_turns_are_unknown() -> None:
    ds = conversation(lines("a_1_1 A Sad\na_1_2 - Sad\na_2_1 B Sad"))
    found = dialogues(ds)
    assert found["num_turns"][:] == [None, 1]
    assert found["speaker_ids"][:] == [["A", None], ["B"]]
    with pytest.raises(OptionError, match=r"speaker_id is null in 1 rows, the first is row 1, .* 'a_1_2'"):
        turns(ds)


def test_two_utterances_with_one_number_are_refused_by_name() -> None:
    ds = conversation(TWO_DIALOGUES)
    with pytest.raises(
        OptionError, match=r"'anjia_2_1' and 'anjia_2_1' both have number 1 .* selected twice"
    ):
        dialogues(ds.select([2, 0, 2]))
    numbers = ds.remove_columns("utterance_number").add_column("utterance_number", [1, 2, 1, 2, 3, 4])
    with pytest.raises(
        OptionError, match="'anjia_2_5' and 'anjia_2_2' both have number 2 in dialogue 'anjia_2'"
    ):
        turns(numbers)


@pytest.mark.parametrize("name", ["utterance_number", "dialogue_id"])
def test_a_null_that_leaves_the_order_unknown_is_refused(name: str) -> None:
    ds = conversation(TWO_DIALOGUES)
    values = ds[name][:]
    values[4] = None
    feature = ds.features[name]
    with pytest.raises(OptionError, match=f"{name} is null in row 4"):
        dialogues(ds.remove_columns(name).add_column(name, values, feature=feature))


def test_what_is_no_loaded_table_is_refused() -> None:
    ds = conversation(TWO_DIALOGUES)
    with pytest.raises(OptionError, match="choose a split"):
        dialogues(datasets.DatasetDict(train=ds))
    with pytest.raises(OptionError, match="no column 'speaker_id'"):
        turns(ds.remove_columns("speaker_id"))


def test_other_labels_can_be_asked_for_if_they_are_labels(tmp_path: Path) -> None:
    make_emotalk(tmp_path / "E", num_utterances=24, media=False)
    ds = load_dataset("emotalk", data_dir=str(tmp_path / "E"), split="train", cache_dir=str(tmp_path / "c"))
    found = dialogues(ds, column="emotion_text")
    assert [ds[row]["emotion_text"] for row in found[0]["rows"]] == found[0]["emotions"]
    assert dialogues(ds)["emotions"][:] != found["emotions"][:]
    with pytest.raises(OptionError, match=r"column 'sentiment' is .* \['emotion', 'emotion_text', "):
        dialogues(ds, column="sentiment")


def test_a_loaded_release_says_whose_each_dialogue_is(tmp_path: Path) -> None:
    truth = make_emotalk(tmp_path / "E", num_utterances=24, media=False)
    emotalk = load_dataset(
        "emotalk", data_dir=str(tmp_path / "E"), split="train", cache_dir=str(tmp_path / "c")
    )
    make_m3ed(tmp_path / "M", audio=False, episodes=False)
    m3ed = load_dataset("m3ed", data_dir=str(tmp_path / "M"), split="train", cache_dir=str(tmp_path / "c"))
    assert dialogues(emotalk)["group_id"][:] == ["G00002", "G00002"]
    ids = [one for dialogue in dialogues(emotalk) for one in dialogue["utterance_ids"]]
    assert sorted(ids) == sorted(one.utterance_id for one in truth.utterances if one.split == "train")
    assert dialogues(m3ed)["dialogue_id"][:] == [
        "mingtianquhaibian_1",
        "qingchengxiaoxiang_1",
        "qingchengxiaoxiang_3",
    ]
    assert dialogues(m3ed)["series"][:] == [
        "mingtianquhaibian",
        "qingchengxiaoxiang",
        "qingchengxiaoxiang",
    ]


@needs_tables
def test_the_real_tables_have_742_dialogues_8_of_them_with_one_speaker() -> None:
    found = [one for split in real_emotalk().values() for one in dialogues(split)]
    assert len(found) == 742
    assert sum(len(set(one["speaker_ids"])) == 1 for one in found) == 8
    assert sum(one["num_utterances"] for one in found) == 19_250
    last_numbers = [int(one["utterance_ids"][-1][-3:]) for one in found]
    has_gaps = [last > one["num_utterances"] for last, one in zip(last_numbers, found, strict=True)]
    assert sum(has_gaps) == 599


def test_ids_and_numbers_of_another_type_are_refused() -> None:
    ds = conversation(lines("a_1_1 A Happy\na_1_2 B Sad"))
    with pytest.raises(OptionError, match=r"utterance_number is a column of string; expected whole numbers"):
        dialogues(ds.cast_column("utterance_number", datasets.Value("string")))
    numbered = ds.remove_columns("dialogue_id").add_column("dialogue_id", [1, 1])
    with pytest.raises(OptionError, match=r"dialogue_id is a column of int64; expected texts"):
        dialogues(numbered)

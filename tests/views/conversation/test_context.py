"""Contexts hold what was said around an utterance: never the utterance, another dialogue, or the future."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data import load_dataset
from emotalk_data.builder.features import emotalk_features, m3ed_features
from emotalk_data.errors import OptionError
from emotalk_data.testing import make_emotalk, make_m3ed
from emotalk_data.views import context, prediction_context
from emotalk_data.views.conversation.context import INPUT_COLUMNS, KNOWN_COLUMNS

from ..real_tables import needs_tables, real_emotalk
from .conversations import Line, conversation, lines, several_dialogues

SIX = lines(
    """
    a_1_9 B Sad
    a_1_1 A Happy
    a_2_1 A Fear
    a_1_2 B Happy
    a_1_4 B Anger
    a_1_5 A Anger
    """
)

LABELS = {"emotion", "emotions", "emotion_text", "emotion_audio", "emotion_video", "sentiment"}
CONTEXT = {"context_rows", "context_ids", "context_position"}

counts = st.none() | st.integers(0, 5)


def contexts(ds: datasets.Dataset) -> dict[str, list[str]]:
    return dict(zip(ds["utterance_id"][:], ds["context_ids"][:], strict=True))


def test_the_past_is_what_was_said_before_in_the_dialogue() -> None:
    ds = conversation(SIX)
    found = context(ds, past=2)
    assert contexts(found) == {
        "a_1_1": [],
        "a_1_2": ["a_1_1"],
        "a_1_4": ["a_1_1", "a_1_2"],
        "a_1_5": ["a_1_2", "a_1_4"],
        "a_1_9": ["a_1_4", "a_1_5"],
        "a_2_1": [],
    }
    assert found["context_rows"][:] == [[4, 5], [], [], [1], [1, 3], [3, 4]]
    assert found["context_position"][:] == [2, 0, 0, 1, 2, 2]
    assert found.remove_columns(sorted(CONTEXT)).to_list() == ds.to_list()


def test_the_future_comes_after_the_position() -> None:
    found = context(conversation(SIX), past=1, future=2)
    row = found[3]
    assert row["context_ids"] == ["a_1_1", "a_1_4", "a_1_5"]
    assert row["context_position"] == 1


def test_none_is_the_whole_dialogue() -> None:
    found = context(conversation(SIX), past=None, future=None)
    assert contexts(found)["a_1_4"] == ["a_1_1", "a_1_2", "a_1_5", "a_1_9"]
    assert contexts(found) == contexts(context(conversation(SIX), past=10**30, future=10**30))


def test_one_speaker_or_the_others_are_counted_after_the_choice() -> None:
    ds = conversation(SIX)
    own = contexts(context(ds, past=1, future=1, same_speaker=True))
    assert (own["a_1_5"], own["a_1_4"]) == (["a_1_1"], ["a_1_2", "a_1_9"])
    others = contexts(context(ds, past=1, future=1, same_speaker=False))
    assert (others["a_1_5"], others["a_1_4"]) == (["a_1_4", "a_1_9"], ["a_1_1", "a_1_5"])
    assert others["a_2_1"] == own["a_2_1"] == []


@given(several_dialogues(), counts, counts, st.sampled_from([None, True, False]))
def test_a_context_is_what_a_loop_over_the_dialogue_finds(
    said: list[Line], past: int | None, future: int | None, same_speaker: bool | None
) -> None:
    ds = conversation(said)
    found = context(ds, past=past, future=future, same_speaker=same_speaker)
    assert found["utterance_id"][:] == [one.utterance_id for one in said]
    for target, row in zip(said, found.select_columns(sorted(CONTEXT)), strict=True):
        near = sorted(
            one
            for one in said
            if one.dialogue == target.dialogue
            and (same_speaker is None or (one.speaker == target.speaker) == same_speaker)
            and one.number != target.number
        )
        before = [one for one in near if one.number < target.number]
        after = [one for one in near if one.number > target.number]
        before = before if past is None else before[max(len(before) - past, 0) :]
        after = after if future is None else after[:future]
        assert row["context_ids"] == [one.utterance_id for one in before + after]
        assert row["context_position"] == len(before)
        assert [said[number].utterance_id for number in row["context_rows"]] == row["context_ids"]


@settings(max_examples=30)  # each builds several tables
@given(several_dialogues(), counts, counts)
def test_the_order_of_rows_makes_no_difference(
    said: list[Line], past: int | None, future: int | None
) -> None:
    ordered = sorted(said, key=lambda one: one[:2])
    found = contexts(context(conversation(said), past=past, future=future))
    assert found == contexts(context(conversation(ordered), past=past, future=future))


@settings(max_examples=50)  # likewise
@given(several_dialogues(), counts)
def test_a_prediction_never_sees_its_utterance_the_future_or_another_dialogue(
    said: list[Line], past: int | None
) -> None:
    targets = prediction_context(conversation(said), past=past)
    of_id = {one.utterance_id: one for one in said}
    for row in targets:
        target = of_id[row["utterance_id"]]
        for number, utterance_id in zip(row["context_rows"], row["context_ids"], strict=True):
            seen = said[number]
            assert seen == of_id[utterance_id]
            assert seen.dialogue == target.dialogue
            assert seen.number < target.number
        assert row["context_position"] == len(row["context_rows"])
        assert f"words of {target.utterance_id}" not in row.values()


def values_in(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [inner for one in value.values() for inner in values_in(one)]
    if isinstance(value, list):
        return [inner for one in value for inner in values_in(one)]
    return [value]


def test_nothing_of_the_target_is_left_but_its_label_and_what_is_known_before(tmp_path: Path) -> None:
    make_emotalk(tmp_path / "E", num_utterances=24)
    make_m3ed(tmp_path / "M", episodes=False)
    for corpus, place in (("emotalk", "E"), ("m3ed", "M")):
        ds = load_dataset(
            corpus, data_dir=str(tmp_path / place), split="train", cache_dir=str(tmp_path / "c")
        )
        targets = prediction_context(ds, past=3)
        there = set(targets.column_names)
        assert there == {*CONTEXT, "emotion", *(set(KNOWN_COLUMNS) & set(ds.column_names))}
        assert set(targets.features) == set(targets.data.column_names) == there
        for row, hidden in zip(targets, ds.remove_columns(sorted(there - CONTEXT)), strict=True):
            texts = {one for one in values_in(dict(hidden)) if isinstance(one, str)}
            assert not texts & set(values_in(row))


def test_every_column_of_both_corpora_is_known_before_or_an_input_or_a_label() -> None:
    columns = {*emotalk_features(), *m3ed_features()}
    assert columns == {*KNOWN_COLUMNS, *INPUT_COLUMNS, *LABELS}
    assert len(columns) == len(KNOWN_COLUMNS) + len(INPUT_COLUMNS) + len(LABELS)


def test_the_context_of_a_prediction_is_read_from_the_data_that_was_given() -> None:
    ds = conversation(SIX)
    target = prediction_context(ds, past=2)[5]
    assert target["utterance_id"] == "a_1_5"
    assert ds.select(target["context_rows"])["text"][:] == ["words of a_1_2", "words of a_1_4"]


def test_predictions_with_too_little_before_them_can_be_left_out() -> None:
    ds = conversation(SIX)
    assert prediction_context(ds, past=2).num_rows == 6
    found = prediction_context(ds, past=2, min_past=1)
    assert found["utterance_id"][:] == ["a_1_9", "a_1_2", "a_1_4", "a_1_5"]
    assert [ds[rows[-1]]["utterance_id"] for rows in found["context_rows"]] == [
        "a_1_5",
        "a_1_1",
        "a_1_2",
        "a_1_4",
    ]


def test_another_label_can_be_predicted_and_the_usual_one_is_gone_then() -> None:
    ds = conversation(SIX).add_column("valence", [1.0, 0.0, 0.0, 0.5, 0.5, 0.5])
    targets = prediction_context(ds, past=1, column="valence")
    assert "valence" in targets.column_names
    assert "emotion" not in targets.column_names
    for name in ("text", "audio", "speaker_id", "start_seconds", "context_rows"):
        with pytest.raises(OptionError, match=r"which is no label|no column 'context_rows'"):
            prediction_context(ds, past=1, column=name)


def test_an_earlier_context_does_not_stay_beside_the_new_one() -> None:
    ds = context(conversation(SIX), past=None, future=None)
    assert contexts(prediction_context(ds, past=1)) == contexts(context(conversation(SIX), past=1))


def test_formats_and_selections_stay(tmp_path: Path) -> None:
    ds = conversation(SIX).select([5, 1, 3]).with_format("numpy", columns=["text"])
    found = context(ds, past=5)
    assert found.format["type"] == "numpy"
    assert found.format["columns"] == ["text", "context_rows", "context_ids", "context_position"]
    assert found[0]["context_rows"].tolist() == [1, 2]
    targets = prediction_context(ds, past=5)
    assert targets.format["type"] == "numpy"
    assert targets[0]["context_rows"].tolist() == [1, 2]
    assert set(targets[0]) == set(targets.column_names)


def test_media_are_not_copied() -> None:
    ds = conversation(SIX)
    for selected in (ds, ds.select([4, 3])):
        found = context(selected, past=1)
        before, after = (one.data.table.column("text").chunk(0) for one in (selected, found))
        assert [a.address for a in before.buffers() if a] == [b.address for b in after.buffers() if b]


def test_without_rows_there_is_no_context() -> None:
    ds = conversation(SIX).select([])
    for same_speaker in (None, True, False):
        assert context(ds, past=None, future=None, same_speaker=same_speaker).num_rows == 0
    assert prediction_context(ds, past=1).num_rows == 0


def test_null_speakers_matter_only_where_speakers_are_asked_for() -> None:
    ds = conversation(lines("a_1_1 A Sad\na_1_2 - Sad"))
    assert context(ds, past=1)["context_ids"][:] == [[], ["a_1_1"]]
    for same_speaker in (True, False):
        with pytest.raises(OptionError, match="speaker_id is null in 1 rows, the first is row 1"):
            context(ds, past=1, same_speaker=same_speaker)


@pytest.mark.parametrize("number", [-1, 1.5, "all", True])
def test_numbers_that_cannot_be_are_refused(number: Any) -> None:
    ds = conversation(SIX)
    with pytest.raises(OptionError, match=r"past is .*; expected 0, 1, 2"):
        context(ds, past=number)
    with pytest.raises(OptionError, match=r"future is .*; expected 0, 1, 2"):
        context(ds, past=1, future=number)
    with pytest.raises(OptionError, match=r"min_past is .*; expected"):
        prediction_context(ds, past=1, min_past=number)


def test_options_that_contradict_each_other_are_refused() -> None:
    ds = conversation(SIX)
    with pytest.raises(OptionError, match="min_past is 2; expected a number from 0 to past, which is 1"):
        prediction_context(ds, past=1, min_past=2)
    with pytest.raises(OptionError, match="min_past is None"):
        prediction_context(ds, past=1, min_past=None)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="same_speaker is 'A'; expected None, True or False"):
        context(ds, past=1, same_speaker="A")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="both have number 1"):
        context(ds.select([1, 1]), past=1)
    with pytest.raises(OptionError, match="choose a split"):
        context(datasets.DatasetDict(train=ds), past=1)


@needs_tables
def test_contexts_of_the_real_tables_stay_in_their_dialogue_whatever_the_order_of_rows() -> None:
    ds = real_emotalk()["validation"]
    found = context(ds, past=3)
    shuffled = context(ds.shuffle(seed=1), past=3)
    assert contexts(found) == contexts(shuffled)
    assert all(
        one[:9] == target[:9] and one[-3:] < target[-3:]
        for target, ids in contexts(found).items()
        for one in ids
    )
    assert sum(not ids for ids in contexts(found).values()) == len(set(ds["dialogue_id"]))

"""Shift and inertia add up, and `published` counts exactly as the authors' script does."""

from __future__ import annotations

import json
from collections import Counter
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings

from emotalk_data import load_dataset
from emotalk_data.errors import OptionError
from emotalk_data.schemas.labels import M3ED_EMOTIONS
from emotalk_data.testing import make_m3ed
from emotalk_data.views import emotion_shift

from ..real_tables import needs_tables, real_emotalk
from .conversations import Line, conversation, lines, several_dialogues

Pairs = Counter[tuple[str | None, str | None]]

THREE_TURNS = lines(
    """
    a_1_1 A Happy
    a_1_2 A Happy
    a_1_3 A Sad
    a_1_4 B Anger
    a_1_5 B Anger
    a_1_6 A Neutral
    a_1_7 A Fear
    """
)


def test_pairs_are_counted_between_turns_and_inside_them() -> None:
    found = emotion_shift(conversation(THREE_TURNS))
    assert (found.num_dialogues, found.num_turns, found.num_utterances) == (1, 3, 7)
    assert found.inter_shift == {("Happy", "Anger"): 1, ("Anger", "Neutral"): 1}
    assert found.inter_inertia == {}
    assert found.intra_shift == {("Happy", "Sad"): 1, ("Neutral", "Fear"): 1}
    assert found.intra_inertia == {("Happy", "Happy"): 1, ("Anger", "Anger"): 1}
    assert found.totals == {"inter_shift": 2, "inter_inertia": 0, "intra_shift": 2, "intra_inertia": 2}


def test_published_counting_drops_the_last_turn_and_begins_a_turn_with_the_last_emotion_of_the_one_before() -> (
    None
):
    found = emotion_shift(conversation(THREE_TURNS), counting="published")
    # (Anger, Anger) of B became (Sad, Anger), for A's turn of three ends with Sad; (Neutral, Fear) is gone.
    assert found.intra_shift == {("Happy", "Sad"): 1, ("Sad", "Anger"): 1}
    assert found.intra_inertia == {("Happy", "Happy"): 1}
    clean = emotion_shift(conversation(THREE_TURNS))
    assert (found.inter_shift, found.inter_inertia) == (clean.inter_shift, clean.inter_inertia)


def test_published_counting_begins_rightly_after_a_turn_of_one_utterance() -> None:
    said = lines("a_1_1 A Happy\na_1_2 B Anger\na_1_3 B Sad\na_1_4 A Fear")
    for counting in ("clean", "published"):
        found = emotion_shift(conversation(said), counting=counting)
        assert found.intra_shift == {("Anger", "Sad"): 1}
        assert found.intra_inertia == {}


def test_published_counting_carries_nothing_into_the_next_dialogue() -> None:
    said = lines("a_1_1 A Happy\na_1_2 A Sad\na_2_1 B Anger\na_2_2 B Anger\na_2_3 A Fear")
    found = emotion_shift(conversation(said), counting="published")
    assert found.intra_shift == {}
    assert found.intra_inertia == {("Anger", "Anger"): 1}


def test_a_pair_with_a_null_is_neither_shift_nor_inertia() -> None:
    said = lines("a_1_1 A Happy\na_1_2 A -\na_1_3 A -\na_1_4 B -\na_1_5 B Sad\na_1_6 A Sad")
    clean = emotion_shift(conversation(said))
    assert clean.totals == {"inter_shift": 0, "inter_inertia": 0, "intra_shift": 0, "intra_inertia": 0}
    assert (clean.inter_unlabelled, clean.intra_unlabelled) == (2, 3)
    published = emotion_shift(conversation(said), counting="published")
    assert (published.inter_unlabelled, published.intra_unlabelled) == (2, 3)


def authors_intra(emotions: list[str | None], speakers: list[str | None]) -> tuple[Pairs, Pairs, int]:
    """Count inside turns with the flow of the authors' loops, reused variable included."""
    shift: Pairs = Counter()
    inertia: Pairs = Counter()
    unlabelled = 0
    turn, previous_speaker = [emotions[0]], speakers[0]
    for speaker, emotion in zip(speakers[1:], emotions[1:], strict=True):
        if speaker == previous_speaker:
            turn.append(emotion)
            continue
        if len(turn) > 1:
            previous = turn[0]
            for emotion in turn[1:]:  # the fault that is to be reproduced
                if emotion is None or previous is None:  # the authors' data has none
                    unlabelled += 1
                else:
                    (inertia if emotion == previous else shift)[previous, emotion] += 1
                previous = emotion
        turn, previous_speaker = [emotion], speaker
    return shift, inertia, unlabelled


@given(several_dialogues())
def test_published_counting_is_the_authors_loop(said: list[Line]) -> None:
    shift: Pairs = Counter()
    inertia: Pairs = Counter()
    unlabelled = 0
    for _, dialogue in groupby(sorted(said, key=lambda one: one[:2]), key=lambda one: one.dialogue):
        own = list(dialogue)
        counted = authors_intra([one.emotion for one in own], [one.speaker for one in own])
        shift, inertia, unlabelled = shift + counted[0], inertia + counted[1], unlabelled + counted[2]
    found = emotion_shift(conversation(said), counting="published")
    assert (found.intra_shift, found.intra_inertia, found.intra_unlabelled) == (shift, inertia, unlabelled)


@given(several_dialogues())
def test_clean_counting_is_what_the_words_say(said: list[Line]) -> None:
    inter: list[tuple[Line, Line]] = []
    intra: list[tuple[Line, Line]] = []
    for _, dialogue in groupby(sorted(said, key=lambda one: one[:2]), key=lambda one: one.dialogue):
        of_speaker = [list(turn) for _, turn in groupby(dialogue, key=lambda one: one.speaker)]
        inter += pairwise(turn[0] for turn in of_speaker)
        intra += [pair for turn in of_speaker for pair in pairwise(turn)]
    found = emotion_shift(conversation(said))
    for pairs, shift, inertia in (
        (inter, found.inter_shift, found.inter_inertia),
        (intra, found.intra_shift, found.intra_inertia),
    ):
        labelled = [(a.emotion, b.emotion) for a, b in pairs if a.emotion and b.emotion]
        assert shift == Counter(pair for pair in labelled if pair[0] != pair[1])
        assert inertia == Counter(pair for pair in labelled if pair[0] == pair[1])


@settings(max_examples=50)
@given(several_dialogues())
def test_pairs_add_up_to_turns_and_utterances(said: list[Line]) -> None:
    ds = conversation(said)
    clean, published = emotion_shift(ds), emotion_shift(ds, counting="published")
    for found in (clean, published):
        between = found.totals["inter_shift"] + found.totals["inter_inertia"] + found.inter_unlabelled
        assert between == found.num_turns - found.num_dialogues
    inside = clean.totals["intra_shift"] + clean.totals["intra_inertia"] + clean.intra_unlabelled
    assert inside == clean.num_utterances - clean.num_turns


@settings(max_examples=30)  # each builds several tables
@given(several_dialogues())
def test_the_order_of_rows_makes_no_difference(said: list[Line]) -> None:
    for counting in ("clean", "published"):
        found = emotion_shift(conversation(said), counting=counting)
        assert found == emotion_shift(
            conversation(sorted(said, key=lambda one: one[:2])), counting=found.counting
        )


def test_it_prints_as_a_table() -> None:
    said = [*THREE_TURNS, *lines("a_2_1 A Sad\na_2_2 B -")]
    expected = """\
emotion, clean counting: 2 dialogues, 5 turns, 9 utterances
                     shift   inertia  unlabelled
between turns            2         0           1
inside turns             2         2           0
between turns, from the emotion at the left to the one above:
                Happy  Neutral      Sad  Disgust    Anger     Fear Surprise
Happy               0        0        0        0        1        0        0
Neutral             0        0        0        0        0        0        0
Sad                 0        0        0        0        0        0        0
Disgust             0        0        0        0        0        0        0
Anger               0        1        0        0        0        0        0
Fear                0        0        0        0        0        0        0
Surprise            0        0        0        0        0        0        0
inside turns, from the emotion at the left to the one above:
                Happy  Neutral      Sad  Disgust    Anger     Fear Surprise
Happy               1        0        1        0        0        0        0
Neutral             0        0        0        0        0        1        0
Sad                 0        0        0        0        0        0        0
Disgust             0        0        0        0        0        0        0
Anger               0        0        0        0        1        0        0
Fear                0        0        0        0        0        0        0
Surprise            0        0        0        0        0        0        0"""
    found = emotion_shift(conversation(said))
    assert str(found) == expected
    assert found._repr_html_() == f"<pre>{expected}</pre>"


def test_it_goes_into_json_and_says_everything() -> None:
    found = emotion_shift(conversation(THREE_TURNS))
    assert json.loads(json.dumps(found.to_dict())) == {
        "counting": "clean",
        "column": "emotion",
        "names": list(M3ED_EMOTIONS.names),
        "num_dialogues": 1,
        "num_turns": 3,
        "num_utterances": 7,
        "inter_shift": {"Happy": {"Anger": 1}, "Anger": {"Neutral": 1}},
        "inter_inertia": {},
        "intra_shift": {"Happy": {"Sad": 1}, "Neutral": {"Fear": 1}},
        "intra_inertia": {"Happy": {"Happy": 1}, "Anger": {"Anger": 1}},
        "inter_unlabelled": 0,
        "intra_unlabelled": 0,
        "totals": {"inter_shift": 2, "inter_inertia": 0, "intra_shift": 2, "intra_inertia": 2},
    }


def test_what_cannot_be_is_refused() -> None:
    ds = conversation(THREE_TURNS)
    with pytest.raises(OptionError, match=r"counting is 'papers'; expected one of \['clean', 'published'\]"):
        emotion_shift(ds, counting="papers")  # type: ignore[arg-type]
    with pytest.raises(
        OptionError, match=r"column 'text' is .* expected one with a label a row: \['emotion'\]"
    ):
        emotion_shift(ds, column="text")
    with pytest.raises(OptionError, match="speaker_id is null in 1 rows"):
        emotion_shift(conversation(lines("a_1_1 - Sad")))


def test_a_loaded_release_adds_up(tmp_path: Path) -> None:
    make_m3ed(tmp_path / "M", audio=False, episodes=False)
    ds = load_dataset("m3ed", data_dir=str(tmp_path / "M"), split="train", cache_dir=str(tmp_path / "c"))
    found = emotion_shift(ds)
    assert (
        found.totals["inter_shift"] + found.totals["inter_inertia"] == found.num_turns - found.num_dialogues
    )


@needs_tables
def test_each_of_the_four_labels_of_the_real_tables_has_its_own_shifts() -> None:
    ds = real_emotalk()["test"]
    columns = ("emotion", "emotion_text", "emotion_audio", "emotion_video")
    found = {name: emotion_shift(ds, column=name) for name in columns}
    pairs = {one.totals["inter_shift"] + one.totals["inter_inertia"] for one in found.values()}
    assert pairs == {found["emotion"].num_turns - found["emotion"].num_dialogues}
    assert len({one.totals["inter_shift"] for one in found.values()}) == 4

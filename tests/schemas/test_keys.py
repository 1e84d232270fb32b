from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.schemas.keys import KeyMap, Respelling

KEYS = ("Confidence_degree", "emotion", "Continuous label_result", "caption_1")


@pytest.fixture
def keys() -> KeyMap:
    return KeyMap(KEYS, synonyms={"overall": "caption_1"}, silent=["file_path", "emotion"])


@given(
    st.sampled_from(KEYS),
    st.lists(st.sampled_from(["", " ", "_", "-", "__", " -"]), min_size=30, max_size=30),
)
def test_a_key_is_known_in_any_case_and_with_any_separators(key: str, separators: list[str]) -> None:
    bare = key.replace("_", "").replace(" ", "")
    for case in (str.upper, str.lower, str.swapcase):
        spelled = "".join(map("".join, zip(separators, case(bare), strict=False)))
        respelling = KeyMap(KEYS).respelling({spelled: 1})
        if spelled in KEYS:
            assert respelling is None
        else:
            assert respelling == Respelling(((spelled, key),), (), ())
            assert KeyMap(KEYS).apply({spelled: 1}, respelling) == {key: 1}


def test_an_object_in_the_releases_own_spelling_needs_nothing(keys: KeyMap) -> None:
    assert keys.respelling(dict.fromkeys(KEYS)) is None
    assert keys.respelling({}) is None
    assert keys.respelling({"emotion": 1, "file_path": "a", "File-Path": "b"}) is None  # silent keys


def test_unknown_keys_are_named_and_left_out(keys: KeyMap) -> None:
    record = {"emotion": 1, "emotiоn": 2, "__class__": 3}  # Cyrillic о
    respelling = keys.respelling(record)
    assert respelling == Respelling((), ("emotiоn", "__class__"), ())
    assert keys.apply(record, respelling) == {"emotion": 1}


def test_a_synonym_stands_for_its_key_unless_the_key_is_there(keys: KeyMap) -> None:
    assert keys.respelling({"Overall": 1}) == Respelling((("Overall", "caption_1"),), (), ())
    record = {"overall": 1, "caption_1": 2}
    respelling = keys.respelling(record)
    assert respelling == Respelling((), (), (("overall", "caption_1"),))
    assert keys.apply(record, respelling) == {"caption_1": 2}


def test_of_two_other_spellings_the_first_counts_and_the_second_collides(keys: KeyMap) -> None:
    record = {"Emotion": 1, "EMOTION": 2}
    respelling = keys.respelling(record)
    assert respelling == Respelling((("Emotion", "emotion"),), (), (("EMOTION", "emotion"),))
    assert keys.apply(record, respelling) == {"emotion": 1}
    assert record == {"Emotion": 1, "EMOTION": 2}


def test_more_shapes_than_are_remembered_are_still_understood(keys: KeyMap) -> None:
    for number in range(2_000):
        assert keys.respelling({f"new{number}": 1}) == Respelling((), (f"new{number}",), ())
    assert keys.respelling({"EMOTION": 1}) == Respelling((("EMOTION", "emotion"),), (), ())
    assert keys.respelling({"emotion": 1}) is None


def test_a_huge_shape_is_not_remembered(keys: KeyMap) -> None:
    huge = {f"key{number}": 1 for number in range(10_000)}
    respelling = keys.respelling(huge)
    assert respelling is not None
    assert respelling.unknown == tuple(huge)
    assert keys.respelling(huge) is not respelling

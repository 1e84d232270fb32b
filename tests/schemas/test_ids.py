from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import PathError
from emotalk_data.schemas.ids import EmotalkUtteranceId, M3edUtteranceId, UtteranceId

digits = st.text("0123456789", min_size=2, max_size=2)
emotalk_ids = st.builds(
    EmotalkUtteranceId,
    group=st.integers(0, 99_999).map("G{:05d}".format),
    session=digits,
    speaker=digits,
    number=st.integers(0, 999),
)
letters = "abzAZ"
words = st.builds(str.__add__, st.sampled_from(letters), st.text(letters + "019", max_size=4))
m3ed_ids = st.builds(
    lambda start, rest, dialogue_number, number: M3edUtteranceId(
        series=start + "".join(rest), dialogue_number=dialogue_number, number=number
    ),
    st.text(letters + "019", min_size=1, max_size=6),
    st.lists(st.builds(str.__add__, st.sampled_from("_-"), words), max_size=3),
    st.integers(0, 999_999),
    st.integers(0, 999_999),
)


@given(emotalk_ids | m3ed_ids)
def test_an_id_and_its_text_are_one_to_one(utterance_id: EmotalkUtteranceId | M3edUtteranceId) -> None:
    assert UtteranceId.parse(str(utterance_id)) == utterance_id
    assert str(UtteranceId.parse(str(utterance_id))) == str(utterance_id)
    assert str(utterance_id).startswith(f"{utterance_id.dialogue_id}_")
    assert pickle.loads(pickle.dumps(utterance_id)) == utterance_id  # noqa: S301  # our own bytes


@given(st.text(alphabet=st.sampled_from("G0123_-aAz 　０\n.")) | st.text())
def test_whatever_is_parsed_is_written_back_as_it_was(text: str) -> None:
    try:
        utterance_id = UtteranceId.parse(text)
    except PathError:
        return
    assert str(utterance_id) == text


def test_an_emotiontalk_id_says_where_its_files_are() -> None:
    utterance_id = UtteranceId.parse("G00008_01_11_002")
    assert isinstance(utterance_id, EmotalkUtteranceId)
    assert (utterance_id.group, utterance_id.session, utterance_id.speaker) == ("G00008", "01", "11")
    assert utterance_id.number == 2
    assert utterance_id.dialogue_id == "G00008_01"
    assert utterance_id.folder == "G00008/G00008_01/G00008_01_11"


def test_an_m3ed_id_keeps_a_series_with_digits_or_separators_whole() -> None:
    utterance_id = UtteranceId.parse("anjia_1_2")
    assert isinstance(utterance_id, M3edUtteranceId)
    assert (utterance_id.series, utterance_id.dialogue_number, utterance_id.number) == ("anjia", 1, 2)
    assert utterance_id.dialogue_id == "anjia_1"
    assert str(UtteranceId.parse("jimaofeishangtian_13_6")) == "jimaofeishangtian_13_6"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "G00008_01_11_００２",
        "Ｇ00008_01_11_002",
        "G00008_01_11_002\n",
        "\nG00008_01_11_002",
        "G00008_01_11_002 ",
        " G00008_01_11_002",
        "G00008 _01_11_002",
        "g00008_01_11_002",
        "G0008_01_11_002",
        "G00008_1_11_002",
        "G00008_01_11_0002",
        "G00008_01_11",
        "G00008_01_11_002.json",
        "G00008/G00008_01_11_002",
        "../G00008_01_11_002",
        "G00008_01_11_002\0",
        "G00008_01_11_00٢",
        "anjia",
        "anjia_1",
        "anjia_1_2\n",
        "anjia_1_2 ",
        "anjia_01_2",
        "anjia_1_２",
        "anjia_1_-2",
        "anjia_1_1000000",
        "anjia__1_2",
        "安家_1_2",
        "аnjia_1_2",  # Cyrillic а
        "A_1_anjia",
        "_1_2",
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(PathError, match="is not an utterance id; expected EmotionTalk's G00008_01_11_002"):
        UtteranceId.parse(text)


@pytest.mark.parametrize(
    "fields",
    [
        {"group": "g00008", "session": "01", "speaker": "11", "number": 2},
        {"group": "G00008", "session": "1", "speaker": "11", "number": 2},
        {"group": "G00008", "session": "01", "speaker": "１１", "number": 2},
        {"group": "G00008", "session": "01", "speaker": "11", "number": 1000},
        {"group": "G00008", "session": "01", "speaker": "11", "number": -1},
    ],
)
def test_an_emotiontalk_id_cannot_be_made_of_parts_that_do_not_fit(fields: dict[str, Any]) -> None:
    with pytest.raises(PathError, match="is not an EmotionTalk id"):
        EmotalkUtteranceId(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"series": "", "dialogue_number": 1, "number": 2},
        {"series": "安家", "dialogue_number": 1, "number": 2},
        {"series": "anjia", "dialogue_number": -1, "number": 2},
        {"series": "anjia", "dialogue_number": 1, "number": 10**6},
        {"series": "../anjia", "dialogue_number": 1, "number": 2},
    ],
)
def test_an_m3ed_id_cannot_be_made_of_parts_that_do_not_fit(fields: dict[str, Any]) -> None:
    with pytest.raises(PathError, match="is not an M3ED id"):
        M3edUtteranceId(**fields)


def test_a_hostile_id_is_quoted_short_and_escaped() -> None:
    with pytest.raises(PathError, match="not an utterance id") as caught:
        UtteranceId.parse("\u202e\x1b[2J" * 100_000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 500


def test_the_base_class_names_no_dialogue() -> None:
    with pytest.raises(NotImplementedError, match=r"^$"):
        _ = UtteranceId(number=1).dialogue_id

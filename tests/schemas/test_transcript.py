from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.schemas.transcript import EVENT_TYPES, Transcript, clean_transcript

# The recipe of shared/formats.md, step by step, as the authors' counts were made with it.
EXACT = re.compile(
    r"\[(?:over/|/over/|/over|over|interrupted|laughing|sobbing|crying|screaming)\]", re.IGNORECASE
)
FRAGMENTS = ("[over/", "[/over", "[over", "over/]", "/over]", "over]", "/over")

MARKUP = [
    *("[over/]", "[/over]", "[over]", "[/over/]", "[interrupted]", "[laughing]", "[Sobbing]", "[crying]"),
    *("[screaming]", "[OVER/]", *FRAGMENTS, "[", "]", "[[", "]]"),
]
OVERLAP_LAUGHING = [("overlap", 0, 4), ("laughing", 5, 5)]
THREE_OVERLAPS = [("overlap", 0, 0), ("overlap", None, 2), ("overlap", 2, None)]
speech = st.text("我去拿蓝，。？abc 12\u3000\n", max_size=6)
raw_transcripts = st.lists(st.sampled_from(MARKUP) | speech).map("".join)


def recipe(raw: str) -> str:
    text = EXACT.sub("", raw)
    for fragment in FRAGMENTS:
        text = text.replace(fragment, "")
    return text.replace("[", "").replace("]", "")


@given(st.lists(st.tuples(speech, st.sampled_from(MARKUP))))
def test_no_spoken_character_is_lost(pieces: list[tuple[str, str]]) -> None:
    # Speech stands between marks, and no two marks touch to form a third.
    raw = "".join(f"{spoken}我{mark}" for spoken, mark in pieces)
    text = clean_transcript(raw).text
    assert text == recipe(raw)
    assert text == "".join(f"{spoken}我" for spoken, _ in pieces)


@given(raw_transcripts | st.text())
def test_the_text_is_a_subsequence_of_the_raw_transcript_without_brackets(raw: str) -> None:
    text = clean_transcript(raw).text
    rest: Iterator[str] = iter(raw)
    assert all(character in rest for character in text)
    assert not {"[", "]"} & set(text)


@given(raw_transcripts | st.text())
def test_every_event_lies_in_the_text(raw: str) -> None:
    transcript = clean_transcript(raw)
    begins = []
    for event in transcript.events:
        start, end = event.start, event.end
        length = len(transcript.text)
        assert event.type in EVENT_TYPES
        assert start is not None or end is not None
        assert start is None or 0 <= start <= length
        assert end is None or 0 <= end <= length
        assert start is None or end is None or start <= end
        assert event.type == "overlap" or start == end
        begins.append(start if start is not None else end or 0)
    assert begins == sorted(begins)


@given(st.text("我去拿，。over/ abc"))
def test_a_transcript_without_marks_is_its_own_text(raw: str) -> None:
    if "/over" not in raw:
        assert clean_transcript(raw) == Transcript(raw, (), 0, True)


@pytest.mark.parametrize(
    ("raw", "text", "events", "num_malformed", "is_balanced"),
    [
        ("", "", [], 0, True),
        ("你好。", "你好。", [], 0, True),
        ("game over", "game over", [], 0, True),
        ("[over/]我明天再[/over]来[laughing]。", "我明天再来。", OVERLAP_LAUGHING, 0, True),
        ("我[over/]你", "我你", [("overlap", 1, None)], 0, False),
        ("我[/over]你", "我你", [("overlap", None, 1)], 0, False),
        ("[over]我[over]你", "我你", [("overlap", 0, 1)], 0, True),
        ("[over/]我[over]你", "我你", [("overlap", 0, 1)], 0, False),
        ("[over]我[/over]你", "我你", [("overlap", 0, 1)], 0, False),
        ("[over/]我[/over/]你", "我你", [("overlap", 0, 1)], 0, False),
        ("[over/]我[over/]你[/over]他[/over]", "我你他", [("overlap", 0, 3), ("overlap", 1, 2)], 0, False),
        ("[Sobbing]我[sobbing]", "我", [("sobbing", 0, 0), ("sobbing", 1, 1)], 0, True),
        ("[SCREAMING][crying]", "", [("screaming", 0, 0), ("crying", 0, 0)], 0, True),
        ("我[interrupted]", "我", [("interrupted", 1, 1)], 0, True),
        # Malformed marks of the release: words inside the tag, and brackets lost or doubled.
        ("[over/我去拿][/over]的门", "我去拿的门", [("overlap", 0, 3)], 2, False),
        ("[over/你][/over]说", "你说", [("overlap", 0, 1)], 2, False),
        ("[over/晚，你先走][/over]", "晚，你先走", [("overlap", 0, 5)], 2, False),
        ("[over/]没问题/over]。", "没问题。", [("overlap", 0, 3)], 1, False),
        ("[over/]护[[/over]发素", "护发素", [("overlap", 0, 1)], 1, True),
        ("干嘛[over/呀[/over]？", "干嘛呀？", [("overlap", 2, 3)], 1, False),
        ("[over[/over]]挺好[[/over]over]", "挺好", THREE_OVERLAPS, 4, False),
        ("上了][/over]。", "上了。", [("overlap", None, 2)], 1, False),
        ("[笑]好", "笑好", [], 2, True),
    ],
)  # fmt: skip
def test_marks_are_taken_out_and_kept_as_events(
    raw: str,
    text: str,
    events: list[tuple[str, int | None, int | None]],
    num_malformed: int,
    is_balanced: bool,
) -> None:
    transcript = clean_transcript(raw)
    assert transcript.text == text
    assert [tuple(event) for event in transcript.events] == events
    assert transcript.num_malformed == num_malformed
    assert transcript.is_balanced is is_balanced


@pytest.mark.parametrize("tag", ["[ſobbing]", "[ınterrupted]", "[laughİng]", "[ſcreaming]"])
def test_letters_that_only_fold_to_those_of_a_tag_make_no_tag(tag: str) -> None:
    # Unicode's case folding once let these match, and the lookup of the event's type then failed.
    assert clean_transcript(tag) == Transcript(tag[1:-1], (), 2, True)


def test_a_hostile_transcript_is_cleaned_in_linear_time() -> None:
    assert clean_transcript("[over/" * 10_000).num_malformed == 10_000
    assert clean_transcript("[" * 200_000).text == ""
    assert clean_transcript("[over/]" * 5_000 + "[/over]" * 5_000).events[0] == ("overlap", 0, 0)


def test_the_released_table_gives_the_published_counts() -> None:
    table = Path(__file__).parents[3] / "shared" / "data" / "emotiontalk" / "transcription.csv"
    if not table.is_file():
        pytest.skip("the released transcripts are not here")
    with table.open(encoding="utf-8", newline="") as file:
        raws = [row["chinese"] for row in csv.DictReader(file)]
    transcripts = [clean_transcript(raw) for raw in raws]
    texts = [transcript.text for transcript in transcripts]
    assert texts == [recipe(raw) for raw in raws]
    assert len(raws) == 19_250
    assert sum(map(len, raws)) == 636_887
    assert sum(map(len, texts)) == 463_975
    assert sum(raw != text for raw, text in zip(raws, texts, strict=True)) == 9_137
    assert sum(not transcript.is_balanced for transcript in transcripts) == 306
    assert sum(transcript.num_malformed > 0 for transcript in transcripts) == 17

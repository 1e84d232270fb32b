"""Time lines: in the order of speech, at the place of their times, the same ones for the same ids."""

from __future__ import annotations

from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.report.corpus import as_corpus
from emotalk_data.report.timeline import timelines
from emotalk_data.report.timeline_places import place_utterances
from emotalk_data.testing import EmotalkSample

from .small_corpus import emotalk_rows, m3ed_rows


def row(number: int, start: float | None, end: float | None, **more: Any) -> dict[str, Any]:
    return {"utterance_number": number, "start_seconds": start, "end_seconds": end, **more}


def test_a_dialogue_is_told_in_the_order_of_its_numbers() -> None:
    rows = [
        row(5, 6.0, 10.0, speaker_id="02", text="三", emotion=3, emotion_text=0),
        row(1, 0.0, 2.0, speaker_id="01", text="一", emotion=0, emotion_text=0),
        row(2, 3.0, 6.0, speaker_id="02", text="二"),
    ]
    (one,) = timelines(as_corpus(emotalk_rows(train=rows)), 20)
    assert one.is_timed
    assert [line.text for line in one.lines] == ["一", "二", "三"]
    assert [line.time for line in one.lines] == ["0.0 s", "3.0 s", "6.0 s"]
    assert [line.label for line in one.lines] == ["neutral", "no label", "angry"]
    assert [line.others for line in one.lines] == [(), (), (("text", "neutral", "neutral"),)]
    assert [lane.speaker for lane in one.lanes] == ["01", "02"]
    assert [(mark.x, mark.width, mark.key) for mark in one.lanes[1].marks] == [
        (30.0, 30.0, "none"),
        (60.0, 40.0, "angry"),
    ]
    assert one.lanes[1].marks[1].told == "3. 02, 6.0 s, angry: 三"
    (strip,) = one.strips
    assert (strip.modality, [mark.key for mark in strip.marks]) == ("text", ["neutral", "none", "neutral"])


def test_m3ed_names_its_speakers() -> None:
    (one,) = timelines(as_corpus(m3ed_rows(train=[row(1, 0.0, 1.0, emotion=4)])), 20)
    assert one.lanes[0].speaker == "A Lin"
    assert one.lines[0].label == "Anger"
    assert one.strips == ()


@pytest.mark.parametrize(
    "times", [(None, 1.0), (2.0, 1.0), (float("nan"), 1.0), (float("inf"), 1.0), (-1e300, 1.0)]
)
def test_a_time_that_cannot_be_makes_no_time_line(times: tuple[float | None, float]) -> None:
    rows = [row(1, 0.0, 1.0), row(2, *times)]
    (one,) = timelines(as_corpus(emotalk_rows(train=rows)), 20)
    assert not one.is_timed
    assert one.ticks == ()
    assert [line.time for line in one.lines] == ["", ""]
    assert [(mark.x, mark.width) for mark in one.lanes[0].marks] == [(0.0, 46.0), (50.0, 46.0)]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0.1, 100)), min_size=1, max_size=12))
def test_every_mark_lies_on_the_line(spans: list[tuple[float, float]]) -> None:
    starts, ends = [start for start, _ in spans], [start + length for start, length in spans]
    places, ticks = place_utterances(starts, ends)
    assert len(places) == len(spans)
    assert all(0 <= x <= 100 and 0 < width <= 100.36 for x, width in places)
    assert 1 <= len(ticks) <= 10
    assert all(-0.001 <= x <= 100.001 for x, _ in ticks)
    assert [x for x, _ in ticks] == sorted(x for x, _ in ticks)


def test_dialogues_of_all_splits_are_chosen_and_do_not_depend_on_the_others() -> None:
    def rows(*names: str) -> list[dict[str, Any]]:
        return [row(1, 0.0, 1.0, dialogue_id=name) for name in names]

    few = emotalk_rows(train=rows("a", "b", "c", "d"), test=rows("e", "f"))
    chosen = [one.dialogue_id for one in timelines(as_corpus(few), 4)]
    assert len(chosen) == 4
    assert len({*chosen} & {"e", "f"}) == 2
    turned = emotalk_rows(train=rows("d", "c", "b", "a"), test=rows("f", "e"))
    assert [one.dialogue_id for one in timelines(as_corpus(turned), 4)] == chosen
    assert len(timelines(as_corpus(few), 20)) == 6
    assert timelines(as_corpus(few), 0) == ()


def test_a_dialogue_in_two_splits_is_two_time_lines() -> None:
    data = emotalk_rows(train=[row(1, 0.0, 1.0)], test=[row(2, 0.0, 1.0), row(3, 1.0, 2.0)])
    found = timelines(as_corpus(data), 20)
    assert [(one.split, len(one.lines)) for one in found] == [("train", 1), ("test", 2)]


def test_what_a_long_dialogue_leaves_out_is_counted() -> None:
    data = emotalk_rows(train=[row(number, None, None) for number in range(230)])
    (one,) = timelines(as_corpus(data), 20)
    assert (len(one.lines), one.num_left_out) == (200, 30)


def test_a_made_up_release_is_told_as_it_is(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample
) -> None:
    for one in timelines(as_corpus(emotalk), 20):
        truth = [u for u in emotalk_sample.utterances if u.dialogue_id == one.dialogue_id]
        truth.sort(key=lambda u: u.utterance_number)
        assert [line.utterance_id for line in one.lines] == [u.utterance_id for u in truth]
        assert [line.text for line in one.lines] == [u.text for u in truth]
        assert [line.label for line in one.lines] == [u.labels["multimodal"] or "no label" for u in truth]

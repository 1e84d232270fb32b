from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import SchemaError
from emotalk_data.schemas.timecode import FRAME_RATE, format_timecode, parse_timecode


@given(st.integers(0, 100 * 3600 * 25 - 1))
def test_frames_and_text_are_one_to_one(frame_number: int) -> None:
    text = format_timecode(frame_number)
    timecode = parse_timecode(text)
    assert timecode.frame_number == frame_number
    assert timecode.is_well_formed
    assert not timecode.has_frame_overflow
    assert len(text) == len("HH:MM:SS:FF")


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 99))
def test_a_time_code_means_what_arithmetic_says(
    hours: int, minutes: int, seconds: float, frames: int
) -> None:
    timecode = parse_timecode(f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}")
    assert timecode.seconds == pytest.approx(hours * 3600 + minutes * 60 + seconds + frames / FRAME_RATE)
    assert timecode.is_well_formed
    assert timecode.has_frame_overflow == (frames >= 25)


def test_a_frame_field_of_25_or_more_is_legal() -> None:
    assert parse_timecode("00:00:05:30").seconds == 6.2
    assert parse_timecode("00:00:05:24").has_frame_overflow is False
    assert parse_timecode("00:00:05:25").has_frame_overflow is True


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:31:55:142", 31 * 60 + 55 + 142 / 25),
        ("00:08:41:02 ", 8 * 60 + 41 + 2 / 25),
        (" 00:26:19:30", 26 * 60 + 19 + 30 / 25),
        (" 00:23:22:14", 23 * 60 + 22 + 14 / 25),
        ("00:40:44:0", 40 * 60 + 44),
        ("00:2:49:22", 2 * 60 + 49 + 22 / 25),
        ("00:4:05:23", 4 * 60 + 5 + 23 / 25),
    ],
)
def test_the_seven_malformed_times_of_the_release_are_read_and_told_apart(text: str, seconds: float) -> None:
    timecode = parse_timecode(text)
    assert timecode.seconds == pytest.approx(seconds)
    assert not timecode.is_well_formed


@pytest.mark.parametrize("text", ["00:61:00:00", "00:60:00:00", "00:00:60:00", "00:00:99:00", "00:61:99:30"])
def test_minutes_and_seconds_end_at_59(text: str) -> None:
    with pytest.raises(SchemaError, match="minutes and seconds go from 00 to 59"):
        parse_timecode(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00:00:01",
        "00:00:00:01:02",
        "00:00:00.04",
        "-00:00:01:00",
        "00:00:-1:00",
        "00：00：01：00",
        "00:00:0１:00",
        "00:00:00:1000",
        "100:00:00:00",
        "0 0:00:00:00",
        "00:00:00:0x1",
        "00:00:00:" + " " * 40 + "1",
        "1.5",
        "nan",
    ],
)
def test_what_is_no_time_code_is_refused(text: str) -> None:
    with pytest.raises(SchemaError, match="is not a time code; expected HH:MM:SS:FF"):
        parse_timecode(text)


def test_a_newline_at_the_end_is_malformed_and_not_overlooked() -> None:
    assert not parse_timecode("00:00:01:00\n").is_well_formed


@given(st.text())
def test_any_other_text_is_a_schema_error(text: str) -> None:
    reason = ""
    try:
        parse_timecode(text)
    except SchemaError as error:
        reason = str(error)
    assert reason.isprintable()
    assert len(reason) <= 500

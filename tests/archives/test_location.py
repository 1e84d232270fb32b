from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.archives import Location
from emotalk_data.errors import PathError, SpanError


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/x.wav", Location("a/x.wav")),
        ("a/x#1.wav", Location("a/x#1.wav")),
        ("a/x#t=abc.wav", Location("a/x#t=abc.wav")),
        ("a/x#t=", Location("a/x#t=")),
        ("a::b.wav", Location("a::b.wav")),
        ("x.mp4#t=1.5,2.25", Location("x.mp4", (), 1.5, 2.25)),
        ("x.mp4#t=npt:1,2", Location("x.mp4", (), 1.0, 2.0)),
        ("x.mp4#t=1", Location("x.mp4", (), 1.0, None)),
        ("x.mp4#t=1,", Location("x.mp4", (), 1.0, None)),
        ("x.mp4#t=,2", Location("x.mp4", (), None, 2.0)),
        ("tar://Audio/x.wav::/d/Audio.tar", Location("/d/Audio.tar", (("tar", "Audio/x.wav"),))),
        ("tar://a.wav::b::c.tar#t=0,1", Location("b::c.tar", (("tar", "a.wav"),), 0.0, 1.0)),
        (
            "zip://a/x.mp4::tar://M/mp4.zip::/d/M.tar",
            Location("/d/M.tar", (("zip", "a/x.mp4"), ("tar", "M/mp4.zip"))),
        ),
        ("zip://a/x.mp4::/d/m.zip", Location("/d/m.zip", (("zip", "a/x.mp4"),))),
    ],
)
def test_each_form_of_the_grammar_parses_and_prints_back(path: str, expected: Location) -> None:
    location = Location.parse(path)
    assert location == expected
    assert Location.parse(str(location)) == location
    assert pickle.loads(pickle.dumps(location)) == location  # noqa: S301


@pytest.mark.parametrize(
    ("path", "window"),
    [("x", None), ("x#t=3", (3.0, None)), ("x#t=,3", (0.0, 3.0)), ("x#t=1,3", (1.0, 3.0))],
)
def test_the_window_starts_at_zero_when_no_start_is_given(
    path: str, window: tuple[float, float | None] | None
) -> None:
    assert Location.parse(path).window == window


def test_seconds_are_written_with_at_most_six_decimals_and_no_trailing_zeros() -> None:
    assert str(Location("x", (), 0.1234567, 10.0)) == "x#t=0.123457,10"
    assert str(Location("x", (), None, 1.5)) == "x#t=,1.5"


@pytest.mark.parametrize(
    "path", ["x#t=2,2", "x#t=3,1", "x#t=,0", "x#t=0.0000001,0.0000002", "x#t=1e", "x#t=-1,2"]
)
def test_an_empty_window_is_refused_and_what_is_no_window_belongs_to_the_name(path: str) -> None:
    if path in ("x#t=1e", "x#t=-1,2"):
        assert Location.parse(path).file == path
        return
    with pytest.raises(SpanError, match="is empty"):
        Location.parse(path)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e10])
def test_a_time_that_no_media_has_is_refused(value: float) -> None:
    with pytest.raises(SpanError, match="no time in media"):
        Location("x", (), value, None)


@pytest.mark.parametrize(
    "path",
    [
        "http://h/x.wav",
        "hf://datasets/a/x.wav",
        "pipe:0",
        "concat:a|b",
        "subfile,,start,0,end,9,,:x.wav",
        "TAR://a::b.tar",
        "tar://a::http://h/x.tar",
    ],
)
def test_urls_and_protocols_are_refused(path: str) -> None:
    with pytest.raises(PathError, match="looks like a URL"):
        Location.parse(path)


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("", "is empty"),
        ("a\0b", "NUL"),
        ("tar://a\0b::x.tar", "NUL"),
        ("tar://a.wav", "no archive"),
        ("tar://::x.tar", "it is empty"),
        ("tar://a::", "is empty"),
        ("x" * 70_000, "70000 characters"),
        ("zip://a::" * 5 + "x", "inside each other"),
    ],
)
def test_paths_outside_the_grammar_are_refused(path: str, match: str) -> None:
    with pytest.raises(PathError, match=match):
        Location.parse(path)


def test_a_location_that_would_read_back_as_another_one_is_refused() -> None:
    with pytest.raises(PathError, match="ends like a time window"):
        Location("x#t=1,2")
    with pytest.raises(PathError, match="cannot be addressed"):
        Location("x.tar", (("tar", "a::b"),))
    with pytest.raises(PathError, match="no archive scheme"):
        Location("x.tar", (("rar", "a"),))


_text = st.text(st.sampled_from("ab:/#t=,0.1中 "), min_size=1, max_size=12)
_seconds = st.none() | st.floats(0, 1e9)


@given(_text, st.lists(st.tuples(st.sampled_from(["tar", "zip"]), _text), max_size=3), _seconds, _seconds)
def test_whatever_location_can_be_made_prints_and_parses_back(
    file: str, members: list[tuple[str, str]], start: float | None, end: float | None
) -> None:
    try:
        location = Location(file, tuple(members), start, end)
    except (PathError, SpanError):
        return
    assert Location.parse(str(location)) == location


@given(st.text(st.sampled_from("tarzip:/#=,01. n")))
def test_any_text_parses_to_something_stable_or_is_refused(path: str) -> None:
    try:
        location = Location.parse(path)
    except (PathError, SpanError):
        return
    assert Location.parse(str(location)) == location


def test_a_reference_reads_back_as_the_same_place() -> None:
    for location in (
        Location("/data/tv/a%20b.mp4", start_seconds=1.0, end_seconds=2.5),
        Location("/x.tar", (("tar", "tv/a.mp4"),), start_seconds=0.04, end_seconds=0.08),
    ):
        assert location.as_reference() == f"mediafragment://{location}"
        assert Location.parse(location.as_reference()) == location

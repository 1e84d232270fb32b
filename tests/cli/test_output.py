"""Tables as wide as Chinese is, and text that a terminal cannot obey."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.cli.output import (
    cells,
    one_line,
    pairs,
    paragraph,
    plural,
    printable,
    shorten,
    show_anything,
    table,
)


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("你好", 4), ("e\u0301", 1), ("，", 2), ("a你b", 4), ("ﾊ", 1)]
)
def test_a_chinese_character_takes_two_columns(text: str, width: int) -> None:
    assert cells(text) == width


@given(st.text(), st.integers(1, 40))
def test_shortened_text_fits_and_says_that_something_is_missing(text: str, width: int) -> None:
    short = shorten(text, width)
    assert cells(short) <= width
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


@given(st.text())
def test_printable_text_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert one_line(text).isprintable()


def test_tables_align_by_columns_of_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    table(["name", "rows"], [["你好", "1"], ["a", "1,000"]], right=(1,))
    assert capsys.readouterr().out.splitlines() == [
        "  name   rows",
        "  你好      1",
        "  a     1,000",
    ]


def test_pairs_align_their_values(capsys: pytest.CaptureFixture[str]) -> None:
    pairs([("文本", "x"), ("a", "y"), ("empty", "")])
    assert capsys.readouterr().out == "  文本   x\n  a      y\n  empty\n"


def test_paragraphs_wrap_below_their_first_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    paragraph("one two three four five six", first="- ")
    assert capsys.readouterr().out == "  - one two three four five\n    six\n"


def test_plural_counts_with_commas() -> None:
    assert [plural(n, "row") for n in (0, 1, 2_000)] == ["0 rows", "1 row", "2,000 rows"]


def test_an_ascii_stream_shows_plain_signs_and_escapes() -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    show_anything(stream)
    stream.write("a…b – 你 \udcff")
    stream.flush()
    assert buffer.getvalue() == b"a...b - \\u4f60 \\udcff"


def test_a_utf8_stream_shows_file_names_that_are_not_utf8() -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="utf-8")
    show_anything(stream)
    stream.write("你\udcff")
    stream.flush()
    assert buffer.getvalue() == "你\\udcff".encode()

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data import errors
from emotalk_data.errors import EmotalkError, quote


def every_class(base: type[EmotalkError]) -> list[type[EmotalkError]]:
    """The class and all below it that the module defines, each once."""
    found = [base]
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:
            found += [name for name in every_class(child) if name not in found]
    return found


CLASSES = every_class(EmotalkError)


@pytest.mark.parametrize("error_class", CLASSES)
def test_every_error_survives_pickling_with_all_that_it_carries(error_class: type[EmotalkError]) -> None:
    error = error_class(
        "第三行 is wrong", path="a/b.json", utterance_id="anjia_1_2", json_path="x[1]", offset=7
    )
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  # our own bytes
        assert type(other) is error_class
        assert str(other) == other.message == "第三行 is wrong"
        assert vars(other) == vars(error)
        assert (other.path, other.utterance_id, other.json_path, other.offset) == (
            "a/b.json",
            "anjia_1_2",
            "x[1]",
            7,
        )


@pytest.mark.parametrize("error_class", CLASSES)
def test_the_text_of_every_error_is_its_message(error_class: type[EmotalkError]) -> None:
    with pytest.raises(error_class, match=r"^no such thing$") as caught:
        raise error_class("no such thing")
    assert str(caught.value) == "no such thing"
    assert caught.value.path is None


def test_every_error_class_is_public_and_nothing_else_is() -> None:
    helpers = ["JsonFault", "printable", "quote"]
    assert sorted(errors.__all__) == sorted([*(error_class.__name__ for error_class in CLASSES), *helpers])


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn: list[tuple[str, str, str | None]] = []
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ([│├└─ ]*)([A-Z]\w+Error|EmotalkError)\b(?: \((\w+)\))?", line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        path[depth:] = [match[2]]
        drawn.append((match[2], path[depth - 1] if depth else "Exception", match[3]))
    real = []
    for error_class in CLASSES:
        parent, *builtin = error_class.__bases__
        real.append((error_class.__name__, parent.__name__, builtin[0].__name__ if builtin else None))
    assert sorted(drawn, key=str) == sorted(real, key=str)


def test_every_class_says_what_it_is_about() -> None:
    assert all(inspect.getdoc(error_class) for error_class in CLASSES)


@given(st.text(alphabet=st.characters(), max_size=3000))
def test_a_message_has_at_most_500_characters_and_nothing_that_a_terminal_obeys(text: str) -> None:
    message = str(EmotalkError(text))
    assert len(message) <= 500
    assert all(c.isprintable() or c == "\n" for c in message)
    if len(text) <= 500 and text.isprintable():
        assert message == text


def test_a_message_of_escapes_alone_is_cut_after_they_are_written_out() -> None:
    assert len(str(EmotalkError("\u202e" * 10_000))) <= 500
    assert str(EmotalkError("a\u202eb\x1b[2J\ud800")) == r"a\u202eb\x1b[2J\ud800"


@given(st.text(alphabet=st.characters()) | st.binary() | st.lists(st.text()), st.integers(8, 200))
def test_a_quoted_value_is_printable_and_no_longer_than_asked(value: object, max_chars: int) -> None:
    text = quote(value, max_chars)
    assert len(text) <= max_chars
    assert text.isprintable()
    if len(repr(value)) <= max_chars and not (isinstance(value, str | bytes) and len(value) > max_chars):
        assert text == repr(value)


def test_a_long_value_is_cut_in_the_middle_and_keeps_both_ends() -> None:
    assert quote("a" * 50 + "b" * 50, 21) == "'aaaaaaaa'…'bbbbbbbb'"
    assert quote("\u202e" * 1_000_000).startswith(r"'\u202e\u202e")
    assert len(quote(b"\xff" * 1_000_000)) <= 80


def test_a_value_whose_repr_fails_is_quoted_by_its_type() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert quote(10**5000) == "<int>"
    assert quote(nested) == "<list>"
    while nested:  # taken apart by hand: freeing it in one go is as deep as it is
        nested = nested.pop()  # type: ignore[assignment]  # lists all the way down

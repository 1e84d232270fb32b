"""Globs on file names: each sign means what the page says, and no glob is slow."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.validation.known.globs import compile_glob

_NAME = "Text/json/G00003/G00003_01/G00003_01_13/G00003_01_13_002.json"
_MEMBER = f"Text.tar::{_NAME}"


@pytest.mark.parametrize(
    ("glob", "matching", "others"),
    [
        ("a.json", ["a.json"], ["x/a.json", "A.json", "a.jsonl", "aXjson", ""]),
        ("*.json", ["a.json", ".json", "a:b.json"], ["x/a.json", "x.tar::a.json"]),
        ("Text/*/a", ["Text/b/a", "Text//a"], ["Text/b/c/a", "Text/a"]),
        ("a?c", ["abc", "a你c", "a\nc", "a:c"], ["ac", "abbc", "a/c"]),
        ("a??c", ["abbc"], ["a::c"]),
        ("**", [_NAME, _MEMBER, "a"], [""]),
        ("Text/**", [_NAME, "Text/a"], ["Text", "Text/", "Texts/a", _MEMBER, "x/Text/a"]),
        ("**/a.json", ["a.json", "x/a.json", "x/y/a.json", "x.tar::a.json", "x.tar::y/a.json"], ["xa.json"]),
        ("Text/**/a", ["Text/a", "Text/b/a", "Text/b/c/a"], ["Text/ba", "Texta", "Text/a/b"]),
        ("**/G00003_01_*/**", [_NAME, _MEMBER, "G00003_01_13/a"], ["G00003_01_13", "G00003/a"]),
        ("**/G00003/**/*_002.json", [_NAME, _MEMBER, "G00003/x_002.json"], ["G00003/x_003.json"]),
        ("Text.tar::**", [_MEMBER, "Text.tar::a"], ["Text.tar", "Text.tar/a", "Audio.tar::a"]),
        ("*.tar::*", ["Text.tar::a"], ["Text.tar", _MEMBER, "x/Text.tar::a"]),
        ("**/**/a", ["a", "x/a", "x/y/a"], ["b"]),
        ("a/**/b/**/c", ["a/b/c", "a/x/b/y/z/c", "a/b/b/c"], ["a/c", "a/xb/c"]),
        ("a*b*c", ["abc", "axbxc", "abcbc", "aabbcc"], ["ab", "acb", "a/bc", "abcx"]),
        ("[a]{b,c}.!(d)", ["[a]{b,c}.!(d)"], ["a.d", "ab.!(d)"]),
    ],
)
def test_a_glob_matches_these_names_and_no_others(glob: str, matching: list[str], others: list[str]) -> None:
    is_match = compile_glob(glob)
    assert [name for name in matching if not is_match(name)] == []
    assert [name for name in others if is_match(name)] == []


@pytest.mark.parametrize(
    ("glob", "reason"),
    [
        ("/data/Text/**", "begins with /"),
        (r"Text\json", "has a backslash"),
        ("Text/", r"names a folder; write Text/\*\* for the files below it"),
        ("Text.tar::", r"names a folder; write Text\.tar::\*\*"),
        ("Text//a", "an empty name"),
        ("./Text/**", r"has '\.' in it"),
        ("a/../b", r"has '\.\.' in it"),
        ("Text**", r"has \*\* beside other characters"),
        ("a/***/b", r"has \*\* beside other characters"),
        ("", "an empty name"),
    ],
)
def test_a_glob_that_could_match_nothing_says_why(glob: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        compile_glob(glob)


def _matches(names: list[str], globs: list[str]) -> bool:
    """The meaning of a glob of `/` parts, written down without a thought for time."""

    @cache
    def parts(n: int, g: int) -> bool:
        if g == len(globs):
            return n == len(names)
        if globs[g] == "**":
            if g == len(globs) - 1:
                return n < len(names)
            return parts(n, g + 1) or (n < len(names) and parts(n + 1, g))
        return n < len(names) and characters(names[n], globs[g]) and parts(n + 1, g + 1)

    def characters(name: str, glob: str) -> bool:
        if not glob:
            return not name
        if glob[0] == "*":
            return characters(name, glob[1:]) or bool(name and characters(name[1:], glob))
        return bool(name) and glob[0] in (name[0], "?") and characters(name[1:], glob[1:])

    return parts(0, 0)


_NAMES = st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=6)
_ONE_STAR = st.text("ab?*", min_size=1, max_size=5).map(lambda glob: re.sub(r"\*+", "*", glob))


@given(_NAMES, st.lists(st.just("**") | _ONE_STAR, min_size=1, max_size=6))
def test_every_glob_means_what_its_parts_mean(names: list[str], globs: list[str]) -> None:
    assert compile_glob("/".join(globs))("/".join(names)) == _matches(names, globs)


@pytest.mark.parametrize("glob", ["*a" * 200 + "b", "**/a/" * 100 + "b", "**/*a*a*a/" * 50 + "b"])
def test_a_glob_of_many_stars_ends_on_a_name_of_many_parts(glob: str) -> None:
    is_match = compile_glob(glob)
    assert not is_match("a" * 4_000)  # without atomic groups this takes longer than anyone waits
    assert not is_match("a/" * 2_000 + "a")
    assert not is_match("a::" * 1_000 + "a")

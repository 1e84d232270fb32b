"""Globs on the names of files, as the report shows them.

| in a glob | stands for |
|---|---|
| `*` | any characters within one folder's or file's name, or none |
| `?` | one character of such a name |
| `**` between slashes | any number of folders, or none; at the end: everything below |
| anything else | itself: brackets and braces too, and capitals differ from small letters |

A glob speaks of the whole name: `*.json` is a JSON file at the top, `**/*.json` one anywhere. Between an archive
and what is in it stands `::`, which divides names as a slash does: `Text.tar::**` is everything in `Text.tar`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["compile_glob"]

_SEPARATOR: Final = re.compile(r"(/|::)")
# What a name between separators may hold: a colon by itself is an ordinary character.
_CHARACTER: Final = "(?:[^/:]|:(?!:))"
_ANY_SEPARATOR: Final = "(?:/|::)"


def compile_glob(glob: str) -> Callable[[str], bool]:
    """Return a function that says whether a file's name matches.

    Matching takes at most the square of the name's length, however many stars the glob has: what lies between two
    stars is taken at its first place and never tried at another (the `(?>…)` groups).

    Args:
        glob: see above.

    Raises:
        ValueError: no name can match it as it is written; says why.
    """
    parts = _SEPARATOR.split(glob)
    names, separators = parts[::2], parts[1::2]
    _check(glob, names)
    regex, run = "", ""  # run: the names since the last `**`, or since the start
    is_after_stars = False
    for name, separator in zip(names, [*separators, ""], strict=True):
        if name != "**":
            run += _translate(name) + re.escape(separator)
            continue
        regex += _place(run, is_after_stars)
        run, is_after_stars = "", True
        if not separator:  # at the end: a file at any depth, so at least one character
            regex += ".+"
            return _matcher(regex)
    regex += f"(?:.*{_ANY_SEPARATOR})?{run}" if is_after_stars else run
    return _matcher(regex)


def _check(glob: str, names: list[str]) -> None:
    if "\\" in glob:
        raise ValueError("has a backslash; write folders with /")
    if glob.startswith("/"):
        raise ValueError("begins with /; names are relative to the release")
    if glob.endswith(("/", "::")):
        raise ValueError(f"names a folder; write {glob}** for the files below it")
    for name in names:
        if not name:
            raise ValueError("has an empty name between two separators")
        if name in (".", ".."):
            raise ValueError(f"has {name!r} in it; names are relative to the release and have no such part")
        if "**" in name and name != "**":
            raise ValueError("has ** beside other characters; it stands alone between slashes")


def _place(run: str, is_after_stars: bool) -> str:
    """Return the regex of what stands before a `**`; after another one it is searched for."""
    if not is_after_stars or not run:
        return run
    return f"(?>(?:.*?{_ANY_SEPARATOR})??{run})"


def _translate(name: str) -> str:
    """Return the regex of one name."""
    first, *others = [
        "".join(_CHARACTER if c == "?" else re.escape(c) for c in piece) for piece in re.split(r"\*+", name)
    ]
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>{_CHARACTER}*?{piece})" for piece in middle) + f"{_CHARACTER}*{last}"


def _matcher(regex: str) -> Callable[[str], bool]:
    match = re.compile(regex, re.DOTALL).fullmatch
    return lambda name: match(name) is not None

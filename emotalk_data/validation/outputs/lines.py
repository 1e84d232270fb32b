"""Which line of its file a problem is on.

Reading a record leaves no line behind: that would cost every record what only a wrong one needs. So the few
files that have a problem to be shown are looked through once more, by their tokens:

    {                                   line 1  (the whole: "")
      "data": [                              2  data
        {"emotion": "happy"},                3  data[0], data[0].emotion
        {"emotion": "hapy"}                  4  data[1], data[1].emotion
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from emotalk_data.archives import Location, open_source
from emotalk_data.errors import EmotalkError, quote
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.problems import Problem
from emotalk_data.schemas.strict_json import BOM

__all__ = ["lines_of", "with_lines"]

_MAX_BYTES: Final = 64 << 20  # of all files together; M3ED's annotation has some 12 MB
_MAX_STEPS: Final = 2_000_000  # tokens of all files together; M3ED's annotation has a million
_FREE_STEPS: Final = 1_000  # of each file; a record of EmotionTalk has 200
_MAX_PATH_CHARS: Final = 400  # M3ED's longest have about 120; a hostile key may be a megabyte long
_MAX_DEPTH: Final = 64  # a file that is nested deeper was not read, and has no places
_MAX_PARTS: Final = 32  # of one path; the deepest real one has six
_MAX_ALIKE: Final = 8  # wanted places that differ in their spelling only; a hostile file may have thousands
_NAMES: Final = (".json", ".jsonl")

# Possessive quantifiers: an unterminated string is looked through once, not once for every end it might have.
_TOKEN: Final = re.compile(
    rb"""[ \t\r\n]*+(?:
    (?P<string>"(?:[^"\\]++|\\.)*+") (?P<colon>[ \t\r\n]*+:)?   # with a colon behind it, a key
    | (?P<open>[{\[]) | (?P<close>[}\]]) | (?P<comma>,) | (?P<scalar>[^][{}:,"\s]++) )""",
    re.VERBOSE | re.DOTALL,
)
# Everything up to the next bracket outside of strings; the bracket is empty where there is none.
_BRACKET: Final = re.compile(rb"""(?:[^][{}"]++|"(?:[^"\\]++|\\.)*+")*+([][{}]?)""", re.DOTALL)
_LINE_IN_MESSAGE: Final = re.compile(r"at line ([0-9]{1,9}) column [0-9]+(?:$| near | \()")
_BYTE_IN_MESSAGE: Final = re.compile(r"byte ([0-9]{1,9}) is not UTF-8")
_PARTS: Final = re.compile(r"[.\[]")
_DROP_SEPARATORS: Final = str.maketrans("", "", " _-")


def with_lines(report: Report, problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with their lines, in the same order. Never raises: what cannot be found has no line.

    Each file is read once, but no more than 64 MiB in all, and no member of a compressed archive. A problem
    that has a line already keeps it.

    Args:
        report: the report they are of; its `root` is what their files are relative to.
        problems: those that will be shown; each file of theirs costs a reading.
    """
    found = list(problems)
    by_file: dict[str, list[int]] = {}
    for index, problem in enumerate(found):
        if problem.line is None and problem.file.lower().endswith(_NAMES):
            by_file.setdefault(problem.file, []).append(index)
    bytes_left, steps_left = _MAX_BYTES, _MAX_STEPS
    for file, indexes in by_file.items():
        raw = _read(file, report.root, bytes_left)
        if raw is None:
            continue
        bytes_left -= len(raw)
        paths = {found[index].json_path for index in indexes}
        search = _Search(raw, paths, steps_left + _FREE_STEPS)
        search.run()
        steps_left -= max(search.num_steps - _FREE_STEPS, 0)
        lines = search.lines(paths)
        for index in indexes:
            problem = found[index]
            found[index] = problem._replace(line=_line_of_fault(problem, raw) or lines.get(problem.json_path))
    return found


def _read(file: str, root: str, max_bytes: int) -> bytes | None:
    """Return the bytes of a file or a member below `root`; None when they cannot be had for little."""
    name, _, member = file.partition("::")
    try:
        path = posixpath.join(Path(root).expanduser(), name) if root else name
        if member:
            path = str(Location(path, (("tar", member),)))
        source = open_source(path=path)
        return bytes(source.read_all()) if source.size_bytes <= max_bytes else None
    except (EmotalkError, OSError, ValueError, RuntimeError):  # RuntimeError: no home folder for a `~`
        return None


def _line_of_fault(problem: Problem, raw: bytes) -> int | None:
    """Return the line that the message about a file that is not strict JSON names, if it names one."""
    if "-JSON-" not in problem.code:
        return None
    if match := _LINE_IN_MESSAGE.search(problem.found):
        return int(match[1])
    if match := _BYTE_IN_MESSAGE.search(problem.found):
        start = len(BOM) if raw.startswith(BOM) else 0
        return raw.count(b"\n", 0, start + int(match[1])) + 1
    return None


def lines_of(raw: bytes, paths: Iterable[str]) -> dict[str, int]:
    """Find JSON paths in the text of a document, in one pass over it.

    Args:
        raw: the document. Where it is no JSON the search ends, with what it has by then.
        paths: places such as `data[2].emotion`; empty for the whole.

    Returns:
        path -> line of its key or item, counted from 1. A path that is not there has the line of the nearest
        that holds it, at last that of the document itself; it is left out when there is no document.
    """
    paths = set(paths)
    search = _Search(raw, paths, _MAX_STEPS)
    search.run()
    return search.lines(paths)


def _parents(path: str) -> Iterator[str]:
    """Yield every text that may be a place around a path, the nearest first. A key may hold a dot itself."""
    parts = islice(_PARTS.finditer(path), _MAX_PARTS)
    yield from reversed([path[: match.start()] for match in parts])
    yield ""


class _Level:
    """An object or a list whose parts are looked at."""

    def __init__(self, *, is_list: bool, names: dict[str, bool]) -> None:
        self.is_list = is_list
        self.names = names  # the wanted texts that mean it, and whether each is exact; see `_spellings`
        self.index = 0  # of the next item of a list


class _Search:
    """One pass over a document. Only what may hold a wanted place is followed: no deeper than a path goes.

    Attributes:
        num_steps: how many tokens were looked at.

    Args:
        raw: the document.
        paths: the wanted places.
        max_steps: look at no more tokens.
    """

    def __init__(self, raw: bytes, paths: set[str], max_steps: int) -> None:
        self.num_steps = 0
        self._max_steps = max_steps
        self._raw = raw
        self._missing = {path[:_MAX_PATH_CHARS] for path in paths}
        self._wanted = {place for path in self._missing for place in (path, *_parents(path))}
        self._folded: dict[str, list[str]] = {}
        for place in sorted(self._wanted):
            alike = self._folded.setdefault(_fold(place), [])
            if len(alike) < _MAX_ALIKE:
                alike.append(place)
        self._exact: dict[str, int] = {}
        self._inexact: dict[str, int] = {}
        self._line, self._counted = 1, 0
        self._levels: list[_Level] = []
        # What the value behind a key is called; None where no value is due.
        self._key: dict[str, bool] | None = None

    def run(self) -> None:
        """Look for the places until all are found, or the document or its sense ends."""
        position = len(BOM) if self._raw.startswith(BOM) else 0
        while self._missing and position >= 0 and self.num_steps < self._max_steps:
            self.num_steps += 1
            token = _TOKEN.match(self._raw, position)
            position = -1 if token is None else self._take(token)

    def lines(self, paths: Iterable[str]) -> dict[str, int]:
        """Return the line of each path, or of what holds it."""
        known = {**self._inexact, **self._exact}
        lines: dict[str, int] = {}
        for path in paths:
            short = path[:_MAX_PATH_CHARS]
            line = next((known[place] for place in (short, *_parents(short)) if place in known), None)
            if line is not None:
                lines[path] = line
        return lines

    def _take(self, token: re.Match[bytes]) -> int:
        """Take one token in; return where the next is, or -1 at the end of the document, or of its sense."""
        kind = token.lastgroup
        level = self._levels[-1] if self._levels else None
        if kind in ("string", "scalar", "open"):
            return self._take_value(token, level)
        if level is None or self._key is not None:
            return -1
        if kind == "colon":
            if level.is_list:
                return -1
            self._key = self._of_key(token["string"], level.names)
            self._note(self._key, token.start("string"))
        elif kind == "comma":
            level.index += 1
        else:
            self._levels.pop()
            if not self._levels or level.is_list != (token["close"] == b"]"):
                return -1
        return token.end()

    def _take_value(self, token: re.Match[bytes], level: _Level | None) -> int:
        start = token.start(token.lastgroup or 0)
        if level is None:
            names: dict[str, bool] | None = {"": True}
            self._note({"": True}, start)
        elif level.is_list:
            names = self._of_item(level.index, level.names)
            self._note(names, start)
        else:
            names, self._key = self._key, None
        if names is None or (level is None and token.lastgroup != "open"):
            return -1
        if token.lastgroup == "open":
            if not names:
                return self._end_of_part(token.end())
            self._levels.append(_Level(is_list=token["open"] == b"[", names=names))
        return token.end()

    def _end_of_part(self, position: int) -> int:
        """Return where an object or list that nothing wanted is in ends; -1 when it does not."""
        depth = 1
        for bracket in _BRACKET.finditer(self._raw, position):
            self.num_steps += 1
            if not bracket[1] or depth > _MAX_DEPTH or self.num_steps > self._max_steps:
                break
            depth += 1 if bracket[1] in b"[{" else -1
            if not depth:
                return bracket.end()
        return -1

    def _of_item(self, index: int, names: dict[str, bool]) -> dict[str, bool]:
        places = {f"{name}[{index}]": is_exact for name, is_exact in names.items()}
        return {place: is_exact for place, is_exact in places.items() if place in self._wanted}

    def _of_key(self, token: bytes, names: dict[str, bool]) -> dict[str, bool]:
        try:
            key = str(json.loads(token)) if b"\\" in token else token[1:-1].decode("utf-8", "replace")
        except ValueError:
            return {}
        places: dict[str, bool] = {}
        for name, is_exact in names.items():
            prefix = f"{name}." if name else ""
            for spelling in _spellings(key):
                if prefix + spelling in self._wanted:
                    places[prefix + spelling] = is_exact
            for place in self._folded.get(_fold(prefix + key), ()):
                if place.startswith(prefix):
                    places.setdefault(place, False)
        return places

    def _note(self, places: dict[str, bool], position: int) -> None:
        """Note the line of some places; the first place of a name is the one that counts."""
        if not places:
            return
        self._line += self._raw.count(b"\n", self._counted, position)
        self._counted = position
        for place, is_exact in places.items():
            (self._exact if is_exact else self._inexact).setdefault(place, self._line)
            if is_exact:
                self._missing.discard(place)


def _spellings(key: str) -> tuple[str, ...]:
    """Return the ways in which a key stands in a path: as it is, or quoted where it may be anything."""
    quoted = quote(key)
    return key, quoted[1:-1], quoted, quote(key, 60)


def _fold(text: str) -> str:
    """Return what the spellings of a key have in common: a path has the release's, the file may have another."""
    return text.translate(_DROP_SEPARATORS).lower()

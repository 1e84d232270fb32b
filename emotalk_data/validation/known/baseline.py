"""Problems that are known already: CI fails on new ones only.

A baseline is one JSON file, a problem a line, sorted, so that `git diff` shows what was mended:

    {
    "baseline_version": 1,
    "problems": [
    ["ET-CONF-001", "Text/json/…/G00003_01_13_002.json", "data[1].Confidence_degree", "0.4"],
    ["ET-JSON-001", "Text/json/…/G00003_01_13_005.json", "", "an empty file", 2]
    ]
    }

A problem is known when its code, file, JSON path and what was found agree, as often as the baseline has it (the
number at the end of a line; 1 when there is none). Notes are not in it: they never fail.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NoReturn

from emotalk_data._whole_file import whole_file
from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.problems import Problem

__all__ = ["Baseline", "BaselineRecorder", "read_baseline", "target_of"]

_VERSION: Final = 1
_MAX_BYTES: Final = 512 << 20
_MAX_COUNT: Final = 1 << 40
_HEAD: Final = re.compile(r'\s*\{\s*"baseline_version"\s*:\s*([0-9]{1,9})\s*,\s*"problems"\s*:\s*\[\s*')
_NEXT: Final = re.compile(r"\s*,\s*")
_TAIL: Final = re.compile(r"\s*\]\s*\}\s*")
_REMEDY: Final = "Name a file that --write-baseline wrote, or write it again"


class Baseline:
    """What was known when a baseline was written, and what of it has not been met again so far.

    Of each known problem 16 bytes are held, whatever its length.

    Attributes:
        num_known: how many problems the baseline has.
    """

    def __init__(self) -> None:
        self.num_known = 0
        self._left: dict[bytes, int] = {}  # digest -> how often it may still occur

    def screen(self, problem: Problem) -> str | None:
        """Return `baseline` when the problem is known, else None. What is known once is new the second time."""
        if CODES[problem.code].severity == "note":
            return None
        key = _digest(problem.code, problem.file, problem.json_path, problem.found)
        left = self._left.get(key, 0)
        if left < problem.count:
            return None
        self._left[key] = left - problem.count
        return "baseline"

    @property
    def num_gone(self) -> int:
        """How many known problems have not been met: mended, if the whole release was read."""
        return sum(self._left.values())

    def _add(self, code: str, file: str, json_path: str, found: str, count: int = 1) -> None:
        key = _digest(code, file, json_path, found)
        self._left[key] = self._left.get(key, 0) + count
        self.num_known += count


class BaselineRecorder:
    """Takes every error and warning in, and writes them as a baseline."""

    def __init__(self) -> None:
        self._problems: Counter[tuple[str, str, str, str]] = Counter()

    @property
    def num_problems(self) -> int:
        """How many problems the baseline will have."""
        return self._problems.total()

    def record(self, problem: Problem) -> None:
        """Take a problem in; notes are left out. Passes nothing over."""
        if CODES[problem.code].severity != "note":
            self._problems[problem.code, problem.file, problem.json_path, problem.found] += problem.count

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the baseline: all of it or nothing, under its name only when it is on the disk.

        Raises:
            OptionError: it cannot be written there, or there is a file that is no baseline.
        """
        target = target_of(path)
        try:
            with whole_file(target) as file:
                file.writelines(line.encode("utf-8") for line in self._lines())
        except OSError as error:
            raise OptionError(
                f"cannot write the baseline {quote(target)}: {error.strerror}. "
                f"Name a file in a folder that you may write to.",
                path=target,
            ) from error

    def _lines(self) -> Iterator[str]:
        yield f'{{\n"baseline_version": {_VERSION},\n"problems": ['
        before = "\n"
        for key, count in sorted(self._problems.items()):
            line = json.dumps([*key, count] if count > 1 else key, ensure_ascii=False)
            # Half of a surrogate pair is no UTF-8; as an escape it is still JSON.
            yield before + (line if _is_utf8(line) else json.dumps(json.loads(line)))
            before = ",\n"
        yield "\n]\n}\n"


def read_baseline(path: str | os.PathLike[str]) -> Baseline:
    """Read a baseline, in whatever way its JSON is laid out.

    Raises:
        OptionError: the file cannot be read, or is no baseline of a version that this one knows.
    """
    name = os.fspath(path)
    try:
        with Path(name).open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise OptionError(
            f"cannot read the baseline {quote(name)}: {reason}. Make it with --write-baseline.", path=name
        ) from error
    if len(raw) > _MAX_BYTES:
        _refuse(name, f"it has more than {_MAX_BYTES:,} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse(name, "it is not UTF-8")
    del raw
    return _parse(text, name)


def _parse(text: str, name: str) -> Baseline:
    """Read entry by entry: the problems of a large baseline are never objects all at once."""
    head = _HEAD.match(text)
    if head is None:
        _refuse(name, "it does not begin as one")
    if int(head[1]) != _VERSION:
        raise OptionError(
            f"{quote(name)} is a baseline of version {int(head[1])}; this emotalk_data knows version {_VERSION}. "
            f"Write it again with --write-baseline, or install the emotalk_data that wrote it.",
            path=name,
        )
    baseline = Baseline()
    decode = json.JSONDecoder().raw_decode
    end = head.end()
    tail = _TAIL.match(text, end)
    while tail is None:
        start = end
        try:
            entry, end = decode(text, start)
        except (ValueError, RecursionError):
            _refuse(name, f"line {_line_of(text, start)} is not JSON")
        if not _is_entry(entry):
            _refuse(
                name, f"line {_line_of(text, start)} is {quote(entry)}; expected [code, file, path, found]"
            )
        baseline._add(*entry)
        tail = _TAIL.match(text, end)
        following = _NEXT.match(text, end)
        if tail is None and following is None:
            _refuse(name, f"it is cut or damaged at line {_line_of(text, end)}")
        end = following.end() if following is not None else end
    if tail.end() != len(text):
        _refuse(name, f"something follows its end at line {_line_of(text, tail.end())}")
    return baseline


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, list) or len(entry) not in (4, 5):
        return False
    *texts, count = entry if len(entry) == 5 else [*entry, 1]
    return all(isinstance(text, str) for text in texts) and type(count) is int and 0 < count < _MAX_COUNT


def _digest(code: str, file: str, json_path: str, found: str) -> bytes:
    # The lengths say where each part ends, so that no two problems can be made to look alike.
    text = f"{len(file)} {len(json_path)} {code} {file}{json_path}{found}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _refuse(name: str, reason: str) -> NoReturn:
    raise OptionError(f"{quote(name)} is not a baseline: {reason}. {_REMEDY}.", path=name)


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def target_of(path: str | os.PathLike[str]) -> str:
    """Return the file to write. What is no baseline stays: one slip, and a release has lost its annotations.

    Where a link leads to a baseline, that one is replaced and the link stays.

    Raises:
        OptionError: there is a file that is no baseline, or it cannot be looked at.
    """
    try:
        target = os.path.realpath(path)
        if not os.path.lexists(target):
            return target
        if stat.S_ISREG(Path(target).stat().st_mode):
            with Path(target).open("rb") as file:
                start = file.read(200).decode("utf-8-sig", "replace")
            if not start.strip() or _HEAD.match(start):
                return target
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        name = os.fspath(path)
        raise OptionError(f"cannot write the baseline {quote(name)}: {reason}.", path=name) from error
    raise OptionError(
        f"{quote(target)} is there and is no baseline; it was left as it is. Name another file.", path=target
    )

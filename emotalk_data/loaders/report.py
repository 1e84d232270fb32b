"""What was found in a release and what became of it: every record is a row, or a line here."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from emotalk_data.errors import CacheCorruptError, ReleaseError, quote
from emotalk_data.schemas.codes import CODES, SEVERITIES, Severity
from emotalk_data.schemas.problems import Problem

__all__ = ["FATES", "Report", "Screen"]

_MAX_KEPT_PER_CODE: Final = 1_000
_INDEX: Final = re.compile(r"\[[0-9]+\]")

FATES: Final = (
    "records_in_rows",
    "records_unreadable",
    "records_duplicate",
    "records_shadowed",
    "records_unplaced",
    "records_dropped",
)
"""Each record that was found has one fate: `Report.check` adds up these counts."""

Screen = Callable[[Problem], str | None]
"""Says of a problem why it is to be passed over, such as `baseline`; None when it is not."""


class Report:
    """Problems and counts of one reading of a release.

    Problems of one code are kept whole up to 1,000; beyond that they are counted only, so memory does not grow
    with a release in which every file has the same oddity. Notes about spelling (keys, types) that are alike are
    one line with a count from the start.

    Attributes:
        corpus: `emotalk` or `m3ed`.
        counts: how many records were found and what became of them, by name.
        root: the folder that the problems' files are relative to, as the user named it; empty when the names
            stand by themselves.
        passed_over: problems that the user asked to pass over: why (`config`, `baseline`) to code to number.

    Args:
        corpus: see above.
        screen: says of a problem why it is to be passed over, or None to take it in.
    """

    def __init__(self, corpus: str, *, screen: Screen | None = None) -> None:
        self.corpus = corpus
        self.root = ""
        self.passed_over: dict[str, Counter[str]] = {}
        self._screen = screen
        self.counts: Counter[str] = Counter()
        self._num_by_code: Counter[str] = Counter()
        self._kept: dict[str, list[Problem]] = {}
        self._alike: dict[tuple[str, str, str, str], Problem] = {}

    def add(self, problem: Problem) -> None:
        """Take one problem in. A file name that is not UTF-8 is kept with its bytes escaped."""
        code = problem.code
        if not problem.file.isascii():
            problem = problem._replace(file=_as_text(problem.file))
        why = self._screen(problem) if self._screen is not None else None
        if why is not None:
            self.passed_over.setdefault(why, Counter())[code] += problem.count
            return
        self._num_by_code[code] += problem.count
        if CODES[code].severity == "note" and problem.json_path:
            key = (code, _INDEX.sub("[]", problem.json_path), problem.found, problem.expected)
            seen = self._alike.get(key)
            if seen is not None:
                # The first in order of names stands for all: parts of a report come in any order.
                first = min(seen, problem, key=lambda one: (one.file, one.json_path))
                self._alike[key] = first._replace(count=seen.count + problem.count)
                return
            if len(self._alike) < _MAX_KEPT_PER_CODE:
                self._alike[key] = problem
                return
        kept = self._kept.setdefault(code, [])
        if len(kept) < _MAX_KEPT_PER_CODE:
            kept.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Take several problems in."""
        for problem in problems:
            self.add(problem)

    def problem(
        self,
        code: str,
        file: str,
        json_path: str,
        found: str,
        expected: str,
        *,
        utterance_id: str | None = None,
        count: int = 1,
    ) -> None:
        """Take in a problem given by its parts."""
        self.add(Problem(code, file, json_path, found, expected, utterance_id, count))

    def merge(self, other: Report, *, folder: str = "") -> None:
        """Take in what another report found.

        Args:
            other: of the same release, or of another one.
            folder: what to put before its file names.
        """
        self.counts.update(other.counts)
        known = Counter[str]()
        for problem in other.problems():
            self.add(problem._replace(file=f"{folder}/{problem.file}") if folder else problem)
            known[problem.code] += problem.count
        for why, numbers in other.passed_over.items():
            self.passed_over.setdefault(why, Counter()).update(numbers)
        # What the other report only counted stays a count here.
        self._num_by_code.update(other._num_by_code - known)

    def problems(self, severity: Severity | None = None) -> Iterator[Problem]:
        """Yield the kept problems: errors first, then in the order of their codes, then of their files."""
        kept = [*self._alike.values(), *(problem for problems in self._kept.values() for problem in problems)]
        kept.sort(key=lambda one: (SEVERITIES.index(one.severity), one.code, one.file))
        for problem in kept:
            if severity is None or problem.severity == severity:
                yield problem

    def num_problems(self, severity: Severity | None = None) -> int:
        """Count all problems, those that were not kept included."""
        return sum(
            number
            for code, number in self._num_by_code.items()
            if severity is None or CODES[code].severity == severity
        )

    def num_by_code(self) -> dict[str, int]:
        """Count problems by code, the codes in order."""
        return dict(sorted(self._num_by_code.items()))

    @property
    def is_clean(self) -> bool:
        """Whether there is no error and no warning; notes do not count."""
        return not self.num_problems("error") and not self.num_problems("warning")

    def check(self) -> None:
        """Make sure that every record found has one fate.

        Raises:
            ReleaseError: the counts do not add up; that would be a defect of this library.
        """
        found = self.counts["records_found"]
        fates = {name: self.counts[name] for name in FATES}
        if found != sum(fates.values()):
            raise ReleaseError(
                f"{found} records were found but {fates} do not add up to that: a record would be lost in "
                f"silence. This is a defect of emotalk_data; please report it with this message."
            )
        if self.counts["utterances_found"] != self.counts["rows"] + self.counts["utterances_dropped"]:
            raise ReleaseError(
                f"{self.counts['utterances_found']} utterances were found, but {self.counts['rows']} rows and "
                f"{self.counts['utterances_dropped']} dropped ones do not add up to that. This is a defect of "
                f"emotalk_data; please report it with this message."
            )

    def summary(self) -> str:
        """One line: how much was read, and how many problems there are."""
        numbers = ", ".join(
            _plural(number, severity) for severity in SEVERITIES if (number := self.num_problems(severity))
        )
        return (
            f"{self.corpus}: {_plural(self.counts['records_found'], 'record')}, "
            f"{_plural(self.counts['rows'], 'row')}; "
            f"{numbers or 'no problems'}"
        )

    def __repr__(self) -> str:
        return f"<Report {self.summary()}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return {
            "corpus": self.corpus,
            "counts": dict(sorted(self.counts.items())),
            "num_by_code": self.num_by_code(),
            "problems": [problem._asdict() for problem in self.problems()],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Report:
        """Read what `to_dict` wrote.

        Raises:
            CacheCorruptError: the values are not a report's.
        """
        try:
            report = cls(values["corpus"])
            report.counts.update(_checked_counts(values["counts"]))
            for fields in values["problems"]:
                problem = Problem(**fields)
                if not all(isinstance(text, str) for text in problem[:5]):
                    raise TypeError(f"a problem is {quote(fields)}")
                report.add(problem)
            report._num_by_code = Counter(_checked_counts(values["num_by_code"]))
            if not CODES.keys() >= report._num_by_code.keys():
                raise KeyError("an unknown code")
        except (KeyError, TypeError, ValueError) as error:
            raise CacheCorruptError(f"this is no report of ours: {error}") from error
        return report

    def to_json(self) -> str:
        """Return the report as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _as_text(name: str) -> str:
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a surrogate pair that stands for no byte
        return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _checked_counts(values: Any) -> dict[str, int]:
    if not isinstance(values, dict) or not all(type(number) is int for number in values.values()):
        raise TypeError(f"counts are {quote(values)}")
    return values

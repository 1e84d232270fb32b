"""One problem found in a release."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from emotalk_data.schemas.codes import CODES, Severity

__all__ = ["WHOLE_RELEASE", "Note", "Problem", "noter", "was_refused"]

WHOLE_RELEASE: Final = "."
"""The file of a problem that is about no single file."""


Note = Callable[[str, str, str, str], None]
"""`note(code, json_path, found, expected)`: takes in a finding about the object that is read. The caller quotes
`found`; the path is relative to the object."""


class Problem(NamedTuple):
    """One finding.

    Attributes:
        code: a key of `CODES`.
        file: path of the file, relative to the release; `archive.tar::member` inside an archive.
        json_path: place inside the file, such as `data[2].emotion`; empty when it is the file itself.
        found: what is there, quoted and cut.
        expected: what should be there.
        utterance_id: the utterance, when it is known.
        count: how many findings this line stands for.
        line: line of the file, from 1, where it is known: of a JSONL file, or looked up for an output.
    """

    code: str
    file: str
    json_path: str
    found: str
    expected: str
    utterance_id: str | None = None
    count: int = 1  # type: ignore[assignment]  # hides tuple.count, which nobody needs of a problem
    line: int | None = None

    @property
    def severity(self) -> Severity:
        """Severity of the problem's code."""
        return CODES[self.code].severity

    def __str__(self) -> str:
        where = f"{self.file}: {self.json_path}" if self.json_path else self.file
        if not where.isprintable():  # a file may be named by what a terminal would obey
            where = repr(where)[1:-1]
        times = f" ({self.count} times)" if self.count > 1 else ""
        return f"{self.severity} {self.code} {where} is {self.found}; expected {self.expected}{times}"


def was_refused(path: str, problems: Iterable[Problem]) -> bool:
    """Say whether the value at a place, or what holds it, is there and was refused: then it is not missing.

    Args:
        path: JSON path of the value, in the release's own spelling.
        problems: those of its file.
    """
    parent, _, key = path.rpartition(".")
    return any(
        path == problem.json_path
        or path.startswith((f"{problem.json_path}.", f"{problem.json_path}["))
        # Of two spellings of a key that hold different values neither is taken.
        or (
            problem.code.endswith("-KEY-003")
            and problem.expected == f"the value of {key}"
            and problem.json_path.rpartition(".")[0] == parent
        )
        for problem in problems
    )


def noter(
    add: Callable[[Problem], None], file: str, where: str = "", utterance_id: str | None = None
) -> Note:
    """Return a function that hands findings about one object of a file to `add`, with their full place.

    Args:
        add: takes each problem, such as `Report.add` or the `append` of a list.
        file: name of the file.
        where: JSON path of the object in the file; empty for the whole.
        utterance_id: the utterance it belongs to, when it is known.
    """

    def note(code: str, path: str, found: str, expected: str) -> None:
        full = f"{where}.{path}" if where and path else where or path
        add(Problem(code, file, full, found, expected, utterance_id))

    return note

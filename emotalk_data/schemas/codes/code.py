"""What a problem code says."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

__all__ = ["SEVERITIES", "Code", "Severity", "error", "note", "warning"]

Severity = Literal["error", "warning", "note"]
"""error: a value could not be taken. warning: taken, and probably wrong. note: taken, and worth knowing."""


SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""The severities, the worst first."""


class Code(NamedTuple):
    """What a code means.

    Attributes:
        severity: how bad it is.
        meaning: one line.
        remedy: what to do.
        example: what such a place looks like, on one line.
    """

    severity: Severity
    meaning: str
    remedy: str
    example: str

    @property
    def needs_mending(self) -> bool:
        """Whether there is something to mend; some remedies say that there is nothing to do."""
        return not self.remedy.startswith("Nothing")


def error(meaning: str, remedy: str, example: str) -> Code:
    """Return a code of severity error."""
    return Code("error", meaning, remedy, example)


def warning(meaning: str, remedy: str, example: str) -> Code:
    """Return a code of severity warning."""
    return Code("warning", meaning, remedy, example)


def note(meaning: str, remedy: str, example: str) -> Code:
    """Return a code of severity note."""
    return Code("note", meaning, remedy, example)

"""What a problem code means, for `emotalk validate --explain CODE`."""

from __future__ import annotations

from typing import Final, NamedTuple

from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.codes import CODES, Severity
from emotalk_data.validation.known.config import CONFIG_NAME, nearest_codes

__all__ = ["FAMILIES", "Explanation", "codes_of", "explain", "explanation_of"]

FAMILIES: Final = {
    "ET": "EmotionTalk",
    "M3": "M3ED",
    "AV": "Sound and pictures",
    "DS": "Built datasets",
    "FS": "Feature sets",
}
"""What the codes are about, by how they begin."""

_ALL: Final = "ALL"


class Explanation(NamedTuple):
    """All that there is to say about a code.

    Attributes:
        code: such as `ET-LABEL-003`.
        severity: error, warning or note.
        meaning: one line.
        example: what such a place looks like, one line.
        remedy: what to do.
        suppress: lines for `emotalk.toml` that pass the code over.
        page: where the documentation speaks of it.
    """

    code: str
    severity: Severity
    meaning: str
    example: str
    remedy: str
    suppress: str
    page: str

    def __str__(self) -> str:
        parts = [
            f"{self.code}  {self.severity}",
            self.meaning,
            f"Example:\n  {self.example}",
            f"To mend:\n  {self.remedy}" if CODES[self.code].needs_mending else self.remedy,
            f"To live with it, in {CONFIG_NAME}:\n" + "\n".join(f"  {s}" for s in self.suppress.splitlines()),
            f"See {self.page}",
        ]
        return "\n\n".join(parts)


def explain(wanted: str) -> str:
    """Explain one code, or list several.

    Args:
        wanted: a code; the beginning of some (`ET`, `ET-TEXT`) or `all`, for one line each. Capitals or not.

    Returns:
        lines of plain text, without a newline at the end.

    Raises:
        OptionError: no such code; names the nearest.
    """
    name = wanted.strip().upper()
    return str(explanation_of(name)) if name in CODES else _list(codes_of(wanted))


def explanation_of(code: str) -> Explanation:
    """Return what there is to say about a code of the registry."""
    severity, meaning, remedy, example = CODES[code]
    suppress = f'[[validate.ignore]]\ncodes = ["{code}"]\nreason = "…"'
    page = f"docs/problems.md#{code.lower()}"
    return Explanation(code, severity, meaning, example, remedy, suppress, page)


def codes_of(wanted: str) -> list[str]:
    """Return the codes that begin with the given parts, or all, in the order of the registry.

    Raises:
        OptionError: there is none; names the nearest.
    """
    beginning = wanted.strip().upper().removesuffix("*").removesuffix("-")
    codes = [code for code in CODES if beginning == _ALL or f"{code}-".startswith(f"{beginning}-")]
    if not codes or not beginning:
        near = nearest_codes(wanted) or "; expected one such as ET-LABEL-003."
        raise OptionError(f"{quote(wanted)} is no problem code{near} `all` lists them.")
    return codes


def _list(codes: list[str]) -> str:
    width = max(map(len, codes))
    return "\n".join(f"{code:{width}}  {CODES[code].severity:7}  {CODES[code].meaning}" for code in codes)

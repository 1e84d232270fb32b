"""What a text of the data is shown as: one line, of a sane length, that cannot turn its surroundings round."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["number", "percent", "plural", "seconds", "shown", "signed", "without_folders"]

_MAX_CHARS: Final = 600
# Control, format (the bidirectional ones are among these), half a surrogate pair. Chinese blanks stay.
_ESCAPED: Final = ("Cc", "Cf", "Cs")
_HOUR: Final = 3600
# A path in an error stands in quotes, as `repr` puts them; a long one is cut into two of them with … between.
_QUOTED: Final = re.compile(
    r"""(?<!\w)(['"])(?P<text>(?:\\.|(?!\1)[^\\])*)\1(?:…(['"])(?P<end>(?:\\.|(?!\3)[^\\])*)\3)?"""
)


def shown(text: str | None, max_chars: int = _MAX_CHARS) -> str:
    """Return a text with control and bidirectional characters as escapes, cut after `max_chars` characters.

    What was cut is counted at the end. HTML is not escaped here: the templates do that. Null gives "".
    """
    if text is None:
        return ""
    rest = len(text) - max_chars
    line = " ".join(text[:max_chars].split())
    safe = "".join(
        c.encode("unicode_escape").decode("ascii") if unicodedata.category(c) in _ESCAPED else c for c in line
    )
    return f"{safe}… (and {number(rest)} more characters)" if rest > 0 else safe


def number(value: int) -> str:
    """Return 15413 as "15,413"."""
    return f"{value:,}"


def plural(value: int, noun: str, many: str = "") -> str:
    """Return "1 dialogue", "2,000 dialogues"."""
    return f"{value:,} {noun if value == 1 else many or noun + 's'}"


def percent(share: float) -> str:
    """Return 0.293 as "29.3 %"; what is there but would read as 0.0 is "< 0.1 %", and likewise below all."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %"


def signed(value: float) -> str:
    """Return −0.4 as "−0.4", 0.4 as "+0.4", and 0 as "0.0"."""
    text = f"{value:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


def seconds(value: float) -> str:
    """Return a moment or a length: "4.4 s", "2:05 min", "1:02:05 h"."""
    if abs(value) < 60:
        return f"{value:.1f} s"
    whole = round(abs(value))
    sign = "−" if value < 0 else ""
    if whole < _HOUR:
        return f"{sign}{whole // 60}:{whole % 60:02d} min"
    return f"{sign}{whole // _HOUR}:{whole % _HOUR // 60:02d}:{whole % 60:02d} h"


def without_folders(message: str) -> str:
    """Return an error's message with file names in the place of paths.

    A page is passed on, and paths tell the user's name and folders.
    """
    return _QUOTED.sub(_file_name, message)


def _file_name(match: re.Match[str]) -> str:
    """Return the name of the file, or of the member and its archive; a quote that is no path as it is."""
    if not re.search(r"[/\\]", match[0]):
        return match[0]
    whole = match["text"] if match["end"] is None else f"…{match['end']}"
    names = [re.split(r"[/\\]", part)[-1] for part in whole.split("::")]
    return f"'{' in '.join(names)}'"

"""EmotionTalk's transcripts: the markup taken out, the speech left whole.

9,137 of the 19,250 transcripts carry marks such as `[over/]…[/over]` (two people speak at once) or
`[laughing]`. 306 rows are unbalanced, 17 marks are malformed, and three of those hold words *inside* the mark
(`[over/我去拿]`), so deleting everything in brackets would lose speech. Counted on release v1.

    raw     [over/]我明天再[/over]来[laughing]。
    text    我明天再来。
    events  overlap [0, 4)   laughing at 5
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

__all__ = ["EVENT_TYPES", "Event", "Transcript", "clean_transcript"]

EventType = Literal["overlap", "interrupted", "laughing", "sobbing", "crying", "screaming"]

EVENT_TYPES: Final[tuple[EventType, ...]] = (
    "overlap",
    "interrupted",
    "laughing",
    "sobbing",
    "crying",
    "screaming",
)


class Event(NamedTuple):
    """A mark of the transcript, as a span of characters of the clean text.

    Attributes:
        type: what was marked.
        start: first character of the span; None when an overlap is closed that was never opened.
        end: the character after the span; None when an overlap is never closed. Equal to `start` for marks
            that stand at a point, such as laughter.
    """

    type: EventType
    start: int | None
    end: int | None


class Transcript(NamedTuple):
    """A transcript without its markup.

    Attributes:
        text: what was said; no spoken character is lost.
        events: the marks, in the order in which they begin.
        num_malformed: marks that are not one of the known tags, such as `[over/我]` or a lone bracket.
        is_balanced: the exact tags `[over/]` and `[/over]` take turns, from the first opening to the last
            closing. By this count 306 released rows are unbalanced.
    """

    text: str
    events: tuple[Event, ...]
    num_malformed: int
    is_balanced: bool


# One alternation, tried in this order at each position: the exact tags; then the pieces of an overlap tag
# whose bracket is lost or that holds words; then any bracket that is left. On the whole released table this
# leaves exactly 463,975 characters (tests/schemas/test_transcript.py).
_MARKUP: Final = re.compile(
    r"\[(?P<tag>over/|/over/|/over|over|interrupted|laughing|sobbing|crying|screaming)\]"
    r"|(?P<fragment>\[over/|\[/over|\[over|over/\]|/over\]|over\]|/over)"
    r"|(?P<bracket>[\[\]])",
    re.IGNORECASE | re.ASCII,  # ASCII: else `s` would also match the long s, U+017F, and `i` a dotless one
)
_EXACT_PAIR: Final = ("over/", "/over")
_CLOSING: Final = frozenset({"/over", "/over/"})
_FRAGMENT_CLOSING: Final = frozenset({"[/over", "/over]", "/over"})


def clean_transcript(raw: str) -> Transcript:
    """Take the markup out of a transcript.

    A malformed mark still opens or closes an overlap when its letters say which; `[over]`, which annotators
    used for both, closes an open overlap and opens one otherwise.
    """
    if "[" not in raw and "]" not in raw and "over" not in raw.lower():
        return Transcript(raw, (), 0, True)
    pieces: list[str] = []
    marks: list[tuple[str, int]] = []
    exact: list[str] = []
    length = num_malformed = position = 0
    for match in _MARKUP.finditer(raw):
        piece = raw[position : match.start()]
        pieces.append(piece)
        length += len(piece)
        position = match.end()
        if match["tag"]:
            tag = match["tag"].lower()
            marks.append((tag, length))
            if tag in _EXACT_PAIR:
                exact.append(tag)
        else:
            num_malformed += 1
            if match["fragment"]:
                marks.append((_meaning_of_fragment(match["fragment"].lower()), length))
    pieces.append(raw[position:])
    is_balanced = exact == list(_EXACT_PAIR) * (len(exact) // 2)
    return Transcript("".join(pieces), _pair(marks), num_malformed, is_balanced)


def _meaning_of_fragment(fragment: str) -> str:
    if fragment in _FRAGMENT_CLOSING:
        return "/over"
    return "over" if fragment in ("[over", "over]") else "over/"


def _pair(marks: list[tuple[str, int]]) -> tuple[Event, ...]:
    """Turn opening and closing marks into spans. A closing mark ends the overlap that was opened last."""
    events: list[Event] = []
    open_at: list[int] = []  # positions in `events` of the overlaps that are still open
    for tag, at in marks:
        if tag in _CLOSING or (tag == "over" and open_at):
            if open_at:
                index = open_at.pop()
                events[index] = Event("overlap", events[index].start, at)
            else:
                events.append(Event("overlap", None, at))
        elif tag in ("over/", "over"):
            open_at.append(len(events))
            events.append(Event("overlap", at, None))
        else:
            events.append(Event(_POINT_EVENTS[tag], at, at))
    return tuple(events)


_POINT_EVENTS: Final[dict[str, EventType]] = {
    "interrupted": "interrupted",
    "laughing": "laughing",
    "sobbing": "sobbing",
    "crying": "crying",
    "screaming": "screaming",
}

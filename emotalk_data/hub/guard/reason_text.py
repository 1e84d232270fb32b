"""Reasons and notes: texts of no fixed form that a run wrote, and where bytes could be hidden in letters.

They are plain English with names and numbers. What is dense (letters that follow each other as by chance, case
and digits that change with each) is taken for bytes, whatever stands between the letters. Heuristics.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from emotalk_data.hub.guard.column_domains import MAX_NOTES
from emotalk_data.hub.guard.text_scan import EAST_ASIAN, Finding, find_in_text

__all__ = ["ReasonScan", "find_in_reason"]

_MAX_REASON: Final = 400  # a run writes up to 300; escapes make a note longer
_MAX_ROW: Final = 4_096
_MIN_LETTERS: Final = 64
_WINDOW: Final = 128
_MAX_KEPT: Final = 4_096
_MIN_SHARE: Final = (
    0.42  # of pairs that are usual: of letters by chance some 0.25 are, of English 0.8 and more
)
_MAX_SWITCHES: Final = 0.45  # per letter: of base64 0.64, of NamesLikeThisOne 0.33
_MAX_DIGITS: Final = 128
_MAX_FOREIGN: Final = 20

# Latin with its accents, what typography and arithmetic put between words, and Chinese punctuation.
_OTHERS: Final = re.compile(
    "[^\\n\\t -~\u00a1-\u017f\u2010-\u2015\u2018-\u201e\u2020-\u2022\u2026\u2032\u2033\u20ac\u2190-\u2193"
    "\u2212\u221a\u221e\u2248\u2260\u2264\u2265\u03bc\u3001-\u3003\u3008-\u3011\uff01-\uff0f\uff1a-\uff20"
    f"\uff3b-\uff3d\uff5b-\uff5e{EAST_ASIAN}]"
)
_FOREIGN: Final = re.compile(f"[^\\n\\t -~{EAST_ASIAN}]")
_DIGEST: Final = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})(?![0-9A-Za-z])")
_MAX_DIGESTS: Final = 4
_SWITCH: Final = re.compile(r"(?=[a-z][A-Z0-9]|[A-Z][a-z0-9]|[0-9][A-Za-z])")
_NO_LETTERS: Final = re.compile(r"[^A-Za-z]+")
_NO_LETTERS_OR_DIGITS: Final = re.compile(r"[^A-Za-z0-9]+")
# Of two letters, the most frequent of English.
_PAIRS: Final = """th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co
    me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac
    ot il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi
    ai sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab gh ty op wo sa ay ex ke fr oo av
    ag if ap gr od bo sp rd do uc bu ei ov by rm ep tt oc fa ef cu rn sc gi da yo cr cl du ga qu ue ff
    ba ey ls va um pp ua up lu go ht ru ug ds lt pi"""
_USUAL: Final = frozenset(_PAIRS.split())


def find_in_reason(text: str) -> Finding | None:
    """Return what is wrong with one reason or note; words are told of last, as a flag may let them through."""
    found = find_in_text(text, max_chars=_MAX_REASON, may_be_words=True)
    if found is not None:
        return found
    other = _OTHERS.search(text)
    if other is not None:
        return Finding("media", f"it holds U+{ord(other[0]):04X}, which no reason has: bytes in letters")
    num_foreign = len(_FOREIGN.findall(text))
    if num_foreign > max(_MAX_FOREIGN, len(text) // 4):
        return Finding("media", f"it holds {num_foreign} letters with accents or signs: bytes in letters")
    return _dense(text) or find_in_text(text, max_chars=_MAX_REASON, may_be_words=False)


class ReasonScan:
    """Looks at the reasons of one column, row by row. Short ones are put together until they can tell."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._num_kept = 0
        self._last: frozenset[str] = frozenset()

    def add(self, texts: Sequence[str]) -> Finding | None:
        """Look at the texts of one row, together; return what is wrong with them."""
        num_chars = sum(map(len, texts))
        if len(texts) > MAX_NOTES:
            return Finding("media", f"a row has {len(texts):,} notes; a row has at most {MAX_NOTES}")
        if num_chars > _MAX_ROW:
            what = f"the texts of a row have {num_chars:,} characters; they have at most {_MAX_ROW:,}"
            return Finding("media", what)
        found = _dense(" ".join(texts)) if len(texts) > 1 else None
        # What each row says again tells nothing new.
        new = [text for text in texts if text not in self._last]
        self._last = frozenset(texts)
        self._kept += new
        self._num_kept += sum(map(len, new))
        return found or (self.finish() if self._num_kept >= _MAX_KEPT else None)

    def finish(self) -> Finding | None:
        """Look at what was put together since the last time."""
        together = _DIGEST.sub(" ", " ".join(self._kept))
        self._kept, self._num_kept = [], 0
        return _unusual(together)


def _dense(text: str) -> Finding | None:
    """Look for bytes in letters: without blanks and punctuation, so that none of these hides them."""
    text = _DIGEST.sub(" ", text, count=_MAX_DIGESTS)
    together = _NO_LETTERS_OR_DIGITS.sub("", text)
    for start in range(0, max(len(together) - _MIN_LETTERS, 0) + 1, _WINDOW // 2):
        part = together[start : start + _WINDOW]
        switches = len(_SWITCH.findall(part))
        if len(part) >= _MIN_LETTERS and switches > _MAX_SWITCHES * len(part):
            return _bytes(f"case and digits change {switches} times in {len(part)} letters")
    num_digits = sum(map(str.isdigit, together))
    if num_digits > _MAX_DIGITS and num_digits > len(together) // 2:
        return _bytes(f"{num_digits} digits")
    signs = [sign for sign in text if not sign.isalnum() and not sign.isspace()]
    if len(signs) > max(len(together), _WINDOW // 2) and len(set(signs)) >= 8:
        return _bytes(f"{len(signs)} signs, and fewer letters")
    return _unusual(text)


def _unusual(text: str) -> Finding | None:
    """Look for letters that follow each other as by chance."""
    letters = _NO_LETTERS.sub("", text).lower()
    for start in range(0, max(len(letters) - _MIN_LETTERS, 0) + 1, _WINDOW // 2):
        part = letters[start : start + _WINDOW]
        if len(part) < _MIN_LETTERS:
            break
        usual = sum(part[one : one + 2] in _USUAL for one in range(len(part) - 1))
        if usual < _MIN_SHARE * (len(part) - 1):
            return _bytes(f"{len(part)} letters that follow each other as by chance")
    return None


def _bytes(what: str) -> Finding:
    return Finding("media", f"it holds {what}: bytes in letters")

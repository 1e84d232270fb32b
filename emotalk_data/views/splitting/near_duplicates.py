"""Transcripts that say the same, or nearly: found exactly, without comparing all with all.

Two texts are near when the sets of their character trigrams have a Jaccard similarity of 0.8 or more: one has
one character more at an end, or, from 29 characters on, another one inside. Texts too short for that to mean
anything are not compared.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from emotalk_data.errors import OptionError, quote

__all__ = ["MIN_CHARS", "SIMILARITY", "comparable", "near_pairs"]

MIN_CHARS: Final = 8
"""Shortest text that is compared, in characters without punctuation: everybody says 嗯 and 好的."""

SIMILARITY: Final = 0.8
"""Jaccard similarity of the trigrams from which on two texts are near."""

_NOT_SAID: Final = re.compile(r"[\W_]+")


def comparable(text: str) -> str:
    """Return the letters and digits of a text without markup: what is left when nothing but speech counts.

    >>> comparable("我……明天，再来！OK？")
    '我明天再来ok'
    """
    return _NOT_SAID.sub("", text).lower()


def near_pairs(texts: Sequence[str], *, similarity: float = SIMILARITY) -> Iterator[tuple[int, int]]:
    """Yield the positions (i, j), i before j, of every two texts that are near.

    Exact. An index of each text's rarest trigrams finds the candidates: two texts that share all but a few of
    their trigrams share one of as many, and one more, of each one's rarest.

    Args:
        texts: texts of three characters or more, as `comparable` leaves them.
        similarity: least Jaccard similarity, above 0, at most 1.

    Raises:
        OptionError: the similarity is out of its range.
    """
    if not 0 < similarity <= 1:
        raise OptionError(f"similarity is {quote(similarity)}; expected a number above 0, at most 1.")
    least = Fraction(similarity).limit_denominator(1_000)
    part, whole = least.numerator, least.denominator
    sets = [frozenset(text[start : start + 3] for start in range(len(text) - 2)) for text in texts]
    frequencies = Counter(trigram for trigrams in sets for trigram in trigrams)
    index: defaultdict[str, list[int]] = defaultdict(list)
    # Short ones first: then only the length of the earlier one must be checked.
    for number in sorted(range(len(sets)), key=lambda number: (len(sets[number]), number)):
        trigrams = sets[number]
        size = len(trigrams)
        rarest_first = sorted(trigrams, key=lambda trigram: (frequencies[trigram], trigram))
        # Two near texts share at least size * similarity trigrams, rounded up; so one of these is shared.
        prefix = rarest_first[: size - -(-size * part // whole) + 1]
        for other in sorted({found for trigram in prefix for found in index[trigram]}):
            if len(sets[other]) * whole < size * part:
                continue
            shared = len(trigrams & sets[other])
            if shared * whole >= (size + len(sets[other]) - shared) * part:
                yield min(number, other), max(number, other)
        for trigram in prefix:
            index[trigram].append(number)

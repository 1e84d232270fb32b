"""Nearly the same transcripts: what the index finds is what comparing all with all finds."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.views.splitting.near_duplicates import comparable, near_pairs


def _trigrams(text: str) -> set[str]:
    return {text[start : start + 3] for start in range(len(text) - 2)}


def _by_force(texts: list[str], least: Fraction) -> list[tuple[int, int]]:
    sets = [_trigrams(text) for text in texts]
    return [
        (i, j)
        for j in range(len(texts))
        for i in range(j)
        if Fraction(len(sets[i] & sets[j]), len(sets[i] | sets[j])) >= least
    ]


# Few letters, so that many are near.
_TEXTS = st.lists(st.text("ab", min_size=3, max_size=14), max_size=30, unique=True)


@given(_TEXTS, st.sampled_from(["0.1", "0.5", "0.667", "0.8", "0.9", "1"]))
def test_the_pairs_are_those_of_comparing_all_with_all(texts: list[str], similarity: str) -> None:
    found = list(near_pairs(texts, similarity=float(similarity)))
    assert sorted(found) == sorted(_by_force(texts, Fraction(similarity)))
    assert len(set(found)) == len(found)


@given(_TEXTS, st.randoms())
def test_the_order_of_the_texts_does_not_count(texts: list[str], random: Random) -> None:
    turned = list(texts)
    random.shuffle(turned)
    assert {frozenset((texts[i], texts[j])) for i, j in near_pairs(texts)} == {
        frozenset((turned[i], turned[j])) for i, j in near_pairs(turned)
    }


def test_what_is_near_by_default() -> None:
    assert list(near_pairs(["你能不能明天带我回去", "能不能明天带我回去"])) == [(0, 1)]  # 7 of 8 trigrams
    assert list(near_pairs(["你能不能明天带我回去", "你能不能后天带我回去"])) == []  # 5 of 11
    long = "".join(
        chr(0x4E00 + number) for number in range(29)
    )  # 27 trigrams, three of them changed: 24 of 30
    assert list(near_pairs([long, long[:10] + "x" + long[11:]])) == [(0, 1)]
    assert list(near_pairs([long[1:], long[1:10] + "x" + long[11:]])) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("我……明天，再来！OK？", "我明天再来ok"),
        ("嗯。", "嗯"),
        ("_ 。，！\n", ""),
        ("３个 a_b", "３个ab"),
    ],
)
def test_only_what_is_said_is_compared(text: str, said: str) -> None:
    assert comparable(text) == said


@pytest.mark.parametrize("similarity", [0, -1, 1.5, float("nan")])
def test_a_similarity_out_of_its_range_is_refused(similarity: float) -> None:
    with pytest.raises(OptionError, match=r"similarity is .*; expected a number above 0, at most 1"):
        list(near_pairs([], similarity=similarity))

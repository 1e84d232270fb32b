from __future__ import annotations

import doctest
import random
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.schemas import rules
from emotalk_data.schemas.labels import CONFIDENCES, EMOTALK_EMOTIONS, M3ED_ANNOTATOR_EMOTIONS, M3ED_EMOTIONS
from emotalk_data.schemas.rules import confidence_weighted, finalise_authors, finalise_paper, mean_rating
from emotalk_data.testing.annotations import blend, draw_blends, draw_votes, weighted_label

Lists = list[list[str]]

votes = st.lists(
    st.tuples(st.sampled_from(EMOTALK_EMOTIONS.names), st.sampled_from(CONFIDENCES)), min_size=1, max_size=7
)
judgements: st.SearchStrategy[Lists] = st.lists(
    st.lists(st.sampled_from(M3ED_ANNOTATOR_EMOTIONS.names), min_size=1, max_size=3, unique=True),
    min_size=3,
    max_size=3,
)


def test_the_examples_of_the_docstrings_are_true() -> None:
    assert doctest.testmod(rules).failed == 0


@pytest.mark.parametrize(
    ("emotions", "confidences", "labels"),
    [
        ("happy happy happy happy happy", [0.9] * 5, ("happy",)),
        ("sad sad sad sad angry", [0.5, 0.5, 0.7, 0.7, 0.9], ("angry",)),
        ("sad sad angry", [0.9, 0.1, 0.7], ("angry",)),
        ("sad sad angry angry happy", [0.9, 0.1, 0.3, 0.7, 0.5], ("sad", "angry", "happy")),
        # 0.1 + 0.3 + 0.5 is not 0.9 in binary: the means tie all the same.
        ("sad sad sad angry", [0.1, 0.3, 0.5, 0.3], ("sad", "angry")),
    ],
)
def test_the_label_of_the_largest_mean_confidence_wins(
    emotions: str, confidences: list[float], labels: tuple[str, ...]
) -> None:
    assert confidence_weighted(emotions.split(), confidences) == labels


def test_an_annotator_without_label_or_confidence_does_not_vote() -> None:
    assert confidence_weighted([None, "sad", "angry"], [0.9, 0.5, None]) == ("sad",)
    assert confidence_weighted([], []) == ()
    assert confidence_weighted([None], [0.9]) == ()


@given(votes, st.randoms())
def test_the_order_of_the_annotators_does_not_matter(
    drawn: list[tuple[str, float]], rng: random.Random
) -> None:
    labels = confidence_weighted([e for e, _ in drawn], [c for _, c in drawn])
    rng.shuffle(drawn)
    assert set(confidence_weighted([e for e, _ in drawn], [c for _, c in drawn])) == set(labels)
    assert labels
    assert set(labels) <= {emotion for emotion, _ in drawn}


@pytest.mark.parametrize("seed", range(50))
def test_the_made_up_releases_follow_the_rule(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # invented data
    drawn = draw_votes(rng, "multimodal", rng.choice(EMOTALK_EMOTIONS.names))
    tied = confidence_weighted([vote.emotion for vote in drawn], [vote.confidence for vote in drawn])
    assert weighted_label(drawn) == min(tied, key=EMOTALK_EMOTIONS.names.index)
    lists = draw_blends(rng, blended=bool(seed % 2))
    final = finalise_paper(lists)
    assert final is not None
    assert final[1] == blend(lists)


@pytest.mark.parametrize(
    ("ratings", "mean"),
    [
        ([1, 1, 1, 1, 2], 1.2),
        ([-2, -1, 0, 0, 0], -0.6),
        ([0] * 5, 0.0),
        ([None, 1, 2], 1.5),
        ([None], None),
        ([], None),
    ],
)
def test_the_sentiment_is_the_mean_of_the_ratings_that_were_given(
    ratings: list[int | None], mean: float | None
) -> None:
    assert mean_rating(ratings) == mean


@pytest.mark.parametrize(
    ("lists", "paper", "authors"),
    [
        # All agree on one label.
        (["Neutral", "Neutral", "Neutral"], "Neutral: Neutral", "Neutral: Neutral"),
        # Two agree; the third does not matter.
        (["Sad", "Sad", "Happy"], "Sad: Sad", "Sad: Sad"),
        (["Sad", "Other", "Sad"], "Sad: Sad", "Sad: Sad"),
        # No two agree.
        (["Sad", "Anger", "Happy"], None, None),
        (["Other", "Other", "Other"], None, None),
        (["Other", "Other", "Sad"], None, None),
        # One of all three, another of two: by importance, or the one of all three first.
        (["Anger,Disgust", "Disgust,Anger", "Anger"], "Anger: Anger,Disgust", "Anger: Anger,Disgust"),
        (["Disgust,Anger", "Disgust,Anger", "Anger"], "Anger: Anger,Disgust", "Anger: Anger,Disgust"),
        # 14 for Disgust, 6 + 6 + 6 for Anger: the rules differ in the place of the main label only for less.
        (["Sad,Fear", "Sad,Fear", "Happy,Fear"], "Fear: Fear,Sad", "Fear: Fear,Sad"),
        # Several of all three: the rules differ, for the paper keeps what two gave as well.
        (["Sad,Anger,Fear", "Anger,Sad", "Sad,Anger,Fear"], "Sad: Sad,Anger,Fear", "Sad: Sad,Anger"),
        # Two blends of two: the label that two put first.
        (["Happy,Surprise", "Happy,Surprise", "Neutral"], "Happy: Happy,Surprise", "Happy: Happy,Surprise"),
        (["Happy,Sad", "Sad", "Happy"], "Happy: Happy,Sad", "Happy: Happy,Sad"),
        (["Surprise,Happy", "Happy,Surprise", "Sad"], "Happy: Happy,Surprise", "Surprise: Surprise,Happy"),
        # Given twice by one annotator, and by nobody else.
        (["Sad,Sad", "Anger", "Happy"], None, None),
    ],
)  # fmt: skip
def test_the_two_rules_of_m3ed(lists: list[str], paper: str | None, authors: str | None) -> None:
    drawn = [labels.split(",") for labels in lists]
    for final, expected in ((finalise_paper(drawn), paper), (finalise_authors(drawn), authors)):
        assert (f"{final[0]}: {','.join(final[1])}" if final else None) == expected


@given(judgements)
def test_both_rules_keep_labels_of_two_annotators_and_no_other(lists: Lists) -> None:
    numbers = {label: sum(label in one for one in lists) for label in M3ED_EMOTIONS.names}
    agreed = {label for label, number in numbers.items() if number >= 2}
    paper, authors = finalise_paper(lists), finalise_authors(lists)
    assert (paper is None) == (authors is None) == (not agreed)
    if paper is None or authors is None:
        return
    assert set(paper[1]) == agreed
    assert paper[0] == paper[1][0]
    assert set(authors[1]) <= agreed
    assert authors[0] in authors[1]
    for _, labels in (paper, authors):
        assert len(set(labels)) == len(labels)
        assert "Other" not in labels
    if len(agreed) == 1:
        assert paper == authors


@given(judgements)
def test_the_order_of_the_annotators_does_not_change_the_papers_finals(lists: Lists) -> None:
    assert len({finalise_paper(order) for order in permutations(lists)}) == 1


@given(judgements)
def test_the_order_of_the_annotators_does_not_change_which_labels_the_authors_keep(lists: Lists) -> None:
    finals = [finalise_authors(order) for order in permutations(lists)]
    assert len({frozenset(final[1]) if final else None for final in finals}) == 1

"""From annotators' votes to final labels: the rules by which the corpora's authors made theirs.

Experts changed some labels afterwards, so a released label need not be what its rule gives. These functions
say what the rule gives; nothing is repaired by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from emotalk_data.schemas.labels import M3ED_EMOTIONS

__all__ = ["FIRST_IMPORTANCE", "confidence_weighted", "finalise_authors", "finalise_paper", "mean_rating"]

FIRST_IMPORTANCE: Final = 7
"""Of an annotator's first label; the second has 6, and so on (M3ED's paper)."""

_MAJORITY: Final = 2  # of three annotators
_SAME: Final = 1e-9  # means nearer than this are equal: they are of different sums of tenths


def confidence_weighted(
    emotions: Sequence[str | None], confidences: Sequence[float | None]
) -> tuple[str, ...]:
    """Return EmotionTalk's final label (paper, section 3.2): the one with the largest mean confidence.

    The mean is over the annotators who chose the label, so one who is sure outvotes four who are not.

    Args:
        emotions: label of each annotator; None leaves the annotator out.
        confidences: confidence of each annotator, 0.1 to 0.9, in the same order; None likewise.

    Returns:
        the labels that share the largest mean, in the order in which they were first chosen: one, or several
        when they tie; none without a vote.

    >>> confidence_weighted(["sad", "sad", "sad", "sad", "angry"], [0.5, 0.5, 0.7, 0.7, 0.9])
    ('angry',)
    >>> confidence_weighted(["sad", "angry", None], [0.5, 0.5, 0.9])
    ('sad', 'angry')
    """
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for emotion, confidence in zip(emotions, confidences, strict=True):
        if emotion is not None and confidence is not None:
            sums[emotion] = sums.get(emotion, 0.0) + confidence
            counts[emotion] = counts.get(emotion, 0) + 1
    largest = 0.0
    tied: list[str] = []
    for emotion, total in sums.items():
        mean = total / counts[emotion]
        if mean > largest + _SAME:
            largest, tied = mean, [emotion]
        elif mean > largest - _SAME:
            tied.append(emotion)
    return tuple(tied)


def mean_rating(ratings: Iterable[float | None]) -> float | None:
    """Return EmotionTalk's sentiment: the mean of the ratings that were given; None without any.

    >>> mean_rating([-2, -1, -1, 0, -1])
    -1.0
    """
    given = [rating for rating in ratings if rating is not None]
    return sum(given) / len(given) if given else None


def finalise_paper(lists: Sequence[Sequence[str]]) -> tuple[str, tuple[str, ...]] | None:
    """Return M3ED's final labels by the paper's rule.

    A label stays when two annotators or more gave it. Labels are ordered by their summed importance: 7 for an
    annotator's first, 6 for the second, and so on; the lower label id goes first among equals.

    Args:
        lists: each annotator's labels, the most important first. `Other` takes a place and is never final; a
            label that an annotator gave twice counts once.

    Returns:
        the main label and the blend, which begins with it; None when no two annotators agree.

    >>> finalise_paper([["Anger", "Disgust"], ["Disgust", "Anger"], ["Anger"]])
    ('Anger', ('Anger', 'Disgust'))
    >>> finalise_paper([["Anger"], ["Sad"], ["Other"]]) is None
    True
    """
    counts = _num_annotators(lists)
    importance = dict.fromkeys(counts, 0)
    for labels in lists:
        for place, label in enumerate(labels):
            if label in counts and label not in labels[:place]:
                importance[label] += FIRST_IMPORTANCE - place
    kept = [label for label in M3ED_EMOTIONS.names if counts.get(label, 0) >= _MAJORITY]
    kept.sort(key=lambda label: -importance[label])
    return (kept[0], tuple(kept)) if kept else None


def finalise_authors(lists: Sequence[Sequence[str]]) -> tuple[str, tuple[str, ...]] | None:
    """Return M3ED's final labels by the authors' code, which is not quite the paper's rule.

    All three gave one label: it is the main one, and the blend is it and what two gave. All three gave several:
    these alone are the blend. Otherwise what two gave is. The main label of a blend is the one that two
    annotators put first, else the first.

    Args:
        lists: as for `finalise_paper`, of three annotators.

    Returns:
        the main label and the blend, in the order in which the labels were first given; None when no two
        annotators agree.

    >>> finalise_authors([["Anger", "Disgust"], ["Disgust", "Anger"], ["Anger"]])
    ('Anger', ('Anger', 'Disgust'))
    >>> finalise_authors([["Sad", "Anger"], ["Anger", "Sad"], ["Anger", "Sad", "Fear"]])
    ('Anger', ('Sad', 'Anger'))
    """
    counts = _num_annotators(lists)
    of_all = [label for label, number in counts.items() if number > _MAJORITY]
    of_two = [label for label, number in counts.items() if number == _MAJORITY]
    if len(of_all) == 1:
        return of_all[0], (of_all[0], *of_two)
    blend = of_all or of_two
    if not blend:
        return None
    first = [labels[0] for labels in lists if labels]
    main = next((label for label in blend if first.count(label) >= _MAJORITY), blend[0])
    return main, tuple(blend)


def _num_annotators(lists: Sequence[Sequence[str]]) -> dict[str, int]:
    """Count the annotators of each label that may be final, in the order in which labels were first given."""
    counts: dict[str, int] = {}
    for labels in lists:
        for label in dict.fromkeys(labels):
            if label in M3ED_EMOTIONS.names:
                counts[label] = counts.get(label, 0) + 1
    return counts

"""How far annotators agree: Fleiss' kappa and Krippendorff's alpha.

Both coefficients need nothing of a row but how many votes it has and how they are spread. So they are computed
from sums over rows, in whole numbers wherever votes are: the order of rows changes no bit of the result, and a
resample of the bootstrap is a sum over dialogues.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from emotalk_data.errors import OptionError, quote
from emotalk_data.views.columns import NO_LABEL, choose

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "PAIR",
    "checked_ids",
    "fleiss_kappa",
    "fleiss_kappas",
    "interval_alphas",
    "krippendorff_alpha",
    "label_counts",
    "label_sums",
    "nominal_alphas",
    "rating_sums",
]

PAIR: Final = 2
"""Votes that a row needs: agreement is that of two."""

_ROUNDING: Final = 1e-12  # a spread this much smaller than its terms is 0


def fleiss_kappa(table: ArrayLike, num_labels: int) -> float:
    """Return Fleiss' kappa of labels.

    Where every row has as many votes, this is Fleiss' formula of 1971. Rows may also have different numbers of
    votes: a row's agreement is then the share of its pairs of votes that agree, rows weigh alike, and what is
    expected by chance comes from all their votes together. A row with fewer than two votes has no pair and is
    left out.

    Args:
        table: ids of labels, shape (rows, annotators); -1 or NaN where an annotator gave none.
        num_labels: ids are below this number.

    Returns:
        1 for perfect agreement, 0 for what chance gives, below 0 for less. NaN where it is undefined: no row has
        two votes, or all votes are for one label, so that chance alone agrees perfectly.

    Raises:
        OptionError: not a table of ids of so many labels; says where.

    >>> round(fleiss_kappa([[0, 0, 0], [1, 1, 0], [1, 1, 1]], num_labels=2), 3)
    0.55
    """
    ids, num_labels = _numbered(checked_ids(table, num_labels))
    return float(fleiss_kappas(_one_group(label_sums, ids, num_labels), num_labels)[0])


def krippendorff_alpha(table: ArrayLike, *, level: Literal["nominal", "interval"] = "nominal") -> float:
    """Return Krippendorff's alpha of labels or of ratings.

    Rows may have different numbers of votes and weigh by them; a row with fewer than two has no pair and is left
    out.

    Args:
        table: shape (rows, annotators). `nominal`: ids of labels, -1 or NaN where an annotator gave none.
            `interval`: ratings, NaN where an annotator gave none; -1 is a rating.
        level: whether two votes are equal or not (`nominal`), or differ by the square of their distance
            (`interval`).

    Returns:
        1 for perfect agreement, 0 for what chance gives, below 0 for less. NaN where it is undefined: no row has
        two votes, or all votes are equal.

    Raises:
        OptionError: an unknown level, or not a table of such values; says where.

    >>> round(krippendorff_alpha([[0, 0, 0], [1, 1, 0], [1, 1, -1]]), 3)
    0.562
    >>> round(krippendorff_alpha([[-2.0, -1.0], [0.0, 0.0], [1.0, 2.0]], level="interval"), 3)
    0.833
    """
    choose("level", level, ("nominal", "interval"))
    if level == "interval":
        ratings = _checked(table)
        return float(interval_alphas(_one_group(rating_sums, ratings))[0])
    ids, num_labels = _numbered(checked_ids(table, math.inf))
    return float(nominal_alphas(_one_group(label_sums, ids, num_labels), num_labels)[0])


def label_counts(ids: NDArray[np.int64], num_labels: int) -> NDArray[np.int64]:
    """Return how many annotators gave each label, shape (rows, labels)."""
    rows, annotators = np.nonzero(ids != NO_LABEL)
    flat = np.bincount(rows * num_labels + ids[rows, annotators], minlength=len(ids) * num_labels)
    return flat.reshape(len(ids), num_labels).astype(np.int64)


def label_sums(
    ids: NDArray[np.int64], num_labels: int, groups: NDArray[np.int64], num_groups: int
) -> NDArray[np.int64]:
    """Return all that the coefficients of labels need, summed over the rows of each group.

    Args:
        ids: shape (rows, annotators), -1 for none.
        num_labels: ids are below this number.
        groups: the group of each row, from 0.
        num_groups: how many groups there are.

    Returns:
        shape (groups, 2 * (annotators + 1) + labels). For each number of votes from 0 to that of the annotators,
        how many rows have it; then the sums of these rows' squared counts; then the votes for each label in rows
        of two votes or more.
    """
    counts = label_counts(ids, num_labels)
    votes = counts.sum(1)
    places = groups * (ids.shape[1] + 1) + votes
    shape = (num_groups, ids.shape[1] + 1)
    rows = np.bincount(places, minlength=math.prod(shape)).reshape(shape)
    # Weights are float64, which holds these whole numbers exactly.
    squares = np.bincount(places, (counts**2).sum(1), math.prod(shape)).reshape(shape)
    labels = np.zeros((num_groups, num_labels), np.int64)
    np.add.at(labels, groups[votes >= PAIR], counts[votes >= PAIR])
    return np.hstack([rows, squares, labels]).astype(np.int64)


def fleiss_kappas(sums: NDArray[np.int64], num_labels: int) -> NDArray[np.float64]:
    """Return Fleiss' kappa from each row of `label_sums`; NaN where it is undefined."""
    votes, rows, squares, labels = _split(sums, num_labels)
    with np.errstate(divide="ignore", invalid="ignore"):
        agreeing = ((squares - votes * rows) / (votes * (votes - 1))).sum(1)
        observed = agreeing / rows.sum(1)
        expected = ((labels / labels.sum(1, keepdims=True)) ** 2).sum(1)
        kappas = (observed - expected) / (1 - expected)
    return _defined(kappas, labels)


def nominal_alphas(sums: NDArray[np.int64], num_labels: int) -> NDArray[np.float64]:
    """Return Krippendorff's alpha from each row of `label_sums`; NaN where it is undefined."""
    votes, rows, squares, labels = _split(sums, num_labels)
    total = labels.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = ((votes**2 * rows - squares) / (votes - 1)).sum(1)
        alphas = 1 - (total - 1) * observed / (total**2 - (labels**2).sum(1))
    return _defined(alphas, labels)


def _split(sums: NDArray[np.int64], num_labels: int) -> tuple[NDArray[np.int64], ...]:
    """Return the numbers of votes from two on; the rows and the squared counts of each; the labels."""
    width = (sums.shape[1] - num_labels) // 2
    votes = np.arange(PAIR, width)
    return votes, sums[:, PAIR:width], sums[:, width + PAIR : 2 * width], sums[:, 2 * width :]


def _defined(values: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where((labels > 0).sum(1) > 1, values, np.nan)


def rating_sums(
    ratings: NDArray[np.float64], groups: NDArray[np.int64], num_groups: int
) -> NDArray[np.float64]:
    """Return all that alpha of ratings needs, summed over the rows of each group.

    Args:
        ratings: shape (rows, annotators), NaN for none.
        groups: the group of each row, from 0.
        num_groups: how many groups there are.

    Returns:
        shape (groups, annotators + 4). For each number of votes from 0 to that of the annotators, the summed
        squared distances of these rows' pairs; then number, sum and sum of squares of the ratings in rows of two
        votes or more.
    """
    given = ~np.isnan(ratings)
    votes = given.sum(1)
    # Distances stay what they are; their squares keep their digits where all ratings are far from 0.
    middle = np.sort(ratings[given])[given.sum() // 2] if given.any() else 0.0
    values = np.where(given, ratings - middle, 0.0)
    sums, squares = values.sum(1), (values**2).sum(1)
    shape = (num_groups, ratings.shape[1] + 1)
    places = groups * shape[1] + votes
    distances = np.bincount(places, votes * squares - sums**2, math.prod(shape)).reshape(shape)
    used = votes >= PAIR
    totals = [np.bincount(groups[used], each[used], num_groups) for each in (votes, sums, squares)]
    return np.column_stack([distances, *totals])


def interval_alphas(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Krippendorff's alpha at interval level from each row of `rating_sums`; NaN where it is undefined."""
    *_, total, added, squares = sums.T
    distances = sums[:, PAIR:-3]
    expected = total * squares - added**2
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = (distances / np.arange(PAIR - 1, distances.shape[1] + 1)).sum(1)
        alphas = 1 - (total - 1) * observed / expected
    return np.where(expected > _ROUNDING * total * squares, alphas, np.nan)


def _one_group(sums: Any, values: NDArray[Any], *rest: int) -> NDArray[Any]:
    """Return the sums over all rows, shape (1, sums)."""
    result: NDArray[Any] = sums(values, *rest, np.zeros(len(values), np.int64), 1)
    return result


def _numbered(ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the labels that occur as 0, 1, 2, …, and how many they are: others change nothing, but take room."""
    labels, places = np.unique(ids, return_inverse=True)
    has_none = int(labels.size > 0 and labels[0] == NO_LABEL)
    return places.reshape(ids.shape).astype(np.int64) - has_none, max(labels.size - has_none, 1)


def checked_ids(table: ArrayLike, num_labels: float) -> NDArray[np.int64]:
    """Return a table of ids below `num_labels`, a whole number or infinite; int64, -1 for none.

    Raises:
        OptionError: not a table of such ids; says where.
    """
    values = np.nan_to_num(_checked(table), nan=NO_LABEL)
    above = math.inf if num_labels == math.inf else _checked_number(num_labels)
    wrong = np.argwhere((values != np.floor(values)) | (values < NO_LABEL) | (values >= above))
    if len(wrong):
        row, place = wrong[0]
        ids = "0 or more" if above == math.inf else f"0 to {num_labels - 1}"
        raise OptionError(
            f"table[{row}][{place}] is {values[row, place]:g}; expected the id of a label, {ids}, or -1 for none."
        )
    return values.astype(np.int64)


def _checked_number(num_labels: object) -> int:
    if isinstance(num_labels, bool) or not isinstance(num_labels, int | np.integer) or num_labels < 1:
        raise OptionError(f"num_labels is {quote(num_labels)}; expected a whole number from 1.")
    return int(num_labels)


def _checked(table: ArrayLike) -> NDArray[np.float64]:
    """Return a table of numbers, NaN for none."""
    try:
        values = np.asarray(table, np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError("table is not numbers; expected rows of as many annotators each.") from error
    if values.ndim != 2:
        raise OptionError(f"table has the shape {values.shape}; expected (rows, annotators).")
    if np.isinf(values).any():
        row, place = np.argwhere(np.isinf(values))[0]
        raise OptionError(f"table[{row}][{place}] is infinite; expected a number, or NaN for none.")
    return values

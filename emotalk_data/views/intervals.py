"""Intervals by the bootstrap: whole dialogues, or speakers, are drawn again with replacement.

Utterances of one dialogue resemble each other. Drawing them one by one would give intervals that are too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emotalk_data.errors import OptionError, quote

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Interval", "bootstrap", "check_resampling", "number_clusters", "percentile", "resampled_sums"]

# Of one cluster every resample is the data itself: no interval, not one of width 0.
_FEWEST_CLUSTERS: Final = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """A statistic of the data, and between which values it lies when clusters are drawn again.

    Attributes:
        estimate: the statistic of all the rows; NaN where it is undefined.
        low: lower percentile of the resamples; NaN without an interval.
        high: upper percentile of the resamples; NaN without an interval.
        level: share of the resamples between the two, such as 0.95.
        resamples: how many were drawn; 0 if none was asked for, or with fewer than two clusters.
        num_undefined: resamples whose statistic is undefined. They are left out of the percentiles.
        num_clusters: clusters (dialogues, speakers) that were drawn from.
    """

    estimate: float
    low: float
    high: float
    level: float
    resamples: int
    num_undefined: int
    num_clusters: int

    def __str__(self) -> str:
        if math.isnan(self.estimate):
            return "undefined"
        bounds = "" if math.isnan(self.low) else f" [{self.low:.3f}, {self.high:.3f}]"
        return f"{self.estimate:.3f}{bounds}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can write them: None for NaN."""
        return {name: None if value != value else value for name, value in asdict(self).items()}


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float],
    clusters: ArrayLike | Sequence[object],
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return a statistic with its percentile interval over whole clusters.

    A resample has as many clusters as the data, drawn with replacement; a cluster that is drawn twice brings its
    rows twice. Clusters are drawn in the order of their sorted ids, so the order of rows changes nothing but the
    order in which the statistic gets them. The same seed gives the same resamples on every machine.

    Args:
        statistic: gets row numbers, int64, shape (drawn rows,); returns one number, NaN where it is undefined.
        clusters: an id for each row: of its dialogue, or of its speaker. M3ED's speaker letters start anew in
            each dialogue, so there a speaker is the series and the name together.
        resamples: how many to draw; 0 gives the estimate alone.
        seed: a whole number from 0.
        level: share of the resamples inside the interval, between 0 and 1.

    Raises:
        OptionError: no rows, an id that is null, an argument that cannot be, or a statistic that is no number.
    """
    check_resampling(resamples, seed, level)
    if not callable(statistic):
        raise OptionError(f"statistic is {quote(statistic)}; expected a function of row numbers.")
    numbers, num_clusters = number_clusters(clusters)
    if not len(numbers):
        raise OptionError("clusters is empty; expected an id for each row, of one row at least.")
    by_cluster = np.argsort(numbers, kind="stable")
    sizes = np.bincount(numbers, minlength=num_clusters)
    starts = np.cumsum(sizes) - sizes
    estimate = _number(statistic(np.arange(len(numbers))))
    values = []
    for drawn in _draws(num_clusters, resamples, seed):
        ends = np.cumsum(sizes[drawn])
        # The k-th row of a drawn cluster lies k behind the start of that cluster.
        behind = np.arange(ends[-1]) - np.repeat(ends - sizes[drawn], sizes[drawn])
        values.append(_number(statistic(by_cluster[np.repeat(starts[drawn], sizes[drawn]) + behind])))
    return percentile(estimate, values, level=level, num_clusters=num_clusters)


def _number(value: object) -> float:
    """Return what a statistic gave as a float.

    Raises:
        OptionError: it is not one number.
    """
    try:
        return float(value)  # type: ignore[arg-type]  # whatever float does not take is refused
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"statistic gave {quote(value)}; expected one number, NaN where undefined."
        ) from error


def resampled_sums(sums: NDArray[Any], resamples: int, seed: int) -> NDArray[Any]:
    """Return the sums of the resamples that `bootstrap` draws, from the sums of each cluster.

    For statistics that need nothing but sums over rows: a thousand resamples in milliseconds.

    Args:
        sums: shape (clusters, sums), in the order of the sorted ids.
        resamples: how many to draw.
        seed: as for `bootstrap`.

    Returns:
        shape (resamples, sums), of the same dtype; no resamples with fewer than two clusters.
    """
    num_clusters = len(sums)
    drawn = [
        np.bincount(draw, minlength=num_clusters) @ sums for draw in _draws(num_clusters, resamples, seed)
    ]
    return np.array(drawn, sums.dtype).reshape(len(drawn), sums.shape[1])


def percentile(estimate: float, values: Iterable[float], *, level: float, num_clusters: int) -> Interval:
    """Return the interval between the percentiles of the resamples' values that are defined."""
    drawn = np.array(list(values), np.float64)
    defined = drawn[np.isfinite(drawn)]
    low = high = math.nan
    if len(defined):
        low, high = map(float, np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]))
    return Interval(
        # One NaN object for all: two undefined intervals are equal.
        estimate=float(estimate) if math.isfinite(estimate) else math.nan,
        low=low,
        high=high,
        level=float(level),
        resamples=len(drawn),
        num_undefined=len(drawn) - len(defined),
        num_clusters=num_clusters,
    )


def number_clusters(
    clusters: ArrayLike | Sequence[object], num_rows: int | None = None
) -> tuple[NDArray[np.int64], int]:
    """Return the place of each row's cluster among the sorted ids, int64, and the number of clusters.

    Raises:
        OptionError: not one id a row, an id that is null, or ids that cannot be sorted.
    """
    ids = _plain_ids(clusters)
    if num_rows is not None and len(ids) != num_rows:
        raise OptionError(f"clusters has {len(ids)} ids for {num_rows} rows; expected one id for each row.")
    null = next((row for row, one in enumerate(ids) if one is None or _is_nan(one)), None)
    if null is not None:
        raise OptionError(f"clusters is {quote(ids[null])} in row {null}; expected an id in every row.")
    try:
        places = {name: place for place, name in enumerate(sorted(set(ids)))}
    except TypeError as error:
        raise OptionError(
            "clusters mixes ids of several types; expected texts only, or numbers only."
        ) from error
    return np.array([places[one] for one in ids], np.int64), len(places)


def _plain_ids(clusters: Any) -> list[Any]:
    """Return ids as a list of Python's own values: an array of numpy would turn 1 and null into texts."""
    if hasattr(clusters, "__array__"):
        array = np.asarray(clusters)
        if array.ndim != 1:
            raise OptionError(f"clusters has the shape {array.shape}; expected one id for each row.")
        return list(array.tolist())
    if isinstance(clusters, str | bytes | Mapping) or not isinstance(clusters, Iterable):
        raise OptionError(
            f"clusters is a {type(clusters).__name__}; expected a list with an id for each row."
        )
    ids = list(clusters)
    row = next((row for row, one in enumerate(ids) if isinstance(one, list | dict | set)), None)
    if row is not None:
        raise OptionError(f"clusters is {quote(ids[row])} in row {row}; expected one id for each row.")
    return ids


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def check_resampling(resamples: object, seed: object, level: object = 0.95) -> None:
    """Refuse arguments of the bootstrap that cannot be.

    Raises:
        OptionError: says which, what it is and what was expected.
    """
    for name, value in (("resamples", resamples), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise OptionError(f"{name} is {quote(value)}; expected a whole number from 0.")
    if isinstance(level, bool) or not isinstance(level, float) or not 0 < level < 1:
        raise OptionError(f"level is {quote(level)}; expected a number between 0 and 1, such as 0.95.")


def _draws(num_clusters: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield which clusters each resample has, shape (clusters,)."""
    if num_clusters < _FEWEST_CLUSTERS:
        return
    # The bits of PCG64 are the same in every version of numpy; those of Generator.integers may change.
    bits = np.random.PCG64(seed)
    for _ in range(resamples):
        high_bits = bits.random_raw(num_clusters) >> np.uint64(32)
        yield (high_bits * np.uint64(num_clusters) >> np.uint64(32)).astype(np.int64)

"""Two histograms: sentiment, and how long utterances are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.report.corpus import Corpus
from emotalk_data.views.columns import NO_LABEL, column, label_ids
from emotalk_data.views.labelling.labels import label_view
from emotalk_data.views.labelling.tasks import SENTIMENT_BINS

if TYPE_CHECKING:
    import datasets
    from numpy.typing import NDArray

__all__ = ["Column", "Durations", "LengthRow", "SentimentBins", "durations", "sentiment", "utterance_lengths"]

_STEP: Final = 0.2  # the mean of five whole ratings
_BOUNDS: Final = ("−1 or less", "between −1 and 0", "0", "between 0 and 1", "1 or more")
_WIDTHS: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # of the bins of lengths, in seconds
_MAX_BINS: Final = 40
_LONGEST: Final = 86_400.0  # seconds; what claims to last longer than a day is no length
_MOST: Final = 99.5  # percent of the lengths that the bins must reach
_ROWS_AT_ONCE: Final = 256  # of which headers are read between two steps of the bar
_MAX_THREADS: Final = 8
_GAP: Final = 0.12  # between two columns, as a part of a column


@dataclass(frozen=True)
class Column:
    """One column; `x`, `width` and `height` in percent of the chart.

    Attributes:
        name: the values it counts.
        key: its name in the style.
    """

    name: str
    key: str
    count: int
    share: float
    x: float
    width: float
    height: float


@dataclass(frozen=True)
class SentimentBins:
    """The sentiment of EmotionTalk's utterances, −2 to 2.

    Attributes:
        total: rows with a sentiment.
        num_null: rows without.
        num_outside: rows beyond −2 and 2, which are in no column.
        columns: 21, each 0.2 wide, around −2.0, −1.8, …, 2.0.
        bins: name and bounds of the five bins, which are the classes of the task `sentiment5`.
        by_split: split to rows by bin; "all" first.
    """

    total: int
    num_null: int
    num_outside: int
    columns: tuple[Column, ...]
    bins: tuple[tuple[str, str], ...]
    by_split: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class LengthRow:
    """Lengths of one split, in seconds; NaN where it has none that is known."""

    split: str
    known: int
    total_seconds: float
    median: float
    mean: float
    longest: float


@dataclass(frozen=True)
class Durations:
    """How long the utterances are.

    Attributes:
        num_from_times: rows whose length is their end less their start.
        num_from_media: rows without usable times, whose length is that of their sound or pictures.
        num_unknown: rows with neither.
        columns: the histogram; the last one holds all that is longer.
        ticks: places, in percent of the width, and what stands there.
        median_x: place of the median, in percent.
        splits: "all" first.
    """

    num_from_times: int
    num_from_media: int
    num_unknown: int
    columns: tuple[Column, ...]
    ticks: tuple[tuple[float, str], ...]
    median_x: float
    splits: tuple[LengthRow, ...]


def sentiment(corpus: Corpus) -> SentimentBins | None:
    """Return the histogram of sentiments; None where the data has no such column, as in M3ED."""
    if not corpus.has("sentiment"):
        return None
    values = _numbers(corpus.whole, "sentiment")
    known = np.isfinite(values)
    inside = known & (np.abs(values) <= 2)
    places = np.round((values[inside] + 2) / _STEP).astype(np.int64)
    heights = np.bincount(places, minlength=21)
    columns = _columns(heights, [f"{(place - 10) / 5:+.1f}".replace("-", "−") for place in range(21)])
    keys = ["low"] * 10 + ["middle"] + ["high"] * 10
    bins = label_ids(label_view(corpus.whole, "sentiment5", keep_unlabelled=True), "label")
    by_split = [("all", _five_bins(bins[known]))]
    for place, name in enumerate(corpus.split_names):
        by_split.append((name, _five_bins(bins[known & (corpus.split_of == place)])))
    return SentimentBins(
        total=int(known.sum()),
        num_null=int((~known).sum()),
        num_outside=int((known & ~inside).sum()),
        columns=tuple(_with_key(one, key) for one, key in zip(columns, keys, strict=True)),
        bins=tuple(zip(SENTIMENT_BINS, _BOUNDS, strict=True)),
        by_split=tuple(by_split),
    )


def utterance_lengths(corpus: Corpus, *, media: bool) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the length of each row in seconds, NaN where it is not known, and whether its times say so.

    Args:
        corpus: the data.
        media: read the header of the sound or pictures where a row has no usable times.
    """
    lengths = np.full(corpus.num_rows, np.nan)
    if corpus.has("start_seconds") and corpus.has("end_seconds"):
        with np.errstate(invalid="ignore"):  # of infinities
            spans = _numbers(corpus.whole, "end_seconds") - _numbers(corpus.whole, "start_seconds")
            usable = (spans > 0) & (spans <= _LONGEST)
        lengths[usable] = spans[usable]
    from_times = ~np.isnan(lengths)
    if media and not from_times.all():
        lengths[~from_times] = _media_lengths(corpus.whole.select(np.flatnonzero(~from_times)))
    return lengths, from_times


def durations(
    corpus: Corpus, lengths: NDArray[np.float64], from_times: NDArray[np.bool_]
) -> Durations | None:
    """Return the histogram of lengths; None where none is known."""
    known = ~np.isnan(lengths)
    if not known.any():
        return None
    inside = lengths[known]
    width = _bin_width(float(np.percentile(inside, _MOST)))
    num_bins = int(np.ceil(min(np.percentile(inside, _MOST), _MAX_BINS * width) / width)) or 1
    places = np.minimum(inside / width, num_bins).astype(np.int64)
    heights = np.bincount(places, minlength=num_bins + 1)
    names = [f"{place * width:g} to {(place + 1) * width:g} s" for place in range(num_bins)]
    names.append(f"{num_bins * width:g} s and longer")
    if not heights[-1]:
        heights, names = heights[:-1], names[:-1]
    slots = len(heights)
    every = max(round(num_bins / 8), 1)
    ticks = [(round(100 * place / slots, 3), f"{place * width:g}") for place in range(0, num_bins + 1, every)]
    splits = [_length_row("all", inside)]
    for place, name in enumerate(corpus.split_names):
        splits.append(_length_row(name, lengths[known & (corpus.split_of == place)]))
    return Durations(
        num_from_times=int((known & from_times).sum()),
        num_from_media=int((known & ~from_times).sum()),
        num_unknown=int((~known).sum()),
        columns=_columns(heights, names),
        ticks=tuple(ticks),
        median_x=round(min(100 * float(np.median(inside)) / (width * slots), 100.0), 3),
        splits=tuple(splits),
    )


def _numbers(rows: datasets.Dataset, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = pc.fill_null(column(rows, name).cast(pa.float64()), np.nan).to_numpy()
    return values


def _five_bins(bins: NDArray[np.int64]) -> tuple[int, ...]:
    counts = np.bincount(bins[bins != NO_LABEL], minlength=len(SENTIMENT_BINS))
    return tuple(int(count) for count in counts)


def _columns(heights: NDArray[np.int64], names: list[str]) -> tuple[Column, ...]:
    slot = 100 / len(heights)
    total, highest = int(heights.sum()), int(heights.max(initial=0)) or 1
    return tuple(
        Column(
            name=name,
            key="bar",
            count=int(count),
            share=int(count) / max(total, 1),
            x=round(slot * (place + _GAP / 2), 3),
            width=round(slot * (1 - _GAP), 3),
            height=round(100 * int(count) / highest, 3),
        )
        for place, (name, count) in enumerate(zip(names, heights, strict=True))
    )


def _with_key(one: Column, key: str) -> Column:
    return Column(one.name, key, one.count, one.share, one.x, one.width, one.height)


def _media_lengths(rows: datasets.Dataset) -> NDArray[np.float64]:
    """Return the lengths that headers say; NaN where there is no header that can be read.

    A header takes milliseconds, and a release has 19,250 of them: hence the bar, which appears after a second.
    """
    from datasets.utils import tqdm  # obeys datasets.disable_progress_bars()

    from emotalk_data.torch.lengths import utterance_seconds

    if not {"audio", "video"} & set(rows.column_names):
        return np.full(rows.num_rows, np.nan)
    without_times = rows.remove_columns(
        [c for c in ("start_seconds", "end_seconds") if c in rows.column_names]
    )
    lengths = np.full(rows.num_rows, np.nan)
    num_threads = min(os.cpu_count() or 1, _MAX_THREADS)
    with tqdm(total=rows.num_rows, desc="reading lengths", unit=" utterances", delay=1) as bar:
        for first in range(0, rows.num_rows, _ROWS_AT_ONCE):
            part = without_times.select(range(first, min(first + _ROWS_AT_ONCE, rows.num_rows)))
            lengths[first : first + part.num_rows] = utterance_seconds(
                part, num_threads=num_threads, on_error="mask"
            )
            bar.update(part.num_rows)
    lengths[lengths <= 0] = np.nan
    return lengths


def _bin_width(reach: float) -> float:
    return next((width for width in _WIDTHS if reach <= _MAX_BINS * width), _WIDTHS[-1])


def _length_row(split: str, lengths: NDArray[np.float64]) -> LengthRow:
    if not len(lengths):
        return LengthRow(split, 0, 0.0, np.nan, np.nan, np.nan)
    return LengthRow(
        split=split,
        known=len(lengths),
        total_seconds=float(lengths.sum()),
        median=float(np.median(lengths)),
        mean=float(lengths.mean()),
        longest=float(lengths.max()),
    )

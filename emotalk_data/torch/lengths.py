"""How long the utterances of a dataset are, without decoding any."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from emotalk_data.errors import EmotalkError, OptionError, quote
from emotalk_data.torch.checks import check_on_error, check_threads

if TYPE_CHECKING:
    import datasets
    from numpy.typing import NDArray

    from emotalk_data.media.dataset_table import DatasetTable
    from emotalk_data.torch.media_batch import OnError

__all__ = ["utterance_seconds"]

_ROWS_AT_ONCE = 1024
_TIMES = ("start_seconds", "end_seconds")


def utterance_seconds(
    dataset: datasets.Dataset, *, num_threads: int = 2, on_error: OnError = "raise"
) -> NDArray[np.float64]:
    """Return the length of each row in seconds, float64, shape (rows,).

    NaN where a row has neither times nor media.

    From the columns `start_seconds` and `end_seconds`, where both are there and not null; else from the
    header of the sound, which takes one small read for each row; else from the index of the video.

    Args:
        dataset: a `datasets.Dataset` of one of the corpora.
        num_threads: threads that read headers.
        on_error: what becomes of media that cannot be read: "raise", or "mask": NaN.

    Raises:
        OptionError: not a Dataset, one without any of these columns, or one with a time that cannot be.
        EmotalkError: a media file is damaged or not there.
    """
    from emotalk_data.media.dataset_table import DatasetTable

    check_on_error(on_error)
    num_threads = check_threads(num_threads, least=1)
    table = DatasetTable(dataset)
    has_times = all(name in table.features for name in _TIMES)
    media = [name for name in ("audio", "video") if name in table.features]
    if not (has_times or media):
        raise OptionError(f"no times and no media among {quote(list(table.features))}; expected some of them")
    seconds = np.full(table.num_rows, np.nan)
    if has_times:
        seconds = _spans(table)
    with ThreadPoolExecutor(num_threads) as pool:
        for name in media:
            unknown = np.flatnonzero(np.isnan(seconds))
            for first in range(0, len(unknown), _ROWS_AT_ONCE):
                rows = unknown[first : first + _ROWS_AT_ONCE]
                clips = table.clips(name, rows)
                seconds[rows] = list(pool.map(lambda clip: _duration(clip, on_error), clips))
    return seconds


def _spans(table: DatasetTable) -> NDArray[np.float64]:
    """Return the end of each row less its start; NaN where one of them is null."""
    rows = np.arange(table.num_rows)
    try:
        start, end = (table.values(name, rows).to_numpy().astype(np.float64) for name in _TIMES)
    except (TypeError, ValueError) as error:
        types = [table.features[name] for name in _TIMES]
        raise OptionError(f"{' and '.join(_TIMES)} are {quote(types)}; expected numbers") from error
    with np.errstate(invalid="ignore"):  # of infinities
        seconds: NDArray[np.float64] = end - start
    there = ~(np.isnan(start) | np.isnan(end))
    wrong = np.flatnonzero(there & ~((seconds >= 0) & np.isfinite(seconds)))
    if len(wrong):
        ids = table.ids(wrong[:1])
        whose = "" if ids is None else f" utterance_id {quote(ids[0])},"
        raise OptionError(
            f"row {wrong[0]},{whose} is from {start[wrong[0]]:g} to "
            f"{end[wrong[0]]:g} s; expected start_seconds before end_seconds"
        )
    return seconds


def _duration(clip: Any, on_error: OnError) -> float:
    if clip is None:
        return np.nan
    try:
        return float(clip.duration_seconds)
    except EmotalkError:
        if on_error == "raise":
            raise
        return np.nan

"""Lengths of utterances come from the table or the headers, and are never made up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from emotalk_data import Audio
from emotalk_data.errors import AudioError, OptionError
from emotalk_data.torch import loader, utterance_seconds

from .small_dataset import NO_AUDIO, NUM_ROWS


def test_lengths_come_from_the_headers_and_are_nan_without_sound(ds: datasets.Dataset) -> None:
    seconds = utterance_seconds(ds)
    assert np.flatnonzero(np.isnan(seconds)).tolist() == [NO_AUDIO]
    expected = [0.05 + 0.01 * number for number in range(NUM_ROWS)]
    there = ~np.isnan(seconds)
    np.testing.assert_allclose(seconds[there], np.array(expected)[there], atol=1e-4)
    mixed = ds.select([3, 4, 1])
    np.testing.assert_array_equal(utterance_seconds(mixed), seconds[[3, 4, 1]])


def test_times_of_the_table_are_taken_before_any_file_is_opened(tmp_path: Path) -> None:
    features = datasets.Features(
        {
            "start_seconds": datasets.Value("float64"),
            "end_seconds": datasets.Value("float64"),
            "audio": Audio(),
        }
    )
    rows = [{"start_seconds": 1.0, "end_seconds": 3.5, "audio": str(tmp_path / "gone.wav")}]
    assert utterance_seconds(datasets.Dataset.from_list(rows, features=features)).tolist() == [2.5]


def test_lengths_of_videos_are_taken_where_there_is_no_sound(with_video: datasets.Dataset) -> None:
    seconds = utterance_seconds(with_video)
    assert seconds[NO_AUDIO] == pytest.approx((6 + NO_AUDIO) / 25)


def test_media_that_cannot_be_read_are_an_error_or_nan(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    dataset = datasets.Dataset.from_list(
        [{"audio": str(tmp_path / "bad.wav")}], features=datasets.Features({"audio": Audio()})
    )
    with pytest.raises(AudioError, match=r"bad\.wav"):
        utterance_seconds(dataset)
    assert np.isnan(utterance_seconds(dataset, on_error="mask")).all()
    with pytest.raises(OptionError, match="on_error is 'x'"):
        utterance_seconds(dataset, on_error="x")  # type: ignore[arg-type]


def test_a_dataset_without_times_and_media_is_refused(
    make_dataset: Callable[[str], datasets.Dataset],
) -> None:
    with pytest.raises(OptionError, match="no times and no media"):
        utterance_seconds(make_dataset("files").select_columns("text"))


@pytest.mark.parametrize("num_threads", [0, "a", 65, None])
def test_a_number_of_threads_that_cannot_be_is_refused(ds: datasets.Dataset, num_threads: Any) -> None:
    with pytest.raises(OptionError, match="num_threads is"):
        utterance_seconds(ds, num_threads=num_threads)


@pytest.mark.parametrize(("start", "end"), [(3.5, 1.0), (1.0, float("inf")), (float("inf"), float("inf"))])
def test_a_span_that_cannot_be_is_refused_by_name(start: float, end: float) -> None:
    rows = [
        {"utterance_id": "good", "start_seconds": 1.0, "end_seconds": 3.5},
        {"utterance_id": "none", "start_seconds": None, "end_seconds": 3.5},
        {"utterance_id": "bad", "start_seconds": start, "end_seconds": end},
    ]
    dataset = datasets.Dataset.from_list(rows)
    expected = f"row 2, utterance_id 'bad', is from {start:g} to {end:g} s"
    for ask in (utterance_seconds, lambda ds: loader(ds, bucket=True)):
        with pytest.raises(OptionError, match=expected):
            ask(dataset)
    with pytest.raises(OptionError, match="row 2, is from"):
        utterance_seconds(dataset.remove_columns("utterance_id"))
    np.testing.assert_array_equal(utterance_seconds(dataset.select([0, 1])), [2.5, np.nan])


def test_times_that_are_no_numbers_are_refused() -> None:
    dataset = datasets.Dataset.from_list([{"start_seconds": "0:01", "end_seconds": "0:03"}])
    with pytest.raises(OptionError, match=r"start_seconds and end_seconds are .* expected numbers"):
        utterance_seconds(dataset)

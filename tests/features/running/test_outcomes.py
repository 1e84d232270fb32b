"""What an encoder gave: pooled as the spec says, or null with the reason; never zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from emotalk_data.errors import ExtractionError
from emotalk_data.features.hook import Encoded
from emotalk_data.features.running.failures import Failure
from emotalk_data.features.running.outcomes import check_made, count_rows, make_row
from emotalk_data.features.running.shard_file import ShardRow
from emotalk_data.schemas.feature_shard import Level, ShardCounts
from emotalk_data.schemas.feature_spec import CallableSpec

BOTH: tuple[Level, ...] = ("utterance", "frame")


def spec(**changes: Any) -> CallableSpec:
    fields = {"name": "own", "model": "own", "input": "audio", "num_dims": 3, **changes}
    return CallableSpec.model_validate(fields)


def made(frames: Any, *, levels: tuple[Level, ...] = BOTH, **changes: Any) -> ShardRow:
    seconds, pooled = changes.pop("seconds", None), changes.pop("pooled", None)
    notes = changes.pop("notes", ())
    return make_row("u1", "d", Encoded(frames, seconds, pooled, notes), spec(**changes), levels)


FRAMES = np.array([[1, 2, 3], [3, 4, 8], [5, 6, 100]], np.float32)


@pytest.mark.parametrize(
    ("pooling", "expected"), [("mean", [3, 4, 37]), ("first", [1, 2, 3]), ("last", [5, 6, 100])]
)
def test_an_utterances_vector_is_what_the_spec_says(pooling: str, expected: list[float]) -> None:
    row = made(FRAMES, pooling=pooling)
    assert row.pooled is not None
    assert (str(row.pooled.dtype), row.pooled.tolist()) == ("float32", expected)
    assert (row.error, row.num_frames) == (None, 3)


def test_the_encoders_own_vector_is_taken_where_it_gives_one() -> None:
    own = np.array([7, 8, 9], np.float32)
    for pooling in ("given", "mean"):
        row = made(FRAMES, pooling=pooling, pooled=own)
        assert row.pooled is not None
        assert row.pooled.tolist() == [7, 8, 9]
    assert made(FRAMES, pooling="given").error == (
        "encoder: its spec says that it gives the utterance's vector, and it gave none"
    )


def test_the_mean_of_many_frames_loses_no_digits() -> None:
    frames = np.full((100_000, 3), 0.1, np.float32)
    row = made(frames)
    assert row.pooled is not None
    np.testing.assert_array_equal(row.pooled, np.full(3, 0.1, np.float32))


@given(
    arrays.arrays(
        np.float32, arrays.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-1e4, 1e4, width=32)
    )
)
def test_frames_are_stored_as_they_were_given(frames: np.ndarray[Any, Any]) -> None:
    row = made(frames, num_dims=frames.shape[1])
    assert row.frames is not None
    np.testing.assert_array_equal(row.frames, frames)
    assert (str(row.frames.dtype), row.num_frames) == ("float32", len(frames))


def test_only_what_is_asked_for_is_kept() -> None:
    seconds = np.array([0.1, 0.2, 0.3])
    row = made(FRAMES, levels=("utterance",), seconds=seconds)
    assert (row.frames, row.seconds, row.num_frames) == (None, None, 3)
    row = made(FRAMES, levels=("frame",), seconds=seconds)
    assert row.pooled is None
    assert row.seconds is not None
    assert row.seconds.dtype == np.float32


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (
            np.zeros((2, 4), np.float32),
            r"its frames are float32, shape \(2, 4\); expected floats, shape \(T, 3\)",
        ),
        (np.zeros(3, np.float32), r"shape \(3,\); expected floats"),
        (np.zeros((2, 3), np.int64), "its frames are int64"),
        (np.zeros((0, 3), np.float32), "it gave no frames at all"),
        ([[1.0], [1.0, 2.0]], "it gave no arrays: ValueError"),
    ],
)
def test_what_is_no_feature_is_null_with_the_reason(frames: Any, reason: str) -> None:
    row = made(frames)
    assert row.error is not None
    assert row.error.startswith("encoder: ")
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(row.error)
    assert (row.pooled, row.frames, row.seconds, row.notes) == (None, None, None, ())


def test_a_vector_or_times_that_do_not_fit_are_null_with_the_reason() -> None:
    assert "its times are float64, shape (2,); expected 3 finite numbers" in str(
        made(FRAMES, seconds=np.zeros(2)).error
    )
    assert "its times are" in str(made(FRAMES, seconds=np.array([0, np.nan, 1])).error)
    assert "it gave a vector of float32 and shape (2,)" in str(
        made(FRAMES, pooled=np.zeros(2, np.float32)).error
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("levels", [BOTH, ("utterance",), ("frame",)])
def test_numbers_that_are_none_are_null(value: float, levels: tuple[Level, ...]) -> None:
    frames = FRAMES.copy()
    frames[1, 2] = value
    assert made(frames, levels=levels).error == (
        "not_finite: the encoder gave numbers that are infinite or not a number"
    )


def test_numbers_that_float16_cannot_hold_are_null_where_they_would_be_stored() -> None:
    frames = FRAMES * 1_000
    row = made(frames, storage="float16")
    assert row.error == "not_finite: numbers up to 100000 do not fit float16; store float32"
    # The mean fits, and frames are not kept.
    row = made(frames, storage="float16", levels=("utterance",))
    assert row.pooled is not None
    assert (row.error, str(row.pooled.dtype)) == (None, "float16")
    assert made(np.full((1, 3), 65_504.0), storage="float16").error is None


@pytest.mark.parametrize("levels", [("utterance",), ("frame",), BOTH])
def test_numbers_that_float32_cannot_hold_are_null_and_never_infinite(levels: tuple[Level, ...]) -> None:
    row = made(FRAMES.astype(np.float64) * 1e300, levels=levels)
    assert (row.error or "").startswith("not_finite: numbers up to ")
    assert (row.error or "").endswith(" do not fit float32")
    given = made(FRAMES, pooled=np.full(3, 1e300), levels=levels)
    assert given.error == (
        None if levels == ("frame",) else "not_finite: numbers up to 1e+300 do not fit float32"
    )


@pytest.mark.parametrize("notes", [None, "cut", (3,), {"cut": 1}])
def test_notes_that_are_no_texts_are_an_error_of_the_encoder(notes: Any) -> None:
    error = f"encoder: its notes are a {type(notes).__name__}; expected a tuple of texts"
    assert made(FRAMES, notes=notes).error == error


def test_times_that_float32_cannot_hold_are_an_error_of_the_encoder() -> None:
    for seconds in (np.full(3, 1e300), np.full(3, np.nan), np.full(3, 1j)):
        assert "expected 3 finite numbers" in (made(FRAMES, seconds=seconds).error or "")


def test_a_reason_is_one_printable_line_without_folders() -> None:
    failure = Failure("encoder", "x" * 1_000)
    row = make_row("u1", None, failure, spec(), BOTH)
    assert row.error is not None
    assert len(row.error) == 300
    notes = made(FRAMES, notes=("cut\nat /home/me/data/x.wav \u202e10 s",)).notes
    assert notes == ("cut at x.wav \\u202e10 s",)


def test_counts_add_up_to_the_rows() -> None:
    rows = [
        made(FRAMES),
        made(FRAMES, notes=("odd",)),
        make_row("u3", None, Failure("missing", "the row has no audio"), spec(), BOTH),
        make_row("u4", None, Failure("refused", "too short"), spec(), BOTH),
    ]
    counts = count_rows(rows)
    assert counts == ShardCounts(made=2, missing=1, failed=1, noted=1, frames=6)
    assert counts.rows == 4


def test_nothing_made_of_the_first_rows_says_the_most_common_reason() -> None:
    reasons = [
        "refused: too short",
        "encoder: ValueError: no",
        "missing: no audio",
        "encoder: ValueError: no",
    ]
    rows = [ShardRow(f"u{number}", None, reason) for number, reason in enumerate(reasons)]
    cause = ValueError("no")
    with pytest.raises(ExtractionError, match="2 of 3 say: encoder: ValueError: no") as caught:
        check_made(rows, cause, "the first shard")
    assert caught.value.__cause__ is cause
    check_made([*rows, ShardRow("u9", None)], cause, "the first shard")
    check_made([rows[2]], None, "the first shard")

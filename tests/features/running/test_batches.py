"""Batches: everything once, none dearer than it may be, and nothing but the sizes decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.features.running.batches import make_batches, padded_size

SIZES = st.lists(st.floats(0, 100), max_size=60)


@given(SIZES, st.floats(0.1, 300))
def test_every_utterance_is_in_one_batch_and_no_batch_costs_more_than_it_may(
    sizes: list[float], limit: float
) -> None:
    batches = make_batches(sizes, limit)
    assert sorted(place for batch in batches for place in batch) == list(range(len(sizes)))
    for batch in batches:
        assert len(batch) == 1 or padded_size([sizes[place] for place in batch]) <= limit * (1 + 1e-9)


@given(SIZES, st.floats(0.1, 300))
def test_batches_go_from_the_largest_to_the_smallest_and_are_the_same_each_time(
    sizes: list[float], limit: float
) -> None:
    batches = make_batches(sizes, limit)
    order = [sizes[place] for batch in batches for place in batch]
    assert order == sorted(sizes, reverse=True)
    assert make_batches(list(sizes), limit) == batches


def test_a_batch_is_filled_up_to_the_limit() -> None:
    assert make_batches([1, 4, 2, 2, 1, 1], 8) == [[1, 2], [3, 0, 4, 5]]
    assert make_batches([9, 9], 8) == [[0], [1]]
    assert make_batches([], 8) == []


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_that_cannot_be_is_refused(limit: float) -> None:
    with pytest.raises(OptionError, match=r"max_batch_seconds is .*expected a number above 0"):
        make_batches([1.0], limit)

"""Batches of similar length: every row once, the same everywhere, as many for each replica, resumable."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.torch import LengthBatchSampler

LENGTHS = st.lists(st.one_of(st.floats(0, 20), st.just(float("nan"))), max_size=80)
SIZES = st.sampled_from([{"batch_size": 1}, {"batch_size": 7}, {"max_batch_seconds": 15.0},
                         {"batch_size": 4, "max_batch_seconds": 30.0}])  # fmt: skip


def epoch_of(sampler: LengthBatchSampler) -> list[list[int]]:
    return list(sampler)


@given(LENGTHS, SIZES, st.booleans(), st.integers(0, 5), st.integers(0, 3))
def test_every_row_comes_once_in_an_epoch(
    lengths: list[float], sizes: dict[str, Any], shuffle: bool, seed: int, epoch: int
) -> None:
    sampler = LengthBatchSampler(lengths, **sizes, shuffle=shuffle, seed=seed)
    sampler.set_epoch(epoch)
    assert len(sampler) == sampler.num_batches(epoch)
    batches = epoch_of(sampler)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    known = np.nan_to_num(lengths)
    for batch in batches:
        assert 1 <= len(batch) <= sizes.get("batch_size", len(lengths))
        assert len(batch) == 1 or len(batch) * max(known[batch]) <= sizes.get("max_batch_seconds", np.inf)


@given(LENGTHS, SIZES, st.integers(1, 5), st.booleans(), st.booleans())
def test_replicas_get_the_same_number_of_batches_and_all_rows_between_them(
    lengths: list[float], sizes: dict[str, Any], num_replicas: int, shuffle: bool, drop_last: bool
) -> None:
    shares = [
        epoch_of(
            LengthBatchSampler(
                lengths, **sizes, shuffle=shuffle, drop_last=drop_last, num_replicas=num_replicas, rank=rank
            )
        )
        for rank in range(num_replicas)
    ]
    assert len({len(share) for share in shares}) == 1
    rows = [row for share in shares for batch in share for row in batch]
    if drop_last:
        assert len(rows) == len(set(rows))
    else:
        assert set(rows) == set(range(len(lengths)))


@given(LENGTHS, SIZES, st.integers(0, 5), st.data())
def test_batches_before_and_after_a_stop_are_those_of_a_run_without_one(
    lengths: list[float], sizes: dict[str, Any], seed: int, data: st.DataObject
) -> None:
    whole = LengthBatchSampler(lengths, **sizes, shuffle=True, seed=seed)
    expected = [epoch_of(whole) for _ in range(3)]
    epoch = data.draw(st.integers(0, 1))
    stop = data.draw(st.integers(0, len(expected[epoch])))
    first = LengthBatchSampler(lengths, **sizes, shuffle=True, seed=seed)
    for _ in range(epoch):
        epoch_of(first)
    iterator = iter(first)
    first.set_epoch(epoch)
    before = [next(iterator) for _ in range(stop)]
    state = json.loads(json.dumps(first.state_dict(num_done=stop)))
    second = LengthBatchSampler(lengths, **sizes, shuffle=True, seed=seed)
    second.load_state_dict(state)
    assert second.epoch == epoch
    assert before + epoch_of(second) == expected[epoch]
    assert epoch_of(second) == expected[epoch + 1]


def test_the_order_is_the_same_on_every_machine() -> None:
    sampler = LengthBatchSampler(np.arange(500) % 37, 8, shuffle=True, seed=1)
    digest = hashlib.sha256(json.dumps([epoch_of(sampler), epoch_of(sampler)]).encode()).hexdigest()
    assert digest[:16] == "b3b6c58328f8871a"


def test_epochs_and_seeds_give_other_orders() -> None:
    lengths = np.arange(200) % 17
    sampler = LengthBatchSampler(lengths, 8, shuffle=True)
    orders = [
        epoch_of(sampler),
        epoch_of(sampler),
        epoch_of(LengthBatchSampler(lengths, 8, shuffle=True, seed=1)),
    ]
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_little_of_a_batch_is_padding() -> None:
    lengths = np.random.default_rng(0).gamma(4.0, 1.1, 5_000)

    def padding(batches: list[list[int]]) -> float:
        return 1 - float(lengths.sum()) / sum(len(batch) * float(lengths[batch].max()) for batch in batches)

    in_order = np.array_split(np.arange(5_000), 5_000 // 32)
    assert padding([list(batch) for batch in in_order]) > 0.5
    assert padding(epoch_of(LengthBatchSampler(lengths, 32, shuffle=True))) < 0.08
    assert padding(epoch_of(LengthBatchSampler(lengths, max_batch_seconds=150.0, shuffle=True))) < 0.08


def test_without_shuffling_the_longest_batch_comes_first() -> None:
    assert epoch_of(LengthBatchSampler([1.0, 3.0, 2.0, 5.0], 2)) == [[3, 1], [2, 0]]


def test_a_row_longer_than_the_limit_is_a_batch_of_its_own() -> None:
    assert epoch_of(LengthBatchSampler([1.0, 30.0, 1.0], max_batch_seconds=10.0)) == [[1], [0, 2]]


def test_drop_last_leaves_out_the_batch_that_is_not_full() -> None:
    assert epoch_of(LengthBatchSampler([3.0, 2.0, 1.0], 2, drop_last=True)) == [[0, 1]]


def test_breaking_off_and_starting_again_repeats_the_epoch() -> None:
    sampler = LengthBatchSampler(np.arange(20.0), 3, shuffle=True)
    first = next(iter(sampler))
    assert next(iter(sampler)) == first
    epoch_of(sampler)
    assert sampler.epoch == 1
    assert next(iter(sampler)) != first


def test_with_workers_the_training_loop_says_how_far_it_is() -> None:
    sampler = LengthBatchSampler(np.arange(20.0), 3, shuffle=True)
    expected = epoch_of(sampler)  # as a DataLoader does, far ahead of the loop
    state = sampler.state_dict(num_done=2)
    again = LengthBatchSampler(np.arange(20.0), 3, shuffle=True)
    again.load_state_dict(state)
    assert epoch_of(again) == expected[2:]


def test_without_saying_how_far_the_loop_is_there_is_no_state_of_an_iteration() -> None:
    sampler = LengthBatchSampler(np.arange(20.0), 3, shuffle=True)
    assert sampler.state_dict()["position"] == 0
    next(iter(sampler))
    with pytest.raises(OptionError, match="Pass num_done"):
        sampler.state_dict()
    epoch_of(sampler)  # a DataLoader may have the end of the epoch before the loop does
    with pytest.raises(OptionError, match="ask for them ahead of the loop"):
        sampler.state_dict()
    assert sampler.state_dict(num_done=2)["epoch"] == 0
    with pytest.raises(OptionError, match="num_done is 8; epoch 0 has 7 batches"):
        sampler.state_dict(num_done=8)
    sampler.set_epoch(1)  # chosen, and not begun
    assert (sampler.state_dict()["epoch"], sampler.state_dict()["position"]) == (1, 0)
    sampler.load_state_dict({**sampler.state_dict(), "position": 4})
    assert sampler.state_dict()["position"] == 4


def test_numbers_of_numpy_are_numbers() -> None:
    options: dict[str, Any] = {
        "batch_size": np.int64(2),
        "max_batch_seconds": np.float32(8),
        "seed": np.int32(3),
    }
    sampler = LengthBatchSampler([1.0] * 2, **options)
    one: Any = np.int64(1)
    sampler.set_epoch(one)
    state = json.loads(json.dumps(sampler.state_dict(num_done=one)))
    sampler.load_state_dict(state)
    assert epoch_of(sampler) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "seed 0; it is 1"),
        ({"batch_size": 4}, "batch_size 3; it is 4"),
        ({"lengths_seconds": [1.0] * 20}, "lengths"),
        ({"num_replicas": 2}, "num_replicas 1; it is 2"),
    ],
)
def test_a_state_of_other_batches_is_refused(change: dict[str, Any], message: str) -> None:
    options: dict[str, Any] = {"lengths_seconds": np.arange(20.0), "batch_size": 3}
    state = LengthBatchSampler(**options).state_dict()
    with pytest.raises(OptionError, match=message):
        LengthBatchSampler(**{**options, **change}).load_state_dict(state)


@pytest.mark.parametrize("state", [{}, {"epoch": 0}, None, [1]])
def test_what_is_no_state_is_refused(state: Any) -> None:
    with pytest.raises(OptionError, match="state_dict"):
        LengthBatchSampler([1.0], 1).load_state_dict(state)


def test_a_position_behind_the_end_is_refused() -> None:
    sampler = LengthBatchSampler([1.0], 1)
    with pytest.raises(OptionError, match="position is 2; epoch 0 has 1 batches"):
        sampler.load_state_dict({**sampler.state_dict(), "position": 2})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "neither batch_size nor max_batch_seconds"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": True}, "batch_size is True"),
        ({"max_batch_seconds": 0}, "max_batch_seconds is 0"),
        ({"max_batch_seconds": "long"}, "max_batch_seconds is 'long'"),
        ({"batch_size": 1, "seed": -1}, "seed is -1"),
        ({"batch_size": 1, "rank": 1}, "rank is 1"),
        ({"batch_size": 1, "lengths_seconds": [-1.0]}, "from 0 to 1e"),
        ({"batch_size": 1, "lengths_seconds": [float("inf")]}, "from 0 to 1e"),
        ({"batch_size": 1, "lengths_seconds": ["long"]}, "expected numbers"),
        ({"batch_size": 1, "lengths_seconds": 3.0}, "one length for each row"),
    ],
)
def test_arguments_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        LengthBatchSampler(**{"lengths_seconds": [1.0], **options})

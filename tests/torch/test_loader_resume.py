"""A loader goes on where it was stopped, and refuses the state of another."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from itertools import islice
from typing import Any

import datasets
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.torch import loader

from .small_dataset import ids_of


@settings(max_examples=40)
@given(
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 3),
    shuffle=st.booleans(),
    bucket=st.booleans(),
    num_threads=st.integers(0, 2),
    epoch=st.integers(0, 1),
    data=st.data(),
)
def test_batches_before_and_after_a_stop_are_those_of_a_run_without_one(
    ds: datasets.Dataset, epoch: int, data: st.DataObject, **options: Any
) -> None:
    def fresh() -> Any:
        return loader(ds, columns=["utterance_id", "audio"], **options)

    whole = fresh()
    epochs = [list(whole) for _ in range(3)]
    stop = data.draw(st.integers(0, len(epochs[epoch])))
    first = fresh()
    for _ in range(epoch):
        list(first)
    before = list(islice(first, stop))
    state = json.loads(json.dumps(first.state_dict()))
    second = fresh()
    second.load_state_dict(state)
    assert second.epoch == epoch
    second.set_epoch(epoch)  # as a training loop does; it must not lose the place
    got = before + list(second)
    assert ids_of(got) == ids_of(epochs[epoch])
    for batch, expected in zip(got, epochs[epoch], strict=True):
        assert torch.equal(batch["audio"], expected["audio"])
    assert ids_of(second) == ids_of(epochs[epoch + 1])


def test_the_state_in_the_loop_counts_the_batch_that_is_being_used(ds: datasets.Dataset) -> None:
    batches = loader(ds, 5, columns=["utterance_id"])
    positions = [batches.state_dict()["position"] for _ in batches]
    assert positions == [1, 2, 3, 4, 5]
    assert (batches.state_dict()["epoch"], batches.state_dict()["position"]) == (1, 0)


def test_breaking_off_and_starting_again_repeats_the_epoch(ds: datasets.Dataset) -> None:
    batches = loader(ds, 5, columns=["utterance_id"], shuffle=True)
    first = next(iter(batches))["utterance_id"]
    assert next(iter(batches))["utterance_id"] == first
    assert batches.epoch == 0
    batches.set_epoch(7)
    assert next(iter(batches))["utterance_id"] != first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "seed 0; it is 1"),
        ({"batch_size": 4}, "batch_size 5; it is 4"),
        ({"shuffle": True}, "shuffle False; it is True"),
        ({"world_size": 2}, "world_size 1; it is 2"),
        ({"bucket": True}, "no state of this kind"),
    ],
)
def test_a_state_of_other_batches_is_refused(
    ds: datasets.Dataset, change: dict[str, Any], message: str
) -> None:
    state = loader(ds, 5).state_dict()
    with pytest.raises(OptionError, match=message):
        loader(ds, **{"batch_size": 5, **change}).load_state_dict(state)


def test_a_state_of_other_rows_is_refused_and_one_of_a_copy_is_not(
    ds: datasets.Dataset, make_dataset: Callable[[str], datasets.Dataset]
) -> None:
    state = loader(ds, 5).state_dict()
    loader(make_dataset("bytes"), 5).load_state_dict(state)
    with pytest.raises(OptionError, match="dataset"):
        loader(ds.shuffle(seed=0), 5).load_state_dict(state)
    nameless = ds.remove_columns("utterance_id")
    loader(nameless, 5).load_state_dict(loader(nameless, 5).state_dict())


def test_of_two_iterations_the_one_that_began_last_is_what_the_state_tells(ds: datasets.Dataset) -> None:
    batches = loader(ds, 5, columns=["utterance_id"], shuffle=True)
    older = iter(batches)
    for _ in range(3):
        next(older)
    newer = iter(batches)
    second = [next(newer) for _ in range(2)]
    list(older)  # to its end
    state = batches.state_dict()
    assert (state["epoch"], state["position"]) == (0, 2)
    again = loader(ds, 5, columns=["utterance_id"], shuffle=True)
    again.load_state_dict(state)
    assert ids_of([*second, *again]) == ids_of([*second, *newer])
    assert batches.epoch == 1


def test_an_iteration_that_goes_on_does_not_undo_the_choice_of_an_epoch(ds: datasets.Dataset) -> None:
    batches = loader(ds, 5, columns=["utterance_id"], shuffle=True)
    running = iter(batches)
    next(running)
    batches.set_epoch(5)
    list(running)
    assert (batches.epoch, batches.state_dict()["position"]) == (5, 0)


@pytest.mark.parametrize("kind", ["files", "bytes"])
def test_a_loader_can_be_pickled_at_any_time_without_its_sound(
    make_dataset: Callable[[str], datasets.Dataset], kind: str
) -> None:
    batches = loader(make_dataset(kind), 5, shuffle=True)
    fresh = pickle.dumps(batches)
    whole = list(batches)
    batches.set_epoch(0)
    first = list(islice(batches, 2))
    used = pickle.dumps(batches)
    assert max(len(fresh), len(used)) < 50_000  # the sound is 200 kB
    assert ids_of(pickle.loads(fresh)) == ids_of(whole)  # noqa: S301  our own
    copy = pickle.loads(used)  # noqa: S301
    assert copy.state_dict() == batches.state_dict()
    assert ids_of(copy) == ids_of([*first, *whole[2:]])
    copy.set_epoch(0)
    assert torch.equal(next(iter(copy))["audio"], whole[0]["audio"])

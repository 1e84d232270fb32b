"""Memory of a batch is used again when its last tensor is gone, and never before."""

from __future__ import annotations

import pickle
from typing import Any

import datasets
import numpy as np
import pytest
import torch

from emotalk_data.torch import loader
from emotalk_data.torch.memory import NewMemory, RecycledMemory

from .small_dataset import NUM_ROWS


def decode_into(given: list[Any], size: int = 8) -> Any:
    """Return a function that decodes `size` numbers, as `decode_many` does, and records what it was given."""

    def decode(out: Any) -> tuple[Any, Any]:
        given.append(out)
        fits = out is not None and out.size >= size
        array = out.reshape(-1)[:size] if fits else np.empty(size, np.float32)
        array[:] = len(given)
        return array, np.array([size])

    return decode


def test_memory_is_given_to_the_next_batch_only_when_its_last_tensor_is_gone() -> None:
    memory = RecycledMemory(np.float32, 2)
    memory.fill(decode_into([], 16))  # tells how large a batch can be
    given: list[Any] = []
    first = memory.fill(decode_into(given))[0]
    part = first[2:4]
    second = memory.fill(decode_into(given))[0]
    assert not np.may_share_memory(given[1], first.numpy())
    del first
    memory.fill(decode_into(given))
    assert not np.may_share_memory(given[2], part.numpy())
    assert part.tolist() == [1, 1]
    place = part.data_ptr() - 2 * part.element_size()
    del part
    memory.fill(decode_into(given))
    assert given[3].ctypes.data == place
    assert second.tolist() == [2] * 8


def test_memory_that_is_too_small_for_a_longer_batch_is_given_up() -> None:
    memory = RecycledMemory(np.float32, 2)
    given: list[Any] = []
    for size in (8, 100, 8, 100):
        memory.fill(decode_into(given, size))
    assert [out is not None and out.size >= 100 for out in given] == [False, False, True, True]


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU, memory is torch's")
@pytest.mark.parametrize("reuse_buffers", [True, False])
def test_a_loader_fills_a_few_arrays_again_and_again_unless_told_not_to(
    ds: datasets.Dataset, monkeypatch: pytest.MonkeyPatch, reuse_buffers: bool
) -> None:
    held = []  # Keeps each memory from the allocator, which would give out the same address again.
    cls: Any = RecycledMemory if reuse_buffers else NewMemory
    fill = cls.fill

    def recording(self: Any, decode: Any) -> Any:
        def keep(out: Any) -> Any:
            result = decode(out)
            held.append(result[0].base if result[0].base is not None else result[0])
            return result

        return fill(self, keep)

    monkeypatch.setattr(cls, "fill", recording)
    many = ds.select([NUM_ROWS - 1] * 50)
    assert sum(len(batch["audio"]) for batch in loader(many, 1, reuse_buffers=reuse_buffers)) == 50
    assert len(held) == 50
    places = {array.ctypes.data for array in held}
    assert len(places) <= 8 if reuse_buffers else len(places) == 50


def test_a_pickled_copy_takes_no_memory_along() -> None:
    memory = RecycledMemory(np.float32, 3)
    memory.fill(decode_into([], 1_000_000))
    assert len(pickle.dumps(memory)) < 1_000
    copy = pickle.loads(pickle.dumps(memory))  # noqa: S301  our own
    given: list[Any] = []
    copy.fill(decode_into(given))
    copy.fill(decode_into(given))
    assert [out is None for out in given] == [True, False]

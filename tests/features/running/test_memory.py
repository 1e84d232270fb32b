"""How much is encoded at once, where nobody says it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from emotalk_data.features.hook import Encoded
from emotalk_data.features.running.memory import CudaMemory, automatic_batch, probe
from emotalk_data.features.running.plan import plan_shards
from emotalk_data.features.running.rows import read_source

from .hooks import Numbers, SizedNumbers, constant, table


def test_on_a_cpu_a_batch_is_a_few_mean_utterances_of_the_first_shard() -> None:
    source = read_source(table(14))
    limit = automatic_batch(source, plan_shards(source, 7), SizedNumbers(constant), "cpu")
    mean = sum(range(1, 8)) / 7
    assert limit % mean == 0
    assert limit / mean >= 2


@pytest.mark.parametrize(("parameters", "utterances"), [(100_000, 12), (20_000_000, 4), (94_000_000, 2)])
def test_on_a_cpu_a_large_model_gets_fewer_utterances_at_once(parameters: int, utterances: int) -> None:
    class Weighed(SizedNumbers):
        num_parameters = parameters

    source = read_source(table(7))
    limit = automatic_batch(source, plan_shards(source, 7), Weighed(constant), "cpu")
    assert limit == utterances * sum(range(1, 8)) / 7


def test_rows_that_have_nothing_to_encode_do_not_count() -> None:
    source = read_source(table(14, text=[None] * 7 + ["text"] * 7))
    limit = automatic_batch(source, plan_shards(source, 7), SizedNumbers(constant), "cpu")
    whole = read_source(table(14))
    assert limit == automatic_batch(whole, plan_shards(whole, 7), SizedNumbers(constant), "cpu")


def test_without_sizes_batches_have_a_fixed_number_of_utterances() -> None:
    source = read_source(table(3))
    assert automatic_batch(source, plan_shards(source, 7), Numbers(constant), "cpu") == 16.0


class Device(Numbers):
    """A device of a few bytes: each utterance takes 10."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(constant)
        self.size_bytes = size_bytes
        self.peak = 0

    def extract(self, batch: Sequence[int]) -> list[Encoded]:
        self.peak = 10 * len(batch)
        if self.peak > self.size_bytes:
            raise RuntimeError("CUDA out of memory")
        return super().extract(batch)

    def free_bytes(self) -> int:
        return self.size_bytes

    def begin(self) -> None:
        self.peak = 0

    def peak_bytes(self) -> int:
        return self.peak

    def give_back(self) -> None:
        pass


@pytest.mark.parametrize("size_bytes", [10, 25, 100, 1_000])
def test_a_probe_leaves_memory_free(size_bytes: int) -> None:
    device = Device(size_bytes)
    limit = probe(device, [1, 2, 3], largest=4.0, mean=2.0, memory=device)
    assert limit >= 2.0
    assert limit == 2.0 or 10 * limit / 4.0 <= 0.6 * size_bytes


def test_a_probe_that_fails_says_nothing_and_the_smallest_batch_is_taken() -> None:
    class Broken(Device):
        def extract(self, batch: Sequence[int]) -> list[Encoded]:
            raise ValueError(f"no {batch}")

    device = Broken(1_000)
    assert probe(device, [1], largest=4.0, mean=2.0, memory=device) == 2.0


@pytest.mark.needs_gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_its_memory_is_measured() -> None:
    memory = CudaMemory("cuda:0")
    free = memory.free_bytes()
    memory.begin()
    tensor = torch.zeros(1 << 24, device="cuda:0")
    assert memory.peak_bytes() >= tensor.nbytes
    assert memory.free_bytes() <= free - tensor.nbytes + (1 << 22)
    del tensor
    memory.give_back()
    assert memory.free_bytes() >= free - (1 << 22)

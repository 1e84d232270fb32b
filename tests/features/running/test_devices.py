"""The device that is asked for, or an error that says what there is."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from emotalk_data.errors import OptionError
from emotalk_data.features.running.devices import device_name, find_device


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_without_a_gpu_the_cpu_calculates_and_a_gpu_is_refused() -> None:
    assert find_device("auto") == "cpu"
    assert device_name("cpu") == "cpu"
    for asked in ("cuda", "cuda:1"):
        with pytest.raises(OptionError, match=r"torch sees 0 GPUs\. Take 'auto' or 'cpu'"):
            find_device(asked)


@pytest.mark.needs_gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_with_a_gpu_it_is_taken_by_local_rank() -> None:
    count = torch.cuda.device_count()
    assert find_device("auto", local_rank=count) == "cuda:0"
    assert find_device("cuda", local_rank=count - 1) == f"cuda:{count - 1}"
    with pytest.raises(OptionError, match=f"torch sees {count} GPUs"):
        find_device(f"cuda:{count}")
    assert device_name("cuda:0") == torch.cuda.get_device_name(0)


def test_an_encoder_for_the_cpu_never_asks_torch() -> None:
    assert find_device("auto", needs_torch=False) == "cpu"
    with pytest.raises(OptionError, match="this encoder calculates on the CPU; leave it out"):
        find_device("cuda", needs_torch=False)


@pytest.mark.parametrize("asked", ["gpu", "cuda:x", "cuda:-1", "", None, 0])
def test_what_is_no_device_is_refused(asked: Any) -> None:
    with pytest.raises(OptionError, match="expected 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'"):
        find_device(asked)

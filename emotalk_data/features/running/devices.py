"""What calculates: the CPU or a GPU, and its name; how many threads work ahead of it."""

from __future__ import annotations

import logging
import os
import re
from typing import Any, Final

from emotalk_data._optional import is_usable, require
from emotalk_data.errors import OptionError, quote

__all__ = ["default_threads", "device_name", "find_device"]

_log: Final = logging.getLogger(__name__)
_CUDA: Final = re.compile(r"cuda(?::(\d{1,3}))?")
_MAX_DEFAULT_THREADS: Final = 8
_EXPECTED: Final = "'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'"


def find_device(asked: Any, *, local_rank: int = 0, needs_torch: bool = True) -> str:
    """Return the device to calculate on, as torch calls it.

    Args:
        asked: `auto`: a GPU where torch can use one, else the CPU; or `cpu`, `cuda`, `cuda:1`, `mps`.
        local_rank: which GPU of several is taken, where none is named.
        needs_torch: False for encoders that know the CPU only.

    Raises:
        OptionError: there is no such device.
        MissingDependencyError: a GPU is asked for and torch is not installed.
    """
    match = _CUDA.fullmatch(asked) if isinstance(asked, str) else None
    if match is None and asked not in ("auto", "cpu", "mps"):
        raise OptionError(f"device is {quote(asked)}; expected {_EXPECTED}.")
    if asked == "cpu" or (asked == "auto" and not (needs_torch and is_usable("torch"))):
        return "cpu"
    if not needs_torch:
        raise OptionError(f"device is {quote(asked)}, and this encoder calculates on the CPU; leave it out.")
    torch = require("torch", extra="features", purpose="calculate on a GPU")
    if asked == "mps":
        if not torch.backends.mps.is_available():
            raise OptionError("device is 'mps', and torch sees none. Take 'auto' or 'cpu'.")
        return "mps"
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        return _usable(torch, f"cuda:{local_rank % count}") if count else "cpu"
    number = int(match[1]) if match is not None and match[1] is not None else None
    if count == 0 or (number is not None and number >= count):
        raise OptionError(f"device is {quote(asked)}, and torch sees {count} GPUs. Take 'auto' or 'cpu'.")
    return f"cuda:{local_rank % count if number is None else number}"


def device_name(device: str) -> str:
    """Return what to call a device in a record: the GPU's own name, or `cpu`."""
    if not device.startswith("cuda"):
        return device
    torch = require("torch", extra="features", purpose="calculate on a GPU")
    return str(torch.cuda.get_device_name(device))


def default_threads() -> int:
    """Return how many threads prepare: the processors that this process may use, at most 8.

    In a container these are fewer than the machine has.
    """
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        count = os.cpu_count() or 1
    return min(count, _MAX_DEFAULT_THREADS)


def _usable(torch: Any, device: str) -> str:
    """Return the device, or the CPU where torch was not built for this GPU."""
    try:
        torch.zeros(1, device=device).add_(1).item()
    except RuntimeError as error:
        _log.warning(
            "torch sees a GPU and cannot use it (%s); the CPU calculates", str(error).splitlines()[0]
        )
        return "cpu"
    return device

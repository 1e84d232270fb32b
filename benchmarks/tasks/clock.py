"""The clock of a task in a process of its own, and what else it tells of itself."""

from __future__ import annotations

import re
import time
from pathlib import Path

extras: dict[str, float] = {}
"""Other figures of the task, by name."""

_started = time.perf_counter()
_taken: float | None = None


def start() -> None:
    """Begin to measure here: what came before were imports and preparation."""
    global _started
    _started = time.perf_counter()


def set_seconds(seconds: float) -> None:
    """Say what the task took, where it knows better than from its start to its end."""
    global _taken
    _taken = seconds


def seconds() -> float:
    """Seconds since the start, or what the task said."""
    return time.perf_counter() - _started if _taken is None else _taken


def peak_mib() -> float:
    """Largest resident memory of this process. `ru_maxrss` would include the parent's, from before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    match = re.search(r"VmHWM:\s+([0-9]+) kB", status)
    return int(match[1]) / 1024 if match else float("nan")

"""Where it was measured: Python, processor, and the version of every package that took part."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["TAKEN", "environment", "processor_times", "share_taken"]

TAKEN = "taken by other guests of the host meanwhile"
"""Name of what `share_taken` says."""

_PACKAGES = {
    "load": (
        "datasets",
        "pyarrow",
        "pydantic",
        "torchcodec",
        "check-jsonschema",
        "jsonschema",
        "jsonschema-rs",
    ),
    "audio": ("datasets", "numpy", "pyarrow", "soundfile", "soxr", "av", "torch", "torchcodec", "torchaudio"),
    "video": ("numpy", "av", "torch", "torchcodec", "decord2"),
    "epoch": (
        *("datasets", "numpy", "pyarrow", "soundfile", "soxr", "torch", "torchcodec"),
        *("webdataset", "litdata", "mosaicml-streaming"),
    ),
    "features": ("datasets", "numpy", "pyarrow", "soundfile", "soxr", "torch", "transformers"),
}


def environment(suite: str) -> dict[str, str]:
    """Return names and versions, in the order in which a suite's section shows them."""
    found = {
        "Python": platform.python_version(),
        "machine": f"{platform.machine()}, {_processor()}",
        "cores": str(len(os.sched_getaffinity(0))),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "emotalk-data": _version("emotalk-data").replace("not installed", "from its repository"),
    }
    return found | {name: _version(name) for name in _PACKAGES[suite]}


def processor_times() -> tuple[int, int]:
    """Return how long other guests of a virtual machine's host had its processors, and all time; in ticks.

    Both are 0 where the system does not tell.
    """
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    except OSError:
        return 0, 0
    ticks = list(map(int, fields))
    return ticks[7], sum(ticks)


def share_taken(before: tuple[int, int], after: tuple[int, int]) -> str:
    """Say which part of the time between two calls of `processor_times` other guests had."""
    taken, total = (late - early for late, early in zip(after, before, strict=True))
    return f"{taken / total:.0%}" if total else "unknown"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or "unknown processor"
    match = re.search(r"model name\s*:\s*(.+)", text)
    return match[1].strip() if match else "unknown processor"

"""Run tasks interleaved, in fresh processes, and keep the medians."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Result:
    """The rounds of one task.

    Attributes:
        seconds: of the task without imports, one a round.
        wall_seconds: of the whole process, one a round.
        peak_mib: largest resident memory of any round.
        value: what the task returned: rows, files or samples.
        error: why the task could not be run; the other fields are then empty.
    """

    seconds: list[float] = field(default_factory=list)
    wall_seconds: list[float] = field(default_factory=list)
    peak_mib: float = 0.0
    value: int = 0
    error: str = ""

    @property
    def median(self) -> float:
        """Median seconds of the task."""
        return statistics.median(self.seconds)

    @property
    def median_wall(self) -> float:
        """Median seconds of the process."""
        return statistics.median(self.wall_seconds)

    @property
    def spread(self) -> float:
        """Largest over smallest round."""
        return max(self.seconds) / max(min(self.seconds), 1e-9)


def run_task(result: Result, name: str, arguments: Sequence[str]) -> None:
    """Run one round of a task and add it to its result."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603  # our own module
        [sys.executable, "-m", "benchmarks.tasks", name, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    wall = time.perf_counter() - started
    if done.returncode:
        result.error = (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
        return
    values = json.loads(done.stdout.strip().splitlines()[-1])
    result.seconds.append(values["seconds"])
    result.wall_seconds.append(wall)
    result.peak_mib = max(result.peak_mib, values["peak_mib"])
    result.value = values["result"]


def run_command(result: Result, command: Sequence[str]) -> None:
    """Run one round of a command line; its time is that of the whole process."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)  # noqa: S603
    wall = time.perf_counter() - started
    if done.returncode:
        result.error = f"exit code {done.returncode}"
        return
    result.seconds.append(wall)
    result.wall_seconds.append(wall)

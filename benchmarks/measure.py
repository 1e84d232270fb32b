"""Run tasks interleaved, in fresh processes or in one, and keep what each round took."""

from __future__ import annotations

import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
NOT_INSTALLED = "not installed"
_MODULE_NOT_FOUND = "ModuleNotFoundError: No module named "

Role = Literal["ours", "peer", "limit"]


@dataclass
class Result:
    """The rounds of one task.

    Attributes:
        seconds: one a round: of the task without imports, or the median of one call.
        wall_seconds: of the whole process, one a round; empty for tasks that share a process.
        peak_mib: largest resident memory of any round.
        value: what is done in `seconds`: rows, files or clips.
        error: why the task could not be run; the other fields are then empty.
        role: whose work it is: ours, a peer's, or a limit that nobody can beat.
        extras: other figures of each round, such as the seconds to the first batch.
    """

    seconds: list[float] = field(default_factory=list)
    wall_seconds: list[float] = field(default_factory=list)
    peak_mib: float = 0.0
    value: int = 0
    error: str = ""
    role: Role = "peer"
    extras: dict[str, list[float]] = field(default_factory=dict)

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

    @property
    def rate(self) -> float:
        """How much is done in a second, by the median."""
        return self.value / self.median


@dataclass
class Section:
    """What one suite measured in one sitting.

    Attributes:
        suite: "load", "audio", "video", "epoch" or "features".
        environment: Python, machine and the versions of all packages that took part.
        data: one line that says what was measured on.
        is_full_size: False for `--quick`, whose figures are not judged.
        results: by name; "group/label" where tasks of one group do the same work.
        facts: what was counted rather than timed, such as samples that differ from the reference.
    """

    suite: str
    environment: dict[str, str]
    data: str
    is_full_size: bool
    results: dict[str, Result] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Section:
        """Return the section that `to_json` gave."""
        results = {name: Result(**result) for name, result in values["results"].items()}
        return cls(**{**values, "results": results})


class Task(NamedTuple):
    """One way of doing the work of a group, for a suite whose tasks share a process.

    Attributes:
        name: "group/label".
        role: whose work it is.
        prepare: imports and opens what is not to be measured, and returns what is: a function of the number
            of the item to work on.
    """

    name: str
    role: Role
    prepare: Callable[[], Callable[[int], object]]


class NotInstalledError(Exception):
    """A peer is missing, or cannot be imported."""


def peer(module: str) -> Any:
    """Import a peer.

    Raises:
        NotInstalledError: it is missing or broken; says which.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise NotInstalledError(f"{NOT_INSTALLED}: {error.name}") from error
    except Exception as error:
        raise NotInstalledError(
            f"{NOT_INSTALLED} so that it works: {module} ({_first_line(error)})"
        ) from error


def run_interleaved(
    tasks: Sequence[Task], *, rounds: int, num_items: int, seconds_per_round: float
) -> dict[str, Result]:
    """Time calls of all tasks in this process: one round after the other, the tasks of a round shuffled.

    Args:
        tasks: what to run; the same items for each.
        rounds: how often each has its turn.
        num_items: items there are; a turn begins where the one before it would have ended.
        seconds_per_round: a turn ends after so many seconds, or when all items were used; three calls at
            least, if there are as many items.
    """
    results = {task.name: Result(role=task.role, value=1) for task in tasks}
    calls: dict[str, Callable[[int], object]] = {}
    for task in tasks:
        try:
            calls[task.name] = task.prepare()
            calls[task.name](0)  # imports and caches of the first call
        except NotInstalledError as error:
            results[task.name].error = str(error)
        except Exception as error:
            results[task.name].error = _first_line(error)
    names = [name for name in calls if not results[name].error]
    order = random.Random(0)  # noqa: S311  # an order, not a secret
    for number in range(rounds):
        order.shuffle(names)
        for name in names:
            results[name].seconds.append(_median_call(calls[name], number, num_items, seconds_per_round))
    return results


def _median_call(call: Callable[[int], object], number: int, num_items: int, limit: float) -> float:
    clock = time.perf_counter
    taken: list[float] = []
    ends = clock() + limit
    fewest = min(3, num_items)
    while len(taken) < fewest or (len(taken) < num_items and clock() < ends):
        item = (number * 7 + len(taken)) % num_items
        started = clock()
        call(item)
        taken.append(clock() - started)
    return statistics.median(taken)


def run_task(result: Result, name: str, arguments: Iterable[object]) -> Any:
    """Run one round of `module.task` in a fresh process, add it to its result, and return its value."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603  # our own module
        [sys.executable, "-m", "benchmarks.tasks", name, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    wall = time.perf_counter() - started
    if done.returncode:
        result.error = _error(done.stderr)
        return None
    values = json.loads(done.stdout.strip().splitlines()[-1])
    result.seconds.append(values["seconds"])
    result.wall_seconds.append(wall)
    result.peak_mib = max(result.peak_mib, values["peak_mib"])
    for extra, value in values["extras"].items():
        result.extras.setdefault(extra, []).append(value)
    if isinstance(values["result"], int):
        result.value = values["result"]
    return values["result"]


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


def _error(stderr: str) -> str:
    """Return the last line of what a process said; of a missing module, its name."""
    line = (stderr.strip().splitlines() or ["no message"])[-1]
    if line.startswith(_MODULE_NOT_FOUND):
        return f"{NOT_INSTALLED}: {line.removeprefix(_MODULE_NOT_FOUND).strip(chr(39))}"
    return line.removeprefix("benchmarks.measure.NotInstalledError: ")[:200]


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].partition(". ")[0][:160]

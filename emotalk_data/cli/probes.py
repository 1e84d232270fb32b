"""Look at what may fail while it loads, or take the process with it: from a process of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from emotalk_data.cli.output import one_line
from emotalk_data.cli.probe_process import START

__all__ = ["Probe", "driver_gpu", "probe", "probe_all"]

_PROBE_TIMEOUT_SECONDS: Final = 90.0  # the first import of torch from a cold, slow disk takes half of that
_PROGRAM: Final = str(Path(__file__).with_name("probe_process.py"))


class Probe(NamedTuple):
    """Code that is tried.

    Attributes:
        code: statements that import something first and set `answer` to a dict of JSON values.
        needs: the name of another one; where that fails, this is not tried.
    """

    code: str
    needs: str = ""


def driver_gpu() -> str | None:
    """Return the name of the first GPU that the driver lists, or None."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)  # noqa: S603 - found by which
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.splitlines()
    return one_line(lines[0]) if done.returncode == 0 and lines else None


def probe(code: str, *, timeout_seconds: float = _PROBE_TIMEOUT_SECONDS) -> dict[str, Any] | str:
    """Run code in a process of its own and return its `answer`, or in words why there is none.

    Args:
        code: as of a `Probe`.
        timeout_seconds: how long to wait for it.
    """
    return _run({"": Probe(code)}, timeout_seconds)[""]


def probe_all(
    probes: Mapping[str, Probe], *, timeout_seconds: float = _PROBE_TIMEOUT_SECONDS
) -> dict[str, dict[str, Any] | str]:
    """Run all in one process, in their order: the answer of each, or in words why there is none.

    What fails there is tried once more in a process of its own, so that it answers for nobody else's fault. When
    one takes the process with it, the rest go on in another. What was not tried has no answer.

    Args:
        probes: in an order in which each stands behind what it needs.
        timeout_seconds: how long to wait for each.
    """
    answers: dict[str, dict[str, Any] | str] = {}
    left = dict(probes)
    while left:
        found = _run(left, timeout_seconds)
        for name, answer in found.items():
            is_sure = isinstance(answer, dict) or answer == "not installed" or len(left) == 1
            answers[name] = answer if is_sure else probe(left[name].code, timeout_seconds=timeout_seconds)
        tried = list(left).index(list(found)[-1]) + 1
        failed = {name for name in probes if isinstance(answers.get(name), str)}
        left = {name: one for name, one in list(left.items())[tried:] if one.needs not in failed}
    return answers


def _run(probes: Mapping[str, Probe], timeout_seconds: float) -> dict[str, dict[str, Any] | str]:
    """Run all in one process; the first at least has an answer, and the last is the one that ended it."""
    work = json.dumps([timeout_seconds, [(name, *one) for name, one in probes.items()]])
    command = [sys.executable, "-P", _PROGRAM, work]
    try:
        done = subprocess.run(  # noqa: S603 - our own code
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds * len(probes) + 60,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return dict.fromkeys(probes, f"its import did not end within {timeout_seconds:g} s")
    except OSError as error:
        return dict.fromkeys(probes, f"no process could be started: {error.strerror}")
    answers: dict[str, dict[str, Any] | str] = {}
    for line in done.stdout.split("\n"):  # splitlines takes the sign for a line's end
        if line.startswith(START):
            name, *answer = json.loads(line[1:])
            answers[name] = _answer(probes[name], answer) if answer else _end(done, timeout_seconds)
    return answers or dict.fromkeys(probes, _end(done, timeout_seconds))


def _answer(tried: Probe, answer: list[Any]) -> dict[str, Any] | str:
    if len(answer) == 1:
        values: dict[str, Any] = answer[0]
        return values
    module = re.match(r"import (\w+)", tried.code)
    if module and answer[1] == f"ModuleNotFoundError: No module named '{module[1]}'":
        return "not installed"
    return f"installed, and fails to import: {one_line(answer[1])[:200]}"


def _end(done: subprocess.CompletedProcess[str], timeout_seconds: float) -> str:
    """Say how a process ended that did not come to its end."""
    if done.returncode < 0:
        return f"installed, and its import kills the process (signal {-done.returncode})"
    if "Timeout (" in done.stderr:
        return f"its import did not end within {timeout_seconds:g} s"
    lines = done.stderr.strip().splitlines() or ["no message"]
    return f"installed, and its import ends the process: {one_line(lines[-1])[:200]}"

"""Look at what may fail while it loads, or take the process with it: from a process of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import Any, Final

from emotalk_data.cli.output import one_line

__all__ = ["driver_gpu", "probe"]

_PROBE_TIMEOUT_SECONDS: Final = 90.0  # the first import of torch from a cold, slow disk takes half of that


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
        code: statements that import something and set `answer` to a dict of JSON values.
        timeout_seconds: how long to wait for it.
    """
    script = f"import json, sys\n{code}\nsys.stdout.write('\\n' + json.dumps(answer))"
    command = [sys.executable, "-P", "-c", script]
    try:
        done = subprocess.run(  # noqa: S603 - our own code
            command, capture_output=True, text=True, errors="replace", timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"its import did not end within {timeout_seconds:g} s"
    except OSError as error:
        return f"no process could be started: {error.strerror}"
    if done.returncode == 0:
        answer: dict[str, Any] = json.loads(done.stdout.rpartition("\n")[2])
        return answer
    if done.returncode < 0:
        return f"installed, and its import kills the process (signal {-done.returncode})"
    lines = done.stderr.strip().splitlines() or ["no message"]
    module = re.match(r"import (\w+)", code)
    if module and lines[-1] == f"ModuleNotFoundError: No module named '{module[1]}'":
        return "not installed"
    return f"installed, and fails to import: {one_line(lines[-1])[:200]}"

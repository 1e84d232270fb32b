"""One task in a process of its own, so that nothing is warm but the page cache.

    python -m benchmarks.tasks MODULE.TASK ARGUMENT…

Prints one JSON object: seconds of the task without imports, peak memory of the process, and its value.
"""

from __future__ import annotations

import importlib
import json
import sys

from benchmarks.tasks import clock


def main() -> None:
    """Run the task that the command line names."""
    name, *arguments = sys.argv[1:]
    module, _, function = name.partition(".")
    task = getattr(importlib.import_module(f"benchmarks.tasks.{module}"), function)
    clock.start()
    result = task(*arguments)
    seconds = clock.seconds()
    values = {"seconds": seconds, "peak_mib": clock.peak_mib(), "result": result, "extras": clock.extras}
    print(json.dumps(values))


main()

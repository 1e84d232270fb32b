"""A process that forks one that publishes, for each line `SET<tab>REPO` on stdin, and prints its id.

Run as a script with the environment of a double. Importing what publishing needs takes seconds, a fork none; and
a fork may be killed without a word to anybody. `wait<tab>ID` waits for one, and prints its exit status.
"""

from __future__ import annotations

import os
import sys
import traceback

import datasets
import pyarrow.parquet  # noqa: F401  # what publishing would import in each fork

from emotalk_data import publish
from emotalk_data.hub.publishing import sending


def _publish(folder: str, repo_id: str) -> int:
    # The reading by plain `datasets` takes seconds and changes nothing: its own tests are in test_publish.py.
    setattr(sending, "reload_rows", lambda *_: 0)  # noqa: B010  # of a module
    try:
        publish(folder, repo_id, allow=["frame-features"], encoder_licences={"example/tiny-hubert": "mit"})
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    datasets.disable_progress_bars()
    for line in sys.stdin:
        first, second = line.rstrip("\n").split("\t")
        if first == "wait":
            status = os.waitstatus_to_exitcode(os.waitpid(int(second), 0)[1])
            print(status, flush=True)  # noqa: T201
        elif child := os.fork():
            print(child, flush=True)  # noqa: T201
        else:
            os._exit(_publish(first, second))

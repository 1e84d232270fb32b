"""A run in a process of its own, for the tests that kill it. Imports nothing heavy beside `datasets`.

python stoppable.py KIND TABLE OUT …

    run      one run, with the ranks that the environment says; prints `begun` before the first batch
    killed   the folder is made by children of this process that are killed again and again, until one is done
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[3]))

from emotalk_data.features.extraction import extract_features
from emotalk_data.features.hook import Encoded, Utterance
from emotalk_data.schemas.feature_spec import CallableSpec

ROWS_PER_SHARD = 3


class Slow:
    """Random numbers that are the same each time, after a moment that is not; tells each batch to a pipe."""

    spec = CallableSpec(name="own/slow", model="slow", input="text", num_dims=8)

    def __init__(self, pipe: int, seconds: float) -> None:
        self.pipe = pipe
        self.seconds = seconds

    def size_seconds(self, utterance: Utterance) -> float:
        return len(utterance.text or "")

    def prepare(self, utterance: Utterance) -> int:
        time.sleep(random.uniform(0, self.seconds))  # noqa: S311
        return int(utterance.row["number"])

    def extract(self, batch: Sequence[int]) -> list[Encoded]:
        os.write(self.pipe, b"x")
        time.sleep(random.uniform(0, self.seconds))  # noqa: S311
        return [
            Encoded(np.random.default_rng(number).normal(size=(number % 5 + 1, 8)).astype(np.float32))
            for number in batch
        ]


def run(table: str, out: str, pipe: int, seconds: float) -> None:
    ds: Any = datasets.load_from_disk(table)
    extract_features(
        ds, Slow(pipe, seconds), out, rows_per_shard=ROWS_PER_SHARD, max_batch_seconds=40, num_threads=2
    )


def kill_until_done(table: str, out: str, seed: int) -> int:
    """Return how many children were killed before one came to its end."""
    chance = random.Random(seed)  # noqa: S311
    kills = 0
    while True:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            status = 1
            try:
                run(table, out, writing, 0.003)
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        for _ in range(chance.randint(0, 2)):  # so many batches are begun, or it has ended
            os.read(reading, 1)
        select.select([], [], [], chance.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        os.close(reading)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status) == 0:
                return kills
            raise SystemExit("a child failed")
        kills += 1


def main() -> None:
    datasets.disable_progress_bars()
    kind, table, out = sys.argv[1:4]
    if kind == "killed":
        sys.stdout.write(f"{kill_until_done(table, out, int(sys.argv[4]))}\n")
    else:
        run(table, out, sys.stdout.fileno(), float(sys.argv[4]))


if __name__ == "__main__":
    main()

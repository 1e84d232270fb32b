"""Runs in processes of their own, for the tests that kill and stop them: children of one that has imported all.

python stoppable.py TABLE, then a request in JSON on each line of stdin, and a JSON answer to each on stdout:

    {"do": "run", "out", "seconds", "environ", "told", "begun", "limit"}   a child is begun; its number
    {"do": "wait", "pid"}                                                  it has ended; its exit code, or -signal
    {"do": "kill", "out", "seed"}      the folder is made by children that are killed again and again, until one
                                       is done; how many were killed
"""

from __future__ import annotations

import json
import os
import random
import resource
import select
import signal
import sys
import time
import traceback
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


def begin(request: dict[str, Any], table: str) -> int:
    """Begin a run in a child; returns its number. `told` is its stderr; `begun` has a byte for each batch."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        told, begun = (
            os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND) for name in ("told", "begun")
        )
        os.dup2(told, 2)
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.environ.update(request["environ"])
        if request["limit"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (request["limit"], resource.RLIM_INFINITY))
        run(table, request["out"], begun, request["seconds"])
        status = 0
    except BaseException as error:
        traceback.print_exception(error, limit=-3, chain=False)  # short: the limit is of this file too
        sys.stderr.flush()
    finally:
        os._exit(status)


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
    table = sys.argv[1]
    for line in sys.stdin:
        request = json.loads(line)
        answer = 0
        if request["do"] == "run":
            answer = begin(request, table)
        elif request["do"] == "wait":
            answer = os.waitstatus_to_exitcode(os.waitpid(request["pid"], 0)[1])
        else:
            answer = kill_until_done(table, request["out"], request["seed"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

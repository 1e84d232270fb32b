"""A process that writes shards: reads jobs from its standard input, answers on its standard output.

    parent ──► Task, Job, Job, …        pickled one after the other; the end of the input ends the process
    parent ◄── int, int, CopyShard …    rows that are done; a finished shard; or an exception

It is started as a program of its own and not by `multiprocessing`: a script needs no `if __name__ ==
"__main__"` then, nothing is forked from a process that has threads, and when the parent is killed the pipes
close and the worker ends at its next answer, half-written shards with it.

Ctrl-C does not reach it: the parent starts it so, and ends it.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from emotalk_data.builder.shard_plan import Splits
from emotalk_data.cache.maker import Maker
from emotalk_data.cache.shard import write_shard
from emotalk_data.errors import CacheWriteError, quote

__all__ = ["Task", "main"]


class Task(NamedTuple):
    """What all shards of a folder have in common.

    Attributes:
        splits: the rows.
        maker: what is in them.
        key: of the folder.
        folder: where shards go.
    """

    splits: Splits
    maker: Maker
    key: str
    folder: Path


def main() -> None:
    """Do jobs until there are no more, or the parent is gone."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get among the answers
    try:
        _work(sys.stdin.buffer, answers)
    except (EOFError, BrokenPipeError, pickle.UnpicklingError):
        os._exit(0)  # the parent is gone, or done; an ordinary end would flush answers into a closed pipe


def _work(jobs: BinaryIO, answers: BinaryIO) -> None:
    def tell(answer: Any) -> None:
        answers.write(_packed(answer))
        answers.flush()

    task: Task = pickle.load(jobs)  # noqa: S301  # from the parent
    while True:
        job = pickle.load(jobs)  # noqa: S301
        try:
            answer: Any = write_shard(task.splits[job.split], job, task.maker, task.key, task.folder, tell)
        except Exception as error:  # the parent raises it
            answer = error
        tell(answer)


def _packed(answer: Any) -> bytes:
    """Pickle an answer. Some libraries' errors cannot be pickled, or not be read again: those become ours."""
    try:
        packed = pickle.dumps(answer)
        if isinstance(answer, BaseException):
            pickle.loads(packed)  # noqa: S301  # our own
    except Exception:  # whatever `__reduce__` or `__init__` of such an error raises
        return pickle.dumps(CacheWriteError(f"a process that wrote the copy failed: {quote(answer, 300)}"))
    return packed

"""Several processes that write shards, and the one that gives them work."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, cast

from emotalk_data.builder.copy_manifest import CopyShard
from emotalk_data.builder.shard_plan import Job
from emotalk_data.cache.shard import Tell, write_shard
from emotalk_data.cache.worker import Task
from emotalk_data.errors import CacheWriteError, quote

__all__ = ["write_shards"]

_PROGRAM: Final = "from emotalk_data.cache.worker import main; main()"
_MAX_WAIT_SECONDS: Final = 10.0


def write_shards(
    task: Task, jobs: Sequence[Job], num_proc: int, tell: Tell, finished: Callable[[CopyShard], None]
) -> None:
    """Write shards, in any order. With one process the work is done here.

    When it returns, by an error or Ctrl-C too, no process is left.

    Args:
        task: what they have in common.
        jobs: the shards.
        num_proc: processes.
        tell: is told how many more rows are done.
        finished: is told each shard that is written. Both are called by this thread.

    Raises:
        EmotalkError: what `write_shard` raises.
        CacheWriteError: a process could not be started, or was ended from outside.
    """
    num_proc = min(num_proc, len(jobs))
    if num_proc <= 1:
        for job in jobs:
            finished(write_shard(task.splits[job.split], job, task.maker, task.key, task.folder, tell))
        return
    with closing(_Workers(task, jobs, num_proc)) as workers:
        for answer in workers:
            if isinstance(answer, CopyShard):
                finished(answer)
            else:
                tell(answer)


class _Workers:
    """Processes, with a thread for each that hands it jobs and listens to it."""

    def __init__(self, task: Task, jobs: Sequence[Job], num_proc: int) -> None:
        self._left = iter(jobs)
        self._lock = threading.Lock()
        self._answers: queue.Queue[Any] = queue.Queue()
        self._task = pickle.dumps(task)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []
        try:
            with _no_interrupts():
                for _ in range(num_proc):
                    self._start()
        except (OSError, RuntimeError) as error:  # no more processes, or no more threads
            self.close()
            raise CacheWriteError(
                f"cannot start {num_proc} processes: {error}. Use fewer (num_proc). What is finished stays; the "
                "same call goes on."
            ) from error
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[int | CopyShard]:
        num_serving = len(self._threads)
        while num_serving:
            answer = self._answers.get()
            if answer is None:
                num_serving -= 1
            elif isinstance(answer, BaseException):
                raise answer
            else:
                yield answer

    def close(self) -> None:
        """End all processes. What they had not finished is dropped."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(_MAX_WAIT_SECONDS)
            except subprocess.TimeoutExpired:  # it hangs in the system, on a disk that does not answer
                process.kill()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_MAX_WAIT_SECONDS)
        for thread in self._threads:
            thread.join(_MAX_WAIT_SECONDS)
        for process in self._processes:
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    cast("IO[bytes]", stream).close()

    def _start(self) -> None:
        # -P: what happens to lie in the current folder, `datasets/` or `types.py`, is not imported.
        process = subprocess.Popen(  # noqa: S603  # this same Python
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_import_folders())},
        )
        self._processes.append(process)
        thread = threading.Thread(target=self._serve, args=(process,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _serve(self, process: subprocess.Popen[bytes]) -> None:
        """Give one process a job after the other, and pass on what it answers."""
        jobs, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        try:
            jobs.write(self._task)
            while (job := self._next()) is not None:
                jobs.write(pickle.dumps(job))
                jobs.flush()
                answer: Any = 0
                while isinstance(answer, int):
                    answer = pickle.load(answers)  # noqa: S301  # from our own process
                    self._answers.put(answer)
            jobs.close()
        except (EOFError, OSError, pickle.UnpicklingError):
            self._answers.put(_ended(process))
        except BaseException as error:  # without an answer the caller would wait for ever
            self._answers.put(_not_understood(error))
        finally:
            self._answers.put(None)

    def _next(self) -> Job | None:
        with self._lock:
            return next(self._left, None)


def _ended(process: subprocess.Popen[bytes]) -> CacheWriteError:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_MAX_WAIT_SECONDS)
    code = process.returncode
    how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
    if code == -signal.SIGKILL:  # what the system sends when memory runs out
        how += "; memory may have run out. Use fewer processes (num_proc)"
    return CacheWriteError(
        f"a process that wrote the copy ended {how}. What is finished stays; the same call goes on."
    )


def _not_understood(error: BaseException) -> CacheWriteError:
    failure = CacheWriteError(
        f"a process that wrote the copy gave an answer that cannot be read: {quote(error, 300)}. What is "
        "finished stays; the same call goes on."
    )
    failure.__cause__ = error
    return failure


def _import_folders() -> list[str]:
    """Where this process imports from, for another; and where this package is, also when that is ''."""
    folders = [os.path.abspath(folder) for folder in sys.path if folder]  # noqa: PTH100  # no links resolved
    package_root = str(Path(__file__).parents[2])
    return folders if package_root in folders else [*folders, package_root]


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back from this thread, and for good from the processes that are started meanwhile.

    A terminal sends it to all of them; this process decides what comes of it. A process inherits what is held
    back, so it does not die in the middle of its first imports either.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

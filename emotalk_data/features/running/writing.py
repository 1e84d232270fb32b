"""The thread that writes shards, behind the device."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

__all__ = ["ShardWriter"]

_WAITING: Final = 1
_POLL_SECONDS: Final = 0.1


class ShardWriter:
    """Does what it is given, one after the other, in a thread of its own. A context: when it ends, all is done.

    What is waiting is dropped when the block ends by Ctrl-C; after another error it is still written. The first
    error of the thread is raised by the next call, or at the end.
    """

    def __init__(self) -> None:
        self._tasks: queue.Queue[Callable[[], None] | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._is_dropping = False
        self._thread = threading.Thread(target=self._work, name="emotalk-shard-writer")

    def put(self, task: Callable[[], None]) -> None:
        """Have something written; waits while another one waits.

        Raises:
            EmotalkError: an earlier task raised it.
        """
        while True:
            self.check()
            try:
                self._tasks.put(task, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return

    def check(self) -> None:
        """Raise what the thread raised, if it did."""
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_dropping = isinstance(error, KeyboardInterrupt)
        self._tasks.put(None)  # the thread always takes what is there, so there is always room in a while
        self._thread.join()
        if error is None:
            self.check()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            if self._error is None and not self._is_dropping:
                try:
                    task()
                except BaseException as error:  # without it the caller would wait for ever
                    self._error = error

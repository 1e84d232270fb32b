"""Ctrl-C that lets a shard be finished: the first one asks, the second one stops."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

__all__ = ["StopRequest", "first_interrupt_asks"]

_ASKED: Final = (
    b"\nStopping when this shard is written. Ctrl-C again stops at once, and the shard is made anew.\n"
)


class StopRequest:
    """Whether the run was asked to stop.

    Attributes:
        is_asked: it was, once.
    """

    is_asked = False


@contextmanager
def first_interrupt_asks() -> Iterator[StopRequest]:
    """Take the first Ctrl-C as a wish while the block lasts; the second one is a KeyboardInterrupt.

    Only where Ctrl-C would be a KeyboardInterrupt: signals are the main thread's, and a handler of somebody
    else's, or none at all, stays.
    """
    request = StopRequest()

    def handle(number: int, frame: Any) -> None:
        if request.is_asked:
            signal.default_int_handler(number, frame)
        request.is_asked = True
        with suppress(OSError, ValueError):  # closed; print is not for handlers: it may be interrupted itself
            os.write(sys.__stderr__.fileno() if sys.__stderr__ is not None else 2, _ASKED)

    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield request
        return
    signal.signal(signal.SIGINT, handle)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)

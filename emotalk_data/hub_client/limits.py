"""Time limits for the client of the Hub, which has none: a server that is silent would hold us for ever.

The client shares one session among all its threads, and makes a new one after a refused connection. While one of
our calls runs, each request of these sessions gets the limits below where the client gave none, and the wait that
an answer asks for is cut. When no call of ours runs, the session is as it was.

The transport of `hf_xet` is not of these sessions, and has none of these limits: it has its own.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from emotalk_data.errors import EmotalkError

__all__ = ["LONGEST_WAIT_SECONDS", "SILENCE_SECONDS", "StoppedError", "time_limits"]

SILENCE_SECONDS: Final = {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": 60.0}
"""How long the Hub may say nothing in each phase of a request."""

LONGEST_WAIT_SECONDS = 60.0
"""The longest wait between two attempts, whatever a server asks for. Tests set it to 0."""

_RESET: Final = re.compile(r"(;\s*t\s*=\s*)([0-9]+)")


class StoppedError(EmotalkError):
    """A call was told to stop: another one failed, or the user pressed Ctrl-C, and nobody waits for it."""


@dataclass
class _State:
    """What a process has changed in its client.

    Attributes:
        lock: guards the rest. The client's own lock is never asked for by who holds it.
        num_calls: how many blocks of `time_limits` run.
        limited: the sessions that have our hooks.
        own_factory: the user's, and ours around it.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    num_calls: int = 0
    limited: list[Any] = field(default_factory=list)
    own_factory: tuple[Callable[[], Any], Callable[[], Any]] | None = None


_state = _State()
_thread: Final = threading.local()  # .stop: the event that the call of this thread looks at


@contextmanager
def time_limits(stop: threading.Event | None = None) -> Iterator[None]:
    """Keep the limits while the block runs, in all threads of the client.

    Args:
        stop: once it is set, this thread makes no further request: the next one is a `StoppedError`.
    """
    from huggingface_hub import get_session

    state, before = _state, getattr(_thread, "stop", None)
    _thread.stop = before if stop is None else stop
    with state.lock:
        state.num_calls += 1
        _limit_factory(state)
    try:
        session = get_session()
        with state.lock:
            _limit(session, state)
        yield
    finally:
        _thread.stop = before
        if state is _state:  # else this is a child that was forked in the block, and has let go already
            with state.lock:
                state.num_calls -= 1
                if state.num_calls == 0:
                    _release_sessions(state)


def _limit_factory(state: _State) -> None:
    """Limit the sessions that the client makes from now on."""
    from huggingface_hub.utils import _http

    # There is no public way to ask for the factory, and to set another one closes the user's connections.
    factory = getattr(_http, "_GLOBAL_CLIENT_FACTORY", None)
    if factory is None or (state.own_factory is not None and factory is state.own_factory[1]):
        return

    def limited_factory() -> Any:
        session = factory()
        if state is _state:
            with state.lock:
                if state.num_calls:
                    _limit(session, state)
        return session

    state.own_factory = (factory, limited_factory)
    _http._GLOBAL_CLIENT_FACTORY = limited_factory


def _release_sessions(state: _State) -> None:
    from huggingface_hub.utils import _http

    for session in state.limited:
        hooks = session.event_hooks
        session.event_hooks = {
            "request": [hook for hook in hooks["request"] if hook is not _limit_request],
            "response": [hook for hook in hooks["response"] if hook is not _limit_wait],
        }
    state.limited.clear()
    if state.own_factory is not None:
        if getattr(_http, "_GLOBAL_CLIENT_FACTORY", None) is state.own_factory[1]:
            _http._GLOBAL_CLIENT_FACTORY = state.own_factory[0]
        state.own_factory = None


def _forget_in_child() -> None:
    """Begin anew in a forked child: the calls of the parent's other threads never end there, nor their locks."""
    global _state
    inherited, _state = _state, _State()
    if inherited.num_calls:
        _release_sessions(inherited)


os.register_at_fork(after_in_child=_forget_in_child)


def _limit(session: Any, state: _State) -> None:
    hooks = session.event_hooks
    if _limit_request not in hooks["request"]:
        session.event_hooks = {
            "request": [*hooks["request"], _limit_request],
            "response": [*hooks["response"], _limit_wait],
        }
        state.limited.append(session)


def _limit_request(request: Any) -> None:
    stop = getattr(_thread, "stop", None)
    if stop is not None and stop.is_set():
        raise StoppedError("the call was stopped")
    given = request.extensions.get("timeout") or {}
    request.extensions["timeout"] = {
        phase: seconds if given.get(phase) is None else given[phase]
        for phase, seconds in SILENCE_SECONDS.items()
    }


def _limit_wait(response: Any) -> None:
    """Cut the wait that an answer asks for: the client sleeps as long as it is told, and one second more."""
    longest = max(int(LONGEST_WAIT_SECONDS) - 1, 0)
    wait = response.headers.get("retry-after", "").strip()
    if wait.isdigit() and int(wait) > longest:
        response.headers["retry-after"] = str(longest)
    limits = response.headers.get("ratelimit")
    if limits:
        response.headers["ratelimit"] = _RESET.sub(
            lambda match: f"{match[1]}{min(int(match[2]), longest)}", limits
        )

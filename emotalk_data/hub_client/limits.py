"""Time limits for the client of the Hub, which has none: a server that is silent would hold us for ever.

The client shares one session among all its threads, and makes a new one after a refused connection. While one of
our calls runs, each request of these sessions gets the limits below where the client gave none, and the wait that
an answer asks for is cut. When no call of ours runs, the session is as it was.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["LONGEST_WAIT_SECONDS", "SILENCE_SECONDS", "time_limits"]

SILENCE_SECONDS: Final = {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": 60.0}
"""How long the Hub may say nothing in each phase of a request."""

LONGEST_WAIT_SECONDS = 60.0
"""The longest wait between two attempts, whatever a server asks for. Tests set it to 0."""

_RESET: Final = re.compile(r"(;\s*t\s*=\s*)([0-9]+)")

_lock: Final = threading.Lock()
_num_calls = 0
_limited: list[Any] = []  # the sessions that have our hooks
_own_factory: tuple[Callable[[], Any], Callable[[], Any]] | None = None  # the user's, and ours around it


@contextmanager
def time_limits() -> Iterator[None]:
    """Keep the limits while the block runs, in all threads of the client."""
    global _num_calls
    with _lock:
        _num_calls += 1
        _limit_sessions()
    try:
        yield
    finally:
        with _lock:
            _num_calls -= 1
            if _num_calls == 0:
                _release_sessions()


def _limit_sessions() -> None:
    """Limit the session of now, and those that the client makes after it."""
    global _own_factory
    from huggingface_hub import get_session
    from huggingface_hub.utils import _http

    _limit(get_session())
    # There is no public way to ask for the factory, and to set another one closes the user's connections.
    factory = getattr(_http, "_GLOBAL_CLIENT_FACTORY", None)
    if factory is None or (_own_factory is not None and factory is _own_factory[1]):
        return

    def limited_factory() -> Any:
        session = factory()
        _limit(session)
        return session

    _own_factory = (factory, limited_factory)
    _http._GLOBAL_CLIENT_FACTORY = limited_factory


def _release_sessions() -> None:
    global _own_factory
    from huggingface_hub.utils import _http

    for session in _limited:
        hooks = session.event_hooks
        session.event_hooks = {
            "request": [hook for hook in hooks["request"] if hook is not _limit_request],
            "response": [hook for hook in hooks["response"] if hook is not _limit_wait],
        }
    _limited.clear()
    if _own_factory is not None:
        if getattr(_http, "_GLOBAL_CLIENT_FACTORY", None) is _own_factory[1]:
            _http._GLOBAL_CLIENT_FACTORY = _own_factory[0]
        _own_factory = None


def _limit(session: Any) -> None:
    hooks = session.event_hooks
    if _limit_request not in hooks["request"]:
        session.event_hooks = {
            "request": [*hooks["request"], _limit_request],
            "response": [*hooks["response"], _limit_wait],
        }
        _limited.append(session)


def _limit_request(request: Any) -> None:
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

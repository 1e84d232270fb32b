"""A call of `huggingface_hub`: with time limits, tried again where that helps, and its errors as ours.

Give `hub_call` a function that reaches the token through a `Token` or an `HfApi`: what a traceback shows of it is
then its name. A `functools.partial` would show its arguments.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from emotalk_data._optional import installed_version
from emotalk_data.errors import EmotalkError
from emotalk_data.hub_client import limits
from emotalk_data.hub_client.faults import Fault, chain, error_of, fault_of
from emotalk_data.hub_client.limits import StoppedError, time_limits
from emotalk_data.hub_client.token import Token, without_tokens

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["FIRST_WAIT_SECONDS", "LONGEST_FAILING_SECONDS", "hub_api", "hub_call"]

FIRST_WAIT_SECONDS = 1.0
"""The wait before the second attempt; each next one is twice as long. Tests set it to 0."""

LONGEST_FAILING_SECONDS = 600.0
"""How long after the first failure of a call it is tried again: the client tries within each attempt too."""

_MAY_CHANGE: Final = frozenset({"temporary"})

T = TypeVar("T")


def hub_api(token: Token | None) -> HfApi:
    """Return the client, for the endpoint of HF_ENDPOINT. Its `token` is False where there is none."""
    from huggingface_hub import HfApi, constants

    return HfApi(
        endpoint=constants.ENDPOINT,
        token=False if token is None else token.reveal(),
        library_name="emotalk_data",
        library_version=installed_version("emotalk-data"),
    )


def hub_call(
    what: str,
    call: Callable[[], T],
    *,
    token: Token | None,
    repo_id: str,
    revision: str | None = None,
    attempts: int = 5,
    retry_conflicts: bool = False,
    stop: threading.Event | None = None,
) -> T:
    """Return what `call` returns.

    Args:
        what: completes "cannot …", such as "download Audio.tar".
        call: asks the Hub; may be called several times. What it raises of our own errors passes through.
        token: the one that `call` uses: it is taken out of all that is said.
        repo_id: the dataset repository, for the messages.
        revision: the one that was asked for, for the messages.
        attempts: how often at most, for what may pass: 429, 5xx, a cut connection, silence.
        retry_conflicts: try again after 409 and 412 too: someone else wrote at the same moment.
        stop: once it is set, nothing further is asked or waited for.

    Raises:
        HubLoginError: no token where one is needed; or one that is expired, unknown, or has not the rights.
        HubAccessError: the repository is gated, and the account was not let in.
        HubNotFoundError: no such repository, revision or file.
        HubUnreachableError: no answer after all attempts, or after the time for them.
        HubOfflineError: HF_HUB_OFFLINE is set.
        CacheWriteError: no room on the disk, or no permission.
        OptionError: a name of a repository that cannot be.
        HubError: the Hub refuses for another reason.
        StoppedError: `stop` was set.
    """
    passing = _MAY_CHANGE | {"conflict"} if retry_conflicts else _MAY_CHANGE
    wait, failing_since = FIRST_WAIT_SECONDS, None
    for attempt in range(1, attempts + 1):
        outcome = _attempt(call, token, stop)
        if not isinstance(outcome, Fault):
            break
        now = time.monotonic()
        failing_since = now if failing_since is None else failing_since
        rest = LONGEST_FAILING_SECONDS - (now - failing_since)
        if outcome.kind not in passing or attempt == attempts or rest <= 0:
            break
        _wait(min(max(wait, outcome.wait_seconds or 0.0), limits.LONGEST_WAIT_SECONDS, rest), stop)
        wait *= 2
    if isinstance(outcome, _Value):
        value: T = outcome.value
        return value
    # Raised here, in no `except` block: an error that knew its cause would hold the request, and that the token.
    if isinstance(outcome, _Passing):
        raise outcome.error
    assert isinstance(outcome, Fault)  # noqa: S101  # what the loop leaves
    account = _account_of(token) if outcome.kind in ("gated", "rights", "not-found") else None
    raise error_of(outcome, what, repo_id=repo_id, revision=revision, account=account)


class _Value:
    """What a call returned: a fault of the caller's own type must not be taken for one of ours."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Passing:
    """What is no fault of the Hub: our own error, Ctrl-C, `sys.exit`, or what the user's signal handler raises.

    The error is kept without where it came from: the client's frames and requests hold the token.
    """

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = KeyboardInterrupt() if type(error) is KeyboardInterrupt else error
        self.error.__cause__ = self.error.__context__ = self.error.__traceback__ = None


def _attempt(
    call: Callable[[], Any], token: Token | None, stop: threading.Event | None = None
) -> _Value | _Passing | Fault:
    try:
        with time_limits(stop):
            return _Value(call())
    except EmotalkError as error:
        return _Passing(error)
    except Exception as error:
        handlers_own = _raised_by_a_handler(error)
        return fault_of(error, token) if handlers_own is None else _Passing(handlers_own)
    except BaseException as error:
        return _Passing(error)


def _raised_by_a_handler(error: BaseException) -> BaseException | None:
    """Return what a signal handler of the user's raised in the middle of the call, such as its own time-out."""
    handlers = [getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()]
    codes = {code for code in handlers if code is not None}
    for link in chain(error):
        trace = link.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code in codes:
                return link
            trace = trace.tb_next
    return None


def _wait(seconds: float, stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise StoppedError("the call was stopped")


def _account_of(token: Token | None) -> str | None:
    """Return the name of the token's account, if the Hub says it at once."""
    if token is None:
        return None
    api = hub_api(token)
    outcome = _attempt(lambda: api.whoami(), token)
    name = outcome.value.get("name") if isinstance(outcome, _Value) else None
    return without_tokens(name, token) if isinstance(name, str) else None

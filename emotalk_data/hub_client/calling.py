"""A call of `huggingface_hub`: with time limits, tried again where that helps, and its errors as ours.

Give `hub_call` a function that reaches the token through a `Token` or an `HfApi`: what a traceback shows of it is
then its name. A `functools.partial` would show its arguments.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from emotalk_data._optional import installed_version
from emotalk_data.errors import EmotalkError
from emotalk_data.hub_client import limits
from emotalk_data.hub_client.faults import Fault, error_of, fault_of
from emotalk_data.hub_client.limits import time_limits
from emotalk_data.hub_client.token import Token, without_tokens

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["FIRST_WAIT_SECONDS", "hub_api", "hub_call"]

FIRST_WAIT_SECONDS = 1.0
"""The wait before the second attempt; each next one is twice as long. Tests set it to 0."""

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

    Raises:
        HubLoginError: no token where one is needed; or one that is expired, unknown, or has not the rights.
        HubAccessError: the repository is gated, and the account was not let in.
        HubNotFoundError: no such repository, revision or file.
        HubUnreachableError: no answer after all attempts.
        HubOfflineError: HF_HUB_OFFLINE is set.
        CacheWriteError: no room on the disk, or no permission.
        OptionError: a name of a repository that cannot be.
        HubError: the Hub refuses for another reason.
    """
    passing = _MAY_CHANGE | {"conflict"} if retry_conflicts else _MAY_CHANGE
    wait = FIRST_WAIT_SECONDS
    is_interrupted = False
    for attempt in range(1, attempts + 1):
        outcome = _attempt(call, token)
        if not isinstance(outcome, Fault):
            if isinstance(outcome, _Interrupted):
                is_interrupted = True
                break
            value: T = outcome.value
            return value
        if outcome.kind not in passing or attempt == attempts:
            break
        asked = outcome.wait_seconds
        time.sleep(min(max(wait, asked or 0.0), limits.LONGEST_WAIT_SECONDS))
        wait *= 2
    # Raised here, in no `except` block: an error that knew its cause would hold the request, and that the token.
    if is_interrupted:
        raise KeyboardInterrupt
    assert isinstance(outcome, Fault)  # noqa: S101  # what the loop leaves
    account = _account_of(token) if outcome.kind in ("gated", "rights", "not-found") else None
    raise error_of(outcome, what, repo_id=repo_id, revision=revision, account=account)


class _Value:
    """What a call returned: a fault of the caller's own type must not be taken for one of ours."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Interrupted:
    """Ctrl-C in the middle of a call."""


def _attempt(call: Callable[[], Any], token: Token | None) -> _Value | _Interrupted | Fault:
    try:
        with time_limits():
            return _Value(call())
    except EmotalkError:
        raise
    except KeyboardInterrupt:
        return _Interrupted()
    except Exception as error:
        return fault_of(error, token)


def _account_of(token: Token | None) -> str | None:
    """Return the name of the token's account, if the Hub says it at once."""
    if token is None:
        return None
    api = hub_api(token)
    outcome = _attempt(lambda: api.whoami(), token)
    name = outcome.value.get("name") if isinstance(outcome, _Value) else None
    return without_tokens(name, token) if isinstance(name, str) else None

"""What went wrong in a call of the Hub's client, and how it is told.

What is kept of an exception is plain text without tokens. The exception itself holds requests, whose headers hold
the token, and its traceback the variables of the client.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Literal, TypeAlias

from emotalk_data.errors import (
    CacheWriteError,
    EmotalkError,
    HubAccessError,
    HubError,
    HubLoginError,
    HubNotFoundError,
    HubOfflineError,
    HubUnreachableError,
    OptionError,
    quote,
)
from emotalk_data.hub_client.token import HOW_TO_LOG_IN, Token, without_tokens

__all__ = ["Fault", "chain", "error_of", "fault_of"]

FaultKind: TypeAlias = Literal[
    "login", "token", "rights", "gated", "not-found", "revision", "file", "offline", "temporary", "conflict",
    "disk", "argument", "other",
]  # fmt: skip

_TEMPORARY_STATUS: Final = frozenset({408, 429})
_CONFLICT_STATUS: Final = frozenset({409, 412})
_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is known of a failure.

    Attributes:
        kind: what it means for the caller.
        said: what the Hub or the client said, in one line without tokens; may be empty.
        wait_seconds: how long the Hub asks to wait before the next attempt.
    """

    kind: FaultKind
    said: str
    wait_seconds: float | None = None


def fault_of(error: Exception, token: Token | None) -> Fault:
    """Return what an exception of the client means, with nothing of the exception in it."""
    from huggingface_hub import errors

    # The client says "no such file in the cache" of whatever kept it from asking: the cause is what it was.
    for link in chain(error):
        if isinstance(link, errors.OfflineModeIsEnabled):
            return Fault("offline", "")
        if isinstance(link, errors.HfHubHTTPError):
            return _http_fault(link, token)
        if isinstance(link, errors.LocalTokenNotFoundError):
            return Fault("login", "")
        if isinstance(link, _transport_errors()):
            return Fault("temporary", _told(link, token))
    return _local_fault(error, token)


def _http_fault(error: Exception, token: Token | None) -> Fault:
    """Return what an answer other than 2xx means."""
    from huggingface_hub import errors

    response = error.response  # type: ignore[attr-defined]  # HfHubHTTPError
    status: int = response.status_code
    said = _one_line(getattr(error, "server_message", None) or f"status {status}", token)
    if status in _TEMPORARY_STATUS or status >= 500:
        return Fault("temporary", said, _wait_seconds(response.headers.get("retry-after")))
    if status in _CONFLICT_STATUS:
        return Fault("conflict", said)
    if isinstance(error, errors.RevisionNotFoundError):
        return Fault("revision", said)
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return Fault("file", said)
    if status == 401:
        return Fault("login" if token is None else "token", said)
    if isinstance(error, errors.GatedRepoError):
        return Fault("login" if token is None else "gated", said)
    if status == 403:
        return Fault("login" if token is None else "rights", said)
    if status == 404:
        return Fault("not-found", said)
    return Fault("other", said)


def _local_fault(error: Exception, token: Token | None) -> Fault:
    """Return what an exception means that no answer of the Hub is behind."""
    from huggingface_hub import errors

    told = _told(error, token)
    if isinstance(error, errors.HFValidationError):
        return Fault("argument", told)
    if isinstance(error, ConnectionError | TimeoutError):
        return Fault("temporary", told)
    if isinstance(error, OSError):
        if error.errno is None:  # fewer bytes than were promised, or an answer that is not the Hub's
            return Fault("temporary", told)
        where = f": {quote(str(error.filename), 160)}" if error.filename else ""
        told = without_tokens(f"{error.strerror}{where}", token)
        return Fault("disk" if error.errno in _DISK else "other", told)
    if isinstance(error, errors.XetDownloadError) or type(error).__module__.startswith("hf_xet"):
        return Fault("temporary", told)
    if isinstance(error, RuntimeError):  # all that the Rust part of the client says of the network
        return Fault("temporary", told)
    return Fault("other", told)


def error_of(
    fault: Fault, what: str, *, repo_id: str, revision: str | None, account: str | None
) -> EmotalkError:
    """Return the error that tells a fault.

    Args:
        fault: what happened, in the last attempt.
        what: completes "cannot …".
        repo_id: the dataset repository.
        revision: the one that was asked for, if one was.
        account: the name that the token belongs to, if it is known.
    """
    start, said = f"cannot {what}: ", f" The Hub says: {quote(fault.said, 160)}." if fault.said else ""
    page = f"huggingface.co/datasets/{repo_id}"
    who = f"the account {quote(account)}" if account else "your account"
    match fault.kind:
        case "login":
            return HubLoginError(
                f"{start}{repo_id} needs a login, and there is no token. {HOW_TO_LOG_IN}; page: {page}."
            )
        case "token":
            return HubLoginError(
                f"{start}the Hub does not take the token: it is expired, revoked or mistyped. "
                f"{HOW_TO_LOG_IN}.{said}"
            )
        case "rights":
            return HubLoginError(
                f"{start}the token of {who} has not the rights. Give it those, or make one that has, at "
                f"huggingface.co/settings/tokens; page: {page}.{said}"
            )
        case "gated":
            return HubAccessError(
                f"{start}{repo_id} is gated, and {who} was not let in. Visit {page} with {who}, accept the "
                f"terms, wait to be let in, and try again."
            )
        case "not-found":
            return HubNotFoundError(
                f"{start}the Hub has no dataset {repo_id} that {who} may see. Check the name, and whether "
                f"the token is of the right account; page: {page}."
            )
        case "revision":
            return HubNotFoundError(
                f"{start}{repo_id} has no revision {quote(revision)}. Its branches, tags and commits are "
                f"listed at {page}/commits."
            )
        case "file":
            return HubNotFoundError(
                f"{start}{repo_id} has no such file{'' if revision is None else f' at {revision}'}. Its files "
                f"are listed at {page}/tree/{revision or 'main'}."
            )
        case "offline":
            return HubOfflineError(
                f"{start}HF_HUB_OFFLINE is set, so the Hub is not asked, and the cache does not have it. "
                f"Unset HF_HUB_OFFLINE once, or copy the cache (HF_HOME) of a machine that has it."
            )
        case "temporary":
            return HubUnreachableError(
                f"{start}no answer from the Hub, or no whole one, after several attempts: "
                f"{quote(fault.said, 200)}. Check the network (HF_ENDPOINT, proxy) and try again: what has "
                f"come is kept."
            )
        case "conflict":
            return HubError(f"{start}{repo_id} was changed by someone else meanwhile. Try again.{said}")
        case "disk":
            return CacheWriteError(f"{start}{fault.said}. Make room, or set HF_HOME to a place with some.")
        case "argument":
            return OptionError(f"{start}{fault.said}")
        case _:
            return HubError(f"{start}{quote(fault.said, 300)}")


def chain(error: BaseException) -> list[BaseException]:
    """Return an exception, and what it says it was raised from."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return links


def _transport_errors() -> tuple[type[BaseException], ...]:
    """Return what the client's HTTP library raises where there is no answer. It has changed its name once."""
    from huggingface_hub import errors

    library = import_module(errors.HfHubHTTPError.__mro__[1].__module__.partition(".")[0])
    return (library.TransportError,)


def _told(error: BaseException, token: Token | None) -> str:
    return _one_line(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, token)


def _one_line(text: str, token: Token | None) -> str:
    return " ".join(without_tokens(text, token).split())[:400]


def _wait_seconds(header: str | None) -> float | None:
    return float(header) if header and header.strip().isdigit() else None

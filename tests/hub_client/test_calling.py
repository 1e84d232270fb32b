"""Contract tests against the double: what the client raises, told as our errors."""

from __future__ import annotations

import errno
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import huggingface_hub
import pytest

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
)
from emotalk_data.hub_client import calling, limits
from emotalk_data.hub_client.calling import hub_api, hub_call
from emotalk_data.hub_client.token import Token
from emotalk_data.testing.hub_double import Fault
from tests.hub_double_fixtures import OnHub

CANARY = "hf_canaryCANARYcanary0123456789"
REPO = "lab/set"

Ask = Callable[..., Any]


@pytest.fixture
def ask(on_hub: OnHub) -> Ask:
    """Ask for a repository's facts, as the account `lab` unless another token is given."""
    on_hub.hub.add_account("lab", token=CANARY)
    on_hub.hub.add_account("old", "hf_oldoldoldoldold", "expired")
    on_hub.hub.add_repo(REPO, files={"a.txt": b"text"}, gated="manual")
    on_hub.hub.add_repo("owner/gated", files={"a.txt": b"text", "b.tar": b"0" * 2_000}, gated="manual")

    def _ask(
        repo_id: str = REPO, revision: str | None = None, token: str | None = CANARY, **options: Any
    ) -> Any:
        hidden = None if token is None else Token(token)
        api = hub_api(hidden)
        return hub_call(
            "look",
            lambda: api.repo_info(repo_id, repo_type="dataset", revision=revision),
            token=hidden,
            repo_id=repo_id,
            revision=revision,
            **options,
        )

    return _ask


def _download(file: str, token: str | None, on_hub: OnHub) -> Any:
    hidden = None if token is None else Token(token)
    api = hub_api(hidden)
    return hub_call(
        f"download {file}",
        lambda: api.hf_hub_download("owner/gated", file, repo_type="dataset"),
        token=hidden,
        repo_id="owner/gated",
    )


def test_a_call_returns_what_the_client_returns(ask: Ask, on_hub: OnHub) -> None:
    assert ask().id == REPO
    assert on_hub.hub.requests[-1].account == "lab"


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"repo_id": "lab/none"}, HubNotFoundError, "no dataset lab/none that the account 'lab' may see"),
        ({"repo_id": "lab/none", "token": None}, HubLoginError, "needs a login, and there is no token"),
        ({"revision": "v9"}, HubNotFoundError, "lab/set has no revision 'v9'"),
        ({"token": "hf_oldoldoldoldold"}, HubLoginError, 'expired.*User Access Token "<?.*is expired'),
        ({"token": "hf_nobodynobody"}, HubLoginError, "expired, revoked or mistyped.*Invalid credentials"),
        ({"repo_id": "a b/c"}, OptionError, "cannot look: HFValidationError"),
    ],
)
def test_each_refusal_is_an_error_of_its_own(
    ask: Ask, options: dict[str, Any], kind: type[EmotalkError], message: str
) -> None:
    with pytest.raises(kind, match=message) as error:
        ask(**options)
    assert type(error.value) is kind


def test_a_gated_file_needs_a_token_and_then_the_owners_consent(ask: Ask, on_hub: OnHub) -> None:
    with pytest.raises(HubLoginError, match=r"cannot download a\.txt: owner/gated needs a login"):
        _download("a.txt", None, on_hub)
    with pytest.raises(
        HubAccessError, match=r"gated, and the account 'lab' was not let in.*accept the terms"
    ):
        _download("a.txt", CANARY, on_hub)
    on_hub.hub.repo("owner/gated").let_in.add("lab")
    assert _download("a.txt", CANARY, on_hub).endswith("a.txt")
    with pytest.raises(HubNotFoundError, match="owner/gated has no such file"):
        _download("none.txt", CANARY, on_hub)


def test_a_token_without_the_rights_is_told_of(ask: Ask, on_hub: OnHub) -> None:
    on_hub.hub.add_account("reader", "hf_readerreader", "read", organisations=["lab"])
    token = Token("hf_readerreader")
    api = hub_api(token)
    with pytest.raises(HubLoginError, match="token of the account 'reader' has not the rights"):
        hub_call(
            "tag", lambda: api.create_tag(REPO, tag="v1", repo_type="dataset"), token=token, repo_id=REPO
        )


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(ask: Ask, on_hub: OnHub, status: int) -> None:
    fault = Fault(path="/api/datasets/lab/set", status=status, times=4, headers={"Retry-After": "0"})
    on_hub.hub.faults.append(fault)
    assert ask().id == REPO
    assert fault.num_hits == 4


def test_after_the_last_attempt_it_is_unreachable(ask: Ask, on_hub: OnHub) -> None:
    on_hub.hub.faults.append(
        Fault(path="/api/datasets/lab/set", status=503, times=None, body=b"moving house")
    )
    with pytest.raises(HubUnreachableError, match=r"after several attempts.*moving house.*try again"):
        ask(attempts=3)
    assert len(on_hub.hub.requests) == 3


def test_a_lost_answer_is_asked_for_again(ask: Ask, on_hub: OnHub) -> None:
    on_hub.hub.faults.append(Fault(path="/api/datasets/lab/set", cut_after=0, times=2))
    assert ask().id == REPO


@pytest.mark.parametrize("status", [409, 412])
def test_conflicts_are_tried_again_on_request_only(ask: Ask, on_hub: OnHub, status: int) -> None:
    on_hub.hub.faults.append(Fault(path="/api/datasets/lab/set", status=status, times=2))
    with pytest.raises(HubError, match="was changed by someone else"):
        ask()
    assert ask(retry_conflicts=True).id == REPO


def test_refusals_are_not_tried_again(ask: Ask, on_hub: OnHub) -> None:
    with pytest.raises(HubNotFoundError):
        ask(revision="v9")
    assert [request.path for request in on_hub.hub.requests].count("/api/datasets/lab/set/revision/v9") == 1


def test_a_silent_server_holds_nobody(ask: Ask, on_hub: OnHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.SILENCE_SECONDS, "read", 0.2)
    on_hub.hub.faults.append(Fault(path="/api/datasets/lab/set", hang_seconds=30, times=1))
    assert ask().id == REPO
    on_hub.hub.faults.append(Fault(path="/api/datasets/lab/set", hang_seconds=30, times=None))
    with pytest.raises(HubUnreachableError, match="ReadTimeout"):
        ask(attempts=2)


def test_the_session_is_the_users_again_after_a_call(ask: Ask) -> None:
    from huggingface_hub.utils import _http

    session, factory = huggingface_hub.get_session(), _http._GLOBAL_CLIENT_FACTORY
    before = {name: list(hooks) for name, hooks in session.event_hooks.items()}
    during: list[int] = []

    def nested() -> None:
        ask()
        during.append(len(huggingface_hub.get_session().event_hooks["response"]))

    hub_call("nest", nested, token=None, repo_id=REPO)
    assert during == [1]
    assert huggingface_hub.get_session() is session
    assert {name: list(hooks) for name, hooks in session.event_hooks.items()} == before
    assert _http._GLOBAL_CLIENT_FACTORY is factory


def test_a_session_that_the_client_makes_meanwhile_has_the_limits_too(ask: Ask) -> None:
    def renewed() -> Any:
        huggingface_hub.close_session()
        return list(huggingface_hub.get_session().event_hooks["request"])

    assert limits._limit_request in hub_call("renew", renewed, token=None, repo_id=REPO)
    huggingface_hub.close_session()
    assert limits._limit_request not in huggingface_hub.get_session().event_hooks["request"]


@pytest.mark.parametrize(
    ("headers", "slept"),
    [({"Retry-After": "86400"}, 60), ({"RateLimit": '"api";r=0;t=86400'}, 60), ({"Retry-After": "3"}, 4)],
)
def test_no_server_makes_the_client_wait_longer_than_a_minute(
    ask: Ask, on_hub: OnHub, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], slept: int
) -> None:
    naps: list[float] = []
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", naps.append)
    on_hub.hub.faults.append(Fault(path="/tree/", status=429, headers=headers))
    api = hub_api(Token(CANARY))
    tree = hub_call(
        "list", lambda: list(api.list_repo_tree(REPO, repo_type="dataset")), token=None, repo_id=REPO
    )
    assert len(tree) == 2
    assert naps == [slept]


def test_no_server_makes_us_wait_longer_than_a_minute(
    ask: Ask, on_hub: OnHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []
    monkeypatch.setattr("emotalk_data.hub_client.calling.time.sleep", naps.append)
    monkeypatch.setattr(calling, "FIRST_WAIT_SECONDS", 1.0)
    fault = Fault(path="/api/datasets/lab/set", status=429, times=1, headers={"Retry-After": "86400"})
    on_hub.hub.faults += [fault, Fault(path="/api/datasets/lab/set", status=503, times=2)]
    assert ask().id == REPO
    assert naps == [59.0, 2.0, 4.0]


def test_offline_is_told_as_such(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubOfflineError, match=r"cannot look: HF_HUB_OFFLINE is set.*Unset HF_HUB_OFFLINE"):
        ask()


def _raise(error: BaseException) -> Any:
    raise error


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/x"),
            CacheWriteError,
            "No space left on device: '/x'",
        ),
        (OSError("Consistency check failed"), HubUnreachableError, "Consistency check failed"),
        (KeyError("x"), HubError, "cannot do it: .*KeyError"),
        (ValueError(f"Bearer {CANARY}"), HubError, "Bearer <token>"),
    ],
)
def test_other_failures_are_told_too(error: Exception, kind: type[EmotalkError], message: str) -> None:
    with pytest.raises(kind, match=message):
        hub_call("do it", lambda: _raise(error), token=None, repo_id=REPO, attempts=1)


def test_errors_of_ours_and_ctrl_c_pass_through() -> None:
    ours = CacheWriteError("full")
    with pytest.raises(CacheWriteError) as error:
        hub_call("do it", lambda: _raise(ours), token=None, repo_id=REPO)
    assert error.value is ours
    with pytest.raises(KeyboardInterrupt) as interrupt:
        hub_call("do it", lambda: _raise(KeyboardInterrupt(CANARY)), token=None, repo_id=REPO)
    assert CANARY not in str(interrupt.value)
    assert interrupt.value.__context__ is None


class _FromHandlerError(TimeoutError):
    pass


@pytest.mark.parametrize(
    "raised",
    [SystemExit(3), GeneratorExit(), CacheWriteError("full")],
    ids=lambda error: type(error).__name__,
)
def test_what_passes_through_holds_nothing_of_the_client(raised: BaseException) -> None:
    def client() -> None:
        authorization = f"Bearer {CANARY}"
        try:
            raise ValueError(authorization)
        except ValueError:
            raise raised from None

    with pytest.raises(type(raised)) as caught:
        hub_call("look", client, token=None, repo_id=REPO)
    assert caught.value.args == raised.args
    assert caught.value.__context__ is None
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "client" not in {frame.name for frame in told.stack}
    assert CANARY not in "".join(told.format())


def test_a_time_out_of_the_users_own_is_not_tried_again() -> None:
    def on_alarm(*_: object) -> None:
        raise _FromHandlerError

    num_calls: list[int] = []

    def client() -> None:
        num_calls.append(1)
        signal.raise_signal(signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, on_alarm)
    try:
        with pytest.raises(_FromHandlerError):
            hub_call("look", client, token=None, repo_id=REPO)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(num_calls) == 1


def test_a_call_is_not_tried_again_once_its_time_is_over(
    ask: Ask, on_hub: OnHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "LONGEST_FAILING_SECONDS", 0.0)
    on_hub.hub.faults.append(Fault(path="/api/datasets/lab/set", status=503, times=None))
    with pytest.raises(HubUnreachableError):
        ask()
    assert len(on_hub.hub.requests) == 1


def test_a_call_that_is_stopped_waits_and_asks_no_more(
    ask: Ask, on_hub: OnHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "FIRST_WAIT_SECONDS", 60.0)
    stop = threading.Event()
    on_hub.hub.faults.append(Fault(path="/api/datasets/lab/set", status=503, times=None))
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(limits.StoppedError):
        ask(stop=stop)
    assert len(on_hub.hub.requests) == 1
    with pytest.raises(limits.StoppedError):
        ask(stop=stop)
    assert len(on_hub.hub.requests) == 1
    on_hub.hub.faults.clear()
    assert ask().id == REPO


def test_a_forked_child_begins_anew() -> None:
    # In a process of its own: a fork of this one would take the double's threads' locks along.
    code = """if True:
        import os, threading
        import huggingface_hub
        from huggingface_hub.utils import _http
        from emotalk_data.hub_client import limits
        own = _http._GLOBAL_CLIENT_FACTORY
        with limits.time_limits():
            limits._state.lock.acquire()  # as another thread may hold it
            child = os.fork()
            if child:
                limits._state.lock.release()
                state = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                assert state == 0, state
        if child == 0:
            assert _http._GLOBAL_CLIENT_FACTORY is own
            with limits.time_limits():
                assert limits._limit_request in huggingface_hub.get_session().event_hooks["request"]
            assert limits._limit_request not in huggingface_hub.get_session().event_hooks["request"]
            assert limits._state.num_calls == 0
            os._exit(0)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_session_that_is_made_late_is_not_limited_for_ever() -> None:
    from huggingface_hub.utils import _http

    with limits.time_limits():
        factory = _http._GLOBAL_CLIENT_FACTORY
    session = factory()  # by a thread that had it in hand when the last call ended
    assert limits._limit_request not in session.event_hooks["request"]
    assert limits._state.limited == []
    session.close()


def test_an_error_holds_nothing_of_the_call(ask: Ask, on_hub: OnHub) -> None:
    on_hub.hub.faults.append(
        Fault(path="/api/datasets/lab/set", status=400, headers={"X-Error-Message": f"bad {CANARY}"})
    )
    with pytest.raises(HubError) as raised:
        ask()
    error = raised.value
    assert "bad <token>" in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    # The frames of this file are the caller's: the first of ours is the one of hub_call.
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    told = "".join(traceback.TracebackException(type(error), error, trace, capture_locals=True).format())
    assert "hub_call" in told
    for text in (told, repr(error), repr(error.args), repr(pickle.dumps(error))):
        assert CANARY not in text

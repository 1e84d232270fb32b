"""A canary: the token is searched for wherever something of a publish can be seen, failures first."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from emotalk_data import make_public, publish
from emotalk_data.errors import HubError, HubLoginError, OptionError, PublishError
from emotalk_data.hub.publishing import reload, sending
from emotalk_data.hub.publishing.outcome import Published
from emotalk_data.hub.publishing.repository import Repository
from emotalk_data.hub.staged import StagedConfig
from emotalk_data.testing.hub_double import Fault
from tests.hub_double_fixtures import OnHub

from .conftest import ALLOWED, REPO, TOKEN

# Its middle too: a message that cuts a token in two has shown most of it.
CANARIES = (TOKEN.encode(), TOKEN[8:-8].encode())


def assert_clean(text: str | bytes, where: object) -> None:
    content = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
    for canary in CANARIES:
        assert canary not in content, f"the token is in {where}"


def assert_clean_below(folder: Path) -> int:
    """Search all files below a folder, their names too; return how many."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        assert_clean(str(path), path)
        assert_clean(path.read_bytes(), path)
    return len(files)


def assert_clean_error(error: BaseException) -> None:
    """Search what a log, a debugger, a worker process or a bug report shows of an error."""
    for link in _chain(error):
        assert_clean(f"{link} {link!r} {link.args!r} {vars(link)!r}", f"the text of {type(link).__name__}")
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert_clean("".join(told.format(chain=True)), "the traceback with locals")
    assert_clean(pickle.dumps(error), "the pickle")
    assert_clean(repr(copy.copy(error)), "a copy")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.fixture
def everything_logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Iterator[Callable[[], str]]:
    """Let all libraries log all they can; return a function that gives what was printed and logged."""
    from huggingface_hub.utils import logging as client_logging

    names = [
        "huggingface_hub",
        "datasets",
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
        "fsspec",
        "filelock",
        "emotalk_data",
    ]
    levels = {name: logging.getLogger(name).level for name in names}
    caplog.set_level(logging.DEBUG)
    client_logging.enable_propagation()
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)

    def read() -> str:
        printed = capfd.readouterr()
        return f"{printed.out}\n{printed.err}\n{caplog.text}"

    yield read
    client_logging.disable_propagation()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


class Watcher(threading.Thread):
    """Reads the command line and the environment of every process that this one starts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: dict[str, bytes] = {}
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(0.002):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
                    if int(parent) == os.getpid():
                        command = (process / "cmdline").read_bytes()
                        told = command + (process / "environ").read_bytes() + (process / "comm").read_bytes()
                        self.seen[f"{process.name} {command!r}"] = told
                except (OSError, ValueError, IndexError):
                    continue  # it has just ended

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.join()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_publish_that_succeeds_shows_the_token_nowhere(
    lab: OnHub,
    feature_set: Path,
    tmp_path: Path,
    everything_logged: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[int] = []

    def then_searched(
        repository: Repository, commit: str, configs: Sequence[StagedConfig], place: Path
    ) -> int:
        num_rows = reload.reload_rows(repository, commit, configs, place)
        searched.append(assert_clean_below(place.parent))  # all that is staged, and the process's own cache
        return num_rows

    monkeypatch.setattr(sending, "reload_rows", then_searched)
    with Watcher() as watcher:
        done = publish(feature_set, REPO, **ALLOWED)
    children = [command for command in watcher.seen if "reload_child.py" in command]
    assert children, "the process that reads was not seen"
    assert searched[0] > 20
    for command, told in watcher.seen.items():
        assert_clean(told, command)
    check_success(lab, done, tmp_path, everything_logged)


@pytest.mark.usefixtures("not_reloaded")
def test_a_publish_by_xet_that_succeeds_shows_the_token_nowhere(
    xet_lab: OnHub, feature_set: Path, tmp_path: Path, everything_logged: Callable[[], str]
) -> None:
    xet_lab.hub.faults.append(Fault(path="/commit/main$", status=412))  # one attempt in vain
    done = publish(feature_set, REPO, **ALLOWED)
    check_success(xet_lab, done, tmp_path, everything_logged)


def check_success(lab: OnHub, done: Published, tmp_path: Path, logged: Callable[[], str]) -> None:
    """Open it too, and search all that there is."""
    opened = make_public(REPO, **ALLOWED)
    printed = logged()
    assert "/api/repos/create" in printed  # the client's requests are in the log, so headers might have been
    assert_clean(printed, "what was printed and logged")
    for value in (done, opened):
        assert_clean(f"{value} {value!r} {value.to_dict()}", "the result")
        assert_clean(pickle.dumps(value.to_dict()), "the result")
    for path, content in lab.hub.repo(REPO).files().items():
        assert_clean(content, path)
    assert assert_clean_below(tmp_path) > 3
    assert_clean_below(lab.home)


SAID = f"whose token is {TOKEN}?".encode()
"""A server, or a proxy in between, that says a token back."""

FAULTS: dict[str, dict[str, Any]] = {
    "who it is": {"path": "/whoami-v2$", "status": 401, "headers": {"X-Error-Message": SAID.decode()}},
    "unavailable": {"path": "/repos/create$", "status": 500, "body": SAID},
    "forbidden": {"path": "/settings$", "status": 403, "headers": {"X-Error-Message": SAID.decode()}},
    "not let in": {"path": "/tree/", "status": 403, "headers": {"X-Error-Code": "GatedRepo"}},
    "bad request": {"path": "/preupload/", "status": 400, "body": SAID},
    "no answer of the Hub's": {"path": "/preupload/", "status": 200, "body": SAID},
    "a shard": {"path": "^/lfs/", "status": 403, "body": SAID},
    "cut": {"path": "^/lfs/", "cut_upload_after": 9},
    "overtaken": {"path": "/commit/", "status": 412, "headers": {"X-Error-Message": SAID.decode()}},
    "not there": {"path": "/commit/", "status": 404, "body": SAID},
    "no tag": {"path": "/tag/", "status": 500, "body": SAID},
}


@pytest.mark.usefixtures("not_reloaded", "no_waits")
@pytest.mark.parametrize("name", FAULTS)
def test_a_publish_that_fails_shows_the_token_nowhere(
    lab: OnHub, feature_set: Path, tmp_path: Path, everything_logged: Callable[[], str], name: str
) -> None:
    lab.hub.faults.append(Fault(**FAULTS[name], times=None))
    with pytest.raises(HubError) as raised:
        publish(feature_set, REPO, **ALLOWED)
    assert_clean_error(raised.value)
    assert_clean_below(tmp_path)
    assert_clean_below(lab.home)
    # What a server says back is logged by the client itself, and not ours to keep: nothing else may be there.
    if "body" not in FAULTS[name] and "X-Error-Message" not in FAULTS[name].get("headers", {}):
        assert_clean(everything_logged(), "what was printed and logged")


def test_a_token_that_is_passed_on_is_hidden_too(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.sign_in(None)
    lab.hub.faults.append(Fault(path="/commit/", status=403, times=None))
    with pytest.raises(HubError) as raised:
        publish(feature_set, REPO, token=TOKEN, **ALLOWED)
    assert_clean_error(raised.value)


def test_what_the_process_that_reads_says_of_the_token_is_left_out(
    lab: OnHub, feature_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child.py"
    child.write_text(
        "import sys\nsys.exit(f'cannot read with {sys.stdin.read()} in hand')\n", encoding="utf-8"
    )
    monkeypatch.setattr(reload, "_CHILD", child)
    with pytest.raises(PublishError, match="cannot read with <token> in hand") as raised:
        publish(feature_set, REPO, **ALLOWED)
    assert_clean_error(raised.value)


def test_ctrl_c_shows_no_token(lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import _commit_api

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_commit_api, "_send_commit", interrupted)
    with pytest.raises(KeyboardInterrupt) as raised:
        publish(feature_set, REPO, **ALLOWED)
    assert_clean_error(raised.value)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (f"{TOKEN} x", HubLoginError),
        (f"{TOKEN}\nX-Other: 1", HubLoginError),
        ([TOKEN], OptionError),
        (TOKEN.encode(), OptionError),
        ({"token": TOKEN}, OptionError),
    ],
    ids=["with a blank", "of two lines", "in a list", "in bytes", "in a dict"],
)
@pytest.mark.parametrize("verb", [publish, make_public])
def test_what_cannot_be_a_token_is_shown_nowhere(
    lab: OnHub, feature_set: Path, verb: Callable[..., object], token: Any, error: type[Exception]
) -> None:
    words = (feature_set, REPO) if verb is publish else (REPO,)
    caught: BaseException | None = None
    try:
        verb(*words, token=token)
    except error as problem:
        # Without the frame of this test, whose variables are its own.
        caught = problem.with_traceback(problem.__traceback__.tb_next if problem.__traceback__ else None)
    assert caught is not None
    assert caught.__traceback__ is not None
    assert_clean_error(caught)
    assert lab.hub.requests == []

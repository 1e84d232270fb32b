"""The token is nowhere: a canary goes through success and each failure, then everything is searched for it."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from emotalk_data.errors import EmotalkError
from emotalk_data.load import load_dataset
from emotalk_data.testing.hub_double import Fault
from tests.gated_release import CANARY, EXPIRED, REPO, STRANGER, Gated

Break = Callable[[Gated], None]


def _cut(gated: Gated) -> None:
    gated.hub.faults.append(Fault(path=r"/cdn/.*Audio\.tar", cut_after=1_000, times=None))


def _tell_it_back(gated: Gated) -> None:
    """A server that repeats what it was sent."""
    message = f"Bearer {CANARY} is not welcome"
    body = json.dumps({"error": message}).encode()
    gated.hub.faults.append(Fault(status=403, times=None, headers={"X-Error-Message": message}, body=body))


FAULTS: dict[str, tuple[str, Break]] = {
    "success": (CANARY, lambda _: None),
    "expired": (EXPIRED, lambda _: None),
    "not let in": (STRANGER, lambda _: None),
    "no repository": (CANARY, lambda gated: gated.hub.delete_repo(REPO)),
    "503": (CANARY, lambda gated: gated.hub.faults.append(Fault(status=503, times=None))),
    "cut": (CANARY, _cut),
    "told back": (CANARY, _tell_it_back),
    "not JSON": (
        CANARY,
        lambda gated: gated.hub.faults.append(Fault(path="/api/", status=200, body=b"<html>")),
    ),
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)


def _files_with(token: str, *folders: Path) -> list[Path]:
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if token in path.name or (path.is_file() and token.encode() in path.read_bytes())
    ]


@pytest.mark.parametrize("as_argument", [True, False], ids=["argument", "HF_TOKEN"])
@pytest.mark.parametrize("case", FAULTS)
def test_no_text_holds_the_token(
    gated: Gated,
    case: str,
    as_argument: bool,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token, damage = FAULTS[case]
    damage(gated)
    for name in (
        "",
        "huggingface_hub",
        "httpx2",
        "httpcore2",
        "httpx",
        "httpcore",
        "datasets",
        "emotalk_data",
    ):
        caplog.set_level(logging.DEBUG, logger=name)
    monkeypatch.setattr("huggingface_hub.constants.HF_DEBUG", True)
    monkeypatch.setattr(logging.getLogger("huggingface_hub"), "propagate", True)
    if not as_argument:
        gated.on_hub.sign_in(token)
    raised: EmotalkError | None = None
    try:
        if as_argument:
            load_dataset("emotalk", token=token, num_proc=2)
        else:
            load_dataset("emotalk", num_proc=2)
    except EmotalkError as error:
        raised = error
    assert (raised is None) == (case == "success")
    assert any(request.account in ("lab", "stranger", "old", "?") for request in gated.hub.requests)
    # What a server sends is in the HTTP library's own debug log before anybody of ours sees it.
    passed_over = "httpcore" if case == "told back" else "nobody"
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith(passed_over)]
    texts = [*logged, *capfd.readouterr()]
    assert "curl" in caplog.text  # the client's own debugging is on
    if raised is not None:
        texts += [str(raised), repr(raised), repr(raised.args), repr(vars(raised))]
        texts += [repr(pickle.dumps(raised)), repr(pickle.loads(pickle.dumps(raised)))]  # noqa: S301  # our own
        assert raised.__cause__ is None
        assert raised.__context__ is None
        # From the first frame that is ours on: this test has the token in its own variables.
        trace = raised.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        full = traceback.TracebackException(type(raised), raised, trace, capture_locals=True)
        texts.append("".join(full.format()))
        assert "emotalk_data/load.py" in texts[-1]
    assert [text for text in texts if token in text] == []
    assert _files_with(token, gated.on_hub.home) == []


@pytest.mark.parametrize("case", ["success", "not let in"])
def test_a_process_shows_no_token_while_it_runs(gated: Gated, case: str, tmp_path: Path) -> None:
    token, _ = FAULTS[case]
    gated.hub.faults.append(Fault(path="HEAD|resolve", hang_seconds=1, times=2))
    environment = {
        **gated.hub.environment(token, gated.on_hub.home),
        "HF_DEBUG": "1",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-X", "dev", "-m", "emotalk_data", "download", "emotalk"]
    titles: set[str] = set()
    with (tmp_path / "out").open("wb") as out:
        child = subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=tmp_path)
        while child.poll() is None:
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    titles.add(process.read_bytes().decode("utf-8", "replace"))
                except OSError:  # it has ended
                    continue
            time.sleep(0.05)
    assert child.returncode == (0 if case == "success" else 2)
    assert any("emotalk_data" in title for title in titles)
    said = (tmp_path / "out").read_text(encoding="utf-8")
    assert gated.commit in said or "was not let in" in said
    assert [text for text in (*titles, said) if token in text] == []
    assert _files_with(token, gated.on_hub.home, tmp_path) == []


def test_the_search_would_find_it(gated: Gated, caplog: pytest.LogCaptureFixture) -> None:
    """What is looked for can be found: the plain client, and this test's own frames, do hold it."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    gated.hub.faults.append(Fault(status=400, times=None))
    with pytest.raises(HfHubHTTPError) as error:
        HfApi(token=CANARY).repo_info(REPO, repo_type="dataset")
    told = "".join(traceback.TracebackException.from_exception(error.value, capture_locals=True).format())
    assert CANARY in told
    (gated.on_hub.home / "token").write_text(CANARY)
    assert _files_with(CANARY, gated.on_hub.home) == [gated.on_hub.home / "token"]


def test_the_token_goes_to_the_hub_and_nowhere_else(gated: Gated) -> None:
    gated.on_hub.sign_in(CANARY)
    load_dataset("emotalk", split="test")
    sent = [(request.path, request.account) for request in gated.hub.requests]
    assert {account for path, account in sent if path.startswith("/cdn/")} == {None}
    assert {account for path, account in sent if not path.startswith("/cdn/")} == {"lab"}

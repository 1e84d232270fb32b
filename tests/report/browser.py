"""A headless Chromium, driven over a pipe by the DevTools protocol: enough to look at a page as a reader does.

`--remote-debugging-pipe` makes Chromium read commands from descriptor 3 and write answers and events to 4, each a
JSON text that ends with a zero byte.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Page", "needs_chromium", "open_page"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE_SECONDS = 60.0
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # of its own accord it refuses to run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-pipe",
)


def _chromium() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


needs_chromium = pytest.mark.skipif(
    _chromium() is None and os.environ.get("FAIL_WITHOUT_CHROMIUM") != "1",
    reason="there is no Chromium here; FAIL_WITHOUT_CHROMIUM=1 makes this a failure",
)


class Page:
    """One page. Everything that it logs, raises or asks for from outside is kept."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.messages: list[dict[str, Any]] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its answer; events that come before it are taken in."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def open(self, path: Path) -> None:
        """Open a file and wait until all of it is there."""
        self.call("Page.navigate", url=path.as_uri())
        self.wait_until("document.readyState === 'complete'")

    def wait_until(self, condition: str) -> None:
        """Wait until a JavaScript condition holds."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self.evaluate(condition):
            assert time.monotonic() < deadline, f"in vain: {condition}"
            time.sleep(0.02)

    def show_as(self, width: int, height: int, *, scheme: str = "light") -> None:
        """Give the window a size, and the system a light or dark theme."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key: str, code: int) -> None:
        """Press and release a key, such as "Tab", 9."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text if kind == "keyDown" else "",
                      windowsVirtualKeyCode=code)  # fmt: skip

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Write the page as a PNG, all of it or what the window shows."""
        options: dict[str, Any] = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16_000), "scale": 1}
            options = {"captureBeyondViewport": True, "clip": clip}
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", **options)["data"]))

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], _PATIENCE_SECONDS)
            assert ready, "Chromium says nothing"
            part = os.read(self._answers, 1 << 20)
            assert part, "Chromium went away"
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._take_event(message.get("method", ""), message.get("params", {}))
        return message

    def _take_event(self, method: str, params: dict[str, Any]) -> None:
        if method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.messages.append({"method": method, **params})
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])


@contextmanager
def open_page(folder: Path) -> Iterator[Page]:
    """Start Chromium with a profile of its own in `folder`, yield a page, and end it.

    The process is a group of its own: what it started ends with it.
    """
    program = _chromium()
    assert program is not None, "no Chromium: " + ", ".join(_NAMES)
    from_us, to_us = os.pipe(), os.pipe()
    # Far from 3 and 4, where the child gets them.
    ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (from_us[0], to_us[1])]
    actions = [(os.POSIX_SPAWN_DUP2, ends[0], 3), (os.POSIX_SPAWN_DUP2, ends[1], 4)]
    arguments = [program, *_ARGUMENTS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    quiet = os.open(folder / "chromium.log", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    actions += [(os.POSIX_SPAWN_DUP2, quiet, 1), (os.POSIX_SPAWN_DUP2, quiet, 2)]
    environment = {**os.environ, "HOME": str(folder)}
    process = os.posix_spawn(program, arguments, environment, file_actions=actions, setpgroup=0)
    for fd in (*ends, from_us[0], to_us[1], quiet):
        os.close(fd)
    try:
        yield Page(from_us[1], to_us[0])
    finally:
        os.close(from_us[1])
        os.close(to_us[0])
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)

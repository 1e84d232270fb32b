"""`git clone` that asks nobody, runs nothing of anybody's, and does not wait for ever."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from emotalk_data.errors import HubUnreachableError, MissingDependencyError, OptionError, quote

__all__ = ["check_url", "clone", "without_password"]

SILENCE_SECONDS = 120.0
"""How long git may show no progress."""

_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=false",  # a link in the clone could lead anywhere; as a file it is a line of text
    "credential.helper=",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
)
_ELSEWHERE: Final = frozenset(
    f"GIT_{name}"
    for name in (
        "DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES", "NAMESPACE",
        "TEMPLATE_DIR", "COMMON_DIR", "CEILING_DIRECTORIES",
    )
)  # fmt: skip
_PASSWORD: Final = re.compile(r"(?<=://)[^/\s]+@")
_LOGIN: Final = re.compile(r"(?i)https?://[^/\s]*@|[a-z0-9+.-]+://[^/\s]*:[^/\s]*@")
_SAID: Final = 4_000


def clone(url: str, folder: Path, *, revision: str | None = None) -> str:
    """Clone the newest commit of a repository into a folder that is not there yet; return the commit.

    Args:
        url: where from; may name a mirror.
        folder: the folder to make. What is in it after an error is the caller's to remove.
        revision: a branch or tag; the default branch if omitted.

    Raises:
        MissingDependencyError: git is not installed.
        HubUnreachableError: git failed, or was silent for too long; says what git said.
        OptionError: a URL or a revision that git would take for an option; a URL with a password or token.
    """
    check_url(url)
    for name, value in (("url", url), ("revision", revision or "main")):
        if value.startswith("-") or not value.isprintable() or not value.strip():
            raise OptionError(f"{name} is {quote(value)}; expected a name, not an option of git.")
    words = ["clone", "--progress", "--depth", "1", "--single-branch", "--no-tags", "--template="]
    words += ["--no-recurse-submodules"]
    words += [] if revision is None else ["--branch", revision]
    _git([*words, "--", url, str(folder)], f"clone {without_password(url)}")
    return _git(["-C", str(folder), "rev-parse", "HEAD"], "read the commit of the clone").strip()


def check_url(url: str) -> None:
    """Refuse a password or token in a URL: each process could read it, and git keeps it in the clone.

    Raises:
        OptionError: says how else to sign in.
    """
    if _LOGIN.match(url.strip()):
        raise OptionError(
            f"url names a user or a password, for {quote(without_password(url), 120)}; expected none. Everybody "
            f"on this machine could read it. Use an ssh URL and a key, or a line in ~/.netrc; or clone it "
            f"yourself, with git's credential helper, and give data_dir=DIR."
        )


def without_password(url: str) -> str:
    """Return a URL without the name and password in it."""
    return _PASSWORD.sub("", url)


def _git(words: list[str], what: str) -> str:
    """Run git to its end and return what it printed."""
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    try:
        process = subprocess.Popen(  # noqa: S603  # no shell, and `--` stands before what a user gave
            ["git", *settings, *words],  # noqa: S607  # the user's git, wherever it is
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # no terminal to ask at, and one signal ends all of git's children
        )
    except FileNotFoundError:
        process = None
    if process is None:
        raise MissingDependencyError(
            f"git is needed to {what}, and is not installed. Install it; or fetch the repository as an archive "
            f"with a browser, unpack it, and give its folder as data_dir."
        )
    try:
        out, said, is_silent = _read(process)
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if is_silent:
        raise HubUnreachableError(
            f"cannot {what}: git showed no progress for {SILENCE_SECONDS:.0f} s and was stopped. Try again."
        )
    if process.returncode != 0:
        last = [line.strip() for line in re.split(r"[\r\n]+", without_password(said)) if line.strip()][-3:]
        raise HubUnreachableError(f"cannot {what}: git says {quote(' '.join(last), 240)}.")
    return out


def _environment() -> dict[str, str]:
    """Return the user's environment, proxies and certificates included, without what leads git elsewhere."""
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    return {
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20",
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
        "LC_ALL": "C",
    }


def _read(process: subprocess.Popen[bytes]) -> tuple[str, str, bool]:
    """Return what git printed, what it said, and whether it fell silent."""
    texts: dict[IO[bytes], bytearray] = {}
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                texts[stream] = bytearray()
                selector.register(stream, selectors.EVENT_READ)
        heard = time.monotonic()
        while selector.get_map():
            ready = selector.select(timeout=1.0)
            if ready:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE_SECONDS:
                return "", "", True
            for key, _ in ready:
                stream = key.fileobj  # type: ignore[assignment]  # what was registered
                data = os.read(key.fd, 65_536)
                if not data:
                    selector.unregister(key.fileobj)
                assert stream is not None  # noqa: S101  # of the loop above
                texts[stream] += data
                del texts[stream][:-_SAID]
    out, said = (bytes(text).decode("utf-8", "replace") for text in texts.values())
    process.wait()
    return out, said, False

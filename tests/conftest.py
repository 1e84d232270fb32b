"""Fixtures that tests of several rooms share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import hypothesis
import pytest

# How long an example takes says nothing about right or wrong, and a busy machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

_NOBODY = 65_534


@contextmanager
def _without_privileges() -> Iterator[None]:
    """Give up root for a while, where the tests run as root: root may read and write everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def without_privileges() -> Callable[[], AbstractContextManager[None]]:
    """Return a context in which file permissions count. Import what it needs before: packages may be private."""
    return _without_privileges


@pytest.fixture
def public_path() -> Iterator[Path]:
    """Return a folder that every user may enter and read; `tmp_path` is its owner's alone."""
    path = Path(tempfile.mkdtemp(prefix="emotalk-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def open_files(tmp_path: Path) -> Callable[[], list[str]]:
    """Return a function that lists which files below `tmp_path` this process has open, once per descriptor.

    A count of all descriptors would tell of other tests: the threads that feed their queues close some later.
    """
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("what a process has open is read from /proc")

    def names() -> list[str]:
        found = []
        for descriptor in descriptors.iterdir():
            with suppress(OSError):  # closed meanwhile: the one that lists them, or another thread's
                found.append(os.readlink(descriptor))
        return sorted(name for name in found if name.startswith(f"{tmp_path.resolve()}/"))

    return names

"""Fixtures that tests of several rooms share."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import hypothesis
import pytest

from tests.hub_double_fixtures import hub, on_hub, on_xet_hub, xet_hub  # noqa: F401  # fixtures of every room

# How long an example takes says nothing about right or wrong, and a busy machine is no failure.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
# In CI the examples are the same each time, as hypothesis itself has it there: a change is judged by what it
# changes. Elsewhere they are new each time, and find what nobody thought of.
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "patient")

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
def open_files() -> Callable[[], list[str]]:
    """Return a function that lists what this process has opened since the test began, once per descriptor.

    A count would tell of other tests too: the threads that feed their queues close some descriptors later.
    """
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("what a process has open is read from /proc")

    def names() -> Counter[str]:
        found: Counter[str] = Counter()
        for descriptor in descriptors.iterdir():
            with suppress(OSError):  # closed meanwhile: the one that lists them, or another thread's
                found[os.readlink(descriptor)] += 1
        return found

    before = names()
    return lambda: sorted((names() - before).elements())


@pytest.fixture
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new folder where datasets keeps what it maps."""
    import datasets

    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    return cache


@pytest.fixture(autouse=True)
def _loud_again() -> Iterator[None]:
    """Undo what the command's verbs quieten for the life of a process: other tests run in this one."""
    yield
    # Not what it was before the test: a verb may have run in a fixture of the whole module.
    logging.getLogger("emotalk_data").setLevel(logging.NOTSET)
    if "datasets" in sys.modules:
        sys.modules["datasets"].enable_progress_bars()

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emotalk_data.testing import EmotalkSample, M3edSample, make_emotalk, make_m3ed


@pytest.fixture(scope="session")
def emotalk(tmp_path_factory: pytest.TempPathFactory) -> EmotalkSample:
    """A whole sample, media and oddities included."""
    return make_emotalk(tmp_path_factory.mktemp("emotalk"))


@pytest.fixture(scope="session")
def m3ed(tmp_path_factory: pytest.TempPathFactory) -> M3edSample:
    return make_m3ed(tmp_path_factory.mktemp("m3ed"))


def tree_bytes(root: Path, suffixes: tuple[str, ...] | None = None) -> dict[str, bytes]:
    """Return relative path to content of every file below `root`."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and (suffixes is None or path.suffix in suffixes)
    }


@pytest.fixture(scope="session")
def read_tree() -> Callable[..., dict[str, bytes]]:
    return tree_bytes

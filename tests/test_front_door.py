"""`import emotalk_data` is light, and everything it promises is there."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest

import emotalk_data

HEAVY = {"torch", "datasets", "pandas", "av", "pyarrow", "numpy", "pydantic", "soundfile", "soxr", "fsspec"}


def _loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that are loaded once a fresh process has run a statement."""
    names = "sorted({name.partition('.')[0] for name in sys.modules})"
    code = f"{statement}\nimport json, sys\nprint(json.dumps({names}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(out.stdout))


@pytest.mark.parametrize(
    "statement",
    ["import emotalk_data", "import emotalk_data.load", "import emotalk_data; dir(emotalk_data)"],
)
def test_the_import_loads_nothing_heavy(statement: str) -> None:
    assert _loaded_by(statement) & HEAVY == set()


def test_validation_needs_neither_datasets_nor_pyarrow() -> None:
    assert (
        _loaded_by("from emotalk_data import validate") & {"torch", "datasets", "pandas", "pyarrow"} == set()
    )


def test_the_version_is_that_of_the_installed_package() -> None:
    assert emotalk_data.__version__ == version("emotalk-data")


def test_a_star_import_gives_the_names() -> None:
    space: dict[str, Any] = {}
    exec("from emotalk_data import *", space)  # noqa: S102
    assert {"load_dataset", "validate", "Audio"} <= space.keys()

"""`import emotalk_data` is light, and everything it promises is there."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
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


def _typed_imports() -> dict[str, str]:
    """Return name -> module of the imports that type checkers see."""
    tree = ast.parse(Path(str(emotalk_data.__file__)).read_text(encoding="utf-8"))
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    return {
        alias.asname or alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize(
    "statement",
    ["import emotalk_data", "import emotalk_data.load", "import emotalk_data, sys; dir(emotalk_data)"],
)
def test_the_import_loads_nothing_heavy(statement: str) -> None:
    assert _loaded_by(statement) & HEAVY == set()


def test_validation_needs_neither_datasets_nor_pyarrow() -> None:
    assert (
        _loaded_by("from emotalk_data import validate") & {"torch", "datasets", "pandas", "pyarrow"} == set()
    )


@pytest.mark.parametrize("name", emotalk_data.__all__)
def test_every_name_of_the_front_door_is_there(name: str) -> None:
    value = getattr(emotalk_data, name)
    assert value is not None
    if name != "__version__":
        assert value is getattr(importlib.import_module(_typed_imports()[name]), name)


def test_type_checkers_see_the_names_that_are_resolved_on_first_use() -> None:
    homes: dict[str, Any] = emotalk_data._HOMES
    assert _typed_imports() == homes
    assert sorted([*homes, "__version__"]) == emotalk_data.__all__


def test_all_is_sorted_and_each_home_lists_the_name() -> None:
    assert sorted(emotalk_data.__all__) == emotalk_data.__all__
    for name, home in _typed_imports().items():
        assert name in importlib.import_module(home).__all__


def test_dir_lists_every_name_also_before_its_first_use() -> None:
    code = "import emotalk_data\nprint(set(emotalk_data.__all__) <= set(dir(emotalk_data)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout == "True\n"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'emotalk_data' has no attribute 'load_datasets'"):
        _ = emotalk_data.load_datasets
    with pytest.raises(ImportError, match=r"cannot import name 'load_datasets'"):
        from emotalk_data import load_datasets  # noqa: F401


def test_the_version_is_that_of_the_installed_package() -> None:
    assert emotalk_data.__version__ == version("emotalk-data")


def test_a_star_import_gives_the_names() -> None:
    space: dict[str, Any] = {}
    exec("from emotalk_data import *", space)  # noqa: S102
    assert {"load_dataset", "validate", "Audio"} <= space.keys()

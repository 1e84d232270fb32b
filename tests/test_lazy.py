"""Packages whose names are resolved on first use: every name is there, is no module, and costs nothing before."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType

import pytest

PACKAGES = [
    "emotalk_data",
    "emotalk_data.cache",
    "emotalk_data.features",
    "emotalk_data.hub.building",
    "emotalk_data.media",
    "emotalk_data.report",
    "emotalk_data.testing",
    "emotalk_data.torch",
    "emotalk_data.views",
]
HEAVY = {"av", "datasets", "jinja2", "numpy", "pyarrow", "pydantic", "sklearn", "soundfile", "torch"}

of_each = pytest.mark.parametrize("package", PACKAGES)


def _homes(package: ModuleType) -> dict[str, str]:
    homes: dict[str, str] = package._MODULES
    return {name: resolve_name(home, package.__name__) for name, home in homes.items()}


def _typed_imports(package: ModuleType) -> dict[str, str]:
    """Return name -> module of the imports that type checkers see."""
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    blocks = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    return {
        alias.asname or alias.name: str(node.module)
        for block in blocks
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_no_lazy_package_is_left_out() -> None:
    root = Path(str(importlib.import_module("emotalk_data").__file__)).parent
    found = [
        ".".join(path.parent.relative_to(root.parent).parts)
        for path in root.rglob("__init__.py")
        if "lazy_names(" in path.read_text(encoding="utf-8")
    ]
    assert sorted(found) == PACKAGES


@of_each
def test_every_name_is_what_its_home_defines(package: str) -> None:
    module = importlib.import_module(package)
    for name, home in _homes(module).items():
        value = getattr(module, name)
        assert value is getattr(importlib.import_module(home), name), name
        assert name in importlib.import_module(home).__all__
        assert vars(module)[name] is value  # found at once the second time


@of_each
def test_type_checkers_see_the_names_that_are_resolved_on_first_use(package: str) -> None:
    module = importlib.import_module(package)
    assert _typed_imports(module) == _homes(module)
    assert sorted(_homes(module)) == sorted(module.__all__)


@of_each
def test_no_module_bears_the_name_of_a_function(package: str) -> None:
    """Importing a module sets it as an attribute of its package: it would hide the function of the same name."""
    module = importlib.import_module(package)
    assert not {found.name for found in pkgutil.iter_modules(module.__path__)} & set(module.__all__)
    assert not [name for name in module.__all__ if isinstance(getattr(module, name), ModuleType)]


@of_each
def test_an_unknown_name_is_an_attribute_error(package: str) -> None:
    module = importlib.import_module(package)
    with pytest.raises(AttributeError, match=rf"^module '{package}' has no attribute 'label_veiw'$"):
        module.label_veiw  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'label_veiw'"):
        exec(f"from {package} import label_veiw")  # noqa: S102


@of_each
def test_names_are_listed_and_nothing_heavy_is_loaded_before_their_first_use(package: str) -> None:
    code = (
        f"import json, sys, {package} as package; print(json.dumps([dir(package), "
        "sorted({name.partition('.')[0] for name in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    listed, loaded = json.loads(done.stdout)
    assert set(importlib.import_module(package).__all__) <= set(listed)
    assert HEAVY.isdisjoint(loaded)

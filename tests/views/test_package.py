"""The front of the room: every name is there, is no module, and costs nothing until it is used."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from emotalk_data import views

_HOMES: dict[str, Any] = views._MODULES


@pytest.mark.parametrize("name", views.__all__)
def test_every_name_is_what_its_home_defines(name: str) -> None:
    value = getattr(views, name)
    assert value is getattr(importlib.import_module(_HOMES[name]), name)
    assert name in importlib.import_module(_HOMES[name]).__all__
    assert getattr(value, "__module__", _HOMES[name]) == _HOMES[name]


def test_the_list_of_names_is_that_of_the_homes() -> None:
    assert sorted(views.__all__) == sorted(_HOMES)
    assert set(views.__all__) <= set(dir(views))


def test_no_module_bears_the_name_of_a_function() -> None:
    """Importing a module sets it as an attribute of its package: it would hide the function of the same name."""
    modules = {module.name for module in pkgutil.iter_modules(views.__path__)}
    assert not modules & set(views.__all__)
    for module in modules:
        importlib.import_module(f"emotalk_data.views.{module}")
    assert not [name for name in views.__all__ if isinstance(getattr(views, name), ModuleType)]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'label_veiw'"):
        _ = views.label_veiw


def test_importing_the_room_loads_nothing_heavy() -> None:
    heavy = {"numpy", "pyarrow", "datasets", "sklearn"}
    code = f"import sys, emotalk_data.views; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"

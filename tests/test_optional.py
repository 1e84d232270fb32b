from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emotalk_data._optional import installed_version, is_usable, require
from emotalk_data.errors import MissingDependencyError


@pytest.fixture
def module_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], str]]:
    """Writes a module that can be imported during the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    written: list[str] = []

    def write(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_a_module_that_is_there_is_returned() -> None:
    assert require("json", extra="torch", purpose="read JSON") is json
    assert require("json.decoder", extra="torch", purpose="read JSON") is json.decoder
    assert is_usable("json")


def test_an_absent_module_names_the_extra_that_brings_it() -> None:
    with pytest.raises(
        MissingDependencyError,
        match=r'^no_such_module_here is needed to fly and is not installed.*"emotalk-data\[wings\]"$',
    ) as caught:
        require("no_such_module_here", extra="wings", purpose="fly")
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301  # our own bytes
    assert not is_usable("no_such_module_here")


@pytest.mark.parametrize(
    "source",
    [
        "import no_such_module_below",  # one of its own needs is absent
        "raise ImportError('libavutil.so.58: cannot open shared object file')",
        "raise OSError('libcudart is missing')",
        "raise RuntimeError('built for another version')",
        "1 / 0",
        "this is no Python",
    ],
)
def test_a_module_that_fails_while_it_is_imported_is_installed_but_broken(
    module_file: Callable[[str, str], str], source: str
) -> None:
    name = module_file("broken_module_here", source)
    with pytest.raises(
        MissingDependencyError, match=r"needed to fly; it is installed but fails to import: .+ Reinstall it"
    ) as caught:
        require(name, extra="wings", purpose="fly")
    assert caught.value.__cause__ is not None
    assert not is_usable(name)


def test_an_interrupt_during_the_import_is_not_taken_for_a_broken_module(
    module_file: Callable[[str, str], str],
) -> None:
    name = module_file("interrupted_module_here", "raise KeyboardInterrupt('stop')")
    with pytest.raises(KeyboardInterrupt, match="stop"):
        require(name, extra="wings", purpose="fly")
    with pytest.raises(KeyboardInterrupt, match="stop"):
        is_usable(name)


def test_the_version_of_a_package_is_told_and_none_where_it_is_absent() -> None:
    assert installed_version("pytest") == pytest.__version__
    assert installed_version("no-package-of-this-name") is None

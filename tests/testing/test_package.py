from __future__ import annotations

import subprocess
import sys

import pytest

import emotalk_data.testing as room


def test_every_public_name_resolves_and_is_listed() -> None:
    for name in room.__all__:
        assert getattr(room, name).__name__ == name
        assert name in dir(room)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'make_iemocap'"):
        room.make_iemocap  # noqa: B018


def test_importing_the_makers_loads_no_heavy_package() -> None:
    code = (
        "import sys; from emotalk_data.testing import make_emotalk, make_m3ed, make_fullsize_emotalk; "
        "print([name for name in ('numpy', 'av', 'soundfile', 'datasets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

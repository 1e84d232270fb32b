from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from emotalk_data._whole_file import LEFT_OVER, whole_file


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with whole_file(path) as file:
        file.write(b"new")
        assert not path.exists()
        assert len(list(tmp_path.glob(LEFT_OVER))) == 1
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["x.json"]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"old")

    def write_half() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x.json"]


def test_what_the_system_refuses_is_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "absent" / "x.json"):
        pass
    (tmp_path / "folder" / "x").mkdir(parents=True)
    with pytest.raises(IsADirectoryError), whole_file(tmp_path / "folder" / "x") as file:
        file.write(b"new")
    assert os.listdir(tmp_path / "folder") == ["x"]


def test_a_killed_process_leaves_the_old_file_and_a_name_that_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"old")
    code = (
        "import os, signal, sys\n"
        "from emotalk_data._whole_file import whole_file\n"
        "with whole_file(sys.argv[1]) as file:\n"
        "    file.write(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.glob(LEFT_OVER))) == 1

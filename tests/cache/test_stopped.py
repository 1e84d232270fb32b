"""Copies that are stopped or harmed: begun again they are whole, and no process and no half file is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import datasets
import numpy as np
import pytest
import soundfile

import emotalk_data
from emotalk_data.builder.copy_manifest import read_manifest
from emotalk_data.cache import materialise
from emotalk_data.errors import OptionError

from .conftest import PACKAGE_ROOT, content, sounds

# A process of its own that stops where it is told and says so; the copy is that of `small_source`.
WRITE = """
import sys, time
import datasets
from emotalk_data.cache import folder, materialise, shard
datasets.disable_progress_bars()
source, out, moment, num_proc = sys.argv[1:]

def stop(*args, **options):
    print("stopped", flush=True)
    time.sleep(600)

add, groups = folder.CopyFolder.add, shard._groups
def add_or_stop(self, made):
    if moment == "before the manifest" and made.file.startswith("train-00002"):
        stop()
    add(self, made)
def groups_or_stop(rows, job, maker):
    yield from groups(rows, job, maker)
    if moment == "inside of a shard" and job.start == 4:
        stop()
folder.CopyFolder.add, shard._groups = add_or_stop, groups_or_stop
print("begun", flush=True)
materialise(datasets.load_from_disk(source), out, rows_per_shard=2, num_proc=int(num_proc))
"""


@pytest.fixture
def small_source(tmp_path: Path) -> Path:
    sounds(tmp_path / "wavs").save_to_disk(tmp_path / "table", num_proc=None)
    return tmp_path / "table"


def opened(source: Path) -> datasets.Dataset:
    return emotalk_data.cast_media(datasets.load_from_disk(str(source)))


def start(source: Path, out: Path, moment: str, num_proc: int = 1) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, str(source), str(out), moment, str(num_proc)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize(("moment", "num_kept"), [("before the manifest", 3), ("inside of a shard", 2)])
def test_a_killed_copy_goes_on_without_loss_or_repetition(
    small_source: Path, tmp_path: Path, moment: str, num_kept: int
) -> None:
    out = tmp_path / "copy"
    with start(small_source, out, moment) as process:
        assert (line(process), line(process)) == ("begun", "stopped")
        process.send_signal(signal.SIGKILL)
    names = [path.name for path in (out / "data").iterdir()]
    kept = {path: path.stat().st_ino for path in (out / "data").glob("*.parquet")}
    assert len(kept) == num_kept
    assert len(names) - num_kept == (moment == "inside of a shard")
    assert not read_manifest(out).is_complete
    source = opened(small_source)
    again = materialise(source, out, rows_per_shard=2)
    assert again.num_rows == 12 - 2 * num_kept
    assert {path: path.stat().st_ino for path in kept} == kept
    materialise(source, tmp_path / "whole", rows_per_shard=2)
    assert content(out) == content(tmp_path / "whole")


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_writing(pid: int) -> bool:
    """Say whether a process has a shard open that it has not finished."""
    with contextlib.suppress(FileNotFoundError):  # it ended, or closed the file, while we looked
        return any(os.readlink(link).endswith(".writing") for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc to find processes")
@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_is_left_when_several_are_stopped(small_source: Path, tmp_path: Path, how: int) -> None:
    out = tmp_path / "copy"
    with start(small_source, out, "nowhere", num_proc=2) as process:
        assert line(process) == "begun"
        deadline = time.monotonic() + 180
        children: list[int] = []
        while len(children) < 2 and process.poll() is None and time.monotonic() < deadline:
            children = children_of(process.pid)
        assert len(children) == 2
        process.send_signal(how)
    while any(map(is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(is_alive, children))
    source = opened(small_source)
    materialise(source, out, rows_per_shard=2)
    materialise(source, tmp_path / "whole", rows_per_shard=2)
    assert content(out) == content(tmp_path / "whole")


def test_two_processes_do_not_write_the_same_copy(small_source: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    with start(small_source, out, "inside of a shard") as process:
        assert (line(process), line(process)) == ("begun", "stopped")
        with pytest.raises(OptionError, match="another process writes to"):
            materialise(opened(small_source), out, rows_per_shard=2)
        process.kill()


@pytest.mark.parametrize("harm", ["removed", "cut", "of another copy"])
def test_a_shard_that_is_gone_or_damaged_is_made_again(tmp_path: Path, harm: str) -> None:
    source = sounds(tmp_path / "wavs")
    materialise(source, tmp_path / "copy", rows_per_shard=5)
    before = content(tmp_path / "copy")
    shard = tmp_path / "copy" / "data" / "train-00001-of-00003.parquet"
    if harm == "removed":
        shard.unlink()
    elif harm == "cut":
        shard.write_bytes(shard.read_bytes()[:-100])
    else:
        materialise(source, tmp_path / "other", rows_per_shard=5, sampling_rate=8_000)
        shutil.copy(tmp_path / "other" / "data" / shard.name, shard)
    assert materialise(source, tmp_path / "copy", rows_per_shard=5).num_rows == 5
    assert content(tmp_path / "copy") == before


@pytest.mark.slow
def test_a_disk_that_takes_no_more_is_a_typed_error_and_leaves_no_half_file(
    small_source: Path, tmp_path: Path
) -> None:
    code = (
        "import resource, sys; import datasets; from emotalk_data.cache import materialise\n"
        "from emotalk_data.errors import CacheWriteError\n"
        "datasets.disable_progress_bars()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))\n"
        "try:\n    materialise(datasets.load_from_disk(sys.argv[1]), sys.argv[2], num_proc=int(sys.argv[3]))\n"
        "except CacheWriteError as error:\n    print(error)\n"
    )
    for num_proc in ("1", "2"):
        out = tmp_path / f"copy{num_proc}"
        done = subprocess.run(
            [sys.executable, "-c", code, str(small_source), str(out), num_proc],
            env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "cannot write" in done.stdout, done.stderr
        assert "goes on" in done.stdout
        assert list((out / "data").iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc to find processes")
@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle_of_a_shard_is_a_typed_error(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs", audio=[str(tmp_path / "wavs" / "long.wav")] * 12)
    soundfile.write(tmp_path / "wavs" / "long.wav", np.zeros(44_100 * 60), 44_100)
    source.save_to_disk(tmp_path / "table")
    code = (
        "import sys; import datasets; from emotalk_data.cache import materialise\n"
        "from emotalk_data.errors import CacheWriteError\n"
        "datasets.disable_progress_bars()\n"
        "try:\n    materialise(datasets.load_from_disk(sys.argv[1]), sys.argv[2], num_proc=2, rows_per_shard=6)\n"
        "except CacheWriteError as error:\n    print(error)\n"
    )
    out = tmp_path / "copy"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "table"), str(out)],
        env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 180
        while not (writers := [child for child in children_of(process.pid) if is_writing(child)]):
            assert process.poll() is None
            assert time.monotonic() < deadline
        os.kill(writers[0], signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=180)
    assert "ended by signal 9; memory may have run out. Use fewer processes" in stdout, stderr
    assert (process.returncode, stderr) == (0, "")
    assert not list(out.glob("data/.*"))
    assert materialise(opened(tmp_path / "table"), out, rows_per_shard=6).num_rows >= 6
    assert read_manifest(out).is_complete

"""Several processes: they import what this one does, and whatever happens to one of them is an error here."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.builder.shard_plan import Job
from emotalk_data.cache import workers
from emotalk_data.cache.worker import _packed
from emotalk_data.errors import AudioError, CacheWriteError

from .conftest import PACKAGE_ROOT, sounds

JOBS = [Job("train", "one", 0, 1), Job("train", "other", 1, 2)]


def ignore(_: object) -> None:
    pass


def write(task: Any) -> None:
    workers.write_shards(task, JOBS, 2, ignore, ignore)


@pytest.mark.slow
@pytest.mark.parametrize("module", ["types.py", "datasets/__init__.py"])
def test_processes_import_nothing_that_lies_in_the_current_folder(tmp_path: Path, module: str) -> None:
    sounds(tmp_path / "wavs").save_to_disk(tmp_path / "table")
    folder = tmp_path / "project"
    (folder / module).parent.mkdir(parents=True)
    (folder / module).write_text("raise RuntimeError('the wrong module')")
    (tmp_path / "script.py").write_text(
        "import sys; import datasets; from emotalk_data.cache import materialise\n"
        "datasets.disable_progress_bars()\n"
        "copied = materialise(datasets.load_from_disk(sys.argv[1]), 'copy', num_proc=2, rows_per_shard=6)\n"
        "print(copied.num_rows)\n"
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "table")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("12\n", "")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            "import os; os.write(1, b'cno_such_module\\nX\\n.'); import time; time.sleep(60)",
            "cannot be read: Mod",
        ),
        ("import sys; sys.exit(3)", r"ended with exit code 3\. What is finished"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", r"ended by signal 15\. What is finished"),
    ],
)
def test_an_end_or_an_answer_that_nobody_expects_is_a_typed_error(
    monkeypatch: pytest.MonkeyPatch, program: str, message: str
) -> None:
    monkeypatch.setattr(workers, "_PROGRAM", program)
    with pytest.raises(CacheWriteError, match=message):
        write(b"")


def test_when_one_cannot_be_started_the_others_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    start = subprocess.Popen
    started: list[Any] = []

    def start_one(*args: Any, **options: Any) -> Any:
        if started:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        started.append(start(*args, **options))
        return started[0]

    monkeypatch.setattr(workers, "_PROGRAM", "import time; time.sleep(60)")
    monkeypatch.setattr(subprocess, "Popen", start_one)
    with pytest.raises(CacheWriteError, match=r"cannot start 2 processes: .*temporarily unavailable"):
        write(b"")
    assert started[0].poll() is not None
    assert started[0].stdin.closed
    assert started[0].stdout.closed


class OddError(Exception):
    """Can be pickled, and not be read again, as those of some libraries."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} {other}")


@pytest.mark.parametrize("answer", [OddError(1, 2), ValueError(lambda: 0)])
def test_an_error_that_cannot_travel_becomes_one_that_can(answer: Exception) -> None:
    got = pickle.loads(_packed(answer))  # noqa: S301
    assert type(got) is CacheWriteError
    assert type(answer).__name__ in str(got)


def test_an_error_that_can_travel_does(tmp_path: Path) -> None:
    got = pickle.loads(_packed(AudioError("cut", path=str(tmp_path))))  # noqa: S301
    assert (type(got), str(got), got.path) == (AudioError, "cut", str(tmp_path))

"""Runs that are killed, stopped, shared or starved: begun again they are whole, and nothing is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import datasets
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.features import FeatureSet
from emotalk_data.features.running.interrupts import first_interrupt_asks

from .hooks import PATIENCE_SECONDS, content, table
from .stoppable import run

PROGRAM = Path(__file__).with_name("stoppable.py")
NUM_ROWS = 60
NO_RANKS = {
    name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "RANK", "WORLD"))
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows") / "table"
    texts = ["x" * (1 + number * 7 % 13) for number in range(NUM_ROWS)]
    parts = datasets.DatasetDict(
        {"train": table(NUM_ROWS, text=texts), "test": table(5, utterance_id=[f"t{n}" for n in range(5)])}
    )
    parts.save_to_disk(folder)
    return folder


@pytest.fixture(scope="module")
def unbroken(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sets") / "set"
    go_on(stored, out)
    return out


def go_on(stored: Path, out: Path) -> None:
    """Run in this process, until all is there."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        run(str(stored), str(out), nowhere, 0)
    finally:
        os.close(nowhere)


def start(kind: str, stored: Path, out: Path, *arguments: str, **environ: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), kind, str(stored), str(out), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**NO_RANKS, "OMP_NUM_THREADS": "1", **environ},
    )


def begun(process: subprocess.Popen[bytes], num_batches: int = 1) -> None:
    assert process.stdout is not None
    assert process.stdout.read(num_batches) == b"x" * num_batches


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks a process that has threads of Arrow")
def test_runs_that_are_killed_at_random_moments_end_in_the_same_bytes(
    stored: Path, unbroken: Path, tmp_path: Path
) -> None:
    kills, seed = 0, 0
    while kills < 30:
        out = tmp_path / str(seed)
        with start("killed", stored, out, str(seed)) as process:
            answer, problems = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, problems.decode()
        kills += int(answer.splitlines()[-1])
        assert content(out) == content(unbroken)  # shards and summary, and nothing beside them
        made = FeatureSet.open(out)
        expected = [f"u{number:03d}" for number in range(NUM_ROWS)] + [f"t{number}" for number in range(5)]
        assert list(made.store.ids()) == expected
        assert made.counts.made == NUM_ROWS + 5
        seed += 1


@pytest.mark.parametrize("names", [("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")])
def test_two_processes_that_share_the_work_make_the_same_set(
    stored: Path, unbroken: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    out = tmp_path / "set"
    processes = [
        start("run", stored, out, "0.002", **{names[0]: str(number), names[1]: "2"}) for number in range(2)
    ]
    told = []
    for process in processes:
        with process:
            told.append(process.communicate(timeout=PATIENCE_SECONDS)[1].decode())
            assert process.returncode == 0, told[-1]
    assert content(out) == content(unbroken)
    # Whoever ended first said that the others' part was missing, unless both ended at once.
    assert all("the others make the rest" in text for text in told if text)


def test_a_process_that_shares_the_work_leaves_the_others_part_to_them(
    stored: Path, unbroken: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    environ = {"RANK": "1", "WORLD_SIZE": "2"}
    (out / "data").mkdir(parents=True)
    half_written = out / "data" / ".train-00000-of-00020.parquet.0123abcd.writing"  # another's
    half_written.write_bytes(b"PAR1")
    with start("run", stored, out, "0", **environ) as process:
        told = process.communicate(timeout=PATIENCE_SECONDS)[1].decode()
        assert process.returncode == 0, told
    assert "process 1 of 2 is done; 32 of 65 utterances are there, the others make the rest" in told
    assert half_written.exists()
    made = content(out)
    whole = content(unbroken)
    mine = {name for name in whole if name.startswith("data/")} & set(made)
    assert len(mine) == 11
    assert all(made[name] == whole[name] for name in mine)
    go_on(stored, out)
    assert content(out) == whole


def test_the_first_interrupt_lets_the_shard_be_finished(stored: Path, unbroken: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    with start("run", stored, out, "0.1") as process:
        begun(process, 4)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=PATIENCE_SECONDS)[1].decode()
        assert process.returncode in (1, -signal.SIGINT, 130)
    assert "Stopping when this shard is written. Ctrl-C again stops at once" in told
    assert "KeyboardInterrupt: stopped: " in told
    assert "The same call goes on" in told
    kept = {name: digest for name, digest in content(out).items() if name.startswith("data/")}
    assert 1 <= len(kept) < 22
    assert kept.items() <= content(unbroken).items()
    go_on(stored, out)
    assert content(out) == content(unbroken)


def test_the_second_interrupt_stops_at_once_and_leaves_no_half_file(
    stored: Path, unbroken: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    with start("run", stored, out, "0.5") as process:
        begun(process, 3)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert b"Stopping" in process.stderr.readline() + process.stderr.readline()
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=PATIENCE_SECONDS)[1].decode()
        assert process.returncode in (1, -signal.SIGINT, 130)
    assert "KeyboardInterrupt" in told
    assert not list(out.rglob(".*"))
    assert {n: d for n, d in content(out).items() if n.startswith("data/")}.items() <= content(
        unbroken
    ).items()


FULL = """
import resource, sys
import datasets
sys.argv = ["stoppable.py", "run", *sys.argv[1:], "0"]
sys.path.insert(0, {folder!r})
import stoppable
from emotalk_data.errors import CacheWriteError
datasets.disable_progress_bars()
resource.setrlimit(resource.RLIMIT_FSIZE, (2_500, resource.RLIM_INFINITY))
try:
    stoppable.run(sys.argv[2], sys.argv[3], 2, 0)
except CacheWriteError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_is_a_typed_error_and_the_same_call_goes_on(
    stored: Path, unbroken: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    done = subprocess.run(
        [sys.executable, "-c", FULL.format(folder=str(PROGRAM.parent)), str(stored), str(out)],
        env={**NO_RANKS, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert "cannot write" in done.stdout, done.stderr
    assert "File too large. What is finished stays; the same call goes on" in done.stdout
    assert content(out) == {}
    go_on(stored, out)
    assert content(out) == content(unbroken)


def test_more_processes_than_shards_are_refused_before_anything_is_made(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "40")
    with pytest.raises(OptionError, match="40 processes are to share 22 shards, and some would have nothing"):
        go_on(stored, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_an_interrupt_handler_of_the_caller_s_stays() -> None:
    def mine(number: int, frame: Any) -> None:
        pass

    before = signal.signal(signal.SIGINT, mine)
    try:
        with first_interrupt_asks() as request:
            assert signal.getsignal(signal.SIGINT) is mine
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0)
        assert not request.is_asked
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with first_interrupt_asks() as request:
            signal.raise_signal(signal.SIGINT)
            assert request.is_asked
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)

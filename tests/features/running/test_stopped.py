"""Runs that are killed, stopped, shared or starved: begun again they are whole, and nothing is left over."""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks a process that has threads of Arrow")


class Starter:
    """Begins runs in processes of their own: see `stoppable`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, **request: Any) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE_SECONDS)
        assert readable, "it hangs"
        return int(self.process.stdout.readline())


class Run:
    """A run that was begun."""

    def __init__(
        self, starter: Starter, out: Path, seconds: float, limit: int, environ: dict[str, str]
    ) -> None:
        self.starter = starter
        beside = out.parent / f"{out.name}-{secrets.token_hex(4)}"
        self.told, self.begun = beside.with_suffix(".told"), beside.with_suffix(".begun")
        self.pid = starter.ask(
            do="run",
            out=str(out),
            seconds=seconds,
            limit=limit,
            environ=environ,
            told=str(self.told),
            begun=str(self.begun),
        )

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what the run does; one that has died, or hangs, never does it."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < end, self.said()
            time.sleep(0.002)

    def wait_for_batches(self, number: int) -> None:
        self.wait_until(lambda: self.begun.exists() and self.begun.stat().st_size >= number)

    def said(self) -> str:
        return self.told.read_text() if self.told.exists() else ""

    def end(self) -> tuple[int, str]:
        """Wait for its end; returns its status, and what it said."""
        return self.starter.ask(do="wait", pid=self.pid), self.said()


@pytest.fixture(scope="module")
def starter(stored: Path) -> Iterator[Starter]:
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), str(stored)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**NO_RANKS, "OMP_NUM_THREADS": "1"},
    ) as process:
        yield Starter(process)
        assert process.stdin is not None
        process.stdin.close()


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


def start(starter: Starter, out: Path, seconds: float = 0, limit: int = 0, **environ: str) -> Run:
    return Run(starter, out, seconds, limit, environ)


def shards(out: Path) -> dict[str, str]:
    return {name: digest for name, digest in content(out).items() if name.startswith("data/")}


def test_runs_that_are_killed_at_random_moments_end_in_the_same_bytes(
    starter: Starter, unbroken: Path, tmp_path: Path
) -> None:
    kills, seed = 0, 0
    while kills < 30:
        out = tmp_path / str(seed)
        kills += starter.ask(do="kill", out=str(out), seed=seed)
        assert content(out) == content(unbroken)  # shards and summary, and nothing beside them
        made = FeatureSet.open(out)
        expected = [f"u{number:03d}" for number in range(NUM_ROWS)] + [f"t{number}" for number in range(5)]
        assert list(made.store.ids()) == expected
        assert made.counts.made == NUM_ROWS + 5
        seed += 1


@pytest.mark.parametrize("names", [("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")])
def test_two_processes_that_share_the_work_make_the_same_set(
    starter: Starter, unbroken: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    out = tmp_path / "set"
    runs = [Run(starter, out, 0.002, 0, {names[0]: str(number), names[1]: "2"}) for number in range(2)]
    told = []
    for one in runs:
        status, said = one.end()
        assert status == 0, said
        told.append(said)
    assert content(out) == content(unbroken)
    # Whoever ended first said that the others' part was missing, unless both ended at once.
    assert all("the others make the rest" in text for text in told if text)


def test_a_process_that_shares_the_work_leaves_the_others_part_to_them(
    starter: Starter, stored: Path, unbroken: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    (out / "data").mkdir(parents=True)
    half_written = out / "data" / ".train-00000-of-00020.parquet.0123abcd.writing"  # another's
    half_written.write_bytes(b"PAR1")
    status, told = start(starter, out, RANK="1", WORLD_SIZE="2").end()
    assert status == 0, told
    assert "process 1 of 2 is done; 32 of 65 utterances are there, the others make the rest" in told
    assert half_written.exists()
    mine, whole = shards(out), content(unbroken)
    mine.pop(f"data/{half_written.name}")
    assert len(mine) == 11
    assert mine.items() <= whole.items()
    go_on(stored, out)
    assert content(out) == whole


def test_the_first_interrupt_lets_the_shard_be_finished(
    starter: Starter, stored: Path, unbroken: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    begun = start(starter, out, 0.1)
    begun.wait_for_batches(4)
    os.kill(begun.pid, signal.SIGINT)
    status, told = begun.end()
    assert status == 1
    assert "Stopping when this shard is written. Ctrl-C again stops at once" in told
    assert "KeyboardInterrupt: stopped: " in told
    assert "The same call goes on" in told
    assert 1 <= len(shards(out)) < 22
    assert shards(out).items() <= content(unbroken).items()
    go_on(stored, out)
    assert content(out) == content(unbroken)


def test_the_second_interrupt_stops_at_once_and_leaves_no_half_file(
    starter: Starter, unbroken: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    begun = start(starter, out, 0.5)
    begun.wait_for_batches(3)
    os.kill(begun.pid, signal.SIGINT)
    begun.wait_until(lambda: "Stopping" in begun.said())
    os.kill(begun.pid, signal.SIGINT)
    status, told = begun.end()
    assert status == 1
    assert "KeyboardInterrupt" in told
    assert not list(out.rglob(".*"))
    assert shards(out).items() <= content(unbroken).items()


def test_a_disk_that_takes_no_more_is_a_typed_error_and_the_same_call_goes_on(
    starter: Starter, stored: Path, unbroken: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    status, told = start(starter, out, limit=2_500).end()
    assert status == 1
    assert "CacheWriteError: cannot write" in told
    assert "File too large. What is finished stays; the same call goes on" in told
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

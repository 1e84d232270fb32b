"""`emotalk cache`: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emotalk_data.builder.copy_manifest import read_manifest
from emotalk_data.errors import OptionError
from emotalk_data.load import load_dataset
from emotalk_data.testing import make_emotalk

from .conftest import command

if TYPE_CHECKING:
    from .conftest import Invoke


def test_a_copy_is_made_told_and_loads(invoke: Invoke, emotalk_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "a copy"
    options = (
        "--data-dir",
        emotalk_dir,
        "--out",
        out,
        "--frames",
        2,
        "--frame-size",
        "48x64",
        "--num-proc",
        1,
    )
    result = invoke("cache", "emotalk", *options)
    assert result.exit_code == 0, result.exception
    for text in (
        f"A copy of emotalk is in {out}\n",
        "utterances  24 (",
        " made, ",
        " 0 failed\n",
        " in 3 shards\n",
        f"load_dataset('emotalk', data_dir='{out}', split='train')",
    ):
        assert text in result.stdout
    row = load_dataset("emotalk", data_dir=out, split="train")[0]
    assert row["audio"].sampling_rate == 16_000
    assert row["video"].frames(2).shape == (2, 48, 64, 3)
    again = invoke("cache", "emotalk", *options)
    assert again.exit_code == 0
    assert "written     nothing: it was all there" in again.stdout


def test_what_is_not_asked_for_is_left_alone(invoke: Invoke, m3ed_dir: Path, tmp_path: Path) -> None:
    result = invoke(
        *("cache", "m3ed", "--data-dir", m3ed_dir, "--episodes-dir", m3ed_dir / "episodes"),
        *(
            "--out",
            tmp_path / "copy",
            "--no-audio",
            "--frame-rate",
            1,
            "--split",
            "train[:4]",
            "--num-proc",
            1,
        ),
    )
    assert result.exit_code == 0, result.exception
    assert "utterances  4 (4 train)" in result.stdout
    assert "audio       left alone: references to the release" in result.stdout


def test_clips_that_failed_are_named_and_the_exit_code_is_1(invoke: Invoke, tmp_path: Path) -> None:
    sample = make_emotalk(tmp_path / "EmotionTalk", num_utterances=6)
    wavs = sorted((sample.root / "Audio").rglob("*.wav"))
    for wav in wavs:
        wav.write_bytes(b"RIFF")
    result = invoke(
        "cache", "emotalk", "--data-dir", sample.root, "--out", tmp_path / "copy", "--num-proc", 1
    )
    assert result.exit_code == 1
    assert f"{len(wavs)} clips failed, null in the copy:\n" in result.stdout
    assert wavs[0].stem in result.stdout
    failures = [failure for shard in read_manifest(tmp_path / "copy").shards for failure in shard.failures]
    assert len(failures) == len(wavs)


def test_a_dry_run_says_size_and_time_and_writes_nothing(
    invoke: Invoke, emotalk_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    result = invoke("cache", "emotalk", "--data-dir", emotalk_dir, "--out", out, "--dry-run", "--num-proc", 3)
    assert result.exit_code == 0, result.exception
    for text in (
        "utterances  24\n",
        "size        about ",
        "with 3 processes\n",
        "Measured on 24 rows; nothing was",
    ):
        assert text in result.stdout
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Missing option '--out'"),
        (("--out", "x", "--frames", "0"), "Invalid value for '--frames'"),
        (
            ("--out", "x", "--frames", "2", "--frame-rate", "1"),
            "--frames and --frame-rate exclude each other",
        ),
        (("--out", "x", "--frames", "2", "--frame-size", "a"), "neither a number of pixels nor HEIGHTxWIDTH"),
        (("--out", "x", "--sampling-rate", "16"), "Invalid value for '--sampling-rate'"),
        (("--out", "x", "--frame-size", "64"), "give --frames or --frame-rate too"),
        (("--out", "x", "--no-audio"), "--no-audio leaves nothing to make: give --frames or --frame-rate"),
    ],
)
def test_wrong_usage_is_exit_2(
    invoke: Invoke, emotalk_dir: Path, options: tuple[str, ...], message: str
) -> None:
    result = invoke("cache", "emotalk", "--data-dir", emotalk_dir, *options)
    assert result.exit_code == 2
    assert message in result.output


def test_a_copy_inside_of_its_release_is_refused(invoke: Invoke, emotalk_dir: Path) -> None:
    result = invoke("cache", "emotalk", "--data-dir", emotalk_dir, "--out", emotalk_dir / "copy")
    assert isinstance(result.exception, OptionError)
    assert "lies inside of the release" in str(result.exception)
    assert not (emotalk_dir / "copy").exists()


def test_splits_that_would_be_mixed_are_refused(invoke: Invoke, emotalk_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    result = invoke("cache", "emotalk", "--data-dir", emotalk_dir, "--out", out, "--split", "train+test")
    assert isinstance(result.exception, OptionError)
    assert "joins test and train (split 'train+test')" in str(result.exception)
    assert not out.exists()


def test_what_to_do_next_names_a_split_that_has_rows(
    invoke: Invoke, emotalk_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    result = invoke(
        *("cache", "emotalk", "--data-dir", emotalk_dir, "--out", out, "--split", "test", "--num-proc", 1)
    )
    assert result.exit_code == 0, result.exception
    assert result.stdout.endswith(f"load_dataset('emotalk', data_dir='{out}', split='test')\n")


def test_no_more_processes_are_counted_on_than_there_are_files(invoke: Invoke, emotalk_dir: Path) -> None:
    result = invoke("cache", "emotalk", "--data-dir", emotalk_dir, "--dry-run", "--num-proc", 8)
    assert "with 3 processes\n" in result.stdout


def long_copy(release: Path, out: Path, *, num_proc: int) -> list[str]:
    """Return the command of a copy that takes long enough to be stopped."""
    options = ("--data-dir", release, "--out", out, "--frame-rate", 25, "--num-proc", num_proc)
    return command("cache", "emotalk", *options)


@pytest.mark.slow
def test_ctrl_c_drops_the_shard_at_hand_and_the_same_command_goes_on(
    emotalk_dir: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    words = long_copy(emotalk_dir, out, num_proc=1)
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 180
        while not list(out.glob("data/.*")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=180)
    assert process.returncode == 130, err
    assert err == (
        "stopped; what is finished stays, and the same command goes on from there.\nemotalk: interrupted\n"
    )
    assert not list(out.glob("data/.*"))
    assert not read_manifest(out).is_complete
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert read_manifest(out).is_complete


def is_importing(pid: str) -> bool:
    """Say whether a process has loaded a first large package."""
    try:
        return b"numpy" in Path(f"/proc/{pid}/maps").read_bytes()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc to find processes")
@pytest.mark.slow
def test_ctrl_c_of_a_terminal_reaches_all_processes_and_one_of_them_says_so(
    emotalk_dir: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    words = long_copy(emotalk_dir, out, num_proc=2)
    with subprocess.Popen(
        words,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 180
        while sum(map(is_importing, children.read_text().split())) < 2 and process.poll() is None:
            assert time.monotonic() < deadline
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGINT)
        time.sleep(0.3)  # they get it first, and have the time to complain
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=180)
    assert process.returncode == 130, err
    assert err == (
        "stopped; what is finished stays, and the same command goes on from there.\nemotalk: interrupted\n"
    )
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert read_manifest(out).is_complete

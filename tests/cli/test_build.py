"""`emotalk build`: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import datasets
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.hub.building import read_build
from emotalk_data.testing import make_emotalk

from .conftest import command

if TYPE_CHECKING:
    from .conftest import Invoke

Golden = Callable[[str, str], None]


def stable(text: str, out: Path) -> str:
    """What is printed without what changes from run to run."""
    text = re.sub(r"[\d,]+ a second", "N a second", text.replace(str(out), "OUT"))
    return re.sub(r"about .* with", "about N s with", text)


def test_a_build_is_made_told_and_opens(
    invoke: Invoke, emotalk_dir: Path, tmp_path: Path, golden: Golden
) -> None:
    out = tmp_path / "a build"
    words = ("build", "emotalk", "--data-dir", emotalk_dir, "--out", out, "--columns", "labels")
    result = invoke(*words, "--num-proc", 1)
    assert result.exit_code == 0, result.exception
    golden("build_labels.txt", re.sub(r"[\d.]+ kB", "N kB", stable(result.stdout, out)))
    train = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert train.num_rows == read_build(out).splits["train"].num_rows
    again = invoke(*words, "--num-proc", 1)
    assert again.exit_code == 0
    assert "written     nothing: it was all there" in again.stdout


def test_media_inside_are_told_with_whom_they_may_be_shared(
    invoke: Invoke, m3ed_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = invoke(
        *("build", "m3ed", "--data-dir", m3ed_dir, "--out", out, "--embed-media", "--format", "parquet"),
        *("--split", "train", "--rows-per-shard", 1000, "--num-proc", 1),
    )
    assert result.exit_code == 0, result.exception
    assert re.search(r"audio       \d+ inside, \d+ missing, 0 failed\n", result.stdout)
    assert "\nFor yourself alone: it holds media that may not be passed on.\n" in result.stdout
    assert read_build(out).has_media


def test_clips_that_failed_are_named_and_the_exit_code_is_1(invoke: Invoke, tmp_path: Path) -> None:
    sample = make_emotalk(tmp_path / "EmotionTalk", num_utterances=6)
    wavs = sorted((sample.root / "Audio").rglob("*.wav"))
    for wav in wavs:
        wav.write_bytes(b"RIFF")
    out = tmp_path / "out"
    result = invoke(
        *("build", "emotalk", "--data-dir", sample.root, "--out", out, "--embed-media", "--num-proc", 1)
    )
    assert result.exit_code == 1
    assert f"{len(wavs)} clips failed, null in the build:\n" in result.stdout
    assert wavs[0].stem in result.stdout
    assert "are in emotalk-build.json" in result.stdout


def test_a_dry_run_says_columns_size_and_time_and_writes_nothing(
    invoke: Invoke, emotalk_dir: Path, tmp_path: Path, golden: Golden
) -> None:
    out = tmp_path / "out"
    result = invoke(
        *("build", "emotalk", "--data-dir", emotalk_dir, "--embed-media", "--columns", "labels,audio,video"),
        *("--dry-run", "--num-proc", 3, "--max-shard-size", "1MB"),
    )
    assert result.exit_code == 0, result.exception
    golden("build_dry_run.txt", re.sub(r"about [\d.]+ MB", "about N MB", stable(result.stdout, out)))
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Missing option '--out'"),
        (("--out", "x", "--format", "csv"), "'csv' is not 'parquet'"),
        (("--out", "x", "--rows-per-shard", "0"), "Invalid value for '--rows-per-shard'"),
        (
            ("--out", "x", "--rows-per-shard", "5", "--max-shard-size", "1MB"),
            "--rows-per-shard and --max-shard-size exclude each other",
        ),
    ],
)
def test_wrong_usage_is_exit_2(
    invoke: Invoke, emotalk_dir: Path, options: tuple[str, ...], message: str
) -> None:
    result = invoke("build", "emotalk", "--data-dir", emotalk_dir, *options)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--columns", "audio"), "Give embed_media (--embed-media)"),
        (("--columns", "emotoin"), "did you mean 'emotion'?"),
        (("--split", "train+test"), "joins test and train"),
    ],
)
def test_what_cannot_be_built_is_refused_and_nothing_is_written(
    invoke: Invoke, emotalk_dir: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    out = tmp_path / "out"
    result = invoke("build", "emotalk", "--data-dir", emotalk_dir, "--out", out, *options)
    assert isinstance(result.exception, OptionError)
    assert message in str(result.exception)
    assert not out.exists()


def test_a_build_inside_of_its_release_is_refused(invoke: Invoke, emotalk_dir: Path) -> None:
    result = invoke("build", "emotalk", "--data-dir", emotalk_dir, "--out", emotalk_dir / "parquet")
    assert isinstance(result.exception, OptionError)
    assert "lies inside of the release" in str(result.exception)
    assert not (emotalk_dir / "parquet").exists()


@pytest.mark.slow
def test_ctrl_c_says_that_the_same_command_goes_on(environment: dict[str, str], tmp_path: Path) -> None:
    release, out = tmp_path / "EmotionTalk", tmp_path / "out"
    make_emotalk(release, num_utterances=80)
    options = ("--data-dir", release, "--out", out, "--embed-media", "--rows-per-shard", 1, "--num-proc", 1)
    words = command("build", "emotalk", *options)
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 180
        while not list(out.glob("data/*")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=180)
    assert process.returncode == 130, err
    assert "stopped; what is finished stays, and the same command goes on from there.\n" in err
    assert not list(out.glob("data/.*"))
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert read_build(out).is_complete

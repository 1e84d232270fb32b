"""A copy, from end to end: nothing lost, nothing mixed, nothing done twice, the same bytes whoever writes it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

import emotalk_data
from emotalk_data.builder.copy_manifest import CopyManifest, read_manifest
from emotalk_data.cache import estimate_copy, materialise
from emotalk_data.errors import CacheCorruptError, CacheWriteError, OptionError
from emotalk_data.load import load_dataset
from emotalk_data.media import Audio, AudioClip
from emotalk_data.testing import make_emotalk, make_m3ed

from .conftest import NUM_ROWS

PACKAGE_ROOT = str(Path(emotalk_data.__file__).parent.parent)


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder, by name, with a digest of its bytes."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sounds(folder: Path, number: int = 12, **columns: Any) -> datasets.Dataset:
    """A table of wavs at 44.1 kHz with the columns that tell EmotionTalk."""
    folder.mkdir(exist_ok=True)
    for index in range(number):
        tone = 0.4 * np.sin(np.arange(3_000) * (0.02 + index / 100))
        soundfile.write(folder / f"{index}.wav", tone, 44_100)
    values = {
        "utterance_id": [f"G00002_01_08_{index:03d}" for index in range(number)],
        "group_id": ["G00002"] * number,
        "audio": [str(folder / f"{index}.wav") for index in range(number)],
        **columns,
    }
    features = {name: datasets.Value("string") for name in values} | {"audio": Audio()}
    return datasets.Dataset.from_dict(values, features=datasets.Features(features))


def test_all_other_columns_are_copied_exactly(rows: datasets.DatasetDict, copy: Path) -> None:
    for split, part in rows.items():
        files = sorted((copy / "data").glob(f"{split}-*.parquet"))
        tables = [pq.read_table(file) for file in files]
        names = [name for name in part.column_names if name not in ("audio", "video")]
        got = datasets.Dataset(
            datasets.table.concat_tables([datasets.table.InMemoryTable(t) for t in tables])
        )
        assert got.column_names == part.column_names
        assert got.select_columns(names).to_list() == part.select_columns(names).to_list()


def test_media_that_are_missing_stay_missing_and_counts_add_up(
    rows: datasets.DatasetDict, copy: Path
) -> None:
    manifest = read_manifest(copy)
    for split, part in manifest.splits.items():
        for column in ("audio", "video"):
            stored = rows[split].with_format("arrow")[:][column].to_pylist()
            counts = [shard.counts[column] for shard in part.shards]
            assert sum(count.missing for count in counts) == stored.count(None)
            assert sum(count.made for count in counts) == len(stored) - stored.count(None)
            assert sum(count.failed for count in counts) == 0
    assert sum(part.num_rows for part in manifest.splits.values()) == NUM_ROWS


def test_no_row_with_bytes_names_a_folder_of_this_machine(copy: Path) -> None:
    for path in (copy / "data").iterdir():
        for column in pq.read_table(path, columns=["audio", "video"]).columns:
            for value in filter(None, column.to_pylist()):
                assert value["bytes"]
                assert value["path"].endswith((".wav", ".mp4"))
                assert "/" not in value["path"]
    assert str(Path.home()) not in (copy / "emotalk-cache.json").read_text()


def test_the_manifest_says_what_each_file_is(copy: Path) -> None:
    manifest = read_manifest(copy)
    assert manifest.is_complete
    assert manifest.corpus == "emotalk"
    listed = {f"data/{shard.file}": shard.sha256 for shard in manifest.shards}
    found = content(copy)
    del found["emotalk-cache.json"]
    assert listed == found


@pytest.mark.slow
def test_the_files_are_the_same_whatever_the_number_of_processes(
    rows: datasets.DatasetDict, copy: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"num_frames": 4, "frame_size": 64, "rows_per_shard": 5}
    materialise(rows, tmp_path / "two", num_proc=2, **options)
    assert content(tmp_path / "two") == content(copy)


def test_a_column_that_is_not_made_keeps_its_references(rows: datasets.DatasetDict, tmp_path: Path) -> None:
    materialise(rows["test"], tmp_path / "copy", sampling_rate=None, num_frames=1)
    got = (
        pq.read_table(tmp_path / "copy" / "data" / "test-00000-of-00001.parquet").column("audio").to_pylist()
    )
    assert got == rows["test"].with_format("arrow")[:]["audio"].to_pylist()


def test_a_copy_that_is_there_is_not_made_again(rows: datasets.DatasetDict, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    assert materialise(rows, out).num_rows == NUM_ROWS
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    again = materialise(rows, out)
    assert again.num_rows == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_another_recipe_is_refused_and_says_what_differs(rows: datasets.DatasetDict, copy: Path) -> None:
    before = content(copy)
    with pytest.raises(
        OptionError, match=r"audio.sampling_rate is 16000 there and 8000 here.* remove this one"
    ):
        materialise(rows, copy, sampling_rate=8_000, num_frames=4, frame_size=64, rows_per_shard=5)
    with pytest.raises(OptionError, match="video is made there and not made here"):
        materialise(rows, copy, rows_per_shard=5)
    with pytest.raises(OptionError, match="its source differs"):
        materialise(rows["train"], copy, num_frames=4, frame_size=64, rows_per_shard=5)
    assert content(copy) == before


def test_a_media_file_that_changed_makes_another_copy(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs")
    materialise(source, tmp_path / "copy")
    soundfile.write(tmp_path / "wavs" / "3.wav", np.zeros(4_000), 44_100)
    with pytest.raises(OptionError, match=r"its source differs .* or media files that were changed"):
        materialise(source, tmp_path / "copy")


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    with pytest.raises(OptionError, match="is not empty"):
        materialise(source, tmp_path / "mine")
    with pytest.raises(OptionError, match="is no folder that can be used"):
        materialise(source, tmp_path / "mine" / "notes.txt")
    assert content(tmp_path / "mine") == {"notes.txt": sha256(b"precious").hexdigest()}


def test_a_damaged_manifest_is_said(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs")
    materialise(source, tmp_path / "copy")
    (tmp_path / "copy" / "emotalk-cache.json").write_text('{"format": "emotalk-cache"')
    with pytest.raises(CacheCorruptError, match=r"the manifest .* cannot be used"):
        materialise(source, tmp_path / "copy")


def test_what_cannot_be_decoded_is_null_counted_and_named(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs")
    (tmp_path / "wavs" / "2.wav").write_bytes(b"RIFF")
    (tmp_path / "wavs" / "7.wav").unlink()
    copied = materialise(source, tmp_path / "copy", rows_per_shard=5)
    shards = list(copied.manifest.shards)
    failures = [failure for shard in shards for failure in shard.failures]
    assert [(failure.row, failure.utterance_id, failure.column) for failure in failures] == [
        (2, "G00002_01_08_002", "audio"),
        (7, "G00002_01_08_007", "audio"),
    ]
    assert "2.wav" in failures[0].reason
    assert Counter(shard.counts["audio"].failed for shard in shards) == {1: 2, 0: 1}
    values = [
        row["audio"]
        for shard in shards
        for row in pq.read_table(copied.folder / "data" / shard.file).to_pylist()
    ]
    assert [number for number, value in enumerate(values) if value is None] == [2, 7]


def test_bytes_that_are_in_the_table_are_made_too(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs", 3)
    data = [(tmp_path / "wavs" / f"{index}.wav").read_bytes() for index in range(3)]
    embedded = source.remove_columns("audio").add_column(
        "audio",
        [{"bytes": item, "path": None} for item in data],
        feature=Audio(),
    )
    copied = materialise(embedded, tmp_path / "copy")
    value = pq.read_table(next((copied.folder / "data").iterdir())).column("audio").to_pylist()[1]
    want = AudioClip(data[1]).decode(sampling_rate=16_000)
    assert value["path"] is None
    assert np.abs(AudioClip(value["bytes"]).decode() - want).max() <= 2**-16


def test_a_selection_in_any_order_is_copied_in_that_order(rows: datasets.DatasetDict, tmp_path: Path) -> None:
    chosen = rows["train"].select([5, 0, 3])
    copied = materialise(chosen, tmp_path / "copy")
    ids = pq.read_table(next((copied.folder / "data").iterdir())).column("utterance_id").to_pylist()
    assert ids == chosen["utterance_id"][:]


def test_m3ed_windows_become_clips_of_their_own(tmp_path: Path, table_dir: Path) -> None:
    make_m3ed(tmp_path / "m3ed", num_dialogues=2)
    source = load_dataset(
        "m3ed", data_dir=tmp_path / "m3ed", episodes_dir=tmp_path / "m3ed" / "episodes", cache_dir=table_dir
    )
    materialise(source, tmp_path / "copy", num_frames=2)
    got = load_dataset("m3ed", data_dir=tmp_path / "copy", cache_dir=table_dir)
    for split, part in source.items():
        for mine, other in zip(got[split], part, strict=True):
            assert (mine["video"] is None) == (other["video"] is None)
            if other["video"] is not None:
                assert "#t=" not in mine["video"]["path"]
                assert mine["video"].frames(2).shape == other["video"].frames(2).shape
                assert mine["video"].duration_seconds == pytest.approx(
                    other["video"].duration_seconds, abs=1e-6
                )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (42, "dataset is a int; expected a Dataset or a DatasetDict"),
        (datasets.DatasetDict(), "no rows"),
        (datasets.Dataset.from_dict({"audio": ["x.wav"]}), "no column 'audio' of type Audio"),
        (
            datasets.Dataset.from_dict({"audio": ["x.wav"]}).cast_column("audio", Audio()),
            "neither EmotionTalk nor M3ED",
        ),
    ],
)
def test_what_is_no_source_is_refused(source: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message):
        materialise(source, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_splits_have_the_names_of_the_corpora_and_the_same_columns(tmp_path: Path) -> None:
    source = sounds(tmp_path / "wavs", 2)
    with pytest.raises(OptionError, match="'dev' is no split of a copy"):
        materialise(datasets.DatasetDict({"dev": source}), tmp_path / "copy")
    other = sounds(tmp_path / "wavs", 2, text=["a", "b"])
    with pytest.raises(OptionError, match="different columns"):
        materialise(datasets.DatasetDict({"train": source, "test": other}), tmp_path / "copy")


def test_too_little_space_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sounds(tmp_path / "wavs")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000))
    with pytest.raises(CacheWriteError, match=r"needs about 0.0 GB more and .* has 0.0 GB free"):
        materialise(source, tmp_path / "copy")
    assert not list((tmp_path / "copy" / "data").iterdir())


def test_a_folder_that_may_not_be_written_to_is_a_typed_error(
    public_path: Path, tmp_path: Path, without_privileges: Callable[[], AbstractContextManager[None]]
) -> None:
    source = sounds(public_path / "wavs", 2)
    source = source.map(lambda row: row, keep_in_memory=True)
    (public_path / "mine").mkdir(mode=0o755)
    with without_privileges(), pytest.raises(CacheWriteError, match="Permission denied"):
        materialise(source, public_path / "mine" / "copy")


def test_an_estimate_is_near_the_truth_and_writes_nothing(rows: datasets.DatasetDict, copy: Path) -> None:
    expected = estimate_copy(rows, num_frames=4, frame_size=64)
    truth = sum(shard.size_bytes for shard in read_manifest(copy).shards)
    assert (expected.num_rows, expected.num_measured) == (NUM_ROWS, NUM_ROWS)
    assert expected.size_bytes == pytest.approx(
        truth, rel=0.3
    )  # the footers are no small part of so few rows
    assert expected.seconds > 0


# ------------------------------------------------------------------ killed and begun again

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
def groups_or_stop(rows, job, recipe):
    yield from groups(rows, job, recipe)
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
        deadline = time.monotonic() + 60
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


@pytest.mark.slow
def test_a_worker_that_is_killed_is_a_typed_error(small_source: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; import datasets; from emotalk_data.cache import materialise, workers\n"
        "from emotalk_data.errors import CacheWriteError\n"
        "datasets.disable_progress_bars()\n"
        "workers._PROGRAM = 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)'\n"
        "try:\n    materialise(datasets.load_from_disk(sys.argv[1]), sys.argv[2], num_proc=2, rows_per_shard=2)\n"
        "except CacheWriteError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(small_source), str(tmp_path / "copy")],
        env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "ended by signal 9; memory may have run out" in done.stdout, done.stderr
    assert done.stderr == ""


def test_a_manifest_whose_counts_do_not_add_up_is_damaged(copy: Path, tmp_path: Path) -> None:
    values = json.loads((copy / "emotalk-cache.json").read_text())
    values["splits"]["train"]["shards"][0]["counts"]["audio"]["made"] += 1
    with pytest.raises(ValueError, match="counts of audio do not add up"):
        CopyManifest.model_validate_json(json.dumps(values))
    values = json.loads((copy / "emotalk-cache.json").read_text())
    values["splits"]["train"]["shards"].pop()
    with pytest.raises(ValueError, match="says that it is complete"):
        CopyManifest.model_validate_json(json.dumps(values))


def test_reading_a_release_in_tars_gives_the_same_sound(
    tmp_path: Path, table_dir: Path, rows: datasets.DatasetDict, copy: Path
) -> None:
    make_emotalk(tmp_path / "tars", num_utterances=NUM_ROWS, tars=True)
    source = load_dataset("emotalk", data_dir=tmp_path / "tars", cache_dir=table_dir)
    materialise(source, tmp_path / "copy", rows_per_shard=5)
    for path in (copy / "data").iterdir():
        mine = pq.read_table(tmp_path / "copy" / "data" / path.name, columns=["audio"])
        assert mine.column("audio").equals(pq.read_table(path, columns=["audio"]).column("audio"))

"""What is built of what: columns, clips that fail, windows of episodes, tars; stopped builds; what is refused."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

import emotalk_data
from emotalk_data.errors import CacheCorruptError, CacheWriteError, OptionError
from emotalk_data.hub.building import Built, build_dataset, estimate_build, read_build
from emotalk_data.hub.columns import LABEL_COLUMNS
from emotalk_data.load import load_dataset
from emotalk_data.testing import make_emotalk

from .conftest import NUM_ROWS, content, open_plain

# A process of its own that is killed where it is told to be.
BUILD = """
import os, signal, sys
import datasets
from emotalk_data import load_dataset
from emotalk_data.cache import folder, shard
from emotalk_data.hub.building import build_dataset, corpus_folder
datasets.disable_progress_bars()
release, cache, out, moment = sys.argv[1:]

def die():
    os.kill(os.getpid(), signal.SIGKILL)

add, groups, describe = folder.CopyFolder.add, shard._groups, corpus_folder._describe
def add_or_die(self, made):
    if moment == "before the manifest" and made.file.startswith("train-00002"):
        die()
    add(self, made)
def groups_or_die(rows, job, maker):
    yield from groups(rows, job, maker)
    if moment == "inside of a shard" and job.start == 5:
        die()
def describe_or_die(manifest, path):
    if moment == "before the card":
        die()
    describe(manifest, path)
folder.CopyFolder.add, shard._groups, corpus_folder._describe = add_or_die, groups_or_die, describe_or_die
rows = load_dataset("emotalk", data_dir=release, cache_dir=cache)
build_dataset(rows, out, embed_media=True, rows_per_shard=5)
"""


@pytest.mark.parametrize(
    ("moment", "num_left"),
    [("before the manifest", 12), ("inside of a shard", 19), ("before the card", 0)],
)
def test_a_killed_build_goes_on_and_equals_a_clean_one(
    rows: datasets.DatasetDict, release: Path, built: Built, tmp_path: Path, moment: str, num_left: int
) -> None:
    out, table = tmp_path / "out", Path(rows["train"].cache_files[0]["filename"])
    cache = next(parent for parent in table.parents if parent.name.startswith("table"))
    words = [sys.executable, "-c", BUILD, str(release), str(cache), str(out), moment]
    package = str(Path(emotalk_data.__file__).parents[1])
    killed = subprocess.run(
        words,
        env={**os.environ, "PYTHONPATH": package},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (out / "README.md").exists()
    kept = {path: path.stat().st_ino for path in (out / "data").glob("*.parquet")}
    again = build_dataset(rows, out, embed_media=True, rows_per_shard=5)
    assert again.num_rows == num_left
    assert {path: path.stat().st_ino for path in kept} == kept
    assert content(out) == content(built.folder)
    assert build_dataset(rows, out, embed_media=True, rows_per_shard=5).num_rows == 0


def test_two_processes_write_the_same_bytes(rows: datasets.DatasetDict, built: Built, tmp_path: Path) -> None:
    build_dataset(rows, tmp_path / "out", embed_media=True, rows_per_shard=5, num_proc=2)
    assert content(tmp_path / "out") == content(built.folder)


def test_without_media_there_is_no_column_of_them_and_no_path(
    rows: datasets.DatasetDict, release: Path, tmp_path: Path
) -> None:
    done = build_dataset(rows, tmp_path / "out")
    assert not done.manifest.has_media
    loaded = open_plain(done.folder, tmp_path / "cache")
    assert loaded["train"].column_names == [
        name for name in rows["train"].column_names if name not in ("audio", "video")
    ]
    assert loaded["test"]["text"] == rows["test"]["text"]
    assert not any(str(release).encode() in path.read_bytes() for path in done.folder.rglob("*.*"))
    card = (done.folder / "README.md").read_text(encoding="utf-8")
    assert "holds what was said or written" in card
    assert "audio-classification" not in card


@pytest.mark.parametrize("corpus", ["emotalk", "m3ed"])
def test_labels_are_ids_labels_and_times(
    rows: datasets.DatasetDict, m3ed_release: Path, tmp_path: Path, corpus: str
) -> None:
    if corpus == "m3ed":
        rows = load_dataset("m3ed", data_dir=m3ed_release, cache_dir=tmp_path / "table")
    done = build_dataset(rows, tmp_path / "out", columns="labels")
    assert done.manifest.columns == LABEL_COLUMNS[corpus]
    loaded = open_plain(done.folder, tmp_path / "cache")
    for split in rows:
        expected = rows[split].select_columns(list(LABEL_COLUMNS[corpus])).to_list()
        assert loaded[split].to_list() == expected
    assert "nothing that was said or shown" in (done.folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wanted", "embed", "expected"),
    [
        ("text,emotion", False, ["utterance_id", "text", "emotion"]),
        (["emotion", "audio"], True, ["utterance_id", "emotion", "audio"]),
        ("utterance_id", False, ["utterance_id"]),
    ],
)
def test_named_columns_stand_in_the_order_of_the_corpus(
    rows: datasets.DatasetDict, tmp_path: Path, wanted: str | list[str], embed: bool, expected: list[str]
) -> None:
    done = build_dataset(rows["test"], tmp_path / "out", columns=wanted, embed_media=embed)
    assert open_plain_columns(done.folder) == expected
    assert list(done.manifest.splits) == ["test"]


def open_plain_columns(folder: Path) -> list[str]:
    names = datasets.load_dataset(str(folder), split="test", streaming=True).column_names
    assert names is not None
    return list(names)


def test_a_word_with_a_minus_takes_a_column_out(rows: datasets.DatasetDict, tmp_path: Path) -> None:
    done = build_dataset(rows["test"], tmp_path / "out", columns="all,-video", embed_media=True)
    assert list(done.manifest.columns) == [name for name in rows["test"].column_names if name != "video"]


def test_members_of_tars_are_embedded_under_their_own_names(tmp_path: Path) -> None:
    sample = make_emotalk(tmp_path / "EmotionTalk", num_utterances=6, tars=True)
    rows = load_dataset("emotalk", data_dir=sample.root, cache_dir=tmp_path / "table")
    done = build_dataset(rows, tmp_path / "out", embed_media=True)
    make_emotalk(tmp_path / "folders", num_utterances=6)
    loaded = open_plain(done.folder, tmp_path / "cache")
    clips = [row[column] for row in loaded["train"] for column in ("audio", "video") if row[column]]
    assert len(clips) > 6
    for clip in clips:
        (path,) = (tmp_path / "folders").rglob(clip["path"])
        if path.suffix == ".wav":  # the writer of the mp4s does not promise equal bytes
            assert clip["bytes"] == path.read_bytes()


def test_clips_that_cannot_be_read_are_null_and_counted_and_the_reason_names_no_place(tmp_path: Path) -> None:
    sample = make_emotalk(tmp_path / "EmotionTalk", num_utterances=6, oddities=False)
    rows = load_dataset("emotalk", data_dir=sample.root, cache_dir=tmp_path / "table")
    wavs, videos = (sorted(sample.root.rglob(pattern)) for pattern in ("*.wav", "*.mp4"))
    wavs[0].write_bytes(wavs[0].read_bytes()[:-1000])
    wavs[1].unlink()
    wavs[2].write_bytes(b"")
    videos[3].write_bytes(videos[3].read_bytes()[:-1000])
    done = build_dataset(rows, tmp_path / "out", embed_media=True)
    (shard,) = done.manifest.shards
    assert {name: (count.made, count.failed) for name, count in shard.counts.items()} == {
        "audio": (3, 3),
        "video": (5, 1),
    }
    failed = {(failure.utterance_id, failure.column): failure.reason for failure in shard.failures}
    assert set(failed) == {*((path.stem, "audio") for path in wavs[:3]), (videos[3].stem, "video")}
    for (utterance_id, _), reason in failed.items():
        assert str(utterance_id) in reason
    for path in done.folder.rglob("*.*"):
        assert str(tmp_path).encode() not in path.read_bytes()
    loaded = open_plain(done.folder, tmp_path / "cache")["train"]
    assert len(loaded) == 6
    assert {row["utterance_id"] for row in loaded if row["audio"] is None} == {p.stem for p in wavs[:3]}
    assert "| train | 6 | 3 | 0 | 3 | 5 | 0 | 1 |" in (done.folder / "README.md").read_text(encoding="utf-8")


def test_released_clips_of_m3ed_are_embedded_and_its_videos_are_null(
    m3ed_release: Path, tmp_path: Path
) -> None:
    rows = load_dataset("m3ed", data_dir=m3ed_release, cache_dir=tmp_path / "table")
    done = build_dataset(rows, tmp_path / "out", embed_media=True)
    loaded = open_plain(done.folder, tmp_path / "cache")
    clips = [row["audio"] for part in loaded.values() for row in part if row["audio"] is not None]
    assert clips
    for clip in clips:
        assert clip["bytes"] in [path.read_bytes() for path in m3ed_release.rglob(clip["path"])]
    assert {row["video"] for part in loaded.values() for row in part} == {None}


def test_of_a_window_of_an_episode_the_sound_is_written_as_wav(m3ed_release: Path, tmp_path: Path) -> None:
    rows = load_dataset(
        "m3ed",
        data_dir=m3ed_release,
        episodes_dir=m3ed_release / "episodes",
        cache_dir=tmp_path / "table",
        split="train",
    )
    windows = emotalk_data.cast_media(
        rows.select(range(3))
        .remove_columns("audio")
        .rename_column("video", "audio")
        .cast_column("audio", datasets.Audio(decode=False))
    )
    with pytest.raises(OptionError, match=r"videos of train are windows of episodes.*all,-video"):
        build_dataset(rows, tmp_path / "out", embed_media=True)
    assert not (tmp_path / "out").exists()
    features = datasets.Features({**windows.features, "audio": emotalk_data.Audio()})
    done = build_dataset(windows.cast(features), tmp_path / "out", embed_media=True)
    stored = list(pq.read_table(done.folder / "data")["audio"].to_pylist())
    assert len(stored) == 3
    for clip, row in zip(stored, windows.cast(features), strict=True):
        expected = row["audio"].decode()
        samples, rate = soundfile.read(io.BytesIO(clip["bytes"]), always_2d=True, dtype="float32")
        assert rate == row["audio"].sampling_rate
        assert samples.T.shape == expected.shape
        assert np.abs(samples.T - expected).max() <= 2**-15
        assert "/" not in clip["path"]
        assert clip["path"].endswith(".wav")


def test_row_groups_hold_few_rows_of_media_and_end_when_they_are_large(
    rows: datasets.DatasetDict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emotalk_data.cache import shard

    monkeypatch.setattr(shard, "_GROUP_BYTES", 400_000)
    done = build_dataset(rows["train"], tmp_path / "out", embed_media=True)
    metadata = pq.read_metadata(next((done.folder / "data").iterdir()))
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    assert len(groups) > 2
    sizes = [sum(group.column(i).total_compressed_size for i in range(group.num_columns)) for group in groups]
    assert all(400_000 <= size < 900_000 for size in sizes[:-1])


def test_a_shard_is_about_as_large_as_it_is_asked_to_be(rows: datasets.DatasetDict, tmp_path: Path) -> None:
    expected, columns = estimate_build(rows, embed_media=True, max_shard_size="1MB")
    assert (expected.num_rows, len(columns)) == (NUM_ROWS, len(rows["train"].column_names))
    done = build_dataset(rows, tmp_path / "out", embed_media=True, max_shard_size="1MB")
    shards = list(done.manifest.shards)
    assert len(shards) == expected.num_shards > 3
    assert max(shard.size_bytes for shard in shards) < 2_000_000
    total = sum(shard.size_bytes for shard in shards)
    assert total * 0.7 < expected.size_bytes < total * 1.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "labels", "embed_media": True}, "neither 'audio' nor 'video' is chosen"),
        ({"columns": "audio"}, "holds no references to files of this machine"),
        ({"columns": "emotoin"}, "there is no column 'emotoin'; did you mean 'emotion'"),
        ({"columns": ","}, "columns names none"),
        ({"columns": 3}, "columns is 3; expected 'all'"),
        ({"rows_per_shard": 0}, "rows_per_shard is 0"),
        ({"rows_per_shard": 5, "max_shard_size": "1MB"}, "exclude each other"),
        ({"max_shard_size": "much"}, "max_shard_size is 'much'"),
        ({"num_proc": 0}, "num_proc is 0"),
    ],
)
def test_options_that_cannot_be_are_refused(
    rows: datasets.DatasetDict, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        build_dataset(rows, tmp_path / "out", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_column_of_ones_own_is_refused_by_name_and_left_out_of_all(
    rows: datasets.DatasetDict, tmp_path: Path
) -> None:
    own = rows["test"].add_column("faces", ["x"] * len(rows["test"]))
    with pytest.raises(OptionError, match="'faces' is none of emotalk's own"):
        build_dataset(own, tmp_path / "out", columns="labels,faces")
    assert "faces" not in build_dataset(own, tmp_path / "out").manifest.columns


def test_the_folder_of_another_build_or_of_something_else_is_left_alone(
    rows: datasets.DatasetDict, built: Built, tmp_path: Path
) -> None:
    before = content(built.folder)
    with pytest.raises(OptionError, match=r"holds another build: .*rows_per_shard is 5 there and 6 here"):
        build_dataset(rows, built.folder, embed_media=True, rows_per_shard=6)
    assert content(built.folder) == before
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(OptionError, match="is not empty"):
        build_dataset(rows, tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_damaged_shard_is_written_again_and_a_damaged_manifest_is_said(
    rows: datasets.DatasetDict, tmp_path: Path
) -> None:
    done = build_dataset(rows, tmp_path / "out", columns="labels", rows_per_shard=10)
    before = content(done.folder)
    shard = done.folder / "data" / "train-00001-of-00002.parquet"
    shard.write_bytes(shard.read_bytes()[:-100])
    (done.folder / "README.md").write_text("edited")
    assert build_dataset(rows, done.folder, columns="labels", rows_per_shard=10).num_rows == 2
    assert content(done.folder) == before
    (done.folder / "emotalk-build.json").write_text("{")
    with pytest.raises(CacheCorruptError, match="run `emotalk build` again"):
        read_build(done.folder)


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(
    rows: datasets.DatasetDict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emotalk_data.cache import estimate

    monkeypatch.setattr(estimate, "free_bytes", lambda _: 1_000_000)
    with pytest.raises(
        CacheWriteError, match=r"needs about .* GB more and .* make less: one split, or fewer"
    ):
        build_dataset(rows, tmp_path / "out", embed_media=True)
    assert list((tmp_path / "out" / "data").iterdir()) == []

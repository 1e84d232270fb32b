from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from emotalk_data.builder.features import m3ed_features
from emotalk_data.errors import ArchiveError, OptionError, ReleaseInvalidError
from emotalk_data.load import load_dataset, load_dataset_builder
from emotalk_data.media.audio import AudioClip
from emotalk_data.media.video import VideoClip
from emotalk_data.testing import M3edSample, M3edUtterance, make_m3ed, read_frame_number, tone_frequency

EMOTIONS = ("Happy", "Neutral", "Sad", "Disgust", "Anger", "Fear", "Surprise")
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> M3edSample:
    """Four dialogues, one of each series, with clips, episodes and every oddity."""
    return make_m3ed(tmp_path_factory.mktemp("m3ed"), num_dialogues=4)


@pytest.fixture(scope="module")
def ds(sample: M3edSample, tmp_path_factory: pytest.TempPathFactory) -> Any:
    cache = tmp_path_factory.mktemp("cache")
    return load_dataset("m3ed", data_dir=sample.root, episodes_dir=sample.episodes_dir, cache_dir=cache)


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Any]:
    """Load M3ED into a cache of its own."""
    return lambda root, **options: load_dataset(
        "m3ed", data_dir=root, cache_dir=tmp_path / "cache", **options
    )


@pytest.fixture
def bare(tmp_path: Path) -> M3edSample:
    """A release of annotations alone, to be changed."""
    return make_m3ed(tmp_path / "m3ed", num_dialogues=3, audio=False, episodes=False, oddities=False)


def _truths(sample: M3edSample, split: str) -> list[M3edUtterance]:
    return [utterance for utterance in sample.utterances if utterance.split == split]


def _pitch(samples: np.ndarray, sampling_rate: int) -> float:
    """Return the strongest frequency of a tone, in Hz, to about 1 Hz."""
    num = 1 << 16
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), num))
    return float(spectrum.argmax()) * sampling_rate / num


def test_the_rows_are_the_truth(sample: M3edSample, ds: Any) -> None:
    assert list(ds) == list(SPLITS)
    for split in SPLITS:
        truths = _truths(sample, split)
        rows = ds[split].remove_columns(["audio", "video"]).to_list()
        assert [row["utterance_id"] for row in rows] == [truth.utterance_id for truth in truths]
        for row, truth in zip(rows, truths, strict=True):
            for name in ("dialogue_id", "series", "speaker_id", "speaker_name", "age", "gender"):
                assert row[name] == getattr(truth, name)
            for name in ("utterance_number", "text", "episode"):
                assert row[name] == getattr(truth, name)
            assert row["text_raw"] == truth.text
            assert row["events"] == []
            assert EMOTIONS[row["emotion"]] == truth.emotion
            assert tuple(EMOTIONS[label] for label in row["emotions"]) == truth.emotions
            for name in ("start_seconds", "end_seconds", "episode_start_seconds", "episode_end_seconds"):
                assert row[name] == pytest.approx(getattr(truth, name), abs=1e-9)


def test_the_annotators_are_numbered_and_their_blends_keep_their_order(sample: M3edSample, ds: Any) -> None:
    labels = ds["train"].features["annotations"].feature["emotions"].feature
    assert labels.names == [*EMOTIONS, "Other"]
    for split in SPLITS:
        for row, truth in zip(ds[split]["annotations"], _truths(sample, split), strict=True):
            assert [item["annotator"] for item in row] == [1, 2, 3]
            assert {item["modality"] for item in row} == {"multimodal"}
            given = [tuple(labels.int2str(label) for label in item["emotions"]) for item in row]
            assert tuple(given) == truth.annotations


def test_the_label_order_is_the_authors(ds: Any) -> None:
    assert ds["train"].features["emotion"].names == list(EMOTIONS)
    assert ds["train"].features["emotions"].feature.names == list(EMOTIONS)
    assert ds["train"].features == m3ed_features()


def test_the_video_of_an_utterance_is_its_window_of_the_episode(sample: M3edSample, ds: Any) -> None:
    for split in SPLITS:
        for row, truth in zip(ds[split], _truths(sample, split), strict=True):
            clip = row["video"]
            assert isinstance(clip, VideoClip)
            assert clip.num_frames == truth.num_frames
            ends = clip.frames(indices=[0, truth.num_frames - 1])
            numbers = [read_frame_number(frame) for frame in ends]
            assert numbers == [truth.first_frame_number, truth.first_frame_number + truth.num_frames - 1]


def test_the_audio_is_the_released_clip_also_under_the_other_speaker(sample: M3edSample, ds: Any) -> None:
    (misnamed,) = sample.oddities["audio_other_speaker"]
    seen = set()
    for split in SPLITS:
        stored = ds[split].with_format("arrow")[:]["audio"].to_pylist()
        for value, truth in zip(stored, _truths(sample, split), strict=True):
            if truth.audio_path is not None:
                assert value == {"bytes": None, "path": str(sample.root / truth.audio_path)}
                seen.add(truth.utterance_id)
    assert misnamed in seen
    truth = sample.by_id[misnamed]
    assert truth.audio_path is not None
    assert not truth.audio_path.startswith(f"audio/{truth.speaker_id}_")


def test_a_missing_clip_is_the_episodes_window(sample: M3edSample, ds: Any) -> None:
    (missing,) = sample.oddities["audio_missing"]
    truth = sample.by_id[missing]
    row = next(row for row in ds[truth.split] if row["utterance_id"] == missing)
    clip = row["audio"]
    assert isinstance(clip, AudioClip)
    assert clip.duration_seconds == pytest.approx(truth.num_frames / 25, abs=1e-3)
    samples = clip.decode(mono=True)[0]
    fifth = len(samples) // 5
    for start in (0, 2 * fifth, 4 * fifth):  # the pitch tells the time of the episode
        middle = truth.episode_start_seconds + (start + fifth / 2) / clip.sampling_rate
        assert _pitch(samples[start : start + fifth], clip.sampling_rate) == pytest.approx(
            tone_frequency(middle), abs=6
        )


def test_a_released_clip_is_50_ms_later_than_its_window(sample: M3edSample, ds: Any) -> None:
    row, truth = ds["test"][0], _truths(sample, "test")[0]
    clip = row["audio"]
    assert clip.num_samples == truth.num_samples
    middle = truth.episode_start_seconds + 0.05 + clip.duration_seconds / 2
    assert _pitch(clip.decode()[0], 16_000) == pytest.approx(tone_frequency(middle), abs=6)


def test_without_episodes_there_is_no_video_and_a_missing_clip_stays_missing(
    sample: M3edSample, load: Callable[..., Any]
) -> None:
    ds = load(sample.root)
    for split in SPLITS:
        assert ds[split]["video"][:] == [None] * len(ds[split])
        paths = [
            None if clip is None else clip["path"]
            for clip in ds[split].cast_column("audio", _plain())["audio"]
        ]
        assert paths == [u.audio_path and str(sample.root / u.audio_path) for u in _truths(sample, split)]


def _plain() -> dict[str, datasets.Value]:
    return {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}


def test_an_episode_that_is_not_there_gives_no_video_and_is_reported(
    sample: M3edSample, load: Callable[..., Any], tmp_path: Path
) -> None:
    assert sample.episodes_dir is not None
    episodes = Path(shutil.copytree(sample.episodes_dir, tmp_path / "tv"))
    gone = next(episodes.rglob("beiwanlanqiao_*.mp4"))
    gone.unlink()
    ds = load(sample.root, episodes_dir=episodes)
    assert ds["test"]["video"][:] == [None] * len(ds["test"])
    assert ds["validation"][0]["video"] is not None
    report = load_dataset_builder(
        "m3ed", data_dir=sample.root, cache_dir=tmp_path / "cache", episodes_dir=episodes
    ).report()
    assert report.num_by_code()["M3-EPI-001"] == 1


def test_an_episode_that_was_added_is_seen_by_the_next_load(
    sample: M3edSample, load: Callable[..., Any], tmp_path: Path
) -> None:
    assert sample.episodes_dir is not None
    (tmp_path / "tv").mkdir()
    before = load(sample.root, episodes_dir=tmp_path / "tv", split="test")
    assert before["video"][:] == [None] * len(before)
    shutil.copytree(sample.episodes_dir / "beiwanlanqiao", tmp_path / "tv" / "beiwanlanqiao")
    after = load(sample.root, episodes_dir=tmp_path / "tv", split="test")
    assert after[0]["video"].num_frames == _truths(sample, "test")[0].num_frames


def test_clips_in_a_tar_are_read_in_place(
    sample: M3edSample, load: Callable[..., Any], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(sample.root, tmp_path / "m3ed", ignore=shutil.ignore_patterns("episodes")))
    with tarfile.open(root / "audio.tar", "w") as archive:
        archive.add(root / "audio", "wav/all")
    shutil.rmtree(root / "audio")
    tarred, plain = load(root)["train"], load(sample.root)["train"]
    assert len(tarred) == len(plain) > 0
    for one, other in zip(tarred, plain, strict=True):
        assert "audio.tar" in one["audio"]["path"]
        np.testing.assert_array_equal(one["audio"].decode(), other["audio"].decode())


def test_a_cut_tar_of_clips_is_an_error_and_not_a_release_without_sound(
    bare: M3edSample, load: Callable[..., Any]
) -> None:
    with tarfile.open(bare.root / "audio.tar", "w") as archive:
        archive.add(bare.root / "annotation.json", "A_x_1_1.wav")
    data = (bare.root / "audio.tar").read_bytes()
    (bare.root / "audio.tar").write_bytes(data[:2_000])
    with pytest.raises(ArchiveError, match=r"audio\.tar"):
        load(bare.root)


def test_a_value_that_cannot_be_taken_follows_on_invalid(bare: M3edSample, load: Callable[..., Any]) -> None:
    path = bare.root / "annotation.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    (dialogue,) = document["beiwanlanqiao"].values()
    first = next(iter(dialogue["Dialog"]))
    dialogue["Dialog"][first]["EmoAnnotation"]["final_main_emo"] = "Joyful"
    path.write_text(json.dumps(document), encoding="utf-8")
    kept = load(bare.root, split="test")
    dropped = load(bare.root, split="test", on_invalid="drop")
    assert kept["utterance_id"][0] == first
    assert kept["emotion"][0] is None
    assert kept["utterance_id"][1:] == dropped["utterance_id"][:]
    for options in ({}, {"split": "train"}):
        with pytest.raises(ReleaseInvalidError, match=r"1 problems? of severity error.*M3-LABEL-001.*Joyful"):
            load(bare.root, on_invalid="raise", **options)
    stream = load(bare.root, split="test", streaming=True, on_invalid="raise")
    with pytest.raises(ReleaseInvalidError, match=r"M3-LABEL-001"):
        list(stream)
    with pytest.raises(OptionError, match=r"on_invalid is 'ignore'; expected 'report', 'drop' or 'raise'"):
        load(bare.root, on_invalid="ignore")


def test_streams_give_the_rows_of_the_table(sample: M3edSample, ds: Any, load: Callable[..., Any]) -> None:
    streams = load(sample.root, episodes_dir=sample.episodes_dir, streaming=True)
    assert isinstance(streams, datasets.IterableDatasetDict)
    for split in SPLITS:
        rows = list(streams[split].remove_columns(["audio", "video"]))
        assert rows == ds[split].remove_columns(["audio", "video"]).to_list()
    row, truth = next(iter(streams["train"])), _truths(sample, "train")[0]
    assert read_frame_number(row["video"].frames(indices=[0])[0]) == truth.first_frame_number
    np.testing.assert_array_equal(row["audio"].decode(), ds["train"][0]["audio"].decode())


def test_the_sample_truth_has_what_these_tests_look_for(sample: M3edSample) -> None:
    for kind in (
        "blend",
        "annotator_other",
        "emotion_typo",
        "main_not_in_blend",
        "other_typo",
        "malformed_time",
    ):
        assert sample.oddities[kind]

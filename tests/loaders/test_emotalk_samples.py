"""Small made-up releases, whose truth is known, in every form a user may have them."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotalk_data import load_dataset, validate
from emotalk_data.errors import OptionError, ReleaseNotFoundError
from emotalk_data.loaders.report import Report
from emotalk_data.testing import EmotalkSample, EmotalkUtterance, make_emotalk, read_frame_number

from .emotalk_loading import Rows, assert_validation_finds_it_all, load, problems_of, record_path

_MODALITIES = ("text", "audio", "video", "multimodal")
_EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful")
_COLUMNS = {
    "emotion_text": "text",
    "emotion_audio": "audio",
    "emotion_video": "video",
    "emotion": "multimodal",
}
_MEDIA = ("audio", "video")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> EmotalkSample:
    return make_emotalk(tmp_path_factory.mktemp("sample") / "release", num_utterances=24)


@pytest.fixture(scope="module")
def loaded(sample: EmotalkSample, tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, Report]:
    return load(sample.root, tmp_path_factory.mktemp("cache"))


def _id(label: str | None) -> int | None:
    return None if label is None else _EMOTIONS.index(label)


def _truth(utterance: EmotalkUtterance) -> dict[str, Any]:
    """Return the row that a utterance must become, but for events and media."""
    captions = utterance.captions
    return {
        "utterance_id": utterance.utterance_id,
        "dialogue_id": utterance.dialogue_id,
        "group_id": utterance.group_id,
        "session_id": utterance.session_id,
        "speaker_id": utterance.speaker_id,
        "utterance_number": utterance.utterance_number,
        "modalities": [modality for modality in _MODALITIES if modality in utterance.presence],
        "text": utterance.text,
        "text_raw": utterance.text_raw,
        **{column: _id(utterance.labels[modality]) for column, modality in _COLUMNS.items()},
        "sentiment": utterance.sentiment,
        "annotations": [
            {
                "modality": vote.modality,
                "annotator": vote.annotator + 1,
                "emotion": _id(vote.emotion),
                "confidence": vote.confidence,
                "sentiment": vote.sentiment,
            }
            for vote in utterance.votes
        ],
        "captions": None
        if captions is None
        else {
            "speaker": captions["spe_cap"],
            "style": captions["style_cap"],
            "emotion": captions["emo_cap"],
            "overall": [captions[f"caption_{number}"] for number in range(1, 6)],
        },
        "start_seconds": utterance.start_seconds,
        "end_seconds": utterance.end_seconds,
        "split": utterance.split,
    }


def _without(rows: Rows, columns: tuple[str, ...] = _MEDIA) -> Rows:
    return {
        key: {column: value for column, value in row.items() if column not in columns}
        for key, row in rows.items()
    }


def test_every_row_is_the_truth_its_maker_tells(sample: EmotalkSample, loaded: tuple[Rows, Report]) -> None:
    rows = _without(loaded[0], (*_MEDIA, "events"))
    assert rows == {key: _truth(utterance) for key, utterance in sample.by_id.items()}


def test_events_are_the_marks_that_were_put_into_the_text(
    sample: EmotalkSample, loaded: tuple[Rows, Report]
) -> None:
    points = {"laughing", "interrupted", "sobbing", "crying", "screaming"}
    odd = sample.oddities["malformed_tag"]
    for key, utterance in sample.by_id.items():
        events = loaded[0][key]["events"]
        put = sorted(
            (tag.strip("[]").lower(), at) for tag, at in utterance.tags if tag.strip("[]").lower() in points
        )
        assert sorted((e["type"], e["start"]) for e in events if e["type"] != "overlap") == put
        opened = [at for tag, at in utterance.tags if tag == "[over/]"]
        if key not in odd and not any(tag in ("[over]", "[/over/]") for tag, _ in utterance.tags):
            overlaps = [e["start"] for e in events if e["type"] == "overlap" and e["start"] is not None]
            assert sorted(overlaps) == sorted(opened)


def test_each_oddity_gives_its_code_and_no_other_is_reported(
    sample: EmotalkSample, loaded: tuple[Rows, Report]
) -> None:
    report = loaded[1]
    unpaired = [
        key
        for key, utterance in sample.by_id.items()
        if re.sub(
            r"(\[over/\]\[/over\])*", "", "".join(re.findall(r"\[/?over/?\]", utterance.text_raw or ""))
        )
        .replace("[over]", "")
        .replace("[/over/]", "")
    ]
    assert report.num_by_code() == {
        "ET-CAP-002": 2,  # captions_python_literal, captions_json_string
        "ET-JSON-002": 1,  # bom
        "ET-KEY-001": 1,  # unknown_key
        "ET-KEY-002": 5,  # key_spelling, in each of the five annotators' objects
        "ET-LABEL-002": 6,  # alias_label: the result and five annotators
        "ET-LABEL-003": 1,  # missing_label
        "ET-PRES-001": 1,  # missing_video
        "ET-PRES-002": 1,  # missing_mp4
        "ET-TEXT-001": len(unpaired),  # unbalanced_overlap, and what was drawn
        "ET-TEXT-002": 1,  # malformed_tag
        "ET-TYPE-001": 14,  # times_as_strings (3), numbers_as_strings (1 + 2 × 5)
    }
    assert report.counts["records_found"] == report.counts["records_in_rows"] == 24 * 4 - 1
    assert report.counts["rows"] == report.counts["utterances_found"] == 24


@pytest.mark.parametrize(
    ("kind", "code", "modality"),
    [
        ("malformed_tag", "ET-TEXT-002", "text"),
        ("alias_label", "ET-LABEL-002", "text"),
        ("bom", "ET-JSON-002", "text"),
        ("unknown_key", "ET-KEY-001", "text"),
        ("key_spelling", "ET-KEY-002", "video"),
        ("missing_label", "ET-LABEL-003", "video"),
    ],
)
def test_a_problem_names_the_file_that_has_it(
    sample: EmotalkSample, loaded: tuple[Rows, Report], kind: str, code: str, modality: str
) -> None:
    key = sample.oddities[kind][0]
    files = {problem.file for problem in problems_of(loaded[1], code)}
    assert files == {record_path(sample.root, modality, key).relative_to(sample.root).as_posix()}


def test_what_is_missing_is_null_and_named_in_the_report(
    sample: EmotalkSample, loaded: tuple[Rows, Report]
) -> None:
    rows, report = loaded
    at = {kind: ids[0] for kind, ids in sample.oddities.items()}
    assert rows[at["missing_label"]]["emotion_video"] is None
    assert rows[at["missing_label"]]["modalities"] == list(_MODALITIES)
    assert rows[at["missing_video"]]["emotion_video"] is None
    assert rows[at["missing_video"]]["modalities"] == ["text", "audio", "multimodal"]
    assert rows[at["missing_mp4"]]["video"] is None
    assert rows[at["captions_absent"]]["captions"] is None
    assert [p.utterance_id for p in problems_of(report, "ET-PRES-001")] == [at["missing_video"]]
    assert [p.utterance_id for p in problems_of(report, "ET-PRES-002")] == [at["missing_mp4"]]


def test_media_decode_to_what_was_written(sample: EmotalkSample, tmp_path: Path) -> None:
    for row in load_dataset("emotalk", data_dir=sample.root, cache_dir=tmp_path, split="train"):
        utterance = sample.by_id[row["utterance_id"]]
        assert row["audio"].sampling_rate == utterance.sampling_rate
        assert row["audio"].decode().shape == (utterance.num_channels, utterance.num_samples)
        if "mp4" in utterance.presence:
            frames = row["video"].frames(indices=[0])
            assert read_frame_number(np.asarray(frames)[0]) == utterance.first_frame_number


def _link_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, copy_function=os.link)


def _pack(tree: Path, tars: Path) -> None:
    """Make one tar of each top folder, members sorted by name."""
    tars.mkdir(parents=True)
    for top in sorted(tree.iterdir()):
        with tarfile.open(tars / f"{top.name}.tar", "w") as archive:
            archive.add(top, top.name)


def _tars(tree: Path, root: Path) -> None:
    _pack(tree, root)


def _gzip(tree: Path, root: Path) -> None:
    _pack(tree, root)
    for name in ("Text.tar", "Video.tar"):
        (root / name).write_bytes(gzip.compress((root / name).read_bytes(), 1))


def _zip(tree: Path, root: Path) -> None:
    _link_tree(tree, root)
    videos = root / "Multimodal" / "mp4"
    with zipfile.ZipFile(root / "Multimodal" / "all.zip", "w") as archive:
        for path in sorted(videos.rglob("*.mp4")):
            archive.write(path, path.relative_to(root / "Multimodal"))
    shutil.rmtree(videos)
    (root / "Multimodal" / "mp4.zip").unlink()


def _zip_in_tar(tree: Path, root: Path) -> None:
    _zip(tree, root.with_name("unpacked"))
    _pack(root.with_name("unpacked"), root)


def _deeper(tree: Path, root: Path) -> None:
    _pack(tree, root / "a" / "data" / "EmotionTalk")


@pytest.mark.parametrize("make", [_tars, _gzip, _zip, _zip_in_tar, _deeper])
def test_tars_gzip_and_zips_give_the_rows_of_the_tree_and_media_that_decode(
    make: Any, sample: EmotalkSample, loaded: tuple[Rows, Report], tmp_path: Path
) -> None:
    root = tmp_path / "release"
    make(sample.root, root)
    rows, report = load(root, tmp_path / "cache")
    assert _without(rows) == _without(loaded[0])
    assert report.num_by_code() == loaded[1].num_by_code()
    assert report.counts == loaded[1].counts
    dataset = load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / "cache", split="test")
    assert dataset.num_rows == 6
    for row in dataset:
        utterance = sample.by_id[row["utterance_id"]]
        assert row["audio"].num_samples == utterance.num_samples
        assert row["video"].num_frames == utterance.num_frames
    frames = np.asarray(dataset[0]["video"].frames(indices=[0]))
    assert read_frame_number(frames[0]) == sample.by_id[dataset[0]["utterance_id"]].first_frame_number


def test_one_modality_alone_is_a_release(
    sample: EmotalkSample, loaded: tuple[Rows, Report], tmp_path: Path
) -> None:
    for modality in _MODALITIES:
        rows, report = load(sample.root / modality.capitalize(), tmp_path)
        for key, row in rows.items():
            assert row["modalities"] == [modality]
            for column, other in _COLUMNS.items():
                assert row[column] == (loaded[0][key][column] if other == modality else None)
            assert {a["modality"] for a in row["annotations"]} == {modality}
        assert not report.num_problems("error")
        assert "ET-PRES-001" not in report.num_by_code()


@pytest.mark.parametrize("inner", ["Text/json", "Video/json"])
def test_the_folder_of_json_files_of_one_modality_can_be_given(
    inner: str, sample: EmotalkSample, tmp_path: Path
) -> None:
    rows, report = load(sample.root / inner, tmp_path)
    assert {tuple(row["modalities"]) for row in rows.values()} == {(inner.split("/")[0].lower(),)}
    assert report.counts["records_unplaced"] == 0


def test_one_tar_alone_is_a_release(tmp_path: Path) -> None:
    made = make_emotalk(tmp_path / "release", num_utterances=18, tars=True, media=False)
    rows, _ = load(made.root / "Audio.tar", tmp_path / "cache")
    assert len(rows) == 18
    assert {tuple(row["modalities"]) for row in rows.values()} == {("audio",)}
    assert {key: row["text"] for key, row in rows.items()} == {key: u.text for key, u in made.by_id.items()}


@pytest.mark.parametrize("name", ["Video.tar", "VIDEO.TAR", "v1.target/Video.tar", "Video/part.1.tar"])
def test_a_tar_without_its_top_folder_is_known_by_its_own_name(name: str, tmp_path: Path) -> None:
    made = make_emotalk(tmp_path / "release", num_utterances=6, media=False, oddities=False)
    path = tmp_path / "tars" / name
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w") as archive:
        archive.add(made.root / "Video" / "json", "json")
    rows, report = load(tmp_path / "tars", tmp_path / "cache")
    assert {tuple(row["modalities"]) for row in rows.values()} == {("video",)}
    assert report.is_clean


def test_a_tree_wins_over_the_tars_beside_it_and_that_is_noted(
    sample: EmotalkSample, loaded: tuple[Rows, Report], tmp_path: Path
) -> None:
    root = tmp_path / "both"
    _pack(sample.root, root)
    for top in ("Text", "Audio"):
        _link_tree(sample.root / top, root / top)
    rows, report = load(root, tmp_path / "cache")
    assert _without(rows) == _without(loaded[0])
    assert report.counts["records_shadowed"] == 48
    assert [(p.file, p.count) for p in problems_of(report, "ET-DUP-002")] == [
        ("Audio.tar", 24),
        ("Text.tar", 24),
    ]
    for row in rows.values():
        assert row["audio"]["path"].startswith(f"{root}/Audio/wav/")


def test_a_tree_that_is_not_complete_is_filled_up_from_the_tars(
    sample: EmotalkSample, loaded: tuple[Rows, Report], tmp_path: Path
) -> None:
    root = tmp_path / "both"
    _pack(sample.root, root)
    key = sample.utterances[5].utterance_id
    for modality in ("text", "video"):
        target = record_path(root, modality, key)
        target.parent.mkdir(parents=True)
        shutil.copy(record_path(sample.root, modality, key), target)
    rows, report = load(root, tmp_path / "cache")
    assert _without(rows) == _without(loaded[0])
    assert report.counts["records_shadowed"] == 2


def test_dialogues_come_in_order_and_utterances_by_number(tmp_path: Path) -> None:
    # Sessions 09, 10 and 11 with numbers that interleave: order by text or by number alone would mix them.
    made = make_emotalk(tmp_path / "release", num_utterances=18, media=False, oddities=False)
    for place, utterance in enumerate(made.utterances):
        old = utterance.utterance_id
        new = f"G00002_{(11, 9, 10)[place % 3]:02d}_{(7, 8)[place % 2]:02d}_{18 - place:03d}"
        source, target = record_path(made.root, "text", old), record_path(tmp_path / "new", "text", new)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    dataset = load_dataset("emotalk", data_dir=tmp_path / "new", cache_dir=tmp_path / "cache", split="train")
    order = list(zip(dataset["dialogue_id"], dataset["utterance_number"], strict=True))
    assert order == sorted(order)
    assert len(order) == 18


def test_processes_do_not_change_rows_or_report(tmp_path: Path) -> None:
    # 400 rows: more than one shard of train.
    made = make_emotalk(tmp_path / "release", num_utterances=400, media=False)
    rows, report = load(made.root, tmp_path / "one")
    load_dataset("emotalk", data_dir=made.root, cache_dir=tmp_path / "two", num_proc=2)
    others, shared = load(made.root, tmp_path / "two")
    assert list(rows.items()) == list(others.items())
    assert report.to_dict() == shared.to_dict()


def test_streaming_gives_the_same_rows(
    sample: EmotalkSample, loaded: tuple[Rows, Report], tmp_path: Path
) -> None:
    streamed = load_dataset("emotalk", data_dir=sample.root, streaming=True, cache_dir=tmp_path)
    seen: Rows = {}
    for split, rows in streamed.items():
        for row in rows:
            seen[row["utterance_id"]] = {**row, "split": split}
    assert _without(seen) == _without(loaded[0])


def test_validate_finds_what_loading_finds(sample: EmotalkSample, loaded: tuple[Rows, Report]) -> None:
    assert_validation_finds_it_all(sample.root, loaded[1])


def test_a_folder_without_records_is_no_release(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReleaseNotFoundError, match=r"no EmotionTalk record under .*empty"):
        load_dataset("emotalk", data_dir=tmp_path / "empty", cache_dir=tmp_path / "cache")
    with pytest.raises(ReleaseNotFoundError, match="no record of EmotionTalk"):
        validate(tmp_path / "empty")
    with pytest.raises(ReleaseNotFoundError, match="there"):
        validate(tmp_path / "nowhere" / "there")
    with pytest.raises(OptionError, match="expected 'emotalk' or 'm3ed'"):
        validate(tmp_path / "empty", corpus="iemocap")  # type: ignore[arg-type]

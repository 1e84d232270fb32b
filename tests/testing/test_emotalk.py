from __future__ import annotations

import ast
import gzip
import io
import json
import re
import tarfile
import wave
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.testing import EmotalkSample, EmotalkUtterance, make_emotalk, read_frame_number
from emotalk_data.testing.annotations import EMOTALK_ALIASES, weighted_label
from emotalk_data.testing.records import ODDITY_MODALITY

_ID = re.compile(r"G\d{5}_\d{2}_\d{2}_\d{3}", re.ASCII)
_TREES = {"text": "Text", "audio": "Audio", "video": "Video", "multimodal": "Multimodal"}

ReadTree = Callable[..., dict[str, bytes]]


def _json_path(root: Path, utterance: EmotalkUtterance, modality: str) -> Path:
    return root / _TREES[modality] / "json" / utterance.media_path(".json")


def _load(root: Path, utterance: EmotalkUtterance, modality: str) -> dict[str, Any]:
    path = _json_path(root, utterance, modality)
    if not path.exists():
        path = path.with_suffix(".jsonl")
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    return record


def _without_markup(raw: str) -> str:
    """The recipe of the format notes that loses no speech."""
    tags = r"\[(over/|/over|over|/over/|interrupted|laughing|sobbing|crying|screaming)\]"
    text = re.sub(tags, "", raw, flags=re.IGNORECASE)
    for fragment in ("[over/", "[/over", "[over", "over/]", "/over]", "over]", "/over"):
        text = text.replace(fragment, "")
    return text.replace("[", "").replace("]", "")


def test_ids_follow_the_grammar_and_folders_are_their_prefixes(emotalk: EmotalkSample) -> None:
    files = [p for p in emotalk.root.rglob("*") if p.suffix in (".json", ".jsonl", ".wav", ".mp4")]
    real = [path for path in files if not path.name.startswith(".")]
    for path in real:
        assert _ID.fullmatch(path.stem)
        group, session, speaker, _ = path.stem.split("_")
        folders = (group, f"{group}_{session}", f"{group}_{session}_{speaker}")
        assert path.relative_to(emotalk.root).parts[2:-1] == folders
    present = sum(len(utterance.presence) for utterance in emotalk.utterances)
    assert len(real) == present
    assert len(emotalk.utterances) == len(emotalk.by_id) == 48


def test_all_splits_are_there_and_follow_the_groups(emotalk: EmotalkSample) -> None:
    official = {"validation": {"G00001", "G00012"}, "test": {"G00003", "G00015"}}
    for split, groups in official.items():
        assert {u.group_id for u in emotalk.utterances if u.split == split} == groups
    assert sum(len(emotalk.split_ids(split)) for split in ("train", "validation", "test")) == 48
    assert {split: len(emotalk.split_ids(split)) > 0 for split in ("train", "validation", "test")} == {
        "train": True,
        "validation": True,
        "test": True,
    }


def test_dialogues_have_six_to_ten_utterances_two_speakers_and_gaps(emotalk: EmotalkSample) -> None:
    dialogues: dict[str, list[EmotalkUtterance]] = {}
    for utterance in emotalk.utterances:
        dialogues.setdefault(utterance.dialogue_id, []).append(utterance)
    one_sided = {emotalk.by_id[i].dialogue_id for i in emotalk.oddities["one_sided_session"]}
    assert len(one_sided) == 1
    for dialogue_id, utterances in dialogues.items():
        assert 6 <= len(utterances) <= 10
        assert len({u.speaker_id for u in utterances}) == (1 if dialogue_id in one_sided else 2)
        numbers = [u.utterance_number for u in utterances]
        assert numbers == sorted(set(numbers))
    assert any(u[-1].utterance_number > len(u) for u in dialogues.values())
    assert len({u.group_id for u in emotalk.utterances}) < len(dialogues)


@pytest.mark.parametrize("num_utterances", [1, 5, 18, 19, 29, 100])
def test_any_number_of_utterances_can_be_asked(tmp_path: Path, num_utterances: int) -> None:
    sample = make_emotalk(tmp_path, num_utterances=num_utterances, media=False)
    assert len(sample.by_id) == num_utterances
    sizes = Counter(utterance.dialogue_id for utterance in sample.utterances)
    assert sum(size < 6 for size in sizes.values()) <= 1
    assert max(sizes.values()) <= 10
    if num_utterances >= 18:
        assert {u.split for u in sample.utterances} == {"train", "validation", "test"}


def test_the_truth_is_what_plain_json_shows_of_regular_files(emotalk: EmotalkSample) -> None:
    odd = {i for kind in ODDITY_MODALITY for i in emotalk.oddities[kind]}
    regular = [utterance for utterance in emotalk.utterances if utterance.utterance_id not in odd]
    assert len(regular) > 20
    for utterance in regular:
        assert utterance.presence == {"text", "audio", "video", "multimodal", "wav", "mp4"}
        for modality in _TREES:
            record = _load(emotalk.root, utterance, modality)
            votes = [vote for vote in utterance.votes if vote.modality == modality]
            assert [(v["emotion"], v["Confidence_degree"]) for v in record["data"]] == [
                (vote.emotion, vote.confidence) for vote in votes
            ]
            assert len(votes) == 5
            assert record["emotion_result"] == utterance.labels[modality]
            assert record["speaker_id"] == utterance.speaker_id
        text, audio, _, whole = (_load(emotalk.root, utterance, modality) for modality in _TREES)
        assert text["content"] == audio["content"] == utterance.text_raw
        assert audio["sourceAttr"] == utterance.captions
        assert audio["paragraphs"]["startTime"] == utterance.start_seconds
        assert audio["paragraphs"]["endTime"] == utterance.end_seconds
        labels = [vote["Continuous_label"] for vote in whole["data"]]
        assert whole["Continuous label_result"] == utterance.sentiment == round(sum(labels) / 5, 1)


def test_keys_stand_in_the_order_of_the_release(emotalk: EmotalkSample) -> None:
    first = emotalk.utterances[0]
    keys = {modality: list(_load(emotalk.root, first, modality)) for modality in _TREES}
    assert keys == {
        "text": ["data", "emotion_result", "speaker_id", "content", "file_name"],
        "audio": [
            "data",
            "emotion_result",
            "speaker_id",
            "content",
            "paragraphs",
            "sourceAttr",
            "file_path",
        ],
        "video": ["data", "emotion_result", "speaker_id", "file_name"],
        "multimodal": ["data", "emotion_result", "Continuous label_result", "speaker_id", "file_name"],
    }


def test_labels_follow_the_weighted_votes_but_for_recorded_overrides(emotalk: EmotalkSample) -> None:
    changed = 0
    for utterance in emotalk.utterances:
        for modality, label in utterance.labels.items():
            votes = [vote for vote in utterance.votes if vote.modality == modality]
            if label is not None:
                assert (weighted_label(votes) != label) == (modality in utterance.overridden)
            changed += modality in utterance.overridden
    assert 0 < changed < 48


def test_markup_comes_off_without_losing_a_character(emotalk: EmotalkSample) -> None:
    for utterance in emotalk.utterances:
        assert _without_markup(utterance.text_raw or "") == utterance.text
    marked = sum(bool(utterance.tags) for utterance in emotalk.utterances)
    assert 14 <= marked <= 34


def test_a_wav_is_as_long_as_its_times_say(emotalk: EmotalkSample) -> None:
    kinds = set()
    for utterance in emotalk.utterances:
        path = emotalk.root / "Audio" / "wav" / utterance.media_path(".wav")
        with wave.open(str(path)) as file:
            rate, num_samples = file.getframerate(), file.getnframes()
            kinds.add((rate, file.getnchannels(), file.getsampwidth()))
            assert file.getnchannels() == utterance.num_channels
        assert (rate, num_samples) == (utterance.sampling_rate, utterance.num_samples)
        assert utterance.start_seconds is not None
        assert utterance.end_seconds is not None
        assert abs((utterance.end_seconds - utterance.start_seconds) * rate - num_samples) <= 2
    assert kinds == {(44_100, 1, 2), (44_100, 2, 2), (16_000, 1, 2), (16_000, 2, 2)}


def test_every_clip_differs_and_shows_its_own_numbers(emotalk: EmotalkSample) -> None:
    with_video = [utterance for utterance in emotalk.utterances if "mp4" in utterance.presence]
    assert len(with_video) == 47
    for utterance in with_video[::6]:
        path = emotalk.root / "Multimodal" / "mp4" / utterance.media_path(".mp4")
        with path.open("rb") as raw, av.open(raw, "r") as file:
            numbers = [read_frame_number(f.to_ndarray(format="rgb24")) for f in file.decode(video=0)]
            assert file.streams.audio
        first = utterance.first_frame_number
        assert numbers == list(range(first, first + utterance.num_frames))
        assert abs(len(numbers) / 25 - utterance.num_samples / utterance.sampling_rate) < 0.001
    assert [u.first_frame_number for u in emotalk.utterances] == [100 * n for n in range(48)]
    sounds = {path.read_bytes() for path in emotalk.root.rglob("*.wav")}
    assert len(sounds) == 48


def test_each_kind_of_oddity_is_really_there(emotalk: EmotalkSample) -> None:
    assert set(emotalk.oddities) == {*ODDITY_MODALITY, "one_sided_session"}
    root = emotalk.root
    at = {kind: emotalk.by_id[ids[0]] for kind, ids in emotalk.oddities.items()}

    def load(kind: str) -> dict[str, Any]:
        return _load(root, at[kind], ODDITY_MODALITY[kind])

    assert load("unbalanced_overlap")["content"].count("[over/]") == 1
    assert "[/over]" not in load("unbalanced_overlap")["content"]
    assert re.search(r"\[over/[^\]]+\]", load("malformed_tag")["content"])
    label = at["alias_label"].labels["text"]
    assert label is not None
    assert load("alias_label")["emotion_result"] == EMOTALK_ALIASES[label] != label
    assert _json_path(root, at["bom"], "text").read_bytes().startswith(b"\xef\xbb\xbf")
    litter = _json_path(root, at["litter"], "text")
    assert litter.with_name(f"._{litter.name}").exists()
    assert (root / "Text" / ".DS_Store").exists()
    assert load("unknown_key")["reviewer_notes"] == [None, 1, 2]
    python = load("captions_python_literal")["sourceAttr"]
    assert ast.literal_eval(python) == at["captions_python_literal"].captions
    assert json.loads(load("captions_json_string")["sourceAttr"]) == at["captions_json_string"].captions
    assert "sourceAttr" not in load("captions_absent")
    assert at["captions_absent"].captions is None
    assert load("captions_top_level")["caption_5"] == (at["captions_top_level"].captions or {})["caption_5"]
    parts = load("paragraphs_list")["paragraphs"]
    assert min(part["startTime"] for part in parts) == at["paragraphs_list"].start_seconds
    assert max(part["endTime"] for part in parts) == at["paragraphs_list"].end_seconds
    assert float(load("times_as_strings")["paragraphs"]["endTime"]) == at["times_as_strings"].end_seconds
    assert load("flat_form")["startTime"] == at["flat_form"].start_seconds
    assert load("flat_form")["spe_cap"]
    assert {"emotion", "confidence degree"} == set(load("key_spelling")["data"][0])
    assert not _json_path(root, at["jsonl"], "video").exists()
    assert load("missing_label")["emotion_result"] is None
    assert at["missing_label"].labels["video"] is None
    assert not _json_path(root, at["missing_video"], "video").exists()
    assert float(load("numbers_as_strings")["Continuous label_result"]) == at["numbers_as_strings"].sentiment
    assert not (root / "Multimodal" / "mp4" / at["missing_mp4"].media_path(".mp4")).exists()
    with zipfile.ZipFile(root / "Multimodal" / "mp4.zip") as archive:
        name = f"mp4/{at['zip_repeats_mp4'].media_path('.mp4')}"
        assert archive.read(name) == (root / "Multimodal" / name).read_bytes()


def test_a_clean_release_has_no_oddity(tmp_path: Path) -> None:
    sample = make_emotalk(tmp_path, num_utterances=40, media=False, oddities=False)
    assert sample.oddities == {}
    assert len(list(tmp_path.rglob("*.json"))) == 160
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 160
    assert all(u.presence == set(_TREES) for u in sample.utterances)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, read_tree: ReadTree
) -> None:
    spoken = ("text", "audio", "video")
    first = make_emotalk(tmp_path / "first", modalities=spoken)
    again = make_emotalk(tmp_path / "again", modalities=spoken)
    other = make_emotalk(tmp_path / "other", modalities=spoken, seed=1, media=False)
    assert read_tree(first.root) == read_tree(again.root)
    assert (first.utterances, first.oddities) == (again.utterances, again.oddities)
    assert [u.text_raw for u in other.utterances] != [u.text_raw for u in first.utterances]


def test_tars_hold_the_bytes_of_the_tree_sorted_with_json_first(tmp_path: Path, read_tree: ReadTree) -> None:
    tree = make_emotalk(tmp_path / "tree", num_utterances=24)
    packed = make_emotalk(tmp_path / "tars", num_utterances=24, tars=True)
    assert packed.utterances == tree.utterances
    assert packed.oddities == tree.oddities
    assert {p.name for p in packed.root.iterdir()} == {f"{t}.tar" for t in _TREES.values()}
    found: dict[str, bytes] = {}
    for archive_path in packed.root.iterdir():
        with tarfile.open(archive_path, "r:") as archive:
            names = archive.getnames()
            assert names == sorted(names)
            files = [member for member in archive if member.isfile()]
            kinds = [m.name.split("/")[1] == "json" for m in files if not Path(m.name).name.startswith(".")]
            assert kinds == sorted(kinds, reverse=True)
            for member in files:
                data = archive.extractfile(member)
                assert data is not None
                found[member.name] = data.read()
    assert found == read_tree(tree.root)


def test_text_and_video_can_be_gzip_under_the_name_tar(tmp_path: Path) -> None:
    plain = make_emotalk(tmp_path / "plain", num_utterances=6, tars=True, media=False)
    packed = make_emotalk(tmp_path / "packed", num_utterances=6, tars=True, gzip_text=True, media=False)
    for name in ("Text.tar", "Video.tar"):
        data = (packed.root / name).read_bytes()
        assert gzip.decompress(data)[:512] == (plain.root / name).read_bytes()[:512]
        with (
            tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive,
            tarfile.open(plain.root / name, "r:") as other,
        ):
            assert archive.getnames() == other.getnames()
    for name in ("Audio.tar", "Multimodal.tar"):
        assert (packed.root / name).read_bytes() == (plain.root / name).read_bytes()


@pytest.mark.parametrize("tars", [False, True])
def test_mp4s_can_lie_only_in_a_nested_zip(tmp_path: Path, tars: bool) -> None:
    sample = make_emotalk(tmp_path, num_utterances=3, nested_zip=True, tars=tars, oddities=False)
    if tars:
        with tarfile.open(tmp_path / "Multimodal.tar", "r:") as archive:
            assert not [name for name in archive.getnames() if name.endswith(".mp4")]
            member = archive.extractfile("Multimodal/mp4.zip")
            assert member is not None
            data = member.read()
    else:
        assert not list(tmp_path.rglob("*.mp4"))
        data = (tmp_path / "Multimodal" / "mp4.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as nested:
        assert nested.namelist() == sorted(f"mp4/{u.media_path('.mp4')}" for u in sample.utterances)


def test_a_release_of_text_alone_knows_nothing_else(tmp_path: Path) -> None:
    sample = make_emotalk(tmp_path, num_utterances=30, modalities=("text",))
    assert [path.name for path in tmp_path.iterdir()] == ["Text"]
    for utterance in sample.utterances:
        assert utterance.presence == {"text"}
        assert utterance.text_raw
        assert (utterance.captions, utterance.start_seconds, utterance.sentiment) == (None, None, None)
        assert {m for m, label in utterance.labels.items() if label is not None} == {"text"}
        assert {vote.modality for vote in utterance.votes} == {"text"}
    assert {ODDITY_MODALITY[kind] for kind in sample.oddities if kind != "one_sided_session"} == {"text"}


def test_impossible_arguments_are_option_errors(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected 1 to 2500"):
        make_emotalk(tmp_path, num_utterances=0)
    with pytest.raises(OptionError, match="expected some of"):
        make_emotalk(tmp_path, modalities=("text", "smell"))
    with pytest.raises(OptionError, match="pass tars=True"):
        make_emotalk(tmp_path, gzip_text=True)
    with pytest.raises(OptionError, match="needs media=True"):
        make_emotalk(tmp_path, nested_zip=True, media=False)
    assert list(tmp_path.iterdir()) == []
    make_emotalk(tmp_path, num_utterances=1, media=False)
    with pytest.raises(OptionError, match="exists already"):
        make_emotalk(tmp_path, num_utterances=1, media=False)

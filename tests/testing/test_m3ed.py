from __future__ import annotations

import json
import re
import wave
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.testing import M3edSample, M3edUtterance, make_m3ed, read_frame_number, tone_frequency
from emotalk_data.testing.annotations import M3ED_EMOTIONS, blend

_TIME = re.compile(r"(\d\d):(\d\d):(\d\d):(\d\d)", re.ASCII)

ReadTree = Callable[..., dict[str, bytes]]


def _annotation(sample: M3edSample) -> dict[str, Any]:
    annotation: dict[str, Any] = json.loads((sample.root / "annotation.json").read_text(encoding="utf-8"))
    return annotation


def _relation(sample: M3edSample) -> dict[str, dict[str, Any]]:
    text = (sample.root / "relation_annotation_release.json").read_text(encoding="utf-8")
    return {name: place for dialogues in json.loads(text).values() for name, place in dialogues.items()}


def _seconds(clock: str) -> float:
    hours, minutes, seconds, frame = (int(field) for field in clock.strip().split(":"))
    return hours * 3600 + minutes * 60 + seconds + frame / 25


def _dialogues(sample: M3edSample) -> dict[str, list[M3edUtterance]]:
    out: dict[str, list[M3edUtterance]] = {}
    for utterance in sample.utterances:
        out.setdefault(utterance.dialogue_id, []).append(utterance)
    return out


def test_split_lists_are_disjoint_cover_all_series_and_end_without_newline(m3ed: M3edSample) -> None:
    lists = {
        split: (m3ed.root / "splitInfo" / f"movie_list_{split}.txt").read_text(encoding="utf-8")
        for split in ("train", "val", "test", "total")
    }
    assert not any(text.endswith("\n") for text in lists.values())
    names = {split: text.split("\n") for split, text in lists.items()}
    assert sorted(names["train"] + names["val"] + names["test"]) == sorted(names["total"])
    assert set(names["total"]) == set(_annotation(m3ed))
    for utterance in m3ed.utterances:
        assert utterance.series in names[utterance.split.replace("validation", "val")]
    assert {split: list(series) for split, series in m3ed.splits.items()} == {
        "train": names["train"],
        "validation": names["val"],
        "test": names["test"],
    }


def test_the_truth_is_what_plain_json_shows(m3ed: M3edSample) -> None:
    annotation = _annotation(m3ed)
    seen = 0
    misspelt = {i for kind in ("emotion_typo", "other_typo") for i in m3ed.oddities[kind]}
    for utterance in m3ed.utterances:
        dialogue = annotation[utterance.series][utterance.dialogue_id]
        line = dialogue["Dialog"][utterance.utterance_id]
        seen += 1
        assert utterance.utterance_id == f"{utterance.dialogue_id}_{utterance.utterance_number}"
        assert (line["Speaker"], line["Text"]) == (utterance.speaker_id, utterance.text)
        assert _TIME.fullmatch(line["StartTime"])
        assert _seconds(line["StartTime"]) == pytest.approx(utterance.start_seconds, abs=1e-9)
        assert _seconds(line["EndTime"]) == pytest.approx(utterance.end_seconds, abs=1e-9)
        assert dialogue["SpeakerInfo"][utterance.speaker_id]["Name"] == utterance.speaker_name
        if utterance.utterance_id not in misspelt:
            votes = [tuple(line["EmoAnnotation"][f"EmoAnnotator{n}"].split(",")) for n in (1, 2, 3)]
            assert tuple(votes) == utterance.annotations
            assert line["EmoAnnotation"]["final_mul_emo"] == ",".join(utterance.emotions)
            assert line["EmoAnnotation"]["final_main_emo"] == utterance.emotion
    assert seen == sum(len(d["Dialog"]) for series in annotation.values() for d in series.values())


def test_utterances_follow_each_other_and_speakers_take_turns(m3ed: M3edSample) -> None:
    for utterances in _dialogues(m3ed).values():
        assert {u.speaker_id for u in utterances} == {"A", "B"}
        for before, after in pairwise(utterances):
            assert before.end_seconds <= after.start_seconds
            assert before.utterance_number < after.utterance_number


def test_dialogues_lie_in_their_episode_without_overlap(m3ed: M3edSample) -> None:
    relation = _relation(m3ed)
    spans: dict[str, list[tuple[float, float]]] = {}
    for dialogue_id, utterances in _dialogues(m3ed).items():
        place = relation[dialogue_id]
        start, end = _seconds(place["start_time"]), _seconds(place["end_time"])
        spans.setdefault(utterances[0].episode_path, []).append((start, end))
        for utterance in utterances:
            assert place["episode"] == utterance.episode
            assert start + utterance.start_seconds == pytest.approx(utterance.episode_start_seconds, abs=1e-9)
            assert start + utterance.end_seconds == pytest.approx(utterance.episode_end_seconds, abs=1e-9)
            assert utterance.episode_end_seconds <= end
    assert max(len(inside) for inside in spans.values()) == 2
    for inside in spans.values():
        for before, after in pairwise(sorted(inside)):
            assert before[1] <= after[0]


def test_an_episode_shows_each_utterances_frames_where_the_truth_says(m3ed: M3edSample) -> None:
    assert m3ed.episodes_dir is not None
    paths = {utterance.episode_path for utterance in m3ed.utterances}
    firsts = []
    for name in sorted(paths):
        with (m3ed.episodes_dir / name).open("rb") as raw, av.open(raw, "r") as file:
            numbers = [read_frame_number(f.to_ndarray(format="gray")) for f in file.decode(video=0)]
            assert file.streams.video[0].average_rate == 25
        firsts.append(numbers[0])
        assert 20 <= len(numbers) / 25 <= 50
        for utterance in (u for u in m3ed.utterances if u.episode_path == name):
            start, end = (
                round(s * 25) for s in (utterance.episode_start_seconds, utterance.episode_end_seconds)
            )
            first = utterance.first_frame_number
            assert numbers[start:end] == list(range(first, first + utterance.num_frames))
    assert len(set(firsts)) == len(paths)


def test_the_sound_of_an_episode_tells_the_time(m3ed: M3edSample) -> None:
    assert m3ed.episodes_dir is not None
    utterance = m3ed.utterances[-1]
    with (m3ed.episodes_dir / utterance.episode_path).open("rb") as raw, av.open(raw, "r") as file:
        rate = file.streams.audio[0].rate
        sound = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
    middle = (utterance.episode_start_seconds + utterance.episode_end_seconds) / 2
    window = sound[round((middle - 0.1) * rate) : round((middle + 0.1) * rate)]
    # 0.2 s resolve 5 Hz; the codec's delay of 0.064 s would shift the tone by 4 Hz.
    assert np.abs(np.fft.rfft(window)).argmax() * 5 == pytest.approx(tone_frequency(middle), abs=10)


def test_clips_are_as_long_as_their_utterances(m3ed: M3edSample) -> None:
    present = {path.relative_to(m3ed.root).as_posix() for path in (m3ed.root / "audio").iterdir()}
    assert present == {u.audio_path for u in m3ed.utterances if u.audio_path is not None}
    for utterance in m3ed.utterances:
        if utterance.audio_path is not None:
            with wave.open(str(m3ed.root / utterance.audio_path)) as file:
                assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
                assert file.getnframes() == utterance.num_samples
            seconds = utterance.end_seconds - utterance.start_seconds
            assert seconds * 16_000 == pytest.approx(utterance.num_samples, abs=1e-6)


def test_each_kind_of_oddity_is_really_there(m3ed: M3edSample) -> None:
    annotation, relation = _annotation(m3ed), _relation(m3ed)
    odd = m3ed.oddities

    def votes(kind: str) -> dict[str, str]:
        utterance = m3ed.by_id[odd[kind][0]]
        line = annotation[utterance.series][utterance.dialogue_id]["Dialog"][utterance.utterance_id]
        found: dict[str, str] = line["EmoAnnotation"]
        return found

    def truth(kind: str) -> M3edUtterance:
        return m3ed.by_id[odd[kind][0]]

    assert votes("blend")["final_mul_emo"] == "Anger,Disgust"
    assert votes("annotator_other")["EmoAnnotator3"] == "Other"
    assert "Happpy" in votes("emotion_typo")["EmoAnnotator2"]
    assert votes("emotion_typo")["final_mul_emo"] == "Surprise,Happy "
    assert votes("other_typo")["EmoAnnotator3"] == "Othe"
    assert truth("main_not_in_blend").emotion not in truth("main_not_in_blend").emotions
    misnamed = truth("audio_other_speaker")
    assert misnamed.audio_path is not None
    assert not misnamed.audio_path.startswith(f"audio/{misnamed.speaker_id}_")
    assert (m3ed.root / misnamed.audio_path).exists()
    assert not list((m3ed.root / "audio").glob(f"*_{odd['audio_missing'][0]}.wav"))
    assert all(relation[i] and i not in _dialogues(m3ed) for i in odd["surplus_dialogue"])
    times = {i: (relation[i]["start_time"], relation[i]["end_time"]) for i in relation}
    for dialogue_id, pair in times.items():
        assert (not all(_TIME.fullmatch(time) for time in pair)) == (dialogue_id in odd["malformed_time"])
    assert all(int(times[i][0][-2:]) >= 25 for i in odd["frame_beyond_rate"])
    speakers = {
        dialogue_id: list(dialogue["SpeakerInfo"].values())
        for dialogues in annotation.values()
        for dialogue_id, dialogue in dialogues.items()
    }
    assert {s["Age"] for i in odd["age_typo"] for s in speakers[i]} >= {"Yong", "yound"}
    assert "Femal" in {s["Gender"] for i in odd["gender_typo"] for s in speakers[i]}
    assert odd["number_gap"]


def test_final_labels_follow_the_paper_but_for_the_recorded_oddity(m3ed: M3edSample) -> None:
    for utterance in m3ed.utterances:
        assert utterance.emotions == blend(utterance.annotations)
        assert set(utterance.emotions) <= set(M3ED_EMOTIONS)
        is_odd = utterance.utterance_id in m3ed.oddities["main_not_in_blend"]
        assert (utterance.emotion == utterance.emotions[0]) != is_odd


@pytest.mark.parametrize("seed", range(8))
def test_every_seed_gives_a_release_with_all_oddities(tmp_path: Path, seed: int) -> None:
    sample = make_m3ed(tmp_path, seed=seed, audio=False, episodes=False)
    assert len(sample.oddities) >= 11
    assert all(u.audio_path is None for u in sample.utterances)
    assert sample.episodes_dir is None
    assert not (tmp_path / "audio").exists()


def test_a_clean_release_has_no_oddity(tmp_path: Path) -> None:
    sample = make_m3ed(tmp_path, num_dialogues=8, audio=False, episodes=False, oddities=False)
    assert sample.oddities == {}
    for utterances in _dialogues(sample).values():
        assert [u.utterance_number for u in utterances] == list(range(1, len(utterances) + 1))
    times = [
        time for place in _relation(sample).values() for time in (place["start_time"], place["end_time"])
    ]
    assert all(_TIME.fullmatch(time) for time in times)
    assert set(_relation(sample)) == set(_dialogues(sample))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, m3ed: M3edSample, read_tree: ReadTree
) -> None:
    again = make_m3ed(tmp_path / "again", episodes=False)
    kinds = (".json", ".wav", ".txt")
    assert read_tree(again.root, kinds) == read_tree(m3ed.root, kinds)
    assert (again.utterances, again.oddities) == (m3ed.utterances, m3ed.oddities)
    other = make_m3ed(tmp_path / "other", seed=1, audio=False, episodes=False)
    assert [u.text for u in other.utterances] != [u.text for u in m3ed.utterances]


@pytest.mark.parametrize("num_dialogues", [1, 3, 60])
def test_any_number_of_dialogues_can_be_asked(tmp_path: Path, num_dialogues: int) -> None:
    sample = make_m3ed(tmp_path, num_dialogues=num_dialogues, audio=False, episodes=False)
    assert len(_dialogues(sample)) == num_dialogues
    assert max(u.first_frame_number + u.num_frames for u in sample.utterances) < 65_536


def test_impossible_arguments_are_option_errors(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected 1 to 60"):
        make_m3ed(tmp_path, num_dialogues=0)
    make_m3ed(tmp_path, num_dialogues=1, audio=False, episodes=False)
    with pytest.raises(OptionError, match="exists already"):
        make_m3ed(tmp_path, num_dialogues=1, audio=False, episodes=False)

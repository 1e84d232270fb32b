"""M3ED by its real split lists and relation file, which are no part of this project, with an invented annotation.

The tables are looked for in `../shared/data/m3ed`, or in `$EMOTALK_REAL_TABLES/m3ed`.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from emotalk_data.load import load_dataset
from emotalk_data.loaders.listing import list_release
from emotalk_data.loaders.m3ed import M3edUtterance, read_m3ed
from emotalk_data.loaders.m3ed_index import DialogueSource, index_m3ed
from emotalk_data.loaders.report import Report

_ROOT = Path(__file__).resolve().parents[2]
_TABLES = Path(os.environ.get("EMOTALK_REAL_TABLES", _ROOT.parent / "shared" / "data")) / "m3ed"
_RELATION = "relation_annotation_release.json"

pytestmark = pytest.mark.skipif(
    not (_TABLES / "movie_list_total.txt").exists(), reason=f"M3ED's own tables are not in {_TABLES}"
)

# What one utterance in ten has: the three annotators' fields, the blend, the main emotion, and what they mean.
_ODD = (
    (("Anger,Disgust", "Disgust,Anger", "Anger"), "Anger,Disgust", "Anger", "Anger,Disgust", "Anger"),
    (("Other", "Happy", "Happy"), "Happy", "Happy", "Happy", "Happy"),
    (("Angry", "Surprised", "Othe"), "Anger", "Anger", "Anger", "Anger"),
    (("Surperised", "Happpy", "Fear "), "Surprised,Happpy", "Surperised", "Surprise,Happy", "Surprise"),
    (("Sad", "Sad", "Neutral"), "Sad,Neutral", "Fear", "Sad,Neutral", "Fear"),
)
_PLAIN = (("Neutral", "Neutral", "Sad"), "Neutral", "Neutral", "Neutral", "Neutral")


class Truth(NamedTuple):
    """What was written for one utterance."""

    start_frame: int
    end_frame: int
    emotions: str
    emotion: str


class Release(NamedTuple):
    """The release, what was written into it, and what was read from it."""

    truth: dict[str, Truth]
    extra: set[str]
    relation: dict[str, dict[str, Any]]
    dialogues: list[DialogueSource]
    utterances: list[M3edUtterance]
    report: Report
    root: Path


def _clock(frames: int) -> str:
    """Write frames of 1/25 s, every third time with a second moved into the frame field, which is legal."""
    seconds, frame = divmod(frames, 25)
    if seconds and frames % 3 == 0:
        seconds, frame = seconds - 1, frame + 25
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}"


def _dialogue(rng: random.Random, dialogue_id: str, truth: dict[str, Truth]) -> dict[str, Any]:
    numbers = rng.sample(range(1, 25), rng.choice((3, 4, 12)))  # gaps, and no order
    clock, lines = 1, {}
    for number in sorted(numbers):
        votes, blend, main, *meaning = rng.choice(_ODD) if rng.random() < 0.1 else _PLAIN
        end = clock + rng.randint(10, 90)
        utterance_id = f"{dialogue_id}_{number}"
        truth[utterance_id] = Truth(clock, end, *meaning)
        lines[utterance_id] = {
            "StartTime": _clock(clock),
            "EndTime": _clock(end),
            "Text": "今天，天气不错",
            "Speaker": rng.choice("AB"),
            "EmoAnnotation": {
                **{f"EmoAnnotator{n}": vote for n, vote in enumerate(votes, 1)},
                "final_mul_emo": blend,
                "final_main_emo": main,
            },
        }
        clock = end + rng.randint(1, 9)
    speakers = {
        "A": {"Name": "甲", "Age": "Yong", "Gender": "Femal", "OtherName": []},
        "B": {"Name": "乙", "Age": "mid", "Gender": "male", "OtherName": ["老乙"]},
    }
    return {"SpeakerInfo": speakers, "Dialog": {key: lines[key] for key in sorted(lines)}}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """990 of the relation file's 1,016 dialogues, each with some invented utterances."""
    root = tmp_path_factory.mktemp("m3ed")
    (root / "splitInfo").mkdir()
    for path in _TABLES.glob("movie_list_*.txt"):
        shutil.copy(path, root / "splitInfo")
    shutil.copy(_TABLES / "m3ed_relation_annotation_release.json", root / _RELATION)
    document = json.loads((root / _RELATION).read_text(encoding="utf-8"))
    relation = {name: place for places in document.values() for name, place in places.items()}
    rng = random.Random(3)  # noqa: S311  # invented data
    extra = set(rng.sample(sorted(relation), 26))
    truth: dict[str, Truth] = {}
    annotation = {
        series: {name: _dialogue(rng, name, truth) for name in sorted(places) if name not in extra}
        for series, places in document.items()
    }
    (root / "annotation.json").write_text(json.dumps(annotation, ensure_ascii=False), encoding="utf-8")
    report = Report("m3ed")
    dialogues = index_m3ed(list_release(root), None, report)
    utterances = list(read_m3ed(dialogues, report))
    report.check()
    return Release(truth, extra, relation, dialogues, utterances, report, root)


def test_two_processes_build_the_table_of_these_rows(release: Release, tmp_path: Path) -> None:
    one, two = (
        load_dataset("m3ed", data_dir=release.root, cache_dir=tmp_path / str(num), num_proc=num)
        for num in (1, 2)
    )
    for split in one:
        assert one[split].data.table.equals(two[split].data.table)
        ids = [u.utterance_id for u in release.utterances if u.split == split]
        assert two[split]["utterance_id"][:] == ids


def _frames(text: str) -> int:
    hours, minutes, seconds, frames = (int(field) for field in text.replace(" ", "").split(":"))
    return (hours * 3600 + minutes * 60 + seconds) * 25 + frames


def test_every_utterance_of_the_990_dialogues_is_a_row(release: Release) -> None:
    assert len(release.dialogues) == 990
    assert {u.utterance_id for u in release.utterances} == release.truth.keys()
    assert len(release.utterances) == len(release.truth)
    assert release.report.counts["records_found"] == release.report.counts["rows"] == len(release.truth)
    assert release.report.num_problems("error") == 0


def test_the_series_are_split_38_7_11_by_the_lists(release: Release) -> None:
    series = {(u.split, u.series) for u in release.utterances}
    assert Counter(split for split, _ in series) == {"train": 38, "validation": 7, "test": 11}
    for split, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        listed = (_TABLES / f"movie_list_{name}.txt").read_text(encoding="utf-8").split()
        assert {one for of, one in series if of == split} == set(listed)


def test_dialogues_and_utterances_are_in_the_order_of_their_numbers(release: Release) -> None:
    for one, next_ in pairwise(release.dialogues):
        if one.series == next_.series:
            assert int(one.dialogue_id.rpartition("_")[2]) < int(next_.dialogue_id.rpartition("_")[2])
    ids = [dialogue.dialogue_id for dialogue in release.dialogues]
    assert ids.index("anjia_10") > ids.index("anjia_9") > ids.index("anjia_2")
    for before, after in pairwise(release.utterances):
        if before.dialogue_id == after.dialogue_id:
            assert before.number < after.number
        assert after.utterance_id == f"{after.dialogue_id}_{after.number}"
    assert [u.dialogue_id for u in release.utterances] == sorted(
        (u.dialogue_id for u in release.utterances), key=ids.index
    )


def test_absolute_times_are_relation_start_plus_utterance_time_to_the_millisecond(release: Release) -> None:
    for row in release.utterances:
        truth, place = release.truth[row.utterance_id], release.relation[row.dialogue_id]
        origin = _frames(place["start_time"])
        assert row.episode == place["episode"]
        times = (
            row.start_seconds,
            row.end_seconds,
            row.episode_start_seconds,
            row.episode_end_seconds,
        )
        expected = (
            truth.start_frame,
            truth.end_frame,
            origin + truth.start_frame,
            origin + truth.end_frame,
        )
        assert [time and round(time * 1000) for time in times] == [40 * frames for frames in expected]
        assert times == tuple(frames / 25 for frames in expected)


def test_blends_keep_their_order_and_typos_become_what_they_mean(release: Release) -> None:
    for row in release.utterances:
        truth = release.truth[row.utterance_id]
        assert (row.annotation.emotions, row.annotation.emotion) == (truth.emotions, truth.emotion)
    codes = release.report.num_by_code()
    num_outside = sum(t.emotion not in t.emotions.split(",") for t in release.truth.values())
    assert codes["M3-LABEL-004"] == num_outside > 10
    assert codes["M3-SPEAKER-002"] == 2 * 990
    odd = next(u for u in release.utterances if u.annotation.annotator_1 == "Other")
    assert (odd.annotation.annotator_2, odd.annotation.annotator_3) == ("Happy", "Happy")


def test_the_26_dialogues_that_are_not_annotated_are_reported(release: Release) -> None:
    surplus = [problem for problem in release.report.problems() if problem.code == "M3-REL-001"]
    assert {problem.json_path.rpartition(".")[2] for problem in surplus} == release.extra
    assert len(surplus) == 26
    assert "M3-REL-002" not in release.report.num_by_code()


def test_the_seven_malformed_times_of_the_relation_file_are_read_and_reported(release: Release) -> None:
    found = {
        (problem.json_path, problem.found)
        for problem in release.report.problems()
        if problem.code == "M3-TIME-001" and problem.file == _RELATION
    }
    texts = {
        (dialogue_id, key): place[key]
        for dialogue_id, place in release.relation.items()
        for key in ("start_time", "end_time")
    }
    malformed = {key: text for key, text in texts.items() if not re.fullmatch(r"(\d\d:){3}\d\d", text)}
    assert len(malformed) == len(found) == 7
    assert {text for _, text in found} == {repr(text) for text in malformed.values()}


def test_the_dialogues_with_a_frame_field_of_25_or_more_are_reported(release: Release) -> None:
    found = [
        problem.json_path.split(".")
        for problem in release.report.problems()
        if problem.code == "M3-TIME-004" and problem.file == _RELATION
    ]
    expected = {
        (dialogue_id, key)
        for dialogue_id, place in release.relation.items()
        for key in ("start_time", "end_time")
        if re.fullmatch(r"(\d\d:){3}(2[5-9]|[3-9]\d)", place[key])
    }
    assert {(dialogue_id, key) for _, dialogue_id, key in found} == expected
    assert len(found) == 82

"""EmotionTalk: what is seen only when records are compared with each other, with their votes, with the corpus."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data import validate
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.problems import Problem
from emotalk_data.testing import make_m3ed
from emotalk_data.validation.emotalk.dialogue import DialogueChecks, _longest_in_order
from emotalk_data.validation.emotalk.release import ReleaseChecks
from emotalk_data.validation.validate import validate_all

A, B = "G00002_01_07", "G00002_01_08"  # two speakers of one session


def _write(root: Path, modality: str, utterance_id: str, **values: Any) -> Path:
    """Write one clean record, with other values for some of its keys; one that is `...` is left out."""
    folder = f"{utterance_id[:6]}/{utterance_id[:9]}/{utterance_id[:12]}"
    record: dict[str, Any] = {
        "data": [{"emotion": "happy", "Confidence_degree": 0.9} for _ in range(5)],
        "emotion_result": "happy",
        "speaker_id": utterance_id[10:12],
    }
    if modality == "text":
        record["content"] = "你好。"
    elif modality == "audio":
        record |= {"content": "你好。", "paragraphs": {"startTime": 0.0, "endTime": 1.0}}
    elif modality == "multimodal":
        record["data"] = [vote | {"Continuous_label": 1} for vote in record["data"]]
        record["Continuous label_result"] = 1.0
    record = {key: value for key, value in (record | values).items() if value is not ...}
    path = root / modality.capitalize() / "json" / folder / f"{utterance_id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    return path


def _texts(root: Path, *utterance_ids: str) -> None:
    for utterance_id in utterance_ids:
        _write(root, "text", utterance_id)


def _spans(root: Path, *spans: tuple[str, float, float]) -> None:
    for utterance_id, start, end in spans:
        _write(root, "audio", utterance_id, paragraphs={"startTime": start, "endTime": end})


def _votes(*votes: tuple[str, float | None], ratings: Sequence[int | None] = ()) -> list[dict[str, Any]]:
    return [
        {"emotion": emotion, "Confidence_degree": confidence}
        | ({"Continuous_label": ratings[place]} if ratings else {})
        for place, (emotion, confidence) in enumerate(votes)
    ]


def _found(root: Path) -> list[tuple[str, str, str]]:
    """Code, name of the file (or what stands for it), and place of each problem."""
    report = validate(root)
    report.check()
    return [(one.code, one.file.rpartition("/")[2], one.json_path) for one in report.problems()]


def _only(root: Path) -> Problem:
    (problem,) = validate(root).problems()
    return problem


# --- Numbers and speakers ---------------------------------------------------------------------------------


def test_one_number_of_both_speakers_is_found_at_the_second(tmp_path: Path) -> None:
    _texts(tmp_path, f"{A}_001", f"{B}_002", f"{A}_002", f"{A}_003")
    problem = _only(tmp_path)
    assert (problem.code, problem.utterance_id) == ("ET-ID-004", f"{B}_002")
    assert problem.file == f"Text/json/G00002/G00002_01/{B}/{B}_002.json"
    assert f"{A}_002" in problem.expected


def test_one_number_of_three_speakers_is_found_twice(tmp_path: Path) -> None:
    _texts(tmp_path, f"{A}_002", f"{B}_002", "G00002_01_09_002")
    assert Counter(validate(tmp_path).num_by_code()) == {"ET-ID-004": 2, "ET-SPEAKER-002": 1}


def test_numbers_start_again_in_each_session_and_may_have_gaps(tmp_path: Path) -> None:
    _texts(tmp_path, f"{A}_001", f"{B}_090", "G00002_02_07_001", "G00002_02_08_002")
    assert _found(tmp_path) == []


def test_a_dialogue_of_one_speaker_is_noted_and_one_of_one_utterance_is_not(tmp_path: Path) -> None:
    _texts(
        tmp_path,
        f"{A}_001",
        f"{A}_002",
        f"{A}_005",
        "G00002_02_07_001",
        "G00002_03_07_001",
        "G00002_03_08_002",
    )
    problem = _only(tmp_path)
    assert (problem.code, problem.severity) == ("ET-SPEAKER-001", "note")
    assert problem.file.endswith(f"/{A}_001.json")
    assert "3 utterances of speaker 07" in problem.found


def test_three_speakers_in_a_group_are_found_over_its_sessions(tmp_path: Path) -> None:
    _texts(tmp_path, f"{A}_001", f"{B}_002", "G00002_02_07_001", "G00002_02_09_002", "G00004_01_05_001")
    problem = _only(tmp_path)
    assert (problem.code, problem.severity) == ("ET-SPEAKER-002", "warning")
    assert problem.file.endswith("/G00002_02_09_002.json")
    assert "3 speakers, 07, 08, 09" in problem.found


# --- Times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "is_found"), [(5.0, False), (4.96, False), (4.94, True), (2.0, True)])
def test_utterances_of_one_speaker_may_overlap_by_a_twentieth_of_a_second(
    tmp_path: Path, start: float, is_found: bool
) -> None:
    _spans(tmp_path, (f"{A}_001", 1.0, 5.0), (f"{A}_002", start, 9.0), (f"{B}_003", 9.5, 10.0))
    found = [("ET-TIME-002", f"{A}_002.json", "paragraphs.startTime")]
    assert _found(tmp_path) == (found if is_found else [])


def test_two_speakers_may_talk_at_once(tmp_path: Path) -> None:
    _spans(tmp_path, (f"{A}_001", 1.0, 9.0), (f"{B}_002", 1.0, 9.0), (f"{A}_003", 9.0, 10.0))
    assert _found(tmp_path) == []


def test_an_overlap_is_found_past_a_short_utterance_inside_a_long_one(tmp_path: Path) -> None:
    _spans(
        tmp_path,
        (f"{A}_001", 0.0, 10.0),
        (f"{A}_002", 2.0, 3.0),
        (f"{B}_003", 3.0, 4.0),
        (f"{A}_004", 5.0, 6.0),
        (f"{A}_005", 10.0, 12.0),
    )
    assert _found(tmp_path) == [
        ("ET-TIME-002", f"{A}_002.json", "paragraphs.startTime"),
        ("ET-TIME-002", f"{A}_004.json", "paragraphs.startTime"),
    ]


def test_sessions_have_time_lines_of_their_own(tmp_path: Path) -> None:
    _spans(tmp_path, (f"{A}_001", 5.0, 9.0), ("G00002_02_07_001", 5.0, 9.0), ("G00002_03_07_002", 0.0, 9.0))
    assert _found(tmp_path) == []


def test_of_utterances_out_of_order_the_fewest_are_noted(tmp_path: Path) -> None:
    _spans(
        tmp_path,
        (f"{A}_001", 10.0, 11.0),
        (f"{B}_002", 3.0, 4.0),
        (f"{A}_003", 5.0, 6.0),
        (f"{B}_004", 10.0, 12.0),  # the same start is no earlier one
        (f"{A}_005", 13.0, 14.0),
    )
    problem = _only(tmp_path)
    assert (problem.code, problem.severity, problem.utterance_id) == ("ET-TIME-004", "note", f"{A}_001")
    assert problem.expected == f"a start before that of {B}_002, 3"


@given(st.lists(st.integers(0, 9), max_size=8))
def test_what_is_in_order_is_a_longest_run_that_never_goes_down(starts: list[int]) -> None:
    found = list(_longest_in_order([float(start) for start in starts]))
    runs = [
        places
        for size in range(len(starts) + 1)
        for places in combinations(range(len(starts)), size)
        if all(starts[one] <= starts[other] for one, other in pairwise(places))
    ]
    assert tuple(found) in runs
    assert len(found) == max(map(len, runs))


def test_as_many_utterances_as_a_dialogue_can_have_are_put_in_order() -> None:
    starts = [*map(float, range(100_000)), 0.5]
    found = _longest_in_order(starts)
    assert len(found) == 100_000
    assert 100_000 not in set(found)


def test_of_two_utterances_out_of_order_the_second_is_noted(tmp_path: Path) -> None:
    _spans(tmp_path, (f"{A}_001", 1.0, 2.0), (f"{B}_002", 6.0, 7.0), (f"{A}_003", 5.0, 5.5))
    problem = _only(tmp_path)
    assert (problem.code, problem.utterance_id) == ("ET-TIME-004", f"{A}_003")
    assert problem.expected == f"a start after that of {B}_002, 6"


def test_an_utterance_without_times_is_compared_with_none(tmp_path: Path) -> None:
    _spans(tmp_path, (f"{A}_001", 1.0, 5.0), (f"{B}_003", 6.0, 7.0))
    _write(tmp_path, "audio", f"{A}_002", paragraphs={"startTime": 2.0})
    assert _found(tmp_path) == [("ET-KEY-004", f"{A}_002.json", "paragraphs.endTime")]


@pytest.mark.parametrize(
    ("duration", "is_found"),
    [(2.5, False), (2.46, False), (2.54, False), (2.44, True), (2.56, True), (0, True)],
)
def test_the_duration_is_the_end_minus_the_start_but_for_rounding(
    tmp_path: Path, duration: float, is_found: bool
) -> None:
    times = {"startTime": 100.25, "endTime": 102.75, "duration": duration}
    _write(tmp_path, "audio", f"{A}_001", paragraphs=times)
    assert _found(tmp_path) == ([("ET-TIME-003", f"{A}_001.json", "paragraphs.duration")] if is_found else [])


# --- Votes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("votes", "label", "is_found"),
    [
        # One who is sure outvotes four who are not.
        ((("sad", 0.5), ("sad", 0.5), ("sad", 0.5), ("sad", 0.5), ("angry", 0.9)), "angry", False),
        ((("sad", 0.5), ("sad", 0.5), ("sad", 0.5), ("sad", 0.5), ("angry", 0.9)), "sad", True),
        # Of labels that tie each is right, whatever their counts and the order of sums.
        ((("sad", 0.7), ("sad", 0.7), ("sad", 0.7), ("angry", 0.7), ("happy", 0.1)), "sad", False),
        ((("sad", 0.7), ("sad", 0.7), ("sad", 0.7), ("angry", 0.7), ("happy", 0.1)), "angry", False),
        ((("sad", 0.7), ("sad", 0.7), ("sad", 0.7), ("angry", 0.7), ("happy", 0.1)), "happy", True),
        ((("sad", 0.1), ("sad", 0.3), ("sad", 0.5), ("angry", 0.3), ("happy", 0.1)), "angry", False),
        # All agree; and nobody said what the experts did.
        ((("sad", 0.1),) * 5, "sad", False),
        ((("sad", 0.9),) * 5, "happy", True),
    ],
)
def test_a_label_is_compared_with_the_weighted_votes(
    tmp_path: Path, votes: tuple[tuple[str, float], ...], label: str, is_found: bool
) -> None:
    _write(tmp_path, "video", f"{A}_001", data=_votes(*votes), emotion_result=label)
    assert _found(tmp_path) == ([("ET-LABEL-004", f"{A}_001.json", "emotion_result")] if is_found else [])


def test_what_the_votes_make_is_told_with_every_label_that_ties(tmp_path: Path) -> None:
    votes = _votes(("sad", 0.7), ("angry", 0.7), ("happy", 0.1), ("happy", 0.1), ("happy", 0.1))
    _write(tmp_path, "video", f"{A}_001", data=votes)
    problem = _only(tmp_path)
    assert (problem.severity, problem.found) == ("note", "'happy'")
    assert "sad or angry" in problem.expected


def test_a_missing_confidence_is_told_and_its_vote_not_weighed(tmp_path: Path) -> None:
    votes = _votes(("sad", None), ("sad", 0.5), ("happy", 0.7), ("happy", 0.7), ("happy", 0.7))
    _write(tmp_path, "video", f"{A}_001", data=votes)
    assert _found(tmp_path) == [("ET-DATA-002", f"{A}_001.json", "data[0].Confidence_degree")]


@pytest.mark.parametrize(
    ("ratings", "mean", "is_found"),
    [
        ((-2, -1, -1, 0, -1), -1.0, False),
        ((-2, -1, -1, 0, -1), -0.8, True),
        ((1, 1, 1, 1, 2), 1.2, False),
        ((1, 1, 1, 1, 2), 1, True),
        ((1, 1, 0, 0, 0), 0.4000000000000001, False),
        ((1, 1, 0, 0, 0), 0.404, False),
        ((1, 1, 0, 0, 0), 0.406, True),
        ((0, 0, 0, 0, 0), 0, False),
    ],
)
def test_a_sentiment_is_compared_with_the_mean_of_the_five(
    tmp_path: Path, ratings: tuple[int, ...], mean: float, is_found: bool
) -> None:
    votes = _votes(*[("happy", 0.9)] * 5, ratings=ratings)
    _write(tmp_path, "multimodal", f"{A}_001", data=votes, **{"Continuous label_result": mean})
    found = [("ET-SENT-004", f"{A}_001.json", "Continuous label_result")]
    assert _found(tmp_path) == (found if is_found else [])


def test_a_mean_of_which_a_rating_is_missing_is_not_judged(tmp_path: Path) -> None:
    votes = _votes(*[("happy", 0.9)] * 5, ratings=(1, None, 1, 1, 1))
    _write(tmp_path, "multimodal", f"{A}_001", data=votes, **{"Continuous label_result": 0.8})
    assert _found(tmp_path) == [("ET-DATA-002", f"{A}_001.json", "data[1].Continuous_label")]


@pytest.mark.parametrize(("num", "mean", "is_close"), [(4, 0.25, True), (6, 0.17, True), (6, 0.16, False)])
def test_the_mean_of_four_or_six_annotators_is_theirs(
    tmp_path: Path, num: int, mean: float, is_close: bool
) -> None:
    ratings = (1, *[0] * (num - 1))
    votes = _votes(*[("happy", 0.9)] * num, ratings=ratings)
    _write(tmp_path, "multimodal", f"{A}_001", data=votes, **{"Continuous label_result": mean})
    problems = list(validate(tmp_path).problems())
    assert [one.code for one in problems] == ["ET-DATA-001", *([] if is_close else ["ET-SENT-004"])]
    assert f"{num} annotators" in problems[0].found


# --- Keys that most records have --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("num_with", "num_without", "count"), [(5, 1, 1), (3, 2, 2), (2, 2, 0), (1, 3, 0), (0, 4, 0), (4, 0, 0)]
)
def test_an_optional_key_is_told_where_a_minority_lacks_it(
    tmp_path: Path, num_with: int, num_without: int, count: int
) -> None:
    for number in range(num_with + num_without):
        speaker = (A, B)[number % 2]
        path = {} if number < num_without else {"file_name": f"{speaker}_{number:03d}.mp4"}
        _write(tmp_path, "video", f"{speaker}_{number:03d}", **path)
    problems = list(validate(tmp_path).problems())
    if not count:
        assert problems == []
        return
    (problem,) = problems
    assert (problem.code, problem.severity, problem.json_path) == ("ET-KEY-005", "note", "file_name")
    assert (problem.utterance_id, problem.count) == (f"{A}_000", count)  # the first stands for all


def test_modalities_are_counted_apart(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        _write(
            tmp_path,
            "video",
            f"{(A, B)[number % 2]}_{number:03d}",
            file_name=f"{(A, B)[number % 2]}_{number:03d}.mp4",
        )
        _write(tmp_path, "text", f"{(A, B)[number % 2]}_{number:03d}")
    assert _found(tmp_path) == []


def test_a_caption_that_some_lack_and_one_that_is_empty_are_two_things(tmp_path: Path) -> None:
    whole = dict.fromkeys(("spe_cap", "style_cap", "emo_cap", *(f"caption_{n}" for n in range(1, 6))), "好。")
    lacking = {key: text for key, text in whole.items() if key != "emo_cap"}
    for number, captions in enumerate((whole, whole, whole, whole, lacking, whole | {"emo_cap": ""})):
        times = {"startTime": 2.0 * number, "endTime": 2.0 * number + 1}
        _write(tmp_path, "audio", f"{(A, B)[number % 2]}_{number:03d}", sourceAttr=captions, paragraphs=times)
    problems = list(validate(tmp_path).problems())
    assert [(one.code, one.json_path, one.found, one.utterance_id) for one in problems] == [
        ("ET-KEY-005", "sourceAttr.emo_cap", "missing", f"{A}_004"),
        ("ET-KEY-005", "sourceAttr.emo_cap", "''", f"{B}_005"),
    ]


def test_a_transcript_that_only_audio_has_is_told_of_text(tmp_path: Path) -> None:
    _write(tmp_path, "text", f"{A}_001", content=...)
    _write(tmp_path, "audio", f"{A}_001")
    problem = _only(tmp_path)
    assert (problem.code, problem.file.split("/")[0], problem.json_path) == ("ET-TEXT-005", "Text", "content")


def test_a_transcript_that_nobody_has_is_told_once(tmp_path: Path) -> None:
    _write(tmp_path, "text", f"{A}_001", content=...)
    assert _found(tmp_path) == [("ET-TEXT-005", f"{A}_001.json", "content")]


# --- The release as a whole -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "splits", "speakers"),
    [
        (("G00012_01_13_001", "G00003_01_02_001", "G00003_02_13_001"), "validation and test", ["13"]),
        (
            ("G00001_01_02_001", "G00012_01_13_001", "G00003_01_02_001", "G00015_01_13_001"),
            "validation and test",
            ["02", "13"],
        ),
        (("G00002_01_07_001", "G00001_01_07_001"), "train and validation", ["07"]),
        (("G00002_01_07_001", "G00003_01_07_001"), "train and test", ["07"]),
    ],
)
def test_splits_that_share_a_speaker_are_noted(
    tmp_path: Path, ids: tuple[str, ...], splits: str, speakers: list[str]
) -> None:
    _texts(tmp_path, *ids)
    problem = _only(tmp_path)
    assert (problem.code, problem.severity, problem.file) == ("ET-SPLIT-002", "note", ".")
    assert problem.found.startswith(splits)
    assert ", ".join(speakers) in problem.found


def test_groups_of_one_split_may_share_a_speaker(tmp_path: Path) -> None:
    _texts(tmp_path, "G00002_01_07_001", "G00006_01_07_001", "G00001_01_02_001", "G00012_01_02_001")
    assert _found(tmp_path) == []


@pytest.mark.parametrize(
    ("num_utterances", "num_dialogues", "found"),
    [
        (19_250, 744, []),
        (19_250, 742, ["742 dialogues"]),
        (19_249, 744, ["19,249 utterances"]),
        (19_300, 745, ["19,300 utterances", "745 dialogues"]),
        (15_413, 600, []),  # a part of it has counts of its own
        (1, 1, []),
    ],
)
def test_the_totals_of_a_release_that_is_nearly_whole_are_those_of_the_paper(
    num_utterances: int, num_dialogues: int, found: list[str]
) -> None:
    checks, report = ReleaseChecks(), Report("emotalk")
    for number in range(num_dialogues):
        dialogue = DialogueChecks(f"G00002_{number:03d}")
        dialogue.num_utterances = num_utterances // num_dialogues
        if number == 0:
            dialogue.num_utterances += num_utterances % num_dialogues
        checks.add(dialogue)
    checks.finish(report)
    problems = list(report.problems())
    assert [(one.code, one.severity, one.found) for one in problems] == [
        ("ET-COUNT-001", "note", what) for what in found
    ]


# --- The reading ------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A release with a record of each fate: read, unreadable, of no id, and a second one."""
    root = tmp_path / "damaged"
    for number, speaker in enumerate((A, B, A, B, A, B), 1):
        _write(root, "text", f"{speaker}_{number:03d}")
    _write(root, "text", f"{A}_007").write_bytes(b"{")
    _write(root, "text", f"{A}_008").rename(root / "Text" / "notes.json")
    second = _write(root, "text", f"{B}_009")
    shutil.copy(second, second.with_suffix(".jsonl"))
    _texts(root, "G00002_02_07_001", "G00002_02_08_002", "G00004_01_05_001", "G00004_01_09_002")
    return root


def test_progress_never_falls_and_reaches_the_total(damaged: Path) -> None:
    calls: list[tuple[int, int]] = []
    report = validate(damaged, progress=lambda *numbers: calls.append(numbers))
    assert set(report.num_by_code()) == {"ET-JSON-001", "ET-ID-001", "ET-DUP-001"}
    assert report.counts["records_found"] == 14
    assert {total for _, total in calls} == {14}
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})
    assert len(calls) == 3  # dialogues
    assert calls[-1] == (14, 14)


def test_what_a_screen_passes_over_is_counted_apart(damaged: Path) -> None:
    def screen(problem: Problem) -> str | None:
        return {"ET-JSON-001": "config", "ET-DUP-001": "baseline"}.get(problem.code)

    report = validate(damaged, screen=screen)
    assert report.passed_over == {"config": {"ET-JSON-001": 1}, "baseline": {"ET-DUP-001": 1}}
    assert report.num_by_code() == {"ET-ID-001": 1}
    assert [problem.code for problem in report.problems()] == ["ET-ID-001"]
    assert report.counts == validate(damaged).counts


def test_a_release_of_which_everything_is_passed_over_is_clean(tmp_path: Path) -> None:
    _write(tmp_path, "text", f"{A}_001").rename(tmp_path / "Text" / "G00002_01_07_1.json")
    report = validate(tmp_path, screen=lambda _: "config")
    assert report.is_clean
    assert report.num_by_code() == {}
    assert report.passed_over == {"config": {"ET-ID-001": 1}}


def test_several_paths_make_one_report(tmp_path: Path) -> None:
    one, other, m3ed = str(tmp_path / "one"), str(tmp_path / "other"), str(tmp_path / "m3ed")
    _write(Path(one), "text", f"{A}_001", emotion_result="hapy")
    _write(Path(other), "text", f"{A}_001", emotion_result="hapy")
    _texts(Path(other), f"{A}_002")
    make_m3ed(m3ed, oddities=False)
    parts = [validate(path) for path in (one, other, m3ed)]
    report = validate_all([one, other, m3ed])
    report.check()
    assert report.corpus == "emotalk, m3ed"
    assert report.counts == sum((part.counts for part in parts), Counter[str]())
    assert report.num_by_code() == sum((Counter(part.num_by_code()) for part in parts), Counter())
    name = f"Text/json/G00002/G00002_01/{A}/{A}_001.json"
    assert [problem.file for problem in report.problems("error")] == [f"{one}/{name}", f"{other}/{name}"]
    speakers = [problem for problem in report.problems() if problem.code == "ET-SPEAKER-001"]
    assert [problem.file for problem in speakers] == [f"{other}/{name}"]


def test_one_path_of_several_is_that_path(damaged: Path) -> None:
    report, alone = validate_all([str(damaged)]), validate(damaged)
    assert list(report.problems()) == list(alone.problems())
    assert (report.counts, report.root) == (alone.counts, str(damaged))


def test_a_screen_sees_files_as_the_joint_report_names_them(tmp_path: Path) -> None:
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    for root in (one, other):
        _write(Path(root), "text", f"{A}_001", emotion_result="hapy")
    built = tmp_path / "built"
    built.mkdir()
    (built / "train.parquet").write_bytes(b"PAR1")
    seen: list[str] = []

    def screen(problem: Problem) -> str | None:
        seen.append(problem.file)
        return "config" if problem.file.startswith(f"{other}/") else None

    report = validate_all([f"{tmp_path}/./one/", other, str(built)], screen=screen)
    assert sorted(seen) == sorted(
        [
            *(f"{root}/Text/json/G00002/G00002_01/{A}/{A}_001.json" for root in (one, other)),
            f"{built}/train.parquet",
        ]
    )
    assert {problem.file for problem in report.problems()} == {
        file for file in seen if not file.startswith(other)
    }
    assert report.passed_over == {"config": {"ET-LABEL-001": 1}}

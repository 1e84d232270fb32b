"""M3ED as a whole: broken files beside good ones, single files, lists, finals, media, hostile input."""

from __future__ import annotations

import json
import shutil
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emotalk_data import validate
from emotalk_data.loaders import m3ed_files
from emotalk_data.loaders.listing import list_release
from emotalk_data.loaders.report import Report
from emotalk_data.testing import make_m3ed
from emotalk_data.validation.m3ed.checks import validate_m3ed
from emotalk_data.validation.media.checker import MediaChecker

RELATION = "relation_annotation_release.json"
SERIES = "qingshuihe"
GOLDEN = Path(__file__).parent / "golden"


def line(
    start: str, end: str, speaker: str, votes: str = "Sad Sad Sad", final: str = "Sad"
) -> dict[str, Any]:
    labels = {f"EmoAnnotator{n}": vote for n, vote in enumerate(votes.split(), 1)}
    return {
        "StartTime": start,
        "EndTime": end,
        "Text": "茶泡好了",
        "Speaker": speaker,
        "EmoAnnotation": {**labels, "final_mul_emo": final, "final_main_emo": final.split(",")[0]},
    }


def dialogue(name: str) -> dict[str, Any]:
    people = {"A": ("林小禾", "young", "female"), "B": ("周大川", "mid", "male")}
    return {
        "SpeakerInfo": {
            letter: {"Name": name, "Age": age, "Gender": gender, "OtherName": []}
            for letter, (name, age, gender) in people.items()
        },
        "Dialog": {
            f"{name}_1": line("00:00:00:01", "00:00:01:04", "A"),
            f"{name}_2": line("00:00:01:10", "00:00:02:20", "B"),
        },
    }


CLEAN: dict[str, Any] = {
    SERIES: {f"{SERIES}_1": dialogue(f"{SERIES}_1"), f"{SERIES}_4": dialogue(f"{SERIES}_4")}
}
PLACES: dict[str, Any] = {
    SERIES: {
        f"{SERIES}_1": {"episode": 2, "start_time": "00:03:10:00", "end_time": "00:03:13:00"},
        f"{SERIES}_4": {"episode": 2, "start_time": "00:03:13:00", "end_time": "00:03:16:00"},
    }
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clean release of one series."""
    (tmp_path / "splitInfo").mkdir()
    for name, series in (("train", SERIES), ("val", ""), ("test", ""), ("total", SERIES)):
        (tmp_path / f"splitInfo/movie_list_{name}.txt").write_text(series, encoding="utf-8")
    write(tmp_path / "annotation.json", CLEAN)
    write(tmp_path / RELATION, PLACES)
    return tmp_path


def write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def edit(root: Path, change: Callable[[Any], Any], name: str = "annotation.json") -> None:
    document = json.loads((root / name).read_text(encoding="utf-8"))
    change(document)
    write(root / name, document)


def check(
    path: Path, *, single_file: bool = False, media: bool = False, episodes: Path | None = None
) -> Report:
    report = Report("m3ed")
    listing = list_release(episodes) if episodes is not None else None
    checker = MediaChecker(report) if media else None
    validate_m3ed(list_release(path), listing, report, media=checker, single_file=single_file)
    report.check()
    return report


def places(report: Report) -> list[tuple[str, str, str]]:
    return [(problem.code, problem.file, problem.json_path) for problem in report.problems()]


def test_a_clean_release_has_no_problem_and_its_finals_are_counted(root: Path) -> None:
    report = check(root)
    assert places(report) == []
    assert report.counts == {
        "records_found": 4,
        "utterances_found": 4,
        "records_in_rows": 4,
        "rows": 4,
        "finals_compared": 4,
        "finals_agree_paper": 4,
        "finals_agree_authors": 4,
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("oddities", [False, True])
def test_a_made_up_release_has_its_oddities_and_no_error(tmp_path: Path, seed: int, oddities: bool) -> None:
    root = tmp_path / "m3ed"
    make_m3ed(root, num_dialogues=20, seed=seed, audio=False, episodes=False, oddities=oddities)
    report = check(root)
    assert report.num_problems("error") == 0
    if oddities:
        assert set(report.num_by_code()) <= {
            "M3-LABEL-002", "M3-LABEL-004", "M3-REL-001", "M3-SPEAKER-002", "M3-TIME-001", "M3-TIME-004",
        }  # fmt: skip
    else:
        assert places(report) == []


def test_one_broken_file_does_not_hide_what_is_wrong_with_the_others(root: Path) -> None:
    edit(root, lambda document: document[SERIES][f"{SERIES}_1"]["SpeakerInfo"]["A"].update(Age="ancient"))
    (root / RELATION).write_text("{", encoding="utf-8")
    (root / "splitInfo/movie_list_val.txt").unlink()
    (root / "splitInfo/movie_list_test.txt").unlink()
    (root / "splitInfo/movie_list_test.txt").symlink_to("/dev/zero")
    report = check(root)
    assert places(report) == [
        ("M3-FILE-001", "splitInfo/movie_list_val.txt", ""),
        ("M3-FILE-002", "splitInfo/movie_list_test.txt", ""),
        ("M3-JSON-001", RELATION, ""),
        ("M3-SPEAKER-003", "annotation.json", f"{SERIES}.{SERIES}_1.SpeakerInfo.A.Age"),
    ]
    assert report.counts["rows"] == 4


def test_without_its_annotation_the_places_and_lists_of_a_release_are_still_read(root: Path) -> None:
    (root / "annotation.json").unlink()
    edit(root, lambda document: document[SERIES][f"{SERIES}_1"].update(end_time="soon"), RELATION)
    (root / "splitInfo/movie_list_test.txt").write_text(SERIES, encoding="utf-8")
    assert places(check(root)) == [
        ("M3-FILE-001", "annotation.json", ""),
        ("M3-SPLIT-002", "splitInfo/movie_list_test.txt", SERIES),
        ("M3-TIME-002", RELATION, f"{SERIES}.{SERIES}_1.end_time"),
    ]


def test_the_relation_file_is_called_as_it_is_called(root: Path) -> None:
    (root / "info").mkdir()
    (root / RELATION).rename(root / "info/Relation_Annotation_v2.json")
    edit(
        root,
        lambda document: document[SERIES].update(
            {f"{SERIES}_9": {"episode": 0, "start_time": "1", "end_time": 2}}
        ),
        "info/Relation_Annotation_v2.json",
    )
    edit(root, lambda document: document[SERIES].update({f"{SERIES}_7": dialogue(f"{SERIES}_7")}))
    report = check(root)
    assert {problem.file for problem in report.problems()} == {
        "info/Relation_Annotation_v2.json",
        "annotation.json",
    }
    (lost,) = (problem for problem in report.problems() if problem.code == "M3-REL-002")
    assert "info/Relation_Annotation_v2.json" in lost.expected


@pytest.mark.parametrize("name", ["annotation.json", "mine.json"])
def test_an_annotation_by_itself_misses_neither_lists_nor_places(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, CLEAN)
    assert places(check(tmp_path / name, single_file=True)) == []
    edit(tmp_path, lambda document: document[SERIES][f"{SERIES}_4"].pop("SpeakerInfo"), name)
    report = check(tmp_path / name, single_file=True)
    assert places(report) == [("M3-TYPE-001", name, f"{SERIES}.{SERIES}_4.SpeakerInfo")]
    assert report.counts["rows"] == 4


def test_a_file_whose_beginning_does_not_tell_is_of_m3ed_when_the_user_says_so(tmp_path: Path) -> None:
    write(tmp_path / "mine.json", {"version": 2, **CLEAN})
    report = validate(tmp_path / "mine.json", corpus="m3ed")
    assert places(report) == [("M3-TYPE-001", "mine.json", "version")]
    assert report.counts["rows"] == 4


@pytest.mark.parametrize("name", [RELATION, "mine.json"])
def test_a_relation_file_by_itself_misses_no_annotation(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, PLACES)
    assert places(check(tmp_path / name, single_file=True)) == []
    edit(tmp_path, lambda document: document[SERIES][f"{SERIES}_4"].pop("start_time"), name)
    assert places(check(tmp_path / name, single_file=True)) == [
        ("M3-TIME-005", name, f"{SERIES}.{SERIES}_4.start_time")
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "M3-JSON-001"),
        ("[]", "M3-JSON-003"),
        ("null", "M3-JSON-003"),
        ("{}", "M3-DATA-002"),
        ('{"a": {}, "a": {}}', "M3-JSON-005"),
        ('{"a": {"a_1": Infinity}}', "M3-JSON-008"),
        ("[" * 100_000, "M3-JSON-007"),
        (f'{{"{SERIES}": {"9" * 5_000}}}', "M3-JSON-001"),
    ],
)
@pytest.mark.parametrize("name", ["annotation.json", RELATION])
def test_a_file_that_cannot_be_one_is_one_problem(root: Path, name: str, text: str, code: str) -> None:
    (root / name).write_text(text, encoding="utf-8")
    report = check(root)
    assert (code, name, "") in places(report)
    (problem,) = (problem for problem in report.problems() if problem.code == code and not problem.json_path)
    assert str(root) not in str(problem)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "gbk"])
def test_another_encoding_is_told(root: Path, encoding: str) -> None:
    path = root / "annotation.json"
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert places(check(root)) == [("M3-JSON-006", "annotation.json", "")]


def test_a_file_of_too_many_values_is_refused_before_it_is_parsed(root: Path) -> None:
    (root / RELATION).write_text("[" + "[]," * 3_000_000 + "[]]", encoding="utf-8")
    tracemalloc.start()
    try:
        report = check(root)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert places(report) == [("M3-JSON-004", RELATION, "")]
    assert peak < 32_000_000  # the bytes of the file, and not its values


def test_a_file_larger_than_any_release_is_refused_unread(root: Path) -> None:
    with (root / "annotation.json").open("wb") as file:
        file.truncate(1 << 40)
    (problem,) = check(root).problems()
    assert (problem.code, problem.file) == ("M3-JSON-004", "annotation.json")
    assert problem.found == "1,099,511,627,776 bytes"


def test_the_bounds_leave_room_for_three_times_the_released_file() -> None:
    entry = json.dumps(
        {f"{SERIES}_10_10": line("00:00:00:01", "00:00:01:04", "A")}, ensure_ascii=False, indent=4
    )
    num_values = entry.count(",") + entry.count("{") + 1
    assert 3 * 24_449 * num_values < m3ed_files._MAX_VALUES
    assert 3 * 24_449 * len(entry.encode()) < m3ed_files._MAX_ANNOTATION_BYTES


def test_a_series_of_no_list_is_checked_all_the_same_and_makes_no_rows(root: Path) -> None:
    edit(root, lambda document: document[SERIES][f"{SERIES}_1"]["Dialog"][f"{SERIES}_1_1"].update(Text=5))
    for name in ("train", "total"):
        (root / f"splitInfo/movie_list_{name}.txt").write_text("", encoding="utf-8")
    report = check(root)
    assert [code for code, *_ in places(report)] == ["M3-SPLIT-001", "M3-TYPE-001"]
    assert (report.counts["records_unplaced"], report.counts["rows"]) == (4, 0)


def test_lists_are_compared_with_the_list_of_all_series_line_by_line(root: Path) -> None:
    folder = root / "splitInfo"
    (folder / "movie_list_total.txt").write_text(f"{SERIES}\nbeishanlu\n", encoding="utf-8")
    (folder / "movie_list_val.txt").write_text("\nnanhuajie", encoding="utf-8")
    found = [(p.code, p.file, p.json_path, p.line) for p in check(root).problems()]
    assert found == [
        ("M3-SPLIT-003", "annotation.json", "nanhuajie", None),
        ("M3-SPLIT-004", "splitInfo/movie_list_total.txt", "beishanlu", 2),
        ("M3-SPLIT-004", "splitInfo/movie_list_val.txt", "nanhuajie", 2),
    ]


@pytest.mark.parametrize(
    ("votes", "final", "counts", "path"),
    [
        ("Anger,Disgust Disgust,Anger Anger", "Anger,Disgust", (1, 1, 0), None),
        # The order of a blend is nobody's rule.
        ("Happy,Sad Sad,Happy Fear", "Happy,Sad", (1, 1, 0), None),
        # The rules differ: each has its releases.
        ("Sad,Anger,Fear Anger,Sad Sad,Anger,Fear", "Sad,Anger,Fear", (1, 0, 0), None),
        ("Sad,Anger,Fear Anger,Sad Sad,Anger,Fear", "Sad,Anger", (0, 1, 0), None),
        # No two annotators agree: somebody decided, and no rule is held against that.
        ("Happy Sad Fear", "Sad", (0, 0, 1), None),
        ("Happy Happy Fear", "Fear", (0, 0, 0), "final_mul_emo"),
        ("Happy,Fear Happy,Fear Sad", "Fear,Happy", (0, 0, 0), "final_main_emo"),
    ],
)
def test_final_labels_are_compared_with_both_rules(
    root: Path, votes: str, final: str, counts: tuple[int, int, int], path: str | None
) -> None:
    where = f"{SERIES}.{SERIES}_1.Dialog.{SERIES}_1_1"

    def change(document: Any) -> None:
        document[SERIES][f"{SERIES}_1"]["Dialog"][f"{SERIES}_1_1"] = line(
            "00:00:00:01", "00:00:01:04", "A", votes, final
        )

    edit(root, change)
    report = check(root)
    expected = [] if path is None else [("M3-LABEL-005", "annotation.json", f"{where}.EmoAnnotation.{path}")]
    assert places(report) == expected
    names = ("finals_agree_paper", "finals_agree_authors", "finals_undecided")
    assert tuple(report.counts[name] - 3 * (name != names[2]) for name in names) == counts
    assert report.counts["finals_compared"] == 4


def test_utterances_of_two_speakers_may_overlap(root: Path) -> None:
    def change(document: Any) -> None:
        document[SERIES][f"{SERIES}_1"]["Dialog"][f"{SERIES}_1_2"]["StartTime"] = "00:00:00:20"

    edit(root, change)
    assert places(check(root)) == []


def test_numbers_and_not_the_order_of_the_file_say_what_comes_first(root: Path) -> None:
    def change(document: Any) -> None:
        lines = document[SERIES][f"{SERIES}_1"]["Dialog"]
        lines[f"{SERIES}_1_10"] = line("00:00:02:21", "00:00:02:24", "A")
        document[SERIES][f"{SERIES}_1"]["Dialog"] = dict(reversed(lines.items()))

    edit(root, change)
    assert places(check(root)) == []


def test_a_dialogue_that_lasts_no_time_holds_nothing_against_its_utterances(root: Path) -> None:
    def end_at_start(document: Any) -> None:
        document[SERIES][f"{SERIES}_1"]["end_time"] = "00:03:10:00"

    edit(root, end_at_start, RELATION)
    assert places(check(root)) == [("M3-TIME-006", RELATION, f"{SERIES}.{SERIES}_1.end_time")]


def test_a_sound_that_is_named_as_no_clip_is_told(root: Path) -> None:
    (root / "audio").mkdir()
    clips = (f"A_{SERIES}_1_1.wav", f"A_{SERIES}_4_1.wav", f"B_{SERIES}_1_2.flac", f"B_{SERIES}_4_2.flac")
    for name in (*clips, "a_lower_1_1.wav"):
        (root / "audio" / name).touch()
    with tarfile.open(root / "more.tar", "w") as archive:
        for name in ("audio/._A_qingshuihe_1_1.wav", "audio/notes.WAV"):
            archive.addfile(tarfile.TarInfo(name))
    assert places(check(root)) == [
        ("M3-AUD-003", "audio/a_lower_1_1.wav", ""),
        ("M3-AUD-003", "more.tar::audio/notes.WAV", ""),
    ]


def test_a_dialogue_under_two_series_of_the_relation_file_lies_where_its_name_says(root: Path) -> None:
    for order in (1, -1):
        other = {
            "beishanlu": {
                f"{SERIES}_1": {"episode": 9, "start_time": "00:00:00:00", "end_time": "00:00:00:05"}
            }
        }
        write(root / RELATION, dict([*PLACES.items(), *other.items()][::order]))
        assert places(check(root)) == [("M3-REL-004", RELATION, f"beishanlu.{SERIES}_1")]


def test_a_million_speakers_are_one_problem(root: Path) -> None:
    speakers = {f"S{number}": 7 for number in range(200_000)}
    edit(root, lambda document: document[SERIES][f"{SERIES}_1"].update(SpeakerInfo=speakers))
    (problem,) = (p for p in check(root).problems() if p.code == "M3-TYPE-001")
    assert problem.found == "200,000 speakers"


def test_names_of_a_megabyte_are_not_repeated_in_every_problem(root: Path) -> None:
    name = "x" * 1_000_000
    write(root / "annotation.json", {name: {f"{name}_1": {"Dialog": {f"{name}_1_{n}": 5 for n in range(9)}}}})
    write(root / RELATION, {name: {name: {"episode": "\0"}}})
    report = check(root)
    assert report.num_problems() > 3
    assert all(len(str(problem)) < 1_000 for problem in report.problems())


@pytest.fixture(scope="module")
def with_media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("media") / "m3ed"
    make_m3ed(root, num_dialogues=4, oddities=False)
    return root


def test_clips_and_episodes_of_a_clean_release_are_looked_at_and_nothing_is_found(with_media: Path) -> None:
    report = check(with_media, media=True, episodes=with_media / "episodes")
    assert places(report) == []
    assert report.counts["audio_checked"] == report.counts["rows"]
    assert (
        report.counts["video_checked"] == 4 + report.counts["rows"]
    )  # the episodes, and a window of each row


def test_a_clip_of_another_length_and_a_cut_episode_are_found(with_media: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(with_media, tmp_path / "m3ed"))
    clips = sorted((root / "audio").iterdir())
    short, long = sorted(clips[:8], key=lambda path: path.stat().st_size)[::7]
    shutil.copy(long, short)
    episode = next((root / "episodes").rglob("*.mp4"))
    episode.write_bytes(episode.read_bytes()[: episode.stat().st_size // 2])
    report = check(root, media=True, episodes=root / "episodes")
    assert {(code[:2], file) for code, file, _ in places(report)} == {
        ("AV", short.relative_to(root).as_posix()),
        ("AV", episode.relative_to(root / "episodes").as_posix()),
    }
    (clip,) = (problem for problem in report.problems() if problem.file.endswith(".wav"))
    assert (clip.code, clip.utterance_id) == ("AV-AUDIO-005", short.stem[2:])

"""M3ED's real split lists and relation file, which are no part of this project, dressed as a release.

The tables are looked for in `../shared/data/m3ed`, or in `$EMOTALK_REAL_TABLES/m3ed`. Which 26 dialogues are not
annotated they do not say: here the last of each of 26 series. The annotation is invented.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.loaders.listing import list_release
from emotalk_data.loaders.report import Report
from emotalk_data.validation.m3ed.checks import validate_m3ed

_ROOT = Path(__file__).resolve().parents[2]
_TABLES = Path(os.environ.get("EMOTALK_REAL_TABLES", _ROOT.parent / "shared" / "data")) / "m3ed"
_RELEASED = "m3ed_relation_annotation_release.json"
_RELATION = "relation_annotation_release.json"
_LABELS = {f"EmoAnnotator{n}": "Neutral" for n in (1, 2, 3)} | {
    "final_mul_emo": "Neutral",
    "final_main_emo": "Neutral",
}

pytestmark = pytest.mark.skipif(
    not (_TABLES / _RELEASED).exists(), reason=f"M3ED's own tables are not in {_TABLES}"
)


def _line(start: str, end: str, speaker: str) -> dict[str, Any]:
    return {
        "StartTime": start,
        "EndTime": end,
        "Text": "今天，天气不错",
        "Speaker": speaker,
        "EmoAnnotation": _LABELS,
    }


def _dialogue(dialogue_id: str) -> dict[str, Any]:
    speakers = {
        letter: {"Name": name, "Age": "mid", "Gender": "male", "OtherName": []}
        for letter, name in (("A", "甲"), ("B", "乙"))
    }
    lines = {
        f"{dialogue_id}_1": _line("00:00:00:01", "00:00:01:04", "A"),
        f"{dialogue_id}_3": _line("00:00:01:06", "00:00:02:02", "B"),
    }
    return {"SpeakerInfo": speakers, "Dialog": lines}


def _validate(path: Path, *, single_file: bool = False) -> Report:
    report = Report("m3ed")
    validate_m3ed(list_release(path), None, report, single_file=single_file)
    report.check()
    return report


@pytest.fixture(scope="module")
def document() -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = json.loads((_TABLES / _RELEASED).read_text(encoding="utf-8"))
    return values


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, document: dict[str, dict[str, Any]]) -> Report:
    """What is found in 990 dialogues, two utterances each, by the real lists and the real relation file."""
    root = tmp_path_factory.mktemp("real")
    (root / "splitInfo").mkdir()
    for path in _TABLES.glob("movie_list_*.txt"):
        shutil.copy(path, root / "splitInfo")
    shutil.copy(_TABLES / _RELEASED, root / _RELATION)
    last = {list(places)[-1] for places in list(document.values())[:26]}
    annotation = {
        series: {name: _dialogue(name) for name in places if name not in last}
        for series, places in document.items()
    }
    (root / "annotation.json").write_text(json.dumps(annotation, ensure_ascii=False), encoding="utf-8")
    return _validate(root)


def test_the_known_oddities_are_found_and_nothing_else(report: Report) -> None:
    assert report.counts["rows"] == 2 * 990
    assert report.num_by_code() == {"M3-REL-001": 26, "M3-TIME-001": 7, "M3-TIME-004": 82}
    assert report.num_problems("error") == 0


def test_every_oddity_is_in_the_relation_file_at_its_own_place(
    report: Report, document: dict[str, dict[str, Any]]
) -> None:
    problems = list(report.problems())
    assert {problem.file for problem in problems} == {_RELATION}
    assert len({problem.json_path for problem in problems}) == 26 + 7 + 82
    for problem in problems:
        series, dialogue_id, *field = problem.json_path.split(".")
        entry = document[series][dialogue_id]
        if field:
            assert problem.found == repr(entry[field[0]])


def test_the_relation_file_by_itself_has_its_malformed_times_and_frame_fields(tmp_path: Path) -> None:
    path = Path(shutil.copy(_TABLES / _RELEASED, tmp_path / "places.json"))
    report = _validate(path, single_file=True)
    assert report.num_by_code() == {"M3-TIME-001": 7, "M3-TIME-004": 82}
    assert {problem.file for problem in report.problems()} == {"places.json"}


def test_the_excerpt_of_the_released_annotation_is_clean(tmp_path: Path) -> None:
    values = json.loads((_TABLES / "m3ed_annotation_excerpt.json").read_text(encoding="utf-8"))
    values.pop("_note")
    path = tmp_path / "annotation.json"
    path.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    report = _validate(path, single_file=True)
    assert report.num_by_code() == {}
    assert report.counts["rows"] == report.counts["finals_agree_paper"] == 2

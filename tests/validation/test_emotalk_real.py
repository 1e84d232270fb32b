"""EmotionTalk's own tables, dressed as a release: validation finds what is known of them and nothing else.

`tests/loaders/test_real_tables_emotalk.py` does the same with a tree of 77,000 files, which it has anyway.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotalk_data import validate
from emotalk_data.loaders.report import Report

from ..loaders.dress_emotalk import (
    KNOWN_ODDITIES,
    RealUtterance,
    members,
    needs_tables,
    read_tables,
    write_tar,
    write_tree,
)

pytestmark = [pytest.mark.slow, needs_tables]

_ONE_SIDED = (
    *("G00001_15", "G00001_29", "G00001_30", "G00001_31"),
    *("G00002_38", "G00010_04", "G00011_34", "G00015_45"),
)
_TOPS = ("Text", "Audio", "Video", "Multimodal")


@pytest.fixture(scope="module")
def truth() -> dict[str, RealUtterance]:
    return read_tables()


@pytest.fixture(scope="module")
def tars(tmp_path_factory: pytest.TempPathFactory, truth: dict[str, RealUtterance]) -> Iterator[Path]:
    """The four archives of the release, without media."""
    root = tmp_path_factory.mktemp("real")
    files = list(members(truth.values()))
    for top in _TOPS:
        write_tar(root / f"{top}.tar", (file for file in files if file[0].startswith(f"{top}/")))
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def report(tars: Path) -> Report:
    checked = validate(tars)
    checked.check()
    return checked


def test_the_known_oddities_are_found_and_nothing_else(report: Report) -> None:
    assert report.counts["records_in_rows"] == 77_000
    assert report.counts["rows"] == 19_250
    assert report.num_by_code() == KNOWN_ODDITIES
    assert report.is_clean


def test_the_oddities_are_told_with_their_places(report: Report, truth: dict[str, RealUtterance]) -> None:
    problems = {code: [one for one in report.problems() if one.code == code] for code in KNOWN_ODDITIES}
    assert sum(problem.count for problem in problems["ET-TEXT-001"]) == 306
    assert sum(problem.count for problem in problems["ET-TEXT-002"]) == 17
    for problem in (*problems["ET-TEXT-001"], *problems["ET-TEXT-002"]):
        assert problem.json_path == "content"
        assert problem.utterance_id is not None
        assert "over" in truth[problem.utterance_id].text_raw
        assert problem.file == (
            f"Text.tar::Text/json/{truth[problem.utterance_id].folder}/{problem.utterance_id}.json"
        )
    ids = [problem.utterance_id or "" for problem in problems["ET-SPEAKER-001"]]
    assert tuple(utterance_id[:9] for utterance_id in ids) == _ONE_SIDED
    for problem, utterance_id in zip(problems["ET-SPEAKER-001"], ids, strict=True):
        assert f"/{utterance_id}.json" in problem.file
        speakers = {key[10:12] for key in truth if key.startswith(f"{utterance_id[:9]}_")}
        assert len(speakers) == 1
        assert f"speaker {speakers.pop()} alone" in problem.found
    (count,) = problems["ET-COUNT-001"]
    assert ("742 dialogues" in count.found, "744" in count.expected) == (True, True)
    (shared,) = problems["ET-SPLIT-002"]
    assert all(word in shared.found for word in ("validation", "test", "02", "13"))
    assert "train" not in shared.found


def test_one_group_as_a_tree_has_its_own_oddities_and_no_count_is_compared(
    tmp_path: Path, truth: dict[str, RealUtterance]
) -> None:
    group = [utterance for utterance in truth.values() if utterance.utterance_id.startswith("G00001_")]
    write_tree(tmp_path, members(group))
    report = validate(tmp_path)
    assert report.counts["rows"] == len(group)
    assert report.num_by_code() == {"ET-SPEAKER-001": 4}
    assert [(problem.utterance_id or "")[:9] for problem in report.problems()] == list(_ONE_SIDED[:4])


def test_text_alone_shows_the_same(tars: Path) -> None:
    report = validate(tars / "Text.tar")
    assert report.counts["rows"] == 19_250
    assert report.num_by_code() == KNOWN_ODDITIES

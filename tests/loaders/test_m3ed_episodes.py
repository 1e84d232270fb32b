from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emotalk_data.errors import ReleaseNotFoundError
from emotalk_data.loaders.listing import list_release
from emotalk_data.loaders.m3ed_files import index_episodes, list_episodes
from emotalk_data.loaders.report import Report

SERIES = ("anjia", "shanhaiqing", "shanhaiqing2", "Huan_le_song")
Index = Callable[..., tuple[dict[tuple[str, int], str], Report]]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Make empty files of these names and say which episodes they are taken for."""

    def make(*names: str) -> tuple[dict[tuple[str, int], str], Report]:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        report = Report("m3ed")
        files = index_episodes(list_release(tmp_path), SERIES, report).files
        return {key: Path(path).relative_to(tmp_path).as_posix() for key, path in files.items()}, report

    return make


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("anjia/02.mp4", ("anjia", 2)),
        ("anjia/2.mkv", ("anjia", 2)),
        ("anjia_02.mp4", ("anjia", 2)),
        ("anjia02.mp4", ("anjia", 2)),
        ("anjia - 002.avi", ("anjia", 2)),
        ("Anjia.S01E02.1080p.x264.mp4", ("anjia", 2)),
        ("anjiaS01E02.mp4", ("anjia", 2)),
        ("anjiaEP02.mp4", ("anjia", 2)),
        ("anjia/EP2.mp4", ("anjia", 2)),
        ("anjia/ep 12.mp4", ("anjia", 12)),
        ("anjia/Episode_12.mp4", ("anjia", 12)),
        ("anjia/第02集.mp4", ("anjia", 2)),
        ("anjia/安家 第 2 集.mp4", ("anjia", 2)),
        ("anjia第2集.mp4", ("anjia", 2)),
        ("tv/2020/ANJIA/season 1/E07.MP4", ("anjia", 7)),
        ("anjia/anjia.2020.E03.mov", ("anjia", 3)),
        ("anjia/2020.1080p.mp4", None),  # two numbers, and neither is marked
        ("anjia/trailer.mp4", None),
        ("shanhaiqing_03.mp4", ("shanhaiqing", 3)),
        ("shanhaiqing2_03.mp4", ("shanhaiqing2", 3)),
        ("shanhaiqing2/03.mp4", ("shanhaiqing2", 3)),
        ("shanhaiqing2.mp4", None),  # the second series, or the second episode of the first?
        ("huan_le_song/E05.mp4", ("Huan_le_song", 5)),
        ("anjiazhuan_02.mp4", None),  # another series that begins alike
        ("anjiaextra2.mp4", None),
        ("qingyunzhi/02.mp4", None),
        ("02.mp4", None),
    ],
)
def test_an_episode_is_told_by_folder_and_name(index: Index, name: str, key: tuple[str, int] | None) -> None:
    files, report = index(name)
    if key is None:
        assert files == {}
        problem = next(report.problems())
        assert (problem.code, problem.file) == ("M3-EPI-003", name)
    else:
        assert files == {key: name}
        assert report.num_problems() == 0


def test_two_files_for_one_episode_are_both_left_out_and_reported(index: Index) -> None:
    files, report = index("anjia/02.mp4", "anjia/EP2.mkv", "anjia/old/2.mp4", "anjia/03.mp4")
    assert files == {("anjia", 3): "anjia/03.mp4"}
    assert report.num_by_code() == {"M3-EPI-002": 2}
    assert all("02.mp4" in problem.expected for problem in report.problems())


def test_sound_and_subtitles_beside_an_episode_are_no_second_file(index: Index) -> None:
    files, report = index("anjia/02.mp4", "anjia/02.wav", "anjia/02.m4a", "anjia/02.srt", "anjia/02.txt")
    assert files == {("anjia", 2): "anjia/02.mp4"}
    assert report.num_problems() == 0


def test_without_a_folder_of_episodes_there_are_none() -> None:
    report = Report("m3ed")
    assert index_episodes(None, SERIES, report).find("anjia", 1) is None
    assert report.num_problems() == 0


def test_a_missing_folder_of_episodes_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReleaseNotFoundError, match=r"episodes_dir '.*/nothing' is no folder"):
        list_episodes(tmp_path / "nothing")
    (tmp_path / "file.mp4").touch()
    with pytest.raises(ReleaseNotFoundError, match=r"episodes_dir '.*/file\.mp4' is no folder"):
        list_episodes(tmp_path / "file.mp4")

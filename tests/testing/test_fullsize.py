from __future__ import annotations

import json
import re
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from emotalk_data.errors import OptionError
from emotalk_data.testing import make_fullsize_emotalk

ReadTree = Callable[..., dict[str, bytes]]


def test_each_utterance_has_four_clean_files_of_about_a_kilobyte(tmp_path: Path) -> None:
    root = make_fullsize_emotalk(tmp_path / "release", num_utterances=2_000)
    files = sorted(root.rglob("*.json"))
    assert len(files) == 8_000
    assert len({path.stem for path in files}) == 2_000
    assert 700 < sum(path.stat().st_size for path in files) / len(files) < 1_500
    for path in files[::37]:
        assert re.fullmatch(r"G\d{5}_\d{2}_\d{2}_\d{3}", path.stem)
        record = json.loads(path.read_bytes())
        place = record.get("file_name", record.get("file_path"))
        assert Path(place).with_suffix(".json") == path.relative_to(
            root / path.relative_to(root).parts[0] / "json"
        )
        assert record["speaker_id"] == path.stem.split("_")[2]
        assert len(record["data"]) == 5
    assert len({path.parts[-4] for path in files}) == 15
    assert not list(root.rglob("*.wav"))


@pytest.mark.parametrize(("media", "links"), [("tiny", 1), ("shared", 30)])
def test_media_can_be_copies_or_links_and_fits_the_times(
    tmp_path: Path, media: Literal["tiny", "shared"], links: int
) -> None:
    root = make_fullsize_emotalk(tmp_path, num_utterances=30, media=media)
    for suffix in (".wav", ".mp4"):
        files = list(root.rglob(f"*{suffix}"))
        assert len(files) == 30
        assert {path.stat().st_nlink for path in files} == {links}
    for path in (root / "Audio" / "wav").rglob("*.wav"):
        with wave.open(str(path)) as file:
            seconds = file.getnframes() / file.getframerate()
        inside = path.relative_to(root / "Audio" / "wav").with_suffix(".json")
        times = json.loads((root / "Audio" / "json" / inside).read_bytes())["paragraphs"]
        assert times["endTime"] - times["startTime"] == pytest.approx(seconds, abs=2 / 16_000)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, read_tree: ReadTree) -> None:
    first, again, other = (
        make_fullsize_emotalk(tmp_path / name, num_utterances=40, seed=seed)
        for name, seed in (("first", 5), ("again", 5), ("other", 6))
    )
    assert read_tree(first) == read_tree(again) != read_tree(other)


def test_impossible_arguments_are_option_errors(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected 1 to 38610"):
        make_fullsize_emotalk(tmp_path, num_utterances=38_611)
    with pytest.raises(OptionError, match="expected 'none', 'tiny' or 'shared'"):
        make_fullsize_emotalk(tmp_path, num_utterances=1, media="all")  # type: ignore[arg-type]
    make_fullsize_emotalk(tmp_path, num_utterances=1)
    with pytest.raises(OptionError, match="exists already"):
        make_fullsize_emotalk(tmp_path, num_utterances=1)

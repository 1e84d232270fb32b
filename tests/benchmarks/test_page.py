"""The page and its picture are made from files alone, from one sitting or from several."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.environment import processor_times, share_taken
from benchmarks.measure import Result, Section
from benchmarks.page import page
from benchmarks.plot import PlotError, draw

STOCK = "datasets (AudioDecoder)"


def audio(version: str, peer_seconds: float, *, is_full_size: bool = True) -> Section:
    results = {
        "whole/ours, file": Result([0.001, 0.0011], value=1, role="ours"),
        f"whole/{STOCK}, file": Result([peer_seconds, peer_seconds * 1.1], value=1),
        "whole/soundfile": Result([0.0005, 0.0006], value=1),
        "whole/torchaudio": Result(error="not installed: torchaudio"),
        "whole/bare pread and numpy": Result([0.001, 0.001], value=1, role="limit"),
    }
    environment = {"Python": "3.11.0", "machine": "none", "torchcodec": version}
    return Section("audio", environment, "2 wavs", is_full_size, results, {})


def test_a_section_comes_back_from_json_as_it_was() -> None:
    section = audio("0.17.0", 0.1)
    assert Section.from_json(json.loads(json.dumps(section.to_json()))) == section


def test_what_does_not_hold_stands_at_the_top() -> None:
    text = page([audio("0.17.0", 0.05)], None)
    head = text.partition("\n## ")[0]
    assert "What does not hold:" in head
    assert "| whole wav from file, against datasets (AudioDecoder), file | 50.0×" in head
    assert "What does not hold:" not in page([audio("0.17.0", 0.1)], None)


def test_each_sitting_of_a_suite_names_its_own_versions() -> None:
    text = page([audio("0.13.0", 0.1), audio("0.17.0", 0.1)], "performance.svg")
    assert text.count("## Sound") == 1
    assert text.index("torchcodec 0.13.0") < text.index("torchcodec 0.17.0")
    assert "](performance.svg)" in text


def test_a_row_is_set_against_our_first_one() -> None:
    text = page([audio("0.17.0", 0.1)], None)
    assert "| ours, file | 952 | 1.050 | 1.10 | 1.00× |" in text
    assert "| soundfile | 1,818 | 0.550 | 1.20 | 0.52× |" in text
    assert "| torchaudio | not installed: torchaudio | | | |" in text
    assert "| limit: bare pread and numpy | 1,000 | 1.000 | 1.00 | 0.95× |" in text


def test_the_command_makes_one_page_of_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, section in zip(files, [audio("0.13.0", 0.1), audio("0.17.0", 0.05)], strict=True):
        file.write_text(json.dumps({"sections": [section.to_json()]}), encoding="utf-8")
    target = tmp_path / "performance.md"
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--from", *map(str, files), "--markdown", str(target)])
    assert command.main() == 1  # 50 times is less than the 60 that are claimed
    text = target.read_text(encoding="utf-8")
    assert "0.13.0" in text
    assert "0.17.0" in text


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_picture_shows_ours_against_each_peer(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    target = tmp_path / f"plot.{suffix}"
    draw([audio("0.17.0", 0.1), audio("0.13.0", 0.1, is_full_size=False)], target)
    data = target.read_bytes()
    if suffix == "png":
        assert data.startswith(b"\x89PNG")
        return
    text = data.decode("utf-8")
    assert all(word in text for word in (STOCK, "soundfile", "100×", "0.52×", "torchcodec 0.13.0"))
    draw([audio("0.17.0", 0.1), audio("0.13.0", 0.1, is_full_size=False)], target)
    assert target.read_bytes() == data


def test_without_a_peer_there_is_nothing_to_draw(tmp_path: Path) -> None:
    section = audio("0.17.0", 0.1)
    section.results = {name: result for name, result in section.results.items() if result.role != "peer"}
    with pytest.raises(PlotError, match="no peer was measured"):
        draw([section], tmp_path / "plot.svg")


def test_the_share_that_other_guests_took_is_of_the_time_between() -> None:
    assert share_taken((10, 100), (35, 300)) == "12%"
    assert share_taken((0, 0), (0, 0)) == "unknown"
    before = processor_times()
    assert all(late >= early for late, early in zip(processor_times(), before, strict=True))

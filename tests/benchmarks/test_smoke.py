"""Every suite runs from end to end on small data, and says what is missing. No time is asserted.

One test a suite: what it measured is looked at from all sides at once, so that it runs only once.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOLERANCES = {"features": 1e-4}
"""Largest difference from the reference, where it is not exact: of vectors, as a share of the largest number."""


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["load", "audio", "video", "epoch", "features"])
def test_a_quick_run_measures_all_of_ours_and_writes_its_files(suite: str, tmp_path: Path) -> None:
    if suite in ("epoch", "features"):
        pytest.importorskip("torch")
    section, said = run(suite, tmp_path)
    results: dict[str, dict[str, Any]] = section["results"]
    ours = {name: result for name, result in results.items() if result["role"] != "peer"}
    check_that_ours_gave_numbers(ours)
    check_that_a_peer_gave_numbers_or_is_missing({n: r for n, r in results.items() if n not in ours})
    check_that_nothing_differs_from_the_reference(section)
    check_the_page((tmp_path / "page.md").read_text(encoding="utf-8"), list(results))
    is_drawn = (tmp_path / "plot.svg").exists()
    assert is_drawn != ("no plot: " in said)
    if suite != "load" and importlib.util.find_spec("matplotlib") is None:
        assert "no plot: not installed: matplotlib" in said
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"results.json", "page.md", "plot.svg"}, "data was left behind"


def run(suite: str, folder: Path) -> tuple[dict[str, Any], str]:
    """Run `python -m benchmarks --quick`; return the section it wrote and what it said on the way."""
    files = ["--json", "results.json", "--markdown", "page.md", "--plot", "plot.svg"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--suite", suite]
        + [part if part.startswith("--") else str(folder / part) for part in files],
        cwd=ROOT,
        # Whoever imports torch's compiler makes a folder for it among the temporary files, and leaves it there.
        env={**os.environ, "TMPDIR": str(folder), "TORCHINDUCTOR_CACHE_DIR": f"{folder}-inductor"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (section,) = json.loads((folder / "results.json").read_text(encoding="utf-8"))["sections"]
    return section, done.stderr


def check_that_ours_gave_numbers(ours: dict[str, dict[str, Any]]) -> None:
    assert len(ours) > 1
    assert {name: result["error"] for name, result in ours.items() if result["error"]} == {}
    assert all(result["seconds"] and min(result["seconds"]) > 0 for result in ours.values())


def check_that_a_peer_gave_numbers_or_is_missing(peers: dict[str, dict[str, Any]]) -> None:
    assert peers
    for name, result in peers.items():
        assert bool(result["seconds"]) != bool(result["error"]), name
        assert not result["error"] or result["error"].startswith("not installed"), (
            f"{name}: {result['error']}"
        )


def check_that_nothing_differs_from_the_reference(section: dict[str, Any]) -> None:
    counts = {name: value for name, value in section["facts"].items() if "differ" in name}
    assert all(value <= TOLERANCES.get(section["suite"], 0) for value in counts.values()), counts
    assert bool(counts) == (section["suite"] in ("audio", "video", "features"))


def check_the_page(page: str, names: list[str]) -> None:
    assert page.startswith("# Performance\n")
    assert "A quick run: nothing is judged." in page
    assert [name for name in names if f"{name.rpartition('/')[2]} |" not in page] == []
    assert "| yes |" not in page
    assert "| NO |" not in page

"""How much memory the validation of a release takes, and what it imports: measured in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.schemas.labels import MODALITIES
from emotalk_data.testing import make_fullsize_emotalk

pytestmark = pytest.mark.slow

_LIMIT_BYTES = 400 * 1_000_000
# Utterances, of four records each. Far apart and not small: tables that any release fills once are no growth.
_SMALL, _LARGE = 8_000, 20_000
_MANY = 1_000_000

# Validates a few utterances first: what is imported and set up for any release is no growth.
_CHILD = """
import json, re, resource, sys
from emotalk_data import validate

def peak():
    if sys.platform == "linux":  # where ru_maxrss begins with that of the process that started this one
        with open("/proc/self/status") as status:
            return int(re.search(r"VmHWM:\\s*([0-9]+) kB", status.read())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

assert validate(sys.argv[1]).counts["rows"]
report = validate(sys.argv[2])
print(json.dumps({
    "peak": peak(),
    "rows": report.counts["rows"],
    "codes": report.num_by_code(),
    "modules": sorted(sys.modules),
}))
"""


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A large release, six of its fifteen groups, and one of its sessions: links to its folders."""
    root = tmp_path_factory.mktemp("sizes")
    found = {"large": make_fullsize_emotalk(root / "large", num_utterances=_LARGE)}
    six_groups = tuple(f"G{number:05d}" for number in range(1, 7))
    for name, folders in (("small", six_groups), ("warm-up", ("G00001/G00001_01",))):
        found[name] = root / name
        for modality in MODALITIES:
            for folder in folders:
                path = Path(modality.capitalize(), "json", folder)
                (root / name / path).parent.mkdir(parents=True, exist_ok=True)
                (root / name / path).symlink_to(root / "large" / path)
    for name in ("small", "large"):
        found[f"{name} in tars"] = root / f"{name} in tars"
        for modality in MODALITIES:
            _pack(found[name] / modality.capitalize(), found[f"{name} in tars"])
    return found


def _pack(folder: Path, target: Path) -> None:
    """Write `<folder>.tar` with its files in order, as the release's tars have them."""
    target.mkdir(exist_ok=True)
    # Path.rglob does not follow the links that the small release is made of.
    paths = sorted(
        Path(found, name) for found, _, names in os.walk(folder, followlinks=True) for name in names
    )
    with (target / f"{folder.name}.tar").open("wb") as out:
        for path in paths:
            info = tarfile.TarInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}")
            data = path.read_bytes()
            info.size = len(data)
            out.write(info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512))
        out.write(bytes(1_024))


def _validate(warm_up: Path, release: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(warm_up), str(release)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    values: dict[str, Any] = json.loads(done.stdout)
    return values


@pytest.fixture(scope="module")
def measured(releases: dict[str, Path]) -> dict[str, dict[str, Any]]:
    found = {
        name: _validate(releases["warm-up"], path) for name, path in releases.items() if name != "warm-up"
    }
    for form in ("", " in tars"):
        assert (found[f"small{form}"]["rows"], found[f"large{form}"]["rows"]) == (_SMALL, _LARGE)
    return found


@pytest.mark.parametrize("form", ["", " in tars"], ids=["a tree", "four tars"])
def test_a_million_utterances_would_fit_into_400_megabytes(
    measured: dict[str, dict[str, Any]], form: str
) -> None:
    small, large = measured[f"small{form}"], measured[f"large{form}"]
    growth = (large["peak"] - small["peak"]) / (_LARGE - _SMALL)
    assert large["peak"] + growth * (_MANY - _LARGE) < _LIMIT_BYTES


def test_validating_a_release_imports_neither_datasets_nor_pyarrow(
    measured: dict[str, dict[str, Any]],
) -> None:
    modules = {name.partition(".")[0] for name in measured["small"]["modules"]}
    assert "emotalk_data" in modules
    # Nor what only media need.
    assert modules.isdisjoint({"datasets", "pyarrow", "pandas", "torch", "av", "soundfile", "numpy"})


def test_problems_are_kept_up_to_a_bound_and_counted_beyond_it(
    releases: dict[str, Path], tmp_path: Path
) -> None:
    peaks: dict[int, int] = {}
    for size in (2_000, 6_000):
        for number in range(size):
            session, utterance = divmod(number, 100)
            path = tmp_path / str(size) / "Text" / f"G00002_{session:02d}_07_{utterance:03d}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"{}")
        values = _validate(releases["warm-up"], tmp_path / str(size))
        for code in ("ET-ID-002", "ET-DATA-001", "ET-LABEL-003", "ET-KEY-004", "ET-TEXT-005"):
            assert values["codes"][code] == size
        peaks[size] = values["peak"]
    # Each of the five takes some 500 bytes where it is kept: beyond a thousand of a code none is.
    assert peaks[6_000] - peaks[2_000] < (6_000 - 2_000) * 1_000

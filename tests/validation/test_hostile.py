"""Nothing in a release may crash, hang or exhaust whoever validates it; and nothing may be written or run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from .hostile_releases import NAME, TEXT, Hostile, hostile_releases, record
from .hostile_tars import packed

WORKER: Final = Path(__file__).with_name("hostile_worker.py")
HANG_SECONDS: Final = 60
MAX_GROWTH_BYTES: Final = 256 << 20
RELEASES: Final = {release.name: release for release in hostile_releases()}
IDS: Final = ("G00002_01_07_001", "G00002_01_08_002", "G00002_01_07_003")

Result = dict[str, Any]


def results_of(top: Path, cwd: Path) -> dict[str, Result]:
    """Validate every release below `top` in another process; name -> what came of it."""
    done = subprocess.run(
        [sys.executable, str(WORKER), str(top)],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"at {lines[-1:]}: {done.stderr[-2_000:]}"
    assert done.stderr == ""
    return {name: json.loads(result) for name, result in zip(lines[::2], lines[1::2], strict=True)}


def everything_below(folder: Path) -> list[str]:
    return sorted(path for root, *names in os.walk(folder) for path in (root, *names[0], *names[1]))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    folder = tmp_path_factory.mktemp("hostile")
    top, cwd = folder / "releases", folder / "cwd"
    cwd.mkdir()
    for release in RELEASES.values():
        root = top / release.name
        root.mkdir(parents=True)
        release.make(root)
    before = everything_below(folder)
    found = results_of(top, cwd)
    assert everything_below(folder) == before
    return found


@pytest.mark.parametrize("release", RELEASES.values(), ids=lambda release: release.name)
def test_a_hostile_release_gets_its_codes_with_the_file_and_costs_little(
    release: Hostile, results: dict[str, Result]
) -> None:
    result = results[release.name]
    codes = release.codes.split()
    assert sorted({code for code, _ in result["problems"]}) == sorted(codes)
    if codes:
        assert any(code == codes[0] and file.startswith(release.file) for code, file in result["problems"])
    assert result["events"] == []
    assert result["grown_bytes"] < MAX_GROWTH_BYTES
    assert result["longest"] < 500
    assert result["is_printable"]


def tar_of_three() -> bytes:
    members = {}
    for utterance_id in IDS:
        name = TEXT.replace(NAME, f"{utterance_id[:6]}/{utterance_id[:9]}/{utterance_id[:12]}/{utterance_id}")
        members[name] = json.dumps(record(speaker_id=utterance_id[10:12])).encode()
    return packed(members)


def damaged_tars(tmp_path: Path, tars: dict[str, bytes]) -> dict[str, Result]:
    for name, data in tars.items():
        root = tmp_path / "releases" / name
        root.mkdir(parents=True)
        (root / "Text.tar").write_bytes(data)
    return results_of(tmp_path / "releases", tmp_path)


def test_no_cut_of_an_archive_loses_a_record_unnoticed(tmp_path: Path) -> None:
    whole = tar_of_three()
    cuts = [*range(0, 4_096, 128), *range(4_096, len(whole), 1_024), len(whole)]
    for name, result in damaged_tars(tmp_path, {f"{cut:05d}": whole[:cut] for cut in cuts}).items():
        codes = {code for code, _ in result["problems"]}
        assert result["rows"] == 3 or codes & {"ET-TAR-001", "ET-TAR-003"}, name
        assert codes <= {"ET-TAR-001", "ET-TAR-003", "ET-SPEAKER-001"}, name
        assert all(file == "Text.tar" for code, file in result["problems"] if code.startswith("ET-TAR")), name


def test_no_flipped_bit_of_an_archive_loses_a_record_unnoticed(tmp_path: Path) -> None:
    whole = tar_of_three()
    tars = {}
    for block in (0, 2, 4, 6, 7, 12):  # the three headers, and zeros that end the archive
        for place in range(block * 512, block * 512 + 512, 7):
            data = bytearray(whole)
            data[place] ^= 1 << place % 8
            tars[f"{place:05d}"] = bytes(data)
    for name, result in damaged_tars(tmp_path, tars).items():
        codes = {code for code, _ in result["problems"]}
        assert codes == {"ET-TAR-003"}, name
        assert result["rows"] == 0, name

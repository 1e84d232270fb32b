from __future__ import annotations

from pathlib import Path

import pytest

from emotalk_data.cli import main


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["export", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_export_writes_the_files_and_says_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--root", str(tmp_path))
    assert (code, err) == (0, "")
    assert "written: schemas/emotalk-text.schema.json\n" in out
    assert out.endswith("Wrote 20 of 20 published files; the others were as the code says.\n")
    assert (tmp_path / "loaders/m3ed/README.md").is_file()


def test_export_then_check_is_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--root", str(tmp_path))
    assert run(capsys, "--root", str(tmp_path), "--check") == (
        0,
        "20 published files as the code says.\n",
        "",
    )


def test_export_writes_only_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--root", str(tmp_path))
    (tmp_path / "loaders/README.md").unlink()
    _, out, _ = run(capsys, "--root", str(tmp_path))
    assert out == (
        "written: loaders/README.md\nWrote 1 of 20 published files; the others were as the code says.\n"
    )


def test_check_writes_nothing_and_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--root", str(tmp_path), "--check")
    assert code == 1
    assert "missing: loaders/README.md\n" in out
    assert "20 differences" in out
    assert list(tmp_path.iterdir()) == []


def test_check_shows_a_short_diff_of_a_changed_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "--root", str(tmp_path))
    file = tmp_path / "schemas/m3ed.arrow.txt"
    file.write_bytes(file.read_bytes().replace(b"episode ", b"Episode "))
    (tmp_path / "schemas/old.txt").touch()
    code, out, _ = run(capsys, "--root", str(tmp_path), "--check")
    assert code == 1
    assert out.startswith("different: schemas/m3ed.arrow.txt\n--- schemas/m3ed.arrow.txt (there)\n")
    assert "\n-Episode " in out
    assert "\n+episode " in out
    assert "\nsurplus: schemas/old.txt\n" in out
    assert "2 differences; " in out


def test_a_surplus_file_is_named_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--root", str(tmp_path))
    (tmp_path / "schemas/old.txt").touch()
    code, out, _ = run(capsys, "--root", str(tmp_path))
    assert code == 0
    assert out.startswith("surplus, left alone: schemas/old.txt\n")
    assert (tmp_path / "schemas/old.txt").exists()


@pytest.mark.parametrize("check", [(), ("--check",)])
def test_a_root_that_is_not_there_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], check: tuple[str, ...]
) -> None:
    code, out, err = run(capsys, "--root", str(tmp_path / "nowhere"), *check)
    assert (code, out) == (2, "")
    assert "which is no folder" in err
    assert "Traceback" not in err

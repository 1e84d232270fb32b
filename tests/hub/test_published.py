from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emotalk_data.errors import OptionError
from emotalk_data.hub.published import check_published, find_drift, published_files, write_published

REPOSITORY = Path(__file__).parents[2]


def test_the_committed_folders_are_what_the_code_says() -> None:
    assert check_published(REPOSITORY) == []


def test_what_was_written_is_clean_and_writing_again_finds_nothing_to_do(tmp_path: Path) -> None:
    written = write_published(tmp_path)
    assert [item.path for item in written] == list(published_files())
    assert {item.kind for item in written} == {"missing"}
    assert check_published(tmp_path) == []
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert write_published(tmp_path) == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_each_corpus_and_record_has_its_files() -> None:
    names = set(published_files())
    for corpus in ("emotalk", "m3ed"):
        assert {
            f"loaders/{corpus}/README.md",
            f"loaders/{corpus}/croissant.json",
            f"schemas/{corpus}.arrow.txt",
        } <= names
    records = {name.removesuffix(".schema.json") for name in names if name.endswith(".schema.json")}
    assert records == {
        *(f"schemas/emotalk-{name}" for name in ("text", "audio", "video", "multimodal", "flat")),
        *(f"schemas/m3ed-{name}" for name in ("utterance", "speaker", "dialogue", "annotation", "relation")),
        "schemas/feature-shard",
        "schemas/report",
    }


def test_the_first_line_of_each_folder_says_where_the_python_is() -> None:
    files = published_files()
    assert "`emotalk_data/schemas/`" in files["schemas/README.md"].splitlines()[0]
    assert "`emotalk_data/loaders/`" in files["loaders/README.md"].splitlines()[0]


def test_the_files_are_the_same_in_another_process_with_another_hash_seed_and_locale() -> None:
    code = "from emotalk_data.hub.published import published_files as f; print(ascii(sorted(f().items())))"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Shanghai", "COLUMNS": "40"}
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == ascii(sorted(published_files().items()))


@pytest.mark.parametrize("path", published_files())
def test_a_file_ends_with_one_newline_and_json_has_sorted_keys(path: str) -> None:
    text = published_files()[path]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\r" not in text
    if path.endswith(".json"):
        assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    write_published(tmp_path)
    return tmp_path


def test_a_changed_byte_is_drift_and_shows_where(checkout: Path) -> None:
    file = checkout / "schemas/emotalk.arrow.txt"
    file.write_bytes(file.read_bytes().replace(b"speaker_id", b"speaker_ID"))
    (drift,) = find_drift(checkout)
    assert str(drift) == "different: schemas/emotalk.arrow.txt"
    assert "-speaker_ID" in drift.diff
    assert "+speaker_id" in drift.diff


@pytest.mark.parametrize("change", [b"", b"\xff\xfe", b"\x00" * (5 << 20)])
def test_any_other_content_is_drift(checkout: Path, change: bytes) -> None:
    (checkout / "loaders/m3ed/croissant.json").write_bytes(change)
    assert check_published(checkout) == ["different: loaders/m3ed/croissant.json"]


def test_windows_line_ends_are_drift(checkout: Path) -> None:
    file = checkout / "schemas/README.md"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    (drift,) = find_drift(checkout)
    assert "# Schemas\\r" in drift.diff


def test_a_missing_file_is_drift_and_is_written_again(checkout: Path) -> None:
    (checkout / "schemas/m3ed-speaker.schema.json").unlink()
    assert check_published(checkout) == ["missing: schemas/m3ed-speaker.schema.json"]
    write_published(checkout)
    assert check_published(checkout) == []


def test_a_surplus_file_is_drift_and_is_left_alone(checkout: Path) -> None:
    surplus = checkout / "loaders/emotalk/data/train-00000.parquet"
    surplus.parent.mkdir()
    surplus.write_bytes(b"PAR1")
    assert check_published(checkout) == ["surplus: loaders/emotalk/data/train-00000.parquet"]
    assert [item.kind for item in write_published(checkout)] == ["surplus"]
    assert surplus.read_bytes() == b"PAR1"


def test_what_a_terminal_would_obey_is_escaped(checkout: Path) -> None:
    (checkout / "schemas/\x1b[31mred").touch()
    file = checkout / "schemas/m3ed.arrow.txt"
    file.write_text(f"\x1b]0;title\x07\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    drift = find_drift(checkout)
    shown = "\n".join(f"{item}\n{item.diff}" for item in drift)
    assert len(drift) == 2
    assert shown.replace("\n", "").isprintable()
    assert "\\x1b]0;title\\x07" in shown


def test_a_long_diff_is_cut(checkout: Path) -> None:
    file = checkout / "loaders/emotalk/croissant.json"
    file.write_text("\n" * 5_000, encoding="utf-8")
    (drift,) = find_drift(checkout)
    assert len(drift.diff.splitlines()) == 21
    assert drift.diff.endswith(" more lines")


def test_somebody_elses_folder_of_that_name_is_not_overwritten(tmp_path: Path) -> None:
    readme = tmp_path / "schemas/README.md"
    readme.parent.mkdir()
    readme.write_text("Our database schemas.\n", encoding="utf-8")
    with pytest.raises(OptionError, match="was not written by `emotalk export`"):
        write_published(tmp_path)
    assert readme.read_text(encoding="utf-8") == "Our database schemas.\n"
    assert list(tmp_path.rglob("*.json")) == []


def test_a_root_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected the root of the repository"):
        check_published(tmp_path / "nowhere")


def test_a_folder_where_a_file_should_be_is_an_error_of_ours(checkout: Path) -> None:
    file = checkout / "schemas/m3ed.arrow.txt"
    file.unlink()
    file.mkdir()
    assert check_published(checkout) == ["missing: schemas/m3ed.arrow.txt"]
    with pytest.raises(OptionError, match=r"cannot write schemas/m3ed\.arrow\.txt"):
        write_published(checkout)
    assert [path.name for path in (checkout / "schemas").iterdir() if path.name.startswith(".")] == []

"""Archives of a release that are damaged, unsafe or not archives at all."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from emotalk_data import load_dataset, validate
from emotalk_data.errors import ArchiveError, EmotalkError, LimitError
from emotalk_data.loaders import emotalk_index
from emotalk_data.testing import EmotalkSample, make_emotalk

from .emotalk_loading import load, problems_of, record_path


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> EmotalkSample:
    root = tmp_path_factory.mktemp("clean") / "release"
    return make_emotalk(root, num_utterances=6, media=False, oddities=False)


@pytest.fixture
def root(clean: EmotalkSample, tmp_path: Path) -> Path:
    """A release with the tree of Text and a good Audio.tar; a bad archive may come to it."""
    root = tmp_path / "release"
    shutil.copytree(clean.root / "Text", root / "Text")
    _tar(root / "Audio.tar", clean.root / "Audio")
    return root


def _tar(path: Path, folder: Path) -> None:
    with tarfile.open(path, "w") as archive:
        archive.add(folder, folder.name)


def _with_member(path: Path, clean: EmotalkSample, name: str, kind: bytes = tarfile.REGTYPE) -> None:
    """Pack Video, and one member more at the end."""
    _tar(path, clean.root / "Video")
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo(name)
        member.type = kind
        member.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
        archive.addfile(member)


def _traversal(path: Path, clean: EmotalkSample) -> None:
    _with_member(path, clean, "../x")


def _absolute(path: Path, clean: EmotalkSample) -> None:
    _with_member(path, clean, "/etc/x.json")


def _symbolic_link(path: Path, clean: EmotalkSample) -> None:
    _with_member(path, clean, "Video/json/x.json", tarfile.SYMTYPE)


def _hard_link(path: Path, clean: EmotalkSample) -> None:
    _with_member(path, clean, "Video/json/x.json", tarfile.LNKTYPE)


def _device(path: Path, clean: EmotalkSample) -> None:
    _with_member(path, clean, "Video/json/x.json", tarfile.CHRTYPE)


def _fifo_member(path: Path, clean: EmotalkSample) -> None:
    _with_member(path, clean, "Video/json/x.json", tarfile.FIFOTYPE)


def _sparse(path: Path, clean: EmotalkSample) -> None:
    _with_member(path, clean, "Video/json/x.json", tarfile.GNUTYPE_SPARSE)


def _duplicate(path: Path, clean: EmotalkSample) -> None:
    name = record_path(Path(), "video", clean.utterances[0].utterance_id).as_posix()
    _with_member(path, clean, name)


def _cut(path: Path, clean: EmotalkSample) -> None:
    _tar(path, clean.root / "Video")
    os.truncate(path, 2_500)


def _flipped(path: Path, clean: EmotalkSample) -> None:
    _tar(path, clean.root / "Video")
    raw = bytearray(path.read_bytes())
    raw[110] ^= 1
    path.write_bytes(raw)


def _cut_gzip(path: Path, clean: EmotalkSample) -> None:
    _tar(path, clean.root / "Video")
    path.write_bytes(gzip.compress(path.read_bytes())[:-4])


def _page(path: Path, clean: EmotalkSample) -> None:
    path.write_text("<!DOCTYPE html><title>Access denied</title>" + " " * 2_000)


def _empty(path: Path, clean: EmotalkSample) -> None:
    path.touch()


_BAD = (
    _traversal,
    _absolute,
    _symbolic_link,
    _hard_link,
    _device,
    _fifo_member,
    _sparse,
    _duplicate,
    _cut,
    _flipped,
    _cut_gzip,
    _page,
    _empty,
)


@pytest.mark.parametrize("make", _BAD)
def test_a_bad_archive_ends_loading_and_is_one_problem_of_validation(
    make: Callable[[Path, EmotalkSample], None], clean: EmotalkSample, root: Path, tmp_path: Path
) -> None:
    make(root / "Video.tar", clean)
    with pytest.raises(ArchiveError, match=r"Video\.tar"):
        load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / "cache")
    report = validate(root)
    (problem,) = problems_of(report, "ET-TAR-003")
    assert (problem.file, problem.severity) == ("Video.tar", "error")
    assert len(problem.found) <= 500
    # The others are read as if it were not there, and nothing of it is, though its damage is at its end.
    assert report.counts["records_found"] == report.counts["records_in_rows"] == 12
    assert set(report.num_by_code()) <= {"ET-TAR-003", "ET-TEXT-001"}
    assert sorted(path.name for path in tmp_path.iterdir()) in (["cache", "release"], ["release"])


@pytest.mark.parametrize("make", _BAD)
def test_a_bad_archive_alone_is_the_same(
    make: Callable[[Path, EmotalkSample], None], clean: EmotalkSample, tmp_path: Path
) -> None:
    path = tmp_path / "Video.tar"
    make(path, clean)
    with pytest.raises(ArchiveError, match=r"Video\.tar"):
        load_dataset("emotalk", data_dir=path, cache_dir=tmp_path / "cache")
    assert validate(path).num_by_code() == {"ET-TAR-003": 1}


def _nothing(path: Path) -> None:
    path.symlink_to("nowhere.tar")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [_nothing, _pipe])
def test_what_is_no_file_is_a_typed_error_and_a_problem(
    make: Callable[[Path], None], root: Path, tmp_path: Path
) -> None:
    make(root / "Video.tar")
    with pytest.raises(EmotalkError, match=r"Video\.tar"):
        load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / "cache")
    report = validate(root)
    assert [problem.file for problem in problems_of(report, "ET-TAR-003")] == ["Video.tar"]
    assert report.counts["rows"] == 6


@pytest.mark.parametrize("inside", [False, True])
def test_a_damaged_zip_of_videos_is_an_error_only_where_it_is_needed(
    inside: bool, clean: EmotalkSample, root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "Multimodal"
    shutil.copytree(clean.root / "Multimodal", folder)
    (folder / "mp4.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    if inside:
        _tar(root / "Multimodal.tar", folder)
    else:
        folder.rename(root / "Multimodal")
    name = "Multimodal.tar::Multimodal/mp4.zip" if inside else "Multimodal/mp4.zip"
    with pytest.raises(ArchiveError, match="not a zip"):
        load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / "cache")
    report = validate(root)
    assert [problem.file for problem in problems_of(report, "ET-TAR-003")] == [name]
    assert report.counts["records_found"] == 18
    video = root / "Multimodal" / "mp4" / f"{clean.utterances[0].utterance_id}.mp4"
    video.parent.mkdir(parents=True, exist_ok=True)
    video.touch()
    rows, report = load(root, tmp_path / "cache")
    assert "ET-TAR-003" not in report.num_by_code()
    assert rows[video.stem]["video"]["path"] == str(video)


def test_media_in_gzip_data_are_null_and_counted(clean: EmotalkSample, root: Path, tmp_path: Path) -> None:
    path = root / "Multimodal.tar"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(clean.root / "Multimodal", "Multimodal")
        for utterance in clean.utterances:
            archive.addfile(tarfile.TarInfo(f"Multimodal/mp4/{utterance.media_path('.mp4')}"))
    rows, report = load(root, tmp_path / "cache")
    assert {row["video"] for row in rows.values()} == {None}
    assert [(p.file, p.count) for p in problems_of(report, "ET-TAR-002")] == [("Multimodal.tar", 6)]
    with tarfile.open(path, "w:gz") as archive:
        archive.add(clean.root / "Multimodal", "Multimodal")
        archive.addfile(tarfile.TarInfo("Multimodal/mp4.zip"))
    assert [p.found for p in problems_of(validate(root), "ET-TAR-002")] == [
        "gzip data with zips of media in it"
    ]


def test_oddities_that_lose_nothing_are_notes(clean: EmotalkSample, root: Path, tmp_path: Path) -> None:
    _tar(root / "Video.tar", clean.root / "Video")
    raw = (root / "Video.tar").read_bytes()
    (root / "Video.tar").write_bytes(raw.rstrip(b"\0") + bytes(-len(raw.rstrip(b"\0")) % 512))
    _, report = load(root, tmp_path / "cache")
    assert [problem.file for problem in problems_of(report, "ET-TAR-001")] == ["Video.tar"]
    assert report.is_clean


def test_two_archives_with_the_same_record_are_a_duplicate(
    clean: EmotalkSample, root: Path, tmp_path: Path
) -> None:
    _tar(root / "Audio 2.tar", clean.root / "Audio")
    rows, report = load(root, tmp_path / "cache")
    assert report.counts["records_duplicate"] == 6
    found = {problem.file.partition("::")[0] for problem in problems_of(report, "ET-DUP-001")}
    assert found == {"Audio.tar"}  # "Audio 2.tar" comes first in the order of names
    assert {row["modalities"][1] for row in rows.values()} == {"audio"}


def test_two_archives_with_the_same_clip_are_a_duplicate_and_a_file_beside_one_is_not(
    clean: EmotalkSample, root: Path, tmp_path: Path
) -> None:
    name = f"{clean.utterances[0].utterance_id}.wav"
    for archive_name in ("a.tar", "b.tar"):
        with tarfile.open(root / archive_name, "w") as archive:
            archive.addfile(tarfile.TarInfo(name))
    rows, report = load(root, tmp_path / "cache")
    assert rows[name[:-4]]["audio"]["path"] == f"tar://{name}::{root}/a.tar"
    assert [problem.file for problem in problems_of(report, "ET-DUP-001")] == [f"b.tar::{name}"]
    (root / "b.tar").unlink()
    (root / name).touch()
    rows, report = load(root, tmp_path / "cache")
    assert rows[name[:-4]]["audio"]["path"] == f"{root}/{name}"
    assert "ET-DUP-001" not in report.num_by_code()


def test_records_of_any_kind_of_damage_inside_a_tar_are_named_by_archive_and_member(
    clean: EmotalkSample, root: Path, tmp_path: Path
) -> None:
    first, second = (utterance.utterance_id for utterance in clean.utterances[:2])
    members = {
        record_path(Path(), "video", first).as_posix(): b"{",
        record_path(Path(), "video", second).as_posix(): b" " * (3 << 20),
        "Video/json/README.json": b"{}",
        "Video/mp4/intro.mp4": b"",
        f"{first}.wav": b"",
    }
    with tarfile.open(root / "Video.tar", "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    rows, report = load(root, tmp_path / "cache")
    names = list(members)
    found = {problem.code: problem.file for problem in report.problems() if "::" in problem.file}
    assert found == {
        "ET-JSON-001": f"Video.tar::{names[0]}",
        "ET-JSON-004": f"Video.tar::{names[1]}",
        "ET-ID-001": f"Video.tar::{names[2]}",
        "ET-PRES-003": f"Video.tar::{names[3]}",
    }
    assert rows[first]["audio"]["path"] == f"tar://{first}.wav::{root}/Video.tar"


def test_a_member_whose_name_cannot_be_addressed_refuses_the_archive(
    clean: EmotalkSample, root: Path, tmp_path: Path
) -> None:
    _with_member(root / "Video.tar", clean, f"Video/a::b/{clean.utterances[0].utterance_id}.mp4")
    with pytest.raises(EmotalkError, match="cannot be addressed"):
        load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / "cache")
    report = validate(root)
    assert [problem.file for problem in problems_of(report, "ET-TAR-003")] == ["Video.tar"]
    assert report.counts["records_found"] == 12


def test_compressed_records_are_held_in_memory_within_a_limit(
    clean: EmotalkSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "Text.tar"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(clean.root / "Text", "Text")
    assert validate(path).counts["rows"] == 6
    monkeypatch.setattr(emotalk_index, "_MAX_HELD_BYTES", 2_000)
    with pytest.raises(LimitError, match=r"'Text\.tar' holds more than 2,000 bytes .* gzip -d"):
        load_dataset("emotalk", data_dir=path, cache_dir=tmp_path / "cache")
    assert validate(path).num_by_code() == {"ET-TAR-003": 1}


def test_a_zip_with_an_unsafe_name_is_refused(clean: EmotalkSample, root: Path, tmp_path: Path) -> None:
    (root / "Multimodal").mkdir()
    with zipfile.ZipFile(root / "Multimodal" / "mp4.zip", "w") as archive:
        archive.writestr(f"mp4/../../{clean.utterances[0].utterance_id}.mp4", b"")
    with pytest.raises(ArchiveError, match="unsafe member path"):
        load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / "cache")

from __future__ import annotations

import gzip
import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotalk_data.archives import ByteRange, RangeFile, held_source, index_zip, open_source
from emotalk_data.errors import (
    ArchiveError,
    LimitError,
    OptionError,
    PathError,
    ReleaseError,
    ReleaseNotFoundError,
    SpanError,
)

Bytes = Callable[..., bytes]
Write = Callable[..., str]
CONTENT = bytes(range(256)) * 20


def _zip(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    """The same bytes in every place they may lie."""
    (tmp_path / "x.bin").write_bytes(CONTENT)
    stored, deflated = _zip({"a/x.bin": CONTENT}), _zip({"a/x.bin": CONTENT}, zipfile.ZIP_DEFLATED)
    (tmp_path / "s.zip").write_bytes(stored)
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name, data in {"a/x.bin": CONTENT, "s.zip": stored, "d.zip": deflated}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return {
        "file": f"{tmp_path}/x.bin",
        "tar": f"tar://a/x.bin::{tmp_path}/x.tar",
        "zip": f"zip://a/x.bin::{tmp_path}/s.zip",
        "zip in tar": f"zip://a/x.bin::tar://s.zip::{tmp_path}/x.tar",
        "deflated zip in tar": f"zip://a/x.bin::tar://d.zip::{tmp_path}/x.tar",
    }


@pytest.mark.parametrize("place", ["file", "tar", "zip", "zip in tar", "deflated zip in tar"])
def test_the_bytes_are_the_same_wherever_they_lie(
    paths: dict[str, str], place: str, open_files: Callable[[], list[str]]
) -> None:
    source = open_source(path=paths[place] + "#t=1,2")
    assert source.size_bytes == len(CONTENT)
    assert source.window == (1.0, 2.0)
    for _ in range(2):
        assert source.read_all() == CONTENT
        assert source.pread(10, 250) == CONTENT[250:260]
        assert source.pread(10, len(CONTENT) - 3) == CONTENT[-3:]
        assert source.pread(10, len(CONTENT) + 3) == b""
        with source.open() as file:
            assert file.seek(-5, 2) == len(CONTENT) - 5
            assert file.read() == CONTENT[-5:]
        source = pickle.loads(pickle.dumps(source))  # noqa: S301
    assert (source.byte_range is None) == (place == "deflated zip in tar")
    assert open_files() == []


def test_data_wins_over_the_path_which_keeps_its_name_and_window() -> None:
    source = open_source(data=b"abc", path="hf://somewhere/x.wav#t=,2")
    assert source.name == "hf://somewhere/x.wav#t=,2"
    assert source.window == (0.0, 2.0)
    assert source.read_all() == b"abc"
    assert open_source(data=b"").size_bytes == 0


def test_a_view_is_not_copied_and_can_be_pickled() -> None:
    array = np.arange(6, dtype=np.int16)
    source = open_source(data=array.data)
    view = source.read_all()
    assert isinstance(view, memoryview)
    assert np.shares_memory(np.frombuffer(view, np.int16), array)
    assert pickle.loads(pickle.dumps(source)).read_all() == array.tobytes()  # noqa: S301
    strided = open_source(data=array.data[::2])
    assert strided.read_all() == array[::2].tobytes()
    with source.open() as file:
        assert file.read(4) == array.tobytes()[:4]


def test_what_cannot_be_a_source_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="both are None"):
        open_source()
    with pytest.raises(OptionError, match="must be bytes; got str"):
        open_source(data="text")  # type: ignore[arg-type]
    with pytest.raises(ReleaseNotFoundError, match="pass data_dir again"):
        open_source(path=f"{tmp_path}/none.wav")
    with pytest.raises(PathError, match="a directory"):
        open_source(path=str(tmp_path))
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(PathError, match="fifo"):
        open_source(path=f"{tmp_path}/fifo")
    with pytest.raises(PathError, match="fifo, socket or device"):
        open_source(path="/dev/zero")
    with pytest.raises(PathError, match="too long"):
        open_source(path="x" * 5000)
    with pytest.raises(PathError, match="cannot be a file name"):
        open_source(path="\ud800x")
    with pytest.raises(SpanError, match="is empty"):
        open_source(data=b"", path="x#t=2,1")
    with pytest.raises(PathError, match="only a tar, a zip"):
        open_source(path="tar://a::zip://b::c.zip")
    with pytest.raises(OptionError, match="must not be negative"):
        open_source(data=b"x").pread(-1, 0)


def test_a_file_that_was_cut_or_removed_since_is_an_error_not_short_data(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(CONTENT)
    source = open_source(path=str(path))
    path.write_bytes(CONTENT[:100])
    with pytest.raises(ReleaseError, match="still being copied"):
        source.read_all()
    with pytest.raises(ReleaseError, match="still being copied"):
        source.pread(200, 0)
    with source.open() as file, pytest.raises(ReleaseError, match="still being copied"):
        file.read()
    path.unlink()
    with pytest.raises(ReleaseNotFoundError, match="no file at"):
        source.read_all()


@pytest.mark.parametrize("place", ["file", "tar", "zip in tar", "deflated zip in tar"])
def test_a_held_source_opens_its_file_once_and_closes_it(
    paths: dict[str, str], place: str, open_files: Callable[[], list[str]]
) -> None:
    with held_source(path=paths[place] + "#t=1,2") as source:
        assert len(open_files()) == (place != "deflated zip in tar")
        assert source.window == (1.0, 2.0)
        assert source.pread(10, 250) == CONTENT[250:260]
        assert source.read_all() == CONTENT
        again = pickle.loads(pickle.dumps(source))  # noqa: S301
    assert open_files() == []
    assert again.read_all() == CONTENT


def test_a_file_that_is_cut_while_it_is_held_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(CONTENT)
    with held_source(path=str(path)) as source:
        path.write_bytes(CONTENT[:100])
        with pytest.raises(ReleaseError, match="still being copied"):
            source.read_all()


def test_a_member_that_is_not_there_names_close_ones(paths: dict[str, str]) -> None:
    with pytest.raises(ArchiveError, match=r"3 members, 1 with that file name, such as 'a/x\.bin'"):
        open_source(path=paths["tar"].replace("a/x", "b/x"))
    with pytest.raises(ArchiveError, match="none with that file name"):
        open_source(path=paths["zip"].replace("x.bin::", "y.bin::"))


def test_a_compressed_tar_says_how_to_decompress_it(write: Write, member: Bytes) -> None:
    path = write(gzip.compress(member(b"a.json", b"x") + bytes(1024)), end=b"")
    with pytest.raises(ArchiveError, match="decompress it first: gzip -d"):
        open_source(path=f"tar://a.json::{path}")


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), st.integers(-70, 140), st.integers(0, 2)),
        st.tuples(st.just("read"), st.integers(-1, 80), st.just(0)),
        st.tuples(st.just("readinto"), st.integers(0, 80), st.just(0)),
    ),
    max_size=20,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_steps, st.integers(0, 20), st.integers(0, 100))
def test_a_range_file_behaves_like_bytesio(
    tmp_path: Path, steps: list[tuple[str, int, int]], start: int, size: int
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(CONTENT[:200])
    expected = io.BytesIO(CONTENT[start : start + size])
    with RangeFile(ByteRange(str(path), start, size)) as file:
        assert file.readable()
        assert file.seekable()
        assert not file.writable()
        for kind, number, whence in steps:
            if kind == "seek":
                base = {0: 0, 1: expected.tell(), 2: size}[whence]
                if base + number < 0:
                    with pytest.raises(ValueError, match="negative seek"):
                        file.seek(number, whence)
                    continue
                assert file.seek(number, whence) == expected.seek(base + number)
            elif kind == "read":
                assert file.read(number) == expected.read(number)
            else:
                mine, theirs = bytearray(number), bytearray(number)
                assert file.readinto(mine) == expected.readinto(theirs)
                assert mine == theirs
            assert file.tell() == expected.tell()


def test_a_closed_range_file_refuses_and_an_open_one_is_not_pickled(paths: dict[str, str]) -> None:
    file = RangeFile(ByteRange(paths["file"], 5, 10))
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(file)
    with pytest.raises(io.UnsupportedOperation, match="part of a file"):
        file.fileno()
    file.close()
    file.close()
    with pytest.raises(ValueError, match="closed file"):
        file.read(1)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("../a", r"\(\.\.\)"),
        ("/a", "absolute"),
        ("a\\b", "backslash"),
        ("CON.mp4", "Windows"),
        ("a\nb", "control"),
    ],
)
def test_an_unsafe_name_refuses_the_whole_zip(write: Write, name: str, match: str) -> None:
    with pytest.raises(ArchiveError, match=match):
        index_zip(write(_zip({"good.mp4": b"x", name: b"y"}), end=b""))


def test_a_zip_with_doubled_names_links_or_gbk_names_is_refused(write: Write) -> None:
    with pytest.raises(ArchiveError, match="case only"):
        index_zip(write(_zip({"a.mp4": b"x", "A.mp4": b"y"}), end=b""))
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ArchiveError, match="link or device"):
        index_zip(write(buffer.getvalue(), end=b""))
    gbk = _zip({"abcd.mp4": b"x"}).replace(b"abcd", "中文".encode("gbk"))
    with pytest.raises(ArchiveError, match="GBK"):
        index_zip(write(gbk, end=b""))


def test_an_encrypted_zip_is_refused(write: Write) -> None:
    packed = bytearray(_zip({"a.mp4": b"x"}))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ArchiveError, match="encrypted"):
        index_zip(write(bytes(packed), end=b""))


def test_a_damaged_zip_is_an_error_at_every_cut_and_flip(write: Write) -> None:
    packed = _zip({"a.mp4": b"hello" * 9, "b.mp4": b"world" * 9}, zipfile.ZIP_DEFLATED)
    for cut in range(len(packed)):
        with pytest.raises(ArchiveError, match=r"not a zip|cannot be read"):
            index_zip(write(packed[:cut], end=b"")).find("a.mp4")
    for bit in range(len(packed) * 8):
        damaged = bytearray(packed)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            data = index_zip(write(bytes(damaged), end=b"")).find("b.mp4")
        except (ArchiveError, LimitError):
            continue
        assert data in (None, b"world" * 9) or isinstance(data, ByteRange)


def test_a_deflated_member_larger_than_promised_is_refused_without_unfolding_it(write: Write) -> None:
    packed = bytearray(_zip({"a.mp4": bytes(50_000_000)}, zipfile.ZIP_DEFLATED))
    place = packed.index(b"PK\x01\x02") + 24
    packed[place : place + 4] = (10).to_bytes(4, "little")
    with pytest.raises(ArchiveError, match="size or CRC"):
        index_zip(write(bytes(packed), end=b"")).find("a.mp4")
    packed[place : place + 4] = (2**30).to_bytes(4, "little")
    with pytest.raises(LimitError, match="1073741824 bytes"):
        index_zip(write(bytes(packed), end=b"", name="y.zip")).find("a.mp4")


def test_a_zip_of_another_compression_is_refused(write: Write) -> None:
    path = write(_zip({"a.mp4": b"x" * 99}, zipfile.ZIP_BZIP2), end=b"", name="b.zip")
    with pytest.raises(ArchiveError, match="compression method 12"):
        open_source(path=f"zip://a.mp4::{path}")

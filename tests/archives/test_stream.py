from __future__ import annotations

import gzip
import os
from collections.abc import Callable

import pytest

from emotalk_data.archives import ArchiveNote, stream_tar
from emotalk_data.errors import ArchiveError, LimitError

Bytes = Callable[..., bytes]
Write = Callable[..., str]


def _all(_: str) -> bool:
    return True


def test_gzip_data_under_any_name_is_read_in_order(write: Write, member: Bytes) -> None:
    big = os.urandom(3_000_000)
    packed = member(b"./a.json", b"one") + member(b"._x", b"no") + member(b"b.wav", big) + bytes(10_240)
    members = list(stream_tar(write(gzip.compress(packed), end=b""), lambda name: name == "b.wav"))
    assert [(m.name, m.size) for m in members] == [("a.json", 3), ("b.wav", len(big))]
    assert members[0].data is None
    assert members[1].data == big == packed[members[1].offset :][: len(big)]


def test_gzip_members_joined_and_padded_with_zeros_are_one_stream(write: Write, member: Bytes) -> None:
    packed = member(b"a.json", b"one") + bytes(1024)
    path = write(gzip.compress(packed[:300]), gzip.compress(packed[300:]), bytes(700), end=b"")
    assert [m.data for m in stream_tar(path, _all)] == [b"one"]


def test_every_cut_of_gzip_data_is_an_error(write: Write, member: Bytes) -> None:
    packed = gzip.compress(member(b"a.json", os.urandom(900)) + member(b"b.json", b"x") + bytes(1024))
    for cut in range(2, len(packed), 7):
        with pytest.raises(ArchiveError, match="truncated"):
            list(stream_tar(write(packed[:cut], end=b""), _all))


def test_a_wrong_gzip_crc_is_noticed_at_the_end(write: Write, member: Bytes) -> None:
    packed = bytearray(gzip.compress(member(b"a.json", b"x") + bytes(1024)))
    packed[-8] ^= 1
    with pytest.raises(ArchiveError, match="damaged gzip data"):
        list(stream_tar(write(bytes(packed), end=b""), _all))


def test_data_behind_gzip_data_is_an_error(write: Write, member: Bytes) -> None:
    packed = gzip.compress(member(b"a.json", b"x") + bytes(1024))
    with pytest.raises(ArchiveError, match="after the end of the gzip"):
        list(stream_tar(write(packed, b"junk", end=b""), _all))


def test_a_tar_cut_before_it_was_compressed_is_an_error_or_a_note(write: Write, member: Bytes) -> None:
    packed = member(b"a.json", b"x" * 600)
    with pytest.raises(ArchiveError, match="truncated download"):
        list(stream_tar(write(gzip.compress(packed[:1000]), end=b""), lambda _: False))
    with pytest.raises(ArchiveError, match="cut inside the data"):
        list(stream_tar(write(gzip.compress(packed[:1000]), end=b""), _all))
    notes: list[ArchiveNote] = []
    assert len(list(stream_tar(write(gzip.compress(packed), end=b""), _all, on_note=notes.append))) == 1
    assert [note.kind for note in notes] == ["end-of-archive-missing"]


def test_gzip_data_that_holds_no_tar_is_an_error(write: Write) -> None:
    with pytest.raises(ArchiveError, match="corrupt header"):
        list(stream_tar(write(gzip.compress(b"x" * 2000), end=b""), _all))
    with pytest.raises(ArchiveError, match="no data at all"):
        list(stream_tar(write(gzip.compress(b""), end=b""), _all))


def test_limits_stop_a_bomb_before_it_unfolds(write: Write, header: Bytes, member: Bytes) -> None:
    bomb = write(gzip.compress(header(b"a.json", 2**33) + bytes(100_000_000)), end=b"")
    with pytest.raises(LimitError, match="decompresses to over"):
        list(stream_tar(bomb, lambda _: False))
    small = write(gzip.compress(member(b"a.json", bytes(5000)) + bytes(1024)), end=b"")
    with pytest.raises(LimitError, match="decompresses to over"):
        list(stream_tar(small, _all, max_total_bytes=1000))
    with pytest.raises(LimitError, match="the limit is 4999"):
        list(stream_tar(small, _all, max_bytes=4999))


def test_a_plain_tar_streams_alike(write: Write, member: Bytes) -> None:
    path = write(member(b"a.json", b"one"), member(b"b.json", b"two"))
    assert [(m.name, m.data) for m in stream_tar(path, _all)] == [("a.json", b"one"), ("b.json", b"two")]


def test_other_compressions_are_called_by_their_name(write: Write) -> None:
    with pytest.raises(ArchiveError, match="compressed by bzip2"):
        list(stream_tar(write(b"BZh9", end=b""), _all))


def test_a_stream_that_is_dropped_half_way_closes_its_file(
    write: Write, member: Bytes, open_files: Callable[[], list[str]]
) -> None:
    path = write(member(b"a.json", b"one"), member(b"b.json", b"two"))
    stream = stream_tar(path, _all)
    next(stream)
    assert len(open_files()) == 1
    stream.close()  # type: ignore[attr-defined]  # an iterator to its users, a generator underneath
    assert open_files() == []

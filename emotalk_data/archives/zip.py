"""Members of a zip file, or of a zip that is itself a member of a tar.

Stored members (what a zip of mp4s should hold) are a byte range of the file on disk and are read in place.
Deflated ones are decompressed into memory, within a limit, and their CRC is checked.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass

from emotalk_data.archives.cache import FileMemo
from emotalk_data.archives.names import MemberNames, canonical_name, decode_name
from emotalk_data.archives.ranges import ByteRange, RangeFile, open_regular, pread_exact, regular_size
from emotalk_data.errors import ArchiveError, EmotalkError, LimitError, quote

__all__ = ["ZipIndex", "ZipMember", "cached_zip_index", "index_zip"]

_MAX_MEMBERS = 4_000_000
_MAX_MEMBER_BYTES = 512 * 1024**2
_MAX_DIRECTORY_BYTES = 512 * 1024**2
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_FLAG_ENCRYPTED = 0x1
_FLAG_UTF8 = 0x800


@dataclass(frozen=True, slots=True)
class ZipMember:
    """What the central directory says about one member; `header_offset` counts from the start of the zip."""

    raw_name: bytes
    method: int
    header_offset: int
    compressed_bytes: int
    size_bytes: int
    crc: int


@dataclass(frozen=True)
class ZipIndex:
    """The regular members of one zip by canonical name. It can be pickled and holds no file open.

    Attributes:
        extent: where the zip lies on disk.
        members: canonical name to member, in directory order.
    """

    extent: ByteRange
    members: dict[str, ZipMember]

    @property
    def names(self) -> list[str]:
        """The canonical names, in directory order."""
        return list(self.members)

    def find(self, name: str) -> ByteRange | bytes | None:
        """Return where a stored member's bytes lie, the bytes of a deflated one, or None if it is not there.

        Raises:
            ArchiveError: the member is damaged, cut, or compressed in another way.
            LimitError: a deflated member is larger than 512 MiB.
        """
        member = self.members.get(canonical_name(name))
        if member is None:
            return None
        path, start, _ = self.extent
        with open_regular(path) as (descriptor, _status):
            begin = start + self._data_offset(descriptor, name, member)
            if member.method == zipfile.ZIP_STORED:
                return ByteRange(path, begin, member.size_bytes)
            self._check_deflated(name, member)
            compressed = pread_exact(descriptor, member.compressed_bytes, begin, path)
        return self._inflate(name, member, compressed)

    def _data_offset(self, descriptor: int, name: str, member: ZipMember) -> int:
        """Return where the data begins, after checking that the local header tells the same story."""
        path, start, size = self.extent
        header_end = member.header_offset + _LOCAL_HEADER.size
        if member.header_offset < 0 or header_end > size:
            raise self._damaged(name, "its header lies outside the zip", member)
        header = pread_exact(descriptor, _LOCAL_HEADER.size, start + member.header_offset, path)
        magic, _, flags, method, _, _, _, _, _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
        data_offset: int = header_end + name_bytes + extra_bytes
        if magic != b"PK\x03\x04" or data_offset + member.compressed_bytes > size:
            raise self._damaged(name, "it is cut, or its header is not where the directory says", member)
        raw_name = pread_exact(descriptor, name_bytes, start + header_end, path)
        if raw_name != member.raw_name or method != member.method or flags & _FLAG_ENCRYPTED:
            raise self._damaged(name, "its header and the zip's directory contradict each other", member)
        if method == zipfile.ZIP_STORED and member.compressed_bytes != member.size_bytes:
            raise self._damaged(name, "it is stored, yet has two different sizes", member)
        return data_offset

    def _check_deflated(self, name: str, member: ZipMember) -> None:
        if member.method != zipfile.ZIP_DEFLATED:
            raise self._damaged(
                name, f"it uses compression method {member.method}; only stored and deflated are read", member
            )
        if max(member.size_bytes, member.compressed_bytes) > _MAX_MEMBER_BYTES:
            raise LimitError(
                f"member {quote(name, 100)} of the zip in {quote(self.extent.path, 100)} has "
                f"{member.size_bytes} bytes; the limit for a deflated one is {_MAX_MEMBER_BYTES}",
                path=self.extent.path,
            )

    def _inflate(self, name: str, member: ZipMember, compressed: bytes) -> bytes:
        inflater = zlib.decompressobj(wbits=-15)
        try:
            # One byte more than promised is enough to see that there is more.
            data = inflater.decompress(compressed, member.size_bytes + 1)
        except zlib.error as error:
            raise self._damaged(name, str(error), member) from error
        if len(data) != member.size_bytes or not inflater.eof or zlib.crc32(data) != member.crc:
            raise self._damaged(name, "its size or CRC is wrong", member)
        return data

    def _damaged(self, name: str, reason: str, member: ZipMember) -> ArchiveError:
        offset = self.extent.offset + member.header_offset
        return ArchiveError(
            f"member {quote(name, 100)} of the zip at byte {self.extent.offset} of "
            f"{quote(self.extent.path, 100)} cannot be read: {reason}",
            path=self.extent.path,
            offset=offset,
        )


class _CappedReader(io.BufferedReader):
    """Refuses the one huge read that a lying central directory would cause."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_DIRECTORY_BYTES:
            raise LimitError(f"a zip directory of {size} bytes; the limit is {_MAX_DIRECTORY_BYTES}")
        return super().read(size)


def index_zip(path: str, within: ByteRange | None = None, *, max_members: int = _MAX_MEMBERS) -> ZipIndex:
    """Index a zip by its central directory.

    Args:
        path: the file on disk.
        within: the part of it that is the zip; all of it if omitted.
        max_members: the largest number of members.

    Raises:
        ReleaseNotFoundError: there is nothing at `path`.
        ArchiveError: not a zip, damaged, encrypted, or with an unsafe name or a link.
        LimitError: too many members, or a directory of more than 512 MiB.
    """
    extent = ByteRange(path, 0, regular_size(path)) if within is None else within
    try:
        with _CappedReader(RangeFile(extent)) as file, zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
    except EmotalkError:
        raise
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        ValueError,
        struct.error,
        OverflowError,
        EOFError,
    ) as error:
        where = f" (byte {extent.offset} on)" if within is not None else ""
        raise ArchiveError(
            f"not a zip, or a damaged one: {quote(path, 200)}{where}: {error}", path=path
        ) from error
    if len(infos) > max_members:
        raise LimitError(f"more than {max_members} members in {quote(path, 200)}", path=path)
    names = MemberNames(path)
    members: dict[str, ZipMember] = {}
    for info in infos:
        _admit(info, extent, names, members)
    return ZipIndex(extent, members)


def _admit(
    info: zipfile.ZipInfo, extent: ByteRange, names: MemberNames, members: dict[str, ZipMember]
) -> None:
    """Check one member of the directory and keep it if it is content."""
    path = extent.path
    offset = extent.offset + info.header_offset
    # zipfile decodes names without the UTF-8 flag as cp437, which maps every byte: go back to the bytes.
    raw = info.orig_filename.encode("utf-8" if info.flag_bits & _FLAG_UTF8 else "cp437")
    name = decode_name(raw, path, offset)
    if info.flag_bits & _FLAG_ENCRYPTED:
        raise ArchiveError(
            f"member {quote(name, 100)} of the zip in {quote(path, 100)} is encrypted; decrypt it first",
            path=path,
        )
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(
            f"member {quote(name, 100)} of the zip in {quote(path, 100)} is a link or device, "
            "which no release needs",
            path=path,
        )
    if name.endswith("/"):
        names.admit_folder(name, offset)
        return
    admitted = names.admit(name, offset)
    if admitted is not None:
        members[admitted] = ZipMember(
            raw, info.compress_type, info.header_offset, info.compress_size, info.file_size, info.CRC
        )


def cached_zip_index(path: str, within: ByteRange | None = None) -> ZipIndex:
    """Return `index_zip(path, within)`, remembered in this process until the file's size or time changes.

    May be called from many threads, and before and after a fork. Raises what `index_zip` raises.
    """
    return _memo.get(path, lambda: index_zip(path, within), within)


_memo: FileMemo[ZipIndex] = FileMemo(16)

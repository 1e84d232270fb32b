"""WHERE BYTES LIE: media files, members of tars and zips, read in place. Nothing here extracts.

    path text ──Location.parse──▶ Location ──open_source──▶ ByteSource ──pread / read_all / open──▶ bytes
                                                │
                    tar://m::x.tar ── cached_tar_index ── ByteRange(x.tar, offset, size)
                    zip://m::…     ── cached_zip_index ── ByteRange, or the bytes of a deflated member

    location   the grammar of a path, with its time window
    source     open_source: a path or bytes -> one picklable object with no open file
    ranges     opening a file safely; a run of bytes as a file object
    tar        index_tar: the place of every member, memoised per process; TarMembers: one after the other
    stream     stream_tar: front to back, for gzip data under any name
    zip        a zip on disk or inside a tar
    sniff      what a file really is
    walk, headers, readers, names, cache   the parts of the above

An archive is taken whole or refused whole: a damaged header, a link, an unsafe or doubled name is an
`ArchiveError` with its byte, never a shorter list of members.
"""

from emotalk_data.archives.location import Location
from emotalk_data.archives.ranges import ByteRange, RangeFile
from emotalk_data.archives.sniff import ArchiveKind, sniff_archive
from emotalk_data.archives.source import ByteSource, held_source, open_source
from emotalk_data.archives.stream import TarMember, stream_tar
from emotalk_data.archives.tar import TarIndex, TarMembers, cached_tar_index, index_tar
from emotalk_data.archives.walk import ArchiveNote
from emotalk_data.archives.zip import ZipIndex, cached_zip_index, index_zip

__all__ = [
    "ArchiveKind",
    "ArchiveNote",
    "ByteRange",
    "ByteSource",
    "Location",
    "RangeFile",
    "TarIndex",
    "TarMember",
    "TarMembers",
    "ZipIndex",
    "cached_tar_index",
    "cached_zip_index",
    "held_source",
    "index_tar",
    "index_zip",
    "open_source",
    "sniff_archive",
    "stream_tar",
]

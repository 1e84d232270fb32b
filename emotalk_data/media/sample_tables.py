"""How many samples the tables of an mp4 declare, counted before FFmpeg makes room for them.

    moov │ trak │ … stsz: 4 bytes each, or one size for all │     one size and a count of 80,000,000: 20 bytes
    moof │ traf │ trun: some bytes each, or one default for all

FFmpeg takes some 70 bytes of memory for each sample that is declared, before it has read one: a file of 1,632
bytes asks for 4.7 GB. Names of boxes are searched for, not walked to: FFmpeg too finds them at any depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from emotalk_data.archives.source import ByteSource

__all__ = ["excess_of_samples"]

_MAX_SAMPLES: Final = 3_000_000
"""Pictures and sound frames of one file. Three hours at 60 frames a second with two sound tracks have half."""

_MAX_INDEX_BYTES: Final = 64 << 20
_MAX_BOXES: Final = 100_000
_COUNT_AT: Final = {b"stsz": 12, b"stz2": 12, b"trun": 8}
"""Where each table says how many samples it has, in bytes from its name."""


def excess_of_samples(source: ByteSource) -> str | None:
    """Return what is wrong with the number of samples that an mp4 declares; None when nothing is.

    Damage of other kinds is left to others.
    """
    total = 0
    for kind, offset, size in _top_boxes(source):
        if kind not in (b"moov", b"moof"):
            continue
        if size > _MAX_INDEX_BYTES:
            return f"its index has {size} bytes; the limit is {_MAX_INDEX_BYTES}"
        box = source.pread(size, offset)
        if box[12:16] == b"cmov":
            return "its index is compressed, which no encoder has done for twenty years"
        for track in box.split(b"trak"):
            if not _is_pcm(track):
                total += sum(_declared(track))
        if total > min(_MAX_SAMPLES, source.size_bytes):
            return f"its tables declare {total} samples in {source.size_bytes} bytes; no real file does"
    return None


def _top_boxes(source: ByteSource) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, offset and size of each top-level box that lies inside the file."""
    offset = 0
    for _ in range(_MAX_BOXES):
        header = source.pread(16, offset)
        if len(header) < 8:
            return
        size = int.from_bytes(header[:4], "big")
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        elif size == 0:
            size = source.size_bytes - offset
        if size < 8:
            return
        yield header[4:8], offset, min(size, source.size_bytes - offset)
        offset += size


def _declared(track: bytes) -> Iterator[int]:
    for name, count_at in _COUNT_AT.items():
        at = track.find(name)
        while at >= 0:
            yield int.from_bytes(track[at + count_at : at + count_at + 4], "big")
            at = track.find(name, at + 4)


def _is_pcm(track: bytes) -> bool:
    """Whether FFmpeg reads the track by chunks: sound with one table of sizes, and one tick a sample."""
    stts = track.find(b"stts")
    handlers = {part[8:12] for part in track.split(b"hdlr")[1:]}  # QuickTime has a second one, of its data
    return (
        b"soun" in handlers
        and b"vide" not in handlers
        and [track.count(name) for name in (b"stts", b"stsz", b"stz2", b"trun")] == [1, 1, 0, 0]
        and track[stts + 8 : stts + 12] == b"\0\0\0\1"
        and track[stts + 16 : stts + 20] == b"\0\0\0\1"
    )

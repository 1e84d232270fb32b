"""Two ways to hand a tar's bytes to the walk: by position from a plain file, in order out of gzip data."""

from __future__ import annotations

import os
import zlib

from emotalk_data.archives.headers import refuse
from emotalk_data.errors import ArchiveError, LimitError, quote

__all__ = ["GzipReader", "PlainReader"]

_NEAR_BYTES = 8_192
_WIDE_WINDOW_BYTES = 262_144
_NARROW_WINDOW_BYTES = 4_096
_CHUNK_BYTES = 1_048_576
# tar pads to 10 KiB, tape drives to a few MiB. More is a sparse file made to be read for hours.
_MAX_TRAILING_BYTES = 268_435_456
_GZIP_MAGIC = b"\x1f\x8b"


def _first_nonzero(chunk: bytes) -> int | None:
    rest = chunk.lstrip(b"\0")
    return len(chunk) - len(rest) if rest else None


class PlainReader:
    """A tar that lies uncompressed in a file.

    Headers of small members are fetched many at a time, those of large ones with one small read each.
    """

    size_bytes: int | None

    def __init__(self, descriptor: int, path: str, size_bytes: int) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self._descriptor = descriptor
        self._end = size_bytes
        self._window = b""
        self._start = 0

    def block(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`; fewer only at the end."""
        begin = offset - self._start
        if begin >= 0 and begin + size <= len(self._window):
            return self._window[begin : begin + size]
        if size > _WIDE_WINDOW_BYTES:  # a member's data: no reason to keep it
            return self._fetch(offset, size)
        is_near = offset - (self._start + len(self._window)) < _NEAR_BYTES
        self._window = self._fetch(offset, max(size, _WIDE_WINDOW_BYTES if is_near else _NARROW_WINDOW_BYTES))
        self._start = offset
        return self._window[:size]

    def skip_to(self, offset: int) -> bool:
        """Whether the archive reaches as far as `offset`."""
        return offset <= self._end

    def first_nonzero(self, offset: int) -> int | None:
        """Return the place of the first byte from `offset` on that is not zero."""
        if self._end - offset > _MAX_TRAILING_BYTES:
            raise _too_much_padding(self.path)
        while offset < self._end:
            chunk = self._fetch(offset, _CHUNK_BYTES)
            place = _first_nonzero(chunk)
            if place is not None:
                return offset + place
            offset += len(chunk)
        return None

    def _fetch(self, offset: int, size: int) -> bytes:
        size = min(size, self._end - offset)
        if size <= 0:
            return b""
        data = os.pread(self._descriptor, size, offset)
        if len(data) == size:
            return data
        parts = [data]
        done = len(data)
        while done < size:  # one call gives at most 2 GiB
            part = os.pread(self._descriptor, size - done, offset + done)
            if not part:
                refuse("the file became shorter while it was read; it ends", self.path, offset + done)
            parts.append(part)
            done += len(part)
        return b"".join(parts)


class GzipReader:
    """A tar inside gzip data: decompressed in order, never kept, its CRC checked at the end.

    Args:
        descriptor: the open file.
        path: its path, for messages.
        max_total_bytes: how much it may decompress to.
        max_ratio: how many times its compressed size it may grow to, above the first 64 MiB.
    """

    size_bytes: int | None = None

    _FREE_BYTES = 67_108_864

    def __init__(self, descriptor: int, path: str, *, max_total_bytes: int, max_ratio: float) -> None:
        self.path = path
        self._descriptor = descriptor
        self._max_total_bytes = max_total_bytes
        self._max_ratio = max_ratio
        self._inflater = zlib.decompressobj(wbits=31)
        self._input = b""
        self._num_in = 0  # compressed bytes read
        self._num_out = 0  # bytes decompressed
        self._buffer = b""
        self._used = 0  # how much of the buffer is behind us

    def block(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, which lies at or behind the end of the last request."""
        if not self.skip_to(offset):
            return b""
        parts: list[bytes] = []
        while size and (self._used < len(self._buffer) or self._fill()):
            part = self._buffer[self._used : self._used + size]
            self._used += len(part)
            size -= len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip_to(self, offset: int) -> bool:
        """Decompress up to `offset` and forget it; whether there was so much."""
        while self._num_out < offset:
            self._used = len(self._buffer)
            if not self._fill():
                return False
        self._used = max(self._used, len(self._buffer) - (self._num_out - offset))
        return True

    def first_nonzero(self, offset: int) -> int | None:
        """Decompress to the end, CRC included; the place of the first byte that is not zero."""
        end = offset + _MAX_TRAILING_BYTES
        while chunk := self.block(offset, _CHUNK_BYTES):
            place = _first_nonzero(chunk)
            if place is not None:
                return offset + place
            offset += len(chunk)
            if offset > end:
                raise _too_much_padding(self.path)
        return None

    def _fill(self) -> bool:
        """Decompress the next piece into the buffer; False at the end of the last gzip member."""
        while not self._inflater.eof or self._next_gzip_member():
            if not self._input:
                self._input = self._read()
            is_last = not self._input
            try:
                piece = self._inflater.decompress(self._input, _CHUNK_BYTES)
            except zlib.error as error:
                raise ArchiveError(
                    f"damaged gzip data near byte {self._num_in} of {quote(self.path, 200)}: {error}. "
                    "Download it again",
                    path=self.path,
                    offset=self._num_in,
                ) from error
            self._input = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            if piece:
                self._num_out += len(piece)
                self._check_limits()
                self._buffer, self._used = piece, 0
                return True
            if is_last and not self._inflater.eof:
                refuse("truncated gzip data (truncated download?): it ends", self.path, self._num_in)
        return False

    def _next_gzip_member(self) -> bool:
        """Start on a further gzip member, if one follows; zeros may fill up the file."""
        skipped = 0
        while True:
            self._input = self._input.lstrip(b"\0") or self._read()
            if not self._input:
                return False
            if self._input[0]:
                break
            skipped += len(self._input)
            if skipped > _MAX_TRAILING_BYTES:
                raise _too_much_padding(self.path)
        if len(self._input) < len(_GZIP_MAGIC):
            self._input += self._read()
        if not self._input.startswith(_GZIP_MAGIC):
            refuse("data after the end of the gzip data; the file ends", self.path, self._num_in)
        self._inflater = zlib.decompressobj(wbits=31)
        return True

    def _read(self) -> bytes:
        data = os.pread(self._descriptor, _CHUNK_BYTES, self._num_in)
        self._num_in += len(data)
        return data

    def _check_limits(self) -> None:
        ratio_limit = self._FREE_BYTES + self._max_ratio * self._num_in
        if self._num_out > min(self._max_total_bytes, ratio_limit):
            raise LimitError(
                f"{quote(self.path, 200)} decompresses to over {self._num_out} bytes from {self._num_in}; "
                "no real release does. Decompress it yourself if you trust it: gzip -d",
                path=self.path,
                offset=self._num_in,
            )


def _too_much_padding(path: str) -> LimitError:
    return LimitError(f"more than {_MAX_TRAILING_BYTES} bytes of padding end {quote(path, 200)}", path=path)

"""One 512-byte tar header, and the PAX records that may stand before it.

         0          100  108     124    136    148      156     157       257      345       500
         | name     |mode| ...   | size | mtime|checksum| type  | linkname| magic… | prefix  |  |

Pure functions of bytes; `walk` puts the headers of an archive together.
"""

from __future__ import annotations

from typing import NoReturn
from zlib import adler32

from emotalk_data.errors import ArchiveError, quote

__all__ = [
    "BLOCK_BYTES",
    "ZERO_BLOCK",
    "has_valid_checksum",
    "header_name",
    "parse_number",
    "parse_pax",
    "pax_size",
    "refuse",
]

BLOCK_BYTES = 512
ZERO_BLOCK = bytes(BLOCK_BYTES)

_CHECKSUM = slice(148, 156)
_MAX_PAX_DIGITS = 19  # 2**63 has 19


def refuse(what: str, archive: str, offset: int) -> NoReturn:
    """Raise the ArchiveError that names the archive and the byte."""
    raise ArchiveError(f"{what} at byte {offset} of {quote(archive, 200)}", path=archive, offset=offset)


def has_valid_checksum(header: bytes) -> bool:
    """Whether the header's checksum field equals the sum of its bytes.

    The low half of an Adler-32 is the plain sum of the bytes modulo 65521. 256 bytes sum to 65280 at most,
    so two halves give the exact sum, twelve times as fast as `sum(header)`.
    """
    field = header[_CHECKSUM]
    try:
        # int() takes more spellings than tar writes; all that counts is that the value is right.
        stored = int(field.strip(b" \0"), 8)
    except ValueError:
        return False
    total = (adler32(header[:256], 0) & 0xFFFF) + (adler32(header[256:], 0) & 0xFFFF)
    # The field itself counts as eight spaces.
    total += 8 * 32 - sum(field)
    if stored == total:
        return True
    # Some old programs summed signed characters.
    return stored == total - 256 * sum(byte >= 128 for byte in header[:148] + header[156:])


def parse_number(field: bytes, what: str, archive: str, offset: int) -> int:
    """Read a numeric field: octal digits, or the base-256 form of large numbers.

    Raises:
        ArchiveError: it is negative or no number.
    """
    if field[0] & 0x80:
        if field[0] & 0x40:
            refuse(f"negative {what} in the header", archive, offset)
        return int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
    text = field.partition(b"\0")[0].strip(b" ")
    if text.isdigit():
        try:
            return int(text, 8)
        except ValueError:  # an 8 or a 9
            pass
    return refuse(f"{what} {quote(field)} in the header is no octal number", archive, offset)


def header_name(header: bytes, archive: str, offset: int) -> bytes:
    """Return a header's member name, with the prefix of the POSIX form.

    Raises:
        ArchiveError: the header is of no known form.
    """
    name = header[:100].partition(b"\0")[0]
    magic = header[257:263]
    if magic == b"ustar\0":
        prefix = header[345:500].partition(b"\0")[0]
        return prefix + b"/" + name if prefix else name
    # GNU keeps other things where POSIX has the prefix; Unix V7 had neither magic nor prefix.
    if magic in (b"ustar ", b"\0\0\0\0\0\0"):
        return name
    return refuse(f"header with unknown magic {quote(magic)}", archive, offset)


def parse_pax(data: bytes, archive: str, offset: int) -> dict[bytes, bytes]:
    r"""Read PAX records, `<length> <key>=<value>\n` each.

    Raises:
        ArchiveError: a length lies, a record is malformed, or the member is sparse.
    """
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 8)
        digits = data[position:space] if space > position else b""
        end = position + int(digits) if digits.isdigit() else -1
        # A record is longer than its own length field, so every turn of this loop advances.
        if end <= space or end > len(data) or data[end - 1] != ord("\n"):
            refuse("malformed PAX header: a record's length is wrong", archive, offset)
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not key or not equals:
            refuse(f"malformed PAX header: record {quote(data[position:end])}", archive, offset)
        if key.startswith(b"GNU.sparse."):
            refuse("sparse member, which no release needs,", archive, offset)
        records[key] = value
        position = end
    return records


def pax_size(value: bytes, archive: str, offset: int) -> int:
    """Read the value of a PAX `size` record.

    Raises:
        ArchiveError: it is negative or no number.
    """
    if value.startswith(b"-"):
        refuse(f"negative size {quote(value)} in a PAX header", archive, offset)
    if not value.isdigit() or len(value) > _MAX_PAX_DIGITS:
        refuse(f"malformed PAX header: size {quote(value)}", archive, offset)
    return int(value)

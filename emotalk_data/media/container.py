"""Which container a video really is, and how it is opened without trusting its name.

FFmpeg is given an open file object and the demuxer that the first bytes ask for, never a path or a URL:
left to guess, it takes a script or a playlist named `.mp4` at its word and opens what that names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, NoReturn

from emotalk_data.errors import EmotalkError, LimitError, VideoError, quote
from emotalk_data.media.sample_tables import excess_of_samples

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from emotalk_data.archives.source import ByteSource

__all__ = [
    "MAX_PIXELS",
    "OpenVideo",
    "check_boxes",
    "count_samples",
    "ffmpeg_errors",
    "open_video",
    "sniff_container",
    "start_reading",
]

MAX_PIXELS = 4096 * 2304
"""Pictures larger than this are refused before the first one is decoded."""

# For the decoders that FFmpeg starts on its own to fill gaps in a header.
_PROBING = {"max_pixels": str(MAX_PIXELS)}
# The header of an mp4 says it all, and to decode its first pictures only to throw them away is most of the
# time that opening takes. Not so for Matroska: its decoding times are worked out from them.
_QUICK_PROBING = _PROBING | {"skip_frame": "all", "probesize": "2048"}
_HEAD_BYTES = 1024
_MAX_BOXES = 100_000
_MOV_BOXES = frozenset(b"ftyp moov mdat free skip wide pnot styp moof sidx".split())
_MOV_PADDING = b"\0\0\0\0"
_OTHER_CONTENT: tuple[tuple[bytes, str], ...] = (
    (b"#EXTM3U", "an HLS playlist"),
    (b"ffconcat", "an ffconcat script"),
    (b"v=0", "an SDP session description"),
    (b"version https://git-lfs", "a Git LFS pointer: run `git lfs pull` to get the file itself"),
    (b"<!doctype", "an HTML page: a download that failed, perhaps for want of a login"),
    (b"<html", "an HTML page: a download that failed, perhaps for want of a login"),
    (b"<?xml", "an XML document"),
    (b"<", "an HTML or XML document"),
    (b"{", "a JSON document"),
    (b"[", "a JSON document"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"ID3", "an MP3 sound file"),
    (b"OggS", "an Ogg file"),
    (b"fLaC", "a FLAC sound file"),
    (b".RMF", "RealMedia: convert it to mp4 first"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file: convert it to mp4 first"),
    (b"\x00\x00\x01\xba", "an MPEG program stream: convert it to mp4 first"),
)


def sniff_container(head: bytes, name: str) -> str:
    """Return the FFmpeg demuxer for a file that begins with `head`.

    Args:
        head: the first kilobyte.
        name: what to call the file in a message, quoted already.

    Returns:
        "mov" (mp4 too), "matroska" (WebM too), "avi", "mpegts" or "flv".

    Raises:
        VideoError: it is something else; the message says what.
    """
    if not head:
        raise VideoError(f"{name} is empty; expected a video file")
    if head[4:8] in _MOV_BOXES:
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    if head.startswith(b"FLV\x01"):
        return "flv"
    # 188 bytes a packet, or 192 with a time stamp before each (Blu-ray).
    if any(head[first : first + 2 * step + 1 : step] == b"GGG" for first, step in ((0, 188), (4, 192))):
        return "mpegts"
    raise VideoError(f"{name} is not a video file: it is {_describe(head)}")


def check_boxes(source: ByteSource, name: str) -> None:
    """Check that the top-level boxes of an mp4 fill the file exactly and that one of them is `moov`.

    FFmpeg takes a file that ends inside a box and gives what it finds, without an error.

    Raises:
        VideoError: a box reaches past the end of the file, or there is no `moov`.
        LimitError: more boxes than any real file has.
    """
    offset = 0
    seen: set[bytes] = set()
    for _ in range(_MAX_BOXES):
        header = source.pread(16, offset)
        if b"moov" in seen and (len(header) < 8 or header[4:8] == _MOV_PADDING):
            return
        if len(header) < 8:
            what = (
                "ends inside a box" if header else "has no index (`moov` box): it was cut or never finished"
            )
            raise VideoError(f"{name} {what}, after {source.size_bytes} bytes", offset=offset)
        kind, size = header[4:8], int.from_bytes(header[:4], "big")
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        elif size == 0:
            size = source.size_bytes - offset
        if size < 8 or offset + size > source.size_bytes:
            raise VideoError(
                f"{name} is cut or damaged: box {quote(kind.decode('latin-1'))} at byte {offset} claims "
                f"{size} bytes, {source.size_bytes - offset} are left. Copy or download the file again",
                offset=offset,
            )
        seen.add(kind)
        offset += size
    raise LimitError(f"{name} has more than {_MAX_BOXES} top-level boxes; no real video has")


@contextmanager
def ffmpeg_errors(name: str, doing: str) -> Iterator[None]:
    """Turn whatever PyAV raises inside the block into a `VideoError`; our own errors pass.

    Raises:
        VideoError: FFmpeg refused the data.
    """
    from av.error import FFmpegError

    try:
        yield
    except EmotalkError:
        raise
    except (FFmpegError, OSError, ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(f"{name} is damaged or not what it says: {doing} failed: {quote(reason)}") from error


def count_samples(source: ByteSource, name: str) -> int:
    """Return how many pictures the tables of an mp4 locate, those included that its edit list leaves out."""
    with open_video(source, name, options={"ignore_editlist": "1"}) as (_, stream):
        return len(stream.index_entries)


@contextmanager
def open_video(
    source: ByteSource, name: str, *, options: dict[str, str] | None = None
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video and choose its picture stream; everything is closed when the block ends.

    Args:
        source: the bytes.
        name: what to call them in a message, quoted already.
        options: of the demuxer.

    Yields:
        The demuxer and its first video stream that is not a cover picture, its decoder not yet started.

    Raises:
        VideoError: not a video, no picture stream, an unknown codec, or a header that cannot be.
        LimitError: pictures above `MAX_PIXELS`, or more of them than any real file has.
    """
    opened = start_reading(source, name, options=options)
    with opened.file, opened.container:
        yield opened.container, opened.stream


class OpenVideo(NamedTuple):
    """An open file, its demuxer and its picture stream."""

    file: BinaryIO
    container: InputContainer
    stream: VideoStream

    def close(self) -> None:
        """Close the demuxer and the file."""
        with self.file:
            self.container.close()


def start_reading(source: ByteSource, name: str, *, options: dict[str, str] | None = None) -> OpenVideo:
    """As `open_video`, for the caller to close.

    Raises:
        EmotalkError: as `open_video`.
    """
    demuxer = sniff_container(source.pread(_HEAD_BYTES, 0), name)
    if demuxer == "mov":
        check_boxes(source, name)
        excess = excess_of_samples(source)
        if excess is not None:
            raise LimitError(f"{name} is refused: {excess}. Check what it is, or write it again")
    with ExitStack() as stack:
        file: BinaryIO = source.open()
        stack.enter_context(file)
        with ffmpeg_errors(name, "reading"):
            container = stack.enter_context(_demux(file, demuxer, options or {}))
            stream = _picture_stream(container, name)
        stack.pop_all()
    return OpenVideo(file, container, stream)


def _demux(file: BinaryIO, demuxer: str, options: dict[str, str]) -> InputContainer:
    import av

    for probing in (_QUICK_PROBING, _PROBING) if demuxer == "mov" else (_PROBING,):
        file.seek(0)
        container = av.open(
            file,
            mode="r",
            format=demuxer,
            options=probing,
            container_options=options,
            metadata_errors="replace",
            io_open=_refuse_other_files,
        )
        # The quick way forgets the size when the decoder finds it too large.
        contexts: list[Any] = [stream.codec_context for stream in container.streams.video]
        if probing is _PROBING or all(context is None or context.width for context in contexts):
            break
        container.close()
    return container


def _picture_stream(container: InputContainer, name: str) -> VideoStream:
    """Choose the stream and check what its header says."""
    from av.stream import Disposition

    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not pictures:
        kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
        raise VideoError(f"{name} has no video stream; it holds {kinds}")
    stream = pictures[0]
    # Typed as always there, but it is None for a codec that FFmpeg does not know.
    context: Any = stream.codec_context
    if context is None:
        raise VideoError(f"{name} has a video stream in a codec that is unknown here; convert it to H.264")
    if context.width < 1 or context.height < 1:
        raise VideoError(f"{name} does not say how large its pictures are; it is damaged or cut")
    if context.width * context.height > MAX_PIXELS:
        raise LimitError(
            f"{name} has pictures of {context.width}x{context.height}; the limit is 4096x2304. "
            "Scale it down first"
        )
    # A time scale of 0 arrives as 1. A real video counts finer than whole seconds.
    if stream.time_base is None or not 0 < stream.time_base < 1:
        raise VideoError(f"{name} has a damaged header: its time scale is 0 or 1 tick a second")
    return stream


def _refuse_other_files(url: str, _flags: int, _options: dict[str, str]) -> NoReturn:
    """Take the place of FFmpeg's own way to open what a file refers to."""
    raise VideoError(f"a video refers to another file or address, {quote(url)}; none is ever opened")


def _describe(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, description in _OTHER_CONTENT:
        if head.startswith(magic) or text.startswith(magic.lower()):
            return description
    if head.startswith(b"RIFF"):
        return "a RIFF file such as a wav, without pictures"
    return "of no kind that is known here; its first bytes are " + quote(head[:16])

"""Which code a sound or video file gets that cannot be read, and what is said of it.

The media room raises one type of error for sound and one for pictures, whose messages say what is wrong. Here
they are told apart by how those messages begin; a golden case of each code holds the two together.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from emotalk_data.archives.location import Location
from emotalk_data.errors import EmotalkError, LimitError, ReleaseNotFoundError, SpanError, quote

__all__ = ["NAME", "Fault", "audio_fault", "file_fault", "video_fault"]

NAME: Final = "it"
"""What a video is called while it is read, so that messages about it can be quoted."""

_MAX_CHARS: Final = 240
_REASON: Final = re.compile(
    r" cannot be read as (?:wav|sound): (.*?)(?:\. Replace the file or leave it out)?\Z", re.S
)
# What libraries say of it in words of their own, which are others in their next version.
_NOISE: Final = re.compile(r"(?<=refuses it)( as \w+)?: .*|(?<=failed): '.*", re.DOTALL)

_AUDIO: Final = (
    (("not RIFF/WAVE", "not sound", "the content is", "it has no audio stream"), "AV-AUDIO-001"),
    (("cut", "its header says 0 bytes", "chunk ", "it declares "), "AV-AUDIO-003"),
    (("it has zero frames",), "AV-AUDIO-004"),
    (("",), "AV-AUDIO-002"),
)
_VIDEO: Final = (
    (("it is not a video file", "it is empty"), "AV-VIDEO-001"),
    (("it has no video stream", "it has zero video frames", "it: no video frame is shown"), "AV-VIDEO-003"),
    (("",), "AV-VIDEO-002"),
)
_TOO_FEW: Final = ("declared frames can be read", "did not come out of the decoder", "are declared")
_EXPECTED: Final = {
    "AV-AUDIO-001": "a sound file of the kind that its name says",
    "AV-AUDIO-002": "a header that can be",
    "AV-AUDIO-003": "all that its header declares",
    "AV-AUDIO-004": "samples",
    "AV-AUDIO-010": "samples that can be decoded",
    "AV-VIDEO-001": "a video file",
    "AV-VIDEO-002": "a whole video file",
    "AV-VIDEO-003": "pictures",
    "AV-VIDEO-004": "a video of one utterance",
    "AV-VIDEO-008": "frames that can be decoded",
    "AV-VIDEO-009": "all frames that it declares",
    "AV-VIDEO-010": "a sound track that can be decoded",
}


class Fault(NamedTuple):
    """What to report: a code, and the last two parts of its line."""

    code: str
    found: str
    expected: str


def file_fault(error: EmotalkError, path: str) -> Fault:
    """Judge an error of finding or reading the bytes at `path`, or of its time window."""
    if isinstance(error, SpanError):
        return Fault(
            "AV-FILE-002", _cut(f"an impossible window: {_without_folder(error, path)}"), "a window inside it"
        )
    if isinstance(error.__cause__, OSError) and not isinstance(error, ReleaseNotFoundError):
        reason = error.__cause__.strerror or "the system refuses"
    elif isinstance(error, ReleaseNotFoundError):
        reason = "nothing is there"
    else:
        reason = _without_folder(error, path)
    return Fault("AV-FILE-001", _cut(f"unreadable: {reason}"), "a file that can be read")


def audio_fault(error: EmotalkError, *, code: str | None = None) -> Fault:
    """Judge an error of reading sound.

    Args:
        error: what was raised.
        code: the code, when the step that failed decides it; else the message does.
    """
    match = _REASON.search(error.message)
    reason = match[1] if match else error.message
    code = code or next(code for starts, code in _AUDIO if reason.startswith(starts))
    return _fault(code, f"unreadable: {reason}")


def video_fault(error: EmotalkError, *, is_decoding: bool) -> Fault:
    """Judge an error of reading pictures from a video that was called `NAME`.

    Args:
        error: what was raised.
        is_decoding: whether its packets were being read already.
    """
    message = error.message
    code = next(code for starts, code in _VIDEO if message.startswith(starts))
    if isinstance(error, LimitError):
        code = "AV-VIDEO-004"
    elif is_decoding and code == "AV-VIDEO-002":
        code = "AV-VIDEO-009" if any(text in message for text in _TOO_FEW) else "AV-VIDEO-008"
    reason = message.partition(". ")[0]  # what follows is advice, as the remedy is
    start = f"{NAME} is "
    return _fault(code, reason.removeprefix(start) if reason.startswith(start) else f"unusable: {reason}")


def _fault(code: str, reason: str) -> Fault:
    """Split a message into what was found and what was expected, where it says so itself."""
    found, _, expected = _NOISE.sub(r"\1", reason).partition("; expected ")
    return Fault(code, _cut(found), expected or _EXPECTED[code])


def _without_folder(error: EmotalkError, path: str) -> str:
    """Return the message without the folder of the release: the file's name stands before it already."""
    try:
        file = Location.parse(path).file
    except EmotalkError:
        file = path
    folder, slash, _ = file.rpartition("/")
    return error.message.replace(folder + slash, "") if slash else error.message


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARS else f"{quote(text, _MAX_CHARS)}"

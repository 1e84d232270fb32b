"""Every error this library raises on purpose.

    EmotalkError
    ├── OptionError (ValueError)              an argument that cannot be, or two that contradict each other
    ├── MissingDependencyError (ImportError)  a package of an extra is not installed, or is broken
    ├── ReleaseError                          the release as a whole
    │   ├── ReleaseNotFoundError (FileNotFoundError)  nothing at the places that were tried
    │   ├── ReleaseInvalidError (ValueError)  problems were found and on_invalid="raise" was asked
    │   └── ArchiveError (ValueError)         a tar or zip that is damaged, cut or unsafe
    ├── RecordError (ValueError)              one annotation file
    │   ├── DecodeError                       its bytes are not strict JSON in UTF-8
    │   ├── SchemaError                       a value of the wrong type, range or vocabulary
    │   ├── CaptionError                      a caption literal that is not one
    │   └── PathError                         a file name or path outside the corpus's grammar
    ├── MediaError                            sound and pictures
    │   ├── AudioError (ValueError)           not a sound file, damaged, or cut
    │   ├── VideoError (ValueError)           not a video file, damaged, or cut
    │   └── SpanError (ValueError)            a time range that is empty or leaves the media
    ├── FeatureError                          features of pretrained encoders
    │   ├── ModelError                        weights that cannot be found, loaded, or are others than expected
    │   └── ExtractionError (ValueError)      nothing can be extracted; or from one utterance: its null's reason
    ├── HubError                              the Hub: getting a release, publishing what was made from one
    │   ├── HubLoginError (PermissionError)   no token; or one that is not known, expired, or may not do this
    │   ├── HubAccessError (PermissionError)  the repository is gated, and this account was not let in
    │   ├── HubNotFoundError (FileNotFoundError)  no such repository, revision or file
    │   ├── HubUnreachableError (ConnectionError)  no answer, or no whole one, after several attempts
    │   │   └── HubOfflineError               HF_HUB_OFFLINE is set, and what is asked for is not in the cache
    │   ├── PublishRefusedError (ValueError)  what may not be shared, or not like this; names the clauses
    │   └── PublishError                      what lies on the Hub is not what was sent, or cannot be read
    ├── LimitError (ValueError)               input larger than any real release: refused before it is read
    ├── CacheCorruptError                     a file that we wrote earlier is damaged
    └── CacheWriteError (OSError)             the cache could not be written: disk full, no permission

Messages say what, where, what was expected and what to do, in at most 500 characters, with control and
bidirectional characters escaped: they may quote hostile input. All errors can be pickled, because worker
processes raise them.
"""

from __future__ import annotations

from typing import Literal

__all__ = [
    "ArchiveError",
    "AudioError",
    "CacheCorruptError",
    "CacheWriteError",
    "CaptionError",
    "DecodeError",
    "EmotalkError",
    "ExtractionError",
    "FeatureError",
    "HubAccessError",
    "HubError",
    "HubLoginError",
    "HubNotFoundError",
    "HubOfflineError",
    "HubUnreachableError",
    "JsonFault",
    "LimitError",
    "MediaError",
    "MissingDependencyError",
    "ModelError",
    "OptionError",
    "PathError",
    "PublishError",
    "PublishRefusedError",
    "RecordError",
    "ReleaseError",
    "ReleaseInvalidError",
    "ReleaseNotFoundError",
    "SchemaError",
    "SpanError",
    "VideoError",
    "printable",
    "quote",
]

JsonFault = Literal["syntax", "duplicate-key", "encoding", "depth", "not-finite"]

_MAX_MESSAGE_CHARS = 500


def quote(value: object, max_chars: int = 80) -> str:
    """Return `repr(value)`, cut in the middle to at most `max_chars` characters.

    `repr` escapes control and bidirectional characters, so the result is safe on a terminal and in a log.
    """
    if isinstance(value, str | bytes) and len(value) > max_chars:
        # Cut before repr: a value may be megabytes long.
        half = max((max_chars - 5) // 2, 1)
        text = f"{value[:half]!r}…{value[-half:]!r}"
    else:
        try:
            text = repr(value)
        except (ValueError, RecursionError):  # an integer of 5,000 digits has no repr
            text = f"<{type(value).__name__}>"
    return _cut(text, max_chars, "…")


def _cut(text: str, max_chars: int, mark: str) -> str:
    """Take out the middle of a text that is too long."""
    if len(text) <= max_chars:
        return text
    half = max((max_chars - len(mark)) // 2, 1)
    return f"{text[:half]}{mark}{text[-half:]}"


def printable(text: str) -> str:
    """Return text with control and bidirectional characters escaped: file names and quotes come from outside."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _printable_message(message: str) -> str:
    """Escape what a terminal would obey, and keep the message to its limit."""
    # Before the escapes, for a message may be megabytes long; and after them, for they make it longer.
    message = _cut(message, _MAX_MESSAGE_CHARS, " … ")
    escaped = "\n".join(printable(line) for line in message.split("\n"))
    return _cut(escaped, _MAX_MESSAGE_CHARS, " … ")


class EmotalkError(Exception):
    """Base of every error that this library raises on purpose.

    Args:
        message: what, where, what was expected, what to do.
        path: the file it is about, when there is one.
        utterance_id: the utterance it is about, when there is one.
        json_path: the place inside the record, such as `data[2].emotion`.
        offset: the byte in the file, when it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        utterance_id: str | None = None,
        json_path: str | None = None,
        offset: int | None = None,
    ) -> None:
        super().__init__(_printable_message(message))
        self.path = path
        self.utterance_id = utterance_id
        self.json_path = json_path
        self.offset = offset

    @property
    def message(self) -> str:
        """The text of the error."""
        return str(self.args[0])

    def __str__(self) -> str:
        # FileNotFoundError and ImportError have a __str__ of their own that would hide the message.
        return self.message


class OptionError(EmotalkError, ValueError):
    """An argument that cannot be, or two that contradict each other."""


class MissingDependencyError(EmotalkError, ImportError):
    """A package of an extra is not installed, or is installed and does not work."""


class ReleaseError(EmotalkError):
    """Something is wrong with a release as a whole."""


class ReleaseNotFoundError(ReleaseError, FileNotFoundError):
    """No release at any of the places that were tried; the message lists them."""


class ReleaseInvalidError(ReleaseError, ValueError):
    """Problems were found in a release and `on_invalid="raise"` was asked."""


class ArchiveError(ReleaseError, ValueError):
    """A tar or zip archive is damaged, cut, or holds members that are never needed and may be an attack."""


class RecordError(EmotalkError, ValueError):
    """One annotation file cannot be taken as it is."""


class DecodeError(RecordError):
    """The bytes are not one strict JSON document in UTF-8.

    Attributes:
        fault: what kind of fault it is. `not-finite` is NaN or Infinity, `depth` nesting beyond any record's.
    """

    fault: JsonFault = "syntax"


class SchemaError(RecordError):
    """A value has the wrong type, leaves its range, or is not in its vocabulary."""


class CaptionError(RecordError):
    """A caption literal is neither JSON nor a Python literal of plain strings."""


class PathError(RecordError):
    """A file name or path is outside the corpus's grammar, or points outside the release."""


class MediaError(EmotalkError):
    """Something is wrong with sound or pictures."""


class AudioError(MediaError, ValueError):
    """Not a sound file, a damaged one, or one that was cut."""


class VideoError(MediaError, ValueError):
    """Not a video file, a damaged one, or one that was cut."""


class SpanError(MediaError, ValueError):
    """A time range is empty, reversed, or leaves the media."""


class FeatureError(EmotalkError):
    """Something is wrong with features of pretrained encoders."""


class ModelError(FeatureError):
    """Weights cannot be found, cannot be loaded, or are not those that were asked for."""


class ExtractionError(FeatureError, ValueError):
    """No feature can be made: of one utterance, whose row is then null with this reason; or of any."""


class HubError(EmotalkError):
    """The Hub refused, failed, or has something else than expected. No message or attribute holds a token."""


class HubLoginError(HubError, PermissionError):
    """There is no token, or the Hub does not know it, or it has expired, or it may not do this."""


class HubAccessError(HubError, PermissionError):
    """The repository is gated, and the account of the token was not let in (yet)."""


class HubNotFoundError(HubError, FileNotFoundError):
    """No such repository, revision or file; the Hub says the same of one that the token may not see."""


class HubUnreachableError(HubError, ConnectionError):
    """The Hub gave no answer, or no whole one, after several attempts. Nothing is lost: try again later."""


class HubOfflineError(HubUnreachableError):
    """`HF_HUB_OFFLINE` is set, and what is asked for is not in the cache."""


class PublishRefusedError(HubError, ValueError):
    """Something may not be shared, or not with this visibility; the message names the clauses relied on."""


class PublishError(HubError):
    """What lies on the Hub after an upload is not what was sent, or plain `datasets` cannot read it."""


class LimitError(EmotalkError, ValueError):
    """Input larger than any real release; refused before it is read."""


class CacheCorruptError(EmotalkError):
    """A file that this library wrote earlier is damaged."""


class CacheWriteError(EmotalkError, OSError):
    """The cache could not be written: the disk is full, or the folder may not be written to."""

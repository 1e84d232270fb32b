"""Sound and pictures of a batch; a clip that cannot be decoded is an error, or absent with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from emotalk_data.errors import EmotalkError, LimitError, MissingDependencyError, OptionError, quote
from emotalk_data.media.audio import AudioClip, checked_rate
from emotalk_data.media.clip import MediaClip
from emotalk_data.media.frame_plan import MAX_CHOSEN, scaled_size
from emotalk_data.media.video import VideoClip
from emotalk_data.torch.checks import check_count, check_on_error, check_threads

if TYPE_CHECKING:
    import torch

    from emotalk_data.torch.memory import Memory

__all__ = ["Failure", "MediaOptions", "OnError", "clips_of", "decode_clips"]

OnError: TypeAlias = Literal["raise", "mask"]
Ids: TypeAlias = Callable[[], Sequence[Any] | None]


class Failure(NamedTuple):
    """Why a clip is absent from a batch.

    Attributes:
        position: of the row in the batch, from 0.
        utterance_id: of the row, where the data has ids.
        column: "audio" or "video".
        error: name of the error's class, such as "AudioError".
        message: what it says.
    """

    position: int
    utterance_id: str | None
    column: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class MediaOptions:
    """How media become tensors. The arguments are those of `Collate`.

    Raises:
        OptionError: a value that cannot be.
    """

    sampling_rate: int | None = None
    mono: bool = True
    frames: int | None = None
    frame_size: int | tuple[int, int] | None = None
    on_error: OnError = "raise"
    num_threads: int = 1

    def __post_init__(self) -> None:
        check_on_error(self.on_error)
        check_threads(self.num_threads)
        if self.sampling_rate is not None:
            checked_rate(self.sampling_rate)
        if not isinstance(self.mono, bool):
            raise OptionError(f"mono is {quote(self.mono)}; expected True or False")
        if self.frames is not None:
            check_count("frames", self.frames, most=MAX_CHOSEN)
        elif self.frame_size is not None:
            raise OptionError("frame_size is given and frames is not; expected how many frames of each video")
        try:
            scaled_size(1, 1, self.frame_size)
        except (OptionError, LimitError) as error:
            raise OptionError(f"frame_size is {quote(self.frame_size)}: {error.message}") from error

    def decoder(self, kind: str) -> Callable[[Sequence[Any], Any], tuple[Any, ...]]:
        """Return the function that decodes clips of a kind into an array."""
        if kind == "audio":
            from emotalk_data.media.audio_batch import decode_many

            return lambda clips, out: decode_many(
                clips,
                sampling_rate=self.sampling_rate,
                mono=self.mono,
                num_threads=max(self.num_threads, 1),
                out=out,
            )
        from emotalk_data.media.video_batch import frames_many

        return lambda clips, out: frames_many(
            clips, num=self.frames, size=self.frame_size, num_threads=max(self.num_threads, 1), out=out
        )


def clips_of(name: str, kind: str, values: Sequence[Any]) -> list[Any]:
    """Return the clips of a column of rows; `{"bytes", "path"}` becomes one.

    Raises:
        OptionError: anything else: what a format or another decoder made of the clip.
    """
    cls = AudioClip if kind == "audio" else VideoClip
    clips: list[Any] = []
    for value in values:
        if value is None or isinstance(value, cls):
            clips.append(value)
        elif isinstance(value, Mapping) and not isinstance(value, MediaClip) and "path" in value:
            clips.append(cls(value.get("bytes"), value["path"]))
        else:
            raise OptionError(
                f"{name} is a {type(value).__name__}; expected {cls.__name__} or None. Take the format off the "
                "dataset with ds.with_format(None); for stock columns see emotalk_data.cast_media"
            )
    return clips


def decode_clips(
    name: str,
    kind: str,
    clips: Sequence[Any],
    ids: Ids,
    options: MediaOptions,
    memory: Memory,
) -> tuple[torch.Tensor, Any, list[Failure]]:
    """Decode a column of clips.

    Args:
        name: of the column.
        kind: "audio" or "video".
        clips: None where there is none.
        ids: function that returns the utterance ids of the rows, if known; asked when a clip fails.
        options: how.
        memory: where to.

    Returns:
        The padded tensor, the lengths (int64 array; 0 where nothing was decoded), and what failed.

    Raises:
        EmotalkError: the first that a clip raises, unless `on_error="mask"`; it knows the utterance's id.
    """
    decode = options.decoder(kind)
    try:
        return *memory.fill(lambda out: decode(clips, out)), []
    except (OptionError, MissingDependencyError):
        raise
    except EmotalkError:
        wanted = 1 if options.on_error == "raise" else None
        errors = dict(islice(_errors(decode, clips), wanted))
        if not errors:  # it was there for a moment only
            raise
    names = ids()
    known = {} if names is None else {position: _text(names[position]) for position in errors}
    if options.on_error == "raise":
        [(position, error)] = errors.items()
        error.utterance_id = error.utterance_id or known.get(position)
        whose = f", utterance_id {error.utterance_id!r}" if error.utterance_id else ""
        error.add_note(f"column {name}, row {position} of the batch{whose}")
        raise error
    failures = [
        Failure(position, known.get(position), name, type(error).__name__, error.message)
        for position, error in errors.items()
    ]
    left = [None if position in errors else clip for position, clip in enumerate(clips)]
    return *memory.fill(lambda out: decode(left, out)), failures


def _errors(decode: Callable[..., Any], clips: Sequence[Any]) -> Iterator[tuple[int, EmotalkError]]:
    """Decode one by one, and yield the errors with their positions."""
    for position, clip in enumerate(clips):
        try:
            decode([clip], None)
        except EmotalkError as error:
            yield position, error


def _text(utterance_id: Any) -> str | None:
    return None if utterance_id is None else str(utterance_id)

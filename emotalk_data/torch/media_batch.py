"""Sound and pictures of a batch; a clip that cannot be decoded is an error, or absent with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from emotalk_data.errors import EmotalkError, MissingDependencyError, OptionError, quote
from emotalk_data.media.audio import AudioClip
from emotalk_data.media.clip import MediaClip
from emotalk_data.media.video import VideoClip
from emotalk_data.torch.order import check_count, check_threads

if TYPE_CHECKING:
    import torch

    from emotalk_data.torch.memory import Memory

__all__ = ["Failure", "MediaOptions", "OnError", "clips_of", "decode_clips"]

OnError: TypeAlias = Literal["raise", "mask"]


class Failure(NamedTuple):
    """Why a clip is absent from a batch.

    Attributes:
        position: of the row in the batch, from 0.
        utterance_id: of the row, where the batch has that column.
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
        if self.on_error not in ("raise", "mask"):
            raise OptionError(f"on_error is {quote(self.on_error)}; expected 'raise' or 'mask'")
        check_threads(self.num_threads)
        if self.sampling_rate is not None:
            check_count("sampling_rate", self.sampling_rate)
        if self.frames is not None:
            check_count("frames", self.frames)
        elif self.frame_size is not None:
            raise OptionError("frame_size is given and frames is not; expected how many frames of each video")

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
    ids: Sequence[Any] | None,
    options: MediaOptions,
    memory: Memory,
) -> tuple[torch.Tensor, Any, list[Failure]]:
    """Decode a column of clips.

    Args:
        name: of the column.
        kind: "audio" or "video".
        clips: None where there is none.
        ids: utterance ids of the rows, if known.
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
        errors = _errors(decode, clips)
        if not errors:  # it was there for a moment only
            raise
    if options.on_error == "raise":
        position, error = next(iter(errors.items()))
        error.utterance_id = error.utterance_id or (ids[position] if ids else None)
        error.add_note(f"column {name}, row {position} of the batch, utterance_id {error.utterance_id!r}")
        raise error
    failures = [
        Failure(position, ids[position] if ids else None, name, type(error).__name__, error.message)
        for position, error in errors.items()
    ]
    left = [None if position in errors else clip for position, clip in enumerate(clips)]
    return *memory.fill(lambda out: decode(left, out)), failures


def _errors(decode: Callable[..., Any], clips: Sequence[Any]) -> dict[int, EmotalkError]:
    """Decode one by one, and return the errors by position."""
    errors: dict[int, EmotalkError] = {}
    for position, clip in enumerate(clips):
        try:
            decode([clip], None)
        except EmotalkError as error:
            errors[position] = error
    return errors

"""The recipe of a copy: every option and version that decides a value in it."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from emotalk_data.errors import OptionError, quote

__all__ = ["DEFAULT_SHARD_ROWS", "AudioRecipe", "Recipe", "VideoRecipe", "differences", "make_recipe"]

DEFAULT_SHARD_ROWS: Final = 1_000
"""Some 140 MB of sound at 16 kHz, 220 MB with 8 pictures of 224x224."""

_MIN_SIDE, _MAX_SIDE = 16, 4_096
_Side = Annotated[int, Field(ge=_MIN_SIDE, le=_MAX_SIDE)]
# Fields of the recipe that `materialise` calls otherwise.
_ARGUMENTS: Final = {"num": "num_frames", "size": "frame_size"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AudioRecipe(_Part):
    """How sound is kept.

    Attributes:
        sampling_rate: in Hz; what a wav that we read may have.
        mono: the mean of the channels; otherwise all of them.
        container: 16-bit PCM, which is read by position and never decoded.
        resampler: filter and quality.
        soxr: its version.
    """

    sampling_rate: Annotated[int, Field(ge=8_000, le=192_000)]
    mono: bool
    container: Literal["wav i16"] = "wav i16"
    resampler: Literal["soxr HQ"] = "soxr HQ"
    soxr: str


class VideoRecipe(_Part):
    """Which pictures are kept, and how. The first two are as for `VideoClip.frames`.

    Attributes:
        num: so many, evenly spaced.
        frame_rate: what is on screen at k / frame_rate.
        size: None for the picture's own; an int for the shorter side; or (height, width). In pixels.
        container: each picture a JPEG on its own, in an mp4 whose times are those of the original.
        pixels: 4:2:0, full range.
        quantiser: FFmpeg's scale for JPEG; 2 is its finest.
        ticks_per_second: of the mp4's clock: whole for 24, 25, 30 and 60 pictures a second, their NTSC kin, and
            milliseconds.
        libavcodec: its version.
        libswscale: its version.
    """

    num: Annotated[int, Field(ge=1, le=10_000)] | None
    frame_rate: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)] | None
    size: _Side | tuple[_Side, _Side] | None
    container: Literal["mp4 mjpeg"] = "mp4 mjpeg"
    pixels: Literal["yuvj420p"] = "yuvj420p"
    quantiser: Literal[2] = 2
    ticks_per_second: Literal[720_000] = 720_000
    libavcodec: str
    libswscale: str

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if (self.num is None) == (self.frame_rate is None):
            raise ValueError("choose frames by num_frames or by frame_rate, one of them")
        return self


class Recipe(_Part):
    """Everything that decides what is in a copy, apart from its source.

    Attributes:
        version: of what is done with these options.
        audio: None leaves the column as it is: references to the release.
        video: likewise.
        rows_per_shard: where one file ends and the next begins.
        schema_version: of the columns.
    """

    version: Literal[1] = 1
    audio: AudioRecipe | None
    video: VideoRecipe | None
    rows_per_shard: Annotated[int, Field(ge=1, le=1_000_000)] = DEFAULT_SHARD_ROWS
    schema_version: str

    def key(self, source: str) -> str:
        """Return the digest that names a copy: of this recipe and the source's digest."""
        text = json.dumps([self.model_dump(mode="json"), source], sort_keys=True)
        return blake2b(text.encode(), digest_size=16).hexdigest()


def make_recipe(
    *,
    sampling_rate: int | None,
    mono: bool,
    num_frames: int | None,
    frame_rate: float | None,
    frame_size: int | tuple[int, int] | None,
    rows_per_shard: int,
) -> Recipe:
    """Return the recipe for the options of `materialise`, with the versions of this installation.

    Raises:
        OptionError: an option that cannot be, two that exclude each other, or nothing is to be made.
    """
    import av
    import soxr

    from emotalk_data.builder.base import SCHEMA_VERSION

    has_frames = num_frames is not None or frame_rate is not None
    if sampling_rate is None and not has_frames:
        raise OptionError("nothing is to be made: give sampling_rate, num_frames or frame_rate.")
    if frame_size is not None and not has_frames:
        raise OptionError("frame_size is the size of frames: give num_frames or frame_rate too.")
    try:
        return Recipe(
            audio=None
            if sampling_rate is None
            else AudioRecipe(sampling_rate=sampling_rate, mono=mono, soxr=str(soxr.__version__)),
            video=VideoRecipe(
                num=num_frames,
                frame_rate=frame_rate,
                size=frame_size,
                libavcodec=_version(av.library_versions["libavcodec"]),
                libswscale=_version(av.library_versions["libswscale"]),
            )
            if has_frames
            else None,
            rows_per_shard=rows_per_shard,
            schema_version=SCHEMA_VERSION,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        if field == "size":  # of a union pydantic says what is wrong with each of its parts
            raise OptionError(
                f"frame_size is {quote(frame_size)}: expected the shorter side, or (height, width), in whole "
                f"pixels from {_MIN_SIDE} to {_MAX_SIDE:,}."
            ) from error
        found = f"{_ARGUMENTS.get(field, field)} is {quote(first['input'])}: " if field else ""
        raise OptionError(f"{found}{first['msg'].removeprefix('Value error, ')}.") from error


def differences(mine: dict[str, Any], other: dict[str, Any], *, prefix: str = "") -> list[str]:
    """Say where two recipes, as dicts, differ: `audio.sampling_rate is 8000 there and 16000 here`."""
    found = []
    for name in sorted({*mine, *other}):
        here, there = mine.get(name), other.get(name)
        if isinstance(here, dict) and isinstance(there, dict):
            found += differences(here, there, prefix=f"{prefix}{name}.")
        elif here != there:
            is_column = isinstance(here, dict) or isinstance(there, dict)
            shown = [_shown(value, is_column=is_column) for value in (there, here)]
            found.append(f"{prefix}{name} is {shown[0]} there and {shown[1]} here")
    return found


def _shown(value: Any, *, is_column: bool) -> str:
    if is_column:
        return "not made" if value is None else "made"
    return "not given" if value is None else str(value)


def _version(parts: tuple[int, ...]) -> str:
    return ".".join(map(str, parts))

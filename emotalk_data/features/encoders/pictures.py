"""The pictures of an utterance: chosen, decoded block by block, cut to faces, and scaled before they are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emotalk_data.errors import ExtractionError, MediaError, OptionError
from emotalk_data.features.encoders.faces import FaceCutter, settle_faces
from emotalk_data.media.container import MAX_PIXELS

if TYPE_CHECKING:
    from emotalk_data.features.encoders.faces import Detector
    from emotalk_data.features.hook import Utterance
    from emotalk_data.media import VideoClip
    from emotalk_data.schemas.feature_spec import FrameChoice

__all__ = ["PictureReader", "Pictures", "Scale", "choose_pictures", "read_pictures"]

Scale: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""From a picture (H, W, 3) of any size to one of always the same shape."""

_BLOCK_BYTES: Final = 256 << 20
"""How much is decoded at once. Smaller blocks begin more often at a key frame that lies far behind."""

_ALWAYS_FIT: Final = _BLOCK_BYTES // (3 * MAX_PIXELS)
"""So many pictures of the largest size that is decoded."""


class Pictures(NamedTuple):
    """What is kept of a clip.

    Attributes:
        values: uint8, (T, h, w, 3), or (T, h, w) where they are grey; T at least 1.
        seconds: float64, (T,): when each is shown, from the clip's start.
        notes: what was repeated or left out.
    """

    values: NDArray[np.uint8]
    seconds: NDArray[np.float64]
    notes: tuple[str, ...] = ()


class PictureReader:
    """The part of an encoder that runs on threads.

    Args:
        choice: which pictures.
        scale: what is kept of each.
        detector: finds faces, where `choice` wants them.

    Raises:
        OptionError: the choice contradicts itself, or the detector.
    """

    def __init__(self, choice: FrameChoice, scale: Scale, *, detector: Detector | None = None) -> None:
        if choice.num is not None and choice.rate is not None:
            raise OptionError(
                f"choose pictures by num or by rate; got num={choice.num} and rate={choice.rate}"
            )
        self._choice = settle_faces(choice, detector)
        self._scale = scale
        self._cutter = None if detector is None else FaceCutter(detector, size=choice.face_size)

    @property
    def choice(self) -> FrameChoice:
        """The choice as it is carried out: with the detector's name, or without faces."""
        return self._choice

    def read(self, utterance: Utterance) -> Pictures:
        """Return the pictures of an utterance.

        Raises:
            EmotalkError: as `read_pictures`.
            ExtractionError: the utterance has no pictures.
        """
        if utterance.video is None:
            raise ExtractionError("has no pictures", utterance_id=utterance.utterance_id)
        return read_pictures(utterance.video, self._choice, self._scale, cutter=self._cutter)

    def count(self, utterance: Utterance) -> float:
        """Return how many pictures are encoded, from the list of frames; nothing is decoded.

        A clip that cannot be read counts as one: `read` says what is wrong with it.
        """
        if self._choice.num is not None or utterance.video is None:
            return float(self._choice.num or 1)
        try:
            return float(len(choose_pictures(utterance.video, self._choice)))
        except MediaError:
            return 1.0


def choose_pictures(clip: VideoClip, choice: FrameChoice) -> NDArray[np.intp]:
    """Return the positions of the pictures that are meant, ascending, repeats included; nothing is decoded.

    Raises:
        EmotalkError: as `VideoClip.choose`.
    """
    if choice.rate is not None:
        return clip.choose(frame_rate=choice.rate)
    if choice.num is None:
        return np.arange(clip.num_frames)
    return clip.choose(choice.num)


def read_pictures(
    clip: VideoClip, choice: FrameChoice, scale: Scale, *, cutter: FaceCutter | None = None
) -> Pictures:
    """Decode, cut and scale.

    At most 256 MiB of pictures are decoded at once, whatever the length of the clip; what is kept are the scaled
    ones. A picture that is chosen several times is decoded, cut and scaled once.

    Args:
        clip: the video.
        choice: which pictures.
        scale: what is kept of each.
        cutter: cuts out the faces; pictures without one are left out, and the notes say how many.

    Raises:
        ExtractionError: none of the pictures has a face; or the detector failed.
        VideoError: not a video, damaged or cut.
        EmotalkError: as `VideoClip.frames`.
    """
    positions = choose_pictures(clip, choice)
    wanted, places = np.unique(positions, return_inverse=True)
    values, has_face = _scaled(clip, wanted, scale, cutter)
    kept = places[has_face[places]]
    notes = []
    if choice.num is not None and len(wanted) < choice.num:
        notes.append(f"{len(wanted)} frames; the last is repeated to make {choice.num}")
    if len(kept) < len(places):
        notes.append(f"{len(places) - len(kept)} of {len(places)} frames without a face")
    if not np.array_equal(kept, np.arange(len(wanted))):  # no copy where each is taken once
        values = values[kept]
    return Pictures(values, clip.times_seconds[wanted[kept]], tuple(notes))


def _scaled(
    clip: VideoClip, wanted: NDArray[np.intp], scale: Scale, cutter: FaceCutter | None
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the wanted pictures, and which of them have a face. The others are left as they come."""
    values: NDArray[np.uint8] | None = None
    has_face = np.ones(len(wanted), np.bool_)
    for place, picture in enumerate(_decoded(clip, wanted)):
        cut = picture if cutter is None else cutter.cut(picture)
        if cut is None:
            has_face[place] = False
            continue
        scaled = scale(cut)
        if values is None:
            values = np.empty((len(wanted), *scaled.shape), np.uint8)
        values[place] = scaled
    if values is None:
        raise ExtractionError(f"no face in any of {len(wanted)} frames")
    return values, has_face


def _decoded(clip: VideoClip, wanted: NDArray[np.intp]) -> Iterator[NDArray[np.uint8]]:
    """Yield each picture, (H, W, 3), from blocks that are decoded at once."""
    # Asking for height and width decodes a frame; few pictures fit whatever they are.
    is_sure = len(wanted) <= _ALWAYS_FIT
    size = len(wanted) if is_sure else max(_BLOCK_BYTES // (3 * clip.height * clip.width), 1)
    for start in range(0, len(wanted), size):
        yield from clip.frames(indices=wanted[start : start + size].tolist())

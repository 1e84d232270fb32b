"""Faces: a detector of the user's finds them, and pictures are cut to them."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emotalk_data.errors import ExtractionError, OptionError, quote
from emotalk_data.features.encoders.scaling import resize

if TYPE_CHECKING:
    from emotalk_data.schemas.feature_spec import FrameChoice

__all__ = ["Box", "Detector", "FaceCutter", "detector_name", "settle_faces"]

Box: TypeAlias = tuple[float, float, float, float]
"""(x1, y1, x2, y2) in pixels from the upper left corner; x2 and y2 are the first column and row behind it."""

Detector: TypeAlias = Callable[[NDArray[np.uint8]], Sequence[Box] | Box | None]
"""Takes an RGB picture, uint8 (H, W, 3), its own copy; returns boxes, one box, or None where there is no face."""


class FaceCutter:
    """Cuts pictures to the largest face in them.

    A detector is called by one thread at a time: few of them may be shared.

    Args:
        detector: finds faces.
        size: faces become squares of so many pixels, bilinear; None for as they are.
    """

    def __init__(self, detector: Detector, *, size: int | None = None) -> None:
        self._detector = detector
        self._name = detector_name(detector)
        self._size = size
        self._lock = threading.Lock()

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """Return the face.

        Of several boxes the one is taken that is largest inside the picture; of equal ones the first.

        Args:
            picture: RGB, uint8, (H, W, 3).

        Returns:
            uint8, (h, w, 3); None where the detector finds none.

        Raises:
            ExtractionError: the detector raised, or returned something else than boxes.
        """
        boxes = self._find(picture)
        if not len(boxes):
            return None
        x1, y1, x2, y2 = max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1])).tolist()
        face = np.ascontiguousarray(picture[y1:y2, x1:x2])
        return face if self._size is None else resize(face, (self._size, self._size))

    def _find(self, picture: NDArray[np.uint8]) -> NDArray[np.intp]:
        """Return the boxes inside the picture in whole pixels, (n, 4)."""
        with self._lock:
            try:
                found = self._detector(picture.copy())
            except MemoryError:
                raise
            except Exception as error:
                raise ExtractionError(
                    f"the face detector {self._name} failed: {type(error).__name__}: {error}"
                ) from error
        boxes = _as_boxes(found)
        if boxes is None:
            raise ExtractionError(
                f"the face detector {self._name} returned {quote(found)}; boxes (x1, y1, x2, y2) of finite "
                "numbers were expected, or None"
            )
        height, width = picture.shape[:2]
        low, high = np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])
        inside = np.hstack([np.maximum(low, 0), np.minimum(high, (width, height))])
        is_empty = (inside[:, :2] >= inside[:, 2:]).any(axis=1)
        if is_empty.any():
            raise ExtractionError(
                f"the face detector {self._name} returned the box {tuple(boxes[is_empty][0].tolist())}; "
                f"in a picture of {width}x{height} pixels there is nothing in it"
            )
        return inside.astype(np.intp)


def settle_faces(choice: FrameChoice, detector: Detector | None) -> FrameChoice:
    """Return the choice as it will be carried out, for the spec that is recorded.

    With a detector it has its name. Without one whole pictures are taken: `faces` becomes False.

    Raises:
        OptionError: a detector that the choice has no use for, no detector where the choice names one, another
            one, or something that cannot be called.
    """
    if detector is None:
        if choice.detector is not None:
            raise OptionError(f"these features are of faces found by {choice.detector}: pass it as detector=")
        return choice.model_copy(update={"faces": False, "face_size": None}) if choice.faces else choice
    if not choice.faces:
        raise OptionError("detector= is given, but this recipe takes whole pictures: frames.faces is False")
    if not callable(detector):
        raise OptionError(f"detector must be a function of a picture; got {quote(detector)}")
    name = detector_name(detector)
    if choice.detector not in (None, name):
        raise OptionError(f"these features are of faces found by {choice.detector}; detector= is {name}")
    return choice.model_copy(update={"detector": name})


def detector_name(detector: Any) -> str:
    """Return module and name of a function, method or class of an object, at most 200 characters."""
    while isinstance(detector, functools.partial):
        detector = detector.func
    named = detector if hasattr(detector, "__qualname__") else type(detector)
    return f"{named.__module__}.{named.__qualname__}"[:200]


def _as_boxes(found: Any) -> NDArray[np.float64] | None:
    """Return (n, 4), n from 0; None where these are no boxes."""
    if found is None:
        return np.empty((0, 4))
    try:
        boxes = np.asarray(found, np.float64)
    except (TypeError, ValueError, RuntimeError):
        return None
    if not boxes.size:
        return np.empty((0, 4))
    if boxes.shape == (4,):
        boxes = boxes[None]
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        return None
    return boxes

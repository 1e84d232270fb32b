"""From a picture to what an image encoder takes: resize, cut the centre, rescale, normalise.

    uint8 (H, W, 3) ── resize, PIL ──> ── cut ──> uint8 (h, w, 3) ── table ──> float32 (3, h, w)
                    in `prepare`, on a thread                     on the device

The numbers are those of transformers' own processors in their PIL form, and of timm's transform, to the last
bit. They are not used themselves: they return floats, four times the size of the bytes that have to wait for the
device, and transformers takes another form of them, with other numbers, where torchvision is installed. After the
resize all they do depends on the value of a pixel alone, so it is a table of 256 numbers for each channel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emotalk_data._optional import require
from emotalk_data.errors import ExtractionError, ModelError, quote
from emotalk_data.features.encoders.loading import read_processor

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BILINEAR", "Scaling", "read_scaling", "resize", "timm_scaling"]

BILINEAR: Final = 2
"""PIL's number for it."""

_BICUBIC: Final = 3
_INTERPOLATIONS: Final = {"nearest": 0, "lanczos": 1, "bilinear": BILINEAR, "bicubic": _BICUBIC}
_MAX_SIDE: Final = 16_384

_CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)
_HALF: Final = (0.5, 0.5, 0.5)

# What transformers takes where a model's file says nothing: the class's own values.
_CLIP: Final[dict[str, Any]] = {
    "resample": _BICUBIC, "size": {"shortest_edge": 224}, "crop_size": 224, "do_center_crop": True,
    "image_mean": _CLIP_MEAN, "image_std": _CLIP_STD, "is_square": False,
}  # fmt: skip
_HALVES: Final[dict[str, Any]] = {"image_mean": _HALF, "image_std": _HALF, "crop_size": 224}
_CLASSES: Final[dict[str, dict[str, Any]]] = {
    "CLIP": _CLIP,
    "Bit": _CLIP,
    "Beit": {**_HALVES, "resample": _BICUBIC, "size": 224, "is_square": True},
    "ViT": {**_HALVES, "resample": BILINEAR, "size": 224, "is_square": True},
    "VideoMAE": {
        **_HALVES, "resample": BILINEAR, "size": {"shortest_edge": 224}, "do_center_crop": True,
        "is_square": False,
    },
}  # fmt: skip
_SUFFIXES: Final = ("ImageProcessorFast", "ImageProcessorPil", "ImageProcessor", "FeatureExtractor")


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """One encoder's way with pictures. `scale` is for threads; `table` for the device.

    Attributes:
        resized: (height, width) of the picture before it is cut; or the length of its shorter side, the other in
            proportion.
        cut: (height, width) of what is cut out of the middle; None for all of it.
        resample: PIL's number of the filter.
        rounding: where the middle is when a row is over: `down`, as in transformers, or `half_even`, as in timm.
        table: float32, (3, 256): what becomes of each value of each channel.
    """

    resized: tuple[int, int] | int
    cut: tuple[int, int] | None
    resample: int
    rounding: Literal["down", "half_even"]
    table: NDArray[np.float32]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of every picture that `scale` returns."""
        if self.cut is not None:
            return self.cut
        return (self.resized, self.resized) if isinstance(self.resized, int) else self.resized

    def scale(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize and cut.

        Args:
            picture: RGB, uint8, (H, W, 3).

        Returns:
            uint8, (*size, 3), an array of its own.

        Raises:
            ExtractionError: the picture is so narrow that it would become longer than 16,384 pixels.
        """
        picture = resize(picture, self._resized_size(*picture.shape[:2]), self.resample)
        if self.cut is None:
            return picture
        top, left = (self._start(whole - part) for whole, part in zip(picture.shape, self.cut, strict=False))
        return picture[top : top + self.cut[0], left : left + self.cut[1]].copy()

    def _resized_size(self, height: int, width: int) -> tuple[int, int]:
        if not isinstance(self.resized, int):
            return self.resized
        # Both libraries round down the longer side.
        longer = int(self.resized * max(height, width) / min(height, width))
        if longer > _MAX_SIDE:
            raise ExtractionError(f"a picture of {width}x{height} pixels is too narrow to be scaled")
        return (longer, self.resized) if width <= height else (self.resized, longer)

    def _start(self, surplus: int) -> int:
        return surplus // 2 if self.rounding == "down" else round(surplus / 2)


def resize(picture: NDArray[np.uint8], size: tuple[int, int], resample: int = BILINEAR) -> NDArray[np.uint8]:
    """Return a picture at another size, by PIL.

    Args:
        picture: uint8, (H, W, 3) or (H, W).
        size: (height, width).
        resample: PIL's number of the filter. Its support grows with the picture: nothing is skipped.

    Returns:
        uint8, a new array.
    """
    image = require("PIL.Image", extra="features", purpose="scale pictures")
    return np.array(image.fromarray(picture).resize((size[1], size[0]), resample=image.Resampling(resample)))


class _Processor(BaseModel):
    """The fields of a processor's file that decide its numbers."""

    model_config = ConfigDict(extra="ignore")

    do_resize: bool = True
    size: Annotated[int, Field(ge=1, le=4_096)] | dict[str, int | None]
    resample: Annotated[int, Field(ge=0, le=5)]
    do_center_crop: bool | None = False
    crop_size: Annotated[int, Field(ge=1, le=4_096)] | dict[str, int | None] | None = None
    do_rescale: bool = True
    rescale_factor: Annotated[float, Field(gt=0)] = 1 / 255
    do_normalize: bool = True
    image_mean: float | Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]
    image_std: float | Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]
    do_pad: bool | None = False
    is_square: bool


def read_scaling(folder: Path) -> Scaling:
    """Return the scaling that lies beside a transformers model.

    Args:
        folder: as `save_pretrained` writes it, with `preprocessor_config.json`, or `processor_config.json`.

    Raises:
        ModelError: there is none; it is of a class that is not known here, or says something that its class
            does not do with pictures.
    """
    path, values = read_processor(folder, "image_processor")
    name = str(values.get("image_processor_type") or values.get("feature_extractor_type") or "")
    suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), "")
    defaults = _CLASSES.get(name.removesuffix(suffix)) if suffix else None
    if defaults is None:
        known = ", ".join(f"{stem}ImageProcessor" for stem in _CLASSES)
        raise ModelError(f"{path} is of {quote(name)}; pictures can be scaled as {known} do.", path=str(path))
    given = {key: value for key, value in values.items() if value is not None and key != "is_square"}
    try:
        processor = _Processor.model_validate({**defaults, **given})
        return _from_processor(processor)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = f"{'.'.join(map(str, first['loc']))} is {quote(first['input'])}: {first['msg']}"
    except ValueError as error:
        reason = str(error)
    raise ModelError(f"{path} cannot be followed: {reason}.", path=str(path))


def timm_scaling(config: Mapping[str, Any]) -> Scaling:
    """Return the scaling of a timm model.

    Args:
        config: as `timm.data.resolve_model_data_config` returns it.

    Raises:
        ModelError: it pads, or interpolates in a way that PIL does not know.
    """
    height, width = config["input_size"][-2:]
    resample = _INTERPOLATIONS.get(config["interpolation"])
    mode, share = config["crop_mode"], config["crop_pct"]
    scaled = (math.floor(height / share), math.floor(width / share))
    if (
        resample is None
        or share > 1
        or mode not in ("center", "squash")
        or (mode == "center" and height != width)
    ):
        described = {key: config[key] for key in ("input_size", "interpolation", "crop_pct", "crop_mode")}
        raise ModelError(f"pictures cannot be scaled as this timm model expects: {quote(described, 200)}")
    values = np.arange(256, dtype=np.float32) / np.float32(255)
    mean, std = (np.array(config[key], np.float32)[:, None] for key in ("mean", "std"))
    return Scaling(
        resized=scaled if mode == "squash" else scaled[0],
        cut=(height, width),
        resample=resample,
        rounding="half_even",
        table=(values - mean) / std,
    )


def _from_processor(processor: _Processor) -> Scaling:
    if not processor.do_resize or processor.do_pad:
        raise ValueError("pictures have to be resized to one size, without padding")
    resized, cut = _resized(processor.size, is_square=processor.is_square), None
    if processor.do_center_crop:
        cut = _sides(processor.crop_size, "crop_size")
        smallest = (resized, resized) if isinstance(resized, int) else resized
        if cut[0] > smallest[0] or cut[1] > smallest[1]:
            raise ValueError(f"crop_size {cut} is larger than the resized picture")
    elif isinstance(resized, int):
        raise ValueError("size is that of the shorter side and nothing is cut: pictures get no fixed size")
    return Scaling(resized, cut, processor.resample, "down", _table(processor))


def _resized(size: int | dict[str, int | None], *, is_square: bool) -> tuple[int, int] | int:
    if isinstance(size, int):
        return (size, size) if is_square else size
    given = {key: value for key, value in size.items() if value is not None}
    if set(given) == {"shortest_edge"}:
        return given["shortest_edge"]
    return _sides(size, "size")


def _sides(size: int | dict[str, int | None] | None, name: str) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    given = {key: value for key, value in (size or {}).items() if value is not None}
    if set(given) != {"height", "width"} or not all(1 <= side <= 4_096 for side in given.values()):
        raise ValueError(f"{name} is {quote(size)}; height and width were expected")
    return given["height"], given["width"]


def _table(processor: _Processor) -> NDArray[np.float32]:
    """Do what transformers does, in its order and precision: scaled in float64, normalised in float32."""
    values = np.arange(256, dtype=np.float64)
    if processor.do_rescale:
        values = values * processor.rescale_factor
    table = np.tile(values.astype(np.float32), (3, 1))
    if processor.do_normalize:
        table = (table - _column(processor.image_mean)) / _column(processor.image_std)
    return table


def _column(values: float | Sequence[float]) -> NDArray[np.float32]:
    per_channel = np.broadcast_to(np.asarray(values, np.float32), (3,))
    if not np.isfinite(per_channel).all():
        raise ValueError("image_mean and image_std have to be finite")
    return per_channel[:, None]

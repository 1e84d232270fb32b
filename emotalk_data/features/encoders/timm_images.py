"""Image encoders of timm: the pooled vector of each picture, before the classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emotalk_data._optional import installed_version, require
from emotalk_data.errors import ModelError, quote
from emotalk_data.features.encoders.loading import to_device
from emotalk_data.features.encoders.picture_blocks import look_up
from emotalk_data.features.encoders.picture_encoder import PictureEncoder
from emotalk_data.features.encoders.picture_weights import load_weights
from emotalk_data.features.encoders.pictures import PictureReader
from emotalk_data.features.encoders.scaling import timm_scaling
from emotalk_data.schemas.feature_spec import TimmSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from emotalk_data.features.encoders.faces import Detector
    from emotalk_data.features.encoders.weights import Weights

__all__ = ["TimmEncoder"]

_PURPOSE = "encode pictures with a timm model"


class TimmEncoder(PictureEncoder[TimmSpec]):
    """A vector a picture.

    Pictures are scaled as timm's transform for evaluation does, from the model's own configuration.

    Args:
        spec: what to compute.
        weights: one file in timm's layout, or a folder with it; a classifier in it takes no part.
        device: of torch.
        detector: finds faces, where `spec.frames.faces`; without one whole pictures are taken, and the spec
            says so.

    Attributes:
        unused_weights: names of what the file has besides: the classifier.

    Raises:
        ModelError: timm has no such architecture, or the file does not fill it.
        OptionError: the choice of pictures contradicts itself, or the detector.
        MissingDependencyError: timm is not installed, or torchvision, which it imports, is broken.
    """

    def __init__(
        self, spec: TimmSpec, weights: Weights, *, device: str = "cpu", detector: Detector | None = None
    ) -> None:
        self._torch = torch = require("torch", extra="features", purpose=_PURPOSE)
        timm = require("timm", extra="timm", purpose=_PURPOSE)
        from emotalk_data.features.encoders.precision import inference

        self._inference = inference
        model = _create(timm, spec.architecture)
        scaling = timm_scaling(timm.data.resolve_model_data_config(model))
        self._reader = PictureReader(spec.frames, scaling.scale, detector=detector)
        self.unused_weights = load_weights(model, weights, layout=f"timm's own layout of {spec.architecture}")
        self._dtype, self._device = getattr(torch, spec.compute), device
        self._model = to_device(model.to(self._dtype).eval().requires_grad_(False), device)
        self._table = torch.from_numpy(scaling.table).to(device)
        blank = torch.zeros((1, *scaling.size, 3), dtype=torch.uint8).numpy()
        self._spec = spec
        self._spec = self._described(weights, int(self._encode(blank).shape[1]))

    def _encode(self, block: NDArray[np.uint8]) -> NDArray[np.float32]:
        with self._inference():
            pixels = look_up(self._torch.from_numpy(block).to(self._device), self._table)
            encoded: NDArray[np.float32] = self._model(pixels.to(self._dtype)).float().cpu().numpy()
        return encoded


def _create(timm: Any, architecture: str) -> Any:
    """Return the architecture without classifier, its parameters random still."""
    try:
        return timm.create_model(architecture, pretrained=False, num_classes=0)
    except Exception as error:  # whatever an unknown name or tag makes timm say
        raise ModelError(
            f"timm {installed_version('timm')} has no architecture {quote(architecture)}: {error}. "
            "timm.list_models() lists them."
        ) from error

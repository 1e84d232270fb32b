"""Faces with a DenseNet, as M3ED's authors did; their weights are not public, so yours are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emotalk_data._optional import require
from emotalk_data.features.encoders.loading import to_device
from emotalk_data.features.encoders.picture_encoder import PictureEncoder
from emotalk_data.features.encoders.picture_weights import load_weights
from emotalk_data.features.encoders.pictures import PictureReader
from emotalk_data.features.encoders.scaling import resize
from emotalk_data.schemas.feature_spec import DenseNetSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.features.encoders.faces import Detector
    from emotalk_data.features.encoders.weights import Weights

__all__ = ["DenseNetEncoder"]

_SIDE: Final = 64
_LAYOUT: Final = (
    "a DenseNet-BC-100 of growth 12 for one grey channel, named as in torchvision: features.conv0.weight, "
    "features.denseblock1.denselayer1.norm1.weight, …, features.norm_final.bias"
)


class DenseNetEncoder(PictureEncoder[DenseNetSpec]):
    """A vector of 342 numbers a picture: DenseNet-BC-100, growth 12, without its classifier.

    Pictures become grey (ITU-R BT.601, as PIL and OpenCV do), 64 x 64 pixels (bilinear, PIL), and
    `(value - mean) / std`. See `densenet_network` for the network and the names of its parameters.

    Args:
        spec: what to compute.
        weights: the user's file, safetensors or PyTorch; a classifier in it takes no part.
        device: of torch.
        detector: finds faces, where `spec.frames.faces`; without one whole pictures are taken, and the spec
            says so.

    Raises:
        ModelError: the file does not fill the network.
        OptionError: the choice of pictures contradicts itself, or the detector.
        MissingDependencyError: torch is not installed.
    """

    def __init__(
        self, spec: DenseNetSpec, weights: Weights, *, device: str = "cpu", detector: Detector | None = None
    ) -> None:
        self._torch = require("torch", extra="features", purpose="encode pictures with a DenseNet")
        from emotalk_data.features.encoders.densenet_network import NUM_DIMS, DenseNet
        from emotalk_data.features.encoders.precision import inference

        self._inference = inference
        self._reader = PictureReader(spec.frames, _grey, detector=detector)
        model = DenseNet()
        self.unused_weights = load_weights(model, weights, layout=_LAYOUT)
        self._dtype, self._device = getattr(self._torch, spec.compute), device
        self._model = to_device(model.to(self._dtype).eval().requires_grad_(False), device)
        self._spec = spec
        self._spec = self._described(weights, NUM_DIMS)

    def _encode(self, block: NDArray[np.uint8]) -> NDArray[np.float32]:
        with self._inference():
            pixels = self._torch.from_numpy(block).to(self._device).float()
            scaled = (pixels - self._spec.mean) / self._spec.std
            encoded: NDArray[np.float32] = self._model(scaled[:, None].to(self._dtype)).float().cpu().numpy()
        return encoded


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture of 64 x 64 grey values."""
    image = require("PIL.Image", extra="features", purpose="scale pictures")
    return resize(np.array(image.fromarray(picture).convert("L")), (_SIDE, _SIDE))

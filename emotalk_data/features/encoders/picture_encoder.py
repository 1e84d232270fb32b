"""What the encoders of pictures have in common: all but how pictures become vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from emotalk_data.features.encoders.model_encoder import ModelEncoder
from emotalk_data.features.encoders.picture_blocks import block_size, encode_blocks
from emotalk_data.features.encoders.weights import describe_weights
from emotalk_data.features.hook import Encoded
from emotalk_data.schemas.feature_spec import DenseNetSpec, TimmSpec, VisionSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from emotalk_data.features.encoders.pictures import PictureReader, Pictures
    from emotalk_data.features.encoders.weights import Weights
    from emotalk_data.features.hook import Utterance

__all__ = ["PictureEncoder"]

_Spec = TypeVar("_Spec", VisionSpec, TimmSpec, DenseNetSpec)


class PictureEncoder(ModelEncoder[_Spec], ABC):
    """A vector a picture.

    A subclass sets `_reader`, `_model` and `_spec`, the last once more, with `_described`, when it has its model.
    """

    _reader: PictureReader

    def prepare(self, utterance: Utterance) -> Pictures:
        """Return its pictures, scaled, uint8, (T, h, w, 3), or (T, h, w) where they are grey.

        Raises:
            EmotalkError: as `read_pictures`.
        """
        return self._reader.read(utterance)

    def size_seconds(self, utterance: Utterance) -> float:
        """Return how many pictures are encoded: an encoder of pictures counts them, not seconds."""
        return self._reader.count(utterance)

    def extract(self, batch: Sequence[Pictures]) -> list[Encoded]:
        """Return (T, D) for each utterance."""
        frames = encode_blocks(
            [pictures.values for pictures in batch], self._encode, size=block_size(self.device)
        )
        return [
            Encoded(values, pictures.seconds, notes=pictures.notes)
            for values, pictures in zip(frames, batch, strict=True)
        ]

    @abstractmethod
    def _encode(self, block: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (n, D) of some pictures."""

    def _described(self, weights: Weights, num_dims: int) -> _Spec:
        """Return the spec with what is known of the weights, and of the pictures as they are chosen.

        Raises:
            ModelError: the spec says otherwise: these are other weights than it means.
        """
        spec = self._spec.model_copy(update={"frames": self._reader.choice})
        return describe_weights(spec, weights, num_dims=num_dims)

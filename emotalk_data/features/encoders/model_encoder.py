"""What all encoders with a network have in common: their spec, where they calculate, and how large they are."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from emotalk_data.schemas.encoder_spec import EncoderSpec

__all__ = ["ModelEncoder"]

_Spec = TypeVar("_Spec", bound=EncoderSpec)


class ModelEncoder(Generic[_Spec]):
    """An encoder with a network of torch.

    A subclass sets `_model` and `_spec` when it is made.
    """

    _model: Any
    _spec: _Spec

    @property
    def spec(self) -> _Spec:
        """What decides its numbers."""
        return self._spec

    @property
    def device(self) -> str:
        """Where it calculates, as torch calls it: `cpu`, `cuda:0`. A run measures its batches there."""
        return str(next(iter(self._model.parameters())).device)

    @property
    def num_parameters(self) -> int:
        """Numbers that the model has learnt."""
        return sum(parameter.numel() for parameter in self._model.parameters())

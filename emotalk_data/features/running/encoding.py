"""A batch on the device, whatever happens there: too little memory, one utterance that spoils all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from emotalk_data.features.hook import Encoded, FeatureExtractor
from emotalk_data.features.running.batches import padded_size
from emotalk_data.features.running.failures import (
    Failure,
    check_device,
    failure_of,
    is_set_up,
    one_line,
)

__all__ = ["BatchEncoder"]


class BatchEncoder:
    """An encoder that gives an answer for each utterance, features or a reason.

    Attributes:
        max_batch_seconds: how much is encoded at once; halved when memory does not suffice, for all that
            follows.
        useful: sum of the sizes that were encoded.
        padded: what they cost, with padding: the number of utterances of a batch times its largest.
    """

    def __init__(self, extractor: FeatureExtractor[Any], max_batch_seconds: float) -> None:
        self._extractor = extractor
        # Arrays are read later, by other threads, and a hook of the caller's may write into its own again.
        self._copies = extractor.spec.backend == "callable"
        self.max_batch_seconds = max_batch_seconds
        self.useful = 0.0
        self.padded = 0.0

    def encode(self, values: Sequence[Any], sizes: Sequence[float]) -> list[Encoded | Failure]:
        """Return what the encoder makes of each utterance, in their order.

        Args:
            values: what `prepare` returned.
            sizes: of the same utterances.

        Raises:
            ExtractionError: the device is lost.
            ModelError: raised by the encoder, and for all utterances alike.
            MissingDependencyError: likewise.
        """
        if not values:
            return []
        if len(values) > 1 and padded_size(sizes) > self.max_batch_seconds * (1 + 1e-9):
            return self._in_halves(values, sizes)  # planned before memory ran out
        answer = self._attempt(values)
        if isinstance(answer, list):
            self.useful += sum(sizes)
            self.padded += padded_size(sizes)
            return answer
        if len(values) == 1:
            return [answer]
        if answer.code != "memory":
            return [self.encode([value], [size])[0] for value, size in zip(values, sizes, strict=True)]
        _free_cached_memory()
        self.max_batch_seconds = min(self.max_batch_seconds, padded_size(sizes)) / 2
        return self._in_halves(values, sizes)

    def _in_halves(self, values: Sequence[Any], sizes: Sequence[float]) -> list[Encoded | Failure]:
        middle = (len(values) + 1) // 2
        first = self.encode(values[:middle], sizes[:middle])
        return first + self.encode(values[middle:], sizes[middle:])

    def _attempt(self, values: Sequence[Any]) -> list[Encoded | Failure] | Failure:
        try:
            results = list(self._extractor.extract(values))
        except Exception as error:
            if is_set_up(error):
                raise
            check_device(error, str(getattr(self._extractor, "device", "cpu")))
            failure = failure_of(error)  # lets go of what filled the memory
            if failure.code == "memory" and len(values) == 1:
                _free_cached_memory()
            return failure
        if len(results) != len(values):
            return Failure("encoder", f"it gave {len(results)} results for {len(values)} utterances")
        return [self._answer(result) for result in results]

    def _answer(self, result: Any) -> Encoded | Failure:
        if not isinstance(result, Encoded):
            return Failure("encoder", f"it gave a {type(result).__name__}; expected Encoded")
        if not self._copies:
            return result
        try:
            parts: list[Any] = [None if part is None else np.array(part) for part in result[:3]]
        except Exception as error:  # whatever a hook returned, and whatever that does
            return Failure("encoder", one_line(f"it gave no arrays: {type(error).__name__}: {error}"))
        frames, seconds, pooled = parts
        return Encoded(frames, seconds, pooled, result.notes)


def _free_cached_memory() -> None:
    """Give back what torch keeps for later: a smaller batch needs other blocks."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()

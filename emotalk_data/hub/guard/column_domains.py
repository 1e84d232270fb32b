"""Which numbers a known column may have, and how long its lists may be: at each of its leaves.

Numbers of labels are few and small. A column of them that may hold any number would carry samples of sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import datasets
import numpy as np

from emotalk_data.schemas.labels import CONFIDENCES

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FOLDS", "MAX_NOTES", "Domain", "domains_of", "lengths_of"]


class Domain(NamedTuple):
    """The numbers that a leaf may have.

    Attributes:
        lowest, highest: both included.
        choices: where it is one of a few.
    """

    lowest: float
    highest: float
    choices: tuple[float, ...] = ()

    def find(self, numbers: NDArray[Any]) -> str | None:
        """Say what is wrong with numbers, of which none is null; None where nothing is."""
        if not len(numbers):
            return None
        if self.choices and not np.isin(numbers, self.choices).all():
            return f"a number in it is none of {', '.join(f'{one:g}' for one in self.choices)}"
        # Not `any outside`: of what is no number neither holds.
        if not ((numbers >= self.lowest) & (numbers <= self.highest)).all():
            return f"a number in it is not of {self.lowest:g} to {self.highest:g}"
        return None


MAX_NOTES: Final = 64
FOLDS: Final = Domain(0, 9_999)

_DAY: Final = Domain(0, 86_400)
_PLACES: Final = Domain(0, 4_096)  # in a transcript
_NUMBERS: Final[Mapping[str, Domain]] = MappingProxyType(
    {
        "utterance_number": Domain(0, 999_999),  # six digits in an id of M3ED
        "annotations.annotator": Domain(1, 20),
        "annotations.confidence": Domain(0, 1, CONFIDENCES),
        "annotations.sentiment": Domain(-2, 2),
        "sentiment": Domain(-2, 2),
        "events.start": _PLACES,
        "events.end": _PLACES,
        "start_seconds": _DAY,
        "end_seconds": _DAY,
        "episode": Domain(0, 10_000),
        "episode_start_seconds": _DAY,
        "episode_end_seconds": _DAY,
    }
)
_LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "modalities": 4,
        "events": 500,
        "annotations": 80,  # 20 annotators of each of four modalities
        "annotations.emotions": 8,
        "emotions": 7,
        "captions.overall": 20,
    }
)


def domains_of(name: str, feature: Any) -> dict[str, Domain]:
    """Return the domains in a column of a corpus, by dotted place below it; of labels they are their numbers."""
    found = {}
    for below, leaf in _leaves(feature):
        if isinstance(leaf, datasets.ClassLabel):
            found[below] = Domain(0, leaf.num_classes - 1)
        elif (place := f"{name}.{below}".rstrip(".")) in _NUMBERS:
            found[below] = _NUMBERS[place]
    return found


def lengths_of(name: str) -> dict[str, int]:
    """Return how long the lists in a column of a corpus may be, by dotted place below it."""
    dotted = f"{name}."
    return {
        place[len(dotted) :]: length for place, length in _LENGTHS.items() if f"{place}.".startswith(dotted)
    }


def _leaves(feature: Any, below: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(feature, dict):
        for name, inner in feature.items():
            yield from _leaves(inner, f"{below}.{name}".lstrip("."))
    elif hasattr(feature, "feature"):
        yield from _leaves(feature.feature, below)
    else:
        yield below, feature

"""One modality's labels against another's: where what is read, heard and seen goes different ways."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Final

import numpy as np

from emotalk_data.report.corpus import Corpus, Labels
from emotalk_data.report.label_shares import PERCEIVED
from emotalk_data.report.palette import emotion_key
from emotalk_data.views.columns import NO_LABEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Cell", "LabelPair", "PairRow", "label_pairs", "share_that_differs"]

_SHADES: Final = 10
_NO_LABEL_NAME: Final = "no label"


@dataclass(frozen=True)
class Cell:
    """Rows with one label by the first modality and one by the second.

    Attributes:
        count: rows.
        share: of the table's row, 0 to 1.
        shade: 0 (nothing) to 10 (the whole row).
        is_same: both modalities gave the same label.
    """

    count: int
    share: float
    shade: int
    is_same: bool


@dataclass(frozen=True)
class PairRow:
    """What became of one label of the first modality; `key` is its name in the style."""

    label: str
    key: str
    total: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class LabelPair:
    """A confusion matrix of two modalities' labels.

    Attributes:
        first: modality of the table's rows.
        second: modality of the table's columns.
        columns: label and style name of each column; "no label" last, where there are such rows.
        rows: likewise.
        num_both: utterances with both labels.
        num_same: those of them with twice the same label.
    """

    first: str
    second: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[PairRow, ...]
    num_both: int
    num_same: int

    @property
    def key(self) -> str:
        """Name of the pair in the page's markup."""
        return f"{self.first}-{self.second}"

    @property
    def title(self) -> str:
        """What the pair is called on the page."""
        return f"{self.first} ({PERCEIVED[self.first]}) → {self.second} ({PERCEIVED[self.second]})"


def label_pairs(corpus: Corpus) -> tuple[LabelPair, ...]:
    """Return a matrix for each ordered pair of modalities that have labels; text to multimodal first."""
    labelled = [labels for labels in corpus.labels.values() if (labels.ids != NO_LABEL).any()]
    pairs = [_pair(one, other) for one, other in permutations(labelled, 2)]
    return tuple(sorted(pairs, key=lambda pair: pair.second != "multimodal"))


def share_that_differs(one: Labels, other: Labels) -> tuple[int, int]:
    """Return the rows whose two labels differ, and the rows that have both."""
    both = (one.ids != NO_LABEL) & (other.ids != NO_LABEL)
    return int(np.count_nonzero(both & (one.ids != other.ids))), int(np.count_nonzero(both))


def _pair(one: Labels, other: Labels) -> LabelPair:
    differ, both = share_that_differs(one, other)
    size = len(one.names) + 1
    # Null is -1 and gets the last place.
    flat = (one.ids % size) * size + other.ids % size
    counts: NDArray[np.int64] = np.bincount(flat, minlength=size * size).reshape(size, size)
    names = [*((name, emotion_key(name)) for name in one.names), (_NO_LABEL_NAME, "none")]
    has_row = [True] * (size - 1) + [bool(counts[-1].any())]
    has_column = [True] * (size - 1) + [bool(counts[:, -1].any())]
    columns = [place for place in range(size) if has_column[place]]
    rows = []
    for place in (place for place in range(size) if has_row[place]):
        total = int(counts[place].sum())
        cells = tuple(_cell(int(counts[place, at]), total, is_same=place == at) for at in columns)
        rows.append(PairRow(*names[place], total, cells))
    return LabelPair(
        one.modality,
        other.modality,
        tuple(names[place] for place in columns),
        tuple(rows),
        both,
        both - differ,
    )


def _cell(count: int, total: int, *, is_same: bool) -> Cell:
    share = count / max(total, 1)
    shade = max(round(share * _SHADES), 1) if count else 0
    return Cell(count, share, shade, is_same)

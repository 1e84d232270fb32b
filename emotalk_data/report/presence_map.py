"""Which texts, sounds, pictures and labels there are: every combination that occurs, with its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emotalk_data.report.corpus import Corpus
from emotalk_data.views.columns import NO_LABEL, column
from emotalk_data.views.modalities.presence import INPUTS, is_there

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Combination", "PresenceMap", "presence_map"]

_MAX_SHOWN = 24


@dataclass(frozen=True)
class Combination:
    """One combination that occurs.

    Attributes:
        there: for each part, whether it is there.
        count: rows.
        share: of all rows, 0 to 1.
        by_split: rows of each split.
    """

    there: tuple[bool, ...]
    count: int
    share: float
    by_split: tuple[int, ...]


@dataclass(frozen=True)
class PresenceMap:
    """What is there.

    Attributes:
        parts: what is told apart, such as "sound".
        num_inputs: how many of the parts, from the first, a model can be given; the others are labels and times.
        totals: rows that have each part.
        combinations: the most frequent first.
        num_other_kinds: combinations that are not shown.
        num_other_rows: their rows.
    """

    parts: tuple[str, ...]
    num_inputs: int
    totals: tuple[int, ...]
    combinations: tuple[Combination, ...]
    num_other_kinds: int
    num_other_rows: int


def presence_map(corpus: Corpus) -> PresenceMap:
    """Count every combination of what is there. A column that the data has not is there in no row."""
    flags = _flags(corpus)
    table = np.stack(list(flags.values()), axis=1)
    kinds, which = np.unique(table, axis=0, return_inverse=True)
    # Of NumPy 2.0 alone, `return_inverse` has the shape of the table.
    which = which.reshape(-1)
    counts = np.bincount(which, minlength=len(kinds))
    by_split = [
        np.bincount(which[corpus.split_of == s], minlength=len(kinds)) for s in range(len(corpus.splits))
    ]
    order = sorted(
        range(len(kinds)), key=lambda kind: (-int(counts[kind]), *(not flag for flag in kinds[kind]))
    )
    combinations = tuple(
        Combination(
            there=tuple(map(bool, kinds[kind])),
            count=int(counts[kind]),
            share=int(counts[kind]) / max(corpus.num_rows, 1),
            by_split=tuple(int(rows[kind]) for rows in by_split),
        )
        for kind in order
    )
    return PresenceMap(
        parts=tuple(flags),
        num_inputs=len(INPUTS),
        totals=tuple(int(flag.sum()) for flag in flags.values()),
        combinations=combinations[:_MAX_SHOWN],
        num_other_kinds=len(combinations[_MAX_SHOWN:]),
        num_other_rows=sum(one.count for one in combinations[_MAX_SHOWN:]),
    )


def _flags(corpus: Corpus) -> dict[str, NDArray[np.bool_]]:
    nothing = np.zeros(corpus.num_rows, bool)
    words = {"text": "transcript", "audio": "sound", "video": "pictures"}
    flags = {words[name]: is_there(corpus.whole, name) if corpus.has(name) else nothing for name in INPUTS}
    for modality, labels in corpus.labels.items():
        name = f"{modality} label" if len(corpus.labels) > 1 else "label"
        flags[name] = labels.ids != NO_LABEL
    times = nothing
    if corpus.has("start_seconds") and corpus.has("end_seconds"):
        valid = [column(corpus.whole, name).is_valid() for name in ("start_seconds", "end_seconds")]
        times = np.asarray(valid[0].combine_chunks(), bool) & np.asarray(valid[1].combine_chunks(), bool)
    return {**flags, "times": times}

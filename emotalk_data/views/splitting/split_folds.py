"""From the split of each row to a fold of a split file, with its counts and with what its splits share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from emotalk_data.schemas.split_file import Fold, SplitCounts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.views.splitting.split_rows import Coded, SplitRows

__all__ = ["fold_of"]

_SHOWN: Final = 3
_MAX_CHARS: Final = 100  # of a name: a note has a limit


def fold_of(
    rows: SplitRows,
    name: str,
    assigned: NDArray[np.int64],
    asked: Mapping[str, float | None],
    labels: Coded | None,
) -> Fold:
    """Return a fold.

    Args:
        rows: the corpus.
        name: of the fold.
        assigned: int64, shape (rows,): the split of each row as a position in `asked`, -1 for none. The rows of
            a dialogue are in one.
        asked: the share of each split that was asked for, None where none was.
        labels: of each row, -1 for none; counted by split.
    """
    splits, made_of = {}, {}
    for code, (split, share) in enumerate(asked.items()):
        inside = assigned == code
        splits[split] = rows.dialogues.named(rows.dialogues.codes[inside])
        made_of[split] = SplitCounts(
            dialogues=len(splits[split]),
            utterances=int(inside.sum()),
            asked=share,
            labels={} if labels is None else _count(labels, inside),
        )
    left_out = rows.dialogues.named(rows.dialogues.codes[assigned < 0])
    notes = tuple(_notes(rows, assigned, list(asked)))
    return Fold(name=name, splits=splits, left_out=left_out, made_of=made_of, notes=notes)


def _count(labels: Coded, inside: NDArray[np.bool_]) -> dict[str, int]:
    ids = labels.codes[inside]
    counts = np.bincount(ids[ids >= 0], minlength=len(labels.names)).tolist()
    return dict(zip(labels.names, counts, strict=True))


def _notes(rows: SplitRows, assigned: NDArray[np.int64], splits: list[str]) -> Iterator[str]:
    """Say which speakers, and which groups or series, two splits share, and what was left out."""
    for first, second in combinations(range(len(splits)), 2):
        told = []
        for noun, coded in (("speaker", rows.people), (rows.group_word, rows.groups)):
            shared = np.intersect1d(coded.codes[assigned == first], coded.codes[assigned == second])
            if len(shared):
                told.append(_listed(noun, coded.named(shared)))
        if told:
            yield f"{splits[first]} and {splits[second]} share {' and '.join(told)}"
    num_left = int((assigned < 0).sum())
    if num_left:
        groups = rows.groups.named(rows.groups.codes[assigned < 0])
        yield f"left out: {num_left:,} utterances of {_listed(rows.group_word, groups)}"


def _listed(noun: str, names: tuple[str, ...]) -> str:
    """Return "2 speakers (02, 13)"."""
    nouns = noun if len(names) == 1 or noun == "series" else f"{noun}s"
    more = ", …" if len(names) > _SHOWN else ""
    shown = [one if len(one) <= _MAX_CHARS else f"{one[:_MAX_CHARS]}…" for one in names[:_SHOWN]]
    return f"{len(names)} {nouns} ({', '.join(shown)}{more})"

"""How a split file prints itself: what each split was asked to be, and what it became."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from emotalk_data.errors import printable
from emotalk_data.schemas.text_table import text_table

if TYPE_CHECKING:
    from emotalk_data.schemas.split_file import Fold, SplitCounts, SplitFile

__all__ = ["split_file_text"]

_MAX_NAME: Final = 30
_MAX_NOTES: Final = 20


def split_file_text(splits: SplitFile) -> str:
    """Return a title, the digest, a line for each split of each fold, and the first notes of the folds.

    The label shift is the total variation distance between the labels of a split and those of its fold: 0 is
    the same mixture, 1 nothing in common.
    """
    title = f"splits of {splits.corpus}" + (f": {printable(splits.name)}" if splits.name else "")
    folds = "1 fold" if len(splits.folds) == 1 else f"{len(splits.folds)} folds"
    ids = "dialogues" if splits.level == "dialogue" else "ids"
    columns = ["fold", "split", ids, "utterances", "share", "asked", "label shift"]
    rows = [row for number, fold in enumerate(splits.folds) for row in _rows(number, fold)]
    lines = [title, f"{splits.digest}, by {splits.level}, {folds}", ""]
    lines.append(text_table(columns, rows, left=(0, 1)))
    notes = [(number, note) for number, fold in enumerate(splits.folds) for note in fold.notes]
    lines += [f"fold {number}: {printable(note)}" for number, note in notes[:_MAX_NOTES]]
    if len(notes) > _MAX_NOTES:
        lines.append(f"{len(notes) - _MAX_NOTES:,} more notes: folds[…].notes")
    return "\n".join(lines)


def _rows(number: int, fold: Fold) -> Iterator[list[str]]:
    total = sum(counts.utterances for counts in fold.made_of.values())
    for name, ids in fold.splits.items():
        counts = fold.made_of.get(name)
        told = ["", "", "", ""] if counts is None else _told(counts, fold, total)
        yield [f"{number} {printable(fold.name)[:_MAX_NAME]}".rstrip(), name, f"{len(ids):,}", *told]
    if fold.left_out:
        yield ["", "(left out)", f"{len(fold.left_out):,}", "", "", "", ""]


def _told(counts: SplitCounts, fold: Fold, total: int) -> list[str]:
    """Return utterances, share, asked share, and how far the labels are from those of the whole fold."""
    asked = "" if counts.asked is None else f"{counts.asked:.1%}"
    whole: dict[str, int] = {}
    for other in fold.made_of.values():
        for label, number in other.labels.items():
            whole[label] = whole.get(label, 0) + number
    num, num_whole = sum(counts.labels.values()), sum(whole.values())
    shift = ""
    if num:
        parts = (abs(counts.labels.get(label, 0) / num - n / num_whole) for label, n in whole.items())
        shift = f"{sum(parts) / 2:.3f}"
    share = f"{counts.utterances / total:.1%}" if total else ""
    return [f"{counts.utterances:,}", share, asked, shift]

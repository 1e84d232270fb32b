"""How emotions change and stay: from turn to turn, and inside turns.

Shift and inertia as M3ED's paper reports them. `published` counts as the authors' script does, `clean` as the
words say; docs/views/emotion-shift.md tells them apart on a small dialogue.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import datasets
import numpy as np

from emotalk_data.schemas.text_table import ShownAsText
from emotalk_data.views.columns import NO_LABEL, choose, label_ids
from emotalk_data.views.conversation.dialogue_order import class_names, dialogue_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Counting", "EmotionShift", "emotion_shift"]

Counting = Literal["clean", "published"]
Pairs = Counter[tuple[str, str]]


@dataclass(frozen=True)
class EmotionShift(ShownAsText):
    """Pairs of emotions that follow each other. Each Counter is keyed (emotion before, emotion after).

    Attributes:
        counting: `clean` or `published`.
        column: the column of labels that was compared.
        names: its classes, in the order of their ids.
        num_dialogues: dialogues of the dataset.
        num_turns: maximal runs of one speaker in a dialogue.
        num_utterances: rows of the dataset.
        inter_shift: first utterances of consecutive turns, where they differ.
        inter_inertia: the same, where they are equal.
        intra_shift: consecutive utterances inside a turn, where they differ.
        intra_inertia: the same, where they are equal.
        inter_unlabelled: pairs between turns in which a label is null: neither shift nor inertia.
        intra_unlabelled: such pairs inside turns.
    """

    counting: Counting
    column: str
    names: tuple[str, ...]
    num_dialogues: int
    num_turns: int
    num_utterances: int
    inter_shift: Pairs
    inter_inertia: Pairs
    intra_shift: Pairs
    intra_inertia: Pairs
    inter_unlabelled: int
    intra_unlabelled: int

    @property
    def totals(self) -> dict[str, int]:
        """The sums of the four Counters, by name."""
        counters = ("inter_shift", "inter_inertia", "intra_shift", "intra_inertia")
        return {name: getattr(self, name).total() for name in counters}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can write it: Counters as {before: {after: count}}."""
        values = {
            name: _nested(value) if isinstance(value, Counter) else value
            for name, value in vars(self).items()
        }
        return {**values, "names": list(self.names), "totals": self.totals}

    def __str__(self) -> str:
        totals = self.totals
        lines = [
            f"{self.column}, {self.counting} counting: {self.num_dialogues:,} dialogues, "
            f"{self.num_turns:,} turns, {self.num_utterances:,} utterances",
            f"{'':16}{'shift':>10}{'inertia':>10}{'unlabelled':>12}",
        ]
        for title, kind in (("between turns", "inter"), ("inside turns", "intra")):
            shift, inertia = totals[f"{kind}_shift"], totals[f"{kind}_inertia"]
            unlabelled = getattr(self, f"{kind}_unlabelled")
            lines.append(f"{title:16}{shift:>10,}{inertia:>10,}{unlabelled:>12,}")
        lines += self._matrix("between turns", self.inter_shift + self.inter_inertia)
        lines += self._matrix("inside turns", self.intra_shift + self.intra_inertia)
        return "\n".join(lines)

    def _matrix(self, title: str, pairs: Pairs) -> list[str]:
        """Write counts as a table."""
        width = max(7, *(len(name) for name in self.names)) + 1
        head = f"{'':12}" + "".join(f"{name:>{width}}" for name in self.names)
        rows = [
            f"{before:12}" + "".join(f"{pairs[before, after]:>{width},}" for after in self.names)
            for before in self.names
        ]
        return [f"{title}, from the emotion at the left to the one above:", head, *rows]


def emotion_shift(
    dataset: datasets.Dataset, *, counting: Counting = "clean", column: str = "emotion"
) -> EmotionShift:
    """Count how emotions shift and stay, between turns and inside them.

    Between turns, the first utterance of a turn is compared with the first utterance of the turn before, so
    shift + inertia + unlabelled is the number of turns less the number of dialogues. Inside a turn, each
    utterance is compared with the one before it.

    `published` differs inside turns only, and gives what M3ED's authors published (their code): the last turn of
    each dialogue is not counted, and a turn that follows one of several utterances begins with the last emotion
    of that turn in place of its own first one, because the loop over a turn writes over the variable that holds
    the utterance after it.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it, in any order.
        counting: `clean`, or `published` to compare with the paper.
        column: the labels to compare: a ClassLabel.

    Raises:
        OptionError: an unknown counting, a column that is missing or no ClassLabel, a null id, number or
            speaker, or two utterances of one dialogue with the same number.
    """
    choose("counting", counting, ("clean", "published"))
    names = class_names(dataset, column)
    order = dialogue_order(dataset)
    starts = order.turn_starts()
    emotions = label_ids(dataset, column)[order.rows]
    begins_dialogue = np.isin(starts, order.starts)
    inter = _count(names, emotions[starts[:-1]], emotions[starts[1:]], ~begins_dialogue[1:])
    intra = _inside_turns(starts, begins_dialogue, emotions, names, counting)
    return EmotionShift(
        counting=counting,
        column=column,
        names=names,
        num_dialogues=len(order.starts),
        num_turns=len(starts),
        num_utterances=dataset.num_rows,
        inter_shift=inter[0],
        inter_inertia=inter[1],
        intra_shift=intra[0],
        intra_inertia=intra[1],
        inter_unlabelled=inter[2],
        intra_unlabelled=intra[2],
    )


def _inside_turns(
    starts: NDArray[np.int64],
    begins_dialogue: NDArray[np.bool_],
    emotions: NDArray[np.int64],
    names: tuple[str, ...],
    counting: Counting,
) -> tuple[Pairs, Pairs, int]:
    """Count the pairs inside turns; `emotions` and `starts` are by place."""
    lengths = np.diff(starts, append=len(emotions))
    counted = np.ones(len(starts), bool)
    seen = emotions.copy()
    if counting == "published":
        counted = ~np.append(begins_dialogue, True)[1:]  # not the last turn of a dialogue
        # The turn before has several utterances: the emotion the loop leaves behind is that of its last one.
        late = starts[1:][~begins_dialogue[1:] & (lengths[:-1] > 1)]
        seen[late] = emotions[late - 1]
    inside = np.repeat(counted, lengths)
    inside[starts] = False  # the first utterance of a turn has none before it
    return _count(names, seen[:-1], seen[1:], inside[1:])


def _count(
    names: tuple[str, ...],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    keep: NDArray[np.bool_],
) -> tuple[Pairs, Pairs, int]:
    """Count the kept pairs: those that differ, those that are equal, and how many have a null."""
    before, after = before[keep], after[keep]
    labelled = (before != NO_LABEL) & (after != NO_LABEL)
    codes = before[labelled] * len(names) + after[labelled]
    table = np.bincount(codes, minlength=len(names) ** 2).reshape(len(names), len(names))
    pairs = {
        (names[i], names[j]): int(table[i, j]) for i, j in zip(*map(list, np.nonzero(table)), strict=True)
    }
    shift: Pairs = Counter({pair: count for pair, count in pairs.items() if pair[0] != pair[1]})
    inertia: Pairs = Counter({pair: count for pair, count in pairs.items() if pair[0] == pair[1]})
    return shift, inertia, int((~labelled).sum())


def _nested(pairs: Pairs) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (before, after), count in pairs.items():
        table.setdefault(before, {})[after] = count
    return table

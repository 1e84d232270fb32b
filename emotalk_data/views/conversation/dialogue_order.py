"""Rows in the order in which they were spoken: dialogue by dialogue, by the number of the utterance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.errors import OptionError, quote
from emotalk_data.views.columns import NO_LABEL, check_dataset, column, strings

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DialogueOrder", "class_names", "dialogue_order"]

_NOBODY = NO_LABEL


@dataclass(frozen=True)
class DialogueOrder:
    """The rows of a dataset, one dialogue after another. A *place* is a position in that order.

    Dialogues are sorted by their ids, numbers in them as numbers (`anjia_2` before `anjia_10`), so the order of
    the dataset's rows makes no difference.

    Attributes:
        rows: int64, shape (rows,): the row of the dataset at each place.
        starts: int64, shape (dialogues,): the place of each dialogue's first utterance.
        dialogue_ids: in the order of `starts`.
        speakers: int64, shape (rows,): a number for each `speaker_id`, by place; -1 where it is null. In M3ED
            the same letter is another person in the next dialogue.
        utterance_ids: by row of the dataset, not by place: what messages name.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    dialogue_ids: tuple[str, ...]
    speakers: NDArray[np.int64]
    utterance_ids: pa.ChunkedArray

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of utterances of each dialogue, shape (dialogues,)."""
        return np.diff(self.starts, append=len(self.rows))

    @property
    def dialogues(self) -> NDArray[np.int64]:
        """Index of the dialogue at each place, shape (rows,)."""
        return np.repeat(np.arange(len(self.starts)), self.lengths)

    def turn_starts(self) -> NDArray[np.int64]:
        """Return the place of the first utterance of each turn, shape (turns,).

        A turn is a maximal run of one speaker's utterances in a dialogue.

        Raises:
            OptionError: a speaker is null, so it is not known where turns end.
        """
        self.check_speakers()
        return self._changes()

    def num_turns(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the number of turns of each dialogue, and a flag where a null speaker leaves it unknown."""
        turns = np.searchsorted(self._changes(), np.append(self.starts, len(self.rows)))
        unknown = np.zeros(len(self.starts), bool)
        unknown[self.dialogues[self.speakers == _NOBODY]] = True
        return np.diff(turns), unknown

    def check_speakers(self) -> None:
        """Refuse rows whose speaker is null.

        Raises:
            OptionError: names the first of them.
        """
        nobody = self.rows[self.speakers == _NOBODY]
        if len(nobody):
            row = int(nobody.min())
            raise OptionError(
                f"speaker_id is null in {len(nobody)} rows, the first is row {row}, utterance_id "
                f"{quote(self.utterance_ids[row].as_py())}; expected to know who speaks. Leave out the dialogues "
                "of these rows, or mend the release."
            )

    def _changes(self) -> NDArray[np.int64]:
        begins = np.ones(len(self.rows), bool)
        begins[1:] = self.speakers[1:] != self.speakers[:-1]
        begins[self.starts] = True
        return np.flatnonzero(begins)


def dialogue_order(dataset: datasets.Dataset) -> DialogueOrder:
    """Return the order in which the rows of a dataset were spoken.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it.

    Raises:
        OptionError: an id or a number is null or of another type, or two utterances of one dialogue have the
            same number.
    """
    check_dataset(dataset, ["utterance_id", "dialogue_id", "speaker_id", "utterance_number"])
    _check_type(dataset, "dialogue_id", "texts", (pa.types.is_string, pa.types.is_large_string))
    _check_type(dataset, "utterance_number", "whole numbers", (pa.types.is_integer,))
    ids, codes = _sorted_codes(strings(dataset, "dialogue_id"))
    numbers = column(dataset, "utterance_number")
    utterance_ids = column(dataset, "utterance_id")
    if numbers.null_count:
        row = pc.index(pc.is_null(numbers), True).as_py()
        raise OptionError(f"utterance_number is null in row {row}; expected a number in every row.")
    by_row = np.asarray(numbers.cast(pa.int64()), np.int64)
    rows = np.lexsort([by_row, codes])
    codes, by_place = codes[rows], by_row[rows]
    same = np.flatnonzero((codes[1:] == codes[:-1]) & (by_place[1:] == by_place[:-1]))
    if len(same):
        first, second = (quote(utterance_ids[int(rows[place])].as_py()) for place in (same[0], same[0] + 1))
        raise OptionError(
            f"utterances {first} and {second} both have number {by_place[same[0]]} in dialogue "
            f"{quote(ids[codes[same[0]]])}; expected each number once, or their order is not known. "
            "Was a row selected twice?"
        )
    speakers = pc.fill_null(pc.index_in(column(dataset, "speaker_id"), _distinct(dataset)), _NOBODY)
    return DialogueOrder(
        rows=rows,
        starts=np.searchsorted(codes, np.arange(len(ids))),
        dialogue_ids=ids,
        speakers=np.asarray(speakers, np.int64)[rows],
        utterance_ids=utterance_ids,
    )


def class_names(dataset: datasets.Dataset, name: str) -> tuple[str, ...]:
    """Return the classes of a column of labels, in the order of their ids.

    Raises:
        OptionError: no such column, or it is no ClassLabel.
    """
    check_dataset(dataset, [name])
    feature = dataset.features[name]
    if not isinstance(feature, datasets.ClassLabel):
        labels = [key for key, of in dataset.features.items() if isinstance(of, datasets.ClassLabel)]
        raise OptionError(f"column {name!r} is {quote(feature)}; expected one with a label a row: {labels}.")
    return tuple(feature.names)


def _check_type(
    dataset: datasets.Dataset, name: str, expected: str, kinds: tuple[Callable[[pa.DataType], bool], ...]
) -> None:
    stored = dataset.data.table.schema.field(name).type
    if not any(is_kind(stored) for is_kind in kinds):
        raise OptionError(f"{name} is a column of {stored}; expected {expected}, as load_dataset gives them.")


def _sorted_codes(ids: list[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the distinct ids in their order, and the position of each row's id in it."""
    distinct = sorted(set(ids), key=_natural)
    places = {one: place for place, one in enumerate(distinct)}
    return tuple(distinct), np.fromiter((places[one] for one in ids), np.int64, len(ids))


def _natural(dialogue_id: str) -> tuple[str, int, str]:
    """Sort by what stands before the last `_`, then by the number behind it, where there is one."""
    head, _, tail = dialogue_id.rpartition("_")
    number = int(tail) if tail.isascii() and tail.isdigit() else -1
    return head, number, dialogue_id


def _distinct(dataset: datasets.Dataset) -> pa.Array:
    return pc.drop_null(pc.unique(column(dataset, "speaker_id")))

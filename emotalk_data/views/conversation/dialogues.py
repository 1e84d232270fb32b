"""Conversations and turns as rows: which utterances each has, who speaks, and with what emotion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import datasets
import numpy as np
import pyarrow as pa
from datasets.fingerprint import update_fingerprint

from emotalk_data.views.columns import column
from emotalk_data.views.conversation.dialogue_order import class_names, dialogue_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["dialogues", "turns"]

_STRING = datasets.Value("string")
_NUMBER = datasets.Value("int32")
_WHOLES = ("group_id", "series")
"""What a dialogue is a part of: EmotionTalk's pair of actors, M3ED's series."""


def dialogues(dataset: datasets.Dataset, *, column: str = "emotion") -> datasets.Dataset:
    """Return one row a dialogue.

    `dataset.select(dialogues(dataset)[0]["rows"])` is the first dialogue, utterance after utterance.

    A dialogue is what is there of it: of a dataset with rows left out, the rows that remain. Two turns of one
    speaker are one turn when everything between them was left out.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it, in any order.
        column: the labels that become `emotions`: a ClassLabel.

    Returns:
        sorted by `dialogue_id` (`anjia_2` before `anjia_10`), with the columns

        - `dialogue_id`, and `group_id` or `series` where the dataset has it;
        - `utterance_ids`, `rows` (numbers of rows of `dataset`), `speaker_ids`, `emotions`: lists in the order
          in which the utterances were spoken, null where a value is null;
        - `num_utterances`, `num_turns` (null where a speaker of the dialogue is null).

    Raises:
        OptionError: a column is missing, `column` is no ClassLabel, an id or number is null, or two utterances
            of one dialogue have the same number.
    """
    class_names(dataset, column)
    order = dialogue_order(dataset)
    num_turns, unknown = order.num_turns()
    first = order.rows[order.starts]
    columns: dict[str, tuple[Any, pa.Array]] = {"dialogue_id": (_STRING, pa.array(order.dialogue_ids))}
    for name in _WHOLES:
        if name in dataset.column_names:
            columns[name] = (dataset.features[name], _taken(dataset, name, first))
    columns |= _lists(dataset, order.rows, order.starts, column)
    columns["num_utterances"] = (_NUMBER, pa.array(order.lengths))
    columns["num_turns"] = (_NUMBER, pa.array(num_turns, mask=unknown))
    return _table(dataset, "dialogues", column, columns)


def turns(dataset: datasets.Dataset, *, column: str = "emotion") -> datasets.Dataset:
    """Return one row a turn: a maximal run of one speaker's utterances in a dialogue.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it, in any order.
        column: the labels that become `emotions`: a ClassLabel.

    Returns:
        sorted by dialogue and time, with the columns `turn_id` (`<dialogue_id>#<turn_number>`), `dialogue_id`,
        `turn_number` (from 1 in each dialogue), `speaker_id`, the lists `utterance_ids`, `rows` and `emotions`
        as in `dialogues`, and `num_utterances`.

    Raises:
        OptionError: as for `dialogues`; and a speaker is null, so it is not known where turns end.
    """
    class_names(dataset, column)
    order = dialogue_order(dataset)
    starts = order.turn_starts()
    of_dialogue = order.dialogues[starts]
    first_turns = np.searchsorted(starts, order.starts)
    numbers = np.arange(len(starts)) - first_turns[of_dialogue] + 1
    ids = [order.dialogue_ids[index] for index in of_dialogue]
    lists = _lists(dataset, order.rows, starts, column)
    del lists["speaker_ids"]
    columns: dict[str, tuple[Any, pa.Array]] = {
        "turn_id": (_STRING, pa.array([f"{one}#{n}" for one, n in zip(ids, numbers, strict=True)])),
        "dialogue_id": (_STRING, pa.array(ids)),
        "turn_number": (_NUMBER, pa.array(numbers)),
        "speaker_id": (_STRING, _taken(dataset, "speaker_id", order.rows[starts])),
        **lists,
        "num_utterances": (_NUMBER, pa.array(np.diff(starts, append=len(order.rows)))),
    }
    return _table(dataset, "turns", column, columns)


def _lists(
    dataset: datasets.Dataset, rows: NDArray[np.int64], starts: NDArray[np.int64], labels: str
) -> dict[str, tuple[Any, pa.Array]]:
    """Cut the rows, in the order in which they were spoken, into a list for each start."""
    offsets = pa.array(np.append(starts, len(rows)), pa.int32())
    values = {
        "utterance_ids": (_STRING, _taken(dataset, "utterance_id", rows)),
        "rows": (datasets.Value("int64"), pa.array(rows, pa.int64())),
        "speaker_ids": (_STRING, _taken(dataset, "speaker_id", rows)),
        "emotions": (dataset.features[labels], _taken(dataset, labels, rows)),
    }
    return {
        name: (datasets.List(feature), pa.ListArray.from_arrays(offsets, array))
        for name, (feature, array) in values.items()
    }


def _taken(dataset: datasets.Dataset, name: str, rows: NDArray[np.int64]) -> pa.Array:
    stored = column(dataset, name)
    return pa.concat_arrays([pa.array([], stored.type), *stored.take(pa.array(rows, pa.int64())).chunks])


def _table(
    dataset: datasets.Dataset, view: str, labels: str, columns: dict[str, tuple[Any, pa.Array]]
) -> datasets.Dataset:
    features = datasets.Features({name: feature for name, (feature, _) in columns.items()})
    schema = features.arrow_schema
    arrays = [array.cast(schema.field(name).type) for name, (_, array) in columns.items()]
    return datasets.Dataset(
        datasets.table.InMemoryTable(pa.Table.from_arrays(arrays, schema=schema)),
        info=datasets.DatasetInfo(features=features),
        split=dataset.split,
        fingerprint=update_fingerprint(
            dataset._fingerprint, f"emotalk_data.views.{view}", {"column": labels}
        ),
    )

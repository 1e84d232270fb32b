"""What was said around an utterance, for recognition (ERC) and prediction (EPC) of emotions in conversations."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final, NamedTuple

import datasets
import numpy as np
import pyarrow as pa

from emotalk_data.builder.side_columns import NewColumn, keep_rows, with_columns
from emotalk_data.errors import OptionError, quote
from emotalk_data.views.columns import check_dataset, column
from emotalk_data.views.conversation.dialogue_order import DialogueOrder, dialogue_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["INPUT_COLUMNS", "KNOWN_COLUMNS", "context", "prediction_context"]

KNOWN_COLUMNS: Final = (
    "utterance_id",
    "dialogue_id",
    "group_id",
    "session_id",
    "series",
    "speaker_id",
    "speaker_name",
    "age",
    "gender",
    "utterance_number",
)
"""What is known of an utterance before it is said: whose it is and where it stands."""

INPUT_COLUMNS: Final = (
    "modalities",
    "text",
    "text_raw",
    "events",
    "annotations",
    "captions",
    "start_seconds",
    "end_seconds",
    "episode",
    "episode_start_seconds",
    "episode_end_seconds",
    "audio",
    "video",
)
"""What is known of an utterance once it is said, and is no label. Times too: a length tells of the words."""

_CONTEXT: Final = ("context_rows", "context_ids", "context_position")


def context(
    dataset: datasets.Dataset, *, past: int | None, future: int | None = 0, same_speaker: bool | None = None
) -> datasets.Dataset:
    """Return the dataset with the utterances around each of its own, of the same dialogue, in spoken order.

    The rows stay as they are. These columns are added:

    - `context_rows`: numbers of rows of `dataset`, which are those of the result too. The utterance itself is not
      among them. If you select, shuffle or filter afterwards, they still are rows of the dataset they were made
      from: keep that one to look them up.
    - `context_ids`: the `utterance_id` of each of them.
    - `context_position`: how many of them are before the utterance; the others come after it.

    A dialogue is what is there of it: of a dataset with rows left out, the rows that remain.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it, in any order.
        past: how many utterances before each; None for all of the dialogue.
        future: how many after it, likewise.
        same_speaker: True for utterances of its own speaker only, False for those of the others only. `past` and
            `future` count what is left then.

    Raises:
        OptionError: a number that cannot be, a column is missing, an id or number is null, two utterances of one
            dialogue with the same number; with `same_speaker`, also a null speaker.
    """
    past, future = _number("past", past), _number("future", future)
    if same_speaker is not None and not isinstance(same_speaker, bool):
        raise OptionError(f"same_speaker is {quote(same_speaker)}; expected None, True or False.")
    order = dialogue_order(dataset)
    if same_speaker is not None:
        order.check_speakers()
    windows = _windows(_candidates(order, same_speaker), past, future)
    offsets = pa.array(np.append(0, np.cumsum(windows.lengths)), pa.int64())
    rows = pa.array(order.rows[windows.places], pa.int64())
    ids = order.utterance_ids.take(rows)
    lists = {
        "context_rows": (rows, datasets.Value("int64")),
        "context_ids": (pa.concat_arrays([pa.array([], ids.type), *ids.chunks]), datasets.Value("string")),
    }
    place_of_row = pa.array(np.argsort(order.rows), pa.int64())
    columns = {
        name: NewColumn(
            pa.LargeListArray.from_arrays(offsets, values).take(place_of_row), datasets.List(feature)
        )
        for name, (values, feature) in lists.items()
    }
    position = pa.array(windows.num_past, pa.int32()).take(place_of_row)
    columns["context_position"] = NewColumn(position, datasets.Value("int32"))
    return with_columns(dataset, columns)


def prediction_context(
    dataset: datasets.Dataset, *, past: int | None, column: str = "emotion", min_past: int = 0
) -> datasets.Dataset:
    """Return targets for predicting the emotion of an utterance from what was said before it.

    Of the utterance itself there is its label (`column`) and what is known before it is said: who speaks, and its
    place in the dialogue (`KNOWN_COLUMNS`). Its words, sound, pictures, times and other labels are not in the
    result. `context_rows`, `context_ids` and `context_position` are those of `context(dataset, past=past)`:
    rows of **`dataset`**, which is where the earlier utterances are read.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it, in any order.
        past: how many utterances before each; None for all of the dialogue.
        column: the label to predict.
        min_past: leave out utterances with fewer before them; 1 leaves out the first of each dialogue, whose
            context is empty.

    Raises:
        OptionError: as for `context`; `column` is no label; `min_past` is more than `past`.
    """
    check_dataset(dataset, [column])
    if column in KNOWN_COLUMNS + INPUT_COLUMNS + _CONTEXT:
        raise OptionError(
            f"column is {column!r}, which is no label; expected one to predict, such as 'emotion'."
        )
    least, most = _number("min_past", min_past), _number("past", past)
    if least is None or (most is not None and least > most):
        raise OptionError(f"min_past is {min_past!r}; expected a number from 0 to past, which is {past!r}.")
    around = context(dataset, past=past)
    kept = {*KNOWN_COLUMNS, *_CONTEXT, column}
    form = around.format
    targets = around.select_columns([name for name in around.column_names if name in kept])
    # A choice of shown columns may name some that are gone: all that are left are shown.
    targets = targets.with_format(form["type"], **form["format_kwargs"])
    return keep_rows(targets, _num_past(targets) >= least)


def _num_past(dataset: datasets.Dataset) -> NDArray[np.int64]:
    return np.asarray(column(dataset, "context_position"), np.int64)


class _Candidates(NamedTuple):
    """Sorted lists of places, one a lane, laid end to end: the places that a target may take its context from.

    Attributes:
        keys: int64, shape (candidates,): lane * num_places + place, sorted.
        lanes: int64, shape (places,): the lane of the target at each place.
    """

    keys: NDArray[np.int64]
    lanes: NDArray[np.int64]


class _Windows(NamedTuple):
    """The context of the target at each place.

    Attributes:
        places: int64, shape (all lengths together,): the places of each context, one context after another.
        lengths: int64, shape (places,): how many of them each has.
        num_past: int64, shape (places,): how many of those are before the target.
    """

    places: NDArray[np.int64]
    lengths: NDArray[np.int64]
    num_past: NDArray[np.int64]


def _candidates(order: DialogueOrder, same_speaker: bool | None) -> _Candidates:
    num = len(order.rows)
    places, of_dialogue = np.arange(num), order.dialogues
    if same_speaker is None:
        return _Candidates(of_dialogue * num + places, of_dialogue)
    # A lane for each speaker of each dialogue; those of one dialogue follow each other.
    pairs = of_dialogue * (order.speakers.max(initial=0) + 1) + order.speakers
    distinct, lanes = np.unique(pairs, return_inverse=True)
    if same_speaker:
        return _Candidates(np.sort(lanes * num + places), lanes)
    dialogue_of_lane = distinct // (order.speakers.max(initial=0) + 1)
    first_lane = np.searchsorted(dialogue_of_lane, np.arange(len(order.starts)))
    num_lanes = np.diff(first_lane, append=len(distinct))[of_dialogue]
    every = np.repeat(places, num_lanes)
    lane = _ranges(first_lane[of_dialogue], num_lanes)
    others = lane != lanes[every]
    return _Candidates(np.sort(lane[others] * num + every[others]), lanes)


def _windows(candidates: _Candidates, past: int | None, future: int | None) -> _Windows:
    keys, lanes = candidates
    num = len(lanes)
    targets = lanes * num + np.arange(num)
    first, end = np.searchsorted(keys, lanes * num), np.searchsorted(keys, (lanes + 1) * num)
    before, after = np.searchsorted(keys, targets, "left"), np.searchsorted(keys, targets, "right")
    begins = first if past is None else np.maximum(first, before - min(past, num))
    ends = end if future is None else np.minimum(end, after + min(future, num))
    num_past, num_future = before - begins, ends - after
    # Two ranges a target, one after the other: what is before it, and what is after it.
    starts = np.stack([begins, after], axis=1).ravel()
    lengths = np.stack([num_past, num_future], axis=1).ravel()
    return _Windows(keys[_ranges(starts, lengths)] % max(num, 1), num_past + num_future, num_past)


def _ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return start, start + 1, … of each range, one range after another."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(lengths.sum())


def _number(name: str, value: int | None) -> int | None:
    """Check a number of utterances; None stays."""
    try:
        number = None if value is None else operator.index(value)
    except TypeError:
        number = -1
    if isinstance(value, bool) or (number is not None and number < 0):
        raise OptionError(f"{name} is {quote(value)}; expected 0, 1, 2, … utterances, or None for all.")
    return number

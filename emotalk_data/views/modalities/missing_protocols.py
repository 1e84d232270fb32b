"""Which cells a protocol loses. A cell is one modality of one utterance that is there in the data.

Every cell has a number, 64 bits of blake2b of (protocol, seed, utterance or dialogue id, modality), and
protocols lose the cells of the lowest numbers. So a pattern is the same on every machine and for every order of
rows, and what is lost at a rate is lost at a higher one too (`per_modality` with `keep_one` aside: it exchanges).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np

from emotalk_data.errors import OptionError
from emotalk_data.views.modalities.missing_file import MissingParameters, Protocol
from emotalk_data.views.modalities.presence import INPUTS, Input

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Utterances", "lose"]

_PERSON: Final = b"emotalk-missing"


@dataclass(frozen=True)
class Utterances:
    """What a protocol draws from.

    Attributes:
        ids: the utterance ids, sorted.
        present: bool (utterances, 3), which modalities are there in the data.
        dialogue_ids: the ids of the dialogues, sorted; empty where no protocol needs them.
        dialogues: int64 (utterances,), place in `dialogue_ids`.
        numbers: int64 (utterances,), position in the dialogue; gaps are normal.
    """

    ids: tuple[str, ...]
    present: NDArray[np.bool_]
    dialogue_ids: tuple[str, ...]
    dialogues: NDArray[np.int64]
    numbers: NDArray[np.int64]


def lose(
    protocol: Protocol, parameters: MissingParameters, seed: int, utterances: Utterances
) -> NDArray[np.bool_]:
    """Return which cells go missing, bool (utterances, 3); only cells that are there.

    Raises:
        OptionError: the rate cannot be reached, or a modality that was named is nowhere there.
    """
    if protocol == "only":
        return _all_but(utterances, parameters)
    named = list(parameters.rates or parameters.modalities or ())
    may_lose = np.array([name in named for name in INPUTS])
    _check_there(utterances.present, named)
    by_dialogue = protocol == "dialogue"
    draws = _draws(protocol, seed, utterances.dialogue_ids if by_dialogue else utterances.ids)
    if protocol == "per_modality":
        return _lose_each(utterances.present, draws, parameters)
    if protocol == "block":
        return _lose_blocks(utterances, draws, may_lose, parameters)
    units = utterances.dialogues if by_dialogue else np.arange(len(utterances.ids))
    return _lose_units(utterances.present, units, draws, may_lose, parameters)


def _draws(protocol: Protocol, seed: int, ids: tuple[str, ...]) -> NDArray[np.uint64]:
    """Return a number for each id and modality, shape (ids, 3)."""
    start = blake2b(f"{protocol}\0{seed}\0".encode(), digest_size=8 * len(INPUTS), person=_PERSON)
    digests = bytearray()
    for name in ids:
        one = start.copy()
        one.update(name.encode())
        digests += one.digest()
    return np.frombuffer(bytes(digests), ">u8").astype(np.uint64).reshape(-1, len(INPUTS))


def _check_there(present: NDArray[np.bool_], named: list[Input]) -> None:
    there = [name for number, name in enumerate(INPUTS) if present[:, number].any()]
    absent = [name for name in named if name not in there]
    if absent or not named:
        raise OptionError(
            f"no utterance has {' or '.join(absent or INPUTS)}, so it cannot go missing. "
            f"Load the release with it, or name only modalities that are there: {there}."
        )


def _all_but(utterances: Utterances, parameters: MissingParameters) -> NDArray[np.bool_]:
    stays = np.array([name in (parameters.only or ()) for name in INPUTS])
    left = utterances.present & stays
    emptied = utterances.present.any(axis=1) & ~left.any(axis=1)
    if parameters.keep_one and emptied.any():
        first = utterances.ids[int(np.flatnonzero(emptied)[0])]
        raise OptionError(
            f"{int(emptied.sum()):,} of {len(emptied):,} utterances have none of {parameters.only} in the data, "
            f"the first is {first}: nothing would be left. Leave them out (`presence` finds them), or give "
            f"keep_one=False."
        )
    missing: NDArray[np.bool_] = utterances.present & ~stays
    return missing


def _lose_units(
    present: NDArray[np.bool_],
    units: NDArray[np.int64],
    draws: NDArray[np.uint64],
    may_lose: NDArray[np.bool_],
    parameters: MissingParameters,
) -> NDArray[np.bool_]:
    """Lose modalities of whole units: utterances, or dialogues."""
    cells = np.stack([np.bincount(units, there, len(draws)) > 0 for there in present.T], axis=1) & may_lose
    can_go = _spared(present, units, draws, cells) if parameters.keep_one else cells
    count = _count(parameters.rate, int(cells.sum()), int(can_go.sum()))
    places = np.flatnonzero(can_go)
    lost = np.zeros(cells.size, np.bool_)
    lost[places[np.argsort(draws.ravel()[places], kind="stable")[:count]]] = True
    return present & lost.reshape(cells.shape)[units]


def _spared(
    present: NDArray[np.bool_], units: NDArray[np.int64], draws: NDArray[np.uint64], cells: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which cells of units can go, lowest numbers first, so that no utterance is left with nothing."""
    can_go = np.zeros_like(cells)
    left, has_any = present.copy(), present.any(axis=1)
    every_unit, every_row = np.arange(len(cells)), np.arange(len(present))
    for modality in np.argsort(draws, axis=1, kind="stable").T:
        of_row = modality[units]
        after = left.copy()
        after[every_row, of_row] = False
        emptied = np.bincount(units, has_any & ~after.any(axis=1), len(cells)) > 0
        goes = cells[every_unit, modality] & ~emptied
        can_go[every_unit, modality] = goes
        left = np.where(goes[units, None], after, left)
    return can_go


def _lose_each(
    present: NDArray[np.bool_], draws: NDArray[np.uint64], parameters: MissingParameters
) -> NDArray[np.bool_]:
    """Lose of each modality its own share."""
    missing = np.zeros_like(present)
    spare = present.sum(axis=1) >= 2 if parameters.keep_one else np.ones(len(present), np.bool_)
    for number, name in enumerate(INPUTS):
        can_go = present[:, number] & spare
        rate = (parameters.rates or {}).get(name, 0.0)
        count = _count(rate, int(present[:, number].sum()), int(can_go.sum()), of=f" of {name}")
        missing[_in_order(can_go, draws[:, number])[:count], number] = True
    if parameters.keep_one:
        _exchange(missing, present, draws)
    return missing


def _exchange(missing: NDArray[np.bool_], present: NDArray[np.bool_], draws: NDArray[np.uint64]) -> None:
    """Give every utterance that lost all one modality back, and take it from one that can spare it instead.

    Both by the numbers: it gets back its highest, and the lowest number that is left elsewhere goes.
    """
    left = present & ~missing
    queues = [iter(_in_order(left[:, number], draws[:, number]).tolist()) for number in range(len(INPUTS))]

    def spare(number: int) -> Iterator[int]:
        # What cannot spare it now never can: an utterance gets something back only when it has nothing else.
        return (row for row in queues[number] if left[row, number] and left[row].sum() >= 2)

    def move(number: int, *, back_to: int, away_from: int) -> None:
        for row, is_lost in ((back_to, False), (away_from, True)):
            missing[row, number], left[row, number] = is_lost, not is_lost

    for row in np.flatnonzero(present.any(axis=1) & ~left.any(axis=1)).tolist():
        lost = sorted(np.flatnonzero(missing[row]).tolist(), key=lambda number: -int(draws[row, number]))
        for number in lost:
            if (other := next(spare(number), None)) is not None:
                move(number, back_to=row, away_from=other)
                break
        else:
            # Only another modality can be spared: through an utterance that changes the one for the other.
            for number, third in ((a, b) for a in lost for b in range(len(INPUTS)) if b not in lost):
                between = np.flatnonzero(left[:, number] & (left.sum(axis=1) == 1) & missing[:, third])
                if len(between) and (other := next(spare(third), None)) is not None:
                    move(number, back_to=row, away_from=int(between[0]))
                    move(third, back_to=int(between[0]), away_from=other)
                    break
            else:
                raise OptionError(
                    "these rates cannot be reached while every utterance keeps a modality that it has. "
                    "Give lower rates, or keep_one=False."
                )


def _lose_blocks(
    utterances: Utterances,
    draws: NDArray[np.uint64],
    may_lose: NDArray[np.bool_],
    parameters: MissingParameters,
) -> NDArray[np.bool_]:
    """Lose runs of a dialogue's utterances, each from the cell of the lowest number that is left."""
    order = np.lexsort((np.arange(len(utterances.ids)), utterances.numbers, utterances.dialogues))
    dialogues = utterances.dialogues[order]
    ends = np.searchsorted(dialogues, dialogues, side="right").tolist()
    present = utterances.present[order]
    cells = present & may_lose
    floor = 1 if parameters.keep_one else 0
    at_most = int(np.minimum(cells.sum(axis=1), np.maximum(present.sum(axis=1) - floor, 0)).sum())
    count = _count(parameters.rate, int(cells.sum()), at_most)
    goes, left = cells.tolist(), present.sum(axis=1).tolist()
    lost = np.zeros_like(present)
    # Equal numbers, should there be any, in the order of the ids.
    places = np.flatnonzero(cells)
    starts = places[np.lexsort((order[places // len(INPUTS)], draws[order].ravel()[places]))]
    for start, number in zip(*(part.tolist() for part in np.divmod(starts, len(INPUTS))), strict=True):
        if count == 0:
            break
        if not goes[start][number]:
            continue
        for place in range(start, min(start + (parameters.block_length or 1), ends[start])):
            if not goes[place][number]:
                continue
            if left[place] <= floor or count == 0:
                break
            goes[place][number] = False
            lost[place, number] = True
            left[place] -= 1
            count -= 1
    missing = np.zeros_like(lost)
    missing[order] = lost
    return missing


def _in_order(rows: NDArray[np.bool_], draws: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the numbers of the rows whose flag is set, lowest draw first."""
    numbers = np.flatnonzero(rows)
    return numbers[np.argsort(draws[numbers], kind="stable")]


def _count(rate: float | None, num_cells: int, at_most: int, *, of: str = "") -> int:
    """Return how many cells go.

    Raises:
        OptionError: so many cannot go while every utterance keeps one.
    """
    count = round((rate or 0.0) * num_cells)
    if count > at_most:
        highest = math.floor(1e4 * at_most / num_cells) / 1e4
        raise OptionError(
            f"rate {rate}{of} cannot be reached: every utterance keeps a modality that it has, so at most "
            f"{at_most:,} of {num_cells:,} can go. Give {highest} or less, or keep_one=False."
        )
    return count

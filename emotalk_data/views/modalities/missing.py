"""Missing modalities: patterns of loss that are drawn once, saved, shared and applied."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

import datasets
import numpy as np

from emotalk_data.errors import OptionError, quote
from emotalk_data.views.columns import check_dataset, choose, column, label_ids, strings
from emotalk_data.views.modalities.missing_apply import apply_missing
from emotalk_data.views.modalities.missing_file import MAX_SEED, MissingParameters, Protocol
from emotalk_data.views.modalities.missing_pattern import MissingPattern, load_missing
from emotalk_data.views.modalities.missing_protocols import Utterances, lose
from emotalk_data.views.modalities.presence import INPUTS, Input, is_there

__all__ = ["MissingPattern", "apply_missing", "load_missing", "make_missing"]

# What each protocol takes; those of the first list it needs.
_TAKES: Final[Mapping[Protocol, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "fixed_rate": (("rate",), ("modalities",)),
    "per_modality": (("rates",), ()),
    "dialogue": (("rate",), ("modalities",)),
    "block": (("rate", "block_length"), ("modalities",)),
    "only": (("only",), ()),
}


def make_missing(
    dataset: datasets.Dataset,
    protocol: Protocol,
    *,
    rate: float | None = None,
    rates: Mapping[Input, float] | None = None,
    only: Input | Iterable[Input] | None = None,
    block_length: int | None = None,
    modalities: Input | Iterable[Input] | None = None,
    seed: int = 0,
    keep_one: bool = True,
) -> MissingPattern:
    """Draw which modalities go missing.

    A *cell* is one modality of one utterance. What is absent in the data is no cell: it stays absent and is not
    counted as lost. The protocols:

        fixed_rate    round(rate x cells) cells go, whichever (Python's round: half to even)
        per_modality  of each modality its own share: `rates={"audio": 0.5, "video": 0.2}`
        dialogue      whole dialogues lose modalities; the rate is of (dialogue, modality) pairs
        block         runs of `block_length` utterances of a dialogue lose a modality, as when a device fails;
                      a run is shorter at the dialogue's end, where `keep_one` ends it, and if it is the last one
                      drawn; runs may touch
        only          all go but those of `only=("audio",)`: nothing is drawn

    Counts are exact, and `print(pattern)` shows the rates that were reached. The draw depends on protocol, seed
    and ids alone: not on the machine or the order of rows. It does depend on which utterances there are, so
    make patterns of whole splits and apply them to parts. With the same seed, what is missing at one rate is
    missing at every higher one, except for `per_modality` with `keep_one`.

    Args:
        dataset: EmotionTalk or M3ED, each utterance once.
        protocol: one of the names above.
        rate: 0 to 1, for fixed_rate, dialogue and block.
        rates: by modality, for per_modality; a modality that is not named loses nothing.
        only: what stays, for only.
        block_length: 1 or more, for block.
        modalities: those that may go missing; all that are there if omitted. Not for per_modality and only.
        seed: 0 or more.
        keep_one: no utterance loses the last modality that it has. With per_modality, an utterance that would
            lose all keeps one, and another utterance loses that modality instead.

    Raises:
        OptionError: an option that cannot be or is of another protocol, a rate that cannot be reached, an
            utterance that is there twice, or a column that is missing.
    """
    choose("protocol", protocol, tuple(_TAKES))
    given = {
        "rate": rate,
        "rates": rates,
        "only": only,
        "block_length": block_length,
        "modalities": modalities,
    }
    parameters = _parameters(protocol, given, keep_one)
    number = _whole("seed", seed, least=0)
    utterances = _utterances(dataset, needs_dialogues=protocol in ("dialogue", "block"))
    if modalities is None and "modalities" in _TAKES[protocol][1]:
        there = [name for place, name in enumerate(INPUTS) if utterances.present[:, place].any()]
        parameters = parameters.model_copy(update={"modalities": there})
    missing = lose(protocol, parameters, number, utterances)
    return MissingPattern(protocol, parameters, number, utterances.ids, utterances.present, missing)


def _parameters(protocol: Protocol, given: Mapping[str, Any], keep_one: object) -> MissingParameters:
    needs, may = _TAKES[protocol]
    surplus = [name for name, value in given.items() if value is not None and name not in (*needs, *may)]
    if surplus:
        raise OptionError(f"{surplus[0]} is not for {protocol!r}, which takes {', '.join((*needs, *may))}.")
    lacking = [name for name in needs if given[name] is None]
    if lacking:
        raise OptionError(f"{protocol!r} needs {' and '.join(lacking)}; see make_missing.")
    if not isinstance(keep_one, bool):
        raise OptionError(f"keep_one is {quote(keep_one)}; expected True or False.")
    rates, length = given["rates"], given["block_length"]
    if rates is not None and (not isinstance(rates, Mapping) or not rates):
        raise OptionError(f'rates is {quote(rates)}; expected a rate by modality, such as {{"audio": 0.5}}.')
    _names("a modality of rates", rates or ())
    return MissingParameters(
        rate=None if given["rate"] is None else _rate("rate", given["rate"]),
        rates=rates and {name: _rate(f"rates[{name!r}]", rates[name]) for name in INPUTS if name in rates},
        modalities=None if given["modalities"] is None else _names("modalities", given["modalities"]),
        block_length=None if length is None else _whole("block_length", length, least=1),
        only=None if given["only"] is None else _names("only", given["only"]),
        keep_one=keep_one,
    )


def _utterances(dataset: datasets.Dataset, *, needs_dialogues: bool) -> Utterances:
    """Take from the dataset what protocols draw from, in the order of the ids."""
    needs = ["dialogue_id", "utterance_number"] if needs_dialogues else []
    check_dataset(dataset, ["utterance_id", *INPUTS, *needs])
    ids = strings(dataset, "utterance_id")
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
    names = tuple(ids[row] for row in order.tolist())
    if not names:
        raise OptionError("the dataset has no rows; expected utterances to draw from.")
    twice = next((one for one, following in pairwise(names) if one == following), None)
    if twice is not None:
        raise OptionError(
            f"{quote(twice)} is there twice; expected each utterance once, as load_dataset gives."
        )
    present = np.stack([is_there(dataset, name) for name in INPUTS], axis=1)[order]
    nothing = np.zeros(0, np.int64)
    if not needs_dialogues:
        return Utterances(names, present, (), nothing, nothing)
    if column(dataset, "utterance_number").null_count:
        raise OptionError(
            "utterance_number is null in some rows; expected a position in the dialogue in each."
        )
    dialogue_ids = strings(dataset, "dialogue_id")
    sorted_ids = tuple(sorted(set(dialogue_ids)))
    place = {name: number for number, name in enumerate(sorted_ids)}
    dialogues = np.array([place[name] for name in dialogue_ids], np.int64)[order]
    return Utterances(names, present, sorted_ids, dialogues, label_ids(dataset, "utterance_number")[order])


def _names(name: str, value: object) -> list[Input]:
    """Return modalities in the order of `INPUTS`."""
    given = [value] if isinstance(value, str) else list(value) if isinstance(value, Iterable) else [value]
    for one in given:
        choose(name, one, INPUTS)
    if len(set(given)) != len(given) or (not given and name in ("modalities", "only")):
        raise OptionError(f"{name} is {quote(value)}; expected some of {list(INPUTS)}, each once.")
    return [one for one in INPUTS if one in given]


def _rate(name: str, value: object) -> float:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if not is_number or not 0 <= value <= 1:  # type: ignore[operator]  # a number; NaN is in no range
        raise OptionError(f"{name} is {quote(value)}; expected a share from 0 to 1.")
    return float(value)  # type: ignore[arg-type]  # a number


def _whole(name: str, value: object, *, least: int) -> int:
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]  # asks that
    except TypeError:
        number = None
    if number is None or not least <= number <= MAX_SEED:
        raise OptionError(f"{name} is {quote(value)}; expected a whole number of {least} or more.")
    return number

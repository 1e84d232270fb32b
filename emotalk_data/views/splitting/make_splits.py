"""Splits that share no speaker, group, series or dialogue: `make_splits`, `leave_one_group_out`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import datasets
import numpy as np

from emotalk_data._optional import installed_version
from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.split_file import Fold, Making, SplitFile
from emotalk_data.views.columns import choose, label_ids
from emotalk_data.views.splitting.speaker_graph import component_of_rows
from emotalk_data.views.splitting.split_folds import fold_of
from emotalk_data.views.splitting.split_options import check_flag, check_name, checked_seed, checked_shares
from emotalk_data.views.splitting.split_rows import Coded, SplitRows, read_split_rows
from emotalk_data.views.splitting.unit_assignment import assign_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["leave_one_group_out", "make_splits"]

Disjoint = Literal["speaker", "group", "series", "dialogue"]
Left = Literal["group", "speaker", "series"]

_DISJOINT: Final = ("speaker", "group", "series", "dialogue")


def make_splits(
    data: datasets.Dataset | datasets.DatasetDict,
    *,
    disjoint: Disjoint = "speaker",
    stratify: str | None = "emotion",
    sizes: Mapping[str, float] | None = None,
    folds: int | None = None,
    validation: bool = True,
    seed: int = 0,
    name: str = "",
) -> SplitFile:
    """Return splits of all rows that share no speaker, or nothing else that is asked.

    Whole units are dealt out: for speakers the components of the speaker graph (`speaker_components`), for a
    dyad has two of them. Sizes and shares of labels come as near to what was asked as whole units allow:
    printed, the result says how near. The same rows give the same splits in any order and on every machine.

    Args:
        data: the whole corpus, such as `load_dataset("emotalk", data_dir=…)`; its splits are taken together.
        disjoint: what no two splits share. `group` is EmotionTalk's (groups share speakers!), `series` M3ED's.
        stratify: column of labels whose shares are kept alike; None for sizes alone.
        sizes: share of the utterances by split, which add up to 1; 0.8, 0.1 and 0.1 if omitted.
        folds: instead of `sizes`, so many folds for cross-validation: the corpus is cut into as many parts,
            fold i tests on part i, validates on the next (after the last comes the first; one that is larger
            than what would be left to train on is passed over), and trains on the others.
        validation: with `folds`, False trains on what would validate.
        seed: decides among units that fit alike. With few units (see `assign_units`) the best way is found
            whatever the seed.
        name: of the split file; made of the options if empty.

    Raises:
        OptionError: fewer units than splits, sizes that are none, or options that do not belong together.
    """
    check_name(name)
    check_flag("validation", validation)
    shares = checked_shares(sizes, folds, validation)
    seed = checked_seed(seed)
    choose("disjoint", disjoint, _DISJOINT)
    rows = read_split_rows(data)
    units = _units(rows, disjoint)
    labels = _labels(rows, stratify)
    smaller = ", or units that are smaller and share more: disjoint='dialogue'"
    remedy = "" if disjoint == "dialogue" else smaller
    _check_enough(units, disjoint, len(shares), "splits" if folds is None else "folds", remedy)
    assigned = _assign(units, labels, list(shares.values()), seed)[units.codes]
    parameters: dict[str, Any] = {"disjoint": disjoint, "stratify": stratify, "seed": seed}
    if folds is None:
        parameters["sizes"] = dict(shares)
        made = [fold_of(rows, "", assigned, shares, labels)]
    else:
        folds = len(shares)  # a plain int, as JSON has it
        parameters.update(folds=folds, validation=validation)
        made = _cross_validation(rows, assigned, folds, validation, labels)
    label = f"{disjoint}-disjoint" + (f", stratified by {stratify}" if stratify else "")
    cut = f", {folds} folds" if folds else ""
    return SplitFile(
        corpus=rows.corpus,
        name=name or f"{label}{cut}, seed {seed}",
        made=Making(by="make_splits", library=_library(), parameters=parameters),
        folds=made,
    )


def leave_one_group_out(
    data: datasets.Dataset | datasets.DatasetDict,
    *,
    by: Left | None = None,
    drop_shared: bool = True,
    name: str = "",
) -> SplitFile:
    """Return a fold for each group: it is the test split, and the others are train. There is no validation.

    EmotionTalk's groups share speakers: G00002 and G00006 both have speaker 07. So dialogues of other groups in
    which a speaker of the test group talks are in neither split of that fold; the file lists them under
    `left_out`. `by="speaker"` leaves out a whole component of the speaker graph, and so drops nothing.

    Args:
        data: the whole corpus; its splits are taken together.
        by: `group` (EmotionTalk), `series` (M3ED), or `speaker`; the first two by corpus if omitted.
        drop_shared: False keeps these dialogues in train; the notes of the fold then say who is shared.
        name: of the split file; made of the options if empty.

    Raises:
        OptionError: there is one group only, or the corpus has no such groups.
    """
    check_name(name)
    check_flag("drop_shared", drop_shared)
    rows = read_split_rows(data)
    unit: str = rows.group_word if by is None else by
    choose("by", unit, ("group", "speaker", "series"))
    units = _units(rows, unit)
    _check_enough(units, unit, 2, "folds", "")
    has_labels = all("emotion" in dataset.column_names for dataset in rows.splits.values())
    labels = _labels(rows, "emotion" if has_labels else None)
    folds = []
    for code, one in enumerate(units.names):
        assigned = np.where(units.codes == code, 1, 0)
        if drop_shared:
            shared = np.isin(rows.people.codes, rows.people.codes[units.codes == code])
            dialogues = np.isin(rows.dialogues.codes, rows.dialogues.codes[shared])
            assigned = np.where(dialogues & (assigned == 0), -1, assigned)
        if not (assigned == 0).any():
            raise OptionError(
                f"nothing is left to train on when {quote(one)} is left out: all others share its speakers. "
                f"Use by='speaker'."
            )
        short = one if len(one) <= 100 else f"{one[:99]}…"
        folds.append(fold_of(rows, short, assigned, {"train": None, "test": None}, labels))
    parameters: dict[str, Any] = {"by": unit, "drop_shared": drop_shared}
    return SplitFile(
        corpus=rows.corpus,
        name=name or f"leave one {'component of speakers' if unit == 'speaker' else unit} out",
        made=Making(by="leave_one_group_out", library=_library(), parameters=parameters),
        folds=folds,
    )


def _units(rows: SplitRows, disjoint: str) -> Coded:
    """Return what may not be cut, by row.

    Raises:
        OptionError: the corpus has no such units.
    """
    if disjoint == "speaker":
        return component_of_rows(rows)
    if disjoint == "dialogue":
        return rows.dialogues
    if disjoint != rows.group_word:
        raise OptionError(
            f"{rows.corpus} has no {disjoint}; its dialogues come in {rows.group_word!r}. "
            f"Use {rows.group_word!r}, or 'speaker'."
        )
    return rows.groups


def _labels(rows: SplitRows, name: object) -> Coded | None:
    """Return the labels by row as `Coded`, -1 without a label; None when none are to be looked at.

    Raises:
        OptionError: there is no such column of labels.
    """
    if name is None:
        return None
    features = [dataset.features for dataset in rows.splits.values()]
    known = [
        column
        for column, feature in features[0].items()
        if isinstance(feature, datasets.ClassLabel) and all(one.get(column) == feature for one in features)
    ]
    if not isinstance(name, str) or name not in known:
        raise OptionError(f"stratify is {quote(name)}; expected None or a column of labels: one of {known}.")
    ids = np.concatenate([label_ids(dataset, name) for dataset in rows.splits.values()])
    return Coded(ids, tuple(features[0][name].names))


def _check_enough(units: Coded, unit: str, number: int, what: str, remedy: str) -> None:
    num_units = len(units.names)
    if num_units >= number:
        return
    one = "component of the speaker graph" if unit == "speaker" else unit
    many = {"speaker": "components of the speaker graph", "series": "series"}.get(unit, f"{unit}s")
    there = f"there is 1 {one}" if num_units == 1 else f"there are {num_units} {many}"
    fewer = f"{num_units} {what} or fewer" if num_units > 1 else "more of the corpus"
    raise OptionError(
        f"{number} {what} that share no {unit} cannot be made: {there}, and none can be cut. Use {fewer}{remedy}."
    )


def _assign(units: Coded, labels: Coded | None, shares: Sequence[float], seed: int) -> NDArray[np.int64]:
    """Return the split of each unit; the seed puts the units in an order, which no order of rows changes."""
    num_units = len(units.names)
    width = 1 if labels is None else 1 + len(labels.names)
    counts = np.zeros((num_units, width), np.int64)
    counts[:, 0] = np.bincount(units.codes, minlength=num_units)
    if labels is not None:
        given = labels.codes >= 0
        np.add.at(counts, (units.codes[given], 1 + labels.codes[given]), 1)
    keys = [
        hashlib.blake2b(f"emotalk_data.make_splits\0{seed}\0{unit}".encode(), digest_size=16).digest()
        for unit in units.names
    ]
    order = np.array(sorted(range(num_units), key=keys.__getitem__), np.int64)
    assigned = np.empty(num_units, np.int64)
    assigned[order] = assign_units(counts[order], shares)
    return assigned


def _cross_validation(
    rows: SplitRows, part: NDArray[np.int64], num_folds: int, validation: bool, labels: Coded | None
) -> list[Fold]:
    sizes = np.bincount(part, minlength=num_folds).tolist()
    folds = []
    for number in range(num_folds):
        asked = {"train": 1 - 1 / num_folds, "test": 1 / num_folds}
        assigned = np.where(part == number, 1, 0)
        if validation:
            asked = {"train": 1 - 2 / num_folds, "validation": 1 / num_folds, "test": 1 / num_folds}
            following = [(number + step) % num_folds for step in range(1, num_folds)]
            left = sum(sizes) - sizes[number]
            chosen = next((one for one in following if 2 * sizes[one] <= left), following[0])
            assigned = np.where(part == number, 2, np.where(part == chosen, 1, 0))
        folds.append(fold_of(rows, "", assigned, asked, labels))
    return folds


def _library() -> str:
    return f"emotalk_data {installed_version('emotalk-data') or ''}".rstrip()

"""What may be asked of `make_splits` and `leave_one_group_out`: sizes, folds, seeds and names that can be."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Final

import numpy as np

from emotalk_data.errors import OptionError, quote

__all__ = ["check_flag", "check_name", "checked_seed", "checked_shares"]

_ROUNDED: Final = 1e-6
_SIZES: Final = {"train": 0.8, "validation": 0.1, "test": 0.1}
_SPLIT_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_MAX_NAME: Final = 200


def checked_shares(sizes: object, folds: object, validation: bool) -> dict[str, float]:
    """Return the asked share of each split, or of each part of the corpus for folds.

    Raises:
        OptionError: sizes or a number of folds that cannot be, or both.
    """
    if folds is None:
        if not validation:
            raise OptionError("validation=False belongs to folds=; without folds, leave it out of `sizes`.")
        return _checked_sizes(_SIZES if sizes is None else sizes)
    if sizes is not None:
        raise OptionError("sizes and folds exclude each other: folds have parts of the same size.")
    number, least = _whole(folds), 3 if validation else 2
    if number is None or number < least:
        parts = (
            "train on, one to validate on and one to test on" if validation else "train on and one to test on"
        )
        raise OptionError(f"folds is {quote(folds)}; expected {least} or more: a part to {parts}.")
    return {f"part {part}": 1 / number for part in range(number)}


def _checked_sizes(sizes: object) -> dict[str, float]:
    expected = "expected a share above 0 for each of two splits or more, which add up to 1"
    if not isinstance(sizes, Mapping) or len(sizes) < 2:
        raise OptionError(f"sizes is {quote(sizes)}; {expected}.")
    shares: dict[str, float] = {}
    for split, share in sizes.items():
        if not isinstance(split, str) or not _SPLIT_NAME.fullmatch(split):
            raise OptionError(
                f"sizes names a split {quote(split)}; expected letters, digits and _, a letter first, "
                f"40 characters at most."
            )
        is_number = isinstance(share, int | float | np.number) and not isinstance(share, bool)
        if not is_number or not 0 < share < 1:
            raise OptionError(f"sizes has {quote(split)}: {quote(share)}; {expected}.")
        shares[split] = float(share)
    total = sum(shares.values())
    if abs(total - 1) > _ROUNDED:
        raise OptionError(f"sizes add up to {total:g}; {expected}.")
    return shares


def checked_seed(seed: object) -> int:
    """Return the seed.

    Raises:
        OptionError: it is no whole number.
    """
    number = _whole(seed)
    if number is None:
        raise OptionError(f"seed is {quote(seed)}; expected a whole number.")
    return number


def check_name(name: object) -> None:
    """Refuse what cannot be the name of a split file.

    Raises:
        OptionError: says what was given.
    """
    if not isinstance(name, str) or len(name) > _MAX_NAME:
        raise OptionError(f"name is {quote(name)}; expected a text of {_MAX_NAME} characters at most.")


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False.

    Raises:
        OptionError: says what was given.
    """
    if not isinstance(value, bool):
        raise OptionError(f"{name} is {quote(value)}; expected True or False.")


def _whole(value: object) -> int | None:
    """Return a whole number of Python or NumPy as Python's; None for anything else."""
    try:
        return None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]  # asks that
    except TypeError:
        return None

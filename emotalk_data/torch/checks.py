"""Options that are numbers or choices: checked at once, in the words of the caller."""

from __future__ import annotations

import operator

from emotalk_data.errors import OptionError, quote
from emotalk_data.media.batching import MAX_THREADS

__all__ = ["check_count", "check_on_error", "check_share", "check_threads"]


def check_count(name: str, value: object, *, least: int = 1, most: int | None = None) -> int:
    """Return a whole number, numpy's too, as an int.

    Raises:
        OptionError: `value` is no whole number of `least` or more, or above `most`.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]  # asks that
    except TypeError:
        number = None
    if number is None or number < least:
        raise OptionError(f"{name} is {quote(value)}; expected a whole number of {least} or more")
    if most is not None and number > most:
        raise OptionError(f"{name} is {number}; expected at most {most}")
    return number


def check_on_error(on_error: object) -> None:
    """Raise OptionError unless it is one of the choices there are."""
    if on_error not in ("raise", "mask"):
        raise OptionError(f"on_error is {quote(on_error)}; expected 'raise' or 'mask'")


def check_share(rank: object, world_size: object) -> tuple[int, int]:
    """Return both as ints.

    Raises:
        OptionError: there is no process `rank` among so many.
    """
    count = check_count("the number of processes", world_size)
    number = check_count("rank", rank, least=0)
    if number >= count:
        raise OptionError(f"rank is {number}; expected less than the number of processes, {count}")
    return number, count


def check_threads(num_threads: object, *, least: int = 0) -> int:
    """Return the number of threads as an int; 0 stands for the caller's own.

    Raises:
        OptionError: so many cannot be had.
    """
    return check_count("num_threads", num_threads, least=least, most=MAX_THREADS)

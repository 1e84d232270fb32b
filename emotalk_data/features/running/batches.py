"""What is encoded together: utterances of a shard sorted by size, filled up to a limit."""

from __future__ import annotations

from collections.abc import Sequence

from emotalk_data.errors import OptionError, quote

__all__ = ["DEFAULT_ROWS", "make_batches", "padded_size"]

DEFAULT_ROWS = 16
"""Utterances of a batch, where the encoder tells no sizes: each then counts 1."""


def make_batches(sizes: Sequence[float], max_batch_seconds: float) -> list[list[int]]:
    """Return which utterances are encoded together: the largest first, each batch as large as may be.

    A batch costs its number of utterances times its largest size. An utterance that is larger than the limit
    is a batch of its own. The result depends on nothing but the arguments.

    Args:
        sizes: of the utterances, at least 0.
        max_batch_seconds: the limit.

    Returns:
        Positions in `sizes`; each is in one batch.

    Raises:
        OptionError: the limit is not above 0.
    """
    if not max_batch_seconds > 0:
        raise OptionError(f"max_batch_seconds is {quote(max_batch_seconds)}; expected a number above 0.")
    batches: list[list[int]] = []
    largest = 0.0
    for position in sorted(range(len(sizes)), key=lambda position: (-sizes[position], position)):
        if not batches or (len(batches[-1]) + 1) * largest > max_batch_seconds:
            batches.append([])
            largest = sizes[position]
        batches[-1].append(position)
    return batches


def padded_size(sizes: Sequence[float]) -> float:
    """Return what a batch costs: its number of utterances times the largest size."""
    return len(sizes) * max(sizes, default=0.0)

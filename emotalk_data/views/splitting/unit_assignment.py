"""Whole units (speakers' components, groups, dialogues) dealt out to splits of the sizes that were asked for.

The cost of a way to deal them out is the sum, over the splits k with asked share s_k, of

    [ (share of the rows in k - s_k)² + mean over the labels of (share of its rows in k - s_k)² ] / s_k

so that rare labels count as much as common ones, and small splits as much as large ones. Sums are taken in a
fixed order: the same units give the same splits on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["assign_units"]

_MAX_TRIED: Final = 600_000
"""Ways that are all tried: twelve units in three splits are 531,441."""

_MAX_SWAPPED: Final = 200
"""Units among which pairs are exchanged too: among more, moving single ones comes near enough."""

_GAIN: Final = 1e-12


def assign_units(counts: NDArray[np.int64], shares: Sequence[float]) -> NDArray[np.int64]:
    """Return the split of each unit. No split stays empty.

    Args:
        counts: shape (units, 1 + labels): rows of each unit, then its rows of each label. Of ways that cost the
            same, the order of the units decides.
        shares: asked share of the rows, one for each split, which add up to 1; at most as many as units.

    Returns:
        int64, shape (units,). The best way there is if there are at most 600,000; else a good one: the units
        are dealt out one after the other, those above half of the smallest split first, and then moved and
        exchanged as long as that helps.
    """
    counts = counts[:, counts.sum(axis=0) > 0]
    search = _Search(counts, shares)
    if len(shares) ** len(counts) <= _MAX_TRIED:
        return search.best_of_all()
    assigned = search.deal_out()
    while search.improve(assigned):
        pass
    return assigned


class _Search:
    def __init__(self, counts: NDArray[np.int64], shares: Sequence[float]) -> None:
        self.counts, self.shares = counts, [float(share) for share in shares]
        self.totals = [int(total) for total in counts.sum(axis=0)]
        num_labels = len(self.totals) - 1
        self.weights = [1.0, *[1.0 / max(num_labels, 1)] * num_labels]

    def cost(self, inside: Sequence[NDArray[np.int64]], split: int) -> NDArray[np.float64]:
        """Return the cost of a split for several ways; `inside` has the rows in it, for rows and each label."""
        share = self.shares[split]
        cost = np.zeros(np.shape(inside[0]))
        for number, total, weight in zip(inside, self.totals, self.weights, strict=True):
            off = number / total - share
            cost = cost + weight * (off * off) / share
        return cost

    def best_of_all(self) -> NDArray[np.int64]:
        num_units, num_splits = len(self.counts), len(self.shares)
        ways = np.arange(num_splits**num_units)
        # The first unit changes last: ways are in the order of the units.
        digits = [ways // num_splits ** (num_units - 1 - unit) % num_splits for unit in range(num_units)]
        cost = np.zeros(len(ways))
        for split in range(num_splits):
            inside = [np.zeros(len(ways), np.int64) for _ in self.totals]
            is_used = np.zeros(len(ways), bool)
            for unit, digit in enumerate(digits):
                member = digit == split
                is_used |= member
                for place, number in enumerate(self.counts[unit]):
                    inside[place] += member * number
            cost = cost + np.where(is_used, self.cost(inside, split), np.inf)
        best = int(np.argmin(cost))
        return np.array([digit[best] for digit in digits], np.int64)

    def deal_out(self) -> NDArray[np.int64]:
        """Give each unit to the split that it helps most, large units first."""
        sizes = self.counts[:, 0]
        is_large = sizes > self.totals[0] * min(self.shares) / 2
        order = sorted(
            range(len(sizes)), key=lambda unit: (not is_large[unit], -sizes[unit] * is_large[unit])
        )
        assigned = np.full(len(sizes), -1, np.int64)
        inside = np.zeros((len(self.shares), len(self.totals)), np.int64)
        for left, unit in zip(range(len(order), 0, -1), order, strict=True):
            empty = [split for split in range(len(self.shares)) if not (assigned == split).any()]
            open_to = empty if len(empty) >= left else range(len(self.shares))
            gains = [
                float(self.cost(inside[split] + self.counts[unit], split) - self.cost(inside[split], split))
                for split in open_to
            ]
            assigned[unit] = open_to[gains.index(min(gains))]
            inside[assigned[unit]] += self.counts[unit]
        return assigned

    def improve(self, assigned: NDArray[np.int64]) -> bool:
        """Make the one move or exchange that gains most; say whether one gains anything."""
        best, change = -_GAIN, None
        inside = [self.counts[assigned == split].sum(axis=0) for split in range(len(self.shares))]
        before = [float(self.cost(inside[split], split)) for split in range(len(self.shares))]
        for one, other in combinations(range(len(self.shares)), 2):
            members = [np.flatnonzero(assigned == split) for split in (one, other)]
            # What leaves `one` for `other`, less what comes back.
            for leaving, coming in self._exchanges(*members):
                moved = self._rows_of(leaving) - self._rows_of(coming)
                after = self.cost(list((inside[one] - moved).T), one)
                after = after + self.cost(list((inside[other] + moved).T), other)
                gains = after - before[one] - before[other]
                if gains.size and float(gains.min()) < best:
                    at = int(np.argmin(gains))
                    best, change = float(gains[at]), (one, other, leaving[at], coming[at])
        if change is None:
            return False
        one, other, leaver, comer = change
        if leaver >= 0:
            assigned[leaver] = other
        if comer >= 0:
            assigned[comer] = one
        return True

    def _exchanges(
        self, first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Return units that leave the first split, and those that come back; -1 is nobody."""
        ways = []
        if len(first) > 1:
            ways.append((first, np.full(len(first), -1, np.int64)))
        if len(second) > 1:
            ways.append((np.full(len(second), -1, np.int64), second))
        if len(self.counts) <= _MAX_SWAPPED:
            ways.append((np.repeat(first, len(second)), np.tile(second, len(first))))
        return ways

    def _rows_of(self, units: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the counts of some units, shape (units, 1 + labels)."""
        return np.where((units >= 0)[:, None], self.counts[units], 0)

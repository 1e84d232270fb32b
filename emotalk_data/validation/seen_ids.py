"""Which names have been met, in some 20 bytes each: a million of them take 20 MB, not 100."""

from __future__ import annotations

from array import array
from typing import Final

__all__ = ["SeenIds"]

_TAG_MASK: Final = 3
_WORD: Final = (1 << 64) - 1


class SeenIds:
    """A set of texts of which only 62 bits of a hash are kept, with a small number beside each.

    Two different texts are taken for the same with a probability of one in 10^7 for a million texts. The hash is
    Python's own, keyed anew in each process: nobody can write texts that collide.
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * 1024))
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def num_bytes(self) -> int:
        """Bytes that the set takes."""
        return self._table.itemsize * len(self._table)

    def add(self, text: str, tag: int = 0) -> int | None:
        """Take a text in.

        Args:
            text: the name.
            tag: what to remember of its first place, 0 to 3.

        Returns:
            the tag of its first place when it was met before; None when it is new.
        """
        digest = hash(text) & _WORD & ~_TAG_MASK or _TAG_MASK + 1  # 0 is an empty place
        slot = self._slot_of(digest)
        known = self._table[slot]
        if known:
            return known & _TAG_MASK
        self._table[slot] = digest | tag
        self._length += 1
        if self._length * 3 > len(self._table) * 2:
            self._grow()
        return None

    def _slot_of(self, digest: int) -> int:
        """Return the place of a digest, or the empty one where it belongs."""
        table, mask = self._table, len(self._table) - 1
        slot = (digest >> 2) & mask
        while (known := table[slot]) and known & ~_TAG_MASK != digest:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        words = self._table
        self._table = array("Q", bytes(16 * len(words)))
        for word in words:
            if word:
                self._table[self._slot_of(word & ~_TAG_MASK)] = word

"""How far an iterable over batches has come, and what a stopped run must know to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from emotalk_data.errors import OptionError, quote
from emotalk_data.torch.checks import check_count

__all__ = ["Progress"]

_COUNTERS = ("epoch", "position")

Item = TypeVar("Item")


class Progress:
    """Epoch and position of the iteration that was begun last. Earlier ones that still run move nothing.

    Attributes:
        epoch: the epoch that comes next, or is under way.
        position: batches of it that were given out.
        begun: the epoch of the latest iteration; None where none was begun since the epoch was chosen.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.position = 0
        self.begun: int | None = None
        self._resume_at = 0
        self._run = 0  # which iteration is the latest

    def follow(self, batches: Callable[[int, int], Iterator[Item]]) -> Iterator[Item]:
        """Yield the batches of the epoch that is due, and count them; the next epoch follows at its end.

        Args:
            batches: function from an epoch and a batch's number in it to the batches from there on.
        """
        epoch, start = self.epoch, self._resume_at
        self._run = run = self._run + 1
        self.begun, self.position, self._resume_at = epoch, start, 0
        for batch in batches(epoch, start):
            if self._run == run:
                self.position += 1
            yield batch
        if self._run == run:
            self.epoch, self.position = epoch + 1, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that comes next. The current one changes nothing, also after `load`."""
        epoch = check_count("epoch", epoch, least=0)
        if epoch != self.epoch or self.begun not in (None, epoch):
            self._choose(epoch, 0)

    def load(self, state: object, settings: Mapping[str, Any], num_batches: Callable[[int], int]) -> None:
        """Go on where a state was saved, if it fits.

        Args:
            state: what `state_dict` gave.
            settings: what it has to agree with.
            num_batches: function from an epoch to its number of batches.

        Raises:
            OptionError: not a state, or one of another dataset or other settings.
        """
        if not isinstance(state, dict) or set(state) != {*_COUNTERS, *settings}:
            raise OptionError(f"{quote(state)} is no state of this kind; expected what state_dict() returned")
        for name, now in settings.items():
            if state[name] != now:
                raise OptionError(
                    f"the state was saved with {name} {quote(state[name])}; it is {quote(now)} now. To go on "
                    "at the same place, use the same data and options; otherwise start a new epoch with "
                    "set_epoch()"
                )
        epoch, position = (check_count(name, state[name], least=0) for name in _COUNTERS)
        if position > num_batches(epoch):
            raise OptionError(f"position is {position}; epoch {epoch} has {num_batches(epoch)} batches")
        self._choose(epoch, position)

    def _choose(self, epoch: int, position: int) -> None:
        self.epoch = epoch
        self.position = self._resume_at = position
        self.begun = None
        self._run += 1  # what runs now counts for nothing any more

"""Which of several processes this is: torchrun and SLURM say so in the environment, and nobody else is asked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from emotalk_data.errors import OptionError, quote

__all__ = ["Rank", "this_rank"]

Item = TypeVar("Item")

# A batch script without srun has SLURM_NTASKS too, and SLURM_PROCID 0: only a step has SLURM_STEP_NUM_TASKS.
_LAUNCHERS: Final = (
    ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
)


class Rank(NamedTuple):
    """One of several processes that share the work.

    Attributes:
        number: from 0.
        world: how many there are.
        local: its number on this machine: of the GPU that it takes.
    """

    number: int = 0
    world: int = 1
    local: int = 0

    @property
    def is_alone(self) -> bool:
        """Whether there is no other."""
        return self.world == 1

    def share(self, items: Sequence[Item]) -> list[Item]:
        """Return what of the work is this process's: every world-th, from its number on."""
        return list(items[self.number :: self.world])


def this_rank(environ: Mapping[str, str] | None = None) -> Rank:
    """Return which process this is; alone where no launcher says otherwise.

    Args:
        environ: `os.environ` if omitted.

    Raises:
        OptionError: the variables make no sense.
    """
    values = os.environ if environ is None else environ
    for number_name, world_name, local_name in _LAUNCHERS:
        if number_name not in values or world_name not in values:
            continue
        number, world = _whole(values, number_name), _whole(values, world_name)
        if not 0 <= number < world:
            raise OptionError(
                f"{number_name} is {number} and {world_name} is {world}: there is no such process."
            )
        return Rank(number, world, _whole(values, local_name) if local_name in values else number)
    return Rank()


def _whole(values: Mapping[str, str], name: str) -> int:
    text = values[name]
    if not text.isdecimal():
        raise OptionError(f"the environment says {name}={quote(text)}; expected a whole number.")
    return int(text)

"""A config that is to be written: its name is known before anything is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from emotalk_data.hub.staged import StagedConfig

__all__ = ["ToStage"]


class ToStage(NamedTuple):
    """One config to be.

    Attributes:
        name: of the config.
        source: what it is made from.
        write: writes it into a folder of its own, which is there and empty, and says what it wrote.
    """

    name: str
    source: Path
    write: Callable[[Path], StagedConfig]

"""What is to be uploaded, as it lies in a staging folder: made by `staging`, judged by `guard`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import datasets

    from emotalk_data.schemas.feature_shard import Level, ShardCounts, ShardRecord

__all__ = [
    "CARD_BEGIN",
    "CARD_END",
    "CARD_NAME",
    "CROISSANT_NAME",
    "ConfigKind",
    "Staged",
    "StagedConfig",
    "Visibility",
]

CARD_NAME: Final = "README.md"
CARD_BEGIN: Final = (
    "<!-- emotalk-data: what stands from here to the end mark is written anew by `emotalk publish` -->"
)
CARD_END: Final = "<!-- emotalk-data: end -->"
"""Between these marks a card is ours; what is before and behind them is its owner's."""
CROISSANT_NAME: Final = "croissant.json"

ConfigKind = Literal["features", "splits", "built", "unknown"]
"""What a config was made from.

features   a feature set: the footers of its shards say how it was made
splits     a split file
built      rows of a corpus, whole or some columns of it, as `emotalk build` writes them
unknown    Parquet files that say nothing of themselves; the guard lets none of their columns through
"""

Visibility = Literal["private", "gated", "public"]
"""Who can read the repository: its owners; whoever they let in; everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedConfig:
    """One config of the repository to be: what `datasets.load_dataset(repo_id, name)` opens.

    Attributes:
        name: of the config, and of its folder in the repository.
        kind: what it was made from.
        corpus: whose utterances its rows are; None where nothing says so.
        splits: for each split its shards, absolute paths below the staging folder, in their order.
        num_rows: for each split its rows.
        features: the columns, with stock types of `datasets` only.
        other_files: what lies beside the shards and is uploaded too, such as plan.json or splits.json.
        records: of a feature set, the footer of each shard; else empty.
        levels: of a feature set; else empty.
        counts: of a feature set, for each split what became of its rows; else empty.
        facts: what else the card says of how it was made, label to text, in this order.
        notes: what staging changed or left out, a sentence each.
    """

    name: str
    kind: ConfigKind
    corpus: Literal["emotalk", "m3ed"] | None
    splits: Mapping[str, tuple[Path, ...]]
    num_rows: Mapping[str, int]
    features: datasets.Features
    other_files: tuple[Path, ...] = ()
    records: tuple[ShardRecord, ...] = ()
    levels: tuple[Level, ...] = ()
    counts: Mapping[str, ShardCounts] = field(default_factory=lambda: MappingProxyType({}))
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()

    @property
    def shards(self) -> tuple[Path, ...]:
        """All shards, split by split."""
        return tuple(path for paths in self.splits.values() for path in paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A staging folder: exactly what is uploaded, once the card and Croissant are written into it.

    Attributes:
        folder: absolute path.
        configs: at least one; names differ.
    """

    folder: Path
    configs: tuple[StagedConfig, ...]

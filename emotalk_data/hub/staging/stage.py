"""`stage`: what was given is recognised, named, and laid out as the repository will hold it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from emotalk_data.builder.folder_paths import absolute_folder
from emotalk_data.errors import OptionError, quote
from emotalk_data.features.running.shard_file import read_footer
from emotalk_data.hub.building.manifest import MANIFEST_NAME
from emotalk_data.hub.staged import Staged, StagedConfig
from emotalk_data.hub.staging.built_configs import built_configs
from emotalk_data.hub.staging.feature_configs import feature_configs
from emotalk_data.hub.staging.files import new_folder, shards_in, typed_write_errors
from emotalk_data.hub.staging.sources import (
    Source,
    Sources,
    check_apart,
    check_names,
    chosen_levels,
    named_sources,
)
from emotalk_data.hub.staging.split_configs import split_configs
from emotalk_data.hub.staging.table_configs import unknown_configs
from emotalk_data.hub.staging.to_stage import ToStage
from emotalk_data.schemas.feature_shard import PLAN_NAME, Level

__all__ = ["stage"]

_EXPECTED: Final = (
    "a feature set, a split file (.json), a folder that `emotalk build` made, or a folder of Parquet files"
)


def stage(
    sources: Sources, folder: str | os.PathLike[str], *, levels: Sequence[Level] | None = None
) -> Staged:
    """Lay out what is to be published in a folder: exactly what is uploaded, but for card and Croissant.

    The same sources give the same bytes. Shards that need no change are hard links to those of the source, or
    copies where the disk is another one.

    Args:
        sources: one path, several, or the name of each config and its path. A feature set is called as its
            column; its frames, where it has both levels, are a config of their own, `<name>_frames`.
        folder: a new folder, or an empty one. After an error nothing is left in it.
        levels: of feature sets: vectors of utterances alone, or of frames alone; all that there are for None.

    Raises:
        OptionError: a source is not there, is not finished, or is of no kind that is known; two configs have one
            name; a split is called "all"; or the folder is not empty.
        CacheCorruptError: a shard is damaged; names the file.
        PublishRefusedError: a source holds a link, a hidden file, or something else that nobody expects there.
        CacheWriteError: the disk is full, or the folder may not be written to.
    """
    target = absolute_folder(folder, "the staging folder")
    chosen = chosen_levels(levels)
    given = named_sources(sources)
    check_apart([source.path for source in given], target)
    if chosen is not None and not any(_is_feature_set(source.path) for source in given):
        raise OptionError(f"levels is {list(chosen)}, and no feature set was given; leave it out.")
    parts = [part for source in given for part in _configs(source, chosen)]
    check_names((part.name, part.source) for part in parts)
    configs = []
    with new_folder(target):
        for part in parts:
            own = target / part.name
            with typed_write_errors(own):
                own.mkdir()
            configs.append(_checked(part.write(own), part.source))
    return Staged(folder=target, configs=tuple(configs))


def _checked(config: StagedConfig, source: Path) -> StagedConfig:
    if "all" in config.splits:
        raise OptionError(
            f"{quote(str(source), 160)} has a split called 'all', which plain `datasets` takes for all splits "
            f"together. Make it with another name.",
            path=str(source),
        )
    return config


def _configs(source: Source, levels: tuple[Level, ...] | None) -> list[ToStage]:
    if _is_feature_set(source.path):
        return feature_configs(source, levels)
    if source.path.suffix == ".json" and source.path.is_file():
        return split_configs(source)
    if (source.path / MANIFEST_NAME).is_file():
        return built_configs(source)
    if source.path.is_dir() and shards_in(source.path):
        return unknown_configs(source)
    raise OptionError(
        f"nothing that can be published is at {quote(str(source.path), 200)}; expected {_EXPECTED}.",
        path=str(source.path),
    )


def _is_feature_set(folder: Path) -> bool:
    """Say whether a folder is meant to be a feature set: a damaged shard of one is an error of its own."""
    if not folder.is_dir() or (folder / MANIFEST_NAME).exists():
        return False
    return (folder / PLAN_NAME).exists() or any(
        read_footer(path) is not None for path in shards_in(folder) if path.is_file()
    )

"""A feature set becomes configs: one of vectors, one of frames, each a feature set of its own."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import datasets

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.shards import shard_columns, shard_name
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.errors import OptionError, quote
from emotalk_data.features.running.plan import ShardJob, write_plan
from emotalk_data.features.running.summary import write_summary
from emotalk_data.hub.local_paths import find_local_path
from emotalk_data.hub.staged import StagedConfig
from emotalk_data.hub.staging.feature_facts import feature_facts
from emotalk_data.hub.staging.feature_shards import stage_shard
from emotalk_data.hub.staging.files import check_contents, typed_write_errors
from emotalk_data.hub.staging.sources import Source
from emotalk_data.hub.staging.to_stage import ToStage
from emotalk_data.schemas.feature_shard import (
    DATA_FOLDER,
    FRAMES_SUFFIX,
    PLAN_NAME,
    SUMMARY_NAME,
    Level,
    ShardRecord,
)

__all__ = ["feature_configs"]

_BESIDE: Final = (PLAN_NAME, SUMMARY_NAME)


def feature_configs(source: Source, levels: tuple[Level, ...] | None) -> list[ToStage]:
    """Return the configs that a feature set becomes; nothing is written yet.

    Args:
        source: the set.
        levels: which are asked for; all that the set has for None.

    Raises:
        OptionError: the set is not finished, is all null, has no such level, or no possible name.
        CacheCorruptError: a shard is damaged.
        PublishRefusedError: a link, or something unknown, is in its folder.
    """
    check_contents(source.path, beside=_BESIDE)
    store = open_store(source.path)
    kept = store.levels if levels is None else tuple(store.levels_asked(level)[0] for level in levels)
    if not store.counts.made:
        raise OptionError(
            f"the set {quote(str(source.path), 200)} holds no features: all of its {store.num_rows:,} rows are "
            f"null. There is nothing to share.",
            path=str(source.path),
        )
    name = source.config_name(store.spec.column)
    is_named = source.name is not None and len(store.levels) == 1
    names: dict[Level, str] = {"utterance": name, "frame": name if is_named else f"{name}{FRAMES_SUFFIX}"}
    return [ToStage(names[level], source.path, partial(_stage, store, level, names[level])) for level in kept]


def _stage(store: FeatureStore, level: Level, name: str, folder: Path) -> StagedConfig:
    replaced: Counter[str] = Counter()
    splits: dict[str, list[Path]] = {}
    for shard in store.shards:
        target = folder / DATA_FOLDER / shard_name(shard.record)
        with typed_write_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        replaced += stage_shard(shard, (level,), target)
        splits.setdefault(shard.record.split, []).append(target)
    write_plan(folder, [_job(record) for record in store.records], is_new=True)
    staged = write_summary(folder)  # opens it: every config is a set of its own
    notes = _notes(replaced)
    other_files = [folder / PLAN_NAME, folder / SUMMARY_NAME]
    if find_local_path((folder / SUMMARY_NAME).read_text(encoding="utf-8")):
        (folder / SUMMARY_NAME).unlink()
        other_files.pop()
        notes.append(f"{SUMMARY_NAME} names a path of the machine that made the set, and is left out.")
    spec = store.spec
    return StagedConfig(
        name=name,
        kind="features",
        corpus=store.corpus,
        splits=MappingProxyType({split: tuple(paths) for split, paths in splits.items()}),
        num_rows=MappingProxyType({split: staged.counts_of(split).rows for split in splits}),
        features=datasets.Features.from_arrow_schema(
            shard_columns(spec.column, store.num_dims, (level,), spec.storage)
        ),
        other_files=tuple(other_files),
        records=staged.records,
        levels=(level,),
        counts=MappingProxyType({split: staged.counts_of(split) for split in splits}),
        facts=MappingProxyType(feature_facts(staged.records, (level,), store.num_dims)),
        notes=tuple(notes),
    )


def _job(record: ShardRecord) -> ShardJob:
    stop = record.start + record.num_rows
    return ShardJob(record.split, record.number, record.total, record.start, stop, shard_name(record))


def _notes(replaced: Counter[str]) -> list[str]:
    return [
        f"{replaced[column]:,} of the values of `{column}` named a path of the machine that made the set: their "
        f"text is left out."
        for column in ("error", "notes")
        if replaced[column]
    ]

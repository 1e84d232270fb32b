"""Staging folders for the guard: real Parquet files, honest ones and planted ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data.builder.features import emotalk_features, m3ed_features
from emotalk_data.hub.building.manifest import MANIFEST_NAME
from emotalk_data.hub.staged import ConfigKind, Staged, StagedConfig
from emotalk_data.schemas.encoder_spec import EncoderSpec
from emotalk_data.schemas.feature_shard import PLAN_NAME, Level
from tests.feature_shards import SPEC, Row, make_rows, write_set

Corpus = Literal["emotalk", "m3ed"]

IDS: dict[str, list[str]] = {
    "emotalk": [f"G00008_01_{11 + number % 2}_{number:03d}" for number in range(1, 9)],
    "m3ed": [f"anjia_1_{number}" for number in range(1, 9)],
}
LICENCES = {SPEC.model: "apache-2.0"}


def staged_features(
    folder: Path,
    spec: EncoderSpec = SPEC,
    levels: tuple[Level, ...] = ("utterance",),
    *,
    corpus: Corpus | None = "emotalk",
    rows: Sequence[Row] | None = None,
    **record: Any,
) -> Staged:
    """A feature set as staging lays it out: a plan beside shards whose footers say how they were made."""
    place = folder / "hubert"
    made = make_rows(IDS[corpus or "emotalk"]) if rows is None else rows
    paths = write_set(place, made, spec, levels, corpus=corpus, **record)
    plan = {"version": 1, "splits": {"train": {"num_rows": len(made), "num_shards": len(paths)}}}
    (place / PLAN_NAME).write_text(json.dumps(plan), encoding="utf-8")
    return Staged(folder=folder, configs=(features_config(place, paths, corpus),))


def features_config(place: Path, paths: Sequence[Path], corpus: Corpus | None) -> StagedConfig:
    """The config of shards that were written, or changed after that: footers as they can be read."""
    from emotalk_data.builder.feature_sets.shards import open_shard
    from emotalk_data.errors import CacheCorruptError

    records = []
    for path in paths:
        try:
            records.append(open_shard(path).record)
        except CacheCorruptError:
            continue
    try:
        schema = pq.read_schema(paths[0])
        features = datasets.Features.from_arrow_schema(schema.remove_metadata())
    except (pa.ArrowException, OSError, ValueError):
        features = datasets.Features()
    return StagedConfig(
        name="hubert",
        kind="features",
        corpus=corpus,
        splits={"train": tuple(paths)},
        num_rows={"train": 8},
        features=features,
        other_files=(place / PLAN_NAME,),
        records=tuple(records),
        levels=records[0].levels if records else (),
    )


def staged_table(
    folder: Path,
    table: pa.Table,
    kind: ConfigKind = "built",
    corpus: Corpus | None = "emotalk",
    *,
    features: datasets.Features | None = None,
    metadata: Mapping[str, str] | None = None,
    other_files: Mapping[str, str] | None = None,
) -> Staged:
    """A config of one Parquet file, and what lies beside it."""
    path = folder / "set" / "data" / "train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    with pq.ParquetWriter(path, table.schema, write_page_checksum=True) as writer:
        writer.write_table(table, row_group_size=3)
        if metadata:
            writer.add_key_value_metadata(dict(metadata))
    others = []
    for name, text in (other_files or {}).items():
        others.append(folder / "set" / name)
        others[-1].write_text(text, encoding="utf-8")
    config = StagedConfig(
        name="set",
        kind=kind,
        corpus=corpus,
        splits={"train": (path,)},
        num_rows={"train": table.num_rows},
        features=datasets.Features() if features is None else features,
        other_files=tuple(others),
    )
    return Staged(folder=folder, configs=(config,))


def corpus_table(corpus: Corpus, columns: Sequence[str], **values: Any) -> pa.Table:
    """Rows of a corpus, as `emotalk build` writes them: some columns, each of its own type."""
    features = emotalk_features() if corpus == "emotalk" else m3ed_features()
    schema = datasets.Features({name: features[name] for name in columns}).arrow_schema
    ids = IDS[corpus]
    given: dict[str, Any] = {
        "utterance_id": ids,
        "dialogue_id": [one.rpartition("_")[0].rpartition("_")[0] for one in ids],
        "emotion": [number % 7 for number in range(len(ids))],
        "modalities": [["text", "audio"]] * len(ids),
        "text": ["你好，今天怎么样？"] * len(ids),
        "start_seconds": [1.5] * len(ids),
    } | values
    if corpus == "m3ed":
        given["dialogue_id"] = [one.rpartition("_")[0] for one in ids]
    columns_of = {
        name: pa.array(given.get(name, [None] * len(ids)), schema.field(name).type) for name in columns
    }
    return pa.table(columns_of, schema=schema)


MANIFEST = MANIFEST_NAME

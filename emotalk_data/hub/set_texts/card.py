"""The card of published sets: YAML that plain `datasets.load_dataset` obeys, and what a reader has to know."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq
from huggingface_hub import DatasetCardData

from emotalk_data.hub.card import GATE_FIELDS
from emotalk_data.hub.guard.licences import check_licence
from emotalk_data.hub.set_texts.card_text import set_card_text
from emotalk_data.hub.set_texts.facts import corpora_of, encoders_of, title_of
from emotalk_data.hub.set_texts.merging import merge_card
from emotalk_data.hub.staged import Staged, StagedConfig

if TYPE_CHECKING:
    from emotalk_data.hub.guard.judgement import Judgement

__all__ = ["set_card", "set_card_data"]

_TASKS: Final = {
    "audio": "audio-classification",
    "text": "text-classification",
    "video": "video-classification",
}
_GATE_KEYS: Final = ("extra_gated_prompt", "extra_gated_fields")
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def set_card(staged: Staged, judgement: Judgement, repo_id: str, *, existing: str | None, tag: str) -> str:
    """Return the README.md of a repository to be. It names no date and no place on a machine.

    Args:
        staged: what is uploaded.
        judgement: of the guard: licence, clauses and flags.
        repo_id: of the repository.
        existing: the card that is there, whose text and keys stay; None where there is none.
        tag: of the commit to be.

    Raises:
        PublishRefusedError: the card that is there cannot be read, or its licence is laxer.
    """
    return merge_card(
        existing,
        set_card_data(staged, judgement),
        set_card_text(staged, judgement, repo_id, tag=tag),
        check_licence=partial(check_licence, judgement),
    )


def set_card_data(staged: Staged, judgement: Judgement) -> dict[str, Any]:
    """Return the YAML of the card: licence, configs, features, row counts and the form of the gate.

    The form is None where there is no gate: that of an earlier card goes.
    """
    corpora, licence = corpora_of(staged), judgement.licence
    gate: dict[str, Any] = {}
    has_gate = (
        judgement.visibility != "public"
    )  # what is private may be opened later, and has to be gated then
    if corpora and has_gate:
        gate["extra_gated_prompt"] = "\n\n".join(facts.gate for facts in corpora)
        gate["extra_gated_fields"] = dict(GATE_FIELDS)
    data = DatasetCardData(
        pretty_name=title_of(staged),
        license=licence.id,
        license_name=licence.name,
        license_link=licence.link,
        language=["zh"],
        task_categories=_tasks(staged),
        size_categories=[_size(max(sum(config.num_rows.values()) for config in staged.configs))],
        source_datasets=[source for facts in corpora for source in facts.source_datasets] or None,
        tags=_tags(staged),
        **gate,
        configs=[_files(config) for config in staged.configs],
        dataset_info=[_info(config) for config in staged.configs],
    )
    written: dict[str, Any] = data.to_dict()  # type: ignore[no-untyped-call]
    return written if has_gate else {**written, **dict.fromkeys(_GATE_KEYS)}


def _files(config: StagedConfig) -> dict[str, Any]:
    files = [{"split": split, "path": f"{config.name}/data/{split}-*.parquet"} for split in config.splits]
    return {"config_name": config.name, "data_files": files}


def _info(config: StagedConfig) -> dict[str, Any]:
    """Describe a config. The row counts make `datasets` refuse a copy that lacks a shard."""
    sizes = {split: sum(map(_uncompressed_bytes, shards)) for split, shards in config.splits.items()}
    return {
        "config_name": config.name,
        "features": config.features._to_yaml_list(),
        "splits": [
            {"name": split, "num_bytes": sizes[split], "num_examples": config.num_rows[split]}
            for split in config.splits
        ],
        "download_size": sum(path.stat().st_size for path in config.shards),
        "dataset_size": sum(sizes.values()),
    }


def _uncompressed_bytes(shard: Path) -> int:
    """Return about how much room a shard takes once `datasets` has opened it, from its footer."""
    metadata = pq.read_metadata(shard)
    return sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))


def _tasks(staged: Staged) -> list[str]:
    found: list[str] = []
    for config in staged.configs:
        if config.records:
            found += ["feature-extraction", _TASKS[config.records[0].spec.modality]]
        else:
            found += [task for facts in corpora_of(staged) for task in facts.task_categories]
    return list(dict.fromkeys(found))


def _tags(staged: Staged) -> list[str]:
    """Return our own tag, what the corpora are about, and the encoders: people search for features by them."""
    left_out = {"audio", "video", "text"}
    if not any("captions" in config.features for config in staged.configs):
        left_out.add("speech-captioning")
    about = [tag for facts in corpora_of(staged) for tag in facts.tags if tag not in left_out]
    names = [model.rpartition("/")[2] for model in encoders_of(staged)]
    return list(dict.fromkeys(["emotalk-data", *about, *(name for name in names if _TAG.fullmatch(name))]))


def _size(num_rows: int) -> str:
    return next((name for limit, name in _SIZES if num_rows < limit), "n>10M")

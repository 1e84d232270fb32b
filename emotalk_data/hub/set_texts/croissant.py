"""The Croissant 1.1 description of published sets: a record set for each config, vectors with their shape."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from emotalk_data.builder.base import SCHEMA_VERSION
from emotalk_data.hub.corpora import CorpusFacts
from emotalk_data.hub.croissant_parts import CONFORMS_TO, CONTEXT, Rows, file_set, row_set, split_set
from emotalk_data.hub.set_texts.columns import set_column_meanings
from emotalk_data.hub.set_texts.facts import corpora_of, encoder_pages, summary_of, title_of
from emotalk_data.hub.staged import Staged, StagedConfig

if TYPE_CHECKING:
    from emotalk_data.hub.guard.judgement import Judgement
    from emotalk_data.hub.guard.licences import CardLicence

__all__ = ["set_croissant"]

_DESCRIPTIONS: Final = {
    "features": "One utterance a row.",
    "splits": "One dialogue or utterance of one fold a row.",
    "built": "One utterance a row.",
    "unknown": "The rows of the shards.",
}
_KEYS: Final = {"features": "utterance_id", "built": "utterance_id"}


def set_croissant(
    staged: Staged,
    judgement: Judgement,
    repo_id: str,
    existing: str | None = None,
    configs: Collection[str] = (),
) -> dict[str, Any]:
    """Return the description as a JSON-LD document. It names no date and no place on a machine.

    Args:
        staged: what is uploaded.
        judgement: of the guard: the licence.
        repo_id: of the repository.
        existing: the description that is there, of which what tells of other configs stays.
        configs: names of the configs that are in the repository; of others nothing stays.
    """
    kept = _kept(existing, set(configs) - {config.name for config in staged.configs})
    corpora = corpora_of(staged)
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": title_of(staged),
        "description": summary_of(staged),
        "url": f"https://huggingface.co/datasets/{repo_id}",
        "inLanguage": ["zh"],
        "keywords": list(dict.fromkeys(["emotalk-data", *(tag for facts in corpora for tag in facts.tags)])),
        "license": _licence(judgement.licence, corpora),
        "version": SCHEMA_VERSION,
        "distribution": [
            *(file_set(_rows(one).files, f"{one.name}/data/*.parquet") for one in staged.configs),
            *kept["distribution"],
        ],
        "recordSet": [
            *(part for config in staged.configs for part in _record_sets(config)),
            *kept["recordSet"],
        ],
    }
    if corpora:
        document["citeAs"] = "\n\n".join(facts.citation for facts in corpora)
        creators = [name for facts in corpora for name in facts.creators]
        document["creator"] = [{"@type": "sc:Person", "name": name} for name in creators]
    based_on = [*(facts.homepage for facts in corpora), *encoder_pages(staged).values()]
    return {**document, "isBasedOn": based_on} if based_on else document


def _kept(existing: str | None, names: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what a description says of these configs; nothing where it is damaged: it is written anew."""
    try:
        there: Any = json.loads(existing or "{}")
    except (ValueError, RecursionError):
        there = {}
    ids = {id_ for name in names for id_ in (name, *_places(name))}
    told: dict[str, Any] = there if isinstance(there, dict) else {}
    return {
        key: [
            part
            for part in (told[key] if isinstance(told.get(key), list) else ())
            if isinstance(part, dict) and isinstance(part.get("@id"), str) and part["@id"] in ids
        ]
        for key in ("distribution", "recordSet")
    }


def _places(name: str) -> tuple[str, str]:
    """Return the ids of a config's files and of its splits; a dot is in no column's name."""
    return f"{name}/data.files", f"{name}/data.splits"


def _licence(licence: CardLicence, corpora: tuple[CorpusFacts, ...]) -> str:
    """Return the page of a licence; its text where it has none."""
    pages = {facts.licence: facts.licence_url for facts in corpora if facts.licence_url is not None}
    return pages.get(licence.id) or licence.link or licence.text


def _rows(config: StagedConfig) -> Rows:
    files, splits = _places(config.name)
    return Rows(
        id=config.name,
        files=files,
        splits=splits,
        split_names=tuple(config.splits),
        description=_DESCRIPTIONS[config.kind],
        key=_KEYS.get(config.kind),
    )


def _record_sets(config: StagedConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = _rows(config)
    return split_set(rows.splits, rows.split_names), row_set(
        rows, config.features, set_column_meanings(config)
    )

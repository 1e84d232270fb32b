"""Which of a corpus's known limits a set of it has: those that its columns, encoders and splits make true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emotalk_data.hub.corpora import LIMIT_COLUMNS, CorpusFacts, LimitOf
from emotalk_data.hub.set_texts.facts import corpora_of
from emotalk_data.hub.staged import Staged, StagedConfig

__all__ = ["corpus_limits"]

_MODALITIES: Final[Mapping[LimitOf, str]] = {"transcripts": "text", "sound": "audio"}
"""What an encoder read is not in the set, and decided its numbers all the same."""


def corpus_limits(staged: Staged) -> list[str]:
    """Return what a user of these sets should know of the corpora, one sentence or two each."""
    return [
        limit.text
        for facts in corpora_of(staged)
        for limit in facts.known_limits
        if any(_has(config, limit.about, facts) for config in staged.configs if config.corpus == facts.name)
    ]


def _has(config: StagedConfig, about: LimitOf, facts: CorpusFacts) -> bool:
    if about == "corpus":
        return True
    if about == "splits":
        return _has_authors_splits(config, facts)
    if config.records:
        return config.records[0].spec.modality == _MODALITIES.get(about)
    return config.kind == "built" and not LIMIT_COLUMNS[about].isdisjoint(config.features)


def _has_authors_splits(config: StagedConfig, facts: CorpusFacts) -> bool:
    """Say whether rows lie in splits named as the authors' ones; the limit is on those that are not train."""
    names = set(config.splits)
    return config.kind in ("features", "built") and names <= set(facts.split_sizes) and names != {"train"}

"""What card and Croissant say of a staging folder as a whole: its corpora, its title, its encoders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from emotalk_data.hub.columns import LABEL_COLUMNS
from emotalk_data.hub.corpora import CORPUS_FACTS, CorpusFacts
from emotalk_data.hub.staged import Staged, StagedConfig

__all__ = ["corpora_of", "encoder_pages", "encoders_of", "summary_of", "title_of"]

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_KINDS: Final = {"features": "features", "splits": "splits", "built": "rows", "unknown": "tables"}
_LABELS: Final = "labels"


def corpora_of(staged: Staged) -> tuple[CorpusFacts, ...]:
    """Return the corpora whose utterances are in it."""
    names = {config.corpus for config in staged.configs}
    return tuple(facts for facts in CORPUS_FACTS if facts.name in names)


def encoders_of(staged: Staged) -> tuple[str, ...]:
    """Return the models whose features are in it, each once."""
    return tuple(dict.fromkeys(config.records[0].spec.model for config in _feature_configs(staged)))


def encoder_pages(staged: Staged) -> dict[str, str]:
    """Return model -> its page, of the encoders that are from the Hub."""
    specs = (config.records[0].spec for config in _feature_configs(staged))
    return {
        spec.model: f"https://huggingface.co/{spec.model}"
        for spec in specs
        if _HUB_ID.fullmatch(spec.model) and spec.revision not in (None, "local")
    }


def title_of(staged: Staged) -> str:
    """Return a title, such as `EmotionTalk: features of TencentGameMate/chinese-hubert-base`."""
    corpora = " and ".join(facts.pretty_name for facts in corpora_of(staged)) or "Utterances"
    kinds = list(dict.fromkeys(_kind(config) for config in staged.configs))
    encoders = encoders_of(staged)
    if kinds == [_KINDS["features"]] and len(encoders) == 1:
        return f"{corpora}: features of {encoders[0]}"
    return f"{corpora}: {' and '.join(kinds)}"


def summary_of(staged: Staged) -> str:
    """Return what is in it and what it was made from, in a few plain sentences."""
    said = []
    if encoders := encoders_of(staged):
        said.append(f"Features of utterances, made by {_listed(encoders)}.")
    kinds = {config.kind for config in staged.configs}
    if "splits" in kinds:
        said.append("Splits: which dialogue or utterance is in which part of which fold.")
    if "built" in kinds:
        said.append("Rows of the corpus, as emotalk_data reads them.")
    if _LABELS in map(_kind, staged.configs):
        said.append("They hold ids, labels and times, and nothing that was said, heard or seen.")
    said += [
        f"What they are of is {facts.pretty_name}, which is not in here; its home is {facts.homepage}."
        if "built" not in kinds
        else f"The corpus is {facts.pretty_name}; its home is {facts.homepage}."
        for facts in corpora_of(staged)
    ]
    return " ".join(said)


def _kind(config: StagedConfig) -> str:
    is_labels = config.kind == "built" and config.corpus is not None
    if is_labels and set(config.features) <= set(LABEL_COLUMNS[str(config.corpus)]):
        return _LABELS
    return _KINDS[config.kind]


def _feature_configs(staged: Staged) -> Sequence[StagedConfig]:
    return [config for config in staged.configs if config.records]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]

"""What each column of a published set means, whatever it was made from: the card and Croissant say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from emotalk_data.hub.columns import COLUMN_MEANINGS
from emotalk_data.hub.markdown import in_code
from emotalk_data.hub.staged import StagedConfig
from emotalk_data.schemas.feature_shard import FRAMES_SUFFIX, SECONDS_SUFFIX

__all__ = ["set_column_meanings"]

_SPLITS: Final = {
    "fold": "Number of the fold, from 0.",
    "split": "The split of that fold that the id is in; null for ids that are meant to be in none.",
}
_OF_FEATURES: Final = {
    "notes": "What was left out or odd, and harmless.",
    "error": "Why the row has no features: `missing: …`, `unreadable: …`, `refused: …`, `encoder: …`, "
    "`memory: …` or `not_finite: …`; null where it has some.",
    "input_digest": "BLAKE2b of the text, sound or pictures that were encoded; null where there was nothing.",
}
_ID: Final = "Id of the utterance, as the corpus's authors gave it."


def set_column_meanings(config: StagedConfig) -> Mapping[str, str]:
    """Return column -> its meaning, one sentence in Markdown; nothing for columns of which nothing is known."""
    of_corpus = COLUMN_MEANINGS[config.corpus] if config.corpus is not None else {"utterance_id": _ID}
    if config.kind == "features":
        return {"utterance_id": of_corpus["utterance_id"], **_feature_columns(config), **_OF_FEATURES}
    if config.kind == "splits":
        return {**{name: of_corpus[name] for name in config.features if name in of_corpus}, **_SPLITS}
    return of_corpus if config.kind == "built" else {}


def _feature_columns(config: StagedConfig) -> dict[str, str]:
    spec = config.records[0].spec
    name, model = spec.column, in_code(spec.model)
    return {
        name: f"The utterance's vector of {model}; null where there is none.",
        name
        + FRAMES_SUFFIX: f"The utterance's vectors of {model}, one a frame, token or picture, shape (T, D); "
        f"null where there are none.",
        name
        + SECONDS_SUFFIX: "Middle of each frame, in seconds from the start of the utterance; null for text.",
    }

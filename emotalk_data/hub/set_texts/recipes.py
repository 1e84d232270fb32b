"""Whose numbers a feature set holds: what its recipe says, where the set was made by it unchanged."""

from __future__ import annotations

from typing import Final

from emotalk_data.features.recipes.catalogue import list_recipes
from emotalk_data.hub.staged import StagedConfig

__all__ = ["recipe_sentences"]

_FAMILIES: Final = {
    "emotiontalk": "The recipe computes what EmotionTalk's authors did, quirks included.",
    "m3ed": "The recipe computes what M3ED's authors did, quirks included.",
    "clean": "The recipe is this library's own: no paper's numbers are meant to be met.",
}
_FOUND_LATER: Final = ("revision", "weights_digest", "num_dims")
"""What a recipe leaves open until the weights are looked up."""


def recipe_sentences(config: StagedConfig) -> list[str]:
    """Return whose numbers a config holds, what they are, and what of them cannot be reproduced."""
    if not config.records:
        return []
    spec = config.records[0].spec
    made_by = spec.model_copy(update=dict.fromkeys(_FOUND_LATER))
    known = next((one for one in list_recipes() if one.name == spec.name), None)
    if known is None:
        return ["The recipe is its publisher's own."]
    if known.spec.model_copy(update=dict.fromkeys(_FOUND_LATER)) != made_by:
        return ["The settings are other than those of the recipe of that name: its publisher changed them."]
    source = [f"Settings from: {known.source}."] if known.source else []
    return [_FAMILIES[known.family], *source, *known.notes, *known.limits]

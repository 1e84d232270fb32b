"""Licences as the card records them for itself: which line is ours, and what the configs that stay ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from emotalk_data.errors import PublishRefusedError, quote
from emotalk_data.hub.guard.licences import CardLicence, card_licence, checked_licences, encoder_licence
from emotalk_data.hub.staged import StagedConfig

if TYPE_CHECKING:
    from emotalk_data.hub.guard.judgement import Judgement

__all__ = ["NamedLicence", "check_kept", "config_licence", "find_mark", "licence_mark", "named_in"]

_MARK: Final = re.compile(r"\s*<!-- emotalk-data: licence ([\w.+-]+)(?: ([\w.+-]+))? -->")
_COVERS_ALL: Final = "no-licence-file"
"""Where nothing is permitted, whatever else is asked for is kept too."""


class NamedLicence(NamedTuple):
    """`license` and `license_name` of a card's YAML."""

    id: str
    name: str | None

    @property
    def parts(self) -> set[str]:
        """The licences that it is made of."""
        return set((self.name or self.id).split("-and-"))

    def covers(self, other: NamedLicence) -> bool:
        """Say whether who keeps this one keeps the other too."""
        return _COVERS_ALL in self.parts or other.parts <= self.parts

    def __str__(self) -> str:
        return self.id if self.name is None else f"{self.id} ({self.name})"


def licence_mark(licence: NamedLicence | CardLicence) -> str:
    """Return the comment that records a licence."""
    return f"<!-- emotalk-data: licence {' '.join(filter(None, (licence.id, licence.name)))} -->"


def find_mark(text: str) -> NamedLicence | None:
    """Return the licence that a text begins with; None where no mark is there."""
    found = _MARK.match(text)
    return None if found is None else NamedLicence(found[1], found[2])


def named_in(data: Mapping[str, Any]) -> NamedLicence | None:
    """Return the licence that a YAML names; None for none, or for several."""
    licence, name = data.get("license"), data.get("license_name")
    if not isinstance(licence, str) or not isinstance(name, str | None):
        return None
    return NamedLicence(licence, name)


def config_licence(config: StagedConfig, judgement: Judgement) -> CardLicence:
    """Return what a config asks for by itself: that of its corpus, and of its encoder."""
    if not config.records:
        return card_licence([config.corpus], {})
    model = config.records[0].spec.model
    text = dict(judgement.licence.encoders).get(model, "not known")
    licence = encoder_licence(model, {})
    if licence is None or licence.text != text:  # the publisher named it
        licence = None if text == "not known" else checked_licences({model: text})[model]
    return card_licence([config.corpus], {model: licence})


def check_kept(
    kept: Mapping[str, NamedLicence | None], now: NamedLicence | None, published: Mapping[str, Any]
) -> None:
    """Make sure that the licence of a card is no laxer than that of a config which stays.

    Args:
        kept: config that stays -> its licence; None where nothing says it.
        now: the licence of the card to be.
        published: the YAML of what is published now.

    Raises:
        PublishRefusedError: one of them asks for more.
    """
    for name, licence in kept.items():
        if licence is None or (now is not None and now.covers(licence)):
            continue
        first = next((one["config_name"] for one in published.get("configs") or []), "…")
        raise PublishRefusedError(
            f"the repository keeps the config {quote(name)}, whose licence is {quote(str(licence))}; what is "
            f"published now would put all of it under {now or 'no licence'}, which is laxer. Publish all sets of "
            f"the repository together: emotalk publish {first} {name} --to …, or take another repository."
        )

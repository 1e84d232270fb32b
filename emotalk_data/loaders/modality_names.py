"""Which modality a file of EmotionTalk belongs to, told by its name alone; and a release cut to some of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from emotalk_data.errors import OptionError, quote
from emotalk_data.loaders.listing import Listing
from emotalk_data.loaders.walk import ListedFile
from emotalk_data.schemas.labels import MODALITIES, Modality

__all__ = ["modalities_of_name", "only_modalities", "read_modalities"]

_WORDS: Final = re.compile(r"[a-z]+")


def read_modalities(modalities: Iterable[str] | None) -> tuple[Modality, ...] | None:
    """Return what a user gave, in the order of MODALITIES and each once; None for None.

    Raises:
        OptionError: none, or a name that is no modality.
    """
    if modalities is None:
        return None
    asked = [modalities] if isinstance(modalities, str) else list(modalities)
    unknown = [name for name in asked if name not in MODALITIES]
    if unknown or not asked:
        found = quote(unknown[0]) if unknown else "empty"
        raise OptionError(
            f"modalities is {found}; expected one or more of {list(MODALITIES)}, or None for all."
        )
    return tuple(modality for modality in MODALITIES if modality in asked)


def modalities_of_name(name: str) -> frozenset[Modality]:
    """Return the modalities that the innermost telling part of a path names: `data/audio/part-0.tar` is audio.

    A part tells if a word of it is a modality: `Audio.tar`, `emotiontalk_audio_1.zip`, the folder `Text`.
    """
    for part in reversed(name.lower().split("/")):
        words = set(_WORDS.findall(part))
        found: frozenset[Modality] = frozenset(modality for modality in MODALITIES if modality in words)
        if found:
            return found
    return frozenset()


def only_modalities(listing: Listing, modalities: Collection[Modality]) -> Listing:
    """Return a release without the files of other modalities, and without those that name none."""
    wanted = frozenset(modalities)

    def kept(files: list[ListedFile]) -> list[ListedFile]:
        return [file for file in files if wanted & modalities_of_name(file.name)]

    return replace(
        listing,
        folders=[folder for folder in listing.folders if wanted & modalities_of_name(folder.name)],
        archives=kept(listing.archives),
        lists=kept(listing.lists),
        zips=kept(listing.zips),
        unread=kept(listing.unread),
    )

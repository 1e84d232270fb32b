"""The folder of the release that a load asks for: what is on this machine, else what is fetched."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from emotalk_data.builder.releases import Corpus, given_release
from emotalk_data.download.places import find_release
from emotalk_data.errors import OptionError
from emotalk_data.hub_client.token import Token

if TYPE_CHECKING:
    from emotalk_data.schemas.labels import Modality

__all__ = ["release_folder", "wanted_modalities"]


def wanted_modalities(
    corpus: Corpus, data_dir: str | os.PathLike[str] | None, modalities: Iterable[str] | None
) -> tuple[Modality, ...] | None:
    """Return the modalities that are asked for; None for all.

    Raises:
        OptionError: they do not go with the corpus or with `data_dir`, or one is none.
    """
    if modalities is None:
        return None
    if corpus.name != "emotalk":
        raise OptionError("modalities belongs to EmotionTalk; M3ED's release has one part, its annotation.")
    if data_dir is not None:
        raise OptionError(
            "modalities says what to download, and data_dir what is there: leave one of them out. To read a "
            "part, give data_dir a folder with that part, such as Text.tar alone."
        )
    from emotalk_data.loaders.modality_names import read_modalities

    return read_modalities(modalities)


def release_folder(
    corpus: Corpus,
    data_dir: str | os.PathLike[str] | None,
    *,
    revision: str | None,
    token: bool | Token | None,
    modalities: tuple[Modality, ...] | None,
) -> str:
    """Return the folder of a release. This is where EmotionTalk is downloaded, and M3ED is not.

    Raises:
        ReleaseNotFoundError: nothing is at `data_dir`; or M3ED is nowhere.
        HubError: EmotionTalk is nowhere, and cannot be fetched; one of its kinds.
        CacheWriteError: no room for what is to be fetched.
    """
    root = given_release(corpus.name, data_dir)
    if root is not None:
        return root
    if corpus.name != "emotalk":
        return find_release(corpus.name)
    from emotalk_data.download.emotalk import fetch_emotalk

    return fetch_emotalk(modalities=modalities, revision=revision, token=token)

"""A CORPUS AS PARQUET, for one's own private use: media inside, or its labels alone.

    build_dataset    writes a folder that plain `datasets` opens; `emotalk build` calls it
    estimate_build   how large it would be

    corpus_folder    both, from end to end
    choice           which columns, and everything else that decides what is in the files
    embedding        one clip as it is kept: the release's own bytes; the maker of shards
    manifest         what the folder says of itself
    description      its card and its Croissant description

How a folder is filled, by several processes and again after a kill, is `emotalk_data.cache`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emotalk_data._lazy import lazy_names

if TYPE_CHECKING:
    from emotalk_data.hub.building.corpus_folder import Built, build_dataset, estimate_build
    from emotalk_data.hub.building.manifest import BuildManifest, is_build, read_build

__all__ = ["BuildManifest", "Built", "build_dataset", "estimate_build", "is_build", "read_build"]

_MODULES = {
    "BuildManifest": ".manifest",
    "Built": ".corpus_folder",
    "build_dataset": ".corpus_folder",
    "estimate_build": ".corpus_folder",
    "is_build": ".manifest",
    "read_build": ".manifest",
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)

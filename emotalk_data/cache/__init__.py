"""MATERIALISED COPIES: what is costly to decode, made once and kept as Parquet.

    materialise             writes a copy of a dataset; `emotalk cache` calls it
    estimate_copy           how large it would be, and how long it takes

    copying                 both, from end to end
    filling                 a folder of shards: what is missing is made; `hub.building` uses it too
    maker                   what decides what is in a shard
    recipe                  every option and version that decides a value
    source                  the rows, and a digest of them and their files
    making                  one clip, made
    shard                   a range of rows, written under a temporary name until it is whole
    folder                  whose folder it is, what is finished, the manifest
    workers, worker         several processes

Reading is `builder.materialised`: `load_dataset` opens a copy where it is given one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emotalk_data._lazy import lazy_names

if TYPE_CHECKING:
    from emotalk_data.cache.copying import Copied, estimate_copy, materialise
    from emotalk_data.cache.estimate import Estimate

__all__ = ["Copied", "Estimate", "estimate_copy", "materialise"]

_MODULES = {
    "Copied": ".copying",
    "Estimate": ".estimate",
    "estimate_copy": ".copying",
    "materialise": ".copying",
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)

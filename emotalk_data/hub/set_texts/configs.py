"""Configs of a card that are ours, beside those of its owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["config_names", "merge_configs"]


def merge_configs(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, list[Any] | None]:
    """Return `configs` and `dataset_info` of both; of theirs, what has our names or folders is replaced.

    Args:
        ours: our YAML; each of its configs has a folder of its name.
        theirs: the YAML that is there.
    """
    mine = [dict(one) for one in ours.get("configs") or []]
    names = {one["config_name"] for one in mine}
    kept = [one for one in _listed(theirs.get("configs")) if not _is_replaced(one, names)]
    dropped = {_name(one) for one in _listed(theirs.get("configs"))} - {_name(one) for one in kept}
    if mine and not any(_is_default(one) for one in [*mine, *kept]):
        mine[0]["default"] = True  # datasets refuses two of them
    infos = [one for one in _listed(theirs.get("dataset_info")) if _name(one) not in names | dropped]
    return {
        "configs": [*mine, *kept] or None,
        "dataset_info": [*(ours.get("dataset_info") or []), *infos] or None,
    }


def config_names(data: Mapping[str, Any]) -> set[str]:
    """Return the names of the configs of a card."""
    return {name for name in map(_name, _listed(data.get("configs"))) if name is not None}


def _is_replaced(config: Any, names: set[str]) -> bool:
    if _name(config) in names:
        return True
    paths = list(_paths(config))
    return bool(paths) and all(path.partition("/")[0] in names for path in paths)


def _paths(config: Any) -> Iterator[str]:
    """Yield the patterns of files that a config names, in whichever of the forms that `datasets` reads."""
    files = config.get("data_files") if isinstance(config, dict) else None
    folder = config.get("data_dir") if isinstance(config, dict) else None
    base = f"{folder.strip('/')}/" if isinstance(folder, str) else ""
    for one in _listed(files):
        for path in _listed(one.get("path") if isinstance(one, dict) else one):
            if isinstance(path, str):
                yield f"{base}{path}"
    if base and files is None:
        yield base


def _name(config: Any) -> str | None:
    name = config.get("config_name", "default") if isinstance(config, dict) else None
    return name if isinstance(name, str) else None


def _is_default(config: Any) -> bool:
    return _name(config) == "default" or (isinstance(config, dict) and bool(config.get("default")))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

"""What `emotalk build` made becomes a config: its shards, as they were written."""

from __future__ import annotations

from functools import partial
from hashlib import file_digest

from emotalk_data.errors import OptionError, quote
from emotalk_data.hub.building.manifest import MANIFEST_NAME, BuildManifest, read_build
from emotalk_data.hub.staging.files import check_contents
from emotalk_data.hub.staging.sources import Source
from emotalk_data.hub.staging.table_configs import Tables, damaged_table, stage_tables
from emotalk_data.hub.staging.to_stage import ToStage
from emotalk_data.schemas.feature_shard import DATA_FOLDER

__all__ = ["built_configs"]


def built_configs(source: Source) -> list[ToStage]:
    """Return the config that a folder of `emotalk build` becomes; nothing is written yet.

    Raises:
        OptionError: it is not finished, or has no possible name.
        CacheCorruptError: a shard is missing, or other than the folder says.
        PublishRefusedError: a link, or something unknown, is in it.
    """
    files = {path.name: path for path in check_contents(source.path, beside=(MANIFEST_NAME,))}
    manifest = read_build(source.path)
    if not manifest.is_complete:
        raise OptionError(
            f"{quote(str(source.path), 200)} is not finished. Run the same `emotalk build` again: it goes on.",
            path=str(source.path),
        )
    splits = {split: [shard.file for shard in part.shards] for split, part in manifest.splits.items()}
    expected = {name for names in splits.values() for name in names}
    for name in sorted(expected ^ set(files)):
        problem = "it is missing" if name in expected else f"{MANIFEST_NAME} does not name it"
        raise damaged_table(source.path / DATA_FOLDER / name, problem)
    for shard in manifest.shards:
        with files[shard.file].open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != shard.sha256:
                raise damaged_table(files[shard.file], "its bytes are other than when it was written")
    tables = Tables(
        path=source.path,
        name=source.config_name(manifest.corpus),
        shards={split: [files[name] for name in names] for split, names in splits.items() if names},
        kind="built",
        corpus=manifest.corpus,
        facts=_facts(manifest),
        beside=(MANIFEST_NAME,),
    )
    return [ToStage(tables.name, source.path, partial(stage_tables, tables))]


def _facts(manifest: BuildManifest) -> dict[str, str]:
    return {
        "Columns asked for": ", ".join(manifest.columns),
        "Media inside": "yes" if manifest.has_media else "no",
        "Version of the columns": str(manifest.recipe["schema_version"]),
        "Digest of the rows": manifest.source,
        "Key of the build": manifest.key,
        "Libraries": ", ".join(f"{name} {version}" for name, version in sorted(manifest.libraries.items())),
    }

"""Staging folders for the tests of card and Croissant: real ones, of small sets."""

from __future__ import annotations

from pathlib import Path

from emotalk_data.hub.guard.judgement import Decision, Judgement
from emotalk_data.hub.guard.licences import card_licence, checked_licences
from emotalk_data.hub.staged import Staged
from emotalk_data.hub.staging.stage import stage
from emotalk_data.schemas.split_file import SplitFile
from tests.feature_shards import SPEC, make_rows, write_set

IDS = [f"G00002_01_11_{number:03d}" for number in range(10)]
SPLIT_IDS = {
    "train": IDS,
    "validation": ["G00001_01_02_001"],
    "test": ["G00003_01_02_001", "G00003_01_02_002"],
}


def stage_set(folder: Path, *, corpus: str = "emotalk", **spec: object) -> Staged:
    """Stage a set of two levels and three splits, with null rows, and a split file."""
    for split, ids in SPLIT_IDS.items():
        rows = make_rows(ids, failed=(3, 5) if split == "train" else (), seed=len(ids))
        write_set(folder / "set", rows, SPEC.model_copy(update=spec), split=split, corpus=corpus)
    one, other = {"emotalk": ("G00002_01", "G00003_01"), "m3ed": ("anjia_1", "anjia_2")}[corpus]
    folds = [
        {"splits": {"train": [one], "test": [other]}},
        {"splits": {"test": [one]}, "left_out": [other]},
    ]
    SplitFile(corpus=corpus, name="mine", folds=folds).save(folder / "folds.json")
    return stage([folder / "set", folder / "folds.json"], folder / "staged")


def judgement_of(staged: Staged, **flags: str) -> Judgement:
    """A judgement that lets all columns through, with the licence that the guard finds."""
    encoders = {config.records[0].spec.model for config in staged.configs if config.records}
    licences = checked_licences(dict.fromkeys(encoders, "apache-2.0"))
    flag = next(iter(flags), None)
    return Judgement(
        visibility="private",
        decisions=tuple(
            Decision(
                config=config.name,
                place=f"column {column}",
                what="",
                redistribution="vectors",
                is_allowed=True,
                flag=flag if config.levels == ("frame",) else None,
                clause="CC BY-NC-SA 4.0, 3(b)(1): “the same License Elements”",
                reason="",
            )
            for config in staged.configs
            for column in config.features
        ),
        flags=flags,
        licence=card_licence({config.corpus for config in staged.configs}, licences),
        needs_gate=True,
    )

"""How rows are cut into shards: which splits there are, which rows a file holds, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from emotalk_data.errors import OptionError, quote

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

__all__ = ["Job", "SplitName", "Splits", "arrow_rows", "corpus_of", "plan", "split_of"]

SplitName = Literal["train", "validation", "test"]
Splits = dict[SplitName, "datasets.Dataset"]


class Job(NamedTuple):
    """A shard that is to be written.

    Attributes:
        split: its split.
        file: its name.
        start: first row.
        stop: the one after the last.
    """

    split: SplitName
    file: str
    start: int
    stop: int


def plan(lengths: Mapping[SplitName, int], rows_per_shard: int) -> dict[SplitName, list[Job]]:
    """Cut each split into shards. An empty split has none."""
    jobs: dict[SplitName, list[Job]] = {}
    for split, length in lengths.items():
        starts = range(0, length, rows_per_shard)
        jobs[split] = [
            Job(
                split,
                f"{split}-{number:05d}-of-{len(starts):05d}.parquet",
                start,
                min(start + rows_per_shard, length),
            )
            for number, start in enumerate(starts)
        ]
    return jobs


def split_of(rows: datasets.Dataset) -> str:
    """Return the name of the one split that rows are from: `train[:10%]` is no name for a file."""
    names = {part.partition("[")[0] for part in str(rows.split or "train").split("+")}
    if len(names) > 1:
        raise OptionError(
            f"the dataset joins {' and '.join(sorted(names))} (split {quote(str(rows.split))}), and a copy keeps "
            "splits apart. Make it of all splits, without a split given, or make one copy of each."
        )
    return names.pop()


def corpus_of(splits: Splits) -> Literal["emotalk", "m3ed"]:
    """Tell the corpus by the columns that only one of the two has.

    Raises:
        OptionError: it is neither.
    """
    names = set(next(iter(splits.values())).column_names)
    if {"utterance_id", "group_id"} <= names:
        return "emotalk"
    if {"utterance_id", "series"} <= names:
        return "m3ed"
    raise OptionError(
        "the dataset is neither EmotionTalk nor M3ED: expected the columns 'utterance_id' and 'group_id', or "
        "'utterance_id' and 'series'."
    )


def arrow_rows(rows: datasets.Dataset, start: int, stop: int) -> pa.Table:
    """Return rows as they are stored: media as bytes and path, nothing decoded."""
    table: pa.Table = rows.with_format("arrow")[start:stop]
    return table.cast(rows.features.arrow_schema)

"""What a loaded corpus holds, counted for `emotalk info`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import datasets

    from emotalk_data.loaders.report import Report

__all__ = ["Content", "SplitContent", "read_content"]


class SplitContent(NamedTuple):
    """Counts of one split.

    Attributes:
        rows: utterances.
        dialogues: conversations.
        speakers: people; in M3ED named characters, each in its own series.
        present: rows that have a record, by modality (in M3ED: a transcript, under `text`), and rows that
            have a medium (`sound`, `pictures`).
        emotions: rows by label in the order of the authors' ids; `null` last, when some have none.
    """

    rows: int
    dialogues: int
    speakers: int
    present: dict[str, int]
    emotions: dict[str, int]


class Content(NamedTuple):
    """What is in one release on disk.

    Attributes:
        data_dir: where the release lies.
        cache_dir: folder of the table that was built from it.
        splits: counts by split.
        report: what was found while reading.
    """

    data_dir: str
    cache_dir: str
    splits: dict[str, SplitContent]
    report: Report

    def to_dict(self) -> dict[str, Any]:
        """Return the content as JSON-ready values."""
        return {
            "data_dir": self.data_dir,
            "cache_dir": self.cache_dir,
            "splits": {split: counts._asdict() for split, counts in self.splits.items()},
            "report": {
                "summary": self.report.summary(),
                "counts": dict(sorted(self.report.counts.items())),
                "num_by_code": self.report.num_by_code(),
            },
        }


def read_content(corpus: str, data_dir: Path, episodes_dir: Path | None = None) -> Content:
    """Load a release, from the cache where it is there, and count.

    Raises:
        EmotalkError: as `load_dataset`.
    """
    from emotalk_data.load import load_dataset_builder

    builder = load_dataset_builder(corpus, data_dir=data_dir, episodes_dir=episodes_dir)
    builder.download_and_prepare()
    return Content(
        data_dir=str(data_dir),
        cache_dir=str(builder.cache_dir),
        splits={split: _count(corpus, rows) for split, rows in builder.as_dataset().items()},
        report=builder.report(),
    )


def _count(corpus: str, rows: datasets.Dataset) -> SplitContent:
    import pyarrow.compute as pc

    # The stored columns, not the rows: nothing is decoded, and a full corpus takes milliseconds.
    table = rows.data
    if corpus == "emotalk":
        speakers = table.column("speaker_id")
        records = pc.value_counts(pc.list_flatten(table.column("modalities")))
        present = {item["values"]: item["counts"] for item in records.to_pylist()}
        present = {of: present.get(of, 0) for of in ("text", "audio", "video", "multimodal")}
    else:
        speakers = pc.binary_join_element_wise(table.column("series"), table.column("speaker_name"), "/")
        present = {"text": _num_valid(table.column("text"))}
    present["sound"] = _num_valid(table.column("audio"))
    present["pictures"] = _num_valid(table.column("video"))
    return SplitContent(
        rows=rows.num_rows,
        dialogues=pc.count_distinct(table.column("dialogue_id")).as_py(),
        speakers=pc.count_distinct(speakers).as_py(),
        present=present,
        emotions=_count_labels(table.column("emotion"), rows.features["emotion"].names),
    )


def _num_valid(column: Any) -> int:
    return len(column) - int(column.null_count)


def _count_labels(column: Any, names: list[str]) -> dict[str, int]:
    import pyarrow.compute as pc

    numbers = {item["values"]: item["counts"] for item in pc.value_counts(column).to_pylist()}
    counts = {name: numbers.get(label, 0) for label, name in enumerate(names)}
    if None in numbers:
        counts["null"] = numbers[None]
    return counts

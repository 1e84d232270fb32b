"""Load a release as the tests of EmotionTalk's loader look at it: rows by id, and the report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from emotalk_data import load_dataset, validate
from emotalk_data.load import load_dataset_builder
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.problems import Problem

__all__ = ["Rows", "assert_validation_finds_it_all", "load", "problems_of", "record_path"]

Rows = dict[str, dict[str, Any]]


def load(root: str | os.PathLike[str], cache: Path, **options: Any) -> tuple[Rows, Report]:
    """Return the rows of all splits by id, media as paths, each with its split; and the checked report."""
    splits = load_dataset("emotalk", data_dir=root, cache_dir=cache, **options)
    rows: Rows = {}
    for split, dataset in splits.items():
        for row in dataset.data.table.to_pylist():
            assert rows.setdefault(row["utterance_id"], {**row, "split": split})["split"] == split
    assert len(rows) == sum(dataset.num_rows for dataset in splits.values())
    report = load_dataset_builder("emotalk", data_dir=root, cache_dir=cache, **options).report()
    report.check()
    assert report.counts["rows"] == len(rows)
    return rows, report


def assert_validation_finds_it_all(root: Path, loaded: Report) -> None:
    """Validation finds what loading found, and beyond it only what changes no row."""
    report = validate(root)
    assert report.counts == loaded.counts
    numbers = report.num_by_code()
    assert loaded.num_by_code().items() <= numbers.items()
    assert set(loaded.problems()) <= set(report.problems())
    severities = {CODES[code].severity for code in numbers.keys() - loaded.num_by_code().keys()}
    assert "error" not in severities


def problems_of(report: Report, code: str) -> list[Problem]:
    return [problem for problem in report.problems() if problem.code == code]


def record_path(root: Path, modality: str, utterance_id: str) -> Path:
    """Return where the release keeps one annotation file."""
    folder = Path(utterance_id[:6], utterance_id[:9], utterance_id[:12])
    return root / modality.capitalize() / "json" / folder / f"{utterance_id}.json"

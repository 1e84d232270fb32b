"""`features.json` says what is there, whoever writes last."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.features import extract_features
from emotalk_data.features.running import summary

from .hooks import Numbers, constant, content, table


def test_the_summary_has_the_shard_that_another_process_finished_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract_features(table(), Numbers(constant), tmp_path / "whole", rows_per_shard=5)
    shutil.copytree(tmp_path / "whole", tmp_path / "set")
    late = tmp_path / "set" / "data" / "train-00002-of-00003.parquet"
    hidden = late.rename(tmp_path / late.name)

    def open_and_then_comes_another(path: Path, **options: Any) -> Any:
        store = open_store(path, **options)
        if hidden.exists():
            hidden.rename(late)
        return store

    monkeypatch.setattr(summary, "open_store", open_and_then_comes_another)
    assert summary.write_summary(tmp_path / "set").num_rows == 12
    assert content(tmp_path / "set") == content(tmp_path / "whole")

"""Presence says which modalities are there, in the order of the rows, and opens nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data import load_dataset
from emotalk_data.errors import OptionError
from emotalk_data.testing import make_emotalk, make_m3ed
from emotalk_data.views.modalities.presence import presence

from ..real_tables import needs_tables, real_emotalk
from .modality_tables import FEATURES, Modalities, dataset_of

NAMES = ["has_text", "has_audio", "has_video"]
FLAG = st.booleans()


def masks_of(dataset: datasets.Dataset) -> list[tuple[bool, ...]]:
    found = presence(dataset)
    return list(zip(*(found[name] for name in NAMES), strict=True))


def with_column(dataset: datasets.Dataset, name: str, values: list[Any]) -> datasets.Dataset:
    """Replace a column by exactly these stored values."""
    field = dataset.data.table.field(name)
    place = dataset.column_names.index(name)
    table = dataset.data.table.set_column(place, field, pa.array(values, field.type))
    return datasets.Dataset(table, info=dataset.info)


@given(st.lists(st.tuples(FLAG, FLAG, FLAG), min_size=1, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_presence_is_what_the_columns_hold_in_any_order_of_rows(masks: list[Modalities], random: Any) -> None:
    dataset = dataset_of(masks)
    order = [random.randrange(len(masks)) for _ in range(len(masks) + 2)]
    chosen = dataset.select(order)
    assert masks_of(chosen) == [masks[number] for number in order]
    assert list(presence(chosen)["utterance_id"]) == [dataset["utterance_id"][row] for row in order]


def test_the_columns_are_booleans_also_of_no_rows() -> None:
    dataset = dataset_of([(True, False, True)])
    for found in (presence(dataset), presence(dataset.select([]))):
        assert found.column_names == ["utterance_id", *NAMES]
        assert {found.features[name].dtype for name in NAMES} == {"bool"}
    assert presence(dataset.select([])).num_rows == 0


def test_an_empty_transcript_is_there_and_a_medium_with_neither_path_nor_bytes_is_not() -> None:
    dataset = with_column(dataset_of([(True, True, True)]), "text", [""])
    assert masks_of(dataset) == [(True, True, True)]
    hollow = with_column(dataset, "audio", [{"bytes": None, "path": None}])
    assert masks_of(hollow) == [(True, False, True)]
    assert masks_of(with_column(dataset, "audio", [{"bytes": b"", "path": None}])) == [(True, True, True)]


def test_a_release_without_media_has_text_alone(emotalk: datasets.DatasetDict) -> None:
    for split in emotalk.values():
        assert masks_of(split) == [(row["text"] is not None, False, False) for row in split]


def test_each_row_agrees_with_its_clips_in_both_corpora(tmp_path: Path) -> None:
    make_emotalk(tmp_path / "emotalk", num_utterances=24)
    make_m3ed(tmp_path / "m3ed", num_dialogues=4, episodes=False)
    seen = set()
    for corpus in ("emotalk", "m3ed"):
        splits = load_dataset(corpus, data_dir=str(tmp_path / corpus), cache_dir=str(tmp_path / "cache"))
        for split in splits.values():
            masks = masks_of(split)
            assert masks == [
                tuple(row[name] is not None for name in ("text", "audio", "video")) for row in split
            ]
            seen |= set(masks)
    assert {(True, True, True), (True, True, False)} <= seen


def test_a_missing_column_and_a_dict_of_splits_are_refused() -> None:
    dataset = dataset_of([(True, True, True)])
    assert list(FEATURES) == dataset.column_names
    with pytest.raises(OptionError, match="no column 'video'"):
        presence(dataset.remove_columns("video"))
    with pytest.raises(OptionError, match="choose a split"):
        presence(datasets.DatasetDict({"train": dataset}))


@needs_tables
def test_every_utterance_of_the_real_tables_has_a_transcript() -> None:
    counts = {name: int(np.sum(presence(split)["has_text"])) for name, split in real_emotalk().items()}
    assert counts == {"train": 15_413, "validation": 1_908, "test": 1_929}

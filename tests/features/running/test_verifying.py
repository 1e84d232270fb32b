"""Rows that are encoded again: to compare them with what is stored."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.features import FeatureSet, extract_features
from emotalk_data.features.hook import Encoded
from emotalk_data.features.running.verifying import Verification, tolerance_of
from emotalk_data.schemas.feature_spec import CallableSpec

from .hooks import Loudness, Numbers, constant, sounds, table


def made(ds: Any, hook: Any, out: Path, **options: Any) -> FeatureSet:
    return extract_features(ds, hook, out, **{"rows_per_shard": 4, **options})


@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_rows_that_are_what_is_stored_are_clean(tmp_path: Path, storage: Any) -> None:
    ds = sounds(tmp_path / "wavs")
    found = made(ds, Loudness(), tmp_path / "set", storage=storage).verify(ds, 4, extractor=Loudness())
    assert (found.is_clean, len(found.rows), found.num_made) == (True, 4, 6)
    assert all(row.difference == 0 for row in found.rows)
    assert str(found).startswith("4 of 6 rows encoded again: all are what is stored")
    assert found.to_dict()["is_clean"] is True


def test_the_same_seed_chooses_the_same_rows_whatever_their_order(tmp_path: Path) -> None:
    ds = table()
    made_set = made(ds, Numbers(constant), tmp_path / "set")

    def chosen(rows: Any, seed: int) -> list[str]:
        found = made_set.verify(rows, 5, extractor=Numbers(constant), seed=seed)
        return [row.utterance_id for row in found.rows]

    assert chosen(ds, 0) == chosen(ds.shuffle(seed=1), 0)
    assert chosen(ds, 0) != chosen(ds, 1)
    assert len(made_set.verify(ds, 100, extractor=Numbers(constant)).rows) == 12


def test_numbers_that_differ_are_found(tmp_path: Path) -> None:
    def other(number: int) -> Encoded:
        encoded = constant(number)
        return encoded._replace(frames=encoded.frames * (1.01 if number == 3 else 1 + 1e-6))

    made_set = made(table(), Numbers(constant), tmp_path / "set")
    found = made_set.verify(table(), 12, extractor=Numbers(other))
    odd = [row for row in found.rows if row.problem is not None]
    assert [(row.utterance_id, row.problem) for row in odd] == [("u003", "it differs from what is stored")]
    assert odd[0].difference == pytest.approx(0.01, rel=1e-3)
    assert not found.is_clean
    assert "1 are not what is stored" in str(found)


def test_another_number_of_frames_differs(tmp_path: Path) -> None:
    def longer(number: int) -> Encoded:
        return Encoded(np.repeat(constant(number).frames, 2, axis=0))

    made_set = made(table(), Numbers(constant), tmp_path / "set")
    found = made_set.verify(table(), 1, extractor=Numbers(longer))
    assert found.rows[0].difference == float("inf")


def test_an_input_that_was_changed_is_named_even_where_the_numbers_are_close(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs")
    made_set = made(ds, Loudness(), tmp_path / "set")
    shutil.copy(tmp_path / "wavs" / "5.wav", tmp_path / "wavs" / "2.wav")
    (tmp_path / "wavs" / "3.wav").unlink()
    found = {row.utterance_id: row for row in made_set.verify(ds, 6, extractor=Loudness()).rows}
    assert found["u002"].problem == "its input is another one now"
    assert str(found["u003"].problem).startswith("its input is another one now; unreadable: ")
    assert [one for one, row in found.items() if row.problem is None] == ["u000", "u001", "u004", "u005"]


def test_rows_are_chosen_of_those_that_the_dataset_has(tmp_path: Path) -> None:
    made_set = made(table(), Numbers(constant), tmp_path / "set")
    found = made_set.verify(table().select(range(6, 12)), 12, extractor=Numbers(constant))
    assert found.is_clean
    assert [row.utterance_id for row in found.rows] == [f"u{number:03d}" for number in range(6, 12)]
    others = table(utterance_id=[f"v{number}" for number in range(12)])
    with pytest.raises(OptionError, match=r"none of the 12 rows with features of .* the first is 'u000'"):
        made_set.verify(others, extractor=Numbers(constant))


def test_another_encoder_is_refused(tmp_path: Path) -> None:
    made_set = made(table(), Numbers(constant), tmp_path / "set")
    with pytest.raises(OptionError, match=r"params\.a is not given there and 1 here"):
        made_set.verify(table(), extractor=Numbers(constant, params={"a": 1}))
    with pytest.raises(OptionError, match="is an encoder of your own"):
        made_set.verify(table())


@pytest.mark.parametrize(
    ("options", "message"),
    [({"k": 0}, "k is 0; expected how many rows"), ({"seed": "x"}, "seed is 'x'; expected a whole number")],
)
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: Any, message: str) -> None:
    made_set = made(table(), Numbers(constant), tmp_path / "set")
    with pytest.raises(OptionError, match=message):
        made_set.verify(table(), extractor=Numbers(constant), **options)


def test_a_set_without_features_has_nothing_to_compare(tmp_path: Path) -> None:
    ds = table(8, text=[None] * 4 + ["text"] * 4)
    made(ds, Numbers(constant), tmp_path / "set")
    (tmp_path / "set" / "data" / "train-00001-of-00002.parquet").unlink()
    made_set = FeatureSet.open(tmp_path / "set", allow_unfinished=True)
    with pytest.raises(OptionError, match="has no row with features to compare"):
        made_set.verify(ds, extractor=Numbers(constant))


def test_the_tolerance_follows_the_arithmetic() -> None:
    spec = CallableSpec(name="a", model="a", input="audio")
    tolerances = [
        tolerance_of(spec.model_copy(update={"compute": compute, "storage": storage}))
        for compute, storage in (("float32", "float32"), ("float32", "float16"), ("bfloat16", "float16"))
    ]
    assert tolerances == sorted(tolerances)
    assert tolerances[0] == 1e-4


def test_an_empty_comparison_can_be_shown() -> None:
    assert "0 of 0 rows" in str(Verification(Path("x"), 1e-4, (), 0))

"""A file a row, and what MERTools reads: names, values, labels, and what is not there."""

from __future__ import annotations

import csv
import os
import resource
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotalk_data.errors import CacheWriteError, DecodeError, LimitError, OptionError
from emotalk_data.features.exporting.export import export
from emotalk_data.features.exporting.label_archive import read_label_archive

from .sets import AUDIO, IDS, TEXT, emotalk, make_store, pooled

FAILED = ("G00002_01_02_002", "G00001_02_05_009")


def failures(folder: Path) -> list[dict[str, str]]:
    with (folder / "failures.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_row_is_a_file_under_the_names_that_the_authors_use(tmp_path: Path) -> None:
    store, rows = make_store(tmp_path / "set")
    exported = export(store, "npy", tmp_path / "out")
    assert sorted(path.name for path in exported.path.iterdir()) == ["tiny-hubert-FRA", "tiny-hubert-UTT"]
    for one, row in rows.items():
        vector = np.load(tmp_path / "out" / "tiny-hubert-UTT" / f"{one}.npy")
        frames = np.load(tmp_path / "out" / "tiny-hubert-FRA" / f"{one}.npy")
        assert vector.dtype == frames.dtype == np.float32
        np.testing.assert_array_equal(vector, pooled(row))
        np.testing.assert_array_equal(frames, row.frames)
    assert str(exported) == f"8 utterances written as npy to {tmp_path / 'out'}"


def test_a_null_row_has_no_file_and_its_reason_is_listed(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set", failed=FAILED)
    exported = export(store, "npy", tmp_path / "out")
    assert not list(exported.path.rglob(f"{FAILED[0]}.npy"))
    assert exported.num_rows == 6
    assert dict(exported.left_out) == {"missing": 2}
    assert failures(exported.path)[0] == {
        "features": "tiny-hubert",
        "utterance_id": FAILED[0],
        "split": "train",
        "reason": "missing: the row has no sound",
    }
    assert str(exported).endswith("; 2 left out (missing 2)")


def test_half_precision_is_written_as_float32(tmp_path: Path) -> None:
    spec = AUDIO.model_copy(update={"storage": "float16"})
    store, rows = make_store(tmp_path / "set", spec, ("utterance",))
    export(store, "npy", tmp_path / "out")
    one = IDS["train"][0]
    vector = np.load(tmp_path / "out" / "tiny-hubert-UTT" / f"{one}.npy")
    assert vector.dtype == np.float32
    np.testing.assert_allclose(vector, pooled(rows[one]), rtol=1e-3, atol=1e-3)  # half precision has 11 bits


def test_a_dataset_chooses_the_rows(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    ids = {"test": [*IDS["test"], "G00003_01_02_004"]}
    exported = export(store, "npy", tmp_path / "out", dataset=emotalk(ids))
    assert exported.num_rows == 2
    assert dict(exported.left_out) == {"not in the dataset": 6, "not in the set": 1}
    assert len(list((tmp_path / "out" / "tiny-hubert-UTT").iterdir())) == 2


def test_an_id_that_is_a_path_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set", ids={"train": ["../../outside"]}, corpus=None)
    with pytest.raises(OptionError, match="cannot be the name of a file"):
        export(store, "npy", tmp_path / "deep" / "er" / "out")
    assert not list(tmp_path.rglob("*.npy"))
    assert not list(tmp_path.rglob("*.writing"))


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    (tmp_path / "out").mkdir()
    export(store, "npy", tmp_path / "out")
    with pytest.raises(OptionError, match="is there and not empty"):
        export(store, "npy", tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="is there and not empty"):
        export(store, "mertools", tmp_path / "file")


def test_a_place_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    (tmp_path / "file").touch()
    with pytest.raises(CacheWriteError, match="Nothing is left of it"):
        export(store, "npy", tmp_path / "file" / "out")
    with pytest.raises(CacheWriteError, match="Nothing is left of it"):
        export(store, "mmsa", tmp_path / "file" / "out.pkl", dataset=emotalk())


@pytest.mark.parametrize("form", ["npy", "mertools", "dialoguernn", "mmsa"])
def test_a_write_that_fails_half_way_leaves_nothing_and_says_why(tmp_path: Path, form: Any) -> None:
    store, _ = make_store(tmp_path / "set", levels=("utterance",))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (130, limits[1]))  # a full disk, as near as a test gets to it
    try:
        with pytest.raises(CacheWriteError, match=r"File too large\. Nothing is left of it; make room"):
            export(store, form, tmp_path / "out", dataset=emotalk())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("form", ["mertools", "dialoguernn"])
def test_a_label_is_the_number_of_a_class(tmp_path: Path, form: Any) -> None:
    store, _ = make_store(tmp_path / "set")
    for column in ("text", "sentiment"):
        with pytest.raises(
            OptionError, match=rf"label is '{column}', .* these are: \['emotion', 'emotion_audio'\]"
        ):
            export(store, form, tmp_path / "out", dataset=emotalk(), label=column)


def test_a_set_is_not_written_into_itself(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    with pytest.raises(OptionError, match="lies inside of a set"):
        export(store, "npy", tmp_path / "set" / "npy")


def test_two_sets_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    first, _ = make_store(tmp_path / "first")
    second, _ = make_store(tmp_path / "second", AUDIO.model_copy(update={"name": "emotiontalk/tiny-hubert"}))
    with pytest.raises(OptionError, match="two of the sets would be written to 'tiny-hubert-UTT'"):
        export([first, second], "npy", tmp_path / "out")


def read_as_mertools(feature_root: Path, name: str) -> np.ndarray:
    """What MERTools' `func_read_one_feat` does with a file (MERBench/toolkit/utils/read_data.py)."""
    single = np.array([np.load(feature_root / f"{name}.npy").squeeze()]).squeeze()
    return single[np.newaxis, :] if single.ndim == 1 else single


def corpora_as_mertools(path: Path) -> dict[str, dict[str, Any]]:
    """What its loaders do with a label file (MERBench/toolkit/dataloader/meld.py)."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an old name of a numpy module would warn
        archive = np.load(path, allow_pickle=True)
        return {name: archive[f"{name}_corpus"].tolist() for name in ("train", "val", "test")}


def test_mertools_reads_features_and_labels_of_every_name_in_the_label_file(tmp_path: Path) -> None:
    audio, rows = make_store(tmp_path / "audio", failed=FAILED[:1])
    text, _ = make_store(tmp_path / "text", TEXT, ("utterance",), failed=FAILED[1:])
    dataset = emotalk(emotion=["G00003_01_13_001"], sentiment=["G00003_01_02_002"])
    exported = export([audio, text], "mertools", tmp_path / "out", dataset=dataset)
    corpora = corpora_as_mertools(tmp_path / "out" / "label.npz")
    assert list(corpora["train"]) == [one for one in IDS["train"] if one not in FAILED]
    assert list(corpora["val"]) == ["G00001_02_11_010"]
    assert corpora["test"] == {"G00003_01_02_002": {"emo": 1, "val": -10}}
    assert corpora["train"]["G00002_01_08_003"] == {"emo": 2, "val": 0.4}
    for name in [name for corpus in corpora.values() for name in corpus]:
        frames = read_as_mertools(tmp_path / "out" / "features" / "tiny-hubert-FRA", name)
        np.testing.assert_array_equal(frames, rows[name].frames)
        assert read_as_mertools(tmp_path / "out" / "features" / "tiny-e5-UTT", name).shape == (1, 3)
    assert exported.num_rows == 5
    assert dict(exported.left_out) == {"missing": 2, "no emotion": 1}
    assert [row["reason"] for row in failures(tmp_path / "out")] == [
        "missing: the row has no sound",
        "missing: the row has no sound",
        "no emotion",
    ]


def test_without_a_dataset_mertools_gets_features_alone(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set", failed=FAILED)
    exported = export(store, "mertools", tmp_path / "out")
    assert sorted(path.name for path in exported.path.iterdir()) == ["failures.csv", "features"]
    assert exported.num_rows == 6


def test_another_column_gives_other_labels(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    export(store, "mertools", tmp_path / "out", dataset=emotalk(), label="emotion_audio")
    assert corpora_as_mertools(tmp_path / "out" / "label.npz")["train"]["G00002_01_08_001"]["emo"] == 6


def test_the_same_labels_give_the_same_bytes(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    for name in ("one", "two"):
        export(store, "mertools", tmp_path / name, dataset=emotalk())
    assert (tmp_path / "one" / "label.npz").read_bytes() == (tmp_path / "two" / "label.npz").read_bytes()


def test_vectors_of_one_number_are_not_what_mertools_can_read(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set", AUDIO.model_copy(update={"num_dims": 1}))
    with pytest.raises(OptionError, match="has one number a vector"):
        export(store, "mertools", tmp_path / "out")


def test_a_label_file_is_read_without_numpy_running_it(tmp_path: Path) -> None:
    np.savez_compressed(
        tmp_path / "label.npz",
        train_corpus={"one": {"emo": "happy", "val": 0.5}},  # type: ignore[arg-type]  # as MERTools writes it
        names=np.array(["one", "two"]),
        numbers=np.arange(6).reshape(2, 3),
    )
    read = read_label_archive(tmp_path / "label.npz")
    assert read["train_corpus"] == {"one": {"emo": "happy", "val": 0.5}}
    assert read["names"].tolist() == ["one", "two"]
    np.testing.assert_array_equal(read["numbers"], [[0, 1, 2], [3, 4, 5]])


class _Opens:
    """Pickled, it opens a file where it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return open, (str(self.path), "w")


def test_a_label_file_that_asks_for_more_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "code.npz", x=np.array([_Opens(tmp_path / "canary")], object))
    with pytest.raises(DecodeError, match=r"holds the name '_?io', 'open', which features do not need"):
        read_label_archive(tmp_path / "code.npz")
    assert not (tmp_path / "canary").exists()
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros(33 << 20, np.uint8))
    halves = {name: np.zeros(17 << 20, np.uint8) for name in ("one", "two")}
    np.savez_compressed(tmp_path / "halves.npz", **halves)  # type: ignore[arg-type]  # any names
    for name in ("bomb", "halves"):
        with pytest.raises(LimitError, match="is larger than"):
            read_label_archive(tmp_path / f"{name}.npz")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OptionError, match="it is no file"):
        read_label_archive(tmp_path / "pipe")
    (tmp_path / "text.npz").write_bytes(b"no archive")
    with pytest.raises(DecodeError, match=r"cannot be read as a \.npz archive"):
        read_label_archive(tmp_path / "text.npz")
    with pytest.raises(OptionError, match="cannot read"):
        read_label_archive(tmp_path / "nothing.npz")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "csv"}, r"format is 'csv'; expected one of \['npy', 'mertools', 'dialoguernn', 'mmsa'\]"),
        ({"missing": "zero"}, "missing is 'zero'; expected 'error' or 'skip'"),
        ({"max_frames": 0}, "max_frames is 0; expected a whole number from 1"),
        ({"max_frames": 5}, "max_frames is for 'mmsa'; 'npy' keeps every frame"),
        ({"format": "mmsa"}, "give dataset="),
        ({"label": "emotion_audio"}, "label is 'emotion_audio'; 'npy' has no labels"),
        ({"label": "emotion_audio", "format": "mertools"}, "of which rows"),
        ({"dataset": "EmotionTalk"}, "dataset is 'str'; expected the Dataset or DatasetDict"),
        ({"store": []}, "expected a feature set to export"),
    ],
)
def test_arguments_that_cannot_be_are_refused(tmp_path: Path, arguments: Any, message: str) -> None:
    store, _ = make_store(tmp_path / "set")
    with pytest.raises(OptionError, match=message):
        export(**({"store": store, "format": "npy", "out": tmp_path / "out"} | arguments))
    assert not (tmp_path / "out").exists()


def test_mertools_without_a_dataset_says_that_there_are_no_labels(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    made = export(store, "mertools", tmp_path / "out")
    assert made.notes == ("no label.npz: give dataset= for the labels",)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["features"]

"""The two pickles: read with `pickle.load` as their projects do, and compared with the set."""

from __future__ import annotations

import pickle
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.features.exporting.export import export
from emotalk_data.features.exporting.plain_pickle import PickleWriter
from emotalk_data.features.exporting.safe_pickle import load_pickle, read_pickle

from .sets import AUDIO, IDS, M3ED_IDS, TEXT, VIDEO, emotalk, m3ed, make_store, pooled


def load(path: Path) -> Any:
    """Read as other projects do; an old name of a numpy module would warn."""
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("error")
        return pickle.load(file)  # noqa: S301  # written by the test


def test_a_list_of_ten_in_the_order_of_the_conversations(tmp_path: Path) -> None:
    audio, audio_rows = make_store(tmp_path / "audio", ids=M3ED_IDS, corpus="m3ed")
    text, text_rows = make_store(tmp_path / "text", TEXT, ids=M3ED_IDS, corpus="m3ed")
    exported = export([audio, text], "dialoguernn", tmp_path / "m3ed.pkl", dataset=m3ed())
    ids, speakers, labels, texts, audios, visuals, sentences, train, val, test = load(tmp_path / "m3ed.pkl")
    assert ids["anjia_2"] == ["A_anjia_2_9", "B_anjia_2_10"]
    assert speakers["anjia_10"] == ["A", "B"]
    assert labels == {"anjia_2": [2, 3], "anjia_10": [0, 1], "jimaofeishangtian_13": [0], "zhihu_1": [0]}
    assert sentences["anjia_2"] == ["第2句", "第3句"]
    assert (train, val, test) == (["anjia_2", "anjia_10"], ["jimaofeishangtian_13"], ["zhihu_1"])
    assert list(ids) == list(texts) == list(audios) == [*train, *val, *test]
    for dialogue, of_dialogue in ids.items():
        names = [one[2:] for one in of_dialogue]
        np.testing.assert_array_equal(audios[dialogue], [pooled(audio_rows[one]) for one in names])
        np.testing.assert_array_equal(texts[dialogue], [pooled(text_rows[one]) for one in names])
        assert audios[dialogue].dtype == np.float32
    assert visuals == {}
    assert (exported.num_rows, exported.left_out) == (6, {})


def test_speakers_of_emotiontalk_become_letters_in_the_order_of_their_first_words(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    export(store, "dialoguernn", tmp_path / "out.pkl", dataset=emotalk(), label="emotion_audio")
    ids, speakers, labels, *_ = load(tmp_path / "out.pkl")
    assert ids["G00002_01"] == IDS["train"]
    assert speakers == {"G00001_02": ["A", "B"], "G00002_01": ["A", "B", "A", "B"], "G00003_01": ["A", "B"]}
    assert labels["G00002_01"] == [6, 5, 4, 3]


def test_an_utterance_without_features_or_label_is_an_error_or_left_out_by_choice(tmp_path: Path) -> None:
    store, rows = make_store(tmp_path / "set", failed=("G00002_01_02_002",))
    dataset = emotalk(emotion=["G00003_01_02_002"])
    with pytest.raises(
        OptionError, match=r"2 of 8 utterances lack something \(missing 1, no emotion 1\)"
    ) as raised:
        export(store, "dialoguernn", tmp_path / "out.pkl", dataset=dataset)
    assert "'G00002_01_02_002': missing: the row has no sound. Give missing='skip'" in str(raised.value)
    assert not (tmp_path / "out.pkl").exists()
    exported = export(store, "dialoguernn", tmp_path / "out.pkl", dataset=dataset, missing="skip")
    ids, _, _, _, audios, *_ = load(tmp_path / "out.pkl")
    assert ids["G00002_01"] == ["G00002_01_08_001", "G00002_01_08_003", "G00002_01_02_004"]
    np.testing.assert_array_equal(audios["G00003_01"], [pooled(rows["G00003_01_13_001"])])
    assert (exported.num_rows, dict(exported.left_out)) == (6, {"missing": 1, "no emotion": 1})
    assert (tmp_path / "out.failures.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "tiny-hubert,G00002_01_02_002,train,missing: the row has no sound",
        ",G00003_01_02_002,test,no emotion",
    ]


def test_rows_that_the_dataset_does_not_have_are_no_error(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set", failed=("G00002_01_08_001",))
    one = emotalk()["test"]
    exported = export(store, "dialoguernn", tmp_path / "out.pkl", dataset=one)
    assert (exported.num_rows, dict(exported.left_out)) == (2, {"not in the dataset": 6})
    assert load(tmp_path / "out.pkl")[7:] == [[], [], ["G00003_01"]]


def test_the_same_set_gives_the_same_bytes_in_whatever_order_the_rows_are(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    shuffled = datasets.DatasetDict({name: part.shuffle(seed=3) for name, part in emotalk().items()})
    export(store, "dialoguernn", tmp_path / "one.pkl", dataset=emotalk())
    export(store, "dialoguernn", tmp_path / "two.pkl", dataset=shuffled)
    assert (tmp_path / "one.pkl").read_bytes() == (tmp_path / "two.pkl").read_bytes()


def test_sets_that_do_not_fit_the_form_are_refused(tmp_path: Path) -> None:
    frames, _ = make_store(tmp_path / "frames", levels=("frame",))
    other, _ = make_store(tmp_path / "other", AUDIO.model_copy(update={"name": "clean/other"}))
    with pytest.raises(OptionError, match="has frames alone; this form is of utterances"):
        export(frames, "dialoguernn", tmp_path / "out.pkl", dataset=emotalk())
    with pytest.raises(OptionError, match="are both of audio; expected one set a modality"):
        export([frames, other], "mmsa", tmp_path / "out.pkl", dataset=emotalk())
    with pytest.raises(OptionError, match="no row of the dataset has features in every set"):
        export(other, "dialoguernn", tmp_path / "out.pkl", dataset=m3ed(), missing="skip")
    with pytest.raises(OptionError, match="the dataset has no column 'sentiment'"):
        export(other, "mmsa", tmp_path / "out.pkl", dataset=emotalk().remove_columns("sentiment"))
    twice = datasets.concatenate_datasets([emotalk()["train"]] * 2)
    with pytest.raises(OptionError, match="is null or twice in the dataset"):
        export(other, "dialoguernn", tmp_path / "out.pkl", dataset=twice)
    halves = datasets.DatasetDict({"half": emotalk()["train"]})
    with pytest.raises(OptionError, match="is in the split 'half'; this form knows"):
        export(other, "dialoguernn", tmp_path / "out.pkl", dataset=halves)


def test_a_dialogue_in_two_splits_is_refused(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    train = emotalk()["train"]
    parts = datasets.DatasetDict({"train": train.select([0, 1]), "test": train.select([2, 3])})
    with pytest.raises(OptionError, match="dialogue 'G00002_01' is in two splits"):
        export(store, "dialoguernn", tmp_path / "out.pkl", dataset=parts)


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set")
    (tmp_path / "out.pkl").write_text("mine")
    with pytest.raises(OptionError, match="is there already; give a new file"):
        export(store, "mmsa", tmp_path / "out.pkl", dataset=emotalk())
    assert (tmp_path / "out.pkl").read_text() == "mine"


def test_mmsa_gets_padded_frames_with_their_lengths(tmp_path: Path) -> None:
    audio, rows = make_store(tmp_path / "audio")
    text, _ = make_store(tmp_path / "text", TEXT, ("utterance",))
    video, _ = make_store(tmp_path / "video", VIDEO, ("frame",))
    export([video, audio, text], "mmsa", tmp_path / "out.pkl", dataset=emotalk())
    data = load(tmp_path / "out.pkl")
    assert list(data) == ["train", "valid", "test"]
    train = data["train"]
    assert train["id"][0] == "G00002_01$_$08_001"
    assert train["raw_text"] == ["第0句", "第1句", "第2句", "第3句"]
    assert train["audio"].shape == (4, 4, 4)
    assert data["test"]["audio"].shape == (2, 4, 4)  # T is that of all splits
    assert train["vision"].shape == (4, 4, 5)
    assert train["text"].shape == (4, 1, 3)
    assert {train[name].dtype for name in ("audio", "vision", "text")} == {np.dtype("float32")}
    for number, one in enumerate(IDS["train"]):
        length = train["audio_lengths"][number]
        frames = rows[one].frames
        assert frames is not None
        assert length == len(frames)
        np.testing.assert_array_equal(train["audio"][number, :length], frames)
        assert not train["audio"][number, length:].any()
    np.testing.assert_allclose(train["regression_labels"], [-0.4, 0, 0.4, -0.4], rtol=1e-6)
    assert train["regression_labels"].astype(np.float32).shape == (4,)
    assert train["classification_labels"].tolist() == [0, 1, 2, 0]
    assert train["annotations"] == ["Negative", "Neutral", "Positive", "Negative"]


def test_what_is_cut_is_said(tmp_path: Path) -> None:
    store, rows = make_store(tmp_path / "set")
    exported = export(store, "mmsa", tmp_path / "out.pkl", dataset=emotalk(), max_frames=2)
    train = load(tmp_path / "out.pkl")["train"]
    assert train["audio_lengths"] == [1, 2, 2, 2]
    frames = rows[IDS["train"][3]].frames
    assert frames is not None
    np.testing.assert_array_equal(train["audio"][3], frames[:2])
    assert exported.notes == ("2 audio features cut at 2 frames",)
    assert str(exported).endswith("; 2 audio features cut at 2 frames")


def test_a_split_without_rows_is_there_and_empty(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set", ids={"train": IDS["train"]})
    export(store, "mmsa", tmp_path / "out.pkl", dataset=emotalk()["train"])
    valid = load(tmp_path / "out.pkl")["valid"]
    assert (valid["audio"].shape, valid["id"], valid["regression_labels"].shape) == ((0, 4, 4), [], (0,))


def test_m3ed_has_no_sentiment_for_mmsa(tmp_path: Path) -> None:
    store, _ = make_store(tmp_path / "set", ids=M3ED_IDS, corpus="m3ed")
    with pytest.raises(OptionError, match="MMSA learns sentiment, and M3ED has none"):
        export(store, "mmsa", tmp_path / "out.pkl", dataset=m3ed())


def test_more_than_the_disk_can_hold_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = make_store(tmp_path / "set")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100})())
    with pytest.raises(OptionError, match="Give max_frames"):
        export(store, "mmsa", tmp_path / "out.pkl", dataset=emotalk())
    assert not (tmp_path / "out.pkl").exists()


def test_an_array_is_never_whole_in_memory(tmp_path: Path) -> None:
    spec = AUDIO.model_copy(update={"num_dims": 4_000})
    ids = {"train": [f"G00002_01_08_{number:03d}" for number in range(300)]}
    store, _ = make_store(tmp_path / "set", spec, ("frame",), ids=ids)
    dataset = emotalk(ids)
    tracemalloc.start()
    export(store, "mmsa", tmp_path / "out.pkl", dataset=dataset)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "out.pkl").stat().st_size > 24e6  # 300 x 5 x 4,000 x 4 bytes
    assert peak < 6e6


texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.recursive(
    st.none() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_what_is_written_is_what_python_and_the_safe_reader_read(tmp_path_factory: Any, value: Any) -> None:
    path = tmp_path_factory.mktemp("plain") / "value.pkl"
    with path.open("wb") as file:
        writer = PickleWriter(file)
        writer.value(value)
        writer.end()
    assert pickle.loads(path.read_bytes()) == value  # noqa: S301  # written above
    assert read_pickle(path.read_bytes(), where="value") == value


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<i8", "|u1", "<f2"])
def test_arrays_of_any_byte_order_are_written_as_they_are(tmp_path: Path, dtype: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)
    with (tmp_path / "array.pkl").open("wb") as file:
        writer = PickleWriter(file)
        writer.value([array, array.T])
        writer.end()
    for read in (load(tmp_path / "array.pkl"), load_pickle(tmp_path / "array.pkl")):
        np.testing.assert_array_equal(read[0], array)
        np.testing.assert_array_equal(read[1], array.T)
        assert read[0].dtype == np.dtype(dtype).newbyteorder("<")

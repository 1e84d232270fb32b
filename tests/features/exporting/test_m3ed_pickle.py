"""M3ED's released files, made up in their form: what becomes of each row, and what is no such file."""

from __future__ import annotations

import pickle
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.errors import DecodeError, LimitError, OptionError, SchemaError
from emotalk_data.features.exporting.export import export
from emotalk_data.features.exporting.m3ed_pickle import import_m3ed_features

from . import hostile
from .sets import AUDIO, M3ED_IDS, emotalk, m3ed, make_store, pooled

IDS = {
    "anjia_2": ["A_anjia_2_9", "B_anjia_2_10"],
    "anjia_10": ["A_anjia_10_1", "B_anjia_10_2"],
    "jimaofeishangtian_13": ["A_jimaofeishangtian_13_6"],  # of B in the annotations
    "zhihu_1": ["A_zhihu_1_1"],
}


def released(**changes: Any) -> list[Any]:
    """A released file, small: every vector has its own numbers."""
    fields: dict[str, Any] = {
        "ids": IDS,
        "speakers": {one: [name[0] for name in ids] for one, ids in IDS.items()},
        "labels": {one: [np.int64(1)] * len(ids) for one, ids in IDS.items()},
        "text": {one: vectors(one, 3) for one in IDS},
        "audio": {one: vectors(one, 4) for one in IDS},
        "visual": {one: vectors(one, 5) for one in IDS},
        "sentences": {one: np.array(["你好"] * len(ids)) for one, ids in IDS.items()},
        "train": ["anjia_2", "anjia_10"],
        "val": ["jimaofeishangtian_13"],
        "test": ["zhihu_1"],
    }
    return list((fields | changes).values())


def vectors(dialogue: str, num_dims: int) -> np.ndarray:
    start = 100.0 * list(IDS).index(dialogue) + 1
    return start + np.arange(len(IDS[dialogue]) * num_dims, dtype=np.float64).reshape(-1, num_dims)


def write(path: Path, content: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def test_each_utterance_gets_its_vector_under_the_splits_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "m3ed.pkl", released())
    imported = import_m3ed_features(path, tmp_path / "set", modality="audio", name="m3ed-released/wav2vec")
    store = open_store(imported)
    assert store.ids("train") == ("anjia_2_9", "anjia_2_10", "anjia_10_1", "anjia_10_2")
    assert (store.ids("validation"), store.ids("test")) == (("jimaofeishangtian_13_6",), ("zhihu_1_1",))
    assert (store.corpus, store.levels, store.num_dims) == ("m3ed", ("utterance",), 4)
    np.testing.assert_array_equal(store.row("anjia_2_10").pooled, [5, 6, 7, 8])
    np.testing.assert_array_equal(store.row("jimaofeishangtian_13_6").pooled, [201, 202, 203, 204])
    assert store.spec.model_dump()["params"]["file"] == "m3ed.pkl"
    assert str(imported) == f"6 utterances in {tmp_path / 'set'}, 0 of them null"


@pytest.mark.parametrize(("modality", "num_dims"), [("text", 3), ("visual", 5), ("video", 5)])
def test_each_modality_is_a_set_of_its_own(tmp_path: Path, modality: Any, num_dims: int) -> None:
    path = write(tmp_path / "m3ed.pkl", released(), protocol=2)
    import_m3ed_features(path, tmp_path / "set", modality=modality, name="m3ed-released/x")
    store = open_store(tmp_path / "set")
    assert (store.num_dims, store.spec.modality) == (num_dims, "text" if modality == "text" else "video")


def test_zeros_of_the_authors_are_null_and_not_features(tmp_path: Path) -> None:
    audio = {one: vectors(one, 4) for one in IDS}
    audio["anjia_2"][0] = 0
    audio["zhihu_1"][0, 2] = np.nan
    audio["jimaofeishangtian_13"][0] = 1e300
    path = write(tmp_path / "m3ed.pkl", released(audio=audio))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        imported = import_m3ed_features(path, tmp_path / "set", modality="audio", name="x")
    store = open_store(tmp_path / "set")
    assert imported.num_null == 3
    assert (store.counts.made, store.counts.missing, store.counts.failed) == (3, 1, 2)
    assert (store.row("anjia_2_9").error or "").startswith("missing: zeros, which M3ED's authors wrote")
    assert (store.row("zhihu_1_1").error or "").startswith("not_finite: ")
    assert store.row("anjia_2_9").pooled is None


def test_ragged_lists_of_vectors_are_read_too(tmp_path: Path) -> None:
    """Where one of a dialogue's vectors was made up as (1, D), numpy keeps them as objects."""
    ragged = np.empty(2, object)
    ragged[:] = [np.ones(4), np.zeros((1, 4))]
    audio = {one: vectors(one, 4) for one in IDS} | {"anjia_2": ragged, "zhihu_1": [np.full((1, 4), 7.0)]}
    path = write(tmp_path / "m3ed.pkl", released(audio=audio))
    import_m3ed_features(path, tmp_path / "set", modality="audio", name="x")
    store = open_store(tmp_path / "set")
    np.testing.assert_array_equal(store.row("zhihu_1_1").pooled, [7, 7, 7, 7])
    assert store.row("anjia_2_10").pooled is None


def test_with_a_dataset_its_rows_and_splits_are_those_of_the_set(tmp_path: Path) -> None:
    path = write(tmp_path / "m3ed.pkl", released())
    ids = {"validation": ["zhihu_1_1", "zhihu_1_2"], "train": ["anjia_10_2"]}
    imported = import_m3ed_features(path, tmp_path / "set", modality="audio", name="x", dataset=m3ed(ids))
    store = open_store(tmp_path / "set")
    assert (store.ids("train"), store.ids("validation")) == (("anjia_10_2",), ("zhihu_1_1", "zhihu_1_2"))
    assert store.row("zhihu_1_2").error == "missing: the released file does not have this utterance"
    assert (imported.num_rows, imported.num_null, imported.num_unused) == (3, 1, 4)
    assert str(imported).endswith("1 of them null; 4 of the file are not in the dataset")


def test_what_we_export_we_import(tmp_path: Path) -> None:
    store, rows = make_store(tmp_path / "set", AUDIO, ("utterance",), ids=M3ED_IDS, corpus="m3ed")
    export(store, "dialoguernn", tmp_path / "m3ed.pkl", dataset=m3ed())
    import_m3ed_features(
        tmp_path / "m3ed.pkl", tmp_path / "again", modality="audio", name="x", dataset=m3ed()
    )
    again = open_store(tmp_path / "again")
    assert again.ids() == store.ids()
    for one, row in rows.items():
        np.testing.assert_array_equal(again.row(one).pooled, pooled(row))


def wrong(**of_audio: Any) -> dict[str, Any]:
    return {"audio": {one: vectors(one, 4) for one in IDS} | of_audio}


DIALOGUE = r"\['anjia_2'\]"
AN_ID = "expected an id such as 'A_anjia_1_2', each once"
WRONG = [
    ({"a": 1}, r"the whole of .* is a dict of 1; expected a list of 10: ids, speakers, .*, test"),
    (released()[:9], "is a list of 9; expected a list of 10"),
    (released(ids=[]), "ids of .* is a list of 0; expected a dict with a list for each dialogue"),
    (released(audio=None), "audio of .* is None; expected a dict"),
    (released(ids={"anjia_2": "A_anjia_2_9"}), f"ids{DIALOGUE} of .* is 'A_anjia_2_9'; expected a list"),
    (released(ids={"anjia_2": ["A_anjia_2_9", 7]}), rf"ids{DIALOGUE}\[1\] of .* is 7; {AN_ID}"),
    (released(ids={"anjia_2": ["A_anjia_2_9", "../etc"]}), rf"{DIALOGUE}\[1\] of .* is '../etc'; {AN_ID}"),
    (released(ids={"anjia_2": ["A_anjia_2_9", "B_anjia_2_9"]}), f"is 'B_anjia_2_9'; {AN_ID}"),
    (released(ids={"other_1": ["A_other_1_1"]}), r"audio\['other_1'\] of .* is None; expected 1 vectors"),
    (
        released(**wrong(anjia_2=np.ones((1, 4)))),
        r"an array of float64 and shape \(1, 4\); expected 2 vectors",
    ),
    (released(**wrong(zhihu_1=np.ones((1, 9)))), r"shape \(9,\); expected one vector of 4 numbers"),
    (released(**wrong(anjia_2=np.ones((2, 7, 4)))), r"shape \(7, 4\); expected one vector of"),
    (released(**wrong(zhihu_1=[[1.0] * 4])), r"\['zhihu_1'\]\[0\] of .* is a list of 4; expected one vector"),
    (released(**wrong(zhihu_1=np.array(["a"]))), "is 'a'; expected one vector of 4 numbers"),
    (released(train=None), "train of .* is None; expected a list of dialogues"),
    (released(train=["nobody_1"]), "train of .* is 'nobody_1'; expected a dialogue of the file"),
    (
        released(val=["anjia_2"]),
        "val of .* is 'anjia_2'; expected a dialogue of the file, in one split alone",
    ),
    (released(test=[]), "train of .* is 'zhihu_1'; expected every dialogue in a split"),
]


@pytest.mark.parametrize(("content", "message"), WRONG)
def test_what_is_no_such_file_is_told_with_its_place(tmp_path: Path, content: Any, message: str) -> None:
    path = write(tmp_path / "m3ed.pkl", content)
    with pytest.raises(SchemaError, match=message):
        import_m3ed_features(path, tmp_path / "set", modality="audio", name="x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m3ed.pkl"]


def test_hostile_files_leave_no_trace(tmp_path: Path) -> None:
    all_of_them = {**hostile.calls(tmp_path / "canary"), **hostile.bombs()}
    for number, content in enumerate(one for one in all_of_them.values() if len(one) < 10_000):
        (tmp_path / "m3ed.pkl").write_bytes(content)
        with pytest.raises((DecodeError, LimitError), match=r"m3ed\.pkl' holds"):
            import_m3ed_features(tmp_path / "m3ed.pkl", tmp_path / f"set{number}", modality="audio", name="x")
    assert [path.name for path in tmp_path.iterdir()] == ["m3ed.pkl"]


def test_one_array_under_many_names_is_not_written_many_times(tmp_path: Path) -> None:
    ids = {f"anjia_{number}": [f"A_anjia_{number}_1"] for number in range(100)}
    one = np.ones((1, 1_000), np.float32)
    content = released(ids=ids, audio=dict.fromkeys(ids, one), train=list(ids), val=[], test=[])
    path = write(tmp_path / "m3ed.pkl", content)
    with pytest.raises(
        LimitError, match=r"audio is 100 vectors of 1,000 numbers: it names one of them many times"
    ):
        import_m3ed_features(path, tmp_path / "set", modality="audio", name="x")


VALID = pickle.dumps(released())


@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_file_gives_a_whole_set_or_a_typed_error_and_none(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(VALID)
    for place, value in changes:
        content[place] = value
    (folder / "m3ed.pkl").write_bytes(bytes(content))
    with suppress(DecodeError, LimitError, SchemaError):
        import_m3ed_features(folder / "m3ed.pkl", folder / "set", modality="audio", name="x")
        assert open_store(folder / "set").num_rows == 6
        return
    assert [path.name for path in folder.iterdir()] == ["m3ed.pkl"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modality": "multimodal"}, "modality is 'multimodal'; expected one of"),
        ({"name": "Released File"}, "name is 'Released File'; expected small letters"),
        ({"dataset": emotalk()}, "the dataset is not M3ED, whose features these are"),
        ({"path": "nothing.pkl"}, "cannot read 'nothing.pkl'"),
    ],
)
def test_arguments_that_cannot_be_are_refused(tmp_path: Path, arguments: Any, message: str) -> None:
    path = write(tmp_path / "m3ed.pkl", released())
    with pytest.raises(OptionError, match=message):
        import_m3ed_features(
            **({"path": path, "out": tmp_path / "set", "modality": "audio", "name": "x"} | arguments)
        )
    assert not (tmp_path / "set").exists()


def test_a_set_is_not_written_over(tmp_path: Path) -> None:
    path = write(tmp_path / "m3ed.pkl", released())
    import_m3ed_features(path, tmp_path / "set", modality="audio", name="x")
    with pytest.raises(OptionError, match="is there and not empty"):
        import_m3ed_features(path, tmp_path / "set", modality="text", name="x")

"""Split files: what is written is read again, and what was changed is told."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import DecodeError, LimitError, OptionError, SchemaError
from emotalk_data.schemas.split_file import MAX_SPLIT_FILE_BYTES, Fold, SplitFile, load_split_file

TWO = {"train": ["G00002_01", "G00004_02"], "test": ["G00003_01"]}


def _file(**changes: Any) -> SplitFile:
    values: dict[str, Any] = {"corpus": "emotalk", "name": "mine", "folds": [{"splits": TWO}]}
    return SplitFile(**{**values, **changes})


def _folds(*splits: dict[str, list[str]]) -> list[dict[str, Any]]:
    return [{"splits": one} for one in splits]


def _write(path: Path, values: Any) -> Path:
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    made = {"by": "make_splits", "library": "emotalk_data 1", "parameters": {"seed": 0, "sizes": {"a": 0.1}}}
    fold = {
        "name": "一",
        "splits": TWO,
        "left_out": ["G00005_01"],
        "made_of": {"train": {"dialogues": 2, "utterances": 30, "asked": 0.8, "labels": {"sad": 4}}},
        "notes": ["train and test share nothing"],
    }
    before = _file(made=made, folds=[fold])
    digest = before.save(tmp_path / "splits.json")
    after = load_split_file(tmp_path / "splits.json")
    assert after == before
    assert after.digest == digest == before.digest
    assert pickle.loads(pickle.dumps(after)) == before  # noqa: S301  # our own bytes
    text = (tmp_path / "splits.json").read_text(encoding="utf-8")
    assert "一" in text  # for people
    assert text.endswith("}\n")


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["train", "validation", "test", "dev_2"]),
            st.sets(st.integers(0, 40), max_size=8),
            min_size=1,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_splits_come_back_from_their_json(folds: list[dict[str, set[int]]]) -> None:
    ids = [
        {
            name: [f"anjia_{number + 100 * place}" for number in numbers]
            for place, (name, numbers) in enumerate(fold.items())
        }
        for fold in folds
    ]
    before = SplitFile(corpus="m3ed", folds=_folds(*ids))
    values = json.loads(json.dumps(before.to_dict()))
    digest = values.pop("digest")
    after = SplitFile(**values)
    assert after == before
    assert after.digest == digest


def test_the_digest_is_that_of_the_canonical_json_as_documented(tmp_path: Path) -> None:
    _file(name="嗯").save(tmp_path / "splits.json")
    values = json.loads((tmp_path / "splits.json").read_text(encoding="utf-8"))
    stored = values.pop("digest")
    folds = [{"splits": fold["splits"], "left_out": fold["left_out"]} for fold in values["folds"]]
    content = {"corpus": values["corpus"], "folds": folds, "level": values["level"]}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert stored == "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def test_the_order_in_which_ids_are_given_does_not_count() -> None:
    turned = _file(folds=_folds({"train": ["G00004_02", "G00002_01"], "test": ["G00003_01"]}))
    assert turned == _file()
    assert turned.digest == _file().digest
    assert turned.folds[0].splits["train"] == ("G00002_01", "G00004_02")


def test_the_same_splits_have_the_same_digest_whoever_made_them() -> None:
    made = {"by": "make_splits", "library": "emotalk_data 9.9", "parameters": {"seed": 3}}
    assert _file(name="mine", made=made).digest == _file().digest
    left_out = [{"splits": TWO, "left_out": ["G00009_01"]}]
    assert len({_file().digest, _file(folds=left_out).digest, _file(folds=_folds(TWO, TWO)).digest}) == 3


def test_the_digest_of_a_file_stays_what_it_was_when_files_were_first_written() -> None:
    assert _file().digest == "sha256:2a7fa132cecd56fa016fadad8eef169b8b59c909bc3373027b6dd7e00e1b542b"


@pytest.mark.parametrize(
    ("folds", "json_path", "message"),
    [
        (
            _folds({"train": ["G00002_01", "G00002_01"]}),
            "folds[0].splits.train",
            r"holds 'G00002_01': it twice",
        ),
        (
            _folds(TWO, {"train": ["G00002_01"], "test": ["G00002_01"]}),
            "folds[1].splits.test",
            r"'G00002_01': it, and folds\[1\]\.splits\.train too; expected each id in one place",
        ),
        (
            [{"splits": TWO, "left_out": ["G00003_01"]}],
            "folds[0].left_out",
            r"'G00003_01': it, and folds\[0\]\.splits\.test too",
        ),
        (
            _folds({"train": ["G00002_01_07_001"]}),
            "folds[0].splits.train",
            r"expected the id of one dialogue",
        ),
        (_folds({"train": ["G00002_01\n"]}), "folds[0].splits.train", r"'G00002_01\\n'; expected the id"),
        (_folds({"train": ["anjia_1"]}), "folds[0].splits.train", r"of emotalk, such as G00008_01"),
        (
            [{"splits": {"train": ["G00002_01", 3]}}],
            "folds[0].splits.train[1]",
            r"is 3: Input should be a valid str",
        ),
        ([{"splits": {"train": "G00002_01"}}], "folds[0].splits.train", r"Input should be a valid tuple"),
        ([{"splits": {}}], "folds[0].splits", r"at least 1 item"),
        (
            [{"splits": {"../train": []}}],
            "folds[0].splits",
            r"has the name '\.\./train'; expected names of letters, digits and _",
        ),
        ([{"splits": TWO, "colour": 1}], "folds[0].colour", r"Extra inputs.*update emotalk_data"),
        ([{}], "folds[0].splits", r"is missing"),
        ([], "folds", r"at least 1 item"),
    ],
)
def test_splits_that_cannot_be_are_refused_with_their_place(folds: Any, json_path: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message) as caught:
        _file(folds=folds)
    assert caught.value.json_path == json_path


def test_a_part_that_cannot_be_is_refused_as_the_whole_is() -> None:
    with pytest.raises(SchemaError, match=r"splits has the name 'my train'") as caught:
        Fold(splits={"my train": []})
    assert caught.value.json_path == "splits"
    with pytest.raises(SchemaError, match=r"folds\[0\]\.made_of\.train\.utterances is -1") as caught:
        _file(folds=[{"splits": TWO, "made_of": {"train": {"dialogues": 1, "utterances": -1}}}])
    assert caught.value.json_path == "folds[0].made_of.train.utterances"


def test_ids_have_the_grammar_of_their_corpus_and_level() -> None:
    SplitFile(corpus="m3ed", folds=_folds({"train": ["anjia_1", "wo-de_2"]}))
    SplitFile(corpus="m3ed", level="utterance", folds=_folds({"train": ["anjia_1_2"]}))
    SplitFile(corpus="emotalk", level="utterance", folds=_folds({"train": ["G00002_01_07_001"]}))
    with pytest.raises(
        SchemaError, match=r"'anjia_1_2'; expected the id of one dialogue of m3ed, such as anjia_1\."
    ):
        SplitFile(corpus="m3ed", folds=_folds({"train": ["anjia_1_2"]}))
    with pytest.raises(SchemaError, match=r"expected the id of one utterance of emotalk"):
        SplitFile(corpus="emotalk", level="utterance", folds=_folds({"train": ["G00002_01"]}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"corpus": "iemocap"}, r"corpus is 'iemocap': Input should be 'emotalk' or 'm3ed'"),
        ({"version": 2}, r"version is 2.*If a later version wrote the file, update emotalk_data"),
        ({"made": {"by": "me", "parameters": {"x": float("nan")}}}, r"not JSON compliant"),
        ({"made": {"by": 3}}, r"made\.by is 3"),
        ({"self": 1}, r"self is 1: Extra inputs"),
        ({"name": "x" * 300}, r"at most 200 characters"),
    ],
)
def test_other_values_that_cannot_be_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        _file(**change)


def test_a_file_that_was_changed_is_not_taken(tmp_path: Path) -> None:
    values = _file().to_dict()
    values["folds"][0]["splits"]["train"].append("G00005_01")
    path = _write(tmp_path / "splits.json", values)
    with pytest.raises(SchemaError, match=r"splits\.json: digest is 'sha256:.*; expected sha256:") as caught:
        load_split_file(path)
    assert (caught.value.path, caught.value.json_path) == (str(path), "digest")
    del values["digest"]
    with pytest.raises(
        SchemaError, match=r"digest is missing; expected sha256:.*if you wrote the file yourself"
    ):
        load_split_file(_write(path, values))


def test_a_file_written_by_hand_is_taken_with_the_digest_that_the_message_names(tmp_path: Path) -> None:
    values = {"format": "emotalk-splits", "version": 1, "corpus": "emotalk", "folds": _folds(TWO)}
    path = _write(tmp_path / "splits.json", values)
    with pytest.raises(SchemaError, match=r"digest is missing") as caught:
        load_split_file(path)
    (digest,) = re.findall(r"sha256:[0-9a-f]{64}", str(caught.value))
    assert load_split_file(_write(path, {**values, "digest": digest})).folds == _file().folds


def test_a_wrong_value_in_a_file_is_told_with_the_file_and_its_place(tmp_path: Path) -> None:
    values = _file().to_dict()
    values["folds"][0]["splits"]["test"] = ["G00002_01"]
    path = _write(tmp_path / "splits.json", values)
    with pytest.raises(
        SchemaError, match=r"splits\.json: folds\[0\]\.splits\.test holds 'G00002_01'"
    ) as caught:
        load_split_file(path)
    assert (caught.value.path, caught.value.json_path) == (str(path), "folds[0].splits.test")


def test_what_is_no_split_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "splits.json"
    nonsense: list[Any] = [[], {"train": ["G00002_01"]}, "text"]
    for values in nonsense:
        with pytest.raises(SchemaError, match=r"is no split file; expected an object with \"format\""):
            load_split_file(_write(path, values))
    with pytest.raises(SchemaError, match=r"format is 'x'"):
        load_split_file(_write(path, {"format": "x", "self": 1}))
    path.write_text('{"format": "emotalk-splits", "format": "emotalk-splits"}', encoding="utf-8")
    with pytest.raises(DecodeError, match=r"duplicate key"):
        load_split_file(path)
    path.write_bytes(b"\xff")
    with pytest.raises(DecodeError, match=r"is not strict JSON"):
        load_split_file(path)
    with pytest.raises(OptionError, match=r"cannot read the split file .*No such file.*emotalk splits make"):
        load_split_file(tmp_path / "nothing.json")
    with pytest.raises(OptionError, match=r"cannot read the split file .*Is a directory"):
        load_split_file(tmp_path)
    with pytest.raises(OptionError, match=r"cannot read the split file .*null"):
        load_split_file("a\0b")
    with pytest.raises(OptionError, match=r"cannot read the split file '3'"):
        load_split_file(3)  # type: ignore[arg-type]


def test_a_file_beyond_any_real_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "splits.json"
    with path.open("wb") as file:
        file.truncate(MAX_SPLIT_FILE_BYTES + 1)
    with pytest.raises(LimitError, match=r"more than 67,108,864 bytes"):
        load_split_file(path)


def test_another_file_is_not_overwritten_unless_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "splits.json"
    _file().save(path)
    _file().save(path)  # the same content
    other = _file(name="other")
    with pytest.raises(OptionError, match=r"is there already, with other content.*overwrite=True"):
        other.save(path)
    assert load_split_file(path) == _file()
    other.save(path, overwrite=True)
    assert load_split_file(path) == other
    assert [file.name for file in tmp_path.iterdir()] == ["splits.json"]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing" / "splits.json", tmp_path, "a\0b"):
        with pytest.raises(OptionError, match=r"cannot write the split file"):
            _file().save(path)
    with pytest.raises(OptionError, match=r"the path of the split file is 3; expected the name of a file"):
        _file().save(3)  # type: ignore[arg-type]


def test_a_fold_is_chosen_by_number_or_name() -> None:
    one = _file()
    assert one.choose_fold() is one.choose_fold(0) is one.folds[0]
    several = _file(folds=[{"name": "a", "splits": TWO}, {"name": "b", "splits": TWO}])
    assert several.choose_fold("b") is several.choose_fold(1) is several.folds[1]
    assert several.choose_fold(np.int64(1)) is several.folds[1]  # type: ignore[arg-type]  # of np.arange
    with pytest.raises(OptionError, match=r"has 2 folds; choose one with fold=0 to fold=1\."):
        several.choose_fold()
    for wrong in (2, -1, "c", True, 0.0):
        with pytest.raises(OptionError, match=r"expected fold=0 to fold=1, or one of the names \['a', 'b'\]"):
            several.choose_fold(wrong)  # type: ignore[arg-type]


def test_printed_it_is_a_table_of_what_was_asked_and_reached() -> None:
    made_of = {
        "train": {"dialogues": 2, "utterances": 30, "asked": 0.8, "labels": {"sad": 20, "happy": 10}},
        "test": {"dialogues": 1, "utterances": 10, "asked": 0.2, "labels": {"sad": 10}},
    }
    fold = {"splits": TWO, "made_of": made_of, "left_out": ["G00005_01"], "notes": ["a\x1b[31m"]}
    assert str(_file(folds=[fold])).splitlines()[3:] == [
        "fold  split       dialogues  utterances  share  asked  label shift",
        "0     train               2          30  75.0%  80.0%        0.083",
        "0     test                1          10  25.0%  20.0%        0.250",
        "      (left out)          1",
        "fold 0: a\\x1b[31m",
    ]

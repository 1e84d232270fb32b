"""A pattern is applied without touching media, and saved and loaded without a change going unseen."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data import AudioClip, load_dataset
from emotalk_data.errors import DecodeError, LimitError, OptionError, SchemaError
from emotalk_data.testing import make_emotalk, make_m3ed
from emotalk_data.views.modalities.missing import MissingPattern, apply_missing, load_missing, make_missing
from emotalk_data.views.modalities.presence import Input, presence

from .modality_tables import FEATURES, Modalities, dataset_of, dialogues_of

INPUTS: tuple[Input, ...] = ("text", "audio", "video")
GOES_WITH = {"text": ("text", "text_raw", "events"), "audio": ("audio", "captions"), "video": ("video",)}
STAYS = ["utterance_id", "dialogue_id", "utterance_number", "emotion"]
FLAG = st.booleans()
MASKS = st.lists(st.tuples(FLAG, FLAG, FLAG), min_size=1, max_size=10).filter(
    lambda masks: any(map(any, masks))
)


def by_id(pattern: MissingPattern) -> dict[str, Any]:
    return dict(zip(pattern.utterance_ids, pattern.available.tolist(), strict=True))


def available_of(dataset: datasets.Dataset) -> list[list[bool]]:
    return [list(row) for row in zip(*(dataset[f"available_{name}"] for name in INPUTS), strict=True)]


def stored(dataset: datasets.Dataset) -> list[dict[str, Any]]:
    """Return the rows as they are stored: no clips."""
    table = dataset.flatten_indices() if dataset._indices is not None else dataset
    rows: list[dict[str, Any]] = table.data.table.to_pylist()
    return rows


@given(MASKS, st.randoms(use_true_random=False), st.floats(0, 0.6), FLAG)
@settings(max_examples=20)
def test_the_cells_of_the_pattern_are_null_and_all_else_is_as_it_was(
    masks: list[Modalities], random: Any, rate: float, chunks: bool
) -> None:
    dataset = dataset_of(masks)
    pattern = make_missing(dataset, "fixed_rate", rate=rate, keep_one=False, seed=1)
    if chunks:
        dataset = datasets.concatenate_datasets([dataset.select([n]) for n in range(len(masks))])
    order = [random.randrange(len(masks)) for _ in range(len(masks))]
    before = dataset.select(order)
    after = apply_missing(before, pattern)
    for old, new in zip(stored(before), stored(after), strict=True):
        left = by_id(pattern)[new["utterance_id"]]
        for name, is_left in zip(INPUTS, left, strict=True):
            assert new[f"available_{name}"] is is_left
            for column in GOES_WITH[name]:
                assert new[column] == (old[column] if is_left else None)
        assert [new[name] for name in STAYS] == [old[name] for name in STAYS]
    # What is left is what is present now.
    found = presence(after)
    assert [list(row) for row in zip(*(found[f"has_{name}"] for name in INPUTS), strict=True)] == [
        by_id(pattern)[name] for name in after["utterance_id"]
    ]


def buffers_of(dataset: datasets.Dataset, name: str) -> list[int]:
    """Return where in memory the bytes of a media column lie."""
    chunks = dataset.data.table.column(name).chunks
    return [chunk.field("bytes").buffers()[2].address for chunk in chunks]


@pytest.mark.parametrize("rows", [None, [3, 1, 2]], ids=["all", "selected"])
def test_media_are_not_copied_and_a_selection_stays_one(rows: list[int] | None) -> None:
    dataset = dialogues_of(6)
    pattern = make_missing(dataset, "fixed_rate", rate=0.5)
    chosen = dataset if rows is None else dataset.select(rows)
    after = apply_missing(chosen, pattern)
    assert buffers_of(after, "audio") == buffers_of(dataset, "audio")
    assert after.data.num_rows == 6
    assert len(after) == len(chosen)
    assert dataset["text"][0] is not None  # the old one is as it was
    assert presence(dataset)["has_audio"][:] == [True] * 6


def test_types_split_and_format_stay() -> None:
    dataset = dialogues_of(6)
    pattern = make_missing(dataset, "only", only=["text"])
    for before in (dataset, dataset.select([4, 2])):
        after = apply_missing(before, pattern)
        assert {name: after.features[name] for name in FEATURES} == dict(FEATURES)
        assert type(after.features["audio"]) is type(FEATURES["audio"])
        assert after.split == before.split
        assert after.column_names[:4] == STAYS
        assert after.features["available_audio"] == datasets.Value("bool")
    shown = apply_missing(dataset.with_format("numpy", columns=["emotion"]), pattern)
    assert shown.format["type"] == "numpy"
    assert shown.format["columns"] == ["emotion", *(f"available_{name}" for name in INPUTS)]
    assert set(apply_missing(shown, pattern).format["columns"]) == set(shown.format["columns"])


def test_the_fingerprint_tells_patterns_apart_and_the_same_one_again() -> None:
    dataset = dialogues_of(6)
    one, other = (make_missing(dataset, "fixed_rate", rate=0.5, seed=seed) for seed in (1, 2))
    prints = [apply_missing(dataset, pattern)._fingerprint for pattern in (one, other, one)]
    assert prints[0] == prints[2] != prints[1]
    assert dataset._fingerprint not in prints


def test_the_result_works_with_select_filter_sort_and_pickle(tmp_path: Path) -> None:
    dataset = dialogues_of(6)
    after = apply_missing(dataset, make_missing(dataset, "fixed_rate", rate=0.4))
    expected = stored(after)
    assert stored(pickle.loads(pickle.dumps(after))) == expected  # noqa: S301  our own
    assert stored(after.select([2, 0])) == [expected[2], expected[0]]
    with_text = after.filter(lambda flag: flag, input_columns="available_text")
    assert stored(with_text) == [row for row in expected if row["available_text"]]
    after.remove_columns(["audio", "video"]).save_to_disk(str(tmp_path / "saved"))
    again = datasets.load_from_disk(str(tmp_path / "saved"))
    assert list(again["text"]) == [row["text"] for row in expected]


def test_columns_that_are_not_there_are_passed_over() -> None:
    dataset = dialogues_of(4)
    pattern = make_missing(dataset, "only", only=["video"])
    after = apply_missing(dataset.select_columns(["utterance_id", "emotion", "text"]), pattern)
    assert after.column_names == ["utterance_id", "emotion", "text", "available_text"]
    assert set(after["text"]) == {None}
    with pytest.raises(OptionError, match="no column of a modality"):
        apply_missing(dataset.select_columns(["utterance_id", "emotion"]), pattern)


def test_patterns_one_after_the_other_take_both_away() -> None:
    dataset = dialogues_of(4)
    text, audio = (
        make_missing(dataset, "fixed_rate", rate=1, modalities=[name]) for name in ("text", "audio")
    )
    after = apply_missing(apply_missing(dataset, text), audio)
    assert available_of(after) == [[False, False, True]] * 4
    assert after.column_names == [*dict.fromkeys(after.column_names)]


def test_columns_of_your_own_go_too() -> None:
    dataset = dialogues_of(3)
    features = datasets.Features(
        {
            "wav2vec2": datasets.List(datasets.Value("float32"), length=2),
            "frames": datasets.List(datasets.List(datasets.Value("float16"))),
            "face": datasets.Array2D((2, 2), "float32"),
            "words": datasets.Value("string"),
        }
    )
    row = {"wav2vec2": [0.5, 1.0], "frames": [[1.0]], "face": [[1, 2], [3, 4]], "words": "asr"}
    own = datasets.concatenate_datasets(
        [dataset, datasets.Dataset.from_list([row] * 3, features=features)], axis=1
    )
    pattern = make_missing(own, "only", only=["text"])
    after = apply_missing(own, pattern, also={"audio": ["wav2vec2", "words"], "video": ("face", "frames")})
    for name in features:
        assert after.data.table.column(name).null_count == 3
        assert after.features[name] == features[name]
    assert apply_missing(own, pattern).data.table.column("wav2vec2").null_count == 0
    for also, message in (
        ({"audio": ["nowhere"]}, "no column 'nowhere'"),
        ({"audio": "words"}, r"also\['audio'\] is 'words'; expected a list of columns"),
        ({"voice": ["words"]}, "a modality of also is 'voice'"),
        ({"video": ["text"]}, "also has 'text' for video; it goes with text"),
        (["words"], "also is"),
    ):
        with pytest.raises(OptionError, match=message):
            apply_missing(own, pattern, also=also)  # type: ignore[arg-type]  # what people try


def test_rows_that_the_pattern_does_not_know_are_refused_and_counted() -> None:
    dataset = dialogues_of(6)
    pattern = make_missing(dataset.select([0, 1, 4]), "fixed_rate", rate=0.3)
    with pytest.raises(OptionError, match="does not know 2 of 3 rows, the first is row 1, 'd00_005'"):
        apply_missing(dataset.select([4, 2, 3]), pattern)
    # Rows that are in the table but not selected do not matter.
    assert len(apply_missing(dataset.select([4, 0]), pattern)) == 2
    with pytest.raises(OptionError, match="the pattern is a dict; expected what make_missing"):
        apply_missing(dataset, {})  # type: ignore[arg-type]  # what people try
    with pytest.raises(OptionError, match="choose a split"):
        apply_missing(datasets.DatasetDict({"train": dataset}), pattern)


def test_more_than_the_pattern_was_made_of_is_refused_unless_it_is_said_what_to_do() -> None:
    without = dataset_of([(True, True, False), (True, True, True), (True, False, True)])
    pattern = make_missing(without, "fixed_rate", rate=0.3)
    whole = dialogues_of(3)
    with pytest.raises(OptionError, match=r"1 rows have audio, .* the first is 'd00_005'"):
        apply_missing(whole, pattern)
    kept, nulled = (apply_missing(whole, pattern, surplus=way) for way in ("keep", "null"))
    assert available_of(nulled) == pattern.available.tolist()
    assert available_of(kept) == (~pattern.missing).tolist()
    with pytest.raises(OptionError, match="surplus is 'drop'"):
        apply_missing(whole, pattern, surplus="drop")  # type: ignore[arg-type]  # what people try
    # Less is what a release in parts looks like: it stays absent.
    assert available_of(apply_missing(without, make_missing(whole, "only", only=INPUTS))) == [
        [True, True, False], [True, True, True], [True, False, True]
    ]  # fmt: skip


@given(MASKS, st.floats(0, 0.6), st.integers(0, 2**63 - 1))
@settings(max_examples=20)
def test_a_pattern_comes_back_from_its_file(
    tmp_path_factory: pytest.TempPathFactory, masks: list[Modalities], rate: float, seed: int
) -> None:
    path = tmp_path_factory.mktemp("pattern") / "p.json"
    dataset = dataset_of(masks)
    pattern = make_missing(dataset, "fixed_rate", rate=rate, seed=seed, keep_one=False)
    pattern.save(path)
    again = load_missing(path)
    assert again == pattern
    assert again.to_dict() == pattern.to_dict()
    np.testing.assert_array_equal(again.missing, pattern.missing)
    np.testing.assert_array_equal(again.present, pattern.present)
    assert again.parameters == pattern.parameters


@pytest.mark.parametrize(
    ("protocol", "options"),
    [
        ("per_modality", {"rates": {"video": 0.5, "text": 0.25}}),
        ("dialogue", {"rate": 1 / 3, "modalities": ["audio"]}),
        ("block", {"rate": 0.25, "block_length": 2}),
        ("only", {"only": ["video", "text"]}),
    ],
)
def test_the_file_keeps_what_a_protocol_was_given(
    tmp_path: Path, protocol: Any, options: dict[str, Any]
) -> None:
    pattern = make_missing(dialogues_of(4, 4), protocol, seed=9, **options)
    pattern.save(tmp_path / "p.json")
    again = load_missing(tmp_path / "p.json")
    assert (again, again.parameters, again.seed) == (pattern, pattern.parameters, 9)
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "p.json").read_bytes()


def test_a_person_can_read_the_file(tmp_path: Path) -> None:
    dataset = dataset_of([(True, True, True), (True, True, False), (True, True, True)])
    make_missing(dataset, "only", only="audio").save(tmp_path / "p.json")
    assert (tmp_path / "p.json").read_text() == (
        "{\n"
        '"format": "emotalk-missing",\n'
        '"version": 1,\n'
        '"protocol": "only",\n'
        '"parameters": {"keep_one": true, "only": ["audio"]},\n'
        '"seed": 0,\n'
        '"digest": "eda6833df9bf0226f5d5e4a1bdfbec8f",\n'
        '"order": ["text", "audio", "video"],\n'
        '"states": {"+": "available", "-": "lost by the protocol", ".": "absent in the data"},\n'
        '"utterances": {\n'
        '"d00_001": "-+-",\n'
        '"d00_003": "-+.",\n'
        '"d00_005": "-+-"\n'
        "}\n"
        "}\n"
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    make_missing(dialogues_of(4), "fixed_rate", rate=0.25).save(tmp_path / "p.json")
    return tmp_path / "p.json"


def test_a_file_that_was_laid_out_anew_is_the_same_pattern(saved: Path) -> None:
    pattern = load_missing(saved)
    document = json.loads(saved.read_text())
    document["utterances"] = dict(reversed(document["utterances"].items()))
    saved.write_text(json.dumps(document, indent=4), encoding="utf-8-sig")
    assert load_missing(saved) == pattern


def test_a_changed_file_names_both_digests(saved: Path) -> None:
    said = load_missing(saved).digest
    saved.write_text(saved.read_text().replace('"d00_003": "+', '"d00_003": "-'))
    with pytest.raises(
        SchemaError, match=f"says digest {said}, and what it holds has [0-9a-f]{{32}}"
    ) as caught:
        load_missing(saved)
    assert caught.value.path == str(saved)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"seed": 1}, SchemaError, "changed after it was written"),
        ({"version": 2}, SchemaError, "of version 2; this emotalk_data knows version 1"),
        ({"format": "other"}, SchemaError, "is not a missing pattern"),
        ({"digest": "x"}, SchemaError, r"digest is 'x'"),
        ({"utterances": {"u": "+*+"}}, SchemaError, r"utterances.u is '\+\*\+'"),
        ({"protocol": "noise"}, SchemaError, "protocol is 'noise'"),
        ({"seed": "0"}, SchemaError, "seed is '0'"),
        ({"parameters": {"keep_one": True, "rate": 2}}, SchemaError, "parameters.rate is 2"),
        ({"order": ["audio", "text", "video"]}, SchemaError, "order and states are"),
        ({"states": {"+": "gone"}}, SchemaError, "order and states are"),
        ({"note": "mine"}, SchemaError, "note is 'mine'"),
    ],
)
def test_what_is_no_pattern_is_refused(
    saved: Path, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    saved.write_text(json.dumps({**json.loads(saved.read_text()), **change}))
    with pytest.raises(error, match=message):
        load_missing(saved)


def test_what_is_not_strict_json_is_refused(saved: Path) -> None:
    text = saved.read_text()
    saved.write_text(text.replace('"d00_003"', '"d00_001"'))
    with pytest.raises(DecodeError, match="duplicate key"):
        load_missing(saved)
    saved.write_text(text[:100])
    with pytest.raises(DecodeError, match="not strict JSON"):
        load_missing(saved)
    saved.write_text("[]")
    with pytest.raises(SchemaError, match="not a missing pattern"):
        load_missing(saved)
    with saved.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(LimitError, match="more than 67,108,864 bytes"):
        load_missing(saved)


def test_a_file_that_cannot_be_read_or_written_says_so(tmp_path: Path, saved: Path) -> None:
    with pytest.raises(OptionError, match=r"cannot read the missing pattern .*No such file"):
        load_missing(tmp_path / "nowhere.json")
    with pytest.raises(OptionError, match=r"cannot write the missing pattern .*No such file"):
        load_missing(saved).save(tmp_path / "nowhere" / "p.json")
    with pytest.raises(OptionError, match=r"cannot read .*null"):
        load_missing("a\0b")
    with pytest.raises(OptionError, match=r"cannot write .*null"):
        load_missing(saved).save("a\0b")


def test_a_pattern_says_what_it_holds() -> None:
    dataset = dataset_of([(True, True, True), (True, True, True), (True, True, False), (True, False, False)])
    pattern = make_missing(dataset, "only", only=["text", "video"], seed=3)
    assert str(pattern).splitlines() == [
        f"missing pattern {pattern.digest}",
        "only, seed 3: only=['text', 'video'], keep_one=True",
        "",
        "                 in the data     lost     rate     left",
        "text                       4        0    0.0 %        4",
        "audio                      3        3  100.0 %        0",
        "video                      2        0    0.0 %        2",
        "all                        9        3   33.3 %        6",
        "",
        "utterances with                              4",
        "  text+video                                 2",
        "  text                                       2",
    ]
    assert json.loads(json.dumps(pattern.to_dict()))["combinations"] == {"text+video": 2, "text": 2}
    assert pattern.digest in repr(pattern)
    emptied = make_missing(dataset, "only", only="video", keep_one=False)
    assert str(emptied).splitlines()[-3:] == [
        "  video                                      2",
        "  nothing                                    2",
        "2 utterances lost everything they had.",
    ]
    absent = make_missing(dataset_of([(True, False, False)]), "only", only="text")
    assert absent.rates == {"text": 0.0, "audio": None, "video": None, "all": 0.0}
    assert "audio                      0        0        -        0" in str(absent)


def test_a_pattern_is_a_value(saved: Path) -> None:
    pattern = load_missing(saved)
    assert pickle.loads(pickle.dumps(pattern)) == pattern  # noqa: S301  our own
    assert len({pattern, load_missing(saved)}) == 1
    assert pattern != "pattern"
    with pytest.raises(ValueError, match="read-only"):
        pattern.missing[0, 0] = True
    with pytest.raises(AttributeError, match=r"cannot assign"):
        pattern.seed = 3  # type: ignore[misc]  # what people try
    ids, mask = pattern.utterance_ids, np.zeros((4, 3), bool)
    for wrong, message in (
        ((ids, mask[:3], mask), r"present has the shape \(3, 3\); expected \(utterances, 3\) = \(4, 3\)"),
        ((ids[::-1], mask, mask), "not sorted"),
        ((ids, mask, ~mask), "what is absent cannot be lost"),
    ):
        with pytest.raises(OptionError, match=message):
            MissingPattern("only", pattern.parameters, 0, *wrong)


def test_m3ed_rows_lose_what_they_have(tmp_path: Path) -> None:
    make_m3ed(tmp_path / "m3ed", num_dialogues=4, episodes=False)
    train = load_dataset("m3ed", data_dir=tmp_path / "m3ed", cache_dir=tmp_path / "cache", split="train")
    pattern = make_missing(train, "dialogue", rate=0.5)
    after = apply_missing(train, pattern)
    assert available_of(after) == [by_id(pattern)[name] for name in train["utterance_id"]]
    assert not pattern.present[:, 2].any()
    assert list(after["emotion"]) == list(train["emotion"])


def test_batches_of_the_loader_have_the_mask_of_the_pattern(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from emotalk_data.torch import Collate, loader

    make_emotalk(tmp_path / "release", num_utterances=24)
    train = load_dataset(
        "emotalk", data_dir=tmp_path / "release", cache_dir=tmp_path / "cache", split="train"
    )
    pattern = make_missing(train, "fixed_rate", rate=0.4, seed=2)
    after = apply_missing(train.shuffle(seed=5), pattern)
    expected = [by_id(pattern)[name] for name in after["utterance_id"]]
    [batch] = loader(after, 12, sampling_rate=16_000, frames=2)
    assert batch["modality_mask"].tolist() == expected
    assert batch["available_audio"].dtype == torch.bool
    names = [f"available_{name}" for name in INPUTS]
    assert torch.stack([batch[name] for name in names], dim=1).tolist() == expected
    assert (batch["audio_lengths"] > 0).tolist() == [row[1] for row in expected]
    assert batch["emotion"].tolist() == list(after["emotion"])
    same = Collate(sampling_rate=16_000, frames=2, features=after.features)(list(after))
    assert torch.equal(same["modality_mask"], batch["modality_mask"])
    assert torch.equal(same["audio"], batch["audio"])


def test_a_video_whose_audio_is_missing_still_holds_its_sound(tmp_path: Path) -> None:
    """What the page warns of: the file is one."""
    make_emotalk(tmp_path / "release", num_utterances=6, oddities=False)
    train = load_dataset(
        "emotalk", data_dir=tmp_path / "release", cache_dir=tmp_path / "cache", split="train"
    )
    row = apply_missing(train, make_missing(train, "only", only=["video"]))[0]
    assert row["audio"] is None
    assert isinstance(row["video"].audio, AudioClip)


def test_arrow_tables_of_every_chunking_lose_the_same() -> None:
    dataset = dialogues_of(7)
    pattern = make_missing(dataset, "fixed_rate", rate=0.5, seed=4)
    table = dataset.data.table
    cut = pa.concat_tables([table.slice(0, 3), table.slice(3, 0), table.slice(3)])
    chunked = datasets.Dataset(cut, info=dataset.info)
    assert stored(apply_missing(chunked, pattern)) == stored(apply_missing(dataset, pattern))


def test_media_in_a_file_stay_there_when_the_result_goes_to_another_process(tmp_path: Path) -> None:
    clip = {"bytes": bytes(500_000), "path": "clip.wav"}
    before = dialogues_of(4).map(lambda _: {"audio": clip}, cache_file_name=str(tmp_path / "copy.arrow"))
    assert before.cache_files
    after = apply_missing(before, make_missing(before, "fixed_rate", rate=0.4))
    packed = pickle.dumps(after)
    assert len(packed) < 100_000 < 4 * 500_000
    assert stored(pickle.loads(packed)) == stored(after)  # noqa: S301  our own
    assert len(pickle.dumps(after.select([1, 0]))) < 100_000


def test_what_is_missing_stays_so_whatever_is_done_to_the_dataset() -> None:
    dataset = dialogues_of(4, 3)
    pattern = make_missing(dataset, "fixed_rate", rate=0.4)
    after = apply_missing(dataset, pattern)
    expected = {row["utterance_id"]: row for row in stored(after)}
    parts = [after.select(range(3)), after.select(range(3, 6)), after.select([6, 3, 4])]
    for other in (
        *parts,
        datasets.concatenate_datasets(parts),
        after.shuffle(seed=1).flatten_indices(),
        after.rename_column("emotion", "e").rename_column("e", "emotion"),
        after.cast_column("text", datasets.Value("large_string")),
        after.add_column("more", list(range(7))).remove_columns("more"),
        apply_missing(after, pattern),
    ):
        assert [{name: row[name] for name in expected[row["utterance_id"]]} for row in stored(other)] == [
            expected[one] for one in other["utterance_id"]
        ]
    assert after.remove_columns("audio").select_columns(["text", "utterance_id"])["text"][:] == [
        row["text"] for row in expected.values()
    ]


def test_paths_and_rates_that_are_none_are_refused() -> None:
    pattern = make_missing(dialogues_of(4), "fixed_rate", rate=0.4)
    for wrong in (3, None):
        with pytest.raises(
            OptionError, match=r"the path of the missing pattern is .*expected the name of a file"
        ):
            load_missing(wrong)  # type: ignore[arg-type]
        with pytest.raises(OptionError, match=r"the path of the missing pattern is"):
            pattern.save(wrong)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"rate is 1000.*; expected a share from 0 to 1"):
        make_missing(dialogues_of(4), "fixed_rate", rate=10**400)
    with pytest.raises(OptionError, match=r"has 'utterance_id', by which rows are known; it has to stay"):
        apply_missing(dialogues_of(4), pattern, also={"audio": ["utterance_id"]})

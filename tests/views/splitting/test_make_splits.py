"""Splits that share nothing: whole units, near the asked sizes, the same everywhere."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from random import Random
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.builder.frozen_splits import apply_split_file
from emotalk_data.errors import OptionError
from emotalk_data.views.splitting.make_splits import leave_one_group_out, make_splits
from emotalk_data.views.splitting.speaker_graph import speaker_components
from emotalk_data.views.splitting.split_audit import audit_splits
from emotalk_data.views.splitting.unit_assignment import assign_units

from ..real_tables import needs_tables, real_emotalk
from .small_corpora import emotalk_rows, m3ed_rows


def _pairs(count: int, rows: int = 4) -> datasets.Dataset:
    """Return `count` groups of two speakers of their own, one dialogue each."""
    dialogues = {f"G{n:05d}_01": [f"{2 * n:02d}", f"{2 * n + 1:02d}"] * (rows // 2) for n in range(count)}
    emotions = [number % 3 for number in range(count * rows)]
    return emotalk_rows(dialogues, emotions=emotions)


@needs_tables
def test_emotiontalk_has_a_three_way_split_without_a_shared_speaker() -> None:
    made = make_splits(real_emotalk())
    (fold,) = made.folds
    audit = audit_splits(apply_split_file(real_emotalk(), made))
    assert audit.is_clean
    assert [one.num_rows for one in audit.splits] == [15_252, 2_519, 1_479]
    assert {name: counts.utterances for name, counts in fold.made_of.items()} == {
        one.name: one.num_rows for one in audit.splits
    }
    assert fold.left_out == ()
    assert sum(map(len, fold.splits.values())) == 742
    assert "train             578      15,252  79.2%  80.0%" in str(made)


@needs_tables
def test_no_other_way_to_part_the_five_components_fits_better() -> None:
    """All 3 ** 5 ways, by the documented cost."""
    components = speaker_components(real_emotalk())
    whole = datasets.concatenate_datasets(list(real_emotalk().values()))
    dialogues, emotions = np.array(whole["dialogue_id"]), np.array(whole["emotion"])
    asked = {"train": 0.8, "validation": 0.1, "test": 0.1}
    counts = np.array(
        [
            [inside.sum(), *(((emotions == label) & inside).sum() for label in range(7))]
            for inside in (np.isin(dialogues, one.dialogues) for one in components)
        ]
    )
    shares = counts / counts.sum(axis=0)

    def cost(way: tuple[int, ...]) -> float:
        total = 0.0
        for split, share in enumerate(asked.values()):
            off = (shares[np.array(way) == split].sum(axis=0) - share) ** 2
            total += (off[0] + off[1:].mean()) / share
        return total

    best = min(cost(way) for way in product(range(3), repeat=5) if len({*way}) == 3)
    splits = list(make_splits(real_emotalk()).folds[0].splits.values())
    found = [next(n for n, ids in enumerate(splits) if one.dialogues[0] in ids) for one in components]
    # Validation and test are of one size, so two ways are the best.
    assert cost(tuple(found)) == pytest.approx(best, rel=1e-12)


@needs_tables
def test_five_folds_of_emotiontalk_test_one_component_each() -> None:
    made = make_splits(real_emotalk(), folds=5)
    sizes = sorted(fold.made_of["test"].utterances for fold in made.folds)
    assert sizes == [1_136, 1_383, 1_479, 2_701, 12_551]
    for fold in made.folds:
        assert fold.notes == ()  # no two splits share a speaker
        # The large component does not validate where less would be left to train on.
        assert fold.made_of["validation"].utterances <= fold.made_of["train"].utterances


@needs_tables
def test_splits_by_dialogue_come_as_near_as_one_can_wish() -> None:
    made = make_splits(real_emotalk(), disjoint="dialogue", seed=1)
    (fold,) = made.folds
    for split, share in {"train": 0.8, "validation": 0.1, "test": 0.1}.items():
        counts = fold.made_of[split]
        assert counts.utterances / 19_250 == pytest.approx(share, abs=0.002)
        for label, number in counts.labels.items():
            whole = sum(other.labels[label] for other in fold.made_of.values())
            assert number / whole == pytest.approx(share, abs=0.02)
    assert any("train and test share 19 speakers" in note for note in fold.notes)
    assert make_splits(real_emotalk(), disjoint="dialogue", seed=2).folds[0].splits != fold.splits


@needs_tables
def test_leaving_a_group_out_leaves_its_speakers_out() -> None:
    made = leave_one_group_out(real_emotalk())
    assert len(made.folds) == 15
    for fold in made.folds:
        assert {dialogue[:6] for dialogue in fold.splits["test"]} == {fold.name}
        assert sum(map(len, [*fold.splits.values(), fold.left_out])) == 742
        assert not any("share" in note for note in fold.notes)
    assert audit_splits(apply_split_file(real_emotalk(), made, fold="G00008")).is_clean
    assert made.choose_fold("G00013").left_out == ()
    # 07 and 08 of G00002 are in G00006, G00008 and G00010 too.
    fold = made.choose_fold("G00002")
    assert {dialogue[:6] for dialogue in fold.left_out} == {"G00006", "G00008", "G00010"}
    # Dialogues of these groups with one speaker's turns only, and not 07's or 08's, stay.
    assert len(fold.left_out) == 167
    assert any(note.startswith("left out: 4,549 utterances of 3 groups") for note in fold.notes)


def test_shared_speakers_that_are_kept_are_told() -> None:
    ds = emotalk_rows({"G00001_01": ["01", "02"], "G00002_01": ["02", "03"], "G00003_01": ["04", "05"]})
    made = leave_one_group_out(ds, drop_shared=False)
    first, second, third = made.folds
    assert first.splits == {"train": ("G00002_01", "G00003_01"), "test": ("G00001_01",)}
    assert first.left_out == ()
    assert first.notes == second.notes == ("train and test share 1 speaker (02)",)
    assert third.notes == ()
    dropped = leave_one_group_out(ds).folds[0]
    assert dropped.splits == {"train": ("G00003_01",), "test": ("G00001_01",)}
    assert dropped.left_out == ("G00002_01",)
    assert dropped.notes == ("left out: 2 utterances of 1 group (G00002)",)


def test_leaving_speakers_out_leaves_whole_components_out() -> None:
    ds = emotalk_rows({"G00001_01": ["01", "02"], "G00002_01": ["02", "03"], "G00003_01": ["04", "05"]})
    made = leave_one_group_out(ds, by="speaker")
    assert [(fold.name, fold.splits["test"]) for fold in made.folds] == [
        ("01+02+03", ("G00001_01", "G00002_01")),
        ("04+05", ("G00003_01",)),
    ]
    assert all(fold.left_out == () and fold.notes == () for fold in made.folds)


def test_m3ed_leaves_a_series_out(m3ed: datasets.DatasetDict) -> None:
    made = leave_one_group_out(m3ed)
    assert {fold.name for fold in made.folds} == {*m3ed["train"]["series"], *m3ed["test"]["series"]} | {
        *m3ed["validation"]["series"]
    }
    for fold in made.folds:
        assert fold.left_out == ()
        assert audit_splits(apply_split_file(m3ed, made, fold=fold.name)).is_clean


def test_nothing_to_train_on_is_told() -> None:
    ds = emotalk_rows({"G00001_01": ["01", "02"], "G00002_01": ["02", "03"]})
    with pytest.raises(
        OptionError, match=r"nothing is left to train on when 'G00001' is left out.*by='speaker'"
    ):
        leave_one_group_out(ds)
    with pytest.raises(OptionError, match=r"there is 1 component of the speaker graph"):
        leave_one_group_out(ds, by="speaker")


@settings(max_examples=20)  # each makes and loads several datasets
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 5)), min_size=6, max_size=16),
    st.sampled_from(["speaker", "group", "dialogue"]),
    st.randoms(),
)
def test_units_stay_whole_and_the_order_of_rows_does_not_count(
    chosen: list[tuple[int, int, int]], disjoint: Any, random: Random
) -> None:
    dialogues = {
        f"G{n % 5:05d}_{n:02d}": [f"{a:02d}", f"{b:02d}"] * rows for n, (a, b, rows) in enumerate(chosen)
    }
    num_rows = sum(map(len, dialogues.values()))
    ds = emotalk_rows(dialogues, emotions=[n % 4 for n in range(num_rows)])
    options: dict[str, Any] = {"disjoint": disjoint, "sizes": {"train": 0.7, "test": 0.3}}
    try:
        made = make_splits(ds, **options)
    except OptionError:
        assert disjoint == "speaker"
        assert len(speaker_components(ds)) == 1
        return
    audit = audit_splits(apply_split_file({"all": ds}, made))
    kinds = {"speaker": {"speaker"}, "group": {"group", "dialogue"}, "dialogue": {"dialogue"}}
    assert not {leak.kind for leak in audit.leaks} & (kinds[disjoint] | {"utterance"})
    assert sum(one.num_rows for one in audit.splits) == num_rows
    assert all(one.num_rows for one in audit.splits)
    turned = ds.select(random.sample(range(num_rows), num_rows))
    halves = datasets.DatasetDict(
        a=turned.select(range(num_rows // 2)), b=turned.select(range(num_rows // 2, num_rows))
    )
    assert make_splits(halves, **options) == make_splits(turned, **options) == made


@given(
    st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=2, max_size=6),
    st.sampled_from([(0.5, 0.5), (0.8, 0.2), (0.1, 0.9)]),
)
def test_few_units_are_parted_in_the_best_way_there_is(
    labels: list[list[int]], shares: tuple[float, ...]
) -> None:
    by_label = np.array(labels, np.int64)
    counts = np.column_stack([by_label.sum(axis=1) + 1, by_label])
    found = assign_units(counts, shares)
    present = counts[:, counts.sum(axis=0) > 0]
    parts = present / present.sum(axis=0)

    def cost(way: tuple[int, ...]) -> float:
        total = 0.0
        for split, share in enumerate(shares):
            off = (parts[np.array(way) == split].sum(axis=0) - share) ** 2
            total += (off[0] + (off[1:].mean() if len(off) > 1 else 0)) / share
        return total

    ways = [way for way in product(range(2), repeat=len(labels)) if len({*way}) == 2]
    assert cost(tuple(found.tolist())) == pytest.approx(min(map(cost, ways)), abs=1e-9)


@given(st.lists(st.integers(1, 60), min_size=30, max_size=60), st.integers(2, 4))
def test_many_units_are_parted_well_and_no_split_is_empty(sizes: list[int], num_splits: int) -> None:
    counts = np.array(sizes, np.int64)[:, None]
    found = assign_units(counts, [1 / num_splits] * num_splits)
    reached = np.bincount(found, weights=counts[:, 0], minlength=num_splits)
    # What no move of one unit and no exchange of two can mend is less than the largest unit.
    assert np.ptp(reached) <= max(sizes)
    assert reached.min() > 0


def test_as_many_units_as_splits_give_each_one_also_when_sizes_are_far_apart() -> None:
    found = assign_units(np.array([[1_000], [1], [1]]), [0.98, 0.01, 0.01])
    assert sorted(found.tolist()) == [0, 1, 2]
    assert found[0] == 0
    sizes = np.full((60, 1), 1)
    sizes[0] = 100_000
    assert {*assign_units(sizes, [0.999, 0.0005, 0.0005]).tolist()} == {0, 1, 2}


@pytest.mark.parametrize("validation", [True, False])
def test_each_dialogue_is_tested_in_one_fold(validation: bool) -> None:
    ds = _pairs(11)
    made = make_splits(ds, folds=4, validation=validation)
    tested = [dialogue for fold in made.folds for dialogue in fold.splits["test"]]
    assert sorted(tested) == sorted({*ds["dialogue_id"]})
    for number, fold in enumerate(made.folds):
        assert list(fold.splits) == (["train", "validation", "test"] if validation else ["train", "test"])
        assert sorted(one for ids in fold.splits.values() for one in ids) == sorted(tested)
        if validation:  # parts are of like size, so the next one validates
            assert fold.splits["validation"] == made.folds[(number + 1) % 4].splits["test"]


def test_the_seed_decides_among_what_fits_alike_and_nothing_else_does() -> None:
    ds = _pairs(30)
    made = [make_splits(ds, seed=seed) for seed in (0, 0, 1, 2)]
    assert made[0] == made[1]
    assert len({one.digest for one in made}) == 3
    assert len({one.folds[0].splits["test"] for one in made}) == 3
    assert make_splits(ds, name="mine").name == "mine"


def test_another_process_with_other_hashes_makes_the_same_file() -> None:
    code = """
from tests.views.splitting.test_make_splits import _pairs
from emotalk_data.views.splitting.make_splits import make_splits
print(make_splits(_pairs(30), folds=3, seed=5).digest)
"""
    there = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "1", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert there.stdout.strip() == make_splits(_pairs(30), folds=3, seed=5).digest


def test_the_file_says_how_it_was_made_and_what_was_reached() -> None:
    made = make_splits(_pairs(10), seed=3, stratify=None)
    assert made.made is not None
    assert made.made.by == "make_splits"
    assert made.made.parameters == {
        "disjoint": "speaker",
        "stratify": None,
        "seed": 3,
        "sizes": {"train": 0.8, "validation": 0.1, "test": 0.1},
    }
    counts = made.folds[0].made_of["test"]
    assert (counts.dialogues, counts.utterances, counts.asked, counts.labels) == (1, 4, 0.1, {})
    labels = make_splits(_pairs(10)).folds[0].made_of["test"].labels
    assert sum(labels.values()) == 4
    assert list(labels) == ["neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful"]


def test_labels_are_kept_alike_where_sizes_alone_would_not() -> None:
    # Groups of the same size, each of one emotion: any half is as large as any other.
    dialogues = {f"G{n:05d}_01": [f"{n:02d}"] * 10 for n in range(10)}
    ds = emotalk_rows(dialogues, emotions=[n // 5 for n in range(10) for _ in range(10)])
    for seed in range(5):
        (fold,) = make_splits(ds, sizes={"train": 0.6, "test": 0.4}, seed=seed).folds
        assert fold.made_of["train"].labels["neutral"] == fold.made_of["train"].labels["happy"] == 30


def test_rows_without_a_label_count_for_the_sizes() -> None:
    ds = emotalk_rows({f"G{n:05d}_01": [f"{n:02d}"] * 5 for n in range(4)})
    (fold,) = make_splits(ds, sizes={"train": 0.5, "test": 0.5}).folds
    assert [counts.utterances for counts in fold.made_of.values()] == [10, 10]
    assert sum(fold.made_of["train"].labels.values()) == 0


def test_m3ed_is_parted_by_series_or_speaker(m3ed: datasets.DatasetDict) -> None:
    made = make_splits(m3ed, disjoint="series", sizes={"train": 0.7, "test": 0.3})
    assert audit_splits(apply_split_file(m3ed, made)).is_clean
    by_speaker = make_splits(m3ed, sizes={"train": 0.7, "test": 0.3})
    leaks = audit_splits(apply_split_file(m3ed, by_speaker)).leaks
    assert {leak.kind for leak in leaks} <= {"series"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"disjoint": "actor"}, r"disjoint is 'actor'; expected one of \['speaker', 'group'"),
        ({"disjoint": "series"}, r"emotalk has no series; its dialogues come in 'group'"),
        (
            {"stratify": "utterance_id"},
            r"stratify is 'utterance_id'; expected None or .* one of \['emotion'\]",
        ),
        ({"stratify": 3}, r"stratify is 3"),
        ({"seed": "0"}, r"seed is '0'; expected a whole number"),
        ({"seed": True}, r"seed is True"),
        ({"sizes": {"train": 0.5, "test": 0.4}}, r"sizes add up to 0\.9; expected a share above 0"),
        ({"sizes": {"train": 1.0, "test": 0.0}}, r"sizes has 'train': 1\.0; expected"),
        ({"sizes": {"train": 0.5, "test": float("nan")}}, r"sizes has 'test': nan"),
        ({"sizes": {"train": 1.0}}, r"sizes is \{'train': 1\.0\}; expected a share above 0 for each of two"),
        ({"sizes": [0.8, 0.2]}, r"sizes is \[0\.8, 0\.2\]; expected"),
        ({"sizes": {"my split": 0.5, "test": 0.5}}, r"sizes names a split 'my split'; expected letters"),
        ({"sizes": {3: 0.5, "test": 0.5}}, r"sizes names a split 3; expected letters"),
        ({"name": "x" * 201}, r"name is 'x.*; expected a text of 200 characters at most"),
        ({"folds": 3, "validation": "no"}, r"validation is 'no'; expected True or False"),
        ({"sizes": {"train": 0.5, "test": 0.5}, "folds": 3}, r"sizes and folds exclude each other"),
        (
            {"folds": 2},
            r"folds is 2; expected 3 or more: a part to train on, one to validate on and one to test",
        ),
        (
            {"folds": 1, "validation": False},
            r"folds is 1; expected 2 or more: a part to train on and one to test",
        ),
        ({"folds": 2.5}, r"folds is 2\.5; expected 3"),
        ({"validation": False}, r"validation=False belongs to folds="),
        (
            {"folds": 9},
            r"9 folds that share no speaker cannot be made: there are 5 components of the speaker graph",
        ),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make_splits(_pairs(5), **options)


def test_numbers_of_numpy_are_numbers() -> None:
    ds = _pairs(5)
    assert make_splits(ds, folds=np.int64(3), seed=np.int32(1)) == make_splits(ds, folds=3, seed=1)  # type: ignore[arg-type]
    halves = {"a": np.float32(0.5), "b": np.float64(0.5)}
    assert make_splits(ds, sizes=halves) == make_splits(ds, sizes={"a": 0.5, "b": 0.5})  # type: ignore[arg-type]


def test_names_of_any_length_make_notes_of_a_line() -> None:
    long = {f"anjia_{number}": ["徐" * 5_000, "\x1b房"] for number in range(4)}
    made = make_splits(m3ed_rows(long), disjoint="dialogue", stratify=None)
    assert all(len(note) < 400 for note in made.folds[0].notes)
    assert made.folds[0].notes[0].startswith("train and validation share 2 speakers (anjia/")


def test_fewer_units_than_splits_are_told_with_what_to_do() -> None:
    ds = emotalk_rows({"G00001_01": ["01", "02"], "G00003_01": ["02", "13"], "G00004_01": ["05", "09"]})
    with pytest.raises(
        OptionError,
        match=r"^3 splits that share no speaker cannot be made: there are 2 components of the speaker graph, "
        r"and none can be cut\. Use 2 splits or fewer, or units that are smaller and share more: disjoint=",
    ):
        make_splits(ds)
    with pytest.raises(OptionError, match=r"there is 1 series, and none can be cut\. Use more of the corpus"):
        make_splits(m3ed_rows({"anjia_1": ["徐"], "anjia_2": ["房"]}), disjoint="series")


def test_m3ed_has_no_groups() -> None:
    ds = m3ed_rows({"anjia_1": ["徐"], "hua_2": ["房"]})
    with pytest.raises(OptionError, match=r"m3ed has no group; its dialogues come in 'series'"):
        make_splits(ds, disjoint="group")
    with pytest.raises(
        OptionError, match=r"by is 'dialogue'; expected one of \['group', 'speaker', 'series'\]"
    ):
        leave_one_group_out(ds, by="dialogue")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"drop_shared is 'no'; expected True or False"):
        leave_one_group_out(ds, drop_shared="no")  # type: ignore[arg-type]
    with pytest.raises(
        OptionError, match=r"there is 1 series, and none can be cut\. Use more of the corpus\.$"
    ):
        leave_one_group_out(m3ed_rows({"anjia_1": ["徐"], "anjia_2": ["房"]}))


def test_ids_are_texts_however_wide_they_are_stored() -> None:
    ds = _pairs(5)
    wide = ds.cast_column("dialogue_id", datasets.Value("large_string"))
    assert make_splits({"a": wide.select(range(8)), "b": ds.select(range(8, 20))}) == make_splits(ds)
    with pytest.raises(OptionError, match=r"speaker_id is a column of int64; expected texts"):
        make_splits(ds.cast_column("speaker_id", datasets.Value("int64")))

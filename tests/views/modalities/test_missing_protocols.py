"""Protocols lose exactly what they say, whatever the order of rows, and never what is not there."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, product
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.views.modalities.missing import MissingPattern, make_missing

from ..real_tables import needs_tables, real_emotalk
from .modality_tables import Modalities, dataset_of, dialogues_of

INPUTS = ("text", "audio", "video")
FLAG = st.booleans()


def _masks(at_most: int) -> st.SearchStrategy[list[Modalities]]:
    masks = st.lists(st.tuples(FLAG, FLAG, FLAG), min_size=1, max_size=at_most)
    return masks.filter(lambda chosen: any(map(any, chosen)))


MASKS = _masks(14)
PROTOCOLS: dict[str, dict[str, Any]] = {
    "fixed_rate": {"rate": 0.3},
    "per_modality": {"rates": {"text": 0.1, "audio": 0.5, "video": 0.25}},
    "dialogue": {"rate": 0.3},
    "block": {"rate": 0.3, "block_length": 3},
    "only": {"only": ("audio",)},
}
# These decide whether two papers use the same pattern: they never change. Drawn from `dialogues_of(7, 1, 12, 4)`.
DIGESTS = {
    "fixed_rate": "c5f1b3185cf2d7c3c81b0139c570bf7e",
    "per_modality": "6072d19471bd2fadc07e310613a96614",
    "dialogue": "5648add1616f1062195a06b1973a4b00",
    "block": "491698356671d58c063dabebcdcf88f3",
    "only": "e20d4e82e930a4c7cfa0661421b1391a",
}


def make(dataset: datasets.Dataset, protocol: Any, **options: Any) -> MissingPattern:
    return make_missing(dataset, protocol, **{**PROTOCOLS[protocol], **options})


def lost_of(pattern: MissingPattern) -> dict[str, str]:
    """Return the first letters of what each utterance lost, such as `ta`."""
    letters = np.array(["t", "a", "v"])
    rows = zip(pattern.utterance_ids, pattern.missing, strict=True)
    return {name: "".join(letters[mask]) for name, mask in rows}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pattern_is_the_same_on_every_machine(protocol: str) -> None:
    assert make(dialogues_of(7, 1, 12, 4), protocol, seed=5).digest == DIGESTS[protocol]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pattern_does_not_depend_on_the_order_of_rows(protocol: str) -> None:
    dataset = dialogues_of(7, 1, 12, 4)
    pattern = make(dataset, protocol, seed=3)
    assert make(dataset.shuffle(seed=11), protocol, seed=3) == pattern
    assert make(dataset.select(range(23, -1, -1)).flatten_indices(), protocol, seed=3) == pattern


@pytest.mark.parametrize("protocol", sorted(set(PROTOCOLS) - {"only"}))
def test_another_seed_is_another_pattern(protocol: str) -> None:
    dataset = dialogues_of(7, 1, 12, 4)
    patterns = [make(dataset, protocol, seed=seed) for seed in range(6)]
    assert len({pattern.missing.tobytes() for pattern in patterns}) == 6
    assert len(set(patterns)) == 6


@given(MASKS, st.floats(0, 1), st.integers(0, 3), st.sampled_from(["fixed_rate", "block"]), FLAG)
@settings(max_examples=60)
def test_the_count_is_exact_or_refused(
    masks: list[Modalities], rate: float, seed: int, protocol: Any, keep_one: bool
) -> None:
    sizes = [len(masks) // 2, len(masks) - len(masks) // 2]
    dataset = dataset_of(masks, sizes=sizes)
    options: dict[str, Any] = {"block_length": 3} if protocol == "block" else {}
    present = np.array(masks)
    count = round(rate * int(present.sum()))
    at_most = np.maximum(present.sum(axis=1) - keep_one, 0).sum()
    if count > at_most:
        with pytest.raises(OptionError, match=f"at most {at_most} of {present.sum()} can go"):
            make_missing(dataset, protocol, rate=rate, seed=seed, keep_one=keep_one, **options)
        return
    pattern = make_missing(dataset, protocol, rate=rate, seed=seed, keep_one=keep_one, **options)
    assert pattern.missing.sum() == count
    check(pattern, masks, keep_one=keep_one)


def check(pattern: MissingPattern, masks: list[Modalities], *, keep_one: bool) -> None:
    """The pattern knows the data, and takes nothing that is not there, nor the last that is."""
    np.testing.assert_array_equal(pattern.present, np.array(masks))
    assert not (pattern.missing & ~pattern.present).any()
    if keep_one:
        assert (pattern.available.any(axis=1) == pattern.present.any(axis=1)).all()


@given(MASKS, st.floats(0, 1), st.integers(0, 3), FLAG)
@settings(max_examples=40)
def test_a_dialogue_loses_a_modality_as_a_whole(
    masks: list[Modalities], rate: float, seed: int, keep_one: bool
) -> None:
    sizes = [len(masks) // 3, len(masks) - len(masks) // 3]
    dataset = dataset_of(masks, sizes=sizes)
    parts = np.split(np.array(masks), [sizes[0]])
    cells = sum(int(part.any(axis=0).sum()) for part in parts)
    try:
        pattern = make_missing(dataset, "dialogue", rate=rate, seed=seed, keep_one=keep_one)
    except OptionError:
        assert keep_one
        return
    check(pattern, masks, keep_one=keep_one)
    lost = 0
    for part, missing in zip(parts, np.split(pattern.missing, [sizes[0]]), strict=True):
        for number in range(3):
            assert (
                missing[:, number].any()
                == (missing[:, number] == part[:, number]).all() & part[:, number].any()
            )
            lost += bool(missing[:, number].any())
    assert lost == round(rate * cells)


@given(
    _masks(4),
    st.tuples(*[st.integers(0, 59)] * 3),
    st.integers(0, 3),
)
@settings(max_examples=60)
def test_rates_by_modality_are_reached_whenever_that_is_possible(
    masks: list[Modalities], numbers: tuple[int, int, int], seed: int
) -> None:
    there = np.array(masks).sum(axis=0).tolist()
    # From none to all of what is there: 60 is a multiple of 1 to 5.
    wanted = tuple(number % (have + 1) for number, have in zip(numbers, there, strict=True))
    rates = {name: want / have for name, want, have in zip(INPUTS, wanted, there, strict=True) if have}
    dataset = dataset_of(masks)
    # All ways to lose something and keep something, for each utterance.
    ways = [
        [way for way in product(*[(False, have) for have in mask]) if way != mask or not any(mask)]
        for mask in masks
    ]
    can = any(tuple(np.array(chosen).sum(axis=0)) == wanted for chosen in product(*ways))
    if not can:
        with pytest.raises(OptionError, match="cannot be reached"):
            make_missing(dataset, "per_modality", rates=rates, seed=seed)  # type: ignore[arg-type]  # the names
        return
    pattern = make_missing(dataset, "per_modality", rates=rates, seed=seed)  # type: ignore[arg-type]  # the names
    assert tuple(pattern.missing.sum(axis=0)) == wanted
    check(pattern, masks, keep_one=True)


def test_modalities_go_on_their_own_when_none_has_to_stay() -> None:
    dataset = dialogues_of(40)
    both = make(dataset, "per_modality", rates={"audio": 0.5, "video": 0.5}, keep_one=False, seed=1)
    alone = make(dataset, "per_modality", rates={"audio": 0.5}, keep_one=False, seed=1)
    np.testing.assert_array_equal(both.missing[:, 1], alone.missing[:, 1])
    assert both.missing.sum(axis=0).tolist() == [0, 20, 20]
    assert both.rates == {"text": 0.0, "audio": 0.5, "video": 0.5, "all": 40 / 120}


def test_what_is_missing_at_one_rate_is_missing_at_higher_ones() -> None:
    dataset = dialogues_of(9, 3, 14)
    for protocol in ("fixed_rate", "dialogue", "block"):
        patterns = [make(dataset, protocol, rate=rate, seed=2) for rate in (0.0, 0.1, 0.25, 0.4, 0.6)]
        assert patterns[0].missing.sum() == 0
        for fewer, more in pairwise(patterns):
            assert not (fewer.missing & ~more.missing).any()
            assert fewer.missing.sum() < more.missing.sum()


def test_two_thirds_of_three_modalities_leave_each_utterance_one() -> None:
    pattern = make(dialogues_of(30), "fixed_rate", rate=2 / 3)
    assert (pattern.available.sum(axis=1) == 1).all()
    with pytest.raises(
        OptionError, match=r"rate 0\.7 cannot .* at most 60 of 90 can go\. Give 0\.6666 or less"
    ):
        make(dialogues_of(30), "fixed_rate", rate=0.7)
    assert make(dialogues_of(30), "fixed_rate", rate=1.0, keep_one=False).missing.all()


def test_only_the_chosen_modalities_go() -> None:
    for protocol in ("fixed_rate", "dialogue", "block"):
        pattern = make(dialogues_of(5, 5), protocol, rate=1.0, modalities=["video", "audio"])
        assert set(lost_of(pattern).values()) == {"av"}
        assert pattern.parameters.modalities == ["audio", "video"]
    assert make(dialogues_of(5), "fixed_rate", rate=1.0, modalities="video").missing[:, 2].all()


def test_only_leaves_what_it_names() -> None:
    masks = [(True, True, True), (True, False, True), (False, False, False)]
    pattern = make(dataset_of(masks), "only", only=("text", "video"))
    assert list(lost_of(pattern).values()) == ["a", "", ""]
    assert make(dataset_of(masks), "only", only="video", seed=1).missing[:, :2].sum() == 3
    with pytest.raises(
        OptionError, match=r"1 of 3 utterances have none of \['audio'\] .* the first is d00_003"
    ):
        make(dataset_of(masks), "only", only=("audio",))
    emptied = make(dataset_of(masks), "only", only=("audio",), keep_one=False)
    assert list(lost_of(emptied).values()) == ["tv", "tv", ""]


def runs_of(pattern: MissingPattern, number: int) -> list[int]:
    """Return the lengths of runs of lost cells in the order of the ids, which is that of the dialogues."""
    runs, length, before = [], 0, ""
    for name, lost in zip(pattern.utterance_ids, pattern.missing[:, number], strict=True):
        if length and (not lost or name[:3] != before):
            runs.append(length)
            length = 0
        length += bool(lost)
        before = name[:3]
    return [*runs, length] if length else runs


def test_blocks_are_runs_inside_a_dialogue_in_the_order_of_its_numbers() -> None:
    dataset = dialogues_of(*[20] * 30).shuffle(seed=4)
    options: dict[str, Any] = {"rate": 0.02, "block_length": 6, "modalities": ["video"], "seed": 2}
    pattern = make(dataset, "block", **options)
    assert pattern.missing.sum() == 12
    assert runs_of(pattern, 2) == [6, 6]
    lengths = Counter(runs_of(make(dataset, "block", **{**options, "rate": 0.2}), 2))
    assert lengths.most_common(1)[0][0] == 6
    assert sum(size * times for size, times in lengths.items()) == 120


def test_a_block_covers_neighbours_by_number_not_by_row() -> None:
    ids = ["d00_010", "d00_002", "d00_001"]
    rows = dialogues_of(3).select([2, 0, 1])
    dataset = rows.remove_columns(["utterance_id", "utterance_number"])
    dataset = dataset.add_column("utterance_id", ids).add_column("utterance_number", [10, 2, 1])
    seen = {
        tuple(name for name, lost in lost_of(pattern).items() if lost)
        for pattern in (
            make(dataset, "block", rate=2 / 3, block_length=2, modalities=["text"], seed=seed)
            for seed in range(12)
        )
    }
    assert ("d00_001", "d00_002") in seen


def test_whole_dialogues_keep_one_modality_together() -> None:
    pattern = make(dialogues_of(*[4] * 20), "dialogue", rate=2 / 3, seed=1)
    for one in np.split(pattern.available, 20):
        assert one.sum(axis=1).tolist() == [1] * 4
        assert (one == one[0]).all()


def test_the_draw_of_a_cell_is_its_own_and_the_count_is_of_the_set() -> None:
    dataset = dialogues_of(60)
    whole, half = (make(dataset.select(range(size)), "fixed_rate", seed=6) for size in (60, 30))
    assert half.missing.sum() == 27
    # Both take the lowest numbers: one of the two thresholds is the higher, so one holds all of the other.
    ours, theirs = whole.missing[:30], half.missing
    assert not (ours & ~theirs).any() or not (theirs & ~ours).any()


@pytest.mark.parametrize(
    ("protocol", "options", "message"),
    [
        ("random", {}, "protocol is 'random'; expected one of"),
        ("fixed_rate", {}, "'fixed_rate' needs rate"),
        ("block", {"rate": 0.1}, "'block' needs block_length"),
        ("only", {"only": ["text"], "rate": 0.1}, "rate is not for 'only', which takes only"),
        ("dialogue", {"rate": 0.1, "block_length": 2}, "block_length is not for 'dialogue'"),
        ("fixed_rate", {"rate": 1.5}, "rate is 1.5; expected a share from 0 to 1"),
        ("fixed_rate", {"rate": float("nan")}, "rate is nan"),
        ("fixed_rate", {"rate": True}, "rate is True"),
        ("fixed_rate", {"rate": "0.3"}, "rate is '0.3'"),
        ("fixed_rate", {"rate": 0.1, "seed": -1}, "seed is -1; expected a whole number of 0 or more"),
        ("fixed_rate", {"rate": 0.1, "seed": 0.5}, "seed is 0.5"),
        ("fixed_rate", {"rate": 0.1, "seed": 2**63}, "seed is 9223372036854775808"),
        ("fixed_rate", {"rate": 0.1, "keep_one": 1}, "keep_one is 1; expected True or False"),
        ("fixed_rate", {"rate": 0.1, "modalities": ["face"]}, "modalities is 'face'; expected one of"),
        ("fixed_rate", {"rate": 0.1, "modalities": []}, "expected some of"),
        ("fixed_rate", {"rate": 0.1, "modalities": ["text", "text"]}, "each once"),
        ("fixed_rate", {"rate": 0.1, "modalities": 3}, "modalities is 3"),
        ("per_modality", {"rates": 0.5}, "rates is 0.5; expected a rate by modality"),
        ("per_modality", {"rates": {}}, "rates is {}"),
        ("per_modality", {"rates": {"face": 0.5}}, "a modality of rates is 'face'"),
        ("per_modality", {"rates": {"text": 2}}, r"rates\['text'\] is 2"),
        ("per_modality", {"rates": {"text": 1, "audio": 1, "video": 0.5}}, "cannot be reached"),
        ("block", {"rate": 0.1, "block_length": 0}, "block_length is 0; expected a whole number of 1"),
    ],
)
def test_options_that_cannot_be_are_refused(protocol: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make_missing(dialogues_of(4), protocol, **options)


def test_data_that_nothing_can_be_drawn_from_is_refused() -> None:
    dataset = dialogues_of(4)
    with pytest.raises(OptionError, match="no rows"):
        make(dataset.select([]), "fixed_rate")
    with pytest.raises(OptionError, match="'d00_003' is there twice"):
        make(dataset.select([0, 1, 1]), "fixed_rate")
    with pytest.raises(OptionError, match="no column 'dialogue_id'"):
        make(dataset.remove_columns("dialogue_id"), "dialogue")
    with pytest.raises(OptionError, match="choose a split"):
        make(datasets.DatasetDict({"train": dataset}), "fixed_rate")
    without = dataset_of([(True, True, False)] * 4)
    assert make(without, "fixed_rate").rates["video"] is None
    with pytest.raises(OptionError, match=r"no utterance has video, .* that are there: \['text', 'audio'\]"):
        make(without, "fixed_rate", modalities=["text", "video"])
    with pytest.raises(OptionError, match="no utterance has text or audio or video"):
        make(dataset_of([(False, False, False)]), "fixed_rate")
    nulls = datasets.Features({**dataset.features, "utterance_number": datasets.Value("int32")})
    holes = dataset.remove_columns("utterance_number").add_column("utterance_number", [1, None, 3, 5])
    with pytest.raises(OptionError, match="utterance_number is null"):
        make(holes.cast(nulls), "block")


@needs_tables
def test_counts_are_exact_on_the_real_tables() -> None:
    train = real_emotalk()["train"]
    pattern = make(train, "block", rate=0.25, block_length=5, modalities=["text"], keep_one=False)
    assert pattern.missing[:, 0].sum() == round(0.25 * 15_413)
    assert pattern.present.sum(axis=0).tolist() == [15_413, 0, 0]

"""Masks equal matrices written by hand: `x` is blocked, `.` may be looked at."""

from __future__ import annotations

from typing import Any

import datasets
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotalk_data.errors import OptionError
from emotalk_data.views import DialogueMasks, dialogue_masks, dialogues

from .conversations import conversation, lines

NAMES = ("global_", "local", "intra_speaker", "inter_speaker")


def matrix(*rows: str) -> NDArray[np.bool_]:
    return np.array([[mark == "x" for mark in row] for row in rows])


def assert_masks(found: DialogueMasks, number: int | None = None, **expected: NDArray[np.bool_]) -> None:
    for name, mask in expected.items():
        value = getattr(found, name)
        assert value.dtype == bool
        np.testing.assert_array_equal(value if number is None else value[number], mask, err_msg=name)


def test_one_dialogue_has_the_masks_of_the_paper() -> None:
    assert_masks(
        dialogue_masks(["A", "B", "B", "A", "B"]),
        global_=matrix(".....", ".....", ".....", ".....", "....."),
        local=matrix("...xx", "....x", ".....", "x....", "xx..."),
        intra_speaker=matrix(".xx.x", "x..x.", "x..x.", ".xx.x", "x..x."),
        inter_speaker=matrix("...x.", "..x.x", ".x..x", "x....", ".xx.."),
        padding=np.zeros(5, bool),
    )


def test_padding_is_seen_by_itself_only() -> None:
    found = dialogue_masks([["A", "B", "A"], ["B"]], pad_to=4)
    assert_masks(
        found,
        0,
        global_=matrix("...x", "...x", "...x", "xxx."),
        local=matrix("...x", "...x", "...x", "xxx."),
        intra_speaker=matrix(".x.x", "x.xx", ".x.x", "xxx."),
        inter_speaker=matrix("..xx", "...x", "x..x", "xxx."),
        padding=np.array([False, False, False, True]),
    )
    alone = matrix(".xxx", "x.xx", "xx.x", "xxx.")
    assert_masks(
        found,
        1,
        global_=alone,
        local=alone,
        intra_speaker=alone,
        inter_speaker=alone,
        padding=np.array([False, True, True, True]),
    )


@pytest.mark.parametrize(
    ("window", "rows"),
    [(0, (".xxx", "x.xx", "xx.x", "xxx.")), (1, ("..xx", "...x", "x...", "xx..")), (3, ("....",) * 4)],
)
def test_the_window_is_how_far_the_local_mask_looks(window: int, rows: tuple[str, ...]) -> None:
    assert_masks(dialogue_masks(["A", "B", "A", "B"], window=window), local=matrix(*rows))


def test_speakers_may_be_many_and_numbers() -> None:
    found = dialogue_masks(np.array([7, 8, 9, 7]))
    assert_masks(
        found,
        intra_speaker=matrix(".xx.", "x.xx", "xx.x", ".xx."),
        inter_speaker=matrix("...x", "....", "....", "x..."),
    )


def test_dialogues_of_a_dataset_can_be_given_as_they_are() -> None:
    ds = conversation(lines("a_2_1 B Sad\na_1_2 B Sad\na_1_1 A Sad"))
    found = dialogue_masks(dialogues(ds)["speaker_ids"])
    assert found.local.shape == (2, 2, 2)
    np.testing.assert_array_equal(found.padding, [[False, False], [False, True]])
    assert_masks(found, 0, intra_speaker=matrix(".x", "x."))
    one = dialogue_masks(dialogues(ds)[0]["speaker_ids"])
    assert_masks(one, intra_speaker=matrix(".x", "x."))


several = st.lists(st.lists(st.sampled_from("ABC"), max_size=8), min_size=1, max_size=4)


@given(several, st.integers(0, 4), st.integers(0, 3))
def test_masks_are_symmetric_see_themselves_and_agree_with_a_loop(
    speakers: list[list[str]], window: int, more: int
) -> None:
    longest = max(map(len, speakers))
    found = dialogue_masks(speakers, window=window, pad_to=longest + more)
    for number, dialogue in enumerate(speakers):
        one = [getattr(found, name)[number] for name in NAMES]
        for i in range(longest + more):
            for j in range(longest + more):
                if i == j:
                    blocked = [False] * 4
                elif max(i, j) >= len(dialogue):
                    blocked = [True] * 4
                else:
                    same = dialogue[i] == dialogue[j]
                    blocked = [False, abs(i - j) > window, not same, same]
                assert [mask[i, j] for mask in one] == blocked
        np.testing.assert_array_equal(found.padding[number], np.arange(longest + more) >= len(dialogue))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(found, name), getattr(found, name).swapaxes(1, 2))


@given(several)
def test_a_dialogue_in_a_batch_has_the_masks_that_it_has_alone(speakers: list[list[str]]) -> None:
    batch = dialogue_masks(speakers)
    for number, dialogue in enumerate(speakers):
        if dialogue:
            alone, size = dialogue_masks(dialogue), len(dialogue)
            expected = {name: getattr(alone, name) for name in NAMES}
            for name, mask in expected.items():
                np.testing.assert_array_equal(getattr(batch, name)[number, :size, :size], mask)


@given(several)
def test_the_order_of_dialogues_makes_no_difference(speakers: list[list[str]]) -> None:
    found, turned = dialogue_masks(speakers), dialogue_masks(speakers[::-1])
    for name in (*NAMES, "padding"):
        np.testing.assert_array_equal(getattr(found, name), getattr(turned, name)[::-1])


def test_stacked_masks_are_in_the_order_of_the_attributes() -> None:
    one, several = dialogue_masks(["A", "B"]), dialogue_masks([["A", "B"], ["A"], ["B"]])
    assert (one.stack().shape, several.stack().shape) == ((4, 2, 2), (3, 4, 2, 2))
    for place, name in enumerate(NAMES):
        np.testing.assert_array_equal(one.stack()[place], getattr(one, name))
        np.testing.assert_array_equal(several.stack()[:, place], getattr(several, name))


def test_torch_attends_to_what_is_not_blocked_and_padding_gives_no_nan() -> None:
    masks = dialogue_masks([["A", "B", "A"], ["B"]])
    attention = torch.nn.MultiheadAttention(8, num_heads=4, batch_first=True)
    states = torch.randn(2, 3, 8)
    heads = torch.from_numpy(masks.stack()).flatten(0, 1)  # dialogue after dialogue, a mask for each head
    out, weights = attention(states, states, states, attn_mask=heads, average_attn_weights=False)
    assert torch.isfinite(out).all()
    np.testing.assert_array_equal(weights.detach().numpy() == 0, masks.stack())


@pytest.mark.parametrize(
    ("speakers", "match"),
    [
        ("ABA", "speakers is 'ABA'; expected the speakers of a dialogue"),
        ({"speaker_ids": ["A"]}, "expected the speakers of a dialogue"),
        (7, "speakers is 7"),
        ([], "speakers is empty"),
        ([["A"], "B"], "speakers holds both lists and 'B'"),
        (["A", None], "the speaker at position 1 of dialogue 0 is None"),
        ([["A"], ["B", None]], "the speaker at position 1 of dialogue 1 is None"),
        ([[["A"]]], r"the speaker at position 0 of dialogue 0 is \['A'\]"),
    ],
)
def test_what_does_not_say_who_speaks_is_refused(speakers: Any, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        dialogue_masks(speakers)


@pytest.mark.parametrize("number", [-1, 1.5, "2", True, None])
def test_numbers_that_cannot_be_are_refused(number: Any) -> None:
    with pytest.raises(OptionError, match=r"window is .*; expected 0 or more"):
        dialogue_masks(["A"], window=number)
    if number is not None:
        with pytest.raises(OptionError, match=r"pad_to is .*; expected 0 or more"):
            dialogue_masks(["A"], pad_to=number)


def test_a_dialogue_is_never_cut_to_the_padded_length() -> None:
    with pytest.raises(OptionError, match="pad_to is 2, and the longest dialogue has 3 utterances"):
        dialogue_masks([["A"], ["A", "B", "A"]], pad_to=2)


def test_masks_that_no_memory_holds_are_refused_before_they_are_made() -> None:
    with pytest.raises(
        OptionError, match=r"^1 dialogues of 1,000,000 positions are masks of 1,000,000,000,000 "
    ):
        dialogue_masks(["A", "B"], pad_to=1_000_000)
    with pytest.raises(OptionError, match=r"Take fewer dialogues at a time, or a smaller pad_to"):
        dialogue_masks(["A"], pad_to=10**30)


def test_a_dataset_is_no_list_of_speakers() -> None:
    with pytest.raises(OptionError, match=r"such lists: dialogues\(ds\)\[\"speaker_ids\"\]"):
        dialogue_masks(datasets.Dataset.from_dict({"speaker_ids": [["A", "B"]]}))

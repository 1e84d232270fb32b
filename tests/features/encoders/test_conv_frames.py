"""How many frames a sound has, when they are, and how it is cut."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.features.encoders.conv_frames import ConvFrames, cut_pieces

HUBERT = ConvFrames((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2))

layers = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), min_size=1, max_size=4)


@given(layers, st.integers(1, 400))
def test_as_many_frames_as_the_convolutions_give(stack: list[tuple[int, int]], num_samples: int) -> None:
    expected = num_samples
    for kernel, stride in stack:
        expected = (expected - kernel) // stride + 1 if expected >= kernel else 0

    assert ConvFrames(*zip(*stack, strict=True)).count(num_samples) == expected


@given(layers, st.integers(0, 3))
def test_a_frame_sees_its_window_and_nothing_else(stack: list[tuple[int, int]], frame: int) -> None:
    conv = ConvFrames(*zip(*stack, strict=True))
    num_samples = conv.window + (frame + 2) * conv.hop
    seen = torch.zeros(1, 1, num_samples, requires_grad=True)
    values = seen
    for kernel, stride in stack:
        values = torch.nn.functional.conv1d(values, torch.ones(1, 1, kernel), stride=stride)
    values[0, 0, frame].backward()
    assert seen.grad is not None

    touched = np.flatnonzero(seen.grad[0, 0].numpy())

    start = frame * conv.hop
    assert (touched[0], touched[-1]) == (start, start + conv.window - 1)
    middle = (touched[0] + touched[-1] + 1) / 2
    np.testing.assert_allclose(conv.seconds(num_samples, 100)[frame], middle / 100, rtol=1e-6)


def test_frames_of_hubert_are_25_ms_long_and_20_ms_apart() -> None:
    assert (HUBERT.window, HUBERT.hop) == (400, 320)
    np.testing.assert_allclose(HUBERT.seconds(1_040, 16_000), [0.0125, 0.0325, 0.0525])


@given(st.integers(1, 2_000), st.integers(50, 300), st.integers(1, 50))
def test_pieces_cover_the_sound_and_none_is_too_short(num_samples: int, piece: int, shortest: int) -> None:
    pieces = cut_pieces(num_samples, piece, shortest)

    assert [start for start, _ in pieces] == [i * piece for i in range(len(pieces))]
    assert [stop for _, stop in pieces] == [*(start for start, _ in pieces[1:]), num_samples]
    assert len(pieces) == 1 or all(stop - start >= shortest for start, stop in pieces)
    assert all(stop - start < piece + shortest for start, stop in pieces)


def test_sound_is_left_whole_without_a_length_of_pieces() -> None:
    assert cut_pieces(1_000_000, None, 400) == [(0, 1_000_000)]

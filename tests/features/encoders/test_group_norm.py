"""Group normalisation that does not see padding."""

from __future__ import annotations

import pytest
import torch

from emotalk_data.features.encoders.group_norm import LengthAwareGroupNorm


def layer(num_channels: int = 6) -> torch.nn.GroupNorm:
    torch.manual_seed(1)
    norm = torch.nn.GroupNorm(num_channels, num_channels)
    torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
    torch.nn.init.uniform_(norm.bias, -1, 1)
    return norm.requires_grad_(False)


def test_each_row_is_normalised_as_if_it_were_alone() -> None:
    norm = layer()
    values = torch.randn(3, 6, 50)
    lengths = [50, 17, 2]
    alone = [norm(values[i : i + 1, :, :length])[0] for i, length in enumerate(lengths)]
    aware = LengthAwareGroupNorm(norm)
    aware.lengths = lengths

    found = aware(values.clone())

    for row, expected, length in zip(found, alone, lengths, strict=True):
        torch.testing.assert_close(row[:, :length], expected, rtol=1e-6, atol=1e-6)
        assert not row[:, length:].any()


def test_what_lies_in_the_padding_changes_nothing() -> None:
    aware = LengthAwareGroupNorm(layer())
    aware.lengths = [30, 10]
    values = torch.randn(2, 6, 30)
    other = values.clone()
    other[1, :, 10:] = torch.inf

    torch.testing.assert_close(aware(values), aware(other), rtol=0, atol=0)


def test_rows_without_padding_take_the_layer_as_it_is() -> None:
    norm = layer()
    aware = LengthAwareGroupNorm(norm)
    aware.lengths = [20, 20]
    values = torch.randn(2, 6, 20)

    torch.testing.assert_close(aware(values), norm(values), rtol=0, atol=0)


@pytest.mark.parametrize("lengths", [[], [20], [20, 21], [20, 0]])
def test_lengths_of_another_batch_are_refused(lengths: list[int]) -> None:
    aware = LengthAwareGroupNorm(layer())
    aware.lengths = lengths

    with pytest.raises(ValueError, match="no lengths of a batch"):
        aware(torch.randn(2, 6, 20))

"""DenseNet-BC-100 with growth 12, for small pictures: the network of M3ED's face features.

    grey 64 x 64 ─ conv 3 x 3 ─ 24 ─ block ─ 216 ─ half ─ 108 ─ block ─ 300 ─ half ─ 150 ─ block ─ 342 ─ mean

Huang et al., Densely Connected Convolutional Networks, CVPR 2017: three blocks of 16 layers of two convolutions,
compression 0.5. Parameters are named as in torchvision's DenseNet, with `features.norm_final` at the end:
`features.conv0.weight`, `features.denseblock1.denselayer1.norm1.weight`, `features.transition1.conv.weight`, …
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import torch
from torch import nn

__all__ = ["NUM_DIMS", "DenseNet"]

NUM_DIMS: Final = 342
_GROWTH: Final = 12
_LAYERS: Final = 16
_BLOCKS: Final = 3


class DenseNet(nn.Module):  # type: ignore[misc]  # torch is not followed
    """The network without its classifier: (n, 1, 64, 64) to (n, 342)."""

    def __init__(self) -> None:
        super().__init__()
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        width = 2 * _GROWTH
        parts["conv0"] = nn.Conv2d(1, width, kernel_size=3, padding=1, bias=False)
        for block in range(1, _BLOCKS + 1):
            parts[f"denseblock{block}"] = _dense_block(width)
            width += _LAYERS * _GROWTH
            if block < _BLOCKS:
                parts[f"transition{block}"] = _transition(width, width // 2)
                width //= 2
        parts["norm_final"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(parts)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the mean over the last block's positions."""
        states: torch.Tensor = torch.relu(self.features(pictures))
        return states.mean(dim=(2, 3))


class _DenseLayer(nn.Module):  # type: ignore[misc]
    """Two convolutions; what they give is put behind what they were given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(width, 4 * _GROWTH, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * _GROWTH)
        self.conv2 = nn.Conv2d(4 * _GROWTH, _GROWTH, kernel_size=3, padding=1, bias=False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        new = self.conv1(torch.relu(self.norm1(states)))
        new = self.conv2(torch.relu(self.norm2(new)))
        return torch.cat([states, new], dim=1)


def _dense_block(width: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            (f"denselayer{layer + 1}", _DenseLayer(width + layer * _GROWTH)) for layer in range(_LAYERS)
        )
    )


def _transition(width: int, new_width: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            norm=nn.BatchNorm2d(width),
            relu=nn.ReLU(),
            conv=nn.Conv2d(width, new_width, kernel_size=1, bias=False),
            pool=nn.AvgPool2d(kernel_size=2, stride=2),
        )
    )

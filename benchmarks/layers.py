"""Layers of known networks."""

import math
from typing import NamedTuple


class Layer(NamedTuple):
    side: int
    channels: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    @property
    def options(self) -> tuple[int, int, int, int]:
        return self.stride, self.padding, self.dilation, self.groups

    @property
    def multiply_adds(self) -> int:
        spanned = self.dilation * (self.kernel - 1) + 1
        side = (self.side + 2 * self.padding - spanned) // self.stride + 1
        return side**2 * self.outputs * self.channels // self.groups * self.kernel**2

    def arrays(self, batch: int):
        """An image and kernels whose outputs have variance 1."""
        import numpy as np

        generator = np.random.default_rng(0)
        image = generator.standard_normal((batch, self.channels, self.side, self.side), dtype=np.float32)
        slices = self.channels // self.groups
        size = (self.outputs, slices, self.kernel, self.kernel)
        weight = generator.standard_normal(size, dtype=np.float32)
        return image, weight / np.float32(self.kernel * math.sqrt(slices))


SETS = {
    "ResNet-50": {
        "7x7 3-64 at 224, stride 2": Layer(224, 3, 64, 7, 2, 3),
        "1x1 64-64 at 56": Layer(56, 64, 64, 1),
        "1x1 64-256 at 56": Layer(56, 64, 256, 1),
        "1x1 256-64 at 56": Layer(56, 256, 64, 1),
        "1x1 512-128 at 28": Layer(28, 512, 128, 1),
        "1x1 128-512 at 28": Layer(28, 128, 512, 1),
        "1x1 1024-256 at 14": Layer(14, 1024, 256, 1),
        "1x1 256-1024 at 14": Layer(14, 256, 1024, 1),
        "1x1 2048-512 at 7": Layer(7, 2048, 512, 1),
        "1x1 512-2048 at 7": Layer(7, 512, 2048, 1),
        "1x1 256-512 at 56, stride 2": Layer(56, 256, 512, 1, 2),
        "3x3 64-64 at 56": Layer(56, 64, 64, 3, 1, 1),
        "3x3 128-128 at 28": Layer(28, 128, 128, 3, 1, 1),
        "3x3 256-256 at 14": Layer(14, 256, 256, 3, 1, 1),
        "3x3 512-512 at 7": Layer(7, 512, 512, 3, 1, 1),
        "3x3 128-128 at 56, stride 2": Layer(56, 128, 128, 3, 2, 1),
        "3x3 256-256 at 28, stride 2": Layer(28, 256, 256, 3, 2, 1),
        "3x3 512-512 at 14, stride 2": Layer(14, 512, 512, 3, 2, 1),
    },
    "VGG-16": {
        "3x3 3-64 at 224": Layer(224, 3, 64, 3, 1, 1),
        "3x3 64-64 at 224": Layer(224, 64, 64, 3, 1, 1),
        "3x3 64-128 at 112": Layer(112, 64, 128, 3, 1, 1),
        "3x3 128-128 at 112": Layer(112, 128, 128, 3, 1, 1),
        "3x3 256-256 at 56": Layer(56, 256, 256, 3, 1, 1),
        "3x3 512-512 at 28": Layer(28, 512, 512, 3, 1, 1),
        "3x3 512-512 at 14": Layer(14, 512, 512, 3, 1, 1),
    },
    "MobileNet": {
        "depthwise 3x3 32 at 112": Layer(112, 32, 32, 3, 1, 1, 1, 32),
        "depthwise 3x3 64 at 112, stride 2": Layer(112, 64, 64, 3, 2, 1, 1, 64),
        "depthwise 3x3 128 at 56": Layer(56, 128, 128, 3, 1, 1, 1, 128),
        "depthwise 3x3 256 at 28": Layer(28, 256, 256, 3, 1, 1, 1, 256),
        "depthwise 3x3 512 at 14": Layer(14, 512, 512, 3, 1, 1, 1, 512),
        "depthwise 3x3 1024 at 7": Layer(7, 1024, 1024, 3, 1, 1, 1, 1024),
        "1x1 32-64 at 112": Layer(112, 32, 64, 1),
        "1x1 512-512 at 14": Layer(14, 512, 512, 1),
    },
    "others": {
        "5x5 64-64 at 56, dilation 2": Layer(56, 64, 64, 5, 1, 4, 2),
        "depthwise 7x7 128 at 56": Layer(56, 128, 128, 7, 1, 3, 1, 128),
        "3x3 128-128 at 56, 32 groups": Layer(56, 128, 128, 3, 1, 1, 1, 32),
        "16x16 3-768 at 224, patches": Layer(224, 3, 768, 16, 16),
        "3x3 8-8 at 256": Layer(256, 8, 8, 3, 1, 1),
    },
    "apart": {"depthwise 31x31 128 at 56": Layer(56, 128, 128, 31, 1, 15, 1, 128)},
}
LAYERS = {f"{network}: {name}": layer for network, layers in SETS.items() for name, layer in layers.items()}

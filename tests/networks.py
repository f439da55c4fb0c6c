"""Famous networks as far as a receptive field can tell: their windows, strides, paddings and paths.

Written from the papers and, for those with TensorFlow's SAME padding, from the description of the TF-Slim
models. Two channels are enough, and classifiers are left out.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

C = 2  # channels


class Same(nn.Module):
    """TensorFlow's SAME: ceil(n / s) units, and the larger half of the padding comes after."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        amounts: list[int] = []
        sizes = zip(x.shape[2:], _pair(self.layer.kernel_size), _pair(self.layer.stride), strict=True)
        for n, k, s in reversed(list(sizes)):
            total = max((-(-n // s) - 1) * s + k - n, 0)
            amounts += [total // 2, total - total // 2]
        return self.layer(F.pad(x, amounts))


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def conv(k: Any, s: int = 1, p: Any = "same", cin: int = C) -> nn.Module:
    if p == "same":
        return Same(nn.Conv2d(cin, C, k, s))
    return nn.Conv2d(cin, C, k, s, 0 if p == "valid" else p)


def pool(k: int, s: int, p: Any = "same", average: bool = False) -> nn.Module:
    kind = nn.AvgPool2d if average else nn.MaxPool2d
    return Same(kind(k, s)) if p == "same" else kind(k, s, 0 if p == "valid" else p)


class Concat(nn.Module):
    """Branches side by side; a 1x1 convolution brings the channels back."""

    def __init__(self, *branches: nn.Module, outputs: int | None = None) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.mix = nn.Conv2d(C * (outputs or len(branches)), C, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mix(torch.cat([branch(x) for branch in self.branches], 1))


class Residual(nn.Module):
    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


def chain(*layers: Any) -> nn.Sequential:
    """Convolutions by kernel size, or modules."""
    return nn.Sequential(*(one if isinstance(one, nn.Module) else conv(one) for one in layers))


ROW, COLUMN = (1, 7), (7, 1)


def alexnet_v2() -> nn.Module:
    head = [("conv1", conv(11, 4, "valid", 3)), ("pool1", pool(3, 2, "valid")), ("conv2", conv(5))]
    tail = [("pool2", pool(3, 2, "valid")), *((f"conv{i}", conv(3)) for i in (3, 4, 5))]
    return named(*head, *tail, ("pool5", pool(3, 2, "valid")))


def named(*parts: tuple[str, nn.Module]) -> nn.Sequential:
    model = nn.Sequential()
    for name, part in parts:
        model.add_module(name, part)
    return model


def vgg_16() -> nn.Module:
    parts: list[tuple[str, nn.Module]] = []
    for block, convolutions in enumerate((2, 2, 3, 3, 3), 1):
        first = 3 if block == 1 else C
        layers = [conv(3, cin=first if i == 0 else C) for i in range(convolutions)]
        parts += [(f"conv{block}", nn.Sequential(*layers)), (f"pool{block}", pool(2, 2, "valid"))]
    return named(*parts)


def mobilenet_v1() -> nn.Module:
    layers = [conv(3, 2, cin=3)]
    for s in (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1):
        layers += [Same(nn.Conv2d(C, C, 3, s, groups=C)), nn.BatchNorm2d(C), nn.ReLU6(), nn.Conv2d(C, C, 1)]
    return nn.Sequential(*layers)


def slim_resnet(*units: int) -> Callable[[], nn.Module]:
    """The stride of a block stands in its last unit, and the last block has none."""

    def make() -> nn.Module:
        parts: list[tuple[str, nn.Module]] = [("conv1", conv(7, 2, 3, 3)), ("pool1", pool(3, 2))]
        for block, count in enumerate(units, 1):
            strides = [1] * (count - 1) + [2 if block < 4 else 1]
            body = [
                Residual(chain(1, conv(3, s, 1), 1), nn.Conv2d(C, C, 1, s) if i == 0 else nn.MaxPool2d(1, s))
                for i, s in enumerate(strides)
            ]
            parts.append((f"block{block}", nn.Sequential(*body)))
        return named(*parts)

    return make


def inception_v2() -> nn.Module:
    def block(average: bool = True) -> nn.Module:
        return Concat(conv(1), chain(1, 3), chain(1, 3, 3), chain(pool(3, 1, average=average), 1))

    def reduction() -> nn.Module:
        return Concat(chain(1, conv(3, 2)), chain(1, 3, conv(3, 2)), pool(3, 2))

    stem = [conv(7, 2, cin=3), pool(3, 2), conv(1), conv(3), pool(3, 2)]
    middle = [block(), block(), reduction(), block(), block(), block(), block()]
    return nn.Sequential(*stem, *middle, reduction(), block(), block(average=False))


def average_branch() -> nn.Module:
    return chain(pool(3, 1, average=True), 1)


def seven() -> nn.Module:
    return Concat(conv(1), chain(1, ROW, COLUMN), chain(1, COLUMN, ROW, COLUMN, ROW), average_branch())


def to_14() -> nn.Module:
    return Concat(conv(3, 2, "valid"), chain(1, 3, conv(3, 2, "valid")), pool(3, 2, "valid"))


def to_7() -> nn.Module:
    valid = conv(3, 2, "valid")
    return Concat(chain(1, valid), chain(1, ROW, COLUMN, conv(3, 2, "valid")), pool(3, 2, "valid"))


def crossed(*before: Any) -> nn.Module:
    return chain(*before, Concat(conv((1, 3)), conv((3, 1))))


def stem_of_v3() -> list[nn.Module]:
    first = [conv(3, 2, "valid", 3), conv(3, 1, "valid"), conv(3), pool(3, 2, "valid")]
    return [*first, conv(1), conv(3, 1, "valid"), pool(3, 2, "valid")]


def block_5b() -> nn.Module:
    return Concat(conv(1), chain(1, 5), chain(1, 3, 3), average_branch())


def inception_v3() -> nn.Module:
    last = [Concat(conv(1), crossed(1), crossed(1, 3), average_branch()) for _ in range(2)]
    parts = [("stem", nn.Sequential(*stem_of_v3())), ("Mixed_5b", block_5b()), ("Mixed_5c", block_5b())]
    parts += [("Mixed_5d", block_5b()), ("Mixed_6a", to_14()), *((f"Mixed_6{x}", seven()) for x in "bcde")]
    return named(*parts, ("Mixed_7a", to_7()), ("Mixed_7b", last[0]), ("Mixed_7c", last[1]))


def inception_v4() -> nn.Module:
    def three() -> nn.Module:
        return Concat(conv(1), chain(1, 3), chain(1, 3, 3), average_branch())

    def last() -> nn.Module:
        return Concat(conv(1), crossed(1), crossed(1, (3, 1), (1, 3)), average_branch())

    narrow = Concat(chain(1, conv(3, 1, "valid")), chain(1, ROW, COLUMN, conv(3, 1, "valid")))
    stem = [conv(3, 2, "valid", 3), conv(3, 1, "valid"), conv(3)]
    stem += [Concat(pool(3, 2, "valid"), conv(3, 2, "valid")), narrow]
    stem += [Concat(conv(3, 2, "valid"), pool(3, 2, "valid"))]
    return nn.Sequential(
        *stem,
        *(three() for _ in range(4)),
        to_14(),
        *(seven() for _ in range(7)),
        to_7(),
        *(last() for _ in "bcd"),
    )


def inception_resnet_v2() -> nn.Module:
    def repeated(times: int, *branches: Callable[[], nn.Module]) -> list[nn.Module]:
        return [Residual(Concat(*(branch() for branch in branches))) for _ in range(times)]

    def reduction(*before: Any) -> nn.Module:
        return chain(*before, conv(3, 2, "valid"))

    return nn.Sequential(
        *stem_of_v3(),
        block_5b(),
        *repeated(10, lambda: conv(1), lambda: chain(1, 3), lambda: chain(1, 3, 3)),
        to_14(),
        *repeated(20, lambda: conv(1), lambda: chain(1, ROW, COLUMN)),
        Concat(reduction(1), reduction(1), reduction(1, 3), pool(3, 2, "valid")),
        *repeated(10, lambda: conv(1), lambda: chain(1, (1, 3), (3, 1))),
        conv(1),
    )


def torch_resnet(units: tuple[int, ...], bottleneck: bool) -> Callable[[], nn.Module]:
    """The common torch form: the stride in the first unit, of a bottleneck on its 3x3."""

    def make() -> nn.Module:
        parts: list[tuple[str, nn.Module]] = [("conv1", conv(7, 2, 3, 3)), ("maxpool", pool(3, 2, 1))]
        for block, count in enumerate(units, 1):
            strides = [1 if block == 1 else 2] + [1] * (count - 1)
            body = []
            for s in strides:
                layers = (
                    [conv(1, 1, 0), conv(3, s, 1), conv(1, 1, 0)]
                    if bottleneck
                    else [conv(3, s, 1), conv(3, 1, 1)]
                )
                normed = [part for layer in layers for part in (layer, nn.BatchNorm2d(C), nn.ReLU())][:-1]
                body.append(Residual(nn.Sequential(*normed), nn.Conv2d(C, C, 1, s) if s > 1 else None))
            parts.append((f"layer{block}", nn.Sequential(*body)))
        return named(*parts)

    return make


class Linear(Residual):
    """A residual without an activation behind it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


def mobilenet_v2() -> nn.Module:
    layers: list[nn.Module] = [conv(3, 2, 1, 3)]
    for repeats, stride in ((1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1)):
        for s in [stride] + [1] * (repeats - 1):
            body = nn.Sequential(
                nn.Conv2d(C, 2 * C, 1),
                nn.ReLU6(),
                nn.Conv2d(2 * C, 2 * C, 3, s, 1, groups=2 * C),
                nn.Conv2d(2 * C, C, 1),
            )
            layers.append(Linear(body) if s == 1 and repeats > 1 else body)
    return nn.Sequential(*layers, conv(1, 1, 0))


def alexnet() -> nn.Module:
    first = [conv(11, 4, 2, 3), pool(3, 2, "valid"), conv(5, 1, 2), pool(3, 2, "valid")]
    return nn.Sequential(*first, *(conv(3, 1, 1) for _ in range(3)), pool(3, 2, "valid"))


class ChannelNorm(nn.Module):
    """A layer norm of the channels, as ConvNeXt has it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x.permute(0, 2, 3, 1), (C,)).permute(0, 3, 1, 2)


def convnext_tiny() -> nn.Module:
    layers: list[nn.Module] = [conv(4, 4, 0, 3), ChannelNorm()]
    for stage, count in enumerate((3, 3, 9, 3)):
        if stage:
            layers += [ChannelNorm(), conv(2, 2, 0)]
        for _ in range(count):
            depthwise = nn.Conv2d(C, C, 7, padding=3, groups=C)
            layers.append(
                Linear(
                    nn.Sequential(
                        depthwise, ChannelNorm(), nn.Conv2d(C, 2 * C, 1), nn.GELU(), nn.Conv2d(2 * C, C, 1)
                    )
                )
            )
    return nn.Sequential(*layers)


PUBLISHED: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int, int]]] = {
    # size, effective stride, effective padding at 224 and at 321
    "alexnet_v2": (alexnet_v2, (195, 32, 64, 64)),
    "vgg_16": (vgg_16, (212, 32, 90, 90)),
    "mobilenet_v1": (mobilenet_v1, (315, 32, 126, 157)),
    "resnet_v1_50": (slim_resnet(3, 4, 6, 3), (483, 32, 239, 241)),
    "inception_v2": (inception_v2, (699, 32, 318, 349)),
    "resnet_v1_101": (slim_resnet(3, 4, 23, 3), (1027, 32, 511, 513)),
    "inception_v3": (inception_v3, (1311, 32, 618, 618)),
    "resnet_v1_152": (slim_resnet(3, 8, 36, 3), (1507, 32, 751, 753)),
    "resnet_v1_200": (slim_resnet(3, 24, 36, 3), (1763, 32, 879, 881)),
    "inception_v4": (inception_v4, (2071, 32, 998, 998)),
    "inception_resnet_v2": (inception_resnet_v2, (3039, 32, 1482, 1482)),
}

SYMMETRIC: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "ResNet-18": (torch_resnet((2, 2, 2, 2), False), (435, 32, 217)),
    "ResNet-34": (torch_resnet((3, 4, 6, 3), False), (899, 32, 449)),
    "ResNet-50": (torch_resnet((3, 4, 6, 3), True), (427, 32, 213)),
    "ResNet-101": (torch_resnet((3, 4, 23, 3), True), (971, 32, 485)),
    "MobileNetV2": (mobilenet_v2, (491, 32, 245)),
    "AlexNet": (alexnet, (195, 32, 66)),
    "ConvNeXt-T": (convnext_tiny, (1688, 32, 828)),
    "ViT-B/16": (lambda: conv(16, 16, 0, 3), (16, 16, 0)),
}

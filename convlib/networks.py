"""Published networks as tables of layers, from the image to the last feature map.

A table holds what decides on sizes, receptive fields and cost: convolutions and poolings, and how they are
joined. Biases, norms and activations look at one place at a time, so they are left out, and so is the
classifier behind the last map. `network` makes a torch module of a table.

The tables follow the papers, in the form in which TF-Slim published them; where torchvision has made another
form the usual one, the name ends in "_torch".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convlib._checks import require_flag, require_one_of
from convlib.shapes import as_integer, as_sizes

__all__ = [
    "TABLES",
    "Branches",
    "Conv",
    "Pool",
    "Residual",
    "conv",
    "module",
    "multiply_adds",
    "network",
    "same_padding",
    "symmetric",
]

# --- the words of a table -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Conv:
    """A convolution to `channels` maps; None gives each map `multiplier` kernels of its own."""

    channels: int | None
    kernel: tuple[int, int]
    stride: int = 1
    padding: str | int = "same"  # TensorFlow's; "valid"; "explicit" (k - 1) // 2 on either side; or pixels
    multiplier: int = 1


@dataclass(frozen=True)
class Pool:
    """Over windows of `kernel` x `kernel`."""

    kernel: int
    stride: int
    padding: str = "same"
    kind: str = "max"


@dataclass(frozen=True)
class Branches:
    """Side by side, their maps put one behind the other."""

    paths: tuple[Table, ...]


@dataclass(frozen=True)
class Residual:
    """What the layers make is added to what came in, or to what the shortcut makes of it."""

    layers: Table
    shortcut: Table = ()


Entry: TypeAlias = Conv | Pool | Branches | Residual
Table: TypeAlias = tuple[Entry, ...]


def conv(channels: int | None, kernel: int | str = 3, stride: int = 1, padding: str = "same") -> Conv:
    """``conv(64, "1x7", 2)``: kernel sizes as papers write them, height x width."""
    height, width = map(int, kernel.split("x")) if isinstance(kernel, str) else (kernel, kernel)
    return Conv(channels, (height, width), stride, padding)


def valid(channels: int, kernel: int = 3, stride: int = 1) -> Conv:
    return conv(channels, kernel, stride, "valid")


def one(channels: int) -> Conv:
    return conv(channels, 1)


# --- AlexNet, VGG, MobileNet --------------------------------------------------------------------------------


def alexnet() -> Table:
    """Krizhevsky (2014), "one weird trick"."""
    shrink = Pool(3, 2, "valid")
    return (valid(64, 11, 4), shrink, conv(192, 5), shrink, conv(384), conv(384), conv(256), shrink)


def vgg(convolutions: Sequence[int]) -> Table:
    """Simonyan and Zisserman (2015): so many 3x3 in each of five stages."""
    table: list[Entry] = []
    for many, channels in zip(convolutions, (64, 128, 256, 512, 512), strict=True):
        table += [conv(channels)] * many + [Pool(2, 2, "valid")]
    return tuple(table)


def mobilenet_v1(width: float = 1) -> Table:
    """Howard and others (2017): depthwise, then pointwise."""
    table: list[Entry] = [conv(int(32 * width), 3, 2)]
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    channels = (64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
    for stride, after in zip(strides, channels, strict=True):
        table += [conv(None, 3, stride), one(int(after * width))]
    return tuple(table)


# --- ResNet -------------------------------------------------------------------------------------------------


def resnet_v1(units: Sequence[int]) -> Table:
    """He and others (2016), with bottlenecks; TF-Slim strides in the last unit of a stage."""
    table: list[Entry] = [conv(64, 7, 2, "explicit"), Pool(3, 2)]
    for stage, (many, middle) in enumerate(zip(units, (64, 128, 256, 512), strict=True)):
        for unit in range(many):
            stride = 2 if unit == many - 1 and stage < 3 else 1
            inside = (one(middle), conv(middle, 3, stride, "same" if stride == 1 else "explicit"))
            shortcut: Table = (Pool(1, stride),) if stride > 1 else ()
            if unit == 0:
                shortcut = (conv(4 * middle, 1, stride),)
            table.append(Residual((*inside, one(4 * middle)), shortcut))
    return tuple(table)


def resnet_torch(units: Sequence[int], bottleneck: bool) -> Table:
    """As torchvision has it: the stride in the first unit of a stage, on its first 3x3."""
    table: list[Entry] = [conv(64, 7, 2, "explicit"), Pool(3, 2, "explicit")]
    for stage, (many, middle) in enumerate(zip(units, (64, 128, 256, 512), strict=True)):
        for unit in range(many):
            stride = 2 if unit == 0 and stage > 0 else 1
            if bottleneck:
                inside: Table = (one(middle), conv(middle, 3, stride, "explicit"), one(4 * middle))
            else:
                inside = (conv(middle, 3, stride, "explicit"), conv(middle, 3, 1, "explicit"))
            changes = unit == 0 and (bottleneck or stage > 0)
            after = 4 * middle if bottleneck else middle
            table.append(Residual(inside, (conv(after, 1, stride),) if changes else ()))
    return tuple(table)


def alexnet_torch() -> Table:
    """torchvision's: as above, with padding 2 on the first layer."""
    return (Conv(64, (11, 11), 4, 2), *symmetric(alexnet()[1:]))


def mobilenet_v2() -> Table:
    """Sandler and others (2018): narrow between the blocks, wide inside."""
    table: list[Entry] = [conv(32, 3, 2, "explicit")]
    before = 32
    rows = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    for wider, after, many, first in rows:
        for unit in range(many):
            stride = first if unit == 0 else 1
            expand: Table = (one(wider * before),) if wider > 1 else ()
            inside = (*expand, conv(None, 3, stride, "explicit"), one(after))
            table += [Residual(inside)] if stride == 1 and before == after else inside
            before = after
    return (*table, one(1280))


def convnext_tiny() -> Table:
    """Liu and others (2022)."""
    table: list[Entry] = []
    for stage, (many, maps) in enumerate(zip((3, 3, 9, 3), (96, 192, 384, 768), strict=True)):
        k = 2 if stage else 4
        table.append(valid(maps, k, k))
        table += [Residual((conv(None, 7, 1, "explicit"), one(4 * maps), one(maps)))] * many
    return tuple(table)


# --- Inception ----------------------------------------------------------------------------------------------


def inception_v2() -> Table:
    """Ioffe and Szegedy (2015)."""

    def block(
        first: int, second: Sequence[int], third: Sequence[int], last: int, kind: str = "avg"
    ) -> Branches:
        a, b = second
        c, d = third
        pooled = (Pool(3, 1, kind=kind), one(last))
        return Branches(((one(first),), (one(a), conv(b)), (one(c), conv(d), conv(d)), pooled))

    def shrink(first: Sequence[int], second: Sequence[int]) -> Branches:
        (a, b), (c, d) = first, second
        return Branches(((one(a), conv(b, 3, 2)), (one(c), conv(d), conv(d, 3, 2)), (Pool(3, 2),)))

    return (
        Conv(None, (7, 7), 2, multiplier=8), one(64), Pool(3, 2), one(64), conv(192), Pool(3, 2),
        block(64, (64, 64), (64, 96), 32), block(64, (64, 96), (64, 96), 64), shrink((128, 160), (64, 96)),
        block(224, (64, 96), (96, 128), 128), block(192, (96, 128), (96, 128), 128),
        block(160, (128, 160), (128, 160), 96), block(96, (128, 192), (160, 192), 96),
        shrink((128, 192), (192, 256)),
        block(352, (192, 320), (160, 224), 128), block(352, (192, 320), (192, 224), 128, "max"),
    )  # fmt: skip


AVERAGE = Pool(3, 1, kind="avg")
SHRINK = Pool(3, 2, "valid")


def wide(channels: int) -> Branches:
    """A 1x3 and a 3x1 beside each other."""
    return Branches(((conv(channels, "1x3"),), (conv(channels, "3x1"),)))


def inception_v3() -> Table:
    """Szegedy and others (2016)."""

    def block_5(last: int) -> Branches:
        third = (one(64), conv(96), conv(96))
        return Branches(((one(64),), (one(48), conv(64, 5)), third, (AVERAGE, one(last))))

    def block_6(c: int) -> Branches:
        second = (one(c), conv(c, "1x7"), conv(192, "7x1"))
        third = (one(c), conv(c, "7x1"), conv(c, "1x7"), conv(c, "7x1"), conv(192, "1x7"))
        return Branches(((one(192),), second, third, (AVERAGE, one(192))))

    block_7 = Branches(
        ((one(320),), (one(384), wide(384)), (one(448), conv(384), wide(384)), (AVERAGE, one(192)))
    )
    shrink_6 = Branches(((valid(384, 3, 2),), (one(64), conv(96), valid(96, 3, 2)), (SHRINK,)))
    seven = (one(192), conv(192, "1x7"), conv(192, "7x1"), valid(192, 3, 2))
    shrink_7 = Branches(((one(192), valid(320, 3, 2)), seven, (SHRINK,)))
    return (
        valid(32, 3, 2), valid(32), conv(64), SHRINK, valid(80, 1), valid(192), SHRINK,
        block_5(32), block_5(64), block_5(64), shrink_6,
        block_6(128), block_6(160), block_6(160), block_6(192), shrink_7, block_7, block_7,
    )  # fmt: skip


def inception_v4() -> Table:
    """Szegedy and others (2017)."""
    stem = (
        valid(32, 3, 2), valid(32), conv(64), Branches(((SHRINK,), (valid(96, 3, 2),))),
        Branches(((one(64), valid(96)), (one(64), conv(64, "1x7"), conv(64, "7x1"), valid(96)))),
        Branches(((valid(192, 3, 2),), (SHRINK,))),
    )  # fmt: skip
    block_a = Branches(((one(96),), (one(64), conv(96)), (one(64), conv(96), conv(96)), (AVERAGE, one(96))))
    shrink_a = Branches(((valid(384, 3, 2),), (one(192), conv(224), valid(256, 3, 2)), (SHRINK,)))
    second_b = (one(192), conv(224, "1x7"), conv(256, "7x1"))
    third_b = (one(192), conv(192, "7x1"), conv(224, "1x7"), conv(224, "7x1"), conv(256, "1x7"))
    block_b = Branches(((one(384),), second_b, third_b, (AVERAGE, one(128))))
    seven = (one(256), conv(256, "1x7"), conv(320, "7x1"), valid(320, 3, 2))
    shrink_b = Branches(((one(192), valid(192, 3, 2)), seven, (SHRINK,)))
    third_c = (one(384), conv(448, "3x1"), conv(512, "1x3"), wide(256))
    block_c = Branches(((one(256),), (one(384), wide(256)), third_c, (AVERAGE, one(256))))
    return (*stem, *(block_a,) * 4, shrink_a, *(block_b,) * 7, shrink_b, *(block_c,) * 3)


def inception_resnet_v2() -> Table:
    """Szegedy and others (2017)."""
    block_5 = Branches(
        ((one(96),), (one(48), conv(64, 5)), (one(64), conv(96), conv(96)), (AVERAGE, one(64)))
    )
    paths_35 = ((one(32),), (one(32), conv(32)), (one(32), conv(48), conv(64)))
    paths_17 = ((one(192),), (one(128), conv(160, "1x7"), conv(192, "7x1")))
    paths_8 = ((one(192),), (one(192), conv(224, "1x3"), conv(256, "3x1")))
    block_35 = Residual((Branches(paths_35), one(320)))
    block_17 = Residual((Branches(paths_17), one(1088)))
    block_8 = Residual((Branches(paths_8), one(2080)))
    shrink_6 = Branches(((valid(384, 3, 2),), (one(256), conv(256), valid(384, 3, 2)), (SHRINK,)))
    third = (one(256), conv(288), valid(320, 3, 2))
    shrink_7 = Branches(((one(256), valid(384, 3, 2)), (one(256), valid(288, 3, 2)), third, (SHRINK,)))
    return (
        valid(32, 3, 2), valid(32), conv(64), SHRINK, valid(80, 1), valid(192), SHRINK, block_5,
        *(block_35,) * 10, shrink_6, *(block_17,) * 20, shrink_7, *(block_8,) * 10, one(1536),
    )  # fmt: skip


TABLES: dict[str, Callable[[], Table]] = {
    "alexnet_v2": alexnet,
    "vgg_16": lambda: vgg((2, 2, 3, 3, 3)),
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v1_075": lambda: mobilenet_v1(0.75),
    "resnet_v1_50": lambda: resnet_v1((3, 4, 6, 3)),
    "inception_v2": inception_v2,
    "resnet_v1_101": lambda: resnet_v1((3, 4, 23, 3)),
    "inception_v3": inception_v3,
    "resnet_v1_152": lambda: resnet_v1((3, 8, 36, 3)),
    "resnet_v1_200": lambda: resnet_v1((3, 24, 36, 3)),
    "inception_v4": inception_v4,
    "inception_resnet_v2": inception_resnet_v2,
    "alexnet_torch": alexnet_torch,
    "resnet_18_torch": lambda: resnet_torch((2, 2, 2, 2), bottleneck=False),
    "resnet_34_torch": lambda: resnet_torch((3, 4, 6, 3), bottleneck=False),
    "resnet_50_torch": lambda: resnet_torch((3, 4, 6, 3), bottleneck=True),
    "resnet_101_torch": lambda: resnet_torch((3, 4, 23, 3), bottleneck=True),
    "mobilenet_v2_torch": mobilenet_v2,
    "convnext_tiny_torch": convnext_tiny,
    "vit_b_16_torch": lambda: (valid(768, 16, 16),),
}


# --- torch modules ------------------------------------------------------------------------------------------


def same_padding(size: Sequence[int], kernel: Sequence[int], stride: int) -> list[int]:
    """TensorFlow's, in the order of `torch.nn.functional.pad`: ceil(n / s) outputs, the odd pixel after.

    Examples
    --------
    >>> same_padding((224, 7), (3, 3), 2)  # (left, right, top, bottom)
    [1, 1, 0, 1]
    """
    sides = []
    for n, k in zip(size[::-1], kernel[::-1], strict=True):
        total = max((-(-n // stride) - 1) * stride + k - n, 0)
        sides += [total // 2, total - total // 2]
    return sides


def padded(x: Tensor, kernel: Sequence[int], stride: int, padding: str | int, fill: float = 0) -> Tensor:
    height, width = kernel
    if padding == "valid":
        sides = [0] * 4
    elif padding == "same":
        sides = same_padding(x.shape[-2:], kernel, stride)
    elif padding == "explicit":
        sides = [(width - 1) // 2, width // 2, (height - 1) // 2, height // 2]
    else:
        sides = [int(padding)] * 4
    return F.pad(x, sides, value=fill) if any(sides) else x


class Convolution(nn.Conv2d):
    """Without bias; what its table says about padding is done first."""

    def __init__(self, before: int, after: int, layer: Conv) -> None:
        groups = before if layer.channels is None else 1
        super().__init__(before, after, layer.kernel, layer.stride, groups=groups, bias=False)
        self.layer = layer

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(padded(input, self.layer.kernel, self.layer.stride, self.layer.padding))


class Pooling(nn.Module):
    """A maximum or an average of the pixels that are there: padding takes no part in either."""

    def __init__(self, layer: Pool) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        k, s, padding = self.layer.kernel, self.layer.stride, self.layer.padding
        if self.layer.kind == "max":
            return F.max_pool2d(padded(x, (k, k), s, padding, -torch.inf), k, s)
        there = torch.ones_like(x[:1, :1])
        total, count = (F.avg_pool2d(padded(a, (k, k), s, padding), k, s) for a in (x, there))
        mean: Tensor = total / count
        return mean

    def extra_repr(self) -> str:
        return str(self.layer)


class Joined(nn.Module):
    def __init__(self, paths: Sequence[nn.Module]) -> None:
        super().__init__()
        self.paths = nn.ModuleList(paths)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([path(x) for path in self.paths], dim=1)


class Added(nn.Module):
    def __init__(self, inside: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.inside, self.shortcut = inside, shortcut

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.shortcut(x) + self.inside(x)
        return total


def module(table: Table, channels: int = 3, thin: bool = False) -> tuple[nn.Sequential, int]:
    """A torch module of a table, and how many maps it gives.

    Parameters
    ----------
    table : tuple of Conv, Pool, Branches and Residual
    channels : int
        Of the image.
    thin : bool
        One map from every convolution, whatever the table says.

    Examples
    --------
    >>> small, after = module((conv(8), Pool(2, 2, "valid")))
    >>> small(torch.ones(1, 3, 6, 6)).shape, after
    (torch.Size([1, 8, 3, 3]), 8)
    """
    steps: list[nn.Module] = []
    for entry in table:
        if isinstance(entry, Conv):
            each = 1 if thin else entry.multiplier
            given = each * channels if entry.channels is None else entry.channels
            after = 1 if thin and entry.channels else given
            steps.append(Convolution(channels, after, entry))
            channels = after
        elif isinstance(entry, Pool):
            steps.append(Pooling(entry))
        elif isinstance(entry, Branches):
            paths = [module(path, channels, thin) for path in entry.paths]
            steps.append(Joined([path for path, _ in paths]))
            channels = sum(after for _, after in paths)
        else:
            (inside, after), (shortcut, beside) = (
                module(part, channels, thin) for part in (entry.layers, entry.shortcut)
            )
            steps.append(Added(inside, shortcut))
            channels = max(after, beside)
    return nn.Sequential(*steps), channels


def symmetric(table: Table) -> Table:
    """The same layers, with (k - 1) // 2 pixels on either side wherever the table says "same"."""

    def changed(entry: Entry) -> Entry:
        if isinstance(entry, Branches):
            return Branches(tuple(map(symmetric, entry.paths)))
        if isinstance(entry, Residual):
            return Residual(symmetric(entry.layers), symmetric(entry.shortcut))
        return replace(entry, padding="explicit") if entry.padding == "same" else entry

    return tuple(map(changed, table))


def network(name: str, padding: str = "published", thin: bool = False, channels: int = 3) -> nn.Sequential:
    """A published network up to its last feature map, without biases, norms and activations.

    Parameters
    ----------
    name : str
        One of `TABLES`.
    padding : {"published", "symmetric"}
        As it was published; or the same on either side, at every size, as torch's layers have it.
    thin : bool
        One map from every convolution: receptive fields do not depend on their number, and a gradient is
        cheap. Where one map is added to several, it is added to each.
    channels : int
        Of the image.

    Returns
    -------
    torch.nn.Sequential

    See Also
    --------
    convlib.receptive_field.receptive_field : reads it. Chapter 10; Araujo, Norris and Sim (2019).

    Examples
    --------
    >>> network("vgg_16", thin=True)(torch.ones(1, 3, 224, 224)).shape
    torch.Size([1, 1, 7, 7])
    """
    require_one_of("network", "name", name, tuple(TABLES))
    require_one_of("network", "padding", padding, ("published", "symmetric"))
    require_flag("network", "thin", thin)
    channels = as_integer(channels, "channels", "network")
    table = TABLES[name]()
    return module(symmetric(table) if padding == "symmetric" else table, channels, thin)[0]


def multiply_adds(model: nn.Module, input_size: Sequence[int]) -> int:
    """Of all convolutions, for one image of `input_size` (H, W); nothing is computed.

    Examples
    --------
    >>> multiply_adds(network("vgg_16"), (224, 224))
    15346630656
    """
    height, width = as_sizes(input_size, "input_size", "multiply_adds", 1)
    total = 0

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += layer.weight.numel() * output.shape[-2] * output.shape[-1]

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    channels = layers[0].in_channels
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        with torch.no_grad():
            model.to("meta")(torch.empty(1, channels, height, width, device="meta"))
    finally:
        for hook in hooks:
            hook.remove()
    return total

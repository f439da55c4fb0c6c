"""Networks that are one stack of layers: the recurrence and the closed form, on integers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from convlib._checks import require_one_of, shown
from convlib.receptive_field.field import Field, Interval, Taps, resized, transposed_window, window
from convlib.shapes import Ints, as_sizes, as_tuple, effective_kernel_size

KINDS = ("convolution", "pooling", "transposed", "nearest", "bilinear", "bicubic")

Padding: TypeAlias = int | str | Sequence[int] | Sequence[Sequence[int]]


@dataclass(frozen=True)
class Layer:
    """One layer of a stack, as far as a receptive field can tell.

    Parameters
    ----------
    kernel_size, stride, dilation : int or tuple of int
        As in `torch.nn.functional`; a tuple has an entry for each axis. For the kinds that enlarge,
        `stride` is the factor.
    padding : int, tuple of int, tuple of pairs, "same" or "valid"
        Pairs are pixels (before, after) for each axis. ``"same"`` is TensorFlow's: the output has
        ceil(n / s) units, and where the padding is odd the larger half comes after. It depends on the size
        that arrives, so it needs an `input_size`, except with stride 1.
    kind : str
        ``"convolution"`` or ``"pooling"``, which differ in the name alone; ``"transposed"``; and
        ``"nearest"``, ``"bilinear"`` and ``"bicubic"``, which enlarge by `stride` with half-pixel centres.
    output_padding : int or tuple of int
        Units more at the end, for ``"transposed"``.
    name : str
        What tables call it.

    Examples
    --------
    >>> Layer(3, stride=2, padding=1).output_size(224)
    112
    """

    kernel_size: Ints = 1
    stride: Ints = 1
    padding: Padding = 0
    dilation: Ints = 1
    kind: str = "convolution"
    output_padding: Ints = 0
    name: str = ""

    def __post_init__(self) -> None:
        require_one_of("Layer", "kind", self.kind, KINDS)
        if isinstance(self.padding, str):
            require_one_of("Layer", "padding", self.padding, ("same", "valid"))
        for axis in range(self.axes):
            self._numbers(axis)

    @property
    def axes(self) -> int:
        """Axes that the arguments name; 1 where all are single numbers, which stand for every axis."""
        several = (self.kernel_size, self.stride, self.dilation, self.output_padding, self.padding)
        return max((len(one) for one in several if isinstance(one, tuple | list)), default=1)

    def _numbers(self, axis: int) -> tuple[int, int, int, int]:
        """Kernel size, stride, dilation and output padding of one axis."""

        def pick(name: str, at_least: int) -> int:
            value = getattr(self, name)
            return as_tuple(value, max(self.axes, axis + 1), name, at_least, "Layer")[axis]

        return pick("kernel_size", 1), pick("stride", 1), pick("dilation", 1), pick("output_padding", 0)

    def sides(self, axis: int = 0, input_size: int | None = None) -> Interval:
        """Pixels of padding (before, after) one axis."""
        k, s, d, _ = self._numbers(axis)
        if self.padding == "valid":
            return 0, 0
        if self.padding == "same":
            if self.kind == "transposed":
                raise ValueError("Layer: padding='same' has no one meaning for a transposed convolution")
            if s > 1 and input_size is None:
                raise ValueError("Layer: padding='same' with a stride depends on the size: give input_size")
            n = 1 if input_size is None else input_size
            total = max((-(-n // s) - 1) * s + effective_kernel_size(k, d) - n, 0)
            return total // 2, total - total // 2
        entry: Any = self.padding
        if isinstance(entry, tuple | list) and len(entry) > 1:
            entry = entry[axis]
        elif isinstance(entry, tuple | list):
            entry = entry[0]
        before, after = as_tuple(entry, 2, "padding", 0, "Layer")
        return before, after

    def taps(self, axis: int = 0, input_size: int | None = None) -> Taps:
        """Which units each unit reads along one axis."""
        k, s, d, _ = self._numbers(axis)
        if self.kind in ("convolution", "pooling"):
            return window(k, s, self.sides(axis, input_size)[0], d)
        if self.kind == "transposed":
            return transposed_window(k, s, self.sides(axis, input_size)[0], d)
        return resized(Fraction(1, s), self.kind)

    def output_size(self, input_size: int, axis: int = 0) -> int:
        """Units along one axis; `convlib.conv_output_size` and its relatives, with padding on each side."""
        k, s, d, more = self._numbers(axis)
        if self.kind not in ("convolution", "pooling", "transposed"):
            return input_size * s
        before, after = self.sides(axis, input_size)
        reach = effective_kernel_size(k, d)
        if self.kind == "transposed":
            size = (input_size - 1) * s + reach - before - after + more
        else:
            size = (input_size + before + after - reach) // s + 1
        if size < 1:
            raise ValueError(f"Layer: {shown(self)} makes nothing of {input_size} pixels")
        return size


class Step(NamedTuple):
    """What is true after one layer; tuples have an entry for each axis."""

    name: str
    fields: tuple[Field, ...]
    output_size: tuple[int, ...] | None

    @property
    def size(self) -> tuple[int, ...]:
        """Pixels that a unit sees along each axis."""
        return tuple(field.size for field in self.fields)

    @property
    def jump(self) -> tuple[Any, ...]:
        """Pixels from a unit to the next."""
        return tuple(field.jump for field in self.fields)

    @property
    def start(self) -> tuple[int, ...]:
        """First pixel that the first unit sees."""
        return tuple(field.start for field in self.fields)

    def region(self, unit: Ints) -> tuple[Interval | None, ...]:
        """First and last pixel that one unit sees along each axis."""
        units = as_tuple(unit, len(self.fields), "unit", 0, "region")
        return tuple(field.region(u) for field, u in zip(self.fields, units, strict=True))

    def units(self, pixel: Ints) -> tuple[Interval | None, ...]:
        """First and last unit that sees one pixel, along each axis."""
        pixels = as_tuple(pixel, len(self.fields), "pixel", 0, "units")
        sizes = self.output_size or (None,) * len(self.fields)
        return tuple(field.units(x, n) for field, x, n in zip(self.fields, pixels, sizes, strict=True))


def stack(layers: Sequence[Layer], input_size: Ints | None = None) -> list[Step]:
    r"""The receptive field after each layer of a stack, by the recurrence.

    Each layer adds what its kernel spans, in steps of the strides below it:

    .. math:: r_l = r_{l-1} + d_l (k_l - 1)\, S_{l-1}, \qquad S_l = s_l\, S_{l-1}, \qquad
        P_l = P_{l-1} + p_l\, S_{l-1}

    Parameters
    ----------
    layers : sequence of Layer
        From the image upwards.
    input_size : int or tuple of int, optional
        Size of the image, along each axis; then the output sizes are told too.

    Returns
    -------
    list of Step
        One for each layer: fields for each axis, with `size`, `jump`, `start`, `region` and `units`.

    Raises
    ------
    ValueError
        A layer makes nothing of what arrives, or its padding needs a size that was not given.

    See Also
    --------
    closed_form : the same numbers, as sums over the layers. Chapter 10; Araujo, Norris and Sim (2019).

    Examples
    --------
    >>> first, second = stack([Layer(7, stride=2, padding=3), Layer(3, stride=2, padding=1)], 224)
    >>> second.size, second.jump, second.start, second.output_size  # 1 + 6*1 + 2*2; 2*2; -3 - 1*2
    ((11,), (4,), (-5,), (56,))
    >>> second.region(10), second.units(40)  # 10*4 - 5; units 9, 10 and 11 reach pixel 40
    (((35, 45),), ((9, 11),))
    """
    given = None if input_size is None else as_sizes(_listed(input_size), "input_size", "stack", 1)
    axes = max([layer.axes for layer in layers] + [len(given or ())] + [1])
    sizes = None if given is None else as_tuple(given, axes, "input_size", function="stack")
    fields, steps = (Field(),) * axes, []
    for number, layer in enumerate(layers):
        grown = []
        for axis, field in enumerate(fields):
            taps = layer.taps(axis, None if sizes is None else sizes[axis])
            grown.append(_regular(field.then(taps), number))
        fields = tuple(grown)
        sizes = sizes and tuple(layer.output_size(n, axis) for axis, n in enumerate(sizes))
        steps.append(Step(layer.name or f"{number}", fields, sizes))
    return steps


def closed_form(
    layers: Sequence[Layer], input_size: int | None = None, axis: int = 0
) -> tuple[int, int, int]:
    r"""Size, effective stride and effective padding of a stack of windows, as sums over the layers.

    .. math:: r = 1 + \sum_l d_l (k_l - 1) \prod_{i<l} s_i, \qquad S = \prod_l s_l, \qquad
        P = \sum_l p_l \prod_{i<l} s_i

    Examples
    --------
    >>> closed_form([Layer(7, stride=2, padding=3), Layer(3, stride=2, padding=1)])
    (11, 4, 5)
    """
    size, jump, padding = 1, 1, 0
    for layer in layers:
        if layer.kind not in ("convolution", "pooling"):
            raise ValueError(f"closed_form: it holds for convolution and pooling, not for {layer.kind!r}")
        k, s, d, _ = layer._numbers(axis)
        size += d * (k - 1) * jump
        padding += layer.sides(axis, input_size)[0] * jump
        jump *= s
        input_size = None if input_size is None else layer.output_size(input_size, axis)
    return size, jump, padding


def _listed(value: Ints) -> Sequence[int]:
    return value if isinstance(value, tuple | list) else (value,)


def _regular(field: Field | None, number: int) -> Field:
    if field is None:
        raise ValueError(f"stack: layer {number} leaves no period that is short enough to tell")
    return field

"""The channels lab of chapter 6: which output channels see which input channels, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets

from convlib._checks import require_flag, require_one_of
from convlib._dispatch import Array
from convlib.conv import conv2d
from convlib.conv_transpose import channel_shuffle
from convlib.labs._lab import Lab, html_table, module, plural, shown, style
from convlib.shapes import as_integer, conv_multiply_adds, conv_parameters

FUNCTION = "channels"
KINDS = {
    "standard": "standard",
    "grouped": "grouped",
    "depthwise": "depthwise",
    "pointwise": "pointwise (1 × 1)",
    "separable": "depthwise separable",
    "bottleneck": "bottleneck",
    "two grouped": "two grouped layers",
}
KERNELS = (1, 3, 5, 7)
LIMITS = {
    "in_channels": (2, 16),
    "out_channels": (2, 16),
    "groups": (1, 16),
    "middle": (1, 16),
    "size": (7, 112),
}


class Layer(NamedTuple):
    """One convolution; its padding keeps the size of the image."""

    in_channels: int
    out_channels: int
    kernel_size: int
    groups: int

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """As in torch."""
        k = self.kernel_size
        return self.out_channels, self.in_channels // self.groups, k, k


class Costs(NamedTuple):
    """What a kind costs, for one image."""

    weight_shapes: list[tuple[int, ...]]
    parameters: int
    multiply_adds: int
    numbers: list[int]  # how many each layer puts out


def _integer(name: str, default: int) -> Any:
    least, most = LIMITS[name]
    return traitlets.Int(default, min=least, max=most).tag(sync=True, state=True)


def _flag() -> Any:
    return traitlets.Bool(False).tag(sync=True, state=True)


class ChannelsLab(Lab):
    """Input and output channels, and the kernel slices between them; made by `channels`.

    Attributes
    ----------
    kind : str
        "standard", "grouped", "depthwise", "pointwise", "separable", "bottleneck" or "two grouped".
    in_channels, out_channels : int
    groups : int
        Of the grouped kinds.
    middle : int
        Channels in the middle of the bottleneck.
    shuffle : bool
        Whether the channels are shuffled between two grouped layers.
    kernel_size, size : int
        Sides of the kernel and of the image.
    bias : bool
    side : {"input", "output"}
    channel : int
        The marked channel, on that side.
    """

    _esm, _css = module("channels"), style("channels")
    name = "channels"
    title = "Which channels see each other"
    kind = traitlets.Enum(tuple(KINDS), "standard").tag(sync=True, state=True)
    in_channels, out_channels = _integer("in_channels", 8), _integer("out_channels", 8)
    groups, middle, size = _integer("groups", 2), _integer("middle", 2), _integer("size", 28)
    kernel_size = traitlets.Enum(KERNELS, 3).tag(sync=True, state=True)
    shuffle, bias = _flag(), _flag()
    side = traitlets.Enum(("input", "output"), "output").tag(sync=True, state=True)
    channel = traitlets.Int(0, min=0).tag(sync=True, state=True)

    def __repr__(self) -> str:
        """The kind and the sizes."""
        return f"{self.title}: {self._name(self.kind)}, {self._sizes_in_words()}"

    def _layers_of(self, kind: str) -> list[Layer]:
        c, o, k, g, m = self.in_channels, self.out_channels, self.kernel_size, self.groups, self.middle
        return {
            "standard": [Layer(c, o, k, 1)],
            "grouped": [Layer(c, o, k, g)],
            "depthwise": [Layer(c, o, k, c)],
            "pointwise": [Layer(c, o, 1, 1)],
            "separable": [Layer(c, c, k, c), Layer(c, o, 1, 1)],
            "bottleneck": [Layer(c, m, 1, 1), Layer(m, m, k, 1), Layer(m, o, 1, 1)],
            "two grouped": [Layer(c, o, k, g), Layer(o, o, k, g)],
        }[kind]

    @property
    def layers(self) -> list[Layer]:
        """The convolutions of the chosen kind, one after the other."""
        return self._layers_of(self.kind)

    @property
    def problem(self) -> str:
        """Why the chosen kind is impossible, in a sentence; empty where it is possible."""
        return self._problem_of(self.kind)

    def _problem_of(self, kind: str) -> str:
        for layer in self._layers_of(kind):
            for word, count in (("input", layer.in_channels), ("output", layer.out_channels)):
                if count % layer.groups:
                    return f"{count} {word} channels cannot be split into {layer.groups} groups."
        return ""

    def _require_possible(self) -> None:
        for layer in self.layers:
            conv_parameters(layer.in_channels, layer.out_channels, (1, 1), layer.groups)

    @property
    def weight_shapes(self) -> list[tuple[int, ...]]:
        """The shape of each layer's weight, as in torch."""
        return self._costs.weight_shapes

    @property
    def paths(self) -> Array:
        """On how many ways each output (row) is reached by each input (column), through all layers."""
        self._require_possible()
        # One channel of ones at a time, through kernels of ones: what comes out counts the ways.
        signals = np.eye(self.in_channels)[:, :, None, None]
        for at, layer in enumerate(self.layers):
            if at and self._shuffles:
                signals = channel_shuffle(signals, self.groups)
            one_by_one = np.ones((*layer.weight_shape[:2], 1, 1))
            signals = conv2d(signals, one_by_one, groups=layer.groups)
        return signals[:, :, 0, 0].T.astype(int)

    @property
    def connections(self) -> Array:
        """1 where an output (row) sees an input (column), else 0."""
        return (self.paths > 0).astype(int)

    @property
    def parameters(self) -> int:
        """Numbers to learn, of all layers."""
        return self._costs.parameters

    @property
    def multiply_adds(self) -> int:
        """Of all layers, for one image."""
        return self._costs.multiply_adds

    @property
    def costs(self) -> dict[str, Costs | None]:
        """All kinds at these sizes; None for one that is impossible."""
        return {kind: None if self._problem_of(kind) else self._costs_of(kind) for kind in KINDS}

    @property
    def _costs(self) -> Costs:
        self._require_possible()
        return self._costs_of(self.kind)

    def _costs_of(self, kind: str) -> Costs:
        layers, image = self._layers_of(kind), (self.size, self.size)
        kernels = [(one.kernel_size, one.kernel_size) for one in layers]
        each = list(zip(layers, kernels, strict=True))
        return Costs(
            [one.weight_shape for one in layers],
            sum(conv_parameters(one[0], one[1], kernel, one.groups, self.bias) for one, kernel in each),
            sum(conv_multiply_adds(one[0], one[1], kernel, image, one.groups) for one, kernel in each),
            [one.out_channels * self.size**2 for one in layers],
        )

    @property
    def _shuffles(self) -> bool:
        return self.kind == "two grouped" and bool(self.shuffle)

    def _marked(self) -> tuple[bool, int]:
        """Whether the marked channel is an output, and which one."""
        is_output = self.side == "output"
        return is_output, min(self.channel, (self.out_channels if is_output else self.in_channels) - 1)

    # --- in words ---

    def _name(self, kind: str) -> str:
        if kind == "grouped":
            return f"grouped, {plural(self.groups, 'group')}"
        if kind == "bottleneck":
            return f"bottleneck of {self.middle}"
        if kind == "two grouped":
            way = ", channel shuffle between" if self.shuffle else ""
            return f"two grouped layers, {plural(self.groups, 'group')}{way}"
        return KINDS[kind]

    def _sizes_in_words(self) -> str:
        k, n = self.kernel_size, self.size
        bias = "with bias" if self.bias else "no bias"
        return f"{self.in_channels} → {self.out_channels} channels, kernel {k} × {k}, image {n} × {n}, {bias}"

    def reach_in_words(self) -> str:
        """What the marked channel sees or reaches."""
        is_output, channel = self._marked()
        line = self.connections[channel] if is_output else self.connections[:, channel]
        found = np.flatnonzero(line).tolist()
        word, verb, others = ("Output", "sees", "input") if is_output else ("Input", "reaches", "output")
        which = f"all {others}s" if len(found) == line.size else _plural_list(others, found)
        return f"{word} {channel} {verb} {which}: {len(found)} of {line.size}."

    def mixing_in_words(self) -> str:
        """Whether everything is mixed with everything."""
        return f"{'Every' if self.connections.all() else 'No'} output sees every input."

    def kind_in_words(self) -> str:
        """How the chosen kind connects the channels."""
        c, o, k, g, m = self.in_channels, self.out_channels, self.kernel_size, self.groups, self.middle
        kernel = f"{k} × {k}"
        if self.kind == "standard":
            return f"Each output has a kernel slice for each input: {o} · {c} = {o * c} slices of {kernel}."
        if self.kind == "grouped":
            special = " One group: the standard convolution." if g == 1 else ""
            if g == c:
                special = " As many groups as inputs: the depthwise convolution."
            inputs = "input" if c == g else f"{c // g} inputs"
            return (
                f"Each output has a slice for the {inputs} of its own group only: {o} · {c // g} = "
                f"{o * c // g} slices of {kernel}.{special}"
            )
        if self.kind == "depthwise":
            outputs = plural(o // c, "output")
            return (
                f"Each input is filtered by itself and makes {outputs}: {o} slices of {kernel}. "
                "No channels are mixed."
            )
        if self.kind == "pointwise":
            return (
                f"Each output mixes all inputs, but only at its own pixel: {o} · {c} = {o * c} slices of "
                "1 × 1, which are single weights."
            )
        if self.kind == "separable":
            return (
                f"First each input is filtered by itself ({c} slices of {kernel}), then a pointwise layer "
                f"mixes the channels ({o} · {c} = {o * c} slices of 1 × 1)."
            )
        if self.kind == "bottleneck":
            return (
                f"A pointwise layer leads from {c} channels to {m}, the {kernel} layer works there, and a "
                f"pointwise layer leads to {o}: {m * c} + {m * m} + {o * m} slices."
            )
        slices = f"{o} · {c // g} + {o} · {o // g} = {o * c // g + o * o // g} slices of {kernel}"
        if g == 1:
            return f"Two layers of one group, which are standard convolutions: {slices}."
        if not self.shuffle:
            return f"Two layers of {g} groups, and no group ever meets another: {slices}."
        n = o // g
        come = "channel comes" if n == 1 else f"{n} channels come"
        return (
            f"Two layers of {g} groups: {slices}. The shuffle deals the channels out in between: a group's "
            f"{come} from {min(n, g)} of the {g} groups before."
        )

    def ratio_in_words(self) -> str:
        """What a separable convolution saves."""
        o, k = self.out_channels, self.kernel_size
        ratio = (o + k * k) / (o * k * k)
        what = "multiply-adds" if self.bias else "parameters and multiply-adds"
        return (
            f"Depthwise separable against standard, {what}: 1/O + 1/k² = 1/{o} + 1/{k * k} = {shown(ratio)}."
        )

    def parameters_in_words(self, kind: str) -> str:
        """The formula, filled in: each layer's weight, and its biases."""
        layers = self._layers_of(kind)
        parts = [_times(one.weight_shape) + (f" + {one.out_channels}" if self.bias else "") for one in layers]
        if len(layers) == 1:
            return f"{parts[0]} = {self._costs_of(kind).parameters:,}"
        bracket = "({})".format if self.bias else "{}".format
        counts = [
            conv_parameters(*one[:2], (one.kernel_size,) * 2, one.groups, bool(self.bias)) for one in layers
        ]
        sides = " + ".join(map(bracket, parts)), _plus(counts), f"{sum(counts):,}"
        return " = ".join(sides)

    def multiply_adds_in_words(self, kind: str) -> str:
        """The formula, filled in: weights times pixels."""
        shapes, _, total, _ = self._costs_of(kind)
        weights, pixels = [int(np.prod(shape)) for shape in shapes], f"{self.size}·{self.size}"
        first = f"({_plus(weights)})" if len(weights) > 1 else _times(shapes[0])
        return f"{first} · {pixels} = {total:,}"

    def numbers_in_words(self, kind: str) -> str:
        """The formula, filled in: channels times pixels, of the last layer and of those before."""
        *before, last = [
            f"{one.out_channels}·{self.size}·{self.size} = {one.out_channels * self.size**2:,}"
            for one in self._layers_of(kind)
        ]
        return last + (f" (in between: {', '.join(before)})" if before else "")

    def still(self) -> Iterator[str]:
        """The connections as a table, what the marked channel sees, and the costs of all kinds."""
        yield f"<p>{_capital(self._name(self.kind))}: {self._sizes_in_words()}.</p>"
        if self.problem:
            yield f"<p>{self.problem}</p>"
        else:
            yield f"<p>{self.kind_in_words()}</p>"
            is_output, channel = self._marked()
            rows = [[f"output {o}", *(str(ways or "") for ways in row)] for o, row in enumerate(self.paths)]
            for o, row in enumerate(rows):
                for c, cell in enumerate(row[1:]):
                    if cell and channel == (o if is_output else c):
                        row[c + 1] = f"<strong>{cell}</strong>"
            marked = f"{self.side} {channel}"
            caption = f"Ways from each input to each output; bold: {marked}"
            yield html_table(caption, rows, ["input", *map(str, range(self.in_channels))])
            yield f"<p>{self.reach_in_words()} {self.mixing_in_words()}</p>"
        costs = self.costs
        standard = costs["standard"]
        assert standard is not None
        lines = []
        for kind, cost in costs.items():
            if cost is None:
                lines.append([_capital(self._name(kind)), f"impossible: {self._problem_of(kind)}"])
                continue
            lines.append(
                [
                    _capital(self._name(kind)),
                    shapes_in_words(cost.weight_shapes),
                    f"{self.parameters_in_words(kind)} ({percent(cost.parameters, standard.parameters)})",
                    self.multiply_adds_in_words(kind)
                    + f" ({percent(cost.multiply_adds, standard.multiply_adds)})",
                    self.numbers_in_words(kind),
                ]
            )
        headings = ["", "weight", "parameters", "multiply-adds", "numbers out"]
        yield html_table("What each kind costs; standard = 100 %", lines, headings)
        yield f"<p>{self.ratio_in_words()}</p>"


def shapes_in_words(shapes: Iterable[Sequence[int]]) -> str:
    """In torch's order.

    Examples
    --------
    >>> shapes_in_words([(8, 1, 3, 3), (16, 8, 1, 1)])
    '(8, 1, 3, 3), (16, 8, 1, 1)'
    """
    return ", ".join(str(tuple(shape)) for shape in shapes)


def percent(part: int, whole: int) -> str:
    """With four digits.

    Examples
    --------
    >>> percent(200, 1152)
    '17.36 %'
    """
    return f"{shown(100 * part / whole)} %"


def _times(numbers: Iterable[int]) -> str:
    return "·".join(map(str, numbers))


def _plus(numbers: Iterable[int]) -> str:
    return " + ".join(f"{one:,}" for one in numbers)


def _plural_list(word: str, numbers: Sequence[int]) -> str:
    return f"{word}{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def channels(
    kind: str = "standard",
    in_channels: int = 8,
    out_channels: int = 8,
    kernel_size: int = 3,
    groups: int = 2,
    *,
    middle: int = 2,
    shuffle: bool = False,
    bias: bool = False,
    size: int = 28,
) -> ChannelsLab:
    """A live lab: which input channels an output sees, and what each kind of convolution costs.

    In the book it works in the page itself; in a running notebook its state and Python's are the same.

    Parameters
    ----------
    kind : str
        "standard"; "grouped"; "depthwise", one group for each input; "pointwise", with kernels of 1 x 1;
        "separable", depthwise and then pointwise; "bottleneck", pointwise down to few channels, a kernel
        there, and pointwise up; or "two grouped", one grouped layer after another.
    in_channels, out_channels : int
        2 to 16.
    kernel_size : {1, 3, 5, 7}
        Where the kind does not say 1 x 1. The padding keeps the size of the image.
    groups : int
        Of "grouped" and "two grouped", 1 to 16.
    middle : int
        Channels in the middle of "bottleneck", 1 to 16.
    shuffle : bool
        Between "two grouped" layers: deal the channels out anew, as `channel_shuffle` does.
    bias : bool
        One number more for each output of each layer.
    size : int
        Rows and columns of the image, 7 to 112.

    Returns
    -------
    ChannelsLab
        Shows itself when it is the last line of a cell. `connections`, `paths`, `weight_shapes`,
        `parameters` and `multiply_adds` are Python's.

    Raises
    ------
    ValueError
        An unknown kind, numbers that the lab cannot show, or channels that cannot be split into the groups.
    TypeError
        Numbers that are not integers, or flags that are neither True nor False.

    See Also
    --------
    convlib.conv2d, convlib.channel_shuffle : what is drawn. Chapter 6.

    Examples
    --------
    >>> lab = channels("grouped", 4, 2, groups=2, size=10)
    >>> lab.connections  # two groups of 2 inputs and 1 output
    array([[1, 1, 0, 0],
           [0, 0, 1, 1]])
    >>> lab.weight_shapes, lab.parameters, lab.multiply_adds  # 2 * 2 * 3 * 3, and each 10 * 10 times
    ([(2, 2, 3, 3)], 36, 3600)
    >>> lab.kind = "separable"
    >>> lab.weight_shapes, lab.parameters  # 4 * 1 * 3 * 3 + 2 * 4 * 1 * 1
    ([(4, 1, 3, 3), (2, 4, 1, 1)], 44)
    >>> lab.reach_in_words()
    'Output 0 sees all inputs: 4 of 4.'
    """
    require_one_of(FUNCTION, "kind", kind, tuple(KINDS))
    given = {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "groups": groups,
        "middle": middle,
        "size": size,
    }
    numbers = {name: as_integer(value, name, FUNCTION) for name, value in given.items()}
    for name, value in numbers.items():
        least, most = LIMITS[name]
        if not least <= value <= most:
            raise ValueError(f"{FUNCTION}: {name} must be between {least} and {most}, got {value}")
    k = as_integer(kernel_size, "kernel_size", FUNCTION)
    if k not in KERNELS:
        raise ValueError(f"{FUNCTION}: kernel_size must be 1, 3, 5 or 7, got {k}")
    require_flag(FUNCTION, "shuffle", shuffle)
    require_flag(FUNCTION, "bias", bias)
    lab = ChannelsLab(kind=kind, kernel_size=k, shuffle=shuffle, bias=bias, **numbers)
    try:
        lab._require_possible()
    except ValueError as error:
        lab.close()
        raise ValueError(f"{FUNCTION}: {str(error).partition(': ')[2]}") from None
    return lab

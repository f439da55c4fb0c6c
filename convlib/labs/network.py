"""The network calculator of chapter 3: shapes, parameters, multiply-adds and memory, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import traitlets

from convlib._checks import require_flag, require_one_of
from convlib._checks import shown as quoted
from convlib._numbers import DIGITS
from convlib.labs._lab import Lab, html_table, in_bytes, module, style
from convlib.shapes import (
    as_integer,
    as_tuple,
    conv_choices,
    conv_input_sizes,
    conv_multiply_adds,
    conv_output_size,
    conv_parameters,
    conv_pixel_uses,
    conv_transpose_output_size,
    pool_output_size,
)

FUNCTION = "network_calculator"
# The settings of each kind of layer, and what they are where nothing is said; two numbers: rows, columns.
DEFAULTS: dict[str, dict[str, Any]] = {
    "conv": {
        "out_channels": 64,
        "kernel_size": [3, 3],
        "stride": [1, 1],
        "padding": [0, 0],
        "dilation": [1, 1],
        "groups": 1,
        "bias": True,
    },
    "max_pool": {"kernel_size": [2, 2], "stride": None, "padding": [0, 0], "ceil_mode": False},
    "avg_pool": {"kernel_size": [2, 2], "stride": None, "padding": [0, 0], "ceil_mode": False},
    "conv_transpose": {
        "out_channels": 64,
        "kernel_size": [2, 2],
        "stride": [1, 1],
        "padding": [0, 0],
        "output_padding": [0, 0],
        "bias": True,
    },
    "linear": {"out_features": 10, "bias": True},
    "global_avg_pool": {},
    "upsample": {"scale_factor": 2},
}
LEAST = {"padding": 0, "output_padding": 0, "choice": 0}  # elsewhere 1
MOST = {
    "out_channels": 65536, "out_features": 65536, "groups": 65536, "scale_factor": 32, "kernel_size": 100,
    "stride": 100, "padding": 100, "dilation": 100, "output_padding": 100, "channels": 65536, "height": 4096,
    "width": 4096, "batch": 4096, "choice": 4096,
    "from": 512, "to": 512, "kernel": 11, "largest stride": 8, "largest dilation": 3,
}  # fmt: skip
ITEMSIZES = (8, 4, 2, 1)
LARGEST_SIDE = (
    16384  # pixels; transposed convolutions and upsampling would soon leave all that fits a computer
)
MOST_CHOICES = 24  # are shown at once
Layer = dict[str, Any]
Shape = tuple[int, ...]


def _conv(out_channels: int, kernel_size: int = 3, stride: int = 1, padding: int = 1, **more: Any) -> Layer:
    return {"kind": "conv", "out_channels": out_channels, "kernel_size": kernel_size, "stride": stride,
            "padding": padding, **more}  # fmt: skip


def _pool(kernel_size: int = 2, stride: int = 2, padding: int = 0, kind: str = "max_pool") -> Layer:
    return {"kind": kind, "kernel_size": kernel_size, "stride": stride, "padding": padding}


def _linear(*features: int) -> list[Layer]:
    return [{"kind": "linear", "out_features": one} for one in features]


def _up(out_channels: int, stride: int = 2, padding: int = 1) -> Layer:
    return {"kind": "conv_transpose", "out_channels": out_channels, "kernel_size": 4, "stride": stride,
            "padding": padding, "bias": False}  # fmt: skip


_BRANCHLESS = [
    _conv(channels, stride=2 if first and channels > 64 else 1, bias=False)
    for channels in (64, 128, 256, 512)
    for first in (True, False, False, False)
]
NETWORKS: dict[str, tuple[list[int], list[Layer]]] = {
    "VGG-16": (
        [3, 224, 224],
        [layer for channels, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
         for layer in [*[_conv(channels)] * times, _pool()]] + _linear(4096, 4096, 1000),
    ),
    "LeNet-5": (
        [1, 32, 32],
        [_conv(6, 5, padding=0), _pool(kind="avg_pool"), _conv(16, 5, padding=0), _pool(kind="avg_pool"),
         _conv(120, 5, padding=0), *_linear(84, 10)],
    ),
    "AlexNet": (
        [3, 224, 224],
        [_conv(64, 11, 4, 2), _pool(3), _conv(192, 5, padding=2), _pool(3), _conv(384), _conv(256),
         _conv(256), _pool(3), *_linear(4096, 4096, 1000)],
    ),
    "ResNet-18 without its branches": (
        [3, 224, 224],
        [_conv(64, 7, 2, 3, bias=False), _pool(3, 2, 1), *_BRANCHLESS, {"kind": "global_avg_pool"},
         *_linear(1000)],
    ),
    "MobileNet block": (
        [32, 112, 112], [_conv(32, groups=32, bias=False), _conv(64, 1, padding=0, bias=False)],
    ),
    "DCGAN generator": (
        [100, 1, 1], [_up(512, 1, 0), _up(256), _up(128), _up(64), _up(3)],
    ),
    "empty": ([3, 224, 224], []),
}  # fmt: skip


class LayerCosts(NamedTuple):
    """What a layer does and costs. Where it does not fit, `problem` says why and `output` is empty."""

    layer: str
    output: Shape
    parameters: int = 0
    multiply_adds: int = 0
    memory: int = 0
    unread: tuple[int, int] = (0, 0)
    problem: str = ""


def _state(trait: Any) -> Any:
    return trait.tag(sync=True, state=True)


class NetworkCalculator(Lab):
    """A stack of layers, and what each of them costs; made by `network_calculator`.

    Attributes
    ----------
    input : list of three int
        Channels, height and width.
    layers : list of dict
        One for each layer: its ``"kind"`` and its settings, as `network_calculator` takes them.
    batch, itemsize : int
        Images at once, and bytes of a number; both count for the memory alone.
    question : list of five int
        From one size to another, with kernels, strides and dilations up to the last three.
    choice : int
        Which of the `choices` is looked at.
    """

    _esm, _css = module("network"), style("network")
    name = "network"
    title = "Network calculator"
    input = _state(traitlets.List(traitlets.Int(), default_value=[3, 224, 224]))
    layers = _state(traitlets.List(traitlets.Dict()))
    batch, itemsize = _state(traitlets.Int(1)), _state(traitlets.Int(4))
    question = _state(traitlets.List(traitlets.Int(), default_value=[224, 56, 7, 4, 1]))
    choice = _state(traitlets.Int(0))

    def __repr__(self) -> str:
        """The input, the number of layers and the totals."""
        size = " × ".join(map(str, self.input))
        layers = f"{len(self.layers)} layer{'s' * (len(self.layers) != 1)}"
        return f"{self.title}: input {size}, {layers}. {self._summary()}"

    @traitlets.validate("layers")
    def _checked_layers(self, proposal: Any) -> list[Layer]:
        return [_spelled_out(layer, f"layer {i}") for i, layer in enumerate(proposal.value, 1)]

    @traitlets.validate("input")
    def _checked_input(self, proposal: Any) -> list[int]:
        return _numbers("input_shape", proposal.value, ("channels", "height", "width"))

    @traitlets.validate("question")
    def _checked_question(self, proposal: Any) -> list[int]:
        names = ("from", "to", "kernel", "largest stride", "largest dilation")
        return _numbers("question", proposal.value, names)

    @traitlets.validate("batch", "choice")
    def _checked_number(self, proposal: Any) -> int:
        return _within(proposal.value, proposal.trait.name, proposal.trait.name, 1)[0]

    @traitlets.validate("itemsize")
    def _checked_itemsize(self, proposal: Any) -> int:
        if proposal.value not in ITEMSIZES:
            raise ValueError(f"{FUNCTION}: itemsize must be 8, 4, 2 or 1 bytes, got {proposal.value}")
        return int(proposal.value)

    @property
    def rows(self) -> list[LayerCosts]:
        """What each layer costs, computed by `convlib`; layers below one that does not fit wait for it."""
        rows: list[LayerCosts] = []
        shape: Shape = tuple(self.input)
        waits = ""
        for i, layer in enumerate(self.layers, 1):
            text = _in_words(layer, shape)
            try:
                row = (
                    LayerCosts(text, (), problem=waits) if waits else LayerCosts(text, *_costs(layer, shape))
                )
                shape = row.output
                rows.append(
                    row._replace(memory=self.batch * self.itemsize * math.prod(shape) if shape else 0)
                )
            except ValueError as error:
                where, _, message = str(error).partition(": ")
                rows.append(LayerCosts(text, (), problem=message or where))
                shape, waits = (), f"waits for layer {i}"
        return rows

    @property
    def parameters(self) -> int:
        """Of all layers that fit."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Of all layers that fit, for one image."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def memory(self) -> int:
        """Bytes of the outputs of all layers that fit, for the whole batch."""
        return sum(row.memory for row in self.rows)

    @property
    def choices(self) -> list[tuple[int, int, int, int, int]]:
        """Answers to the question, as `conv_choices` sorts them: k, s, p, d and the pixels in no window."""
        start, end, kernel, stride, dilation = self.question
        most = (range(1, one + 1) for one in (kernel, stride, dilation))
        found = conv_choices(start, end, *most)
        return [(*one, conv_pixel_uses(start, *one).count(0)) for one in found]

    def _summary(self) -> str:
        if not self.layers:
            return "No layers yet."
        rows = self.rows
        problem = next((i for i, row in enumerate(rows, 1) if row.problem), 0)
        images = f", for {in_words(self.batch)} images" if self.batch > 1 else ""
        return (
            f"{f'Layer {problem} does not fit; the layers above it have ' if problem else ''}"
            f"{exact(self.parameters)} parameters ({in_bytes(self.parameters * self.itemsize)}), "
            f"{exact(self.multiply_adds)} multiply-adds for one image, and outputs of "
            f"{in_bytes(self.memory)}{images}."
        )

    def _most(self) -> str:
        sentences = []
        for what, words in WHAT.items():
            values = [getattr(row, what) for row in self.rows]
            if total := sum(values):
                most = max(values)
                percent = (200 * most + total) // (2 * total)
                sentences.append(f"Most {words}: layer {values.index(most) + 1} ({percent} %).")
        return " ".join(sentences)

    def still(self) -> Iterator[str]:
        """The stack as a table with its totals, and the answers to the question as another."""
        headings = ["", "layer", "output", "parameters", "multiply-adds", "memory"]
        table = [["", "input", _size(self.input), "", "", ""]]
        for i, row in enumerate(self.rows, 1):
            unread = _unread_in_words(row.unread)
            remark = f"<br>{row.problem or unread}" if row.problem or unread else ""
            costs = (
                [exact(row.parameters), exact(row.multiply_adds), in_bytes(row.memory)]
                if row.output
                else ["", "", ""]
            )
            table.append([str(i), row.layer + remark, _size(row.output), *costs])
        totals = exact(self.parameters), exact(self.multiply_adds), in_bytes(self.memory)
        table.append([f"<strong>{cell}</strong>" for cell in ("", "total", "", *totals)])
        yield html_table("Layer by layer, from the input down", table, headings)
        yield f"<p>{self._summary()} {self._most()}</p>"
        start, end, *_ = self.question
        choices = self.choices
        answers = [
            [
                _option(one[:4]),
                f"{one[4]} of {start} pixels in no window" if one[4] else "every pixel is read",
            ]
            for one in choices[:MOST_CHOICES]
        ]
        yield html_table(f"Convolutions that lead from {start} to {end} pixels", answers)
        yield f"<p>{choices_in_words(self.question, choices)}</p>"
        if choices:
            chosen = choices[min(self.choice, len(choices) - 1)]
            yield f"<p>{sizes_in_words(chosen[:4], end)}</p>"


WHAT = {"parameters": "parameters", "multiply_adds": "multiply-adds", "memory": "memory"}


def _costs(layer: Layer, shape: Shape) -> tuple[Any, ...]:
    """Output shape, parameters, multiply-adds, memory (left open), and rows and columns in no window."""
    kind = layer["kind"]
    if kind == "linear":
        features, outputs = math.prod(shape), layer["out_features"]
        parameters = conv_parameters(features, outputs, (1,), bias=layer["bias"])
        return (outputs,), parameters, conv_multiply_adds(features, outputs, (1,), (1,))
    if len(shape) == 1:
        raise ValueError(f"it needs an image, but what arrives is a list of {shape[0]:,} numbers")
    channels, *size = shape
    if kind == "global_avg_pool":
        return ((channels, 1, 1),)
    if kind == "upsample":
        return (_small_enough((channels, *(n * layer["scale_factor"] for n in size))),)
    k, s, p = layer["kernel_size"], layer["stride"], layer["padding"]
    if kind == "conv":
        out, groups, d = layer["out_channels"], layer["groups"], layer["dilation"]
        parameters = conv_parameters(channels, out, k, groups, layer["bias"])
        output: Any = conv_output_size(size, k, s, p, d)
        work = conv_multiply_adds(channels, out, k, output, groups)
        return (out, *output), parameters, work, 0, _unread(size, output, k, s, p, d)
    if kind == "conv_transpose":
        out = layer["out_channels"]
        output = conv_transpose_output_size(size, k, s, p, layer["output_padding"])
        parameters = conv_parameters(channels, out, k, bias=layer["bias"])
        return _small_enough((out, *output)), parameters, conv_multiply_adds(channels, out, k, size)
    output = pool_output_size(size, k, s, p, ceil_mode=layer["ceil_mode"])
    return (channels, *output), 0, 0, 0, _unread(size, output, k, s, p, [1, 1])


def _small_enough(shape: Shape) -> Shape:
    for axis, n in zip(("rows", "columns"), shape[1:], strict=True):
        if n > LARGEST_SIDE:
            raise ValueError(
                f"the output would have {n:,} {axis}, and this calculator stops at {LARGEST_SIDE:,}"
            )
    return shape


def _unread(sizes: Sequence[int], counts: Sequence[int], *options: Sequence[int]) -> tuple[int, ...]:
    """Rows and columns that lie in no window; as `conv_pixel_uses`, also where the last window is cut off."""
    result = []
    for n, count, k, s, p, d in zip(sizes, counts, *options, strict=True):
        read = {window * s + tap * d - p for window in range(count) for tap in range(k)}
        result.append(n - sum(0 <= pixel < n for pixel in read))
    return tuple(result)


# --- in words -----------------------------------------------------------------------------------------------


def exact(value: int) -> str:
    """Thousands apart; what is too long for anybody to read is rounded.

    Examples
    --------
    >>> exact(138357544)
    '138,357,544'
    """
    return f"{value:,}" if value < 10**15 else in_words(value)


def in_words(value: int) -> str:
    """Four digits and a word, from a million on.

    Examples
    --------
    >>> in_words(138357544), in_words(999999)
    ('138.4 million', '999,999')
    """
    if value < 10**6:
        return f"{value:,}"
    rounded = int(DIGITS.create_decimal(value))
    unit, word = next(
        (unit, word)
        for unit, word in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))
        if rounded >= unit
    )
    whole, rest = divmod(rounded, unit)
    decimals = f"{rest / unit:.3f}"[1:].rstrip("0.")
    return f"{whole:,}{decimals} {word}"


def _size(shape: Sequence[int]) -> str:
    return " × ".join(f"{n:,}" for n in shape)


def _both(pair: Sequence[int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}×{pair[1]}"


def _in_words(layer: Layer, shape: Shape) -> str:
    """As `conv 3×3, 64 → 64, s1 p1`."""
    kind = layer["kind"]
    if kind == "linear":
        features = f" {math.prod(shape):,}" if shape else ""
        text = f"{'' if len(shape) == 1 else 'flatten, '}linear{features} → {layer['out_features']:,}"
        return text + ", no bias" * (not layer["bias"])
    if kind == "global_avg_pool":
        return "global average pool"
    if kind == "upsample":
        return f"upsample ×{layer['scale_factor']}"
    name: str = {"conv": "conv", "conv_transpose": "transposed conv", "max_pool": "max pool"}.get(
        kind, "average pool"
    )
    text = f"{name} {layer['kernel_size'][0]}×{layer['kernel_size'][1]}"
    if "out_channels" in layer:
        text += f", {f'{shape[0]:,} ' if shape else ''}→ {layer['out_channels']:,}"
    text += f", s{_both(layer['stride'])} p{_both(layer['padding'])}"
    if layer.get("dilation", [1, 1]) != [1, 1]:
        text += f" d{_both(layer['dilation'])}"
    if layer.get("groups", 1) > 1:
        text += f" g{layer['groups']}"
    if layer.get("output_padding", [0, 0]) != [0, 0]:
        text += f", output padding {_both(layer['output_padding'])}"
    if layer.get("ceil_mode"):
        text += ", round up"
    return text if layer.get("bias", True) else f"{text}, no bias"


def _unread_in_words(unread: Sequence[int]) -> str:
    parts = [f"{n} {axis}{'s' * (n > 1)}" for n, axis in zip(unread, ("row", "column"), strict=True) if n]
    return f"in no window: {' and '.join(parts)}" if parts else ""


def _option(choice: Sequence[int]) -> str:
    k, s, p, d = choice
    return f"k{k} s{s} p{p}" + f" d{d}" * (d > 1)


def choices_in_words(question: Sequence[int], choices: Sequence[Sequence[int]]) -> str:
    """How many there are."""
    start, end, kernel, stride, dilation = question
    limits = f"kernel up to {kernel}, stride up to {stride}" + f", dilation up to {dilation}" * (dilation > 1)
    if not choices:
        return f"No convolution leads from {start} to {end} pixels with {limits}."
    whole = sum(not one[4] for one in choices)
    found = "1 convolution leads" if len(choices) == 1 else f"{len(choices)} convolutions lead"
    which = {len(choices): "all of them" if whole > 1 else "it"}.get(whole, str(whole) if whole else "none")
    verb = "reads" if whole < 2 else "read"
    return f"{found} from {start} to {end} pixels with {limits}; {which} {verb} every pixel."


def sizes_in_words(choice: Sequence[int], end: int) -> str:
    """The input sizes that a choice takes to the same output size."""
    sizes: Any = conv_input_sizes(end, *choice)
    which = (
        f"only {sizes[0]} pixels" if len(sizes) == 1 else f"every size from {sizes[0]} to {sizes[-1]} pixels"
    )
    return f"{_option(choice)} takes {which} to {end}."


# --- what is given ------------------------------------------------------------------------------------------


def _within(value: Any, what: str, limit: str, n: int) -> tuple[int, ...]:
    if n == 1:
        as_integer(value, what, FUNCTION, LEAST.get(limit, 1))
    numbers = as_tuple(value, n, what, LEAST.get(limit, 1), FUNCTION)
    if max(numbers) > MOST[limit]:
        raise ValueError(f"{FUNCTION}: {what} can be at most {MOST[limit]} here, got {quoted(value)}")
    return numbers


def _numbers(what: str, value: Sequence[int], names: Sequence[str]) -> list[int]:
    if len(value) != len(names):
        raise ValueError(f"{FUNCTION}: {what} must be {len(names)} integers, got {quoted(value)}")
    return [_within(one, f"{what} ({name})", name, 1)[0] for one, name in zip(value, names, strict=True)]


def _spelled_out(layer: Any, where: str) -> Layer:
    """The layer with all its settings, two numbers where rows and columns may differ."""
    if not isinstance(layer, Mapping):
        raise TypeError(f"{FUNCTION}: {where} must be a dict, got {quoted(layer)}")
    require_one_of(FUNCTION, f"the kind of {where}", layer.get("kind"), tuple(DEFAULTS))
    kind = layer["kind"]
    defaults = DEFAULTS[kind]
    unknown = [name for name in layer if name != "kind" and name not in defaults]
    if unknown:
        raise ValueError(
            f"{FUNCTION}: {where} ({kind}) has no {quoted(unknown[0])}; its settings are "
            f"{', '.join(defaults) or 'none'}"
        )
    made: Layer = {"kind": kind}
    for name, default in defaults.items():
        value = layer.get(name, default)
        what = f"{name} of {where} ({kind})"
        if isinstance(default, bool):
            require_flag(FUNCTION, what, value)
            made[name] = value
        elif name == "stride" and value is None and default is None:
            made[name] = list(made["kernel_size"])
        elif name in ("out_channels", "out_features", "groups", "scale_factor"):
            made[name] = _within(value, what, name, 1)[0]
        else:
            made[name] = list(_within(value, what, name, 2))
    return made


def network_calculator(
    network: str = "VGG-16",
    *,
    layers: Sequence[Mapping[str, Any]] | None = None,
    input_shape: Sequence[int] | None = None,
    batch: int = 1,
    itemsize: int = 4,
    question: Sequence[int] = (224, 56, 7, 4, 1),
) -> NetworkCalculator:
    """A live lab: what each layer of a network makes of its input, and what that costs.

    Activations keep the shape and have no row; neither has normalisation, although it has two parameters for
    each channel. Pooling compares and adds, and no multiply-adds are counted for it; a bias counts among the
    parameters alone. Below the stack stands the question in the other direction: which kernel, stride and
    padding lead from one size to another?

    Parameters
    ----------
    network : str
        ``"VGG-16"``, ``"LeNet-5"``, ``"AlexNet"``, ``"ResNet-18 without its branches"``,
        ``"MobileNet block"``, ``"DCGAN generator"`` or ``"empty"``. Not used where `layers` are given.
    layers : sequence of dict, optional
        Your own stack. Each has a ``"kind"``, and what it takes under torch's names, with its defaults: conv
        (out_channels, kernel_size, stride, padding, dilation, groups, bias), max_pool and avg_pool
        (kernel_size, stride, padding, ceil_mode), conv_transpose (out_channels, kernel_size, stride, padding,
        output_padding, bias), linear (out_features, bias; it flattens what arrives), global_avg_pool, and
        upsample (scale_factor, a whole number).
    input_shape : sequence of three int, optional
        Channels, height and width; the network's own where none is given, (3, 224, 224) for your own layers.
    batch, itemsize : int
        Images at once and bytes of a number, for the memory.
    question : sequence of five int
        From, to, and the largest kernel, stride and dilation to try. At most 512, 512, 11, 8 and 3.

    Returns
    -------
    NetworkCalculator
        Shows itself when it is the last line of a cell. Its `rows`, `parameters`, `multiply_adds`, `memory`
        and `choices` are computed by the functions of chapter 3. A layer that does not fit is no error: its
        row says why, and the rows below wait.

    Raises
    ------
    ValueError, TypeError
        An unknown network, kind or setting, or a number outside what the lab can show.

    See Also
    --------
    convlib.conv_output_size, convlib.conv_parameters, convlib.conv_multiply_adds, convlib.conv_memory,
    convlib.conv_choices : what it computes with. Chapter 3.

    Examples
    --------
    >>> conv = {"kind": "conv", "out_channels": 2, "kernel_size": 3}
    >>> linear = {"kind": "linear", "out_features": 10}
    >>> lab = network_calculator(layers=[conv, linear], input_shape=(1, 6, 6))
    >>> for row in lab.rows:
    ...     print(row.layer, row.output, row.parameters, row.multiply_adds)
    conv 3×3, 1 → 2, s1 p0 (2, 4, 4) 20 288
    flatten, linear 32 → 10 (10,) 330 320
    >>> lab.parameters  # 2 * (1 * 3 * 3 + 1) + 10 * (32 + 1)
    350
    >>> network_calculator("VGG-16").parameters
    138357544
    """
    require_one_of(FUNCTION, "network", network, tuple(NETWORKS))
    shape, stack = NETWORKS[network] if layers is None else (NETWORKS["empty"][0], layers)
    if input_shape is not None:
        shape = list(input_shape)
    return NetworkCalculator(
        input=_numbers("input_shape", shape, ("channels", "height", "width")),
        layers=[_spelled_out(layer, f"layer {i}") for i, layer in enumerate(stack, 1)],
        batch=as_integer(batch, "batch", FUNCTION),
        itemsize=as_integer(itemsize, "itemsize", FUNCTION),
        question=list(question),
    )

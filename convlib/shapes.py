"""Pure integer arithmetic: how large a result is, and what it costs.

Everything here works on sizes alone; no array is made. Where a function takes one number for each axis it
also takes a single number, which then stands for the only axis, or for all of them.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple, TypeAlias

from convlib._checks import is_several, require_flag, shown

Ints: TypeAlias = int | Sequence[int]
Padding: TypeAlias = int | Sequence[int] | str
Pairs: TypeAlias = tuple[tuple[int, int], ...]  # (before, after) each axis

LARGEST_ALLOCATION = 2**36  # bytes; a larger result is refused before anything is allocated
MOST_AXES = 64  # of an array, and of a tensor
LARGEST_INTEGER = 2**62  # torch computes sizes in 64 bits, and must not leave them


def as_tuple(value: Ints, n: int, name: str, at_least: int = 1, function: str = "") -> tuple[int, ...]:
    """One integer for each of `n` axes.

    A single integer, or a sequence of one, stands for every axis.

    Raises
    ------
    TypeError
        An entry is not an integer.
    ValueError
        There are more or fewer entries than axes, or one is smaller than `at_least`.

    Examples
    --------
    >>> as_tuple(3, 2, "kernel_size")
    (3, 3)
    >>> as_tuple((3, 5), 2, "kernel_size")
    (3, 5)
    """
    if type(value) is int and at_least <= value <= LARGEST_INTEGER:  # nearly always, and this is called often
        return (value,) * n
    where = f"{function}: " if function else ""
    entries: tuple[Any, ...] = tuple(value) if isinstance(value, tuple | list) else (value,)
    if len(entries) == 1:
        entries *= n
    numbers = _integers(entries)
    if numbers is None:
        kind = f"an integer{f' or {n} integers' * (n > 1)}"
        raise TypeError(f"{where}{name} must be {kind}, got {shown(value)}")
    if len(numbers) != n:
        raise ValueError(f"{where}{name} must be one integer{f' or {n}' * (n > 1)}, got {shown(value)}")
    _refuse_beyond(where, name, value, numbers, at_least)
    return numbers


def as_integer(value: int, name: str, function: str, at_least: int = 1) -> int:
    """A single integer, where a tuple of one has no meaning.

    Examples
    --------
    >>> as_integer((2,), "groups", "conv2d")
    Traceback (most recent call last):
    TypeError: conv2d: groups must be an integer, got (2,)
    """
    if is_several(value):
        raise TypeError(f"{function}: {name} must be an integer, got {shown(value)}")
    return as_tuple(value, 1, name, at_least, function)[0]


def as_sizes(value: Sequence[int], name: str, function: str, at_least: int = 0) -> tuple[int, ...]:
    """A shape, or a part of one: as many integers as are given.

    Examples
    --------
    >>> as_sizes([2, 0, 3], "input_size", "conv1d_input")
    (2, 0, 3)
    """
    numbers = _integers(value) if is_several(value) else None
    if numbers is None:
        raise TypeError(f"{function}: {name} must be a sequence of integers, got {shown(value)}")
    if len(numbers) > 2 * MOST_AXES:  # two for each axis, where before and after differ
        raise ValueError(f"{function}: {name} must have at most {2 * MOST_AXES} entries, got {shown(value)}")
    _refuse_beyond(f"{function}: ", name, value, numbers, at_least)
    return numbers


def _refuse_beyond(where: str, name: str, value: Any, numbers: tuple[int, ...], at_least: int) -> None:
    if min(numbers, default=at_least) < at_least:
        raise ValueError(f"{where}{name} must be at least {at_least}, got {shown(value)}")
    if max(numbers, default=at_least) > LARGEST_INTEGER:
        raise ValueError(f"{where}{name} must be at most 2^62, got {shown(value)}")


def _integers(entries: Sequence[Any]) -> tuple[int, ...] | None:
    """The entries as plain integers, or None where one is something else."""
    try:
        return tuple(map(operator.index, entries)) if all(map(_may_be_integer, entries)) else None
    except Exception:  # an object may say anything when it is asked for its number
        return None


def _may_be_integer(entry: Any) -> bool:
    """Python's, NumPy's and torch's symbolic integers; but True is none, nor is an array of one number."""
    if type(entry) is int or isinstance(entry, Integral):
        return not isinstance(entry, bool)
    return hasattr(entry, "__floordiv__") and not hasattr(entry, "__array__")


def _each_axis(value: Ints, name: str, function: str) -> tuple[int, ...]:
    """One integer for each axis, as many as are given."""
    return as_tuple(value, len(value) if isinstance(value, tuple | list) else 1, name, function=function)


def effective_kernel_size(kernel_size: int, dilation: int = 1) -> int:
    """Pixels from the first tap of a kernel to its last, both counted: d(k - 1) + 1.

    Examples
    --------
    >>> effective_kernel_size(3, dilation=2)  # taps at 0, 2, 4
    5
    """
    k = as_integer(kernel_size, "kernel_size", "effective_kernel_size")
    d = as_integer(dilation, "dilation", "effective_kernel_size")
    return d * (k - 1) + 1


def resolve_padding(
    padding: Padding,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    function: str = "",
) -> Pairs:
    """Pixels added (before, after) each axis.

    ``"valid"`` adds none. ``"same"`` adds d(k - 1) in all, so that with stride 1 the size is kept; where that
    is odd, as for an even kernel, the extra pixel goes after, as in torch.

    Raises
    ------
    ValueError
        An unknown word, ``"same"`` with a stride above 1, or a negative number.

    Examples
    --------
    >>> resolve_padding("same", (3, 4), (1, 1), (1, 1))
    ((1, 1), (1, 2))
    >>> resolve_padding(2, (3, 3), (1, 1), (1, 1))
    ((2, 2), (2, 2))
    """
    where = f"{function}: " if function else ""
    n = len(kernel_size)
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * n
        if padding != "same":
            raise ValueError(f"{where}padding must be 'valid', 'same' or integers, got {shown(padding)}")
        if any(s != 1 for s in stride):
            raise ValueError(
                f"{where}padding='same' needs stride 1, got stride {tuple(stride)}; give padding in pixels"
            )
        totals = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((p, p) for p in as_tuple(padding, n, "padding", at_least=0, function=function))


def conv_output_size(
    input_size: Ints, kernel_size: Ints, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> int | tuple[int, ...]:
    r"""Spatial size of a convolution's output.

    The padded input, less what the kernel spans, holds so many whole strides, and the first position counts
    too:

    .. math:: \left\lfloor \frac{n + 2p - d(k - 1) - 1}{s} \right\rfloor + 1

    Parameters
    ----------
    input_size, kernel_size, stride, padding, dilation
        In pixels; an integer for one axis, or a tuple with one entry for each. Padding is added on either
        side; ``"same"`` and ``"valid"`` as in `convlib.conv2d`.

    Returns
    -------
    int or tuple of int
        As `input_size` was given.

    Raises
    ------
    ValueError
        The kernel does not fit into the padded input.

    See Also
    --------
    torch.nn.Conv2d : states the same formula. Derived in chapter 3; Dumoulin and Visin (2016), relation 6.

    Examples
    --------
    >>> conv_output_size(7, 3, stride=2)  # positions 0, 2, 4
    3
    >>> conv_output_size((224, 224), 7, stride=4, padding=3)
    (56, 56)
    """
    name = "conv_output_size"
    several = is_several(input_size)
    sizes = _each_axis(input_size, "input_size", name)
    n = len(sizes)
    kernel = as_tuple(kernel_size, n, "kernel_size", function=name)
    strides = as_tuple(stride, n, "stride", function=name)
    dilations = as_tuple(dilation, n, "dilation", function=name)
    pads = resolve_padding(padding, kernel, strides, dilations, name)
    result = window_counts(sizes, kernel, strides, pads, dilations, name)
    return result if several else result[0]


def window_counts(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    function: str = "",
) -> tuple[int, ...]:
    """How many windows fit along each axis; the arithmetic under `conv_output_size`, padding as pairs."""
    counts = []
    for axis, (n, k, s, (before, after), d) in enumerate(
        zip(sizes, kernel, stride, padding, dilation, strict=True)
    ):
        spanned = d * (k - 1) + 1
        room = n + before + after - spanned
        if room < 0:
            where = f"{function}: " if function else ""
            dilated = f" (dilation {d} spreads {k} taps)" if d > 1 else ""
            raise ValueError(
                f"{where}the kernel spans {spanned} pixels{dilated} along spatial axis "
                f"{axis}, but the padded input has {n + before + after} "
                f"(size {n}, padding {before} + {after})"
            )
        counts.append(room // s + 1)
    return tuple(counts)


class Layout(NamedTuple):
    """Where the windows of a convolution lie, with one entry for each axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Pairs
    dilation: tuple[int, ...]
    padded: tuple[int, ...]  # size of the input with its padding
    positions: tuple[int, ...]


def conv_layout(
    sizes: Sequence[int],
    kernel_size: Sequence[int],
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    function: str = "",
) -> Layout:
    """The options of a convolution, spelled out axis by axis, and how many windows they give.

    Examples
    --------
    >>> layout = conv_layout((5, 7), (3, 3), stride=1, padding="same", dilation=2)
    >>> layout.padding, layout.padded, layout.positions
    (((2, 2), (2, 2)), (9, 11), (5, 7))
    """
    n = len(kernel_size)
    strides = as_tuple(stride, n, "stride", function=function)
    dilations = as_tuple(dilation, n, "dilation", function=function)
    pads = resolve_padding(padding, kernel_size, strides, dilations, function)
    positions = window_counts(sizes, kernel_size, strides, pads, dilations, function)
    padded = tuple(size + sum(sides) for size, sides in zip(sizes, pads, strict=True))
    return Layout(tuple(kernel_size), strides, pads, dilations, padded, positions)


def conv_transpose_output_size(
    input_size: Ints,
    kernel_size: Ints,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
) -> int | tuple[int, ...]:
    r"""Spatial size of a transposed convolution's output.

    The copies of the kernel start a stride apart, and the last one ends as far behind its start as the kernel
    spans; padding is cut off and output padding is put on:

    .. math:: (n - 1) s + d(k - 1) + 1 - 2p + p_{out}

    A convolution with a stride rounds its size down, so that several sizes lead to one;
    `output_padding` says which of them to go back to.

    Parameters
    ----------
    input_size, kernel_size, stride, padding, output_padding, dilation
        In pixels; an integer for one axis, or a tuple with one entry for each. Padding is taken from either
        side; output padding is added after, and is smaller than the stride or the dilation.

    Returns
    -------
    int or tuple of int
        As `input_size` was given.

    Raises
    ------
    ValueError
        The padding takes everything away, or an output padding that is too large.

    See Also
    --------
    conv_output_size : the way there. torch.nn.ConvTranspose2d : states the same formula. Chapter 8; Dumoulin
    and Visin (2016), relation 14.

    Examples
    --------
    >>> conv_transpose_output_size(3, 3, stride=2)  # the kernel at 0, 2, 4, up to pixel 6
    7
    >>> conv_output_size(7, 3, stride=2), conv_output_size(8, 3, stride=2)
    (3, 3)
    >>> conv_transpose_output_size((3, 3), 3, stride=2, output_padding=(0, 1))
    (7, 8)
    """
    name = "conv_transpose_output_size"
    several = is_several(input_size)
    sizes = _each_axis(input_size, "input_size", name)
    kernel = as_tuple(kernel_size, len(sizes), "kernel_size", function=name)
    _, _, result = transposed_layout(sizes, kernel, stride, padding, output_padding, dilation, name)
    return result if several else result[0]


def transposed_layout(
    sizes: Sequence[int],
    kernel_size: Sequence[int],
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    dilation: Ints,
    function: str = "",
) -> tuple[Layout, tuple[int, ...], tuple[int, ...]]:
    """The convolution that is transposed, the output padding axis by axis, and the output's size.

    Of that convolution the input here is the answer, one number for each window; its padded image reaches
    from the first tap of the first window to the last tap of the last.

    Examples
    --------
    >>> layout, extra, output = transposed_layout((3, 5), (3, 3), 2, 1, (0, 1), 1)
    >>> layout.positions, layout.padded, extra, output
    ((3, 5), (7, 11), (0, 1), (5, 10))
    """
    n = len(kernel_size)
    where = f"{function}: " if function else ""
    strides = as_tuple(stride, n, "stride", function=function)
    pads = as_tuple(padding, n, "padding", at_least=0, function=function)
    extra = as_tuple(output_padding, n, "output_padding", at_least=0, function=function)
    dilations = as_tuple(dilation, n, "dilation", function=function)
    spans, output = [], []
    for axis in range(n):
        s, p, e, d = strides[axis], pads[axis], extra[axis], dilations[axis]
        if e >= max(s, d):
            raise ValueError(
                f"{where}output_padding must be smaller than stride or dilation, got {e} along spatial axis "
                f"{axis} with stride {s} and dilation {d}"
            )
        spans.append((sizes[axis] - 1) * s + effective_kernel_size(kernel_size[axis], d))
        output.append(spans[-1] + e - 2 * p)
        if output[-1] < 1:
            raise ValueError(
                f"{where}padding {p} on either side leaves nothing of the {spans[-1] + e} pixels along "
                f"spatial axis {axis}"
            )
    sides = tuple((p, p) for p in pads)
    layout = Layout(tuple(kernel_size), strides, sides, dilations, tuple(spans), tuple(sizes))
    return layout, extra, tuple(output)


# --- the way back: from an output to the input, and to the options ------------------------------------------


def conv_input_sizes(
    output_size: Ints, kernel_size: Ints, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> range | tuple[range, ...]:
    r"""All the input sizes that a convolution takes to this output size.

    The floor forgets how many pixels are left over, from 0 to s - 1; so these are s sizes in a row:

    .. math:: n_0 + a \quad\text{for}\quad a = 0, \ldots, s - 1, \qquad n_0 = (o - 1) s + d(k - 1) + 1 - 2p

    The transposed convolution leads back to the first of them, and with a as its `output_padding` to the
    others.

    Parameters
    ----------
    output_size, kernel_size, stride, padding, dilation
        In pixels; an integer for one axis, or a tuple with one entry for each; `padding` as in
        `conv_output_size`.

    Returns
    -------
    range, or tuple of range
        One for each axis, as `output_size` was given. Sizes below 1 are left out; the range may be empty.

    See Also
    --------
    conv_output_size : the way there. conv_transpose_output_size : the way back. Chapters 3 and 8; Dumoulin
    and Visin (2016), relations 6 and 14.

    Examples
    --------
    >>> conv_input_sizes(3, 3, stride=2)
    range(7, 9)
    >>> conv_output_size(7, 3, stride=2), conv_output_size(8, 3, stride=2)
    (3, 3)
    >>> conv_input_sizes(3, 3, stride=2).index(8)  # the output_padding that leads from 3 to 8
    1
    """
    name = "conv_input_sizes"
    several = is_several(output_size)
    sizes = _each_axis(output_size, "output_size", name)
    kernel = as_tuple(kernel_size, len(sizes), "kernel_size", function=name)
    strides = as_tuple(stride, len(sizes), "stride", function=name)
    dilations = as_tuple(dilation, len(sizes), "dilation", function=name)
    both_sides = map(sum, resolve_padding(padding, kernel, strides, dilations, name))
    result = tuple(map(_input_sizes, sizes, kernel, strides, both_sides, dilations))
    return result if several else result[0]


def _input_sizes(output: int, kernel: int, stride: int, padding: int, dilation: int) -> range:
    """Along one axis; the padding of both sides together."""
    first = (output - 1) * stride + dilation * (kernel - 1) + 1 - padding
    return range(max(first, 1), max(first + stride, 1))


def conv_pixel_uses(
    input_size: Ints, kernel_size: Ints, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
    """How many windows of a convolution hold each pixel of its input.

    A 0 is a pixel that the output does not depend on at all: one that a stride leaves over at the end, or
    that lies between the windows.

    Parameters
    ----------
    input_size, kernel_size, stride, padding, dilation
        As in `conv_output_size`.

    Returns
    -------
    tuple of int, or tuple of tuple of int
        One number for each pixel, from first to last; one tuple for each axis where `input_size` is a tuple.
        A pixel of an image is in (its row's number) x (its column's number) windows.

    Raises
    ------
    ValueError
        As `conv_output_size`.

    See Also
    --------
    conv_output_size : the number of windows. Chapter 3.

    Examples
    --------
    >>> conv_pixel_uses(6, 3)
    (1, 2, 3, 3, 2, 1)
    >>> conv_pixel_uses(6, 3, stride=2)  # the last pixel is ignored
    (1, 1, 2, 1, 1, 0)
    >>> conv_pixel_uses(6, 1, stride=2)  # and here every other one
    (1, 0, 1, 0, 1, 0)
    """
    name = "conv_pixel_uses"
    sizes = _each_axis(input_size, "input_size", name)
    kernel = as_tuple(kernel_size, len(sizes), "kernel_size", function=name)
    layout = conv_layout(sizes, kernel, stride, padding, dilation, name)
    steps = (kernel[i] * layout.positions[i] + layout.padded[i] for i in range(len(sizes)))
    _refuse_if_too_long(name, sum(steps))
    result = []
    for axis, n in enumerate(sizes):
        uses = [0] * layout.padded[axis]
        for window in range(layout.positions[axis]):
            for tap in range(kernel[axis]):
                uses[window * layout.stride[axis] + tap * layout.dilation[axis]] += 1
        before = layout.padding[axis][0]
        result.append(tuple(uses[before : before + n]))
    return tuple(result) if is_several(input_size) else result[0]


def conv_transpose_pixel_uses(
    input_size: Ints,
    kernel_size: Ints,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
    """How many numbers a transposed convolution adds up in each pixel of its output.

    Unequal numbers inside an image are the checkerboard: even with equal weights one pixel gets more than its
    neighbour. They are equal where the stride divides the kernel size. A 0 is a pixel that no copy of the
    kernel reaches, as `output_padding` and large strides leave them; it gets the bias alone.

    Parameters
    ----------
    input_size, kernel_size, stride, padding, output_padding, dilation
        As in `conv_transpose_output_size`.

    Returns
    -------
    tuple of int, or tuple of tuple of int
        One number for each pixel, from first to last; one tuple for each axis where `input_size` is a tuple.
        A pixel of an image gets (its row's number) x (its column's number) numbers for each input channel.

    Raises
    ------
    ValueError
        As `conv_transpose_output_size`, and where it would take too long.

    See Also
    --------
    conv_transpose_output_size : the number of pixels. conv_pixel_uses : the same of a convolution's input.
    Chapter 8; Odena, Dumoulin and Olah (2016).

    Examples
    --------
    >>> conv_transpose_pixel_uses(3, 3, stride=2)  # copies at 0 1 2, 2 3 4 and 4 5 6
    (1, 1, 2, 1, 2, 1, 1)
    >>> conv_transpose_pixel_uses(3, 4, stride=2)
    (1, 1, 2, 2, 2, 2, 1, 1)
    >>> conv_transpose_pixel_uses(3, 3, stride=2, padding=1, output_padding=1)  # a pixel more than 1 2 1 2 1
    (1, 2, 1, 2, 1, 1)
    """
    name = "conv_transpose_pixel_uses"
    sizes = _each_axis(input_size, "input_size", name)
    kernel = as_tuple(kernel_size, len(sizes), "kernel_size", function=name)
    layout, extra, output = transposed_layout(sizes, kernel, stride, padding, output_padding, dilation, name)
    lengths = [layout.padded[i] + extra[i] for i in range(len(sizes))]
    _refuse_if_too_long(name, sum(kernel[i] * sizes[i] + lengths[i] for i in range(len(sizes))))
    result = []
    for axis, length in enumerate(lengths):
        uses = [0] * length
        for pixel in range(sizes[axis]):
            for tap in range(kernel[axis]):
                uses[pixel * layout.stride[axis] + tap * layout.dilation[axis]] += 1
        before = layout.padding[axis][0]
        result.append(tuple(uses[before : before + output[axis]]))
    return tuple(result) if is_several(input_size) else result[0]


def conv_path_counts(kernel_sizes: Ints, dilations: Ints = 1, strides: Ints = 1) -> tuple[int, ...]:
    """How many ways lead through a stack of convolutions from each pixel to one unit of the last layer.

    A way takes one tap of the kernel in every layer. With all weights equal these are, up to a factor, the
    weights that the whole stack has as one convolution. A 0 is a pixel inside the receptive field that the
    unit never sees: the holes of *gridding*.

    Parameters
    ----------
    kernel_sizes, dilations, strides
        Along one axis, from the first layer to the last; one number stands for every layer. Where all three
        are single numbers, there is one layer.

    Returns
    -------
    tuple of int
        One for each pixel of the receptive field, from first to last; their number is the size of the
        receptive field, their sum the product of the kernel sizes.

    Raises
    ------
    ValueError
        Different numbers of layers, a number below 1, or a stack that would take too long.
    TypeError
        What is not an integer.

    See Also
    --------
    effective_kernel_size : of one layer. Chapters 9 and 10; Wang and others (2018), on gridding.

    Examples
    --------
    >>> conv_path_counts((3, 3))
    (1, 2, 3, 2, 1)
    >>> conv_path_counts(3, dilations=(2, 2))  # every other pixel is never seen
    (1, 0, 2, 0, 3, 0, 2, 0, 1)
    >>> conv_path_counts(3, dilations=(1, 2, 4))  # and here every pixel is seen
    (1, 1, 2, 1, 3, 2, 3, 1, 3, 2, 3, 1, 2, 1, 1)
    """
    name = "conv_path_counts"
    given = {"kernel_sizes": kernel_sizes, "dilations": dilations, "strides": strides}
    each = {key: _several_numbers(value, key, name) for key, value in given.items()}
    several = {key: each[key] for key, value in given.items() if isinstance(value, tuple | list | range)}
    layers = max(map(len, several.values()), default=1)
    for key, numbers in several.items():
        if len(numbers) != layers:
            raise ValueError(
                f"{name}: {key} must be one number or {layers}, one for each layer, got {shown(given[key])}"
            )
    stack = zip(*(each[key] if key in several else each[key] * layers for key in each), strict=True)
    spreads, length, jump, steps = [], 1, 1, 0
    for kernel, dilation, stride in stack:
        spreads.append((kernel, jump * dilation))
        steps += kernel * length
        length += (kernel - 1) * jump * dilation
        jump *= stride
    _refuse_if_too_long(name, steps + length)
    counts = [1]
    for kernel, spread in spreads:
        wider = [0] * (len(counts) + (kernel - 1) * spread)
        for tap in range(kernel):
            for pixel, ways in enumerate(counts, start=tap * spread):
                wider[pixel] += ways
        counts = wider
    return tuple(counts)


class ConvChoice(NamedTuple):
    """The options of a convolution along one axis, in the order in which `conv_output_size` takes them."""

    kernel_size: int
    stride: int
    padding: int
    dilation: int


MOST_STEPS = 2**22  # about a second: here Python counts one by one


def _refuse_if_too_long(function: str, steps: int) -> None:
    if steps > MOST_STEPS:
        raise ValueError(
            f"{function}: it would take {steps} steps, more than the {MOST_STEPS} that are allowed"
        )


def _several_numbers(values: Ints, name: str, function: str) -> tuple[int, ...]:
    if isinstance(values, range):
        _refuse_if_too_long(function, max(values.stop - values.start, values.start - values.stop))
        values = tuple(values)
    return _each_axis(values, name, function)


def conv_choices(
    input_size: int,
    output_size: int,
    kernel_sizes: Ints = range(1, 8),
    strides: Ints = range(1, 5),
    dilations: Ints = 1,
) -> list[ConvChoice]:
    """Every convolution that takes one size to another, the best guess first.

    First come the choices that use every pixel, then those that ignore some; among either the smallest
    dilation comes first, then the smallest kernel, stride and padding.

    Parameters
    ----------
    input_size, output_size : int
        Pixels along one axis. The axes of an image do not interact: choose for each by itself.
    kernel_sizes, strides, dilations : int or sequence of int
        What to try. All paddings are tried with which every window still reaches the image, that is 0 to
        d(k - 1). Where the output is a single window, its stride has no effect: the smallest that leaves it
        single stands for all.

    Returns
    -------
    list of ConvChoice
        (kernel_size, stride, padding, dilation); empty where none of them does it.

    See Also
    --------
    conv_output_size : the way there. conv_pixel_uses : which pixels a choice ignores. Chapter 3.

    Examples
    --------
    >>> for choice in conv_choices(32, 16, kernel_sizes=range(1, 5)):
    ...     print(*choice, conv_pixel_uses(32, *choice).count(0), "ignored")
    2 2 0 1 0 ignored
    3 2 1 1 0 ignored
    4 2 1 1 0 ignored
    1 2 0 1 16 ignored
    >>> conv_choices(7, 1)[0]  # a kernel as large as the image
    ConvChoice(kernel_size=7, stride=1, padding=0, dilation=1)
    """
    name = "conv_choices"
    n = as_integer(input_size, "input_size", name)
    wanted = as_integer(output_size, "output_size", name)
    tried = [
        sorted(set(_several_numbers(values, what, name)))
        for what, values in (("dilations", dilations), ("kernel_sizes", kernel_sizes), ("strides", strides))
    ]
    spans = sum(effective_kernel_size(k, d) for d, k in itertools.product(*tried[:2]))
    _refuse_if_too_long(name, 16 * spans * max(len(tried[2]), 1))  # a trial takes as long as 16 counts
    choices = []
    for d, k in itertools.product(*tried[:2]):
        for p in range(effective_kernel_size(k, d)):
            fits = [s for s in tried[2] if n in _input_sizes(wanted, k, s, 2 * p, d)]
            choices += [ConvChoice(k, s, p, d) for s in (fits[:1] if wanted == 1 else fits)]
    _refuse_if_too_long(name, sum((n + 2 * one.padding) * (1 + one.kernel_size) for one in choices))
    every_pixel = {choice: 0 not in conv_pixel_uses(n, *choice) for choice in choices}
    return sorted(
        choices,
        key=lambda one: (not every_pixel[one], one.dilation, one.kernel_size, one.stride, one.padding),
    )


def correlation_padding(kernel_size: Sequence[int], mode: str) -> Pairs:
    """Zeros (before, after) each axis: for every overlap, for the image's own size, or none.

    Examples
    --------
    >>> correlation_padding((3, 4), "same")
    ((1, 1), (1, 2))
    """
    if mode == "full":
        return tuple((k - 1, k - 1) for k in kernel_size)
    if mode == "same":
        return tuple(((k - 1) // 2, k // 2) for k in kernel_size)  # as "same" in conv2d, and as in SciPy
    return tuple((0, 0) for _ in kernel_size)


def conv_parameters(
    in_channels: int, out_channels: int, kernel_size: Sequence[int], groups: int = 1, bias: bool = True
) -> int:
    """Learnable numbers of a convolution: one kernel slice for each pair of connected channels, one bias for
    each output.

    The size of the image does not occur. A transposed convolution has as many: its weight holds the same
    slices in another order.

    Examples
    --------
    >>> conv_parameters(10, 5, (1, 1))  # 5 * 10 * 1 * 1 + 5
    55
    """
    require_flag("conv_parameters", "bias", bias)
    weights = conv_weights("conv_parameters", in_channels, out_channels, kernel_size, groups)
    return weights + bias * as_integer(out_channels, "out_channels", "conv_parameters")


def conv_weights(
    function: str, in_channels: int, out_channels: int, kernel_size: Sequence[int], groups: int
) -> int:
    """The numbers in the weight of a convolution, where channels and groups fit.

    Examples
    --------
    >>> conv_weights("Conv2d", 4, 6, (3, 3), groups=2)  # 6 kernels of 2 slices
    108
    """
    kernel = as_sizes(kernel_size, "kernel_size", function, at_least=1)
    groups = as_integer(groups, "groups", function)
    before = as_integer(in_channels, "in_channels", function)
    after = as_integer(out_channels, "out_channels", function)
    for name, channels in (("in_channels", before), ("out_channels", after)):
        if channels % groups:
            raise ValueError(f"{function}: {name} {channels} cannot be split into {groups} groups")
    return after * (before // groups) * math.prod(kernel)


def conv_multiply_adds(
    in_channels: int,
    out_channels: int,
    kernel_size: Sequence[int],
    output_size: Sequence[int],
    groups: int = 1,
) -> int:
    """Multiply-adds of a convolution for one image: every weight is used once for every output position.

    Products with the zeros of the padding are counted, as the direct computation makes them. In a transposed
    convolution every weight is used once for every *input* position: give its input's size as `output_size`.
    A source that counts "FLOPs" usually counts each multiply-add as two.

    Examples
    --------
    >>> conv_multiply_adds(1, 1, (2, 2), (2, 2))  # 4 positions of 4 products
    16
    """
    positions = math.prod(as_sizes(output_size, "output_size", "conv_multiply_adds"))
    return conv_weights("conv_multiply_adds", in_channels, out_channels, kernel_size, groups) * positions


def count(shape: Sequence[int]) -> int:
    """Numbers in an array. An empty axis counts as one: it must not make room for all the others.

    Examples
    --------
    >>> count((2, 3)), count((0, 3))
    (6, 3)
    """
    return math.prod([max(n, 1) for n in shape])


class ConvMemory(NamedTuple):
    """Bytes that a layer needs."""

    input: int
    output: int
    parameters: int


def conv_memory(
    in_channels: int,
    out_channels: int,
    kernel_size: Sequence[int],
    input_size: Sequence[int],
    output_size: Sequence[int],
    groups: int = 1,
    bias: bool = True,
    batch: int = 1,
    itemsize: int = 4,
) -> ConvMemory:
    """Bytes of a convolution's input, output and parameters; also of a transposed convolution's.

    The first two are the *activation memory*: it grows with the batch and with the image, and training keeps
    the input of each layer until its gradients have been computed. The parameters are there once; training
    adds a gradient of the same size, and the optimizer what it remembers of it.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : sequence of int
        One entry for each spatial axis.
    input_size, output_size : sequence of int
        Spatial sizes; `conv_output_size` and `conv_transpose_output_size` lead from one to the other.
    groups : int
    bias : bool
        Whether there is one.
    batch : int
        Images.
    itemsize : int
        Bytes of one number: 4 for float32, 2 for half precision, 8 for float64.

    Returns
    -------
    ConvMemory
        (input, output, parameters), in bytes. What an algorithm needs besides, such as im2col's columns, is
        not counted.

    Raises
    ------
    ValueError
        Channels that cannot be split into the groups, or a number that is too small.

    See Also
    --------
    conv_parameters, conv_multiply_adds : the other two costs. Chapters 3 and 6.

    Examples
    --------
    >>> conv_memory(3, 64, (7, 7), (224, 224), (112, 112), bias=False)  # 4 * 3 * 224 * 224, ...
    ConvMemory(input=602112, output=3211264, parameters=37632)
    >>> conv_memory(512, 512, (3, 3), (7, 7), (7, 7), bias=False)  # deep in a network it is the other way
    ConvMemory(input=100352, output=100352, parameters=9437184)
    """
    name = "conv_memory"
    weights = conv_weights(name, in_channels, out_channels, kernel_size, groups)
    require_flag(name, "bias", bias)
    before, after = operator.index(in_channels), operator.index(out_channels)  # NumPy's overflow
    images = as_integer(batch, "batch", name, at_least=0)
    number = as_integer(itemsize, "itemsize", name)
    n = len(kernel_size)
    pixels = []
    for what, value in (("input_size", input_size), ("output_size", output_size)):
        size = as_sizes(value, what, name)
        if len(size) != n:
            raise ValueError(f"{name}: {what} must have {n} entries, as kernel_size has; got {shown(value)}")
        pixels.append(math.prod(size))
    return ConvMemory(
        input=images * before * pixels[0] * number,
        output=images * after * pixels[1] * number,
        parameters=(weights + bias * after) * number,
    )


def refuse_if_too_large(function: str, what: str, elements: int, itemsize: int) -> None:
    """Raise before allocating more than 2^36 bytes.

    Raises
    ------
    ValueError
        Names what would have been allocated, and its size in GiB.
    """
    size = elements * itemsize
    if size > LARGEST_ALLOCATION:
        gib = (size + 2**29) // 2**30  # in whole numbers: no float is large enough for every size
        raise ValueError(
            f"{function}: {what} would take {gib} GiB, more than the {LARGEST_ALLOCATION // 2**30} GiB that "
            "are allowed"
        )


def pool_output_size(
    input_size: Ints,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> int | tuple[int, ...]:
    r"""Spatial size of the output of max or average pooling.

    As for a convolution, but the stride is the kernel size where none is given, and `ceil_mode` rounds up:
    where pixels are left over, one more window is laid, although it reaches beyond the padded input.

    .. math:: \left\lfloor \frac{n + 2p - d(k - 1) - 1}{s} \right\rfloor + 1
        \qquad\text{or}\qquad \left\lceil \frac{n + 2p - d(k - 1) - 1}{s} \right\rceil + 1

    But a window that would start in the padding after the last pixel holds no pixel at all, and is not laid.

    Parameters
    ----------
    input_size, kernel_size, stride, padding, dilation
        In pixels; an integer for one axis, or a tuple with one entry for each. The padding is at most half of
        the kernel size, rounded down, whatever the dilation.
    ceil_mode : bool
        Round up.

    Returns
    -------
    int or tuple of int
        As `input_size` was given.

    Raises
    ------
    ValueError
        The kernel does not fit into the padded input, not even (`ceil_mode`) less than a stride beyond it;
        the padding is above half of the kernel size; or the taps are so far apart that a window holds no
        pixel.

    See Also
    --------
    conv_output_size, torch.nn.MaxPool2d, torch.nn.AvgPool2d : state the same rule. Chapter 5; Dumoulin and
    Visin (2016), relation 7.

    Examples
    --------
    >>> pool_output_size(8, 3)  # windows at 0 and 3; pixels 6 and 7 are left over
    2
    >>> pool_output_size(8, 3, ceil_mode=True)  # at 6, too
    3
    >>> pool_output_size(7, 2, stride=4, padding=1, ceil_mode=True)  # at -1 and 3; at 7 there is no pixel
    2
    """
    several = is_several(input_size)
    sizes = _each_axis(input_size, "input_size", "pool_output_size")
    options = kernel_size, stride, padding, dilation, ceil_mode
    result = pool_layout(sizes, *options, function="pool_output_size").positions
    return result if several else result[0]


def pool_layout(
    sizes: Sequence[int],
    kernel_size: Ints,
    stride: Ints | None,
    padding: Ints,
    dilation: Ints,
    ceil_mode: bool,
    function: str = "",
) -> Layout:
    """Where the windows of a pooling lie: the stride is the kernel's size unless it is given, and with
    `ceil_mode` a last window may reach beyond the padding, if it starts inside the image or before it.

    The padding of the result is as much as the windows need: with a negative number after, so many pixels
    (or padded pixels) lie in no window.

    Examples
    --------
    >>> pool_layout((5,), 2, None, 0, 1, ceil_mode=False)[2:]  # padding, dilation, padded, positions
    (((0, -1),), (1,), (4,), (2,))
    >>> pool_layout((5,), 2, None, 0, 1, ceil_mode=True)[2:]
    (((0, 1),), (1,), (6,), (3,))
    """
    n = len(sizes)
    where = f"{function}: " if function else ""
    kernel = as_tuple(kernel_size, n, "kernel_size", function=function)
    own = stride is None or (isinstance(stride, tuple | list) and not stride)  # torch takes () as well
    strides = kernel if own else as_tuple(stride, n, "stride", function=function)  # type: ignore[arg-type]
    pads = as_tuple(padding, n, "padding", at_least=0, function=function)
    dilations = as_tuple(dilation, n, "dilation", function=function)
    require_flag(function, "ceil_mode", ceil_mode)
    for name, numbers in (("kernel_size", kernel), ("stride", strides), ("dilation", dilations)):
        if max(numbers, default=1) >= 2**31:  # torch's pooling computes in 32 bits
            raise ValueError(f"{where}{name} must be below 2^31, got {max(numbers)}")
    sides, padded, counts = [], [], []
    for axis, (size, k, s, p, d) in enumerate(zip(sizes, kernel, strides, pads, dilations, strict=True)):
        if p > k // 2:
            raise ValueError(
                f"{where}padding must be at most half of kernel_size, got {p} for {k} along spatial axis "
                f"{axis}"
            )
        span = effective_kernel_size(k, d)
        room = size + 2 * p - span
        count = (room + (s - 1 if ceil_mode else 0)) // s + 1
        if (count - 1) * s >= size + p:  # it would begin behind the last pixel
            count -= 1
        if count < 1:
            dilated = f" (dilation {d} spreads {k} taps)" if d > 1 else ""
            raise ValueError(
                f"{where}the window spans {span} pixels{dilated} along spatial axis {axis}, but the padded "
                f"input has {size + 2 * p} (size {size}, padding {p} + {p})"
            )
        if d > size and any((i * s - p) % d >= size for i in range(min(count, -(-p // s)))):
            raise ValueError(
                f"{where}a window along spatial axis {axis} holds no pixel: its taps are {d} apart, and the "
                f"input has {size}"
            )
        sides.append((p, (count - 1) * s + span - size - p))
        padded.append((count - 1) * s + span)
        counts.append(count)
    return Layout(kernel, strides, tuple(sides), dilations, tuple(padded), tuple(counts))


def bin_counts(
    sizes: Sequence[int], output_size: int | Sequence[int | None], function: str = ""
) -> tuple[int, ...]:
    """How many bins an adaptive pooling cuts each axis into; None leaves an axis of an image as it is.

    Examples
    --------
    >>> bin_counts((5, 7), (None, 3))
    (5, 3)
    """
    n = len(sizes)
    if n > 1 and isinstance(output_size, tuple | list):
        if len(output_size) != n:
            raise ValueError(f"{function}: output_size must be one integer or {n}, got {shown(output_size)}")
        filled = (size if bins is None else bins for size, bins in zip(sizes, output_size, strict=True))
        return as_tuple(tuple(filled), n, "output_size", 0, function)
    return as_tuple(output_size, n, "output_size", 0, function)  # type: ignore[arg-type]

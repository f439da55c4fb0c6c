"""Pure integer arithmetic: how large a result is, and what it costs.

Everything here works on sizes alone; no array is made. Where a function takes one number for each axis it
also takes a single number, which then stands for the only axis, or for all of them.
"""

from __future__ import annotations

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
    if isinstance(entry, Integral):
        return not isinstance(entry, bool)
    return hasattr(entry, "__floordiv__") and not hasattr(entry, "__array__")


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
    sizes = as_tuple(
        input_size, len(input_size) if isinstance(input_size, Sequence) else 1, "input_size", function=name
    )
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
        room = n + before + after - effective_kernel_size(k, d)
        if room < 0:
            where = f"{function}: " if function else ""
            dilated = f" (dilation {d} spreads {k} taps)" if d > 1 else ""
            raise ValueError(
                f"{where}the kernel spans {effective_kernel_size(k, d)} pixels{dilated} along spatial axis "
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
    sizes = as_tuple(
        input_size, len(input_size) if isinstance(input_size, Sequence) else 1, "input_size", function=name
    )
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

    The size of the image does not occur.

    Examples
    --------
    >>> conv_parameters(10, 5, (1, 1))  # 5 * 10 * 1 * 1 + 5
    55
    """
    require_flag("conv_parameters", "bias", bias)
    weights = _weights("conv_parameters", in_channels, out_channels, kernel_size, groups)
    return weights + bias * as_integer(out_channels, "out_channels", "conv_parameters")


def _weights(
    function: str, in_channels: int, out_channels: int, kernel_size: Sequence[int], groups: int
) -> int:
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

    A source that counts "FLOPs" usually counts each multiply-add as two.

    Examples
    --------
    >>> conv_multiply_adds(1, 1, (2, 2), (2, 2))  # 4 positions of 4 products
    16
    """
    positions = math.prod(as_sizes(output_size, "output_size", "conv_multiply_adds"))
    return _weights("conv_multiply_adds", in_channels, out_channels, kernel_size, groups) * positions


def count(shape: Sequence[int]) -> int:
    """Numbers in an array. An empty axis counts as one: it must not make room for all the others.

    Examples
    --------
    >>> count((2, 3)), count((0, 3))
    (6, 3)
    """
    return math.prod(max(n, 1) for n in shape)


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
        if max(numbers) >= 2**31:  # torch's pooling computes in 32 bits
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
        if ceil_mode and (count - 1) * s >= size + p:
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

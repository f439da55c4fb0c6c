"""Padding, and the one sliding-window view under every convolution and every pooling.

`sliding_windows` lays all windows of an image side by side without copying a pixel. `im2col` copies them into
the columns of a matrix, so that a convolution becomes one matrix product. `col2im` is its adjoint: it adds
columns back to where they came from, which is how a gradient travels.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib._checks import as_real, require_one_of, shown
from convlib._dispatch import Array, dispatch, dtype_name, is_tensor, plain, require_array, wide
from convlib.shapes import (
    Ints,
    as_sizes,
    as_tuple,
    count,
    effective_kernel_size,
    refuse_if_too_large,
    window_counts,
)


def _check_padding(
    function: str, shape: tuple[int, ...], itemsize: int, pad: Sequence[int], mode: str
) -> tuple[int, ...]:
    """The padded shape, if there is one."""
    amounts = as_sizes(pad, "pad", function, at_least=-(2**62))
    if len(amounts) % 2:
        raise ValueError(
            f"{function}: pad must be pairs (before, after), starting with the last axis, got {shown(pad)}"
        )
    axes = len(amounts) // 2
    if axes > len(shape):
        raise ValueError(f"{function}: pad has {axes} pairs but input has {len(shape)} axes {shape}")
    require_one_of(function, "mode", mode, ("constant", "reflect", "replicate", "circular"))
    if mode != "constant" and not (1 <= axes <= 3 and 1 <= len(shape) - axes <= 2):
        raise ValueError(
            f"{function}: mode {mode!r} pads the last 1, 2 or 3 axes of an input with one or two more axes "
            f"before them; got {axes} pairs for input {shape}"
        )
    padded = list(shape)
    for axis, before, after in _by_axis(len(shape), amounts):
        n = shape[axis]
        padded[axis] = n + before + after
        kept = max(n + min(before, 0) + min(after, 0), 0)
        limit = {"reflect": n - 1, "circular": kept}.get(mode)  # torch wraps only what it has not cropped
        if limit is not None and max(before, after) > limit:
            raise ValueError(
                f"{function}: {mode!r} can add at most {limit} pixels on a side of axis {axis} of size {n}, "
                f"got ({before}, {after})"
            )
        smallest = 1 if mode in ("reflect", "replicate") else 0
        if padded[axis] < smallest or min(n + before, n + after) < 0 or (mode == "replicate" and n == 0):
            raise ValueError(f"{function}: ({before}, {after}) leaves nothing of axis {axis} of size {n}")
    refuse_if_too_large(function, "the padded input", count(padded), itemsize)
    return tuple(padded)


def _check_pad(input: Array, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> None:
    require_array("pad", "input", input)
    number = None if value is None else as_real("pad", "value", value)
    if mode != "constant" and number is not None and number != 0:  # torch lets a 0 pass
        require_one_of("pad", "mode", mode, ("constant", "reflect", "replicate", "circular"))
        raise ValueError(
            f"pad: mode {mode!r} takes its values from the image; value={shown(value)} has no meaning"
        )
    _check_padding("pad", tuple(input.shape), input.dtype.itemsize, pad, mode)
    if number is not None:
        _check_pad_value(input, number)


def _check_pad_backward(
    grad_output: Array, input_size: Sequence[int], pad: Sequence[int], mode: str = "constant"
) -> None:
    name = "pad_backward"
    require_array(name, "grad_output", grad_output)
    shape = as_sizes(input_size, "input_size", name)
    expected = _check_padding(name, shape, grad_output.dtype.itemsize, pad, mode)
    refuse_if_too_large(name, "the gradient", count(shape), grad_output.dtype.itemsize)
    if "float" not in dtype_name(grad_output) and "longdouble" not in dtype_name(grad_output):
        kind = dtype_name(grad_output)
        raise TypeError(f"{name}: gradients are of real floating-point numbers, got {kind}")
    if tuple(grad_output.shape) != expected:
        raise ValueError(
            f"{name}: grad_output is {tuple(grad_output.shape)} but the output for input {shape} is "
            f"{expected}"
        )


def _check_pad_value(input: Array, value: float) -> None:
    name = str(input.dtype).removeprefix("torch.")
    if name == "bool":
        return
    library = sys.modules["torch"] if is_tensor(input) else np
    if "int" in name:
        fits = (limits := library.iinfo(input.dtype)).min <= value <= limits.max
    else:
        size = abs(value)
        fits = size == math.inf or not size > float(library.finfo(input.dtype).max)  # NaN is not larger
    if not fits:
        raise ValueError(f"pad: value={shown(value)} does not fit into {name}")


def _by_axis(ndim: int, pad: Sequence[int]) -> list[tuple[int, int, int]]:
    """(axis, before, after) for each pair of torch's order, which starts at the last axis."""
    return [(ndim - 1 - i, pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)]


@dispatch(_check_pad)
def pad(input: Array, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Array:
    """Add pixels around an array, or take some away.

    Parameters
    ----------
    input : array of any rank
    pad : sequence of int
        Pixels (before, after) for the last axis, then for the one before it, and so on: ``(left, right, top,
        bottom)``. Negative numbers crop.
    mode : {"constant", "reflect", "replicate", "circular"}
        What the new pixels hold: `value`; the mirror image without the edge pixel; the edge pixel; the other
        side of the image. All but the first need one or two axes (channels, batch) in front of those that are
        padded, as in torch.
    value : float, optional
        For mode ``"constant"``; 0 by default. An integer array takes the whole part of it.

    Returns
    -------
    array
        Axis i has the size n_i + before + after.

    Raises
    ------
    ValueError
        An odd number of entries, more pairs than axes, an unknown mode, more new pixels on one side than
        n - 1 (reflect) or than are left to wrap around (circular), nothing left, or a `value` beyond the
        range of the dtype.

    See Also
    --------
    torch.nn.functional.pad : the same function. Chapter 3 compares the modes.

    Examples
    --------
    >>> row = np.array([[1, 2, 3]])
    >>> pad(row, (2, 1))
    array([[0, 0, 1, 2, 3, 0]])
    >>> pad(row, (2, 1), mode="reflect")
    array([[3, 2, 1, 2, 3, 2]])
    >>> pad(row, (2, 1), mode="replicate")
    array([[1, 1, 1, 2, 3, 3]])
    >>> pad(row, (2, 1), mode="circular")
    array([[2, 3, 1, 2, 3, 1]])
    """
    if mode == "constant":
        return _pad_constant(input, _by_axis(input.ndim, pad), 0 if value is None else value)
    for axis, before, after in _by_axis(input.ndim, pad):
        input = np.take(input, source(mode, input.shape[axis], before, after), axis=axis)
    return input


def source(mode: str, n: int, before: int, after: int) -> NDArray[np.intp]:
    """For each pixel of a padded axis the one of n pixels that it is a copy of."""
    if mode == "circular":  # torch crops first and then wraps what is left
        kept = np.arange(max(-before, 0), n - max(-after, 0))
        return np.concatenate([kept[len(kept) - max(before, 0) :], kept, kept[: max(after, 0)]])
    index = np.arange(-before, n + after)
    if mode == "replicate":
        return index.clip(0, n - 1)
    index = np.abs(index)
    return np.where(index < n, index, 2 * (n - 1) - index)


@dispatch(_check_pad_backward)
def pad_backward(
    grad_output: Array, input_size: Sequence[int], pad: Sequence[int], mode: str = "constant"
) -> Array:
    """Gradient of `pad` with respect to its input: every pixel collects from all its copies.

    Constants are no copies of a pixel, and what was cropped has none left: it gets 0.

    Parameters
    ----------
    grad_output : array
        Gradient of the loss with respect to the output, of the output's shape.
    input_size : sequence of int
        Shape of the input.
    pad, mode
        As they were for `pad`.

    Returns
    -------
    array of shape `input_size`

    Raises
    ------
    ValueError, TypeError
        As `pad`; also where `grad_output` has not the output's shape, or is not of floating-point numbers.

    See Also
    --------
    pad. torch reaches the same numbers through autograd. Chapter 3.

    Examples
    --------
    >>> grad = np.array([[1., 10., 100., 1000.]])
    >>> pad_backward(grad, (1, 2), (1, 1))
    array([[ 10., 100.]])
    >>> pad_backward(grad, (1, 2), (1, 1), mode="replicate")
    array([[  11., 1100.]])
    >>> pad_backward(grad, (1, 2), (1, 1), mode="reflect")  # the neighbours, mirrored
    array([[1010.,  101.]])
    """
    gradient = wide(grad_output)
    for axis, before, after in _by_axis(gradient.ndim, pad):
        if mode == "constant":
            gradient = _pad_constant(gradient, [(axis, -before, -after)], 0)
            continue
        shape = list(gradient.shape)
        shape[axis] = input_size[axis]
        image = np.zeros(shape, gradient.dtype)
        here: Any = (*(slice(None) for _ in range(axis)), source(mode, input_size[axis], before, after))
        np.add.at(image, here, gradient)
        gradient = image
    return gradient.astype(grad_output.dtype, order="C", copy=gradient is grad_output)


def _pad_constant(input: NDArray[Any], amounts: list[tuple[int, int, int]], value: float) -> NDArray[Any]:
    shape = list(input.shape)
    source: list[slice] = [slice(None)] * input.ndim
    target: list[slice] = [slice(None)] * input.ndim
    for axis, before, after in amounts:
        n = input.shape[axis]
        shape[axis] = n + before + after
        source[axis] = slice(max(-before, 0), n - max(-after, 0))
        target[axis] = slice(max(before, 0), shape[axis] - max(after, 0))
    result = np.full(shape, value, dtype=input.dtype)
    result[tuple(target)] = input[tuple(source)]
    return result


def pad_sides(input: NDArray[Any], padding: Sequence[tuple[int, int]]) -> NDArray[Any]:
    """Zeros around the last axes, from (before, after) pairs; the input itself where none are asked."""
    if not any(before or after for before, after in padding):
        return input
    first = input.ndim - len(padding)
    return _pad_constant(input, [(first + i, *sides) for i, sides in enumerate(padding)], 0)


def crop_sides(input: NDArray[Any], padding: Sequence[tuple[int, int]]) -> NDArray[Any]:
    """Take away what `pad_sides` added."""
    return pad_sides(input, [(-before, -after) for before, after in padding])


def sliding_windows(input: Array, kernel_size: Sequence[int], stride: Ints = 1, dilation: Ints = 1) -> Array:
    """Every window of the last axes, as a view: no pixel is copied.

    Parameters
    ----------
    input : array (..., \\*spatial)
        With at least as many axes as `kernel_size` has entries.
    kernel_size : sequence of int
        Taps along each of the last axes.
    stride : int or sequence of int
        Pixels from one window to the next.
    dilation : int or sequence of int
        Pixels from one tap to the next.

    Returns
    -------
    array (..., \\*positions, \\*kernel_size)
        Read-only for NumPy: the windows overlap, so writing to one would write to its neighbours.

    Raises
    ------
    ValueError
        A window does not fit.

    See Also
    --------
    numpy.lib.stride_tricks.sliding_window_view, torch.Tensor.unfold : without dilation. Used in chapter 2.

    Examples
    --------
    >>> sliding_windows(np.array([1, 2, 3, 4, 5]), (3,))
    array([[1, 2, 3],
           [2, 3, 4],
           [3, 4, 5]])
    >>> sliding_windows(np.array([1, 2, 3, 4, 5]), (2,), stride=2, dilation=2)
    array([[1, 3],
           [3, 5]])
    """
    require_array("sliding_windows", "input", input)
    kernel = as_sizes(kernel_size, "kernel_size", "sliding_windows", at_least=1)
    n = len(kernel)
    if input.ndim < n:
        raise ValueError(
            f"sliding_windows: input {tuple(input.shape)} has fewer axes than kernel_size {kernel}"
        )
    strides = as_tuple(stride, n, "stride", function="sliding_windows")
    dilations = as_tuple(dilation, n, "dilation", function="sliding_windows")
    sizes = tuple(input.shape[input.ndim - n :])
    counts = window_counts(sizes, kernel, strides, ((0, 0),) * n, dilations, "sliding_windows")
    if is_tensor(input):
        extents = [effective_kernel_size(k, d) for k, d in zip(kernel, dilations, strict=True)]
        axes = range(input.ndim - n, input.ndim)
        for axis, extent, step in zip(axes, extents, strides, strict=True):
            input = input.unfold(axis, extent, min(step, input.shape[axis]))  # a larger one is no other
        return input[(..., *(slice(None, None, d) for d in dilations))]
    return _view_of_windows(plain(input), kernel, strides, dilations, counts)


def _view_of_windows(
    input: NDArray[Any],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    counts: Sequence[int],
) -> NDArray[Any]:
    """Each step to the next window or the next tap is a step of so many pixels in the same memory."""
    first = input.ndim - len(kernel)
    pixel = input.strides[first:]
    # A step is not taken where there is only one window or one tap, and may be too long for memory.
    steps = [
        size * step if n > 1 else size
        for step, size, n in zip((*strides, *dilations), pixel * 2, (*counts, *kernel), strict=True)
    ]
    shape = (*input.shape[:first], *counts, *kernel)
    return np.lib.stride_tricks.as_strided(input, shape, (*input.strides[:first], *steps), writeable=False)


def im2col(
    input: NDArray[Any], kernel_size: Sequence[int], stride: Ints = 1, dilation: Ints = 1
) -> NDArray[Any]:
    """Copy every window of an image into a column; a view where a reshape does, as for kernels of one pixel.

    Parameters
    ----------
    input : ndarray (N, C, \\*spatial)
        Padded already.
    kernel_size, stride, dilation
        As in `sliding_windows`.

    Returns
    -------
    ndarray (N, C, K, L)
        K taps of the kernel for each of L positions, both in reading order.

    Examples
    --------
    >>> im2col(np.arange(4).reshape(1, 1, 4), (2,))
    array([[[[0, 1, 2],
             [1, 2, 3]]]])
    """
    n = len(kernel_size)
    strides, dilations = as_tuple(stride, n, "stride"), as_tuple(dilation, n, "dilation")
    positions = window_counts(input.shape[2:], kernel_size, strides, ((0, 0),) * n, dilations)
    windows = _view_of_windows(input, kernel_size, strides, dilations, positions)
    windows = windows.transpose(0, 1, *range(2 + n, 2 + 2 * n), *range(2, 2 + n))  # n c *k *positions
    return windows.reshape(*input.shape[:2], math.prod(kernel_size), math.prod(positions))


def col2im(
    columns: NDArray[Any],
    spatial: Sequence[int],
    kernel_size: Sequence[int],
    stride: Ints = 1,
    dilation: Ints = 1,
) -> NDArray[Any]:
    """Add every column back to the pixels that it was copied from: the adjoint of `im2col`.

    A pixel that k windows share receives k contributions, so ``col2im(im2col(x))`` is x times those counts,
    not x.

    Parameters
    ----------
    columns : ndarray (N, C, K, L)
    spatial : sequence of int
        Size of the padded image.

    Returns
    -------
    ndarray (N, C, \\*spatial)

    Examples
    --------
    >>> columns = im2col(np.ones((1, 1, 4)), (2,))
    >>> col2im(columns, (4,), (2,))  # the ends lie in one window, the middle in two
    array([[[1., 2., 2., 1.]]])
    """
    n = len(kernel_size)
    strides, dilations = as_tuple(stride, n, "stride"), as_tuple(dilation, n, "dilation")
    positions = window_counts(spatial, kernel_size, strides, ((0, 0),) * n, dilations)
    image = np.zeros((*columns.shape[:2], *spatial), dtype=columns.dtype)
    taps = columns.reshape(*columns.shape[:2], *kernel_size, *positions)
    for tap in itertools.product(*map(range, kernel_size)):  # a slice for each tap, not for each pixel
        where = [
            slice(t * d, t * d + s * (count - 1) + 1, s)
            for t, d, s, count in zip(tap, dilations, strides, positions, strict=True)
        ]
        here: tuple[Any, ...] = (slice(None), slice(None), *where)
        every: tuple[Any, ...] = (slice(None), slice(None), *tap)
        image[here] += taps[every]
    return image


def _check_unfold(
    input: Array, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> None:
    require_array("unfold", "input", input)
    if input.ndim not in (3, 4):
        raise ValueError(f"unfold: input must be (N, C, H, W) or (C, H, W), got {tuple(input.shape)}")
    kernel, strides, pads, dilations = _two_axes("unfold", kernel_size, stride, padding, dilation)
    if 0 in tuple(input.shape[-3:]):
        raise ValueError(f"unfold: only the batch may be empty, got {tuple(input.shape)}")
    positions = window_counts(
        tuple(input.shape[-2:]), kernel, strides, [(p, p) for p in pads], dilations, "unfold"
    )
    padded = math.prod([size + 2 * p for size, p in zip(input.shape[-2:], pads, strict=True)])
    elements = count(input.shape[:-2]) * (padded + math.prod(kernel) * math.prod(positions))
    refuse_if_too_large("unfold", "the result and its scratch", elements, input.dtype.itemsize)


@dispatch(_check_unfold)
def unfold(input: Array, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> Array:
    """Lay the windows of an image out as columns (im2col).

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W)
    kernel_size, dilation, padding, stride : int or pair of int
        In pixels; the order of these parameters is torch's.

    Returns
    -------
    array (N, C*kh*kw, L) or (C*kh*kw, L)
        One column for each of the L positions; always a copy. NumPy arrays may hold whole numbers, for which
        torch has no unfold and no fold.

    Raises
    ------
    ValueError
        A wrong rank, or a kernel that does not fit.

    See Also
    --------
    fold : the adjoint. torch.nn.functional.unfold : the same function. Chapter 2 computes a convolution with
    it.

    Examples
    --------
    >>> unfold(np.arange(6.0).reshape(1, 2, 3), 2)
    array([[0., 1.],
           [1., 2.],
           [3., 4.],
           [4., 5.]])
    """
    kernel, strides, pads, dilations = _two_axes("unfold", kernel_size, stride, padding, dilation)
    batch = input.reshape(math.prod(input.shape[:-3]), *input.shape[-3:])
    columns = im2col(pad_sides(batch, [(p, p) for p in pads]), kernel, strides, dilations)
    if not columns.flags.writeable:  # still a view of the image
        columns = columns.copy()
    return columns.reshape(*input.shape[:-3], input.shape[-3] * math.prod(kernel), columns.shape[-1])


def _check_fold(
    input: Array,
    output_size: Ints,
    kernel_size: Ints,
    dilation: Ints = 1,
    padding: Ints = 0,
    stride: Ints = 1,
) -> None:
    require_array("fold", "input", input)
    if input.ndim not in (2, 3):
        raise ValueError(f"fold: input must be (N, C*kh*kw, L) or (C*kh*kw, L), got {tuple(input.shape)}")
    kernel, strides, pads, dilations = _two_axes("fold", kernel_size, stride, padding, dilation)
    size = as_tuple(output_size, 2, "output_size", function="fold")
    positions = window_counts(size, kernel, strides, [(p, p) for p in pads], dilations, "fold")
    rows, columns = input.shape[-2:]
    taps = math.prod(kernel)
    if not rows or rows % taps:
        raise ValueError(
            f"fold: input has {rows} rows, not a multiple of the {taps} taps of kernel_size {kernel}"
        )
    if columns != math.prod(positions):
        raise ValueError(
            f"fold: input has {columns} columns but output_size {size} has {math.prod(positions)} positions "
            f"{positions}"
        )
    padded = math.prod([side + 2 * p for side, p in zip(size, pads, strict=True)])
    elements = count(input.shape[:-2]) * rows // taps * padded
    refuse_if_too_large("fold", "the image", elements, input.dtype.itemsize)


@dispatch(_check_fold)
def fold(
    input: Array,
    output_size: Ints,
    kernel_size: Ints,
    dilation: Ints = 1,
    padding: Ints = 0,
    stride: Ints = 1,
) -> Array:
    """Add columns back into an image (col2im): the adjoint of `unfold`, not its inverse.

    Parameters
    ----------
    input : array (N, C*kh*kw, L) or (C*kh*kw, L)
    output_size : int or pair of int
        (H, W) of the image.
    kernel_size, dilation, padding, stride : int or pair of int
        As they were for `unfold`.

    Returns
    -------
    array (N, C, H, W) or (C, H, W)
        Each pixel is the sum of what the windows over it hold; whole numbers wrap around.

    Raises
    ------
    ValueError
        Rows or columns that do not agree with the sizes.

    See Also
    --------
    unfold, torch.nn.functional.fold : the same function.

    Examples
    --------
    >>> fold(np.ones((4, 2)), (2, 3), 2)  # the middle column lies in both windows
    array([[[1., 2., 1.],
            [1., 2., 1.]]])
    """
    kernel, strides, pads, dilations = _two_axes("fold", kernel_size, stride, padding, dilation)
    height, width = as_tuple(output_size, 2, "output_size")
    leading = input.shape[:-2]
    channels = input.shape[-2] // math.prod(kernel)
    columns = input.reshape(math.prod(leading), channels, math.prod(kernel), input.shape[-1])
    padded = col2im(columns, (height + 2 * pads[0], width + 2 * pads[1]), kernel, strides, dilations)
    return crop_sides(padded, [(p, p) for p in pads]).reshape(*leading, channels, height, width)


def _two_axes(
    function: str, kernel_size: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> tuple[tuple[int, ...], ...]:
    return (
        as_tuple(kernel_size, 2, "kernel_size", function=function),
        as_tuple(stride, 2, "stride", function=function),
        as_tuple(padding, 2, "padding", at_least=0, function=function),
        as_tuple(dilation, 2, "dilation", function=function),
    )

"""Pooling: every window of an image becomes one number, channel by channel, without a weight.

A window is a rectangle, so its largest number is the largest of the largest of its rows, and its sum the sum
of the sums of its rows. So all is done along one axis after the other, and along an axis tap by tap: all
windows look at their first pixel, then all at their second, ... (`_taps`). A tap that lies in the padding is
left out, which is why padding never wins a maximum.

    max        the largest pixel, and its place         grad  ->  to that place, or shared among ties
    average    the sum, divided by a count              grad  ->  the same share to every pixel
    Lp         the p-th root of the sum of p-th powers

`max_unpool2d` puts numbers back to the places that a maximum has remembered, and 0 elsewhere.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convlib import _pool_checks as checks
from convlib._dispatch import Array, dispatch, wide
from convlib.shapes import Ints, Layout, pool_layout

Where: TypeAlias = slice | NDArray[np.intp]
Taps: TypeAlias = list[tuple[Where, Where]]  # of each tap: windows in which it meets a pixel, that pixel

CACHE = 2**19  # bytes

# --- one axis after the other, tap by tap -------------------------------------------------------------------


def _taps(size: int, axis: int, layout: Layout) -> Taps:
    """The taps of all windows along one axis, those in the padding left out."""
    k, s, d = layout.kernel[axis], layout.stride[axis], layout.dilation[axis]
    before, windows = layout.padding[axis][0], layout.positions[axis]
    taps: Taps = []
    # of a window much larger than the image most taps meet nothing: do not even visit them
    first_tap, end = max(0, -(((windows - 1) * s - before) // d)), min(k, (size - 1 + before) // d + 1)
    for tap in range(first_tap, end):
        start = tap * d - before  # the pixel that it meets in window 0
        first, last = max(0, -(start // s)), min(windows - 1, (size - 1 - start) // s)
        if first <= last:
            taps.append((slice(first, last + 1), slice(start + first * s, start + last * s + 1, s)))
    return taps


def _all_taps(input_shape: Sequence[int], layout: Layout) -> list[Taps]:
    sizes = input_shape[-len(layout.kernel) :]
    return [_taps(size, axis, layout) for axis, size in enumerate(sizes)]


def _along(axis: int, where: Where) -> tuple[Any, ...]:
    """An index of one axis, counted from the end."""
    return (..., where, *(slice(None) for _ in range(-1 - axis)))


def _resized(array: NDArray[Any], axis: int, size: int) -> tuple[int, ...]:
    shape = list(array.shape)
    shape[axis] = size
    return tuple(shape)


def _reduced(
    combine: np.ufunc, first: Any, input: NDArray[Any], taps: Sequence[Taps], counts: Sequence[int]
) -> NDArray[Any]:
    """Every window's numbers combined, for as many planes at a time as the processor's cache holds.

    Down the columns first: there whole rows lie side by side in memory, and fewer are left for the rest.
    """
    planes = input.reshape(-1, *input.shape[input.ndim - len(taps) :])
    output = np.empty((len(planes), *counts), input.dtype)
    several = max(1, CACHE // max(1, planes[:1].nbytes))
    for start in range(0, len(planes), several):
        some = planes[start : start + several]
        for axis in range(-len(taps), 0):
            some = _combined(combine, first, some, axis, taps[axis], counts[axis])
        output[start : start + several] = some
    return output.reshape(*input.shape[: input.ndim - len(taps)], *counts)


def _combined(
    combine: np.ufunc, first: Any, input: NDArray[Any], axis: int, taps: Taps, count: int
) -> NDArray[Any]:
    """The taps that all windows have come first: the sum of two of them needs nothing to begin with."""
    everywhere = slice(0, count)
    taps = sorted(taps, key=lambda tap: not (isinstance(tap[0], slice) and tap[0] == everywhere))
    common = [tap[1] for tap in taps[:2] if isinstance(tap[0], slice) and tap[0] == everywhere]
    if len(common) == 2:
        total: NDArray[Any] = combine(*(input[_along(axis, pixels)] for pixels in common))
    else:
        common = []
        total = np.full(_resized(input, axis, count), first, input.dtype)
    for windows, pixels in taps[len(common) :]:
        here = _along(axis, windows)
        if isinstance(windows, slice):
            combine(total[here], input[_along(axis, pixels)], out=total[here])
        else:
            total[here] = combine(total[here], input[_along(axis, pixels)])
    return total


def largest(input: NDArray[Any], taps: Sequence[Taps], counts: Sequence[int]) -> NDArray[Any]:
    """The largest number of every window; NaN is larger than all."""
    lowest = -np.inf if input.dtype.kind == "f" else np.iinfo(input.dtype).min
    return _reduced(np.maximum, lowest, input, taps, counts)


def largest_and_place(
    input: NDArray[Any], taps: Sequence[Taps], counts: Sequence[int]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The same, and the place of each number in its plane: the first of equal ones, the last NaN, as in
    torch."""
    spatial = input.shape[-len(taps) :]
    place = np.broadcast_to(np.arange(math.prod(spatial)).reshape(spatial), input.shape)
    for axis in range(-1, -len(taps) - 1, -1):
        best = np.empty(_resized(input, axis, counts[axis]), input.dtype)
        found = np.full(best.shape, -1, np.int64)
        for windows, pixels in taps[axis]:
            here, there = _along(axis, windows), _along(axis, pixels)
            candidate = input[there]
            better = (candidate > best[here]) | (found[here] < 0) | np.isnan(candidate)
            best[here] = np.where(better, candidate, best[here])
            found[here] = np.where(better, place[there], found[here])
        input, place = best, found
    return input, place


def sums(input: NDArray[Any], taps: Sequence[Taps], counts: Sequence[int]) -> NDArray[Any]:
    """The sum of every window."""
    return _reduced(np.add, 0, input, taps, counts)


def spread(grad: NDArray[Any], taps: Sequence[Taps], sizes: Sequence[int]) -> NDArray[Any]:
    """The adjoint of `sums`: every pixel collects what its windows hold."""
    for axis in range(-1, -len(taps) - 1, -1):
        image = np.zeros(_resized(grad, axis, sizes[axis]), grad.dtype)
        for windows, pixels in taps[axis]:
            image[_along(axis, pixels)] += grad[_along(axis, windows)]
        grad = image
    return grad


def send_to(places: NDArray[Any], values: NDArray[Any], spatial: Sequence[int]) -> NDArray[Any]:
    """Planes of zeros, with every value added at its place."""
    n, pixels = len(spatial), math.prod(spatial)
    image = np.zeros((*values.shape[:-n], *spatial), values.dtype)
    np.add.at(image.reshape(-1), _flat(places, n, pixels).ravel(), values.ravel())
    return image


def _flat(places: NDArray[Any], n: int, pixels: int) -> NDArray[Any]:
    """Places in a plane, counted through all planes."""
    leading = places.shape[:-n]
    first = np.arange(math.prod(leading)) * pixels
    flat: NDArray[Any] = first.reshape(*leading, *(1,) * n) + places
    return flat


# --- max ----------------------------------------------------------------------------------------------------


def _max_pool(n: int, input: Array, options: tuple[Any, ...], return_indices: bool) -> Any:
    layout = pool_layout(input.shape[-n:], *options)
    taps = _all_taps(input.shape, layout)
    find: Any = largest_and_place if return_indices else largest
    return find(input, taps, layout.positions)


def _max_backward(n: int, grad: Array, input: Array, options: tuple[Any, ...], ties: str) -> Array:
    layout = pool_layout(input.shape[-n:], *options)
    taps = _all_taps(input.shape, layout)
    if ties == "first":
        _, places = largest_and_place(input, taps, layout.positions)
        return send_to(places, wide(grad), input.shape[-n:]).astype(grad.dtype, copy=False)
    best = largest(input, taps, layout.positions)
    image, count = np.zeros(input.shape, wide(grad).dtype), np.zeros(best.shape, wide(grad).dtype)
    every = [tuple((..., *part) for part in zip(*tap, strict=True)) for tap in itertools.product(*taps)]
    for windows, pixels in every:
        count[windows] += _equal(input[pixels], best[windows])
    share = grad / count
    for windows, pixels in every:
        image[pixels] += np.where(_equal(input[pixels], best[windows]), share[windows], 0)
    return image.astype(grad.dtype, copy=False)


def _equal(a: NDArray[Any], b: NDArray[Any]) -> Any:
    return (a == b) | (np.isnan(a) & np.isnan(b))


@dispatch(checks.max_check(2))
def max_pool2d(
    input: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    r"""The largest number of every window, in each channel by itself.

    .. math:: y_{n,c,i,j} = \max_{u,v} \; x_{n,\, c,\, i s + u d - p,\, j s + v d - p}

    over the taps (u, v) that lie inside the image: padding is never the largest, whatever the image holds.

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W)
    kernel_size : int or pair of int
        Pixels of a window, (vertical, horizontal), counted without the gaps of a dilation.
    stride : int or pair of int, optional
        Pixels from one window to the next; the kernel's size unless given, so that windows tile the image.
    padding : int or pair of int
        Pixels by which windows may reach over each edge, at most half of the kernel's size.
    dilation : int or pair of int
        Pixels from one tap of a window to the next.
    ceil_mode : bool
        Pixels left over at the end get one more window, if it starts inside the image or in the padding
        before it.
    return_indices : bool
        Also say where the largest numbers stood.

    Returns
    -------
    array (N, C, H_out, W_out) or (C, H_out, W_out)
        Of the input's dtype. Sizes as given by `convlib.pool_output_size`. NaN counts as larger than all.
    array of int64, of the same shape
        With `return_indices`: row \* W + column, of equal numbers the first in reading order.

    Raises
    ------
    ValueError
        A wrong rank, no pixels, a window that does not fit or holds no pixel, a stride or dilation below 1, a
        padding above half of the kernel's size, or a result above 2^36 bytes.
    TypeError
        Booleans or complex numbers.

    See Also
    --------
    max_pool2d_backward : the gradient. max_unpool2d : uses the indices.
    torch.nn.functional.max_pool2d : the same function (whole numbers in one dimension only with
    `return_indices`). Chapter 5.

    Examples
    --------
    >>> image = np.array([[[1, 5, 2, 2], [3, 4, 0, 2]]])  # one channel of 2 x 4 pixels
    >>> max_pool2d(image, 2)
    array([[[5, 2]]])
    >>> values, indices = max_pool2d(image, 2, return_indices=True)
    >>> indices  # 5 is pixel 1; of the three 2s the first is pixel 2
    array([[[1, 2]]])
    """
    return _max_pool(2, input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices)


@dispatch(checks.max_check(1))
def max_pool1d(
    input: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number of every window of sequences (N, C, W) or (C, W); otherwise as `max_pool2d`.

    Examples
    --------
    >>> max_pool1d(np.array([[-1, -2, -3]]), 3, stride=2, padding=1)  # padding with 0 would give 0
    array([[-1, -2]])
    """
    return _max_pool(1, input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices)


@dispatch(checks.max_check(3))
def max_pool3d(
    input: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number of every window of volumes (N, C, D, H, W) or (C, D, H, W); else as `max_pool2d`.

    Examples
    --------
    >>> max_pool3d(np.arange(8).reshape(1, 2, 2, 2), 2)
    array([[[[7]]]])
    """
    return _max_pool(3, input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices)


@dispatch(checks.max_backward_check(2))
def max_pool2d_backward(
    grad_output: Array,
    input: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    ties: str = "first",
) -> Array:
    r"""Gradient of `max_pool2d`: every window sends its gradient to its largest pixel.

    .. math:: \frac{\partial L}{\partial x_{n,c,a,b}} = \sum_{(i,j) \,:\, (a,b) \text{ wins in } (i,j)}
        g_{n,c,i,j}

    Where several pixels of a window are equally large, the derivative does not exist, and a rule has to
    choose.

    Parameters
    ----------
    grad_output : array
        Gradient of the loss with respect to the output, of the output's shape.
    input, kernel_size, stride, padding, dilation, ceil_mode
        As they were for `max_pool2d`.
    ties : {"first", "shared"}
        All to the first of the largest, as torch's `max_pool2d` does; or the same share to each of them, as
        torch's `amax` does.

    Returns
    -------
    array of the input's shape
        A pixel that wins in several windows gets the sum; one that wins in none gets 0.

    Raises
    ------
    ValueError, TypeError
        As `max_pool2d`; also for an unknown rule, where `grad_output` has not the output's shape, and for
        numbers that are not floating-point.

    See Also
    --------
    max_pool2d. torch reaches the same numbers through autograd. Chapter 5.

    Examples
    --------
    >>> image, grad = np.array([[[1., 5., 2., 2.]]]), np.array([[[10., 1.]]])
    >>> max_pool2d_backward(grad, image, (1, 2))
    array([[[ 0., 10.,  1.,  0.]]])
    >>> max_pool2d_backward(grad, image, (1, 2), ties="shared")
    array([[[ 0. , 10. ,  0.5,  0.5]]])
    """
    return _max_backward(2, grad_output, input, (kernel_size, stride, padding, dilation, ceil_mode), ties)


@dispatch(checks.max_backward_check(1))
def max_pool1d_backward(
    grad_output: Array,
    input: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    ties: str = "first",
) -> Array:
    """Gradient of `max_pool1d`; see `max_pool2d_backward`.

    Examples
    --------
    >>> max_pool1d_backward(np.array([[1., 10.]]), np.array([[0., 3., 2.]]), 2, stride=1)  # 3 wins twice
    array([[ 0., 11.,  0.]])
    """
    return _max_backward(1, grad_output, input, (kernel_size, stride, padding, dilation, ceil_mode), ties)


@dispatch(checks.max_backward_check(3))
def max_pool3d_backward(
    grad_output: Array,
    input: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    ties: str = "first",
) -> Array:
    """Gradient of `max_pool3d`; see `max_pool2d_backward`.

    Examples
    --------
    >>> volume = np.array([[[[1., 3.], [3., 2.]]]])
    >>> max_pool3d_backward(np.ones((1, 1, 1, 1)), volume, (1, 2, 2), ties="shared")
    array([[[[0. , 0.5],
             [0.5, 0. ]]]])
    """
    return _max_backward(3, grad_output, input, (kernel_size, stride, padding, dilation, ceil_mode), ties)


# --- average ------------------------------------------------------------------------------------------------


def _divisors(sizes: Sequence[int], layout: Layout, include_pad: bool, override: int | None) -> Any:
    """What the sum of each window is divided by: one number, or one for each position."""
    if override is not None:
        return override
    counts = []
    for axis, size in enumerate(sizes):
        p = layout.padding[axis][0]
        first = np.arange(layout.positions[axis]) * layout.stride[axis] - p
        end = np.minimum(first + layout.kernel[axis], size + p)  # what overhangs the padding never counts
        counts.append(end - first if include_pad else np.minimum(end, size) - np.maximum(first, 0))
    return math.prod(np.ix_(*counts))


def _average(
    n: int, input: Array, options: tuple[Any, ...], include_pad: bool, override: int | None
) -> Array:
    kernel, stride, padding, ceil_mode = options
    layout = pool_layout(input.shape[-n:], kernel, stride, padding, 1, ceil_mode)
    total = sums(wide(input), _all_taps(input.shape, layout), layout.positions)
    divisor = _divisors(input.shape[-n:], layout, include_pad, override)
    if total.dtype.kind == "i":
        return (total - np.fmod(total, divisor)) // divisor  # towards 0, as in torch
    total /= np.asarray(divisor, total.dtype)
    return total.astype(input.dtype, copy=False)


def _average_backward(
    n: int, grad: Array, input_size: Sequence[int], options: tuple[Any, ...], include_pad: bool,
    override: int | None,
) -> Array:  # fmt: skip
    kernel, stride, padding, ceil_mode = options
    sizes = tuple(input_size)[-n:]
    layout = pool_layout(sizes, kernel, stride, padding, 1, ceil_mode)
    share = wide(grad) / _divisors(sizes, layout, include_pad, override)
    image = spread(share.astype(wide(grad).dtype, copy=False), _all_taps(sizes, layout), sizes)
    return image.astype(grad.dtype, copy=False)


@dispatch(checks.average_check(2))
def avg_pool2d(
    input: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    r"""The mean of every window, in each channel by itself.

    .. math:: y_{n,c,i,j} = \frac{1}{m} \sum_{u,v} x_{n,\, c,\, i s + u - p,\, j s + v - p}

    where x is 0 outside the image, and m is the number of pixels in the window: with the padding, but without
    what reaches beyond it (`ceil_mode`).

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W)
    kernel_size, stride, padding, ceil_mode
        As for `max_pool2d`.
    count_include_pad : bool
        Count the zeros of the padding in m, which darkens the edges of an image; otherwise m is the number of
        pixels of the image in the window.
    divisor_override : int, optional
        Divide by this number instead; 1 gives sums.

    Returns
    -------
    array (N, C, H_out, W_out) or (C, H_out, W_out)
        Of the input's dtype; half precision is accumulated in single precision, int64 is rounded towards 0.

    Raises
    ------
    ValueError
        As `max_pool2d`; also a divisor of 0.
    TypeError
        Whole numbers other than int64 (as in torch), booleans or complex numbers.

    See Also
    --------
    avg_pool2d_backward : the gradient. torch.nn.functional.avg_pool2d : the same function. Chapter 5.

    Notes
    -----
    Without padding this is a depthwise convolution with the constant kernel 1 / (kh kw).

    Examples
    --------
    >>> avg_pool2d(np.array([[[1., 5., 2., 2.], [3., 3., 0., 4.]]]), 2)  # 12 / 4, 8 / 4
    array([[[3., 2.]]])
    >>> row = np.array([[[3., 3., 3.]]])
    >>> avg_pool2d(row, (1, 3), 1, (0, 1))  # (0 + 3 + 3) / 3 at the ends
    array([[[2., 3., 2.]]])
    >>> avg_pool2d(row, (1, 3), 1, (0, 1), count_include_pad=False)
    array([[[3., 3., 3.]]])
    """
    options = (kernel_size, stride, padding, ceil_mode)
    return _average(2, input, options, count_include_pad, divisor_override)


@dispatch(checks.average_check(1))
def avg_pool1d(
    input: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """The mean of every window of sequences (N, C, W) or (C, W); otherwise as `avg_pool2d`, without
    `divisor_override`, as in torch.

    Examples
    --------
    >>> avg_pool1d(np.array([[1., 3., 5., 7., 9.]]), 2, ceil_mode=True)  # the last window holds the 9 alone
    array([[2., 6., 9.]])
    """
    return _average(1, input, (kernel_size, stride, padding, ceil_mode), count_include_pad, None)


@dispatch(checks.average_check(3))
def avg_pool3d(
    input: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """The mean of every window of volumes (N, C, D, H, W) or (C, D, H, W); otherwise as `avg_pool2d`.

    Examples
    --------
    >>> avg_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), 2)  # (0 + 1 + ... + 7) / 8
    array([[[[3.5]]]])
    """
    options = (kernel_size, stride, padding, ceil_mode)
    return _average(3, input, options, count_include_pad, divisor_override)


@dispatch(checks.average_backward_check(2))
def avg_pool2d_backward(
    grad_output: Array,
    input_size: Sequence[int],
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    r"""Gradient of `avg_pool2d`: every window sends the same share to each of its pixels.

    .. math:: \frac{\partial L}{\partial x_{n,c,a,b}} = \sum_{u,v,i,j} \frac{g_{n,c,i,j}}{m_{i,j}}
        \quad\text{over } a = i s + u - p,\; b = j s + v - p

    Parameters
    ----------
    grad_output : array
        Gradient of the loss with respect to the output, of the output's shape.
    input_size : sequence of int
        Shape of the input, (N, C, H, W) or (C, H, W).
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As they were for `avg_pool2d`.

    Returns
    -------
    array of shape `input_size`

    Raises
    ------
    ValueError, TypeError
        As `avg_pool2d`; also where `grad_output` has not the output's shape, and for numbers that are not
        floating-point.

    See Also
    --------
    avg_pool2d. torch reaches the same numbers through autograd. Chapter 5.

    Examples
    --------
    >>> avg_pool2d_backward(np.array([[[8., 4.]]]), (1, 2, 4), 2)  # 8 / 4 and 4 / 4
    array([[[2., 2., 1., 1.],
            [2., 2., 1., 1.]]])
    """
    options = (kernel_size, stride, padding, ceil_mode)
    return _average_backward(2, grad_output, input_size, options, count_include_pad, divisor_override)


@dispatch(checks.average_backward_check(1))
def avg_pool1d_backward(
    grad_output: Array,
    input_size: Sequence[int],
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Gradient of `avg_pool1d`; see `avg_pool2d_backward`.

    Examples
    --------
    >>> avg_pool1d_backward(np.array([[2., 20.]]), (1, 3), 2, stride=1)  # the middle lies in both windows
    array([[ 1., 11., 10.]])
    """
    options = (kernel_size, stride, padding, ceil_mode)
    return _average_backward(1, grad_output, input_size, options, count_include_pad, None)


@dispatch(checks.average_backward_check(3))
def avg_pool3d_backward(
    grad_output: Array,
    input_size: Sequence[int],
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """Gradient of `avg_pool3d`; see `avg_pool2d_backward`.

    Examples
    --------
    >>> avg_pool3d_backward(np.array([[[[8.]]]]), (1, 1, 2, 2), (1, 2, 2))
    array([[[[2., 2.],
             [2., 2.]]]])
    """
    options = (kernel_size, stride, padding, ceil_mode)
    return _average_backward(3, grad_output, input_size, options, count_include_pad, divisor_override)


# --- Lp -----------------------------------------------------------------------------------------------------


def _norm(n: int, input: Array, p: float, kernel_size: Ints, stride: Ints | None, ceil_mode: bool) -> Array:
    if abs(p) == math.inf:  # the limits: the largest, and the smallest, absolute value
        sign = int(math.copysign(1, p))
        pooled = _max_pool(n, sign * np.abs(input), (kernel_size, stride, 0, 1, ceil_mode), False)
        return (sign * pooled).astype(input.dtype, copy=False)
    norm = _powers(n, input, p, kernel_size, stride, ceil_mode) ** (1 / p)
    return norm.astype(input.dtype, copy=False)


def _powers(n: int, input: Array, p: float, kernel_size: Ints, stride: Ints | None, ceil_mode: bool) -> Array:
    """The sum of p-th powers: as torch takes it, their mean times the size of a whole window."""
    mean = _average(n, wide(input) ** p, (kernel_size, stride, 0, ceil_mode), True, None)
    return mean * math.prod(pool_layout(input.shape[-n:], kernel_size, stride, 0, 1, ceil_mode).kernel)


def _norm_backward(
    n: int, grad: Array, input: Array, p: float, kernel_size: Ints, stride: Ints | None, ceil_mode: bool
) -> Array:
    if abs(p) == math.inf:
        sign = int(math.copysign(1, p))
        largest_options = (kernel_size, stride, 0, 1, ceil_mode)
        direction = np.where(np.isnan(input), input.dtype.type(0), np.sign(input))  # as torch's sign of NaN
        image = _max_backward(n, grad, sign * np.abs(input), largest_options, "first") * direction
        return image.astype(grad.dtype, order="C", copy=False)
    powers = _powers(n, input, p, kernel_size, stride, ceil_mode)
    taps = math.prod(pool_layout(input.shape[-n:], kernel_size, stride, 0, 1, ceil_mode).kernel)
    outer = np.where(powers == 0, 0, wide(grad) * powers ** (1 / p - 1) * taps)
    options = (kernel_size, stride, 0, ceil_mode)
    image = _average_backward(n, outer.astype(powers.dtype, copy=False), input.shape, options, True, None)
    return (image * wide(input) ** (p - 1)).astype(grad.dtype, order="C", copy=False)


@dispatch(checks.norm_check(2))
def lp_pool2d(
    input: Array,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    r"""The p-norm of every window, in each channel by itself.

    .. math:: y_{n,c,i,j} = \Big( \sum_{u,v} x_{n,\, c,\, i s + u,\, j s + v}^{\,p} \Big)^{1/p}

    p = 1 gives sums, p = 2 lengths; the larger p, the closer to the maximum of the absolute values, which is
    p = infinity. For other p the powers are those of x itself and not of its absolute value, so an odd p of
    a negative sum gives NaN, as in torch.

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W)
    norm_type : float
        p, not 0.
    kernel_size, stride, ceil_mode
        As for `max_pool2d`. The sum of a last window that overhangs the image is scaled up to a whole window,
        as in torch.

    Returns
    -------
    array (N, C, H_out, W_out) or (C, H_out, W_out)
        Of the input's dtype; half precision is accumulated in single precision.

    Raises
    ------
    ValueError
        As `max_pool2d`; also p = 0.
    TypeError
        Numbers that are not floating-point (torch makes some whole numbers float32 on the way).

    See Also
    --------
    lp_pool2d_backward : the gradient. torch.nn.functional.lp_pool2d : the same function. Chapter 5.

    Examples
    --------
    >>> lp_pool2d(np.array([[[3., 4., 0., 2.]]]), 2, (1, 2))  # the roots of 9 + 16 and of 4
    array([[[5., 2.]]])
    """
    return _norm(2, input, float(norm_type), kernel_size, stride, ceil_mode)


@dispatch(checks.norm_check(1))
def lp_pool1d(
    input: Array,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    """The p-norm of every window of sequences (N, C, W) or (C, W); otherwise as `lp_pool2d`.

    Examples
    --------
    >>> lp_pool1d(np.array([[1., 2., 3.]]), 1, 2, stride=1)  # 1 + 2, 2 + 3
    array([[3., 5.]])
    """
    return _norm(1, input, float(norm_type), kernel_size, stride, ceil_mode)


@dispatch(checks.norm_check(3))
def lp_pool3d(
    input: Array,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    """The p-norm of every window of volumes (N, C, D, H, W) or (C, D, H, W); otherwise as `lp_pool2d`.

    Examples
    --------
    >>> lp_pool3d(np.ones((1, 2, 2, 4)), 2, (2, 2, 4))  # the root of 16
    array([[[[4.]]]])
    """
    return _norm(3, input, float(norm_type), kernel_size, stride, ceil_mode)


@dispatch(checks.norm_backward_check(2))
def lp_pool2d_backward(
    grad_output: Array,
    input: Array,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    r"""Gradient of `lp_pool2d`: every pixel gets its part of the norm.

    .. math:: \frac{\partial L}{\partial x_{n,c,a,b}} = \sum_{i,j} g_{n,c,i,j} \;
        \Big(\frac{x_{n,c,a,b}}{y_{n,c,i,j}}\Big)^{p-1} \quad\text{over the windows that hold } (a, b)

    Parameters
    ----------
    grad_output : array
        Gradient of the loss with respect to the output, of the output's shape.
    input, norm_type, kernel_size, stride, ceil_mode
        As they were for `lp_pool2d`.

    Returns
    -------
    array of the input's shape
        A window whose sum of powers is 0 sends nothing, as in torch. For p = infinity all goes to the first
        of the largest absolute values, with its sign.

    Raises
    ------
    ValueError, TypeError
        As `lp_pool2d`; also where `grad_output` has not the output's shape.

    See Also
    --------
    lp_pool2d. torch reaches the same numbers through autograd. Chapter 5.

    Examples
    --------
    >>> lp_pool2d_backward(np.array([[[10.]]]), np.array([[[3., 4.]]]), 2, (1, 2))  # 10 * 3 / 5, 10 * 4 / 5
    array([[[6., 8.]]])
    """
    return _norm_backward(2, grad_output, input, float(norm_type), kernel_size, stride, ceil_mode)


@dispatch(checks.norm_backward_check(1))
def lp_pool1d_backward(
    grad_output: Array,
    input: Array,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    """Gradient of `lp_pool1d`; see `lp_pool2d_backward`.

    Examples
    --------
    >>> lp_pool1d_backward(np.array([[1., 10.]]), np.array([[1., 2., 3.]]), 1, 2, stride=1)
    array([[ 1., 11., 10.]])
    """
    return _norm_backward(1, grad_output, input, float(norm_type), kernel_size, stride, ceil_mode)


@dispatch(checks.norm_backward_check(3))
def lp_pool3d_backward(
    grad_output: Array,
    input: Array,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    """Gradient of `lp_pool3d`; see `lp_pool2d_backward`.

    Examples
    --------
    >>> lp_pool3d_backward(np.array([[[[10.]]]]), np.array([[[[3., 4.]]]]), 2, (1, 1, 2))
    array([[[[6., 8.]]]])
    """
    return _norm_backward(3, grad_output, input, float(norm_type), kernel_size, stride, ceil_mode)


# --- the way back of a maximum ------------------------------------------------------------------------------


def _unpool(n: int, input: Array, indices: Array, options: tuple[Any, ...]) -> Array:
    size = checks.unpool_size(input.shape[-n:], *options)
    output = np.zeros((*input.shape[:-n], *size), input.dtype)
    output.reshape(-1)[_flat(indices, n, math.prod(size)).ravel()] = input.ravel()
    return output


def _unpool_backward(n: int, grad: Array, indices: Array) -> Array:
    return grad.reshape(-1)[_flat(indices, n, math.prod(grad.shape[-n:]))]


@dispatch(checks.unpool_check(2), by_values=True)
def max_unpool2d(
    input: Array,
    indices: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """Put numbers back to the places that `max_pool2d` has remembered, and 0 everywhere else.

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W)
    indices : array of int64, of the same shape
        Of each number its place in its plane of the output, row * width + column, as `max_pool2d` returns
        them. Where a place comes twice with different numbers, which of them stays is not defined.
    kernel_size, stride, padding
        As they were for `max_pool2d`: they give the output's size, (H - 1) s + k - 2 p.
    output_size : sequence of int, optional
        Size of the output, less than a stride away from that; several sizes are pooled to one.

    Returns
    -------
    array (N, C, H_out, W_out) or (C, H_out, W_out)

    Raises
    ------
    ValueError
        A wrong rank, indices of another shape or outside the output, or an impossible output size.
    TypeError
        Numbers that are not floating-point, as in torch, or indices that are not int64.

    See Also
    --------
    max_pool2d, torch.nn.functional.max_unpool2d : the same function. Chapters 5 and 7.

    Examples
    --------
    >>> pooled, indices = max_pool2d(np.array([[[1., 5., 2., 2.]]]), (1, 2), return_indices=True)
    >>> max_unpool2d(pooled, indices, (1, 2))
    array([[[0., 5., 2., 0.]]])
    """
    return _unpool(2, input, indices, (kernel_size, stride, padding, output_size))


@dispatch(checks.unpool_check(1), by_values=True)
def max_unpool1d(
    input: Array,
    indices: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """Sequences (N, C, W) or (C, W) put back where `max_pool1d` found them; otherwise as `max_unpool2d`.

    Examples
    --------
    >>> max_unpool1d(np.array([[7., 9.]]), np.array([[1, 4]]), 2, output_size=(5,))
    array([[0., 7., 0., 0., 9.]])
    """
    return _unpool(1, input, indices, (kernel_size, stride, padding, output_size))


@dispatch(checks.unpool_check(3), by_values=True)
def max_unpool3d(
    input: Array,
    indices: Array,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """Volumes (N, C, D, H, W) or (C, D, H, W) put back where `max_pool3d` found them; otherwise as
    `max_unpool2d`.

    Examples
    --------
    >>> max_unpool3d(np.array([[[[7.]]]]), np.array([[[[2]]]]), (1, 2, 2))
    array([[[[0., 0.],
             [7., 0.]]]])
    """
    return _unpool(3, input, indices, (kernel_size, stride, padding, output_size))


@dispatch(checks.unpool_backward_check(2), by_values=True)
def max_unpool2d_backward(grad_output: Array, indices: Array) -> Array:
    """Gradient of `max_unpool2d`: every number gets the gradient of the place that it was put to.

    Parameters
    ----------
    grad_output : array (N, C, H_out, W_out) or (C, H_out, W_out)
        Gradient of the loss with respect to the output.
    indices : array of int64
        As they were for `max_unpool2d`.

    Returns
    -------
    array of the shape of `indices`

    Raises
    ------
    ValueError
        Shapes that do not fit each other, or indices outside the output.
    TypeError
        Numbers that are not floating-point, or indices that are not int64.

    See Also
    --------
    max_unpool2d. torch reaches the same numbers through autograd. Chapter 5.

    Examples
    --------
    >>> max_unpool2d_backward(np.array([[[1., 10., 100., 1000.]]]), np.array([[[1, 2]]]))
    array([[[ 10., 100.]]])
    """
    return _unpool_backward(2, grad_output, indices)


@dispatch(checks.unpool_backward_check(1), by_values=True)
def max_unpool1d_backward(grad_output: Array, indices: Array) -> Array:
    """Gradient of `max_unpool1d`; see `max_unpool2d_backward`.

    Examples
    --------
    >>> max_unpool1d_backward(np.array([[1., 10., 100.]]), np.array([[2]]))
    array([[100.]])
    """
    return _unpool_backward(1, grad_output, indices)


@dispatch(checks.unpool_backward_check(3), by_values=True)
def max_unpool3d_backward(grad_output: Array, indices: Array) -> Array:
    """Gradient of `max_unpool3d`; see `max_unpool2d_backward`.

    Examples
    --------
    >>> max_unpool3d_backward(np.array([[[[1., 10.], [100., 1000.]]]]), np.array([[[[2]]]]))
    array([[[[100.]]]])
    """
    return _unpool_backward(3, grad_output, indices)

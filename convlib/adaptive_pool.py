"""Adaptive pooling: the number of windows is given, and their sizes follow.

An axis of n pixels is cut into m bins. Bin i begins with the pixel that holds the place i n / m, and ends
with the last one before (i + 1) n / m:

    first  =  floor(i n / m)        end  =  ceil((i + 1) n / m)

So neighbours share a pixel wherever n is no multiple of m, and no image is too large or too small. One bin is
the whole image: that is *global* pooling. The mean over bins is what `interpolate` calls area.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from convlib import _pool_checks as checks
from convlib._dispatch import Array, dispatch, wide
from convlib.pool import Taps, largest, largest_and_place, send_to
from convlib.resize import apply_taps, apply_taps_transposed, area_taps
from convlib.shapes import bin_counts

BinSize = Any  # an integer, or one for each axis; of images and volumes also None


def _average(n: int, input: Array, output_size: BinSize) -> Array:
    output = wide(input)
    counts = bin_counts(input.shape[-n:], output_size)
    for axis in range(-1, -n - 1, -1):
        output = apply_taps(area_taps(input.shape[axis], counts[axis]), output, axis)
    return output.astype(input.dtype, order="C")


def _average_backward(n: int, grad: Array, input_size: Sequence[int], output_size: BinSize) -> Array:
    sizes = tuple(input_size)[-n:]
    image = wide(grad)
    for axis, bins in zip(range(-n, 0), bin_counts(sizes, output_size), strict=True):
        image = apply_taps_transposed(area_taps(sizes[axis], bins), image, sizes[axis], axis)
    return image.astype(grad.dtype, order="C")


def _bin_taps(size: int, bins: int) -> Taps:
    pixel, _ = area_taps(size, bins)
    rows = [np.flatnonzero(column >= 0) for column in pixel.T]
    return [(here, column[here]) for here, column in zip(rows, pixel.T, strict=True)]


def _max(n: int, input: Array, output_size: BinSize, return_indices: bool) -> Any:
    counts = bin_counts(input.shape[-n:], output_size)
    taps = [_bin_taps(size, bins) for size, bins in zip(input.shape[-n:], counts, strict=True)]
    return (largest_and_place if return_indices else largest)(input, taps, counts)


def _max_backward(n: int, grad: Array, input: Array, output_size: BinSize) -> Array:
    _, places = _max(n, input, output_size, return_indices=True)
    return send_to(places, wide(grad), input.shape[-n:]).astype(grad.dtype, copy=False)


# --- the mean of every bin ----------------------------------------------------------------------------------


@dispatch(checks.adaptive_average_check(2))
def adaptive_avg_pool2d(input: Array, output_size: BinSize) -> Array:
    r"""The mean of every bin, in each channel by itself, for as many bins as are asked for.

    .. math:: y_{n,c,i,j} = \frac{1}{|A_i| \, |B_j|} \sum_{a \in A_i,\, b \in B_j} x_{n,c,a,b},
        \qquad A_i = \lfloor i H / H_{out} \rfloor, \dots, \lceil (i + 1) H / H_{out} \rceil - 1

    and likewise for the columns B.

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W)
    output_size : int or pair of (int or None)
        Bins, (vertical, horizontal); None leaves an axis as it is.

    Returns
    -------
    array (N, C, H_out, W_out) or (C, H_out, W_out)
        Of the input's dtype; half precision is accumulated in single precision.

    Raises
    ------
    ValueError
        A wrong rank, no pixels, a negative number of bins, or a result above 2^36 bytes.
    TypeError
        Numbers that are not floating-point, as in torch.

    See Also
    --------
    adaptive_avg_pool2d_backward : the gradient. global_avg_pool2d : one bin.
    torch.nn.functional.adaptive_avg_pool2d : the same function. Chapter 5.

    Examples
    --------
    >>> adaptive_avg_pool2d(np.array([[[0., 1., 2., 3., 4.]]]), (1, 3))  # pixels 0-1, 1-3 and 3-4
    array([[[0.5, 2. , 3.5]]])
    """
    return _average(2, input, output_size)


@dispatch(checks.adaptive_average_check(1))
def adaptive_avg_pool1d(input: Array, output_size: BinSize) -> Array:
    """The mean of every bin of sequences (N, C, W) or (C, W); otherwise as `adaptive_avg_pool2d`.

    Examples
    --------
    >>> adaptive_avg_pool1d(np.array([[1., 3., 5., 7.]]), 2)
    array([[2., 6.]])
    """
    return _average(1, input, output_size)


@dispatch(checks.adaptive_average_check(3))
def adaptive_avg_pool3d(input: Array, output_size: BinSize) -> Array:
    """The mean of every bin of volumes (N, C, D, H, W) or (C, D, H, W); otherwise as `adaptive_avg_pool2d`.

    Examples
    --------
    >>> adaptive_avg_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), (2, 1, 1))  # (0 + 1 + 2 + 3) / 4, ...
    array([[[[1.5]],
    <BLANKLINE>
            [[5.5]]]])
    """
    return _average(3, input, output_size)


@dispatch(checks.adaptive_average_backward_check(2))
def adaptive_avg_pool2d_backward(
    grad_output: Array, input_size: Sequence[int], output_size: BinSize
) -> Array:
    r"""Gradient of `adaptive_avg_pool2d`: every bin sends the same share to each of its pixels.

    .. math:: \frac{\partial L}{\partial x_{n,c,a,b}} = \sum_{i \,:\, a \in A_i} \; \sum_{j \,:\, b \in B_j}
        \frac{g_{n,c,i,j}}{|A_i| \, |B_j|}

    Parameters
    ----------
    grad_output : array
        Gradient of the loss with respect to the output, of the output's shape.
    input_size : sequence of int
        Shape of the input, (N, C, H, W) or (C, H, W).
    output_size
        As it was for `adaptive_avg_pool2d`.

    Returns
    -------
    array of shape `input_size`

    Raises
    ------
    ValueError, TypeError
        As `adaptive_avg_pool2d`; also where `grad_output` has not the output's shape.

    See Also
    --------
    adaptive_avg_pool2d. torch reaches the same numbers through autograd. Chapter 5.

    Examples
    --------
    >>> adaptive_avg_pool2d_backward(np.array([[[2., 30.]]]), (1, 1, 3), (1, 2))  # the middle lies in both
    array([[[ 1., 16., 15.]]])
    """
    return _average_backward(2, grad_output, input_size, output_size)


@dispatch(checks.adaptive_average_backward_check(1))
def adaptive_avg_pool1d_backward(
    grad_output: Array, input_size: Sequence[int], output_size: BinSize
) -> Array:
    """Gradient of `adaptive_avg_pool1d`; see `adaptive_avg_pool2d_backward`.

    Examples
    --------
    >>> adaptive_avg_pool1d_backward(np.array([[2., 4.]]), (1, 4), 2)
    array([[1., 1., 2., 2.]])
    """
    return _average_backward(1, grad_output, input_size, output_size)


@dispatch(checks.adaptive_average_backward_check(3))
def adaptive_avg_pool3d_backward(
    grad_output: Array, input_size: Sequence[int], output_size: BinSize
) -> Array:
    """Gradient of `adaptive_avg_pool3d`; see `adaptive_avg_pool2d_backward`.

    Examples
    --------
    >>> adaptive_avg_pool3d_backward(np.array([[[[8.]]]]), (1, 1, 2, 2), 1)
    array([[[[2., 2.],
             [2., 2.]]]])
    """
    return _average_backward(3, grad_output, input_size, output_size)


# --- the largest number of every bin ------------------------------------------------------------------------


@dispatch(checks.adaptive_max_check(2))
def adaptive_max_pool2d(input: Array, output_size: BinSize, return_indices: bool = False) -> Any:
    r"""The largest number of every bin, in each channel by itself, for as many bins as are asked for.

    .. math:: y_{n,c,i,j} = \max_{a \in A_i,\, b \in B_j} x_{n,c,a,b}

    with the bins of `adaptive_avg_pool2d`.

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W)
    output_size : int or pair of (int or None)
        Bins, (vertical, horizontal); None leaves an axis as it is.
    return_indices : bool
        Also say where the largest numbers stood.

    Returns
    -------
    array (N, C, H_out, W_out) or (C, H_out, W_out)
        Of the input's dtype.
    array of int64, of the same shape
        With `return_indices`: row \* W + column, of equal numbers the first in reading order.

    Raises
    ------
    ValueError
        A wrong rank, no pixels, a negative number of bins, or a result above 2^36 bytes.
    TypeError
        Numbers that are not floating-point, as in torch.

    See Also
    --------
    adaptive_max_pool2d_backward : the gradient. global_max_pool2d : one bin.
    torch.nn.functional.adaptive_max_pool2d : the same function. Chapter 5.

    Examples
    --------
    >>> values, indices = adaptive_max_pool2d(np.array([[[0., 9., 2., 7., 4.]]]), (1, 3), return_indices=True)
    >>> values, indices  # pixels 0-1, 1-3 and 3-4
    (array([[[9., 9., 7.]]]), array([[[1, 1, 3]]]))
    """
    return _max(2, input, output_size, return_indices)


@dispatch(checks.adaptive_max_check(1))
def adaptive_max_pool1d(input: Array, output_size: BinSize, return_indices: bool = False) -> Any:
    """The largest number of every bin of sequences (N, C, W) or (C, W); otherwise as `adaptive_max_pool2d`.

    Examples
    --------
    >>> adaptive_max_pool1d(np.array([[1., 3., 7., 5.]]), 2)
    array([[3., 7.]])
    """
    return _max(1, input, output_size, return_indices)


@dispatch(checks.adaptive_max_check(3))
def adaptive_max_pool3d(input: Array, output_size: BinSize, return_indices: bool = False) -> Any:
    """The largest number of every bin of volumes (N, C, D, H, W) or (C, D, H, W); otherwise as
    `adaptive_max_pool2d`.

    Examples
    --------
    >>> adaptive_max_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), (2, 1, 1))
    array([[[[3.]],
    <BLANKLINE>
            [[7.]]]])
    """
    return _max(3, input, output_size, return_indices)


@dispatch(checks.adaptive_max_backward_check(2))
def adaptive_max_pool2d_backward(grad_output: Array, input: Array, output_size: BinSize) -> Array:
    r"""Gradient of `adaptive_max_pool2d`: every bin sends its gradient to its largest pixel, of equal ones to
    the first.

    .. math:: \frac{\partial L}{\partial x_{n,c,a,b}} = \sum_{(i,j) \,:\, (a,b) \text{ wins in } (i,j)}
        g_{n,c,i,j}

    Parameters
    ----------
    grad_output : array
        Gradient of the loss with respect to the output, of the output's shape.
    input, output_size
        As they were for `adaptive_max_pool2d`.

    Returns
    -------
    array of the input's shape

    Raises
    ------
    ValueError, TypeError
        As `adaptive_max_pool2d`; also where `grad_output` has not the output's shape.

    See Also
    --------
    adaptive_max_pool2d, max_pool2d_backward. torch reaches the same numbers through autograd. Chapter 5.

    Examples
    --------
    >>> image = np.array([[[0., 9., 2., 7., 4.]]])
    >>> adaptive_max_pool2d_backward(np.array([[[1., 10., 100.]]]), image, (1, 3))  # 9 wins twice
    array([[[  0.,  11.,   0., 100.,   0.]]])
    """
    return _max_backward(2, grad_output, input, output_size)


@dispatch(checks.adaptive_max_backward_check(1))
def adaptive_max_pool1d_backward(grad_output: Array, input: Array, output_size: BinSize) -> Array:
    """Gradient of `adaptive_max_pool1d`; see `adaptive_max_pool2d_backward`.

    Examples
    --------
    >>> adaptive_max_pool1d_backward(np.array([[1., 10.]]), np.array([[1., 3., 7., 5.]]), 2)
    array([[ 0.,  1., 10.,  0.]])
    """
    return _max_backward(1, grad_output, input, output_size)


@dispatch(checks.adaptive_max_backward_check(3))
def adaptive_max_pool3d_backward(grad_output: Array, input: Array, output_size: BinSize) -> Array:
    """Gradient of `adaptive_max_pool3d`; see `adaptive_max_pool2d_backward`.

    Examples
    --------
    >>> adaptive_max_pool3d_backward(np.array([[[[5.]]]]), np.array([[[[1., 2.], [4., 3.]]]]), 1)
    array([[[[0., 0.],
             [5., 0.]]]])
    """
    return _max_backward(3, grad_output, input, output_size)


# --- one bin ------------------------------------------------------------------------------------------------


def _whole(n: int, reduce: Any, input: Array) -> Array:
    output = reduce(wide(input), axis=tuple(range(-n, 0)), keepdims=True)
    return output.astype(input.dtype, order="C", copy=False)


def _mean(input: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    pixels = math.prod(input.shape[-len(axis) :])
    if pixels >= 1024:
        return np.mean(input, axis=axis, keepdims=keepdims)
    # NumPy adds up short rows one by one, a matrix product all at once.
    sums = input.reshape(-1, pixels) @ np.ones(pixels, input.dtype)
    return (sums / pixels).reshape(*input.shape[: -len(axis)], *(1,) * len(axis))


@dispatch(checks.global_check(2, "global_avg_pool2d"))
def global_avg_pool2d(input: Array) -> Array:
    r"""The mean of every feature map.

    .. math:: y_{n,c,0,0} = \frac{1}{H W} \sum_{a,b} x_{n,c,a,b}

    What comes out has the same shape for images of every size; so a classifier behind it needs no fixed one.
    Its gradient is that of one bin, ``adaptive_avg_pool2d_backward(grad_output, input.shape, 1)``.

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W)

    Returns
    -------
    array (N, C, 1, 1) or (C, 1, 1)

    Raises
    ------
    ValueError
        A wrong rank, or no pixels.
    TypeError
        Numbers that are not floating-point.

    See Also
    --------
    adaptive_avg_pool2d : with the output size 1 the same function. Chapter 5; Lin, Chen and Yan (2014).

    Examples
    --------
    >>> global_avg_pool2d(np.array([[[1., 2.], [3., 6.]]]))  # (1 + 2 + 3 + 6) / 4
    array([[[3.]]])
    """
    return _whole(2, _mean, input)


@dispatch(checks.global_check(1, "global_avg_pool1d"))
def global_avg_pool1d(input: Array) -> Array:
    """The mean of every sequence (N, C, W) or (C, W); otherwise as `global_avg_pool2d`.

    Examples
    --------
    >>> global_avg_pool1d(np.array([[1., 2., 6.]]))
    array([[3.]])
    """
    return _whole(1, _mean, input)


@dispatch(checks.global_check(3, "global_avg_pool3d"))
def global_avg_pool3d(input: Array) -> Array:
    """The mean of every volume (N, C, D, H, W) or (C, D, H, W); otherwise as `global_avg_pool2d`.

    Examples
    --------
    >>> global_avg_pool3d(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[[[3.5]]]])
    """
    return _whole(3, _mean, input)


@dispatch(checks.global_check(2, "global_max_pool2d"))
def global_max_pool2d(input: Array) -> Array:
    r"""The largest number of every feature map: is the feature anywhere?

    .. math:: y_{n,c,0,0} = \max_{a,b} x_{n,c,a,b}

    Its gradient is that of one bin, ``adaptive_max_pool2d_backward(grad_output, input, 1)``.

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W)

    Returns
    -------
    array (N, C, 1, 1) or (C, 1, 1)

    Raises
    ------
    ValueError
        A wrong rank, or no pixels.
    TypeError
        Numbers that are not floating-point.

    See Also
    --------
    adaptive_max_pool2d : with the output size 1 the same function. Chapter 5.

    Examples
    --------
    >>> global_max_pool2d(np.array([[[1., 2.], [3., 6.]]]))
    array([[[6.]]])
    """
    return _whole(2, np.max, input)


@dispatch(checks.global_check(1, "global_max_pool1d"))
def global_max_pool1d(input: Array) -> Array:
    """The largest number of every sequence (N, C, W) or (C, W); otherwise as `global_max_pool2d`.

    Examples
    --------
    >>> global_max_pool1d(np.array([[1., 2., 6.]]))
    array([[6.]])
    """
    return _whole(1, np.max, input)


@dispatch(checks.global_check(3, "global_max_pool3d"))
def global_max_pool3d(input: Array) -> Array:
    """The largest number of every volume (N, C, D, H, W) or (C, D, H, W); otherwise as `global_max_pool2d`.

    Examples
    --------
    >>> global_max_pool3d(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[[[7.]]]])
    """
    return _whole(3, np.max, input)

"""Weights to start a decoder with, so that it enlarges an image evenly before it has learned anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convlib._dispatch import Array, dispatch, require_array
from convlib.shapes import Ints, as_integer, as_tuple, count, refuse_if_too_large


def bilinear_kernel(stride: Ints) -> NDArray[np.float64]:
    r"""The kernel with which a transposed convolution of this stride enlarges by bilinear interpolation.

    A tent in either direction: it falls from the middle m to zero over one stride,

    .. math:: w_{u, v} = t_u\, t_v, \qquad t_u = 1 - \frac{|u - m|}{s}, \qquad k = 2 s - (s \bmod 2),
              \qquad m = \frac{k - 1}{2}

    Used for each channel by itself (``groups`` = channels), with this stride and ``padding = s // 2``, it
    makes the image exactly s times larger. Inside, the result is that of `interpolate` with mode "bilinear";
    along the border it is darker, since interpolation repeats the border and this adds nothing there.

    Parameters
    ----------
    stride : int or tuple of two int
        s, the factor, for rows and columns.

    Returns
    -------
    array (k, k) of float64

    Raises
    ------
    ValueError
        A stride below 1, or a kernel above 2^36 bytes.
    TypeError
        A stride that is not an integer.

    See Also
    --------
    interpolate : without weights. conv_transpose2d : what the kernel is for. Chapter 8; Long, Shelhamer and
    Darrell (2015), who start their decoder with it.

    Examples
    --------
    >>> 4 * bilinear_kernel((1, 2))  # 1/4, 3/4, 3/4 and 1/4
    array([[1., 3., 3., 1.]])
    >>> 3 * bilinear_kernel((1, 3))
    array([[1., 2., 3., 2., 1.]])
    """
    name = "bilinear_kernel"
    strides = as_tuple(stride, 2, "stride", function=name)
    sizes = [2 * s - s % 2 for s in strides]
    refuse_if_too_large(name, "the kernel", sizes[0] * sizes[1], 8)
    rows, columns = (1 - np.abs(np.arange(k) - (k - 1) / 2) / s for s, k in zip(strides, sizes, strict=True))
    return np.outer(rows, columns)


def _check_icnr(weight: Array, upscale_factor: int) -> None:
    name = "icnr"
    require_array(name, "weight", weight)
    if weight.ndim < 1:
        raise ValueError(f"{name}: weight must have at least 1 axis, got ()")
    r = as_integer(upscale_factor, "upscale_factor", name)
    out_channels, *rest = weight.shape
    refuse_if_too_large(name, "the result", count((out_channels * r * r, *rest)), weight.dtype.itemsize)


@dispatch(_check_icnr)
def icnr(weight: Array, upscale_factor: int) -> Array:
    r"""Start weights for a convolution before `pixel_shuffle`: each filter r * r times, one beside the other.

    .. math:: W_{o r^2 + a} = w_o \quad\text{for}\quad a = 0, \ldots, r^2 - 1

    All r * r numbers of a block then are equal: the start is the small convolution followed by nearest
    enlargement, without a checkerboard. Training is free to leave it.

    Parameters
    ----------
    weight : array (O, \*) of any dtype that torch has
        The filters of the small convolution, as they are drawn at random; or its bias (O,).
    upscale_factor : int
        r, at least 1.

    Returns
    -------
    array (O r^2, \*)
        A copy, of the same dtype.

    Raises
    ------
    ValueError
        No axis, a factor below 1, or a result above 2^36 bytes.
    TypeError
        A factor that is not an integer.

    See Also
    --------
    pixel_shuffle : what follows the convolution. Chapter 8; Aitken and others (2017), whose name for it is
    short for *initialised to convolution, nearest-neighbour resize*.

    Examples
    --------
    >>> icnr(np.array([1, 2]), 2)
    array([1, 1, 1, 1, 2, 2, 2, 2])
    """
    return np.repeat(weight, upscale_factor**2, axis=0)

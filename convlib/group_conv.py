"""Convolution over the four quarter turns: turn the image, and the answer turns with it.

A convolution commutes with shifts, because one kernel meets every place. To commute with turns as well, one
kernel has to meet every place *in every orientation*. So a feature map gets one more axis, of the four
orientations 0, 90, 180 and 270 degrees (counterclockwise), and when the image turns by a quarter, the map
turns and its orientations move on by one (Cohen and Welling 2016):

    c4_lift    image -> maps    the kernel turned by r quarters makes orientation r
    c4_conv    maps  -> maps    ... and its own orientations move on by r, as those that it meets have
    c4_pool    maps  -> image   the largest of the four: turning the image only turns this

All of it is `conv2d` with the same few weights in four orientations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convlib._conv_checks import c4_check, c4_pool_check
from convlib._dispatch import Array, dispatch, is_tensor, library_of
from convlib.conv import conv2d
from convlib.shapes import Padding


def _stacked(arrays: list[Array]) -> Array:
    """One after the other along a new axis behind the output channels."""
    if is_tensor(arrays[0]):
        return library_of(arrays[0]).stack(arrays, 1)
    return np.stack(arrays, 1, dtype=arrays[0].dtype)  # without it, the order of the bytes is lost


def lift(convolution: Callable[..., Array], input: Array, weight: Array, padding: Padding) -> Array:
    """`c4_lift`, with the `conv2d` of arrays or that of tensors."""
    turn: Any = library_of(weight).rot90
    kernels = _stacked([turn(weight, r, (-2, -1)) for r in range(4)])  # o 4 c k k
    channels, size = weight.shape[1], weight.shape[2]
    maps = convolution(input, kernels.reshape(4 * len(weight), channels, size, size), padding=padding)
    return maps.reshape(*maps.shape[:-3], len(weight), 4, *maps.shape[-2:])


def convolve(convolution: Callable[..., Array], input: Array, weight: Array, padding: Padding) -> Array:
    """`c4_conv`, likewise: the orientations are channels like any others."""
    library: Any = library_of(weight)
    moved_on = [library.roll(weight, r, 2) for r in range(4)]
    kernels = [library.rot90(kernel, r, (-2, -1)) for r, kernel in enumerate(moved_on)]  # each o c 4 k k
    channels, size = 4 * weight.shape[1], weight.shape[-1]
    image = input.reshape(*input.shape[:-4], channels, *input.shape[-2:])
    turned = _stacked(kernels).reshape(4 * len(weight), channels, size, size)
    maps = convolution(image, turned, padding=padding)
    return maps.reshape(*maps.shape[:-3], len(weight), 4, *maps.shape[-2:])


@dispatch(c4_check("c4_lift"))
def c4_lift(input: Array, weight: Array, padding: Padding = 0) -> Array:
    r"""Convolve images with kernels in four orientations: the first layer of a network that turns along.

    .. math:: y_{n,o,r} = \sum_c x_{n,c} \star (R^r w_{o,c})

    where R turns a kernel by 90 degrees counterclockwise and the star is the cross-correlation of `conv2d`.
    Turning the image by a quarter turns every map and moves the orientations on by one.

    Parameters
    ----------
    input : array (N, C_in, H, W) or (C_in, H, W)
    weight : array (C_out, C_in, k, k)
        One square kernel for each output channel, in the orientation 0.
    padding : int, pair of int, "valid" or "same"
        As for `conv2d`. Two numbers that differ, and "same" with an even kernel, treat the sides of the image
        differently; then turning commutes no longer.

    Returns
    -------
    array (N, C_out, 4, H_out, W_out) or (C_out, 4, H_out, W_out)

    Raises
    ------
    ValueError
        Shapes that do not fit each other, kernels that are not square, or a result above 2^36 bytes.
    TypeError
        As `conv2d`.

    See Also
    --------
    c4_conv : the next layers. Chapter 4; Cohen and Welling (2016), Group equivariant convolutional networks,
    arXiv 1602.07576.

    Examples
    --------
    >>> image = np.array([[[1, 2], [3, 4]]])
    >>> weight = np.array([[[[1, 10], [0, 0]]]])  # its upper edge; turned, its left one, ...
    >>> c4_lift(image, weight).ravel()  # 1 + 10*2, 3 + 10*1, 4 + 10*3, 2 + 10*4
    array([21, 13, 34, 42])
    """
    return lift(conv2d, input, weight, padding)


@dispatch(c4_check("c4_conv"))
def c4_conv(input: Array, weight: Array, padding: Padding = 0) -> Array:
    r"""Convolve maps of four orientations with kernels of four orientations.

    .. math:: y_{n,o,r} = \sum_{c,s} x_{n,c,s} \star (R^r w_{o,\, c,\, s - r})

    with the orientations s - r counted modulo 4: the kernel turned by r quarters looks at each orientation as
    the kernel itself looks at the one r quarters before.

    Parameters
    ----------
    input : array (N, C_in, 4, H, W) or (C_in, 4, H, W)
        As `c4_lift` and `c4_conv` return it.
    weight : array (C_out, C_in, 4, k, k)
    padding : int, pair of int, "valid" or "same"
        As for `c4_lift`.

    Returns
    -------
    array (N, C_out, 4, H_out, W_out) or (C_out, 4, H_out, W_out)

    Raises
    ------
    ValueError, TypeError
        As `c4_lift`.

    See Also
    --------
    c4_lift : makes such maps of an image. c4_pool : an image of them. Chapter 4; Cohen and Welling (2016),
    arXiv 1602.07576.

    Examples
    --------
    >>> maps = np.array([1, 2, 3, 4]).reshape(1, 4, 1, 1)
    >>> weight = np.array([1, 10, 0, 0]).reshape(1, 1, 4, 1, 1)
    >>> c4_conv(maps, weight).ravel()  # 1 + 10*2, 2 + 10*3, 3 + 10*4, 4 + 10*1
    array([21, 32, 43, 14])
    """
    return convolve(conv2d, input, weight, padding)


@dispatch(c4_pool_check)
def c4_pool(input: Array) -> Array:
    """The largest of the four orientations at every place: a map that only turns when the image turns.

    Parameters
    ----------
    input : array (N, C, 4, H, W) or (C, 4, H, W)
        As `c4_lift` and `c4_conv` return it.

    Returns
    -------
    array (N, C, H, W) or (C, H, W)
        NaN counts as larger than all. Of equal numbers torch's gradient shares.

    Raises
    ------
    ValueError
        Another shape.
    TypeError
        Complex numbers, of which none is the largest.

    See Also
    --------
    c4_lift, c4_conv. Chapter 4; Cohen and Welling (2016), arXiv 1602.07576.

    Examples
    --------
    >>> c4_pool(np.array([21, 32, 43, 14]).reshape(1, 4, 1, 1))
    array([[[43]]])
    """
    return np.amax(input, axis=-3).astype(input.dtype, order="C", copy=False)

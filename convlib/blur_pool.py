"""Downsampling that does not alias: blur with a binomial kernel, and only then leave pixels out.

A stride throws pixels away, so an image that moves by one pixel may give another answer altogether. What a
coarse grid cannot hold has to go before: every channel is blurred with a row of Pascal's triangle,

    1 1 / 2        1 2 1 / 4        1 3 3 1 / 8        1 4 6 4 1 / 16        ...

along one axis after the other, which is the outer product of such rows, and of the result every s-th pixel
stays (Zhang 2019). The image is padded so that ceil(n / s) pixels are left of n, as a layer with kernel 3,
stride 2 and padding 1 leaves them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib import _pool_checks as checks
from convlib._dispatch import Array, dispatch, wide
from convlib.shapes import Ints
from convlib.windows import pad, pad_backward

# --- for every n --------------------------------------------------------------------------------------------


def binomial(taps: int) -> list[float]:
    """A row of Pascal's triangle, divided by its sum.

    Examples
    --------
    >>> binomial(4)  # 1 3 3 1, divided by 8
    [0.125, 0.375, 0.375, 0.125]
    """
    return [math.comb(taps - 1, tap) / 2 ** (taps - 1) for tap in range(taps)]


def blur_padding(kernel: Sequence[int]) -> list[int]:
    """k - 1 pixels for each axis in the order of `pad`; the odd one of an even kernel goes after."""
    return [side for k in reversed(kernel) for side in ((k - 1) // 2, k // 2)]


def pad_mode(padding_mode: str) -> str:
    """What `pad` calls it."""
    return "constant" if padding_mode == "zeros" else padding_mode


def _taps(axis: int, size: int, k: int, s: int) -> list[tuple[float, tuple[Any, ...]]]:
    """Of each tap its weight, and the pixels of a padded axis that it meets, one for each window."""
    last = (size - k) // s * s  # the first pixel of the last window
    after = tuple(slice(None) for _ in range(-1 - axis))
    return [(w, (..., slice(t, t + last + 1, s), *after)) for t, w in enumerate(binomial(k))]


def _blur(n: int, input: Array, kernel_size: Ints, stride: Ints, padding_mode: str) -> Array:
    kernel, strides = checks.blur_layout(n, kernel_size, stride)
    image: NDArray[Any] = pad(wide(input), blur_padding(kernel), pad_mode(padding_mode))
    for axis, k, s in zip(range(-n, 0), kernel, strides, strict=True):
        (weight, pixels), *others = _taps(axis, image.shape[axis], k, s)
        blurred = weight * image[pixels]
        for weight, pixels in others:
            blurred += weight * image[pixels]
        image = blurred
    return image.astype(input.dtype, order="C", copy=False)


def _blur_backward(
    n: int, grad: Array, input_size: Sequence[int], kernel_size: Ints, stride: Ints, padding_mode: str
) -> Array:
    kernel, strides = checks.blur_layout(n, kernel_size, stride)
    image = wide(grad)
    for axis, k, s in zip(range(-n, 0), kernel, strides, strict=True):
        shape = list(image.shape)
        shape[axis] = input_size[axis] + k - 1
        padded = np.zeros(shape, image.dtype)
        for weight, pixels in _taps(axis, shape[axis], k, s):
            padded[pixels] += weight * image
        image = padded
    image = pad_backward(image, input_size, blur_padding(kernel), pad_mode(padding_mode))
    return image.astype(grad.dtype, order="C", copy=False)


# --- the operations -----------------------------------------------------------------------------------------


@dispatch(checks.blur_check(2))
def blur_pool2d(
    input: Array, kernel_size: Ints = 3, stride: Ints = 2, padding_mode: str = "reflect"
) -> Array:
    r"""Blur every channel with a binomial kernel and keep every s-th pixel: downsampling without aliasing.

    .. math:: y_{n,c,i,j} = \sum_{u,v} b_u \, b_v \; x_{n,\, c,\, i s + u - p,\, j s + v - p}, \qquad
        b_u = \binom{k - 1}{u} \Big/ 2^{k - 1}, \quad p = \lfloor (k - 1) / 2 \rfloor

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W)
    kernel_size : int or pair of int
        Taps of the blur, from 1 (which only leaves pixels out) to 7.
    stride : int or pair of int
        Pixels from one output to the next; 1 only blurs.
    padding_mode : {"reflect", "replicate", "circular", "zeros"}
        What lies outside of the image; the words of torch.nn.Conv2d. There are k - 1 such pixels for each
        axis: (k - 1) / 2 on either side of an odd kernel, and one more after than before for an even kernel,
        whose output therefore lies half a pixel later, at i s + 1/2.

    Returns
    -------
    array (N, C, ceil(H / s), ceil(W / s)) or (C, ceil(H / s), ceil(W / s))
        Of the input's dtype; half precision is accumulated in single precision. A constant image stays as it
        is, but at the edges with ``"zeros"``.

    Raises
    ------
    ValueError
        A wrong rank, no pixels, a kernel above 7, a stride below 1, an unknown padding mode, an image too
        small to be reflected or wrapped around by it, or a result above 2^36 bytes.
    TypeError
        Numbers that are not floating-point.

    See Also
    --------
    blur_pool2d_backward : the gradient. avg_pool2d : the mean, a blur with equal weights. Chapter 4; Zhang
    (2019), Making convolutional networks shift-invariant again, arXiv 1904.11486, where a max pooling becomes
    ``blur_pool2d(max_pool2d(x, 2, stride=1))``.

    Examples
    --------
    >>> stripes = np.array([[[0., 4., 0., 4., 0., 4.]] * 2])  # one channel of 2 x 6 pixels
    >>> stripes[..., ::2]  # what a stride alone would see: all black
    array([[[0., 0., 0.],
            [0., 0., 0.]]])
    >>> blur_pool2d(stripes)  # (4 + 2*0 + 4) / 4, (4 + 2*0 + 4) / 4, ...
    array([[[2., 2., 2.]]])
    """
    return _blur(2, input, kernel_size, stride, padding_mode)


@dispatch(checks.blur_check(1))
def blur_pool1d(
    input: Array, kernel_size: Ints = 3, stride: Ints = 2, padding_mode: str = "reflect"
) -> Array:
    """Blur sequences (N, C, W) or (C, W) and keep every s-th number; otherwise as `blur_pool2d`.

    Examples
    --------
    >>> blur_pool1d(np.array([[0., 0., 8., 0., 0.]]))  # 2/4 of 8; the ends look at 0s alone
    array([[0., 4., 0.]])
    >>> blur_pool1d(np.array([[0., 0., 8., 0., 0.]]), 5)  # 8 * 6/16; the ends see 8 * 1/16 twice
    array([[1., 3., 1.]])
    >>> blur_pool1d(np.array([[1., 3., 5., 7.]]), 2)  # (1 + 3) / 2, (5 + 7) / 2
    array([[2., 6.]])
    """
    return _blur(1, input, kernel_size, stride, padding_mode)


@dispatch(checks.blur_check(3))
def blur_pool3d(
    input: Array, kernel_size: Ints = 3, stride: Ints = 2, padding_mode: str = "reflect"
) -> Array:
    """Blur volumes (N, C, D, H, W) or (C, D, H, W) and keep every s-th pixel; otherwise as `blur_pool2d`.

    Examples
    --------
    >>> blur_pool3d(np.array([[[[1., 3.], [5., 7.]]] * 2]), 2)  # the mean of the cube
    array([[[[4.]]]])
    """
    return _blur(3, input, kernel_size, stride, padding_mode)


@dispatch(checks.blur_backward_check(2))
def blur_pool2d_backward(
    grad_output: Array,
    input_size: Sequence[int],
    kernel_size: Ints = 3,
    stride: Ints = 2,
    padding_mode: str = "reflect",
) -> Array:
    r"""Gradient of `blur_pool2d`: its adjoint, which spreads every number with the same kernel.

    .. math:: \frac{\partial L}{\partial x_{n,c,a,b}} = \sum_{i,j,u,v} b_u \, b_v \; g_{n,c,i,j}
        \quad\text{over } a = i s + u - p,\; b = j s + v - p

    and what falls outside of the image goes to the pixels that were repeated there.

    Parameters
    ----------
    grad_output : array
        Gradient of the loss with respect to the output, of the output's shape.
    input_size : sequence of int
        Shape of the input, (N, C, H, W) or (C, H, W).
    kernel_size, stride, padding_mode
        As they were for `blur_pool2d`.

    Returns
    -------
    array of shape `input_size`

    Raises
    ------
    ValueError, TypeError
        As `blur_pool2d`; also where `grad_output` has not the output's shape.

    See Also
    --------
    blur_pool2d. torch reaches the same numbers through autograd. Chapter 4.

    Examples
    --------
    >>> grad = np.array([[[4., 40.]]])
    >>> blur_pool2d_backward(grad, (1, 1, 4), (1, 3))  # 2/4 of 4, twice 1/4 of 4 + 1/4 of 40, ...
    array([[[ 2., 12., 20., 10.]]])
    """
    return _blur_backward(2, grad_output, input_size, kernel_size, stride, padding_mode)


@dispatch(checks.blur_backward_check(1))
def blur_pool1d_backward(
    grad_output: Array,
    input_size: Sequence[int],
    kernel_size: Ints = 3,
    stride: Ints = 2,
    padding_mode: str = "reflect",
) -> Array:
    """Gradient of `blur_pool1d`; see `blur_pool2d_backward`.

    Examples
    --------
    >>> blur_pool1d_backward(np.array([[2., 20.]]), (1, 4), 2)  # half to each of the two pixels
    array([[ 1.,  1., 10., 10.]])
    """
    return _blur_backward(1, grad_output, input_size, kernel_size, stride, padding_mode)


@dispatch(checks.blur_backward_check(3))
def blur_pool3d_backward(
    grad_output: Array,
    input_size: Sequence[int],
    kernel_size: Ints = 3,
    stride: Ints = 2,
    padding_mode: str = "reflect",
) -> Array:
    """Gradient of `blur_pool3d`; see `blur_pool2d_backward`.

    Examples
    --------
    >>> blur_pool3d_backward(np.array([[[[8.]]]]), (1, 2, 2, 2), 2)  # an eighth to every pixel
    array([[[[1., 1.],
             [1., 1.]],
    <BLANKLINE>
            [[1., 1.],
             [1., 1.]]]])
    """
    return _blur_backward(3, grad_output, input_size, kernel_size, stride, padding_mode)

"""Transposed convolutions, which make images larger again, and shuffles, which only move pixels.

The transposed convolution is the way back of a convolution: a convolution is a matrix, and this is the matrix
turned over. So it is what chapter 2 sends gradients back with, and its own gradients are a convolution:

    columns      =  weight^T  @  input          what every number sends to each tap of its kernel ...
    output       =  col2im(columns)             ... added up where the kernels overlap
    grad_input   =  weight    @  im2col(grad)
    grad_weight  =  input     @  im2col(grad)^T
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib._conv_checks import transpose_backward_check, transpose_check
from convlib._dispatch import Array, dispatch, require_array, wide
from convlib.algorithms.gradients import input_in_bands
from convlib.algorithms.problem import problem_of
from convlib.conv import Options, _forward, _grad_weight, _send_back, bias_axes
from convlib.shapes import Ints, as_integer, count, refuse_if_too_large, transposed_layout
from convlib.windows import crop_sides, pad_sides

# --- transposed convolution ---------------------------------------------------------------------------------


def _transposed(n: int, input: Array, weight: Array, bias: Array | None, options: Options) -> Array:
    if input.ndim == n + 1:  # a single image is a batch of one
        return _transposed(n, input[None], weight, bias, options)[0]
    stride, padding, output_padding, groups, dilation = options
    layout, extra, _ = transposed_layout(
        input.shape[2:], weight.shape[2:], stride, padding, output_padding, dilation
    )
    size = (len(input), groups * weight.shape[1], *layout.padded)
    problem = problem_of(size, weight.shape, input.dtype.itemsize, layout.stride, 0, layout.dilation, groups)
    if problem.is_large:
        image = input_in_bands(wide(weight), wide(input), problem)
    else:
        image = _send_back(weight, input, layout, groups)
    # first on, then off: an image may be so small that the padding alone would take all of it
    image = pad_sides(image, [(0, more) for more in extra])
    output = crop_sides(image, layout.padding)
    if bias is not None:
        output += bias.reshape(-1, *(1,) * n)  # half precision onto single: not rounded yet
    return output.astype(input.dtype, copy=False)


@dispatch(transpose_check(2))
def conv_transpose2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Array:
    r"""Lay a copy of a kernel onto the output for every number of the input, and add up where they overlap.

    With a stride above 1 the output is larger than the input:

    .. math:: y_{n,o,a,e} = b_o + \sum_{c,u,v,i,j} x_{n,c,i,j} \; w_{c,o,u,v}
        \quad\text{over } a = i s + u d - p,\; e = j s + v d - p

    It takes the shape of a convolution's output back to the shape of its input, with the same weight and
    options. It is that convolution's *adjoint*, with the transposed matrix; it does not undo it, although
    some call it a deconvolution.

    Parameters
    ----------
    input : array (N, C_in, H, W) or (C_in, H, W)
    weight : array (C_in, C_out / groups, kh, kw)
        One kernel for each **input** channel, with one slice for each output channel of its group: as the
        weight of the convolution from C_out to C_in channels that is transposed.
    bias : array (C_out,), optional
        Added to each output channel.
    stride : int or pair of int
        Pixels of the output from one copy of the kernel to the next, (vertical, horizontal).
    padding : int or pair of int
        Pixels **taken away** on each side, (top and bottom, left and right): as many as the convolution that
        is transposed had put on.
    output_padding : int or pair of int
        Pixels added at the bottom and on the right before `padding` is taken away; smaller than the stride or
        the dilation. It chooses among the sizes that a convolution with a stride takes to one.
    groups : int
        Input and output channels are split into so many groups that do not see each other.
    dilation : int or pair of int
        Pixels from one tap of the kernel to the next. In torch's order it comes after `groups`.

    Returns
    -------
    array (N, C_out, H_out, W_out) or (C_out, H_out, W_out)
        Sizes as given by `convlib.conv_transpose_output_size`; the dtype of the input. Half precision is
        accumulated in single precision.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, an output padding that is too large, a padding that leaves nothing,
        a stride, dilation or group count below 1, a negative padding, or a result above 2^36 bytes.
    TypeError
        Mixed dtypes (outside of torch.autocast), booleans, whole numbers other than int64 (as in torch), or
        NumPy arrays together with torch tensors.

    See Also
    --------
    conv2d_input : the same arithmetic, as a gradient. conv_transpose2d_backward : its gradients.
    torch.nn.functional.conv_transpose2d : the same function. Chapter 8; Dumoulin and Visin (2016), chapter 4.

    Examples
    --------
    >>> row = np.array([[[1., 2., 3.]]])  # one channel of 1 x 3 pixels
    >>> kernel = np.array([[[[1., 10.]]]])
    >>> conv_transpose2d(row, kernel)  # 1*1, 1*10 + 2*1, 2*10 + 3*1, 3*10
    array([[[ 1., 12., 23., 30.]]])
    >>> conv_transpose2d(row, kernel, stride=(1, 2))  # side by side
    array([[[ 1., 10.,  2., 20.,  3., 30.]]])
    """
    return _transposed(2, input, weight, bias, (stride, padding, output_padding, groups, dilation))


@dispatch(transpose_check(1))
def conv_transpose1d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Array:
    """Transposed convolution of sequences (N, C_in, W) or (C_in, W) with kernels (C_in, C_out / groups, kw);
    otherwise as `conv_transpose2d`.

    See Also
    --------
    conv_transpose2d, torch.nn.functional.conv_transpose1d : the same function.

    Examples
    --------
    >>> conv_transpose1d(np.array([[1, 2]]), np.array([[[3, 4, 5]]]), stride=2)  # 3, 4, 5 + 2*3, 2*4, 2*5
    array([[ 3,  4, 11,  8, 10]])
    """
    return _transposed(1, input, weight, bias, (stride, padding, output_padding, groups, dilation))


@dispatch(transpose_check(3))
def conv_transpose3d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Array:
    """Transposed convolution of volumes (N, C_in, D, H, W) or (C_in, D, H, W) with kernels (C_in, C_out /
    groups, kd, kh, kw); otherwise as `conv_transpose2d`.

    See Also
    --------
    conv_transpose2d, torch.nn.functional.conv_transpose3d : the same function.

    Examples
    --------
    >>> conv_transpose3d(np.array([[[[2.]]]]), np.ones((1, 1, 1, 2, 2)))  # one number, one kernel
    array([[[[2., 2.],
             [2., 2.]]]])
    """
    return _transposed(3, input, weight, bias, (stride, padding, output_padding, groups, dilation))


def _backward(
    n: int, grad: Array, input: Array, weight: Array, options: Options
) -> tuple[Array, Array, Array]:  # fmt: skip
    stride, padding, output_padding, groups, dilation = options
    layout, extra, _ = transposed_layout(
        input.shape[-n:], weight.shape[2:], stride, padding, output_padding, dilation
    )
    # what the kernels reached: what padding took away wants nothing, what was added behind came from nothing
    reached = crop_sides(pad_sides(grad, layout.padding), [(0, more) for more in extra])
    return (
        _forward(n, reached, weight, None, (stride, 0, dilation, groups)),
        _grad_weight(n, reached, weight.shape, input, (stride, 0, dilation, groups)),
        wide(grad).sum(bias_axes(grad.ndim, n)).astype(grad.dtype),
    )


@dispatch(transpose_backward_check(2))
def conv_transpose2d_backward(
    grad_output: Array,
    input: Array,
    weight: Array,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> tuple[Array, Array, Array]:
    r"""All three gradients of `conv_transpose2d`: (grad_input, grad_weight, grad_bias).

    The adjoint of the adjoint is the convolution itself: every number of the input collects, along its
    kernel, what the output wants.

    .. math:: \frac{\partial L}{\partial x_{n,c,i,j}} = \sum_{o,u,v} w_{c,o,u,v} \; g_{n,\, o,\, i s + u d -
        p,\, j s + v d - p}, \qquad \frac{\partial L}{\partial w_{c,o,u,v}} = \sum_{n,i,j} x_{n,c,i,j} \;
        g_{n,\, o,\, i s + u d - p,\, j s + v d - p}

    where g is 0 outside the output. The bias is added everywhere, so its gradient is the sum of `grad_output`
    over images and positions.

    Parameters
    ----------
    grad_output : array
        Gradient of the loss with respect to the output, of the output's shape.
    input, weight, stride, padding, output_padding, groups, dilation
        As they were for `conv_transpose2d`.

    Returns
    -------
    tuple of three arrays
        Of the shapes of `input`, of `weight`, and (C_out,).

    Raises
    ------
    ValueError, TypeError
        As `conv_transpose2d`; also where `grad_output` has not the output's shape, and for numbers that are
        not real floating-point numbers.

    See Also
    --------
    conv_transpose2d, conv2d_backward : the other way round. Chapter 8.

    Examples
    --------
    >>> row, weight = np.array([[[1., 2.]]]), np.array([[[[1., 10.]]]])
    >>> for gradient in conv_transpose2d_backward(np.array([[[1., 2., 3.]]]), row, weight):
    ...     print(gradient.ravel())  # 1*1 + 10*2, 1*2 + 10*3; then 1*1 + 2*2, 1*2 + 2*3; then 1 + 2 + 3
    [21. 32.]
    [5. 8.]
    [6.]
    """
    options = (stride, padding, output_padding, groups, dilation)
    return _backward(2, grad_output, input, weight, options)


@dispatch(transpose_backward_check(1))
def conv_transpose1d_backward(
    grad_output: Array,
    input: Array,
    weight: Array,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> tuple[Array, Array, Array]:
    """All three gradients of `conv_transpose1d`; see `conv_transpose2d_backward`.

    Examples
    --------
    >>> row, weight = np.array([[1., 2.]]), np.array([[[1., 10.]]])
    >>> for gradient in conv_transpose1d_backward(np.array([[1., 2., 3.]]), row, weight):
    ...     print(gradient.ravel())
    [21. 32.]
    [5. 8.]
    [6.]
    """
    options = (stride, padding, output_padding, groups, dilation)
    return _backward(1, grad_output, input, weight, options)


@dispatch(transpose_backward_check(3))
def conv_transpose3d_backward(
    grad_output: Array,
    input: Array,
    weight: Array,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> tuple[Array, Array, Array]:
    """All three gradients of `conv_transpose3d`; see `conv_transpose2d_backward`.

    Examples
    --------
    >>> row, weight = np.array([[[[1., 2.]]]]), np.array([[[[[1., 10.]]]]])
    >>> for gradient in conv_transpose3d_backward(np.array([[[[1., 2., 3.]]]]), row, weight):
    ...     print(gradient.ravel())
    [21. 32.]
    [5. 8.]
    [6.]
    """
    options = (stride, padding, output_padding, groups, dilation)
    return _backward(3, grad_output, input, weight, options)


# --- shuffles: every number moves, none changes -------------------------------------------------------------


def _check_shuffle(function: str, input: Array, name: str, value: int) -> int:
    require_array(function, "input", input)
    value = as_integer(value, name, function)
    if input.ndim < 3:
        raise ValueError(f"{function}: input must have at least 3 axes, got {tuple(input.shape)}")
    return value


def _refuse_if_too_large(function: str, input: Array, *shape: int) -> None:
    """An empty axis can be cut into any number of blocks, and its neighbours grow."""
    refuse_if_too_large(function, "the result", count(shape), input.dtype.itemsize)


def _check_pixel_shuffle(input: Array, upscale_factor: int) -> None:
    r = _check_shuffle("pixel_shuffle", input, "upscale_factor", upscale_factor)
    if input.shape[-3] % r**2:
        raise ValueError(
            f"pixel_shuffle: {input.shape[-3]} channels cannot be split into blocks of {r} x {r} pixels "
            f"(input {tuple(input.shape)})"
        )
    *leading, channels, height, width = input.shape
    _refuse_if_too_large("pixel_shuffle", input, *leading, channels // r**2, height * r, width * r)


def _check_pixel_unshuffle(input: Array, downscale_factor: int) -> None:
    r = _check_shuffle("pixel_unshuffle", input, "downscale_factor", downscale_factor)
    height, width = input.shape[-2:]
    if height % r or width % r:
        raise ValueError(
            f"pixel_unshuffle: an image of {height} x {width} pixels cannot be cut into blocks of {r} x {r} "
            f"(input {tuple(input.shape)})"
        )
    _refuse_if_too_large("pixel_unshuffle", input, *input.shape[:-2], r, r, height // r, width // r)


def _check_channel_shuffle(input: Array, groups: int) -> None:
    groups = _check_shuffle("channel_shuffle", input, "groups", groups)
    if input.shape[1] % groups:
        raise ValueError(
            f"channel_shuffle: {input.shape[1]} channels cannot be split into {groups} groups "
            f"(input {tuple(input.shape)})"
        )
    images, channels, *rest = input.shape
    _refuse_if_too_large("channel_shuffle", input, images, groups, channels // groups, *rest)


def _rearranged(input: NDArray[Any], split: tuple[int, ...], order: tuple[int, ...]) -> NDArray[Any]:
    """The axes cut into smaller ones and laid in another order: one copy, never a view of the input."""
    return np.transpose(input.reshape(split), order).copy()


@dispatch(_check_pixel_shuffle)
def pixel_shuffle(input: Array, upscale_factor: int) -> Array:
    r"""Spread channels out into pixels: r * r numbers of one place become a block of r x r pixels.

    .. math:: y_{n,\, c,\, i r + u,\, j r + v} = x_{n,\, c r^2 + u r + v,\, i,\, j}

    A convolution with C r^2 output channels and this behind it enlarges an image r times: a *sub-pixel
    convolution*. No number changes, so the gradient is sent back by the inverse, `pixel_unshuffle`: the
    gradient of the loss with respect to `input` is ``pixel_unshuffle(grad_output, upscale_factor)``.

    Parameters
    ----------
    input : array (\*, C r^2, H, W) of any dtype that torch has
        With any number of axes in front.
    upscale_factor : int
        r, at least 1.

    Returns
    -------
    array (\*, C, H r, W r)
        A copy, of the same dtype.

    Raises
    ------
    ValueError
        Fewer than 3 axes, channels that are not a multiple of r^2, a factor below 1, or a result above 2^36
        bytes.
    TypeError
        A factor that is not an integer.

    See Also
    --------
    pixel_unshuffle : the inverse. torch.nn.functional.pixel_shuffle : the same function. Chapter 7; Shi and
    others (2016).

    Examples
    --------
    >>> pixel_shuffle(np.array([[[1, 5]], [[2, 6]], [[3, 7]], [[4, 8]]]), 2)  # 4 channels of 1 x 2 pixels
    array([[[1, 2, 5, 6],
            [3, 4, 7, 8]]])
    """
    r = upscale_factor
    *leading, channels, height, width = input.shape
    blocks = (math.prod(leading), channels // r**2, r, r, height, width)  # n c u v h w
    pixels = _rearranged(input, blocks, (0, 1, 4, 2, 5, 3))  # n c h u w v
    return pixels.reshape(*leading, channels // r**2, height * r, width * r)


@dispatch(_check_pixel_unshuffle)
def pixel_unshuffle(input: Array, downscale_factor: int) -> Array:
    r"""Gather blocks of pixels into channels: the inverse of `pixel_shuffle`.

    .. math:: y_{n,\, c r^2 + u r + v,\, i,\, j} = x_{n,\, c,\, i r + u,\, j r + v}

    The image gets r times smaller and loses nothing. Its gradient is sent back by `pixel_shuffle`: the
    gradient of the loss with respect to `input` is ``pixel_shuffle(grad_output, downscale_factor)``.

    Parameters
    ----------
    input : array (\*, C, H r, W r) of any dtype that torch has
        With any number of axes in front.
    downscale_factor : int
        r, at least 1.

    Returns
    -------
    array (\*, C r^2, H, W)
        A copy, of the same dtype.

    Raises
    ------
    ValueError
        Fewer than 3 axes, a height or width that is not a multiple of r, a factor below 1, or a result above
        2^36 bytes.
    TypeError
        A factor that is not an integer.

    See Also
    --------
    pixel_shuffle : the inverse. torch.nn.functional.pixel_unshuffle : the same function. Chapter 7.

    Examples
    --------
    >>> pixel_unshuffle(np.array([[[1, 2, 5, 6], [3, 4, 7, 8]]]), 2)[0]  # the upper left pixel of each block
    array([[1, 5]])
    """
    r = downscale_factor
    *leading, channels, height, width = input.shape
    blocks = (math.prod(leading), channels, height // r, r, width // r, r)  # n c h u w v
    gathered = _rearranged(input, blocks, (0, 1, 3, 5, 2, 4))  # n c u v h w
    return gathered.reshape(*leading, channels * r**2, height // r, width // r)


@dispatch(_check_channel_shuffle)
def channel_shuffle(input: Array, groups: int) -> Array:
    """Deal the channels out anew: the first of every group, then the second of every group, and so on.

    Grouped convolutions do not see each other's channels; shuffled in between, they do. No number changes:
    with C channels, shuffling by ``C // groups`` undoes shuffling by `groups`, and sends its gradient back.

    Parameters
    ----------
    input : array (N, C, \\*) of any dtype that torch has
        At least 3 axes. The channels are always the **second** axis: a single image (C, H, W) is not meant,
        as in torch.
    groups : int
        At least 1.

    Returns
    -------
    array (N, C, \\*)
        A copy, of the same dtype.

    Raises
    ------
    ValueError
        Fewer than 3 axes, channels that are not a multiple of `groups`, `groups` below 1, or a result above
        2^36 bytes.
    TypeError
        `groups` that is not an integer.

    See Also
    --------
    torch.nn.functional.channel_shuffle : the same function. Chapter 6; Zhang and others (2018), ShuffleNet.

    Examples
    --------
    >>> channel_shuffle(np.array([[[1], [2], [3], [4], [5], [6]]]), 2).ravel()  # 1 2 3 and 4 5 6
    array([1, 4, 2, 5, 3, 6])
    """
    images, channels, *rest = input.shape
    split = (images, groups, channels // groups, math.prod(rest))
    return _rearranged(input, split, (0, 2, 1, 3)).reshape(input.shape)

"""Convolution and its gradients, in one, two and three dimensions from one body.

The whole of it is a matrix product. `im2col` copies every window of the image into a column; then, for each
group,

    output        =  weight    @  columns       every kernel meets every window
    grad_weight   =  grad      @  columns^T     what every tap met, weighted by the gradient
    grad_columns  =  weight^T  @  grad          what every window passes back ...
    grad_input    =  col2im(grad_columns)       ... added up over the windows that share a pixel

So small ones are computed here. What would make columns of more than a quarter of a mebibyte is computed in
pieces, by whichever direct algorithm of `convlib.algorithms` suits its shape.

Like torch and every other deep-learning library, `conv1d`, `conv2d` and `conv3d` compute the
*cross-correlation*: the kernel is not flipped. `correlate2d` and `convolve2d` name the two operations for
plain images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convlib._conv_checks import (
    backward_check,
    correlate_check,
    forward_check,
    input_check,
    matrix_check,
    weight_check,
)
from convlib._dispatch import Array, dispatch, wide
from convlib.algorithms import direct, direct_input
from convlib.algorithms.gradients import weight_in_bands
from convlib.algorithms.problem import problem_of
from convlib.shapes import Ints, Layout, Padding, correlation_padding
from convlib.windows import col2im, crop_sides, im2col, pad_sides

Options: TypeAlias = tuple[Any, ...]  # stride, padding, dilation, groups

# --- the four lines of the opening, for every n -------------------------------------------------------------


def _columns(input: NDArray[Any], layout: Layout, groups: int) -> NDArray[Any]:
    """Every window as a column, apart by group: n g ck l."""
    padded = pad_sides(wide(input), layout.padding)
    columns = im2col(padded, layout.kernel, layout.stride, layout.dilation)  # n c k l
    images, channels, taps, positions = columns.shape
    return columns.reshape(images, groups, channels // groups * taps, positions)


def _kernels(weight: NDArray[Any], groups: int) -> NDArray[Any]:
    """Every kernel as a row, apart by group: g o ck."""
    return wide(weight).reshape(groups, len(weight) // groups, -1)


def _maps(grad: NDArray[Any], groups: int) -> NDArray[Any]:
    """Every feature map as a row, apart by group: n g o l."""
    images, channels, *positions = grad.shape
    return wide(grad).reshape(images, groups, channels // groups, math.prod(positions))


def _forward(
    n: int, input: Array, weight: Array, bias: Array | None, options: Options
) -> Array:  # fmt: skip
    if input.ndim == n + 1:  # a single image is a batch of one
        return _forward(n, input[None], weight, bias, options)[0]
    problem = problem_of(input.shape, weight.shape, input.dtype.itemsize, *options)
    if problem.is_large:
        output = direct(wide(input), wide(weight), problem)
    else:
        kernels = _kernels(weight, problem.groups)
        columns = _columns(input, problem.layout, problem.groups)
        output = (kernels @ columns).reshape(problem.output_shape)  # n g o l  =  g o ck  @  n g ck l
    if bias is not None:
        output += wide(bias).reshape(-1, *(1,) * n)
    return output.astype(input.dtype, copy=False)


def _send_back(weight: NDArray[Any], grad: NDArray[Any], layout: Layout, groups: int) -> NDArray[Any]:
    """Every number of a map back along its kernel, onto the padded image; a transposed convolution, too."""
    kernels = _kernels(weight, groups).swapaxes(1, 2)
    columns = kernels @ _maps(grad, groups)  # n g ck l  =  g ck o  @  n g o l
    taps, positions = math.prod(layout.kernel), math.prod(layout.positions)
    columns = columns.reshape(len(grad), groups * weight.shape[1], taps, positions)  # n c k l
    return col2im(columns, layout.padded, layout.kernel, layout.stride, layout.dilation)


def _grad_input(
    n: int, input_size: Sequence[int], weight: Array, grad: Array, options: Options
) -> Array:  # fmt: skip
    if len(input_size) == n + 1:
        return _grad_input(n, (1, *input_size), weight, grad[None], options)[0]
    problem = problem_of(input_size, weight.shape, grad.dtype.itemsize, *options)
    if problem.is_large:
        return direct_input(wide(weight), wide(grad), problem).astype(weight.dtype, copy=False)
    image = _send_back(weight, grad, problem.layout, problem.groups)
    return crop_sides(image, problem.layout.padding).astype(weight.dtype, copy=False)


def _grad_weight(
    n: int, input: Array, weight_size: Sequence[int], grad: Array, options: Options
) -> Array:  # fmt: skip
    if input.ndim == n + 1:
        return _grad_weight(n, input[None], weight_size, grad[None], options)
    problem = problem_of(input.shape, weight_size, grad.dtype.itemsize, *options)
    if problem.is_large:
        return weight_in_bands(wide(input), wide(grad), problem).astype(input.dtype, copy=False)
    columns = _columns(input, problem.layout, problem.groups).swapaxes(2, 3)
    gradient = _maps(grad, problem.groups) @ columns  # n g o ck  =  n g o l  @  n g l ck
    return gradient.sum(axis=0).reshape(weight_size).astype(input.dtype, copy=False)


# --- the operations -----------------------------------------------------------------------------------------


@dispatch(forward_check(2))
def conv2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    r"""Convolve images with a bank of kernels (cross-correlation: the kernels are not flipped).

    Each output number is the sum of the products of one kernel with one window of the image, over all the
    input channels of its group, plus the bias of its output channel:

    .. math:: y_{n,o,i,j} = b_o + \sum_{c,u,v} w_{o,c,u,v} \; x_{n,\, c,\, i s + u d - p,\, j s + v d - p}

    where x is 0 outside the image.

    Parameters
    ----------
    input : array (N, C_in, H, W) or (C_in, H, W)
    weight : array (C_out, C_in / groups, kh, kw)
        One kernel for each output channel, with one slice for each input channel of its group.
    bias : array (C_out,), optional
        Added to each output channel.
    stride : int or pair of int
        Pixels from one window to the next, (vertical, horizontal).
    padding : int, pair of int, "valid" or "same"
        Zeros on each side, (top and bottom, left and right). "valid" is 0; "same" keeps the size and needs
        stride 1.
    dilation : int or pair of int
        Pixels from one tap of the kernel to the next.
    groups : int
        Input and output channels are split into so many groups that do not see each other.

    Returns
    -------
    array (N, C_out, H_out, W_out) or (C_out, H_out, W_out)
        Sizes as given by `convlib.shapes.conv_output_size`; the dtype of the input. Half precision is
        accumulated in single precision; integers wrap around as in torch.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, a kernel larger than the padded image, a stride, dilation or group
        count below 1, a negative padding, or a result above 2^36 bytes.
    TypeError
        Mixed dtypes (outside of torch.autocast), booleans, or NumPy arrays together with torch tensors.

    See Also
    --------
    conv2d_input, conv2d_weight, conv2d_backward : its gradients.
    torch.nn.functional.conv2d : the same function. Chapter 2; Dumoulin and Visin (2016).

    Examples
    --------
    >>> image = np.array([[[1., 2., 3.], [4., 5., 6.]]])  # one channel of 2 x 3 pixels
    >>> kernel = np.array([[[[1., 10.]]]])
    >>> conv2d(image, kernel)  # 1*1 + 10*2, 1*2 + 10*3, ...
    array([[[21., 32.],
            [54., 65.]]])
    """
    return _forward(2, input, weight, bias, (stride, padding, dilation, groups))


@dispatch(forward_check(1))
def conv1d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    """Convolve sequences (N, C_in, W) or (C_in, W) with kernels (C_out, C_in / groups, kw); otherwise as
    `conv2d`.

    See Also
    --------
    conv2d, torch.nn.functional.conv1d : the same function.

    Examples
    --------
    >>> conv1d(np.array([[1, 2, 3, 4]]), np.array([[[-1, 1]]]))  # 2-1, 3-2, 4-3
    array([[1, 1, 1]])
    """
    return _forward(1, input, weight, bias, (stride, padding, dilation, groups))


@dispatch(forward_check(3))
def conv3d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    """Convolve volumes (N, C_in, D, H, W) or (C_in, D, H, W) with kernels (C_out, C_in / groups, kd, kh, kw);
    else as `conv2d`.

    See Also
    --------
    conv2d, torch.nn.functional.conv3d : the same function.

    Examples
    --------
    >>> conv3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2)))  # the sum over the cube
    array([[[[8.]]]])
    """
    return _forward(3, input, weight, bias, (stride, padding, dilation, groups))


@dispatch(input_check(2))
def conv2d_input(
    input_size: Sequence[int],
    weight: Array,
    grad_output: Array,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    r"""Gradient of a convolution with respect to its input.

    Every output number sends its gradient back along the weights that it was made with:

    .. math:: \frac{\partial L}{\partial x_{n,c,a,b}} = \sum_{o,u,v,i,j} w_{o,c,u,v} \; g_{n,o,i,j}
        \quad\text{over } a = i s + u d - p,\; b = j s + v d - p

    Parameters
    ----------
    input_size : sequence of int
        Shape of the input, (N, C_in, H, W) or (C_in, H, W): with a stride above 1 several sizes give the same
        output.
    weight : array (C_out, C_in / groups, kh, kw)
    grad_output : array
        Gradient of the loss with respect to the output, of the output's shape.
    stride, padding, dilation, groups
        As they were for `conv2d`.

    Returns
    -------
    array of shape `input_size`
        Pixels that no window reaches, for instance those that a stride leaves over, get exactly 0. In NumPy
        whole numbers are taken, too, and wrap around; torch has no gradients of them.

    Raises
    ------
    ValueError, TypeError
        As `conv2d`; also where `grad_output` has not the output's shape.

    See Also
    --------
    torch.nn.grad.conv2d_input : the same function, without ``"same"`` and ``"valid"``. Chapter 2 derives it.

    Examples
    --------
    >>> weight = np.array([[[[1., 10.]]]])
    >>> conv2d_input((1, 1, 3), weight, np.array([[[1., 2.]]]))  # 1*1, 1*10 + 2*1, 2*10
    array([[[ 1., 12., 20.]]])
    """
    options = (stride, padding, dilation, groups)
    return _grad_input(2, input_size, weight, grad_output, options)


@dispatch(input_check(1))
def conv1d_input(
    input_size: Sequence[int],
    weight: Array,
    grad_output: Array,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    """Gradient of `conv1d` with respect to its input; see `conv2d_input` and torch.nn.grad.conv1d_input.

    Examples
    --------
    >>> conv1d_input((1, 3), np.array([[[1., 10.]]]), np.array([[1., 2.]]))  # 1*1, 1*10 + 2*1, 2*10
    array([[ 1., 12., 20.]])
    """
    options = (stride, padding, dilation, groups)
    return _grad_input(1, input_size, weight, grad_output, options)


@dispatch(input_check(3))
def conv3d_input(
    input_size: Sequence[int],
    weight: Array,
    grad_output: Array,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    """Gradient of `conv3d` with respect to its input; see `conv2d_input` and torch.nn.grad.conv3d_input.

    Examples
    --------
    >>> weight = np.array([[[[[1., 10.]]]]])
    >>> conv3d_input((1, 1, 1, 3), weight, np.array([[[[1., 2.]]]]))  # 1*1, 1*10 + 2*1, 2*10
    array([[[[ 1., 12., 20.]]]])
    """
    options = (stride, padding, dilation, groups)
    return _grad_input(3, input_size, weight, grad_output, options)


@dispatch(weight_check(2))
def conv2d_weight(
    input: Array,
    weight_size: Sequence[int],
    grad_output: Array,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    r"""Gradient of a convolution with respect to its weight.

    A tap is used once at every output position, so its gradient is the sum over all of them:

    .. math:: \frac{\partial L}{\partial w_{o,c,u,v}} = \sum_{n,i,j} g_{n,o,i,j} \; x_{n,\, c,\, i s + u d -
        p,\, j s + v d - p}

    Parameters
    ----------
    input : array (N, C_in, H, W) or (C_in, H, W)
    weight_size : sequence of int
        Shape of the weight, (C_out, C_in / groups, kh, kw).
    grad_output : array
        Gradient of the loss with respect to the output, of the output's shape.
    stride, padding, dilation, groups
        As they were for `conv2d`.

    Returns
    -------
    array of shape `weight_size`

    Raises
    ------
    ValueError, TypeError
        As `conv2d_input`.

    See Also
    --------
    torch.nn.grad.conv2d_weight : the same function, without ``"same"`` and ``"valid"``. Chapter 2 derives it.

    Examples
    --------
    >>> image = np.array([[[1., 2., 3.]]])
    >>> conv2d_weight(image, (1, 1, 1, 2), np.array([[[1., 10.]]]))  # 1*1 + 10*2, 1*2 + 10*3
    array([[[[21., 32.]]]])
    """
    options = (stride, padding, dilation, groups)
    return _grad_weight(2, input, weight_size, grad_output, options)


@dispatch(weight_check(1))
def conv1d_weight(
    input: Array,
    weight_size: Sequence[int],
    grad_output: Array,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    """Gradient of `conv1d` with respect to its weight; see `conv2d_weight` and torch.nn.grad.conv1d_weight.

    Examples
    --------
    >>> conv1d_weight(np.array([[1., 2., 3.]]), (1, 1, 2), np.array([[1., 10.]]))  # 1*1 + 10*2, 1*2 + 10*3
    array([[[21., 32.]]])
    """
    options = (stride, padding, dilation, groups)
    return _grad_weight(1, input, weight_size, grad_output, options)


@dispatch(weight_check(3))
def conv3d_weight(
    input: Array,
    weight_size: Sequence[int],
    grad_output: Array,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    """Gradient of `conv3d` with respect to its weight; see `conv2d_weight` and torch.nn.grad.conv3d_weight.

    Examples
    --------
    >>> volume = np.array([[[[1., 2., 3.]]]])
    >>> conv3d_weight(volume, (1, 1, 1, 1, 2), np.array([[[[1., 10.]]]]))  # 1*1 + 10*2, 1*2 + 10*3
    array([[[[[21., 32.]]]]])
    """
    options = (stride, padding, dilation, groups)
    return _grad_weight(3, input, weight_size, grad_output, options)


@dispatch(backward_check)
def conv2d_backward(
    grad_output: Array,
    input: Array,
    weight: Array,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> tuple[Array, Array, Array]:
    """All three gradients of `conv2d`: (grad_input, grad_weight, grad_bias).

    The bias is added at every position of every image, so its gradient is the sum of `grad_output` over all
    of them.

    Examples
    --------
    >>> image, weight = np.array([[[1., 2., 3.]]]), np.array([[[[1., 10.]]]])
    >>> for gradient in conv2d_backward(np.array([[[1., 2.]]]), image, weight):
    ...     print(gradient.ravel())
    [ 1. 12. 20.]
    [5. 8.]
    [3.]
    """
    options = (stride, padding, dilation, groups)
    return (
        _grad_input(2, input.shape, weight, grad_output, options),
        _grad_weight(2, input, weight.shape, grad_output, options),
        wide(grad_output).sum(bias_axes(grad_output.ndim)).astype(grad_output.dtype),
    )


def bias_axes(ndim: int, n: int = 2) -> tuple[int, ...]:
    """The images and the positions in n spatial axes, over which a bias is shared."""
    return tuple(axis for axis in range(ndim) if axis != ndim - n - 1)


@dispatch(matrix_check)
def conv_matrix(
    weight: Array, input_size: Sequence[int], stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> Array:
    """The matrix of a 2-D convolution: every convolution is linear, so there is one.

    Its columns are the answers to the images that hold a single 1. Mostly zeros, with the same few weights
    repeated along diagonals (doubly block Toeplitz): far too large to compute with, and good to look at.

    Parameters
    ----------
    weight : array (C_out, C_in, kh, kw)
    input_size : sequence of int
        (C_in, H, W) of one image.
    stride, padding, dilation
        As for `conv2d`.

    Returns
    -------
    array (C_out * H_out * W_out, C_in * H * W)
        ``matrix @ image.ravel()`` is ``conv2d(image, weight).ravel()``.

    Examples
    --------
    >>> conv_matrix(np.array([[[[1., 2.]]]]), (1, 1, 4))
    array([[1., 2., 0., 0.],
           [0., 1., 2., 0.],
           [0., 0., 1., 2.]])
    """
    pixels = math.prod(input_size)
    unit_images = np.eye(pixels, dtype=weight.dtype).reshape(pixels, *input_size)
    columns = conv2d(unit_images, weight, None, stride, padding, dilation).reshape(pixels, -1)
    return np.ascontiguousarray(columns.T)


@dispatch(correlate_check("correlate2d"))
def correlate2d(input: Array, kernel: Array, mode: str = "full") -> Array:
    """Cross-correlate an image with a kernel: the sum of products at every position, the kernel as it is.

    Parameters
    ----------
    input : array (H, W)
    kernel : array (kh, kw)
    mode : {"full", "same", "valid"}
        Every position at which the two overlap (zeros outside the image), as many as the image has pixels, or
        only those where the kernel lies inside.

    Returns
    -------
    array
        (H + kh - 1, W + kw - 1), (H, W) or (H - kh + 1, W - kw + 1).

    Raises
    ------
    ValueError
        Not plain images, an unknown mode, or a kernel that does not fit in mode "valid".
    TypeError
        Mixed dtypes (outside of torch.autocast), booleans, or NumPy arrays together with torch tensors.

    See Also
    --------
    convolve2d : with the kernel flipped. scipy.signal.correlate2d : the same function, apart from complex
    numbers, which it conjugates. Chapter 2.

    Examples
    --------
    >>> image = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    >>> kernel = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    >>> correlate2d(image, kernel, mode="same")  # a dot comes out as the kernel turned by 180 degrees
    array([[9, 8, 7],
           [6, 5, 4],
           [3, 2, 1]])
    """
    pads = correlation_padding(kernel.shape, mode)
    return _forward(2, pad_sides(input, pads)[None], kernel[None, None], None, (1, 0, 1, 1))[0]


@dispatch(correlate_check("convolve2d"))
def convolve2d(input: Array, kernel: Array, mode: str = "full") -> Array:
    """Convolve an image with a kernel, in the mathematician's sense: as `correlate2d`, with the kernel turned
    by 180 degrees.

    Flipping makes the operation commutative and associative: ``convolve2d(a, b)`` equals ``convolve2d(b,
    a)``.

    See Also
    --------
    correlate2d : for parameters, modes and errors. scipy.signal.convolve2d : the same function. Chapter 2.

    Examples
    --------
    >>> image = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    >>> kernel = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    >>> convolve2d(image, kernel, mode="same")  # a dot comes out as the kernel
    array([[1, 2, 3],
           [4, 5, 6],
           [7, 8, 9]])
    """
    # turning the kernel also moves the middle of an even one, hence the padding's sides change places
    pads = tuple((after, before) for before, after in correlation_padding(kernel.shape, mode))
    return _forward(2, pad_sides(input, pads)[None], kernel[None, None, ::-1, ::-1], None, (1, 0, 1, 1))[0]

"""Convolution and its gradients, in one, two and three dimensions from one body.

The whole of it is a matrix product. `im2col` copies every window of the image into a column; then, for each
group,

    output        =  weight    @  columns       every kernel meets every window
    grad_weight   =  grad      @  columns^T     how much each tap met, weighted by what the output wanted
    grad_columns  =  weight^T  @  grad          what each window is asked to change ...
    grad_input    =  col2im(grad_columns)       ... added up over the windows that share a pixel

Like torch and every other deep-learning library, `conv1d`, `conv2d` and `conv3d` compute the
*cross-correlation*: the kernel is not flipped. `correlate2d` and `convolve2d` name the two operations for
plain images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib._dispatch import Array, dispatch, require_array, require_same_dtype
from convlib.shapes import (
    Ints,
    Padding,
    as_sizes,
    as_tuple,
    refuse_if_too_large,
    resolve_padding,
    window_counts,
)
from convlib.windows import col2im, im2col, pad_sides

Pairs = tuple[tuple[int, int], ...]

# --- what is checked before anything is computed ------------------------------------------------------------


def _check_forward(
    n: int, function: str, input: Array, weight: Array, bias: Array | None, *options: Any
) -> None:
    stride, padding, dilation, groups = options
    require_array(function, "input", input)
    require_array(function, "weight", weight)
    if bias is not None:
        require_array(function, "bias", bias)
    _check_weight_shape(n, function, tuple(weight.shape))
    if input.ndim not in (n + 1, n + 2):
        axes = "DHW"[3 - n :]
        raise ValueError(
            f"{function}: input must be (N, C, {', '.join(axes)}) or (C, {', '.join(axes)}), "
            f"got {tuple(input.shape)}"
        )
    sizes = (tuple(input.shape), tuple(weight.shape))
    _check_sizes(n, function, *sizes, stride, padding, dilation, groups, input.dtype.itemsize)
    _check_dtypes(function, input=input, weight=weight, bias=bias)
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise ValueError(
            f"{function}: bias must hold one number for each of the {weight.shape[0]} output channels, "
            f"got {tuple(bias.shape)}"
        )


def _check_weight_shape(n: int, function: str, weight: tuple[int, ...]) -> None:
    axes = ", ".join(("kd", "kh", "kw")[3 - n :])
    if len(weight) != n + 2 or min(weight) < 1:
        raise ValueError(
            f"{function}: weight must be (C_out, C_in / groups, {axes}), none of them 0; got {weight}"
        )


def _check_sizes(
    n: int, function: str, input: tuple[int, ...], weight: tuple[int, ...],
    stride: Ints, padding: Padding, dilation: Ints, groups: int, itemsize: int,
) -> tuple[int, ...]:  # fmt: skip
    """The output's size, if the sizes fit each other and the whole fits into memory."""
    if isinstance(groups, Sequence):
        raise TypeError(f"{function}: groups must be an integer, got {groups!r}")
    (groups,) = as_tuple(groups, 1, "groups", function=function)
    if 0 in input[-n:]:
        raise ValueError(f"{function}: input {input} has no pixels")
    kernel, _, pads, _, counts = geometry(input[-n:], weight[2:], stride, padding, dilation, function)
    channels = input[-n - 1]
    if weight[1] * groups != channels:
        raise ValueError(
            f"{function}: input has {channels} channels but weight expects {weight[1] * groups} "
            f"(input {input}, weight {weight}, groups={groups})"
        )
    if weight[0] % groups:
        raise ValueError(
            f"{function}: {weight[0]} output channels cannot be split into {groups} groups (weight {weight})"
        )
    padded = math.prod(size + sum(sides) for size, sides in zip(input[-n:], pads, strict=True))
    columns, positions = channels * math.prod(kernel), math.prod(counts)
    elements = math.prod(input[: -n - 1]) * (channels * padded + (columns + weight[0]) * positions)
    refuse_if_too_large(function, "the result and its scratch", elements, itemsize)
    return counts


def _check_dtypes(function: str, **arrays: Array | None) -> None:
    require_same_dtype(function, **arrays)
    dtype = next(iter(arrays.values())).dtype  # type: ignore[union-attr]
    if str(dtype).removeprefix("torch.") == "bool" or getattr(dtype, "kind", "f") not in "iufc":
        raise TypeError(f"{function}: {dtype} has no products to add; convert to a number type first")


def geometry(
    spatial: Sequence[int],
    kernel_size: Sequence[int],
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    function: str,
) -> tuple[tuple[int, ...], tuple[int, ...], Pairs, tuple[int, ...], tuple[int, ...]]:
    """(kernel, stride, padding, dilation, output size), each with one entry for each axis."""
    n = len(kernel_size)
    strides = as_tuple(stride, n, "stride", function=function)
    dilations = as_tuple(dilation, n, "dilation", function=function)
    pads = resolve_padding(padding, kernel_size, strides, dilations, function)
    return (
        tuple(kernel_size),
        strides,
        pads,
        dilations,
        window_counts(spatial, kernel_size, strides, pads, dilations, function),
    )


def _forward_check(n: int) -> Callable[..., None]:
    def check(
        input: Array, weight: Array, bias: Array | None = None,
        stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
    ) -> None:  # fmt: skip
        _check_forward(n, f"conv{n}d", input, weight, bias, stride, padding, dilation, groups)

    return check


def _check_gradient(
    n: int, function: str, input_size: Sequence[int], weight_size: Sequence[int], grad_output: Array,
    other: tuple[str, Array], stride: Ints, padding: Padding, dilation: Ints, groups: int,
) -> None:  # fmt: skip
    """`other` is the name and the value of the array that came beside `grad_output`."""
    require_array(function, *other)
    require_array(function, "grad_output", grad_output)
    input_shape = as_sizes(input_size, "input_size", function)
    weight_shape = as_sizes(weight_size, "weight_size", function)
    _check_weight_shape(n, function, weight_shape)
    if len(input_shape) not in (n + 1, n + 2):
        raise ValueError(
            f"{function}: the input has {n + 1} axes, or {n + 2} with a batch; got {input_shape}"
        )
    itemsize = grad_output.dtype.itemsize
    counts = _check_sizes(n, function, input_shape, weight_shape, stride, padding, dilation, groups, itemsize)
    _check_dtypes(function, **{other[0]: other[1], "grad_output": grad_output})
    if "complex" in str(grad_output.dtype):
        raise TypeError(f"{function}: gradients are of real numbers, got {grad_output.dtype}")
    expected = (*input_shape[: -n - 1], weight_shape[0], *counts)
    if tuple(grad_output.shape) != expected:
        raise ValueError(
            f"{function}: grad_output is {tuple(grad_output.shape)} but the output of this convolution is "
            f"{expected} (input {input_shape}, weight {weight_shape})"
        )


def _input_check(n: int) -> Callable[..., None]:
    def check(
        input_size: Sequence[int], weight: Array, grad_output: Array,
        stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
    ) -> None:  # fmt: skip
        name = f"conv{n}d_input"
        require_array(name, "weight", weight)
        other = ("weight", weight)
        _check_gradient(
            n, name, input_size, tuple(weight.shape), grad_output, other, stride, padding, dilation, groups
        )

    return check


def _weight_check(n: int) -> Callable[..., None]:
    def check(
        input: Array, weight_size: Sequence[int], grad_output: Array,
        stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
    ) -> None:  # fmt: skip
        name = f"conv{n}d_weight"
        require_array(name, "input", input)
        other = ("input", input)
        _check_gradient(
            n, name, tuple(input.shape), weight_size, grad_output, other, stride, padding, dilation, groups
        )

    return check


def _backward_check(
    grad_output: Array, input: Array, weight: Array,
    stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
) -> None:  # fmt: skip
    name, options = "conv2d_backward", (stride, padding, dilation, groups)
    require_array(name, "input", input)
    require_array(name, "weight", weight)
    _check_gradient(
        2, name, tuple(input.shape), tuple(weight.shape), grad_output, ("weight", weight), *options
    )
    _check_dtypes(name, input=input, weight=weight)


# --- the four lines of the opening, for every n -------------------------------------------------------------


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    """Half precision is added up in single precision and rounded once at the end, as on a GPU."""
    return array.astype(np.float32) if array.dtype.type is np.float16 else array


def _grouped_columns(
    input: NDArray[Any], kernel: Sequence[int], stride: Ints, pads: Pairs, dilation: Ints, groups: int
) -> NDArray[Any]:
    """Every window as a column: (N, groups, C / groups * K, L)."""
    columns = im2col(pad_sides(input, pads), kernel, stride, dilation)  # n c k l
    images, channels, taps, positions = columns.shape
    return columns.reshape(images, groups, channels // groups * taps, positions)


def _forward(
    n: int, input: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any] | None,
    stride: Ints, padding: Padding, dilation: Ints, groups: int,
) -> NDArray[Any]:  # fmt: skip
    batch = input if input.ndim == n + 2 else input[None]
    kernel, strides, pads, dilations, counts = geometry(
        batch.shape[2:], weight.shape[2:], stride, padding, dilation, ""
    )
    columns = _grouped_columns(_wide(batch), kernel, strides, pads, dilations, groups)  # n g ck l
    kernels = _wide(weight).reshape(groups, weight.shape[0] // groups, -1)  # g o ck
    output: NDArray[Any] = (kernels @ columns).reshape(len(batch), weight.shape[0], *counts)
    if bias is not None:
        output += _wide(bias).reshape(-1, *(1,) * n)
    return output.reshape(*input.shape[: -n - 1], *output.shape[1:]).astype(input.dtype, copy=False)


def _grad_input(
    n: int, input_size: Sequence[int], weight: NDArray[Any], grad_output: NDArray[Any],
    stride: Ints, padding: Padding, dilation: Ints, groups: int,
) -> NDArray[Any]:  # fmt: skip
    *leading, channels = input_size[:-n]
    spatial = input_size[-n:]
    kernel, strides, pads, dilations, counts = geometry(
        spatial, weight.shape[2:], stride, padding, dilation, ""
    )
    images, out_channels = math.prod(leading), weight.shape[0]
    grad = _wide(grad_output).reshape(images, groups, out_channels // groups, math.prod(counts))  # n g o l
    kernels = _wide(weight).reshape(groups, out_channels // groups, -1)  # g o ck
    columns = kernels.swapaxes(1, 2) @ grad  # n g ck l
    padded = [size + sum(sides) for size, sides in zip(spatial, pads, strict=True)]
    image = col2im(
        columns.reshape(images, channels, math.prod(kernel), math.prod(counts)),
        padded,
        kernel,
        strides,
        dilations,
    )
    inside = [slice(before, before + size) for (before, _), size in zip(pads, spatial, strict=True)]
    pixels: tuple[Any, ...] = (slice(None), slice(None), *inside)
    gradient: NDArray[Any] = image[pixels].reshape(input_size)
    return gradient.astype(weight.dtype, copy=False)


def _grad_weight(
    n: int, input: NDArray[Any], weight_size: Sequence[int], grad_output: NDArray[Any],
    stride: Ints, padding: Padding, dilation: Ints, groups: int,
) -> NDArray[Any]:  # fmt: skip
    batch = input if input.ndim == n + 2 else input[None]
    kernel, strides, pads, dilations, counts = geometry(
        batch.shape[2:], weight_size[2:], stride, padding, dilation, ""
    )
    columns = _grouped_columns(_wide(batch), kernel, strides, pads, dilations, groups)  # n g ck l
    grad = _wide(grad_output).reshape(
        len(batch), groups, weight_size[0] // groups, math.prod(counts)
    )  # n g o l
    gradient: NDArray[Any] = (grad @ columns.swapaxes(2, 3)).sum(axis=0)
    return gradient.reshape(weight_size).astype(input.dtype, copy=False)


# --- the operations -----------------------------------------------------------------------------------------


@dispatch(_forward_check(2))
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
        Mixed dtypes, booleans, or NumPy arrays together with torch tensors.

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
    return _forward(2, input, weight, bias, stride, padding, dilation, groups)


@dispatch(_forward_check(1))
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
    return _forward(1, input, weight, bias, stride, padding, dilation, groups)


@dispatch(_forward_check(3))
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
    return _forward(3, input, weight, bias, stride, padding, dilation, groups)


@dispatch(_input_check(2))
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
        Pixels that no window reaches, for instance those that a stride leaves over, get exactly 0.

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
    return _grad_input(2, input_size, weight, grad_output, stride, padding, dilation, groups)


@dispatch(_input_check(1))
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
    return _grad_input(1, input_size, weight, grad_output, stride, padding, dilation, groups)


@dispatch(_input_check(3))
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
    return _grad_input(3, input_size, weight, grad_output, stride, padding, dilation, groups)


@dispatch(_weight_check(2))
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
    return _grad_weight(2, input, weight_size, grad_output, stride, padding, dilation, groups)


@dispatch(_weight_check(1))
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
    return _grad_weight(1, input, weight_size, grad_output, stride, padding, dilation, groups)


@dispatch(_weight_check(3))
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
    return _grad_weight(3, input, weight_size, grad_output, stride, padding, dilation, groups)


@dispatch(_backward_check)
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
        _grad_input(2, input.shape, weight, grad_output, *options),
        _grad_weight(2, input, weight.shape, grad_output, *options),
        _wide(grad_output).sum(bias_axes(grad_output.ndim)).astype(grad_output.dtype),
    )


def bias_axes(ndim: int) -> tuple[int, ...]:
    """The images and the positions, over which a bias of a 2-D convolution is shared."""
    return tuple(axis for axis in range(ndim) if axis != ndim - 3)


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
    name = "conv_matrix"
    require_array(name, "weight", weight)
    size = as_sizes(input_size, "input_size", name)
    if len(size) != 3:
        raise ValueError(f"{name}: input_size must be (C, H, W) of one image, got {size}")
    pixels = math.prod(size)
    _check_weight_shape(2, name, tuple(weight.shape))
    itemsize = weight.dtype.itemsize
    _check_sizes(2, name, (pixels, *size), tuple(weight.shape), stride, padding, dilation, 1, itemsize)
    unit_images = _identity_like(weight, pixels).reshape(pixels, *size)
    return conv2d(unit_images, weight, None, stride, padding, dilation).reshape(pixels, -1).T


def _identity_like(array: Array, n: int) -> Array:
    if isinstance(array, np.ndarray):
        return np.eye(n, dtype=array.dtype)
    from convlib import torch_ops

    return torch_ops.eye_like(array, n)


def _correlate_check(name: str) -> Callable[..., None]:
    def check(input: Array, kernel: Array, mode: str = "full") -> None:
        for argument, array in (("input", input), ("kernel", kernel)):
            require_array(name, argument, array)
            if array.ndim != 2 or 0 in tuple(array.shape):
                raise ValueError(
                    f"{name}: {argument} must be a plain image (H, W) with pixels, got {tuple(array.shape)}"
                )
        if mode not in ("full", "same", "valid"):
            raise ValueError(f"{name}: mode must be 'full', 'same' or 'valid', got {mode!r}")
        if mode == "valid" and any(k > size for k, size in zip(kernel.shape, input.shape, strict=True)):
            raise ValueError(
                f"{name}: the kernel {tuple(kernel.shape)} does not fit into the image {tuple(input.shape)}"
            )
        _check_dtypes(name, input=input, kernel=kernel)
        pads = correlation_padding(kernel.shape, mode)
        padded = [size + sum(sides) for size, sides in zip(input.shape, pads, strict=True)]
        positions = math.prod(size - k + 1 for size, k in zip(padded, kernel.shape, strict=True))
        elements = math.prod(padded) + (math.prod(kernel.shape) + 1) * positions
        refuse_if_too_large(name, "the result and its scratch", elements, input.dtype.itemsize)

    return check


def correlation_padding(kernel_size: Sequence[int], mode: str) -> Pairs:
    """Zeros (before, after) each axis: for every overlap, for the image's own size, or none."""
    if mode == "full":
        return tuple((k - 1, k - 1) for k in kernel_size)
    if mode == "same":
        return tuple(((k - 1) // 2, k // 2) for k in kernel_size)  # as "same" in conv2d, and as in SciPy
    return tuple((0, 0) for _ in kernel_size)


@dispatch(_correlate_check("correlate2d"))
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
        Mixed dtypes, booleans, or NumPy arrays together with torch tensors.

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
    return _forward(2, pad_sides(input, pads)[None], kernel[None, None], None, 1, 0, 1, 1)[0]


@dispatch(_correlate_check("convolve2d"))
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
    return _forward(2, pad_sides(input, pads)[None], kernel[None, None, ::-1, ::-1], None, 1, 0, 1, 1)[0]

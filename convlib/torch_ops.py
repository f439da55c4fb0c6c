"""The torch twin of every operation, on one page: the same names, on the tensor's own device, with autograd.

The public functions have checked their arguments before they come here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import grad as torch_grad

from convlib import group_conv
from convlib._checks import as_real
from convlib._pool_checks import blur_layout
from convlib.attention import MultiHeadGradients
from convlib.blur_pool import blur_padding, pad_mode
from convlib.conv import bias_axes
from convlib.resize import as_factors
from convlib.shapes import (
    Ints,
    Padding,
    as_sizes,
    as_tuple,
    bin_counts,
    conv_layout,
    correlation_padding,
    pool_layout,
)
from convlib.tokens import patch_grid
from convlib.windows import sliding_windows


def pad(input, pad, mode="constant", value=None):  # type: ignore[no-untyped-def]
    return F.pad(input, pad, mode, None if value is None else as_real("pad", "value", value))


def _pairs(*values: Ints) -> list[tuple[int, ...]]:
    """Spelled out: of all its functions torch's fold and unfold alone do not take a tuple of one."""
    return [as_tuple(value, 2, "", at_least=0) for value in values]


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):  # type: ignore[no-untyped-def]
    return F.unfold(input, *_pairs(kernel_size, dilation, padding, stride))


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):  # type: ignore[no-untyped-def]
    return F.fold(input, *_pairs(output_size, kernel_size, dilation, padding, stride))


def _pad_sides(input: Tensor, padding: Sequence[tuple[int, int]]) -> Tensor:
    return F.pad(input, [side for sides in reversed(padding) for side in sides])


def _pulled_back(forward: Callable[..., Tensor], grad_output: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    """The gradients of the inputs, which can be differentiated again, mapped and compiled."""
    backward: Any = torch.func.vjp(forward, *inputs)[1]
    gradients: tuple[Tensor, ...] = backward(grad_output)
    return gradients


def pad_backward(grad_output, input_size, pad, mode="constant"):  # type: ignore[no-untyped-def]
    image = grad_output.new_zeros(tuple(input_size))
    return _pulled_back(lambda input: F.pad(input, pad, mode), grad_output, image)[0]


def _convolution(
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
) -> Tensor:
    forward = (F.conv1d, F.conv2d, F.conv3d)[n - 1]
    if padding == "same":  # spelled out, since torch warns about the copy that uneven padding costs
        layout = conv_layout(input.shape[-n:], weight.shape[2:], stride, padding, dilation)
        padded = _pad_sides(input, layout.padding)
        return forward(padded, weight, bias, dilation=layout.dilation, groups=groups)
    return forward(input, weight, bias, stride, padding, dilation, groups)


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    return _convolution(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    return _convolution(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    return _convolution(3, input, weight, bias, stride, padding, dilation, groups)


def _grad_input(
    n: int, input_size: Sequence[int], weight: Tensor, grad_output: Tensor,
    stride: Ints, padding: Padding, dilation: Ints, groups: int,
) -> Tensor:  # fmt: skip
    """torch.nn.grad takes batches and equal sides: so the padded image's gradient is taken and cropped."""
    if len(input_size) == n + 1:
        batch_size = (1, *input_size)
        return _grad_input(n, batch_size, weight, grad_output[None], stride, padding, dilation, groups)[0]
    layout = conv_layout(input_size[-n:], weight.shape[2:], stride, padding, dilation)
    backward: Any = (torch_grad.conv1d_input, torch_grad.conv2d_input, torch_grad.conv3d_input)[n - 1]
    options = (layout.stride, 0, layout.dilation, groups)
    gradient = backward((*input_size[:-n], *layout.padded), weight, grad_output, *options)
    return _pad_sides(gradient, [(-before, -after) for before, after in layout.padding])


def conv1d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    return _grad_input(1, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    return _grad_input(2, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    return _grad_input(3, input_size, weight, grad_output, stride, padding, dilation, groups)


def _grad_weight(
    n: int, input: Tensor, weight_size: Sequence[int], grad_output: Tensor,
    stride: Ints, padding: Padding, dilation: Ints, groups: int,
) -> Tensor:  # fmt: skip
    if input.ndim == n + 1:
        return _grad_weight(n, input[None], weight_size, grad_output[None], stride, padding, dilation, groups)
    layout = conv_layout(input.shape[-n:], weight_size[2:], stride, padding, dilation)
    backward: Any = (torch_grad.conv1d_weight, torch_grad.conv2d_weight, torch_grad.conv3d_weight)[n - 1]
    options = (layout.stride, 0, layout.dilation, groups)
    gradient: Tensor = backward(_pad_sides(input, layout.padding), weight_size, grad_output, *options)
    return gradient


def conv1d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    return _grad_weight(1, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    return _grad_weight(2, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    return _grad_weight(3, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_backward(grad_output, input, weight, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
    options = (stride, padding, dilation, groups)
    return (
        _grad_input(2, input.shape, weight, grad_output, *options),
        _grad_weight(2, input, weight.shape, grad_output, *options),
        grad_output.sum(bias_axes(grad_output.ndim), dtype=grad_output.dtype),
    )


def conv_matrix(
    weight: Tensor, input_size: Sequence[int], stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> Tensor:
    pixels = math.prod(input_size)
    unit_images = torch.eye(pixels, dtype=weight.dtype, device=weight.device).reshape(pixels, *input_size)
    return _convolution(2, unit_images, weight, None, stride, padding, dilation, 1).reshape(pixels, -1).T


def correlate2d(input: Tensor, kernel: Tensor, mode: str = "full") -> Tensor:
    return F.conv2d(_pad_sides(input, correlation_padding(kernel.shape, mode))[None], kernel[None, None])[0]


def convolve2d(input: Tensor, kernel: Tensor, mode: str = "full") -> Tensor:
    pads = [(after, before) for before, after in correlation_padding(kernel.shape, mode)]
    return F.conv2d(_pad_sides(input, pads)[None], kernel.flip(0, 1)[None, None])[0]


# --- quarter turns: made of conv2d, and so the same for both ------------------------------------------------


def c4_lift(input, weight, padding=0):  # type: ignore[no-untyped-def]
    return group_conv.lift(conv2d, input, weight, padding)


def c4_conv(input, weight, padding=0):  # type: ignore[no-untyped-def]
    return group_conv.convolve(conv2d, input, weight, padding)


def c4_pool(input: Tensor) -> Tensor:
    return input.amax(-3)


# --- transposed convolution, and shuffles -------------------------------------------------------------------


def conv_transpose1d(  # type: ignore[no-untyped-def]
    input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    return F.conv_transpose1d(input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(  # type: ignore[no-untyped-def]
    input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    return F.conv_transpose2d(input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(  # type: ignore[no-untyped-def]
    input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    return F.conv_transpose3d(input, weight, bias, stride, padding, output_padding, groups, dilation)


def _transposed_backward(
    n: int, grad_output: Tensor, input: Tensor, weight: Tensor, options: Any
) -> tuple[Tensor, ...]:  # fmt: skip
    transposed: Any = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[n - 1]

    def forward(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        output: Tensor = transposed(input, weight, bias, *options)
        return output

    bias = weight.new_zeros(grad_output.shape[-n - 1])
    return _pulled_back(forward, grad_output, input, weight, bias)


def conv_transpose1d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, weight, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    options = (stride, padding, output_padding, groups, dilation)
    return _transposed_backward(1, grad_output, input, weight, options)


def conv_transpose2d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, weight, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    options = (stride, padding, output_padding, groups, dilation)
    return _transposed_backward(2, grad_output, input, weight, options)


def conv_transpose3d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, weight, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    options = (stride, padding, output_padding, groups, dilation)
    return _transposed_backward(3, grad_output, input, weight, options)


# On the CPU torch's pixel_unshuffle leaves the shape of an empty input as it is, and so the gradient of its
# pixel_shuffle fails: where there is nothing to move, both only take the shape that they have elsewhere.


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    if input.numel():
        return F.pixel_shuffle(input, upscale_factor)
    *leading, channels, height, width = input.shape
    r = upscale_factor
    return input.reshape(*leading, channels // r**2, height * r, width * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    if input.numel():
        return F.pixel_unshuffle(input, downscale_factor)
    *leading, channels, height, width = input.shape
    r = downscale_factor
    return input.reshape(*leading, channels * r**2, height // r, width // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    return F.channel_shuffle(input, groups)


def icnr(weight: Tensor, upscale_factor: int) -> Tensor:
    return weight.repeat_interleave(upscale_factor**2, dim=0)


# --- resizing -----------------------------------------------------------------------------------------------


def interpolate(  # type: ignore[no-untyped-def]
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    options = (mode, align_corners, recompute_scale_factor, antialias)
    return F.interpolate(input, size, _factors(input.ndim - 2, scale_factor), *options)


def _factors(n: int, scale_factor: Any) -> tuple[float, ...] | None:
    return None if scale_factor is None else as_factors("interpolate", scale_factor, n)


def interpolate_backward(  # type: ignore[no-untyped-def]
    grad_output,
    input_size,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    def forward(input: Tensor) -> Tensor:
        options = (mode, align_corners, recompute_scale_factor, antialias)
        return F.interpolate(input, size, _factors(input.ndim - 2, scale_factor), *options)

    return _pulled_back(forward, grad_output, grad_output.new_zeros(tuple(input_size)))[0]


# --- pooling ------------------------------------------------------------------------------------------------


def _sent_back(forward: Any, input: Tensor, grad_output: Tensor) -> Tensor:
    if not grad_output.numel():  # torch refuses to send back from no bins at all
        return torch.zeros_like(input)
    return _pulled_back(forward, grad_output, input)[0]


max_pool1d, max_pool2d, max_pool3d = F.max_pool1d, F.max_pool2d, F.max_pool3d


def _max_backward(
    n: int, grad_output: Tensor, input: Tensor, kernel_size: Ints, stride: Ints | None, padding: Ints,
    dilation: Ints, ceil_mode: bool, ties: str,
) -> Tensor:  # fmt: skip
    if ties == "first":
        pool: Any = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[n - 1]
        options = (kernel_size, stride, padding, dilation, ceil_mode)
        return _sent_back(lambda input: pool(input, *options), input, grad_output)
    layout = pool_layout(input.shape[-n:], kernel_size, stride, padding, dilation, ceil_mode)

    def windows(image: Tensor) -> Tensor:
        padded = _pad_sides(image, layout.padding)
        taken: Tensor = sliding_windows(padded, layout.kernel, layout.stride, layout.dilation)
        return taken.flatten(-n)  # the taps of a window are the last axis

    inside, pixels = windows(torch.ones_like(input)) > 0, windows(input)
    best = pixels.masked_fill(~inside, -math.inf).amax(-1, keepdim=True)
    winners = inside & ((pixels == best) | (pixels.isnan() & best.isnan()))
    share = (grad_output / winners.sum(-1))[..., None]
    return _sent_back(windows, input, torch.where(winners, share, 0))


def max_pool1d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, ties="first"
):
    return _max_backward(1, grad_output, input, kernel_size, stride, padding, dilation, ceil_mode, ties)


def max_pool2d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, ties="first"
):
    return _max_backward(2, grad_output, input, kernel_size, stride, padding, dilation, ceil_mode, ties)


def max_pool3d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, ties="first"
):
    return _max_backward(3, grad_output, input, kernel_size, stride, padding, dilation, ceil_mode, ties)


def avg_pool1d(  # type: ignore[no-untyped-def]
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    return F.avg_pool1d(input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(  # type: ignore[no-untyped-def]
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    options = (stride, padding, ceil_mode, count_include_pad, divisor_override)
    return F.avg_pool2d(input, kernel_size, *options)


def avg_pool3d(  # type: ignore[no-untyped-def]
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    options = (stride, padding, ceil_mode, count_include_pad, divisor_override)
    return F.avg_pool3d(input, kernel_size, *options)


def avg_pool1d_backward(  # type: ignore[no-untyped-def]
    grad_output, input_size, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad)
    pooled = grad_output.new_zeros(tuple(input_size))
    return _sent_back(lambda input: F.avg_pool1d(input, *options), pooled, grad_output)


def avg_pool2d_backward(  # type: ignore[no-untyped-def]
    grad_output, input_size, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
    divisor_override=None,
):  # fmt: skip
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    pooled = grad_output.new_zeros(tuple(input_size))
    return _sent_back(lambda input: F.avg_pool2d(input, *options), pooled, grad_output)


def avg_pool3d_backward(  # type: ignore[no-untyped-def]
    grad_output, input_size, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
    divisor_override=None,
):  # fmt: skip
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    pooled = grad_output.new_zeros(tuple(input_size))
    return _sent_back(lambda input: F.avg_pool3d(input, *options), pooled, grad_output)


def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):  # type: ignore[no-untyped-def]
    (kernel,) = as_tuple(kernel_size, 1, "kernel_size")  # torch multiplies by it
    return F.lp_pool1d(input, float(norm_type), kernel, stride, ceil_mode)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):  # type: ignore[no-untyped-def]
    kernel: Any = as_tuple(kernel_size, 2, "kernel_size")  # torch takes no tuple of one
    return F.lp_pool2d(input, float(norm_type), kernel, stride, ceil_mode)


def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):  # type: ignore[no-untyped-def]
    kernel: Any = as_tuple(kernel_size, 3, "kernel_size")
    return F.lp_pool3d(input, float(norm_type), kernel, stride, ceil_mode)


def _norm_backward(
    n: int, grad_output: Tensor, input: Tensor, p: float, kernel_size: Ints, stride: Ints | None,
    ceil_mode: bool,
) -> Tensor:  # fmt: skip
    """Written out, since torch's second derivative of its own steps leaves the device on the way."""
    if abs(p) == math.inf:
        sign = math.copysign(1, p)
        options = (kernel_size, stride, 0, 1, ceil_mode, "first")
        return _max_backward(n, grad_output, sign * input.abs(), *options) * input.sign()
    taps = math.prod(as_tuple(kernel_size, n, "kernel_size"))
    average: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[n - 1]

    def powers(powered: Tensor) -> Tensor:
        summed: Tensor = average(powered, kernel_size, stride, 0, ceil_mode) * taps
        return summed

    sums = powers(input**p)
    nothing = sums == 0
    slope = torch.where(nothing, 1, sums) ** (1 / p - 1)
    outer = torch.where(nothing, 0, grad_output * slope)
    gradient: Tensor = _sent_back(powers, input, outer) * input ** (p - 1)
    return gradient


def lp_pool1d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, norm_type, kernel_size, stride=None, ceil_mode=False
):
    return _norm_backward(1, grad_output, input, float(norm_type), kernel_size, stride, ceil_mode)


def lp_pool2d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, norm_type, kernel_size, stride=None, ceil_mode=False
):
    return _norm_backward(2, grad_output, input, float(norm_type), kernel_size, stride, ceil_mode)


def lp_pool3d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, norm_type, kernel_size, stride=None, ceil_mode=False
):
    return _norm_backward(3, grad_output, input, float(norm_type), kernel_size, stride, ceil_mode)


@contextmanager
def _indices_inside(function: str) -> Iterator[None]:
    """torch looks at the numbers themselves; where it can say so, an index outside is a ValueError."""
    try:
        yield
    except (RuntimeError, IndexError) as error:
        if "index" not in str(error):
            raise
        raise ValueError(f"{function}: an index lies outside the output") from error


def _unpooling(n: int, kernel_size: Ints, stride: Ints | None, padding: Ints, output_size: Any) -> list[Any]:
    """As integers of Python's: torch compares them and refuses the answers that NumPy's give."""
    strides = None if stride is None else as_tuple(stride, n, "stride")
    size = None if output_size is None else as_sizes(output_size, "output_size", "max_unpool")
    return [as_tuple(kernel_size, n, "kernel_size"), strides, as_tuple(padding, n, "padding", 0), size]


def max_unpool1d(  # type: ignore[no-untyped-def]
    input, indices, kernel_size, stride=None, padding=0, output_size=None
):
    with _indices_inside("max_unpool1d"):
        return F.max_unpool1d(input, indices, *_unpooling(1, kernel_size, stride, padding, output_size))


def max_unpool2d(  # type: ignore[no-untyped-def]
    input, indices, kernel_size, stride=None, padding=0, output_size=None
):
    with _indices_inside("max_unpool2d"):
        return F.max_unpool2d(input, indices, *_unpooling(2, kernel_size, stride, padding, output_size))


def max_unpool3d(  # type: ignore[no-untyped-def]
    input, indices, kernel_size, stride=None, padding=0, output_size=None
):
    with _indices_inside("max_unpool3d"):
        return F.max_unpool3d(input, indices, *_unpooling(3, kernel_size, stride, padding, output_size))


def _unpool_backward(n: int, grad_output: Tensor, indices: Tensor) -> Tensor:
    with _indices_inside(f"max_unpool{n}d_backward"):
        return grad_output.flatten(-n).gather(-1, indices.flatten(-n)).reshape(indices.shape)


def max_unpool1d_backward(grad_output, indices):  # type: ignore[no-untyped-def]
    return _unpool_backward(1, grad_output, indices)


def max_unpool2d_backward(grad_output, indices):  # type: ignore[no-untyped-def]
    return _unpool_backward(2, grad_output, indices)


def max_unpool3d_backward(grad_output, indices):  # type: ignore[no-untyped-def]
    return _unpool_backward(3, grad_output, indices)


# --- blurred pooling ----------------------------------------------------------------------------------------


def _binomial(taps: int, like: Tensor) -> Tensor:
    """Pascal's triangle row by row on the device itself: every number is the sum of the two above it."""
    row = torch.ones(1, dtype=like.dtype, device=like.device)
    for _ in range(taps - 1):
        row = (F.pad(row, (1, 0)) + F.pad(row, (0, 1))) / 2
    return row


def _blur(n: int, input: Tensor, kernel_size: Ints, stride: Ints, padding_mode: str) -> Tensor:
    """As a convolution of every channel by itself with the whole kernel, the outer product."""
    kernel, strides = blur_layout(n, kernel_size, stride)
    padded = F.pad(input, blur_padding(kernel), pad_mode(padding_mode))
    weight = torch.ones((), dtype=input.dtype, device=input.device)
    for taps in kernel:
        weight = weight[..., None] * _binomial(taps, input)
    channels = input.shape[-n - 1]
    forward: Any = (F.conv1d, F.conv2d, F.conv3d)[n - 1]
    blurred: Tensor = forward(padded, weight.expand(channels, 1, *kernel), None, strides, groups=channels)
    return blurred


def blur_pool1d(input, kernel_size=3, stride=2, padding_mode="reflect"):  # type: ignore[no-untyped-def]
    return _blur(1, input, kernel_size, stride, padding_mode)


def blur_pool2d(input, kernel_size=3, stride=2, padding_mode="reflect"):  # type: ignore[no-untyped-def]
    return _blur(2, input, kernel_size, stride, padding_mode)


def blur_pool3d(input, kernel_size=3, stride=2, padding_mode="reflect"):  # type: ignore[no-untyped-def]
    return _blur(3, input, kernel_size, stride, padding_mode)


def blur_pool1d_backward(  # type: ignore[no-untyped-def]
    grad_output, input_size, kernel_size=3, stride=2, padding_mode="reflect"
):
    image, options = grad_output.new_zeros(tuple(input_size)), (kernel_size, stride, padding_mode)
    return _pulled_back(lambda input: _blur(1, input, *options), grad_output, image)[0]


def blur_pool2d_backward(  # type: ignore[no-untyped-def]
    grad_output, input_size, kernel_size=3, stride=2, padding_mode="reflect"
):
    image, options = grad_output.new_zeros(tuple(input_size)), (kernel_size, stride, padding_mode)
    return _pulled_back(lambda input: _blur(2, input, *options), grad_output, image)[0]


def blur_pool3d_backward(  # type: ignore[no-untyped-def]
    grad_output, input_size, kernel_size=3, stride=2, padding_mode="reflect"
):
    image, options = grad_output.new_zeros(tuple(input_size)), (kernel_size, stride, padding_mode)
    return _pulled_back(lambda input: _blur(3, input, *options), grad_output, image)[0]


# --- adaptive pooling ---------------------------------------------------------------------------------------


def _bins(n: int, input: Tensor, output_size: Any) -> Any:
    """Spelled out: some of torch's functions take no tuple of one, and some no integer of NumPy."""
    return bin_counts(tuple(input.shape[-n:]), output_size)


def adaptive_avg_pool1d(input, output_size):  # type: ignore[no-untyped-def]
    return F.adaptive_avg_pool1d(input, _bins(1, input, output_size))


def adaptive_avg_pool2d(input, output_size):  # type: ignore[no-untyped-def]
    return F.adaptive_avg_pool2d(input, _bins(2, input, output_size))


def adaptive_avg_pool3d(input, output_size):  # type: ignore[no-untyped-def]
    return F.adaptive_avg_pool3d(input, _bins(3, input, output_size))


def adaptive_max_pool1d(input, output_size, return_indices=False):  # type: ignore[no-untyped-def]
    return F.adaptive_max_pool1d(input, _bins(1, input, output_size), return_indices)


def adaptive_max_pool2d(input, output_size, return_indices=False):  # type: ignore[no-untyped-def]
    return F.adaptive_max_pool2d(input, _bins(2, input, output_size), return_indices)


def adaptive_max_pool3d(input, output_size, return_indices=False):  # type: ignore[no-untyped-def]
    return F.adaptive_max_pool3d(input, _bins(3, input, output_size), return_indices)


def adaptive_avg_pool1d_backward(grad_output, input_size, output_size):  # type: ignore[no-untyped-def]
    pooled = grad_output.new_zeros(tuple(input_size))
    return _sent_back(
        lambda input: F.adaptive_avg_pool1d(input, _bins(1, input, output_size)), pooled, grad_output
    )


def adaptive_avg_pool2d_backward(grad_output, input_size, output_size):  # type: ignore[no-untyped-def]
    pooled = grad_output.new_zeros(tuple(input_size))
    return _sent_back(
        lambda input: F.adaptive_avg_pool2d(input, _bins(2, input, output_size)), pooled, grad_output
    )


def adaptive_avg_pool3d_backward(grad_output, input_size, output_size):  # type: ignore[no-untyped-def]
    pooled = grad_output.new_zeros(tuple(input_size))
    return _sent_back(
        lambda input: F.adaptive_avg_pool3d(input, _bins(3, input, output_size)), pooled, grad_output
    )


def adaptive_max_pool1d_backward(grad_output, input, output_size):  # type: ignore[no-untyped-def]
    return _sent_back(
        lambda input: F.adaptive_max_pool1d(input, _bins(1, input, output_size)), input, grad_output
    )


def adaptive_max_pool2d_backward(grad_output, input, output_size):  # type: ignore[no-untyped-def]
    return _sent_back(
        lambda input: F.adaptive_max_pool2d(input, _bins(2, input, output_size)), input, grad_output
    )


def adaptive_max_pool3d_backward(grad_output, input, output_size):  # type: ignore[no-untyped-def]
    return _sent_back(
        lambda input: F.adaptive_max_pool3d(input, _bins(3, input, output_size)), input, grad_output
    )


def global_avg_pool1d(input):  # type: ignore[no-untyped-def]
    return F.adaptive_avg_pool1d(input, 1)


def global_avg_pool2d(input):  # type: ignore[no-untyped-def]
    return F.adaptive_avg_pool2d(input, 1)


def global_avg_pool3d(input):  # type: ignore[no-untyped-def]
    return F.adaptive_avg_pool3d(input, 1)


def global_max_pool1d(input):  # type: ignore[no-untyped-def]
    return F.adaptive_max_pool1d(input, 1)


def global_max_pool2d(input):  # type: ignore[no-untyped-def]
    return F.adaptive_max_pool2d(input, 1)


def global_max_pool3d(input):  # type: ignore[no-untyped-def]
    return F.adaptive_max_pool3d(input, 1)


# --- attention ----------------------------------------------------------------------------------------------


def _attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, dropout_p: float, is_causal: bool,
    scale: float | None, enable_gqa: bool,
) -> Tensor:  # fmt: skip
    if attn_mask is not None and attn_mask.ndim < 2:  # too few for torch's fused kernel on the CPU
        attn_mask = attn_mask.reshape(1, -1)
    factor = None if scale is None else float(scale)
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask, float(dropout_p), is_causal, scale=factor, enable_gqa=enable_gqa
    )


def scaled_dot_product_attention(  # type: ignore[no-untyped-def]
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None, enable_gqa=False
):
    return _attention(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)


def scaled_dot_product_attention_backward(  # type: ignore[no-untyped-def]
    grad_output,
    query,
    key,
    value,
    attn_mask=None,
    dropout_p=0.0,
    is_causal=False,
    *,
    scale=None,
    enable_gqa=False,
):
    def forward(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = attn_mask) -> Tensor:
        return _attention(query, key, value, mask, dropout_p, is_causal, scale, enable_gqa)

    has_gradient = attn_mask is not None and attn_mask.is_floating_point()
    arguments = (query, key, value, attn_mask) if has_gradient else (query, key, value)
    return _pulled_back(forward, grad_output, *arguments)


def _heads(tokens: Tensor, num_heads: int) -> Tensor:
    *leading, features = tokens.shape
    return tokens.reshape(*leading, num_heads, features // num_heads).transpose(-3, -2)


def _attention_weights(query: Tensor, key: Tensor, attn_mask: Tensor | None, is_causal: bool) -> Tensor:
    """What torch's fused kernels never write down."""
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        attn_mask = torch.zeros_like(scores).masked_fill(~attn_mask, -math.inf)
    if attn_mask is not None:
        scores = scores + attn_mask
    nothing = (scores == -math.inf).all(dim=-1, keepdim=True)  # a query that may look at no key
    weights = scores.masked_fill(nothing, 0).softmax(dim=-1).masked_fill(nothing, 0)
    return weights.to(query.dtype)  # a mask may have widened them


def multi_head_attention(  # type: ignore[no-untyped-def]
    query,
    key,
    value,
    num_heads,
    in_proj_weight,
    in_proj_bias,
    out_proj_weight,
    out_proj_bias,
    *,
    attn_mask=None,
    is_causal=False,
    need_weights=False,
):
    biases = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
    q, k, v = (
        _heads(F.linear(tokens, weight, bias), num_heads)
        for tokens, weight, bias in zip((query, key, value), in_proj_weight.chunk(3), biases, strict=True)
    )
    if need_weights:
        weights = _attention_weights(q, k, attn_mask, is_causal)
        heads = weights @ v
    else:
        heads = _attention(q, k, v, attn_mask, 0.0, is_causal, None, False)
    output = F.linear(heads.transpose(-3, -2).flatten(-2), out_proj_weight, out_proj_bias)
    return (output, weights) if need_weights else output


def multi_head_attention_backward(  # type: ignore[no-untyped-def]
    grad_output,
    query,
    key,
    value,
    num_heads,
    in_proj_weight,
    in_proj_bias,
    out_proj_weight,
    out_proj_bias,
    *,
    attn_mask=None,
    is_causal=False,
):
    arguments = (query, key, value, in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias)
    given = [argument for argument in arguments if argument is not None]

    def forward(*tensors: Tensor) -> Tensor:
        each = iter(tensors)
        q, k, v, *parameters = (None if a is None else next(each) for a in arguments)
        options = {"attn_mask": attn_mask, "is_causal": is_causal}
        attend: Any = multi_head_attention  # with its weights: fused kernels have no second derivative
        output: Tensor = attend(q, k, v, num_heads, *parameters, **options, need_weights=True)[0]
        return output

    gradients = iter(_pulled_back(forward, grad_output, *given))
    return MultiHeadGradients(*(None if a is None else next(gradients) for a in arguments))


# --- tokens -------------------------------------------------------------------------------------------------


def to_tokens(input: Tensor) -> Tensor:
    return input.flatten(2).transpose(1, 2)


def from_tokens(tokens: Tensor, size: Sequence[int]) -> Tensor:
    images, _, channels = tokens.shape
    return tokens.transpose(1, 2).reshape(images, channels, *size)


def patchify(input: Tensor, patch_size: Ints, stride: Ints | None = None) -> Tensor:
    _, patch, strides = patch_grid(input.shape[2:], patch_size, stride)
    patches: Tensor = sliding_windows(input, patch, strides).permute(0, 2, 3, 1, 4, 5)  # n i j c u v
    return patches.flatten(3).flatten(1, 2)


def unpatchify(tokens: Tensor, size: Ints, patch_size: Ints, stride: Ints | None = None) -> Tensor:
    sizes = as_tuple(size, 2, "size")
    grid, patch, strides = patch_grid(sizes, patch_size, stride)
    if strides == patch:  # torch has no fold of whole numbers
        channels = tokens.shape[2] // math.prod(patch)
        patches = tokens.reshape(-1, *grid, channels, *patch).permute(0, 3, 1, 4, 2, 5)  # n c i u j v
        return patches.flatten(4).flatten(2, 3)
    columns = (tokens.float() if tokens.dtype.itemsize == 2 else tokens).transpose(1, 2)
    together, patches = (
        F.fold(each, sizes, patch, stride=strides)
        for each in (columns, torch.ones_like(columns[:1, : math.prod(patch)]))
    )
    return (together / patches).to(tokens.dtype)

"""The torch twin of every operation, on one page: the same names, on the tensor's own device, with autograd.

The public functions have checked their arguments before they come here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import grad as torch_grad

from convlib.conv import bias_axes
from convlib.shapes import Ints, Padding, as_tuple, conv_layout, correlation_padding, pool_layout
from convlib.windows import sliding_windows

pad = F.pad
unfold = F.unfold
fold = F.fold


def _pad_sides(input: Tensor, padding: Sequence[tuple[int, int]]) -> Tensor:
    return F.pad(input, [side for sides in reversed(padding) for side in sides])


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
        grad_output.sum(bias_axes(grad_output.ndim)),
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


def conv_transpose2d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, weight, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    def forward(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.conv_transpose2d(input, weight, bias, stride, padding, output_padding, groups, dilation)

    bias = weight.new_zeros(grad_output.shape[-3])
    gradients = torch.func.vjp(forward, input, weight, bias)[1]
    return gradients(grad_output)


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


# --- resizing -----------------------------------------------------------------------------------------------

interpolate = F.interpolate


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
        options = (size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
        return F.interpolate(input, *options)

    backward: Any = torch.func.vjp(forward, grad_output.new_zeros(tuple(input_size)))[1]
    return backward(grad_output)[0]


# --- pooling ------------------------------------------------------------------------------------------------


def _sent_back(forward: Any, input: Tensor, grad_output: Tensor) -> Tensor:
    gradients: Any = torch.func.vjp(forward, input)[1]
    gradient: Tensor = gradients(grad_output)[0]
    return gradient


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
    return F.lp_pool1d(input, norm_type, kernel, stride, ceil_mode)


lp_pool2d, lp_pool3d = F.lp_pool2d, F.lp_pool3d


def lp_pool1d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, norm_type, kernel_size, stride=None, ceil_mode=False
):
    options = (norm_type, *as_tuple(kernel_size, 1, "kernel_size"), stride, ceil_mode)
    return _sent_back(lambda input: F.lp_pool1d(input, *options), input, grad_output)


def lp_pool2d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, norm_type, kernel_size, stride=None, ceil_mode=False
):
    options = (norm_type, kernel_size, stride, ceil_mode)
    return _sent_back(lambda input: F.lp_pool2d(input, *options), input, grad_output)


def lp_pool3d_backward(  # type: ignore[no-untyped-def]
    grad_output, input, norm_type, kernel_size, stride=None, ceil_mode=False
):
    options = (norm_type, kernel_size, stride, ceil_mode)
    return _sent_back(lambda input: F.lp_pool3d(input, *options), input, grad_output)


@contextmanager
def _indices_inside(function: str) -> Iterator[None]:
    """torch looks at the numbers themselves; where it can say so, an index outside is a ValueError."""
    try:
        yield
    except (RuntimeError, IndexError) as error:
        if "index" not in str(error):
            raise
        raise ValueError(f"{function}: an index lies outside the output") from error


def max_unpool1d(  # type: ignore[no-untyped-def]
    input, indices, kernel_size, stride=None, padding=0, output_size=None
):
    with _indices_inside("max_unpool1d"):
        return F.max_unpool1d(input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(  # type: ignore[no-untyped-def]
    input, indices, kernel_size, stride=None, padding=0, output_size=None
):
    with _indices_inside("max_unpool2d"):
        return F.max_unpool2d(input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(  # type: ignore[no-untyped-def]
    input, indices, kernel_size, stride=None, padding=0, output_size=None
):
    with _indices_inside("max_unpool3d"):
        return F.max_unpool3d(input, indices, kernel_size, stride, padding, output_size)


def _unpool_backward(n: int, grad_output: Tensor, indices: Tensor) -> Tensor:
    with _indices_inside(f"max_unpool{n}d_backward"):
        return grad_output.flatten(-n).gather(-1, indices.flatten(-n)).reshape(indices.shape)


def max_unpool1d_backward(grad_output, indices):  # type: ignore[no-untyped-def]
    return _unpool_backward(1, grad_output, indices)


def max_unpool2d_backward(grad_output, indices):  # type: ignore[no-untyped-def]
    return _unpool_backward(2, grad_output, indices)


def max_unpool3d_backward(grad_output, indices):  # type: ignore[no-untyped-def]
    return _unpool_backward(3, grad_output, indices)


# --- adaptive pooling ---------------------------------------------------------------------------------------

adaptive_avg_pool2d, adaptive_avg_pool3d = F.adaptive_avg_pool2d, F.adaptive_avg_pool3d
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (
    F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d,
)  # fmt: skip


def adaptive_avg_pool1d(input, output_size):  # type: ignore[no-untyped-def]
    return F.adaptive_avg_pool1d(input, output_size)


def adaptive_avg_pool1d_backward(grad_output, input_size, output_size):  # type: ignore[no-untyped-def]
    pooled = grad_output.new_zeros(tuple(input_size))
    return _sent_back(lambda input: F.adaptive_avg_pool1d(input, output_size), pooled, grad_output)


def adaptive_avg_pool2d_backward(grad_output, input_size, output_size):  # type: ignore[no-untyped-def]
    pooled = grad_output.new_zeros(tuple(input_size))
    return _sent_back(lambda input: F.adaptive_avg_pool2d(input, output_size), pooled, grad_output)


def adaptive_avg_pool3d_backward(grad_output, input_size, output_size):  # type: ignore[no-untyped-def]
    pooled = grad_output.new_zeros(tuple(input_size))
    return _sent_back(lambda input: F.adaptive_avg_pool3d(input, output_size), pooled, grad_output)


def adaptive_max_pool1d_backward(grad_output, input, output_size):  # type: ignore[no-untyped-def]
    return _sent_back(lambda input: F.adaptive_max_pool1d(input, output_size), input, grad_output)


def adaptive_max_pool2d_backward(grad_output, input, output_size):  # type: ignore[no-untyped-def]
    return _sent_back(lambda input: F.adaptive_max_pool2d(input, output_size), input, grad_output)


def adaptive_max_pool3d_backward(grad_output, input, output_size):  # type: ignore[no-untyped-def]
    return _sent_back(lambda input: F.adaptive_max_pool3d(input, output_size), input, grad_output)


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

"""The torch twin of every operation, on one page: the same names, on the tensor's own device, with autograd.

The public functions have checked their arguments before they come here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import grad as torch_grad

from convlib.conv import bias_axes
from convlib.shapes import Ints, Padding, conv_layout, correlation_padding

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


# --- attention ----------------------------------------------------------------------------------------------


def _attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, dropout_p: float, is_causal: bool,
    scale: float | None, enable_gqa: bool,
) -> Tensor:  # fmt: skip
    if attn_mask is not None and attn_mask.ndim < 2:  # too few for torch's fused kernel on the CPU
        attn_mask = attn_mask.reshape(1, -1)
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
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
    return torch.func.vjp(forward, *arguments)[1](grad_output)

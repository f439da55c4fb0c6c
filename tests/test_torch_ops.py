"""Autograd and devices. *Placement* is judged without a GPU: a computation on meta tensors stays there.

`pytest -m cuda` runs the same operations on a CUDA device, with their values; without one they are skipped.
"""

import math
import shutil
import sysconfig
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import convlib

cuda = pytest.param("cuda", marks=[
    pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
])  # fmt: skip


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(len(shape) + sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def places(like: Any, *shape: int) -> Any:
    """0, 2, 4, ... in each plane: indices of the kind and on the device of `like`."""
    planes, places = math.prod(shape[:2]), math.prod(shape[2:])
    if isinstance(like, np.ndarray):
        return np.tile(np.arange(places) * 2, planes).reshape(shape)
    return (torch.arange(places, device=like.device) * 2).repeat(planes).reshape(shape)


LAYER = numbers(12, 4), numbers(12), numbers(4, 4), numbers(4)  # of attention with four features


def heads(attend: Callable, **options: Any) -> Callable:
    """With two heads: their number stands between the tensors."""
    return lambda query, key, value, *layer: attend(query, key, value, 2, *layer, **options)


def multi_head_gradients(*given: Any, **options: Any) -> tuple[Any, ...]:
    gradients = convlib.multi_head_attention_backward(*given, **options)
    return tuple(gradient for gradient in gradients if gradient is not None)


# Each operation with the tensors that it takes: every one of them is differentiated.
OPERATIONS: dict[str, tuple[Callable, tuple[torch.Tensor, ...]]] = {
    "conv1d": (
        partial(convlib.conv1d, stride=2, padding=1, dilation=2, groups=2),
        (numbers(2, 4, 9), numbers(2, 2, 3), numbers(2)),
    ),
    "conv1d, one sequence, same": (
        partial(convlib.conv1d, padding="same"), (numbers(2, 9), numbers(3, 2, 4)),
    ),
    "conv2d": (
        partial(convlib.conv2d, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
        (numbers(2, 4, 5, 6), numbers(4, 2, 3, 2), numbers(4)),
    ),
    "conv2d, one image, same": (
        partial(convlib.conv2d, padding="same"), (numbers(2, 5, 6), numbers(3, 2, 2, 4)),
    ),
    "conv2d, same": (
        partial(convlib.conv2d, padding="same"), (numbers(2, 2, 5, 6), numbers(3, 2, 2, 4), numbers(3)),
    ),
    "conv2d, valid": (
        partial(convlib.conv2d, padding="valid"), (numbers(1, 2, 5, 6), numbers(3, 2, 2, 3)),
    ),
    "conv3d": (
        partial(convlib.conv3d, stride=2, padding=1),
        (numbers(1, 2, 4, 3, 4), numbers(2, 2, 2, 3, 2), numbers(2)),
    ),
    "conv3d, one volume, same": (
        partial(convlib.conv3d, padding="same"), (numbers(1, 3, 3, 3), numbers(2, 1, 2, 1, 3)),
    ),
    "conv1d_input": (
        partial(convlib.conv1d_input, (2, 2, 9), stride=2), (numbers(3, 2, 4), numbers(2, 3, 3)),
    ),
    "conv2d_input": (
        partial(convlib.conv2d_input, (2, 4, 6, 5), stride=2, padding=1, groups=2),
        (numbers(2, 2, 3, 3), numbers(2, 2, 3, 3)),
    ),
    "conv2d_input, one image, same": (
        partial(convlib.conv2d_input, (2, 5, 6), padding="same"), (numbers(3, 2, 2, 4), numbers(3, 5, 6)),
    ),
    "conv3d_input": (
        partial(convlib.conv3d_input, (1, 2, 3, 3, 3)), (numbers(2, 2, 2, 2, 2), numbers(1, 2, 2, 2, 2)),
    ),
    "conv1d_weight": (
        lambda input, grad: convlib.conv1d_weight(input, (3, 2, 4), grad, stride=2),
        (numbers(2, 2, 9), numbers(2, 3, 3)),
    ),
    "conv2d_weight": (
        lambda input, grad: convlib.conv2d_weight(input, (2, 2, 3, 3), grad, stride=2, padding=1, groups=2),
        (numbers(2, 4, 6, 5), numbers(2, 2, 3, 3)),
    ),
    "conv2d_weight, one image, same": (
        lambda input, grad: convlib.conv2d_weight(input, (3, 2, 2, 4), grad, padding="same"),
        (numbers(2, 5, 6), numbers(3, 5, 6)),
    ),
    "conv3d_weight": (
        lambda input, grad: convlib.conv3d_weight(input, (2, 2, 2, 2, 2), grad),
        (numbers(1, 2, 3, 3, 3), numbers(1, 2, 2, 2, 2)),
    ),
    "conv2d_backward": (
        partial(convlib.conv2d_backward, padding=1),
        (numbers(2, 3, 4, 5), numbers(2, 2, 4, 5), numbers(3, 2, 3, 3)),
    ),
    "conv_matrix": (
        partial(convlib.conv_matrix, input_size=(2, 4, 3), padding="same"), (numbers(3, 2, 2, 3),),
    ),
    "correlate2d": (partial(convlib.correlate2d, mode="same"), (numbers(4, 5), numbers(2, 3))),
    "convolve2d": (convlib.convolve2d, (numbers(4, 5), numbers(2, 3))),
    "pad": (partial(convlib.pad, pad=(1, -1, 2, 0), value=1.5), (numbers(2, 3, 4),)),
    "pad, reflect": (partial(convlib.pad, pad=(1, 2, 2, 0), mode="reflect"), (numbers(2, 3, 4),)),
    "pad, replicate": (partial(convlib.pad, pad=(1, 2, 2, 0), mode="replicate"), (numbers(2, 3, 4),)),
    "pad, circular": (partial(convlib.pad, pad=(1, 2, 2, 0), mode="circular"), (numbers(2, 3, 4),)),
    "sliding_windows": (
        partial(convlib.sliding_windows, kernel_size=(2, 3), stride=2, dilation=(2, 1)),
        (numbers(2, 5, 6),),
    ),
    "unfold": (
        partial(convlib.unfold, kernel_size=(2, 3), dilation=2, padding=1, stride=2), (numbers(2, 5, 6),),
    ),
    "fold": (
        partial(convlib.fold, output_size=(5, 6), kernel_size=2, padding=1, stride=2), (numbers(1, 8, 12),),
    ),
    "conv_transpose1d": (
        partial(convlib.conv_transpose1d, stride=3, padding=1, output_padding=2, groups=2, dilation=2),
        (numbers(2, 4, 3), numbers(4, 2, 3), numbers(4)),
    ),
    "conv_transpose2d": (
        partial(convlib.conv_transpose2d, stride=(2, 1), padding=(1, 0), output_padding=(1, 0), groups=2),
        (numbers(2, 4, 3, 2), numbers(4, 1, 3, 2), numbers(2)),
    ),
    "conv_transpose2d, one image": (convlib.conv_transpose2d, (numbers(2, 3, 2), numbers(2, 3, 2, 2))),
    "conv_transpose3d": (
        partial(convlib.conv_transpose3d, stride=2, output_padding=1),
        (numbers(1, 2, 2, 1, 2), numbers(2, 1, 2, 1, 2)),
    ),
    "conv_transpose1d_backward": (
        partial(convlib.conv_transpose1d_backward, stride=2),
        (numbers(2, 3, 7), numbers(2, 2, 3), numbers(2, 3, 3)),
    ),
    "conv_transpose3d_backward": (
        partial(convlib.conv_transpose3d_backward, padding=1),
        (numbers(1, 2, 2, 2, 2), numbers(1, 1, 2, 2, 2), numbers(1, 2, 3, 3, 3)),
    ),
    "pad_backward": (
        partial(convlib.pad_backward, input_size=(2, 3, 4), pad=(1, -1, 2, 0)), (numbers(2, 5, 4),),
    ),
    "pad_backward, reflect": (
        partial(convlib.pad_backward, input_size=(2, 3, 4), pad=(1, 2), mode="reflect"), (numbers(2, 3, 7),),
    ),
    "conv_transpose2d_backward": (
        partial(convlib.conv_transpose2d_backward, stride=2, padding=1, output_padding=1),
        (numbers(2, 3, 6, 4), numbers(2, 2, 3, 2), numbers(2, 3, 3, 3)),
    ),
    "pixel_shuffle": (partial(convlib.pixel_shuffle, upscale_factor=2), (numbers(1, 8, 2, 3),)),
    "pixel_unshuffle": (partial(convlib.pixel_unshuffle, downscale_factor=2), (numbers(2, 4, 6),)),
    "icnr": (partial(convlib.icnr, upscale_factor=2), (numbers(2, 3, 3, 2),)),
    "channel_shuffle": (partial(convlib.channel_shuffle, groups=2), (numbers(2, 6, 3),)),
    "interpolate, nearest": (partial(convlib.interpolate, size=(5, 3)), (numbers(1, 2, 4, 6),)),
    "interpolate, nearest-exact": (
        partial(convlib.interpolate, size=3, mode="nearest-exact"), (numbers(2, 1, 4),),
    ),
    "interpolate, linear": (
        partial(convlib.interpolate, scale_factor=1.7, mode="linear"), (numbers(2, 2, 5),),
    ),
    "interpolate, bilinear": (
        partial(convlib.interpolate, size=7, mode="bilinear", align_corners=True), (numbers(1, 2, 4, 6),),
    ),
    "interpolate, bicubic, antialias": (
        partial(convlib.interpolate, size=(2, 9), mode="bicubic", antialias=True), (numbers(1, 2, 6, 5),),
    ),
    "interpolate, lanczos": (
        partial(convlib.interpolate, size=(2, 9), mode="lanczos", antialias=True), (numbers(1, 2, 6, 5),),
    ),
    "interpolate, bicubic": (partial(convlib.interpolate, size=7, mode="bicubic"), (numbers(1, 2, 4, 6),)),
    "interpolate, trilinear": (
        partial(convlib.interpolate, scale_factor=(2, 0.5, 1.5), mode="trilinear"), (numbers(1, 1, 3, 4, 2),),
    ),
    "interpolate, area": (partial(convlib.interpolate, size=(3, 5), mode="area"), (numbers(1, 2, 4, 6),)),
    "interpolate_backward": (
        partial(convlib.interpolate_backward, input_size=(1, 2, 4, 6), size=5, mode="bilinear"),
        (numbers(1, 2, 5, 5),),
    ),
    "interpolate_backward, antialias": (
        partial(
            convlib.interpolate_backward, input_size=(1, 2, 9, 6), size=3, mode="bilinear", antialias=True
        ),
        (numbers(1, 2, 3, 3),),
    ),
    "max_pool1d": (partial(convlib.max_pool1d, kernel_size=3, padding=1), (numbers(2, 2, 9),)),
    "max_pool2d": (
        partial(convlib.max_pool2d, kernel_size=(2, 3), stride=2, dilation=(2, 1)), (numbers(1, 2, 6, 7),),
    ),
    "max_pool2d, indices": (
        lambda input: convlib.max_pool2d(input, 2, return_indices=True)[0], (numbers(2, 6, 7),),
    ),
    "max_pool3d": (partial(convlib.max_pool3d, kernel_size=2), (numbers(1, 2, 4, 3, 4),)),
    "max_pool1d_backward": (
        partial(convlib.max_pool1d_backward, kernel_size=2), (numbers(2, 2, 4), numbers(2, 2, 9)),
    ),
    "max_pool2d_backward": (
        partial(convlib.max_pool2d_backward, kernel_size=3, stride=2, padding=1),
        (numbers(1, 2, 3, 3), numbers(1, 2, 5, 6)),
    ),
    "max_pool2d_backward, shared": (  # of the image only its order counts
        lambda grad: convlib.max_pool2d_backward(
            grad, places(grad, 2, 2, 5, 6) * grad.sum(), 3, 2, 1, ceil_mode=True, ties="shared"
        ),
        (numbers(2, 2, 3, 4),),
    ),
    "max_pool3d_backward": (
        partial(convlib.max_pool3d_backward, kernel_size=2),
        (numbers(1, 2, 2, 1, 2), numbers(1, 2, 4, 3, 4)),
    ),
    "avg_pool1d": (
        partial(convlib.avg_pool1d, kernel_size=3, padding=1, count_include_pad=False), (numbers(2, 2, 9),),
    ),
    "avg_pool2d": (
        partial(convlib.avg_pool2d, kernel_size=(2, 3), stride=2, ceil_mode=True, divisor_override=5),
        (numbers(1, 2, 6, 7),),
    ),
    "avg_pool3d": (partial(convlib.avg_pool3d, kernel_size=2), (numbers(1, 2, 4, 3, 4),)),
    "avg_pool1d_backward": (
        partial(convlib.avg_pool1d_backward, input_size=(2, 2, 9), kernel_size=2), (numbers(2, 2, 4),),
    ),
    "avg_pool2d_backward": (
        partial(convlib.avg_pool2d_backward, input_size=(2, 6, 5), kernel_size=3, padding=1),
        (numbers(2, 2, 2),),
    ),
    "avg_pool3d_backward": (
        partial(convlib.avg_pool3d_backward, input_size=(2, 4, 3, 4), kernel_size=2), (numbers(2, 2, 1, 2),),
    ),
    "lp_pool1d": (
        lambda input: convlib.lp_pool1d(input * input + 1, 3, 2),
        (numbers(2, 2, 9),),
    ),
    "lp_pool2d": (partial(convlib.lp_pool2d, norm_type=2, kernel_size=3, stride=2), (numbers(1, 2, 6, 7),)),
    "lp_pool3d, inf": (
        partial(convlib.lp_pool3d, norm_type=float("inf"), kernel_size=2), (numbers(1, 2, 4, 3, 4),),
    ),
    "lp_pool1d_backward": (
        partial(convlib.lp_pool1d_backward, norm_type=2, kernel_size=2), (numbers(2, 2, 4), numbers(2, 2, 9)),
    ),
    "lp_pool2d_backward": (
        partial(convlib.lp_pool2d_backward, norm_type=2, kernel_size=3), (numbers(2, 2, 2), numbers(2, 6, 7)),
    ),
    "lp_pool3d_backward": (
        partial(convlib.lp_pool3d_backward, norm_type=4, kernel_size=2),
        (numbers(2, 2, 1, 2), numbers(2, 4, 3, 4)),
    ),
    "max_unpool1d": (
        lambda input: convlib.max_unpool1d(input, places(input, 2, 2, 3), 2), (numbers(2, 2, 3),),
    ),
    "max_unpool2d": (
        lambda input: convlib.max_unpool2d(input, places(input, 1, 2, 2, 2), 2, output_size=(5, 4)),
        (numbers(1, 2, 2, 2),),
    ),
    "max_unpool3d": (
        lambda input: convlib.max_unpool3d(input, places(input, 1, 2, 2, 1, 2), 2), (numbers(1, 2, 2, 1, 2),),
    ),
    "max_unpool1d_backward": (
        lambda grad: convlib.max_unpool1d_backward(grad, places(grad, 2, 2, 2)), (numbers(2, 2, 5),),
    ),
    "max_unpool2d_backward": (
        lambda grad: convlib.max_unpool2d_backward(grad, places(grad, 1, 2, 2, 2)), (numbers(1, 2, 4, 5),),
    ),
    "max_unpool3d_backward": (
        lambda grad: convlib.max_unpool3d_backward(grad, places(grad, 1, 2, 2, 1, 2)),
        (numbers(1, 2, 4, 2, 4),),
    ),
    "adaptive_avg_pool1d": (partial(convlib.adaptive_avg_pool1d, output_size=3), (numbers(2, 2, 5),)),
    "adaptive_avg_pool2d": (partial(convlib.adaptive_avg_pool2d, output_size=(None, 3)), (numbers(2, 4, 5),)),
    "adaptive_avg_pool3d": (partial(convlib.adaptive_avg_pool3d, output_size=2), (numbers(1, 2, 3, 4, 5),)),
    "adaptive_max_pool1d": (partial(convlib.adaptive_max_pool1d, output_size=3), (numbers(2, 2, 5),)),
    "adaptive_max_pool2d": (partial(convlib.adaptive_max_pool2d, output_size=(None, 3)), (numbers(2, 4, 5),)),
    "adaptive_max_pool3d": (partial(convlib.adaptive_max_pool3d, output_size=2), (numbers(1, 2, 3, 4, 5),)),
    "adaptive_avg_pool1d_backward": (
        partial(convlib.adaptive_avg_pool1d_backward, input_size=(2, 5), output_size=3), (numbers(2, 3),),
    ),
    "adaptive_avg_pool2d_backward": (
        partial(convlib.adaptive_avg_pool2d_backward, input_size=(1, 4, 5), output_size=3),
        (numbers(1, 3, 3),),
    ),
    "adaptive_avg_pool3d_backward": (
        partial(convlib.adaptive_avg_pool3d_backward, input_size=(2, 3, 4, 5), output_size=2),
        (numbers(2, 2, 2, 2),),
    ),
    "adaptive_max_pool1d_backward": (
        partial(convlib.adaptive_max_pool1d_backward, output_size=3), (numbers(2, 2, 3), numbers(2, 2, 5)),
    ),
    "adaptive_max_pool2d_backward": (
        partial(convlib.adaptive_max_pool2d_backward, output_size=3), (numbers(2, 3, 3), numbers(2, 4, 5)),
    ),
    "adaptive_max_pool3d_backward": (
        partial(convlib.adaptive_max_pool3d_backward, output_size=2),
        (numbers(2, 2, 2, 2), numbers(2, 3, 4, 5)),
    ),
    "global_avg_pool1d": (convlib.global_avg_pool1d, (numbers(2, 2, 5),)),
    "global_avg_pool2d": (convlib.global_avg_pool2d, (numbers(2, 4, 5),)),
    "global_avg_pool3d": (convlib.global_avg_pool3d, (numbers(2, 3, 4, 5),)),
    "global_max_pool1d": (convlib.global_max_pool1d, (numbers(2, 2, 5),)),
    "global_max_pool2d": (convlib.global_max_pool2d, (numbers(2, 4, 5),)),
    "global_max_pool3d": (convlib.global_max_pool3d, (numbers(2, 3, 4, 5),)),
    "blur_pool1d": (partial(convlib.blur_pool1d, kernel_size=4), (numbers(2, 2, 9),)),
    "blur_pool2d": (partial(convlib.blur_pool2d, kernel_size=(3, 5), stride=(2, 1)), (numbers(1, 2, 6, 7),)),
    "blur_pool2d, circular": (
        partial(convlib.blur_pool2d, kernel_size=7, padding_mode="circular"), (numbers(2, 6, 7),),
    ),
    "blur_pool3d": (partial(convlib.blur_pool3d, padding_mode="zeros"), (numbers(1, 2, 4, 3, 4),)),
    "blur_pool1d_backward": (
        partial(convlib.blur_pool1d_backward, input_size=(2, 2, 9)), (numbers(2, 2, 5),),
    ),
    "blur_pool2d_backward": (
        partial(convlib.blur_pool2d_backward, input_size=(2, 6, 5), kernel_size=4), (numbers(2, 3, 3),),
    ),
    "blur_pool3d_backward": (
        partial(convlib.blur_pool3d_backward, input_size=(1, 2, 4, 3, 4), padding_mode="replicate"),
        (numbers(1, 2, 2, 2, 2),),
    ),
    "c4_lift": (partial(convlib.c4_lift, padding=1), (numbers(1, 2, 5, 4), numbers(2, 2, 3, 3))),
    "c4_conv": (convlib.c4_conv, (numbers(2, 4, 3, 4), numbers(2, 2, 4, 2, 2))),
    "c4_pool": (convlib.c4_pool, (numbers(2, 2, 4, 3, 4),)),
    "scaled_dot_product_attention": (
        convlib.scaled_dot_product_attention, (numbers(2, 3, 4, 2), numbers(2, 3, 5, 2), numbers(2, 3, 5, 6)),
    ),
    "scaled_dot_product_attention, mask of numbers": (
        partial(convlib.scaled_dot_product_attention, scale=-0.7),
        (numbers(2, 1, 4, 2), numbers(3, 5, 2), numbers(1, 5, 6), numbers(3, 1, 5)),
    ),
    "scaled_dot_product_attention, causal, grouped": (
        partial(convlib.scaled_dot_product_attention, is_causal=True, enable_gqa=True),
        (numbers(2, 4, 3, 2), numbers(2, 2, 5, 2), numbers(2, 1, 5, 3)),
    ),
    "scaled_dot_product_attention_backward": (
        partial(convlib.scaled_dot_product_attention_backward, is_causal=True),
        (numbers(2, 4, 3), numbers(2, 4, 2), numbers(1, 5, 2), numbers(5, 3)),
    ),
    "scaled_dot_product_attention_backward, mask of numbers, grouped": (
        partial(convlib.scaled_dot_product_attention_backward, scale=0.7, enable_gqa=True),
        (numbers(4, 4, 3), numbers(4, 4, 2), numbers(2, 5, 2), numbers(1, 5, 3), numbers(5)),
    ),
    "multi_head_attention": (
        heads(convlib.multi_head_attention), (numbers(3, 4), numbers(5, 4), numbers(5, 4), *LAYER),
    ),
    "multi_head_attention, causal, without biases": (
        lambda query, memory, w_in, w_out: convlib.multi_head_attention(
            query, memory, memory, 1, w_in, None, w_out, None, is_causal=True
        ),
        (numbers(3, 4), numbers(5, 4), *LAYER[::2]),
    ),
    "multi_head_attention, weights, mask of numbers": (
        lambda tokens, mask, *layer: convlib.multi_head_attention(
            tokens, tokens, tokens, 2, *layer, attn_mask=mask, need_weights=True
        ),
        (numbers(2, 3, 4), numbers(2, 1, 3), *LAYER),
    ),
    "multi_head_attention, weights, causal": (
        heads(convlib.multi_head_attention, is_causal=True, need_weights=True),
        (numbers(2, 3, 4), numbers(2, 5, 4), numbers(2, 5, 4), *LAYER),
    ),
    "multi_head_attention_backward": (  # what is added to the output has no part in it
        lambda grad, *given: multi_head_gradients(grad, *given[:3], 2, *given[3:], None),
        (numbers(2, 3, 4), numbers(2, 3, 4), numbers(2, 5, 4), numbers(2, 5, 4), *LAYER[:3]),
    ),
    "multi_head_attention_backward, causal, without biases": (
        lambda grad, x, w_in, w_out: multi_head_gradients(
            grad, x, x, x, 2, w_in, None, w_out, None, is_causal=True
        ),
        (numbers(3, 4), numbers(3, 4), *LAYER[::2]),
    ),
    "to_tokens": (convlib.to_tokens, (numbers(2, 3, 4, 5),)),
    "to_tokens, sequences": (convlib.to_tokens, (numbers(2, 3, 4),)),
    "from_tokens": (partial(convlib.from_tokens, size=(2, 1, 3)), (numbers(2, 6, 3),)),
    "patchify": (partial(convlib.patchify, patch_size=(2, 3)), (numbers(2, 3, 4, 6),)),
    "patchify, overlapping": (partial(convlib.patchify, patch_size=3, stride=(2, 1)), (numbers(2, 3, 6, 5),)),
    "unpatchify": (partial(convlib.unpatchify, size=(4, 6), patch_size=(2, 3)), (numbers(2, 4, 12),)),
    "unpatchify, overlapping": (
        partial(convlib.unpatchify, size=(5, 4), patch_size=3, stride=(2, 1)), (numbers(2, 4, 18),),
    ),
}  # fmt: skip
CPU_ONLY = {OPERATIONS["interpolate, lanczos"][0]}  # torch 2.13 says so in its documentation
operations = pytest.mark.parametrize(("operation", "tensors"), OPERATIONS.values(), ids=OPERATIONS.keys())


class OneDevice(TorchDispatchMode):
    """Refuses every step of a computation that takes or gives a tensor of another device."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device
        self.steps = 0

    def __torch_dispatch__(self, step, types, args=(), kwargs=None):
        result = step(*args, **(kwargs or {}))
        seen = {
            leaf.device.type for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor)
        }
        assert seen <= {self.device}, f"{step} works on {sorted(seen)}"
        self.steps += 1
        return result


def forward_and_backward(operation, tensors, device):
    """(results, gradients), from leaves on the device, with everything between seen by `OneDevice`."""
    leaves = [tensor.to(device, copy=True).requires_grad_() for tensor in tensors]
    with OneDevice(device) as guard:
        results = operation(*leaves)
        results = results if isinstance(results, tuple) else (results,)
        torch.autograd.backward(
            [result for result in results], [torch.ones_like(result) for result in results]
        )
    assert guard.steps > 0
    return results, [leaf.grad for leaf in leaves]


def test_every_operation_has_a_call():
    twins = {name for name in convlib.__all__ if hasattr(getattr(convlib, name), "__wrapped__")}
    assert {name.partition(",")[0] for name in OPERATIONS} == twins | {"sliding_windows"}


@pytest.mark.parametrize("device", ["cpu", "meta", cuda])
@operations
def test_nothing_leaves_the_device_forward_or_backward(operation, tensors, device):
    if device == "cuda" and operation in CPU_ONLY:
        with pytest.raises(TypeError, match=r"torch does not offer it for torch\.float64 on cuda"):
            operation(*(tensor.to(device) for tensor in tensors))
        return
    results, gradients = forward_and_backward(operation, tensors, device)
    expected, expected_gradients = forward_and_backward(operation, tensors, "cpu")
    for actual, reference in zip((*results, *gradients), (*expected, *expected_gradients), strict=True):
        assert actual.device.type == device
        assert actual.shape == reference.shape
        assert actual.dtype == reference.dtype
        if device != "meta":
            torch.testing.assert_close(actual.cpu(), reference)


def test_the_guard_notices_a_tensor_of_another_device():
    with OneDevice("meta"), pytest.raises(AssertionError, match=r"works on \['cpu'\]"):
        torch.eye(3)
    two = torch.tensor(2.0)
    with OneDevice("meta"), pytest.raises(AssertionError, match=r"works on \['cpu', 'meta'\]"):
        torch.ones(2, device="meta") * two


@operations
def test_arrays_and_tensors_agree(operation, tensors):
    with torch.no_grad():
        twins = operation(*tensors)
    results = operation(*(tensor.numpy() for tensor in tensors))
    if not isinstance(results, tuple):
        results, twins = (results,), (twins,)
    for result, twin in zip(results, twins, strict=True):
        torch.testing.assert_close(torch.tensor(result), twin)


@operations
def test_autograd_flows_and_is_right(operation, tensors):
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    assert torch.autograd.gradcheck(operation, leaves, fast_mode=True)


def test_the_gradient_of_the_gradient_is_right_too():
    leaves = [numbers(1, 2, 4, 4).requires_grad_(), numbers(2, 2, 2, 3).requires_grad_()]
    assert torch.autograd.gradgradcheck(partial(convlib.conv2d, padding="same"), leaves, fast_mode=True)


@pytest.mark.parametrize("device", ["cpu", cuda])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_smaller_number_types_stay_and_are_close(dtype, device):
    image, weight, bias = numbers(2, 4, 6, 6), numbers(3, 4, 3, 3), numbers(3)
    small = [tensor.to(device, dtype, copy=True).requires_grad_() for tensor in (image, weight, bias)]
    output = convlib.conv2d(*small, padding=1)
    assert output.dtype == dtype
    exact = convlib.conv2d(*(tensor.detach().double().cpu() for tensor in small), padding=1)
    tolerance = {
        torch.bfloat16: 2**-6,
        torch.float16: 2**-9,
        torch.float32: 1e-3 if device == "cuda" else 1e-5,
    }
    torch.testing.assert_close(output.double().cpu(), exact, rtol=tolerance[dtype], atol=4 * tolerance[dtype])
    output.sum().backward()
    assert all(tensor.grad.dtype == dtype for tensor in small)


def test_same_gives_no_warning_about_even_kernels():
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # torch tells most things only once; warnings are errors here
    try:
        convlib.conv2d(numbers(1, 5, 5), numbers(1, 1, 2, 2), padding="same")
    finally:
        torch.set_warn_always(before)


def test_checking_does_not_look_at_a_single_number():
    """Values on a GPU would have to be waited for."""

    class NoValues(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            assert getattr(function, "__name__", "") not in {
                "item",
                "tolist",
                "numpy",
                "__bool__",
                "__float__",
            }
            return function(*args, **(kwargs or {}))

    with NoValues():
        for operation, tensors in OPERATIONS.values():
            operation(*tensors)


# --- inside of what people do with torch: compiling, mixed precision, memory formats, transforms ------------
#
# The judge is torch's function of the same name, with the same arguments.

either = pytest.mark.parametrize("device", ["cpu", cuda])


def theirs(operation: Callable) -> Callable | None:
    """torch's function of the same name, with the same options, if there is one."""
    bound = operation if isinstance(operation, partial) else partial(operation)
    name = bound.func.__name__
    function = getattr(torch.nn.functional, name, None) or getattr(torch.nn.grad, name, None)
    return partial(function, *bound.args, **bound.keywords) if function else None


def place(operation: Callable, tensors: tuple[torch.Tensor, ...], device: str, *dtypes: torch.dtype) -> list:
    """The tensors on the device, in these dtypes, the last of which stands for all that follow."""
    if device == "cuda" and operation in CPU_ONLY:
        pytest.skip("torch offers it on the CPU alone")
    wanted = [*dtypes, *dtypes[-1:] * len(tensors)] if dtypes else [tensor.dtype for tensor in tensors]
    return [tensor.to(device, dtype) for tensor, dtype in zip(tensors, wanted, strict=False)]


def results_of(operation: Callable, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    results = operation(*tensors)
    return results if isinstance(results, tuple) else (results,)


SHARED = {
    name: (operation, theirs(operation), tensors)
    for name, (operation, tensors) in OPERATIONS.items()
    if theirs(operation) and name != "conv2d_input, one image, same"  # torch.nn.grad takes batches alone
}  # fmt: skip
shared = pytest.mark.parametrize(("operation", "torchs", "tensors"), SHARED.values(), ids=SHARED.keys())
same_is_slow = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
torchscript_is_old = pytest.mark.filterwarnings(
    "ignore:.torch.jit.*is deprecated:DeprecationWarning"
)  # within torch


@either
@operations
def test_a_compiled_operation_is_one_graph_and_gives_the_same(operation, tensors, device):
    torch.compiler.reset()
    inputs = place(operation, tensors, device)
    compiled = torch.compile(operation, fullgraph=True, backend="eager")
    for actual, expected in zip(results_of(compiled, *inputs), results_of(operation, *inputs), strict=True):
        torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize(("operation", "weights", "dynamic"), [
    (partial(convlib.conv1d, padding="same"), [numbers(3, 2, 4)], True),
    (partial(convlib.conv2d, stride=2, padding=1), [numbers(3, 2, 3, 3), numbers(3)], True),
    (partial(convlib.conv2d, padding="same"), [numbers(3, 2, 3, 3), numbers(3)], None),
    (partial(convlib.conv_transpose2d, stride=2), [numbers(2, 3, 3, 3)], True),
    (partial(convlib.pad, pad=(1, 2, 0, 3), mode="circular"), [], True),
    (partial(convlib.unfold, kernel_size=2), [], True),
    (partial(convlib.pixel_unshuffle, downscale_factor=1), [], True),
    (partial(convlib.interpolate, scale_factor=1.5, mode="nearest"), [], True),
], ids=lambda value: value.func.__name__ if isinstance(value, partial) else "")  # fmt: skip
def test_a_compiled_operation_takes_other_sizes(operation, weights, dynamic):
    """Sizes are then symbols for torch: from the first call on, or from the second, as is its default."""
    torch.compiler.reset()
    compiled = torch.compile(operation, fullgraph=True, backend="eager", dynamic=dynamic)
    rank = 1 if operation.func is convlib.conv1d else 2
    for size in (5, 8, 11):
        image = numbers(2, 2, *(size,) * rank)
        torch.testing.assert_close(compiled(image, *weights), operation(image, *weights))


def test_a_wrong_call_is_told_what_is_wrong_when_compiled():
    torch.compiler.reset()
    compiled = torch.compile(convlib.conv2d, backend="eager")
    with pytest.raises(ValueError, match="conv2d: input has 3 channels but weight expects 4"):
        compiled(numbers(1, 3, 5, 5), numbers(2, 4, 3, 3))


def cannot_compile() -> bool:
    """torch.compile needs a C++ compiler and Python's headers, and does not quote the path of torch."""
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return not shutil.which("g++") or not headers.exists() or " " in torch.__file__


@torchscript_is_old
@pytest.mark.parametrize("device", [
    pytest.param("cpu", marks=pytest.mark.skipif(cannot_compile(), reason="see cannot_compile")), cuda,
])  # fmt: skip
def test_a_compiled_model_learns_the_same(device):
    """All the way to machine code, backward as well."""

    def model(image, weight):
        return convlib.pad(convlib.conv2d(image, weight, padding="same").relu(), (1, 1, 2, 0), "reflect")

    torch.compiler.reset()
    steps = []
    for function in (model, torch.compile(model, fullgraph=True)):
        leaves = [numbers(*s, dtype=torch.float32).to(device) for s in ((1, 2, 4, 5), (3, 2, 3, 2))]
        output = function(*(leaf.requires_grad_() for leaf in leaves))
        output.square().sum().backward()
        steps.append([output, *(leaf.grad for leaf in leaves)])
    for actual, expected in zip(*steps, strict=True):
        torch.testing.assert_close(actual, expected)


@same_is_slow
@either
@shared
def test_autocast_chooses_the_dtype_that_it_chooses_for_torch(operation, torchs, tensors, device):
    inputs = place(operation, tensors, device, torch.float32)
    with torch.autocast(device, dtype=torch.bfloat16):
        for actual, expected in zip(results_of(operation, *inputs), results_of(torchs, *inputs), strict=True):
            torch.testing.assert_close(actual, expected)


LAYERS = {
    name: entry for name, entry in OPERATIONS.items()
    if name.partition(",")[0] in {f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)}
    or name in ("correlate2d", "convolve2d")
}  # fmt: skip
layers = pytest.mark.parametrize(("operation", "tensors"), LAYERS.values(), ids=LAYERS.keys())


@either
@pytest.mark.parametrize("dtypes", [(torch.float32, torch.bfloat16), (torch.bfloat16, torch.float32)])
@layers
def test_autocast_lets_dtypes_be_mixed(operation, tensors, dtypes, device):
    """The activations of a network in bfloat16 meet weights in float32."""
    mixed = place(operation, tensors, device, *dtypes)
    with pytest.raises(TypeError, match="they must be equal"):
        operation(*mixed)
    with torch.autocast(device, dtype=torch.bfloat16):
        actual = operation(*mixed)
    torch.testing.assert_close(actual, operation(*(tensor.bfloat16() for tensor in mixed)))
    assert actual.dtype == torch.bfloat16


def test_autocast_helps_only_where_it_casts():
    """... which is floating-point tensors of its own device, but for double precision, and no gradients."""
    image, weight, grad = numbers(1, 2, 4, 4), numbers(3, 2, 3, 3), numbers(1, 3, 2, 2)
    half = torch.bfloat16
    with torch.autocast("cpu", dtype=half):
        for call in (
            lambda: convlib.conv2d(image, weight.to(half)),
            lambda: convlib.conv2d(image.to(half), weight),
            lambda: convlib.conv2d(image.int(), weight.to(half)),
            lambda: convlib.conv2d(image.float(), weight.float(), torch.ones(3, dtype=torch.int32)),
            lambda: convlib.conv_transpose2d(image, weight.transpose(0, 1).to(half)),
            lambda: convlib.correlate2d(image[0, 0], weight[0, 0].to(half)),
            lambda: convlib.conv2d(image.float().to("meta"), weight.to("meta", half)),
            lambda: convlib.conv2d(image.float().numpy(), weight.numpy()),
            lambda: convlib.conv2d_input(image.shape, weight.float(), grad.to(half)),
            lambda: convlib.conv2d_weight(image.float(), weight.shape, grad.to(half)),
            lambda: convlib.conv2d_backward(grad.to(half), image.float(), weight.float()),
            lambda: convlib.conv_transpose2d_backward(image.to(half), grad.float(), weight.float()),
        ):
            with pytest.raises(TypeError, match="they must be equal"):
                call()
        assert convlib.conv2d(image, weight).dtype == torch.float64
        assert convlib.conv2d(image.long(), weight.long()).dtype == torch.int64


def test_autocast_and_compile_go_together():
    torch.compiler.reset()
    image, weight = numbers(1, 2, 4, 4, dtype=torch.float32), numbers(3, 2, 3, 3, dtype=torch.bfloat16)
    compiled = torch.compile(convlib.conv2d, fullgraph=True, backend="eager")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(compiled(image, weight), convlib.conv2d(image, weight))


def channels_last(tensor: torch.Tensor) -> torch.Tensor:
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.contiguous(memory_format=formats.get(tensor.ndim, torch.contiguous_format))


@either
@operations
def test_channels_may_come_last_in_memory(operation, tensors, device):
    inputs = place(operation, tensors, device)
    reordered = results_of(operation, *map(channels_last, inputs))
    for actual, expected in zip(reordered, results_of(operation, *inputs), strict=True):
        torch.testing.assert_close(actual, expected)


@same_is_slow
@either
@shared
def test_the_memory_format_of_the_result_is_torch_s(operation, torchs, tensors, device):
    for reordered in (slice(None), slice(1), slice(0)):  # all, the first, none
        inputs = place(operation, tensors, device)
        inputs[reordered] = map(channels_last, inputs[reordered])
        for actual, expected in zip(results_of(operation, *inputs), results_of(torchs, *inputs), strict=True):
            assert actual.stride() == expected.stride()


@pytest.mark.filterwarnings(
    "ignore:There is a performance drop because we have not yet implemented the batching"
)
@either
@operations
def test_vmap_maps_and_grad_differentiates_one_example_at_a_time(operation, tensors, device):
    examples = [torch.stack([tensor, 2 * tensor, -tensor]) for tensor in place(operation, tensors, device)]

    def loss(*tensors):
        return sum(result.square().sum() for result in results_of(operation, *tensors))

    differentiate = torch.func.grad(loss, tuple(range(len(examples))))
    for function in (operation, differentiate):
        one_by_one = [results_of(function, *example) for example in zip(*examples, strict=True)]
        for actual, expected in zip(
            results_of(torch.vmap(function), *examples), zip(*one_by_one, strict=True), strict=True
        ):
            torch.testing.assert_close(actual, torch.stack(expected))


@torchscript_is_old
@either
@operations
def test_derivatives_forward_and_backward_fit_together(operation, tensors, device):
    """<J d, g> = <d, J^T g>: torch.func.jvp and torch.func.vjp go through."""
    inputs = tuple(place(operation, tensors, device))
    results, derivative = torch.func.jvp(operation, inputs, tuple(tensor.cos() for tensor in inputs))
    _, backward = torch.func.vjp(operation, *inputs)
    several = isinstance(results, tuple)
    grads = tuple(result.sin() for result in (results if several else (results,)))
    forth = sum((d * g).sum() for d, g in zip(derivative if several else (derivative,), grads, strict=True))
    back = sum(
        (tensor.cos() * gradient).sum()
        for tensor, gradient in zip(inputs, backward(grads if several else grads[0]), strict=True)
    )
    torch.testing.assert_close(forth, back)

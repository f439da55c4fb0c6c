"""Convolutions in NumPy and torch, under the names of ``torch.nn.functional``.

NumPy arrays are computed here, step by step, without importing torch; torch tensors are computed by torch, on
their own device and with autograd. The functions are grouped as the chapters of the book are.
"""

import sys
from typing import TYPE_CHECKING

# Chapter 5, pooling
from convlib.adaptive_pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool1d_backward,
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_avg_pool3d,
    adaptive_avg_pool3d_backward,
    adaptive_max_pool1d,
    adaptive_max_pool1d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
    adaptive_max_pool3d,
    adaptive_max_pool3d_backward,
    global_avg_pool1d,
    global_avg_pool2d,
    global_avg_pool3d,
    global_max_pool1d,
    global_max_pool2d,
    global_max_pool3d,
)

# Chapter 14, attention
from convlib.attention import (
    multi_head_attention,
    multi_head_attention_backward,
    scaled_dot_product_attention,
    scaled_dot_product_attention_backward,
)

# Chapter 4, equivariance
from convlib.blur_pool import (
    blur_pool1d,
    blur_pool1d_backward,
    blur_pool2d,
    blur_pool2d_backward,
    blur_pool3d,
    blur_pool3d_backward,
)

# Chapter 2, the convolution
from convlib.conv import (
    conv1d,
    conv1d_input,
    conv1d_weight,
    conv2d,
    conv2d_backward,
    conv2d_input,
    conv2d_weight,
    conv3d,
    conv3d_input,
    conv3d_weight,
    conv_matrix,
    convolve2d,
    correlate2d,
)

# Chapter 8, larger images
from convlib.conv_transpose import (
    channel_shuffle,
    conv_transpose1d,
    conv_transpose1d_backward,
    conv_transpose2d,
    conv_transpose2d_backward,
    conv_transpose3d,
    conv_transpose3d_backward,
    pixel_shuffle,
    pixel_unshuffle,
)

# Chapter 4, equivariance
from convlib.equivariance import equivariance_error
from convlib.group_conv import c4_conv, c4_lift, c4_pool

# Chapter 8, what a decoder starts with
from convlib.initial_weights import bilinear_kernel, icnr

# Chapter 5, pooling
from convlib.pool import (
    avg_pool1d,
    avg_pool1d_backward,
    avg_pool2d,
    avg_pool2d_backward,
    avg_pool3d,
    avg_pool3d_backward,
    lp_pool1d,
    lp_pool1d_backward,
    lp_pool2d,
    lp_pool2d_backward,
    lp_pool3d,
    lp_pool3d_backward,
    max_pool1d,
    max_pool1d_backward,
    max_pool2d,
    max_pool2d_backward,
    max_pool3d,
    max_pool3d_backward,
    max_unpool1d,
    max_unpool1d_backward,
    max_unpool2d,
    max_unpool2d_backward,
    max_unpool3d,
    max_unpool3d_backward,
)

# Chapter 7, sampling and resizing
from convlib.resize import interpolate, interpolate_backward, resize_matrix

# Chapters 3, 8 and 9, size arithmetic
from convlib.shapes import (
    conv_choices,
    conv_input_sizes,
    conv_memory,
    conv_multiply_adds,
    conv_output_size,
    conv_parameters,
    conv_path_counts,
    conv_pixel_uses,
    conv_transpose_output_size,
    conv_transpose_pixel_uses,
    effective_kernel_size,
    pool_output_size,
)

# Chapter 14, feature maps as tokens
from convlib.tokens import from_tokens, patchify, position_encoding_2d, to_tokens, unpatchify

# Chapters 2 and 3, padding and windows
from convlib.windows import fold, pad, pad_backward, sliding_windows, unfold

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool1d_backward",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_avg_pool3d",
    "adaptive_avg_pool3d_backward",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_backward",
    "avg_pool1d",
    "avg_pool1d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool3d",
    "avg_pool3d_backward",
    "bilinear_kernel",
    "blur_pool1d",
    "blur_pool1d_backward",
    "blur_pool2d",
    "blur_pool2d_backward",
    "blur_pool3d",
    "blur_pool3d_backward",
    "c4_conv",
    "c4_lift",
    "c4_pool",
    "channel_shuffle",
    "conv1d",
    "conv1d_input",
    "conv1d_weight",
    "conv2d",
    "conv2d_backward",
    "conv2d_input",
    "conv2d_weight",
    "conv3d",
    "conv3d_input",
    "conv3d_weight",
    "conv_choices",
    "conv_input_sizes",
    "conv_matrix",
    "conv_memory",
    "conv_multiply_adds",
    "conv_output_size",
    "conv_parameters",
    "conv_path_counts",
    "conv_pixel_uses",
    "conv_transpose1d",
    "conv_transpose1d_backward",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "conv_transpose3d",
    "conv_transpose3d_backward",
    "conv_transpose_output_size",
    "conv_transpose_pixel_uses",
    "convolve2d",
    "correlate2d",
    "effective_kernel_size",
    "equivariance_error",
    "fold",
    "from_tokens",
    "global_avg_pool1d",
    "global_avg_pool2d",
    "global_avg_pool3d",
    "global_max_pool1d",
    "global_max_pool2d",
    "global_max_pool3d",
    "icnr",
    "interpolate",
    "interpolate_backward",
    "lp_pool1d",
    "lp_pool1d_backward",
    "lp_pool2d",
    "lp_pool2d_backward",
    "lp_pool3d",
    "lp_pool3d_backward",
    "max_pool1d",
    "max_pool1d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_pool3d",
    "max_pool3d_backward",
    "max_unpool1d",
    "max_unpool1d_backward",
    "max_unpool2d",
    "max_unpool2d_backward",
    "max_unpool3d",
    "max_unpool3d_backward",
    "multi_head_attention",
    "multi_head_attention_backward",
    "pad",
    "pad_backward",
    "patchify",
    "pixel_shuffle",
    "pixel_unshuffle",
    "pool_output_size",
    "position_encoding_2d",
    "resize_matrix",
    "scaled_dot_product_attention",
    "scaled_dot_product_attention_backward",
    "sliding_windows",
    "to_tokens",
    "unfold",
    "unpatchify",
]

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        if name == "__version__":  # pyproject.toml is the one place; looking it up takes a while
            from importlib.metadata import version

            return version("convolutions-course")
        raise AttributeError(
            f"module 'convlib' has no attribute {name!r}", name=name, obj=sys.modules[__name__]
        )

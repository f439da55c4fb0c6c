"""Convolutions in NumPy and torch, under the names of ``torch.nn.functional``.

NumPy arrays are computed here, step by step, without importing torch; torch tensors are computed by torch, on
their own device and with autograd. The functions are grouped as the chapters of the book are.
"""

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
    conv_transpose2d,
    conv_transpose2d_backward,
    conv_transpose3d,
    pixel_shuffle,
    pixel_unshuffle,
)

# Chapter 7, sampling and resizing
from convlib.resize import interpolate, interpolate_backward, resize_matrix

# Chapter 3, size arithmetic
from convlib.shapes import (
    conv_multiply_adds,
    conv_output_size,
    conv_parameters,
    conv_transpose_output_size,
    effective_kernel_size,
)

# Chapter 14, feature maps as tokens
from convlib.tokens import scaled_dot_product_attention, scaled_dot_product_attention_backward

# Chapters 2 and 3, padding and windows
from convlib.windows import fold, pad, sliding_windows, unfold

__all__ = [
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
    "conv_matrix",
    "conv_multiply_adds",
    "conv_output_size",
    "conv_parameters",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "conv_transpose3d",
    "conv_transpose_output_size",
    "convolve2d",
    "correlate2d",
    "effective_kernel_size",
    "fold",
    "interpolate",
    "interpolate_backward",
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "resize_matrix",
    "scaled_dot_product_attention",
    "scaled_dot_product_attention_backward",
    "sliding_windows",
    "unfold",
]

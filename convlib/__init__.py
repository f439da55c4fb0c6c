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

# Chapter 3, size arithmetic
from convlib.shapes import conv_multiply_adds, conv_output_size, conv_parameters, effective_kernel_size
from convlib.windows import fold, pad, sliding_windows, unfold

__all__ = [
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
    "convolve2d",
    "correlate2d",
    "effective_kernel_size",
    "fold",
    "pad",
    "sliding_windows",
    "unfold",
]

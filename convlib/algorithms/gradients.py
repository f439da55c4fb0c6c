"""The gradients of a convolution, in pieces like the convolution itself.

With respect to the input, at stride 1: a convolution of the output's gradient with the kernels turned by
half a turn and their channels exchanged, padded by what the kernel reaches beyond the padding. Every
algorithm computes it. At other strides the products of a band of output rows are added to the pixels that
they came from (`col2im`).

With respect to the weight: the windows of a band as columns again, now multiplied with the gradients of the
band, and added up over the bands; or in tiles, see `Winograd.weight_gradient`.
"""

from __future__ import annotations

import numpy as np

from convlib._dispatch import Array
from convlib.algorithms import im2col, pointwise
from convlib.algorithms.problem import Problem
from convlib.windows import col2im, crop_sides


def turned(weight: Array, problem: Problem) -> tuple[Array, Problem]:
    """The convolution that takes the gradient of an output of stride 1 to that of its input."""
    layout, groups = problem.layout, problem.groups
    n = len(layout.kernel)
    reaches = [d * (k - 1) for k, d in zip(layout.kernel, layout.dilation, strict=True)]
    padding = tuple(
        (reach - before, reach - after)
        for reach, (before, after) in zip(reaches, layout.padding, strict=True)
    )
    padded = tuple(size + reach for size, reach in zip(problem.size, reaches, strict=True))
    kernels = np.flip(weight, tuple(range(2, 2 + n))).reshape(groups, -1, *weight.shape[1:])  # g o c *k
    kernels = np.ascontiguousarray(kernels.swapaxes(1, 2)).reshape(problem.channels, -1, *layout.kernel)
    return kernels, problem._replace(
        channels=problem.outputs, outputs=problem.channels, size=layout.positions,
        layout=layout._replace(padding=padding, padded=padded, positions=problem.size),
    )  # fmt: skip


def input_in_bands(weight: Array, grad: Array, problem: Problem) -> Array:
    """The gradient of the input, for any stride."""
    layout, groups = problem.layout, problem.groups
    kernels = im2col.prepare(weight, problem).swapaxes(1, 2)  # g ck o
    if problem.size == layout.positions and not pointwise.why_not(problem):  # every window is a pixel
        maps = grad.reshape(problem.images, groups, problem.outputs // groups, -1)
        return (kernels @ maps).reshape(problem.images, problem.channels, *problem.size)
    stride, dilation = layout.stride[0], layout.dilation[0]
    image = np.zeros((problem.images, problem.channels, *layout.padded), np.result_type(weight, grad))
    for images, first, last in im2col.bands(problem):
        some = grad[images, :, first:last]
        maps = some.reshape(len(some), groups, problem.outputs // groups, -1)
        columns = (kernels @ maps).reshape(len(some), problem.channels, problem.taps, -1)
        high = (last - 1 - first) * stride + (layout.kernel[0] - 1) * dilation + 1
        seen = image[images, :, first * stride : first * stride + high]
        seen += col2im(columns, seen.shape[2:], layout.kernel, layout.stride, layout.dilation)
    return crop_sides(image, layout.padding)


def weight_in_bands(input: Array, grad: Array, problem: Problem) -> Array:
    """The gradient of the weight."""
    input = np.ascontiguousarray(input)
    outputs = problem.outputs // problem.groups
    total = np.zeros(
        (problem.groups, outputs, problem.channels // problem.groups * problem.taps),
        np.result_type(input, grad),
    )
    for images, first, last in im2col.bands(problem):
        columns = im2col.columns_of(input[images], problem, first, last)  # g ck n l
        columns = columns.reshape(*columns.shape[:2], -1)
        maps = grad[images, :, first:last].swapaxes(0, 1).reshape(problem.groups, outputs, -1)  # g o nl
        total += maps @ columns.swapaxes(1, 2)
    return total.reshape(problem.outputs, -1, *problem.layout.kernel)

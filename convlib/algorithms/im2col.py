"""Copy every window into the column of a matrix; one matrix product then meets them with every kernel.

    output  =  weight  @  columns      o, l  =  o, ckk  @  ckk, l

The columns hold each pixel once for every tap: k*k times the image. So they are made for a band of output
rows at a time, small enough to stay in the processor's cache, in memory that is used again for the next
band. The padding is never written around the image: a tap that meets it leaves zeros in its row of the
matrix.

Cost: the multiply-adds of the definition, and c*k*k*l numbers moved. Error: that of one sum of c*k*k
products.

Chellapilla, Puri and Simard, High performance convolutional neural networks for document processing (2006).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.algorithms.problem import MEBIBYTE, MOVE, Problem, reach, scratch


def why_not(problem: Problem) -> str:
    """It always can."""
    return ""


def cost(problem: Problem, prepared: bool) -> float:
    """In multiply-adds: those of the definition, and what is moved into the columns."""
    return problem.multiply_adds + MOVE * problem.images * problem.channels * problem.taps * problem.pixels


def prepare(weight: Array, problem: Problem) -> Array:
    """Every kernel as a row, apart by group: g o ck."""
    return weight.reshape(problem.groups, problem.outputs // problem.groups, -1)


def run(input: Array, kernels: Array, problem: Problem) -> Array:
    """Band by band: copy the windows, multiply."""
    input = np.ascontiguousarray(input)
    output = np.empty(problem.output_shape, np.result_type(input, kernels))
    flat = output.reshape(problem.images, *kernels.shape[:2], -1)  # n g o l
    rows, *others = problem.layout.positions
    row = math.prod(others)
    band = rows_at_a_time(problem, row)
    together = _images_at_a_time(problem) if band >= rows else 1
    for n, first in itertools.product(range(0, problem.images, together), range(0, rows, band)):
        images, last = input[n : n + together], min(first + band, rows)
        columns = columns_of(images, problem, first, last)  # g ck n l
        here = flat[n : n + together, :, :, first * row : last * row]
        if len(images) == 1:
            np.matmul(kernels, columns[:, :, 0], out=here[0])
        else:
            beside = kernels @ columns.reshape(*columns.shape[:2], -1)
            here[...] = beside.reshape(*kernels.shape[:2], *columns.shape[2:]).transpose(2, 0, 1, 3)
    return output


def rows_at_a_time(problem: Problem, row: int) -> int:
    """As many as make columns of 2 MiB, or of as much as the kernels take, which are read anew for each."""
    kernels = problem.outputs * problem.channels // problem.groups * problem.taps
    numbers = max(2 * MEBIBYTE // problem.itemsize, kernels)
    return max(1, numbers // (problem.channels * problem.taps * row))


def _images_at_a_time(problem: Problem) -> int:
    """Small images share one matrix product, which would have few columns otherwise."""
    if problem.pixels > 256:
        return 1
    return max(1, 8 * MEBIBYTE // (problem.itemsize * problem.channels * problem.taps * problem.pixels))


def columns_of(images: Array, problem: Problem, first: int, last: int) -> Array:
    """The windows of output rows first to last, in scratch: g ck n l."""
    kernel, stride, padding, dilation, _, positions = problem.layout
    counts = (last - first, *positions[1:])
    columns = scratch("columns", (problem.channels, *kernel, len(images), *counts), images.dtype)
    source = images.swapaxes(0, 1)  # c n *pixels
    *steps, across = stride
    # Every s-th pixel of a row is dealt out into an image of its own, in which the windows are neighbours.
    low = max(0, first * stride[0] - padding[0][0])
    high = (last - 1) * stride[0] - padding[0][0] + (kernel[0] - 1) * dilation[0] + 1
    band = source[:, :, low : max(high, 0)]
    dealt = [np.ascontiguousarray(band[..., at::across]) for at in range(across)] if across > 1 else [band]
    for tap in itertools.product(*map(range, kernel)):
        starts = [t * d - before for t, d, (before, _) in zip(tap, dilation, padding, strict=True)]
        starts[0] += first * stride[0] - low
        phase, starts[-1] = starts[-1] % across, starts[-1] // across
        target = columns[(slice(None), *tap)]
        if len(counts) == 2 and {*steps, across} == {1} and positions[-1] == source.shape[-1]:
            _move_rows(dealt[phase], starts, target)
        else:
            _move(dealt[phase], starts, (*steps, 1), target)
    return columns.reshape(problem.groups, -1, len(images), math.prod(counts))


def _move(source: Array, starts: Sequence[int], steps: Sequence[int], target: Array) -> None:
    """The pixels that a tap meets in the windows of `target`, and zeros where that is in the padding."""
    axes = zip(source.shape[2:], starts, steps, target.shape[2:], strict=True)
    spans = [reach(*axis) for axis in axes]
    inside: tuple[Any, ...] = (..., *(windows for windows, _ in spans))
    pixels: tuple[Any, ...] = (..., *(where for _, where in spans))
    if target[inside].size < target.size:
        target[...] = 0
    target[inside] = source[pixels]


def _move_rows(source: Array, starts: Sequence[int], target: Array) -> None:
    """The same where a row of windows is as long as a row of the image: many rows in one piece.

    Moved by a tap, the end of a row comes to lie where the next one starts: padding, which gets its zeros.
    """
    *_, height, width = source.shape
    *_, rows, _ = target.shape
    down, across = starts
    windows, _ = reach(height, down, 1, rows)
    if windows.stop == windows.start or abs(across) >= width:
        target[...] = 0
        return
    begin, end = (row * width for row in (windows.start, windows.stop))
    moved = down * width + across
    begin, end = max(begin, -moved), min(end, height * width - moved)
    lines = target.reshape(*target.shape[:-2], rows * width)
    pixels = source.reshape(*source.shape[:-2], height * width)
    lines[..., begin:end] = pixels[..., begin + moved : end + moved]
    target[..., : windows.start, :] = 0
    target[..., windows.stop :, :] = 0
    if across < 0:
        target[..., :-across] = 0
    elif across > 0:
        target[..., width - across :] = 0

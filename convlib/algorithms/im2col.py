"""Copy every window into the column of a matrix; one matrix product then meets them with every kernel.

    output  =  weight  @  columns      o, l  =  o, ckk  @  ckk, l

The columns hold each pixel once for every tap: k*k times the image. So they are made for a band of output
rows at a time, small enough to stay in the processor's cache, in memory that is used again for the next
band. What the band sees of the image is copied with its padding, which costs little beside the columns; then
one copy moves all windows.

Cost: the multiply-adds of the definition, and c*k*k*l numbers moved. Error: that of one sum of c*k*k
products.

Chellapilla, Puri and Simard, High performance convolutional neural networks for document processing (2006).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from convlib._dispatch import Array
from convlib.algorithms.problem import MEBIBYTE, MOVE, Problem, reach, scratch
from convlib.algorithms.sharing import for_each, parts, share
from convlib.windows import sliding_windows

FEW = 256  # pixels


def why_not(problem: Problem) -> str:
    """It always can."""
    return ""


def cost(problem: Problem, prepared: bool) -> float:
    """In multiply-adds: those of the definition, and what is moved into the columns."""
    return problem.multiply_adds + MOVE * moved(problem)


def moved(problem: Problem) -> int:
    """Numbers of all columns."""
    return problem.images * problem.channels * problem.taps * problem.pixels


def _shared(problem: Problem) -> int:
    """What threads can share: the columns, but each of them reads the kernels.

    The columns of few channels are copied in short pieces, between which threads wait for Python's lock.
    """
    return moved(problem) - _numbers_of_kernels(problem) if problem.channels >= 16 else 0


def _numbers_of_kernels(problem: Problem) -> int:
    return problem.outputs * problem.channels // problem.groups * problem.taps


def prepare(weight: Array, problem: Problem) -> Array:
    """Every kernel as a row, apart by group: g o ck."""
    return weight.reshape(problem.groups, problem.outputs // problem.groups, -1)


def run(input: Array, kernels: Array, problem: Problem) -> Array:
    """Band by band: copy the windows, multiply."""
    input = np.ascontiguousarray(input)  # rows of it are moved in one piece
    output = np.empty(problem.output_shape, np.result_type(input, kernels))
    flat = output.reshape(problem.images, *kernels.shape[:2], -1)  # n g o l
    row = math.prod(problem.layout.positions[1:])

    def band(images: slice, first: int, last: int) -> None:
        columns = columns_of(input[images], problem, first, last)  # g ck n l
        here = flat[images, :, :, first * row : last * row]
        if len(here) > 1 and problem.pixels <= FEW:  # one matrix product for all, which has many columns
            beside = kernels @ columns.reshape(*columns.shape[:2], -1)
            here[...] = beside.reshape(*kernels.shape[:2], *columns.shape[2:]).transpose(2, 0, 1, 3)
        else:
            np.matmul(kernels, columns.transpose(2, 0, 1, 3), out=here)

    for_each(band, bands(problem), _shared(problem))
    return output


def bands(problem: Problem) -> Iterator[tuple[slice, int, int]]:
    """Images, the first and the last output row: as many as make columns of 2 MiB.

    Or of as much as the kernels take, which are read anew for each.
    """
    rows, *others = problem.layout.positions
    numbers = max(2 * MEBIBYTE // problem.itemsize, _numbers_of_kernels(problem))
    height = max(1, numbers // (problem.channels * problem.taps * math.prod(others)))
    pieces = parts(_shared(problem))
    together = share(problem.images, height // rows, pieces)
    height = share(rows, height, -(-pieces // problem.images))
    for n, first in itertools.product(range(0, problem.images, together), range(0, rows, height)):
        yield slice(n, n + together), first, min(first + height, rows)


def columns_of(images: Array, problem: Problem, first: int, last: int) -> Array:
    """The windows of output rows first to last, in scratch: g ck n l."""
    kernel, stride, padding, dilation, _, positions = problem.layout
    counts = (last - first, *positions[1:])
    columns = scratch("columns", (problem.channels, *kernel, len(images), *counts), images.dtype)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if all(s >= span for s, span in zip(stride, spans, strict=True)) and not any(map(any, padding)):
        n = len(counts)  # patches: no pixel is moved twice, so all are moved at once
        windows = sliding_windows(images[:, :, first * stride[0] :], kernel, stride, dilation)[
            :, :, : counts[0]
        ]
        windows = windows.transpose(1, *range(2 + n, 2 + 2 * n), 0, *range(2, 2 + n))
        if problem.taps == 1:  # the image itself
            columns = windows
        else:
            columns[...] = windows
        return columns.reshape(problem.groups, -1, len(images), math.prod(counts))
    source = images.swapaxes(0, 1)  # c n *pixels
    corner = [first * stride[0] - padding[0][0], *(-before for before, _ in padding[1:])]
    seen = [(n - 1) * s + 1 for n, s in zip(counts, stride, strict=True)]  # by one tap
    # Between the taps of a large dilation lie rows that none of them meets.
    spread = len(kernel) > 1 and kernel[0] * seen[0] < seen[0] + spans[0] - 1
    height = 1 if spread else kernel[0]
    # Of a row only every s-th pixel is taken, so that windows are neighbours: taps 0, s, 2 s share a band.
    *down, across = stride
    *below, beside = dilation
    for top, tap in itertools.product(range(0, kernel[0], height), range(min(across, kernel[-1]))):
        rows, taps = (height, *kernel[1:-1])[: len(down)], len(range(tap, kernel[-1], across))
        size = [(k - 1) * d + n for k, d, n in zip(rows, below, seen, strict=False)]
        size.append(counts[-1] + (taps - 1) * beside)
        band = scratch("padded", (*source.shape[:2], *size), source.dtype)
        at = list(corner)
        at[0] += top * dilation[0] if down else 0
        at[-1] += tap * beside
        there, here = zip(*map(reach, source.shape[2:], at, [*(1 for _ in down), across], size), strict=True)
        band[...] = 0
        band[(..., *there)] = source[(..., *here)]
        channel, image, *heights, one = band.strides
        between = (d * row for d, row in zip(below, heights, strict=True))
        apart = (s * row for s, row in zip(down, heights, strict=True))
        windows = np.ndarray(
            (len(source), *rows, taps, len(images), *counts), band.dtype, band, 0,
            (channel, *between, beside * one, image, *apart, one),
        )  # fmt: skip
        target = [slice(None)] * (1 + len(kernel))
        target[1] = slice(top, top + height)
        target[-1] = slice(tap, None, across)
        columns[tuple(target)] = windows
    return columns.reshape(problem.groups, -1, len(images), math.prod(counts))

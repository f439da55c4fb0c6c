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
from collections.abc import Iterator

import numpy as np

from convlib._dispatch import Array
from convlib.algorithms.problem import MEBIBYTE, MOVE, Problem, reach, scratch
from convlib.algorithms.sharing import for_each, parts, share
from convlib.shapes import Layout
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
    starts = [
        [t * d - sides[0] for t in range(k)] for k, d, sides in zip(kernel, dilation, padding, strict=True)
    ]
    low, high = (at * stride[0] + starts[0][end] for at, end in ((first, 0), (last - 1, -1)))
    starts[0] = [start + first * stride[0] - max(low, 0) for start in starts[0]]
    band = images.swapaxes(0, 1)[:, :, max(low, 0) : max(high + 1, 0)]  # c n *pixels
    _move(band, starts, problem.layout, columns)
    return columns.reshape(problem.groups, -1, len(images), math.prod(counts))


def _move(source: Array, starts: list[list[int]], layout: Layout, columns: Array) -> None:
    """The pixels that each tap meets, many taps at once, out of the image with its padding.

    Of a row only every s-th pixel is taken there, so that the windows are neighbours. The first tap, the s-th
    after it and so on share such an image.
    """
    (*down, across), (*below, beside) = layout.stride, layout.dilation
    axes = len(layout.kernel)
    *counts, count = columns.shape[-axes:]
    rows = zip(starts, counts, down, strict=False)
    seen = [of[-1] - of[0] + (n - 1) * s + 1 for of, n, s in rows]
    for first, start in enumerate(starts[-1][:across]):
        taps = len(starts[-1][first::across])
        shape = (*source.shape[:2], *seen, count + (taps - 1) * beside)
        image = scratch("padded", shape, source.dtype)
        corner, steps = [*(of[0] for of in starts[:-1]), start], [*(1 for _ in seen), across]
        there, here = zip(*map(reach, source.shape[2:], corner, steps, shape[2:]), strict=True)
        image[...] = 0
        image[(..., *there)] = source[(..., *here)]
        channel, each, *heights, one = image.strides
        between = (d * height for d, height in zip(below, heights, strict=True))
        apart = (s * height for s, height in zip(down, heights, strict=True))
        windows = np.ndarray(
            (len(source), *layout.kernel[:-1], taps, source.shape[1], *counts, count), image.dtype, image, 0,
            (channel, *between, beside * one, each, *apart, one),
        )  # fmt: skip
        columns[(slice(None),) * axes + (slice(first, None, across),)] = windows

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
from collections.abc import Iterator, Sequence
from typing import Any

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
    """Images, the first and the last output row: as many as make columns of 4 MiB.

    Or of as much as the kernels take, which are read anew for each.
    """
    rows, *others = problem.layout.positions
    numbers = max(4 * MEBIBYTE // problem.itemsize, _numbers_of_kernels(problem))
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
    if set(stride) == {1} and len(counts) == 2 and counts[1] == band.shape[3]:
        _move_rows(band, starts, columns)
    else:
        _move(band, starts, stride, columns)
    return columns.reshape(problem.groups, -1, len(images), math.prod(counts))


def _move(source: Array, starts: list[list[int]], stride: Sequence[int], columns: Array) -> None:
    """The pixels that each tap meets, and zeros where that is in the padding.

    Every s-th pixel of a row is dealt out into an image of its own first, where the windows are neighbours.
    """
    *steps, across = stride
    dealt = [np.ascontiguousarray(source[..., at::across]) if across > 1 else source for at in range(across)]
    counts = columns.shape[-len(stride) :]
    spans = [
        [reach(n, start, step, count) for start in of]
        for n, of, step, count in zip(source.shape[2:], starts, steps, counts, strict=False)
    ]
    spans.append([reach(dealt[at % across].shape[-1], at // across, 1, counts[-1]) for at in starts[-1]])
    for tap in itertools.product(*map(range, columns.shape[1 : 1 + len(stride)])):
        met = [of[t] for of, t in zip(spans, tap, strict=True)]
        target = columns[(slice(None), *tap)]
        if any(there.stop - there.start < count for (there, _), count in zip(met, counts, strict=True)):
            target[...] = 0
        inside: Any = (..., *(there for there, _ in met))
        pixels: Any = (..., *(here for _, here in met))
        target[inside] = dealt[starts[-1][tap[-1]] % across][pixels]


def _move_rows(source: Array, starts: list[list[int]], columns: Array) -> None:
    """The same where a row of windows is as long as a row of the image: many rows in one piece.

    Moved by a tap, the end of a row comes to lie where the next one starts: padding, which gets its zeros.
    """
    *outer, height, width = source.shape
    rows = columns.shape[-2]
    lines = columns.reshape(*columns.shape[:-2], rows * width)
    pixels = source.reshape(*outer, height * width)
    for u, down in enumerate(starts[0]):
        there, here = reach(height, down, 1, rows)
        columns[:, u, :, :, : there.start] = 0
        columns[:, u, :, :, there.stop :] = 0
        for v, across in enumerate(starts[1]):
            if there.stop == 0 or abs(across) >= width:
                columns[:, u, v] = 0
                continue
            begin, end = here.start * width + across, here.stop * width + across
            before, after = max(0, -begin), max(0, end - height * width)  # outside of the image
            moved = pixels[..., begin + before : end - after]
            lines[:, u, v, :, there.start * width + before : there.stop * width - after] = moved
            if across < 0:
                columns[:, u, v, ..., :-across] = 0
            elif across > 0:
                columns[:, u, v, ..., width - across :] = 0

"""One matrix product for each tap, none of whose operands is copied.

    output  =  sum over taps of  weight[tap]  @  (input, moved by the tap)

In the rows of the padded image, laid end to end, moving by a tap is starting so many numbers later: the
same memory serves all the taps. Each output row carries the padding's width along, which is cut off at the
end. The kernel to rows, not the image to columns.

Cost: the multiply-adds of the definition (and those of the cut-off numbers), and an addition of all outputs
for each tap. Worth it where there are few output channels, so that the additions are few. Error: that of
one sum.

Vasudevan, Anderson and Gregg, Parallel multi channel convolution using general matrix multiplication
(2017).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.algorithms.problem import MEBIBYTE, MOVE, Problem, reach, scratch
from convlib.algorithms.sharing import for_each, parts, share

START = 4096


def why_not(problem: Problem) -> str:
    """Why it cannot be used, or nothing."""
    if len(problem.size) != 2:
        return "it is for images of two axes"
    if problem.layout.stride != (1, 1):
        return "its stride is 1"
    return "it knows no groups" if problem.groups > 1 else ""


def cost(problem: Problem, prepared: bool) -> float:
    """In multiply-adds: for each tap the image is read again, and the outputs are added up, in the cache."""
    wider = problem.layout.padded[-1] / problem.layout.positions[-1]
    begun = problem.images * problem.taps  # products; to begin one takes as long as to move START numbers
    return problem.multiply_adds * wider + MOVE * (3 / 8 * moved(problem) + START * begun)


def moved(problem: Problem) -> int:
    """Numbers that all the products read and write."""
    return problem.images * (problem.channels + problem.outputs) * problem.pixels * problem.taps


def prepare(weight: Array, problem: Problem) -> Array:
    """A matrix for each tap: k k o c."""
    return np.ascontiguousarray(weight.transpose(2, 3, 0, 1))


def run(input: Array, kernels: Array, problem: Problem) -> Array:
    """Band by band of output rows."""
    rows, columns = problem.layout.positions
    width = problem.layout.padded[1]
    output = np.empty(problem.output_shape, np.result_type(input, kernels))
    # The sums of a band, the product of a tap and the padded rows stay in the cache together.
    band = max(1, MEBIBYTE // 4 // (width * problem.itemsize * max(problem.channels, problem.outputs)))
    band = share(rows, band, -(-parts(moved(problem)) // problem.images))

    def rows_from(n: int, first: int) -> None:
        count = min(band, rows - first)
        flat = padded_rows(input[n], problem, first, count)
        sums, product = scratch("sums", (2, problem.outputs, count * width), output.dtype)
        for (u, v), tap in _taps(kernels, problem):
            start = u * width + v
            moved = flat[:, start : start + count * width]
            if start:
                np.matmul(tap, moved, out=product)
                np.add(sums, product, out=sums)
            else:
                np.matmul(tap, moved, out=sums)
        output[n, :, first : first + count] = sums.reshape(problem.outputs, count, width)[..., :columns]

    for_each(rows_from, itertools.product(range(problem.images), range(0, rows, band)), moved(problem))
    return output


def _taps(kernels: Array, problem: Problem) -> Any:
    down, across = problem.layout.dilation
    return (((u * down, v * across), tap) for u, row in enumerate(kernels) for v, tap in enumerate(row))


def padded_rows(image: Array, problem: Problem, first: int, count: int) -> Array:
    """What `count` output rows of stride 1 see of an image, padding included, each channel laid end to end.

    One more row follows: the last window moved by the last tap reaches into it, for numbers that are cut off.
    """
    (top, _), (left, _) = problem.layout.padding
    reach_down = (problem.layout.kernel[0] - 1) * problem.layout.dilation[0]
    shape = (count + reach_down + 1, problem.layout.padded[1])
    flat = scratch("padded rows", (len(image), *shape), image.dtype)
    spans = [
        reach(size, start, 1, n)
        for size, start, n in zip(problem.size, (first - top, -left), shape, strict=True)
    ]
    flat[...] = 0
    flat[(slice(None), *(there for there, _ in spans))] = image[(slice(None), *(here for _, here in spans))]
    return flat.reshape(len(image), -1)

"""One slice for each kernel: too few products for a matrix, so a column of the kernel at a time.

    output  =  sum over kernel columns of  (sum over kernel rows of  weight * input, moved by the tap)

There is no sum over channels, and nothing to multiply a matrix with. In the rows of the padded image, laid
end to end, moving by a tap is starting so many numbers later, and the inner sum is one pass over long
pieces of memory that multiplies and adds at once.

With a stride s, the image is first dealt out into s*s images of every s-th pixel, in which the taps of a
column are neighbours again.

Cost: the multiply-adds of the definition, each of which moves numbers as well: the arithmetic is never what
takes the time. Error: that of one sum.

Chollet, Xception (2017), and Howard et al., MobileNets (2017), made the layer common.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.algorithms.problem import MEBIBYTE, MOVE, Problem, reach, scratch
from convlib.algorithms.sharing import for_each, parts, share


def why_not(problem: Problem) -> str:
    """Why it cannot be used, or nothing."""
    if len(problem.size) != 2:
        return "it is for images of two axes"
    one_each = problem.groups == problem.channels == problem.outputs
    return "" if one_each else "each channel has one kernel of its own"


def cost(problem: Problem, prepared: bool) -> float:
    """In multiply-adds, each of which moves numbers, though in long pieces."""
    return MOVE * moved(problem)


def moved(problem: Problem) -> float:
    """Numbers: one for every two products."""
    return problem.multiply_adds / 2


def prepare(weight: Array, problem: Problem) -> Array:
    """The taps, column by column: kw kh c."""
    return np.ascontiguousarray(weight[:, 0].transpose(2, 1, 0))


def run(input: Array, kernels: Array, problem: Problem) -> Array:
    """Some channels at a time, whose sums stay in the cache."""
    layout = problem.layout
    rows, columns = layout.positions
    output = np.empty(problem.output_shape, np.result_type(input, kernels))
    shape = _phase_shape(problem)
    length = rows * shape[1]
    few = max(1, MEBIBYTE // (2 * length * problem.itemsize))
    taps = [
        (v * across % layout.stride[1], v * across // layout.stride[1]) for v in range(layout.kernel[1])
        for across in layout.dilation[1:]
    ]  # fmt: skip
    few = share(problem.channels, few, -(-parts(moved(problem)) // problem.images))

    def some(n: int, first: int) -> None:
        channels = slice(first, first + few)
        phases = _phases(input[n, channels], problem, shape)  # s s c h*w
        sums, column = scratch("sums", (2, phases.shape[2], length), output.dtype)
        first_one, *others = (
            (seen, weights[:, channels])
            for v, (phase, moved) in enumerate(taps)
            for seen, weights in _rows_of(phases[:, phase], kernels[v], problem, shape[1], moved, length)
        )
        _sum(*first_one, sums)
        for one in others[:-1]:
            _sum(*one, column)
            np.add(sums, column, out=sums)
        target = output[n, channels]
        if others:  # the last addition leaves out what is cut off
            _sum(*others[-1], column)
            np.add(_cut(sums, shape[1], columns), _cut(column, shape[1], columns), out=target)
        else:
            target[...] = _cut(sums, shape[1], columns)

    pieces = itertools.product(range(problem.images), range(0, problem.channels, few))
    for_each(some, pieces, moved(problem))
    return output


def _sum(seen: Array, weights: Array, out: Array) -> None:
    """Products and their sum in one pass: the long axis is the inner one."""
    np.einsum("kcl,kc->cl", seen, weights, out=out)


def _cut(lines: Array, width: int, columns: int) -> Array:
    """The outputs of rows laid end to end, without what the padding's width carries along."""
    return lines.reshape(len(lines), -1, width)[..., :columns]


def _rows_of(phases: Array, weights: Array, problem: Problem, width: int, moved: int, length: int) -> Any:
    """The taps of a kernel column, those of one phase at a time: a view k c l and their weights k c."""
    stride, dilation = problem.layout.stride[0], problem.layout.dilation[0]
    kernel = problem.layout.kernel[0]
    period = stride // np.gcd(stride, dilation)  # every so many taps fall into the same phase
    for start in range(min(period, kernel)):
        phase, down = start * dilation % stride, start * dilation // stride
        one = phases[phase]
        step = period * dilation // stride
        count = len(range(start, kernel, period))
        offset = down * width + moved
        view = np.ndarray(
            (count, len(one), length), one.dtype, one, offset * one.itemsize,
            (step * width * one.itemsize, one.strides[0], one.itemsize),
        )  # fmt: skip
        yield view, weights[start::period]


def _phase_shape(problem: Problem) -> tuple[int, int]:
    """Rows and columns of every s-th pixel of the padded image, one row more for what is cut off."""
    rows, columns = (
        count + (k - 1) * d // s
        for count, k, d, s in zip(
            problem.layout.positions, problem.layout.kernel, problem.layout.dilation, problem.layout.stride,
            strict=True,
        )
    )  # fmt: skip
    return rows + 1, columns


def _phases(image: Array, problem: Problem, shape: tuple[int, int]) -> Array:
    """The padded image, dealt out into one image for each place within a stride."""
    stride = problem.layout.stride
    phases = scratch("padded rows", (*stride, len(image), *shape), image.dtype)
    for phase in itertools.product(*map(range, stride)):
        spans = [
            reach(size, at - before, s, count)
            for size, at, (before, _), s, count in zip(
                problem.size, phase, problem.layout.padding, stride, shape, strict=True
            )
        ]
        (rows, columns), here = zip(*spans, strict=True)
        one = phases[phase]
        one[:, : rows.start] = one[:, rows.stop :] = 0
        one[..., : columns.start] = one[..., columns.stop :] = 0
        one[:, rows, columns] = image[(slice(None), *here)]
    return phases.reshape(*stride, len(image), -1)

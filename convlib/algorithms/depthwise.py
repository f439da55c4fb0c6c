"""One slice for each kernel: too few products for a matrix, so all taps in one pass over long pieces.

    output  =  sum over taps of  weight * input, moved by the tap

There is no sum over channels, and nothing to multiply a matrix with. What is left is to multiply a long
piece of memory by one number after the other and to add it up. It has to be long, because every piece takes
a moment to begin, and short enough for the processor's first cache, where its sums stay.

- Many pixels: the rows of an image, laid end to end. Moving down by a tap is starting so many rows later.
  Moving sideways would mix the end of a row with the start of the next, so each column of the kernel gets
  a copy of the image, moved by it. With a stride s there is a copy of every s-th row for each of the first s
  taps of a column, and the others find their rows in these.
- Many channels: those of a pixel. The padded image is turned, so that they lie side by side, and each output
  pixel sums up k*k rows of numbers. Windows are views.

Cost: the multiply-adds of the definition, each of which moves numbers as well: the arithmetic is never what
takes the time. Error: that of one sum.

Chollet, Xception (2017), and Howard et al., MobileNets (2017), made the layer common.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from convlib._dispatch import Array
from convlib.algorithms.im2col import columns_of
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
    """The taps, side by side for all channels: kh kw c."""
    return np.ascontiguousarray(weight[:, 0].transpose(1, 2, 0))


def run(input: Array, kernels: Array, problem: Problem) -> Array:
    """Along the pixels or the channels, whichever are more."""
    output = np.empty(problem.output_shape, np.result_type(input, kernels))
    along = _along_channels if problem.channels >= problem.pixels else _along_pixels
    along(np.ascontiguousarray(input), kernels, problem, output)
    return output


def _along_pixels(input: Array, kernels: Array, problem: Problem, output: Array) -> None:
    """Some rows of some channels at a time."""
    layout, (rows, width) = problem.layout, problem.layout.positions
    (stride, _), (dilation, _), (height, across) = layout.stride, layout.dilation, layout.kernel
    apart = min(height, stride)  # so many taps below each other get copies
    more = (height - 1) // apart * dilation  # rows below, for those that read the same copies
    room = 2 * MEBIBYTE // (apart * across * width * problem.itemsize)  # rows, with all their copies
    band = share(rows, room - more, 1)
    few = share(problem.channels, room // (band + more), -(-parts(moved(problem)) // problem.images))
    copies = problem._replace(layout=problem.layout._replace(kernel=(apart, across)))

    def some(n: int, first: int, top: int) -> None:
        channels, bottom = slice(first, first + few), min(top + band, rows)
        image = input[n : n + 1, channels]
        here = copies._replace(channels=image.shape[1], groups=image.shape[1])
        columns = np.ascontiguousarray(columns_of(image, here, top, bottom + more))  # c tv 1 l
        channel, copy, _, one = columns.strides
        sums = output[n, channels].reshape(image.shape[1], -1)[:, top * width : bottom * width]
        for u in range(apart):
            weight = kernels[u::apart, :, channels]
            seen = np.ndarray(
                (*weight.shape, sums.shape[1]), columns.dtype, columns, u * across * copy,
                (dilation * width * one, copy, channel, one),
            )  # fmt: skip
            if u == 0:
                np.einsum("uvcl,uvc->cl", seen, weight, out=sums)
            else:
                sums += np.einsum("uvcl,uvc->cl", seen, weight, out=scratch("sums", sums.shape, sums.dtype))

    places = (range(problem.images), range(0, problem.channels, few), range(0, rows, band))
    for_each(some, itertools.product(*places), moved(problem))


def _along_channels(input: Array, kernels: Array, problem: Problem, output: Array) -> None:
    """All pixels of some channels at a time."""
    _, stride, padding, dilation, _, positions = problem.layout
    window = zip(problem.layout.kernel, dilation, stride, positions, strict=True)
    seen = [(k - 1) * d + (count - 1) * s + 1 for k, d, s, count in window]  # of the padded image
    starts = (-before for before, _ in padding)
    (rows, columns), pixels = zip(*map(reach, problem.size, starts, (1, 1), seen), strict=True)
    size = (math.prod(seen) + problem.pixels) * problem.itemsize
    few = share(problem.channels, MEBIBYTE // 2 // size, -(-parts(moved(problem)) // problem.images))

    def some(n: int, first: int) -> None:
        channels = slice(first, first + few)
        image = input[n, channels]
        turned = scratch("turned", (*seen, len(image)), image.dtype)
        if any(map(any, padding)):
            turned[...] = 0
        turned[rows, columns] = image[(slice(None), *pixels)].transpose(1, 2, 0)
        down, right, one = turned.strides
        windows = np.ndarray(
            (*problem.layout.kernel, *positions, len(image)), turned.dtype, turned, 0,
            (dilation[0] * down, dilation[1] * right, stride[0] * down, stride[1] * right, one),
        )  # fmt: skip
        sums = scratch("sums", (*positions, len(image)), output.dtype)
        np.einsum("uvrsc,uvc->rsc", windows, kernels[..., channels], out=sums)
        output[n, channels] = sums.transpose(2, 0, 1)

    places = itertools.product(range(problem.images), range(0, problem.channels, few))
    for_each(some, places, moved(problem))

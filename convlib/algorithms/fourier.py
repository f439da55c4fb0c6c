"""A convolution is a product of frequencies, whatever the size of the kernel.

    output  =  inverse transform of  (transform of input) * conjugate(transform of weight)

The transform takes the image for periodic, so it is made as large as the padded image: what wraps around
then meets only windows that are not asked for. Sides of up to `LONGEST` pixels are transformed by the
matrix of the definition, whose rows for the padding and whose columns for the positions that a stride
leaves out are simply not there; longer ones by the fast Fourier transform.

Cost: with sides of n pixels, n^2 log n multiply-adds a channel for the transform, or 2n^3 by the matrix,
whose processor runs at full speed; and 4 multiply-adds for each pair of channels and each of n(n/2+1)
frequencies, none of which depends on the kernel's size. Error: that of a sum over the whole image: a small
number beside large ones keeps no more digits than they do, and zeros become nearly zeros. NaN and infinity
spread over the whole image.

Mathieu, Henaff and LeCun, Fast training of convolutional networks through FFTs (2014).
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.algorithms.problem import MEBIBYTE, MOVE, Problem
from convlib.algorithms.sharing import for_each, parts, share

LONGEST = 192  # pixels of a side that is transformed by a matrix


def why_not(problem: Problem) -> str:
    """Why it cannot be used, or nothing."""
    if len(problem.size) != 2:
        return "it is for images of two axes"
    return "it cannot crop" if min(map(min, problem.layout.padding)) < 0 else ""  # where a gradient is taken


@functools.lru_cache(maxsize=32)
def waves(n: int, places: tuple[int, ...], frequencies: int, sign: int, dtype: Any) -> Array:
    """The value of each wave of period n at each place."""
    turns = np.outer(places, np.arange(frequencies)) % n / n
    return np.exp(sign * 2j * np.pi * turns).astype(dtype)


def cost(problem: Problem, prepared: bool) -> float:
    """In multiply-adds: of the transforms by matrices, and of the products of frequencies."""
    height, width = problem.layout.padded
    half = width // 2 + 1
    frequencies = height * half
    one = 2 * height * width * half + 4 * height * frequencies  # along the rows, then along the columns
    channels, outputs = problem.channels // problem.groups, problem.outputs
    kernels = 0 if prepared else outputs * channels * one
    transforms = problem.images * (problem.channels + outputs) * one
    return transforms + (4 + MOVE) * moved(problem) + kernels


def moved(problem: Problem) -> int:
    """Frequencies of all slices that are multiplied."""
    height, width = problem.layout.padded
    slices = problem.images * problem.outputs * problem.channels // problem.groups
    return slices * height * (width // 2 + 1)


def prepare(weight: Array, problem: Problem) -> Array:
    """The conjugate frequencies of every slice: o c h w."""
    taps = [
        tuple(range(0, k * d, d)) for k, d in zip(problem.layout.kernel, problem.layout.dilation, strict=True)
    ]
    down, across = _waves(problem, taps, 1)
    return down.T @ (weight @ across)


def _complex(problem: Problem) -> Any:
    return np.complex64 if problem.itemsize == 4 else np.complex128


def _waves(problem: Problem, places: list[tuple[int, ...]], sign: int) -> tuple[Array, Array]:
    """Of both axes; of the second only half, because the frequencies of real numbers come in pairs."""
    rows, columns = problem.layout.padded
    kind = _complex(problem)
    return (
        waves(rows, places[0], rows, sign, kind),
        waves(columns, places[1], columns // 2 + 1, sign, kind),
    )


def run(input: Array, kernels: Array, problem: Problem) -> Array:
    """Group by group; of a depthwise convolution as many channels at a time as stay in the cache."""
    output = np.empty(problem.output_shape, input.dtype)
    outputs, channels = problem.outputs // problem.groups, problem.channels // problem.groups
    frequencies = problem.layout.padded[0] * (problem.layout.padded[1] // 2 + 1)
    together = max(1, MEBIBYTE // (2 * frequencies * problem.itemsize)) if outputs == channels == 1 else 1
    together = share(problem.groups, together, -(-parts(moved(problem)) // problem.images))

    def some(n: int, group: int) -> None:
        last = min(group + together, problem.groups)
        seen = transform(input[n, group * channels : last * channels], problem)  # gc h w
        kernel = kernels[group * outputs : last * outputs]  # go c h w
        if outputs == channels == 1:
            mixed = seen * kernel[:, 0]
        else:  # one small matrix product for each frequency
            mixed = np.einsum("ochw,chw->ohw", kernel, seen, optimize=True)
        output[n, group * outputs : last * outputs] = inverse(mixed, problem)

    pieces = itertools.product(range(problem.images), range(0, problem.groups, together))
    for_each(some, pieces, moved(problem))
    return output


def transform(image: Array, problem: Problem) -> Array:
    """Frequencies of the padded channels (c, H, W)."""
    places = [
        tuple(range(before, before + n))
        for n, (before, _) in zip(problem.size, problem.layout.padding, strict=True)
    ]
    down, across = _waves(problem, places, -1)
    halfway = image @ across.view(image.dtype)  # the image is real: a real product, of twice as many columns
    return down.T @ halfway.view(across.dtype)


def inverse(frequencies: Array, problem: Problem) -> Array:
    """The numbers at the positions of the windows."""
    rows, columns = problem.layout.padded
    places = [
        tuple(range(0, count * s, s))
        for count, s in zip(problem.layout.positions, problem.layout.stride, strict=True)
    ]
    down, across = _waves(problem, places, 1)
    # A frequency stands for its mirror image, too, except the first, and the last of an even number.
    twice = np.full(columns // 2 + 1, 2.0)
    twice[0] = 1
    if columns % 2 == 0:
        twice[-1] = 1
    across = (across * (twice / (rows * columns)).astype(across.real.dtype)).conj()
    mixed = down @ frequencies  # c oh f
    # The real part of a product of complex numbers is a sum of two real ones.
    return mixed.view(mixed.real.dtype) @ across.view(mixed.real.dtype).T

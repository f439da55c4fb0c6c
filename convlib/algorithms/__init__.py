"""Ways to compute a convolution, and the rule that picks one.

They give the same numbers, up to rounding, for very different work:

=============== ================================================= =========================================
algorithm       idea                                              for
=============== ================================================= =========================================
pointwise       the kernels are a matrix, the pixels another      kernels of one pixel
im2col          windows as columns, a band at a time              everything
kn2row          one matrix product for each tap, nothing copied   stride 1, few output channels
depthwise       all taps in one pass over long rows of numbers    one slice for each channel
winograd_2x2    fewer products, tiles of 2x2 outputs              3x3 and 5x5, stride 1, many channels
winograd_4x4    fewer still, tiles of 4x4 outputs                 the same, with more rounding
fourier         products of frequencies                           large kernels
=============== ================================================= =========================================

The first four are *direct*: they add up the products of the definition, so that zeros stay exact and NaN
and infinity reach the outputs that they reach in the definition. `convlib.conv2d` uses these. The others
are faster where they apply and round differently; ``convlib.algorithms.conv2d`` uses all.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from convlib._checks import require_one_of
from convlib._conv_checks import forward_check, input_check, weight_check
from convlib._dispatch import Array, dispatch, dtype_name, is_tensor, plain, require_array, wide
from convlib.algorithms import depthwise, fourier, im2col, kn2row, pointwise
from convlib.algorithms.gradients import input_in_bands, turned, weight_in_bands
from convlib.algorithms.problem import Problem, problem_of
from convlib.algorithms.sharing import threads
from convlib.algorithms.winograd import Winograd
from convlib.shapes import Ints, Padding, as_sizes

__all__ = [
    "ALGORITHMS", "DIRECT", "PreparedConv2d", "conv2d", "conv2d_input", "conv2d_weight", "costs", "threads",
]  # fmt: skip


def _on_torch() -> Any:
    from convlib.algorithms import on_torch

    return on_torch


class Algorithm(Protocol):
    """What every algorithm can tell and do."""

    def why_not(self, problem: Problem) -> str:
        """Why it cannot be used, or nothing."""

    def cost(self, problem: Problem, prepared: bool) -> float:
        """What it takes, in multiply-adds of a matrix product."""

    def prepare(self, weight: Array, problem: Problem) -> Array:
        """What it needs of the weights."""

    def run(self, input: Array, kernels: Array, problem: Problem) -> Array:
        """The answer without the bias, from what `prepare` gave."""


DIRECT: dict[str, Algorithm] = {
    "pointwise": pointwise, "im2col": im2col, "kn2row": kn2row, "depthwise": depthwise,
}  # fmt: skip
ALGORITHMS: dict[str, Algorithm] = DIRECT | {
    "winograd_2x2": Winograd(2), "winograd_4x4": Winograd(4), "fourier": fourier,
}  # fmt: skip


def able(problem: Problem, among: dict[str, Algorithm], prepared: bool = False) -> dict[str, float]:
    """The cost of each algorithm that can compute it."""
    return {name: one.cost(problem, prepared) for name, one in among.items() if not one.why_not(problem)}


@functools.lru_cache(maxsize=1024)
def cheapest(problem: Problem, direct: bool, prepared: bool = False) -> str:
    """The name of the algorithm with the smallest cost, of all or of the direct ones."""
    costs = able(problem, DIRECT if direct else ALGORITHMS, prepared)
    return min(costs, key=lambda name: costs[name])


def direct(input: Array, weight: Array, problem: Problem) -> Array:
    """A convolution without its bias, for which products are only added up."""
    algorithm = DIRECT[cheapest(problem, direct=True)]
    return algorithm.run(input, algorithm.prepare(weight, problem), problem)


def direct_input(weight: Array, grad: Array, problem: Problem) -> Array:
    """The gradient of its input.

    The turned convolution pads with zeros, which infinity and NaN would make NaN: then it is not the same.
    """
    if problem.taps > 1 and set(problem.layout.stride) == {1} and np.isfinite(weight).all():
        return direct(grad, *turned(weight, problem))
    return input_in_bands(weight, grad, problem)


def _check_conv2d(
    input: Array, weight: Array, bias: Array | None = None,
    stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
    algorithm: str | None = None,
) -> None:  # fmt: skip
    forward_check(2)(input, weight, bias, stride, padding, dilation, groups)
    if algorithm is None:
        return
    require_one_of("conv2d", "algorithm", algorithm, tuple(ALGORITHMS))
    sizes = (1, *tuple(input.shape)[-3:]), tuple(weight.shape)
    problem = problem_of(*sizes, input.dtype.itemsize, stride, padding, dilation, groups)
    if reason := ALGORITHMS[algorithm].why_not(problem):
        raise ValueError(f"conv2d: {algorithm} is not for this convolution: {reason}")
    if algorithm not in DIRECT and "float" not in dtype_name(input):
        raise TypeError(
            f"conv2d: {algorithm} rounds, and needs real floating-point numbers, not {dtype_name(input)}"
        )


@dispatch(_check_conv2d, _on_torch)
def conv2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    algorithm: str | None = None,
) -> Array:
    """Convolve images with a bank of kernels, by the fastest algorithm or by one that is named.

    Parameters
    ----------
    input, weight, bias, stride, padding, dilation, groups
        As for `convlib.conv2d`.
    algorithm : str, optional
        One of `ALGORITHMS`. By default the one with the smallest of `costs`; for a tensor, torch's own.

    Returns
    -------
    array (N, C_out, H_out, W_out) or (C_out, H_out, W_out)
        As from `convlib.conv2d`, but rounded as the algorithm rounds. In float32, outputs of variance 1 that
        are sums of 2304 products are at most so far from the exact ones: 5e-6 for the direct algorithms, 8e-6
        for winograd_2x2 and fourier, 3e-5 for winograd_4x4. (The tests hold them to that.)

    Raises
    ------
    ValueError, TypeError
        As `convlib.conv2d`; also for an algorithm that is not known or not for this convolution.

    See Also
    --------
    PreparedConv2d : for weights that are used more than once. convlib.conv2d : always direct. Chapter 15.

    Examples
    --------
    >>> image, kernel = np.arange(16.0).reshape(1, 4, 4), np.ones((1, 1, 3, 3))
    >>> conv2d(image, kernel, algorithm="winograd_2x2").round(9)  # 9 pixels around 5, 6, 9 and 10
    array([[[45., 54.],
            [81., 90.]]])
    """
    if input.ndim == 3:
        return conv2d(input[None], weight, bias, stride, padding, dilation, groups, algorithm)[0]
    taps = wide(weight)
    problem = problem_of(input.shape, taps.shape, taps.itemsize, stride, padding, dilation, groups)
    chosen = ALGORITHMS[algorithm or cheapest(problem, direct=not inexact(taps))]
    return _answer(input, chosen, chosen.prepare(taps, problem), problem, bias)


def _answer(input: Array, chosen: Algorithm, kernels: Array, problem: Problem, bias: Array | None) -> Array:
    if not input.size:
        return np.zeros(problem.output_shape, input.dtype)
    output = chosen.run(wide(input), kernels, problem)
    if bias is not None:
        output += wide(bias).reshape(-1, 1, 1)
    return output.astype(input.dtype, copy=False)


def costs(
    input_size: Sequence[int],
    weight_size: Sequence[int],
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    prepared: bool = False,
    itemsize: int = 4,
) -> dict[str, float]:
    """What each algorithm that can compute a convolution costs, in multiply-adds, the cheapest first.

    To move a number costs as much as 16 multiply-adds of a matrix product, a price chosen on one machine.
    Each algorithm counts its products and the numbers that it moves; kn2row also counts the beginning of its
    many products, each like moving 4096 numbers.

    Parameters
    ----------
    input_size, weight_size : sequence of int
        (N, C_in, H, W) and (C_out, C_in / groups, kh, kw).
    stride, padding, dilation, groups
        As for `convlib.conv2d`.
    prepared : bool
        Whether what the algorithm needs of the weights is there already.
    itemsize : int
        Bytes of a number.

    Returns
    -------
    dict of str to float

    Raises
    ------
    ValueError, TypeError
        As `convlib.conv2d`.

    Examples
    --------
    >>> costs((1, 64, 56, 56), (256, 64, 1, 1))["pointwise"] == 64 * 256 * 56 * 56
    True
    >>> list(costs((1, 128, 28, 28), (128, 128, 3, 3), padding=1))[0]
    'winograd_4x4'
    """
    forward_check(2)(
        np.broadcast_to(np.float32(0), as_sizes(input_size, "input_size", "costs")),
        np.broadcast_to(np.float32(0), as_sizes(weight_size, "weight_size", "costs")),
        None, stride, padding, dilation, groups,
    )  # fmt: skip
    problem = problem_of(input_size, weight_size, itemsize, stride, padding, dilation, groups)
    return dict(sorted(able(problem, ALGORITHMS, prepared).items(), key=lambda item: item[1]))


@dispatch(input_check(2), _on_torch)
def conv2d_input(
    input_size: Sequence[int],
    weight: Array,
    grad_output: Array,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    """Gradient of a convolution with respect to its input, by the fastest algorithm.

    At stride 1 it is a convolution, too, of the gradient with the kernels turned by half a turn.

    See Also
    --------
    convlib.conv2d_input : the same function, always direct.

    Examples
    --------
    >>> weight = np.array([[[[1., 10.]]]])
    >>> conv2d_input((1, 1, 3), weight, np.array([[[1., 2.]]]))  # 1*1, 1*10 + 2*1, 2*10
    array([[[ 1., 12., 20.]]])
    """
    if len(input_size) == 3:
        batch = (1, *input_size)
        return conv2d_input(batch, weight, grad_output[None], stride, padding, dilation, groups)[0]
    taps, grad = wide(weight), wide(grad_output)
    problem = problem_of(input_size, weight.shape, taps.itemsize, stride, padding, dilation, groups)
    if 0 in problem.output_shape:
        return np.zeros(input_size, weight.dtype)
    if problem.layout.stride != (1, 1) or problem.taps == 1:
        return input_in_bands(taps, grad, problem).astype(weight.dtype, copy=False)
    kernels, back = turned(taps, problem)
    algorithm = ALGORITHMS[cheapest(back, direct=not inexact(weight))]
    gradient = algorithm.run(grad, algorithm.prepare(kernels, back), back)
    return gradient.astype(weight.dtype, copy=False)


@dispatch(weight_check(2), _on_torch)
def conv2d_weight(
    input: Array,
    weight_size: Sequence[int],
    grad_output: Array,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    """Gradient of a convolution with respect to its weight, by the fastest algorithm.

    See Also
    --------
    convlib.conv2d_weight : the same function, always direct.

    Examples
    --------
    >>> image = np.array([[[1., 2., 3.]]])
    >>> conv2d_weight(image, (1, 1, 1, 2), np.array([[[1., 10.]]]))  # 1*1 + 10*2, 1*2 + 10*3
    array([[[[21., 32.]]]])
    """
    if input.ndim == 3:
        return conv2d_weight(input[None], weight_size, grad_output[None], stride, padding, dilation, groups)
    image, grad = wide(input), wide(grad_output)
    problem = problem_of(input.shape, weight_size, image.itemsize, stride, padding, dilation, groups)
    if 0 in problem.output_shape:
        return np.zeros(weight_size, input.dtype)
    algorithm = ALGORITHMS[cheapest(problem, direct=not inexact(input), prepared=True)]
    if isinstance(algorithm, Winograd) and problem.layout.dilation == (1, 1):
        gradient = algorithm.weight_gradient(image, grad, problem)
    else:
        gradient = weight_in_bands(image, grad, problem)
    return gradient.astype(input.dtype, copy=False)


def inexact(array: Array) -> bool:
    """Whether it holds numbers that may be rounded in another way: real ones of half to double precision."""
    return bool(array.dtype.kind == "f" and array.dtype.itemsize <= 8)


class PreparedConv2d:
    """A convolution whose weights are used again: what an algorithm makes of them is made once.

    Parameters
    ----------
    weight : ndarray (C_out, C_in / groups, kh, kw)
        Is copied: later changes are not seen.
    bias : ndarray (C_out,), optional
    stride, padding, dilation, groups
        As for `convlib.conv2d`.
    algorithm : str, optional
        One of `ALGORITHMS`; by default the cheapest for each size of image.

    Raises
    ------
    ValueError, TypeError
        As `conv2d`, when it is called with an image; for tensors, whose library prepares for itself.

    Examples
    --------
    >>> blur = PreparedConv2d(np.full((1, 1, 3, 3), 1 / 9), padding=1)
    >>> blur(np.full((1, 3, 3), 9.0)).round(9)  # the padding counts as 0
    array([[[4., 6., 4.],
            [6., 9., 6.],
            [4., 6., 4.]]])
    """

    def __init__(
        self,
        weight: Array,
        bias: Array | None = None,
        stride: Ints = 1,
        padding: Padding = 0,
        dilation: Ints = 1,
        groups: int = 1,
        algorithm: str | None = None,
    ) -> None:
        for name, value in (("weight", weight), ("bias", bias)):
            if value is not None:
                require_array("PreparedConv2d", name, value)
                if is_tensor(value):
                    raise TypeError(f"PreparedConv2d: {name} is a torch tensor; torch prepares for itself")
        if algorithm is not None:
            require_one_of("PreparedConv2d", "algorithm", algorithm, tuple(ALGORITHMS))
        self._weight, self._bias = np.array(weight), None if bias is None else np.array(bias)
        self._options, self._algorithm = (stride, padding, dilation, groups), algorithm
        self._kernels: dict[tuple[Any, ...], Array] = {}
        self._plans: dict[tuple[Any, ...], tuple[Algorithm, Array, Problem]] = {}

    def __call__(self, input: Array) -> Array:
        """Convolve images (N, C_in, H, W) or (C_in, H, W)."""
        like = (input.shape, input.dtype) if type(input) is np.ndarray else None
        if like not in self._plans:
            _check_conv2d(input, self._weight, self._bias, *self._options, self._algorithm)
            input = plain(input)
            like = input.shape, input.dtype
            self._plans[like] = self._plan(input.shape)
        images = input[None] if input.ndim == 3 else input
        with np.errstate(all="ignore"):
            answer = _answer(images, *self._plans[like], self._bias)
        return answer[0] if input.ndim == 3 else answer

    def _plan(self, size: tuple[int, ...]) -> tuple[Algorithm, Array, Problem]:
        """How images of a size are convolved, and with what."""
        taps = wide(self._weight)
        problem = problem_of((1, *size)[-4:], taps.shape, taps.itemsize, *self._options)
        name = self._algorithm or cheapest(problem, not inexact(taps), prepared=True)
        key = (name, problem.layout.padded if name == "fourier" else ())
        if key not in self._kernels:
            with np.errstate(all="ignore"):
                self._kernels[key] = ALGORITHMS[name].prepare(taps, problem)
        return ALGORITHMS[name], self._kernels[key], problem

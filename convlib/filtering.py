"""One kernel applied to images, taken apart into passes, and asked what it makes of waves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convlib._checks import as_real, require_flag, require_one_of, shown
from convlib._dispatch import Array, dtype_name, is_tensor, require_array, wide
from convlib.blur_pool import pad_mode
from convlib.conv import conv2d
from convlib.resize import apply_taps
from convlib.shapes import Ints, as_tuple
from convlib.windows import pad, source

Kernel = NDArray[np.float64]

PADDING_MODES = ("reflect", "replicate", "circular", "zeros")
RANK_TOLERANCE = 1e-12  # of the largest singular value: what is below is rounding
MOST_FREQUENCIES = 2048


# --- what a kernel is made of, and what it does to waves ----------------------------------------------------


def separate(kernel: NDArray[Any]) -> tuple[Kernel, Kernel]:
    r"""The fewest columns and rows whose outer products add up to the kernel.

    .. math:: k_{u, v} = \sum_{a=1}^{r} c_{a, u}\, d_{a, v}

    Their number r is the rank of the kernel as a matrix. With r = 1 it is *separable*: a pass down the
    columns and one along the rows take k + k multiply-adds a pixel, in place of k * k.

    Parameters
    ----------
    kernel : array (k, k)

    Returns
    -------
    (columns, rows) : arrays (r, k) and (r, k) of float64
        The strongest first. Only the kernel of zeros has none, r = 0. Singular values below 1e-12 of the
        largest count as rounding.

    See Also
    --------
    numpy.linalg.svd : finds them. filter2d : uses them. Chapter 11.

    Examples
    --------
    >>> from convlib.filters import box, gabor, laplacian, sobel
    >>> columns, rows = separate(sobel("x"))
    >>> (columns / columns[0, 0]).round(6), (rows / rows[0, 2]).round(6) + 0
    (array([[1., 2., 1.]]), array([[-1.,  0.,  1.]]))
    >>> [len(separate(each)[0]) for each in (box(5), laplacian(4), gabor(4, 45))]
    [1, 2, 2]
    """
    matrix = _matrix("separate", kernel)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    kept = values > RANK_TOLERANCE * values.max(initial=0)
    columns, rows = left.T[kept], right[kept]
    strongest = np.abs(columns).argmax(1)[:, None]
    strength = np.sqrt(values[kept])[:, None] * np.sign(np.take_along_axis(columns, strongest, 1))
    return columns * strength, rows * strength  # the largest number of a column is positive


def frequency_response(kernel: NDArray[Any], size: Ints = 64) -> NDArray[np.complex128]:
    r"""What the kernel makes of each wave: by how much it grows, and how far it moves.

    .. math:: H(f, g) = \sum_{u, v} k_{u, v}\, e^{2 \pi i (f u + g v)}

    A wave :math:`e^{2 \pi i (f y + g x)}` comes back as H times the same wave, nothing else: waves are what a
    convolution cannot mix. u and v count from the middle of the kernel.

    Parameters
    ----------
    kernel : array (k, k)
    size : int or pair of int
        How many frequencies, along y and x.

    Returns
    -------
    array (size, size) of complex
        Frequencies in cycles a pixel, ``numpy.fft.fftshift(numpy.fft.fftfreq(size))``: from -1/2 to just
        below 1/2, constant areas in the middle, at ``size // 2``.

    See Also
    --------
    numpy.fft.fft2, scipy.signal.freqz. Chapters 4 and 11.

    Examples
    --------
    >>> from convlib.filters import box
    >>> frequency_response(box((1, 2)), (1, 4)).round(3).real  # the even kernel's middle is its first pixel
    array([[0. , 0.5, 1. , 0.5]])
    """
    name = "frequency_response"
    matrix = _matrix(name, kernel)
    sizes = as_tuple(size, 2, "size", function=name)
    if max(sizes) > MOST_FREQUENCIES:
        raise ValueError(f"{name}: size must be at most {MOST_FREQUENCIES}, got {shown(size)}")
    frequencies = [np.fft.fftshift(np.fft.fftfreq(n)) for n in sizes]
    down, across = (
        np.exp(2j * np.pi * np.outer(f, np.arange(k) - (k - 1) // 2))
        for f, k in zip(frequencies, matrix.shape, strict=True)
    )
    response: NDArray[np.complex128] = down @ matrix.astype(np.complex128) @ across.T
    return response


# --- application --------------------------------------------------------------------------------------------


class Way(NamedTuple):
    """How `filter2d` applies a kernel, and what each pixel costs."""

    separable: bool
    rank: int
    multiply_adds: int


def filter_way(kernel: NDArray[Any]) -> Way:
    """The cheaper of two ways: the window as it is, or for each rank a pass down and a pass across.

    Parameters
    ----------
    kernel : array (k, k)

    Returns
    -------
    Way
        ``separable``, ``rank``, and ``multiply_adds`` for one pixel of one channel.

    Examples
    --------
    >>> from convlib.filters import gaussian, laplacian
    >>> filter_way(gaussian(2))  # 17 x 17
    Way(separable=True, rank=1, multiply_adds=34)
    >>> filter_way(laplacian())  # two passes of 3 + 3 are more than 3 x 3
    Way(separable=False, rank=2, multiply_adds=9)
    """
    height, width = _matrix("filter_way", kernel).shape
    rank = len(separate(kernel)[0])
    passes = rank * (height + width)
    return Way(0 < passes < height * width, rank, min(passes, height * width) if rank else height * width)


def filter2d(
    input: Array,
    kernel: Array,
    bias: float = 0,
    padding_mode: str = "reflect",
    separable: bool | None = None,
) -> Array:
    """Apply one kernel to every channel of an image; the size stays.

    It is a cross-correlation: nothing is flipped. An even kernel reaches one pixel further down and to the
    right than up and to the left.

    Parameters
    ----------
    input : array (..., H, W) of floating-point numbers
    kernel : array (k, k)
        A NumPy array for either kind of image; it takes on the image's dtype and device. A tensor, for
        tensors, is used as it is, and gets its gradient.
    bias : float
        Added to every pixel of the answer.
    padding_mode : {"reflect", "replicate", "circular", "zeros"}
        What stands beyond the border, as in `pad`.
    separable : bool, optional
        True: rank by rank, columns and rows apart. False: the window as it is. None takes the cheaper, as
        `filter_way` says. A tensor's window stays as it is.

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    ValueError
        Fewer than 2 axes, a kernel without two axes, or an image too small for its padding.
    TypeError
        No floating-point numbers; a tensor as a kernel of a NumPy image.

    See Also
    --------
    conv2d : many kernels, which mix channels. scipy.ndimage.correlate, cv2.filter2D : the same (their border
    "mirror", "reflect 101" is "reflect" here). Chapter 11.

    Examples
    --------
    >>> filter2d(np.array([[0., 0., 1., 1.]]), np.array([[-1., 0., 1.]]))
    array([[0., 1., 1., 0.]])
    """
    name = "filter2d"
    require_array(name, "input", input)
    _require_floating(name, "input", input)
    if input.ndim < 2:
        raise ValueError(f"{name}: input must be (..., H, W), got {tuple(input.shape)}")
    require_one_of(name, "padding_mode", padding_mode, PADDING_MODES)
    require_flag(name, "separable", separable, or_none=True)
    bias = as_real(name, "bias", bias)
    learned = is_tensor(kernel)
    if learned and not is_tensor(input):
        raise TypeError(f"{name}: input is a NumPy array but kernel is a torch tensor; convert one of them")
    if learned:
        _require_floating(name, "kernel", kernel)
        _require_two_axes(name, kernel)
        if separable:
            raise ValueError(f"{name}: separable=True needs a kernel that is a NumPy array")
        passes = [[kernel]]
    else:
        passes = _passes(_matrix(name, kernel), separable)
    for n, k in zip(input.shape[-2:], kernel.shape, strict=True):
        least = {"zeros": 1, "replicate": 1, "circular": max(1, k // 2), "reflect": k // 2 + 1}[padding_mode]
        if n < least:
            raise ValueError(
                f"{name}: padding_mode {padding_mode!r} with a kernel of {tuple(kernel.shape)} needs at "
                f"least {least} {'pixel' if least == 1 else 'pixels'}, got {n} (input {tuple(input.shape)})"
            )
    if not learned and not is_tensor(input) and len(passes[0]) == 2:
        first, *others = (
            _pass(_pass(wide(input), down, -2, padding_mode), across, -1, padding_mode)
            for down, across in passes
        )
        answer = first
        for other in (*others, *([bias] if bias else [])):
            answer += other
        return answer.astype(input.dtype, copy=False)
    height, width = kernel.shape
    sides = ((width - 1) // 2, width // 2, (height - 1) // 2, height // 2)
    images = input.reshape(math.prod(input.shape[:-2]), 1, *input.shape[-2:])
    padded = pad(images, sides, pad_mode(padding_mode))
    answer = sum(_applied(padded, steps) for steps in passes)
    return (answer + bias).reshape(input.shape)


def _passes(kernel: Kernel, separable: bool | None) -> list[list[Kernel]]:
    """Kernels to apply one after the other; what such lists give is added up."""
    way = filter_way(kernel)
    if not way.rank or not (way.separable if separable is None else separable):
        return [[kernel]]
    return [[column[:, None], row[None]] for column, row in zip(*separate(kernel), strict=True)]


def _pass(images: Array, kernel: Kernel, axis: int, padding_mode: str) -> Array:
    """A kernel of one column or row, as a band of a matrix along its axis: nothing has to be padded."""
    n, k = images.shape[axis], kernel.size
    before, after = (k - 1) // 2, k // 2
    if padding_mode == "zeros":
        place = np.arange(-before, n + after)
        place[(place < 0) | (place >= n)] = -1
    else:
        place = source(pad_mode(padding_mode), n, before, after)
    windows = place[np.arange(n)[:, None] + np.arange(k)]
    return apply_taps((windows, np.tile(kernel.ravel(), (n, 1))), images, axis)


def _applied(images: Array, kernels: Sequence[Array]) -> Array:
    for kernel in kernels:
        if not is_tensor(images):
            kernel = kernel.astype(images.dtype)
        elif not is_tensor(kernel):
            kernel = images.new_tensor(kernel)
        images = conv2d(images, kernel[None, None])
    return images


# --- checks -------------------------------------------------------------------------------------------------


def _matrix(function: str, kernel: NDArray[Any]) -> Kernel:
    require_array(function, "kernel", kernel)
    if is_tensor(kernel):
        raise TypeError(f"{function}: kernel must be a NumPy array, got a torch tensor")
    _require_two_axes(function, kernel)
    if kernel.dtype.kind not in "biuf" or not np.isfinite(kernel).all():
        raise ValueError(f"{function}: kernel must hold finite real numbers")
    return np.asarray(kernel, np.float64)


def _require_two_axes(function: str, kernel: Array) -> None:
    if kernel.ndim != 2 or 0 in kernel.shape:
        raise ValueError(f"{function}: kernel must be (k, k), with weights; got {tuple(kernel.shape)}")


def _require_floating(function: str, name: str, array: Array) -> None:
    if "float" not in dtype_name(array):
        raise TypeError(f"{function}: {name} must hold floating-point numbers, got {dtype_name(array)}")

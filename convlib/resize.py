"""Resizing: one small matrix for each axis.

Along an axis, every output pixel is a weighted mean of input pixels. Written as a row of weights for each
output pixel, that is a matrix of shape (output size, input size), and an image is resized by one such matrix
for its height and one for its width:

    output      =  rows    @  image  @  columns^T
    grad_input  =  rows^T  @  grad   @  columns       the same weights, sent back

So all the modes differ only in how a row is made (`resize_matrix`), and that takes two questions: *where* in
the input an output pixel lies (`_scale`, and half-pixel centres), and *which weights* the pixels around that
place get (`linear_kernel`, `cubic_kernel`, `lanczos_kernel`). A row has few weights that are not 0, whatever
the size of the image, and they stand along the diagonal; so the products above are computed a band at a time.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from functools import partial
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convlib._checks import is_several, require_flag, require_one_of, shown
from convlib._dispatch import Array, dispatch, is_tensor, require_array, wide
from convlib.shapes import as_integer, as_sizes, as_tuple, count, refuse_if_too_large

Floats: TypeAlias = NDArray[np.float64]
Taps: TypeAlias = tuple[NDArray[np.intp], Floats]  # (pixel, weight), both (output size, taps); pixel -1: none
Scale: TypeAlias = float | Sequence[float]

AXES_OF_MODE = {  # the others: 1, 2 or 3
    "linear": (1,), "bilinear": (2,), "trilinear": (3,), "bicubic": (2,), "lanczos": (2,),
}  # fmt: skip
MODES = ("nearest", "nearest-exact", "area", *AXES_OF_MODE)

# --- the weights --------------------------------------------------------------------------------------------


def linear_kernel(distance: Floats) -> Floats:
    """The tent: 1 at distance 0, down to 0 at distance 1.

    Examples
    --------
    >>> linear_kernel(np.array([-1., -.25, 0., .5, 2.]))
    array([0.  , 0.75, 1.  , 0.5 , 0.  ])
    """
    tent: Floats = np.maximum(1 - np.abs(distance), 0)
    return tent


def cubic_kernel(distance: Floats, a: float) -> Floats:
    """Keys' cubic: 1 at distance 0, 0 at 1, 2 and beyond, and *negative* between 1 and 2, so that edges come
    out sharper, and overshoot. `a` is its slope at distance 1.

    Examples
    --------
    >>> cubic_kernel(np.array([-1.5, -.5, .5, 1.5]), a=-.75)  # half-way between two pixels
    array([-0.09375,  0.59375,  0.59375, -0.09375])
    """
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def lanczos_kernel(distance: Floats) -> Floats:
    """Lanczos' kernel: the ideal filter sin(pi x) / (pi x), which never ends, faded out up to distance 3 by a
    copy of its middle that is 3 times as wide. It is 1 at distance 0, and 0 at 1, 2, 3 and beyond.

    Examples
    --------
    >>> lanczos_kernel(np.array([0., .5, 1.5, 2.5, 3.5])).round(4)  # at .5: 1 / (pi / 2) times .5 / (pi / 6)
    array([ 1.    ,  0.6079, -0.1351,  0.0243,  0.    ])
    """
    windowed: Floats = np.sinc(distance) * np.sinc(distance / 3)
    return np.where(np.abs(distance) < 3, windowed, 0)


def _scale(input_size: int, output_size: int, scale_factor: float | None, align_corners: bool) -> float:
    """Input pixels from one output pixel to the next."""
    if align_corners:  # the centres of the first and the last pixel stay: both sizes count steps, not pixels
        return (input_size - 1) / (output_size - 1) if output_size > 1 else 0.0
    return input_size / output_size if scale_factor is None else 1 / scale_factor


def _nearest_taps(input_size: int, output_size: int, scale: float, centre: float) -> Taps:
    # single precision for every dtype, as on a GPU: what rounds up to a whole number is one pixel on
    position = (np.arange(output_size, dtype=np.float32) + centre) * scale
    pixel = np.floor(position).astype(np.intp).clip(max=input_size - 1)
    return pixel[:, None], np.ones((output_size, 1))


def _kernel_taps(input_size: int, output_size: int, scale: float, cubic: bool, align_corners: bool) -> Taps:
    """The 2 (linear) or 4 (cubic) pixels around the place of each output pixel."""
    place = np.arange(output_size, dtype=float)
    # a pixel is a square: output pixel 0 has its centre at 0.5, and that of input pixel 0 is at 0.5, too
    place = place * scale if align_corners else (place + 0.5) * scale - 0.5
    if not cubic:
        place = place.clip(min=0)  # as in torch; it matters for NaN and infinity alone
    reach = 2 if cubic else 1
    pixel = np.floor(place)[:, None] + np.arange(1 - reach, 1 + reach)
    distance: Floats = np.asarray(pixel - place[:, None])
    weight = cubic_kernel(distance, a=-0.75) if cubic else linear_kernel(distance)
    # beyond the edge, the edge pixel counts again
    return pixel.clip(0, input_size - 1).astype(np.intp), weight


def _windows(first: NDArray[Any], end: NDArray[Any]) -> NDArray[np.intp]:
    """The pixels first ... end - 1 of each row, and -1 where a row has fewer than the longest."""
    length = int((end - first).max(initial=0))
    pixel = first.astype(np.intp)[:, None] + np.arange(length)
    return np.where(pixel < end[:, None], pixel, -1)


def area_taps(input_size: int, output_size: int) -> Taps:
    """Every input pixel that an output pixel touches, however little, counts the same."""
    i = np.arange(output_size)
    pixel = _windows(i * input_size // output_size, -((i + 1) * input_size // -output_size))
    return pixel, np.ones(pixel.shape) / (pixel >= 0).sum(axis=1, keepdims=True)


# the kernel, and how far it reaches; the other modes share the tent
ANTIALIASING: dict[str, tuple[Callable[[Floats], Floats], int]] = {
    "bicubic": (partial(cubic_kernel, a=-0.5), 2),
    "lanczos": (lanczos_kernel, 3),
}


def _antialias_taps(input_size: int, output_size: int, scale: float, mode: str) -> Taps:
    """The kernel is stretched by the scale, so that an output pixel is a mean of all the pixels it covers."""
    kernel, radius = ANTIALIASING.get(mode, (linear_kernel, 1))
    stretch = max(scale, 1.0)
    reach = radius * stretch
    centre = (np.arange(output_size) + 0.5) * scale  # measured from the image's edge
    first = np.trunc(centre - reach + 0.5).clip(min=0)
    pixel = _windows(first, np.trunc(centre + reach + 0.5).clip(max=input_size))
    distance = (pixel + 0.5 - centre[:, None]) / stretch
    weight = np.where(pixel >= 0, kernel(distance), 0)
    return pixel, weight / weight.sum(axis=1, keepdims=True)


def _taps(
    input_size: int, output_size: int, scale_factor: float | None, mode: str, align_corners: bool | None,
    antialias: bool,
) -> Taps:  # fmt: skip
    corners, cubic = bool(align_corners), mode == "bicubic"
    scale = _scale(input_size, output_size, scale_factor, corners) if output_size else 0.0
    if mode == "area":
        return area_taps(input_size, output_size)
    if mode in ("nearest", "nearest-exact"):
        return _nearest_taps(input_size, output_size, scale, 0.5 if mode == "nearest-exact" else 0.0)
    if input_size == output_size and (antialias or not cubic):  # torch leaves it as it is, whatever the scale
        return np.arange(input_size)[:, None], np.ones((input_size, 1))
    if antialias:
        return _antialias_taps(input_size, output_size, scale, mode)
    return _kernel_taps(input_size, output_size, scale, cubic, corners)


def _dense(taps: Taps, input_size: int) -> Floats:
    pixel, weight = taps
    matrix = np.zeros((len(pixel), input_size))
    rows, columns = np.nonzero(pixel >= 0)
    np.add.at(matrix, (rows, pixel[rows, columns]), weight[rows, columns])  # edge pixels may come twice
    return matrix


def resize_matrix(
    input_size: int,
    output_size: int,
    scale_factor: float | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    antialias: bool = False,
) -> Floats:
    r"""The matrix that resizes one axis: row i holds the weights of the input pixels in output pixel i.

    With the scale s in input pixels for each output pixel, output pixel i lies at the input coordinate

    .. math:: x_i = (i + \tfrac12)\, s - \tfrac12 \quad\text{(half-pixel centres)} \qquad\text{or}\qquad
        x_i = i\, s \quad\text{(align\_corners)}

    and the weight of input pixel j is the kernel at their distance, ``k(j - x_i)``. Every row sums to 1:
    a constant stays constant.

    Parameters
    ----------
    input_size, output_size : int
        Pixels along the axis.
    scale_factor : float, optional
        s is 1 / `scale_factor` where it is given, and output_size has to be floor(input_size \*
        scale_factor); s is input_size / output_size otherwise. With `align_corners` it is (input_size - 1) /
        (output_size - 1), whatever `scale_factor` says. Linear and antialiased modes leave an axis as it is
        where the sizes are equal.
    mode : str
        ``"nearest"`` takes pixel floor(i s), ``"nearest-exact"`` floor((i + 1/2) s); ``"linear"``,
        ``"bilinear"`` and ``"trilinear"`` are one mode along an axis; ``"bicubic"``; ``"lanczos"``, which
        needs `antialias`; and ``"area"``, the mean of all the pixels that the output pixel touches.
    align_corners : bool, optional
        For the linear modes and bicubic: the centres of the corner pixels stay where they are. Lanczos takes
        False alone.
    antialias : bool
        For bilinear, bicubic and lanczos: where the image shrinks, stretch the kernel by s, and divide by the
        sum of the weights inside the image. The cubic kernel then has the slope a = -0.5, otherwise -0.75.

    Returns
    -------
    ndarray (output_size, input_size), float64

    Raises
    ------
    ValueError, TypeError
        As `interpolate`, for one axis.

    See Also
    --------
    interpolate : applies one such matrix to each axis. Chapter 7; Keys (1981) for the cubic kernel, Duchon
    (1979) for Lanczos'.

    Examples
    --------
    >>> resize_matrix(2, 4, mode="linear")  # at -0.25 (the edge), 0.25, 0.75 and 1.25 (the edge)
    array([[1.  , 0.  ],
           [0.75, 0.25],
           [0.25, 0.75],
           [0.  , 1.  ]])
    >>> resize_matrix(4, 2, mode="bilinear", antialias=True)  # tents 4 pixels wide; 3 + 3 + 1 = 7
    array([[0.42857143, 0.42857143, 0.14285714, 0.        ],
           [0.        , 0.14285714, 0.42857143, 0.42857143]])
    """
    name = "resize_matrix"
    _check_mode(name, mode, align_corners, antialias)
    rows = as_integer(output_size, "output_size", name, 0 if mode == "area" else 1)
    columns = as_integer(input_size, "input_size", name)
    factor = None if scale_factor is None else as_factors(name, scale_factor, 1)[0]
    if factor is not None and not 0 < factor < math.inf:
        raise ValueError(f"{name}: scale_factor must be above 0 and finite, got {shown(scale_factor)}")
    made = rows if factor is None else int(columns * factor)
    if made != rows:
        raise ValueError(
            f"{name}: scale_factor={shown(scale_factor)} makes {made} of {columns} pixels, not {rows}"
        )
    refuse_if_too_large(name, "the matrix", count((rows, columns)), 8)
    return _dense(_taps(columns, rows, factor, mode, align_corners, antialias), columns)


# --- applying them ------------------------------------------------------------------------------------------

ROWS = 32  # of a band of the matrix


def apply_taps(taps: Taps, input: Array, axis: int) -> Array:
    """The matrix times one axis. Its weights stand along the diagonal: a few rows at a time need few columns.

    Where the image holds a NaN or an infinity it is done without the matrix's zeros, tap by tap: 0 times a
    NaN far away would be a NaN.
    """
    if not np.isfinite(input.sum()):  # or numbers so large that their sum is not
        return _tap_by_tap(taps, input, axis)
    axis %= input.ndim
    pixel, weight = taps
    shape = (*input.shape[:axis], len(pixel), *input.shape[axis + 1 :])
    before, after = math.prod(input.shape[:axis]), math.prod(input.shape[axis + 1 :])
    image = input.reshape(before, input.shape[axis], after)
    output = np.empty((before, len(pixel), after), input.dtype)
    for rows, columns, band in _bands(pixel.shape, pixel.tobytes(), weight.tobytes(), input.dtype):
        if after == 1:
            np.matmul(image[:, columns, 0], band.T, out=output[:, rows, 0])
        else:
            np.matmul(band, image[:, columns], out=output[:, rows])
    return output.reshape(shape)


@functools.lru_cache(maxsize=16)
def _bands(
    shape: tuple[int, int], pixels: bytes, weights: bytes, dtype: Any
) -> list[tuple[slice, slice, NDArray[Any]]]:
    """Some rows of the matrix, the columns where they are not 0, and what stands there; kept."""
    pixel, weight = np.frombuffer(pixels, np.intp).reshape(shape), np.frombuffer(weights).reshape(shape)
    bands = []
    for first in range(0, len(pixel), ROWS):
        rows = slice(first, first + ROWS)
        low, end = int(pixel[rows][pixel[rows] >= 0].min()), int(pixel[rows].max()) + 1
        here = np.where(pixel[rows] < 0, -1, pixel[rows] - low)
        bands.append((rows, slice(low, end), _dense((here, weight[rows]), end - low).astype(dtype)))
    return bands


def _tap_by_tap(taps: Taps, input: Array, axis: int) -> Array:
    pixel, weight = taps
    input = np.moveaxis(input, axis, -1)
    output = np.zeros((*input.shape[:-1], len(pixel)), input.dtype)
    for column, weights in zip(pixel.T, weight.T.astype(input.dtype), strict=True):
        rows = slice(None) if (column >= 0).all() else np.flatnonzero(column >= 0)
        output[..., rows] += weights[rows] * input[..., column[rows]]
    return np.moveaxis(output, -1, axis)


def apply_taps_transposed(taps: Taps, grad: Array, input_size: int, axis: int) -> Array:
    """The transpose of the matrix times one axis: every pixel collects from the outputs it went into."""
    pixel, weight = taps
    grad = np.moveaxis(grad, axis, -1)
    output = np.zeros((*grad.shape[:-1], input_size), grad.dtype)
    for column, weights in zip(pixel.T, weight.T.astype(grad.dtype), strict=True):
        rows = np.flatnonzero(column >= 0)
        targets = column[rows]  # in order, so that equal ones stand together
        starts = np.flatnonzero(np.diff(targets, prepend=-1))
        output[..., targets[starts]] += np.add.reduceat(weights[rows] * grad[..., rows], starts, axis=-1)
    return np.moveaxis(output, -1, axis)


def _apply_to_bytes(taps: Taps, input: Array, axis: int) -> Array:
    """As torch does it for uint8: weights rounded to 16-bit integers, the sum rounded to a byte."""
    matrix = _dense(taps, input.shape[axis])
    bits = 0
    while bits < 22 and math.floor(matrix.max() * 2 ** (bits + 1) + 0.5) < 2**15:
        bits += 1
    whole = np.trunc(matrix * 2**bits + np.copysign(0.5, matrix))
    total = np.moveaxis(input, axis, -1).astype(float) @ whole.T  # whole numbers far below 2^53: exact
    rounded = np.floor((total + 2 ** (bits - 1)) / 2**bits).clip(0, 255)
    return np.moveaxis(rounded.astype(np.uint8), -1, axis)


# --- the checks ---------------------------------------------------------------------------------------------


def _check_mode(function: str, mode: str, align_corners: bool | None, antialias: bool) -> None:
    require_one_of(function, "mode", mode, MODES)
    require_flag(function, "align_corners", align_corners, or_none=True)
    require_flag(function, "antialias", antialias)
    if (align_corners is not None and mode not in AXES_OF_MODE) or (align_corners and mode == "lanczos"):
        raise ValueError(f"{function}: align_corners has no meaning for mode {mode!r}, got {align_corners}")
    if antialias and AXES_OF_MODE.get(mode) != (2,):
        raise ValueError(
            f"{function}: antialias is for modes 'bilinear', 'bicubic' and 'lanczos', got {mode!r}"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError(f"{function}: mode 'lanczos' needs antialias=True, got {antialias!r}")


def as_factors(function: str, scale_factor: Scale, n: int) -> tuple[float, ...]:
    factors: tuple[Any, ...] = tuple(scale_factor) if is_several(scale_factor) else (scale_factor,) * n  # type: ignore[arg-type]
    if not all(isinstance(factor, Real) and not isinstance(factor, bool) for factor in factors):
        raise TypeError(f"{function}: scale_factor must be a number or {n}, got {shown(scale_factor)}")
    if len(factors) != n:
        raise ValueError(f"{function}: scale_factor must be one number or {n}, got {shown(scale_factor)}")
    try:
        floats = tuple(float(factor) for factor in factors)
    except OverflowError:  # a whole number or a fraction may be too large for a float
        floats = (math.inf,)
    if not all(abs(factor) < math.inf for factor in floats):  # NaN is not; and sizes may be symbols
        raise ValueError(f"{function}: scale_factor must be finite, got {shown(scale_factor)}")
    return floats


Plan: TypeAlias = tuple[tuple[int, ...], tuple[float | None, ...]]  # output sizes, scale factors


def _plan(
    function: str, spatial: Sequence[int], size: int | Sequence[int] | None, scale_factor: Scale | None,
    mode: str, recompute_scale_factor: bool | None,
) -> Plan:  # fmt: skip
    n = len(spatial)
    if (size is None) == (scale_factor is None):
        raise ValueError(
            f"{function}: give either size or scale_factor, got size={shown(size)}, "
            f"scale_factor={shown(scale_factor)}"
        )
    if size is not None:
        if recompute_scale_factor:
            raise ValueError(f"{function}: recompute_scale_factor has no meaning with an explicit size")
        if is_several(size) and len(size) != n:  # type: ignore[arg-type]
            raise ValueError(f"{function}: size must be one integer or {n}, got {shown(size)}")
        return as_tuple(size, n, "size", 0 if mode == "area" else 1, function), (None,) * n
    assert scale_factor is not None
    factors = as_factors(function, scale_factor, n)
    sizes = tuple(int(pixels * factor) for pixels, factor in zip(spatial, factors, strict=True))
    if min(sizes) < (0 if mode == "area" else 1):
        raise ValueError(
            f"{function}: scale_factor={shown(scale_factor)} makes {sizes} of {tuple(spatial)}, "
            "which has no pixels"
        )
    return sizes, (None,) * n if recompute_scale_factor else factors


def _check(
    function: str, array: Array, input_size: tuple[int, ...], size: int | Sequence[int] | None,
    scale_factor: Scale | None, mode: str, align_corners: bool | None, recompute_scale_factor: bool | None,
    antialias: bool,
) -> tuple[int, ...]:  # fmt: skip
    """The size of the output, if everything fits."""
    _check_mode(function, mode, align_corners, antialias)
    require_flag(function, "recompute_scale_factor", recompute_scale_factor, or_none=True)
    n = len(input_size) - 2
    if n not in AXES_OF_MODE.get(mode, (1, 2, 3)):
        ranks = [f"(N, C, {', '.join('DHW'[3 - k :])})" for k in AXES_OF_MODE.get(mode, (1, 2, 3))]
        raise ValueError(f"{function}: mode {mode!r} resizes {' or '.join(ranks)}, got {input_size}")
    # torch's adaptive pooling, which computes the area, is less strict about channels
    if 0 in input_size[1 if mode != "area" or n == 3 else 2 :]:
        raise ValueError(f"{function}: only the batch may be empty, got {input_size}")
    sizes, _ = _plan(function, input_size[2:], size, scale_factor, mode, recompute_scale_factor)
    if not is_tensor(array):
        _check_dtype(function, array.dtype, mode, antialias)
    elif mode == "area" and not array.is_floating_point():
        raise TypeError(
            f"{function}: mode 'area' is for floating-point numbers, as in torch; got {array.dtype}"
        )
    stage, largest = list(input_size), 0
    for axis in range(-1, -n - 1, -1):  # one axis after the other, each with two copies of what it makes
        before, stage[axis] = count(stage), sizes[axis]
        largest = max(largest, before + 3 * count(stage))
    refuse_if_too_large(function, "the result and its scratch", largest, array.dtype.itemsize)
    return (*input_size[:2], *sizes)


def _check_dtype(function: str, dtype: np.dtype[Any], mode: str, antialias: bool) -> None:
    names = ["float32", "float64"]
    if not antialias:
        names.insert(0, "float16")
    if mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "lanczos") and function == "interpolate":
        names.insert(0, "uint8")
    if dtype.name not in names:
        what = f"mode {mode!r}{' with antialias' * antialias}"
        raise TypeError(f"{function}: {what} is for {', '.join(names)}, as in torch; got {dtype}")


def _check_interpolate(
    input: Array, size: int | Sequence[int] | None = None, scale_factor: Scale | None = None,
    mode: str = "nearest", align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> None:  # fmt: skip
    require_array("interpolate", "input", input)
    options = (size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    _check("interpolate", input, tuple(input.shape), *options)


def _check_backward(
    grad_output: Array, input_size: Sequence[int], size: int | Sequence[int] | None = None,
    scale_factor: Scale | None = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> None:  # fmt: skip
    name = "interpolate_backward"
    require_array(name, "grad_output", grad_output)
    shape = as_sizes(input_size, "input_size", name)
    options = (size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    expected = _check(name, grad_output, shape, *options)
    if is_tensor(grad_output) and not grad_output.is_floating_point():
        raise TypeError(f"{name}: gradients are of floating-point numbers, got {grad_output.dtype}")
    if tuple(grad_output.shape) != expected:
        raise ValueError(
            f"{name}: grad_output is {tuple(grad_output.shape)} but the output for input {shape} is "
            f"{expected}"
        )


# --- the operation ------------------------------------------------------------------------------------------


def _all_taps(
    spatial: Sequence[int], size: int | Sequence[int] | None, scale_factor: Scale | None, mode: str,
    align_corners: bool | None, recompute_scale_factor: bool | None, antialias: bool,
) -> list[Taps]:  # fmt: skip
    sizes, factors = _plan("interpolate", spatial, size, scale_factor, mode, recompute_scale_factor)
    return [
        _taps(pixels, count, factor, mode, align_corners, antialias)
        for pixels, count, factor in zip(spatial, sizes, factors, strict=True)
    ]


@dispatch(_check_interpolate)
def interpolate(
    input: Array,
    size: int | Sequence[int] | None = None,
    scale_factor: Scale | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Array:
    r"""Resize sequences, images or volumes.

    With one matrix of weights for each axis, M for the height and K for the width (`resize_matrix`):

    .. math:: y_{n,c,i,j} = \sum_{a,b} M_{i,a} \; x_{n,c,a,b} \; K_{j,b}

    Parameters
    ----------
    input : array (N, C, W), (N, C, H, W) or (N, C, D, H, W)
    size : int or sequence of int, optional
        Pixels of the output, for each axis.
    scale_factor : float or sequence of float, optional
        Output pixels for each input pixel; the output has floor(input size \* scale_factor) of them. Give
        either this or `size`.
    mode : str
        ``"nearest"``, ``"nearest-exact"`` and ``"area"`` for every rank; ``"linear"`` for sequences,
        ``"bilinear"``, ``"bicubic"`` and ``"lanczos"`` for images, ``"trilinear"`` for volumes.
    align_corners : bool, optional
        For the linear modes and bicubic: the centres of the corner pixels stay where they are. Lanczos takes
        False alone.
    recompute_scale_factor : bool, optional
        Take the scale from the sizes, which are whole numbers, and not from `scale_factor` itself. The two
        differ where floor cuts something off. Mode ``"area"`` always does so.
    antialias : bool
        For bilinear, bicubic and lanczos: let every input pixel count where the image shrinks. Lanczos needs
        it.

    Returns
    -------
    array (N, C, \*sizes)
        The dtype of the input. Half precision is accumulated in single precision. For uint8, bilinear,
        bicubic and lanczos work with 16-bit weights and round to a byte after each axis, as torch does. For
        float32, torch finds the place of a pixel in single precision and convlib in double, which makes a
        difference of about 1e-7 times the pixels of an axis.

    Raises
    ------
    ValueError
        Not exactly one of `size` and `scale_factor`, a rank that the mode does not resize, no pixels, an
        option that has no meaning for the mode, or a result above 2^36 bytes.
    TypeError
        A dtype that torch's CPU does not take in this mode: uint8 only for nearest, nearest-exact, bilinear,
        bicubic and lanczos, no other integers, float16 not with `antialias`. Lanczos on another device.

    See Also
    --------
    resize_matrix : the weights. interpolate_backward : the gradient.
    torch.nn.functional.interpolate : the same function. Chapter 7.

    Notes
    -----
    In a few cases torch 2.13 answers in two ways, and NumPy arrays get the one that fits the formula:
    nearest, where i s lies within rounding of a whole number (it depends on dtype and size), or where the
    floor makes a size equal to or twice the old one (small images on the CPU then forget `scale_factor`);
    bilinear, bicubic and lanczos images of uint8 or with `antialias` that come out one pixel wide (the CPU
    repeats their first row).

    Examples
    --------
    >>> row = np.array([[[0., 1., 2., 3.]]])
    >>> interpolate(row, scale_factor=2, mode="linear")  # half-pixel centres: at -0.25, 0.25, 0.75, ...
    array([[[0.  , 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.  ]]])
    >>> interpolate(row, size=7, mode="linear", align_corners=True)  # 7 pixels, 6 steps from 0 to 3
    array([[[0. , 0.5, 1. , 1.5, 2. , 2.5, 3. ]]])
    >>> interpolate(row, size=7)
    array([[[0., 0., 1., 1., 2., 2., 3.]]])
    >>> interpolate(row, size=3), interpolate(row, size=3, mode="nearest-exact")
    (array([[[0., 1., 2.]]]), array([[[0., 2., 3.]]]))
    """
    options = (size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    output = wide(input)
    for axis, taps in reversed(list(enumerate(_all_taps(input.shape[2:], *options), start=2))):
        if mode in ("nearest", "nearest-exact"):
            output = np.take(output, taps[0][:, 0], axis)
        elif input.dtype.type is np.uint8:
            if len(taps[0]) != input.shape[axis]:  # torch leaves the bytes of such an axis as they are
                output = _apply_to_bytes(taps, output, axis)
        else:
            output = apply_taps(taps, output, axis)
    return output.astype(input.dtype, order="C", copy=output is input)


@dispatch(_check_backward)
def interpolate_backward(
    grad_output: Array,
    input_size: Sequence[int],
    size: int | Sequence[int] | None = None,
    scale_factor: Scale | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Array:
    r"""Gradient of `interpolate` with respect to its input: the transposed matrices.

    .. math:: \frac{\partial L}{\partial x_{n,c,a,b}} = \sum_{i,j} M_{i,a} \; g_{n,c,i,j} \; K_{j,b}

    Parameters
    ----------
    grad_output : array (N, C, \*sizes)
        Gradient of the loss with respect to the output.
    input_size : sequence of int
        Shape of the input, (N, C, W), (N, C, H, W) or (N, C, D, H, W).
    size, scale_factor, mode, align_corners, recompute_scale_factor, antialias
        As they were for `interpolate`.

    Returns
    -------
    array of shape `input_size`
        Pixels that no output pixel was made of get exactly 0. Where the floor leaves a size as it was, or
        doubles it, although `scale_factor` says otherwise, torch's own backward is not the transpose of its
        forward in modes nearest, bicubic and with `antialias`; this one is.

    Raises
    ------
    ValueError, TypeError
        As `interpolate`; also where `grad_output` has not the output's shape, or is not of floating-point
        numbers.

    See Also
    --------
    interpolate. torch reaches the same numbers through autograd. Chapter 7.

    Examples
    --------
    >>> grad = np.array([[[1., 10., 100.]]])
    >>> interpolate_backward(grad, (1, 1, 4), size=3)  # the last pixel was left out
    array([[[  1.,  10., 100.,   0.]]])
    >>> interpolate_backward(grad, (1, 1, 2), size=3, mode="linear")  # the middle one was half of each
    array([[[  6., 105.]]])
    """
    options = (size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    grad = wide(grad_output)
    for axis, taps in enumerate(_all_taps(input_size[2:], *options), start=2):
        grad = apply_taps_transposed(taps, grad, input_size[axis], axis)
    return grad.astype(grad_output.dtype, order="C", copy=False)

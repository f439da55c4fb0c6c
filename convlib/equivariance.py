"""Measured equivariance: does it matter whether an image is moved before an operation, or its answer after?

An operation f is *equivariant* under a transform T if T can be pulled through it,

    f(T x)  =  T' f(x)

where T' is what T becomes on the output: the same, or a shift by as many pixels of a coarser grid, or nothing
at all, and then f is *invariant*. `equivariance_error` computes both sides for any function, of NumPy or of
torch, and says by how much they differ. The transforms act on the last two axes, whatever stands before them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib._checks import as_real, require_one_of, shown
from convlib._dispatch import Array, dtype_name, is_tensor, library_of, require_array, wide
from convlib.resize import interpolate
from convlib.shapes import Ints, as_integer, as_tuple, count, refuse_if_too_large
from convlib.windows import pad

# --- transforms ---------------------------------------------------------------------------------------------


def shift(input: Array, offset: Sequence[int], mode: str = "circular") -> Array:
    """Move an image by whole pixels, down and to the right.

    Parameters
    ----------
    input : array (..., H, W)
    offset : pair of int
        (rows, columns); negative numbers move up and to the left.
    mode : {"circular", "zeros"}
        What enters at the edge: what left at the other one, or zeros.

    Returns
    -------
    array of the input's shape and dtype

    Raises
    ------
    ValueError
        Fewer than two axes, not two numbers, or an unknown mode.

    See Also
    --------
    numpy.roll, torch.roll : the circular shift. Chapter 4.

    Examples
    --------
    >>> image = np.array([[1, 2, 3], [4, 5, 6]])
    >>> shift(image, (0, 1))
    array([[3, 1, 2],
           [6, 4, 5]])
    >>> shift(image, (-1, 1), mode="zeros")
    array([[0, 4, 5],
           [0, 0, 0]])
    """
    _require_image("shift", input)
    require_one_of("shift", "mode", mode, ("circular", "zeros"))
    rows, columns = _pair("shift", "offset", offset)
    height, width = input.shape[-2:]
    if mode == "circular":
        return library_of(input).roll(input, (rows, columns), (-2, -1))
    down, right = (max(-n, min(d, n)) for d, n in ((rows, height), (columns, width)))
    return pad(input, (right, -right, down, -down))


def rotate90(input: Array, quarters: int = 1) -> Array:
    """Turn an image by quarter turns, counterclockwise: no pixel is lost, and none is mixed with another.

    Parameters
    ----------
    input : array (..., H, W)
    quarters : int
        Any whole number; 4 turns the image to where it was.

    Returns
    -------
    array (..., H, W) or (..., W, H)

    Raises
    ------
    ValueError
        Fewer than two axes.

    See Also
    --------
    numpy.rot90, torch.rot90 : the same, of other axes. rotate : any angle. Chapter 4.

    Examples
    --------
    >>> rotate90(np.array([[1, 2, 3], [4, 5, 6]]))
    array([[3, 6],
           [2, 5],
           [1, 4]])
    """
    _require_image("rotate90", input)
    quarters = as_integer(quarters, "quarters", "rotate90", at_least=-(2**62))
    turned = library_of(input).rot90(input, quarters % 4, (-2, -1))
    return turned if is_tensor(input) else turned.copy()


def rotate(input: Array, degrees: float) -> Array:
    r"""Turn an image about its centre, counterclockwise, by any angle.

    Every pixel of the answer looks back to the place that it came from, and takes the bilinear mean of the
    four pixels around it; outside of the image there are zeros. At a distance (y, x) from the centre, y down
    and x to the right, that place is

    .. math:: (y, x) \mapsto (y \cos\alpha + x \sin\alpha, \; x \cos\alpha - y \sin\alpha)

    Parameters
    ----------
    input : array (..., H, W)
        Of floating-point numbers.
    degrees : float
        90 turns a square image as `rotate90` does.

    Returns
    -------
    array of the input's shape and dtype
        The corners leave the image, unless the angle is a multiple of 180, or of 90 in a square.

    Raises
    ------
    ValueError
        Fewer than two axes, or an angle that is not finite.
    TypeError
        Numbers that are not floating-point.

    See Also
    --------
    rotate90 : quarter turns, exactly. Chapter 4.

    Examples
    --------
    >>> rotate(np.array([[1., 2.], [3., 4.]]), 90)
    array([[2., 4.],
           [1., 3.]])
    >>> cross = np.array([[0., 1., 0.], [1., 1., 1.], [0., 1., 0.]])
    >>> rotate(cross, 45)[1].round(2)  # the middle row: each end looks between a corner and two ends
    array([0.5, 1. , 0.5])
    """
    name = "rotate"
    _require_image(name, input)
    _require_floats(name, input)
    angle = _finite(name, "degrees", degrees)
    refuse_if_too_large(name, "the result and its scratch", 4 * count(input.shape), input.dtype.itemsize)
    height, width = input.shape[-2:]
    # rounded, so that a quarter turn looks exactly at a pixel
    cosine, sine = (round(f(math.radians(angle % 360)), 15) for f in (math.cos, math.sin))
    y = np.arange(height)[:, None] - (height - 1) / 2
    x = np.arange(width) - (width - 1) / 2
    place_y = y * cosine + x * sine + (height - 1) / 2
    place_x = x * cosine - y * sine + (width - 1) / 2
    top, left = np.floor(place_y), np.floor(place_x)
    turned: Any = 0
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        weight = (1 - np.abs(place_y - row)) * (1 - np.abs(place_x - column))
        weight = np.where((row >= 0) & (row < height) & (column >= 0) & (column < width), weight, 0)
        turned = turned + _weighted(input, np.where(weight > 0, row * width + column, 0), weight)
    return turned.astype(input.dtype, copy=False) if isinstance(turned, np.ndarray) else turned


def _weighted(input: Array, places: NDArray[Any], weight: NDArray[Any]) -> Array:
    """The pixels at these places of every plane, times their weights: of a weight 0 not even NaN counts."""
    library, indices, factor = library_of(input), places.astype(np.int64), weight
    if is_tensor(input):
        indices = library.from_numpy(indices).to(input.device)
        factor = library.from_numpy(weight).to(input.device, input.dtype)
    else:
        factor = weight.astype(wide(input).dtype)
    pixels = input.reshape(*input.shape[:-2], input.shape[-2] * input.shape[-1])[..., indices]
    return library.where(factor > 0, pixels, 0) * factor


def rescale(input: Array, factor: float) -> Array:
    """Make an image larger or smaller: `interpolate`, bilinear, with `antialias` where it shrinks.

    Parameters
    ----------
    input : array (..., H, W)
        Of floating-point numbers.
    factor : float
        Output pixels for each input pixel, on both axes. A comparison is fair where H and W times the factor
        are whole numbers: else the pixels left over at the end are cut off.

    Returns
    -------
    array (..., floor(H * factor), floor(W * factor))

    Raises
    ------
    ValueError
        Fewer than two axes, or a factor that leaves no pixel.
    TypeError
        Numbers that are not floating-point.

    See Also
    --------
    convlib.interpolate. Chapters 4 and 7.

    Examples
    --------
    >>> rescale(np.array([[0., 4.], [0., 4.]]), 2)[0]  # half-pixel centres: at -1/4, 1/4, 3/4, 5/4
    array([0., 1., 3., 4.])
    >>> rescale(np.array([[0., 0., 8., 8.]] * 2), 0.5)  # weights 3 3 1 and 1 3 3: 8/7 and 6*8/7
    array([[1.14285714, 6.85714286]])
    """
    name = "rescale"
    _require_image(name, input)
    _require_floats(name, input)
    number = _finite(name, "factor", factor)
    height, width = input.shape[-2:]
    if not (number > 0 and int(height * number) and int(width * number)):
        raise ValueError(
            f"{name}: factor must be large enough to leave a pixel of ({height}, {width}), got "
            f"{shown(factor)}"
        )
    size = (*input.shape[:-2], int(height * number), int(width * number))
    refuse_if_too_large(name, "the result and its scratch", 4 * count(size), input.dtype.itemsize)
    flat = (input if is_tensor(input) else wide(input)).reshape(-1, 1, height, width)
    resized = interpolate(flat, scale_factor=number, mode="bilinear", antialias=number < 1).reshape(size)
    return resized if is_tensor(input) else resized.astype(input.dtype, copy=False)


# --- the measure --------------------------------------------------------------------------------------------


def equivariance_error(
    operation: Callable[[Array], Array],
    transform: Callable[[Array], Array],
    input: Array,
    transform_output: Callable[[Array], Array] | None = None,
    margin: Ints = 0,
) -> float:
    r"""By how much it matters whether an image is transformed before an operation or its answer after.

    The largest difference of the two answers, for numbers that are 1 in the root mean square:

    .. math:: \frac{\max_i \, | f(T x) - T' f(x) |_i}{\sqrt{\mathrm{mean}_i \, f(x)_i^2}}

    0 where f commutes with the transform exactly, about 1e-15 where it does up to the rounding of float64,
    and of the order of 1 where it does not.

    Parameters
    ----------
    operation : callable
        f, anything that makes an array of an array or a tensor of a tensor: a function, a torch.nn.Module (in
        its `eval` mode, if training makes a difference), a whole network.
    transform : callable
        T, for instance ``lambda x: shift(x, (0, 2))`` or `rotate90`.
    input : array
        x, as `operation` and `transform` take it.
    transform_output : callable, optional
        T', the same as T unless given. ``lambda y: y`` asks for invariance.
    margin : int or pair of int
        Pixels of the output that do not count, on each side of its last two axes (vertical, horizontal): what
        the edges spoil. Only the maximum leaves them out, and not the mean square.

    Returns
    -------
    float
        NaN if one of the two answers holds NaN. Where f(x) is 0 everywhere, 0 if f(T x) is, too, and else
        infinity.

    Raises
    ------
    ValueError
        Answers of different shapes, or a margin that leaves nothing of them. What `operation`, `transform`
        and `transform_output` raise themselves comes through.
    TypeError
        Something that cannot be called, or that does not give an array or a tensor.

    See Also
    --------
    convlib.equivariance : transforms, and `shift_errors`. Chapter 4.

    Examples
    --------
    >>> from convlib import max_pool2d
    >>> from convlib.equivariance import shift
    >>> row = np.array([[[0., 5., 0., 0., 0., 0.]]])
    >>> halve = lambda x: max_pool2d(x, (1, 2))  # 5 0 0
    >>> equivariance_error(halve, lambda x: shift(x, (0, 2)), row, lambda y: shift(y, (0, 1)))
    0.0
    >>> error = equivariance_error(halve, lambda x: shift(x, (0, 1)), row, lambda y: y)  # 0 5 0, not 5 0 0
    >>> round(error, 4)  # 5, for a root mean square of 5 / sqrt(3)
    1.7321
    """
    name = "equivariance_error"
    require_array(name, "input", input)
    return _error(name, operation, transform, input, transform_output or transform, margin)


def shift_errors(
    operation: Callable[[Array], Array],
    input: Array,
    shifts: Iterable[int | Sequence[int]],
    stride: Ints = 1,
    mode: str = "circular",
    margin: Ints = 0,
) -> NDArray[np.float64]:
    """`equivariance_error` of an operation for each of several shifts, to be drawn as a curve.

    Parameters
    ----------
    operation : callable
        As for `equivariance_error`.
    input : array (..., H, W)
    shifts : sequence of int or of pairs of int
        Pixels by which the input moves, (rows, columns); a single number moves it to the right.
    stride : int or pair of int
        Input pixels for each output pixel, (vertical, horizontal). The output can only move by whole pixels:
        by the whole number that is nearest to shift / stride, and of two that are equally near by the smaller
        one. So a shift by half a stride is compared with an output that stays where it is.
    mode : {"circular", "zeros"}
        As for `shift`, of the input and of the output.
    margin : int or pair of int
        As for `equivariance_error`.

    Returns
    -------
    array of float64
        One error for each shift.

    Raises
    ------
    ValueError, TypeError
        As `equivariance_error` and `shift`.

    See Also
    --------
    equivariance_error. Chapter 4; Zhang (2019), arXiv 1904.11486.

    Examples
    --------
    >>> row = np.array([[[0., 5., 0., 0., 0., 0.]]])
    >>> shift_errors(lambda x: x[..., ::2], row + 1, [0, 1, 2, 3, 4], stride=(1, 2))  # 1 1 1, or one 6
    array([0., 5., 0., 5., 0.])
    """
    name = "shift_errors"
    _require_image(name, input)
    require_one_of(name, "mode", mode, ("circular", "zeros"))
    strides = as_tuple(stride, 2, "stride", function=name)
    try:
        offsets = [_offset(name, given) for given in shifts]
    except TypeError as error:
        if str(error).startswith(name):
            raise
        raise TypeError(f"{name}: shifts must be a sequence, got {shown(shifts)}") from None
    errors = []
    for offset in offsets:
        moved = tuple(-((s - 2 * d) // (2 * s)) for d, s in zip(offset, strides, strict=True))
        before, after = _mover(offset, mode), _mover(moved, mode)
        errors.append(_error(name, operation, before, input, after, margin))
    return np.array(errors, dtype=np.float64)


def _mover(offset: Sequence[int], mode: str) -> Callable[[Array], Array]:
    return lambda image: shift(image, offset, mode)


def _error(
    function: str, operation: Callable[[Array], Array], transform: Callable[[Array], Array], input: Array,
    transform_output: Callable[[Array], Array], margin: Ints,
) -> float:  # fmt: skip
    steps = {"operation": operation, "transform": transform, "transform_output": transform_output}
    for name, step in steps.items():
        if not callable(step):
            raise TypeError(f"{function}: {name} must be a function, got {shown(step)}")
    sides = as_tuple(margin, 2, "margin", at_least=0, function=function)
    answer = operation(input)
    _require_answer(function, "operation", answer)
    moved = transform(input)
    _require_answer(function, "transform", moved)
    expected, actual = transform_output(answer), operation(moved)
    _require_answer(function, "transform_output", expected)
    _require_answer(function, "operation", actual)
    if tuple(actual.shape) != tuple(expected.shape):
        raise ValueError(
            f"{function}: operation(transform(input)) is {tuple(actual.shape)} but "
            f"transform_output(operation(input)) is {tuple(expected.shape)}"
        )
    difference = np.abs(_numbers(actual) - _numbers(expected))
    if any(sides):
        if difference.ndim < 2 or any(2 * m >= n for m, n in zip(sides, difference.shape[-2:], strict=True)):
            raise ValueError(
                f"{function}: margin {shown(margin)} leaves nothing of the output {difference.shape}"
            )
        rows, columns = (slice(m, n - m) for m, n in zip(sides, difference.shape[-2:], strict=True))
        difference = difference[..., rows, columns]
    if not difference.size:
        raise ValueError(f"{function}: the output {tuple(actual.shape)} holds no numbers to compare")
    largest = float(difference.max())
    scale = math.sqrt(float(np.mean(np.abs(_numbers(answer)) ** 2)))
    if scale == 0:
        return math.inf if largest > 0 else largest
    return largest / scale


def _numbers(array: Array) -> NDArray[Any]:
    """In double precision, where the difference of two of them says something."""
    if is_tensor(array):
        torch = library_of(array)
        wide_type = torch.complex128 if array.is_complex() else torch.float64
        return array.detach().cpu().to(wide_type).resolve_conj().numpy()  # type: ignore[no-any-return]
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)  # type: ignore[no-any-return]


# --- the checks ---------------------------------------------------------------------------------------------


def _require_image(function: str, input: Array) -> None:
    require_array(function, "input", input)
    if input.ndim < 2:
        raise ValueError(f"{function}: input must have the axes (..., H, W), got {tuple(input.shape)}")


def _require_floats(function: str, input: Array) -> None:
    if "float" not in dtype_name(input):
        raise TypeError(f"{function}: it is for floating-point numbers, got {dtype_name(input)}")


def _require_answer(function: str, name: str, value: object) -> None:
    if not (is_tensor(value) or isinstance(value, np.ndarray)):
        raise TypeError(f"{function}: {name} must give an array or a tensor, got {type(value).__name__}")


def _finite(function: str, name: str, value: float) -> float:
    number = as_real(function, name, value)
    if not abs(number) < math.inf:
        raise ValueError(f"{function}: {name} must be finite, got {shown(value)}")
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"{function}: {name} must fit into a float, got {shown(value)}") from None


def _pair(function: str, name: str, value: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{function}: {name} must be a pair (rows, columns), got {shown(value)}")
    return as_tuple(value, 2, name, at_least=-(2**62), function=function)


def _offset(function: str, given: int | Sequence[int]) -> tuple[int, ...]:
    if not isinstance(given, int | np.integer) or isinstance(given, bool):
        if isinstance(given, tuple | list):
            return _pair(function, "a shift", given)
        raise TypeError(
            f"{function}: a shift must be an integer or a pair (rows, columns), got {shown(given)}"
        )
    return 0, as_integer(int(given), "a shift", function, at_least=-(2**62))

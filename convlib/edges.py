"""From slopes to edges, in the steps of Canny: smooth, differentiate, thin, follow.

An edge is a line along which an image changes fast. The slopes along x and along y are two convolutions. How
steep the image is and which way it climbs follow pixel by pixel; then edges are made one pixel thin, and
those are kept that hang together with a strong one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convlib._checks import as_real, require_one_of
from convlib._dispatch import Array, dtype_name, is_tensor, library_of, require_array, require_same_dtype
from convlib.filtering import PADDING_MODES, filter2d
from convlib.filters import gaussian, prewitt, scharr, sobel

SLOPES = {"sobel": sobel, "prewitt": prewitt, "scharr": scharr}


class Gradient(NamedTuple):
    """How fast an image gets brighter to the right, and downwards."""

    x: Array
    y: Array


def gradient(image: Array, kernel: str = "sobel", padding_mode: str = "replicate") -> Gradient:
    """The slope of an image along x and along y, in grey levels a pixel.

    Parameters
    ----------
    image : array (..., H, W) of floating-point numbers
        Each channel for itself.
    kernel : {"sobel", "prewitt", "scharr"}
        `convlib.filters` has them; here they are divided so that a ramp gives its slope.
    padding_mode : {"replicate", "reflect", "circular", "zeros"}
        What stands beyond the border, as in `filter2d`. "zeros" makes the border an edge.

    Returns
    -------
    Gradient
        ``x`` and ``y``, each like the image.

    See Also
    --------
    numpy.gradient : plain differences. skimage.filters.sobel_v : ``x`` times 2, with the sign turned over.
    Chapter 11.

    Examples
    --------
    >>> ramp = np.array([[0., 2., 4.], [1., 3., 5.], [2., 4., 6.]])  # 2 a pixel to the right, 1 downwards
    >>> x, y = gradient(ramp)
    >>> x[1, 1], y[1, 1]
    (np.float64(2.0), np.float64(1.0))
    """
    _require_image("gradient", "image", image)
    require_one_of("gradient", "kernel", kernel, tuple(SLOPES))
    require_one_of("gradient", "padding_mode", padding_mode, PADDING_MODES)
    _require_pixels("gradient", image, 2 if padding_mode == "reflect" else 1)
    across, down = (SLOPES[kernel](axis, normalized=True) for axis in "xy")
    # the window as it is: passes would round, and tell apart slopes that are equal
    return Gradient(*(filter2d(image, each, 0, padding_mode, separable=False) for each in (across, down)))


def gradient_magnitude(x: Array, y: Array) -> Array:
    r"""How steep the image is, whichever way it climbs.

    .. math:: m = \sqrt{x^2 + y^2}

    Parameters
    ----------
    x, y : arrays (..., H, W)
        As `gradient` gives them.

    Returns
    -------
    array (..., H, W)
        Grey levels a pixel. Where a tensor is flat its own gradient is NaN: a cone has no slope at its tip.

    See Also
    --------
    numpy.hypot, torch.hypot. Chapter 11.

    Examples
    --------
    >>> gradient_magnitude(np.array([[3., 0.]]), np.array([[4., -2.]]))
    array([[5., 2.]])
    """
    _require_slopes("gradient_magnitude", x, y)
    return library_of(x).hypot(x, y)


def gradient_orientation(x: Array, y: Array) -> Array:
    r"""Which way the image climbs.

    .. math:: \theta = \operatorname{atan2}(y, x)

    Parameters
    ----------
    x, y : arrays (..., H, W)
        As `gradient` gives them.

    Returns
    -------
    array (..., H, W)
        Radians, from -pi to pi: 0 where it gets brighter to the right, pi/2 where it does downwards. The edge
        itself runs across. Where the image is flat it means nothing.

    See Also
    --------
    numpy.arctan2, torch.atan2. Chapter 11.

    Examples
    --------
    >>> np.degrees(gradient_orientation(np.array([[1., 0., -2.]]), np.array([[1., 3., 0.]])))
    array([[ 45.,  90., 180.]])
    """
    _require_slopes("gradient_orientation", x, y)
    return library_of(x).arctan2(y, x)


def thin_edges(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """The magnitude where it is greatest across the edge, and 0 elsewhere: non-maximum suppression.

    Each pixel is compared with the magnitude one step uphill and one step downhill. Those places lie between
    two of its eight neighbours, and both count, by their distance. Of two equal pixels the brighter one
    stays.

    Parameters
    ----------
    x, y : arrays (..., H, W)
        As `gradient` gives them.

    Returns
    -------
    array (..., H, W)
        Pixels at the border lack a neighbour, and are 0; so is NaN.

    See Also
    --------
    hysteresis : joins what is left. Chapter 11; Canny (1986).

    Examples
    --------
    >>> row = [0., 1., 3., 1., 0.]  # steepest in the middle
    >>> thin_edges(np.array([row, row, row]), np.zeros((3, 5)))
    array([[0., 0., 0., 0., 0.],
           [0., 0., 3., 0., 0.],
           [0., 0., 0., 0., 0.]])
    """
    _require_slopes("thin_edges", x, y)
    _require_numpy("thin_edges", x)
    magnitude: NDArray[Any] = np.hypot(x, y)
    thin = np.zeros_like(magnitude)
    width = magnitude.shape[-1]

    inside = (slice(1, -1), slice(1, -1))
    climb_x, climb_y, here = (array[..., *inside] for array in (x, y, magnitude))
    steps_x, steps_y = (1 * (climb > 0) - 1 * (climb < 0) for climb in (climb_x, climb_y))
    wide = abs(climb_x) >= abs(climb_y)
    straight_x, straight_y = np.where(wide, steps_x, 0), np.where(wide, 0, steps_y)
    less, more = np.where(wide, climb_y, climb_x), np.where(wide, climb_x, climb_y)
    with np.errstate(invalid="ignore"):
        diagonal = abs(
            np.divide(less, more, out=np.zeros_like(more), where=more != 0)
        )  # 0 along an axis, to 1

    places = np.arange(magnitude.size).reshape(magnitude.shape)[..., *inside]

    def one_step(way: int) -> NDArray[Any]:
        corner = magnitude.flat[places + way * (steps_y * width + steps_x)]
        straight = magnitude.flat[places + way * (straight_y * width + straight_x)]
        between: NDArray[Any] = diagonal * corner + (1 - diagonal) * straight
        return between

    highest = (here > one_step(1)) & (here >= one_step(-1))
    thin[..., *inside] = np.where(highest, here, 0)
    return thin


def hysteresis(strength: NDArray[Any], low: float, high: float) -> NDArray[np.bool_]:
    """The pixels above `low` that hang together with one above `high`.

    One threshold breaks a line wherever it fades, or lets the noise in. With two, a line has to be strong
    somewhere and may be weak elsewhere. Pixels hang together by their sides and corners.

    Parameters
    ----------
    strength : array (..., H, W)
    low, high : float
        ``low <= high``.

    Returns
    -------
    array (..., H, W) of bool

    See Also
    --------
    skimage.filters.apply_hysteresis_threshold : there corners do not touch. Chapter 11; Canny (1986).

    Examples
    --------
    >>> hysteresis(np.array([[2., 2., 5., 0., 2., 2.]]), low=1, high=4)
    array([[ True,  True,  True, False, False, False]])
    """
    name = "hysteresis"
    _require_axes(name, "strength", strength)
    _require_numpy(name, strength, "strength")
    if strength.dtype.kind == "c":
        raise TypeError(f"{name}: strength must hold real numbers, got {strength.dtype}")
    low, high = _thresholds(name, low, high)
    frame = [(0, 0)] * (strength.ndim - 2) + [(1, 1)] * 2  # so that no row and no image goes on in the next
    waiting, kept = np.pad(strength > low, frame), np.pad(strength > high, frame)
    width = kept.shape[-1]
    around = np.array([down * width + right for down in (-1, 0, 1) for right in (-1, 0, 1)])
    front = np.flatnonzero(kept)
    while front.size:
        waiting.flat[front], kept.flat[front] = False, True
        reached = (front[:, None] + around).ravel()
        front = np.unique(reached[waiting.flat[reached]])
    return kept[..., 1:-1, 1:-1]


def canny(
    image: NDArray[Any], sigma: float = 1.0, low: float = 0.02, high: float = 0.05
) -> NDArray[np.bool_]:
    """The edges of an image: smoothed, differentiated, thinned, and followed from strong to weak.

    Parameters
    ----------
    image : array (..., H, W) of floating-point numbers
        Each channel for itself.
    sigma : float
        Of the Gaussian, in pixels: what is finer is no edge. 0 leaves it out.
    low, high : float
        Thresholds of `hysteresis`, in grey levels a pixel.

    Returns
    -------
    array (..., H, W) of bool

    See Also
    --------
    skimage.feature.canny : its thresholds are 8 times these. cv2.Canny. Chapter 11; Canny (1986).

    Examples
    --------
    >>> step = np.zeros((5, 6))
    >>> step[:, 3:] = 1
    >>> canny(step, sigma=0).astype(int)  # the brighter of the two columns at the step
    array([[0, 0, 0, 0, 0, 0],
           [0, 0, 0, 1, 0, 0],
           [0, 0, 0, 1, 0, 0],
           [0, 0, 0, 1, 0, 0],
           [0, 0, 0, 0, 0, 0]])
    """
    name = "canny"
    _require_image(name, "image", image)
    _require_numpy(name, image, "image")
    _require_pixels(name, image, 1)
    sigma = as_real(name, "sigma", sigma)
    if not sigma >= 0:
        raise ValueError(f"{name}: sigma must be at least 0, got {sigma}")
    low, high = _thresholds(name, low, high)
    smooth = filter2d(image, gaussian(sigma), padding_mode="replicate") if sigma else image
    return hysteresis(thin_edges(*gradient(smooth)), low, high)


# --- checks -------------------------------------------------------------------------------------------------


def _require_image(function: str, name: str, array: Array) -> None:
    _require_axes(function, name, array)
    if "float" not in dtype_name(array):
        raise TypeError(f"{function}: {name} must hold floating-point numbers, got {dtype_name(array)}")


def _require_axes(function: str, name: str, array: Array) -> None:
    require_array(function, name, array)
    if array.ndim < 2:
        raise ValueError(f"{function}: {name} must be (..., H, W), got {tuple(array.shape)}")


def _require_pixels(function: str, image: Array, least: int) -> None:
    if min(image.shape[-2:]) < least:
        raise ValueError(
            f"{function}: image must have at least {least} x {least} pixels here, got {tuple(image.shape)}"
        )


def _require_slopes(function: str, x: Array, y: Array) -> None:
    for name, array in (("x", x), ("y", y)):
        _require_image(function, name, array)
    if is_tensor(x) != is_tensor(y):
        words = ("a torch tensor", "a NumPy array")
        raise TypeError(
            f"{function}: x is {words[not is_tensor(x)]} but y is {words[is_tensor(x)]}; convert one of them"
        )
    require_same_dtype(function, x=x, y=y)
    if x.shape != y.shape:
        raise ValueError(
            f"{function}: x and y must have one shape, got {tuple(x.shape)} and {tuple(y.shape)}"
        )


def _require_numpy(function: str, array: Array, name: str = "x") -> None:
    if is_tensor(array):
        raise TypeError(
            f"{function}: {name} must be a NumPy array, got a torch tensor; it has no gradient to follow"
        )


def _thresholds(function: str, low: float, high: float) -> tuple[float, float]:
    low, high = as_real(function, "low", low), as_real(function, "high", high)
    if not low <= high:
        raise ValueError(f"{function}: low must not exceed high, got {low} and {high}")
    return low, high

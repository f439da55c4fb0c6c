"""Handcrafted kernels, built rather than typed in.

Three ideas make nearly all of them. To *smooth* is to average neighbours, with weights that add up to 1. To
take a *difference* is to subtract neighbours, with weights that add up to 0, so that a flat area gives 0.
To *sharpen* is to keep the image and add differences, so the weights add up to 1 again. In two dimensions
most of them are an outer product, one idea down the columns and one along the rows:

    Sobel = smooth (column)  x  difference (row)

All kernels are meant as they stand, for *cross-correlation*, as `convlib.filtering.filter2d` applies them. x
runs to the right and y runs down, as columns and rows do; a derivative is positive where the image gets
brighter that way. Kernels that are famous for their whole numbers come with them; ``normalized=True`` gives
the slope in grey levels a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convlib._checks import as_real, require_flag, require_one_of, shown
from convlib.blur_pool import binomial as pascal
from convlib.shapes import Ints, as_integer, as_tuple

Kernel = NDArray[np.float64]

DIFFERENCE = (-1.0, 0.0, 1.0)


# --- smooth: the weights add up to 1 ------------------------------------------------------------------------


def identity(size: Ints = 3) -> Kernel:
    """The kernel that changes nothing: 1 in the middle, 0 around it.

    Parameters
    ----------
    size : int or pair of int
        Odd, in pixels: (height, width).

    Returns
    -------
    array (k, k) of float64

    Examples
    --------
    >>> identity()
    array([[0., 0., 0.],
           [0., 1., 0.],
           [0., 0., 0.]])
    """
    height, width = _odd_sizes("identity", size)
    kernel = np.zeros((height, width))
    kernel[height // 2, width // 2] = 1
    return kernel


def box(size: Ints = 3) -> Kernel:
    """The plain average of a window.

    Parameters
    ----------
    size : int or pair of int
        In pixels: (height, width).

    Returns
    -------
    array (k, k) of float64

    See Also
    --------
    gaussian : an average that gives near pixels more weight. scipy.ndimage.uniform_filter. Chapter 11.

    Examples
    --------
    >>> box((1, 2))
    array([[0.5, 0.5]])
    """
    height, width = _sizes("box", size)
    return np.full((height, width), 1 / (height * width))


def binomial(size: Ints = 3) -> Kernel:
    """Rows of Pascal's triangle, multiplied out: what many small averages in a row come to.

    Parameters
    ----------
    size : int or pair of int
        In pixels: (height, width). The standard deviation along an axis of k pixels is sqrt(k - 1) / 2.

    Returns
    -------
    array (k, k) of float64

    See Also
    --------
    convlib.blur_pool2d : downsampling with this kernel. Chapters 4 and 11.

    Examples
    --------
    >>> 16 * binomial(3)
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    height, width = _sizes("binomial", size, most=1000)  # Pascal's numbers must fit into a float
    return np.outer(pascal(height), pascal(width))


def gaussian(sigma: float, size: Ints | None = None) -> Kernel:
    r"""The bell curve, sampled at whole pixels and made to add up to 1.

    .. math:: g_{u, v} \propto e^{-(u^2 + v^2) / 2 \sigma^2}

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels, above 0.
    size : int or pair of int, optional
        Odd, in pixels. Without it the kernel ends at 4 sigma, rounded, as SciPy's does.

    Returns
    -------
    array (k, k) of float64

    See Also
    --------
    scipy.ndimage.gaussian_filter : the same weights. Chapter 11.

    Examples
    --------
    >>> gaussian(0.5, size=(1, 3)).round(4)
    array([[0.1065, 0.787 , 0.1065]])
    """
    column, row = _bell("gaussian", sigma, size)
    return np.outer(column, row)


def motion_blur(length: float, angle: float = 0) -> Kernel:
    """What a camera sees that moves while the shutter is open: the average along a straight line.

    The line is walked in 64 steps a pixel, and each step counts for the pixel that it is in. Along an axis an
    odd length gives a plain row or column.

    Parameters
    ----------
    length : float
        Of the line, in pixels, from 1 to 1000.
    angle : float
        Of the line, in degrees from the x axis towards the y axis, that is clockwise.

    Returns
    -------
    array (k, k) of float64
        Odd and square, as small as holds the line at any angle.

    See Also
    --------
    box : the average of a window. Chapter 11.

    Examples
    --------
    >>> 3 * motion_blur(3)
    array([[0., 0., 0.],
           [1., 1., 1.],
           [0., 0., 0.]])
    """
    name = "motion_blur"
    length = _number(name, "length", length, at_least=1, at_most=1000)
    x, y = _direction(name, angle)
    radius = math.ceil(length / 2 - 0.5)
    steps = round(64 * length)
    along = (np.arange(steps) - (steps - 1) / 2) * (length / steps)  # the same from either end
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    np.add.at(kernel, tuple(np.rint(along * part).astype(int) + radius for part in (y, x)), 1 / steps)
    return kernel


# --- take a difference: the weights add up to 0 -------------------------------------------------------------


def prewitt(axis: str, normalized: bool = False) -> Kernel:
    """The difference along one axis, averaged over three rows or columns of the other.

    Parameters
    ----------
    axis : {"x", "y"}
        Positive where the image gets brighter to the right, or downwards.
    normalized : bool
        Divide by 6: three differences of pixels that are two apart. The answer is a slope, a pixel.

    Returns
    -------
    array (3, 3) of float64

    See Also
    --------
    sobel, scharr. scipy.ndimage.prewitt : the same whole numbers. Chapter 11; Prewitt (1970).

    Examples
    --------
    >>> prewitt("x")
    array([[-1.,  0.,  1.],
           [-1.,  0.,  1.],
           [-1.,  0.,  1.]])
    """
    return _slope("prewitt", (1, 1, 1), axis, normalized)


def sobel(axis: str, normalized: bool = False) -> Kernel:
    """The difference along one axis, smoothed by 1 2 1 along the other.

    Parameters
    ----------
    axis : {"x", "y"}
        Positive where the image gets brighter to the right, or downwards.
    normalized : bool
        Divide by 8: four differences of pixels that are two apart. The answer is a slope, a pixel.

    Returns
    -------
    array (3, 3) of float64

    See Also
    --------
    scipy.ndimage.sobel, cv2.Sobel : the same whole numbers. skimage.filters.sobel : a quarter of them.
    Chapter 11; Sobel and Feldman (1968).

    Examples
    --------
    >>> sobel("x")
    array([[-1.,  0.,  1.],
           [-2.,  0.,  2.],
           [-1.,  0.,  1.]])
    """
    return _slope("sobel", (1, 2, 1), axis, normalized)


def scharr(axis: str, normalized: bool = False) -> Kernel:
    """The difference along one axis, smoothed by 3 10 3 along the other: nearly the same in all directions.

    Parameters
    ----------
    axis : {"x", "y"}
        Positive where the image gets brighter to the right, or downwards.
    normalized : bool
        Divide by 32: sixteen differences of pixels that are two apart. The answer is a slope, a pixel.

    Returns
    -------
    array (3, 3) of float64

    See Also
    --------
    cv2.Scharr : the same whole numbers. skimage.filters.scharr : a sixteenth. Chapter 11; Scharr (2000).

    Examples
    --------
    >>> scharr("y")
    array([[ -3., -10.,  -3.],
           [  0.,   0.,   0.],
           [  3.,  10.,   3.]])
    """
    return _slope("scharr", (3, 10, 3), axis, normalized)


def roberts(diagonal: str) -> Kernel:
    """The difference of two pixels that touch at a corner.

    Parameters
    ----------
    diagonal : {"down", "up"}
        Positive where the image gets brighter from the upper left to the lower right, or from the lower left
        to the upper right.

    Returns
    -------
    array (2, 2) of float64
        Its answer belongs to the corner between four pixels, half a pixel off the grid.

    See Also
    --------
    skimage.filters.roberts : the length of both together. Chapter 11; Roberts (1963).

    Examples
    --------
    >>> roberts("down")
    array([[-1.,  0.],
           [ 0.,  1.]])
    """
    require_one_of("roberts", "diagonal", diagonal, ("down", "up"))
    kernel = np.diag([-1.0, 1.0])
    return kernel if diagonal == "down" else kernel[::-1].copy()


def laplacian(neighbors: int = 4) -> Kernel:
    """The neighbours minus the pixel, as often as there are neighbours: how far a pixel lies below them.

    Second differences, 1 -2 1, along x and y together, and for 8 neighbours along both diagonals, too.

    Parameters
    ----------
    neighbors : {4, 8}

    Returns
    -------
    array (3, 3) of float64
        The answer is negative on a bright point and positive on a dark one.

    See Also
    --------
    laplacian_of_gaussian : smoothed first. scipy.ndimage.laplace : with 4 neighbours. Chapter 11.

    Examples
    --------
    >>> laplacian()
    array([[ 0.,  1.,  0.],
           [ 1., -4.,  1.],
           [ 0.,  1.,  0.]])
    """
    neighbors = as_integer(neighbors, "neighbors", "laplacian")
    if neighbors not in (4, 8):
        raise ValueError(f"laplacian: neighbors must be 4 or 8, got {neighbors}")
    kernel = np.ones((3, 3))
    if neighbors == 4:
        kernel[::2, ::2] = 0
    kernel[1, 1] = -neighbors
    return kernel


def laplacian_of_gaussian(sigma: float, size: Ints | None = None) -> Kernel:
    r"""The second derivatives of a bell curve along x and y together: finds spots of its own size.

    .. math:: \left( \frac{x^2 + y^2}{\sigma^4} - \frac{2}{\sigma^2} \right) g_\sigma(x, y)

    Sampled, its weights add up to nearly 0; what is left is taken off in proportion to the bell curve, so
    that a flat area gives 0.

    Parameters
    ----------
    sigma : float
        In pixels, above 0. A bright disk of radius sigma sqrt(2) gives the strongest answer, a negative one.
    size : int or pair of int, optional
        Odd, in pixels. Without it the kernel ends at 4 sigma, rounded.

    Returns
    -------
    array (k, k) of float64

    See Also
    --------
    difference_of_gaussians : nearly the same, with the other sign. scipy.ndimage.gaussian_laplace : the same
    but for what is taken off. Chapter 11; Marr and Hildreth (1980).

    Examples
    --------
    >>> laplacian_of_gaussian(1)[4].round(3)  # the row through the middle
    array([ 0.001,  0.012,  0.043, -0.097, -0.318, -0.097,  0.043,  0.012,
            0.001])
    """
    column, row = _bell("laplacian_of_gaussian", sigma, size)
    return np.outer(_bend(column, sigma), row) + np.outer(column, _bend(row, sigma))


def difference_of_gaussians(sigma: float, ratio: float = 1.6, size: Ints | None = None) -> Kernel:
    """A narrow bell curve minus a wider one: what lies between two sizes.

    Parameters
    ----------
    sigma : float
        Of the narrow one, in pixels, above 0.
    ratio : float
        Of the wide one to the narrow one, above 1. With 1.6 the shape is close to that of
        `laplacian_of_gaussian`, turned over.
    size : int or pair of int, optional
        Odd, in pixels. Without it the kernel ends where the wide one does.

    Returns
    -------
    array (k, k) of float64
        The answer is positive on a bright spot.

    See Also
    --------
    skimage.filters.difference_of_gaussians. Chapter 11; Marr and Hildreth (1980).

    Examples
    --------
    >>> kernel = difference_of_gaussians(1)
    >>> kernel.shape, kernel[6, 6] > 0
    ((13, 13), np.True_)
    """
    name = "difference_of_gaussians"
    ratio = _number(name, "ratio", ratio, at_most=1000)
    if ratio <= 1:
        raise ValueError(f"{name}: ratio must be above 1, got {shown(ratio)}")
    wide = np.outer(*_bell(name, ratio * _number(name, "sigma", sigma, at_most=1000), size))
    return np.outer(*_bell(name, sigma, wide.shape)) - wide


# --- sharpen: the identity plus differences -----------------------------------------------------------------


def sharpen(amount: float = 1, neighbors: int = 4) -> Kernel:
    """The image minus so much of its Laplacian: every pixel moves away from its neighbours.

    Parameters
    ----------
    amount : float
    neighbors : {4, 8}
        As `laplacian` counts them.

    Returns
    -------
    array (3, 3) of float64

    See Also
    --------
    unsharp : the same idea at any size. Chapter 11.

    Examples
    --------
    >>> sharpen()
    array([[ 0., -1.,  0.],
           [-1.,  5., -1.],
           [ 0., -1.,  0.]])
    """
    amount = as_real("sharpen", "amount", amount)
    return identity() - amount * laplacian(neighbors)


def unsharp(sigma: float, amount: float = 1, size: Ints | None = None) -> Kernel:
    """The image plus so much of what a blur takes from it.

    Its name, the unsharp mask, is from the darkroom: a blurred copy was laid on the negative.

    Parameters
    ----------
    sigma : float
        Of the blur, in pixels, above 0.
    amount : float
    size : int or pair of int, optional
        Odd, in pixels; as for `gaussian`.

    Returns
    -------
    array (k, k) of float64

    See Also
    --------
    skimage.filters.unsharp_mask : the same, cut off at the ends of the range. Chapter 11.

    Examples
    --------
    >>> unsharp(0.5, size=(1, 3)).round(4)
    array([[-0.1065,  1.213 , -0.1065]])
    """
    blur = np.outer(*_bell("unsharp", sigma, size))
    same = identity(blur.shape)
    return same + as_real("unsharp", "amount", amount) * (same - blur)


def emboss(x: float = 1, y: float = 1) -> Kernel:
    """The image plus its slope: lit from one side, as if its brightness were a height.

    Parameters
    ----------
    x, y : float
        How much of the slope to the right and downwards, as `prewitt` measures them. What rises that way gets
        brighter: the light comes from the other side.

    Returns
    -------
    array (3, 3) of float64

    Examples
    --------
    >>> emboss()
    array([[-2., -1.,  0.],
           [-1.,  1.,  1.],
           [ 0.,  1.,  2.]])
    """
    slopes = zip((x, y), "xy", strict=True)
    return identity() + sum(as_real("emboss", axis, much) * prewitt(axis) for much, axis in slopes)


# --- waves --------------------------------------------------------------------------------------------------


def gabor(
    wavelength: float,
    angle: float = 0,
    sigma: float | None = None,
    aspect: float = 1,
    phase: float = 0,
    size: Ints | None = None,
) -> Kernel:
    r"""A wave under a bell curve: answers to stripes of one width and one direction, in one place.

    .. math:: e^{-(x'^2 + \gamma^2 y'^2) / 2\sigma^2} \cos(2 \pi x' / \lambda + \psi)

    with x' along the wave and y' along its stripes.

    Parameters
    ----------
    wavelength : float
        In pixels, at least 2: a shorter wave is not seen by pixels.
    angle : float
        In degrees from the x axis towards the y axis: where the wave runs, across its stripes. With 0 the
        stripes are upright.
    sigma : float, optional
        Of the bell curve along the wave, in pixels; half the wavelength without it.
    aspect : float
        The curve is 1 / aspect times as long along the stripes.
    phase : float
        In degrees: 0 for a bright stripe in the middle, 90 for an edge, from bright to dark.
    size : int or pair of int, optional
        Odd, in pixels. Without it the kernel ends at 3 sigma of the longer side.

    Returns
    -------
    array (k, k) of float64
        1 is the most that a weight can be. With a phase of 0 the weights may add up to more than 0.

    See Also
    --------
    cv2.getGaborKernel : the same numbers, in radians. Chapter 11; Daugman (1985).

    Examples
    --------
    >>> gabor(4, size=(1, 5)).round(3)
    array([[-0.607,  0.   ,  1.   ,  0.   , -0.607]])
    """
    name = "gabor"
    wavelength = _number(name, "wavelength", wavelength, at_least=2, at_most=1000)
    sigma = wavelength / 2 if sigma is None else _number(name, "sigma", sigma, at_most=1000)
    aspect = _number(name, "aspect", aspect, at_most=1000)
    along, down = _direction(name, angle)
    shift = math.radians(_number(name, "phase", phase, positive=False))
    if size is None:
        size = 2 * math.ceil(3 * sigma * max(1, 1 / aspect)) + 1
    height, width = _odd_sizes(name, size)
    y, x = np.mgrid[-(height // 2) : height // 2 + 1, -(width // 2) : width // 2 + 1]
    across, stripes = along * x + down * y, along * y - down * x
    bell = np.exp(-(across**2 + (aspect * stripes) ** 2) / (2 * sigma**2))
    kernel: Kernel = bell * np.cos(2 * math.pi * across / wavelength + shift)
    return kernel


# --- building blocks and checks -----------------------------------------------------------------------------


def _slope(function: str, smooth: Sequence[float], axis: str, normalized: bool) -> Kernel:
    require_one_of(function, "axis", axis, ("x", "y"))
    require_flag(function, "normalized", normalized)
    kernel = np.outer(smooth, DIFFERENCE)
    if normalized:
        kernel /= np.abs(kernel).sum()
    return kernel if axis == "x" else kernel.T.copy()


def _bell(function: str, sigma: float, size: Ints | None) -> list[Kernel]:
    """A bell curve that adds up to 1, down the columns and along the rows."""
    sigma = _number(function, "sigma", sigma, at_most=1000)
    sizes = _odd_sizes(function, 2 * int(4 * sigma + 0.5) + 1 if size is None else size)
    curves = [np.exp(-((np.arange(k) - k // 2) ** 2) / (2 * sigma**2)) for k in sizes]
    return [curve / curve.sum() for curve in curves]


def _bend(curve: Kernel, sigma: float) -> Kernel:
    """The second derivative of a sampled bell curve, made to add up to 0."""
    x = np.arange(len(curve)) - len(curve) // 2
    bend: Kernel = (x**2 / sigma**2 - 1) * curve / sigma**2
    bend -= bend.sum() * curve
    return bend


def _sizes(function: str, size: Ints, most: int = 4001) -> tuple[int, int]:
    height, width = as_tuple(size, 2, "size", function=function)
    if max(height, width) > most:
        raise ValueError(f"{function}: size must be at most {most}, got {shown(size)}")
    return height, width


def _odd_sizes(function: str, size: Ints) -> tuple[int, int]:
    height, width = _sizes(function, size, most=8001)
    if height % 2 == 0 or width % 2 == 0:
        raise ValueError(f"{function}: size must be odd, so that there is a middle; got {shown(size)}")
    return height, width


def _number(
    function: str,
    name: str,
    value: float,
    at_least: float | None = None,
    at_most: float = math.inf,
    positive: bool = True,
) -> float:
    number = as_real(function, name, value)
    if not math.isfinite(number):
        raise ValueError(f"{function}: {name} must be finite, got {shown(value)}")
    if at_least is not None and number < at_least:
        raise ValueError(f"{function}: {name} must be at least {at_least}, got {shown(value)}")
    if positive and number <= 0:
        raise ValueError(f"{function}: {name} must be above 0, got {shown(value)}")
    if number > at_most:
        raise ValueError(f"{function}: {name} must be at most {at_most}, got {shown(value)}")
    return number


def _direction(function: str, angle: float) -> tuple[float, float]:
    """(x, y) of length 1; exact for quarter turns."""
    degrees = _number(function, "angle", angle, positive=False) % 360
    if degrees % 90 == 0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[
            int(degrees // 90) % 4
        ]  # % gives 360 for -1e-20
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

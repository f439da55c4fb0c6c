"""The exercises of chapter 11, handcrafted kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare

random = np.random.default_rng(11)


# --- slope_kernel(average, axis) ----------------------------------------------------------------------------


def slope_from(average: Array, difference: Sequence[float], divisor: float, down: bool) -> Array:
    """The outer product of an average and a difference that runs across, or down."""
    kernel = np.outer(average, difference) / divisor
    return kernel.T if down else kernel


def slope_kernel(average: Array, axis: str) -> Array:
    return slope_from(average, (-1, 0, 1), 2 * average.sum(), axis == "y")


def divided_by(divisor: Callable[[Array], float]) -> Callable[..., Array]:
    return lambda average, axis: slope_from(average, (-1, 0, 1), divisor(average), axis == "y")


declare(
    "slope-kernel",
    slope_kernel,
    cases=[
        (np.array([1.0, 2, 1]), "x"),
        (np.array([1.0, 2, 1]), "y"),
        (np.array([1.0]), "x"),
        (np.array([1.0]), "y"),
        (np.array([1.0, 1, 1]), "x"),
        (np.array([3.0, 10, 3]), "y"),
        (np.array([1.0, 4, 6, 4, 1]), "x"),
        (np.array([1.0, 4, 6, 4, 1]), "y"),
        (np.array([-1.0, 6, -1]), "x"),
        (random.random(7), "y"),
    ],
    mistakes=[
        Mistake("it is not divided: a ramp of 1 a pixel gives more than 1", divided_by(lambda average: 1)),
        Mistake(
            "a ramp of 1 a pixel gives 2: the pixels of the difference are two apart",
            divided_by(lambda average: average.sum()),
        ),
        Mistake(
            "it is divided by the number of weights, not by their sum",
            divided_by(lambda average: 2 * average.size),
        ),
        Mistake(
            "it is divided by the sum of the absolute values: a weight below 0 takes away from the sum",
            divided_by(lambda average: 2 * np.abs(average).sum()),
        ),
        Mistake(
            "it is divided by the length of the average, the root of the sum of squares",
            divided_by(lambda average: 2 * float(np.linalg.norm(average))),
        ),
        Mistake(
            "the axes are exchanged: for x the difference runs along the rows",
            lambda average, axis: slope_kernel(average, "y" if axis == "x" else "x"),
        ),
        Mistake(
            "the sign is wrong: a picture that gets brighter that way must give more than 0",
            lambda average, axis: -slope_kernel(average, axis),
        ),
        Mistake(
            "the kernel for y is the one for x turned by a quarter: transpose it instead",
            lambda average, axis: slope_kernel(average, axis) * (-1 if axis == "y" else 1),
        ),
        Mistake(
            "the axis is ignored: this is the kernel for x",
            lambda average, axis: slope_kernel(average, "x"),
        ),
        Mistake(
            "the axis is ignored: this is the kernel for y",
            lambda average, axis: slope_kernel(average, "y"),
        ),
        Mistake(
            "the difference is of neighbours, -1 1: its answer lies between two pixels",
            lambda average, axis: slope_from(average, (-1, 1), average.sum(), axis == "y"),
            shape_is_enough=True,
        ),
    ],
)


# --- best_passes(kernel, pairs) -----------------------------------------------------------------------------


def best_passes(kernel: Array, pairs: int) -> Array:
    left, values, right = np.linalg.svd(kernel, full_matrices=False)
    return summed(left[:, :pairs], values[:pairs], right[:pairs])


def summed(columns: Array, strengths: Array, rows: Array) -> Array:
    return (columns * strengths) @ rows


def with_svd(change: Callable[[Array, Array, Array, int], Any]) -> Callable[..., Any]:
    return lambda kernel, pairs: change(*np.linalg.svd(kernel, full_matrices=False), pairs)


def kernel_of_size(height: int, width: int) -> Array:
    """Singular values far apart, so that the best passes are no matter of rounding."""
    left, right = (np.linalg.qr(random.normal(size=(n, n)))[0] for n in (height, width))
    short = min(height, width)
    return summed(left[:, :short], 2.0 ** -np.arange(short), right[:short])


declare(
    "best-passes",
    best_passes,
    cases=[
        (np.array([[3.0, 0], [0, 1]]), 1),
        (np.array([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]), 1),
        (np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]), 1),
        (np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]), 2),
        (kernel_of_size(5, 5), 1),
        (kernel_of_size(5, 5), 2),
        (kernel_of_size(7, 7), 4),
        (kernel_of_size(3, 5), 2),
        (kernel_of_size(6, 4), 1),
        (kernel_of_size(4, 4), 4),
    ],
    mistakes=[
        Mistake(
            "the third array is used by columns: it comes transposed, so its rows are the rows of the passes",
            with_svd(lambda u, s, v, r: summed(u[:, :r], s[:r], v.T[:r])),
        ),
        Mistake(
            "the first array is used by rows: its columns are the columns of the passes",
            with_svd(lambda u, s, v, r: summed(u[:r].T, s[:r], v[:r])),
        ),
        Mistake(
            "the singular values are missing: each pair counts by its own",
            with_svd(lambda u, s, v, r: u[:, :r] @ v[:r]),
        ),
        Mistake(
            "the roots of the singular values are used once: both factors of a pair need one",
            with_svd(lambda u, s, v, r: summed(u[:, :r], np.sqrt(s[:r]), v[:r])),
        ),
        Mistake(
            "the singular values are used twice",
            with_svd(lambda u, s, v, r: summed(u[:, :r], s[:r] ** 2, v[:r])),
        ),
        Mistake(
            "the weakest pairs are kept: the first are the strongest",
            with_svd(lambda u, s, v, r: summed(u[:, -r:], s[-r:], v[-r:])),
        ),
        Mistake(
            "this is what the passes leave out",
            lambda kernel, pairs: kernel - best_passes(kernel, pairs),
        ),
        Mistake("only the first pair is kept", lambda kernel, pairs: best_passes(kernel, 1)),
        Mistake(
            "this is pair number `pairs` alone: add up all pairs to there",
            with_svd(lambda u, s, v, r: summed(u[:, r - 1 : r], s[r - 1 : r], v[r - 1 : r])),
        ),
        Mistake(
            "there is one pair too many: indices begin at 0",
            lambda kernel, pairs: best_passes(kernel, pairs + 1),
        ),
        Mistake("the kernel is unchanged: that takes all its pairs", lambda kernel, pairs: kernel),
        Mistake(
            "the middle row and the middle column are multiplied: that is right for rank 1 only",
            lambda kernel, pairs: (
                np.outer(kernel[:, kernel.shape[1] // 2], kernel[kernel.shape[0] // 2])
                / kernel[kernel.shape[0] // 2, kernel.shape[1] // 2]
            ),
        ),
    ],
)


# --- thin_lines(x, y) ---------------------------------------------------------------------------------------

AROUND = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))  # (down, right), clockwise


def thin_by(
    x: Array,
    y: Array,
    direction: Callable[[float, float], int],
    stays: Callable[[float, float, float], bool] = lambda here, ahead, behind: here >= max(ahead, behind),
) -> Array:
    """What is thin, by the number of a neighbour for every slope, and by what a pixel has to be."""
    steep = np.hypot(x, y)
    thin = np.zeros_like(steep)
    for i, j in np.ndindex(steep.shape[0] - 2, steep.shape[1] - 2):
        i, j = i + 1, j + 1
        down, right = AROUND[direction(x[i, j], y[i, j]) % 8]
        if stays(steep[i, j], steep[i + down, j + right], steep[i - down, j - right]):
            thin[i, j] = steep[i, j]
    return thin


def nearest_of_8(x: float, y: float) -> int:
    return round(float(np.arctan2(y, x)) / (np.pi / 4))


def thin_lines(x: Array, y: Array) -> Array:
    return thin_by(x, y, nearest_of_8)


def with_border(x: Array, y: Array) -> Array:
    steep, thin = np.hypot(x, y), thin_lines(x, y)
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        thin[edge] = steep[edge]
    return thin


def largest_of_nine(x: Array, y: Array) -> Array:
    steep = np.hypot(x, y)
    thin = np.zeros_like(steep)
    for i, j in np.ndindex(steep.shape[0] - 2, steep.shape[1] - 2):
        if steep[i + 1, j + 1] == steep[i : i + 3, j : j + 3].max():
            thin[i + 1, j + 1] = steep[i + 1, j + 1]
    return thin


def slopes(angles: Sequence[int], height: int = 6, width: int = 7) -> tuple[Array, Array]:
    """Directions within 18 degrees of the given ones: none is near the border between two neighbours."""
    steep = random.uniform(1, 2, size=(height, width))
    turn = np.radians(random.choice(angles, size=steep.shape) + random.uniform(-18, 18, size=steep.shape))
    return steep * np.cos(turn), steep * np.sin(turn)


def ridge(*row: float) -> tuple[Array, Array]:
    """An upright edge, as steep as this across it."""
    x = np.tile(np.array(row), (4, 1))
    return x, np.zeros_like(x)


declare(
    "thin-lines",
    thin_lines,
    cases=[
        ridge(0, 1, 3, 1, 0),
        ridge(0, 1, 3, 1, 0)[::-1],  # climbs downwards, and is equally steep in every row of a column
        ridge(0, -1, -3, -2, 0),
        tuple(slope.T for slope in ridge(0, 1, 3, 1, 0)[::-1]),
        ridge(1, 2, 2, 0, 0),  # two are equal
        tuple(slope.T for slope in ridge(0, 2, 2, 1, 0)[::-1]),
        slopes([0, 180]),
        slopes([90, -90]),
        slopes([45, -135]),
        slopes([135, -45]),
        slopes(range(-180, 180, 45), 8, 9),
        slopes(range(-180, 180, 45), 9, 5),
    ],
    mistakes=[
        Mistake(
            "of two equal pixels both stay: at least as large, not larger",
            lambda x, y: thin_by(x, y, nearest_of_8, lambda here, *beside: here > max(beside)),
        ),
        Mistake(
            "the neighbours along the edge are compared: the arrow points across it",
            lambda x, y: thin_by(x, y, lambda x, y: nearest_of_8(x, y) + 2),
        ),
        Mistake(
            "the diagonals are exchanged: y runs downwards",
            lambda x, y: thin_by(x, y, lambda x, y: -nearest_of_8(x, y)),
        ),
        Mistake(
            "x and y are exchanged: the direction is arctan2(y, x)",
            lambda x, y: thin_by(x, y, lambda x, y: nearest_of_8(y, x)),
        ),
        Mistake(
            "the diagonal neighbours are missing: there are eight directions",
            lambda x, y: thin_by(x, y, lambda x, y: 2 * round(float(np.arctan2(y, x)) / (np.pi / 2))),
        ),
        Mistake(
            "the direction is rounded down: the nearest neighbour may be the next one",
            lambda x, y: thin_by(x, y, lambda x, y: int(np.arctan2(y, x) // (np.pi / 4))),
        ),
        Mistake(
            "only the neighbour ahead is compared: the one behind counts too",
            lambda x, y: thin_by(x, y, nearest_of_8, lambda here, ahead, behind: here >= ahead),
        ),
        Mistake(
            "only the neighbour behind is compared: the one ahead counts too",
            lambda x, y: thin_by(x, y, nearest_of_8, lambda here, ahead, behind: here >= behind),
        ),
        Mistake(
            "one of the two neighbours is enough there: both must not be larger",
            lambda x, y: thin_by(x, y, nearest_of_8, lambda here, *beside: here >= min(beside)),
        ),
        Mistake("the border is kept: it lacks a neighbour, and becomes 0", with_border),
        Mistake(
            "all eight neighbours are compared: a line would be cut to dots",
            largest_of_nine,
        ),
        Mistake(
            "this is a mask: what stays keeps its magnitude",
            lambda x, y: (thin_lines(x, y) > 0).astype(float),
        ),
        Mistake("nothing has become thin: this is the magnitude", np.hypot),
        Mistake(
            "that is the slope along x of what stays: its magnitude has y in it",
            lambda x, y: np.where(thin_lines(x, y) > 0, np.abs(x), 0),
        ),
        Mistake(
            "the magnitude is x + y: it is the length of the arrow",
            lambda x, y: np.where(thin_lines(x, y) > 0, np.abs(x) + np.abs(y), 0),
        ),
    ],
)

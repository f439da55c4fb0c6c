"""The exercises of chapter 7, upsampling without weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare

random = np.random.default_rng(7)

# --- nearest_sources(n, m) ----------------------------------------------------------------------------------


def nearest_sources(n: int, m: int) -> Array:
    """The new pixel i begins at the place i n / m; old pixel j holds the places from j up to j + 1."""
    return np.array([max(j for j in range(n) if j * m <= i * n) for i in range(m)])


def sources_at(place: Callable[[int, int, int], float], rounded: Callable[[float], int]) -> Any:
    """The old pixel at a place, kept inside the row."""
    return lambda n, m: np.array([min(max(rounded(place(i, n, m)), 0), n - 1) for i in range(m)])


def rounded_half_up(place: float) -> int:
    return math.floor(place + 0.5)


def edge(i: int, n: int, m: int) -> float:
    return i * n / m


def centre(i: int, n: int, m: int) -> float:
    return (i + 0.5) * n / m - 0.5


def corners(i: int, n: int, m: int) -> float:
    return i * (n - 1) / (m - 1) if m > 1 else 0.0


def repeated_and_cut(n: int, m: int) -> Array:
    """Every pixel ceil(m / n) times, until there are enough."""
    return np.repeat(np.arange(n), -(-m // n))[:m]


def every_kth(n: int, m: int) -> Array:
    """Steps of whole pixels: the scale cut off to n // m."""
    return np.arange(m) * (n // m)


def nearest_exact(n: int, m: int) -> Array:
    return np.array([(2 * i + 1) * n // (2 * m) for i in range(m)])


ROUNDED = "the left edge is rounded to the nearest pixel: it lies *in* a pixel, so round down"
EXACT = (
    "that is nearest-exact, which asks where the centre of the new pixel lies; nearest asks for its left edge"
)
CORNERS = "that is the scale of aligned corners, (n - 1) / (m - 1): nearest has s = n / m"

declare(
    "nearest-sources",
    nearest_sources,
    cases=[
        (4, 7),
        (4, 3),
        (4, 8),
        (6, 3),
        (5, 5),
        (9, 1),
        (3, 1),
        (1, 4),
        (3, 10),
        (10, 4),
        (7, 12),
        (12, 5),
        (224, 100),
    ],
    mistakes=[
        Mistake(EXACT, nearest_exact),
        Mistake(EXACT, sources_at(centre, round)),
        Mistake(EXACT, sources_at(centre, rounded_half_up)),
        Mistake(ROUNDED, sources_at(edge, round)),
        Mistake(ROUNDED, sources_at(edge, rounded_half_up)),
        Mistake("the left edge is rounded up: it lies in the pixel below it", sources_at(edge, math.ceil)),
        Mistake(CORNERS, sources_at(corners, math.floor)),
        Mistake(CORNERS, sources_at(corners, round)),
        Mistake(CORNERS, sources_at(corners, rounded_half_up)),
        Mistake(
            "the centre is rounded down: nearest looks at the left edge, i n / m",
            sources_at(centre, math.floor),
        ),
        Mistake(
            "the scale is upside down: from one new pixel to the next it is n / m old ones",
            sources_at(lambda i, n, m: i * m / n, math.floor),
        ),
        Mistake(
            "all pixels are repeated equally often and the rest is cut off: spread them evenly",
            repeated_and_cut,
        ),
        Mistake("the scale is cut off to a whole number: s = n / m may have a fraction", every_kth),
        Mistake(
            "these are places, not pixels: round them down",
            lambda n, m: np.array([i * n / m for i in range(m)]),
        ),
        Mistake(
            "pixels are counted from 0",
            lambda n, m: nearest_sources(n, m) + 1,
        ),
        Mistake(
            "that says where each old pixel goes: the list has an entry for each *new* pixel",
            lambda n, m: np.array([j * m // n for j in range(n)]),
            shape_is_enough=True,
        ),
    ],
)


# --- linear_matrix(n, m) ------------------------------------------------------------------------------------


def linear_matrix(n: int, m: int) -> Array:
    """The tent at the distance of every pixel from a place that is held inside the row."""
    places = np.array([min(max(centre(i, n, m), 0), n - 1) for i in range(m)])
    return np.maximum(0, 1 - np.abs(np.arange(n) - places[:, None]))


def between(
    place: Callable[[int, int, int], float],
    held: bool = True,
    weights: Callable[[float], Any] = lambda t: (1 - t, t),
) -> Any:
    """Two weights for the two pixels around each place; `held` moves a place outside to the edge."""

    def answer(n: int, m: int) -> Array:
        matrix = np.zeros((m, n))
        for i in range(m):
            x = place(i, n, m)
            x = min(max(x, 0), n - 1) if held else x
            j = math.floor(x)
            for pixel, weight in zip((j, j + 1), weights(x - j), strict=True):
                if 0 <= pixel < n:
                    matrix[i, pixel] += weight
        return matrix

    return answer


def extrapolated(n: int, m: int) -> Array:
    """The line through the two outermost pixels goes on beyond them."""
    matrix = np.zeros((m, n))
    for i in range(m):
        j = min(max(math.floor(centre(i, n, m)), 0), max(n - 2, 0))
        t = centre(i, n, m) - j
        matrix[i, j] += 1 - t
        matrix[i, min(j + 1, n - 1)] += t
    return matrix


def antialiased(n: int, m: int) -> Array:
    stretch = max(n / m, 1)
    places = np.array([centre(i, n, m) for i in range(m)])
    weights = np.maximum(0, 1 - np.abs(np.arange(n) - places[:, None]) / stretch)
    return weights / weights.sum(axis=1, keepdims=True)


def area_matrix(n: int, m: int) -> Array:
    matrix = np.zeros((m, n))
    for i in range(m):
        first, end = i * n // m, -(-(i + 1) * n // m)
        matrix[i, first:end] = 1 / (end - first)
    return matrix


def one_hot(sources: Callable[[int, int], Array]) -> Any:
    return lambda n, m: np.eye(n)[sources(n, m)]


LEFT_EDGE = "the half pixel is missing: place the centre, (i + 1/2) s - 1/2, not the left edge i s"

declare(
    "linear-matrix",
    linear_matrix,
    cases=[
        (2, 4),
        (4, 8),
        (2, 3),
        (4, 2),
        (3, 3),
        (6, 2),
        (4, 7),
        (5, 12),
        (8, 3),
        (7, 5),
        (1, 3),
        (6, 1),
        (9, 2),
    ],
    mistakes=[
        Mistake(
            "that is align_corners=True: here the edges of the row stay, not the centres", between(corners)
        ),
        Mistake(LEFT_EDGE, between(edge)),
        Mistake(LEFT_EDGE, between(edge, held=False)),
        Mistake(
            "the last half is missing: the centre (i + 1/2) s is counted from the edge of the row, pixel 0 "
            "has its own at 1/2",
            between(lambda i, n, m: (i + 0.5) * n / m),
        ),
        Mistake(
            "at the border weight is lost: hold the place between 0 and n - 1, then every row adds up to 1",
            between(centre, held=False),
        ),
        Mistake(
            "beyond the last pixel the line goes on: there the edge pixel is used as it is", extrapolated
        ),
        Mistake(
            "the two weights are swapped: the nearer pixel gets the larger one",
            between(centre, weights=lambda t: (t, 1 - t) if t else (1, 0)),
        ),
        Mistake(
            "the two weights are swapped: the nearer pixel gets the larger one",
            between(centre, weights=lambda t: (t, 1 - t)),
        ),
        Mistake(
            "both pixels get a half: their weights are 1 - t and t",
            between(centre, weights=lambda t: (0.5, 0.5) if t else (1, 0)),
        ),
        Mistake(
            "that is antialias=True: without it two pixels are read, also when the row shrinks", antialiased
        ),
        Mistake("that is nearest: only one pixel in each row has a weight", one_hot(nearest_sources)),
        Mistake("that is nearest-exact: only one pixel in each row has a weight", one_hot(nearest_exact)),
        Mistake(
            "the scale is upside down: from one new pixel to the next it is n / m old ones",
            between(lambda i, n, m: (i + 0.5) * m / n - 0.5),
        ),
        Mistake(
            "rows and columns are swapped: a row for each new pixel, a column for each old one",
            lambda n, m: linear_matrix(n, m).T,
            shape_is_enough=True,
        ),
        Mistake(
            "that is area, the mean of all pixels that the new one touches",
            area_matrix,
        ),
    ],
)


# --- shuffle(x, r) ------------------------------------------------------------------------------------------


def shuffle(x: Array, r: int) -> Array:
    channels, height, width = x.shape
    output = np.zeros((channels // r**2, height * r, width * r))
    for c, i, j in np.ndindex(output.shape):
        output[c, i, j] = x[c * r**2 + i % r * r + j % r, i // r, j // r]
    return output


def rearranged(split: str, order: str) -> Any:
    """The axes of x cut into those of `split`, laid in the `order`, and read as the result."""

    def answer(x: Array, r: int) -> Array:
        channels, height, width = x.shape
        sizes = {"c": channels // r**2, "u": r, "v": r, "h": height, "w": width}
        cut = x.reshape([sizes[axis] for axis in split])
        laid = cut.transpose([split.index(axis) for axis in order])
        return laid.reshape(channels // r**2, height * r, width * r)

    return answer


def unshuffled(x: Array, r: int) -> Array:
    """The other direction: blocks of pixels into channels; it crashes where they do not fit."""
    channels, height, width = x.shape
    blocks = x.reshape(channels, height // r, r, width // r, r).transpose(0, 2, 4, 1, 3)
    return blocks.reshape(channels * r**2, height // r, width // r)


def repeated(x: Array, r: int) -> Array:
    return x[:: r**2].repeat(r, axis=1).repeat(r, axis=2)


def averaged(x: Array, r: int) -> Array:
    channels, height, width = x.shape
    means = x.reshape(channels // r**2, r**2, height, width).mean(axis=1)
    return means.repeat(r, axis=1).repeat(r, axis=2)


def counted(*shape: int) -> Array:
    return np.arange(1.0, 1 + math.prod(shape)).reshape(shape)


declare(
    "pixel-shuffle",
    shuffle,
    cases=[
        (np.array([[[1.0, 5]], [[2, 6]], [[3, 7]], [[4, 8]]]), 2),
        (counted(4, 1, 1), 2),
        (counted(8, 1, 1), 2),
        (counted(4, 2, 2), 2),
        (counted(9, 2, 1), 3),
        (counted(3, 2, 3), 1),
        (random.integers(-9, 10, size=(12, 2, 3)).astype(float), 2),
        (random.integers(-9, 10, size=(18, 3, 2)).astype(float), 3),
        (random.normal(size=(16, 2, 2)), 4),
        (random.normal(size=(8, 4, 5)).astype(np.float32), 2),
        (random.normal(size=(32, 1, 3)), 4),
    ],
    mistakes=[
        Mistake(
            "a reshape alone keeps the order in memory: the two r have to stand behind their axes first "
            "(transpose)",
            rearranged("cuvhw", "cuvhw"),
        ),
        Mistake("u and v are swapped: the rows of a block come first", rearranged("cuvhw", "chvwu")),
        Mistake(
            "the channels are counted the other way round: the r * r numbers of one output channel stand "
            "together, c r^2 + u r + v",
            rearranged("uvchw", "chuwv"),
        ),
        Mistake(
            "the channels are counted the other way round, and u and v are swapped",
            rearranged("uvchw", "chvwu"),
        ),
        Mistake(
            "whole pictures are laid side by side: each place becomes a block of r x r pixels, row i r + u",
            rearranged("cuvhw", "cuhvw"),
        ),
        Mistake(
            "each place is spread out along its row first: row i r + u, column j r + v",
            rearranged("cuvhw", "chwuv"),
        ),
        Mistake("only one channel of each r * r is used, and repeated", repeated),
        Mistake("that is the mean of r * r channels, repeated: every number keeps its own pixel", averaged),
        Mistake(
            "that is the way back, pixel unshuffle: here channels become pixels",
            unshuffled,
        ),
    ],
)

"""The exercises of chapter 5, pooling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare
from convlib.oracles import max_pool_loops

random = np.random.default_rng(5)


def whole(*shape: int) -> Array:
    """Small whole numbers as floats, most of them negative: exact, and readable in a message."""
    return random.integers(-9, 5, size=shape).astype(float)


# --- max_pool(image, k, s, p) -------------------------------------------------------------------------------


def max_pool(image: Array, k: int, s: int, p: int) -> Array:
    largest, _ = max_pool_loops(image[None, None], [k, k], [s, s], [p, p])
    return largest[0, 0]


def windows(image: Array, k: int, s: int) -> Array:
    return np.lib.stride_tricks.sliding_window_view(image, (k, k))[::s, ::s]


def pooled(reduce: Callable[..., Any], padding: str, **options: Any) -> Callable[..., Any]:
    """The same with another summary of the window, or another padding."""
    return lambda image, k, s, p: reduce(
        windows(np.pad(image, p, padding, **options), k, s),  # type: ignore[call-overload]
        axis=(-2, -1),
    )


def hanging_over(image: Array, k: int, s: int, p: int) -> Array:
    return max_pool_loops(image[None, None], [k, k], [s, s], [p, p], ceil_mode=True)[0][0, 0]


def last_window_missing(image: Array, k: int, s: int, p: int) -> Array:
    return max_pool(image, k, s, p)[:-1, :-1]


def last_window_lowest(image: Array, k: int, s: int, p: int) -> Array:
    output = max_pool(image, k, s, p)
    output[-1], output[:, -1] = 0, 0
    return output


def square_outputs_only(image: Array, k: int, s: int, p: int) -> Array:
    output = max_pool(image, k, s, p)
    if output.shape[0] != output.shape[1]:
        raise IndexError  # as output[j, i] does
    return output.T


STRIDE_IGNORED = "the stride is ignored: a window starts at every s-th pixel only"

declare(
    "max-pool",
    max_pool,
    cases=[
        (np.array([[1.0, 3, 2, 0], [4, 2, 0, 1]]), 2, 2, 0),
        (np.array([[-1.0, -2, -3], [-4, -5, -6], [-7, -8, -9]]), 3, 2, 1),
        (np.array([[-3.0, 1, -4], [-1, -5, -9]]), 2, 1, 1),
        (whole(5, 5), 3, 1, 0),
        (whole(5, 4), 2, 2, 0),
        (whole(4, 6), 3, 1, 1),
        (whole(6, 7), 3, 2, 1),
        (whole(8, 8), 3, 3, 0),
        (whole(7, 5), 1, 2, 0),
        (whole(6, 9), 4, 3, 2),
        (whole(4, 4), 4, 4, 0),
        (-1 - np.abs(random.normal(size=(7, 6))), 3, 2, 1),
        (random.normal(size=(5, 6)).astype(np.float32) - 2, 2, 2, 1),
    ],
    mistakes=[
        Mistake(
            "the padding holds zeros, which are larger than negative pixels: pad with -inf, or leave it out",
            pooled(np.max, "constant"),
        ),
        Mistake(
            "the padding is a mirror: it must never win, so pad with -inf",
            pooled(np.max, "reflect"),
        ),
        Mistake("it is the average, with zeros in the padding", pooled(np.mean, "constant")),
        Mistake("it is the sum, with zeros in the padding", pooled(np.sum, "constant")),
        Mistake(
            "it is the smallest number of each window, with zeros in the padding",
            pooled(np.min, "constant"),
        ),
        Mistake(
            "it is the smallest number of each window", pooled(np.min, "constant", constant_values=np.inf)
        ),
        Mistake(
            "the padding is forgotten",
            lambda image, k, s, p: max_pool(image, k, s, 0),
            shape_is_enough=True,
        ),
        Mistake(STRIDE_IGNORED, lambda image, k, s, p: max_pool(image, k, 1, p), shape_is_enough=True),
        Mistake(
            "the stride is taken for the window's size: it is given, and may be another",
            lambda image, k, s, p: max_pool(image, k, k, p),
        ),
        Mistake(
            "a window hangs over the end: only windows that fit into the padded image count",
            hanging_over,
            shape_is_enough=True,
        ),
        Mistake(
            "the last windows are missing: there are (H + 2p - k) // s + 1 of them down",
            last_window_missing,
            shape_is_enough=True,
        ),
        Mistake(
            "the last row and column of the output are never filled: do the windows stop too early?",
            last_window_lowest,
        ),
        Mistake(
            "it is the largest number of the whole image: take it in every window",
            lambda image, k, s, p: np.full(max_pool(image, k, s, p).shape, image.max()),
        ),
        Mistake("it is the largest number of the whole image", lambda image, k, s, p: image.max()),
        Mistake(
            "rows and columns are swapped: output[i, j] is the window in row i, column j",
            lambda image, k, s, p: max_pool(image, k, s, p).T,
        ),
        Mistake(
            "rows and columns are swapped: output[i, j] is the window in row i, column j",
            square_outputs_only,
        ),
        Mistake(
            "these are the places of the largest numbers, not the numbers",
            lambda image, k, s, p: max_pool_loops(image[None, None], [k, k], [s, s], [p, p])[1][0, 0],
        ),
    ],
)


# --- max_pool_backward(image, grad, k) ----------------------------------------------------------------------


def tiles(image: Array, k: int) -> Array:
    """The k * k pixels of each window in reading order, (rows, columns, pixels)."""
    height, width = image.shape
    return image.reshape(height // k, k, width // k, k).swapaxes(1, 2).reshape(height // k, width // k, k * k)


def untiled(pixels: Array, k: int) -> Array:
    rows, columns, _ = pixels.shape
    return pixels.reshape(rows, columns, k, k).swapaxes(1, 2).reshape(rows * k, columns * k)


def spread(grad: Array, k: int) -> Array:
    return grad.repeat(k, axis=0).repeat(k, axis=1)


def winners(image: Array, k: int) -> Array:
    """True where a pixel is as large as the largest of its window."""
    pixels = tiles(image, k)
    return untiled(pixels == pixels.max(axis=-1, keepdims=True), k)


def one_winner(image: Array, k: int, order: Callable[[Array], Array] = lambda pixels: pixels) -> Array:
    pixels = order(tiles(image, k))
    one = np.zeros(pixels.shape)
    np.put_along_axis(one, pixels.argmax(axis=-1)[..., None], 1, axis=-1)
    return untiled(order(one), k)


def by_columns(pixels: Array) -> Array:
    """The pixels of each window in the order of its columns; done twice, it is undone."""
    k = math.isqrt(pixels.shape[-1])
    return pixels.reshape(*pixels.shape[:2], k, k).swapaxes(-2, -1).reshape(pixels.shape)


def max_pool_backward(image: Array, grad: Array, k: int) -> Array:
    output = np.zeros(image.shape)
    for i, j in np.ndindex(grad.shape):
        best = None
        for u, v in np.ndindex(k, k):
            pixel = (i * k + u, j * k + v)
            if best is None or image[pixel] > image[best]:
                best = pixel
        output[best] = grad[i, j]
    return output


def shared(image: Array, grad: Array, k: int) -> Array:
    equal = winners(image, k)
    count = tiles(equal.astype(float), k).sum(axis=-1)
    return equal * spread(grad / count, k)


def tied(rows: int, columns: int, k: int) -> tuple[Array, Array, int]:
    """Few different values, so that many windows have several largest numbers."""
    image = random.integers(-3, 0, size=(rows * k, columns * k)).astype(float)
    return image, random.integers(1, 9, size=(rows, columns)) * 10.0, k


declare(
    "max-pool-gradient",
    max_pool_backward,
    cases=[
        (np.array([[1.0, 3, 2, 0], [4, 2, 0, 1]]), np.array([[10.0, 20]]), 2),
        (np.array([[1.0, 3, 2, 2], [3, 2, 2, 1]]), np.array([[10.0, 20]]), 2),
        (np.array([[0.0, 0, -1, -2], [0, 0, -2, -1]]), np.array([[10.0, -20]]), 2),
        (whole(4, 6), whole(2, 3), 2),
        (whole(6, 3), whole(2, 1), 3),
        tied(2, 2, 2),
        tied(3, 1, 2),
        tied(2, 3, 3),
        tied(1, 1, 4),
        (whole(3, 4), whole(3, 4), 1),
        (random.normal(size=(6, 6)), random.normal(size=(2, 2)), 3),
        (*(random.normal(size=shape).astype(np.float32) for shape in [(4, 4), (2, 2)]), 2),
    ],
    mistakes=[
        Mistake(
            "tied pixels share the gradient: here the first of them gets all of it",
            shared,
        ),
        Mistake(
            "every tied pixel gets the whole gradient: then more comes out than went in",
            lambda image, grad, k: winners(image, k) * spread(grad, k),
        ),
        Mistake(
            "of tied pixels the last one wins: is it >= where > is meant?",
            lambda image, grad, k: one_winner(image, k, lambda pixels: pixels[..., ::-1]) * spread(grad, k),
        ),
        Mistake(
            "of tied pixels the first in reading order wins: row by row, not column by column",
            lambda image, grad, k: one_winner(image, k, by_columns) * spread(grad, k),
        ),
        Mistake(
            "the gradient from above is ignored: 1 is only the local derivative",
            lambda image, grad, k: one_winner(image, k),
        ),
        Mistake(
            "the gradient from above is ignored, and every tied pixel wins",
            lambda image, grad, k: 1.0 * winners(image, k),
        ),
        Mistake(
            "every pixel of a window gets the gradient: only the largest counts",
            lambda image, grad, k: spread(grad, k),
        ),
        Mistake(
            "that is the gradient of average pooling",
            lambda image, grad, k: spread(grad, k) / k**2,
        ),
        Mistake(
            "the gradient is multiplied by the pixel: the derivative of the largest number is 1",
            lambda image, grad, k: one_winner(image, k) * spread(grad, k) * image,
        ),
        Mistake(
            "these are the largest numbers put back, not their gradients",
            lambda image, grad, k: one_winner(image, k) * image,
        ),
        Mistake(
            "that is the smallest pixel of each window",
            lambda image, grad, k: one_winner(-image, k) * spread(grad, k),
        ),
        Mistake(
            "the gradient of the input has the shape of the image",
            lambda image, grad, k: np.zeros(grad.shape),
            shape_is_enough=True,
        ),
    ],
)


# --- bins(n, m) ---------------------------------------------------------------------------------------------


def bins(n: int, m: int) -> Array:
    """Pixel j covers the places from j to j + 1; a bin takes every pixel of which it covers some part."""
    found = []
    for i in range(m):
        taken = [j for j in range(n) if (j + 1) * m > i * n and j * m < (i + 1) * n]
        found.append((taken[0], taken[-1] + 1))
    return np.array(found)


def bins_by(first: Callable[[float], float], end: Callable[[float], float]) -> Callable[..., Any]:
    return lambda n, m: np.array([(first(i * n / m), end((i + 1) * n / m)) for i in range(m)])


def rounded_half_up(place: float) -> int:
    return math.floor(place + 0.5)


def equal_parts(n: int, m: int) -> Array:
    return np.array([(i * (n // m), (i + 1) * (n // m)) for i in range(m)])


def rest_at_the_end(n: int, m: int) -> Array:
    parts = equal_parts(n, m)
    parts[-1, 1] = n
    return parts


def rest_at_the_front(n: int, m: int) -> Array:
    sizes = [n // m + (i < n % m) for i in range(m)]
    ends = np.cumsum(sizes)
    return np.stack([ends - sizes, ends], axis=1)


def larger_parts(n: int, m: int) -> Array:
    size = -(-n // m)
    return np.array([(min(i * size, n), min((i + 1) * size, n)) for i in range(m)])


DISJOINT = "the bins share no pixel: a pixel that two bins cover in part belongs to both"

declare(
    "adaptive-bins",
    bins,
    cases=[
        (6, 3),
        (5, 3),
        (7, 3),
        (5, 2),
        (10, 4),
        (7, 7),
        (9, 1),
        (3, 5),
        (13, 7),
        (8, 6),
        (1, 4),
        (224, 7),
        (100, 49),
    ],
    mistakes=[
        Mistake(DISJOINT, bins_by(math.floor, math.floor)),
        Mistake(DISJOINT, bins_by(math.ceil, math.ceil)),
        Mistake("the places are rounded to the nearest pixel: first down, end up", bins_by(round, round)),
        Mistake(
            "the places are rounded to the nearest pixel: first down, end up",
            bins_by(rounded_half_up, rounded_half_up),
        ),
        Mistake(
            "first and end are rounded the wrong way: first down, end up", bins_by(math.ceil, math.floor)
        ),
        Mistake("the places are not rounded: first down, end up", bins_by(float, float)),
        Mistake(
            "all bins are n // m pixels and the rest is dropped: every pixel belongs to a bin", equal_parts
        ),
        Mistake("all bins but the last are n // m pixels: the bins are spread evenly", rest_at_the_end),
        Mistake("the first bins take the rest: the bins are spread evenly", rest_at_the_front),
        Mistake("all bins are ceil(n / m) pixels long: the last ones get too few", larger_parts),
        Mistake(
            "the end is the last pixel itself: give the one after it, as a slice does",
            lambda n, m: bins(n, m) - [0, 1],
        ),
        Mistake(
            "there is one pixel too many at the end: where (i + 1) n / m is whole, the next bin begins",
            lambda n, m: np.array([(i * n // m, (i + 1) * n // m + 1) for i in range(m)]),
        ),
        Mistake(
            "m bins are asked for, each with its first pixel and its end",
            lambda n, m: bins(n, m)[:, 0],
            shape_is_enough=True,
        ),
        Mistake(
            "these are first pixel and length of each bin: give its end",
            lambda n, m: np.stack([bins(n, m)[:, 0], np.diff(bins(n, m))[:, 0]], axis=1),
        ),
    ],
)

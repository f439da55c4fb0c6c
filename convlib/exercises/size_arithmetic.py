"""The exercises of chapter 3, size arithmetic."""

from __future__ import annotations

import math

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare

# --- output_size(n, k, s, p, d) -----------------------------------------------------------------------------


def room(n: int, k: int, p: int, d: int) -> int:
    """Padded pixels to the right of the first window."""
    return n + 2 * p - d * (k - 1) - 1


def output_size(n: int, k: int, s: int, p: int, d: int) -> int:
    """Count the windows one by one."""
    return len(range(0, room(n, k, p, d) + 1, s))


def size_kept(n: int, k: int, s: int, p: int, d: int) -> int:
    return math.ceil(n / s)


declare(
    "output-size",
    output_size,
    cases=[
        (7, 3, 1, 0, 1),
        (7, 3, 2, 0, 1),
        (10, 3, 2, 0, 1),
        (10, 3, 3, 0, 1),
        (7, 3, 1, 1, 1),
        (8, 3, 2, 1, 1),
        (10, 3, 1, 0, 2),
        (11, 3, 2, 2, 3),
        (5, 2, 2, 0, 1),
        (4, 4, 3, 0, 1),
        (9, 1, 4, 0, 1),
        (5, 5, 1, 4, 1),
        (12, 4, 5, 3, 2),
        (224, 7, 4, 3, 1),
        (225, 16, 16, 0, 1),
        (1, 3, 1, 1, 1),
    ],
    mistakes=[
        Mistake(
            "it is not rounded down: only whole steps count", lambda n, k, s, p, d: room(n, k, p, d) / s + 1
        ),
        Mistake(
            "it is rounded up: the last window would hang over the end",
            lambda n, k, s, p, d: math.ceil(room(n, k, p, d) / s) + 1,
        ),
        Mistake(
            "it is rounded to the nearest whole number; round down",
            lambda n, k, s, p, d: round(room(n, k, p, d) / s) + 1,
        ),
        Mistake(
            "it is rounded to the nearest whole number; round down",
            lambda n, k, s, p, d: round(room(n, k, p, d) / s + 1),  # halves go to the even number
        ),
        Mistake("the dilation is forgotten", lambda n, k, s, p, d: room(n, k, p, 1) // s + 1),
        Mistake(
            "the kernel does not span d * k pixels: between k taps there are only k - 1 gaps",
            lambda n, k, s, p, d: (n + 2 * p - d * k) // s + 1,
        ),
        Mistake(
            "the padding is added once: it is there on each side",
            lambda n, k, s, p, d: (room(n, k, p, d) - p) // s + 1,
        ),
        Mistake("the padding is forgotten", lambda n, k, s, p, d: room(n, k, 0, d) // s + 1),
        Mistake("the stride is forgotten", lambda n, k, s, p, d: room(n, k, p, d) + 1),
        Mistake(
            "it is one short: the first window needs no step, so it comes on top of the steps",
            lambda n, k, s, p, d: room(n, k, p, d) // s,
        ),
        Mistake(
            "the 1 for the first window is added before the division; it comes after it",
            lambda n, k, s, p, d: (room(n, k, p, d) + 1) // s,
        ),
        Mistake(
            "it is one too many: the kernel spans one pixel more than d * (k - 1)",
            lambda n, k, s, p, d: (room(n, k, p, d) + 1) // s + 1,
        ),
        Mistake("that is the size with `same` padding, whatever p is", size_kept),
    ],
)


# --- pixel_uses(n, k, s, p, d) ------------------------------------------------------------------------------


def taps(n: int, k: int, s: int, p: int, d: int) -> list[int]:
    """Where each tap of each window lies, the padding before the image being negative."""
    return [i * s + u * d - p for i in range(output_size(n, k, s, p, d)) for u in range(k)]


def counted(places: list[int], n: int) -> Array:
    return np.array([places.count(pixel) for pixel in range(n)])


def pixel_uses(n: int, k: int, s: int, p: int, d: int) -> Array:
    return counted(taps(n, k, s, p, d), n)


def without_gaps(n: int, k: int, s: int, p: int, d: int) -> Array:
    span = d * (k - 1) + 1
    return counted([i * s + u - p for i in range(output_size(n, k, s, p, d)) for u in range(span)], n)


def wrapped(n: int, k: int, s: int, p: int, d: int) -> Array:
    """Python reads a negative index from the end."""
    return counted([place + n if -n <= place < 0 else place for place in taps(n, k, s, p, d)], n)


def one_window_short(n: int, k: int, s: int, p: int, d: int) -> Array:
    return counted(taps(n, k, s, p, d)[:-k], n)


def one_window_more(n: int, k: int, s: int, p: int, d: int) -> Array:
    """A last window that hangs over the end, where pixels are left over."""
    return counted([i * s + u * d - p for i in range(-(-room(n, k, p, d) // s) + 1) for u in range(k)], n)


declare(
    "pixel-uses",
    pixel_uses,
    cases=[
        (5, 3, 1, 0, 1),
        (6, 3, 2, 0, 1),
        (5, 3, 1, 1, 1),
        (7, 3, 2, 1, 1),
        (8, 3, 3, 0, 1),
        (6, 1, 2, 0, 1),
        (7, 3, 1, 0, 2),
        (9, 3, 2, 2, 2),
        (6, 2, 2, 1, 3),
        (8, 2, 3, 0, 1),
        (4, 3, 1, 2, 1),
        (10, 4, 4, 1, 1),
        (10, 4, 3, 2, 2),
        (11, 5, 4, 1, 1),
    ],
    mistakes=[
        Mistake(
            "the padding is counted too: give one number for each pixel of the row itself",
            lambda n, k, s, p, d: counted([place + p for place in taps(n, k, s, p, d)], n + 2 * p),
            shape_is_enough=True,
        ),
        Mistake(
            "these are the first n of the padded pixels: a window that starts at i*s reads from i*s - p on",
            lambda n, k, s, p, d: counted([place + p for place in taps(n, k, s, p, d)], n),
        ),
        Mistake("the padding is forgotten", lambda n, k, s, p, d: pixel_uses(n, k, s, 0, d)),
        Mistake("the stride is forgotten", lambda n, k, s, p, d: pixel_uses(n, k, 1, p, d)),
        Mistake("the dilation is forgotten", lambda n, k, s, p, d: pixel_uses(n, k, s, p, 1)),
        Mistake("the pixels between the taps are counted: nobody reads them", without_gaps),
        Mistake(
            "padding is counted for the pixel at the other end: Python reads a negative index from behind",
            wrapped,
        ),
        Mistake(
            "padding is counted for the pixel at the edge",
            lambda n, k, s, p, d: counted([min(max(i, 0), n - 1) for i in taps(n, k, s, p, d)], n),
        ),
        Mistake("the last window is missing", one_window_short),
        Mistake("a window that hangs over the end is counted: there is none", one_window_more),
        Mistake(
            "it only says whether a pixel is used, not how often",
            lambda n, k, s, p, d: np.minimum(pixel_uses(n, k, s, p, d), 1),
        ),
    ],
)


# --- same_padding(n, k, s, d) -------------------------------------------------------------------------------


def missing(n: int, k: int, s: int, d: int) -> int:
    """Pixels that the last of ceil(n/s) windows lacks; negative where there are some to spare."""
    return (math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n


def split(total: float) -> Array:
    return np.array([total // 2, total - total // 2])


def same_padding(n: int, k: int, s: int, d: int) -> Array:
    return split(max(missing(n, k, s, d), 0))


def rounded_down(n: int, k: int, s: int, d: int) -> Array:
    return split(max((n // s - 1) * s + d * (k - 1) + 1 - n, 0))


declare(
    "same-padding",
    same_padding,
    cases=[
        (5, 3, 1, 1),
        (6, 3, 2, 1),
        (7, 3, 2, 1),
        (6, 4, 1, 1),
        (9, 4, 2, 1),
        (6, 1, 2, 1),
        (8, 2, 5, 1),
        (10, 3, 2, 2),
        (11, 4, 3, 3),
        (224, 3, 2, 1),
        (224, 7, 4, 1),
        (225, 7, 2, 1),
        (1, 5, 3, 1),
    ],
    mistakes=[
        Mistake(
            "the two sides are swapped: the odd pixel goes after",
            lambda n, k, s, d: same_padding(n, k, s, d)[::-1],
        ),
        Mistake(
            "the stride is forgotten: that is how torch pads, which allows no stride",
            lambda n, k, s, d: split(d * (k - 1)),
        ),
        Mistake(
            "a negative padding would crop: with pixels to spare, add 0", lambda *case: split(missing(*case))
        ),
        Mistake("n / s must be rounded up, to ceil(n / s) windows", rounded_down),
        Mistake("the dilation is forgotten", lambda n, k, s, d: same_padding(n, k, s, 1)),
        Mistake(
            "this is the total: say how much goes before and how much after",
            lambda *case: max(missing(*case), 0),
            shape_is_enough=True,
        ),
        Mistake(
            "an odd total is rounded down on both sides: one pixel is missing",
            lambda *case: same_padding(*case)[[0, 0]],
        ),
        Mistake(
            "an odd total is rounded up on both sides: one pixel too many",
            lambda *case: same_padding(*case)[[1, 1]],
        ),
        Mistake("there are no half pixels", lambda *case: np.full(2, max(missing(*case), 0) / 2)),
        Mistake(
            "that is symmetric padding of half a kernel, for every n and every stride",
            lambda n, k, s, d: np.full(2, d * (k - 1) // 2),
        ),
        Mistake("all of it is put after", lambda *case: np.array([0, max(missing(*case), 0)])),
        Mistake(
            "it is one too many: the kernel spans d * (k - 1) + 1 pixels, and they are all there",
            lambda n, k, s, d: split(max(missing(n, k, s, d) + 1, 0)),
        ),
    ],
)

"""The exercises of chapter 8, transposed convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare
from convlib.oracles import conv_transpose_loops, correlate2d_loops

random = np.random.default_rng(8)


def whole(*shape: int) -> Array:
    """Small whole numbers as floats: exact, and readable in a message."""
    return random.integers(-5, 9, size=shape).astype(float)


# --- conv_transpose(image, kernel, s, p) --------------------------------------------------------------------


def conv_transpose(image: Array, kernel: Array, s: int, p: int) -> Array:
    layers = image[None, None], kernel[None, None]
    return conv_transpose_loops(*layers, stride=[s, s], padding=[p, p])[0, 0]


def whole_canvas(image: Array, kernel: Array, s: int) -> Array:
    """Nothing cut off yet."""
    return conv_transpose(image, kernel, s, 0)


def overwritten(image: Array, kernel: Array, s: int, p: int) -> Array:
    canvas = np.zeros_like(whole_canvas(image, kernel, s))
    for i, j in np.ndindex(image.shape):
        canvas[i * s : i * s + kernel.shape[0], j * s : j * s + kernel.shape[1]] = image[i, j] * kernel
    return cropped(canvas, p)


def last_copy_missing(image: Array, kernel: Array, s: int, p: int) -> Array:
    fewer = image.copy()
    fewer[-1], fewer[:, -1] = 0, 0
    return conv_transpose(fewer, kernel, s, p)


def cropped(canvas: Array, p: int) -> Array:
    return canvas[p : canvas.shape[0] - p, p : canvas.shape[1] - p]


def cropped_at_the_end(image: Array, kernel: Array, s: int, p: int) -> Array:
    canvas = whole_canvas(image, kernel, s)
    return canvas[: canvas.shape[0] - 2 * p, : canvas.shape[1] - 2 * p]


def cropped_at_the_start(image: Array, kernel: Array, s: int, p: int) -> Array:
    return whole_canvas(image, kernel, s)[2 * p :, 2 * p :]


def cropped_once(image: Array, kernel: Array, s: int, p: int) -> Array:
    return whole_canvas(image, kernel, s)[p:, p:]


def cropped_by_a_bare_slice(image: Array, kernel: Array, s: int, p: int) -> Array:
    return whole_canvas(image, kernel, s)[p:-p, p:-p]  # nothing is left where p is 0


def canvas_of_whole_strides(image: Array, kernel: Array, s: int, p: int) -> Array:
    """n s + k - s pixels are wanted; this makes n s + k - 2p."""
    canvas = whole_canvas(image, kernel, s)
    return cropped(np.pad(canvas, (0, s)), p)


def convolved(image: Array, kernel: Array, s: int, p: int) -> Array:
    return correlate2d_loops(np.pad(image, p), kernel)[::s, ::s]


def convolved_by_windows(image: Array, kernel: Array, s: int, p: int) -> Array:
    """Raises where the kernel does not fit, even where it is one pixel too large."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, p), kernel.shape)
    return np.asarray(np.einsum("hwuv,uv->hw", windows[::s, ::s], kernel))


def one_stride_only(image: Array, kernel: Array, s: int, p: int) -> Array:
    canvas = conv_transpose_loops(image[None, None], kernel[None, None], stride=[s, 1], padding=[p, p])
    return canvas[0, 0]


declare(
    "conv-transpose",
    conv_transpose,
    cases=[
        (np.array([[1.0, 2, 3]]), np.array([[1.0, 10, 100]]), 2, 0),
        (np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 0, 2], [0, 1, 0], [3, 0, 1]]), 2, 0),
        (np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 0, 2], [0, 1, 0], [3, 0, 1]]), 2, 1),
        (whole(3, 4), whole(2, 2), 2, 0),
        (whole(3, 2), whole(3, 3), 1, 1),
        (whole(4, 3), whole(4, 4), 2, 1),
        (whole(3, 3), whole(2, 3), 1, 0),
        (whole(2, 3), whole(5, 4), 3, 1),
        (whole(3, 4), whole(2, 2), 3, 0),
        (whole(5, 4), whole(3, 3), 2, 2),
        (whole(1, 1), whole(3, 4), 4, 0),
        (random.normal(size=(4, 5)), random.normal(size=(3, 3)), 2, 1),
        (*(random.normal(size=(3, 3)).astype(np.float32) for _ in range(2)), 2, 1),
    ],
    mistakes=[
        Mistake(
            "the kernel is turned by 180 degrees: a copy lies on the output as the kernel is",
            lambda image, kernel, s, p: conv_transpose(image, kernel[::-1, ::-1], s, p),
        ),
        Mistake(
            "the copies overwrite each other: where they overlap they are added up",
            overwritten,
        ),
        Mistake(
            "the last row and column of the image lay no copy of the kernel",
            last_copy_missing,
        ),
        Mistake(
            "the stride is ignored: the copies start s pixels apart",
            lambda image, kernel, s, p: conv_transpose(image, kernel, 1, p),
            shape_is_enough=True,
        ),
        Mistake("the stride is used along one axis only", one_stride_only, shape_is_enough=True),
        Mistake(
            "nothing is cut off: padding takes p pixels away on each side",
            lambda image, kernel, s, p: whole_canvas(image, kernel, s),
            shape_is_enough=True,
        ),
        Mistake(
            "the padding is put on, and here it takes p pixels away on each side",
            lambda image, kernel, s, p: np.pad(whole_canvas(image, kernel, s), p),
            shape_is_enough=True,
        ),
        Mistake("all 2p pixels are cut off at the end: cut p on each side", cropped_at_the_end),
        Mistake("all 2p pixels are cut off at the start: cut p on each side", cropped_at_the_start),
        Mistake("the padding is cut off at the start alone: cut p on each side", cropped_once, True),
        Mistake(
            "the slice [p:-p] is empty where p is 0: end it at size - p",
            cropped_by_a_bare_slice,
        ),
        Mistake(
            "the output is s pixels too large: n copies are n - 1 strides apart, so (n - 1) s + k - 2p",
            canvas_of_whole_strides,
            shape_is_enough=True,
        ),
        Mistake(
            "that is the convolution itself, which makes the image smaller",
            convolved,
            shape_is_enough=True,
        ),
        Mistake(
            "that is the convolution itself, which makes the image smaller",
            convolved_by_windows,
            shape_is_enough=True,
        ),
        Mistake(
            "rows and columns are swapped",
            lambda image, kernel, s, p: conv_transpose(image, kernel, s, p).T,
        ),
    ],
)


# --- choose(n, wanted, k, s, p, d) --------------------------------------------------------------------------


def choose(n: int, wanted: int, k: int, s: int, p: int, d: int) -> int:
    for extra in range(max(s, d)):
        if (n - 1) * s + d * (k - 1) + 1 - 2 * p + extra == wanted:
            return extra
    return -1


def missing(n: int, wanted: int, k: int, s: int, p: int, d: int) -> int:
    """How many pixels are too few, whatever is allowed."""
    return wanted - ((n - 1) * s + d * (k - 1) + 1 - 2 * p)


def allowed(extra: int, limit: int) -> int:
    return extra if 0 <= extra < limit else -1


declare(
    "output-padding",
    choose,
    cases=[
        (4, 8, 3, 2, 1, 1),
        (4, 7, 3, 2, 1, 1),
        (4, 9, 3, 2, 1, 1),
        (4, 8, 4, 2, 1, 1),
        (56, 224, 7, 4, 3, 1),
        (56, 222, 7, 4, 3, 1),
        (56, 226, 7, 4, 3, 1),
        (6, 5, 3, 1, 1, 1),
        (5, 5, 3, 1, 1, 1),
        (6, 18, 5, 3, 2, 1),
        (7, 16, 3, 2, 1, 2),
        (5, 11, 3, 1, 1, 3),
        (5, 12, 3, 1, 1, 3),
        (1, 4, 2, 4, 0, 1),
        (3, 10, 2, 4, 0, 1),
    ],
    mistakes=[
        Mistake(
            "too large or negative numbers are returned: torch takes 0 up to, not including, the larger of "
            "stride and dilation, and -1 is asked for where none of those does it",
            missing,
        ),
        Mistake(
            "the limit itself is taken: output_padding must be smaller than stride or dilation",
            lambda n, wanted, k, s, p, d: allowed(missing(n, wanted, k, s, p, d), max(s, d) + 1),
        ),
        Mistake(
            "only the stride is taken as the limit: torch allows the larger of stride and dilation",
            lambda n, wanted, k, s, p, d: allowed(missing(n, wanted, k, s, p, d), s),
        ),
        Mistake(
            "the dilation is ignored: the kernel spans d (k - 1) + 1 pixels",
            lambda n, wanted, k, s, p, d: allowed(missing(n, wanted, k, s, p, 1), max(s, d)),
        ),
        Mistake(
            "the dilation is ignored: the kernel spans d (k - 1) + 1 pixels",
            lambda n, wanted, k, s, p, d: allowed(missing(n, wanted, k, s, p, 1), s),
        ),
        Mistake(
            "the last copy of the kernel starts at (n - 1) s, not at n s",
            lambda n, wanted, k, s, p, d: allowed(missing(n + 1, wanted, k, s, p, d), max(s, d)),
        ),
        Mistake(
            "the padding is taken away on both sides: 2p pixels",
            lambda n, wanted, k, s, p, d: allowed(missing(n, wanted, k, s, p, d) - p, max(s, d)),
        ),
        Mistake(
            "the padding is put on, and here it takes 2p pixels away",
            lambda n, wanted, k, s, p, d: allowed(missing(n, wanted, k, s, -p, d), max(s, d)),
        ),
        Mistake(
            "a remainder is taken where no output_padding does it: -1 is asked for there",
            lambda n, wanted, k, s, p, d: (wanted + 2 * p - d * (k - 1) - 1) % s,
        ),
        Mistake(
            "it is always s - 1: that is right for some sizes only",
            lambda n, wanted, k, s, p, d: s - 1,
        ),
        Mistake(
            "that is the size without output_padding: how many pixels is it short of what is wanted?",
            lambda n, wanted, k, s, p, d: wanted - missing(n, wanted, k, s, p, d),
        ),
        Mistake(
            "0 is returned where nothing does it: there -1 is asked for",
            lambda n, wanted, k, s, p, d: max(choose(n, wanted, k, s, p, d), 0),
        ),
    ],
)


# --- spread_out(image, k, s, p) -----------------------------------------------------------------------------


def spread_out(image: Array, k: int, s: int, p: int) -> Array:
    return with_edges(apart(image, s), k - 1 - p)


def apart(image: Array, s: int, zeros: bool = True, behind: bool = False) -> Array:
    """The pixels s apart, with or without zeros behind the last ones."""
    height, width = image.shape
    rows, columns = (height * s, width * s) if behind else ((height - 1) * s + 1, (width - 1) * s + 1)
    output = np.zeros((rows, columns))
    for i, j in np.ndindex(output.shape):
        if not zeros or (i % s == 0 and j % s == 0):
            output[i, j] = image[i // s, j // s]
    return output


def with_edges(image: Array, zeros: int) -> Array:
    return np.pad(image, max(zeros, 0))


def spread_with(zeros_between: Any, zeros_at_the_edge: Any) -> Any:
    return lambda image, k, s, p: with_edges(apart(image, zeros_between(s) + 1), zeros_at_the_edge(k, s, p))


def one_axis(image: Array, k: int, s: int, p: int) -> Array:
    output = np.zeros((image.shape[0], (image.shape[1] - 1) * s + 1))
    output[:, ::s] = image
    return with_edges(output, k - 1 - p)


declare(
    "spread-out",
    spread_out,
    cases=[
        (np.array([[1.0, 2], [3, 4]]), 1, 2, 0),
        (np.array([[1.0, 2]]), 2, 2, 0),
        (np.array([[1.0, 2], [3, 4]]), 3, 2, 1),
        (whole(3, 2), 3, 2, 0),
        (whole(2, 3), 3, 1, 1),
        (whole(3, 3), 4, 2, 1),
        (whole(2, 4), 5, 3, 1),
        (whole(3, 3), 2, 2, 1),
        (whole(2, 2), 7, 4, 3),
        (whole(4, 3), 3, 3, 2),
        (random.normal(size=(3, 4)), 4, 3, 0),
        (random.normal(size=(3, 3)).astype(np.float32), 3, 2, 1),
    ],
    mistakes=[
        Mistake(
            "there is a zero too many between two pixels: with stride s they are s apart, so s - 1 zeros",
            spread_with(lambda s: s, lambda k, s, p: k - 1 - p),
            shape_is_enough=True,
        ),
        Mistake(
            "there are zeros behind the last pixel, too: they belong between two pixels only",
            lambda image, k, s, p: with_edges(apart(image, s, behind=True), k - 1 - p),
            shape_is_enough=True,
        ),
        Mistake(
            "nothing is put between the pixels",
            spread_with(lambda s: 0, lambda k, s, p: k - 1 - p),
            shape_is_enough=True,
        ),
        Mistake("the pixels are spread along one axis only", one_axis, shape_is_enough=True),
        Mistake(
            "the edge is missing: k - 1 - p zeros on each side",
            spread_with(lambda s: s - 1, lambda k, s, p: 0),
            shape_is_enough=True,
        ),
        Mistake(
            "the edge has p zeros: the kernel must reach the first pixel with its last tap, so k - 1 - p",
            spread_with(lambda s: s - 1, lambda k, s, p: p),
            shape_is_enough=True,
        ),
        Mistake(
            "the padding is forgotten: p of the k - 1 zeros on each side are cut off",
            spread_with(lambda s: s - 1, lambda k, s, p: k - 1),
            shape_is_enough=True,
        ),
        Mistake(
            "the padding makes the edge wider, and here it makes it narrower: k - 1 - p",
            spread_with(lambda s: s - 1, lambda k, s, p: k - 1 + p),
            shape_is_enough=True,
        ),
        Mistake(
            "there is a zero too many on each side: k - 1 - p, because one tap lies on the pixel itself",
            spread_with(lambda s: s - 1, lambda k, s, p: k - p),
            shape_is_enough=True,
        ),
        Mistake(
            "the pixels are repeated: between them there are zeros",
            lambda image, k, s, p: with_edges(apart(image, s, zeros=False, behind=True), k - 1 - p),
        ),
        Mistake("rows and columns are swapped", lambda image, k, s, p: spread_out(image.T, k, s, p)),
    ],
)

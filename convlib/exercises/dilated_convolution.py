"""The exercises of chapter 9, dilated convolution."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare
from convlib.oracles import conv_loops

random = np.random.default_rng(9)


def whole(*shape: int) -> Array:
    """Small whole numbers as floats, none of them 0: exact, and readable in a message."""
    numbers = random.integers(1, 10, size=shape) * random.choice([-1, 1], size=shape)
    return numbers.astype(float)


# --- dilate_kernel(kernel, d) -------------------------------------------------------------------------------


def dilate_kernel(kernel: Array, d: Sequence[int]) -> Array:
    (kh, kw), (down, across) = kernel.shape, d
    spread = np.zeros((down * (kh - 1) + 1, across * (kw - 1) + 1), dtype=kernel.dtype)
    for u, v in np.ndindex(kh, kw):
        spread[u * down, v * across] = kernel[u, v]
    return spread


def with_zeros_behind(kernel: Array, d: Sequence[int]) -> Array:
    spread = dilate_kernel(kernel, d)
    return np.pad(spread, [(0, d[0] - 1), (0, d[1] - 1)])


def spread_by(down: int, across: int) -> Callable[..., Any]:
    """Taps further apart: by so much more than d down, and across."""
    return lambda kernel, d: dilate_kernel(kernel, (d[0] + down, d[1] + across))


def only_if_square(kernel: Array, d: Sequence[int]) -> Array:
    if kernel.shape[0] != kernel.shape[1]:
        raise IndexError  # as range(len(kernel)) for the columns does
    return dilate_kernel(kernel, d)


declare(
    "dilate-kernel",
    dilate_kernel,
    cases=[
        (np.array([[1.0, 2], [3, 4]]), (2, 2)),
        (np.array([[1.0, 2, 3]]), (1, 3)),
        (np.array([[1.0], [2]]), (3, 2)),
        (whole(3, 3), (2, 2)),
        (whole(3, 3), (1, 1)),
        (whole(2, 3), (2, 3)),
        (whole(3, 2), (1, 2)),
        (whole(4, 3), (2, 1)),
        (whole(1, 1), (5, 5)),
        (whole(5, 4), (3, 4)),
        (random.normal(size=(3, 3)), (4, 2)),
        (random.normal(size=(2, 4)).astype(np.float32), (3, 3)),
    ],
    mistakes=[
        Mistake(
            "there are zeros behind the last tap too: the size is d (k - 1) + 1, not d k",
            with_zeros_behind,
            shape_is_enough=True,
        ),
        Mistake(
            "d zeros stand between the taps: taps d apart have d - 1 zeros between them",
            spread_by(1, 1),
            shape_is_enough=True,
        ),
        Mistake(
            "the first dilation is used for both axes: d is (down, across)",
            lambda kernel, d: dilate_kernel(kernel, (d[0], d[0])),
            shape_is_enough=True,
        ),
        Mistake(
            "the second dilation is used for both axes: d is (down, across)",
            lambda kernel, d: dilate_kernel(kernel, (d[1], d[1])),
            shape_is_enough=True,
        ),
        Mistake(
            "the two dilations are exchanged: the first is down, the second across",
            lambda kernel, d: dilate_kernel(kernel, (d[1], d[0])),
            shape_is_enough=True,
        ),
        Mistake(
            "the taps are repeated: between them belong zeros",
            lambda kernel, d: kernel.repeat(d[0], axis=0).repeat(d[1], axis=1),
        ),
        Mistake(
            "the taps are repeated: between them belong zeros",
            lambda kernel, d: kernel.repeat(d[0], axis=0).repeat(d[1], axis=1)[
                : d[0] * (len(kernel) - 1) + 1, : d[1] * (kernel.shape[1] - 1) + 1
            ],
        ),
        Mistake(
            "the kernel is flipped: the first tap stays the first",
            lambda kernel, d: dilate_kernel(kernel[::-1, ::-1], d),
        ),
        Mistake(
            "the kernel is transposed: rows stay rows",
            lambda kernel, d: dilate_kernel(kernel.T, d),
        ),
        Mistake("taps are left out: every tap is kept", lambda kernel, d: kernel[:: d[0], :: d[1]]),
        Mistake("the kernel is unchanged", lambda kernel, d: kernel),
        Mistake("it works for square kernels only: rows and columns may differ", only_if_square),
    ],
)


# --- causal_conv(x, w, d) -----------------------------------------------------------------------------------


def padded_conv(x: Array, w: Array, d: int, before: int, after: int) -> Array:
    output = conv_loops(x[None, None], w[None, None], padding=[(before, after)], dilation=[d])
    return output[0, 0]


def causal_conv(x: Array, w: Array, d: int) -> Array:
    return padded_conv(x, w, d, d * (len(w) - 1), 0)


def delayed(x: Array, w: Array, d: int) -> Array:
    """Without the present: every output one sample late."""
    return np.concatenate([np.zeros(1, x.dtype), causal_conv(x, w, d)[:-1]])


def without_padding(x: Array, w: Array, d: int) -> Array:
    room = len(x) - d * (len(w) - 1)
    return padded_conv(x, w, d, 0, 0) if room > 0 else np.zeros(0)


def every_dth(x: Array, w: Array, d: int) -> Array:
    """Stride for dilation."""
    return padded_conv(x, w, 1, len(w) - 1, 0)[::d]


def edge_repeated(x: Array, w: Array, d: int) -> Array:
    past = d * (len(w) - 1)
    return padded_conv(np.concatenate([np.full(past, x[0]), x]), w, d, 0, 0)


def starts_where_it_fits(x: Array, w: Array, d: int) -> Array:
    output = causal_conv(x, w, d)
    output[: d * (len(w) - 1)] = 0
    return output


declare(
    "causal-conv",
    causal_conv,
    cases=[
        (np.array([1.0, 2, 3, 4]), np.array([10.0, 1]), 1),
        (np.array([1.0, 0, 0, 0, 0]), np.array([1.0, 2]), 2),
        (np.array([1.0, 2, 3, 4, 5, 6]), np.array([100.0, 10, 1]), 2),
        (whole(9), whole(3), 1),
        (whole(9), whole(3), 2),
        (whole(12), whole(3), 4),
        (whole(12), whole(2), 5),
        (whole(8), whole(4), 2),
        (whole(5), whole(3), 7),
        (whole(7), whole(1), 3),
        (whole(16), whole(5), 3),
        (random.normal(size=20), random.normal(size=3), 3),
        (*(random.normal(size=n).astype(np.float32) for n in (11, 2)), 4),
    ],
    mistakes=[
        Mistake(
            "it looks into the future: all of the padding goes before the sound, none behind",
            lambda x, w, d: padded_conv(x, w, d, d * (len(w) - 1) // 2, -(-d * (len(w) - 1) // 2)),
        ),
        Mistake(
            "the padding is behind the sound: then it looks into the future only",
            lambda x, w, d: padded_conv(x, w, d, 0, d * (len(w) - 1)),
        ),
        Mistake(
            "the kernel is flipped: the last tap lies on the present",
            lambda x, w, d: causal_conv(x, w[::-1], d),
        ),
        Mistake("the dilation is ignored", lambda x, w, d: causal_conv(x, w, 1)),
        Mistake(
            "the present is left out: output t may use sample t",
            delayed,
        ),
        Mistake(
            "the padding is missing: n numbers come out, with silence before the sound",
            without_padding,
            shape_is_enough=True,
        ),
        Mistake(
            "there is padding on both sides: the outputs behind the end are too many",
            lambda x, w, d: padded_conv(x, w, d, d * (len(w) - 1), d * (len(w) - 1)),
            shape_is_enough=True,
        ),
        Mistake(
            "that is a stride: an output belongs to every sample, and the taps move apart",
            every_dth,
            shape_is_enough=True,
        ),
        Mistake(
            "there is one sample too many: d k zeros are padded where d (k - 1) are meant",
            lambda x, w, d: padded_conv(x, w, d, d * len(w), 0),
            shape_is_enough=True,
        ),
        Mistake("before the sound there is silence, not its first sample", edge_repeated),
        Mistake(
            "the first outputs are missing: there the silence before the sound counts as zeros",
            starts_where_it_fits,
        ),
    ],
)


# --- holes(dilations, k) ------------------------------------------------------------------------------------


def read_along(dilations: Sequence[int], k: int) -> set[int]:
    """Places that are read along one axis, counted from the first pixel of the field."""
    places = {0}
    for d in dilations:
        places = {place + tap * d for place in places for tap in range(k)}
    return places


def field(dilations: Sequence[int], k: int) -> int:
    return 1 + (k - 1) * sum(dilations)


def holes(dilations: Sequence[int], k: int) -> Array:
    return np.array(field(dilations, k) ** 2 - len(read_along(dilations, k)) ** 2)


def of_the_last_layer(dilations: Sequence[int], k: int) -> Array:
    return holes(dilations[-1:], k)


declare(
    "holes",
    holes,
    cases=[
        ((2,), 3),
        ((2, 2, 2), 3),
        ((1, 2, 5), 3),
        ((1, 1, 1), 3),
        ((1, 2, 9), 3),
        ((9, 1, 2), 3),
        ((2, 4, 8), 3),
        ((1, 2, 4, 8), 2),
        ((3, 5), 2),
        ((5, 1), 5),
        ((4, 6), 3),
        ((2, 3, 4), 3),
        ((6,), 1),
        ((1, 3, 9, 28), 3),
    ],
    mistakes=[
        Mistake(
            "these are the holes along one axis: the field is a square",
            lambda dilations, k: np.array(field(dilations, k) - len(read_along(dilations, k))),
        ),
        Mistake(
            "the holes along one axis are squared: a pixel is missed if its row or its column is",
            lambda dilations, k: np.array((field(dilations, k) - len(read_along(dilations, k))) ** 2),
        ),
        Mistake(
            "these are the pixels that are read, not those that are missed",
            lambda dilations, k: np.array(len(read_along(dilations, k)) ** 2),
        ),
        Mistake(
            "that is the whole receptive field",
            lambda dilations, k: np.array(field(dilations, k) ** 2),
        ),
        Mistake(
            "that is the share, not the number",
            lambda dilations, k: holes(dilations, k) / field(dilations, k) ** 2,
        ),
        Mistake(
            "k pixels are counted for each layer: a tap of one layer meets every tap of the next",
            lambda dilations, k: np.array(field(dilations, k) ** 2 - (len(dilations) * (k - 1) + 1) ** 2),
        ),
        Mistake(
            "all ways are counted as pixels: several ways lead to the same pixel",
            lambda dilations, k: np.array(field(dilations, k) ** 2 - k ** (2 * len(dilations))),
        ),
        Mistake(
            "only one layer is looked at: the others fill its holes, or widen the field",
            of_the_last_layer,
        ),
        Mistake(
            "common factors do not tell: count what is read",
            lambda dilations, k: np.array(
                0
                if math.gcd(*dilations) == 1
                else field(dilations, k) ** 2 - (field(dilations, k) // math.gcd(*dilations) + 1) ** 2
            ),
        ),
    ],
)

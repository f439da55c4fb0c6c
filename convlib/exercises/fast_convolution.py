"""The exercises of chapter 15, fast convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare
from convlib.oracles import conv_loops

random = np.random.default_rng(15)


def whole(*shape: int) -> Array:
    """Small whole numbers as floats, none of them 0: exact, and readable in a message."""
    numbers = random.integers(1, 10, size=shape) * random.choice([-1, 1], size=shape)
    return numbers.astype(float)


# --- intensity(c, o, k, side, groups, itemsize) -------------------------------------------------------------


def intensity(
    c: int, o: int, k: int, side: int, groups: int, itemsize: int,
    work: float = 1, maps: float = 1, weights: float = 1,
) -> float:  # fmt: skip
    """With factors on what is counted, for the mistakes."""
    slices = o * c // groups * k * k
    return work * slices * side**2 / (itemsize * (maps * (c + o) * side**2 + weights * slices))


def counted(**factors: float) -> Callable[..., Any]:
    def mistaken(c: int, o: int, k: int, side: int, groups: int, itemsize: int) -> float:
        return intensity(c, o, k, side, groups, itemsize, **factors)

    return mistaken


declare(
    "intensity",
    lambda c, o, k, side, groups, itemsize: intensity(c, o, k, side, groups, itemsize),
    cases=[
        (1, 1, 3, 2, 1, 1),  # 36 multiply-adds of 17 bytes
        (64, 64, 1, 56, 1, 4),
        (64, 256, 1, 56, 1, 4),
        (128, 128, 3, 56, 128, 4),
        (64, 64, 3, 56, 1, 4),
        (64, 64, 3, 56, 1, 2),
        (96, 48, 5, 14, 2, 4),
        (12, 48, 3, 10, 4, 8),
        (3, 16, 7, 32, 1, 4),
        (512, 512, 3, 7, 1, 2),
    ],
    mistakes=[
        Mistake("a multiply-add is counted as two here: count it as one", counted(work=2)),
        Mistake("the weights are left out of the bytes: they have to be read, too", counted(weights=0)),
        Mistake("the maps are left out of the bytes: they are most of what is moved", counted(maps=0)),
        Mistake(
            "the groups are ignored: a kernel meets only c / groups channels",
            lambda c, o, k, side, groups, itemsize: intensity(c, o, k, side, 1, itemsize),
        ),
        Mistake(
            "the weights are counted without their groups: there are o * c / groups slices",
            lambda c, o, k, side, groups, itemsize: (
                intensity(c, o, k, side, groups, itemsize, weights=groups)
            ),
        ),
        Mistake(
            "the multiply-adds are counted without the groups: a kernel meets c / groups channels",
            lambda c, o, k, side, groups, itemsize: intensity(c, o, k, side, groups, itemsize, work=groups),
        ),
        Mistake(
            "these are multiply-adds for each number: a number takes itemsize bytes",
            lambda c, o, k, side, groups, itemsize: intensity(c, o, k, side, groups, 1),
        ),
        Mistake(
            "a number takes itemsize bytes, not always 4",
            lambda c, o, k, side, groups, itemsize: intensity(c, o, k, side, groups, 4),
        ),
        Mistake(
            "these are bytes for each multiply-add: the other way round",
            lambda *case: 1 / intensity(*case),
        ),
        Mistake(
            "only the input is counted: the output has to be written, too",
            lambda c, o, k, side, groups, itemsize: intensity(
                c, o, k, side, groups, itemsize, maps=c / (c + o)
            ),
        ),
        Mistake(
            "only the output is counted: the input has to be read, too",
            lambda c, o, k, side, groups, itemsize: intensity(
                c, o, k, side, groups, itemsize, maps=o / (c + o)
            ),
        ),
        Mistake(
            "a kernel has k * k taps, not k",
            lambda c, o, k, side, groups, itemsize: (
                o * c / groups * k * side**2
                / (itemsize * ((c + o) * side**2 + o * c / groups * k))
            ),
        ),
        Mistake(
            "the columns of im2col are counted, k * k times the input: each number is moved once here",
            lambda c, o, k, side, groups, itemsize: intensity(
                c, o, k, side, groups, itemsize, maps=(c * k * k + o) / (c + o)
            ),
        ),
    ],
)  # fmt: skip


# --- conv_by_taps(x, weight) --------------------------------------------------------------------------------


def conv_by_taps(x: Array, weight: Array) -> Array:
    return conv_loops(x[None], weight)[0]


def hangs_over(x: Array, weight: Array) -> Array:
    """The long row without cutting off what hangs over."""
    c, rows, width = x.shape
    k = weight.shape[2]
    long = np.pad(x, ((0, 0), (0, 1), (0, 0))).reshape(c, -1)
    length = (rows - k + 1) * width
    sums = sum(
        weight[:, :, u, v] @ long[:, u * width + v : u * width + v + length] for u, v in np.ndindex(k, k)
    )
    return np.asarray(sums).reshape(len(weight), -1, width)


def steps_of_the_output(x: Array, weight: Array) -> Array:
    """A row of the long row as long as a row of the output."""
    c, rows, width = x.shape
    k = weight.shape[2]
    high, wide = rows - k + 1, width - k + 1
    long = np.pad(x.reshape(c, -1), ((0, 0), (0, k * wide)))
    sums = sum(
        weight[:, :, u, v] @ long[:, u * wide + v : u * wide + v + high * wide] for u, v in np.ndindex(k, k)
    )
    return np.asarray(sums).reshape(len(weight), high, wide)


def last_tap_only(x: Array, weight: Array) -> Array:
    only = np.zeros_like(weight)
    only[:, :, -1, -1] = weight[:, :, -1, -1]
    return conv_by_taps(x, only)


declare(
    "conv-by-taps",
    conv_by_taps,
    cases=[
        (np.arange(1.0, 10).reshape(1, 3, 3), np.array([[[[1.0, 10], [100, 1000]]]])),
        (np.array([[[1.0, 2], [3, 4]], [[5, 6], [7, 8]]]), np.array([[[[1.0]], [[10.0]]]])),
        (whole(1, 4, 5), whole(2, 1, 2, 2)),
        (whole(3, 5, 4), whole(2, 3, 3, 3)),
        (whole(2, 6, 7), whole(2, 2, 3, 3)),
        (whole(2, 5, 5), whole(4, 2, 1, 1)),
        (whole(3, 3, 3), whole(5, 3, 3, 3)),
        (whole(3, 7, 9), whole(3, 3, 5, 5)),
        (random.normal(size=(4, 8, 6)), random.normal(size=(6, 4, 3, 3))),
        (*(random.normal(size=s).astype(np.float32) for s in ((3, 6, 6), (2, 3, 3, 3))),),
    ],
    mistakes=[
        Mistake(
            "the kernel is flipped: tap (u, v) meets the pixels moved by +u, +v",
            lambda x, weight: conv_by_taps(x, weight[:, :, ::-1, ::-1]),
        ),
        Mistake(
            "u and v are exchanged: u counts rows, v columns",
            lambda x, weight: conv_by_taps(x, weight.swapaxes(2, 3)),
        ),
        Mistake(
            "the windows that hang over are still there: cut off k - 1 columns",
            hangs_over,
            shape_is_enough=True,
        ),
        Mistake(
            "the moves count rows of the output: in the image a row below is a whole row of it later",
            steps_of_the_output,
        ),
        Mistake(
            "only the last tap is left: add the products up",
            last_tap_only,
        ),
        Mistake(
            "there is padding: none is asked for",
            lambda x, weight: conv_loops(x[None], weight, padding=[(weight.shape[2] // 2,) * 2] * 2)[0],
            shape_is_enough=True,
        ),
        Mistake(
            "every tap meets the same pixels: move them by the tap",
            lambda x, weight: np.tensordot(
                weight.sum(axis=(2, 3)),
                x[:, : x.shape[1] - weight.shape[2] + 1, : x.shape[2] - weight.shape[2] + 1],
                1,
            ),
        ),
        Mistake(
            "the sums are divided by the number of taps: a convolution is no mean",
            lambda x, weight: conv_by_taps(x, weight) / weight[0, 0].size,
        ),
        Mistake(
            "the answer has no axis for its kernels, or one for a batch: (o, h - k + 1, w - k + 1)",
            lambda x, weight: conv_loops(x[None], weight),
            shape_is_enough=True,
        ),
        Mistake(
            "rows and columns of the result are exchanged",
            lambda x, weight: conv_by_taps(x, weight).swapaxes(1, 2),
            shape_is_enough=True,
        ),
    ],
)


# --- winograd_row(x, w) -------------------------------------------------------------------------------------


def winograd_row(x: Array, w: Array) -> Array:
    return conv_loops(x[None, None], w[None, None])[0, 0]


def tiles(x: Array, w: Array, halves: bool = True, last: float = 1, step: int = 2, cut: bool = True) -> Array:
    """F(2, 3) with its parts exchangeable, for the mistakes."""
    count = len(x) - 2
    longer = np.append(x, np.zeros(4 + 2 * len(x)))
    number = -(-count // 2)
    answer = np.zeros(2 * number)
    share = 0.5 if halves else 1.0
    for t in range(number):
        x0, x1, x2, x3 = longer[step * t : step * t + 4]
        m1, m4 = (x0 - x2) * w[0], (x3 - x1) * w[2] * last
        m2 = (x1 + x2) * (w[0] + w[1] + w[2]) * share
        m3 = (x2 - x1) * (w[0] - w[1] + w[2]) * share
        answer[2 * t : 2 * t + 2] = m1 + m2 + m3, m2 - m3 + m4
    return answer[:count] if cut else answer


declare(
    "winograd-row",
    winograd_row,
    cases=[
        (np.array([1.0, 2, 3, 4]), np.array([100.0, 10, 1])),
        (np.array([1.0, 2, 3]), np.array([100.0, 10, 1])),
        (np.array([1.0, 0, 0, 0, 0, 0]), np.array([1.0, 2, 3])),
        (whole(6), whole(3)),
        (whole(7), whole(3)),
        (whole(12), whole(3)),
        (whole(15), whole(3)),
        (random.normal(size=20), random.normal(size=3)),
        (random.normal(size=21), random.normal(size=3)),
        (*(random.normal(size=n).astype(np.float32) for n in (9, 3)),),
    ],
    mistakes=[
        Mistake(
            "the kernel is flipped: the first tap meets the first pixel of the window",
            lambda x, w: winograd_row(x, w[::-1]),
        ),
        Mistake(
            "the halves are missing: in the second and third product the sum of taps is halved",
            lambda x, w: tiles(x, w, halves=False),
        ),
        Mistake(
            "the fourth product has the wrong sign: it is (x3 - x1) w2",
            lambda x, w: tiles(x, w, last=-1),
        ),
        Mistake("the fourth product is missing in the second output", lambda x, w: tiles(x, w, last=0)),
        Mistake(
            "the tiles do not overlap: each begins 2 pixels after the one before",
            lambda x, w: tiles(x, w, step=4),
        ),
        Mistake(
            "each tile begins one pixel after the one before: it gives two outputs, so 2",
            lambda x, w: tiles(x, w, step=1),
        ),
        Mistake(
            "the last tile hangs over: of an odd number of outputs its second one is cut off",
            lambda x, w: tiles(x, w, cut=False),
            shape_is_enough=True,
        ),
        Mistake(
            "the last output is missing where their number is odd: put a zero behind the row",
            lambda x, w: winograd_row(x, w)[: (len(x) - 2) // 2 * 2],
            shape_is_enough=True,
        ),
        Mistake(
            "the two outputs of each tile are exchanged",
            lambda x, w: tiles(x, w, cut=False).reshape(-1, 2)[:, ::-1].ravel()[: len(x) - 2],
        ),
        Mistake(
            "first come all first outputs, then all second ones: they alternate",
            lambda x, w: tiles(x, w, cut=False).reshape(-1, 2).T.ravel()[: len(x) - 2],
        ),
        Mistake(
            "there is padding: n - 2 numbers come out",
            lambda x, w: winograd_row(np.pad(x, 1), w),
            shape_is_enough=True,
        ),
    ],
)


# --- rows_in_a_band(c, k, width, rows, cache, itemsize) -----------------------------------------------------


def one_row(c: int, k: int, width: int, itemsize: int) -> int:
    return c * k * k * width * itemsize


def rows_in_a_band(c: int, k: int, width: int, rows: int, cache: int, itemsize: int) -> int:
    return max(1, min(rows, cache // one_row(c, k, width, itemsize)))


declare(
    "rows-in-a-band",
    rows_in_a_band,
    cases=[
        (1, 2, 5, 10, 100, 1),  # 20 bytes a row
        (1, 2, 5, 10, 99, 1),
        (64, 3, 56, 56, 2**20, 4),
        (64, 3, 224, 224, 2**21, 4),
        (256, 3, 56, 56, 2**18, 4),  # one row takes more
        (3, 7, 112, 112, 2**25, 4),  # all of them fit
        (32, 5, 28, 28, 2**20, 8),
        (16, 1, 100, 40, 2**15, 2),
        (128, 3, 28, 28, 2**20, 2),
    ],
    mistakes=[
        Mistake(
            "at least one row is needed, whatever it takes",
            lambda c, k, width, rows, cache, itemsize: min(rows, cache // one_row(c, k, width, itemsize)),
        ),
        Mistake(
            "there are only so many rows: the band cannot be larger",
            lambda c, k, width, rows, cache, itemsize: max(1, cache // one_row(c, k, width, itemsize)),
        ),
        Mistake(
            "neither at least one row nor at most all rows is kept",
            lambda c, k, width, rows, cache, itemsize: cache // one_row(c, k, width, itemsize),
        ),
        Mistake(
            "it is rounded up: the last row does not fit",
            lambda c, k, width, rows, cache, itemsize: max(
                1, min(rows, -(-cache // one_row(c, k, width, itemsize)))
            ),
        ),
        Mistake(
            "it is not rounded: a band has whole rows",
            lambda c, k, width, rows, cache, itemsize: max(
                1, min(rows, cache / one_row(c, k, width, itemsize))
            ),
        ),
        Mistake(
            "the taps are missing: a column holds c * k * k numbers",
            lambda c, k, width, rows, cache, itemsize: rows_in_a_band(c, 1, width, rows, cache, itemsize),
        ),
        Mistake(
            "a column holds c * k * k numbers, not c * k",
            lambda c, k, width, rows, cache, itemsize: rows_in_a_band(c * k, 1, width, rows, cache, itemsize),
        ),
        Mistake(
            "the channels are missing: a column holds c * k * k numbers",
            lambda c, k, width, rows, cache, itemsize: rows_in_a_band(1, k, width, rows, cache, itemsize),
        ),
        Mistake(
            "these are numbers: each takes itemsize bytes",
            lambda c, k, width, rows, cache, itemsize: rows_in_a_band(c, k, width, rows, cache, 1),
        ),
        Mistake(
            "a number takes itemsize bytes, not always 4",
            lambda c, k, width, rows, cache, itemsize: rows_in_a_band(c, k, width, rows, cache, 4),
        ),
        Mistake(
            "these are columns of the matrix, one for each pixel: a row has width of them",
            lambda c, k, width, rows, cache, itemsize: rows_in_a_band(c, k, 1, rows, cache, itemsize),
        ),
    ],
)

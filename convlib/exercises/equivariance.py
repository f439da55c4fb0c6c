"""The exercises of chapter 4, equivariance."""

from __future__ import annotations

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare

random = np.random.default_rng(4)


def whole(*shape: int) -> Array:
    """Small whole numbers as floats: exact, readable, and no two rows or columns alike."""
    return random.permutation(np.prod(shape)).reshape(shape) + 1.0


# --- shift(image, rows, columns) ----------------------------------------------------------------------------


def shift(image: Array, rows: int, columns: int) -> Array:
    """The pixel that arrives at (i, j) was at (i - rows, j - columns)."""
    height, width = image.shape
    return image[np.ix_((np.arange(height) - rows) % height, (np.arange(width) - columns) % width)]


def arrivals(image: Array, rows: int, columns: int) -> tuple[Array, Array]:
    """Where each row and each column comes from, before it goes round."""
    height, width = image.shape
    return np.arange(height) - rows, np.arange(width) - columns


def zeros_follow(image: Array, rows: int, columns: int) -> Array:
    down, across = arrivals(image, rows, columns)
    inside = np.outer((down >= 0) & (down < len(down)), (across >= 0) & (across < len(across)))
    return np.where(inside, shift(image, rows, columns), 0)


def edge_follows(image: Array, rows: int, columns: int) -> Array:
    down, across = arrivals(image, rows, columns)
    return image[np.ix_(down.clip(0, len(down) - 1), across.clip(0, len(across) - 1))]


def at_most_once_round(image: Array, rows: int, columns: int) -> Array:
    """What `concatenate([image[-rows:], image[:-rows]])` makes of a shift beyond the size: nothing."""
    height, width = image.shape
    return shift(image, rows if abs(rows) <= height else 0, columns if abs(columns) <= width else 0)


def out_of_bounds(image: Array, rows: int, columns: int) -> Array:
    """Python reads negative indices from the end, and complains beyond it."""
    down, across = arrivals(image, rows, columns)
    return image[np.ix_(down, across)]


declare(
    "shift",
    shift,
    cases=[
        (np.array([[0.0, 1, 0, 0]]), 0, 1),
        (np.array([[1.0, 2, 3], [4, 5, 6]]), 1, 0),
        (np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]), 1, 2),
        (whole(3, 4), 0, 0),
        (whole(3, 4), 0, -1),
        (whole(4, 3), -1, 0),
        (whole(5, 4), 2, -1),
        (whole(4, 5), -3, 2),
        (whole(3, 5), 1, 1),
        (whole(3, 4), 3, 4),
        (whole(3, 4), 7, 5),
        (whole(4, 3), -9, -7),
        (whole(5, 6).astype(int), 2, 3),
        (random.normal(size=(6, 7)), 4, 5),
    ],
    mistakes=[
        Mistake(
            "everything moves the wrong way: what arrives at (i, j) was at (i - rows, j - columns)",
            lambda image, rows, columns: shift(image, -rows, -columns),
        ),
        Mistake(
            "the rows move the wrong way: positive is down",
            lambda image, rows, columns: shift(image, -rows, columns),
        ),
        Mistake(
            "the columns move the wrong way: positive is to the right",
            lambda image, rows, columns: shift(image, rows, -columns),
        ),
        Mistake(
            "rows and columns are swapped: the first axis runs down",
            lambda image, rows, columns: shift(image, columns, rows),
        ),
        Mistake("it does not go round: what leaves on one side comes back on the other", zeros_follow),
        Mistake("the edge is repeated: what leaves on one side comes back on the other", edge_follows),
        Mistake("only the rows are moved", lambda image, rows, columns: shift(image, rows, 0)),
        Mistake("only the columns are moved", lambda image, rows, columns: shift(image, 0, columns)),
        Mistake(
            "the rows of the picture run into each other: move along each axis by itself",
            lambda image, rows, columns: np.roll(image, rows * image.shape[1] + columns),
        ),
        Mistake("a shift beyond the size goes round more than once: take the remainder", at_most_once_round),
        Mistake("an index ran over the edge: take the remainder, % height or % width", out_of_bounds),
        Mistake("nothing moved", lambda image, rows, columns: image),
    ],
)


# --- blur_pool(row) -----------------------------------------------------------------------------------------


def taps(row: Array, left: float, middle: float, right: float) -> Array:
    """A kernel of three taps on the ring, at every pixel."""
    return left * np.roll(row, 1) + middle * row + right * np.roll(row, -1)


def blurred(row: Array) -> Array:
    return taps(row, 1, 2, 1) / 4


def padded(row: Array, mode: str) -> Array:
    around = np.pad(row, 1, mode=mode)  # type: ignore[call-overload]
    result: Array = (around[:-2] + 2 * around[1:-1] + around[2:]) / 4
    return result[::2]


declare(
    "blur-pool",
    lambda row: blurred(row)[::2],
    cases=[
        (np.array([0.0, 1, 1, 1, 0, 1, 1, 1]),),
        (np.array([4.0, 0, 0, 0, 0, 0]),),
        (np.array([0.0, 4, 0, 0, 0, 0]),),
        (np.array([1.0, -1, 1, -1]),),
        (np.array([8.0, 0]),),
        (whole(6) * 4,),
        (whole(8) * 4,),
        (whole(10).astype(int),),
        (random.normal(size=12),),
        (random.normal(size=16).astype(np.float32),),
    ],
    mistakes=[
        Mistake(
            "it drops first and blurs what is left: blur first, the dropped pixels have to have their say",
            lambda row: blurred(row[::2]),
        ),
        Mistake("the weights sum up to 4: divide by 4", lambda row: 4 * blurred(row)[::2]),
        Mistake(
            "the three pixels count alike: the weights are 1, 2, 1", lambda row: taps(row, 1, 1, 1)[::2] / 3
        ),
        Mistake("the three weights sum up to 4, not to 3", lambda row: taps(row, 1, 2, 1)[::2] / 3),
        Mistake("it keeps the pixels 1, 3, 5, ...: begin with pixel 0", lambda row: blurred(row)[1::2]),
        Mistake("nothing is dropped: keep every second", blurred, shape_is_enough=True),
        Mistake("nothing is blurred", lambda row: row[::2]),
        Mistake(
            "the row ends in zeros: it is a ring, pixel -1 is the last one",
            lambda row: padded(row, "constant"),
        ),
        Mistake("the row is mirrored at its ends: it is a ring", lambda row: padded(row, "reflect")),
        Mistake("the edge pixels are repeated: the row is a ring", lambda row: padded(row, "edge")),
        Mistake(
            "that is the mean of two pixels: the kernel has three taps",
            lambda row: (row + np.roll(row, -1))[::2] / 2,
        ),
        Mistake("that is max pooling", lambda row: np.maximum(row, np.roll(row, -1))[::2]),
    ],
)


# --- turns(kernel) ------------------------------------------------------------------------------------------


def turns(kernel: Array) -> Array:
    return np.stack([np.rot90(kernel, r) for r in range(4)])


def transpose_and_mirror(kernel: Array) -> Array:
    return np.stack([kernel, kernel.T, kernel[::-1, ::-1], kernel[::-1, ::-1].T])


declare(
    "turns",
    turns,
    cases=[
        (np.array([[1.0, 2], [3, 4]]),),
        (np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]),),
        (np.array([[0.0, 0, 1], [0, 0, 0], [0, 0, 0]]),),
        (np.array([[5.0]]),),
        (whole(3, 3),),
        (whole(4, 4),),
        (whole(5, 5).astype(int),),
        (random.normal(size=(5, 5)),),
    ],
    mistakes=[
        Mistake("they turn clockwise", lambda kernel: turns(kernel)[[0, 3, 2, 1]]),
        Mistake(
            "a transpose is no turn: it mirrors at the diagonal. Turn = transpose, then flip upside down",
            transpose_and_mirror,
        ),
        Mistake(
            "these are mirror images, not turns",
            lambda kernel: np.stack([kernel, kernel[:, ::-1], kernel[::-1], kernel[::-1, ::-1]]),
        ),
        Mistake(
            "these are mirror images, not turns",
            lambda kernel: np.stack([kernel, kernel[::-1], kernel[:, ::-1], kernel[::-1, ::-1]]),
        ),
        Mistake(
            "these are mirror images, not turns",
            lambda kernel: np.stack([kernel, kernel[::-1], kernel[::-1, ::-1], kernel[:, ::-1]]),
        ),
        Mistake(
            "these are mirror images, not turns",
            lambda kernel: np.stack([kernel, kernel[:, ::-1], kernel[::-1, ::-1], kernel[::-1]]),
        ),
        Mistake(
            "it begins with the first turn: kernel itself comes first",
            lambda kernel: turns(kernel)[[1, 2, 3, 0]],
        ),
        Mistake("all four are the same", lambda kernel: np.stack([kernel] * 4)),
        Mistake(
            "each turn is a half turn", lambda kernel: np.stack([np.rot90(kernel, 2 * r) for r in range(4)])
        ),
        Mistake(
            "kernel itself, not turned, is missing", lambda kernel: turns(kernel)[1:], shape_is_enough=True
        ),
        Mistake(
            "they lie side by side: stack them along a new first axis, (4, k, k)",
            lambda kernel: np.concatenate(list(turns(kernel))),
            shape_is_enough=True,
        ),
    ],
)

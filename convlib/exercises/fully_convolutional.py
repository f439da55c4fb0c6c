"""The exercises of chapter 12, fully convolutional networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare

Sizes = tuple[int, int]


# --- linear_to_conv(weight, size) ---------------------------------------------------------------------------


def linear_to_conv(weight: Array, size: Sizes) -> Array:
    """Row after row of each channel after channel, the order in which torch flattens."""
    height, width = size
    return weight.reshape(len(weight), -1, height, width)


def channels_flattened_last(weight: Array, size: Sizes) -> Array:
    return weight.reshape(len(weight), *size, -1).transpose(0, 3, 1, 2)


def laid_on_its_side(weight: Array, size: Sizes) -> Array:
    return linear_to_conv(weight, size[::-1]).swapaxes(2, 3)


def numbered(*shape: int) -> Array:
    return np.arange(np.prod(shape)).reshape(shape)


declare(
    "linear-to-conv",
    linear_to_conv,
    cases=[
        (numbered(1, 4), (2, 2)),
        (numbered(2, 6), (2, 3)),
        (numbered(1, 8), (2, 2)),
        (numbered(3, 12), (1, 4)),
        (numbered(2, 24), (4, 2)),
        (numbered(5, 27), (3, 3)),
        (numbered(4, 3), (1, 1)),
        (numbered(5, 192), (8, 8)),
    ],
    mistakes=[
        Mistake(
            "the channels are taken for the last axis: torch flattens channel after channel",
            channels_flattened_last,
        ),
        Mistake(
            "height and width are exchanged: a row of the picture runs along the width", laid_on_its_side
        ),
        Mistake(
            "the kernel is turned over: the layer does not flip it, so neither must you",
            lambda weight, size: linear_to_conv(weight, size)[..., ::-1, ::-1],
        ),
        Mistake(
            "this is the 1 × 1 kernel, for a picture that has been flattened: keep the picture, and its size",
            lambda weight, size: weight[:, :, None, None],
        ),
        Mistake(
            "outputs and inputs are exchanged: the weight of a convolution begins with its outputs",
            lambda weight, size: linear_to_conv(weight, size).swapaxes(0, 1),
        ),
    ],
)


# --- dense_by_crops(classify, picture, size, stride) --------------------------------------------------------

Classifier = Callable[[Array], Any]


def answers_at(
    classify: Classifier, picture: Array, size: int, rows: Sequence[int], columns: Sequence[int]
) -> Array:
    """The answers to the pieces at these corners, (outputs, rows, columns)."""
    answers = [[classify(picture[:, i : i + size, j : j + size]) for j in columns] for i in rows]
    return np.moveaxis(np.array(answers), -1, 0)


def corners(picture: Array, size: int, stride: int) -> tuple[range, range]:
    height, width = picture.shape[1:]
    return range(0, height - size + 1, stride), range(0, width - size + 1, stride)


def dense_by_crops(classify: Classifier, picture: Array, size: int, stride: int) -> Array:
    return answers_at(classify, picture, size, *corners(picture, size, stride))


def one_place_short(classify: Classifier, picture: Array, size: int, stride: int) -> Array:
    rows, columns = corners(picture[:, :-1, :-1], size, stride)
    return answers_at(classify, picture, size, rows, columns)


def padded_at_the_end(classify: Classifier, picture: Array, size: int, stride: int) -> Array:
    """One more piece where something is left, filled up with zeros."""
    rest = [(0, -(n - size) % stride) for n in picture.shape[1:]]
    return dense_by_crops(classify, np.pad(picture, [(0, 0), *rest]), size, stride)


def sums(piece: Array) -> Array:
    """The sum, and the number in the upper left corner of the first channel."""
    return np.array([piece.sum(), piece[0, 0, 0]])


def weighted(piece: Array) -> Array:
    """Like the first layer of a network: each pixel has a weight of its own for each of three answers."""
    flat = piece.ravel()
    return np.array([(flat * (np.arange(flat.size) * k % 7)).sum() for k in (1, 2, 3)])


declare(
    "dense-by-crops",
    dense_by_crops,
    cases=[
        (sums, numbered(1, 3, 3), 2, 1),
        (sums, numbered(1, 4, 6), 2, 2),
        (sums, numbered(1, 4, 5), 2, 1),
        (sums, numbered(2, 5, 4), 3, 1),
        (weighted, numbered(1, 5, 7), 3, 2),
        (weighted, numbered(2, 6, 9), 2, 3),
        (weighted, numbered(3, 12, 9), 4, 4),
        (sums, numbered(1, 8, 8), 3, 2),
    ],
    mistakes=[
        Mistake(
            "there is a piece at every pixel: neighbours are a stride apart",
            lambda classify, picture, size, stride: dense_by_crops(classify, picture, size, 1),
        ),
        Mistake(
            "the pieces lie side by side, without overlap: neighbours are a stride apart",
            lambda classify, picture, size, stride: dense_by_crops(classify, picture, size, size),
        ),
        Mistake("the last place is missing: a piece may end at the last pixel", one_place_short),
        Mistake(
            "there are places for pieces that hang over the end: only whole pieces are looked at",
            padded_at_the_end,
        ),
        Mistake(
            "rows and columns are exchanged",
            lambda *case: dense_by_crops(*case).swapaxes(1, 2),
        ),
        Mistake(
            "the answers stand on the last axis: a map has its channels first",
            lambda *case: np.moveaxis(dense_by_crops(*case), 0, -1),
        ),
        Mistake(
            "the answers stand in a single row: they belong on a map, (outputs, rows, columns)",
            lambda *case: dense_by_crops(*case).reshape(len(dense_by_crops(*case)), -1),
        ),
    ],
)


# --- converted_head(size, trained, layers, channels, outputs) -----------------------------------------------


def after(n: int, layers: Sequence[Sequence[int]]) -> int:
    for k, s, p in layers:
        n = (n + 2 * p - k) // s + 1
    return n


def converted_head(
    size: Sizes, trained: int, layers: Sequence[Sequence[int]], channels: int, outputs: int
) -> Array:
    """Rows and columns of the logits, and the parameters of the converted layer."""
    kernel = after(trained, layers)
    rows, columns = (after(n, [*layers, (kernel, 1, 0)]) for n in size)
    return np.array([rows, columns, outputs * (channels * kernel**2 + 1)])


def changed(head: Callable[..., Sequence[int]]) -> Callable[..., Array]:
    """`head(size, kernel, ...)` is told the kernel and the sizes of the map in front of it, too."""

    def answer(
        size: Sizes, trained: int, layers: Sequence[Sequence[int]], channels: int, outputs: int
    ) -> Array:
        kernel, (height, width) = after(trained, layers), (after(n, layers) for n in size)
        rows, columns, parameters = converted_head(size, trained, layers, channels, outputs)
        return np.array(head(kernel, height, width, rows, columns, int(parameters), channels, outputs))

    return answer


def by_division(
    size: Sizes, trained: int, layers: Sequence[Sequence[int]], channels: int, outputs: int
) -> Array:
    """The whole stride, and nothing else: right for layers that only divide."""
    jump = int(np.prod([s for _, s, _ in layers]))
    *_, parameters = converted_head(size, trained, layers, channels, outputs)
    return np.array([*((n - trained) / jump + 1 for n in size), parameters])


declare(
    "converted-head",
    converted_head,
    cases=[
        ((8, 8), 8, [], 3, 5),
        ((28, 28), 28, [(5, 1, 0), (2, 2, 0)], 8, 10),
        ((56, 56), 28, [(5, 1, 0), (2, 2, 0), (5, 1, 0), (2, 2, 0)], 16, 10),
        ((84, 112), 28, [(5, 1, 0), (2, 2, 0), (5, 1, 0), (2, 2, 0)], 16, 64),
        ((16, 9), 8, [], 3, 5),
        ((384, 384), 224, [(2, 2, 0)] * 5, 512, 4096),
        ((300, 451), 224, [(3, 1, 1), (2, 2, 0)] * 5, 512, 4096),
        ((65, 33), 32, [(3, 2, 1), (3, 2, 1)], 4, 2),
        ((40, 30), 28, [(3, 2, 0), (3, 1, 0), (2, 2, 0)], 6, 3),
    ],
    mistakes=[
        Mistake(
            "the parameters are counted for the new size: the weight was trained, and stays as it is",
            changed(lambda k, h, w, i, j, n, c, o: (i, j, o * (c * h * w + 1))),
        ),
        Mistake(
            "the layer is as large as the new map here, so that it answers once: its kernel is the old one",
            changed(lambda k, h, w, i, j, n, c, o: (1, 1, o * (c * h * w + 1))),
        ),
        Mistake(
            "this is the map in front of the layer: its kernel takes k - 1 rows and columns away",
            changed(lambda k, h, w, i, j, n, c, o: (h, w, n)),
        ),
        Mistake(
            "the biases are missing: one for each output",
            changed(lambda k, h, w, i, j, n, c, o: (i, j, n - o)),
        ),
        Mistake(
            "the parameters are those of a 1 × 1 layer: the kernel is as large as the map it was trained on",
            changed(lambda k, h, w, i, j, n, c, o: (i, j, o * (c + 1))),
        ),
        Mistake(
            "the kernel slides by its own size here: a fully connected layer becomes one of stride 1",
            changed(lambda k, h, w, i, j, n, c, o: ((h - k) // k + 1, (w - k) // k + 1, n)),
        ),
        Mistake(
            "the sizes are not rounded down: each layer drops what is left",
            by_division,
        ),
        Mistake(
            "rows and columns are exchanged",
            changed(lambda k, h, w, i, j, n, c, o: (j, i, n)),
        ),
    ],
)

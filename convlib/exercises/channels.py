"""The exercises of chapter 6, channels: pointwise, grouped, shuffled."""

from __future__ import annotations

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare
from convlib.oracles import conv2d_loops

random = np.random.default_rng(6)


def whole(*shape: int) -> Array:
    """Small whole numbers as floats: exact, and readable in a message."""
    return random.integers(-4, 9, size=shape).astype(float)


# --- pointwise(image, weight, bias) -------------------------------------------------------------------------


def pointwise(image: Array, weight: Array, bias: Array) -> Array:
    return conv2d_loops(image[np.newaxis], weight[:, :, np.newaxis, np.newaxis], bias)[0]


def mixed(image: Array, weight: Array) -> Array:
    """The layer without its bias."""
    return pointwise(image, weight, np.zeros(len(weight), image.dtype))


def column(bias: Array) -> Array:
    return bias[:, np.newaxis, np.newaxis]


def rows_as_pixels(image: Array, weight: Array) -> Array:
    """Pixels that are cut out of the memory as it comes: neighbours in place of channels. (H * W, O)"""
    return image.reshape(-1, len(image)) @ weight.T


def channels_last(image: Array, weight: Array, bias: Array) -> Array:
    return np.moveaxis(pointwise(image, weight, bias), 0, -1)


def reshaped_back(image: Array, weight: Array, bias: Array) -> Array:
    return channels_last(image, weight, bias).reshape(len(weight), *image.shape[1:])


def kept_apart(image: Array, weight: Array, bias: Array) -> Array:
    return weight[:, :, None, None] * image + bias[:, None, None, None]  # o c h w


TRANSPOSED = "the weight is transposed: it has a row for each output channel"
RESHAPED = (
    "the channels are mixed with the pixels: in memory the numbers of one pixel do not lie side by side, "
    "so move the channels to the end before a reshape"
)


def mixing(c: int, h: int, w: int, o: int) -> tuple[Array, Array, Array]:
    return whole(c, h, w), whole(o, c), np.arange(1.0, o + 1) * 3


declare(
    "pointwise",
    pointwise,
    cases=[
        (np.array([[[1.0, 2]], [[3, 4]]]), np.array([[1.0, 10]]), np.array([100.0])),
        (np.array([[[1.0, 2]], [[3, 4]]]), np.array([[1.0, 10], [2, 20], [0, 1]]), np.array([0.5, 0, 0.25])),
        (np.array([[[1.0, 2]], [[3, 4]]]), np.array([[1.0, 10], [2, 30]]), np.array([0.5, 0.25])),
        mixing(1, 2, 3, 1),
        mixing(3, 1, 1, 3),
        mixing(3, 4, 3, 3),
        mixing(3, 2, 4, 5),
        mixing(4, 3, 2, 2),
        mixing(2, 5, 4, 4),
        mixing(5, 3, 3, 1),
        tuple(array.astype(int) for array in mixing(3, 4, 2, 2)),
        (random.normal(size=(4, 3, 5)), random.normal(size=(6, 4)), random.normal(size=6)),
        tuple(random.normal(size=shape).astype(np.float32) for shape in [(3, 4, 5), (2, 3), (2,)]),
    ],
    mistakes=[
        Mistake("the bias is forgotten", lambda image, weight, bias: mixed(image, weight)),
        Mistake(
            "the bias is added once for every input channel; once is enough",
            lambda image, weight, bias: mixed(image, weight) + len(image) * column(bias),
        ),
        Mistake(
            "the bias is added along the width: it belongs to the output channels, shape (O, 1, 1)",
            lambda image, weight, bias: mixed(image, weight) + bias,
        ),
        Mistake(
            TRANSPOSED,
            lambda image, weight, bias: np.tensordot(weight, image, axes=(0, 0)) + column(bias),
        ),
        Mistake(  # in einsum an axis of length 1 fits every other
            TRANSPOSED,
            lambda image, weight, bias: np.einsum("co,chw->ohw", weight, image) + column(bias),
        ),
        Mistake(
            RESHAPED,
            lambda image, weight, bias: (
                rows_as_pixels(image, weight).T.reshape(-1, *image.shape[1:]) + column(bias)
            ),
        ),
        Mistake(
            RESHAPED,
            lambda image, weight, bias: (rows_as_pixels(image, weight) + bias).reshape(
                -1, *image.shape[1:]
            ),  # h w o
        ),
        Mistake(
            RESHAPED,
            lambda image, weight, bias: (
                rows_as_pixels(image, weight).reshape(-1, *image.shape[1:]) + column(bias)
            ),
        ),
        Mistake(
            "the channels are last and are reshaped to the front: that mixes them with the pixels, "
            "so move the axis",
            reshaped_back,
        ),
        Mistake("the channels are last: move them to the front", channels_last, shape_is_enough=True),
        Mistake("the input channels are kept apart: sum over them", kept_apart, shape_is_enough=True),
        Mistake(
            "it is the mean over the input channels, not their weighted sum",
            lambda image, weight, bias: mixed(image, weight) / len(image) + column(bias),
        ),
        Mistake(
            "only the first input channel counts",
            lambda image, weight, bias: pointwise(image[:1], weight[:, :1], bias),
        ),
        Mistake(
            "only the last input channel counts: is it = where += is meant?",
            lambda image, weight, bias: pointwise(image[-1:], weight[:, -1:], bias),
        ),
        Mistake(
            "height and width are swapped",
            lambda image, weight, bias: pointwise(image, weight, bias).swapaxes(1, 2),
            shape_is_enough=True,
        ),
    ],
)


# --- grouped(image, weight, groups) -------------------------------------------------------------------------


def grouped(image: Array, weight: Array, groups: int) -> Array:
    return conv2d_loops(image[np.newaxis], weight, groups=groups)[0]


def plain(image: Array, weight: Array) -> Array:
    return grouped(image, weight, 1)


def each_group(image: Array, weight: Array, groups: int) -> list[Array]:
    return [plain(*pair) for pair in zip(np.split(image, groups), np.split(weight, groups), strict=True)]


def first_channels_for_all(image: Array, weight: Array, groups: int) -> Array:
    return plain(image[: weight.shape[1]], weight)


def last_channels_for_all(image: Array, weight: Array, groups: int) -> Array:
    return plain(image[-weight.shape[1] :], weight)


def first_kernels_for_all(image: Array, weight: Array, groups: int) -> Array:
    first = weight[: len(weight) // groups]
    return np.concatenate([plain(part, first) for part in np.split(image, groups)])


def groups_ignored(image: Array, weight: Array, groups: int) -> Array:
    return plain(image, np.tile(weight, (1, groups, 1, 1)))


def ungrouped_only(image: Array, weight: Array, groups: int) -> Array:
    if len(image) != weight.shape[1]:
        raise ValueError  # as an ordinary convolution says
    return plain(image, weight)


def outputs_interleaved(image: Array, weight: Array, groups: int) -> Array:
    return np.stack(each_group(image, weight, groups), axis=1).reshape(grouped(image, weight, groups).shape)


def outputs_in_turn(image: Array, weight: Array, groups: int) -> Array:
    """Output channel o belongs to group o % groups."""
    slices, output = weight.shape[1], np.empty_like(grouped(image, weight, groups))
    for o, kernel in enumerate(weight):
        first = o % groups * slices
        output[o] = plain(image[first : first + slices], kernel[np.newaxis])[0]
    return output


def inputs_interleaved(image: Array, weight: Array, groups: int) -> Array:
    parts = np.split(weight, groups)
    return np.concatenate([plain(image[i::groups], part) for i, part in enumerate(parts)])


def bank(c: int, h: int, w: int, o: int, k: tuple[int, int], groups: int) -> tuple[Array, Array, int]:
    return whole(c, h, w), whole(o, c // groups, *k), groups


declare(
    "grouped",
    grouped,
    cases=[
        (np.array([[[1.0, 2]], [[3, 4]]]), np.array([[[[1.0]]], [[[10.0]]]]), 2),
        (np.array([[[1.0, 2]], [[3, 4]]]), np.array([[[[1.0]], [[10]]]]), 1),
        (
            np.array([[[1.0]], [[2]], [[3]], [[4]]]),
            np.array([[[[1.0]], [[10]]], [[[2]], [[20]]], [[[1]], [[100]]], [[[3]], [[0]]]]),
            2,
        ),
        bank(4, 3, 4, 4, (2, 2), 2),
        bank(4, 4, 3, 8, (3, 3), 4),
        bank(3, 4, 5, 3, (3, 2), 3),
        bank(6, 3, 3, 9, (2, 2), 3),
        bank(6, 4, 3, 4, (1, 3), 2),
        bank(8, 3, 5, 8, (2, 3), 2),
        bank(3, 5, 4, 2, (3, 3), 1),
        tuple(
            item.astype(int) if isinstance(item, np.ndarray) else item for item in bank(4, 3, 3, 6, (2, 2), 2)
        ),
        (random.normal(size=(6, 5, 6)), random.normal(size=(6, 2, 3, 2)), 3),
        (
            random.normal(size=(4, 5, 4)).astype(np.float32),
            random.normal(size=(6, 2, 2, 2)).astype(np.float32),
            2,
        ),
    ],
    mistakes=[
        Mistake("all groups read the input channels of the first one", first_channels_for_all),
        Mistake("all groups read the input channels of the last one", last_channels_for_all),
        Mistake("all groups use the kernels of the first one", first_kernels_for_all),
        Mistake(
            "the groups are ignored: each output sees all input channels, with the same slices again",
            groups_ignored,
        ),
        Mistake(
            "the groups are ignored: an ordinary convolution needs a slice for each input channel",
            ungrouped_only,
        ),
        Mistake(
            "the output channels are interleaved: all of the first group come first, then all of the second",
            outputs_interleaved,
        ),
        Mistake(
            "the groups take turns: output channel o belongs to group o // (O / groups), not to o % groups",
            outputs_in_turn,
        ),
        Mistake(
            "the input channels are dealt out in turn: a group reads neighbouring channels",
            inputs_interleaved,
        ),
        Mistake(
            "only the first group is there",
            lambda image, weight, groups: each_group(image, weight, groups)[0],
        ),
        Mistake(
            "only the last group is there",
            lambda image, weight, groups: each_group(image, weight, groups)[-1],
        ),
        Mistake(
            "the groups are added up; they stand side by side",
            lambda image, weight, groups: sum(each_group(image, weight, groups)),
        ),
        Mistake(
            "the groups have an axis of their own: join them along the channels",
            lambda image, weight, groups: np.stack(each_group(image, weight, groups)),
            shape_is_enough=True,
        ),
        Mistake(
            "the kernels are flipped",
            lambda image, weight, groups: grouped(image, weight[..., ::-1, ::-1], groups),
        ),
    ],
)


# --- shuffle(x, groups) -------------------------------------------------------------------------------------


def shuffle(x: Array, groups: int) -> Array:
    """Channel by channel: place j of group i goes to place i of the j-th hand."""
    output, size = np.empty_like(x), x.shape[1] // groups
    for i in range(groups):
        for j in range(size):
            output[:, j * groups + i] = x[:, i * size + j]
    return output


def apart(x: Array, groups: int) -> Array:
    return x.reshape(len(x), groups, -1, *x.shape[2:])


def numbered(n: int, c: int, h: int, w: int) -> Array:
    return np.arange(float(n * c * h * w)).reshape(n, c, h, w)


declare(
    "shuffle",
    shuffle,
    cases=[
        (numbered(1, 6, 1, 1), 2),
        (numbered(1, 6, 1, 1), 3),
        (numbered(1, 4, 1, 2), 2),
        (numbered(2, 8, 2, 1), 4),
        (numbered(2, 9, 2, 2), 3),
        (numbered(3, 12, 1, 3), 3),
        (numbered(2, 4, 3, 2), 1),
        (numbered(2, 5, 2, 3), 5),
        (numbered(2, 10, 2, 3).astype(int), 2),
        (random.normal(size=(2, 8, 3, 4)), 2),
        (random.normal(size=(2, 6, 4, 3)).astype(np.float32), 3),
    ],
    mistakes=[
        Mistake(
            "nothing is shuffled: a reshape alone leaves every number in its place, a transpose moves them",
            lambda x, groups: x.copy(),
        ),
        Mistake(
            "it is the way back: split the channels into `groups` parts first, not into parts of `groups`",
            lambda x, groups: shuffle(x, x.shape[1] // groups),
        ),
        Mistake(
            "the two axes are not joined again: the shape must be that of x",
            lambda x, groups: apart(x, groups).swapaxes(1, 2),
            shape_is_enough=True,
        ),
        Mistake(
            "the channels are still split into groups: join them, after the transpose",
            apart,
            shape_is_enough=True,
        ),
        Mistake(
            "whole groups change places; deal out their channels one by one",
            lambda x, groups: apart(x, groups)[:, ::-1].reshape(x.shape),
        ),
        Mistake(
            "the channels are reversed inside each group; deal them out one by one",
            lambda x, groups: apart(x, groups)[:, :, ::-1].reshape(x.shape),
        ),
        Mistake("the channels are only reversed", lambda x, groups: x[:, ::-1]),
        Mistake(
            "images and channels are shuffled together: keep the first axis apart",
            lambda x, groups: x.reshape(groups, -1, *x.shape[2:]).swapaxes(0, 1).reshape(x.shape),
        ),
    ],
)

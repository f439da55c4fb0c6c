"""The exercises of chapter 14, feature maps as tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare
from convlib.oracles import conv_loops, to_tokens_loops

random = np.random.default_rng(14)


def counted(*shape: int) -> Array:
    """1, 2, 3, ...: every number says where it comes from."""
    return np.arange(1.0, math.prod(shape) + 1).reshape(shape)


# --- tokens_of(x) -------------------------------------------------------------------------------------------


def tokens_of(x: Array) -> Array:
    return to_tokens_loops(x)


def by_columns(x: Array) -> Array:
    """Pixels column by column, for row by row."""
    return tokens_of(x.swapaxes(2, 3))


declare(
    "tokens",
    tokens_of,
    cases=[
        (np.array([[[[1.0, 2], [3, 4]], [[10, 20], [30, 40]]]]),),
        (counted(1, 2, 1, 3),),
        (counted(1, 3, 2, 3),),
        (counted(2, 2, 3, 2),),
        (counted(2, 4, 2, 2),),
        (counted(3, 1, 2, 4),),
        (random.normal(size=(2, 5, 4, 7)),),
        (random.normal(size=(3, 2, 3, 3)).astype(np.float32),),
    ],
    mistakes=[
        Mistake(
            "that is a plain reshape: a token holds neighbours out of one channel",
            lambda x: x.reshape(x.shape[0], -1, x.shape[1]),
        ),
        Mistake("the pixels are taken column by column: reading order goes along the rows", by_columns),
        Mistake(
            "the axes are still (N, C, HW): the channels have to go to the end",
            lambda x: x.reshape(x.shape[0], x.shape[1], -1),
            shape_is_enough=True,
        ),
        Mistake(
            "the pixels are not merged yet: rows and columns become one axis",
            lambda x: x.transpose(0, 2, 3, 1),
            shape_is_enough=True,
        ),
        Mistake(
            "the pixels are not merged yet: rows and columns become one axis",
            lambda x: x.transpose(0, 3, 2, 1),
            shape_is_enough=True,
        ),
        Mistake(
            "the images of the batch are merged with their pixels: N stays an axis of its own",
            lambda x: tokens_of(x).reshape(-1, x.shape[1]),
            shape_is_enough=True,
        ),
        Mistake(
            "the first image alone is left: the batch stays",
            lambda x: tokens_of(x)[0],
            shape_is_enough=True,
        ),
        Mistake(
            "images and channels have changed places on the way",
            lambda x: x.transpose(1, 2, 3, 0).reshape(x.shape[0], -1, x.shape[1]),
        ),
        Mistake("the pixels come last to first", lambda x: tokens_of(x)[:, ::-1]),
        Mistake("the channels come last to first", lambda x: tokens_of(x)[:, :, ::-1]),
    ],
)


# --- attention_weights(q, k) --------------------------------------------------------------------------------


def softmax(scores: Array, axis: int | None) -> Array:
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def scores_of(q: Array, k: Array) -> Array:
    return q @ k.T / math.sqrt(q.shape[1])


def attention_weights(q: Array, k: Array) -> Array:
    return softmax(scores_of(q, k), axis=1)


def scaled_by(scale: Callable[[int], float]) -> Callable[..., Any]:
    return lambda q, k: softmax(q @ k.T * scale(q.shape[1]), axis=1)


def overflowing(q: Array, k: Array) -> Array:
    """Exponentials of the scores as they are: infinity over infinity."""
    with np.errstate(all="ignore"):
        exponentials = np.exp(scores_of(q, k))
        return exponentials / exponentials.sum(axis=1, keepdims=True)


def not_normalized(q: Array, k: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.exp(scores_of(q, k))


def shares_of_scores(q: Array, k: Array) -> Array:
    scores = scores_of(q, k)
    with np.errstate(all="ignore"):
        return scores / scores.sum(axis=1, keepdims=True)


KEYS = np.log(np.array([[2.0], [1], [1]]))

declare(
    "attention-weights",
    attention_weights,
    cases=[
        (np.array([[1.0]]), KEYS),  # 1/2, 1/4, 1/4
        (np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 0], [0, 1], [0, 0]])),
        (np.ones((3, 4)), np.zeros((2, 4))),
        (random.normal(size=(3, 4)), random.normal(size=(5, 4))),
        (random.normal(size=(5, 4)), random.normal(size=(3, 4))),
        (random.normal(size=(4, 9)), random.normal(size=(4, 9))),
        (random.normal(size=(1, 16)), random.normal(size=(6, 16))),
        (random.normal(size=(6, 2)), random.normal(size=(1, 2))),
        (random.normal(size=(3, 8)).astype(np.float32), random.normal(size=(4, 8)).astype(np.float32)),
        (np.array([[1000.0], [-1000]]), np.array([[1.0], [0.999], [-1]])),
    ],
    mistakes=[
        Mistake("the scale is missing: divide the scores by the root of E", scaled_by(lambda e: 1)),
        Mistake("the scores are divided by E: it is the root of E", scaled_by(lambda e: 1 / e)),
        Mistake("the scores are multiplied by the root of E: divide by it", scaled_by(math.sqrt)),
        Mistake(
            "each column sums to 1: every query has weights of its own, so each row does",
            lambda q, k: softmax(scores_of(q, k), axis=0),
        ),
        Mistake(
            "all weights together sum to 1: each row does",
            lambda q, k: softmax(scores_of(q, k), axis=None),
        ),
        Mistake(
            "the largest scores overflow: subtract the largest of each row before the exponential",
            overflowing,
        ),
        Mistake("the weights are not divided by their sum", not_normalized),
        Mistake("these are the scores: the softmax is missing", scores_of),
        Mistake(
            "the scores are divided by their sum: the softmax takes exponentials first",
            shares_of_scores,
        ),
        Mistake(
            "queries and keys have changed places: a row for each query",
            lambda q, k: attention_weights(k, q),
        ),
        Mistake(
            "the weights are transposed: a row for each query",
            lambda q, k: attention_weights(q, k).T,
        ),
        Mistake(
            "only the best key is left: the softmax gives every key a share",
            lambda q, k: np.eye(len(k))[scores_of(q, k).argmax(axis=1)],
        ),
        Mistake("queries that fit get least: the sign is turned", scaled_by(lambda e: -1 / math.sqrt(e))),
    ],
)


# --- patch_tokens(x, w, b) ----------------------------------------------------------------------------------


def whole(*shape: int) -> Array:
    """Small whole numbers as floats, none of them 0: exact, and readable in a message."""
    return (random.integers(1, 10, size=shape) * random.choice([-1, 1], size=shape)).astype(float)


def as_map(x: Array, w: Array, b: Array) -> Array:
    p = w.shape[-1]
    return conv_loops(x, w, b, stride=(p, p))


def patch_tokens(x: Array, w: Array, b: Array) -> Array:
    return tokens_of(as_map(x, w, b))


def with_weights(change: Callable[[Array], Array]) -> Callable[..., Any]:
    """The right way, with a weight whose numbers lie in another order."""
    return lambda x, w, b: patch_tokens(x, change(w), b)


def pixels_first(w: Array) -> Array:
    """Meant for patches laid (row, column, channel)."""
    e, c, p, _ = w.shape
    return w.reshape(e, p, p, c).transpose(0, 3, 1, 2)


def by_reshape(x: Array, w: Array, b: Array) -> Array:
    """A patch is so many numbers as they lie in memory."""
    n, c, height, width = x.shape
    p = w.shape[-1]
    x = x[:, :, : height // p * p, : width // p * p]
    return x.reshape(n, -1, c * p * p) @ w.reshape(len(w), -1).T + b


def only_whole(x: Array, w: Array, b: Array) -> Array:
    if x.shape[2] % w.shape[-1] or x.shape[3] % w.shape[-1]:
        raise ValueError
    return patch_tokens(x, w, b)


def padded(x: Array, w: Array, b: Array) -> Array:
    p = w.shape[-1]
    below, right = -x.shape[2] % p, -x.shape[3] % p
    return patch_tokens(np.pad(x, ((0, 0), (0, 0), (0, below), (0, right))), w, b)


declare(
    "patch-tokens",
    patch_tokens,
    cases=[
        (counted(1, 1, 2, 4), np.array([[[[1.0, 10], [100, 1000]]]]), np.zeros(1)),
        (counted(1, 1, 4, 4), np.array([[[[1.0, 0], [0, 0]]]]), np.array([0.5])),
        (whole(1, 2, 2, 4), whole(1, 2, 2, 2), whole(1)),
        (whole(2, 3, 4, 6), whole(5, 3, 2, 2), whole(5)),
        (whole(1, 2, 6, 9), whole(4, 2, 3, 3), whole(4)),
        (whole(2, 2, 3, 2), whole(3, 2, 1, 1), whole(3)),
        (whole(1, 3, 5, 7), whole(2, 3, 2, 2), whole(2)),
        (whole(1, 2, 4, 4), whole(3, 2, 4, 4), whole(3)),
        (random.normal(size=(2, 3, 8, 12)), random.normal(size=(6, 3, 4, 4)), random.normal(size=6)),
        tuple(random.normal(size=size).astype(np.float32) for size in [(1, 2, 6, 4), (3, 2, 2, 2), (3,)]),
    ],
    mistakes=[
        Mistake("the bias is missing", lambda x, w, b: patch_tokens(x, w, np.zeros_like(b))),
        Mistake(
            "that is a plain reshape: a patch is a square, and its rows lie apart in memory",
            by_reshape,
        ),
        Mistake(
            "the numbers of a patch are in the order row, column, channel: `w` goes channel by channel",
            with_weights(pixels_first),
        ),
        Mistake(
            "rows and columns have changed places inside the patches",
            with_weights(lambda w: w.swapaxes(2, 3)),
        ),
        Mistake(
            "the patches are taken column by column: reading order goes along the rows",
            lambda x, w, b: by_columns(as_map(x, w, b)),
        ),
        Mistake("the kernel is flipped", with_weights(lambda w: w[:, :, ::-1, ::-1])),
        Mistake(
            "the features come before the tokens: the shape is (N, L, E)",
            lambda x, w, b: patch_tokens(x, w, b).swapaxes(1, 2),
            shape_is_enough=True,
        ),
        Mistake(
            "that is still a map: its rows and columns become one axis",
            as_map,
            shape_is_enough=True,
        ),
        Mistake(
            "that is still a map: its rows and columns become one axis",
            lambda x, w, b: as_map(x, w, b).transpose(0, 2, 3, 1),
            shape_is_enough=True,
        ),
        Mistake(
            "the patches overlap: they are p pixels apart",
            lambda x, w, b: tokens_of(conv_loops(x, w, b)),
            shape_is_enough=True,
        ),
        Mistake("it works only where patches fit: leave out what is over", only_whole),
        Mistake(
            "the picture is padded: leave out what is over, below and to the right",
            padded,
            shape_is_enough=True,
        ),
        Mistake(
            "what is over is left out above and to the left: leave it out below and to the right",
            lambda x, w, b: patch_tokens(
                x[:, :, x.shape[2] % w.shape[-1] :, x.shape[3] % w.shape[-1] :], w, b
            ),
        ),
    ],
)

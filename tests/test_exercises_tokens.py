"""The checkers of chapter 14 accept every right answer and name what is wrong.

The answers are written as readers write them, apart from the functions of the checker itself.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import convlib
from convlib import exercises


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


@pytest.mark.parametrize("name", ["tokens", "attention-weights", "patch-tokens"])
def test_a_stub_is_not_tried_yet(name):
    assert repr(exercises.check(name, lambda *case: ...)) == f"{name}: not tried yet"
    assert repr(exercises.check(name, lambda *case: None)) == f"{name}: not tried yet"


# --- tokens -------------------------------------------------------------------------------------------------


def tokens_by_loops(x):
    n, c, height, width = x.shape
    tokens = np.zeros((n, height * width, c))
    for i in range(height):
        for j in range(width):
            tokens[:, i * width + j] = x[:, :, i, j]
    return tokens


RIGHT_TOKENS = {
    "transpose and reshape": lambda x: x.transpose(0, 2, 3, 1).reshape(x.shape[0], -1, x.shape[1]),
    "reshape and swap": lambda x: x.reshape(*x.shape[:2], -1).swapaxes(1, 2),
    "moveaxis": lambda x: np.moveaxis(x, 1, -1).reshape(len(x), -1, x.shape[1]),
    "einsum": lambda x: np.einsum("nchw->nhwc", x).reshape(len(x), -1, x.shape[1]),
    "loops": tokens_by_loops,
    "stacked channels": lambda x: np.stack([x[:, c].reshape(len(x), -1) for c in range(x.shape[1])], axis=-1),
    "torch": lambda x: torch.tensor(x).flatten(2).transpose(1, 2),
    "convlib": convlib.to_tokens,
}


@pytest.mark.parametrize("answer", RIGHT_TOKENS.values(), ids=RIGHT_TOKENS)
def test_tokens_accepts_every_way(answer):
    assert repr(exercises.check("tokens", answer)) == "tokens: right - 8 cases agree with the definition"


WRONG_TOKENS = [
    (lambda x: x.reshape(x.shape[0], -1, x.shape[1]), "that is a plain reshape"),
    (lambda x: x.transpose(0, 3, 2, 1).reshape(len(x), -1, x.shape[1]), "column by column"),
    (lambda x: x.reshape(*x.shape[:2], -1), "the axes are still (N, C, HW)"),
    (lambda x: np.moveaxis(x, 1, -1), "the pixels are not merged yet"),
    (lambda x: x.transpose(0, 3, 2, 1), "the pixels are not merged yet"),
    (lambda x: np.moveaxis(x, 1, -1).reshape(-1, x.shape[1]), "the images of the batch are merged"),
    (lambda x: x[0].reshape(x.shape[1], -1).T, "the first image alone is left"),
    (lambda x: x.transpose(1, 2, 3, 0).reshape(len(x), -1, x.shape[1]), "images and channels have changed"),
    (lambda x: tokens_by_loops(x)[:, ::-1], "the pixels come last to first"),
    (lambda x: tokens_by_loops(x)[..., ::-1], "the channels come last to first"),
    (lambda x: 0 * tokens_by_loops(x), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_TOKENS, ids=diagnosis_only)
def test_tokens_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("tokens", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_reshape_is_shown_on_four_pixels():
    verdict = exercises.check("tokens", WRONG_TOKENS[0][0])
    assert repr(verdict) == (
        "tokens: not yet - that is a plain reshape: a token holds neighbours out of one channel\n"
        "  for x [[[[1, 2], [3, 4]], [[10, 20], [30, 40]]]]: "
        "expected [[[1, 10], [2, 20], [3, 30], [4, 40]]], got [[[1, 2], [3, 4], [10, 20], [30, 40]]]"
    )


# --- the weights of attention -------------------------------------------------------------------------------


def softmax_rows(scores):
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def weights_by_loops(q, k):
    weights = np.zeros((len(q), len(k)))
    for i in range(len(q)):
        scores = [sum(q[i] * k[j]) / len(q[i]) ** 0.5 for j in range(len(k))]
        exponentials = [np.exp(score - max(scores)) for score in scores]
        for j in range(len(k)):
            weights[i, j] = exponentials[j] / sum(exponentials)
    return weights


RIGHT_WEIGHTS = {
    "matrices": lambda q, k: softmax_rows(q @ k.T / np.sqrt(q.shape[1])),
    "loops": weights_by_loops,
    "einsum": lambda q, k: softmax_rows(np.einsum("le,se->ls", q, k) * q.shape[-1] ** -0.5),
    "scaled queries": lambda q, k: softmax_rows((q / np.sqrt(q.shape[1])) @ k.T),
    "torch": lambda q, k: (torch.tensor(q) @ torch.tensor(k).T / q.shape[1] ** 0.5).softmax(dim=1),
    "values that tell the keys apart": lambda q, k: convlib.scaled_dot_product_attention(
        q, k, np.eye(len(k), dtype=q.dtype)
    ),
    "torch's attention": lambda q, k: F.scaled_dot_product_attention(
        *map(torch.tensor, (q, k, np.eye(len(k), dtype=q.dtype)))
    ),
}


@pytest.mark.parametrize("answer", RIGHT_WEIGHTS.values(), ids=RIGHT_WEIGHTS)
def test_attention_weights_accepts_every_way(answer):
    verdict = exercises.check("attention-weights", answer)
    assert repr(verdict) == "attention-weights: right - 10 cases agree with the definition"


def overflowing(q, k):
    with np.errstate(all="ignore"):
        exponentials = np.exp(q @ k.T / np.sqrt(q.shape[1]))
        return exponentials / exponentials.sum(axis=1, keepdims=True)


def unnormalized(q, k):
    with np.errstate(all="ignore"):
        return np.exp(q @ k.T / np.sqrt(q.shape[1]))


def shares_of_scores(q, k):
    scores = q @ k.T / np.sqrt(q.shape[1])
    with np.errstate(all="ignore"):
        return scores / scores.sum(axis=1, keepdims=True)


def softmax_columns(q, k):
    return softmax_rows(k @ q.T / np.sqrt(q.shape[1])).T


def softmax_of_all(q, k):
    scores = q @ k.T / np.sqrt(q.shape[1])
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


WRONG_WEIGHTS = [
    (lambda q, k: softmax_rows(q @ k.T), "the scale is missing"),
    (lambda q, k: softmax_rows(q @ k.T / q.shape[1]), "the scores are divided by E"),
    (lambda q, k: softmax_rows(q @ k.T * np.sqrt(q.shape[1])), "multiplied by the root of E"),
    (softmax_columns, "each column sums to 1"),
    (softmax_of_all, "all weights together sum to 1"),
    (overflowing, "the largest scores overflow"),
    (unnormalized, "the weights are not divided by their sum"),
    (lambda q, k: q @ k.T / np.sqrt(q.shape[1]), "these are the scores"),
    (shares_of_scores, "the scores are divided by their sum"),
    (lambda q, k: weights_by_loops(k, q), "queries and keys have changed places"),
    (lambda q, k: weights_by_loops(q, k).T, "the weights are transposed"),
    (lambda q, k: np.eye(len(k))[(q @ k.T).argmax(axis=1)], "only the best key is left"),
    (lambda q, k: softmax_rows(-q @ k.T / np.sqrt(q.shape[1])), "the sign is turned"),
    (lambda q, k: 0 * weights_by_loops(q, k), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_WEIGHTS, ids=diagnosis_only)
def test_attention_weights_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("attention-weights", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- patches ------------------------------------------------------------------------------------------------


def patches_by_loops(x, w, b):
    n, _, height, width = x.shape
    p = w.shape[-1]
    rows = []
    for i in range(height // p):
        for j in range(width // p):
            patch = x[:, :, i * p : (i + 1) * p, j * p : (j + 1) * p].reshape(n, -1)
            rows.append(patch @ w.reshape(len(w), -1).T + b)
    return np.stack(rows, axis=1)


def patches_by_einsum(x, w, b):
    n, c, height, width = x.shape
    p = w.shape[-1]
    rows, columns = height // p, width // p
    pieces = x[:, :, : rows * p, : columns * p].reshape(n, c, rows, p, columns, p)
    return np.einsum("ncipjq,ecpq->nije", pieces, w).reshape(n, rows * columns, -1) + b


def patches_by_torch(x, w, b):
    x, w, b = map(torch.tensor, (x, w, b))
    return F.conv2d(x, w, b, stride=w.shape[-1]).flatten(2).transpose(1, 2)


def patches_by_unfold(x, w, b):
    x, w, b = map(torch.tensor, (x, w, b))
    columns = F.unfold(x, w.shape[-1], stride=w.shape[-1])
    return columns.transpose(1, 2) @ w.flatten(1).T + b


RIGHT_PATCHES = {
    "loops": patches_by_loops,
    "einsum": patches_by_einsum,
    "torch's convolution": patches_by_torch,
    "unfold": patches_by_unfold,
    "convlib": lambda x, w, b: convlib.patchify(x, w.shape[-1]) @ w.reshape(len(w), -1).T + b,
}


@pytest.mark.parametrize("answer", RIGHT_PATCHES.values(), ids=RIGHT_PATCHES)
def test_patch_tokens_accepts_every_way(answer):
    verdict = exercises.check("patch-tokens", answer)
    assert repr(verdict) == "patch-tokens: right - 10 cases agree with the definition"


def laid_pixel_by_pixel(x, w, b):
    n, _, height, width = x.shape
    p = w.shape[-1]
    rows = []
    for i in range(height // p):
        for j in range(width // p):
            patch = np.moveaxis(x[:, :, i * p : (i + 1) * p, j * p : (j + 1) * p], 1, -1).reshape(n, -1)
            rows.append(patch @ w.reshape(len(w), -1).T + b)
    return np.stack(rows, axis=1)


def pieces_of_memory(x, w, b):
    n, c, height, width = x.shape
    p = w.shape[-1]
    x = x[:, :, : height // p * p, : width // p * p]
    return x.reshape(n, -1, c * p * p) @ w.reshape(len(w), -1).T + b


def columns_of_patches(x, w, b):
    return patches_by_torch(x.swapaxes(2, 3).copy(), w.swapaxes(2, 3).copy(), b)


def map_of(x, w, b, stride=None):
    return convlib.conv2d(x, w, b, stride=stride or w.shape[-1])


def without_cropping(x, w, b):
    n, c, height, width = x.shape
    p = w.shape[-1]
    pieces = x.reshape(n, c, height // p, p, width // p, p)
    return np.einsum("ncipjq,ecpq->nije", pieces, w).reshape(n, -1, len(w)) + b


def zeros_behind(x, w, b):
    p = w.shape[-1]
    return patches_by_einsum(np.pad(x, ((0, 0), (0, 0), (0, -x.shape[2] % p), (0, -x.shape[3] % p))), w, b)


def cropped_before(x, w, b):
    p = w.shape[-1]
    return patches_by_einsum(x[:, :, x.shape[2] % p :, x.shape[3] % p :], w, b)


WRONG_PATCHES = [
    (lambda x, w, b: patches_by_loops(x, w, 0 * b), "the bias is missing"),
    (pieces_of_memory, "that is a plain reshape"),
    (laid_pixel_by_pixel, "in the order row, column, channel"),
    (lambda x, w, b: patches_by_loops(x, w.swapaxes(2, 3), b), "changed places inside the patches"),
    (columns_of_patches, "the patches are taken column by column"),
    (lambda x, w, b: patches_by_loops(x, w[..., ::-1, ::-1], b), "the kernel is flipped"),
    (lambda x, w, b: patches_by_loops(x, w, b).swapaxes(1, 2), "the features come before the tokens"),
    (map_of, "that is still a map"),
    (lambda x, w, b: np.moveaxis(map_of(x, w, b), 1, -1), "that is still a map"),
    (lambda x, w, b: convlib.to_tokens(map_of(x, w, b, 1)), "the patches overlap"),
    (without_cropping, "it works only where patches fit"),
    (zeros_behind, "the picture is padded"),
    (cropped_before, "left out above and to the left"),
    (lambda x, w, b: 0 * patches_by_loops(x, w, b), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_PATCHES, ids=diagnosis_only)
def test_patch_tokens_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("patch-tokens", answer)
    assert not verdict
    assert diagnosis in str(verdict)

"""The checkers of chapter 5 accept every right answer and name what is wrong.

The answers are written as readers write them, apart from the functions of the checker itself.
"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view

import convlib
from convlib import exercises


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


# --- max pooling --------------------------------------------------------------------------------------------


def pool_padded(image, k, s, p, reduce=np.max, **padding):
    padded = np.pad(image, p, **(padding or {"constant_values": -np.inf}))
    height, width = (padded.shape[0] - k) // s + 1, (padded.shape[1] - k) // s + 1
    output = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            output[i, j] = reduce(padded[i * s : i * s + k, j * s : j * s + k])
    return output


def pool_cropped(image, k, s, p):
    """No padding at all: windows are cut off at the border."""
    rows = []
    for top in range(-p, image.shape[0] + p - k + 1, s):
        lefts = range(-p, image.shape[1] + p - k + 1, s)
        rows.append([image[max(top, 0) : top + k, max(left, 0) : left + k].max() for left in lefts])
    return rows


def pool_tap_by_tap(image, k, s, p):
    padded = np.pad(image, p, constant_values=-np.inf)
    height, width = (padded.shape[0] - k) // s + 1, (padded.shape[1] - k) // s + 1
    output = np.full((height, width), -np.inf)
    for u in range(k):
        for v in range(k):
            tap = padded[u : u + s * (height - 1) + 1 : s, v : v + s * (width - 1) + 1 : s]
            output = np.maximum(output, tap)
    return output


def pool_with_windows(image, k, s, p):
    padded = np.pad(image, p, constant_values=-np.inf)
    return sliding_window_view(padded, (k, k))[::s, ::s].max(axis=(2, 3))


RIGHT_POOL = {
    "loops": pool_padded,
    "cut off at the border": pool_cropped,
    "tap by tap": pool_tap_by_tap,
    "windows": pool_with_windows,
    # a copy of the edge pixel lies in windows that hold the edge pixel itself, so it changes no maximum
    "copies of the edge": lambda image, k, s, p: pool_padded(image, k, s, p, mode="edge"),
    "padded with the smallest": lambda image, k, s, p: pool_padded(
        image, k, s, p, constant_values=image.min()
    ),
    "convlib": lambda image, k, s, p: convlib.max_pool2d(image[None], k, s, p)[0],
    "torch": lambda image, k, s, p: F.max_pool2d(torch.tensor(image)[None], k, s, p)[0],
}


@pytest.mark.parametrize("answer", RIGHT_POOL.values(), ids=RIGHT_POOL)
def test_max_pool_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("max-pool", answer)
    assert repr(verdict) == "max-pool: right - 13 cases agree with the definition"


def pool_one_window_short(image, k, s, p):
    padded = np.pad(image, p, constant_values=-np.inf)
    height, width = (padded.shape[0] - k) // s, (padded.shape[1] - k) // s
    output = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            output[i, j] = padded[i * s : i * s + k, j * s : j * s + k].max()
    return output


def pool_not_filled(image, k, s, p):
    padded = np.pad(image, p, constant_values=-np.inf)
    height, width = (padded.shape[0] - k) // s + 1, (padded.shape[1] - k) // s + 1
    output = np.zeros((height, width))
    for i in range(height - 1):
        for j in range(width - 1):
            output[i, j] = padded[i * s : i * s + k, j * s : j * s + k].max()
    return output


def pool_indexed_by_columns(image, k, s, p):
    padded = np.pad(image, p, constant_values=-np.inf)
    height, width = (padded.shape[0] - k) // s + 1, (padded.shape[1] - k) // s + 1
    output = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            output[j, i] = padded[i * s : i * s + k, j * s : j * s + k].max()
    return output


def places(image, k, s, p):
    return convlib.max_pool2d(image[None], k, s, p, return_indices=True)[1][0]


WRONG_POOL = [
    (lambda *case: pool_padded(*case, mode="constant"), "the padding holds zeros"),
    (lambda *case: pool_padded(*case, mode="reflect"), "the padding is a mirror"),
    (lambda *case: pool_padded(*case, np.mean, mode="constant"), "it is the average"),
    (lambda *case: pool_padded(*case, np.sum, mode="constant"), "it is the sum"),
    (lambda *case: pool_padded(*case, np.min, mode="constant"), "it is the smallest number of each window"),
    (
        lambda *case: pool_padded(*case, np.min, constant_values=np.inf),
        "it is the smallest number of each window",
    ),
    (lambda image, k, s, p: pool_padded(image, k, s, 0), "the padding is forgotten"),
    (lambda image, k, s, p: pool_padded(image, k, 1, p), "the stride is ignored"),
    (lambda image, k, s, p: pool_padded(image, k, k, p), "the stride is taken for the window's size"),
    (
        lambda image, k, s, p: convlib.max_pool2d(image[None], k, s, p, ceil_mode=True)[0],
        "a window hangs over the end",
    ),
    (pool_one_window_short, "the last windows are missing"),
    (pool_not_filled, "the last row and column of the output are never filled"),
    (
        lambda *case: np.full(pool_padded(*case).shape, case[0].max()),
        "it is the largest number of the whole image",
    ),
    (lambda image, k, s, p: image.max(), "it is the largest number of the whole image"),
    (lambda *case: pool_padded(*case).T, "rows and columns are swapped"),
    (pool_indexed_by_columns, "rows and columns are swapped"),
    (places, "these are the places of the largest numbers"),
    (lambda *case: 0 * pool_padded(*case), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_POOL, ids=diagnosis_only)
def test_max_pool_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("max-pool", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_zero_padding_is_shown_where_all_pixels_are_negative():
    verdict = exercises.check("max-pool", lambda *case: pool_padded(*case, mode="constant"))
    assert repr(verdict) == (
        "max-pool: not yet - the padding holds zeros, which are larger than negative pixels: "
        "pad with -inf, or leave it out\n"
        "  for image [[-1, -2, -3], [-4, -5, -6], [-7, -8, -9]], k 3, s 2 and p 1: "
        "expected [[-1, -2], [-4, -5]], got [[0, 0], [0, 0]]"
    )


# --- its gradient -------------------------------------------------------------------------------------------


def gradient_by_argmax(image, grad, k):
    output = np.zeros_like(image)
    for i in range(grad.shape[0]):
        for j in range(grad.shape[1]):
            window = image[i * k : i * k + k, j * k : j * k + k]
            u, v = np.unravel_index(window.argmax(), window.shape)
            output[i * k + u, j * k + v] = grad[i, j]
    return output


def gradient_by_views(image, grad, k):
    output = np.zeros_like(image)
    for (i, j), g in np.ndenumerate(grad):
        rows, columns = slice(i * k, i * k + k), slice(j * k, j * k + k)
        winner = image[rows, columns].argmax()
        output[rows, columns].flat[winner] += g
    return output


def gradient_by_autograd(image, grad, k):
    leaf = torch.tensor(image, requires_grad=True)
    F.max_pool2d(leaf[None], k)[0].backward(torch.tensor(grad))
    return leaf.grad


def gradient_by_unpooling(image, grad, k):
    _, indices = convlib.max_pool2d(image[None], k, return_indices=True)
    return convlib.max_unpool2d(grad[None], indices, k)[0]


RIGHT_GRADIENT = {
    "argmax": gradient_by_argmax,
    "flat": gradient_by_views,
    "autograd": gradient_by_autograd,
    "unpooling": gradient_by_unpooling,
    "convlib": lambda image, grad, k: convlib.max_pool2d_backward(grad[None], image[None], k)[0],
}


@pytest.mark.parametrize("answer", RIGHT_GRADIENT.values(), ids=RIGHT_GRADIENT)
def test_max_pool_gradient_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("max-pool-gradient", answer)
    assert repr(verdict) == "max-pool-gradient: right - 12 cases agree with the definition"


def gradient_where(rule, local=False, values=False):
    """The loops, with another rule for who gets what."""

    def answer(image, grad, k):
        output = np.zeros(image.shape)
        for (i, j), g in np.ndenumerate(grad):
            window = image[i * k : i * k + k, j * k : j * k + k]
            upstream = 1.0 if local else g
            output[i * k : i * k + k, j * k : j * k + k] = rule(window) * upstream
        return output

    return answer


def the_first(window):
    one = np.zeros(window.size)
    one[window.argmax()] = 1
    return one.reshape(window.shape)


def the_last(window):
    one = np.zeros(window.shape)
    best = -np.inf
    for u in range(window.shape[0]):
        for v in range(window.shape[1]):
            if window[u, v] >= best:
                best = window[u, v]
                one[:] = 0
                one[u, v] = 1
    return one


def all_ties(window):
    return (window == window.max()).astype(float)


def values_put_back(image, grad, k):
    values, indices = convlib.max_pool2d(image[None], k, return_indices=True)
    return convlib.max_unpool2d(values, indices, k)[0]


WRONG_GRADIENT = [
    (gradient_where(lambda window: all_ties(window) / all_ties(window).sum()), "tied pixels share"),
    (gradient_where(all_ties), "every tied pixel gets the whole gradient"),
    (gradient_where(the_last), "of tied pixels the last one wins"),
    (gradient_where(lambda window: the_first(window.T).T), "row by row, not column by column"),
    (gradient_where(the_first, local=True), "the gradient from above is ignored: 1 is only the local"),
    (gradient_where(all_ties, local=True), "the gradient from above is ignored, and every tied pixel"),
    (lambda image, grad, k: np.kron(grad, np.ones((k, k))), "every pixel of a window gets the gradient"),
    (lambda image, grad, k: np.kron(grad, np.ones((k, k))) / k**2, "the gradient of average pooling"),
    (lambda image, grad, k: gradient_by_argmax(image, grad, k) * image, "is multiplied by the pixel"),
    (values_put_back, "these are the largest numbers put back"),
    (lambda image, grad, k: gradient_by_argmax(-image, grad, k), "the smallest pixel of each window"),
    (lambda image, grad, k: grad, "the gradient of the input has the shape of the image"),
    (lambda image, grad, k: np.zeros(image.shape), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_GRADIENT, ids=diagnosis_only)
def test_max_pool_gradient_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("max-pool-gradient", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- adaptive bins ------------------------------------------------------------------------------------------


def bins_by_overlap(n, m):
    found = []
    for i in range(m):
        inside = [j for j in range(n) if j < (i + 1) * n / m and j + 1 > i * n / m]
        found.append([min(inside), max(inside) + 1])
    return found


def bins_by_gradient(n, m):
    found = []
    for i in range(m):
        row = torch.zeros(1, 1, n, requires_grad=True)
        F.adaptive_avg_pool1d(row, m)[0, 0, i].backward()
        used = row.grad[0, 0].nonzero().flatten()
        found.append((int(used[0]), int(used[-1]) + 1))
    return found


RIGHT_BINS = {
    "whole numbers": lambda n, m: [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)],
    "floor and ceil": lambda n, m: [(math.floor(i * n / m), math.ceil((i + 1) * n / m)) for i in range(m)],
    "as torch has it": lambda n, m: [(i * n // m, ((i + 1) * n + m - 1) // m) for i in range(m)],
    "overlap": bins_by_overlap,
    "gradient": bins_by_gradient,
    "arrays": lambda n, m: np.stack([np.arange(m) * n // m, np.ceil(np.arange(1, m + 1) * n / m)], axis=1),
}


@pytest.mark.parametrize("answer", RIGHT_BINS.values(), ids=RIGHT_BINS)
def test_adaptive_bins_accept_every_way_to_compute_them(answer):
    verdict = exercises.check("adaptive-bins", answer)
    assert repr(verdict) == "adaptive-bins: right - 13 cases agree with the definition"


def bins_of_array_split(n, m):
    parts = np.array_split(np.arange(n), m)
    ends = np.cumsum([len(part) for part in parts])
    return [(end - len(part), end) for part, end in zip(parts, ends, strict=True)]


def bins_of_one_size(n, m):
    size = math.ceil(n / m)
    return [(min(i * size, n), min(i * size + size, n)) for i in range(m)]


def bins_with_a_long_last(n, m):
    size = n // m
    return [(i * size, (i + 1) * size if i < m - 1 else n) for i in range(m)]


WRONG_BINS = [
    (lambda n, m: [(i * n // m, (i + 1) * n // m) for i in range(m)], "the bins share no pixel"),
    (lambda n, m: [(-(-i * n // m), -(-(i + 1) * n // m)) for i in range(m)], "the bins share no pixel"),
    (lambda n, m: [(round(i * n / m), round((i + 1) * n / m)) for i in range(m)], "rounded to the nearest"),
    (
        lambda n, m: [(int(i * n / m + 0.5), int((i + 1) * n / m + 0.5)) for i in range(m)],
        "rounded to the nearest",
    ),
    (lambda n, m: [(-(-i * n // m), (i + 1) * n // m) for i in range(m)], "rounded the wrong way"),
    (lambda n, m: [(i * n / m, (i + 1) * n / m) for i in range(m)], "the places are not rounded"),
    (lambda n, m: [(i * (n // m), (i + 1) * (n // m)) for i in range(m)], "the rest is dropped"),
    (bins_with_a_long_last, "all bins but the last are n // m pixels"),
    (bins_of_array_split, "the first bins take the rest"),
    (bins_of_one_size, "all bins are ceil(n / m) pixels long"),
    (
        lambda n, m: [(i * n // m, -(-(i + 1) * n // m) - 1) for i in range(m)],
        "the end is the last pixel itself",
    ),
    (lambda n, m: [(i * n // m, (i + 1) * n // m + 1) for i in range(m)], "one pixel too many at the end"),
    (lambda n, m: [i * n // m for i in range(m)], "each with its first pixel and its end"),
    (
        lambda n, m: [(i * n // m, -(-(i + 1) * n // m) - i * n // m) for i in range(m)],
        "first pixel and length of each bin",
    ),
    (lambda n, m: [(0, 0)] * m, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_BINS, ids=diagnosis_only)
def test_adaptive_bins_name_the_mistake(answer, diagnosis):
    verdict = exercises.check("adaptive-bins", answer)
    assert not verdict
    assert diagnosis in str(verdict)

"""The checkers of chapter 7 accept every right answer and name what is wrong.

The answers are written as readers write them, apart from the functions of the checker itself.
"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import convlib
from convlib import exercises


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


# --- which pixel is shown -----------------------------------------------------------------------------------


def sources_by_counting(n, m):
    """Walks along the row; a new pixel begins every n steps, an old one every m."""
    found, j = [], 0
    for i in range(m):
        while (j + 1) * m <= i * n:
            j += 1
        found.append(j)
    return found


def sources_by_torch(n, m):
    return F.interpolate(torch.arange(float(n), dtype=torch.float64)[None, None], size=m)[0, 0]


def sources_by_matrix(n, m):
    return convlib.resize_matrix(n, m).argmax(axis=1)


RIGHT_SOURCES = {
    "whole numbers": lambda n, m: [i * n // m for i in range(m)],
    "arrays": lambda n, m: np.arange(m) * n // m,
    "floor": lambda n, m: [math.floor(i * n / m) for i in range(m)],
    "floats": lambda n, m: np.floor(np.arange(m) * n / m),
    "small dtype": lambda n, m: np.array([i * n // m for i in range(m)], dtype=np.int16),
    "counting": sources_by_counting,
    "matrix": sources_by_matrix,
    "convlib": lambda n, m: convlib.interpolate(np.arange(float(n))[None, None], m)[0, 0],
    "torch": sources_by_torch,
}


@pytest.mark.parametrize("answer", RIGHT_SOURCES.values(), ids=RIGHT_SOURCES)
def test_nearest_sources_accept_every_way_to_compute_them(answer):
    verdict = exercises.check("nearest-sources", answer)
    assert repr(verdict) == "nearest-sources: right - 13 cases agree with the definition"


def sources_exact(n, m):
    row = torch.arange(float(n), dtype=torch.float64)[None, None]
    return F.interpolate(row, size=m, mode="nearest-exact")[0, 0]


def kept(place, n):
    return min(max(place, 0), n - 1)


def sources_of_corners(rounding):
    return lambda n, m: [rounding(i * (n - 1) / max(m - 1, 1)) for i in range(m)]


def sources_repeated(n, m):
    times = math.ceil(m / n)
    return [j for j in range(n) for _ in range(times)][:m]


WRONG_SOURCES = [
    (sources_exact, "that is nearest-exact"),
    (
        lambda n, m: [kept(round((i + 0.5) * n / m - 0.5), n) for i in range(m)],
        "that is nearest-exact",
    ),
    (
        lambda n, m: [kept(math.floor((i + 0.5) * n / m - 0.5 + 0.5), n) for i in range(m)],
        "that is nearest-exact",
    ),
    (lambda n, m: [kept(round(i * n / m), n) for i in range(m)], "the left edge is rounded to the nearest"),
    (
        lambda n, m: [kept(int(i * n / m + 0.5), n) for i in range(m)],
        "the left edge is rounded to the nearest",
    ),
    (lambda n, m: [kept(math.ceil(i * n / m), n) for i in range(m)], "the left edge is rounded up"),
    (sources_of_corners(math.floor), "the scale of aligned corners"),
    (sources_of_corners(round), "the scale of aligned corners"),
    (sources_of_corners(lambda place: int(place + 0.5)), "the scale of aligned corners"),
    (
        lambda n, m: [kept(math.floor((i + 0.5) * n / m - 0.5), n) for i in range(m)],
        "the centre is rounded down",
    ),
    (lambda n, m: [kept(i * m // n, n) for i in range(m)], "the scale is upside down"),
    (sources_repeated, "all pixels are repeated equally often"),
    (lambda n, m: [i * (n // m) for i in range(m)], "the scale is cut off to a whole number"),
    (lambda n, m: [i * n / m for i in range(m)], "these are places, not pixels"),
    (lambda n, m: [i * n // m + 1 for i in range(m)], "pixels are counted from 0"),
    (lambda n, m: [j * m // n for j in range(n)], "an entry for each *new* pixel"),
    (lambda n, m: [0] * m, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_SOURCES, ids=diagnosis_only)
def test_nearest_sources_name_the_mistake(answer, diagnosis):
    verdict = exercises.check("nearest-sources", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_nearest_exact_is_shown_where_four_pixels_become_seven():
    assert repr(exercises.check("nearest-sources", sources_exact)) == (
        "nearest-sources: not yet - that is nearest-exact, which asks where the centre of the new "
        "pixel lies; nearest asks for its left edge\n"
        "  for n 4 and m 7: expected [0, 0, 1, 1, 2, 2, 3], got [0, 0, 1, 2, 2, 3, 3]"
    )


# --- the matrix of linear interpolation ---------------------------------------------------------------------


def matrix_of(place=lambda i, n, m: (i + 0.5) * n / m - 0.5, weights=lambda t: (1 - t, t)):
    """The loops, with another place or other weights."""

    def answer(n, m):
        matrix = np.zeros((m, n))
        for i in range(m):
            x = min(max(place(i, n, m), 0), n - 1)
            j = int(x)
            first, second = weights(x - j)
            matrix[i, j] += first
            if j + 1 < n:
                matrix[i, j + 1] += second
        return matrix

    return answer


def matrix_by_tents(n, m):
    place = ((np.arange(m) + 0.5) * n / m - 0.5).clip(0, n - 1)
    return np.maximum(0, 1 - abs(np.arange(n) - place[:, None]))


def matrix_by_clipped_indices(n, m):
    """The place may lie outside; the pixels around it are held inside."""
    matrix = np.zeros((m, n))
    for i in range(m):
        x = (i + 0.5) * n / m - 0.5
        j = math.floor(x)
        matrix[i, min(max(j, 0), n - 1)] += 1 - (x - j)
        matrix[i, min(max(j + 1, 0), n - 1)] += x - j
    return matrix


def matrix_divided_by_its_sums(n, m):
    """Outside only the edge pixel has a weight, so that dividing by the sum makes it 1."""
    weights = np.maximum(0, 1 - abs(np.arange(n) - (np.arange(m)[:, None] + 0.5) * n / m + 0.5))
    return weights / weights.sum(axis=1, keepdims=True)


def matrix_by_unit_vectors(mode, **options):
    def answer(n, m):
        shape = (n, 1, 1, n) if mode.startswith("bi") else (n, 1, n)
        rows = torch.eye(n, dtype=torch.float64).reshape(shape)
        size = (1, m) if mode.startswith("bi") else m
        return F.interpolate(rows, size=size, mode=mode, **options).reshape(n, m).T

    return answer


def matrix_by_interp(n, m):
    centres = (np.arange(m) + 0.5) * n / m
    return np.stack([np.interp(centres, np.arange(n) + 0.5, unit) for unit in np.eye(n)], axis=1)


RIGHT_MATRIX = {
    "loops": matrix_of(),
    "tents": matrix_by_tents,
    "clipped indices": matrix_by_clipped_indices,
    "divided by the sums": matrix_divided_by_its_sums,
    "numpy.interp": matrix_by_interp,
    "torch": matrix_by_unit_vectors("linear"),
    "single precision": lambda n, m: matrix_by_tents(n, m).astype(np.float32),
    "lists": lambda n, m: matrix_by_tents(n, m).tolist(),
    "convlib": lambda n, m: convlib.resize_matrix(n, m, mode="linear"),
}


@pytest.mark.parametrize("answer", RIGHT_MATRIX.values(), ids=RIGHT_MATRIX)
def test_linear_matrix_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("linear-matrix", answer)
    assert repr(verdict) == "linear-matrix: right - 13 cases agree with the definition"


def matrix_losing_weight(n, m):
    matrix = np.zeros((m, n))
    for i in range(m):
        x = (i + 0.5) * n / m - 0.5
        for j in range(n):
            matrix[i, j] = max(0, 1 - abs(j - x))
    return matrix


def matrix_of_the_left_edge(n, m):
    matrix = np.zeros((m, n))
    for i in range(m):
        x = i * n / m
        for j in range(n):
            matrix[i, j] = max(0, 1 - abs(j - x))
    return matrix


def matrix_going_on(n, m):
    matrix = np.zeros((m, n))
    for i in range(m):
        x = (i + 0.5) * n / m - 0.5
        j = min(max(math.floor(x), 0), n - 2) if n > 1 else 0
        matrix[i, j] += 1 - (x - j)
        matrix[i, min(j + 1, n - 1)] += x - j
    return matrix


WRONG_MATRIX = [
    (matrix_by_unit_vectors("linear", align_corners=True), "that is align_corners=True"),
    (matrix_of(lambda i, n, m: i * (n - 1) / max(m - 1, 1)), "that is align_corners=True"),
    (matrix_of(lambda i, n, m: i * n / m), "the half pixel is missing"),
    (matrix_of_the_left_edge, "the half pixel is missing"),
    (matrix_of(lambda i, n, m: (i + 0.5) * n / m), "the last half is missing"),
    (matrix_losing_weight, "at the border weight is lost"),
    (matrix_going_on, "beyond the last pixel the line goes on"),
    (matrix_of(weights=lambda t: (t, 1 - t)), "the two weights are swapped"),
    (matrix_of(weights=lambda t: (t, 1 - t) if t > 0 else (1, 0)), "the two weights are swapped"),
    (matrix_of(weights=lambda t: (0.5, 0.5) if t > 0 else (1, 0)), "both pixels get a half"),
    (matrix_by_unit_vectors("bilinear", antialias=True), "that is antialias=True"),
    (matrix_by_unit_vectors("nearest"), "that is nearest: only one pixel"),
    (matrix_by_unit_vectors("nearest-exact"), "that is nearest-exact: only one pixel"),
    (matrix_by_unit_vectors("area"), "that is area"),
    (matrix_of(lambda i, n, m: (i + 0.5) * m / n - 0.5), "the scale is upside down"),
    (lambda n, m: matrix_by_tents(n, m).T, "rows and columns are swapped"),
    (lambda n, m: np.zeros((m, n)), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_MATRIX, ids=diagnosis_only)
def test_linear_matrix_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("linear-matrix", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_aligned_corners_are_shown_where_two_pixels_become_four():
    verdict = exercises.check("linear-matrix", matrix_by_unit_vectors("linear", align_corners=True))
    assert "for n 2 and m 4: expected [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]], got [[1, 0]" in str(
        verdict
    )


# --- pixel shuffle ------------------------------------------------------------------------------------------


def shuffle_by_loops(x, r):
    channels, height, width = x.shape
    y = np.zeros((channels // r**2, height * r, width * r))
    for c in range(channels // r**2):
        for u in range(r):
            for v in range(r):
                for i in range(height):
                    for j in range(width):
                        y[c, i * r + u, j * r + v] = x[c * r**2 + u * r + v, i, j]
    return y


def shuffle_by_slices(x, r):
    channels, height, width = x.shape
    y = np.zeros((channels // r**2, height * r, width * r), x.dtype)
    for c, plane in enumerate(x):
        y[c // r**2, c % r**2 // r :: r, c % r :: r] = plane
    return y


def shuffle_in_order(split, order):
    """The axes of x cut as in `split`, laid as in `order`."""

    def answer(x, r):
        channels, height, width = x.shape
        size = {"c": channels // r**2, "u": r, "v": r, "h": height, "w": width}
        cut = x.reshape([size[letter] for letter in split])
        return np.einsum(f"{split}->{order}", cut).reshape(channels // r**2, height * r, width * r)

    return answer


RIGHT_SHUFFLE = {
    "loops": shuffle_by_loops,
    "slices": shuffle_by_slices,
    "transpose": shuffle_in_order("cuvhw", "chuwv"),
    "single precision": lambda x, r: shuffle_by_slices(x.astype(np.float32), r),
    "convlib": convlib.pixel_shuffle,
    "torch": lambda x, r: F.pixel_shuffle(torch.tensor(x), r),
}


@pytest.mark.parametrize("answer", RIGHT_SHUFFLE.values(), ids=RIGHT_SHUFFLE)
def test_pixel_shuffle_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("pixel-shuffle", answer)
    assert repr(verdict) == "pixel-shuffle: right - 11 cases agree with the definition"


def shuffle_by_reshape(x, r):
    channels, height, width = x.shape
    return x.reshape(channels // r**2, height * r, width * r)


def one_of_each(x, r):
    return np.kron(x[:: r**2], np.ones((r, r)))


def mean_of_each(x, r):
    return np.kron(x.reshape(-1, r**2, *x.shape[1:]).mean(axis=1), np.ones((r, r)))


WRONG_SHUFFLE = [
    (shuffle_by_reshape, "a reshape alone keeps the order in memory"),
    (shuffle_in_order("cuvhw", "chvwu"), "u and v are swapped"),
    (shuffle_in_order("uvchw", "chuwv"), "the channels are counted the other way round: "),
    (shuffle_in_order("uvchw", "chvwu"), "the channels are counted the other way round, and u and v"),
    (shuffle_in_order("cuvhw", "cuhvw"), "whole pictures are laid side by side"),
    (shuffle_in_order("cuvhw", "chwuv"), "each place is spread out along its row first"),
    (one_of_each, "only one channel of each r * r is used"),
    (mean_of_each, "that is the mean of r * r channels"),
    (convlib.pixel_unshuffle, "the way back"),
    (lambda x, r: 0 * shuffle_by_loops(x, r), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_SHUFFLE, ids=diagnosis_only)
def test_pixel_shuffle_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("pixel-shuffle", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_reshape_is_shown_on_the_example_of_the_chapter():
    assert str(exercises.check("pixel-shuffle", shuffle_by_reshape)).endswith(
        "\n  for x [[[1, 5]], [[2, 6]], [[3, 7]], [[4, 8]]] and r 2: "
        "expected [[[1, 2, 5, 6], [3, 4, 7, 8]]], got [[[1, 5, 2, 6], [3, 7, 4, 8]]]"
    )


# --- not tried yet ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nearest-sources", "linear-matrix", "pixel-shuffle"])
def test_a_stub_is_not_tried_yet(name):
    assert repr(exercises.check(name, lambda *case: ...)) == f"{name}: not tried yet"

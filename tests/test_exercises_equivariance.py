"""The checkers of chapter 4 accept every right answer and name what is wrong.

The answers are written as readers write them, apart from the functions of the checker itself.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

import convlib
from convlib import exercises


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


# --- shift --------------------------------------------------------------------------------------------------


def shift_by_loops(image, rows, columns):
    height, width = image.shape
    moved = np.empty_like(image)
    for i in range(height):
        for j in range(width):
            moved[(i + rows) % height, (j + columns) % width] = image[i, j]
    return moved


def shift_by_pieces(image, rows, columns):
    rows, columns = rows % image.shape[0], columns % image.shape[1]
    image = np.vstack([image[len(image) - rows :], image[: len(image) - rows]])
    cut = image.shape[1] - columns
    return np.hstack([image[:, cut:], image[:, :cut]])


def shift_by_matrices(image, rows, columns):
    height, width = image.shape
    return np.roll(np.eye(height), rows, axis=0) @ image @ np.roll(np.eye(width), columns, axis=1)


RIGHT_SHIFT = {
    "loops": shift_by_loops,
    "pieces": shift_by_pieces,
    "matrices": shift_by_matrices,
    "np.roll": lambda image, rows, columns: np.roll(image, (rows, columns), axis=(0, 1)),
    "torch.roll": lambda image, rows, columns: torch.roll(torch.tensor(image), (rows, columns), (0, 1)),
    "lists": lambda image, rows, columns: shift_by_loops(image, rows, columns).tolist(),
}


@pytest.mark.parametrize("answer", RIGHT_SHIFT.values(), ids=RIGHT_SHIFT)
def test_shift_accepts_every_way_to_move_a_picture(answer):
    assert repr(exercises.check("shift", answer)) == "shift: right - 14 cases agree with the definition"


def shift_reading_where_it_should_write(image, rows, columns):
    height, width = image.shape
    moved = np.empty_like(image)
    for i in range(height):
        for j in range(width):
            moved[i, j] = image[(i + rows) % height, (j + columns) % width]
    return moved


def shift_with_zeros(image, rows, columns):
    height, width = image.shape
    moved = np.zeros_like(image)
    for i in range(height):
        for j in range(width):
            if 0 <= i - rows < height and 0 <= j - columns < width:
                moved[i, j] = image[i - rows, j - columns]
    return moved


def shift_with_edges(image, rows, columns):
    return ndimage.shift(image, (rows, columns), order=0, mode="nearest")


def shift_concatenating(image, rows, columns):
    image = np.concatenate([image[-rows:], image[:-rows]])
    return np.concatenate([image[:, -columns:], image[:, :-columns]], axis=1)


def shift_without_a_remainder(image, rows, columns):
    height, width = image.shape
    return np.array([[image[i - rows, j - columns] for j in range(width)] for i in range(height)])


WRONG_SHIFT = [
    (shift_reading_where_it_should_write, "everything moves the wrong way"),
    (lambda image, rows, columns: np.roll(image, (-rows, columns), (0, 1)), "the rows move the wrong way"),
    (lambda image, rows, columns: np.roll(image, (rows, -columns), (0, 1)), "the columns move the wrong way"),
    (lambda image, rows, columns: np.roll(image, (columns, rows), (0, 1)), "rows and columns are swapped"),
    (shift_with_zeros, "it does not go round"),
    (shift_with_edges, "the edge is repeated"),
    (lambda image, rows, columns: np.roll(image, rows, axis=0), "only the rows"),
    (lambda image, rows, columns: np.roll(image, columns, axis=1), "only the columns"),
    (lambda image, rows, columns: np.roll(image, rows * image.shape[1] + columns), "run into each other"),
    (shift_concatenating, "beyond the size"),
    (shift_without_a_remainder, "an index ran over the edge"),
    (lambda image, rows, columns: image.copy(), "nothing moved"),
    (lambda image, rows, columns: np.zeros(image.shape), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_SHIFT, ids=diagnosis_only)
def test_shift_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("shift", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_shift_to_the_left_is_shown_on_a_dot():
    verdict = exercises.check("shift", shift_reading_where_it_should_write)
    assert "expected [[0, 0, 1, 0]], got [[1, 0, 0, 0]]" in str(verdict)


# --- blur pool ----------------------------------------------------------------------------------------------


def blur_by_loops(row):
    n = len(row)
    return [(row[i - 1] + 2 * row[i] + row[(i + 1) % n]) / 4 for i in range(0, n, 2)]


def blur_by_convolution(row):
    around = np.concatenate([row[-1:], row, row[:1]])
    return np.convolve(around, [0.25, 0.5, 0.25], mode="valid")[::2]


def blur_by_torch(row):
    around = F.pad(torch.tensor(row, dtype=torch.float64)[None, None], (1, 1), mode="circular")
    return F.conv1d(around, torch.tensor([[[0.25, 0.5, 0.25]]], dtype=torch.float64), stride=2)[0, 0]


def blur_by_two_means(row):
    """The binomial kernel is the mean of two neighbours, twice."""
    half = (row + np.roll(row, 1)) / 2
    return ((half + np.roll(half, -1)) / 2)[::2]


def blur_by_fourier(row):
    response = (1 + np.cos(2 * np.pi * np.fft.fftfreq(len(row)))) / 2
    return np.fft.ifft(np.fft.fft(row) * response).real[::2]


def blur_by_package(row):
    around = convlib.pad(row[None].astype(float), (1, 1), mode="circular")
    return convlib.conv1d(around, np.array([[[0.25, 0.5, 0.25]]]), stride=2)[0]


RIGHT_BLUR = {
    "loops": blur_by_loops,
    "convolution": blur_by_convolution,
    "torch": blur_by_torch,
    "two means": blur_by_two_means,
    "Fourier": blur_by_fourier,
    "convlib": blur_by_package,
    "SciPy": lambda row: ndimage.convolve1d(row.astype(float), [0.25, 0.5, 0.25], mode="wrap")[::2],
}


@pytest.mark.parametrize("answer", RIGHT_BLUR.values(), ids=RIGHT_BLUR)
def test_blur_pool_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("blur-pool", answer)
    assert repr(verdict) == "blur-pool: right - 10 cases agree with the definition"


def smooth(row, weights=(1, 2, 1), divisor=4, mode="wrap"):
    return ndimage.correlate1d(np.asarray(row, float), np.array(weights) / divisor, mode=mode)


WRONG_BLUR = [
    (lambda row: smooth(row[::2]), "it drops first"),
    (lambda row: smooth(row, divisor=1)[::2], "sum up to 4: divide by 4"),
    (lambda row: smooth(row, (1, 1, 1), 3)[::2], "count alike"),
    (lambda row: smooth(row, divisor=3)[::2], "sum up to 4, not to 3"),
    (lambda row: smooth(row)[1::2], "begin with pixel 0"),
    (smooth, "nothing is dropped"),
    (lambda row: row[::2], "nothing is blurred"),
    (lambda row: smooth(row, mode="constant")[::2], "the row ends in zeros"),
    (lambda row: smooth(row, mode="mirror")[::2], "mirrored"),
    (lambda row: smooth(row, mode="nearest")[::2], "the edge pixels are repeated"),
    (lambda row: row.reshape(-1, 2).mean(axis=1), "the mean of two pixels"),
    (lambda row: row.reshape(-1, 2).max(axis=1), "max pooling"),
    (lambda row: np.zeros(len(row) // 2), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_BLUR, ids=diagnosis_only)
def test_blur_pool_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("blur-pool", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- turns --------------------------------------------------------------------------------------------------


def turns_by_loops(kernel):
    k, turned = len(kernel), [kernel]
    for _ in range(3):
        before, after = turned[-1], np.empty_like(kernel)
        for u in range(k):
            for v in range(k):
                after[k - 1 - v, u] = before[u, v]  # the right column becomes the top row
        turned.append(after)
    return np.array(turned)


RIGHT_TURNS = {
    "np.rot90": lambda kernel: np.stack([np.rot90(kernel, r) for r in range(4)]),
    "a list": lambda kernel: [np.rot90(kernel, r).tolist() for r in range(4)],
    "transpose and flip": lambda kernel: [kernel, kernel.T[::-1], kernel[::-1, ::-1], kernel[::-1].T],
    "loops": turns_by_loops,
    "torch": lambda kernel: torch.stack([torch.rot90(torch.tensor(kernel), r) for r in range(4)]),
}


@pytest.mark.parametrize("answer", RIGHT_TURNS.values(), ids=RIGHT_TURNS)
def test_turns_accepts_every_way_to_turn(answer):
    assert repr(exercises.check("turns", answer)) == "turns: right - 8 cases agree with the definition"


WRONG_TURNS = [
    (lambda kernel: [np.rot90(kernel, -r) for r in range(4)], "clockwise"),
    (lambda kernel: [kernel, kernel.T, kernel[::-1, ::-1], kernel[::-1, ::-1].T], "a transpose is no turn"),
    (lambda kernel: [kernel, np.fliplr(kernel), np.flipud(kernel), np.flip(kernel)], "mirror images"),
    (lambda kernel: [kernel, np.flipud(kernel), np.fliplr(kernel), np.flip(kernel)], "mirror images"),
    (lambda kernel: [kernel, np.fliplr(kernel), np.flip(kernel), np.flipud(kernel)], "mirror images"),
    (lambda kernel: [kernel, np.flipud(kernel), np.flip(kernel), np.fliplr(kernel)], "mirror images"),
    (lambda kernel: [np.rot90(kernel, r + 1) for r in range(4)], "it begins with the first turn"),
    (lambda kernel: [kernel] * 4, "all four are the same"),
    (lambda kernel: [np.rot90(kernel, 2 * r) for r in range(4)], "half turn"),
    (lambda kernel: [np.rot90(kernel, r) for r in range(1, 4)], "kernel itself, not turned, is missing"),
    (lambda kernel: np.vstack([np.rot90(kernel, r) for r in range(4)]), "side by side"),
    (lambda kernel: np.zeros((4, *kernel.shape)), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_TURNS, ids=diagnosis_only)
def test_turns_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("turns", answer)
    assert not verdict
    assert diagnosis in str(verdict)

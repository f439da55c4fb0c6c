"""The checkers of chapter 3 accept every right answer and name what is wrong.

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


# --- output size --------------------------------------------------------------------------------------------


def size_by_walking(n, k, s, p, d):
    windows, start = 0, -p
    while start + d * (k - 1) < n + p:
        windows += 1
        start += s
    return windows


def size_of_a_run(n, k, s, p, d):
    return F.conv1d(torch.zeros(1, 1, n), torch.zeros(1, 1, k), stride=s, padding=p, dilation=d).shape[-1]


RIGHT_SIZE = {
    "formula": lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) - 1) // s + 1,
    "floor": lambda n, k, s, p, d: math.floor((n + 2 * p - d * (k - 1) - 1) / s) + 1,
    "one fraction": lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) - 1 + s) // s,
    "as many starts, rounded up": lambda n, k, s, p, d: math.ceil((n + 2 * p - d * (k - 1)) / s),
    "walking": size_by_walking,
    "NumPy": lambda n, k, s, p, d: np.arange(0, n + 2 * p - d * (k - 1), s).size,
    "a float": lambda n, k, s, p, d: float((n + 2 * p - d * (k - 1) - 1) // s + 1),
    "convlib": convlib.conv_output_size,
    "torch": size_of_a_run,
}


@pytest.mark.parametrize("answer", RIGHT_SIZE.values(), ids=RIGHT_SIZE)
def test_output_size_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("output-size", answer)
    assert repr(verdict) == "output-size: right - 16 cases agree with the definition"


def size_hanging_over(n, k, s, p, d):
    windows, start = 1, -p
    while start + d * (k - 1) < n + p - 1:
        windows += 1
        start += s
    return windows


WRONG_SIZE = [
    (lambda n, k, s, p, d: (n - (d * (k - 1) + 1) + 2 * p) / s + 1, "it is not rounded down"),
    (lambda n, k, s, p, d: 1 + math.ceil((n - (d * (k - 1) + 1) + 2 * p) / s), "it is rounded up"),
    (size_hanging_over, "it is rounded up"),
    (lambda n, k, s, p, d: np.rint((n - d * (k - 1) - 1 + 2 * p) / s + 1), "it is rounded to the nearest"),
    (lambda n, k, s, p, d: round((n + 2 * p - d * (k - 1) - 1) / s) + 1, "it is rounded to the nearest"),
    (lambda n, k, s, p, d: (n - k + 2 * p) // s + 1, "the dilation is forgotten"),
    (lambda n, k, s, p, d: (n - k * d + 2 * p) // s + 1, "the kernel does not span d * k pixels"),
    (lambda n, k, s, p, d: (n + p - d * (k - 1) - 1) // s + 1, "the padding is added once"),
    (lambda n, k, s, p, d: (n - d * (k - 1) - 1) // s + 1, "the padding is forgotten"),
    (lambda n, k, s, p, d: n + 2 * p - d * (k - 1), "the stride is forgotten"),
    (lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) - 1) // s, "it is one short"),
    (lambda n, k, s, p, d: (n + 2 * p - d * (k - 1)) // s, "added before the division"),
    (lambda n, k, s, p, d: (n + 2 * p - d * (k - 1)) // s + 1, "it is one too many"),
    (lambda n, k, s, p, d: (n + s - 1) // s, "`same` padding"),
    (lambda n, k, s, p, d: 0, "every number is zero"),
    (lambda n, k, s, p, d: (size_by_walking(n, k, s, p, d),), "expected shape (), got (1,)"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_SIZE, ids=diagnosis_only)
def test_output_size_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("output-size", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_missing_floor_is_shown_on_a_row_that_has_a_remainder():
    verdict = exercises.check("output-size", lambda n, k, s, p, d: (n - d * (k - 1) - 1 + 2 * p) / s + 1)
    assert repr(verdict) == (
        "output-size: not yet - it is not rounded down: only whole steps count\n"
        "  for n 10, k 3, s 2, p 0 and d 1: expected 4, got 4.5"
    )


# --- pixel uses ---------------------------------------------------------------------------------------------


def uses_by_loops(n, k, s, p, d):
    uses = [0] * n
    for window in range(size_by_walking(n, k, s, p, d)):
        for tap in range(k):
            pixel = window * s + tap * d - p
            if 0 <= pixel < n:
                uses[pixel] += 1
    return uses


def uses_of_the_padded_row(n, k, s, p, d):
    padded = np.zeros(n + 2 * p)
    for start in range(0, n + 2 * p - d * (k - 1), s):
        padded[start : start + d * (k - 1) + 1 : d] += 1
    return padded


def uses_by_gradient(n, k, s, p, d):
    row = torch.zeros(1, 1, n, requires_grad=True)
    F.conv1d(row, torch.ones(1, 1, k), stride=s, padding=p, dilation=d).sum().backward()
    return row.grad[0, 0]


def uses_by_windows(n, k, s, p, d):
    places = np.pad(np.arange(n), p, constant_values=n)
    windows = convlib.sliding_windows(places, (k,), s, d)
    return np.bincount(windows.ravel(), minlength=n + 1)[:n]


RIGHT_USES = {
    "loops": uses_by_loops,
    "a slice for each window": lambda n, k, s, p, d: uses_of_the_padded_row(n, k, s, p, d)[p : p + n],
    "gradient": uses_by_gradient,
    "windows": uses_by_windows,
    "tuple": lambda *case: tuple(uses_by_loops(*case)),
    "convlib": convlib.conv_pixel_uses,
}


@pytest.mark.parametrize("answer", RIGHT_USES.values(), ids=RIGHT_USES)
def test_pixel_uses_accepts_every_way_to_count(answer):
    verdict = exercises.check("pixel-uses", answer)
    assert repr(verdict) == "pixel-uses: right - 14 cases agree with the definition"


def uses_with_negative_indices(n, k, s, p, d):
    uses = np.zeros(n)
    for window in range(size_by_walking(n, k, s, p, d)):
        for tap in range(k):
            pixel = window * s + tap * d - p
            if pixel < n:
                uses[pixel] += 1
    return uses


def uses_counting(
    windows=size_by_walking, place=lambda i, s, u, d, p: i * s + u * d - p, span=lambda k, d: k
):
    """The loops, with something exchanged."""

    def answer(n, k, s, p, d):
        uses = np.zeros(n, dtype=int)
        for i in range(windows(n, k, s, p, d)):
            for u in range(span(k, d)):
                pixel = place(i, s, u, d, p)
                if 0 <= pixel < n:
                    uses[pixel] += 1
        return uses

    return answer


def uses_of_copies(n, k, s, p, d):
    uses = np.zeros(n)
    copies = np.pad(np.arange(n), p, mode="edge")
    for start in range(0, len(copies) - d * (k - 1), s):
        np.add.at(uses, copies[start : start + d * (k - 1) + 1 : d], 1)
    return uses


WRONG_USES = [
    (uses_of_the_padded_row, "the padding is counted too"),
    (lambda n, k, s, p, d: uses_of_the_padded_row(n, k, s, p, d)[:n], "the first n of the padded pixels"),
    (lambda n, k, s, p, d: uses_by_loops(n, k, s, 0, d), "the padding is forgotten"),
    (lambda n, k, s, p, d: uses_by_loops(n, k, 1, p, d), "the stride is forgotten"),
    (lambda n, k, s, p, d: uses_by_loops(n, k, s, p, 1), "the dilation is forgotten"),
    (
        uses_counting(place=lambda i, s, u, d, p: i * s + u - p, span=lambda k, d: d * (k - 1) + 1),
        "the pixels between the taps are counted",
    ),
    (uses_with_negative_indices, "Python reads a negative index from behind"),
    (uses_of_copies, "padding is counted for the pixel at the edge"),
    (uses_counting(lambda *case: size_by_walking(*case) - 1), "the last window is missing"),
    (uses_counting(size_hanging_over), "a window that hangs over the end is counted"),
    (lambda *case: np.array(uses_by_loops(*case)) > 0, "it only says whether a pixel is used"),
    (lambda n, k, s, p, d: [0] * n, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_USES, ids=diagnosis_only)
def test_pixel_uses_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("pixel-uses", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- same padding -------------------------------------------------------------------------------------------


def same_by_formula(n, k, s, d):
    windows = -(-n // s)
    total = max((windows - 1) * s + d * (k - 1) + 1 - n, 0)
    return total // 2, total - total // 2


def same_as_tensorflow_says(n, k, s, d):
    """In the two cases of its documentation."""
    span = (k - 1) * d + 1
    total = max(span - s, 0) if n % s == 0 else max(span - n % s, 0)
    return [total // 2, total - total // 2]


def same_by_trying(n, k, s, d):
    """The least padding that gives so many windows, evenly shared out."""
    for total in range(d * k + n):
        if (n + total - d * (k - 1) - 1) // s + 1 >= math.ceil(n / s) and n + total > d * (k - 1):
            return np.array([total // 2, -(-total // 2)])


RIGHT_SAME = {"formula": same_by_formula, "TensorFlow": same_as_tensorflow_says, "trying": same_by_trying}


@pytest.mark.parametrize("answer", RIGHT_SAME.values(), ids=RIGHT_SAME)
def test_same_padding_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("same-padding", answer)
    assert repr(verdict) == "same-padding: right - 13 cases agree with the definition"


def same_total(n, k, s, d):
    return max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)


def same_unclipped(n, k, s, d):
    total = (math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n
    return total // 2, total - total // 2


def same_with_floor(n, k, s, d):
    total = max((n // s - 1) * s + d * (k - 1) + 1 - n, 0)
    return total // 2, total - total // 2


def same_one_too_many(n, k, s, d):
    total = max((math.ceil(n / s) - 1) * s + d * (k - 1) + 2 - n, 0)
    return total // 2, total - total // 2


WRONG_SAME = [
    (lambda *case: same_by_formula(*case)[::-1], "the two sides are swapped"),
    (lambda n, k, s, d: (d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2), "the stride is forgotten"),
    (same_unclipped, "a negative padding would crop"),
    (same_with_floor, "n / s must be rounded up"),
    (lambda n, k, s, d: same_by_formula(n, k, s, 1), "the dilation is forgotten"),
    (same_total, "this is the total"),
    (lambda *case: (same_total(*case) // 2,) * 2, "rounded down on both sides"),
    (lambda *case: (math.ceil(same_total(*case) / 2),) * 2, "rounded up on both sides"),
    (lambda *case: (same_total(*case) / 2,) * 2, "there are no half pixels"),
    (lambda n, k, s, d: (d * (k - 1) // 2, d * (k - 1) // 2), "symmetric padding of half a kernel"),
    (lambda *case: (0, same_total(*case)), "all of it is put after"),
    (same_one_too_many, "it is one too many"),
    (lambda *case: (0, 0), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_SAME, ids=diagnosis_only)
def test_same_padding_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("same-padding", answer)
    assert not verdict
    assert diagnosis in str(verdict)

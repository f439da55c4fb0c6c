"""The checkers of chapter 8 accept every right answer and name what is wrong.

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


# --- the layer ----------------------------------------------------------------------------------------------


def canvas_of(image, kernel, s):
    (height, width), (kh, kw) = image.shape, kernel.shape
    canvas = np.zeros(((height - 1) * s + kh, (width - 1) * s + kw))
    for i in range(height):
        for j in range(width):
            canvas[i * s : i * s + kh, j * s : j * s + kw] += image[i, j] * kernel
    return canvas


def cut(canvas, before, after):
    return canvas[before : canvas.shape[0] - after, before : canvas.shape[1] - after]


def by_copies(image, kernel, s, p):
    return cut(canvas_of(image, kernel, s), p, p)


def number_by_number(image, kernel, s, p):
    height = (image.shape[0] - 1) * s + kernel.shape[0] - 2 * p
    width = (image.shape[1] - 1) * s + kernel.shape[1] - 2 * p
    output = [[0.0] * width for _ in range(height)]
    for (i, j), pixel in np.ndenumerate(image):
        for (u, v), tap in np.ndenumerate(kernel):
            a, e = i * s + u - p, j * s + v - p
            if 0 <= a < height and 0 <= e < width:
                output[a][e] += pixel * tap
    return output


def tap_by_tap(image, kernel, s, p):
    (height, width), (kh, kw) = image.shape, kernel.shape
    canvas = np.zeros(((height - 1) * s + kh, (width - 1) * s + kw), image.dtype)
    for u in range(kh):
        for v in range(kw):
            canvas[u : u + (height - 1) * s + 1 : s, v : v + (width - 1) * s + 1 : s] += kernel[u, v] * image
    return cut(canvas, p, p)


def gathered(image, kernel, s, p):
    z = np.zeros([(n - 1) * s + 1 for n in image.shape], image.dtype)
    z[::s, ::s] = image
    return cut(convlib.convolve2d(z, kernel), p, p)


def by_matrix(image, kernel, s, p):
    size = [(n - 1) * s + k - 2 * p for n, k in zip(image.shape, kernel.shape, strict=True)]
    matrix = convlib.conv_matrix(kernel[None, None], (1, *size), s, p)
    return (matrix.T @ image.ravel()).reshape(size)


def part_by_part(image, kernel, s, p):
    canvas = np.zeros_like(canvas_of(image, kernel, s))
    for a in range(min(s, kernel.shape[0])):
        for e in range(min(s, kernel.shape[1])):
            canvas[a::s, e::s][: image.shape[0] + len(kernel[a::s]) - 1] = 0
            part = convlib.convolve2d(image, kernel[a::s, e::s])
            canvas[a::s, e::s][: part.shape[0], : part.shape[1]] = part
    return cut(canvas, p, p)


def as_gradient(image, kernel, s, p):
    size = [(n - 1) * s + k - 2 * p for n, k in zip(image.shape, kernel.shape, strict=True)]
    leaf = torch.zeros(1, *size, dtype=torch.tensor(image).dtype, requires_grad=True)
    F.conv2d(leaf, torch.tensor(kernel)[None, None], None, s, p).backward(torch.tensor(image)[None])
    return leaf.grad[0]


RIGHT_LAYER = {
    "copies": by_copies,
    "number by number": number_by_number,
    "tap by tap": tap_by_tap,
    "zeros": gathered,
    "matrix": by_matrix,
    "part by part": part_by_part,
    "gradient of a convolution": as_gradient,
    "convlib": lambda image, kernel, s, p: convlib.conv_transpose2d(
        image[None], kernel[None, None], None, s, p
    )[0],
    "torch": lambda image, kernel, s, p: F.conv_transpose2d(
        torch.tensor(image)[None], torch.tensor(kernel)[None, None], None, s, p
    )[0],
    "single precision": lambda *case: np.asarray(by_copies(*case), dtype=np.float32),
}


@pytest.mark.parametrize("answer", RIGHT_LAYER.values(), ids=RIGHT_LAYER)
def test_conv_transpose_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("conv-transpose", answer)
    assert repr(verdict) == "conv-transpose: right - 13 cases agree with the definition"


def copies_laid_over(image, kernel, s, p):
    (height, width), (kh, kw) = image.shape, kernel.shape
    canvas = np.zeros(((height - 1) * s + kh, (width - 1) * s + kw))
    for i in range(height):
        for j in range(width):
            canvas[i * s : i * s + kh, j * s : j * s + kw] = image[i, j] * kernel
    return cut(canvas, p, p)


def one_copy_short(image, kernel, s, p):
    (height, width), (kh, kw) = image.shape, kernel.shape
    canvas = np.zeros(((height - 1) * s + kh, (width - 1) * s + kw))
    for i in range(height - 1):
        for j in range(width - 1):
            canvas[i * s : i * s + kh, j * s : j * s + kw] += image[i, j] * kernel
    return cut(canvas, p, p)


def too_large_a_canvas(image, kernel, s, p):
    (height, width), (kh, kw) = image.shape, kernel.shape
    canvas = np.zeros((height * s + kh, width * s + kw))
    for i in range(height):
        for j in range(width):
            canvas[i * s : i * s + kh, j * s : j * s + kw] += image[i, j] * kernel
    return cut(canvas, p, p)


def strided_down_only(image, kernel, s, p):
    (height, width), (kh, kw) = image.shape, kernel.shape
    canvas = np.zeros(((height - 1) * s + kh, width - 1 + kw))
    for i in range(height):
        for j in range(width):
            canvas[i * s : i * s + kh, j : j + kw] += image[i, j] * kernel
    return cut(canvas, p, p)


def bare_slice(image, kernel, s, p):
    return canvas_of(image, kernel, s)[p:-p, p:-p]


WRONG_LAYER = [
    (lambda image, kernel, s, p: by_copies(image, np.rot90(kernel, 2), s, p), "turned by 180 degrees"),
    (copies_laid_over, "the copies overwrite each other"),
    (one_copy_short, "the last row and column of the image lay no copy"),
    (lambda image, kernel, s, p: by_copies(image, kernel, 1, p), "the stride is ignored"),
    (strided_down_only, "the stride is used along one axis only"),
    (lambda image, kernel, s, p: canvas_of(image, kernel, s), "nothing is cut off"),
    (lambda image, kernel, s, p: np.pad(canvas_of(image, kernel, s), p), "the padding is put on"),
    (lambda image, kernel, s, p: cut(canvas_of(image, kernel, s), 0, 2 * p), "cut off at the end"),
    (lambda image, kernel, s, p: cut(canvas_of(image, kernel, s), 2 * p, 0), "cut off at the start: cut p"),
    (lambda image, kernel, s, p: cut(canvas_of(image, kernel, s), p, 0), "cut off at the start alone"),
    (bare_slice, "the slice [p:-p] is empty where p is 0"),
    (too_large_a_canvas, "the output is s pixels too large"),
    (lambda *case: by_copies(*case).T, "rows and columns are swapped"),
    (lambda *case: 0 * by_copies(*case), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_LAYER, ids=diagnosis_only)
def test_conv_transpose_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("conv-transpose", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_the_convolution_itself_is_recognised_where_it_fits():
    def convolution(image, kernel, s, p):
        padded = np.pad(image, p)
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::s, ::s]
        return np.einsum("hwuv,uv->hw", windows, kernel)

    def with_numpy_only(image, kernel, s, p):
        padded = np.pad(image, p)
        height, width = (n - k + 1 for n, k in zip(padded.shape, kernel.shape, strict=True))
        output = np.zeros((height, width))  # negative sizes raise
        for u, v in np.ndindex(kernel.shape):
            output += kernel[u, v] * padded[u : u + height, v : v + width]
        return output[::s, ::s]

    for answer in (convolution, with_numpy_only):
        verdict = exercises.check("conv-transpose", answer)
        assert "that is the convolution itself" in str(verdict)


def test_turned_kernel_is_shown_by_its_digits():
    verdict = exercises.check("conv-transpose", lambda *case: by_copies(case[0], case[1][:, ::-1], *case[2:]))
    assert "expected [[1, 10, 102, 20, 203, 30, 300]], got [[100, 10, 201, 20, 302, 30, 3]]" in repr(verdict)


# --- output padding -----------------------------------------------------------------------------------------


def by_trying(n, wanted, k, s, p, d):
    for extra in range(max(s, d)):
        if convlib.conv_transpose_output_size(n, k, s, p, extra, d) == wanted:
            return extra
    return -1


def by_asking_torch(n, wanted, k, s, p, d):
    row, taps = torch.zeros(1, n), torch.zeros(1, 1, k)
    for extra in range(9):
        try:
            length = F.conv_transpose1d(row, taps, None, s, p, extra, 1, d).shape[1]
        except RuntimeError:
            return -1
        if length == wanted:
            return extra
    return -1


def solved(n, wanted, k, s, p, d):
    extra = wanted + 2 * p - d * (k - 1) - 1 - (n - 1) * s
    return extra if extra in range(max(s, d)) else -1


RIGHT_CHOICE = {
    "trying": by_trying,
    "torch": by_asking_torch,
    "solved": solved,
    "an array": lambda *case: np.array(solved(*case)),
    "a float": lambda *case: float(solved(*case)),
}


@pytest.mark.parametrize("answer", RIGHT_CHOICE.values(), ids=RIGHT_CHOICE)
def test_output_padding_accepts_every_way_to_find_it(answer):
    verdict = exercises.check("output-padding", answer)
    assert repr(verdict) == "output-padding: right - 15 cases agree with the definition"


def limited(extra, limit):
    return extra if 0 <= extra < limit else -1


WRONG_CHOICE = [
    (
        lambda n, wanted, k, s, p, d: wanted - (n - 1) * s - d * (k - 1) - 1 + 2 * p,
        "too large or negative numbers are returned",
    ),
    (
        lambda n, wanted, k, s, p, d: limited(wanted - (n - 1) * s - d * (k - 1) - 1 + 2 * p, 1 + max(s, d)),
        "the limit itself is taken",
    ),
    (
        lambda n, wanted, k, s, p, d: limited(wanted - (n - 1) * s - d * (k - 1) - 1 + 2 * p, s),
        "only the stride is taken as the limit",
    ),
    (
        lambda n, wanted, k, s, p, d: limited(wanted - (n - 1) * s - k + 2 * p, max(s, d)),
        "the dilation is ignored",
    ),
    (lambda n, wanted, k, s, p, d: limited(wanted - (n - 1) * s - k + 2 * p, s), "the dilation is ignored"),
    (
        lambda n, wanted, k, s, p, d: limited(wanted - n * s - d * (k - 1) - 1 + 2 * p, max(s, d)),
        "starts at (n - 1) s, not at n s",
    ),
    (
        lambda n, wanted, k, s, p, d: limited(wanted - (n - 1) * s - d * (k - 1) - 1 + p, max(s, d)),
        "the padding is taken away on both sides",
    ),
    (
        lambda n, wanted, k, s, p, d: limited(wanted - (n - 1) * s - d * (k - 1) - 1 - 2 * p, max(s, d)),
        "the padding is put on",
    ),
    (
        lambda n, wanted, k, s, p, d: (wanted + 2 * p - d * (k - 1) - 1) % s,
        "a remainder is taken where no output_padding does it",
    ),
    (lambda n, wanted, k, s, p, d: s - 1, "it is always s - 1"),
    (
        lambda n, wanted, k, s, p, d: convlib.conv_transpose_output_size(n, k, s, p, 0, d),
        "that is the size without output_padding",
    ),
    (lambda *case: max(0, solved(*case)), "0 is returned where nothing does it"),
    (lambda *case: 0, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_CHOICE, ids=diagnosis_only)
def test_output_padding_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("output-padding", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_size_that_nothing_leads_to_is_shown():
    verdict = exercises.check("output-padding", lambda *case: max(0, solved(*case)))
    assert "for n 4, wanted 9, k 3, s 2, p 1 and d 1: expected -1, got 0" in repr(verdict)


# --- spread out ---------------------------------------------------------------------------------------------


def spread(image, between, edge):
    z = np.zeros([(n - 1) * (between + 1) + 1 for n in image.shape])
    z[:: between + 1, :: between + 1] = image
    return np.pad(z, edge)


def spread_in_one(image, k, s, p):
    edge = k - 1 - p
    z = np.zeros([(n - 1) * s + 1 + 2 * edge for n in image.shape])
    z[edge : z.shape[0] - edge : s, edge : z.shape[1] - edge : s] = image
    return z


def spread_by_kron(image, k, s, p):
    dot = np.zeros((s, s))
    dot[0, 0] = 1
    z = np.kron(image, dot)
    return np.pad(z[: z.shape[0] - s + 1, : z.shape[1] - s + 1], k - 1 - p)


def spread_by_torch(image, k, s, p):
    one = torch.ones(1, 1, 1, 1, dtype=torch.tensor(image).dtype)
    z = F.conv_transpose2d(torch.tensor(image)[None], one, stride=s)[0]
    return F.pad(z, [k - 1 - p] * 4)


RIGHT_SPREAD = {
    "pad": lambda image, k, s, p: spread(image, s - 1, k - 1 - p),
    "in one": spread_in_one,
    "kron": spread_by_kron,
    "torch": spread_by_torch,
    "lists": lambda image, k, s, p: spread(image, s - 1, k - 1 - p).tolist(),
    "single precision": lambda image, k, s, p: spread(image, s - 1, k - 1 - p).astype(np.float32),
}


@pytest.mark.parametrize("answer", RIGHT_SPREAD.values(), ids=RIGHT_SPREAD)
def test_spread_out_accepts_every_way_to_do_it(answer):
    verdict = exercises.check("spread-out", answer)
    assert repr(verdict) == "spread-out: right - 12 cases agree with the definition"


def spread_to_full_strides(image, k, s, p):
    z = np.zeros([n * s for n in image.shape])
    z[::s, ::s] = image
    return np.pad(z, k - 1 - p)


def spread_sideways(image, k, s, p):
    z = np.zeros((image.shape[0], (image.shape[1] - 1) * s + 1))
    z[:, ::s] = image
    return np.pad(z, k - 1 - p)


WRONG_SPREAD = [
    (lambda image, k, s, p: spread(image, s, k - 1 - p), "a zero too many between two pixels"),
    (spread_to_full_strides, "there are zeros behind the last pixel"),
    (lambda image, k, s, p: np.pad(image, k - 1 - p), "nothing is put between the pixels"),
    (spread_sideways, "along one axis only"),
    (lambda image, k, s, p: spread(image, s - 1, 0), "the edge is missing"),
    (lambda image, k, s, p: spread(image, s - 1, p), "the edge has p zeros"),
    (lambda image, k, s, p: spread(image, s - 1, k - 1), "the padding is forgotten"),
    (lambda image, k, s, p: spread(image, s - 1, k - 1 + p), "the padding makes the edge wider"),
    (lambda image, k, s, p: spread(image, s - 1, k - p), "a zero too many on each side"),
    (
        lambda image, k, s, p: np.pad(image.repeat(s, axis=0).repeat(s, axis=1), k - 1 - p),
        "the pixels are repeated",
    ),
    (lambda image, k, s, p: spread(image, s - 1, k - 1 - p).T, "rows and columns are swapped"),
    (lambda image, k, s, p: 0 * spread(image, s - 1, k - 1 - p), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_SPREAD, ids=diagnosis_only)
def test_spread_out_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("spread-out", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_what_is_spread_out_makes_an_ordinary_convolution_of_the_layer():
    random = np.random.default_rng(0)
    for k, s, p in [(3, 2, 1), (4, 3, 0), (5, 1, 2), (2, 4, 1)]:
        image, kernel = random.normal(size=(3, 4)), random.normal(size=(k, k))
        z = exercises.checker.EXERCISES["spread-out"].reference(image, k, s, p)
        ordinary = convlib.correlate2d(z, kernel[::-1, ::-1], mode="valid")
        np.testing.assert_allclose(ordinary, by_copies(image, kernel, s, p), atol=1e-12)


@pytest.mark.parametrize("name", ["conv-transpose", "output-padding", "spread-out"])
def test_an_unsolved_stub_is_not_tried_yet(name):
    def stub(*case): ...

    assert repr(exercises.check(name, stub)) == f"{name}: not tried yet"

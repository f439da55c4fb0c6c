"""The checkers of chapter 1 accept every way to a right answer and name the mistakes that readers make.

Right and wrong answers are written here once more, the way readers write them.
"""

import numpy as np
import pytest
import scipy.linalg
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view

import convlib
from convlib import exercises

FULL, LOCAL = "fully connected", "locally connected"


def is_right(name, answer):
    verdict = exercises.check(name, answer)
    assert verdict, verdict
    assert repr(verdict) == f"{name}: right - 12 cases agree with the definition"


def is_named(name, answer, diagnosis):
    verdict = exercises.check(name, answer)
    assert not verdict
    assert diagnosis in str(verdict), verdict


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


# --- counting -----------------------------------------------------------------------------------------------


def counter(full, local, convolution):
    """What a reader writes: one formula for each kind, of c, h, w, o, k and the positions p."""

    def answer(kind, c, h, w, o, k):
        formula = {FULL: full, LOCAL: local}.get(kind, convolution)
        return formula(c, h, w, o, k, (h - k + 1) * (w - k + 1))

    return answer


def right_full(c, h, w, o, k, p):
    return c * h * w * o * p + o * p


def right_local(c, h, w, o, k, p):
    return c * k * k * o * p + o * p


def right_convolution(c, h, w, o, k, p):
    return c * k * k * o + o


def count_with_convlib(kind, c, h, w, o, k):
    positions = int(np.prod(convlib.conv_output_size((h, w), k)))
    if kind == FULL:
        return convlib.conv_parameters(c, o * positions, (h, w))
    return convlib.conv_parameters(c, o, (k, k)) * (positions if kind == LOCAL else 1)


def count_with_torch(kind, c, h, w, o, k):
    positions = (h - k + 1) * (w - k + 1)
    if kind == FULL:
        layer = torch.nn.Linear(c * h * w, o * positions, device="meta")
    else:
        layer = torch.nn.Conv2d(c, o, k, device="meta")
    copies = positions if kind == LOCAL else 1
    return torch.tensor(copies * sum(p.numel() for p in layer.parameters()))


RIGHT_COUNT = {
    "formulas": counter(right_full, right_local, right_convolution),
    "convlib": count_with_convlib,
    "torch": count_with_torch,
    "as a float": lambda *case: float(count_with_convlib(*case)),
    "in a list": lambda *case: np.array(count_with_convlib(*case)),
}


@pytest.mark.parametrize("answer", RIGHT_COUNT.values(), ids=RIGHT_COUNT)
def test_counting_accepts_every_way(answer):
    is_right("layer-parameters", answer)


def with_wrong(**wrong):
    right = {"full": right_full, "local": right_local, "convolution": right_convolution}
    return counter(*(right | wrong).values())


WRONG_COUNT = [
    (
        counter(
            lambda c, h, w, o, k, p: c * h * w * o * p,
            lambda c, h, w, o, k, p: c * k * k * o * p,
            lambda c, h, w, o, k, p: c * k * k * o,
        ),
        "the biases are forgotten",
    ),
    (
        with_wrong(convolution=lambda c, h, w, o, k, p: o * c * k * k + o * p),
        "a bias for each output map, not for each position",
    ),
    (
        with_wrong(convolution=lambda c, h, w, o, k, p: o * c * (k * k + 1)),
        "an input channel has none of its own",
    ),
    (with_wrong(convolution=lambda c, h, w, o, k, p: o * c * k * k + 1), "not only one for all"),
    (with_wrong(convolution=lambda c, h, w, o, k, p: o * (k**2 + 1)), "a slice for each input channel"),
    (with_wrong(convolution=lambda c, h, w, o, k, p: c * k**2 + 1), "a kernel for each output map"),
    (
        with_wrong(
            full=lambda c, h, w, o, k, p: c * h * w * o * p + o,
            local=lambda c, h, w, o, k, p: c * k * k * o * p + o,
        ),
        "each output number has a bias of its own",
    ),
    (
        counter(
            lambda c, h, w, o, k, p: c * h * w * o * p + 1,
            lambda c, h, w, o, k, p: c * k * k * o * p + 1,
            lambda c, h, w, o, k, p: c * k * k * o + 1,
        ),
        "each layer is given one bias in all",
    ),
    (with_wrong(convolution=right_local), "the number of positions does not occur"),
    (with_wrong(local=right_convolution), "a kernel for each position"),
    (with_wrong(local=right_full), "an output sees its window"),
    (with_wrong(full=lambda c, h, w, o, k, p: o * (c * h * w + 1)), "positions times o outputs"),
    (
        with_wrong(
            full=lambda c, h, w, o, k, p: (c * h * w + 1) * o * h * w,
            local=lambda c, h, w, o, k, p: (c * k * k + 1) * o * h * w,
        ),
        "not h and w",
    ),
    (
        with_wrong(
            full=lambda c, h, w, o, k, p: (c * h * w + 1) * o * (h - k) * (w - k),
            local=lambda c, h, w, o, k, p: (c * k * k + 1) * o * (h - k) * (w - k),
        ),
        "the last position is missing",
    ),
    (lambda kind, c, h, w, o, k: 0, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_COUNT, ids=diagnosis_only)
def test_counting_names_the_mistake(answer, diagnosis):
    is_named("layer-parameters", answer, diagnosis)


# --- the locally connected layer ----------------------------------------------------------------------------


def local_slices(image, kernels):
    height, width, kh, kw = kernels.shape
    return [
        [(image[i : i + kh, j : j + kw] * kernels[i, j]).sum() for j in range(width)] for i in range(height)
    ]


def local_loops(image, kernels, kernel_at=lambda kernels, i, j, u, v: kernels[i, j, u, v]):
    height, width, kh, kw = kernels.shape
    output = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            for u in range(kh):
                for v in range(kw):
                    output[i, j] += image[i + u, j + v] * kernel_at(kernels, i, j, u, v)
    return output


def local_taps(image, kernels):
    height, width, kh, kw = kernels.shape
    output = np.zeros((height, width))
    for u in range(kh):
        for v in range(kw):
            output += kernels[:, :, u, v] * image[u : u + height, v : v + width]
    return output


def local_torch(image, kernels):
    height, width, kh, kw = kernels.shape
    image, kernels = torch.tensor(image).double(), torch.tensor(kernels).double()
    columns = F.unfold(image[None, None], (kh, kw))[0]
    return (kernels.reshape(height * width, kh * kw).T * columns).sum(0).reshape(height, width)


def local_matrix(image, kernels):
    height, width, kh, kw = kernels.shape
    matrix = np.zeros((height, width, *image.shape))
    for i, j in np.ndindex(height, width):
        matrix[i, j, i : i + kh, j : j + kw] = kernels[i, j]
    return np.tensordot(matrix, image, axes=2)


def local_einsum(letters):
    return lambda image, kernels: np.einsum(letters, sliding_window_view(image, kernels.shape[2:]), kernels)


RIGHT_LOCAL = {
    "slices": local_slices,
    "loops": local_loops,
    "shifted images": local_taps,
    "einsum": local_einsum("ijuv,ijuv->ij"),
    "torch": local_torch,
    "one large matrix": local_matrix,
    "float32": lambda image, kernels: local_loops(image, kernels).astype(np.float32),
}


@pytest.mark.parametrize("answer", RIGHT_LOCAL.values(), ids=RIGHT_LOCAL)
def test_the_locally_connected_layer_accepts_every_way(answer):
    is_right("locally-connected", answer)


def reading(kernel_at):
    return lambda image, kernels: local_loops(image, kernels, kernel_at)


def overwritten(image, kernels):
    output = np.zeros(kernels.shape[:2])
    for i, j, u, v in np.ndindex(kernels.shape):
        output[i, j] = image[i + u, j + v] * kernels[i, j, u, v]
    return output


def not_moving(image, kernels):
    output = np.zeros(kernels.shape[:2])
    for i, j, u, v in np.ndindex(kernels.shape):
        output[i, j] += image[u, v] * kernels[i, j, u, v]
    return output


def moving_by_whole_windows(image, kernels):
    output, (kh, kw) = np.zeros(kernels.shape[:2]), kernels.shape[2:]
    for i, j, u, v in np.ndindex(kernels.shape):
        row, column = i * kh + u, j * kw + v
        if row < image.shape[0] and column < image.shape[1]:
            output[i, j] += image[row, column] * kernels[i, j, u, v]
    return output


WRONG_LOCAL = [
    (reading(lambda kernels, i, j, u, v: kernels[0, 0, u, v]), "the first kernel is used everywhere"),
    (
        lambda image, kernels: convlib.correlate2d(image * 1.0, kernels.mean((0, 1)) * 1.0, mode="valid"),
        "the mean of the kernels",
    ),
    (local_einsum("ijuv,abuv->ij"), "the sum of the kernels is used everywhere"),
    (not_moving, "every kernel meets the first window"),
    (reading(lambda kernels, i, j, u, v: kernels[j, i, u, v]), "the kernel of position (j, i)"),
    (reading(lambda kernels, i, j, u, v: kernels[i, j, v, u]), "the kernels are transposed"),
    (reading(lambda kernels, i, j, u, v: kernels[i, j, -1 - u, -1 - v]), "the kernels are flipped"),
    (reading(lambda kernels, i, j, u, v: kernels[-1 - i, -1 - j, u, v]), "the kernels are in reverse order"),
    (
        lambda image, kernels: local_loops(image, kernels) / kernels[0, 0].size,
        "it is the mean of the products",
    ),
    (overwritten, "is it = where += is meant?"),
    (moving_by_whole_windows, "the windows lie side by side"),
    (local_einsum("ijuv,ijuv->ijuv"), "the products are kept apart"),
    (lambda image, kernels: np.zeros(kernels.shape[:2]), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_LOCAL, ids=diagnosis_only)
def test_the_locally_connected_layer_names_the_mistake(answer, diagnosis):
    is_named("locally-connected", answer, diagnosis)


# --- the gradient of what is shared -------------------------------------------------------------------------


def fold_loops(gradient):
    outputs, pixels = gradient.shape
    taps = [0.0] * (pixels - outputs + 1)
    for u in range(len(taps)):
        for i in range(outputs):
            taps[u] += gradient[i, i + u]
    return taps


def fold_trace(gradient):
    outputs, pixels = gradient.shape
    taps = pixels - outputs + 1
    return np.array([np.trace(gradient[:, u : u + outputs]) for u in range(taps)])


def fold_masks(gradient):
    rows, columns = np.indices(gradient.shape)
    taps = gradient.shape[1] - gradient.shape[0] + 1
    return [gradient[columns - rows == u].sum() for u in range(taps)]


def fold_autograd(gradient):
    """The matrix as a function of the kernel, and the chain rule left to torch."""
    outputs, pixels = gradient.shape
    kernel = torch.zeros(pixels - outputs + 1, dtype=torch.double, requires_grad=True)
    rows = [F.pad(kernel, (i, pixels - len(kernel) - i)) for i in range(outputs)]
    torch.stack(rows).backward(torch.tensor(gradient).double())
    return kernel.grad


def fold_by_toeplitz(gradient):
    """The inner product with the matrix that has ones for one tap."""
    outputs, pixels = gradient.shape
    answer = []
    for u in range(pixels - outputs + 1):
        row, column = np.zeros(pixels), np.zeros(outputs)
        row[u] = 1
        column[0] = row[0]
        answer.append((scipy.linalg.toeplitz(column, row) * gradient).sum())
    return np.array(answer)


RIGHT_FOLD = {
    "loops": fold_loops,
    "trace": fold_trace,
    "masks": fold_masks,
    "autograd": fold_autograd,
    "Toeplitz matrices": fold_by_toeplitz,
    "float32": lambda gradient: np.float32(fold_trace(gradient)),
}


@pytest.mark.parametrize("answer", RIGHT_FOLD.values(), ids=RIGHT_FOLD)
def test_the_shared_gradient_accepts_every_way(answer):
    is_right("shared-gradient", answer)


def taps_of(gradient):
    return gradient.shape[1] - gradient.shape[0] + 1


def fold_overwritten(gradient):
    kernel = np.zeros(taps_of(gradient))
    for i in range(gradient.shape[0]):
        for u in range(len(kernel)):
            kernel[u] = gradient[i, i + u]
    return kernel


def fold_upwards(gradient):
    outputs = gradient.shape[0]
    kernel = np.zeros(taps_of(gradient))
    for i in range(outputs):
        for u in range(len(kernel)):
            kernel[u] += gradient[i, u + outputs - 1 - i]
    return kernel


def fold_too_short(gradient):
    outputs, pixels = gradient.shape
    return np.array([np.trace(gradient[:, u : u + outputs]) for u in range(pixels - outputs)])


WRONG_FOLD = [
    (lambda g: np.array(fold_loops(g)) / g.shape[0], "it is the mean along each diagonal"),
    (lambda g: g[0, : taps_of(g)], "only the first output counts"),
    (fold_overwritten, "only the last output counts"),
    (lambda g: g.sum(axis=0)[: taps_of(g)], "columns are added; a tap stands on a diagonal"),
    (lambda g: g.sum(axis=0), "fewer taps than pixels"),
    (lambda g: [np.diagonal(g, u).sum() for u in range(g.shape[1])], "the diagonals outside of the band"),
    (lambda g: fold_loops(g)[::-1], "the taps are in reverse order"),
    (fold_upwards, "the diagonals run the wrong way"),
    (fold_too_short, "the last tap is missing"),
    (lambda g: np.zeros(taps_of(g)), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_FOLD, ids=diagnosis_only)
def test_the_shared_gradient_names_the_mistake(answer, diagnosis):
    is_named("shared-gradient", answer, diagnosis)


def test_a_mean_is_shown_on_numbers_small_enough_to_check():
    verdict = exercises.check("shared-gradient", lambda g: fold_trace(g) / len(g))
    # 1 + 20 = 21 and 2 + 30 = 32 are right
    assert repr(verdict) == (
        "shared-gradient: not yet - it is the mean along each diagonal; the copies' gradients are added up\n"
        "  for matrix_gradient [[1, 2, 3], [10, 20, 30]]: expected [21, 32], got [10.5, 16]"
    )

"""The checkers accept what is right and name what is wrong; the questions keep their answers to themselves.

The right and wrong answers are written here once more, the way readers write them: the mistakes that a
checker makes for itself would prove nothing about it.
"""

import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import scipy.signal
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import as_strided, sliding_window_view

import convlib
from convlib import exercises, oracles
from convlib.exercises import checker
from convlib.exercises.checker import EXERCISES, Mistake

EVERY_MISTAKE = [
    pytest.param(name, mistake, id=f"{name}: {mistake.diagnosis}")
    for name, exercise in EXERCISES.items()
    for mistake in exercise.mistakes
]


# --- every exercise, those of later chapters too ------------------------------------------------------------


@pytest.mark.parametrize("name", exercises.names())
def test_the_definition_is_right(name):
    cases = EXERCISES[name].cases
    verdict = exercises.check(name, EXERCISES[name].reference)
    assert verdict
    assert repr(verdict) == f"{name}: right - {len(cases)} cases agree with the definition"


@pytest.mark.parametrize("name, mistake", EVERY_MISTAKE)
def test_every_mistake_is_refused_and_told_from_all_others(name, mistake):
    verdict = exercises.check(name, mistake.answer)
    assert not verdict
    assert mistake.diagnosis in str(verdict)
    assert len(str(verdict).splitlines()) <= 2


@pytest.mark.parametrize("name, mistake", [one for one in EVERY_MISTAKE if one.values[1].shape_is_enough])
def test_a_mistake_that_shows_in_the_shape_is_named_whatever_the_numbers(name, mistake):
    verdict = exercises.check(name, lambda *case: 0 * mistake.answer(*case) + 7)
    assert re.search(r"expected shape \(.*\), got \(.*\): " + re.escape(mistake.diagnosis), str(verdict))


@pytest.mark.parametrize("name", exercises.names())
def test_one_wrong_case_is_enough_to_be_refused(name):
    reference, cases = EXERCISES[name].reference, EXERCISES[name].cases
    for spoiled in range(len(cases)):
        calls = iter(range(len(cases)))
        verdict = exercises.check(name, lambda *case: reference(*case) + (next(calls) == spoiled))  # noqa: B023
        assert not verdict


@pytest.mark.parametrize("name", exercises.names())
@pytest.mark.parametrize(
    "wrong", [lambda x: 2 * x, lambda x: -x, lambda x: 0 * x, lambda x: x + 1e-3 * abs(x).max()]
)
def test_the_right_shape_is_not_enough(name, wrong):
    reference = EXERCISES[name].reference
    assert not exercises.check(name, lambda *case: wrong(reference(*case)))


@pytest.mark.parametrize("name", exercises.names())
def test_a_verdict_is_the_same_every_time(name):
    reference = EXERCISES[name].reference
    for answer in (reference, lambda *case: reference(*case) + 1, lambda *case: object().missing):
        assert repr(exercises.check(name, answer)) == repr(exercises.check(name, answer))


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


# --- correlate ----------------------------------------------------------------------------------------------


def correlate_loops(image, kernel):
    height, width = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    output = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            for u in range(kernel.shape[0]):
                for v in range(kernel.shape[1]):
                    output[i, j] += kernel[u, v] * image[i + u, j + v]
    return output


def correlate_windows(image, kernel):
    (height, width), (kh, kw) = image.shape, kernel.shape
    rows = range(height - kh + 1)
    columns = range(width - kw + 1)
    return [[(image[i : i + kh, j : j + kw] * kernel).sum() for j in columns] for i in rows]


def correlate_taps(image, kernel):
    (height, width), (kh, kw) = image.shape, kernel.shape
    shifted = [
        kernel[u, v] * image[u : height - kh + 1 + u, v : width - kw + 1 + v]
        for u in range(kh)
        for v in range(kw)
    ]
    return sum(shifted)


def correlate_strides(image, kernel):
    (height, width), (kh, kw) = image.shape, kernel.shape
    windows = as_strided(image, (height - kh + 1, width - kw + 1, kh, kw), image.strides * 2)
    return np.tensordot(windows, kernel, axes=2)


def correlate_fft(image, kernel):
    turned = np.fft.fft2(kernel[::-1, ::-1], image.shape)
    circular = np.fft.ifft2(np.fft.fft2(image) * turned).real
    return circular[kernel.shape[0] - 1 :, kernel.shape[1] - 1 :]


def correlate_torch(image, kernel):
    return F.conv2d(torch.from_numpy(image)[None, None], torch.from_numpy(kernel)[None, None])[0, 0]


RIGHT_CORRELATE = {
    "loops": correlate_loops,
    "nested lists": correlate_windows,
    "shifted images": correlate_taps,
    "einsum": lambda image, kernel: np.einsum(
        "ijuv,uv->ij", sliding_window_view(image, kernel.shape), kernel
    ),
    "strides": correlate_strides,
    "Fourier": correlate_fft,
    "SciPy": lambda image, kernel: scipy.signal.correlate2d(image, kernel, mode="valid"),
    "SciPy, flipped twice": lambda image, kernel: scipy.signal.convolve2d(
        image, kernel[::-1, ::-1], mode="valid"
    ),
    "convlib": lambda image, kernel: convlib.correlate2d(image, kernel, mode="valid"),
    "torch": correlate_torch,
    "torch with gradients": lambda image, kernel: (
        correlate_torch(image, kernel.astype(float)).requires_grad_()
        if image.dtype == float
        else correlate_torch(image, kernel)
    ),
    "float32": lambda image, kernel: correlate_loops(image, kernel).astype(np.float32),
    "dtype of the image": lambda image, kernel: correlate_loops(image, kernel).astype(image.dtype),
    "other argument names": lambda x, k: correlate_loops(x, k),
}


@pytest.mark.parametrize("answer", RIGHT_CORRELATE.values(), ids=RIGHT_CORRELATE)
def test_correlate_accepts_every_way_to_compute_it(answer):
    assert (
        repr(exercises.check("correlate", answer)) == "correlate: right - 14 cases agree with the definition"
    )


def correlate_reading(index):
    """The loops, reading the kernel at another place."""

    def answer(image, kernel):
        (kh, kw), (height, width) = kernel.shape, image.shape
        output = np.zeros((height - kh + 1, width - kw + 1))
        for i, j in np.ndindex(output.shape):
            for u in range(kh):
                for v in range(kw):
                    output[i, j] += kernel[index(u, v, kh, kw)] * image[i + u, j + v]
        return output

    return answer


def one_short(image, kernel):
    height, width = image.shape[0] - kernel.shape[0], image.shape[1] - kernel.shape[1]
    output = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            output[i, j] = np.vdot(image[i : i + kernel.shape[0], j : j + kernel.shape[1]], kernel)
    return output


def loops_one_short(image, kernel):
    (height, width), (kh, kw) = image.shape, kernel.shape
    output = np.zeros((height - kh + 1, width - kw + 1))
    for i in range(height - kh):
        for j in range(width - kw):
            output[i, j] = np.vdot(image[i : i + kh, j : j + kw], kernel)
    return output


def zeros_like_the_image(image, kernel):
    output = np.zeros(image.shape)
    inside = correlate_loops(image, kernel)
    output[: inside.shape[0], : inside.shape[1]] = inside
    return output


def swapped_sizes(image, kernel):
    width, height = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    output = np.zeros((height, width))
    for x in range(width):
        for y in range(height):
            output[y, x] = (image[x : x + kernel.shape[0], y : y + kernel.shape[1]] * kernel).sum()
    return output


def swapped_loops(image, kernel):
    output = np.zeros((image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1))
    for i in range(output.shape[1]):
        for j in range(output.shape[0]):
            window = image[i : i + kernel.shape[0], j : j + kernel.shape[1]]
            output[i, j] = (window * kernel).sum()
    return output


def overwritten(image, kernel):
    output = correlate_loops(image, kernel)
    for i, j in np.ndindex(output.shape):
        output[i, j] = kernel[-1, -1] * image[i + kernel.shape[0] - 1, j + kernel.shape[1] - 1]
    return output


def over_windows(reduce):
    return lambda image, kernel: reduce(sliding_window_view(image, kernel.shape) * kernel, axis=(2, 3))


WRONG_CORRELATE = [
    (
        lambda image, kernel: scipy.signal.convolve2d(image, kernel, mode="valid"),
        "the kernel is flipped: that is",
    ),
    (
        correlate_reading(lambda u, v, kh, kw: (kh - 1 - u, kw - 1 - v)),
        "the kernel is flipped: that is convolution",
    ),
    (correlate_reading(lambda u, v, kh, kw: (kh - 1 - u, v)), "the kernel is flipped upside down"),
    (correlate_reading(lambda u, v, kh, kw: (u, kw - 1 - v)), "the kernel is flipped left to right"),
    (correlate_reading(lambda u, v, kh, kw: (v, u)), "the kernel is transposed"),
    (lambda image, kernel: correlate_loops(image, np.transpose(kernel)), "the kernel is transposed"),
    (one_short, "the last window is missing"),
    (loops_one_short, "the last window is missing"),
    (lambda image, kernel: correlate_loops(image[:-1], kernel), "the last row of windows is missing"),
    (lambda image, kernel: correlate_loops(image[:, :-1], kernel), "the last column of windows is missing"),
    (lambda image, kernel: scipy.signal.correlate2d(image, kernel, mode="same"), "`same`"),
    (zeros_like_the_image, "`same`"),
    (lambda image, kernel: scipy.signal.correlate2d(image, kernel), "`full`"),
    (lambda image, kernel: scipy.signal.convolve2d(image, kernel), "`full`"),
    (lambda image, kernel: np.zeros_like(correlate_loops(image, kernel)), "every number is zero"),
    (over_windows(np.mean), "it is the mean of the products"),
    (over_windows(np.max), "it is the largest product"),
    (swapped_sizes, "height and width are swapped"),
    (swapped_loops, "height and width are swapped somewhere"),
    (overwritten, "only the last product counts"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_CORRELATE, ids=diagnosis_only)
def test_correlate_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("correlate", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_flipped_kernel_is_shown_on_numbers_small_enough_to_check():
    verdict = exercises.check("correlate", lambda image, kernel: correlate_loops(image, kernel[::-1, ::-1]))
    # 1*1 + 2*10 = 21 is right, 1*10 + 2*1 = 12 is flipped
    assert repr(verdict) == (
        "correlate: not yet - the kernel is flipped: that is convolution\n"
        "  for image [[1, 2, 3], [4, 5, 6]] and kernel [[1, 10]]:"
        " expected [[21, 32], [54, 65]], got [[12, 23], [45, 56]]"
    )


# --- channels -----------------------------------------------------------------------------------------------


def windows_of(image, weight):
    return sliding_window_view(image, weight.shape[2:], axis=(1, 2))  # (C, H', W', kh, kw)


def sum_of(letters, bias=lambda b: b[:, None, None]):
    return lambda x, w, b: np.einsum(letters, windows_of(x, w), w) + bias(b)


RIGHT = "chwuv,ocuv->ohw"


def conv_loops(image, weight, bias):
    outputs, channels, kh, kw = weight.shape
    output = np.zeros((outputs, image.shape[1] - kh + 1, image.shape[2] - kw + 1))
    for o, i, j in np.ndindex(output.shape):
        output[o, i, j] = bias[o]
        for c in range(channels):
            output[o, i, j] += correlate_loops(image[c, i : i + kh, j : j + kw], weight[o, c])[0, 0]
    return output


def conv_fft(image, weight, bias):
    maps = [sum(map(correlate_fft, image, kernel)) + b for kernel, b in zip(weight, bias, strict=True)]
    return np.array(maps)


def conv_im2col(image, weight, bias):
    windows = windows_of(image, weight)
    channels, height, width, kh, kw = windows.shape
    columns = windows.transpose(0, 3, 4, 1, 2).reshape(channels * kh * kw, height * width)
    return (weight.reshape(len(weight), -1) @ columns + bias[:, None]).reshape(-1, height, width)


def conv_scipy(image, weight, bias):
    return [
        scipy.signal.correlate(image, kernel, mode="valid", method="direct")[0] + b
        for kernel, b in zip(weight, bias, strict=True)
    ]


RIGHT_CHANNELS = {
    "loops": conv_loops,
    "einsum": sum_of(RIGHT),
    "Fourier": conv_fft,
    "im2col": conv_im2col,
    "SciPy": conv_scipy,
    "convlib": lambda image, weight, bias: convlib.conv2d(image, weight, bias),
    "torch": lambda *arrays: F.conv2d(*map(torch.from_numpy, arrays)),
    "float32": lambda *arrays: conv_loops(*arrays).astype(np.float32),
}


@pytest.mark.parametrize("answer", RIGHT_CHANNELS.values(), ids=RIGHT_CHANNELS)
def test_channels_accepts_every_way_to_compute_it(answer):
    assert repr(exercises.check("channels", answer)) == "channels: right - 12 cases agree with the definition"


def bias_in_the_channel_loop(image, weight, bias):
    output = []
    for kernels, b in zip(weight, bias, strict=True):
        output.append(
            sum(correlate_loops(plane, kernel) + b for plane, kernel in zip(image, kernels, strict=True))
        )
    return np.array(output)


def bias_in_the_tap_loop(image, weight, bias):
    output = np.zeros(
        (len(weight), image.shape[1] - weight.shape[2] + 1, image.shape[2] - weight.shape[3] + 1)
    )
    for o, i, j in np.ndindex(output.shape):
        for c, u, v in np.ndindex(weight.shape[1:]):
            output[o, i, j] += weight[o, c, u, v] * image[c, i + u, j + v] + bias[o]
    return output


def depthwise(image, weight, bias):
    def planes(kernels):
        return [correlate_loops(plane, kernel) for plane, kernel in zip(image, kernels, strict=True)]

    return np.array([planes(kernels) for kernels in weight]) + bias[:, None, None, None]


def assigned(image, weight, bias):
    output = np.zeros(
        (len(weight), image.shape[1] - weight.shape[2] + 1, image.shape[2] - weight.shape[3] + 1)
    )
    for o in range(len(weight)):
        for c in range(len(image)):
            output[o] = correlate_loops(image[c], weight[o, c])
        output[o] += bias[o]
    return output


def weight_read_as_input_output(image, weight, bias):
    output = np.zeros(
        (len(weight), image.shape[1] - weight.shape[2] + 1, image.shape[2] - weight.shape[3] + 1)
    )
    for o in range(len(weight)):
        for c in range(len(image)):
            output[o] += correlate_loops(image[c], weight[c, o])
        output[o] += bias[o]
    return output


WRONG_CHANNELS = [
    (sum_of(RIGHT, bias=lambda b: 0), "the bias is forgotten"),
    (bias_in_the_channel_loop, "the bias is added once for every input channel"),
    (bias_in_the_tap_loop, "the bias is added once for every product"),
    (sum_of(RIGHT, bias=lambda b: b), "the bias is added along the width"),
    (depthwise, "the input channels are kept apart"),
    (lambda x, w, b: conv_loops(x, w[:, :1], b), "only the first input channel counts"),
    (assigned, "only the last input channel counts"),
    (
        lambda x, w, b: (
            (windows_of(x, w) * w[:, :, None, None]).sum(axis=(4, 5)).mean(axis=1) + b[:, None, None]
        ),
        "the mean",
    ),
    (lambda x, w, b: conv_loops(x, np.flip(w, (2, 3)), b), "the kernels are flipped"),
    (lambda x, w, b: conv_loops(x, w[:, ::-1], b), "the input channels are in reverse order"),
    (weight_read_as_input_output, "the first two axes of weight are swapped"),
    (lambda x, w, b: np.zeros_like(conv_loops(x, w, b)), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_CHANNELS, ids=diagnosis_only)
def test_channels_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("channels", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- weight gradient ----------------------------------------------------------------------------------------


def gradient_loops(images, grad_output):
    (_, channels, height, width), (_, outputs, oh, ow) = images.shape, grad_output.shape
    gradient = np.zeros((outputs, channels, height - oh + 1, width - ow + 1))
    for n, o, i, j in np.ndindex(grad_output.shape):
        for c, u, v in np.ndindex(gradient.shape[1:]):
            gradient[o, c, u, v] += images[n, c, i + u, j + v] * grad_output[n, o, i, j]
    return gradient


def gradient_einsum(letters):
    return lambda x, g: np.einsum(letters, sliding_window_view(x, g.shape[2:], axis=(2, 3)), g)


def gradient_autograd(images, grad_output):
    x, g = torch.from_numpy(images).double(), torch.from_numpy(grad_output).double()
    kernel = [size - positions + 1 for size, positions in zip(x.shape[2:], g.shape[2:], strict=True)]
    weight = torch.zeros(g.shape[1], x.shape[1], *kernel, dtype=torch.double, requires_grad=True)
    F.conv2d(x, weight).backward(g)
    return weight.grad


def gradient_differences(images, grad_output):
    images, grad_output = images.astype(float), grad_output.astype(float)
    kernel = [images.shape[a] - grad_output.shape[a] + 1 for a in (2, 3)]
    weight = np.zeros((grad_output.shape[1], images.shape[1], *kernel))
    windows = sliding_window_view(images, kernel, axis=(2, 3))

    def loss(weight):
        return np.einsum("ncijuv,ocuv,noij->", windows, weight, grad_output)

    return oracles.finite_difference(loss, weight, step=1.0)  # linear: a large step misses no curve


def gradient_fft(images, grad_output):
    return sum(
        np.array([[correlate_fft(plane, wanted) for plane in image] for wanted in gradient])
        for image, gradient in zip(images, grad_output, strict=True)
    )


RIGHT_GRADIENT = {
    "loops": gradient_loops,
    "einsum": gradient_einsum("ncuvij,noij->ocuv"),
    "Fourier": gradient_fft,
    "autograd": gradient_autograd,
    "finite differences": gradient_differences,
    "convlib": lambda x, g: convlib.conv2d_weight(x, gradient_loops(x, g).shape, g),
    "convolution with batch and channels exchanged": lambda x, g: convlib.conv2d(
        x.swapaxes(0, 1), g.swapaxes(0, 1)
    ).swapaxes(0, 1),
    "float32": lambda x, g: gradient_loops(x, g).astype(np.float32),
}


@pytest.mark.parametrize("answer", RIGHT_GRADIENT.values(), ids=RIGHT_GRADIENT)
def test_weight_gradient_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("weight-gradient", answer)
    assert repr(verdict) == "weight-gradient: right - 12 cases agree with the definition"


def gradient_of_the_images(images, grad_output):
    weight = np.ones((grad_output.shape[1], images.shape[1], *gradient_loops(images, grad_output).shape[2:]))
    return convlib.conv2d_input(images.shape, weight.astype(images.dtype), grad_output)


WRONG_GRADIENT = [
    (lambda x, g: gradient_loops(x, g) / x.shape[0], "it is the mean over the images"),
    (lambda x, g: gradient_loops(x[0:1], g[0:1]), "only the first image counts"),
    (lambda x, g: gradient_loops(x[-1:], g[-1:]), "only the last image counts"),
    (gradient_einsum("ncuvij,noij->nocuv"), "the images are kept apart"),
    (
        lambda x, g: gradient_loops(x, g) / (g.shape[2] * g.shape[3]),
        "divided by the number of output positions",
    ),
    (lambda x, g: np.flip(gradient_loops(x, g), (2, 3)), "it is flipped"),
    (gradient_einsum("ncuvij,noij->couv"), "input and output channels are swapped"),
    (lambda x, g: gradient_loops(x, np.ones(g.shape)), "grad_output is ignored"),
    (gradient_of_the_images, "the gradient with respect to the images"),
    (lambda x, g: np.zeros_like(gradient_loops(x, g)), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_GRADIENT, ids=diagnosis_only)
def test_weight_gradient_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("weight-gradient", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- answers that are no answers ----------------------------------------------------------------------------


def unfinished(image, kernel):
    raise NotImplementedError


def only_documented(image, kernel):
    """The body is still to come."""


@pytest.mark.parametrize("answer", [None, ..., unfinished, only_documented, lambda image, kernel: ...])
def test_an_unsolved_stub_is_not_tried_yet(answer):
    verdict = exercises.check("correlate", answer)
    assert not verdict
    assert repr(verdict) == "correlate: not tried yet"


def test_an_answer_that_returns_nothing_in_some_cases_has_been_tried():
    def answer(image, kernel):
        if kernel.shape != (1, 2):
            return correlate_loops(image, kernel)

    assert repr(exercises.check("correlate", answer)) == (
        "correlate: not yet - it returns nothing\n  for image [[1, 2, 3], [4, 5, 6]] and kernel [[1, 10]]"
    )


def crashes(image, kernel):
    return image[10, 0]


def exits(image, kernel):
    sys.exit("enough")


def recurses(image, kernel):
    return recurses(image, kernel)


def asks_an_object(image, kernel):
    return {}[object()]


def says_nothing(image, kernel):
    raise RuntimeError


@pytest.mark.parametrize(
    "answer, report",
    [
        (crashes, "IndexError: index 10 is out of bounds for axis 0 with size 2, at `return image[10, 0]`"),
        (exits, 'SystemExit: enough, at `sys.exit("enough")`'),
        (recurses, "RecursionError: maximum recursion depth exceeded, at `return recurses(image, kernel)`"),
        (asks_an_object, "KeyError: <object object>, at `return {}[object()]`"),
        (says_nothing, "RuntimeError, at `raise RuntimeError`"),
        (
            lambda image: image,
            "TypeError: test_exercises.<lambda>() takes 1 positional argument but 2 were given",
        ),
        (np.linalg.inv, "TypeError: inv() takes 1 positional argument but 2 were given"),
    ],
)
def test_a_crash_is_reported_with_its_case(answer, report):
    verdict = exercises.check("correlate", answer)
    assert not verdict
    headline, case = str(verdict).splitlines()
    assert headline == f"correlate: not yet - {report.replace('test_exercises.', '')}"
    assert case == "  for image [[1, 2, 3], [4, 5, 6]] and kernel [[1, 10]]"


def test_the_case_that_failed_can_be_taken_apart():
    case = exercises.check("correlate", crashes).case
    assert case["kernel"].tolist() == [[1, 10]]
    case["kernel"][:] = 0  # what the reader does to it is nobody else's business
    assert exercises.check("correlate", crashes).case["kernel"].tolist() == [[1, 10]]


def test_stopping_the_kernel_stops_the_check():
    def interrupted(image, kernel):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exercises.check("correlate", interrupted)


def endless():
    while True:
        yield 1


itself = []
itself.append(itself)


class Hostile:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "result, kind",
    [
        (endless(), "generator"),
        (itself, "list"),
        ([[1, 2], [3]], "list"),
        ("[[21, 32]]", "str"),
        ({"a": 1}, "dict"),
        (object(), "object"),
        (Hostile(), "Hostile"),
        (np.array([[None]]), "ndarray"),
        (torch.ones(2, 2, dtype=torch.bfloat16), "Tensor"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused_by_its_kind(result, kind):
    verdict = exercises.check("correlate", lambda image, kernel: result)
    headline = str(verdict).splitlines()[0]
    assert headline == f"correlate: not yet - the result is no array of numbers (got {kind})"


def test_a_result_in_place_of_the_function_is_pointed_out():
    verdict = exercises.check("correlate", np.ones((2, 2)))
    assert repr(verdict) == "correlate: not yet - pass the function itself, not its result (got ndarray)"


def test_an_unknown_exercise_is_answered_with_those_there_are():
    with pytest.raises(
        ValueError, match=r"no exercise named 'cross'; there are .*correlate, channels, weight-gradient"
    ):
        exercises.check("cross", None)


# --- what an answer does to its arguments -------------------------------------------------------------------


def spoils_the_image(image, kernel):
    output = correlate_loops(image, kernel)
    image[:] = 0
    return output


def spoils_the_kernel_and_crashes(image, kernel):
    kernel *= 2
    raise RuntimeError("after the damage")


def test_changing_the_input_is_reported_although_the_numbers_are_right():
    verdict = exercises.check("correlate", spoils_the_image)
    assert not verdict
    assert str(verdict).startswith(
        "correlate: not yet - it changes its input: work on a copy\n  for image [[1, 2, 3]"
    )


@pytest.mark.parametrize("answer", [spoils_the_image, spoils_the_kernel_and_crashes])
def test_an_answer_cannot_spoil_the_cases(answer):
    before = [[array.copy() for array in case] for case in EXERCISES["correlate"].cases]
    exercises.check("correlate", answer)
    for case, kept in zip(EXERCISES["correlate"].cases, before, strict=True):
        assert all(map(np.array_equal, case, kept))
    assert exercises.check("correlate", correlate_loops)


def test_an_answer_may_reuse_its_own_array():
    scratch = np.zeros((20, 20))

    def answer(image, kernel):
        right = correlate_loops(image, kernel)
        output = scratch[: right.shape[0], : right.shape[1]]
        output[:] = right
        return output

    assert exercises.check("correlate", answer)


# --- how numbers are compared, on exercises made for it -----------------------------------------------------


@pytest.fixture
def declare(monkeypatch):
    monkeypatch.setattr(checker, "EXERCISES", {})
    return checker.declare


THIRDS = np.array([1, 2, 4]) / 3


@pytest.mark.parametrize("answer", [THIRDS, list(THIRDS), THIRDS.astype(np.float32), THIRDS + 1e-14])
def test_an_exercise_may_ask_for_a_value(declare, answer):
    declare("thirds", lambda: THIRDS, [()], [])
    assert repr(exercises.check("thirds", answer)) == "thirds: right"


@pytest.mark.parametrize(
    "answer, text",
    [
        (THIRDS[:2], "expected shape (3,), got (2,)"),
        (THIRDS[::-1], "backwards\n  expected [0.3333, 0.6667, 1.333], got [1.333, 0.6667, 0.3333]"),
        ([1, 2, 3], "the numbers differ\n  expected [0.3333, 0.6667, 1.333], got [1, 2, 3]"),
        ([0, 0, 1], "the fractions are cut off: make the output a floating-point array"),
        (
            THIRDS * [1, 1, np.nan],
            "there are NaNs in it\n  expected [0.3333, 0.6667, 1.333], got [0.3333, 0.6667, nan]",
        ),
        (
            THIRDS * [1, 1, np.inf],
            "the numbers differ\n  expected [0.3333, 0.6667, 1.333], got [0.3333, 0.6667, inf]",
        ),
        (THIRDS + 0j, "the result is complex: take its real part"),
        (THIRDS.astype(np.float16), "nearly right, but off by up to 0.0003: is it computed too coarsely?"),
        (THIRDS + 1e-6, "nearly right, but off by up to 1e-06: is it computed too coarsely?"),
        ([0, 0, 0], "every number is zero"),
        ([-0.0, 0, 0], "every number is zero\n  expected [0.3333, 0.6667, 1.333], got [0, 0, 0]"),
    ],
)
def test_a_wrong_value_is_described(declare, answer, text):
    declare("thirds", lambda: THIRDS, [()], [Mistake("backwards", lambda: THIRDS[::-1])])
    verdict = exercises.check("thirds", answer)
    assert not verdict
    assert str(verdict).startswith(f"thirds: not yet - {text}")


def test_nothing_is_zero_where_the_right_numbers_are_tiny(declare):
    declare("tiny", lambda: THIRDS * 1e-20, [()], [])
    assert exercises.check("tiny", THIRDS * 1e-20 * (1 + 1e-14))
    assert not exercises.check("tiny", np.array([1e-30, 0, 0]))


def test_a_right_answer_of_nothing_but_zeros_forgives_rounding(declare):
    declare("nothing", lambda size: np.zeros(size), [(2,)], [])
    assert exercises.check("nothing", lambda size: np.full(size, 1e-16))


def test_expected_nan_and_infinity_must_be_where_they_belong(declare):
    expected = np.array([np.nan, np.inf, 1.0])
    declare("special", lambda: expected, [()], [])
    assert exercises.check("special", expected)
    assert not exercises.check("special", [np.nan, -np.inf, 1])
    assert not exercises.check("special", [np.inf, np.nan, 1])
    assert not exercises.check("special", [np.nan, np.inf, 2])


def test_large_arrays_are_named_by_shape_and_by_the_first_wrong_place(declare):
    declare("double", lambda image: 2 * image, [(np.arange(20.0).reshape(4, 5),)], [])
    wrong_at_seven = np.where(np.arange(20) == 7, 100.0, 0).reshape(4, 5)
    assert str(exercises.check("double", lambda image: 2 * image + wrong_at_seven)) == (
        "double: not yet - the numbers differ\n  for image of shape (4, 5): expected 14 at [1, 2], got 114"
    )


def test_a_mistake_is_named_only_when_it_explains_every_case(declare):
    mistakes = [Mistake("it is squared", lambda x: x**2)]
    declare("double", lambda x: 2 * x, [(np.array(2.0),), (np.array(3.0),), (np.array(5.0),)], mistakes)
    assert "it is squared" in str(exercises.check("double", lambda x: x**2))
    assert "it is squared" not in str(
        exercises.check("double", lambda x: 9.0 if x == 3 else x + 2)
    )  # 3**2 = 9
    assert "it is squared" not in str(exercises.check("double", lambda x: 25.0 if x == 5 else 9.0))


def test_a_crash_is_no_known_mistake_just_because_that_crashes_too(declare):
    def only_small(x):
        return 1 // 0 if x == 3 else 3 * x

    def never(x):
        return 1 // 0

    declare("double", lambda x: 2 * x, [(np.array(2.0),), (np.array(3.0),)], [Mistake("tripled", only_small)])
    assert "tripled" in str(exercises.check("double", only_small))
    for answer in (never, lambda x: 3 * x):
        verdict = exercises.check("double", answer)
        assert not verdict
        assert "tripled" not in str(verdict)


def test_two_shapes_that_fit_explain_nothing(declare):
    mistakes = [
        Mistake("reason one", lambda x: np.append(x, 1), shape_is_enough=True),
        Mistake("reason two", lambda x: np.append(x, 2), shape_is_enough=True),
    ]
    declare("same", lambda x: x, [(np.ones(3),)], mistakes)
    assert "expected shape (3,), got (4,): reason one" in str(
        exercises.check("same", lambda x: np.append(x, 1))
    )
    assert str(exercises.check("same", lambda x: np.append(x, 3))).splitlines()[0].endswith("got (4,)")


def test_other_arguments_than_arrays_are_shown_as_written(declare):
    declare("repeat", lambda text, times: len(text * times), [("ab", 3)], [])
    assert str(exercises.check("repeat", lambda text, times: 5)) == (
        "repeat: not yet - the numbers differ\n  for text 'ab' and times 3: expected 6, got 5"
    )


def test_two_exercises_of_one_name_are_refused(declare):
    declare("one", lambda: 1, [()], [])
    with pytest.raises(ValueError, match="two exercises named 'one'"):
        declare("one", lambda: 1, [()], [])


def test_exercises_load_neither_torch_nor_matplotlib():
    script = "import sys, convlib.exercises; print({'torch', 'matplotlib'} & set(sys.modules))"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "set()"


# --- questions ----------------------------------------------------------------------------------------------

VOID = {"input", "br", "hr", "img"}


class Tree(HTMLParser):
    """Every element with its attributes, its text and its ancestors; refuses what is not well nested."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert len(dict(attributes)) == len(attributes)
        element = {"tag": tag, "text": "", "inside": [one["tag"] for one in self.open], **dict(attributes)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag):
        return [element for element in self.elements if element["tag"] == tag]


OPTIONS = {
    "5 x 5": "Only with `padding=1`.",
    "3 x 3": "There are 5 - 3 + 1 = 3 positions.",
    "2 x 2": "That is 5 - 3, one short.",
}


def ask(question="How large is the output?", options=OPTIONS, answer="3 x 3"):
    return exercises.predict(question, options, answer)


def test_a_prediction_is_a_named_group_of_labelled_radio_buttons():
    tree = Tree(ask()._repr_html_())
    (fieldset,), (legend,) = tree.all("fieldset"), tree.all("legend")
    assert fieldset["class"] == "predict"
    assert legend["text"] == "How large is the output?"
    assert legend["inside"][-1] == "fieldset"
    inputs, labels = tree.all("input"), tree.all("label")
    assert {one["type"] for one in inputs} == {"radio"}
    assert len({one["name"] for one in inputs}) == 1
    assert [one["for"] for one in labels] == [one["id"] for one in inputs]
    assert len({one["id"] for one in inputs}) == 3
    assert [one["text"] for one in labels] == list(OPTIONS)
    assert not any("checked" in one for one in inputs)
    assert {one["data-lm-suppress-shortcuts"] for one in inputs} == {
        "true"
    }  # JupyterLab leaves the arrow keys alone


def test_each_option_is_followed_by_its_own_explanation_in_words_not_only_in_colour():
    tree = Tree(ask()._repr_html_())
    explanations = tree.all("p")
    assert [one["class"] for one in explanations] == ["because wrong", "because right", "because wrong"]
    assert [one["text"] for one in explanations] == [
        "Not quite. Only with padding=1.",
        "Right. There are 5 - 3 + 1 = 3 positions.",
        "Not quite. That is 5 - 3, one short.",
    ]
    assert all("hidden" in one for one in explanations)  # shut where the style sheet is taken away
    assert [one["tag"] for one in tree.elements if one["tag"] in ("label", "p")] == ["label", "p"] * 3


def test_the_plain_text_keeps_the_answer_to_itself():
    assert repr(ask()) == (
        "Predict first. How large is the output?\n"
        "  a) 5 x 5\n"
        "  b) 3 x 3\n"
        "  c) 2 x 2\n"
        "(the next cell shows it)"
    )
    assert repr(ask(answer="5 x 5")) == repr(ask())


def test_markup_is_shown_not_obeyed_and_backticks_are_code():
    nasty = '<img src=x onerror="alert(1)"> & `a < b` `</code><script>`'
    page = ask(nasty, {nasty: nasty, "other": "reason"}, "other")._repr_html_()
    tree = Tree(page)
    assert not tree.all("img")
    assert not tree.all("script")
    assert [one["text"] for one in tree.all("code")] == ["a < b", "</code><script>"] * 3
    assert tree.all("legend")[0]["text"] == nasty.replace("`", "")
    assert "`" in Tree(ask("a lone ` stays", OPTIONS)._repr_html_()).all("legend")[0]["text"]


def test_ids_are_stable_and_differ_between_the_questions_of_a_page():
    def ids(prediction):
        return {one["id"] for one in Tree(prediction._repr_html_()).all("input")}

    assert ask()._repr_html_() == ask()._repr_html_()
    script = (
        f"from convlib import exercises; print(exercises.predict('q', {OPTIONS!r}, '3 x 3')._repr_html_())"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert other.strip() == ask("q")._repr_html_()
    assert not ids(ask("one question")) & ids(ask("another question"))
    assert not ids(ask()) & ids(ask(options={**OPTIONS, "6 x 6": "No."}))


def test_a_style_touches_nothing_but_predictions():
    (style,) = Tree(ask()._repr_html_()).all("style")
    assert style["inside"] == []
    selectors = re.findall(r"^(?:@media print \{ )?(.+?) \{", style["text"], flags=re.MULTILINE)
    assert len(selectors) > 8
    assert all(selector.startswith(".predict") for selector in selectors)


def test_changing_the_options_afterwards_changes_nothing():
    options = dict(OPTIONS)
    prediction = ask(options=options)
    options.clear()
    assert repr(prediction) == repr(ask())


@pytest.mark.parametrize(
    "change, message",
    [
        ({"answer": "4 x 4"}, "the answer '4 x 4' is none of the options '5 x 5', '3 x 3', '2 x 2'"),
        ({"options": {"3 x 3": "because"}}, "at least two options, got 1"),
        ({"options": {"3 x 3": "because", "5 x 5": "  "}}, "the option '5 x 5' has no explanation"),
        ({"options": {"3 x 3": "because", "": "empty"}}, "an option has an empty label"),
        ({"question": " "}, "the question is empty"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(change, message):
    with pytest.raises(ValueError, match=f"predict: .*{re.escape(message)}"):
        ask(**change)

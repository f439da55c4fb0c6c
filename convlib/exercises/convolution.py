"""The exercises of chapter 2, the convolution."""

from __future__ import annotations

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare
from convlib.oracles import conv2d_loops, correlate2d_loops

random = np.random.default_rng(2)


def whole(*shape: int) -> Array:
    """Small whole numbers as floats: exact, and readable in a message."""
    return random.integers(-4, 9, size=shape).astype(float)


# --- correlate(image, kernel) -------------------------------------------------------------------------------


def correlate(image: Array, kernel: Array) -> Array:
    return correlate2d_loops(image, kernel)


def full_correlation(image: Array, kernel: Array) -> Array:
    kh, kw = kernel.shape
    return correlate(np.pad(image, [(kh - 1, kh - 1), (kw - 1, kw - 1)]), kernel)


def same_correlation(image: Array, kernel: Array) -> Array:
    (kh, kw), (height, width) = kernel.shape, image.shape
    return full_correlation(image, kernel)[kh // 2 :, kw // 2 :][:height, :width]


def largest_product(image: Array, kernel: Array) -> Array:
    return (np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel).max(axis=(-2, -1))


def last_window_zero(image: Array, kernel: Array) -> Array:
    output = correlate(image, kernel)
    output[-1], output[:, -1] = 0, 0
    return output


def square_kernels_only(image: Array, kernel: Array) -> Array:
    if kernel.shape[0] != kernel.shape[1]:
        raise IndexError  # as kernel[v, u] does
    return correlate(image, kernel.T)


def square_outputs_only(image: Array, kernel: Array) -> Array:
    output = correlate(image, kernel)
    if output.shape[0] != output.shape[1]:
        raise IndexError  # as output[j, i] does
    return output


SHORT = "the last window is missing: there are H - kh + 1 positions down and W - kw + 1 across"
TRANSPOSED = "the kernel is transposed"

declare(
    "correlate",
    correlate,
    cases=[
        (np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[1.0, 10]])),
        (np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[1.0], [10]])),
        (np.array([[1.0, 0, 2, 0], [0, 3, 0, 1], [2, 0, 1, 0]]), np.array([[1.0, 2], [3, 4]])),
        (np.array([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]), np.array([[1.0, 2], [3, 4]])),
        (np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[3.0]])),
        (whole(3, 2), whole(3, 2)),
        (whole(5, 5), whole(3, 3)),
        (whole(7, 3), whole(4, 2)),
        (whole(3, 8), whole(2, 5)),
        (whole(6, 5), whole(2, 4)),
        (-1 - whole(5, 6) ** 2, whole(3, 2) ** 2 + 1),
        (whole(6, 4).astype(int), whole(3, 3).astype(int)),
        (random.normal(size=(6, 7)), random.normal(size=(3, 2))),
        (random.normal(size=(5, 6)).astype(np.float32), random.normal(size=(2, 3)).astype(np.float32)),
    ],
    mistakes=[
        Mistake(
            "the kernel is flipped: that is convolution",
            lambda image, kernel: correlate(image, kernel[::-1, ::-1]),
        ),
        Mistake("the kernel is flipped upside down", lambda image, kernel: correlate(image, kernel[::-1])),
        Mistake(
            "the kernel is flipped left to right", lambda image, kernel: correlate(image, kernel[:, ::-1])
        ),
        Mistake(TRANSPOSED, lambda image, kernel: correlate(image, kernel.T)),
        Mistake(TRANSPOSED, square_kernels_only),
        Mistake(SHORT, lambda image, kernel: correlate(image, kernel)[:-1, :-1], shape_is_enough=True),
        Mistake(SHORT, last_window_zero),
        Mistake("the last row of windows is missing", lambda image, kernel: correlate(image, kernel)[:-1]),
        Mistake(
            "the last column of windows is missing", lambda image, kernel: correlate(image, kernel)[:, :-1]
        ),
        Mistake(
            "the output has the size of the image (`same`); the kernel must lie inside",
            same_correlation,
            shape_is_enough=True,
        ),
        Mistake(
            "the kernel hangs over the edge (`full`); it must lie inside",
            full_correlation,
            shape_is_enough=True,
        ),
        Mistake(
            "it is the mean of the products, not their sum",
            lambda image, kernel: correlate(image, kernel) / kernel.size,
        ),
        Mistake("it is the largest product, not the sum", largest_product),
        Mistake(
            "only the last product counts: is it = where += is meant?",
            lambda image, kernel: image[kernel.shape[0] - 1 :, kernel.shape[1] - 1 :] * kernel[-1, -1],
        ),
        Mistake(
            "height and width are swapped",
            lambda image, kernel: correlate(image, kernel).T,
            shape_is_enough=True,
        ),
        Mistake(
            "it works only where the output is square: height and width are swapped somewhere",
            square_outputs_only,
        ),
    ],
)


# --- conv(image, weight, bias) ------------------------------------------------------------------------------


def conv(image: Array, weight: Array, bias: Array) -> Array:
    return conv2d_loops(image[np.newaxis], weight, bias)[0]


def products(image: Array, weight: Array) -> Array:
    """The convolution without a bias."""
    return conv2d_loops(image[np.newaxis], weight)[0]


def channels_apart(image: Array, weight: Array, bias: Array) -> Array:
    kept = [products(image[c : c + 1], weight[:, c : c + 1]) for c in range(len(image))]
    return np.stack(kept, axis=1) + bias[:, None, None, None]  # (O, C, H', W')


def column(bias: Array) -> Array:
    return bias[:, np.newaxis, np.newaxis]


def layer(c: int, h: int, w: int, o: int, kh: int, kw: int) -> tuple[Array, Array, Array]:
    return whole(c, h, w), whole(o, c, kh, kw), np.arange(1.0, o + 1) * 3


declare(
    "channels",
    conv,
    cases=[
        (np.array([[[1.0, 2, 3]], [[4, 5, 6]]]), np.array([[[[1.0, 10]], [[100, 1000]]]]), np.array([7.0])),
        (
            np.array([[[1.0, 2]], [[3, 4]]]),
            np.array([[[[1.0]], [[10]]], [[[2.0]], [[20]]]]),
            np.array([0.5, 0.25]),
        ),
        layer(1, 3, 4, 1, 2, 2),
        layer(3, 3, 2, 1, 1, 1),
        layer(2, 4, 5, 4, 3, 3),
        layer(4, 5, 4, 2, 2, 3),
        layer(3, 4, 6, 3, 2, 1),
        layer(2, 3, 4, 2, 1, 3),
        layer(3, 6, 6, 4, 3, 3),
        tuple(array.astype(int) for array in layer(2, 5, 4, 3, 2, 2)),
        (random.normal(size=(3, 5, 6)), random.normal(size=(4, 3, 3, 2)), random.normal(size=4)),
        tuple(random.normal(size=shape).astype(np.float32) for shape in [(2, 6, 5), (3, 2, 2, 3), (3,)]),
    ],
    mistakes=[
        Mistake("the bias is forgotten", lambda image, weight, bias: products(image, weight)),
        Mistake(
            "the bias is added once for every input channel; once is enough",
            lambda image, weight, bias: products(image, weight) + len(image) * column(bias),
        ),
        Mistake(
            "the bias is added once for every product; once is enough",
            lambda image, weight, bias: products(image, weight) + weight[0].size * column(bias),
        ),
        Mistake(
            "the bias is added along the width: it belongs to the output channels, shape (O, 1, 1)",
            lambda image, weight, bias: products(image, weight) + bias,
        ),
        Mistake("the input channels are kept apart: sum over them", channels_apart, shape_is_enough=True),
        Mistake(
            "only the first input channel counts",
            lambda image, weight, bias: conv(image[:1], weight[:, :1], bias),
        ),
        Mistake(
            "only the last input channel counts: is it = where += is meant?",
            lambda image, weight, bias: conv(image[-1:], weight[:, -1:], bias),
        ),
        Mistake(
            "it is the mean over the input channels, not their sum",
            lambda image, weight, bias: products(image, weight) / len(image) + column(bias),
        ),
        Mistake(
            "the kernels are flipped", lambda image, weight, bias: conv(image, weight[..., ::-1, ::-1], bias)
        ),
        Mistake(
            "the input channels are in reverse order",
            lambda image, weight, bias: conv(image[::-1], weight, bias),
        ),
        Mistake(
            "the first two axes of weight are swapped: output channels come first",
            lambda image, weight, bias: conv(image, weight.transpose(1, 0, 2, 3), bias),
        ),
    ],
)


# --- weight_gradient(images, grad_output) -------------------------------------------------------------------


def weight_gradient(images: Array, grad_output: Array) -> Array:
    """The images convolved with the gradient as their kernels, batch and channels having changed places."""
    return conv2d_loops(images.swapaxes(0, 1), grad_output.swapaxes(0, 1)).swapaxes(0, 1)


def images_apart(images: Array, grad_output: Array) -> Array:
    return np.stack([weight_gradient(images[n : n + 1], grad_output[n : n + 1]) for n in range(len(images))])


def step(n: int, c: int, h: int, w: int, o: int, oh: int, ow: int) -> tuple[Array, Array]:
    return whole(n, c, h, w), whole(n, o, oh, ow)


declare(
    "weight-gradient",
    weight_gradient,
    cases=[
        (np.array([[[[1.0, 2, 3]]]]), np.array([[[[1.0, 10]]]])),
        (np.array([[[[1.0, 2, 3]]], [[[4.0, 5, 6]]]]), np.array([[[[1.0, 10]]], [[[100.0, 1000]]]])),
        (np.array([[[[1.0, 2]], [[3.0, 4]]]]), np.array([[[[1.0, 10]]]])),
        step(1, 1, 4, 3, 1, 2, 2),
        step(2, 1, 3, 5, 2, 2, 3),
        step(1, 3, 5, 4, 2, 3, 3),
        step(3, 2, 4, 5, 2, 2, 4),
        step(2, 2, 5, 5, 3, 5, 4),
        step(3, 3, 6, 5, 4, 4, 2),
        tuple(array.astype(int) for array in step(2, 2, 4, 4, 3, 3, 2)),
        (random.normal(size=(3, 2, 6, 5)), random.normal(size=(3, 4, 4, 4))),
        tuple(random.normal(size=shape).astype(np.float32) for shape in [(2, 3, 5, 6), (2, 2, 3, 5)]),
    ],
    mistakes=[
        Mistake(
            "it is the mean over the images, not their sum",
            lambda images, grad_output: weight_gradient(images, grad_output) / len(images),
        ),
        Mistake(
            "only the first image counts",
            lambda images, grad_output: weight_gradient(images[:1], grad_output[:1]),
        ),
        Mistake(
            "only the last image counts: is it = where += is meant?",
            lambda images, grad_output: weight_gradient(images[-1:], grad_output[-1:]),
        ),
        Mistake("the images are kept apart: sum over them", images_apart, shape_is_enough=True),
        Mistake(
            "it is divided by the number of output positions; they are summed",
            lambda images, grad_output: weight_gradient(images, grad_output) / grad_output[0, 0].size,
        ),
        Mistake(
            "grad_output is ignored: every output counts as much as it says",
            lambda images, grad_output: weight_gradient(images, np.ones_like(grad_output)),
        ),
        Mistake(
            "it is flipped", lambda images, grad_output: weight_gradient(images, grad_output)[..., ::-1, ::-1]
        ),
        Mistake(
            "input and output channels are swapped: output channels come first",
            lambda images, grad_output: weight_gradient(images, grad_output).swapaxes(0, 1),
            shape_is_enough=True,
        ),
        Mistake(
            "this is the shape of the gradient with respect to the images, not to the weight",
            lambda images, grad_output: np.zeros(images.shape),
            shape_is_enough=True,
        ),
    ],
)

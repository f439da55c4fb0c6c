"""The exercises of chapter 1, why convolution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare

random = np.random.default_rng(1)


def whole(*shape: int) -> Array:
    """Small whole numbers as floats: exact, and readable in a message."""
    return random.integers(-4, 9, size=shape).astype(float)


# --- count_parameters(kind, c, h, w, o, k) ------------------------------------------------------------------

FULL, LOCAL, CONVOLUTION = "fully connected", "locally connected", "convolution"
Count = Callable[[str, int, int, int, int, int], int]


def positions(h: int, w: int, k: int) -> int:
    return (h - k + 1) * (w - k + 1)


def count_parameters(kind: str, c: int, h: int, w: int, o: int, k: int) -> int:
    if kind == FULL:
        return o * positions(h, w, k) * (c * h * w + 1)
    if kind == LOCAL:
        return o * positions(h, w, k) * (c * k * k + 1)
    return o * (c * k * k + 1)


def only_for(wanted: str, count: Count) -> Count:
    """Wrong for one kind of layer, right for the other two."""

    def answer(kind: str, c: int, h: int, w: int, o: int, k: int) -> int:
        return (count if kind == wanted else count_parameters)(kind, c, h, w, o, k)

    return answer


def without_bias(kind: str, c: int, h: int, w: int, o: int, k: int) -> int:
    places = 1 if kind == CONVOLUTION else positions(h, w, k)
    return o * places * c * (h * w if kind == FULL else k * k)


def bias_for_each_map(kind: str, c: int, h: int, w: int, o: int, k: int) -> int:
    return without_bias(kind, c, h, w, o, k) + o


def one_bias(kind: str, c: int, h: int, w: int, o: int, k: int) -> int:
    return without_bias(kind, c, h, w, o, k) + 1


def bias_for_each_slice(kind: str, c: int, h: int, w: int, o: int, k: int) -> int:
    return o * c * (k * k + 1)


def last_position_missing(kind: str, c: int, h: int, w: int, o: int, k: int) -> int:
    if kind == CONVOLUTION:
        return count_parameters(kind, c, h, w, o, k)
    return o * (h - k) * (w - k) * (c * (h * w if kind == FULL else k * k) + 1)


def output_as_large_as_the_image(kind: str, c: int, h: int, w: int, o: int, k: int) -> int:
    if kind == CONVOLUTION:
        return count_parameters(kind, c, h, w, o, k)
    return o * h * w * (c * (h * w if kind == FULL else k * k) + 1)


declare(
    "layer-parameters",
    count_parameters,
    cases=[
        (CONVOLUTION, 1, 4, 5, 1, 3),
        (LOCAL, 1, 4, 5, 1, 3),
        (FULL, 1, 4, 5, 1, 3),
        (CONVOLUTION, 3, 8, 6, 5, 3),
        (LOCAL, 3, 8, 6, 5, 3),
        (FULL, 3, 8, 6, 5, 3),
        (CONVOLUTION, 2, 7, 7, 4, 1),
        (LOCAL, 2, 7, 9, 4, 2),
        (FULL, 2, 7, 9, 4, 2),
        (LOCAL, 4, 5, 5, 3, 5),
        (FULL, 4, 5, 5, 3, 5),
        (CONVOLUTION, 64, 224, 224, 64, 3),
    ],
    mistakes=[
        Mistake("the biases are forgotten", without_bias),
        Mistake(
            "convolution: there is a bias for each output map, not for each position",
            only_for(
                CONVOLUTION,
                lambda kind, c, h, w, o, k: o * c * k * k + o * positions(h, w, k),
            ),
        ),
        Mistake(
            "convolution: there is one bias for each output map; an input channel has none of its own",
            only_for(CONVOLUTION, bias_for_each_slice),
        ),
        Mistake(
            "convolution: each output map has a bias, not only one for all", only_for(CONVOLUTION, one_bias)
        ),
        Mistake(
            "convolution: the kernel has a slice for each input channel",
            only_for(CONVOLUTION, lambda kind, c, h, w, o, k: o * (k * k + 1)),
        ),
        Mistake(
            "convolution: there is a kernel for each output map",
            only_for(CONVOLUTION, lambda kind, c, h, w, o, k: c * k * k + 1),
        ),
        Mistake(
            "fully and locally connected: each output number has a bias of its own, not only each map",
            bias_for_each_map,
        ),
        Mistake("each layer is given one bias in all", one_bias),
        Mistake(
            "convolution: the kernels are shared, so the number of positions does not occur",
            only_for(CONVOLUTION, lambda kind, c, h, w, o, k: count_parameters(LOCAL, c, h, w, o, k)),
        ),
        Mistake(
            "locally connected: nothing is shared, so there is a kernel for each position",
            only_for(LOCAL, lambda kind, c, h, w, o, k: count_parameters(CONVOLUTION, c, h, w, o, k)),
        ),
        Mistake(
            "locally connected: an output sees its window, not the whole image",
            only_for(LOCAL, lambda kind, c, h, w, o, k: count_parameters(FULL, c, h, w, o, k)),
        ),
        Mistake(
            "fully connected: there are positions times o outputs, not one for each channel",
            only_for(FULL, lambda kind, c, h, w, o, k: o * (c * h * w + 1)),
        ),
        Mistake(
            "there are h - k + 1 positions down and w - k + 1 across, not h and w",
            output_as_large_as_the_image,
        ),
        Mistake(
            "the last position is missing: there are h - k + 1 down and w - k + 1 across",
            last_position_missing,
        ),
    ],
)


# --- locally_connected(image, kernels) ----------------------------------------------------------------------


def locally_connected(image: Array, kernels: Array) -> Array:
    output = np.zeros(kernels.shape[:2], dtype=np.result_type(image, kernels))
    for i, j in np.ndindex(output.shape):
        for u, v in np.ndindex(kernels.shape[2:]):
            output[i, j] += kernels[i, j, u, v] * image[i + u, j + v]
    return output


def one_kernel(image: Array, kernel: Array, shape: tuple[int, ...]) -> Array:
    return locally_connected(image, np.broadcast_to(kernel, shape))


def positions_swapped(image: Array, kernels: Array) -> Array:
    """As kernels[j, i] does."""
    height, width = kernels.shape[:2]
    if height != width:
        raise IndexError
    return locally_connected(image, kernels.swapaxes(0, 1))


def taps_swapped(image: Array, kernels: Array) -> Array:
    """As kernels[i, j, v, u] does."""
    if kernels.shape[2] != kernels.shape[3]:
        raise IndexError
    return locally_connected(image, kernels.swapaxes(2, 3))


def not_summed(image: Array, kernels: Array) -> Array:
    return np.lib.stride_tricks.sliding_window_view(image, kernels.shape[2:]) * kernels


def first_window_only(image: Array, kernels: Array) -> Array:
    kh, kw = kernels.shape[2:]
    return (kernels * image[:kh, :kw]).sum(axis=(2, 3))


def side_by_side(image: Array, kernels: Array) -> Array:
    """Windows that do not overlap: they leave the image, and what is missing there counts as zero."""
    height, width, kh, kw = kernels.shape
    padded = np.zeros((height * kh, width * kw), dtype=image.dtype)
    rows, columns = min(len(image), len(padded)), min(image.shape[1], padded.shape[1])
    padded[:rows, :columns] = image[:rows, :columns]
    return np.einsum("iujv,ijuv->ij", padded.reshape(height, kh, width, kw), kernels)


def kernels_for(h: int, w: int, kh: int, kw: int) -> tuple[Array, Array]:
    return whole(h, w), whole(h - kh + 1, w - kw + 1, kh, kw)


declare(
    "locally-connected",
    locally_connected,
    cases=[
        (np.array([[1.0, 2, 3]]), np.array([[[[1.0, 10]], [[100, 1000]]]])),
        (np.array([[1.0], [2], [3]]), np.array([[[[1.0], [10]]], [[[100], [1000]]]])),
        (np.array([[1.0, 2], [3, 4]]), np.array([[[[1.0]], [[10.0]]], [[[100.0]], [[1000.0]]]])),
        kernels_for(4, 4, 2, 2),
        kernels_for(3, 5, 2, 2),
        kernels_for(5, 4, 3, 2),
        kernels_for(4, 6, 3, 3),
        kernels_for(6, 5, 1, 3),
        kernels_for(3, 3, 3, 3),
        tuple(array.astype(int) for array in kernels_for(5, 6, 2, 3)),
        (random.normal(size=(6, 7)), random.normal(size=(4, 6, 3, 2))),
        tuple(random.normal(size=shape).astype(np.float32) for shape in [(5, 6), (4, 4, 2, 3)]),
    ],
    mistakes=[
        Mistake(
            "the first kernel is used everywhere: that is a convolution",
            lambda image, kernels: one_kernel(image, kernels[0, 0], kernels.shape),
        ),
        Mistake(
            "the mean of the kernels is used everywhere: that is the nearest convolution",
            lambda image, kernels: one_kernel(image, kernels.mean(axis=(0, 1)), kernels.shape),
        ),
        Mistake(
            "the sum of the kernels is used everywhere; each position has its own",
            lambda image, kernels: one_kernel(image, kernels.sum(axis=(0, 1)), kernels.shape),
        ),
        Mistake("every kernel meets the first window", first_window_only),
        Mistake("the kernel of position (j, i) is used at (i, j)", positions_swapped),
        Mistake("the kernels are transposed", taps_swapped),
        Mistake(
            "the kernels are flipped",
            lambda image, kernels: locally_connected(image, kernels[..., ::-1, ::-1]),
        ),
        Mistake(
            "the kernels are in reverse order",
            lambda image, kernels: locally_connected(image, kernels[::-1, ::-1]),
        ),
        Mistake(
            "it is the mean of the products, not their sum",
            lambda image, kernels: locally_connected(image, kernels) / kernels[0, 0].size,
        ),
        Mistake(
            "only the last product counts: is it = where += is meant?",
            lambda image, kernels: (
                image[kernels.shape[2] - 1 :, kernels.shape[3] - 1 :] * kernels[:, :, -1, -1]
            ),
        ),
        Mistake("the windows lie side by side; they move on by one pixel", side_by_side),
        Mistake("the products are kept apart: sum over each window", not_summed, shape_is_enough=True),
    ],
)


# --- kernel_gradient(matrix_gradient) -----------------------------------------------------------------------


def kernel_gradient(matrix_gradient: Array) -> Array:
    outputs, pixels = matrix_gradient.shape
    diagonals = [np.diagonal(matrix_gradient, u) for u in range(pixels - outputs + 1)]
    return np.array([diagonal[:outputs].sum() for diagonal in diagonals])


def columns_added(matrix_gradient: Array) -> Array:
    outputs, pixels = matrix_gradient.shape
    return matrix_gradient[:, : pixels - outputs + 1].sum(axis=0)


def all_columns_added(matrix_gradient: Array) -> Array:
    return matrix_gradient.sum(axis=0)


def diagonals_of_all_columns(matrix_gradient: Array) -> Array:
    return np.array([np.trace(matrix_gradient, u) for u in range(matrix_gradient.shape[1])])


declare(
    "shared-gradient",
    kernel_gradient,
    cases=[
        (np.array([[1.0, 2, 3], [10, 20, 30]]),),
        (np.array([[1.0, 2, 3, 4], [10, 20, 30, 40]]),),
        (np.array([[5.0, 7, 9]]),),
        (np.array([[1.0, 2], [3, 4]]),),
        (whole(4, 6),),
        (whole(3, 8),),
        (whole(6, 7),),
        (whole(5, 5),),
        (np.outer([1.0, -1, 2, 0], [1.0, 2, 0, 1, 3, 1]),),
        (whole(4, 7).astype(int),),
        (random.normal(size=(5, 9)),),
        (random.normal(size=(4, 6)).astype(np.float32),),
    ],
    mistakes=[
        Mistake(
            "it is the mean along each diagonal; the copies' gradients are added up",
            lambda matrix_gradient: kernel_gradient(matrix_gradient) / len(matrix_gradient),
        ),
        Mistake(
            "only the first output counts",
            lambda matrix_gradient: (
                kernel_gradient(matrix_gradient) * 0
                + matrix_gradient[0, : len(kernel_gradient(matrix_gradient))]
            ),
        ),
        Mistake(
            "only the last output counts: is it = where += is meant?",
            lambda matrix_gradient: matrix_gradient[-1, len(matrix_gradient) - 1 :],
        ),
        Mistake("columns are added; a tap stands on a diagonal", columns_added),
        Mistake(
            "columns are added; a tap stands on a diagonal, and there are fewer taps than pixels",
            all_columns_added,
            shape_is_enough=True,
        ),
        Mistake(
            "the diagonals outside of the band are no taps: there are pixels - outputs + 1",
            diagonals_of_all_columns,
        ),
        Mistake(
            "the taps are in reverse order", lambda matrix_gradient: kernel_gradient(matrix_gradient)[::-1]
        ),
        Mistake(
            "the diagonals run the wrong way, from the right down to the left",
            lambda matrix_gradient: kernel_gradient(matrix_gradient[::-1]),
        ),
        Mistake(
            "the last tap is missing: there are pixels - outputs + 1",
            lambda matrix_gradient: kernel_gradient(matrix_gradient)[:-1],
            shape_is_enough=True,
        ),
    ],
)

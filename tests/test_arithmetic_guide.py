"""The guide to convolution arithmetic, relation by relation and figure by figure, on computed arrays.

Dumoulin and Visin (2016), *A guide to convolution arithmetic for deep learning*, arXiv 1603.07285. Its
letters: i and o for the sizes of a convolution's input and output, and a prime for the transposed
convolution, which starts from i' = o. As there, images, kernels, strides and paddings are square.
"""

from itertools import product

import numpy as np
import pytest

from convlib import (
    avg_pool2d,
    conv2d,
    conv_input_sizes,
    conv_matrix,
    conv_output_size,
    conv_transpose2d,
    conv_transpose_output_size,
    max_pool2d,
    pad,
    pool_output_size,
)

SIZES, KERNELS, STRIDES, PADDINGS = range(1, 8), range(1, 5), range(1, 5), range(5)


def image(size: int) -> np.ndarray:
    return np.random.default_rng(size).normal(size=(size, size))


def kernel(size: int) -> np.ndarray:
    return np.random.default_rng(10 + size).normal(size=(size, size))


def convolve(image: np.ndarray, kernel: np.ndarray, **options: int) -> np.ndarray:
    """`conv2d` of one image of one channel."""
    return conv2d(image[None], kernel[None, None], **options)[0]


def transpose(image: np.ndarray, kernel: np.ndarray, **options: int) -> np.ndarray:
    """`conv_transpose2d` of one image of one channel."""
    return conv_transpose2d(image[None], kernel[None, None], **options)[0]


def convolved_size(i: int, k: int, s: int = 1, p: int = 0, d: int = 1) -> int:
    """The size that comes out; the formula of convlib must have said so."""
    height, width = convolve(image(i), kernel(k), stride=s, padding=p, dilation=d).shape
    assert height == width == conv_output_size(i, k, s, p, d)
    return height


def transposed_size(i: int, k: int, s: int = 1, p: int = 0, a: int = 0) -> int:
    height, width = transpose(image(i), kernel(k), stride=s, padding=p, output_padding=a).shape
    assert height == width == conv_transpose_output_size(i, k, s, p, a)
    return height


def stretch(image: np.ndarray, s: int) -> np.ndarray:
    """Insert s - 1 zeros between pixels."""
    stretched = np.zeros([s * (n - 1) + 1 for n in image.shape])
    stretched[::s, ::s] = image
    return stretched


def directly(image: np.ndarray, kernel: np.ndarray, s: int = 1, p: int = 0, a: int = 0) -> np.ndarray:
    """The transposed convolution as the guide's direct one: k' = k, s' = 1, p' = k - p - 1, on the stretched
    image, with `a` more zeros at the bottom and on the right. A negative p' cuts off. The guide does not say
    that its kernel is turned round."""
    before = len(kernel) - p - 1
    padded = pad(stretch(image, s), (before, before + a, before, before + a))
    return convolve(padded, kernel[::-1, ::-1])


def assert_directly_too(i: int, k: int, s: int = 1, p: int = 0, a: int = 0) -> None:
    options = {"stride": s, "padding": p, "output_padding": a}
    np.testing.assert_allclose(
        transpose(image(i), kernel(k), **options), directly(image(i), kernel(k), s, p, a), atol=1e-12
    )


# --- chapter 2: convolution ---------------------------------------------------------------------------------


def test_relation_1_no_padding_unit_strides():
    for i, k in product(SIZES, KERNELS):
        if k <= i:
            assert convolved_size(i, k) == (i - k) + 1


def test_relation_2_padding_unit_strides():
    for i, k, p in product(SIZES, KERNELS, PADDINGS):
        if k <= i + 2 * p:
            assert convolved_size(i, k, p=p) == (i - k) + 2 * p + 1


def test_relation_3_half_padding_keeps_the_size_with_odd_kernels():
    for i, n in product(SIZES, range(4)):
        k = 2 * n + 1
        assert convolved_size(i, k, p=k // 2) == i
        assert convolve(image(i), kernel(k), padding="same").shape == (i, i)


def test_relation_4_full_padding():
    for i, k in product(SIZES, KERNELS):
        assert convolved_size(i, k, p=k - 1) == i + (k - 1)


def test_relation_5_no_padding_any_strides():
    for i, k, s in product(SIZES, KERNELS, STRIDES):
        if k <= i:
            assert convolved_size(i, k, s) == (i - k) // s + 1


def test_relation_6_padding_any_strides():
    for i, k, s, p in product(SIZES, KERNELS, STRIDES, PADDINGS):
        if k <= i + 2 * p:
            assert convolved_size(i, k, s, p) == (i + 2 * p - k) // s + 1


def test_below_relation_6_s_sizes_in_a_row_lead_to_one():
    for i, k, s, p in product(SIZES, KERNELS, STRIDES, PADDINGS):
        if k <= i + 2 * p and (i + 2 * p - k) % s == 0:
            o = convolved_size(i, k, s, p)
            assert [convolved_size(i + a, k, s, p) for a in range(s)] == [o] * s
            assert convolved_size(i + s, k, s, p) == o + 1
            assert [i + a for a in range(s)] == list(conv_input_sizes(o, k, s, p))


def test_figure_1_4_a_stride_keeps_every_s_th_output():
    for s in STRIDES:
        kept = convolve(image(9), kernel(3))[::s, ::s]
        np.testing.assert_allclose(convolve(image(9), kernel(3), stride=s), kept)


# --- chapter 3: pooling -------------------------------------------------------------------------------------


def test_relation_7_pooling_of_any_kind():
    for i, k, s in product(SIZES, KERNELS, STRIDES):
        if k <= i:
            o = (i - k) // s + 1
            assert max_pool2d(image(i)[None], k, s).shape == (1, o, o)
            assert avg_pool2d(image(i)[None], k, s).shape == (1, o, o)
            assert pool_output_size(i, k, s) == o


# --- chapter 4: transposed convolution ----------------------------------------------------------------------
# Each relation speaks of the transposed convolution that is associated with a convolution from i to o.


def test_relation_8_no_padding_unit_strides_transposed():
    for i, k in product(SIZES, KERNELS):
        if k <= i:
            o = convolved_size(i, k)
            assert transposed_size(o, k) == o + (k - 1) == i
            full = convolve(image(o), kernel(k)[::-1, ::-1], padding=k - 1)  # p' = k - 1
            np.testing.assert_allclose(transpose(image(o), kernel(k)), full, atol=1e-12)


def test_relation_9_padding_unit_strides_transposed():
    for i, k, p in product(SIZES, KERNELS, PADDINGS):
        if k <= i + 2 * p:
            o = convolved_size(i, k, p=p)
            assert transposed_size(o, k, p=p) == o + (k - 1) - 2 * p == i
            assert_directly_too(o, k, p=p)


def test_relation_10_half_padding_transposed_is_half_padding():
    for i, n in product(SIZES, range(4)):
        k, p = 2 * n + 1, n
        assert transposed_size(i, k, p=p) == i
        half = convolve(image(i), kernel(k)[::-1, ::-1], padding=p)  # p' = p
        np.testing.assert_allclose(transpose(image(i), kernel(k), padding=p), half, atol=1e-12)


def test_relation_11_full_padding_transposed_is_no_padding():
    for i, k in product(SIZES, KERNELS):
        o = convolved_size(i, k, p=k - 1)
        assert transposed_size(o, k, p=k - 1) == o - (k - 1) == i
        bare = convolve(image(o), kernel(k)[::-1, ::-1])  # p' = 0
        np.testing.assert_allclose(transpose(image(o), kernel(k), padding=k - 1), bare, atol=1e-12)


def test_relation_12_no_padding_any_strides_transposed():
    for i, k, s in product(SIZES, KERNELS, STRIDES):
        if k <= i and (i - k) % s == 0:
            o = convolved_size(i, k, s)
            assert transposed_size(o, k, s) == s * (o - 1) + k == i
            assert_directly_too(o, k, s)


def test_relation_13_padding_any_strides_transposed():
    for i, k, s, p in product(SIZES, KERNELS, STRIDES, PADDINGS):
        if k <= i + 2 * p and (i + 2 * p - k) % s == 0:
            o = convolved_size(i, k, s, p)
            assert transposed_size(o, k, s, p) == s * (o - 1) + k - 2 * p == i
            assert_directly_too(o, k, s, p)


def test_relation_14_padding_any_strides_any_size_transposed():
    for i, k, s, p in product(SIZES, KERNELS, STRIDES, PADDINGS):
        if k <= i + 2 * p:
            o, a = convolved_size(i, k, s, p), (i + 2 * p - k) % s
            assert transposed_size(o, k, s, p, a) == s * (o - 1) + a + k - 2 * p == i
            assert_directly_too(o, k, s, p, a)


def test_the_direct_convolution_needs_the_kernel_turned_round():
    turned = kernel(3)[::-1, ::-1]
    assert not np.allclose(transpose(image(4), kernel(3)), directly(image(4), turned))


def test_section_4_1_a_convolution_is_a_matrix():
    """The guide prints it: 4 x 16, for i = 4 and k = 3."""
    w = np.arange(1.0, 10.0).reshape(3, 3)
    (w00, w01, w02), (w10, w11, w12), (w20, w21, w22) = w
    matrix = conv_matrix(w[None, None], (1, 4, 4))
    assert matrix.tolist() == [
        [w00, w01, w02, 0, w10, w11, w12, 0, w20, w21, w22, 0, 0, 0, 0, 0],
        [0, w00, w01, w02, 0, w10, w11, w12, 0, w20, w21, w22, 0, 0, 0, 0],
        [0, 0, 0, 0, w00, w01, w02, 0, w10, w11, w12, 0, w20, w21, w22, 0],
        [0, 0, 0, 0, 0, w00, w01, w02, 0, w10, w11, w12, 0, w20, w21, w22],
    ]
    np.testing.assert_allclose(convolve(image(4), w).ravel(), matrix @ image(4).ravel())
    np.testing.assert_allclose(transpose(image(2), w).ravel(), matrix.T @ image(2).ravel())


# --- chapter 5: dilation ------------------------------------------------------------------------------------


def test_relation_15_dilation():
    for i, k, s, p, d in product(SIZES, KERNELS, range(1, 4), range(4), range(1, 4)):
        if k + (k - 1) * (d - 1) <= i + 2 * p:
            assert convolved_size(i, k, s, p, d) == (i + 2 * p - k - (k - 1) * (d - 1)) // s + 1


# --- the figures --------------------------------------------------------------------------------------------

FIGURE_IMAGE = np.array([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]])
FIGURE_KERNEL = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]])


def test_figures_1_1_and_1_2_number_by_number():
    assert convolve(FIGURE_IMAGE, FIGURE_KERNEL).tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]
    strided = convolve(FIGURE_IMAGE, FIGURE_KERNEL, stride=2, padding=1)
    assert strided.tolist() == [[6, 17, 3], [8, 17, 13], [6, 4, 4]]


def test_figures_1_5_and_1_6_number_by_number():
    assert max_pool2d(FIGURE_IMAGE[None], 3, 1)[0].tolist() == [[3, 3, 3], [3, 3, 3], [3, 2, 3]]
    average = avg_pool2d(FIGURE_IMAGE[None].astype(float), 3, 1)[0]
    printed = [[1.7, 1.7, 1.7], [1.0, 1.2, 1.8], [1.1, 0.8, 1.3]]
    np.testing.assert_allclose(average, printed, atol=0.05)


@pytest.mark.parametrize(
    ("figure", "i", "k", "s", "p", "d", "o"),
    [
        ("2.1", 4, 3, 1, 0, 1, 2),
        ("2.2", 5, 4, 1, 2, 1, 6),
        ("2.3", 5, 3, 1, 1, 1, 5),
        ("2.4", 5, 3, 1, 2, 1, 7),
        ("2.5", 5, 3, 2, 0, 1, 2),
        ("2.6", 5, 3, 2, 1, 1, 3),
        ("2.7", 6, 3, 2, 1, 1, 3),
        ("2.8a", 5, 3, 1, 0, 1, 3),
        ("2.8b", 5, 3, 2, 0, 1, 2),
        ("5.1", 7, 3, 1, 0, 2, 3),
    ],
)
def test_the_convolutions_in_the_figures(figure, i, k, s, p, d, o):
    assert convolved_size(i, k, s, p, d) == o


def test_figure_2_7_what_is_not_covered_is_padding():
    """The bottom row and the right column, of zeros: the other end of the image counts to its last pixel."""
    changed = image(6)
    changed[-1, -1] += 1
    different = convolve(changed, kernel(3), stride=2, padding=1) != convolve(
        image(6), kernel(3), stride=2, padding=1
    )
    assert different.tolist() == [[False] * 3, [False] * 3, [False, False, True]]


@pytest.mark.parametrize(
    ("figure", "i", "k", "s", "p", "start", "stretched", "p_direct", "a"),
    [
        ("4.1", 4, 3, 1, 0, 2, 2, 2, 0),
        ("4.2", 5, 4, 1, 2, 6, 6, 1, 0),
        ("4.3", 5, 3, 1, 1, 5, 5, 1, 0),
        ("4.4", 5, 3, 1, 2, 7, 7, 0, 0),
        ("4.5", 5, 3, 2, 0, 2, 3, 2, 0),
        ("4.6", 5, 3, 2, 1, 3, 5, 1, 0),
        ("4.7", 6, 3, 2, 1, 3, 5, 1, 1),  # the caption begins with "a 2 x 2 input", and ends with i' = 3
    ],
)
def test_the_transposed_convolutions_in_the_figures(figure, i, k, s, p, start, stretched, p_direct, a):
    assert convolved_size(i, k, s, p) == start
    assert stretch(image(start), s).shape == (stretched, stretched)
    assert k - p - 1 == p_direct
    assert (i + 2 * p - k) % s == a
    assert transposed_size(start, k, s, p, a) == i
    assert_directly_too(start, k, s, p, a)

# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import math

import numpy as np
import pytest
import torch
from agreement import assert_agree, ramp, tensor, zeros
from catalogue import assert_refused
from hypothesis import given
from hypothesis import strategies as st

import convlib
from convlib import (
    blur_pool1d,
    blur_pool2d,
    blur_pool2d_backward,
    blur_pool3d,
    conv2d,
    max_pool2d,
    pad,
)
from convlib.blur_pool import binomial
from convlib.oracles import blur_pool_loops, finite_difference

by_rank = pytest.mark.parametrize("n", [1, 2, 3], ids=["1d", "2d", "3d"])
MODES = ("reflect", "replicate", "circular", "zeros")


def ours(n: int, suffix: str = ""):
    return getattr(convlib, f"blur_pool{n}d{suffix}")


@st.composite
def cases(draw, n: int):
    """(input, kernel, stride, padding_mode), with the input just large enough, or larger."""
    kernel = draw(st.lists(st.integers(1, 7 if n < 3 else 4), min_size=n, max_size=n))
    stride = draw(st.lists(st.integers(1, 4), min_size=n, max_size=n))
    mode = draw(st.sampled_from(MODES))
    least = [{"reflect": k // 2 + 1, "circular": max(1, k // 2)}.get(mode, 1) for k in kernel]
    size = [low + draw(st.integers(0, 4)) for low in least]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lead = draw(st.sampled_from([(2,), (1,), (0,), ()]))
    return random.normal(size=(*lead, draw(st.integers(1, 2)), *size)), kernel, stride, mode


def assert_all_voices_agree(n: int, case) -> None:
    x, kernel, stride, mode = case
    output = ours(n)(x, kernel, stride, mode)
    batch = x if x.ndim == n + 2 else x[None]
    expected = blur_pool_loops(batch, kernel, stride, mode)
    assert_agree(output, expected if x.ndim == n + 2 else expected[0])
    assert output.shape[-n:] == tuple(math.ceil(m / s) for m, s in zip(x.shape[-n:], stride, strict=True))
    leaf = tensor(x, requires_grad=True)
    twin = ours(n)(leaf, kernel, stride, mode)
    assert_agree(twin, output)
    grad = np.cos(np.arange(output.size)).reshape(output.shape)
    twin.backward(tensor(grad))
    for make in (np.asarray, torch.tensor):
        assert_agree(ours(n, "_backward")(make(grad), x.shape, kernel, stride, mode), leaf.grad)
    gradient = ours(n, "_backward")(grad, x.shape, kernel, stride, mode)
    assert (output * grad).sum() == pytest.approx((x * gradient).sum())  # the adjoint


@given(cases(1))
def test_sequences_by_loops_by_numpy_and_by_torch_are_the_same(case):
    assert_all_voices_agree(1, case)


@given(cases(2))
def test_images_by_loops_by_numpy_and_by_torch_are_the_same(case):
    assert_all_voices_agree(2, case)


@given(cases(3))
def test_volumes_by_loops_by_numpy_and_by_torch_are_the_same(case):
    assert_all_voices_agree(3, case)


def test_a_small_image_written_out():
    row = np.array([[1.0, 3.0, 5.0, 7.0, 9.0]])
    for make in (np.asarray, torch.tensor):
        assert np.asarray(blur_pool1d(make(row))).tolist() == [
            [(3 + 2 * 1 + 3) / 4, (3 + 2 * 5 + 7) / 4, (7 + 2 * 9 + 7) / 4]
        ]
        assert np.asarray(blur_pool1d(make(row), 3, 2, "zeros")).tolist() == [
            [(0 + 2 * 1 + 3) / 4, (3 + 2 * 5 + 7) / 4, (7 + 2 * 9 + 0) / 4]
        ]
        assert np.asarray(blur_pool1d(make(row), 2, 2, "circular")).tolist() == [
            [(1 + 3) / 2, (5 + 7) / 2, (9 + 1) / 2]  # the odd pixel goes after
        ]
        assert np.asarray(blur_pool1d(make(row), 4, 4, "replicate")).tolist() == [
            [(1 + 3 * 1 + 3 * 3 + 5) / 8, (7 + 3 * 9 + 3 * 9 + 9) / 8]
        ]


@pytest.mark.parametrize("taps", range(1, 8))
def test_the_weights_are_a_row_of_pascals_triangle(taps):
    row = np.ones(1)
    for _ in range(taps - 1):
        row = np.convolve(row, [0.5, 0.5])
    assert binomial(taps) == row.tolist()
    point = np.zeros((1, 13, 13))
    point[0, 6, 6] = 1
    answer = blur_pool2d(point, taps, 1, "zeros")[0]
    first = 6 - taps // 2  # turned, a kernel is as long before as it was after
    kernel = answer[first : first + taps, first : first + taps]
    np.testing.assert_array_equal(kernel, np.outer(row, row))
    assert answer.sum() == kernel.sum() == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("taps", range(1, 8))
@by_rank
def test_a_constant_image_stays_constant(n, taps, mode):
    image = np.full((1, 2, *(9,) * n), 2.5)
    for make in (np.asarray, torch.tensor):
        output = np.asarray(ours(n)(make(image), taps, 2, mode))
        if mode == "zeros":  # only away from the edges
            output = output[(..., *(slice(2, -2),) * n)]
        np.testing.assert_allclose(output, 2.5, rtol=1e-12)


@by_rank
def test_without_a_stride_every_pixel_is_blurred_and_a_stride_keeps_some_of_them(n):
    x = np.random.default_rng(n).normal(size=(2, 3, *(9,) * n))
    for taps in (3, 4):
        blurred = ours(n)(x, taps, 1)
        assert blurred.shape == x.shape
        for stride in (2, 3):
            assert_agree(ours(n)(x, taps, stride), blurred[(..., *(slice(None, None, stride),) * n)])
    assert_agree(ours(n)(x, 1, 1), x, 0)
    assert_agree(ours(n)(x, 1, 2), x[(..., *(slice(None, None, 2),) * n)], 0)


def test_it_is_a_convolution_of_each_channel_by_itself():
    x = np.random.default_rng(3).normal(size=(2, 3, 8, 7))
    row = np.array([1, 4, 6, 4, 1]) / 16
    weight = np.tile(np.outer(row, row), (3, 1, 1, 1))
    expected = conv2d(pad(x, (2, 2, 2, 2), "reflect"), weight, stride=2, groups=3)
    assert_agree(blur_pool2d(x, 5), expected)


@pytest.mark.parametrize("size", range(2, 12))
def test_its_output_is_as_large_as_that_of_a_layer_with_kernel_3_stride_2_padding_1(size):
    x, weight = np.ones((1, 1, size, size + 1)), np.ones((1, 1, 3, 3))
    assert blur_pool2d(x).shape == conv2d(x, weight, stride=2, padding=1).shape
    for taps in range(1, 8):
        assert blur_pool2d(x, taps, padding_mode="replicate").shape == blur_pool2d(x).shape


@pytest.mark.parametrize("mode", MODES)
@by_rank
def test_finite_differences_find_the_gradient(n, mode):
    x = np.random.default_rng(n).normal(size=(1, 2, 5, 4, 3)[: n + 2])
    grad = np.random.default_rng(9).normal(size=ours(n)(x, 4, 2, mode).shape)
    found = finite_difference(lambda x: (ours(n)(x, 4, 2, mode) * grad).sum(), x)
    np.testing.assert_allclose(ours(n, "_backward")(grad, x.shape, 4, 2, mode), found, atol=1e-8)


def test_max_pooling_in_two_steps_moves_less_when_the_image_moves():
    """Zhang's point, on stripes that are one pixel wide."""
    stripes = np.tile([0.0, 1.0, 0.0, 0.0], (1, 8, 4))
    moved = np.roll(stripes, 1, -1)

    def change(pool):
        return np.abs(pool(moved) - pool(stripes)).max()

    assert change(lambda x: max_pool2d(x, 3, 2, 1)) == 1
    blurred = change(
        lambda x: blur_pool2d(max_pool2d(pad(x, (0, 1, 0, 1), "circular"), 2, 1), 5, 2, "circular")
    )
    assert blurred < 0.5


def test_a_stride_larger_than_the_image_takes_its_first_pixel():
    x = ramp(1, 5, 6)
    for make in (np.asarray, torch.tensor):
        assert np.asarray(blur_pool2d(make(x), 1, 100)).tolist() == [[[1]]]
        assert np.asarray(blur_pool2d(make(x), 3, 2**40)).shape == (1, 1, 1)


@by_rank
def test_half_precision_is_added_up_in_single_precision(n):
    half = np.random.default_rng(n).normal(size=(1, 1, *(9,) * n)).astype("float16")
    output = ours(n)(half, 7, 1)
    assert output.dtype == np.float16
    np.testing.assert_allclose(output, ours(n)(half.astype(float), 7, 1), rtol=2**-11 + 1e-6, atol=1e-6)
    gradient = ours(n, "_backward")(half, half.shape, 7, 1)
    assert gradient.dtype == np.float16
    exact = ours(n, "_backward")(half.astype(float), half.shape, 7, 1)
    np.testing.assert_allclose(gradient, exact, rtol=2**-11 + 1e-6, atol=1e-6)


def test_nan_and_infinity_stay_in_their_windows():
    row = ramp(1, 9)
    row[0, 4], row[0, 8] = np.nan, np.inf
    for make in (np.asarray, torch.tensor):
        answer = np.asarray(blur_pool1d(make(row), 3, 2))
        assert np.isnan(answer).tolist() == [[False, False, True, False, False]]
        assert np.isinf(answer).tolist() == [[False, False, False, False, True]]


x, g = zeros(1, 5, 5), zeros(1, 3, 3)

WRONG = [
    (blur_pool2d, ([1],), {}, "TypeError: blur_pool2d: input must be a NumPy array or a torch tensor, got list"),
    (blur_pool2d, (zeros(5, 5),), {}, "ValueError: blur_pool2d: input must be (N, C, H, W) or (C, H, W), got (5, 5)"),
    (blur_pool2d, (zeros(1, 0, 5),), {}, "ValueError: blur_pool2d: only the batch may be empty, got (1, 0, 5)"),
    (blur_pool2d, (x, 8), {}, "ValueError: blur_pool2d: kernel_size must be at most 7, got 8"),
    (blur_pool2d, (x, (3, 9)), {}, "ValueError: blur_pool2d: kernel_size must be at most 7, got (3, 9)"),
    (blur_pool2d, (x, 0), {}, "ValueError: blur_pool2d: kernel_size must be at least 1, got 0"),
    (blur_pool2d, (x, 3.0), {}, "TypeError: blur_pool2d: kernel_size must be an integer or 2 integers, got 3.0"),
    (blur_pool2d, (x, 3, 0), {}, "ValueError: blur_pool2d: stride must be at least 1, got 0"),
    (blur_pool2d, (x, 3, (1, 1, 1)), {}, "ValueError: blur_pool2d: stride must be one integer or 2, got (1, 1, 1)"),
    (blur_pool2d, (x,), {"padding_mode": "constant"}, "ValueError: blur_pool2d: padding_mode must be 'reflect', 'replicate', 'circular' or 'zeros', got 'constant'"),
    (blur_pool2d, (zeros(1, 5, 3), 6), {}, "ValueError: blur_pool2d: 'reflect' needs at least 4 pixels for 6 taps, but input (1, 5, 3) has 3 along spatial axis 1"),
    (blur_pool1d, (zeros(1, 2), 7), {"padding_mode": "circular"}, "ValueError: blur_pool1d: 'circular' needs at least 3 pixels for 7 taps, but input (1, 2) has 2 along spatial axis 0"),
    (blur_pool2d, (zeros(2, 5, 5, dtype="int64"),), {}, "TypeError: blur_pool2d: it is for floating-point numbers, as in torch; got int64"),
    (blur_pool2d, (zeros(1, 2**16, 2**16),), {}, "ValueError: blur_pool2d: the result and its scratch would take 96 GiB, more than the 64 GiB that are allowed"),
    (blur_pool3d, (x,), {}, "ValueError: blur_pool3d: input must be (N, C, D, H, W) or (C, D, H, W), got (1, 5, 5)"),
    (convlib.blur_pool1d_backward, (g, (5, 5, 5, 5)), {}, "ValueError: blur_pool1d_backward: input must be (N, C, W) or (C, W), got (5, 5, 5, 5)"),
    (convlib.blur_pool3d_backward, (g, (1, 5, 5, 5)), {}, "ValueError: blur_pool3d_backward: grad_output is (1, 3, 3) but the output for input (1, 5, 5, 5) is (1, 3, 3, 3)"),
    (blur_pool2d_backward, (g, 5), {}, "TypeError: blur_pool2d_backward: input_size must be a sequence of integers, got 5"),
    (blur_pool2d_backward, (g, (1, 7, 5)), {}, "ValueError: blur_pool2d_backward: grad_output is (1, 3, 3) but the output for input (1, 7, 5) is (1, 4, 3)"),
    (blur_pool2d_backward, (zeros(1, 3, 3, dtype="int64"), (1, 5, 5)), {}, "TypeError: blur_pool2d_backward: gradients are of real floating-point numbers, got int64"),
    (blur_pool2d_backward, ("g", (1, 5, 5)), {}, "TypeError: blur_pool2d_backward: grad_output must be a NumPy array or a torch tensor, got str"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"), WRONG, ids=[case[-1] for case in WRONG]
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)

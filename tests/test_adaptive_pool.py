# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import assert_agree, ramp, tensor, zeros
from catalogue import assert_refused
from hypothesis import given, settings
from hypothesis import strategies as st

import convlib
from convlib import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
    avg_pool2d,
    global_avg_pool2d,
    global_max_pool2d,
    interpolate,
    max_pool2d,
)
from convlib.oracles import adaptive_pool_loops, finite_difference

by_rank = pytest.mark.parametrize("n", [1, 2, 3], ids=["1d", "2d", "3d"])
kinds = pytest.mark.parametrize("kind", ["avg", "max"])


def ours(kind: str, n: int, suffix: str = ""):
    return getattr(convlib, f"adaptive_{kind}_pool{n}d{suffix}")


@st.composite
def cases(draw, n: int, room: int = 7):
    """(input, output_size in some form, bins of each axis)."""
    sizes = draw(st.lists(st.integers(1, room), min_size=n, max_size=n))
    bins = draw(st.lists(st.integers(0, room + 2), min_size=n, max_size=n))
    form = draw(st.sampled_from(["one", "tuple", "list", "none"]))
    if form == "one":
        bins = bins[:1] * n
        output_size = bins[0]
    elif form == "none" and n > 1:
        output_size = [None, *bins[1:]]
        bins = [sizes[0], *bins[1:]]
    else:
        output_size = tuple(bins) if form == "tuple" else bins
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (*draw(st.sampled_from([(2,), (1,), (0,), ()])), draw(st.integers(1, 2)), *sizes)
    return random.normal(size=shape), output_size, tuple(bins)


def test_overlapping_bins_written_out():
    row = np.array([[0.0, 1.0, 2.0, 3.0, 4.0]])
    for make in (np.asarray, torch.tensor):
        means = np.asarray(adaptive_avg_pool1d(make(row), 3))
        assert means.tolist() == [[(0 + 1) / 2, (1 + 2 + 3) / 3, (3 + 4) / 2]]
        assert np.asarray(adaptive_max_pool1d(make(row), 3)).tolist() == [[1, 3, 4]]
        assert np.asarray(adaptive_max_pool1d(make(row[:, :2]), 5)).tolist() == [
            [0, 0, 1, 1, 1]
        ]  # more bins than pixels


@by_rank
@settings(max_examples=60)
@given(data=st.data())
def test_means_agree_with_torch_and_the_loops(n, data):
    x, output_size, bins = data.draw(cases(n))
    before = x.copy()
    output = ours("avg", n)(x, output_size)
    assert_agree(output, getattr(F, f"adaptive_avg_pool{n}d")(tensor(x), output_size))
    twin = ours("avg", n)(tensor(x), output_size)
    assert isinstance(twin, torch.Tensor)
    assert_agree(twin, output)
    loops = adaptive_pool_loops(x.reshape(-1, *x.shape[-n - 1 :]), bins, np.mean)
    assert_agree(output.reshape(loops.shape), loops)
    assert output.flags.c_contiguous and output.flags.writeable and not np.shares_memory(output, x)
    np.testing.assert_array_equal(x, before)


@by_rank
@settings(max_examples=60)
@given(data=st.data())
def test_maxima_agree_with_torch_and_the_loops(n, data):
    x, output_size, bins = data.draw(cases(n))
    if data.draw(st.booleans()):
        x = x.round()  # ties
        x[x == 1] = data.draw(st.sampled_from([1, np.nan, -np.inf]))
    values, places = ours("max", n)(x, output_size, return_indices=True)
    expected = getattr(F, f"adaptive_max_pool{n}d")(tensor(x), output_size, return_indices=True)
    assert_agree(values, expected[0], 0)
    assert_agree(places, expected[1], 0)
    assert_agree(ours("max", n)(x, output_size), values, 0)
    assert_agree(ours("max", n)(tensor(x), output_size, True)[1], places, 0)
    loops = adaptive_pool_loops(x.reshape(-1, *x.shape[-n - 1 :]), bins, np.max)
    assert_agree(values.reshape(loops.shape), loops, 0)
    for output in (values, places):
        assert output.flags.c_contiguous and output.flags.writeable and not np.shares_memory(output, x)


@by_rank
@kinds
@settings(max_examples=60)
@given(data=st.data())
def test_gradients_agree_with_autograd(kind, n, data):
    x, output_size, bins = data.draw(cases(n))
    output = ours(kind, n)(x, output_size)
    grad = np.random.default_rng(0).normal(size=output.shape)
    leaf = tensor(x, requires_grad=True)
    if 0 in bins:  # torch refuses to send back from no bins at all
        leaf.grad = torch.zeros_like(leaf)
    else:
        getattr(F, f"adaptive_{kind}_pool{n}d")(leaf, output_size).backward(tensor(grad))
    of = x.shape if kind == "avg" else x
    gradient = ours(kind, n, "_backward")(grad, of, output_size)
    assert_agree(gradient, leaf.grad)
    twin = ours(kind, n, "_backward")(tensor(grad), of if kind == "avg" else tensor(x), output_size)
    assert isinstance(twin, torch.Tensor)
    assert_agree(twin, gradient)
    assert gradient.flags.c_contiguous and gradient.flags.writeable and not np.shares_memory(gradient, grad)


@by_rank
@settings(max_examples=15)
@given(data=st.data())
def test_gradients_agree_with_finite_differences(n, data):
    x, output_size, _ = data.draw(cases(n, room=3))
    x = np.random.default_rng(1).permutation(x.size).reshape(x.shape).astype(float)  # no ties
    for kind in ("avg", "max"):
        grad = np.random.default_rng(2).normal(size=ours(kind, n)(x, output_size).shape)
        gradient = ours(kind, n, "_backward")(grad, x.shape if kind == "avg" else x, output_size)
        found = finite_difference(lambda x, k=kind, g=grad: (ours(k, n)(x, output_size) * g).sum(), x, 1e-3)
        np.testing.assert_allclose(gradient, found, atol=1e-8)


@by_rank
@given(data=st.data())
def test_the_gradient_of_a_mean_is_its_transpose(n, data):
    x, output_size, _ = data.draw(cases(n))
    output = ours("avg", n)(x, output_size)
    grad = np.random.default_rng(3).normal(size=output.shape)
    backward = (x * ours("avg", n, "_backward")(grad, x.shape, output_size)).sum()
    assert math.isclose((output * grad).sum(), backward, rel_tol=1e-10, abs_tol=1e-10)


@by_rank
@kinds
def test_one_bin_is_the_whole_image(kind, n):
    x = np.random.default_rng(4).normal(size=(2, 3, *(5, 4, 6)[:n]))
    reduce = {"avg": np.mean, "max": np.max}[kind]
    pool = getattr(convlib, f"global_{kind}_pool{n}d")
    expected = reduce(x, axis=tuple(range(2, 2 + n)), keepdims=True)
    assert_agree(pool(x), expected)
    assert_agree(pool(tensor(x)), expected)
    assert_agree(pool(x[0]), expected[0])
    assert_agree(ours(kind, n)(x, 1), expected)


def test_a_bin_for_each_pixel_changes_nothing():
    x = np.random.default_rng(5).normal(size=(2, 3, 5, 4))
    for pool in (adaptive_avg_pool2d, adaptive_max_pool2d):
        assert_agree(pool(x, (5, 4)), x, 0)
        assert_agree(pool(x, (None, None)), x, 0)
        assert not np.shares_memory(pool(x, (None, None)), x)


def test_bins_that_tile_are_windows_and_the_mean_over_bins_is_mode_area():
    x = np.random.default_rng(6).normal(size=(2, 3, 6, 9))
    assert_agree(adaptive_avg_pool2d(x, (2, 3)), avg_pool2d(x, 3))
    assert_agree(adaptive_max_pool2d(x, (2, 3)), max_pool2d(x, 3), 0)
    assert_agree(adaptive_avg_pool2d(x, (4, 5)), interpolate(x, (4, 5), mode="area"), 0)


def test_global_pooling_gives_the_same_shape_for_images_of_every_size():
    for size in ((1, 1), (5, 4), (31, 7)):
        assert global_avg_pool2d(np.ones((2, 3, *size))).shape == (2, 3, 1, 1)
        assert global_max_pool2d(np.ones((3, *size))).shape == (3, 1, 1)


def test_the_gradient_of_global_pooling_is_that_of_one_bin():
    x = np.random.default_rng(7).normal(size=(2, 3, 4, 5))
    grad = np.ones((2, 3, 1, 1))
    for pool, gradient in (
        (global_avg_pool2d, adaptive_avg_pool2d_backward(grad, x.shape, 1)),
        (global_max_pool2d, adaptive_max_pool2d_backward(grad, x, 1)),
    ):
        leaf = tensor(x, requires_grad=True)
        pool(leaf).sum().backward()
        assert_agree(gradient, leaf.grad)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "float64", "complex64"]
)
@by_rank
@kinds
def test_arrays_are_taken_in_the_number_types_that_torch_takes(kind, n, dtype):
    array = np.ones((1, 1, *(4,) * n), dtype)
    try:
        expected = getattr(F, f"adaptive_{kind}_pool{n}d")(tensor(array), 3)
    except NotImplementedError:
        for call in (
            lambda: ours(kind, n)(array, 3),
            lambda: getattr(convlib, f"global_{kind}_pool{n}d")(array),
        ):
            with pytest.raises(
                TypeError, match=rf"pool{n}d: it is for floating-point numbers, as in torch; got {dtype}"
            ):
                call()
    else:
        assert_agree(ours(kind, n)(array, 3), expected, 2**-10)


@by_rank
def test_half_precision_is_rounded_once_at_the_end(n):
    half = np.random.default_rng(8).normal(size=(2, 2, *(7,) * n)).astype("float16")
    for call in (
        lambda x: ours("avg", n)(x, 3),
        lambda x: ours("avg", n, "_backward")(x, (2, 2, *(9,) * n), 7),
    ):
        output = call(half)
        assert output.dtype == np.float16
        np.testing.assert_allclose(
            output.astype("float64"), call(half.astype("float64")), rtol=2**-11 + 1e-5, atol=1e-6
        )
    grad = np.full((2, 2, *(5,) * n), 0.1, "float16")
    gradient = ours("max", n, "_backward")(grad, half, 5)
    exact = ours("max", n, "_backward")(grad.astype("float64"), half.astype("float64"), 5)
    assert gradient.dtype == np.float16
    np.testing.assert_allclose(gradient.astype("float64"), exact, rtol=2**-11 + 1e-5, atol=1e-6)


def test_views_read_only_arrays_and_the_other_byte_order_are_taken():
    view = np.random.default_rng(9).normal(size=(2, 4, 7, 8))[::-1, ::2, :, ::-1]
    view.flags.writeable = False
    plain = np.ascontiguousarray(view)
    for call in (
        lambda x: adaptive_avg_pool2d(x, (3, 5)), lambda x: adaptive_max_pool2d(x, (3, 5)),
        lambda x: adaptive_avg_pool2d_backward(x, (2, 2, 9, 9), (7, 8)),
        lambda x: adaptive_max_pool2d_backward(x[..., :3, :5], x, (3, 5)),
    ):  # fmt: skip
        assert_agree(call(view), call(plain), 0)
        np.testing.assert_allclose(call(plain.astype(">f8")), call(plain), rtol=1e-12)
    for pool in (adaptive_avg_pool2d, adaptive_max_pool2d):
        assert pool(plain.astype(">f4"), 2).dtype == np.dtype(">f4")


@pytest.mark.parametrize("shape", [(2, 0, 4), (0, 4), (2, 0, 4, 4), (0, 4, 4), (2, 0, 4, 4, 4), (0, 4, 4, 4)])
@pytest.mark.parametrize("n", [1, 2, 3])
@kinds
def test_no_channels_are_taken_where_torch_takes_them(kind, n, shape):
    if len(shape) not in (n + 1, n + 2):
        return
    try:
        expected = getattr(F, f"adaptive_{kind}_pool{n}d")(torch.ones(shape), 2)
    except RuntimeError:
        for array in (np.ones(shape), torch.ones(shape)):
            with pytest.raises(ValueError, match=rf"adaptive_{kind}_pool{n}d: only the batch may be empty"):
                ours(kind, n)(array, 2)
    else:
        assert ours(kind, n)(np.ones(shape), 2).shape == tuple(expected.shape)


x, g = zeros(1, 5, 5), zeros(1, 2, 2)

WRONG = [
    (adaptive_avg_pool2d, ([1], 2), {}, "TypeError: adaptive_avg_pool2d: input must be a NumPy array or a torch tensor, got list"),
    (adaptive_avg_pool2d, (zeros(5, 5), 2), {}, "ValueError: adaptive_avg_pool2d: input must be (N, C, H, W) or (C, H, W), got (5, 5)"),
    (adaptive_avg_pool2d, (zeros(1, 0, 5), 2), {}, "ValueError: adaptive_avg_pool2d: only the batch may be empty, got (1, 0, 5)"),
    (adaptive_avg_pool2d, (x, -1), {}, "ValueError: adaptive_avg_pool2d: output_size must be at least 0, got -1"),
    (adaptive_avg_pool2d, (x, (2, -1)), {}, "ValueError: adaptive_avg_pool2d: output_size must be at least 0, got (2, -1)"),
    (adaptive_avg_pool2d, (x, (2,)), {}, "ValueError: adaptive_avg_pool2d: output_size must be one integer or 2, got (2,)"),
    (adaptive_avg_pool2d, (x, None), {}, "TypeError: adaptive_avg_pool2d: output_size must be an integer or 2 integers, got None"),
    (adaptive_avg_pool2d, (x, "22"), {}, "TypeError: adaptive_avg_pool2d: output_size must be an integer or 2 integers, got '22'"),
    (adaptive_avg_pool1d, (x, (None,)), {}, "TypeError: adaptive_avg_pool1d: output_size must be an integer, got (None,)"),
    (adaptive_avg_pool2d, (x, 2**17), {}, "ValueError: adaptive_avg_pool2d: the result and its scratch would take 512 GiB, more than the 64 GiB that are allowed"),
    (adaptive_avg_pool2d_backward, (g, (1, 5, 5), 3), {}, "ValueError: adaptive_avg_pool2d_backward: grad_output is (1, 2, 2) but the output for input (1, 5, 5) is (1, 3, 3)"),
    (adaptive_avg_pool2d_backward, (g, 5, 2), {}, "TypeError: adaptive_avg_pool2d_backward: input_size must be a sequence of integers, got 5"),
    (adaptive_avg_pool2d_backward, (zeros(1, 2, 2, dtype="int64"), (1, 5, 5), 2), {}, "TypeError: adaptive_avg_pool2d_backward: gradients are of real floating-point numbers, got int64"),
    (adaptive_max_pool2d, (x, 2, 1), {}, "TypeError: adaptive_max_pool2d: return_indices must be True or False, got 1"),
    (adaptive_max_pool2d, (zeros(1, 0, 5, 5), 2), {}, "ValueError: adaptive_max_pool2d: only the batch may be empty, got (1, 0, 5, 5)"),
    (adaptive_max_pool2d_backward, (g, x, 3), {}, "ValueError: adaptive_max_pool2d_backward: grad_output is (1, 2, 2) but the output for input (1, 5, 5) is (1, 3, 3)"),
    (adaptive_max_pool2d_backward, (zeros(1, 2, 2, dtype="float32"), x, 2), {}, "TypeError: adaptive_max_pool2d_backward: grad_output is float32 but input is float64; they must be equal"),
    (global_avg_pool2d, (zeros(5, 5),), {}, "ValueError: global_avg_pool2d: input must be (N, C, H, W) or (C, H, W), got (5, 5)"),
    (global_max_pool2d, (zeros(2, 0, 5, 5),), {}, "ValueError: global_max_pool2d: only the batch may be empty, got (2, 0, 5, 5)"),
    (global_max_pool2d, (3,), {}, "TypeError: global_max_pool2d: input must be a NumPy array or a torch tensor, got int"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"), WRONG, ids=[case[-1] for case in WRONG]
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)


def test_bins_are_counted_by_integers_of_numpy_too():
    volume = ramp(1, 2, 4, 4, 4)
    for pool in (convlib.adaptive_avg_pool3d, convlib.adaptive_max_pool3d):
        assert_agree(pool(tensor(volume), np.int64(2)), pool(volume, 2))
        assert_agree(pool(tensor(volume), [np.int64(2), None, 2]), pool(volume, (2, None, 2)))


def test_a_mean_of_whole_or_complex_numbers_is_refused_for_one_bin_too():
    for dtype in (torch.int64, torch.complex64):
        with pytest.raises(TypeError) as caught:
            adaptive_avg_pool1d(torch.ones(1, 4, dtype=dtype), 1)
        assert (
            str(caught.value)
            == f"adaptive_avg_pool1d: it is for floating-point numbers, as in torch; got {dtype}"
        )


def test_nan_and_infinity_stay_in_their_bins():
    volume = ramp(1, 6)
    volume[0, 4] = np.nan
    assert np.isnan(adaptive_avg_pool1d(volume, 3)).tolist() == [[False, False, True]]
    assert np.isnan(adaptive_max_pool1d(volume, 3)).tolist() == [[False, False, True]]

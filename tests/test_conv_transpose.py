# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import assert_agree, cases, ramp, tensor, zeros
from catalogue import assert_refused
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_torch_ops import numbers

import convlib
from convlib import (
    channel_shuffle,
    conv2d,
    conv2d_backward,
    conv_matrix,
    conv_output_size,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose2d_backward,
    conv_transpose3d,
    conv_transpose_output_size,
    pixel_shuffle,
    pixel_unshuffle,
)
from convlib.oracles import (
    channel_shuffle_loops,
    conv_transpose_by_zeros,
    conv_transpose_loops,
    finite_difference,
    pixel_shuffle_loops,
)

any_axes = pytest.mark.parametrize("n", [1, 2, 3])


def operation(n: int):
    return (conv_transpose1d, conv_transpose2d, conv_transpose3d)[n - 1]


def torchs(n: int):
    return (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[n - 1]


@dataclass
class Case:
    """A transposed convolution; `options` as a caller may write them, `plain` with one entry for each axis."""

    input: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | None
    options: dict[str, Any]
    plain: dict[str, Any]
    output_shape: tuple[int, ...]
    random: np.random.Generator

    @property
    def arrays(self):
        return self.input, self.weight, self.bias

    @property
    def batch(self) -> np.ndarray:
        return self.input if self.input.ndim == self.weight.ndim else self.input[None]


@st.composite
def drawn(draw, n: int, largest_kernel: int = 3, largest_size: int = 3) -> Case:
    """Every option, in every form; output padding up to its limit, padding up to where one pixel is left."""

    def form(numbers):
        given = draw(st.sampled_from(["tuple", "list", "int"]))
        return (
            numbers[0]
            if given == "int" and len(set(numbers)) == 1
            else tuple(numbers)
            if given == "tuple"
            else numbers
        )

    def one_per_axis(low, high):
        if draw(st.booleans()):
            return [draw(st.integers(low, high))] * n
        return draw(st.lists(st.integers(low, high), min_size=n, max_size=n))

    if n == 3:
        largest_kernel, largest_size = 2, 2
    kernel, size = one_per_axis(1, largest_kernel), one_per_axis(1, largest_size)
    stride, dilation = one_per_axis(1, 4), one_per_axis(1, 3)
    extra = [draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)]
    full = [(size[a] - 1) * stride[a] + dilation[a] * (kernel[a] - 1) + 1 + extra[a] for a in range(n)]
    padding = [draw(st.integers(0, min(4, (f - 1) // 2))) for f in full]
    groups, slices, maps = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    leading = draw(st.sampled_from([(2,), (1,), (0,), ()]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    plain = {
        "stride": stride,
        "padding": padding,
        "output_padding": extra,
        "groups": groups,
        "dilation": dilation,
    }
    return Case(
        input=random.normal(size=(*leading, groups * slices, *size)),
        weight=random.normal(size=(groups * slices, maps, *kernel)),
        bias=random.normal(size=groups * maps) if draw(st.booleans()) else None,
        options={name: value if name == "groups" else form(value) for name, value in plain.items()},
        plain=plain,
        output_shape=(*leading, groups * maps, *(f - 2 * p for f, p in zip(full, padding, strict=True))),
        random=random,
    )


# --- sums written out -------------------------------------------------------------------------------------


def test_every_number_lays_a_copy_of_the_kernel_onto_the_output():
    image, kernel = np.array([[[1.0, 2.0], [3.0, 4.0]]]), np.array([[[[10.0, 20.0], [30.0, 40.0]]]])
    output = conv_transpose2d(image, kernel)
    assert output.shape == (1, 3, 3)
    assert output[0].tolist() == [
        [1 * 10, 1 * 20 + 2 * 10, 2 * 20],
        [1 * 30 + 3 * 10, 1 * 40 + 2 * 30 + 3 * 20 + 4 * 10, 2 * 40 + 4 * 20],
        [3 * 30, 3 * 40 + 4 * 30, 4 * 40],
    ]


def test_stride_dilation_and_both_paddings_written_out():
    row, kernel = np.array([[1, 2, 3]]), np.array([[[10, 100]]])
    # taps two apart, copies three apart:        10 0 100 | 20 0 200 | 30 0 300
    spread = [1 * 10, 0, 1 * 100, 2 * 10, 0, 2 * 100, 3 * 10, 0, 3 * 100]
    assert conv_transpose1d(row, kernel, stride=3, dilation=2).tolist() == [spread]
    assert conv_transpose1d(row, kernel, stride=3, dilation=2, padding=2).tolist() == [spread[2:-2]]
    assert conv_transpose1d(row, kernel, stride=3, dilation=2, output_padding=2).tolist() == [[*spread, 0, 0]]
    # output padding gives back what padding took away, so kernels reach it
    assert conv_transpose1d(row, kernel, stride=3, dilation=2, padding=2, output_padding=1).tolist() == [
        spread[2:-1]
    ]


def test_channels_and_groups_written_out():
    """Weight (C_in, C_out / groups, kh, kw): input channel 0 and 1 make maps 0 and 1, channels 2 and 3 maps 2 and 3."""
    pixel = np.array([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1)
    weight = np.array([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0], [70.0, 80.0]]).reshape(4, 2, 1, 1)
    output = conv_transpose2d(pixel, weight, np.array([0.1, 0.2, 0.3, 0.4]), groups=2)
    assert output.ravel().tolist() == [
        1 * 10 + 2 * 30 + 0.1, 1 * 20 + 2 * 40 + 0.2, 3 * 50 + 4 * 70 + 0.3, 3 * 60 + 4 * 80 + 0.4,
    ]  # fmt: skip
    output = conv_transpose2d(pixel, weight)
    assert output.ravel().tolist() == [1 * 10 + 2 * 30 + 3 * 50 + 4 * 70, 1 * 20 + 2 * 40 + 3 * 60 + 4 * 80]


def test_the_bias_is_added_where_no_kernel_reaches_too():
    output = conv_transpose1d(np.array([[1.0, 1.0]]), np.ones((1, 2, 1)), np.array([10.0, 20.0]), 3, 0, 2)
    assert output.tolist() == [[11, 10, 10, 11, 10, 10], [21, 20, 20, 21, 20, 20]]


def test_groups_come_before_dilation_as_in_torch():
    image, weight = ramp(2, 2, 2), ramp(2, 1, 2, 2)
    by_name = conv_transpose2d(
        image, weight, None, stride=2, padding=1, output_padding=1, groups=2, dilation=3
    )
    assert_agree(conv_transpose2d(image, weight, None, 2, 1, 1, 2, 3), by_name)
    assert_agree(F.conv_transpose2d(tensor(image), tensor(weight), None, 2, 1, 1, 2, 3), by_name)
    for gradient, expected in zip(
        conv_transpose2d_backward(by_name, image, weight, 2, 1, 1, 2, 3),
        conv_transpose2d_backward(
            by_name, image, weight, stride=2, padding=1, output_padding=1, groups=2, dilation=3
        ),
        strict=True,
    ):
        assert_agree(gradient, expected)


def test_the_judges_written_out():
    row, kernel = np.array([[[1, 2]]]), np.array([[[3, 4, 5]]])
    expected = [1 * 3, 1 * 4, 1 * 5 + 2 * 3, 2 * 4, 2 * 5, 0]
    for judge in (conv_transpose_loops, conv_transpose_by_zeros):
        assert judge(row, kernel, None, [2], [0], [1]).ravel().tolist() == expected
        assert judge(row, kernel, np.array([7]), [2], [1], [0]).ravel().tolist() == [
            v + 7 for v in expected[1:-2]
        ]
        assert judge(row, kernel, None, [4], [0], [0], 1, [2]).ravel().tolist() == [
            3,
            0,
            4,
            0,
            5 + 6,
            0,
            8,
            0,
            10,
        ]
        two = judge(np.array([[[1], [2]]]), np.array([[[3], [4]], [[5], [6]]]), groups=2)
        assert two.ravel().tolist() == [1 * 3, 1 * 4, 2 * 5, 2 * 6]
        assert judge(np.array([[[1], [2]]]), np.array([[[3], [4]], [[5], [6]]])).ravel().tolist() == [
            3 + 10,
            4 + 12,
        ]


# --- value, dtype, shape ----------------------------------------------------------------------------------


@any_axes
@settings(max_examples=60)
@given(data=st.data())
def test_arrays_tensors_both_judges_and_torch_agree(n, data):
    case = data.draw(drawn(n))
    output = operation(n)(*case.arrays, **case.options)
    assert isinstance(output, np.ndarray)
    assert output.shape == case.output_shape
    for judge in (conv_transpose_loops, conv_transpose_by_zeros):
        assert_agree(
            output, judge(case.batch, case.weight, case.bias, **case.plain).reshape(case.output_shape)
        )
    tensors = [tensor(array) for array in case.arrays]
    assert_agree(output, torchs(n)(*tensors, **case.options))
    twin = operation(n)(*tensors, **case.options)
    assert isinstance(twin, torch.Tensor)
    assert_agree(twin, output)


@settings(max_examples=60)
@given(drawn(2))
def test_backward_agrees_with_autograd(case):
    grad = case.random.normal(size=case.output_shape)
    x, w = tensor(case.input, requires_grad=True), tensor(case.weight, requires_grad=True)
    b = torch.zeros(case.output_shape[-3], dtype=torch.float64, requires_grad=True)
    F.conv_transpose2d(x, w, b, **case.options).backward(tensor(grad))
    for make in (lambda array: array, tensor):
        gradients = conv_transpose2d_backward(make(grad), make(case.input), make(case.weight), **case.options)
        assert isinstance(gradients, tuple)
        for gradient, leaf in zip(gradients, (x, w, b), strict=True):
            assert type(gradient) is type(make(grad))
            assert_agree(gradient, leaf.grad)


@pytest.mark.parametrize("n", [1, 3])
@settings(max_examples=30)
@given(data=st.data())
def test_backward_agrees_with_autograd_in_one_and_in_three_axes(n, data):
    case = data.draw(drawn(n))
    grad = case.random.normal(size=case.output_shape)
    x, w = tensor(case.input, requires_grad=True), tensor(case.weight, requires_grad=True)
    b = torch.zeros(case.output_shape[-n - 1], dtype=torch.float64, requires_grad=True)
    torchs(n)(x, w, b, **case.options).backward(tensor(grad))
    backward = getattr(convlib, f"conv_transpose{n}d_backward")
    for make in (lambda array: array, tensor):
        gradients = backward(make(grad), make(case.input), make(case.weight), **case.options)
        for gradient, leaf in zip(gradients, (x, w, b), strict=True):
            assert type(gradient) is type(make(grad))
            assert_agree(gradient, leaf.grad)


@settings(max_examples=15)
@given(drawn(2, largest_kernel=2, largest_size=2))
def test_backward_agrees_with_finite_differences(case):
    grad, bias = case.random.normal(size=case.output_shape), case.random.normal(size=case.output_shape[-3])

    def loss(input, weight, bias):
        return (grad * conv_transpose2d(input, weight, bias, **case.options)).sum()

    gradients = conv_transpose2d_backward(grad, case.input, case.weight, **case.options)
    # linear in each argument, so only rounding is left: about 1e-16 * |loss| / step
    assert_agree(gradients[0], finite_difference(lambda x: loss(x, case.weight, bias), case.input), 1e-7)
    assert_agree(gradients[1], finite_difference(lambda w: loss(case.input, w, bias), case.weight), 1e-7)
    assert_agree(gradients[2], finite_difference(lambda b: loss(case.input, case.weight, b), bias), 1e-7)


@any_axes
@given(data=st.data())
def test_sizes_are_those_of_torch(n, data):
    case = data.draw(drawn(n))
    options = {name: value for name, value in case.options.items() if name != "groups"}
    size, kernel = case.input.shape[-n:], case.weight.shape[2:]
    assert conv_transpose_output_size(size, kernel, **options) == case.output_shape[-n:]
    meta = [tensor(array, device="meta") for array in (case.input, case.weight)]
    assert tuple(torchs(n)(*meta, **case.options).shape) == case.output_shape


def test_a_size_comes_back_as_it_was_given():
    assert conv_transpose_output_size(4, 3, 2, 1, 1) == (4 - 1) * 2 - 2 * 1 + (3 - 1) + 1 + 1
    assert conv_transpose_output_size((4,), 3, 2, 1, 1) == (8,)
    assert conv_transpose_output_size([4, 5], (3, 2), dilation=(1, 2)) == (4 - 1 + 2 + 1, 5 - 1 + 2 + 1)
    assert conv_transpose_output_size(np.int64(4), 3) == 4 - 1 + 2 + 1


def test_the_limit_of_output_padding_is_torch_s_on_every_axis():
    image, weight = np.ones((1, 2, 2)), np.ones((1, 1, 2, 2))
    for stride in (1, 2, 3):
        for dilation in (1, 2, 3):
            for extra in range(4):
                for options in (
                    {"stride": (stride, 4), "dilation": (dilation, 4), "output_padding": (extra, 0)},
                    {"stride": (4, stride), "dilation": (4, dilation), "output_padding": (0, extra)},
                ):
                    if extra < max(stride, dilation):
                        expected = F.conv_transpose2d(tensor(image), tensor(weight), **options)
                        assert_agree(conv_transpose2d(image, weight, **options), expected)
                    else:
                        with pytest.raises(RuntimeError):
                            F.conv_transpose2d(tensor(image), tensor(weight), **options)
                        with pytest.raises(
                            ValueError, match="output_padding must be smaller than stride or dilation"
                        ):
                            conv_transpose2d(image, weight, **options)


@any_axes
@settings(max_examples=60)
@given(data=st.data())
def test_what_torch_refuses_is_refused_and_nothing_else(n, data):
    numbers = {name: data.draw(st.lists(st.integers(low, high), min_size=n, max_size=n), name) for name, low, high in (
        ("size", 0, 3), ("kernel", 0, 2), ("stride", 0, 3), ("padding", -1, 4), ("output_padding", -1, 3), ("dilation", 0, 3),
    )}  # fmt: skip
    if data.draw(st.booleans()):  # otherwise hardly any call would pass
        for name, least in (
            ("size", 1),
            ("kernel", 1),
            ("stride", 1),
            ("padding", 0),
            ("output_padding", 0),
            ("dilation", 1),
        ):
            numbers[name] = [max(number, least) for number in numbers[name]]
    x, w = np.ones((1, 2, *numbers.pop("size"))), np.ones((2, 1, *numbers.pop("kernel")))
    groups = data.draw(st.integers(0, 3))
    try:
        expected = torchs(n)(tensor(x), tensor(w), groups=groups, **numbers)
    except RuntimeError:
        with pytest.raises(ValueError, match=f"^conv_transpose{n}d: "):
            operation(n)(x, w, groups=groups, **numbers)
    else:
        assert_agree(operation(n)(x, w, groups=groups, **numbers), expected)


def test_padding_may_take_away_everything_that_a_kernel_reached():
    """Two of the seven pixels are left, and both were added behind the only kernel."""
    options = {"stride": 6, "padding": 2, "output_padding": 5}
    one = np.full((1, 1), 7.0)
    output = conv_transpose1d(one, one[None], **options)
    assert output.tolist() == [[0, 0]]
    assert_agree(output, F.conv_transpose1d(tensor(one), tensor(one[None]), **options))
    image, grad = one[None], np.ones((1, 2, 2))
    for gradient in conv_transpose2d_backward(grad, image, image[None], **options)[:2]:
        assert gradient.ravel().tolist() == [0]


# --- number types -----------------------------------------------------------------------------------------


@any_axes
@settings(max_examples=25)
@given(data=st.data())
def test_smaller_number_types_are_rounded_once_at_the_end(n, data):
    case = data.draw(drawn(n))
    for dtype, tolerance in (("float16", 2**-11 + 1e-5), ("float32", 2e-5)):
        small = [None if array is None else array.astype(dtype) for array in case.arrays]
        wide = [None if array is None else array.astype("float64") for array in small]
        output = operation(n)(*small, **case.options)
        assert output.dtype == dtype
        exact = operation(n)(*wide, **case.options)
        np.testing.assert_allclose(output.astype("float64"), exact, rtol=tolerance, atol=1e-5)
        if n == 2:
            grad = case.random.normal(size=case.output_shape).astype(dtype)
            gradients = conv_transpose2d_backward(grad, *small[:2], **case.options)
            exacts = conv_transpose2d_backward(grad.astype("float64"), *wide[:2], **case.options)
            for gradient, exact in zip(gradients, exacts, strict=True):
                assert gradient.dtype == dtype
                np.testing.assert_allclose(gradient.astype("float64"), exact, rtol=tolerance, atol=3e-5)


@pytest.mark.parametrize("dtype", ["<f2", ">f2"])
def test_sums_that_would_stall_in_half_precision_do_not(dtype):
    """2049 is no half-precision number, so ones added one by one would stay at 2048."""
    ones = np.ones((3000, 1, 1, 1), dtype)
    assert conv_transpose2d(ones.reshape(1, 3000, 1, 1), ones).ravel() == 3000
    assert (
        conv_transpose1d(np.ones((1, 3000), dtype), np.ones((1, 1, 3000), dtype))[0, 2999] == 3000
    )  # overlaps
    _, grad_weight, grad_bias = conv_transpose2d_backward(ones, ones, ones[:1])
    assert grad_weight.ravel().tolist() == [3000]
    assert grad_bias.tolist() == [3000]
    assert grad_bias.dtype == grad_weight.dtype == np.dtype(dtype)


@any_axes
def test_int64_wraps_around_as_in_torch(n):
    random, limits = np.random.default_rng(n), np.iinfo("int64")
    x, w, b = (
        random.integers(limits.min, limits.max, shape, "int64", endpoint=True)
        for shape in ((2, 4, *(3,) * n), (4, 2, *(2,) * n), (4,))
    )
    options = {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2}
    output = operation(n)(x, w, b, **options)
    assert_agree(output, torchs(n)(tensor(x), tensor(w), tensor(b), **options), 0)
    with np.errstate(over="ignore"):
        assert_agree(output, conv_transpose_loops(x, w, b, [2] * n, [1] * n, [1] * n, 2), 0)
    swapped = operation(n)(*(array.astype(">i8") for array in (x, w, b)), **options)
    assert swapped.dtype == np.dtype(">i8")
    assert (swapped == output).all()


@any_axes
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "uint64", "bool"])
def test_other_whole_numbers_are_refused_as_torch_refuses_them(n, dtype):
    x, w = np.ones((1, 1, *(3,) * n), dtype), np.ones((1, 1, *(2,) * n), dtype)
    with pytest.raises((NotImplementedError, RuntimeError)):
        torchs(n)(tensor(x), tensor(w))
    for make in (lambda array: array, tensor):
        with pytest.raises(TypeError, match=f"^conv_transpose{n}d: .*{dtype}"):
            operation(n)(make(x), make(w))


@any_axes
def test_complex_numbers_are_multiplied_without_conjugation(n):
    random = np.random.default_rng(n)
    x, w, b = (
        (random.normal(size=shape) + 1j * random.normal(size=shape)).astype("complex64")
        for shape in ((2, 2, *(3,) * n), (2, 3, *(2,) * n), (3,))
    )
    output = operation(n)(x, w, b, stride=2)
    assert_agree(output, torchs(n)(tensor(x), tensor(w), tensor(b), stride=2), 1e-5)
    assert_agree(output, conv_transpose_loops(x, w, b, [2] * n), 1e-5)


@pytest.mark.parametrize("where", ["input", "weight", "bias"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_flow_as_in_torch(where, value):
    random = np.random.default_rng(0)
    arrays = {
        "input": random.normal(size=(2, 3, 4, 4)), "weight": random.normal(size=(3, 2, 3, 3)),
        "bias": random.normal(size=2),
    }  # fmt: skip
    arrays["weight"][0, 0, 1, 1] = 0  # 0 * infinity is NaN
    arrays[where].flat[9 % arrays[where].size] = value
    output = conv_transpose2d(**arrays, stride=2, padding=1)
    assert not np.isfinite(output).all()
    assert_agree(output, F.conv_transpose2d(*map(tensor, arrays.values()), stride=2, padding=1))
    grad = random.normal(size=output.shape)
    twins = conv_transpose2d_backward(
        tensor(grad), *map(tensor, list(arrays.values())[:2]), stride=2, padding=1
    )
    for actual, twin in zip(
        conv_transpose2d_backward(grad, arrays["input"], arrays["weight"], stride=2, padding=1),
        twins,
        strict=True,
    ):
        assert_agree(actual, twin)


# --- how arrays lie in memory -----------------------------------------------------------------------------


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def strided(array):
    """Every second entry of a larger array, backwards."""
    return np.repeat(array, 2, axis=-1)[..., ::-2][..., ::-1]


@pytest.mark.parametrize(
    "transform", [read_only, strided, np.asfortranarray, lambda a: a.astype(">f8")],
    ids=["read-only", "strided", "column by column", "big-endian"],
)  # fmt: skip
@settings(max_examples=15)
@given(case=drawn(2))
def test_the_layout_of_the_arrays_does_not_matter(transform, case):
    arrays = [None if array is None else transform(array) for array in case.arrays]
    before = [None if array is None else array.copy() for array in arrays]
    output = conv_transpose2d(*arrays, **case.options)
    assert output.dtype == arrays[0].dtype
    np.testing.assert_allclose(output, conv_transpose2d(*case.arrays, **case.options), atol=1e-12)
    grad = case.random.normal(size=case.output_shape)
    for actual, expected in zip(
        conv_transpose2d_backward(transform(grad), *arrays[:2], **case.options),
        conv_transpose2d_backward(grad, case.input, case.weight, **case.options), strict=True,
    ):  # fmt: skip
        assert actual.dtype == arrays[0].dtype
        np.testing.assert_allclose(actual, expected, atol=1e-12)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_results_share_nothing_with_what_was_given():
    one = np.ones((1, 1, 1, 1))
    for result in (
        conv_transpose2d(one, one), *conv_transpose2d_backward(one, one, one),
        pixel_shuffle(one, 1), pixel_unshuffle(one, 1), channel_shuffle(one, 1),
    ):  # fmt: skip
        result += 1
    assert one == 1


# --- laws -------------------------------------------------------------------------------------------------


@any_axes
@settings(max_examples=40)
@given(data=st.data())
def test_it_is_the_adjoint_of_the_convolution_with_the_same_weight(n, data):
    """<conv(x, w), y> = <x, conv_transpose(y, w)>; output padding makes up for what the stride rounded away."""
    case = data.draw(
        cases(n, largest_kernel=(4, 4, 2)[n - 1], room=3).filter(
            lambda c: not isinstance(c.options["padding"], str)
        )
    )
    y = case.random.normal(size=case.output_shape)
    options = {
        "stride": case.stride,
        "padding": [before for before, _ in case.pads],
        "dilation": case.dilation,
    }
    size, kernel = case.input.shape[-n:], case.weight.shape[2:]
    smallest = [
        (count - 1) * s - 2 * p + d * (k - 1) + 1
        for count, s, p, d, k in zip(
            y.shape[-n:], case.stride, options["padding"], case.dilation, kernel, strict=True
        )
    ]
    extra = [have - least for have, least in zip(size, smallest, strict=True)]
    assert all(0 <= more < s for more, s in zip(extra, case.stride, strict=True))
    back = operation(n)(y, case.weight, output_padding=extra, groups=case.options["groups"], **options)
    assert back.shape == case.input.shape
    there = getattr(convlib, f"conv{n}d")(case.input, case.weight, groups=case.options["groups"], **options)
    assert abs((there * y).sum() - (case.input * back).sum()) <= 1e-10 * max(1, abs((there * y).sum()))
    assert conv_transpose_output_size(there.shape[-n:], kernel, output_padding=extra, **options) == size
    assert conv_output_size(size, kernel, **options) == there.shape[-n:]
    # and so it is the gradient of that convolution with respect to its input
    gradient = getattr(convlib, f"conv{n}d_input")
    assert_agree(back, gradient(case.input.shape, case.weight, y, groups=case.options["groups"], **options))


@pytest.mark.parametrize(
    "stride, padding, dilation, extra",
    [(1, 0, 1, 0), (2, 1, 1, 0), (2, 1, 2, 1), ((1, 3), (2, 0), (2, 1), (0, 2))],
)
def test_its_matrix_is_the_transposed_matrix_of_the_convolution(stride, padding, dilation, extra):
    random = np.random.default_rng(0)
    weight, y = random.normal(size=(3, 2, 2, 3)), random.normal(size=(3, 3, 4))
    output = conv_transpose2d(y, weight, None, stride, padding, extra, 1, dilation)
    matrix = conv_matrix(weight, output.shape, stride, padding, dilation)
    assert matrix.shape == (y.size, output.size)
    assert_agree(output.ravel(), matrix.T @ y.ravel())


@settings(max_examples=20)
@given(drawn(2))
def test_it_is_linear_in_the_image_and_in_the_kernel(case):
    transposed = partial(conv_transpose2d, **case.options)
    x, w = case.input, case.weight
    y, v = case.random.normal(size=x.shape), case.random.normal(size=w.shape)
    assert_agree(transposed(2 * x - 3 * y, w), 2 * transposed(x, w) - 3 * transposed(y, w))
    assert_agree(transposed(x, 2 * w - 3 * v), 2 * transposed(x, w) - 3 * transposed(x, v))


def test_it_is_not_the_inverse():
    image, kernel = ramp(1, 3, 3), np.ones((1, 1, 2, 2))
    back = conv_transpose2d(conv2d(image, kernel), kernel)
    assert back.shape == image.shape
    assert back[0, 0, 0] == 1 + 2 + 4 + 5  # where 1 was


def test_a_stride_that_does_not_divide_the_kernel_leaves_a_checkerboard():
    row = conv_transpose1d(np.ones((1, 4)), np.ones((1, 1, 3)), stride=2)
    assert row.tolist() == [[1, 1, 2, 1, 2, 1, 2, 1, 1]]
    assert conv_transpose1d(np.ones((1, 4)), np.ones((1, 1, 4)), stride=2)[0, 2:-2].tolist() == [2] * 6


@given(drawn(2))
def test_its_gradients_are_the_convolution(case):
    """Read backwards, the gradients of the two operations change places."""
    options = {name: case.options[name] for name in ("stride", "padding", "groups", "dilation")}
    *leading, height, width = case.output_shape
    size = [have - more for have, more in zip((height, width), case.plain["output_padding"], strict=True)]
    assume(min(size) > 0)
    grad = case.random.normal(size=(*leading, *size))
    grad_input, grad_weight, _ = conv_transpose2d_backward(grad, case.input, case.weight, **options)
    assert_agree(grad_input, conv2d(grad, case.weight, **options))
    back, weight_back, _ = conv2d_backward(case.input, grad, case.weight, **options)
    assert_agree(grad_weight, weight_back)
    assert_agree(back, conv_transpose2d(case.input, case.weight, **options))


# --- shuffles ---------------------------------------------------------------------------------------------

factors = st.integers(1, 3)
fronts = st.sampled_from([(2,), (1,), (0,), (), (2, 1)])


def test_shuffles_written_out():
    blocks = np.array([[[1, 5]], [[2, 6]], [[3, 7]], [[4, 8]]])
    assert pixel_shuffle(blocks, 2).tolist() == [[[1, 2, 5, 6], [3, 4, 7, 8]]]
    assert pixel_unshuffle(np.array([[[1, 2, 5, 6], [3, 4, 7, 8]]]), 2).tolist() == blocks.tolist()
    assert channel_shuffle(np.arange(6).reshape(1, 6, 1), 3).ravel().tolist() == [0, 2, 4, 1, 3, 5]


@given(r=factors, front=fronts, channels=st.integers(0, 2), height=st.integers(0, 3), width=st.integers(0, 3))
def test_pixel_shuffle_agrees_with_torch_and_the_loops(r, front, channels, height, width):
    x = np.random.default_rng(0).normal(size=(*front, channels * r**2, height, width))
    output = pixel_shuffle(x, r)
    assert_agree(output, F.pixel_shuffle(tensor(x), r), 0)
    assert_agree(pixel_shuffle(tensor(x), r), output, 0)
    if len(front) == 1:
        assert_agree(output, pixel_shuffle_loops(x, r), 0)
    back = pixel_unshuffle(output, r)
    assert_agree(back, x, 0)
    if x.size:  # torch's CPU kernel leaves the shape of an empty input as it is
        assert_agree(F.pixel_unshuffle(tensor(output), r), x, 0)
    assert_agree(pixel_unshuffle(tensor(output), r), x, 0)


@given(
    groups=factors,
    members=st.integers(0, 3),
    images=st.integers(0, 2),
    rest=st.sampled_from([(2,), (2, 3), (0, 2), (2, 1, 2)]),
)
def test_channel_shuffle_agrees_with_torch_and_the_loops(groups, members, images, rest):
    x = np.random.default_rng(0).normal(size=(images, groups * members, *rest))
    output = channel_shuffle(x, groups)
    assert_agree(output, F.channel_shuffle(tensor(x), groups), 0)
    assert_agree(channel_shuffle(tensor(x), groups), output, 0)
    assert_agree(output, channel_shuffle_loops(x, groups), 0)
    if members:
        assert_agree(channel_shuffle(output, members), x, 0)


@pytest.mark.parametrize("shape", [(0, 4, 2, 2), (1, 0, 2, 2), (1, 4, 0, 2), (0, 8, 2, 4)])
def test_an_empty_input_changes_its_shape_all_the_same(shape):
    """As torch does it on every device but the CPU, so meta tensors are the judge."""
    for ours, theirs in ((pixel_shuffle, F.pixel_shuffle), (pixel_unshuffle, F.pixel_unshuffle)):
        expected = theirs(torch.zeros(shape, device="meta"), 2).shape
        assert ours(np.zeros(shape), 2).shape == expected
        leaf = torch.zeros(shape, requires_grad=True)
        output = ours(leaf, 2)
        assert output.shape == expected
        output.sum().backward()
        assert leaf.grad.shape == shape


SHUFFLES = [
    (partial(pixel_shuffle, upscale_factor=2), partial(pixel_unshuffle, downscale_factor=2), (2, 8, 2, 3)),
    (partial(pixel_unshuffle, downscale_factor=3), partial(pixel_shuffle, upscale_factor=3), (1, 2, 3, 6)),
    (partial(channel_shuffle, groups=2), partial(channel_shuffle, groups=3), (2, 6, 2, 2)),
]


@pytest.mark.parametrize(("shuffle", "inverse", "shape"), SHUFFLES, ids=["pixel", "unshuffle", "channel"])
def test_the_gradient_of_a_shuffle_is_its_inverse(shuffle, inverse, shape):
    random = np.random.default_rng(0)
    x = random.normal(size=shape)
    grad = random.normal(size=shuffle(x).shape)
    leaf = tensor(x, requires_grad=True)
    shuffle(leaf).backward(tensor(grad))
    assert_agree(inverse(grad), leaf.grad, 0)
    assert_agree(inverse(grad), finite_difference(lambda x: (shuffle(x) * grad).sum(), x), 1e-7)
    assert_agree(inverse(shuffle(x)), x, 0)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "complex64", ">f4"])
@pytest.mark.parametrize(("shuffle", "inverse", "shape"), SHUFFLES, ids=["pixel", "unshuffle", "channel"])
def test_shuffles_move_numbers_of_any_type_and_layout(shuffle, inverse, shape, dtype):
    x = (np.arange(np.prod(shape)) % 7).reshape(shape).astype(dtype)
    assert shuffle(x).dtype == np.dtype(dtype)
    if dtype != ">f4":
        assert_agree(shuffle(x), shuffle(tensor(x)), 0)
    for layout in (read_only, strided, np.asfortranarray):
        assert_agree(shuffle(layout(x)), shuffle(x), 0)


@pytest.mark.parametrize("r", [1, 2, 3])
def test_pixel_shuffle_is_a_transposed_convolution_whose_kernels_hold_a_single_one(r):
    x = np.random.default_rng(r).normal(size=(2, 2 * r**2, 3, 2))
    weight = np.zeros((2 * r**2, 2, r, r))
    for c, u, v in np.ndindex(2, r, r):
        weight[c * r**2 + u * r + v, c, u, v] = 1
    assert_agree(conv_transpose2d(x, weight, stride=r), pixel_shuffle(x, r))


# --- torch's side: see also test_torch_ops.py -------------------------------------------------------------


def test_a_layer_of_torch_is_the_same():
    layer = torch.nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2)
    image = numbers(1, 4, 3, 3, dtype=torch.float32)
    output = conv_transpose2d(image, layer.weight, layer.bias, 2, 1, 1, 2)
    torch.testing.assert_close(output, layer(image))
    assert output.requires_grad
    assert_agree(
        conv_transpose2d(image.numpy(), layer.weight.detach().numpy(), layer.bias.detach().numpy(), 2, 1, 1, 2),
        layer(image), 1e-5,
    )  # fmt: skip


def test_computing_with_arrays_never_imports_torch():
    code = """
import sys
import numpy as np
from convlib import *
x, w = np.ones((1, 4, 2, 2)), np.ones((4, 1, 2, 2))
conv_transpose2d_backward(conv_transpose2d(x, w, np.ones(1)), x, w)
conv_transpose1d(x[0, :, 0], w[:, :, 0]), conv_transpose3d(x, np.ones((1, 1, 1, 1, 1)))
pixel_unshuffle(pixel_shuffle(x, 2), 2), channel_shuffle(x, 2)
print("torch" in sys.modules)
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.stdout.strip() == "False", finished.stderr


# --- wrong calls ------------------------------------------------------------------------------------------

x, w, g = zeros(1, 2, 3, 3), zeros(2, 3, 2, 2), zeros(1, 3, 4, 4)
huge = zeros(1, 1, 2**18, 2**18)

WRONG = [
    # shapes
    (conv_transpose2d, (zeros(1, 3, 3, 3), w), {}, "ValueError: conv_transpose2d: input has 3 channels but weight expects 2 (input (1, 3, 3, 3), weight (2, 3, 2, 2))"),
    (conv_transpose2d, (x, w), {"groups": 3}, "ValueError: conv_transpose2d: 2 input channels cannot be split into 3 groups (weight (2, 3, 2, 2))"),
    (conv_transpose2d, (zeros(3, 3), w), {}, "ValueError: conv_transpose2d: input must be (N, C, H, W) or (C, H, W), got (3, 3)"),
    (conv_transpose1d, (zeros(3), zeros(1, 1, 2)), {}, "ValueError: conv_transpose1d: input must be (N, C, W) or (C, W), got (3,)"),
    (conv_transpose3d, (zeros(3, 3, 3), zeros(1, 1, 2, 2, 2)), {}, "ValueError: conv_transpose3d: input must be (N, C, D, H, W) or (C, D, H, W), got (3, 3, 3)"),
    (conv_transpose2d, (x, zeros(2, 2)), {}, "ValueError: conv_transpose2d: weight must be (C_in, C_out / groups, kh, kw), none of them 0; got (2, 2)"),
    (conv_transpose1d, (zeros(2, 3), zeros(2, 0, 2)), {}, "ValueError: conv_transpose1d: weight must be (C_in, C_out / groups, kw), none of them 0; got (2, 0, 2)"),
    (conv_transpose3d, (x, zeros(2, 1, 0, 2, 2)), {}, "ValueError: conv_transpose3d: weight must be (C_in, C_out / groups, kd, kh, kw), none of them 0; got (2, 1, 0, 2, 2)"),
    (conv_transpose2d, (zeros(1, 2, 0, 3), w), {}, "ValueError: conv_transpose2d: input (1, 2, 0, 3) has no pixels"),
    (conv_transpose2d, (x, w, zeros(2)), {}, "ValueError: conv_transpose2d: bias must hold one number for each of the 3 output channels, got (2,)"),
    (conv_transpose2d, (x, w, zeros(3)), {"groups": 2}, "ValueError: conv_transpose2d: bias must hold one number for each of the 6 output channels, got (3,)"),
    (conv_transpose1d, (zeros(2, 3), zeros(2, 3, 2), zeros(1, 3)), {}, "ValueError: conv_transpose1d: bias must hold one number for each of the 3 output channels, got (1, 3)"),
    # sizes
    (conv_transpose2d, (x, w), {"output_padding": 1}, "ValueError: conv_transpose2d: output_padding must be smaller than stride or dilation, got 1 along spatial axis 0 with stride 1 and dilation 1"),
    (conv_transpose2d, (x, w), {"stride": (2, 1), "dilation": (1, 2), "output_padding": (1, 2)}, "ValueError: conv_transpose2d: output_padding must be smaller than stride or dilation, got 2 along spatial axis 1 with stride 1 and dilation 2"),
    (conv_transpose2d, (x, w), {"padding": (1, 2)}, "ValueError: conv_transpose2d: padding 2 on either side leaves nothing of the 4 pixels along spatial axis 1"),
    (conv_transpose2d, (x, w), {"stride": 2, "padding": 4, "output_padding": 1}, "ValueError: conv_transpose2d: padding 4 on either side leaves nothing of the 7 pixels along spatial axis 0"),
    (conv_transpose_output_size, (3, 2, 1, 2), {}, "ValueError: conv_transpose_output_size: padding 2 on either side leaves nothing of the 4 pixels along spatial axis 0"),
    (conv_transpose_output_size, ((3, 3), 2, 2, 0, (0, 2)), {}, "ValueError: conv_transpose_output_size: output_padding must be smaller than stride or dilation, got 2 along spatial axis 1 with stride 2 and dilation 1"),
    (conv_transpose_output_size, (0, 2), {}, "ValueError: conv_transpose_output_size: input_size must be at least 1, got 0"),
    (conv_transpose_output_size, (3, 0), {}, "ValueError: conv_transpose_output_size: kernel_size must be at least 1, got 0"),
    (conv_transpose_output_size, ((3, 3), (1, 2, 3)), {}, "ValueError: conv_transpose_output_size: kernel_size must be one integer or 2, got (1, 2, 3)"),
    (conv_transpose_output_size, (3.0, 2), {}, "TypeError: conv_transpose_output_size: input_size must be an integer, got 3.0"),
    # options
    (conv_transpose2d, (x, w), {"stride": 0}, "ValueError: conv_transpose2d: stride must be at least 1, got 0"),
    (conv_transpose2d, (x, w), {"stride": True}, "TypeError: conv_transpose2d: stride must be an integer or 2 integers, got True"),
    (conv_transpose2d, (x, w), {"stride": (1, 2, 3)}, "ValueError: conv_transpose2d: stride must be one integer or 2, got (1, 2, 3)"),
    (conv_transpose2d, (x, w), {"padding": -1}, "ValueError: conv_transpose2d: padding must be at least 0, got -1"),
    (conv_transpose2d, (x, w), {"padding": "same"}, "TypeError: conv_transpose2d: padding must be an integer or 2 integers, got 'same'"),
    (conv_transpose2d, (x, w), {"output_padding": -1}, "ValueError: conv_transpose2d: output_padding must be at least 0, got -1"),
    (conv_transpose2d, (x, w), {"output_padding": None}, "TypeError: conv_transpose2d: output_padding must be an integer or 2 integers, got None"),
    (conv_transpose2d, (x, w), {"dilation": (1, 0)}, "ValueError: conv_transpose2d: dilation must be at least 1, got (1, 0)"),
    (conv_transpose2d, (x, w), {"groups": 0}, "ValueError: conv_transpose2d: groups must be at least 1, got 0"),
    (conv_transpose2d, (x, w), {"groups": (1,)}, "TypeError: conv_transpose2d: groups must be an integer, got (1,)"),
    (conv_transpose1d, (zeros(2, 3), zeros(2, 3, 2)), {"stride": 2.0}, "TypeError: conv_transpose1d: stride must be an integer, got 2.0"),
    # types
    (conv_transpose2d, ([[1]], w), {}, "TypeError: conv_transpose2d: input must be a NumPy array or a torch tensor, got list"),
    (conv_transpose2d, (x, [[1]]), {}, "TypeError: conv_transpose2d: weight must be a NumPy array or a torch tensor, got list"),
    (conv_transpose2d, (x, w, 1.0), {}, "TypeError: conv_transpose2d: bias must be a NumPy array or a torch tensor, got float"),
    (conv_transpose2d, (x, zeros(2, 3, 2, 2, dtype="float32")), {}, "TypeError: conv_transpose2d: input is float64 but weight is float32; they must be equal"),
    (conv_transpose2d, (x, w, zeros(3, dtype="float32")), {}, "TypeError: conv_transpose2d: input is float64 but bias is float32; they must be equal"),
    (conv_transpose1d, (zeros(1, 3, dtype="bool"), zeros(1, 1, 2, dtype="bool")), {}, "TypeError: conv_transpose1d: bool has no products to add; convert to a number type first"),
    (conv_transpose1d, (zeros(1, 3, dtype="int32"), zeros(1, 1, 2, dtype="int32")), {}, "TypeError: conv_transpose1d: of the whole numbers torch offers it for int64 alone, got int32"),
    # gradients
    (conv_transpose2d_backward, (zeros(1, 3, 4, 5), x, w), {}, "ValueError: conv_transpose2d_backward: grad_output is (1, 3, 4, 5) but the output of this transposed convolution is (1, 3, 4, 4) (input (1, 2, 3, 3), weight (2, 3, 2, 2))"),
    (conv_transpose2d_backward, (zeros(3, 4, 4), x, w), {}, "ValueError: conv_transpose2d_backward: grad_output is (3, 4, 4) but the output of this transposed convolution is (1, 3, 4, 4) (input (1, 2, 3, 3), weight (2, 3, 2, 2))"),
    (convlib.conv_transpose1d_backward, (zeros(3, 4), zeros(2, 3), zeros(2, 3, 3)), {}, "ValueError: conv_transpose1d_backward: grad_output is (3, 4) but the output of this transposed convolution is (3, 5) (input (2, 3), weight (2, 3, 3))"),
    (convlib.conv_transpose3d_backward, (zeros(1, 1), zeros(1, 1), zeros(1, 1, 1, 1, 1)), {}, "ValueError: conv_transpose3d_backward: input must be (N, C, D, H, W) or (C, D, H, W), got (1, 1)"),
    (conv_transpose2d_backward, ([1], x, w), {}, "TypeError: conv_transpose2d_backward: grad_output must be a NumPy array or a torch tensor, got list"),
    (conv_transpose2d_backward, (g, [1], w), {}, "TypeError: conv_transpose2d_backward: input must be a NumPy array or a torch tensor, got list"),
    (conv_transpose2d_backward, (g, x, [1]), {}, "TypeError: conv_transpose2d_backward: weight must be a NumPy array or a torch tensor, got list"),
    (conv_transpose2d_backward, (zeros(1, 3, 4, 4, dtype="float32"), x, w), {}, "TypeError: conv_transpose2d_backward: input is float64 but grad_output is float32; they must be equal"),
    (conv_transpose2d_backward, tuple(zeros(*a.shape, dtype="int64") for a in (g, x, w)), {}, "TypeError: conv_transpose2d_backward: gradients are of real floating-point numbers, got int64"),
    (conv_transpose2d_backward, tuple(zeros(*a.shape, dtype="complex64") for a in (g, x, w)), {}, "TypeError: conv_transpose2d_backward: gradients are of real floating-point numbers, got complex64"),
    (conv_transpose2d_backward, (g, x, w), {"groups": 4}, "ValueError: conv_transpose2d_backward: 2 input channels cannot be split into 4 groups (weight (2, 3, 2, 2))"),
    # too large
    (conv_transpose2d, (huge, zeros(1, 1, 1, 1)), {}, "ValueError: conv_transpose2d: the result and its scratch would take 2048 GiB, more than the 64 GiB that are allowed"),
    (conv_transpose2d, (zeros(1, 2, 2), zeros(1, 1, 1, 1)), {"stride": 2**18}, "ValueError: conv_transpose2d: the result and its scratch would take 1024 GiB, more than the 64 GiB that are allowed"),
    # shuffles
    (pixel_shuffle, (zeros(4, 2), 2), {}, "ValueError: pixel_shuffle: input must have at least 3 axes, got (4, 2)"),
    (pixel_shuffle, (zeros(1, 6, 2, 2), 2), {}, "ValueError: pixel_shuffle: 6 channels cannot be split into blocks of 2 x 2 pixels (input (1, 6, 2, 2))"),
    (pixel_shuffle, (zeros(4, 2, 2), 0), {}, "ValueError: pixel_shuffle: upscale_factor must be at least 1, got 0"),
    (pixel_shuffle, (zeros(4, 2, 2), 2.0), {}, "TypeError: pixel_shuffle: upscale_factor must be an integer, got 2.0"),
    (pixel_shuffle, (zeros(4, 2, 2), (2,)), {}, "TypeError: pixel_shuffle: upscale_factor must be an integer, got (2,)"),
    (pixel_shuffle, ([1], 2), {}, "TypeError: pixel_shuffle: input must be a NumPy array or a torch tensor, got list"),
    (pixel_shuffle, (huge, 1), {}, "ValueError: pixel_shuffle: the result would take 512 GiB, more than the 64 GiB that are allowed"),
    (pixel_shuffle, (zeros(2**6, 2**10, 2**10, 2**10), 2), {}, "ValueError: pixel_shuffle: the result would take 512 GiB, more than the 64 GiB that are allowed"),
    (pixel_unshuffle, (zeros(2**6, 2**10, 2**10, 2**10), 2), {}, "ValueError: pixel_unshuffle: the result would take 512 GiB, more than the 64 GiB that are allowed"),
    (channel_shuffle, (zeros(2**6, 2**10, 2**10, 2**10), 2), {}, "ValueError: channel_shuffle: the result would take 512 GiB, more than the 64 GiB that are allowed"),
    (pixel_shuffle, (zeros(0, 2, 2), 2**40), {}, "ValueError: pixel_shuffle: the result would take 36028797018963968 GiB, more than the 64 GiB that are allowed"),
    (pixel_unshuffle, (zeros(1, 0, 0), 2**40), {}, "ValueError: pixel_unshuffle: the result would take 9007199254740992 GiB, more than the 64 GiB that are allowed"),
    (channel_shuffle, (zeros(1, 0, 2), 2**62), {}, "ValueError: channel_shuffle: the result would take 68719476736 GiB, more than the 64 GiB that are allowed"),
    (pixel_unshuffle, (zeros(1, 3, 2), 2), {}, "ValueError: pixel_unshuffle: an image of 3 x 2 pixels cannot be cut into blocks of 2 x 2 (input (1, 3, 2))"),
    (pixel_unshuffle, (zeros(1, 2, 3), 2), {}, "ValueError: pixel_unshuffle: an image of 2 x 3 pixels cannot be cut into blocks of 2 x 2 (input (1, 2, 3))"),
    (pixel_unshuffle, (zeros(1, 2, 2), True), {}, "TypeError: pixel_unshuffle: downscale_factor must be an integer, got True"),
    (pixel_unshuffle, (zeros(1, 2, 2), -1), {}, "ValueError: pixel_unshuffle: downscale_factor must be at least 1, got -1"),
    (channel_shuffle, (zeros(1, 6, 2), 4), {}, "ValueError: channel_shuffle: 6 channels cannot be split into 4 groups (input (1, 6, 2))"),
    (channel_shuffle, (zeros(4, 1, 2), 2), {}, "ValueError: channel_shuffle: 1 channels cannot be split into 2 groups (input (4, 1, 2))"),
    (channel_shuffle, (zeros(4, 4), 2), {}, "ValueError: channel_shuffle: input must have at least 3 axes, got (4, 4)"),
    (channel_shuffle, (zeros(1, 4, 2), 0), {}, "ValueError: channel_shuffle: groups must be at least 1, got 0"),
    (channel_shuffle, (zeros(1, 4, 2), "2"), {}, "TypeError: channel_shuffle: groups must be an integer, got '2'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"), WRONG, ids=[row[-1] for row in WRONG]
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)


@pytest.mark.parametrize("function", [conv_transpose2d, pixel_shuffle])
def test_arrays_and_tensors_do_not_mix(function):
    with pytest.raises(TypeError, match=r"is a NumPy array but .* is a torch tensor; convert one of them"):
        function(np.ones((1, 1, 1)), torch.ones(1, 1, 1, 1))

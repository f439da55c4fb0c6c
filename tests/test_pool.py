# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

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
    avg_pool1d,
    avg_pool1d_backward,
    avg_pool2d,
    avg_pool2d_backward,
    conv2d,
    lp_pool1d,
    lp_pool1d_backward,
    lp_pool2d,
    lp_pool2d_backward,
    max_pool1d,
    max_pool1d_backward,
    max_pool2d,
    max_pool2d_backward,
    max_unpool1d,
    max_unpool2d,
    max_unpool2d_backward,
    unfold,
)
from convlib.oracles import (
    avg_pool_loops,
    finite_difference,
    lp_pool_loops,
    max_pool_loops,
    max_unpool_loops,
)

by_rank = pytest.mark.parametrize("n", [1, 2, 3], ids=["1d", "2d", "3d"])
NORMS = [1, 2, 3, 4, 0.5, -1, -2.5, math.inf, -math.inf]


def ours(name: str, n: int, suffix: str = ""):
    return getattr(convlib, f"{name}{n}d{suffix}")


def torchs(name: str, n: int):
    return getattr(F, f"{name}{n}d")


@dataclass
class Case:
    """A pooling whose sizes fit: what `options` say in any form, spelled out axis by axis."""

    input: np.ndarray
    options: dict[str, Any]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    random: np.random.Generator

    @property
    def batch(self) -> np.ndarray:
        return self.input if self.input.ndim == len(self.kernel) + 2 else self.input[None]

    def only(self, *names: str) -> dict[str, Any]:
        return {name: self.options[name] for name in ("kernel_size", "stride", "ceil_mode", *names)}

    def grad(self, output: np.ndarray) -> np.ndarray:
        return self.random.normal(size=output.shape)


@st.composite
def cases(draw, n: int, dilated: bool = True, padded: bool = True, ties: bool = False, room: int = 4) -> Case:
    """`ties` draws from few numbers, so that many windows have more than one largest."""

    def one_per_axis(low, highs):
        numbers = [draw(st.integers(low, high)) for high in highs]
        form = draw(st.sampled_from(["tuple", "list", "int"]))
        if form == "int":
            return min(numbers), (min(numbers),) * n
        return (tuple(numbers) if form == "tuple" else numbers), tuple(numbers)

    kernel_option, kernel = one_per_axis(1, [4] * n)
    stride_option, stride = one_per_axis(1, [4] * n)
    if draw(st.booleans()):
        stride_option, stride = draw(st.sampled_from([None, ()])), kernel
    padding_option, padding = one_per_axis(0, [k // 2 if padded else 0 for k in kernel])
    dilation_option, dilation = one_per_axis(1, [3 if dilated else 1] * n)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    ceil_mode = draw(st.booleans())
    # a window holds a pixel wherever the taps lie closer together than the image is large
    size = [
        max(1, d if p else 1, span - 2 * p, k if n == 3 else 1) + draw(st.integers(0, room))
        for d, p, span, k in zip(dilation, padding, spans, kernel, strict=True)
    ]
    leading = draw(st.sampled_from([(2,), (1,), (0,), ()]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (*leading, draw(st.integers(1, 2)), *size)
    input = random.integers(-2, 2, shape).astype(float) if ties else random.normal(size=shape)
    options = {
        "kernel_size": kernel_option, "stride": stride_option, "padding": padding_option,
        "dilation": dilation_option, "ceil_mode": ceil_mode, "count_include_pad": draw(st.booleans()),
        "divisor_override": draw(st.sampled_from([None, None, 1, 5, -2])) if n > 1 else None,
    }  # fmt: skip
    return Case(input, options, kernel, stride, padding, dilation, random)


MAX = ("padding", "dilation")
AVERAGE = ("padding", "count_include_pad", "divisor_override")


def average_options(case: Case, n: int) -> dict[str, Any]:
    return case.only(*(AVERAGE[:2] if n == 1 else AVERAGE))


# --- written out ------------------------------------------------------------------------------------------

row = np.array([[1.0, 5.0, 2.0, 2.0, 4.0]])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"kernel_size": 2}, [max(1, 5), max(2, 2)]),
        ({"kernel_size": 2, "ceil_mode": True}, [max(1, 5), max(2, 2), 4]),
        ({"kernel_size": 3, "stride": 2, "padding": 1}, [max(1, 5), max(5, 2, 2), max(2, 4)]),
        ({"kernel_size": 2, "stride": 1, "dilation": 2}, [max(1, 2), max(5, 2), max(2, 4)]),
        ({"kernel_size": 2, "stride": 2, "padding": 1, "ceil_mode": True}, [1, max(5, 2), max(2, 4)]),
        ({"kernel_size": 1, "stride": 3}, [1, 2]),
        ({"kernel_size": 1, "stride": 3, "ceil_mode": True}, [1, 2]),  # a third window would begin behind the row
    ],
)  # fmt: skip
def test_largest_numbers_written_out(options, expected):
    for given_row in (row, tensor(row)):
        assert np.asarray(max_pool1d(given_row, **options)).tolist() == [expected]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"kernel_size": 2}, [(1 + 5) / 2, (2 + 2) / 2]),
        ({"kernel_size": 2, "ceil_mode": True}, [(1 + 5) / 2, (2 + 2) / 2, 4 / 1]),
        ({"kernel_size": 3, "stride": 2, "padding": 1}, [(0 + 1 + 5) / 3, (5 + 2 + 2) / 3, (2 + 4 + 0) / 3]),
        ({"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}, [(1 + 5) / 2, (5 + 2 + 2) / 3, (2 + 4) / 2]),
        ({"kernel_size": 4, "stride": 3, "padding": 1, "ceil_mode": True}, [(0 + 1 + 5 + 2) / 4, (2 + 2 + 4 + 0) / 4]),
        ({"kernel_size": 4, "stride": 4, "padding": 1, "ceil_mode": True}, [(0 + 1 + 5 + 2) / 4, (2 + 4 + 0) / 3]),
    ],
)  # fmt: skip
def test_means_written_out(options, expected):
    for given_row in (row, tensor(row)):
        np.testing.assert_allclose(np.asarray(avg_pool1d(given_row, **options)), [expected], rtol=1e-15)


def test_padding_is_never_the_largest():
    negative = -np.ones((1, 4, 4))
    assert max_pool2d(negative, 3, 2, 1).tolist() == [[[-1, -1], [-1, -1]]]
    lowest = np.full((1, 2, 2), -128, np.int8)
    assert (max_pool2d(lowest, 3, 1, 1) == -128).all()
    nothing = np.full((1, 2, 2), -np.inf)
    values, places = max_pool2d(nothing, 3, 1, 1, return_indices=True)
    assert (values == -np.inf).all() and (places == 0).all()  # the first pixel inside each window


def test_a_window_of_a_maximum_may_be_larger_than_a_volume_with_its_padding():
    volume = ramp(1, 1, 2, 2)  # averages of volumes may not, as in torch
    for make in (np.asarray, torch.tensor):
        pooled = convlib.max_pool3d(make(volume), (3, 1, 1), 1, (1, 0, 0))
        assert np.asarray(pooled).tolist() == volume.tolist()
        norm = convlib.lp_pool3d(make(volume), math.inf, (2, 1, 1), (2, 1, 1), ceil_mode=True)
        assert np.asarray(norm).tolist() == volume.tolist()


def test_the_divisor_is_what_it_is_said_to_be():
    image = np.array([[[1.0, 5.0], [2.0, 4.0]]])
    assert avg_pool2d(image, 2, divisor_override=1).item() == 1 + 5 + 2 + 4
    assert avg_pool2d(image, 2, divisor_override=-3).item() == (1 + 5 + 2 + 4) / -3


def test_whole_numbers_are_rounded_towards_zero():
    for make in (np.asarray, torch.tensor):
        numbers = make(np.array([[3, 4, -7, 0]]))
        assert np.asarray(avg_pool1d(numbers, 2, 1)).tolist() == [[3, -1, -3]]  # 7 / 2, -3 / 2, -7 / 2
        halves = avg_pool2d(numbers[None], (1, 2), 1, divisor_override=-2)
        assert np.asarray(halves).tolist() == [[[-3, 1, 3]]]


def test_large_whole_numbers_keep_every_digit():
    numbers = np.array([[2**60 + 1, 2**60 + 3, 2**60 + 1]])  # float64 would round them to multiples of 256
    assert avg_pool1d(numbers, 2, 1).tolist() == [[2**60 + 2, 2**60 + 2]]
    assert max_pool1d(numbers, 2, 1).tolist() == [[2**60 + 3, 2**60 + 3]]


def test_a_norm_written_out():
    image = np.array([[3.0, 4.0, -6.0, 8.0]])
    assert lp_pool1d(image, 2, 2).tolist() == [[math.sqrt(3 * 3 + 4 * 4), math.sqrt(6 * 6 + 8 * 8)]]
    assert lp_pool1d(image, 1, 2).tolist() == [[3 + 4, -6 + 8]]
    assert lp_pool1d(image, math.inf, 2).tolist() == [[4, 8]]
    assert lp_pool1d(image, -math.inf, 2).tolist() == [[3, 6]]
    assert lp_pool1d(np.array([[2.0, 2.0]]), -1, 2).tolist() == [[1 / (1 / 2 + 1 / 2)]]


def test_the_largest_divisors_and_the_farthest_norms_are_taken():
    ones = np.ones((1, 2, 2))
    for divisor in (2**31 - 1, -(2**31)):
        assert avg_pool2d(ones, 2, divisor_override=divisor).item() == 4 / divisor
    for norm_type in (2.0**15, 2.0**-15, -(2.0**15)):
        assert lp_pool2d(ones, norm_type, 1).tolist() == ones.tolist()
    for norm_type in (2.0**15 + 1, 2.0**-16, -(2.0**-16)):
        with pytest.raises(ValueError, match="lp_pool2d: norm_type must be infinite or"):
            lp_pool2d(ones, norm_type, 1)


def test_a_negative_sum_of_powers_has_no_odd_root_as_in_torch():
    for image in (np.array([[-2.0, -2.0]]), torch.tensor([[-2.0, -2.0]])):
        assert math.isnan(lp_pool1d(image, 3, 2).item())


# --- value, dtype, shape ----------------------------------------------------------------------------------


def assert_fresh(output: np.ndarray, input: np.ndarray) -> None:
    assert output.flags.c_contiguous and output.flags.writeable
    assert not np.shares_memory(output, input)


@by_rank
@settings(max_examples=100)
@given(data=st.data())
def test_maxima_agree_with_torch(n, data):
    case = data.draw(cases(n, ties=data.draw(st.booleans())))
    if data.draw(st.booleans()):
        case.input[case.random.random(case.input.shape) < 0.2] = np.nan
    before = case.input.copy()
    values, places = ours("max_pool", n)(case.input, **case.only(*MAX), return_indices=True)
    expected, expected_places = torchs("max_pool", n)(
        tensor(case.input), **case.only(*MAX), return_indices=True
    )
    assert_agree(values, expected, 0)
    assert_agree(places, expected_places, 0)
    alone = ours("max_pool", n)(case.input, **case.only(*MAX))
    assert_agree(alone, values, 0)
    for output in (values, places, alone):
        assert_fresh(output, case.input)
    assert_agree(ours("max_pool", n)(tensor(case.input), **case.only(*MAX)), values, 0)
    twins = ours("max_pool", n)(tensor(case.input), **case.only(*MAX), return_indices=True)
    assert_agree(twins[1], places, 0)
    np.testing.assert_array_equal(case.input, before)


@by_rank
@settings(max_examples=25)
@given(data=st.data())
def test_maxima_agree_with_the_loops(n, data):
    case = data.draw(cases(n, ties=True, room=2))
    values, places = ours("max_pool", n)(case.input, **case.only(*MAX), return_indices=True)
    expected = max_pool_loops(
        case.batch, case.kernel, case.stride, case.padding, case.dilation, case.options["ceil_mode"]
    )
    assert_agree(values.reshape(expected[0].shape), expected[0], 0)
    assert_agree(places.reshape(expected[1].shape), expected[1], 0)


@by_rank
@settings(max_examples=100)
@given(data=st.data())
def test_means_agree_with_torch_and_the_loops(n, data):
    case = data.draw(cases(n, dilated=False))
    options = average_options(case, n)
    output = ours("avg_pool", n)(case.input, **options)
    assert_fresh(output, case.input)
    assert_agree(output, torchs("avg_pool", n)(tensor(case.input), **options))
    assert_agree(ours("avg_pool", n)(tensor(case.input), **options), output)
    loops = avg_pool_loops(
        case.batch, case.kernel, case.stride, case.padding, case.options["ceil_mode"],
        case.options["count_include_pad"], case.options["divisor_override"],
    )  # fmt: skip
    assert_agree(output.reshape(loops.shape), loops)


@by_rank
@pytest.mark.parametrize("norm_type", NORMS)
@settings(max_examples=20)
@given(data=st.data())
def test_norms_agree_with_torch(n, norm_type, data):
    case = data.draw(cases(n, dilated=False, padded=False))
    output = ours("lp_pool", n)(case.input, norm_type, **case.only())
    assert_fresh(output, case.input)
    one = case.options["kernel_size"]
    kernel = one if isinstance(one, int) or n > 1 else one[0]  # torch multiplies by it
    options = case.only() | {"kernel_size": kernel, "stride": case.stride}
    assert_agree(output, torchs("lp_pool", n)(tensor(case.input), norm_type, **options), 1e-9)
    assert_agree(ours("lp_pool", n)(tensor(case.input), norm_type, **case.only()), output, 1e-9)


@by_rank
@settings(max_examples=20)
@given(data=st.data())
def test_norms_agree_with_the_loops(n, data):
    case = data.draw(cases(n, dilated=False, padded=False, room=2))
    positive, norm_type = np.abs(case.batch) + 0.1, data.draw(st.sampled_from([1, 2, 0.5, -1, 3.5]))
    loops = lp_pool_loops(positive, norm_type, case.kernel, case.stride, case.options["ceil_mode"])
    assert_agree(ours("lp_pool", n)(positive, norm_type, **case.only()), loops, 1e-9)


# --- gradients --------------------------------------------------------------------------------------------


def autograd(function, x: np.ndarray, grad: np.ndarray) -> torch.Tensor:
    leaf = tensor(x, requires_grad=True)
    function(leaf).backward(tensor(grad))
    return leaf.grad


@by_rank
@settings(max_examples=60)
@given(data=st.data())
def test_gradients_of_maxima_agree_with_autograd(n, data):
    case = data.draw(cases(n, ties=data.draw(st.booleans())))
    options = case.only(*MAX)
    grad = case.grad(ours("max_pool", n)(case.input, **options))
    gradient = ours("max_pool", n, "_backward")(grad, case.input, **options)
    assert_agree(gradient, autograd(lambda x: torchs("max_pool", n)(x, **options), case.input, grad))
    twin = ours("max_pool", n, "_backward")(tensor(grad), tensor(case.input), **options)
    assert isinstance(twin, torch.Tensor)
    assert_agree(twin, gradient)
    shared = ours("max_pool", n, "_backward")(grad, case.input, **options, ties="shared")
    twin = ours("max_pool", n, "_backward")(tensor(grad), tensor(case.input), **options, ties="shared")
    assert_agree(twin, shared)
    # whatever the rule, no gradient is lost and none is made
    leading = tuple(range(case.input.ndim - n))
    axes = tuple(range(len(leading), case.input.ndim))
    np.testing.assert_allclose(shared.sum(axes), grad.sum(axes), atol=1e-10)
    np.testing.assert_allclose(gradient.sum(axes), grad.sum(axes), atol=1e-10)


@settings(max_examples=60)
@given(data=st.data())
def test_shared_ties_are_those_of_amax(data):
    case = data.draw(cases(2, ties=True, padded=False, room=3))
    case.options["ceil_mode"] = False
    options = {name: case.options[name] for name in ("kernel_size", "stride", "dilation")} | {
        "stride": case.stride
    }
    grad = case.grad(max_pool2d(case.input, **options))

    def by_amax(x: torch.Tensor) -> torch.Tensor:
        columns = F.unfold(x, case.kernel, case.dilation, 0, case.stride)
        windows = columns.reshape(*x.shape[:-2], math.prod(case.kernel), -1)
        return windows.amax(-2).reshape(grad.shape)

    if case.input.ndim == 4 and len(case.input):
        shared = max_pool2d_backward(grad, case.input, **options, ties="shared")
        assert_agree(shared, autograd(by_amax, case.input, grad))


def test_the_two_rules_for_ties_written_out():
    image, grad = np.ones((1, 2, 2)), np.array([[[8.0]]])
    for make in (np.asarray, torch.tensor):
        first = max_pool2d_backward(make(grad), make(image), 2)
        shared = max_pool2d_backward(make(grad), make(image), 2, ties="shared")
        assert np.asarray(first).tolist() == [[[8, 0], [0, 0]]]
        assert np.asarray(shared).tolist() == [[[8 / 4, 8 / 4], [8 / 4, 8 / 4]]]


def test_shared_ties_leave_out_the_padding_and_keep_nan():
    nothing = np.full((1, 3), -np.inf)
    grad = np.array([[6.0, 9.0]])
    for make in (np.asarray, torch.tensor):
        shared = max_pool1d_backward(make(grad), make(nothing), 3, 2, 1, ties="shared")
        assert np.asarray(shared).tolist() == [[6 / 2, 6 / 2 + 9 / 2, 9 / 2]]
        missing = max_pool1d_backward(
            make(grad[:, :1]), make(np.array([[np.nan, 1, np.nan]])), 3, ties="shared"
        )
        assert np.asarray(missing).tolist() == [[6 / 2, 0, 6 / 2]]


def test_a_quarter_of_the_pixels_gets_a_gradient_exactly_where_windows_tile():
    image = np.random.default_rng(0).permutation(64).reshape(1, 1, 8, 8).astype(float)  # no ties
    live = max_pool2d_backward(np.ones((1, 1, 4, 4)), image, 2)
    assert np.count_nonzero(live) == 64 / 4 and set(live.ravel()) == {0, 1}
    overlapping = max_pool2d_backward(np.ones((1, 1, 4, 4)), image, 3, 2, 1)
    assert overlapping.sum() == 16 and overlapping.max() > 1


@by_rank
@settings(max_examples=60)
@given(data=st.data())
def test_gradients_of_means_agree_with_autograd(n, data):
    case = data.draw(cases(n, dilated=False))
    options = average_options(case, n)
    grad = case.grad(ours("avg_pool", n)(case.input, **options))
    gradient = ours("avg_pool", n, "_backward")(grad, case.input.shape, **options)
    assert_fresh(gradient, grad)
    assert_agree(gradient, autograd(lambda x: torchs("avg_pool", n)(x, **options), case.input, grad))
    twin = ours("avg_pool", n, "_backward")(tensor(grad), case.input.shape, **options)
    assert isinstance(twin, torch.Tensor)
    assert_agree(twin, gradient)


@by_rank
@given(data=st.data())
def test_the_gradient_of_a_mean_is_its_transpose(n, data):
    """<A x, g> = <x, A^T g>, for every option and without a judge from outside."""
    case = data.draw(cases(n, dilated=False))
    options = average_options(case, n)
    output = ours("avg_pool", n)(case.input, **options)
    grad = case.grad(output)
    forward = (output * grad).sum()
    backward = (case.input * ours("avg_pool", n, "_backward")(grad, case.input.shape, **options)).sum()
    assert math.isclose(forward, backward, rel_tol=1e-10, abs_tol=1e-10)


@by_rank
@pytest.mark.parametrize("norm_type", NORMS)
@settings(max_examples=20)
@given(data=st.data())
def test_gradients_of_norms_agree_with_autograd(n, norm_type, data):
    case = data.draw(cases(n, dilated=False, padded=False))
    case.input = np.abs(case.input) + 0.1 if norm_type not in (2, 4, math.inf) else case.input
    options = case.only()
    grad = case.grad(ours("lp_pool", n)(case.input, norm_type, **options))
    gradient = ours("lp_pool", n, "_backward")(grad, case.input, norm_type, **options)
    theirs = autograd(lambda x: torchs("lp_pool", n)(x, norm_type, **_plain(case, n)), case.input, grad)
    assert_agree(gradient, theirs, 1e-8)
    twin = ours("lp_pool", n, "_backward")(tensor(grad), tensor(case.input), norm_type, **options)
    assert isinstance(twin, torch.Tensor)
    assert_agree(twin, gradient, 1e-8)


def _plain(case: Case, n: int) -> dict[str, Any]:
    kernel = case.kernel if n > 1 else case.kernel[0]
    return {"kernel_size": kernel, "stride": case.stride, "ceil_mode": case.options["ceil_mode"]}


def test_a_window_of_zeros_sends_no_gradient_through_a_norm():
    image, grad = np.array([[[0.0, 0.0, 3.0, 4.0]]]), np.array([[[7.0, 10.0]]])
    for make in (np.asarray, torch.tensor):
        gradient = lp_pool2d_backward(make(grad), make(image), 2, (1, 2))
        assert np.asarray(gradient).tolist() == [[[0, 0, 10 * 3 / 5, 10 * 4 / 5]]]


@by_rank
@settings(max_examples=10)
@given(data=st.data())
def test_gradients_agree_with_finite_differences(n, data):
    case = data.draw(cases(n, room=2))
    case.input = case.random.permutation(case.input.size).reshape(case.input.shape).astype(float)  # no ties
    options = case.only(*MAX)
    grad = case.grad(ours("max_pool", n)(case.input, **options))
    for ties in ("first", "shared"):
        gradient = ours("max_pool", n, "_backward")(grad, case.input, **options, ties=ties)
        found = finite_difference(
            lambda x: (ours("max_pool", n)(x, **options) * grad).sum(), case.input, 1e-3
        )
        np.testing.assert_allclose(gradient, found, atol=1e-8)
    flat = data.draw(cases(n, dilated=False, room=2))
    options = average_options(flat, n)
    grad = flat.grad(ours("avg_pool", n)(flat.input, **options))
    gradient = ours("avg_pool", n, "_backward")(grad, flat.input.shape, **options)
    found = finite_difference(lambda x: (ours("avg_pool", n)(x, **options) * grad).sum(), flat.input)
    np.testing.assert_allclose(gradient, found, atol=1e-7)
    bare = data.draw(cases(n, dilated=False, padded=False, room=2))
    positive, options = np.abs(bare.input) + 0.5, bare.only()
    grad = bare.grad(ours("lp_pool", n)(positive, 2.5, **options))
    gradient = ours("lp_pool", n, "_backward")(grad, positive, 2.5, **options)
    found = finite_difference(lambda x: (ours("lp_pool", n)(x, 2.5, **options) * grad).sum(), positive)
    np.testing.assert_allclose(gradient, found, atol=1e-6)


# --- unpooling --------------------------------------------------------------------------------------------


@by_rank
@settings(max_examples=60)
@given(data=st.data())
def test_unpooling_agrees_with_torch(n, data):
    case = data.draw(cases(n, dilated=False))
    case.options["ceil_mode"] = False
    pooling = {"kernel_size": case.kernel, "stride": case.stride, "padding": case.padding}
    if any(n_ + 2 * p < k for n_, p, k in zip(case.input.shape[-n:], case.padding, case.kernel, strict=True)):
        return
    pooled, places = ours("max_pool", n)(case.input, **pooling, return_indices=True)
    options: dict[str, Any] = {name: case.options[name] for name in ("kernel_size", "padding")}
    options |= {"stride": case.stride, "output_size": case.input.shape[-n:]}
    form = data.draw(st.sampled_from(["spatial", "whole"]))
    if form == "whole":
        options["output_size"] = (1, 1, *case.input.shape[-n:])
    output = ours("max_unpool", n)(pooled, places, **options)
    assert_agree(output, torchs("max_unpool", n)(tensor(pooled), tensor(places), **options), 0)
    assert_agree(ours("max_unpool", n)(tensor(pooled), tensor(places), **options), output, 0)
    batch = (-1, *case.input.shape[-n - 1 :])
    loops = max_unpool_loops(
        pooled.reshape(-1, *pooled.shape[-n - 1 :]), places.reshape(-1, *pooled.shape[-n - 1 :]), batch[2:]
    )
    assert_agree(output.reshape(loops.shape), loops, 0)
    # every number is back at its place, and all else is 0
    assert_agree(np.where(output == case.input, output, 0), output, 0)
    grad = case.grad(output)
    gradient = ours("max_unpool", n, "_backward")(grad, places)
    twin = ours("max_unpool", n, "_backward")(tensor(grad), tensor(places))
    assert_agree(
        gradient, autograd(lambda x: torchs("max_unpool", n)(x, tensor(places), **options), pooled, grad)
    )
    assert_agree(twin, gradient, 0)
    assert_fresh(gradient, grad)


def test_unpooling_finds_its_size_from_the_windows():
    pooled, places = np.array([[1.0, 2.0, 3.0]]), np.array([[0, 1, 3]])
    assert max_unpool1d(pooled, places, 2, 2, 1).tolist() == [[1, 2, 0, 3]]  # (3 - 1) * 2 + 2 - 2 * 1
    assert max_unpool1d(pooled, places, 2, 2, 1, (5,)).tolist() == [[1, 2, 0, 3, 0]]
    assert max_unpool1d(pooled, places, 3).shape == (1, (3 - 1) * 3 + 3)
    assert max_unpool1d(np.array([[7.0]]), np.array([[0]]), 1).tolist() == [[7]]
    assert max_unpool1d(np.array([[7.0]]), np.array([[0]]), 2, output_size=(1,)).tolist() == [[7]]


def test_pooling_what_was_unpooled_gives_the_maxima_again_where_they_are_positive():
    image = np.random.default_rng(1).random((2, 3, 6, 6))
    pooled, places = max_pool2d(image, 2, return_indices=True)
    assert_agree(max_pool2d(max_unpool2d(pooled, places, 2), 2), pooled, 0)


def test_an_index_outside_is_refused_for_tensors_too():
    ones = torch.ones(1, 2, 2)
    for wrong in (-1, 16):
        places = torch.zeros(1, 2, 2, dtype=torch.int64).index_fill(1, torch.tensor(1), wrong)
        with pytest.raises(ValueError, match=r"^max_unpool2d: an index lies outside the output"):
            max_unpool2d(ones, places, 2)
        with pytest.raises(ValueError, match=r"^max_unpool2d_backward: an index lies outside the output"):
            max_unpool2d_backward(torch.ones(1, 4, 4), places)


# --- number types and kinds of arrays ---------------------------------------------------------------------

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["max_pool", "avg_pool", "lp_pool", "max_unpool"])
@by_rank
def test_arrays_are_taken_in_the_number_types_that_torch_takes(n, name, dtype):
    array = np.ones((1, 1, *(4,) * n), dtype)
    arguments: tuple[Any, ...] = {"lp_pool": (2, 2), "max_unpool": (np.zeros(array.shape, np.int64), 2)}.get(
        name, (2,)
    )
    twin_arguments = tuple(tensor(a) if isinstance(a, np.ndarray) else a for a in arguments)
    options = {"return_indices": True} if name == "max_pool" else {}
    try:
        expected = torchs(name, n)(tensor(array), *twin_arguments, **options)
    except NotImplementedError:
        taken = name == "avg_pool" and n == 3 and dtype == "float16"  # a GPU would, too
        taken |= name == "lp_pool" and n == 3 and dtype == "float16"
    else:
        taken = name != "lp_pool" or "float" in dtype  # torch turns whole numbers into float32, partly
    if not taken:
        with pytest.raises(
            TypeError, match=rf"{name}{n}d: it is for .*floating-point numbers, as in torch; got {dtype}"
        ):
            ours(name, n)(array, *arguments, **options)
        return
    output = ours(name, n)(array, *arguments, **options)
    output = output[0] if options else output
    assert output.dtype == dtype
    if dtype != "float16" or n < 3:
        assert_agree(output, expected[0] if options else expected, 2**-9)


@by_rank
@settings(max_examples=25)
@given(data=st.data())
def test_half_precision_is_rounded_once_at_the_end(n, data):
    case = data.draw(cases(n, dilated=False))
    half = case.input.astype("float16")
    options = average_options(case, n)
    exact = ours("avg_pool", n)(half.astype("float64"), **options)
    output = ours("avg_pool", n)(half, **options)
    assert output.dtype == np.float16
    np.testing.assert_allclose(output.astype("float64"), exact, rtol=2**-11 + 1e-5, atol=1e-6)
    grad = case.grad(output).astype("float16")
    exact = ours("avg_pool", n, "_backward")(grad.astype("float64"), half.shape, **options)
    gradient = ours("avg_pool", n, "_backward")(grad, half.shape, **options)
    assert gradient.dtype == np.float16
    np.testing.assert_allclose(gradient.astype("float64"), exact, rtol=2**-11 + 1e-5, atol=1e-6)
    options = case.only(*MAX)
    for ties in ("first", "shared"):
        exact = ours("max_pool", n, "_backward")(
            grad_for(case, n, options), half.astype("float64"), **options, ties=ties
        )
        rounded = ours("max_pool", n, "_backward")(
            grad_for(case, n, options).astype("float16"), half, **options, ties=ties
        )
        assert rounded.dtype == np.float16
        np.testing.assert_allclose(rounded.astype("float64"), exact, rtol=2**-8, atol=2**-8)


def grad_for(case: Case, n: int, options: dict[str, Any]) -> np.ndarray:
    output = ours("max_pool", n)(case.input, **options)
    return np.round(np.linspace(-2, 2, output.size).reshape(output.shape) * 64) / 64


def test_single_precision_stays_and_is_close():
    image = np.random.default_rng(2).random((1, 2, 9, 9)).astype("float32")
    for output, exact in (
        (avg_pool2d(image, 3), avg_pool2d(image.astype("float64"), 3)),
        (lp_pool2d(image, 2.5, 3), lp_pool2d(image.astype("float64"), 2.5, 3)),
        (avg_pool2d_backward(image, (1, 2, 18, 18), 2), avg_pool2d_backward(image.astype("float64"), (1, 2, 18, 18), 2)),
        (lp_pool2d_backward(image[..., :3, :3], image, 2, 3), lp_pool2d_backward(image[..., :3, :3].astype("float64"), image.astype("float64"), 2, 3)),
    ):  # fmt: skip
        assert output.dtype == np.float32
        np.testing.assert_allclose(output, exact, rtol=1e-5)


def test_views_read_only_arrays_and_the_other_byte_order_are_taken():
    volume = np.random.default_rng(3).normal(size=(2, 4, 7, 8))
    view = volume[::-1, ::2, :, ::-1]
    view.flags.writeable = False
    plain = np.ascontiguousarray(view)
    for call in (
        lambda x: max_pool2d(x, 3, 2, 1), lambda x: avg_pool2d(x, 3, 2, 1), lambda x: lp_pool2d(x, 2, 3),
        lambda x: max_pool2d(x, 3, return_indices=True)[1], lambda x: max_pool2d_backward(x[..., :3, :4], x, 3, 2, 0, 1, True),
        lambda x: max_pool2d_backward(x[..., :2, :2], x, 3, ties="shared"), lambda x: avg_pool2d_backward(x, (2, 2, 14, 16), 2),
        lambda x: max_unpool2d(x, np.zeros(x.shape, np.int64), 2), lambda x: max_unpool2d_backward(x, np.ones((2, 2, 1, 1), np.int64)),
    ):  # fmt: skip
        assert_agree(call(view), call(plain), 0)
        swapped = call(plain.astype(">f8"))
        np.testing.assert_allclose(swapped, call(plain), rtol=1e-12)
    assert max_pool2d(plain.astype(">f4"), 2).dtype == np.dtype(">f4")
    assert avg_pool2d(plain.astype(">f2"), 2).dtype == np.dtype(">f2")


@pytest.mark.parametrize("p", [math.inf, -math.inf])
def test_nan_gets_no_gradient_from_the_largest_size(p):
    image = np.array([[1.0, np.nan, -2.0, 3.0, -4.0, 5.0]])
    gradient = lp_pool1d_backward(np.ones((1, 2)), image, p, 3)
    assert not np.isnan(gradient).any()
    assert_agree(gradient, lp_pool1d_backward(tensor(np.ones((1, 2))), tensor(image), p, 3))


def test_any_real_number_is_a_norm_and_a_tuple_of_one_stands_for_every_axis():
    image = ramp(1, 4, 4)
    expected = lp_pool2d(image, 1.5, 2)
    for p in (np.float16(1.5), Fraction(3, 2), np.longdouble(1.5)):
        assert_agree(lp_pool2d(image, p, (2,)), expected)
        assert_agree(lp_pool2d(tensor(image), p, (2,)), expected)
        gradient = lp_pool2d_backward(np.ones((1, 2, 2)), image, p, 2)
        assert_agree(lp_pool2d_backward(tensor(np.ones((1, 2, 2))), tensor(image), p, 2), gradient)


def test_integers_of_numpy_are_sizes_for_tensors_too():
    image, places = tensor(ramp(1, 2, 2)), torch.tensor([[[0, 2], [8, 10]]])
    size = [np.int64(4), np.int64(4)]
    assert_agree(max_unpool2d(image, places, np.int64(2), output_size=size), max_unpool2d(image, places, 2))


def test_a_window_far_larger_than_the_image_takes_no_time():
    image = ramp(1, 3, 4)
    assert max_pool2d(image, 2**30, 2**30, 2**29, ceil_mode=True).item() == 12
    assert avg_pool2d(image, 2**20, 2**20, ceil_mode=True).item() == 78 / 12


# --- laws -------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_a_larger_image_has_larger_maxima_and_means(data):
    case = data.draw(cases(2))
    more = case.input + case.random.random(case.input.shape)
    assert (max_pool2d(more, **case.only(*MAX)) >= max_pool2d(case.input, **case.only(*MAX))).all()
    case = data.draw(cases(2, dilated=False))
    more = case.input + case.random.random(case.input.shape)
    options = case.only("padding", "count_include_pad")
    assert (avg_pool2d(more, **options) >= avg_pool2d(case.input, **options)).all()


@given(data=st.data())
def test_the_least_the_mean_and_the_largest_stand_in_order(data):
    case = data.draw(cases(2, dilated=False))
    options = case.only("padding")
    mean = avg_pool2d(case.input, **options, count_include_pad=False)
    assert (mean <= max_pool2d(case.input, **options) + 1e-12).all()
    assert (mean >= -max_pool2d(-case.input, **options) - 1e-12).all()


def test_maxima_commute_with_every_growing_function_and_means_with_straight_lines():
    image = np.random.default_rng(4).normal(size=(1, 2, 9, 9))
    assert_agree(max_pool2d(np.exp(image), 3, 2), np.exp(max_pool2d(image, 3, 2)), 0)
    assert_agree(avg_pool2d(3 * image - 1, 3, 2), 3 * avg_pool2d(image, 3, 2) - 1)
    assert not np.allclose(avg_pool2d(np.exp(image), 3, 2), np.exp(avg_pool2d(image, 3, 2)))


@given(data=st.data())
def test_channels_and_images_do_not_see_each_other(data):
    case = data.draw(cases(2))
    output = max_pool2d(case.input, **case.only(*MAX))
    for index in np.ndindex(case.input.shape[:-2]):
        alone = max_pool2d(case.input[index][None], **case.only(*MAX))[0]
        assert_agree(output[index], alone, 0)


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_maxima_with_stride_one_follow_a_shift_and_with_stride_two_only_an_even_one(shift):
    image = np.random.default_rng(5).normal(size=(1, 1, 16, 16))
    shifted = np.roll(image, 2 * shift + 1, axis=-1)[..., 8:]
    plain = image[..., 8 - 2 * shift - 1 : 16 - 2 * shift - 1]
    assert_agree(max_pool2d(shifted, 3, 1), max_pool2d(plain, 3, 1), 0)
    whole = max_pool1d(image[0, 0], 2, 2)
    moved = max_pool1d(np.roll(image[0, 0], 2, axis=-1), 2, 2)
    assert_agree(moved, np.roll(whole, 1, axis=-1), 0)
    assert not np.array_equal(max_pool1d(np.roll(image[0, 0], 1, axis=-1), 2, 2), whole)


def test_averaging_is_a_depthwise_convolution_with_a_constant_kernel():
    image = np.random.default_rng(6).normal(size=(2, 3, 7, 8))
    kernel = np.full((3, 1, 2, 3), 1 / (2 * 3))
    for stride, padding in (((1, 1), (0, 0)), ((2, 1), (1, 1))):
        assert_agree(
            avg_pool2d(image, (2, 3), stride, padding), conv2d(image, kernel, None, stride, padding, 1, 3)
        )
    without = avg_pool2d(image, (2, 3), 1, (1, 1), count_include_pad=False)
    assert not np.allclose(without, conv2d(image, kernel, None, 1, (1, 1), 1, 3))


def test_pooling_is_a_reduction_of_unfolded_windows():
    image = np.random.default_rng(7).normal(size=(2, 3, 7, 9))
    windows = unfold(image, (2, 3), stride=2).reshape(2, 3, 6, 3, 4)
    assert_agree(max_pool2d(image, (2, 3), 2), windows.max(axis=2), 0)
    assert_agree(avg_pool2d(image, (2, 3), 2), windows.mean(axis=2))
    assert_agree(lp_pool2d(image, 2, (2, 3), 2), np.sqrt((windows**2).sum(axis=2)))


def test_a_norm_grows_into_the_largest_absolute_value():
    image = np.random.default_rng(8).normal(size=(1, 1, 6, 6))
    largest = max_pool2d(np.abs(image), 3)
    gaps = [np.abs(lp_pool2d(image, p, 3) - largest).max() for p in (2, 8, 32, 128)]
    assert gaps == sorted(gaps, reverse=True) and gaps[-1] < 0.05
    assert_agree(lp_pool2d(image, math.inf, 3), largest, 0)


def test_pooling_of_the_whole_image_is_numpy_s_reduction():
    volume = np.random.default_rng(9).normal(size=(2, 3, 4, 5, 6))
    for pool, reduce in ((convlib.max_pool3d, np.max), (convlib.avg_pool3d, np.mean)):
        assert_agree(pool(volume, (4, 5, 6)), reduce(volume, axis=(2, 3, 4), keepdims=True))


# --- wrong calls ------------------------------------------------------------------------------------------

x, g = zeros(1, 5, 5), zeros(1, 2, 2)
places = zeros(1, 2, 2, dtype="int64")
SCRATCH = "the result and its scratch would take"

WRONG = [
    (max_pool2d, ([1], 2), {}, "TypeError: max_pool2d: input must be a NumPy array or a torch tensor, got list"),
    (max_pool2d, (zeros(5, 5), 2), {}, "ValueError: max_pool2d: input must be (N, C, H, W) or (C, H, W), got (5, 5)"),
    (max_pool1d, (zeros(1, 1, 5, 5), 2), {}, "ValueError: max_pool1d: input must be (N, C, W) or (C, W), got (1, 1, 5, 5)"),
    (convlib.max_pool3d, (x, 2), {}, "ValueError: max_pool3d: input must be (N, C, D, H, W) or (C, D, H, W), got (1, 5, 5)"),
    (max_pool2d, (zeros(1, 0, 5, 5), 2), {}, "ValueError: max_pool2d: only the batch may be empty, got (1, 0, 5, 5)"),
    (max_pool2d, (zeros(0, 5, 5), 2), {}, "ValueError: max_pool2d: only the batch may be empty, got (0, 5, 5)"),
    (max_pool2d, (zeros(1, 0, 5), 2), {}, "ValueError: max_pool2d: only the batch may be empty, got (1, 0, 5)"),
    (max_pool2d, (x, 0), {}, "ValueError: max_pool2d: kernel_size must be at least 1, got 0"),
    (max_pool2d, (x, 2.0), {}, "TypeError: max_pool2d: kernel_size must be an integer or 2 integers, got 2.0"),
    (max_pool2d, (x, (2, 2, 2)), {}, "ValueError: max_pool2d: kernel_size must be one integer or 2, got (2, 2, 2)"),
    (max_pool2d, (x, 2, 0), {}, "ValueError: max_pool2d: stride must be at least 1, got 0"),
    (max_pool2d, (x, 2, (1, 1, 1)), {}, "ValueError: max_pool2d: stride must be one integer or 2, got (1, 1, 1)"),
    (max_pool2d, (x, 2, 1, -1), {}, "ValueError: max_pool2d: padding must be at least 0, got -1"),
    (max_pool2d, (x, (4, 3), 1, (2, 2)), {}, "ValueError: max_pool2d: padding must be at most half of kernel_size, got 2 for 3 along spatial axis 1"),
    (max_pool2d, (x, 1, 1, 1), {}, "ValueError: max_pool2d: padding must be at most half of kernel_size, got 1 for 1 along spatial axis 0"),
    (max_pool2d, (x, 2, 1, "same"), {}, "TypeError: max_pool2d: padding must be an integer or 2 integers, got 'same'"),
    (max_pool2d, (x, 2, 1, 0, 0), {}, "ValueError: max_pool2d: dilation must be at least 1, got 0"),
    (max_pool2d, (x, 2), {"ceil_mode": 1}, "TypeError: max_pool2d: ceil_mode must be True or False, got 1"),
    (max_pool2d, (x, 2), {"return_indices": None}, "TypeError: max_pool2d: return_indices must be True or False, got None"),
    (max_pool2d, (x, (2, 6)), {}, "ValueError: max_pool2d: the window spans 6 pixels along spatial axis 1, but the padded input has 5 (size 5, padding 0 + 0)"),
    (max_pool2d, (x, 3, 1, 0, 3), {}, "ValueError: max_pool2d: the window spans 7 pixels (dilation 3 spreads 3 taps) along spatial axis 0, but the padded input has 5 (size 5, padding 0 + 0)"),
    (max_pool1d, (zeros(1, 2), 2, 1, 1, 3), {}, "ValueError: max_pool1d: a window along spatial axis 0 holds no pixel: its taps are 3 apart, and the input has 2"),
    (max_pool1d, (zeros(1, 1), 2, 2, 1, 3), {"ceil_mode": True}, "ValueError: max_pool1d: a window along spatial axis 0 holds no pixel: its taps are 3 apart, and the input has 1"),
    (max_pool2d, (zeros(2**20, 2**10, 2**10), 1), {}, f"ValueError: max_pool2d: {SCRATCH} 40960 GiB, more than the 64 GiB that are allowed"),
    (max_pool2d_backward, (g, x, 2), {"ties": "last"}, "ValueError: max_pool2d_backward: ties must be 'first' or 'shared', got 'last'"),
    (max_pool2d_backward, (g, x, 2), {"ties": None}, "ValueError: max_pool2d_backward: ties must be 'first' or 'shared', got None"),
    (max_pool2d_backward, (g, x, 3), {}, "ValueError: max_pool2d_backward: grad_output is (1, 2, 2) but the output for input (1, 5, 5) is (1, 1, 1)"),
    (max_pool2d_backward, (zeros(1, 2, 2, dtype="float32"), x, 2), {}, "TypeError: max_pool2d_backward: grad_output is float32 but input is float64; they must be equal"),
    (max_pool2d_backward, (zeros(1, 2, 2, dtype="int64"), zeros(1, 5, 5, dtype="int64"), 2), {}, "TypeError: max_pool2d_backward: gradients are of real floating-point numbers, got int64"),
    (max_pool2d_backward, ([1], x, 2), {}, "TypeError: max_pool2d_backward: grad_output must be a NumPy array or a torch tensor, got list"),
    (max_pool2d_backward, (g, 5, 2), {}, "TypeError: max_pool2d_backward: input must be a NumPy array or a torch tensor, got int"),
    (max_pool1d_backward, (zeros(1, 2), zeros(5), 2), {}, "ValueError: max_pool1d_backward: input must be (N, C, W) or (C, W), got (5,)"),
    (avg_pool2d, (x, 2), {"count_include_pad": 0}, "TypeError: avg_pool2d: count_include_pad must be True or False, got 0"),
    (avg_pool2d, (x, 2), {"divisor_override": 0}, "ValueError: avg_pool2d: divisor_override must be below 2^31 and not 0, got 0"),
    (avg_pool2d, (x, 2), {"divisor_override": 2**31}, "ValueError: avg_pool2d: divisor_override must be below 2^31 and not 0, got 2147483648"),
    (avg_pool2d, (x, 2), {"divisor_override": 2.0}, "TypeError: avg_pool2d: divisor_override must be an integer, got 2.0"),
    (avg_pool2d, (x, 2), {"divisor_override": (2, 2)}, "TypeError: avg_pool2d: divisor_override must be an integer, got (2, 2)"),
    (avg_pool2d, (x, 3, 1, 2), {}, "ValueError: avg_pool2d: padding must be at most half of kernel_size, got 2 for 3 along spatial axis 0"),
    (avg_pool1d, (x, 2), {"ceil_mode": "yes"}, "TypeError: avg_pool1d: ceil_mode must be True or False, got 'yes'"),
    (convlib.avg_pool3d, (zeros(1, 1, 5, 5), (2, 1, 1), 1, (1, 0, 0)), {}, "ValueError: avg_pool3d: the window spans 2 pixels along spatial axis 0, but the input has 1, and averages of volumes take no padding for pixels, as in torch"),
    (avg_pool2d_backward, (g, (1, 5, 5), 3), {}, "ValueError: avg_pool2d_backward: grad_output is (1, 2, 2) but the output for input (1, 5, 5) is (1, 1, 1)"),
    (avg_pool2d_backward, (g, 5, 2), {}, "TypeError: avg_pool2d_backward: input_size must be a sequence of integers, got 5"),
    (avg_pool2d_backward, (g, (5, 5), 2), {}, "ValueError: avg_pool2d_backward: input must be (N, C, H, W) or (C, H, W), got (5, 5)"),
    (avg_pool1d_backward, (zeros(1, 2, dtype="int64"), (1, 4), 2), {}, "TypeError: avg_pool1d_backward: gradients are of real floating-point numbers, got int64"),
    (avg_pool2d_backward, (g, (1, 2**18, 2**18), 2**17), {}, f"ValueError: avg_pool2d_backward: {SCRATCH} 512 GiB, more than the 64 GiB that are allowed"),
    (lp_pool2d, (x, 0, 2), {}, "ValueError: lp_pool2d: there is no 0th root, norm_type must not be 0"),
    (max_pool2d, (x, 2**31, 1), {"ceil_mode": True}, "ValueError: max_pool2d: kernel_size must be below 2^31, got 2147483648"),
    (max_pool2d, (x, 1, 2**31), {}, "ValueError: max_pool2d: stride must be below 2^31, got 2147483648"),
    (max_pool2d, (x, 2, 1, 0, 2**31), {}, "ValueError: max_pool2d: dilation must be below 2^31, got 2147483648"),
    (avg_pool2d, (x, 2), {"divisor_override": -(2**31) - 1}, "ValueError: avg_pool2d: divisor_override must be at least -2147483648, got -2147483649"),
    (max_unpool2d, (g, places, 2), {"output_size": (2, 4)}, "ValueError: max_unpool2d: output_size must be above 2 and below 6 along spatial axis 0, got 2"),
    (max_unpool2d, (g, places, 2), {"output_size": (4, 0)}, "ValueError: max_unpool2d: output_size must be at least 1, got (4, 0)"),
    (max_unpool2d, (g, places, 2), {"output_size": (1, 1, 1, 4, 4)}, "ValueError: max_unpool2d: output_size must be 2 integers or 4, got (1, 1, 1, 4, 4)"),
    (lp_pool2d, (x, "2", 2), {}, "TypeError: lp_pool2d: norm_type must be a real number, got '2'"),
    (lp_pool2d, (x, True, 2), {}, "TypeError: lp_pool2d: norm_type must be a real number, got True"),
    (lp_pool2d_backward, (g, x, 2, 3), {}, "ValueError: lp_pool2d_backward: grad_output is (1, 2, 2) but the output for input (1, 5, 5) is (1, 1, 1)"),
    (lp_pool2d_backward, (g, zeros(1, 5, 5, dtype="float32"), 2, 2), {}, "TypeError: lp_pool2d_backward: grad_output is float64 but input is float32; they must be equal"),
    (max_unpool2d, (g, zeros(1, 2, 3, dtype="int64"), 2), {}, "ValueError: max_unpool2d: there must be one index for each number of input (1, 2, 2), got (1, 2, 3)"),
    (max_unpool2d, (g, zeros(1, 2, 2, dtype="int32"), 2), {}, "TypeError: max_unpool2d: indices must be int64, got int32"),
    (max_unpool2d, (g, places, 2), {"output_size": (4, 6)}, "ValueError: max_unpool2d: output_size must be above 2 and below 6 along spatial axis 1, got 6"),
    (max_unpool2d, (g, places, 2), {"output_size": (4,)}, "ValueError: max_unpool2d: output_size must be 2 integers or 4, got (4,)"),
    (max_unpool2d, (g, places, 2), {"output_size": 4}, "TypeError: max_unpool2d: output_size must be a sequence of integers, got 4"),
    (max_unpool2d, (g, places, 2, 1, 2), {}, "ValueError: max_unpool2d: padding (2, 2) leaves no pixel, the output would be (-1, -1)"),
    (max_unpool2d, (zeros(1, 0, 2), zeros(1, 0, 2, dtype="int64"), 2), {}, "ValueError: max_unpool2d: only the batch may be empty, got (1, 0, 2)"),
    (max_unpool2d, (g, [0], 2), {}, "TypeError: max_unpool2d: indices must be a NumPy array or a torch tensor, got list"),
    (max_unpool2d, (g, places, 2**20), {}, f"ValueError: max_unpool2d: {SCRATCH} 131072 GiB, more than the 64 GiB that are allowed"),
    (max_unpool2d_backward, (x, zeros(2, 2, 2, dtype="int64")), {}, "ValueError: max_unpool2d_backward: grad_output and indices must agree but for the last 2 axes, got (1, 5, 5) and (2, 2, 2)"),
    (max_unpool2d_backward, (x, zeros(1, 2, 2, dtype="int32")), {}, "TypeError: max_unpool2d_backward: indices must be int64, got int32"),
    (max_unpool2d_backward, (zeros(1, 5, 5, dtype="int64"), places), {}, "TypeError: max_unpool2d_backward: gradients are of real floating-point numbers, got int64"),
    (max_unpool2d_backward, (zeros(5, 5), places), {}, "ValueError: max_unpool2d_backward: grad_output must be (N, C, H, W) or (C, H, W), got (5, 5)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"), WRONG, ids=[case[-1] for case in WRONG]
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)


@pytest.mark.parametrize("wrong", [-1, 4])
def test_an_index_of_an_array_outside_is_told_what_is_wrong(wrong):
    ones, places = np.ones((1, 1, 2)), np.array([[[0, wrong]]])
    message = f"must be from 0 to 3, the pixels of one plane of the output; got {wrong}"
    with pytest.raises(ValueError, match=f"max_unpool2d: indices {message}"):
        max_unpool2d(ones, places, (1, 2))
    with pytest.raises(ValueError, match=f"max_unpool2d_backward: indices {message}"):
        max_unpool2d_backward(np.ones((1, 1, 4)), places)

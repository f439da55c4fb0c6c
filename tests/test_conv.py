# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import warnings
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import Case, assert_agree, cases, ramp, tensor, zeros
from catalogue import assert_refused
from hypothesis import given, settings
from hypothesis import strategies as st

import convlib
from convlib import (
    conv1d,
    conv2d,
    conv2d_backward,
    conv2d_input,
    conv2d_weight,
    conv3d,
    conv_matrix,
    convolve2d,
    correlate2d,
    unfold,
)
from convlib.algorithms import depthwise, im2col, kn2row
from convlib.algorithms.problem import Problem
from convlib.oracles import conv_loops, correlate2d_loops, finite_difference

any_axes = pytest.mark.parametrize("n", [1, 2, 3])
modes = pytest.mark.parametrize("mode", ["full", "same", "valid"])


@pytest.fixture(scope="module", params=["in one piece", "in pieces"], autouse=True)
def pieces(request):
    """Everything twice: as a small convolution is computed, and row by row with whatever suits a large one."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "in pieces":
            patch.setattr(Problem, "is_large", property(lambda problem: problem.images > 0))
            for room in (im2col, kn2row, depthwise):
                patch.setattr(room, "MEBIBYTE", 64)  # bytes
        yield


def operations(n: int):
    """(conv, conv_input, conv_weight) for n axes."""
    return tuple(getattr(convlib, f"conv{n}d{suffix}") for suffix in ("", "_input", "_weight"))


def torch_conv(n: int, input, weight, bias, **options):
    """torch itself, without its warning about the copy that an uneven "same" costs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return getattr(F, f"conv{n}d")(input, weight, bias, **options)


def drawn(n: int):
    return cases(n, largest_kernel=(4, 4, 2)[n - 1], room=(4, 4, 2)[n - 1])


# --- value, dtype, shape ----------------------------------------------------------------------------------


def test_an_output_number_is_the_sum_of_products_of_a_window():
    output = conv2d(np.arange(9.0).reshape(1, 3, 3), np.array([[[[0.0, 1.0], [2.0, 3.0]]]]))
    assert output[0, 0, 0] == 0 * 0 + 1 * 1 + 2 * 3 + 3 * 4
    assert output[0, 0, 1] == 0 * 1 + 1 * 2 + 2 * 4 + 3 * 5
    assert output[0, 1, 1] == 0 * 4 + 1 * 5 + 2 * 7 + 3 * 8


def test_the_bias_is_added_to_each_number_of_its_channel():
    output = conv2d(np.ones((2, 1, 2, 2)), np.ones((2, 1, 1, 1)), np.array([10.0, 20.0]))
    assert (output[:, 0] == 1 + 10).all()
    assert (output[:, 1] == 1 + 20).all()


def test_a_group_sees_only_its_own_channels():
    image = np.array([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1)
    output = conv2d(image, np.ones((2, 2, 1, 1)), groups=2)
    assert output.ravel().tolist() == [1 + 2, 3 + 4]


@any_axes
@given(data=st.data())
def test_arrays_tensors_loops_and_torch_agree(n, data):
    case = data.draw(drawn(n))
    conv, _, _ = operations(n)
    output = conv(case.input, case.weight, case.bias, **case.options)
    assert isinstance(output, np.ndarray)
    assert output.shape == case.output_shape
    looped = conv_loops(
        case.batch, case.weight, case.bias, case.stride, case.pads, case.dilation, case.options["groups"]
    )
    assert_agree(output, looped.reshape(case.output_shape))
    tensors = tensor(case.input), tensor(case.weight), tensor(case.bias)
    assert_agree(output, torch_conv(n, *tensors, **case.options))
    twin = conv(*tensors, **case.options)
    assert isinstance(twin, torch.Tensor)
    assert_agree(twin, output)


@any_axes
@given(data=st.data())
def test_gradients_agree_with_autograd(n, data):
    case = data.draw(drawn(n))
    _, conv_input, conv_weight = operations(n)
    grad = case.random.normal(size=case.output_shape)
    x, w = tensor(case.input, requires_grad=True), tensor(case.weight, requires_grad=True)
    torch_conv(n, x, w, None, **case.options).backward(tensor(grad))
    grad_input = conv_input(case.input.shape, case.weight, grad, **case.options)
    grad_weight = conv_weight(case.input, case.weight.shape, grad, **case.options)
    assert_agree(grad_input, x.grad)
    assert_agree(grad_weight, w.grad)
    twin_input = conv_input(case.input.shape, tensor(case.weight), tensor(grad), **case.options)
    twin_weight = conv_weight(tensor(case.input), case.weight.shape, tensor(grad), **case.options)
    assert isinstance(twin_input, torch.Tensor) and isinstance(twin_weight, torch.Tensor)
    assert_agree(twin_input, x.grad)
    assert_agree(twin_weight, w.grad)


@given(drawn(2))
def test_backward_gives_all_three_gradients(case: Case):
    grad = case.random.normal(size=case.output_shape)
    bias = torch.zeros(case.weight.shape[0], dtype=torch.float64, requires_grad=True)
    x, w = tensor(case.input, requires_grad=True), tensor(case.weight, requires_grad=True)
    torch_conv(2, x, w, bias, **case.options).backward(tensor(grad))
    for make in (lambda array: array, tensor):
        gradients = conv2d_backward(make(grad), make(case.input), make(case.weight), **case.options)
        for gradient, expected in zip(gradients, (x.grad, w.grad, bias.grad), strict=True):
            assert_agree(gradient, expected)


@any_axes
@settings(max_examples=10)
@given(data=st.data())
def test_gradients_agree_with_finite_differences(n, data):
    case = data.draw(cases(n, largest_kernel=2, room=2))
    conv, conv_input, conv_weight = operations(n)
    grad = case.random.normal(size=case.output_shape)

    def loss(input, weight):
        return (grad * conv(input, weight, **case.options)).sum()

    by_input = finite_difference(lambda x: loss(x, case.weight), case.input)
    by_weight = finite_difference(lambda w: loss(case.input, w), case.weight)
    # linear in each argument, so only rounding is left: about 1e-16 * |loss| / step
    assert_agree(conv_input(case.input.shape, case.weight, grad, **case.options), by_input, 1e-7)
    assert_agree(conv_weight(case.input, case.weight.shape, grad, **case.options), by_weight, 1e-7)


def test_pixels_that_no_window_reaches_get_no_gradient():
    gradient = conv2d_input((1, 1, 1, 6), np.ones((1, 1, 1, 2)), np.ones((1, 1, 1, 2)), stride=3)
    assert gradient.ravel().tolist() == [1, 1, 0, 1, 1, 0]
    gradient = conv2d_input((1, 1, 1, 5), np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 2)), stride=3)
    assert gradient.ravel().tolist() == [1, 0, 0, 1, 0]


def test_same_puts_the_odd_pixel_after():
    row = np.array([[1.0, 2.0, 3.0]])
    assert conv1d(row, np.ones((1, 1, 2)), padding="same").tolist() == [[1 + 2, 2 + 3, 3 + 0]]


# --- number types -----------------------------------------------------------------------------------------


@any_axes
@given(data=st.data())
def test_single_precision_stays_and_agrees_to_six_digits(n, data):
    case = data.draw(drawn(n))
    conv, conv_input, conv_weight = operations(n)
    single = [None if a is None else a.astype("float32") for a in (case.input, case.weight, case.bias)]
    grad = case.random.normal(size=case.output_shape).astype("float32")
    exact = conv(*(None if a is None else a.astype("float64") for a in single), **case.options)
    assert_agree(conv(*single, **case.options), exact.astype("float32"), 2e-5)
    assert conv_input(case.input.shape, single[1], grad, **case.options).dtype == np.float32
    assert conv_weight(single[0], case.weight.shape, grad, **case.options).dtype == np.float32


@given(drawn(2))
def test_half_precision_is_rounded_once_at_the_end(case: Case):
    half = [None if a is None else a.astype("float16") for a in (case.input, case.weight, case.bias)]
    grad = case.random.normal(size=case.output_shape).astype("float16")
    wide = [None if a is None else a.astype("float64") for a in half]
    tolerance = 2**-11 + 1e-5  # half a unit in the last place, and what single precision adds up to

    def close(actual, expected):
        assert actual.dtype == np.float16
        np.testing.assert_allclose(actual.astype("float64"), expected, rtol=tolerance, atol=1e-5)

    close(conv2d(*half, **case.options), conv2d(*wide, **case.options))
    gradients = conv2d_backward(grad, *half[:2], **case.options)
    for actual, exact in zip(
        gradients, conv2d_backward(grad.astype("float64"), *wide[:2], **case.options), strict=True
    ):
        close(actual, exact)


@pytest.mark.parametrize("dtype", ["<f2", ">f2"])
def test_sums_that_would_stall_in_half_precision_do_not(dtype):
    ones = np.ones((3000, 1, 1, 1), dtype)
    stalled = np.float16(0)
    for _ in range(3000):
        stalled += np.float16(1)
    assert stalled == 2048  # 2049 is no half-precision number: this is what must not happen
    assert conv2d(ones.reshape(1, 3000, 1, 1), ones.reshape(1, 3000, 1, 1)).ravel() == 3000
    one = np.ones((1, 1, 1, 1), dtype)
    _, grad_weight, grad_bias = conv2d_backward(ones.repeat(2, axis=1), ones, one.repeat(2, axis=0))
    assert grad_weight.ravel().tolist() == [3000, 3000]
    assert grad_bias.tolist() == [3000, 3000]
    assert grad_bias.dtype == np.dtype(dtype)


@any_axes
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_integers_wrap_around_as_in_torch(n, dtype):
    limits = np.iinfo(dtype)
    random = np.random.default_rng(n)
    conv, _, _ = operations(n)
    x = random.integers(limits.min, limits.max, (2, 2) + (4,) * n, dtype, endpoint=True)
    w = random.integers(limits.min, limits.max, (3, 2) + (2,) * n, dtype, endpoint=True)
    b = random.integers(limits.min, limits.max, 3, dtype, endpoint=True)
    output = conv(x, w, b, stride=2, padding=1)
    assert_agree(output, torch_conv(n, tensor(x), tensor(w), tensor(b), stride=2, padding=1), 0)
    with np.errstate(over="ignore"):
        assert_agree(output, conv_loops(x, w, b, [2] * n, [(1, 1)] * n), 0)


def test_a_byte_starts_again_at_256():
    assert conv1d(np.array([[200, 100]], "uint8"), np.array([[[1, 1]]], "uint8")) == 200 + 100 - 256


def test_the_gradient_of_a_bias_keeps_the_number_type_where_torch_s_sum_does_not():
    empty, weight = torch.zeros(0, 1, 2, 2, dtype=torch.uint8), torch.ones(1, 1, 1, 1, dtype=torch.uint8)
    assert [gradient.dtype for gradient in conv2d_backward(empty, empty, weight)] == [torch.uint8] * 3


def test_integer_gradients_are_exact_and_keep_their_type():
    grad, image, weight = ramp(1, 1, 2, 2, dtype="int32"), ramp(1, 3, 3, dtype="int32"), None
    grad, weight = grad[0], ramp(1, 1, 2, 2, dtype="int32")
    grad_input, grad_weight, grad_bias = conv2d_backward(grad, image, weight)
    assert grad_input[0, 1, 1] == 4 * 1 + 3 * 2 + 2 * 3 + 1 * 4
    assert grad_weight[0, 0, 0, 0] == 1 * 1 + 2 * 2 + 4 * 3 + 5 * 4
    assert grad_bias.tolist() == [1 + 2 + 3 + 4]
    assert {g.dtype for g in (grad_input, grad_weight, grad_bias)} == {np.dtype("int32")}


@any_axes
def test_complex_numbers_are_multiplied_without_conjugation(n):
    random = np.random.default_rng(n)
    conv, _, _ = operations(n)

    def draw(*shape):
        return (random.normal(size=shape) + 1j * random.normal(size=shape)).astype("complex64")

    x, w, b = draw(2, 2, *(4,) * n), draw(3, 2, *(2,) * n), draw(3)
    assert_agree(conv(x, w, b), torch_conv(n, tensor(x), tensor(w), tensor(b)), 1e-5)
    assert_agree(conv(x, w, b), conv_loops(x, w, b), 1e-5)


# --- how arrays lie in memory -----------------------------------------------------------------------------


def everywhere(case: Case, transform) -> None:
    """The same answers for transformed arrays, and the arrays as they were."""
    grad = case.random.normal(size=case.output_shape)
    arrays = [transform(a) for a in (case.input, case.weight, grad)]
    before = [a.copy() for a in arrays]
    x, w, g = arrays
    bias = None if case.bias is None else transform(case.bias)
    output = conv2d(x, w, bias, **case.options)
    np.testing.assert_allclose(output, conv2d(case.input, case.weight, case.bias, **case.options), atol=1e-12)
    gradients = conv2d_backward(g, x, w, **case.options)
    for actual, expected in zip(
        gradients, conv2d_backward(grad, case.input, case.weight, **case.options), strict=True
    ):
        np.testing.assert_allclose(actual, expected, atol=1e-12)
    for array, copy in zip(arrays, before, strict=True):
        assert array.dtype == copy.dtype
        np.testing.assert_array_equal(array, copy)


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
@settings(max_examples=20)
@given(case=drawn(2))
def test_the_layout_of_the_arrays_does_not_matter(transform, case):
    everywhere(case, transform)


def test_inputs_are_never_modified():
    everywhere_case = np.random.default_rng(0)
    x, w, b = everywhere_case.normal(size=(1, 1, 3, 3)), np.ones((1, 1, 1, 1)), np.ones(1)
    before = [a.copy() for a in (x, w, b)]
    output = conv2d(x, w, b)
    output += 1
    gradient, _, _ = conv2d_backward(x, x, w)
    gradient += 1
    for array, copy in zip((x, w, b), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_big_endian_arrays_stay_big_endian():
    assert conv1d(np.ones((1, 3), ">f4"), np.ones((1, 1, 2), ">f4")).dtype == np.dtype(">f4")


# --- infinity and NaN -------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["input", "weight", "bias"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_flow_as_in_torch(where, value):
    random = np.random.default_rng(0)
    arrays = {
        "input": random.normal(size=(2, 2, 5, 5)), "weight": random.normal(size=(3, 2, 3, 3)),
        "bias": random.normal(size=3),
    }  # fmt: skip
    arrays["weight"][1, 0, 1, 1] = 0  # 0 * infinity is NaN
    arrays[where].flat[9 % arrays[where].size] = value
    output = conv2d(**arrays, padding=1)
    assert not np.isfinite(output).all()
    assert_agree(output, F.conv2d(*map(tensor, arrays.values()), padding=1))
    grad = random.normal(size=output.shape)
    expected = conv2d_backward(tensor(grad), tensor(arrays["input"]), tensor(arrays["weight"]), padding=1)
    for actual, other in zip(
        conv2d_backward(grad, arrays["input"], arrays["weight"], padding=1), expected, strict=True
    ):
        assert_agree(actual, other)


def test_half_precision_overflows_to_infinity_silently():
    huge = np.full((1, 1, 1), 60000, "float16")
    assert conv2d(huge, np.full((1, 1, 1, 1), 2, "float16")).ravel() == np.inf


# --- laws -------------------------------------------------------------------------------------------------


@any_axes
@settings(max_examples=25)
@given(data=st.data())
def test_convolution_is_linear_in_the_image_and_in_the_kernel(n, data):
    case = data.draw(drawn(n))
    conv = partial(operations(n)[0], **case.options)
    x, w = case.input, case.weight
    y, v = case.random.normal(size=x.shape), case.random.normal(size=w.shape)
    assert_agree(conv(2 * x - 3 * y, w), 2 * conv(x, w) - 3 * conv(y, w))
    assert_agree(conv(x, 2 * w - 3 * v), 2 * conv(x, w) - 3 * conv(x, v))


@any_axes
@settings(max_examples=25)
@given(data=st.data())
def test_gradients_are_adjoints(n, data):
    """<conv(x, w), g> = <x, conv_input(w, g)> = <w, conv_weight(x, g)>."""
    case = data.draw(drawn(n))
    conv, conv_input, conv_weight = operations(n)
    grad = case.random.normal(size=case.output_shape)
    product = (conv(case.input, case.weight, **case.options) * grad).sum()
    by_input = (case.input * conv_input(case.input.shape, case.weight, grad, **case.options)).sum()
    by_weight = (case.weight * conv_weight(case.input, case.weight.shape, grad, **case.options)).sum()
    assert abs(product - by_input) <= 1e-10 * max(1, abs(product))
    assert abs(product - by_weight) <= 1e-10 * max(1, abs(product))


@given(rows=st.integers(0, 3), columns=st.integers(0, 3), kh=st.integers(1, 3), kw=st.integers(1, 3))
def test_shifting_the_image_shifts_the_answer(rows, columns, kh, kw):
    random = np.random.default_rng(rows + 4 * columns)
    image, weight = random.normal(size=(2, 8, 8)), random.normal(size=(3, 2, kh, kw))
    shifted = conv2d(np.roll(image, (rows, columns), (1, 2)), weight)
    answer = conv2d(image, weight)
    height, width = answer.shape[1:]
    assert_agree(shifted[:, rows:, columns:], answer[:, : height - rows, : width - columns])


def test_a_dot_comes_out_as_the_flipped_kernel():
    dot = np.zeros((1, 5, 5))
    dot[0, 2, 2] = 1
    kernel = ramp(1, 1, 3, 3)
    assert_agree(conv2d(dot, kernel)[0], kernel[0, 0, ::-1, ::-1])
    assert_agree(correlate2d(dot[0], kernel[0, 0], "valid"), kernel[0, 0, ::-1, ::-1])
    assert_agree(convolve2d(dot[0], kernel[0, 0], "valid"), kernel[0, 0])


@settings(max_examples=30)
@given(drawn(2))
def test_a_convolution_is_a_matrix_product_of_kernels_and_columns(case: Case):
    if case.options["groups"] > 1 or isinstance(case.options["padding"], str) or case.input.shape[0] == 0:
        return
    options = {name: case.options[name] for name in ("stride", "padding", "dilation")}
    columns = unfold(case.input, case.weight.shape[2:], **options)
    product = case.weight.reshape(len(case.weight), -1) @ columns
    assert_agree(product.reshape(case.output_shape), conv2d(case.input, case.weight, **case.options))


@settings(max_examples=40)
@given(drawn(2))
def test_the_matrix_of_a_convolution_gives_the_same_answers(case: Case):
    options = {name: case.options[name] for name in ("stride", "padding", "dilation")}
    image = case.random.normal(size=(case.weight.shape[1], *case.input.shape[-2:]))
    output = conv2d(image, case.weight, **options)
    matrix = conv_matrix(case.weight, image.shape, **options)
    assert matrix.shape == (output.size, image.size)
    assert_agree(matrix @ image.ravel(), output.ravel())
    grad = case.random.normal(size=output.shape)
    back = conv2d_input(image.shape, case.weight, grad, **options)
    assert_agree(matrix.T @ grad.ravel(), back.ravel())
    assert_agree(conv_matrix(tensor(case.weight), image.shape, **options), matrix)


# --- plain images -----------------------------------------------------------------------------------------

image_sizes = st.tuples(*[st.integers(1, 6)] * 4)


@given(sizes=image_sizes)
def test_valid_correlation_agrees_with_the_loops(sizes):
    height, width, kh, kw = sizes
    random = np.random.default_rng(sizes)
    image, kernel = random.normal(size=(height + kh - 1, width + kw - 1)), random.normal(size=(kh, kw))
    assert_agree(correlate2d(image, kernel, "valid"), correlate2d_loops(image, kernel))


def test_full_is_the_default_as_in_scipy():
    assert correlate2d(np.ones((3, 3)), np.ones((2, 2))).shape == (3 + 2 - 1, 3 + 2 - 1)
    assert convolve2d(np.ones((3, 3)), np.ones((2, 2))).shape == (3 + 2 - 1, 3 + 2 - 1)


@given(sizes=image_sizes)
def test_convolution_is_commutative_and_associative(sizes):
    random = np.random.default_rng(sizes)
    a, b, c = random.normal(size=sizes[:2]), random.normal(size=sizes[2:]), random.normal(size=sizes[1:3])
    assert_agree(convolve2d(a, b), convolve2d(b, a))
    assert_agree(convolve2d(convolve2d(a, b), c), convolve2d(a, convolve2d(b, c)))


def test_same_lays_an_even_kernel_as_conv2d_does():
    row, kernel = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 10.0]])
    assert correlate2d(row, kernel, "same").tolist() == [[1 * 1 + 10 * 2, 1 * 2 + 10 * 3, 1 * 3 + 10 * 0]]
    assert convolve2d(row, kernel, "same").tolist() == [[1 * 1 + 10 * 0, 1 * 2 + 10 * 1, 1 * 3 + 10 * 2]]
    assert_agree(correlate2d(row, kernel, "same"), conv2d(row[None], kernel[None, None], padding="same")[0])


def test_correlation_is_not_commutative():
    a, b = np.array([[1.0, 2.0]]), np.array([[1.0, 10.0]])
    assert correlate2d(a, b).tolist() == [[10 * 1, 1 * 1 + 10 * 2, 1 * 2]]
    assert correlate2d(b, a).tolist() == [[2 * 1, 1 * 1 + 2 * 10, 1 * 10]]


@pytest.mark.parametrize("mode", ["full", "valid"])
@given(sizes=image_sizes)
def test_correlation_is_convolution_with_the_flipped_kernel(mode, sizes):
    height, width, kh, kw = sizes
    random = np.random.default_rng(sizes)
    image, kernel = random.normal(size=(height + kh, width + kw)), random.normal(size=(kh, kw))
    assert_agree(correlate2d(image, kernel, mode), convolve2d(image, kernel[::-1, ::-1], mode))


@modes
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32", "complex64"])
def test_plain_images_keep_their_number_type(mode, dtype):
    image, kernel = ramp(4, 5, dtype=dtype), ramp(3, 2, dtype=dtype)
    for operation in (correlate2d, convolve2d):
        exact = operation(image.real.astype("float64"), kernel.real.astype("float64"), mode)
        assert exact.max() < 2**11  # whole numbers in every type but the byte, which starts again
        assert_agree(
            operation(image, kernel, mode), (exact % 256 if dtype == "uint8" else exact).astype(dtype), 0
        )


# --- wrong calls ------------------------------------------------------------------------------------------

x, w = zeros(1, 1, 5, 5), zeros(1, 1, 3, 3)
g = zeros(1, 1, 3, 3)
huge = zeros(1, 1, 2**18, 2**18)

WRONG = [
    # shapes
    (conv2d, (zeros(1, 3, 5, 5), zeros(2, 4, 3, 3)), {}, "ValueError: conv2d: input has 3 channels but weight expects 4 (input (1, 3, 5, 5), weight (2, 4, 3, 3), groups=1)"),
    (conv2d, (zeros(4, 5, 5), zeros(2, 3, 3, 3)), {"groups": 2}, "ValueError: conv2d: input has 4 channels but weight expects 6 (input (4, 5, 5), weight (2, 3, 3, 3), groups=2)"),
    (conv2d, (zeros(4, 5, 5), zeros(3, 2, 3, 3)), {"groups": 2}, "ValueError: conv2d: 3 output channels cannot be split into 2 groups (weight (3, 2, 3, 3))"),
    (conv2d, (zeros(5, 5), w), {}, "ValueError: conv2d: input must be (N, C, H, W) or (C, H, W), got (5, 5)"),
    (conv1d, (zeros(5), zeros(1, 1, 3)), {}, "ValueError: conv1d: input must be (N, C, W) or (C, W), got (5,)"),
    (conv3d, (zeros(5, 5, 5), zeros(1, 1, 3, 3, 3)), {}, "ValueError: conv3d: input must be (N, C, D, H, W) or (C, D, H, W), got (5, 5, 5)"),
    (conv2d, (x, zeros(3, 3)), {}, "ValueError: conv2d: weight must be (C_out, C_in / groups, kh, kw), none of them 0; got (3, 3)"),
    (conv1d, (zeros(1, 5), zeros(1, 0, 3)), {}, "ValueError: conv1d: weight must be (C_out, C_in / groups, kw), none of them 0; got (1, 0, 3)"),
    (conv3d, (x, zeros(0, 1, 3, 3, 3)), {}, "ValueError: conv3d: weight must be (C_out, C_in / groups, kd, kh, kw), none of them 0; got (0, 1, 3, 3, 3)"),
    (conv2d, (zeros(1, 1, 0, 4), w), {"padding": 2}, "ValueError: conv2d: input (1, 1, 0, 4) has no pixels"),
    (conv2d, (x, zeros(1, 1, 6, 3)), {}, "ValueError: conv2d: the kernel spans 6 pixels along spatial axis 0, but the padded input has 5 (size 5, padding 0 + 0)"),
    (conv2d, (x, w), {"dilation": (1, 4), "padding": 1}, "ValueError: conv2d: the kernel spans 9 pixels (dilation 4 spreads 3 taps) along spatial axis 1, but the padded input has 7 (size 5, padding 1 + 1)"),
    (conv2d, (x, w, zeros(2)), {}, "ValueError: conv2d: bias must hold one number for each of the 1 output channels, got (2,)"),
    (conv2d, (x, w, zeros(1, 1)), {}, "ValueError: conv2d: bias must hold one number for each of the 1 output channels, got (1, 1)"),
    # options
    (conv2d, (x, w), {"stride": 0}, "ValueError: conv2d: stride must be at least 1, got 0"),
    (conv2d, (x, w), {"stride": (1, -1)}, "ValueError: conv2d: stride must be at least 1, got (1, -1)"),
    (conv2d, (x, w), {"stride": 1.5}, "TypeError: conv2d: stride must be an integer or 2 integers, got 1.5"),
    (conv2d, (x, w), {"stride": True}, "TypeError: conv2d: stride must be an integer or 2 integers, got True"),
    (conv2d, (x, w), {"stride": None}, "TypeError: conv2d: stride must be an integer or 2 integers, got None"),
    (conv2d, (x, w), {"stride": (1, 2, 3)}, "ValueError: conv2d: stride must be one integer or 2, got (1, 2, 3)"),
    (conv1d, (zeros(1, 5), zeros(1, 1, 3)), {"stride": (1, 2)}, "ValueError: conv1d: stride must be one integer, got (1, 2)"),
    (conv1d, (zeros(1, 5), zeros(1, 1, 3)), {"stride": 2.0}, "TypeError: conv1d: stride must be an integer, got 2.0"),
    (conv2d, (x, w), {"dilation": 0}, "ValueError: conv2d: dilation must be at least 1, got 0"),
    (conv2d, (x, w), {"padding": -1}, "ValueError: conv2d: padding must be at least 0, got -1"),
    (conv2d, (x, w), {"padding": "full"}, "ValueError: conv2d: padding must be 'valid', 'same' or integers, got 'full'"),
    (conv2d, (x, w), {"padding": "same", "stride": (1, 2)}, "ValueError: conv2d: padding='same' needs stride 1, got stride (1, 2); give padding in pixels"),
    (conv2d, (x, w), {"groups": 0}, "ValueError: conv2d: groups must be at least 1, got 0"),
    (conv2d, (x, w), {"groups": 1.0}, "TypeError: conv2d: groups must be an integer, got 1.0"),
    (conv2d, (x, w), {"groups": (1,)}, "TypeError: conv2d: groups must be an integer, got (1,)"),
    # types
    (conv2d, ([[1]], w), {}, "TypeError: conv2d: input must be a NumPy array or a torch tensor, got list"),
    (conv2d, (x, [[1]]), {}, "TypeError: conv2d: weight must be a NumPy array or a torch tensor, got list"),
    (conv2d, (x, w, 1.0), {}, "TypeError: conv2d: bias must be a NumPy array or a torch tensor, got float"),
    (conv2d, (x, zeros(1, 1, 3, 3, dtype="float32")), {}, "TypeError: conv2d: input is float64 but weight is float32; they must be equal"),
    (conv2d, (x, w, zeros(1, dtype="float32")), {}, "TypeError: conv2d: input is float64 but bias is float32; they must be equal"),
    (conv2d, (zeros(1, 5, 5, dtype="bool"), zeros(1, 1, 3, 3, dtype="bool")), {}, "TypeError: conv2d: bool has no products to add; convert to a number type first"),
    # gradients
    (conv2d_input, ((1, 1, 5, 5), w, zeros(1, 1, 2, 3)), {}, "ValueError: conv2d_input: grad_output is (1, 1, 2, 3) but the output of this convolution is (1, 1, 3, 3) (input (1, 1, 5, 5), weight (1, 1, 3, 3))"),
    (conv2d_weight, (x, (1, 1, 3, 3), zeros(1, 3, 3)), {}, "ValueError: conv2d_weight: grad_output is (1, 3, 3) but the output of this convolution is (1, 1, 3, 3) (input (1, 1, 5, 5), weight (1, 1, 3, 3))"),
    (conv2d_input, ((5, 5), w, g), {}, "ValueError: conv2d_input: the input has 3 axes, or 4 with a batch; got (5, 5)"),
    (conv2d_input, (5, w, g), {}, "TypeError: conv2d_input: input_size must be a sequence of integers, got 5"),
    (conv2d_input, ((1, 1, 5.0, 5), w, g), {}, "TypeError: conv2d_input: input_size must be a sequence of integers, got (1, 1, 5.0, 5)"),
    (conv2d_input, ((1, 1, -5, 5), w, g), {"padding": 9}, "ValueError: conv2d_input: input_size must be at least 0, got (1, 1, -5, 5)"),
    (conv2d_input, ((1, 1, 5, 5), [1], g), {}, "TypeError: conv2d_input: weight must be a NumPy array or a torch tensor, got list"),
    (conv2d_input, ((1, 1, 5, 5), w, [1]), {}, "TypeError: conv2d_input: grad_output must be a NumPy array or a torch tensor, got list"),
    (conv2d_input, ((1, 1, 5, 5), w, zeros(1, 1, 3, 3, dtype="float32")), {}, "TypeError: conv2d_input: weight is float64 but grad_output is float32; they must be equal"),
    (conv2d_input, ((1, 1, 0, 5), w, g), {"padding": 9}, "ValueError: conv2d_input: input (1, 1, 0, 5) has no pixels"),
    (conv2d_input, ((1, 1, 5, 5), zeros(1, 1, 3, 3, dtype="complex64"), zeros(1, 1, 3, 3, dtype="complex64")), {}, "TypeError: conv2d_input: gradients are of real numbers, got complex64"),
    (conv2d_weight, (x, (1, 1, 3, -3), g), {}, "ValueError: conv2d_weight: weight_size must be at least 0, got (1, 1, 3, -3)"),
    (conv2d_weight, (x, (1, 1, 3, 0), g), {}, "ValueError: conv2d_weight: weight must be (C_out, C_in / groups, kh, kw), none of them 0; got (1, 1, 3, 0)"),
    (conv2d_weight, (x, 3, g), {}, "TypeError: conv2d_weight: weight_size must be a sequence of integers, got 3"),
    (conv2d_weight, ([1], (1, 1, 3, 3), g), {}, "TypeError: conv2d_weight: input must be a NumPy array or a torch tensor, got list"),
    (conv2d_weight, (x, (1, 1, 3, 3), g), {"stride": 0}, "ValueError: conv2d_weight: stride must be at least 1, got 0"),
    (convlib.conv1d_input, ((1, 1, 5), zeros(1, 2, 3), zeros(1, 1, 3)), {}, "ValueError: conv1d_input: input has 1 channels but weight expects 2 (input (1, 1, 5), weight (1, 2, 3), groups=1)"),
    (convlib.conv3d_weight, (zeros(5, 5), (1, 1, 3, 3, 3), g), {}, "ValueError: conv3d_weight: the input has 4 axes, or 5 with a batch; got (5, 5)"),
    (conv2d_backward, (g, [1], w), {}, "TypeError: conv2d_backward: input must be a NumPy array or a torch tensor, got list"),
    (conv2d_backward, (g, x, [1]), {}, "TypeError: conv2d_backward: weight must be a NumPy array or a torch tensor, got list"),
    (conv2d_backward, ([1], x, w), {}, "TypeError: conv2d_backward: grad_output must be a NumPy array or a torch tensor, got list"),
    (conv2d_backward, (x, x, w), {}, "ValueError: conv2d_backward: grad_output is (1, 1, 5, 5) but the output of this convolution is (1, 1, 3, 3) (input (1, 1, 5, 5), weight (1, 1, 3, 3))"),
    (conv2d_backward, (g, zeros(1, 1, 5, 5, dtype="float32"), w), {}, "TypeError: conv2d_backward: input is float32 but weight is float64; they must be equal"),
    # the matrix
    (conv_matrix, (w, (2, 4, 4)), {}, "ValueError: conv_matrix: input has 2 channels but weight expects 1 (input (32, 2, 4, 4), weight (1, 1, 3, 3), groups=1)"),
    (conv_matrix, (w, (4, 4)), {}, "ValueError: conv_matrix: input_size must be (C, H, W) of one image, got (4, 4)"),
    (conv_matrix, (w, 16), {}, "TypeError: conv_matrix: input_size must be a sequence of integers, got 16"),
    (conv_matrix, ([1], (1, 4, 4)), {}, "TypeError: conv_matrix: weight must be a NumPy array or a torch tensor, got list"),
    (conv_matrix, (zeros(3, 3), (1, 4, 4)), {}, "ValueError: conv_matrix: weight must be (C_out, C_in / groups, kh, kw), none of them 0; got (3, 3)"),
    (conv_matrix, (w, (1, 0, 4)), {}, "ValueError: conv_matrix: input (0, 1, 0, 4) has no pixels"),
    # plain images
    (correlate2d, (x, w), {}, "ValueError: correlate2d: input must be a plain image (H, W) with pixels, got (1, 1, 5, 5)"),
    (convolve2d, (zeros(3, 3), zeros(0, 2)), {}, "ValueError: convolve2d: kernel must be a plain image (H, W) with pixels, got (0, 2)"),
    (correlate2d, ([1], zeros(3, 3)), {}, "TypeError: correlate2d: input must be a NumPy array or a torch tensor, got list"),
    (convolve2d, (zeros(3, 3), zeros(3, 3), "all"), {}, "ValueError: convolve2d: mode must be 'full', 'same' or 'valid', got 'all'"),
    (correlate2d, (zeros(3, 3), zeros(2, 4), "valid"), {}, "ValueError: correlate2d: the kernel (2, 4) does not fit into the image (3, 3)"),
    (convolve2d, (zeros(3, 3), zeros(4, 2), "valid"), {}, "ValueError: convolve2d: the kernel (4, 2) does not fit into the image (3, 3)"),
    (correlate2d, (zeros(3, 3), zeros(2, 2, dtype="float32")), {}, "TypeError: correlate2d: input is float64 but kernel is float32; they must be equal"),
    # too large
    (conv2d, (huge, w), {}, "ValueError: conv2d: the result and its scratch would take 5632 GiB, more than the 64 GiB that are allowed"),
    (conv2d, (x, w), {"padding": 2**17, "stride": 2**17}, "ValueError: conv2d: the result and its scratch would take 512 GiB, more than the 64 GiB that are allowed"),
    (conv2d_input, ((1, 1, 2**18, 2**18), zeros(1, 1, 1, 1), zeros(1, 1, 1, 1)), {"stride": 2**18}, "ValueError: conv2d_input: the result and its scratch would take 512 GiB, more than the 64 GiB that are allowed"),
    (conv2d_weight, (huge, (1, 1, 1, 1), zeros(1, 1, 1, 1)), {"stride": 2**18}, "ValueError: conv2d_weight: the result and its scratch would take 512 GiB, more than the 64 GiB that are allowed"),
    (conv_matrix, (zeros(1, 1, 1, 1), (1, 2**9, 2**9)), {}, "ValueError: conv_matrix: the result and its scratch would take 1536 GiB, more than the 64 GiB that are allowed"),
    (conv2d, (zeros(0, 1, 5, 5), w), {"padding": 2**40}, f"ValueError: conv2d: the result and its scratch would take {((5 + 2**41) ** 2 + 10 * (3 + 2**41) ** 2) * 8 // 2**30} GiB, more than the 64 GiB that are allowed"),
    (conv2d, (x, w), {"padding": 2**63}, "ValueError: conv2d: padding must be at most 2^62, got 9223372036854775808"),
    (conv2d, (x, w), {"stride": 10**30}, "ValueError: conv2d: stride must be at most 2^62, got 1000000000000000000000000000000"),
    (correlate2d, (zeros(2**17, 2**17), zeros(1, 1)), {}, "ValueError: correlate2d: the result and its scratch would take 384 GiB, more than the 64 GiB that are allowed"),
    (convolve2d, (zeros(2, 2), zeros(2**10, 2**10)), {}, "ValueError: convolve2d: the result and its scratch would take 8208 GiB, more than the 64 GiB that are allowed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"), WRONG, ids=[row[-1] for row in WRONG]
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)


def test_a_result_just_below_the_limit_is_not_refused():
    """2^36 bytes are 2^33 numbers: image, columns and output have the same size under a kernel of one tap."""

    def conv1d_of(size):
        image = torch.zeros(1, size, dtype=torch.float64, device="meta")
        return conv1d(image, torch.zeros(1, 1, 1, dtype=torch.float64, device="meta"))

    assert conv1d_of(2**33 // 3).shape == (1, 2**33 // 3)
    with pytest.raises(ValueError, match="conv1d: the result and its scratch would take 64 GiB"):
        conv1d_of(2**33 // 3 + 1)

# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import math

import numpy as np
import pytest
import torch
from agreement import assert_agree, ramp, tensor, zeros
from catalogue import assert_refused
from hypothesis import given
from hypothesis import strategies as st

from convlib import (
    blur_pool2d,
    c4_conv,
    c4_lift,
    c4_pool,
    conv2d,
    equivariance_error,
    interpolate,
    max_pool2d,
    pad,
)
from convlib.equivariance import rescale, rotate, rotate90, shift, shift_errors

either = pytest.mark.parametrize("make", [np.asarray, torch.tensor], ids=["numpy", "torch"])
image = np.random.default_rng(4).normal(size=(2, 3, 12, 12))
weight = np.random.default_rng(5).normal(size=(4, 3, 3, 3))


def circular(x, kernel=weight):
    kernel = kernel if isinstance(x, np.ndarray) else torch.tensor(kernel)
    return conv2d(pad(x, (1, 1, 1, 1), "circular"), kernel)


def by(rows: int, columns: int, mode: str = "circular"):
    return lambda x: shift(x, (rows, columns), mode)


# --- what is equivariant, and what is not -------------------------------------------------------------------


@either
def test_a_circular_convolution_commutes_with_shifts_and_zero_padding_does_not(make):
    x = make(image)
    assert equivariance_error(circular, by(2, -3), x) < 1e-14
    zero_padded = lambda x: conv2d(x, x.new_tensor(weight) if make is torch.tensor else weight, padding=1)  # noqa: E731
    assert equivariance_error(zero_padded, by(2, -3), x) > 0.1
    assert equivariance_error(zero_padded, by(2, -3), x, margin=4) < 1e-14  # only the edges are spoiled
    assert equivariance_error(zero_padded, by(2, -3), x, margin=(3, 4)) < 1e-14
    assert equivariance_error(zero_padded, by(2, -3), x, margin=(4, 0)) > 0.1


@either
def test_a_max_pooling_of_stride_1_commutes_exactly(make):
    pool = lambda x: max_pool2d(pad(x, (1, 1, 1, 1), "circular"), 3, 1)  # noqa: E731
    for offset in ((1, 0), (0, 1), (5, -7)):
        assert equivariance_error(pool, by(*offset), make(image)) == 0


@either
def test_a_stride_of_2_commutes_with_a_shift_by_2_and_not_by_1(make):
    pool = lambda x: max_pool2d(x, 2)  # noqa: E731
    assert equivariance_error(pool, by(0, 2), make(image), by(0, 1)) == 0
    assert equivariance_error(pool, by(4, 2), make(image), by(2, 1)) == 0
    for moved in (0, 1):
        assert equivariance_error(pool, by(0, 1), make(image), by(0, moved)) > 0.5


@either
def test_a_quarter_turn_commutes_with_a_symmetric_kernel_alone(make):
    x, symmetric = make(image), np.tile([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]], (4, 3, 1, 1))
    assert equivariance_error(lambda x: circular(x, symmetric), rotate90, x) < 1e-14
    assert equivariance_error(circular, rotate90, x) > 0.5


@either
def test_a_network_over_the_four_orientations_commutes_with_quarter_turns(make):
    first, second = make(weight), make(np.random.default_rng(6).normal(size=(2, 4, 4, 3, 3)))
    network = lambda x: c4_pool(c4_conv(c4_lift(x, first, padding=1), second))  # noqa: E731
    assert equivariance_error(network, rotate90, make(image)) < 1e-13
    assert equivariance_error(network, lambda x: rotate(x, 90), make(image)) < 1e-13


def test_an_average_over_the_image_is_invariant():
    mean = lambda x: x.mean((-2, -1))  # noqa: E731
    assert equivariance_error(mean, by(3, 4), image, lambda y: y) < 1e-12
    assert equivariance_error(mean, rotate90, image, lambda y: y) < 1e-12


def test_a_blur_before_the_stride_makes_the_error_smaller():
    smooth = rescale(np.random.default_rng(7).normal(size=(1, 1, 8, 8)), 4)
    strided = shift_errors(lambda x: x[..., ::2, ::2], smooth, range(5), 2)
    blurred = shift_errors(lambda x: blur_pool2d(x, 5, 2, "circular"), smooth, range(5), 2)
    assert strided[[0, 2, 4]].tolist() == [0, 0, 0]
    assert np.all(blurred[[0, 2, 4]] < 1e-14)
    assert np.all(blurred[[1, 3]] < strided[[1, 3]])


# --- the measure --------------------------------------------------------------------------------------------


def test_the_error_written_out():
    row = np.array([[1.0, 2.0, 3.0, 4.0]])
    scale = math.sqrt((0 * 0 + 2 * 2 + 6 * 6 + 12 * 12) / 4)
    by_place = lambda x: x * np.arange(4)  # noqa: E731  0 2 6 12, and of 4 1 2 3: 0 1 4 9
    expected = max(abs(0 - 12), abs(1 - 0), abs(4 - 2), abs(9 - 6)) / scale
    assert equivariance_error(by_place, by(0, 1), row) == pytest.approx(expected)
    assert equivariance_error(by_place, by(0, 1), row, margin=(0, 1)) == pytest.approx(2 / scale)
    assert equivariance_error(by_place, by(0, 1), row, lambda y: y) == pytest.approx(3 / scale)


@given(st.floats(1e-3, 1e3), st.integers(-5, 5))
def test_the_unit_of_the_image_does_not_count(factor, columns):
    zero_padded = lambda x: conv2d(x, weight, padding=1)  # noqa: E731
    error = equivariance_error(zero_padded, by(0, columns), image)
    assert equivariance_error(zero_padded, by(0, columns), factor * image) == pytest.approx(error)


def test_tensors_give_the_errors_of_arrays():
    zero_padded = lambda x: conv2d(x, weight if isinstance(x, np.ndarray) else tensor(weight), padding=1)  # noqa: E731
    for transform in (by(1, 2), by(1, 2, "zeros"), rotate90, lambda x: rotate(x, 30)):
        error = equivariance_error(zero_padded, transform, image)
        assert equivariance_error(zero_padded, transform, tensor(image)) == pytest.approx(error)
    errors = shift_errors(zero_padded, image, [1, (2, 3)], margin=1)
    np.testing.assert_allclose(shift_errors(zero_padded, tensor(image), [1, (2, 3)], margin=1), errors)


def test_anything_that_can_be_called_is_measured():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), torch.nn.ReLU()
    )
    x = torch.tensor(image, dtype=torch.float32)
    assert equivariance_error(layers, by(3, 1), x) < 1e-5
    pooled = torch.nn.Sequential(layers, torch.nn.MaxPool2d(2))
    assert equivariance_error(pooled, by(2, 4), x, by(1, 2)) < 1e-5
    assert equivariance_error(pooled, by(1, 0), x, by(0, 0)) > 0.1
    assert equivariance_error(np.tanh, by(1, 2), image) == 0
    assert equivariance_error(torch.nn.Softmax(1).double(), rotate90, tensor(image)) == 0
    half = layers.to(torch.bfloat16)
    assert equivariance_error(half, by(3, 1), x.to(torch.bfloat16)) < 0.05


def test_complex_and_whole_numbers_are_compared_by_their_size():
    turned = lambda x: x * 1j * np.arange(2)  # noqa: E731  0 4i and of 4 3 0 3i; rms of 0 and 4 is 4 / sqrt 2
    assert equivariance_error(turned, by(0, 1), np.array([[3.0, 4.0]])) == pytest.approx(4 / math.sqrt(8))
    assert equivariance_error(
        lambda x: x, by(0, 1), np.array([[200, 3]], "uint8"), lambda y: y
    ) == pytest.approx(197 / math.sqrt((200**2 + 3**2) / 2))


def test_nothing_and_not_a_number():
    zero = np.zeros((1, 4))
    assert equivariance_error(lambda x: x, by(0, 1), zero) == 0
    by_place = lambda x: np.cumsum(x, -1) * 0 + (x[..., :1] != 0)  # noqa: E731
    assert equivariance_error(by_place, by(0, 1), np.array([[0.0, 0, 0, 1]]), lambda y: y) == math.inf
    assert math.isnan(equivariance_error(lambda x: x, by(0, 1), np.array([[1.0, np.nan]])))


def test_neither_the_input_nor_what_an_operation_raises_is_touched():
    before = image.copy()
    equivariance_error(circular, by(1, 1), image)
    np.testing.assert_array_equal(image, before)

    def fails(x):
        raise RuntimeError("as it says itself")

    with pytest.raises(RuntimeError, match="as it says itself"):
        equivariance_error(fails, by(1, 1), image)


def test_a_curve_compares_with_the_nearest_whole_pixel():
    row = np.arange(1.0, 17).reshape(1, 16)
    fourth = lambda x: x[..., ::4]  # noqa: E731
    errors = shift_errors(fourth, row, range(-4, 9), stride=(1, 4))
    for d, error in zip(range(-4, 9), errors, strict=True):
        moved = math.ceil(d / 4 - 0.5)  # nearest, and of two the smaller one
        expected = equivariance_error(fourth, by(0, d), row, by(0, moved))
        assert error == expected
        assert (error == 0) == (d % 4 == 0)
    assert errors.dtype == np.float64 and errors.shape == (13,)


def test_a_shift_is_to_the_right_or_a_pair():
    rows_only = lambda x: x * np.arange(12)[:, None]  # noqa: E731
    assert shift_errors(rows_only, image, [3]).tolist() == [0]
    assert shift_errors(rows_only, image, [(3, 0)])[0] > 0.5
    assert shift_errors(rows_only, image, []).shape == (0,)
    halves = shift_errors(lambda x: x[..., ::2, ::3], image, [(2, 3), (4, -6), (2, 2)], stride=(2, 3))
    assert halves[:2].tolist() == [0, 0] and halves[2] > 0.5


def test_a_curve_with_zeros_entering_needs_a_margin():
    zero_padded = lambda x: conv2d(x, weight, padding=1)  # noqa: E731
    inside = shift_errors(zero_padded, image, [0, 1, 2], mode="zeros", margin=4)
    assert np.all(inside < 1e-14)
    assert np.all(shift_errors(zero_padded, image, [1, 2], mode="zeros") > 0.1)
    assert shift_errors(lambda x: x, image, [1, (2, -3)], mode="zeros").tolist() == [0, 0]  # on both sides


# --- the transforms -----------------------------------------------------------------------------------------


def each(transform, *arguments, shape=(2, 3, 5, 6)):
    """The answer of arrays, after tensors have given the same, and gradients have come through."""
    x = np.random.default_rng(1).normal(size=shape)
    before = x.copy()
    answer = transform(x, *arguments)
    leaf = tensor(x, requires_grad=True)
    twin = transform(leaf, *arguments)
    assert_agree(twin, answer)
    twin.sum().backward()
    assert leaf.grad.shape == leaf.shape
    assert not np.may_share_memory(answer, x)
    np.testing.assert_array_equal(x, before)
    for dtype in ("float16", "float32", ">f8"):
        assert transform(x.astype(dtype), *arguments).dtype == np.dtype(dtype)
    return x, answer


@given(st.integers(-20, 20), st.integers(-20, 20))
def test_a_shift_moves_down_and_to_the_right(rows, columns):
    x, moved = each(shift, (rows, columns))
    assert_agree(moved, np.roll(x, (rows, columns), (-2, -1)), 0)
    x, cut = each(shift, [rows, columns], "zeros")
    for i, j in np.ndindex(5, 6):
        inside = 0 <= i - rows < 5 and 0 <= j - columns < 6
        np.testing.assert_array_equal(cut[..., i, j], x[..., i - rows, j - columns] if inside else 0)


def test_a_shift_of_plain_images_of_maps_and_of_whole_numbers():
    assert shift(ramp(2, 2, dtype="int64"), (1, 0)).tolist() == [[3, 4], [1, 2]]
    assert shift(ramp(2, 2, dtype="uint8"), (0, -1), "zeros").tolist() == [[2, 0], [4, 0]]
    assert shift(torch.ones(1, 2, 4, 3, 3).bool(), (1, 1)).dtype == torch.bool
    assert shift(ramp(2, 2), (2**40 + 1, 0)).tolist() == [[3, 4], [1, 2]]
    assert shift(np.ones((0, 4)), (1, 1)).shape == (0, 4)


def test_a_quarter_turn_is_counterclockwise():
    assert rotate90(ramp(2, 2)).tolist() == [[2, 4], [1, 3]]
    for quarters in (-5, -1, 0, 1, 2, 3, 4, 9):
        x, turned = each(rotate90, quarters)
        assert_agree(turned, np.rot90(x, quarters, (-2, -1)), 0)
        assert turned.flags.c_contiguous and turned.flags.writeable


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_a_rotation_by_a_quarter_is_a_quarter_turn(size):
    for quarters in (-4, -1, 0, 1, 2, 3, 5):
        x, turned = each(rotate, 90 * quarters, shape=(2, 3, size, size))
        assert_agree(turned, rotate90(x, quarters), 0)
    x, turned = each(rotate, 180)
    assert_agree(turned, rotate90(x, 2), 0)


@pytest.mark.parametrize("degrees", [10, -37.5, 45, 120, 361])
def test_a_rotation_looks_back_and_takes_a_bilinear_mean(degrees):
    """By torch: its grid_sample has width before height, and y down."""
    x, turned = each(rotate, degrees, shape=(2, 3, 7, 7))
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = torch.tensor([[[c, -s, 0], [s, c, 0]]] * 2, dtype=torch.float64)
    grid = torch.nn.functional.affine_grid(matrix, [2, 3, 7, 7], align_corners=True)
    expected = torch.nn.functional.grid_sample(tensor(x), grid, padding_mode="zeros", align_corners=True)
    assert_agree(turned, expected, 1e-9)


def test_a_rotation_of_an_image_that_is_not_square_keeps_its_size_and_its_angles():
    ramp_y, ramp_x = np.mgrid[-3.0:4, -5.0:6]
    turned = rotate(ramp_x, 30)  # a slope is a slope in any direction, away from the edges
    expected = ramp_x * math.cos(math.pi / 6) - ramp_y * math.sin(math.pi / 6)
    np.testing.assert_allclose(turned[2:5, 3:8], expected[2:5, 3:8], atol=1e-12)
    assert turned.shape == (7, 11)


def test_nan_counts_only_where_it_has_a_weight():
    x = np.zeros((3, 3))
    x[0, 0] = np.nan
    for make in (np.asarray, torch.tensor):
        assert np.isnan(np.asarray(rotate(make(x), 90))).sum() == 1


@pytest.mark.parametrize("factor", [0.5, 1, 1.5, 2, 3])
def test_rescaling_is_the_resizing_of_chapter_7(factor):
    x, resized = each(rescale, factor, shape=(2, 3, 6, 8))
    expected = interpolate(x, scale_factor=factor, mode="bilinear", antialias=factor < 1)
    assert_agree(resized, expected)
    assert rescale(x[0, 0], factor).shape == (int(6 * factor), int(8 * factor))
    assert_agree(rescale(x[0, 0], factor), expected[0, 0])
    assert rescale(np.ones((0, 2, 6, 8)), factor).shape[:2] == (0, 2)


def test_tensors_stay_on_their_device():
    x = torch.ones(1, 2, 6, 6, device="meta")
    for answer in (shift(x, (1, 2)), shift(x, (1, 2), "zeros"), rotate90(x), rotate(x, 30), rescale(x, 2)):
        assert answer.device.type == "meta"


x = zeros(1, 1, 4, 4)
same = lambda x: x  # noqa: E731

WRONG = [
    (equivariance_error, (same, same, [1]), {}, "TypeError: equivariance_error: input must be a NumPy array or a torch tensor, got list"),
    (equivariance_error, (3, same, x), {}, "TypeError: equivariance_error: operation must be a function, got 3"),
    (equivariance_error, (same, "shift", x), {}, "TypeError: equivariance_error: transform must be a function, got 'shift'"),
    (equivariance_error, (same, same, x, (0, 1)), {}, "TypeError: equivariance_error: transform_output must be a function, got (0, 1)"),
    (equivariance_error, (lambda x: 1.5, same, x), {}, "TypeError: equivariance_error: operation must give an array or a tensor, got float"),
    (equivariance_error, (same, same, x, lambda y: [y]), {}, "TypeError: equivariance_error: transform_output must give an array or a tensor, got list"),
    (equivariance_error, (same, lambda x: None, x, same), {}, "TypeError: equivariance_error: transform must give an array or a tensor, got NoneType"),
    (equivariance_error, (same, lambda x: x[..., 1:], x, same), {}, "ValueError: equivariance_error: operation(transform(input)) is (1, 1, 4, 3) but transform_output(operation(input)) is (1, 1, 4, 4)"),
    (equivariance_error, (same, same, x), {"margin": 2}, "ValueError: equivariance_error: margin 2 leaves nothing of the output (1, 1, 4, 4)"),
    (equivariance_error, (same, same, x), {"margin": -1}, "ValueError: equivariance_error: margin must be at least 0, got -1"),
    (equivariance_error, (lambda x: x.reshape(-1), same, x), {"margin": 1}, "ValueError: equivariance_error: margin 1 leaves nothing of the output (16,)"),
    (equivariance_error, (same, same, zeros(0, 1, 4, 4)), {}, "ValueError: equivariance_error: the output (0, 1, 4, 4) holds no numbers to compare"),
    (shift, (zeros(4), (1, 1)), {}, "ValueError: shift: input must have the axes (..., H, W), got (4,)"),
    (shift, (x, 1), {}, "TypeError: shift: offset must be a pair (rows, columns), got 1"),
    (shift, (x, (1, 2, 3)), {}, "TypeError: shift: offset must be a pair (rows, columns), got (1, 2, 3)"),
    (shift, (x, (1, 0.5)), {}, "TypeError: shift: offset must be an integer or 2 integers, got (1, 0.5)"),
    (shift, (x, (1, 1), "reflect"), {}, "ValueError: shift: mode must be 'circular' or 'zeros', got 'reflect'"),
    (rotate90, (x, 0.5), {}, "TypeError: rotate90: quarters must be an integer, got 0.5"),
    (rotate90, (3,), {}, "TypeError: rotate90: input must be a NumPy array or a torch tensor, got int"),
    (rotate, (x, "90"), {}, "TypeError: rotate: degrees must be a real number, got '90'"),
    (rotate, (x, math.inf), {}, "ValueError: rotate: degrees must be finite, got inf"),
    (rotate, (x, 10**400), {}, "ValueError: rotate: degrees must fit into a float, got an integer of 1329 bits"),
    (rotate, (zeros(4, 4, dtype="int64"), 30), {}, "TypeError: rotate: it is for floating-point numbers, got int64"),
    (rotate, (zeros(2**17, 2**17), 30), {}, "ValueError: rotate: the result and its scratch would take 512 GiB, more than the 64 GiB that are allowed"),
    (rescale, (x, 0.1), {}, "ValueError: rescale: factor must be large enough to leave a pixel of (4, 4), got 0.1"),
    (rescale, (x, -2), {}, "ValueError: rescale: factor must be large enough to leave a pixel of (4, 4), got -2"),
    (rescale, (x, math.nan), {}, "ValueError: rescale: factor must be finite, got nan"),
    (rescale, (zeros(4, 4, dtype="uint8"), 2), {}, "TypeError: rescale: it is for floating-point numbers, got uint8"),
    (rescale, (x, 2**20), {}, "ValueError: rescale: the result and its scratch would take 524288 GiB, more than the 64 GiB that are allowed"),
    (shift_errors, (same, zeros(4), [1]), {}, "ValueError: shift_errors: input must have the axes (..., H, W), got (4,)"),
    (shift_errors, (same, x, 3), {}, "TypeError: shift_errors: shifts must be a sequence, got 3"),
    (shift_errors, (same, x, [1.5]), {}, "TypeError: shift_errors: a shift must be an integer or a pair (rows, columns), got 1.5"),
    (shift_errors, (same, x, [(1, 2, 3)]), {}, "TypeError: shift_errors: a shift must be a pair (rows, columns), got (1, 2, 3)"),
    (shift_errors, (same, x, [1], 0), {}, "ValueError: shift_errors: stride must be at least 1, got 0"),
    (shift_errors, (same, x, [1], 1, "wrap"), {}, "ValueError: shift_errors: mode must be 'circular' or 'zeros', got 'wrap'"),
    (shift_errors, (None, x, [1]), {}, "TypeError: shift_errors: operation must be a function, got None"),
    (shift_errors, (same, x, [1]), {"margin": 9}, "ValueError: shift_errors: margin 9 leaves nothing of the output (1, 1, 4, 4)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"), WRONG, ids=[case[-1] for case in WRONG]
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)

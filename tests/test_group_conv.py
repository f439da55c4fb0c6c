# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import numpy as np
import pytest
import torch
from agreement import assert_agree, ramp, tensor, zeros
from catalogue import assert_refused
from hypothesis import given
from hypothesis import strategies as st

from convlib import c4_conv, c4_lift, c4_pool, conv2d
from convlib.equivariance import rotate90, shift
from convlib.oracles import c4_conv_loops, finite_difference

either = pytest.mark.parametrize("make", [np.asarray, torch.tensor], ids=["numpy", "torch"])


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def moved_on(maps, quarters: int = 1):
    """What a quarter turn of the image does to the maps: they turn, and the orientations move on."""
    roll = torch.roll if isinstance(maps, torch.Tensor) else np.roll
    return roll(rotate90(maps, quarters), quarters, -3)


def layers(size: int, make):
    """Two layers, as a function of the image, to the maps."""
    first, second = make(numbers(3, 2, size, size)), make(numbers(2, 3, 4, size, size))
    return lambda x: c4_conv(c4_lift(x, first, size // 2), second)


@given(
    st.sampled_from([(2,), (1,), (0,), ()]), st.integers(1, 3), st.integers(1, 2), st.integers(1, 4),
    st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.booleans(),
)  # fmt: skip
def test_loops_numpy_and_torch_agree_in_value_and_gradient(lead, c, o, k, p, more, wider, lifts):
    group = () if lifts else (4,)
    x = numbers(*lead, c, *group, k + more, k + more + wider)
    w = numbers(o, c, *group, k, k)
    function = c4_lift if lifts else c4_conv
    output = function(x, w, p)
    batch = x if lead else x[None]
    expected = c4_conv_loops(batch, w, p)
    assert_agree(output, expected if lead else expected[0])
    leaves = tensor(x, requires_grad=True), tensor(w, requires_grad=True)
    twin = function(*leaves, padding=p)
    assert_agree(twin, output)
    if lead == (1,):
        grad = np.cos(np.arange(output.size)).reshape(output.shape)
        twin.backward(tensor(grad))
        found = finite_difference(lambda w: (function(x, w, p) * grad).sum(), w)
        np.testing.assert_allclose(leaves[1].grad, found, atol=1e-6)


def test_the_first_orientation_is_an_ordinary_convolution_and_the_others_turn_its_kernel():
    x, w = numbers(2, 3, 6, 7), numbers(4, 3, 3, 3)
    maps = c4_lift(x, w, 1)
    assert maps.shape == (2, 4, 4, 6, 7)
    for r in range(4):
        assert_agree(maps[:, :, r], conv2d(x, np.rot90(w, r, (2, 3)), padding=1))


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 9), (7, 8), (6, 9)])
@either
def test_turning_the_image_turns_the_maps_and_moves_the_orientations_on(height, width, kernel, make):
    x = make(numbers(2, 2, height, width))
    lift, network = (lambda x: c4_lift(x, make(numbers(3, 2, kernel, kernel)), 1)), layers(kernel, make)
    for function in (lift, network):
        for quarters in range(1, 5):
            assert_agree(function(rotate90(x, quarters)), np.asarray(moved_on(function(x), quarters)), 1e-9)
        assert np.abs(np.asarray(function(rotate90(x, 4)) - function(x))).max() < 1e-12


@pytest.mark.parametrize("size", [8, 9])
@either
def test_after_the_pooling_turning_the_image_only_turns_the_answer(size, make):
    x, network = make(numbers(2, 2, size, size)), layers(3, make)
    answer = c4_pool(network(x))
    for quarters in range(1, 4):
        assert_agree(c4_pool(network(rotate90(x, quarters))), np.asarray(rotate90(answer, quarters)), 1e-9)
    invariant = np.asarray(answer).max(axis=(-2, -1))
    assert_agree(np.asarray(c4_pool(network(rotate90(x)))).max(axis=(-2, -1)), invariant, 1e-9)


def test_whole_numbers_turn_without_any_rounding():
    x, w, v = (np.random.default_rng(i).integers(-9, 9, s) for i, s in enumerate(
        [(1, 2, 7, 8), (3, 2, 3, 3), (2, 3, 4, 3, 3)]))  # fmt: skip
    network = lambda x: c4_conv(c4_lift(x, w), v)  # noqa: E731
    np.testing.assert_array_equal(network(rotate90(x)), moved_on(network(x)))


def test_only_the_right_shift_of_the_orientations_commutes():
    """An ordinary convolution over the four as channels does not, and neither does the opposite direction."""
    x, w, v = numbers(1, 2, 7, 7), numbers(3, 2, 3, 3), numbers(2, 3, 4, 3, 3)
    maps = c4_lift(x, w)
    turned = c4_lift(rotate90(x), w)
    assert np.abs(turned - np.roll(rotate90(maps), -1, -3)).max() > 0.1
    plain = lambda maps: conv2d(maps.reshape(1, 12, 5, 5), v.reshape(2, 12, 3, 3))  # noqa: E731
    assert np.abs(plain(turned) - rotate90(plain(maps))).max() > 0.1


def test_shifts_commute_as_with_every_convolution():
    x = np.zeros((1, 2, 12, 12))
    x[..., 3:7, 4:8] = numbers(1, 2, 4, 4)
    network = layers(3, np.asarray)
    assert_agree(network(shift(x, (2, -1))), shift(network(x), (2, -1)))


def test_padding_in_words_and_in_pairs():
    x, w = numbers(1, 2, 6, 6), numbers(3, 2, 3, 3)
    assert_agree(c4_lift(x, w, "same"), c4_lift(x, w, 1))
    assert_agree(c4_lift(x, w, "valid"), c4_lift(x, w))
    assert c4_lift(x, w, (1, 0)).shape == (1, 3, 4, 6, 4)
    even = numbers(3, 2, 2, 2)
    turned = c4_lift(rotate90(x), even, "same") - moved_on(c4_lift(x, even, "same"))
    assert np.abs(turned).max() > 0.1  # as the docstring warns


def test_the_largest_of_the_four_written_out():
    maps = ramp(1, 2, 4, 1, 1)
    assert c4_pool(maps).ravel().tolist() == [4, 8]
    maps[0, 0, 1] = np.nan
    for make in (np.asarray, torch.tensor):
        assert np.isnan(np.asarray(c4_pool(make(maps)))).ravel().tolist() == [True, False]


def test_a_layer_costs_as_much_as_an_ordinary_one_with_as_many_channels_for_a_fourth_of_the_weights():
    ours, ordinary = numbers(8, 8, 4, 3, 3), numbers(32, 32, 3, 3)
    assert 4 * ours.size == ordinary.size


def test_half_precision_and_the_other_byte_order_stay():
    x, w = numbers(1, 2, 5, 5), numbers(3, 2, 3, 3)
    for dtype in ("float16", ">f8", ">f4"):
        maps = c4_lift(x.astype(dtype), w.astype(dtype))
        assert maps.dtype == np.dtype(dtype) == c4_pool(maps).dtype
        np.testing.assert_allclose(maps, c4_lift(x, w), atol=0.03)


def test_what_torch_does_not_offer_names_the_function_that_was_called():
    for function, axes in ((c4_lift, (1, 1, 5, 5)), (c4_conv, (1, 1, 4, 5, 5))):
        whole = torch.ones(axes).to(torch.uint16)
        with pytest.raises(TypeError) as caught:
            function(whole, whole)
        assert str(caught.value) == f"{function.__name__}: torch does not offer it for torch.uint16"


x, w, m, v = zeros(1, 2, 5, 5), zeros(3, 2, 3, 3), zeros(1, 2, 4, 5, 5), zeros(3, 2, 4, 3, 3)

WRONG = [
    (c4_lift, ([1], w), {}, "TypeError: c4_lift: input must be a NumPy array or a torch tensor, got list"),
    (c4_lift, (x, 3), {}, "TypeError: c4_lift: weight must be a NumPy array or a torch tensor, got int"),
    (c4_lift, (zeros(5, 5), w), {}, "ValueError: c4_lift: input must be (N, C, H, W) or (C, H, W), with pixels; got (5, 5)"),
    (c4_lift, (zeros(2, 0, 5), w), {}, "ValueError: c4_lift: input must be (N, C, H, W) or (C, H, W), with pixels; got (2, 0, 5)"),
    (c4_lift, (x, zeros(3, 2, 3, 2)), {}, "ValueError: c4_lift: weight must be (C_out, C_in, k, k), none of them 0; got (3, 2, 3, 2)"),
    (c4_lift, (x, zeros(3, 0, 3, 3)), {}, "ValueError: c4_lift: weight must be (C_out, C_in, k, k), none of them 0; got (3, 0, 3, 3)"),
    (c4_lift, (x, v), {}, "ValueError: c4_lift: weight must be (C_out, C_in, k, k), none of them 0; got (3, 2, 4, 3, 3)"),
    (c4_lift, (zeros(1, 3, 5, 5), w), {}, "ValueError: c4_lift: input has 3 channels but weight expects 2 (input (1, 3, 5, 5), weight (3, 2, 3, 3))"),
    (c4_lift, (x, w, -1), {}, "ValueError: c4_lift: padding must be at least 0, got -1"),
    (c4_lift, (x, w, "full"), {}, "ValueError: c4_lift: padding must be 'valid', 'same' or integers, got 'full'"),
    (c4_lift, (x, zeros(3, 2, 3, 3, dtype="float32")), {}, "TypeError: c4_lift: input is float64 but weight is float32; they must be equal"),
    (c4_lift, (zeros(2, 5, 5, dtype="bool"), zeros(3, 2, 3, 3, dtype="bool")), {}, "TypeError: c4_lift: bool has no products to add; convert to a number type first"),
    (c4_lift, (x, zeros(2**20, 2, 2**7, 2**7)), {}, "ValueError: c4_lift: the turned kernels would take 2048 GiB, more than the 64 GiB that are allowed"),
    (c4_conv, (x, v), {}, "ValueError: c4_conv: input must be (N, C, 4, H, W) or (C, 4, H, W), with pixels; got (1, 2, 5, 5)"),
    (c4_conv, (m, w), {}, "ValueError: c4_conv: weight must be (C_out, C_in, 4, k, k), none of them 0; got (3, 2, 3, 3)"),
    (c4_conv, (m, zeros(3, 2, 3, 3, 3)), {}, "ValueError: c4_conv: weight must be (C_out, C_in, 4, k, k), none of them 0; got (3, 2, 3, 3, 3)"),
    (c4_conv, (zeros(1, 1, 4, 5, 5), v), {}, "ValueError: c4_conv: input has 1 channels but weight expects 2 (input (1, 1, 4, 5, 5), weight (3, 2, 4, 3, 3))"),
    (c4_pool, (zeros(1, 4, 2, 5, 5),), {}, "ValueError: c4_pool: input must be (N, C, 4, H, W) or (C, 4, H, W), got (1, 4, 2, 5, 5)"),
    (c4_pool, (zeros(4, 5, 5),), {}, "ValueError: c4_pool: input must be (N, C, 4, H, W) or (C, 4, H, W), got (4, 5, 5)"),
    (c4_pool, (zeros(1, 2, 4, 5, 5, dtype="complex64"),), {}, "TypeError: c4_pool: of complex numbers none is the largest, got complex64"),
    (c4_pool, ("maps",), {}, "TypeError: c4_pool: input must be a NumPy array or a torch tensor, got str"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"), WRONG, ids=[case[-1] for case in WRONG]
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)

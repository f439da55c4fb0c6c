# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import Zeros, assert_agree, tensor, zeros
from catalogue import assert_refused
from hypothesis import given
from hypothesis import strategies as st

import convlib
from convlib import bilinear_kernel, conv2d, conv_transpose2d, icnr, interpolate, pixel_shuffle

strides = st.tuples(st.integers(1, 5), st.integers(1, 5))


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def enlarged(image: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    """By a transposed convolution of each channel with the bilinear kernel."""
    channels = image.shape[-3]
    weight = np.tile(bilinear_kernel(stride), (channels, 1, 1, 1))
    padding = tuple(s // 2 for s in stride)
    return conv_transpose2d(image, weight, None, stride, padding, groups=channels)


def test_the_bilinear_kernel_written_out():
    assert (4 * bilinear_kernel((1, 2))).tolist() == [[1, 3, 3, 1]]
    assert np.allclose(3 * bilinear_kernel((3, 1)), [[1], [2], [3], [2], [1]], rtol=1e-15)
    assert (16 * bilinear_kernel(2)).tolist() == [[1, 3, 3, 1], [3, 9, 9, 3], [3, 9, 9, 3], [1, 3, 3, 1]]
    assert bilinear_kernel(1).tolist() == [[1]]
    assert bilinear_kernel(2).dtype == np.float64


@given(strides)
def test_inside_it_interpolates_bilinearly(stride):
    image = numbers(2, 5, 6)
    wanted = interpolate(image[None], scale_factor=stride, mode="bilinear")[0]
    made = enlarged(image, stride)
    assert made.shape == wanted.shape == (2, 5 * stride[0], 6 * stride[1])
    inside = np.s_[
        :,
        stride[0] // 2 : wanted.shape[1] - stride[0] // 2,
        stride[1] // 2 : wanted.shape[2] - stride[1] // 2,
    ]
    assert_agree(made[inside], wanted[inside], 1e-13)


@given(strides)
def test_every_block_of_the_kernel_adds_up_to_one(stride):
    """So a grey area stays as it is, whatever the phase of the pixel."""
    kernel = bilinear_kernel(stride)
    for i in range(stride[0]):
        for j in range(stride[1]):
            assert np.isclose(kernel[i :: stride[0], j :: stride[1]].sum(), 1, rtol=1e-14)


def test_at_the_border_it_gets_darker_where_interpolation_repeats_the_border():
    made = enlarged(np.ones((1, 3, 3)), (2, 2))[0]
    assert made[0, 0] == 0.75 * 0.75
    assert made[0, 2] == 0.75
    assert (made[1:-1, 1:-1] == 1).all()


@given(
    r=st.integers(1, 3), o=st.integers(0, 3), rest=st.sampled_from([(), (2,), (2, 3), (2, 3, 2), (0, 3, 3)])
)
def test_icnr_of_arrays_and_tensors_is_each_filter_r_times_r_times(r, o, rest):
    weight = numbers(o, *rest)
    wanted = np.array([weight[i // r**2] for i in range(o * r**2)]).reshape(o * r**2, *rest)
    assert_agree(icnr(weight, r), wanted, 0)
    assert_agree(icnr(tensor(weight), r), wanted, 0)


@given(st.integers(1, 4), st.integers(1, 2))
def test_shuffled_an_icnr_convolution_starts_as_a_convolution_enlarged_by_nearest(r, padding):
    image, weight, bias = numbers(2, 3, 5, 4), numbers(2, 3, 3, 3), numbers(2)
    made = pixel_shuffle(conv2d(image, icnr(weight, r), icnr(bias, r), padding=padding), r)
    assert_agree(made, interpolate(conv2d(image, weight, bias, padding=padding), scale_factor=r), 1e-13)


def test_a_random_start_has_a_checkerboard_that_icnr_has_not():
    grey, weight = np.ones((1, 2, 6, 6)), numbers(4, 2, 3, 3)
    random = pixel_shuffle(conv2d(grey, weight), 2)
    even = pixel_shuffle(conv2d(grey, icnr(weight[:1], 2)), 2)
    assert random.std() > 0.5
    assert even.std() < 1e-14


def test_the_gradient_of_icnr_adds_up_what_its_copies_get():
    weight = tensor(numbers(2, 1, 3, 3), requires_grad=True)
    grad = tensor(numbers(8, 1, 3, 3))
    icnr(weight, 2).backward(grad)
    assert_agree(weight.grad, grad.reshape(2, 4, 1, 3, 3).sum(1), 1e-14)


def test_icnr_gives_a_copy():
    weight = numbers(2, 1, 3, 3)
    assert not np.shares_memory(icnr(weight, 1), weight)
    assert icnr(tensor(weight), 1).data_ptr() != weight.ctypes.data
    given_tensor = tensor(weight)
    assert icnr(given_tensor, 1).data_ptr() != given_tensor.data_ptr()


def test_torch_modules_take_what_these_give():
    layer = torch.nn.ConvTranspose2d(3, 3, 4, stride=2, padding=1, groups=3, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(bilinear_kernel(2)).expand_as(layer.weight))
    image = tensor(numbers(1, 3, 5, 5))
    wanted = F.interpolate(image, scale_factor=2, mode="bilinear")
    assert_agree(layer(image)[..., 1:-1, 1:-1], wanted[..., 1:-1, 1:-1], 1e-13)


huge = Zeros((2**33,), "float64")

WRONG = [
    (bilinear_kernel, (0,), {}, "ValueError: bilinear_kernel: stride must be at least 1, got 0"),
    (bilinear_kernel, ((2, 2, 2),), {}, "ValueError: bilinear_kernel: stride must be one integer or 2, got (2, 2, 2)"),
    (bilinear_kernel, (2.0,), {}, "TypeError: bilinear_kernel: stride must be an integer or 2 integers, got 2.0"),
    (bilinear_kernel, (2**17,), {}, "ValueError: bilinear_kernel: the kernel would take 512 GiB, more than the 64 GiB that are allowed"),
    (icnr, ([1], 2), {}, "TypeError: icnr: weight must be a NumPy array or a torch tensor, got list"),
    (icnr, (zeros(), 2), {}, "ValueError: icnr: weight must have at least 1 axis, got ()"),
    (icnr, (zeros(2, 2, 3, 3), 0), {}, "ValueError: icnr: upscale_factor must be at least 1, got 0"),
    (icnr, (zeros(2, 2, 3, 3), (2, 2)), {}, "TypeError: icnr: upscale_factor must be an integer, got (2, 2)"),
    (icnr, (zeros(2, 2, 3, 3), 2.0), {}, "TypeError: icnr: upscale_factor must be an integer, got 2.0"),
    (icnr, (huge, 2), {}, "ValueError: icnr: the result would take 256 GiB, more than the 64 GiB that are allowed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"), WRONG, ids=[case[-1] for case in WRONG]
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)


def test_the_factors_may_be_any_integers():
    assert_agree(bilinear_kernel(np.int64(2)), bilinear_kernel([2, 2]), 0)
    assert_agree(icnr(numbers(1, 2), np.int32(2)), icnr(numbers(1, 2), 2), 0)
    assert {"bilinear_kernel", "icnr"} <= set(convlib.__all__)

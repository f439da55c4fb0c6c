# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import math

import cv2
import numpy as np
import pytest
import scipy.ndimage as ndi
import torch
from agreement import assert_agree, tensor
from hypothesis import given
from hypothesis import strategies as st

from convlib import conv2d
from convlib.filtering import Way, filter2d, filter_way, frequency_response, separate
from convlib.filters import binomial, box, gabor, gaussian, identity, laplacian, sharpen, sobel

MODES = {"reflect": "mirror", "replicate": "nearest", "circular": "wrap", "zeros": "constant"}


def numbers(*shape: int, dtype: str = "float64") -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype)


sizes = st.tuples(st.integers(1, 5), st.integers(1, 5))


@given(
    sizes,
    st.sampled_from(sorted(MODES)),
    st.sampled_from([(), (3,), (2, 3), (0,)]),
    st.booleans(),
    st.booleans(),
)
def test_filtering_is_scipys_correlation_of_every_channel_array_or_tensor(
    size, mode, lead, separable, one_rank
):
    kernel = np.outer(numbers(size[0]), numbers(7, size[1])[3]) if one_rank else numbers(*size)
    images = numbers(*lead, 6, 7)
    answer = filter2d(images, kernel, 0.5, mode, separable)
    origin = [-1 if k % 2 == 0 else 0 for k in size]  # an even kernel's middle is its first pixel of two
    flat = images.reshape(math.prod(lead), 6, 7)
    wanted = [ndi.correlate(image, kernel, mode=MODES[mode], origin=origin) + 0.5 for image in flat]
    assert_agree(answer, np.reshape(wanted, images.shape), 1e-12)
    assert_agree(filter2d(tensor(images), kernel, 0.5, mode, separable), answer, 1e-12)
    assert_agree(filter2d(tensor(images), tensor(kernel), 0.5, mode), answer, 1e-12)


def test_it_is_opencvs_filter2d():
    image, kernel = numbers(9, 8), numbers(3, 5)
    for mode, border in (
        ("reflect", cv2.BORDER_REFLECT_101),
        ("replicate", cv2.BORDER_REPLICATE),
        ("zeros", cv2.BORDER_CONSTANT),
    ):
        theirs = cv2.filter2D(image, cv2.CV_64F, kernel, borderType=border)
        assert_agree(filter2d(image, kernel, padding_mode=mode), theirs, 1e-12)


def test_it_is_a_depthwise_convolution():
    images, kernel = numbers(2, 3, 6, 6), numbers(3, 3)
    weight = np.tile(kernel, (3, 1, 1, 1))
    assert_agree(
        filter2d(images, kernel, padding_mode="zeros"), conv2d(images, weight, padding=1, groups=3), 1e-13
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_the_image_decides_on_the_number_type(dtype):
    images = numbers(1, 5, 5).astype(dtype)
    for kernel in (sobel("x"), sobel("x").astype("float32"), np.array([[1, 2], [3, 4]])):
        for image in (images, tensor(images)):
            answer = filter2d(image, kernel, 0.25)
            assert answer.dtype == image.dtype
            assert answer.shape == image.shape


def test_a_kernel_given_as_a_tensor_gets_its_gradient_and_so_does_the_image():
    image, kernel = tensor(numbers(2, 6, 6), requires_grad=True), tensor(sobel("x"), requires_grad=True)
    assert torch.autograd.gradcheck(lambda i, k: filter2d(i, k, 1, "reflect"), (image, kernel))
    filter2d(image, sharpen()).sum().backward()
    assert image.grad.shape == image.shape


def test_a_tensors_device_decides_where_the_kernel_goes():
    there = torch.ones(1, 3, 8, 8, device="meta", requires_grad=True)
    for separable in (True, False):
        answer = filter2d(there, gaussian(1, 3), separable=separable)
        assert answer.device.type == "meta"
    answer.sum().backward()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_it_gives_the_same():
    image = numbers(2, 3, 16, 16)
    assert_agree(filter2d(tensor(image).cuda(), gaussian(2)), filter2d(image, gaussian(2)))


# --- taken apart --------------------------------------------------------------------------------------------


@given(st.integers(0, 4), st.integers(1, 6), st.integers(1, 6))
def test_columns_and_rows_put_together_are_the_kernel(rank, height, width):
    rank = min(rank, height, width)
    kernel = numbers(height, rank) @ numbers(rank, width) if rank else np.zeros((height, width))
    columns, rows = separate(kernel)
    assert columns.shape == (rank, height)
    assert rows.shape == (rank, width)
    assert np.allclose(columns.T @ rows, kernel, atol=1e-12)
    assert all(column[np.abs(column).argmax()] > 0 for column in columns)


def test_ranks_of_the_well_known():
    kernels = {"gaussian": gaussian(2), "box": box((3, 7)), "sobel": sobel("y"), "binomial": binomial(5)}
    assert {name: len(separate(kernel)[0]) for name, kernel in kernels.items()} == dict.fromkeys(kernels, 1)
    assert [len(separate(kernel)[0]) for kernel in (laplacian(), laplacian(8), sharpen(), identity(7))] == [
        2,
        2,
        2,
        1,
    ]
    assert (
        len(separate(gabor(6, 0))[0]) == 1
    )  # upright stripes: a wave along the rows, a bell down the columns
    assert (
        len(separate(gabor(6, 30))[0]) == 2
    )  # cos(a + b) = cos a cos b - sin a sin b, and the bell is round


def test_the_cheaper_way_is_taken():
    assert filter_way(gaussian(1)) == Way(True, 1, 9 + 9)
    assert filter_way(sobel("x")) == Way(True, 1, 3 + 3)
    assert filter_way(laplacian()) == Way(False, 2, 3 * 3)
    assert filter_way(box((1, 9))) == Way(False, 1, 9)
    assert filter_way(np.zeros((3, 3))) == Way(False, 0, 9)
    assert filter_way(gabor(6, 30)) == Way(True, 2, 2 * (19 + 19))


def test_filter2d_takes_the_way_that_filter_way_names(monkeypatch):
    seen = []
    from convlib import filtering

    def spy(images, weight):
        seen.append(weight.shape[2:])
        return conv2d(images, weight)

    def spy_on_pass(images, kernel, *options):
        seen.append(kernel.shape)
        return one_pass(images, kernel, *options)

    one_pass = filtering._pass
    monkeypatch.setattr(filtering, "conv2d", spy)
    monkeypatch.setattr(filtering, "_pass", spy_on_pass)
    image = numbers(1, 20, 20)
    for kernel, ways in (
        (gaussian(1), {None: 2, True: 2, False: 1}),
        (laplacian(), {None: 1, True: 4, False: 1}),
        (np.zeros((3, 3)), {None: 1, True: 1}),
    ):
        for separable, passes in ways.items():
            seen.clear()
            filter2d(image, kernel, separable=separable)
            assert len(seen) == passes
    assert seen == [(3, 3)]


# --- waves --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kernel", [sobel("x"), gaussian(1), numbers(2, 3), numbers(4, 1), gabor(4, 20, size=5)]
)
def test_a_wave_comes_back_as_the_response_times_the_wave(kernel):
    response = frequency_response(kernel, (12, 10))
    down, across = (np.fft.fftshift(np.fft.fftfreq(n)) for n in (12, 10))
    y, x = np.mgrid[:12, :10]
    for i, j in [(0, 0), (6, 5), (7, 5), (6, 2), (11, 9), (3, 7)]:
        phase = 2 * np.pi * (down[i] * y + across[j] * x)
        for part in (np.cos, np.sin):
            wanted = (
                (response[i, j] * np.exp(1j * phase)).real
                if part is np.cos
                else (response[i, j] * np.exp(1j * phase)).imag
            )
            assert_agree(filter2d(part(phase), kernel, padding_mode="circular"), wanted, 1e-12)


def test_what_the_responses_of_the_three_ideas_say():
    middle = 32, 32
    assert abs(frequency_response(gaussian(1))[middle]) == pytest.approx(1)
    assert abs(frequency_response(sobel("x"))[middle]) == pytest.approx(0, abs=1e-12)
    assert abs(frequency_response(sharpen())[middle]) == pytest.approx(1)
    assert abs(frequency_response(sharpen())[0, 0]) == pytest.approx(1 + 8)  # the finest checkerboard
    assert np.allclose(frequency_response(identity(5), (3, 4)), 1)
    assert np.abs(frequency_response(gaussian(2)).imag).max() < 1e-12  # symmetric: nothing moves
    assert np.abs(frequency_response(sobel("y")).real).max() < 1e-12  # antisymmetric: a quarter of a wave


# --- wrong calls --------------------------------------------------------------------------------------------

image, kernel = np.ones((3, 5, 5)), np.ones((3, 3))

WRONG = [
    (lambda: filter2d([[1.0]], kernel), "TypeError: filter2d: input must be a NumPy array or a torch tensor, got list"),
    (lambda: filter2d(image.astype("uint8"), kernel), "TypeError: filter2d: input must hold floating-point numbers, got uint8"),
    (lambda: filter2d(torch.ones(5, 5, dtype=torch.int64), kernel), "TypeError: filter2d: input must hold floating-point numbers, got int64"),
    (lambda: filter2d(image[0, 0], kernel), "ValueError: filter2d: input must be (..., H, W), got (5,)"),
    (lambda: filter2d(image, [[1.0]]), "TypeError: filter2d: kernel must be a NumPy array or a torch tensor, got list"),
    (lambda: filter2d(image, kernel[0]), "ValueError: filter2d: kernel must be (k, k), with weights; got (3,)"),
    (lambda: filter2d(image, np.ones((0, 3))), "ValueError: filter2d: kernel must be (k, k), with weights; got (0, 3)"),
    (lambda: filter2d(image, kernel * math.nan), "ValueError: filter2d: kernel must hold finite real numbers"),
    (lambda: filter2d(image, kernel * 1j), "ValueError: filter2d: kernel must hold finite real numbers"),
    (lambda: filter2d(image, torch.ones(3, 3)), "TypeError: filter2d: input is a NumPy array but kernel is a torch tensor; convert one of them"),
    (lambda: filter2d(torch.ones(5, 5), torch.ones(3)), "ValueError: filter2d: kernel must be (k, k), with weights; got (3,)"),
    (lambda: filter2d(torch.ones(5, 5), torch.ones(3, 3, dtype=torch.int32)), "TypeError: filter2d: kernel must hold floating-point numbers, got int32"),
    (lambda: filter2d(torch.ones(5, 5), torch.ones(3, 3), separable=True), "ValueError: filter2d: separable=True needs a kernel that is a NumPy array"),
    (lambda: filter2d(image, kernel, "much"), "TypeError: filter2d: bias must be a real number, got 'much'"),
    (lambda: filter2d(image, kernel, padding_mode="same"), "ValueError: filter2d: padding_mode must be 'reflect', 'replicate', 'circular' or 'zeros', got 'same'"),
    (lambda: filter2d(image, kernel, separable=1), "TypeError: filter2d: separable must be True, False or None, got 1"),
    (lambda: filter2d(np.ones((5, 2)), np.ones((3, 5))), "ValueError: filter2d: padding_mode 'reflect' with a kernel of (3, 5) needs at least 3 pixels, got 2 (input (5, 2))"),
    (lambda: filter2d(np.ones((0, 2)), kernel, padding_mode="zeros"), "ValueError: filter2d: padding_mode 'zeros' with a kernel of (3, 3) needs at least 1 pixel, got 0 (input (0, 2))"),
    (lambda: filter2d(np.ones((1, 2)), np.ones((5, 5)), padding_mode="circular"), "ValueError: filter2d: padding_mode 'circular' with a kernel of (5, 5) needs at least 2 pixels, got 1 (input (1, 2))"),
    (lambda: separate(3), "TypeError: separate: kernel must be a NumPy array or a torch tensor, got int"),
    (lambda: separate(torch.ones(3, 3)), "TypeError: separate: kernel must be a NumPy array, got a torch tensor"),
    (lambda: separate(np.ones((1, 1, 1))), "ValueError: separate: kernel must be (k, k), with weights; got (1, 1, 1)"),
    (lambda: filter_way(np.ones(3)), "ValueError: filter_way: kernel must be (k, k), with weights; got (3,)"),
    (lambda: frequency_response(np.array([["a"]])), "TypeError: frequency_response: kernel must hold numbers, got an array of dtype('<U1')"),
    (lambda: frequency_response(kernel, 0), "ValueError: frequency_response: size must be at least 1, got 0"),
    (lambda: frequency_response(kernel, 4096), "ValueError: frequency_response: size must be at most 2048, got 4096"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_call_is_told_what_is_wrong(call, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert f"{type(caught.value).__name__}: {caught.value}" == message

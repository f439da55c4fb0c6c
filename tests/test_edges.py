# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import math

import cv2
import numpy as np
import pytest
import scipy.ndimage as ndi
import skimage.feature
import skimage.filters
import torch
from agreement import assert_agree, tensor
from hypothesis import given
from hypothesis import strategies as st

from convlib.edges import canny, gradient, gradient_magnitude, gradient_orientation, hysteresis, thin_edges
from convlib.photographs import CREDITS, photograph


def numbers(*shape: int, seed: int = 0, dtype: str = "float64") -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def grey(name: str) -> np.ndarray:
    return photograph(name).mean(axis=0)


sizes = st.tuples(st.integers(1, 7), st.integers(1, 7))
seeds = st.integers(0, 2**32 - 1)


# --- the slopes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["sobel", "prewitt", "scharr"])
def test_a_ramp_has_its_slope(kernel):
    rows, columns = np.mgrid[:6, :7].astype(float)
    x, y = gradient(0.5 * columns - 0.25 * rows, kernel)
    assert_agree(x[1:-1, 1:-1], np.full((4, 5), 0.5), 1e-14)
    assert_agree(y[1:-1, 1:-1], np.full((4, 5), -0.25), 1e-14)


@pytest.mark.parametrize("kernel", ["sobel", "prewitt", "scharr"])
def test_the_slopes_are_those_of_scikit_image_and_scipy(kernel):
    """scikit-image differentiates with half the whole numbers' weight, and upside down."""
    image = grey("chelsea")
    x, y = gradient(image, kernel)
    assert_agree(2 * x, getattr(skimage.filters, f"{kernel}_v")(image), 1e-12)
    assert_agree(2 * y, getattr(skimage.filters, f"{kernel}_h")(image), 1e-12)
    magnitude = getattr(skimage.filters, kernel)(image)
    assert_agree(math.sqrt(2) * gradient_magnitude(x, y), magnitude, 1e-12)
    if kernel != "scharr":
        whole = {"sobel": 8, "prewitt": 6}[kernel]
        assert_agree(whole * x, getattr(ndi, kernel)(image, axis=1), 1e-12)
        assert_agree(whole * y, getattr(ndi, kernel)(image, axis=0), 1e-12)


@pytest.mark.parametrize(
    ("mode", "same"), [("replicate", "edge"), ("reflect", "reflect"), ("zeros", "constant")]
)
def test_what_stands_beyond_the_border_is_chosen(mode, same):
    image = numbers(5, 6)
    x, _ = gradient(image, padding_mode=mode)
    framed, _ = gradient(np.pad(image, 1, same))
    assert_agree(x, framed[1:-1, 1:-1], 1e-14)


def test_the_border_of_an_even_area_is_no_edge_unless_it_is_asked_for():
    image = np.ones((4, 5))
    assert not np.any(gradient_magnitude(*gradient(image)))
    x, y = gradient(image, padding_mode="zeros")
    assert x[1, 0] == 0.5 and y[0, 1] == 0.5


def test_exact_numbers_have_exact_slopes():
    step = np.repeat([[0.0, 0, 1, 1]], 3, 0)
    assert gradient(step).x.tolist() == [[0, 0.5, 0.5, 0]] * 3


def test_orientation_points_uphill_whatever_the_direction():
    rows, columns = np.mgrid[:5, :5].astype(float)
    for degrees in range(-165, 181, 15):
        angle = math.radians(degrees)
        x, y = gradient(columns * math.cos(angle) + rows * math.sin(angle))
        assert math.degrees(gradient_orientation(x, y)[2, 2]) == pytest.approx(degrees)


def test_images_and_channels_are_taken_one_by_one_arrays_or_tensors():
    images = numbers(2, 3, 5, 6)
    x, y = gradient(images)
    assert_agree(x[1, 2], gradient(images[1, 2]).x, 1e-14)
    assert_agree(gradient_magnitude(x, y), np.hypot(x, y), 0)
    twin = gradient(tensor(images))
    assert_agree(twin.x, x, 1e-12)
    assert_agree(twin.y, y, 1e-12)
    assert_agree(gradient_magnitude(*twin), gradient_magnitude(x, y), 1e-12)
    assert_agree(gradient_orientation(*twin), gradient_orientation(x, y), 1e-12)
    assert gradient(images.astype("float32")).x.dtype == np.float32


def test_the_steepness_of_a_tensor_has_a_gradient():
    image = tensor(numbers(1, 1, 5, 6)).requires_grad_()
    assert torch.autograd.gradcheck(lambda image: gradient_magnitude(*gradient(image)), image)
    flat = torch.ones(3, 3, dtype=torch.float64, requires_grad=True)
    gradient_magnitude(flat - 1, flat - 1).sum().backward()
    assert flat.grad.isnan().all()


# --- thinning -----------------------------------------------------------------------------------------------


def thinned_pixel_by_pixel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """One step uphill and downhill along the longer axis: a place between a straight and a diagonal neighbour."""
    height, width = x.shape
    answer = np.zeros_like(x)
    for i in range(1, height - 1):
        for j in range(1, width - 1):
            longer = max(abs(x[i, j]), abs(y[i, j]))
            if not longer:
                continue
            right, down = x[i, j] / longer, y[i, j] / longer

            def at(i: float, j: float) -> float:
                """Between the two nearest pixels of a row or a column."""
                i0, j0 = math.floor(i), math.floor(j)
                i1, j1 = math.ceil(i), math.ceil(j)
                part = (i - i0) + (j - j0)
                return (1 - part) * math.hypot(x[i0, j0], y[i0, j0]) + part * math.hypot(x[i1, j1], y[i1, j1])

            here = math.hypot(x[i, j], y[i, j])
            if here > at(i + down, j + right) and here >= at(i - down, j - right):
                answer[i, j] = here
    return answer


@given(sizes, seeds)
def test_thinning_is_what_loops_say(size, seed):
    x, y = numbers(*size, seed=seed), numbers(*size, seed=seed + 1)
    assert_agree(thin_edges(x, y), thinned_pixel_by_pixel(x, y), 1e-14)


@given(seeds)
def test_thinning_of_slopes_along_axes_and_diagonals_with_many_ties_is_what_loops_say(seed):
    x, y = (np.round(numbers(6, 7, seed=seed + each)) for each in (0, 1))
    straight = (x == 0) | (y == 0) | (abs(x) == abs(y))  # elsewhere rounding decides
    assert_agree(thin_edges(x, y)[straight], thinned_pixel_by_pixel(x, y)[straight], 0)


def test_an_edge_gets_one_pixel_wide_on_its_brighter_side():
    step = np.repeat([[0.0, 0, 0, 1, 1, 1]], 5, 0)  # columns 2 and 3 are equally steep
    assert np.flatnonzero(thin_edges(*gradient(step))[2]).tolist() == [3]
    assert np.flatnonzero(thin_edges(*gradient(1 - step))[2]).tolist() == [2]
    assert np.flatnonzero(thin_edges(*gradient(step.T))[:, 2]).tolist() == [3]


def test_nothing_is_left_of_a_ramp_or_an_even_area():
    rows, columns = np.mgrid[:6, :7].astype(float)
    assert not thin_edges(*gradient(np.ones((5, 5)))).any()
    assert not thin_edges(np.ones((5, 6)), np.zeros((5, 6))).any()
    assert not thin_edges(*gradient(2 * columns + rows))[2:-2, 2:-2].any()


def test_each_image_of_a_batch_is_thinned_and_followed_by_itself():
    images = np.stack([grey("camera")[:40, :50], grey("coffee")[:40, :50]])
    x, y = gradient(images)
    assert_agree(thin_edges(x, y)[1], thin_edges(x[1], y[1]), 0)
    assert_agree(np.stack([x, y])[:, 1], np.stack(gradient(images[1])), 1e-12)
    assert canny(images).tolist() == [canny(images[0]).tolist(), canny(images[1]).tolist()]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_no_edge_and_raises_nothing(value):
    x, y = numbers(7, 8), numbers(7, 8, seed=1)
    clean = thin_edges(x, y)
    x[2, 3] = y[2, 3] = value
    far = np.ones((7, 8), bool)
    far[1:4, 2:5] = False
    thin = thin_edges(x, y)
    assert_agree(thin[far], clean[far], 0)
    assert not np.isnan(thin).any()
    assert not hysteresis(np.full((3, 3), math.nan), 0, 1).any()


# --- hysteresis ---------------------------------------------------------------------------------------------


@given(sizes, seeds, st.sampled_from([(), (2,), (0,), (2, 2)]))
def test_kept_is_each_weak_piece_with_a_strong_pixel(size, seed, lead):
    strength = numbers(*lead, *size, seed=seed)
    kept = hysteresis(strength, 0.1, 1.0)
    assert kept.shape == strength.shape and kept.dtype == bool
    for index in np.ndindex(lead):
        pieces, _ = ndi.label(strength[index] > 0.1, np.ones((3, 3)))
        strong = np.unique(pieces[strength[index] > 1.0])
        assert (kept[index] == (np.isin(pieces, strong) & (pieces > 0))).all()


def test_without_corners_it_is_scikit_images():
    """There pixels that touch at a corner do not hang together: spread out to sides alone, both agree."""
    strength = np.kron(thin_edges(*gradient(grey("camera"))), np.eye(1))
    theirs = skimage.filters.apply_hysteresis_threshold(strength, 0.05, 0.15)
    ours = hysteresis(strength, 0.05, 0.15)
    assert (theirs <= ours).all() and theirs.sum() < ours.sum()
    stripes = strength.copy()
    stripes[1::2] = 0  # rows apart: nothing touches at a corner
    assert (
        skimage.filters.apply_hysteresis_threshold(stripes, 0.05, 0.15) == hysteresis(stripes, 0.05, 0.15)
    ).all()


def test_a_long_line_is_followed_to_its_end():
    strength = np.zeros((99, 99))
    strength[::2] = 1
    for turn, row in enumerate(range(1, 99, 2)):  # a snake
        strength[row, -1 if turn % 2 == 0 else 0] = 1
    strength[0, 0] = 2
    assert (hysteresis(strength, 0.5, 1.5) == (strength > 0)).all()
    strength[50, 50] = 0
    assert hysteresis(strength, 0.5, 1.5).sum() < 0.6 * (strength > 0).sum()


def test_rows_do_not_go_on_in_the_next_row_nor_images_in_the_next_image():
    strength = np.zeros((2, 3, 4))
    strength[0, 1, -1], strength[0, 2, 0], strength[0, 2, -1], strength[1, 0, 0] = 2, 1, 1, 1
    assert np.argwhere(hysteresis(strength, 0.5, 1.5)).tolist() == [[0, 1, 3], [0, 2, 3]]


def test_thresholds_themselves_are_not_enough():
    assert hysteresis(np.array([[1.0, 2.0, 3.0]]), 1, 2).tolist() == [[False, True, True]]
    assert hysteresis(np.array([[1, 2]]), 1, 2).tolist() == [[False, False]]


# --- the whole way ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CREDITS)
@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_every_pixel_is_that_of_scikit_image(name, sigma):
    """Its Sobel kernel is 8 times ours. Our Gaussian reaches further: hardly a pixel notices."""
    image = grey(name)
    theirs = skimage.feature.canny(image, sigma, 8 * 0.02, 8 * 0.05, mode="nearest")
    ours = canny(image, sigma, 0.02, 0.05)
    assert ours.sum() > 1000
    assert (ours != theirs).sum() <= 4


def test_opencv_finds_the_same_lines():
    """It rounds the direction to four, so that lines differ by a pixel."""
    image = np.round(grey("camera") * 255)
    ours = canny(image, 0, 12.5, 25)
    theirs = cv2.Canny(image.astype(np.uint8), 8 * 12.5, 8 * 25, L2gradient=True) > 0
    near = [cv2.dilate(edges.astype(np.uint8), np.ones((3, 3))) > 0 for edges in (ours, theirs)]
    assert near[1][ours].mean() > 0.95 and near[0][theirs].mean() > 0.97


def test_smoothing_removes_what_is_finer_than_sigma():
    rows, columns = np.mgrid[:32, :32]
    image = (columns > 16) + 0.3 * (columns == 16) + 0.2 * (rows // 2 % 2)  # a step, and stripes across it
    assert canny(image, 2.0).sum(axis=1)[4:-4].tolist() == [1] * 24
    assert canny(image, 0).sum(axis=1)[4:-4].tolist() != [1] * 24


def test_a_photograph_has_more_edges_the_lower_the_thresholds():
    image = grey("chelsea")
    many, few, fewer = canny(image), canny(image, high=0.1), canny(image, low=0.05, high=0.1)
    assert (fewer <= few).all() and (few <= many).all() and 0 < fewer.sum() < few.sum() < many.sum()
    assert (many == canny(image, sigma=1, low=0.02, high=0.05)).all()


# --- wrong calls --------------------------------------------------------------------------------------------

ONES = np.ones((3, 4))

WRONG = {
    "a list": (lambda: gradient([[1.0]]), TypeError, "gradient: image must be a NumPy array or a torch tensor, got list"),
    "an unknown kernel": (lambda: gradient(ONES, "robert"), ValueError, "gradient: kernel must be 'sobel', 'prewitt' or 'scharr', got 'robert'"),
    "an unknown border": (lambda: gradient(ONES, padding_mode="wrap"), ValueError, "gradient: padding_mode must be 'reflect', 'replicate', 'circular' or 'zeros', got 'wrap'"),
    "whole numbers": (lambda: gradient(ONES.astype(int)), TypeError, "gradient: image must hold floating-point numbers, got int64"),
    "one axis": (lambda: gradient(ONES[0]), ValueError, "gradient: image must be (..., H, W), got (4,)"),
    "two shapes": (lambda: gradient_magnitude(ONES, ONES[:2]), ValueError, "gradient_magnitude: x and y must have one shape, got (3, 4) and (2, 4)"),
    "two dtypes": (lambda: gradient_orientation(ONES, ONES.astype("float32")), TypeError, "gradient_orientation: x is float64 but y is float32; they must be equal"),
    "two kinds": (lambda: gradient_magnitude(ONES, torch.ones(3, 4)), TypeError, "gradient_magnitude: x is a NumPy array but y is a torch tensor; convert one of them"),
    "the other two kinds": (lambda: gradient_magnitude(torch.ones(3, 4), ONES), TypeError, "gradient_magnitude: x is a torch tensor but y is a NumPy array; convert one of them"),
    "slopes of whole numbers": (lambda: thin_edges(ONES, ONES.astype(int)), TypeError, "thin_edges: y must hold floating-point numbers, got int64"),
    "slopes without two axes": (lambda: thin_edges(ONES[0], ONES[0]), ValueError, "thin_edges: x must be (..., H, W), got (4,)"),
    "tensors to thin": (lambda: thin_edges(torch.ones(3, 4), torch.ones(3, 4)), TypeError, "thin_edges: x must be a NumPy array, got a torch tensor; it has no gradient to follow"),
    "tensors to follow": (lambda: hysteresis(torch.ones(3, 4), 0, 1), TypeError, "hysteresis: strength must be a NumPy array, got a torch tensor; it has no gradient to follow"),
    "complex numbers": (lambda: hysteresis(ONES + 1j, 0, 1), TypeError, "hysteresis: strength must hold real numbers, got complex128"),
    "thresholds that cross": (lambda: hysteresis(ONES, 2, 1), ValueError, "hysteresis: low must not exceed high, got 2 and 1"),
    "a threshold that is no number": (lambda: hysteresis(ONES, math.nan, 1), ValueError, "hysteresis: low must not exceed high, got nan and 1"),
    "a threshold in words": (lambda: canny(ONES, high="much"), TypeError, "canny: high must be a real number, got 'much'"),
    "thresholds of canny that cross": (lambda: canny(ONES, low=0.1), ValueError, "canny: low must not exceed high, got 0.1 and 0.05"),
    "a negative sigma": (lambda: canny(ONES, -1), ValueError, "canny: sigma must be at least 0, got -1"),
    "a sigma in words": (lambda: canny(ONES, "wide"), TypeError, "canny: sigma must be a real number, got 'wide'"),
    "a tensor": (lambda: canny(torch.ones(3, 4)), TypeError, "canny: image must be a NumPy array, got a torch tensor; it has no gradient to follow"),
    "an image of whole numbers": (lambda: canny(ONES.astype(int)), TypeError, "canny: image must hold floating-point numbers, got int64"),
    "an image of one axis": (lambda: canny(ONES[0]), ValueError, "canny: image must be (..., H, W), got (4,)"),
    "too few pixels to reflect": (lambda: gradient(ONES[:1], padding_mode="reflect"), ValueError, "gradient: image must have at least 2 x 2 pixels here, got (1, 4)"),
    "no pixels": (lambda: canny(ONES[:0]), ValueError, "canny: image must have at least 1 x 1 pixels here, got (0, 4)"),
    "a masked array": (lambda: canny(np.ma.masked_array(ONES)), TypeError, "canny: image is a masked array, and its mask would be lost; fill it first"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call_is_told_in_the_callers_words(case):
    call, kind, message = WRONG[case]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message

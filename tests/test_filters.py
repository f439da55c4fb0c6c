# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import itertools
import math

import cv2
import numpy as np
import pytest
import scipy.ndimage as ndi
import skimage.filters
from hypothesis import given
from hypothesis import strategies as st

from convlib import filters
from convlib.filters import (
    binomial,
    box,
    difference_of_gaussians,
    emboss,
    gabor,
    gaussian,
    identity,
    laplacian,
    laplacian_of_gaussian,
    motion_blur,
    prewitt,
    roberts,
    scharr,
    sharpen,
    sobel,
    unsharp,
)

impulse = np.zeros((41, 41))
impulse[20, 20] = 1


def seen(function, *arguments, **options):
    """The kernel, as a cross-correlation, of somebody else's filter: what it makes of a single pixel, turned."""
    return function(impulse, *arguments, **options)[::-1, ::-1]


def middle(array, kernel):
    h, w = kernel.shape
    return array[20 - h // 2 : 21 + h // 2, 20 - w // 2 : 21 + w // 2]


SMOOTHERS = {
    "identity": identity(5), "box": box((2, 5)), "binomial": binomial((4, 7)), "gaussian": gaussian(1.3),
    "motion": motion_blur(6.5, 30), "sharpen": sharpen(0.7), "unsharp": unsharp(1.2, 2), "emboss": emboss(0.3, -2),
}  # fmt: skip
DIFFERENCES = {
    "prewitt": prewitt("x"), "sobel": sobel("y"), "scharr": scharr("x"), "roberts": roberts("up"),
    "laplacian 4": laplacian(), "laplacian 8": laplacian(8), "log": laplacian_of_gaussian(1.1),
    "log, cut": laplacian_of_gaussian(2, 5), "dog": difference_of_gaussians(1), "odd gabor": gabor(5, 30, phase=90),
}  # fmt: skip


@pytest.mark.parametrize("kernel", SMOOTHERS.values(), ids=SMOOTHERS)
def test_what_smooths_or_sharpens_keeps_a_flat_area(kernel):
    assert kernel.sum() == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("kernel", DIFFERENCES.values(), ids=DIFFERENCES)
def test_what_takes_differences_gives_nothing_on_a_flat_area(kernel):
    assert kernel.sum() == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("build", [prewitt, sobel, scharr])
def test_a_normalized_derivative_of_a_slope_is_the_slope(build):
    y, x = np.mgrid[:3, :3]
    assert (build("x", normalized=True) * (5 * x + 7 * y)).sum() == pytest.approx(5)
    assert (build("y", normalized=True) * (5 * x + 7 * y)).sum() == pytest.approx(7)
    assert build("x")[1, 2] / build("x", normalized=True)[1, 2] == pytest.approx(np.abs(build("x")).sum())


def test_derivatives_are_a_smoother_times_a_difference():
    assert sobel("x").tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert sobel("y").tolist() == [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]
    assert prewitt("y").tolist() == [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]
    assert scharr("x").tolist() == [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]]
    assert roberts("down").tolist() == [[-1, 0], [0, 1]]
    assert roberts("up").tolist() == [[0, 1], [-1, 0]]
    assert laplacian(8).tolist() == [[1, 1, 1], [1, -8, 1], [1, 1, 1]]


def test_sharpening_is_the_identity_plus_differences():
    assert sharpen().tolist() == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    assert sharpen(neighbors=8).tolist() == [[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]]
    assert sharpen(0).tolist() == unsharp(1, 0, 3).tolist() == emboss(0, 0).tolist() == identity().tolist()
    assert emboss().tolist() == [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]
    assert emboss(1, 0).tolist() == [[-1, 0, 1], [-1, 1, 1], [-1, 0, 1]]
    assert np.allclose(unsharp(1.5, 2), 3 * identity(13) - 2 * gaussian(1.5))


# --- other libraries: their kernels are read off their answer to one pixel ----------------------------------


@pytest.mark.parametrize("sigma", [0.3, 0.6, 1, 1.7, 3.2])
def test_gaussians_are_those_of_scipy_and_opencv(sigma):
    kernel = gaussian(sigma)
    theirs = seen(ndi.gaussian_filter, sigma, mode="constant")
    assert np.allclose(middle(theirs, kernel), kernel, rtol=0, atol=1e-15)
    assert theirs.sum() == pytest.approx(middle(theirs, kernel).sum())
    row = cv2.getGaussianKernel(kernel.shape[0], sigma, cv2.CV_64F)
    assert np.allclose(row @ row.T, kernel, rtol=0, atol=1e-15)
    assert np.allclose(
        cv2.getGaussianKernel(5, sigma, cv2.CV_64F), gaussian(sigma, (5, 1)), rtol=0, atol=1e-15
    )


@pytest.mark.parametrize(("axis", "number", "order"), [("x", 1, (1, 0)), ("y", 0, (0, 1))])
def test_derivatives_are_those_of_scipy_scikit_image_and_opencv(axis, number, order):
    assert np.allclose(middle(seen(ndi.sobel, number), sobel(axis)), sobel(axis), atol=1e-15)
    assert np.allclose(middle(seen(ndi.prewitt, number), prewitt(axis)), prewitt(axis), atol=1e-15)
    assert np.allclose(middle(seen(lambda i: cv2.Sobel(i, cv2.CV_64F, *order)), sobel(axis)), sobel(axis))
    assert np.allclose(middle(seen(lambda i: cv2.Scharr(i, cv2.CV_64F, *order)), scharr(axis)), scharr(axis))
    for theirs, ours, scale in (
        (skimage.filters.sobel, sobel, 4), (skimage.filters.prewitt, prewitt, 3), (skimage.filters.scharr, scharr, 16),
    ):  # fmt: skip
        assert np.allclose(scale * middle(seen(theirs, axis=number), ours(axis)), ours(axis), atol=1e-14), (
            theirs
        )


def test_laplacians_are_those_of_scipy_and_opencv():
    assert np.allclose(middle(seen(ndi.laplace), laplacian()), laplacian(), atol=1e-15)
    assert np.allclose(middle(seen(lambda i: cv2.Laplacian(i, cv2.CV_64F)), laplacian()), laplacian())


def test_roberts_are_those_of_scikit_image():
    theirs = [
        seen(answer)[20:22, 20:22]
        for answer in (skimage.filters.roberts_pos_diag, skimage.filters.roberts_neg_diag)
    ]
    assert np.allclose(theirs[0], roberts("down"))
    assert np.allclose(theirs[1], -roberts("up"))  # brighter towards the lower left


@pytest.mark.parametrize(("sigma", "off"), [(1, 1e-4), (1.5, 3e-4), (3, 6e-4)])
def test_the_laplacian_of_a_gaussian_is_scipys_but_for_what_is_left_over(sigma, off):
    kernel = laplacian_of_gaussian(sigma)
    theirs = middle(seen(ndi.gaussian_laplace, sigma, mode="constant"), kernel)
    assert np.abs(theirs - kernel).max() < off * np.abs(kernel).max()
    left_over = theirs.sum()
    assert np.allclose(theirs - left_over * gaussian(sigma), kernel, atol=1e-12)


def test_the_difference_of_gaussians_is_scikit_images():
    kernel = difference_of_gaussians(1.2, 2)
    theirs = seen(skimage.filters.difference_of_gaussians, 1.2, 2.4, mode="constant")
    assert np.allclose(middle(theirs, kernel), kernel, atol=1e-4)  # its narrow curve ends earlier
    wide = difference_of_gaussians(1.2, 2, 21)
    assert np.allclose(wide, gaussian(1.2, 21) - gaussian(2.4, 21))


def test_a_difference_of_gaussians_is_shaped_like_a_laplacian_turned_over():
    ours = difference_of_gaussians(2)
    log = -laplacian_of_gaussian(2 * math.sqrt(math.log(1.6**2) / (1 - 1 / 1.6**2)), ours.shape)  # same zeros
    alike = (ours * log).sum() / np.sqrt((ours**2).sum() * (log**2).sum())
    assert alike > 0.98


def test_unsharp_is_scikit_images_mask():
    image = np.random.default_rng(0).random((41, 41))
    theirs = skimage.filters.unsharp_mask(image, 1.4, 0.8, preserve_range=True)
    ours = ndi.correlate(image, unsharp(1.4, 0.8), mode="reflect")
    inside = (theirs > 0) & (theirs < 1)
    assert inside.mean() > 0.5
    assert np.allclose(theirs[inside], ours[inside])


@given(
    st.floats(2, 12), st.floats(-360, 360), st.floats(0.5, 4), st.floats(0.3, 3), st.floats(-180, 180),
    st.sampled_from([3, 9, 15]),
)  # fmt: skip
def test_gabors_are_those_of_opencv(wavelength, angle, sigma, aspect, phase, size):
    ours = gabor(wavelength, angle, sigma, aspect, phase, size)
    theirs = cv2.getGaborKernel(
        (size, size), sigma, math.radians(angle), wavelength, aspect, math.radians(phase), cv2.CV_64F
    )
    assert np.allclose(theirs[::-1, ::-1], ours, atol=1e-12)  # OpenCV's axes run to the left and upwards


def test_a_gabor_is_scikit_images_but_for_its_scale():
    theirs = skimage.filters.gabor_kernel(1 / 5, math.radians(30), sigma_x=2, sigma_y=2).real
    ours = gabor(5, 30, 2, size=theirs.shape)
    assert np.allclose(2 * math.pi * 2 * 2 * theirs, ours, atol=1e-12)


def test_a_gabor_answers_to_stripes_of_its_own_width_and_direction():
    kernel = gabor(6, 30)
    n = kernel.shape[0] // 2
    y, x = np.mgrid[-n : n + 1, -n : n + 1]

    def answer(wavelength, angle):
        along = x * math.cos(math.radians(angle)) + y * math.sin(math.radians(angle))
        return (kernel * np.cos(2 * math.pi * along / wavelength)).sum()

    best = max(itertools.product([3, 4, 6, 9, 14], range(0, 180, 10)), key=lambda stripes: answer(*stripes))
    assert best == (6, 30)


# --- smoothing ----------------------------------------------------------------------------------------------


def test_box_and_binomial_written_out():
    assert (4 * box(2)).tolist() == [[1, 1], [1, 1]]
    assert (16 * binomial((1, 5))).tolist() == [[1, 4, 6, 4, 1]]
    assert (32 * binomial((2, 5))).tolist() == [[1, 4, 6, 4, 1]] * 2
    assert np.allclose(box((3, 1)), 1 / 3)


def test_a_binomial_has_the_width_that_its_docstring_says():
    for k in range(1, 9):
        row = binomial((1, k))[0]
        places = np.arange(k) - (k - 1) / 2
        assert math.sqrt((row * places**2).sum()) == pytest.approx(math.sqrt(k - 1) / 2)


@given(st.floats(1, 40), st.floats(-400, 400))
def test_motion_is_a_line_through_the_middle_the_same_from_both_ends(length, angle):
    kernel = motion_blur(length, angle)
    assert kernel.shape[0] == kernel.shape[1] == 2 * math.ceil(length / 2 - 0.5) + 1
    assert kernel.sum() == pytest.approx(1)
    assert np.allclose(kernel, kernel[::-1, ::-1], atol=1e-15)
    n = kernel.shape[0] // 2
    y, x = np.mgrid[-n : n + 1, -n : n + 1]
    off = np.abs(x * math.sin(math.radians(angle)) - y * math.cos(math.radians(angle)))
    assert (off[kernel > 0] <= math.sqrt(0.5) + 1e-9).all()  # within the pixel that the line goes through


def test_motion_along_an_axis_is_a_plain_row_or_column():
    assert np.allclose(motion_blur(5)[2], 1 / 5)
    assert motion_blur(5).astype(bool).sum() == 5
    assert np.allclose(motion_blur(5, 90), motion_blur(5).T)
    assert np.allclose(motion_blur(5, 180), motion_blur(5))
    assert motion_blur(2)[1].tolist() == [0.25, 0.5, 0.25]
    assert motion_blur(1).tolist() == [[1]]


def test_motion_down_to_the_right_is_a_diagonal():
    kernel = motion_blur(3 * math.sqrt(2), 45)
    assert np.allclose(np.diag(kernel), [0, 1 / 3, 1 / 3, 1 / 3, 0], atol=0.005)
    assert kernel[0, -1] == 0


def test_every_kernel_is_new_and_may_be_changed():
    for build in (
        identity,
        box,
        binomial,
        laplacian,
        sharpen,
        emboss,
        lambda: sobel("y"),
        lambda: roberts("up"),
    ):
        first = build()
        expected = first.copy()
        first += 1
        assert (build() == expected).all()
        assert build().dtype == np.float64


WRONG = [
    (lambda: identity(4), "ValueError: identity: size must be odd, so that there is a middle; got 4"),
    (lambda: box(0), "ValueError: box: size must be at least 1, got 0"),
    (lambda: box((3, 3, 3)), "ValueError: box: size must be one integer or 2, got (3, 3, 3)"),
    (lambda: box(3.0), "TypeError: box: size must be an integer or 2 integers, got 3.0"),
    (lambda: box(5000), "ValueError: box: size must be at most 4001, got 5000"),
    (lambda: binomial(1001), "ValueError: binomial: size must be at most 1000, got 1001"),
    (lambda: gaussian(0), "ValueError: gaussian: sigma must be above 0, got 0"),
    (lambda: gaussian(math.nan), "ValueError: gaussian: sigma must be finite, got nan"),
    (lambda: gaussian("1"), "TypeError: gaussian: sigma must be a real number, got '1'"),
    (lambda: gaussian(1e9), "ValueError: gaussian: sigma must be at most 1000, got 1000000000.0"),
    (lambda: gaussian(1, 4), "ValueError: gaussian: size must be odd, so that there is a middle; got 4"),
    (lambda: motion_blur(0.5), "ValueError: motion_blur: length must be at least 1, got 0.5"),
    (lambda: motion_blur(1001), "ValueError: motion_blur: length must be at most 1000, got 1001"),
    (lambda: motion_blur(3, math.inf), "ValueError: motion_blur: angle must be finite, got inf"),
    (lambda: sobel("z"), "ValueError: sobel: axis must be 'x' or 'y', got 'z'"),
    (lambda: sobel(0), "ValueError: sobel: axis must be 'x' or 'y', got 0"),
    (lambda: scharr("x", 1), "TypeError: scharr: normalized must be True or False, got 1"),
    (lambda: prewitt("h"), "ValueError: prewitt: axis must be 'x' or 'y', got 'h'"),
    (lambda: roberts("x"), "ValueError: roberts: diagonal must be 'down' or 'up', got 'x'"),
    (lambda: laplacian(6), "ValueError: laplacian: neighbors must be 4 or 8, got 6"),
    (lambda: laplacian(4.0), "TypeError: laplacian: neighbors must be an integer, got 4.0"),
    (lambda: laplacian_of_gaussian(-1), "ValueError: laplacian_of_gaussian: sigma must be above 0, got -1"),
    (lambda: difference_of_gaussians(1, 1), "ValueError: difference_of_gaussians: ratio must be above 1, got 1"),
    (lambda: difference_of_gaussians(0), "ValueError: difference_of_gaussians: sigma must be above 0, got 0"),
    (lambda: sharpen("much"), "TypeError: sharpen: amount must be a real number, got 'much'"),
    (lambda: unsharp(1, None), "TypeError: unsharp: amount must be a real number, got None"),
    (lambda: unsharp(0), "ValueError: unsharp: sigma must be above 0, got 0"),
    (lambda: emboss(1, "down"), "TypeError: emboss: y must be a real number, got 'down'"),
    (lambda: gabor(1), "ValueError: gabor: wavelength must be at least 2, got 1"),
    (lambda: gabor(4, sigma=0), "ValueError: gabor: sigma must be above 0, got 0"),
    (lambda: gabor(4, aspect=-1), "ValueError: gabor: aspect must be above 0, got -1"),
    (lambda: gabor(4, size=6), "ValueError: gabor: size must be odd, so that there is a middle; got 6"),
    (lambda: gabor(4, phase=math.nan), "ValueError: gabor: phase must be finite, got nan"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_call_is_told_what_is_wrong(call, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert f"{type(caught.value).__name__}: {caught.value}" == message


def test_no_kernel_is_without_a_wrong_call():
    kernels = {
        name
        for name, value in vars(filters).items()
        if getattr(value, "__module__", "") == "convlib.filters" and name[0] != "_"
    }
    assert kernels <= {message.split(": ")[1] for _, message in WRONG}

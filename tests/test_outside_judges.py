"""Libraries that know nothing of torch: SciPy, OpenCV, scikit-image and Pillow.

Each is asked for the same on noise and on a photograph. Where its convention is another one, the test says
which, and how far the answers are the same. Everything agrees to 1e-10, and what only chooses among pixels
exactly; but OpenCV computes the weights of its resizing in single precision, and Pillow has no double.
"""

import itertools
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.signal
import skimage.measure
import skimage.transform
import skimage.util
import torch
from agreement import assert_agree, tensor
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from convlib import (
    avg_pool2d,
    conv1d,
    conv2d,
    conv3d,
    conv_matrix,
    conv_transpose1d,
    conv_transpose2d,
    convolve2d,
    correlate2d,
    interpolate,
    lp_pool2d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    pad,
    sliding_windows,
)
from convlib.photographs import photograph

cv2.setNumThreads(1)

SINGLE = 1e-5  # what weights in single precision leave of an agreement


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).normal(size=shape)


IMAGES = {"noise": noise(13, 17), "photograph": photograph("camera", shrink=8)[0]}  # 64 x 64
images = pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
kernel_sizes = pytest.mark.parametrize("size", [(3, 3), (1, 4), (2, 5), (4, 2)], ids=str)


def alone(operation: Any, image: np.ndarray, *arguments: Any, **options: Any) -> np.ndarray:
    """An operation on images with channels, on a plain image."""
    return operation(image[None], *arguments, **options)[0]


def centred(image: np.ndarray, kernel: np.ndarray, mode: str, **options: Any) -> np.ndarray:
    """A correlation of the image's own size, with the middle of the kernel (k // 2) on each pixel in turn."""
    before_after = [(k // 2, k - 1 - k // 2) for k in kernel.shape]
    sides = [amount for pair in reversed(before_after) for amount in pair]
    return correlate2d(pad(image[None], sides, mode, **options)[0], kernel, "valid")


# --- SciPy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@given(sizes=st.tuples(*[st.integers(1, 6)] * 4))
def test_plain_images_agree_with_scipy(mode, sizes):
    height, width, kh, kw = sizes
    if mode == "valid":  # SciPy changes places, or refuses, where the kernel is the larger one
        height, width = height + kh - 1, width + kw - 1
    image, kernel = noise(height, width), noise(kh, kw, seed=1)
    for ours, theirs in ((correlate2d, scipy.signal.correlate2d), (convolve2d, scipy.signal.convolve2d)):
        expected = theirs(image, kernel, mode)
        assert_agree(ours(image, kernel, mode), expected)
        twin = ours(tensor(image), tensor(kernel), mode=mode)
        assert isinstance(twin, torch.Tensor)
        assert_agree(twin, expected)


@pytest.mark.parametrize("operation", [conv1d, conv2d, conv3d])
def test_channels_are_one_more_axis_to_correlate_along(operation):
    n = (conv1d, conv2d, conv3d).index(operation) + 1
    image, weight = noise(3, *(9, 8, 7)[:n]), noise(4, 3, *(3, 2, 4)[:n])
    maps = [scipy.signal.correlate(image, kernel, "valid", method="direct")[0] for kernel in weight]
    assert_agree(operation(image, weight), np.stack(maps))


@images
def test_scipy_s_transform_method_agrees_too(image):
    kernel = noise(5, 4)
    assert_agree(correlate2d(image, kernel), scipy.signal.correlate(image, kernel, method="fft"))


BOUNDARIES = {"constant": "constant", "mirror": "reflect", "nearest": "replicate", "wrap": "circular"}


@images
@kernel_sizes
@pytest.mark.parametrize("theirs", BOUNDARIES)
def test_boundaries_are_those_of_ndimage(image, size, theirs):
    """One word is a trap: torch's "reflect" is SciPy's "mirror", and not SciPy's "reflect"."""
    kernel, options = noise(*size), {"mode": theirs}
    ours: dict[str, Any] = {"mode": BOUNDARIES[theirs]}
    if theirs == "constant":
        options, ours = options | {"cval": 0.5}, ours | {"value": 0.5}
    assert_agree(centred(image, kernel, **ours), scipy.ndimage.correlate(image, kernel, **options))
    # turning an even kernel round moves its middle by one pixel
    origin = [-1 if k % 2 == 0 else 0 for k in size]
    convolved = scipy.ndimage.convolve(image, kernel[::-1, ::-1], origin=origin, **options)
    assert_agree(centred(image, kernel, **ours), convolved)


def test_scipy_s_reflect_repeats_the_pixel_at_the_edge():
    row, left = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 0.0, 0.0]])  # each pixel's neighbour
    assert centred(row, left, "reflect").tolist() == [[2, 1, 2]]
    assert scipy.ndimage.correlate(row, left, mode="mirror").tolist() == [[2, 1, 2]]
    assert scipy.ndimage.correlate(row, left, mode="reflect").tolist() == [[1, 1, 2]]


@images
def test_stride_and_dilation_are_slices_and_zeros(image):
    """Of SciPy's answer every s-th number is kept, and its kernel gets d - 1 zeros between its taps."""
    for stride, dilation in itertools.product([(1, 1), (2, 3)], [(1, 1), (2, 1), (3, 2)]):
        kernel = noise(2, 3)
        spread = np.zeros([d * (k - 1) + 1 for k, d in zip(kernel.shape, dilation, strict=True)])
        spread[:: dilation[0], :: dilation[1]] = kernel
        expected = scipy.signal.correlate2d(image, spread, "valid")[:: stride[0], :: stride[1]]
        options = {"stride": stride, "dilation": dilation}
        assert_agree(alone(conv2d, image, kernel[None, None], **options), expected)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_resampling_filters_are_strided_convolutions_and_their_transposes(stride):
    """upfirdn inserts zeros, convolves, and keeps every so many: both layers in the words of signals."""
    for size, taps in itertools.product([1, 4, 9], [1, 2, 5]):
        signal, kernel = noise(1, size), noise(1, 1, taps)
        up = scipy.signal.upfirdn(kernel[0, 0], signal[0], up=stride)
        assert_agree(alone(conv_transpose1d, signal[0], kernel, stride=stride), up)
        down = scipy.signal.upfirdn(kernel[0, 0, ::-1], signal[0], down=stride)
        assert_agree(alone(conv1d, signal[0], kernel, stride=stride, padding=taps - 1), down)


@images
def test_a_transposed_convolution_is_a_full_convolution(image):
    kernel = noise(3, 4)
    expected = scipy.signal.convolve(image, kernel, "full", method="direct")
    assert_agree(alone(conv_transpose2d, image, kernel[None, None]), expected)


def test_the_matrix_of_a_row_is_scipy_s():
    kernel = noise(4)
    expected = scipy.linalg.convolution_matrix(kernel[::-1], 9, "valid")
    assert_agree(conv_matrix(kernel[None, None, None], (1, 1, 9)), expected)


@images
@kernel_sizes
@pytest.mark.parametrize("stride", [1, 2])
def test_pooling_is_ndimage_s_filter(image, size, stride):
    options = {"stride": stride, "padding": [k // 2 for k in size]}
    # padding on both sides gives an even window one position more, beyond the image
    rows, columns = [-(-n // stride) for n in image.shape]
    filters = {"mode": "constant", "size": size}
    pooled = alone(max_pool2d, image, size, **options)[:rows, :columns]
    assert_agree(pooled, scipy.ndimage.maximum_filter(image, cval=-np.inf, **filters)[::stride, ::stride], 0)
    pooled = -alone(max_pool2d, -image, size, **options)[:rows, :columns]
    assert_agree(pooled, scipy.ndimage.minimum_filter(image, cval=np.inf, **filters)[::stride, ::stride], 0)
    pooled = alone(avg_pool2d, image, size, **options)[:rows, :columns]
    assert_agree(pooled, scipy.ndimage.uniform_filter(image, cval=0, **filters)[::stride, ::stride])


@pytest.mark.parametrize(("operation", "shape"), [(max_pool1d, (9,)), (max_pool3d, (6, 5, 7))])
def test_pooling_along_one_axis_and_along_three(operation, shape):
    volume = noise(*shape)
    expected = scipy.ndimage.maximum_filter(volume, size=3, mode="constant", cval=-np.inf)
    assert_agree(alone(operation, volume, 3, 1, 1), expected, 0)


# --- sizes for resizing -------------------------------------------------------------------------------------

SIZES = [(26, 34), (13, 17), (7, 40), (20, 5), (64, 32), (57, 100), (3, 1)]
sizes = pytest.mark.parametrize("size", SIZES, ids=str)
floats = pytest.mark.parametrize("dtype", ["float64", "float32"])


def resized(image: np.ndarray, size: tuple[int, int], mode: str, **options: Any) -> np.ndarray:
    return interpolate(image[None, None], size, mode=mode, **options)[0, 0]


def opencv(interpolation: int) -> Any:
    return lambda image, size: cv2.resize(image, size[::-1], interpolation=interpolation)


def pillow(resampling: Image.Resampling) -> Any:
    return lambda image, size: np.asarray(Image.fromarray(image).resize(size[::-1], resampling))


@images
@sizes
def test_corners_stay_in_ndimage_s_zoom(image, size):
    factors = [new / old for new, old in zip(size, image.shape, strict=True)]
    expected = scipy.ndimage.zoom(image, factors, order=1, mode="nearest")
    assert_agree(resized(image, size, "bilinear", align_corners=True), expected)


# --- OpenCV -------------------------------------------------------------------------------------------------

BORDERS = {
    "constant": cv2.BORDER_CONSTANT, "reflect": cv2.BORDER_REFLECT_101, "replicate": cv2.BORDER_REPLICATE,
    "circular": cv2.BORDER_WRAP,
}  # fmt: skip


@images
@pytest.mark.parametrize("mode", BORDERS)
def test_borders_are_those_of_opencv(image, mode):
    for left, right, top, bottom in [(0, 0, 0, 0), (2, 1, 0, 3), (12, 12, 12, 12)]:
        expected = cv2.copyMakeBorder(image, top, bottom, left, right, BORDERS[mode], value=0)
        assert_agree(alone(pad, image, (left, right, top, bottom), mode), expected, 0)


@images
@kernel_sizes
@floats
@pytest.mark.parametrize("mode", [mode for mode in BORDERS if mode != "circular"])  # filter2D has no wrap
def test_correlations_are_those_of_opencv(image, size, dtype, mode):
    image, kernel = image.astype(dtype), noise(*size).astype(dtype)
    expected = cv2.filter2D(image, -1, kernel, borderType=BORDERS[mode])
    assert_agree(centred(image, kernel, mode), expected, SINGLE if dtype == "float32" else 1e-10)


def test_colours_are_filtered_one_by_one_as_by_a_depthwise_convolution():
    colours, kernel = photograph("chelsea", shrink=4), noise(3, 3)
    expected = cv2.filter2D(np.moveaxis(colours, 0, -1), -1, kernel, borderType=cv2.BORDER_CONSTANT)
    depthwise = conv2d(colours, np.broadcast_to(kernel, (3, 1, 3, 3)), padding=1, groups=3)
    assert_agree(depthwise, np.moveaxis(expected, -1, 0))


@images
@pytest.mark.parametrize("size", [(3, 3), (1, 5), (5, 3)], ids=str)
def test_pooling_is_opencv_s_dilation_and_box_filter(image, size):
    padding, (height, width) = [k // 2 for k in size], size
    dilated = cv2.dilate(image, np.ones(size, "uint8"))
    assert_agree(alone(max_pool2d, image, size, 1, padding), dilated, 0)
    mean = cv2.boxFilter(image, -1, (width, height), borderType=cv2.BORDER_CONSTANT)
    assert_agree(alone(avg_pool2d, image, size, 1, padding), mean)
    squares = cv2.sqrBoxFilter(image, -1, (width, height), normalize=False, borderType=cv2.BORDER_CONSTANT)
    padded = pad(image[None], (width // 2, width // 2, height // 2, height // 2))
    assert_agree(lp_pool2d(padded, 2.0, size, 1)[0], np.sqrt(squares))


@images
@sizes
@floats
@pytest.mark.parametrize(("mode", "theirs"), [("bilinear", cv2.INTER_LINEAR), ("bicubic", cv2.INTER_CUBIC)])
def test_linear_and_cubic_are_those_of_opencv(image, size, dtype, mode, theirs):
    """Half-pixel centres, the edge pixel again beyond the edge, a = -0.75, and no antialiasing."""
    expected = opencv(theirs)(image.astype(dtype), size)
    assert_agree(resized(image.astype(dtype), size, mode), expected, SINGLE)


@images
@floats
def test_area_is_opencv_s_where_the_sizes_divide(image, dtype):
    image = image[:12, :16].astype(dtype)
    for size in [(12, 16), (6, 8), (4, 2), (3, 16), (1, 1)]:
        assert_agree(resized(image, size, "area"), opencv(cv2.INTER_AREA)(image, size), SINGLE)


def test_area_differs_from_opencv_s_where_an_output_pixel_covers_a_part_of_a_pixel():
    """OpenCV and scikit-image weigh a pixel by the part that is covered; torch takes it whole."""
    row = np.array([[0.0, 3.0, 9.0]])
    assert resized(row, (1, 2), "area").tolist() == [[(0 + 3) / 2, (3 + 9) / 2]]
    weighed = np.array([[(0 + 3 / 2) / 1.5, (3 / 2 + 9) / 1.5]])
    assert_agree(opencv(cv2.INTER_AREA)(row, (1, 2)), weighed, SINGLE)
    assert_agree(skimage.transform.resize_local_mean(row, (1, 2)), weighed)


def test_nearest_is_opencv_s_and_pillow_s_except_where_two_pixels_are_equally_near():
    """There, at a whole number, each library rounds on its own; they come out one pixel apart."""
    for old, new in itertools.product(range(1, 41), repeat=2):
        row, i = np.arange(old, dtype="float32")[None], np.arange(new)
        for mode, place, judges in (
            ("nearest", (2 * i) * old, [opencv(cv2.INTER_NEAREST)]),
            (
                "nearest-exact",
                (2 * i + 1) * old,
                [opencv(cv2.INTER_NEAREST_EXACT), pillow(Image.Resampling.NEAREST)],
            ),
        ):
            ours = resized(row, (1, new), mode)
            for judge in judges:
                apart = ours - judge(row, (1, new))
                assert not apart[0, place % (2 * new) != 0].any()
                assert np.abs(apart).max() <= 1


# --- scikit-image -------------------------------------------------------------------------------------------


def test_windows_are_those_of_view_as_windows():
    for size, step in itertools.product([(1, 1), (3, 2), (4, 5)], [1, 2, 3]):
        expected = skimage.util.view_as_windows(IMAGES["noise"], size, step)
        assert_agree(sliding_windows(IMAGES["noise"], size, step), expected, 0)


@images
@pytest.mark.parametrize("size", [(2, 2), (3, 5), (4, 1)], ids=str)
def test_pooling_is_block_reduction_of_whole_blocks_alone(image, size):
    """Blocks that are not whole are filled up with `cval`: with 0 it would win where all else is negative."""
    height, width = size
    whole = image[: len(image) // height * height, : image.shape[1] // width * width]
    reduce = skimage.measure.block_reduce
    assert_agree(alone(max_pool2d, image, size), reduce(whole, size, np.max), 0)
    assert_agree(-alone(max_pool2d, -image, size), reduce(whole, size, np.min), 0)
    assert_agree(alone(avg_pool2d, image, size), reduce(whole, size, np.mean))
    options = {"ceil_mode": True}
    assert_agree(alone(max_pool2d, image, size, **options), reduce(image, size, np.max, cval=-np.inf), 0)
    assert_agree(alone(avg_pool2d, image, size, **options), reduce(image, size, np.nanmean, cval=np.nan))
    assert (alone(max_pool2d, image - 9, size, **options) < 0).all()
    assert reduce(image - 9, (15, 15), np.max)[-1, -1] == 0


@images
@sizes
@pytest.mark.parametrize(("order", "mode"), [(0, "nearest-exact"), (1, "bilinear")])
def test_resizing_is_scikit_image_s_without_its_antialiasing(image, size, order, mode):
    """Its own is a Gaussian blur beforehand, and its cubic is a spline: neither is in torch."""
    expected = skimage.transform.resize(image, size, order=order, mode="edge", anti_aliasing=False)
    assert_agree(resized(image, size, mode), expected)


@images
def test_the_mean_of_whole_pixels_is_scikit_image_s_local_mean(image):
    image = image[:12, :16]
    for size in [(12, 16), (6, 8), (4, 2), (3, 16), (1, 1)]:
        assert_agree(resized(image, size, "area"), skimage.transform.resize_local_mean(image, size))


def test_a_spline_is_not_keys_s_cubic():
    """The spline goes through the pixels as well, but each of its pixels depends on the whole image."""
    dot = np.zeros((1, 21))
    dot[0, 10] = 1.0
    spline = skimage.transform.resize(dot, (1, 42), order=3, mode="edge", anti_aliasing=False, clip=False)
    assert np.count_nonzero(resized(dot, (1, 42), "bicubic")) == 2 * 4
    assert np.count_nonzero(np.abs(spline) > 1e-5) > 2 * 4


# --- Pillow -------------------------------------------------------------------------------------------------


RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@images
@sizes
@pytest.mark.parametrize("mode", RESAMPLING)
def test_antialiasing_is_pillow_s(image, size, mode):
    """The kernel grows with the scale, and a = -0.5. Pillow has no other way."""
    image = image.astype("float32")
    expected = pillow(RESAMPLING[mode])(image, size)
    assert_agree(resized(image, size, mode, antialias=True), expected, SINGLE)


@pytest.mark.parametrize("size", [(37, 80), (37, 160), (200, 31), (100, 130), (75, 50), (30, 112)], ids=str)
@pytest.mark.parametrize("mode", RESAMPLING)
def test_antialiased_bytes_are_pillow_s_but_for_a_level_or_two_here_and_there(size, mode):
    """Both round their weights to whole numbers, Pillow's larger ones, and round to bytes after each axis: so
    it matters which comes first. In torch the width does; in Pillow the height, if it alone shrinks."""
    photo = np.round(photograph("chelsea", shrink=4) * 255).astype("uint8")  # 75 x 112
    expected = np.stack([pillow(RESAMPLING[mode])(colour, size) for colour in photo])
    if size[0] < photo.shape[1] and size[1] > photo.shape[2]:
        turned = interpolate(photo.swapaxes(1, 2)[None], size[::-1], mode=mode, antialias=True)[0]
        ours = turned.swapaxes(1, 2)
    else:
        ours = interpolate(photo[None], size, mode=mode, antialias=True)[0]
    apart = ours.astype(int) - expected
    assert np.abs(apart).max() <= 2
    assert np.count_nonzero(apart) <= 0.03 * apart.size


@images
def test_reducing_is_average_pooling_with_a_last_window_of_what_is_there(image):
    image = image.astype("float32")
    for height, width in [(1, 1), (2, 2), (3, 5), (4, 1)]:
        expected = np.asarray(Image.fromarray(image).reduce((width, height)))
        assert_agree(alone(avg_pool2d, image, (height, width), ceil_mode=True), expected, SINGLE)


@images
def test_area_is_pillow_s_box_where_the_sizes_divide(image):
    image = image[:12, :16].astype("float32")
    for size in [(12, 16), (6, 8), (4, 2), (3, 16), (1, 1)]:
        assert_agree(resized(image, size, "area"), pillow(Image.Resampling.BOX)(image, size), SINGLE)


def test_area_differs_from_pillow_s_box_elsewhere():
    """Pillow's box takes the pixels whose centres it covers, torch's area all that it touches."""
    row = np.array([[0.0, 3.0, 9.0, 1.0, 5.0]], "float32")
    boxes = np.array([[(0 + 3) / 2, 9, (1 + 5) / 2]], "float32")
    touched = np.array([[(0 + 3) / 2, (3 + 9 + 1) / 3, (1 + 5) / 2]], "float32")
    assert_agree(pillow(Image.Resampling.BOX)(row, (1, 3)), boxes, SINGLE)
    assert_agree(resized(row, (1, 3), "area"), touched, SINGLE)

# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import itertools
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

from convlib import interpolate, interpolate_backward, resize_matrix
from convlib.oracles import finite_difference, interpolate_loops
from convlib.resize import MODES, cubic_kernel, lanczos_kernel, linear_kernel

RANKS = {"linear": [1], "bilinear": [2], "trilinear": [3], "bicubic": [2], "lanczos": [2]}
SMOOTHED = ["bilinear", "bicubic", "lanczos"]  # the modes with antialiasing, which lanczos cannot do without
BY_RANK = [(mode, n) for mode in MODES for n in RANKS.get(mode, [1, 2, 3])]
IDS = [f"{mode}-{n}d" for mode, n in BY_RANK]
by_rank = pytest.mark.parametrize(("mode", "n"), BY_RANK, ids=IDS)  # with lanczos as the last
by_rank_without_lanczos = pytest.mark.parametrize(("mode", "n"), BY_RANK[:-1], ids=IDS[:-1])
along = pytest.mark.parametrize(
    ("mode", "antialias"),
    [(mode, False) for mode in MODES if mode != "lanczos"] + [(mode, True) for mode in SMOOTHED],
)
along_an_image = pytest.mark.parametrize(
    ("mode", "antialias"), [("bilinear", False), ("bicubic", False), *((mode, True) for mode in SMOOTHED)]
)
FACTORS = [0.3, 0.5, 0.7, 1.0, 1.05, 1.3, 1.5, 2, 2.7, 3]


def options_of(mode: str) -> dict[str, Any]:
    """As few options as the mode can do with."""
    return {"mode": mode, "antialias": mode == "lanczos"}


@dataclass
class Case:
    """A resizing whose sizes fit; `sizes` and `factors` say for each axis what `options` say in any form."""

    input: np.ndarray
    options: dict[str, Any]
    sizes: tuple[int, ...]
    factors: tuple[float | None, ...]
    random: np.random.Generator

    @property
    def antialias(self) -> bool:
        return self.options["antialias"]

    @property
    def leaves_an_axis(self) -> bool:
        """A size stays what it is although the factor is not 1."""
        axes = zip(self.input.shape[2:], self.sizes, self.factors, strict=True)
        return any(n == size and factor not in (None, 1) for n, size, factor in axes)

    @property
    def doubles_an_axis(self) -> bool:
        axes = zip(self.input.shape[2:], self.sizes, self.factors, strict=True)
        return any(2 * n == size and factor not in (None, 2) for n, size, factor in axes)

    def grad(self) -> np.ndarray:
        return self.random.normal(size=(*self.input.shape[:2], *self.sizes))

    def loops(self) -> np.ndarray:
        options = {name: self.options[name] for name in ("mode", "antialias")}
        corners = bool(self.options["align_corners"])
        return interpolate_loops(self.input, self.sizes, self.factors, align_corners=corners, **options)


@st.composite
def cases(draw, mode: str, n: int, largest: int = 0) -> Case:
    room = largest or (14, 8, 5)[n - 1]
    spatial = draw(st.lists(st.integers(1, room), min_size=n, max_size=n))
    options: dict[str, Any] = {"mode": mode, "align_corners": None, "antialias": False}
    if mode in RANKS:
        options["align_corners"] = draw(st.sampled_from([None, False, True][: 2 if mode == "lanczos" else 3]))
    if mode in SMOOTHED:
        options["antialias"] = mode == "lanczos" or draw(st.booleans())
    alone = draw(st.booleans())
    if draw(st.booleans()):
        sizes = draw(st.lists(st.integers(1, room + 3), min_size=n, max_size=n))
        sizes = sizes[:1] * n if alone else sizes
        options["size"] = sizes[0] if alone else draw(st.sampled_from([tuple, list]))(sizes)
        factors: list[float | None] = [None] * n
    else:
        exact = [max(draw(st.sampled_from(FACTORS)), 1 / min(spatial)) for _ in range(n)]
        exact = exact[:1] * n if alone else exact
        options["scale_factor"] = exact[0] if alone else draw(st.sampled_from([tuple, list]))(exact)
        options["recompute_scale_factor"] = draw(st.sampled_from([None, False, True]))
        sizes = [int(pixels * factor) for pixels, factor in zip(spatial, exact, strict=True)]
        factors = [None] * n if options["recompute_scale_factor"] or mode == "area" else list(exact)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 5 if n == 2 else 2)), *spatial)
    return Case(random.normal(size=shape), options, tuple(sizes), tuple(factors), random)


def torch_disagrees_with_itself(case: Case, mode: str, n: int) -> bool:
    """Where torch 2.13's CPU code gives an answer that another part of torch contradicts.

    - Images with antialiasing that come out one pixel wide: see `test_images_one_pixel_wide`.
    - Nearest, where the floor makes a size equal to, or twice, the old one: small images then forget the
      factor, but sequences, volumes, large images and CUDA do not.
    """
    if mode.startswith("nearest"):
        return n == 2 and (case.leaves_an_axis or case.doubles_an_axis)
    return case.antialias and case.sizes[-1] == 1


# --- value, dtype, shape ----------------------------------------------------------------------------------

row = np.array([[[0.0, 1.0, 2.0, 3.0]]])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"scale_factor": 2, "mode": "linear"}, [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]),
        ({"scale_factor": 2, "mode": "linear", "align_corners": True}, [3 * i / 7 for i in range(8)]),
        ({"size": 3}, [0, 1, 2]),
        ({"size": 3, "mode": "nearest-exact"}, [0, 2, 3]),
        ({"size": 7}, [0, 0, 1, 1, 2, 2, 3]),
        ({"size": 3, "mode": "area"}, [(0 + 1) / 2, (1 + 2) / 2, (2 + 3) / 2]),
        ({"size": 1, "mode": "area"}, [(0 + 1 + 2 + 3) / 4]),
        ({"size": 2, "mode": "linear"}, [(0 + 1) / 2, (2 + 3) / 2]),
        ({"size": 1, "mode": "linear", "align_corners": True}, [0]),
        ({"scale_factor": 0.7, "mode": "linear"}, [0.5 / 0.7 - 0.5, 1.5 / 0.7 - 0.5]),
        ({"scale_factor": 0.7, "mode": "linear", "recompute_scale_factor": True}, [0.5, 2.5]),
    ],
)
def test_known_rows(options, expected):
    np.testing.assert_allclose(interpolate(row, **options).ravel(), expected, atol=1e-15)
    np.testing.assert_allclose(interpolate(tensor(row), **options).ravel(), expected, atol=1e-15)


def test_one_bicubic_pixel_written_out():
    image = np.array([[[[0.0, 10.0, 20.0, 40.0]]]])
    middle = interpolate(image, (1, 2), mode="bicubic")[0, 0, 0]  # at 0.5 and 2.5: half-way between two
    outer, inner = -0.09375, 0.59375
    assert middle[0] == outer * 0 + inner * 0 + inner * 10 + outer * 20
    assert middle[1] == outer * 10 + inner * 20 + inner * 40 + outer * 40


def test_an_antialiased_pixel_written_out():
    image = np.array([[[[7.0, 14.0, 28.0, 56.0]]]])
    small = interpolate(image, (1, 2), mode="bilinear", antialias=True)[0, 0, 0]  # tents at 1 and at 3
    np.testing.assert_allclose(small, [(3 * 7 + 3 * 14 + 28) / 7, (14 + 3 * 28 + 3 * 56) / 7])


def test_a_lanczos_pixel_written_out():
    image = np.array([[[[7.0, 14.0, 28.0, 56.0, 112.0, 224.0]]]])
    # at pixels 1 and 4, in steps of three: 1/3, 0, 1/3, 2/3, 1 and 4/3 of a step away, with weight 0 after one step
    one, two, four = (
        math.sin(x) / x * math.sin(x / 3) / (x / 3) for x in (math.pi / 3, 2 * math.pi / 3, 4 * math.pi / 3)
    )
    assert four < 0
    total = one + 1 + one + two + 0 + four
    left = (one * 7 + 1 * 14 + one * 28 + two * 56 + 0 * 112 + four * 224) / total
    right = (four * 7 + 0 * 14 + two * 28 + one * 56 + 1 * 112 + one * 224) / total
    for small in (
        interpolate(image, (1, 2), mode="lanczos", antialias=True),
        interpolate_loops(image, (1, 2), mode="lanczos", antialias=True),
    ):
        np.testing.assert_allclose(small[0, 0, 0], [left, right])


@by_rank
@given(data=st.data())
def test_arrays_tensors_loops_and_torch_agree(mode, n, data):
    case = data.draw(cases(mode, n))
    output = interpolate(case.input, **case.options)
    assert output.shape == (*case.input.shape[:2], *case.sizes)
    assert output.flags.c_contiguous and output.flags.writeable
    assert not np.shares_memory(output, case.input)
    if not torch_disagrees_with_itself(case, mode, n):
        assert_agree(output, F.interpolate(tensor(case.input), **case.options))
        twin = interpolate(tensor(case.input), **case.options)
        assert isinstance(twin, torch.Tensor)
        assert_agree(twin, output)


@by_rank
@settings(max_examples=15)
@given(data=st.data())
def test_the_loops_agree(mode, n, data):
    case = data.draw(cases(mode, n, largest=(9, 4, 3)[n - 1]))
    assert_agree(interpolate(case.input, **case.options), case.loops())


@by_rank
@given(data=st.data())
def test_gradients_agree_with_autograd(mode, n, data):
    case = data.draw(cases(mode, n))
    grad, x = case.grad(), tensor(case.input, requires_grad=True)
    gradient = interpolate_backward(grad, case.input.shape, **case.options)
    assert gradient.flags.c_contiguous
    twin = interpolate_backward(tensor(grad), case.input.shape, **case.options)
    F.interpolate(x, **case.options).backward(tensor(grad))
    assert isinstance(twin, torch.Tensor)
    assert_agree(twin, x.grad)
    # torch's own backward is not the transpose of its forward where the floor leaves a size as it was
    if not ((case.leaves_an_axis or case.doubles_an_axis) and (mode.startswith("nearest") or mode in RANKS)):
        assert_agree(gradient, x.grad)


@by_rank
@given(data=st.data())
def test_the_gradient_is_the_transpose(mode, n, data):
    """<A x, g> = <x, A^T g>, for every option and without a judge from outside."""
    case = data.draw(cases(mode, n))
    grad = case.grad()
    forward = (interpolate(case.input, **case.options) * grad).sum()
    backward = (case.input * interpolate_backward(grad, case.input.shape, **case.options)).sum()
    assert math.isclose(forward, backward, rel_tol=1e-10, abs_tol=1e-10)


@by_rank
@settings(max_examples=8)
@given(data=st.data())
def test_gradients_agree_with_finite_differences(mode, n, data):
    case = data.draw(cases(mode, n, largest=(6, 3, 2)[n - 1]))
    grad = case.grad()
    numeric = finite_difference(lambda x: (grad * interpolate(x, **case.options)).sum(), case.input)
    assert_agree(interpolate_backward(grad, case.input.shape, **case.options), numeric, 1e-7)


def test_pixels_that_nearest_leaves_out_get_no_gradient():
    gradient = interpolate_backward(np.ones((1, 1, 3)), (1, 1, 4), size=3)
    assert gradient.ravel().tolist() == [1, 1, 1, 0]
    gradient = interpolate_backward(np.ones((1, 1, 3)), (1, 1, 4), size=3, mode="nearest-exact")
    assert gradient.ravel().tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("mode", SMOOTHED)
@pytest.mark.parametrize("height", [1, 2, 7])
def test_images_one_pixel_wide(mode, height):
    """torch 2.13's CPU repeats the first row here, but not in the image turned on its side."""
    image = ramp(2, 3, 5, 4) % 7
    output = interpolate(image, (height, 1), mode=mode, antialias=True)
    turned = np.ascontiguousarray(image.swapaxes(2, 3))
    if height > 1:
        expected = F.interpolate(tensor(turned), (1, height), mode=mode, antialias=True).swapaxes(2, 3)
        assert_agree(output, expected)
    assert_agree(output, interpolate(turned, (1, height), mode=mode, antialias=True).swapaxes(2, 3))


# --- number types -----------------------------------------------------------------------------------------


@by_rank
@given(data=st.data())
def test_single_precision_agrees_to_one_part_in_a_hundred_thousand(mode, n, data):
    case = data.draw(cases(mode, n))
    if torch_disagrees_with_itself(case, mode, n):
        return
    single, grad = case.input.astype("float32"), case.grad().astype("float32")
    assert_agree(interpolate(single, **case.options), F.interpolate(tensor(single), **case.options), 1e-5)
    gradient = interpolate_backward(grad, case.input.shape, **case.options)
    exact = interpolate_backward(grad.astype("float64"), case.input.shape, **case.options)
    assert_agree(gradient, exact.astype("float32"), 1e-5)


@by_rank_without_lanczos  # which torch does not offer for it
@given(data=st.data())
def test_half_precision_is_rounded_once_at_the_end(mode, n, data):
    case = data.draw(cases(mode, n))
    if case.antialias:
        case.options["antialias"] = False
    half, grad = case.input.astype("float16"), case.grad().astype("float16")
    for actual, exact in (
        (interpolate(half, **case.options), interpolate(half.astype("float64"), **case.options)),
        (
            interpolate_backward(grad, case.input.shape, **case.options),
            interpolate_backward(grad.astype("float64"), case.input.shape, **case.options),
        ),
    ):
        assert actual.dtype == np.float16
        np.testing.assert_allclose(actual.astype("float64"), exact, rtol=2**-11 + 1e-5, atol=1e-5)
    if not torch_disagrees_with_itself(case, mode, n):  # torch rounds more often
        theirs = F.interpolate(tensor(half), **case.options)
        assert_agree(interpolate(half, **case.options), theirs, 2**-7)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", *SMOOTHED])
@settings(max_examples=150)
@given(data=st.data())
def test_bytes_are_torch_s_bytes(mode, data):
    case = data.draw(cases(mode, 2))
    if case.sizes[-1] == 1 or torch_disagrees_with_itself(case, mode, 2):
        return
    image = case.random.integers(0, 256, case.input.shape).astype("uint8")
    if data.draw(st.booleans()):  # black and white overshoots most
        image = image // 128 * 255
    assert_agree(interpolate(image, **case.options), F.interpolate(tensor(image), **case.options), 0)


@along_an_image
def test_bytes_stay_within_a_step_of_the_real_numbers(mode, antialias):
    image = np.random.default_rng(1).integers(0, 256, (1, 3, 20, 30)).astype("uint8")
    output = interpolate(image, (31, 11), mode=mode, antialias=antialias)
    exact = interpolate(image.astype("float64"), (31, 11), mode=mode, antialias=antialias).clip(0, 255)
    assert output.dtype == np.uint8
    assert np.abs(output - exact).max() < (
        1.5 if mode == "bilinear" else 45
    )  # the first axis is clipped, too


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", *SMOOTHED])
def test_one_row_of_bytes_is_the_rounded_row(mode):
    image, options = np.array([[[[0, 255, 0, 255, 255]]]], "uint8"), options_of(mode)
    exact = interpolate(image.astype("float64"), (1, 11), **options)
    rounded = np.floor(exact + 0.5).clip(0, 255).astype("uint8")
    assert_agree(interpolate(image, (1, 11), **options), rounded, 0)


def test_nearest_copies_and_computes_nothing():
    for make in (np.array, torch.tensor):
        assert np.signbit(np.asarray(interpolate(make([[[-0.0, 1.0]]]), 4)))[0, 0, 0]


def test_the_other_byte_order_stays():
    assert interpolate(row.astype(">f4"), size=2, mode="linear").dtype == np.dtype(">f4")
    assert interpolate_backward(row.astype(">f2"), (1, 1, 2), size=4, mode="linear").dtype == np.dtype(">f2")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@by_rank_without_lanczos
def test_nan_and_infinity_stay_where_torch_keeps_them(mode, n, value):
    for pixel in range(6):
        volume = ramp(1, 1, *(6,) * n)
        volume[(0, 0, *(pixel,) * n)] = value
        for size in (4, 9):
            output = interpolate(volume, size, mode=mode)
            assert_agree(output, F.interpolate(tensor(volume), size, mode=mode))
            assert np.isfinite(output).any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("mode", SMOOTHED)
def test_nan_and_infinity_stay_in_the_window_of_an_antialiased_image(mode, value):
    image = ramp(1, 1, 12, 12)
    image[0, 0, 2, 2] = value
    output = interpolate(image, 5, mode=mode, antialias=True)
    assert_agree(output, F.interpolate(tensor(image), 5, mode=mode, antialias=True))
    assert np.isfinite(output).any()


@by_rank
def test_views_and_read_only_arrays_are_taken(mode, n):
    volume = np.arange(2.0 * 3 * 6**n).reshape(2, 3, *(6,) * n)
    view = volume[::-1, ::2, ..., ::-2]
    view.flags.writeable = False
    options = options_of(mode)
    assert_agree(interpolate(view, 4, **options), interpolate(np.ascontiguousarray(view), 4, **options))
    grad = np.broadcast_to(np.float64(1), (2, 2, *(4,) * n))
    full = np.ones((2, 2, *(4,) * n))
    shape = (2, 2, *(6,) * n)
    assert_agree(
        interpolate_backward(grad, shape, 4, **options), interpolate_backward(full, shape, 4, **options)
    )


@pytest.mark.parametrize("n", [1, 2])
def test_an_area_of_nothing_is_nothing(n):
    for options in ({"size": 0}, {"scale_factor": 0.1}):
        output = interpolate(np.ones((2, 3, *(4,) * n)), mode="area", **options)
        assert_agree(output, F.interpolate(torch.ones(2, 3, *(4,) * n).double(), mode="area", **options))
        gradient = interpolate_backward(output, (2, 3, *(4,) * n), mode="area", **options)
        assert_agree(gradient, np.zeros((2, 3, *(4,) * n)))
    assert interpolate(np.ones((2, 0, *(4,) * n)), 3, mode="area").shape == (2, 0, *(3,) * n)


# --- laws -------------------------------------------------------------------------------------------------

sizes = st.integers(1, 20)


@along
@given(n=sizes, size=sizes, factor=st.sampled_from([None, *FACTORS]), corners=st.sampled_from([None, True]))
def test_every_row_of_the_matrix_sums_to_one(mode, antialias, n, size, factor, corners):
    corners = corners if mode in RANKS and mode != "lanczos" else None
    if factor is not None:
        factor = max(factor, 1 / n)
        size = int(n * factor)
    matrix = resize_matrix(n, size, factor, mode, corners, antialias)
    assert matrix.shape == (size, n) and matrix.dtype == np.float64
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)
    if mode not in ("bicubic", "lanczos"):
        assert (matrix >= 0).all()


@along
@given(height=sizes, width=sizes, new_height=sizes, new_width=sizes)
def test_an_image_is_resized_by_one_matrix_for_each_axis(
    mode, antialias, height, width, new_height, new_width
):
    if RANKS.get(mode, [2]) != [2]:
        return
    image = np.random.default_rng(height).normal(size=(height, width))
    options = {"mode": mode, "antialias": antialias}
    rows = resize_matrix(height, new_height, **options)
    columns = resize_matrix(width, new_width, **options)
    assert_agree(
        interpolate(image[None, None], (new_height, new_width), **options)[0, 0], rows @ image @ columns.T
    )


@by_rank
@given(data=st.data())
def test_constants_stay_constant(mode, n, data):
    case = data.draw(cases(mode, n))
    output = interpolate(np.full(case.input.shape, 3.5), **case.options)
    assert_agree(output, np.full(output.shape, 3.5))


@by_rank
def test_nothing_changes_at_the_same_size(mode, n):
    volume, options = np.random.default_rng(0).normal(size=(1, 2, *(5,) * n)), options_of(mode)
    assert_agree(interpolate(volume, 5, **options), volume)
    assert_agree(interpolate(volume, scale_factor=1, **options), volume)


@given(data=st.data())
def test_bilinear_stays_in_range(data):
    case = data.draw(cases("bilinear", 2))
    if case.input.size:
        output = interpolate(case.input, **case.options)
        assert case.input.min() - 1e-12 <= output.min() and output.max() <= case.input.max() + 1e-12


def test_bicubic_overshoots_an_edge_and_lanczos_rings_on_either_side():
    edge = np.array([[[[0.0, 0, 0, 0, 1, 1, 1, 1]]]])
    bicubic = interpolate(edge, (1, 24), mode="bicubic")[0, 0, 0]
    lanczos = interpolate(edge, (1, 24), mode="lanczos", antialias=True)[0, 0, 0]
    for output in (bicubic, lanczos):
        assert output.min() < -0.05 and output.max() > 1.05
    before_the_dip = slice(0, 8)
    assert bicubic[before_the_dip].max() == 0
    assert 0.01 < lanczos[before_the_dip].max() < 0.1


def test_bicubic_weights_half_way_are_negative_outside():
    assert resize_matrix(4, 2, mode="bicubic")[0].tolist() == [-0.09375 + 0.59375, 0.59375, -0.09375, 0]


@given(n=st.integers(2, 12), size=st.integers(2, 20))
def test_align_corners_keeps_straight_lines_and_both_ends(n, size):
    line = np.linspace(0, 1, n)[None, None]
    output = interpolate(line, size, mode="linear", align_corners=True)
    assert_agree(output.ravel(), np.linspace(0, 1, size))


@along
def test_half_pixel_centres_do_not_shift_an_image(mode, antialias):
    """Mirroring and resizing change places; nearest is the one that fails."""
    if RANKS.get(mode, [2]) == [2]:
        image = np.random.default_rng(0).normal(size=(1, 1, 7, 9))  # odd, so that no place is a tie
        options = {"size": (5, 11), "mode": mode, "antialias": antialias}
        mirrored = interpolate(image[..., ::-1, ::-1], **options)[..., ::-1, ::-1]
        assert np.allclose(mirrored, interpolate(image, **options)) == (mode != "nearest")


def test_antialiasing_lets_every_pixel_count_and_the_plain_mode_does_not():
    """A checkerboard of single pixels is grey from afar."""
    board = (np.indices((16, 16)).sum(axis=0) % 2).astype(float)[None, None]
    assert np.ptp(interpolate(board, 3, mode="bilinear", antialias=True)) < 0.05
    assert np.ptp(interpolate(board, 3, mode="bilinear")) > 0.4
    assert (resize_matrix(16, 3, mode="bilinear", antialias=True).sum(axis=0) > 0).all()
    assert (resize_matrix(16, 3, mode="bilinear").sum(axis=0) == 0).any()


def test_antialiasing_changes_no_enlarged_image_inside_except_for_the_cubic_slope():
    plain, smooth = (resize_matrix(8, 16, mode="bilinear", antialias=a) for a in (False, True))
    assert_agree(smooth, plain)
    plain, smooth = (resize_matrix(8, 16, mode="bicubic", antialias=a) for a in (False, True))
    assert np.abs(plain - smooth)[4:-4].max() > 0.01


@given(x=st.floats(-3, 3), a=st.floats(-1, 0))
def test_the_kernels_are_partitions_of_unity(x, a):
    distances = x - np.arange(-8, 9)
    assert math.isclose(linear_kernel(distances).sum(), 1, abs_tol=1e-12)
    assert math.isclose(cubic_kernel(distances, a).sum(), 1, abs_tol=1e-12)


@pytest.mark.parametrize("factor", [0.3, 1.05, 1.7])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_takes_the_pixels_of_torch_s_sequences(mode, factor):
    """... for images as well, at which torch is of two minds."""
    line = np.arange(9, dtype="float32")[None, None]
    expected = F.interpolate(tensor(line), scale_factor=factor, mode=mode).numpy()
    image = interpolate(line[:, :, None], scale_factor=(1, factor), mode=mode)
    assert_agree(image[:, :, 0], expected, 0)


@given(x=st.floats(0.1, 0.9))
def test_lanczos_weights_add_up_to_one_only_nearly_hence_they_are_divided_by_their_sum(x):
    total = lanczos_kernel(x - np.arange(-8, 9)).sum()
    assert 0.994 < total < 1 - 1e-4


def test_lanczos_is_one_at_its_pixel_and_zero_at_the_others_and_from_three_on():
    at = np.arange(-5.0, 6)
    np.testing.assert_allclose(lanczos_kernel(at), at == 0, atol=1e-15)
    assert (lanczos_kernel(np.array([-3.5, -3, 3, 4.5])) == 0).all()
    assert np.sign(lanczos_kernel(np.array([0.5, 1.5, 2.5]))).tolist() == [1, -1, 1]


def test_large_single_precision_sizes_take_torch_s_nearest_pixels():
    for n, size in ((1000, 777), (777, 1000), (224, 299), (513, 64)):
        line = np.arange(n, dtype="float32")[None, None]
        assert_agree(interpolate(line, size), F.interpolate(tensor(line), size), 0)


def test_pixels_at_the_edge_of_two_are_chosen_in_single_precision_as_on_a_gpu():
    line = np.array([[[0.0, 1.0]]], "float32")
    for size in (49, 61):  # the place of the middle pixel is a whole number, or just below it in float64
        expected = F.interpolate(tensor(line), size, mode="nearest-exact")
        assert_agree(interpolate(line, size, mode="nearest-exact"), expected, 0)
        assert np.floor((np.arange(size) + 0.5) * (2 / size))[size // 2] != expected[0, 0, size // 2]


@pytest.mark.parametrize("options", [{}, {"align_corners": True}, {"scale_factor": 1.9}], ids=str)
def test_the_matrix_is_what_interpolate_applies_with_every_option(options):
    line = np.random.default_rng(2).normal(size=(1, 1, 7))
    where = {"scale_factor": 1.9} if "scale_factor" in options else {"size": int(7 * 1.9)}
    corners = options.get("align_corners")
    matrix = resize_matrix(7, int(7 * 1.9), mode="linear", **options)
    assert_agree(matrix @ line[0, 0], interpolate(line, mode="linear", align_corners=corners, **where)[0, 0])
    assert options == {} or not np.allclose(matrix, resize_matrix(7, int(7 * 1.9), mode="linear"))


@pytest.mark.parametrize("mode", MODES)
def test_every_call_that_torch_takes_is_taken_and_no_other(mode):
    """All combinations of rank, options and ways to say a size: 720 calls, with their values."""
    taken = 0
    for n, corners, antialias, recompute in itertools.product(
        range(5), [None, False, True], [False, True], [None, True]
    ):
        image = torch.rand(2, 2, *(4,) * n, generator=torch.Generator().manual_seed(n))
        for size in (
            {"size": 3}, {"size": [3] * n}, {"size": (3,)}, {"size": np.int64(3)}, {"size": 3.0}, {"size": True},
            {"scale_factor": 2}, {"scale_factor": (1.5,) * n}, {"scale_factor": [0.7]}, {"scale_factor": np.float32(1.5)},
            {"size": 3, "scale_factor": 2}, {},
        ):  # fmt: skip
            options = {
                "mode": mode,
                "align_corners": corners,
                "antialias": antialias,
                "recompute_scale_factor": recompute,
                **size,
            }
            try:
                expected = F.interpolate(image, **options)
            except (ValueError, TypeError, NotImplementedError, RuntimeError):
                for x in (image, image.numpy()):
                    with pytest.raises((ValueError, TypeError)):
                        interpolate(x, **options)
            else:
                taken += 1
                assert torch.equal(interpolate(image, **options), expected)
                assert_agree(interpolate(image.numpy(), **options), expected, 1e-5)
    assert taken > 0


# --- wrong calls ------------------------------------------------------------------------------------------

x = zeros(1, 1, 5, 5)
g = zeros(1, 1, 3, 3)
ALL = "'nearest', 'nearest-exact', 'area', 'linear', 'bilinear', 'trilinear', 'bicubic' or 'lanczos'"

WRONG = [
    (interpolate, ([1], 3), {}, "TypeError: interpolate: input must be a NumPy array or a torch tensor, got list"),
    (interpolate, (x,), {}, "ValueError: interpolate: give either size or scale_factor, got size=None, scale_factor=None"),
    (interpolate, (x, 3, 2.0), {}, "ValueError: interpolate: give either size or scale_factor, got size=3, scale_factor=2.0"),
    (interpolate, (x, 3), {"mode": "cubic"}, f"ValueError: interpolate: mode must be {ALL}, got 'cubic'"),
    (interpolate, (x, 3), {"mode": None}, f"ValueError: interpolate: mode must be {ALL}, got None"),
    (interpolate, (x, 3), {"mode": "linear"}, "ValueError: interpolate: mode 'linear' resizes (N, C, W), got (1, 1, 5, 5)"),
    (interpolate, (zeros(1, 1, 5), 3), {"mode": "bicubic"}, "ValueError: interpolate: mode 'bicubic' resizes (N, C, H, W), got (1, 1, 5)"),
    (interpolate, (x, 3), {"mode": "trilinear"}, "ValueError: interpolate: mode 'trilinear' resizes (N, C, D, H, W), got (1, 1, 5, 5)"),
    (interpolate, (zeros(5, 5), 3), {}, "ValueError: interpolate: mode 'nearest' resizes (N, C, W) or (N, C, H, W) or (N, C, D, H, W), got (5, 5)"),
    (interpolate, (x, 3), {"align_corners": False}, "ValueError: interpolate: align_corners has no meaning for mode 'nearest', got False"),
    (interpolate, (x, 3), {"mode": "bilinear", "align_corners": 1}, "TypeError: interpolate: align_corners must be True, False or None, got 1"),
    (interpolate, (x, 3), {"antialias": True}, "ValueError: interpolate: antialias is for modes 'bilinear', 'bicubic' and 'lanczos', got 'nearest'"),
    (interpolate, (zeros(1, 1, 5), 3), {"mode": "linear", "antialias": True}, "ValueError: interpolate: antialias is for modes 'bilinear', 'bicubic' and 'lanczos', got 'linear'"),
    (interpolate, (x, 3), {"mode": "lanczos"}, "ValueError: interpolate: mode 'lanczos' needs antialias=True, got False"),
    (interpolate, (x, 3), {"mode": "lanczos", "antialias": True, "align_corners": True}, "ValueError: interpolate: align_corners has no meaning for mode 'lanczos', got True"),
    (interpolate, (x, 3), {"mode": "lanczos", "antialias": True, "align_corners": 0}, "TypeError: interpolate: align_corners must be True, False or None, got 0"),
    (interpolate, (zeros(1, 1, 5), 3), {"mode": "lanczos", "antialias": True}, "ValueError: interpolate: mode 'lanczos' resizes (N, C, H, W), got (1, 1, 5)"),
    (interpolate, (zeros(2, 0, 5, 5), 3), {"mode": "lanczos", "antialias": True}, "ValueError: interpolate: only the batch may be empty, got (2, 0, 5, 5)"),
    (interpolate, (x, 0), {}, "ValueError: interpolate: size must be at least 1, got 0"),
    (interpolate, (x, (3, -1)), {"mode": "area"}, "ValueError: interpolate: size must be at least 0, got (3, -1)"),
    (interpolate, (x, 2.0), {}, "TypeError: interpolate: size must be an integer or 2 integers, got 2.0"),
    (interpolate, (x, True), {}, "TypeError: interpolate: size must be an integer or 2 integers, got True"),
    (interpolate, (x, (3,)), {}, "ValueError: interpolate: size must be one integer or 2, got (3,)"),
    (interpolate, (x, (3, 3, 3)), {}, "ValueError: interpolate: size must be one integer or 2, got (3, 3, 3)"),
    (interpolate, (x,), {"scale_factor": "2"}, "TypeError: interpolate: scale_factor must be a number or 2, got '2'"),
    (interpolate, (x,), {"scale_factor": (2, 2, 2)}, "ValueError: interpolate: scale_factor must be one number or 2, got (2, 2, 2)"),
    (interpolate, (x,), {"scale_factor": math.nan}, "ValueError: interpolate: scale_factor must be finite, got nan"),
    (interpolate, (x,), {"scale_factor": (2, math.inf)}, "ValueError: interpolate: scale_factor must be finite, got (2, inf)"),
    (interpolate, (x,), {"scale_factor": 0.1}, "ValueError: interpolate: scale_factor=0.1 makes (0, 0) of (5, 5), which has no pixels"),
    (interpolate, (x,), {"scale_factor": -1, "mode": "area"}, "ValueError: interpolate: scale_factor=-1 makes (-5, -5) of (5, 5), which has no pixels"),
    (interpolate, (x, 3), {"recompute_scale_factor": True}, "ValueError: interpolate: recompute_scale_factor has no meaning with an explicit size"),
    (interpolate, (zeros(2, 0, 5), 3), {}, "ValueError: interpolate: only the batch may be empty, got (2, 0, 5)"),
    (interpolate, (zeros(2, 1, 0, 5), 3), {"mode": "area"}, "ValueError: interpolate: only the batch may be empty, got (2, 1, 0, 5)"),
    (interpolate, (zeros(2, 0, 2, 2, 2), 3), {"mode": "area"}, "ValueError: interpolate: only the batch may be empty, got (2, 0, 2, 2, 2)"),
    (interpolate, (zeros(1, 1, 2**17, 2**17), 3), {}, "ValueError: interpolate: the result and its scratch would take 128 GiB, more than the 64 GiB that are allowed"),
    (interpolate, (x, 2**16), {}, "ValueError: interpolate: the result and its scratch would take 96 GiB, more than the 64 GiB that are allowed"),
    (interpolate, (zeros(0, 1, 5), 2**40), {}, "ValueError: interpolate: the result and its scratch would take 24576 GiB, more than the 64 GiB that are allowed"),
    (interpolate, (x, 3), {"mode": ["area"]}, f"ValueError: interpolate: mode must be {ALL}, got ['area']"),
    (interpolate, (x, 3), {"mode": "bilinear", "antialias": 1}, "TypeError: interpolate: antialias must be True or False, got 1"),
    (interpolate, (x,), {"scale_factor": 2, "recompute_scale_factor": "yes"}, "TypeError: interpolate: recompute_scale_factor must be True, False or None, got 'yes'"),
    (interpolate, (x,), {"scale_factor": True}, "TypeError: interpolate: scale_factor must be a number or 2, got True"),
    (interpolate, (x,), {"scale_factor": (2, None)}, "TypeError: interpolate: scale_factor must be a number or 2, got (2, None)"),
    (interpolate, (x,), {"scale_factor": 10**400}, "ValueError: interpolate: scale_factor must be finite, got an integer of 1329 bits"),
    (interpolate, (x,), {"scale_factor": 1e300, "mode": "area"}, f"ValueError: interpolate: the result and its scratch would take {(8 * (5 * int(5e300) + 3 * int(5e300) ** 2) + 2**29) // 2**30} GiB, more than the 64 GiB that are allowed"),
    (interpolate_backward, ([1], (1, 1, 5), 3), {}, "TypeError: interpolate_backward: grad_output must be a NumPy array or a torch tensor, got list"),
    (interpolate_backward, (g, 5, 3), {}, "TypeError: interpolate_backward: input_size must be a sequence of integers, got 5"),
    (interpolate_backward, (g, (1, 1, 5, 5), 4), {}, "ValueError: interpolate_backward: grad_output is (1, 1, 3, 3) but the output for input (1, 1, 5, 5) is (1, 1, 4, 4)"),
    (interpolate_backward, (g, (5, 5), 3), {"mode": "bilinear"}, "ValueError: interpolate_backward: mode 'bilinear' resizes (N, C, H, W), got (5, 5)"),
    (interpolate_backward, (g, (1, 1, 5, 5)), {}, "ValueError: interpolate_backward: give either size or scale_factor, got size=None, scale_factor=None"),
    (interpolate_backward, (g, (1, 1, 5, 5), 3), {"mode": "lanczos"}, "ValueError: interpolate_backward: mode 'lanczos' needs antialias=True, got False"),
    (interpolate_backward, (g, (1, 1, 2**17, 2**17), 3), {}, "ValueError: interpolate_backward: the result and its scratch would take 128 GiB, more than the 64 GiB that are allowed"),
    (resize_matrix, (0, 3), {}, "ValueError: resize_matrix: input_size must be at least 1, got 0"),
    (resize_matrix, (3, 0), {"mode": "linear"}, "ValueError: resize_matrix: output_size must be at least 1, got 0"),
    (resize_matrix, (3, 2.0), {}, "TypeError: resize_matrix: output_size must be an integer, got 2.0"),
    (resize_matrix, (3, 2, 0), {}, "ValueError: resize_matrix: scale_factor must be above 0 and finite, got 0"),
    (resize_matrix, (3, 2, 2.0), {}, "ValueError: resize_matrix: scale_factor=2.0 makes 6 of 3 pixels, not 2"),
    (resize_matrix, (3, 2, "1"), {}, "TypeError: resize_matrix: scale_factor must be a number or 1, got '1'"),
    (resize_matrix, (3, 2, None, "cubic"), {}, f"ValueError: resize_matrix: mode must be {ALL}, got 'cubic'"),
    (resize_matrix, (3, 6, math.inf), {}, "ValueError: resize_matrix: scale_factor must be finite, got inf"),
    (resize_matrix, ((3,), 2), {}, "TypeError: resize_matrix: input_size must be an integer, got (3,)"),
    (resize_matrix, (3, 2), {"mode": ["area"]}, f"ValueError: resize_matrix: mode must be {ALL}, got ['area']"),
    (resize_matrix, (3, 2), {"mode": "bilinear", "antialias": None}, "TypeError: resize_matrix: antialias must be True or False, got None"),
    (resize_matrix, (2**62, 0), {"mode": "area"}, "ValueError: resize_matrix: the matrix would take 34359738368 GiB, more than the 64 GiB that are allowed"),
    (resize_matrix, (3, 2, None, "lanczos"), {}, "ValueError: resize_matrix: mode 'lanczos' needs antialias=True, got False"),
    (resize_matrix, (3, 2, None, "lanczos", True, True), {}, "ValueError: resize_matrix: align_corners has no meaning for mode 'lanczos', got True"),
    (resize_matrix, (2**17, 2**17), {}, "ValueError: resize_matrix: the matrix would take 128 GiB, more than the 64 GiB that are allowed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"), WRONG, ids=[case[-1] for case in WRONG]
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)


@pytest.mark.parametrize(
    "dtype",
    [
        "bool",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "int8",
        "int16",
        "int32",
        "int64",
        "float16",
        "complex64",
        "complex128",
    ],
)
@pytest.mark.parametrize("antialias", [False, True])
@by_rank
def test_arrays_are_taken_in_the_number_types_that_torch_takes(mode, n, antialias, dtype):
    if (antialias and mode not in SMOOTHED) or (mode == "lanczos" and not antialias):
        return
    array, options = np.ones((1, 1, *(4,) * n), dtype), {"mode": mode, "antialias": antialias}
    try:
        F.interpolate(tensor(array), 6, **options)
    except NotImplementedError:
        with pytest.raises(TypeError, match=f"interpolate: mode '{mode}'.* as in torch; got {dtype}"):
            interpolate(array, 6, **options)
        reason = "mode 'area' is for .*; got" if mode == "area" else "torch does not offer it for"
        with pytest.raises(TypeError, match=rf"interpolate: {reason} torch\.{dtype}"):
            interpolate(tensor(array), 6, **options)
    else:
        assert interpolate(array, 6, **options).dtype == dtype


def test_a_scale_is_any_real_number():
    image = np.arange(4.0)[None, None]
    expected = interpolate(image, scale_factor=1.5, mode="linear")
    for factor in (Fraction(3, 2), np.float16(1.5), [np.longdouble(1.5)]):
        assert_agree(interpolate(image, scale_factor=factor, mode="linear"), expected)
        assert_agree(interpolate(tensor(image), scale_factor=factor, mode="linear"), expected)
        gradient = interpolate_backward(image[..., :3], (1, 1, 2), scale_factor=factor, mode="linear")
        twin = interpolate_backward(tensor(image[..., :3]), (1, 1, 2), scale_factor=factor, mode="linear")
        assert_agree(twin, gradient)


def test_the_message_about_a_number_type_names_those_that_work():
    with pytest.raises(TypeError) as caught:
        interpolate(np.ones((1, 1, 4), "int64"), 3, mode="linear")
    assert (
        str(caught.value)
        == "interpolate: mode 'linear' is for float16, float32, float64, as in torch; got int64"
    )
    with pytest.raises(TypeError) as caught:  # to a single pixel torch says what it cannot do in other words
        interpolate(torch.ones(1, 1, 4, dtype=torch.int64), 1, mode="area")
    assert (
        str(caught.value)
        == "interpolate: mode 'area' is for floating-point numbers, as in torch; got torch.int64"
    )
    with pytest.raises(TypeError) as caught:
        interpolate_backward(np.ones((1, 1, 3), "uint8"), (1, 1, 4), 3)
    assert (
        str(caught.value)
        == "interpolate_backward: mode 'nearest' is for float16, float32, float64, as in torch; got uint8"
    )
    with pytest.raises(TypeError) as caught:
        interpolate_backward(torch.ones(1, 1, 3, dtype=torch.uint8), (1, 1, 4), 3)
    assert (
        str(caught.value) == "interpolate_backward: gradients are of floating-point numbers, got torch.uint8"
    )


# --- placement: see test_torch_ops.py ---------------------------------------------------------------------


@by_rank
def test_forward_and_backward_stay_on_the_device(mode, n):
    image = torch.zeros(1, 2, *(4,) * n, device="meta", requires_grad=True)
    output = interpolate(image, 6, **options_of(mode))
    output.sum().backward()
    gradient = interpolate_backward(output.detach(), image.shape, 6, **options_of(mode))
    for result in (output, image.grad, gradient):
        assert result.device.type == "meta"
    assert gradient.shape == image.shape

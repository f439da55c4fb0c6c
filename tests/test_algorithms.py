# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

"""Every algorithm on its whole domain: judged by the loops, by torch, and by double precision."""

import sys
import threading
import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import Case, assert_agree, cases, tensor
from hypothesis import given, settings
from hypothesis import strategies as st
from test_torch_ops import OneDevice
from threadpoolctl import threadpool_info

import convlib
from convlib import algorithms
from convlib.algorithms import (
    ALGORITHMS,
    DIRECT,
    PreparedConv2d,
    costs,
    depthwise,
    gradients,
    im2col,
    problem,
    sharing,
    winograd,
)  # fmt: skip
from convlib.algorithms.problem import problem_of, reach, scratch
from convlib.oracles import conv_loops

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")
by_name = pytest.mark.parametrize("name", ALGORITHMS)


def layer(size: int, channels: int, outputs: int, k: int, groups: int = 1, images: int = 1, dtype="float32"):
    """An image and kernels whose outputs have variance 1."""
    random = np.random.default_rng(size)
    image = random.standard_normal((images, channels, size, size))
    weight = random.standard_normal((outputs, channels // groups, k, k)) / k / np.sqrt(channels // groups)
    return image.astype(dtype), weight.astype(dtype)


# Layers that are cut into many bands, blocks of tiles and groups of channels: (arguments of `layer`, options).
LARGE = {
    "3x3": ((61, 24, 20, 3), {"padding": 1}),
    "3x3, valid": ((50, 40, 12, 3), {}),
    "wide images of a batch": ((30, 64, 64, 3, 1, 3), {"padding": (2, 1)}),
    "small images of a batch": ((7, 96, 32, 3, 1, 9), {"padding": 1}),
    "5x5, dilated": ((47, 16, 24, 5), {"padding": 4, "dilation": (2, 3)}),
    "stem": ((97, 3, 32, 7), {"padding": 3, "stride": 2}),
    "patches": ((96, 3, 48, 16), {"stride": 16}),
    "1x1": ((33, 64, 48, 1), {}),
    "1x1 with a stride, a batch": ((15, 64, 48, 1, 1, 5), {"stride": 2}),
    "groups": ((41, 48, 96, 3, 12), {"padding": 1}),
    "depthwise": ((70, 64, 64, 3, 64), {"padding": 1}),
    "depthwise, stride 2": ((71, 64, 64, 5, 64), {"padding": 2, "stride": 2}),
    "large kernel": ((40, 24, 24, 21, 24), {"padding": 10}),
    "longer than a matrix of waves": ((230, 2, 2, 9, 2), {"padding": 4}),
}
any_large = pytest.mark.parametrize("key", LARGE)


def large(key: str, dtype: str = "float64"):
    (size, channels, outputs, k, *others), options = LARGE[key]
    groups = others[0] if others else 1
    image, weight = layer(size, channels, outputs, k, *others, dtype=dtype)
    return image, weight, {**options, "groups": groups}


# --- the numbers ------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(case=cases(2, largest_kernel=5, room=9))
def test_every_algorithm_computes_what_the_loops_compute(case: Case):
    arguments = (case.input, case.weight, case.bias)
    groups = case.options["groups"]
    expected = np.zeros(case.output_shape)  # of an empty batch
    if len(case.batch):
        loops = conv_loops(case.batch, case.weight, case.bias, case.stride, case.pads, case.dilation, groups)
        expected = loops.reshape(case.output_shape)
    for name in able(case.batch.shape, case.weight.shape, case.options):
        assert_agree(algorithms.conv2d(*arguments, **case.options, algorithm=name), expected, 1e-9)
        assert_agree(
            algorithms.conv2d(*map(tensor, arguments), **case.options, algorithm=name), expected, 1e-9
        )
        prepared = PreparedConv2d(case.weight, case.bias, **case.options, algorithm=name)
        assert_agree(prepared(case.input), expected, 1e-9)
    assert_agree(algorithms.conv2d(*arguments, **case.options), expected, 1e-9)


def able(input_size, weight_size, options):
    input_size = (1, *input_size[1:])
    return costs(input_size, weight_size, **options)


@st.composite
def squares_of_3_or_5(draw):
    """What Winograd's algorithms are for."""
    k, d = draw(st.sampled_from([3, 5])), draw(st.tuples(*[st.integers(1, 3)] * 2))
    padding = draw(st.tuples(*[st.integers(0, 4)] * 2))
    size = [
        max(1, e * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 14)) for e, p in zip(d, padding, strict=True)
    ]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images, channels, outputs = (draw(st.integers(1, 3)) for _ in range(3))
    image = random.normal(size=(images, channels, *size))
    return image, random.normal(size=(outputs, channels, k, k)), {"padding": padding, "dilation": d}


@settings(max_examples=100)
@given(case=squares_of_3_or_5())
@pytest.mark.parametrize("name", ["winograd_2x2", "winograd_4x4"])
def test_tiles_of_any_image_make_the_whole(name, case):
    image, weight, options = case
    expected = F.conv2d(tensor(image), tensor(weight), **options)
    assert_agree(algorithms.conv2d(image, weight, **options, algorithm=name), expected, 1e-9)
    assert_agree(algorithms.conv2d(tensor(image), tensor(weight), **options, algorithm=name), expected, 1e-9)


@any_large
def test_what_is_computed_in_pieces_is_the_whole(key):
    image, weight, options = large(key)
    expected = F.conv2d(tensor(image), tensor(weight), **options)
    for name in costs(image.shape, weight.shape, **options):
        assert_agree(algorithms.conv2d(image, weight, **options, algorithm=name), expected, 1e-9)
    assert_agree(convlib.conv2d(image, weight, **options), expected, 1e-9)
    assert_agree(PreparedConv2d(weight, **options)(image), expected, 1e-9)


@any_large
def test_gradients_in_pieces_are_the_whole(key):
    image, weight, options = large(key)
    x, w = tensor(image, requires_grad=True), tensor(weight, requires_grad=True)
    output = F.conv2d(x, w, **options)
    grad = np.random.default_rng(0).normal(size=output.shape)
    output.backward(tensor(grad))
    for room in (convlib, algorithms):
        assert_agree(room.conv2d_input(image.shape, weight, grad, **options), x.grad, 1e-9)
        assert_agree(room.conv2d_weight(image, weight.shape, grad, **options), w.grad, 1e-9)


@settings(max_examples=60)
@given(case=cases(2, largest_kernel=5, room=9))
def test_gradients_by_every_algorithm(case: Case):
    x, w = tensor(case.input, requires_grad=True), tensor(case.weight, requires_grad=True)
    output = F.conv2d(x, w, **case.options)
    grad = case.random.normal(size=output.shape)
    output.backward(tensor(grad))
    for make in (lambda array: array, tensor):
        given_ = make(case.weight), make(grad)
        assert_agree(algorithms.conv2d_input(case.input.shape, *given_, **case.options), x.grad)
        assert_agree(
            algorithms.conv2d_weight(make(case.input), case.weight.shape, make(grad), **case.options), w.grad
        )
    if 0 in case.input.shape:
        return
    images, gradient = case.batch, grad.reshape(len(case.batch), *output.shape[-3:])
    of = problem_of(
        images.shape,
        case.weight.shape,
        8,
        *(case.options[o] for o in ("stride", "padding", "dilation", "groups")),
    )
    expected = x.grad.reshape(images.shape)
    assert_agree(gradients.input_in_bands(case.weight, gradient, of), expected)
    assert_agree(gradients.weight_in_bands(images, gradient, of), w.grad)
    if case.stride == (1, 1):
        kernels, back = gradients.turned(case.weight, of)
        for algorithm in ALGORITHMS.values():
            if not algorithm.why_not(back):
                assert_agree(algorithm.run(gradient, algorithm.prepare(kernels, back), back), expected, 1e-9)


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("name", ["winograd_2x2", "winograd_4x4"])
def test_gradient_of_the_weight_in_tiles(name, k):
    image, weight = layer(29, 20, 36, k, images=3, dtype="float64")
    x, w = tensor(image), tensor(weight, requires_grad=True)
    output = F.conv2d(x, w, padding=1)
    grad = np.random.default_rng(1).normal(size=output.shape)
    output.backward(tensor(grad))
    of = problem_of(image.shape, weight.shape, 8, 1, 1, 1, 1)
    assert_agree(ALGORITHMS[name].weight_gradient(image, grad, of), w.grad, 1e-9)


# --- rounding ---------------------------------------------------------------------------------------------

# Largest and root mean square difference from double precision, in units of the outputs' standard deviation.
BOUNDS = {
    "im2col": (5e-6, 6e-7), "kn2row": (5e-6, 6e-7), "winograd_2x2": (8e-6, 1e-6), "winograd_4x4": (3e-5, 3e-6),
    "fourier": (8e-6, 1e-6),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDS)
def test_single_precision_is_as_exact_as_documented(name):
    image, weight = layer(28, 256, 64, 3)
    exact = F.conv2d(tensor(image).double(), tensor(weight).double(), padding=1).numpy()
    for array in (image, tensor(image)):
        kernels = weight if array is image else tensor(weight)
        answer = np.asarray(algorithms.conv2d(array, kernels, padding=1, algorithm=name))
        error = (answer - exact) / exact.std()
        assert np.abs(error).max() < BOUNDS[name][0]
        assert np.sqrt((error**2).mean()) < BOUNDS[name][1]


def test_points_near_zero_keep_the_rounding_down(monkeypatch):
    """Lavin and Gray's points 0, 1, -1, 2, -2 lose more digits."""
    image, weight = layer(28, 256, 64, 3)
    exact = F.conv2d(tensor(image).double(), tensor(weight).double(), padding=1).numpy()

    def error() -> float:
        return np.abs(algorithms.conv2d(image, weight, padding=1, algorithm="winograd_4x4") - exact).max()

    ours = error()
    for cached in (winograd.matrices, winograd.squares):
        cached.cache_clear()
    monkeypatch.setitem(winograd.POINTS, 5, (0, 1, -1, 2, -2))
    theirs = error()
    for cached in (winograd.matrices, winograd.squares):
        cached.cache_clear()
    assert 2 * ours < theirs < 1e-3


@pytest.mark.parametrize(("m", "k"), [(2, 3), (4, 3), (2, 5), (4, 5)])
def test_polynomials_give_a_row_of_outputs(m, k):
    to_outputs, to_kernel, to_tiles = winograd.matrices(m, k)
    assert to_outputs.shape == (m, m + k - 1) and to_kernel.shape == (m + k - 1, k)
    random = np.random.default_rng(0)
    row, kernel = random.normal(size=m + k - 1), random.normal(size=k)
    assert_agree(to_outputs @ ((to_kernel @ kernel) * (to_tiles @ row)), np.correlate(row, kernel))


@by_name
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_number_types_stay(name, dtype):
    groups = 8 if name == "depthwise" else 1
    k = 1 if name == "pointwise" else 3
    image, weight = layer(12, 8, 8, k, groups, dtype=dtype)
    output = algorithms.conv2d(image, weight, groups=groups, algorithm=name)
    exact = F.conv2d(tensor(image).double(), tensor(weight).double(), groups=groups).numpy()
    assert output.dtype == dtype
    assert np.abs(output - exact).max() < {"float16": 5e-3, "float32": 1e-5, "float64": 1e-13}[dtype]


@pytest.mark.parametrize("name", DIRECT)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_direct_algorithms_let_nan_and_infinity_flow_as_torch_does(name, value):
    groups = 8 if name == "depthwise" else 1
    k, p = (1, 0) if name == "pointwise" else (3, 1)
    for dtype in ("float32", "float64"):
        image, weight = layer(40, 8, 8, k, groups, dtype=dtype)
        image[0, 3, 17, 0] = value
        weight[1, 0, k // 2, k // 2] = 0  # 0 * infinity is NaN
        expected = F.conv2d(tensor(image), tensor(weight), padding=p, groups=groups).numpy()
        output = algorithms.conv2d(image, weight, padding=p, groups=groups, algorithm=name)
        np.testing.assert_array_equal(np.isnan(output), np.isnan(expected))
        np.testing.assert_array_equal(np.isinf(output), np.isinf(expected))


@pytest.mark.parametrize("name", DIRECT)
def test_direct_algorithms_keep_zeros_exact(name):
    groups = 8 if name == "depthwise" else 1
    k = 1 if name == "pointwise" else 3
    image, weight = layer(40, 8, 8, k, groups)
    image[:, :, :20] = 0
    output = algorithms.conv2d(image, weight, groups=groups, algorithm=name)
    assert not output[:, :, : 20 - k + 1].any() and output[:, :, 20:].all()


@pytest.mark.parametrize("dtype", ["int32", "complex128"])
def test_other_numbers_are_computed_directly(dtype):
    image, weight = layer(28, 64, 64, 3, dtype="float64")
    image, weight = (10 * image).astype(dtype), (10 * weight).astype(dtype)
    assert next(iter(costs(image.shape, weight.shape))) not in DIRECT
    assert_agree(algorithms.conv2d(image, weight, algorithm="im2col"), convlib.conv2d(image, weight))
    assert_agree(algorithms.conv2d(image, weight), convlib.conv2d(image, weight))
    assert_agree(algorithms.conv2d(image, weight), F.conv2d(tensor(image), tensor(weight)))
    if dtype == "int32":
        grad = np.ones((1, 64, 26, 26), dtype)
        args = (image.shape, weight, grad)
        assert_agree(algorithms.conv2d_input(*args), convlib.conv2d_input(*args))
        args = (image, weight.shape, grad)
        assert_agree(algorithms.conv2d_weight(*args), convlib.conv2d_weight(*args))


# --- the choice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("input_size", "weight_size", "options", "first"),
    [
        ((1, 256, 56, 56), (64, 256, 1, 1), {}, "pointwise"),
        ((1, 3, 224, 224), (64, 3, 7, 7), {"stride": 2, "padding": 3}, "im2col"),
        ((1, 8, 256, 256), (8, 8, 3, 3), {"padding": 1}, "kn2row"),
        ((1, 128, 56, 56), (128, 1, 3, 3), {"padding": 1, "groups": 128}, "depthwise"),
        ((1, 128, 56, 56), (128, 1, 31, 31), {"padding": 15, "groups": 128}, "fourier"),
        ((1, 256, 56, 56), (256, 256, 3, 3), {"padding": 1}, "winograd_4x4"),
        ((1, 512, 7, 7), (512, 512, 3, 3), {"padding": 1}, "im2col"),
    ],
)
def test_the_cheapest_is_taken(input_size, weight_size, options, first):
    order = costs(input_size, weight_size, **options)
    assert next(iter(order)) == first
    assert list(order.values()) == sorted(order.values())


def test_the_costs_are_the_sums_of_the_model():
    """Products, and 16 for each number that is moved."""
    pixels, slices, taps = 10 * 20, 6 * 8, 9
    products = slices * taps * pixels
    assert costs((1, 6, 10, 20), (8, 6, 3, 3), padding=1, prepared=True) == pytest.approx(
        {
            "im2col": products + 16 * 6 * taps * pixels,
            # Rows carry the padding along; 3/8 of what is read and written; 4096 to begin each product.
            "kn2row": products * 22 / 20 + 16 * (3 / 8 * (6 + 8) * pixels * taps + 4096 * taps),
            # 5x10 tiles of 16 values in one block, and 3x5 of 36.
            "winograd_2x2": 50 * 16 * slices + 50 * 16 * (16 * 6 + 4 * 8)
            + 16 * (50 * (6 * (24 + 4) + 8 * (8 + 4)) + 16 * slices),
            "winograd_4x4": 15 * 36 * slices + 15 * 36 * (36 * 6 + 16 * 8)
            + 16 * (15 * (6 * (54 + 16) + 8 * (18 + 16)) + 36 * slices),
            # 12 rows and 22 columns, 12 frequencies of a row; 4 real products for a complex one.
            "fourier": (6 + 8) * (2 * 12 * 22 * 12 + 4 * 12 * 12 * 12) + slices * 12 * 12 * (4 + 16),
        }
    )  # fmt: skip
    each = costs((1, 8, 10, 20), (8, 1, 3, 3), groups=8, padding=1)["depthwise"]
    assert each == 8 * taps * pixels * 16 / 2
    assert costs((1, 8, 10, 20), (8, 8, 1, 1))["pointwise"] == 64 * pixels


def test_prepared_weights_make_winograd_cheaper():
    sizes = ((1, 512, 14, 14), (512, 512, 3, 3))
    before, after = costs(*sizes, padding=1), costs(*sizes, padding=1, prepared=True)
    assert next(iter(before)) == "im2col" and next(iter(after)) == "winograd_2x2"
    assert {name for name in before if after[name] < before[name]} == {
        "winograd_2x2",
        "winograd_4x4",
        "fourier",
    }


def test_the_smallest_cost_is_what_runs(monkeypatch):
    ran: list[str] = []
    for name, algorithm in ALGORITHMS.items():
        monkeypatch.setattr(
            algorithm, "run", lambda *args, name=name, run=algorithm.run: (ran.append(name), run(*args))[1]
        )
    for key in LARGE:
        image, weight, options = large(key, "float32")
        ran.clear()
        algorithms.conv2d(image, weight, **options)
        assert ran[0] == next(iter(costs(image.shape, weight.shape, **options)))
        ran.clear()
        convlib.conv2d(image, weight, **options)
        directly = [name for name in costs(image.shape, weight.shape, **options) if name in DIRECT]
        assert ran[:1] in ([], directly[:1])  # small ones are computed in one piece


def test_a_pointwise_convolution_costs_its_multiply_adds():
    assert costs((2, 8, 5, 7), (4, 8, 1, 1))["pointwise"] == 2 * 4 * 8 * 5 * 7


# --- prepared weights -------------------------------------------------------------------------------------


def test_prepared_weights_are_a_copy_and_serve_every_size():
    _, weight = layer(9, 16, 16, 3)
    bias = np.arange(16, dtype="float32")
    kept, kept_bias = weight.copy(), bias.copy()
    prepared = PreparedConv2d(weight, bias, padding=1)
    weight[:], bias[:] = 0, 0
    for size in (9, 28, 61):
        image, _ = layer(size, 16, 16, 3)
        assert_agree(prepared(image), F.conv2d(*map(tensor, (image, kept, kept_bias)), padding=1), 1e-4)
        assert_agree(prepared(image[0]), prepared(image)[0])


def test_weights_are_prepared_once(monkeypatch):
    times = []
    algorithm = ALGORITHMS["winograd_4x4"]
    monkeypatch.setattr(
        algorithm, "prepare", lambda *args, prepare=algorithm.prepare: (times.append(1), prepare(*args))[1]
    )
    image, weight = layer(28, 64, 64, 3)
    prepared = PreparedConv2d(weight, padding=1, algorithm="winograd_4x4")
    for _ in range(3):
        prepared(image)
    prepared(image[..., :20])
    assert len(times) == 1


def test_frequencies_are_prepared_for_each_size():
    _, weight = layer(9, 4, 4, 9, 4, dtype="float64")
    prepared = PreparedConv2d(weight, groups=4, algorithm="fourier")
    for size in (20, 31, 20):
        image, _ = layer(size, 4, 4, 9, 4, dtype="float64")
        assert_agree(prepared(image), F.conv2d(tensor(image), tensor(weight), groups=4))


# --- memory and threads -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["im2col", "kn2row", "winograd_2x2", "winograd_4x4"])
def test_at_most_10_mib_beside_the_output_and_the_kernels(name):
    image, weight = layer(224, 64, 64, 3)
    prepared = PreparedConv2d(weight, padding=1, algorithm=name)
    prepared(image[..., :8])  # the kernels
    problem._kept.bytes.clear()
    tracemalloc.start()
    output = prepared(image)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - output.nbytes < 10 * 2**20


def test_a_large_dilation_does_not_copy_the_rows_between_its_taps():
    image, weight = layer(100, 256, 2, 3)
    tracemalloc.start()
    output = algorithms.conv2d(image, weight, padding=60, dilation=60, algorithm="im2col")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - output.nbytes < 10 * 2**20
    expected = F.conv2d(tensor(image), tensor(weight), padding=60, dilation=60)
    assert_agree(output, expected, 1e-4)


@pytest.mark.parametrize(("size", "channels"), [(224, 64), (1200, 3), (7, 40_000)])
def test_the_copies_of_a_depthwise_convolution_are_small_pieces(size, channels):
    image, weight = layer(size, channels, channels, 3, channels)
    tracemalloc.start()
    output = convlib.conv2d(image, weight, padding=1, groups=channels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - output.nbytes - weight.nbytes < 6 * 2**20


@pytest.mark.parametrize(("size", "channels", "along"), [(8, 64, "channels"), (8, 63, "pixels")])
def test_the_longer_axis_is_the_inner_one(size, channels, along, monkeypatch):
    used = []
    for name in ("channels", "pixels"):
        run = getattr(depthwise, f"_along_{name}")
        watched = lambda *args, name=name, run=run: (used.append(name), run(*args))  # noqa: E731
        monkeypatch.setattr(depthwise, f"_along_{name}", watched)
    image, weight = layer(size, channels, channels, 3, channels, dtype="float64")
    output = algorithms.conv2d(image, weight, padding=1, groups=channels, algorithm="depthwise")
    assert used == [along]
    assert_agree(output, F.conv2d(tensor(image), tensor(weight), padding=1, groups=channels))


def test_memory_is_used_again():
    image, weight = layer(56, 16, 16, 3)
    algorithms.conv2d(image, weight, algorithm="im2col")
    kept = problem._kept.bytes["columns"]
    algorithms.conv2d(image, weight, algorithm="im2col")
    assert problem._kept.bytes["columns"] is kept
    scratch("test", (5 * 2**20,), "uint8")
    assert "test" not in problem._kept.bytes  # too much to keep


def test_threads_do_not_share_their_scratch():
    cases_ = [
        (layer(40 + i, 16, 16, 3, dtype="float64"), name)
        for i, name in enumerate(("im2col", "kn2row", "winograd_4x4", "fourier"))
    ]
    expected = [algorithms.conv2d(*arrays, padding=1, algorithm=name) for arrays, name in cases_]
    wrong = []

    def work(index: int) -> None:
        arrays, name = cases_[index]
        for _ in range(20):
            if not np.array_equal(algorithms.conv2d(*arrays, padding=1, algorithm=name), expected[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(i % 4,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@given(st.integers(1, 9), st.integers(-12, 12), st.integers(1, 4), st.integers(0, 9))
def test_reach_names_the_windows_whose_tap_lies_in_the_image(size, start, step, count):
    windows, pixels = reach(size, start, step, count)
    met = [(i, start + i * step) for i in range(count) if 0 <= start + i * step < size]
    assert list(zip(range(count)[windows], range(size)[pixels], strict=True)) == met


# --- several threads ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3])
@any_large
def test_several_threads_compute_what_one_computes(key, count, monkeypatch):
    monkeypatch.setattr(sharing, "LITTLE", 0)
    image, weight, options = large(key)
    expected = F.conv2d(tensor(image), tensor(weight), **options)
    with algorithms.threads(count):
        for name in costs(image.shape, weight.shape, **options):
            assert_agree(algorithms.conv2d(image, weight, **options, algorithm=name), expected, 1e-9)
        assert_agree(convlib.conv2d(image, weight, **options), expected, 1e-9)
        back = convlib.conv2d_input(image.shape, weight, expected.numpy(), **options)
    assert_agree(back, torch.nn.grad.conv2d_input(image.shape, tensor(weight), expected, **options), 1e-9)


@pytest.mark.parametrize("name", [one for one in ALGORITHMS if one != "pointwise"])  # which is all product
def test_each_of_the_threads_gets_work(name, monkeypatch):
    monkeypatch.setattr(sharing, "LITTLE", 10_000)
    groups = 16 if name in ("depthwise", "fourier") else 1
    image, weight = layer(64, 16, 16, 3, groups)  # one piece, if there is one thread
    options = {"padding": 1, "groups": groups}
    pieces, both = [], threading.Barrier(2, timeout=20)
    share_out = sharing.for_each

    def watched(work, given, moved):
        def piece(*arguments):
            if len(pieces) < 2:  # each waits for the other: one thread alone would wait for ever
                pieces.append(threading.get_ident())
                both.wait()
            work(*arguments)

        share_out(piece, given, moved)

    monkeypatch.setattr(sys.modules[ALGORITHMS[name].run.__module__], "for_each", watched)
    with algorithms.threads(2):
        algorithms.conv2d(image, weight, **options, algorithm=name)
    assert len(set(pieces)) == 2


def test_the_phases_of_a_dilation_are_shared():
    image, weight = layer(128, 32, 32, 3)
    both, ran_in = threading.Barrier(2, timeout=20), []
    tiles = algorithms.Winograd(4)
    once = tiles.run

    def run(*arguments):
        if threading.get_ident() not in ran_in:
            ran_in.append(threading.get_ident())
            both.wait()
        return once(*arguments)

    asked = problem_of(image.shape, weight.shape, 4, 1, 2, 2, 1)
    kernels = tiles.prepare(weight, asked)
    tiles.run = run
    with algorithms.threads(2):
        tiles._by_phases(image, kernels, asked)
    assert len(ran_in) == 2


MANY = 10 * sharing.LITTLE


def test_little_work_stays_in_one_thread():
    with algorithms.threads(2):
        assert sharing.parts(sharing.LITTLE - 1) == 1
        assert sharing.parts(MANY) == 2
        ran_in: list[int] = []
        sharing.for_each(lambda _: ran_in.append(threading.get_ident()), [(0,)] * 9, 100)
        assert ran_in == [threading.get_ident()] * 9
    assert sharing.parts(MANY) == 1  # and the block is over


@pytest.mark.parametrize(
    ("size", "channels", "outputs", "stride", "pieces"),
    [
        (224, 3, 64, 1, 3),  # few channels: short copies, in the three bands of the memory
        (14, 512, 512, 1, 1),  # each thread would read all kernels for a part of the columns
        (56, 128, 128, 2, 4),
    ],
)
def test_columns_are_shared_where_the_copies_are_long_and_the_kernels_few(
    size, channels, outputs, stride, pieces
):
    asked = problem_of((1, channels, size, size), (outputs, channels, 3, 3), 4, stride, 1, 1, 1)
    alone = len(list(im2col.bands(asked)))
    with algorithms.threads(4):
        assert len(list(im2col.bands(asked))) == pieces
        assert (sharing.parts(im2col._shared(asked)) == 4) == (pieces > alone)


def test_a_block_of_threads_gives_everything_back():
    def blas():
        return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

    before, running, during = blas(), threading.active_count(), []
    with pytest.raises(RuntimeError, match="mine"), algorithms.threads(3):
        sharing.for_each(lambda _: during.append(blas()), [(0,)] * 4, MANY)
        assert during == [{1}] * 4 and blas() == before
        raise RuntimeError("mine")
    assert blas() == before and threading.active_count() == running


def test_a_piece_of_a_piece_stays_in_its_thread():
    both, shared = threading.Barrier(2, timeout=20), []

    def piece():
        both.wait()
        shared.append(sharing.parts(MANY))

    with algorithms.threads(2):
        sharing.for_each(piece, [(), ()], MANY)
        assert sharing.parts(MANY) == 2
    assert shared == [1, 1]


@pytest.mark.parametrize("bad", [0, 1, 5])
def test_what_goes_wrong_in_a_thread_is_told(bad):
    def work(number):
        if number == bad:
            raise MemoryError(f"piece {number}")

    with algorithms.threads(2), pytest.raises(MemoryError, match=f"piece {bad}"):
        sharing.for_each(work, ((number,) for number in range(6)), MANY)


def test_infinity_flows_without_a_warning_in_every_thread():
    both = threading.Barrier(2, timeout=20)

    def nothing_from(infinity):
        both.wait()
        np.subtract(infinity, infinity)

    with algorithms.threads(2):
        sharing.for_each(nothing_from, [(np.array([np.inf]),)] * 2, MANY)


def test_threads_refuse_what_is_no_number_of_threads(monkeypatch):
    for wrong, error in ((0, ValueError), (1.5, TypeError), ("2", TypeError)):
        with pytest.raises(error, match="threads: count must be"), algorithms.threads(wrong):
            pass
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with pytest.raises(ImportError, match="threads needs threadpoolctl: pip install"), algorithms.threads(2):
        pass


# --- tensors ----------------------------------------------------------------------------------------------


@by_name
def test_tensors_stay_on_their_device_and_have_gradients(name):
    groups, k = (8 if name == "depthwise" else 1), (1 if name == "pointwise" else 3)
    options = {"groups": groups, "padding": k // 2, "dilation": 1 if k == 1 else 2}
    with OneDevice("meta"):
        image = torch.empty(2, 8, 12, 13, device="meta", requires_grad=True)
        weight = torch.empty(8, 8 // groups, k, k, device="meta", requires_grad=True)
        bias = torch.empty(8, device="meta", requires_grad=True)
        output = algorithms.conv2d(image, weight, bias, **options, algorithm=name)
        output.sum().backward()
    assert output.shape == F.conv2d(image, weight, bias, **options).shape
    image, weight = (one.float() for one in map(tensor, layer(12, 8, 8, k, groups, dtype="float64")))
    gradients_ = []
    for compute in (
        lambda *a: algorithms.conv2d(*a, **options, algorithm=name),
        lambda *a: F.conv2d(*a, **options),
    ):
        leaves = [one.clone().double().requires_grad_() for one in (image, weight)]
        compute(*leaves).square().sum().backward()
        gradients_.append([leaf.grad for leaf in leaves])
    for ours, theirs in zip(*gradients_, strict=True):
        assert_agree(ours, theirs, 1e-9)


def test_a_tensor_gets_torchs_own_convolution_by_default():
    image, weight = map(tensor, layer(28, 64, 64, 3))
    assert torch.equal(algorithms.conv2d(image, weight), F.conv2d(image, weight))


# --- wrong calls ------------------------------------------------------------------------------------------

IMAGE, KERNEL = np.ones((1, 4, 8, 8)), np.ones((2, 4, 3, 3))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((IMAGE, KERNEL), {"algorithm": "fft"}, ValueError, "conv2d: algorithm must be 'pointwise', 'im2col'"),
        ((IMAGE, KERNEL), {"algorithm": "pointwise"}, ValueError, "conv2d: pointwise is not for this convolution: its kernel has one tap, not 9"),
        ((IMAGE, KERNEL), {"algorithm": "winograd_4x4", "stride": 2}, ValueError, "winograd_4x4 is not for this convolution: its stride is 1"),
        ((IMAGE, np.ones((4, 1, 3, 3))), {"algorithm": "winograd_2x2", "groups": 4}, ValueError, "it knows no groups"),
        ((IMAGE, np.ones((2, 4, 2, 2))), {"algorithm": "winograd_2x2"}, ValueError, "its kernels are of 3x3 or 5x5 pixels"),
        ((IMAGE, KERNEL), {"algorithm": "depthwise"}, ValueError, "each channel has one kernel of its own"),
        ((IMAGE, KERNEL), {"algorithm": "kn2row", "stride": 2}, ValueError, "kn2row is not for this convolution: its stride is 1"),
        ((IMAGE.astype(int), KERNEL.astype(int)), {"algorithm": "fourier"}, TypeError, "fourier rounds, and needs real floating-point numbers, not int64"),
        ((IMAGE, np.ones((2, 5, 3, 3))), {}, ValueError, "conv2d: input has 4 channels but weight expects 5"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_told_what_is_wrong(arguments, options, error, message):
    for make in (lambda array: array, tensor):
        with pytest.raises(error) as told:
            algorithms.conv2d(*map(make, arguments), **options)
        assert message in str(told.value)


def test_prepared_weights_refuse_what_they_cannot_hold():
    with pytest.raises(
        TypeError, match="PreparedConv2d: weight is a torch tensor; torch prepares for itself"
    ):
        PreparedConv2d(torch.ones(1, 1, 3, 3))
    with pytest.raises(TypeError, match="PreparedConv2d: weight must be a NumPy array"):
        PreparedConv2d([[1.0]])
    with pytest.raises(ValueError, match="PreparedConv2d: algorithm must be"):
        PreparedConv2d(KERNEL, algorithm="best")
    with pytest.raises(ValueError, match="conv2d: input has 3 channels but weight expects 4"):
        PreparedConv2d(KERNEL)(np.ones((1, 3, 8, 8)))
    with pytest.raises(TypeError, match="conv2d: input is float32 but weight is float64"):
        PreparedConv2d(KERNEL)(IMAGE.astype("float32"))


def test_costs_refuse_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match="input has 3 channels but weight expects 4"):
        costs((1, 3, 8, 8), (2, 4, 3, 3))
    with pytest.raises(TypeError, match="costs: input_size must be a sequence of integers"):
        costs(8, (2, 4, 3, 3))

# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import cases
from hypothesis import given
from hypothesis import strategies as st

from convlib import (
    conv1d_input,
    conv2d,
    conv_choices,
    conv_input_sizes,
    conv_memory,
    conv_multiply_adds,
    conv_output_size,
    conv_parameters,
    conv_path_counts,
    conv_pixel_uses,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose_output_size,
    conv_transpose_pixel_uses,
    effective_kernel_size,
    pool_output_size,
)
from convlib._checks import require_flag, require_one_of
from convlib.shapes import ConvChoice, as_integer, as_sizes, as_tuple, refuse_if_too_large, resolve_padding


def positions(size: int, kernel: int, stride: int, before: int, after: int, dilation: int) -> int:
    """The windows that lie inside the padded image, counted one by one."""
    count = 0
    for first in range(-before, size + after, stride):
        taps = [first + u * dilation for u in range(kernel)]
        count += taps[-1] < size + after
    return count


@given(
    size=st.integers(1, 12), kernel=st.integers(1, 5), stride=st.integers(1, 4),
    padding=st.integers(0, 4), dilation=st.integers(1, 3),
)  # fmt: skip
def test_the_output_size_is_the_number_of_window_positions(size, kernel, stride, padding, dilation):
    counted = positions(size, kernel, stride, padding, padding, dilation)
    if counted == 0:
        with pytest.raises(ValueError, match="conv_output_size: the kernel spans"):
            conv_output_size(size, kernel, stride, padding, dilation)
    else:
        assert conv_output_size(size, kernel, stride, padding, dilation) == counted


@given(size=st.integers(1, 9), kernel=st.integers(1, 6), dilation=st.integers(1, 3))
def test_same_keeps_the_size(size, kernel, dilation):
    ((before, after),) = resolve_padding("same", (kernel,), (1,), (dilation,))
    assert after - before in (0, 1)
    assert positions(size, kernel, 1, before, after, dilation) == size
    assert conv_output_size(size, kernel, 1, "same", dilation) == size


@pytest.mark.parametrize("n", [1, 2, 3])
@given(data=st.data())
def test_sizes_are_those_of_torch(n, data):
    case = data.draw(cases(n))
    options = {name: case.options[name] for name in ("stride", "padding", "dilation")}
    size = conv_output_size(case.input.shape[-n:], case.weight.shape[2:], **options)
    assert size == case.output_shape[-n:]
    layer = getattr(torch.nn, f"Conv{n}d")(
        case.input.shape[-n - 1], len(case.weight), case.weight.shape[2:], groups=case.options["groups"],
        device="meta", **{name: v if isinstance(v, str) else tuple(np.broadcast_to(v, n).tolist()) for name, v in options.items()},
    )  # fmt: skip
    batch = torch.zeros(1, *case.batch.shape[1:], device="meta")
    if options["padding"] != "same":  # torch warns about even kernels
        assert tuple(layer(batch).shape[2:]) == size
    counted = sum(parameter.numel() for parameter in layer.parameters())
    arguments = (case.input.shape[-n - 1], len(case.weight), case.weight.shape[2:], case.options["groups"])
    assert conv_parameters(*arguments) == counted
    assert conv_parameters(*arguments, bias=False) == counted - len(case.weight)


def test_a_size_comes_back_as_it_was_given():
    assert conv_output_size(7, 3) == 7 - 3 + 1
    assert conv_output_size(np.int64(7), 3) == 7 - 3 + 1
    assert conv_output_size((7,), 3) == (7 - 3 + 1,)
    assert conv_output_size([7, 9], (3, 1), stride=(2, 1)) == ((7 - 3) // 2 + 1, 9)
    assert conv_output_size(7, 3, padding="valid") == 7 - 3 + 1


@given(kernel=st.integers(1, 9), dilation=st.integers(1, 9))
def test_the_effective_kernel_reaches_from_the_first_tap_to_the_last(kernel, dilation):
    taps = range(0, kernel * dilation, dilation)
    assert effective_kernel_size(kernel, dilation) == taps[-1] - taps[0] + 1


@given(
    groups=st.integers(1, 3),
    slices=st.integers(1, 2),
    out=st.integers(1, 2),
    kh=st.integers(1, 2),
    kw=st.integers(1, 3),
)
def test_multiply_adds_are_the_products_of_the_loops(groups, slices, out, kh, kw):
    weight = np.ones((groups * out, slices, kh, kw))
    output = conv2d(np.ones((groups * slices, 4, 5)), weight, groups=groups)
    # of ones only, each output number counts the products that it is the sum of
    counted = conv_multiply_adds(groups * slices, groups * out, (kh, kw), output.shape[1:], groups)
    assert counted == output.sum()


def test_parameters_written_out():
    assert conv_parameters(3, 8, (5, 5)) == 8 * 3 * 5 * 5 + 8
    assert conv_parameters(4, 8, (3,), groups=2, bias=False) == 8 * (4 // 2) * 3


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_costs_what_the_docstrings_say(groups):
    layer = torch.nn.ConvTranspose2d(4, 6, (2, 3), stride=2, groups=groups)
    counted = sum(parameter.numel() for parameter in layer.parameters())
    assert conv_parameters(4, 6, (2, 3), groups) == counted
    output = conv_transpose2d(np.ones((4, 3, 5)), np.ones((4, 6 // groups, 2, 3)), stride=2, groups=groups)
    assert conv_multiply_adds(4, 6, (2, 3), (3, 5), groups) == output.sum()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("transposed", [False, True])
def test_memory_is_that_of_the_tensors(dtype, transposed):
    kind = torch.nn.ConvTranspose2d if transposed else torch.nn.Conv2d
    sizes = conv_transpose_output_size if transposed else conv_output_size
    for bias, groups in itertools.product([True, False], [1, 2]):
        layer = kind(4, 6, (2, 3), stride=2, groups=groups, bias=bias, device="meta", dtype=dtype)
        image = torch.zeros(5, 4, 7, 8, device="meta", dtype=dtype)
        size = sizes((7, 8), (2, 3), stride=2)
        counted = conv_memory(4, 6, (2, 3), (7, 8), size, groups, bias, batch=5, itemsize=dtype.itemsize)
        assert counted.input == image.nbytes
        assert counted.output == layer(image).nbytes
        assert counted.parameters == sum(parameter.nbytes for parameter in layer.parameters())


def test_memory_written_out():
    assert conv_memory(3, 8, (5, 5), (9, 7), (5, 3)) == (
        4 * 3 * 9 * 7,
        4 * 8 * 5 * 3,
        4 * (8 * 3 * 5 * 5 + 8),
    )
    assert conv_memory(1, 1, (1,), (9,), (9,), batch=0) == (0, 0, 4 * (1 + 1))


# --- pooling ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_pooled_sizes_are_those_of_torch_in_every_small_case(ceil_mode):
    for size, kernel, stride, dilation in itertools.product(
        range(1, 9), range(1, 6), range(1, 6), range(1, 4)
    ):
        image = torch.zeros(1, 1, size)
        for padding in range(kernel // 2 + 1):
            options = stride, padding, dilation, ceil_mode
            try:
                theirs = F.max_pool1d(image, kernel, *options)
            except RuntimeError as refusal:
                assert "Invalid computed output size" in str(refusal)
                with pytest.raises(ValueError, match="pool_output_size: the window spans"):
                    pool_output_size(size, kernel, *options)
                continue
            if not theirs.isfinite().all():  # torch answers minus infinity
                with pytest.raises(ValueError, match=r"pool_output_size: a window .* holds no pixel"):
                    pool_output_size(size, kernel, *options)
                continue
            assert (pool_output_size(size, kernel, *options),) == theirs.shape[2:]
            if dilation == 1:
                assert F.avg_pool1d(image, kernel, stride, padding, ceil_mode).shape == theirs.shape


def test_pooling_has_the_kernel_size_for_its_stride():
    assert pool_output_size((7, 9), (2, 3)) == (7 // 2, 9 // 3)
    assert pool_output_size((7, 9), (2, 3), stride=1) == (7 - 2 + 1, 9 - 3 + 1)
    assert F.max_pool2d(torch.zeros(1, 1, 7, 9), (2, 3)).shape[2:] == (7 // 2, 9 // 3)


@pytest.mark.parametrize("kernel", range(1, 6))
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_torch_also_takes_at_most_half_of_the_kernel_as_padding(kernel, dilation):
    """Half of the kernel, not of what the dilated kernel spans, which one of its messages speaks of."""
    image = torch.zeros(1, 1, 20, 20)
    half = kernel // 2
    theirs = F.max_pool2d(image, kernel, 1, half, dilation).shape[2:]
    assert pool_output_size((20, 20), kernel, 1, half, dilation) == theirs
    with pytest.raises(RuntimeError, match=r"half of (effective )?kernel size"):
        F.max_pool2d(image, kernel, 1, half + 1, dilation)
    with pytest.raises(ValueError, match="padding must be at most half of kernel_size"):
        pool_output_size((20, 20), kernel, 1, half + 1, dilation)


def test_without_padding_rounding_up_leaves_no_pixel_over():
    for size, kernel, stride in itertools.product(range(1, 12), range(1, 6), range(1, 6)):
        if stride <= kernel <= size:
            windows = pool_output_size(size, kernel, stride, ceil_mode=True)
            assert (windows - 1) * stride + kernel >= size
            assert (windows - 1) * stride < size


# --- the way back -----------------------------------------------------------------------------------------


def test_the_input_sizes_are_those_that_a_search_finds():
    for output, kernel, stride, padding, dilation in itertools.product(
        range(1, 5), range(1, 5), range(1, 5), range(4), range(1, 3)
    ):
        options = kernel, stride, padding, dilation
        span = effective_kernel_size(kernel, dilation)
        fitting = [n for n in range(1, 30) if n + 2 * padding >= span]
        found = [n for n in fitting if conv_output_size(n, *options) == output]
        assert list(conv_input_sizes(output, *options)) == found


def test_output_paddings_lead_to_the_input_sizes_one_by_one():
    for output, kernel, stride, padding in itertools.product(range(2, 5), range(2, 5), range(1, 5), range(2)):
        options = kernel, stride, padding
        reached = [conv_transpose_output_size(output, *options, extra) for extra in range(stride)]
        assert reached == list(conv_input_sizes(output, *options))


def test_input_sizes_come_as_the_output_size_was_given():
    assert conv_input_sizes(3, 3, 2) == range(7, 9)
    assert conv_input_sizes((3,), 3, 2) == (range(7, 9),)
    assert conv_input_sizes([3, 4], (3, 1), (2, 1)) == (range(7, 9), range(4, 5))
    assert conv_input_sizes(5, 4, padding="same") == range(5, 6)
    assert len(conv_input_sizes(1, 1, 1, padding=1)) == 0  # even one pixel gives three positions


def test_pixels_are_used_as_often_as_a_gradient_of_ones_says():
    """With kernels and gradients of ones, every window sends a 1 to each of its pixels."""
    for size, kernel, stride, padding, dilation in itertools.product(
        range(1, 9), range(1, 4), range(1, 4), [0, 1, 2, "same"], range(1, 3)
    ):
        if padding == "same" and stride > 1:
            continue
        options = stride, padding, dilation
        if padding != "same" and size + 2 * padding < effective_kernel_size(kernel, dilation):
            with pytest.raises(ValueError, match="conv_pixel_uses: the kernel spans"):
                conv_pixel_uses(size, kernel, *options)
            continue
        grad = np.ones((1, conv_output_size(size, kernel, *options)))
        expected = conv1d_input((1, size), np.ones((1, 1, kernel)), grad, *options)
        assert list(conv_pixel_uses(size, kernel, *options)) == expected[0].tolist()


def test_uses_come_as_the_input_size_was_given():
    assert conv_pixel_uses(4, 2) == (1, 2, 2, 1)
    assert conv_pixel_uses((4,), 2) == ((1, 2, 2, 1),)
    assert conv_pixel_uses((4, 3), (2, 1), (1, 2)) == ((1, 2, 2, 1), (1, 0, 1))
    assert conv_pixel_uses(6, 3, 2, 1) == (1, 2, 1, 2, 1, 1)  # what is left over is padding


def test_a_transposed_convolution_of_ones_counts_what_it_adds_up():
    for size, kernel, stride, padding, extra, dilation in itertools.product(
        range(1, 5), range(1, 5), range(1, 4), range(3), range(3), range(1, 3)
    ):
        options = stride, padding, extra, dilation
        span = (size - 1) * stride + effective_kernel_size(kernel, dilation) + extra - 2 * padding
        if extra >= max(stride, dilation) or span < 1:
            with pytest.raises(ValueError, match=r"^conv_transpose_pixel_uses: "):
                conv_transpose_pixel_uses(size, kernel, *options)
            continue
        ones = np.ones((1, 1, size)), np.ones((1, 1, kernel))
        expected = conv_transpose1d(*ones, None, stride, padding, extra, 1, dilation)
        assert list(conv_transpose_pixel_uses(size, kernel, *options)) == expected[0, 0].tolist()


def test_its_counts_are_even_inside_where_the_stride_divides_the_kernel():
    for kernel, stride in itertools.product(range(1, 9), range(1, 5)):
        if kernel >= stride:
            inside = set(conv_transpose_pixel_uses(20, kernel, stride)[kernel:-kernel])
            assert (len(inside) == 1) == (kernel % stride == 0)


def test_its_counts_come_as_the_input_size_was_given():
    assert conv_transpose_pixel_uses(2, 2) == (1, 2, 1)
    assert conv_transpose_pixel_uses((2,), 2) == ((1, 2, 1),)
    assert conv_transpose_pixel_uses((2, 3), (2, 1), (1, 2), output_padding=(0, 1)) == (
        (1, 2, 1),
        (1, 0, 1, 0, 1, 0),
    )


def stacked(kernels, dilations, strides):
    """The stack's kernel, from the gradient of one output unit: each layer has ones."""
    grad = np.ones((1, 1, 1))
    for k, d, s in reversed(list(zip(kernels, dilations, strides, strict=True))):
        grad = conv_transpose1d(grad, np.ones((1, 1, k)), None, s, dilation=d)
    return grad[0, 0].tolist()


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)), max_size=5))
def test_paths_are_what_the_gradient_of_a_stack_of_ones_counts(layers):
    kernels, dilations, strides = zip(*layers, strict=True) if layers else ((), (), ())
    counts = conv_path_counts(kernels, dilations, strides)
    assert list(counts) == stacked(kernels, dilations, strides)
    assert sum(counts) == math.prod(kernels)


def test_paths_written_out():
    assert conv_path_counts(3) == (1, 1, 1)
    assert conv_path_counts((3, 2)) == (1, 2, 2, 1)
    assert conv_path_counts(2, (1, 2, 4)) == (1,) * 8  # a binary number leads to each pixel
    assert conv_path_counts(3, (1, 2)) == conv_path_counts([3, 3], (1, 2), 1) == (1, 1, 2, 1, 2, 1, 1)
    assert conv_path_counts((3, 3), strides=(2, 1)) == (1, 1, 2, 1, 2, 1, 1)
    assert conv_path_counts(()) == (1,)  # without a layer: the pixel itself
    assert (
        conv_path_counts(range(2, 4), range(1, 3)) == conv_path_counts((2, 3), (1, 2)) == (1, 1, 1, 1, 1, 1)
    )


def test_what_gridding_leaves_out():
    """Three layers of dilation 2 see 49 of 169 pixels of their field, dilations 1, 2 and 5 see all of 289."""
    seen = [sum(map(bool, conv_path_counts(3, dilations))) for dilations in [(2, 2, 2), (1, 2, 5)]]
    fields = [len(conv_path_counts(3, dilations)) for dilations in [(2, 2, 2), (1, 2, 5)]]
    assert (seen, fields) == ([7, 17], [13, 17])


def test_paths_that_no_float_could_count():
    assert max(conv_path_counts((3,) * 200)) > 2**300
    assert sum(conv_path_counts((3,) * 200)) == 3**200


PROBLEMS = [(7, 7), (7, 3), (8, 4), (9, 1), (5, 7), (3, 1), (2, 9), (16, 5), (12, 2)]


@pytest.mark.parametrize(("size", "wanted"), PROBLEMS)
def test_the_choices_are_all_that_a_search_finds(size, wanted):
    found = set()
    for kernel, stride, dilation in itertools.product(range(1, 8), range(1, 5), (1, 2)):
        span = effective_kernel_size(kernel, dilation)
        for padding in range(span):
            if (
                size + 2 * padding >= span
                and conv_output_size(size, kernel, stride, padding, dilation) == wanted
            ):
                found.add((kernel, stride, padding, dilation))
    choices = conv_choices(size, wanted, dilations=(1, 2))
    assert len(choices) == len(set(choices))
    if wanted > 1:
        assert set(choices) == found
    else:  # the stride of a single window has no effect: one for each of the others
        assert set(choices) <= found
        assert {(k, p, d) for k, _, p, d in choices} == {(k, p, d) for k, _, p, d in found}
        assert all((k, s - 1, p, d) not in found for k, s, p, d in choices)
        assert len(choices) == len({(k, p, d) for k, _, p, d in found})


def test_the_choices_come_best_first():
    for size, wanted in [*PROBLEMS, (224, 56)]:
        choices = conv_choices(size, wanted, strides=range(1, 7), dilations=(1, 2))
        ranks = [(0 in conv_pixel_uses(size, *one), one.dilation, one[:3]) for one in choices]
        assert ranks == sorted(ranks)
    assert choices[0] == ConvChoice(kernel_size=4, stride=4, padding=0, dilation=1)  # cut into patches
    assert choices.index((7, 4, 3, 1)) < choices.index((1, 4, 0, 1))  # of which pixels are ignored
    assert conv_choices(224, 224, kernel_sizes=3) == [(3, 1, 1, 1)]
    assert conv_choices(224, 112, kernel_sizes=[3, 3], strides=2) == [(3, 2, 1, 1)]
    assert conv_choices(5, 100) == []


class Silent:
    """It has neither a name nor a number to give."""

    def __repr__(self):
        raise RuntimeError("no name")

    def __index__(self):
        raise RuntimeError("no number")


class Index:
    """It stands for a number, but one cannot calculate with it."""

    def __repr__(self):
        return "Index()"

    def __index__(self):
        return 2


ENDLESS = [1]
ENDLESS.append(ENDLESS)

WRONG = [
    (lambda: conv_output_size(7.5, 3), "TypeError: conv_output_size: input_size must be an integer, got 7.5"),
    (lambda: conv_output_size(0, 1, padding=1), "ValueError: conv_output_size: input_size must be at least 1, got 0"),
    (lambda: conv_output_size(7, (3, 3)), "ValueError: conv_output_size: kernel_size must be one integer, got (3, 3)"),
    (lambda: conv_output_size((7, 7), (3, 3, 3)), "ValueError: conv_output_size: kernel_size must be one integer or 2, got (3, 3, 3)"),
    (lambda: conv_output_size(7, 3, stride=0), "ValueError: conv_output_size: stride must be at least 1, got 0"),
    (lambda: conv_output_size(7, 3, 2, "same"), "ValueError: conv_output_size: padding='same' needs stride 1, got stride (2,); give padding in pixels"),
    (lambda: conv_output_size(2, 3), "ValueError: conv_output_size: the kernel spans 3 pixels along spatial axis 0, but the padded input has 2 (size 2, padding 0 + 0)"),
    (lambda: conv_input_sizes(3, 3, stride=0), "ValueError: conv_input_sizes: stride must be at least 1, got 0"),
    (lambda: conv_input_sizes(3, 3, dilation=0), "ValueError: conv_input_sizes: dilation must be at least 1, got 0"),
    (lambda: conv_input_sizes(3, 3, padding="full"), "ValueError: conv_input_sizes: padding must be 'valid', 'same' or integers, got 'full'"),
    (lambda: conv_parameters(10, 6, (3, 3), groups=3), "ValueError: conv_parameters: in_channels 10 cannot be split into 3 groups"),
    (lambda: conv_parameters(6, 10, (3, 3), groups=3), "ValueError: conv_parameters: out_channels 10 cannot be split into 3 groups"),
    (lambda: conv_parameters(6, 6, (3, 3), groups=0), "ValueError: conv_parameters: groups must be at least 1, got 0"),
    (lambda: conv_parameters(6, 6, 3), "TypeError: conv_parameters: kernel_size must be a sequence of integers, got 3"),
    (lambda: conv_parameters(6, 6, (3, 0)), "ValueError: conv_parameters: kernel_size must be at least 1, got (3, 0)"),
    (lambda: conv_multiply_adds(6, 6, (3, 3), 4), "TypeError: conv_multiply_adds: output_size must be a sequence of integers, got 4"),
    (lambda: conv_multiply_adds(6, 6, (3, 3), (4, -1)), "ValueError: conv_multiply_adds: output_size must be at least 0, got (4, -1)"),
    (lambda: conv_multiply_adds(5, 6, (3, 3), (4, 4), 2), "ValueError: conv_multiply_adds: in_channels 5 cannot be split into 2 groups"),
    (lambda: conv_parameters(-6, 6, (3, 3)), "ValueError: conv_parameters: in_channels must be at least 1, got -6"),
    (lambda: conv_multiply_adds(6, 0, (3, 3), (4, 4)), "ValueError: conv_multiply_adds: out_channels must be at least 1, got 0"),
    (lambda: conv_parameters(6.0, 6, (3, 3)), "TypeError: conv_parameters: in_channels must be an integer, got 6.0"),
    (lambda: conv_memory(6, 6, (3, 3), (4, 4), (4,)), "ValueError: conv_memory: output_size must have 2 entries, as kernel_size has; got (4,)"),
    (lambda: conv_memory(6, 6, (3,), (4, 4), (4,)), "ValueError: conv_memory: input_size must have 1 entries, as kernel_size has; got (4, 4)"),
    (lambda: conv_memory(6, 6, (3, 3), 4, (4, 4)), "TypeError: conv_memory: input_size must be a sequence of integers, got 4"),
    (lambda: conv_memory(6, 6, (3,), (4,), (4,), 4), "ValueError: conv_memory: in_channels 6 cannot be split into 4 groups"),
    (lambda: conv_memory(6, 6, (3,), (4,), (4,), batch=-1), "ValueError: conv_memory: batch must be at least 0, got -1"),
    (lambda: conv_memory(6, 6, (3,), (4,), (4,), itemsize=0), "ValueError: conv_memory: itemsize must be at least 1, got 0"),
    (lambda: pool_output_size(0, 1), "ValueError: pool_output_size: input_size must be at least 1, got 0"),
    (lambda: pool_output_size((7, 7), (3, 3, 3)), "ValueError: pool_output_size: kernel_size must be one integer or 2, got (3, 3, 3)"),
    (lambda: pool_output_size(7, 3, 0), "ValueError: pool_output_size: stride must be at least 1, got 0"),
    (lambda: pool_output_size(7, 3, padding=-1), "ValueError: pool_output_size: padding must be at least 0, got -1"),
    (lambda: pool_output_size(7, 3, padding="same"), "TypeError: pool_output_size: padding must be an integer, got 'same'"),
    (lambda: pool_output_size(7, 3, dilation=0), "ValueError: pool_output_size: dilation must be at least 1, got 0"),
    (lambda: pool_output_size(7, 3, ceil_mode=1), "TypeError: pool_output_size: ceil_mode must be True or False, got 1"),
    (lambda: pool_output_size((7, 7), (4, 3), padding=2), "ValueError: pool_output_size: padding must be at most half of kernel_size, got 2 for 3 along spatial axis 1"),
    (lambda: pool_output_size(2, 3), "ValueError: pool_output_size: the window spans 3 pixels along spatial axis 0, but the padded input has 2 (size 2, padding 0 + 0)"),
    (lambda: pool_output_size(2, 5, 2, 1, 2, True), "ValueError: pool_output_size: the window spans 9 pixels (dilation 2 spreads 5 taps) along spatial axis 0, but the padded input has 4 (size 2, padding 1 + 1)"),
    (lambda: conv_input_sizes(0, 3), "ValueError: conv_input_sizes: output_size must be at least 1, got 0"),
    (lambda: conv_input_sizes(3, (3, 3)), "ValueError: conv_input_sizes: kernel_size must be one integer, got (3, 3)"),
    (lambda: conv_input_sizes(3, 3, 2, "same"), "ValueError: conv_input_sizes: padding='same' needs stride 1, got stride (2,); give padding in pixels"),
    (lambda: conv_pixel_uses(7.5, 3), "TypeError: conv_pixel_uses: input_size must be an integer, got 7.5"),
    (lambda: conv_pixel_uses((7, 7), (3, 3, 3)), "ValueError: conv_pixel_uses: kernel_size must be one integer or 2, got (3, 3, 3)"),
    (lambda: conv_transpose_pixel_uses(7.5, 3), "TypeError: conv_transpose_pixel_uses: input_size must be an integer, got 7.5"),
    (lambda: conv_transpose_pixel_uses((7, 7), (3, 3, 3)), "ValueError: conv_transpose_pixel_uses: kernel_size must be one integer or 2, got (3, 3, 3)"),
    (lambda: conv_transpose_pixel_uses(7, 3, 2, 0, 2), "ValueError: conv_transpose_pixel_uses: output_padding must be smaller than stride or dilation, got 2 along spatial axis 0 with stride 2 and dilation 1"),
    (lambda: conv_transpose_pixel_uses(1, 3, padding=2), "ValueError: conv_transpose_pixel_uses: padding 2 on either side leaves nothing of the 3 pixels along spatial axis 0"),
    (lambda: conv_transpose_pixel_uses(2**20, 3, 2), "ValueError: conv_transpose_pixel_uses: it would take 5242881 steps, more than the 4194304 that are allowed"),
    (lambda: conv_path_counts(0), "ValueError: conv_path_counts: kernel_sizes must be at least 1, got 0"),
    (lambda: conv_path_counts((3, 3), 1.5), "TypeError: conv_path_counts: dilations must be an integer, got 1.5"),
    (lambda: conv_path_counts((3, 3), (1, 2, 3)), "ValueError: conv_path_counts: kernel_sizes must be one number or 3, one for each layer, got (3, 3)"),
    (lambda: conv_path_counts(3, (1, 2, 3), [1]), "ValueError: conv_path_counts: strides must be one number or 3, one for each layer, got [1]"),
    (lambda: conv_path_counts(3, 2**40), "ValueError: conv_path_counts: it would take 2199023255556 steps, more than the 4194304 that are allowed"),
    (lambda: conv_path_counts((3,) * 62, strides=2), "ValueError: conv_path_counts: it would take 36893488147419103039 steps, more than the 4194304 that are allowed"),
    (lambda: conv_choices((7, 7), 3), "TypeError: conv_choices: input_size must be an integer, got (7, 7)"),
    (lambda: conv_choices(7, 0), "ValueError: conv_choices: output_size must be at least 1, got 0"),
    (lambda: conv_choices(7, 3, kernel_sizes=(3, 0)), "ValueError: conv_choices: kernel_sizes must be at least 1, got (3, 0)"),
    (lambda: conv_choices(7, 3, strides=1.5), "TypeError: conv_choices: strides must be an integer, got 1.5"),
    (lambda: as_tuple("3", 2, "kernel_size"), "TypeError: kernel_size must be an integer or 2 integers, got '3'"),
    (lambda: as_tuple((3, 3.0), 2, "kernel_size"), "TypeError: kernel_size must be an integer or 2 integers, got (3, 3.0)"),
    (lambda: as_tuple((True, 2), 2, "kernel_size"), "TypeError: kernel_size must be an integer or 2 integers, got (True, 2)"),
    (lambda: as_tuple(np.array([1, 2]), 2, "stride"), "TypeError: stride must be an integer or 2 integers, got array([1, 2])"),
    (lambda: as_sizes("ab", "pad", "pad"), "TypeError: pad: pad must be a sequence of integers, got 'ab'"),
    (lambda: as_tuple(b"\1\2", 2, "stride"), "TypeError: stride must be an integer or 2 integers, got b'\\x01\\x02'"),
    (lambda: as_tuple(range(1, 3), 2, "stride"), "TypeError: stride must be an integer or 2 integers, got range(1, 3)"),
    (lambda: as_tuple(np.array(2), 1, "stride"), "TypeError: stride must be an integer, got array(2)"),
    (lambda: as_tuple((1, torch.tensor(2)), 2, "stride"), "TypeError: stride must be an integer or 2 integers, got (1, tensor(2))"),
    (lambda: as_tuple(Silent(), 1, "stride"), "TypeError: stride must be an integer, got <Silent>"),
    (lambda: as_tuple(Index(), 1, "stride"), "TypeError: stride must be an integer, got Index()"),
    (lambda: as_tuple([Silent(), 1], 2, "stride"), "TypeError: stride must be an integer or 2 integers, got [<Silent>, 1]"),
    (lambda: as_tuple(ENDLESS, 2, "stride"), "TypeError: stride must be an integer or 2 integers, got [1, [1, [1, [...]]]]"),
    (lambda: as_tuple([0] * 5000, 2, "stride"), "ValueError: stride must be one integer or 2, got [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...]"),
    (lambda: as_tuple(2**62 + 1, 1, "stride"), "ValueError: stride must be at most 2^62, got 4611686018427387905"),
    (lambda: as_tuple(10**5000, 1, "stride"), "ValueError: stride must be at most 2^62, got an integer of 16610 bits"),
    (lambda: as_tuple((1, -(10**5000)), 2, "stride"), "ValueError: stride must be at least 1, got (1, an integer of 16610 bits)"),
    (lambda: as_sizes(range(3), "input_size", "conv1d_input"), "TypeError: conv1d_input: input_size must be a sequence of integers, got range(0, 3)"),
    (lambda: as_sizes((1, 2**63), "input_size", "conv1d_input"), "ValueError: conv1d_input: input_size must be at most 2^62, got (1, 9223372036854775808)"),
    (lambda: conv_choices(7, 2.0), "TypeError: conv_choices: output_size must be an integer, got 2.0"),
    (lambda: conv_choices(7, 3, range(1, 2**40)), "ValueError: conv_choices: it would take 1099511627775 steps, more than the 4194304 that are allowed"),
    (lambda: conv_choices(7, 3, 2**40), "ValueError: conv_choices: it would take 70368744177664 steps, more than the 4194304 that are allowed"),
    (lambda: conv_choices(2**40, 2**40), "ValueError: conv_choices: it would take 21990232555600 steps, more than the 4194304 that are allowed"),
    (lambda: conv_choices(7, 3, "ab"), "TypeError: conv_choices: kernel_sizes must be an integer, got 'ab'"),
    (lambda: conv_pixel_uses(2**40, 3), "ValueError: conv_pixel_uses: it would take 4398046511098 steps, more than the 4194304 that are allowed"),
    (lambda: conv_pixel_uses((7, 7), range(2)), "TypeError: conv_pixel_uses: kernel_size must be an integer or 2 integers, got range(0, 2)"),
    (lambda: conv_input_sizes(range(1, 3), 3), "TypeError: conv_input_sizes: output_size must be an integer, got range(1, 3)"),
    (lambda: conv_memory(3, 8, (5,), (9,), (5,), bias=1), "TypeError: conv_memory: bias must be True or False, got 1"),
    (lambda: conv_memory(3, 8, (5,), (9,), (5,), batch=(1,)), "TypeError: conv_memory: batch must be an integer, got (1,)"),
    (lambda: as_sizes([0] * 129, "pad", "pad"), "ValueError: pad: pad must have at most 128 entries, got [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...]"),
    (lambda: as_integer([2], "groups", "conv2d"), "TypeError: conv2d: groups must be an integer, got [2]"),
    (lambda: require_one_of("pad", "mode", np.array(["a", "b"]), ("c", "d")), "ValueError: pad: mode must be 'c' or 'd', got array(['a', 'b'], dtype='<U1')"),
    (lambda: require_flag("pool", "ceil_mode", 1), "TypeError: pool: ceil_mode must be True or False, got 1"),
    (lambda: require_flag("pool", "ceil_mode", None), "TypeError: pool: ceil_mode must be True or False, got None"),
    (lambda: require_flag("resize", "align", np.array([1, 2]), or_none=True), "TypeError: resize: align must be True, False or None, got array([1, 2])"),
    (lambda: conv_output_size(7, 3, padding=10**400), "ValueError: conv_output_size: padding must be at most 2^62, got an integer of 1329 bits"),
    (lambda: conv_output_size(7, 3, padding=["x" * 500]), f"TypeError: conv_output_size: padding must be an integer, got ['{'x' * 37}...{'x' * 38}']"),
    (lambda: effective_kernel_size(0), "ValueError: effective_kernel_size: kernel_size must be at least 1, got 0"),
    (lambda: effective_kernel_size("3"), "TypeError: effective_kernel_size: kernel_size must be an integer, got '3'"),
    (lambda: effective_kernel_size(3, (1,)), "TypeError: effective_kernel_size: dilation must be an integer, got (1,)"),
    (lambda: conv_parameters("a", 6, (3,)), "TypeError: conv_parameters: in_channels must be an integer, got 'a'"),
    (lambda: conv_parameters(6, 2.5, (3,)), "TypeError: conv_parameters: out_channels must be an integer, got 2.5"),
    (lambda: conv_parameters(-6, 6, (3,)), "ValueError: conv_parameters: in_channels must be at least 1, got -6"),
    (lambda: conv_parameters(6, 6, (3,), (1,)), "TypeError: conv_parameters: groups must be an integer, got (1,)"),
    (lambda: conv_parameters(6, 6, (3,), bias=2), "TypeError: conv_parameters: bias must be True or False, got 2"),
    (lambda: conv_multiply_adds(True, 6, (3,), (4,)), "TypeError: conv_multiply_adds: in_channels must be an integer, got True"),
    (lambda: conv_multiply_adds(6, 0, (3,), (4,)), "ValueError: conv_multiply_adds: out_channels must be at least 1, got 0"),
    (lambda: conv_multiply_adds(6, 6, 3, (4,)), "TypeError: conv_multiply_adds: kernel_size must be a sequence of integers, got 3"),
    (lambda: refuse_if_too_large("pool", "the answer", 2**2000, 8), f"ValueError: pool: the answer would take {2**1973} GiB, more than the 64 GiB that are allowed"),
    (lambda: resolve_padding("full", (3,), (1,), (1,)), "ValueError: padding must be 'valid', 'same' or integers, got 'full'"),
    (lambda: refuse_if_too_large("pool", "the answer", 2**34, 4 + 1), "ValueError: pool: the answer would take 80 GiB, more than the 64 GiB that are allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_size_is_told_what_is_wrong(call, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert f"{type(caught.value).__name__}: {caught.value}" == message


def test_numbers_of_numpy_are_integers_too():
    assert as_tuple(np.int32(2), 2, "stride") == (2, 2)
    assert as_tuple((np.int64(1), 2), 2, "stride") == (1, 2)
    assert all(type(number) is int for number in as_tuple((np.int64(1), 2), 2, "stride"))


def test_without_axes_there_are_no_sizes():
    assert conv_output_size((), 3) == conv_transpose_output_size((), 3) == pool_output_size((), 3) == ()
    assert conv_input_sizes((), 3) == conv_pixel_uses((), 3) == ()


def test_large_numbers_are_counted_to_the_last_one():
    millions = np.int32(2**20)
    assert conv_memory(millions, millions, (1,), (2**20,), (1,)).input == 4 * 2**20 * 2**20
    assert conv_parameters(np.int32(2**20), np.int32(2**20), (3, 3)) == 2**20 * 2**20 * 3 * 3 + 2**20
    assert conv_output_size(2**62, 2**62, padding=2**62) == 2**63 + 1


def test_exactly_64_gib_are_allowed():
    refuse_if_too_large("pool", "the answer", 2**33, 8)

# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import assert_agree, ramp, tensor, zeros
from catalogue import assert_refused
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from convlib import conv2d, fold, pad, pad_backward, sliding_windows, unfold
from convlib.windows import col2im, im2col, pad_sides

# --- pad --------------------------------------------------------------------------------------------------

modes = st.sampled_from(["constant", "reflect", "replicate", "circular"])


def test_the_pairs_begin_with_the_last_axis():
    padded = pad(np.ones((2, 3)), (1, 2, 3, 4))
    assert padded.shape == (3 + 2 + 4, 1 + 3 + 2)
    assert np.argwhere(padded)[0].tolist() == [3, 1]


def wraps_more_than_is_left(sizes, pairs):
    left = [n + min(a, 0) + min(b, 0) for n, (a, b) in zip(reversed(sizes), pairs, strict=False)]
    return any(max(pair) > max(n, 0) for n, pair in zip(left, pairs, strict=False))


@settings(max_examples=400)
@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    pairs=st.lists(st.tuples(st.integers(-3, 4), st.integers(-3, 4)), max_size=4),
    mode=modes,
    value=st.sampled_from([None, None, 0, 2.5, -1]),
)
@example(shape=[1, 3], pairs=[(-2, 2)], mode="circular", value=None)
@example(shape=[1, 1, 4], pairs=[(3, 3)], mode="reflect", value=None)
@example(shape=[2, 1, 4, 4], pairs=[(3, -2), (-3, 3)], mode="replicate", value=None)
def test_pad_answers_where_torch_answers_and_refuses_where_torch_refuses(shape, pairs, mode, value):
    image = ramp(*shape)
    amounts = tuple(itertools.chain(*pairs))
    try:
        if mode == "circular" and wraps_more_than_is_left(shape, pairs):
            raise ValueError("torch either refuses this or reads memory that it has not written")
        expected = F.pad(tensor(image), amounts, mode, value)
    except Exception:  # whatever torch says in its many words
        for given_image in (image, tensor(image)):
            with pytest.raises(ValueError, match=r"^pad: "):
                pad(given_image, amounts, mode, value)
        return
    before = image.copy()
    result = pad(image, amounts, mode, value)
    assert isinstance(result, np.ndarray)
    assert_agree(result, expected, 0)
    assert_agree(pad(tensor(image), amounts, mode, value), expected, 0)
    result += 1
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("batched", [False, True], ids=["one image", "batch"])
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@given(data=st.data())
@settings(max_examples=10)
def test_every_mode_pads_and_crops_up_to_three_axes(axes, batched, mode, data):
    sizes = data.draw(st.lists(st.integers(2, 4), min_size=axes, max_size=axes))
    most = {"reflect": lambda n: n - 1}.get(mode, lambda n: n)
    pairs = [
        (data.draw(st.integers(-1, most(n))), data.draw(st.integers(-1, most(n)))) for n in reversed(sizes)
    ]
    cropped_away = any(
        n + a + b < 1 or min(n + a, n + b) < 0 for n, (a, b) in zip(reversed(sizes), pairs, strict=True)
    )
    assume(not cropped_away and not (mode == "circular" and wraps_more_than_is_left(sizes, pairs)))
    image = ramp(*(2,) * batched, 2, *sizes)
    amounts = list(itertools.chain(*pairs))
    assert_agree(pad(image, amounts, mode), F.pad(tensor(image), amounts, mode), 0)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@settings(max_examples=25)
@given(data=st.data())
def test_what_was_padded_sends_its_gradient_back_to_the_pixels_that_it_copies(axes, mode, data):
    sizes = data.draw(st.lists(st.integers(2, 4), min_size=axes, max_size=axes))
    most = {"reflect": lambda n: n - 1}.get(mode, lambda n: n)
    pairs = [
        (data.draw(st.integers(-1, most(n))), data.draw(st.integers(-1, most(n)))) for n in reversed(sizes)
    ]
    assume(all(n + a + b >= 1 for n, (a, b) in zip(reversed(sizes), pairs, strict=True)))
    assume(not (mode == "circular" and wraps_more_than_is_left(sizes, pairs)))
    image, amounts = ramp(2, 2, *sizes), list(itertools.chain(*pairs))
    leaf = tensor(image, requires_grad=True)
    padded = F.pad(leaf, amounts, mode)
    grad = np.random.default_rng(sum(sizes)).normal(size=tuple(padded.shape))
    padded.backward(tensor(grad))
    gradient = pad_backward(grad, image.shape, amounts, mode)
    assert_agree(gradient, leaf.grad)
    assert_agree(pad_backward(tensor(grad), image.shape, amounts, mode), gradient)
    assert gradient.flags.c_contiguous and not np.shares_memory(gradient, grad)
    # <P x, g> = <x, P^T g>
    assert math.isclose((pad(image, amounts, mode) * grad).sum(), (image * gradient).sum(), abs_tol=1e-9)


def test_half_precision_gradients_of_padding_are_rounded_once():
    grad = np.full((1, 2001), 0.1, "float16")
    gradient = pad_backward(grad, (1, 1), (1000, 1000), mode="replicate")
    assert gradient.dtype == np.float16
    assert gradient[0, 0] == np.float16(2001 * np.float32(np.float16(0.1)))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "complex64"])
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_pad_keeps_the_number_type(dtype, mode):
    image = ramp(1, 3, 3, dtype=dtype)
    padded = pad(image, (1, 2, 2, 1), mode)
    assert padded.dtype == image.dtype
    assert_agree(padded, pad(ramp(1, 3, 3), (1, 2, 2, 1), mode).astype(dtype), 0)


@pytest.mark.parametrize(
    ("dtype", "value", "becomes"),
    [("int64", 1.7, 1), ("int64", -1.7, -1), ("uint8", 255.0, 255), ("bool", 0.5, True),
     ("bool", np.nan, True), ("float16", 65504, 65504), ("float32", np.inf, np.inf), ("int8", True, 1)],
)  # fmt: skip
def test_the_value_is_cut_to_the_number_type_as_in_torch(dtype, value, becomes):
    for image in (np.zeros(1, dtype), torch.zeros(1, dtype=getattr(torch, dtype))):
        padded = pad(image, (1, 0), value=value)
        assert padded.dtype == image.dtype
        assert padded[0] == becomes


@pytest.mark.parametrize("value", [Fraction(5, 2), np.float16(2.5), np.longdouble(2.5)])
def test_the_value_is_any_real_number(value):
    for image in (np.zeros((1, 1)), torch.zeros(1, 1)):
        assert pad(image, (1, 0), value=value).tolist() == [[2.5, 0]]
    with pytest.raises(ValueError) as caught:
        pad(np.zeros((1, 1)), (1, 0), value=Fraction(10**400))
    assert str(caught.value).startswith("pad: value must fit into a float, got Fraction(1000000")


def test_padding_with_nothing_gives_a_new_array():
    image = np.ones((1, 3))
    assert pad(image, (0, 0)) is not image
    assert not np.shares_memory(pad(image, (0, 0)), image)
    assert_agree(pad(image, ()), image)


def test_pad_sides_copies_only_where_there_is_something_to_add():
    image = np.ones((1, 2, 3))
    assert pad_sides(image, [(0, 0), (0, 0)]) is image
    assert pad_sides(image, [(1, 0), (0, 2)]).shape == (1, 1 + 2, 3 + 2)


# --- windows ----------------------------------------------------------------------------------------------


@given(
    kernel=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    leading=st.integers(0, 2),
    extra=st.integers(0, 4),
)
def test_a_window_holds_the_pixels_under_the_kernel(kernel, stride, dilation, leading, extra):
    sizes = [dilation * (k - 1) + 1 + extra for k in kernel]
    image = ramp(*(2,) * leading, *sizes)
    windows = sliding_windows(image, kernel, stride, dilation)
    n = len(kernel)
    assert windows.shape[-n:] == tuple(kernel)
    assert windows.shape[leading:-n] == (extra // stride + 1,) * n
    for index in np.ndindex(windows.shape):
        position, tap = index[leading:-n], index[-n:]
        pixel = [i * stride + u * dilation for i, u in zip(position, tap, strict=True)]
        assert windows[index] == image[(*index[:leading], *pixel)]
    twin = sliding_windows(tensor(image), kernel, stride, dilation)
    assert isinstance(twin, torch.Tensor)
    assert_agree(twin, windows, 0)


def test_each_axis_has_its_own_stride_and_dilation():
    image = ramp(5, 6)
    windows = sliding_windows(image, (2, 2), stride=(1, 2), dilation=(3, 1))
    assert windows.shape == (2, 3, 2, 2)
    assert windows[1, 2].tolist() == [[image[1, 4], image[1, 5]], [image[4, 4], image[4, 5]]]
    assert_agree(sliding_windows(tensor(image), (2, 2), (1, 2), (3, 1)), windows, 0)


def test_a_stride_beyond_the_image_leaves_the_first_window():
    for image in (ramp(2, 5), tensor(ramp(2, 5))):
        for stride in (5, 2**62):
            assert sliding_windows(image, (2,), stride).tolist() == [[[1, 2]], [[6, 7]]]


def test_windows_copy_no_pixel_and_cannot_be_written_to():
    image = ramp(1000)
    windows = sliding_windows(image, (100,), dilation=2)
    assert np.shares_memory(windows, image)
    with pytest.raises(ValueError, match="read-only"):
        windows[0, 0] = 1
    reference = torch.zeros(9)
    assert sliding_windows(reference, (3,)).data_ptr() == reference.data_ptr()


# --- unfold and fold --------------------------------------------------------------------------------------


@st.composite
def foldings(draw):
    """(image shape, options of unfold)."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, stride, dilation = draw(pair), draw(pair), draw(pair)
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    size = [
        max(1, d * (k - 1) + 1 - 2 * p + draw(st.integers(0, 3)))
        for k, d, p in zip(kernel, dilation, padding, strict=True)
    ]
    options = {"kernel_size": kernel, "dilation": dilation, "padding": padding, "stride": stride}
    if draw(st.booleans()):  # a single number stands for both axes
        options = {name: (value[0] if value[0] == value[1] else value) for name, value in options.items()}
    return (*draw(st.sampled_from([(), (0,), (1,), (2,)])), draw(st.integers(1, 3)), *size), options


@given(foldings())
def test_unfold_and_fold_agree_with_torch(folding):
    shape, options = folding
    image = ramp(*shape)
    before = image.copy()
    columns = unfold(image, **options)
    assert_agree(columns, F.unfold(tensor(image), **options), 0)
    assert_agree(unfold(tensor(image), **options), columns, 0)
    image_again = fold(columns, shape[-2:], **options)
    assert_agree(image_again, F.fold(tensor(columns), shape[-2:], **options), 1e-12)
    assert_agree(fold(tensor(columns), shape[-2:], **options), image_again, 1e-12)
    np.testing.assert_array_equal(image, before)


def test_a_tuple_of_one_stands_for_both_axes_although_not_in_torch_s_own():
    image = ramp(1, 4, 4)
    columns = unfold(image, (2,), (1,), (1,), [2])
    assert_agree(columns, F.unfold(tensor(image), 2, padding=1, stride=2), 0)
    assert_agree(unfold(tensor(image), (2,), (1,), (1,), [2]), columns, 0)
    assert_agree(fold(tensor(columns), (4,), [2], (1,), (1,), (2,)), fold(columns, 4, 2, 1, 1, 2), 0)


@given(foldings())
def test_fold_is_the_adjoint_of_unfold(folding):
    """<unfold(x), c> = <x, fold(c)>."""
    shape, options = folding
    random = np.random.default_rng(math.prod(shape))
    image = random.normal(size=shape)
    columns = unfold(image, **options)
    other = random.normal(size=columns.shape)
    assert np.isclose((columns * other).sum(), (image * fold(other, shape[-2:], **options)).sum(), atol=1e-10)


@given(foldings())
def test_folding_what_was_unfolded_counts_the_windows_over_each_pixel(folding):
    shape, options = folding
    image = ramp(*shape)
    counts = fold(unfold(np.ones(shape), **options), shape[-2:], **options)
    assert_agree(fold(unfold(image, **options), shape[-2:], **options), counts * image)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "complex64"])
def test_unfold_and_fold_keep_the_number_type(dtype):
    image = ramp(1, 3, 3, dtype=dtype)
    columns = unfold(image, 2)
    assert_agree(columns, unfold(ramp(1, 3, 3), 2).astype(dtype), 0)
    counts = fold(unfold(np.ones((1, 3, 3)), 2), 3, 2)
    exact = counts * ramp(1, 3, 3)
    assert_agree(fold(columns, 3, 2), (exact > 0 if dtype == "bool" else exact).astype(dtype), 0)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_col2im_is_the_adjoint_of_im2col(axes):
    random = np.random.default_rng(axes)
    kernel, stride, dilation = (2, 3, 1)[:axes], (2, 1, 2)[:axes], (1, 2, 2)[:axes]
    size = (5, 7, 4)[:axes]
    image = random.normal(size=(2, 3, *size))
    columns = im2col(image, kernel, stride, dilation)
    assert columns.shape[:3] == (2, 3, math.prod(kernel))
    other = random.normal(size=columns.shape)
    back = col2im(other, size, kernel, stride, dilation)
    assert np.isclose((columns * other).sum(), (image * back).sum())


def test_the_columns_stand_in_reading_order():
    columns = im2col(ramp(1, 1, 2, 3), (1, 2))[0, 0]
    assert columns.tolist() == [[1, 2, 4, 5], [2, 3, 5, 6]]


def test_unfold_lies_behind_a_convolution():
    image, weight = ramp(2, 4, 4), ramp(3, 2, 2, 2)
    product = weight.reshape(3, 2 * 2 * 2) @ unfold(image, 2)
    assert_agree(product.reshape(3, 3, 3), conv2d(image, weight))


# --- wrong calls ------------------------------------------------------------------------------------------

row, image = zeros(1, 3), zeros(1, 4, 4)

WRONG = [
    (pad, ([1, 2], (1, 1)), {}, "TypeError: pad: input must be a NumPy array or a torch tensor, got list"),
    (pad, (row, 3), {}, "TypeError: pad: pad must be a sequence of integers, got 3"),
    (pad, (row, "ab"), {}, "TypeError: pad: pad must be a sequence of integers, got 'ab'"),
    (pad, (row, (1.0, 2)), {}, "TypeError: pad: pad must be a sequence of integers, got (1.0, 2)"),
    (pad, (row, (True, 2)), {}, "TypeError: pad: pad must be a sequence of integers, got (True, 2)"),
    (pad, (row, (1,)), {}, "ValueError: pad: pad must be pairs (before, after), starting with the last axis, got (1,)"),
    (pad, (row, (1,) * 6), {}, "ValueError: pad: pad has 3 pairs but input has 2 axes (1, 3)"),
    (pad, (row, (1, 1), "same"), {}, "ValueError: pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got 'same'"),
    (pad, (row, (1, 1), "reflect", 2), {}, "ValueError: pad: mode 'reflect' takes its values from the image; value=2 has no meaning"),
    (pad, (row, (1, 1, 1, 1), "reflect"), {}, "ValueError: pad: mode 'reflect' pads the last 1, 2 or 3 axes of an input with one or two more axes before them; got 2 pairs for input (1, 3)"),
    (pad, (row, (3, 0), "reflect"), {}, "ValueError: pad: 'reflect' can add at most 2 pixels on a side of axis 1 of size 3, got (3, 0)"),
    (pad, (row, (0, 4), "circular"), {}, "ValueError: pad: 'circular' can add at most 3 pixels on a side of axis 1 of size 3, got (0, 4)"),
    (pad, (row, (-2, 2), "circular"), {}, "ValueError: pad: 'circular' can add at most 1 pixels on a side of axis 1 of size 3, got (-2, 2)"),
    (pad, (row, (-2, -2)), {}, "ValueError: pad: (-2, -2) leaves nothing of axis 1 of size 3"),
    (pad, (row, (-2, -1), "reflect"), {}, "ValueError: pad: (-2, -1) leaves nothing of axis 1 of size 3"),
    (pad, (row, (-1, -2), "replicate"), {}, "ValueError: pad: (-1, -2) leaves nothing of axis 1 of size 3"),
    (pad, (row, (1, 1)), {"value": "a"}, "TypeError: pad: value must be a real number, got 'a'"),
    (pad, (row, (1, 1)), {"value": 1j}, "TypeError: pad: value must be a real number, got 1j"),
    (pad, (zeros(3, dtype="uint8"), (1, 1)), {"value": -1}, "ValueError: pad: value=-1 does not fit into uint8"),
    (pad, (zeros(3, dtype="int8"), (1, 1)), {"value": 127.5}, "ValueError: pad: value=127.5 does not fit into int8"),
    (pad, (zeros(3, dtype="int64"), (1, 1)), {"value": float("nan")}, "ValueError: pad: value=nan does not fit into int64"),
    (pad, (zeros(3, dtype="float16"), (1, 1)), {"value": 65505}, "ValueError: pad: value=65505 does not fit into float16"),
    (pad, (zeros(3, dtype="float32"), (1, 1)), {"value": -1e39}, "ValueError: pad: value=-1e+39 does not fit into float32"),
    (pad, (row, (2**40, 0)), {}, "ValueError: pad: the padded input would take 8192 GiB, more than the 64 GiB that are allowed"),
    (pad, (zeros(0, 3), (2**40, 0), "replicate"), {}, "ValueError: pad: the padded input would take 8192 GiB, more than the 64 GiB that are allowed"),
    (pad, (row, (1, 10**30)), {}, "ValueError: pad: pad must be at most 2^62, got (1, 1000000000000000000000000000000)"),
    (pad, (row, b"ab"), {}, "TypeError: pad: pad must be a sequence of integers, got b'ab'"),
    (pad, (row, (1, 1), ["constant"]), {}, "ValueError: pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got ['constant']"),
    (pad, (row, (1, 1), "reflect", "a"), {}, "TypeError: pad: value must be a real number, got 'a'"),
    (pad, (row, (1, 1)), {"value": 10**400}, "ValueError: pad: value=an integer of 1329 bits does not fit into float64"),
    (unfold, (zeros(0, 1, 2, 3), 1), {"padding": 2**62}, f"ValueError: unfold: the result and its scratch would take {2 * (2 + 2**63) * (3 + 2**63) * 8 // 2**30} GiB, more than the 64 GiB that are allowed"),
    (sliding_windows, ([1], (3,)), {}, "TypeError: sliding_windows: input must be a NumPy array or a torch tensor, got list"),
    (sliding_windows, (row, 3), {}, "TypeError: sliding_windows: kernel_size must be a sequence of integers, got 3"),
    (sliding_windows, (row, (0,)), {}, "ValueError: sliding_windows: kernel_size must be at least 1, got (0,)"),
    (sliding_windows, (row, (1, 1, 1)), {}, "ValueError: sliding_windows: input (1, 3) has fewer axes than kernel_size (1, 1, 1)"),
    (sliding_windows, (row, (2,)), {"stride": 0}, "ValueError: sliding_windows: stride must be at least 1, got 0"),
    (sliding_windows, (row, (2,)), {"dilation": 3}, "ValueError: sliding_windows: the kernel spans 4 pixels (dilation 3 spreads 2 taps) along spatial axis 0, but the padded input has 3 (size 3, padding 0 + 0)"),
    (pad_backward, ([1], (1, 1), (0, 0)), {}, "TypeError: pad_backward: grad_output must be a NumPy array or a torch tensor, got list"),
    (pad_backward, (row, 3, (0, 0)), {}, "TypeError: pad_backward: input_size must be a sequence of integers, got 3"),
    (pad_backward, (row, (1, 3), (0,)), {}, "ValueError: pad_backward: pad must be pairs (before, after), starting with the last axis, got (0,)"),
    (pad_backward, (row, (1, 3), (1, 0)), {}, "ValueError: pad_backward: grad_output is (1, 3) but the output for input (1, 3) is (1, 4)"),
    (pad_backward, (row, (1, 2), (1, 0), "same"), {}, "ValueError: pad_backward: mode must be 'constant', 'reflect', 'replicate' or 'circular', got 'same'"),
    (pad_backward, (row, (1, 1), (2, 0), "reflect"), {}, "ValueError: pad_backward: 'reflect' can add at most 0 pixels on a side of axis 1 of size 1, got (2, 0)"),
    (pad_backward, (zeros(1, 3, dtype="int64"), (1, 3), (0, 0)), {}, "TypeError: pad_backward: gradients are of real floating-point numbers, got int64"),
    (pad_backward, (row, (1, 2**40), (0, 3 - 2**40)), {}, "ValueError: pad_backward: the gradient would take 8192 GiB, more than the 64 GiB that are allowed"),
    (unfold, ([1], 2), {}, "TypeError: unfold: input must be a NumPy array or a torch tensor, got list"),
    (unfold, (row, 2), {}, "ValueError: unfold: input must be (N, C, H, W) or (C, H, W), got (1, 3)"),
    (unfold, (zeros(1, 0, 4, 4), 2), {}, "ValueError: unfold: only the batch may be empty, got (1, 0, 4, 4)"),
    (unfold, (zeros(1, 0, 4), 2), {"padding": 2}, "ValueError: unfold: only the batch may be empty, got (1, 0, 4)"),
    (unfold, (image, 5), {}, "ValueError: unfold: the kernel spans 5 pixels along spatial axis 0, but the padded input has 4 (size 4, padding 0 + 0)"),
    (unfold, (image, 2), {"padding": -1}, "ValueError: unfold: padding must be at least 0, got -1"),
    (unfold, (image, 2), {"padding": "same"}, "TypeError: unfold: padding must be an integer or 2 integers, got 'same'"),
    (unfold, (zeros(1, 2**16, 2**16), 2), {}, "ValueError: unfold: the result and its scratch would take 160 GiB, more than the 64 GiB that are allowed"),
    (unfold, (image, 1), {"padding": 2**18, "stride": 2**18}, "ValueError: unfold: the result and its scratch would take 2048 GiB, more than the 64 GiB that are allowed"),
    (unfold, (zeros(2**10, 2**12, 2**12), 1), {}, "ValueError: unfold: the result and its scratch would take 256 GiB, more than the 64 GiB that are allowed"),
    (unfold, (image, 2.0), {}, "TypeError: unfold: kernel_size must be an integer or 2 integers, got 2.0"),
    (unfold, (image, 2), {"stride": 0}, "ValueError: unfold: stride must be at least 1, got 0"),
    (unfold, (image, 2), {"dilation": 0}, "ValueError: unfold: dilation must be at least 1, got 0"),
    (fold, (zeros(4, 4), 3, 0), {}, "ValueError: fold: kernel_size must be at least 1, got 0"),
    (fold, (zeros(4, 4), 3, 2), {"stride": 1.5}, "TypeError: fold: stride must be an integer or 2 integers, got 1.5"),
    (fold, (zeros(4, 4), 3, 2), {"padding": -1}, "ValueError: fold: padding must be at least 0, got -1"),
    (fold, (zeros(4, 4), 3, 2), {"dilation": "1"}, "TypeError: fold: dilation must be an integer or 2 integers, got '1'"),
    (fold, (zeros(4, 4), 3, 4), {}, "ValueError: fold: the kernel spans 4 pixels along spatial axis 0, but the padded input has 3 (size 3, padding 0 + 0)"),
    (fold, (zeros(2**11, 2**12, 1), 1, 1), {"padding": 2**6, "stride": 2**7 + 1}, "ValueError: fold: the image would take 1040 GiB, more than the 64 GiB that are allowed"),
    (fold, ([1], 3, 2), {}, "TypeError: fold: input must be a NumPy array or a torch tensor, got list"),
    (fold, (image.make("numpy")[None].tolist(), 3, 2), {}, "TypeError: fold: input must be a NumPy array or a torch tensor, got list"),
    (fold, (zeros(4), 3, 2), {}, "ValueError: fold: input must be (N, C*kh*kw, L) or (C*kh*kw, L), got (4,)"),
    (fold, (zeros(5, 4), 3, 2), {}, "ValueError: fold: input has 5 rows, not a multiple of the 4 taps of kernel_size (2, 2)"),
    (fold, (zeros(0, 4), 3, 2), {}, "ValueError: fold: input has 0 rows, not a multiple of the 4 taps of kernel_size (2, 2)"),
    (fold, (zeros(4, 5), 3, 2), {}, "ValueError: fold: input has 5 columns but output_size (3, 3) has 4 positions (2, 2)"),
    (fold, (zeros(4, 4), 0, 2), {}, "ValueError: fold: output_size must be at least 1, got 0"),
    (fold, (zeros(4, 4), (3, 3.0), 2), {}, "TypeError: fold: output_size must be an integer or 2 integers, got (3, 3.0)"),
    (fold, (zeros(1, 1), 2**18, 1), {"stride": 2**18}, "ValueError: fold: the image would take 512 GiB, more than the 64 GiB that are allowed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"), WRONG, ids=[row[-1] for row in WRONG]
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)


def test_the_mirror_may_not_be_larger_than_the_image_but_the_wrap_may_be_as_large():
    with pytest.raises(ValueError, match="at most 2 pixels"):
        pad(ramp(1, 3), (3, 0), "reflect")
    assert pad(ramp(1, 3), (3, 0), "circular").tolist() == [[1, 2, 3, 1, 2, 3]]

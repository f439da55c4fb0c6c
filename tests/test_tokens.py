# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import assert_agree, ramp, tensor, zeros
from catalogue import assert_refused
from hypothesis import given
from hypothesis import strategies as st

from convlib import (
    conv2d,
    fold,
    from_tokens,
    patchify,
    position_encoding_2d,
    scaled_dot_product_attention,
    to_tokens,
    unfold,
    unpatchify,
)
from convlib.oracles import (
    finite_difference,
    patchify_loops,
    position_encoding_2d_loops,
    to_tokens_loops,
)

# --- one pixel, one token ---------------------------------------------------------------------------------

MAP = np.array([[[[1, 2], [3, 4]], [[10, 20], [30, 40]]]])  # two channels of 2 x 2 pixels


@st.composite
def maps(draw):
    """(N, C, *spatial) with one to three spatial axes, some of them empty."""
    axes = draw(st.lists(st.integers(0, 4), min_size=1, max_size=3))
    shape = (draw(st.integers(0, 2)), draw(st.integers(0, 3)), *axes)
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).normal(size=shape)


def test_a_token_holds_all_the_channels_of_its_pixel():
    assert to_tokens(MAP).tolist() == [[[1, 10], [2, 20], [3, 30], [4, 40]]]


def test_a_reshape_has_the_same_shape_and_holds_neighbours_of_one_channel():
    wrong = MAP.reshape(1, 4, 2)
    assert wrong.shape == to_tokens(MAP).shape
    assert wrong.tolist() == [[[1, 2], [3, 4], [10, 20], [30, 40]]]


def test_a_reshape_is_right_for_one_channel_or_one_pixel_alone():
    for shape in ((2, 1, 3, 4), (2, 5, 1, 1)):
        image = ramp(*shape)
        assert_agree(to_tokens(image), image.reshape(2, -1, shape[1]))


def test_tokens_stand_in_reading_order():
    image = ramp(1, 1, 2, 3, 4)
    assert to_tokens(image).ravel().tolist() == list(range(1, 2 * 3 * 4 + 1))


@given(maps())
def test_loops_arrays_tensors_and_torch_agree(image):
    size = image.shape[2:]
    tokens = to_tokens(image)
    assert_agree(tokens, to_tokens_loops(image))
    assert_agree(tokens, torch.tensor(image).flatten(2).transpose(1, 2))
    assert_agree(to_tokens(torch.tensor(image)), tokens)
    back = from_tokens(tokens, size)
    assert_agree(back, image)
    assert_agree(from_tokens(torch.tensor(tokens), tuple(size)), image)


@given(maps())
def test_there_and_back_in_either_order_changes_nothing(image):
    assert_agree(from_tokens(to_tokens(image), image.shape[2:]), image)
    tokens = to_tokens(image)
    assert_agree(to_tokens(from_tokens(tokens, list(image.shape[2:]))), tokens)


@given(st.integers(0, 2**32 - 1))
def test_each_sends_back_the_gradient_of_the_other(seed):
    """<T x, g> = <x, T^-1 g>: the inverse of a permutation is its adjoint."""
    random = np.random.default_rng(seed)
    image, grad = random.normal(size=(2, 3, 4, 5)), random.normal(size=(2, 20, 3))
    assert math.isclose((to_tokens(image) * grad).sum(), (image * from_tokens(grad, (4, 5))).sum())
    leaf = torch.tensor(image, requires_grad=True)
    to_tokens(leaf).backward(tensor(grad))
    assert_agree(from_tokens(grad, (4, 5)), leaf.grad)
    leaf = torch.tensor(grad, requires_grad=True)
    from_tokens(leaf, (4, 5)).backward(tensor(image))
    assert_agree(to_tokens(image), leaf.grad)


def test_a_linear_layer_on_tokens_is_a_convolution_with_kernels_of_one_pixel():
    random = np.random.default_rng(0)
    image, weight = random.normal(size=(2, 3, 4, 5)), random.normal(size=(6, 3))
    mixed = from_tokens(to_tokens(image) @ weight.T, (4, 5))
    assert_agree(mixed, conv2d(image, weight[:, :, None, None]))


@given(seed=st.integers(0, 2**32 - 1))
def test_self_attention_over_pixels_does_not_know_where_they_are(seed):
    """Shuffled pixels are answered shuffled, until positions are added to them."""
    random = np.random.default_rng(seed)
    image = random.normal(size=(2, 4, 3, 3))
    order = random.permutation(9)
    while (order == np.arange(9)).all():
        order = random.permutation(9)
    places = position_encoding_2d(3, 4)

    def attend(tokens):
        return scaled_dot_product_attention(tokens, tokens, tokens)

    tokens = to_tokens(image)
    assert_agree(attend(tokens[:, order]), attend(tokens)[:, order])
    assert_agree(attend(tokens[:, order]).mean(axis=1), attend(tokens).mean(axis=1))
    moved, placed = attend(tokens[:, order] + places), attend(tokens + places)
    assert not np.allclose(moved, placed[:, order])
    assert not np.allclose(moved.mean(axis=1), placed.mean(axis=1))


# --- where a token came from ------------------------------------------------------------------------------


def test_the_first_place_has_no_angle_at_all():
    assert position_encoding_2d((2, 3), 8)[0].tolist() == [0, 1, 0, 1, 0, 1, 0, 1]


def test_each_half_turns_with_its_own_axis():
    table = position_encoding_2d((2, 3), 4).reshape(2, 3, 4)
    for y in range(2):
        for x in range(3):
            assert_agree(table[y, x], np.array([np.sin(y), np.cos(y), np.sin(x), np.cos(x)]))


def test_each_pair_turns_slower_than_the_one_before():
    table = position_encoding_2d((1, 2), 16)  # four pairs for x, with the rates 1, 1/10, 1/100, 1/1000
    angles = np.arctan2(table[1, 8::2], table[1, 9::2])
    np.testing.assert_allclose(angles, [1, 1 / 10, 1 / 100, 1 / 1000])


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
def test_the_loops_agree_about_positions(height, width, quarter):
    table = position_encoding_2d((height, width), 4 * quarter)
    assert table.flags.c_contiguous and table.flags.writeable
    assert_agree(table, position_encoding_2d_loops((height, width), 4 * quarter))


def test_a_single_number_is_the_side_of_a_square():
    assert_agree(position_encoding_2d(3, 8), position_encoding_2d((3, 3), 8))
    assert_agree(position_encoding_2d([2, 3], np.uint8(200)), position_encoding_2d((2, 3), 200))


def test_how_alike_two_places_are_depends_on_how_far_apart_they_lie():
    table = position_encoding_2d((6, 7), 32).reshape(6, 7, 32)
    alike = np.einsum("yxf,uvf->yxuv", table, table)
    for dy, dx in ((0, 1), (2, 0), (3, 4)):
        pairs = [alike[y, x, y + dy, x + dx] for y in range(6 - dy) for x in range(7 - dx)]
        np.testing.assert_allclose(pairs, pairs[0])
        assert pairs[0] < alike[0, 0, 0, 0]
    np.testing.assert_allclose(np.einsum("yxyx->yx", alike), 32 / 2)  # sin^2 + cos^2 for every pair


def test_no_two_places_of_a_large_map_are_alike():
    table = position_encoding_2d((32, 40), 16)
    gaps = np.linalg.norm(table[:, None] - table[None], axis=-1)
    np.fill_diagonal(gaps, np.inf)
    assert gaps.min() > 0.5


# --- one patch, one token ---------------------------------------------------------------------------------


@st.composite
def tilings(draw):
    """An image, its patch size and its stride, with all the forms of the options."""
    patch = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    size = [p + draw(st.integers(0, 5)) for p in patch]
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 3)), *size)
    image = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).normal(size=shape)
    return image, patch, draw(st.sampled_from([None, stride, list(stride)]))


@given(tilings())
def test_patches_are_the_columns_of_unfold_laid_as_rows(tiling):
    image, patch, stride = tiling
    step = patch if stride is None else tuple(stride)
    patches = patchify(image, patch, stride)
    assert_agree(patches, patchify_loops(image, patch, step))
    assert_agree(patches, unfold(image, patch, stride=step).swapaxes(1, 2))
    assert_agree(patchify(torch.tensor(image), patch, stride), patches)
    if len(image):  # torch's unfold of no images has another shape
        assert_agree(patches, F.unfold(torch.tensor(image), patch, stride=step).transpose(1, 2))


@given(tilings())
def test_a_linear_layer_on_patches_is_a_convolution_with_their_stride(tiling):
    image, patch, stride = tiling
    step = patch if stride is None else tuple(stride)
    weight = np.random.default_rng(0).normal(size=(4, image.shape[1], *patch))
    embedded = patchify(image, patch, stride) @ weight.reshape(4, -1).T
    assert_agree(embedded, to_tokens(conv2d(image, weight, stride=step)))


def test_patches_of_one_pixel_are_the_tokens():
    image = ramp(2, 3, 4, 5)
    assert_agree(patchify(image, 1), to_tokens(image))


def test_a_patch_of_the_whole_image_is_one_token():
    image = ramp(2, 3, 4, 5)
    assert_agree(patchify(image, (4, 5)), image.reshape(2, 1, 60))
    assert_agree(unpatchify(image.reshape(2, 1, 60), (4, 5), (4, 5)), image)


def test_what_is_no_whole_patch_is_left_out_as_in_a_convolution():
    image = ramp(1, 1, 3, 5)
    assert patchify(image, 2).tolist() == [[[1, 2, 6, 7], [3, 4, 8, 9]]]


def covers(n, p, s):
    return {x for start in range(0, n - p + 1, s) for x in range(start, start + p)} == set(range(n))


@given(tilings())
def test_unpatchify_takes_patchify_back_wherever_no_pixel_is_left_out(tiling):
    image, patch, stride = tiling
    size = image.shape[2:]
    step = patch if stride is None else tuple(stride)
    for make in (np.asarray, torch.tensor):
        tokens = patchify(make(image), patch, stride)
        if all(map(covers, size, patch, step)):
            assert_agree(unpatchify(tokens, size, patch, stride), image)
        else:
            with pytest.raises(ValueError, match=f"do not cover an image of \\({size[0]}, {size[1]}\\)"):
                unpatchify(tokens, size, patch, stride)


def test_patches_that_overlap_are_averaged():
    tokens = np.array([[[1.0, 3.0], [5.0, 7.0], [9.0, 2.0]]])  # of pixels 0 1, 1 2 and 2 3
    expected = [[[[1, (3 + 5) / 2, (7 + 9) / 2, 2]]]]
    for make in (np.asarray, torch.tensor):
        assert unpatchify(make(tokens), (1, 4), (1, 2), 1).tolist() == expected
    assert fold(tokens.swapaxes(1, 2), (1, 4), (1, 2)).tolist() == [[[[1, 3 + 5, 7 + 9, 2]]]]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "complex128"])
def test_patches_that_tile_may_be_of_any_number_type(dtype):
    image = (ramp(2, 3, 4, 6) % 5).astype(dtype)
    for make in (np.asarray, torch.tensor):
        assert_agree(unpatchify(patchify(make(image), (2, 3)), (4, 6), (2, 3)), image)
        alone = patchify(make(image), (4, 6), 1)  # which overlaps with nothing
        assert_agree(unpatchify(alone, (4, 6), (4, 6), 1), image)


def test_patches_that_tile_are_put_back_as_they_are_and_not_by_arithmetic():
    image = ramp(1, 1, 4, 6, dtype="int64") + 2**62  # a double would round these
    for make in (np.asarray, torch.tensor):
        np.testing.assert_array_equal(unpatchify(patchify(make(image), 2), (4, 6), 2), image)


def test_means_of_half_precision_are_rounded_once():
    tokens = np.full((1, 3, 3), 40000, "float16")  # whose sum no half number holds
    for make in (np.asarray, torch.tensor):
        assert unpatchify(make(tokens), (1, 5), (1, 3), 1).tolist() == [[[[40000] * 5]]]


@given(tilings())
def test_the_gradient_of_patches_is_fold(tiling):
    image, patch, stride = tiling
    size = image.shape[2:]
    step = patch if stride is None else tuple(stride)
    leaf = torch.tensor(image, requires_grad=True)
    output = patchify(leaf, patch, stride)
    grad = np.random.default_rng(1).normal(size=tuple(output.shape))
    output.backward(tensor(grad))
    if all(map(covers, size, patch, step)) and step == patch:
        assert_agree(unpatchify(grad, size, patch), leaf.grad)
    assert_agree(fold(grad.swapaxes(1, 2), size, patch, stride=step), leaf.grad)


@pytest.mark.parametrize(("patch", "stride"), [((2, 3), None), ((3, 2), (1, 2)), ((3, 3), (2, 1))])
def test_the_gradient_of_putting_back_is_taking_apart(patch, stride):
    random = np.random.default_rng(0)
    size, step = [p + 2 * s for p, s in zip(patch, stride or patch, strict=True)], stride or patch
    tokens = random.normal(size=(2, 9, 2 * math.prod(patch)))
    grad = random.normal(size=(2, 2, *size))
    held_by = fold(unfold(np.ones((1, 1, *size)), patch, stride=step), size, patch, stride=step)
    expected = patchify(grad / held_by, patch, stride)
    leaf = torch.tensor(tokens, requires_grad=True)
    unpatchify(leaf, size, patch, stride).backward(tensor(grad))
    assert_agree(expected, leaf.grad)
    numeric = finite_difference(lambda moved: (grad * unpatchify(moved, size, patch, stride)).sum(), tokens)
    assert_agree(expected, numeric, 1e-6)


# --- wrong calls ------------------------------------------------------------------------------------------

large = zeros(2**12, 2**12, 2**6, 2**4)  # 2^34 numbers of 8 bytes

WRONG = [
    (to_tokens, ([[1]],), {}, "TypeError: to_tokens: input must be a NumPy array or a torch tensor, got list"),
    (to_tokens, (zeros(4, 5),), {}, "ValueError: to_tokens: input must be (N, C, H, W), or have another number of spatial axes, got (4, 5)"),
    (to_tokens, (large,), {}, "ValueError: to_tokens: the result would take 128 GiB, more than the 64 GiB that are allowed"),
    (from_tokens, (None, (2, 3)), {}, "TypeError: from_tokens: tokens must be a NumPy array or a torch tensor, got NoneType"),
    (from_tokens, (zeros(6, 4), (2, 3)), {}, "ValueError: from_tokens: tokens must be (N, L, C), got (6, 4)"),
    (from_tokens, (zeros(1, 1, 6, 4), (2, 3)), {}, "ValueError: from_tokens: tokens must be (N, L, C), got (1, 1, 6, 4)"),
    (from_tokens, (zeros(1, 6, 4), 6), {}, "TypeError: from_tokens: size must be a sequence of integers, got 6"),
    (from_tokens, (zeros(1, 6, 4), (2.0, 3)), {}, "TypeError: from_tokens: size must be a sequence of integers, got (2.0, 3)"),
    (from_tokens, (zeros(1, 6, 4), (-2, -3)), {}, "ValueError: from_tokens: size must be at least 0, got (-2, -3)"),
    (from_tokens, (zeros(1, 1, 4), ()), {}, "ValueError: from_tokens: size must have 1 to 62 entries, got 0"),
    (from_tokens, (zeros(1, 1, 4), (1,) * 63), {}, "ValueError: from_tokens: size must have 1 to 62 entries, got 63"),
    (from_tokens, (zeros(1, 6, 4), (2, 4)), {}, "ValueError: from_tokens: 6 tokens do not fill a map of (2, 4), 8 pixels"),
    (from_tokens, (zeros(1, 6, 4), (2,)), {}, "ValueError: from_tokens: 6 tokens do not fill a map of (2,), 2 pixels"),
    (from_tokens, (zeros(2**12, 2**10, 2**12), (2**5, 2**5)), {}, "ValueError: from_tokens: the result would take 128 GiB, more than the 64 GiB that are allowed"),
    (position_encoding_2d, ((2, 3, 4), 8), {}, "ValueError: position_encoding_2d: size must be one integer or 2, got (2, 3, 4)"),
    (position_encoding_2d, ((2, 0), 8), {}, "ValueError: position_encoding_2d: size must be at least 1, got (2, 0)"),
    (position_encoding_2d, (2.0, 8), {}, "TypeError: position_encoding_2d: size must be an integer or 2 integers, got 2.0"),
    (position_encoding_2d, (2, 6), {}, "ValueError: position_encoding_2d: features must be a multiple of 4, a sine and a cosine for each axis, got 6"),
    (position_encoding_2d, (2, 0), {}, "ValueError: position_encoding_2d: features must be at least 1, got 0"),
    (position_encoding_2d, (2, (8,)), {}, "TypeError: position_encoding_2d: features must be an integer, got (8,)"),
    (position_encoding_2d, (2**15, 16), {}, "ValueError: position_encoding_2d: the result would take 128 GiB, more than the 64 GiB that are allowed"),
    (patchify, (3, 2), {}, "TypeError: patchify: input must be a NumPy array or a torch tensor, got int"),
    (patchify, (zeros(3, 4, 4), 2), {}, "ValueError: patchify: input must be (N, C, H, W), got (3, 4, 4)"),
    (patchify, (zeros(1, 3, 4, 6), 5), {}, "ValueError: patchify: a patch of (5, 5) does not fit into an image of (4, 6)"),
    (patchify, (zeros(1, 3, 6, 4), (2, 5)), {}, "ValueError: patchify: a patch of (2, 5) does not fit into an image of (6, 4)"),
    (patchify, (zeros(1, 3, 4, 4), 0), {}, "ValueError: patchify: patch_size must be at least 1, got 0"),
    (patchify, (zeros(1, 3, 4, 4), 2.0), {}, "TypeError: patchify: patch_size must be an integer or 2 integers, got 2.0"),
    (patchify, (zeros(1, 3, 4, 4), (2, 2, 2)), {}, "ValueError: patchify: patch_size must be one integer or 2, got (2, 2, 2)"),
    (patchify, (zeros(1, 3, 4, 4), 2, 0), {}, "ValueError: patchify: stride must be at least 1, got 0"),
    (patchify, (zeros(1, 3, 4, 4), 2, "1"), {}, "TypeError: patchify: stride must be an integer or 2 integers, got '1'"),
    (patchify, (zeros(1, 2**7, 2**13, 2**13), 2), {"stride": 1}, "ValueError: patchify: the result would take 256 GiB, more than the 64 GiB that are allowed"),
    (unpatchify, ("x", 4, 2), {}, "TypeError: unpatchify: tokens must be a NumPy array or a torch tensor, got str"),
    (unpatchify, (zeros(4, 12), 4, 2), {}, "ValueError: unpatchify: tokens must be (N, L, C*ph*pw), got (4, 12)"),
    (unpatchify, (zeros(1, 4, 12), (4, 4, 4), 2), {}, "ValueError: unpatchify: size must be one integer or 2, got (4, 4, 4)"),
    (unpatchify, (zeros(1, 4, 12), 4, 5), {}, "ValueError: unpatchify: a patch of (5, 5) does not fit into an image of (4, 4)"),
    (unpatchify, (zeros(1, 4, 12), 4, 2, (1, 1, 1)), {}, "ValueError: unpatchify: stride must be one integer or 2, got (1, 1, 1)"),
    (unpatchify, (zeros(1, 4, 10), 4, 2), {}, "ValueError: unpatchify: 10 features are not so many channels of (2, 2) pixels each"),
    (unpatchify, (zeros(1, 4, 0), 4, 2), {}, "ValueError: unpatchify: 0 features are not so many channels of (2, 2) pixels each"),
    (unpatchify, (zeros(1, 5, 12), 4, 2), {}, "ValueError: unpatchify: got 5 tokens, but an image of (4, 4) has 4 patches, (2, 2)"),
    (unpatchify, (zeros(1, 6, 12), (4, 7), 2), {}, "ValueError: unpatchify: (2, 3) patches of (2, 2) do not cover an image of (4, 7)"),
    (unpatchify, (zeros(1, 4, 12), (5, 5), 2, 3), {}, "ValueError: unpatchify: (2, 2) patches of (2, 2) do not cover an image of (5, 5)"),
    (unpatchify, (zeros(1, 9, 4, dtype="int64"), 4, 2, 1), {}, "TypeError: unpatchify: patches that overlap are averaged, which needs floating-point or complex numbers, got int64"),
    (unpatchify, (zeros(2**12, 4, 2**20), 2**7, 2**6), {}, "ValueError: unpatchify: the result and its scratch would take 256 GiB, more than the 64 GiB that are allowed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"),
    WRONG,
    ids=[f"{case[-1]} {i}" for i, case in enumerate(WRONG)],
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)

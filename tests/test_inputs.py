"""Arrays of every kind, for every operation: one line of `CALLS` each.

A line takes `a`, which makes the arrays of the call, and n, the number of images. The same line is then
called with views of every layout, in every number type, with no image at all, and with tensors.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from agreement import assert_agree

import convlib
from convlib import (
    channel_shuffle,
    conv1d,
    conv1d_input,
    conv1d_weight,
    conv2d,
    conv2d_backward,
    conv2d_input,
    conv2d_weight,
    conv3d,
    conv3d_input,
    conv3d_weight,
    conv_matrix,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose2d_backward,
    conv_transpose3d,
    convolve2d,
    correlate2d,
    fold,
    icnr,
    interpolate,
    interpolate_backward,
    pad,
    pixel_shuffle,
    pixel_unshuffle,
    unfold,
)

CALLS: dict[str, Callable[..., Any]] = {
    "conv1d": lambda a, n: conv1d(a(n, 4, 9), a(2, 2, 3), a(2), stride=2, padding=1, groups=2),
    "conv1d, one sequence": lambda a, n: conv1d(a(2, 9), a(3, 2, 4), padding="same"),
    "conv2d": lambda a, n: conv2d(a(n, 4, 5, 6), a(4, 2, 3, 2), a(4), (2, 1), (1, 2), (1, 2), 2),
    "conv2d, one pixel kernels": lambda a, n: conv2d(a(n, 3, 4, 5), a(2, 3, 1, 1)),
    "conv2d, one image": lambda a, n: conv2d(a(2, 5, 6), a(3, 2, 2, 4), padding="same"),
    "conv3d": lambda a, n: conv3d(a(n, 2, 4, 3, 4), a(2, 2, 2, 3, 2), a(2), stride=2, padding=1),
    "conv1d_input": lambda a, n: conv1d_input((n, 2, 9), a(3, 2, 4), a(n, 3, 3), stride=2),
    "conv2d_input": lambda a, n: conv2d_input((n, 4, 6, 5), a(2, 2, 3, 3), a(n, 2, 3, 3), 2, 1, groups=2),
    "conv2d_input, one image": lambda a, n: conv2d_input((2, 5, 6), a(3, 2, 2, 4), a(3, 4, 3)),
    "conv3d_input": lambda a, n: conv3d_input((n, 2, 3, 3, 3), a(2, 2, 2, 2, 2), a(n, 2, 2, 2, 2)),
    "conv1d_weight": lambda a, n: conv1d_weight(a(n, 2, 9), (3, 2, 4), a(n, 3, 3), stride=2),
    "conv2d_weight": lambda a, n: conv2d_weight(a(n, 4, 6, 5), (2, 2, 3, 3), a(n, 2, 3, 3), 2, 1, groups=2),
    "conv2d_weight, one image": lambda a, n: conv2d_weight(a(2, 5, 6), (3, 2, 2, 4), a(3, 4, 3)),
    "conv3d_weight": lambda a, n: conv3d_weight(a(n, 2, 3, 3, 3), (2, 2, 2, 2, 2), a(n, 2, 2, 2, 2)),
    "conv2d_backward": lambda a, n: conv2d_backward(a(n, 3, 4, 5), a(n, 2, 4, 5), a(3, 2, 3, 3), padding=1),
    "conv_matrix": lambda a, n: conv_matrix(a(3, 2, 2, 3), (2, 4, 3), padding="same"),
    "correlate2d": lambda a, n: correlate2d(a(4, 5), a(2, 3), "same"),
    "correlate2d, valid": lambda a, n: correlate2d(a(4, 5), a(2, 3), "valid"),
    "convolve2d": lambda a, n: convolve2d(a(4, 5), a(2, 3)),
    "conv_transpose1d": lambda a, n: conv_transpose1d(a(n, 4, 3), a(4, 2, 3), a(4), 3, 1, 2, 2, 2),
    "conv_transpose2d": lambda a, n: conv_transpose2d(a(n, 4, 3, 2), a(4, 1, 3, 2), a(2), (2, 1), groups=2),
    "conv_transpose2d, one image": lambda a, n: conv_transpose2d(a(2, 3, 2), a(2, 3, 2, 2), padding=1),
    "conv_transpose3d": lambda a, n: conv_transpose3d(a(n, 2, 2, 1, 2), a(2, 1, 2, 1, 2), None, 2, 0, 1),
    "conv_transpose1d_backward": lambda a, n: convlib.conv_transpose1d_backward(
        a(n, 3, 7), a(n, 2, 3), a(2, 3, 3), 2
    ),
    "conv_transpose3d_backward": lambda a, n: convlib.conv_transpose3d_backward(
        a(n, 2, 4, 4, 4), a(n, 1, 2, 2, 2), a(1, 2, 3, 3, 3)
    ),
    "pad_backward": lambda a, n: convlib.pad_backward(a(n, 5, 4), (n, 3, 4), (1, -1, 2, 0)),
    "pad_backward, nothing": lambda a, n: convlib.pad_backward(a(n, 5, 4), (n, 5, 4), ()),
    "pad_backward, circular": lambda a, n: convlib.pad_backward(a(n, 5, 7), (n, 5, 4), (1, 2), "circular"),
    "conv_transpose2d_backward": lambda a, n: conv_transpose2d_backward(
        a(n, 3, 6, 4), a(n, 2, 3, 2), a(2, 3, 3, 3), 2, 1, 1
    ),
    "pixel_shuffle": lambda a, n: pixel_shuffle(a(n, 8, 2, 3), 2),
    "pixel_unshuffle": lambda a, n: pixel_unshuffle(a(n, 2, 4, 6), 2),
    "icnr": lambda a, n: icnr(a(n, 2, 3, 3), 2),
    "channel_shuffle": lambda a, n: channel_shuffle(a(n, 6, 3), 2),
    "channel_shuffle, one group": lambda a, n: channel_shuffle(a(n, 6, 3), 1),
    "pad": lambda a, n: pad(a(n, 3, 4), (1, -1, 2, 0), value=1),
    "pad, nothing": lambda a, n: pad(a(n, 3, 4), (0, 0)),
    "pad, no axis": lambda a, n: pad(a(n, 3, 4), ()),
    "pad, reflect": lambda a, n: pad(a(n, 3, 4), (1, 2), "reflect"),
    "pad, replicate": lambda a, n: pad(a(n, 3, 3, 4), (1, 2, 2, 0), "replicate"),
    "pad, circular": lambda a, n: pad(a(n, 3, 3, 4), (1, 2, 2, -1), "circular"),
    "unfold": lambda a, n: unfold(a(n, 2, 5, 6), (2, 3), 2, 1, 2),
    "unfold, pixels": lambda a, n: unfold(a(n, 2, 5, 6), 1),
    "unfold, one image": lambda a, n: unfold(a(2, 5, 6), (5, 6)),
    "fold": lambda a, n: fold(a(n, 8, 12), (5, 6), 2, padding=1, stride=2),
    "fold, pixels": lambda a, n: fold(a(n, 2, 12), (3, 4), 1),
    "interpolate, nearest": lambda a, n: interpolate(a(n, 2, 4, 6), (5, 3)),
    "interpolate, nearest-exact": lambda a, n: interpolate(a(n, 1, 4), 4, mode="nearest-exact"),
    "interpolate, linear": lambda a, n: interpolate(a(n, 2, 5), scale_factor=1.7, mode="linear"),
    "interpolate, bilinear": lambda a, n: interpolate(a(n, 2, 4, 6), 7, mode="bilinear", align_corners=True),
    "interpolate, same size": lambda a, n: interpolate(a(n, 2, 4, 6), (4, 6), mode="bilinear"),
    "interpolate, bicubic": lambda a, n: interpolate(a(n, 2, 4, 6), (4, 9), mode="bicubic"),
    "interpolate, lanczos": lambda a, n: interpolate(a(n, 2, 4, 6), (4, 3), mode="lanczos", antialias=True),
    "interpolate, trilinear": lambda a, n: interpolate(a(n, 1, 3, 4, 2), (3, 4, 2), mode="trilinear"),
    "interpolate, area": lambda a, n: interpolate(a(n, 2, 4, 6), (3, 5), mode="area"),
    "interpolate_backward": lambda a, n: interpolate_backward(
        a(n, 2, 5, 5), (n, 2, 4, 6), 5, mode="bilinear"
    ),
    "interpolate_backward, same": lambda a, n: interpolate_backward(a(n, 2, 5), (n, 2, 5), 5, mode="linear"),
    "max_pool1d": lambda a, n: convlib.max_pool1d(a(n, 2, 9), 3, 2, 1, return_indices=True),
    "max_pool1d_backward": lambda a, n: convlib.max_pool1d_backward(a(n, 2, 5), a(n, 2, 9), 3, 2, 1),
    "avg_pool1d": lambda a, n: convlib.avg_pool1d(a(n, 2, 9), 3, 2, 1, count_include_pad=False),
    "avg_pool1d_backward": lambda a, n: convlib.avg_pool1d_backward(a(n, 2, 5), (n, 2, 9), 3, 2, 1),
    "lp_pool1d": lambda a, n: convlib.lp_pool1d(a(n, 2, 9), 2, 3, 2),
    "lp_pool1d_backward": lambda a, n: convlib.lp_pool1d_backward(a(n, 2, 4), a(n, 2, 9), 2, 3, 2),
    "max_unpool1d": lambda a, n: convlib.max_unpool1d(
        *convlib.max_pool1d(a(n, 2, 9), 2, return_indices=True), 2
    ),
    "max_unpool1d_backward": lambda a, n: convlib.max_unpool1d_backward(
        a(n, 2, 9), convlib.max_pool1d(a(n, 2, 9), 2, None, 0, 1, False, True)[1]
    ),
    "adaptive_avg_pool1d": lambda a, n: convlib.adaptive_avg_pool1d(a(n, 2, 9), 2),
    "global_avg_pool1d": lambda a, n: convlib.global_avg_pool1d(a(n, 2, 9)),
    "adaptive_max_pool1d": lambda a, n: convlib.adaptive_max_pool1d(a(n, 2, 9), 2),
    "global_max_pool1d": lambda a, n: convlib.global_max_pool1d(a(n, 2, 9)),
    "adaptive_avg_pool1d_backward": lambda a, n: convlib.adaptive_avg_pool1d_backward(
        a(n, 2, 2), (n, 2, 9), 2
    ),
    "adaptive_max_pool1d_backward": lambda a, n: convlib.adaptive_max_pool1d_backward(
        a(n, 2, 2), a(n, 2, 9), 2
    ),
    "max_pool2d": lambda a, n: convlib.max_pool2d(a(n, 2, 6, 7), 3, 2, 1, return_indices=True),
    "max_pool2d_backward": lambda a, n: convlib.max_pool2d_backward(a(n, 2, 3, 4), a(n, 2, 6, 7), 3, 2, 1),
    "avg_pool2d": lambda a, n: convlib.avg_pool2d(a(n, 2, 6, 7), 3, 2, 1, count_include_pad=False),
    "avg_pool2d_backward": lambda a, n: convlib.avg_pool2d_backward(a(n, 2, 3, 4), (n, 2, 6, 7), 3, 2, 1),
    "lp_pool2d": lambda a, n: convlib.lp_pool2d(a(n, 2, 6, 7), 2, 3, 2),
    "lp_pool2d_backward": lambda a, n: convlib.lp_pool2d_backward(a(n, 2, 2, 3), a(n, 2, 6, 7), 2, 3, 2),
    "max_unpool2d": lambda a, n: convlib.max_unpool2d(
        *convlib.max_pool2d(a(n, 2, 6, 8), 2, return_indices=True), 2
    ),
    "max_unpool2d_backward": lambda a, n: convlib.max_unpool2d_backward(
        a(n, 2, 6, 7), convlib.max_pool2d(a(n, 2, 6, 7), 2, None, 0, 1, False, True)[1]
    ),
    "adaptive_avg_pool2d": lambda a, n: convlib.adaptive_avg_pool2d(a(n, 2, 6, 7), 2),
    "global_avg_pool2d": lambda a, n: convlib.global_avg_pool2d(a(n, 2, 6, 7)),
    "adaptive_max_pool2d": lambda a, n: convlib.adaptive_max_pool2d(a(n, 2, 6, 7), 2),
    "global_max_pool2d": lambda a, n: convlib.global_max_pool2d(a(n, 2, 6, 7)),
    "adaptive_avg_pool2d_backward": lambda a, n: convlib.adaptive_avg_pool2d_backward(
        a(n, 2, 2, 2), (n, 2, 6, 7), 2
    ),
    "adaptive_max_pool2d_backward": lambda a, n: convlib.adaptive_max_pool2d_backward(
        a(n, 2, 2, 2), a(n, 2, 6, 7), 2
    ),
    "max_pool3d": lambda a, n: convlib.max_pool3d(a(n, 2, 4, 3, 5), 3, 2, 1, return_indices=True),
    "max_pool3d_backward": lambda a, n: convlib.max_pool3d_backward(
        a(n, 2, 2, 2, 3), a(n, 2, 4, 3, 5), 3, 2, 1
    ),
    "avg_pool3d": lambda a, n: convlib.avg_pool3d(a(n, 2, 4, 3, 5), 3, 2, 1, count_include_pad=False),
    "avg_pool3d_backward": lambda a, n: convlib.avg_pool3d_backward(
        a(n, 2, 2, 2, 3), (n, 2, 4, 3, 5), 3, 2, 1
    ),
    "lp_pool3d": lambda a, n: convlib.lp_pool3d(a(n, 2, 4, 3, 5), 2, 3, 2),
    "lp_pool3d_backward": lambda a, n: convlib.lp_pool3d_backward(
        a(n, 2, 1, 1, 2), a(n, 2, 4, 3, 5), 2, 3, 2
    ),
    "max_unpool3d": lambda a, n: convlib.max_unpool3d(
        *convlib.max_pool3d(a(n, 2, 4, 2, 6), 2, return_indices=True), 2
    ),
    "max_unpool3d_backward": lambda a, n: convlib.max_unpool3d_backward(
        a(n, 2, 4, 3, 5), convlib.max_pool3d(a(n, 2, 4, 3, 5), 2, None, 0, 1, False, True)[1]
    ),
    "adaptive_avg_pool3d": lambda a, n: convlib.adaptive_avg_pool3d(a(n, 2, 4, 3, 5), 2),
    "global_avg_pool3d": lambda a, n: convlib.global_avg_pool3d(a(n, 2, 4, 3, 5)),
    "adaptive_max_pool3d": lambda a, n: convlib.adaptive_max_pool3d(a(n, 2, 4, 3, 5), 2),
    "global_max_pool3d": lambda a, n: convlib.global_max_pool3d(a(n, 2, 4, 3, 5)),
    "adaptive_avg_pool3d_backward": lambda a, n: convlib.adaptive_avg_pool3d_backward(
        a(n, 2, 2, 2, 2), (n, 2, 4, 3, 5), 2
    ),
    "adaptive_max_pool3d_backward": lambda a, n: convlib.adaptive_max_pool3d_backward(
        a(n, 2, 2, 2, 2), a(n, 2, 4, 3, 5), 2
    ),
    "max_pool2d, nothing": lambda a, n: convlib.max_pool2d(a(n, 2, 4, 5), 1),
    "avg_pool2d, nothing": lambda a, n: convlib.avg_pool2d(a(n, 2, 4, 5), 1),
    "lp_pool2d, largest": lambda a, n: convlib.lp_pool2d(a(n, 2, 4, 5), float("inf"), 1),
    "max_pool2d_backward, shared": lambda a, n: convlib.max_pool2d_backward(
        a(n, 2, 3, 4), a(n, 2, 6, 7), 3, 2, 1, ties="shared"
    ),
    "adaptive_avg_pool2d, nothing": lambda a, n: convlib.adaptive_avg_pool2d(a(n, 2, 4, 5), (None, 5)),
    "adaptive_max_pool2d, nothing": lambda a, n: convlib.adaptive_max_pool2d(a(n, 2, 4, 5), (None, 5), True),
    "blur_pool1d": lambda a, n: convlib.blur_pool1d(a(n, 2, 9), 4, padding_mode="zeros"),
    "blur_pool2d": lambda a, n: convlib.blur_pool2d(a(n, 2, 6, 7), (3, 5), (2, 1)),
    "blur_pool2d, nothing": lambda a, n: convlib.blur_pool2d(a(n, 2, 4, 5), 1, 1),
    "blur_pool3d": lambda a, n: convlib.blur_pool3d(a(n, 2, 4, 3, 5), 2, padding_mode="circular"),
    "blur_pool1d_backward": lambda a, n: convlib.blur_pool1d_backward(a(n, 2, 5), (n, 2, 9), 4),
    "blur_pool2d_backward": lambda a, n: convlib.blur_pool2d_backward(a(n, 2, 3, 4), (n, 2, 6, 7)),
    "blur_pool2d_backward, nothing": lambda a, n: convlib.blur_pool2d_backward(
        a(n, 2, 4, 5), (n, 2, 4, 5), 1, 1
    ),
    "blur_pool3d_backward": lambda a, n: convlib.blur_pool3d_backward(
        a(n, 2, 2, 2, 3), (n, 2, 4, 3, 5), 2, padding_mode="replicate"
    ),
    "c4_lift": lambda a, n: convlib.c4_lift(a(n, 2, 5, 6), a(3, 2, 3, 3), padding=1),
    "c4_lift, one image": lambda a, n: convlib.c4_lift(a(2, 5, 6), a(3, 2, 1, 1)),
    "c4_conv": lambda a, n: convlib.c4_conv(a(n, 2, 4, 5, 6), a(3, 2, 4, 2, 2)),
    "c4_pool": lambda a, n: convlib.c4_pool(a(n, 2, 4, 5, 6)),
    "scaled_dot_product_attention": lambda a, n: convlib.scaled_dot_product_attention(
        a(n, 2, 3, 4), a(n, 2, 5, 4), a(n, 2, 5, 3)
    ),
    "scaled_dot_product_attention_backward": lambda a, n: convlib.scaled_dot_product_attention_backward(
        a(n, 2, 3, 3), a(n, 2, 3, 4), a(n, 2, 5, 4), a(n, 2, 5, 3)
    ),
    "multi_head_attention": lambda a, n: convlib.multi_head_attention(
        a(n, 2, 4), a(n, 2, 4), a(n, 2, 4), 2, a(12, 4), a(12), a(4, 4), a(4), need_weights=True
    ),
    "multi_head_attention, without biases": lambda a, n: convlib.multi_head_attention(
        a(n, 3, 4), a(n, 5, 4), a(n, 5, 4), 4, a(12, 4), None, a(4, 4), None, is_causal=True
    ),
    "multi_head_attention_backward": lambda a, n: convlib.multi_head_attention_backward(
        a(n, 3, 2), a(n, 3, 2), a(n, 2, 2), a(n, 2, 2), 1, a(6, 2), a(6), a(2, 2), a(2)
    ),
    "to_tokens": lambda a, n: convlib.to_tokens(a(n, 3, 4, 5)),
    "to_tokens, one channel": lambda a, n: convlib.to_tokens(a(n, 1, 6)),
    "from_tokens": lambda a, n: convlib.from_tokens(a(n, 6, 4), (2, 3)),
    "from_tokens, one pixel": lambda a, n: convlib.from_tokens(a(n, 1, 4), (1,)),
    "patchify": lambda a, n: convlib.patchify(a(n, 3, 4, 6), (2, 3)),
    "patchify, overlapping": lambda a, n: convlib.patchify(a(n, 3, 5, 4), 3, (2, 1)),
    "patchify, pixels": lambda a, n: convlib.patchify(a(n, 1, 4, 5), 1),
    "patchify, one patch": lambda a, n: convlib.patchify(a(n, 3, 4, 5), (4, 5)),
    "unpatchify": lambda a, n: convlib.unpatchify(a(n, 4, 18), (4, 6), (2, 3)),
    "unpatchify, overlapping": lambda a, n: convlib.unpatchify(a(n, 4, 18), (5, 4), 3, (2, 1)),
    "unpatchify, pixels": lambda a, n: convlib.unpatchify(a(n, 20, 1), (4, 5), 1),
    "unpatchify, one patch": lambda a, n: convlib.unpatchify(a(n, 1, 60), (4, 5), (4, 5)),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@dataclass
class Maker:
    """Whole numbers from -3 to 3, or from 0 without a sign, as an array of one kind; the same each time."""

    kind: Callable[[np.ndarray], Any]
    dtype: str = "float64"
    made: list[Any] = field(default_factory=list)

    def __call__(self, *shape: int) -> Any:
        numbers = np.random.default_rng(len(self.made)).integers(-3, 4, shape)
        numbers = np.abs(numbers) if self.dtype.startswith("uint") else numbers
        self.made.append(self.kind(numbers.astype(self.dtype)))
        return self.made[-1]


def together(results: Any) -> list[Any]:
    return list(results) if isinstance(results, tuple) else [results]


def results_of(call: Callable, kind: Callable, dtype: str = "float64", images: int = 2) -> list[Any]:
    return together(call(Maker(kind, dtype), images))


# --- layouts ----------------------------------------------------------------------------------------------


def backwards(array: np.ndarray) -> np.ndarray:
    whole = (slice(None, None, -1),) * array.ndim
    return array[whole].copy()[whole]


def strided(array: np.ndarray) -> np.ndarray:
    """Every second entry of a larger array."""
    larger = np.full([2 * n for n in array.shape], 99, array.dtype)
    view = larger[(slice(1, None, 2),) * array.ndim]
    view[...] = array
    return view


def channels_last(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1) if array.ndim > 2 else array


def broadcast(array: np.ndarray) -> np.ndarray:
    """One image, one channel, one kernel for all: no strides, and read-only."""
    return np.broadcast_to(array[:1], array.shape)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def unaligned(array: np.ndarray) -> np.ndarray:
    view = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def big_endian(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder(">"))


def subclass(array: np.ndarray) -> np.ndarray:
    return array.view(np.memmap)


def memory_mapped(array: np.ndarray) -> np.ndarray:
    """As an array in a file comes, but for the file."""
    return array.view(np.memmap)


LAYOUTS = [
    np.array, backwards, strided, np.asfortranarray, channels_last, broadcast, read_only, unaligned,
    big_endian, memory_mapped,
]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@every_call
def test_every_layout_gives_the_same_in_an_array_of_its_own(call, layout):
    maker = Maker(layout)
    results = together(call(maker, 2))
    before = Maker(lambda array: np.array(layout(array), array.dtype, order="C"))
    for result, expected in zip(results, together(call(before, 2)), strict=True):
        assert type(result) is np.ndarray
        wanted = expected.dtype if expected.dtype.kind == "i" else maker.made[0].dtype  # indices are whole
        assert result.dtype == wanted  # the order of the bytes, too
        assert_agree(result.astype(expected.dtype), expected)
        assert result.flags.c_contiguous and result.flags.writeable
        assert not any(np.may_share_memory(result, array) for array in maker.made)
    for array, plain in zip(maker.made, before.made, strict=True):
        np.testing.assert_array_equal(array, plain)


@pytest.mark.parametrize("dtype", ["float64", "uint8"])
@every_call
def test_arrays_that_are_written_to_later_do_not_change_an_answer(call, dtype):
    maker = Maker(np.array, dtype)
    try:
        results = together(call(maker, 2))
    except TypeError:
        return  # as in torch: see below
    expected = [result.copy() for result in results]
    for array in maker.made:
        array += 1
    for result, before in zip(results, expected, strict=True):
        assert_agree(result, before, 0)


# --- number types -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
    "float16", "float32", "float64", "complex64", "complex128",
])  # fmt: skip
@every_call
def test_a_number_type_gives_what_it_gives_in_torch(call, dtype):
    """What torch leaves out is refused as well, or is what the widest type gives, brought back to it."""
    try:
        expected = results_of(call, torch.from_numpy, dtype)
    except TypeError:
        try:
            results = results_of(call, np.array, dtype)
        except TypeError as refusal:
            assert dtype in str(refusal)
            return
        widest = "float64" if dtype == "float16" else "int64"
        wide = results_of(call, lambda array: array.astype(widest), dtype)
        assert results[0].dtype == dtype
        expected = [answer.astype(result.dtype) for answer, result in zip(wide, results, strict=True)]
    else:
        results = results_of(call, np.array, dtype)
    for result, theirs in zip(results, expected, strict=True):
        tolerance = {"float16": 2**-9, "float32": 1e-5, "complex64": 1e-5}.get(dtype, 1e-12)
        assert_agree(result, theirs, tolerance)


@pytest.mark.parametrize("dtype", ["object", "str", "datetime64[s]", "timedelta64[s]", "V4"])
@every_call
def test_what_is_no_number_is_refused(call, dtype):
    with pytest.raises(TypeError, match=r"^\w+: \w+ must hold numbers, got "):
        results_of(call, lambda array: np.zeros(array.shape, dtype))


# --- no image ---------------------------------------------------------------------------------------------


@every_call
def test_no_image_gives_what_it_gives_in_torch(call):
    results = results_of(call, np.array, images=0)
    for result, theirs in zip(results, results_of(call, torch.from_numpy, images=0), strict=True):
        assert_agree(result, theirs)
        assert result.flags.c_contiguous and result.flags.writeable


# --- nothing is left out ----------------------------------------------------------------------------------


def test_every_operation_has_a_call():
    operations = {name for name in convlib.__all__ if hasattr(getattr(convlib, name), "__wrapped__")}
    assert {name.partition(",")[0] for name in CALLS} == operations


@every_call
def test_every_call_takes_the_same_numbers_each_time(call):
    for result, again in zip(results_of(call, np.array), results_of(call, torch.from_numpy), strict=True):
        assert np.any(result)
        assert_agree(result, again)

"""Outside judges: the operator tests of ONNX, answered by convlib.

ONNX is the format in which networks travel from one library to another. It says what its operators mean, and
for nearly all of them it brings small models with inputs and the outputs that every runtime has to give. Here
each operator is written once, with ONNX's names and defaults, through convlib's public functions; `OPERATORS`
is the table of them. The same lines take NumPy arrays and torch tensors.

What convlib has no parameter for, because torch has none, is done before or after the operation: uneven
padding by `convlib.pad`, a place between two pixels by resizing more finely and slicing. What cannot be said
that way raises `NotExpressible`, with the reason.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import torch
from agreement import assert_agree, tensor
from onnx.backend.test.case.node import collect_testcases

import convlib

Array = Any  # a NumPy array or a torch tensor
Pairs = list[tuple[int, int]]  # (before, after) for each spatial axis


class NotExpressible(Exception):
    """The operator's meaning cannot be had from convlib's functions; the message says which part of it."""


# --- what the operators share -------------------------------------------------------------------------------


def _for_axes(name: str, n: int) -> Callable[..., Array]:
    """conv2d for ("conv", 2)."""
    return getattr(convlib, f"{name}{n}d")


def _like(values: np.ndarray, x: Array) -> Array:
    """The values in x's library and, unless they are whole numbers, in its dtype."""
    if isinstance(x, np.ndarray):
        return values.astype(x.dtype) if values.dtype.kind == "f" else values
    values = torch.from_numpy(values)
    return values.to(x.dtype) if values.is_floating_point() else values


def _pad(x: Array, pads: Pairs, mode: str = "constant", value: float | None = None) -> Array:
    """`convlib.pad` of the last axes, first axis first."""
    if not any(before or after for before, after in pads):
        return x
    return convlib.pad(x, [side for pair in reversed(pads) for side in pair], mode, value)


def _crop(x: Array, pads: Pairs) -> Array:
    return _pad(x, [(-before, -after) for before, after in pads])


def _channelwise(b: Array | None, n: int) -> Array | int:
    return 0 if b is None else b.reshape(-1, *(1,) * n)


@dataclass
class Window:
    """The window of a convolution or of a pooling, with its padding counted out."""

    n: int
    kernel: list[int]
    stride: list[int]
    dilation: list[int]
    pads: Pairs

    @classmethod
    def read(cls, x: Array, kernel: Sequence[int], strides: Any, dilations: Any, auto_pad: str, pads: Any):
        n = x.ndim - 2
        window = cls(n, list(kernel), strides or [1] * n, dilations or [1] * n, [(0, 0)] * n)
        if auto_pad in ("SAME_UPPER", "SAME_LOWER"):  # as many outputs as there are strides in the input
            window.pads = []
            for size, extent, s in zip(x.shape[2:], window.extents, window.stride, strict=True):
                total = max((math.ceil(size / s) - 1) * s + extent - size, 0)
                halves = total // 2, total - total // 2  # an odd pixel goes to the end, or to the beginning
                window.pads.append(halves if auto_pad == "SAME_UPPER" else halves[::-1])
        elif pads and auto_pad == "NOTSET":
            window.pads = list(zip(pads[:n], pads[n:], strict=True))
        return window

    @property
    def extents(self) -> list[int]:
        return [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]

    @property
    def even(self) -> list[int] | None:
        """The padding as torch takes it, one number for both sides, if it is so."""
        return [a for a, _ in self.pads] if all(a == b for a, b in self.pads) else None

    @property
    def poolable(self) -> list[int] | None:
        """Pooling takes at most half a kernel of it."""
        even = self.even
        return even if even and all(2 * p <= k for p, k in zip(even, self.kernel, strict=True)) else None

    def overhang(self, size: Sequence[int], ceil_mode: int) -> Pairs:
        """What rounding up adds behind the padding, so that rounding down gives as many windows."""
        sides = []
        for n, (before, after), extent, s in zip(size, self.pads, self.extents, self.stride, strict=True):
            room = n + before + after - extent
            more = -room % s if ceil_mode else 0
            begins = room + more  # the last window; behind the last pixel there is none
            sides.append((0, more if begins < before + n else 0))
        return sides


# --- convolutions -------------------------------------------------------------------------------------------


def conv(
    x, w, b=None, *,
    auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, pads=None, strides=None,
):  # fmt: skip
    window = Window.read(x, w.shape[2:], strides, dilations, auto_pad, pads)
    padding = window.even
    if padding is None:
        x, padding = _pad(x, window.pads), 0
    return _for_axes("conv", window.n)(x, w, b, window.stride, padding, window.dilation, group)


def conv_integer(x, w, x_zero_point=None, w_zero_point=None, **options):
    """Bytes that stand for numbers around a zero point; added up in 32 bits."""
    x, w = (_like(np.asarray(whole, "int32"), x) for whole in (x, w))
    x = x - (0 if x_zero_point is None else int(x_zero_point))
    if w_zero_point is not None:
        w = w - _like(np.asarray(w_zero_point, "int32"), w).reshape(-1, *(1,) * (w.ndim - 1))
    return conv(x, w, **options)


def conv_transpose(
    x, w, b=None, *,
    auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, output_padding=None, output_shape=None,
    pads=None, strides=None,
):  # fmt: skip
    window = Window.read(x, w.shape[2:], strides, dilations, "NOTSET", pads)
    extra = output_padding or [0] * window.n
    transpose = _for_axes("conv_transpose", window.n)
    if auto_pad.startswith("SAME"):
        output_shape = [size * s for size, s in zip(x.shape[2:], window.stride, strict=True)]
    if output_shape is None and window.even:
        return transpose(x, w, b, window.stride, window.even, extra, group, window.dilation)
    everything = transpose(x, w, None, window.stride, 0, extra, group, window.dilation)
    if output_shape is not None:
        window.pads = []
        for have, want in zip(everything.shape[2:], output_shape, strict=True):
            before = max(have - want, 0) // 2
            if auto_pad == "SAME_LOWER":
                before = max(have - want, 0) - before
            window.pads.append((before, have - want - before))  # what is missing is added at the end
    return _crop(everything, window.pads) + _channelwise(b, window.n)


def causal_conv_with_state(x, w, b=None, past_state=None, *, activation="none"):
    """Every channel by itself, seeing the past alone; the last k - 1 pixels are kept for the next call."""
    channels, _, k = w.shape
    if past_state is None:
        x = convlib.pad(x, (k - 1, 0))
    else:  # side by side: each onto its own zeros
        x = convlib.pad(past_state, (0, x.shape[-1])) + convlib.pad(x, (k - 1, 0))
    y = convlib.conv1d(x, w, b, groups=channels)
    if activation != "none":  # silu, which is also called swish
        y = y / (1 + math.e**-y)
    return y, x[..., x.shape[-1] - (k - 1) :]


# --- pooling ------------------------------------------------------------------------------------------------


def max_pool(
    x, *,
    kernel_shape, auto_pad="NOTSET", ceil_mode=0, dilations=None, pads=None, storage_order=0, strides=None,
):  # fmt: skip
    window = Window.read(x, kernel_shape, strides, dilations, auto_pad, pads)
    size, padding = x.shape[2:], window.poolable
    shifts = [0] * window.n
    if padding is None:  # minus infinity never wins against a pixel
        overhang = window.overhang(size, ceil_mode)
        x, padding, ceil_mode = _pad(_pad(x, window.pads, value=-math.inf), overhang, value=-math.inf), 0, 0
        shifts = [before for before, _ in window.pads]
    options = (window.kernel, window.stride, padding, window.dilation, bool(ceil_mode), True)
    y, indices = _for_axes("max_pool", window.n)(x, *options)
    position = []  # of the largest, along each axis of the image without padding
    for length, shift in zip(x.shape[:1:-1], shifts[::-1], strict=True):
        position.insert(0, indices % length - shift)
        indices = indices // length
    return y, _count_on(position, size, y.shape[:2], column_major=bool(storage_order))


def _count_on(position: list[Array], size: Sequence[int], maps: Sequence[int], column_major: bool) -> Array:
    """ONNX counts pixels on from one map to the next."""
    order = range(len(size)) if column_major else reversed(range(len(size)))
    index, step = 0, 1
    for axis in order:
        index, step = index + position[axis] * step, step * size[axis]
    first = np.arange(math.prod(maps)).reshape(*maps, *(1,) * len(size)) * step
    return index + _like(first, position[0])


def max_unpool(x, indices, output_shape=None, *, kernel_shape, pads=None, strides=None):
    window = Window.read(x, kernel_shape, strides, None, "NOTSET", pads)
    size = [
        (count - 1) * s + k - sum(pad)
        for count, s, k, pad in zip(x.shape[2:], window.stride, window.kernel, window.pads, strict=True)
    ]
    indices = indices % math.prod(size)  # torch counts the pixels of each map anew
    y = _for_axes("max_unpool", window.n)(x, indices, window.kernel, window.stride, 0, size)
    if output_shape is None:
        return y
    return _pad(y, [(0, int(want) - have) for want, have in zip(output_shape[2:], size, strict=True)])


def average_pool(
    x, *,
    kernel_shape, auto_pad="NOTSET", ceil_mode=0, count_include_pad=0, dilations=None, pads=None,
    strides=None,
):  # fmt: skip
    window = Window.read(x, kernel_shape, strides, dilations, auto_pad, pads)
    if window.poolable and set(window.dilation) == {1}:
        options = (window.stride, window.poolable, bool(ceil_mode), bool(count_include_pad))
        return _for_axes("avg_pool", window.n)(x, window.kernel, *options)
    # otherwise the mean over whole windows, divided by the share of them that counts
    overhang = window.overhang(x.shape[2:], ceil_mode)
    counts = _pad(_pad(x * 0 + 1, window.pads, value=count_include_pad), overhang)
    return _mean(_pad(_pad(x, window.pads), overhang), window) / _mean(counts, window)


def _mean(x: Array, window: Window) -> Array:
    if set(window.dilation) == {1}:
        return _for_axes("avg_pool", window.n)(x, window.kernel, window.stride)
    # avg_pool knows no dilation, but it is a convolution whose weights are all the same
    channels = x.shape[1]
    weight = _like(np.full((channels, 1, *window.kernel), 1 / math.prod(window.kernel)), x)
    return _for_axes("conv", window.n)(x, weight, None, window.stride, 0, window.dilation, channels)


def lp_pool(
    x, *,
    kernel_shape, auto_pad="NOTSET", ceil_mode=0, dilations=None, p=2, pads=None, strides=None,
):  # fmt: skip
    window = Window.read(x, kernel_shape, strides, dilations, auto_pad, pads)
    size, x = x.shape[2:], abs(_pad(x, window.pads))  # torch adds up x^p, and an odd p would let it cancel
    if set(window.dilation) == {1}:
        kernel = window.kernel if window.n > 1 else window.kernel[0]  # torch takes no list for sequences
        return _for_axes("lp_pool", window.n)(x, p, kernel, window.stride, bool(ceil_mode))
    x = _pad(x, window.overhang(size, ceil_mode))
    return (_mean(x**p, window) * math.prod(window.kernel)) ** (1 / p)


def global_average_pool(x):
    return _for_axes("global_avg_pool", x.ndim - 2)(x)


def global_max_pool(x):
    return _for_axes("global_max_pool", x.ndim - 2)(x)


# --- resizing -----------------------------------------------------------------------------------------------


@dataclass
class Places:
    """Output pixel i of one axis lies at ``first + i * step``, in input pixels, of which 0 is the first."""

    pixels: int
    count: int
    first: Fraction
    step: Fraction

    def __iter__(self) -> Iterator[Fraction]:
        return (self.first + i * self.step for i in range(self.count))

    @property
    def half_pixel(self) -> bool:
        return self.first == (self.step - 1) / 2

    @property
    def whole(self) -> bool:
        """Input and output end together."""
        return self.count * self.step == self.pixels


def _places(mode: str, pixels: int, scale: Fraction, count: int, start: Fraction, end: Fraction) -> Places:
    length = pixels * scale  # ONNX does not round it: 2.4 pixels, of which two are drawn
    step = 1 / scale
    if mode == "align_corners":
        return Places(pixels, count, Fraction(0), (pixels - 1) / (length - 1))
    if mode == "tf_crop_and_resize":
        return Places(pixels, count, start * (pixels - 1), (end - start) * (pixels - 1) / (length - 1))
    if mode == "asymmetric":
        return Places(pixels, count, Fraction(0), step)
    if mode == "pytorch_half_pixel" and count == 1:
        return Places(pixels, count, Fraction(-1, 2), step)
    if mode == "half_pixel_symmetric":  # what rounding down took away is missing on both sides
        return Places(pixels, count, (pixels - count * step) / 2 + (step - 1) / 2, step)
    return Places(pixels, count, (step - 1) / 2, step)


def _plan(x, roi, scales, sizes, axes, mode, policy) -> list[Places]:
    """For each spatial axis. No case resizes images or channels."""
    axes = range(x.ndim) if axes is None else axes
    if sizes is None:
        factors = [_fraction(scale) for scale in scales]
        counts = [math.floor(x.shape[axis] * factor) for axis, factor in zip(axes, factors, strict=True)]
    else:
        counts = [int(size) for size in sizes]
        factors = [Fraction(count, x.shape[axis]) for axis, count in zip(axes, counts, strict=True)]
        if policy != "stretch":
            factors = [min(factors) if policy == "not_larger" else max(factors)] * len(counts)
            exact = [x.shape[axis] * factor for axis, factor in zip(axes, factors, strict=True)]
            counts = [math.floor(length + Fraction(1, 2)) for length in exact]
    starts, ends = [Fraction(0)] * len(counts), [Fraction(1)] * len(counts)
    if mode == "tf_crop_and_resize":
        corners = [_fraction(corner) for corner in roi]
        starts, ends = corners[: len(counts)], corners[len(counts) :]
    given = dict(zip(axes, zip(factors, counts, starts, ends, strict=True), strict=True))
    return [_places(mode, x.shape[axis], *given[axis]) for axis in range(2, x.ndim)]


def _fraction(number: Any) -> Fraction:
    """3/5 for the single-precision number closest to it."""
    return Fraction(float(number)).limit_denominator(1000)


def resize(
    x, roi=None, scales=None, sizes=None, *,
    antialias=0, axes=None, coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.75,
    exclude_outside=0, extrapolation_value=0.0, keep_aspect_ratio_policy="stretch", mode="nearest",
    nearest_mode="round_prefer_floor",
):  # fmt: skip
    plan = _plan(x, roi, scales, sizes, axes, coordinate_transformation_mode, keep_aspect_ratio_policy)
    if mode == "nearest":
        return _nearest(x, plan, nearest_mode)
    size = [places.count for places in plan]
    mode = {"linear": ("linear", "bilinear", "trilinear"), "cubic": (None, "bicubic", None)}[mode][x.ndim - 3]
    if antialias and mode == "bicubic" and cubic_coeff_a != -0.5:
        raise NotExpressible(f"antialias with cubic_coeff_a={cubic_coeff_a:g}: convlib's slope is -0.5 there")
    if exclude_outside and not antialias:
        return _exclude_outside(x, plan, cubic_coeff_a)
    if antialias and not exclude_outside:
        return _antialias(x, plan, mode)
    if (options := _half_pixel_options(plan)) is not None:
        return convlib.interpolate(x, mode=mode, antialias=bool(antialias), **options)
    if all(places.first == 0 and places.step * (places.count - 1) == places.pixels - 1 for places in plan):
        return convlib.interpolate(x, size, mode=mode, align_corners=True)
    outside = extrapolation_value if coordinate_transformation_mode == "tf_crop_and_resize" else None
    return _finer(x, plan, mode, outside)


def _half_pixel_options(plan: list[Places]) -> dict[str, Any] | None:
    """What `interpolate` has to be told, if it can be."""
    if all(places.half_pixel and places.whole for places in plan):
        return {"size": [places.count for places in plan]}
    if all(places.half_pixel and places.count == places.pixels // places.step for places in plan):
        return {"scale_factor": [float(1 / places.step) for places in plan]}
    return None


def _finer(x: Array, plan: list[Places], mode: str, outside: float | None = None) -> Array:
    """Resize so finely that all the places are pixels, and take those.

    Beyond the edge there is the edge pixel, or `outside`.
    """
    parts = [math.lcm(*(place.denominator for place in places)) for places in plan]
    beyond = [
        (max(math.ceil(-min(places)), 0), max(math.ceil(max(places)) - places.pixels + 1, 0))
        for places in plan
    ]
    if outside is None:
        x = _pad(x, beyond, "replicate")
    if mode == "nearest-exact":
        x = convlib.interpolate(x, [n * k for n, k in zip(x.shape[2:], parts, strict=True)], mode=mode)
    else:  # the corners stay, so every step from pixel to pixel has so many parts
        size = [(n - 1) * k + 1 for n, k in zip(x.shape[2:], parts, strict=True)]
        x = convlib.interpolate(x, size, mode=mode, align_corners=True)
    if outside is not None:
        sides = [(before * k, after * k) for (before, after), k in zip(beyond, parts, strict=True)]
        x = _pad(x, sides, value=outside)
    moved = [
        replace(places, first=places.first + before) for places, (before, _) in zip(plan, beyond, strict=True)
    ]
    return _take(x, [(p.first * k, p.step * k, p.count) for p, k in zip(moved, parts, strict=True)])


def _take(x: Array, along: list[tuple[Fraction, Fraction, int]]) -> Array:
    """From the first pixel on, in steps, so many, along each axis."""
    slices = []
    for first, step, count in along:
        assert first.denominator == step.denominator == 1
        slices.append(slice(int(first), int(first + step * (count - 1)) + 1, int(step)))
    return x[(..., *slices)]


def _exclude_outside(x: Array, plan: list[Places], slope: float) -> Array:
    """What antialias does to bicubic where an image grows, and there is nothing to smooth.

    An image that shrinks by 5/4 grows by 4 first, and every fifth pixel is taken.
    """
    if slope != -0.5:
        raise NotExpressible(f"exclude_outside with cubic_coeff_a={slope:g}: convlib's slope is -0.5 there")
    options = _half_pixel_options(plan)
    if options is not None and all(places.step <= 1 for places in plan):
        return convlib.interpolate(x, mode="bicubic", antialias=True, **options)
    assert all(places.half_pixel for places in plan)
    size = [places.pixels * places.step.denominator for places in plan]
    x = convlib.interpolate(x, size, mode="bicubic", antialias=True)
    steps = [places.step.numerator for places in plan]
    return _take(x, [(Fraction(k - 1, 2), Fraction(k), p.count) for k, p in zip(steps, plan, strict=True)])


def _antialias(x: Array, plan: list[Places], mode: str) -> Array:
    """In ONNX the edge pixel counts again beyond the edge: so this is the middle of a larger image."""
    assert all(places.half_pixel for places in plan)
    sides, larger, crop = [], [], []
    for places in plan:
        before = places.pixels * places.step.numerator  # becomes a whole number of output pixels
        after = before / places.step
        sides.append((before, before))
        crop.append((int(after), int(after)))
        larger.append(replace(places, pixels=places.pixels + 2 * before, count=places.count + 2 * int(after)))
    options = _half_pixel_options(larger)
    return _crop(convlib.interpolate(_pad(x, sides, "replicate"), mode=mode, antialias=True, **options), crop)


def _nearest(x: Array, plan: list[Places], nearest_mode: str) -> Array:
    half = Fraction(1, 2)
    ties = any((place + half).denominator == 1 for places in plan for place in places)
    options = _half_pixel_options(plan)
    ceil = nearest_mode == "round_prefer_ceil" or (nearest_mode == "round_prefer_floor" and not ties)
    if ceil and options is not None:
        return convlib.interpolate(x, mode="nearest-exact", **options)
    if nearest_mode == "floor" and all(places.first == 0 and places.whole for places in plan):
        return convlib.interpolate(x, [places.count for places in plan], mode="nearest")
    # every rule is the floor of a place that is moved on: by almost 1, by a half, or by almost a half
    moved = []
    for places in plan:
        almost = Fraction(1, 2 * math.lcm(*(place.denominator for place in places)))
        on = {"floor": 0, "ceil": 1 - almost, "round_prefer_ceil": half, "round_prefer_floor": half - almost}
        moved.append(replace(places, first=places.first + on[nearest_mode]))
    return _finer(x, moved, "nearest-exact")


def upsample(x, scales, *, mode="nearest"):
    """The predecessor of Resize, whose places begin at 0."""
    return resize(
        x, None, scales, coordinate_transformation_mode="asymmetric", mode=mode, nearest_mode="floor"
    )


# --- moving pixels ------------------------------------------------------------------------------------------


def pad(x, pads, constant_value=None, axes=None, *, mode="constant"):
    amounts = dict.fromkeys(range(x.ndim), (0, 0))
    axes = range(x.ndim) if axes is None else axes
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        amounts[int(axis) % x.ndim] = int(before), int(after)
    sides = [amounts[axis] for axis in range(x.ndim)]
    while mode != "constant" and len(sides) > 1 and sides[0] == (0, 0):  # torch leaves the first ones out
        del sides[0]
    name = {"edge": "replicate", "wrap": "circular"}.get(mode, mode)
    return _pad(x, sides, name, None if constant_value is None else float(constant_value))


def center_crop_pad(x, shape, *, axes=None):
    sides = [(0, 0)] * x.ndim
    for axis, want in zip(range(x.ndim) if axes is None else axes, shape, strict=True):
        more = int(want) - x.shape[axis]
        before = abs(more) // 2 * (1 if more > 0 else -1)
        sides[axis] = before, more - before
    return _pad(x, sides)


def col2im(x, image_shape, block_shape, *, dilations=None, pads=None, strides=None):
    size, block = ([int(number) for number in shape] for shape in (image_shape, block_shape))
    window = Window.read(np.empty((0, 0, *size)), block, strides, dilations, "NOTSET", pads)
    padded = [length + sum(pad) for length, pad in zip(size, window.pads, strict=True)]
    if window.n == 2:
        image = convlib.fold(x, padded, block, window.dilation, 0, window.stride)
        return _crop(image, window.pads)
    # fold is for images; for volumes, every row of a column goes to its tap by a kernel with a single 1
    channels, taps = x.shape[1] // math.prod(block), math.prod(block)
    rooms = [length - extent for length, extent in zip(padded, window.extents, strict=True)]
    positions = [room // s + 1 for room, s in zip(rooms, window.stride, strict=True)]
    left_over = [room % s for room, s in zip(rooms, window.stride, strict=True)]
    x = x.reshape(*x.shape[:2], *positions)
    kernels = _like(np.tile(np.eye(taps), (channels, 1)).reshape(-1, 1, *block), x)
    options = (None, window.stride, 0, left_over, channels, window.dilation)
    return _crop(_for_axes("conv_transpose", window.n)(x, kernels, *options), window.pads)


def depth_to_space(x, *, blocksize, mode="DCR"):
    if mode == "DCR":  # the block first, then the channel
        x = convlib.channel_shuffle(x, blocksize**2)
    return convlib.pixel_shuffle(x, blocksize)


def space_to_depth(x, *, blocksize, mode="DCR"):
    channels = x.shape[1]
    x = convlib.pixel_unshuffle(x, blocksize)
    return convlib.channel_shuffle(x, channels) if mode == "DCR" else x


# --- attention ----------------------------------------------------------------------------------------------


def attention(
    q, k, v, attn_mask=None, past_key=None, past_value=None, nonpad_kv_seqlen=None, *,
    is_causal=0, kv_num_heads=None, left_window_size=-1, q_num_heads=None, qk_matmul_output_mode=0,
    right_window_size=-1, scale=None, softcap=0.0, softmax_precision=None,
):  # fmt: skip
    if softcap:
        raise NotExpressible("softcap: the scores before the softmax stay inside, so nothing can cap them")
    flat = q.ndim == 3
    if flat:
        q, k, v = _heads(q, q_num_heads), _heads(k, kv_num_heads), _heads(v, kv_num_heads)
    offset = 0  # keys before the first query
    if past_key is not None:
        offset = past_key.shape[2]
        k, v = _join(past_key, k), _join(past_value, v)
    lengths = None if nonpad_kv_seqlen is None else np.asarray(nonpad_kv_seqlen).reshape(-1, 1, 1, 1)
    if lengths is not None:
        offset = lengths - q.shape[2]
    options = {"scale": scale, "enable_gqa": True}
    windows = (left_window_size, 0 if is_causal else right_window_size)
    if is_causal and attn_mask is None and left_window_size < 0 and isinstance(offset, int) and not offset:
        options["is_causal"] = True
    else:
        options["attn_mask"] = _mask(q.shape[2], k, attn_mask, lengths, offset, windows)
    y = convlib.scaled_dot_product_attention(q, k, v, **options)
    if flat:
        y = y.swapaxes(1, 2).reshape(y.shape[0], y.shape[2], -1)
    if qk_matmul_output_mode == 3:  # the weights are what becomes of unit vectors
        units = _like(np.broadcast_to(np.eye(k.shape[2]), (*k.shape[:2], k.shape[2], k.shape[2])).copy(), v)
        scores = convlib.scaled_dot_product_attention(q, k, units, **options)
    else:
        mode = qk_matmul_output_mode
        scores = NotExpressible(f"qk_matmul_output_mode={mode}: the scores before the softmax stay inside")
    return y, k, v, scores


def _heads(x: Array, heads: int) -> Array:
    """(N, L, heads * E) to (N, heads, L, E)."""
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def _join(past: Array, x: Array) -> Array:
    return np.concatenate([past, x], 2) if isinstance(x, np.ndarray) else torch.cat([past, x], 2)


def _mask(
    queries: int, k: Array, given: Array | None, lengths: np.ndarray | None, offset: Any,
    windows: tuple[int, int],
) -> Array | None:  # fmt: skip
    """What each query may look at, and the given mask."""
    key = np.arange(k.shape[2])
    query = np.arange(queries)[:, None] + offset
    left, right = windows
    visible = np.ones((queries, len(key)), bool)
    if left >= 0:
        visible = visible & (key >= query - left)
    if right >= 0:
        visible = visible & (key <= query + right)
    if lengths is not None:
        visible = visible & (key < lengths)
    if given is None:
        return None if visible.all() else _like(visible, k)
    if given.shape[-1] < len(key):  # the rest is out of sight
        boolean = "bool" in str(given.dtype)
        given = convlib.pad(given, (0, len(key) - given.shape[-1]), value=0 if boolean else -math.inf)
    if visible.all():
        return given
    if "bool" in str(given.dtype):
        return given & _like(visible, k)
    return given + _like(np.where(visible, 0.0, -np.inf), k)


# --- the judge ----------------------------------------------------------------------------------------------

OPERATORS: dict[str, Callable[..., Any]] = {
    "Conv": conv,
    "ConvInteger": conv_integer,
    "ConvTranspose": conv_transpose,
    "CausalConvWithState": causal_conv_with_state,
    "MaxPool": max_pool,
    "MaxUnpool": max_unpool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
    "Resize": resize,
    "Upsample": upsample,
    "Pad": pad,
    "CenterCropPad": center_crop_pad,
    "Col2Im": col2im,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Attention": attention,
}


# Their expected numbers are written down with four digits.
COARSE = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 1e-4}
TOLERANCE = {"float32": 1e-5, "float16": 1e-3, "bfloat16": 8e-3}  # the last two: one rounding


@dataclass
class Case:
    """One call of one operator, and what has to come out. An input or output that is left out is None."""

    name: str
    operator: str
    attributes: dict[str, Any]
    inputs: list[np.ndarray | None]
    outputs: list[np.ndarray | None]

    @property
    def tolerance(self) -> float:
        """Relative, and absolute below 1. Whole numbers have to be equal."""
        return COARSE.get(self.name, TOLERANCE.get(self.outputs[0].dtype.name, 0))


@functools.cache
def collect() -> list[Any]:
    """All of ONNX's operator tests."""
    state = np.random.get_state()  # which ONNX sets, to draw the same numbers everywhere
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # some tests overflow on purpose
            return list(collect_testcases(None))
    finally:
        np.random.set_state(state)


@functools.cache
def cases() -> list[Case]:
    """Those that are one call of an operator in the table.

    The others are the same tests again, with the operator spelled out in terms of simpler ones.
    """
    found = []
    for test in collect():
        node, *more = test.model.graph.node
        if more or node.op_type not in OPERATORS:
            continue
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        attributes = {name: v.decode() if isinstance(v, bytes) else v for name, v in attributes.items()}
        given, expected = map(iter, test.data_sets[0])
        inputs = [next(given) if name else None for name in node.input]
        outputs = [next(expected) if name else None for name in node.output]
        found.append(Case(test.name, node.op_type, attributes, inputs, outputs))
    return found


def _tensor(array: np.ndarray | None) -> torch.Tensor | None:
    if array is not None and array.dtype.name == "bfloat16":  # a number type that ONNX brings along
        return torch.tensor(array.view("int16")).view(torch.bfloat16)
    return tensor(array)


def judge(case: Case, library: str = "numpy") -> None:
    """Ask convlib, with arrays or with tensors.

    Raises
    ------
    AssertionError
        An answer has not the value, the dtype or the shape that ONNX expects.
    NotExpressible
        With the reason.
    """
    inputs, outputs = case.inputs, case.outputs
    if library == "torch":
        inputs, outputs = map(_tensor, inputs), map(_tensor, outputs)
    elif inputs[0].dtype.name == "bfloat16":
        raise NotExpressible("NumPy has no bfloat16")
    answers = OPERATORS[case.operator](*inputs, **case.attributes)
    answers = answers if isinstance(answers, tuple) else (answers,)
    assert len(answers) >= len(case.outputs)
    for answer, expected in zip(answers, outputs, strict=False):
        if expected is None:
            continue
        if isinstance(answer, NotExpressible):
            raise answer
        if library == "torch":
            assert isinstance(answer, torch.Tensor)
            assert answer.dtype == expected.dtype
            if expected.dtype == torch.bfloat16:  # which NumPy cannot compare
                answer, expected = answer.float(), expected.float()
        assert_agree(answer, expected, case.tolerance)


Row = tuple[str, int, int, int, str]


def summary(library: str = "numpy") -> list[Row]:
    """(operator, cases, expressible, passed, why the others are not expressible), for a table."""
    rows = []
    for operator in OPERATORS:
        mine = [case for case in cases() if case.operator == operator]
        reasons: Counter[str] = Counter()
        passed, failed = 0, 0
        for case in mine:
            try:
                judge(case, library)
                passed += 1
            except NotExpressible as reason:
                reasons[str(reason)] += 1
            except AssertionError:
                failed += 1
        told = "; ".join(f"{count} × {reason}" for reason, count in reasons.items())
        rows.append((operator, len(mine), passed + failed, passed, told))
    return rows

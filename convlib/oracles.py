"""The definitions, word for word: plain nested loops, and gradients by finite differences.

Slow and obvious on purpose. The chapters show these functions and the tests judge by them, so they use
nothing of convlib: a mistake there cannot hide here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def correlate2d_loops(image: Array, kernel: Array) -> Array:
    """Cross-correlation of one image with one kernel, wherever the kernel lies inside.

    Examples
    --------
    >>> correlate2d_loops(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 10]]))
    array([[21, 32],
           [54, 65]])
    """
    kh, kw = kernel.shape
    height, width = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    output = np.zeros((height, width), dtype=image.dtype)
    for i in range(height):
        for j in range(width):
            for u in range(kh):
                for v in range(kw):
                    output[i, j] += kernel[u, v] * image[i + u, j + v]
    return output


def conv2d_loops(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> Array:
    """`convlib.conv2d` of a batch (N, C, H, W), as seven nested loops.

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d_loops(x, np.array([[[[0.0, 1.0], [2.0, 3.0]]]]))  # 0*0 + 1*1 + 2*3 + 3*4 = 19, ...
    array([[[[19., 25.],
             [37., 43.]]]])
    """
    images, _, height, width = input.shape
    out_channels, slices, kh, kw = weight.shape  # slices of one kernel
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    out_height = (height + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    out_width = (width + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    output = np.zeros((images, out_channels, out_height, out_width), input.dtype)
    for n, o, i, j in np.ndindex(output.shape):
        first = o // (out_channels // groups) * slices  # channel of o's group
        for c, u, v in np.ndindex(slices, kh, kw):
            row, column = i * sh + u * dh - ph, j * sw + v * dw - pw
            if 0 <= row < height and 0 <= column < width:
                pixel = input[n, first + c, row, column]
                output[n, o, i, j] += weight[o, c, u, v] * pixel
        if bias is not None:
            output[n, o, i, j] += bias[o]
    return output


def conv_loops(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sequence[int] = (),
    padding: Sequence[tuple[int, int]] = (),
    dilation: Sequence[int] = (),
    groups: int = 1,
) -> Array:
    """The same for any number of spatial axes, with (before, after) padding for each.

    Examples
    --------
    >>> row, kernel = np.array([[[1, 2, 3]]]), np.array([[[1, 10]]])
    >>> conv_loops(row, kernel, padding=[(1, 0)])  # 1*0 + 10*1, 1*1 + 10*2, ...
    array([[[10, 21, 32]]])
    """
    axes = range(input.ndim - 2)
    stride, dilation = stride or [1 for _ in axes], dilation or [1 for _ in axes]
    padding = padding or [(0, 0) for _ in axes]
    size, kernel = input.shape[2:], weight.shape[2:]
    out_channels, slices = weight.shape[:2]
    counts = [(size[a] + sum(padding[a]) - dilation[a] * (kernel[a] - 1) - 1) // stride[a] + 1 for a in axes]
    output = np.zeros((len(input), out_channels, *counts), dtype=input.dtype)
    for n, o, *position in np.ndindex(output.shape):
        total = output.dtype.type(0 if bias is None else bias[o])
        for c, *tap in np.ndindex(slices, *kernel):
            pixel = [position[a] * stride[a] + tap[a] * dilation[a] - padding[a][0] for a in axes]
            if all(0 <= pixel[a] < size[a] for a in axes):
                channel = o // (out_channels // groups) * slices + c
                total += weight[(o, c, *tap)] * input[(n, channel, *pixel)]
        output[(n, o, *position)] = total
    return output


def conv_transpose_loops(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sequence[int] = (),
    padding: Sequence[int] = (),
    output_padding: Sequence[int] = (),
    groups: int = 1,
    dilation: Sequence[int] = (),
) -> Array:
    """Transposed convolution of a batch, for any number of spatial axes: every number of the input lays a
    copy of its kernel, times itself, onto the output.

    Examples
    --------
    >>> row, kernel = np.array([[[1, 2, 3]]]), np.array([[[1, 10]]])
    >>> conv_transpose_loops(row, kernel)  # 1*1, 1*10 + 2*1, 2*10 + 3*1, 3*10
    array([[[ 1, 12, 23, 30]]])
    """
    axes = range(input.ndim - 2)
    stride, dilation = stride or [1 for _ in axes], dilation or [1 for _ in axes]
    padding, output_padding = padding or [0 for _ in axes], output_padding or [0 for _ in axes]
    size, kernel, maps = input.shape[2:], weight.shape[2:], weight.shape[1]
    output_size = [
        (size[a] - 1) * stride[a] - 2 * padding[a] + dilation[a] * (kernel[a] - 1) + output_padding[a] + 1
        for a in axes
    ]
    output = np.zeros((len(input), groups * maps, *output_size), dtype=input.dtype)
    for n, c, *position in np.ndindex(input.shape):
        group = c // (input.shape[1] // groups)
        for o, *tap in np.ndindex(maps, *kernel):
            pixel = [position[a] * stride[a] + tap[a] * dilation[a] - padding[a] for a in axes]
            if all(0 <= pixel[a] < output_size[a] for a in axes):
                output[(n, group * maps + o, *pixel)] += input[(n, c, *position)] * weight[(c, o, *tap)]
    if bias is not None:
        for n, o, *pixel in np.ndindex(output.shape):
            output[(n, o, *pixel)] += bias[o]
    return output


def conv_transpose_by_zeros(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sequence[int] = (),
    padding: Sequence[int] = (),
    output_padding: Sequence[int] = (),
    groups: int = 1,
    dilation: Sequence[int] = (),
) -> Array:
    """The same as an ordinary convolution: of the input with zeros between its numbers, with kernels turned
    by 180 degrees.

    Examples
    --------
    >>> row, kernel = np.array([[[1, 2]]]), np.array([[[3, 4, 5]]])
    >>> conv_transpose_by_zeros(row, kernel, stride=[2])  # 5 4 3 slides over 0 0 1 0 2 0 0
    array([[[ 3,  4, 11,  8, 10]]])
    """
    axes = range(input.ndim - 2)
    stride, dilation = stride or [1 for _ in axes], dilation or [1 for _ in axes]
    padding, output_padding = padding or [0 for _ in axes], output_padding or [0 for _ in axes]
    spaced = np.zeros(
        (*input.shape[:2], *((input.shape[2 + a] - 1) * stride[a] + 1 for a in axes)), input.dtype
    )
    for n, c, *position in np.ndindex(input.shape):
        spaced[(n, c, *(position[a] * stride[a] for a in axes))] = input[(n, c, *position)]
    slices, maps, kernel = len(weight) // groups, weight.shape[1], weight.shape[2:]
    turned = np.zeros((groups * maps, slices, *kernel), weight.dtype)
    for c, o, *tap in np.ndindex(weight.shape):
        opposite = [kernel[a] - 1 - tap[a] for a in axes]
        turned[(c // slices * maps + o, c % slices, *opposite)] = weight[(c, o, *tap)]
    reach = [dilation[a] * (kernel[a] - 1) for a in axes]
    pads = [(reach[a] - padding[a], reach[a] - padding[a] + output_padding[a]) for a in axes]
    return conv_loops(spaced, turned, bias, [1 for _ in axes], pads, dilation, groups)


def pixel_shuffle_loops(input: Array, upscale_factor: int) -> Array:
    """`convlib.pixel_shuffle` of a batch (N, C, H, W), number by number.

    Examples
    --------
    >>> pixel_shuffle_loops(np.array([1, 2, 3, 4]).reshape(1, 4, 1, 1), 2)
    array([[[[1, 2],
             [3, 4]]]])
    """
    r = upscale_factor
    images, channels, height, width = input.shape
    output = np.zeros((images, channels // r**2, height * r, width * r), input.dtype)
    for n, c, i, j in np.ndindex(output.shape):
        output[n, c, i, j] = input[n, c * r**2 + i % r * r + j % r, i // r, j // r]
    return output


def channel_shuffle_loops(input: Array, groups: int) -> Array:
    """`convlib.channel_shuffle`, channel by channel: the first of every group, the second of every group, ...

    Examples
    --------
    >>> channel_shuffle_loops(np.array([1, 2, 3, 4, 5, 6]).reshape(1, 6, 1), 2).ravel()
    array([1, 4, 2, 5, 3, 6])
    """
    output = np.zeros_like(input)
    position = 0
    for member in range(input.shape[1] // groups):
        for group in range(groups):
            output[:, position] = input[:, group * (input.shape[1] // groups) + member]
            position += 1
    return output


def attention_loops(
    query: Array,
    key: Array,
    value: Array,
    attn_mask: Array | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    dropout_factors: Array | None = None,
) -> Array:
    """`convlib.scaled_dot_product_attention`, query by query and key by key. `dropout_factors` holds what
    dropout multiplies each weight with.

    Examples
    --------
    >>> query, key = np.array([[1.0]]), np.log([[3.0], [1.0]])  # the weights are 3/4 and 1/4
    >>> attention_loops(query, key, np.array([[10.0], [20.0]])).round(6)
    array([[12.5]])
    """
    if enable_gqa:  # neighbouring query heads share one: 0 0 1 1 2 2
        heads = query.shape[-3]
        key, value = (
            np.stack([array[..., h * array.shape[-3] // heads, :, :] for h in range(heads)], axis=-3)
            for array in (key, value)
        )
    leading = np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    (length, features), tokens = query.shape[-2:], key.shape[-2]
    scale = 1 / math.sqrt(features) if scale is None else scale
    output = np.zeros((*leading, length, value.shape[-1]))
    for *batch, i in np.ndindex(*leading, length):
        scores = []
        for j in range(tokens):
            score = 0.0
            for e in range(features):
                score += _entry(query, *batch, i, e) * _entry(key, *batch, j, e) * scale
            if attn_mask is not None and attn_mask.dtype != bool:
                score += _entry(attn_mask, *batch, i, j)
            elif (attn_mask is not None and not _entry(attn_mask, *batch, i, j)) or (is_causal and j > i):
                score = -math.inf
            scores.append(score)
        exponentials = [math.exp(score) for score in scores]
        for j in range(tokens):
            weight = exponentials[j] / (sum(exponentials) or 1)
            if dropout_factors is not None:
                weight *= _entry(dropout_factors, *batch, i, j)
            for e in range(value.shape[-1]):
                output[(*batch, i, e)] += weight * _entry(value, *batch, j, e)
    return output


def multi_head_attention_loops(
    query: Array,
    key: Array,
    value: Array,
    num_heads: int,
    in_proj_weight: Array,
    in_proj_bias: Array | None,
    out_proj_weight: Array,
    out_proj_bias: Array | None,
    attn_mask: Array | None = None,
    is_causal: bool = False,
) -> Array:
    """`convlib.multi_head_attention` of (N, L, E), head by head.

    Examples
    --------
    >>> query, key = np.array([[[1.0, 1.0]]]), np.log([[[3.0, 1.0], [1.0, 1.0]]])
    >>> value, unchanged = np.array([[[10.0, 10.0], [20.0, 20.0]]]), np.eye(2)
    >>> in_proj = np.concatenate([unchanged, unchanged, unchanged])
    >>> multi_head_attention_loops(query, key, value, 2, in_proj, None, unchanged, None).round(6)
    array([[[12.5, 15. ]]])
    """
    features = query.shape[-1]

    def linear(tokens: Array, weight: Array, bias: Array | None) -> Array:
        output = np.zeros(tokens.shape)
        for n, i, o in np.ndindex(output.shape):
            total = 0.0 if bias is None else bias[o]
            for e in range(features):
                total += tokens[n, i, e] * weight[o, e]
            output[n, i, o] = total
        return output

    projected = []
    for place, tokens in enumerate((query, key, value)):
        rows = slice(place * features, (place + 1) * features)
        bias = None if in_proj_bias is None else in_proj_bias[rows]
        projected.append(linear(tokens, in_proj_weight[rows], bias))
    joined = np.zeros(query.shape)
    width = features // num_heads
    for n in range(len(query)):
        for head in range(num_heads):
            columns = slice(head * width, (head + 1) * width)
            q, k, v = (tokens[n, :, columns] for tokens in projected)
            mask = None
            if attn_mask is not None:
                mask = np.broadcast_to(attn_mask, (len(query), num_heads, len(q), len(k)))[n, head]
            joined[n, :, columns] = attention_loops(q, k, v, mask, is_causal)
    return linear(joined, out_proj_weight, out_proj_bias)


def _entry(array: Array, *index: int) -> Any:
    """The number at an index into what `array` is broadcast to."""
    last = index[len(index) - array.ndim :]
    return array[tuple(0 if size == 1 else i for size, i in zip(array.shape, last, strict=True))]


def to_tokens_loops(input: Array) -> Array:
    """`convlib.to_tokens`, number by number.

    Examples
    --------
    >>> to_tokens_loops(np.array([[[[1, 2], [3, 4]], [[10, 20], [30, 40]]]]))[0].tolist()
    [[1, 10], [2, 20], [3, 30], [4, 40]]
    """
    images, channels, *size = input.shape
    tokens = np.zeros((images, math.prod(size), channels), input.dtype)
    for n, c, *place in np.ndindex(input.shape):
        token = 0  # y * W + x, for any number of axes
        for coordinate, extent in zip(place, size, strict=True):
            token = token * extent + coordinate
        tokens[n, token, c] = input[(n, c, *place)]
    return tokens


def patchify_loops(input: Array, patch_size: Sequence[int], stride: Sequence[int]) -> Array:
    """`convlib.patchify`, number by number.

    Examples
    --------
    >>> patchify_loops(np.arange(8).reshape(1, 1, 2, 4), (2, 2), (2, 2))
    array([[[0, 1, 4, 5],
            [2, 3, 6, 7]]])
    """
    channels, height, width = input.shape[1:]
    (ph, pw), (sh, sw) = patch_size, stride
    tokens = []
    for top in range(0, height - ph + 1, sh):
        for left in range(0, width - pw + 1, sw):
            token = [
                input[:, c, top + u, left + v] for c in range(channels) for u in range(ph) for v in range(pw)
            ]
            tokens.append(np.stack(token, axis=-1))
    return np.stack(tokens, axis=1)


def position_encoding_2d_loops(size: Sequence[int], features: int) -> Array:
    """`convlib.position_encoding_2d`, number by number.

    Examples
    --------
    >>> position_encoding_2d_loops((1, 2), 4).round(2)
    array([[0.  , 1.  , 0.  , 1.  ],
           [0.  , 1.  , 0.84, 0.54]])
    """
    height, width = size
    table = np.zeros((height * width, features))
    for y in range(height):
        for x in range(width):
            for half, coordinate in enumerate((y, x)):
                for i in range(features // 4):
                    angle = coordinate / 10000 ** (4 * i / features)
                    table[y * width + x, half * features // 2 + 2 * i] = math.sin(angle)
                    table[y * width + x, half * features // 2 + 2 * i + 1] = math.cos(angle)
    return table


def finite_difference(function: Callable[[Array], Any], at: Array, step: float = 1e-6) -> Array:
    """Gradient of a function with one number as its result, by moving each entry a little up and down.

    The error is about ``step**2`` from the curve and 1e-16 / ``step`` from rounding, so only float64 makes
    sense.

    Examples
    --------
    >>> finite_difference(lambda x: (x**2).sum(), np.array([1.0, 3.0])).round(6)  # 2x
    array([2., 6.])
    """
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        moved = at.copy()
        moved[index] = at[index] + step
        above = function(moved)
        moved[index] = at[index] - step
        gradient[index] = (above - function(moved)) / (2 * step)
    return gradient


def interpolate_loops(
    input: Array,
    size: Sequence[int],
    scale_factor: Sequence[float | None] | None = None,
    mode: str = "nearest",
    align_corners: bool = False,
    antialias: bool = False,
) -> Array:
    """`convlib.interpolate` to the given size: for each output pixel, the kernel at the distances of the
    pixels around it. `scale_factor` holds a number for each axis whose scale does not follow from the sizes.

    Examples
    --------
    >>> interpolate_loops(np.array([[[0., 1., 2., 3.]]]), [8], mode="linear")
    array([[[0.  , 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.  ]]])
    """
    spatial = input.shape[2:]
    factors = scale_factor or [None for _ in spatial]
    output = np.zeros((*input.shape[:2], *size))
    for n, c, *position in np.ndindex(output.shape):
        along_axes = [
            _weighted_pixels(*axis, mode, align_corners, antialias)
            for axis in zip(position, spatial, size, factors, strict=True)
        ]
        for near in itertools.product(*along_axes):
            pixel, weights = [j for j, _ in near], [w for _, w in near]
            output[(n, c, *position)] += math.prod(weights) * input[(n, c, *pixel)]
    return output


def _weighted_pixels(
    i: int, pixels: int, count: int, factor: float | None, mode: str, align_corners: bool, antialias: bool
) -> list[tuple[int, float]]:
    """(pixel, weight) of the input pixels that output pixel i of one axis is made of."""
    if mode == "area":  # [j, j + 1] and [i, i + 1] * pixels / count share a piece
        touched = [j for j in range(pixels) if j * count < (i + 1) * pixels and (j + 1) * count > i * pixels]
        return [(j, 1 / len(touched)) for j in touched]
    scale = pixels / count if factor is None else 1 / factor
    if align_corners:
        scale = (pixels - 1) / (count - 1) if count > 1 else 0
    if mode.startswith("nearest"):
        return [(min(math.floor((i + 0.5 if mode == "nearest-exact" else i) * scale), pixels - 1), 1.0)]

    def kernel(x: float) -> float:
        if mode == "lanczos":
            if x == 0 or abs(x) >= 3:
                return 1.0 if x == 0 else 0.0
            return 3 * math.sin(math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x) ** 2
        if mode != "bicubic":
            return max(0.0, 1 - abs(x))
        a = -0.5 if antialias else -0.75
        if abs(x) <= 1:
            return (a + 2) * abs(x) ** 3 - (a + 3) * abs(x) ** 2 + 1
        return a * (abs(x) ** 3 - 5 * abs(x) ** 2 + 8 * abs(x) - 4) if abs(x) < 2 else 0.0

    if pixels == count and (antialias or mode != "bicubic"):
        return [(i, 1.0)]
    if antialias:
        weights = [kernel((j + 0.5 - (i + 0.5) * scale) / max(scale, 1)) for j in range(pixels)]
        return [(j, w / sum(weights)) for j, w in enumerate(weights) if w]
    place = i * scale if align_corners else (i + 0.5) * scale - 0.5
    around = range(math.floor(place) - 2, math.floor(place) + 4)
    return [(min(max(j, 0), pixels - 1), kernel(j - place)) for j in around if kernel(j - place)]


def max_pool_loops(
    input: Array,
    kernel_size: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (),
    dilation: Sequence[int] = (),
    ceil_mode: bool = False,
) -> tuple[Array, Array]:
    """The largest number of every window, and its place in its plane, for any number of spatial axes.

    Examples
    --------
    >>> max_pool_loops(np.array([[[-1, -2, -3]]]), [3], stride=[2], padding=[1])
    (array([[[-1, -2]]]), array([[[0, 1]]]))
    """
    axes = range(len(kernel_size))
    stride, dilation = stride or kernel_size, dilation or [1 for _ in axes]
    padding, size = padding or [0 for _ in axes], input.shape[2:]
    counts = [
        _windows(size[a], dilation[a] * (kernel_size[a] - 1) + 1, stride[a], padding[a], ceil_mode)
        for a in axes
    ]
    largest = np.zeros((*input.shape[:2], *counts), dtype=input.dtype)
    places = np.zeros(largest.shape, dtype=np.int64)
    for n, c, *position in np.ndindex(largest.shape):
        seen: list[tuple[Any, int]] = []
        for tap in np.ndindex(*kernel_size):
            pixel = [position[a] * stride[a] + tap[a] * dilation[a] - padding[a] for a in axes]
            if all(0 <= pixel[a] < size[a] for a in axes):
                value, place = input[(n, c, *pixel)], 0
                for a in axes:
                    place = place * size[a] + pixel[a]
                if not seen or value > seen[0][0] or np.isnan(value):
                    seen = [(value, place)]
        largest[(n, c, *position)], places[(n, c, *position)] = seen[0]
    return largest, places


def avg_pool_loops(
    input: Array,
    kernel_size: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """The mean of every window, for any number of spatial axes.

    Examples
    --------
    >>> avg_pool_loops(np.array([[[3.0, 3.0, 3.0]]]), [3], stride=[1], padding=[1])  # 6 / 3, 9 / 3, 6 / 3
    array([[[2., 3., 2.]]])
    """
    axes = range(len(kernel_size))
    stride, padding, size = stride or kernel_size, padding or [0 for _ in axes], input.shape[2:]
    counts = [_windows(size[a], kernel_size[a], stride[a], padding[a], ceil_mode) for a in axes]
    output = np.zeros((*input.shape[:2], *counts), dtype=input.dtype)
    for n, c, *position in np.ndindex(output.shape):
        total, pixels, with_padding = 0.0, 0, 0
        for tap in np.ndindex(*kernel_size):
            pixel = [position[a] * stride[a] + tap[a] - padding[a] for a in axes]
            with_padding += all(pixel[a] < size[a] + padding[a] for a in axes)
            if all(0 <= pixel[a] < size[a] for a in axes):
                total += input[(n, c, *pixel)]
                pixels += 1
        divisor = with_padding if count_include_pad else pixels
        output[(n, c, *position)] = total / (divisor if divisor_override is None else divisor_override)
    return output


def lp_pool_loops(
    input: Array,
    norm_type: float,
    kernel_size: Sequence[int],
    stride: Sequence[int] = (),
    ceil_mode: bool = False,
) -> Array:
    """The p-norm of every window; of a window that overhangs the image, scaled up to a whole one.

    Examples
    --------
    >>> lp_pool_loops(np.array([[[3.0, 4.0, 0.0, 2.0]]]), 2, [2])
    array([[[5., 2.]]])
    """
    axes = range(len(kernel_size))
    stride, size = stride or kernel_size, input.shape[2:]
    counts = [_windows(size[a], kernel_size[a], stride[a], 0, ceil_mode) for a in axes]
    output = np.zeros((*input.shape[:2], *counts), dtype=input.dtype)
    for n, c, *position in np.ndindex(output.shape):
        total, pixels = 0.0, 0
        for tap in np.ndindex(*kernel_size):
            pixel = [position[a] * stride[a] + tap[a] for a in axes]
            if all(pixel[a] < size[a] for a in axes):
                total += input[(n, c, *pixel)] ** norm_type
                pixels += 1
        output[(n, c, *position)] = (total * math.prod(kernel_size) / pixels) ** (1 / norm_type)
    return output


def max_unpool_loops(input: Array, indices: Array, output_size: Sequence[int]) -> Array:
    """Every number at its place in its plane, and 0 elsewhere.

    Examples
    --------
    >>> max_unpool_loops(np.array([[[7.0, 9.0]]]), np.array([[[1, 4]]]), [5])
    array([[[0., 7., 0., 0., 9.]]])
    """
    output = np.zeros((*input.shape[:2], *output_size), dtype=input.dtype)
    for n, c, *position in np.ndindex(input.shape):
        pixel = np.unravel_index(indices[(n, c, *position)], output_size)
        output[(n, c, *pixel)] = input[(n, c, *position)]
    return output


def _windows(size: int, span: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """Windows that lie inside the padded axis; with `ceil_mode` one more for what is left over, if it starts
    before the axis ends."""
    count, start = 0, -padding
    while start + span <= size + padding:
        count, start = count + 1, start + stride
    left_over = size + padding - (start - stride + span)  # behind the last window that fits
    return count + (ceil_mode and left_over > 0 and start < size)


def adaptive_pool_loops(input: Array, output_size: Sequence[int], pool: Callable[[Array], Any]) -> Array:
    """`pool` of every bin: `numpy.mean` or `numpy.max`.

    Examples
    --------
    >>> adaptive_pool_loops(np.array([[[0.0, 1.0, 2.0, 3.0, 4.0]]]), [3], np.mean)
    array([[[0.5, 2. , 3.5]]])
    """
    output = np.zeros((*input.shape[:2], *output_size), dtype=input.dtype)
    for n, c, *position in np.ndindex(output.shape):
        bins = []
        for i, size, count in zip(position, input.shape[2:], output_size, strict=True):
            first = math.floor(i * size / count)
            end = math.ceil((i + 1) * size / count)
            bins.append(slice(first, end))
        output[(n, c, *position)] = pool(input[(n, c, *bins)])
    return output


def blur_pool_loops(
    input: Array, kernel_size: Sequence[int], stride: Sequence[int], padding_mode: str = "reflect"
) -> Array:
    """`convlib.blur_pool2d` of a batch, for any number of spatial axes: window by window, with every weight
    the product of numbers of Pascal's triangle.

    Examples
    --------
    >>> blur_pool_loops(np.array([[[1.0, 3.0, 5.0, 7.0]]]), [3], [2])  # (3 + 2*1 + 3) / 4, (3 + 2*5 + 7) / 4
    array([[[2., 5.]]])
    """
    axes, size = range(len(kernel_size)), input.shape[2:]

    def pixel_at(a: int, i: int) -> int | None:
        if 0 <= i < size[a] or padding_mode == "zeros":
            return i if 0 <= i < size[a] else None
        if padding_mode == "circular":
            return int(i % size[a])
        if padding_mode == "replicate":
            return 0 if i < 0 else size[a] - 1
        return -i if i < 0 else 2 * (size[a] - 1) - i

    counts = [math.ceil(size[a] / stride[a]) for a in axes]
    output = np.zeros((*input.shape[:2], *counts), dtype=input.dtype)
    for n, c, *position in np.ndindex(output.shape):
        for tap in np.ndindex(*kernel_size):
            places = [position[a] * stride[a] + tap[a] - (kernel_size[a] - 1) // 2 for a in axes]
            pixel = [pixel_at(a, places[a]) for a in axes]
            weight = math.prod(
                math.comb(kernel_size[a] - 1, tap[a]) / 2 ** (kernel_size[a] - 1) for a in axes
            )
            if None not in pixel:
                output[(n, c, *position)] += weight * input[(n, c, *pixel)]
    return output


def c4_conv_loops(input: Array, weight: Array, padding: int = 0) -> Array:
    """`convlib.c4_conv` of a batch (N, C, 4, H, W), or with weights of four axes `convlib.c4_lift` of images:
    every orientation r looks with every tap of the kernel turned by r quarters.

    Examples
    --------
    >>> image, weight = np.array([[[[1, 2], [3, 4]]]]), np.array([[[[1, 10], [0, 0]]]])
    >>> c4_conv_loops(image, weight).ravel()  # 1 + 10*2, 3 + 10*1, 4 + 10*3, 2 + 10*4
    array([21, 13, 34, 42])
    """
    if weight.ndim == 4:  # an image has one orientation, and every kernel looks at it
        return c4_conv_loops(input[:, :, None], weight[:, :, None], padding)
    k, (height, width), seen = weight.shape[-1], input.shape[-2:], input.shape[2]
    size = (height + 2 * padding - k + 1, width + 2 * padding - k + 1)
    output = np.zeros((len(input), len(weight), 4, *size), dtype=input.dtype)
    for n, o, r, i, j in np.ndindex(output.shape):
        for c, s, u, v in np.ndindex(weight.shape[1], seen, k, k):
            row, column = u, v  # of the kernel in orientation 0: turned back by r quarters
            for _ in range(r):
                row, column = column, k - 1 - row
            y, x = i + u - padding, j + v - padding
            if 0 <= y < height and 0 <= x < width:
                output[n, o, r, i, j] += weight[o, c, (s - r) % seen, row, column] * input[n, c, s, y, x]
    return output

"""The same algorithms for torch tensors, on any device and with autograd: the idea of each, in torch's words.

They are here to be read and measured beside torch's own convolution, which is what a tensor gets by
default.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch.nn import functional

from convlib import torch_ops
from convlib._dispatch import Array
from convlib.algorithms.winograd import squares
from convlib.shapes import Ints, Layout, Padding, conv_layout


def conv2d(
    input: Array, weight: Array, bias: Array | None = None,
    stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
    algorithm: str | None = None,
) -> Array:  # fmt: skip
    if algorithm is None or 0 in input.shape:  # nothing to be done one way or another
        return torch_ops.conv2d(  # type: ignore[no-untyped-call]
            input, weight, bias, stride, padding, dilation, groups
        )
    if input.ndim == 3:
        return conv2d(input[None], weight, bias, stride, padding, dilation, groups, algorithm)[0]
    layout = conv_layout(input.shape[2:], weight.shape[2:], stride, padding, dilation)
    (top, bottom), (left, right) = layout.padding
    padded = functional.pad(input, (left, right, top, bottom))
    output = globals()[algorithm](padded, weight, layout, groups)
    return output if bias is None else output + bias[:, None, None]


def conv2d_input(*args: Any, **options: Any) -> Array:
    return torch_ops.conv2d_input(*args, **options)  # type: ignore[no-untyped-call]


def conv2d_weight(*args: Any, **options: Any) -> Array:
    return torch_ops.conv2d_weight(*args, **options)  # type: ignore[no-untyped-call]


def pointwise(padded: Array, weight: Array, layout: Layout, groups: int) -> Array:
    down, across = layout.stride
    pixels = padded[..., ::down, ::across].flatten(2).unflatten(1, (groups, -1))  # n g c l
    return _images(weight.flatten(1).unflatten(0, (groups, -1)) @ pixels, layout)


def im2col(padded: Array, weight: Array, layout: Layout, groups: int) -> Array:
    columns = functional.unfold(padded, layout.kernel, layout.dilation, 0, layout.stride)  # n gckk l
    return _images(weight.flatten(1).unflatten(0, (groups, -1)) @ columns.unflatten(1, (groups, -1)), layout)  # type: ignore[no-untyped-call]


def kn2row(padded: Array, weight: Array, layout: Layout, groups: int) -> Array:
    return sum(
        _images(weight[:, :, u, v] @ pixels.flatten(2), layout) for (u, v), pixels in _moved(padded, layout)
    )


def depthwise(padded: Array, weight: Array, layout: Layout, groups: int) -> Array:
    return sum(weight[:, 0, u, v, None, None] * pixels for (u, v), pixels in _moved(padded, layout))


def winograd_2x2(padded: Array, weight: Array, layout: Layout, groups: int) -> Array:
    return _winograd(2, padded, weight, layout)


def winograd_4x4(padded: Array, weight: Array, layout: Layout, groups: int) -> Array:
    return _winograd(4, padded, weight, layout)


def fourier(padded: Array, weight: Array, layout: Layout, groups: int) -> Array:
    size = padded.shape[2:]
    down, across = layout.dilation
    spread = weight.new_zeros(
        *weight.shape[:2], *(d * (k - 1) + 1 for k, d in zip(layout.kernel, layout.dilation, strict=True))
    )
    spread[..., ::down, ::across] = weight
    kernels = torch.fft.rfft2(spread, size).conj().unflatten(0, (groups, -1))  # g o c h w
    seen = torch.fft.rfft2(padded).unflatten(1, (groups, -1))  # n g c h w
    mixed = torch.einsum("gochw,ngchw->ngohw", kernels, seen).flatten(1, 2)
    output = torch.fft.irfft2(mixed, size)
    (rows, columns), (down, across) = layout.positions, layout.stride
    return output[..., : rows * down : down, : columns * across : across]


def _images(output: Array, layout: Layout) -> Array:
    """n (g) o l to n o h w."""
    return output.reshape(len(output), -1, *layout.positions)


def _moved(padded: Array, layout: Layout) -> Any:
    """Every tap, and the pixels that it meets."""
    for tap in itertools.product(*map(range, layout.kernel)):
        spans = zip(tap, layout.dilation, layout.stride, layout.positions, strict=True)
        yield tap, padded[(..., *(slice(t * d, t * d + s * (n - 1) + 1, s) for t, d, s, n in spans))]


def _winograd(m: int, padded: Array, weight: Array, layout: Layout) -> Array:
    """Of each phase of the dilation, in tiles; what the last ones have too much is cut off."""
    k, (rows, columns) = layout.kernel[0], layout.positions
    a = m + k - 1
    to_outputs, to_kernel, to_tiles = (weight.new_tensor(one.tolist()) for one in squares(m, k, "float64"))
    kernels = to_kernel @ weight.flatten(2).permute(2, 1, 0).reshape(k * k, -1)  # aa co
    kernels = kernels.unflatten(1, (weight.shape[1], -1))  # aa c o
    down, across = layout.dilation
    output = padded.new_empty(len(padded), len(weight), rows, columns)
    for i, j in itertools.product(range(min(down, rows)), range(min(across, columns))):
        counts = (len(range(i, rows, down)), len(range(j, columns, across)))
        tiles = [-(-count // m) for count in counts]
        pixels = padded[..., i::down, j::across]
        needed = [tile * m + k - 1 for tile in tiles]
        pixels = functional.pad(pixels, (0, needed[1] - pixels.shape[3], 0, needed[0] - pixels.shape[2]))
        windows = pixels.unfold(2, a, m).unfold(3, a, m)  # n c h w a a
        values = to_tiles @ windows.permute(4, 5, 0, 2, 3, 1).reshape(a * a, -1)
        sums = values.reshape(a * a, -1, weight.shape[1]) @ kernels  # aa nhw o
        answer = to_outputs @ sums.flatten(1)
        laid = answer.reshape(m, m, len(padded), *tiles, -1).permute(2, 5, 3, 0, 4, 1)
        laid = laid.reshape(len(padded), len(weight), tiles[0] * m, tiles[1] * m)
        output[..., i::down, j::across] = laid[..., : counts[0], : counts[1]]
    return output

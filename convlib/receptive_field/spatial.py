"""Operations that move over the image: convolution, pooling, padding, resizing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from convlib.receptive_field.field import Taps, bins, resized, transposed_window, window
from convlib.receptive_field.operators import Call, operator
from convlib.receptive_field.seen import NOWHERE, Rows
from convlib.receptive_field.track import rows_of
from convlib.receptive_field.value import Value
from convlib.resize import resize_matrix


@operator(
    "conv1d", "conv2d", "conv3d", "convolution", "_convolution", "cudnn_convolution", "mkldnn_convolution"
)
def convolution(call: Call) -> Value:
    """All channels of a group, and a window along each axis."""
    if call.get("transposed", default=False):
        whole: Value = transposed_convolution(call)
        return whole
    value: Value = call.first
    kernel = call.values[call.given["weight"]].shape
    axes = len(kernel) - 2
    channels = len(value.shape) - axes - 1
    result: Value = value.mixed_in_groups(channels, call.get("groups", default=1), call.shape[channels])
    strides, dilations = call.ints("stride", axes, 1), call.ints("dilation", axes, 1)
    padding = call.get("padding")
    if isinstance(padding, str):
        spans = [d * (k - 1) for d, k in zip(dilations, kernel[2:], strict=True)]
        pads = [span // 2 if padding == "same" else 0 for span in spans]
    else:
        pads = call.ints("padding", axes)
    for axis, (k, s, p, d) in enumerate(zip(kernel[2:], strides, pads, dilations, strict=True)):
        dim = channels + 1 + axis
        taps = window(k, s, p, d)
        result = result.moved(dim, taps, rows_of(taps, call.shape[dim]))
    return result


@operator("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed_convolution(call: Call) -> Value:
    """As convolution, read from the image's side; a group's channels stand first in the weight."""
    value, kernel = call.first, call.values[call.given["weight"]].shape
    axes = len(kernel) - 2
    channels = len(value.shape) - axes - 1
    result: Value = value.mixed_in_groups(channels, call.get("groups", default=1), call.shape[channels])
    strides, dilations = call.ints("stride", axes, 1), call.ints("dilation", axes, 1)
    pads = call.ints("padding", axes)
    for axis, (k, s, p, d) in enumerate(zip(kernel[2:], strides, pads, dilations, strict=True)):
        dim = channels + 1 + axis
        taps = transposed_window(k, s, p, d)
        result = result.moved(dim, taps, rows_of(taps, call.shape[dim]))
    return result


POOLS = [f"{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)]


@operator(*POOLS, *(f"max_pool{n}d_with_indices" for n in (1, 2, 3)))
def pooling(call: Call) -> Value:
    """A window along each axis; what hangs over the edge reads nothing."""
    value = call.first
    axes = int(call.name.split("pool")[1][0])
    kernel = call.ints("kernel_size", axes)
    strides, pads = call.ints("stride", axes, kernel), call.ints("padding", axes)
    for axis, (k, s, p, d) in enumerate(
        zip(kernel, strides, pads, call.ints("dilation", axes, 1), strict=True)
    ):
        dim = len(value.shape) - axes + axis
        taps = window(k, s, p, d)
        value = value.moved(dim, taps, rows_of(taps, call.shape[dim]))
    return value


ADAPTIVE = [f"adaptive_{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)]


@operator(*ADAPTIVE, "_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
def adaptive_pooling(call: Call) -> Value:
    """Bins along each axis; a single bin holds the whole map."""
    value = call.first
    axes = int(call.name.split("pool")[1][0])
    for dim in range(len(value.shape) - axes, len(value.shape)):
        old, new = value.shape[dim], call.shape[dim]
        if new == 1:
            value = value.mixed([dim], f"global pooling, {call.where}", [1])
        else:
            taps = bins(old, new)
            value = value.moved(dim, taps, rows_of(taps, new))
    return value


@operator(
    "pad",
    "constant_pad_nd",
    "_pad_circular",
    *(f"re{kind}ion_pad{n}d" for kind in ("flect", "plicat") for n in (1, 2, 3)),
)
def padding(call: Call) -> Value:
    """Constants see nothing; the other kinds see the pixels that they copy."""
    value = call.first
    amounts = call.get("pad", "padding")
    mode = call.get("mode", default=_padding_mode(call.name))
    call.get("value")
    for number in range(len(amounts) // 2):
        dim = len(value.shape) - 1 - number
        before, after = amounts[2 * number : 2 * number + 2]
        if before or after:
            size = value.shape[dim]
            rows = np.arange(-before, size + after)[:, None]
            value = value.moved(dim, window(1, padding=before), _copied(mode, rows, size))
    return value


def _padding_mode(name: str) -> str:
    words = {"reflection": "reflect", "replication": "replicate", "_pad_circular": "circular"}
    return next((mode for word, mode in words.items() if name.startswith(word)), "constant")


def _copied(mode: str, rows: Rows, size: int) -> Rows:
    if mode == "replicate":
        return rows.clip(0, size - 1)
    if mode == "circular":
        return rows % size
    if mode == "reflect":
        rows = abs(rows)
        return np.where(rows < size, rows, 2 * (size - 1) - rows)
    return rows


MODES = {
    "upsample_nearest": "nearest",
    "_upsample_nearest_exact": "nearest-exact",
    "upsample_linear": "linear",
    "upsample_bilinear": "linear",
    "upsample_trilinear": "linear",
    "upsample_bicubic": "bicubic",
    "_upsample_bilinear": "bilinear",
    "_upsample_bicubic": "bicubic",
}
RESIZED = {
    f"{name}{n}d{end}": mode
    for name, mode in MODES.items()
    for n in (1, 2, 3)
    for end in (("_aa",) if name.startswith("_") and "nearest" not in name else ("",))
}


@operator(*RESIZED)
def resizing(call: Call) -> Value:
    """The pixels with a weight in the very matrix that `convlib.interpolate` applies."""
    value = call.first
    mode, antialias = RESIZED[call.name], call.name.endswith("_aa")
    corners = bool(call.get("align_corners", default=False))
    axes = len(value.shape) - 2
    scales = call.get("scale_factors", default=None) or [
        call.get(*names) for names in (("scales_d",), ("scales_h",), ("scales_w", "scales"))[3 - axes :]
    ]
    call.get("output_size")
    for axis, scale in enumerate(scales):
        dim = axis + 2
        old, new = value.shape[dim], call.shape[dim]
        if scale is not None and int(old * scale) != new:
            scale = None
        options: dict[str, Any] = {} if mode.startswith("nearest") else {"align_corners": corners}
        matrix = resize_matrix(old, new, scale, mode, antialias=antialias and new < old, **options)
        ratio = Fraction(old, new) if scale is None else 1 / Fraction(scale).limit_denominator(1000)
        if corners:
            ratio = Fraction(old - 1, new - 1) if new > 1 else Fraction(0)
        if old == new and "linear" in mode:
            ratio = Fraction(1)
        taps = resized(ratio, mode, corners, antialias and new < old) if ratio else None
        value = value.moved(dim, taps, _rows_with_weight(matrix), f"resizing, {call.where}")
    return value


def _rows_with_weight(matrix: Any) -> Rows:
    weighty = abs(matrix) > 1e-9
    rows = np.full((len(matrix), int(weighty.sum(1).max())), NOWHERE, dtype=np.intp)
    for unit, line in enumerate(weighty):
        places = np.flatnonzero(line)
        rows[unit, : len(places)] = places
    return rows


@operator("glu")
def gated(call: Call) -> Value:
    """The first half times a function of the second."""
    value, dim = call.first, call.first.dims(call["dim"])[0]
    half = value.shape[dim] // 2
    taps = Taps(((0, half),), 1)
    return value.moved(dim, taps, rows_of(taps, half))

"""Operations that move units about and compute nothing: views, slices, joins, shuffles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import fx

from convlib.receptive_field.field import window
from convlib.receptive_field.meeting import joined, union
from convlib.receptive_field.operators import Call, UnknownOperation, everything, operator
from convlib.receptive_field.seen import compressed, nothing_like
from convlib.receptive_field.value import MOST_WORDS, Reach, Value


@operator(
    "view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "ravel"
)
def reshaping(call: Call) -> Value:
    """The same units in their order."""
    call.used |= call.given.keys()
    return call.first.reshaped(call.shape)


@operator("permute", "transpose", "t", "swapaxes", "swapdims", "numpy_T", "mT", "adjoint", "movedim")
def permuting(call: Call) -> Value:
    """Dimensions in another order, which a tensor without numbers tells."""
    value = call.first
    # Sizes that differ say where each dimension went.
    probe = torch.empty(tuple(range(2, 2 + len(value.shape))), device="meta")
    arguments = [probe, *call.node.args[1:]]
    moved: Any = call.node.target(*arguments, **call.node.kwargs)  # type: ignore[operator]
    return value.permuted([size - 2 for size in moved.shape])


@operator("expand", "broadcast_to", "expand_as")
def expanding(call: Call) -> Value:
    """Repeated along dimensions of size 1."""
    call.used |= call.given.keys()
    return call.first.broadcast(call.shape)


def cut(value: Value, dim: int, start: int, count: int, step: int = 1) -> Value:
    """Every step-th unit from a start."""
    rows = (start + step * np.arange(count))[:, None]
    return value.moved(dim, window(1, stride=step, padding=-start), rows)


@operator("slice", "narrow", "select", "slice_copy", "select_copy")
def slicing(call: Call) -> Value:
    """Some units along one dimension; a single one for an index."""
    value = call.first
    dim = value.dims(call["dim"])[0]
    size = value.shape[dim]
    if call.name.startswith("select"):
        index = call["index"]
        return cut(value, dim, index % size, 1).reshaped(call.shape)
    start = call.get("start", default=0) or 0
    start = min(max(start + size if start < 0 else start, 0), size)
    call.get("end", "length")
    return cut(value, dim, start, call.shape[dim], call.get("step", default=1) or 1)


@operator(
    "chunk", "split", "split_with_sizes", "tensor_split", "unsafe_chunk", "unsafe_split", "unbind", "hsplit"
)
@operator("unsafe_split_with_sizes", "split_copy", "unbind_copy")
def splitting(call: Call) -> list[Value]:
    """Pieces, one after the other."""
    value = call.first
    dim = value.dims(call.get("dim", default=1 if call.name == "hsplit" else 0))[0]
    pieces, start = [], 0
    for shape in call.shapes:
        whole = len(shape) == len(value.shape)
        count = shape[dim] if whole else 1
        pieces.append(cut(value, dim, start, count).reshaped(shape))
        start += count
    return pieces


@operator("cat", "concat", "concatenate")
def joining(call: Call) -> Value:
    """One after the other; empty tensors of one dimension are let through, as in torch."""
    values = [one for one in call["tensors"] if one.shape != (0,)]
    return joined(values, Value(call.shape).dims(call.get("dim", default=0))[0], call.shape)


@operator("stack")
def stacking(call: Call) -> Value:
    """Side by side in a new dimension."""
    dim = Value(call.shape).dims(call.get("dim", default=0))[0]
    one = (*call.shape[:dim], 1, *call.shape[dim + 1 :])
    return joined([value.reshaped(one) for value in call["tensors"]], dim, call.shape)


@operator("flip", "roll")
def turning(call: Call) -> Value:
    """Backwards, or round the end."""
    value = call.first
    dims = value.dims(call["dims"])
    shifts = call.get("shifts", default=0)
    shifts = [shifts] if isinstance(shifts, int) else shifts
    if call.name == "roll" and not call.given.get("dims"):
        whole: Value = by_numbering(call)
        return whole
    for number, dim in enumerate(dims):
        rows = np.arange(value.shape[dim])
        rows = rows[::-1].copy() if call.name == "flip" else np.roll(rows, shifts[number])
        value = value.moved(dim, None, rows[:, None], f"{call.name}, {call.where}")
    return value


@operator("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle")
def shuffling(call: Call) -> Value:
    """A view, another order, and a view: what a shuffle is."""
    value = call.first
    *front, c, h, w = value.shape
    n = len(front)
    order = list(range(n))
    if "channel" in call.name:
        groups, dim = call["groups"], 1
        shape = [*value.shape]
        split = [*shape[:dim], groups, shape[dim] // groups, *shape[dim + 1 :]]
        swap = list(range(len(split)))
        swap[dim], swap[dim + 1] = dim + 1, dim
        return value.reshaped(split).permuted(swap).reshaped(call.shape)
    if call.name == "pixel_shuffle":
        r = call["upscale_factor"]
        split = [*front, c // r**2, r, r, h, w]
        return value.reshaped(split).permuted([*order, n, n + 3, n + 1, n + 4, n + 2]).reshaped(call.shape)
    r = call["downscale_factor"]
    split = [*front, c, h // r, r, w // r, r]
    return value.reshaped(split).permuted([*order, n, n + 2, n + 4, n + 1, n + 3]).reshaped(call.shape)


@operator(
    "repeat", "tile", "repeat_interleave", "index", "index_select", "gather", "unfold", "im2col", "as_strided"
)
@operator(
    "diagonal",
    "rot90",
    "take",
    "take_along_dim",
    "slice_scatter",
    "select_scatter",
    "index_copy",
    "triu",
    "tril",
)
@operator(
    "diag_embed",
    "index_put",
    "constant_pad",
    "unfold_copy",
    "_unsafe_index",
    "masked_select",
    "fliplr",
    "flipud",
)
def by_numbering(call: Call) -> Value:
    """Any rearrangement at all: number the units, let torch move the numbers, and read where they came from.

    Number 0 is nobody's, so that whatever the operation adds by itself sees nothing.
    """
    call.used |= call.given.keys()
    sources: list[Value] = []
    numbered, begins = 1, []

    def stand_in(node: fx.Node) -> Any:
        nonlocal numbered
        value = call.values[node]
        if not isinstance(value, Value) or not value.reaches:
            concrete = call.trace.concrete(node)
            # Numbers among the units would be mistaken for theirs.
            is_index = not isinstance(concrete, torch.Tensor) or not concrete.is_floating_point()
            return concrete if is_index else torch.zeros(concrete.shape, dtype=torch.float64)
        count = math.prod(value.shape)
        begins.append(numbered)
        sources.append(value)
        numbers = torch.arange(numbered, numbered + count, dtype=torch.float64).reshape(value.shape)
        numbered += count
        return numbers

    words = max(reach.seen.shape[-1] for value in call.tensors() for reach in value.reaches)
    reason = f"{call.name}, {call.where}"
    if math.prod(call.shape) * words > MOST_WORDS:
        return everything(call.tensors(), call.shape, reason)
    try:
        arguments = fx.map_arg((call.node.args, dict(call.node.kwargs)), stand_in)
        came: Any = call.node.target(*arguments[0], **arguments[1])  # type: ignore[operator]
    except Exception as problem:
        raise UnknownOperation(f"{call.name} with places that are computed from the image") from problem
    numbers = came.numpy().astype(np.int64)
    parts = [
        _taken(value, numbers - begin, call.shape, reason)
        for value, begin in zip(sources, begins, strict=True)
    ]
    return union(parts, call.shape)


@operator("col2im")
def folding(call: Call) -> Value:
    """The adjoint of `unfold`: each entry adds to the pixel that `unfold` would have taken it from."""
    value = call.first
    window = (call["kernel_size"], call["dilation"], call["padding"], call["stride"])
    *front, height, width = call.shape
    reason = f"{call.name}, {call.where}"
    call.get("output_size")
    numbers = torch.arange(1, height * width + 1, dtype=torch.float64).reshape(1, 1, height, width)
    places = torch.ops.aten.im2col(numbers, *window)[0].numpy().astype(np.int64)  # (k*k, positions)
    if math.prod(value.shape) * max(reach.seen.shape[-1] for reach in value.reaches) > MOST_WORDS:
        return everything([value], call.shape, reason)

    def change(reach: Reach) -> Reach:
        full = np.broadcast_to(reach.seen, (*value.shape, reach.seen.shape[-1]))
        full = full.reshape(math.prod(front), *places.shape, -1)
        seen = np.zeros((len(full), height * width + 1, full.shape[-1]), np.uint64)
        everywhere: Any = (slice(None), places)
        np.bitwise_or.at(seen, everywhere, full)
        seen = seen[:, 1:].reshape(*front, height, width, -1)  # number 0 is padding
        return Reach(compressed(seen, range(len(call.shape))), reach.pixels, None, reach.reason or reason)

    return Value(call.shape, tuple(map(change, value.reaches)))


def _taken(value: Value, places: Any, shape: Sequence[int], reason: str) -> Value:
    inside = (places >= 0) & (places < math.prod(value.shape))
    where = np.unravel_index(np.where(inside, places, 0), value.shape) if value.shape else ()

    def change(reach: Reach) -> Reach:
        index = tuple(
            np.zeros_like(one) if size == 1 else one
            for one, size in zip(where, reach.seen.shape, strict=False)
        )
        seen = (
            reach.seen[index] if index else np.broadcast_to(reach.seen, (*shape, reach.seen.shape[-1])).copy()
        )
        seen = np.where(inside[..., None], seen, nothing_like(seen, [1] * len(shape)))
        seen = compressed(seen, range(len(shape)))
        return Reach(seen, reach.pixels, None, reach.reason or reason)

    return Value(tuple(shape), tuple(map(change, value.reaches)))

"""Exact sets of pixels, one bit each: an array of units whose last axis holds the words of a set.

The other axes are those of the tensor, or 1 where all units along it see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Sets: TypeAlias = NDArray[np.uint64]
Rows: TypeAlias = NDArray[np.intp]

NOWHERE = -(2**40)  # stands for a unit that does not exist, whatever is added to it


def each_pixel(size: int, position: int, dims: int) -> Sets:
    """Units that each see their own pixel: the image itself, along one of its axes."""
    bits = np.packbits(np.eye(size, 64 * -(-size // 64), dtype=bool), axis=1, bitorder="little")
    words = bits.view(np.uint64)
    return words.reshape([1] * position + [size] + [1] * (dims - position - 1) + [-1])


def nothing_like(sets: Sets, shape: Sequence[int]) -> Sets:
    """Empty sets."""
    return np.zeros((*shape, sets.shape[-1]), np.uint64)


def gather(sets: Sets, dim: int, rows: Rows) -> Sets:
    """Unit u sees all that the units ``rows[u]`` see; rows outside are padding, and see nothing."""
    size = sets.shape[dim]
    inside = (rows >= 0) & (rows < size)
    if not inside.all():
        empty = nothing_like(sets, (*sets.shape[:dim], 1, *sets.shape[dim + 1 : -1]))
        sets = np.concatenate([sets, empty], dim)
        rows = np.where(inside, rows, size)
    found = sets.take(rows[:, 0], dim)
    for column in rows.T[1:]:
        found |= sets.take(column, dim)
    return found


def together(sets: Sets, dims: Sequence[int]) -> Sets:
    """What all units along some axes see between them; the axes stay, with size 1."""
    for dim in dims:
        if sets.shape[dim] > 1:
            sets = np.bitwise_or.reduce(sets, axis=dim, keepdims=True)
    return sets


def compressed(sets: Sets, dims: Sequence[int]) -> Sets:
    """The same, with size 1 along each of the axes where all units see the same."""
    for dim in dims:
        if sets.shape[dim] > 1:
            first = sets.take([0], dim)
            if (sets == first).all():
                sets = first
    return sets


def as_mask(words: Sets, size: int) -> NDArray[np.bool_]:
    """One truth value for each pixel."""
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, bitorder="little")
    return bits[..., :size].astype(bool)


def ends(mask: NDArray[Any]) -> tuple[int, int] | None:
    """First and last pixel of one set."""
    places = np.flatnonzero(mask)
    return (int(places[0]), int(places[-1])) if places.size else None

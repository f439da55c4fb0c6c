"""Where a field runs in a tensor, and where it is after a reshape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from convlib.receptive_field.field import Field, Taps, repeated, window
from convlib.receptive_field.seen import NOWHERE, Rows


class Track(NamedTuple):
    """The dimension along which a field runs.

    Its index is ``(outer * units + unit) * inner``, so that a flattened map still knows its rows and columns.
    """

    field: Field
    dim: int
    units: int
    outer: int = 1
    inner: int = 1

    def settled(self) -> Track | None:
        """The same with one index for each unit; None where the units come round several times."""
        if self.outer > 1 or self.inner == 1:
            return None if self.outer > 1 else self
        field = self.field.then(repeated(self.inner))
        return Track(field, self.dim, self.units * self.inner) if field else None


def groups_of(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Smallest runs of dimensions, old and new, that hold equally many units."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        ours, theirs = [], []
        left = right = 1
        while True:
            if i < len(old) and (left <= right or j >= len(new)):
                left *= old[i]
                ours.append(i)
                i += 1
            else:
                right *= new[j]
                theirs.append(j)
                j += 1
            if left == right and theirs and ours:
                break
            if i >= len(old) and j >= len(new):
                break
        while i < len(old) and old[i] == 1 and (j >= len(new) or new[j] != 1):
            ours.append(i)
            i += 1
        while j < len(new) and new[j] == 1 and (i >= len(old) or old[i] != 1):
            theirs.append(j)
            j += 1
        groups.append((ours, theirs))
    return groups


def refolded(
    track: Track, old: Sequence[int], new: Sequence[int], groups: Sequence[tuple[list[int], list[int]]]
) -> Track | None:
    """Where the units of a track are after a reshape; a split axis keeps the coarse part."""
    ours, theirs = next(group for group in groups if track.dim in group[0])
    outer = math.prod(old[dim] for dim in ours if dim < track.dim) * track.outer
    inner = math.prod(old[dim] for dim in ours if dim > track.dim) * track.inner
    places = [
        (dim, outer // before, math.prod(new[d] for d in theirs if d > dim))
        for dim in theirs
        if outer % (before := math.prod(new[d] for d in theirs if d < dim)) == 0
    ]
    for dim, rounds, after in places:
        if inner % after == 0:
            return track._replace(dim=dim, outer=rounds, inner=inner // after)
    for dim, rounds, after in places:
        block = after // inner if after % inner == 0 else 0
        if block > 1 and track.units % block == 0:
            field = track.field.then(window(block, stride=block))
            return Track(field, dim, track.units // block, rounds) if field else None
    return None


def rows_of(taps: Taps, size: int) -> Rows:
    """The taps of so many units as a table; short lists are filled with units that do not exist."""
    most = max((len(phase) for phase in taps.phases), default=0) or 1
    filled = np.array([list(phase) + [NOWHERE] * (most - len(phase)) for phase in taps.phases], dtype=np.intp)
    units = np.arange(size)
    return filled[units % len(taps.phases)] + (units // len(taps.phases) * taps.advance)[:, None]

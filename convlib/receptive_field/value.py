"""What the units of one tensor see, and the few ways in which one tensor comes from another.

For each axis of the image two answers are kept. The exact set of pixels, with the borders and the gaps, is
an array (`seen`) that broadcasts against the tensor. The rule that holds far from the borders (`Field`) needs
one dimension of the tensor along which it runs; where an operation leaves none, the reason is kept instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from convlib.receptive_field.field import Field, Taps, repeated, window
from convlib.receptive_field.seen import (
    NOWHERE,
    Rows,
    Sets,
    compressed,
    gather,
    nothing_like,
    together,
)

MOST_WORDS = 2**24  # 128 MB; what would need more is answered with all that it may see


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


@dataclass(frozen=True)
class Reach:
    """One axis of the image: exact sets, and the rule or the reason why there is none."""

    seen: Sets
    pixels: int
    track: Track | None
    reason: str = ""

    def lost(self, reason: str) -> Reach:
        return replace(self, track=None, reason=self.reason or reason)


@dataclass(frozen=True)
class Value:
    """A tensor: its shape, and what it sees along each axis of the image; no axes where it sees nothing."""

    shape: tuple[int, ...]
    reaches: tuple[Reach, ...] = ()

    def dims(self, given: int | Sequence[int] | None) -> tuple[int, ...]:
        """Dimensions counted from the front; None means all."""
        if given is None or (not isinstance(given, int) and len(given) == 0):
            return tuple(range(len(self.shape)))
        several = (given,) if isinstance(given, int) else given
        return tuple(dim % max(1, len(self.shape)) for dim in several)

    def _each(self, change: Callable[[Reach], Reach], shape: Sequence[int]) -> Value:
        return Value(tuple(shape), tuple(map(change, self.reaches)))

    def lost(self, reason: str) -> Value:
        """The same sets, without the rule."""
        return self._each(lambda reach: reach.lost(reason), self.shape)

    def mixed(self, dims: Sequence[int], reason: str, sizes: Sequence[int] | None = None) -> Value:
        """Every unit sees what all along these dimensions see; their sizes stay unless others are given."""
        shape = list(self.shape)
        for dim, size in zip(dims, sizes or [self.shape[dim] for dim in dims], strict=True):
            shape[dim] = size

        def change(reach: Reach) -> Reach:
            track = reach.track
            if track and track.dim in dims and (self.shape[track.dim] > 1 or shape[track.dim] > 1):
                reach = reach.lost(reason)
            return replace(reach, seen=together(reach.seen, dims))

        return self._each(change, shape)

    def mixed_in_groups(self, dim: int, groups: int, size: int) -> Value:
        """As `mixed`, within groups of equal size along a dimension; channels of a grouped convolution."""

        def change(reach: Reach) -> Reach:
            seen, old = reach.seen, reach.seen.shape
            if old[dim] > 1:
                split = seen.reshape(*old[:dim], groups, old[dim] // groups, *old[dim + 1 :])
                seen = np.bitwise_or.reduce(split, axis=dim + 1)
                seen = compressed(seen.repeat(size // groups, dim), [dim]) if groups > 1 else seen
            if reach.track and reach.track.dim == dim:
                reach = reach.lost("an axis taken for channels")
            return replace(reach, seen=seen)

        return self._each(change, (*self.shape[:dim], size, *self.shape[dim + 1 :]))

    def moved(self, dim: int, taps: Taps | None, rows: Rows, reason: str = "") -> Value:
        """Unit u sees all that units ``rows[u]`` along one dimension see; `taps` is the rule behind it."""
        size = len(rows)

        def change(reach: Reach) -> Reach:
            track, seen = reach.track, reach.seen
            along = track is not None and track.dim == dim
            if along:
                full = [*seen.shape]
                full[dim] = self.shape[dim]
                seen = np.broadcast_to(seen, full)
            # Where all units see the same, padding is not told apart from them.
            if along or seen.shape[dim] > 1:
                reach = replace(reach, seen=gather(seen, dim, rows))
            if track and along:
                track = track.settled()
                field = track and taps and track.field.then(taps)
                if not field:
                    return reach.lost(reason or "an operation without a rule")
                reach = replace(reach, track=Track(field, dim, size))
            return reach

        return self._each(change, (*self.shape[:dim], size, *self.shape[dim + 1 :]))

    def permuted(self, order: Sequence[int]) -> Value:
        """Dimensions in another order."""
        order = self.dims(order) if order else ()
        place = {dim: position for position, dim in enumerate(order)}

        def change(reach: Reach) -> Reach:
            track = reach.track and reach.track._replace(dim=place[reach.track.dim])
            return replace(reach, seen=reach.seen.transpose(*order, len(order)), track=track)

        return self._each(change, [self.shape[dim] for dim in order])

    def reshaped(self, shape: Sequence[int]) -> Value:
        """The same units in their order, under other dimensions."""
        groups = _groups(self.shape, shape)

        def change(reach: Reach) -> Reach:
            seen, sizes, wide = reach.seen, [], []
            for old, new in groups:
                given = [reach.seen.shape[dim] for dim in old]
                whole = [self.shape[dim] for dim in old]
                if all(size == 1 for size in given):
                    sizes += [1] * len(new)
                elif seen.size // math.prod(given) * math.prod(whole) > MOST_WORDS:
                    seen = together(seen, old)
                    sizes += [1] * len(new)
                else:
                    full = list(seen.shape)
                    full[old[0] : old[-1] + 1] = whole
                    seen = np.broadcast_to(seen, full)
                    sizes += [shape[dim] for dim in new]
                    wide += new
            seen = compressed(seen.reshape(*sizes, reach.seen.shape[-1]), wide)
            track = reach.track and _refolded(reach.track, self.shape, shape, groups)
            changed = replace(reach, seen=seen, track=track)
            return changed if track or not reach.track else changed.lost("a reshape across units")

        return self._each(change, shape)

    def broadcast(self, shape: Sequence[int]) -> Value:
        """With dimensions in front and repeated along those of size 1."""
        extra = len(shape) - len(self.shape)

        def change(reach: Reach) -> Reach:
            seen = reach.seen.reshape((1,) * extra + reach.seen.shape)
            track = reach.track and reach.track._replace(dim=reach.track.dim + extra)
            reach = replace(reach, seen=seen, track=track)
            if track and shape[track.dim] != self.shape[track.dim - extra]:
                return reach.lost("one unit spread over many")
            return reach

        return self._each(change, shape)

    def accumulated(self, dim: int) -> Value:
        """Every unit sees what it and those before it see: a causal mask, a cumulative sum."""

        def change(reach: Reach) -> Reach:
            seen = np.bitwise_or.accumulate(reach.seen, axis=dim)
            reach = replace(reach, seen=seen)
            return reach.lost("a sum over all before") if reach.track and reach.track.dim == dim else reach

        return self._each(change, self.shape)


def union(values: Sequence[Value], shape: Sequence[int]) -> Value:
    """What several tensors see between them, unit by unit, broadcast to one shape."""
    wide = [value.broadcast(shape) for value in values if value.reaches]
    if not wide:
        return Value(tuple(shape))
    merged = wide[0].reaches
    for value in wide[1:]:
        merged = tuple(map(_both, merged, value.reaches))
    return Value(tuple(shape), merged)


def _both(one: Reach, other: Reach) -> Reach:
    if one is other:
        return one
    seen = one.seen | other.seen
    if one.track is None or other.track is None:
        reason = one.reason if one.track is None else other.reason
        return replace(one, seen=seen, track=None, reason=reason)
    mine, yours = one.track, other.track
    if mine[1:] != yours[1:]:
        mine, yours = mine.settled() or mine, yours.settled() or yours
    if mine[1:] != yours[1:]:
        return Reach(seen, one.pixels, None, "units that meet others in another order")
    field = mine.field if mine.field == yours.field else mine.field.union(yours.field)
    if field is None:
        return Reach(seen, one.pixels, None, "paths with different jumps")
    return replace(one, seen=seen, track=mine._replace(field=field))


def joined(values: Sequence[Value], dim: int, shape: Sequence[int]) -> Value:
    """Tensors one after the other along a dimension."""
    known = [value for value in values if value.reaches]
    if not known:
        return Value(tuple(shape))
    merged = union([value.mixed([dim], "", [shape[dim]]) for value in known], shape)
    reaches = []
    for axis, reach in enumerate(merged.reaches):
        parts = [value.reaches[axis].seen if value.reaches else None for value in values]
        others = [max(part.shape[d] for part in parts if part is not None) for d in range(len(shape))]
        pieces = []
        differ = not all(part is not None and _same(part, parts[0], dim) for part in parts)
        for value, part in zip(values, parts, strict=True) if differ else ():
            others[dim] = value.shape[dim]
            pieces.append(
                nothing_like(reach.seen, others)
                if part is None
                else np.broadcast_to(part, (*others, part.shape[-1]))
            )
        track, reason = reach.track, reach.reason
        along = [value.reaches[axis].track for value in known]
        if any(one and one.dim == dim for one in along):
            track, reason = _lone_track(values, axis, dim, shape[dim]), "pieces joined along the axis"
        seen = compressed(np.concatenate(pieces, dim), [dim]) if differ else known[0].reaches[axis].seen
        reaches.append(Reach(seen, reach.pixels, track, "" if track else reason))
    return Value(tuple(shape), tuple(reaches))


def _same(one: Sets, other: Sets | None, dim: int) -> bool:
    """Whether two pieces see the same, whatever their sizes along the dimension."""
    return other is not None and one.shape[dim] == 1 and np.array_equal(one, other)


def _lone_track(values: Sequence[Value], axis: int, dim: int, size: int) -> Track | None:
    """Constants joined to both ends of a map are padding."""
    before = 0
    known = [number for number, value in enumerate(values) if value.reaches]
    before = sum(value.shape[dim] for value in values[: known[0]])
    track = values[known[0]].reaches[axis].track
    track = track.settled() if track and len(known) == 1 else None
    field = track and track.field.then(window(1, padding=before))
    return Track(field, dim, size) if field else None


def _groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
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


def _refolded(
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
        if inner % after == 0 and new[dim] == rounds * track.units * (inner // after):
            return track._replace(dim=dim, outer=rounds, inner=inner // after)
    for dim, rounds, after in places:
        block = after // inner if after % inner == 0 else 0
        if block > 1 and track.units % block == 0 and new[dim] == rounds * (track.units // block):
            field = track.field.then(window(block, stride=block))
            return Track(field, dim, track.units // block, rounds) if field else None
    return None


def rows_of(taps: Taps, size: int) -> Rows:
    """The taps of so many units as a table; short lists are filled with units that do not exist."""
    most = max((len(phase) for phase in taps.phases), default=0) or 1
    filled = np.array([list(phase) + [NOWHERE] * (most - len(phase)) for phase in taps.phases], dtype=np.intp)
    units = np.arange(size)
    return filled[units % len(taps.phases)] + (units // len(taps.phases) * taps.advance)[:, None]

"""What the units of one tensor see, and the few ways in which one tensor comes from another.

For each axis of the image two answers are kept. The exact set of pixels, with the borders and the gaps, is
an array (`seen`) that broadcasts against the tensor. The rule that holds far from the borders (`Field`) needs
one dimension of the tensor along which it runs; where an operation leaves none, the reason is kept instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from convlib.receptive_field.field import Taps
from convlib.receptive_field.seen import Rows, Sets, compressed, gather, together
from convlib.receptive_field.track import Track, groups_of, refolded

MOST_WORDS = 2**24  # 128 MB; what would need more is answered with all that it may see


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
        groups = groups_of(self.shape, shape)

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
            track = reach.track and refolded(reach.track, self.shape, shape, groups)
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

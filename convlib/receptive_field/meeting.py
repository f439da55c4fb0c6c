"""Where several tensors become one: unit by unit, or one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from convlib.receptive_field.field import window
from convlib.receptive_field.seen import Sets, compressed, nothing_like
from convlib.receptive_field.track import Track
from convlib.receptive_field.value import Reach, Value


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

"""One line of a report: what the units of one tensor see, in numbers and in exact sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib._checks import shown
from convlib.receptive_field.field import Field, Interval
from convlib.receptive_field.seen import Sets, as_mask, ends
from convlib.receptive_field.track import Track
from convlib.receptive_field.value import Reach, Value
from convlib.shapes import Ints, as_tuple


@dataclass(frozen=True)
class Row:
    """One operation: what the units of its result see. Tuples have an entry for each axis of the image."""

    name: str
    operation: str
    paths: tuple[str, ...]
    image: tuple[int, ...]
    value: Value = field(repr=False)
    below: Sequence[Any] = field(repr=False, default=())
    is_output: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the tensor."""
        return self.value.shape

    @cached_property
    def fields(self) -> tuple[Field | None, ...]:
        """The rule along each axis; None where there is none, for the reason in `reasons`."""
        return tuple(self._rule(axis) for axis in range(len(self.image)))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why an axis has no rule: the operation after which it had none."""
        return tuple(
            "" if one else reach.reason or "units that see unlike parts"
            for one, reach in zip(self.fields, self.value.reaches, strict=True)
        )

    @property
    def output_size(self) -> tuple[int, ...]:
        """Units along each axis; 1 where the tensor has no such axis any more."""
        sizes = []
        for track, dim in zip(self._tracks, self._dims, strict=True):
            sizes.append(track.units if track else 1 if dim is None else self.shape[dim])
        return tuple(sizes)

    @cached_property
    def size(self) -> tuple[int, ...]:
        """Pixels that a unit sees, from the first to the last; the most, where units differ."""
        pairs = zip(self.fields, self.value.reaches, strict=True)
        return tuple(one.size if one else _widest(reach) for one, reach in pairs)

    @property
    def jump(self) -> tuple[int | Fraction | None, ...]:
        """Pixels from one unit to the next; None without a rule."""
        return tuple(one.jump if one else None for one in self.fields)

    @property
    def start(self) -> tuple[int | None, ...]:
        """First pixel that the first unit sees, below zero in the padding; None without a rule."""
        return tuple(one.start if one else None for one in self.fields)

    @property
    def padding(self) -> tuple[int | None, ...]:
        """The effective padding, ``-start``."""
        return tuple(None if one is None else -one for one in self.start)

    def region(self, unit: Ints | None = None) -> tuple[Interval | None, ...]:
        """First and last pixel inside the image that one unit sees; by default the middle one."""
        return tuple(map(ends, self.seen(unit)))

    def seen(self, unit: Ints | None = None) -> tuple[NDArray[np.bool_], ...]:
        """Whether one unit sees each pixel, along each axis: gaps and borders are told exactly."""
        units = self._middle() if unit is None else as_tuple(unit, len(self.image), "unit", 0, "seen")
        for u, n in zip(units, self.output_size, strict=True):
            if u >= n:
                raise ValueError(f"seen: {self.name} has {shown(self.output_size)} units, not {shown(unit)}")
        found = tuple(self._words(reach, units) for reach in self.value.reaches)
        # A unit that lies in the padding of one axis sees nothing along the others either.
        return found if all(one.any() for one in found) else tuple(np.zeros_like(one) for one in found)

    def units(self, pixel: Ints) -> tuple[Interval | None, ...]:
        """The inverse: first and last unit that sees one pixel, along each axis."""
        pixels = as_tuple(pixel, len(self.image), "pixel", 0, "units")
        found = []
        for axis, (x, count) in enumerate(zip(pixels, self.output_size, strict=True)):
            at = list(self._middle())
            sees = []
            for unit in range(count):
                at[axis] = unit
                sees.append(self._words(self.value.reaches[axis], at)[x])
            found.append(ends(np.array(sees)))
        return tuple(found)

    @property
    def changed(self) -> bool:
        """Whether it sees other than what it is computed from; batch norm in evaluation does not."""
        return not self.below or any(_summary(self.value) != _summary(one) for one in self.below)

    @property
    def _dims(self) -> list[int | None]:
        spatial = len(self.shape) == len(self.image) + 2
        return [
            track.dim if track else axis + 2 if spatial else None for axis, track in enumerate(self._tracks)
        ]

    @cached_property
    def _tracks(self) -> list[Track | None]:
        """Where units stand several times in a row, each is a unit; not in a map whose axes are one."""
        tracks = [reach.track for reach in self.value.reaches]
        shared = Counter(track.dim for track in tracks if track)
        return [track and (track if shared[track.dim] > 1 else track.settled() or track) for track in tracks]

    def _middle(self) -> tuple[int, ...]:
        return tuple(n // 2 for n in self.output_size)

    def _words(self, reach: Reach, units: Sequence[int]) -> NDArray[np.bool_]:
        at: dict[int, int] = {}
        for track, dim, unit in zip(self._tracks, self._dims, units, strict=True):
            if dim is not None:
                at[dim] = at.get(dim, 0) + unit * (track.inner if track else 1)
        seen: Sets = reach.seen
        for dim, index in at.items():
            if seen.shape[dim] > 1:
                seen = seen.take([index], dim)
        return as_mask(np.bitwise_or.reduce(seen.reshape(-1, seen.shape[-1]), axis=0), reach.pixels)

    def _rule(self, axis: int) -> Field | None:
        """The rule, unless the exact sets of units in the middle say that it promises too much."""
        track = self._tracks[axis]
        if track is None:
            return None
        units = list(self._middle())
        for unit in range(units[axis], min(units[axis] + len(track.field.intervals), track.units)):
            promised = track.field.region(unit)
            inside = promised and promised[0] >= 0 and promised[1] < self.image[axis]
            units[axis] = unit
            if inside and ends(self._words(self.value.reaches[axis], units)) != promised:
                return None
        return track.field


def _summary(value: Any) -> Any:
    """What a row shows, without what only its place in the tensor decides."""
    if isinstance(value, list):
        return [_summary(one) for one in value if one is not None]
    return [(one.track and (one.track.field, one.track.units), one.reason) for one in value.reaches]


def _widest(reach: Reach) -> int:
    masks = as_mask(reach.seen.reshape(-1, reach.seen.shape[-1]), reach.pixels)
    masks = masks[masks.any(axis=1)]
    if not len(masks):
        return 0
    return int((reach.pixels - masks[:, ::-1].argmax(axis=1) - masks.argmax(axis=1)).max())

"""One axis: which pixels a unit sees, as a rule that holds for all units at once.

A layer says which units of the layer below each of its units reads: that is a `Taps`. What a unit sees of
the image in the end is a `Field`. Putting a layer on top turns one field into the next, and nothing else is
needed: convolution, pooling, transposed convolution and resizing are all taps.

Both are periodic. Where each unit does what its neighbour does, the period is 1; after enlarging by 2, every
second unit does the same, one pixel further.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

LONGEST_PERIOD = 1024  # beyond it, a rule says nothing that a list of the units would not say

Interval = tuple[int, int]  # first and last pixel, both counted


@dataclass(frozen=True)
class Taps:
    """Units that each unit reads: those of ``phases[u % period]``, moved on by `advance` each period."""

    phases: tuple[tuple[int, ...], ...]
    advance: int

    def of(self, unit: int) -> tuple[int, ...]:
        """The units that one unit reads; those outside the map are padding.

        Examples
        --------
        >>> window(3, stride=2, padding=1).of(4)  # 2*4 - 1 is the first
        (7, 8, 9)
        """
        period, phase = divmod(unit, len(self.phases))
        return tuple(tap + period * self.advance for tap in self.phases[phase])


def window(kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Taps:
    """Convolution and pooling: k taps, d apart, and s further for the next unit."""
    return Taps((tuple(t * dilation - padding for t in range(kernel_size)),), stride)


def transposed_window(kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Taps:
    """Transposed convolution: unit u takes from i wherever u = s i - p + d t for a tap t.

    Examples
    --------
    >>> transposed_window(3, stride=2, padding=1).phases  # taps meet an even unit once, an odd one twice
    ((0,), (1, 0))
    """
    phases = []
    for unit in range(stride):
        places = (unit + padding - dilation * tap for tap in range(kernel_size))
        phases.append(tuple(place // stride for place in places if place % stride == 0))
    return Taps(tuple(phases), 1)


def bins(input_size: int, output_size: int) -> Taps:
    """Adaptive pooling: bin i runs from floor(i n/o) to ceil((i + 1) n/o), the last not counted."""
    period = output_size // math.gcd(input_size, output_size)
    ends = ((i * input_size // output_size, -((i + 1) * -input_size // output_size)) for i in range(period))
    return Taps(tuple(tuple(range(*end)) for end in ends), input_size * period // output_size)


def resized(scale: Fraction, mode: str, align_corners: bool = False, antialias: bool = False) -> Taps:
    """Interpolation as if the image had no border; `scale` is the distance of neighbours, in old pixels.

    Examples
    --------
    >>> resized(Fraction(1, 2), "linear").phases  # -1/4 and 1/4 lie between the pixels -1, 0 and 1
    ((-1, 0), (0, 1))
    """
    half = Fraction(1, 2)
    phases: list[tuple[int, ...]] = []
    for unit in range(scale.denominator):
        place = unit * scale if align_corners else (unit + half) * scale - half
        whole = math.floor(place)
        if mode == "nearest":
            phases.append((math.floor(unit * scale),))
        elif mode == "nearest-exact":
            phases.append((math.floor((unit + half) * scale),))
        elif antialias:
            reach = scale * (2 if mode == "bicubic" else 1)
            phases.append(tuple(range(math.floor(place - reach) + 1, math.ceil(place + reach))))
        elif place == whole:
            phases.append((whole,))
        else:
            steps = range(-1, 3) if mode == "bicubic" else range(2)
            phases.append(tuple(whole + step for step in steps))
    return Taps(tuple(phases), scale.numerator)


def repeated(times: int) -> Taps:
    """Each unit several times in a row."""
    return Taps(((0,),) * times, 1)


@dataclass(frozen=True)
class Field:
    """What every unit of one axis sees: an interval for each phase, `advance` pixels on for each period.

    Pixels outside the image are padding; they count, as they do in the published figures. A phase is None
    where the unit sees nothing, as between the zeros that a transposed convolution may leave.
    """

    intervals: tuple[Interval | None, ...] = ((0, 0),)
    advance: int = 1

    @cached_property
    def size(self) -> int:
        """Pixels from the first that a unit sees to the last; the largest, where units differ."""
        return max((last - first + 1 for first, last in filter(None, self.intervals)), default=0)

    @property
    def jump(self) -> int | Fraction:
        """Pixels from one unit to the next: the product of the strides."""
        jump = Fraction(self.advance, len(self.intervals))
        return jump.numerator if jump.denominator == 1 else jump

    @property
    def start(self) -> int:
        """The first pixel that unit 0 sees; below zero it lies in the padding."""
        unit = next((u for u, interval in enumerate(self.intervals) if interval), None)
        return 0 if unit is None else (self.region(unit) or (0, 0))[0]

    @property
    def padding(self) -> int:
        """The effective padding: how far the first unit reaches over the edge."""
        return -self.start

    @cached_property
    def centre(self) -> Fraction:
        """Where unit 0 looks; unit u looks at ``centre + u * jump``, on average over a period.

        Examples
        --------
        >>> Field().then(window(3, stride=2, padding=1)).centre
        Fraction(0, 1)
        """
        seen = [(u, interval) for u, interval in enumerate(self.intervals) if interval]
        total = sum((Fraction(sum(interval), 2) - u * self.jump for u, interval in seen), Fraction(0))
        return total / max(1, len(seen))

    def region(self, unit: int) -> Interval | None:
        """First and last pixel that a unit sees, padding included; None where it sees nothing.

        Examples
        --------
        >>> Field().then(window(3, stride=2, padding=1)).region(5)
        (9, 11)
        """
        period, phase = divmod(unit, len(self.intervals))
        interval = self.intervals[phase]
        return interval and (interval[0] + period * self.advance, interval[1] + period * self.advance)

    def units(self, pixel: int, output_size: int | None = None) -> Interval | None:
        """The inverse: first and last unit whose field holds the pixel; None where no unit's does.

        Examples
        --------
        >>> Field().then(window(3, stride=1, padding=1)).units(7)
        (6, 8)
        """
        if self.advance < 1:
            raise ValueError("units: every unit sees the same pixels")
        period, found = len(self.intervals), []
        for phase, interval in enumerate(self.intervals):
            if interval:
                earliest, latest = (
                    -((interval[1] - pixel) // self.advance),
                    (pixel - interval[0]) // self.advance,
                )
                earliest = max(earliest, 0)  # there is no unit before 0
                if output_size is not None:
                    latest = min(latest, (output_size - 1 - phase) // period)
                if earliest <= latest:
                    found += [earliest * period + phase, latest * period + phase]
        return (min(found), max(found)) if found else None

    def then(self, taps: Taps) -> Field | None:
        """The field with one layer more; None where it repeats too seldom to be a rule.

        Examples
        --------
        >>> field = Field().then(window(7, stride=2, padding=3)).then(window(3, stride=2, padding=1))
        >>> field.size, field.jump, field.start  # 1 + 6*1 + 2*2; 2*2; -3 - 1*2
        (11, 4, -5)
        """
        period = len(self.intervals)
        rounds = period // math.gcd(taps.advance, period)
        if rounds * len(taps.phases) > LONGEST_PERIOD:
            return None
        units = range(rounds * len(taps.phases))
        intervals = tuple(_hull(map(self.region, _ends(taps.of(unit), period))) for unit in units)
        return Field(intervals, self.advance * (taps.advance * rounds // period))._shortest()

    def union(self, other: Field) -> Field | None:
        """Both together, where two paths meet; None where they move on at different paces."""
        period = math.lcm(len(self.intervals), len(other.intervals))
        if self.jump != other.jump or period > LONGEST_PERIOD:
            return None
        pairs = ((self.region(unit), other.region(unit)) for unit in range(period))
        return Field(tuple(map(_hull, pairs)), self.advance * (period // len(self.intervals)))._shortest()

    def aligned(self, other: Field) -> bool:
        """Whether both look at the same places: equal jumps and equal centres."""
        return self.jump == other.jump and self.centre == other.centre

    def _shortest(self) -> Field:
        """The same rule with the shortest period."""
        whole = len(self.intervals)
        for period in range(1, whole):
            if whole % period == 0 and self.advance * period % whole == 0:
                short = Field(self.intervals[:period], self.advance * period // whole)
                if all(short.region(unit) == self.intervals[unit] for unit in range(period, whole)):
                    return short
        return self


def _ends(taps: tuple[int, ...], period: int) -> tuple[int, ...]:
    """The taps that can matter: among units that all do the same, the outermost two."""
    return (min(taps), max(taps)) if period == 1 and taps else taps


def _hull(intervals: Iterable[Interval | None]) -> Interval | None:
    seen = [interval for interval in intervals if interval]
    return (min(first for first, _ in seen), max(last for _, last in seen)) if seen else None

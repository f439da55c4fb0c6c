"""What is handed back: a row for each operation, as text, as HTML and as plain data."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib._checks import shown
from convlib.receptive_field.field import Field, Interval
from convlib.receptive_field.seen import Sets, as_mask, ends
from convlib.receptive_field.value import Reach, Track, Value
from convlib.shapes import Ints, as_tuple

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


@dataclass(frozen=True)
class Misalignment:
    """Two paths that meet and look at different places."""

    name: str
    axis: int
    paths: tuple[tuple[str, ...], tuple[str, ...]]
    jumps: tuple[Any, ...]
    centres: tuple[Fraction, ...]

    def __str__(self) -> str:
        ways = [" > ".join(path) or "directly" for path in self.paths]
        looks = [
            f"by {way}: centre {_number(centre)}, jump {_number(jump)}"
            for way, centre, jump in zip(ways, self.centres, self.jumps, strict=True)
        ]
        return f"{self.name}, axis {self.axis}: {looks[0]}; {looks[1]}"


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


@dataclass(frozen=True)
class Report:
    """The receptive field of every operation of a model; its own numbers are those of the last one.

    ``report["layer1"]`` is the row of an operation, or the last one inside a module. In a terminal and in a
    notebook a report shows as a table of the operations that change what is seen.
    """

    image: tuple[int, ...]
    rows: list[Row]
    misalignments: list[Misalignment]

    @property
    def last(self) -> Row:
        """The row of the model's output; the first, where it has several."""
        return next((row for row in self.rows if row.is_output), self.rows[-1])

    @property
    def size(self) -> tuple[int, ...]:
        """Pixels that an output unit sees along each axis."""
        return self.last.size

    @property
    def jump(self) -> tuple[int | Fraction | None, ...]:
        """The effective stride along each axis."""
        return self.last.jump

    @property
    def start(self) -> tuple[int | None, ...]:
        """First pixel that the first output unit sees."""
        return self.last.start

    @property
    def padding(self) -> tuple[int | None, ...]:
        """The effective padding along each axis."""
        return self.last.padding

    @property
    def output_size(self) -> tuple[int, ...]:
        """Units of the output along each axis."""
        return self.last.output_size

    @property
    def aligned(self) -> bool:
        """Whether paths that meet look at the same places, everywhere in the model."""
        return not self.misalignments

    def region(self, unit: Ints | None = None) -> tuple[Interval | None, ...]:
        """First and last pixel that one output unit sees."""
        return self.last.region(unit)

    def units(self, pixel: Ints) -> tuple[Interval | None, ...]:
        """First and last output unit that sees one pixel."""
        return self.last.units(pixel)

    def __getitem__(self, name: str) -> Row:
        named = [row for row in self.rows if row.name == name]
        inside = [row for row in self.rows if name in row.paths]
        if not (named or inside):
            raise KeyError(f"no operation or module is called {name!r}")
        return (named or inside)[-1]

    def table(self, every: bool = False) -> list[list[str]]:
        """The cells of the table as text; `every` also lists what changes nothing."""
        head = ["layer", "output", "sees", "jump", "start", "the middle unit sees"]
        return [head] + [_cells(row) for row in self.rows if every or row.changed or row.is_output]

    def to_text(self, every: bool = False) -> str:
        """The table for a terminal."""
        cells = self.table(every)
        widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
        lines = [
            "  ".join(
                cell.ljust(width) if column in (0, 5) else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in cells
        ]
        rule = "-" * max(map(len, lines))
        return "\n".join([self._title(), lines[0], rule, *lines[1:], *self._remarks()])

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        head, *body = self.table()
        columns = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
        lines = [
            f'<tr><th scope="row">{html.escape(name)}</th>'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
            + "</tr>"
            for name, *cells in body
        ]
        remarks = "".join(f"<p>{html.escape(one)}</p>" for one in self._remarks())
        return (
            f"<table><caption>{html.escape(self._title())}</caption><thead><tr>{columns}</tr></thead>"
            f"<tbody>{''.join(lines)}</tbody></table>{remarks}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and words, as JSON takes them; fractions of a pixel become floats."""
        return {
            "input_size": list(self.image),
            "aligned": self.aligned,
            "misalignments": [str(one) for one in self.misalignments],
            "layers": [_plain(row) for row in self.rows],
        }

    def _title(self) -> str:
        names = " x ".join(AXES.get(len(self.image), ())) or f"{len(self.image)} axes"
        return f"Receptive field on an image of {' x '.join(map(str, self.image))} pixels ({names})"

    def _remarks(self) -> list[str]:
        reasons = dict.fromkeys(reason for row in self.rows for reason in row.reasons if reason)
        remarks = [f"No rule after: {reason}." for reason in reasons]
        return remarks + [f"Not aligned: {one}." for one in self.misalignments]


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


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) or value.denominator < 100 else f"{float(value):.4g}"


def _shared(cells: Iterable[str]) -> str:
    """One entry for all axes where they agree."""
    several = list(cells)
    return several[0] if len(set(several)) == 1 else " x ".join(several)


def _cells(row: Row) -> list[str]:
    whole = [size >= n and not one for size, n, one in zip(row.size, row.image, row.fields, strict=True)]
    regions = [f"{one[0]}..{one[1]}" if one else "nothing" for one in row.region()]
    return [
        row.name,
        " x ".join(map(str, row.output_size)),
        _shared("all" if everything else str(size) for everything, size in zip(whole, row.size, strict=True)),
        _shared(map(_number, row.jump)),
        _shared(map(_number, row.start)),
        _shared(regions),
    ]


def _plain(row: Row) -> dict[str, Any]:
    jumps = [int(one) if isinstance(one, int) else one and float(one) for one in row.jump]
    return {
        "name": row.name,
        "operation": row.operation,
        "shape": list(row.shape),
        "output_size": list(row.output_size),
        "size": list(row.size),
        "jump": jumps,
        "start": list(row.start),
        "region": [one and list(one) for one in row.region()],
        "reasons": list(row.reasons),
    }

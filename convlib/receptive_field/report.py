"""What is handed back: a row for each operation, as text, as HTML and as plain data."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from convlib.receptive_field.field import Interval
from convlib.receptive_field.row import Row
from convlib.shapes import Ints

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

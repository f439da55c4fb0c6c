"""The receptive field lab of chapter 10: a stack of layers, what a unit sees, and which units see a pixel."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import traitlets

from convlib._checks import require_one_of
from convlib._checks import shown as quoted
from convlib.labs._lab import Lab, html_table, module, plural, shown, style
from convlib.labs.convolution import pair
from convlib.photographs import photograph
from convlib.receptive_field.field import Field, Interval
from convlib.receptive_field.layers import Layer, Step, stack
from convlib.shapes import Ints, as_integer, as_tuple

FUNCTION = "receptive_field"
KINDS = {
    "conv": "convolution",
    "pool": "pooling",
    "transposed": "transposed",
    "upsample": "nearest",
    "bilinear": "bilinear",
}  # each with the kind that `Layer` calls it
ENLARGING = ("upsample", "bilinear")  # they have a factor, s, and nothing else
RANGES = {"k": (1, 16), "s": (1, 16), "p": (0, 16), "d": (1, 16)}  # where the sliders begin and end
SIZES = (16, 256)
MOST_LAYERS = 20
LARGEST_MAP = 1024
PICTURE = 150  # rows and columns of the photograph, before it is scaled

Setting: TypeAlias = dict[str, Any]
LayerLike: TypeAlias = Mapping[str, Any] | Sequence[Any] | Layer


def _conv(k: int, s: int = 1, p: int | None = None, d: int = 1, kind: str = "conv") -> Setting:
    return {"kind": kind, "k": k, "s": s, "p": d * (k // 2) if p is None else p, "d": d}


def _pool(k: int = 2, s: int = 2, p: int = 0) -> Setting:
    return _conv(k, s, p, kind="pool")


_STRIDES = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
PRESETS: dict[str, tuple[int, list[Setting]]] = {
    "three 3×3": (48, [_conv(3)] * 3),
    "one 7×7": (48, [_conv(7)]),
    "stride 2, five times": (96, [_conv(3, 2)] * 5),
    "dilated 1, 2, 4, 8": (96, [_conv(3, d=d) for d in (1, 2, 4, 8)]),
    "dilated 2, 2, 2": (48, [_conv(3, d=2)] * 3),
    "down and up again": (
        96,
        [_conv(3), _pool(), _conv(3), _pool(), _conv(3), _conv(4, 2, 1, kind="transposed"), _conv(3),
         {"kind": "bilinear", "k": 1, "s": 2, "p": 0, "d": 1}, _conv(3)],
    ),
    "AlexNet": (
        224,
        [_conv(11, 4, 2), _pool(3), _conv(5), _pool(3), _conv(3), _conv(3), _conv(3), _pool(3)],
    ),
    "VGG-16": (224, [layer for times in (2, 2, 3, 3, 3) for layer in [*[_conv(3)] * times, _pool()]]),
    "ResNet-18, its longest path": (
        224,
        [_conv(7, 2), _pool(3, 2, 1),
         *(_conv(3, 2 if block and not i else 1) for block in range(4) for i in range(4))],
    ),
    "MobileNetV1 without its 1×1 layers": (224, [_conv(3, s) for s in _STRIDES]),
    "U-Net, its encoder": (
        188,
        [*[_conv(3, p=0), _conv(3, p=0), _pool()] * 4, *[_conv(3, p=0)] * 2],
    ),
    "empty": (96, []),
}  # fmt: skip


class LayerRow(NamedTuple):
    """What is true after one layer, the same along both axes. Where it does not fit, `problem` says why."""

    layer: str
    output_size: int | None = None
    size: int = 0
    jump: int | Fraction = 0
    start: int = 0
    centre: Fraction = Fraction(0)
    problem: str = ""


class Stacked(NamedTuple):
    """A stack as far as it fits."""

    steps: list[Step]
    rows: list[LayerRow]
    problem: str


class ReceptiveFieldLab(Lab):
    """A stack of layers on a photograph, what one unit sees, and which units see one pixel.

    Made by `receptive_field`.

    Attributes
    ----------
    layers : list of dict
        Each has a ``"kind"`` and the numbers ``"k"``, ``"s"``, ``"p"`` and ``"d"``.
    size : int
        Rows and columns of the photograph.
    layer : int
        The layer that is looked at; 0 is the photograph itself.
    position : list of two int
        The unit of this layer whose field is shown: row and column.
    pixel : list of two int
        The pixel whose readers are shown.
    photograph : str
        150 rows of 150 greys, a byte each, in base64.
    """

    _esm, _css = module("receptive_field"), style("receptive_field")
    name = "receptive_field"
    title = "Receptive field"
    layers = traitlets.List(traitlets.Dict()).tag(sync=True, state=True)
    size = traitlets.Int(96).tag(sync=True, state=True)
    layer = traitlets.Int(0).tag(sync=True, state=True)
    position, pixel = pair(0), pair(0)
    photograph = traitlets.Unicode().tag(sync=True, state=True)

    def __repr__(self) -> str:
        """The photograph, the layers and what they come to."""
        size = f"{self.size} × {self.size}"
        return f"{self.title}: photograph {size}, {plural(len(self.layers), 'layer')}. {self.summary()}"

    @traitlets.default("photograph")
    def _cat(self) -> str:
        grey = photograph("chelsea", shrink=2).mean(axis=0)[:PICTURE, 45 : 45 + PICTURE]
        return b64encode((255 * grey).round().astype(np.uint8).tobytes()).decode()

    @traitlets.validate("layers")
    def _checked_layers(self, proposal: Any) -> list[Setting]:
        return _spelled_out(proposal.value)

    @traitlets.validate("size")
    def _checked_size(self, proposal: Any) -> int:
        return _within(proposal.value, "size", *SIZES)

    # --- what convlib computes ---

    @property
    def steps(self) -> list[Step]:
        """`convlib.receptive_field.stack` of the layers, down to the first that does not fit."""
        return self._stacked.steps

    @property
    def rows(self) -> list[LayerRow]:
        """Layer by layer, from the photograph on; layers below one that does not fit wait for it."""
        return self._stacked.rows

    @property
    def region(self) -> tuple[Interval | None, Interval | None]:
        """First and last row, and first and last column, that the unit sees, padding included."""
        i, j = self._unit
        return self._field.region(i), self._field.region(j)

    @property
    def units(self) -> tuple[Interval | None, Interval | None]:
        """First and last row, and first and last column, of the units in whose field the pixel lies."""
        n, (r, c) = self._map, self._looked_at
        return self._field.units(r, n), self._field.units(c, n)

    @property
    def read(self) -> tuple[list[int], list[int]]:
        """The rows and the columns of the photograph that the unit reads; what is padding is left out."""
        i, j = self._unit
        return self._read({i}), self._read({j})

    @property
    def readers(self) -> tuple[list[int], list[int]]:
        """The rows and the columns of the units that read the pixel."""
        r, c = self._looked_at
        return self._reading({r}), self._reading({c})

    @property
    def problem(self) -> str:
        """Why a layer does not fit, in a sentence; empty where all do."""
        return self._stacked.problem

    @property
    def _stacked(self) -> Stacked:
        return _stacked(
            tuple(tuple(one[name] for name in ("kind", *RANGES)) for one in self.layers), self.size
        )

    @property
    def _fitting(self) -> int:
        return len(self.steps)

    @property
    def _layer(self) -> int:
        return max(0, min(self.layer, self._fitting))

    @property
    def _field(self) -> Field:
        return self.steps[self._layer - 1].fields[0] if self._layer else Field()

    @property
    def _map(self) -> int:
        """Rows and columns of the layer that is looked at."""
        return self.rows[self._layer].output_size or 0

    @property
    def _unit(self) -> tuple[int, int]:
        i, j = (max(0, min(at, self._map - 1)) for at in self.position)
        return i, j

    @property
    def _looked_at(self) -> tuple[int, int]:
        r, c = (max(0, min(at, self.size - 1)) for at in self.pixel)
        return r, c

    def _read(self, found: set[int]) -> list[int]:
        """Pixels from which a way leads to one of the units, along one axis."""
        below = [row.output_size or 0 for row in self.rows]
        for number in range(self._layer, 0, -1):
            taps = as_layer(self.layers[number - 1]).taps()
            found = {tap for unit in found for tap in taps.of(unit) if 0 <= tap < below[number - 1]}
        return sorted(found)

    def _reading(self, found: set[int]) -> list[int]:
        """Units to which a way leads from one of the pixels, along one axis."""
        sizes = [row.output_size or 0 for row in self.rows]
        for number in range(1, self._layer + 1):
            taps = as_layer(self.layers[number - 1]).taps()
            found = {unit for unit in range(sizes[number]) if not found.isdisjoint(taps.of(unit))}
        return sorted(found)

    # --- in words, the same as in the live view ---

    def summary(self) -> str:
        """What the last layer that fits sees."""
        fitting, rows = self._fitting, self.rows
        head = f"Layer {fitting + 1} does not fit. " if self.problem else ""
        if not fitting:
            return f"{head}Without layers, a unit is a pixel."
        last, whole = rows[fitting], self.size**2
        words = (
            f"{head}After {plural(fitting, 'layer')} there are {_square(last.output_size)} units. "
            f"Each sees {'up to ' if len(_extents(self._last)) > 1 else ''}{_square(last.size)} pixels, and "
            f"neighbours look {_ratio(last.jump)} {'pixels' if last.jump > 1 else 'pixel'} apart. "
        )
        if last.size <= self.size:
            return f"{words}A field is {shown(100 * last.size**2 / whole)} % of the photograph."
        first = next(number for number, row in enumerate(rows) if row.size > self.size)
        return f"{words}From layer {first} on, a field is larger than the photograph."

    @property
    def _last(self) -> Field:
        return self.steps[-1].fields[0]

    def recurrence(self) -> list[str]:
        """How the numbers of the layer follow from those of the layer below it."""
        number = self._layer
        if not number:
            return []
        one, (below, row) = self.layers[number - 1], self.rows[number - 1 : number + 1]
        steps = self.steps
        field = steps[number - 1].fields[0]
        before = steps[number - 2].fields[0] if number > 1 else Field()
        k, s, p, d = (one[name] for name in "kspd")
        jump = _ratio(below.jump)
        plain = one["kind"] in ("conv", "pool") and len(before.intervals) == 1
        if plain:
            span = f"{d}·({k} \N{MINUS SIGN} 1)" if d > 1 else f"({k} \N{MINUS SIGN} 1)"
            return [
                f"field: {below.size} + {span}·{jump} = {row.size}",
                f"jump: {jump}·{s} = {_ratio(row.jump)}",
                f"start: {shown(below.start)} \N{MINUS SIGN} {p}·{jump} = {shown(row.start)}",
                f"centre: {shown(row.start)} + ({row.size} \N{MINUS SIGN} 1)/2 = {shown(float(row.centre))}",
            ]
        extents = _extents(field)
        sizes = str(extents[0]) if len(extents) == 1 else f"{extents[0]} to {extents[-1]}"
        period = len(field.intervals)
        again = f", the same again after {period} units" if period > 1 else ""
        by = f"{jump}·{s}" if one["kind"] in ("conv", "pool") else f"{jump} / {s}"
        return [
            f"field: {sizes}{again}",
            f"jump: {by} = {_ratio(row.jump)}",
            f"start: {shown(row.start)}",
            f"centre: {shown(float(row.centre))}{', on average' if period > 1 else ''}",
        ]

    def unit_in_words(self) -> str:
        """What the unit sees."""
        if not self._layer:
            return "Layer 0 is the photograph itself: its units are the pixels, and each sees itself."
        name = f"Unit {_at(self._unit)} of layer {self._layer}"
        rows, columns = self.region
        if rows is None or columns is None:
            return f"{name} sees nothing: no tap of a transposed convolution reaches it."
        sizes = [last - first + 1 for first, last in (rows, columns)]
        middle = ", ".join(shown((first + last) / 2) for first, last in (rows, columns))
        words = (
            f"{name} sees {_range('row', rows)} and {_range('column', columns)}: "
            f"{sizes[0]} × {sizes[1]} pixels around ({middle})."
        )
        inside = [max(0, min(last, self.size - 1) - max(first, 0) + 1) for first, last in (rows, columns)]
        if not all(inside):
            return f"{words} All of it lies in the padding."
        outside = [
            plural(n - m, what) for n, m, what in zip(sizes, inside, ("row", "column"), strict=True) if n > m
        ]
        if outside:
            verb = "lies" if outside in (["1 row"], ["1 column"]) else "lie"
            words += f" Of them, {' and '.join(outside)} {verb} in the padding."
        read, field = len(self.read[0]) * len(self.read[1]), inside[0] * inside[1]
        if read < field:
            words += (
                f" Of the {field:,} in the photograph it reads only {read:,} ({shown(100 * read / field)} %)."
            )
        return words

    def pixel_in_words(self) -> str:
        """Which units see the pixel."""
        if not self._layer:
            return ""
        name, layer = f"ixel {_at(self._looked_at)}", f"layer {self._layer}"
        rows, columns = self.units
        if rows is None or columns is None:
            return f"No unit of {layer} sees p{name}."
        read = math.prod(len(one) for one in self.readers)
        spanned = math.prod(last - first + 1 for first, last in (rows, columns))
        where = f"{_range('row', rows)}, {_range('column', columns)}"
        units = f"{plural(self._map**2, 'unit')} of {layer}"
        if read == spanned:
            return f"P{name} is seen by {read:,} of the {units}: {where}."
        return (
            f"P{name} lies between what {spanned:,} of the {units} see ({where}); "
            f"{read:,} of them {'reads' if read == 1 else 'read'} it."
        )

    def still(self) -> Iterator[str]:
        """The table, layer by layer, and the chosen unit and pixel in words."""
        yield f"<p>{self.summary()}</p>"
        headings = ["", "layer", "output", "field", "jump", "start", "centre"]
        table = []
        for number, row in enumerate(self.rows):
            numbers = [""] * 5
            if row.output_size:
                numbers = [f"{row.output_size:,}", f"{row.size:,}", _ratio(row.jump), shown(row.start)]
                numbers.append(shown(float(row.centre)))
            text = f"{row.layer}<br>{row.problem}" if row.problem else row.layer
            cells = [str(number), text, *numbers]
            if number == self._layer:
                cells = [f"<strong>{cell}</strong>" if cell else "" for cell in cells]
            table.append(cells)
        caption = (
            "Rows at the output, rows in a field, and where the first unit begins and looks; for columns the "
            "numbers are the same"
        )
        yield html_table(caption, table, headings)
        if self._layer:
            yield f"<p>Layer {self._layer}: {'; '.join(self.recurrence())}.</p>"
        yield f"<p>{self.unit_in_words()}</p>"
        if self._layer:
            yield f"<p>{self.pixel_in_words()}</p>"


@lru_cache(maxsize=16)  # every sentence asks for it
def _stacked(settings: tuple[tuple[Any, ...], ...], size: int) -> Stacked:
    layers = [dict(zip(("kind", *RANGES), one, strict=True)) for one in settings]
    n, field, problem, fitting = size, Field(), "", 0
    for one in layers:
        problem = _problem(one, n)
        if problem:
            break
        grown = field.then(as_layer(one).taps())
        if grown is None:
            problem = "Enlarged too often: no rule tells what its units see."
            break
        n, field, fitting = as_layer(one).output_size(n), grown, fitting + 1
    steps = stack([as_layer(one) for one in layers[:fitting]], size)
    rows = [LayerRow("photograph", size, *_numbers_of(Field()))]
    for one, step in zip(layers, steps, strict=False):
        (n,), (field,) = step.output_size or (0,), step.fields
        rows.append(LayerRow(in_words(one), n, *_numbers_of(field)))
    for number, one in enumerate(layers[fitting:]):
        why = f"Waits for layer {fitting + 1}." if number else problem
        rows.append(LayerRow(in_words(one), problem=why))
    return Stacked(steps, rows, problem)


def as_layer(one: Setting) -> Layer:
    """The layer as `convlib.receptive_field.stack` takes it.

    Examples
    --------
    >>> as_layer({"kind": "upsample", "k": 3, "s": 2, "p": 1, "d": 1})
    Layer(kernel_size=1, stride=2, padding=0, dilation=1, kind='nearest', output_padding=0, name='')
    """
    kind = KINDS[one["kind"]]
    if one["kind"] in ENLARGING:
        return Layer(stride=one["s"], kind=kind)
    return Layer(one["k"], one["s"], one["p"], one["d"], kind)


def in_words(one: Setting) -> str:
    """As in the table.

    Examples
    --------
    >>> in_words({"kind": "conv", "k": 3, "s": 1, "p": 2, "d": 2})
    'conv 3×3, s1 p2 d2'
    """
    kind, k, s, p, d = (one[name] for name in ("kind", *"kspd"))
    if kind in ENLARGING:
        return f"{kind} ×{s}"
    name = "transposed conv" if kind == "transposed" else str(kind)
    return f"{name} {k}×{k}, s{s} p{p}{f' d{d}' if d > 1 else ''}"


def receptive_field(
    layers: Sequence[LayerLike] | None = None,
    size: int | None = None,
    position: Ints | None = None,
    preset: str | None = None,
    *,
    layer: int | None = None,
    pixel: Ints | None = None,
) -> ReceptiveFieldLab:
    """A live lab: which pixels a unit of a stack of layers sees, and which units see a pixel.

    In the book it works in the page itself; in a running notebook its state and Python's are the same.
    Windows and pictures are square.

    Parameters
    ----------
    layers : sequence of dict, tuple or convlib.receptive_field.Layer, optional
        From the photograph on, at most 20. A dict has a ``"kind"``: ``"conv"``, ``"pool"``, ``"transposed"``,
        ``"upsample"`` (nearest) or ``"bilinear"``; and ``"k"``, ``"s"``, ``"p"`` and ``"d"``, with the
        defaults 1, 1, 0, 1. A tuple names them in this order: ``("conv", 3, 2, 1)``. The kinds that enlarge
        have only ``"s"``, the factor: ``("upsample", 2)``.
    size : int, optional
        Rows and columns of the photograph, 16 to 256; the preset's own, else 96.
    position : int or tuple of int, optional
        The unit whose field is shown, row and column; the middle one where none is given.
    preset : str, optional
        Instead of layers: ``"three 3×3"`` (the default), ``"one 7×7"``, ``"stride 2, five times"``,
        ``"dilated 1, 2, 4, 8"``, ``"dilated 2, 2, 2"``, ``"down and up again"``, ``"AlexNet"``, ``"VGG-16"``,
        ``"ResNet-18, its longest path"``, ``"MobileNetV1 without its 1×1 layers"`` (which see what the layer
        below sees), ``"U-Net, its encoder"`` or ``"empty"``.
    layer : int, optional
        The layer that is looked at, from 1; 0 is the photograph. The last where none is given.
    pixel : int or tuple of int, optional
        The pixel whose readers are shown; one in the cat's eye where none is given.

    Returns
    -------
    ReceptiveFieldLab
        Shows itself when it is the last line of a cell. `rows`, `region` and `units` are computed by
        `convlib.receptive_field.stack`; `read` and `readers` count only ways through units that exist.

    Raises
    ------
    ValueError
        An unknown preset, kind or setting, a number outside what the lab can show, or a layer that does not
        fit.
    TypeError
        What is no integer where one is needed, or no layer.

    See Also
    --------
    convlib.receptive_field.stack : the same numbers, also with rows and columns apart. Chapter 10.

    Examples
    --------
    >>> lab = receptive_field([("conv", 7, 2, 3), ("pool", 3, 2, 1)], size=224, position=(10, 0))
    >>> for row in lab.rows:
    ...     print(row.layer, row.output_size, row.size, row.jump, row.start)
    photograph 224 1 1 0
    conv 7×7, s2 p3 112 7 2 -3
    pool 3×3, s2 p1 56 11 4 -5
    >>> lab.region  # 10*4 - 5; the first column reaches 5 pixels into the padding
    ((35, 45), (-5, 5))
    >>> lab.pixel = [40, 0]
    >>> lab.units
    ((9, 11), (0, 1))
    """
    if layers is not None and preset is not None:
        raise ValueError(f"{FUNCTION}: give layers or preset, not both")
    name = "three 3×3" if preset is None else preset
    require_one_of(FUNCTION, "preset", name, tuple(PRESETS))
    usual, stacked = PRESETS[name]
    settings = _spelled_out(stacked if layers is None else layers)
    side = _within((96 if layers is not None else usual) if size is None else size, "size", *SIZES)
    eye = [2 * side // 5, 3 * side // 10]
    lab = ReceptiveFieldLab(layers=settings, size=side, layer=len(settings), pixel=eye)
    try:
        if lab.problem:
            words = f"{lab.problem[0].lower()}{lab.problem[1:-1]}"
            raise ValueError(f"{FUNCTION}: layer {lab._fitting + 1} does not fit: {words}")
        if layer is not None:
            lab.layer = _within(layer, "layer", 0, len(settings))
        n = lab._map
        lab.position = [n // 2, n // 2] if position is None else _place(position, "position", n)
        if pixel is not None:
            lab.pixel = _place(pixel, "pixel", side)
    except (TypeError, ValueError):
        lab.close()
        raise
    return lab


# --- what is given ---


def _within(value: Any, what: str, least: int, most: int) -> int:
    number = as_integer(value, what, FUNCTION, least)
    if number > most:
        raise ValueError(f"{FUNCTION}: {what} can be at most {most} here, got {quoted(value)}")
    return number


def _place(value: Ints, what: str, n: int) -> list[int]:
    numbers = as_tuple(value, 2, what, 0, FUNCTION)
    if max(numbers) >= n:
        raise ValueError(f"{FUNCTION}: {what} can be at most {n - 1} here, got {quoted(value)}")
    return list(numbers)


def _spelled_out(layers: Any) -> list[Setting]:
    if isinstance(layers, str | bytes | Mapping) or not isinstance(layers, Sequence):
        raise TypeError(f"{FUNCTION}: layers must be a list, got {quoted(layers)}")
    if len(layers) > MOST_LAYERS:
        raise ValueError(f"{FUNCTION}: layers can be at most {MOST_LAYERS} here, got {len(layers)}")
    return [_spelled(one, f"layer {number}") for number, one in enumerate(layers, 1)]


def _spelled(one: Any, where: str) -> Setting:
    """A layer as a dict with all its settings."""
    given = one
    if isinstance(one, Layer):
        named = {ours: name for name, ours in KINDS.items()}
        if one.kind not in named or one.output_padding not in (0, (0,), [0]):
            raise ValueError(f"{FUNCTION}: {where} is one that the lab cannot show: {quoted(one)}")
        numbers = zip("kspd", (one.kernel_size, one.stride, one.padding, one.dilation), strict=True)
        given = {"kind": named[one.kind], **dict(numbers)}
    elif isinstance(one, tuple | list) and one:
        names = "s" if one[0] in ENLARGING else "kspd"
        if len(one) > len(names) + 1:
            order = ", ".join(("kind", *names))
            raise ValueError(f"{FUNCTION}: {where} has too many numbers, ({order}) at most: {quoted(one)}")
        given = dict(zip(("kind", *names), one, strict=False))
    if not isinstance(given, Mapping):
        raise TypeError(f"{FUNCTION}: {where} must be a dict, a tuple or a Layer, got {quoted(one)}")
    require_one_of(FUNCTION, f"the kind of {where}", given.get("kind"), tuple(KINDS))
    unknown = [name for name in given if name not in ("kind", *RANGES)]
    if unknown:
        settings = ", ".join(("kind", *RANGES))
        raise ValueError(f"{FUNCTION}: {where} has no {quoted(unknown[0])}; its settings are {settings}")
    usual = {"k": 1, "s": 2 if given["kind"] in ENLARGING else 1, "p": 0, "d": 1}
    return {"kind": given["kind"]} | {
        name: _within(given.get(name, usual[name]), f"{name} of {where}", *RANGES[name]) for name in RANGES
    }


def _problem(one: Setting, n: int) -> str:
    """Why a layer makes nothing of a map of n rows and columns; empty where it does."""
    kind, k, s, p, d = (one[name] for name in ("kind", *"kspd"))
    span = d * (k - 1) + 1
    if kind == "pool" and p > k // 2:
        return f"The padding of a pooling can be at most half of its window: {k // 2} for {k}, not {p}."
    if kind in ("conv", "pool"):
        if span > n + 2 * p:
            return f"No window fits: it spans {plural(span, 'row')}, the padded map has {n + 2 * p}."
        return ""
    made = n * s if kind in ENLARGING else (n - 1) * s + span - 2 * p
    if made < 1:
        return f"Padding {p} on either side leaves nothing of the {plural(made + 2 * p, 'row')}."
    if made > LARGEST_MAP:
        return f"The output would have {made:,} rows, and this lab stops at {LARGEST_MAP:,}."
    return ""


# --- pieces of sentences ---


def _numbers_of(field: Field) -> tuple[int, int | Fraction, int, Fraction]:
    return field.size, field.jump, field.start, field.centre


def _extents(field: Field) -> list[int]:
    """The sizes that the fields of a layer have, the smallest first; 0 for a unit that sees nothing."""
    return sorted({one[1] - one[0] + 1 if one else 0 for one in field.intervals})


def _ratio(value: int | Fraction) -> str:
    return str(value)


def _square(n: int | None) -> str:
    return f"{n:,} × {n:,}"


def _at(place: Sequence[int]) -> str:
    return f"({place[0]}, {place[1]})"


def _range(word: str, ends: Interval) -> str:
    first, last = ends
    return f"{word} {shown(first)}" if first == last else f"{word}s {shown(first)} to {shown(last)}"

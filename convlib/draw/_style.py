"""What all figures share: ink and palette, cells with numbers, frames around them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from convlib.shapes import as_tuple

INK = "#1f2430"
LINES = "#8a8f98"
QUIET = "#5b6270"  # numbers that are not the image's own
ACCENT = "#b4540a"  # marks what the text speaks of
# Apart also for colour-blind readers, and dark enough on white for letters (4.5 : 1).
PALETTE = (ACCENT, "#0b4f8a", INK, "#2f7ea1", "#767676")
# As many as no palette divides: the same colour comes back with another line.
DASHES: tuple[Any, ...] = ("-", (0, (3, 1)), (0, (1, 0.8)))
SIGNED = LinearSegmentedColormap.from_list("signed", ["#0b4f8a", "#6fa8d6", "#ffffff", "#f2a65e", "#b4540a"])
UNSIGNED = LinearSegmentedColormap.from_list("unsigned", ["#ffffff", "#f2a65e", "#b4540a"])  # SIGNED's half
DPI = 150
STYLE: dict[Any, Any] = {
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "font.size": 11,
    "axes.titlesize": 11,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "figure.facecolor": "white",
    "hatch.linewidth": 0.8,
}
WIDTH = 6.4  # inches; with 11 point letters this is still readable on a phone

plt.rcParams.update(STYLE)  # the notebook saves a figure after the function that drew it has returned

Cells = Any  # what np.s_[...] makes


def in_a_row(function: str, columns: int | None, default: int) -> int:
    """How many pictures stand side by side."""
    return default if columns is None else as_tuple(columns, 1, "columns", function=function)[0]


def axes_at(figure: Figure, x: float, y: float, across: float, down: float) -> Axes:
    """Axes with their upper left corner at (x, y), in dots from the upper left corner of the figure."""
    width, height = figure.get_size_inches() * DPI
    return figure.add_axes((x / width, 1 - (y + down) / height, across / width, down / height))


def largest(array: NDArray[Any]) -> float:
    """The largest size of a finite number, for a scale symmetric about zero; 1 where all are 0."""
    finite = np.isfinite(array)
    return float(np.abs(array).max(initial=0, where=finite)) or 1.0


def number_texts(array: NDArray[Any]) -> list[str]:
    """Whole numbers in full, others with three significant digits; a minus as long as a plus."""
    texts = []
    for value in (array + 0).flat:  # + 0, so that no zero is negative
        whole = abs(value) < 1e6 and value == round(value)
        texts.append(
            f"{value:{'.0f' if whole else '.3g'}}".replace("-", "\N{MINUS SIGN}").replace("inf", "∞")
        )
    return texts


def fitting_fontsize(texts: Iterable[str], cell: float) -> float:
    """Points, for the longest of the texts in a cell of so many inches; never above 11."""
    return min(11, 72 * cell / (0.7 * max(map(len, texts)) + 0.5))


def draw_cells(
    axes: Axes,
    array: NDArray[Any],
    x: float,
    y: float,
    fontsize: float,
    limit: float,
    outside: NDArray[np.bool_] | None = None,
    unused: NDArray[np.bool_] | None = None,
) -> None:
    """One square for each entry, coloured by sign and size, with the number in it.

    Where `outside` holds the square is smaller and dashed and has no colour; where `unused` holds it is
    hatched.
    """
    for (row, column), text in zip(np.ndindex(array.shape), number_texts(array), strict=True):
        share = float(np.clip(array[row, column] / limit, -1, 1))
        look: dict[str, Any] = {"facecolor": SIGNED(0.5 + 0.3 * share)}  # light enough for dark letters
        inset, ink, halo = 0.0, INK, []
        if outside is not None and outside[row, column]:
            look, inset, ink = {"facecolor": "white", "linestyle": (0, (2, 1.5))}, 0.07, QUIET
        if unused is not None and unused[row, column]:
            look |= {"facecolor": "white", "hatch": "///"}
            halo = [withStroke(linewidth=3, foreground="white")]
        corner, side = (x + column + inset, y + row + inset), 1 - 2 * inset
        axes.add_patch(Rectangle(corner, side, side, edgecolor=LINES, linewidth=0.8, **look))
        place = (x + column + 0.5, y + row + 0.5)
        axes.text(*place, text, ha="center", va="center", fontsize=fontsize, color=ink, path_effects=halo)


def frame_look(number: int) -> dict[str, Any]:
    """Colour and line of the frame of this number: no two alike up to `MOST_FRAMES`."""
    colour, line = PALETTE[number % len(PALETTE)], DASHES[number % len(DASHES)]
    return {"fill": False, "edgecolor": colour, "linestyle": line, "linewidth": 3}


MOST_FRAMES = len(PALETTE) * len(DASHES)


def draw_frame(
    axes: Axes, rows: NDArray[Any], columns: NDArray[Any], x: float, y: float, inset: float = 0, **look: Any
) -> None:
    """A rectangle around all the cells with these rows and columns."""
    corner = (x + columns.min() + inset, y + rows.min() + inset)
    across, down = (float(np.ptp(along)) + 1 - 2 * inset for along in (columns, rows))
    axes.add_patch(Rectangle(corner, across, down, **(look or frame_look(0))))


def plain_numbers(axis: Axis) -> None:
    """0.3, 1, 3 and 10 along a logarithmic axis, instead of powers of ten."""
    axis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def chosen(cells: Cells, height: int, width: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows and columns of the cells that an index of `numpy.s_` means."""
    rows, columns = np.indices((height, width))
    return np.atleast_1d(rows[cells]), np.atleast_1d(columns[cells])
